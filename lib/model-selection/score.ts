import { type ArrayInput, argmaxRows, NDArray } from '../array.js';
import { isForeignArray } from '../foreign-arrays.js';
import { isNDArray } from '../kind.js';
import { accuracyScore } from '../scores/classification.js';

/** Accuracy where targets or predictions may be rows of class scores (one-hot, probabilities) instead of labels. */
export function accuracy(yTrue: unknown, yPred: unknown, weights: { sampleWeight?: ArrayInput } = {}): number {
  return accuracyScore(classLabels(yTrue), classLabels(yPred), weights);
}

/** Labels as they are; of rows of class scores the number of the largest one. */
export function classLabels(y: unknown): any {
  const isNested = Array.isArray(y) && Array.isArray(y[0]);
  const rows = isNested || isForeignArray(y) ? NDArray.from(y as ArrayInput) : y;
  return isNDArray(rows) && rows.shape.length === 2 && rows.shape[1] > 1 ? argmaxRows(rows) : rows;
}
