import { asArray } from '../array.js';
import { wrongType } from '../check.js';
import { expected, integer, list, number, object, record, type Schema, text } from '../io/schema.js';
import { isPlain, isTypedArray } from '../kind.js';
import { isMade } from '../made.js';
import type { HalvingSearchResult } from './halving.js';
import type { GridResult, Params, PointScores, SearchResult } from './search.js';

/** What a file keeps of what a search found. */
export interface SavedResult extends Partial<Omit<HalvingSearchResult, 'results' | 'best'>> {
  readonly results: readonly (Omit<GridResult, 'error'> & { error?: { name: string; message: string } })[];
  /** The number of the best of them. */
  readonly best: number;
}

/** NaN, too: of what failed. */
const score: Schema<number> = (name, value) => {
  if (typeof value === 'number') return value;
  throw expected(name, 'a number', value);
};
const params: Schema<Params> = (name, value) => {
  if (isPlain(value)) return value as Params;
  throw expected(name, 'an object', value);
};
const counts = list(integer(0)) as Schema<number[]>;

const OF_HALVING = {
  nRemainingCandidates: integer(0),
  nIterations: integer(0),
  nRequiredIterations: integer(0),
  nPossibleIterations: integer(0),
  minResources: integer(0),
  maxResources: integer(0),
  nCandidates: counts,
  nResources: counts,
};
type OfHalving = keyof typeof OF_HALVING;

const ofPoint = {
  ...{ trainScore: score, testScore: score },
  ...{ trainScores: list(score) as Schema<number[]>, testScores: list(score) as Schema<number[]> },
};

const result = object<SavedResult['results'][number]>(
  {
    ...{
      params,
      seconds: number(0),
      iteration: integer(0),
      nResources: integer(0),
    },
    ...ofPoint,
    scores: record(object<PointScores>(ofPoint, ['trainScores', 'testScores'])),
    error: object({ name: text, message: text }),
  },
  ['trainScores', 'testScores', 'scores', 'iteration', 'nResources', 'error'],
);

const saved = object<SavedResult>(
  { results: list(result, 1), best: integer(0), ...OF_HALVING } as never,
  Object.keys(OF_HALVING) as OfHalving[],
);

/** What a search found, for a file. */
export function savedResult({ results, best, ...more }: SearchResult): SavedResult {
  const plan = Object.entries(more).filter(([key]) => key in OF_HALVING);
  return {
    results: results.map(({ error, ...own }) => ({
      ...own,
      ...(error && { error: { name: error.name, message: error.message } }),
    })),
    best: results.indexOf(best),
    ...Object.fromEntries(plan),
  };
}

/** The same of what a file says. @throws RangeError with the place of what is wrong */
export function resultIn(value: unknown): SearchResult {
  const { results, best, ...more } = saved('state.found', value);
  if (best >= results.length)
    throw expected('state.found.best', `the number of one of ${results.length} results`, best);
  const all = results.map(({ error, ...own }) => ({
    ...own,
    ...(error && { error: Object.assign(new Error(error.message), { name: error.name }) }),
  }));
  return { ...more, results: all, best: all[best] };
}

/** The options of a search as a file holds them. @throws TypeError for functions, optimizers and the like, which it does not */
export function savedOptions(options: object): object {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, listed(name, value)]));
}

/** Arrays of any kind as lists and NDArrays, three levels deep: `grid: { alpha: … }`, `cv: [[train, test], …]`. */
function listed(name: string, value: unknown, depth = 0): unknown {
  if (typeof value === 'function' || (isPlain(value) && isMade(value)))
    throw wrongType(name, 'a value that can be loaded again (the bestEstimator can be saved without it)', value);
  if (isTypedArray(value)) return asArray(name, value as never);
  if (depth === 3) return value;
  if (Array.isArray(value)) return value.map((item, i) => listed(`${name}[${i}]`, item, depth + 1));
  if (!isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, listed(`${name}.${key}`, item, depth + 1)]),
  );
}
