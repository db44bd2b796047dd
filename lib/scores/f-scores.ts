import type { NDArray } from '../array.js';
import { checkInterval, checkOptions } from '../check.js';
import type { Labels } from '../labels.js';
import { type Average, type PrecisionRecallOptions, type ScoreName, scoreClasses } from './precision-recall.js';

export interface ClassScoreOptions extends Omit<PrecisionRecallOptions, 'beta' | 'average'> {
  /**
   * 'binary' (default): the score of `posLabel`; 'micro': of all counts together; 'macro': the mean over classes; 'weighted':
   * the mean weighted by support; 'samples': the mean over the rows of multi-label targets; null: scores of every class.
   */
  average?: Average | null;
}

export interface FbetaOptions extends ClassScoreOptions {
  /** The weight of recall against precision, >= 0: 0 is precision, Infinity is recall. */
  beta: number;
}

const OPTIONS = ['average', 'labels', 'posLabel', 'zeroDivision', 'sampleWeight'];

function scoreOf(
  name: ScoreName,
  yTrue: Labels,
  yPred: Labels,
  options: ClassScoreOptions & { beta?: number },
): number | NDArray {
  const average = options.average === undefined ? 'binary' : options.average;
  return scoreClasses(yTrue, yPred, { ...options, average }, [name])[name];
}

/** The share of true ones among the samples predicted as a class: scikit-learn's `precision_score`. */
export function precisionScore(yTrue: Labels, yPred: Labels, options: ClassScoreOptions & { average: null }): NDArray;
export function precisionScore(
  yTrue: Labels,
  yPred: Labels,
  options?: ClassScoreOptions & { average?: Average },
): number;
export function precisionScore(yTrue: Labels, yPred: Labels, options?: ClassScoreOptions): number | NDArray;
export function precisionScore(yTrue: Labels, yPred: Labels, options: ClassScoreOptions = {}): number | NDArray {
  checkOptions('options', options, OPTIONS);
  return scoreOf('precision', yTrue, yPred, options);
}

/** The share of the samples of a class that are predicted as it: scikit-learn's `recall_score`. */
export function recallScore(yTrue: Labels, yPred: Labels, options: ClassScoreOptions & { average: null }): NDArray;
export function recallScore(yTrue: Labels, yPred: Labels, options?: ClassScoreOptions & { average?: Average }): number;
export function recallScore(yTrue: Labels, yPred: Labels, options?: ClassScoreOptions): number | NDArray;
export function recallScore(yTrue: Labels, yPred: Labels, options: ClassScoreOptions = {}): number | NDArray {
  checkOptions('options', options, OPTIONS);
  return scoreOf('recall', yTrue, yPred, options);
}

/** The harmonic mean of precision and recall: scikit-learn's `f1_score`. */
export function f1Score(yTrue: Labels, yPred: Labels, options: ClassScoreOptions & { average: null }): NDArray;
export function f1Score(yTrue: Labels, yPred: Labels, options?: ClassScoreOptions & { average?: Average }): number;
export function f1Score(yTrue: Labels, yPred: Labels, options?: ClassScoreOptions): number | NDArray;
export function f1Score(yTrue: Labels, yPred: Labels, options: ClassScoreOptions = {}): number | NDArray {
  checkOptions('options', options, OPTIONS);
  return scoreOf('fscore', yTrue, yPred, options);
}

/** The harmonic mean of precision and recall with a weight: scikit-learn's `fbeta_score`. `beta` has to be given. */
export function fbetaScore(yTrue: Labels, yPred: Labels, options: FbetaOptions & { average: null }): NDArray;
export function fbetaScore(yTrue: Labels, yPred: Labels, options: FbetaOptions & { average?: Average }): number;
export function fbetaScore(yTrue: Labels, yPred: Labels, options: FbetaOptions): number | NDArray;
export function fbetaScore(yTrue: Labels, yPred: Labels, options: FbetaOptions): number | NDArray {
  checkOptions('options', options, [...OPTIONS, 'beta']);
  if (options.beta !== Number.POSITIVE_INFINITY) checkInterval('beta', options.beta, 0, Number.POSITIVE_INFINITY);
  return scoreOf('fscore', yTrue, yPred, options);
}
