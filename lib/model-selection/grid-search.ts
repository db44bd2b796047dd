import { checkAttached } from '../array/memory.js';
import { type ArrayInput, asArray, NDArray } from '../array.js';
import { checkObject, checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';
import { isForeignArray } from '../foreign-arrays.js';
import { isNDArray, isPlain, isTypedArray } from '../kind.js';
import type { Candidate } from './fits.js';
import { overRanks } from './ranks.js';
import { type Params, SEARCH_OPTIONS, Search, type SearchOptions, type SearchResult, searchAll } from './search.js';

export interface GridSearchOptions<M extends Candidate = Candidate> extends SearchOptions<M> {
  /** Values to try for each parameter; the first one varies slowest. */
  grid: Record<string, ArrayInput | readonly unknown[]>;
}

export interface GridSearchResult extends SearchResult {
  /** 'trainScore', 'testScore' or 'seconds' as an array with one axis for each parameter. */
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
    const axes = checkGrid(options.grid);
    const search = new Search(options, { search: 'gridSearch', ...setting }, ranks);
    return withTable(await searchAll(search, options, product(axes)), axes);
  });
}

/** What a search of a grid found, with its tables. */
export function withTable({ results, best }: SearchResult, axes: readonly Axis[]): GridSearchResult {
  const shape = axes.map(([, values]) => values.length);
  return {
    results,
    best,
    table(name) {
      checkOneOf('name', name, ['trainScore', 'testScore', 'seconds']);
      return NDArray.wrap(
        Float64Array.from(results, (r) => r[name]),
        shape,
      );
    },
  };
}

export type Axis = readonly [name: string, values: readonly unknown[]];

export function checkGrid(grid: GridSearchOptions['grid']): Axis[] {
  checkObject('grid', grid, 'an object of arrays');
  const axes = Object.entries(grid).map(([name, values]): Axis => {
    return [name, valuesOf(`grid.${name}`, values)];
  });
  if (axes.length === 0) throw wrongValue('grid', 'an object of one parameter or more', grid);
  return axes;
}

/** scikit-learn's order of a grid: the last of the sorted names varies fastest. What is no grid is left to `checkGrid`. */
export const byName = <G>(grid: G): G =>
  isPlain(grid) ? (Object.fromEntries(Object.entries(grid).sort(([a], [b]) => (a < b ? -1 : 1))) as G) : grid;

/** The values to try for one parameter. */
export function valuesOf(name: string, values: unknown, expected = 'an array'): unknown[] {
  const list = isNDArray(values) || isForeignArray(values) ? asArray(name, values).toArray() : values;
  if (!Array.isArray(list) && !isTypedArray(list)) throw wrongType(name, expected, values);
  if (isTypedArray(list)) checkAttached(name, list);
  const items = Array.from(list as ArrayLike<unknown>);
  if (items.length === 0) throw wrongValue(name, 'an array of one value or more', values);
  return items;
}

/** All combinations; the first parameter varies slowest. */
export function product(axes: readonly Axis[]): Params[] {
  let points: Params[] = [{}];
  for (const [name, values] of axes)
    points = points.flatMap((point) => values.map((value) => ({ ...point, [name]: value })));
  return points;
}
