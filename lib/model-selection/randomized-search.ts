import type { ArrayInput } from '../array.js';
import { checkInteger, checkObject, checkOptions, wrongType, wrongValue } from '../check.js';
import { hasMethods, isClass } from '../kind.js';
import { checkRandomState, type RandomState } from '../random.js';
import type { Candidate } from './fits.js';
import { type Axis, eachOf, valuesOf } from './grid-search.js';
import { overRanks } from './ranks.js';
import { type Params, SEARCH_OPTIONS, Search, type SearchOptions, type SearchResult, searchAll } from './search.js';

/** Draws one value: a function, such as `(random) => 10 ** random.uniform(-5, -1)`, or an object with a method `rvs`. */
export type Distribution = ((random: RandomState) => unknown) | { rvs(random: RandomState): unknown };

/** For each parameter the values to draw from, all equally probable, or a distribution. */
export type Distributions = Readonly<Record<string, ArrayInput | readonly unknown[] | Distribution>>;

export interface RandomizedSearchOptions<M extends Candidate = Candidate> extends SearchOptions<M> {
  /**
   * For each parameter the values to draw from, all equally probable, or a distribution. Of a list of such objects one is drawn for
   * each point, or, where all hold values alone, the points of all together are drawn from.
   */
  distributions: Distributions | readonly Distributions[];
  /** Points to draw. Default 10 */
  nIter?: number;
  /** A seed or a RandomState to draw the points from. Default: a fresh seed; `journal` asks for one */
  randomState?: number | RandomState;
}

export type Source = readonly [name: string, values: readonly unknown[] | ((random: RandomState) => unknown)];

/**
 * Trains models for parameters drawn at random, several at a time, and scores them: scikit-learn's `RandomizedSearchCV`, with
 * the parameters that it draws from the same `randomState`.
 *
 * The parameters are drawn in the order of their sorted names. Values alone are drawn without replacement: no point comes
 * twice, and a grid of fewer than `nIter` points is searched as a whole, with a warning. With a distribution among them, all
 * are drawn with replacement.
 *
 * All points are drawn before the first model is made.
 *
 * @throws RangeError if there are no distributions, or `journal` is the file of another search
 * @throws Error with code ERR_ABORTED after `signal` fired; the first model's error if all failed
 */
export async function randomizedSearch<M extends Candidate>(
  options: RandomizedSearchOptions<M>,
): Promise<SearchResult> {
  return overRanks(options, async (ranks) => {
    checkOptions('options', options, ['distributions', 'nIter', 'randomState', ...SEARCH_OPTIONS]);
    const sources = checkDistributions(options.distributions);
    const nIter = checkInteger('nIter', options.nIter ?? 10, 1);
    const random = checkRandomState(checkSeeded(options));
    await ranks?.shareRandom(random);
    const search = new Search(options, { search: 'randomizedSearch' }, ranks);
    return searchAll(search, options, drawPoints(sources, nIter, random));
  });
}

/** The randomState of a search that draws: a journal goes on with the same draws. */
export function checkSeeded({ journal, randomState }: Pick<RandomizedSearchOptions, 'journal' | 'randomState'>) {
  if (journal !== undefined && randomState === undefined)
    throw wrongType('randomState', 'a seed or a RandomState where journal is given', randomState);
  return randomState;
}

export const checkDistributions = (given: RandomizedSearchOptions['distributions']): Source[][] =>
  eachOf('distributions', given, 'object', sourcesOf);

function sourcesOf(place: string, distributions: Distributions): Source[] {
  checkObject(place, distributions, 'an object of arrays and distributions');
  const sources = Object.entries(distributions).map(([name, source]): Source => {
    if (typeof source === 'function' && !isClass(source)) return [name, source];
    if (typeof source !== 'function' && hasMethods(source, 'rvs')) {
      const distribution = source as Exclude<Distribution, (random: RandomState) => unknown>;
      return [name, (random) => distribution.rvs(random)];
    }
    const expected = 'an array, a function that draws a value, or an object with a method rvs';
    return [name, valuesOf(`${place}.${name}`, source, expected)];
  });
  if (sources.length === 0) throw wrongValue(place, 'an object of one parameter or more', distributions);
  return sources.sort(([a], [b]) => (a < b ? -1 : 1));
}

const areGrids = (all: readonly Source[][]): all is Axis[][] =>
  all.flat().every(([, values]) => typeof values !== 'function');

/** scikit-learn's `ParameterSampler`. */
export function drawPoints(all: readonly Source[][], nIter: number, random: RandomState): Params[] {
  if (areGrids(all)) {
    const sizes = all.map((axes) => axes.reduce((product, [, values]) => product * values.length, 1));
    const size = sizes.reduce((sum, own) => sum + own);
    if (!Number.isSafeInteger(size)) throw wrongValue('distributions', 'of at most 2^53 - 1 points', size);
    if (size < nIter)
      process.emitWarning(
        `The total space of parameters, ${size}, is smaller than nIter=${nIter}: all of it is searched.`,
        'UserWarning',
      );
    return sampleWithoutReplacement(size, Math.min(size, nIter), random).map((index) => {
      let [grid, at] = [0, index];
      while (at >= sizes[grid]) at -= sizes[grid++];
      return pointAt(all[grid], at);
    });
  }
  const draw = ([name, values]: Source) => [
    name,
    typeof values === 'function' ? values(random) : values[random.randint(values.length)],
  ];
  return Array.from({ length: nIter }, () => Object.fromEntries(all[random.randint(all.length)].map(draw)));
}

/** The point of the grid of that number, where the last parameter varies fastest. */
function pointAt(axes: readonly Axis[], index: number): Params {
  const entries: [string, unknown][] = [];
  let rest = index;
  for (const [name, values] of [...axes].reverse()) {
    entries.unshift([name, values[rest % values.length]]);
    rest = Math.floor(rest / values.length);
  }
  return Object.fromEntries(entries);
}

/** Different numbers below `n`, drawn as scikit-learn's `sample_without_replacement` does. */
function sampleWithoutReplacement(n: number, count: number, random: RandomState): number[] {
  const ratio = count / n;
  if (ratio > 0.01 && ratio < 0.99) return Array.from(random.permutation(n).data.subarray(0, count));
  if (ratio < 0.2) {
    const selected = new Set<number>();
    while (selected.size < count) selected.add(random.randint(n));
    return [...selected];
  }
  const reservoir = Array.from({ length: count }, (_, i) => i);
  for (let i = count; i < n; i++) {
    const at = random.randint(i + 1);
    if (at < count) reservoir[at] = i;
  }
  return reservoir;
}
