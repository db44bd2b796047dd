import { type ArrayInput, asArray, checkFinite, NDArray } from '../array.js';
import { twiceIn, wrongType, wrongValue } from '../check.js';
import { dense, type Features, isSparse } from '../estimators/csr.js';
import { isForeignArray } from '../foreign-arrays.js';
import { toNumber } from '../io/cells.js';
import { hasMethods, isFloat32Array, isFloat64Array, isNDArray, isPlain, isTypedArray, property } from '../kind.js';

/** A row whose type is an interface, which has no index signature: values by column, no array. */
type TypedRow = object & { readonly [Symbol.iterator]?: never };

/**
 * A table: a record of columns, an array of records (rows), a Table of Apache Arrow, or a DataFrame of Polars. Missing values are
 * null, undefined, NaN and ''. Of what has no names, a matrix or an array of rows, columns are told by their numbers.
 */
export type Table =
  | Readonly<Record<string, ArrayLike<unknown>>>
  | readonly (Readonly<Record<string, unknown>> | TypedRow)[]
  | { readonly schema: { readonly fields: readonly { readonly name: string }[] }; getChild(name: any): unknown };

/** Sparse rows are a matrix: all of their values are stored. */
export type TableInput = Table | Features | readonly (readonly unknown[])[];

/** Is there no value? */
export const isMissing = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === '' ||
  (typeof value === 'number' && Number.isNaN(value)) ||
  (isDate(value) && Number.isNaN(value.getTime()));

/** A Date, of any realm. */
export const isDate = (value: unknown): value is Date =>
  typeof value === 'object' && Object.prototype.toString.call(value) === '[object Date]';

type Column = ArrayLike<unknown>;

/** What a column holds: numbers, booleans or dates alone, or else text. */
export const COLUMN_KINDS = ['number', 'boolean', 'date', 'text'] as const;
export type ColumnKind = (typeof COLUMN_KINDS)[number];

/** Columns of equal length, as transformers hand them on: a matrix of numbers, or columns of any values. */
export class Frame {
  readonly names: readonly string[] | undefined;
  readonly n: number;
  readonly width: number;
  readonly #columns: Column[];
  readonly #matrix: NDArray | undefined;

  private constructor(n: number, width: number, columns: Column[], names?: readonly string[], matrix?: NDArray) {
    this.n = n;
    this.width = width;
    this.#columns = columns;
    this.#matrix = matrix;
    this.names = names;
  }

  /** @param matrix [n, columns] */
  static ofMatrix(matrix: NDArray, names?: readonly string[]): Frame {
    return new Frame(matrix.shape[0], matrix.shape[1], [], names, matrix);
  }

  static ofColumns(n: number, columns: readonly Column[], names?: readonly string[]): Frame {
    return new Frame(n, columns.length, [...columns], names);
  }

  /** Whether it is numbers of one type already. */
  get isMatrix(): boolean {
    return this.#matrix !== undefined;
  }

  /** The values of a column, as they came. */
  column(k: number): Column {
    const matrix = this.#matrix;
    if (matrix && !this.#columns[k]) {
      const values = isFloat32Array(matrix.data) ? new Float32Array(this.n) : new Float64Array(this.n);
      for (let i = 0; i < this.n; i++) values[i] = matrix.data[i * this.width + k];
      this.#columns[k] = values;
    }
    return this.#columns[k];
  }

  /** Of numbers, too, where there are no values at all. */
  kind(k: number): ColumnKind {
    const column = this.#matrix ?? this.#columns[k];
    if (isNDArray(column) || isTypedArray(column)) return 'number';
    const kinds = new Set<ColumnKind>();
    for (let i = 0; i < this.n && kinds.size < 2; i++) {
      const value = column[i];
      if (isMissing(value)) continue;
      if (typeof value === 'boolean') kinds.add('boolean');
      else if (typeof value === 'number' || typeof value === 'bigint') kinds.add('number');
      else kinds.add(isDate(value) ? 'date' : 'text');
    }
    if (kinds.size > 1) return 'text';
    const [kind = 'number'] = kinds;
    return kind;
  }

  /** What a column is called in a message. */
  nameOf(k: number): string {
    return this.names ? `the column '${this.names[k]}'` : `column ${k}`;
  }

  /** A column's numbers; NaN where a value is missing. @throws TypeError or RangeError with row and column for what is no finite number */
  numbers(k: number): Float64Array {
    const column = this.column(k);
    const numbers = new Float64Array(this.n);
    for (let i = 0; i < this.n; i++) {
      const value = column[i];
      numbers[i] = typeof value === 'number' ? value : this.#number(value, k, i);
      if (Math.abs(numbers[i]) === Number.POSITIVE_INFINITY)
        throw new RangeError(`Expected ${this.nameOf(k)} of x to hold finite numbers, got ${numbers[i]} at row ${i}`);
    }
    return numbers;
  }

  #number(value: unknown, k: number, row: number): number {
    if (isMissing(value)) return Number.NaN;
    if (typeof value === 'boolean') return Number(value);
    const number = typeof value === 'string' ? toNumber(value) : Number.NaN;
    if (!Number.isNaN(number)) return number;
    const what = `${this.nameOf(k)} of x at row ${row}`;
    if (isDate(value)) throw wrongType(what, 'a number (DatetimeEncoder makes numbers of dates)', value);
    if (typeof value === 'bigint') throw wrongValue(what, 'an integer within ±(2^53 - 1)', value);
    throw wrongType(
      what,
      typeof value === 'string' ? 'a number (OneHotEncoder makes numbers of text)' : 'a number',
      value,
    );
  }

  /**
   * All of it as a matrix of finite numbers, float64 unless all columns are float32; may share memory.
   * @throws RangeError with row and column where a value is missing
   */
  matrix(): NDArray {
    const given = this.#matrix;
    if (given) {
      checkFinite('x', given);
      return given.dtype === 'int32' ? NDArray.from(given, { dtype: 'float64' }) : given;
    }
    const matrix = this.#filled();
    const hole = matrix.data.findIndex(Number.isNaN);
    if (hole >= 0)
      throw new RangeError(
        `Expected ${this.nameOf(hole % this.width)} of x to have a value at row ${Math.floor(hole / this.width)}, got none (SimpleImputer fills missing values in)`,
      );
    return matrix;
  }

  /** What a transformer gives back: a matrix where all are numbers, else rows of values. */
  output(): NDArray | unknown[][] {
    if (this.#matrix) return this.#matrix;
    const isNumeric = this.#columns.every((column) => isTypedArray(column));
    if (isNumeric) return this.#filled();
    return Array.from({ length: this.n }, (_, i) => this.#columns.map((column) => column[i]));
  }

  /** Some of the columns, in this order. */
  select(columns: readonly number[]): Frame {
    if (columns.length === this.width && columns.every((k, place) => k === place)) return this;
    const names = this.names;
    return Frame.ofColumns(
      this.n,
      columns.map((k) => this.column(k)),
      names && columns.map((k) => names[k]),
    );
  }

  named(names: readonly string[]): Frame {
    return new Frame(this.n, this.width, this.#columns, names, this.#matrix);
  }

  /** The columns of all of them side by side: of matrices one, of float32 where all of them are. */
  static beside(frames: readonly Frame[], n: number): Frame {
    const names = frames.flatMap((frame) => frame.names ?? []);
    const matrices = frames.flatMap((frame) => frame.#matrix ?? []);
    if (matrices.length === frames.length) return Frame.ofMatrix(joined(matrices, n), names);
    const columns = frames.flatMap((frame) => Array.from({ length: frame.width }, (_, k) => frame.column(k)));
    return Frame.ofColumns(n, columns, names);
  }

  #filled(): NDArray {
    const isFloat32 = this.#columns.every((column) => isFloat32Array(column));
    const matrix = NDArray.zeros([this.n, this.width], isFloat32 ? 'float32' : 'float64');
    for (let k = 0; k < this.width; k++) {
      const numbers = this.numbers(k);
      for (let i = 0; i < this.n; i++) matrix.data[i * this.width + k] = numbers[i];
    }
    return matrix;
  }
}

function joined(matrices: readonly NDArray[], n: number): NDArray {
  const width = matrices.reduce((sum, { shape }) => sum + shape[1], 0);
  const all = NDArray.zeros([n, width], matrices.every(({ dtype }) => dtype === 'float32') ? 'float32' : 'float64');
  let first = 0;
  for (const { data, shape } of matrices) {
    const [, own] = shape;
    for (let i = 0; i < n; i++) for (let k = 0; k < own; k++) all.data[i * width + first + k] = data[i * own + k];
    first += own;
  }
  return all;
}

/** @throws TypeError or RangeError, in one sentence, for what is no table, or one of no rows */
export function readFrame(name: string, x: TableInput | Frame): Frame {
  if (hasMethods(x, 'column', 'nameOf', 'named')) return x as Frame; // it was read before
  const frame = isMatrix(x) || isSparse(x) ? ofArray(name, dense(name, x as Features)) : ofTable(name, x);
  if (frame.n === 0) throw noRows(name, `shape [0, ${frame.width}]`);
  if (frame.width === 0)
    throw new RangeError(`Expected ${name} to be a table with at least one column, got shape [${frame.n}, 0]`);
  return frame;
}

const noRows = (name: string, got: string) =>
  new RangeError(`Expected ${name} to be a table with at least one row, got ${got}`);

/** Numbers in an array, nested or typed, and in nothing else. */
export function isMatrix(x: unknown): boolean {
  if (isNDArray(x) || isTypedArray(x) || (isForeignArray(x) && !hasNamedColumns(x))) return true;
  if (!Array.isArray(x)) return false;
  return x.every(
    (row) =>
      typeof row === 'number' ||
      isTypedArray(row) ||
      (Array.isArray(row) && row.every((value) => typeof value === 'number' || Array.isArray(value))),
  );
}

function ofArray(name: string, x: ArrayInput): Frame {
  const array = asArray(name, x);
  if (array.shape[0] === 0) throw noRows(name, `shape [${array.shape.join(', ')}]`);
  if (array.ndim !== 2)
    throw new RangeError(`Expected ${name} to have 2 dimensions, got shape [${array.shape.join(', ')}]`);
  return Frame.ofMatrix(array);
}

/** A table of Arrow or of Polars, whose columns may be of any kind. */
export const hasNamedColumns = (x: unknown): boolean =>
  Array.isArray(property(x, 'columns'))
    ? hasMethods(x, 'getColumn')
    : property(x, 'schema') !== undefined && hasMethods(x, 'getChild');

const EXPECTED = 'a table: a record of columns, an array of rows, or a matrix';

/** Such as a query that gives its rows one by one, or a stream; its own properties are no columns. */
const isIterable = (x: object) => Symbol.iterator in x || Symbol.asyncIterator in x;

function ofTable(name: string, x: unknown): Frame {
  if (Array.isArray(x)) return x.every((row) => Array.isArray(row)) ? ofRows(name, x) : ofRecords(name, x);
  if (typeof x !== 'object' || x === null) throw wrongType(name, EXPECTED, x);
  if (isIterable(x) && !hasNamedColumns(x)) throw wrongType(name, `${EXPECTED} (rows of an iterable want an array)`, x);
  const { names, column } = reader(x);
  if (names.length === 0) throw isPlain(x) ? noRows(name, '{}') : wrongType(name, EXPECTED, x);
  const twice = twiceIn(names);
  if (twice >= 0) throw new RangeError(`Expected ${name} to have each column once, got '${names[twice]}' twice`);
  const columns = names.map((each) => readColumn(`${name}['${each}']`, column(each)));
  const other = columns.findIndex(({ length }) => length !== columns[0].length);
  if (other >= 0)
    throw new RangeError(
      `Expected the columns of ${name} to be of one length, got ${columns[0].length} values of '${names[0]}' and ${columns[other].length} of '${names[other]}'`,
    );
  return Frame.ofColumns(columns[0].length, columns, names);
}

/** What is used of a column's type in Apache Arrow. */
interface ArrowType {
  readonly scale?: number;
}

/** Times are milliseconds there, with fractions, and decimals integers of a scale, in words of 32 bits. */
function ofArrow(values: unknown[], type: ArrowType): unknown[] {
  if (/^(Timestamp|Date)/.test(String(type)))
    return values.map((v) => (typeof v === 'number' ? new Date(Math.floor(v)) : v));
  if (/^Decimal/.test(String(type)))
    return values.map((v) => (isMissing(v) ? v : Number(`${v}e${-(type.scale as number)}`)));
  return values;
}

const orNaN = (value: number | null): number => value ?? Number.NaN;

/** How columns are taken out of a table of a library: of Arrow, of Polars, or out of a record. */
function reader(x: object): { names: readonly string[]; column: (name: string) => unknown } {
  const fields = property(property(x, 'schema'), 'fields');
  if (Array.isArray(fields) && hasMethods(x, 'getChild')) {
    const { getChild } = x as { getChild(name: string): Iterable<unknown> };
    const types = new Map<string, ArrowType>(fields.map(({ name, type }) => [name, type]));
    return {
      names: fields.map((field: { name: string }) => field.name),
      column: (name) => {
        const vector = Reflect.apply(getChild, x, [name]) as Iterable<unknown> & {
          nullCount?: number;
          toArray?(): unknown;
        };
        const whole = vector.nullCount === 0 ? vector.toArray?.() : undefined;
        if (isFloat32Array(whole) || isFloat64Array(whole)) return whole;
        if (String(types.get(name)) === 'Float32') return Float32Array.from(vector as Iterable<number>, orNaN);
        return ofArrow(Array.from(vector), types.get(name) as ArrowType);
      },
    };
  }
  const columns = property(x, 'columns');
  if (Array.isArray(columns) && hasMethods(x, 'getColumn')) {
    const frame = x as { getColumn(name: string): { toArray(): unknown } };
    return { names: columns, column: (name) => frame.getColumn(name).toArray() };
  }
  return { names: Object.keys(x), column: (name) => (x as Record<string, unknown>)[name] };
}

function readColumn(name: string, values: unknown): Column {
  if (isNDArray(values)) {
    if (values.size !== values.shape[0])
      throw new RangeError(`Expected ${name} to hold one value a row, got shape [${values.shape.join(', ')}]`);
    return values.data;
  }
  if (Array.isArray(values) || isTypedArray(values)) return narrowed(values as Column);
  if (typeof values === 'object' && values !== null && Symbol.iterator in values)
    return narrowed(Array.from(values as Iterable<unknown>));
  throw wrongType(name, 'an array of values', values);
}

const isBigint = (value: unknown) => typeof value === 'bigint';

/** How decimals give their number: those of decimal.js, which Prisma has, big.js and bignumber.js, and those of DuckDB. */
const DECIMALS = ['toNumber', 'toDouble'] as const;

const methodOf = (value: unknown) => DECIMALS.find((method) => hasMethods(value, method));

/** Integers of 64 bits and decimals as the numbers that they are; integers beyond 2^53 stay, to be told where they are used. */
function narrowed(column: Column): Column {
  const isWide = Array.isArray(column)
    ? column.some((value) => isBigint(value) || methodOf(value))
    : isBigint(column[0]);
  if (!isWide) return column;
  return Array.from(column, (value) => {
    const method = methodOf(value);
    if (method) return (value as Record<typeof method, () => number>)[method]();
    return isBigint(value) && Number.isSafeInteger(Number(value)) ? Number(value) : value;
  });
}

function ofRows(name: string, rows: readonly (readonly unknown[])[]): Frame {
  const width = rows[0]?.length ?? 0;
  for (const [i, row] of rows.entries())
    if (row.length !== width)
      throw new RangeError(`Expected ${name}[${i}] to have ${width} values, as the rows before it, got ${row.length}`);
  const columns = Array.from({ length: width }, (_, k) => narrowed(rows.map((row) => row[k])));
  return Frame.ofColumns(rows.length, columns);
}

/** Columns in the order in which rows name them first; a row that lacks one has no value there. */
function ofRecords(name: string, rows: readonly unknown[]): Frame {
  const columns = new Map<string, unknown[]>();
  for (const [i, row] of rows.entries()) {
    if (typeof row !== 'object' || row === null || Array.isArray(row) || isTypedArray(row))
      throw wrongType(`${name}[${i}]`, 'a record of values by column', row);
    for (const [key, value] of Object.entries(row)) {
      const column = columns.get(key) ?? [];
      column[i] = value;
      columns.set(key, column);
    }
  }
  for (const column of columns.values()) column.length = rows.length;
  return Frame.ofColumns(rows.length, [...columns.values()].map(narrowed), [...columns.keys()]);
}
