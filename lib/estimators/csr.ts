import { allocate } from '../allocate.js';
import { type ArrayInput, asArray, NDArray, toMatrix } from '../array.js';
import { checkInteger, failure, wrongType, wrongValue } from '../check.js';
import { isPlain } from '../kind.js';

/**
 * A matrix of which only the values that are not 0 are stored: SciPy's `csr_matrix`, field by field. The values of row i
 * are `data[k]` in the columns `indices[k]`, for k from `indptr[i]` to `indptr[i + 1]`; the order within a row does not
 * matter, and values of the same place are added up.
 */
export interface CSRMatrix {
  /** [stored values]; a Float32Array makes a float32 matrix */
  data: ArrayInput;
  /** [stored values], integers in [0, columns) */
  indices: ArrayInput;
  /** [rows + 1], from 0 on, not falling, at most the number of stored values */
  indptr: ArrayInput;
  /** [rows, columns] */
  shape: readonly number[];
}

/** What estimators take as x: [n, features], dense or sparse. */
export type Features = ArrayInput | CSRMatrix;

/** Whether x is given as what is stored of it. */
export const isSparse = (x: unknown): x is CSRMatrix =>
  typeof x === 'object' && x !== null && !Array.isArray(x) && !ArrayBuffer.isView(x) && 'indptr' in x;

/** Where values of x are stored, each place once. */
export function storedIn(x: CSRMatrix): { readonly indptr: readonly number[]; readonly indices: readonly number[] } {
  const [from, columns] = [asArray('x.indptr', x.indptr).data, asArray('x.indices', x.indices).data];
  const [indptr, indices] = [[0], [] as number[]];
  for (let i = 1; i < from.length; i++) {
    for (const column of new Set<number>(columns.subarray(from[i - 1], from[i]))) indices.push(column);
    indptr.push(indices.length);
  }
  return { indptr, indices };
}

/** Columns or a row of a table by name, where arrays of other libraries have their `data`. */
const isRecord = (x: unknown): boolean => isPlain(x) && !('data' in x) && !isSparse(x);

/** x as an array in which every value is stored, or as it is where it is one. @throws TypeError for records of a table */
export function dense(name: string, x: Features): ArrayInput {
  if (isRecord(x) || (Array.isArray(x) && isRecord(x[0])))
    throw wrongType(name, 'an array of numbers (a Pipeline with a ColumnTransformer takes a table)', x);
  return isSparse(x) ? withZeros(name, readSparse(name, x)) : x;
}

/** Sparse rows of which some are taken, as of arrays. */
export class SparseRows {
  readonly length: number;
  readonly shape: readonly [rows: number, columns: number];
  readonly #stored: Stored;

  /** @throws TypeError or RangeError, in one sentence, for what is no sparse matrix */
  constructor(name: string, x: CSRMatrix) {
    this.#stored = readSparse(name, x);
    this.shape = this.#stored.shape;
    this.length = this.shape[0];
  }

  /** A sparse matrix of these rows: a copy. */
  take(rows: NDArray): CSRMatrix {
    const { values, indices, indptr, shape } = this.#stored;
    const taken = allocate(Int32Array, rows.size + 1);
    rows.data.forEach((row: number, i: number) => {
      taken[i + 1] = taken[i] + indptr.data[row + 1] - indptr.data[row];
    });
    const data = allocate(values.data.constructor as Float64ArrayConstructor, taken[rows.size]);
    const columns = allocate(Int32Array, taken[rows.size]);
    rows.data.forEach((row: number, i: number) => {
      const [from, to] = [indptr.data[row], indptr.data[row + 1]];
      data.set(values.data.subarray(from, to), taken[i]);
      columns.set(indices.data.subarray(from, to), taken[i]);
    });
    return { data, indices: columns, indptr: taken, shape: [rows.size, shape[1]] };
  }
}

interface Stored {
  readonly values: NDArray;
  readonly indices: NDArray;
  readonly indptr: NDArray;
  readonly shape: readonly [rows: number, columns: number];
}

function readSparse(name: string, x: CSRMatrix): Stored {
  const { shape, ...parts } = { data: x.data, indices: x.indices, indptr: x.indptr, shape: x.shape };
  if (!Array.isArray(shape)) throw wrongType(`${name}.shape`, 'an array [rows, columns]', shape);
  if (shape.length !== 2) throw wrongValue(`${name}.shape`, 'an array [rows, columns]', shape);
  const [rows, columns] = shape.map((length, axis) => checkInteger(`${name}.shape[${axis}]`, length, 1));
  const values = list(`${name}.data`, parts.data);
  const indices = list(`${name}.indices`, parts.indices);
  const indptr = list(`${name}.indptr`, parts.indptr);
  if (indices.length !== values.length)
    throw new RangeError(
      `Expected ${name}.indices to hold ${values.length} numbers, as data does, got ${indices.length}`,
    );
  if (indptr.length !== rows + 1)
    throw new RangeError(
      `Expected ${name}.indptr to hold ${rows + 1} numbers, one more than rows, got ${indptr.length}`,
    );
  if (indptr.data[0] !== 0) throw wrongValue(`${name}.indptr[0]`, '0', indptr.data[0]);
  for (let i = 1; i <= rows; i++) {
    const [from, to] = [indptr.data[i - 1], indptr.data[i]];
    if (!Number.isInteger(to) || to < from || to > values.length)
      throw wrongValue(`${name}.indptr[${i}]`, `an integer from ${from} to ${values.length}`, to);
  }
  const stored = indptr.data[rows];
  for (let k = 0; k < stored; k++) {
    const column = indices.data[k];
    if (!Number.isInteger(column) || column < 0 || column >= columns)
      throw wrongValue(`${name}.indices[${k}]`, `a column below ${columns}`, column);
  }
  return { values, indices, indptr, shape: [rows, columns] };
}

function withZeros(name: string, { values, indices, indptr, shape: [rows, columns] }: Stored): NDArray {
  const matrix = zeros(name, rows, columns, values.dtype === 'float32');
  for (let i = 0; i < rows; i++)
    for (let k = indptr.data[i]; k < indptr.data[i + 1]; k++)
      matrix.data[i * columns + indices.data[k]] += values.data[k];
  return toMatrix(name, matrix);
}

function list(name: string, values: ArrayInput): NDArray {
  const array = asArray(name, values);
  if (array.ndim !== 1)
    throw new RangeError(`Expected ${name} to have 1 dimension, got shape [${array.shape.join(', ')}]`);
  return array;
}

function zeros(name: string, rows: number, columns: number, float32: boolean): NDArray {
  try {
    return NDArray.zeros([rows, columns], float32 ? 'float32' : 'float64');
  } catch (error) {
    const message = `Expected ${name} to fit in memory with every value stored, got shape [${rows}, ${columns}]`;
    throw failure('ERR_MEMORY', message, { cause: error });
  }
}
