import { didYouMean, wrongType } from '../check.js';
import { isPlain, property } from '../kind.js';
import { isPromise, type Training } from '../train.js';
import type { Callback, CallbackModel, CallbackParams, Logs, TrainingState } from './callback.js';
import { callbacks as made } from './index.js';

const HOOKS = [
  'setModel',
  'setParams',
  'setTraining',
  'onTrainBegin',
  'onTrainEnd',
  'onEpochBegin',
  'onEpochEnd',
  'onTestBegin',
  'onTestEnd',
  'onBatchBegin',
  'onBatchEnd',
  'onProgress',
] as const satisfies readonly (keyof Callback)[];

/**
 * The callbacks of one `fit`, called in order. Each step is a generator for the training loop to delegate to: it yields
 * the promises that callbacks return, and calls the next callback once the driver has waited for the one before.
 */
export class CallbackList {
  readonly #callbacks: readonly Callback[];
  readonly #model: CallbackModel;
  readonly #params: { -readonly [name in keyof CallbackParams]: CallbackParams[name] };
  #logs: Logs = {};

  /** @throws TypeError for what is not a callback, naming misspelt methods */
  constructor(callbacks: readonly Callback[], model: CallbackModel, params: CallbackParams) {
    checkCallbacks(callbacks);
    this.#callbacks = params.rank ? callbacks.filter(({ firstRankOnly }) => !firstRankOnly) : callbacks;
    this.#model = model;
    this.#params = params;
  }

  /** Does any callback want to be called for every batch? */
  get wantsBatches(): boolean {
    return this.#callbacks.some((callback) => callback.onBatchBegin || callback.onBatchEnd);
  }

  /** Is there any callback beside this one? */
  hasOthersThan(own: Callback): boolean {
    return this.#callbacks.some((callback) => callback !== own);
  }

  /** The epoch to begin with, which `onTrainBegin` may have set. */
  get initialEpoch(): number {
    return this.#params.initialEpoch;
  }

  /** What the first epoch of a source came to. */
  counted(steps: number, samples: number): void {
    this.#params.steps ??= steps;
    this.#params.samples ??= samples;
  }

  /** @param training absent of what is no network: an estimator has no state that a callback could restore */
  *onTrainBegin(training?: TrainingState): Training<void> {
    for (const callback of this.#callbacks) {
      if (callback.setTraining && !training)
        throw new TypeError(
          'Expected callbacks that change a training, such as backupAndRestore and swapEmaWeights, to be those of a network',
        );
      yield* waitFor(callback.setModel?.(this.#model));
      yield* waitFor(callback.setParams?.(this.#params));
      if (training) yield* waitFor(callback.setTraining?.(training));
    }
    yield* this.#each((callback) => callback.onTrainBegin?.());
  }

  *onTrainEnd(): Training<void> {
    yield* this.#each((callback) => callback.onTrainEnd?.(this.#logs));
  }

  *onEpochBegin(epoch: number): Training<void> {
    yield* this.#each((callback) => callback.onEpochBegin?.(epoch));
  }

  *onEpochEnd(epoch: number, logs: Logs): Training<void> {
    this.#logs = logs;
    yield* this.#each((callback) => callback.onEpochEnd?.(epoch, logs));
  }

  *onTestBegin(): Training<void> {
    yield* this.#each((callback) => callback.onTestBegin?.());
  }

  *onTestEnd(logs: Logs): Training<void> {
    yield* this.#each((callback) => callback.onTestEnd?.(logs));
  }

  *onBatchBegin(batch: number): Training<void> {
    yield* this.#each((callback) => callback.onBatchBegin?.(batch));
  }

  *onBatchEnd(batch: number, logs: Logs): Training<void> {
    yield* this.#each((callback) => callback.onBatchEnd?.(batch, logs));
    yield* this.onProgress(batch + 1, logs);
  }

  /** For the end of a job of several batches, where no callback wants them one by one. */
  *onProgress(batches: number, logs: Logs): Training<void> {
    yield* this.#each((callback) => callback.onProgress?.(batches, logs));
  }

  *#each(call: (callback: Callback) => unknown): Training<void> {
    for (const callback of this.#callbacks) yield* waitFor(call(callback));
  }
}

function* waitFor(returned: unknown): Training<void> {
  if (isPromise(returned)) yield returned;
}

/**
 * The callbacks that an option was given, in a list.
 * @throws TypeError for what is not a callback, naming misspelt methods
 */
export function checkCallbacks(given: Callback | readonly Callback[] = []): Callback[] {
  const list = [given].flat() as Callback[];
  for (const [i, callback] of list.entries()) checkCallback(`callbacks[${i}]`, callback);
  return list;
}

function checkCallback(name: string, callback: unknown): void {
  if (typeof callback !== 'object' || callback === null) throw noCallback(name, callback);
  const misspelt = Object.keys(callback).filter((key) => /^on[A-Z]/.test(key) && !HOOKS.includes(key as never));
  if (misspelt.length > 0)
    throw new TypeError(
      `Expected ${name} to have no method '${misspelt[0]}'${didYouMean(misspelt[0], HOOKS)}; there are: ${HOOKS.join(', ')}`,
    );
  const hooks = HOOKS.filter((hook) => (callback as Callback)[hook] !== undefined);
  if (hooks.length === 0) throw noCallback(name, callback);
  for (const hook of hooks)
    if (typeof (callback as Callback)[hook] !== 'function')
      throw wrongType(`${name}.${hook}`, 'a function', (callback as Callback)[hook]);
}

/** With the call that makes the ready-made one that is meant: by its name, by its function, or by its name before options. */
function noCallback(name: string, given: unknown): TypeError {
  const { message } = wrongType(name, 'a callback: one of callbacks.*, or an object of onEpochEnd and the like', given);
  const meant = isPlain(given) ? Object.keys(given)[0] : typeof given === 'function' ? property(given, 'name') : given;
  const maker = Object.keys(made).find((own) => typeof meant === 'string' && own.toLowerCase() === meant.toLowerCase());
  return new TypeError(maker ? `${message}; callbacks.${maker}(…) makes one` : message);
}
