import type { NDArray } from '../../array.js';
import { checkOneOf, checkOptions, notFitted, wrongValue } from '../../check.js';
import type { Architecture } from '../../estimators/mlp-network.js';
import { type Path, placeOf, writeFileAtomic } from '../../io/atomic.js';
import { oneFile } from '../../io/one-file.js';
import type { Label } from '../../labels.js';
import { networkExport, partsOf } from '../../saved.js';
import type { ColumnKind } from '../../tables/frame.js';
import {
  checkOfClasses,
  isClassifier,
  isNetworkStep,
  isOfLabels,
  type NetworkStep,
} from '../../tables/network-step.js';
import { isTransformer } from '../../tables/pipeline-steps.js';
import type { Exported } from '../export.js';
import { Columns } from './columns.js';
import { checkOnnxOptions, fileOf, toEmit } from './export.js';
import { type ElementType, OnnxGraph, TYPES } from './onnx-graph.js';
import { stepsOf } from './steps.js';
import { transformed } from './transformers.js';

export interface OnnxOptions {
  /** Default: by the file's name, .onnx */
  format?: 'onnx';
  /** The version of ONNX's operators, 13 to 23. Default 17 */
  opset?: number;
  /** Of the numbers that go in, of the network and of what comes out. Default: the network's. Columns are scaled in float64 */
  dtype?: 'float32' | 'float64';
}

type Float = 'float' | 'double';

/** What predicts, at the end of a pipeline. */
interface Last {
  readonly type: Float;
  readonly features: number;
  /** What it makes of rows [batch, features]. */
  emit(graph: OnnxGraph, opset: number, x: string): string;
  /** Of a sample. */
  readonly shape: readonly number[];
  /** Of a regression undefined; 'each': an output is a label of its own. */
  readonly classes: readonly Label[] | 'each' | undefined;
}

export async function exportOnnx(value: unknown, path: Path, options: OnnxOptions): Promise<void> {
  checkOnnx(options);
  const place = placeOf(path);
  if (options.format === undefined && !place.given.endsWith('.onnx'))
    throw wrongValue('path', "the name of an .onnx file (or format to be 'onnx')", place.given);
  await writeFileAtomic(place, await partsOfFile(value, options));
}

export async function onnxBytes(value: unknown, options: OnnxOptions): Promise<Uint8Array<ArrayBuffer>> {
  checkOnnx(options);
  return oneFile(await partsOfFile(value, options));
}

function checkOnnx(options: OnnxOptions): void {
  checkOptions('options', options, ['format', 'opset', 'dtype']);
  if (options.format !== undefined) checkOneOf('format', options.format, ['onnx']);
  checkOnnxOptions(options);
}

/** An estimator, a pipeline or a predictor as a file of ONNX. @throws TypeError naming what ONNX cannot express */
async function partsOfFile(value: unknown, options: OnnxOptions): Promise<readonly Uint8Array[]> {
  const { opset } = checkOnnxOptions(options);
  const { className, config } = partsOf(value) ?? {};
  const isPredictor = className === 'Predictor';
  const { targetScaler } = (isPredictor ? config : {}) as { targetScaler?: unknown };
  const { steps, classes } = stepsOf('model', isPredictor ? (config as { pipeline: unknown }).pipeline : value);
  const [name, model] = steps.at(-1) as [string, unknown];
  const last = isNetworkStep(model) ? await networkOf(model, classes, options) : perceptronOf(model, name, options);

  const graph = new OnnxGraph();
  const before = steps.slice(0, -1);
  let x = inputOf(
    graph,
    last,
    before.map(([, step]) => step),
  );
  const names = (last.classes ? ['probabilities', 'label'] : ['variable']).map((own) => graph.fresh(own));
  for (const [own, step] of before) x = transformed(x.at(own), step);
  const z = x.at(name).numbers();
  const type: Float = last.type;
  const made = last.emit(graph, opset, type === 'double' ? z : graph.node('Cast', [z], { to: { int: TYPES.float } }));
  const put = (i: number, from: string, of: ElementType, shape: readonly number[]) => {
    if (!graph.rename(from, names[i])) graph.rename(graph.node('Identity', [from]), names[i]);
    graph.outputs.push({ name: names[i], type: of, shape: ['batch', ...shape] });
  };
  if (last.classes) classified(graph, last, made, put);
  else put(0, inUnits(graph, type, made, targetScaler), type, last.shape);
  return fileOf(graph, className ?? 'pipeline', opset);
}

/** The columns that come in: one input for each that a ColumnTransformer takes by its name, else a matrix. */
function inputOf(graph: OnnxGraph, last: Last, steps: readonly unknown[]): Columns {
  const first = steps.find(isTransformer);
  const own = partsOf(first);
  const { input, found } = (own?.state ?? {}) as {
    input?: { width: number; names?: readonly string[]; kinds?: readonly ColumnKind[] };
    found?: { categories?: readonly (readonly unknown[])[]; statistics?: readonly unknown[] };
  };
  const { width = last.features, names, kinds } = input ?? {};
  const port = (name: string, columns: number, isText: boolean) => {
    const type: ElementType = isText ? 'string' : last.type;
    // an input without a name is one that is left out
    graph.inputs.push({ name: graph.fresh(name || 'column'), type, shape: ['batch', columns] });
    return { width: columns, isText };
  };
  const ports =
    names && kinds
      ? names.map((name, k) => port(name, 1, kinds[k] === 'text' || kinds[k] === 'date'))
      : [port('input', width, isTextual(found?.categories?.flat() ?? found?.statistics ?? []))];
  const blocks = ports.map((block, i) => {
    const { name } = graph.inputs[i];
    if (block.isText || last.type === 'double') return { ...block, name };
    return { ...block, name: graph.node('Cast', [name], { to: { int: TYPES.double } }) };
  });
  return new Columns(graph, last.type, blocks);
}

/** @throws TypeError for a matrix of text and numbers */
function isTextual(values: readonly unknown[]): boolean {
  const known = values.filter((value) => value !== null);
  const isText = known.some((value) => typeof value === 'string');
  if (isText && known.some((value) => typeof value !== 'string'))
    throw new TypeError(
      'Expected columns of one type, which is what a matrix of ONNX has, got text and numbers: a ColumnTransformer fitted on columns with names takes each by itself',
    );
  return isText;
}

/** A multi-layer perceptron of scikit-learn's kind. */
function perceptronOf(model: unknown, name: string, options: OnnxOptions): Last {
  const { className = '', state } = partsOf(model) ?? {};
  if (className !== 'MLPClassifier' && className !== 'MLPRegressor')
    throw new TypeError(
      `Expected a pipeline that ends in a network, an MLPClassifier or an MLPRegressor, which ONNX can express, got ${className || ((model as object)?.constructor?.name ?? typeof model)} in '${name}'`,
    );
  const { architecture, weights, targets } = state as {
    architecture?: Architecture;
    weights: readonly NDArray[];
    targets?: { kind: string; classes: readonly Label[] };
  };
  if (!architecture) throw notFitted(className, 'export');
  const { units, activation, outActivation, dtype } = architecture;
  const layers = units.length - 1;
  const type = (options.dtype ?? dtype) === 'float64' ? 'double' : 'float';
  const emit = (graph: OnnxGraph, _: number, x: string) => {
    let z = x;
    for (let l = 0; l < layers; l++) {
      const isLast = l === layers - 1;
      const kernel = graph.weight(`coefs_${l}`, type, weights[l]);
      const bias = graph.weight(`intercepts_${l}`, type, weights[layers + l]);
      z = graph.node('Gemm', [z, kernel, bias], {}, isLast ? 'output' : `hidden_${l + 1}`);
      const own = OPERATORS[isLast ? outActivation : activation];
      if (own) z = graph.node(own, [z], own === 'Softmax' ? { axis: { int: -1 } } : {});
    }
    return z;
  };
  const classes = targets && (targets.kind === 'multilabel' ? 'each' : targets.classes);
  return { type, features: units[0], emit, shape: [units[layers]], classes };
}

const OPERATORS = {
  identity: undefined,
  logistic: 'Sigmoid',
  tanh: 'Tanh',
  relu: 'Relu',
  softmax: 'Softmax',
  exp: 'Exp',
} as const;

async function networkOf(model: object, known: readonly Label[] | undefined, options: OnnxOptions): Promise<Last> {
  const exported = await (model as { [networkExport](): Promise<Exported> })[networkExport]();
  const network = toEmit(exported, options);
  const { type, inputs, outputs } = network;
  if (inputs.length !== 1 || outputs.length !== 1)
    throw new TypeError(
      `Expected a network of one input and one output at the end of a pipeline, got ${inputs.length} and ${outputs.length}`,
    );
  const [{ shape, dtype }] = inputs;
  const own = outputs[0].shape;
  const step = model as NetworkStep;
  const { loss } = step;
  const isOfClasses = known !== undefined || isClassifier(step);
  if (isOfClasses) checkOfClasses(own);
  const emit = (graph: OnnxGraph, opset: number, x: string) => {
    const shaped = shape.length === 1 ? x : graph.node('Reshape', [x, graph.ints([-1, ...shape])]);
    const input = dtype === 'int32' ? graph.node('Cast', [shaped], { to: { int: TYPES.int32 } }) : shaped;
    const made = network.emit(graph, opset, [input]).of(outputs[0]);
    if (!isOfClasses || !loss?.config?.fromLogits) return made;
    const isBinary = own[0] === 1 || isOfLabels(step, own[0]);
    return isBinary ? graph.node('Sigmoid', [made]) : graph.node('Softmax', [made], { axis: { int: -1 } });
  };
  const classes = !isOfClasses
    ? undefined
    : !known && isOfLabels(step, own[0])
      ? 'each'
      : (known ?? Array.from({ length: Math.max(2, own[0]) }, (_, k) => k));
  return { type, features: shape.reduce((size, n) => size * n, 1), emit, shape: own, classes };
}

/** The probabilities of all classes, and what is the most probable one called. */
function classified(
  graph: OnnxGraph,
  { type, shape: [units], classes }: Last,
  p: string,
  put: (output: number, from: string, type: ElementType, shape: readonly number[]) => void,
): void {
  if (classes === 'each') {
    put(0, p, type, [units]);
    const isMeant = graph.node('Greater', [graph.outputs[0].name, graph.number(type, 0.5)]);
    put(1, graph.node('Cast', [isMeant], { to: { int: TYPES.int64 } }), 'int64', [units]);
    return;
  }
  const count = Math.max(2, units);
  const other = units === 1 ? graph.node('Sub', [graph.number(type, 1), p]) : p;
  const all = units === 1 ? graph.node('Concat', [other, p], { axis: { int: 1 } }) : p;
  put(0, all, type, [count]);
  const place = graph.node('ArgMax', [graph.outputs[0].name], {
    axis: { int: 1 },
    keepdims: { int: 0 },
  });
  // of a single class, which is there in y alone, the second one is not known by any name
  const names = Array.from(
    { length: count },
    (_, k) => (classes as readonly Label[])[k] ?? (classes as readonly Label[])[0],
  );
  const [kind, table] = tableOf(graph, type, names);
  put(1, graph.node('Gather', [table, place]), kind, []);
}

function tableOf(graph: OnnxGraph, type: Float, labels: readonly Label[]): [ElementType, string] {
  if (typeof labels[0] === 'string') return ['string', graph.strings('classes', labels as string[])];
  const kind = typeof labels[0] === 'boolean' ? 'bool' : labels.every(Number.isSafeInteger) ? 'int64' : type;
  return [kind, graph.tensor('classes', kind, [labels.length], labels.map(Number))];
}

/** Undoes how the targets of a regression were scaled. */
function inUnits(graph: OnnxGraph, type: Float, y: string, scaler: unknown): string {
  if (scaler === undefined) return y;
  const { className, config, state } = partsOf(scaler) ?? {};
  if (className !== 'StandardScaler' || !state)
    throw new TypeError(`Expected the targetScaler to be a fitted StandardScaler, got ${className ?? typeof scaler}`);
  const { withMean, withStd } = config as { withMean: boolean; withStd: boolean };
  const { mean, scale } = (state as { found: Record<'mean' | 'scale', NDArray> }).found;
  const scaled = withStd ? graph.node('Mul', [y, graph.weight('target/scale', type, scale)]) : y;
  return withMean ? graph.node('Add', [scaled, graph.weight('target/mean', type, mean)]) : scaled;
}
