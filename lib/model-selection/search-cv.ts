import type { ArrayInput } from '../array.js';
import { checkAssigned, checkBoolean, checkObject, checkOptions, notFitted, wrongType, wrongValue } from '../check.js';
import type { Features } from '../estimators/csr.js';
import { expected } from '../io/schema.js';
import { hasMethods, isPlain, isRandomState } from '../kind.js';
import type { Labels } from '../labels.js';
import type { World } from '../mpi/world.js';
import { copyOfRandom, type RandomState } from '../random.js';
import { type Parts, registerSaved, Saved } from '../saved.js';
import type { Table } from '../tables/frame.js';
import { changed, cloned } from '../tables/pipeline-steps.js';
import type { Candidate, Pair } from './fits.js';
import { byName, checkGrids, type GridSearchOptions, gridSearch, pointsOf, withTable } from './grid-search.js';
import { HALVING_OPTIONS, type HalvingSearchResult } from './halving.js';
import {
  type HalvingGridSearchOptions,
  type HalvingRandomSearchOptions,
  halvingGridSearch,
  halvingRandomSearch,
} from './halving-search.js';
import { type RandomizedSearchOptions, randomizedSearch } from './randomized-search.js';
import { overRanks, type SearchRanks } from './ranks.js';
import { readScorers, type Scorings } from './scorers.js';
import { checkEstimator, copyWith, type Params, type SearchResult } from './search.js';
import { resultIn, savedOptions, savedResult } from './search-saved.js';

/** Those of the function, of which `fit` is given the rest. */
type OptionsOf<M extends Candidate, O> = Omit<
  O,
  'estimator' | 'build' | 'train' | 'test' | 'groups' | 'refit' | 'fitOptions' | 'signal' | 'journal'
> & {
  /** An estimator or a `Pipeline`. It stays as it is. */
  estimator: M;
  /**
   * Whether `fit` trains the best parameters on all rows in the end: without, there is nothing that predicts. Of several scores the
   * name of the one that tells which are best; false takes the first one. Default true
   */
  refit?: boolean | ('refit' extends keyof O ? string : never);
};
export type GridSearchCVOptions<M extends Candidate = Candidate> = OptionsOf<M, GridSearchOptions<M>>;
export type RandomizedSearchCVOptions<M extends Candidate = Candidate> = OptionsOf<M, RandomizedSearchOptions<M>>;
export type HalvingGridSearchCVOptions<M extends Candidate = Candidate> = OptionsOf<M, HalvingGridSearchOptions<M>>;
export type HalvingRandomSearchCVOptions<M extends Candidate = Candidate> = OptionsOf<M, HalvingRandomSearchOptions<M>>;

const OPTIONS = ['estimator', 'refit', 'cv', 'scoring', 'threads', 'distributed', 'onResult'];

/** What `fit` hands to the function. */
type Given<O> = Omit<O, 'refit' | 'cv'> & {
  train: Pair;
  cv: any;
  groups?: Labels | undefined;
  fitOptions: Record<string, unknown>;
  signal?: AbortSignal;
};

/** A search as an estimator: searches within cross-validation, and as the last step of a pipeline. */
abstract class SearchCV<
  M extends Candidate,
  O extends OptionsOf<M, { cv?: any; scoring?: any; refit?: string; distributed?: World }>,
  R extends SearchResult,
> extends Saved {
  readonly #names: readonly string[];
  #params: O;
  #found?: R;
  #best?: M;

  constructor(options: O, names: readonly string[]) {
    super();
    this.#names = [...OPTIONS, ...names];
    this.#params = this.#checked(options);
  }

  protected abstract search(options: Given<O>): Promise<R>;

  /** What is searched; it stays as it is. */
  get estimator(): M {
    return this.#params.estimator;
  }

  /** That of the estimator: how cross-validation by a number of folds splits. */
  get estimatorType(): 'classifier' | 'regressor' | undefined {
    return this.#params.estimator.estimatorType;
  }

  /** The sorted labels that the columns of predictProba are of; undefined before `fit`. */
  get classes(): M['classes'] | undefined {
    return this.#best?.classes;
  }

  /** What the function of this search gives. @throws Error with code ERR_NOT_FITTED before `fit`, as all of these do */
  get found(): R {
    return this.#fitted('found');
  }

  /** All points, in the order of their sorted names. */
  get results(): R['results'] {
    return this.#fitted('results').results;
  }

  /** The number of the best of them. */
  get bestIndex(): number {
    const { results, best } = this.#fitted('bestIndex');
    return results.indexOf(best);
  }

  get bestParams(): Params {
    return this.#fitted('bestParams').best.params;
  }

  /** The mean of its scores over the folds. */
  get bestScore(): number {
    return this.#fitted('bestScore').best.testScore;
  }

  /** The model that was trained on all rows. @throws RangeError if `refit` is false */
  get bestEstimator(): M {
    return this.#refitted('bestEstimator');
  }

  /**
   * Searches, then trains a copy of the estimator with the best parameters on all rows.
   *
   * @param x samples or a table
   * @param y labels or numbers, one a row, or one-hot rows
   * @param options those of the estimator's `fit`, `signal` among them; `groups`, where `cv` splits by them; and `distributed`, as in
   *   the search's own options
   * @throws Error with code ERR_ABORTED after `signal` fired; the first model's error if all failed. What an earlier `fit` found stays then
   */
  async fit(
    x: Features | Table,
    y: Pair[1],
    options: { signal?: AbortSignal; distributed?: World; groups?: Labels; [name: string]: unknown } = {},
  ): Promise<this> {
    checkAssigned(this, this.#names);
    checkObject('options', options);
    const { refit = true, cv = 5, ...own } = this.#params;
    const name = typeof refit === 'string' ? { refit } : {};
    const { signal, groups, distributed = own.distributed, ...fitOptions } = options;
    const common = { ...(signal && { signal }), ...(distributed !== undefined && { distributed }) };
    const found = await this.search({ ...own, ...name, cv, groups, train: [x, y], fitOptions, ...common });
    const fitted = async (ranks?: SearchRanks) => {
      const copy = copyWith(own.estimator, found.best.params);
      const given = ranks ? { ...fitOptions, signal: ranks.signal } : { ...fitOptions, ...(signal && { signal }) };
      const train = () => copy.fit?.(x, y, given);
      if (ranks) return ranks.shareFitted(copy, train);
      await train();
      return copy;
    };
    const best = refit ? await overRanks(common, fitted) : undefined;
    this.#found = found;
    this.#best = best;
    return this;
  }

  /** What the best estimator predicts. */
  predict(x: Features | Table): ReturnType<M['predict']> {
    return this.#refitted('predict').predict(x) as ReturnType<M['predict']>;
  }

  /** The probabilities [n, classes] of the best estimator. */
  predictProba(x: Features | Table): unknown {
    const best = this.#refitted('predictProba');
    if (!best.predictProba) throw wrongType('the estimator', 'an object with a method predictProba', best);
    return best.predictProba(x);
  }

  /** The best estimator by the `scoring` of the search, of several by that of `refit`; without one by its own score. */
  score(x: Features | Table, y: Pair[1], options?: { sampleWeight?: ArrayInput }): number | Promise<number> {
    const best = this.#refitted('score');
    const { by, refit } = scorersOf<M>(this.#params);
    return by.get(refit)!(best, x, y, options);
  }

  /** The options, and those of the estimator as `estimator__name`. */
  getParams(): Record<string, any> {
    const { estimator } = this.#params;
    const inner = estimator.getParams?.() ?? {};
    return {
      ...this.#params,
      ...Object.fromEntries(Object.entries(inner).map(([name, value]) => [`estimator__${name}`, value])),
    };
  }

  /** Changes options, or parameters of the estimator, `{ estimator__alpha: 1 }`, as of the next `fit`. */
  setParams(params: Readonly<Record<string, unknown>>): this {
    checkObject('params', params);
    const entries = Object.entries(params);
    const isInner = ([name]: [string, unknown]) => name.startsWith('estimator__');
    const own = { ...this.#params, ...Object.fromEntries(entries.filter((entry) => !isInner(entry))) };
    const inner = entries.filter(isInner).map(([name, value]) => [name.slice('estimator__'.length), value]);
    if (inner.length > 0)
      own.estimator = changed('estimator', own.estimator, Object.fromEntries(inner)) as unknown as M;
    this.#params = this.#checked(own);
    return this;
  }

  /** A new one of the same options that has not searched. A RandomState is copied. */
  clone(): this {
    const params: O & { randomState?: number | RandomState } = {
      ...this.#params,
      estimator: cloned(this.#params.estimator),
    };
    if (isRandomState(params.randomState)) params.randomState = copyOfRandom(params.randomState);
    return new (this.constructor as new (options: O) => this)(params);
  }

  protected override parts(): Parts {
    const found = this.#found && savedResult(this.#found);
    return {
      config: savedOptions({ ...this.#params, distributed: undefined }),
      ...(found && { state: { ...(this.#best && { best: this.#best }), found } }),
    };
  }

  protected override restore(state: unknown): void {
    checkObject('state', state as object);
    const { found, best } = state as { found?: unknown; best?: unknown };
    if (best !== undefined && !hasMethods(best, 'fit', 'predict')) throw expected('state.best', 'a model', best);
    this.#found = this.completed(resultIn(found));
    this.#best = best as M | undefined;
  }

  /** What the function gives beside what a file holds. */
  protected completed(found: SearchResult): R {
    return found as R;
  }

  #checked(options: O): O {
    checkOptions('options', options, this.#names);
    checkEstimator(options.estimator);
    checkRefit(options);
    return { ...options };
  }

  #fitted(member: string): R {
    if (!this.#found) throw notFitted(`the ${this.constructor.name}`, member);
    return this.#found;
  }

  #refitted(member: string): M {
    this.#fitted(member);
    if (!this.#best) throw wrongValue('refit', `true for ${member}`, false);
    return this.#best;
  }
}

type Refit = { refit?: boolean | string; scoring?: any };

const scorersOf = <M extends Candidate>({ scoring, refit }: Refit) =>
  readScorers<M>(scoring as Scorings<M>, typeof refit === 'string' ? refit : undefined);

/** Of one score true or false, of several false or a name. */
function checkRefit({ refit = true, scoring }: Refit): void {
  const isSeveral = Array.isArray(scoring) || isPlain(scoring);
  if (!isSeveral) checkBoolean('refit', refit);
  else if (typeof refit === 'string') readScorers(scoring as Scorings<Candidate>, refit);
  else if (refit !== false)
    throw wrongType('refit', 'the name of one of the scores, or false, where scoring holds several', refit);
}

/**
 * `gridSearch` by cross-validation as an estimator: scikit-learn's `GridSearchCV`.
 *
 * ```js
 * const search = await new GridSearchCV({ estimator, grid: { alpha: [0.1, 1] }, cv: 3 }).fit(x, y);
 * search.predict(xNew);
 * await crossValScore(search, x, y, { cv: 5 }); // nested
 * ```
 */
export class GridSearchCV<M extends Candidate = Candidate> extends SearchCV<M, GridSearchCVOptions<M>, SearchResult> {
  static override readonly className = 'GridSearchCV';

  static {
    registerSaved(GridSearchCV);
  }

  /** @throws TypeError or RangeError; for what options hold, `fit` does */
  constructor(options: GridSearchCVOptions<M>) {
    super(options, ['grid']);
  }

  protected search({ grid, ...options }: Given<GridSearchCVOptions<M>>): Promise<SearchResult> {
    return gridSearch<M>({ grid: byName(grid), ...options });
  }

  protected override completed(found: SearchResult): SearchResult {
    const grids = checkGrids(byName(this.getParams().grid));
    if (found.results.length !== pointsOf(grids).length)
      throw expected('state.found.results', 'a list of all points of the grid', found.results);
    return withTable(found, grids);
  }
}

/** `randomizedSearch` by cross-validation as an estimator: scikit-learn's `RandomizedSearchCV`. */
export class RandomizedSearchCV<M extends Candidate = Candidate> extends SearchCV<
  M,
  RandomizedSearchCVOptions<M>,
  SearchResult
> {
  static override readonly className = 'RandomizedSearchCV';

  static {
    registerSaved(RandomizedSearchCV);
  }

  /** @throws TypeError or RangeError; for what options hold, `fit` does */
  constructor(options: RandomizedSearchCVOptions<M>) {
    super(options, ['distributions', 'nIter', 'randomState']);
  }

  protected search(options: Given<RandomizedSearchCVOptions<M>>): Promise<SearchResult> {
    return randomizedSearch<M>(options);
  }
}

/** `halvingGridSearch` as an estimator: scikit-learn's `HalvingGridSearchCV`. */
export class HalvingGridSearchCV<M extends Candidate = Candidate> extends SearchCV<
  M,
  HalvingGridSearchCVOptions<M>,
  HalvingSearchResult
> {
  static override readonly className = 'HalvingGridSearchCV';

  static {
    registerSaved(HalvingGridSearchCV);
  }

  /** @throws TypeError or RangeError; for what options hold, `fit` does */
  constructor(options: HalvingGridSearchCVOptions<M>) {
    super(options, ['grid', ...HALVING_OPTIONS]);
  }

  protected search(options: Given<HalvingGridSearchCVOptions<M>>): Promise<HalvingSearchResult> {
    return halvingGridSearch<M>(options);
  }
}

/** `halvingRandomSearch` as an estimator: scikit-learn's `HalvingRandomSearchCV`. */
export class HalvingRandomSearchCV<M extends Candidate = Candidate> extends SearchCV<
  M,
  HalvingRandomSearchCVOptions<M>,
  HalvingSearchResult
> {
  static override readonly className = 'HalvingRandomSearchCV';

  static {
    registerSaved(HalvingRandomSearchCV);
  }

  /** @throws TypeError or RangeError; for what options hold, `fit` does */
  constructor(options: HalvingRandomSearchCVOptions<M>) {
    super(options, ['distributions', 'nCandidates', ...HALVING_OPTIONS]);
  }

  protected search(options: Given<HalvingRandomSearchCVOptions<M>>): Promise<HalvingSearchResult> {
    return halvingRandomSearch<M>(options);
  }
}
