import { isPromise } from '../train.js';
import type { Block } from './block.js';
import type { Awaitable, Cursor } from './cursor.js';

/** One of `count` parts of a dataset: each element is in one of them. */
export interface Share {
  readonly count: number;
  readonly index: number;
  /** Whether samples are dealt out also where elements are batches of them. */
  readonly ofSamples?: boolean;
}

/** Begins a pass over a dataset, or over a share of it. */
export type Open<E> = (share?: Share) => Cursor<E>;

/** Of what is read as a whole a share is every count-th element. */
export const dealt =
  <E>(open: () => Cursor<E>): Open<E> =>
  (share) =>
    share ? every(open(), share) : open();

export function every<E>(source: Cursor<E>, { count, index }: Share): Cursor<E> {
  let before = index; // elements of others until the next one of its own
  const own = (block: Block<E>): Block<E> | undefined => {
    const first = before;
    const n = Math.max(0, Math.ceil((block.length - first) / count));
    before += n * count - block.length;
    return n > 0 ? block.every(first, count) : undefined;
  };
  const next = (most: number): Awaitable<Block<E> | undefined> => {
    for (;;) {
      const block = source.next(before + (most - 1) * count + 1);
      if (isPromise(block)) return block.then((arrived) => arrived && (own(arrived) ?? next(most)));
      const some = block && own(block);
      if (some || !block) return some;
    }
  };
  return { next, close: () => source.close() };
}
