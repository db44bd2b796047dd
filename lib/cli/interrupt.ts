import { constants } from 'node:os';
import { EXIT, reason } from './errors.js';

/** SIGBREAK is Ctrl-Break of Windows, which has no SIGTERM: a process is ended there as by SIGKILL. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'] as const;

/** What ended a run before its time: a signal, or the reader of a pipe that went away (`| head`). */
export type Interruption = (typeof SIGNALS)[number] | 'SIGPIPE';

/** The run that a signal is meant for. One process runs one command. */
let current: ((by: Interruption) => void) | undefined;

/**
 * Runs something that can be stopped: the first Ctrl-C (or SIGTERM, SIGHUP, Ctrl-Break, closed pipe) calls `stop`, after which `run`
 * should soon resolve; the second one leaves at once. Outside of such a run a signal does what it always does.
 */
export async function interruptible<T>(
  stop: (by: Interruption) => void,
  run: () => Promise<T>,
): Promise<{ result: T; by?: Interruption }> {
  let by: Interruption | undefined;
  const request = (signal: Interruption) => {
    if (by !== undefined) {
      if (signal !== 'SIGPIPE') process.exit(exitCode(signal));
      return;
    }
    by = signal;
    stop(signal);
  };
  current = request;
  for (const signal of SIGNALS) process.on(signal, request);
  try {
    return { result: await run(), ...(by && { by }) };
  } finally {
    current = undefined;
    for (const signal of SIGNALS) process.off(signal, request);
  }
}

/**
 * Has signals do nothing outside of `interruptible`: of several processes that one has stopped, another may get its own signal only
 * now. @returns what undoes it
 */
export function holdSignals(): () => void {
  const ignore = () => {};
  for (const signal of SIGNALS) process.on(signal, ignore);
  return () => {
    for (const signal of SIGNALS) process.off(signal, ignore);
  };
}

/** 128 and the number of the signal, as shells report it: 130 after Ctrl-C. A closed pipe is no failure. */
export function exitCode(by: Interruption): number {
  return by === 'SIGPIPE' ? EXIT.done : 128 + constants.signals[by];
}

/** Lets a closed pipe end the command quietly, and a full disk behind `>` with one sentence. */
export function watchStandardStreams(): void {
  let closed = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // EOF is Windows' other name of it
    if (error.code !== 'EPIPE' && error.code !== 'EOF' && !closed) {
      process.stderr.write(`fjordnet: Cannot write to standard output: ${reason(error)}\n`);
      process.exit(EXIT.output);
    }
    // A run ends by itself, and saves its network first; what it still writes fails again, and is nobody's loss.
    if (current) current('SIGPIPE');
    else if (!closed) process.exit(EXIT.done);
    closed = true;
  });
  // Nobody is left to be told.
  process.stderr.on('error', () => {});
}
