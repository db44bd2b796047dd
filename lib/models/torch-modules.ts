import { NDArray } from '../array.js';
import { type Shape, sizeOf } from '../graph/value.js';
import type { Layer } from '../layers/layer.js';

/** Tensors of a module in PyTorch that hold the same numbers as weights of a layer: how one becomes the other. */
interface Part {
  readonly ours: readonly string[];
  readonly theirs: readonly (readonly [name: string, shape: Shape])[];
  read(theirs: readonly NDArray[]): NDArray[];
  write(ours: readonly NDArray[]): NDArray[];
}

type PartsOf = (shapeOf: (weight: string) => Shape | undefined, layer: Layer) => readonly Part[];

/** An array that is the same in both. */
const same = (ours: string, theirs: string, shape: Shape): Part => ({
  ours: [ours],
  theirs: [[theirs, shape]],
  read: ([array]) => [array],
  write: ([array]) => [array],
});

/** Those of them that the layer has. */
const sameIfThere = (names: Readonly<Record<string, string>>, shapeOf: (weight: string) => Shape | undefined): Part[] =>
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

/** Ours [K, L, channels, kernels of each], theirs [channels * kernels, 1, K, L]. */
const depthwise =
  (ours: string, theirs: string): PartsOf =>
  (shapeOf) => {
    const [K, L, C, M] = shapeOf(ours) as Shape;
    const inner = axes(ours, theirs, [K, L, C * M], [1, 2, 0]);
    return [
      {
        ours: [ours],
        theirs: [[theirs, [C * M, 1, K, L]]],
        read: ([array]) => inner.read([array.reshape(C * M, K, L)]).map((made) => made.reshape(K, L, C, M)),
        write: ([array]) => inner.write([array.reshape(K, L, C * M)]).map((made) => made.reshape(C * M, 1, K, L)),
      },
    ];
  };

/** `order`: PyTorch's place of each of our gates, which is ours of each of its gates, too. */
const recurrent =
  (order: readonly number[]): PartsOf =>
  (shapeOf) => {
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
        ['bias_ih_l0', [G]],
        ['bias_hh_l0', [G]],
      ],
      read: (both) => [bias?.length === 2 ? joined(both.map(gates)).reshape(2, G) : added(both.map(gates))],
      write: ([array]) =>
        (bias?.length === 2 ? [array.take([0]), array.take([1])] : [array, NDArray.zeros([G], array.dtype)]).map(
          (row) => gates(row.reshape(G)),
        ),
    };
    return [
      kernel('kernel', 'weight_ih_l0', I),
      kernel('recurrentKernel', 'weight_hh_l0', U),
      ...(bias ? [biases] : []),
    ];
  };

const attention: PartsOf = (shapeOf, layer) => {
  const [features, H, K] = shapeOf('query/kernel') as Shape;
  const isSame = ['query', 'key', 'value'].every(
    (name) => shapeOf(`${name}/kernel`)?.join() === [features, H, K].join(),
  );
  if (!isSame || H * K !== features)
    throw new TypeError(
      `Expected '${layer.name}' to have heads that make up the features of query, key and value, as PyTorch's attention, got ${H} of ${K} for ${features}`,
    );
  /** Three of ours one behind the other, along PyTorch's outputs. */
  const three = (part: string, theirs: string, shape: Shape, own: Shape): Part => ({
    ours: ['query', 'key', 'value'].map((name) => `${name}/${part}`),
    theirs: [[theirs, shape]],
    read: ([array]) =>
      [0, 1, 2].map((k) => {
        const block = rows(array, [k], features);
        return (block.ndim === 2 ? permuted(block, [1, 0]) : block).reshape(...own);
      }),
    write: (arrays) => [
      joined(
        arrays.map((array) => (own.length === 3 ? permuted(array.reshape(features, features), [1, 0]) : array)),
      ).reshape(...shape),
    ],
  });
  const output = axes('output/kernel', 'out_proj.weight', [features, features], [1, 0]);
  return [
    three('kernel', 'in_proj_weight', [3 * features, features], [features, H, K]),
    ...(shapeOf('query/bias') ? [three('bias', 'in_proj_bias', [3 * features], [H, K])] : []),
    {
      ...output,
      read: (theirs) => output.read(theirs).map((array) => array.reshape(H, K, features)),
      write: ([array]) => output.write([array.reshape(features, features)]),
    },
    ...sameIfThere({ 'output/bias': 'out_proj.bias' }, shapeOf),
  ];
};

const NORMALIZATION = { gamma: 'weight', beta: 'bias' };

/** How the weights of each layer lie in the module that PyTorch has for it. */
const MODULES: Readonly<Record<string, PartsOf>> = {
  Dense: filters([1, 0]),
  Conv1D: filters([2, 1, 0]),
  Conv2D: filters([2, 3, 1, 0]),
  Conv2DTranspose: filters([2, 3, 1, 0]),
  DepthwiseConv2D: (shapeOf, layer) => [
    ...depthwise('kernel', 'weight')(shapeOf, layer),
    ...sameIfThere({ bias: 'bias' }, shapeOf),
  ],
  Embedding: (shapeOf) => [same('embeddings', 'weight', shapeOf('embeddings') as Shape)],
  SimpleRNN: recurrent([0]),
  LSTM: recurrent([0, 1, 2, 3]),
  GRU: (shapeOf, layer) => {
    if (!(layer as { resetAfter?: boolean }).resetAfter)
      throw new TypeError(`Expected '${layer.name}' to have resetAfter true, as PyTorch's GRU`);
    return recurrent([1, 0, 2])(shapeOf, layer);
  },
  BatchNormalization: (shapeOf) =>
    sameIfThere({ ...NORMALIZATION, movingMean: 'running_mean', movingVariance: 'running_var' }, shapeOf),
  LayerNormalization: (shapeOf, layer) => {
    if (!shapeOf('gamma') && shapeOf('beta'))
      throw new TypeError(`Expected '${layer.name}' to have a scale where it has a center, as PyTorch's LayerNorm`);
    return sameIfThere(NORMALIZATION, shapeOf);
  },
  PReLU: (shapeOf, layer) => {
    const shape = shapeOf('alpha') as Shape;
    const channels = shape.at(-1) ?? 1;
    if (sizeOf(shape) !== channels)
      throw new TypeError(
        `Expected '${layer.name}' to have one alpha for each channel, as PyTorch's PReLU, got shape [${shape.join(', ')}]`,
      );
    return [
      {
        ours: ['alpha'],
        theirs: [['weight', [channels]]],
        read: ([array]) => [array.reshape(...shape)],
        write: ([array]) => [array.reshape(channels)],
      },
    ];
  },
  MultiHeadAttention: attention,
};

/** A layer in PyTorch. @throws TypeError for layers that PyTorch has no module for */
export function torchParts(layer: Layer, path: string): readonly Part[] {
  const parts = MODULES[layer.className];
  if (!parts)
    throw new TypeError(`Expected '${path}' to be a layer that PyTorch has a module for, got ${layer.className}`);
  const weights = layer.builtFor?.weights ?? {};
  return parts((name) => weights[name]?.shape, layer);
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
