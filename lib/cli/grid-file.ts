import { NDArray } from '../array.js';
import { writeFileAtomic } from '../io/atomic.js';
import { checked } from './errors.js';
import { readJson } from './json-file.js';
import type { Recipe } from './recipe.js';
import type { Run } from './run-file.js';
import { checkGrid } from './run-schema.js';

/** A value of one option, as the user would write it. */
export type GridValue = number | string | readonly number[];

/** What `fjordnet grid` found. Plain JSON; scores that are no numbers are null in a file. */
export interface Grid {
  readonly version: 1;
  /** Options and their values; the first one varies slowest. */
  readonly axes: readonly { readonly name: string; readonly values: readonly GridValue[] }[];
  /** In the order of the axes. */
  readonly results: readonly {
    readonly params: Readonly<Record<string, GridValue>>;
    readonly trainScore: number | null;
    readonly testScore: number | null;
    readonly seconds: number;
    readonly error?: string;
  }[];
  readonly best: number;
  readonly score: 'accuracy' | 'R²';
  /** The name of the data. */
  readonly data: string;
  readonly samples: { readonly train: number; readonly test: number };
  readonly recipe: Recipe;
  readonly seed: number;
  readonly seconds: number;
  readonly build: Run['build'];
  readonly saved: string;
}

export async function saveGrid(path: string, grid: Grid): Promise<void> {
  await writeFileAtomic(path, [Buffer.from(`${JSON.stringify(grid, null, 1)}\n`)]);
}

/** @throws CommandError that says why the file is of no use */
export async function loadGrid(path: string): Promise<Grid> {
  const value = await readJson(path, 'a grid that fjordnet grid --save wrote');
  return checked(path, () => checkGrid(value));
}

/** The scores with one axis for each option. */
export function scores(grid: Grid, name: 'trainScore' | 'testScore'): NDArray {
  const values = Float64Array.from(grid.results, (result) => result[name] ?? Number.NaN);
  return NDArray.wrap(
    values,
    grid.axes.map((axis) => axis.values.length),
  );
}

export const written = (value: GridValue): string => (typeof value === 'object' ? value.join(',') : String(value));

/** Numbers stay numbers, so that a heatmap can write them as decades. */
export const axisValues = (values: readonly GridValue[]): number[] | string[] =>
  values.every((value) => typeof value === 'number') ? [...(values as number[])] : values.map(written);
