import type { Life } from './lives.js';

/**
 * Which memory is taken while what lives: a tree over the moments of all programs, whose nodes hold the memory of what lives in
 * all of their moments, and of what lives in any.
 */
export class Places {
  readonly #starts: ReadonlyMap<number, number>;
  readonly #leaves: number;
  readonly #throughout: Taken[] = [];
  readonly #within: Taken[] = [];

  /** @param lives of all buffers that are to be asked about or placed */
  constructor(lives: Iterable<readonly Life[]>) {
    const spans = new Map<number, { first: number; last: number }>();
    for (const { program, first, last } of [...lives].flat()) {
      const span = spans.get(program) ?? { first, last };
      spans.set(program, { first: Math.min(span.first, first), last: Math.max(span.last, last) });
    }
    let moments = 0;
    const starts = new Map<number, number>();
    for (const [program, { first, last }] of spans) {
      starts.set(program, moments - first);
      moments += last - first + 1;
    }
    this.#starts = starts;
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(1, moments)));
  }

  /** The lowest place of so many values that is free for a whole life. */
  lowest(life: readonly Life[], size: number): number {
    const met = new Set<Taken>();
    const meet = (taken: Taken | undefined) => taken && met.add(taken);
    for (const part of life) {
      this.#ends(part, (node) => meet(this.#throughout[node]));
      this.#inside(part, (node) => meet(this.#within[node]));
    }
    let begin = 0;
    for (let free = false; !free; ) {
      free = true;
      for (const taken of met) {
        const next = taken.behind(begin, size);
        if (next !== begin) free = false;
        begin = next;
      }
    }
    return begin;
  }

  take(life: readonly Life[], begin: number, end: number): void {
    if (begin === end) return;
    const add = (of: Taken[], node: number) => {
      of[node] ??= new Taken();
      of[node].add(begin, end);
    };
    for (const part of life) {
      this.#ends(part, (node) => add(this.#within, node));
      this.#inside(part, (node) => {
        add(this.#within, node);
        add(this.#throughout, node);
      });
    }
  }

  /** The nodes over the first or the last moment of a life: all that are partly within it are among them. */
  #ends({ program, first, last }: Life, visit: (node: number) => void): void {
    const start = this.#leaves + (this.#starts.get(program) as number);
    let [left, right] = [start + first, start + last];
    for (; left !== right; left >>= 1, right >>= 1) {
      visit(left);
      visit(right);
    }
    for (; left > 0; left >>= 1) visit(left);
  }

  /** The fewest nodes that make up a life. */
  #inside({ program, first, last }: Life, visit: (node: number) => void): void {
    const start = this.#leaves + (this.#starts.get(program) as number);
    let [left, right] = [start + first, start + last + 1];
    for (; left < right; left >>= 1, right >>= 1) {
      if (left % 2 === 1) visit(left++);
      if (right % 2 === 1) visit(--right);
    }
  }
}

/** Stretches of memory in their order, none of which touches the next. */
class Taken {
  readonly #begins: number[] = [];
  readonly #ends: number[] = [];

  /** `begin`, or the end of the stretch that lies on what would begin there. */
  behind(begin: number, size: number): number {
    const k = firstAbove(this.#ends, begin);
    return k < this.#ends.length && this.#begins[k] < begin + size ? this.#ends[k] : begin;
  }

  add(begin: number, end: number): void {
    const from = firstAbove(this.#ends, begin - 1);
    const to = firstAbove(this.#begins, end);
    if (from === to) {
      this.#begins.splice(from, 0, begin);
      this.#ends.splice(from, 0, end);
      return;
    }
    this.#begins[from] = Math.min(begin, this.#begins[from]);
    this.#ends[from] = Math.max(end, this.#ends[to - 1]);
    if (to - from === 1) return;
    this.#begins.splice(from + 1, to - from - 1);
    this.#ends.splice(from + 1, to - from - 1);
  }
}

/** The place of the first of ascending numbers that is above `x`. */
function firstAbove(numbers: readonly number[], x: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] > x) high = middle;
    else low = middle + 1;
  }
  return low;
}
