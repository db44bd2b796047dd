import { allocate } from '../allocate.js';
import type { RandomState } from '../random.js';
import { isPromise, type Training } from '../train.js';
import type { Samples } from './loop.js';
import type { Pace, Rows } from './sweep.js';

/** Samples that lie together, and are swept in one go. */
export interface Chunk {
  readonly samples: Pick<Samples, 'x' | 'y' | 'weights'>;
  readonly rows: Rows;
  readonly batchSize: number;
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
