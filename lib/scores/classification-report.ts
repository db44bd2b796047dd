import { type ArrayInput, extent } from '../array.js';
import { formatScalar, roundEven } from '../array-format.js';
import { checkInteger, checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';
import { codesOf, type Label, type Labels } from '../labels.js';
import { accuracyOf, readTargets, readWeights } from './classification.js';
import {
  type Average,
  averageScores,
  checkZeroDivision,
  chooseLabels,
  count,
  divide,
  type ZeroDivision,
} from './precision-recall.js';
import { pairwiseSum } from './sums.js';

export interface ClassificationReportOptions {
  /** The classes and their order. Default: all, sorted. */
  labels?: Labels;
  /** Names to show, one a class, in their order. */
  targetNames?: readonly string[];
  /** Digits after the point in the text, 0 to 60. Default: 2. */
  digits?: number;
  /** 'text' (default), or 'dict' for an object of numbers. */
  output?: 'text' | 'dict';
  /** As in precisionRecallFscoreSupport. */
  zeroDivision?: ZeroDivision;
  /** One weight >= 0 a sample. */
  sampleWeight?: ArrayInput;
}

export type ReportRow = { precision: number; recall: number; 'f1-score': number; support: number };
/** A row for every class and average; and `accuracy`, unless there is a micro average in its place. */
export type ReportDict = { readonly [name: string]: ReportRow } & { readonly accuracy?: number };

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
  if (digits > 60) throw wrongValue('digits', 'an integer from 0 to 60', digits);
  checkOneOf('output', output, ['text', 'dict']);
  checkZeroDivision(zeroDivision);
  const targets = readTargets(yTrue, yPred);
  const weight = readWeights(sampleWeight, targets.n);
  const labels = chooseLabels(targets, options.labels);
  const targetNames = readNames(options.targetNames, labels);
  const counts = count(targets, labels, weight);
  const { precision, recall, fscore } = divide(counts, 1, zeroDivision);
  const rows = targetNames.map((name, k): [string, ReportRow] => [
    name,
    { precision: precision[k], recall: recall[k], 'f1-score': fscore[k], support: counts.actual[k] },
  ]);
  // Over all classes of single-label targets, micro precision, recall and F1 are all the accuracy.
  const isAccuracy = targets.kind === 'labels' && !codesOf(targets.classes, labels).includes(-1);
  const support = pairwiseSum(counts.actual);
  const kinds: Average[] = [
    'micro',
    'macro',
    'weighted',
    ...(targets.kind === 'multilabel' ? ['samples' as const] : []),
  ];
  const averages = kinds.map((average): [string, ReportRow] => {
    const quiet = average === 'micro' && isAccuracy && zeroDivision === 'warn' ? 0 : zeroDivision;
    const mean = averageScores(targets, labels, weight, average, 1, quiet);
    return [
      average === 'micro' && isAccuracy ? 'accuracy' : `${average} avg`,
      { precision: mean.precision, recall: mean.recall, 'f1-score': mean.fscore, support },
    ];
  });
  // Where no label is predicted right, scikit-learn's counts happen to be floats.
  const floats = sampleWeight !== undefined || (targets.kind === 'labels' && accuracyOf(targets, weight, false) === 0);
  if (output === 'text') return printReport(rows, averages, isAccuracy, digits, floats);
  const dict = Object.fromEntries<ReportRow | number>([...rows, ...averages]);
  if (isAccuracy) dict.accuracy = averages[0][1].precision;
  return dict as ReportDict;
}

function readNames(names: readonly string[] | undefined, labels: readonly Label[]): readonly string[] {
  if (names === undefined) return labels.map(String);
  if (!Array.isArray(names)) throw wrongType('targetNames', `an array of ${labels.length} names, one a class`, names);
  if (names.length !== labels.length)
    throw wrongValue('targetNames', `an array of ${labels.length} names, one a class`, names);
  return Array.from(names, (name, k) => {
    if (typeof name !== 'string') throw wrongType(`targetNames[${k}]`, 'a string', name);
    return name;
  });
}

/** As Python's format prints it, which counts characters by their code points. */
function printReport(
  rows: readonly [string, ReportRow][],
  averages: readonly [string, ReportRow][],
  isAccuracy: boolean,
  digits: number,
  floats: boolean,
): string {
  const length = (text: string) => Array.from(text).length;
  const width = Math.max(extent(rows.map(([name]) => length(name)))[1], 'weighted avg'.length, digits);
  const line = (name: string, cells: string[]) =>
    `${' '.repeat(width - length(name))}${name} ${cells.map((cell) => ` ${cell.padStart(9)}`).join('')}\n`;
  const fixed = (x: number) => (Number.isNaN(x) ? 'nan' : roundEven((d) => x.toFixed(d), digits));
  const print = ([name, row]: [string, ReportRow], accuracyOnly = false) => {
    const scores = [row.precision, row.recall, row['f1-score']].map(fixed);
    const shown = accuracyOnly ? ['', '', scores[2]] : scores;
    return line(name, [...shown, floats ? formatScalar(row.support, false) : String(row.support)]);
  };
  const head = line('', ['precision', 'recall', 'f1-score', 'support']);
  const body = rows.map((row) => print(row)).join('');
  return `${head}\n${body}\n${averages.map((row, k) => print(row, isAccuracy && k === 0)).join('')}`;
}
