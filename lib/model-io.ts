import type { NDArray } from './array.js';
import { failure } from './check.js';
import { type JsonObject, loadModel, type ModelFile } from './io/model-file.js';
import { layerFrom } from './layers/index.js';
import type { Layer, Shape } from './layers/layer.js';
import { lossFrom } from './losses.js';
import { isMade, isOfMadeClass } from './made.js';
import { metricFrom } from './metrics.js';
import type { Network, Training } from './network.js';
import { optimizerFrom } from './optimizers.js';
import type { MT19937State } from './random.js';
import type { Sequential } from './sequential.js';
import type { Buffer, FloatType } from './tape.js';

/** What goes into a file beside the network itself, so that training resumes as if it had not stopped. */
export interface SavedState {
  compiled?: Training;
  iterations: number;
  random: MT19937State;
}

export interface LoadedModel extends SavedState {
  name: string;
  dtype: FloatType;
  layers: Layer[];
  inputShape: Shape;
  weights: readonly (readonly [string, NDArray])[];
  optimizerState: readonly (readonly [string, NDArray])[];
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
    if (!made)
      throw new TypeError(`Expected ${what} to be one of ${table}.*, as only these can be loaded again, got '${name}'`);
  };
  for (const [i, layer] of layers.entries()) {
    const name = `the layer '${layerNames[i]}'`;
    check(name, 'layers', isOfMadeClass(layer), layer.className);
    for (const [option, part] of partsOf(layer)) {
      const table = option.endsWith('nitializer') ? 'initializers' : 'activations';
      check(`the ${option} of ${name}`, table, isMade(part), part.config.name);
    }
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

/** @throws Error with code ERR_FORMAT if the file does not describe a network, or its tensors do not fit it */
export async function loadSequential(path: string): Promise<LoadedModel> {
  const file = await loadModel(path);
  const damaged = (reason: string, cause?: unknown) =>
    failure('ERR_FORMAT', `Cannot load a model from '${path}': ${reason}`, { cause });
  try {
    const { className, name, dtype, inputShape, layers } = file.architecture as Record<string, any>;
    if (className !== 'Sequential') throw new TypeError(`Expected its class to be Sequential, got ${className}`);
    const { iterations = 0, optimizer, loss, metrics } = (file.training ?? {}) as Record<string, any>;
    if (!Number.isSafeInteger(iterations) || iterations < 0)
      throw new RangeError(`Expected iterations to be a non-negative integer, got ${iterations}`);
    if (!file.randomState) throw new TypeError('Expected the state of its generator, got none');
    const trained = loss && lossFrom(loss);
    return {
      name,
      dtype,
      layers: layers.map((layer: { className: string; config: JsonObject }) =>
        layerFrom(layer.className, layer.config),
      ),
      inputShape,
      weights: file.weights,
      optimizerState: file.optimizerState ?? [],
      iterations,
      random: file.randomState,
      ...(trained && {
        compiled: {
          optimizer: optimizerFrom(optimizer),
          loss: trained,
          metrics: metrics.map((metric: JsonObject) => metricFrom(metric as never, trained)),
        },
      }),
    };
  } catch (error) {
    throw damaged((error as Error).message, error);
  }
}

/** Puts loaded values into a recorded network, by name. */
export function restore(network: Network, { weights, optimizerState }: LoadedModel): void {
  const { plan, recorder } = network;
  const fill = (what: string, buffers: readonly { name: string; shape: Shape }[], values: LoadedModel['weights']) => {
    const byName = new Map(values);
    for (const buffer of buffers) {
      const array = byName.get(buffer.name);
      if (array?.shape.join() !== buffer.shape.join())
        throw failure(
          'ERR_FORMAT',
          `Expected the ${what} '${buffer.name}' to be of shape [${buffer.shape.join(', ')}], got ${array ? `[${array.shape.join(', ')}]` : 'none'}`,
        );
    }
    if (byName.size !== buffers.length)
      throw failure('ERR_FORMAT', `Expected ${buffers.length} ${what}s, got ${byName.size}`);
    return byName;
  };
  const parameters = recorder.parameters.map(({ value }) => value);
  const ofWeights = fill('weight', parameters, weights);
  const ofStates = fill('optimizer state', recorder.states, optimizerState);
  for (const buffer of parameters) plan.write(buffer, ofWeights.get(buffer.name) as NDArray);
  for (const buffer of recorder.states) plan.write(buffer, ofStates.get(buffer.name) as NDArray);
}

/** Drops what is undefined and copies the rest, so that only JSON's values remain. */
const plain = (value: object): JsonObject => JSON.parse(JSON.stringify(value));
