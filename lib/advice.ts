import type { Layer, Shape } from './layers/layer.js';
import type { Training } from './network.js';
import { warn } from './warn.js';

/**
 * Warns of what can be trained, and is hardly meant: of what Keras warns of, and of what it clips in silence.
 *
 * @param shapes of the layers' outputs, where they are known
 */
export function advise(
  layers: readonly Layer[],
  names: readonly string[],
  shapes: readonly Shape[] | undefined,
  { loss }: Training,
): void {
  for (const [i, layer] of layers.entries())
    if (i < layers.length - 1 && layer.activation?.config.name === 'softmax' && shapes?.[i].at(-1) === 1)
      warn(
        'FJORDNET_SOFTMAX',
        `The softmax of the layer '${names[i]}' has one output, which is always 1: nothing before it is trained (take 'sigmoid')`,
      );
  const wanted = loss.fuses;
  const activation = layers[layers.length - 1].activation?.config.name;
  if (wanted && activation !== undefined && activation !== 'softmax' && activation !== 'sigmoid')
    warn(
      'FJORDNET_PROBABILITIES',
      `The loss '${loss.config.name}' clips what is no probability, and the activation of the last layer is '${activation}': ` +
        `take '${wanted}', or the loss with fromLogits: true`,
    );
}
