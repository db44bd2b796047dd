import { allocate } from '../allocate.js';
import type { NDArray } from '../array.js';
import { binding, type NativeDataset } from '../binding.js';
import type { Job } from '../plan.js';
import type { RandomState } from '../random.js';
import type { FloatArray } from '../tape.js';
import type { Training } from '../train.js';
import { Pace, sweep } from '../training/sweep.js';
import type { RBMPlan } from './rbm-plan.js';

/** Numbers that a job may be given: with 1 MB they stay in a core's cache; of 32 MB a fit of the digits took a tenth longer. */
const MOST_VALUES = 1 << 17;

/**
 * Passes over rows, batch after batch in their order. What the steps of a job draw lies in datasets, a row for each batch; it is
 * drawn in the order of the steps, for the next job while one runs.
 */
export class Passes {
  readonly #step: RBMPlan;
  readonly #chain: number;
  readonly #pace: Pace;
  readonly #room: FloatArray[] = [];

  constructor(step: RBMPlan) {
    const { shape, draws, x } = step;
    this.#step = step;
    this.#chain = shape.chain ?? shape.rows;
    const perStep = draws.size + x.size * shape.rows;
    this.#pace = new Pace(Math.max(1, Math.floor(MOST_VALUES / perStep)));
  }

  /** One pass over x [n, visible], of the plan's dtype. */
  *over(x: NDArray, random: RandomState, learningRate: number): Training<void> {
    const { plan, shape } = this.#step;
    const n = x.shape[0];
    const count = Math.ceil(n / shape.rows);
    const rowsOf = (batch: number) => Math.min(shape.rows, n - batch * shape.rows);
    yield* sweep(
      {
        ...{ plan, program: 'train', rows: { first: 0, count }, batchSize: 1, pace: this.#pace },
        inputs: (at, count) => this.#inputs(x, random, learningRate, at, count, rowsOf),
      },
      () => undefined,
    );
  }

  #inputs(
    x: NDArray,
    random: RandomState,
    learningRate: number,
    at: number,
    count: number,
    rowsOf: (batch: number) => number,
  ): Job['inputs'] {
    const { shape, draws, drawn, rate, x: xBuffer } = this.#step;
    const { rows, visible } = shape;
    const chain = this.#chain;

    const size = rows * visible;
    const given = x.data.subarray(at * size, (at + count) * size) as FloatArray;
    let data = given;
    if (given.length < count * size) {
      data = this.#array(0, count * size);
      data.fill(0, given.length);
      data.set(given);
    }
    const rates = this.#array(1, count * (rows + chain));
    rates.fill(0);
    for (let b = 0; b < count; b++) {
      const [first, own] = [b * (rows + chain), rowsOf(at + b)];
      rates.fill(learningRate / own, first, first + own);
      rates.fill(-learningRate / own, first + rows, first + rows + (shape.chain === undefined ? own : chain));
    }
    const numbers = this.#array(2, count * draws.size);
    if (drawn.every(([, kind]) => kind === 'uniform')) random.fill('uniform', numbers);
    else
      for (let b = 0, end = 0; b < count; b++)
        for (const [size, kind] of drawn) {
          random.fill(kind, numbers.subarray(end, end + size));
          end += size;
        }
    return [
      [xBuffer, this.#dataset(data, size)],
      [rate, this.#dataset(rates, rows + chain)],
      [draws, this.#dataset(numbers, draws.size)],
    ];
  }

  /** Room that serves one job after the other: datasets are copies. */
  #array(k: number, length: number): FloatArray {
    if (!(this.#room[k]?.length >= length))
      this.#room[k] =
        this.#step.shape.dtype === 'float32' ? allocate(Float32Array, length) : allocate(Float64Array, length);
    return this.#room[k].subarray(0, length);
  }

  #dataset(values: FloatArray, width: number): NativeDataset {
    return new binding.Dataset('x', values, values.length / width, width, this.#step.shape.dtype);
  }
}
