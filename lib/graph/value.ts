import type { NDArray } from '../array.js';
import type { Constraint } from '../constraints.js';
import type { Initializer } from '../initializers.js';
import { isProxy } from '../kind.js';
import type { Layer } from '../layers/layer.js';
import type { Regularizer } from '../regularizers.js';
import type { Held } from './held.js';
import type { Op } from './op.js';

/** The shape of one sample, without the batch dimension. */
export type Shape = readonly number[];

/**
 * A symbolic array: what an input, a weight or an operation gives, without the batch dimension. TypeScript knows the number of
 * its axes where `S` is a tuple.
 */
export interface Value<S extends Shape = Shape> {
  readonly shape: S;
  /** Whether every sample has a value of its own. Weights, and what is made of them alone, are the same for all. */
  readonly batched: boolean;
  /** Class numbers and the like. Absent: numbers of the network's float type. */
  readonly dtype?: 'int32';
  /** The operation that makes it; of a layer that is not spelled out yet, its call. Absent for inputs and weights. */
  readonly from?: Node | Call;
  /** The numbers that a constant holds. */
  readonly constant?: NDArray;
  /** So many values for each sample, such as one for each step of a sequence. Absent: one */
  readonly times?: number;
  /** [steps], 1 for those that count and 0 for the others, where a layer has said so. */
  readonly mask?: Value;
}

/** A weight of a layer. */
export interface Weight extends Value {
  readonly name: string;
  readonly initializer: Initializer;
  readonly regularizer?: Regularizer;
  readonly constraint?: Constraint;
  /** Moved by gradients; false for moving averages. */
  readonly trained: boolean;
  readonly held: Held;
}

/** An operation applied to values. */
export interface Node<O = any> {
  readonly op: Op<O>;
  readonly inputs: readonly Value[];
  readonly options: O;
  readonly output: Value;
}

/** A layer applied to values. A layer that is applied twice has two calls, and one set of weights. */
export interface Call {
  readonly layer: Layer;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Whether the layer was given a list: one value alone is not the same as a list of one. */
  readonly list: boolean;
  /** Whether it gave one. */
  readonly listed: boolean;
}

/** Whether this is a value of a graph. */
export const isValue = (x: unknown): x is Value =>
  typeof x === 'object' && x !== null && !isProxy(x) && Object.hasOwn(x, VALUE);

export const isCall = (from: Node | Call): from is Call => 'layer' in from;

const VALUE = Symbol.for('fjordnet.Value');

/** Marks a value, for all copies of the package, and refuses JavaScript's operators, which would make NaN or false of it. */
export const marked = <V extends Value>(value: V): V =>
  // one by one, which takes less than half the time of defineProperties
  Object.defineProperty(Object.defineProperty(value, VALUE, MARK), Symbol.toPrimitive, OPERATOR);

function primitive(hint: string): string {
  if (hint === 'string') return '[object Value]';
  throw new TypeError('Expected a value to be given to ops, such as ops.sub(a, b), got an operator of JavaScript');
}

const MARK = { value: true };
const OPERATOR = { value: primitive };

export const isSameShape = (a: Shape, b: Shape | undefined): boolean =>
  a.length === b?.length && a.every((n, axis) => n === b[axis]);

/** Is `a` the shape of one of the samples in an array of shape `b`? */
export const isSampleShape = (a: Shape, b: Shape): boolean =>
  a.length + 1 === b.length && a.every((n, axis) => n === b[axis + 1]);

/** That of one of the samples in an array of shape `b`. In a loop: `slice` of what is frozen takes a tenth of a prediction of one row. */
export function sampleShape(b: Shape): Shape {
  const shape: number[] = [];
  for (let axis = 1; axis < b.length; axis++) shape.push(b[axis]);
  return shape;
}

/** What stands for the samples of an input. */
export const placeholder = (shape: Shape, dtype?: 'int32'): Value =>
  marked({ shape, batched: true, ...(dtype && { dtype }) });

/** The value that `op` makes of its inputs. @throws RangeError if they do not fit it */
export function applyOp<O>(op: Op<O>, inputs: readonly Value[], options: O): Value {
  const dtype = op.view && inputs[0].dtype;
  const times = op.times ? op.times(options) : (timesOf(inputs) ?? 1);
  const output: { -readonly [K in keyof Value]: Value[K] } = marked({
    shape: op.shape(inputs, options),
    batched: op.isBatched ?? inputs.some((value) => value.batched),
    ...(dtype && { dtype }),
    ...(times > 1 && { times }),
  });
  output.from = { op, inputs, options, output };
  return output;
}

/** How many values what is made of these has for each sample; undefined if it is the same for all samples. */
export function timesOf(inputs: readonly Pick<Value, 'batched' | 'times'>[]): number | undefined {
  const times = inputs.filter(({ batched }) => batched).map((value) => value.times ?? 1);
  if (times.some((n) => n !== times[0]))
    throw new RangeError(`Expected values of as many steps, got ${[...new Set(times)].join(' and ')}`);
  return times[0];
}

/** A value of which only those steps count that `mask` has 1 for. */
export const withMask = <V extends Value>(value: V, mask: Value | undefined): V =>
  mask ? Object.assign(value, { mask }) : value;

/** Rows along the last axis that losses are the mean over: the steps of a sequence, the pixels of an image. */
export const stepsOf = (shape: Shape): number => sizeOf(shape.slice(0, -1));

export const sizeOf = (shape: Shape): number => shape.reduce((product, n) => product * n, 1);

/**
 * What makes `outputs`, each behind what makes its inputs; without recursion, for networks of any depth. What makes the
 * values in `given` is left out.
 */
export function topological(outputs: readonly Value[], given?: { has(value: Value): boolean }): (Node | Call)[] {
  const order: (Node | Call)[] = [];
  walk(outputs, given, { leave: (from) => order.push(from) });
  return order;
}

/** Goes through what makes `outputs`, depth first: enters each operation before what makes its inputs, and leaves it after. */
export function walk(
  outputs: readonly Value[],
  given: { has(value: Value): boolean } | undefined,
  visitor: { enter?(from: Node | Call): void; leave(from: Node | Call): void },
): void {
  const seen = new Set<Node | Call>();
  const stack: { from: Node | Call; next: number }[] = [];
  const visit = (value: Value) => {
    const { from } = value;
    if (!from || seen.has(from) || given?.has(value)) return;
    seen.add(from);
    visitor.enter?.(from);
    stack.push({ from, next: 0 });
  };
  for (const output of outputs) {
    visit(output);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top.next < top.from.inputs.length) {
        visit(top.from.inputs[top.next++]);
      } else {
        visitor.leave(top.from);
        stack.pop();
      }
    }
  }
}
