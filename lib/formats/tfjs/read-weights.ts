import { endianness } from 'node:os';
import { normalize } from 'node:path';
import { NDArray } from '../../array.js';
import { wrongType, wrongValue } from '../../check.js';
import { halfToNumber } from '../../io/half.js';
import type { JsonObject } from '../../io/model-file.js';
import { allocateBytes, damaged, swapBytes } from '../../io/read.js';
import { isPlain } from '../../kind.js';
import type { ImportFile } from '../import.js';

/** An array of a file, and what it is called there. */
export interface Entry {
  readonly name: string;
  readonly array: NDArray;
}

/** A weight in a file. */
interface Spec {
  readonly name: string;
  /** Of the optimizer, no weight of the network. */
  readonly isOptimizers: boolean;
  readonly shape: readonly number[];
  readonly size: number;
  readonly stored: Stored;
  /** value = stored * scale + min */
  readonly scale: number;
  readonly min: number;
}

const STORED = {
  float32: Float32Array,
  int32: Int32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  float16: Uint16Array,
} as const;
type Stored = keyof typeof STORED;
/** Axes of a shape. */
const MAX_AXES = 64;

/** The weights of a manifest's files, by name, and the optimizer's arrays; as many as the files have bytes for. @throws Error with code ERR_FORMAT */
export async function readManifest(
  file: ImportFile,
  manifest: unknown,
): Promise<{ readonly weights: ReadonlyMap<string, NDArray>; readonly optimizer: readonly Entry[] }> {
  const weights = new Map<string, NDArray>();
  const optimizer: Entry[] = [];
  const named = new Set<string>();
  if (!Array.isArray(manifest)) throw wrongType('weightsManifest', 'an array', manifest);
  for (const [g, group] of manifest.entries()) {
    const place = `weightsManifest[${g}]`;
    if (!isPlain(group) || !Array.isArray(group.paths) || !Array.isArray(group.weights))
      throw wrongType(place, 'an object with paths and weights', group);
    const specs = group.weights.map((spec: unknown, i: number) => readSpec(`${place}.weights[${i}]`, spec));
    for (const path of group.paths) {
      if (typeof path !== 'string') throw wrongType(`${place}.paths`, 'names of files', path);
      // in all groups, or one small file would make weights of any size
      if (named.has(normalize(path))) throw wrongValue(`${place}.paths`, 'different ones', path);
      named.add(normalize(path));
    }
    const shards: Uint8Array[] = [];
    for (const path of group.paths as string[]) shards.push(await file.beside(path));
    const held = shards.reduce((sum, { length }) => sum + length, 0);
    const wanted = specs.reduce((sum, { size, stored }) => sum + size * STORED[stored].BYTES_PER_ELEMENT, 0);
    if (held !== wanted)
      throw damaged(file.source, `its weights take ${wanted} bytes, but the files of them hold ${held}`);
    const take = reader(shards, file.source);
    for (const spec of specs) {
      const { name, isOptimizers } = spec;
      if (!isOptimizers && weights.has(name)) throw wrongValue(`${place}.weights`, 'of different names', name);
      const bytes = take(spec.size * STORED[spec.stored].BYTES_PER_ELEMENT);
      const array = NDArray.wrap(valuesOf(spec, bytes), spec.shape);
      if (isOptimizers) optimizer.push({ name, array });
      else weights.set(name, array);
    }
  }
  return { weights, optimizer };
}

function readSpec(place: string, spec: unknown): Spec {
  if (!isPlain(spec)) throw wrongType(place, 'an object', spec);
  const { name, shape, dtype, quantization } = spec;
  if (typeof name !== 'string') throw wrongType(`${place}.name`, 'a string', name);
  if (!Array.isArray(shape) || shape.length > MAX_AXES || !shape.every((n) => Number.isSafeInteger(n) && n >= 0))
    throw wrongType(`${place}.shape`, 'a list of sizes', shape);
  const size = shape.reduce((product: number, n: number) => product * n, 1);
  if (!Number.isSafeInteger(size * 4)) throw wrongValue(`${place}.shape`, 'of fewer numbers', shape);
  const { stored, scale, min } = readQuantization(place, dtype, quantization);
  return { name, isOptimizers: spec.group === 'optimizer', shape, size, stored, scale, min };
}

function readQuantization(
  place: string,
  dtype: unknown,
  quantization: unknown,
): Pick<Spec, 'stored' | 'scale' | 'min'> {
  if (dtype !== 'float32' && dtype !== 'int32') throw wrongValue(`${place}.dtype`, "'float32' or 'int32'", dtype);
  if (quantization === undefined || quantization === null) return { stored: dtype, scale: 1, min: 0 };
  const own = `${place}.quantization`;
  if (!isPlain(quantization)) throw wrongType(own, 'an object', quantization);
  const { dtype: stored, scale, min } = quantization as JsonObject;
  if (stored === 'float16') return { stored, scale: 1, min: 0 };
  if (stored !== 'uint8' && stored !== 'uint16') throw wrongValue(`${own}.dtype`, 'uint8, uint16 or float16', stored);
  for (const [key, value] of Object.entries({ scale, min }))
    if (!Number.isFinite(value)) throw wrongType(`${own}.${key}`, 'a number', value);
  return { stored, scale: scale as number, min: min as number };
}

/** As TensorFlow.js has them (io_utils.ts): in float64, then float32. */
function valuesOf({ size, stored, scale, min }: Spec, bytes: Uint8Array<ArrayBuffer>): NDArray['data'] {
  const type = STORED[stored];
  if (endianness() === 'BE') swapBytes(bytes, type.BYTES_PER_ELEMENT);
  const values = new type(bytes.buffer);
  if (stored === 'float32' || stored === 'int32') return values as Float32Array | Int32Array;
  const data = new Float32Array(size);
  for (let i = 0; i < size; i++) data[i] = stored === 'float16' ? halfToNumber(values[i]) : values[i] * scale + min;
  return data;
}

/** Copies of the next bytes, which may lie in several files. */
function reader(shards: readonly Uint8Array[], source: string): (length: number) => Uint8Array<ArrayBuffer> {
  let [shard, at] = [0, 0];
  return (length) => {
    const bytes = allocateBytes(length, source);
    for (let done = 0; done < length; ) {
      const piece = shards[shard].subarray(at, at + length - done);
      bytes.set(piece, done);
      done += piece.length;
      at += piece.length;
      if (at === shards[shard].length) [shard, at] = [shard + 1, 0];
    }
    return bytes;
  };
}
