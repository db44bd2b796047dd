import { filled } from '../allocate.js';
import type { ArrayInput, NDArray } from '../array.js';
import { checkOptions, wrongValue } from '../check.js';
import { codesOf, type Label, type Labels, listed, uniqueLabels } from '../labels.js';
import {
  averageBinary,
  type BinaryAverage,
  type BinaryScore,
  checkAverage,
  readLabelScores,
} from './average-binary.js';
import { readClasses, readIndicators, readWeights } from './classification.js';
import { countAtThresholds, precisions } from './curves.js';
import { positiveAmong, readScores } from './positives.js';
import { pairwiseSum } from './sums.js';

export interface AveragePrecisionOptions {
  /**
   * Of several classes or labels: their plain mean ('macro', the default), their mean weighted by how often they are true
   * ('weighted'), all of their scores together ('micro'), the mean over rows ('samples'), or a score each (null).
   */
  average?: BinaryAverage;
  /** The positive one of two classes. Default: 1. */
  posLabel?: Label;
  /** One weight >= 0 a sample. */
  sampleWeight?: ArrayInput;
}

/**
 * The mean of precisions over the steps of recall, without interpolation: scikit-learn's `average_precision_score`.
 *
 * @param yTrue labels [n], or rows of 0s and 1s [n, labels]
 * @param yScore [n] of two classes; [n, classes] of more, in the order of the sorted classes; [n, labels]
 */
export function averagePrecisionScore(
  yTrue: Labels,
  yScore: ArrayInput,
  options: AveragePrecisionOptions & { average: null },
): number | NDArray;
export function averagePrecisionScore(
  yTrue: Labels,
  yScore: ArrayInput,
  options?: AveragePrecisionOptions & { average?: Exclude<BinaryAverage, null> },
): number;
export function averagePrecisionScore(
  yTrue: Labels,
  yScore: ArrayInput,
  options?: AveragePrecisionOptions,
): number | NDArray;
export function averagePrecisionScore(
  yTrue: Labels,
  yScore: ArrayInput,
  options: AveragePrecisionOptions = {},
): number | NDArray {
  checkOptions('options', options, ['average', 'posLabel', 'sampleWeight']);
  const { average = 'macro', posLabel = 1, sampleWeight } = options;
  checkAverage(average);
  const indicators = readIndicators('yTrue', yTrue);
  const labels = indicators ? undefined : readClasses('yTrue', yTrue);
  const n = (indicators ?? (labels as ArrayLike<Label>)).length;
  const weight = sampleWeight === undefined ? undefined : readWeights(sampleWeight, n);
  if (labels) {
    const classes = uniqueLabels(labels);
    if (classes.length <= 2) {
      const positive = positiveAmong(classes, posLabel);
      if (classes.length === 2 && !classes.includes(positive))
        throw wrongValue('posLabel', `one of ${listed(classes)}`, posLabel);
      const scores = readScores('yScore', yScore, n);
      return binaryPrecision(
        filled(Float64Array, n, (i) => Number(labels[i] === positive)),
        scores,
        weight,
      );
    }
    if (posLabel !== 1) throw wrongValue('posLabel', 'left out for more than two classes', posLabel);
    const k = classes.length;
    const codes = codesOf(labels, classes);
    const positives = filled(Float64Array, n * k, (i) => Number(codes[Math.floor(i / k)] === i % k));
    return averageBinary(binaryPrecision, positives, readLabelScores(yScore, [n, k]), k, average, weight);
  }
  const { data, shape } = indicators as NDArray;
  if (posLabel !== 1) throw wrongValue('posLabel', 'left out for rows of 0s and 1s', posLabel);
  return averageBinary(binaryPrecision, data, readLabelScores(yScore, shape), shape[1], average, weight);
}

const binaryPrecision: BinaryScore = (positives, scores, weight) => {
  const { precision, recall } = precisions(countAtThresholds(positives, scores, weight), false);
  const steps = filled(Float64Array, recall.length - 1, (i) => (recall[i + 1] - recall[i]) * precision[i]);
  return Math.max(0, -pairwiseSum(steps));
};
