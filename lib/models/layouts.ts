import { type ArrayInput, asArray, NDArray } from '../array.js';
import { checkBoolean, checkOptions, wrongShape, wrongType } from '../check.js';
import { type Shape, sizeOf, type Weight } from '../graph/value.js';
import { weightName, weightsOfGraph } from '../graph/weights.js';
import { isPlain } from '../kind.js';
import type { Layer } from '../layers/layer.js';
import type { Model } from './model.js';

/** Arrays by the names that another library has for them. */
export type NamedTensors = Readonly<Record<string, ArrayInput>>;

export interface LayoutOptions {
  /** Weights without an array stay as they are, and arrays without a weight are left out. Default false: both are refused */
  partial?: boolean;
}

/**
 * The weights of a network from another library's arrays, found by the names of layers, in the order of `getWeights`.
 *
 * ```js
 * model.setWeights(layouts.pytorch(model, stateDict)); // { 'encoder.weight_ih_l0': …, 'head.weight': … }
 * ```
 */
export const layouts = {
  /**
   * From PyTorch's `state_dict`: the module of a layer has the layer's name; those of networks within a network have dots between.
   * Kernels are transposed. An LSTM's two biases are added; of a GRU the gates r, z, n become z, r, h. Batch normalization's
   * count of batches is not read.
   *
   * @throws TypeError for layers that PyTorch has no module for, RangeError, with the name, for arrays that are missing, of another
   *   shape, or of no layer
   */
  pytorch(model: Model<any, any>, tensors: NamedTensors, options: LayoutOptions = {}): NDArray[] {
    const reader = new Reader(tensors, options);
    const found = new Map<Weight, NDArray>();
    built(model);
    readModules(model, '', '', reader, found);
    return reader.result(model, found);
  },

  /**
   * From Keras' weights by their `path`, such as 'lstm/lstm_cell/recurrent_kernel': layers have the same names in both networks.
   *
   * @throws RangeError, with the name, for arrays that are missing, of another shape, or of no layer
   */
  keras(model: Model<any, any>, tensors: NamedTensors, options: LayoutOptions = {}): NDArray[] {
    const names = new Map(Object.keys(checkTensors(tensors)).map((path) => [fromKeras(path), path]));
    const reader = new Reader(tensors, options);
    const found = new Map<Weight, NDArray>();
    for (const { layer, weight } of weightsOfGraph(built(model))) {
      const name = weightName(layer, weight);
      const path = names.get(name);
      if (path !== undefined || !reader.isPartial) found.set(weight, reader.take(path ?? name, weight.shape));
    }
    return reader.result(model, found);
  },
};

/** A layer, or those that it is made of. */
function readModules(layer: Layer, prefix: string, suffix: string, reader: Reader, found: Map<Weight, NDArray>): void {
  const { graph, className } = layer;
  const { forward, backward, layer: inner } = layer as unknown as Record<string, Layer & { goBackwards?: boolean }>;
  if (graph) {
    for (const part of graph.layers)
      readModules(part, join(prefix, graph.names.get(part) as string), suffix, reader, found);
  } else if (className === 'Bidirectional') {
    for (const part of [forward, backward])
      readModules(part, prefix, part.goBackwards ? '_reverse' : '', reader, found);
  } else if (className === 'TimeDistributed') {
    readModules(inner, prefix, suffix, reader, found);
  } else {
    const weights = layer.builtFor?.weights ?? {};
    if (Object.keys(weights).length === 0 || (reader.isPartial && !reader.hasAny(`${prefix}.`))) return;
    const convert = MODULES[className];
    if (!convert)
      throw new TypeError(`Expected '${prefix}' to be a layer that PyTorch has a module for, got ${className}`);
    const of = (name: string, shape: Shape) => reader.take(`${prefix}.${name}${suffix}`, shape);
    for (const [name, array] of Object.entries(convert(of, (name) => weights[name]?.shape, layer)))
      found.set(weights[name], array);
  }
}

const built = (model: Model<any, any>) => {
  model.getWeights(); // there are none before it is built, which is told
  return model.graph as NonNullable<Model['graph']>;
};

const join = (prefix: string, name: string) => (prefix ? `${prefix}.${name}` : name);

/** 'lstm/lstm_cell/recurrent_kernel' -> 'lstm/recurrentKernel' */
function fromKeras(path: string): string {
  const parts = path
    .replace(/:\d+$/, '')
    .split('/')
    .filter((part) => !part.endsWith('_cell'))
    .map((part) => (part === 'attention_output' ? 'output' : part));
  const last = parts.pop() ?? '';
  return [...parts, last.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())].join('/');
}

function checkTensors(tensors: unknown): NamedTensors {
  if (!isPlain(tensors)) throw wrongType('tensors', 'an object of arrays by name', tensors);
  return tensors as NamedTensors;
}

class Reader {
  readonly isPartial: boolean;
  readonly #tensors: NamedTensors;
  readonly #taken = new Set<string>();

  constructor(tensors: NamedTensors, options: LayoutOptions) {
    checkOptions('options', options, ['partial']);
    this.isPartial = checkBoolean('partial', options.partial ?? false);
    this.#tensors = checkTensors(tensors);
  }

  hasAny(prefix: string): boolean {
    return Object.keys(this.#tensors).some((name) => name.startsWith(prefix));
  }

  take(name: string, shape: Shape): NDArray {
    if (!Object.hasOwn(this.#tensors, name)) {
      const names = Object.keys(this.#tensors).slice(0, 5).join(', ');
      throw new RangeError(
        `Expected tensors to hold '${name}' of shape [${shape.join(', ')}], got ${names || 'none'} …`,
      );
    }
    this.#taken.add(name);
    const array = asArray(`tensors['${name}']`, this.#tensors[name]);
    if (array.shape.join() !== shape.join())
      throw wrongShape(`tensors['${name}']`, `of shape [${shape.join(', ')}]`, array.shape);
    return array;
  }

  /** In the order of the network's weights. @throws RangeError for tensors of no layer */
  result(model: Model<any, any>, found: ReadonlyMap<Weight, NDArray>): NDArray[] {
    const left = Object.keys(this.#tensors).find(
      (name) => !this.#taken.has(name) && !/num_batches_tracked$/.test(name),
    );
    if (left !== undefined && !this.isPartial)
      throw new RangeError(
        `Expected every tensor to be of a layer of the network, but '${left}' is not (partial: true leaves such ones out)`,
      );
    const before = model.getWeights();
    return weightsOfGraph(built(model)).map(({ weight }, i) => found.get(weight) ?? before[i]);
  }
}

/** Reads a tensor of a module; the shape that a weight of the layer has, undefined where it has none; gives weights by name. */
type Convert = (
  of: (name: string, shape: Shape) => NDArray,
  shapeOf: (weight: string) => Shape | undefined,
  layer: Layer,
) => Record<string, NDArray>;

/** Of a kernel that PyTorch keeps with its outputs first, and a bias if there is one. */
const filters =
  (toOurs: readonly number[]): Convert =>
  (of, shapeOf) => {
    const kernel = shapeOf('kernel') as Shape;
    const theirs = toOurs.map((_, axis) => kernel[toOurs.indexOf(axis)]);
    const bias = shapeOf('bias');
    return { kernel: permuted(of('weight', theirs), toOurs), ...(bias && { bias: of('bias', bias) }) };
  };

/** `order`: PyTorch's place of each of our gates. */
const recurrent =
  (order: readonly number[]): Convert =>
  (of, shapeOf) => {
    const [I, G] = shapeOf('kernel') as Shape;
    const [U] = shapeOf('recurrentKernel') as Shape;
    const gates = (array: NDArray) => rows(array, order, U);
    const both = {
      kernel: permuted(gates(of('weight_ih_l0', [G, I])), [1, 0]),
      recurrentKernel: permuted(gates(of('weight_hh_l0', [G, U])), [1, 0]),
    };
    const bias = shapeOf('bias');
    if (!bias) return both;
    const [a, b] = [gates(of('bias_ih_l0', [G])), gates(of('bias_hh_l0', [G]))];
    const data = new Float64Array(bias.length * G);
    if (bias.length === 2) {
      data.set(a.data);
      data.set(b.data, G);
    } else for (let i = 0; i < G; i++) data[i] = a.data[i] + b.data[i];
    return {
      ...both,
      bias: NDArray.wrap(data.subarray(0, sizeOf(bias)), bias),
    };
  };

const normalization =
  (moving: boolean): Convert =>
  (of, shapeOf) => {
    const names = {
      gamma: 'weight',
      beta: 'bias',
      ...(moving && { movingMean: 'running_mean', movingVariance: 'running_var' }),
    };
    const entries = Object.entries(names).flatMap(([ours, theirs]) => {
      const shape = shapeOf(ours);
      return shape ? [[ours, of(theirs, shape)] as const] : [];
    });
    return Object.fromEntries(entries);
  };

const attention: Convert = (of, shapeOf, layer) => {
  const [features, H, K] = shapeOf('query/kernel') as Shape;
  const same = ['query', 'key', 'value'].every((name) => shapeOf(`${name}/kernel`)?.join() === [features, H, K].join());
  if (!same || H * K !== features)
    throw new TypeError(
      `Expected '${layer.name}' to have heads that make up the features of query, key and value, as PyTorch's attention, got ${H} of ${K} for ${features}`,
    );
  const all = permuted(of('in_proj_weight', [3 * features, features]), [1, 0]); // [features, 3 features]
  const bias = shapeOf('query/bias') && of('in_proj_bias', [3 * features]);
  const found: Record<string, NDArray> = {
    'output/kernel': permuted(of('out_proj.weight', [features, features]), [1, 0]).reshape(H, K, features),
  };
  for (const [k, name] of ['query', 'key', 'value'].entries()) {
    found[`${name}/kernel`] = columns(all, k * features, features).reshape(features, H, K);
    if (bias) found[`${name}/bias`] = columns(bias.reshape(1, -1), k * features, features).reshape(H, K);
  }
  if (bias) found['output/bias'] = of('out_proj.bias', [features]);
  return found;
};

const MODULES: Readonly<Record<string, Convert>> = {
  Dense: filters([1, 0]),
  Conv1D: filters([2, 1, 0]),
  Conv2D: filters([2, 3, 1, 0]),
  Embedding: (of, shapeOf) => ({ embeddings: of('weight', shapeOf('embeddings') as Shape) }),
  SimpleRNN: recurrent([0]),
  LSTM: recurrent([0, 1, 2, 3]),
  GRU: (of, shapeOf, layer) => {
    if (!(layer as { resetAfter?: boolean }).resetAfter)
      throw new TypeError(`Expected '${layer.name}' to have resetAfter true, as PyTorch's GRU`);
    return recurrent([1, 0, 2])(of, shapeOf, layer);
  },
  BatchNormalization: normalization(true),
  LayerNormalization: normalization(false),
  MultiHeadAttention: attention,
};

/** An array whose axis i is axis `axes[i]` of the given one. */
function permuted(array: NDArray, axes: readonly number[]): NDArray {
  const shape = axes.map((axis) => array.shape[axis]);
  const strides = array.shape.map((_, axis) => sizeOf(array.shape.slice(axis + 1)));
  const out = NDArray.zeros(shape, array.dtype);
  const at = axes.map(() => 0);
  for (let i = 0; i < array.size; i++) {
    out.data[i] = array.data[at.reduce((sum, index, axis) => sum + index * strides[axes[axis]], 0)];
    for (let axis = axes.length - 1; axis >= 0 && ++at[axis] === shape[axis]; axis--) at[axis] = 0;
  }
  return out;
}

/** Blocks of `size` rows in another order. */
const rows = (array: NDArray, order: readonly number[], size: number) =>
  array.take(order.flatMap((block) => Array.from({ length: size }, (_, row) => block * size + row)));

/** Columns first .. first + count - 1 of a matrix. */
function columns(array: NDArray, first: number, count: number): NDArray {
  const [n, width] = array.shape;
  const out = NDArray.zeros([n, count], array.dtype);
  for (let row = 0; row < n; row++)
    out.data.set(array.data.subarray(row * width + first, row * width + first + count), row * count);
  return out;
}
