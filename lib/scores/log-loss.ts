import { allocate } from '../allocate.js';
import type { ArrayInput } from '../array.js';
import { checkBoolean, checkOptions } from '../check.js';
import type { Labels } from '../labels.js';
import { readWeights } from './classification.js';
import { readProbabilities } from './probabilities.js';
import { averageOf, pairwiseSum } from './sums.js';

/**
 * The mean negative log-likelihood of the true classes: scikit-learn's `log_loss`, as of its version 1.9. Probabilities are
 * clipped to [eps, 1 - eps], eps being that of their dtype. Rows are taken as they are: a 'UserWarning' tells where they do
 * not sum to 1, to a relative sqrt(eps).
 *
 * @param yTrue labels [n], or rows of 0s and 1s [n, classes]
 * @param yPred probabilities in [0, 1], [n, classes] in the order of the sorted classes, or [n] of the second of two classes
 * @param options.labels all classes, where some do not occur in yTrue; sorted, whatever their order here
 * @param options.normalize whether to divide by the number (or weight) of samples; default: true
 * @param options.sampleWeight one weight >= 0 a sample
 * @throws RangeError for a probability outside [0, 1], and where classes and columns do not agree
 */
export function logLoss(
  yTrue: Labels,
  yPred: ArrayInput,
  options: { labels?: Labels; normalize?: boolean; sampleWeight?: ArrayInput } = {},
): number {
  checkOptions('options', options, ['labels', 'normalize', 'sampleWeight']);
  const normalize = checkBoolean('normalize', options.normalize ?? true);
  const { n, columns, p, eps, isMember } = readProbabilities(yTrue, 'yPred', yPred, options.labels);
  const weight = options.sampleWeight === undefined ? undefined : readWeights(options.sampleWeight, n);
  const losses = allocate(Float64Array, n);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < columns; k++)
      if (isMember(i, k)) losses[i] -= Math.log(Math.min(Math.max(p[i * columns + k], eps), 1 - eps));
  if (normalize) return averageOf(losses, weight);
  return pairwiseSum(weight ? losses.map((loss, i) => loss * weight[i]) : losses);
}
