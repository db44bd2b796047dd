import { notFitted } from '../check.js';
import { ofSource } from '../io/file-errors.js';
import { type ModelFile, parseModel } from '../io/model-file.js';
import { modelFrom } from '../models/architecture.js';
import type { Model } from '../models/model.js';
import { objectIn, partsOf } from '../saved.js';
import { warn } from '../warn.js';
import type { ImportFile, ImportOptions, Reader } from './import.js';
import { withNumbers } from './made.js';
import type { SklearnMLP } from './sklearn.js';
import { layersOf } from './sklearn-import.js';

/**
 * Our own files, so that whoever takes files of networks takes them, too: the network alone, where preprocessing is around it, and the
 * layers of an estimator.
 */
function read({ bytes, source }: ImportFile, options: ImportOptions): Model {
  const file = parseModel(bytes, source);
  const { object, ...network } = file;
  return ofSource(source, () => {
    if (!network.architecture) return perceptronIn(objectIn(file), options);
    if (object) checkTrained(objectIn(file));
    return networkIn(network, options, source);
  });
}

/** @throws RangeError for a search of networks that trained none in the end: the one in its file is that of which it made copies */
function checkTrained(held: unknown): void {
  const { className } = partsOf(endOf(held)) ?? {};
  if (className?.endsWith('SearchCV'))
    throw new RangeError(`Expected a ${className} that trained its best network (refit: true), got one without`);
}

/** What predicts within a predictor, at the end of a pipeline, and as the best of a search; a search without one itself. */
function endOf(held: unknown): unknown {
  const { className, config, state } = partsOf(held) ?? {};
  if (className === 'Predictor') return endOf((config as { pipeline: unknown }).pipeline);
  if (className === 'Pipeline') return endOf((config as { steps: unknown[][] }).steps.at(-1)?.[1]);
  const { best } = (state ?? {}) as { best?: unknown };
  return best === undefined ? held : endOf(best);
}

function networkIn(file: ModelFile, { dtype }: ImportOptions, source: string): Model {
  const { architecture, weights = [], metadata = {} } = file;
  const model = objectIn(file) as Model;
  if (dtype === undefined || dtype === model.dtype) return model;
  const other = modelFrom('architecture', { ...architecture, dtype });
  if (model.loss !== undefined)
    warn(
      'FJORDNET_IMPORT',
      `How the network of ${source} is trained is left out, as it is made anew in ${dtype}: without the option dtype training goes on`,
    );
  const values = new Map(weights);
  const names = other.weightNames;
  return withNumbers(other, (_, i) => values.get(names[i])?.data, { metadata });
}

/** The layers of an estimator, also at the end of a pipeline or a predictor, or the best of a search. @throws TypeError for what has none */
export function perceptronIn(held: unknown, options: ImportOptions = {}): Model {
  const last = endOf(held);
  const { className, state } = partsOf(last) ?? {};
  if (className !== 'MLPClassifier' && className !== 'MLPRegressor')
    throw new TypeError(
      `Expected a network, or what ends in one, got ${className ?? (last as object).constructor.name}`,
    );
  const saved = state as Partial<SklearnMLP['state']>;
  if (!saved.architecture) throw notFitted(`the ${className}`, 'its network');
  return layersOf(saved as SklearnMLP['state'], options);
}

export const ownReader: Reader = { read: async (file, options) => read(file, options) };
