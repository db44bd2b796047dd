import { endianness } from 'node:os';
import { type ArrayInput, NDArray } from '../array.js';
import { filePath, writeFileAtomic } from './atomic.js';
import { swapBytes } from './read.js';

const DESCR = { float64: '<f8', float32: '<f4', int32: '<i4' } as const;
/** Of the data in the file. */
const ALIGNMENT = 64;
/** NumPy leaves room to append rows later: to write a first axis of as many digits. */
const GROWTH_DIGITS = 21;

/**
 * Writes an array in NumPy's NPY format (version 1.0, little-endian), the bytes of `numpy.save`. What the array holds at the
 * call is written, and a file that is there is replaced as a whole.
 *
 * @param x float64, float32 and int32 stay what they are
 * @throws as `NDArray.from` of `x`; Error with the file system's code (ENOENT, EACCES …)
 */
export async function writeNpy(path: string | URL, x: ArrayInput): Promise<void> {
  filePath(path);
  const { data, dtype, shape } = NDArray.from(x);
  const bytes = new Uint8Array(data.buffer);
  if (endianness() === 'BE') swapBytes(bytes, data.BYTES_PER_ELEMENT);
  await writeFileAtomic(path, [npyHeader(DESCR[dtype], shape), bytes]);
}

function npyHeader(descr: string, shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const room = shape.length === 0 ? 0 : GROWTH_DIGITS - String(shape[0]).length;
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }${' '.repeat(room)}`;
  const prefix = Buffer.from('\x93NUMPY\x01\0\0\0', 'latin1');
  const length = Math.ceil((prefix.length + dict.length + 1) / ALIGNMENT) * ALIGNMENT - prefix.length;
  prefix.writeUInt16LE(length, prefix.length - 2);
  return Buffer.concat([prefix, Buffer.from(`${dict.padEnd(length - 1)}\n`, 'latin1')]);
}
