import { isError } from './kind.js';

/** Runs a function that is not ours. A TypeError or RangeError that it throws, as `ops` do, begins with whose it is. */
export function attributed<T>(what: string, fn: () => T): T {
  try {
    return fn();
  } catch (cause) {
    if (isError(cause, 'RangeError')) throw new RangeError(`${what}: ${cause.message}`, { cause });
    if (isError(cause, 'TypeError')) throw new TypeError(`${what}: ${cause.message}`, { cause });
    throw cause;
  }
}
