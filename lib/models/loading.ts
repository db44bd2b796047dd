import { type NDArray, position } from '../array.js';
import {
  checkBoolean,
  checkInteger,
  checkInterval,
  checkOneOf,
  checkOptions,
  wrongType,
  wrongValue,
} from '../check.js';
import type { Graph } from '../graph/graph.js';
import { Recorder } from '../graph/recorder.js';
import { layerPaths, weightName, weightsOfGraph } from '../graph/weights.js';
import { filePath } from '../io/atomic.js';
import { at, ofFile } from '../io/file-errors.js';
import { type JsonObject, loadModel, type ModelFile, parseModel } from '../io/model-file.js';
import { isPlain } from '../kind.js';
import type { Layer, Shape } from '../layers/layer.js';
import { lossFrom } from '../losses.js';
import { type Metric, metricFrom } from '../metrics.js';
import { optimizerFrom } from '../optimizers.js';
import type { MT19937State } from '../random.js';
import type { FloatType } from '../tape.js';
import type { Trained } from '../training/loop.js';
import { warn } from '../warn.js';
import { modelFrom } from './architecture.js';
import { allMetrics } from './compile.js';
import type { Engine } from './engine.js';
import type { Model } from './model.js';
import { type Compiled, type CompiledOutput, declareWeights } from './network.js';

export interface LoadOptions {
  /** Take a file whose weights, or whose optimizer's memory, hold NaN or Infinity. Default false: refuse it */
  allowNonFinite?: boolean;
}

type Tensors = readonly (readonly [name: string, values: NDArray])[];

interface Loaded {
  readonly model: Model;
  readonly compiled?: Compiled;
  readonly iterations: number;
  readonly metadata: JsonObject;
  readonly random: MT19937State;
  readonly weights: Tensors;
  readonly optimizerState: Tensors;
}

/**
 * Reads a network's file and checks all of it: architecture and training value by value, and that the tensors are the
 * weights and the optimizer's memory of just this network. Until then nothing is allocated beside the file's content.
 *
 * @throws Error with code ERR_FORMAT, the file's name and the place in it
 */
export async function readFile(path: string | URL, options?: LoadOptions): Promise<Loaded> {
  const allowNonFinite = checkLoadOptions(options);
  const file = await loadModel(path);
  return ofFile(path, () => readModel(file, allowNonFinite));
}

function checkLoadOptions(options: LoadOptions = {}): boolean {
  checkOptions('options', options, ['allowNonFinite']);
  return checkBoolean('allowNonFinite', options.allowNonFinite ?? false);
}

function readModel(file: ModelFile, allowNonFinite: boolean): Loaded {
  const { architecture, training = {}, metadata = {}, weights = [], optimizerState = [], randomState: random } = file;
  if (!architecture) {
    const className = file.object?.json.className;
    throw new TypeError(`Expected a network, got a ${className} (${className}.load, or loadPredictor, reads it)`);
  }
  if (!random) throw new TypeError('Expected the state of its generator, got none');
  const model = modelFrom('architecture', architecture, 0); // its generator is to be restored
  const loaded = { model, ...readTraining(training, model), metadata, weights, optimizerState, random };
  checkTensors(loaded);
  if (!allowNonFinite) {
    for (const tensor of weights) checkFinite('weight', tensor);
    for (const tensor of optimizerState) checkFinite('optimizer state', tensor);
  }
  return loaded;
}

type EngineOf = (model: Model) => Engine;

/** The network of a file. `engineOf`: what is to be restored of it */
export async function loadFile(
  path: string | URL,
  options: LoadOptions | undefined,
  engineOf: EngineOf,
): Promise<Model> {
  const allowNonFinite = checkLoadOptions(options);
  const file = await loadModel(path);
  if (file.object && file.architecture)
    warn(
      'FJORDNET_PREPROCESSING',
      `'${filePath(path)}' holds preprocessing beside the network, which is given what that makes of rows: loadPredictor reads both`,
    );
  return ofFile(path, () => modelOf(file, allowNonFinite, engineOf));
}

/** The same of bytes. */
export function loadBytes(bytes: Uint8Array, options: LoadOptions | undefined, engineOf: EngineOf): Model {
  const allowNonFinite = checkLoadOptions(options);
  const file = parseModel(bytes);
  return ofFile('the bytes', () => modelOf(file, allowNonFinite, engineOf));
}

export function modelOf(file: ModelFile, allowNonFinite: boolean, engineOf: EngineOf): Model {
  const loaded = readModel(file, allowNonFinite);
  const { model, compiled, metadata } = loaded;
  const engine = engineOf(model);
  model.metadata = metadata;
  engine.restore(compiled);
  const { random, progress } = engine;
  // drawing weights that are overwritten may take longer than the rest: recurrent ones begin orthogonal
  const values = new Map(loaded.weights);
  for (const { layer, weight } of weightsOfGraph(model.graph as Graph))
    weight.held.values = values.get(weightName(layer, weight));
  restoreInto({ network: engine.record(model.graph as Graph), random, progress }, loaded);
  return model;
}

/** Puts loaded values into a network of the same weights, by name. */
export function restoreInto(
  { network, random, progress }: Pick<Trained, 'network' | 'random' | 'progress'>,
  loaded: Pick<Loaded, 'weights' | 'optimizerState' | 'iterations' | 'random'>,
): void {
  const { plan, recorder, weights } = network;
  const values = new Map(loaded.weights);
  for (const { name, buffer } of weights) plan.write(buffer, values.get(name) as NDArray);
  const memory = new Map(loaded.optimizerState);
  for (const buffer of recorder.states) plan.write(buffer, memory.get(buffer.name) as NDArray);
  progress.iterations = loaded.iterations;
  random.setState(loaded.random);
}

function readTraining(training: JsonObject, model: Model): { iterations: number; compiled?: Compiled } {
  const { iterations = 0, optimizer, loss, lossWeights, metrics, weightedMetrics, frozen = [] } = training;
  checkInteger('training.iterations', iterations, 0);
  const wanted = { iterations: iterations as number };
  if (optimizer === undefined && loss === undefined && metrics === undefined) return wanted;
  const names = model.outputNames;
  const isOne = names.length === 1;
  const list = (place: string, given: unknown) => {
    if (!Array.isArray(given)) throw wrongType(place, 'an array', given);
    if (given.length !== names.length)
      throw wrongValue(place, `${names.length} entries, one for each output`, given.length);
    return given;
  };
  const listsOf = (option: string, given: unknown) => {
    if (!Array.isArray(given)) throw wrongType(`training.${option}`, 'an array', given);
    return isOne ? [given] : list(`training.${option}`, given);
  };
  const losses = isOne ? [loss] : list('training.loss', loss);
  const factors = lossWeights === undefined ? names.map(() => 1) : list('training.lossWeights', lossWeights);
  const plain = listsOf('metrics', metrics);
  const weighted = weightedMetrics === undefined ? names.map(() => []) : listsOf('weightedMetrics', weightedMetrics);
  const outputs = names.map((name, i): CompiledOutput => {
    const place = (option: string) => (isOne ? `training.${option}` : `training.${option}[${i}]`);
    const factor = checkInterval(place('lossWeights'), factors[i], 0, Number.POSITIVE_INFINITY);
    if (losses[i] === null && !isOne) return { name, lossWeight: factor, metrics: [] };
    const own = readConfig(place('loss'), losses[i], lossFrom);
    const read = (option: string, given: unknown) => {
      if (!Array.isArray(given)) throw wrongType(place(option), 'an array', given);
      return given.map((metric: unknown, k) =>
        readConfig(`${place(option)}[${k}]`, metric, (config: Metric['config']) => metricFrom(config, own)),
      );
    };
    const metrics = allMetrics(read('metrics', plain[i]), read('weightedMetrics', weighted[i]));
    return { name, loss: own, lossWeight: factor, metrics };
  });
  const stay = readFrozen(frozen, model);
  return {
    ...wanted,
    compiled: {
      optimizer: readConfig('training.optimizer', optimizer, optimizerFrom),
      outputs,
      frozen: stay,
      // it may have been frozen since: then layers of it are trained
      isFrozen: !model.trainable && model.layers.every((layer) => stay.has(layer)),
    },
  };
}

function readFrozen(frozen: unknown, { graph }: Model): ReadonlySet<Layer> {
  if (!Array.isArray(frozen)) throw wrongType('training.frozen', 'an array of names of layers', frozen);
  const paths = new Map([...layerPaths(graph as Graph)].map(([layer, path]) => [path, layer]));
  return new Set(
    frozen.map((path, i) => paths.get(checkOneOf(`training.frozen[${i}]`, path, [...paths.keys()])) as Layer),
  );
}

function readConfig<C, T>(place: string, config: unknown, from: (config: C) => T): T {
  if (!isPlain(config)) throw wrongType(place, 'an object', config);
  return at(place, () => from(config as C));
}

/** The tensors that the network will have, found by declaring its weights on a tape that is never compiled. */
function checkTensors({ model, compiled, weights, optimizerState }: Loaded): void {
  const { dtype, graph } = model;
  const t = new Recorder(dtype);
  declareWeights(t, weightsOfGraph(graph as Graph, compiled?.frozen));
  compiled?.optimizer.record(t, t.parameters);
  compareTensors(
    'weight',
    t.parameters.map(({ value }) => value),
    weights,
    dtype,
  );
  compareTensors('optimizer state', t.states, optimizerState, dtype);
}

export function compareTensors(
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

/** @throws RangeError with the place, for NaN and Infinity */
export function checkFinite(what: string, [name, { data, shape }]: Tensors[number]): void {
  for (let i = 0; i < data.length; i++)
    if (!Number.isFinite(data[i]))
      throw new RangeError(
        `Expected the ${what} '${name}' to be finite, got ${data[i]} at ${position(i, shape)} ` +
          '(load it with { allowNonFinite: true } to have it nevertheless)',
      );
}
