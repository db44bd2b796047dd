#!/usr/bin/env node
import { createRequire } from 'node:module';
import { didYouMean } from '../check.js';
import { CommandError, EXIT, exitCodeOf } from './errors.js';
import { commandHelp, mainHelp } from './help.js';
import { watchStandardStreams } from './interrupt.js';
import { type CommandSpec, parse } from './options.js';

/** Loaded when they are run: help and version need nothing native. */
const COMMANDS: Readonly<Record<string, { summary: string; load: () => Promise<CommandSpec> }>> = {
  train: {
    summary: 'Train a network, test it, and keep it',
    load: async () => (await import('./commands/train.js')).trainCommand,
  },
  grid: {
    summary: 'Train one network for every combination of options, and compare them',
    load: async () => (await import('./commands/grid.js')).gridCommand,
  },
  evaluate: {
    summary: 'Test a saved network',
    load: async () => (await import('./commands/evaluate.js')).evaluateCommand,
  },
  predict: {
    summary: 'Predict with a saved network, one line a sample',
    load: async () => (await import('./commands/predict.js')).predictCommand,
  },
  plot: {
    summary: 'Draw a figure: into an SVG or PNG file, or as text',
    load: async () => (await import('./commands/plot.js')).plotCommand,
  },
  report: {
    summary: 'Write an HTML report of a saved network, or of a grid',
    load: async () => (await import('./commands/report.js')).reportCommand,
  },
  info: {
    summary: 'Tell about this build of fjordnet, about a saved network, or about data',
    load: async () => (await import('./commands/info.js')).infoCommand,
  },
};

const CODES = [
  [EXIT.done, 'done'],
  [EXIT.failed, 'failed: training diverged, or an error of fjordnet itself'],
  [EXIT.usage, 'the command line is wrong'],
  [EXIT.input, 'data or a network cannot be read or understood'],
  [EXIT.output, 'a result cannot be written'],
  [EXIT.missing, 'an optional package or the native binary is missing'],
  [EXIT.interrupted, 'stopped by Ctrl-C; a training saves its network first (143 by SIGTERM, 129 by SIGHUP)'],
] as const;

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const about = name === 'help' ? rest[0] : undefined;
    if (about !== undefined) return main([about, '--help']);
    const text = mainHelp(
      Object.entries(COMMANDS).map(([command, { summary }]) => [command, summary] as const),
      CODES,
    );
    if (name !== undefined) process.stdout.write(text);
    else process.stderr.write(text);
    return name === undefined ? EXIT.usage : EXIT.done;
  }
  if (name === '--version' || name === '-V') {
    const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
    process.stdout.write(`${version}\n`);
    return EXIT.done;
  }
  if (!Object.hasOwn(COMMANDS, name)) {
    const names = Object.keys(COMMANDS);
    throw new CommandError(EXIT.usage, `Expected a command (${names.join(', ')})${didYouMean(name, names)}, got '${name}'; fjordnet --help explains them`);
  }
  const spec = await COMMANDS[name].load();
  const values = parse(spec, rest);
  if (values.switch('help')) {
    process.stdout.write(commandHelp(spec, COMMANDS[name].summary));
    return EXIT.done;
  }
  return spec.run(values);
}

/** One sentence for what a person can mend; all there is for what is our own mistake. */
function complain(error: unknown): void {
  const { message, stack } = error as Error;
  const isOurs = !(error instanceof CommandError) && !(error as NodeJS.ErrnoException).code && !message?.startsWith('Expected ');
  process.stderr.write(isOurs ? `fjordnet: unexpected error; please report it\n${stack ?? error}\n` : `fjordnet: ${message}\n`);
}

watchStandardStreams();
process.removeAllListeners('warning');
process.on('warning', ({ message }) => process.stderr.write(`fjordnet: ${message}\n`));
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  complain(error);
  process.exitCode = exitCodeOf(error);
}
