import type { NativeResult } from './binding.js';
import { failure, wrongType } from './check.js';
import { isAbortSignal, isError } from './kind.js';
import type { Job, Plan } from './tape.js';

/** What a training loop asks of its driver: run a job (and do something else meanwhile), or wait for a callback. */
export type Step = { plan: Plan; job: Job; meanwhile?: () => void } | PromiseLike<unknown>;

/**
 * A training loop, written once as a generator of steps; the two drivers below run it asynchronously and synchronously,
 * with the same bits. A job's result is what `yield` returns.
 */
export type Training<R> = Generator<Step, R, NativeResult>;

/** Runs jobs off the main thread. An abort ends the running job after its batch and rejects with ERR_ABORTED. */
export async function drive<R>(training: Training<R>, signal?: AbortSignal): Promise<R> {
  if (signal !== undefined && !isAbortSignal(signal)) throw wrongType('signal', 'an AbortSignal', signal);
  let running: Plan | undefined;
  const abort = () => running?.stop();
  signal?.addEventListener('abort', abort);
  const caller: { stack?: string } = {};
  Error.captureStackTrace(caller, drive);
  try {
    let next = signal?.aborted ? training.throw(withStack(aborted(signal), caller)) : training.next();
    while (!next.done) {
      const step = next.value;
      let result: NativeResult | undefined;
      try {
        if (signal?.aborted) throw signal.reason; // by a callback
        if ('plan' in step) {
          running = step.plan;
          const job = step.plan.run(step.job);
          step.meanwhile?.();
          result = await job;
        } else {
          await step;
        }
        running = undefined;
        if (signal?.aborted) throw signal.reason;
      } catch (error) {
        next = training.throw(signal?.aborted ? withStack(aborted(signal), caller) : framed(error, caller));
        continue;
      }
      next = training.next(result as NativeResult);
    }
    return next.value;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** Runs jobs on the calling thread. */
export function driveSync<R>(training: Training<R>): R {
  let next = training.next();
  while (!next.done) {
    const step = next.value;
    let result: NativeResult;
    try {
      if (!('plan' in step))
        throw new TypeError('Expected callbacks of a synchronous call to return nothing, got a promise');
      result = step.plan.runSync(step.job);
      step.meanwhile?.();
    } catch (error) {
      next = training.throw(error);
      continue;
    }
    next = training.next(result);
  }
  return next.value;
}

/** How many batches the next job should hold, so that jobs last some 10 ms whatever the network's size. */
export class Pace {
  static readonly SECONDS = 0.01;
  steps = 4;

  measured({ steps, seconds }: NativeResult): void {
    const fitting = Math.floor((Pace.SECONDS * steps) / Math.max(seconds, 1e-9));
    this.steps = Math.max(1, Math.min(fitting, this.steps * 8));
  }
}

function aborted(signal: AbortSignal): Error {
  return Object.assign(
    failure('ERR_ABORTED', 'The training was aborted; the weights are those after the last finished batch', {
      cause: signal.reason,
    }),
    { name: 'AbortError' },
  );
}

/** Gives an error the frames of the line that called. */
function withStack(error: Error, caller: { stack?: string }): Error {
  error.stack = `${error.name}: ${error.message}\n${caller.stack?.split('\n').slice(1).join('\n')}`;
  return error;
}

/** Errors that come from native code carry no JavaScript frames. */
const framed = (error: unknown, caller: { stack?: string }): unknown =>
  isError(error) && !error.stack?.includes('\n    at ') ? withStack(error, caller) : error;

/** Whether what a callback returned is to be waited for. */
export const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
