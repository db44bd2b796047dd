import type { NDArray } from '../array.js';
import { type Arena, readHeld } from '../graph/held.js';
import type { JobWatch } from '../train.js';
import type { Network } from './network.js';

/** Keeps a second arena of a network's weights up to date beside the first one, whose jobs may move them. */
export class Mirror {
  readonly #network: Network;
  readonly #original: () => Arena | undefined;
  readonly #jobs: JobWatch;
  #seen?: string;
  #read?: { readonly values: readonly NDArray[]; readonly version: string };
  #isAsked = false;

  constructor(network: Network, original: () => Arena | undefined, jobs: JobWatch) {
    this.#network = network;
    this.#original = original;
    this.#jobs = jobs;
  }

  /**
   * Takes over the weights as they are or, while a job is on its way, as they were after an earlier one: those after this
   * one are read at its end, for the next time. To be called between jobs of the second arena.
   */
  refresh(): Promise<void> | undefined {
    if (!this.#jobs.running) {
      if (this.#version() !== this.#seen || this.#othersTrain()) this.#readNow();
    } else if (!this.#isAsked) {
      this.#isAsked = true;
      const read = this.#jobs.atRest(() => {
        this.#isAsked = false;
        this.#readNow();
      });
      if (this.#seen === undefined && !this.#read) return read.then(() => this.#write());
      read.catch(() => {}); // for want of memory: the next turn tries again
    }
    this.#write();
    return undefined;
  }

  #readNow(): void {
    this.#read = { values: readHeld(this.#network.weights.map(({ weight }) => weight)), version: this.#version() };
  }

  #write(): void {
    if (!this.#read) return;
    for (const [i, { buffer }] of this.#network.weights.entries())
      this.#network.plan.write(buffer, this.#read.values[i]);
    this.#seen = this.#read.version;
    this.#read = undefined;
  }

  #version(): string {
    return [this.#jobs.ended, ...this.#network.weights.map(({ weight: { held } }) => held.version)].join();
  }

  /** Weights that another network trains change without a word. */
  #othersTrain(): boolean {
    const original = this.#original();
    return this.#network.weights.some(({ weight: { held } }) => held.arena !== original && held.arena?.training);
  }
}
