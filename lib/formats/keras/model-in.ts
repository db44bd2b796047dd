import { checkInteger, wrongType, wrongValue } from '../../check.js';
import type { Shape, Value } from '../../graph/value.js';
import { at } from '../../io/file-errors.js';
import type { JsonObject } from '../../io/model-file.js';
import { isPlain } from '../../kind.js';
import { type Layer, nameOf } from '../../layers/layer.js';
import { InputLayer } from '../../layers/shape.js';
import { TimeDistributed } from '../../layers/time-distributed.js';
import { checkSize, readLayer } from '../../models/architecture.js';
import { checkWithin } from '../../models/extent.js';
import { Model } from '../../models/model.js';
import { Sequential } from '../../models/sequential.js';
import { shapesOf } from '../../models/shapes.js';
import { inputsOf } from '../made.js';
import { applyEntry, applyLayer, attentionOptions, type Constants, checkConstants } from './apply.js';
import { type CallNode, placesIn, type Reference, readNode, referencesIn, resolved } from './calls-in.js';
import { ourLayer, type Read } from './config.js';
import { entriesIn, isOperationEntry, type LayerEntry, NETWORKS, nameIn, readEntry } from './entries.js';
import { integerInputs } from './integers.js';
import { Masks } from './masks-in.js';
import { checkNumbers } from './operations-in.js';
import { withoutSpectral } from './spectral-in.js';
import { stackOf } from './stack-in.js';
import { checkTraining } from './training-argument.js';

/** A layer that was read, under Keras' name and class, and those within it where it is a network. */
export interface ReadLayer {
  readonly name: string;
  readonly className: string;
  readonly layer: Layer;
  readonly layers?: readonly ReadLayer[];
  /** The part of it that the network is: 'layer' of one that is applied to each step. */
  readonly part?: string;
}

/** A network, and its layers in the order of the file, which their weights go by. */
export interface ReadModel {
  readonly model: Model;
  readonly layers: readonly ReadLayer[];
  /** What the file calls the outputs, where each has a name. */
  readonly outputNames?: readonly string[];
}

/** What goes for a whole file. */
export interface Reading {
  readonly dtype: 'float32' | 'float64';
  /** Of Keras: how the nodes of networks are counted depends on it. */
  readonly isKeras2: boolean;
}

/** The same, while the networks within are read. */
type ReadingAll = Reading & { readonly constants: Constants };

/** Networks within networks: no one writes more. */
const MAX_DEPTH = 16;

/** The network that Keras' config describes. @throws TypeError or RangeError naming what there is not here, and its place */
export const readModel = (given: unknown, reading: Reading): ReadModel =>
  readNetwork(given, { ...reading, constants: { made: 0 } }, 0);

function readNetwork(given: unknown, reading: ReadingAll, depth: number): ReadModel {
  const { class_name: className, config } = readEntry('the network', given);
  if (depth > MAX_DEPTH) throw wrongValue('the networks within it', `at most ${MAX_DEPTH} deep`, depth);
  if (className === 'Sequential') return readSequential(config, reading, depth);
  if (NETWORKS.includes(className) || ('layers' in config && 'input_layers' in config))
    return readFunctional(config, reading, depth);
  throw wrongValue('the network', 'a Sequential or a functional model, as others are code', className);
}

/** The shape of a sample, of a batch's. @throws TypeError or RangeError where it is not known */
function shapeIn(place: string, given: unknown): number[] {
  if (!Array.isArray(given) || given.length === 0) throw wrongType(place, 'a list, from the batch on', given);
  return given.slice(1).map((n) => {
    if (n === null)
      throw wrongValue(place, 'known in all axes but the first, as lengths are fixed here', JSON.stringify(given));
    return checkInteger(place, n, 1);
  });
}

const inputShapeIn = ({ batch_shape, batch_input_shape, shape, input_shape }: JsonObject): unknown => {
  const sample = shape ?? input_shape;
  return batch_shape ?? batch_input_shape ?? (Array.isArray(sample) ? [null, ...sample] : undefined);
};

function readSequential(config: JsonObject, reading: ReadingAll, depth: number): ReadModel {
  const entries = entriesIn(config);
  const [first] = entries;
  const own = entries.filter((entry) => entry.class_name !== 'InputLayer');
  if (own.length === 0) throw wrongType('layers', 'a list with a layer beside its input', entries);
  if (own.length < entries.length - 1 || (own.length < entries.length && first.class_name !== 'InputLayer'))
    throw wrongValue('layers', 'a list with one input, the first', 'another');
  const nested = NETWORKS.includes(own[0].class_name);
  const given = inputShapeIn(first.config) ?? config.build_input_shape;
  if (given === undefined && !nested)
    throw wrongType(`the input shape of the network '${config.name}'`, 'known, as it is once it was built', given);
  const shape = given === undefined ? undefined : shapeIn('the input shape', given);
  if (shape) checkSize('the input shape', shape);
  const isInteger = integerInputs({ class_name: 'Sequential', config })[0];
  const layers: ReadLayer[] = [];
  const all: Layer[] = [];
  const isEmbedding = own[0].class_name === 'Embedding';
  if (shape && isInteger && !isEmbedding) all.push(new InputLayer({ shape, dtype: 'int32' }));
  for (const [i, entry] of own.entries()) {
    const name = nameIn(entry, `layer_${i}`);
    const inputShape = i === 0 && all.length === 0 && !nested ? shape : undefined;
    const { read, lastAxis, behind } = readOne(name, entry, [], reading, depth, inputShape);
    layers.push(read);
    all.push(read.layer);
    if (behind) all.push(behind);
    if (lastAxis !== undefined) axes.set(read.layer, lastAxis);
  }
  checkWithin('the network', all);
  checkSizes(all, shape, reading);
  const model = new Sequential({ layers: all, name: nameOfModel(config, 'sequential'), dtype: reading.dtype });
  for (const layer of model.graph?.layers ?? []) checkAxis(layer);
  freeze(model, config);
  return { model, layers };
}

/** What the layers of a list make of their sizes, before any is applied. */
function checkSizes(layers: readonly Layer[], inputShape: Shape | undefined, { constants }: ReadingAll): void {
  let shape = inputShape ?? (layers[0] as Model).graph?.inputs[0].shape;
  for (const layer of layers) {
    if (!shape) return;
    const before = shape;
    at(nameOf(layer), () => checkConstants(layer, [before], constants));
    shape = checkSize(`what ${nameOf(layer)} gives`, shapesOf([layer], shape)[0]);
  }
}

/** Axes that are to be the last ones, of layers that are not applied yet. */
const axes = new WeakMap<Layer, number>();

function checkAxis(layer: Layer): void {
  const axis = axes.get(layer);
  const built = layer.builtFor?.inputs as Value | undefined;
  if (axis !== undefined && built && axis !== built.shape.length)
    throw wrongValue(`the axis of ${nameOf(layer)}`, `the last, ${built.shape.length} or -1`, axis);
}

const nameOfModel = ({ name }: JsonObject, byDefault: string) =>
  typeof name === 'string' && name !== '' ? name : byDefault;

/** A network that is not trained has no layer that is. */
function freeze(model: Model, { trainable }: JsonObject): void {
  if (trainable === false) model.trainable = false;
}

function readOne(
  name: string,
  entry: LayerEntry,
  nodes: readonly CallNode[],
  reading: ReadingAll,
  depth: number,
  inputShape?: readonly number[],
): { read: ReadLayer; behind?: Layer } & Pick<Read, 'lastAxis'> {
  const { class_name: className, config } = entry;
  if (NETWORKS.includes(className)) {
    const inner = at(`the network '${name}'`, () =>
      readNetwork({ ...entry, config: { ...config, name } }, reading, depth + 1),
    );
    return { read: { name, className, layer: inner.model, layers: inner.layers } };
  }
  const inner = withoutSpectral(name, entry);
  if (inner) {
    const { read, ...rest } = readOne(name, inner, nodes, reading, depth, inputShape);
    return { ...rest, read: { ...read, className, part: 'layer' } };
  }
  const place = `the layer '${name}'`;
  const step = className === 'TimeDistributed' && config.layer;
  if (isPlain(step) && NETWORKS.includes(step.class_name as string)) {
    const inner = at(`the layer of ${place}`, () => readNetwork(step, reading, depth + 1));
    const layer = new TimeDistributed({ layer: inner.model, name, ...(inputShape && { inputShape }) });
    if (config.trainable === false) layer.trainable = false;
    return { read: { name, className, layer, layers: inner.layers, part: 'layer' } };
  }
  const stack = stackOf(place, className, config, (own, isFirst) => {
    const first = isFirst ? inputShape : undefined;
    return readOne(`${own.name}`, { class_name: 'RNN', config: own }, [], reading, depth, first).read.layer;
  });
  if (stack) return { read: { name, className, ...stack, part: 'cell' } };
  const { lastAxis, behind, ...described } = ourLayer(place, className, { ...config, name });
  const options = /Attention$/.test(className) ? attentionOptions(place, className, nodes) : {};
  const own = { ...described.config, ...options, ...(inputShape && { inputShape }) };
  const layer = readLayer(place, { className: described.className, config: own });
  return {
    read: { name, className, layer },
    ...(lastAxis !== undefined && { lastAxis }),
    ...(behind && { behind: readLayer(place, behind) }),
  };
}

/** A layer or an operation of a functional model, and what it gave so far. */
interface Member {
  readonly name: string;
  readonly entry: LayerEntry;
  readonly nodes: readonly CallNode[];
  readonly read?: ReadLayer;
  readonly behind?: Layer;
  readonly made: (readonly Value[])[];
  /** What its next node reads, and may not be made yet. */
  reads?: Reference[];
  /** The mask that its next node is given, and which is not that of its input; null where there is none. */
  mask?: Reference | null;
  isWaiting: boolean;
}

function readFunctional(config: JsonObject, reading: ReadingAll, depth: number): ReadModel {
  const integers = integerInputs({ class_name: 'Functional', config });
  const inputs = placesIn('input_layers', config.input_layers);
  const isInteger = new Set(inputs.list.filter((_, i) => integers[i]).map(({ layer }) => layer));
  const members = new Map<string, Member>();
  for (const entry of entriesIn(config)) {
    const name = nameIn(entry, '');
    if (members.has(name)) throw wrongValue('layers', 'a list of different names', name);
    members.set(name, memberOf(name, entry, isInteger.has(name), reading, depth));
  }
  checkWithin(
    'the network',
    [...members.values()].flatMap(({ read, nodes }) => (read ? nodes.map(() => read.layer) : [])),
  );
  // Keras 2 counts the nodes of networks from 1, version 3 in the lists of inputs and outputs alone
  const nodeOf = (member: Member, { node }: Reference, isPlace: boolean) => {
    const isNetwork = member.read?.layers !== undefined && member.read.part === undefined;
    const isCounted = reading.isKeras2 || (isPlace && member.entry.class_name !== 'Sequential');
    return isNetwork && isCounted ? Math.max(0, node - 1) : node;
  };
  const find = (reference: Reference): Member => {
    const member = members.get(reference.layer);
    if (!member) throw wrongValue('a layer that is read', 'one of the network', reference.layer);
    return member;
  };
  const valueAt = (reference: Reference, isPlace = false): Value => {
    const member = find(reference);
    const value = member.made[nodeOf(member, reference, isPlace)]?.[reference.output];
    if (!value) throw wrongValue(`output ${reference.output} of '${reference.layer}'`, 'one that it gives', 'none');
    return value;
  };
  const wanted = placesIn('output_layers', config.output_layers);
  // masks go with values here: what Keras computes them by is left out where nothing else reads it
  const masks = new Masks({
    operationAt: (reference) => {
      const { entry, nodes } = find(reference);
      return isOperationEntry(entry) ? { className: entry.class_name, node: nodes[reference.node] } : undefined;
    },
    valueAt: (reference) => {
      const member = find(reference);
      return member.made[nodeOf(member, reference, false)]?.[reference.output];
    },
  });
  run(new Set(wanted.list.map(find)), find, nodeOf, (reference) => valueAt(reference), masks, reading.constants);
  const outputs = wanted.list.map((place) => checkNumbers(valueAt(place, true)));
  const given = inputs.list.map((place) => valueAt(place, true));
  const names = inputs.list.map(({ layer }) => layer);
  // a network within another one is applied to values for all of its inputs
  const values = depth > 0 ? given : inputsOf(outputs, given, names, `the network '${nameOfModel(config, 'model')}'`);
  const isListed = wanted.isList && !(reading.isKeras2 && outputs.length === 1);
  const model = new Model({
    inputs: values.length === 1 ? values[0] : values,
    outputs: isListed ? outputs : outputs[0],
    name: nameOfModel(config, 'model'),
    dtype: reading.dtype,
  });
  freeze(model, config);
  const used = [...members.values()].filter(({ made }) => made.length > 0);
  return {
    model,
    layers: used.flatMap(({ read }) => (read ? [read] : [])),
    ...(wanted.names && { outputNames: wanted.names }),
  };
}

function memberOf(name: string, entry: LayerEntry, isInteger: boolean, reading: ReadingAll, depth: number): Member {
  const { class_name: className, config, inbound_nodes: given = [] } = entry;
  if (!Array.isArray(given)) throw wrongType(`the nodes of '${name}'`, 'a list', given);
  const nodes = given.map((node, i) => readNode(`node ${i} of '${name}'`, node));
  const member: Member = { name, entry, nodes, made: [], isWaiting: false };
  if (className === 'InputLayer') {
    const shape = shapeIn(`the shape of the input '${name}'`, inputShapeIn(config));
    checkSize(`the input '${name}'`, shape);
    const dtype = isInteger || /^u?int/.test(String(config.dtype)) ? 'int32' : 'float32';
    return { ...member, nodes: [], made: [[new InputLayer({ name, shape, dtype }).source]] };
  }
  if (isOperationEntry(entry)) return member;
  const { read, lastAxis, behind } = readOne(name, entry, nodes, reading, depth);
  if (reading.isKeras2) checkTraining(name, read.layer, nodes);
  if (lastAxis !== undefined) axes.set(read.layer, lastAxis);
  return { ...member, read, ...(behind && { behind }) };
}

/** Applies everything, each behind what it reads; without recursion, for networks of any depth. */
function run(
  members: Iterable<Member>,
  find: (reference: Reference) => Member,
  nodeOf: (member: Member, reference: Reference, isPlace: boolean) => number,
  valueAt: (reference: Reference) => Value,
  masks: Masks,
  constants: Constants,
): void {
  for (const start of members) {
    const stack = [{ member: start, until: start.nodes.length }];
    while (stack.length > 0) {
      const { member, until } = stack[stack.length - 1];
      const node = member.nodes[member.made.length];
      if (member.made.length >= until || !node) {
        stack.pop();
        continue;
      }
      member.reads ??= referencesIn(node);
      const isMade = (reference: Reference) => {
        const from = find(reference);
        return from.made.length > nodeOf(from, reference, false);
      };
      while (member.reads.length > 0 && isMade(member.reads[member.reads.length - 1])) member.reads.pop();
      const missing = member.reads.at(-1);
      if (missing) {
        const from = find(missing);
        const wanted = nodeOf(from, missing, false) + 1;
        // it waits for this one already, or has no such node
        if (from.isWaiting || from === member || from.nodes.length < wanted) throw loops(member, missing);
        member.isWaiting = true;
        stack.push({ member: from, until: wanted });
        continue;
      }
      if (member.mask === undefined) {
        // what computes a mask is made where a layer is given it beside its inputs
        member.mask = masks.besides(member, node) ?? null;
        member.reads = member.mask ? [member.mask] : [];
        continue;
      }
      const given = member.mask ? masks.applied(member, node, member.mask, valueAt) : valueAt;
      member.isWaiting = false;
      member.reads = undefined;
      member.mask = undefined;
      const values = at(`'${member.name}'`, () => made(member, node, given, constants));
      masks.learn(values);
      member.made.push(values);
    }
  }
}

const loops = ({ name }: Member, { layer }: Reference) => wrongValue(`what '${name}' reads`, 'made before it', layer);

function made(
  { entry, read, behind }: Member,
  node: CallNode,
  valueAt: (reference: Reference) => Value,
  constants: Constants,
): readonly Value[] {
  const args = node.args.map((argument) => resolved(argument, valueAt));
  const named = Object.entries(node.kwargs).map(([key, argument]) => [key, resolved(argument, valueAt)] as const);
  if (!read) return applyEntry(entry, args, Object.fromEntries(named)).map(checked);
  const values = applyLayer(read.layer, args, Object.fromEntries(named), constants);
  checkAxis(read.layer);
  return values.map((value) => checked(behind?.applied(value).outputs[0] ?? value));
}

function checked(value: Value): Value {
  checkSize('what it gives', value.shape);
  return value;
}
