import type { NativeResult } from '../binding.js';
import type { Job, Plan } from '../tape.js';
import type { Training } from '../train.js';

/** Rows of datasets: those listed, or `count` from `first` on. */
export type Rows = Int32Array | { readonly first: number; readonly count: number };

/** How many batches the next job should hold, so that jobs last some 10 ms whatever the network's size. */
export class Pace {
  static readonly SECONDS = 0.01;
  steps = 4;

  measured({ steps, seconds }: NativeResult): void {
    const fitting = Math.floor((Pace.SECONDS * steps) / Math.max(seconds, 1e-9));
    this.steps = Math.max(1, Math.min(fitting, this.steps * 8));
  }
}

/** What is computed of a sweep's rows in one job. */
export interface Swept {
  readonly result: NativeResult;
  /** Rows of the sweep before these. */
  readonly at: number;
  /** Rows of this job. */
  readonly count: number;
}

/** The scalars of a job's steps; `settle` is told how many of these were done. */
export interface Prepared extends Pick<Job, 'scalars' | 'values'> {
  settle?(result: NativeResult): void;
}

export interface Sweep extends Pick<Job, 'program' | 'inputs' | 'outputs'> {
  readonly plan: Plan;
  readonly rows: Rows;
  readonly batchSize: number;
  readonly pace?: Pace;
  /** Batches are jobs of their own, and begin with this. */
  readonly onBatch?: (batch: number) => Training<void>;
  /** Called for each job. */
  prepare?(steps: number): Prepared;
  /** Asked before each job. */
  stop?(): boolean;
}

/** Runs a program over rows, batch by batch, in jobs of some 10 ms: the one loop that paces them. `each` is given what a job computed. */
export function* sweep(
  { plan, program, inputs, outputs, rows, batchSize, pace = new Pace(), onBatch, prepare, stop }: Sweep,
  each: (swept: Swept) => Training<void> | undefined,
): Training<void> {
  const isListed = 'length' in rows;
  const total = isListed ? rows.length : rows.count;
  for (let at = 0; at < total && !stop?.(); ) {
    if (onBatch) yield* onBatch(Math.floor(at / batchSize));
    const count = Math.min(total - at, (onBatch ? 1 : pace.steps) * batchSize);
    const { settle, ...scalars } = prepare?.(Math.ceil(count / batchSize)) ?? {};
    const some = isListed ? { rows: rows.subarray(at, at + count) } : { first: rows.first + at, count };
    const result: NativeResult = yield {
      plan,
      job: { program, inputs, batchSize, ...some, ...scalars, ...(outputs && { outputs }) },
      ...(settle && { settle }),
    };
    pace.measured(result);
    const then = each({ result, at, count });
    if (then) yield* then;
    at += count;
  }
}
