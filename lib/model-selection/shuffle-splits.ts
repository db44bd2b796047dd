import { allocate } from '../allocate.js';
import { NDArray } from '../array.js';
import { checkInteger, checkOptions } from '../check.js';
import type { Labels } from '../labels.js';
import { checkRandomState, type RandomState } from '../random.js';
import { registerFields } from '../saved.js';
import { countRows, type RowsInput, type Split } from './folds.js';
import { checkGroups } from './group-folds.js';
import { checkStrata, drawSplit, splitSizes, stratifiedIndices } from './splits.js';

export interface ShuffleSplitOptions {
  /** How many splits are drawn. Default: 10; of `GroupShuffleSplit` 5. */
  nSplits?: number;
  /** As in trainTestSplit. Default: the rows not in the training set, else 0.1; of `GroupShuffleSplit` 0.2 */
  testSize?: number;
  /** As in trainTestSplit. Default: the rows not in the test set. */
  trainSize?: number;
  /** A seed (the same splits at every call) or a RandomState (drawn from at every call). */
  randomState?: number | RandomState;
}

abstract class ShuffleSplits {
  readonly nSplits: number;
  readonly testSize: number | undefined;
  readonly trainSize: number | undefined;
  readonly randomState: number | RandomState | undefined;

  constructor(options: ShuffleSplitOptions, nSplits: number) {
    checkOptions('options', options, ['nSplits', 'testSize', 'trainSize', 'randomState']);
    this.nSplits = checkInteger('nSplits', options.nSplits ?? nSplits, 1);
    this.testSize = options.testSize;
    this.trainSize = options.trainSize;
    this.randomState = options.randomState;
    if (options.randomState !== undefined) checkRandomState(options.randomState);
  }

  protected *draws(draw: (random: RandomState) => Split): Generator<Split> {
    const random = checkRandomState(this.randomState);
    for (let i = 0; i < this.nSplits; i++) yield draw(random);
  }
}

/** Random splits, whose test sets may have rows in common: scikit-learn's `ShuffleSplit`, row for row. */
export class ShuffleSplit extends ShuffleSplits {
  static readonly className = 'ShuffleSplit';

  static {
    registerFields(ShuffleSplit);
  }

  constructor(options: ShuffleSplitOptions = {}) {
    super(options, 10);
  }

  /** @param x anything with rows; its values are not read */
  split(x: RowsInput): Iterable<Split> {
    const sizes = splitSizes(countRows(x), this.testSize, this.trainSize, 0.1);
    return this.draws((random) => drawSplit(sizes, random));
  }
}

export type StratifiedShuffleSplitOptions = ShuffleSplitOptions;

/** Random splits that keep the classes' shares: scikit-learn's `StratifiedShuffleSplit`, row for row. */
export class StratifiedShuffleSplit extends ShuffleSplits {
  static readonly className = 'StratifiedShuffleSplit';

  static {
    registerFields(StratifiedShuffleSplit);
  }

  constructor(options: StratifiedShuffleSplitOptions = {}) {
    super(options, 10);
  }

  /**
   * @param x anything with rows; its values are not read
   * @param y the class of every row, or rows of 0s and 1s (multi-label)
   */
  split(x: RowsInput, y: Labels): Iterable<Split> {
    const n = countRows(x);
    const sizes = splitSizes(n, this.testSize, this.trainSize, 0.1);
    const strata = checkStrata('y', y, n, sizes);
    return this.draws((random) => stratifiedIndices(sizes, strata, random));
  }
}

/** `ShuffleSplit` of groups, to whose numbers the sizes apply: scikit-learn's `GroupShuffleSplit`, row for row. */
export class GroupShuffleSplit extends ShuffleSplits {
  static readonly className = 'GroupShuffleSplit';

  static {
    registerFields(GroupShuffleSplit);
  }

  constructor(options: ShuffleSplitOptions = {}) {
    super(options, 5);
  }

  /**
   * @param x anything with rows; its values are not read
   * @param groups the group of every row
   */
  split(x: RowsInput, _y: unknown, groups: Labels): Iterable<Split> {
    const { codes, counts } = checkGroups(groups, countRows(x));
    const sizes = splitSizes(counts.length, this.testSize, this.trainSize, 0.2, 'groups');
    return this.draws((random) => {
      const [train, test] = drawSplit(sizes, random);
      return [rowsOf(codes, train), rowsOf(codes, test)];
    });
  }
}

/** The rows of these groups, in ascending order. */
function rowsOf(codes: Int32Array, groups: NDArray): NDArray {
  const chosen = new Set(groups.data);
  const rows: number[] = [];
  codes.forEach((group, row) => {
    if (chosen.has(group)) rows.push(row);
  });
  return NDArray.wrap(allocate(Int32Array, rows));
}
