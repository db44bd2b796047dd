import { isForeignArray } from '../foreign-arrays.js';
import { isIterable } from '../iteration.js';
import { isError, isNDArray, isPlain, property } from '../kind.js';
import type { Ranks } from './ranks.js';

/**
 * What gives batches, one after the other: an iterable, such as what a generator gives, an asynchronous one, such as a
 * `data.Dataset` or a stream of objects, or a function that returns one of them, called for each epoch.
 */
export type Source<B> = Iterable<B> | AsyncIterable<B> | (() => Iterable<B> | AsyncIterable<B>);

/** Under this a source has the class numbers of all its samples, where they are known before these are read. */
export const knownLabels = Symbol.for('fjordnet.knownLabels');

/** Under this a source says that it has no end, where it is known to have none. */
export const endless = Symbol.for('fjordnet.endless');

/** Under this a source says that it gives samples one by one, of which no batches were made. */
export const single = Symbol.for('fjordnet.single');

/** What is said where a batch does not fit, if it may be a sample. */
export const batchHint = (source: unknown): string =>
  property(source, single) === true ? '; batch(n) makes batches of the samples of a dataset' : '';

/** Under this a source has a function that gives one of so many shares of its samples, and reads no others where it can. */
export const dealtOut = Symbol.for('fjordnet.dealtOut');

/** The share of one of several ranks, of a source that has them. */
export function shareOfRank(
  source: Source<unknown>,
  { size, rank }: Pick<Ranks, 'size' | 'rank'>,
): typeof source | undefined {
  const share = property(source, dealtOut);
  return typeof share === 'function' ? share.call(source, size, rank) : undefined;
}

export const isEndless = (source: unknown): boolean => property(source, endless) === true;

/** Refuses a source that is read to its end, and is known to have none. */
export function checkEnds(name: string, source: unknown): void {
  if (isEndless(source))
    throw new RangeError(
      `Expected ${name} to have an end, got a dataset of repeat(), which has none: take(n) gives one`,
    );
}

/** Whether something is no array, but gives things one after the other. */
export function isSource(x: unknown): x is Source<unknown> {
  if (typeof x === 'function') return true;
  if (typeof x !== 'object' || x === null || Array.isArray(x) || ArrayBuffer.isView(x) || isNDArray(x)) return false;
  return isIterable(x) && !isForeignArray(x); // matrices of other libraries may be gone over, too
}

/**
 * The source and the options of a call that may as well be given arrays, `(x, y, options)`: nothing if it was. `y`: the options if
 * there are no targets. A list of batches is a source where options follow it, or nothing.
 */
export function sourceOf(
  x: unknown,
  y: unknown,
  names: readonly string[],
): { source: Source<unknown>; options: object } | undefined {
  const source = isSource(x) || (isOptions(y, names) && isListOfBatches(x)) ? x : undefined;
  return source && { source, options: y as object };
}

/** Whether all are options, or are at least no arrays of targets by the names of outputs. */
const isOptions = (y: unknown, names: readonly string[]): boolean =>
  isPlain(y) && Object.entries(y).every(([key, value]) => names.includes(key) || typeof value !== 'object');

const isListOfBatches = (x: unknown): x is readonly unknown[] =>
  Array.isArray(x) && x.length > 0 && x.every((batch) => Array.isArray(batch) && isBatch(batch));

const isBatch = (batch: readonly unknown[]): boolean =>
  (batch.length === 2 || batch.length === 3) && typeof batch[0] === 'object' && batch[0] !== null;

/** The error of arrays that were refused: of what may as well be a list of batches with how these are given. */
export function orBatches(error: unknown, given: unknown, how: string): unknown {
  const Type = isError(error, 'RangeError') ? RangeError : isError(error, 'TypeError') ? TypeError : undefined;
  if (!Type || !isListOfBatches(given) || !given.every(isOfRows)) return error;
  return new Type(`${(error as Error).message}; ${how}`, { cause: error });
}

/** Whether what stands first in a batch is no sample by itself. */
const isOfRows = (batch: unknown): boolean => {
  const x = (batch as readonly unknown[])[0];
  return !Array.isArray(x) || typeof x[0] === 'object';
};

/** Whether a source may be gone over again: what a generator gives is read once. */
export const isRepeatable = (source: Source<unknown>): boolean =>
  typeof source === 'function' || !('next' in source && typeof source.next === 'function');
