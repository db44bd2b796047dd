import { allocate, filled } from '../allocate.js';
import type { NativeResult } from '../binding.js';
import { type MT19937State, RandomState } from '../random.js';
import { isPromise, type Training } from '../train.js';
import type { Samples } from './loop.js';
import { type Ranks, rowsAt, sharesOfAll, sharesOfEach } from './ranks.js';
import { epochsOf, type Pace, type Rows } from './sweep.js';

/** Samples that lie together, and are swept in one go. */
export interface Chunk {
  readonly samples: Pick<Samples, 'x' | 'y' | 'weights'>;
  readonly rows: Rows;
  readonly batchSize: number;
  /** Of one of several ranks: what it has of each batch. */
  readonly shares?: Int32Array;
  /** Samples of an epoch, where the rows are of several. */
  readonly period?: number;
  /** What to do while each of its jobs runs. */
  readonly meanwhile?: () => void;
  /** Called as soon as one of its jobs has ended, which was to have so many steps. */
  readonly settle?: (result: NativeResult, steps: number) => void;
}

/** How an epoch's chunks are swept. */
export interface Sweeping {
  readonly pace: Pace;
  /** Whether batches are jobs of their own. */
  readonly oneByOne?: boolean;
  /** How many epochs to go over in one sweep. Default 1; more of a feed that has several */
  readonly epochs?: number;
  stop?(): boolean;
  run(chunk: Chunk): Training<void>;
}

/** What epochs go over: samples that are there, or batches as a source gives them. */
export interface Feed {
  /** Whether there is a batch for the epoch of this number, which does not begin otherwise. Default: there is */
  begin?(epoch?: number): Training<boolean>;
  /** Whether one sweep may go over several epochs. */
  readonly joins?: boolean;
  /** Has every chunk of an epoch run, until it is to stop. */
  each(sweeping: Sweeping): Training<void>;
  /** Called when nothing is read any more, whatever the reason; gives a promise where that is to be waited for. */
  end?(): unknown;
}

/** All of the samples in each epoch; in a new order where `random` draws one. */
export function samplesFeed(samples: Samples, batchSize: number, random?: RandomState): Feed {
  const { first, count } = samples;
  const permute = (rows: Int32Array) => {
    for (let i = 0; i < count; i++) rows[i] = first + i;
    random?.shuffle(rows);
  };
  let order: Int32Array | undefined;
  return {
    joins: true,
    *each({ run, epochs = 1 }) {
      if (epochs === 1 && !random) return yield* run({ samples, rows: { first, count }, batchSize });
      order ??= allocate(Int32Array, count);
      if (epochs > 1)
        return yield* run({ samples, batchSize, ...severalEpochs(order, epochs, batchSize, permute, random) });
      permute(order);
      yield* run({ samples, rows: order, batchSize });
    },
  };
}

/** The rows of several epochs, drawn in time: between two jobs `random` is as if epochs came one by one, and where a job was stopped, too. */
function severalEpochs(
  order: Int32Array,
  epochs: number,
  batchSize: number,
  permute: (rows: Int32Array) => void,
  random?: RandomState,
): Pick<Chunk, 'rows' | 'period' | 'settle'> {
  const period = order.length;
  const perEpoch = Math.ceil(period / batchSize);
  const { count, take } = epochsOf(order, epochs, permute);
  let before: MT19937State | undefined;
  return {
    period,
    rows: {
      count,
      inTime: true,
      take(at, n) {
        before = at % period === 0 ? random?.getState() : undefined;
        return take(at, n);
      },
    },
    settle({ steps: done }, steps) {
      if (done === steps || !before) return;
      random?.setState(before);
      for (let epoch = 0; epoch < Math.ceil(done / perEpoch); epoch++) permute(order);
    },
  };
}

/** The same of one of several ranks: its rows of each batch, in the one order that all of them draw. */
export function ranksFeed(samples: Samples, batchSize: number, ranks: Ranks, random?: RandomState): Feed {
  if (ranks.isShard) return shardFeed(samples, batchSize, ranks, random);
  const { first, count } = samples;
  const { shares, places } = sharesOfAll(count, batchSize * ranks.size, ranks);
  return {
    *each({ run }) {
      const order = filled(Int32Array, count, (i) => first + i);
      random?.shuffle(order);
      yield* run({ samples, rows: rowsAt(places, order), batchSize, shares });
    },
  };
}

/** Where each rank has samples of its own: all of them each epoch, in an order of its own. */
function shardFeed(samples: Samples, batchSize: number, ranks: Ranks, random?: RandomState): Feed {
  const { first, count } = samples;
  let shares: Int32Array | undefined;
  return {
    *each({ run }) {
      const { all } = yield* ranks.agree(count);
      shares ??= sharesOfEach(all, batchSize, ranks.rank);
      const rows = filled(Int32Array, count, (i) => first + i);
      if (random) new RandomState(Math.floor(random.randomSample() * 2 ** 31) + ranks.rank).shuffle(rows);
      yield* run({ samples, rows, batchSize, shares });
    },
  };
}

/** `training`, after which, however it ends, nothing more is read of the feeds. */
export function* ending<R>(feeds: readonly (Feed | undefined)[], training: Training<R>): Training<R> {
  const leave = () => feeds.map((feed) => feed?.end?.()).filter(isPromise);
  let result: R;
  try {
    result = yield* training;
  } catch (error) {
    for (const left of leave())
      try {
        yield left;
      } catch {} // there is a first error
    throw error;
  }
  for (const left of leave()) yield left;
  return result;
}
