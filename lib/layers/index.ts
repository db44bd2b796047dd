import { Dense, type DenseOptions } from './dense.js';
import type { Layer } from './layer.js';

/** The layers, by the names TensorFlow.js gives them. */
export const layers = {
  dense: (options: DenseOptions) => new Dense(options),
};

/** The layer that `className` and `config` (of its `getConfig`) describe. */
export function layerFrom(_className: string, config: object): Layer {
  return new Dense(config as DenseOptions);
}
