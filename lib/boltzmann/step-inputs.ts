import { allocate } from '../allocate.js';
import { binding } from '../binding.js';
import type { Job, Plan } from '../plan.js';
import type { RandomState } from '../random.js';
import type { Buffer, FloatArray } from '../tape.js';
import { Pace } from '../training/sweep.js';

/** What the steps of a job are given, a row of a dataset for each. */
export class StepInputs {
  readonly pace: Pace;
  readonly #plan: Plan;
  readonly #room: FloatArray[] = [];

  /** @param perStep numbers that a step is given @param most that a job may be given, but for one of a single step */
  constructor(plan: Plan, perStep: number, most: number) {
    this.#plan = plan;
    this.pace = new Pace(Math.max(1, Math.floor(most / perStep)));
  }

  /** Room that serves one job after the other: datasets are copies. @param k a number for each use */
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

/** 32 MB in float64. */
const MOST_VALUES = 1 << 22;

/** Uniform numbers among them, drawn step after step. */
export class UniformDraws extends StepInputs {
  readonly #draws: readonly Buffer[];

  /** @param others numbers that a step is given beside them */
  constructor(plan: Plan, draws: readonly Buffer[], others = 0) {
    const perStep = draws.reduce((sum, b) => sum + widthOf(b), others);
    super(plan, perStep, MOST_VALUES);
    this.#draws = draws;
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
}

const widthOf = ({ size, times = 1 }: Buffer) => size * times;
