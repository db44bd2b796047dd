import { filled } from '../allocate.js';
import { type ArrayInput, checkArray } from '../array.js';
import { wrongShape, wrongType } from '../check.js';
import { type Label, type Labels, listed, uniqueLabels } from '../labels.js';
import { readClasses } from './classification.js';

/** The sets of labels whose positive class is 1 without being named, in scikit-learn. */
const KNOWN = ['0,1', '-1,1', '0', '-1', '1'];

/** 1 for every label that is the positive class, else 0; and the classes, sorted. */
export function readPositives(yTrue: Labels, posLabel?: Label): { classes: Label[]; positives: Float64Array } {
  const labels = readClasses('yTrue', yTrue);
  const classes = uniqueLabels(labels);
  const positive = posLabel === undefined ? defaultPositive(classes) : positiveAmong(classes, posLabel);
  return { classes, positives: filled(Float64Array, labels.length, (i) => Number(labels[i] === positive)) };
}

/** `posLabel` in the type of the classes: booleans are 0 and 1, as in Python. It need not be one of them. */
export function positiveAmong(classes: readonly Label[], posLabel: Label): Label {
  checkPosLabel(posLabel);
  const kind = typeof classes[0];
  const positive = kind === 'boolean' && typeof posLabel === 'number' ? posLabel === 1 : posLabel;
  const expected = classes.length > 1 ? `one of ${listed(classes)}` : `a ${kind}, as yTrue is`;
  if (typeof positive !== kind) throw wrongType('posLabel', expected, posLabel);
  return positive;
}

export function checkPosLabel(posLabel: unknown): void {
  if (!['number', 'string', 'boolean'].includes(typeof posLabel))
    throw wrongType('posLabel', 'a class label', posLabel);
}

function defaultPositive(classes: readonly Label[]): Label {
  if (typeof classes[0] === 'boolean') return true;
  if (typeof classes[0] === 'string' || !KNOWN.includes(classes.join()))
    throw wrongType('posLabel', `one of ${listed(classes)}, as yTrue does not hold 0 and 1, or -1 and 1`, undefined);
  return 1;
}

/** One finite number a row, of `n` rows. */
export function readScores(name: string, scores: ArrayInput, n: number): ArrayLike<number> {
  const array = checkArray(name, scores);
  if (array.ndim !== 1 && !(array.ndim === 2 && array.shape[1] === 1))
    throw wrongShape(name, 'one number a row, the score of the positive class', array.shape);
  checkRows(name, array.length, n);
  return array.data;
}

export function checkRows(name: string, rows: number, n: number): void {
  if (rows !== n) throw new RangeError(`Expected ${name} to have ${n} rows, as yTrue has, got ${rows}`);
}
