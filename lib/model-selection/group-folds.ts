import { extent } from '../array.js';
import { checkInteger, checkOptions, wrongType, wrongValue } from '../check.js';
import { encodeLabels, type Labels } from '../labels.js';
import { registerFields } from '../saved.js';
import {
  checkFoldRows,
  checkRowCount,
  countClasses,
  countRows,
  Folds,
  partition,
  type RowsInput,
  type Split,
} from './folds.js';
import { choices } from './left-out.js';

/**
 * K folds, where the rows of one group are in the same fold: scikit-learn's `GroupKFold`, row for row. Without `shuffle` the
 * largest groups are dealt first, each to the fold of the fewest rows; with it groups are shuffled, and folds have equally many
 * of them.
 */
export class GroupKFold extends Folds {
  static readonly className = 'GroupKFold';

  static {
    registerFields(GroupKFold);
  }

  /**
   * @param x anything with rows; its values are not read
   * @param groups the group of every row
   */
  split(x: RowsInput, _y: unknown, groups: Labels): Iterable<Split> {
    const n = checkFoldRows(x, this.nSplits);
    const { codes, counts } = checkGroups(groups, n);
    checkGroupCount(this.nSplits, counts.length);
    return this.folds(codes, counts);
  }

  private *folds(codes: Int32Array, counts: readonly number[]): Generator<Split> {
    const { nSplits, random } = this;
    const fold = new Int32Array(counts.length);
    if (random) {
      const order = random.permutation(counts.length).data;
      const [size, larger] = [Math.floor(order.length / nSplits), order.length % nSplits];
      order.forEach((group, i) => {
        fold[group] = i < larger * (size + 1) ? Math.floor(i / (size + 1)) : Math.floor((i - larger) / size);
      });
    } else {
      const rows = new Array<number>(nSplits).fill(0);
      const groups = counts.map((_, group) => group).sort((a, b) => counts[b] - counts[a] || b - a);
      for (const group of groups) {
        fold[group] = rows.indexOf(extent(rows)[0]);
        rows[fold[group]] += counts[group];
      }
    }
    const own = codes.map((group) => fold[group]);
    for (let k = 0; k < nSplits; k++) yield partition(own, k);
  }
}

/** Each group is the test set once, in the order of the sorted groups: scikit-learn's `LeaveOneGroupOut`. */
export class LeaveOneGroupOut {
  static readonly className = 'LeaveOneGroupOut';

  static {
    registerFields(LeaveOneGroupOut);
  }

  constructor(options: Record<string, never> = {}) {
    checkOptions('options', options, []);
  }

  /**
   * @param x anything with rows; its values are not read
   * @param groups the group of every row, two different ones at least
   */
  split(x: RowsInput, _y: unknown, groups: Labels): Iterable<Split> {
    return withoutGroups(x, groups, 1);
  }
}

export interface LeavePGroupsOutOptions {
  /** The groups of every test set. */
  nGroups: number;
}

/** Every choice of `nGroups` groups is the test set once: scikit-learn's `LeavePGroupsOut`, in its order. */
export class LeavePGroupsOut {
  static readonly className = 'LeavePGroupsOut';

  static {
    registerFields(LeavePGroupsOut);
  }

  readonly nGroups: number;

  constructor(options: LeavePGroupsOutOptions) {
    checkOptions('options', options, ['nGroups']);
    this.nGroups = checkInteger('nGroups', options.nGroups, 1);
  }

  /**
   * @param x anything with rows; its values are not read
   * @param groups the group of every row, more different ones than `nGroups`
   */
  split(x: RowsInput, _y: unknown, groups: Labels): Iterable<Split> {
    return withoutGroups(x, groups, this.nGroups);
  }
}

export interface Groups {
  /** For every row the number of its group among the sorted ones. */
  codes: Int32Array;
  /** The rows of every group. */
  counts: number[];
}

export function checkGroups(groups: Labels, n: number): Groups {
  if (groups === undefined || groups === null)
    throw wrongType('groups', 'the group of every row, by which the splitter splits', groups);
  const { classes, codes } = encodeLabels('groups', groups);
  checkRowCount('groups', codes.length, n);
  return { codes, counts: countClasses(codes, classes.length) };
}

export function checkGroupCount(nSplits: number, count: number): void {
  if (nSplits > count) throw wrongValue('nSplits', `at most the number of groups, ${count}`, nSplits);
}

function withoutGroups(x: RowsInput, groups: Labels, count: number): Iterable<Split> {
  const { codes, counts } = checkGroups(groups, countRows(x));
  if (counts.length <= count)
    throw new RangeError(
      `Expected groups to hold more than ${count} different ${count === 1 ? 'group' : 'groups'}, got ${counts.length}`,
    );
  return choices(codes, counts.length, count);
}
