import { filled } from '../allocate.js';
import type { Labels } from '../labels.js';
import type { RandomState } from '../random.js';
import { registerFields } from '../saved.js';
import { averageOf, columnSums, pairwiseSum } from '../scores/sums.js';
import { checkFoldClasses, Folds, partition, type RowsInput, type Split } from './folds.js';
import { checkGroupCount, checkGroups, type Groups } from './group-folds.js';

/**
 * K folds, where the rows of one group are in the same fold, and the folds' shares of the classes are as alike as that allows:
 * scikit-learn's `StratifiedGroupKFold`, row for row. Warns when a class has fewer members than there are folds.
 */
export class StratifiedGroupKFold extends Folds {
  static readonly className = 'StratifiedGroupKFold';

  static {
    registerFields(StratifiedGroupKFold);
  }

  /**
   * @param x anything with rows; its values are not read
   * @param y the class of every row
   * @param groups the group of every row
   */
  split(x: RowsInput, y: Labels, groups: Labels): Iterable<Split> {
    const members = checkFoldClasses(x, y, this.nSplits);
    const n = members.reduce((sum, rows) => sum + rows.length, 0);
    const known = checkGroups(groups, n);
    checkGroupCount(this.nSplits, known.counts.length);
    return stratifiedGroups(members, known, this.nSplits, this.random);
  }
}

/** Groups of uneven classes come first; each goes to the fold that leaves the shares of the classes most alike. */
function* stratifiedGroups(
  members: readonly number[][],
  { codes, counts }: Groups,
  nSplits: number,
  random: RandomState | undefined,
): Generator<Split> {
  const ofGroup = counts.map(() => new Array<number>(members.length).fill(0));
  members.forEach((rows, k) => {
    for (const row of rows) ofGroup[codes[row]][k]++;
  });
  const order = random ? Array.from(random.permutation(counts.length).data) : counts.map((_, group) => group);
  const spread = ofGroup.map(deviation);
  order.sort((a, b) => spread[b] - spread[a]);

  const sizes = members.map((rows) => rows.length);
  const ofFold = Array.from({ length: nSplits }, () => new Array<number>(members.length).fill(0));
  const fold = new Int32Array(counts.length);
  for (const group of order) {
    fold[group] = bestFold(ofFold, ofGroup[group], sizes);
    ofGroup[group].forEach((count, k) => {
      ofFold[fold[group]][k] += count;
    });
  }
  const own = codes.map((group) => fold[group]);
  for (let k = 0; k < nSplits; k++) yield partition(own, k);
}

function bestFold(ofFold: readonly number[][], added: readonly number[], sizes: readonly number[]): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  let fewest = Number.POSITIVE_INFINITY;
  ofFold.forEach((own, i) => {
    const shares = ofFold.flatMap((counts) =>
      counts.map((count, k) => (count + (counts === own ? added[k] : 0)) / sizes[k]),
    );
    const uneven = averageOf(columnDeviations(shares, sizes.length));
    const rows = pairwiseSum(own);
    if (uneven < least || (isClose(uneven, least) && rows < fewest)) {
      [best, least, fewest] = [i, uneven, rows];
    }
  });
  return best;
}

/** NumPy's `isclose`. */
const isClose = (a: number, b: number) =>
  a === b || (Number.isFinite(b) && Math.abs(a - b) <= 1e-8 + 1e-5 * Math.abs(b));

/** NumPy's `std`. */
const deviation = (values: readonly number[]): number => {
  const mean = averageOf(values);
  return Math.sqrt(averageOf(values.map((value) => (value - mean) ** 2)));
};

/** NumPy's `std` along axis 0 of values [n, width]. */
function columnDeviations(values: readonly number[], width: number): number[] {
  const n = values.length / width;
  const means = columnSums(values, width).map((sum) => sum / n);
  const squares = filled(Float64Array, values.length, (i) => (values[i] - means[i % width]) ** 2);
  return columnSums(squares, width).map((sum) => Math.sqrt(sum / n));
}
