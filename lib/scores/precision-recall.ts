import { type ArrayInput, NDArray } from '../array.js';
import { roundEven } from '../array-format.js';
import { checkInteger, checkInterval, checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';
import { type Label, type Labels, readLabels } from '../labels.js';
import { readTargets, readWeights, type Targets } from './classification.js';

export type Average = 'binary' | 'micro' | 'macro' | 'weighted' | 'samples';

export interface PrecisionRecallOptions {
  /**
   * null (default): scores of every class; 'binary': of `posLabel`; 'micro': of all counts together; 'macro': the mean
   * over classes; 'weighted': the mean weighted by support; 'samples': the mean over the rows of multi-label targets.
   */
  average?: Average | null;
  /** The classes and their order. Default: all, sorted. */
  labels?: Labels;
  /** The weight of recall against precision in the F-score, >= 0. Default: 1. */
  beta?: number;
  /** The class that 'binary' scores. Default: 1. */
  posLabel?: Label;
  /** The score where a denominator is 0; 'warn' (default) is 0 and a warning. */
  zeroDivision?: 0 | 1 | 'warn';
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

type Counts = { truePositive: number[]; predicted: number[]; actual: number[] };
type Scores = { precision: number[]; recall: number[]; fscore: number[]; actual: number[] };

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
  const { average = null, beta = 1, zeroDivision = 'warn' } = options;
  if (average !== null) checkOneOf('average', average, ['binary', 'micro', 'macro', 'weighted', 'samples']);
  if (beta !== Number.POSITIVE_INFINITY) checkInterval('beta', beta, 0, Number.POSITIVE_INFINITY);
  checkZeroDivision(zeroDivision);
  const targets = readTargets(yTrue, yPred);
  const weight = readWeights(options.sampleWeight, targets.n);
  const labels = chooseLabels(targets, options);
  if (average === 'samples') {
    if (targets.kind !== 'multilabel') throw wrongValue('average', "other than 'samples' for one label a row", average);
    const scores = divide(countSamples(targets, labels), beta, zeroDivision, true);
    return meanScores(scores, Array.from(weight));
  }
  const counts = count(targets, labels, weight);
  if (average === 'micro') return meanScores(divide(total(counts), beta, zeroDivision));
  const scores = divide(counts, beta, zeroDivision);
  if (average === 'weighted') return weightedScores(scores, counts, zeroDivision);
  if (average !== null) return meanScores(scores);
  const support =
    options.sampleWeight === undefined ? Int32Array.from(scores.actual) : Float64Array.from(scores.actual);
  return {
    precision: NDArray.from(scores.precision),
    recall: NDArray.from(scores.recall),
    fscore: NDArray.from(scores.fscore),
    support: NDArray.wrap(support),
  };
}

export interface ClassificationReportOptions {
  /** The classes and their order. Default: all, sorted. */
  labels?: Labels;
  /** Names to show, in the order of the classes. */
  targetNames?: readonly string[];
  /** Digits after the point in the text. Default: 2. */
  digits?: number;
  /** 'text' (default), or 'dict' for an object of numbers. */
  output?: 'text' | 'dict';
  /** As in precisionRecallFscoreSupport. */
  zeroDivision?: 0 | 1 | 'warn';
  /** One weight >= 0 a sample. */
  sampleWeight?: ArrayInput;
}

export type ReportRow = { precision: number; recall: number; 'f1-score': number; support: number };
/** A row for every class and average; `accuracy` is a number. */
export type ReportDict = Record<string, ReportRow | number>;

/** Precision, recall, F1 and support of every class and their averages: scikit-learn's `classification_report`. */
export function classificationReport(
  yTrue: Labels,
  yPred: Labels,
  options: ClassificationReportOptions & { output: 'dict' },
): ReportDict;
export function classificationReport(
  yTrue: Labels,
  yPred: Labels,
  options?: ClassificationReportOptions & { output?: 'text' },
): string;
export function classificationReport(
  yTrue: Labels,
  yPred: Labels,
  options: ClassificationReportOptions = {},
): string | ReportDict {
  const names = ['labels', 'targetNames', 'digits', 'output', 'zeroDivision', 'sampleWeight'];
  checkOptions('options', options, names);
  const { digits = 2, output = 'text', zeroDivision = 'warn', sampleWeight } = options;
  checkInteger('digits', digits, 0);
  checkOneOf('output', output, ['text', 'dict']);
  checkZeroDivision(zeroDivision);
  const targets = readTargets(yTrue, yPred);
  const weight = readWeights(sampleWeight, targets.n);
  const labels = chooseLabels(targets, options);
  const targetNames = options.targetNames ?? labels.map(String);
  if (targetNames.length !== labels.length)
    throw wrongValue('targetNames', `an array of ${labels.length} names, one a class`, options.targetNames);

  const counts = count(targets, labels, weight);
  const scores = divide(counts, 1, zeroDivision);
  const quiet = zeroDivision === 'warn' ? 0 : zeroDivision;
  const support = counts.actual.reduce((a, b) => a + b, 0);
  const averages: [string, AverageScores][] = [
    ['micro avg', meanScores(divide(total(counts), 1, quiet))],
    ['macro avg', meanScores(scores)],
    ['weighted avg', weightedScores(scores, counts, zeroDivision)],
  ];
  if (targets.kind === 'multilabel')
    averages.push([
      'samples avg',
      meanScores(divide(countSamples(targets, labels), 1, zeroDivision, true), Array.from(weight)),
    ]);
  // Over all classes of single-label targets, micro precision, recall and F1 are all the accuracy.
  else if (
    targets.classes.every((label) => labels.includes(label)) &&
    labels.every((label) => targets.classes.includes(label))
  )
    averages[0][0] = 'accuracy';

  const rows: [string, ReportRow][] = [
    ...targetNames.map((name, k): [string, ReportRow] => [
      name,
      {
        precision: scores.precision[k],
        recall: scores.recall[k],
        'f1-score': scores.fscore[k],
        support: counts.actual[k],
      },
    ]),
    ...averages.map(([name, { precision, recall, fscore }]): [string, ReportRow] => [
      name,
      { precision, recall, 'f1-score': fscore, support },
    ]),
  ];
  if (output === 'text') return printReport(rows, labels.length, digits, sampleWeight !== undefined);
  return Object.fromEntries(rows.map(([name, row]) => [name, name === 'accuracy' ? row.precision : row]));
}

function printReport(rows: [string, ReportRow][], nClasses: number, digits: number, weighted: boolean): string {
  const width = Math.max(...rows.slice(0, nClasses).map(([name]) => name.length), 'weighted avg'.length, digits);
  const line = (cells: string[]) =>
    `${cells[0].padStart(width)} ${cells
      .slice(1)
      .map((c) => ` ${c.padStart(9)}`)
      .join('')}\n`;
  const fixed = (x: number) => roundEven((d) => x.toFixed(d), digits);
  const body = rows.map(([name, { precision, recall, 'f1-score': f1, support }]) => {
    const shown = name === 'accuracy' ? ['', '', fixed(f1)] : [precision, recall, f1].map(fixed);
    return line([name, ...shown, weighted && Number.isInteger(support) ? `${support}.0` : String(support)]);
  });
  const head = line(['', 'precision', 'recall', 'f1-score', 'support']);
  return `${head}\n${body.slice(0, nClasses).join('')}\n${body.slice(nClasses).join('')}`;
}

function chooseLabels(targets: Targets, options: PrecisionRecallOptions): Label[] {
  if (options.average === 'binary') {
    const { posLabel = 1 } = options;
    if (targets.kind === 'multilabel' || targets.classes.length > 2)
      throw wrongValue(
        'average',
        `other than 'binary' for ${targets.kind === 'labels' ? 'many classes' : 'many labels'}`,
        'binary',
      );
    if (!targets.classes.includes(posLabel) && targets.classes.length === 2)
      throw wrongValue('posLabel', `one of ${targets.classes.join(', ')}`, posLabel);
    return [posLabel];
  }
  if (options.labels === undefined) return targets.classes;
  const labels = Array.from(readLabels('labels', options.labels));
  const unknown = labels.find((label) => targets.kind === 'multilabel' && !targets.classes.includes(label));
  if (unknown !== undefined) throw wrongValue('labels', `column numbers below ${targets.classes.length}`, unknown);
  return labels;
}

/** Weights of true positives, predictions and true members of every label. */
function count(targets: Targets, labels: readonly Label[], weight: ArrayLike<number>): Counts {
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
  const pick = (counts: number[]) => labels.map((label) => counts[classes.indexOf(label)] ?? 0);
  return { truePositive: pick(both), predicted: pick(predicted), actual: pick(actual) };
}

/** The same counts for every sample, over the labels. */
function countSamples({ n, classes, yTrue, yPred }: Targets, labels: readonly Label[]): Counts {
  const counts: Counts = { truePositive: [], predicted: [], actual: [] };
  for (let i = 0; i < n; i++) {
    const cells = labels.map((label) => i * classes.length + (label as number));
    counts.truePositive.push(cells.filter((c) => yTrue[c] === 1 && yPred[c] === 1).length);
    counts.predicted.push(cells.filter((c) => yPred[c] === 1).length);
    counts.actual.push(cells.filter((c) => yTrue[c] === 1).length);
  }
  return counts;
}

function total(counts: Counts): Counts {
  const sum = (x: number[]) => [x.reduce((a, b) => a + b, 0)];
  return { truePositive: sum(counts.truePositive), predicted: sum(counts.predicted), actual: sum(counts.actual) };
}

function divide(counts: Counts, beta: number, zeroDivision: 0 | 1 | 'warn', samples = false): Scores {
  const { truePositive, predicted, actual } = counts;
  const ratio = (denominator: number[], metric: string, modifier: string) => {
    if (zeroDivision === 'warn' && denominator.includes(0)) {
      const [inside, over] = samples ? ['samples', 'labels'] : ['labels', 'samples'];
      const where = denominator.length === 1 ? 'due to' : `in ${inside} with`;
      process.emitWarning(
        `${metric} and F-score are ill-defined and being set to 0.0 ${where} no ${modifier} ${over}. Use the zeroDivision option to control this behavior.`,
        'UndefinedMetricWarning',
      );
    }
    return denominator.map((d, k) => (d === 0 ? (zeroDivision === 1 ? 1 : 0) : truePositive[k] / d));
  };
  const precision = ratio(predicted, 'Precision', 'predicted');
  const recall = ratio(actual, 'Recall', 'true');
  const beta2 = beta ** 2;
  const fscore = precision.map((p, k) => {
    if (beta === Number.POSITIVE_INFINITY) return recall[k];
    const denominator = beta2 * p + recall[k];
    return denominator === 0 ? 0 : ((1 + beta2) * p * recall[k]) / denominator;
  });
  return { precision, recall, fscore, actual };
}

function meanScores({ precision, recall, fscore }: Scores, weights?: readonly number[]): AverageScores {
  const mean = (x: number[]) => {
    const w = weights ?? x.map(() => 1);
    return x.reduce((sum, v, k) => sum + w[k] * v, 0) / w.reduce((a, b) => a + b, 0);
  };
  return { precision: mean(precision), recall: mean(recall), fscore: mean(fscore), support: null };
}

function weightedScores(scores: Scores, counts: Counts, zeroDivision: 0 | 1 | 'warn'): AverageScores {
  if (counts.actual.some((c) => c > 0)) return meanScores(scores, counts.actual);
  const undefinedScore = zeroDivision === 1 ? 1 : 0;
  const nothing = counts.predicted.every((c) => c === 0);
  return {
    precision: nothing ? undefinedScore : 0,
    recall: undefinedScore,
    fscore: nothing ? undefinedScore : 0,
    support: null,
  };
}

function checkZeroDivision(value: unknown): void {
  if (value === 0 || value === 1 || value === 'warn') return;
  throw (typeof value === 'number' ? wrongValue : wrongType)('zeroDivision', "0, 1 or 'warn'", value);
}
