import { joined } from '../array/memory.js';
import { NDArray, type TypedData } from '../array.js';
import { built, copied, type Layout, rowOf, stacked } from './element.js';

/** Elements that follow each other in a dataset. */
export interface Block<E = unknown> {
  readonly length: number;
  /** The element itself, which has its own memory. */
  at(i: number): E;
  slice(begin: number, end: number): Block<E>;
  /** Each `step`-th element, from the given one on. */
  every(first: number, step: number): Block<E>;
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
    return this.of(this.#items.slice(begin, end));
  }

  every(first: number, step: number): Block<E> {
    return this.of(this.#items.filter((_, i) => i >= first && (i - first) % step === 0));
  }

  protected of(items: readonly E[]): Items<E> {
    return new Items(items);
  }
}

/** Elements that are given more than once, each time as copies. */
export class Kept<E> extends Items<E> {
  /** Copies of a block's elements. */
  static from<E>(block: Block<E>): Kept<E> {
    return new Kept(Array.from({ length: block.length }, (_, i) => copied(block.at(i))));
  }

  override at(i: number): E {
    return copied(super.at(i));
  }

  protected override of(items: readonly E[]): Kept<E> {
    return new Kept(items);
  }
}

/** Rows of arrays, whose elements are made when they are asked for: what is cut into batches never becomes elements. */
export class Rows<E> implements Block<E> {
  readonly layout: Layout;
  readonly columns: readonly NDArray[];
  readonly first: number;
  readonly length: number;
  /** From one row to the next. */
  readonly step: number;

  constructor(layout: Layout, columns: readonly NDArray[], first: number, length: number, step = 1) {
    this.layout = layout;
    this.columns = columns;
    this.first = first;
    this.length = length;
    this.step = step;
  }

  at(i: number): E {
    let k = 0;
    return built(this.layout, () => rowOf(this.columns[k++], this.first + i * this.step)) as E;
  }

  slice(begin: number, end: number): Rows<E> {
    return new Rows(this.layout, this.columns, this.first + begin * this.step, end - begin, this.step);
  }

  every(first: number, step: number): Rows<E> {
    const length = Math.ceil((this.length - first) / step);
    return new Rows(this.layout, this.columns, this.first + first * this.step, length, step * this.step);
  }

  /** The numbers of a column: whole stretches, or one row each where others lie between. */
  parts(k: number): TypedData[] {
    const { data, shape } = this.columns[k];
    const width = shape.slice(1).reduce((product, n) => product * n, 1);
    const stretch = (row: number, rows: number) => data.subarray(row * width, (row + rows) * width);
    if (this.step === 1) return [stretch(this.first, this.length)];
    return Array.from({ length: this.length }, (_, i) => stretch(this.first + i * this.step, 1));
  }

  /** The two as one, where `next` goes on in the same arrays. */
  joined(next: Block<E>): Rows<E> | undefined {
    const goesOn =
      next instanceof Rows &&
      next.columns === this.columns &&
      next.step === this.step &&
      next.first === this.first + this.length * this.step;
    return goesOn ? new Rows(this.layout, this.columns, this.first, this.length + next.length, this.step) : undefined;
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
  const rows = blocks.reduce((sum, { length }) => sum + length, 0);
  const [, ...shape] = blocks[0].columns[k].shape;
  return NDArray.wrap(joined(blocks.flatMap((block) => block.parts(k))), [rows, ...shape]);
}
