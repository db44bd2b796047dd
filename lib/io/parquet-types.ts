import { isUtf8 } from 'node:buffer';
import type { SchemaElement } from './parquet-file.js';

/** Of numbers NaN, of others null where a value is missing. An integer beyond 2^53 is Infinity. */
export type Values = Float64Array | (string | null)[] | (boolean | null)[] | (Date | null)[];

/** What helps against a column that no table can have. */
export const READ_OTHERS = '; the option columns (--columns, --drop) reads others';

/** A value that no column of a table can have. */
export class Unfit extends Error {}

/** As they lie in the file. */
export type Raw = Float64Array | BigInt64Array | boolean[] | Uint8Array[];

/** How the values of a column are made of those in the file. */
export interface ColumnType {
  readonly element: SchemaElement;
  /** Integers of 64 bits that are to be numbers. */
  readonly isLong: boolean;
  convert(raw: Raw): Values;
}

/** @returns the type, or what the column holds that no column of a table can */
export function typeOf(element: SchemaElement): ColumnType | string {
  const { type, num_children, repetition_type, converted_type, logical_type } = element;
  const name = logical_type?.type ?? converted_type ?? '';
  if (repetition_type === 'REPEATED' || /^LIST$/.test(name)) return 'lists';
  if (/^MAP/.test(name)) return 'maps';
  if (num_children) return 'records';
  const made = (convert: (raw: Raw) => Values, isLong = false): ColumnType => ({ element, convert, isLong });
  if (type === 'BOOLEAN') return made((raw) => raw as boolean[]);
  if (name === 'DECIMAL' || converted_type === 'DECIMAL') return made(decimals(element), scaleOf(element) === 0);
  if (name === 'DATE') return made((raw) => Array.from(raw as Float64Array, (days) => dateOf(days * 86_400_000)));
  if (/^TIMESTAMP/.test(name)) return made(instants(logical_type?.unit ?? name.slice(10)));
  if (type === 'INT96') return made((raw) => (raw as Uint8Array[]).map(int96));
  if (/^TIME/.test(name)) return 'times of a day';
  if (/^(INTERVAL|BSON|GEOMETRY|GEOGRAPHY|VARIANT|FILE)$/.test(name)) return `values of the type ${name}`;
  if (name === 'FLOAT16') return made((raw) => Float64Array.from(raw as Uint8Array[], float16));
  if (name === 'UUID') return made((raw) => (raw as Uint8Array[]).map(uuid));
  if (type === 'BYTE_ARRAY') return made((raw) => (raw as Uint8Array[]).map(text));
  if (type === 'FIXED_LEN_BYTE_ARRAY') return 'bytes';
  const unsigned = /^UINT/.test(name) || (logical_type as { isSigned?: boolean })?.isSigned === false;
  if (type === 'INT64') return made((raw) => Float64Array.from(raw as BigInt64Array, unsigned ? natural : safe), true);
  if (type === 'INT32' && unsigned) return made((raw) => (raw as Float64Array).map((v) => (v < 0 ? v + 2 ** 32 : v)));
  return made((raw) => raw as Float64Array);
}

const safe = (value: bigint): number =>
  Number.isSafeInteger(Number(value)) ? Number(value) : Number.POSITIVE_INFINITY;
const natural = (value: bigint): number => safe(BigInt.asUintN(64, value));

const scaleOf = ({ scale, logical_type }: SchemaElement): number => logical_type?.scale ?? scale ?? 0;

/** As the text of the number is read: a quotient of exact numbers is rounded once. Without decimals it is an integer as others are. */
function decimals(element: SchemaElement): (raw: Raw) => Float64Array {
  const scale = scaleOf(element);
  const power = 10 ** scale;
  const decimal = (value: bigint | number) => {
    if (scale === 0) return safe(BigInt(value));
    return scale <= 22 && Number.isSafeInteger(Number(value)) ? Number(value) / power : Number(`${value}e-${scale}`);
  };
  return (raw) => {
    if (raw instanceof Float64Array) return raw.map(decimal);
    if (raw instanceof BigInt64Array) return Float64Array.from(raw, decimal);
    return Float64Array.from(raw as Uint8Array[], (bytes) => decimal(integer(bytes)));
  };
}

/** Two's complement, the high byte first. */
function integer(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(8 * bytes.length, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

const PER_MILLISECOND: Readonly<Record<string, bigint>> = { MILLIS: 1n, MICROS: 1000n, NANOS: 1_000_000n };

function instants(unit: string): (raw: Raw) => Date[] {
  const per = PER_MILLISECOND[unit];
  return (raw) => Array.from(raw as BigInt64Array, (value) => dateOf(Number(floorOf(value, per))));
}

/** JavaScript counts 270,000 years. */
function dateOf(instant: number): Date {
  if (Math.abs(instant) <= 8.64e15) return new Date(instant);
  throw new Unfit('holds a time beyond those of a Date');
}

const floorOf = (value: bigint, by: bigint) => value / by - (value % by < 0n ? 1n : 0n);

/** Of Impala and old Spark: nanoseconds of a day, and the Julian day. */
function int96(bytes: Uint8Array): Date {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 12);
  const days = view.getUint32(8, true) - 2_440_588;
  return dateOf(days * 86_400_000 + Number(view.getBigInt64(0, true) / 1_000_000n));
}

function float16(bytes: Uint8Array): number {
  const bits = bytes[0] | (bytes[1] << 8);
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

const uuid = (bytes: Uint8Array) =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');

function text(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new Unfit('holds bytes that are no text in UTF-8');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
