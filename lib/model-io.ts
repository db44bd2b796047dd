import { type JsonObject, saveModel } from './io/model-file.js';
import type { Network, Training } from './network.js';
import type { MT19937State } from './random.js';
import type { Sequential } from './sequential.js';

/** What goes into a file beside the network itself, so that training resumes as if it had not stopped. */
export interface SavedState {
  compiled?: Training;
  iterations: number;
  random: MT19937State;
}

export async function saveSequential(
  path: string,
  model: Sequential,
  network: Network,
  state: SavedState,
): Promise<void> {
  const { plan, recorder, inputShape } = network;
  const { compiled, iterations, random } = state;
  await saveModel(path, {
    architecture: plain({
      className: 'Sequential',
      name: model.name,
      dtype: model.dtype,
      inputShape,
      layers: model.layers.map((layer, i) => ({
        className: layer.className,
        config: { name: model.layerNames[i], ...layer.getConfig() },
      })),
    }),
    weights: recorder.parameters.map(({ value }) => [value.name, plan.read(value)] as const),
    optimizerState: recorder.states.map((state) => [state.name, plan.read(state)] as const),
    training: plain({
      iterations,
      ...(compiled && {
        optimizer: compiled.optimizer.config,
        loss: compiled.loss.config,
        metrics: compiled.metrics.map((metric) => metric.config),
      }),
    }),
    randomState: random,
  });
}

/** Drops what is undefined and copies the rest, so that only JSON's values remain. */
const plain = (value: object): JsonObject => JSON.parse(JSON.stringify(value));
