import { checkAttached } from '../array/memory.js';
import { type ArrayInput, asArray, NDArray } from '../array.js';
import { checkObject, checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';
import { isForeignArray } from '../foreign-arrays.js';
import { isNDArray, isPlain, isTypedArray } from '../kind.js';
import type { Candidate } from './fits.js';
import { overRanks } from './ranks.js';
import { type Params, SEARCH_OPTIONS, Search, type SearchOptions, type SearchResult, searchAll } from './search.js';

/** Values to try for each parameter. */
export type Grid = Readonly<Record<string, ArrayInput | readonly unknown[]>>;

export interface GridSearchOptions<M extends Candidate = Candidate> extends SearchOptions<M> {
  /** Values to try for each parameter, of which the first one varies slowest; or several such grids, one after the other. */
  grid: Grid | readonly Grid[];
}

export interface GridSearchResult extends SearchResult {
  /** 'trainScore', 'testScore' or 'seconds' as an array with one axis for each parameter. @throws TypeError for several grids */
  table(name: 'trainScore' | 'testScore' | 'seconds'): NDArray;
}

/**
 * Trains one model for every combination of parameters, several at a time, and scores it.
 *
 * Models are built and started in grid order. A `NeuralNetwork` that shares a RandomState draws everything it needs as it
 * starts, and estimators that share one train one after another, so that with one RandomState for all models the draws come in
 * the order of a plain loop over the grid, and the table is that loop's, whatever finishes first. (scikit-learn's grid
 * search gives every model a copy of the RandomState: for the same, pass copies, a seed, or an `estimator`.)
 *
 * @throws RangeError if the grid is empty, or `journal` is the file of another search
 * @throws Error with code ERR_ABORTED after `signal` fired; the first model's error if all failed
 */
export async function gridSearch<M extends Candidate>(
  options: GridSearchOptions<M>,
  /** @internal what else makes it another search, for its journal */
  setting: Readonly<Record<string, unknown>> = {},
): Promise<GridSearchResult> {
  return overRanks(options, async (ranks) => {
    checkOptions('options', options, ['grid', ...SEARCH_OPTIONS]);
    const grids = checkGrids(options.grid);
    const search = new Search(options, { search: 'gridSearch', ...setting }, ranks);
    return withTable(await searchAll(search, options, pointsOf(grids)), grids);
  });
}

/** What a search of grids found, with its tables. */
export function withTable({ results, best }: SearchResult, [axes, ...others]: readonly Axis[][]): GridSearchResult {
  const shape = axes.map(([, values]) => values.length);
  return {
    results,
    best,
    table(name) {
      checkOneOf('name', name, ['trainScore', 'testScore', 'seconds']);
      if (others.length > 0)
        throw new TypeError(
          `Expected one grid for a table of its points, got ${others.length + 1}: results has all of them`,
        );
      return NDArray.wrap(
        Float64Array.from(results, (r) => r[name]),
        shape,
      );
    },
  };
}

export type Axis = readonly [name: string, values: readonly unknown[]];

/** The parameters of each grid, and their values. */
export const checkGrids = (given: GridSearchOptions['grid']): Axis[][] => eachOf('grid', given, 'grid', checkGrid);

/** What `check` makes of the one `thing` that an option is, or of each in a list of them. */
export function eachOf<G, R>(
  name: string,
  given: G | readonly G[],
  thing: string,
  check: (place: string, own: G) => R,
): R[] {
  if (!Array.isArray(given)) return [check(name, given as G)];
  if (given.length === 0) throw wrongValue(name, `a list of one ${thing} or more`, given);
  return Array.from(given as readonly G[], (own, i) => check(`${name}[${i}]`, own));
}

function checkGrid(place: string, grid: Grid): Axis[] {
  checkObject(place, grid, 'an object of arrays');
  const axes = Object.entries(grid).map(([name, values]): Axis => [name, valuesOf(`${place}.${name}`, values)]);
  if (axes.length === 0) throw wrongValue(place, 'an object of one parameter or more', grid);
  return axes;
}

/** scikit-learn's order of grids: the last of the sorted names varies fastest. What is no grid is left to `checkGrids`. */
export const byName = <G>(given: G): G => (Array.isArray(given) ? Array.from(given, sorted) : sorted(given)) as G;

const sorted = (grid: unknown) =>
  isPlain(grid) ? Object.fromEntries(Object.entries(grid).sort(([a], [b]) => (a < b ? -1 : 1))) : grid;

/** The values to try for one parameter. */
export function valuesOf(name: string, values: unknown, expected = 'an array'): unknown[] {
  const list = isNDArray(values) || isForeignArray(values) ? asArray(name, values).toArray() : values;
  if (!Array.isArray(list) && !isTypedArray(list)) throw wrongType(name, expected, values);
  if (isTypedArray(list)) checkAttached(name, list);
  const items = Array.from(list as ArrayLike<unknown>);
  if (items.length === 0) throw wrongValue(name, 'an array of one value or more', values);
  return items;
}

/** The points of all grids. */
export const pointsOf = (grids: readonly Axis[][]): Params[] => grids.flatMap(product);

/** All combinations; the first parameter varies slowest. */
function product(axes: readonly Axis[]): Params[] {
  let points: Params[] = [{}];
  for (const [name, values] of axes)
    points = points.flatMap((point) => values.map((value) => ({ ...point, [name]: value })));
  return points;
}
