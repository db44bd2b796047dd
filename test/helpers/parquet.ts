// Parquet files of one column, made byte by byte: what no writer writes, too.
import { gzipSync } from 'node:zlib';

type Value = number | bigint | boolean | string | readonly Value[] | Fields;
/** Those of a struct, by their numbers. Numbers are of 32 bits, bigints of 64. */
interface Fields {
  readonly [id: number]: Value | undefined;
}

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);
const zigzag = (value: bigint) => varint(value < 0n ? -2n * value - 1n : 2n * value);

export function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 127n) + 128);
  }
}

function typeOf(value: Value): number {
  if (typeof value === 'boolean') return value ? 1 : 2;
  if (typeof value === 'object') return isList(value) ? 9 : 12;
  return { number: 5, bigint: 6, string: 8 }[typeof value as 'number' | 'bigint' | 'string'];
}

function body(value: Value): number[] {
  if (typeof value === 'boolean') return [];
  if (typeof value === 'string') return [...varint(value.length), ...Buffer.from(value)];
  if (typeof value === 'object')
    return isList(value) ? [16 * value.length + typeOf(value[0]), ...value.flatMap(body)] : struct(value);
  return zigzag(BigInt(value));
}

/** Thrift's compact protocol. */
function struct(fields: Fields): number[] {
  let last = 0;
  const bytes: number[] = [];
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    bytes.push(16 * (Number(key) - last) + typeOf(value), ...body(value));
    last = Number(key);
  }
  return [...bytes, 0];
}

const TYPES = { BOOLEAN: 0, INT32: 1, INT64: 2, DOUBLE: 5, BYTE_ARRAY: 6, FIXED: 7 };
const LOGICAL = { UUID: 14, FLOAT16: 15 };

export interface PageSpec {
  readonly isDictionary?: boolean;
  /** What its header declares. */
  readonly values: number;
  /** Default PLAIN */
  readonly encoding?: number;
  readonly bytes: Uint8Array;
}

export interface ColumnSpec {
  readonly type: keyof typeof TYPES;
  readonly length?: number;
  readonly logical?: keyof typeof LOGICAL;
  /** Of decimals. */
  readonly scale?: number;
  readonly isOptional?: boolean;
  readonly isText?: boolean;
  readonly isZipped?: boolean;
  /** The number that its compression has in the footer. Default: that of gzip, or of none */
  readonly codec?: number;
  /** How pages are compressed. Default: by gzip, or not at all */
  readonly zip?: (bytes: Uint8Array) => Uint8Array;
  readonly rows: number;
  /** 'b', 'c' …, of the same pages, beside it. */
  readonly others?: readonly string[];
  readonly pages: readonly PageSpec[];
}

/** A file of the column 'a', and of others. */
export function parquetOf(spec: ColumnSpec): Uint8Array {
  const {
    type,
    length,
    logical,
    scale,
    isOptional = false,
    isText,
    isZipped = false,
    codec = isZipped ? 2 : 0,
    zip,
    rows,
    pages,
    others = [],
  } = spec;
  const chunk = Buffer.concat(
    pages.map(({ isDictionary = false, values, encoding = 0, bytes }) => {
      const stored = zip ? zip(bytes) : isZipped ? gzipSync(bytes) : bytes;
      const head = struct({
        ...{ 1: isDictionary ? 2 : 0, 2: bytes.length, 3: stored.length },
        ...(isDictionary ? { 7: { 1: values, 2: 0 } } : { 5: { 1: values, 2: encoding, 3: 3, 4: 3 } }),
      });
      return Buffer.concat([Buffer.from(head), stored]);
    }),
  );
  const size = BigInt(chunk.length);
  const names = ['a', ...others];
  const elements = names.map((name) => ({
    ...{ 1: TYPES[type], 2: length, 3: Number(isOptional), 4: name },
    ...{ 6: isText ? 0 : scale === undefined ? undefined : 5, 7: scale, 8: scale === undefined ? undefined : 4 },
    10: logical && { [LOGICAL[logical]]: {} },
  }));
  const common = { 1: TYPES[type], 2: [0], 4: codec, 5: BigInt(rows), 6: size, 7: size, 9: 4n };
  const chunks = names.map((name) => ({ 2: 4n, 3: { ...common, 3: [name] } }));
  const group = { 1: chunks, 2: size, 3: BigInt(rows) };
  const schema = [{ 4: 'schema', 5: names.length }, ...elements];
  const footer = Buffer.from(struct({ 1: 1, 2: schema, 3: BigInt(rows), 4: [group] }));
  const end = Buffer.alloc(4);
  end.writeUInt32LE(footer.length);
  return Buffer.concat([Buffer.from('PAR1'), chunk, footer, end, Buffer.from('PAR1')]);
}
