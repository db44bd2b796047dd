import { NDArray } from '../array.js';
import { pad } from '../graph/ops/pad.js';
import { applyOp, type Value } from '../graph/value.js';
import { ops } from '../ops.js';

/** A number around a value along an axis: zeros, to which it is added. */
export function paddedWith(fill: number, x: Value, axis: number, before: number, after: number): Value {
  const padded = applyOp(pad, [x], { axis, before, after });
  if (fill === 0) return padded;
  const n = x.shape[axis];
  const around = Float64Array.from({ length: before + n + after }, (_, i) =>
    i < before || i >= before + n ? fill : 0,
  );
  const shape = x.shape.map((_, own) => (own === axis ? around.length : 1));
  return ops.add(padded, NDArray.wrap(around, shape)) as Value;
}
