import { type ArrayInput, asArray, NDArray } from '../array.js';
import { didYouMean, wrongType, wrongValue } from '../check.js';
import { type Label, type Labels, listed, readLabels, uniqueLabels } from '../labels.js';
import { balancedAccuracyScore, matthewsCorrcoef } from '../scores/agreement.js';
import { averagePrecisionScore } from '../scores/average-precision.js';
import { brierScoreLoss } from '../scores/brier.js';
import { accuracyScore } from '../scores/classification.js';
import { f1Score, precisionScore, recallScore } from '../scores/f-scores.js';
import { logLoss } from '../scores/log-loss.js';
import { positiveAmong } from '../scores/positives.js';
import { explainedVarianceScore, r2Score } from '../scores/regression.js';
import {
  maxError,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanSquaredError,
  medianAbsoluteError,
  rootMeanSquaredError,
} from '../scores/regression-errors.js';
import { rocAucScore } from '../scores/roc-auc.js';
import { topKAccuracyScore } from '../scores/top-k.js';
import { isNetworkStep, probabilities } from '../tables/network-step.js';
import type { Candidate, Pair, Scoring, Weights } from './fits.js';
import { alike, classLabels, hasColumns, isClassNetwork, isMultilabel, labelsOfNetwork } from './score.js';

/** By the labels that are predicted. */
const ofLabels =
  <O>(score: (yTrue: any, yPred: any, options: O & Weights) => number, options: O): Scoring<Candidate> =>
  async (model, x, y, weights) => {
    const [yTrue, yPred] = labelled(model, y, await predicted(model, x));
    return score(yTrue, yPred, { ...options, ...weights });
  };

/** By the numbers that are predicted. Errors count negative, so that larger is better. */
const ofNumbers =
  (score: (yTrue: any, yPred: any, options: Weights) => number, sign: 1 | -1 = -1): Scoring<Candidate> =>
  async (model, x, y, weights = {}) =>
    sign * score(y, await predicted(model, x), weights);

/** By the probabilities of classes. */
const ofProbabilities =
  (score: (yTrue: any, response: Response, weights: Weights) => number, posLabel?: Label): Scoring<Candidate> =>
  async (model, x, y, weights = {}) =>
    score(y, await respond(model, x, y, posLabel), weights);

const AVERAGES = ['macro', 'micro', 'samples', 'weighted'] as const;

function averaged<N extends string>(name: N, score: typeof f1Score) {
  const all = AVERAGES.map((average) => [`${name}_${average}`, ofLabels(score, { average })]);
  return Object.fromEntries([[name, ofLabels(score, {})], ...all]) as Record<
    N | `${N}_${(typeof AVERAGES)[number]}`,
    Scoring<Candidate>
  >;
}

const areaUnderRoc = (multiClass: 'raise' | 'ovr' | 'ovo', average: 'macro' | 'weighted' = 'macro') =>
  ofProbabilities((y, { p, labels }, weights) => rocAucScore(y, p, { multiClass, average, labels, ...weights }));

/** By scikit-learn's names. */
const SCORINGS = {
  accuracy: ofLabels(accuracyScore, {}),
  balanced_accuracy: ofLabels(balancedAccuracyScore, {}),
  ...averaged('precision', precisionScore),
  ...averaged('recall', recallScore),
  ...averaged('f1', f1Score),
  matthews_corrcoef: ofLabels(matthewsCorrcoef, {}),
  top_k_accuracy: ofProbabilities((y, { p, labels }, weights) => topKAccuracyScore(y, p, { labels, ...weights })),
  roc_auc: areaUnderRoc('raise'),
  roc_auc_ovr: areaUnderRoc('ovr'),
  roc_auc_ovo: areaUnderRoc('ovo'),
  roc_auc_ovr_weighted: areaUnderRoc('ovr', 'weighted'),
  roc_auc_ovo_weighted: areaUnderRoc('ovo', 'weighted'),
  average_precision: ofProbabilities((y, { p }, weights) => averagePrecisionScore(y, p, weights), 1),
  neg_log_loss: ofProbabilities((y, { p, labels }, weights) => -logLoss(y, p, { labels, ...weights })),
  neg_brier_score: ofProbabilities(
    (y, { p, labels, posLabel }, weights) => -brierScoreLoss(y, p, { labels, posLabel, ...weights }),
  ),
  r2: ofNumbers(r2Score, 1),
  explained_variance: ofNumbers(explainedVarianceScore, 1),
  neg_max_error: ofNumbers((yTrue, yPred, { sampleWeight }) => {
    if (sampleWeight !== undefined) throw wrongType('sampleWeight', 'left out of the largest error', sampleWeight);
    return maxError(yTrue, yPred);
  }),
  neg_mean_absolute_error: ofNumbers(meanAbsoluteError),
  neg_mean_squared_error: ofNumbers(meanSquaredError),
  neg_root_mean_squared_error: ofNumbers(rootMeanSquaredError),
  neg_median_absolute_error: ofNumbers(medianAbsoluteError),
  neg_mean_absolute_percentage_error: ofNumbers(meanAbsolutePercentageError),
};

type CamelCase<S extends string> = S extends `${infer Head}_${infer Rest}`
  ? `${Head}${Capitalize<CamelCase<Rest>>}`
  : S;

/** scikit-learn's name of a score, in its own spelling or in camelCase: 'neg_log_loss', 'negLogLoss'. */
export type ScoringName = keyof typeof SCORINGS | CamelCase<keyof typeof SCORINGS>;

const NAMES = Object.keys(SCORINGS);
const BY_NAME = new Map<string, Scoring<Candidate>>(
  Object.entries(SCORINGS).flatMap(([name, scoring]) => [
    [name, scoring],
    [name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()), scoring],
  ]),
);

/**
 * The function that a score's name stands for, as `scoring` options take it: scikit-learn's `get_scorer`. Larger is better:
 * errors and losses, 'neg_…', count negative.
 *
 * Scores of labels and numbers call the model's `predict`, those of probabilities (roc_auc …, average_precision,
 * top_k_accuracy, neg_log_loss, neg_brier_score) its `predictProba`; a network's outputs are taken for what its loss says they
 * are. Of two classes the positive one is the greater, but 1 in f1, precision, recall and average_precision.
 *
 * @returns `(model, x, y, { sampleWeight }?) => Promise<number>`
 * @throws RangeError for a name that is none
 */
export function getScorer(scoring: ScoringName): Scoring<Candidate> {
  const expected = "a function, or a score's name such as 'accuracy' or 'r2'";
  if (typeof scoring !== 'string') throw wrongType('scoring', expected, scoring);
  const known = BY_NAME.get(scoring);
  if (!known) throw wrongValue('scoring', `${expected}${didYouMean(scoring, NAMES)}`, scoring);
  return known;
}

/** Functions of y and predictions, which are no scoring, and the names of the scorings that they are of. */
const OF_PREDICTIONS = new Map<unknown, ScoringName>([
  [accuracyScore, 'accuracy'],
  [balancedAccuracyScore, 'balanced_accuracy'],
  [precisionScore, 'precision'],
  [recallScore, 'recall'],
  [f1Score, 'f1'],
  [matthewsCorrcoef, 'matthews_corrcoef'],
  [topKAccuracyScore, 'top_k_accuracy'],
  [rocAucScore, 'roc_auc'],
  [averagePrecisionScore, 'average_precision'],
  [logLoss, 'neg_log_loss'],
  [brierScoreLoss, 'neg_brier_score'],
  [r2Score, 'r2'],
  [explainedVarianceScore, 'explained_variance'],
  [maxError, 'neg_max_error'],
  [meanAbsoluteError, 'neg_mean_absolute_error'],
  [meanSquaredError, 'neg_mean_squared_error'],
  [rootMeanSquaredError, 'neg_root_mean_squared_error'],
  [medianAbsoluteError, 'neg_median_absolute_error'],
  [meanAbsolutePercentageError, 'neg_mean_absolute_percentage_error'],
]);

/** What one score of a `scoring` option stands for. */
export function readScore<M extends Candidate>(scoring: Scoring<M> | ScoringName): Scoring<M> {
  const name = OF_PREDICTIONS.get(scoring);
  if (name) throw wrongType('scoring', `the name '${name}', or a function of a model, x and y`, scoring);
  return typeof scoring === 'function' ? scoring : getScorer(scoring);
}

/** What `scoring` options of one score stand for. */
export const readScoring = <M extends Candidate>(
  scoring: Scoring<M> | ScoringName | undefined,
): Scoring<M> | undefined => (scoring === undefined ? undefined : readScore(scoring));

/** Whether samples may weigh more in a score than others. */
export const takesWeights = (scoring: unknown): boolean => scoring !== SCORINGS.neg_max_error;

function predicted(model: Candidate, x: Pair[0]): unknown {
  if (typeof model?.predict !== 'function') throw wrongType('the model', 'an object with a method predict', model);
  return model.predict(x);
}

/** Targets and predictions. A model without predictProba may predict rows of class scores, and have been trained on one-hot rows. */
function labelled(model: Candidate, y: Pair[1], yPred: unknown): [yTrue: unknown, yPred: unknown] {
  if (isClassNetwork(model)) return labelsOfNetwork(model, y, yPred as NDArray);
  if (typeof model.predictProba === 'function') return [alike(y, yPred), yPred];
  return isMultilabel(y) ? [y, yPred] : [classLabels(y), classLabels(yPred)];
}

/** What scores of probabilities are given. */
interface Response {
  /** [n, classes]; of two classes [n], of the positive one; [n, labels]. */
  p: ArrayInput;
  /** All classes of the model, also where y lacks some. */
  labels?: Labels;
  /** Of two classes the one that p is of. */
  posLabel?: Label;
}

async function respond(model: Candidate, x: Pair[0], y: Pair[1], posLabel?: Label): Promise<Response> {
  const p = await probabilitiesOf(model, x);
  if (hasColumns('y', y)) return { p };
  const isNone = Array.isArray(model.classes) && model.classes.length === 0; // of a network before it is told
  const isUnknown = model.classes === undefined || isNone;
  const numbers = isNetworkStep(model) ? Array.from({ length: p.shape[1] }, (_, k) => k) : undefined;
  const known = isUnknown ? numbers : Array.from(readLabels('the classes of the model', model.classes));
  if (p.ndim !== 2 || p.shape[1] !== 2) return { p, labels: known as Labels | undefined }; // all of one type
  const isAlone = known?.length === 1; // of a model of one class, its own is the first column, and the other one whatever else y holds
  const classes = known && !isAlone ? known : uniqueLabels(known ?? [], readLabels('y', y as ArrayInput));
  const labels = (known && classes.length === 2 ? classes : known) as Labels | undefined;
  const isNamed = posLabel !== undefined && classes.length === 2; // y alone may hold one class of two
  const positive = isNamed ? positiveAmong(classes, posLabel) : (classes[1] ?? known?.[0]);
  if (isNamed && !classes.includes(positive)) throw wrongValue('posLabel', `one of ${listed(classes)}`, posLabel);
  const column = isAlone ? Number(positive !== known[0]) : isNamed ? classes.indexOf(positive) : 1;
  const [n] = p.shape;
  const ofPositive = NDArray.zeros([n], p.dtype);
  for (let i = 0; i < n; i++) ofPositive.data[i] = p.data[2 * i + column];
  return { p: ofPositive, labels, posLabel: positive };
}

export async function probabilitiesOf(model: Candidate, x: Pair[0]): Promise<NDArray> {
  if (isClassNetwork(model)) return probabilities(model, await model.predict(x as NDArray));
  if (typeof model?.predictProba !== 'function')
    throw wrongType('the model', 'an object with a method predictProba, which this scoring asks', model);
  return asArray('what predictProba gives', (await model.predictProba(x)) as ArrayInput);
}
