import { MLPClassifier, MLPRegressor } from '../estimators/mlp.js';
import type { SavedMLP } from '../estimators/mlp-saved.js';
import { fileAt, type ImportFile } from '../formats/import.js';
import { perceptronIn } from '../formats/own.js';
import { formatOf, imported } from '../formats/readers.js';
import { parseSklearn } from '../formats/sklearn.js';
import { ofSource } from '../io/file-errors.js';
import { type ModelFile, parseModel } from '../io/model-file.js';
import type { Model } from '../models/model.js';
import { objectIn, partsOf } from '../saved.js';
import { isNetworkStep } from '../tables/network-step.js';
import { type Predictor, predictorOf } from '../tables/predictor.js';
import { unreadable } from './errors.js';
import { count } from './output.js';

/** A network in a file of any format, and what else is in it. */
export interface Exchanged {
  /** The network alone, of an estimator its layers; classes are in its metadata. */
  readonly model: Model;
  /** What the format is called, and what the file says of its version. */
  readonly format: string;
  /** With what is done to rows and answers, where the file says it. */
  readonly predictor?: Predictor;
  /** All of a file of our own. */
  readonly content?: ModelFile;
}

/** @param file where it was read already @throws CommandError that says why the file is of no use */
export async function readExchanged(path: string, file?: ImportFile): Promise<Exchanged> {
  try {
    const read = file ?? (await fileAt(path));
    const { bytes, source } = read;
    const format = formatOf(bytes) ?? 'unknown';
    if (format === 'Fjordnet') {
      const content = parseModel(bytes, source);
      return ofSource(source, () => ({ ...heldBy(objectIn(content), content.training?.run), format, content }));
    }
    if (format === 'scikit-learn') {
      const { className, config, state } = await parseSklearn(bytes, source);
      const type = className === 'MLPClassifier' ? MLPClassifier : MLPRegressor;
      return ofSource(source, () => ({ ...heldBy(type.revive(config as never, state), undefined), format }));
    }
    return { model: await imported(read, {}), format: format + versionOf(format, bytes) };
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** @param run what `fjordnet train` keeps beside it */
function heldBy(held: object, run: unknown): Pick<Exchanged, 'model' | 'predictor'> {
  if (isNetworkStep(held) && run === undefined) return { model: held as unknown as Model };
  const predictor = predictorOf(held, run);
  const last = lastOf(predictor);
  const model = isNetworkStep(last) ? (last as unknown as Model) : perceptronIn(last);
  const { classes } = predictor;
  if (classes.length > 0 && isNetworkStep(last)) model.metadata = { classes, ...model.metadata };
  return { model, predictor };
}

/** What predicts, at the end of a predictor. */
export const lastOf = ({ pipeline }: Predictor): unknown => pipeline.steps.at(-1)?.[1];

function versionOf(name: string, bytes: Uint8Array): string {
  if (name === 'ONNX') return `, IR version ${bytes[1]}`;
  if (name !== 'TensorFlow.js') return '';
  const { modelTopology, generatedBy } = JSON.parse(new TextDecoder().decode(bytes));
  const { keras_version: version } = modelTopology;
  return `${version === undefined ? '' : `, ${version}`}${generatedBy ? `, of ${generatedBy}` : ''}`;
}

/** What training went on from. */
export function trainingOf({ model, predictor, content }: Exchanged): string | undefined {
  const last = predictor && content && partsOf(lastOf(predictor));
  if (last) {
    const { optimizer, progress } = last.state as SavedMLP;
    return `the parameters of ${last.className}${optimizer ? `, its ${optimizer.solver} optimizer after ${count(progress.nIter, 'epoch')}` : ''}`;
  }
  if (model.loss === undefined) return undefined;
  return `the ${model.optimizer.config.name} optimizer after ${model.iterations} updates`;
}
