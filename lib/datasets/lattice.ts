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
  readonly #states: number;
  readonly #uniforms: Uniforms;
  /** right, left, down, up of every site */
  readonly #neighbours: Int32Array;
  readonly #stack: Int32Array;
  #join = 0;
  /** of proposals after which -4 .. 4 fewer neighbours are alike */
  readonly #accept = new Float64Array(9).fill(1);

  constructor(size: number, states: number, uniforms: Uniforms) {
    const n = size * size;
    this.sites = new Uint8Array(n);
    this.#states = states;
    this.#uniforms = uniforms;
    this.#neighbours = allocate(Int32Array, 4 * n);
    this.#stack = allocate(Int32Array, n);
    for (let i = 0; i < n; i++) {
      const column = i % size;
      const row = i - column;
      this.#neighbours[4 * i] = row + ((column + 1) % size);
      this.#neighbours[4 * i + 1] = row + ((column + size - 1) % size);
      this.#neighbours[4 * i + 2] = (i + size) % n;
      this.#neighbours[4 * i + 3] = (i + n - size) % n;
    }
  }

  /** @param bond what a pair of unlike neighbours costs, in units of the temperature */
  begin(bond: number, start: 'ordered' | 'random'): void {
    this.#join = 1 - Math.exp(-bond);
    for (let fewer = 1; fewer <= 4; fewer++) this.#accept[4 + fewer] = Math.exp(-bond * fewer);
    if (start === 'ordered') this.sites.fill(0);
    else for (let i = 0; i < this.sites.length; i++) this.sites[i] = Math.floor(this.#uniforms.next() * this.#states);
  }

  /** Grows one cluster of Wolff's and changes its state. Gives its number of sites. */
  cluster(): number {
    const { sites } = this;
    const neighbours = this.#neighbours;
    const stack = this.#stack;
    const uniforms = this.#uniforms;
    const join = this.#join;
    const first = Math.floor(uniforms.next() * sites.length);
    const old = sites[first];
    const state = this.#other(old);
    sites[first] = state;
    stack[0] = first;
    let waiting = 1;
    let size = 1;
    while (waiting > 0) {
      const from = 4 * stack[--waiting];
      for (let k = from; k < from + 4; k++) {
        const site = neighbours[k];
        if (sites[site] !== old || uniforms.next() >= join) continue;
        sites[site] = state;
        stack[waiting++] = site;
        size++;
      }
    }
    return size;
  }

  /** As many of Metropolis' proposals as there are sites, each for a site drawn at random. Gives their number. */
  sweep(): number {
    const { sites } = this;
    const neighbours = this.#neighbours;
    const uniforms = this.#uniforms;
    for (let i = 0; i < sites.length; i++) {
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
    return sites.length;
  }

  /** How many of the 2 n pairs of neighbours are alike. */
  alike(): number {
    let count = 0;
    for (let i = 0; i < this.sites.length; i++) {
      if (this.sites[i] === this.sites[this.#neighbours[4 * i]]) count++;
      if (this.sites[i] === this.sites[this.#neighbours[4 * i + 2]]) count++;
    }
    return count;
  }

  #other(state: number): number {
    if (this.#states === 2) return 1 - state;
    return (state + 1 + Math.floor(this.#uniforms.next() * (this.#states - 1))) % this.#states;
  }
}
