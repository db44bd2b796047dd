import type { FileHandle } from 'node:fs/promises';
import { endianness } from 'node:os';
import { type DType, NDArray, type TypedData } from '../array.js';
import { isFloat32Array, isFloat64Array } from '../kind.js';
import { bfloat16ToNumber, halfToNumber } from './half.js';
import { NPY_PREFIX, type NpyHeader, npyOffset, parseNpyHeader, widthOf } from './npy-header.js';
import { allocateBytes, damaged, openRegularFile, readFully, readHead, sourceOf, swapBytes } from './read.js';
import { readZipDirectory, readZipEntry } from './zip.js';

/**
 * Reads an array of NumPy's NPY format (numpy.lib.format, versions 1 to 3). Floats keep their precision (float16 becomes
 * float32, with the same values); integers and booleans are int32, or float64 where they do not fit into it.
 *
 * @throws Error with code ERR_FORMAT and the reason if the file is damaged, or of a dtype that there is none for here;
 *   ERR_MEMORY if it does not fit into memory; the file system's code (ENOENT …)
 */
export async function readNpy(path: string | URL): Promise<NDArray> {
  const source = sourceOf(path);
  const { file, header } = await openNpy(path);
  try {
    const bytes = allocateBytes(header.size, source);
    await readFully(file, bytes, header.offset, source);
    return toArray(header, bytes, source);
  } finally {
    await file.close();
  }
}

/** A file that was opened, and what its header says. */
export function openNpy(path: string | URL): Promise<{ file: FileHandle; header: NpyHeader }> {
  const source = sourceOf(path);
  return readHead(path, async (file, size) => {
    const prefix = new Uint8Array(Math.min(size, NPY_PREFIX));
    await readFully(file, prefix, 0, source);
    const start = new Uint8Array(Math.min(size, npyOffset(prefix, source)));
    await readFully(file, start, 0, source);
    return { header: parseNpyHeader(start, size, source) };
  });
}

/** Reads the bytes of an NPY file; the array is a copy. */
export function parseNpy(bytes: Uint8Array, source = 'the bytes'): NDArray {
  const header = parseNpyHeader(bytes, bytes.length, source);
  const data = allocateBytes(header.size, source);
  data.set(bytes.subarray(header.offset));
  return toArray(header, data, source);
}

/** The same of bytes that nobody else has: the array may lie in them. */
export function takeNpy(bytes: Uint8Array<ArrayBuffer>, source: string): NDArray {
  const header = parseNpyHeader(bytes, bytes.length, source);
  const isAligned = header.offset % widthOf(header.type) === 0;
  return isAligned ? toArray(header, bytes.subarray(header.offset), source) : parseNpy(bytes, source);
}

/**
 * Reads the arrays of an NPZ file (`numpy.savez` and `savez_compressed`), by name. Files in it that are no arrays are
 * passed over.
 *
 * @throws as `readNpy`; a file whose checksums are wrong is damaged
 */
export function readNpz(path: string | URL): Promise<Map<string, NDArray>> {
  return readNpzAs(path, () => takeNpy);
}

/** What is made of each array's bytes. @param of what makes it of an array of this name; undefined if it is not to be read */
export async function readNpzAs<T>(
  path: string | URL,
  of: (name: string) => ((bytes: Uint8Array<ArrayBuffer>, source: string) => T) | undefined,
): Promise<Map<string, T>> {
  const source = sourceOf(path);
  const { file, size } = await openRegularFile(path);
  try {
    const made = new Map<string, T>();
    for (const entry of await readZipDirectory(file, size, source)) {
      const name = entry.name.endsWith('.npy') ? entry.name.slice(0, -'.npy'.length) : undefined;
      const make = name === undefined ? undefined : of(name);
      if (name === undefined || !make) continue;
      const bytes = await readZipEntry(file, entry, source);
      made.set(name, make(bytes, `${source}, ${entry.name.slice(0, 60)}`));
    }
    return made;
  } finally {
    await file.close();
  }
}

/** The array of a header, in whose bytes it may lie. */
export function toArray(header: NpyHeader, bytes: Uint8Array<ArrayBuffer>, source: string): NDArray {
  if (header.big !== (endianness() === 'BE')) swapBytes(bytes, widthOf(header.type));
  const data = valuesOf(header, bytes, source);
  const { fortran, shape } = header;
  return NDArray.wrap(fortran ? transpose(data, allocate(dtypeOf(data), data.length, source), shape) : data, shape);
}

function valuesOf({ type }: NpyHeader, bytes: Uint8Array<ArrayBuffer>, source: string): TypedData {
  const place = [bytes.buffer, bytes.byteOffset, bytes.length / widthOf(type)] as const;
  const mapped = (dtype: DType, values: ArrayLike<number>, value: (x: number) => number) => {
    const out = allocate(dtype, values.length, source);
    for (let i = 0; i < values.length; i++) out[i] = value(values[i]);
    return out;
  };
  switch (type) {
    case 'f8':
      return new Float64Array(...place);
    case 'f4':
      return new Float32Array(...place);
    case 'f2':
      return mapped('float32', new Uint16Array(...place), halfToNumber);
    case 'bf2':
      return mapped('float32', new Uint16Array(...place), bfloat16ToNumber);
    case 'i4':
      return new Int32Array(...place);
    case 'b1':
      return mapped('int32', new Uint8Array(...place), (byte) => (byte === 0 ? 0 : 1));
    case 'u4': {
      const values = new Uint32Array(...place);
      return mapped(values.every((x) => x < 2 ** 31) ? 'int32' : 'float64', values, (x) => x);
    }
    case 'i8':
    case 'u8':
      return wideIntegers(bytes, type === 'i8', source);
    default: {
      const narrow = { i2: Int16Array, i1: Int8Array, u2: Uint16Array, u1: Uint8Array }[type];
      return mapped('int32', new narrow(...place), (x) => x);
    }
  }
}

const TYPES = { float64: Float64Array, float32: Float32Array, int32: Int32Array } as const;

const dtypeOf = (data: TypedData): DType =>
  isFloat64Array(data) ? 'float64' : isFloat32Array(data) ? 'float32' : 'int32';

function allocate(dtype: DType, length: number, source: string): TypedData {
  const type = TYPES[dtype];
  return new type(allocateBytes(length * type.BYTES_PER_ELEMENT, source).buffer);
}

/** Integers of 64 bits as int32 where all of them fit, else as float64. */
function wideIntegers(bytes: Uint8Array<ArrayBuffer>, signed: boolean, source: string): TypedData {
  const { buffer, byteOffset, length } = bytes;
  const words = new Int32Array(buffer, byteOffset, length / 4);
  const low = endianness() === 'LE' ? 0 : 1;
  const n = words.length / 2;
  let fits = true;
  for (let i = 0; i < n; i++) {
    const [lo, hi] = [words[2 * i + low], words[2 * i + 1 - low]];
    if (hi === lo >> 31 && (signed || hi === 0)) continue;
    fits = false;
    if (!Number.isSafeInteger(joined(lo, hi, signed)))
      throw damaged(
        source,
        `its integer ${(signed ? new BigInt64Array(buffer, byteOffset) : new BigUint64Array(buffer, byteOffset))[i]} is beyond 2^53`,
      );
  }
  const out = allocate(fits ? 'int32' : 'float64', n, source);
  for (let i = 0; i < n; i++) out[i] = joined(words[2 * i + low], words[2 * i + 1 - low], signed);
  return out;
}

const joined = (lo: number, hi: number, signed: boolean) => (signed ? hi : hi >>> 0) * 2 ** 32 + (lo >>> 0);

/** The first index of a Fortran array runs fastest: it is the C array of the reversed shape, transposed. */
function transpose(data: TypedData, out: TypedData, shape: readonly number[]): TypedData {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, n) => product * n, 1));
  const index = new Array<number>(shape.length).fill(0);
  let at = 0;
  for (let i = 0; i < data.length; i++) {
    out[at] = data[i];
    for (let axis = 0; axis < shape.length; axis++) {
      at += strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= shape[axis] * strides[axis];
      index[axis] = 0;
    }
  }
  return out;
}
