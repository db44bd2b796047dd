import type { NDArray } from '../../array.js';
import { reverseAxis } from '../../graph/ops/axes.js';
import { pad } from '../../graph/ops/pad.js';
import { applyOp, type Value } from '../../graph/value.js';
import { layers } from '../../layers/index.js';
import type { Layer } from '../../layers/layer.js';
import { denseOf, embeddingOf, type Handler } from './import-layers.js';
import type { Importer } from './importer.js';
import {
  BATCH,
  Batches,
  type Computed,
  type Constant,
  computed,
  constant,
  type Dim,
  type Dims,
  dims,
  dimsOf,
  isSame,
  shapeOf,
  type Tensor,
} from './tensors.js';
import { applied, ops } from './untyped.js';

type Operand = Value | NDArray;

/** Two values, or a value and a constant, element by element. */
const binary =
  (f: (x: any, y: any) => Value, asLayer?: () => Layer<any>): Handler =>
  (c, [a, b]) => {
    if (a?.kind === 'computed' && b?.kind === 'computed') {
      const [x, y, like] = c.aligned(a, b);
      if (asLayer && isSame(x.shape, y.shape) && !like.steps)
        return c.like(like, applied(asLayer(), [x, y]), { isPositive: undefined });
      return c.like(like, f(x, y), { isPositive: undefined });
    }
    const given = a?.kind === 'computed' ? a : c.computed(b, 'neither of its inputs');
    const known = c.constant(a?.kind === 'computed' ? b : a, 'one of its inputs');
    const own = c.raised(given, known.shape.length);
    const other = c.against(own, known);
    return c.like(own, a?.kind === 'computed' ? f(own.value, other) : f(other, own.value), { isPositive: undefined });
  };

const unary =
  (f: (x: any) => Value): Handler =>
  (c, [a]) => {
    const x = c.computed(a);
    return c.like(x, f(x.value), { isPositive: undefined });
  };

/** Of two or more, one by one. */
const chained =
  (f: Handler): Handler =>
  (c, inputs, attributes, node) =>
    inputs.slice(1).reduce<Tensor>((all, next) => f(c, [all, next], attributes, node) as Tensor, inputs[0] as Tensor);

const number = (value: number): Constant => constant([], [value], true);

/** What is known before the network runs. */
function known(tensor: Tensor | undefined): Constant | Dims {
  if (tensor?.kind !== 'constant' && tensor?.kind !== 'dims')
    throw new RangeError('its shape is not known before the network runs');
  return tensor;
}

const same: Handler = (_, [a]) => [a];

const reduce =
  (f: (x: any, options: { axis: number[]; keepDims: boolean }) => Value): Handler =>
  (c, [a, b], attributes) => {
    const x = c.computed(a);
    const keepDims = attributes.number('keepdims', 1) === 1;
    const given = c.ints(b, attributes, 'axes');
    if (!given || given.length === 0) throw new RangeError('it goes over all axes, the batch among them');
    const axis = given.map((own) => c.axis(x, own));
    const value = f(x.value, { axis, keepDims });
    if (keepDims) return c.like(x, value);
    const left = x.axes.filter((own) => !axis.includes(own));
    return computed(value, renumbered(left, x.steps ? 1 : 0), x.steps ? { steps: x.steps } : {});
  };

/** Axes after others have gone. */
function renumbered(axes: readonly number[], first: number): number[] {
  const sorted = axes.filter((axis) => axis !== BATCH).sort((a, b) => a - b);
  return axes.map((axis) => (axis === BATCH ? BATCH : first + sorted.indexOf(axis)));
}

const matMul: Handler = (c, [a, b], _, node) => {
  if (a?.kind === 'computed' && b?.kind === 'constant' && b.shape.length === 2) return denseOf(c, a, b, node);
  if (a?.kind === 'computed' && b?.kind === 'computed') {
    const [x, y] = [c.plain(a), c.plain(b)];
    if (x.steps || y.steps || x.axes.length !== y.axes.length || x.axes.length < 3)
      throw new RangeError('it multiplies values of different numbers of axes, or of the batch');
    return computed(ops.matmul(x.value, y.value));
  }
  if (a?.kind === 'computed' && b?.kind === 'constant') {
    const x = c.plain(a);
    if (x.steps || b.shape[0] !== 1 || b.shape.length !== x.axes.length)
      throw new RangeError('it multiplies by a constant of a batch');
    return computed(ops.matmul(x.value, c.whole(b, b.shape.slice(1))));
  }
  throw new RangeError('it multiplies a constant by a value');
};

const transpose: Handler = (c, [a], attributes) => {
  const x = c.computed(a);
  const rank = x.axes.length;
  const perm = attributes.numbers('perm') ?? x.axes.map((_, i) => rank - 1 - i);
  if (perm.length !== rank || x.axes.some((_, i) => !perm.includes(i)))
    throw new RangeError(`its perm is [${perm.join(', ')}]`);
  // nothing moves: what comes next asks for the axes that it needs
  return { ...x, axes: perm.map((axis) => x.axes[axis]), origin: undefined, image: undefined } as Computed;
};

const reshape: Handler = (c, [a, b], attributes) => {
  const x = c.computed(a);
  if (!b) throw new RangeError('it has no shape');
  const from = shapeOf(x);
  const isZeroReal = attributes.number('allowzero', 0) === 1;
  const target = dimsOf(known(b)).map((n, axis) => (n === 0 && !isZeroReal ? from[axis] : n));
  return c.reshaped(x, solved(c, x, target));
};

/** A shape without -1, the batch in it as what it is. */
function solved(c: Importer, x: Computed, target: readonly Dim[]): Dim[] {
  const size = x.value.shape.reduce((product, n) => product * n, 1);
  const known = target.reduce<number>(
    (product, n) => product * (typeof n === 'number' ? (n === -1 ? 1 : n) : n.times),
    1,
  );
  const hasBatch = target.some((n) => n instanceof Batches);
  const rest = size / known;
  if (target.includes(-1)) {
    if (!Number.isInteger(rest) || rest < 1)
      throw new RangeError(`it gives [${written(target)}] to ${size} values of a sample`);
    return target.map((n) => (n === -1 ? (hasBatch ? rest : new Batches(rest)) : n));
  }
  // a file of a fixed batch has that in its shapes
  const { batch } = c;
  if (
    !hasBatch &&
    batch !== undefined &&
    typeof target[0] === 'number' &&
    known === size * batch &&
    target[0] % batch === 0
  )
    return [new Batches(target[0] / batch), ...target.slice(1)];
  return [...target];
}

const written = (shape: readonly Dim[]) => shape.map((n) => (typeof n === 'number' ? n : 'batch')).join(', ');

const flatten: Handler = (c, [a], attributes) => {
  const x = c.computed(a);
  const axis = attributes.number('axis', 1);
  if (axis !== 1 && axis !== 1 - x.axes.length) throw new RangeError(`it flattens from axis ${axis} on`);
  const times = x.steps ? x.value.shape[0] : 1;
  const size = x.value.shape.reduce((product, n) => product * n, 1) / times;
  return c.reshaped(x, [new Batches(times), size]);
};

const unsqueeze: Handler = (c, [a, b], attributes) => {
  const x = c.computed(a);
  const rank = x.axes.length + (c.ints(b, attributes, 'axes') ?? []).length;
  const at = (c.ints(b, attributes, 'axes') ?? []).map((axis) => (axis < 0 ? axis + rank : axis)).sort((p, q) => p - q);
  let { value } = x;
  let axes = [...x.axes];
  for (const place of at) {
    if (place === 0 && x.steps) throw new RangeError('it puts an axis in front of the batch');
    // in order where the others are
    const own = axes.slice(0, place).filter((axis) => axis !== BATCH).length + (x.steps ? 1 : 0);
    const shape = [...value.shape.slice(0, own), 1, ...value.shape.slice(own)];
    value = applied(layers.reshape({ targetShape: shape }), value);
    axes = axes.map((axis) => (axis >= own ? axis + 1 : axis));
    axes.splice(place, 0, own);
  }
  return computed(value, axes, { origin: x.origin ?? x.value, ...(x.steps && { steps: x.steps }) });
};

const squeeze: Handler = (c, [a, b], attributes) => {
  const x = c.computed(a);
  const shape = shapeOf(x);
  const given = c.ints(b, attributes, 'axes') ?? shape.flatMap((n, axis) => (n === 1 ? [axis] : []));
  const at = given.map((axis) => (axis < 0 ? axis + x.axes.length : axis));
  if (at.some((axis) => shape[axis] !== 1)) throw new RangeError(`it leaves out axes of [${written(shape)}]`);
  const gone = at.map((axis) => x.axes[axis]);
  const left = x.axes.filter((_, i) => !at.includes(i));
  return without(x, gone, left);
};

/** A value whose axes `gone` are of length 1, without them. */
function without(x: Computed, gone: readonly number[], left: readonly number[]): Computed {
  const shape = x.value.shape.filter((_, axis) => !gone.includes(axis));
  const axes = left.map((axis) => (axis === BATCH ? BATCH : axis - gone.filter((own) => own < axis).length));
  const source = x.origin ?? x.value;
  const value = isSame(source.shape, shape) ? source : applied(layers.reshape({ targetShape: shape }), x.value);
  return computed(value, axes, { ...(x.steps && { steps: x.steps }) });
}

const concat: Handler = (c, inputs, attributes) => {
  const first = c.computed(
    inputs.find((tensor) => tensor?.kind === 'computed'),
    'none of its inputs',
  );
  const all = inputs.filter((tensor): tensor is Computed => tensor?.kind === 'computed');
  const isAlike = all.every((tensor) => isSame(tensor.axes, first.axes) && tensor.steps === first.steps);
  const like = isAlike ? first : c.plain(first);
  const axis = c.axis(like, attributes.number('axis', 0));
  const values = inputs.map((tensor): Operand => {
    if (tensor?.kind === 'computed') return (isAlike ? tensor : c.plain(tensor)).value;
    const own = c.constant(tensor, 'one of its inputs');
    const array = c.against(like, own);
    const shape = like.value.shape.map((n, k) => (k === axis ? own.shape[like.axes.indexOf(k)] : n));
    return typeof array === 'number' ? c.whole(number(array), shape) : c.whole({ ...own, ...array }, shape);
  });
  const isPositive =
    all.length === inputs.length && all.every((tensor) => tensor.isPositive) ? (true as const) : undefined;
  const value =
    all.length === inputs.length && !like.steps
      ? applied(layers.concatenate({ axis: axis + 1 }), values as Value[])
      : ops.concat(values, { axis });
  return c.like(like, value, { isPositive });
};

/** So many entries along an axis of ONNX, each `step` behind the one before. */
function taken(c: Importer, x: Computed, axis: number, from: number, count: number, step = 1): Computed {
  const own = c.axis(x, axis);
  const { shape } = x.value;
  const n = shape[own];
  const rest = x.isPositive ? ({ isPositive: true } as const) : {};
  if (count < 1 || from < 0 || from >= n || from + (count - 1) * step < 0 || from + (count - 1) * step >= n)
    throw new RangeError(`it takes ${count} entries from ${from} on of an axis of ${n}`);
  if (step === 1 && count === n) return x;
  if (step === 1) {
    const start = shape.map((_, k) => (k === own ? from : 0));
    const length = shape.map((_, k) => (k === own ? count : -1));
    return c.like(x, ops.slice(x.value, start, length), rest);
  }
  if (step === -1 && count === n) return c.like(x, applyOp(reverseAxis, [x.value], { axis: own }), rest);
  c.budget.take(count);
  return picked(
    c,
    x,
    own,
    Float64Array.from({ length: count }, (_, k) => from + k * step),
  );
}

/** The entries of these numbers along an axis of the value. */
function picked(c: Importer, x: Computed, own: number, places: Float64Array): Computed {
  const n = x.value.shape[own];
  if (!places.every((place) => Number.isInteger(place) && place >= 0 && place < n))
    throw new RangeError(`it takes what an axis of ${n} does not have`);
  const order = [own, ...x.value.shape.map((_, k) => k).filter((k) => k !== own)];
  const moved = ops.gather(ops.transpose(x.value, order), places);
  const back = order.map((_, k) => order.indexOf(k));
  return c.like(x, ops.transpose(moved, back), x.isPositive ? { isPositive: true } : {});
}

const slice: Handler = (c, [a, starts, ends, axes, steps], attributes) => {
  let x = c.computed(a);
  const from = c.ints(starts, attributes, 'starts') ?? [];
  const to = c.ints(ends, attributes, 'ends') ?? [];
  const along = c.ints(axes, attributes, 'axes') ?? from.map((_, i) => i);
  const by = steps ? Array.from(c.constant(steps, 'its steps').data) : from.map(() => 1);
  for (const [i, axis] of along.entries()) {
    const n = x.value.shape[c.axis(x, axis)];
    const step = by[i];
    if (!Number.isInteger(step) || step === 0) throw new RangeError(`its step is ${step}`);
    const bound = (k: number, low: number, high: number) => Math.min(high, Math.max(low, k < 0 ? k + n : k));
    const begin = step > 0 ? bound(from[i], 0, n) : bound(from[i], 0, n - 1);
    const end = step > 0 ? bound(to[i], 0, n) : to[i] < -n ? -1 : bound(to[i], -1, n - 1);
    const count = Math.max(0, Math.ceil((end - begin) / step));
    x = taken(c, x, axis, begin, count, step);
  }
  return x;
};

const split: Handler = (c, [a, sizes], attributes, node) => {
  const x = c.computed(a);
  const axis = attributes.number('axis', 0);
  const n = x.value.shape[c.axis(x, axis)];
  const count = node.outputs.length;
  const even = Math.ceil(n / count);
  const lengths = c.ints(sizes, attributes, 'split') ?? node.outputs.map((_, i) => Math.min(even, n - i * even));
  let from = 0;
  return lengths.map((length) => {
    const part = taken(c, x, axis, from, length);
    from += length;
    return part;
  });
};

const gather: Handler = (c, [a, index], attributes, node) => {
  const axis = attributes.number('axis', 0);
  if (a?.kind === 'constant') {
    const at = c.computed(index, 'its indices');
    if (a.shape.length !== 2 || axis !== 0 || !a.isFloat)
      throw new RangeError('it takes from a constant that is no table of rows');
    if (at.value.dtype !== 'int32') throw new RangeError('its indices are computed numbers, and not of the inputs');
    return embeddingOf(c, at, a, node);
  }
  const x = c.computed(a);
  const own = c.axis(x, axis);
  const n = x.value.shape[own];
  const { data, shape: of } = c.constant(index, 'what it takes');
  if (of.length > 1) throw new RangeError('it takes entries in several rows');
  const places = Float64Array.from(data, (place) => (place < 0 ? place + n : place));
  const part = places.length === 1 ? taken(c, x, axis, places[0], 1) : picked(c, x, own, places);
  if (of.length === 1) return part;
  const left = part.axes.filter((other) => other !== own);
  return without(part, [own], left);
};

const padding: Handler = (c, [a, b, value, axes], attributes) => {
  let x = c.computed(a);
  if (attributes.string('mode', 'constant') !== 'constant')
    throw new RangeError(`its mode is ${attributes.string('mode', '')}`);
  const fill = value ? c.constant(value, 'its value').data[0] : attributes.number('value', 0);
  if (fill !== 0) throw new RangeError(`it pads by ${fill}`);
  const pads = c.ints(b, attributes, 'pads') ?? [];
  const along = axes ? Array.from(c.constant(axes, 'its axes').data) : x.axes.map((_, axis) => axis);
  for (const [i, axis] of along.entries()) {
    const [before, after] = [pads[i], pads[i + along.length]];
    if (before === 0 && after === 0) continue;
    if (!(before >= 0 && after >= 0 && before + after < 2 ** 20))
      throw new RangeError(`its pads are [${pads.join(', ')}]`);
    x = c.like(x, applyOp(pad, [x.value], { axis: c.axis(x, axis), before, after }));
  }
  return x;
};

const clip: Handler = (c, [a, low, high], attributes) => {
  const x = c.computed(a);
  const bound = (tensor: Tensor | undefined, name: string) =>
    tensor ? c.constant(tensor, `its ${name}`).data[0] : attributes.has(name) ? attributes.number(name, 0) : undefined;
  const [min, max] = [bound(low, 'min'), bound(high, 'max')];
  let { value } = x;
  if (min === 0 && max === 6) value = applied(layers.activation({ activation: 'relu6' }), value);
  else {
    if (min !== undefined) value = ops.maximum(value, min);
    if (max !== undefined) value = ops.minimum(value, max);
  }
  return c.like(x, value, { isPositive: min !== undefined && min >= 0 ? true : undefined });
};

const cast: Handler = (c, [a], attributes) => {
  const x = c.computed(a);
  const isFloat = [1, 10, 11, 16].includes(attributes.number('to', 0));
  if (!isFloat && x.value.dtype !== 'int32' && !isLogical(x)) throw new RangeError('it makes whole numbers of others');
  // to a smaller float is what the network's type decides; whole numbers stay what they are
  return isFloat && x.value.dtype === 'int32' ? c.like(x, ops.mul(x.value, 1)) : x;
};

/** Is it 1 or 0 only? */
const isLogical = ({ value }: Computed) => {
  const { from } = value;
  return from !== undefined && 'op' in from && ['greater', 'greaterEqual', 'equal'].includes(from.op.name);
};

const where: Handler = (c, [condition, x, y]) => {
  const all = [condition, x, y];
  const like = all.find((tensor) => tensor?.kind === 'computed') as Computed;
  const known = all.filter((tensor): tensor is Computed => tensor?.kind === 'computed');
  const isAlike = known.every((tensor) => isSame(tensor.axes, like.axes));
  const base = isAlike ? like : c.plain(like);
  const values = all.map((tensor) =>
    tensor?.kind === 'computed'
      ? (isAlike ? tensor : c.plain(tensor)).value
      : c.against(base, c.constant(tensor, 'one of its inputs')),
  );
  return c.like(base, ops.where(values[0], values[1], values[2]), {
    isPositive: undefined,
  });
};

const expand: Handler = (c, [a, b]) => {
  const x = c.computed(a);
  const to = dimsOf(known(b));
  const from = shapeOf(x);
  if (to.length !== from.length) throw new RangeError('it gives a value more axes');
  let { value } = x;
  for (const [axis, n] of to.entries()) {
    const own = x.axes[axis];
    if (own === BATCH || typeof n !== 'number' || n === from[axis] || n === 1) continue;
    if (from[axis] !== 1) throw new RangeError(`it gives [${written(to)}] to a value of [${written(from)}]`);
    const ones = value.shape.map((_, k) => (k === own ? n : 1));
    value = ops.mul(value, c.whole(number(1), ones));
  }
  return c.like(x, value);
};

const prelu: Handler = (c, [a, slope]) => {
  const x = c.computed(a);
  const own = c.against(x, c.constant(slope, 'its slope'));
  const low = ops.mul(ops.minimum(x.value, 0), own);
  return c.like(x, ops.add(ops.maximum(x.value, 0), low), {
    isPositive: undefined,
  });
};

const resize: Handler = (c, inputs, attributes, node) => {
  const x = c.channelsLast(c.computed(inputs[0]));
  const given = node.type === 'Upsample' ? inputs[1] : inputs[2];
  const sizes = inputs[3];
  const n = x.axes.length;
  const scales = sizes
    ? dimsOf(known(sizes)).map((size, axis) =>
        typeof size === 'number' && x.axes[axis] !== BATCH ? size / x.value.shape[x.axes[axis]] : 1,
      )
    : Array.from(c.constant(given, 'its scales').data);
  if (
    attributes.string('mode', 'nearest') !== 'nearest' ||
    scales.length !== n ||
    n !== 4 ||
    scales[0] !== 1 ||
    scales[1] !== 1
  )
    throw new RangeError('it does not repeat pixels');
  const [rows, columns] = scales.slice(2);
  if (![rows, columns].every((scale) => Number.isInteger(scale) && scale >= 1))
    throw new RangeError(`its scales are [${scales.join(', ')}]`);
  return c.like(
    x,
    c.apply(layers.upSampling2d({ size: [rows, columns] }), x),
    x.isPositive ? { isPositive: true } : {},
  );
};

const logSoftmax: Handler = (c, [a], attributes) => {
  let x = c.computed(a);
  const axis = attributes.number('axis', c.opset < 13 ? 1 : -1);
  if (c.axis(x, axis) !== x.value.shape.length - 1) x = c.plain(x);
  if (c.axis(x, axis) !== x.value.shape.length - 1) throw new RangeError(`it goes along axis ${axis}`);
  return c.like(x, ops.logSoftmax(x.value), { isPositive: undefined });
};

/** Some of a shape. */
const shape: Handler = (_, [a], attributes) => {
  const all = shapeOf(a as Tensor);
  const end = attributes.has('end') ? attributes.number('end', 0) : undefined;
  return dims(all.slice(attributes.number('start', 0), end));
};

export const OPERATIONS: Readonly<Record<string, Handler>> = {
  Add: binary(ops.add, () => layers.add()),
  Sub: binary(ops.sub, () => layers.subtract()),
  Mul: binary(ops.mul, () => layers.multiply()),
  Div: binary(ops.div),
  Pow: binary(ops.pow),
  Max: chained(binary(ops.maximum)),
  Min: chained(binary(ops.minimum)),
  Sum: chained(binary(ops.add, () => layers.add())),
  Greater: binary(ops.greater),
  GreaterOrEqual: binary(ops.greaterEqual),
  Less: binary(ops.less),
  LessOrEqual: binary(ops.lessEqual),
  Equal: binary(ops.equal),
  And: binary(ops.mul),
  Or: binary(ops.maximum),
  Not: unary((x) => ops.sub(1, x)),
  Neg: unary(ops.neg),
  Abs: unary(ops.abs),
  Sqrt: unary(ops.sqrt),
  Exp: unary(ops.exp),
  Log: unary(ops.log),
  Sign: unary(ops.sign),
  Reciprocal: unary((x) => ops.div(1, x)),
  Identity: same,
  Dropout: same,
  Cast: cast,
  CastLike: same,
  ReduceMean: reduce(ops.mean),
  ReduceSum: reduce(ops.sum),
  ReduceMax: reduce(ops.max),
  ReduceMin: reduce(ops.min),
  MatMul: matMul,
  Transpose: transpose,
  Reshape: reshape,
  Flatten: flatten,
  Unsqueeze: unsqueeze,
  Squeeze: squeeze,
  Concat: concat,
  Slice: slice,
  Split: split,
  Gather: gather,
  Pad: padding,
  Clip: clip,
  Where: where,
  Expand: expand,
  PRelu: prelu,
  Resize: resize,
  Upsample: resize,
  LogSoftmax: logSoftmax,
  Shape: shape,
};
