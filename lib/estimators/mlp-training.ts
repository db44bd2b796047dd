import { allocate } from '../allocate.js';
import { NDArray } from '../array.js';
import type { NativeDataset } from '../binding.js';
import type { RandomState } from '../random.js';
import type { FloatArray, Job, Scalar } from '../tape.js';
import { isPromise, Pace, type Training } from '../train.js';
import { lbfgs } from './lbfgs.js';
import { clearState, type MLPNetwork, readWeights, writeWeights } from './mlp-network.js';
import type { Optimizer } from './mlp-optimizers.js';
import type { Parameters } from './mlp-parameters.js';
import { range } from './mlp-split.js';

/** The samples of a fit in native memory. */
export interface Samples {
  readonly n: number;
  readonly x: NativeDataset;
  readonly y: NativeDataset;
  readonly weights?: { readonly values: ArrayLike<number>; readonly data: NativeDataset };
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
}

/** What is told after each epoch. */
export interface MLPEpoch {
  /** From 0. */
  epoch: number;
  /** The mean loss of its batches, penalty included. */
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
  /** The samples set aside for early stopping, and the score of the network's outputs for them. */
  readonly validation?: { readonly rows: Int32Array; score(outputs: NDArray): number };
  readonly onEpochEnd?: (info: MLPEpoch) => unknown;
}

const SAMPLES_A_STEP = 1024;

/** scikit-learn's `_fit_stochastic`: several epochs a job where they are short, several jobs an epoch where it is long. */
export function* trainStochastic(fit: StochasticFit): Training<void> {
  const { network, parameters: p, optimizer, progress, random, rows, validation } = fit;
  const n = rows.length;
  if (p.batchSize !== 'auto' && p.batchSize > n)
    process.emitWarning(`batchSize ${p.batchSize} is larger than the number of samples, ${n}, and is clipped to it`);
  const batchSize = Math.min(p.batchSize === 'auto' ? 200 : p.batchSize, n);
  const print = (line: string) => p.verbose && console.log(line);
  const jobFor = jobMaker(fit, batchSize);
  const pace = new Pace();
  const epochs = fit.incremental ? 1 : p.maxIter;
  let drawn = false;
  if (validation && progress.best.length === 0) progress.best = readWeights(network);
  progress.nIter = 0;
  while (progress.nIter < epochs) {
    for (const loss of yield* train(epochsAhead())) {
      progress.nIter++;
      progress.t += n;
      progress.loss = loss;
      progress.lossCurve.push(loss);
      if (p.verbose) print(`Iteration ${progress.nIter}, loss = ${loss.toFixed(8)}`);
      if (validation) {
        const outputs = yield* predictLoop(network, fit.samples.x, validation.rows);
        const score = validation.score(outputs);
        if (p.verbose) print(`Validation score: ${score.toFixed(6)}`);
        recordScore(fit, score);
      } else {
        recordLoss(fit);
      }
      const validationScore = progress.validationScores?.at(-1);
      const answer = fit.onEpochEnd?.({
        epoch: progress.nIter - 1,
        loss,
        ...(validationScore !== undefined && { validationScore }),
      });
      if (isPromise(answer)) yield answer;
    }
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
  if (validation) writeWeights(network, progress.best);

  /**
   * As many epochs as last a job, and as come for certain: training cannot end, nor its rate change, before the last. One
   * where something is to be done or said after each.
   */
  function epochsAhead(): number {
    if (validation || fit.shared || p.verbose || fit.onEpochEnd) return 1;
    const certain = Math.min(epochs - progress.nIter, p.nIterNoChange - progress.noImprovement + 1);
    return Math.max(1, Math.min(certain, Math.floor(pace.steps / Math.ceil(n / batchSize))));
  }

  /** Trains for `count` epochs. Returns the loss of each. */
  function* train(count: number): Training<number[]> {
    const all = count === 1 ? rows : allocate(Int32Array, count * n);
    for (let epoch = 0; epoch < count; epoch++) {
      if (p.shuffle && !drawn) random.shuffle(rows);
      drawn = false;
      if (count > 1) all.set(rows, epoch * n);
    }
    const losses = new Array<number>(count).fill(0);
    for (let at = 0; at < all.length; ) {
      const end = count > 1 ? all.length : Math.min(n, at + pace.steps * batchSize);
      const { job, sizes, totals } = jobFor(all.subarray(at, end));
      const ahead =
        p.shuffle && !fit.shared && !fit.onEpochEnd && end === all.length && progress.nIter + count < epochs;
      const result = yield {
        plan: network.plan,
        job,
        meanwhile: () => {
          if (ahead) random.shuffle(rows);
          drawn = ahead;
        },
      };
      pace.measured(result);
      const batchLosses = network.plan.reported(result, network.loss);
      const squares = network.plan.reported(result, network.squares);
      for (let k = 0; k < result.steps; k++) {
        losses[Math.floor(at / n)] += ((batchLosses[k] + 0.5 * p.alpha * squares[k]) / totals[k]) * sizes[k];
        at += sizes[k];
      }
    }
    return losses.map((sum) => sum / n);
  }
}

/** Makes jobs of whole batches, of one epoch after the other. */
function jobMaker(fit: StochasticFit, batchSize: number) {
  const { network, samples, parameters, optimizer } = fit;
  const { scalars } = network;
  const sources = inputs(fit);
  const period = fit.rows.length;
  const before = fit.progress.t;
  let done = 0; // samples
  return (rows: Int32Array): { job: Job; sizes: number[]; totals: number[] } => {
    const sizes: number[] = [];
    for (let at = 0; at < rows.length; at += sizes[sizes.length - 1])
      sizes.push(Math.min(batchSize, rows.length - at, period - ((done + at) % period)));
    const totals: number[] = [];
    const values = allocate(Float64Array, sizes.length * scalars.length);
    let at = 0;
    for (const [k, size] of sizes.entries()) {
      const total = weightOf(samples, rows, at, at + size);
      totals.push(total);
      values[k * scalars.length] = 1 / total;
      values[k * scalars.length + 1] = parameters.alpha / total;
      optimizer.next(values, k * scalars.length + 2);
      at += size;
      done += size;
      if (done % period === 0) optimizer.iterationEnds(before + done);
    }
    return { job: { ...sources, rows, batchSize, period, scalars: scalars as Scalar[], values }, sizes, totals };
  };
}

function inputs({ network, samples }: Fit): Pick<Job, 'program' | 'inputs'> {
  const { x, y, weights } = network;
  const data = [[x, samples.x] as const, [y, samples.y] as const];
  if (!samples.weights) return { program: 'train', inputs: data };
  return { program: 'trainWeighted', inputs: [...data, [weights, samples.weights.data]] };
}

/** The number of samples in rows first .. last - 1, or their total weight. */
function weightOf({ weights }: Samples, rows: Int32Array, first: number, last: number): number {
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
    progress.best = readWeights(network);
  }
}

function recordLoss({ parameters, progress }: Fit): void {
  const best = progress.bestLoss ?? Number.POSITIVE_INFINITY;
  progress.noImprovement = progress.loss > best - parameters.tol ? progress.noImprovement + 1 : 0;
  if (progress.loss < best) progress.bestLoss = progress.loss;
}

/** The network's outputs for rows of x, [rows, outputs]. */
export function* predictLoop(network: MLPNetwork, x: NativeDataset, rows: Int32Array): Training<NDArray> {
  const width = network.output.size;
  const outputs = NDArray.zeros([rows.length, width], network.plan.dtype);
  const pace = new Pace();
  for (let at = 0; at < rows.length; ) {
    const part = rows.subarray(at, at + pace.steps * SAMPLES_A_STEP);
    const result = yield {
      plan: network.plan,
      job: {
        program: 'predict',
        inputs: [[network.x, x]],
        rows: part,
        batchSize: Math.min(part.length, SAMPLES_A_STEP),
        outputs: [network.output],
      },
    };
    pace.measured(result);
    outputs.data.set((result.outputs as [FloatArray])[0], at * width);
    at += part.length;
  }
  return outputs;
}

/** scikit-learn's `_fit_lbfgs`: loss and gradient over all samples natively, L-BFGS over them here. */
export function* trainLbfgs(fit: Fit): Training<void> {
  const { network, samples, parameters: p, progress } = fit;
  const all = range(samples.n);
  const total = weightOf(samples, all, 0, samples.n);
  const pace = new Pace();
  const minimizer = lbfgs(pack(readWeights(network)), { maxIter: p.maxIter, maxFun: p.maxFun, gtol: p.tol });
  let wanted = minimizer.next();
  for (let evaluations = 1; !wanted.done; evaluations++) {
    const { f, gradient } = yield* evaluate(wanted.value);
    if (p.verbose) console.log(`Evaluation ${evaluations}, loss = ${f.toFixed(8)}`);
    wanted = minimizer.next({ f, gradient });
  }
  const { x, f, nIter, nFun, status, message } = wanted.value;
  writeWeights(network, unpack(x));
  progress.loss = f;
  progress.nIter = nIter;
  const advice =
    status === 2
      ? 'scale the data.'
      : nIter >= p.maxIter
        ? `increase maxIter (${p.maxIter}) or scale the data.`
        : `increase maxFun (${p.maxFun}) or scale the data.`;
  if (status !== 0)
    process.emitWarning(
      `lbfgs failed to converge (status=${status}):\n${message}.\n\nAfter ${nIter} iterations and ${nFun} evaluations: ${advice}`,
      'ConvergenceWarning',
    );

  function* evaluate(point: Float64Array): Training<{ f: number; gradient: Float64Array }> {
    writeWeights(network, unpack(point));
    clearState(network);
    let f = 0;
    for (let at = 0; at < samples.n; ) {
      const count = Math.min(samples.n - at, pace.steps * SAMPLES_A_STEP);
      const result = yield {
        plan: network.plan,
        job: {
          ...inputs(fit),
          first: at,
          count,
          batchSize: Math.min(count, SAMPLES_A_STEP),
          scalars: [network.scalars[0]],
          values: new Float64Array(Math.ceil(count / SAMPLES_A_STEP)).fill(1 / total),
        },
      };
      pace.measured(result);
      for (const loss of network.plan.reported(result, network.loss)) f += loss / total;
      at += count;
    }
    const gradient = pack(network.state.map((sum) => network.plan.read(sum)));
    const penalised = network.coefs.reduce((size, w) => size + w.size, 0);
    let squares = 0;
    for (let i = 0; i < penalised; i++) {
      squares += point[i] * point[i];
      gradient[i] += (p.alpha * point[i]) / total;
    }
    return { f: f + (0.5 * p.alpha * squares) / total, gradient };
  }

  function pack(arrays: readonly NDArray[]): Float64Array {
    const flat = new Float64Array(arrays.reduce((size, array) => size + array.size, 0));
    let at = 0;
    for (const { data } of arrays) {
      flat.set(data, at);
      at += data.length;
    }
    return flat;
  }

  function unpack(flat: Float64Array): NDArray[] {
    let at = 0;
    return [...network.coefs, ...network.intercepts].map(({ size, shape }) => {
      at += size;
      return NDArray.wrap(flat.slice(at - size, at), shape);
    });
  }
}
