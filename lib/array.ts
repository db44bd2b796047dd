import { inspect } from 'node:util';
import { argmaxAlong } from './array/argmax.js';
import { offsetAt, type SlicePart, slice } from './array/indexing.js';
import {
  allocateAs,
  checkAttached,
  checkWhole,
  copyOf,
  DTYPES,
  type DType,
  dtypeOf,
  type Flat,
  isNarrow,
  joined,
  type Numbers,
  readView,
  type TypedData,
  viewOf,
} from './array/memory.js';
import { readNested } from './array/nested.js';
import { checkShape, plural, position, product, resolveShape, wrongSize } from './array/shape.js';
import { formatArray } from './array-format.js';
import { checkAlone, checkInteger, checkOneOf, checkOptions, wrongType, wrongValue } from './check.js';
import { type ForeignArray, isForeignArray, readForeign } from './foreign-arrays.js';
import { brand, isFloat32Array, isNDArray } from './kind.js';

export type { SlicePart } from './array/indexing.js';
export type { DType, TypedData } from './array/memory.js';
export { position } from './array/shape.js';
export type { ForeignArray } from './foreign-arrays.js';

/** Nested arrays of numbers; the innermost arrays may be typed arrays. */
export type NestedArray = readonly number[] | readonly Flat[] | readonly NestedArray[];
/**
 * Everything that is accepted as an array. A typed array is one-dimensional, one of small integers (a Buffer, too) is read as int32, a
 * Float16Array as float32;
 * NDArrays in a list are stacked; arrays and tables of other libraries are told by their shape.
 */
export type ArrayInput = NDArray | NestedArray | readonly NDArray[] | Flat | ForeignArray;

/**
 * A dense array in row-major order, as NumPy's ndarray.
 *
 * `shape`, `dtype` and `data` are plain to read; `data` is the array's own memory, so writing to it changes the array.
 * `JSON.stringify` writes nested numbers; `NDArray.from` reads them again, and what `structuredClone` or a message of a
 * Worker makes of an array.
 */
export class NDArray {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: TypedData;

  static {
    brand(NDArray, 'NDArray');
  }

  private constructor(data: TypedData, shape: readonly number[], dtype: DType) {
    this.data = data;
    this.shape = shape;
    this.dtype = dtype;
  }

  /**
   * Copies numbers into a new array.
   *
   * @param x an NDArray or its structured clone, nested arrays of numbers, a typed array (one-dimensional), or an array or
   *   table of another library
   * @param options.shape the shape of the result, one entry may be -1; default: the shape of `x`
   * @param options.dtype default: that of `x`, where numbers are float64, arrays of Float32Arrays float32, and
   *   typed arrays of small integers int32
   * @throws TypeError if an element is not a number (null, for one, which JSON has for NaN) or a typed array was detached
   * @throws RangeError if the arrays are ragged, do not fit `shape`, or hold no 32-bit integers when dtype is 'int32'
   */
  static from(x: ArrayInput, options: { shape?: readonly number[]; dtype?: DType } = {}): NDArray {
    checkOptions('options', options, ['shape', 'dtype']);
    if (options.dtype !== undefined) checkOneOf('dtype', options.dtype, DTYPES);
    const given = readArray('x', x);
    const { dtype = given.dtype } = options;
    const array = dtype === given.dtype ? given : cast('x', given, dtype);
    const shape = options.shape === undefined ? array.shape : resolveShape(options.shape, array.size);
    // nested arrays and small integers were read into memory of their own
    const isOwn = array !== given || Array.isArray(x) || isNarrow(x);
    return new NDArray(isOwn ? array.data : copyOf(array.data, dtype), shape, dtype);
  }

  /**
   * An NDArray over `data` itself, with no copy.
   *
   * @throws TypeError if `data` is none of the three types, or was detached
   * @throws RangeError if `shape` does not hold `data.length` elements
   */
  static wrap(data: TypedData, shape?: readonly number[]): NDArray {
    const dtype = dtypeOf(data);
    if (dtype === undefined) throw wrongType('data', 'a Float64Array, Float32Array or Int32Array', data);
    checkAttached('data', data);
    const checked = checkShape(shape ?? [data.length]);
    if (product(checked) !== data.length) throw wrongSize('shape', checked, data.length);
    return new NDArray(data, checked, dtype);
  }

  /** @throws Error with code ERR_MEMORY if there is no room for so many numbers */
  static zeros(shape: readonly number[], dtype: DType = 'float64'): NDArray {
    checkOneOf('dtype', dtype, DTYPES);
    const checked = checkShape(shape);
    return new NDArray(allocateAs(dtype, product(checked)), checked, dtype);
  }

  get ndim(): number {
    return this.shape.length;
  }

  /** The number of rows: the length of axis 0 (as NumPy's `len`). @throws TypeError for an array of no dimension */
  get length(): number {
    if (this.shape.length === 0) throw wrongType('array', 'of one dimension or more', this);
    return this.shape[0];
  }

  /** The number of elements. */
  get size(): number {
    return product(this.shape);
  }

  /** The same memory under another shape; one entry may be -1. @throws RangeError if the number of elements differs */
  reshape(...shape: number[] | [readonly number[]]): NDArray {
    const wanted = (Array.isArray(shape[0]) ? shape[0] : shape) as readonly number[];
    return new NDArray(this.data, resolveShape(wanted, this.size), this.dtype);
  }

  /**
   * A new array of the given rows (elements along axis 0), as NumPy's `take(rows, axis=0)`: negative rows count from the
   * end, and the result's shape is `[...rows.shape, ...shape.slice(1)]`.
   *
   * @throws RangeError if a row is not an integer in [-length, length)
   */
  take(rows: ArrayInput): NDArray;
  take(rows: ArrayInput, ...others: unknown[]): NDArray {
    readArray('array', this);
    checkAlone('take', 1, others);
    const index = asArray('rows', rows);
    const [n, size] = [this.length, index.size];
    const width = product(this.shape.slice(1));
    const data = allocateAs(this.dtype, size * width);
    for (let i = 0; i < size; i++) {
      let row = index.data[i];
      if (!Number.isInteger(row) || row < -n || row >= n) throw wrongValue(`rows[${i}]`, `a row of ${n}`, row);
      if (row < 0) row += n;
      if (width < 16) for (let j = 0; j < width; j++) data[i * width + j] = this.data[row * width + j];
      else data.set(viewOf(this.data, this.dtype, row * width, width), i * width);
    }
    return NDArray.wrap(data, [...index.shape, ...this.shape.slice(1)]);
  }

  /**
   * A new array of a part: NumPy's basic slicing, `x.slice([2, null], -1, null)` for `x[2:, -1, :]`.
   *
   * @param parts one for each axis, from the first on, whole axes for those that are not named: a number takes one index
   *   and drops the axis; `null` takes all of it; `[start, stop, step]` what Python's `start:stop:step` does, each of them
   *   negative (from the end), null or left out. What lies beyond the ends is passed over.
   * @returns a copy of the same dtype
   * @throws RangeError naming the axis of an index out of range, or a step of 0
   */
  slice(...parts: readonly SlicePart[]): NDArray {
    const { data, dtype, shape } = readArray('array', this);
    return wrapped(slice(data, dtype, shape, parts));
  }

  /**
   * The number at these indices, one for each axis; negative ones count from the end.
   *
   * @throws RangeError naming the axis of an index out of range
   */
  at(...indices: readonly number[]): number {
    const { data, shape } = readArray('array', this);
    return data[offsetAt(shape, indices)];
  }

  /**
   * Where the largest number stands, as NumPy: the first of equals, or the first NaN.
   *
   * @param axis the axis to look along, from 0 or from the end by -1; default: all numbers in row-major order, as one
   * @returns along an axis int32 of the shape without it; else an index into `data`
   * @throws RangeError if there is nothing to choose from, or no such axis
   */
  argmax(): number;
  argmax(axis: number): NDArray;
  argmax(axis?: number): number | NDArray {
    const { data, shape } = readArray('array', this);
    if (axis === undefined) {
      if (data.length === 0) throw nothingToChoose('array', shape);
      return argmaxAlong(data, 1, data.length, 1)[0];
    }
    const given = checkInteger('axis', axis);
    if (given < -shape.length || given >= shape.length)
      throw wrongValue('axis', `an axis of shape [${shape.join(', ')}]`, axis);
    const at = given < 0 ? given + shape.length : given;
    if (shape[at] === 0) throw nothingToChoose(`axis ${at} of array`, shape);
    const [before, after] = [shape.slice(0, at), shape.slice(at + 1)];
    const best = argmaxAlong(data, product(before), shape[at], product(after));
    return NDArray.wrap(best, [...before, ...after]);
  }

  /**
   * The rows: numbers of an array of one dimension, else NDArrays that are views of this one's memory, as in NumPy. Typed as
   * `any`, since a type does not know the number of dimensions.
   *
   * @throws TypeError for an array of no dimension
   */
  *[Symbol.iterator](): Generator<any, void, undefined> {
    const { length, dtype, shape } = readArray('array', this);
    const rowShape = Object.freeze(shape.slice(1));
    const width = product(rowShape);
    for (let i = 0; i < length; i++) {
      const { data } = readArray('array', this);
      yield shape.length === 1 ? data[i] : new NDArray(viewOf(data, dtype, i * width, width), rowShape, dtype);
    }
  }

  /** Nested arrays of numbers. */
  toArray<T extends NestedArray | number = NestedArray>(): T {
    readArray('array', this);
    let level: unknown[] = Array.from(this.data);
    for (let axis = this.shape.length - 1; axis >= 1; axis--) {
      const width = this.shape[axis];
      const count = product(this.shape.slice(0, axis));
      level = Array.from({ length: count }, (_, i) => level.slice(i * width, (i + 1) * width));
    }
    return (this.shape.length === 0 ? level[0] : level) as T;
  }

  /** Nested numbers, for `JSON.stringify`: which writes NaN and Infinity as null, and no dtype. */
  toJSON(): NestedArray | number {
    return this.toArray<NestedArray | number>();
  }

  /** The text NumPy prints: 8 digits, aligned, with `...` in arrays of more than 1000 elements. */
  toString(): string {
    readArray('array', this);
    return formatArray(this.data, this.shape);
  }

  /** Text beside text; else JavaScript's operators are refused, which would make NaN of it. */
  [Symbol.toPrimitive](hint: string): string | number {
    if (hint !== 'number') return this.toString();
    if (this.ndim === 0) return this.data[0];
    const way = 'NDArray.from(x.data.map((v) => v / 2), { shape: x.shape })';
    throw new TypeError(
      `Expected an operator of JavaScript to be given numbers, got an NDArray (of all numbers: ${way})`,
    );
  }

  [inspect.custom](): string {
    const text = this.data.length === this.size ? this.toString() : '(its memory was transferred)';
    return `NDArray ${this.dtype} [${this.shape.join(', ')}]\n${text}`;
  }
}

/**
 * `x` as an NDArray, without a copy where it already is one or is a typed array of that dtype: the result may share
 * memory with `x`, and is for reading.
 */
export function asArray(name: string, x: ArrayInput, dtype?: DType): NDArray {
  if (dtype !== undefined) checkOneOf('dtype', dtype, DTYPES);
  const array = readArray(name, x);
  return dtype === undefined || dtype === array.dtype ? array : cast(name, array, dtype);
}

/**
 * `x` as a matrix fit for arithmetic: two dimensions, at least one row and column, no NaN or Infinity.
 * May share memory with `x`.
 */
export function toMatrix(name: string, x: ArrayInput, options: { dtype?: DType; look?: FirstNotFinite } = {}): NDArray {
  return checkArray(name, x, { ...options, ndim: 2 });
}

/**
 * `x` as an NDArray of at least one element, none of them NaN or Infinity. May share memory with `x`.
 *
 * @param options.ndim the number of dimensions to insist on
 * @param options.dtype the result's dtype; default: that of `x`
 * @param options.look what finds NaN and Infinity; default: a loop of JavaScript's
 */
export function checkArray(
  name: string,
  x: ArrayInput,
  options: { dtype?: DType; ndim?: number; look?: FirstNotFinite } = {},
): NDArray {
  const array = asArray(name, x);
  const { ndim, dtype, look } = options;
  if (array.size === 0) throw new RangeError(`Expected ${name} to hold data, got shape [${array.shape.join(', ')}]`);
  if (ndim !== undefined && array.ndim !== ndim)
    throw new RangeError(
      `Expected ${name} to have ${plural(ndim, 'dimension')}, got shape [${array.shape.join(', ')}]`,
    );
  checkFinite(name, array, array, look);
  if (dtype === undefined || dtype === array.dtype) return array;
  const converted = cast(name, array, dtype);
  if (dtype === 'float32') checkFinite(name, converted, array);
  return converted;
}

/** The index of the first value that is NaN or infinite, or -1. */
export type FirstNotFinite = (data: TypedData) => number;

export const firstNotFinite: FirstNotFinite = (data) => {
  // 0 * x sums to 0 unless there is one; in four sums, which do not wait for each other.
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  const whole = data.length - (data.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += data[i] * 0;
    b += data[i + 1] * 0;
    c += data[i + 2] * 0;
    d += data[i + 3] * 0;
  }
  for (let i = whole; i < data.length; i++) a += data[i] * 0;
  return a + b + c + d === 0 ? -1 : data.findIndex((x) => !Number.isFinite(x));
};

/** Refuses NaN and Infinity, naming the row and column. `original` holds the values before they were converted. */
export function checkFinite(name: string, array: NDArray, original: NDArray = array, look = firstNotFinite): void {
  const { data, dtype, shape } = array;
  if (dtype === 'int32') return;
  const i = look(data);
  if (i < 0) return;
  const what = original === array ? 'finite numbers' : `numbers within ${dtype}'s range`;
  throw new RangeError(`Expected ${name} to hold ${what}, got ${original.data[i]} at ${position(i, shape)}`);
}

/** The type that scikit-learn computes in for x: float32 where x holds nothing else, or float64. */
export function floatDType(x: ArrayInput): 'float64' | 'float32' {
  if (isNDArray(x)) return x.dtype === 'float32' ? 'float32' : 'float64';
  if (isForeignArray(x)) return floatDType(asArray('x', x));
  const rows: readonly unknown[] = Array.isArray(x) && x.length > 0 ? x : [x];
  return rows.every((row) => isFloat32Array(isNDArray(row) ? row.data : row)) ? 'float32' : 'float64';
}

/** The column of the largest value of every row (the first of equals, or of the first NaN, as NumPy): int32 [n]. */
export function argmaxRows(matrix: NDArray): NDArray {
  const [n, width] = matrix.shape;
  return NDArray.wrap(argmaxAlong(matrix.data, n, width, 1));
}

/** The smallest and the largest of any number of values: Infinity and -Infinity of none. */
export function extent(values: ArrayLike<number>): [low: number, high: number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return [low, high];
}

function readArray(name: string, x: unknown): NDArray {
  if (isNDArray(x)) return checkWhole(name, x);
  if (ArrayBuffer.isView(x)) return NDArray.wrap(readView(name, x));
  const numbers = Array.isArray(x) ? readNested(name, x) : readForeign(name, x);
  if (numbers === undefined) throw wrongType(name, 'an array of numbers', x);
  return wrapped(numbers);
}

const wrapped = ({ data, shape }: Numbers) => NDArray.wrap(data, shape);

function cast(name: string, array: NDArray, dtype: DType): NDArray {
  const { data, shape } = array;
  if (dtype === 'int32')
    for (let i = 0; i < data.length; i++)
      if ((data[i] | 0) !== data[i])
        throw new RangeError(`Expected ${name} to hold 32-bit integers, got ${data[i]} at ${position(i, shape)}`);
  return NDArray.wrap(copyOf(data, dtype), shape);
}

const nothingToChoose = (name: string, shape: readonly number[]) =>
  new RangeError(`Expected ${name} to hold numbers to choose from, got shape [${shape.join(', ')}]`);

/** Arrays of one dtype that differ along their first axis alone, one after the other; the array itself where it is the only one. */
export function concatenated(parts: readonly NDArray[]): NDArray {
  if (parts.length === 1) return parts[0];
  const rows = parts.reduce((sum, { shape }) => sum + shape[0], 0);
  return NDArray.wrap(joined(parts.map(({ data }) => data)), [rows, ...parts[0].shape.slice(1)]);
}
