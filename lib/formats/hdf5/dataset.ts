import { inflateSync } from 'node:zlib';
import { halfToNumber } from '../../io/half.js';
import type { Cursor, FileBytes } from './cursor.js';
import { countOf, type Datatype, readDataspace, readDatatype } from './datatype.js';
import { MESSAGE, type Message } from './object-header.js';

/** An array of numbers: float32 those of 16 and 32 bits, float64 those of 64 and integers. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly isInteger: boolean;
  readonly data: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
}

export interface DatasetHead {
  readonly shape: readonly number[];
  readonly type: Datatype;
  readonly layout: Cursor;
  readonly filters: readonly number[];
}

/** What an object's messages say of it as a dataset; undefined if it is none. */
export function datasetHead(file: FileBytes, messages: readonly Message[]): DatasetHead | undefined {
  const find = (type: number) => {
    const message = messages.find((own) => own.type === type);
    if (message?.isShared) throw file.wrong('has a type that is shared by several datasets');
    return message?.body;
  };
  const [space, type, layout] = [MESSAGE.dataspace, MESSAGE.datatype, MESSAGE.layout].map(find);
  if (!space || !type || !layout) return undefined;
  const shape = readDataspace(space);
  const filters = find(MESSAGE.filters);
  return {
    shape: shape ?? [0],
    type: readDatatype(type),
    layout,
    filters: filters ? readFilters(filters) : [],
  };
}

export function readNumbers(file: FileBytes, head: DatasetHead): Numbers {
  const { shape, type } = head;
  file.forget();
  if (type.kind !== 'float' && type.kind !== 'integer') throw file.wrong('has strings where numbers are to be');
  return { shape, isInteger: type.kind === 'integer', data: decoded(readBytes(file, head), type, countOf(shape)) };
}

function readBytes(file: FileBytes, { shape, type, layout: whole, filters }: DatasetHead): Uint8Array {
  const layout = whole.copy();
  const size = countOf(shape) * type.size;
  const version = layout.u8();
  if (version !== 3 && version !== 4) throw file.wrong(`has a layout of version ${version}, not 3 or 4`);
  const kind = layout.u8();
  if (kind === 2 && version === 3) return readChunks(file, { shape, type, layout, filters }, size);
  if (kind === 2) throw file.wrong('has chunks of the latest versions of HDF5: write it with libver earliest');
  const place = kind === 0 ? undefined : layout.address();
  const stored = kind === 0 ? layout.u16() : layout.u64();
  if (kind > 1 || (size > 0 && (stored !== size || (kind === 1 && place === undefined))))
    throw file.wrong(`has an array of ${size} bytes that are not there`);
  file.spend(size);
  return kind === 0 ? layout.bytes(size) : file.slice(place ?? 0, size);
}

const DEFLATE = 1;
const SHUFFLE = 2;
const FLETCHER32 = 3;
/** Deflate makes nothing smaller than this: 258 bytes from 2 bits. */
const DEFLATE_RATIO = 1032;

function readFilters(body: Cursor): number[] {
  const version = body.u8();
  const count = body.u8();
  if (version === 1) body.skip(6);
  return Array.from({ length: count }, () => {
    const id = body.u16();
    const nameLength = version === 1 || id >= 256 ? body.u16() : 0;
    const values = body.skip(2).u16();
    body.skip(version === 1 ? nameLength + (-nameLength & 7) : nameLength);
    body.skip(4 * values + (version === 1 && values % 2 === 1 ? 4 : 0));
    if (![DEFLATE, SHUFFLE, FLETCHER32].includes(id))
      throw body.file.wrong(`has an array that is compressed by the filter ${id}, not by gzip`);
    return id;
  });
}

interface Chunk {
  readonly place: number;
  readonly stored: number;
  readonly mask: number;
  readonly at: readonly number[];
}

function readChunks(file: FileBytes, head: DatasetHead, size: number): Uint8Array {
  const { shape, type, layout, filters } = head;
  const rank = shape.length;
  if (layout.u8() !== rank + 1) throw file.wrong('has chunks of another number of dimensions than their array');
  const tree = layout.address();
  const extent = shape.map(() => layout.u32());
  const chunkBytes = countOf(extent) * type.size;
  const wanted = countOf(shape.map((n, axis) => Math.ceil(n / Math.max(1, extent[axis]))));
  const chunks = tree === undefined ? [] : findChunks(file, tree, rank);
  if (chunks.length !== wanted) throw file.wrong(`has ${chunks.length} chunks of an array of ${wanted}`);
  for (const { stored, mask } of chunks) {
    file.spend(stored);
    const isPacked = filters.some((id, k) => id === DEFLATE && !(mask & (1 << k)));
    if (isPacked ? chunkBytes > DEFLATE_RATIO * stored : stored < chunkBytes)
      throw file.wrong(`has a chunk of ${chunkBytes} bytes in ${stored}`);
  }
  const out = new Uint8Array(size);
  for (const chunk of chunks) place(out, shape, extent, type.size, chunk.at, unpacked(file, chunk, head, chunkBytes));
  return out;
}

function findChunks(file: FileBytes, tree: number, rank: number): Chunk[] {
  const chunks: Chunk[] = [];
  const node = (place: number, level: number | undefined) => {
    file.enter('tree', place);
    const entries = file.at(place).expect('TREE');
    if (entries.u8() !== 1) throw file.wrong(`has no tree of chunks at ${place}`);
    const own = entries.u8();
    if (own !== (level ?? own) || own > 16) throw file.wrong(`has a tree whose levels do not fit, at ${place}`);
    const count = entries.u16();
    entries.skip(16);
    for (let k = 0; k < count; k++) {
      const [stored, mask] = [entries.u32(), entries.u32()];
      const at = Array.from({ length: rank }, () => entries.u64());
      const child = entries.skip(8).u64();
      if (own > 0) node(child, own - 1);
      else chunks.push({ place: child, stored, mask, at });
    }
  };
  node(tree, undefined);
  return chunks;
}

function unpacked(file: FileBytes, { place, stored, mask }: Chunk, head: DatasetHead, size: number): Uint8Array {
  let bytes = file.slice(place, stored);
  for (const [k, id] of [...head.filters.entries()].reverse()) {
    if (mask & (1 << k)) continue;
    if (id === FLETCHER32) bytes = bytes.subarray(0, Math.max(0, bytes.length - 4));
    else if (id === SHUFFLE) bytes = unshuffled(bytes, head.type.size);
    else bytes = inflated(file, bytes, size + 4);
  }
  if (bytes.length !== size) throw file.wrong(`has a chunk of ${bytes.length} bytes, not ${size}`);
  return bytes;
}

function inflated(file: FileBytes, bytes: Uint8Array, most: number): Uint8Array {
  try {
    return inflateSync(bytes, { maxOutputLength: most });
  } catch {
    throw file.wrong('has a chunk whose compressed bytes are damaged');
  }
}

/** The first bytes of all elements, then the second ones …: back in their places. */
function unshuffled(bytes: Uint8Array, width: number): Uint8Array {
  const n = Math.floor(bytes.length / width);
  const out = Uint8Array.from(bytes);
  for (let k = 0; k < width; k++) for (let i = 0; i < n; i++) out[i * width + k] = bytes[k * n + i];
  return out;
}

/** Copies the part of a chunk that lies in the array. */
function place(
  out: Uint8Array,
  shape: readonly number[],
  extent: readonly number[],
  width: number,
  at: readonly number[],
  bytes: Uint8Array,
): void {
  const rank = shape.length;
  const run = Math.min(extent[rank - 1], shape[rank - 1] - at[rank - 1]);
  if (!(run > 0)) return;
  const rows = countOf(extent.slice(0, -1));
  for (let row = 0; row < rows; row++) {
    let rest = row;
    let to = 0;
    let stride = shape[rank - 1];
    let isInside = true;
    for (let axis = rank - 2; axis >= 0; axis--) {
      const index = at[axis] + (rest % extent[axis]);
      rest = Math.floor(rest / extent[axis]);
      isInside &&= index < shape[axis];
      to += index * stride;
      stride *= shape[axis];
    }
    const from = row * extent[rank - 1] * width;
    if (isInside) out.set(bytes.subarray(from, from + run * width), (to + at[rank - 1]) * width);
  }
}

function decoded(bytes: Uint8Array, type: Datatype & { readonly kind: 'float' | 'integer' }, count: number) {
  const copy = Uint8Array.from(bytes);
  const { size } = type;
  if (type.kind === 'float' && size > 2 && !type.isBig)
    return size === 4 ? new Float32Array(copy.buffer) : new Float64Array(copy.buffer);
  const view = new DataView(copy.buffer);
  const isLittle = !type.isBig;
  if (type.kind === 'float') {
    if (size === 8) return Float64Array.from({ length: count }, (_, i) => view.getFloat64(8 * i, isLittle));
    if (size === 4) return Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, isLittle));
    const half = type.isBrain ? brain : halfToNumber;
    return Float32Array.from({ length: count }, (_, i) => half(view.getUint16(2 * i, isLittle)));
  }
  const names = { 1: 'Int8', 2: 'Int16', 4: 'Int32', 8: 'BigInt64' } as const;
  const name = names[size as 1 | 2 | 4 | 8];
  const read = type.isSigned ? (`get${name}` as const) : (`get${name.replace('Int', 'Uint') as 'Uint8'}` as const);
  return Float64Array.from({ length: count }, (_, i) => Number(view[read](size * i, isLittle)));
}

const word = new DataView(new ArrayBuffer(4));

/** The upper half of a float32. */
function brain(bits: number): number {
  word.setUint32(0, bits * 2 ** 16);
  return word.getFloat32(0);
}
