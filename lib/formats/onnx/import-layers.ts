import { layers } from '../../layers/index.js';
import type { Layer } from '../../layers/layer.js';
import type { Attributes } from './attributes.js';
import type { NodeProto } from './decode.js';
import { scaledBy } from './holders.js';
import { fusedActivation } from './import-activations.js';
import { groupNormalization, instanceNormalization } from './import-group-normalization.js';
import { layerNormalization, layerNormalizationAround } from './import-normalization.js';
import type { Importer } from './importer.js';
import { transposed } from './onnx-graph.js';
import { type Computed, type Constant, computed, isSame, type Numbers, rounded, type Tensor } from './tensors.js';
import { applied, ops } from './untyped.js';

export type Handler = (
  c: Importer,
  inputs: readonly (Tensor | undefined)[],
  attributes: Attributes,
  node: NodeProto,
) => Tensor | readonly (Tensor | undefined)[];

export const numbersOf = ({ shape, data }: Constant): Numbers => ({ shape: [...shape], data: data as Numbers['data'] });

/** A vector as a bias of n numbers. */
export function biasOf(c: Importer, tensor: Tensor, n: number, scale = 1): Numbers {
  const own = c.constant(tensor, 'its bias');
  const { data } = c.whole(own, own.shape.length <= 1 ? [n] : [1, n]);
  return { shape: [n], data: scale === 1 ? data : Float64Array.from(data as Float64Array, (b) => b * scale) };
}

/**
 * A node behind another that reads it alone, and adds a constant of these last axes, or of more of length 1 before them: of all
 * that the sum has, which are `rank`.
 */
export function addedBehind(
  c: Importer,
  output: string,
  shape: readonly number[],
  rank: number,
): { node: NodeProto; bias: Constant } | undefined {
  const node = c.onlyReader(output);
  if (node?.type !== 'Add' || node.domain !== '') return undefined;
  const other = node.inputs.find((name) => name !== output);
  const bias = c.maker(other) ? undefined : c.get(other);
  if (bias?.kind !== 'constant' || !bias.isFloat) return undefined;
  const lead = bias.shape.length - shape.length;
  const fits =
    lead >= 0 &&
    bias.shape.length <= rank &&
    bias.shape.every((n, axis) => n === (axis < lead ? 1 : shape[axis - lead]));
  return fits ? { node, bias: { ...bias, shape } } : undefined;
}

interface DenseOf {
  readonly weight: Constant;
  /** [I, O] */
  readonly kernel: Numbers;
  readonly bias?: Constant;
  /** Of that bias. */
  readonly scale?: number;
}

function dense(c: Importer, x: Computed, node: NodeProto, { weight, kernel, bias, scale = 1 }: DenseOf): Tensor {
  const [rows, units] = kernel.shape;
  let input = x;
  let w = kernel;
  if (x.image) {
    // the image's values lie in a row with the channels slowest: the rows of the weights, in our order
    const [H, W, C] = x.image.shape;
    const wide = { shape: [C, H, W, units], data: kernel.data };
    w = { shape: [rows, units], data: transposed(wide, [1, 2, 0, 3]).data };
    input = computed(applied(layers.flatten(), x.image));
  } else input = c.withLast(x, -1);
  if (input.value.shape.at(-1) !== rows)
    throw new RangeError(`it multiplies ${input.value.shape.at(-1)} values by a matrix of ${rows} rows`);
  const added = bias ? undefined : addedBehind(c, node.outputs[0], [units], x.axes.length);
  const own = bias ?? added?.bias;
  const times = bias ? scale : 1;
  const tied = c.parameters.matrix(weight, w);
  if (tied) {
    const product = ops.matmul(input.value, tied);
    const sum = own ? ops.add(product, c.parameters.added(own, biasOf(c, own, units, times))) : product;
    return c.setAll(
      [node, ...(added ? [added.node] : [])].map(({ outputs: [name] }) => name),
      c.like(input, sum),
    );
  }
  const { activation, outputs, isPositive } = fusedActivation(c, [node, ...(added ? [added.node] : [])], input);
  const layer = c.layerOf(
    ['dense', !!own, activation, times, x.image?.shape],
    [weight, own && times !== 1 ? scaledBy(times, own) : own],
    () => {
      const name = c.nameFor(node, weight);
      return layers.dense({ units, useBias: !!own, activation, ...(name && { name }) });
    },
    { kernel: w, ...(own && { bias: biasOf(c, own, units, times) }) },
  );
  return c.setAll(outputs, c.like(input, c.apply(layer, input), isPositive));
}

const gemm: Handler = (c, [a, b, bias], attributes, node) => {
  const x = c.computed(a);
  if (attributes.number('transA', 0) !== 0) throw new RangeError('it transposes its input');
  const matrix = c.constant(b, 'its matrix');
  const own = numbersOf(matrix);
  const [alpha, beta] = [attributes.number('alpha', 1), attributes.number('beta', 1)];
  const weight = alpha === 1 ? matrix : scaledBy(alpha, matrix);
  const turned = attributes.number('transB', 0) === 1 ? transposed(own, [1, 0]) : own;
  const kernel =
    alpha === 1 ? turned : { shape: turned.shape, data: (turned.data as Float64Array).map((w) => w * alpha) };
  if (bias?.kind === 'computed') {
    if (beta !== 1) throw new RangeError('it adds a part of what is computed');
    // what comes behind the node comes behind the sum
    const product = dense(c, x, { ...node, outputs: [`${node.outputs[0]} before the sum`] }, { weight, kernel });
    const [p, q, like] = c.aligned(c.computed(product), bias);
    if (!isSame(p.shape, q.shape)) throw new RangeError('it adds values of another shape');
    return c.like(like, applied(layers.add(), [p, q]));
  }
  return dense(c, x, node, {
    weight,
    kernel,
    scale: beta,
    ...(bias && beta !== 0 && { bias: c.constant(bias, 'its bias') }),
  });
};

/** What slides over an image or a sequence, along its axes. */
export interface Window {
  readonly size: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding in front, along each axis, then behind. */
  readonly pads: readonly number[];
}

export function windowOf(attributes: Attributes, size: readonly number[], shape: readonly number[]): Window {
  const ones = size.map(() => 1);
  const strides = attributes.numbers('strides') ?? ones;
  const dilations = attributes.numbers('dilations') ?? ones;
  for (const list of [strides, dilations])
    if (list.length !== size.length || !list.every((n) => Number.isSafeInteger(n) && n > 0))
      throw new RangeError(`its strides or dilations are [${list.join(', ')}]`);
  const given = attributes.numbers('pads') ?? [...size, ...size].map(() => 0);
  const auto = attributes.string('auto_pad', 'NOTSET');
  // ONNX crops where strides pass over more than TensorFlow leaves out behind the last window
  if (auto.startsWith('SAME') && beyond({ size, strides, dilations }, shape).some((n) => n < -1))
    throw new RangeError(`its auto_pad ${auto} crops, as its strides are larger`);
  const same = sames({ size, strides, dilations }, shape);
  const pads =
    auto === 'SAME_UPPER'
      ? same
      : auto === 'SAME_LOWER'
        ? [...same.slice(size.length), ...same.slice(0, size.length)]
        : auto === 'VALID'
          ? same.map(() => 0)
          : given;
  if (pads.length !== 2 * size.length || !pads.every((n) => Number.isSafeInteger(n) && n >= 0))
    throw new RangeError(`its pads are [${pads.join(', ')}]`);
  return { size, strides, dilations, pads };
}

/** How far the last of as many windows as strides fit into an axis reaches beyond its end; below 0 what is left of it. */
const beyond = ({ size, strides, dilations }: Omit<Window, 'pads'>, shape: readonly number[]): number[] =>
  size.map((n, k) => (Math.ceil(shape[k] / strides[k]) - 1) * strides[k] + (n - 1) * dilations[k] + 1 - shape[k]);

/** The padding of TensorFlow's 'same'. */
function sames(window: Omit<Window, 'pads'>, shape: readonly number[]): number[] {
  const all = beyond(window, shape).map((n) => Math.max(0, n));
  return [...all.map((n) => Math.floor(n / 2)), ...all.map((n) => Math.ceil(n / 2))];
}

const isNone = ({ pads }: Window) => pads.every((n) => n === 0);

/** 'valid' or 'same' where that is the window's padding; else undefined. */
export const paddingOf = (window: Window, shape: readonly number[]): 'valid' | 'same' | undefined =>
  isNone(window) ? 'valid' : isSame(window.pads, sames(window, shape)) ? 'same' : undefined;

/** Zeros around an image or a sequence. */
export function padded(c: Importer, x: Computed, pads: readonly number[]): Computed {
  const n = pads.length / 2;
  const pair = (k: number): [number, number] => [pads[k], pads[k + n]];
  const layer =
    n === 1 ? layers.zeroPadding1d({ padding: pair(0) }) : layers.zeroPadding2d({ padding: [pair(0), pair(1)] });
  return c.like(x, c.apply(layer as Layer, x), x.isPositive);
}

/** The pixels' axes of what has its channels last. */
export const pixels = ({ value, steps }: Computed) => value.shape.slice(steps ? 1 : 0, -1);

const conv: Handler = (c, [a, b, given], attributes, node) => {
  const bias = c.parameters.bias(given);
  const x = c.channelsLast(c.computed(a));
  const weight = c.constant(b, 'its kernel');
  const n = weight.shape.length - 2;
  if (n < 1 || n > 2 || pixels(x).length !== n) throw new RangeError(`it convolves along ${n} axes`);
  const [filters, channels, ...size] = weight.shape;
  const window = windowOf(attributes, size, pixels(x));
  const groups = attributes.number('group', 1);
  if (x.value.shape.at(-1) !== channels * groups)
    throw new RangeError(`it takes ${channels * groups} channels, and is given ${x.value.shape.at(-1)}`);
  const kernel = transposed(numbersOf(weight), [...size.map((_, k) => k + 2), 1, 0]);
  const isCausal =
    n === 1 && window.pads[1] === 0 && window.pads[0] === (size[0] - 1) * window.dilations[0] && window.pads[0] > 0;
  const padding = isCausal ? 'causal' : paddingOf(window, pixels(x));
  const input = padding ? x : padded(c, x, window.pads);
  const { activation, outputs, isPositive } = fusedActivation(c, [node], input);
  const options = {
    filters,
    padding: padding ?? 'valid',
    groups,
    useBias: !!bias,
    activation,
    kernelSize: n === 1 ? size[0] : (size as [number, number]),
    strides: n === 1 ? window.strides[0] : (window.strides as [number, number]),
    dilationRate: n === 1 ? window.dilations[0] : (window.dilations as [number, number]),
  };
  const layer = c.layerOf(
    ['conv', options],
    [weight, bias],
    () => {
      const name = c.nameFor(node, weight);
      const all = { ...options, ...(name && { name }) };
      return (n === 1 ? layers.conv1d : layers.conv2d)(all as never);
    },
    { kernel, ...(bias && { bias: biasOf(c, bias, filters) }) },
  );
  return c.setAll(outputs, c.like(input, c.apply(layer, input), isPositive));
};

const batchNormalization: Handler = (c, [a, ...rest], attributes, node) => {
  const ofRows = layerNormalizationAround(c, [a, ...rest], attributes, node);
  if (ofRows) return ofRows;
  const given = c.computed(a);
  const x = given.axes.length > 2 ? c.channelsLast(given) : given;
  if (attributes.number('training_mode', 0) === 1 || node.outputs.slice(1).some((name) => c.isRead(name)))
    throw new RangeError('it is in training mode');
  const names = ['gamma', 'beta', 'movingMean', 'movingVariance'];
  const weights = rest.map((tensor, i) => c.constant(tensor, `its ${names[i]}`));
  if (weights.length !== 4) throw new RangeError(`it has ${weights.length} weights`);
  const epsilon = rounded(attributes.number('epsilon', 1e-5));
  const layer = c.layerOf(
    ['batchNormalization', epsilon],
    weights,
    () => {
      const name = c.nameFor(node, weights[0]);
      return layers.batchNormalization({
        epsilon,
        momentum: rounded(attributes.number('momentum', 0.9)),
        ...(name && { name }),
      });
    },
    Object.fromEntries(weights.map((weight, i) => [names[i], numbersOf(weight)])),
  );
  return c.like(x, c.apply(layer, x));
};

/** A matrix by a matrix: of a constant one a dense layer. */
export function denseOf(c: Importer, x: Computed, weight: Constant, node: NodeProto, bias?: Constant): Tensor {
  return dense(c, x, node, { weight, kernel: numbersOf(weight), ...(bias && { bias }) });
}

export const LAYERS: Readonly<Record<string, Handler>> = {
  Gemm: gemm,
  Conv: conv,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  GroupNormalization: groupNormalization,
  InstanceNormalization: instanceNormalization,
};
