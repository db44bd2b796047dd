import { filled } from '../allocate.js';
import { type ArrayInput, checkArray, NDArray } from '../array.js';
import { checkOneOf } from '../check.js';
import { averageOf, pairwiseSum } from './sums.js';

/** How the scores of several classes or labels become one; null: they do not. */
export type BinaryAverage = 'micro' | 'macro' | 'weighted' | 'samples' | null;

/** A score of two classes: 1s and 0s, the scores of the 1s, weights. */
export type BinaryScore = (
  positives: ArrayLike<number>,
  scores: ArrayLike<number>,
  weight?: ArrayLike<number>,
) => number;

export function checkAverage(average: BinaryAverage): void {
  if (average !== null) checkOneOf('average', average, ['micro', 'macro', 'weighted', 'samples']);
}

/** Scores of the shape of the 1s and 0s [n, classes]. */
export function readLabelScores(yScore: ArrayInput, shape: readonly number[]): ArrayLike<number> {
  const array = checkArray('yScore', yScore);
  if (array.ndim !== 2 || array.shape[0] !== shape[0] || array.shape[1] !== shape[1])
    throw new RangeError(
      `Expected yScore to have shape [${shape.join(', ')}], a column a label, got [${array.shape.join(', ')}]`,
    );
  return array.data;
}

/**
 * The score of every column of 1s and 0s [n, k], averaged: scikit-learn's `_average_binary_score`.
 *
 * @param positives [n, k]
 * @param scores of the same shape
 */
export function averageBinary(
  score: BinaryScore,
  positives: ArrayLike<number>,
  scores: ArrayLike<number>,
  k: number,
  average: BinaryAverage,
  weight?: ArrayLike<number>,
): number | NDArray {
  const n = positives.length / k;
  if (average === 'micro')
    return score(positives, scores, weight && filled(Float64Array, n * k, (i) => weight[Math.floor(i / k)]));
  if (average === 'samples') {
    const row = (of: ArrayLike<number>, i: number) => filled(Float64Array, k, (j) => of[i * k + j]);
    const values = filled(Float64Array, n, (i) => score(row(positives, i), row(scores, i)));
    return weight ? weightedMean(values, weight) : averageOf(values);
  }
  const column = (of: ArrayLike<number>, j: number) => filled(Float64Array, n, (i) => of[i * k + j]);
  const support = filled(Float64Array, k, (j) =>
    pairwiseSum(column(positives, j).map((one, i) => (weight ? one * weight[i] : one))),
  );
  if (average === 'weighted' && Math.abs(pairwiseSum(support)) <= 1e-8) return 0;
  const values = filled(Float64Array, k, (j) => score(column(positives, j), column(scores, j), weight));
  if (average === null) return NDArray.wrap(values);
  if (average === 'macro') return averageOf(values);
  return weightedMean(values, support);
}

/** What has no weight may be NaN. */
function weightedMean(values: Float64Array, weight: ArrayLike<number>): number {
  return averageOf(
    values.map((value, i) => (weight[i] === 0 ? 0 : value)),
    weight,
  );
}
