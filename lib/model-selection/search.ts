import type { ArrayInput } from '../array.js';
import { checkInteger, wrongType } from '../check.js';
import { getThreads } from '../info.js';
import { hasMethods, isAbortSignal, isClass } from '../kind.js';
import { unlessAborted } from '../train.js';
import { type CrossValidation, checkFolds, foldsOf } from './cross-validation.js';
import { type Candidate, type Outcome, type Pair, readSamples, type Scoring, type Task, trainAll } from './fits.js';
import { rowCount } from './folds.js';
import { Journal } from './journal.js';
import { readScoring, type ScoringName } from './scoring.js';

export type Params = Record<string, any>;

/**
 * A point of a search. A model that failed has an `error`, and NaN for its scores. With `cv` the scores are means over the
 * folds, and `seconds` is a sum.
 */
export interface GridResult extends Outcome {
  params: Params;
  /** With `cv`: the score of every fold. */
  trainScores?: number[];
  testScores?: number[];
}

export interface SearchOptions<M extends Candidate = Candidate> {
  /**
   * An estimator or a `Pipeline`, of which each point gets a copy with the point's parameters: `{ alpha: [0.1, 1] }`, or
   * `{ model__alpha: [0.1, 1] }` for the step 'model' of a pipeline. It stays as it is. Either this or `build`.
   */
  estimator?: M;
  /** Makes the model for one point; with `cv` one for each fold. Called in the points' order, as training starts. */
  build?: (params: any) => M | Promise<M>;
  /** [x, y]: samples or a table, and labels or one-hot rows. */
  train: Pair;
  test?: Pair;
  /**
   * Cross-validation instead of a test set: a number of folds (stratified if the model is a classifier), a splitter such
   * as `KFold`, or splits. All points have the same folds. Models are trained by `fit`.
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
   * A file that keeps each point as it is done, a line of JSON each. The same search goes on from there when it is started
   * again: points in the file are not trained, and not reported to `onResult`; those that failed are tried again. With `build`,
   * models should have seeds of their own, and `cv` must split as it did before.
   */
  journal?: string | URL;
  /**
   * Called as each point is done, in order of completion; with `cv` without a model. A promise is waited for before the
   * search ends; what it throws or rejects with ends the search.
   */
  onResult?: (result: GridResult, model: M | undefined, progress: { done: number; total: number }) => unknown;
}

export interface SearchResult {
  /** In the points' order. */
  results: GridResult[];
  /** The result with the best test score (training score without a test set or `cv`); the first of equals. */
  best: GridResult;
}

export const SEARCH_OPTIONS = [
  'estimator',
  'build',
  'train',
  'test',
  'cv',
  'fitOptions',
  'scoring',
  'threads',
  'signal',
  'journal',
  'onResult',
];

/** What a search does with its points. @throws for wrong options, before anything is built */
export function prepareSearch<M extends Candidate>(name: string, options: SearchOptions<M>) {
  const { train, test, cv, fitOptions, signal, onResult } = options;
  const build = builder(options);
  checkPair('train', train);
  if (test !== undefined) checkPair('test', test);
  if (test !== undefined && cv !== undefined) throw wrongType('test', 'undefined where cv is given', test);
  if (cv !== undefined) checkFolds(cv);
  const threads = checkInteger('threads', options.threads ?? getThreads(), 1);
  const scoring = readScoring(options.scoring);
  if (onResult !== undefined && typeof onResult !== 'function') throw wrongType('onResult', 'a function', onResult);
  if (signal !== undefined && !isAbortSignal(signal)) throw wrongType('signal', 'an AbortSignal', signal);
  const journal = options.journal === undefined ? undefined : new Journal(options.journal);

  return async (points: readonly Params[]): Promise<SearchResult> => {
    const results: GridResult[] = [];
    const setting = () => ({
      search: name,
      rows: rowCount('y', train[1] as ArrayInput),
      cv: cv === undefined || typeof cv === 'number' ? cv : 'splits',
      scoring: options.scoring,
      fitOptions,
      estimator: options.estimator,
    });
    for (const [index, result] of journal?.begin(setting(), points) ?? []) results[index] = result;
    const pending = points.map((_, index) => index).filter((index) => !results[index]);
    let done = points.length - pending.length;
    const report = (index: number, result: GridResult, model?: M) => {
      results[index] = result;
      journal?.add(index, result);
      return onResult?.(result, model, { done: ++done, total: points.length });
    };
    const fits = { threads, scoring, scoreTrain: true, fitOptions, signal };

    if (cv === undefined) {
      const tasks = pending.map((index): Task<M> => ({ build: () => build(points[index]), train, test }));
      const onDone = (task: number, outcome: Outcome, model?: M) => {
        const index = pending[task];
        return report(index, { params: points[index], ...outcome }, model);
      };
      await trainAll(tasks, { ...fits, onDone });
    } else if (pending.length > 0) {
      // A number of folds splits as the model's kind asks for: the first model is made to be looked at, and used then.
      let first =
        typeof cv === 'number'
          ? await unlessAborted(
              attempt(() => build(points[pending[0]])),
              signal,
            )
          : undefined;
      const folds = foldsOf(cv, readSamples(train[0]), train[1], first?.model?.estimatorType === 'classifier');
      const tasks = pending.flatMap((index) =>
        folds.map((fold): Task<M> => {
          const make = () => {
            const made = first;
            first = undefined;
            if (made && 'error' in made) throw made.error;
            return made?.model ?? build(points[index]);
          };
          return { ...fold, build: make, needsFit: true };
        }),
      );
      const outcomes = pending.map(() => [] as Outcome[]);
      const finished = pending.map(() => 0);
      const onDone = (task: number, outcome: Outcome) => {
        const at = Math.floor(task / folds.length);
        outcomes[at][task % folds.length] = outcome;
        if (++finished[at] < folds.length) return undefined;
        return report(pending[at], averaged(points[pending[at]], outcomes[at]));
      };
      await trainAll(tasks, { ...fits, onDone });
    }

    const score = (r: GridResult) => (test || cv !== undefined ? r.testScore : r.trainScore);
    let best: GridResult | undefined;
    for (const r of results) if (!Number.isNaN(score(r)) && (!best || score(r) > score(best))) best = r;
    if (!best && results.every((r) => r.error)) throw results[0].error;
    return { results, best: best ?? results[0] };
  };
}

function builder<M extends Candidate>({ estimator, build }: SearchOptions<M>): (params: Params) => M | Promise<M> {
  if (estimator === undefined) {
    if (build === undefined) throw wrongType('build', 'a function where there is no estimator', build);
    if (typeof build !== 'function') throw wrongType('build', 'a function', build);
    if (isClass(build)) throw wrongType('build', 'a function that makes a model', build);
    return build;
  }
  if (build !== undefined) throw wrongType('build', 'undefined where estimator is given', build);
  if (typeof estimator === 'function' || !hasMethods(estimator, 'clone', 'setParams'))
    throw wrongType('estimator', 'an estimator or a Pipeline, with methods clone and setParams', estimator);
  interface Adjustable {
    clone(): Adjustable;
    setParams(params: Params): Adjustable;
  }
  // The second copy is for what the parameters bring: a step among them would be fitted by several pipelines at a time.
  return (params) => (estimator as unknown as Adjustable).clone().setParams(params).clone() as unknown as M;
}

async function attempt<M>(make: () => M | Promise<M>): Promise<{ model?: M; error?: unknown }> {
  try {
    return { model: await make() };
  } catch (error) {
    return { error };
  }
}

/** The folds of one point as one result. */
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

function checkPair(name: string, pair: unknown): void {
  if (!Array.isArray(pair) || pair.length !== 2) throw wrongType(name, 'a pair [x, y]', pair);
}
