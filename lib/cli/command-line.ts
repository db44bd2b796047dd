import { createRequire } from 'node:module';
import { didYouMean } from '../check.js';
import { COMMANDS } from './commands.js';
import { ALONE, type Crew } from './crew.js';
import { complain, EXIT, exitCodeOf, usage } from './errors.js';
import { commandHelp, mainHelp } from './help.js';
import { launched } from './launched.js';
import { parse } from './options.js';

const CODES = [
  [EXIT.done, 'done'],
  [EXIT.failed, 'failed: training diverged, or an error of fjordnet itself'],
  [EXIT.usage, 'the command line is wrong'],
  [EXIT.input, 'data or a network cannot be read or understood'],
  [EXIT.output, 'a result cannot be written'],
  [EXIT.missing, 'an optional package or the native binary is missing'],
  [
    EXIT.interrupted,
    'stopped by Ctrl-C; a training saves its network first (143 by SIGTERM, 129 by SIGHUP, 149 by Ctrl-Break)',
  ],
] as const;

/** Runs a command line; what goes wrong is said on standard error. @returns the exit code */
export async function commandLine(args: readonly string[]): Promise<number> {
  try {
    return await main(args);
  } catch (error) {
    complain(error);
    return exitCodeOf(error);
  }
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  const spec = COMMANDS.find((command) => command.name === name);
  const own = launched();
  if (own && own.rank > 0 && !spec?.isOfRanks) return EXIT.done; // rank 0 does it
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const about = name === 'help' ? rest[0] : undefined;
    if (about !== undefined) return main([about, '--help']);
    const text = mainHelp(COMMANDS, CODES);
    if (name !== undefined) process.stdout.write(text);
    else process.stderr.write(text);
    return name === undefined ? EXIT.usage : EXIT.done;
  }
  if (name === '--version' || name === '-V') {
    const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
    process.stdout.write(`${version}\n`);
    return EXIT.done;
  }
  if (!spec) {
    const names = COMMANDS.map((command) => command.name);
    throw usage(
      `Expected a command (${names.join(', ')})${didYouMean(name, names)}, got '${name}'; fjordnet --help explains them`,
    );
  }
  const run = async (crew: Crew) => {
    const values = await crew.each(() => parse(spec, rest));
    if (values.switch('help')) {
      if (crew.isFirst) process.stdout.write(commandHelp(spec));
      return EXIT.done;
    }
    if ([...values.positionals, values.text('test-data')].includes('-')) await crew.shareStandardInput();
    const command = await crew.each(spec.load);
    return command.run(values, crew);
  };
  if (!own || !spec.isOfRanks) return run(ALONE);
  const { amongRanks } = await import('./ranks.js');
  return amongRanks(own, run);
}
