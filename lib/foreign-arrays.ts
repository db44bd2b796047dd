// Arrays and tables of other libraries, told by what they have, so that none of the libraries is a dependency.
import { allocate } from './allocate.js';
import { gather } from './array/indexing.js';
import {
  allocateAs,
  checkAttached,
  copyOf,
  DTYPES,
  type DType,
  IS,
  isHalves,
  isNarrow,
  type Numbers,
  type TypedData,
} from './array/memory.js';
import { MAX_DIMENSIONS, readNested } from './array/nested.js';
import { checkShape, plural, position, product, wrongSize } from './array/shape.js';
import { checkInteger, checkOneOf, cut, wrongType, wrongValue } from './check.js';
import {
  hasMethods,
  isFloat32Array,
  isFloat64Array,
  isInt32Array,
  isPlain,
  isTypedArray,
  property,
  typedArrayName,
} from './kind.js';

/** A column of apache-arrow: integers and floats, without nulls. */
export interface ArrowVector {
  readonly type: object;
  readonly length: number;
  readonly nullCount: number;
  get(index: number): unknown;
  toArray(): unknown;
}

/** A table or record batch of apache-arrow whose columns are all numbers: [rows, columns]. */
export interface ArrowTable {
  readonly schema: { readonly fields: readonly { readonly name: unknown }[] };
  readonly numRows: number;
  getChildAt(index: number): ArrowVector | null;
}

/** A column of nodejs-polars: integers and floats, without nulls. */
export interface PolarsSeries {
  readonly name: string;
  readonly dtype: unknown;
  nullCount(): number;
  toArray(): readonly unknown[];
}

/** A table of nodejs-polars whose columns are all numbers: [rows, columns]. */
export interface PolarsDataFrame {
  readonly columns: readonly string[];
  getColumns(): readonly PolarsSeries[];
}

/** A matrix of ml-matrix, or a view of one: float64 [rows, columns]. */
export interface MlMatrix {
  readonly rows: number;
  readonly columns: number;
  to2DArray(): readonly (readonly number[])[];
}

/** A matrix of mathjs, of any number of dimensions: float64. */
export interface MathMatrix {
  storage(): string | undefined;
  size(): readonly number[];
  toArray(): unknown;
}

/** An array of the package ndarray (scijs), with whatever strides. */
export interface StridedArray {
  readonly data: object;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  readonly offset: number;
}

/** An array of numjs, which holds one of ndarray. */
export interface NumjsArray {
  readonly selection: StridedArray;
  tolist(): unknown;
}

/** A tensor of TensorFlow.js; it is waited for. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  dataSync(): object;
}

/** What `structuredClone`, or a message to a Worker, makes of an NDArray. */
export interface ClonedArray {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: TypedData;
}

export type ForeignArray =
  | ArrowVector
  | ArrowTable
  | PolarsSeries
  | PolarsDataFrame
  | MlMatrix
  | MathMatrix
  | StridedArray
  | NumjsArray
  | Tensor
  | ClonedArray;

/** How the arrays of a library are told, and read. */
interface Kind<A> {
  is(x: object): boolean;
  read(name: string, x: A): Numbers;
}

const number = (x: object, key: string) => typeof property(x, key) === 'number';
const list = (x: unknown) => Array.isArray(x) || Number.isInteger(property(x, 'length'));
/** Old versions of ndarray have shapes that are no arrays, but objects with a length. */
const axes = (x: unknown) => list(x) && (property(x, 'length') as number) <= MAX_DIMENSIONS;

const arrowVector: Kind<ArrowVector> = {
  is: (x) => hasMethods(x, 'toArray', 'get') && number(x, 'nullCount') && typeof property(x, 'type') === 'object',
  read: (name, x) => {
    const data = arrowColumn(new Column(name), x);
    return { data, shape: [data.length] };
  },
};

const arrowTable: Kind<ArrowTable> = {
  is: (x) =>
    hasMethods(x, 'getChildAt') && number(x, 'numRows') && Array.isArray(property(property(x, 'schema'), 'fields')),
  read: (name, x) =>
    ofColumns(
      x.numRows,
      // by number, as several columns may have one name
      x.schema.fields.map((field, i) => arrowColumn(new Column(name, i, field.name), x.getChildAt(i) as ArrowVector)),
    ),
};

const polarsSeries: Kind<PolarsSeries> = {
  is: (x) => hasMethods(x, 'toArray', 'nullCount') && property(x, 'dtype') !== undefined,
  read: (name, x) => {
    const data = polarsColumn(new Column(name), x);
    return { data, shape: [data.length] };
  },
};

const polarsFrame: Kind<PolarsDataFrame> = {
  is: (x) => hasMethods(x, 'getColumns') && Array.isArray(property(x, 'columns')),
  read: (name, x) => {
    const columns = x.getColumns().map((series, i) => polarsColumn(new Column(name, i, series.name), series));
    // its own height is hidden where a column has that name
    return ofColumns(columns[0]?.length ?? 0, columns);
  },
};

const mlMatrix: Kind<MlMatrix> = {
  is: (x) => hasMethods(x, 'to2DArray') && number(x, 'rows') && number(x, 'columns'),
  read: (name, x) => {
    const { data } = readNested(name, x.to2DArray());
    const shape = [x.rows, x.columns];
    if (product(shape) !== data.length) throw wrongSize(`the shape of ${name}`, shape, data.length);
    return { data, shape };
  },
};

const mathMatrix: Kind<MathMatrix> = {
  is: (x) => hasMethods(x, 'storage', 'size', 'toArray'),
  read: (name, x) => readNested(name, x.toArray() as readonly unknown[]),
};

const stridedArray: Kind<StridedArray> = {
  is: (x) =>
    number(x, 'offset') && axes(property(x, 'stride')) && axes(property(x, 'shape')) && list(property(x, 'data')),
  read: readStrided,
};

const numjsArray: Kind<NumjsArray> = {
  is: (x) => {
    const held = hasMethods(x, 'tolist') && property(x, 'selection');
    return typeof held === 'object' && held !== null && stridedArray.is(held);
  },
  read: (name, x) => readStrided(name, x.selection),
};

const tensor: Kind<Tensor> = {
  is: (x) => hasMethods(x, 'dataSync') && typeof property(x, 'dtype') === 'string' && axes(property(x, 'shape')),
  read: (name, x) => {
    const shape = checkShape(x.shape, `${name}.shape`);
    const values = waitFor(name, x);
    if (product(shape) !== values.length) throw wrongSize(`${name}.shape`, shape, values.length);
    return { data: toTyped(values, new Column(name, shape)), shape };
  },
};

/** These three alone: a record of arrays by name may have one that is called data. */
const clonedArray: Kind<ClonedArray> = {
  is: (x) =>
    isPlain(x) &&
    typeof x.dtype === 'string' &&
    Array.isArray(x.shape) &&
    Object.keys(x).sort().join() === 'data,dtype,shape',
  read: (name, { shape: given, dtype, data }) => {
    checkOneOf(`${name}.dtype`, dtype, DTYPES);
    if (!IS[dtype](data)) throw wrongType(`${name}.data`, `the typed array of its dtype ${dtype}`, data);
    checkAttached(`${name}.data`, data);
    const shape = checkShape(given, `${name}.shape`);
    if (product(shape) !== data.length) throw wrongSize(`${name}.shape`, shape, data.length);
    return { data, shape };
  },
};

const KINDS: readonly Kind<any>[] = [
  tensor,
  stridedArray,
  numjsArray,
  clonedArray,
  arrowVector,
  arrowTable,
  polarsSeries,
  polarsFrame,
  mlMatrix,
  mathMatrix,
];

const kindOf = (x: unknown) =>
  typeof x === 'object' && x !== null && !Array.isArray(x) && !ArrayBuffer.isView(x)
    ? KINDS.find(({ is }) => is(x))
    : undefined;

/** Whether `readForeign` reads it, as far as can be told without reading it. */
export const isForeignArray = (x: unknown): x is ForeignArray => kindOf(x) !== undefined;

/**
 * The numbers of an array or table of another library, or nothing where it is none. May share memory with it.
 *
 * Floats keep their precision (Arrow's float16 is float32); integers are int32, or float64 where one does not fit. The
 * columns of a table are of one type, or float64.
 *
 * @throws TypeError naming row and column of a null and of what is no number, and the type of a column of something else
 * @throws RangeError naming row and column of an integer beyond 2^53
 */
export const readForeign = (name: string, x: unknown): Numbers | undefined => kindOf(x)?.read(name, x);

/** Where values stand, for messages. */
class Column {
  readonly #name: string;
  readonly #shape: readonly number[] | undefined;
  readonly #title: string;

  /** Of an array, or of one column of a table. */
  constructor(name: string, at?: number | readonly number[], title?: unknown) {
    this.#name = name;
    this.#shape = typeof at === 'number' ? undefined : at;
    this.#title = typeof at === 'number' ? `column ${at} ('${cut(String(title), 40)}')` : '';
  }

  /** The element number i. */
  place(i: number): string {
    const where = this.#shape ? position(i, this.#shape) : `row ${i}`;
    return `${this.#name} at ${where}${this.#title && `, ${this.#title}`}`;
  }

  /** The column as a whole. */
  toString(): string {
    return this.#title ? `${this.#title} of ${this.#name}` : this.#name;
  }
}

const NUMERIC = /^(?:U?Int|Float)(?:8|16|32|64)$/i;

function checkNumeric(column: Column, type: string): void {
  if (!NUMERIC.test(type)) throw new TypeError(`Expected ${column} to hold numbers, got ${cut(type, 40)}`);
}

const isNull = (value: unknown) => value === null || value === undefined;

function arrowColumn(column: Column, vector: ArrowVector): TypedData {
  const type = String(vector.type);
  checkNumeric(column, type);
  const { length } = vector;
  if (vector.nullCount > 0)
    for (let i = 0; i < length; i++) if (isNull(vector.get(i))) throw wrongType(column.place(i), 'a number', null);
  // whose toArray gives the bits
  if (type === 'Float16') return Float32Array.from({ length }, (_, i) => vector.get(i) as number);
  return toTyped(vector.toArray(), column);
}

function polarsColumn(column: Column, series: PolarsSeries): TypedData {
  // 'DataType(Float64)'; some types have others within
  const type = String(series.dtype).replace(/^DataType\((.*)\)$/, '$1');
  checkNumeric(column, type);
  const data = toTyped(series.toArray(), column, !/^float/i.test(type));
  return /^float32$/i.test(type) ? copyOf(data, 'float32') : data;
}

/** Columns side by side. */
function ofColumns(rows: number, columns: readonly TypedData[]): Numbers {
  const width = columns.length;
  const dtype = DTYPES.find((own) => width > 0 && columns.every((column) => IS[own](column))) ?? 'float64';
  const data = allocateAs(dtype, rows * width);
  for (let k = 0; k < width; k++) for (let i = 0; i < rows; i++) data[i * width + k] = columns[k][i];
  return { data, shape: [rows, width] };
}

/** Typed arrays of integers that an int32 may not hold. */
const WIDE = /^(?:Uint32|BigInt64|BigUint64)Array$/;

/** Numbers of whatever array: the array itself where it is one of ours. */
function toTyped(values: unknown, column: Column, integers = WIDE.test(typedArrayName(values) ?? '')): TypedData {
  if (isFloat64Array(values) || isFloat32Array(values) || isInt32Array(values)) {
    checkAttached(String(column), values);
    return values;
  }
  if (isNarrow(values)) return copyOf(values, 'int32');
  if (isHalves(values)) return copyOf(values, 'float32');
  if (!Array.isArray(values) && !isTypedArray(values)) throw wrongType(String(column), 'an array of numbers', values);
  const data = allocate(Float64Array, values.length);
  let isInt32 = integers;
  for (let i = 0; i < values.length; i++) {
    data[i] = toNumber(values[i], column, i, integers);
    isInt32 &&= (data[i] | 0) === data[i];
  }
  return isInt32 ? copyOf(data, 'int32') : data;
}

function toNumber(value: unknown, column: Column, i: number, isInteger: boolean): number {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw wrongType(column.place(i), 'a number', value);
  const number = Number(value);
  if ((isInteger || typeof value === 'bigint') && !Number.isSafeInteger(number))
    throw wrongValue(column.place(i), 'an integer within ±(2^53 - 1)', value);
  return number;
}

function waitFor(name: string, x: Tensor): ArrayLike<unknown> {
  let values: unknown;
  try {
    values = x.dataSync();
  } catch (cause) {
    const reason = cut(String(property(cause, 'message')), 200);
    throw new TypeError(`Expected ${name} to give its numbers, got the error '${reason}'`, { cause });
  }
  if (!isTypedArray(values) && !Array.isArray(values)) throw wrongType(`${name}.dataSync()`, 'a typed array', values);
  return values as ArrayLike<unknown>;
}

function readStrided(name: string, x: StridedArray): Numbers {
  const shape = checkShape(Array.prototype.slice.call(x.shape), `${name}.shape`);
  const stride = Array.prototype.slice.call(x.stride).map((n, axis) => checkInteger(`${name}.stride[${axis}]`, n));
  const offset = checkInteger(`${name}.offset`, x.offset, 0);
  if (stride.length !== shape.length)
    throw new RangeError(`Expected ${name}.stride to hold ${plural(shape.length, 'number')}, got ${stride.length}`);
  const values = x.data as ArrayLike<unknown>;
  const size = product(shape);
  let [lowest, highest] = [offset, offset];
  for (const [axis, n] of shape.entries()) {
    if (stride[axis] < 0) lowest += stride[axis] * (n - 1);
    else highest += stride[axis] * (n - 1);
  }
  if (size > 0 && (lowest < 0 || highest >= values.length))
    throw new RangeError(
      `Expected ${name} to lie within the ${values.length} elements of its data, got elements ${lowest} to ${highest}`,
    );
  const type = typedArrayName(values) as 'Float64Array' | undefined;
  const picked = type ? allocate(globalThis[type], size) : new Array<unknown>(size);
  gather(picked, values, offset, shape, stride);
  return { data: toTyped(picked, new Column(name, shape)), shape };
}
