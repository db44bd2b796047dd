import { getActivation } from '../../activations.js';
import { NDArray } from '../../array.js';
import { checkInteger, checkNumber, wrongShape, wrongType, wrongValue } from '../../check.js';
import type { Operand } from '../../graph/operand.js';
import { activate } from '../../graph/ops/activation.js';
import { repeatAxis, reverseAxis } from '../../graph/ops/axes.js';
import { applyOp, isValue, type Value } from '../../graph/value.js';
import type { JsonObject } from '../../io/model-file.js';
import { differsFrom } from '../../layers/masks.js';
import { ops } from '../../ops.js';
import { ourActivation } from './config-parts.js';
import { einsumOf } from './einsum-in.js';
import { itemOf, type Slice, sliced } from './items-in.js';
import { paddedAs, rolled, splitAt, tiled } from './shapes-in.js';
import { isSize } from './sizes-in.js';

/** What an operation of Keras is given: values, numbers that stay, lists. */
export type Given = Value | NDArray | number | boolean | string | null | Slice | readonly Given[];

interface Call {
  readonly config: JsonObject;
  readonly args: readonly Given[];
}

type Make = (call: Call) => Value | readonly Value[];

const isOperand = (given: Given | undefined): given is Value | NDArray | number =>
  typeof given === 'number' || isValue(given) || given instanceof NDArray;

const operand = (name: string, given: Given | undefined): Operand => {
  if (isValue(given)) return checkNumbers(given) as Operand;
  if (isOperand(given)) return given as Operand;
  if (typeof given === 'boolean') return Number(given);
  throw wrongType(name, 'a value, a number or an array', given);
};

const value = (given: Given | undefined): Value => {
  if (!isValue(given)) throw wrongType('what an operation is given', 'a value', given);
  return checkNumbers(given);
};

const unary =
  (make: (x: any) => Value): Make =>
  ({ args: [x] }) =>
    make(operand('x', x));
const binary =
  (make: (x: any, y: any) => Value): Make =>
  ({ args: [x, y] }) => {
    const [x1, x2] = operands([x, y]);
    return make(x1, x2);
  };

/** Operands that broadcast: arrays are counted with the batch in Keras, of which they may have one row. */
function operands(given: readonly (Given | undefined)[]): Operand[] {
  const ranks = given.flatMap((own) => (isValue(own) ? own.shape.length : []));
  const rank = Math.max(0, ...ranks);
  // the batch of one would stand over an axis of the other
  if (ranks.some((own) => own !== rank)) throw wrongValue('values', 'of as many axes', ranks);
  return given.map((own, i) => {
    if (!(own instanceof NDArray) || own.ndim <= rank) return operand(`x${i + 1}`, own);
    if (own.ndim > rank + 1 || own.shape[0] !== 1)
      throw wrongShape(`x${i + 1}`, 'the same for all samples of a batch', own.shape);
    return own.reshape(own.shape.slice(1));
  });
}

/** What holds 0 and 1 alone. */
const truths = new WeakSet<Value>();
const BOOLEAN = new Set([
  ...['Greater', 'GreaterEqual', 'Less', 'LessEqual', 'Equal', 'NotEqual', 'Any', 'All'],
  ...['LogicalAnd', 'LogicalOr', 'LogicalXor', 'LogicalNot'],
]);
/** What is made of booleans alone by these. */
const STAYS_BOOLEAN = new Set([
  ...['Multiply', 'Maximum', 'Minimum', 'Max', 'Amax', 'Min', 'Amin', 'Cast', 'ConvertToTensor'],
  ...['Reshape', 'Squeeze', 'ExpandDims', 'GetItem', 'Transpose', 'Repeat'],
]);

/** 1 where a number is not 0, as all but 0 are true. */
export function truth(x: Value): Value {
  if (truths.has(x)) return x;
  const made = differsFrom(x, 0);
  truths.add(made);
  return made;
}

const not = (x: Value): Value => ops.equal(x, 0) as Value;

export const isTruth = (x: Value): boolean => truths.has(x);

const logical = (make: (x: Value, y: Value) => unknown): Make => {
  return ({ args: [x, y] }) => make(truth(value(x)), truth(value(y))) as Value;
};

/** A matrix of numbers has no batch. */
const matmul: Make = ({ args: [x, y] }) => {
  const isMatrix = y instanceof NDArray && y.ndim === 2;
  const [x1, y1] = isMatrix ? [value(x), y] : operands([x, y]);
  return ops.matmul(x1, y1) as Value;
};

/** An axis of a sample, for one that is counted with the batch. @throws RangeError for that of the batch */
function axisOf(axis: unknown, rank: number): number {
  const given = checkInteger('axis', axis);
  const own = given < 0 ? given + rank : given - 1;
  if (given === 0 || own < 0 || own >= rank) throw wrongValue('axis', 'an axis of a sample, counted from 1', given);
  return own;
}

const reduced =
  (make: (x: Value, along: { axis: readonly number[]; keepDims: boolean }) => Value): Make =>
  ({ config: { axis, keepdims, initial = null }, args: [x] }) => {
    const from = value(x);
    if (initial !== null) throw wrongValue('initial', 'none', initial);
    if (axis === null || axis === undefined) throw wrongType('axis', 'an axis, as the batch is not reduced', axis);
    const axes = [axis].flat().map((own) => axisOf(own, from.shape.length));
    return make(from, { axis: axes, keepDims: keepdims === true });
  };

const activation =
  (name: string): Make =>
  ({ config: { name: _, ...config }, args: [x] }) =>
    activate(value(x), getActivation('activation', ourActivation('activation', { class_name: name, config })));

const reshape: Make = ({ config: { newshape }, args: [x] }) => {
  const from = value(x);
  if (!Array.isArray(newshape)) throw wrongType('newshape', 'a list of lengths', newshape);
  const [batch, ...shape] = newshape.map((n, i) => checkInteger(`newshape[${i}]`, n ?? -1, -1));
  if (batch !== -1) throw wrongValue('newshape[0]', '-1, as the batch is of any length', batch);
  return ops.reshape(from, shape) as Value;
};

const transpose: Make = ({ config: { axes }, args: [x] }) => {
  const from = value(x);
  const order = Array.isArray(axes) ? axes : wrongTranspose(axes);
  if (order[0] !== 0) throw wrongValue('axes[0]', '0, as the batch stays first', order[0]);
  return ops.transpose(
    from,
    order.slice(1).map((axis) => axisOf(axis, from.shape.length)),
  ) as Value;
};
const wrongTranspose = (axes: unknown): never => {
  throw wrongType('axes', 'a list of axes, as the batch stays first', axes);
};

const list = (given: Given | undefined): Value[] => {
  if (!Array.isArray(given)) throw wrongType('what an operation is given', 'a list of values', given);
  return given.map((own) => value(own));
};

/** What was made integers of, by leaving their fractions out, which there is not here: indices have none. */
const indices = new WeakSet<Value>();

/** @throws TypeError for what may only be an index, or a length */
export function checkNumbers(value: Value): Value {
  if (indices.has(value)) throw new TypeError('Expected what is cast to integers to be used as indices alone');
  if (isSize(value)) throw new TypeError('Expected the shape of a value to be used as that of a reshape alone');
  return value;
}

/** Numbers are of one type here. */
const cast: Make = ({ config: { dtype }, args: [x] }) => {
  const from = value(x);
  if (typeof dtype !== 'string') throw wrongType('dtype', 'a name', dtype);
  if (dtype === 'bool') return truth(from);
  const maker = from.from && 'op' in from.from ? from.from.op.name : '';
  const isWhole =
    from.dtype === 'int32' || isTruth(from) || ['greater', 'greaterEqual', 'equal', 'sign'].includes(maker);
  if (dtype.startsWith('float') || isWhole) return from;
  const index = ops.mul(from, 1) as Value;
  indices.add(index);
  return index;
};

const index = (given: Given | undefined): Operand =>
  isValue(given) && indices.has(given) ? (given as Operand) : operand('indices', given);

const take: Make = ({ config: { axis }, args: [x, at] }) => {
  if (!isValue(x)) {
    if (axis !== 0) throw wrongValue('axis', '0, of a table', axis);
    return ops.gather(operand('x', x), index(at)) as Value;
  }
  if (axis !== 1 || isValue(at)) throw wrongValue('axis', '1, of indices that are the same for all samples', axis);
  const from = value(x);
  return ops.gather(from, placesIn(at, from.shape[0])) as Value;
};

/** Numbers of places, from the end where they are negative. */
function placesIn(given: Given | undefined, length: number): Operand {
  const place = (n: number) => (n < 0 ? n + length : n);
  if (typeof given === 'number') return place(given);
  const array = Array.isArray(given) ? NDArray.from(given as number[]) : given;
  if (!(array instanceof NDArray)) throw wrongType('indices', 'numbers or lists of them', array);
  return NDArray.from(Float64Array.from(array.data, place)).reshape(array.shape);
}

const repeat: Make = ({ config: { repeats, axis }, args: [x] }) => {
  const from = value(x);
  const n = checkInteger('repeats', repeats, 1);
  const { shape } = from;
  const own = axisOf(axis, shape.length);
  if (shape[own] === 1) return applyOp(repeatAxis, [from], { axis: own, n });
  const apart = ops.reshape(from, [...shape.slice(0, own + 1), 1, ...shape.slice(own + 1)]) as Value;
  const to = shape.map((length, i) => (i === own ? length * n : length));
  return ops.reshape(applyOp(repeatAxis, [apart], { axis: own + 1, n }), to) as Value;
};

const moved = (x: Value, order: (axes: number[]) => void): Value => {
  const axes = x.shape.map((_, axis) => axis);
  order(axes);
  return ops.transpose(x, axes) as Value;
};

const expandDims: Make = ({ config: { axis }, args: [x] }) => {
  const from = value(x);
  const at = axisOf(axis, from.shape.length + 1);
  return ops.reshape(from, [...from.shape.slice(0, at), 1, ...from.shape.slice(at)]) as Value;
};

const squeeze: Make = ({ config: { axis }, args: [x] }) => {
  const from = value(x);
  const axes =
    axis === null || axis === undefined ? undefined : [axis].flat().map((own) => axisOf(own, from.shape.length));
  const stays = (n: number, i: number) => (axes ? !axes.includes(i) : n !== 1);
  return ops.reshape(from, from.shape.filter(stays)) as Value;
};

/** Keras' operations between layers that there are here, by their classes. */
const OPERATIONS: Readonly<Record<string, Make>> = {
  Absolute: unary(ops.abs),
  Abs: unary(ops.abs),
  Negative: unary(ops.neg),
  Sign: unary(ops.sign),
  Floor: unary(ops.floor),
  Ceil: unary(ops.ceil),
  Round: ({ config: { decimals = 0 }, args: [x] }) => {
    if (decimals !== 0) throw wrongValue('decimals', '0', decimals);
    return ops.round(value(x)) as Value;
  },
  Sin: unary(ops.sin),
  Cos: unary(ops.cos),
  Erf: unary(ops.erf),
  Exp: unary(ops.exp),
  Log: unary(ops.log),
  Log1p: unary(ops.log1p),
  Sqrt: unary(ops.sqrt),
  Rsqrt: unary((x) => ops.div(1, ops.sqrt(x)) as Value),
  Reciprocal: unary((x) => ops.div(1, x) as Value),
  Square: unary(ops.square),
  StopGradient: unary(ops.stopGradient),
  Add: binary(ops.add),
  Subtract: binary(ops.sub),
  Multiply: binary(ops.mul),
  Divide: binary(ops.div),
  TrueDivide: binary(ops.div),
  Power: binary(ops.pow),
  Maximum: binary(ops.maximum),
  Minimum: binary(ops.minimum),
  Greater: binary(ops.greater),
  GreaterEqual: binary(ops.greaterEqual),
  Less: binary(ops.less),
  LessEqual: binary(ops.lessEqual),
  Equal: binary(ops.equal),
  NotEqual: binary((x, y) => not(ops.equal(x, y) as Value)),
  LogicalAnd: logical(ops.mul),
  LogicalOr: logical(ops.maximum),
  LogicalXor: logical((x, y) => ops.abs(ops.sub(x, y)) as Value),
  LogicalNot: ({ args: [x] }) => not(truth(value(x))),
  Any: reduced((x, along) => ops.max(truth(x), along) as Value),
  All: reduced((x, along) => ops.min(truth(x), along) as Value),
  Matmul: matmul,
  Where: ({ args: [condition, x, y] }) => {
    const [test, x1, x2] = operands([condition, x, y]);
    return ops.where(test, x1, x2) as Value;
  },
  Clip: ({ config: { x_min, x_max }, args: [x] }) =>
    ops.clip(value(x), checkNumber('x_min', x_min), checkNumber('x_max', x_max)) as Value,
  Sum: reduced(ops.sum),
  Mean: reduced(ops.mean),
  Prod: reduced(ops.prod),
  Max: reduced(ops.max),
  Amax: reduced(ops.max),
  Min: reduced(ops.min),
  Amin: reduced(ops.min),
  Var: reduced(ops.var),
  Std: reduced(ops.std),
  Logsumexp: reduced(ops.logSumExp),
  Cumsum: ({ config: { axis }, args: [x] }) => {
    const from = value(x);
    return ops.cumsum(from, { axis: axisOf(axis, from.shape.length) }) as Value;
  },
  Flip: ({ config: { axis }, args: [x] }) => {
    const from = value(x);
    const axes = [axis].flat().map((own) => axisOf(own, from.shape.length));
    return axes.reduce((made, own) => applyOp(reverseAxis, [made], { axis: own }), from);
  },
  Pad: ({ config: { pad_width, mode }, args: [x, fill] }) => paddedAs(value(x), pad_width, mode, fill),
  Split: ({ config: { indices_or_sections, axis = 0 }, args: [x] }) => {
    const from = value(x);
    return splitAt(from, axisOf(axis, from.shape.length), indices_or_sections);
  },
  Unstack: ({ config: { axis = 0 }, args: [x] }) => {
    const from = value(x);
    const own = axisOf(axis, from.shape.length);
    const left = from.shape.filter((_, i) => i !== own);
    return splitAt(from, own, from.shape[own]).map((part) => ops.reshape(part, left) as Value);
  },
  Einsum: ({ config: { subscripts }, args }) => {
    if (typeof subscripts !== 'string') throw wrongType('subscripts', 'a text', subscripts);
    return einsumOf(
      subscripts,
      args.map((own) => (own instanceof NDArray ? own : value(own))),
    );
  },
  Tile: ({ config: { repeats }, args: [x] }) => tiled(value(x), repeats),
  Roll: ({ config: { shift, axis }, args: [x] }) => {
    const from = value(x);
    return rolled(from, axisOf(axis, from.shape.length), shift);
  },
  Swapaxes: ({ config: { axis1, axis2 }, args: [x] }) => {
    const from = value(x);
    const [a, b] = [axis1, axis2].map((axis) => axisOf(axis, from.shape.length));
    return moved(from, (axes) => {
      [axes[a], axes[b]] = [axes[b], axes[a]];
    });
  },
  Reshape: reshape,
  Transpose: transpose,
  GetItem: ({ args: [x, key] }) => itemOf(value(x), key),
  ExpandDims: expandDims,
  Squeeze: squeeze,
  Repeat: repeat,
  Concatenate: ({ config: { axis = 0 }, args: [values] }) => {
    const given = list(values);
    return ops.concat(given as Value<any>[], { axis: axisOf(axis, given[0]?.shape.length ?? 0) }) as Value;
  },
  Stack: ({ config: { axis = 0 }, args: [values] }) => {
    const given = list(values);
    return ops.stack(given as Value<any>[], { axis: axisOf(axis, (given[0]?.shape.length ?? 0) + 1) }) as Value;
  },
  Take: take,
  OneHot: ({ config: { num_classes, axis = -1 }, args: [x] }) => {
    if (axis !== -1) throw wrongValue('axis', '-1', axis);
    return ops.oneHot(index(x), checkInteger('num_classes', num_classes, 1)) as Value;
  },
  Cast: cast,
  ConvertToTensor: (call) => (typeof call.config.dtype === 'string' ? cast(call) : value(call.args[0])),
  Glu: ({ config: { axis = -1 }, args: [x] }) => {
    const from = value(x);
    const own = axisOf(axis, from.shape.length);
    const half = from.shape[own] / 2;
    if (!Number.isInteger(half)) throw wrongValue('what is halved', 'of an even length', from.shape[own]);
    return ops.mul(sliced(from, own, 0, half), ops.sigmoid(sliced(from, own, half, half))) as Value;
  },
  CustomScaleLayer: ({ config: { scale }, args: [values] }) => {
    const [x, branch] = list(values);
    return ops.add(x, ops.mul(checkNumber('scale', scale), branch)) as Value;
  },
  Threshold: ({ config, args: [x] }) => {
    const bound = checkNumber('threshold', config.threshold);
    const from = value(x);
    return ops.where(ops.greater(from, bound), from, checkNumber('default_value', config.default_value)) as Value;
  },
  Tanh: activation('tanh'),
  ...Object.fromEntries(
    ['Relu', 'Relu6', 'Sigmoid', 'Softplus', 'Softsign', 'Silu', 'HardSilu', 'LogSigmoid', 'HardSigmoid']
      .concat(['LeakyRelu', 'Elu', 'Celu', 'Selu', 'Gelu', 'Softmax', 'LogSoftmax', 'TanhShrink', 'Mish'])
      .concat(['HardShrink', 'SoftShrink', 'HardTanh', 'Squareplus', 'SparsePlus', 'SparseSigmoid'])
      .map((name) => [name, activation(name)]),
  ),
};

const isSign = (given: Given) => isValue(given) && given.from && 'op' in given.from && given.from.op.name === 'sign';

/** What an operation of Keras makes of its arguments. @throws TypeError or RangeError for what there is not here */
export function applyOperation(className: string, config: JsonObject, args: readonly Given[]): readonly Value[] {
  if (!Object.hasOwn(OPERATIONS, className)) throw wrongValue('an operation', 'one that there is here', className);
  const made = [OPERATIONS[className]({ config, args })].flat() as readonly Value[];
  const isNumber = (given: Given) => typeof given === 'number' || given instanceof NDArray;
  const stays = STAYS_BOOLEAN.has(className) && args.every((own) => (isValue(own) ? isTruth(own) : !isNumber(own)));
  if (BOOLEAN.has(className) || stays || (className === 'Absolute' && args.some(isSign))) truths.add(made[0]);
  return made;
}
