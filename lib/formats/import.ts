import { dirname, isAbsolute, normalize, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkOneOf, checkOptions, wrongType } from '../check.js';
import { damaged, quoted, readWhole, sourceOf } from '../io/read.js';
import { isUint8Array, isURL } from '../kind.js';
import type { Model } from '../models/model.js';
import { SIGNATURE } from './hdf5/signature.js';

export interface ImportOptions {
  /** What the network computes in. Default: what the file's numbers are */
  dtype?: 'float32' | 'float64';
}

/** A file of another program. */
export interface ImportFile {
  readonly bytes: Uint8Array;
  /** What messages call it. */
  readonly source: string;
  /** Reads a file beside it, which it names. @throws Error with code ERR_FORMAT for names that lead elsewhere */
  beside(name: string): Promise<Uint8Array>;
}

/** How a format is read. */
export interface Reader {
  read(file: ImportFile, options: ImportOptions): Promise<Model>;
}

const startsWith =
  (...wanted: readonly number[]) =>
  (bytes: Uint8Array) =>
    wanted.every((byte, i) => bytes[i] === byte);

/** The length of the header, and the header, a JSON object. */
const isSafetensors = (bytes: Uint8Array) => bytes[8] === 0x7b && bytes.subarray(4, 8).every((byte) => byte === 0);

/** The name of a ZIP file's first entry is an array's. */
const isNpz = (bytes: Uint8Array) =>
  startsWith(0x50, 0x4b, 0x03, 0x04)(bytes) &&
  Buffer.from(bytes.subarray(30, 30 + bytes[26]))
    .toString()
    .endsWith('.npy');

/** Its first character that is no space. */
const isJson = (bytes: Uint8Array) =>
  bytes[
    Math.max(
      0,
      bytes.subarray(0, 1000).findIndex((byte) => byte > 0x20),
    )
  ] === 0x7b;

/** Formats by how their files begin, and what they are called. */
const FORMATS: readonly (readonly [
  name: string,
  begins: (bytes: Uint8Array) => boolean,
  load: () => Promise<Reader>,
])[] = [
  ['Fjordnet', isSafetensors, async () => (await import('./all.js')).ownReader],
  ['scikit-learn', isNpz, async () => (await import('./all.js')).sklearnReader],
  ['Keras', startsWith(0x50, 0x4b), async () => (await import('./all.js')).kerasReader],
  ['Keras, HDF5', startsWith(...SIGNATURE), async () => (await import('./all.js')).h5Reader],
  ['TensorFlow.js', isJson, async () => (await import('./all.js')).tfjsReader],
  ['ONNX', (bytes) => bytes[0] === 0x08 && bytes[1] < 0x80, async () => (await import('./all.js')).onnxReader],
];

/** What the format of a file is called that begins so. */
export const formatOf = (bytes: Uint8Array): string | undefined => FORMATS.find(([, begins]) => begins(bytes))?.[0];

/**
 * A network that another program wrote: ONNX, of one part or with its data beside it; Keras', .keras or HDF5; a layers model of
 * TensorFlow.js, with its weights beside it; arrays of scikit-learn; or our own. What kind of file it is, its first bytes say.
 * All of it is checked before a network is made.
 *
 * @throws Error with code ERR_FORMAT naming the layer or operation that there is not here, or the place where the file is damaged;
 *   the file system's code (ENOENT …)
 */
export async function importModel(path: string | URL, options: ImportOptions = {}): Promise<Model> {
  if (typeof path !== 'string' && !isURL(path)) throw wrongType('path', 'a file name or URL', path);
  const source = sourceOf(path);
  const folder = dirname(resolve(isURL(path) ? fileURLToPath(path) : path));
  const beside = async (name: string) => {
    const inside = normalize(name);
    if (name === '' || isAbsolute(inside) || inside.split(sep)[0] === '..')
      throw damaged(source, `it names a file that is not in its folder, ${quoted(name)}`);
    return readWhole(resolve(folder, inside));
  };
  return imported({ bytes: await readWhole(path), source, beside }, options);
}

/** The same of bytes. */
export async function importBytes(bytes: Uint8Array, options: ImportOptions = {}): Promise<Model> {
  if (!isUint8Array(bytes)) throw wrongType('bytes', 'a Uint8Array', bytes);
  const source = 'the bytes';
  const beside = async (name: string) => {
    throw damaged(source, `they name another file, ${quoted(name)}: take importModel`);
  };
  return imported({ bytes, source, beside }, options);
}

async function imported(file: ImportFile, options: ImportOptions): Promise<Model> {
  checkOptions('options', options, ['dtype']);
  if (options.dtype !== undefined) checkOneOf('dtype', options.dtype, ['float32', 'float64']);
  const found = FORMATS.find(([, begins]) => begins(file.bytes));
  if (!found)
    throw damaged(
      file.source,
      'it begins like no file of a network that is known here (ONNX, Keras, TensorFlow.js, scikit-learn, safetensors)',
    );
  return (await found[2]()).read(file, options);
}
