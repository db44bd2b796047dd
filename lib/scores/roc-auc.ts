import { filled } from '../allocate.js';
import { type ArrayInput, checkArray, type NDArray } from '../array.js';
import { checkInterval, checkOneOf, checkOptions, wrongShape, wrongValue } from '../check.js';
import { type Label, type Labels, uniqueLabels } from '../labels.js';
import {
  averageBinary,
  type BinaryAverage,
  type BinaryScore,
  checkAverage,
  readLabelScores,
} from './average-binary.js';
import { readColumns } from './class-columns.js';
import { readClasses, readIndicators, readWeights } from './classification.js';
import { countAtThresholds, rates } from './curves.js';
import { checkRows, readScores } from './positives.js';
import { averageOf, pairwiseSum } from './sums.js';

export interface RocAucOptions {
  /**
   * Of several classes or labels: their plain mean ('macro', the default), their mean weighted by how often they are true
   * ('weighted'), all of their scores together ('micro', not with 'ovo'), the mean over rows ('samples', labels only), or a
   * score each (null).
   */
  average?: BinaryAverage;
  /** One weight >= 0 a sample; not with 'ovo'. */
  sampleWeight?: ArrayInput;
  /** The area up to this false positive rate, in (0, 1], standardized to [0.5, 1] after McClish; two classes or labels only. */
  maxFpr?: number;
  /** How more than two classes are scored: each against the rest ('ovr'), or all pairs ('ovo', Hand and Till 2001). Default: not at all. */
  multiClass?: 'raise' | 'ovr' | 'ovo';
  /** All classes, sorted, where some do not occur in yTrue; more than two classes only. */
  labels?: Labels;
}

/**
 * The area under the ROC curve: scikit-learn's `roc_auc_score`. Of two classes the greater one is positive. NaN, with a
 * warning, where there is one class only.
 *
 * @param yTrue labels [n], or rows of 0s and 1s [n, labels]
 * @param yScore [n] of two classes; probabilities [n, classes] of more, in the order of the sorted classes; [n, labels]
 */
export function rocAucScore(
  yTrue: Labels,
  yScore: ArrayInput,
  options: RocAucOptions & { average: null },
): number | NDArray;
export function rocAucScore(
  yTrue: Labels,
  yScore: ArrayInput,
  options?: RocAucOptions & { average?: Exclude<BinaryAverage, null> },
): number;
export function rocAucScore(yTrue: Labels, yScore: ArrayInput, options?: RocAucOptions): number | NDArray;
export function rocAucScore(yTrue: Labels, yScore: ArrayInput, options: RocAucOptions = {}): number | NDArray {
  checkOptions('options', options, ['average', 'sampleWeight', 'maxFpr', 'multiClass', 'labels']);
  const { average = 'macro', maxFpr, sampleWeight, multiClass = 'raise' } = options;
  checkAverage(average);
  checkOneOf('multiClass', multiClass, ['raise', 'ovr', 'ovo']);
  if (maxFpr !== undefined) checkInterval('maxFpr', maxFpr, 0, 1, 'low');
  const area: BinaryScore = (positives, scores, weight) => binaryArea(positives, scores, weight, maxFpr);
  const indicators = readIndicators('yTrue', yTrue);
  if (indicators) {
    const [n, k] = indicators.shape;
    const scores = readLabelScores(yScore, indicators.shape);
    const weight = sampleWeight === undefined ? undefined : readWeights(sampleWeight, n);
    return averageBinary(area, indicators.data, scores, k, average, weight);
  }
  const labels = readClasses('yTrue', yTrue);
  const classes = uniqueLabels(labels);
  const array = checkArray('yScore', yScore);
  if (classes.length > 2 || (array.ndim === 2 && array.shape[1] > 2)) return multiclassArea(labels, array, options);
  const scores = readScores('yScore', array, labels.length);
  const weight = sampleWeight === undefined ? undefined : readWeights(sampleWeight, labels.length);
  const positives = filled(Float64Array, labels.length, (i) =>
    Number(classes.length === 2 && labels[i] === classes[1]),
  );
  return area(positives, scores, weight);
}

function binaryArea(
  positives: ArrayLike<number>,
  scores: ArrayLike<number>,
  weight?: ArrayLike<number>,
  maxFpr = 1,
): number {
  const count = pairwiseSum(positives);
  if (count === 0 || count === positives.length) {
    process.emitWarning(
      'Only one class is present in yTrue. ROC AUC score is not defined in that case.',
      'UndefinedMetricWarning',
    );
    return Number.NaN;
  }
  const { fpr, tpr } = rates(countAtThresholds(positives, scores, weight), true);
  if (maxFpr === 1 || Number.isNaN(fpr[0])) return areaUnder(fpr, tpr);
  const stop = fpr.findIndex((rate) => rate > maxFpr);
  const slope = (tpr[stop] - tpr[stop - 1]) / (fpr[stop] - fpr[stop - 1]);
  const end = slope * (maxFpr - fpr[stop - 1]) + tpr[stop - 1];
  const partial = areaUnder([...fpr.slice(0, stop), maxFpr], [...tpr.slice(0, stop), end]);
  const least = 0.5 * maxFpr ** 2;
  return 0.5 * (1 + (partial - least) / (maxFpr - least));
}

/** By the trapezoidal rule. */
function areaUnder(x: readonly number[], y: readonly number[]): number {
  return pairwiseSum(filled(Float64Array, x.length - 1, (i) => ((x[i + 1] - x[i]) * (y[i + 1] + y[i])) / 2));
}

function multiclassArea(labels: ArrayLike<Label>, scores: NDArray, options: RocAucOptions): number | NDArray {
  const { average = 'macro', maxFpr = 1, sampleWeight, multiClass } = options;
  if (scores.ndim !== 2)
    throw wrongShape('yScore', 'probabilities [n, classes] for more than two classes', scores.shape);
  const [n, k] = scores.shape;
  checkRows('yScore', n, labels.length);
  if (multiClass !== 'ovr' && multiClass !== 'ovo')
    throw wrongValue('multiClass', "'ovr' or 'ovo' for more than two classes", multiClass);
  if (maxFpr !== 1) throw wrongValue('maxFpr', 'left out for more than two classes', maxFpr);
  checkNormalized(scores);
  const averages: BinaryAverage[] = multiClass === 'ovr' ? ['micro', 'macro', 'weighted', null] : ['macro', 'weighted'];
  if (!averages.includes(average))
    throw wrongValue(
      'average',
      `one of ${averages.map((a) => a && `'${a}'`).join(', ')} with '${multiClass}'`,
      average,
    );
  const codes = readColumns(labels, options.labels, k);
  if (multiClass === 'ovo') {
    if (sampleWeight !== undefined) throw wrongValue('sampleWeight', "left out with 'ovo'", sampleWeight);
    return pairsArea(codes, scores, average === 'weighted');
  }
  const weight = sampleWeight === undefined ? undefined : readWeights(sampleWeight, n);
  const positives = filled(Float64Array, n * k, (i) => Number(codes[Math.floor(i / k)] === i % k));
  return averageBinary(binaryArea, positives, scores.data, k, average, weight);
}

/** NumPy's `allclose(1, sums)`. */
function checkNormalized({ data, shape: [n, k] }: NDArray): void {
  for (let i = 0; i < n; i++) {
    const sum = pairwiseSum(data, i * k, (i + 1) * k);
    if (Math.abs(1 - sum) > 1e-8 + 1e-5 * Math.abs(sum))
      throw new RangeError(`Expected yScore to hold probabilities, rows of the sum 1, got a sum of ${sum} at row ${i}`);
  }
}

/** The mean over all pairs of classes that occur, each pair scored both ways; weighted by the share of its samples. */
function pairsArea(codes: Int32Array, { data, shape: [n, k] }: NDArray, weighted: boolean): number {
  const present = uniqueLabels(codes) as number[];
  if (weighted && present.length < 2)
    throw wrongValue('yTrue', 'labels of two classes or more', `one, ${present.join()}`);
  const areas: number[] = [];
  const shares: number[] = [];
  present.forEach((a, i) => {
    for (const b of present.slice(i + 1)) {
      const rows = codes.map((_, row) => row).filter((row) => codes[row] === a || codes[row] === b);
      const against = (positive: number) =>
        binaryArea(
          rows.map((row) => Number(codes[row] === positive)),
          filled(Float64Array, rows.length, (j) => data[rows[j] * k + positive]),
        );
      areas.push((against(a) + against(b)) / 2);
      shares.push(rows.length / n);
    }
  });
  return averageOf(areas, weighted ? shares : undefined);
}
