import { type ArrayInput, checkArray, type NDArray, type TypedData } from '../array.js';
import { checkAlone, wrongType, wrongValue } from '../check.js';
import { iterate, opened, resultOf } from '../iteration.js';
import { isPromise } from '../train.js';
import { Items, Rows } from './block.js';
import type { Awaitable, Cursor } from './cursor.js';
import { Dataset } from './dataset.js';
import { collect, type Layout, layoutOf } from './element.js';
import { dealt } from './share.js';

/** A sample of an array: a number where it is known to have one dimension. */
export type SampleOf<A> = 0 extends 1 & A
  ? any
  : A extends readonly number[] | TypedData | Uint8Array
    ? number
    : A extends NDArray
      ? any // a number or an NDArray, as its dimensions are
      : A extends ArrayInput
        ? NDArray
        : A extends readonly unknown[]
          ? { -readonly [K in keyof A]: SampleOf<A[K]> }
          : { -readonly [K in keyof A]: SampleOf<A[K]> };

/**
 * The samples of arrays, one each: of `[x, y]` or `[x, y, sampleWeight]` those of the same row. x and y are arrays, of several
 * inputs or outputs records of them, or lists of NDArrays. Arrays are not copied.
 * @throws TypeError or RangeError for arrays of different numbers of rows, and for NaN and Infinity
 */
export function fromArrays<A extends NDArray | TypedData | Uint8Array | readonly number[]>(
  array: A,
): Dataset<SampleOf<A>>;
export function fromArrays<A extends [] | readonly unknown[]>(
  arrays: A,
): Dataset<{ -readonly [K in keyof A]: SampleOf<A[K]> }>;
export function fromArrays(arrays: unknown, ...others: unknown[]): Dataset {
  checkAlone('fromArrays', 1, others, ', a list such as [x, y],');
  const isOne = Array.isArray(arrays) && typeof arrays[0] === 'number';
  const layout = isOne ? '*' : layoutOf(arrays);
  const parts: unknown[] = [];
  collect(layout, arrays, parts);
  if (parts.length === 0) throw wrongType('arrays', '[x, y] or [x, y, sampleWeight]', arrays);
  const columns = parts.map((part, k) => {
    const name = parts.length === 1 ? 'arrays' : `array ${k} of arrays`;
    const column = checkArray(name, part as ArrayInput);
    if (column.ndim === 0) throw wrongType(name, 'an array of one dimension or more', part);
    return column;
  });
  const n = columns[0].length;
  for (const [k, { length }] of columns.entries())
    if (length !== n) throw wrongValue(`array ${k} of arrays`, `of ${n} rows, as the first`, length);
  return new Dataset(dealt(() => rowsOf(layout, columns)));
}

/** The rows of arrays that have as many. */
export function rowsOf(layout: Layout, columns: readonly NDArray[]): Cursor<any> {
  const n = columns[0].length;
  let at = 0;
  return {
    next(most) {
      if (at === n) return undefined;
      const rows = new Rows(layout, columns, at, Math.min(most, n - at));
      at += rows.length;
      return rows;
    },
    close() {},
  };
}

/**
 * What a function gives, such as an asynchronous generator: called for each pass, it returns an iterable or async iterable of
 * elements. Samples are `[x, y]`, of numbers and arrays; so are batches, which need no `.batch(n)` any more.
 */
export function generator<E>(fn: () => Iterable<E> | AsyncIterable<E>): Dataset<E>;
export function generator<E>(fn: () => Iterable<E> | AsyncIterable<E>, ...others: unknown[]): Dataset<E> {
  checkAlone('generator', 1, others);
  if (typeof fn !== 'function') throw wrongType('fn', 'a function that returns an iterable', fn);
  return new Dataset(
    dealt(() => elementsOf(fn)),
    undefined,
    false,
    false,
  );
}

function elementsOf<E>(fn: () => Iterable<E> | AsyncIterable<E>): Cursor<E> {
  let iteration: ReturnType<typeof iterate> | undefined;
  let isOver = false;
  const waitFor = async (given: unknown, before: readonly E[]): Promise<Items<E> | undefined> => {
    const { done, value } = resultOf(await given);
    if (!done) return new Items([...before, (await value) as E]);
    isOver = true;
    return before.length > 0 ? new Items(before) : undefined;
  };
  const read = (most: number): Awaitable<Items<E> | undefined> => {
    iteration ??= iterate(opened(fn), false);
    const elements: E[] = [];
    while (elements.length < most && !isOver) {
      const given = iteration.next();
      if (isPromise(given)) return waitFor(given, elements);
      const { done, value } = resultOf(given);
      if (done) isOver = true;
      else if (isPromise(value)) return waitFor({ done, value }, elements);
      else elements.push(value as E);
    }
    return elements.length > 0 ? new Items(elements) : undefined;
  };
  return {
    next(most) {
      if (isOver) return undefined;
      try {
        const block = read(most);
        if (!isPromise(block)) return block;
        return block.catch((error: unknown) => {
          isOver = true;
          throw error;
        });
      } catch (error) {
        isOver = true;
        throw error;
      }
    },
    close() {
      const left = isOver ? undefined : iteration?.leave();
      isOver = true;
      return isPromise(left) ? Promise.resolve(left).then(() => {}) : undefined;
    },
  };
}
