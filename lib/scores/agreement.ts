import type { ArrayInput } from '../array.js';
import { checkBoolean, checkInterval, checkOneOf, checkOptions } from '../check.js';
import type { Labels } from '../labels.js';
import { confusionMatrix } from './classification.js';
import { averageOf, pairwiseSum } from './sums.js';

/**
 * The mean recall of the classes in yTrue: scikit-learn's `balanced_accuracy_score`. Warns of classes that are predicted only.
 *
 * @param options.adjusted whether chance scores 0 instead of 1 / classes; default: false
 * @param options.sampleWeight one weight >= 0 a sample
 */
export function balancedAccuracyScore(
  yTrue: Labels,
  yPred: Labels,
  options: { adjusted?: boolean; sampleWeight?: ArrayInput } = {},
): number {
  checkOptions('options', options, ['adjusted', 'sampleWeight']);
  const adjusted = checkBoolean('adjusted', options.adjusted ?? false);
  const { k, cell, actual } = readConfusion(yTrue, yPred, { sampleWeight: options.sampleWeight });
  const recalls = actual.map((sum, i) => cell(i, i) / sum).filter((recall) => !Number.isNaN(recall));
  if (recalls.length < k) process.emitWarning('yPred contains classes not in yTrue', 'UserWarning');
  const score = averageOf(recalls);
  const chance = 1 / recalls.length;
  return adjusted ? (score - chance) / (1 - chance) : score;
}

/**
 * The correlation of true and predicted classes, from -1 to 1, and 0 by chance: scikit-learn's `matthews_corrcoef`, by Gorodkin's
 * formula for any number of classes. 0 where all samples are, or are predicted as, one class.
 *
 * @param options.sampleWeight one weight >= 0 a sample
 */
export function matthewsCorrcoef(yTrue: Labels, yPred: Labels, options: { sampleWeight?: ArrayInput } = {}): number {
  checkOptions('options', options, ['sampleWeight']);
  const { cell, actual, predicted } = readConfusion(yTrue, yPred, options);
  const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  const n = pairwiseSum(predicted);
  const correct = actual.reduce((sum, _, i) => sum + cell(i, i), 0);
  const spread = (n ** 2 - dot(predicted, predicted)) * (n ** 2 - dot(actual, actual));
  return spread === 0 ? 0 : (correct * n - dot(actual, predicted)) / Math.sqrt(spread);
}

export interface CohenKappaOptions {
  /** The classes and their order; samples of other classes are left out. Default: all, sorted. */
  labels?: Labels;
  /** How much the distance between two classes counts: 'linear', 'quadratic', or all alike (null, the default). */
  weights?: 'linear' | 'quadratic' | null;
  /** One weight >= 0 a sample. */
  sampleWeight?: ArrayInput;
  /** The score where there is but one class: a number from -1 to 1, or NaN. Default: NaN, and a warning. */
  replaceUndefinedBy?: number;
}

/** The agreement of two raters beyond chance, from -1 to 1: scikit-learn's `cohen_kappa_score`. */
export function cohenKappaScore(yTrue: Labels, yPred: Labels, options: CohenKappaOptions = {}): number {
  checkOptions('options', options, ['labels', 'weights', 'sampleWeight', 'replaceUndefinedBy']);
  const { labels, weights = null, sampleWeight, replaceUndefinedBy = Number.NaN } = options;
  if (weights !== null) checkOneOf('weights', weights, ['linear', 'quadratic']);
  if (!Number.isNaN(replaceUndefinedBy)) checkInterval('replaceUndefinedBy', replaceUndefinedBy, -1, 1);
  const { k, cell, actual, predicted } = readConfusion(yTrue, yPred, { labels, sampleWeight });
  const undefinedScore = (why: string) => {
    process.emitWarning(
      `${why}: cohenKappaScore is undefined and set to replaceUndefinedBy, ${replaceUndefinedBy}.`,
      'UndefinedMetricWarning',
    );
    return replaceUndefinedBy;
  };
  const total = pairwiseSum(predicted);
  if (total === 0) return undefinedScore('yPred holds no labels that are in both yTrue and labels');
  const cost = (i: number, j: number) =>
    weights === null ? Number(i !== j) : weights === 'linear' ? Math.abs(i - j) : (i - j) ** 2;
  const cells = Array.from({ length: k * k }, (_, at) => [Math.floor(at / k), at % k]);
  const observed = pairwiseSum(cells.map(([i, j]) => cost(i, j) * cell(i, j)));
  const expected = pairwiseSum(cells.map(([i, j]) => cost(i, j) * ((predicted[i] * actual[j]) / total)));
  if (expected === 0) return undefinedScore('yTrue, yPred and labels have only one label in common');
  return 1 - observed / expected;
}

/** The confusion matrix, with the sums of its rows and columns. */
function readConfusion(yTrue: Labels, yPred: Labels, options: { labels?: Labels; sampleWeight?: ArrayInput }) {
  const { data, shape } = confusionMatrix(yTrue, yPred, options);
  const k = shape[0];
  const cell = (i: number, j: number) => data[i * k + j];
  const each = Array.from({ length: k }, (_, i) => i);
  return {
    k,
    cell,
    actual: each.map((i) => pairwiseSum(each.map((j) => cell(i, j)))),
    predicted: each.map((j) => each.reduce((sum, i) => sum + cell(i, j), 0)),
  };
}
