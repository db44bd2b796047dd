import type { NDArray } from '../../array.js';
import { reverseAxis } from '../../graph/ops/axes.js';
import { applyOp, isValue, sizeOf, type Value } from '../../graph/value.js';
import { quoted } from '../../io/read.js';
import { layers } from '../../layers/index.js';
import { paddedWith } from '../filled-pad.js';
import { splitUp, stretch } from './fold.js';
import { embeddingOf } from './import-embedding.js';
import { entriesOf, picked, taken } from './import-entries.js';
import type { Handler } from './import-layers.js';
import { resize } from './import-resize.js';
import type { Importer } from './importer.js';
import {
  BATCH,
  Batches,
  type Computed,
  type Constant,
  computed,
  constant,
  type Dim,
  dims,
  dimsOf,
  isSame,
  known,
  shapeOf,
  turned,
} from './tensors.js';
import { applied, ops } from './untyped.js';

type Operand = Value | NDArray;

const number = (value: number): Constant => constant([], [value], true);

const transpose: Handler = (c, [a], attributes) => {
  const x = c.computed(a);
  const rank = x.axes.length;
  const perm = attributes.numbers('perm') ?? x.axes.map((_, i) => rank - 1 - i);
  if (perm.length !== rank || x.axes.some((_, i) => !perm.includes(i)))
    throw new RangeError(`its perm is [${perm.join(', ')}]`);
  return turned(x, perm);
};

const reshape: Handler = (c, [a, b], attributes) => {
  const x = c.computed(a);
  if (!b) throw new RangeError('it has no shape');
  const from = shapeOf(x);
  const isZeroReal = attributes.number('allowzero', 0) === 1;
  const target = dimsOf(known(b)).map((n, axis) => (n === 0 && !isZeroReal ? (from[axis] ?? 0) : n));
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
  const { batch } = c;
  if (!hasBatch && batch !== undefined) {
    const own = target.map((n) => (n === -1 ? rest * batch : n)) as number[];
    const place = placeOf(x, own, batch);
    if (place >= 0 && own.every(Number.isInteger) && sizeOf(own) === size * batch)
      return own.map((n, k) => (k === place ? new Batches(n / batch) : n));
  }
  if (target.includes(-1)) {
    if (!Number.isInteger(rest) || rest < 1)
      throw new RangeError(`it gives [${written(target)}] to ${size} values of a sample`);
    return target.map((n) => (n === -1 ? (hasBatch ? rest : new Batches(rest)) : n));
  }
  return [...target];
}

/**
 * Where a shape of a file of a fixed batch has that: as much lies before it as did, whole or with a part of what lies beside it. Of
 * several places, as a batch of one has, the one that it had. -1: nowhere
 */
function placeOf({ axes, value, steps }: Computed, target: readonly number[], batch: number): number {
  const own = axes.indexOf(BATCH);
  const before =
    sizeOf(axes.slice(0, own).map((axis) => value.shape[axis])) * (steps === 'before' ? value.shape[0] : 1);
  const fits = target.map((n, k) => {
    const [times, lead] = [n / batch, sizeOf(target.slice(0, k))];
    return Number.isInteger(times) && (lead === before || lead * times === before) ? times : 0;
  });
  // heads are split off behind it, in as many axes; steps are put together with it, in fewer
  if (fits[own] === 1 || (fits[own] > 1 && !fits.includes(1) && target.length === axes.length)) return own;
  return fits.includes(1) ? fits.indexOf(1) : fits.findIndex((times) => times > 0);
}

const written = (shape: readonly Dim[]) => shape.map((n) => (typeof n === 'number' ? n : 'batch')).join(', ');

const flatten: Handler = (c, [a], attributes) => {
  const x = c.computed(a);
  const axis = attributes.number('axis', 1);
  if ((axis < 0 ? axis + x.axes.length : axis) !== 1) throw new RangeError(`it flattens from axis ${axis} on`);
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
    'what it takes',
  );
  const all = inputs.filter((tensor): tensor is Computed => tensor?.kind === 'computed');
  const isAlike = all.every((tensor) => isSame(tensor.axes, first.axes) && tensor.steps === first.steps);
  const like = isAlike ? first : c.plain(first);
  const axis = c.axis(like, attributes.number('axis', 0));
  const values = inputs.map((tensor): Operand => {
    if (tensor?.kind === 'computed') return (isAlike ? tensor : c.plain(tensor)).value;
    const own = c.constant(tensor, 'one of its inputs');
    const array = c.parameters.operand(like, own);
    const shape = like.value.shape.map((n, k) => (k === axis ? own.shape[like.axes.indexOf(k)] : n));
    if (typeof array === 'number') return c.whole(number(array), shape);
    if (isValue(array)) return isSame(array.shape, shape) ? array : ops.add(array, c.whole(number(0), shape));
    return c.whole({ ...own, ...array }, shape);
  });
  const isPositive = all.length === inputs.length && all.every((tensor) => tensor.isPositive);
  const value =
    all.length === inputs.length && !like.steps
      ? applied(layers.concatenate({ axis: axis + 1 }), values as Value[])
      : ops.concat(values, { axis });
  return c.like(like, value, isPositive);
};

/** An end that no batch reaches: tf2onnx writes 10^9 for all of them, others the largest integer. */
const ALL = 1e9;

const slice: Handler = (c, [a, starts, ends, axes, steps], attributes) => {
  let x = c.computed(a);
  const from = c.ints(starts, attributes, 'starts') ?? [];
  const to = c.ints(ends, attributes, 'ends') ?? [];
  const along = c.ints(axes, attributes, 'axes') ?? from.map((_, i) => i);
  const by = steps ? Array.from(c.constant(steps, 'its steps').data) : from.map(() => 1);
  for (const [i, axis] of along.entries()) {
    const step = by[i];
    const isBatch = x.axes[axis < 0 ? axis + x.axes.length : axis] === BATCH;
    if (isBatch && from[i] === 0 && to[i] >= ALL && step === 1) continue;
    const n = x.value.shape[c.axis(x, axis)];
    x = taken(c, x, axis, ...stretch(n, from[i], to[i], step), step);
  }
  return x;
};

/** The lengths of so many parts, the last of which may be shorter. */
export function evenly(n: number, count: number): number[] {
  const even = Math.ceil(n / count);
  return Array.from({ length: count }, (_, i) => Math.min(even, n - i * even));
}

const split: Handler = (c, [a, sizes], attributes, node) => {
  const axis = attributes.number('axis', 0);
  const given = c.ints(sizes, attributes, 'split');
  const lengthsOf = (n: number) => given ?? evenly(n, node.outputs.length);
  if (a?.kind === 'constant')
    return splitUp(a, axis, lengthsOf(a.shape[axis < 0 ? axis + a.shape.length : axis]), c.budget);
  const x = c.computed(a);
  return partsOf(c, x, axis, lengthsOf(x.value.shape[c.axis(x, axis)]));
};

function partsOf(c: Importer, x: Computed, axis: number, lengths: readonly number[]): Computed[] {
  let from = 0;
  return lengths.map((length) => {
    const part = taken(c, x, axis, from, length);
    from += length;
    return part;
  });
}

/** PyTorch's `chunk` and `split`, where the exporter has not made a Split of it: each SequenceAt behind it takes a part. */
const splitToSequence: Handler = (c, [a, sizes], attributes, node) => {
  const x = c.computed(a);
  const axis = attributes.number('axis', 0);
  const n = x.value.shape[c.axis(x, axis)];
  if (!sizes && attributes.number('keepdims', 1) === 0) throw new RangeError('it leaves out the axis that it splits');
  const { shape, data } = sizes ? c.constant(sizes, 'its split') : number(1);
  if (!(data[0] >= 1)) throw new RangeError(`it makes parts of ${data[0]}`);
  const chunks = () => Array.from({ length: Math.ceil(n / data[0]) }, (_, k) => Math.min(data[0], n - k * data[0]));
  const parts = partsOf(c, x, axis, shape.length === 1 ? Array.from(data) : chunks());
  for (const { type, inputs, outputs } of c.readersOf(node.outputs[0])) {
    const at = type === 'SequenceAt' ? c.constant(c.get(inputs[1]), 'a place among its parts').data[0] : undefined;
    const part = at === undefined ? undefined : parts.at(at);
    if (!part) throw new RangeError(at === undefined ? `its parts go into ${quoted(type)}` : `it has no part ${at}`);
    c.set(outputs[0], part);
  }
  return [];
};

/** The entries along an axis, which become several. */
function inRows(c: Importer, part: Computed, axis: number, of: readonly number[]): Computed {
  const { value, steps } = c.plain(part);
  if (steps) throw new RangeError('it takes entries in several rows of what is part of the batch');
  const { shape } = value;
  return computed(ops.reshape(value, [...shape.slice(0, axis - 1), ...of, ...shape.slice(axis)]));
}

const gather: Handler = (c, [a, index], attributes, node) => {
  const axis = attributes.number('axis', 0);
  if (a?.kind === 'constant') {
    if (a.shape.length !== 2 || axis !== 0 || !a.isFloat)
      throw new RangeError('it takes from a constant that is no table of rows');
    return embeddingOf(c, a, node);
  }
  const x = c.computed(a);
  const own = c.axis(x, axis);
  const n = x.value.shape[own];
  const { data, shape: of } = c.constant(index, 'what it takes');
  const places = Float64Array.from(data, (place) => (place < 0 ? place + n : place));
  const part = places.length === 1 ? taken(c, x, axis, places[0], 1) : picked(c, x, own, places);
  if (of.length === 1) return part;
  if (of.length > 1) return inRows(c, part, axis < 0 ? axis + x.axes.length : axis, of);
  const left = part.axes.filter((other) => other !== own);
  return without(part, [own], left);
};

/** What entry a place before or behind n of them repeats; none of them where a mirror does not reach so far. */
const PLACES: Readonly<Record<string, (i: number, n: number) => number>> = {
  edge: (i, n) => Math.min(n - 1, Math.max(0, i)),
  reflect: (i, n) => (i < 0 ? -i : i < n ? i : 2 * (n - 1) - i),
  wrap: (i, n) => ((i % n) + n) % n,
};

const padding: Handler = (c, [a, b, value, axes], attributes) => {
  let x = c.computed(a);
  const mode = attributes.string('mode', 'constant');
  const place = Object.hasOwn(PLACES, mode) ? PLACES[mode] : undefined;
  if (mode !== 'constant' && !place) throw new RangeError(`its mode is ${mode}`);
  const fill = value ? c.constant(value, 'its value').data[0] : attributes.number('value', 0);
  if (!Number.isFinite(fill)) throw new RangeError(`it pads by ${fill}`);
  const pads = c.ints(b, attributes, 'pads') ?? [];
  const along = axes ? Array.from(c.constant(axes, 'its axes').data) : x.axes.map((_, axis) => axis);
  for (const [i, axis] of along.entries()) {
    const [before, after] = [pads[i], pads[i + along.length]].map((n) => Math.max(0, n));
    const [first, last] = [pads[i], pads[i + along.length]].map((n) => Math.max(0, -n)); // what is cut off
    if (first + last > 0) x = taken(c, x, axis, first, x.value.shape[c.axis(x, axis)] - first - last);
    if (before === 0 && after === 0) continue;
    if (!(before >= 0 && after >= 0 && before + after < 2 ** 20))
      throw new RangeError(`its pads are [${pads.join(', ')}]`);
    if (place) {
      const n = x.value.shape[c.axis(x, axis)];
      c.budget.take(before + n + after);
      const places = Array.from({ length: before + n + after }, (_, i) => place(i - before, n));
      x = entriesOf(c, x, axis, places);
      continue;
    }
    x = c.like(x, paddedWith(fill, x.value, c.axis(x, axis), before, after), x.isPositive && fill >= 0);
  }
  return x;
};

const expand: Handler = (c, [a, b]) => {
  const x = c.computed(a);
  const to = dimsOf(known(b));
  const from = shapeOf(x);
  if (to.length !== from.length) throw new RangeError('it gives a value more axes');
  let { value } = x;
  for (const [axis, n] of to.entries()) {
    const own = x.axes[axis];
    if (own === BATCH && typeof n === 'number' && n !== 1 && n !== c.batch)
      throw new RangeError(`it gives the batch ${n} samples`);
    if (own === BATCH || n === from[axis] || n === 1) continue;
    if (from[axis] !== 1 || typeof n !== 'number')
      throw new RangeError(`it gives [${written(to)}] to a value of [${written(from)}]`);
    const ones = value.shape.map((_, k) => (k === own ? n : 1));
    value = ops.mul(value, c.whole(number(1), ones));
  }
  return c.like(x, value, x.isPositive);
};

const tile: Handler = (c, [a, b]) => {
  const x = c.computed(a);
  const times = dimsOf(known(b));
  if (times.length !== x.axes.length) throw new RangeError('its repeats are not one for each axis');
  let { value } = x;
  for (const [axis, n] of times.entries()) {
    if (n === 1) continue;
    const own = c.axis(x, axis);
    if (typeof n !== 'number' || !(n > 1)) throw new RangeError(`it repeats [${written(times)}] times`);
    c.budget.take(n);
    const ones = value.shape.map((_, k) => (k === own ? n : 1));
    value =
      value.shape[own] === 1
        ? ops.mul(value, c.whole(number(1), ones))
        : ops.concat(
            Array.from({ length: n }, () => value),
            { axis: own },
          );
  }
  return c.like(x, value, x.isPositive);
};

/** Blocks of channels as pixels: what PyTorch's PixelShuffle is (CRD), and TensorFlow's depth_to_space (DCR). */
const depthToSpace: Handler = (c, [a], attributes) => {
  const x = c.channelsLast(c.computed(a));
  const n = attributes.number('blocksize', 0);
  const [H, W, C] = x.value.shape;
  if (x.axes.length !== 4 || x.steps || !(n > 0) || C % (n * n) !== 0)
    throw new RangeError(`it makes blocks of ${n} x ${n} pixels of ${C} channels`);
  const isDcr = attributes.string('mode', 'DCR') === 'DCR';
  const channels = C / (n * n);
  const parts = ops.reshape(x.value, isDcr ? [H, W, n, n, channels] : [H, W, channels, n, n]);
  const moved = ops.transpose(parts, isDcr ? [0, 2, 1, 3, 4] : [0, 3, 1, 4, 2]);
  return c.like(x, ops.reshape(moved, [H * n, W * n, channels]), x.isPositive);
};

/** Blocks of n x n pixels as one pixel of as many times the channels. */
const spaceToDepth: Handler = (c, [a], attributes) => {
  const x = c.channelsLast(c.computed(a));
  const n = attributes.number('blocksize', 0);
  const [H, W, C] = x.value.shape;
  if (x.axes.length !== 4 || x.steps || !(n > 0) || H % n !== 0 || W % n !== 0)
    throw new RangeError(`it takes blocks of ${n} x ${n} of ${H} x ${W} pixels`);
  const moved = ops.transpose(ops.reshape(x.value, [H / n, n, W / n, n, C]), [0, 2, 1, 3, 4]);
  return c.like(x, ops.reshape(moved, [H / n, W / n, n * n * C]), x.isPositive);
};

/** From the last step to the first, of sequences that are all as long. */
const reverse: Handler = (c, [a, lengths], attributes) => {
  const x = c.computed(a);
  const [time, batch] = [attributes.number('time_axis', 0), attributes.number('batch_axis', 1)];
  const own = c.axis(x, time);
  const all = Array.from(c.constant(lengths, 'how long its sequences are').data);
  if (x.axes[batch] !== BATCH || !all.every((n) => n === x.value.shape[own]))
    throw new RangeError('its sequences are of different lengths');
  return c.like(x, applyOp(reverseAxis, [x.value], { axis: own }), x.isPositive);
};

/** Some of a shape. */
const shape: Handler = (_, [a], attributes) => {
  if (!a) throw new RangeError('it has no input');
  const all = shapeOf(a);
  const end = attributes.has('end') ? attributes.number('end', 0) : undefined;
  return dims(all.slice(attributes.number('start', 0), end));
};

/** Operations that move numbers, and what tells of their shapes. */
export const SHAPES: Readonly<Record<string, Handler>> = {
  Transpose: transpose,
  Reshape: reshape,
  Flatten: flatten,
  Unsqueeze: unsqueeze,
  Squeeze: squeeze,
  Concat: concat,
  Slice: slice,
  Split: split,
  SplitToSequence: splitToSequence,
  Gather: gather,
  Pad: padding,
  Expand: expand,
  Tile: tile,
  ReverseSequence: reverse,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Resize: resize,
  Upsample: resize,
  Shape: shape,
};
