import { importModel } from '../formats/import.js';
import { formatOf } from '../formats/readers.js';
import { loadModel } from '../io/model-file.js';
import { readWhole } from '../io/read.js';
import type { Model } from '../models/model.js';
import { unreadable } from './errors.js';

/** A network in a file of any format, and what else is in it. */
export interface Exchanged {
  readonly model: Model;
  /** What the format is called, and what the file says of its version. */
  readonly format: string;
  /** Whether what makes numbers of rows is in the file, too. */
  readonly hasPreprocessing: boolean;
}

/** @throws CommandError that says why the file is of no use */
export async function readExchanged(path: string): Promise<Exchanged> {
  try {
    const bytes = await readWhole(path);
    const name = formatOf(bytes) ?? 'unknown';
    const model = await importModel(path);
    const hasPreprocessing = name === 'Fjordnet' && (await loadModel(path)).object !== undefined;
    return { model, format: name + versionOf(name, bytes), hasPreprocessing };
  } catch (error) {
    throw unreadable(path, error);
  }
}

function versionOf(name: string, bytes: Uint8Array): string {
  if (name === 'ONNX') return `, IR version ${bytes[1]}`;
  if (name !== 'TensorFlow.js') return '';
  const { modelTopology, generatedBy } = JSON.parse(Buffer.from(bytes).toString());
  const { keras_version: version } = modelTopology;
  return `${version === undefined ? '' : `, ${version}`}${generatedBy ? `, of ${generatedBy}` : ''}`;
}

/** What training went on from. */
export const trainingOf = (model: Model): string | undefined =>
  model.loss === undefined
    ? undefined
    : `the ${model.optimizer.config.name} optimizer after ${model.iterations} updates`;
