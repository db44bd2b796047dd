import { type Activation, activations } from './activations.js';
import { checkAlone, checkBoolean, checkInteger, checkNumber, checkOptions, wrongType, wrongValue } from './check.js';
import { broadcast, broadcastShape, broadcastTo, reshaped } from './graph/broadcast.js';
import type { Op } from './graph/op.js';
import { checkAxis, type Operand, toValue } from './graph/operand.js';
import { activate } from './graph/ops/activation.js';
import * as arithmetic from './graph/ops/arithmetic.js';
import { concatenate, cumsum, maxAxis, minAxis, slice, sumAxis } from './graph/ops/axes.js';
import { batchMatmul, gather, matmul, oneHot } from './graph/ops/products.js';
import type { Axes, Broadcast, BroadcastAll, Gathered, OneMore, Product, ShapeOf } from './graph/shape-types.js';
import { applyOp as applied, isValue, type Shape, sizeOf, timesOf, type Value } from './graph/value.js';
import { along, reduction, transposed } from './reductions.js';

/** The number of axes is what each function of `ops` is declared to give. */
const applyOp: <O>(op: Op<O>, inputs: readonly Value[], options: O) => Value<any> = applied;

/** Of constants. What a batch holds is told by NaN. */
function checkPlaces(name: string, { constant }: Value, n: number): void {
  for (const place of constant?.data ?? [])
    if (!Number.isInteger(place) || place < 0 || place >= n)
      throw wrongValue(name, `integers from 0 to ${n - 1}`, place);
}

type Unary = <X extends Operand>(x: X) => Value<ShapeOf<X>>;
type Binary = <X extends Operand, Y extends Operand>(x: X, y: Y) => Value<Broadcast<ShapeOf<X>, ShapeOf<Y>>>;

/** Refuses an axis, a third value; not the place that `Array.from` gives a function of one. */
const alone = <F extends (...given: any[]) => Value<any>>(name: string, of: F): F =>
  ((...given: readonly unknown[]) => {
    const n = of.length;
    const isPlaced = n === 1 && given.length === 2 && typeof given[1] === 'number';
    const value = of(...given.slice(0, n));
    if (!isPlaced) checkAlone(name, n, given.slice(n));
    return value;
  }) as F;

const unary = (op: Op): Unary => alone(op.name, (x: Operand) => applyOp(op, [toValue('x', x)], undefined));

const binary = (op: Op): Binary =>
  alone(op.name, (x: Operand, y: Operand) => applyOp(op, broadcast([toValue('x', x), toValue('y', y)]), undefined));

const linear = (x: Value, scale: number, shift: number) => applyOp(arithmetic.linear, [x], { scale, shift });

/** x + y, and its kin, with a number on one side: without an array of that number. */
const shifted = (
  op: Op,
  onRight: (x: Value, c: number) => Value<any>,
  onLeft: (c: number, x: Value) => Value<any>,
): Binary =>
  alone(op.name, (x: Operand, y: Operand) => {
    if (typeof y === 'number' && isValue(x)) return onRight(x, checkNumber('y', y));
    if (typeof x === 'number' && isValue(y)) return onLeft(checkNumber('x', x), y);
    return binary(op)(x, y);
  });

const activated =
  <O extends [] | [options?: object]>(activation: (...options: O) => Activation) =>
  <X extends Operand>(x: X, ...options: O): Value<ShapeOf<X>> =>
    activate(toValue('x', x), activation(...options)) as Value<any>;

/**
 * What losses, metrics, activations and layers of one's own are written in. Values are symbolic, without the batch dimension:
 * an axis is one of a sample. Numbers and arrays broadcast as NumPy's. Everything is recorded once, differentiated, and run
 * natively.
 */
export const ops = {
  add: shifted(
    arithmetic.add,
    (x, c) => linear(x, 1, c),
    (c, x) => linear(x, 1, c),
  ),
  sub: shifted(
    arithmetic.subtract,
    (x, c) => linear(x, 1, -c),
    (c, x) => linear(x, -1, c),
  ),
  mul: shifted(
    arithmetic.multiply,
    (x, c) => linear(x, c, 0),
    (c, x) => linear(x, c, 0),
  ),
  div: binary(arithmetic.divide),
  /** x ** y; the derivative by y where x <= 0 is 0 */
  pow: alone('pow', <X extends Operand, Y extends Operand>(x: X, y: Y): Value<Broadcast<ShapeOf<X>, ShapeOf<Y>>> => {
    if (y === 2) return applyOp(arithmetic.square, [toValue('x', x)], undefined);
    if (y === 0.5) return applyOp(arithmetic.sqrt, [toValue('x', x)], undefined);
    return binary(arithmetic.power)(x, y);
  }),
  /** The larger of two; where they are equal, x has the gradient. */
  maximum: binary(arithmetic.maximum),
  minimum: binary(arithmetic.minimum),
  /** Comparisons: 1 where they hold, else 0. No gradient passes. */
  greater: binary(arithmetic.greater),
  greaterEqual: binary(arithmetic.greaterEqual),
  less: alone<Binary>('less', (x, y) => binary(arithmetic.greater)(y, x) as Value<any>),
  lessEqual: alone<Binary>('lessEqual', (x, y) => binary(arithmetic.greaterEqual)(y, x) as Value<any>),
  equal: binary(arithmetic.equal),
  /** x where the condition is not 0, else y */
  where: alone(
    'where',
    <C extends Operand, X extends Operand, Y extends Operand>(
      condition: C,
      x: X,
      y: Y,
    ): Value<BroadcastAll<readonly [C, X, Y]>> => {
      const values = [toValue('condition', condition), toValue('x', x), toValue('y', y)];
      return applyOp(arithmetic.select, broadcast(values), undefined);
    },
  ),

  neg: alone<Unary>('neg', (x) => linear(toValue('x', x), -1, 0)),
  abs: unary(arithmetic.abs),
  /** -1, 0 or 1. No gradient passes. */
  sign: unary(arithmetic.sign),
  exp: unary(arithmetic.exp),
  /** The natural logarithm */
  log: unary(arithmetic.log),
  /** log(1 + x) */
  log1p: unary(arithmetic.log1p),
  sqrt: unary(arithmetic.sqrt),
  square: unary(arithmetic.square),
  /** x within [low, high] */
  clip: alone(
    'clip',
    <X extends Operand>(x: X, low: number, high: number): Value<ShapeOf<X>> =>
      ops.minimum(ops.maximum(x, low), high) as Value<any>,
  ),
  /** x, taken as a constant: no gradient passes. */
  stopGradient: unary(arithmetic.stopGradient),

  /** Of radians */
  sin: unary(arithmetic.sin),
  cos: unary(arithmetic.cos),
  /** The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x */
  erf: unary(arithmetic.erf),
  /** The largest whole number that is not above x. No gradient passes. */
  floor: unary(arithmetic.floor),
  /** The smallest whole number that is not below x. No gradient passes. */
  ceil: alone('ceil', <X extends Operand>(x: X): Value<ShapeOf<X>> => ops.neg(ops.floor(ops.neg(x))) as Value<any>),
  /** The nearest whole number, of two the even one. No gradient passes. */
  round: unary(arithmetic.round),

  sum: reduction((x, axis) => applyOp(sumAxis, [x], { axis, scale: 1 })),
  mean: reduction((x, axis) => applyOp(sumAxis, [x], { axis, scale: 1 / x.shape[axis] })),
  /** Equal largest ones share the gradient, as TensorFlow's. */
  max: reduction((x, axis) => applyOp(maxAxis, [x], { axis }), true),
  min: reduction((x, axis) => applyOp(minAxis, [x], { axis }), true),
  /** The product, by products of halves: the derivative is right where some are 0, too. */
  prod: reduction((x, axis) => {
    const part = (from: Value, first: number, count: number) =>
      applyOp(slice, [from], { axis, start: first, length: count });
    let out = x;
    for (let n = x.shape[axis]; n > 1; n = Math.ceil(n / 2)) {
      const half = Math.floor(n / 2);
      const both = ops.mul(part(out, 0, half), part(out, half, half));
      out = n % 2 === 0 ? both : ops.concat([both, part(out, n - 1, 1)], { axis });
    }
    return reshaped(
      out,
      x.shape.filter((_, k) => k !== axis),
    );
  }),
  /** The mean of (x - mean)^2, as NumPy's: of all, not of one less */
  var: along((x, options): Value => {
    const { axis } = options;
    return ops.mean(ops.square(ops.sub(x, ops.mean(x, { axis, keepDims: true }))), options);
  }),
  /** The root of `var`: where all are the same it has no derivative, which NaN says. */
  std: along((x, options): Value => ops.sqrt(ops.var(x, options))),
  /** log(sum(exp(x))), of any x: the largest one is taken off before. */
  logSumExp: along((x, options): Value => {
    const { axis } = options;
    const most = ops.stopGradient(ops.max(x, { axis, keepDims: true }));
    const shift = ops.where(ops.equal(ops.sub(most, most), 0), most, 0); // infinite ones stay
    const log = ops.log(ops.sum(ops.exp(ops.sub(x, shift)), options));
    return ops.add(log, ops.reshape(shift, log.shape));
  }),
  /** Sums of what lies up to each place along an axis, with it; `reverse`: from there on. Default: the last axis */
  cumsum: alone(
    'cumsum',
    <X extends Operand>(x: X, options?: { axis?: number; reverse?: boolean } | number): Value<ShapeOf<X>> => {
      const value = toValue('x', x);
      const given = typeof options === 'number' ? { axis: options } : options === undefined ? {} : options;
      checkOptions('options', given, ['axis', 'reverse']);
      const { axis = -1, reverse = false } = given as { axis?: number; reverse?: boolean };
      const own = { axis: checkAxis('axis', axis, value.shape.length), reverse: checkBoolean('reverse', reverse) };
      return applyOp(cumsum, [value], own);
    },
  ),

  /** NumPy's x @ y of each sample: the last two axes are matrices; a vector is a row on the left, a column on the right. */
  matmul: alone(
    'matmul',
    <X extends Operand, Y extends Operand>(x: X, y: Y): Value<Product<ShapeOf<X>, ShapeOf<Y>>> => {
      const [a, b] = [toValue('x', x), toValue('y', y)];
      if (a.shape.length === 0 || b.shape.length === 0)
        throw wrongValue('operands of matmul', 'of one dimension or more', a.shape.length === 0 ? a.shape : b.shape);
      const left = a.shape.length === 1 ? reshaped(a, [1, ...a.shape]) : a;
      const right = b.shape.length === 1 ? reshaped(b, [...b.shape, 1]) : b;
      if (left.shape.at(-1) !== right.shape.at(-2))
        throw new RangeError(
          `Expected matrices that can be multiplied, got [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
        );
      const product = multiplied(left, right);
      const shape = product.shape.slice(0, -2);
      if (a.shape.length > 1) shape.push(left.shape[left.shape.length - 2]);
      if (b.shape.length > 1) shape.push(right.shape[right.shape.length - 1]);
      return reshaped(product, shape) as Value<any>;
    },
  ),
  /** Axes in another order; default: reversed */
  transpose: alone('transpose', <X extends Operand>(x: X, axes?: readonly number[]): Value<ShapeOf<X>> => {
    const value = toValue('x', x);
    const rank = value.shape.length;
    if (axes === undefined)
      return transposed(
        value,
        value.shape.map((_, i) => rank - 1 - i),
      );
    if (!Array.isArray(axes) || axes.length !== rank)
      throw wrongType('axes', `an array of the ${rank} axes of a sample`, axes);
    const order = Array.from(axes as readonly number[], (axis, i) => checkAxis(`axes[${i}]`, axis, rank));
    if (new Set(order).size !== rank) throw wrongValue('axes', 'every axis once', axes);
    return transposed(value, order);
  }),
  /** The same values in another shape; one entry may be -1 */
  reshape: alone('reshape', <const S extends Shape>(x: Operand, shape: S): Value<Axes<S>> => {
    const value = toValue('x', x);
    if (!Array.isArray(shape)) throw wrongType('shape', 'an array of integers', shape);
    const given = Array.from(shape, (n, i) => checkInteger(`shape[${i}]`, n, -1)).filter((n) => n !== -1);
    if (shape.length - given.length > 1)
      throw wrongValue('shape', 'an array of integers, one of which may be -1', shape);
    const known = sizeOf(given);
    const rest = sizeOf(value.shape) / known;
    return reshaped(
      value,
      shape.map((n) => (n === -1 && Number.isInteger(rest) ? rest : n)),
    ) as Value<any>;
  }),
  /** x[start : start + length] along each axis; a length of -1 goes to the end */
  slice: alone(
    'slice',
    <X extends Operand>(x: X, start: readonly number[], length: readonly number[]): Value<ShapeOf<X>> => {
      let out: Value<any> = toValue('x', x);
      const rank = out.shape.length;
      for (const [name, list] of Object.entries({ start, length }))
        if (!Array.isArray(list) || list.length !== rank)
          throw wrongType(name, `an array of ${rank} integers, one for each axis of a sample`, list);
      for (let axis = 0; axis < rank; axis++) {
        const from = checkInteger(`start[${axis}]`, start[axis], 0);
        const n = out.shape[axis];
        const wanted = length[axis] === -1 ? n - from : checkInteger(`length[${axis}]`, length[axis], 1);
        if (wanted < 1 || from + wanted > n)
          throw wrongValue(`start[${axis}] + length[${axis}]`, `at most ${n}, the length of the axis`, from + wanted);
        if (wanted < n) out = applyOp(slice, [out], { axis, start: from, length: wanted });
      }
      return out;
    },
  ),
  /** Values one behind the other along an axis. Default axis -1 */
  concat: <const V extends readonly Operand[]>(
    values: V,
    options: { axis?: number } | number = {},
  ): Value<ShapeOf<V[0]>> => {
    const list = checkList(values);
    const rank = list[0].shape.length;
    const axis = checkAxis('axis', axisOf(options) ?? -1, rank);
    for (const [i, { shape }] of list.entries())
      if (shape.length !== rank || shape.some((n, a) => a !== axis && n !== list[0].shape[a]))
        throw wrongValue(`values[${i}]`, `like values[0] but for axis ${axis}: [${list[0].shape.join(', ')}]`, shape);
    const times = timesOf(list);
    return applyOp(
      concatenate,
      list.map((value) => broadcastTo(value, value.shape, times)),
      { axis },
    );
  },
  /** Values of one shape along a new axis. Default axis 0 */
  stack: <const V extends readonly Operand[]>(
    values: V,
    options: { axis?: number } | number = {},
  ): Value<OneMore<ShapeOf<V[0]>>> => {
    const list = checkList(values);
    const axis = checkAxis('axis', axisOf(options) ?? 0, list[0].shape.length + 1);
    const withAxis = (shape: Shape) => [...shape.slice(0, axis), 1, ...shape.slice(axis)];
    return ops.concat(
      list.map((value) => reshaped(value, withAxis(value.shape)) as Value<any>),
      { axis },
    );
  },

  /**
   * The entries of x along its first axis that `indices` (from 0) name; NaN where there is none of the number.
   * @throws RangeError for a constant among `indices` that names none
   */
  gather: alone(
    'gather',
    <X extends Operand, I extends Operand>(x: X, indices: I): Value<Gathered<ShapeOf<X>, ShapeOf<I>>> => {
      const [value, index] = [toValue('x', x), toValue('indices', indices)];
      if (value.shape.length === 0) throw wrongValue('x', 'of one dimension or more', value.shape);
      const [n, ...rest] = value.shape;
      checkPlaces('indices', index, n);
      const times = timesOf([value, index]);
      const table = broadcastTo(reshaped(value, [n, sizeOf(rest)]), [n, sizeOf(rest)], times);
      const flat = broadcastTo(reshaped(index, [sizeOf(index.shape)]), [sizeOf(index.shape)], times);
      return reshaped(applyOp(gather, [table, flat], undefined), [...index.shape, ...rest]) as Value<any>;
    },
  ),
  /**
   * Class numbers as rows with one 1, along a new last axis; NaN for what is none. No gradient passes.
   * @throws RangeError for a constant that is no class
   */
  oneHot: alone('oneHot', <X extends Operand>(x: X, depth: number): Value<OneMore<ShapeOf<X>>> => {
    const value = toValue('x', x);
    checkPlaces('x', value, checkInteger('depth', depth, 1));
    return applyOp(oneHot, [value], { depth });
  }),

  softmax: activated(activations.softmax),
  logSoftmax: activated(activations.logSoftmax),
  sigmoid: activated(activations.sigmoid),
  tanh: activated(activations.tanh),
  relu: activated(activations.relu),
  relu6: activated(activations.relu6),
  leakyRelu: activated(activations.leakyRelu),
  elu: activated(activations.elu),
  celu: activated(activations.celu),
  selu: activated(activations.selu),
  softplus: activated(activations.softplus),
  softsign: activated(activations.softsign),
  logSigmoid: activated(activations.logSigmoid),
  hardSigmoid: activated(activations.hardSigmoid),
  gelu: activated(activations.gelu),
  silu: activated(activations.silu),
  hardSilu: activated(activations.hardSilu),
  mish: activated(activations.mish),
  tanhShrink: activated(activations.tanhShrink),
  hardShrink: activated(activations.hardShrink),
  softShrink: activated(activations.softShrink),
  hardTanh: activated(activations.hardTanh),
  squareplus: activated(activations.squareplus),
  sparsePlus: activated(activations.sparsePlus),
  sparseSigmoid: activated(activations.sparseSigmoid),
};

function axisOf(options: { axis?: number } | number): number | undefined {
  if (typeof options === 'number') return options;
  checkOptions('options', options, ['axis']);
  return options.axis;
}

function checkList(values: readonly Operand[]): Value[] {
  if (!Array.isArray(values) || values.length === 0) throw wrongType('values', 'an array of values', values);
  return Array.from(values, (value, i) => toValue(`values[${i}]`, value));
}

/** left [..., M, K] @ right [..., K, N] */
function multiplied(left: Value, right: Value): Value {
  if (!right.batched && right.shape.length === 2) return applyOp(matmul, [left, right], undefined);
  const [a, b] = [left.shape.slice(0, -2), right.shape.slice(0, -2)];
  const stacked = broadcastShape([a, b]);
  const times = timesOf([left, right]);
  const like = (value: Value) => broadcastTo(value, [...stacked, ...value.shape.slice(-2)], times);
  return applyOp(batchMatmul, [like(left), like(right)], undefined);
}
