import { NDArray, type TypedData } from '../array.js';
import type { RandomState } from '../random.js';
import { isPromise, turns } from '../train.js';
import { type Block, Items, isAlike, Rows } from './block.js';
import { type Awaitable, type Cursor, MANY } from './cursor.js';

/** tf.data's: a buffer is filled, and each element that is drawn from it makes room for the next one. */
export function shuffled<E>(source: Cursor<E>, size: number, random: RandomState): Cursor<E> {
  let buffer: ShuffleBuffer<E> = new RowBuffer();
  let isOver = false;
  const turn = turns();
  let draws: ArrayLike<number> = [];
  let drawn = 0;
  let filling: Promise<void> | undefined;
  const take = (block: Block<E> | undefined) => {
    if (!block) isOver = true;
    else if (!buffer.add(block)) {
      buffer = new ItemBuffer(buffer.elements());
      buffer.add(block);
    }
  };
  const fill = (): Promise<void> | undefined => {
    while (buffer.length < size && !isOver) {
      const others = turn();
      if (others) return others.then(fill);
      const block = source.next(Math.min(MANY, size - buffer.length));
      if (isPromise(block))
        return block.then((arrived) => {
          take(arrived);
          return fill();
        });
      take(block);
    }
    return undefined;
  };
  const next = (): number => {
    if (drawn === draws.length) [draws, drawn] = [random.randomSample([MANY]).data, 0];
    return Math.floor(draws[drawn++] * buffer.length);
  };
  const some = (most: number): Awaitable<Block<E> | undefined> => {
    filling = fill();
    if (filling) return filling.then(() => some(most));
    const wanted = Math.min(most, MANY);
    const own = buffer;
    own.begin(wanted);
    let n = 0;
    while (n < wanted && buffer.length > 0) {
      own.draw(next());
      n++;
      if (n === wanted || isOver) continue;
      filling = fill();
      if (filling) {
        filling.catch(() => {}); // it is looked at the next time
        break;
      }
      if (own !== buffer) break; // other elements came
    }
    return n === 0 ? undefined : own.drawn();
  };
  return {
    next: (most) => (filling ? filling.then(() => some(most)) : some(most)),
    close() {
      isOver = true;
      return source.close();
    },
  };
}

/** Elements to draw from. The last one takes the place of one that is drawn. */
interface ShuffleBuffer<E> {
  readonly length: number;
  /** Adds all of a block; false where it is of another kind. */
  add(block: Block<E>): boolean;
  /** Makes room for so many that are drawn. */
  begin(most: number): void;
  draw(at: number): void;
  drawn(): Block<E>;
  /** All of them, as elements. */
  elements(): E[];
}

class ItemBuffer<E> implements ShuffleBuffer<E> {
  readonly #items: E[];
  #drawn: E[] = [];

  constructor(items: E[]) {
    this.#items = items;
  }

  get length(): number {
    return this.#items.length;
  }

  add(block: Block<E>): boolean {
    for (let i = 0; i < block.length; i++) this.#items.push(block.at(i));
    return true;
  }

  begin(): void {
    this.#drawn = [];
  }

  draw(at: number): void {
    this.#drawn.push(this.#items[at]);
    const last = this.#items.pop() as E;
    if (at < this.#items.length) this.#items[at] = last;
  }

  drawn(): Block<E> {
    return new Items(this.#drawn);
  }

  elements(): E[] {
    return this.#items;
  }
}

/** Rows of arrays, which never become elements: four times as fast. */
class RowBuffer<E> implements ShuffleBuffer<E> {
  #first?: Rows<E>;
  #columns: TypedData[] = [];
  #widths: number[] = [];
  #out: TypedData[] = [];
  #count = 0;
  #capacity = 0;
  #drawn = 0;

  get length(): number {
    return this.#count;
  }

  add(block: Block<E>): boolean {
    if (!(block instanceof Rows)) return false;
    const first = this.#begun(block);
    if (!isAlike(block, first)) return false;
    this.#reserve(this.#count + block.length);
    for (const [k, own] of this.#columns.entries()) {
      let at = this.#count * this.#widths[k];
      for (const part of block.parts(k)) {
        own.set(part, at);
        at += part.length;
      }
    }
    this.#count += block.length;
    return true;
  }

  begin(most: number): void {
    this.#out = this.#columns.map((column, k) => sameType(column, most * this.#widths[k]));
    this.#drawn = 0;
  }

  draw(at: number): void {
    this.#count--;
    for (const [k, column] of this.#columns.entries()) {
      const width = this.#widths[k];
      copyRow(column, at, this.#out[k], this.#drawn, width);
      if (at < this.#count) copyRow(column, this.#count, column, at, width);
    }
    this.#drawn++;
  }

  drawn(): Block<E> {
    return this.#rows(this.#out, this.#drawn);
  }

  elements(): E[] {
    if (this.#count === 0) return [];
    const rows = this.#rows(this.#columns, this.#count);
    return Array.from({ length: this.#count }, (_, i) => rows.at(i));
  }

  #begun(block: Rows<E>): Rows<E> {
    if (this.#first) return this.#first;
    this.#first = block.slice(0, 0);
    this.#widths = block.columns.map(({ size, length }) => size / length);
    this.#columns = block.columns.map(({ data }) => sameType(data, 0));
    return this.#first;
  }

  #reserve(rows: number): void {
    if (rows <= this.#capacity) return;
    this.#capacity = Math.max(rows, 2 * this.#capacity);
    this.#columns = this.#columns.map((column, k) => {
      const wider = sameType(column, this.#capacity * this.#widths[k]);
      wider.set(column);
      return wider;
    });
  }

  #rows(columns: readonly TypedData[], n: number): Rows<E> {
    const { layout, columns: like } = this.#first as Rows<E>;
    const arrays = columns.map((data, k) =>
      NDArray.wrap(data.subarray(0, n * this.#widths[k]), [n, ...like[k].shape.slice(1)]),
    );
    return new Rows(layout, arrays, 0, n);
  }
}

const sameType = (data: TypedData, length: number): TypedData =>
  new (data.constructor as new (length: number) => TypedData)(length);

function copyRow(from: TypedData, at: number, to: TypedData, into: number, width: number): void {
  if (width > 64) to.set(from.subarray(at * width, (at + 1) * width), into * width);
  else for (let i = 0; i < width; i++) to[into * width + i] = from[at * width + i];
}
