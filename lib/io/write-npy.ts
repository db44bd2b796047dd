import { endianness } from 'node:os';
import { type ArrayInput, extent, NDArray } from '../array.js';
import { isNDArray } from '../kind.js';
import type { Label } from '../labels.js';
import { filePath, writeFileAtomic } from './atomic.js';
import { swapBytes } from './read.js';
import { formatZip } from './write-zip.js';

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
  await writeFileAtomic(path, formatNpy(x));
}

/** An NPZ file in parts, as `numpy.savez` makes them; texts are arrays of NumPy's unicode dtype, a single one without axes. */
export const formatNpz = (arrays: Readonly<Record<string, NDArray | string | readonly Label[]>>): Uint8Array[] =>
  formatZip(
    Object.entries(arrays).map(([name, x]) => [
      `${name}.npy`,
      isNDArray(x) ? formatNpy(x) : formatLabels([x].flat(), x),
    ]),
  );

/** Of one kind: numbers, texts or booleans. */
function formatLabels(labels: readonly Label[], given: unknown): Uint8Array[] {
  const [first] = labels;
  if (typeof first === 'string') return formatTexts(labels as readonly string[], Array.isArray(given));
  if (typeof first === 'boolean') return [npyHeader('|b1', [labels.length]), Uint8Array.from(labels, Number)];
  return formatNpy(
    labels.every((label) => Object.is(label, (label as number) | 0))
      ? Int32Array.from(labels as number[])
      : Float64Array.from(labels as number[]),
  );
}

/** The bytes of an NPY file: its header, and a copy of the data. */
function formatNpy(x: ArrayInput): Uint8Array[] {
  const { data, dtype, shape } = NDArray.from(x);
  const bytes = new Uint8Array(data.buffer);
  if (endianness() === 'BE') swapBytes(bytes, data.BYTES_PER_ELEMENT);
  return [npyHeader(DESCR[dtype], shape), bytes];
}

/** Four bytes a character (UTF-32), as many characters for each text as the longest has. */
function formatTexts(given: readonly string[], isList: boolean): Uint8Array[] {
  const shape = isList ? [given.length] : [];
  const texts = given.map((text) => Array.from(text, (character) => character.codePointAt(0) as number));
  const [, longest] = extent([1, ...texts.map(({ length }) => length)]);
  const bytes = Buffer.alloc(4 * longest * texts.length);
  for (const [row, text] of texts.entries())
    for (const [i, code] of text.entries()) bytes.writeUInt32LE(code, 4 * (row * longest + i));
  return [npyHeader(`<U${longest}`, shape), bytes];
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
