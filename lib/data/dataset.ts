import type { ArrayInput, NDArray } from '../array.js';
import { checkAlone, checkBoolean, checkInteger, checkOptions, wrongType, wrongValue } from '../check.js';
import { checkRandomState, RandomState } from '../random.js';
import { dealtOut, endless, knownLabels, single } from '../training/source.js';
import { ahead, mapped } from './ahead.js';
import type { Block } from './block.js';
import { type Awaitable, batched, type Cursor, filtered, keeping, over, repeated, skipped, taken } from './cursor.js';
import { dealt, every, type Open } from './share.js';
import { shuffled } from './shuffle.js';

/** What `batch` makes of an element: its numbers and arrays become arrays of one dimension more. */
export type Batched<E> = IsAny<E> extends true ? any : E extends readonly unknown[] ? Parts<E> : BatchedPart<E>;
type Parts<E> = { -readonly [K in keyof E]: BatchedPart<E[K]> };
type BatchedPart<E> =
  IsAny<E> extends true
    ? NDArray
    : E extends readonly unknown[]
      ? IsAny<E[number]> extends true
        ? Parts<E>
        : E extends ArrayInput
          ? NDArray
          : Parts<E>
      : E extends number | ArrayInput
        ? NDArray
        : Parts<E>;
type IsAny<T> = 0 extends 1 & T ? true : false;

export interface BatchOptions {
  /** Leave out the last batch where it would be smaller. Default false */
  dropRemainder?: boolean;
}

export interface MapOptions {
  /** Elements that may be waited for at a time, where `fn` returns promises. Their order stays. Default 1 */
  concurrency?: number;
}

/**
 * Samples, or batches of them, that come one after the other and need not be in memory: what `data.fromArrays`,
 * `data.generator`, `data.csv`, `data.npy`, `data.safetensors` and `data.imageFolder` give. Its methods are those of tf.data. Each gives a new
 * dataset, and nothing is read before someone goes over it: `for await`, or `fit`, `evaluate` and `predict`, which take one of
 * batches. Each pass begins anew.
 *
 * ```js
 * const batches = data.fromArrays([x, y]).shuffle(1000, 1).batch(32);
 * await model.fit(batches, { epochs: 5 });
 * ```
 */
export class Dataset<E = any> implements AsyncIterable<E> {
  readonly #open: Open<E>;
  /** @internal */
  readonly [knownLabels]: Int32Array | undefined;
  /** @internal */
  readonly [endless]: boolean;
  /** @internal */
  readonly [single]: boolean;

  /** Datasets are made by `data.*`. @internal */
  constructor(open: Open<E>, labels?: Int32Array, isEndless = false, isSingle = true) {
    this.#open = open;
    this[knownLabels] = labels;
    this[endless] = isEndless;
    this[single] = isSingle;
  }

  /** What has as many elements where this one has no end. `labels`: those it has, where it has the same */
  #followed<R>(open: Open<R>, labels?: Int32Array, isSingle = this[single]): Dataset<R> {
    return new Dataset(open, labels, this[endless], isSingle);
  }

  [Symbol.asyncIterator](): AsyncGenerator<E, void, undefined> {
    let cursor: Cursor<E> | undefined;
    const elements = elementsOf(() => {
      cursor = this.#open();
      return cursor;
    });
    const leave = elements.return.bind(elements);
    // a generator itself ends no sooner than what it waits for, such as a batch of slow samples
    elements.return = async (value) => {
      await cursor?.close();
      return leave(value);
    };
    return elements;
  }

  /**
   * What `fn` makes of each element. It may return a promise.
   * @param fn given [x, y] of a sample, x an NDArray, or a number where arrays have one dimension; of batches [x, y] as arrays
   */
  map<R>(fn: (element: E) => R | Promise<R>, options: MapOptions = {}): Dataset<R> {
    checkFunction(fn);
    checkOptions('options', options, ['concurrency']);
    const concurrency = checkInteger('concurrency', options.concurrency ?? 1, 1);
    const make = fn as (element: E) => Awaitable<R>;
    return this.#followed((share) =>
      concurrency === 1 ? mapped(this.#open(share), make) : ahead(this.#open(share), concurrency, make),
    );
  }

  /** The elements for which `fn` is true. It may return a promise. */
  filter(fn: (element: E) => boolean | Promise<boolean>): Dataset<E>;
  filter(fn: (element: E) => boolean | Promise<boolean>, ...others: unknown[]): Dataset<E> {
    checkAlone('filter', 1, others);
    checkFunction(fn);
    return this.#followed((share) => filtered(this.#open(share), fn));
  }

  /**
   * Draws elements from a buffer of the next ones, as tf.data does: an element comes at most `bufferSize - 1` places earlier than it
   * was, and wholly at random only where the buffer holds all of them. In each pass in another order.
   * @param seed all orders follow from it, or from a RandomState; default: unpredictable ones
   */
  shuffle(bufferSize: number, seed?: number | RandomState): Dataset<E>;
  shuffle(bufferSize: number, seed?: number | RandomState, ...others: unknown[]): Dataset<E> {
    checkAlone('shuffle', 2, others);
    checkInteger('bufferSize', bufferSize, 1);
    const seeds = checkRandomState(seed);
    return this.#followed(
      (share) => shuffled(this.#open(share), bufferSize, new RandomState(seeds.randint(0, 2 ** 32))),
      this[knownLabels],
    );
  }

  /**
   * Puts `n` elements into one: of samples [x, y] arrays [n, ...] of both. The last batch may be smaller.
   * @throws TypeError or RangeError, when it is read, for elements of different shapes
   */
  batch(n: number, options: BatchOptions = {}): Dataset<Batched<E>> {
    checkInteger('n', n, 1);
    checkOptions('options', options, ['dropRemainder']);
    const dropRemainder = checkBoolean('dropRemainder', options.dropRemainder ?? false);
    const batches = (samples: Cursor<E>) => batched(samples, n, dropRemainder) as Cursor<Batched<E>>;
    return this.#followed(
      (share) => (share && !share.ofSamples ? every(batches(this.#open()), share) : batches(this.#open(share))),
      this[knownLabels],
      false,
    );
  }

  /** Reads up to `n` elements ahead while others are in use. `fit` reads batches ahead by itself. */
  prefetch(n: number): Dataset<E>;
  prefetch(n: number, ...others: unknown[]): Dataset<E> {
    checkAlone('prefetch', 1, others);
    checkInteger('n', n, 1);
    return this.#followed((share) => ahead(this.#open(share), n, (element) => element), this[knownLabels]);
  }

  /** The whole n times, one pass after the other. Default: without an end, for `fit` with `batchesPerEpoch`, which it needs then */
  repeat(n?: number): Dataset<E>;
  repeat(n?: number, ...others: unknown[]): Dataset<E> {
    checkAlone('repeat', 1, others);
    const times = n === undefined ? Number.POSITIVE_INFINITY : checkInteger('n', n, 0);
    const isEndless = times === Number.POSITIVE_INFINITY || (times > 0 && this[endless]);
    return new Dataset((share) => repeated(() => this.#open(share), times), this[knownLabels], isEndless, this[single]);
  }

  /** The first `n` elements. */
  take(n: number): Dataset<E>;
  take(n: number, ...others: unknown[]): Dataset<E> {
    checkAlone('take', 1, others);
    checkInteger('n', n, 0);
    return new Dataset(
      dealt(() => taken(this.#open(), n)),
      undefined,
      false,
      this[single],
    );
  }

  /** All but the first `n` elements. */
  skip(n: number): Dataset<E>;
  skip(n: number, ...others: unknown[]): Dataset<E> {
    checkAlone('skip', 1, others);
    checkInteger('n', n, 0);
    return this.#followed(dealt(() => skipped(this.#open(), n)));
  }

  /** Keeps all elements in memory during the first pass that comes to the end: those after it read nothing any more. */
  cache(): Dataset<E>;
  cache(...others: unknown[]): Dataset<E> {
    checkAlone('cache', 0, others);
    const kept = new Map<string, readonly Block<E>[]>(); // of the whole, and of each share
    return this.#followed((share) => {
      const key = JSON.stringify(share ?? {});
      const own = kept.get(key);
      return own ? over(own) : keeping(this.#open(share), (blocks) => kept.set(key, blocks));
    }, this[knownLabels]);
  }

  /**
   * This one of `numShards` shares, each of which has about as many elements and none of another's: tf.data's, and what it reads of a
   * file is its own, for several processes that read one together. Of `data.csv`, `npy`, `safetensors` and `parquet` a share is rows
   * that follow each other, of others every `numShards`-th element; what `map`, `filter`, `shuffle`, `repeat` and `cache` do after that
   * is done with those of the share. Of batches every `numShards`-th is taken, so put it before `batch`; and behind `take` and `skip`,
   * whose count is of the whole, all is read. `fit` with `distributed` does this by itself.
   * @param index 0 to numShards - 1, such as a rank
   */
  shard(numShards: number, index: number): Dataset<E> {
    checkInteger('numShards', numShards, 1);
    if (checkInteger('index', index, 0) >= numShards)
      throw wrongValue('index', `less than numShards, ${numShards}`, index);
    return this.#followed(
      dealt(() => this.#open({ count: numShards, index })),
      this[knownLabels],
    );
  }

  /** The share of one of several ranks, whose batches are of its samples. @internal */
  [dealtOut](count: number, index: number): Dataset<E> {
    return this.#followed(dealt(() => this.#open({ count, index, ofSamples: true })));
  }
}

async function* elementsOf<E>(open: () => Cursor<E>): AsyncGenerator<E, void, undefined> {
  const cursor = open();
  try {
    for (let block = await cursor.next(1); block; block = await cursor.next(1)) yield block.at(0);
  } finally {
    await cursor.close();
  }
}

function checkFunction(fn: unknown): void {
  if (typeof fn !== 'function') throw wrongType('fn', 'a function', fn);
}
