import { joined } from '../array/memory.js';
import { NDArray } from '../array.js';
import { built, type Layout, rowOf, stacked } from './element.js';

/** Elements that follow each other in a dataset. */
export interface Block<E = unknown> {
  readonly length: number;
  /** The element itself, which has its own memory. */
  at(i: number): E;
  slice(begin: number, end: number): Block<E>;
}

/** Elements as they are. */
export class Items<E> implements Block<E> {
  readonly #items: readonly E[];

  constructor(items: readonly E[]) {
    this.#items = items;
  }

  get length(): number {
    return this.#items.length;
  }

  at(i: number): E {
    return this.#items[i];
  }

  slice(begin: number, end: number): Block<E> {
    return new Items(this.#items.slice(begin, end));
  }
}

/** Rows of arrays, whose elements are made when they are asked for: what is cut into batches never becomes elements. */
export class Rows<E> implements Block<E> {
  readonly layout: Layout;
  readonly columns: readonly NDArray[];
  readonly first: number;
  readonly length: number;

  constructor(layout: Layout, columns: readonly NDArray[], first: number, length: number) {
    this.layout = layout;
    this.columns = columns;
    this.first = first;
    this.length = length;
  }

  at(i: number): E {
    let k = 0;
    return built(this.layout, () => rowOf(this.columns[k++], this.first + i)) as E;
  }

  slice(begin: number, end: number): Rows<E> {
    return new Rows(this.layout, this.columns, this.first + begin, end - begin);
  }

  /** The two as one, where `next` goes on in the same arrays. */
  joined(next: Block<E>): Rows<E> | undefined {
    const goesOn = next instanceof Rows && next.columns === this.columns && next.first === this.first + this.length;
    return goesOn ? new Rows(this.layout, this.columns, this.first, this.length + next.length) : undefined;
  }
}

/** The elements of blocks put together into one. @throws TypeError or RangeError naming the sample that does not fit */
export function batchOf(blocks: readonly Block[]): unknown {
  const rows = blocks.filter((block): block is Rows<unknown> => block instanceof Rows);
  if (rows.length === blocks.length && rows.every((block) => isAlike(block, rows[0]))) {
    let k = 0;
    return built(rows[0].layout, () => rowsOf(rows, k++));
  }
  return stacked(blocks.flatMap((block) => Array.from({ length: block.length }, (_, i) => block.at(i))));
}

export const isAlike = (a: Rows<unknown>, b: Rows<unknown>): boolean =>
  a.columns === b.columns ||
  (JSON.stringify(a.layout) === JSON.stringify(b.layout) &&
    a.columns.every(
      ({ dtype, shape }, k) =>
        dtype === b.columns[k].dtype && shape.slice(1).join() === b.columns[k].shape.slice(1).join(),
    ));

function rowsOf(blocks: readonly Rows<unknown>[], k: number): NDArray {
  const { shape } = blocks[0].columns[k];
  const width = shape.slice(1).reduce((product, n) => product * n, 1);
  const parts = blocks.map(({ columns, first, length }) =>
    columns[k].data.subarray(first * width, (first + length) * width),
  );
  const rows = blocks.reduce((sum, { length }) => sum + length, 0);
  return NDArray.wrap(joined(parts), [rows, ...shape.slice(1)]);
}
