import { filled } from '../allocate.js';
import { type ArrayInput, asArray, NDArray } from '../array.js';
import { checkInteger, checkOptions, wrongShape, wrongValue } from '../check.js';
import { registerFields } from '../saved.js';
import { checkRowCount, countRows, partition, type RowsInput, rowRange, type Split } from './folds.js';

/** Each row alone is the test set once: scikit-learn's `LeaveOneOut`. It trains as many models as there are rows. */
export class LeaveOneOut {
  static readonly className = 'LeaveOneOut';

  static {
    registerFields(LeaveOneOut);
  }

  constructor(options: Record<string, never> = {}) {
    checkOptions('options', options, []);
  }

  /** @param x anything with two rows or more; its values are not read */
  split(x: RowsInput): Iterable<Split> {
    return leftOut(checkMoreRows(x, 1), 1);
  }
}

export interface LeavePOutOptions {
  /** The rows of every test set. */
  p: number;
}

/** Every choice of `p` rows is the test set once: scikit-learn's `LeavePOut`, in its order. */
export class LeavePOut {
  static readonly className = 'LeavePOut';

  static {
    registerFields(LeavePOut);
  }

  readonly p: number;

  constructor(options: LeavePOutOptions) {
    checkOptions('options', options, ['p']);
    this.p = checkInteger('p', options.p, 1);
  }

  /** @param x anything with more rows than `p`; its values are not read */
  split(x: RowsInput): Iterable<Split> {
    return leftOut(checkMoreRows(x, this.p), this.p);
  }
}

export interface PredefinedSplitOptions {
  /** For every row the number of the fold whose test set it is in, or -1 for a row that is always trained on. */
  testFold: ArrayInput;
}

/** Folds that are given, the lowest number first: scikit-learn's `PredefinedSplit`. */
export class PredefinedSplit {
  static readonly className = 'PredefinedSplit';

  static {
    registerFields(PredefinedSplit);
  }

  /** int32 [n] */
  readonly testFold: NDArray;

  constructor(options: PredefinedSplitOptions) {
    checkOptions('options', options, ['testFold']);
    const { data, shape } = asArray('testFold', options.testFold);
    if (shape.length !== 1 || data.length === 0) throw wrongShape('testFold', 'one number a row', shape);
    const fold = (i: number) => {
      if (checkInteger(`testFold[${i}]`, data[i], -1) >= 2 ** 31)
        throw wrongValue(`testFold[${i}]`, 'below 2^31', data[i]);
      return data[i];
    };
    this.testFold = NDArray.wrap(filled(Int32Array, data.length, fold));
  }

  /** @param x anything with as many rows as `testFold`; its values are not read, and it may be left out */
  split(x?: ArrayInput | readonly unknown[]): Iterable<Split> {
    if (x !== undefined) checkRowCount('x', countRows(x), this.testFold.length);
    return this.splits();
  }

  private *splits(): Generator<Split> {
    const folds = this.testFold.data as Int32Array;
    for (const k of [...new Set(folds)].sort((a, b) => a - b)) if (k >= 0) yield partition(folds, k);
  }
}

function checkMoreRows(x: RowsInput, p: number): number {
  const n = countRows(x);
  if (n <= p) throw new RangeError(`Expected x to have more than ${p} ${p === 1 ? 'row' : 'rows'}, got ${n}`);
  return n;
}

/** Each choice of `count` of the groups is the test set once; `codes` has the group of every row. */
export function* choices(codes: Int32Array, groups: number, count: number): Generator<Split> {
  for (const chosen of combinations(groups, count)) {
    const isTest = new Set(chosen);
    yield partition(
      filled(Int32Array, codes.length, (row) => Number(isTest.has(codes[row]))),
      1,
    );
  }
}

/** The same of single rows. */
const leftOut = (n: number, p: number) => choices(rowRange(0, n).data as Int32Array, n, p);

/** Python's `combinations(range(n), count)`: the next one is written over the one before. */
function* combinations(n: number, count: number): Generator<readonly number[]> {
  const chosen = Array.from({ length: count }, (_, i) => i);
  while (true) {
    yield chosen;
    let at = count - 1;
    while (at >= 0 && chosen[at] === n - count + at) at--;
    if (at < 0) return;
    chosen[at]++;
    for (let i = at + 1; i < count; i++) chosen[i] = chosen[i - 1] + 1;
  }
}
