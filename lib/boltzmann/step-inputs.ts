import { allocate } from '../allocate.js';
import { binding } from '../binding.js';
import type { Job, Plan } from '../plan.js';
import type { RandomState } from '../random.js';
import type { Buffer, FloatArray } from '../tape.js';
import { Pace } from '../training/sweep.js';

/** Numbers that a job may be given: 32 MB in float64. */
const MOST_VALUES = 1 << 22;

/** What the steps of a job draw, as its inputs: uniform numbers, step after step. */
export class UniformDraws {
  readonly pace: Pace;
  readonly #plan: Plan;
  readonly #draws: readonly Buffer[];
  readonly #room: FloatArray[] = [];

  /** @param others numbers that a step is given beside them */
  constructor(plan: Plan, draws: readonly Buffer[], others = 0) {
    this.#plan = plan;
    this.#draws = draws;
    this.pace = new Pace(Math.max(1, Math.floor(MOST_VALUES / draws.reduce((sum, b) => sum + widthOf(b), others))));
  }

  inputs(steps: number, random: RandomState): Job['inputs'] {
    const values = this.#draws.map((b, i) => this.array(i, steps * widthOf(b)));
    for (let step = 0; step < steps; step++)
      for (const [i, b] of this.#draws.entries()) {
        const width = widthOf(b);
        random.fill('uniform', values[i].subarray(step * width, (step + 1) * width));
      }
    return this.#draws.map((b, i) => this.input(b, values[i]));
  }

  /** Room that serves one job after the other: datasets are copies. */
  array(k: number, length: number): FloatArray {
    if (!(this.#room[k]?.length >= length))
      this.#room[k] = this.#plan.dtype === 'float32' ? allocate(Float32Array, length) : allocate(Float64Array, length);
    return this.#room[k].subarray(0, length);
  }

  input(b: Buffer, values: FloatArray): Job['inputs'][number] {
    const width = widthOf(b);
    return [b, new binding.Dataset(b.name, values, values.length / width, width, this.#plan.dtype)];
  }
}

const widthOf = ({ size, times = 1 }: Buffer) => size * times;
