import { getActivation } from '../activations.js';
import { checkBoolean, checkInteger, checkNumber, checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';
import type { Op } from '../graph/op.js';
import { activate, activation } from '../graph/ops/activation.js';
import * as arithmetic from '../graph/ops/arithmetic.js';
import * as axes from '../graph/ops/axes.js';
import { pad } from '../graph/ops/pad.js';
import * as products from '../graph/ops/products.js';
import { reshape } from '../graph/ops/shape.js';
import { applyOp, type Node, sizeOf, type Value } from '../graph/value.js';
import type { JsonObject } from '../io/model-file.js';
import { isPlain } from '../kind.js';
import { checkShape } from '../layers/layer.js';

/** The options of an operation, checked against its inputs: what a file says is anybody's. */
type Checks = Readonly<
  Record<string, (name: string, value: unknown, inputs: readonly Value[], options: JsonObject) => void>
>;

interface Entry {
  readonly op: Op<any>;
  /** The number of inputs; absent: one or more. */
  readonly inputs?: number;
  readonly options: Checks;
}

const number = (name: string, value: unknown) => checkNumber(name, value);
const truth = (name: string, value: unknown) => checkBoolean(name, value);
const positive = (name: string, value: unknown) => checkInteger(name, value, 1);
/** More of it would be an arena of nothing. */
const padding = (name: string, value: unknown) => {
  if (checkInteger(name, value, 0) >= 2 ** 20) throw wrongValue(name, 'below 2^20', value);
};
const axisBelow =
  (from: number) =>
  (name: string, value: unknown, [{ shape }]: readonly Value[]) => {
    if (checkInteger(name, value, 0) >= shape.length - from)
      throw wrongValue(name, `an axis of the ${shape.length} of a sample`, value);
  };
const axis = axisBelow(0);

const arithmeticOf = (inputs: number, ops: readonly Op[]): Entry[] => ops.map((op) => ({ op, inputs, options: {} }));
const { add, subtract, multiply, divide, maximum, minimum, greater, greaterEqual, equal, power, select } = arithmetic;
const { abs, sign, exp, log, log1p, sqrt, square, stopGradient, linear, floor, round, sin, cos, erf } = arithmetic;

/** Operations that a graph may hold beside layers, by their names in files. */
const ENTRIES = new Map<string, Entry>(
  [
    ...arithmeticOf(1, [abs, sign, exp, log, log1p, sqrt, square, stopGradient, floor, round, sin, cos, erf]),
    ...arithmeticOf(2, [add, subtract, multiply, divide, maximum, minimum, greater, greaterEqual, equal, power]),
    ...arithmeticOf(3, [select]),
    { op: linear, inputs: 1, options: { scale: number, shift: number } },
    { op: axes.sumAxis, inputs: 1, options: { axis, scale: number } },
    { op: axes.maxAxis, inputs: 1, options: { axis } },
    { op: axes.minAxis, inputs: 1, options: { axis } },
    { op: axes.repeatAxis, inputs: 1, options: { axis, n: positive } },
    { op: axes.swapAxes, inputs: 1, options: { axis: axisBelow(1) } },
    { op: axes.reverseAxis, inputs: 1, options: { axis } },
    { op: axes.cumsum, inputs: 1, options: { axis, reverse: truth } },
    { op: axes.slice, inputs: 1, options: { axis, start: checkStart, length: positive } },
    { op: axes.concatenate, options: { axis } },
    { op: axes.repeatRows, inputs: 1, options: {} },
    { op: products.matmul, inputs: 2, options: {} },
    { op: products.batchMatmul, inputs: 2, options: {} },
    { op: products.gather, inputs: 2, options: {} },
    { op: products.oneHot, inputs: 1, options: { depth: positive } },
    { op: products.logSoftmax, inputs: 1, options: {} },
    { op: pad, inputs: 1, options: { axis, before: padding, after: padding } },
    { op: reshape, inputs: 1, options: { shape: checkReshape } },
    { op: activation, inputs: 1, options: {} },
  ].map((entry) => [entry.op.name, entry]),
);

function checkStart(name: string, start: unknown, [{ shape }]: readonly Value[], options: JsonObject): void {
  const n = shape[options.axis as number];
  if (checkInteger(name, start, 0) + (options.length as number) > n)
    throw wrongValue(`${name} + length`, `at most ${n}, the length of the axis`, start);
}

function checkReshape(name: string, shape: unknown, [x]: readonly Value[]): void {
  if (sizeOf(checkShape(name, shape)) !== sizeOf(x.shape))
    throw wrongValue(name, `of ${sizeOf(x.shape)} values`, shape);
}

/** What of an operation is saved. @throws TypeError for one that cannot be loaded again */
export function operationConfig({ op, options }: Node): JsonObject {
  if (ENTRIES.get(op.name)?.op.name !== op.name)
    throw new TypeError(
      `Expected operations between layers to be of ops.*, as only these can be loaded again, got '${op.name}'`,
    );
  return { op: op.name, options: op.name === 'activation' ? options.config : (options ?? {}) };
}

/** The operation that a file describes, applied. @throws TypeError or RangeError unless it can be */
export function operationFrom({ op: name, options = {} }: JsonObject, inputs: readonly Value[]): Value {
  const entry = ENTRIES.get(checkOneOf('op', name as string, [...ENTRIES.keys()])) as Entry;
  if (!isPlain(options)) throw wrongType('options', 'an object', options);
  if (inputs.length === 0 || (entry.inputs !== undefined && inputs.length !== entry.inputs))
    throw wrongValue('inputs', `${entry.inputs ?? 'one or more'} for '${name}'`, inputs.length);
  if (entry.op === activation) return activate(inputs[0], getActivation('options', options));
  checkOptions('options', options, Object.keys(entry.options));
  for (const [key, check] of Object.entries(entry.options)) check(`options.${key}`, options[key], inputs, options);
  const isElementwise = Object.values(arithmetic).includes(entry.op as never);
  const other = inputs.find(({ shape }) => shape.join() !== inputs[0].shape.join());
  if (isElementwise && other) throw wrongValue('inputs', `of the shape [${inputs[0].shape.join(', ')}]`, other.shape);
  return applyOp(entry.op, inputs, Object.keys(options).length > 0 ? options : undefined);
}
