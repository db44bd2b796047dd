import type { Layer, Shape } from './layers/layer.js';
import { warn } from './warn.js';

/**
 * Warns of a softmax of one output inside a network, as Keras does: it trains nothing before it.
 *
 * @param shapes of the layers' outputs, where they are known
 */
export function advise(layers: readonly Layer[], names: readonly string[], shapes: readonly Shape[] | undefined): void {
  for (const [i, layer] of layers.slice(0, -1).entries())
    if (layer.activation?.config.name === 'softmax' && shapes?.[i].at(-1) === 1)
      warn(
        'FJORDNET_SOFTMAX',
        `The softmax of the layer '${names[i]}' has one output, which is always 1: nothing before it is trained (take 'sigmoid')`,
      );
}
