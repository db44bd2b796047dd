import { allocate } from '../allocate.js';
import { type ArrayInput, NDArray } from '../array.js';
import type { NativeDataset } from '../binding.js';
import type { Callback, CallbackParams, Logs } from '../callbacks/callback.js';
import { CallbackList } from '../callbacks/callback-list.js';
import { dataset } from '../plan.js';
import type { RandomState } from '../random.js';
import { readWeights } from '../scores/classification.js';
import type { FloatType } from '../tape.js';
import type { Training } from '../train.js';
import { predictLoop } from '../training/loop.js';
import { leaveSweep, type Ranks, rowsAt, sharesOfAll } from '../training/ranks.js';
import { countOf, epochsOf, Pace, type Prepared, type Rows, type Sweep, type Swept, sweep } from '../training/sweep.js';
import type { WatchedMLP } from './mlp-callbacks.js';
import { type MLPNetwork, readAll, writeAll } from './mlp-network.js';
import type { Optimizer } from './mlp-optimizers.js';
import type { Parameters } from './mlp-parameters.js';

/** The samples of a fit in native memory. */
export interface Samples {
  readonly n: number;
  readonly x: NativeDataset;
  readonly y: NativeDataset;
  readonly weights?: { readonly values: ArrayLike<number>; readonly data: NativeDataset };
}

/** Of x [n, features], targets [n, outputs] and the weights of the samples, which are checked. */
export function samplesOf(x: NDArray, y: NDArray, sampleWeight: ArrayInput | undefined, dtype: FloatType): Samples {
  const n = x.shape[0];
  const values = sampleWeight === undefined ? undefined : allocate(Float64Array, readWeights(sampleWeight, n, true));
  return {
    n,
    x: dataset('x', x, dtype),
    y: dataset('y', y, dtype),
    ...(values && { weights: { values, data: dataset('sampleWeight', NDArray.wrap(values, [n, 1]), dtype) } }),
  };
}

/** What training leaves behind beside the weights; kept where it goes on from an earlier one. */
export interface Progress {
  nIter: number;
  t: number;
  loss: number;
  lossCurve: number[];
  bestLoss: number | null;
  validationScores: number[] | null;
  bestValidationScore: number | null;
  noImprovement: number;
  /** The weights of the best validation score. */
  best: NDArray[];
}

export function begun(stochastic: boolean, earlyStopping = false): Progress {
  return {
    nIter: 0,
    t: 0,
    loss: Number.NaN,
    lossCurve: [],
    bestLoss: stochastic && !earlyStopping ? Number.POSITIVE_INFINITY : null,
    validationScores: stochastic && earlyStopping ? [] : null,
    bestValidationScore: stochastic && earlyStopping ? Number.NEGATIVE_INFINITY : null,
    noImprovement: 0,
    best: [],
  };
}

export interface Fit {
  readonly network: MLPNetwork;
  readonly samples: Samples;
  readonly parameters: Parameters;
  readonly progress: Progress;
  readonly callbacks: readonly Callback[];
  readonly watched: WatchedMLP;
  /** Of one of several processes that train together. */
  readonly ranks?: Ranks;
}

/** What is told after each epoch; with 'lbfgs' after each iteration. */
export interface MLPEpoch {
  /** From 0. */
  epoch: number;
  /** The mean loss of its batches, penalty included; of an iteration that of all samples. */
  loss: number;
  /** With earlyStopping: of the samples set aside. */
  validationScore?: number;
}

export interface StochasticFit extends Fit {
  readonly optimizer: Optimizer;
  readonly random: RandomState;
  /** Whether others may draw from `random` too: then no draws are made ahead of their time. */
  readonly shared: boolean;
  /** One epoch, as of partialFit. */
  readonly incremental: boolean;
  /** The samples to train on; permuted from epoch to epoch. */
  readonly rows: Int32Array;
  /** The samples set aside for early stopping, the score of the network's outputs for them, and its name in the logs. */
  readonly validation?: { readonly rows: Int32Array; readonly name: string; score(outputs: NDArray): number };
}

/** scikit-learn's `_fit_stochastic`: several epochs a job where they are short, several jobs an epoch where it is long. */
export function* trainStochastic(fit: StochasticFit): Training<void> {
  const { network, parameters: p, optimizer, progress, random, rows, validation, watched, ranks } = fit;
  const n = rows.length;
  if (p.batchSize !== 'auto' && p.batchSize > n)
    process.emitWarning(`batchSize ${p.batchSize} is larger than the number of samples, ${n}, and is clipped to it`);
  const batchSize = Math.min((p.batchSize === 'auto' ? 200 : p.batchSize) * (ranks?.size ?? 1), n); // of all ranks
  const print = (line: string) => p.verbose && (ranks?.rank ?? 0) === 0 && console.log(line);
  const epochs = fit.incremental ? 1 : p.maxIter;
  const callbacks = callbacksOf(fit, { epochs, steps: Math.ceil(n / batchSize), samples: n, batchSize });
  const isWatched = fit.callbacks.length > 0;
  const steps = new Steps(fit, batchSize);
  const pace = new Pace();
  let [sum, penalties, seen, batches] = [0, 0, 0, 0]; // of the epoch: losses, of a rank those of its samples; samples and batches, of all
  if (validation && progress.best.length === 0) progress.best = readAll(network, network.parameters);
  progress.nIter = 0;
  yield* callbacks.onTrainBegin();
  const own = ranks && sharesOfAll(n, batchSize, ranks);
  if (ranks) {
    ranks.stopsWhere(() => watched.stopTraining);
    yield* ranks.begin({ plan: network.plan, weights: network.parameters, memory: network.states }, undefined);
    yield* ranks.agree(undefined, watched.stopTraining);
  }
  const isEnding = () => (ranks ? ranks.isEnding : watched.stopTraining);
  while (progress.nIter < epochs && !isEnding()) {
    yield* callbacks.onEpochBegin(progress.nIter);
    const ofEpochs = {
      rows: epochsOf(rows, epochsAhead(), p.shuffle ? (order) => random.shuffle(order) : undefined),
      period: n,
      joined: !validation && !p.verbose,
      batchSize,
      pace,
      prepare: (count: number, taken?: Int32Array) => steps.prepare(count, taken as Int32Array),
      stop: () => watched.stopTraining,
      ...(callbacks.wantsBatches && { onBatch: (batch: number) => callbacks.onBatchBegin(batch) }),
    };
    yield* sweep({ ...programOf(fit), ...ofEpochs, ...(ranks && ofRank(ranks)) }, trained);
    const stopped = seen > 0 && endEpoch();
    if (stopped) yield* stopped;
    if (progress.noImprovement > p.nIterNoChange) {
      const what = validation ? 'Validation score' : 'Training loss';
      const reason = `${what} did not improve more than tol=${p.tol.toFixed(6)} for ${p.nIterNoChange} consecutive epochs.`;
      if (optimizer.triggerStopping(reason, print)) break;
      progress.noImprovement = 0;
    }
    if (progress.nIter === p.maxIter && !fit.incremental)
      process.emitWarning(
        `Stochastic Optimizer: Maximum iterations (${p.maxIter}) reached and the optimization hasn't converged yet.`,
        'ConvergenceWarning',
      );
  }
  if (validation) writeAll(network, network.parameters, progress.best);
  yield* callbacks.onTrainEnd();

  /** The rows of one epoch that are this rank's. */
  function ofRank(ranks: Ranks): Pick<Sweep, 'rows' | 'ranked' | 'joined' | 'batchSize' | 'prepare' | 'stop'> {
    const { shares, places } = own as NonNullable<typeof own>;
    if (p.shuffle) random.shuffle(rows);
    return {
      rows: rowsAt(places, rows),
      ranked: ranks.ranked(shares, (ranked) => leaveSweep({ ...programOf(fit), ranked })),
      joined: false,
      batchSize: Math.ceil(batchSize / ranks.size),
      prepare: (count) => steps.prepare(count, rows.subarray(steps.done % n)),
      stop: () => ranks.isStopped,
    };
  }

  /** Epochs that come for certain: training cannot end, nor its rate change, before the last. */
  function epochsAhead(): number {
    if (fit.shared || isWatched || ranks) return 1;
    return Math.max(1, Math.min(epochs - progress.nIter, p.nIterNoChange - progress.noImprovement + 1));
  }

  function* trained({ result }: Swept): Training<void> {
    const losses = network.plan.reported(result, network.judged.loss);
    const squares = network.plan.reported(result, network.squares);
    const { sizes, totals } = steps;
    watched.iterations += result.steps;
    batches += result.steps;
    for (let k = 0; k < result.steps; k++) {
      // not one sum of both for all: where this process is alone, its digits are scikit-learn's
      if (ranks) {
        sum += (losses[k] / totals[k]) * sizes[k];
        penalties += ((0.5 * p.alpha * squares[k]) / totals[k]) * sizes[k];
      } else {
        sum += ((losses[k] + 0.5 * p.alpha * squares[k]) / totals[k]) * sizes[k];
      }
      seen += sizes[k];
      if (isWatched && k === result.steps - 1) {
        const logs = { loss: (sum + penalties) / seen };
        yield* callbacks.wantsBatches ? callbacks.onBatchEnd(batches - 1, logs) : callbacks.onProgress(batches, logs);
      }
      const judged = seen === n && endEpoch();
      if (judged) yield* judged;
    }
  }

  /** What is left to do: among ranks, or where it is scored or watched. */
  function endEpoch(): Training<void> | undefined {
    return ranks ? endTogether(ranks) : ended();
  }

  function* endTogether(ranks: Ranks): Training<void> {
    yield* ranks.agree(undefined, watched.stopTraining);
    if (ranks.isEnding) watched.stopTraining = true;
    [sum] = yield* ranks.sum(Float64Array.of(sum));
    const judged = ended();
    if (judged) yield* judged;
  }

  function ended(): Training<void> | undefined {
    const loss = (sum + penalties) / seen;
    progress.nIter++;
    progress.t += seen;
    progress.loss = loss;
    progress.lossCurve.push(loss);
    sum = 0;
    penalties = 0;
    seen = 0;
    batches = 0;
    if (p.verbose) print(`Iteration ${progress.nIter}, loss = ${loss.toFixed(8)}`);
    if (!validation) recordLoss(fit);
    return validation || isWatched ? judge({ loss }) : undefined;
  }

  function* judge(logs: Logs): Training<void> {
    if (validation) {
      const [outputs] = yield* outputsOf(network, fit.samples.x, validation.rows);
      const score = validation.score(outputs);
      if (p.verbose) print(`Validation score: ${score.toFixed(6)}`);
      recordScore(fit, score);
      logs[validation.name] = score;
    }
    yield* callbacks.onEpochEnd(progress.nIter - 1, logs);
  }
}

/** The steps of training: what the kernels are given for each, and the sizes of the batches of the job on its way. */
class Steps {
  sizes: number[] = [];
  /** Their samples, or these samples' weights. */
  totals: number[] = [];
  readonly #fit: StochasticFit;
  readonly #batchSize: number;
  readonly #before: number;
  done = 0; // samples

  constructor(fit: StochasticFit, batchSize: number) {
    this.#fit = fit;
    this.#batchSize = batchSize;
    this.#before = fit.progress.t;
  }

  prepare(count: number, rows: Int32Array): Prepared {
    const { network, samples, parameters, optimizer, random } = this.#fit;
    const { step, stepScalars } = network;
    const n = this.#fit.rows.length;
    const values = allocate(Float64Array, count * stepScalars.length);
    this.sizes = new Array<number>(count);
    this.totals = new Array<number>(count);
    let at = 0;
    let i = 0;
    for (let k = 0; k < count; k++) {
      const size = Math.min(this.#batchSize, n - (this.done % n));
      const total = weightOf(samples, rows, at, at + size);
      this.sizes[k] = size;
      this.totals[k] = total;
      step.scale = 1 / total;
      step.lmbd = parameters.alpha / total;
      optimizer.next(step);
      for (const { next } of stepScalars) values[i++] = next(k, random);
      at += size;
      this.done += size;
      if (this.done % n === 0) optimizer.iterationEnds(this.#before + this.done);
    }
    return { scalars: stepScalars.map(({ scalar }) => scalar), values };
  }
}

export const callbacksOf = (fit: Fit, params: Omit<CallbackParams, 'initialEpoch' | 'verbose' | 'metrics'>) =>
  new CallbackList(fit.callbacks, fit.watched, {
    ...params,
    ...{ initialEpoch: 0, verbose: 0, metrics: [] },
    ...(fit.ranks && { rank: fit.ranks.rank }),
  });

/** The program that trains, and what it is given. */
export function programOf({ network, samples }: Fit): Pick<Sweep, 'plan' | 'program' | 'inputs'> {
  const { plan, inputs, judged } = network;
  const data = [[inputs[0], samples.x] as const, [judged.targets, samples.y] as const];
  if (!samples.weights) return { plan, program: 'train', inputs: data };
  return { plan, program: 'trainWeighted', inputs: [...data, [judged.weights, samples.weights.data]] };
}

/** Samples at a time where no update comes between: of 'lbfgs', which sums over them, and of outputs. */
export const SAMPLES_A_STEP = 1024;
/** By two threads 100,000 rows took 64-50-10 as long with 1,024, and 15 % longer with 256. */
const OUTPUTS_A_STEP = 512;

/** The network's outputs for rows of x, [rows, outputs], in a list. */
export const outputsOf = (network: MLPNetwork, x: NativeDataset, rows: Rows): Training<NDArray[]> =>
  predictLoop(network, [x], rows, Math.min(countOf(rows), OUTPUTS_A_STEP));

/** The number of samples in rows first .. last - 1, or their total weight. */
export function weightOf({ weights }: Samples, rows: Int32Array, first: number, last: number): number {
  if (!weights) return last - first;
  let total = 0;
  for (let i = first; i < last; i++) total += weights.values[rows[i]];
  if (total === 0)
    throw new RangeError('Expected sampleWeight to have a sum other than 0 in every batch, got a sum of 0');
  return total;
}

function recordScore({ network, parameters, progress }: Fit, score: number): void {
  progress.validationScores ??= [];
  progress.validationScores.push(score);
  const best = progress.bestValidationScore ?? Number.NEGATIVE_INFINITY;
  progress.noImprovement = score < best + parameters.tol ? progress.noImprovement + 1 : 0;
  if (score > best) {
    progress.bestValidationScore = score;
    progress.best = readAll(network, network.parameters);
  }
}

function recordLoss({ parameters, progress }: Fit): void {
  const best = progress.bestLoss ?? Number.POSITIVE_INFINITY;
  progress.noImprovement = progress.loss > best - parameters.tol ? progress.noImprovement + 1 : 0;
  if (progress.loss < best) progress.bestLoss = progress.loss;
}
