import { allocate, filled } from '../allocate.js';
import { type ArrayInput, asArray, extent, NDArray } from '../array.js';
import { checkBoolean, checkInteger, checkOptions, wrongType, wrongValue } from '../check.js';
import type { Features } from '../estimators/csr.js';
import { isForeignArray } from '../foreign-arrays.js';
import { isNDArray, isTypedArray } from '../kind.js';
import { encodeLabels, type Labels } from '../labels.js';
import { checkRandomState, type RandomState } from '../random.js';
import { registerFields } from '../saved.js';
import type { Table } from '../tables/frame.js';
import { readRows } from '../tables/rows.js';

/** What splitters deal to folds: anything with rows. */
export type RowsInput = Features | Table | readonly unknown[];

/** Row numbers of the training set and of the test set: int32, one-dimensional. */
export type Split = [train: NDArray, test: NDArray];

export interface KFoldOptions {
  /** The number of folds, at least 2. Default: 5. */
  nSplits?: number;
  /** Whether the rows are shuffled before they are dealt to folds. Default: false. */
  shuffle?: boolean;
  /** A seed (the same folds at every call) or a RandomState (drawn from at every call); only with `shuffle`. */
  randomState?: number | RandomState;
}

export abstract class Folds {
  readonly nSplits: number;
  readonly shuffle: boolean;
  readonly randomState: number | RandomState | undefined;

  constructor(options: KFoldOptions = {}) {
    checkOptions('options', options, ['nSplits', 'shuffle', 'randomState']);
    this.nSplits = checkInteger('nSplits', options.nSplits ?? 5, 2);
    this.shuffle = checkBoolean('shuffle', options.shuffle ?? false);
    this.randomState = options.randomState;
    if (!this.shuffle && options.randomState !== undefined)
      throw wrongValue('randomState', 'undefined when shuffle is false', options.randomState);
    if (options.randomState !== undefined) checkRandomState(options.randomState);
  }

  /** What the rows are dealt by; undefined without shuffling. */
  protected get random(): RandomState | undefined {
    return this.shuffle ? checkRandomState(this.randomState) : undefined;
  }
}

/**
 * K folds, each the test set once: scikit-learn's `KFold`, with the same rows for the same `randomState`.
 *
 * The first n % nSplits folds have one row more than the others.
 */
export class KFold extends Folds {
  static readonly className = 'KFold';

  static {
    registerFields(KFold);
  }

  /** @param x anything with rows; its values are not read */
  split(x: RowsInput): Iterable<Split> {
    return kFolds(checkFoldRows(x, this.nSplits), this.nSplits, this.random);
  }
}

/**
 * K folds with the classes' shares of the whole: scikit-learn's `StratifiedKFold`, with the same rows for the same
 * `randomState`. Warns when a class has fewer members than there are folds.
 */
export class StratifiedKFold extends Folds {
  static readonly className = 'StratifiedKFold';

  static {
    registerFields(StratifiedKFold);
  }

  /**
   * @param x anything with rows; its values are not read
   * @param y the class of every row
   */
  split(x: RowsInput, y: Labels): Iterable<Split> {
    return stratifiedFolds(checkFoldClasses(x, y, this.nSplits), this.nSplits, this.random);
  }
}

export interface TimeSeriesSplitOptions {
  /** The number of splits, at least 2. Default: 5. */
  nSplits?: number;
  /** Rows of a training set at most: the last ones before its gap. Default: all that come before it. */
  maxTrainSize?: number;
  /** Rows of every test set. Default: the number of rows divided by nSplits + 1, rounded down. */
  testSize?: number;
  /** Rows left out between a training set and its test set. Default: 0. */
  gap?: number;
}

/**
 * Splits in the order of time, where each test set follows its training set, and the next one follows it: scikit-learn's
 * `TimeSeriesSplit`. Rows are to be equally spaced in time.
 *
 * Rows that are windows of a series, as `data.timeSeries` makes them at a stride of 1, take a `gap` of its `gap + horizon - 1`
 * at least: then all targets that are trained on are known when the first test window ends.
 */
export class TimeSeriesSplit {
  static readonly className = 'TimeSeriesSplit';

  static {
    registerFields(TimeSeriesSplit);
  }

  readonly nSplits: number;
  readonly maxTrainSize: number | undefined;
  readonly testSize: number | undefined;
  readonly gap: number;

  constructor(options: TimeSeriesSplitOptions = {}) {
    checkOptions('options', options, ['nSplits', 'maxTrainSize', 'testSize', 'gap']);
    const { nSplits = 5, maxTrainSize, testSize, gap = 0 } = options;
    this.nSplits = checkInteger('nSplits', nSplits, 2);
    this.maxTrainSize = maxTrainSize === undefined ? undefined : checkInteger('maxTrainSize', maxTrainSize, 1);
    this.testSize = testSize === undefined ? undefined : checkInteger('testSize', testSize, 1);
    this.gap = checkInteger('gap', gap, 0);
  }

  /** @param x anything with rows, in the order of time; its values are not read */
  split(x: RowsInput): Iterable<Split> {
    const { nSplits, gap } = this;
    const n = countRows(x);
    if (nSplits >= n) throw wrongValue('nSplits', `below the number of rows, ${n}`, nSplits);
    const testSize = this.testSize ?? Math.floor(n / (nSplits + 1));
    if (nSplits * testSize + gap >= n)
      throw wrongValue('nSplits * testSize + gap', `below the number of rows, ${n}`, nSplits * testSize + gap);
    return this.splits(n, testSize);
  }

  private *splits(n: number, testSize: number): Generator<Split> {
    for (let start = n - this.nSplits * testSize; start < n; start += testSize) {
      const end = start - this.gap;
      const size = Math.min(end, this.maxTrainSize ?? end);
      yield [rowRange(end - size, size), rowRange(start, testSize)];
    }
  }
}

/** @throws RangeError unless x has rows for all folds */
export function checkFoldRows(x: RowsInput, nSplits: number): number {
  const n = countRows(x);
  if (nSplits > n) throw wrongValue('nSplits', `at most the number of rows, ${n}`, nSplits);
  return n;
}

/** K folds of n rows, in the order of a permutation where there is a generator. */
export function* kFolds(n: number, nSplits: number, random: RandomState | undefined): Generator<Split> {
  const order = random?.permutation(n).data;
  const fold = allocate(Int32Array, n);
  let next = 0;
  for (let k = 0; k < nSplits; k++) {
    const size = Math.floor(n / nSplits) + (k < n % nSplits ? 1 : 0);
    for (let i = 0; i < size; i++, next++) fold[order ? order[next] : next] = k;
  }
  for (let k = 0; k < nSplits; k++) yield partition(fold, k);
}

/** The rows of every class. @throws unless there are rows and classes for all folds */
export function checkFoldClasses(x: RowsInput, y: Labels, nSplits: number): number[][] {
  const n = checkFoldRows(x, nSplits);
  const { classes, codes } = encodeLabels('y', y);
  checkRowCount('y', codes.length, n);
  classes.forEach((label) => {
    if (typeof label === 'number' && !Number.isInteger(label))
      throw wrongValue('y', 'class labels (integers or strings)', label);
  });
  const [least, most] = extent(countClasses(codes, classes.length));
  if (nSplits > most) throw wrongValue('nSplits', `at most the number of members of some class in y, ${most}`, nSplits);
  if (nSplits > least)
    process.emitWarning(
      `The least populated class in y has only ${least} members, which is less than nSplits=${nSplits}.`,
      'UserWarning',
    );
  return groupByClass(codes, classes.length);
}

/**
 * K folds of the rows of every class: the class that appears first comes first, and each is in the order of a permutation where
 * there is a generator.
 */
export function* stratifiedFolds(
  members: readonly number[][],
  nSplits: number,
  random: RandomState | undefined,
): Generator<Split> {
  const fold = allocate(
    Int32Array,
    members.reduce((n, rows) => n + rows.length, 0),
  );
  // Dealing the sorted labels out in turn tells how many of each class every fold gets.
  let dealt = 0;
  for (const rows of members.toSorted(([a], [b]) => a - b)) {
    const share = new Int32Array(nSplits);
    for (let i = 0; i < rows.length; i++) share[dealt++ % nSplits]++;
    const blocks = Array.from(share).flatMap((count, k) => new Array<number>(count).fill(k));
    const order = random?.permutation(rows.length).data;
    rows.forEach((row, i) => {
      fold[row] = blocks[order ? order[i] : i];
    });
  }
  for (let k = 0; k < nSplits; k++) yield partition(fold, k);
}

/** `length` row numbers from `start` on. */
export const rowRange = (start: number, length: number) => NDArray.wrap(filled(Int32Array, length, (i) => start + i));

/** The rows outside fold `k` and the rows in it, both in ascending order. */
export function partition(fold: Int32Array, k: number): Split {
  const size = fold.reduce((count, f) => count + (f === k ? 1 : 0), 0);
  const [train, test] = [allocate(Int32Array, fold.length - size), allocate(Int32Array, size)];
  let [i, j] = [0, 0];
  fold.forEach((f, row) => {
    if (f === k) test[j++] = row;
    else train[i++] = row;
  });
  return [NDArray.wrap(train), NDArray.wrap(test)];
}

/** The rows of every class, in ascending order. */
export function groupByClass(codes: Int32Array, nClasses: number): number[][] {
  const members = Array.from({ length: nClasses }, () => [] as number[]);
  codes.forEach((code, row) => {
    members[code].push(row);
  });
  return members;
}

export function countClasses(codes: Int32Array, nClasses: number): number[] {
  const counts = new Array<number>(nClasses).fill(0);
  for (const code of codes) counts[code]++;
  return counts;
}

/** The number of rows of anything that has rows. */
export function rowCount(name: string, x: ArrayInput | readonly unknown[]): number {
  if (isNDArray(x) || isForeignArray(x)) return asArray(name, x).length;
  if (Array.isArray(x) || isTypedArray(x)) return x.length;
  throw wrongType(name, 'an array', x);
}

/** The rows of what is split, whose values are not read. */
export function countRows(x: RowsInput): number {
  const rows = Array.isArray(x) ? undefined : readRows('x', x);
  return rows ? rows.length : rowCount('x', x as readonly unknown[]);
}

export function checkRowCount(name: string, rows: number, expected: number): void {
  if (rows !== expected) throw new RangeError(`Expected ${name} to have ${expected} rows, got ${rows}`);
}
