import { sizeOf, type Value, type Weight } from '../../graph/value.js';
import { damaged, quoted, sizes } from '../../io/read.js';
import { input } from '../../layers/shape.js';
import type { Model } from '../../models/model.js';
import type { ImportFile, ImportOptions, Reader } from '../import.js';
import { inputsOf, networkOf } from '../made.js';
import { Attributes } from './attributes.js';
import {
  decodeModel,
  type GraphProto,
  isDouble,
  isFloat,
  isInteger,
  type NodeProto,
  type PortProto,
} from './decode.js';
import { folded } from './fold.js';
import { namesOf } from './holders.js';
import { ACTIVATIONS, activationNode, geluAround, geluAroundErfc } from './import-activations.js';
import { ATTENTION } from './import-attention.js';
import { CLASSICAL } from './import-classical.js';
import { einsum } from './import-einsum.js';
import { isOfIntegers } from './import-embedding.js';
import { FUNCTIONS } from './import-functions.js';
import { type Handler, LAYERS } from './import-layers.js';
import { loop } from './import-loop.js';
import { NORMALIZATIONS } from './import-normalization.js';
import { OPERATIONS } from './import-operations.js';
import { PLACES } from './import-places.js';
import { POOLING } from './import-pooling.js';
import { recurrent } from './import-recurrent.js';
import { scan } from './import-scan.js';
import { SHAPES } from './import-shapes.js';
import { convTranspose } from './import-transposed.js';
import { Importer } from './importer.js';
import { checkParameters } from './parameters.js';
import { Budget, type Constant, computed, constant, type Dims, type Numbers, type Tensor } from './tensors.js';

const HANDLERS: Readonly<Record<string, Handler>> = {
  ...OPERATIONS,
  ...SHAPES,
  ...NORMALIZATIONS,
  ...LAYERS,
  ...POOLING,
  ...FUNCTIONS,
  ...PLACES,
  ...Object.fromEntries(ACTIVATIONS.map((type) => [type, activationNode])),
  RNN: recurrent,
  LSTM: recurrent,
  GRU: recurrent,
  Scan: scan,
  Loop: loop,
  ConvTranspose: convTranspose,
  Einsum: einsum,
  ...ATTENTION,
};

const STRING = 8;
async function read(file: ImportFile, options: ImportOptions): Promise<Model> {
  const graph = await understood(file, () => decodeModel(file));
  checkParameters(graph, options.parameters);
  return understood(file, () => modelOf(graph, options, file));
}

async function understood<T>(file: ImportFile, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== undefined) throw error;
    throw damaged(file.source, message, error);
  }
}

/** The first version of ONNX' operations that broadcasts as NumPy does. */
const OLDEST = 7;

function modelOf(graph: GraphProto, options: ImportOptions, { source, bytes }: ImportFile): Model {
  const opset = graph.opsets.get('') ?? OLDEST;
  if (opset < OLDEST)
    throw new RangeError(`it is of opset ${opset}: before ${OLDEST}, operations broadcast and train otherwise`);
  const inputs = graph.inputs.filter(({ name }) => !graph.tensors.has(name));
  if (inputs.length === 0) throw new RangeError('its network has no input');
  const batches = new Set(inputs.map(({ shape }) => shape?.[0]));
  const [batch] = batches.size === 1 ? batches : [undefined];
  const c = new Importer(graph, new Budget(bytes.length), batch);
  const values = inputs.map((port) => {
    const value = inputOf(port, isOfIntegers(c, port.name));
    c.set(port.name, computed(value));
    return value;
  });
  c.parameters.ask(options.parameters ?? [], values[0]);
  for (const node of graph.nodes) readKnown(c, node);
  for (const node of graph.nodes) readNode(c, node);
  const found = graph.outputs.map(({ name }) => ({ name, tensor: c.get(name) }));
  const labels = found.flatMap(({ name, tensor }) =>
    tensor?.kind === 'labels' ? [{ name, behind: tensor.behind }] : [],
  );
  const numbers = found.filter(({ tensor }) => tensor?.kind !== 'labels');
  if (found.length === 0) throw new RangeError('its network has no output');
  if (numbers.length === 0) {
    const [{ name, behind }] = labels;
    const what = behind
      ? `is what ${quoted(behind)} computes of the place of a largest number`
      : 'is a label, and no numbers';
    throw new RangeError(`its only output ${quoted(name)} ${what}`);
  }
  for (const { name, behind } of labels)
    if (behind || !c.classes)
      process.emitWarning(
        `The output ${quoted(name)} of ${source}, ${behind ? `which ${quoted(behind)} computes of the place of the largest number, is left out.` : 'the place of the largest number, is left out: argmax finds it.'}`,
      );
  const outputs = numbers.map(({ name, tensor }): Value => {
    if (tensor?.kind !== 'computed') throw new RangeError(`its output ${quoted(name)} does not depend on its inputs`);
    if (tensor.steps)
      throw new RangeError(`its output ${quoted(name)} has another number of rows than its inputs${fixedBatch(c)}`);
    return c.plain(tensor).value;
  });
  c.parameters.report(source);
  const floats = [...graph.tensors.values()].filter(({ type }) => isFloat(type));
  const areDoubles = floats.length > 0 && floats.every(({ type }) => isDouble(type));
  const dtype = options.dtype ?? (areDoubles || inputs.some(({ type }) => isDouble(type)) ? 'float64' : 'float32');
  return networkOf({
    name: graph.name.replaceAll(/[^\w.-]+/g, '_'),
    dtype,
    inputs: inputsOf(
      outputs,
      values,
      inputs.map(({ name: own }) => own),
      source,
    ),
    outputs,
    numbers: numbersIn(c),
    ...(c.classes && { metadata: { classes: [...c.classes] } }),
  });
}

/** The numbers of the weights of all layers. */
function numbersIn({ numbers }: Importer): (weight: Weight) => ArrayLike<number> {
  const all = new Map<Weight, Numbers>();
  for (const [layer, own] of numbers)
    for (const [name, given] of Object.entries(own)) {
      const weight = layer.builtFor?.weights[name];
      if (weight) all.set(weight, given);
    }
  return (weight) => {
    const { shape, data } = all.get(weight) as Numbers;
    if (weight.shape.join() !== shape.join())
      throw new RangeError(
        `its weights for a ${weight.name} are of shape [${sizes(shape)}], not [${sizes(weight.shape)}]`,
      );
    return data as Float64Array;
  };
}

function inputOf({ name, type, shape }: PortProto, isOfInts: boolean): Value {
  const what = `its input ${quoted(name)}`;
  if (!shape || shape.length === 0) throw new RangeError(`${what} has no shape, or no batch`);
  if (type === STRING) throw new RangeError(`${what} is text, which no network here takes`);
  const sample = shape.slice(1);
  if (!sample.every((n) => n !== undefined && Number.isSafeInteger(n) && n > 0))
    throw new RangeError(
      `${what} of shape [${shape.map((n) => n ?? '?').join(', ')}] has axes of any length beside the batch: fix them when it is exported`,
    );
  const dtype = isOfInts || isInteger(type) ? 'int32' : 'float32';
  return input({ shape: sample as number[], dtype, name: name.replaceAll(/[^\w.-]+/g, '_') }) as Value;
}

/** Of a label they make the same label. */
const KEEP_LABELS: ReadonlySet<string> = new Set(['Cast', 'Flatten', 'Identity', 'Reshape', 'Squeeze', 'Unsqueeze']);

/** Of numbers they make the same numbers. */
const MOVES: ReadonlySet<string> = new Set([
  'Cast',
  'Concat',
  'Flatten',
  'Identity',
  'Reshape',
  'Slice',
  'Split',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
]);

/** What is computed of constants, with the names of these. */
function named(
  type: string,
  known: Constant | Dims,
  tensors: readonly (Tensor | undefined)[],
  budget: Budget,
): Constant | Dims {
  if (known.kind !== 'constant' || !known.isFloat || namesOf(known).length > 0) return known;
  const of = tensors.filter((own): own is Constant => own?.kind === 'constant' && own.isFloat);
  const isMoved = MOVES.has(type) && of.every((own) => !own.parts || own.isMoved);
  const names = of.flatMap(namesOf);
  budget.take(names.length); // of a sum of sums each has all names
  const parts = [...new Set(names)];
  const isUnknown = parts.length === 0 && of.some((own) => !own.parts);
  return isUnknown ? known : { ...known, parts, ...(isMoved && { isMoved }) };
}

/** What is computed of constants alone: nodes before it may ask for it, as exporters write it where it is used. */
function readKnown(c: Importer, node: NodeProto): void {
  const { type, domain, inputs, outputs } = node;
  if (type === 'Constant') readNode(c, node);
  if (domain !== '' || outputs.length !== 1 || inputs.length === 0) return;
  const isNamed = inputs.every((name) => c.graph.tensors.has(name) || c.isKnown(name));
  const tensors = isNamed ? inputs.map((name) => c.get(name)) : [];
  const constants = tensors.filter((tensor): tensor is Constant => tensor?.kind === 'constant');
  if (constants.length < inputs.length) return;
  try {
    const known = folded(type, constants, node.attributes, c.budget);
    if (known) c.set(outputs[0], named(type, known, constants, c.budget));
  } catch {
    // told when it is its turn
  }
}

/** Makes what a node gives, unless that is known by then. */
function readNode(c: Importer, node: NodeProto): void {
  if (node.outputs.every((name) => name === '' || c.isKnown(name))) return;
  const what = `the operation ${quoted(node.type)}${node.name ? ` (${quoted(node.name)})` : ''}`;
  try {
    const attributes = new Attributes(node.attributes);
    const tensors = node.inputs.map((name) => c.get(name));
    const made = madeBy(c, node, tensors, attributes);
    const list = Array.isArray(made) ? made : [made];
    for (const [i, tensor] of list.entries()) {
      if (tensor?.kind === 'computed') checkSize(tensor.value.shape);
      if (tensor && node.outputs[i]) c.set(node.outputs[i], tensor);
    }
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith('Cannot import')) throw error;
    const hint = message.includes('batch') ? fixedBatch(c) : '';
    throw new RangeError(`${what}: ${message}${hint}`, { cause: error });
  }
}

/** Where a batch stands in the way, and is fixed. */
const fixedBatch = ({ batch }: Importer) =>
  batch === undefined ? '' : ` (the file is of batches of ${batch}: export it with a dynamic batch)`;

/** Values of one sample, as the arena takes them. */
function checkSize(shape: readonly number[]): void {
  if (!(sizeOf(shape) <= 2 ** 40)) throw new RangeError(`it makes values of shape [${sizes(shape)}]`);
}

function madeBy(c: Importer, node: NodeProto, tensors: readonly (Tensor | undefined)[], attributes: Attributes) {
  const { type, domain } = node;
  if (domain === 'ai.onnx.ml' && type in CLASSICAL) return CLASSICAL[type](c, tensors, attributes, node);
  if (type === 'Gather' && tensors[1]?.kind === 'labels')
    return CLASSICAL.ArrayFeatureExtractor(c, tensors, attributes, node);
  const label = tensors.find((tensor) => tensor?.kind === 'labels');
  if (label) return label.behind || KEEP_LABELS.has(type) ? label : { ...label, behind: type };
  if (type === 'ArgMax') return { kind: 'labels' as const };
  if (domain !== '') throw new RangeError(`of the domain ${quoted(domain)}, which is not read here`);
  if (type === 'Constant') return constantOf(attributes);
  if (tensors.every((tensor) => tensor === undefined || tensor.kind !== 'computed')) {
    const known = folded(type, tensors as readonly (Constant | Dims | undefined)[], attributes.raw, c.budget);
    if (known) return named(type, known, tensors, c.budget);
  }
  if ((type === 'Erf' && geluAround(c, node)) || (type === 'Erfc' && geluAroundErfc(c, node))) return [];
  const handler = HANDLERS[type];
  if (!handler) throw new RangeError('there is no such operation here');
  return handler(c, tensors, attributes, node);
}

const literal = (shape: readonly number[], data: ArrayLike<number>, isOfFloats: boolean): Constant => ({
  ...constant(shape, data, isOfFloats),
  parts: [],
});

function constantOf(attributes: Attributes): Constant {
  const tensor = attributes.tensor('value');
  if (tensor) return literal(tensor.shape, tensor.data, isFloat(tensor.type));
  for (const name of ['value_float', 'value_int'])
    if (attributes.has(name)) return literal([], [attributes.number(name, 0)], name === 'value_float');
  for (const name of ['value_floats', 'value_ints']) {
    const list = attributes.numbers(name);
    if (list) return literal([list.length], list, name === 'value_floats');
  }
  throw new RangeError('its value is not read here');
}

/** ONNX. */
export const onnxReader: Reader = { read };
