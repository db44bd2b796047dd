import type { NDArray } from '../../array.js';
import { checkInteger, checkOneOf, wrongValue } from '../../check.js';
import { expand } from '../../graph/expand.js';
import type { Graph } from '../../graph/graph.js';
import { type Node, placeholder, topological, type Value } from '../../graph/value.js';
import { allLayers, weightName, weightsOfGraph } from '../../graph/weights.js';
import { nameOf } from '../../layers/layer.js';
import type { Model } from '../../models/model.js';
import type { FloatType } from '../../tape.js';
import type { Exported, ExportOptions, Format } from '../export.js';
import { Message } from '../protobuf.js';
import { Emitter } from './emitter.js';
import { ML_DOMAIN, OnnxGraph } from './onnx-graph.js';
import { emitOperation } from './operations.js';

/** Operations that ONNX Runtime has in float32 alone, on processors. */
const FLOAT32_ONLY = new Set([
  'conv2d',
  'conv2dGrouped',
  'depthwiseConv2d',
  'conv2dTranspose',
  'maxPooling2d',
  'averagePooling2d',
  'upsampleBilinear',
]);

const isFloat32Only = ({ op, options }: Node): boolean =>
  FLOAT32_ONLY.has(op.name) ||
  (op.name === 'activation' && options.config.name === 'gelu' && !options.config.approximate);

const inferred = (own: Graph) => {
  const inputs = own.inputs.map(({ shape, dtype }) => placeholder(shape, dtype));
  const { outputs, layerOf } = expand(own, inputs, { training: false, frozen: new Set() });
  return { inputs, outputs, layerOf, order: topological(outputs) as Node[] };
};

const typeOf = (order: readonly Node[], own: FloatType) => (order.some(isFloat32Only) ? 'float32' : own);

/** What the numbers of a network are in the file, where nothing else is asked for. */
export const onnxType = ({ graph, dtype }: Pick<Model, 'graph' | 'dtype'>): FloatType =>
  typeOf(inferred(graph as Graph).order, dtype);

/** The version of the file's own format that goes with one of the operators. */
const irVersion = (opset: number) => (opset < 15 ? 7 : opset < 19 ? 8 : opset < 21 ? 9 : opset < 23 ? 10 : 11);

/** A message of Protocol Buffers holds 2 GiB. */
const MOST = 2 ** 31 - 1;

/** @throws TypeError or RangeError for options that are none of ONNX */
export function checkOnnxOptions({ opset = 17, dtype }: ExportOptions): { opset: number } {
  if (checkInteger('opset', opset, 13) > 23) throw wrongValue('opset', 'at most 23', opset);
  if (dtype !== undefined) checkOneOf('dtype', dtype, ['float32', 'float64']);
  return { opset };
}

/** A network as it is to be emitted. @throws TypeError naming the layer that ONNX cannot hold */
export function toEmit({ model, graph: own, weights: numbers }: Exported, options: ExportOptions) {
  const stateful = allLayers(own.layers).find((layer) => layer.stateful);
  if (stateful)
    throw new TypeError(
      `Expected a network without stateful layers, as ONNX keeps no states from one call to the next, got ${nameOf(stateful)}: ` +
        'give it initial states and let it return them (returnState)',
    );
  const { inputs, outputs, layerOf, order } = inferred(own);
  const dtype = options.dtype ?? typeOf(order, model.dtype);
  const type: 'float' | 'double' = dtype === 'float64' ? 'double' : 'float';
  /** @param names what the inputs are called in the graph */
  const emit = (graph: OnnxGraph, opset: number, names: readonly string[]): Emitter => {
    const weights = new Map<Value, { name: string; array: NDArray }>(
      weightsOfGraph(own).map(({ layer, weight }, i) => [
        weight,
        { name: weightName(layer, weight), array: numbers[i] },
      ]),
    );
    const e = new Emitter(graph, { type, opset, weights, layerOf, tensors: new Map() });
    for (const [i, input] of inputs.entries()) e.set(input, names[i]);
    for (const node of order) emitOperation(e, node);
    return e;
  };
  return { inputs, outputs, type, emit };
}

/** The parts of a file of a graph. @throws RangeError for one that is larger than files can be */
export function fileOf(graph: OnnxGraph, name: string, opset: number): readonly Uint8Array[] {
  graph.prune();
  const file = new Message()
    .int(1, irVersion(opset))
    .string(2, 'fjordnet')
    .message(7, graph.message(name))
    .message(8, new Message().string(1, '').int(2, opset));
  if (graph.hasMl) file.message(8, new Message().string(1, ML_DOMAIN).int(2, 3));
  if (file.size > MOST)
    throw new RangeError(
      `Expected a network of at most 2 GiB, which is what ONNX files hold, got ${(file.size / 2 ** 30).toFixed(1)} GiB`,
    );
  return file.parts;
}

/** The bytes of an ONNX file, in parts. @throws TypeError or RangeError naming the layer that ONNX cannot hold */
function parts(exported: Exported, options: ExportOptions): readonly Uint8Array[] {
  const { opset } = checkOnnxOptions(options);
  const { inputs, outputs, type, emit } = toEmit(exported, options);
  const { inputNames, outputNames, name } = exported.model;
  const graph = new OnnxGraph();
  const names = outputNames.map((own) => graph.fresh(own));
  for (const [i, input] of inputs.entries())
    graph.inputs.push({
      name: graph.fresh(inputNames[i]),
      type: input.dtype ?? type,
      shape: ['batch', ...input.shape],
    });
  const e = emit(
    graph,
    opset,
    graph.inputs.map((port) => port.name),
  );
  for (const [i, output] of outputs.entries()) {
    const made = e.asItIs(output);
    const isNew = outputs.indexOf(output) === i && graph.rename(made, names[i]);
    if (!isNew)
      graph.rename(
        graph.node('Identity', [outputs.indexOf(output) < i ? names[outputs.indexOf(output)] : made]),
        names[i],
      );
    graph.outputs.push({ name: names[i], type: output.dtype ?? type, shape: ['batch', ...output.shape] });
  }
  return fileOf(graph, name as string, opset);
}

/** ONNX (https://onnx.ai), the format that most run-times read. */
export const onnx: Format = { extension: '.onnx', options: ['opset', 'dtype'], parts };
