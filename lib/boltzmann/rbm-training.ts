import type { NDArray } from '../array.js';
import type { Job } from '../plan.js';
import type { RandomState } from '../random.js';
import type { FloatArray } from '../tape.js';
import type { Training } from '../train.js';
import { sweep } from '../training/sweep.js';
import type { RBMPlan } from './rbm-plan.js';
import { StepInputs } from './step-inputs.js';

/** Numbers that a job may be given: with 1 MB they stay in a core's cache; of 32 MB a fit of the digits took a tenth longer. */
const MOST_VALUES = 1 << 17;

/**
 * Passes over rows, batch after batch in their order. What the steps of a job draw lies in datasets, a row for each batch; it is
 * drawn in the order of the steps, for the next job while one runs.
 */
export class Passes {
  readonly #step: RBMPlan;
  readonly #chain: number;
  readonly #inputs: StepInputs;

  constructor(step: RBMPlan) {
    const { plan, shape, draws, x } = step;
    this.#step = step;
    this.#chain = shape.chain ?? shape.rows;
    this.#inputs = new StepInputs(plan, draws.size + x.size * shape.rows, MOST_VALUES);
  }

  /** One pass over x [n, visible], of the plan's dtype. */
  *over(x: NDArray, random: RandomState, learningRate: number): Training<void> {
    const { plan, shape } = this.#step;
    const n = x.shape[0];
    const count = Math.ceil(n / shape.rows);
    const rowsOf = (batch: number) => Math.min(shape.rows, n - batch * shape.rows);
    yield* sweep(
      {
        ...{ plan, program: 'train', rows: { first: 0, count }, batchSize: 1, pace: this.#inputs.pace },
        inputs: (at, count) => this.#given(x, random, learningRate, at, count, rowsOf),
      },
      () => undefined,
    );
  }

  #given(
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
      data = this.#inputs.array(0, count * size);
      data.fill(0, given.length);
      data.set(given);
    }
    const rates = this.#inputs.array(1, count * (rows + chain));
    rates.fill(0);
    for (let b = 0; b < count; b++) {
      const [first, own] = [b * (rows + chain), rowsOf(at + b)];
      rates.fill(learningRate / own, first, first + own);
      rates.fill(-learningRate / own, first + rows, first + rows + (shape.chain === undefined ? own : chain));
    }
    const numbers = this.#inputs.array(2, count * draws.size);
    if (drawn.every(([, kind]) => kind === 'uniform')) random.fill('uniform', numbers);
    else
      for (let b = 0, end = 0; b < count; b++)
        for (const [size, kind] of drawn) {
          random.fill(kind, numbers.subarray(end, end + size));
          end += size;
        }
    const inputs = this.#inputs;
    return [inputs.input(xBuffer, data), inputs.input(rate, rates), inputs.input(draws, numbers)];
  }
}
