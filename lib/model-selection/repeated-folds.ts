import { checkInteger, checkOptions } from '../check.js';
import type { Labels } from '../labels.js';
import { checkRandomState, type RandomState } from '../random.js';
import { registerFields } from '../saved.js';
import { checkFoldClasses, checkFoldRows, kFolds, type RowsInput, type Split, stratifiedFolds } from './folds.js';

export interface RepeatedFoldsOptions {
  /** The number of folds, at least 2. Default: 5. */
  nSplits?: number;
  /** How many times all rows are shuffled and dealt to folds. Default: 10. */
  nRepeats?: number;
  /** A seed (the same folds at every call) or a RandomState (drawn from at every call). */
  randomState?: number | RandomState;
}

abstract class RepeatedFolds {
  readonly nSplits: number;
  readonly nRepeats: number;
  readonly randomState: number | RandomState | undefined;

  constructor(options: RepeatedFoldsOptions = {}) {
    checkOptions('options', options, ['nSplits', 'nRepeats', 'randomState']);
    this.nSplits = checkInteger('nSplits', options.nSplits ?? 5, 2);
    this.nRepeats = checkInteger('nRepeats', options.nRepeats ?? 10, 1);
    this.randomState = options.randomState;
    if (options.randomState !== undefined) checkRandomState(options.randomState);
  }

  protected *repeated(folds: (random: RandomState) => Iterable<Split>): Generator<Split> {
    const random = checkRandomState(this.randomState);
    for (let i = 0; i < this.nRepeats; i++) yield* folds(random);
  }
}

/** `KFold` with shuffling, `nRepeats` times: scikit-learn's `RepeatedKFold`, row for row. */
export class RepeatedKFold extends RepeatedFolds {
  static readonly className = 'RepeatedKFold';

  static {
    registerFields(RepeatedKFold);
  }

  /** @param x anything with rows; its values are not read */
  split(x: RowsInput): Iterable<Split> {
    const n = checkFoldRows(x, this.nSplits);
    return this.repeated((random) => kFolds(n, this.nSplits, random));
  }
}

/** `StratifiedKFold` with shuffling, `nRepeats` times: scikit-learn's `RepeatedStratifiedKFold`, row for row. */
export class RepeatedStratifiedKFold extends RepeatedFolds {
  static readonly className = 'RepeatedStratifiedKFold';

  static {
    registerFields(RepeatedStratifiedKFold);
  }

  /**
   * @param x anything with rows; its values are not read
   * @param y the class of every row
   */
  split(x: RowsInput, y: Labels): Iterable<Split> {
    const members = checkFoldClasses(x, y, this.nSplits);
    return this.repeated((random) => stratifiedFolds(members, this.nSplits, random));
  }
}
