import { endianness } from 'node:os';
import { TextDecoder } from 'node:util';
import { wrongShape, wrongType, wrongValue } from '../check.js';
import { typedArrayName } from '../kind.js';
import { type Path, writeFileAtomic } from './atomic.js';
import { bfloat16ToNumber, halfToNumber } from './half.js';
import { allocateBytes, damaged, quoted, readFully, readHead, sizes, sourceOf, swapBytes } from './read.js';
import { HeaderReader, LONE_SURROGATE, MAX_AXES } from './safetensors-header.js';

const TYPES = {
  F64: Float64Array,
  F32: Float32Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

/** Floats of 16 bits, which are read as float32, with the same values. Those of 8 bits and fewer are refused. */
const HALVES = { F16: halfToNumber, BF16: bfloat16ToNumber } as const;

type Half = keyof typeof HALVES;
export type SafetensorsDType = keyof typeof TYPES | Half;
const DTYPES = [...Object.keys(TYPES), ...Object.keys(HALVES)];
const isHalf = (dtype: SafetensorsDType): dtype is Half => Object.hasOwn(HALVES, dtype);
const widthOf = (dtype: SafetensorsDType) => (isHalf(dtype) ? 2 : TYPES[dtype].BYTES_PER_ELEMENT);
export type TensorData =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** A tensor in row-major order; its dtype is that of its typed array (of booleans, read only, 0 and 1 in bytes). An NDArray is one. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** The content of a safetensors file, in the order of its header. Maps, since the names are a stranger's. */
export interface Safetensors {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Map<string, string>;
}

interface Entry {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const LENGTH_BYTES = 8;
/** The reference implementation's bound. */
const MAX_HEADER = 100_000_000;
const METADATA = '__metadata__';

/**
 * Writes tensors to a file in the safetensors format (https://github.com/huggingface/safetensors), atomically: see
 * `writeFileAtomic`. The tensors' memory is read until the promise is settled.
 *
 * @param tensors pairs of a name and an NDArray, or `{ shape, data }`; the header keeps their order
 * @param metadata strings to keep beside them
 * @throws TypeError or RangeError for names that occur twice or are reserved, before anything is written
 */
export async function writeSafetensors(
  path: Path,
  tensors: Iterable<readonly [string, Tensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFileAtomic(path, formatSafetensors(tensors, metadata));
}

/** The bytes of a safetensors file, as chunks: the header, and then views of the tensors' own memory. */
export function formatSafetensors(
  tensors: Iterable<readonly [string, Tensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const entries = [...tensors].map(([name, { shape, data }]) => ({ name, dtype: dtypeOf(name, data), shape, data }));
  const names = new Set<string>([METADATA]);
  for (const { name, shape, data } of entries) {
    checkName('name', name);
    if (names.has(name)) throw wrongValue('name', 'unique among the tensors', name);
    names.add(name);
    if (!Array.isArray(shape) || !shape.every((n) => Number.isSafeInteger(n) && n >= 0) || shape.length > MAX_AXES)
      throw wrongType(`the shape of '${name}'`, `an array of at most ${MAX_AXES} non-negative integers`, shape);
    if (sizeOf(shape) !== data.length)
      throw wrongShape(`the shape of '${name}'`, `that of ${data.length} elements`, shape);
  }
  const fields: string[] = [];
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw wrongType(`metadata.${key}`, 'a string', value);
    checkName('metadata', key);
    checkText(`metadata.${key}`, value);
    fields.push(`${JSON.stringify(key)}:${JSON.stringify(value)}`);
  }
  // Wide elements come first, so that every tensor is aligned in the file.
  const stored = [...entries].sort((a, b) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const offsets = new Map<string, readonly [number, number]>();
  let end = 0;
  for (const { name, data } of stored) {
    offsets.set(name, [end, end + data.byteLength]);
    end += data.byteLength;
  }

  const header = entries.map(
    ({ name, dtype, shape }) =>
      `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: offsets.get(name) })}`,
  );
  if (fields.length > 0) header.unshift(`"${METADATA}":{${fields.join(',')}}`);
  const json = Buffer.from(`{${header.join(',')}}`);
  const padded = Math.ceil(json.length / LENGTH_BYTES) * LENGTH_BYTES;
  if (padded > MAX_HEADER) throw wrongValue('the header', `at most ${MAX_HEADER} bytes long`, padded);
  const head = Buffer.alloc(LENGTH_BYTES + padded, ' ');
  head.writeBigUInt64LE(BigInt(padded));
  json.copy(head, LENGTH_BYTES);
  return [head, ...stored.map(({ data }) => littleEndian(bytesOf(data), data.BYTES_PER_ELEMENT))];
}

/**
 * Reads a safetensors file. Everything is checked before memory for the tensors is taken, and that is never more than
 * the file's own size, floats of 16 bits apart, which become float32.
 *
 * @throws Error with code ERR_FORMAT and the reason if the file is damaged, truncated or no safetensors file,
 *   ERR_MEMORY if it does not fit into memory, or the file system's code (ENOENT …)
 */
export async function readSafetensors(path: string | URL): Promise<Safetensors> {
  const source = sourceOf(path);
  const { file, entries, metadata, body } = await openSafetensors(path);
  try {
    const tensors = new Map<string, Tensor>();
    for (const entry of entries) {
      const bytes = allocateBytes(entry.end - entry.begin, source);
      await readFully(file, bytes, body + entry.begin, source);
      tensors.set(entry.name, { shape: entry.shape, data: dataOf(entry, bytes, source) });
    }
    return { tensors, metadata };
  } finally {
    await file.close();
  }
}

/** A file that was opened, and what its header says; its data begin at `body`. */
export function openSafetensors(path: string | URL) {
  const source = sourceOf(path);
  return readHead(path, async (file, size) => {
    const prefix = new Uint8Array(Math.min(size, LENGTH_BYTES));
    await readFully(file, prefix, 0, source);
    const header = new Uint8Array(headerLength(prefix, size, source));
    await readFully(file, header, LENGTH_BYTES, source);
    const body = LENGTH_BYTES + header.length;
    return { body, ...parseHeader(header, size - body, source) };
  });
}

/**
 * Reads the bytes of a safetensors file; the tensors are copies.
 *
 * @param source what to call the bytes in an error message
 * @throws Error with code ERR_FORMAT and the reason
 */
export function parseSafetensors(bytes: Uint8Array, source = 'the bytes'): Safetensors {
  const length = headerLength(bytes, bytes.length, source);
  const body = bytes.subarray(LENGTH_BYTES + length);
  const { entries, metadata } = parseHeader(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length), body.length, source);
  const tensors = new Map<string, Tensor>();
  for (const entry of entries) {
    const bytes = allocateBytes(entry.end - entry.begin, source);
    bytes.set(body.subarray(entry.begin, entry.end));
    tensors.set(entry.name, { shape: entry.shape, data: dataOf(entry, bytes, source) });
  }
  return { tensors, metadata };
}

function headerLength(prefix: Uint8Array, size: number, source: string): number {
  if (size < LENGTH_BYTES) throw damaged(source, `it has ${size} bytes, too few for a safetensors file`);
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER)
    throw damaged(
      source,
      `its header would be ${length} bytes long, more than the ${MAX_HEADER} a safetensors file has`,
    );
  if (Number(length) > size - LENGTH_BYTES)
    throw damaged(source, `its header would be ${length} bytes long, but only ${size - LENGTH_BYTES} follow`);
  return Number(length);
}

/** Checks the whole header, against the number of bytes that follow it. */
function parseHeader(bytes: Uint8Array, bodySize: number, source: string) {
  const wrong = (reason: string) => damaged(source, reason);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw wrong('its header is not UTF-8');
  }
  const json = new HeaderReader(text, wrong);
  const metadata = new Map<string, string>();
  const entries: Entry[] = [];
  json.object((name) => {
    if (name === METADATA) json.object((key) => metadata.set(key, json.string()));
    else entries.push(readEntry(json, name, bodySize, wrong));
  });
  json.end();

  let covered = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin < covered) throw wrong(`tensor ${quoted(name)} overlaps another one`);
    if (begin > covered) throw wrong(`no tensor owns the ${begin - covered} bytes before ${quoted(name)}`);
    covered = end;
  }
  if (covered !== bodySize) throw wrong(`its tensors have ${covered} bytes, but ${bodySize} follow the header`);
  return { entries, metadata };
}

function readEntry(json: HeaderReader, name: string, bodySize: number, wrong: (reason: string) => Error): Entry {
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  json.object((key) => {
    if (key === 'dtype') dtype = json.string();
    else if (key === 'shape') shape = json.integers();
    else if (key === 'data_offsets') offsets = json.integers();
    else throw wrong(`tensor ${quoted(name)} has an unknown property ${quoted(key)}`);
  });
  if (dtype === undefined || !shape || !offsets)
    throw wrong(`tensor ${quoted(name)} has no ${dtype === undefined ? 'dtype' : shape ? 'data_offsets' : 'shape'}`);
  if (!DTYPES.includes(dtype))
    throw wrong(`tensor ${quoted(name)} has the dtype ${quoted(dtype)}, none of ${DTYPES.join(', ')}`);
  const type = dtype as SafetensorsDType;
  const [begin, end] = offsets;
  if (offsets.length !== 2 || begin > end || end > bodySize)
    throw wrong(
      `tensor ${quoted(name)} has data_offsets [${offsets}] outside the ${bodySize} bytes that follow the header`,
    );
  const bytes = sizeOf(shape) * widthOf(type);
  if (bytes !== end - begin)
    throw wrong(
      `tensor ${quoted(name)} of shape [${sizes(shape)}] and dtype ${dtype} does not fit its ${end - begin} bytes`,
    );
  return { name, dtype: type, shape: Object.freeze(shape), begin, end };
}

function checkName(what: string, name: string): void {
  if (typeof name !== 'string') throw wrongType(what, 'a string', name);
  if (name === METADATA || name === '__proto__') throw wrongValue(what, 'a name that is not reserved', name);
  checkText(what, name);
}

function checkText(what: string, text: string): void {
  if (LONE_SURROGATE.test(text)) throw wrongValue(what, 'Unicode, with no lone surrogate', text);
}

function dtypeOf(name: string, data: unknown): SafetensorsDType {
  const kind = typedArrayName(data);
  for (const [dtype, type] of Object.entries(TYPES)) if (kind === type.name) return dtype as SafetensorsDType;
  throw wrongType(`the data of '${name}'`, 'a typed array', data);
}

/** The number of elements; NaN where it is no exact number. */
function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const n of shape) {
    size *= n;
    if (!Number.isSafeInteger(size)) return Number.NaN;
  }
  return size;
}

/** The tensor in these bytes, which nobody else has. */
function dataOf({ dtype }: Entry, bytes: Uint8Array<ArrayBuffer>, source: string): TensorData {
  littleEndian(bytes, widthOf(dtype), true);
  if (dtype === 'BOOL') return new Uint8Array(bytes.buffer).map((byte) => (byte === 0 ? 0 : 1));
  if (!isHalf(dtype)) return new TYPES[dtype](bytes.buffer);
  const halves = new Uint16Array(bytes.buffer);
  const data = new Float32Array(allocateBytes(2 * bytes.length, source).buffer);
  const toNumber = HALVES[dtype];
  for (let i = 0; i < data.length; i++) data[i] = toNumber(halves[i]);
  return data;
}

const bytesOf = (data: TensorData) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** The bytes in the file's order (or, the same thing, back in the machine's); a copy unless `inPlace`. */
function littleEndian(bytes: Uint8Array, width: number, inPlace = false): Uint8Array {
  if (endianness() === 'LE' || width === 1) return bytes;
  const swapped = inPlace ? bytes : bytes.slice();
  swapBytes(swapped, width);
  return swapped;
}
