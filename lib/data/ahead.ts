import { isPromise } from '../train.js';
import { type Block, Items } from './block.js';
import { type Awaitable, type Cursor, MANY } from './cursor.js';

/** What `fn` makes of each element, one after the other. `fn` is not called any more once it was closed. */
export function mapped<E, R>(source: Cursor<E>, fn: (element: E) => Awaitable<R>): Cursor<R> {
  let isClosed = false;
  const goOn = async (block: Block<E>, from: number, made: R[], first: PromiseLike<R>): Promise<Block<R>> => {
    made.push(await first);
    for (let i = from + 1; i < block.length && !isClosed; i++) made.push(await fn(block.at(i)));
    return new Items(made);
  };
  const make = (block: Block<E> | undefined): Awaitable<Block<R> | undefined> => {
    if (!block || isClosed) return undefined;
    const made: R[] = [];
    for (let i = 0; i < block.length; i++) {
      const value = fn(block.at(i));
      if (isPromise(value)) return goOn(block, i, made, value);
      made.push(value);
    }
    return new Items(made);
  };
  return {
    next(most) {
      const block = isClosed ? undefined : source.next(Math.min(MANY, most));
      return isPromise(block) ? block.then(make) : make(block);
    },
    close() {
      isClosed = true;
      return source.close();
    },
  };
}

/**
 * Reads on while others work, until `n` elements lie ready or are being made by `fn`. They come in their order, and so do errors.
 */
export function ahead<E, R>(source: Cursor<E>, n: number, fn: (element: E) => Awaitable<R>): Cursor<R> {
  const queue = new Map<number, Awaitable<R>>(); // an array would move all others when its first one is taken out
  let [first, last] = [0, 0];
  let isOver = false;
  let isReading = false;
  let wake: (() => void) | undefined;
  const add = (made: Awaitable<R>) => {
    if (isPromise(made)) made.then(undefined, () => {}); // errors wait for their turn, too
    queue.set(last++, made);
  };
  const read = async () => {
    if (isReading || isOver) return;
    isReading = true;
    try {
      while (queue.size < n && !isOver) {
        const block = await source.next(1);
        if (isOver) break; // it was closed
        if (!block) isOver = true;
        else add(fn(block.at(0)));
        wake?.();
      }
    } catch (error) {
      isOver = true;
      add(Promise.reject(error));
    }
    isReading = false;
    wake?.();
  };
  return {
    async next() {
      void read();
      while (queue.size === 0 && !isOver)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      if (queue.size === 0) return undefined;
      const made = await queue.get(first);
      queue.delete(first++);
      void read();
      return new Items([made as R]);
    },
    close() {
      isOver = true;
      queue.clear();
      return source.close();
    },
  };
}
