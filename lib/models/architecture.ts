import { NDArray } from '../array.js';
import { checkBoolean, checkOneOf, failure, wrongType, wrongValue } from '../check.js';
import type { Graph } from '../graph/graph.js';
import { isCall, marked, type Shape, sizeOf, topological, type Value } from '../graph/value.js';
import { at } from '../io/file-errors.js';
import type { JsonObject } from '../io/model-file.js';
import { isInputLayer, isPlain } from '../kind.js';
import { described } from '../layers/described.js';
import { checkShape, Layer } from '../layers/layer.js';
import { layerFrom } from '../layers/registry.js';
import type { FloatType } from '../tape.js';
import { checkExtent, checkFixed, checkWithin, fixedWithin } from './extent.js';
import type { Model } from './model.js';
import { operationConfig, operationFrom } from './operations.js';
import { shapesOf } from './shapes.js';
import { checkShared, describedOnce, partsOfOwn, type Reading, reading, sameLayer } from './sharing.js';

/** How a network of each class is made from what its file says. */
interface Kinds {
  Sequential(of: Own & { layers: readonly Layer[]; inputShape?: Shape }): Model;
  Model(of: Own & { inputs: Value[]; outputs: Value | Value[] }): Model;
}
interface Own {
  name: string;
  dtype: FloatType;
  seed: number | undefined;
}
const kinds: Partial<Kinds> = {};

export function registerKind<K extends keyof Kinds>(className: K, make: Kinds[K]): void {
  kinds[className] = make;
}

/** Values of one sample, as the arena takes them. */
const MAX_VALUES = 2 ** 40;

/** What of a network is saved beside its numbers. */
export function architectureOf(model: Model): JsonObject {
  const { className, name, dtype, graph } = model;
  const layers = layersOf(model);
  if (!graph) throw failure('ERR_NOT_BUILT', `Expected the input shape of the network '${name}' to be known`);
  checkExtent(`the network '${name}'`, graph);
  const parts = [...partsOfOwn(graph)];
  const own = {
    className,
    name,
    dtype,
    ...(!model.trainable && { trainable: false }),
    ...(parts.length > 0 && { frozenParts: parts.flatMap(([path, { trainable }]) => (trainable ? [] : [path])) }),
  };
  if (className === 'Sequential') return { ...own, inputShape: graph.inputs[0].shape, layers };
  const order = topological(graph.outputs);
  const places = new Map<Value, [call: number, output: number]>();
  for (const [i, from] of order.entries())
    (isCall(from) ? from.outputs : [from.output]).forEach((value, k) => {
      places.set(value, [i, k]);
    });
  const place = (value: Value) =>
    value.constant ? { shape: value.shape, constant: Array.from(value.constant.data, inJson) } : places.get(value);
  return {
    ...own,
    layers,
    calls: order.map((from) => ({
      ...(isCall(from)
        ? { layer: graph.names.get(from.layer), ...(from.list && { list: true }) }
        : operationConfig(from)),
      inputs: from.inputs.map(place),
    })),
    inputs: graph.inputs.map(place),
    outputs: model.isListed ? graph.outputs.map(place) : place(graph.outputs[0]),
  };
}

function layersOf({ layers, layerNames }: Model) {
  checkShared(layers);
  return describedOnce(layers.map((layer, i) => described(layer, layerNames[i])));
}

/** Drops what is undefined and copies the rest, so that only JSON's values remain. */
export const plain = (value: object): JsonObject => JSON.parse(JSON.stringify(value));

/** Another network of the same architecture, whose layers have no numbers. */
export function copyOf(model: Model, seed: number | undefined): Model {
  if (model.graph) return modelFrom('the network', plain(architectureOf(model)), seed);
  const { name, dtype } = model; // a Sequential that does not know its input yet
  const whole = reading('');
  const layers = layersOf(model).map((entry, i) => readLayer(`layers[${i}]`, plain(entry), whole));
  return trainedAs((kinds.Sequential as Kinds['Sequential'])({ name, dtype, seed, layers }), model.trainable);
}

/**
 * The network that a file describes, of layers that have no numbers yet. `seed`: what draws them
 * @throws TypeError or RangeError with the place in the file
 */
export function modelFrom(place: string, described: JsonObject, seed?: number, whole = reading(`${place}.`)): Model {
  const { className, name, dtype, layers: entries, trainable = true } = described;
  checkBoolean(`${place}.trainable`, trainable);
  const kind = checkOneOf(`${place}.className`, className as string, ['Sequential', 'Model']);
  if (typeof name !== 'string') throw wrongType(`${place}.name`, 'a string', name);
  const common = { name, seed, dtype: checkOneOf(`${place}.dtype`, dtype as FloatType, ['float32', 'float64']) };
  if (!Array.isArray(entries) || entries.length === 0)
    throw wrongType(`${place}.layers`, 'an array of layers, of one at least', entries);
  const input = kind === 'Sequential' ? checkShape(`${place}.inputShape`, described.inputShape) : undefined;
  if (input) checkSize(`${place}.inputShape`, input);
  const layers: Layer[] = [];
  const byName = new Map<string, Layer>();
  for (const [i, entry] of entries.entries()) {
    const own = `${place}.layers[${i}]`;
    const layer = readLayer(own, entry, whole);
    const { name = layer.name } = entry;
    if (typeof name !== 'string') throw wrongType(`${own}.config.name`, 'a string', name);
    if (byName.has(name)) throw wrongValue(`${own}.config.name`, 'unique in the network', name);
    byName.set(name, layer);
    layers.push(layer);
  }
  checkWithin(place, input ? layers : appliedBy(described.calls, byName));
  const fixed = fixedWithin(layers);
  checkFixed(place, fixed);
  if (input) {
    let shape = input;
    for (const [i, layer] of layers.entries()) {
      const own = `${place}.layers[${i}]`;
      const before = shape;
      shape = checkSize(
        own,
        at(own, () => shapesOf([layer], before)[0]),
      );
    }
    const made = (kinds.Sequential as Kinds['Sequential'])({ ...common, layers, inputShape: input });
    return trainedAs(withParts(place, made, described.frozenParts), trainable);
  }
  const made = (kinds.Model as Kinds['Model'])({ ...common, ...readCalls(place, described, byName, fixed) });
  return trainedAs(withParts(place, made, described.frozenParts), trainable);
}

/** A network whose layers of one's own are made of layers that are frozen as the file says; old ones say nothing. */
function withParts(place: string, model: Model, frozen: unknown): Model {
  if (frozen === undefined) return model;
  if (!Array.isArray(frozen)) throw wrongType(`${place}.frozenParts`, 'an array of names of layers', frozen);
  const parts = partsOfOwn(model.graph as Graph);
  const paths = new Set(frozen.map((path, i) => checkOneOf(`${place}.frozenParts[${i}]`, path, [...parts.keys()])));
  for (const [path, part] of parts) trainedAs(part, !paths.has(path));
  return model;
}

function appliedBy(calls: unknown, layers: ReadonlyMap<string, Layer>): Layer[] {
  if (!Array.isArray(calls)) return []; // as readCalls will say
  return calls.flatMap((call) => (isPlain(call) && layers.get(call.layer as string)) || []);
}

/** Applies the layers as the file says; each call reads what those before it made. `fixed`: see `Extent`, of the networks among them. */
function readCalls(
  place: string,
  { calls, inputs, outputs }: JsonObject,
  layers: ReadonlyMap<string, Layer>,
  fixed: number,
) {
  let numbers = fixed;
  if (!Array.isArray(calls)) throw wrongType(`${place}.calls`, 'an array', calls);
  const made: (readonly Value[])[] = [];
  const value = (own: string, given: unknown): Value => {
    if (isPlain(given)) return readConstant(own, given);
    const [call, output] = Array.isArray(given) ? given : [];
    const found = Number.isInteger(call) && Number.isInteger(output) ? made[call]?.[output] : undefined;
    if (!found) throw wrongType(own, 'the place of a value that was made before', given);
    return found;
  };
  const list = (own: string, given: unknown) => {
    if (!Array.isArray(given)) throw wrongType(own, 'an array of places', given);
    return Array.from(given, (each, i) => value(`${own}[${i}]`, each));
  };
  for (const [i, call] of calls.entries()) {
    const own = `${place}.calls[${i}]`;
    if (!isPlain(call)) throw wrongType(own, 'an object', call);
    const from = list(`${own}.inputs`, call.inputs);
    made.push(at(own, () => ('op' in call ? [operationFrom(call, from)] : called(call, from, layers))));
    for (const { shape, batched } of made[i]) {
      checkSize(own, shape);
      if (!batched) numbers += sizeOf(shape);
    }
    checkFixed(own, numbers);
  }
  const isListed = Array.isArray(outputs) && outputs.some((output) => typeof output !== 'number');
  return {
    inputs: list(`${place}.inputs`, inputs),
    outputs: isListed ? list(`${place}.outputs`, outputs) : value(`${place}.outputs`, outputs),
  };
}

function called(call: JsonObject, from: readonly Value[], layers: ReadonlyMap<string, Layer>): readonly Value[] {
  const layer = layers.get(checkOneOf('layer', call.layer as string, [...layers.keys()])) as Layer;
  if (from.length === 0 && isInputLayer(layer)) return [layer.source];
  if (from.length === 0) throw wrongType('inputs', 'a list of one or more', from);
  if (call.list !== true && from.length > 1) throw wrongValue('inputs', 'one, unless it is a list', from.length);
  return layer.applied(call.list === true ? from : from[0]).outputs;
}

/** Numbers that JSON has not, such as the -Infinity of a mask of attention. */
const ODD: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '-0': -0,
};
const inJson = (value: number): number | string =>
  Object.is(value, -0) ? '-0' : Number.isFinite(value) ? value : String(value);
const fromJson = (value: unknown): unknown =>
  typeof value === 'string' && Object.hasOwn(ODD, value) ? ODD[value] : value;

function readConstant(place: string, { shape, constant }: JsonObject): Value {
  const own = checkShape(`${place}.shape`, shape);
  const numbers = Array.isArray(constant) ? Array.from(constant, fromJson) : [];
  if (numbers.length !== sizeOf(own) || !numbers.every((value) => typeof value === 'number'))
    throw wrongType(`${place}.constant`, `an array of ${sizeOf(own)} numbers`, constant);
  return marked({ shape: own, batched: false, constant: NDArray.wrap(Float64Array.from(numbers), own) });
}

/** Layers within layers, such as those of a wrapper: no one writes more. */
const MAX_DEPTH = 16;

/** @param whole the layers that were read before, one of which it may be */
export function readLayer(place: string, entry: unknown, whole = reading(''), depth = 0): Layer {
  if (!isPlain(entry)) throw wrongType(place, 'an object', entry);
  const { className, config, sameAs } = entry;
  if (typeof className !== 'string') throw wrongType(`${place}.className`, 'a string', className);
  if (sameAs !== undefined) return sameLayer(place, entry, whole);
  const layer = newLayer(place, className, config, whole, depth);
  whole.layers.set(place, layer);
  return layer;
}

function newLayer(place: string, className: string, config: unknown, whole: Reading, depth: number): Layer {
  if (!isPlain(config)) throw wrongType(`${place}.config`, 'an object', config);
  const { trainable = true, ...own }: Record<string, unknown> = config;
  checkBoolean(`${place}.config.trainable`, trainable);
  if (className === 'Model' || className === 'Sequential') {
    return trainedAs(modelFrom(`${place}.config`, own, 0, whole), trainable); // what draws is the whole
  }
  const within = (value: unknown, key: string) => {
    if (!isPlain(value) || typeof value.className !== 'string') return value;
    if (depth === MAX_DEPTH) throw wrongValue(`${place}.config.${key}`, `at most ${MAX_DEPTH} layers deep`, depth + 1);
    return readLayer(`${place}.config.${key}`, value, whole, depth + 1);
  };
  for (const [key, value] of Object.entries(own))
    own[key] = Array.isArray(value) ? value.map((each, i) => within(each, `${key}[${i}]`)) : within(value, key);
  for (const [key, value] of Object.entries(own))
    if (isPlain(value) && Object.hasOwn(value, 'config'))
      throw wrongType(`${place}.config.${key}`, 'no object with a config, but one with a name', value); // that is code's
  return trainedAs(
    at(place, () => layerFrom(className, own)),
    trainable,
  );
}

/** Of a network, or a layer made of others, this says nothing of these, which say so themselves. */
function trainedAs<L extends Layer>(layer: L, trainable: unknown): L {
  Reflect.set(Layer.prototype, 'trainable', trainable, layer);
  return layer;
}

export function checkSize(place: string, shape: Shape): Shape {
  const size = sizeOf(shape);
  if (!(size <= MAX_VALUES))
    throw new RangeError(`Expected ${place} to have at most 2^40 values a sample, got ${size}`);
  return shape;
}
