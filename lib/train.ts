import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import type { NativeResult } from './binding.js';
import { failure, wrongType } from './check.js';
import { isAbortSignal, isError } from './kind.js';
import type { Job, Plan } from './plan.js';

/** A job to run. */
export interface JobStep {
  plan: Plan;
  job: Job;
  /** What to do while the job runs. */
  meanwhile?: () => void;
  /** Called as soon as the job has ended, whether the loop goes on or was aborted: what keeps account of the steps done. */
  settle?: (result: NativeResult) => void;
}

/** What a training loop asks of its driver: run a job, or wait for a promise. */
export type Step = JobStep | PromiseLike<unknown>;

/**
 * A training loop, written once as a generator of steps; the two drivers below run it asynchronously and synchronously,
 * with the same bits. What `yield` returns is a job's result or a promise's value.
 */
export type Training<R> = Generator<Step, R, any>;

/** Milliseconds on the calling thread beside a job, after which others have a turn. */
const LONG = 1;

/** What a job came to that was not begun. */
const UNBEGUN = { steps: 0, seconds: 0, report: new Float64Array() } as const;

/**
 * Runs jobs off the main thread. An abort ends the running job after its batch, or the wait for a callback at once, and
 * rejects with ERR_ABORTED; what such a callback's promise comes to later is nobody's concern any more.
 */
export async function drive<R>(training: Training<R>, signal?: AbortSignal, what: Aborted = 'training'): Promise<R> {
  if (signal !== undefined && !isAbortSignal(signal)) throw wrongType('signal', 'an AbortSignal', signal);
  let running: Plan | undefined;
  const abort = () => running?.stop();
  signal?.addEventListener('abort', abort);
  const caller: { stack?: string } = {};
  Error.captureStackTrace(caller, drive);
  try {
    let next = signal?.aborted ? training.throw(withStack(aborted(signal, what), caller)) : training.next();
    while (!next.done) {
      const step = next.value;
      let result: unknown;
      try {
        if ('plan' in step) {
          if (signal?.aborted) {
            step.settle?.(UNBEGUN); // by a callback: what was drawn for its steps is given back
            throw signal.reason;
          }
          running = step.plan;
          const job = step.plan.run(step.job);
          const begin = performance.now();
          step.meanwhile?.();
          const isLong = performance.now() - begin > LONG;
          const done = await job;
          step.settle?.(done);
          result = done;
          // Node.js delivers a job that has ended meanwhile at once, and so on: nothing else would have its turn
          if (isLong) await setImmediate();
        } else {
          result = await unlessAborted(step, signal);
        }
        if (signal?.aborted) throw signal.reason;
      } catch (error) {
        next = training.throw(signal?.aborted ? withStack(aborted(signal, what), caller) : framed(error, caller));
        continue;
      } finally {
        running = undefined;
      }
      next = training.next(result);
    }
    return next.value;
  } catch (error) {
    throw framed(error, caller);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/**
 * Waits for `promise`, but no longer than until `signal` fires, and then gives nothing: what the promise comes to after
 * that is nobody's concern.
 */
export function unlessAborted<T>(promise: T | PromiseLike<T>, signal?: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) resolve(undefined);
    const leave = () => resolve(undefined);
    signal?.addEventListener('abort', leave);
    const arrive = () => signal?.removeEventListener('abort', leave);
    Promise.resolve(promise).finally(arrive).then(resolve, reject);
  });
}

/** Runs jobs on the calling thread. `signal` may have fired before, or fire in a callback. */
export function driveSync<R>(training: Training<R>, signal?: AbortSignal, what: Aborted = 'training'): R {
  let next = signal?.aborted ? training.throw(aborted(signal, what)) : training.next();
  while (!next.done) {
    const step = next.value;
    let result: NativeResult;
    try {
      if (!('plan' in step)) {
        step.then(undefined, () => {}); // nobody waits for it
        throw new TypeError('Expected callbacks of a synchronous call to return nothing, got a promise');
      }
      if (signal?.aborted) {
        step.settle?.(UNBEGUN);
        throw aborted(signal, what);
      }
      result = step.plan.runSync(step.job);
      step.meanwhile?.();
      step.settle?.(result);
    } catch (error) {
      next = training.throw(error);
      continue;
    }
    next = training.next(result);
  }
  return next.value;
}

/** Knows whether a job of one network is on its way, and lets others wait for its end. */
export class JobWatch {
  #running = false;
  #ended = 0;
  #waiting: (() => void)[] = [];

  /** False between two batches too: while a callback is called or waited for. */
  get running(): boolean {
    return this.#running;
  }

  /** The jobs that have ended. */
  get ended(): number {
    return this.#ended;
  }

  /** What `read` returns now or, if a job is on its way, at its end: after a whole batch, with all counts of that moment. */
  atRest<T>(read: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const take = () => {
        try {
          resolve(read());
        } catch (error) {
          reject(error);
        }
      };
      if (this.#running) this.#waiting.push(take);
      else take();
    });
  }

  /** The steps of `training`, watched. */
  *watch<R>(training: Training<R>): Training<R> {
    let next = training.next();
    while (!next.done) {
      let result: unknown;
      try {
        result = yield this.#watched(next.value);
      } catch (error) {
        this.#end();
        next = training.throw(error);
        continue;
      }
      next = training.next(result);
    }
    return next.value;
  }

  #watched(step: Step): Step {
    if (!('plan' in step)) return step;
    this.#running = true;
    const settle = (result: NativeResult) => {
      step.settle?.(result);
      this.#end();
    };
    return { ...step, settle };
  }

  #end(): void {
    this.#running = false;
    this.#ended++;
    for (const take of this.#waiting.splice(0)) take();
  }
}

/** What was going on. */
type Aborted = 'training' | 'evaluation' | 'prediction' | 'sampling';

export function aborted(signal: AbortSignal, what: Aborted = 'training'): Error {
  const rest = what === 'training' ? '; the weights are those after the last finished batch' : '';
  return Object.assign(failure('ERR_ABORTED', `The ${what} was aborted${rest}`, { cause: signal.reason }), {
    name: 'AbortError',
  });
}

/** Gives an error the frames of the line that called. */
export function withStack(error: Error, caller: { stack?: string }): Error {
  error.stack = `${error.name}: ${error.message}\n${caller.stack?.split('\n').slice(1).join('\n') ?? ''}`;
  return error;
}

/** Errors that come from native code carry no JavaScript frames. */
export const framed = (error: unknown, caller: { stack?: string }): unknown =>
  isError(error) && !error.stack?.includes('\n    at ') ? withStack(error, caller) : error;

/** The `signal` of a call's options, which may be anything yet. */
export function signalOf(options: unknown): AbortSignal | undefined {
  const signal = (options as { signal?: AbortSignal } | null | undefined)?.signal;
  if (signal !== undefined && !isAbortSignal(signal)) throw wrongType('signal', 'an AbortSignal', signal);
  return signal;
}

/** Whether what a callback returned is to be waited for. */
export const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';

/** Milliseconds after which whatever else the process serves has its turn. */
const TURN = 10;

/** Asked between pieces of work, which may wait for nothing: a promise where it is the others' turn. */
export function turns(): () => Promise<void> | undefined {
  let since = performance.now();
  return () =>
    performance.now() - since < TURN
      ? undefined
      : setImmediate().then(() => {
          since = performance.now();
        });
}
