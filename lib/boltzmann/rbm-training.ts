import type { NDArray } from '../array.js';
import type { Job } from '../plan.js';
import type { RandomState } from '../random.js';
import type { FloatArray } from '../tape.js';
import type { Training } from '../train.js';
import { sweep } from '../training/sweep.js';
import { drawing } from './generator.js';
import type { RBMPlan } from './rbm-plan.js';
import { StepInputs } from './step-inputs.js';

/** Passes over rows, batch after batch in their order. */
export class Passes {
  readonly #step: RBMPlan;
  readonly #chain: number;
  readonly #inputs: StepInputs;
  /** What the last job was given: most passes have one job, and the same. */
  #last?: { readonly x: NDArray; readonly key: string; readonly given: Job['inputs'] };

  constructor(step: RBMPlan) {
    const { plan, shape, x, rate } = step;
    this.#step = step;
    this.#chain = shape.chain ?? shape.rows;
    this.#inputs = new StepInputs(plan, x.size * shape.rows + rate.size * (shape.rows + this.#chain));
  }

  /** One pass over x [n, visible], of the plan's dtype. */
  *over(x: NDArray, random: RandomState, learningRate: number): Training<void> {
    const { plan, shape, generator } = this.#step;
    const n = x.shape[0];
    const count = Math.ceil(n / shape.rows);
    const rowsOf = (batch: number) => Math.min(shape.rows, n - batch * shape.rows);
    const training = sweep(
      {
        ...{ plan, program: 'train', rows: { first: 0, count }, batchSize: 1, pace: this.#inputs.pace },
        inputs: (at, count) => {
          const key = `${at} ${count} ${learningRate}`;
          if (this.#last?.x !== x || this.#last.key !== key)
            this.#last = { x, key, given: this.#given(x, learningRate, at, count, rowsOf) };
          return this.#last.given;
        },
      },
      () => undefined,
    );
    yield* drawing(plan, generator, random, training);
  }

  #given(
    x: NDArray,
    learningRate: number,
    at: number,
    count: number,
    rowsOf: (batch: number) => number,
  ): Job['inputs'] {
    const { shape, rate, x: xBuffer } = this.#step;
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
    return [this.#inputs.input(xBuffer, data), this.#inputs.input(rate, rates)];
  }
}
