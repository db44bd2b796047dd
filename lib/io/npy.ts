import { endianness } from 'node:os';
import { NDArray, type TypedData } from '../array.js';
import { isFloat32Array, isFloat64Array, isInt32Array } from '../kind.js';
import { loadPeer } from './peer.js';
import { allocateBytes, damaged, openFile, readFully, sizeOfFile, sourceOf, swapBytes } from './read.js';

const TYPES = {
  f8: Float64Array,
  f4: Float32Array,
  i8: BigInt64Array,
  i4: Int32Array,
  i2: Int16Array,
  i1: Int8Array,
  u8: BigUint64Array,
  u4: Uint32Array,
  u2: Uint16Array,
  u1: Uint8Array,
  b1: Uint8Array,
} as const;

const MAGIC = '\x93NUMPY';
/** Magic, version, and the longer of the two forms of the header's length. */
const PREFIX = 12;
/** NumPy's own bound, for files that are not trusted. */
const MAX_HEADER = 10_000;
/** Deflate makes nothing smaller than this. */
const DEFLATE_RATIO = 1032;

interface Header {
  readonly type: keyof typeof TYPES;
  readonly big: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Bytes before the data. */
  readonly offset: number;
  readonly size: number;
}

/**
 * Reads an array of NumPy's NPY format (numpy.lib.format, versions 1 to 3). Floats keep their precision; integers and
 * booleans are int32, or float64 where they do not fit into it.
 *
 * @throws Error with code ERR_FORMAT and the reason if the file is damaged, or of a dtype that there is none for here
 */
export async function readNpy(path: string | URL): Promise<NDArray> {
  const source = sourceOf(path);
  const file = await openFile(path);
  try {
    const size = await sizeOfFile(file, source);
    const prefix = new Uint8Array(Math.min(size, PREFIX));
    await readFully(file, prefix, 0, source);
    const start = new Uint8Array(Math.min(size, offsetOf(prefix, source)));
    await readFully(file, start, 0, source);
    const header = parseHeader(start, size, source);
    const bytes = allocateBytes(header.size, source);
    await readFully(file, bytes, header.offset, source);
    return toArray(header, bytes, source);
  } finally {
    await file.close();
  }
}

/** Reads the bytes of an NPY file; the array is a copy. */
export function parseNpy(bytes: Uint8Array, source = 'the bytes'): NDArray {
  const header = parseHeader(bytes, bytes.length, source);
  return toArray(header, Uint8Array.from(bytes.subarray(header.offset)), source);
}

/**
 * Reads the arrays of an NPZ file (`numpy.savez` and `savez_compressed`), by name. Needs the package fflate.
 *
 * @throws as `readNpy`, and Error with code ERR_MISSING_PEER
 */
export async function readNpz(path: string | URL): Promise<Map<string, NDArray>> {
  const { unzipSync } = await loadPeer('fflate', () => import('fflate'));
  const source = sourceOf(path);
  const file = await openFile(path);
  let zip: Uint8Array;
  try {
    zip = allocateBytes(await sizeOfFile(file, source), source);
    await readFully(file, zip, 0, source);
  } finally {
    await file.close();
  }
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(zip, {
      filter: ({ name, size, originalSize }) => {
        if (size > zip.length || originalSize > DEFLATE_RATIO * (size + 1))
          throw damaged(source, `its entry '${name}' would be ${originalSize} bytes long`);
        return name.endsWith('.npy');
      },
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_FORMAT') throw error;
    throw damaged(source, `it is no ZIP file, or a damaged one (${(error as Error).message})`, error);
  }
  const arrays = new Map<string, NDArray>();
  for (const [name, bytes] of Object.entries(entries))
    arrays.set(name.slice(0, -'.npy'.length), parseNpy(bytes, `${source}, ${name}`));
  return arrays;
}

/** Where the data begin. */
function offsetOf(bytes: Uint8Array, source: string): number {
  if (Buffer.from(bytes.subarray(0, MAGIC.length)).toString('latin1') !== MAGIC)
    throw damaged(source, 'it is no NPY file');
  if (bytes.length < PREFIX) throw damaged(source, `it has ${bytes.length} bytes, too few for an NPY file`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const version = bytes[6];
  if (version < 1 || version > 3) throw damaged(source, `it is of version ${version} of the NPY format, not 1 to 3`);
  const offset = version === 1 ? 10 + view.getUint16(8, true) : PREFIX + view.getUint32(8, true);
  if (offset > MAX_HEADER) throw damaged(source, `its header would be ${offset} bytes long, more than ${MAX_HEADER}`);
  return offset;
}

function parseHeader(bytes: Uint8Array, fileSize: number, source: string): Header {
  const offset = offsetOf(bytes, source);
  if (offset > bytes.length)
    throw damaged(source, `its header would end at byte ${offset}, but it has ${bytes.length} bytes`);
  const text = Buffer.from(bytes.subarray(bytes[6] === 1 ? 10 : PREFIX, offset)).toString('utf8');
  const value = (key: string, pattern: string) =>
    new RegExp(`['"]${key}['"]\\s*:\\s*${pattern}\\s*[,}]`).exec(text)?.[1];
  const descr = value('descr', `['"]([^'"]*)['"]`);
  const fortran = value('fortran_order', '(True|False)');
  const dims = value('shape', '\\(([0-9, ]*)\\)');
  if (fortran === undefined || dims === undefined || !/^\s*\{.*\}\s*$/s.test(text))
    throw damaged(source, `its header is not NPY's: ${JSON.stringify(text.slice(0, 80))}`);
  const [, order, type] = /^([<>|=])([fiub][1248])$/.exec(descr ?? '') ?? [];
  if (type === undefined || !Object.hasOwn(TYPES, type))
    throw damaged(
      source,
      `its dtype is ${descr === undefined ? 'structured' : `'${descr}'`}, not a number of 1 to 8 bytes`,
    );
  const shape = dims
    .split(',')
    .filter((n) => n.trim() !== '')
    .map(Number);
  const width = TYPES[type as Header['type']].BYTES_PER_ELEMENT;
  const size = shape.reduce((product, n) => product * n, width);
  if (size !== fileSize - offset)
    throw damaged(source, `its shape (${dims}) takes ${size} bytes, but ${fileSize - offset} follow the header`);
  return { type: type as Header['type'], big: order === '>', fortran: fortran === 'True', shape, offset, size };
}

function toArray({ type, big, fortran, shape }: Header, bytes: Uint8Array<ArrayBuffer>, source: string): NDArray {
  if (big !== (endianness() === 'BE')) swapBytes(bytes, TYPES[type].BYTES_PER_ELEMENT);
  const data = narrow(new TYPES[type](bytes.buffer), source);
  return fortran ? transpose(data, shape) : NDArray.wrap(data, shape);
}

/** Integers as int32 where all of them fit, else as float64. */
function narrow(data: InstanceType<(typeof TYPES)[Header['type']]>, source: string): TypedData {
  if (isFloat64Array(data) || isFloat32Array(data) || isInt32Array(data)) return data;
  let fits = true;
  const values = new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) {
    values[i] = Number(data[i]);
    if (!Number.isSafeInteger(values[i])) throw damaged(source, `its integer ${data[i]} is beyond 2^53`);
    fits &&= (values[i] | 0) === values[i];
  }
  return fits ? Int32Array.from(values) : values;
}

/** The first index of a Fortran array runs fastest: it is the C array of the reversed shape, transposed. */
function transpose(data: TypedData, shape: readonly number[]): NDArray {
  const out = NDArray.wrap(data.slice(), shape);
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < data.length; i++) {
    let at = 0;
    for (const [axis, n] of shape.entries()) at = at * n + index[axis];
    out.data[at] = data[i];
    for (let axis = 0; axis < shape.length && ++index[axis] === shape[axis]; axis++) index[axis] = 0;
  }
  return out;
}
