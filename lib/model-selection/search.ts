import type { ArrayInput } from '../array.js';
import { wrongType } from '../check.js';
import { hasMethods, isClass } from '../kind.js';
import type { Labels } from '../labels.js';
import { averageOf } from '../scores/sums.js';
import { isNetworkStep } from '../tables/network-step.js';
import { ahead, type CrossValidation, checkFolds, foldOf, optionsAt, splitsOf } from './cross-validation.js';
import {
  type Candidate,
  type Fold,
  type Outcome,
  type Pair,
  readSamples,
  readScoreOptions,
  type Samples,
  SCORE_OPTIONS,
  type ScoreOptions,
  type Scores,
  type Task,
  type Trained,
  trainAll,
} from './fits.js';
import { rowCount, type Split } from './folds.js';
import { digestOfPair, Journal } from './journal.js';
import type { SearchRanks } from './ranks.js';
import { readScorers, type Scorings } from './scorers.js';
import { takesWeights } from './scoring.js';

export type Params = Record<string, any>;

/**
 * A point of a search. A model that failed has an `error`, and NaN for its scores; one whose score failed NaN for that. With `cv` the scores are means over the
 * folds, and `seconds` is a sum.
 */
export interface GridResult extends Outcome {
  params: Params;
  /** With `cv`: the score of every fold. */
  trainScores?: number[];
  testScores?: number[];
  /** Of several scores each by its name; those above are then of the one that tells which point is best. */
  scores?: Record<string, PointScores>;
  /** Of successive halving: the iteration, from 0. */
  iteration?: number;
  /** Of successive halving: the samples, or the value of the parameter, that the point had. */
  nResources?: number;
}

/** One of several scores of a point. */
export interface PointScores extends Scores {
  /** With `cv`: of every fold. */
  trainScores?: number[];
  testScores?: number[];
}

export interface SearchOptions<M extends Candidate = Candidate> extends Omit<ScoreOptions<M>, 'scoring'> {
  /**
   * Score of a model on (x, y), larger is better: a function, or a name such as 'roc_auc' (see getScorer). Several: a list of names, or
   * an object of functions and names. Default: the model's own `score`, else accuracy, or R² of a network whose loss and targets are
   * not of classes, and of a 'regressor'.
   */
  scoring?: Scorings<M>;
  /** Of several scores the name of the one that tells which point is best. Default: the first one */
  refit?: string;
  /**
   * An estimator or a `Pipeline`, of which each point gets a copy with the point's parameters: `{ alpha: [0.1, 1] }`, or
   * `{ model__alpha: [0.1, 1] }` for the step 'model' of a pipeline. It stays as it is. Either this or `build`.
   */
  estimator?: M;
  /**
   * Makes the model for one point; with `cv` one for each fold. Called in the points' order, as training starts; with `distributed`
   * on every rank, also for the points of others.
   */
  build?: (params: any) => M | Promise<M>;
  /** [x, y]: samples or a table, and labels or one-hot rows. */
  train: Pair;
  test?: Pair;
  /**
   * Cross-validation instead of a test set: a number of folds (stratified if the model is a classifier), a splitter such
   * as `KFold`, or splits. All points have the same folds. Models are trained by `fit`.
   */
  cv?: CrossValidation;
  /** The group of every row of `train`, for a `cv` that splits by groups, such as `GroupKFold`. */
  groups?: Labels;
  /**
   * A file that keeps each point as it is done, a line of JSON each. The same search goes on from there when it is started
   * again: points in the file are not trained, and not reported to `onResult`; those that failed are tried again. With `build`,
   * models should have seeds of their own, and `cv` must split as it did before. With `distributed` it is rank 0's alone.
   */
  journal?: string | URL;
  /**
   * Called as each point is done, in order of completion; with `cv` without a model; with `distributed` on rank 0 alone, without the
   * models of other ranks. A promise is waited for before the
   * search ends; what it throws or rejects with ends the search.
   */
  onResult?: (result: GridResult, model: M | undefined, progress: { done: number; total: number }) => unknown;
}

export interface SearchResult {
  /** In the points' order. */
  results: GridResult[];
  /**
   * The result with the best test score (training score without a test set or `cv`); the first of equals. Where no point has a score of
   * all folds it is the first that did not fail, or the first, as in scikit-learn, with a warning.
   */
  best: GridResult;
}

export const SEARCH_OPTIONS = [
  'estimator',
  'build',
  'train',
  'test',
  'cv',
  'groups',
  'refit',
  'journal',
  'onResult',
  ...SCORE_OPTIONS,
];

/** What a round of a search trains its points on. */
export interface Round {
  /** Of cross-validation. Asked for if there is something to train; `point`: what is trained first. */
  splits?: (point: Params) => Split[] | Promise<Split[]>;
  /** What each result says beside. */
  more?: Pick<GridResult, 'iteration' | 'nResources'>;
  /** The points of all rounds. */
  total: number;
}

/** What becomes of the points of a search. */
export class Search<M extends Candidate> {
  readonly #options: SearchOptions<M>;
  readonly #setting: Readonly<Record<string, unknown>>;
  readonly #build: (params: Params) => M | Promise<M>;
  readonly #fits;
  readonly #ranks: SearchRanks | undefined;
  /** Of several ranks the first one has it. */
  readonly #journal: Journal | undefined;
  #samples?: Samples;
  /** Points of the rounds that are over. */
  #before = 0;
  #done = 0;
  #first?: { readonly point: Params; readonly isClassifier: boolean; take(): M | undefined };

  /**
   * @param setting what makes it another search than one with the same options, for its journal
   * @throws for wrong options, before anything is built
   */
  constructor(options: SearchOptions<M>, setting: Readonly<Record<string, unknown>>, ranks: SearchRanks | undefined) {
    const { train, test, cv, groups, onResult } = options;
    this.#options = options;
    this.#setting = setting;
    this.#ranks = ranks;
    this.#build = builder(options);
    checkPair('train', train);
    if (test !== undefined) checkPair('test', test);
    if (test !== undefined && cv !== undefined) throw wrongType('test', 'undefined where cv is given', test);
    if (cv !== undefined) checkFolds(cv, groups);
    else if (groups !== undefined) throw wrongType('groups', 'undefined where there is no cv', groups);
    const scorers = readScorers(options.scoring, options.refit);
    this.#fits = { ...readScoreOptions({ ...options, scoring: undefined }), scorers, scoreTrain: true, ranks };
    const { fitOptions } = this.#fits;
    const isUnweighted = ![...scorers.by.values()].every(takesWeights);
    if (cv !== undefined && fitOptions?.sampleWeight !== undefined && isUnweighted)
      process.emitWarning('neg_max_error takes no sampleWeight: samples weigh in fit alone', 'UserWarning');
    if (onResult !== undefined && typeof onResult !== 'function') throw wrongType('onResult', 'a function', onResult);
    this.#journal = options.journal === undefined || ranks?.rank ? undefined : new Journal(options.journal);
  }

  get samples(): Samples {
    this.#samples ??= readSamples(this.#options.train[0], this.#options.estimator);
    return this.#samples;
  }

  /**
   * Reads the journal, if there is one.
   * @param grows whether more points come after these
   * @throws RangeError if it is that of another search, or if other ranks have another one
   */
  async begin(points: readonly Params[], grows = false): Promise<void> {
    const { train, test, cv, groups, scoring, refit, fitOptions, estimator } = this.#options;
    const { search, ...rest } = this.#setting;
    const splits = cv === undefined || typeof cv === 'number' ? cv : 'splits';
    const rows = this.#journal && rowCount('y', train[1] as ArrayInput);
    const isTold = rest.data === undefined && (this.#ranks ?? this.#journal);
    const samples = isTold && { train: digestOfPair(train), test: test && digestOfPair(test) };
    const setting = { search, rows, ...samples, cv: splits, groups, scoring, refit, fitOptions, estimator, ...rest };
    await this.#ranks?.agree({ ...setting, rows: undefined, points });
    this.#journal?.begin(setting, points, grows);
  }

  /**
   * The rows of the folds. A number of folds splits as the kind of the model asks for; one that `build` makes for this point is
   * made to be looked at, and trained then.
   */
  async splits(point: Params): Promise<Split[]> {
    const { cv, groups, train } = this.#options;
    const isClassifier = typeof cv === 'number' && (await this.isClassifier(point));
    const splits = splitsOf(cv as CrossValidation, this.samples, train[1], isClassifier, groups);
    return this.#ranks ? this.#ranks.shareSplits(splits) : splits;
  }

  async isClassifier(point: Params): Promise<boolean> {
    const { estimator, signal } = this.#options;
    if (estimator?.estimatorType) return estimator.estimatorType === 'classifier';
    this.#first ??= { point, ...(await ahead(() => this.#build(point), signal)) };
    return this.#first.isClassifier;
  }

  /** Trains and scores these points, behind those that were before; in their order. */
  async evaluate(points: readonly Params[], { splits, more, total }: Round): Promise<GridResult[]> {
    const { train, test, onResult } = this.#options;
    const before = this.#before;
    this.#before += points.length;
    const round: GridResult[] = points.map((params) => ({ params, ...more }) as GridResult);
    const pending: number[] = [];
    const known = points.map((point, i) => this.#journal?.known(before + i, point));
    for (const [i, outcome] of ((await this.#ranks?.share(known)) ?? known).entries()) {
      if (outcome) Object.assign(round[i], outcome);
      else pending.push(i);
    }
    this.#done += points.length - pending.length;
    const report = (i: number, outcome: Omit<GridResult, 'params'>, model?: M) => {
      Object.assign(round[i], outcome);
      this.#journal?.add(before + i, round[i]);
      return this.#ranks?.rank ? undefined : onResult?.(round[i], model, { done: ++this.#done, total });
    };

    if (pending.length > 0) {
      // rows are taken as models start, not for all of them at once
      const folds: (() => Fold)[] = splits
        ? (await splits(points[pending[0]])).map((split) => () => this.#fold(split))
        : [() => ({ train, test })];
      const tasks = pending.flatMap((i) =>
        folds.map((fold): Task<M> => ({ fold, build: () => this.#make(points[i]) })),
      );
      const outcomes = pending.map(() => [] as Outcome[]);
      const finished = pending.map(() => 0);
      const onDone = (task: number, { scoreSeconds: _, ...outcome }: Trained, model?: M) => {
        const at = Math.floor(task / folds.length);
        if (!splits) return report(pending[at], outcome, model);
        outcomes[at][task % folds.length] = outcome;
        return ++finished[at] < folds.length ? undefined : report(pending[at], averaged(outcomes[at]));
      };
      await trainAll(tasks, { ...this.#fits, onDone });
    }
    return round;
  }

  /** As in scikit-learn, sampleWeight counts in the scores of a search, too. */
  #fold(split: Split): Fold {
    const { fitOptions } = this.#fits;
    const { samples } = this;
    const fold = foldOf(samples, this.#options.train[1], split, fitOptions);
    const weight = fitOptions?.sampleWeight;
    if (weight === undefined) return fold;
    const [train, test] = split.map((rows) => optionsAt({ sampleWeight: weight }, rows, samples.length));
    return { ...fold, weights: { train, test } };
  }

  #make(point: Params): M | Promise<M> {
    return (this.#first?.point === point && this.#first.take()) || this.#build(point);
  }
}

/** The result with the best score, the first of equals. Where none has a score: the first that did not fail, with a warning. */
export function bestOf<R extends GridResult>(results: readonly R[], score: (result: R) => number): R {
  let best: R | undefined;
  for (const r of results) if (!Number.isNaN(score(r)) && (!best || score(r) > score(best))) best = r;
  if (best) return best;
  const first = results.find((r) => !r.error) ?? results[0];
  const why = first.error ? ` (${first.error.message})` : '';
  process.emitWarning(
    `No point has a score that is a number: the first one is taken for the best${why}`,
    'UserWarning',
  );
  return first;
}

/** @throws their error if all models of these points failed */
export function checkTrained(results: readonly GridResult[]): void {
  const hasFailed = ({ error, testScore, testScores = [testScore] }: GridResult) =>
    error && testScores.every(Number.isNaN);
  if (results.every(hasFailed)) throw results[0].error;
}

/** A search of all points at once. */
export async function searchAll<M extends Candidate>(
  search: Search<M>,
  { test, cv }: SearchOptions<M>,
  points: readonly Params[],
): Promise<SearchResult> {
  await search.begin(points);
  const splits = cv === undefined ? {} : { splits: (point: Params) => search.splits(point) };
  const results = await search.evaluate(points, { ...splits, total: points.length });
  checkTrained(results);
  return { results, best: bestOf(results, (r) => (test || cv !== undefined ? r.testScore : r.trainScore)) };
}

function builder<M extends Candidate>({ estimator, build }: SearchOptions<M>): (params: Params) => M | Promise<M> {
  if (estimator === undefined) {
    if (build === undefined) throw wrongType('build', 'a function where there is no estimator', build);
    if (typeof build !== 'function') throw wrongType('build', 'a function', build);
    if (isClass(build)) throw wrongType('build', 'a function that makes a model', build);
    return build;
  }
  if (build !== undefined) throw wrongType('build', 'undefined where estimator is given', build);
  checkEstimator(estimator);
  return (params) => copyWith(estimator, params);
}

/** @throws TypeError for what no copies with other parameters can be made of */
export function checkEstimator(estimator: unknown): void {
  if (isNetworkStep(estimator))
    throw wrongType('estimator', 'a Pipeline of the network, which has parameters', estimator);
  if (typeof estimator === 'function' || !hasMethods(estimator, 'clone', 'setParams'))
    throw wrongType('estimator', 'an estimator or a Pipeline, with methods clone and setParams', estimator);
}

/** A copy of an estimator with other parameters. The second copy is for what they bring: a step among them would be fitted by several. */
export function copyWith<M>(estimator: M, params: Params): M {
  interface Adjustable {
    clone(): Adjustable;
    setParams(params: Params): Adjustable;
  }
  const made = (by: 'clone' | 'setParams', copy: Adjustable): Adjustable => {
    if (hasMethods(copy, 'clone', 'setParams')) return copy;
    throw wrongType(`what ${by} of the estimator gives`, 'an estimator, with methods clone and setParams', copy);
  };
  const copy = made('clone', (estimator as Adjustable).clone());
  return made('setParams', copy.setParams(params)).clone() as M;
}

/** The folds of one point as one result. */
function averaged(folds: readonly Outcome[]): Omit<GridResult, 'params'> {
  const names = Object.keys(folds[0].scores ?? {});
  const scores = names.map((name) => [name, averagedScores(folds.map((fold) => fold.scores?.[name] as Scores))]);
  const error = folds.find((fold) => fold.error)?.error;
  return {
    ...averagedScores(folds),
    seconds: folds.reduce((sum, { seconds }) => sum + seconds, 0),
    ...(names.length > 0 && { scores: Object.fromEntries(scores) }),
    ...(error && { error }),
  };
}

function averagedScores(folds: readonly Scores[]) {
  const trainScores = folds.map((fold) => fold.trainScore);
  const testScores = folds.map((fold) => fold.testScore);
  return { trainScore: averageOf(trainScores), testScore: averageOf(testScores), trainScores, testScores };
}

function checkPair(name: string, pair: unknown): void {
  if (!Array.isArray(pair) || pair.length !== 2) throw wrongType(name, 'a pair [x, y]', pair);
}
