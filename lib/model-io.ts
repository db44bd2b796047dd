import type { JsonObject, ModelFile } from './io/model-file.js';
import { isMade, isOfMadeClass } from './made.js';
import type { Network, Training } from './network.js';
import { optimizerFrom } from './optimizers.js';
import type { MT19937State } from './random.js';
import type { Sequential } from './sequential.js';
import type { Buffer } from './tape.js';

/** What goes into a file beside the network itself, so that training resumes as if it had not stopped. */
export interface SavedState {
  compiled?: Training;
  iterations: number;
  random: MT19937State;
}

/** All of the network as it is now: copies, for a file that may take its time to be written. */
export function snapshot(model: Sequential, network: Network, state: SavedState): ModelFile {
  const { plan, recorder, inputShape } = network;
  const { compiled, iterations, random } = state;
  checkLoadable(model, compiled);
  const read = (buffers: readonly Buffer[]) => buffers.map((buffer) => [buffer.name, plan.read(buffer)] as const);
  return {
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
    weights: read(recorder.parameters.map(({ value }) => value)),
    optimizerState: read(recorder.states),
    training: plain({
      iterations,
      ...(compiled && {
        optimizer: compiled.optimizer.config,
        loss: compiled.loss.config,
        metrics: compiled.metrics.map((metric) => metric.config),
      }),
    }),
    randomState: random,
  };
}

/** What cannot be loaded again is not saved. @throws TypeError for parts of a network that `load` could not make */
function checkLoadable({ layers, layerNames }: Sequential, compiled?: Training): void {
  const check = (what: string, table: string, made: boolean, name: unknown) => {
    if (made) return;
    const own = { layers: 'layer', losses: 'loss', metrics: 'metric', activations: 'activation' }[table];
    throw new TypeError(
      `Expected ${what} to be one of ${table}.*${own ? ` or made by custom.${own}` : ''}, as only these can be loaded again, got '${name}'`,
    );
  };
  for (const [i, layer] of layers.entries()) {
    const name = `the layer '${layerNames[i]}'`;
    check(name, 'layers', isOfMadeClass(layer), layer.className);
    for (const [option, part] of partsOf(layer)) {
      const table = option.endsWith('nitializer') ? 'initializers' : 'activations';
      check(`the ${option} of ${name}`, table, isMade(part), part.config.name);
    }
    for (const [option, part] of Object.entries(layer))
      if (
        typeof (part as { graph?: unknown } | undefined)?.graph === 'function' &&
        /(egularizer|onstraint)$/.test(option)
      )
        check(
          `the ${option} of ${name}`,
          option.endsWith('egularizer') ? 'regularizers' : 'constraints',
          false,
          'a function',
        );
  }
  if (!compiled) return;
  const { optimizer, loss, metrics } = compiled;
  check('the optimizer', 'optimizers', isMade(optimizer), optimizer.config?.name);
  const { learningRate } = optimizer;
  if (typeof learningRate === 'function')
    check('the learning rate', 'schedules', isMade(learningRate), learningRate.config.name);
  try {
    optimizerFrom(JSON.parse(JSON.stringify(optimizer.config))); // a schedule may hold another
  } catch (error) {
    throw new TypeError(`Expected an optimizer that can be loaded again: ${(error as Error).message}`, {
      cause: error,
    });
  }
  check('the loss', 'losses', isMade(loss), loss.config?.name);
  for (const metric of metrics) check('the metric', 'metrics', isMade(metric), metric.name);
}

/** What a layer is made with that has a config: its activation and its initializers. */
function partsOf(layer: object): [string, { config: { name: unknown } }][] {
  return Object.entries(layer).flatMap(([option, value]) => {
    if (option === 'initializers') return partsOf(value);
    return value !== null && (typeof value === 'object' || typeof value === 'function') && 'config' in value
      ? [[option, value]]
      : [];
  });
}

/** Drops what is undefined and copies the rest, so that only JSON's values remain. */
const plain = (value: object): JsonObject => JSON.parse(JSON.stringify(value));
