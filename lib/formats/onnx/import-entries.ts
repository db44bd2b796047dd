import { reverseAxis } from '../../graph/ops/axes.js';
import { applyOp } from '../../graph/value.js';
import type { Importer } from './importer.js';
import type { Computed } from './tensors.js';
import { ops } from './untyped.js';

/** So many entries along an axis of ONNX, each `step` behind the one before. */
export function taken(c: Importer, x: Computed, axis: number, from: number, count: number, step = 1): Computed {
  const own = c.axis(x, axis);
  const { shape } = x.value;
  const n = shape[own];
  if (count < 1 || from < 0 || from >= n || from + (count - 1) * step < 0 || from + (count - 1) * step >= n)
    throw new RangeError(`it takes ${count} entries from ${from} on of an axis of ${n}`);
  if (step === 1 && count === n) return x;
  if (step === 1) {
    const start = shape.map((_, k) => (k === own ? from : 0));
    const length = shape.map((_, k) => (k === own ? count : -1));
    return c.like(x, ops.slice(x.value, start, length), x.isPositive);
  }
  if (step === -1 && count === n) return c.like(x, applyOp(reverseAxis, [x.value], { axis: own }), x.isPositive);
  c.budget.take(count);
  return picked(
    c,
    x,
    own,
    Float64Array.from({ length: count }, (_, k) => from + k * step),
  );
}

/** The entries of these numbers along an axis of the value. */
export function picked(c: Importer, x: Computed, own: number, places: Float64Array): Computed {
  const n = x.value.shape[own];
  if (!places.every((place) => Number.isInteger(place) && place >= 0 && place < n))
    throw new RangeError(`it takes what an axis of ${n} does not have`);
  const order = [own, ...x.value.shape.map((_, k) => k).filter((k) => k !== own)];
  const moved = ops.gather(ops.transpose(x.value, order), places);
  const back = order.map((_, k) => order.indexOf(k));
  return c.like(x, ops.transpose(moved, back), x.isPositive);
}

/** The entries of these numbers along an axis of ONNX. */
export function entriesOf(c: Importer, x: Computed, axis: number, places: readonly number[]): Computed {
  const isRow = places.length > 0 && places.every((place, k) => place === places[0] + k);
  if (isRow) return taken(c, x, axis, places[0], places.length);
  return picked(c, x, c.axis(x, axis), Float64Array.from(places));
}
