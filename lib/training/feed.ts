import { allocate, filled } from '../allocate.js';
import { RandomState } from '../random.js';
import { isPromise, type Training } from '../train.js';
import type { Samples } from './loop.js';
import { type Ranks, rowsAt, sharesOfAll, sharesOfEach } from './ranks.js';
import type { Pace, Rows } from './sweep.js';

/** Samples that lie together, and are swept in one go. */
export interface Chunk {
  readonly samples: Pick<Samples, 'x' | 'y' | 'weights'>;
  readonly rows: Rows;
  readonly batchSize: number;
  /** Of one of several ranks: what it has of each batch. */
  readonly shares?: Int32Array;
  /** What to do while each of its jobs runs. */
  readonly meanwhile?: () => void;
}

/** How an epoch's chunks are swept. */
export interface Sweeping {
  readonly pace: Pace;
  /** Whether batches are jobs of their own. */
  readonly oneByOne?: boolean;
  stop?(): boolean;
  run(chunk: Chunk): Training<void>;
}

/** What epochs go over: samples that are there, or batches as a source gives them. */
export interface Feed {
  /** Whether there is a batch for the epoch of this number, which does not begin otherwise. Default: there is */
  begin?(epoch?: number): Training<boolean>;
  /** Has every chunk of an epoch run, until it is to stop. */
  each(sweeping: Sweeping): Training<void>;
  /** Called when nothing is read any more, whatever the reason; gives a promise where that is to be waited for. */
  end?(): unknown;
}

/** All of the samples in each epoch; in a new order where `random` draws one. */
export function samplesFeed(samples: Samples, batchSize: number, random?: RandomState): Feed {
  const { first, count } = samples;
  const order = random && allocate(Int32Array, count);
  return {
    *each({ run }) {
      if (order) {
        for (let i = 0; i < count; i++) order[i] = first + i;
        random.shuffle(order);
      }
      yield* run({ samples, rows: order ?? { first, count }, batchSize });
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
