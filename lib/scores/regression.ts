import { type ArrayInput, checkArray, type NDArray } from '../array.js';
import { checkOneOf, checkOptions, wrongValue } from '../check.js';
import { readWeights } from './classification.js';

export interface RegressionScoreOptions {
  /** One weight >= 0 a sample. */
  sampleWeight?: ArrayInput;
  /** How the scores of several outputs become one: their plain mean (default), or their mean with these weights. */
  multioutput?: 'uniformAverage' | readonly number[];
}

/**
 * The mean squared error: scikit-learn's `mean_squared_error`.
 *
 * @param yTrue [n] or [n, outputs]
 * @param yPred of the same shape
 */
export function meanSquaredError(yTrue: ArrayInput, yPred: ArrayInput, options: RegressionScoreOptions = {}): number {
  checkOptions('options', options, ['sampleWeight', 'multioutput']);
  const { residual, totalWeight } = squaredSums(yTrue, yPred, options.sampleWeight);
  return averageOutputs(
    residual.map((sum) => sum / totalWeight),
    options.multioutput,
  );
}

/**
 * R², the coefficient of determination: scikit-learn's `r2_score`. A constant target scores 1 where it is predicted
 * exactly, else 0. NaN, with a warning, for less than two samples.
 *
 * @param yTrue [n] or [n, outputs]
 * @param yPred of the same shape
 */
export function r2Score(
  yTrue: ArrayInput,
  yPred: ArrayInput,
  options: Omit<RegressionScoreOptions, 'multioutput'> & {
    /** As in meanSquaredError; 'varianceWeighted' weighs outputs by the variance of their targets. */
    multioutput?: 'uniformAverage' | 'varianceWeighted' | readonly number[];
  } = {},
): number {
  checkOptions('options', options, ['sampleWeight', 'multioutput']);
  const { residual, spread, n } = squaredSums(yTrue, yPred, options.sampleWeight);
  const scores = residual.map((sum, k) => (sum === 0 ? 1 : spread[k] === 0 ? 0 : 1 - sum / spread[k]));
  const { multioutput = 'uniformAverage' } = options;
  if (typeof multioutput === 'string') checkOneOf('multioutput', multioutput, ['uniformAverage', 'varianceWeighted']);
  const byVariance = spread.some((s) => s !== 0) ? spread : 'uniformAverage';
  const score = averageOutputs(scores, multioutput === 'varianceWeighted' ? byVariance : multioutput);
  if (n >= 2) return score;
  process.emitWarning('R^2 score is not well-defined with less than two samples.', 'UndefinedMetricWarning');
  return Number.NaN;
}

/** For every output the weighted squares of its residuals, and of its targets about their mean. */
function squaredSums(yTrue: ArrayInput, yPred: ArrayInput, sampleWeight?: ArrayInput) {
  const [a, b] = [columns('yTrue', yTrue), columns('yPred', yPred)];
  const [n, outputs] = a.shape;
  if (b.shape[0] !== n || b.shape[1] !== outputs)
    throw new RangeError(
      `Expected yPred to have shape [${a.shape.join(', ')}], as yTrue has, got [${b.shape.join(', ')}]`,
    );
  const weight = readWeights(sampleWeight, n);
  let totalWeight = 0;
  const mean = new Array<number>(outputs).fill(0);
  for (let i = 0; i < n; i++) {
    totalWeight += weight[i];
    for (let k = 0; k < outputs; k++) mean[k] += weight[i] * a.data[i * outputs + k];
  }
  const residual = new Array<number>(outputs).fill(0);
  const spread = new Array<number>(outputs).fill(0);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < outputs; k++) {
      const y = a.data[i * outputs + k];
      residual[k] += weight[i] * (y - b.data[i * outputs + k]) ** 2;
      spread[k] += weight[i] * (y - mean[k] / totalWeight) ** 2;
    }
  }
  return { residual, spread, totalWeight, n };
}

function columns(name: string, y: ArrayInput): NDArray {
  const array = checkArray(name, y, { dtype: 'float64' });
  if (array.ndim > 2)
    throw new RangeError(`Expected ${name} to have 1 or 2 dimensions, got shape [${array.shape.join(', ')}]`);
  return array.ndim === 1 ? array.reshape(-1, 1) : array;
}

function averageOutputs(
  scores: number[],
  multioutput: 'uniformAverage' | readonly number[] = 'uniformAverage',
): number {
  if (typeof multioutput === 'string') {
    checkOneOf('multioutput', multioutput, ['uniformAverage']);
    return scores.reduce((a, b) => a + b, 0) / scores.length;
  }
  const weights = checkArray('multioutput', multioutput, { ndim: 1 });
  if (weights.length !== scores.length)
    throw wrongValue('multioutput', `an array of ${scores.length} weights`, multioutput);
  let sum = 0;
  let total = 0;
  scores.forEach((score, k) => {
    sum += weights.data[k] * score;
    total += weights.data[k];
  });
  return sum / total;
}
