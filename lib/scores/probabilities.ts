import { allocate } from '../allocate.js';
import { type ArrayInput, checkArray, floatDType, type NDArray, position } from '../array.js';
import { wrongValue } from '../check.js';
import { codesOf, type Label, type Labels, readLabels, uniqueLabels } from '../labels.js';
import { checkColumns, checkNamed } from './class-columns.js';
import { checkKind, readClasses, readIndicators } from './classification.js';
import { pairwiseSum } from './sums.js';

/** Predicted probabilities of all classes, and which class each sample has. */
export interface Probabilities {
  n: number;
  columns: number;
  /** [n, columns]; those of the second of two classes are completed. */
  p: Float64Array;
  /** That of the probabilities' dtype. */
  eps: number;
  isMember(row: number, column: number): boolean;
}

/**
 * Warns where rows do not sum to 1.
 *
 * @param yTrue labels [n], or rows of 0s and 1s [n, classes]
 * @param name what the probabilities are called; [n, classes], or [n] of the second of two classes
 * @param all all classes, where some do not occur in yTrue
 */
export function readProbabilities(yTrue: Labels, name: string, given: ArrayInput, all?: Labels): Probabilities {
  const indicators = readIndicators('yTrue', yTrue);
  const labels = indicators ? undefined : readClasses('yTrue', yTrue);
  const n = indicators ? indicators.shape[0] : (labels as ArrayLike<Label>).length;
  const array = readShares(name, given, n);
  const float32 = floatDType(given) === 'float32';
  const columns = Math.max(2, array.shape[1] ?? 1);
  const p = array.size === n ? completed(array, float32) : allocate(Float64Array, array.data);
  const isMember = labels
    ? isClass(readCodes(labels, all, name, columns))
    : isOne(indicators as NDArray, all, name, columns);
  const eps = float32 ? 2 ** -23 : Number.EPSILON;
  warnOfSums(name, p, columns, Math.sqrt(eps));
  return { n, columns, p, eps, isMember };
}

/** Numbers in [0, 1] in one or two dimensions, of `n` rows. */
export function readShares(name: string, given: ArrayInput, n: number): NDArray {
  const array = checkArray(name, given);
  if (array.ndim > 2 || array.length !== n)
    throw new RangeError(`Expected ${name} to have ${n} rows, got shape [${array.shape.join(', ')}]`);
  const outside = array.data.findIndex((p: number) => p < 0 || p > 1);
  if (outside >= 0)
    throw new RangeError(
      `Expected ${name} to hold probabilities in [0, 1], got ${array.data[outside]} at ${position(outside, array.shape)}`,
    );
  return array;
}

function completed({ data }: NDArray, float32: boolean): Float64Array {
  const p = allocate(Float64Array, 2 * data.length);
  for (let i = 0; i < data.length; i++) {
    p[2 * i] = float32 ? Math.fround(1 - data[i]) : 1 - data[i];
    p[2 * i + 1] = data[i];
  }
  return p;
}

const isClass = (codes: Int32Array) => (row: number, column: number) => codes[row] === column;

function isOne({ data, shape }: NDArray, all: Labels | undefined, name: string, columns: number) {
  if (all !== undefined)
    throw wrongValue('labels', 'left out for rows of 0s and 1s, whose columns are the classes', all);
  checkColumns(name, shape[1], columns, 'yTrue');
  return (row: number, column: number) => data[row * columns + column] === 1;
}

/** For every sample the column of its class. */
function readCodes(labels: ArrayLike<Label>, all: Labels | undefined, name: string, columns: number): Int32Array {
  const given = all === undefined ? labels : readLabels('labels', all);
  checkKind('labels', given, labels, all);
  const classes = uniqueLabels(given);
  const source = all === undefined ? 'yTrue' : 'labels';
  if (classes.length < 2)
    throw new RangeError(
      `Expected ${source} to hold two classes or more${all === undefined ? ' (options.labels may name them)' : ''}, got ${classes.join()}`,
    );
  if (all !== undefined && classes.some((label, k) => label !== given[k]))
    process.emitWarning(
      `Expected labels to be sorted: the columns of ${name} are taken in the order ${classes.join(', ')}`,
      'UserWarning',
    );
  checkColumns(name, classes.length, columns, source);
  const codes = codesOf(labels, classes);
  checkNamed(codes, labels);
  return codes;
}

function warnOfSums(name: string, p: Float64Array, columns: number, tolerance: number): void {
  for (let at = 0; at < p.length; at += columns)
    if (Math.abs(pairwiseSum(p, at, at + columns) - 1) > 1e-8 + tolerance) {
      process.emitWarning(`The rows of ${name} do not sum to one. Make sure to pass probabilities.`, 'UserWarning');
      return;
    }
}
