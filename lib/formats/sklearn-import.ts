import { ofSource } from '../io/file-errors.js';
import { Dense } from '../layers/dense.js';
import type { Model } from '../models/model.js';
import { Sequential } from '../models/sequential.js';
import type { ImportFile, ImportOptions, Reader } from './import.js';
import { withNumbers } from './made.js';
import { parseSklearn } from './sklearn.js';

/** scikit-learn's activations by our names. */
const ACTIVATIONS = {
  ...({ identity: 'linear', logistic: 'sigmoid', tanh: 'tanh', relu: 'relu' } as const),
  ...({ softmax: 'softmax', exp: 'exponential' } as const),
};

/** scikit-learn's network as layers: of two classes the second one's probability. Classes are in the metadata. */
async function read({ bytes, source }: ImportFile, options: ImportOptions): Promise<Model> {
  const { state } = await parseSklearn(bytes, source);
  const { architecture, weights = [], targets } = state;
  return ofSource(source, () => {
    const { units, activation, outActivation, dtype } = architecture;
    const last = units.length - 2;
    const layers = units.slice(1).map((n, l) => {
      const own = l === last ? outActivation : activation;
      return new Dense({
        name: l === last ? 'output' : `hidden_${l + 1}`,
        units: n,
        activation: ACTIVATIONS[own] ?? own,
        ...(l === 0 && { inputShape: [units[0]] }),
      });
    });
    const model = new Sequential({ layers, dtype: options.dtype ?? dtype, seed: 0 });
    const arrays = layers.flatMap((_, l) => [weights[l], weights[layers.length + l]]);
    const { classes } = (targets ?? {}) as { classes?: unknown };
    return withNumbers(model, (_, i) => arrays[i].data, classes ? { metadata: { classes } } : {});
  });
}

export const sklearnReader: Reader = { read };
