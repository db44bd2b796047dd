import { checkOneOf, checkOptions } from '../check.js';
import { damaged } from '../io/read.js';
import type { Model } from '../models/model.js';
import { SIGNATURE } from './hdf5/signature.js';
import type { ImportFile, ImportOptions, Reader } from './import.js';
import { h5Reader, kerasReader } from './keras/import.js';
import { onnxReader } from './onnx/import.js';
import { ownReader } from './own.js';
import { sklearnReader } from './sklearn-import.js';
import { tfjsReader } from './tfjs/import.js';

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

const isMarked = startsWith(0xef, 0xbb, 0xbf);

/** Its first character that is no space, behind the byte order mark that some editors of Windows write. */
const isJson = (bytes: Uint8Array) =>
  bytes.subarray(isMarked(bytes) ? 3 : 0, 1000).find((byte) => byte > 0x20) === 0x7b;

/** Formats by how their files begin, and what they are called. */
const FORMATS: readonly (readonly [name: string, begins: (bytes: Uint8Array) => boolean, reader: Reader])[] = [
  ['Fjordnet', isSafetensors, ownReader],
  ['scikit-learn', isNpz, sklearnReader],
  ['Keras', startsWith(0x50, 0x4b), kerasReader],
  ['Keras, HDF5', startsWith(...SIGNATURE), h5Reader],
  ['TensorFlow.js', isJson, tfjsReader],
  ['ONNX', (bytes) => bytes[0] === 0x08 && bytes[1] < 0x80, onnxReader],
];

/** What the format of a file is called that begins so. */
export const formatOf = (bytes: Uint8Array): string | undefined => FORMATS.find(([, begins]) => begins(bytes))?.[0];

/** The network in a file, whatever it is of. */
export async function imported(file: ImportFile, options: ImportOptions): Promise<Model> {
  checkOptions('options', options, ['dtype', 'parameters']);
  if (options.dtype !== undefined) checkOneOf('dtype', options.dtype, ['float32', 'float64']);
  const found = FORMATS.find(([, begins]) => begins(file.bytes));
  if (!found)
    throw damaged(
      file.source,
      'it begins like no file of a network that is known here (ONNX, Keras, TensorFlow.js, scikit-learn, safetensors)',
    );
  if (options.parameters !== undefined && found[2] !== onnxReader)
    throw new RangeError(
      `Expected no option 'parameters' for ${file.source}: it is for files of ONNX, which have weights that no layer has`,
    );
  return found[2].read(file, options);
}
