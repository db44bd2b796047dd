import { type ArrayInput, NDArray } from '../array.js';
import { checkInterval, checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';
import { codesOf, type Label, type Labels, listed, readLabels } from '../labels.js';
import { checkKind, readTargets, readWeights, type Targets } from './classification.js';
import { checkPosLabel, positiveAmong } from './positives.js';
import { averageOf, pairwiseSum } from './sums.js';

export type Average = 'binary' | 'micro' | 'macro' | 'weighted' | 'samples';

/** 0, 1, NaN or 'warn'. */
export type ZeroDivision = number | 'warn';

export interface PrecisionRecallOptions {
  /**
   * null (default): scores of every class; 'binary': of `posLabel`; 'micro': of all counts together; 'macro': the mean
   * over classes; 'weighted': the mean weighted by support; 'samples': the mean over the rows of multi-label targets.
   */
  average?: Average | null;
  /** The classes and their order. Default: all, sorted. */
  labels?: Labels;
  /** The weight of recall against precision in the F-score, >= 0: 0 is precision, Infinity is recall. Default: 1. */
  beta?: number;
  /** The class that 'binary' scores. Default: 1. */
  posLabel?: Label;
  /** The score where a denominator is 0; 'warn' (default) is 0 and a warning. Averages leave out scores that are NaN. */
  zeroDivision?: ZeroDivision;
  /** One weight >= 0 a sample. */
  sampleWeight?: ArrayInput;
}

export interface ClassScores {
  precision: NDArray;
  recall: NDArray;
  fscore: NDArray;
  /** The number (or weight) of true samples of every class. */
  support: NDArray;
}

export interface AverageScores {
  precision: number;
  recall: number;
  fscore: number;
  support: null;
}

/** What a call is asked for, and warns of. */
export type ScoreName = 'precision' | 'recall' | 'fscore';
const ALL: readonly ScoreName[] = ['precision', 'recall', 'fscore'];
const TITLES = { precision: 'Precision', recall: 'Recall', fscore: 'F-score' };

export type Counts = { truePositive: number[]; predicted: number[]; actual: number[] };
export type Scores = { precision: number[]; recall: number[]; fscore: number[]; actual: number[] };

/**
 * Precision, recall, F-score and support: scikit-learn's `precision_recall_fscore_support`.
 *
 * @returns arrays with an entry for every class, or numbers (and no support) with an `average`
 */
export function precisionRecallFscoreSupport(
  yTrue: Labels,
  yPred: Labels,
  options: PrecisionRecallOptions & { average: Average },
): AverageScores;
export function precisionRecallFscoreSupport(
  yTrue: Labels,
  yPred: Labels,
  options?: PrecisionRecallOptions & { average?: null },
): ClassScores;
export function precisionRecallFscoreSupport(
  yTrue: Labels,
  yPred: Labels,
  options?: PrecisionRecallOptions,
): ClassScores | AverageScores;
export function precisionRecallFscoreSupport(
  yTrue: Labels,
  yPred: Labels,
  options: PrecisionRecallOptions = {},
): ClassScores | AverageScores {
  const names = ['average', 'labels', 'beta', 'posLabel', 'zeroDivision', 'sampleWeight'];
  checkOptions('options', options, names);
  return scoreClasses(yTrue, yPred, options, ALL);
}

/** The scores, by options whose names were checked. */
export function scoreClasses(
  yTrue: Labels,
  yPred: Labels,
  options: PrecisionRecallOptions,
  names: readonly ScoreName[],
): ClassScores | AverageScores {
  const { average = null, zeroDivision = 'warn', posLabel = 1 } = options;
  if (average !== null) checkOneOf('average', average, ['binary', 'micro', 'macro', 'weighted', 'samples']);
  const given = options.beta ?? 1;
  if (given !== Number.POSITIVE_INFINITY) checkInterval('beta', given, 0, Number.POSITIVE_INFINITY);
  const beta = Number.isFinite(given ** 2) ? given : Number.POSITIVE_INFINITY;
  checkZeroDivision(zeroDivision);
  const targets = readTargets(yTrue, yPred);
  const weight = readWeights(options.sampleWeight, targets.n);
  checkPosLabel(posLabel);
  if (average !== 'binary' && posLabel !== 1)
    process.emitWarning(`posLabel ${posLabel} is ignored, as average is not 'binary'`, 'UserWarning');
  const labels = average === 'binary' ? [binaryLabel(targets, posLabel)] : chooseLabels(targets, options.labels);
  if (average !== null) return averageScores(targets, labels, weight, average, beta, zeroDivision, names);
  const scores = divide(count(targets, labels, weight), beta, zeroDivision, names);
  const support =
    options.sampleWeight === undefined ? Int32Array.from(scores.actual) : Float64Array.from(scores.actual);
  return {
    precision: NDArray.from(scores.precision),
    recall: NDArray.from(scores.recall),
    fscore: NDArray.from(scores.fscore),
    support: NDArray.wrap(support),
  };
}

/** The scores as one number each. */
export function averageScores(
  targets: Targets,
  labels: readonly Label[],
  weight: ArrayLike<number>,
  average: Average,
  beta: number,
  zeroDivision: ZeroDivision,
  names = ALL,
): AverageScores {
  if (average === 'samples') {
    if (targets.kind !== 'multilabel') throw wrongValue('average', "other than 'samples' for one label a row", average);
    return meanScores(divide(countSamples(targets, labels, weight), beta, zeroDivision, names, true), weight);
  }
  const counts = count(targets, labels, weight);
  if (average === 'micro') return meanScores(divide(total(counts), beta, zeroDivision, names));
  const scores = divide(counts, beta, zeroDivision, names);
  return meanScores(scores, average === 'weighted' ? counts.actual : undefined);
}

/** The class that `average: 'binary'` scores. */
function binaryLabel({ kind, classes }: Targets, posLabel: Label): Label {
  if (kind === 'multilabel' || classes.length > 2)
    throw wrongValue('average', `other than 'binary' for many ${kind === 'labels' ? 'classes' : 'labels'}`, 'binary');
  const positive = positiveAmong(classes, posLabel);
  if (classes.length === 2 && !classes.includes(positive))
    throw wrongValue('posLabel', `one of ${listed(classes)}`, posLabel);
  return positive;
}

/** The classes to score: `given`, or all that occur. */
export function chooseLabels(targets: Targets, given?: Labels): Label[] {
  if (given === undefined) return targets.classes;
  const labels = Array.from(readLabels('labels', given));
  checkKind('labels', labels, targets.classes, given);
  const unknown = targets.kind === 'multilabel' ? codesOf(labels, targets.classes).indexOf(-1) : -1;
  if (unknown >= 0) throw wrongValue('labels', `column numbers below ${targets.classes.length}`, labels[unknown]);
  return labels;
}

/** Weights of true positives, predictions and true members of every label. */
export function count(targets: Targets, labels: readonly Label[], weight: ArrayLike<number>): Counts {
  const { kind, n, classes, yTrue, yPred } = targets;
  const k = classes.length;
  const [both, predicted, actual] = [new Array(k).fill(0), new Array(k).fill(0), new Array(k).fill(0)];
  for (let i = 0; i < n; i++) {
    if (kind === 'labels') {
      actual[yTrue[i]] += weight[i];
      predicted[yPred[i]] += weight[i];
      if (yTrue[i] === yPred[i]) both[yTrue[i]] += weight[i];
    } else {
      for (let j = 0; j < k; j++) {
        actual[j] += weight[i] * yTrue[i * k + j];
        predicted[j] += weight[i] * yPred[i * k + j];
        both[j] += weight[i] * yTrue[i * k + j] * yPred[i * k + j];
      }
    }
  }
  const places = Array.from(codesOf(labels, classes));
  const pick = (counts: number[]) => places.map((place) => counts[place] ?? 0);
  return { truePositive: pick(both), predicted: pick(predicted), actual: pick(actual) };
}

/** The same counts for every sample, over the labels, times its weight: one of weight 0 has no score. */
function countSamples(
  { n, classes, yTrue, yPred }: Targets,
  labels: readonly Label[],
  weight: ArrayLike<number>,
): Counts {
  const counts: Counts = { truePositive: [], predicted: [], actual: [] };
  for (let i = 0; i < n; i++) {
    const cells = labels.map((label) => i * classes.length + (label as number));
    counts.truePositive.push(weight[i] * cells.filter((c) => yTrue[c] === 1 && yPred[c] === 1).length);
    counts.predicted.push(weight[i] * cells.filter((c) => yPred[c] === 1).length);
    counts.actual.push(weight[i] * cells.filter((c) => yTrue[c] === 1).length);
  }
  return counts;
}

function total(counts: Counts): Counts {
  const sum = (x: number[]) => [pairwiseSum(x)];
  return { truePositive: sum(counts.truePositive), predicted: sum(counts.predicted), actual: sum(counts.actual) };
}

export function divide(counts: Counts, beta: number, zeroDivision: ZeroDivision, names = ALL, samples = false): Scores {
  const { truePositive, predicted, actual } = counts;
  const undefinedScore = zeroDivision === 'warn' ? 0 : zeroDivision;
  const ratio = (name: ScoreName, numerator: number[], denominator: number[], missing: string) => {
    if (zeroDivision === 'warn' && names.includes(name) && denominator.includes(0)) {
      const [inside, over] = samples ? ['samples', 'labels'] : ['labels', 'samples'];
      const where = denominator.length === 1 ? 'due to' : `in ${inside} with`;
      process.emitWarning(
        `${TITLES[name]} is ill-defined and being set to 0.0 ${where} no ${missing} ${over}. Use the zeroDivision option to control this behavior.`,
        'UndefinedMetricWarning',
      );
    }
    return denominator.map((d, k) => (d === 0 ? undefinedScore : numerator[k] / d));
  };
  const precision = ratio('precision', truePositive, predicted, 'predicted');
  const recall = ratio('recall', truePositive, actual, 'true');
  if (beta === 0) return { precision, recall, fscore: precision, actual };
  const beta2 = beta ** 2;
  if (beta === Number.POSITIVE_INFINITY) return { precision, recall, fscore: recall, actual };
  // (1 + b^2) p r / (b^2 p + r), by counts: so it is undefined only where there is neither a prediction nor a member.
  const fscore = ratio(
    'fscore',
    truePositive.map((both) => (1 + beta2) * both),
    predicted.map((p, k) => beta2 * actual[k] + p),
    'true nor predicted',
  );
  return { precision, recall, fscore, actual };
}

function meanScores({ precision, recall, fscore }: Scores, weights?: ArrayLike<number>): AverageScores {
  const mean = (scores: number[]) => averageOfDefined(scores, weights);
  return { precision: mean(precision), recall: mean(recall), fscore: mean(fscore), support: null };
}

/** The mean of the scores that are not NaN; the plain one where their weights sum to 0. */
function averageOfDefined(scores: number[], weights?: ArrayLike<number>): number {
  const defined = [...scores.keys()].filter((k) => !Number.isNaN(scores[k]));
  const values = defined.map((k) => scores[k]);
  const w = weights && defined.map((k) => weights[k]);
  return averageOf(values, w && pairwiseSum(w) !== 0 ? w : undefined);
}

export function checkZeroDivision(value: unknown): void {
  if (value === 0 || value === 1 || value === 'warn' || Number.isNaN(value)) return;
  throw (typeof value === 'number' ? wrongValue : wrongType)('zeroDivision', "0, 1 or 'warn'", value);
}
