import type { Activation } from '../activations.js';
import { NDArray } from '../array.js';
import { type Shape, sizeOf } from '../graph/value.js';
import type { Layer } from '../layers/layer.js';
import { LEAST_DEVIATION } from '../layers/normalization.js';

/** A layer that has weights. */
export interface Leaf {
  readonly layer: Layer;
  /** Where it is in the network, as modules are in PyTorch. */
  readonly path: string;
  /** Itself, or the layer of two directions that it is one of. */
  readonly owner: Layer;
  /** What the names of its tensors end in: '_reverse' of the second direction. */
  readonly direction: string;
}

/** Tensors of a module in PyTorch that hold the same numbers as weights of a layer: how one becomes the other. */
interface Part {
  readonly ours: readonly string[];
  readonly theirs: readonly (readonly [name: string, shape: Shape])[];
  read(theirs: readonly NDArray[]): NDArray[];
  write(ours: readonly NDArray[]): NDArray[];
}

type ShapeOf = (weight: string) => Shape | undefined;
/** `path`: what the layer is called in messages. */
type PartsOf = (shapeOf: ShapeOf, layer: Layer, path: string) => readonly Part[];

/** An array that is the same in both. */
const same = (ours: string, theirs: string, shape: Shape): Part => ({
  ours: [ours],
  theirs: [[theirs, shape]],
  read: ([array]) => [array],
  write: ([array]) => [array],
});

/** Those of them that the layer has. */
const sameIfThere = (names: Readonly<Record<string, string>>, shapeOf: ShapeOf): Part[] =>
  Object.entries(names).flatMap(([ours, theirs]) => {
    const shape = shapeOf(ours);
    return shape ? [same(ours, theirs, shape)] : [];
  });

/** Axis i of ours is axis `toOurs[i]` of theirs. */
function axes(ours: string, theirs: string, shape: Shape, toOurs: readonly number[]): Part {
  const toTheirs = toOurs.map((_, axis) => toOurs.indexOf(axis));
  return {
    ours: [ours],
    theirs: [[theirs, toTheirs.map((axis) => shape[axis])]],
    read: ([array]) => [permuted(array, toOurs)],
    write: ([array]) => [permuted(array, toTheirs)],
  };
}

/** Of a kernel that PyTorch keeps with its outputs first, and a bias if there is one. */
const filters =
  (toOurs: readonly number[]): PartsOf =>
  (shapeOf) => [
    axes('kernel', 'weight', shapeOf('kernel') as Shape, toOurs),
    ...sameIfThere({ bias: 'bias' }, shapeOf),
  ];

/** A part of an array that is of the shape `own` here, and of `inner` where the part begins. */
const reshaped = (part: Part, inner: Shape, own: Shape): Part => ({
  ...part,
  read: (theirs) => part.read(theirs).map((array) => array.reshape(...own)),
  write: ([array]) => part.write([array.reshape(...inner)]),
});

/** Of kernels of so many axes, of sequences and of images: those of PyTorch's that have its outputs first. */
const OUTPUTS_FIRST: Readonly<Record<number, readonly number[]>> = { 3: [2, 1, 0], 4: [2, 3, 1, 0] };

/** Ours [...size, channels, kernels of each], theirs [channels * kernels, 1, ...size]. */
function depthwise(ours: string, theirs: string, own: Shape): Part {
  const [C, M] = own.slice(-2);
  const inner = [...own.slice(0, -2), 1, C * M];
  return reshaped(axes(ours, theirs, inner, OUTPUTS_FIRST[own.length]), inner, own);
}

const depthwiseFilters: PartsOf = (shapeOf) => [
  depthwise('kernel', 'weight', shapeOf('kernel') as Shape),
  ...sameIfThere({ bias: 'bias' }, shapeOf),
];

const separableFilters: PartsOf = (shapeOf) => {
  const pointwise = shapeOf('pointwiseKernel') as Shape;
  return [
    depthwise('depthwiseKernel', 'depthwise.weight', shapeOf('depthwiseKernel') as Shape),
    axes('pointwiseKernel', 'pointwise.weight', pointwise, OUTPUTS_FIRST[pointwise.length]),
    ...sameIfThere({ bias: 'pointwise.bias' }, shapeOf),
  ];
};

/**
 * `order`: PyTorch's place of each of our gates, which is ours of each of its gates, too. `functions`: those that its module may be made
 * with, as it has no others. The names of its tensors end in the number of its level.
 */
const recurrent =
  (order: readonly number[], functions: readonly string[] = ['tanh']): PartsOf =>
  (shapeOf, layer, path) => {
    const { activation, recurrentActivation } = layer as { activation?: Activation; recurrentActivation?: Activation };
    checkFunction(path, 'activation', activation?.config.name, functions);
    if (recurrentActivation) checkFunction(path, 'recurrentActivation', recurrentActivation.config.name, ['sigmoid']);
    const [I, G] = shapeOf('kernel') as Shape;
    const [U] = shapeOf('recurrentKernel') as Shape;
    const gates = (array: NDArray) => rows(array, order, U);
    const kernel = (ours: string, theirs: string, width: number): Part => ({
      ours: [ours],
      theirs: [[theirs, [G, width]]],
      read: ([array]) => [permuted(gates(array), [1, 0])],
      write: ([array]) => [gates(permuted(array, [1, 0]))],
    });
    const bias = shapeOf('bias');
    const biases: Part = {
      ours: ['bias'],
      theirs: [
        ['bias_ih', [G]],
        ['bias_hh', [G]],
      ],
      read: (both) => [bias?.length === 2 ? joined(both.map(gates)).reshape(2, G) : added(both.map(gates))],
      write: ([array]) =>
        (bias?.length === 2 ? [array.take([0]), array.take([1])] : [array, NDArray.zeros([G], array.dtype)]).map(
          (row) => gates(row.reshape(G)),
        ),
    };
    return [kernel('kernel', 'weight_ih', I), kernel('recurrentKernel', 'weight_hh', U), ...(bias ? [biases] : [])];
  };

function checkFunction(path: string, option: string, name: string | undefined, known: readonly string[]): void {
  if (!known.includes(`${name}`))
    throw new TypeError(
      `Expected '${path}' to have the ${option} ${known.join(' or ')}, as PyTorch's recurrent modules have no other, got ${name}`,
    );
}

const INPUTS = ['query', 'key', 'value'];

/** PyTorch keeps the kernels of query, key and value in one tensor, where all three have the query's features. */
const attention: PartsOf = (shapeOf, _, path) => {
  const [features, H, K] = shapeOf('query/kernel') as Shape;
  const widths = INPUTS.map((name) => (shapeOf(`${name}/kernel`) as Shape)[0]);
  const output = shapeOf('output/kernel') as Shape;
  if (H * K !== features || output.join() !== [H, K, features].join())
    throw new TypeError(
      `Expected '${path}' to have heads that make up the query's features, which the output has too, as PyTorch's attention, ` +
        `got ${H} of ${K} (valueDim ${output[1]}) for ${features}, and ${output[2]} of the output`,
    );
  const kernel = (ours: string, theirs: string, inner: Shape, own: Shape) =>
    reshaped(axes(ours, theirs, inner, [1, 0]), inner, own);
  const kernels = INPUTS.map((name, i) =>
    kernel(`${name}/kernel`, `${name[0]}_proj_weight`, [widths[i], features], [widths[i], H, K]),
  );
  const biases = INPUTS.map((name) => reshaped(same(`${name}/bias`, '', [features]), [features], [H, K]));
  return [
    ...(widths.every((width) => width === features) ? [stacked('in_proj_weight', kernels)] : kernels),
    ...(shapeOf('query/bias') ? [stacked('in_proj_bias', biases)] : []),
    kernel('output/kernel', 'out_proj.weight', [features, features], output),
    ...sameIfThere({ 'output/bias': 'out_proj.bias' }, shapeOf),
  ];
};

/** Parts of one tensor each and of one shape, which lie in one tensor one behind the other. */
function stacked(name: string, parts: readonly Part[]): Part {
  const [[, [n, ...rest]]] = parts[0].theirs;
  return {
    ours: parts.flatMap(({ ours }) => ours),
    theirs: [[name, [parts.length * n, ...rest]]],
    read: ([array]) => parts.flatMap((part, k) => part.read([rows(array, [k], n)])),
    write: (arrays) => [joined(parts.flatMap((part, k) => part.write([arrays[k]]))).reshape(parts.length * n, ...rest)],
  };
}

const NORMALIZATION = { gamma: 'weight', beta: 'bias' };

const batchNorm: PartsOf = (shapeOf, _, path) => {
  checkBothOrNone(shapeOf, path, 'BatchNorm');
  return sameIfThere({ ...NORMALIZATION, movingMean: 'running_mean', movingVariance: 'running_var' }, shapeOf);
};

function checkBothOrNone(shapeOf: ShapeOf, path: string, module: string): void {
  if (!shapeOf('gamma') !== !shapeOf('beta'))
    throw new TypeError(`Expected '${path}' to have a scale and a center, or neither, as PyTorch's ${module}`);
}

/** It adds nothing to the variance, as nn.BatchNorm with an eps beside which the least variance is as it was. */
const normalization: PartsOf = (shapeOf) => {
  const [mean, variance] = ['movingMean', 'movingVariance'].map((name) => shapeOf(name) as Shape);
  const least = ({ data, shape }: NDArray) =>
    NDArray.wrap(data.map((value: number) => Math.max(value, LEAST_DEVIATION ** 2)) as typeof data, shape);
  return [
    same('movingMean', 'running_mean', mean),
    { ...same('movingVariance', 'running_var', variance), write: ([array]) => [least(array)] },
  ];
};

/** How the weights of each layer lie in the module that PyTorch has for it. */
const MODULES: Readonly<Record<string, PartsOf>> = {
  Dense: filters([1, 0]),
  Conv1D: filters(OUTPUTS_FIRST[3]),
  Conv2D: filters(OUTPUTS_FIRST[4]),
  // its inputs are first, which are our last ones
  Conv1DTranspose: filters(OUTPUTS_FIRST[3]),
  Conv2DTranspose: filters(OUTPUTS_FIRST[4]),
  DepthwiseConv1D: depthwiseFilters,
  DepthwiseConv2D: depthwiseFilters,
  Embedding: (shapeOf) => [same('embeddings', 'weight', shapeOf('embeddings') as Shape)],
  SeparableConv1D: separableFilters,
  SeparableConv2D: separableFilters,
  SimpleRNN: recurrent([0], ['tanh', 'relu']),
  LSTM: recurrent([0, 1, 2, 3]),
  GRU: (shapeOf, layer, path) => {
    if (!(layer as { resetAfter?: boolean }).resetAfter)
      throw new TypeError(`Expected '${path}' to have resetAfter true, as PyTorch's GRU`);
    return recurrent([1, 0, 2])(shapeOf, layer, path);
  },
  BatchNormalization: batchNorm,
  Normalization: normalization,
  GroupNormalization: (shapeOf, _, path) => {
    checkBothOrNone(shapeOf, path, 'GroupNorm');
    return sameIfThere(NORMALIZATION, shapeOf);
  },
  LayerNormalization: (shapeOf, _, path) => {
    if (!shapeOf('gamma') && shapeOf('beta'))
      throw new TypeError(`Expected '${path}' to have a scale where it has a center, as PyTorch's LayerNorm`);
    return sameIfThere(NORMALIZATION, shapeOf);
  },
  RMSNormalization: (shapeOf) => [same('scale', 'weight', shapeOf('scale') as Shape)],
  PReLU: (shapeOf, _, path) => {
    const shape = shapeOf('alpha') as Shape;
    const channels = shape.at(-1) ?? 1;
    if (sizeOf(shape) !== channels)
      throw new TypeError(
        `Expected '${path}' to have one alpha for each channel, as PyTorch's PReLU, got shape [${shape.join(', ')}]`,
      );
    return [reshaped(same('alpha', 'weight', [channels]), [channels], shape)];
  },
  MultiHeadAttention: attention,
};

const RECURRENT = ['SimpleRNN', 'LSTM', 'GRU'];
export const isRecurrent = ({ className }: Layer) => RECURRENT.includes(className);

/** What recurrent layers have to have in common where they are one module. */
export function kindOf(layer: Layer): string {
  const { forward } = layer as { forward?: Layer };
  if (forward) return `${kindOf(forward)} in two directions`;
  const { units, useBias } = layer as { units?: number; useBias?: boolean };
  return `${layer.className} of ${units} units${useBias ? '' : ' without bias'}`;
}

/** A layer in PyTorch. @throws TypeError for layers that PyTorch has no module for */
export function torchParts({ layer, path, owner }: Leaf): readonly Part[] {
  const parts = MODULES[layer.className];
  if (!parts)
    throw new TypeError(`Expected '${path}' to be a layer that PyTorch has a module for, got ${layer.className}`);
  const { forward, backward } = owner as { forward?: Layer; backward?: Layer };
  if (forward && backward && kindOf(forward) !== kindOf(backward))
    throw new TypeError(
      `Expected '${path}' to have two layers of one kind, as PyTorch's recurrent modules, got ${kindOf(forward)} and ${kindOf(backward)}`,
    );
  if ((forward as { goBackwards?: boolean } | undefined)?.goBackwards)
    throw new TypeError(
      `Expected '${path}' to have a layer with goBackwards false, as the first direction of PyTorch's recurrent modules, got true`,
    );
  const weights = layer.builtFor?.weights ?? {};
  return parts((name) => weights[name]?.shape, layer, path);
}

/** An array whose axis i is axis `order[i]` of the given one. */
function permuted(array: NDArray, order: readonly number[]): NDArray {
  const shape = order.map((axis) => array.shape[axis]);
  const strides = array.shape.map((_, axis) => sizeOf(array.shape.slice(axis + 1)));
  const out = NDArray.zeros(shape, array.dtype);
  const [data, from] = [out.data, array.data];
  const last = order.length - 1;
  const [n, step] = [shape[last], strides[order[last]]];
  const at = order.map(() => 0);
  for (let i = 0; i < array.size; ) {
    let place = 0;
    for (let axis = 0; axis < last; axis++) place += at[axis] * strides[order[axis]];
    for (let k = 0; k < n; k++, i++, place += step) data[i] = from[place];
    for (let axis = last - 1; axis >= 0 && ++at[axis] === shape[axis]; axis--) at[axis] = 0;
  }
  return out;
}

/** Blocks of `size` rows in another order. */
const rows = (array: NDArray, order: readonly number[], size: number) =>
  array.take(order.flatMap((block) => Array.from({ length: size }, (_, row) => block * size + row)));

/** All numbers one behind the other. */
function joined(arrays: readonly NDArray[]): NDArray {
  const out = NDArray.zeros([arrays.reduce((sum, { size }) => sum + size, 0)], arrays[0].dtype);
  let at = 0;
  for (const { data, size } of arrays) {
    out.data.set(data as never, at);
    at += size;
  }
  return out;
}

function added([a, b]: readonly NDArray[]): NDArray {
  const out = NDArray.from(a);
  for (let i = 0; i < out.size; i++) out.data[i] += b.data[i];
  return out;
}
