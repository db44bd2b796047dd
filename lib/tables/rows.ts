import { allocate } from '../allocate.js';
import { type ArrayInput, asArray, type NDArray } from '../array.js';
import { isSparse, SparseRows } from '../estimators/csr.js';
import { isForeignArray } from '../foreign-arrays.js';
import { hasMethods, isNDArray, isTypedArray, property } from '../kind.js';
import { hasNamedColumns, readFrame, type Table } from './frame.js';

/** A table, or rows of values that are not all numbers; what is no matrix and no list of labels. */
export function isTable(x: unknown): x is Table {
  if (typeof x !== 'object' || x === null || isNDArray(x) || isTypedArray(x)) return false;
  if (!Array.isArray(x)) return hasNamedColumns(x) || !(isForeignArray(x) || ('data' in x && 'indptr' in x)); // sparse rows
  const [first] = x;
  if (typeof first !== 'object' || first === null || isTypedArray(first)) return false;
  return (
    !Array.isArray(first) || x.some((row: unknown[]) => row.some((v) => typeof v !== 'number' && !Array.isArray(v)))
  );
}

/** A table of another library is one to models that take tables, and where it holds more than numbers; else a matrix. */
export function isTableFor(model: unknown, x: unknown): x is Table {
  if (!isTable(x)) return false;
  if (!hasNamedColumns(x) || takesTables(model)) return true;
  try {
    asArray('x', x as unknown as ArrayInput);
    return false;
  } catch {
    return true;
  }
}

/** Pipelines do, and searches of them. */
const takesTables = (model: unknown): boolean =>
  hasMethods(model, 'transformFrame') || hasMethods(property(model, 'estimator'), 'transformFrame');

/** Rows of what is no array: sparse ones, or those of a table that the model takes as one; undefined for arrays. */
export function readRows(name: string, x: unknown, model?: unknown): SparseRows | TableRows | undefined {
  if (isSparse(x)) return new SparseRows(name, x);
  return isTableFor(model, x) ? new TableRows(name, x) : undefined;
}

/** The values of some rows of a column, in an array of its type: models are trained in float32 where all columns are. */
export function takeValues(column: ArrayLike<unknown>, rows: ArrayLike<number>): ArrayLike<unknown> {
  if (!isTypedArray(column)) return Array.from(rows, (row) => column[row]);
  const taken = allocate(column.constructor as new (length: number) => unknown[], rows.length);
  for (let i = 0; i < rows.length; i++) taken[i] = column[rows[i]];
  return taken;
}

/** The rows of a table, of which some are taken as arrays take them. */
export class TableRows {
  readonly length: number;
  readonly shape: readonly number[];
  readonly #table: Table;

  constructor(name: string, table: Table) {
    const { n, width } = readFrame(name, table);
    this.#table = table;
    this.length = n;
    this.shape = [n, width];
  }

  /** A table of these rows: of records an array of them, else a record of columns. */
  take(rows: NDArray): Table {
    const table = this.#table as unknown;
    if (Array.isArray(table)) return Array.from(rows.data, (row) => table[row]);
    const frame = readFrame('table', this.#table);
    const columns = frame.names?.map((name, k) => [name, takeValues(frame.column(k), rows.data)]);
    return Object.fromEntries(columns ?? []);
  }
}
