import { failure, wrongType } from './check.js';
import { hasMethods, isError, isReadable, property } from './kind.js';
import { isPromise } from './train.js';

/** One pass over something that gives one thing after the other. */
export interface Iteration {
  /** What `next` of an iterator gives: a result, or a promise of one. */
  next(): unknown;
  /** Ends it before its end, where it can be. */
  leave(): unknown;
}

export const isIterable = (x: unknown): boolean =>
  typeof property(x, Symbol.asyncIterator) === 'function' || typeof property(x, Symbol.iterator) === 'function';

/** What a pass goes over: what a function returns, or the thing itself. */
export const opened = (source: unknown): unknown => (typeof source === 'function' ? source() : source);

/**
 * Begins a pass over what `opened` gave. `isSync`: nothing is waited for
 * @throws TypeError for what cannot be gone over, or not so
 */
export function iterate(given: unknown, isSync: boolean): Iteration {
  if (typeof given !== 'object' || given === null || !isIterable(given))
    throw wrongType('what the function returns', 'an iterable, as a generator gives it', given);
  const make = (!isSync && property(given, Symbol.asyncIterator)) || property(given, Symbol.iterator);
  if (typeof make !== 'function') throw notSync(given);
  if (hasMethods(given, 'getReader', 'cancel')) return ofWebStream(given as ReadableStream<unknown>);
  const iterator: Partial<Iterator<unknown>> | undefined = make.call(given);
  if (typeof iterator?.next !== 'function') throw wrongType('the source', 'an iterable', given);
  return {
    next: () => iterator.next?.(),
    leave() {
      const left = iterator.return?.();
      // its own iterator would do so only when the chunk that it waits for is there
      if (isReadable(given) && hasMethods(given, 'destroy')) given.destroy();
      return left;
    },
  };
}

/** By a reader: an iterator of such a stream would cancel it only when the chunk that it waits for is there. */
function ofWebStream(stream: ReadableStream<unknown>): Iteration {
  const reader = stream.getReader();
  const free = () => reader.releaseLock();
  return {
    async next() {
      try {
        const result = await reader.read();
        if (result.done) free();
        return result;
      } catch (error) {
        free();
        throw error;
      }
    },
    leave: () => reader.cancel().finally(free),
  };
}

export const notSync = (given: unknown): TypeError =>
  wrongType('the source', 'an iterable that is not asynchronous for a call that waits for nothing', given);

/** What `next` gave. @throws TypeError for what is no result of an iterator */
export function resultOf(given: unknown): { done: boolean; value: unknown } {
  if (typeof given !== 'object' || given === null)
    throw wrongType('what the iterator gives', 'an object of done and value', given);
  const { done, value } = given as IteratorResult<unknown>;
  return { done: Boolean(done), value };
}

/** Nobody waits for a promise any more. */
export function forget(given: unknown): void {
  if (isPromise(given)) given.then(undefined, () => {});
}

/** An error of the same kind that says which batch it was, with code ERR_BATCH where it has none of its own. */
export function ofBatch(place: string, cause: unknown, what = '', hint = ''): Error {
  const { message = String(cause), code } = (isError(cause) ? cause : {}) as NodeJS.ErrnoException;
  const error = failure(code ?? 'ERR_BATCH', `${place}: ${what}${message}${hint}`, { cause });
  const Type = isError(cause, 'RangeError') ? RangeError : isError(cause, 'TypeError') ? TypeError : undefined;
  return Type && what === '' ? Object.assign(new Type(error.message, { cause }), { code: error.code }) : error;
}
