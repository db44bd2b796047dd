import { checkBoolean, checkOptions, wrongType } from './check.js';
import { reshaped } from './graph/broadcast.js';
import { checkAxis, type Operand, toValue } from './graph/operand.js';
import { swapAxes } from './graph/ops/axes.js';
import type { Reduced, ShapeOf } from './graph/shape-types.js';
import { applyOp, sizeOf, type Value } from './graph/value.js';

/** The axis or axes of a sample to go along, from 0 or from the end by -1; default: all. */
export interface Along {
  axis?: number | readonly number[];
  /** Leave axes of length 1 behind. Default false */
  keepDims?: boolean;
}

/** As in Keras and TensorFlow.js, axis and keepDims may also be given one after the other. */
export type Reduction = <
  X extends Operand,
  const O extends Along | Along['axis'] = undefined,
  const K extends boolean | undefined = undefined,
>(
  x: X,
  axis?: O,
  keepDims?: K,
) => Value<Reduced<ShapeOf<X>, O extends number | readonly number[] | undefined ? { axis: O; keepDims: K } : O>>;

/** `of` a value, along axes. */
export const along =
  (of: (x: Value, options: Along) => Value): Reduction =>
  (x, axis, keepDims) => {
    const isAxis = axis === undefined || typeof axis === 'number' || Array.isArray(axis);
    if (!isAxis) checkOptions('options', axis, ['axis', 'keepDims']);
    if (!isAxis && keepDims !== undefined) throw wrongType('keepDims', 'one of the options', keepDims);
    return of(toValue('x', x), isAxis ? ({ axis, keepDims } as Along) : (axis as Along)) as Value<any>;
  };

/** `step` by step, each along one axis, the last first; or, where these are one for it, along all of them `together`. */
export const reduction = (step: (x: Value, axis: number) => Value, together = false): Reduction =>
  along((x, options) => reduced(x, options, step, together));

function reduced(value: Value, options: Along, step: (x: Value, axis: number) => Value, together: boolean): Value {
  const rank = value.shape.length;
  const { axis } = options;
  const keepDims = checkBoolean('keepDims', options.keepDims ?? false);
  if (axis === undefined && !keepDims) return rank === 0 ? value : step(reshaped(value, [sizeOf(value.shape)]), 0);
  const given = axis === undefined ? value.shape.map((_, i) => i) : [axis].flat();
  const axes = [...new Set(given.map((a) => checkAxis('axis', a, rank)))].sort((a, b) => b - a);
  let out = value;
  if (together && axes.length > 1) {
    const rest = value.shape.map((_, i) => i).filter((i) => !axes.includes(i));
    const shape = rest.map((i) => value.shape[i]);
    const behind = transposed(value, [...rest, ...axes.toReversed()]);
    out = step(reshaped(behind, [...shape, sizeOf(value.shape) / sizeOf(shape)]), shape.length);
  } else {
    for (const a of axes) out = step(out, a);
  }
  return keepDims
    ? reshaped(
        out,
        value.shape.map((n, i) => (axes.includes(i) ? 1 : n)),
      )
    : out;
}

/** Axes in another order, by exchanges of neighbours. */
export function transposed(x: Value, axes: readonly number[]): Value<any> {
  const order = [...axes];
  let out = x;
  const now = x.shape.map((_, i) => i);
  for (let place = 0; place < order.length; place++)
    for (let at = now.indexOf(order[place]); at > place; at--) {
      out = applyOp(swapAxes, [out], { axis: at - 1 });
      [now[at - 1], now[at]] = [now[at], now[at - 1]];
    }
  return out;
}
