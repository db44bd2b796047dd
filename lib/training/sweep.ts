import { performance } from 'node:perf_hooks';
import { allocate } from '../allocate.js';
import type { NativeResult } from '../binding.js';
import type { Job, Plan } from '../plan.js';
import type { Training } from '../train.js';
import type { Ranked } from './ranks.js';

/** Rows of datasets: those listed, `count` from `first` on, or `count` that are drawn as jobs come to them. */
export type Rows = Int32Array | { readonly first: number; readonly count: number } | Drawn;

export interface Drawn {
  readonly count: number;
  /** Whether a job's rows are drawn only as it begins, since whoever looks between two jobs sees how far the generator is. */
  readonly inTime?: boolean;
  /** Rows at .. at + count - 1 of the sweep, until it is asked again. In order, those of the next job while one is computed. */
  take(at: number, count: number): Int32Array;
  /** Has another thread draw what `take` will give next. False where none is to spare. */
  ahead?(count: number): boolean;
}

/** All of the rows in each of several epochs, permuted from one to the next: some of one epoch, or several whole ones at a time. */
export function epochsOf(rows: Int32Array, epochs: number, permute?: (rows: Int32Array) => void): Drawn {
  const n = rows.length;
  let room = rows;
  return {
    count: n * epochs,
    take(at, count) {
      if (count > room.length) room = allocate(Int32Array, count);
      for (let to = 0; to < count; to += n) {
        if (at % n === 0) permute?.(rows);
        if (count > n) room.set(rows, to);
      }
      return count > n ? room.subarray(0, count) : rows.subarray(at % n, (at % n) + count);
    },
  };
}

export const countOf = (rows: Rows): number => ('length' in rows ? rows.length : rows.count);

/** How many batches the next job should hold, so that jobs last some 10 ms whatever the network's size. */
export class Pace {
  static readonly SECONDS = 0.01;
  steps: number;
  readonly #most: number;

  /** @param most batches that one job may hold */
  constructor(most = Number.POSITIVE_INFINITY) {
    this.#most = most;
    this.steps = Math.min(4, most);
  }

  /** @param drawing seconds that it took to draw the rows of a step, on the calling thread */
  measured({ steps, seconds }: NativeResult, drawing = 0): void {
    const fitting = Math.floor(Pace.SECONDS / Math.max(seconds / Math.max(steps, 1), drawing, 1e-9));
    this.steps = Math.max(1, Math.min(fitting, this.steps * 8, this.#most));
  }
}

/** What is computed of a sweep's rows in one job. */
export interface Swept {
  readonly result: NativeResult;
  /** Rows of the sweep before these. */
  readonly at: number;
  /** Rows of this job. */
  readonly count: number;
  /** Rows of a step of this job. */
  sizeOf(step: number): number;
}

/** The scalars of a job's steps; `settle` is told how many of these were done. */
export interface Prepared extends Pick<Job, 'scalars' | 'values'> {
  settle?(result: NativeResult): void;
}

export interface Sweep extends Pick<Job, 'program' | 'outputs'> {
  readonly plan: Plan;
  /** Datasets of all rows; or, as a function, those of the rows at .. at + count - 1 of the sweep, made for each job in order. */
  readonly inputs: Job['inputs'] | ((at: number, count: number) => Job['inputs']);
  readonly rows: Rows;
  readonly batchSize: number;
  /** Rows of an epoch, whose last batch may be smaller: no job goes on from one into the next. Default: all rows */
  readonly period?: number;
  /** Whether a job may hold several epochs, whole ones. */
  readonly joined?: boolean;
  readonly pace?: Pace;
  /** Of one of several ranks: what it has of each batch, in place of batchSize and period. */
  readonly ranked?: Ranked;
  /** Batches are jobs of their own, and begin with this. */
  readonly onBatch?: (batch: number) => Training<void>;
  /** Called for each job, with its rows where they are listed or drawn. */
  prepare?(steps: number, rows?: Int32Array): Prepared;
  /** What to do while each job runs. */
  meanwhile?(): void;
  /** Asked before each job. */
  stop?(): boolean;
}

/** Runs a program over rows, batch by batch, in jobs of some 10 ms: the one loop that paces them. `each` is given what a job computed. */
export function* sweep(
  {
    plan,
    program,
    inputs,
    outputs,
    rows,
    batchSize,
    pace = new Pace(),
    onBatch,
    prepare,
    stop,
    meanwhile: beside,
    period: epoch,
    joined = false,
    ranked,
  }: Sweep,
  each: (swept: Swept) => Training<void> | undefined,
): Training<void> {
  const total = countOf(rows);
  const period = epoch ?? total;
  const perEpoch = Math.ceil(period / batchSize);
  const most = () => (onBatch ? 1 : pace.steps);
  const isDrawn = 'take' in rows ? !rows.inTime : typeof inputs === 'function';
  const rowsFrom = (at: number, count: number): Pick<Job, 'rows' | 'first' | 'count' | 'inputs'> => {
    if (typeof inputs === 'function') return { first: 0, count, inputs: inputs(at, count) };
    return { ...chosen(at, count), inputs };
  };
  const chosen = (at: number, count: number): Pick<Job, 'rows' | 'first' | 'count'> => {
    if ('take' in rows) return { rows: rows.take(at, count) };
    return 'length' in rows ? { rows: rows.subarray(at, at + count) } : { first: rows.first + at, count };
  };
  const countAt = (at: number): number => {
    const left = period - (at % period);
    const whole = joined && left === period ? Math.floor(most() / perEpoch) : 0;
    return Math.min(total - at, whole > 1 ? whole * period : Math.min(left, most() * batchSize));
  };
  const part = (
    at: number,
  ): Pick<Job, 'rows' | 'first' | 'count' | 'inputs' | 'shares' | 'exchange' | 'overlap' | 'stop'> => {
    if (ranked) {
      const shares = ranked.shares.subarray(3 * batches, 3 * (batches + most()));
      let count = 0;
      for (let i = 0; i < shares.length; i += 3) count += shares[i];
      const { exchange, overlap } = ranked;
      return { ...rowsFrom(at, count), shares, exchange, overlap, stop: ranked.wantsStop() };
    }
    return rowsFrom(at, countAt(at));
  };
  let batches = 0;
  let drawn: ReturnType<typeof part> | undefined;
  for (let at = 0; (ranked ? 3 * batches < ranked.shares.length : at < total) && !stop?.(); ) {
    if (onBatch) yield* onBatch(batches);
    const own = drawn ?? part(at);
    const { shares } = own;
    const count = own.rows?.length ?? (own.count as number);
    const steps = shares
      ? shares.length / 3
      : Math.floor(count / period) * perEpoch + Math.ceil((count % period) / batchSize);
    const prepared = prepare?.(steps, own.rows);
    const job: Job = { program, batchSize, ...own };
    if (prepared?.scalars) job.scalars = prepared.scalars;
    if (prepared?.values) job.values = prepared.values;
    if (outputs) job.outputs = outputs;
    if (count > period) job.period = period;
    const after = at + count;
    drawn = undefined;
    let drawing = 0;
    const draw = () => {
      const begin = performance.now();
      drawn = part(after);
      drawing = (performance.now() - begin) / 1000 / Math.ceil((drawn.count ?? drawn.rows?.length ?? 1) / batchSize);
    };
    const drawsOn = isDrawn && after < total;
    const isAhead = drawsOn && 'take' in rows && rows.ahead?.(countAt(after)) === true;
    const meanwhile = () => {
      if (drawsOn && !isAhead) draw();
      beside?.();
    };
    // Spread, not a literal of one shape: V8 would come to make those in its old generation, and they would keep the plan.
    const result: NativeResult = yield {
      plan,
      job,
      ...((isDrawn || beside) && { meanwhile }),
      ...(prepared?.settle && { settle: prepared.settle }),
    };
    if (isAhead) draw();
    pace.measured(result, drawing);
    ranked?.done(result);
    batches += steps;
    const inEpoch = Math.min(count, period);
    const sizeOf = (step: number) =>
      shares ? shares[3 * step] : Math.min(batchSize, inEpoch - (step % perEpoch) * batchSize);
    const then = each({ result, at, count, sizeOf });
    if (then) yield* then;
    at = after;
  }
}
