import { allocate } from './allocate.js';
import { type ArrayInput, asArray } from './array.js';
import { checkInterval, wrongShape, wrongValue } from './check.js';

/** How far from 1 probabilities may add up to, as in NumPy: the root of what their type tells from 1. */
const TOLERANCE = { float64: 2 ** -26, float32: Math.sqrt(2 ** -23), int32: 2 ** -26 } as const;

/** Probabilities of `n` elements. @throws RangeError where they are of another number, negative, or do not add up to 1 */
export function checkProbabilities(p: ArrayInput, n: number): ArrayLike<number> {
  const { data, dtype, shape } = asArray('p', p);
  if (shape.length !== 1 || data.length !== n) throw wrongShape('p', `a probability for each of ${n}`, shape);
  let sum = 0;
  for (let i = 0; i < n; i++) sum += checkInterval(`p[${i}]`, data[i], 0, Number.POSITIVE_INFINITY);
  if (!(Math.abs(sum - 1) <= TOLERANCE[dtype])) throw wrongValue('the sum of p', '1', sum);
  return data;
}

/** `count` elements by uniform numbers: each the first up to which the probabilities add up to more than its number. */
export function chooseWeighted(p: ArrayLike<number>, uniform: ArrayLike<number>): Int32Array {
  const below = allocate(Float64Array, p.length);
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    sum += p[i];
    below[i] = sum;
  }
  for (let i = 0; i < p.length; i++) below[i] /= sum;
  return Int32Array.from(uniform, (x) => {
    let [low, high] = [0, p.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (below[middle] > x) high = middle;
      else low = middle + 1;
    }
    return low;
  });
}

/**
 * `count` different elements: in rounds, each for as many as are missing, of which the new ones stay in their order and have the
 * probability 0 from then on.
 */
export function chooseDifferent(
  p: ArrayLike<number>,
  count: number,
  draw: (n: number) => ArrayLike<number>,
): Int32Array {
  const possible = Array.from(p).filter((value) => value > 0).length;
  if (count > possible)
    throw wrongValue('size', `at most ${possible} without replacement, the number of p above 0`, count);
  const left = Float64Array.from(p);
  const found = new Set<number>();
  while (found.size < count) {
    for (const i of chooseWeighted(left, draw(count - found.size))) found.add(i);
    for (const i of found) left[i] = 0;
  }
  return Int32Array.from(found);
}
