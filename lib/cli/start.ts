import { harmless } from '../check.js';
import { commandLine } from './command-line.js';
import { watchStandardStreams } from './interrupt.js';
import { launched } from './launched.js';
import { leaveStandardInput } from './standard-input.js';

/** Runs the command line of this process. */
export async function start(): Promise<void> {
  watchStandardStreams();
  process.removeAllListeners('warning');
  if (!launched()?.rank)
    process.on('warning', ({ message }) => process.stderr.write(`fjordnet: ${harmless(message)}\n`));
  process.exitCode = await commandLine(process.argv.slice(2));
  leaveStandardInput();
}
