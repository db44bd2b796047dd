import { freeName, type Graph } from '../../graph/graph.js';
import { masksOf } from '../../graph/mask-depths.js';
import { type Call, isCall, type Node, topological, type Value } from '../../graph/value.js';
import type { JsonObject } from '../../io/model-file.js';
import { isInputLayer } from '../../kind.js';
import { described } from '../../layers/described.js';
import { type Layer, nameOf } from '../../layers/layer.js';
import { nameWithin } from '../../layers/wrapper.js';
import type { Composite } from '../../models/composite.js';
import { type Described, isKerasLayer, kerasLayer } from './config.js';
import type { KerasObject } from './config-parts.js';
import { type Argument, Emission, type Entry } from './emission.js';
import { isOfSteps } from './masks-in.js';
import { Operations } from './operations-out.js';

/** A layer of a network, as it is called there, and those within it in Keras' order where it is a network itself. */
export interface Written {
  readonly name: string;
  /** Keras' class */
  readonly className: string;
  readonly layer: Layer;
  readonly layers?: readonly Written[];
  /** The part of it that the network is: 'layer' of one that is applied to each step. */
  readonly part?: string;
}

/** What is written of a network: Keras' config, and the order of its layers. */
export interface WrittenModel {
  readonly object: KerasObject;
  readonly layers: readonly Written[];
}

/** What goes for a whole file. */
export interface Manner {
  /** Of the network. */
  readonly dtype: string;
  /** Whether the format has operations between layers. */
  readonly hasOperations: boolean;
}

/** Keras' config of a network, and of those within it. @throws TypeError naming what Keras does not have */
export function writeModel(model: Composite, name: string, manner: Manner): WrittenModel {
  const graph = model.graph as Graph;
  const trainable = model.trainable ? {} : { trainable: false };
  return model.className === 'Sequential'
    ? writeSequential(graph, name, trainable, manner)
    : writeFunctional(graph, model.isListed, name, trainable, manner);
}

function writeSequential(
  { layers, names, inputs: [x] }: Graph,
  name: string,
  own: JsonObject,
  manner: Manner,
): WrittenModel {
  const written = layers
    .filter((layer) => !isInputLayer(layer))
    .map((layer) => writeLayer(layer, names.get(layer) as string, manner));
  const [first] = layers;
  const input = inputLayer(isInputLayer(first) ? (names.get(first) as string) : freeNameOf(names), x, manner);
  const entries = [input, ...written.map(({ object }) => object)];
  const config = { name, ...own, dtype: manner.dtype, layers: entries, build_input_shape: [null, ...x.shape] };
  return { object: { module: 'keras', class_name: 'Sequential', config, registered_name: null }, layers: written };
}

const freeNameOf = (names: ReadonlyMap<Layer, string>) => freeName('InputLayer', new Set(names.values()));

function writeFunctional(graph: Graph, isListed: boolean, name: string, own: JsonObject, manner: Manner): WrittenModel {
  const order = topological(graph.outputs, new Set(graph.inputs));
  const masks = masksOf(order);
  const joins = (from: Node | Call) => isCall(from) && from.layer.className === 'Concatenate';
  const joinsMasks = order.some((from) => joins(from) && from.inputs.some((value) => masks.has(value)));
  const emission = new Emission(graph.names.values(), manner.dtype, joinsMasks);
  const values = new Map<Value, Value>();
  const operations = new Operations(emission, manner.dtype, values);
  const inputs = graph.inputs.map((value) => {
    const { from } = value;
    const known = from && isCall(from) && isInputLayer(from.layer) ? graph.names.get(from.layer) : undefined;
    const ownName = known ?? emission.fresh('input_layer');
    const input = emission.input(ownName, inputLayer(ownName, value, manner), value);
    values.set(value, input);
    return input;
  });
  const written = new Map<Layer, ReturnType<typeof writeLayer> & Entry>();
  const given = givenMasks(order, graph.outputs);
  for (const from of order) {
    const [masked] = from.inputs;
    if (isCall(from) && given.has(from.outputs[0])) {
      values.set(from.outputs[0], operations.argument(masked) as Value);
      continue;
    }
    if (!isCall(from)) {
      if (!manner.hasOperations)
        throw new TypeError(
          `Expected layers alone, as HDF5 files of Keras hold no operations between them, got '${from.op.name}' (format: 'keras' holds it)`,
        );
      operations.emit(from);
      continue;
    }
    const { layer, outputs } = from;
    let entry = written.get(layer);
    if (!entry) {
      const name = emission.apartFromMasks(graph.names.get(layer) as string);
      entry = { ...writeLayer(layer, name, manner), nodes: [] };
      written.set(layer, entry);
    }
    const { args, kwargs } = argumentsOf(
      layer,
      from.list,
      from.inputs.map((value) => operations.argument(value)),
    );
    const mask = given.get(masked);
    if (mask) kwargs.mask = operations.argument(mask);
    const shapes = outputs.map(({ shape }) => shape);
    for (const [k, value] of emission.call(entry, args, kwargs, shapes).entries()) values.set(outputs[k], value);
  }
  const outputs = graph.outputs.map((value) => values.get(value) as Value);
  const entries = emission.ordered(inputs, outputs);
  const places = (list: readonly Value[], isList: boolean) => {
    const all = list.map((value) => emission.place(value));
    return isList ? all : all[0];
  };
  const config = {
    name,
    ...own,
    layers: entries.map((entry) => ({ ...entry.object, name: entry.name, inbound_nodes: entry.nodes })),
    input_layers: places(inputs, inputs.length > 1),
    output_layers: places(outputs, isListed),
  };
  const object = {
    module: 'keras.src.models.functional',
    class_name: 'Functional',
    config,
    registered_name: 'Functional',
  };
  const layers = entries.flatMap((entry) => (entry.layer ? [entry as Entry & Written] : []));
  return { object, layers };
}

/**
 * The masks that Keras' layers are given beside their inputs: those of a masking that is given one, where all that read what it gives
 * are such layers.
 */
function givenMasks(order: readonly (Node | Call)[], outputs: readonly Value[]): Map<Value, Value> {
  const given = new Map<Value, Value>();
  for (const from of order)
    if (isCall(from) && from.layer.className === 'Masking' && from.list) {
      const [, mask] = from.inputs;
      if (mask?.batched && mask.shape.length === 1) given.set(from.outputs[0], mask);
    }
  const takesMask = (from: Node | Call) => isCall(from) && from.inputs.length === 1 && isOfSteps(from.layer);
  for (const from of order) if (!takesMask(from)) for (const value of from.inputs) given.delete(value);
  for (const value of outputs) given.delete(value);
  return given;
}

function inputLayer(name: string, { shape, dtype }: Value, manner: Manner): KerasObject {
  const config = { batch_shape: [null, ...shape], dtype: dtype ?? manner.dtype, sparse: false, ragged: false, name };
  return { module: 'keras.layers', class_name: 'InputLayer', config, registered_name: null };
}

function writeLayer(layer: Layer, name: string, manner: Manner): Written & { object: KerasObject } {
  if (name.includes('/'))
    throw new TypeError(
      `Expected the names of layers to have no '/', which Keras' files take for a path, got '${name}'`,
    );
  if (layer.graph) {
    const { object, layers } = writeModel(layer as unknown as Composite, name, manner);
    return { name, className: object.class_name, layer, layers, object };
  }
  if (!isKerasLayer(layer.className))
    throw new TypeError(
      `Expected layers that Keras has, got ${nameOf(layer)}: ONNX (format: 'onnx') holds what it computes, save() the layer itself`,
    );
  const [step] = layer.className === 'TimeDistributed' ? (layer.wrappedLayers as readonly Layer[]) : [];
  if (step?.graph) {
    const { object, layers } = writeModel(step as unknown as Composite, nameWithin(step), manner);
    const config = { name, trainable: layer.trainable, dtype: manner.dtype, layer: object };
    const own = { module: 'keras.layers', class_name: layer.className, config, registered_name: null };
    return { name, className: layer.className, layer, layers, part: 'layer', object: own };
  }
  checkReadable(layer, name, manner);
  const { class_name, config } = kerasLayer(`the layer '${name}'`, described(layer, name) as Described);
  const object = { module: 'keras.layers', class_name, config: withDtype(config, manner.dtype), registered_name: null };
  return { name, className: class_name, layer, object };
}

/** What Keras 3.15 would write, and not read as it was. @throws TypeError */
function checkReadable(layer: Layer, name: string, { hasOperations }: Manner): void {
  const { axis } = layer as { axis?: unknown };
  if (!hasOperations && Array.isArray(axis) && axis.length > 1)
    throw new TypeError(
      `Expected the layer '${name}' to have one axis, as Keras reads no others from HDF5, got [${axis.join(', ')}] (format: 'keras' holds it)`,
    );
  const [forward, backward] = (layer.wrappedLayers ?? []) as readonly { units?: number }[];
  if (layer.className === 'Bidirectional' && forward.units !== backward.units)
    throw new TypeError(
      `Expected both layers of '${name}' to have as many units, as Keras takes them to, got ${forward.units} and ${backward.units}`,
    );
}

/** The dtype of a layer and of those within it, which have modules, too. */
function withDtype(config: JsonObject, dtype: string): JsonObject {
  const entries = Object.entries(config).map(([key, value]) => {
    if (!/^(backward_)?layer$/.test(key)) return [key, value];
    const { class_name, config: own } = value as KerasObject;
    return [key, { module: 'keras.layers', class_name, config: withDtype(own, dtype), registered_name: null }];
  });
  return { ...Object.fromEntries(entries), dtype };
}

/** How Keras calls a layer of these inputs. */
function argumentsOf(layer: Layer, isList: boolean, inputs: readonly Argument[]) {
  if ('useCausalMask' in layer) {
    const { attentionMask, useCausalMask, returnAttentionScores } = layer as {
      attentionMask?: boolean;
      useCausalMask?: boolean;
      returnAttentionScores?: boolean;
    };
    const [query, value, key] = attentionMask ? inputs.slice(0, -1) : inputs;
    const isMultiHead = layer.className === 'MultiHeadAttention';
    const kwargs: Record<string, Argument> = {
      ...(isMultiHead && key !== undefined && { key }),
      ...(attentionMask && { attention_mask: inputs[inputs.length - 1] }),
      ...(useCausalMask && { use_causal_mask: true }),
      ...(returnAttentionScores && { return_attention_scores: true }),
    };
    return { args: isMultiHead ? [query, value] : [inputs], kwargs };
  }
  if (layer.className === 'Masking' && isList)
    throw new TypeError(
      `Expected ${nameOf(layer)} to be given a sequence alone, as Keras' Masking takes no mask (format: 'onnx' holds what it computes)`,
    );
  const [x, ...states] = inputs;
  if (layer.className === 'Bidirectional' || 'returnSequences' in layer)
    return { args: [x], kwargs: states.length > 0 ? { initial_state: states } : ({} as Record<string, Argument>) };
  return { args: isList ? [inputs] : [x], kwargs: {} };
}
