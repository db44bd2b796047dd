import { harmless } from '../check.js';
import { brand, isCommandError } from '../kind.js';

/** What the command ends with. Documented in `fjordnet --help`. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  input: 3,
  output: 4,
  missing: 5,
  interrupted: 130,
} as const;

/** An error a person can act on, with the code the command ends with. */
export class CommandError extends Error {
  readonly exitCode: number;

  static {
    brand(CommandError, 'CommandError');
  }

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The command line is wrong. */
export const usage = (message: string): CommandError => new CommandError(EXIT.usage, message);

const SYSTEM: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'the operation is not permitted',
  EROFS: 'the file system is read-only',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  ENOSPC: 'there is no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long',
  EFBIG: 'the file would be too large',
  EPIPE: 'what read the pipe has ended',
  ELOOP: 'its links lead in a circle',
  EBUSY: 'it is in use',
  EIO: 'the device failed',
  ENXIO: 'it is a pipe that nobody reads',
  ENOTSUP: 'it is a socket or a disk',
};

/** What went wrong in the file system, without the system call and the path: 'permission denied'. */
export function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code && SYSTEM[code]) ?? message.replace(/^E[A-Z]+: (.*?)(, \w+.*)?$/s, '$1');
}

/** An input that cannot be read, in one sentence; what is no error of reading passes through. */
export function unreadable(path: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (isCommandError(error) || (!syscall && !(code && code in SYSTEM) && code !== 'ERR_FORMAT')) return error;
  if (code === 'ERR_FORMAT') return new CommandError(EXIT.input, (error as Error).message, { cause: error });
  return new CommandError(EXIT.input, `Cannot read '${path}': ${reason(error)}`, { cause: error });
}

/** Checks what a file holds; what is wrong is said with the file's name. */
export function checked<T>(path: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw new CommandError(EXIT.input, `Cannot read '${path}': ${(error as Error).message}`, { cause: error });
  }
}

/** An output that cannot be written, in one sentence. */
export function unwritable(option: string, path: string, error: unknown): CommandError {
  if (isCommandError(error)) return error;
  return new CommandError(EXIT.output, `Cannot write ${option} '${path}': ${reason(error)}`, { cause: error });
}

/** The exit code of any error; what the library refuses counts as a wrong command line. */
export function exitCodeOf(error: unknown): number {
  if (isCommandError(error)) return error.exitCode;
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === 'ERR_MISSING_PEER' || code === 'ERR_NATIVE_LOAD') return EXIT.missing;
  if (code === 'ERR_FORMAT' || code === 'ERR_MEMORY') return EXIT.input;
  if (code === undefined && (error as Error)?.message?.startsWith('Expected ')) return EXIT.usage;
  return EXIT.failed;
}

/** Says on standard error what went wrong. @param before stands before the sentence */
export function complain(error: unknown, before = ''): void {
  process.stderr.write(`fjordnet: ${harmless(`${before}${sentenceOf(error)}`)}\n`);
}

/** One sentence for what a person can mend; all there is for what is our own mistake. */
export function sentenceOf(error: unknown): string {
  return knownSentence(error) ?? `unexpected error; please report it\n${(error as Error)?.stack ?? error}`;
}

/** Errors of ours with a code are of the class Error: a TypeError with one is Node's, for a call that was wrong. */
function knownSentence(error: unknown): string | undefined {
  const { code, syscall, path, name, message } = (error ?? {}) as NodeJS.ErrnoException;
  if (isCommandError(error) || message?.startsWith('Expected ')) return message;
  if (code === undefined || name !== 'Error') return undefined;
  return syscall === undefined
    ? message
    : `Cannot ${syscall}${path === undefined ? '' : ` '${path}'`}: ${reason(error)}`;
}
