import { type ArrayInput, checkArray, NDArray } from '../array.js';
import { checkBoolean, checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';
import { readWeights } from './classification.js';
import { averageOf, columnSums, totalOf } from './sums.js';

export interface RegressionScoreOptions {
  /** One weight >= 0 a sample. */
  sampleWeight?: ArrayInput;
  /**
   * How the scores of several outputs become one: their plain mean ('uniformAverage', the default), their mean with these
   * weights, or not at all ('rawValues': an array [outputs]). A single output takes no weights.
   */
  multioutput?: 'uniformAverage' | 'rawValues' | readonly number[];
}

export interface R2ScoreOptions extends Omit<RegressionScoreOptions, 'multioutput'> {
  /** As in meanSquaredError; 'varianceWeighted' weighs outputs by the variance of their targets. */
  multioutput?: 'uniformAverage' | 'varianceWeighted' | 'rawValues' | readonly number[];
  /** Whether a constant target scores 1 where it is predicted exactly, else 0, in place of NaN and -Infinity. Default: true */
  forceFinite?: boolean;
}

export type Multioutput = Exclude<R2ScoreOptions['multioutput'], undefined>;
const SHARES: (Multioutput & string)[] = ['uniformAverage', 'varianceWeighted', 'rawValues'];

/**
 * R², the coefficient of determination: scikit-learn's `r2_score`. NaN, with a warning, for less than two samples. In
 * float64, also where scikit-learn takes float32.
 *
 * @param yTrue [n] or [n, outputs]
 * @param yPred of the same shape
 */
export function r2Score(
  yTrue: ArrayInput,
  yPred: ArrayInput,
  options: R2ScoreOptions & { multioutput: 'rawValues' },
): NDArray;
export function r2Score(
  yTrue: ArrayInput,
  yPred: ArrayInput,
  options?: R2ScoreOptions & { multioutput?: 'uniformAverage' | 'varianceWeighted' | readonly number[] },
): number;
export function r2Score(yTrue: ArrayInput, yPred: ArrayInput, options: R2ScoreOptions = {}): number | NDArray {
  checkOptions('options', options, ['sampleWeight', 'multioutput', 'forceFinite']);
  const forceFinite = checkBoolean('forceFinite', options.forceFinite ?? true);
  const pair = readPair(yTrue, yPred);
  const multioutput = readMultioutput(options.multioutput, pair.outputs, SHARES);
  const weight = options.sampleWeight === undefined ? undefined : readWeights(options.sampleWeight, pair.n);
  return r2(pair, weight, multioutput, forceFinite);
}

/** `r2Score` with weights of any sign. */
export function r2Of(yTrue: ArrayInput, yPred: ArrayInput, sampleWeight?: ArrayInput): number {
  const pair = readPair(yTrue, yPred);
  const weight = sampleWeight === undefined ? undefined : readWeights(sampleWeight, pair.n, true);
  return r2(pair, weight, 'uniformAverage', true) as number;
}

/**
 * The share of the targets' variance that predictions explain, whatever their mean error: scikit-learn's
 * `explained_variance_score`. In float64, also where scikit-learn takes float32.
 *
 * @param yTrue [n] or [n, outputs]
 * @param yPred of the same shape
 */
export function explainedVarianceScore(
  yTrue: ArrayInput,
  yPred: ArrayInput,
  options: R2ScoreOptions & { multioutput: 'rawValues' },
): NDArray;
export function explainedVarianceScore(
  yTrue: ArrayInput,
  yPred: ArrayInput,
  options?: R2ScoreOptions & { multioutput?: 'uniformAverage' | 'varianceWeighted' | readonly number[] },
): number;
export function explainedVarianceScore(
  yTrue: ArrayInput,
  yPred: ArrayInput,
  options: R2ScoreOptions = {},
): number | NDArray {
  checkOptions('options', options, ['sampleWeight', 'multioutput', 'forceFinite']);
  const forceFinite = checkBoolean('forceFinite', options.forceFinite ?? true);
  const pair = readPair(yTrue, yPred);
  const multioutput = readMultioutput(options.multioutput, pair.outputs, SHARES);
  const weight = options.sampleWeight === undefined ? undefined : readWeights(options.sampleWeight, pair.n);
  const variances = (values: Float64Array) => {
    const mean = columnMeans(pair, values, weight);
    return columnMeans(
      pair,
      values.map((value, i) => (value - mean[i % pair.outputs]) ** 2),
      weight,
    );
  };
  const errors = variances(pair.yTrue.map((y, i) => y - pair.yPred[i]));
  return explained(errors, variances(pair.yTrue), multioutput, forceFinite);
}

function r2(
  pair: Pair,
  weight: ArrayLike<number> | undefined,
  multioutput: Multioutput,
  forceFinite: boolean,
): number | NDArray {
  const { n, outputs, yTrue } = pair;
  if (n < 2) {
    process.emitWarning('R^2 score is not well-defined with less than two samples.', 'UndefinedMetricWarning');
    return Number.NaN;
  }
  const mean = columnMeans(pair, yTrue, weight);
  const spread = squares({ ...pair, yPred: yTrue.map((_, i) => mean[i % outputs]) }, weight);
  return explained(squares(pair, weight), spread, multioutput, forceFinite);
}

/** One minus the share of what there was to explain that is left. */
function explained(left: number[], spread: number[], multioutput: Multioutput, forceFinite: boolean): number | NDArray {
  const scores = left.map((sum, k) => {
    if (!forceFinite || (sum !== 0 && spread[k] !== 0)) return 1 - sum / spread[k];
    return sum === 0 ? 1 : 0;
  });
  if (multioutput !== 'varianceWeighted') return combine(scores, multioutput);
  return combine(scores, spread.some((s) => s !== 0) ? spread : 'uniformAverage');
}

export interface Pair {
  n: number;
  outputs: number;
  yTrue: Float64Array;
  yPred: Float64Array;
}

/** For every output the (weighted) sum of its squared differences. */
function squares({ outputs, yTrue, yPred }: Pair, weight?: ArrayLike<number>): number[] {
  const terms = yTrue.map((y, i) => (y - yPred[i]) ** 2 * (weight ? weight[Math.floor(i / outputs)] : 1));
  return columnSums(terms, outputs);
}

/** For every output the (weighted) mean of its values [n, outputs]. */
export function columnMeans({ n, outputs }: Pair, values: Float64Array, weight?: ArrayLike<number>): number[] {
  const weighted = weight ? values.map((value, i) => value * weight[Math.floor(i / outputs)]) : values;
  const total = weight ? totalOf(weight) : n;
  return columnSums(weighted, outputs).map((sum) => sum / total);
}

export function readPair(yTrue: ArrayInput, yPred: ArrayInput): Pair {
  const [a, b] = [columns('yTrue', yTrue), columns('yPred', yPred)];
  const [n, outputs] = a.shape;
  if (b.shape[0] !== n || b.shape[1] !== outputs)
    throw new RangeError(
      `Expected yPred to have shape [${a.shape.join(', ')}], as yTrue has, got [${b.shape.join(', ')}]`,
    );
  return { n, outputs, yTrue: a.data as Float64Array, yPred: b.data as Float64Array };
}

function columns(name: string, y: ArrayInput): NDArray {
  const array = checkArray(name, y, { dtype: 'float64' });
  if (array.ndim !== 1 && array.ndim !== 2)
    throw new RangeError(`Expected ${name} to have 1 or 2 dimensions, got shape [${array.shape.join(', ')}]`);
  return array.ndim === 1 ? array.reshape(-1, 1) : array;
}

export function readMultioutput<M extends Multioutput>(
  multioutput: M | undefined,
  outputs: number,
  names: (M & string)[],
): M | 'uniformAverage' {
  if (multioutput === undefined) return 'uniformAverage';
  if (typeof multioutput === 'string') return checkOneOf('multioutput', multioutput, names) as M;
  if (typeof multioutput !== 'object' || multioutput === null)
    throw wrongType('multioutput', `one of ${names.map((name) => `'${name}'`).join(', ')} or an array`, multioutput);
  const weights = checkArray('multioutput', multioutput, { ndim: 1, dtype: 'float64' });
  if (outputs === 1) throw wrongValue('multioutput', 'no weights where there is one output', multioutput);
  if (weights.length !== outputs) throw wrongValue('multioutput', `an array of ${outputs} weights`, multioutput);
  if (columnSums(weights.data, 1)[0] === 0) throw wrongValue('multioutput', 'weights whose sum is not 0', multioutput);
  return Array.from(weights.data) as unknown as M;
}

export function combine(scores: number[], multioutput: Multioutput): number | NDArray {
  if (multioutput === 'rawValues') return NDArray.wrap(Float64Array.from(scores));
  return averageOf(scores, typeof multioutput === 'string' ? undefined : multioutput);
}
