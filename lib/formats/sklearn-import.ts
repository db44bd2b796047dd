import { MLPClassifier, MLPRegressor } from '../estimators/mlp.js';
import { ofSource } from '../io/file-errors.js';
import { Dense } from '../layers/dense.js';
import type { Model } from '../models/model.js';
import { Sequential } from '../models/sequential.js';
import type { ImportFile, ImportOptions, Reader } from './import.js';
import { withNumbers } from './made.js';
import { parseSklearn, type SklearnMLP } from './sklearn.js';

/** scikit-learn's activations by our names. */
const ACTIVATIONS = {
  ...({ identity: 'linear', logistic: 'sigmoid', tanh: 'tanh', relu: 'relu' } as const),
  ...({ softmax: 'softmax', exp: 'exponential' } as const),
};

/** The network of an estimator as layers: of two classes the second one's probability. Classes are in the metadata. */
export function layersOf(
  { architecture, weights = [], targets }: Pick<SklearnMLP['state'], 'architecture' | 'weights' | 'targets'>,
  own: ImportOptions = {},
): Model {
  const { units, activation, outActivation, dtype } = architecture;
  const last = units.length - 2;
  const layers = units.slice(1).map((n, l) => {
    const name = l === last ? outActivation : activation;
    return new Dense({
      name: l === last ? 'output' : `hidden_${l + 1}`,
      units: n,
      activation: ACTIVATIONS[name] ?? name,
      ...(l === 0 && { inputShape: [units[0]] }),
    });
  });
  const model = new Sequential({ layers, dtype: own.dtype ?? dtype, seed: 0 });
  const arrays = layers.flatMap((_, l) => [weights[l], weights[layers.length + l]]);
  const { classes } = (targets ?? {}) as { classes?: unknown };
  return withNumbers(model, (_, i) => arrays[i].data, classes ? { metadata: { classes } } : {});
}

async function read({ bytes, source }: ImportFile, options: ImportOptions): Promise<Model> {
  const { className, config, state } = await parseSklearn(bytes, source);
  return ofSource(source, () => {
    // which checks all of it
    (className === 'MLPClassifier' ? MLPClassifier : MLPRegressor).revive(config as never, state);
    return layersOf(state, options);
  });
}

export const sklearnReader: Reader = { read };
