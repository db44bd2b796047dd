import { filled } from '../allocate.js';
import type { ArrayInput, NDArray } from '../array.js';
import { checkAlone, checkOptions, wrongShape } from '../check.js';
import { readWeights } from './classification.js';
import {
  columnMeans,
  combine,
  type Pair,
  type RegressionScoreOptions,
  readMultioutput,
  readPair,
} from './regression.js';

/** The error of predictions, [n] or [n, outputs], against targets of the same shape. */
export interface RegressionError {
  (yTrue: ArrayInput, yPred: ArrayInput, options: RegressionScoreOptions & { multioutput: 'rawValues' }): NDArray;
  (
    yTrue: ArrayInput,
    yPred: ArrayInput,
    options?: RegressionScoreOptions & { multioutput?: 'uniformAverage' | readonly number[] },
  ): number;
  (yTrue: ArrayInput, yPred: ArrayInput, options?: RegressionScoreOptions): number | NDArray;
}

/** @param ofOutputs the error of every output; in float64, also where scikit-learn takes float32 */
function error(ofOutputs: (pair: Pair, weight?: ArrayLike<number>) => number[]): RegressionError {
  return ((yTrue: ArrayInput, yPred: ArrayInput, options: RegressionScoreOptions = {}) => {
    checkOptions('options', options, ['sampleWeight', 'multioutput']);
    const pair = readPair(yTrue, yPred);
    const multioutput = readMultioutput(options.multioutput, pair.outputs, ['uniformAverage', 'rawValues']);
    const weight = options.sampleWeight === undefined ? undefined : readWeights(options.sampleWeight, pair.n);
    return combine(ofOutputs(pair, weight), multioutput);
  }) as RegressionError;
}

const meanOf =
  (term: (y: number, prediction: number) => number) =>
  (pair: Pair, weight?: ArrayLike<number>): number[] =>
    columnMeans(
      pair,
      pair.yTrue.map((y, i) => term(y, pair.yPred[i])),
      weight,
    );

const meanSquares = meanOf((y, prediction) => (y - prediction) ** 2);

/** The mean squared error: scikit-learn's `mean_squared_error`. */
export const meanSquaredError: RegressionError = error(meanSquares);

/** The root of the mean squared error, of several outputs the mean of their roots: scikit-learn's `root_mean_squared_error`. */
export const rootMeanSquaredError: RegressionError = error((pair, weight) => meanSquares(pair, weight).map(Math.sqrt));

/** The mean absolute error: scikit-learn's `mean_absolute_error`. */
export const meanAbsoluteError: RegressionError = error(meanOf((y, prediction) => Math.abs(prediction - y)));

/**
 * The mean absolute error relative to the targets, 0.1 for 10 %: scikit-learn's `mean_absolute_percentage_error`. Of targets
 * of 0 it is very large, as they count as 2^-52.
 */
export const meanAbsolutePercentageError: RegressionError = error(
  meanOf((y, prediction) => Math.abs(prediction - y) / Math.max(Math.abs(y), Number.EPSILON)),
);

/** The median of the absolute errors, which outliers do not move: scikit-learn's `median_absolute_error`. */
export const medianAbsoluteError: RegressionError = error(({ n, outputs, yTrue, yPred }, weight) =>
  Array.from({ length: outputs }, (_, k) => {
    const errors = filled(Float64Array, n, (i) => Math.abs(yPred[i * outputs + k] - yTrue[i * outputs + k]));
    return weight ? weightedMedian(errors, weight) : median(errors.sort());
  }),
);

/**
 * The largest absolute error: scikit-learn's `max_error`, which knows neither weights nor several outputs.
 *
 * @param yTrue [n]
 * @param yPred [n]
 */
export function maxError(yTrue: ArrayInput, yPred: ArrayInput): number;
export function maxError(yTrue: ArrayInput, yPred: ArrayInput, ...others: unknown[]): number {
  checkAlone('maxError', 2, others);
  const pair = readPair(yTrue, yPred);
  if (pair.outputs > 1) throw wrongShape('yTrue', 'numbers of one output', [pair.n, pair.outputs]);
  return pair.yTrue.reduce((largest, y, i) => Math.max(largest, Math.abs(y - pair.yPred[i])), 0);
}

function median(sorted: Float64Array): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The value at which the weights of the values up to it first reach half of all; the mean of it and the next one of some weight
 * where they are just half (scikit-learn's `_weighted_percentile`, averaged).
 */
function weightedMedian(values: Float64Array, weight: ArrayLike<number>): number {
  const order = [...values.keys()].filter((i) => weight[i] !== 0).sort((i, j) => values[i] - values[j]);
  let sum = 0;
  const sums = order.map((i) => (sum += weight[i]));
  const half = 0.5 * sum;
  const at = sums.findIndex((reached) => reached >= half);
  const next = sums[at] - half > Number.EPSILON ? at : Math.min(at + 1, order.length - 1);
  return (values[order[at]] + values[order[next]]) / 2;
}
