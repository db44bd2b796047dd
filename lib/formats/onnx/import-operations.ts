import { NDArray } from '../../array.js';
import type { Value } from '../../graph/value.js';
import { layers } from '../../layers/index.js';
import type { Layer } from '../../layers/layer.js';
import { BOOL, FLOAT, isFloat as isFloatType, isNarrow, type NodeProto } from './decode.js';
import { activationNode, activationOf, clippedBy } from './import-activations.js';
import { denseOf, type Handler } from './import-layers.js';
import { isLogical, isWhole } from './import-masks.js';
import type { Importer } from './importer.js';
import {
  BATCH,
  type Computed,
  type Constant,
  computed,
  constant,
  hidesRow,
  isSame,
  LOWEST,
  rounded,
  type Tensor,
} from './tensors.js';
import { applied, ops } from './untyped.js';

/** What is made of a constant before a node takes it. */
type Reading = (own: Constant, c: Importer, node: NodeProto) => Constant;

/** Two values, or a value and a constant, element by element. */
export const binary =
  (f: (x: any, y: any) => Value, asLayer?: () => Layer<any>, read: Reading = (own) => own): Handler =>
  (c, [a, b], _, node) => {
    if (a?.kind === 'computed' && b?.kind === 'computed') {
      const [x, y, like] = c.aligned(a, b);
      if (asLayer && isSame(x.shape, y.shape) && !like.steps) return c.like(like, applied(asLayer(), [x, y]));
      return c.like(like, f(x, y));
    }
    const given = a?.kind === 'computed' ? a : c.computed(b, 'what it takes');
    const known = read(c.constant(a?.kind === 'computed' ? b : a, 'one of its inputs'), c, node);
    const own = c.raised(given, known.shape.length);
    const other = c.parameters.operand(own, known);
    return c.like(own, a?.kind === 'computed' ? f(own.value, other) : f(other, own.value));
  };

/**
 * What hides steps from others, -Infinity, as the lowest number of float32, which does the same before a softmax.
 * @throws RangeError for a row that is nothing else, of which PyTorch makes NaN, and where the number itself would be seen
 */
function hiding(own: Constant, c: Importer, node: NodeProto): Constant {
  const isHidden = (x: number) => x === Number.NEGATIVE_INFINITY;
  if (!Array.from(own.data).some(isHidden)) return own;
  if ((own.shape.at(-1) ?? 1) > 1 && hidesRow(own, isHidden)) throw new RangeError('it hides all steps from one');
  if (isSeen(c, node)) throw new RangeError('it hides by -Infinity what no softmax comes behind');
  return { ...own, data: Float64Array.from(own.data, (x) => (isHidden(x) ? LOWEST : x)) };
}

/** Operations that make the same of the lowest number as of -Infinity. */
const HIDE = ['Softmax', 'Exp', 'Sigmoid', 'Relu', 'Max', 'ReduceMax', 'ArgMax', 'Greater', 'Less'];

/** Whether what a node gives comes to an output past all of these. */
function isSeen(c: Importer, node: NodeProto): boolean {
  const nodes = new Set([node]);
  for (const { outputs } of nodes)
    for (const name of outputs) {
      if (c.graph.outputs.some((output) => output.name === name)) return true;
      for (const reader of c.readersOf(name)) if (!HIDE.includes(reader.type)) nodes.add(reader);
    }
  return false;
}

/** Is it of integers, as far as the network's types tell? */
const isOfIntegers = (own: Tensor | undefined): boolean =>
  own?.kind === 'computed' ? own.value.dtype === 'int32' : own?.kind === 'constant' && !own.isFloat;

/** ONNX has both operands of one type: an integer among them says that the quotient is truncated. */
const divide: Handler = (c, inputs, attributes, node) => {
  if (inputs.some(isOfIntegers)) throw new RangeError('it divides integers, and drops what is left over');
  return binary(ops.div)(c, inputs, attributes, node);
};

const unary =
  (f: (x: any) => Value): Handler =>
  (c, [a]) => {
    const x = c.computed(a);
    return c.like(x, f(x.value));
  };

/** Of two or more, one by one: what is computed first, so that it is one of each two. */
const chained =
  (f: Handler): Handler =>
  (c, inputs, attributes, node) => {
    const [first, ...rest] = inputs.toSorted((a, b) => Number(b?.kind === 'computed') - Number(a?.kind === 'computed'));
    return rest.reduce<Tensor>((all, next) => f(c, [all, next], attributes, node) as Tensor, first as Tensor);
  };

const power: Handler = (c, [a, b], attributes, node) => {
  const isNatural = b?.kind === 'constant' && Array.from(b.data).every((n) => Number.isInteger(n) && n >= 0);
  if (a?.kind === 'computed' && isOfIntegers(a) && !isNatural)
    throw new RangeError('it drops what integers leave over');
  return binary(ops.pow)(c, [a, b], attributes, node);
};

const dropout: Handler = (_, [a, , training]) => {
  if (training?.kind === 'constant' && training.data[0] !== 0)
    throw new RangeError('it drops values in prediction, too');
  return [a];
};

const same: Handler = (_, [a]) => [a];

interface Along {
  readonly axis: number[];
  readonly keepDims: boolean;
}

const reduce =
  (f: (x: any, options: Along) => Value, keepsIntegers = false): Handler =>
  (c, [a, b], attributes) => {
    const x = c.computed(a);
    if (!keepsIntegers && isOfIntegers(x)) throw new RangeError('it drops what integers leave over');
    const keepDims = attributes.number('keepdims', 1) === 1;
    const given = c.ints(b, attributes, 'axes');
    if (!given || given.length === 0) throw new RangeError('it goes over all axes, the batch among them');
    const axis = given.map((own) => c.axis(x, own));
    const value = f(x.value, { axis, keepDims });
    if (keepDims) return c.like(x, value, x.isPositive);
    const left = x.axes.filter((own) => !axis.includes(own));
    return computed(value, renumbered(left, x.steps ? 1 : 0), x.steps ? { steps: x.steps } : {});
  };

/** Axes after others have gone. */
function renumbered(axes: readonly number[], first: number): number[] {
  const sorted = axes.filter((axis) => axis !== BATCH).sort((a, b) => a - b);
  return axes.map((axis) => (axis === BATCH ? BATCH : first + sorted.indexOf(axis)));
}

const matMul: Handler = (c, [a, b], _, node) => {
  if (a?.kind === 'computed' && b?.kind === 'computed') {
    const [x, y] = [c.plain(a), c.plain(b)];
    const isAlike = x.steps === y.steps && (!x.steps || x.value.shape[0] === y.value.shape[0]);
    if (!isAlike || x.axes.length !== y.axes.length || x.axes.length < 3)
      throw new RangeError('it multiplies values of different numbers of axes, or of the batch');
    return c.like(x, ops.matmul(x.value, y.value));
  }
  if (a?.kind === 'computed' && b?.kind === 'constant') {
    const [matrix, lead] = [b.shape.slice(-2), b.shape.slice(0, -2)];
    const isMatrix = matrix.length === 2 && lead.every((n) => n === 1) && b.shape.length <= a.axes.length;
    if (isMatrix) return denseOf(c, a, { ...b, shape: matrix }, node);
    const x = c.plain(a);
    return c.like(x, ops.matmul(x.value, c.parameters.taken(b, matricesFor(x, b))));
  }
  const x = c.plain(c.computed(b, 'what it takes'));
  const { shape } = x.value;
  const known = c.constant(a, 'one of its inputs');
  const matrices = matricesFor(x, known);
  if (shape.length < 2) throw new RangeError('it multiplies a constant by the batch');
  return c.like(x, ops.matmul(c.parameters.taken(known, matrices), x.value));
};

/** The matrices of a constant that those of each sample are multiplied by. */
function matricesFor(x: Computed, { shape, data }: Constant): NDArray {
  const own = shape.length === x.axes.length && shape[0] === 1 ? shape.slice(1) : [...shape];
  if (x.steps || own.length < 2 || own.length >= x.axes.length)
    throw new RangeError('it multiplies by a vector, or by a constant of a batch');
  return NDArray.wrap(Float64Array.from(data), own);
}

const clip: Handler = (c, [a, low, high], attributes) => {
  const x = c.computed(a);
  const bound = (tensor: Tensor | undefined, name: string) =>
    tensor ? c.constant(tensor, `its ${name}`).data[0] : attributes.has(name) ? attributes.number(name, 0) : undefined;
  const [min, max] = [bound(low, 'min'), bound(high, 'max')];
  let { value } = x;
  const activation = clippedBy(min, max);
  if (activation) value = applied(layers.activation({ activation }), value);
  else {
    if (min !== undefined) value = ops.maximum(value, min);
    if (max !== undefined) value = ops.minimum(value, max);
  }
  return c.like(x, value, min !== undefined && min >= 0);
};

const cast: Handler = (c, [a], attributes) => castTo(c, c.computed(a), attributes.number('to', 0));

/** To the type of another tensor, where that is known. */
const castLike: Handler = (c, [a, b]) => {
  if (a?.kind === 'constant' && b?.kind === 'constant' && !b.isFloat && Array.from(a.data).every(Number.isInteger))
    return { ...a, isFloat: false };
  const isKnown = b?.kind === 'constant' || (b?.kind === 'computed' && !isLogical(b.value) && !isWhole(b.value));
  if (!isKnown || isOfIntegers(b))
    throw new RangeError('it makes numbers of a type that is not known here to be that of fractions');
  return a?.kind === 'constant' ? { ...a, isFloat: true } : castTo(c, c.computed(a), FLOAT);
};

function castTo(c: Importer, x: Computed, to: number): Computed {
  if (isLogical(x.value)) return x;
  if (to === BOOL) return c.like(x, ops.abs(ops.sign(x.value)), true);
  const isFloat = isFloatType(to);
  if (!isFloat && !isWhole(x.value)) throw new RangeError('it makes whole numbers of others');
  if (isNarrow(to)) throw new RangeError('it makes small or unsigned integers of others, which may turn over');
  // to a smaller float is what the network's type decides; whole numbers stay what they are
  return isFloat && x.value.dtype === 'int32' ? c.like(x, ops.mul(x.value, 1), x.isPositive) : x;
}

const where: Handler = (c, [condition, x, y], _, node) => {
  const given = [condition, x, y];
  const rank = Math.max(...given.map((tensor) => (tensor?.kind === 'computed' ? tensor.axes.length : 0)));
  const all = given.map((tensor) => (tensor?.kind === 'computed' ? c.raised(tensor, rank) : tensor));
  const like = all.find((tensor) => tensor?.kind === 'computed') as Computed;
  const known = all.filter((tensor): tensor is Computed => tensor?.kind === 'computed');
  const isAlike = known.every((tensor) => isSame(tensor.axes, like.axes));
  const base = isAlike ? like : c.plain(like);
  if (all.some((tensor) => tensor?.kind === 'constant' && tensor.shape.length > base.axes.length))
    throw new RangeError('it gives a value more axes');
  const values = all.map((tensor) =>
    tensor?.kind === 'computed'
      ? (isAlike ? tensor : c.plain(tensor)).value
      : c.parameters.operand(base, hiding(c.constant(tensor, 'one of its inputs'), c, node)),
  );
  return c.like(base, ops.where(values[0], values[1], values[2]));
};

/** A layer whose slopes are shared along the axes where the file has one number. */
const prelu: Handler = (c, [a, given], _, node) => {
  const x = c.computed(a);
  const slope = c.constant(given, 'its slope');
  const own = c.against(x, slope);
  const first = x.steps ? 1 : 0;
  const shape = (own instanceof NDArray ? own.shape : x.value.shape.map(() => 1)).slice(first);
  const data = own instanceof NDArray ? (own.data as Float64Array) : Float64Array.of(own);
  const sharedAxes = shape.flatMap((n, axis) => (n === x.value.shape[first + axis] ? [] : [axis + 1]));
  const layer = c.layerOf(
    ['prelu', shape],
    [slope],
    () => {
      const name = c.nameFor(node, slope);
      return layers.prelu({ sharedAxes, ...(name && { name }) });
    },
    { alpha: { shape, data } },
  );
  return c.like(x, c.apply(layer, x));
};

const logSoftmax: Handler = (c, [a], attributes) => {
  const given = c.computed(a);
  const axis = attributes.number('axis', c.opset < 13 ? 1 : -1);
  // before opset 13 it went over all axes from this one on
  if (c.opset < 13 && (axis < 0 ? axis + given.axes.length : axis) !== given.axes.length - 1)
    throw new RangeError(`it goes from axis ${axis} on`);
  const x = c.withLast(given, axis);
  return c.like(x, ops.logSoftmax(x.value));
};

/** Of two or more. */
const mean: Handler = (c, inputs, attributes, node) => {
  const sum = c.computed(chained(binary(ops.add, () => layers.add()))(c, inputs, attributes, node) as Tensor);
  return inputs.length === 1 ? sum : c.like(sum, ops.mul(sum.value, 1 / inputs.length));
};

const thresholdedRelu: Handler = (c, [a], attributes) => {
  const x = c.computed(a);
  const alpha = rounded(attributes.number('alpha', 1));
  return c.like(x, ops.where(ops.greater(x.value, alpha), x.value, 0), alpha >= 0);
};

const shrink: Handler = (c, inputs, attributes, node) => {
  const x = c.computed(inputs[0]);
  if (activationOf(c, node, x)) return activationNode(c, inputs, attributes, node);
  const [lambd, bias] = [rounded(attributes.number('lambd', 0.5)), rounded(attributes.number('bias', 0))];
  const above = ops.where(ops.greater(x.value, lambd), ops.sub(x.value, bias), 0);
  return c.like(x, ops.where(ops.less(x.value, -lambd), ops.add(x.value, bias), above));
};

const cumSum: Handler = (c, [a, b], attributes) => {
  const x = c.computed(a);
  const axis = c.axis(x, c.constant(b, 'its axis').data[0]);
  if (attributes.number('exclusive', 0) === 1) throw new RangeError('it leaves out each own number');
  return c.like(x, ops.cumsum(x.value, { axis, reverse: attributes.number('reverse', 0) === 1 }), x.isPositive);
};

/** What lies above or below a diagonal of the last two axes; 0 elsewhere. */
const trilu: Handler = (c, [a, k], attributes) => {
  const x = c.computed(a);
  const [rows, columns] = x.axes.slice(-2).map((own) => (own === BATCH ? undefined : x.value.shape[own]));
  if (x.axes.length < 2 || rows === undefined || columns === undefined)
    throw new RangeError('it is of matrices that have the batch as one of their axes');
  const diagonal = k ? c.constant(k, 'its k').data[0] : 0;
  const isUpper = attributes.number('upper', 1) === 1;
  c.budget.take(rows * columns);
  const isKept = Float64Array.from({ length: rows * columns }, (_, i) => {
    const ahead = (i % columns) - Math.floor(i / columns) - diagonal;
    return Number(isUpper ? ahead >= 0 : ahead <= 0);
  });
  const kept = c.against(x, constant([rows, columns], isKept, false));
  return c.like(x, ops.where(kept, x.value, 0), x.isPositive);
};

/** The largest number, or the smallest one: of more, there is no order here. */
const topK: Handler = (c, [a, b], attributes, node) => {
  const x = c.computed(a);
  const [k] = c.ints(b, attributes, 'k') ?? [];
  if (k !== 1) throw new RangeError(`it sorts ${k} numbers`);
  if (c.isRead(node.outputs[1])) throw new RangeError('its places are used');
  const f = attributes.number('largest', 1) === 1 ? ops.max : ops.min;
  return [c.like(x, f(x.value, { axis: c.axis(x, attributes.number('axis', -1)), keepDims: true }), x.isPositive)];
};

/** Operations on numbers, element by element, along axes and of matrices. */
export const OPERATIONS: Readonly<Record<string, Handler>> = {
  Add: binary(ops.add, () => layers.add(), hiding),
  Sub: binary(ops.sub, () => layers.subtract()),
  Mul: binary(ops.mul, () => layers.multiply()),
  Div: divide,
  Pow: power,
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
  Xor: binary((x, y) => ops.sub(1, ops.equal(x, y))),
  Neg: unary(ops.neg),
  Abs: unary(ops.abs),
  Sqrt: unary(ops.sqrt),
  Exp: unary(ops.exp),
  Log: unary(ops.log),
  Sign: unary(ops.sign),
  Floor: unary(ops.floor),
  Ceil: unary(ops.ceil),
  Round: unary(ops.round),
  Sin: unary(ops.sin),
  Cos: unary(ops.cos),
  Erf: unary(ops.erf),
  CumSum: cumSum,
  ThresholdedRelu: thresholdedRelu,
  Shrink: shrink,
  Reciprocal: unary((x) => ops.div(1, x)),
  Identity: same,
  Dropout: dropout,
  Cast: cast,
  CastLike: castLike,
  ReduceMean: reduce(ops.mean),
  ReduceSum: reduce(ops.sum, true),
  ReduceMax: reduce(ops.max, true),
  ReduceMin: reduce(ops.min, true),
  ReduceL1: reduce((x, options) => ops.sum(ops.abs(x), options), true),
  ReduceL2: reduce((x, options) => ops.sqrt(ops.sum(ops.square(x), options))),
  ReduceSumSquare: reduce((x, options) => ops.sum(ops.square(x), options), true),
  ReduceLogSum: reduce((x, options) => ops.log(ops.sum(x, options))),
  ReduceLogSumExp: reduce(ops.logSumExp),
  ReduceProd: reduce(ops.prod, true),
  Mean: mean,
  TopK: topK,
  Trilu: trilu,
  MatMul: matMul,
  Clip: clip,
  Where: where,
  PRelu: prelu,
  LogSoftmax: logSoftmax,
};
