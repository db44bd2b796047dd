import { allocate, filled } from '../allocate.js';
import { type ArrayInput, asArray } from '../array.js';
import { checkBoolean, checkInteger, checkNumber, wrongType, wrongValue } from '../check.js';
import { hasMethods, isRandomState } from '../kind.js';
import { isWords, uniqueLabels } from '../labels.js';
import { checkRandomState, type RandomState } from '../random.js';
import type { Candidate, ScoreOptions } from './fits.js';
import type { Split } from './folds.js';
import { checkSeeded } from './randomized-search.js';
import type { SearchRanks } from './ranks.js';
import { readScoring } from './scoring.js';
import {
  bestOf,
  checkTrained,
  type GridResult,
  type Params,
  Search,
  type SearchOptions,
  type SearchResult,
} from './search.js';

/** What is common to searches by successive halving. */
export interface HalvingOptions<M extends Candidate = Candidate>
  extends Omit<SearchOptions<M>, 'test' | 'refit' | 'scoring'>,
    Pick<ScoreOptions<M>, 'scoring'> {
  /** Of how many candidates one is kept, and how many times as much the next iteration has. A number above 1, default 3 */
  factor?: number;
  /** What grows: 'nSamples', or a parameter that takes positive integers, such as 'maxIter' or 'model__epochs'. Default 'nSamples' */
  resource?: string;
  /**
   * What the first iteration has. 'smallest': of samples 2 a fold (and a class, of classifiers), of a parameter 1. 'exhaust': so
   * much that the last one has as much as it can, and 'smallest' at least.
   */
  minResources?: 'exhaust' | 'smallest' | number;
  /** What the last iteration has at most. Default 'auto': all samples; of a parameter it is to be given */
  maxResources?: 'auto' | number;
  /** Whether the first resources are used until so few candidates are left that the last iteration has less than `factor`. Default false */
  aggressiveElimination?: boolean;
  /** A seed (each iteration has the rows of the one before, and more) or a RandomState, to draw rows from. Default: a fresh seed */
  randomState?: number | RandomState;
}

export interface HalvingResult extends GridResult {
  iteration: number;
  nResources: number;
}

export interface HalvingSearchResult extends SearchResult {
  /** Of all iterations, one after the other. */
  results: HalvingResult[];
  /** The result of the last iteration with the best score; the first of equals. */
  best: HalvingResult;
  nIterations: number;
  /** Candidates of each iteration. */
  nCandidates: number[];
  /** What each candidate of each iteration had. */
  nResources: number[];
  /** Candidates that another iteration would have had. */
  nRemainingCandidates: number;
  /** Iterations until less than `factor` candidates are left. */
  nRequiredIterations: number;
  /** Iterations from minResources to maxResources. */
  nPossibleIterations: number;
  minResources: number;
  maxResources: number;
}

export const HALVING_OPTIONS = [
  'factor',
  'resource',
  'minResources',
  'maxResources',
  'aggressiveElimination',
  'randomState',
];

/** All points, or what draws as many as are asked for. */
type Candidates = readonly Params[] | ((count: number) => Params[]);

/**
 * scikit-learn's `BaseSuccessiveHalving` (K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and
 * hyperparameter optimization", 2016).
 */
export async function halve<M extends Candidate>(
  name: string,
  options: HalvingOptions<M>,
  byDefault: 'exhaust' | 'smallest',
  candidates: Candidates,
  ranks: SearchRanks | undefined,
): Promise<HalvingSearchResult> {
  const { factor, resource, minResources, maxResources, aggressiveElimination } = readRule(options, byDefault);
  const { estimator, train, randomState, cv = 5 } = options;
  readScoring(options.scoring); // one alone, as in scikit-learn
  const isBySamples = resource === 'nSamples';
  if (isBySamples) checkSeeded(options);
  const random = checkRandomState(randomState);
  await ranks?.shareRandom(random);
  const drawn = isRandomState(randomState) ? randomState.getState() : randomState;
  const rule = { factor, resource, minResources, maxResources, aggressiveElimination, randomState: drawn };
  const search = new Search<M>({ ...options, cv }, { search: name, ...rule }, ranks);
  const n = search.samples.length;

  const drawsAll = typeof candidates === 'function';
  if (drawsAll && isBySamples && typeof minResources !== 'number' && !estimator)
    throw wrongType('minResources', "a number where build makes the models and nCandidates is 'exhaust'", minResources);
  const most = maxResources === 'auto' ? n : maxResources;
  let splits: Split[] | undefined;
  let least = 1;
  if (typeof minResources === 'number') least = minResources;
  else if (isBySamples) {
    const [point = {}] = drawsAll ? [] : candidates;
    splits = await search.splits(point);
    least = 2 * splits.length * ((await search.isClassifier(point)) ? classCount(train[1]) : 1);
  }
  checkBounds(least, most);
  const all = drawsAll ? candidates(Math.floor(most / least)) : candidates;
  if (!isBySamples && all.some((point) => Object.hasOwn(point, resource)))
    throw wrongValue('resource', 'a parameter that is not searched', resource);
  const exhausts = minResources === 'exhaust';
  const plan = planOf(all.length, { factor, least, most, exhausts, aggressiveElimination });

  const withResource = (points: readonly Params[], nResources: number) =>
    isBySamples ? points : points.map((point) => ({ ...point, [resource]: nResources }));
  const total = plan.nCandidates.reduce((sum, count) => sum + count, 0);
  const results: HalvingResult[] = [];
  let points = withResource(all, plan.nResources[0]);
  await search.begin(points, true);
  for (const [iteration, nResources] of plan.nResources.entries()) {
    points = withResource(points, nResources);
    splits ??= await search.splits(points[0]);
    const own = isBySamples ? subsampled(splits, { nResources, n }, randomState, random) : splits;
    const more = { iteration, nResources };
    const round = (await search.evaluate(points, { splits: () => own, more, total })) as HalvingResult[];
    checkTrained(round);
    for (const result of round) results.push(result);
    points = kept(round, Math.ceil(round.length / factor));
  }
  const last = results.slice(-(plan.nCandidates.at(-1) as number));
  return { results, best: bestOf(last, (result) => result.testScore), nRemainingCandidates: points.length, ...plan };
}

function readRule<M extends Candidate>(options: HalvingOptions<M>, byDefault: 'exhaust' | 'smallest') {
  const { factor = 3, resource = 'nSamples', minResources = byDefault, maxResources = 'auto', estimator } = options;
  if (checkNumber('factor', factor) <= 1) throw wrongValue('factor', 'a number above 1', factor);
  if (typeof resource !== 'string') throw wrongType('resource', "'nSamples' or the name of a parameter", resource);
  if (minResources !== 'exhaust' && minResources !== 'smallest') {
    if (typeof minResources === 'string')
      throw wrongValue('minResources', "'exhaust', 'smallest' or a number", minResources);
    checkInteger('minResources', minResources, 1);
  }
  if (maxResources !== 'auto') checkInteger('maxResources', maxResources, 1);
  else if (resource !== 'nSamples')
    throw wrongValue('maxResources', `a number where resource is '${resource}'`, maxResources);
  if (resource !== 'nSamples' && hasMethods(estimator, 'getParams')) {
    const known = Object.keys(estimator?.getParams?.() ?? {});
    if (!known.includes(resource)) throw wrongValue('resource', "'nSamples' or a parameter of the estimator", resource);
  }
  const aggressiveElimination = checkBoolean('aggressiveElimination', options.aggressiveElimination ?? false);
  return { factor, resource, minResources, maxResources, aggressiveElimination };
}

function checkBounds(least: number, most: number): void {
  if (most === 0) throw wrongValue('train', 'samples, one at least', 0);
  if (least > most) throw wrongValue('minResources', `at most maxResources, ${most}`, least);
}

/** Different values of y, as NumPy's `unique` counts them. */
function classCount(y: unknown): number {
  return isWords(y) ? uniqueLabels(y).length : new Set(asArray('y', y as ArrayInput).data).size;
}

interface Bounds {
  factor: number;
  least: number;
  most: number;
  exhausts: boolean;
  aggressiveElimination: boolean;
}

/** How many candidates each iteration has, and with what. */
export function planOf(count: number, { factor, least, most, exhausts, aggressiveElimination }: Bounds) {
  const iterations = (times: number) => 1 + Math.floor(logarithm(times) / logarithm(factor));
  const nRequiredIterations = iterations(count);
  const minResources = exhausts ? Math.max(least, floorDivide(most, factor ** (nRequiredIterations - 1))) : least;
  const nPossibleIterations = iterations(floorDivide(most, minResources));
  const nIterations = aggressiveElimination ? nRequiredIterations : Math.min(nPossibleIterations, nRequiredIterations);
  const nResources = Array.from({ length: nIterations }, (_, iteration) => {
    const spared = aggressiveElimination ? nRequiredIterations - nPossibleIterations : 0;
    const power = aggressiveElimination ? Math.max(0, iteration - spared) : iteration;
    return Math.min(Math.trunc(factor ** power * minResources), most);
  });
  const nCandidates: number[] = [];
  for (let left = count; nCandidates.length < nIterations; left = Math.ceil(left / factor)) nCandidates.push(left);
  return {
    nIterations,
    nCandidates,
    nResources,
    nRequiredIterations,
    nPossibleIterations,
    minResources,
    maxResources: most,
  };
}

/**
 * The natural logarithm of a number >= 1, rounded as C's is, which `Math.log` is not: Python takes the quotient of two, and of 243
 * by 3 that is 4.99….
 */
function logarithm(x: number): number {
  const bits = 120n;
  const halfLog = (m: bigint): bigint => {
    const z = ((m - (1n << bits)) << bits) / (m + (1n << bits)); // log(m) = 2 atanh(z)
    let sum = 0n;
    for (let power = z, k = 1n; power > 0n; power = (power * z * z) >> (2n * bits), k += 2n) sum += power / k;
    return sum;
  };
  let exponent = Math.floor(Math.log2(x));
  if (2 ** exponent > x) exponent--;
  const m = BigInt((x / 2 ** exponent) * 2 ** 52) << (bits - 52n);
  return Number(2n * (BigInt(exponent) * halfLog(2n << bits) + halfLog(m))) / 2 ** Number(bits);
}

/** Python's `a // b`, for a >= 0 and b > 0: of fractions it is not the floor of the rounded quotient. */
const floorDivide = (a: number, b: number) => Math.round((a - (a % b)) / b);

/** Shares of the training and of the test set of each fold: scikit-learn's `_SubsampleMetaSplitter`. */
function subsampled(
  splits: readonly Split[],
  { nResources, n }: { nResources: number; n: number },
  seed: unknown,
  random: RandomState,
): Split[] {
  const part = (rows: ArrayInput) => {
    const all = asArray('cv', rows);
    const order = filled(Int32Array, all.length, (i) => i);
    (typeof seed === 'number' ? checkRandomState(seed) : random).shuffle(order);
    const count = Math.trunc((nResources / n) * order.length);
    if (count === 0)
      throw new RangeError(
        `Expected minResources to leave a row in each part of each fold, got ${nResources} of ${n} rows, where a part has ${order.length}`,
      );
    return all.take(allocate(Int32Array, order.subarray(0, count)));
  };
  return splits.map(([train, test]): Split => [part(train), part(test)]);
}

/** The parameters of the best, the best last. Of equals the later ones are kept; scikit-learn leaves that to the processor. */
function kept(round: readonly HalvingResult[], count: number): Params[] {
  const rank = ({ testScore }: HalvingResult) => (Number.isNaN(testScore) ? Number.NEGATIVE_INFINITY : testScore);
  const byScore = (a: HalvingResult, b: HalvingResult) => Number(rank(a) > rank(b)) - Number(rank(a) < rank(b));
  return round
    .toSorted(byScore)
    .slice(-count)
    .map(({ params }) => params);
}
