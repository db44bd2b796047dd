import type { NDArray } from '../../array.js';
import type { Constraint } from '../../constraints.js';

/** What rounding in float32 changes of a norm. */
const ROUNDING = 1e-5;

/** Whether a constraint leaves a weight as it is: TensorFlow.js applies it to the weights that it reads. */
export function keepsTo(constraint: Constraint, { data, shape }: NDArray): boolean {
  if ('graph' in constraint) return true; // which no file holds
  if (constraint.name === 'nonNeg') return data.every((value: number) => value >= 0);
  const along = new Set([constraint.axis].flat().map((axis) => (axis < 0 ? axis + shape.length : axis)));
  const squares = new Map<number, number>();
  for (let i = 0; i < data.length; i++) {
    let [rest, place, stride] = [i, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const at = rest % shape[axis];
      rest = (rest - at) / shape[axis];
      if (along.has(axis)) continue;
      place += at * stride;
      stride *= shape[axis];
    }
    squares.set(place, (squares.get(place) ?? 0) + data[i] ** 2);
  }
  const { name, minValue = 0, maxValue = 1 } = constraint;
  const [least, most] = name === 'unitNorm' ? [1, 1] : [minValue, maxValue];
  return Array.from(squares.values(), Math.sqrt).every(
    (norm) => norm === 0 || (norm >= least * (1 - ROUNDING) && norm <= most * (1 + ROUNDING)),
  );
}
