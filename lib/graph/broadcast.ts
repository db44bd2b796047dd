import { NDArray } from '../array.js';
import { repeatAxis, repeatRows } from './ops/axes.js';
import { reshape } from './ops/shape.js';
import { applyOp, isCall, marked, type Shape, sizeOf, timesOf, type Value, withMask } from './value.js';

const listed = (shapes: readonly Shape[]) => shapes.map((shape) => `[${shape.join(', ')}]`).join(' and ');

/** The shape of values that are computed with element by element, by NumPy's rule. @throws RangeError if there is none */
export function broadcastShape(shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    let length = 1;
    for (const shape of shapes) {
      const own = shape[axis - rank + shape.length] ?? 1;
      if (own === 1 || own === length) continue;
      if (length !== 1) throw new RangeError(`Expected shapes that broadcast, got ${listed(shapes)}`);
      length = own;
    }
    return length;
  });
}

/**
 * A value repeated along the axes that it lacks, up to `shape`; with `times` so often for every sample, before the axes: the arena
 * holds what is the same for all samples from the start, and that stays small.
 */
export function broadcastTo(value: Value, shape: Shape, times: number | undefined): Value {
  let out = value;
  if (value.shape.length < shape.length)
    out = reshaped(out, [...Array.from({ length: shape.length - value.shape.length }, () => 1), ...value.shape]);
  if (times !== undefined && !out.batched) out = applyOp(repeatRows, [out], times > 1 ? { times } : undefined);
  for (const [axis, n] of shape.entries()) if (out.shape[axis] !== n) out = applyOp(repeatAxis, [out], { axis, n });
  return out;
}

/** A value before its repetitions, along axes and for every sample. Operations are told by their names, as they may be another copy's. */
export function unrepeated(value: Value): Value {
  let source = value;
  for (let from = source.from; from && !isCall(from); from = source.from) {
    if (from.op.name !== repeatAxis.name && from.op.name !== repeatRows.name) break;
    source = from.inputs[0];
  }
  return source;
}

/** The values with the shape that they have together. */
export function broadcast(values: readonly Value[]): Value[] {
  const shape = broadcastShape(values.map((value) => value.shape));
  const times = timesOf(values);
  return values.map((value) => broadcastTo(value, shape, times));
}

export function reshaped(value: Value, shape: Shape): Value {
  if (sizeOf(shape) !== sizeOf(value.shape))
    throw new RangeError(
      `Expected shape to hold the ${sizeOf(value.shape)} values of a sample, got [${shape.join(', ')}]`,
    );
  return value.shape.join() === shape.join() && value.shape.length === shape.length
    ? value
    : applyOp(reshape, [value], { shape });
}

/** The same values with another mask, or with none; the value itself keeps its own. */
export const remasked = (value: Value, mask: Value | undefined): Value =>
  withMask(applyOp(reshape, [value], { shape: value.shape }), mask);

/** The same number everywhere, for all samples. */
export function constant(shape: Shape, number: number): Value {
  const numbers = new Float64Array(sizeOf(shape)).fill(number);
  return marked({ shape, batched: false, constant: NDArray.wrap(numbers, shape) });
}
