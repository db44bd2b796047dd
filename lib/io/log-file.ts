import {
  appendFileSync,
  closeSync,
  constants,
  openSync,
  type Stats,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { checkSpecial, pipeFailure, writeFailure } from './atomic.js';
import { checkName } from './windows.js';

/**
 * A text that grows line by line, each of them in the file at once. A pipe or a device is written to as it is, and stays
 * open from `begin` to `end`, so that its reader sees one text and no end in between.
 *
 * @throws from each method, Error with the file system's code (ENOENT, EACCES, ENOSPC …)
 */
export class LogFile {
  readonly #path: string;
  #special: number | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Empties the file, or makes sure that it can be appended to. */
  begin(append: boolean): void {
    this.end();
    checkName(this.#path);
    writing(this.#path, () => {
      const old = statSync(this.#path, { throwIfNoEntry: false });
      if (old && !old.isFile()) this.#special = this.#open(old);
      else if (append) appendFileSync(this.#path, '');
      else writeFileSync(this.#path, '');
    });
  }

  /** Is it neither a pipe nor a device? */
  get isRegular(): boolean {
    return this.#special === undefined;
  }

  append(text: string): void {
    writing(this.#path, () => {
      if (this.#special === undefined) appendFileSync(this.#path, text);
      else writeThrough(this.#special, Buffer.from(text));
    });
  }

  end(): void {
    if (this.#special !== undefined) closeSync(this.#special);
    this.#special = undefined;
  }

  #open(stats: Stats): number {
    checkSpecial(this.#path, stats);
    const { O_WRONLY, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants;
    try {
      return openSync(this.#path, O_WRONLY | O_NONBLOCK | O_NOCTTY); // else this waits until somebody reads the pipe
    } catch (error) {
      throw pipeFailure(this.#path, stats, error);
    }
  }
}

/** What `write` gives; its errors of the file system say, in a sentence, what could not be written. */
export function writing<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw writeFailure(path, error);
  }
}

/** Writes to what takes bytes at its own pace. */
function writeThrough(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2); // the pipe is full
    }
  }
}
