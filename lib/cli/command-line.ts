import { createRequire } from 'node:module';
import { didYouMean } from '../check.js';
import { isCommandError } from '../kind.js';
import { COMMANDS } from './commands.js';
import { EXIT, exitCodeOf, reason, usage } from './errors.js';
import { commandHelp, mainHelp } from './help.js';
import { parse } from './options.js';

const CODES = [
  [EXIT.done, 'done'],
  [EXIT.failed, 'failed: training diverged, or an error of fjordnet itself'],
  [EXIT.usage, 'the command line is wrong'],
  [EXIT.input, 'data or a network cannot be read or understood'],
  [EXIT.output, 'a result cannot be written'],
  [EXIT.missing, 'an optional package or the native binary is missing'],
  [EXIT.interrupted, 'stopped by Ctrl-C; a training saves its network first (143 by SIGTERM, 129 by SIGHUP)'],
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
  const spec = COMMANDS.find((command) => command.name === name);
  if (!spec) {
    const names = COMMANDS.map((command) => command.name);
    throw usage(
      `Expected a command (${names.join(', ')})${didYouMean(name, names)}, got '${name}'; fjordnet --help explains them`,
    );
  }
  const values = parse(spec, rest);
  if (values.switch('help')) {
    process.stdout.write(commandHelp(spec));
    return EXIT.done;
  }
  const { run } = await spec.load();
  return run(values);
}

/** One sentence for what a person can mend; all there is for what is our own mistake. */
function complain(error: unknown): void {
  process.stderr.write(
    `fjordnet: ${sentenceOf(error) ?? `unexpected error; please report it\n${(error as Error)?.stack ?? error}`}\n`,
  );
}

/** Errors of ours with a code are of the class Error: a TypeError with one is Node's, for a call that was wrong. */
function sentenceOf(error: unknown): string | undefined {
  const { code, syscall, path, name, message } = (error ?? {}) as NodeJS.ErrnoException;
  if (isCommandError(error) || message?.startsWith('Expected ')) return message;
  if (code === undefined || name !== 'Error') return undefined;
  return syscall === undefined
    ? message
    : `Cannot ${syscall}${path === undefined ? '' : ` '${path}'`}: ${reason(error)}`;
}
