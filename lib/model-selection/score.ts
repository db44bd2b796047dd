import { type ArrayInput, argmaxRows, asArray, NDArray } from '../array.js';
import { isForeignArray } from '../foreign-arrays.js';
import { isNDArray } from '../kind.js';
import { isWords } from '../labels.js';
import { accuracyScore } from '../scores/classification.js';
import { answersOf, classCodes, isClassifier, isNetworkStep, type NetworkStep } from '../tables/network-step.js';

/** Accuracy where targets or predictions may be rows of class scores (one-hot, probabilities) instead of labels. */
export function accuracy(yTrue: unknown, yPred: unknown, weights: { sampleWeight?: ArrayInput } = {}): number {
  return accuracyScore(classLabels(yTrue), classLabels(yPred), weights);
}

/** Whether it is a compiled network whose loss is one of classes. */
export const isClassNetwork = (model: unknown): model is NetworkStep => isNetworkStep(model) && isClassifier(model);

/** What a network of classes predicts as labels, or as rows of 0 and 1 where targets are rows of several; and targets alike. */
export function labelsOfNetwork(network: NetworkStep, y: unknown, output: NDArray): [yTrue: any, yPred: any] {
  const labels = isMultilabel(y) ? answersOf(network, output, undefined) : classCodes(network, output);
  return [alike(y, labels), labels];
}

/** Targets as predictions are: of one-hot rows labels, where labels are predicted and not rows of 0 and 1. */
export const alike = (yTrue: unknown, yPred: unknown): any => (hasColumns('yPred', yPred) ? yTrue : classLabels(yTrue));

export function hasColumns(name: string, y: unknown): y is ArrayInput {
  if (isWords(y)) return false;
  const { shape } = asArray(name, y as ArrayInput);
  return shape.length === 2 && shape[1] > 1;
}

/** Rows of 0s and 1s that are not one-hot. */
export const isMultilabel = (y: unknown): boolean =>
  hasColumns('y', y) &&
  asArray('y', y)
    .toArray<number[][]>()
    .some((row) => row.reduce((a, b) => a + b, 0) !== 1);

/** Whether both are rows of several numbers, or neither: not class numbers and rows of scores. */
export const isLike = (yTrue: unknown, yPred: unknown): boolean =>
  hasColumns('yTrue', yTrue) === hasColumns('yPred', yPred);

/** Rows of 0s and a single 1. */
export const isOneHot = (y: unknown): boolean =>
  hasColumns('y', y) && !isMultilabel(y) && asArray('y', y).data.every((v) => v === 0 || v === 1);

/** Labels as they are; of rows of class scores the number of the largest one. */
export function classLabels(y: unknown): any {
  const isNested = Array.isArray(y) && Array.isArray(y[0]);
  const rows = isNested || isForeignArray(y) ? NDArray.from(y as ArrayInput) : y;
  return isNDArray(rows) && rows.shape.length === 2 && rows.shape[1] > 1 ? argmaxRows(rows) : rows;
}
