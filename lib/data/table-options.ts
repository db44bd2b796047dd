import { NDArray } from '../array.js';
import { checkOneOf, twiceIn, wrongType, wrongValue } from '../check.js';
import { checkColumn } from '../io/csv.js';
import { hasMethods } from '../kind.js';
import type { ColumnTransformer } from '../tables/column-transformer.js';
import type { ColumnKind } from '../tables/frame.js';

/** What `data.csv` and `data.parquet` take alike. */
export interface TableDatasetOptions {
  /** The column of y: its name, or its number from 0; negative numbers count from the last. Default: none, samples are x alone */
  label?: string | number;
  /** Those of x, in this order. Default: all but the label's, or those that `transformer` takes */
  columns?: readonly (string | number)[];
  /** What the label's values may be, for labels of text: y is the place in this list, from 0. Default: y is the number */
  classes?: readonly (string | number)[];
  /** Fitted to a table whose columns have names: makes x of columns of any kind, some thousand rows at a time. Default: none */
  transformer?: ColumnTransformer;
  /** Of x. Default 'float64' */
  dtype?: 'float64' | 'float32';
}

/** What is used of a transformer. */
export interface RowTransformer {
  readonly featureNamesIn: readonly string[];
  readonly columnKinds: readonly ColumnKind[];
  transform(table: Readonly<Record<string, ArrayLike<unknown>>>): NDArray;
}

export interface CheckedTableOptions {
  readonly label?: string | number;
  readonly columns?: readonly (string | number)[];
  readonly classes?: readonly (string | number)[];
  readonly transformer?: RowTransformer;
  readonly dtype: 'float64' | 'float32';
}

export function checkTableOptions(options: TableDatasetOptions): CheckedTableOptions {
  const { label, columns, classes, transformer, dtype = 'float64' } = options;
  if (label !== undefined) checkColumn('label', label);
  checkList('columns', columns);
  for (const [k, column] of columns?.entries() ?? []) checkColumn(`columns[${k}]`, column);
  checkList('classes', classes);
  for (const [k, name] of classes?.entries() ?? [])
    if (typeof name !== 'string' && !Number.isFinite(name))
      throw wrongType(`classes[${k}]`, 'a text or a number', name);
  if (classes && label === undefined) throw new TypeError('Expected a label with classes, got none');
  checkOneOf('dtype', dtype, ['float64', 'float32']);
  const fitted = transformer === undefined ? undefined : checkTransformer(transformer);
  if (fitted && columns)
    throw new TypeError('Expected no columns with transformer, which takes those that it was fitted to, got both');
  const names = fitted?.featureNamesIn ?? columns;
  return {
    dtype,
    ...(label !== undefined && { label }),
    ...(names && { columns: [...names] }),
    ...(classes && { classes: [...classes] }),
    ...(fitted && { transformer: fitted }),
  };
}

function checkList(name: string, list: unknown): void {
  if (list === undefined) return;
  if (!Array.isArray(list)) throw wrongType(name, 'an array', list);
  if (list.length === 0) throw wrongValue(name, 'one or more', list);
  const twice = twiceIn(list);
  if (twice >= 0) throw wrongValue(name, 'different ones', list[twice]);
}

/** @throws Error with code ERR_NOT_FITTED */
function checkTransformer(transformer: unknown): RowTransformer {
  if (!hasMethods(transformer, 'transform', 'getFeatureNamesOut') || !('columnKinds' in (transformer as object)))
    throw wrongType('transformer', 'a TableTransformer or a ColumnTransformer', transformer);
  const { featureNamesIn, columnKinds } = transformer as RowTransformer;
  if (!featureNamesIn || !columnKinds)
    throw new TypeError('Expected transformer to be fitted to a table whose columns have names, got one without');
  return transformer as RowTransformer;
}

/** What a transformer makes of columns in the order of its own. */
export function transformed(
  transformer: RowTransformer,
  columns: readonly ArrayLike<unknown>[],
  dtype: 'float64' | 'float32',
): NDArray {
  const table = Object.fromEntries(transformer.featureNamesIn.map((name, k) => [name, columns[k]]));
  const x = transformer.transform(table);
  return x.dtype === dtype ? x : NDArray.from(x, { dtype });
}
