import { allocate, filled } from '../allocate.js';
import { type ArrayInput, asArray, NDArray } from '../array.js';
import { checkInteger, checkInterval, checkOptions, wrongShape, wrongType, wrongValue } from '../check.js';
import type { Features } from '../estimators/csr.js';
import { isForeignArray } from '../foreign-arrays.js';
import { hasMethods, isClass, isNDArray, isTypedArray } from '../kind.js';
import { isWords, type Labels } from '../labels.js';
import { checkRandomState, type RandomState } from '../random.js';
import type { Table } from '../tables/frame.js';
import { isNetworkStep } from '../tables/network-step.js';
import { cloned } from '../tables/pipeline-steps.js';
import { unlessAborted } from '../train.js';
import {
  type Candidate,
  type FitsOptions,
  type Fold,
  type Pair,
  readSamples,
  readScoreOptions,
  type Samples,
  SCORE_OPTIONS,
  type ScoreOptions,
  type Task,
  type Trained,
  trainAll,
} from './fits.js';
import { checkRowCount, KFold, rowCount, type Split, StratifiedKFold } from './folds.js';
import { digestOfPair } from './journal.js';
import { overRanks, type SearchRanks } from './ranks.js';
import { takeRows } from './splits.js';

/**
 * A number of folds; a splitter such as `KFold` or `StratifiedShuffleSplit`, or one of one's own; or the splits themselves. Of row numbers
 * those below 0 count from the end.
 */
export type CrossValidation =
  | number
  | { split(x: ArrayInput, y: any, groups?: any): Iterable<readonly [train: ArrayInput, test: ArrayInput]> }
  | Iterable<readonly [train: ArrayInput, test: ArrayInput]>;

/** An estimator of which copies are trained, or a function that makes models. */
export type ModelSource<M extends Candidate> = M | (() => M | Promise<M>);

export interface CrossValScoreOptions<M extends Candidate = Candidate> extends ScoreOptions<M> {
  /** A number of folds is a `StratifiedKFold` for classifiers with one label a sample, else a `KFold`. Default 5 */
  cv?: CrossValidation;
  /** The group of every row, for a `cv` that splits by groups, such as `GroupKFold`. */
  groups?: Labels;
}

/**
 * The scores of copies of an estimator, each trained on all folds but one and scored on that: scikit-learn's
 * `cross_val_score`. Several train at a time; the scores do not depend on it. A copy has the estimator's parameters and
 * none of its training; where randomState is a RandomState, every copy has a copy of that.
 *
 * @param estimator an `MLPClassifier`, `MLPRegressor` or other object with getParams; or a function that makes a model,
 *   called once a fold in their order
 * @returns one score a fold
 * @throws the first failed fold's error, when the others are done; ERR_ABORTED after `signal` fired
 */
export async function crossValScore<M extends Candidate>(
  estimator: ModelSource<M>,
  x: Features | Table,
  y: Labels,
  options: CrossValScoreOptions<M> = {},
): Promise<number[]> {
  return overRanks(options, async (ranks) => {
    checkOptions('options', options, ['cv', 'groups', ...SCORE_OPTIONS]);
    const fits = readScoreOptions(options);
    const { cv = 5, groups } = options;
    checkFolds(cv, groups);
    const make = maker(estimator);
    await ranks?.agree({ call: 'crossValScore', ...callOf(estimator, [x, y], options) });
    const { outcomes } = await trainFolds(estimator, make, [x, y], options, { ...fits, scoreTrain: false, ranks });
    return outcomes.map(({ testScore }) => testScore);
  });
}

/** What is trained on folds, in their order. */
export interface Folded<M> {
  splits: Split[];
  outcomes: Trained[];
  models: M[];
}

/** What else is done with folds. */
export interface FoldsUse {
  /** Is shown the splits before anything is trained. */
  check?: (splits: readonly Split[], samples: Samples) => void;
  /** Whether the models are kept. */
  keepsModels?: boolean;
}

/**
 * The splits, and what builds the models for them.
 * @param make what gives them
 */
export async function readFolds<M extends Candidate>(
  estimator: ModelSource<M>,
  make: () => M | Promise<M>,
  [x, y]: readonly [x: Features | Table, y: Labels],
  { cv = 5, groups }: Pick<CrossValScoreOptions<M>, 'cv' | 'groups'>,
  { signal, ranks }: Pick<FitsOptions<M>, 'signal' | 'ranks'>,
) {
  const first = typeof cv === 'number' ? await ahead(make, signal) : undefined;
  const samples = readSamples(x, estimator);
  const own = splitsOf(cv, samples, y, first?.isClassifier ?? false, groups);
  const splits = (await ranks?.shareSplits(own)) ?? own;
  return { samples, splits, build: () => first?.take() ?? make() };
}

/**
 * Trains a model for each fold.
 * @param make what gives them
 * @throws the first failed fold's error, when the others are done
 */
export async function trainFolds<M extends Candidate>(
  estimator: ModelSource<M>,
  make: () => M | Promise<M>,
  pair: readonly [x: Features | Table, y: Labels],
  options: Pick<CrossValScoreOptions<M>, 'cv' | 'groups'>,
  fits: Omit<FitsOptions<M>, 'onDone'>,
  { check, keepsModels = false }: FoldsUse = {},
): Promise<Folded<M>> {
  const { samples, splits, build } = await readFolds(estimator, make, pair, options, fits);
  check?.(splits, samples);
  const tasks = splits.map(
    (split): Task<M> => ({ fold: () => foldOf(samples, pair[1], split, fits.fitOptions), build }),
  );
  return { splits, ...(await trainTasks(tasks, fits, keepsModels)) };
}

/** What is to be the same on all ranks. */
export const callOf = (
  estimator: unknown,
  samples: Pair,
  { cv, groups, scoring, fitOptions }: Omit<CrossValScoreOptions<any>, 'scoring'> & { scoring?: unknown },
) => ({
  samples: digestOfPair(samples),
  cv: cv === undefined || typeof cv === 'number' ? cv : 'splits',
  ...{ groups, scoring, fitOptions, estimator },
});

export interface BootstrapScoreOptions<M extends Candidate = Candidate> extends ScoreOptions<M> {
  /** Models to train. Default 200 */
  nResamples?: number;
  /** A seed or a RandomState to draw the samples from. Default: a fresh seed */
  randomState?: number | RandomState;
  /** The share of the scores inside the interval, in (0, 1). Default 0.95 */
  confidenceLevel?: number;
}

export interface BootstrapScore {
  mean: number;
  /** The standard deviation of the scores. */
  standardError: number;
  /** The percentile interval of the scores. */
  interval: [low: number, high: number];
  /** In the order of the draws. */
  scores: number[];
}

/**
 * The score of an estimator by the bootstrap: copies are trained on n samples drawn with replacement, and scored on those
 * that were not drawn (some 37 %). Draws that leave out no sample are drawn again.
 *
 * Source: B. Efron and R. Tibshirani, "An Introduction to the Bootstrap" (1993), chapters 13 and 17; the draws are those
 * of `RandomState.choice(n, n)`.
 *
 * @param estimator as in `crossValScore`
 */
export async function bootstrapScore<M extends Candidate>(
  estimator: ModelSource<M>,
  x: Features | Table,
  y: Labels,
  options: BootstrapScoreOptions<M> = {},
): Promise<BootstrapScore> {
  return overRanks(options, (ranks) => bootstrap(estimator, x, y, options, ranks));
}

async function bootstrap<M extends Candidate>(
  estimator: ModelSource<M>,
  x: Features | Table,
  y: Labels,
  options: BootstrapScoreOptions<M>,
  ranks: SearchRanks | undefined,
): Promise<BootstrapScore> {
  checkOptions('options', options, ['nResamples', 'randomState', 'confidenceLevel', ...SCORE_OPTIONS]);
  const fits = readScoreOptions(options);
  const { nResamples = 200, randomState, confidenceLevel = 0.95 } = options;
  if (checkInteger('nResamples', nResamples, 1) >= 2 ** 32) throw wrongValue('nResamples', 'below 2^32', nResamples);
  checkInterval('confidenceLevel', confidenceLevel, 0, 1, 'both');
  const make = maker(estimator);
  const random = checkRandomState(randomState);
  await ranks?.agree({ call: 'bootstrapScore', nResamples, ...callOf(estimator, [x, y], options) });
  await ranks?.shareRandom(random);
  const samples = readSamples(x, estimator);
  const n = samples.length;
  checkRowCount('y', rowCount('y', y), n);
  if (n < 2) throw wrongShape('x', 'of two rows or more', samples.shape);
  const resamples = Array.from({ length: nResamples }, () => drawResample(n, random));
  // rows are taken as models start, not for all of them at once
  const tasks = resamples.map(
    (split): Task<M> => ({ fold: () => foldOf(samples, y, split, fits.fitOptions), build: make }),
  );
  const { outcomes } = await trainTasks(tasks, { ...fits, scoreTrain: false, ranks });
  const scores = outcomes.map(({ testScore }) => testScore);
  const mean = scores.reduce((sum, s) => sum + s, 0) / nResamples;
  const squares = scores.reduce((sum, s) => sum + (s - mean) ** 2, 0);
  const tail = (1 - confidenceLevel) / 2;
  return {
    mean,
    standardError: nResamples > 1 ? Math.sqrt(squares / (nResamples - 1)) : Number.NaN,
    interval: [quantile(scores, tail), quantile(scores, 1 - tail)],
    scores,
  };
}

function drawResample(n: number, random: RandomState): Split {
  while (true) {
    const train = random.choice(n, [n]);
    const drawn = new Set(train.data);
    const test = Array.from({ length: n }, (_, row) => row).filter((row) => !drawn.has(row));
    if (test.length > 0) return [train, NDArray.wrap(allocate(Int32Array, test))];
  }
}

/** NumPy's `quantile`, with linear interpolation. */
function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort(); // NaN is last
  if (Number.isNaN(sorted[sorted.length - 1])) return Number.NaN;
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

/** @throws the first failed model's error, when the others are done */
export async function trainTasks<M extends Candidate>(
  tasks: readonly Task<M>[],
  options: Omit<FitsOptions<M>, 'onDone'>,
  keepsModels = false,
) {
  const outcomes: Trained[] = [];
  const models: M[] = [];
  await trainAll(tasks, {
    ...options,
    onDone(index, outcome, model) {
      outcomes[index] = outcome;
      if (keepsModels && model) models[index] = model;
    },
  });
  const failed = outcomes.find(({ error }) => error);
  if (failed) throw failed.error;
  return { outcomes, models };
}

/** @throws unless `cv` can be what it is meant to be; before any work is done */
export function checkFolds(cv: CrossValidation, groups?: Labels): void {
  if (typeof cv === 'number') checkInteger('cv', cv, 2);
  else if (
    typeof cv !== 'object' ||
    cv === null ||
    isTypedArray(cv) ||
    isNDArray(cv) ||
    !(hasMethods(cv, 'split') || Symbol.iterator in cv)
  )
    throw wrongType('cv', 'a number of folds, a splitter, or an array of [train, test] rows', cv);
  if (groups !== undefined && !hasMethods(cv, 'split'))
    throw wrongType('groups', 'undefined where cv is no splitter, such as GroupKFold', groups);
}

/** The rows of every fold. */
export function splitsOf(cv: CrossValidation, x: Samples, y: Pair[1], isClassifier: boolean, groups?: Labels): Split[] {
  checkRowCount('y', rowCount('y', y), x.length);
  const splitter =
    typeof cv !== 'number'
      ? cv
      : isClassifier && isLabels(y)
        ? new StratifiedKFold({ nSplits: cv })
        : new KFold({ nSplits: cv });
  const splits =
    'split' in splitter
      ? splitter.split(isNDArray(x) ? x : NDArray.zeros([x.length, 1]), y as Labels, groups)
      : splitter;
  if (typeof splits?.[Symbol.iterator] !== 'function')
    throw wrongType('cv.split(x, y)', 'splits to iterate over', splits);
  const all = Array.from(splits, (split, i): Split => {
    if (!Array.isArray(split) || split.length !== 2) throw wrongType(`cv[${i}]`, 'a pair of [train, test] rows', split);
    const [train, test] = split.map((rows, k) => rowNumbers(`cv[${i}][${k}]`, rows, x.length));
    return [train, test];
  });
  if (all.length === 0) throw wrongValue('cv', 'one split or more', cv);
  return all;
}

/** Rows of n, from 0: of an array of them, of which those below 0 count from the end. @throws RangeError for one that there is not */
function rowNumbers(name: string, given: ArrayInput, n: number): NDArray {
  const { data, shape } = asArray(name, given);
  if (shape.length !== 1) throw wrongShape(name, 'an array of row numbers', shape);
  const rows = filled(Int32Array, data.length, (i) => {
    const row = checkInteger(`${name}[${i}]`, data[i], -n);
    if (row >= n) throw wrongValue(`${name}[${i}]`, `a row of ${n}`, row);
    return row < 0 ? row + n : row;
  });
  return NDArray.wrap(rows);
}

/** The training and the test set of a fold, and what its `fit` is given: copies. */
export function foldOf(
  x: Samples,
  y: Pair[1],
  [train, test]: Split,
  fitOptions: FitsOptions<Candidate>['fitOptions'],
): Fold {
  const labels = y as Labels;
  return {
    train: [x.take(train), takeRows(labels, train)],
    test: [x.take(test), takeRows(labels, test)],
    needsFit: true,
    ...(fitOptions && { fitOptions: optionsAt(fitOptions, train, x.length) }),
  };
}

/** Those of the options that have a value for each of n rows, of some of the rows: scikit-learn's `_check_method_params`. */
export const optionsAt = (options: Record<string, unknown>, rows: NDArray, n: number): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [name, valueAt(name, value, rows, n)]));

function valueAt(name: string, value: unknown, rows: NDArray, n: number): unknown {
  if (Array.isArray(value)) return value.length === n ? Array.from(rows.data, (row) => value[row]) : value;
  if (!isNDArray(value) && !isTypedArray(value) && !isForeignArray(value)) return value;
  const array = asArray(name, value as ArrayInput);
  return array.shape[0] === n ? array.take(rows) : value;
}

/** A model made ahead of the others, to see what it is; `take` gives it, or throws what it failed with, once. */
export async function ahead<M extends Candidate>(make: () => M | Promise<M>, signal: AbortSignal | undefined) {
  let made: { model?: M; error?: unknown } | undefined;
  try {
    made = { model: (await unlessAborted(make(), signal)) as M };
  } catch (error) {
    made = { error };
  }
  return {
    isClassifier: made.model?.estimatorType === 'classifier',
    take(): M | undefined {
      const taken = made;
      made = undefined;
      if (taken && 'error' in taken) throw taken.error;
      return taken?.model;
    },
  };
}

/** One label a row. */
function isLabels(y: Pair[1]): boolean {
  if (isWords(y)) return true;
  const { shape } = NDArray.from(y as ArrayInput);
  return shape.length === 1 || shape[1] === 1;
}

export function maker<M extends Candidate>(estimator: ModelSource<M>): () => M | Promise<M> {
  if (typeof estimator === 'function' && !isClass(estimator)) return estimator as () => M | Promise<M>;
  const isCopied = hasMethods(estimator, 'getParams') || (hasMethods(estimator, 'clone') && !isNetworkStep(estimator));
  if (typeof estimator !== 'function' && isCopied) return () => cloned(estimator);
  throw wrongType(
    'estimator',
    'an estimator with a method clone or getParams, or a function that makes a model',
    estimator,
  );
}
