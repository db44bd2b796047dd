import { allocate } from '../allocate.js';
import { type ArrayInput, NDArray } from '../array.js';
import { checkBoolean, checkOptions } from '../check.js';
import type { Label, Labels } from '../labels.js';
import { readWeights } from './classification.js';
import { readPositives, readScores } from './positives.js';

export interface CurveOptions {
  /** The positive class. Default: 1 (true), where labels are 0 and 1, -1 and 1, or booleans; others have none. */
  posLabel?: Label;
  /** One weight >= 0 a sample; samples of weight 0 have no threshold. */
  sampleWeight?: ArrayInput;
  /** Whether thresholds are left out that a plot of the curve does not need. Default: true in rocCurve, else false. */
  dropIntermediate?: boolean;
}

export interface RocCurve {
  /** False positives by all negatives, from 0 to 1. */
  fpr: NDArray;
  /** True positives by all positives, from 0 to 1. */
  tpr: NDArray;
  /** Scores from which on a sample counts as positive, falling from Infinity, where none does. */
  thresholds: NDArray;
}

export interface PrecisionRecallCurve {
  /** One more than there are thresholds: the last one is 1. */
  precision: NDArray;
  /** Falling; the last one, without a threshold, is 0. */
  recall: NDArray;
  /** Scores from which on a sample counts as positive, rising. */
  thresholds: NDArray;
}

const OPTIONS = ['posLabel', 'sampleWeight', 'dropIntermediate'];

/**
 * The receiver operating characteristic: scikit-learn's `roc_curve`. NaN, with a warning, where there are no negatives or no
 * positives.
 *
 * @param yTrue labels of two classes [n]; of more where posLabel names the positive one
 * @param yScore [n], larger for the positive class: its probability, or any other score
 * @returns float64 arrays of one length
 */
export function rocCurve(yTrue: Labels, yScore: ArrayInput, options: CurveOptions = {}): RocCurve {
  checkOptions('options', options, OPTIONS);
  const dropIntermediate = checkBoolean('dropIntermediate', options.dropIntermediate ?? true);
  const { fpr, tpr, thresholds } = rates(readCounts(yTrue, yScore, options), dropIntermediate);
  return { fpr: NDArray.from(fpr), tpr: NDArray.from(tpr), thresholds: NDArray.from(thresholds) };
}

/**
 * Precision and recall at all thresholds: scikit-learn's `precision_recall_curve`. Without positives, recall is 1 and a warning
 * says so.
 *
 * @param yTrue labels of two classes [n]; of more where posLabel names the positive one
 * @param yScore [n], larger for the positive class: its probability, or any other score
 */
export function precisionRecallCurve(
  yTrue: Labels,
  yScore: ArrayInput,
  options: CurveOptions = {},
): PrecisionRecallCurve {
  checkOptions('options', options, OPTIONS);
  const dropIntermediate = checkBoolean('dropIntermediate', options.dropIntermediate ?? false);
  const { precision, recall, thresholds } = precisions(readCounts(yTrue, yScore, options), dropIntermediate);
  return {
    precision: NDArray.from(precision),
    recall: NDArray.from(recall),
    thresholds: NDArray.from(thresholds),
  };
}

/** The weight of false and of true positives at every distinct score, from the largest down. */
export interface ThresholdCounts {
  falsePositives: number[];
  truePositives: number[];
  thresholds: number[];
}

function readCounts(yTrue: Labels, yScore: ArrayInput, { posLabel, sampleWeight }: CurveOptions): ThresholdCounts {
  const { positives } = readPositives(yTrue, posLabel);
  const scores = readScores('yScore', yScore, positives.length);
  const weight = sampleWeight === undefined ? undefined : readWeights(sampleWeight, positives.length);
  return countAtThresholds(positives, scores, weight);
}

/** @param positives 1s and 0s */
export function countAtThresholds(
  positives: ArrayLike<number>,
  scores: ArrayLike<number>,
  weight?: ArrayLike<number>,
): ThresholdCounts {
  const rows = fallingOrder(scores);
  const order = weight ? rows.filter((row) => weight[row] !== 0) : rows;
  const counts: ThresholdCounts = { falsePositives: [], truePositives: [], thresholds: [] };
  let [falsePositives, truePositives] = [0, 0];
  order.forEach((row, i) => {
    const w = weight ? weight[row] : 1;
    truePositives += positives[row] * w;
    falsePositives += (1 - positives[row]) * w;
    if (scores[order[i + 1]] === scores[row]) return;
    counts.falsePositives.push(falsePositives);
    counts.truePositives.push(truePositives);
    counts.thresholds.push(scores[row]);
  });
  return counts;
}

/** The rows from the largest score down, equals in their order. Numbers alone are sorted, which calls no function for each pair. */
function fallingOrder(scores: ArrayLike<number>): Int32Array {
  const n = scores.length;
  const rising = allocate(Float64Array, scores).sort();
  const upTo = (score: number) => {
    let [low, high] = [0, n];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (rising[middle] > score) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const order = allocate(Int32Array, n);
  const equals = allocate(Int32Array, n);
  for (let row = 0; row < n; row++) {
    const first = n - upTo(scores[row]);
    order[first + equals[first]++] = row;
  }
  return order;
}

/** The points of the ROC curve, with (0, 0) before those of the thresholds. */
export function rates(
  counts: ThresholdCounts,
  dropIntermediate: boolean,
): { fpr: number[]; tpr: number[]; thresholds: number[] } {
  const bends = (x: number[], i: number) => x[i + 1] - x[i] - (x[i] - x[i - 1]) !== 0;
  const isCorner = (i: number) => bends(counts.falsePositives, i) || bends(counts.truePositives, i);
  const { falsePositives, truePositives, thresholds } = dropIntermediate ? thinned(counts, isCorner) : counts;
  const share = (x: number[], what: string, rate: string) => {
    const all = x[x.length - 1];
    if (all > 0) return [0, ...x].map((count) => count / all);
    process.emitWarning(
      `No ${what} samples in yTrue, ${rate} positive value should be meaningless`,
      'UndefinedMetricWarning',
    );
    return new Array<number>(x.length + 1).fill(Number.NaN);
  };
  return {
    fpr: share(falsePositives, 'negative', 'false'),
    tpr: share(truePositives, 'positive', 'true'),
    thresholds: [Number.POSITIVE_INFINITY, ...thresholds],
  };
}

/** The points of the precision-recall curve, from the smallest threshold up. */
export function precisions(
  counts: ThresholdCounts,
  dropIntermediate: boolean,
): { precision: number[]; recall: number[]; thresholds: number[] } {
  const { truePositives: all } = counts;
  const isCorner = (i: number) => all[i] !== all[i - 1] || all[i + 1] !== all[i];
  const { falsePositives, truePositives, thresholds } = dropIntermediate ? thinned(counts, isCorner) : counts;
  const total = truePositives[truePositives.length - 1];
  if (total === 0)
    process.emitWarning('No positive class found in yTrue, recall is set to one for all thresholds.', 'UserWarning');
  const precision = truePositives.map((count, i) => {
    const predicted = count + falsePositives[i];
    return predicted === 0 ? 0 : count / predicted;
  });
  const recall = truePositives.map((count) => (total === 0 ? 1 : count / total));
  return {
    precision: [...precision.reverse(), 1],
    recall: [...recall.reverse(), 0],
    thresholds: [...thresholds].reverse(),
  };
}

/** The counts at the first and the last threshold, and at those between that `keep` asks for. */
function thinned(counts: ThresholdCounts, keep: (i: number) => boolean): ThresholdCounts {
  const last = counts.thresholds.length - 1;
  if (last < 2) return counts;
  const kept = [...counts.thresholds.keys()].filter((i) => i === 0 || i === last || keep(i));
  const pick = (values: number[]) => kept.map((i) => values[i]);
  return {
    falsePositives: pick(counts.falsePositives),
    truePositives: pick(counts.truePositives),
    thresholds: pick(counts.thresholds),
  };
}
