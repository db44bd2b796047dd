import { NDArray } from '../../array.js';
import { sizeOf } from '../../graph/value.js';
import { layers } from '../../layers/index.js';
import { Attributes } from './attributes.js';
import type { NodeProto } from './decode.js';
import type { Handler } from './import-layers.js';
import type { Importer } from './importer.js';
import {
  BATCH,
  Batches,
  type Computed,
  type Constant,
  type Dim,
  dimsOf,
  isSame,
  rounded,
  shapeOf,
  type Tensor,
} from './tensors.js';
import { ops } from './untyped.js';

export const layerNormalization: Handler = (c, [a, scale, bias], attributes, node) => {
  const given = c.computed(a);
  const axis = attributes.number('axis', -1);
  const first = axis < 0 ? axis + given.axes.length : axis;
  const x = first === given.axes.length - 1 ? c.withLast(given, -1) : c.plain(given);
  const axes = x.axes.slice(first);
  if (first < 1 || axes.includes(BATCH)) throw new RangeError('it goes over the batch');
  const shape = axes.map((own) => x.value.shape[own]);
  const gamma = c.constant(scale, 'its scale');
  const beta = c.parameters.bias(bias && c.constant(bias, 'its bias'));
  const epsilon = rounded(attributes.number('epsilon', 1e-5));
  const layer = c.layerOf(
    ['layerNormalization', axes.length, epsilon, !!beta],
    [gamma, beta],
    () => {
      const name = c.nameFor(node, gamma);
      const own = axes.length === 1 ? -1 : axes.map((_, k) => k - axes.length);
      return layers.layerNormalization({
        axis: own,
        epsilon,
        center: !!beta,
        ...(name && { name }),
      } as never);
    },
    {
      gamma: { shape, data: c.whole(gamma, shape).data },
      ...(beta && { beta: { shape, data: c.whole(beta, shape).data } }),
    },
  );
  return c.like(x, c.apply(layer, x));
};

/** By what neighbouring channels hold (Krizhevsky et al. 2012): x / (bias + alpha / size * sum(x^2))^beta, summed by a matrix of ones. */
const localResponse: Handler = (c, [a], attributes) => {
  const x = c.channelsLast(c.computed(a));
  const C = x.value.shape.at(-1) as number;
  const size = attributes.number('size', 0);
  if (!(size > 0)) throw new RangeError(`it sums over ${size} channels`);
  const [alpha, beta, bias] = [
    attributes.number('alpha', 1e-4),
    attributes.number('beta', 0.75),
    attributes.number('bias', 1),
  ];
  c.budget.take(C * C);
  const [before, behind] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  const isNear = NDArray.zeros([C, C], 'float64');
  for (let to = 0; to < C; to++)
    for (let from = Math.max(0, to - before); from <= Math.min(C - 1, to + behind); from++)
      isNear.data[from * C + to] = 1;
  const rows = ops.reshape(ops.square(x.value), [sizeOf(x.value.shape) / C, C]);
  const sums = ops.reshape(ops.matmul(rows, isNear), x.value.shape);
  const scale = ops.add(ops.mul(sums, rounded(alpha) / size), rounded(bias));
  return c.like(x, ops.mul(x.value, ops.pow(scale, -rounded(beta))));
};

/** By the sum of sizes, or the root of that of squares, along one axis; what has none stays. */
const lpNormalization: Handler = (c, [a], attributes) => {
  const x = c.computed(a);
  const p = attributes.number('p', 2);
  if (p !== 1 && p !== 2) throw new RangeError(`it has the p ${p}`);
  const along = { axis: c.axis(x, attributes.number('axis', -1)), keepDims: true };
  const norm = p === 1 ? ops.sum(ops.abs(x.value), along) : ops.sqrt(ops.sum(ops.square(x.value), along));
  return c.like(x, ops.div(x.value, ops.where(ops.equal(norm, 0), 1, norm)));
};

export const NORMALIZATIONS: Readonly<Record<string, Handler>> = {
  LRN: localResponse,
  LpNormalization: lpNormalization,
};

/** A constant that is known by now, or is cast later to the type of what takes it. */
function constantOf(c: Importer, name: string | undefined): Constant | undefined {
  const maker = c.maker(name);
  if (maker?.type === 'CastLike') return constantOf(c, maker.inputs[0]);
  if (!name || (maker && !c.isKnown(name))) return undefined;
  const tensor = c.get(name);
  return tensor?.kind === 'constant' ? tensor : undefined;
}

export const isOneShape = (a: readonly Dim[], b: readonly Dim[]) =>
  a.length === b.length &&
  a.every((n, axis) => {
    const other = b[axis];
    return n instanceof Batches ? other instanceof Batches && n.times === other.times : n === other;
  });

export const isFilledWith = (tensor: Tensor | undefined, value: number): boolean =>
  tensor?.kind === 'constant' && Array.from(tensor.data).every((n) => n === value);

/** Whether a node goes over all axes of [1, rows, n, 1] but its rows. */
function isOfEachRow(c: Importer, node: NodeProto): boolean {
  const given = constantOf(c, node.inputs[1])?.data ?? new Attributes(node.attributes).numbers('axes') ?? [];
  const axes = Array.from(given, (axis) => (axis < 0 ? axis + 4 : axis)).sort();
  return isSame(axes, [0, 2, 3]);
}

/** Whether mean and variance are what nodes before have computed of each row of n numbers of `x`. */
function areOfRows(c: Importer, x: string, mean: string, variance: string, n: number): boolean {
  const squeezed = c.maker(mean);
  const means = squeezed?.type === 'Squeeze' ? c.maker(squeezed.inputs[0]) : squeezed;
  if (means?.type !== 'ReduceMean' || means.inputs[0] !== x || !isOfEachRow(c, means)) return false;
  const quotient = c.maker(variance);
  const squares = c.maker(quotient?.inputs[0]);
  if (quotient?.type !== 'Div' || squares?.type !== 'ReduceSumSquare' || !isOfEachRow(c, squares)) return false;
  const difference = c.maker(squares.inputs[0]);
  const isDifference =
    difference?.type === 'Sub' && difference.inputs[0] === x && difference.inputs[1] === means.outputs[0];
  const by = constantOf(c, quotient.inputs[1]);
  return isDifference && by?.data.length === 1 && by.data[0] === n;
}

/** What comes of a node by the only one that reads it, of this type, and a constant of these last axes. */
export function behind(c: Importer, output: string, type: string, shape: readonly number[], rank: number) {
  const node = c.onlyReader(output);
  if (node?.type !== type || node.domain !== '') return undefined;
  const own = constantOf(
    c,
    node.inputs.find((name) => name !== output),
  );
  if (!own?.isFloat || own.shape.length > rank) return undefined;
  const lead = own.shape.length - shape.length;
  if (lead < 0 || !own.shape.every((n, axis) => n === (axis < lead ? 1 : shape[axis - lead]))) return undefined;
  return { output: node.outputs[0], weight: { ...own, shape } };
}

/**
 * Keras 2's layer normalization as TensorFlow computes it, and tf2onnx writes it: a batch normalization of [1, rows, n, 1], whose
 * channels are the rows, by the mean and the variance of each; then the shape from before, times gamma, plus beta. Sets what its
 * last node gives, where these follow; undefined for other batch normalizations.
 */
export function layerNormalizationAround(
  c: Importer,
  [a, scale, bias]: readonly (Tensor | undefined)[],
  attributes: Attributes,
  node: NodeProto,
): Tensor | readonly Tensor[] | undefined {
  const [name, , , mean, variance] = node.inputs;
  const before = c.maker(name);
  const source = before?.type === 'Reshape' ? c.get(before.inputs[0]) : undefined;
  if (a?.kind !== 'computed' || source?.kind !== 'computed' || source.axes[0] !== BATCH) return undefined;
  const rows = shapeOf(a);
  const isOfRows = rows.length === 4 && rows[0] === 1 && rows[1] instanceof Batches && rows[3] === 1;
  if (!isOfRows || !isFilledWith(scale, 1) || !isFilledWith(bias, 0)) return undefined;
  const n = rows[2] as number;
  if (!areOfRows(c, name, mean, variance, n)) return undefined;

  const x = c.plain(source);
  const shape = x.value.shape.slice(x.steps ? 1 : 0);
  let first = shape.length - 1;
  while (first > 0 && sizeOf(shape.slice(first)) < n) first--;
  const of = shape.slice(first);
  if (sizeOf(of) !== n) return undefined;
  const last = c.onlyReader(node.outputs[0]);
  const to = last?.type === 'Reshape' && c.isKnown(last.inputs[1]) ? c.get(last.inputs[1]) : undefined;
  const isBack = (to?.kind === 'dims' || to?.kind === 'constant') && isOneShape(dimsOf(to), shapeOf(x));
  const rank = x.axes.length;
  const back = isBack && last ? last.outputs[0] : undefined;
  const gamma = back ? behind(c, back, 'Mul', of, rank) : undefined;
  const middle = gamma?.output ?? back;
  const beta = middle ? behind(c, middle, 'Add', of, rank) : undefined;
  const epsilon = rounded(attributes.number('epsilon', 1e-5));
  const options = {
    axis: of.length === 1 ? -1 : of.map((_, k) => k - of.length),
    epsilon,
    scale: !!gamma,
    center: !!beta,
  };
  const layer = c.layerOf(
    ['layerNormalization', options, gamma || beta ? undefined : node.outputs[0]],
    [gamma?.weight, beta?.weight],
    () => {
      const own = c.nameFor(node);
      return layers.layerNormalization({ ...options, ...(own && { name: own }) } as never);
    },
    {
      ...(gamma && { gamma: { shape: of, data: c.whole(gamma.weight, of).data } }),
      ...(beta && { beta: { shape: of, data: c.whole(beta.weight, of).data } }),
    },
  );
  const made: Computed = c.like(x, c.apply(layer, x));
  if (!back) return c.reshaped(made, rows);
  c.setAll([back, gamma?.output ?? back, beta?.output ?? back], made);
  return [];
}
