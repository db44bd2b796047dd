import { broadcastShape } from '../../graph/broadcast.js';
import { sizeOf } from '../../graph/value.js';
import { BOOL, isFloat as isFloatType, RANGES } from './decode.js';
import { checkOwn, foldedPlaces } from './fold-places.js';
import { transposed } from './onnx-graph.js';
import {
  Batches,
  type Budget,
  broadcastTo,
  type Constant,
  constant,
  type Dim,
  type Dims,
  dims,
  dimsOf,
} from './tensors.js';

type Binary = (a: number, b: number) => number;

const BINARY: Readonly<Record<string, Binary>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Pow: (a, b) => a ** b,
  Mod: (a, b) => a - b * Math.floor(a / b),
  Fmod: (a, b) => a % b,
  Sum: (a, b) => a + b,
  Max: Math.max,
  Min: Math.min,
  Equal: (a, b) => Number(a === b),
  Greater: (a, b) => Number(a > b),
  GreaterOrEqual: (a, b) => Number(a >= b),
  Less: (a, b) => Number(a < b),
  LessOrEqual: (a, b) => Number(a <= b),
  And: (a, b) => Number(a !== 0 && b !== 0),
  Or: (a, b) => Number(a !== 0 || b !== 0),
};
const UNARY: Readonly<Record<string, (a: number) => number>> = {
  Neg: (a) => -a,
  Abs: Math.abs,
  Sqrt: Math.sqrt,
  Exp: Math.exp,
  Log: Math.log,
  Reciprocal: (a) => 1 / a,
  Not: (a) => Number(a === 0),
  Sign: Math.sign,
  Sin: Math.sin,
  Cos: Math.cos,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Round: (a) => (Math.abs(a % 1) === 0.5 ? 2 * Math.round(a / 2) : Math.round(a)),
};
const LOGICAL = /^(Equal|Greater|Less|And|Or|Not)/;

/** Element by element, of constants or of parts of shapes. */
function binary(type: string, a: Constant | Dims, b: Constant | Dims, budget: Budget): Constant | Dims {
  const f = BINARY[type] ?? (a.kind === 'constant' && !a.isFloat ? (x, y) => Math.trunc(x / y) : (x, y) => x / y);
  if (a.kind === 'dims' || b.kind === 'dims') {
    const [left, right] = [dimsOf(a), dimsOf(b)];
    const n = Math.max(left.length, right.length);
    const list = Array.from({ length: n }, (_, i) =>
      ofDims(type, left[left.length === 1 ? 0 : i], right[right.length === 1 ? 0 : i]),
    );
    return dims(list, a.shape.length > b.shape.length ? a.shape : b.shape);
  }
  const shape = broadcastShape([a.shape, b.shape]);
  budget.take(sizeOf(shape));
  const [x, y] = [broadcastTo(a, shape), broadcastTo(b, shape)];
  return constant(
    shape,
    x.map((value, i) => f(value, y[i])),
    !LOGICAL.test(type) && (a.isFloat || b.isFloat),
  );
}

function ofDims(type: string, a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return type === 'Div' ? Math.trunc(a / b) : BINARY[type](a, b);
  if (type === 'Equal') return Number(a instanceof Batches && b instanceof Batches && a.times === b.times);
  // a batch is of one sample or more
  if ((type === 'Max' || type === 'Min') && a instanceof Batches && b instanceof Batches && a.times === b.times)
    return a;
  if (type === 'Mul' && typeof b === 'number' && a instanceof Batches) return new Batches(a.times * b);
  if (type === 'Mul' && typeof a === 'number' && b instanceof Batches) return new Batches(b.times * a);
  if (type === 'Div' && a instanceof Batches && typeof b === 'number' && a.times % b === 0)
    return new Batches(a.times / b);
  throw new RangeError(`it computes ${type} of the batch's size`);
}

/** What is computed of constants alone; undefined where that is not done here. */
export function folded(
  type: string,
  inputs: readonly (Constant | Dims | undefined)[],
  attributes: ReadonlyMap<string, unknown>,
  budget: Budget,
): Constant | Dims | undefined {
  checkOwn(type, inputs);
  const places = foldedPlaces(type, inputs, attributes, budget);
  if (places) return places;
  const [a, b, c] = inputs;
  if (!a) return undefined;
  if ((Object.hasOwn(BINARY, type) || type === 'Div') && b) {
    const own = type === 'Mod' && attributes.get('fmod') === 1 ? 'Fmod' : type;
    return inputs.slice(1).reduce<Constant | Dims>((all, next) => binary(own, all, next as Constant | Dims, budget), a);
  }
  if (type in UNARY && a.kind === 'constant' && inputs.length === 1)
    return constant(a.shape, Float64Array.from(a.data, UNARY[type]), a.isFloat && type !== 'Not');
  const ints = (tensor: Constant | Dims | undefined, name: string): readonly number[] | undefined =>
    tensor?.kind === 'constant' ? Array.from(tensor.data) : (attributes.get(name) as number[] | undefined);
  const reshapedTo = (shape: readonly number[]) => (a.kind === 'dims' ? dims(a.dims, shape) : { ...a, shape });
  switch (type) {
    case 'Identity':
      return a;
    case 'Cast': {
      const to = attributes.get('to') as number;
      const isFloat = isFloatType(to);
      if (a.kind === 'dims') return a;
      if (to === BOOL)
        return constant(
          a.shape,
          Float64Array.from(a.data, (v) => Number(v !== 0)),
          false,
        );
      const range = RANGES[to];
      const other = range && Array.from(a.data, Math.trunc).find((v) => !(v >= range[0] && v <= range[1]));
      if (other !== undefined) throw new RangeError(`it makes a smaller integer of ${other}`);
      if (isFloat) return { ...constant(a.shape, a.data, true), ...ofWhole(a) };
      return constant(a.shape, Float64Array.from(a.data, Math.trunc), false);
    }
    case 'Unsqueeze': {
      const axes = ints(b, 'axes') ?? [];
      const rank = a.shape.length + axes.length;
      const at = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
      const rest = [...a.shape];
      return reshapedTo(Array.from({ length: rank }, (_, axis) => (at.has(axis) ? 1 : (rest.shift() as number))));
    }
    case 'Squeeze': {
      const axes = ints(b, 'axes')?.map((axis) => (axis < 0 ? axis + a.shape.length : axis));
      return reshapedTo(a.shape.filter((n, axis) => (axes ? !axes.includes(axis) : n !== 1)));
    }
    case 'Reshape': {
      const shape = b && ints(b, '');
      if (!shape) return undefined;
      const isZeroReal = attributes.get('allowzero') === 1;
      const known = shape.map((n, axis) => (n === 0 && !isZeroReal ? a.shape[axis] : n));
      const rest = sizeOf(a.shape) / sizeOf(known.filter((n) => n !== -1));
      return reshapedTo(known.map((n) => (n === -1 ? rest : n)));
    }
    case 'Concat': {
      const all = inputs as (Constant | Dims)[];
      if (all.every(({ shape }) => shape.length === 1)) return joined(all);
      return stacked(all, (attributes.get('axis') as number | undefined) ?? 0, budget);
    }
    case 'Gather':
      return gathered(a, b, (attributes.get('axis') as number | undefined) ?? 0, budget);
    case 'Slice':
      return sliced(a, ints(b, 'starts'), ints(c, 'ends'), ints(inputs[3], 'axes'), ints(inputs[4], 'steps'), budget);
    case 'ReduceProd': {
      const all = dimsOf(a);
      const keeps = ((attributes.get('keepdims') as number | undefined) ?? 1) === 1;
      const axes = ints(b, 'axes') ?? (attributes.get('noop_with_empty_axes') === 1 ? [] : [0]);
      if (a.shape.length !== 1 || axes.length !== 1 || (axes[0] !== 0 && axes[0] !== -1)) return undefined;
      return dims([all.reduce((product, n) => ofDims('Mul', product, n), 1)], keeps ? [1] : []);
    }
    case 'ReduceMean':
    case 'ReduceSum':
    case 'ReduceMax':
    case 'ReduceMin': {
      if (a.kind === 'dims' || (type === 'ReduceMean' && !a.isFloat)) return undefined;
      const given = ints(b, 'axes') ?? [];
      const isAll = given.length === 0 && attributes.get('noop_with_empty_axes') !== 1;
      const keeps = ((attributes.get('keepdims') as number | undefined) ?? 1) === 1;
      return reduced(type, a, isAll ? a.shape.map((_, axis) => axis) : given, keeps);
    }
    case 'MatMul':
      return b && multiplied(a, b, budget);
    case 'Transpose': {
      if (a.kind === 'dims') return undefined;
      const rank = a.shape.length;
      const perm = (attributes.get('perm') as number[] | undefined) ?? a.shape.map((_, i) => rank - 1 - i);
      const made = transposed({ shape: [...a.shape], data: Float64Array.from(a.data) }, perm);
      return { ...a, ...made };
    }
    case 'ConstantOfShape': {
      const value = attributes.get('value') as { data: ArrayLike<number>; type: number } | undefined;
      return filled(dimsOf(a), value?.data[0] ?? 0, value ? isFloatType(value.type) : true, budget);
    }
    case 'Expand': {
      if (a.kind !== 'constant' || !b) return undefined;
      const to = dimsOf(b).map((n) => (typeof n === 'number' ? n : 1)); // what is the same for all samples stays one
      const shape = broadcastShape([a.shape, to]);
      budget.take(sizeOf(shape));
      return sizeOf(shape) === a.data.length ? { ...a, shape } : constant(shape, broadcastTo(a, shape), a.isFloat);
    }
    case 'Trilu': {
      const diagonal = b === undefined ? 0 : b.kind === 'constant' ? b.data[0] : undefined;
      if (a.kind === 'dims' || diagonal === undefined || a.shape.length < 2) return undefined;
      const isUpper = ((attributes.get('upper') as number | undefined) ?? 1) === 1;
      const [rows, columns] = a.shape.slice(-2);
      const isKept = (i: number) => {
        const ahead = (i % columns) - (Math.floor(i / columns) % rows) - diagonal;
        return isUpper ? ahead >= 0 : ahead <= 0;
      };
      return constant(
        a.shape,
        Float64Array.from(a.data, (v, i) => (isKept(i) ? v : 0)),
        a.isFloat,
      );
    }
    case 'Where': {
      if (a.kind === 'dims' || !b || !c) return undefined;
      const shape = broadcastShape([a.shape, b.shape, c.shape]);
      budget.take(sizeOf(shape));
      if (b.kind === 'dims' || c.kind === 'dims') {
        if (shape.length > 1) return undefined;
        const at = <T>(list: ArrayLike<T>, i: number) => list[list.length === 1 ? 0 : i];
        const [x, y] = [dimsOf(b), dimsOf(c)];
        const list = Array.from({ length: sizeOf(shape) }, (_, i) => at(at(a.data, i) ? x : y, i));
        return dims(list, shape);
      }
      const [condition, x, y] = [a, b, c].map((tensor) => broadcastTo(tensor as Constant, shape));
      return constant(
        shape,
        x.map((value, i) => (condition[i] ? value : y[i])),
        b.isFloat,
      );
    }
    default:
      return undefined;
  }
}

function joined(all: readonly (Constant | Dims)[]): Constant | Dims {
  if (all.every((tensor) => tensor.kind === 'constant')) {
    const data = all.flatMap((tensor) => Array.from((tensor as Constant).data));
    return constant([data.length], data, (all[0] as Constant).isFloat);
  }
  return dims(all.flatMap(dimsOf));
}

/** Arrays behind one another along an axis. */
function stacked(all: readonly (Constant | Dims)[], axis: number, budget: Budget): Constant | undefined {
  const constants = all.filter((tensor): tensor is Constant => tensor.kind === 'constant');
  const [first] = constants;
  const { length: rank } = first?.shape ?? [];
  const at = axis < 0 ? axis + rank : axis;
  const isAlike = constants.every(
    ({ shape }) => shape.length === rank && shape.every((n, k) => k === at || n === first.shape[k]),
  );
  if (constants.length < all.length || !isAlike || !(at >= 0 && at < rank)) return undefined;
  const before = sizeOf(first.shape.slice(0, at));
  const shape = first.shape.map((n, k) => (k === at ? constants.reduce((sum, own) => sum + own.shape[at], 0) : n));
  budget.take(sizeOf(shape));
  const out = new Float64Array(sizeOf(shape));
  let to = 0;
  for (let i = 0; i < before; i++)
    for (const { data } of constants) {
      const size = data.length / before;
      for (let k = 0; k < size; k++) out[to++] = data[i * size + k];
    }
  return constant(shape, out, first.isFloat);
}

/** That numbers are some of those of a tensor of the file, where these are. */
const ofWhole = ({ name, of = name }: Constant): { of?: string } => (of === undefined ? {} : { of });

function gathered(
  a: Constant | Dims,
  index: Constant | Dims | undefined,
  axis: number,
  budget: Budget,
): Constant | Dims | undefined {
  if (index?.kind !== 'constant') return undefined;
  const at = axis < 0 ? axis + a.shape.length : axis;
  const n = a.shape[at];
  const places = Array.from(index.data, (i) => (i < 0 ? i + n : i));
  if (places.some((i) => !(i >= 0 && i < n))) throw new RangeError(`it gathers ${places.join()} of an axis of ${n}`);
  if (a.kind === 'dims')
    return dims(
      places.map((i) => a.dims[i]),
      index.shape,
    );
  const [before, behind] = [sizeOf(a.shape.slice(0, at)), sizeOf(a.shape.slice(at + 1))];
  const out: number[] = [];
  budget.take(before * places.length * behind);
  for (let i = 0; i < before; i++)
    for (const place of places) for (let k = 0; k < behind; k++) out.push(a.data[(i * n + place) * behind + k]);
  const made = constant([...a.shape.slice(0, at), ...index.shape, ...a.shape.slice(at + 1)], out, a.isFloat);
  return new Set(places).size === places.length ? { ...made, ...ofWhole(a) } : made;
}

/** Where a slice of an axis of n begins, and how many entries it has. @throws RangeError for a step of 0 */
export function stretch(n: number, start: number, end: number, step: number): [from: number, length: number] {
  if (!Number.isInteger(step) || step === 0) throw new RangeError(`its step is ${step}`);
  const bound = (k: number, low: number, high: number) => Math.min(high, Math.max(low, k < 0 ? k + n : k));
  const from = bound(start, 0, step > 0 ? n : n - 1);
  const to = step > 0 ? bound(end, 0, n) : end < -n ? -1 : bound(end, -1, n - 1);
  return [from, Math.max(0, Math.ceil((to - from) / step))];
}

/** Parts of a constant along an axis. */
export function splitUp(a: Constant, axis: number, lengths: readonly number[], budget: Budget): Constant[] {
  let from = 0;
  return lengths.map((length) => {
    budget.take(length);
    const index = constant(
      [length],
      Array.from({ length }, (_, k) => from + k),
      false,
    );
    from += length;
    return gathered(a, index, axis, budget) as Constant;
  });
}

function sliced(
  a: Constant | Dims,
  starts: readonly number[] | undefined,
  ends: readonly number[] | undefined,
  axes: readonly number[] | undefined,
  steps: readonly number[] | undefined,
  budget: Budget,
): Constant | Dims | undefined {
  if (!starts || !ends || ends.length !== starts.length) return undefined;
  if (a.kind === 'dims')
    return a.shape.length === 1 && !steps?.some((step) => step !== 1)
      ? dims(a.dims.slice(starts[0], ends[0]))
      : undefined;
  let out = a;
  for (const [i, start] of starts.entries()) {
    const axis = axes?.[i] ?? i;
    const at = axis < 0 ? axis + a.shape.length : axis;
    const n = out.shape[at];
    if (n === undefined) throw new RangeError(`it slices along axis ${axis} of ${a.shape.length}`);
    const step = steps?.[i] ?? 1;
    const [from, length] = stretch(n, start, ends[i], step);
    if (length === n && step === 1) continue;
    budget.take(length);
    const index = constant(
      [length],
      Array.from({ length }, (_, k) => from + k * step),
      false,
    );
    out = gathered(out, index, at, budget) as Constant;
  }
  return out;
}

const REDUCTIONS: Readonly<Record<string, { readonly from: number; readonly f: Binary }>> = {
  ReduceMean: { from: 0, f: (a, b) => a + b },
  ReduceSum: { from: 0, f: (a, b) => a + b },
  ReduceMax: { from: Number.NEGATIVE_INFINITY, f: Math.max },
  ReduceMin: { from: Number.POSITIVE_INFINITY, f: Math.min },
};

/** What a constant comes to along some of its axes. */
function reduced(type: string, a: Constant, axes: readonly number[], keeps: boolean): Constant {
  const rank = a.shape.length;
  const gone = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  if (gone.some((axis) => !(axis >= 0 && axis < rank)))
    throw new RangeError(`it goes over the axes [${axes.join(', ')}] of ${rank}`);
  const kept = a.shape.map((n, axis) => (gone.includes(axis) ? 1 : n));
  const strides = kept.map((_, axis) => (gone.includes(axis) ? 0 : sizeOf(kept.slice(axis + 1))));
  const { from, f } = REDUCTIONS[type];
  const out = new Float64Array(sizeOf(kept)).fill(from);
  for (let i = 0; i < a.data.length; i++) {
    let to = 0;
    for (let axis = rank - 1, rest = i; axis >= 0; rest = Math.floor(rest / a.shape[axis--]))
      to += (rest % a.shape[axis]) * strides[axis];
    out[to] = f(out[to], a.data[i]);
  }
  const shape = keeps ? kept : kept.filter((_, axis) => !gone.includes(axis));
  const times = a.data.length / out.length;
  return constant(shape, type === 'ReduceMean' ? out.map((sum) => sum / times) : out, a.isFloat);
}

/** A small matrix, or several rows of one, by a matrix. */
function multiplied(a: Constant | Dims, b: Constant | Dims, budget: Budget): Constant | undefined {
  if (a.kind === 'dims' || b.kind === 'dims' || b.shape.length !== 2 || a.shape.at(-1) !== b.shape[0]) return undefined;
  const [rows, columns] = b.shape;
  const n = sizeOf(a.shape) / rows;
  budget.take(n * columns);
  const out = new Float64Array(n * columns);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < rows; k++)
      for (let j = 0; j < columns; j++) out[i * columns + j] += a.data[i * rows + k] * b.data[k * columns + j];
  return constant([...a.shape.slice(0, -1), columns], out, true);
}

/** One number everywhere; along the batch once. */
function filled(shape: readonly Dim[], value: number, isFloat: boolean, budget: Budget): Constant {
  const known = shape.map((n) => (typeof n === 'number' ? n : 1));
  const size = sizeOf(known);
  budget.take(size);
  return constant(known, new Float64Array(size).fill(value), isFloat);
}
