import { type ArrayInput, NDArray } from '../array.js';
import { checkInteger, checkOneOf, checkOptions, failure, wrongType, wrongValue } from '../check.js';
import { getThreads } from '../info.js';
import { accuracy } from './score.js';

export type Params = Record<string, any>;

/** What a grid can search: the lecture's `NeuralNetwork`, a scikit-learn estimator, or a compiled `Sequential`. */
export interface Model {
  train?(options: { signal?: AbortSignal }): Promise<unknown>;
  fit?(x: any, y: any, options?: any): Promise<unknown>;
  predict(x: any): unknown;
  score?(x: any, y: any): number | Promise<number>;
}

/** A model of the grid. A model that failed has an `error`, and NaN for its scores. */
export interface GridResult {
  params: Params;
  trainScore: number;
  /** NaN without a test set. */
  testScore: number;
  /** Wall time of the model's training. */
  seconds: number;
  error?: Error;
}

export interface GridSearchOptions<M extends Model = Model> {
  /** Values to try for each parameter; the first one varies slowest. */
  grid: Record<string, ArrayInput | readonly unknown[]>;
  /** Makes the model for one point of the grid. Called in grid order, as training starts. */
  build: (params: any) => M | Promise<M>;
  /** [x, y]: samples, and labels or one-hot rows. */
  train: readonly [ArrayInput, ArrayInput | readonly unknown[]];
  test?: readonly [ArrayInput, ArrayInput | readonly unknown[]];
  /** Passed on to `fit`, such as `{ epochs: 100, batchSize: 100 }`. */
  fitOptions?: Record<string, unknown>;
  /** Score of a model on (x, y), larger is better. Default: the model's own `score`, else accuracy. */
  scoring?: (model: M, x: ArrayInput, y: ArrayInput | readonly unknown[]) => number | Promise<number>;
  /** Models in training at a time. Default: `getThreads()` */
  threads?: number;
  /** Stops all models and rejects with ERR_ABORTED. */
  signal?: AbortSignal;
  /** Called as each model is done, in order of completion. What it throws ends the search. */
  onResult?: (result: GridResult, model: M | undefined, progress: { done: number; total: number }) => void;
}

export interface GridSearchResult {
  /** In grid order. */
  results: GridResult[];
  /** The result with the best test score (training score without a test set); the first of equals. */
  best: GridResult;
  /** 'trainScore', 'testScore' or 'seconds' as an array with one axis for each parameter. */
  table(name: 'trainScore' | 'testScore' | 'seconds'): NDArray;
}

const OPTIONS = ['grid', 'build', 'train', 'test', 'fitOptions', 'scoring', 'threads', 'signal', 'onResult'];

/**
 * Trains one model for every combination of parameters, several at a time, and scores it.
 *
 * Models are built and started in grid order. A `NeuralNetwork` that shares a RandomState draws everything it needs as it
 * starts, so that with one RandomState for all models the draws come in the order of a plain loop over the grid, and the
 * table is that loop's, whatever finishes first.
 *
 * @throws RangeError if the grid is empty
 * @throws Error with code ERR_ABORTED after `signal` fired; the first model's error if all failed
 */
export async function gridSearch<M extends Model>(options: GridSearchOptions<M>): Promise<GridSearchResult> {
  checkOptions('options', options, OPTIONS);
  const { build, train, test, fitOptions, signal, onResult } = options;
  const axes = checkGrid(options.grid);
  if (typeof build !== 'function') throw wrongType('build', 'a function', build);
  checkPair('train', train);
  if (test !== undefined) checkPair('test', test);
  const threads = checkInteger('threads', options.threads ?? getThreads(), 1);
  const scoring = options.scoring ?? defaultScore;
  if (typeof scoring !== 'function') throw wrongType('scoring', 'a function', scoring);
  if (onResult !== undefined && typeof onResult !== 'function') throw wrongType('onResult', 'a function', onResult);
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw wrongType('signal', 'an AbortSignal', signal);
  const points = product(axes);
  const results: GridResult[] = [];
  let done = 0;
  let broken: { error: unknown } | undefined;

  const finish = async (index: number, model: M, training: Promise<unknown>, start: number) => {
    const result: GridResult = { params: points[index], trainScore: Number.NaN, testScore: Number.NaN, seconds: 0 };
    try {
      await training;
      result.seconds = (performance.now() - start) / 1000;
      result.trainScore = await scoring(model, ...train);
      if (test) result.testScore = await scoring(model, ...test);
    } catch (error) {
      result.error = error as Error;
    }
    report(index, result, model);
  };
  const report = (index: number, result: GridResult, model?: M) => {
    results[index] = result;
    if (signal?.aborted || broken) return;
    try {
      onResult?.(result, model, { done: ++done, total: points.length });
    } catch (error) {
      broken = { error };
    }
  };

  // One model more than there are threads is in flight: its draws are made while the others train.
  const running = new Set<Promise<void>>();
  try {
    for (let index = 0; index < points.length; index++) {
      while (running.size > threads) await Promise.race(running);
      if (signal?.aborted || broken) break;
      const start = performance.now();
      try {
        const made = build(points[index]);
        const model = isPromise(made) ? await made : made;
        const entry = finish(index, model, startTraining(model, train, fitOptions, signal), start).finally(() =>
          running.delete(entry),
        );
        running.add(entry);
      } catch (error) {
        report(index, failed(points[index], error));
      }
    }
  } finally {
    await Promise.all(running);
  }
  if (broken) throw broken.error;
  if (signal?.aborted)
    throw Object.assign(failure('ERR_ABORTED', 'The grid search was aborted', { cause: signal.reason }), {
      name: 'AbortError',
    });

  const score = (r: GridResult) => (test ? r.testScore : r.trainScore);
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

function startTraining(
  model: Model,
  [x, y]: readonly [unknown, unknown],
  fitOptions: Record<string, unknown> = {},
  signal?: AbortSignal,
): Promise<unknown> {
  const withSignal = signal ? { signal } : {};
  if (typeof model?.train === 'function') return model.train(withSignal);
  if (typeof model?.fit === 'function') return model.fit(x, y, { ...fitOptions, ...withSignal });
  throw wrongType('build(params)', 'a model with a method train or fit', model);
}

async function defaultScore(model: Model, x: ArrayInput, y: ArrayInput | readonly unknown[]): Promise<number> {
  if (model.score) return model.score(x, y);
  return accuracy(y, await model.predict(x));
}

function failed(params: Params, error: unknown): GridResult {
  return { params, trainScore: Number.NaN, testScore: Number.NaN, seconds: 0, error: error as Error };
}

type Axis = readonly [name: string, values: readonly unknown[]];

function checkGrid(grid: GridSearchOptions['grid']): Axis[] {
  if (typeof grid !== 'object' || grid === null) throw wrongType('grid', 'an object of arrays', grid);
  const axes = Object.entries(grid).map(([name, values]): Axis => {
    const list = values instanceof NDArray ? values.toArray() : values;
    if (!Array.isArray(list) && !ArrayBuffer.isView(list)) throw wrongType(`grid.${name}`, 'an array', values);
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

const isPromise = <T>(value: T | Promise<T>): value is Promise<T> =>
  typeof (value as Promise<T> | undefined)?.then === 'function';
