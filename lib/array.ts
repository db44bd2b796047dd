import { inspect } from 'node:util';
import { allocate } from './allocate.js';
import { formatArray } from './array-format.js';
import { checkInteger, checkOneOf, checkOptions, wrongType, wrongValue } from './check.js';
import {
  brand,
  isFloat32Array,
  isFloat64Array,
  isInt32Array,
  isNDArray,
  isTypedArray,
  isUint8Array,
  typedArrayName,
} from './kind.js';

export type DType = 'float64' | 'float32' | 'int32';
/** The memory of an NDArray: one typed array in row-major order. */
export type TypedData = Float64Array | Float32Array | Int32Array;
type Flat = TypedData | Uint8Array;
/** Nested arrays of numbers; the innermost arrays may be typed arrays. */
export type NestedArray = readonly number[] | readonly Flat[] | readonly NestedArray[];
/** Everything that is accepted as an array. A typed array is one-dimensional, a Uint8Array is read as int32. */
export type ArrayInput = NDArray | NestedArray | Flat;

const TYPED = { float64: Float64Array, float32: Float32Array, int32: Int32Array } as const;
const IS = { float64: isFloat64Array, float32: isFloat32Array, int32: isInt32Array } as const;
const DTYPES = Object.keys(TYPED) as DType[];
/** NumPy's bound; nested arrays that hold themselves have no end. */
const MAX_DIMENSIONS = 64;

/**
 * A dense array in row-major order, as NumPy's ndarray.
 *
 * `shape`, `dtype` and `data` are plain to read; `data` is the array's own memory, so writing to it changes the array.
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
   * @param x an NDArray, nested arrays of numbers, or a typed array (one-dimensional)
   * @param options.shape the shape of the result, one entry may be -1; default: the shape of `x`
   * @param options.dtype default: that of `x`, where numbers are float64 and a Uint8Array is int32
   * @throws TypeError if an element is not a number or a typed array was detached
   * @throws RangeError if the arrays are ragged, do not fit `shape`, or hold no 32-bit integers when dtype is 'int32'
   */
  static from(x: ArrayInput, options: { shape?: readonly number[]; dtype?: DType } = {}): NDArray {
    checkOptions('options', options, ['shape', 'dtype']);
    const array = asArray('x', x, options.dtype);
    const shape = options.shape === undefined ? array.shape : resolveShape(options.shape, array.size);
    const shared = array === x || array.data === x;
    return new NDArray(shared ? copyOf(array.data, array.dtype) : array.data, shape, array.dtype);
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
    if (product(checked) !== data.length) throw wrongShape(checked, data.length);
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
  take(rows: ArrayInput): NDArray {
    readArray('array', this);
    const index = asArray('rows', rows);
    const n = this.length;
    const width = product(this.shape.slice(1));
    const data = allocateAs(this.dtype, index.size * width);
    // not of a class of the caller's, whose subarray may give anything
    const source = new TYPED[this.dtype](this.data.buffer as ArrayBuffer, this.data.byteOffset, this.data.length);
    for (let i = 0; i < index.size; i++) {
      let row = index.data[i];
      if (!Number.isInteger(row) || row < -n || row >= n) throw wrongValue(`rows[${i}]`, `a row of ${n}`, row);
      if (row < 0) row += n;
      if (width < 16) for (let j = 0; j < width; j++) data[i * width + j] = this.data[row * width + j];
      else data.set(source.subarray(row * width, (row + 1) * width), i * width);
    }
    return NDArray.wrap(data, [...index.shape, ...this.shape.slice(1)]);
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

  /** The text NumPy prints: 8 digits, aligned, with `...` in arrays of more than 1000 elements. */
  toString(): string {
    readArray('array', this);
    return formatArray(this.data, this.shape);
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
export function toMatrix(name: string, x: ArrayInput, options: { dtype?: DType } = {}): NDArray {
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
  if (ndim !== undefined && array.ndim !== ndim)
    throw new RangeError(
      `Expected ${name} to have ${plural(ndim, 'dimension')}, got shape [${array.shape.join(', ')}]`,
    );
  if (array.size === 0) throw new RangeError(`Expected ${name} to hold data, got shape [${array.shape.join(', ')}]`);
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
  let [a, b, c, d] = [0, 0, 0, 0];
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
  const rows: readonly unknown[] = Array.isArray(x) && x.length > 0 ? x : [x];
  return rows.every((row) => isFloat32Array(row)) ? 'float32' : 'float64';
}

/** The column of the largest value of every row (the first of equals, or of the first NaN, as NumPy): int32 [n]. */
export function argmaxRows(matrix: NDArray): NDArray {
  const [n, width] = matrix.shape;
  const { data } = matrix;
  const best = allocate(Int32Array, n);
  for (let i = 0; i < n; i++) {
    let at = i * width;
    for (let k = at + 1; k < (i + 1) * width && !Number.isNaN(data[at]); k++) if (!(data[k] <= data[at])) at = k;
    best[i] = at - i * width;
  }
  return NDArray.wrap(best);
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

/** `row 3`, `row 3, column 7` or `index [3, 0, 7]`: where the element number `i` of an array lies. */
export function position(i: number, shape: readonly number[]): string {
  if (shape.length === 1) return `row ${i}`;
  const index: number[] = [];
  for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return shape.length === 2 ? `row ${index[0]}, column ${index[1]}` : `index [${index.join(', ')}]`;
}

function readArray(name: string, x: unknown): NDArray {
  if (isNDArray(x)) {
    if (!Array.isArray(x.shape) || !DTYPES.includes(x.dtype) || !IS[x.dtype](x.data))
      throw wrongType(name, 'an array of numbers', x);
    if (x.data.length !== x.size) throw detached(name, x.data);
    return x;
  }
  if (ArrayBuffer.isView(x)) return NDArray.wrap(typed(name, x));
  if (Array.isArray(x)) return readNested(name, x);
  throw wrongType(name, 'an array of numbers', x);
}

function typed(name: string, x: ArrayBufferView): TypedData {
  checkAttached(name, x);
  if (isFloat64Array(x) || isFloat32Array(x) || isInt32Array(x)) return x;
  if (isUint8Array(x)) return copyOf(x, 'int32');
  throw wrongType(name, 'a Float64Array, Float32Array, Int32Array, Uint8Array or an array of numbers', x);
}

const dtypeOf = (data: unknown): DType | undefined => DTYPES.find((dtype) => IS[dtype](data));

/** An array whose memory is gone says that it is empty: its buffer was transferred, or shrank. */
export function checkAttached(name: string, x: ArrayBufferView): void {
  if (x.byteLength > 0 || !isTypedArray(x)) return;
  try {
    Uint8Array.prototype.keys.call(x as Uint8Array);
  } catch {
    throw detached(name, x);
  }
}

const detached = (name: string, x: ArrayBufferView) => {
  const why = x.byteLength === 0 ? 'it was transferred' : 'its buffer was resized';
  return new TypeError(`Expected ${name} to own its memory, got a detached ${typedArrayName(x)} (${why})`);
};

/** Zeros. @throws Error with code ERR_MEMORY if there is no room for them */
const allocateAs = <D extends DType>(dtype: D, size: number) =>
  allocate(TYPED[dtype] as new (size: number) => TypedData, size) as InstanceType<(typeof TYPED)[D]>;

function copyOf<D extends DType>(values: Flat, dtype: D): InstanceType<(typeof TYPED)[D]> {
  const copy = allocateAs(dtype, values.length);
  copy.set(values);
  return copy;
}

function readNested(name: string, x: readonly unknown[]): NDArray {
  const shape: number[] = [];
  for (let level: unknown = x; Array.isArray(level) || isTypedArray(level); level = level[0]) {
    if (shape.push(level.length) > MAX_DIMENSIONS) throw wrongType(name, `of at most ${MAX_DIMENSIONS} dimensions`, x);
  }
  const data = allocate(Float64Array, product(shape));
  let filled = 0;

  const read = (part: unknown, axis: number, path: string) => {
    const isArray = Array.isArray(part) || ArrayBuffer.isView(part);
    if (!isArray) throw wrongType(path, `an array of length ${shape[axis]}, as the ones before it are`, part);
    const values = ArrayBuffer.isView(part) ? typed(path, part) : part;
    if (values.length !== shape[axis])
      throw wrongValue(path, `an array of length ${shape[axis]}, as the ones before it are`, part);
    const leaf = axis === shape.length - 1;
    for (let i = 0; i < shape[axis]; i++) {
      const value = values[i];
      if (!leaf) read(value, axis + 1, `${path}[${i}]`);
      else if (typeof value === 'number') data[filled++] = value;
      else throw wrongType(`${path}[${i}]`, 'a number', value);
    }
  };
  read(x, 0, name);
  return NDArray.wrap(data, shape);
}

function cast(name: string, array: NDArray, dtype: DType): NDArray {
  const { data, shape } = array;
  if (dtype === 'int32')
    for (let i = 0; i < data.length; i++)
      if ((data[i] | 0) !== data[i])
        throw new RangeError(`Expected ${name} to hold 32-bit integers, got ${data[i]} at ${position(i, shape)}`);
  return NDArray.wrap(copyOf(data, dtype), shape);
}

function checkShape(shape: readonly number[]): readonly number[] {
  if (!Array.isArray(shape)) throw wrongType('shape', 'an array of integers', shape);
  return Object.freeze(Array.from(shape, (n, axis) => checkInteger(`shape[${axis}]`, n, 0)));
}

function resolveShape(shape: readonly number[], size: number): readonly number[] {
  if (!Array.isArray(shape)) throw wrongType('shape', 'an array of integers', shape);
  const known = Array.from(shape, (n, axis) => checkInteger(`shape[${axis}]`, n, -1)).filter((n) => n !== -1);
  if (known.length === shape.length) {
    if (product(shape) !== size) throw wrongShape(shape, size);
    return Object.freeze([...shape]);
  }
  const rest = size / product(known);
  if (known.length < shape.length - 1 || !Number.isInteger(rest)) throw wrongShape(shape, size);
  return Object.freeze(shape.map((n) => (n === -1 ? rest : n)));
}

const wrongShape = (shape: readonly number[], size: number) =>
  new RangeError(`Expected shape to hold ${plural(size, 'element')}, got [${shape.join(', ')}]`);

const plural = (n: number, noun: string) => `${n} ${noun}${n === 1 ? '' : 's'}`;

const product = (shape: readonly number[]) => {
  let size = 1;
  for (const n of shape) size *= n;
  return size;
};
