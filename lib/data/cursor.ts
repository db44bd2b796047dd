import { isPromise, turns } from '../train.js';
import { type Block, batchOf, Items, Kept, Rows } from './block.js';

export type Awaitable<T> = T | Promise<T>;

/**
 * One pass over a dataset. Who reads says how much: nothing is made that nobody asked for, and there is a promise only where
 * something is waited for, not one for each element.
 */
export interface Cursor<E = unknown> {
  /** The elements that follow, `most` at most, one at least; undefined at the end. Not called again before it has answered. */
  next(most: number): Awaitable<Block<E> | undefined>;
  /** Nothing is read any more. May be called at any time, more than once. */
  close(): Awaitable<void>;
}

/** Elements that are skipped, mapped, sifted, drawn or read into a buffer at a time. */
export const MANY = 1024;

export const after = <T, R>(value: Awaitable<T>, go: (value: T) => Awaitable<R>): Awaitable<R> =>
  isPromise(value) ? value.then(go) : go(value);

/** Blocks that are there already. */
export function over<E>(given: readonly Block<E>[]): Cursor<E> {
  const blocks = given.filter(({ length }) => length > 0);
  let [k, at] = [0, 0];
  return {
    next(most) {
      if (k === blocks.length) return undefined;
      const block = blocks[k];
      const part = block.slice(at, Math.min(at + most, block.length));
      at += part.length;
      if (at === block.length) [k, at] = [k + 1, 0];
      return part;
    },
    close() {},
  };
}

/** What is read by code that is loaded first, when somebody reads. */
export function loaded<E>(load: () => Promise<Cursor<E>>): Cursor<E> {
  let source: Cursor<E> | undefined;
  let isClosed = false;
  const begin = async (most: number): Promise<Block<E> | undefined> => {
    const own = await load();
    if (isClosed) return undefined;
    source = own;
    return own.next(most);
  };
  return {
    next: (most) => (source ? source.next(most) : begin(most)),
    close() {
      isClosed = true;
      return source?.close();
    },
  };
}

export function taken<E>(source: Cursor<E>, n: number): Cursor<E> {
  let left = n;
  return {
    next: (most) =>
      left === 0
        ? undefined
        : after(source.next(Math.min(most, left)), (block) => {
            left -= block?.length ?? left;
            return block;
          }),
    close: () => source.close(),
  };
}

export function skipped<E>(source: Cursor<E>, n: number): Cursor<E> {
  const turn = turns();
  let left = n;
  const passOver = async (block: Awaitable<Block<E> | undefined>): Promise<void> => {
    for (let passed = await block; passed; passed = await source.next(Math.min(MANY, left))) {
      left -= passed.length;
      if (left === 0) return;
      await turn();
    }
    left = 0;
  };
  return {
    next: (most) =>
      left === 0 ? source.next(most) : passOver(source.next(Math.min(MANY, left))).then(() => source.next(most)),
    close: () => source.close(),
  };
}

export function repeated<E>(open: () => Cursor<E>, n: number): Cursor<E> {
  let source: Cursor<E> | undefined;
  let [passes, isEmpty, isClosed] = [0, true, false];
  const next = (most: number): Awaitable<Block<E> | undefined> => {
    if (passes === n || isClosed) return undefined;
    if (!source) [source, isEmpty] = [open(), true];
    const own = source;
    return after(own.next(most), (block) => {
      if (block) {
        isEmpty = false;
        return block;
      }
      passes = isEmpty ? n : passes + 1; // nothing, repeated, would have no end
      source = undefined;
      return after(own.close(), () => next(most));
    });
  };
  return {
    next,
    close() {
      isClosed = true;
      return source?.close();
    },
  };
}

export function batched(source: Cursor, size: number, dropRemainder: boolean): Cursor {
  const turn = turns();
  let [isOver, isClosed] = [false, false];
  const gather = (parts: Block[], given: number): Awaitable<Block | undefined> => {
    let have = given;
    while (have < size && !isOver) {
      const others = turn();
      if (others) return others.then(() => gather(parts, have));
      const block = source.next(size - have);
      if (isPromise(block))
        return block.then((arrived) => {
          if (arrived) parts.push(arrived);
          else isOver = true;
          return gather(parts, have + (arrived?.length ?? 0));
        });
      if (!block) isOver = true;
      else {
        parts.push(block);
        have += block.length;
      }
    }
    const isWhole = have === size || (have > 0 && !dropRemainder);
    return isWhole && !isClosed ? new Items([batchOf(parts)]) : undefined;
  };
  return {
    next: () => gather([], 0),
    close() {
      [isOver, isClosed] = [true, true];
      return source.close();
    },
  };
}

/** `fn` is not called any more once it was closed. */
export function filtered<E>(source: Cursor<E>, fn: (element: E) => unknown): Cursor<E> {
  const turn = turns();
  let isClosed = false;
  const sift = async (block: Block<E>, from: number, kept: E[], first: PromiseLike<unknown>): Promise<Block<E>> => {
    if (await first) kept.push(block.at(from));
    for (let i = from + 1; i < block.length && !isClosed; i++) {
      const element = block.at(i);
      if (await fn(element)) kept.push(element);
    }
    return new Items(kept);
  };
  const kept = (block: Block<E>): Awaitable<Block<E>> => {
    const elements: E[] = [];
    for (let i = 0; i < block.length; i++) {
      const element = block.at(i);
      const wanted = fn(element);
      if (isPromise(wanted)) return sift(block, i, elements, wanted);
      if (wanted) elements.push(element);
    }
    return new Items(elements);
  };
  const goOn = async (most: number, given: Promise<Block<E> | undefined>): Promise<Block<E> | undefined> => {
    for (let block = await given; block && !isClosed; block = await source.next(Math.min(MANY, most))) {
      const some = await kept(block);
      if (some.length > 0) return some;
      await turn();
    }
    return undefined;
  };
  return {
    next(most) {
      while (!isClosed) {
        const others = turn();
        if (others) return others.then(() => this.next(most));
        const block = source.next(Math.min(MANY, most));
        if (isPromise(block)) return goOn(most, block);
        if (!block) return undefined;
        const some = kept(block);
        if (isPromise(some)) return some.then((own) => (own.length > 0 ? own : this.next(most)));
        if (some.length > 0) return some;
      }
      return undefined;
    },
    close() {
      isClosed = true;
      return source.close();
    },
  };
}

/** Keeps what passes, or copies of what whoever reads may change; `whole` is given all of it once the end was reached. */
export function keeping<E>(source: Cursor<E>, whole: (blocks: readonly Block<E>[]) => void): Cursor<E> {
  const blocks: Block<E>[] = [];
  const keep = (block: Block<E> | undefined): Block<E> | undefined => {
    if (!block) {
      whole(blocks);
      return undefined;
    }
    const last = blocks.at(-1);
    const both = last instanceof Rows ? last.joined(block) : undefined;
    if (both) blocks[blocks.length - 1] = both;
    else blocks.push(block instanceof Rows ? block : Kept.from(block));
    return block;
  };
  return { next: (most) => after(source.next(most), keep), close: () => source.close() };
}
