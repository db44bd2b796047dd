import {
  called,
  checkInteger,
  checkInterval,
  checkOneOf,
  checkOptions,
  takeOptionsAlone,
  wrongType,
  wrongValue,
} from './check.js';
import { Lowered } from './graph/lower.js';
import { checkValue } from './graph/own.js';
import type { Parameter, Recorder } from './graph/recorder.js';
import { marked, type Value } from './graph/value.js';
import { brandFactories, isClass } from './kind.js';
import { ops } from './ops.js';

/** What a weight is brought back to after each update; Keras' constraints. */
export type Constraint = NormConstraint | { readonly name: 'nonNeg' } | OwnConstraint;

interface NormConstraint {
  readonly name: 'maxNorm' | 'unitNorm' | 'minMaxNorm';
  readonly axis: number | readonly number[];
  readonly minValue?: number;
  readonly maxValue?: number;
  readonly rate?: number;
}

/** A function of the weight, written in `ops`. */
interface OwnConstraint {
  readonly graph: (w: Value) => Value;
}

export type ConstraintName = keyof typeof constraints;
/** One of `constraints.*` (called or not), its name, its name and options, or a function of the weight, which is not saved. */
export type ConstraintInput =
  | ConstraintName
  | Constraint
  | (() => Constraint)
  | { readonly name: ConstraintName; readonly [option: string]: unknown }
  | ((w: Value) => Value);

interface Axes {
  /**
   * The axis or axes that a norm goes along. Default 0: of a dense kernel [inputs, units] the weights of one unit; for the
   * filters of a convolution take [0, 1, 2]
   */
  axis?: number | readonly number[];
}

const size = (name: string, value: number) => checkInterval(name, value, 0, Number.POSITIVE_INFINITY);

function checkAxes(axis: unknown): number | readonly number[] {
  if (typeof axis === 'number') return checkInteger('axis', axis);
  if (!Array.isArray(axis) || axis.length === 0) throw wrongType('axis', 'an integer or an array of integers', axis);
  return axis.map((a, i) => checkInteger(`axis[${i}]`, a));
}

/** Constraints of weights, for `kernelConstraint` and the like: applied after each update, as Keras. */
export const constraints = {
  /** w * min(|w|, maxValue) / (1e-7 + |w|), |w| the L2 norm along `axis` (Srebro and Shraibman 2005). Default maxValue = 2 */
  maxNorm: (options: { maxValue?: number } & Axes = {}): Constraint => {
    checkOptions('options', options, ['maxValue', 'axis']);
    const maxValue = size('maxValue', options.maxValue ?? 2);
    return { name: 'maxNorm', maxValue, axis: checkAxes(options.axis ?? 0) };
  },
  /** max(w, 0) */
  nonNeg: (options: object = {}): Constraint => {
    checkOptions('options', options, []);
    return { name: 'nonNeg' };
  },
  /** w / (1e-7 + |w|), |w| the L2 norm along `axis` */
  unitNorm: (options: Axes = {}): Constraint => {
    checkOptions('options', options, ['axis']);
    return { name: 'unitNorm', axis: checkAxes(options.axis ?? 0) };
  },
  /**
   * Norms between two bounds: w * (rate * clip(|w|, minValue, maxValue) + (1 - rate) * |w|) / (1e-7 + |w|). Defaults: minValue
   * = 0, maxValue = 1, rate = 1: at once
   */
  minMaxNorm: (options: { minValue?: number; maxValue?: number; rate?: number } & Axes = {}): Constraint => {
    checkOptions('options', options, ['minValue', 'maxValue', 'rate', 'axis']);
    const minValue = size('minValue', options.minValue ?? 0);
    const maxValue = size('maxValue', options.maxValue ?? 1);
    if (maxValue < minValue) throw wrongValue('maxValue', `at least minValue, ${minValue}`, maxValue);
    const rate = checkInterval('rate', options.rate ?? 1, 0, 1);
    return { name: 'minMaxNorm', minValue, maxValue, rate, axis: checkAxes(options.axis ?? 0) };
  },
};
takeOptionsAlone('constraints', constraints);
brandFactories('constraints', constraints);

/** The constraint that the option `option` of a layer asks for. */
export function checkConstraint(option: string, given: unknown): Constraint | undefined {
  const input = called(given, constraints);
  if (input === undefined || input === null) return undefined;
  if (typeof input === 'function' && !isClass(input)) return { graph: input as (w: Value) => Value };
  if (typeof input !== 'string' && typeof input !== 'object')
    throw wrongType(option, 'one of constraints.* or its name', input);
  if (typeof input === 'object' && 'graph' in input && typeof input.graph === 'function')
    return { graph: input.graph as (w: Value) => Value };
  const { name, ...options } = typeof input === 'string' ? { name: input } : (input as { name: unknown });
  const make = constraints[checkOneOf(`${option}.name`, name, Object.keys(constraints) as ConstraintName[])];
  return (make as (options: object) => Constraint)(options);
}

/** What keeps norms from being divided by where they are 0: Keras' `backend.epsilon()`. */
const EPSILON = 1e-7;

/** The constraint as a function of the weight, as Keras writes it. */
function graphOf(constraint: Constraint): (w: Value) => Value {
  if ('graph' in constraint) return constraint.graph;
  if (constraint.name === 'nonNeg') return (w) => ops.relu(w);
  const { name, axis, minValue = 0, maxValue = 1, rate = 1 } = constraint;
  return (w) => {
    const norms = ops.sqrt(ops.sum(ops.square(w), { axis, keepDims: true }));
    if (name === 'unitNorm') return ops.div(w, ops.add(norms, EPSILON));
    const clipped = ops.clip(norms, minValue, maxValue);
    const desired = name === 'maxNorm' ? clipped : ops.add(ops.mul(rate, clipped), ops.mul(1 - rate, norms));
    return ops.mul(w, ops.div(desired, ops.add(norms, EPSILON)));
  };
}

/** Emits what the constraints of the trained weights make of them; after their update. */
export function emitConstraints(t: Recorder, parameters: readonly Parameter[]): void {
  for (const { value, gradient, constraint, isFree } of parameters) {
    if (!constraint || !gradient || isFree) continue;
    const what = `the constraint of ${value.name}`;
    if ('axis' in constraint) checkRank(what, constraint.axis, value.shape.length);
    const w = marked({ shape: value.shape, batched: false });
    const output = checkValue(what, () => graphOf(constraint)(w), value.shape, { given: [w] });
    const lowered = new Lowered(t, [output], {
      training: false,
      buffers: new Map([[w, value]]),
      gradients: new Map(),
      nameOf: ({ op }) => `${what}/${op.name}`,
    });
    lowered.forward();
    t.emit('copy', [lowered.buffer(output), value], { N: value.size });
  }
}

function checkRank(what: string, axis: number | readonly number[], rank: number): void {
  for (const a of [axis].flat())
    if (a < -rank || a >= rank) throw wrongValue(`the axis of ${what}`, `one of its ${rank}`, a);
}
