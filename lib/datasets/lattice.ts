import { allocate } from '../allocate.js';
import type { RandomState } from '../random.js';

const BLOCK = 4096;

/** `randomSample()` number by number, drawn by the block. `settle` leaves the generator after the last one that was used. */
export class Uniforms {
  readonly #random: RandomState;
  #state: ReturnType<RandomState['getState']> | undefined;
  #block: Float64Array = new Float64Array(0);
  #at = 0;

  constructor(random: RandomState) {
    this.#random = random;
  }

  next(): number {
    if (this.#at === this.#block.length) {
      this.#state = this.#random.getState();
      this.#block = this.#random.randomSample(BLOCK).data as Float64Array;
      this.#at = 0;
    }
    return this.#block[this.#at++];
  }

  settle(): void {
    if (this.#state === undefined) return;
    this.#random.setState(this.#state);
    this.#random.randomSample(this.#at);
    this.#state = undefined;
    this.#block = new Float64Array(0);
    this.#at = 0;
  }
}

/** A periodic square lattice of sites in one of `states` states, row by row, and the two ways to change it. */
export class Lattice {
  readonly sites: Uint8Array;
  readonly #size: number;
  readonly #states: number;
  readonly #uniforms: Uniforms;
  /** right, left, down, up of every site */
  readonly #neighbours: Int32Array;
  readonly #stack: Int32Array;
  /** Sites of the cluster that is growing whose neighbours have not been asked, or proposals of the sweep that are to come. */
  #waiting = 0;
  /** The state that the cluster's sites had, and the one that they get. */
  #old = 0;
  #new = 0;
  #join = 0;
  /** of proposals after which -4 .. 4 fewer neighbours are alike */
  readonly #accept = new Float64Array(9).fill(1);

  constructor(size: number, states: number, uniforms: Uniforms) {
    const n = size * size;
    this.sites = new Uint8Array(n);
    this.#size = size;
    this.#states = states;
    this.#uniforms = uniforms;
    this.#neighbours = allocate(Int32Array, 4 * n);
    this.#stack = allocate(Int32Array, n);
    const neighbours = this.#neighbours;
    for (let row = 0; row < n; row += size)
      for (let i = row; i < row + size; i++) {
        neighbours[4 * i] = i + 1 < row + size ? i + 1 : row;
        neighbours[4 * i + 1] = i > row ? i - 1 : row + size - 1;
        neighbours[4 * i + 2] = i + size < n ? i + size : i + size - n;
        neighbours[4 * i + 3] = i >= size ? i - size : i + n - size;
      }
  }

  /** @param bond what a pair of unlike neighbours costs, in units of the temperature */
  begin(bond: number, start: 'ordered' | 'random'): void {
    this.#join = 1 - Math.exp(-bond);
    for (let fewer = 1; fewer <= 4; fewer++) this.#accept[4 + fewer] = Math.exp(-bond * fewer);
    if (start === 'ordered') this.sites.fill(0);
    else for (let i = 0; i < this.sites.length; i++) this.sites[i] = Math.floor(this.#uniforms.next() * this.#states);
  }

  /** Whether no cluster is growing, and no sweep under way. */
  get isWhole(): boolean {
    return this.#waiting === 0;
  }

  /** Goes on with a cluster of Wolff's, or begins one: changes some sites, about `most`, and gives their number. */
  cluster(most: number): number {
    const { sites } = this;
    const neighbours = this.#neighbours;
    const stack = this.#stack;
    const uniforms = this.#uniforms;
    const join = this.#join;
    let size = 0;
    let waiting = this.#waiting;
    if (waiting === 0) {
      const first = Math.floor(uniforms.next() * sites.length);
      this.#old = sites[first];
      this.#new = this.#other(this.#old);
      sites[first] = this.#new;
      stack[0] = first;
      waiting = 1;
      size = 1;
    }
    const old = this.#old;
    const state = this.#new;
    while (waiting > 0 && size < most) {
      const from = 4 * stack[--waiting];
      for (let k = from; k < from + 4; k++) {
        const site = neighbours[k];
        if (sites[site] !== old || uniforms.next() >= join) continue;
        sites[site] = state;
        stack[waiting++] = site;
        size++;
      }
    }
    this.#waiting = waiting;
    return size;
  }

  /** Goes on with as many of Metropolis' proposals as there are sites, each for a site drawn at random: `most`, whose number it gives. */
  sweep(most: number): number {
    const { sites } = this;
    const neighbours = this.#neighbours;
    const uniforms = this.#uniforms;
    const waiting = this.#waiting === 0 ? sites.length : this.#waiting;
    const count = Math.min(waiting, most);
    for (let i = 0; i < count; i++) {
      const site = Math.floor(uniforms.next() * sites.length);
      const old = sites[site];
      const state = this.#other(old);
      let fewer = 4;
      for (let k = 4 * site; k < 4 * site + 4; k++) {
        const beside = sites[neighbours[k]];
        if (beside === old) fewer++;
        else if (beside === state) fewer--;
      }
      if (uniforms.next() < this.#accept[fewer]) sites[site] = state;
    }
    this.#waiting = waiting - count;
    return count;
  }

  /** How many of the 2 n pairs of neighbours are alike. */
  alike(): number {
    const { sites } = this;
    const size = this.#size;
    let count = 0;
    for (let row = 0; row < sites.length; row += size) {
      const below = row + size < sites.length ? row + size : 0;
      for (let k = 0; k < size; k++) {
        const own = sites[row + k];
        if (own === sites[k + 1 < size ? row + k + 1 : row]) count++;
        if (own === sites[below + k]) count++;
      }
    }
    return count;
  }

  #other(state: number): number {
    if (this.#states === 2) return 1 - state;
    return (state + 1 + Math.floor(this.#uniforms.next() * (this.#states - 1))) % this.#states;
  }
}
