import type { NDArray } from '../../array.js';
import { checkInteger, checkOneOf, wrongValue } from '../../check.js';
import { expand } from '../../graph/expand.js';
import { type Node, placeholder, topological, type Value } from '../../graph/value.js';
import { allLayers, weightName, weightsOfGraph } from '../../graph/weights.js';
import { nameOf } from '../../layers/layer.js';
import type { Exported, ExportOptions, Format } from '../export.js';
import { Message } from '../protobuf.js';
import { Emitter } from './emitter.js';
import { OnnxGraph } from './onnx-graph.js';
import { emitOperation } from './operations.js';

/** Operations that ONNX Runtime has in float32 alone, on processors. */
const FLOAT32_ONLY = new Set([
  'conv2d',
  'conv2dGrouped',
  'depthwiseConv2d',
  'conv2dTranspose',
  'maxPooling2d',
  'averagePooling2d',
]);

const isFloat32Only = ({ op, options }: Node): boolean =>
  FLOAT32_ONLY.has(op.name) ||
  (op.name === 'activation' && options.config.name === 'gelu' && !options.config.approximate);

/** The version of the file's own format that goes with one of the operators. */
const irVersion = (opset: number) => (opset < 15 ? 7 : opset < 19 ? 8 : opset < 21 ? 9 : opset < 23 ? 10 : 11);

/** A message of Protocol Buffers holds 2 GiB. */
const MOST = 2 ** 31 - 1;

/** The bytes of an ONNX file, in parts. @throws TypeError or RangeError naming the layer that ONNX cannot hold */
function parts({ model, graph: own, weights: numbers }: Exported, options: ExportOptions): readonly Uint8Array[] {
  const opset = checkInteger('opset', options.opset ?? 17, 13);
  if (opset > 23) throw wrongValue('opset', 'at most 23', opset);
  if (options.dtype !== undefined) checkOneOf('dtype', options.dtype, ['float32', 'float64']);
  const { inputNames, outputNames } = model;
  const stateful = allLayers(own.layers).find((layer) => layer.stateful);
  if (stateful)
    throw new TypeError(
      `Expected a network without stateful layers, as ONNX keeps no states from one call to the next, got ${nameOf(stateful)}: ` +
        'give it initial states and let it return them (returnState)',
    );
  const inputs = own.inputs.map(({ shape, dtype }) => placeholder(shape, dtype));
  const { outputs, layerOf } = expand(own, inputs, { training: false, frozen: new Set() });
  const order = topological(outputs) as Node[];
  const dtype = options.dtype ?? (order.some(isFloat32Only) ? 'float32' : model.dtype);

  const placed = weightsOfGraph(own);
  const weights = new Map<Value, { name: string; array: NDArray }>(
    placed.map(({ layer, weight }, i) => [weight, { name: weightName(layer, weight), array: numbers[i] }]),
  );
  const graph = new OnnxGraph();
  const type = dtype === 'float64' ? 'double' : 'float';
  const e = new Emitter(graph, { type, opset, weights, layerOf, tensors: new Map() });
  const names = outputNames.map((name) => graph.fresh(name));
  for (const [i, input] of inputs.entries()) {
    const name = graph.fresh(inputNames[i]);
    graph.inputs.push({ name, type: input.dtype ?? type, shape: ['batch', ...input.shape] });
    e.set(input, name);
  }
  for (const node of order) emitOperation(e, node);
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

  graph.prune();
  const file = new Message()
    .int(1, irVersion(opset))
    .string(2, 'fjordnet')
    .message(7, graph.message(model.name as string))
    .message(8, new Message().string(1, '').int(2, opset));
  if (file.size > MOST)
    throw new RangeError(
      `Expected a network of at most 2 GiB, which is what ONNX files hold, got ${(file.size / 2 ** 30).toFixed(1)} GiB`,
    );
  return file.parts;
}

/** ONNX (https://onnx.ai), the format that most run-times read. */
export const onnx: Format = { extension: '.onnx', options: ['opset', 'dtype'], parts };
