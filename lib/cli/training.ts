import { type Callback, type CallbackModel, type CallbackParams, callbacks, type Logs } from '../callbacks/index.js';
import type { Sequential } from '../models/sequential.js';
import { fitTargets } from './assessment.js';
import type { Crew } from './crew.js';
import type { Meaning, Samples } from './dataset.js';
import { CommandError, EXIT } from './errors.js';
import { holdSignals, type Interruption, interruptible } from './interrupt.js';
import { lectureTrainer } from './lecture.js';
import { buildEstimator, buildSequential, denseNetwork, type Recipe } from './recipe.js';

/** What is to be trained, and what watches it. */
export interface TrainingJob {
  readonly recipe: Recipe;
  readonly meaning: Meaning;
  readonly samples: Samples;
  readonly seed: number;
  /** The share of the samples, the last ones, to validate on. */
  readonly validation: number;
  /** Epochs without a better validation loss after which training stops. */
  readonly patience?: number;
  /** Whether rare classes weigh more. */
  readonly balanced?: boolean;
  readonly callbacks: readonly Callback[];
  /** Told when Ctrl-C asks the training to stop. */
  readonly onStop: (by: Interruption) => void;
  readonly crew: Crew;
  /** An earlier run to go on with. */
  readonly before?: Pick<Outcome, 'model' | 'epochs' | 'history'>;
}

export interface Outcome {
  readonly model: Sequential;
  /** Of whole epochs. */
  readonly history: {
    readonly epoch: readonly number[];
    readonly history: Readonly<Record<string, readonly number[]>>;
  };
  /** Whole epochs done, those before included. */
  readonly epochs: number;
  readonly seconds: number;
  readonly by?: Interruption;
  /** Did the loss become NaN or infinite? */
  readonly diverged: boolean;
}

/** Something that is trained under callbacks. */
export interface Trainer {
  /** @param signal fires when the training is to stop, as callbacks do by `stopTraining` */
  fit(watchers: readonly Callback[], signal: AbortSignal): Promise<unknown>;
  /** What was trained, as a network that can be saved. */
  model(): Sequential;
}

/** Trains as the recipe says. Ctrl-C ends the training after the batch in progress; among ranks that of any of them. */
export async function train(job: TrainingJob): Promise<Outcome> {
  const { crew } = job;
  const { kind } = job.recipe;
  const begun = performance.now();
  const trainer =
    kind === 'lecture' ? lectureTrainer(job) : kind === 'sklearn' ? sklearnTrainer(job) : sequentialTrainer(job);
  const epochs = new Epochs(job.before);
  const abort = new AbortController();
  const release = crew.world ? holdSignals() : () => {};
  const { by: own } = await interruptible(
    (reason) => {
      epochs.stop();
      abort.abort();
      job.onStop(reason);
    },
    async () => {
      try {
        await trainer.fit([epochs, ...job.callbacks], abort.signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ERR_DIVERGED') throw error;
        epochs.diverged = true;
      }
    },
  );
  const { history, done } = epochs;
  const all = await crew.hear({ by: own, diverged: epochs.diverged });
  const by = all.find((one) => one.by)?.by;
  const diverged = all.some((one) => one.diverged);
  if (!by) release();
  const seconds = (performance.now() - begun) / 1000;
  return { model: trainer.model(), history, epochs: done, seconds, diverged, ...(by && { by }) };
}

function sequentialTrainer(job: TrainingJob): Trainer {
  const { recipe, meaning, samples, before, patience, validation, balanced, crew } = job;
  const model = before?.model ?? buildSequential(recipe, meaning, job.seed);
  const monitor = validation > 0 ? 'val_loss' : 'loss';
  return {
    fit: ([epochs, ...watchers]) =>
      model.fit(samples.x, fitTargets(model, samples.y, meaning), {
        batchSize: recipe.batchSize as number,
        epochs: recipe.epochs,
        initialEpoch: before?.epochs ?? 0,
        validationSplit: validation,
        ...(crew.world && { distributed: crew.world }),
        ...(balanced && meaning.classes && { classWeight: 'balanced' as const }),
        callbacks: [
          epochs,
          ...(patience !== undefined ? [callbacks.earlyStopping({ monitor, patience, restoreBestWeights: true })] : []),
          ...watchers,
        ],
      }),
    model: () => model,
  };
}

function sklearnTrainer({ recipe, meaning, samples, seed, patience, validation, crew }: TrainingJob): Trainer {
  // its outputs are those of the classes that it sees
  const unseen = meaning.classes?.find((_, code) => !samples.y.data.includes(code));
  if (unseen !== undefined)
    throw new CommandError(
      EXIT.input,
      `Expected a sample of every class to train on with --model sklearn, got none of '${unseen}', as all of them are to be tested (--stratify keeps shares, --test-size 0 tests none)`,
    );
  const stopping =
    patience === undefined
      ? {}
      : { earlyStopping: true, nIterNoChange: patience, validationFraction: validation || 0.1 };
  const estimator = buildEstimator(recipe, meaning, seed, stopping);
  return {
    fit: (watchers) =>
      estimator.fit(samples.x, samples.y, { callbacks: watchers, ...(crew.world && { distributed: crew.world }) }),
    model() {
      const weights = estimator.coefs.flatMap((coef, i) => [coef, estimator.intercepts[i]]);
      const hidden = { logistic: 'sigmoid', identity: 'linear' }[recipe.activation] ?? recipe.activation;
      const output = { logistic: 'sigmoid', softmax: 'softmax' }[estimator.outActivation as string] ?? 'linear';
      return denseNetwork(weights, { hidden, output, dtype: 'float64' }, meaning);
    },
  };
}

/** Keeps the logs of whole epochs, those of an earlier run first, and ends a training whose loss is no number. */
class Epochs implements Callback {
  readonly #epoch: number[];
  readonly #logs: Record<string, number[]>;
  #model?: CallbackModel;
  #steps = 0;
  #batches = 0; // of this epoch
  /** Whole epochs, those of an earlier run included. */
  done: number;
  diverged = false;

  constructor(before: TrainingJob['before']) {
    const { epoch, history } = before?.history ?? { epoch: [], history: {} };
    this.#epoch = [...epoch];
    this.#logs = Object.fromEntries(Object.entries(history).map(([name, values]) => [name, [...values]]));
    this.done = before?.epochs ?? 0;
  }

  get history(): Outcome['history'] {
    return { epoch: this.#epoch, history: this.#logs };
  }

  /** Ends the training after the batch in progress. */
  stop(): void {
    if (this.#model) this.#model.stopTraining = true;
  }

  setModel(model: CallbackModel): void {
    this.#model = model;
  }

  setParams({ steps = 0 }: CallbackParams): void {
    this.#steps = steps;
  }

  onEpochBegin(): void {
    this.#batches = 0;
  }

  onProgress(batches: number, logs: Logs): void {
    this.#batches = batches;
    if (Number.isFinite(logs.loss)) return;
    this.diverged = true;
    this.stop();
  }

  onEpochEnd(epoch: number, logs: Logs): void {
    if (this.#batches < this.#steps) return; // it was cut short
    this.done = epoch + 1;
    // the epochs of an earlier run may have been judged by other metrics
    for (const name of Object.keys(logs))
      if (!Object.hasOwn(this.#logs, name)) this.#logs[name] = Array<number>(this.#epoch.length).fill(Number.NaN);
    for (const [name, values] of Object.entries(this.#logs))
      values.push(Object.hasOwn(logs, name) ? logs[name] : Number.NaN);
    this.#epoch.push(epoch);
  }
}
