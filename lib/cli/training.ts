import { type Callback, type CallbackModel, type CallbackParams, callbacks, type Logs } from '../callbacks/index.js';
import type { MLPEpoch } from '../estimators/mlp-training.js';
import { NeuralNetwork } from '../estimators/neural-network.js';
import { toCategorical } from '../labels.js';
import type { Sequential } from '../models/sequential.js';
import { RandomState } from '../random.js';
import { fitTargets } from './assessment.js';
import type { Meaning, Samples } from './dataset.js';
import { type Interruption, interruptible } from './interrupt.js';
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
  readonly callbacks: readonly Callback[];
  /** Told when Ctrl-C asks the training to stop. */
  readonly onStop: (by: Interruption) => void;
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

/** The samples that are trained on, of n. */
export const trainedOn = (n: number, validation: number): number => Math.floor(n * (1 - validation));

/** Trains as the recipe says. Ctrl-C ends the training after the batch in progress. */
export async function train(job: TrainingJob): Promise<Outcome> {
  const epochs = new Epochs(job.before?.history);
  const begun = performance.now();
  const { kind } = job.recipe;
  const run = kind === 'lecture' ? trainLecture : kind === 'sklearn' ? trainSklearn : trainSequential;
  const { model, by, done } = await run(job, epochs);
  return {
    model,
    history: epochs.history(done),
    epochs: done,
    seconds: (performance.now() - begun) / 1000,
    diverged: epochs.diverged,
    ...(by && { by }),
  };
}

type Result = { model: Sequential; done: number; by?: Interruption };

async function trainSequential(job: TrainingJob, epochs: Epochs): Promise<Result> {
  const { recipe, meaning, samples, before, patience, validation } = job;
  const model = before?.model ?? buildSequential(recipe, meaning, job.seed);
  const batchSize = recipe.batchSize as number;
  const count = trainedOn(samples.x.shape[0], validation);
  const steps = Math.ceil(count / batchSize);
  const start = model.iterations;
  const monitor = validation > 0 ? 'val_loss' : 'loss';
  const initialEpoch = before?.epochs ?? 0;
  const { by } = await interruptible(
    (reason) => {
      model.stopTraining = true;
      job.onStop(reason);
    },
    () =>
      model.fit(samples.x, fitTargets(model, samples.y, meaning), {
        batchSize,
        epochs: recipe.epochs,
        initialEpoch,
        validationSplit: validation,
        callbacks: [
          epochs,
          ...(patience !== undefined ? [callbacks.earlyStopping({ monitor, patience, restoreBestWeights: true })] : []),
          ...job.callbacks,
        ],
      }),
  );
  return { model, done: initialEpoch + Math.floor((model.iterations - start) / steps), ...(by && { by }) };
}

/** The lecture's class, watched through a `Sequential` of its weights, which is also what is kept of it. */
async function trainLecture(job: TrainingJob, epochs: Epochs): Promise<Result> {
  const { recipe, meaning, samples, before, validation, callbacks: watchers } = job;
  const [nHidden] = recipe.hidden;
  const batchSize = recipe.batchSize as number;
  const nCategories = meaning.classes?.length ?? 0;
  const n = samples.x.shape[0];
  const count = trainedOn(n, validation);
  const part = (from: number, to: number) => {
    const rows = Int32Array.from({ length: to - from }, (_, i) => from + i);
    return { x: samples.x.take(rows), y: samples.y.take(rows) };
  };
  const own = count === n ? samples : part(0, count);
  const held = count === n ? undefined : part(count, n);
  const initialEpoch = before?.epochs ?? 0;
  const random = new RandomState(job.seed);
  const network = new NeuralNetwork(own.x, toCategorical(own.y, nCategories), {
    nHiddenNeurons: nHidden,
    nCategories,
    epochs: 1,
    batchSize,
    eta: recipe.learningRate,
    lmbd: recipe.l2,
    randomState: random,
  });
  if (before) {
    const drawn = new Int32Array(Math.floor(count / batchSize) * batchSize);
    for (let epoch = 0; epoch < initialEpoch; epoch++) random.batches(count, batchSize, drawn);
    const [hiddenWeights, hiddenBias, outputWeights, outputBias] = before.model.getWeights();
    Object.assign(network, { hiddenWeights, hiddenBias, outputWeights, outputBias });
  }
  const weights = () => [network.hiddenWeights, network.hiddenBias, network.outputWeights, network.outputBias];
  const model =
    before?.model ?? denseNetwork(weights(), { hidden: 'sigmoid', output: 'softmax', dtype: 'float64' }, meaning);
  const all: Callback[] = [epochs, ...watchers];
  begin(all, { epochs: recipe.epochs, initialEpoch, samples: count, batchSize, metrics: ['accuracy'] });
  let done = initialEpoch;
  // One call of train an epoch: a RandomState of our own is drawn from for all epochs of a call at once.
  const loop = async (signal: AbortSignal) => {
    while (done < recipe.epochs && !signal.aborted) {
      const logs: Logs = { loss: Number.NaN };
      await network.train({
        signal,
        onEpochEnd({ loss }) {
          logs.loss = loss;
        },
      });
      model.setWeights(weights());
      logs.accuracy = (await model.evaluate(own.x, own.y, { batchSize: 256 })).accuracy;
      if (held) {
        const scores = await model.evaluate(held.x, held.y, { batchSize: 256 });
        Object.assign(logs, { val_loss: scores.loss, val_accuracy: scores.accuracy });
      }
      await endEpoch(all, done++, logs);
      if (epochs.diverged) return;
    }
  };
  const abort = new AbortController();
  const { by } = await interruptible(
    (reason) => {
      abort.abort();
      job.onStop(reason);
    },
    () => untilAborted(loop(abort.signal), epochs),
  );
  model.setWeights(weights());
  await Promise.all(all.map((callback) => callback.onTrainEnd?.({})));
  return { model, done, ...(by && { by }) };
}

async function trainSklearn(job: TrainingJob, epochs: Epochs): Promise<Result> {
  const { recipe, meaning, samples, patience, validation, callbacks: watchers } = job;
  const stopping =
    patience === undefined
      ? {}
      : { earlyStopping: true, nIterNoChange: patience, validationFraction: validation || 0.1 };
  const estimator = buildEstimator(recipe, meaning, job.seed, stopping);
  const n = samples.x.shape[0];
  const all: Callback[] = [epochs, ...watchers];
  const batchSize = recipe.batchSize === 'auto' ? Math.min(200, n) : recipe.batchSize;
  begin(all, { epochs: recipe.epochs, initialEpoch: 0, samples: n, batchSize, metrics: [] });
  const abort = new AbortController();
  let seen = 0;
  const score = meaning.classes ? 'val_accuracy' : 'val_rSquared';
  const onEpochEnd = ({ epoch, loss, validationScore }: MLPEpoch) => {
    seen = epoch + 1;
    return endEpoch(all, epoch, { loss, ...(validationScore !== undefined && { [score]: validationScore }) });
  };
  const { by } = await interruptible(
    (reason) => {
      abort.abort();
      job.onStop(reason);
    },
    () => untilAborted(estimator.fit(samples.x, samples.y, { signal: abort.signal, onEpochEnd }), epochs),
  );
  await Promise.all(all.map((callback) => callback.onTrainEnd?.({})));
  const weights = estimator.coefs.flatMap((coef, i) => [coef, estimator.intercepts[i]]);
  const hidden = { logistic: 'sigmoid', identity: 'linear' }[recipe.activation] ?? recipe.activation;
  const output = { logistic: 'sigmoid', softmax: 'softmax' }[estimator.outActivation as string] ?? 'linear';
  return {
    model: denseNetwork(weights, { hidden, output, dtype: 'float64' }, meaning),
    done: Math.max(estimator.nIter, seen),
    ...(by && { by }),
  };
}

async function untilAborted(training: Promise<unknown>, epochs: Epochs): Promise<void> {
  try {
    await training;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_DIVERGED') epochs.diverged = true;
    else if (code !== 'ERR_ABORTED') throw error;
  }
}

function begin(all: readonly Callback[], params: Omit<CallbackParams, 'steps' | 'verbose'>): void {
  const steps = Math.ceil(params.samples / params.batchSize);
  for (const callback of all) {
    callback.setParams?.({ ...params, steps, verbose: 1 });
    callback.onTrainBegin?.();
    callback.onEpochBegin?.(params.initialEpoch);
  }
}

async function endEpoch(all: readonly Callback[], epoch: number, logs: Logs): Promise<void> {
  for (const callback of all) {
    await callback.onEpochEnd?.(epoch, logs);
    callback.onEpochBegin?.(epoch + 1);
  }
}

/** Keeps the logs of all epochs, those of an earlier run first, and ends a training whose loss is no number. */
class Epochs implements Callback {
  readonly #epoch: number[];
  readonly #logs: Record<string, number[]>;
  #model?: CallbackModel;
  diverged = false;

  constructor(before: Outcome['history'] = { epoch: [], history: {} }) {
    this.#epoch = [...before.epoch];
    this.#logs = Object.fromEntries(Object.entries(before.history).map(([name, values]) => [name, [...values]]));
  }

  setModel(model: CallbackModel): void {
    this.#model = model;
  }

  onProgress(_batches: number, logs: Logs): void {
    if (Number.isFinite(logs.loss)) return;
    this.diverged = true;
    if (this.#model) this.#model.stopTraining = true;
  }

  onEpochEnd(epoch: number, logs: Logs): void {
    // the epochs of an earlier run may have been judged by other metrics
    for (const name of Object.keys(logs))
      if (!Object.hasOwn(this.#logs, name)) this.#logs[name] = Array<number>(this.#epoch.length).fill(Number.NaN);
    for (const [name, values] of Object.entries(this.#logs))
      values.push(Object.hasOwn(logs, name) ? logs[name] : Number.NaN);
    this.#epoch.push(epoch);
    this.onProgress(0, logs);
  }

  /** Without an epoch that was cut short. */
  history(done: number): Outcome['history'] {
    const whole = this.#epoch.filter((epoch) => epoch < done).length;
    const cut = Object.entries(this.#logs).map(([name, values]) => [name, values.slice(0, whole)] as const);
    return { epoch: this.#epoch.slice(0, whole), history: Object.fromEntries(cut) };
  }
}
