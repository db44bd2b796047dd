import { filled } from '../allocate.js';

/** The sum of `values[i]` for from <= i < to as NumPy takes it, to the last bit: pairwise, in blocks of up to 128 in eight rows. */
export function pairwiseSum(values: ArrayLike<number>, from = 0, to: number = values.length): number {
  const n = to - from;
  if (n < 8) {
    let sum = 0;
    for (let i = from; i < to; i++) sum += values[i];
    return sum;
  }
  if (n > 128) {
    const half = Math.floor(n / 16) * 8;
    return pairwiseSum(values, from, from + half) + pairwiseSum(values, from + half, to);
  }
  const r = Array.from({ length: 8 }, (_, j) => values[from + j]);
  const whole = to - (n % 8);
  for (let i = from + 8; i < whole; i += 8) for (let j = 0; j < 8; j++) r[j] += values[i + j];
  let sum = r[0] + r[1] + (r[2] + r[3]) + (r[4] + r[5] + (r[6] + r[7]));
  for (let i = whole; i < to; i++) sum += values[i];
  return sum;
}

/**
 * The sums of the columns of values [n, width] as NumPy takes them along axis 0: pairwise where there is one column, else
 * row by row.
 */
export function columnSums(values: ArrayLike<number>, width: number): number[] {
  if (width === 1) return [pairwiseSum(values)];
  const sums = new Array<number>(width).fill(0);
  for (let i = 0; i < values.length; i++) sums[i % width] += values[i];
  return sums;
}

/** The mean of values, or their mean with weights: NumPy's `average`. @throws RangeError if the weights sum to 0 */
export function averageOf(values: ArrayLike<number>, weights?: ArrayLike<number>): number {
  if (weights === undefined) return pairwiseSum(values) / values.length;
  return pairwiseSum(filled(Float64Array, values.length, (i) => values[i] * weights[i])) / totalOf(weights);
}

/** The sum of sample weights. @throws RangeError if it is 0, and so no mean can be taken */
export function totalOf(weights: ArrayLike<number>): number {
  const total = pairwiseSum(weights);
  if (total === 0) throw new RangeError('Expected sampleWeight to have a sum other than 0, got a sum of 0');
  return total;
}
