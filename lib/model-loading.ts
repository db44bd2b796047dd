import { type NDArray, position } from './array.js';
import { checkBoolean, checkInteger, checkOneOf, checkOptions, failure, wrongType, wrongValue } from './check.js';
import { Recorder } from './graph/recorder.js';
import { type JsonObject, loadModel } from './io/model-file.js';
import { sourceOf } from './io/read.js';
import { layerFrom } from './layers/index.js';
import { checkShape, type Layer, type Shape } from './layers/layer.js';
import { lossFrom } from './losses.js';
import { type Metric, metricFrom } from './metrics.js';
import type { SavedState } from './model-io.js';
import { declareLayers, type Network, shapesOf, type Training } from './network.js';
import { optimizerFrom } from './optimizers.js';
import type { Buffer, FloatType } from './tape.js';

export interface LoadOptions {
  /** Take a file whose weights, or whose optimizer's memory, hold NaN or Infinity. Default false: refuse it */
  allowNonFinite?: boolean;
}

type Tensors = readonly (readonly [name: string, values: NDArray])[];

export interface LoadedModel extends SavedState {
  name: string;
  dtype: FloatType;
  layers: Layer[];
  layerNames: string[];
  inputShape: Shape;
  weights: Tensors;
  optimizerState: Tensors;
}

/** What a message may say of a value in the file. */
const MAX_MESSAGE = 400;
/** Values of one sample, as the arena takes them. */
const MAX_VALUES = 2 ** 40;

/**
 * Reads a network's file and checks all of it: architecture and training value by value, and that the tensors are the
 * weights and the optimizer's memory of just this network. Until then nothing is allocated beside the file's content.
 *
 * @throws Error with code ERR_FORMAT, the file's name and the place in it
 */
export async function loadSequential(path: string | URL, options: LoadOptions = {}): Promise<LoadedModel> {
  checkOptions('options', options, ['allowNonFinite']);
  const allowNonFinite = checkBoolean('allowNonFinite', options.allowNonFinite ?? false);
  const { architecture, training = {}, weights, optimizerState = [], randomState: random } = await loadModel(path);
  return ofFile(path, () => {
    if (!random) throw new TypeError('Expected the state of its generator, got none');
    const described = readArchitecture(architecture);
    const trained = readTraining(training);
    const loaded = { ...described, ...trained, weights, optimizerState, random };
    checkTensors(loaded);
    if (!allowNonFinite) checkFinite(loaded);
    return loaded;
  });
}

/** Puts loaded values into the network that was recorded for them, by name. */
export function restore({ plan, recorder }: Network, { weights, optimizerState }: LoadedModel): void {
  const fill = (buffers: readonly Buffer[], tensors: Tensors) => {
    const values = new Map(tensors);
    for (const buffer of buffers) plan.write(buffer, values.get(buffer.name) as NDArray);
  };
  fill(
    recorder.parameters.map(({ value }) => value),
    weights,
  );
  fill(recorder.states, optimizerState);
}

/** Runs `make`; what it throws becomes an error of the file, unless memory is what is missing. */
export function ofFile<T>(path: string | URL, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_MEMORY') throw error;
    const reason = reasonOf(error);
    const shown = reason.length > MAX_MESSAGE ? `${reason.slice(0, MAX_MESSAGE)} …` : reason;
    throw failure('ERR_FORMAT', `Cannot load a model from ${sourceOf(path)}: ${shown}`, { cause: error });
  }
}

/** The same for one place in the file. */
function at<T>(place: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw failure('ERR_FORMAT', `${place}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Our own sentences say what is wrong; an engine's do not. */
function reasonOf(error: unknown): string {
  const { code, message } = error as Error & { code?: string };
  return code === 'ERR_FORMAT' || message.startsWith('Expected ') ? message : 'Expected what save writes';
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readArchitecture(architecture: JsonObject) {
  const { className, name, dtype, inputShape, layers: entries } = architecture;
  if (className !== 'Sequential') throw wrongValue('architecture.className', "'Sequential'", className);
  if (typeof name !== 'string') throw wrongType('architecture.name', 'a string', name);
  if (!Array.isArray(entries) || entries.length === 0)
    throw wrongType('architecture.layers', 'an array of layers, of one at least', entries);
  const layers: Layer[] = [];
  const names = new Set<string>();
  const input = checkShape('architecture.inputShape', inputShape);
  let shape = checkSize('architecture.inputShape', input);
  for (const [i, entry] of entries.entries()) {
    const place = `architecture.layers[${i}]`;
    const layer = readLayer(place, entry);
    if (layer.name === undefined) throw wrongType(`${place}.config.name`, 'a string', layer.name);
    if (names.has(layer.name)) throw wrongValue(`${place}.config.name`, 'unique in the network', layer.name);
    names.add(layer.name);
    layers.push(layer);
    const before = shape;
    shape = checkSize(
      place,
      at(place, () => shapesOf([layer], before)[0]),
    );
  }
  return {
    name,
    dtype: checkOneOf('architecture.dtype', dtype, ['float32', 'float64']),
    layers,
    layerNames: [...names],
    inputShape: input,
  };
}

function readLayer(place: string, entry: unknown): Layer {
  if (!isObject(entry)) throw wrongType(place, 'an object', entry);
  const { className, config } = entry;
  if (typeof className !== 'string') throw wrongType(`${place}.className`, 'a string', className);
  if (!isObject(config)) throw wrongType(`${place}.config`, 'an object', config);
  for (const [key, value] of Object.entries(config))
    if (isObject(value) && Object.hasOwn(value, 'config'))
      throw wrongType(`${place}.config.${key}`, 'no object with a config, but one with a name', value); // that is code's
  return at(place, () => layerFrom(className, config));
}

function checkSize(place: string, shape: Shape): Shape {
  const size = shape.reduce((product, n) => product * n, 1);
  if (!(size <= MAX_VALUES))
    throw new RangeError(`Expected ${place} to have at most 2^40 values a sample, got ${size}`);
  return shape;
}

function readTraining(training: JsonObject): { iterations: number; compiled?: Training } {
  const { iterations = 0, optimizer, loss, metrics } = training;
  checkInteger('training.iterations', iterations, 0);
  const wanted = { iterations: iterations as number };
  if (optimizer === undefined && loss === undefined && metrics === undefined) return wanted;
  if (!Array.isArray(metrics)) throw wrongType('training.metrics', 'an array', metrics);
  const trained = readConfig('training.loss', loss, lossFrom);
  return {
    ...wanted,
    compiled: {
      optimizer: readConfig('training.optimizer', optimizer, optimizerFrom),
      loss: trained,
      metrics: metrics.map((metric, i) =>
        readConfig(`training.metrics[${i}]`, metric, (config: Metric['config']) => metricFrom(config, trained)),
      ),
    },
  };
}

function readConfig<C, T>(place: string, config: unknown, from: (config: C) => T): T {
  if (!isObject(config)) throw wrongType(place, 'an object', config);
  return at(place, () => from(config as C));
}

/** The tensors that the network will have, found by declaring its weights on a tape that is never compiled. */
function checkTensors({ dtype, layers, layerNames, inputShape, compiled, weights, optimizerState }: LoadedModel): void {
  const t = new Recorder(dtype);
  declareLayers(t, layers, layerNames, inputShape);
  compiled?.optimizer.record(t, t.parameters);
  const parameters = t.parameters.map(({ value }) => value);
  compare('weight', parameters, weights, dtype);
  compare('optimizer state', t.states, optimizerState, dtype);
}

export function compare(
  what: string,
  buffers: readonly { readonly name: string; readonly shape: Shape }[],
  tensors: Tensors,
  dtype: FloatType,
): void {
  const byName = new Map(tensors);
  for (const { name, shape } of buffers) {
    const array = byName.get(name);
    if (array?.shape.join() !== shape.join()) {
      const got = array ? `shape [${array.shape.join(', ')}]` : 'none';
      throw new RangeError(`Expected the ${what} '${name}' to be of shape [${shape.join(', ')}], got ${got}`);
    }
    if (array.dtype !== dtype) throw new TypeError(`Expected the ${what} '${name}' to be ${dtype}, got ${array.dtype}`);
  }
  if (byName.size !== buffers.length) {
    const known = new Set(buffers.map(({ name }) => name));
    const other = tensors.find(([name]) => !known.has(name))?.[0];
    throw new RangeError(`Expected ${buffers.length} ${what} tensors, got ${byName.size}, among them '${other}'`);
  }
}

function checkFinite({ weights, optimizerState }: LoadedModel): void {
  for (const [what, tensors] of [
    ['weight', weights],
    ['optimizer state', optimizerState],
  ] as const)
    for (const [name, { data, shape }] of tensors)
      for (let i = 0; i < data.length; i++)
        if (!Number.isFinite(data[i]))
          throw new RangeError(
            `Expected the ${what} '${name}' to be finite, got ${data[i]} at ${position(i, shape)} ` +
              '(load it with { allowNonFinite: true } to have it nevertheless)',
          );
}
