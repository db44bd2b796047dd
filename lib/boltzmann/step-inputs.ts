import { allocateAs } from '../array/memory.js';
import { binding } from '../binding.js';
import type { Job, Plan } from '../plan.js';
import type { Buffer, FloatArray } from '../tape.js';
import { Pace } from '../training/sweep.js';

/** Numbers that a job may be given, 32 MB in float64. */
const MOST_VALUES = 1 << 22;

/** What the steps of a job are given, a row of a dataset for each. */
export class StepInputs {
  readonly pace: Pace;
  readonly #plan: Plan;
  readonly #room: FloatArray[] = [];

  /** @param perStep numbers that a step is given */
  constructor(plan: Plan, perStep: number) {
    this.#plan = plan;
    this.pace = new Pace(Math.max(1, Math.floor(MOST_VALUES / perStep)));
  }

  /** Room that serves one job after the other: datasets are copies. @param k a number for each use */
  array(k: number, length: number): FloatArray {
    if (!(this.#room[k]?.length >= length)) this.#room[k] = allocateAs(this.#plan.dtype, length);
    return this.#room[k].subarray(0, length);
  }

  input(b: Buffer, values: FloatArray): Job['inputs'][number] {
    const width = b.size * (b.times ?? 1);
    return [b, new binding.Dataset(b.name, values, values.length / width, width, this.#plan.dtype)];
  }
}
