import { checkAttached } from '../array/memory.js';
import { type ArrayInput, asArray, NDArray } from '../array.js';
import { checkInteger, checkObject, checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';
import { isForeignArray } from '../foreign-arrays.js';
import { getThreads } from '../info.js';
import { isAbortSignal, isClass, isNDArray, isTypedArray } from '../kind.js';
import { unlessAborted } from '../train.js';
import { type CrossValidation, checkFolds, foldsOf } from './cross-validation.js';
import { type Candidate, type Outcome, type Pair, readSamples, type Scoring, type Task, trainAll } from './fits.js';
import { readScoring, type ScoringName } from './scoring.js';

export type Params = Record<string, any>;

/**
 * A point of the grid. A model that failed has an `error`, and NaN for its scores. With `cv` the scores are means over the
 * folds, and `seconds` is a sum.
 */
export interface GridResult extends Outcome {
  params: Params;
  /** With `cv`: the score of every fold. */
  trainScores?: number[];
  testScores?: number[];
}

export interface GridSearchOptions<M extends Candidate = Candidate> {
  /** Values to try for each parameter; the first one varies slowest. */
  grid: Record<string, ArrayInput | readonly unknown[]>;
  /** Makes the model for one point of the grid; with `cv` one for each fold. Called in grid order, as training starts. */
  build: (params: any) => M | Promise<M>;
  /** [x, y]: samples, and labels or one-hot rows. */
  train: Pair;
  test?: Pair;
  /**
   * Cross-validation instead of a test set: a number of folds (stratified if the model is a classifier), a splitter such
   * as `KFold`, or splits. All points of the grid have the same folds. Models are trained by `fit`.
   */
  cv?: CrossValidation;
  /** Passed on to `fit`, such as `{ epochs: 100, batchSize: 100 }`. */
  fitOptions?: Record<string, unknown>;
  /**
   * Score of a model on (x, y), larger is better: a function, or a name such as 'roc_auc' (see getScorer). Default: the model's
   * own `score`, else accuracy.
   */
  scoring?: Scoring<M> | ScoringName;
  /** Models in training at a time. Default: `getThreads()` */
  threads?: number;
  /** Stops all models and rejects with ERR_ABORTED. */
  signal?: AbortSignal;
  /**
   * Called as each point is done, in order of completion; with `cv` without a model. A promise is waited for before the
   * search ends; what it throws or rejects with ends the search.
   */
  onResult?: (result: GridResult, model: M | undefined, progress: { done: number; total: number }) => unknown;
}

export interface GridSearchResult {
  /** In grid order. */
  results: GridResult[];
  /** The result with the best test score (training score without a test set or `cv`); the first of equals. */
  best: GridResult;
  /** 'trainScore', 'testScore' or 'seconds' as an array with one axis for each parameter. */
  table(name: 'trainScore' | 'testScore' | 'seconds'): NDArray;
}

const OPTIONS = ['grid', 'build', 'train', 'test', 'cv', 'fitOptions', 'scoring', 'threads', 'signal', 'onResult'];

/**
 * Trains one model for every combination of parameters, several at a time, and scores it.
 *
 * Models are built and started in grid order. A `NeuralNetwork` that shares a RandomState draws everything it needs as it
 * starts, and estimators that share one train one after another, so that with one RandomState for all models the draws come in
 * the order of a plain loop over the grid, and the table is that loop's, whatever finishes first. (scikit-learn's grid
 * search gives every model a copy of the RandomState: for the same, pass copies, or a seed.)
 *
 * @throws RangeError if the grid is empty
 * @throws Error with code ERR_ABORTED after `signal` fired; the first model's error if all failed
 */
export async function gridSearch<M extends Candidate>(options: GridSearchOptions<M>): Promise<GridSearchResult> {
  checkOptions('options', options, OPTIONS);
  const { build, train, test, cv, fitOptions, signal, onResult } = options;
  const axes = checkGrid(options.grid);
  if (typeof build !== 'function') throw wrongType('build', 'a function', build);
  if (isClass(build)) throw wrongType('build', 'a function that makes a model', build);
  checkPair('train', train);
  if (test !== undefined) checkPair('test', test);
  if (test !== undefined && cv !== undefined) throw wrongType('test', 'undefined where cv is given', test);
  if (cv !== undefined) checkFolds(cv);
  const threads = checkInteger('threads', options.threads ?? getThreads(), 1);
  const scoring = readScoring(options.scoring);
  if (onResult !== undefined && typeof onResult !== 'function') throw wrongType('onResult', 'a function', onResult);
  if (signal !== undefined && !isAbortSignal(signal)) throw wrongType('signal', 'an AbortSignal', signal);
  const points = product(axes);
  const results: GridResult[] = [];
  let done = 0;
  const report = (result: GridResult, model?: M) => onResult?.(result, model, { done: ++done, total: points.length });

  if (cv === undefined) {
    const tasks = points.map((params): Task<M> => ({ build: () => build(params), train, test }));
    const onDone = (index: number, outcome: Outcome, model?: M) => {
      results[index] = { params: points[index], ...outcome };
      return report(results[index], model);
    };
    await trainAll(tasks, { threads, scoring, scoreTrain: true, fitOptions, signal, onDone });
  } else {
    // A number of folds splits as the model's kind asks for: the first model is made to be looked at, and used then.
    let first =
      typeof cv === 'number'
        ? await unlessAborted(
            attempt(() => build(points[0])),
            signal,
          )
        : undefined;
    const folds = foldsOf(cv, readSamples(train[0]), train[1], first?.model?.estimatorType === 'classifier');
    const tasks = points.flatMap((params) =>
      folds.map((fold): Task<M> => {
        const make = () => {
          const made = first;
          first = undefined;
          if (made && 'error' in made) throw made.error;
          return made?.model ?? build(params);
        };
        return { ...fold, build: make, needsFit: true };
      }),
    );
    const outcomes = points.map(() => [] as Outcome[]);
    const finished = points.map(() => 0);
    const onDone = (index: number, outcome: Outcome) => {
      const point = Math.floor(index / folds.length);
      outcomes[point][index % folds.length] = outcome;
      if (++finished[point] < folds.length) return undefined;
      results[point] = averaged(points[point], outcomes[point]);
      return report(results[point]);
    };
    await trainAll(tasks, { threads, scoring, scoreTrain: true, fitOptions, signal, onDone });
  }

  const score = (r: GridResult) => (test || cv !== undefined ? r.testScore : r.trainScore);
  let best: GridResult | undefined;
  for (const r of results) if (!Number.isNaN(score(r)) && (!best || score(r) > score(best))) best = r;
  if (!best && results.every((r) => r.error)) throw results[0].error;
  const shape = axes.map(([, values]) => values.length);
  return {
    results,
    best: best ?? results[0],
    table(name) {
      checkOneOf('name', name, ['trainScore', 'testScore', 'seconds']);
      return NDArray.wrap(
        Float64Array.from(results, (r) => r[name]),
        shape,
      );
    },
  };
}

async function attempt<M>(make: () => M | Promise<M>): Promise<{ model?: M; error?: unknown }> {
  try {
    return { model: await make() };
  } catch (error) {
    return { error };
  }
}

/** The folds of one point of the grid as one result. */
function averaged(params: Params, folds: readonly Outcome[]): GridResult {
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
  const trainScores = folds.map((fold) => fold.trainScore);
  const testScores = folds.map((fold) => fold.testScore);
  const error = folds.find((fold) => fold.error)?.error;
  return {
    params,
    trainScore: sum(trainScores) / folds.length,
    testScore: sum(testScores) / folds.length,
    seconds: sum(folds.map((fold) => fold.seconds)),
    trainScores,
    testScores,
    ...(error ? { error } : {}),
  };
}

type Axis = readonly [name: string, values: readonly unknown[]];

function checkGrid(grid: GridSearchOptions['grid']): Axis[] {
  checkObject('grid', grid, 'an object of arrays');
  const axes = Object.entries(grid).map(([name, values]): Axis => {
    const list = isNDArray(values) || isForeignArray(values) ? asArray(`grid.${name}`, values).toArray() : values;
    if (!Array.isArray(list) && !isTypedArray(list)) throw wrongType(`grid.${name}`, 'an array', values);
    if (isTypedArray(list)) checkAttached(`grid.${name}`, list);
    const items = Array.from(list as ArrayLike<unknown>);
    if (items.length === 0) throw wrongValue(`grid.${name}`, 'an array of one value or more', values);
    return [name, items];
  });
  if (axes.length === 0) throw wrongValue('grid', 'an object of one parameter or more', grid);
  return axes;
}

function checkPair(name: string, pair: unknown): void {
  if (!Array.isArray(pair) || pair.length !== 2) throw wrongType(name, 'a pair [x, y]', pair);
}

function product(axes: readonly Axis[]): Params[] {
  let points: Params[] = [{}];
  for (const [name, values] of axes)
    points = points.flatMap((point) => values.map((value) => ({ ...point, [name]: value })));
  return points;
}
