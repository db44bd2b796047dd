import { filled } from '../allocate.js';
import { type ArrayInput, asArray } from '../array.js';
import { checkBoolean, checkOptions, wrongValue } from '../check.js';
import { type Label, type Labels, listed, uniqueLabels } from '../labels.js';
import { readClasses, readWeights } from './classification.js';
import { readPositives } from './positives.js';
import { readProbabilities, readShares } from './probabilities.js';
import { averageOf, pairwiseSum } from './sums.js';

export interface BrierOptions {
  /** One weight >= 0 a sample. */
  sampleWeight?: ArrayInput;
  /** The class that probabilities [n] are of. Default: 1, or the greater of two numbers. */
  posLabel?: Label;
  /** All classes, where some do not occur in yTrue; for probabilities [n, classes]. */
  labels?: Labels;
  /** Whether the score is halved, so that it lies in [0, 1] and not in [0, 2]. Default: 'auto', of two classes only. */
  scaleByHalf?: boolean | 'auto';
}

/**
 * The mean squared difference of probabilities and outcomes: scikit-learn's `brier_score_loss`. In float64, also where
 * scikit-learn takes float32.
 *
 * @param yTrue labels [n], or rows of 0s and 1s [n, classes]
 * @param yProba probabilities in [0, 1], [n] of the positive class, or [n, classes] in the order of the sorted classes
 */
export function brierScoreLoss(yTrue: Labels, yProba: ArrayInput, options: BrierOptions = {}): number {
  checkOptions('options', options, ['sampleWeight', 'posLabel', 'labels', 'scaleByHalf']);
  const { scaleByHalf = 'auto', posLabel } = options;
  if (scaleByHalf !== 'auto') checkBoolean('scaleByHalf', scaleByHalf);
  const array = asArray('yProba', yProba);
  const isBinary = array.ndim < 2 || (array.ndim === 2 && array.shape[1] === 1);
  const { errors, columns } = isBinary
    ? binaryErrors(yTrue, yProba, posLabel)
    : classErrors(yTrue, yProba, options.labels);
  const weight = options.sampleWeight === undefined ? undefined : readWeights(options.sampleWeight, errors.length);
  const score = averageOf(errors, weight);
  return (scaleByHalf === 'auto' ? columns < 3 : scaleByHalf) ? score * 0.5 : score;
}

/** The squared error of every row. */
type Errors = { errors: Float64Array; columns: number };

function binaryErrors(yTrue: Labels, yProba: ArrayInput, posLabel: Label | undefined): Errors {
  const classes = uniqueLabels(readClasses('yTrue', yTrue));
  if (classes.length > 2)
    throw wrongValue('yTrue', `labels of two classes, as yProba has one column, and not ${listed(classes)}`, yTrue);
  const greatest =
    typeof classes[0] === 'number' && !['0', '-1'].includes(classes.join()) ? classes[classes.length - 1] : undefined;
  const { positives } = readPositives(yTrue, posLabel ?? greatest);
  const { data } = readShares('yProba', yProba, positives.length);
  const errors = filled(
    Float64Array,
    positives.length,
    (i) => (1 - positives[i] - (1 - data[i])) ** 2 + (positives[i] - data[i]) ** 2,
  );
  return { errors, columns: 2 };
}

function classErrors(yTrue: Labels, yProba: ArrayInput, labels: Labels | undefined): Errors {
  const { n, columns, p, isMember } = readProbabilities(yTrue, 'yProba', yProba, labels);
  const squares = p.map((share, at) => (Number(isMember(Math.floor(at / columns), at % columns)) - share) ** 2);
  return { errors: filled(Float64Array, n, (i) => pairwiseSum(squares, i * columns, (i + 1) * columns)), columns };
}
