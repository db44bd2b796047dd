import { checkInteger, checkOptions, wrongValue } from '../check.js';
import { checkRandomState } from '../random.js';
import type { Candidate } from './fits.js';
import { byName, checkGrids, type Grid, pointsOf } from './grid-search.js';
import { HALVING_OPTIONS, type HalvingOptions, type HalvingSearchResult, halve } from './halving.js';
import { checkDistributions, checkSeeded, type Distributions, drawPoints } from './randomized-search.js';
import { overRanks } from './ranks.js';
import { SEARCH_OPTIONS } from './search.js';

export interface HalvingGridSearchOptions<M extends Candidate = Candidate> extends HalvingOptions<M> {
  /** Values to try for each parameter; or several such grids. */
  grid: Grid | readonly Grid[];
  /** As in HalvingOptions. Default 'exhaust' */
  minResources?: 'exhaust' | 'smallest' | number;
}

export interface HalvingRandomSearchOptions<M extends Candidate = Candidate> extends HalvingOptions<M> {
  /** For each parameter the values to draw from, all equally probable, or a distribution; or a list of such, as `randomizedSearch` takes. */
  distributions: Distributions | readonly Distributions[];
  /** Candidates to draw. Default 'exhaust': as many as let the last iteration have all it can, maxResources / minResources */
  nCandidates?: 'exhaust' | number;
  /** As in HalvingOptions; 'exhaust' only with a number of candidates. Default 'smallest' */
  minResources?: 'exhaust' | 'smallest' | number;
}

const OPTIONS = [...HALVING_OPTIONS, ...SEARCH_OPTIONS.filter((name) => name !== 'test' && name !== 'refit')];

/**
 * A grid by successive halving: all candidates are trained with little, on few samples or for few epochs, and the better ones again
 * with more, until few are left. scikit-learn's `HalvingGridSearchCV`: the same candidates, in the order of their sorted names, the
 * same rows for the same `randomState`, the same that are kept, unless scores are equal.
 *
 * @throws RangeError for resources that do not fit, or if `journal` is the file of another search
 * @throws Error with code ERR_ABORTED after `signal` fired; the first model's error if all of an iteration failed
 */
export async function halvingGridSearch<M extends Candidate>(
  options: HalvingGridSearchOptions<M>,
): Promise<HalvingSearchResult> {
  return overRanks(options, async (ranks) => {
    checkOptions('options', options, ['grid', ...OPTIONS]);
    const points = pointsOf(checkGrids(byName(options.grid)));
    return halve('halvingGridSearch', options, 'exhaust', points, ranks);
  });
}

/**
 * The same for parameters drawn at random: scikit-learn's `HalvingRandomSearchCV`. The draws are those of `randomizedSearch`; of one
 * RandomState they come before those of the rows.
 *
 * @throws as `halvingGridSearch`
 */
export async function halvingRandomSearch<M extends Candidate>(
  options: HalvingRandomSearchOptions<M>,
): Promise<HalvingSearchResult> {
  return overRanks(options, async (ranks) => {
    checkOptions('options', options, ['distributions', 'nCandidates', ...OPTIONS]);
    const sources = checkDistributions(options.distributions);
    const { nCandidates = 'exhaust' } = options;
    if (nCandidates !== 'exhaust') checkInteger('nCandidates', nCandidates, 1);
    else if (options.minResources === 'exhaust')
      throw wrongValue('minResources', "'smallest' or a number where nCandidates is 'exhaust'", 'exhaust');
    const random = checkRandomState(checkSeeded(options));
    await ranks?.shareRandom(random);
    const draw = (count: number) => drawPoints(sources, count, random);
    const candidates = nCandidates === 'exhaust' ? draw : draw(nCandidates);
    return halve('halvingRandomSearch', options, 'smallest', candidates, ranks);
  });
}
