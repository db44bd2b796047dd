import { allocate } from '../allocate.js';
import { type ArrayInput, asArray, checkFinite, NDArray } from '../array.js';
import { checkBoolean, checkNumber, checkOptions, wrongType, wrongValue } from '../check.js';
import type { CSRMatrix } from '../estimators/csr.js';
import { codesOf, encodeLabels, isWords, type Labels, uniqueLabels } from '../labels.js';
import { checkRandomState, type RandomState } from '../random.js';
import type { Table } from '../tables/frame.js';
import { readRows } from '../tables/rows.js';
import type { Samples } from './fits.js';
import { checkRowCount, countClasses, groupByClass, rowRange, type Split } from './folds.js';

/** Rows that can be split: an array, labels that are strings or booleans, a table, or sparse rows. */
export type Splittable = Labels | Table | CSRMatrix;
type Part<A> = A extends readonly string[]
  ? string[]
  : A extends readonly boolean[]
    ? boolean[]
    : A extends ArrayInput | readonly (number | null)[]
      ? NDArray
      : A extends CSRMatrix
        ? CSRMatrix
        : A extends readonly (infer R)[]
          ? R[]
          : { [name in keyof A]: unknown[] };
/** Rows to take some of. */
type Rows = Samples | readonly string[] | readonly boolean[];
/** The parts of every array in turn, `Copies` of each: `[aTrain, aTest, bTrain, bTest, …]`. */
export type Parts<A extends readonly Splittable[], Copies extends readonly unknown[]> = number extends A['length']
  ? Part<A[number]>[]
  : A extends readonly [infer First, ...infer Rest extends readonly Splittable[]]
    ? [...{ [K in keyof Copies]: Part<First> }, ...Parts<Rest, Copies>]
    : [];

export interface TrainTestSplitOptions {
  /** Rows in the training set: a share in (0, 1), rounded down, or a number of rows. Default: those not in the test set. */
  trainSize?: number;
  /** Rows in the test set: a share in (0, 1), rounded up, or a number of rows. Default: those not in the training set, else 0.25. */
  testSize?: number;
  /** A seed or a RandomState to draw from. Default: a fresh seed. */
  randomState?: number | RandomState;
  /** Whether rows are shuffled; if not, the training set comes first. Default: true. */
  shuffle?: boolean;
  /** Labels whose shares of the whole both sets keep: one a row, or the 0s and 1s of several (multi-label). */
  stratify?: Labels;
}

const BEHIND_ARRAYS = 'an object, behind the list of all arrays';

/**
 * Splits arrays into a training set and a test set: scikit-learn's `train_test_split`, row for row.
 *
 * @param arrays arrays (or arrays of strings) of equally many rows
 * @returns `[aTrain, aTest, bTrain, bTest, …]`, copies
 * @throws RangeError if sizes do not fit, lengths differ, or a class to stratify by has fewer than two members
 */
export function trainTestSplit<const A extends readonly Splittable[]>(
  arrays: A,
  options: TrainTestSplitOptions = {},
): Parts<A, [0, 0]> {
  checkOptions('options', options, ['trainSize', 'testSize', 'randomState', 'shuffle', 'stratify'], BEHIND_ARRAYS);
  const sources = checkArrays('arrays', arrays);
  return distribute(sources, trainTestIndices(sources[0].length, options)) as Parts<A, [0, 0]>;
}

export interface TrainValidationTestSplitOptions extends TrainTestSplitOptions {
  /** Rows in the validation set: a share of all rows, rounded up, or a number of rows. Default: 0.2. */
  validationSize?: number;
  /** As validationSize. Default: 0.2. */
  testSize?: number;
}

/**
 * Splits arrays into a training, a validation and a test set. The rows are those of two calls of `trainTestSplit` on one
 * RandomState: the test set is split off first, then the validation set from the rest. All sizes are shares of the whole.
 *
 * @param arrays arrays (or arrays of strings) of equally many rows
 * @returns `[aTrain, aValidation, aTest, bTrain, …]`, copies
 */
export function trainValidationTestSplit<const A extends readonly Splittable[]>(
  arrays: A,
  options: TrainValidationTestSplitOptions = {},
): Parts<A, [0, 0, 0]> {
  checkOptions(
    'options',
    options,
    ['trainSize', 'validationSize', 'testSize', 'randomState', 'shuffle', 'stratify'],
    BEHIND_ARRAYS,
  );
  const { trainSize, validationSize = 0.2, testSize = 0.2, ...rest } = options;
  const sources = checkArrays('arrays', arrays);
  const n = sources[0].length;
  const nTest = resolveSize('testSize', testSize, n, Math.ceil);
  const nValidation = resolveSize('validationSize', validationSize, n, Math.ceil);
  const nTrain = trainSize === undefined ? n - nTest - nValidation : resolveSize('trainSize', trainSize, n, Math.floor);
  if (nTrain < 1 || nTrain + nValidation + nTest > n)
    throw wrongValue('the sum of the sizes', `rows for every set out of ${n}`, nTrain + nValidation + nTest);

  const random = checkRandomState(rest.randomState);
  const [others, test] = trainTestIndices(n, { ...rest, randomState: random, testSize: nTest });
  const stratify = rest.stratify === undefined ? undefined : takeRows(rest.stratify, others);
  const [train, validation] = trainTestIndices(others.length, {
    ...rest,
    randomState: random,
    trainSize: nTrain,
    testSize: nValidation,
    stratify,
  });
  return distribute(sources, [others.take(train), others.take(validation), test]) as Parts<A, [0, 0, 0]>;
}

export interface MismatchSplitOptions {
  /** Rows of the training distribution to validate on: a share, rounded up, or a number of rows. Default: 0.2. */
  trainValidationSize?: number;
  /** Rows of the test distribution to validate on: a share, rounded up, or a number of rows. Default: 0.5. */
  testValidationSize?: number;
  /** A seed or a RandomState to draw from. Default: a fresh seed. */
  randomState?: number | RandomState;
  /** Whether rows are shuffled. Default: true. */
  shuffle?: boolean;
  /** The labels to stratify by, of the training distribution's rows and of the test distribution's. */
  stratify?: readonly [Labels, Labels];
}

/**
 * Splits data of two origins for the check of a train/test mismatch: one validation set is held out of the distribution
 * that is trained on, another of the distribution that is tested on. The step in error from training to the first
 * validation set is variance, from the first to the second it is mismatch, from the second to the test set it is
 * overfitting to validation (A. Ng, "Nuts and bolts of building applications using deep learning", 2016).
 *
 * The rows are those of `trainTestSplit` on each side in turn, with one RandomState.
 *
 * @param trainArrays arrays from the training distribution
 * @param testArrays the same arrays from the test distribution
 * @returns `[aTrain, aTrainValidation, aTestValidation, aTest, bTrain, …]`, copies
 */
export function mismatchSplit<const A extends readonly Splittable[]>(
  trainArrays: A,
  testArrays: { readonly [K in keyof A]: Splittable },
  options: MismatchSplitOptions = {},
): Parts<A, [0, 0, 0, 0]> {
  checkOptions('options', options, ['trainValidationSize', 'testValidationSize', 'randomState', 'shuffle', 'stratify']);
  const trainSide = checkArrays('trainArrays', trainArrays);
  const testSide = checkArrays('testArrays', testArrays);
  if (testSide.length !== trainSide.length)
    throw wrongValue('testArrays', `an array of length ${trainSide.length}, as trainArrays is`, testArrays);
  const { trainValidationSize = 0.2, testValidationSize = 0.5, shuffle, stratify } = options;
  if (stratify !== undefined && (!Array.isArray(stratify) || stratify.length !== 2))
    throw wrongType('stratify', 'a pair of labels, for trainArrays and for testArrays', stratify);
  const nTrainValidation = resolveSize('trainValidationSize', trainValidationSize, trainSide[0].length, Math.ceil);
  const nTestValidation = resolveSize('testValidationSize', testValidationSize, testSide[0].length, Math.ceil);

  const randomState = checkRandomState(options.randomState);
  const side = (n: number, testSize: number, labels?: Labels) =>
    trainTestIndices(n, { testSize, randomState, shuffle, stratify: labels });
  const ofTrain = distribute(trainSide, side(trainSide[0].length, nTrainValidation, stratify?.[0]));
  const [test, testValidation] = side(testSide[0].length, nTestValidation, stratify?.[1]);
  const ofTest = distribute(testSide, [testValidation, test]);
  return trainSide.flatMap((_, i) => [...ofTrain.slice(2 * i, 2 * i + 2), ...ofTest.slice(2 * i, 2 * i + 2)]) as Parts<
    A,
    [0, 0, 0, 0]
  >;
}

export type Sizes = { nTrain: number; nTest: number; n: number };
export type Strata = { codes: Int32Array; counts: number[] };

function trainTestIndices(n: number, options: TrainTestSplitOptions): Split {
  const { testSize, trainSize, shuffle = true, stratify } = options;
  checkBoolean('shuffle', shuffle);
  const sizes = splitSizes(n, testSize, trainSize, 0.25);
  const { nTrain, nTest } = sizes;
  if (!shuffle) {
    if (stratify !== undefined) throw wrongValue('stratify', 'undefined when shuffle is false', stratify);
    return [rowRange(0, nTrain), rowRange(nTrain, nTest)];
  }
  if (stratify !== undefined) {
    const strata = checkStrata('stratify', stratify, n, sizes);
    return stratifiedIndices(sizes, strata, checkRandomState(options.randomState));
  }
  return drawSplit(sizes, checkRandomState(options.randomState));
}

/** One draw of scikit-learn's ShuffleSplit. */
export function drawSplit({ nTrain, nTest, n }: Sizes, random: RandomState): Split {
  const order = random.permutation(n);
  return [order.take(rowRange(nTest, nTrain)), order.take(rowRange(0, nTest))];
}

/** scikit-learn's `_validate_shuffle_split`: shares are rounded up for the test set and down for the training set. */
export function splitSizes(
  n: number,
  testSize: number | undefined,
  trainSize: number | undefined,
  byDefault: number,
  what = 'rows',
): Sizes {
  if (n === 0) throw new RangeError('Expected what is split to have at least one row, got none');
  const test = testSize === undefined && trainSize === undefined ? byDefault : testSize;
  let nTest = test === undefined ? undefined : resolveSize('testSize', test, n, Math.ceil);
  let nTrain = trainSize === undefined ? undefined : resolveSize('trainSize', trainSize, n, Math.floor);
  nTrain ??= n - nTest!;
  nTest ??= n - nTrain;
  if (nTrain + nTest > n || (test! < 1 && trainSize! < 1 && test! + trainSize! > 1))
    throw wrongValue(
      'trainSize + testSize',
      `at most all of the ${n} ${what}`,
      (test ?? nTest) + (trainSize ?? nTrain),
    );
  if (nTrain === 0) {
    const [name, size] = trainSize === undefined ? ['testSize', test] : ['trainSize', trainSize];
    throw wrongValue(name, `a size that leaves ${what} to train on out of ${n}`, size);
  }
  return { nTrain, nTest, n };
}

function resolveSize(name: string, size: number, n: number, round: (x: number) => number): number {
  const expected = `a share in (0, 1) or an integer in [1, ${n - 1}]`;
  checkNumber(name, size, expected);
  if (size <= 0 || (size >= 1 && !(Number.isInteger(size) && size < n))) throw wrongValue(name, expected, size);
  return size < 1 ? round(size * n) : size;
}

export function checkStrata(name: string, y: Labels, n: number, { nTrain, nTest }: Sizes): Strata {
  const { classes, codes } = encodeStrata(name, y);
  checkRowCount(name, codes.length, n);
  const counts = countClasses(codes, classes.length);
  const rare = counts.findIndex((count) => count < 2);
  if (rare >= 0)
    throw new RangeError(`Expected ${name} to hold every class at least twice, got class ${classes[rare]} once`);
  if (Math.min(nTrain, nTest) < classes.length) {
    const [set, size] = nTrain < classes.length ? ['training', nTrain] : ['test', nTest];
    throw new RangeError(
      `Expected the ${set} set to have a row for each of the ${classes.length} classes, got ${size}`,
    );
  }
  return { codes, counts };
}

/** Rows of several columns (multi-label) are one class for every distinct row, as in scikit-learn. */
function encodeStrata(name: string, y: Labels) {
  if (isWords(y)) return encodeLabels(name, y);
  const array = asArray(name, y as ArrayInput);
  if (array.ndim !== 2 || array.shape[1] === 1) return encodeLabels(name, array);
  checkFinite(name, array);
  const rows = array.toArray<number[][]>().map((row) => row.join(' '));
  const classes = uniqueLabels(rows);
  return { classes, codes: codesOf(rows, classes) };
}

/** One draw of scikit-learn's StratifiedShuffleSplit, with its calls of the generator in its order. */
export function stratifiedIndices({ nTrain, nTest }: Sizes, { codes, counts }: Strata, random: RandomState): Split {
  const ofTrain = approximateMode(counts, nTrain, random);
  const left = counts.map((count, k) => count - ofTrain[k]);
  const ofTest = approximateMode(left, nTest, random);
  const train: number[] = [];
  const test: number[] = [];
  groupByClass(codes, counts.length).forEach((rows, k) => {
    const order = random.permutation(rows.length).data;
    for (let i = 0; i < ofTrain[k]; i++) train.push(rows[order[i]]);
    for (let i = ofTrain[k]; i < ofTrain[k] + ofTest[k]; i++) test.push(rows[order[i]]);
  });
  const shuffled = (rows: number[]) => NDArray.wrap(allocate(Int32Array, rows)).take(random.permutation(rows.length));
  return [shuffled(train), shuffled(test)];
}

/**
 * How many of `draws` rows come from each class: the mode of the multivariate hypergeometric distribution, to within one,
 * with ties drawn at random (scikit-learn's `_approximate_mode`).
 */
function approximateMode(counts: readonly number[], draws: number, random: RandomState): number[] {
  const total = counts.reduce((a, b) => a + b, 0);
  const continuous = counts.map((count) => (count / total) * draws);
  const mode = continuous.map(Math.floor);
  const remainder = continuous.map((x, k) => x - mode[k]);
  let missing = draws - mode.reduce((a, b) => a + b, 0);
  for (const value of [...new Set(remainder)].sort((a, b) => b - a)) {
    if (missing <= 0) break;
    const tied = remainder.flatMap((r, k) => (r === value ? [k] : []));
    const count = Math.min(tied.length, missing);
    for (const i of random.permutation(tied.length).data.subarray(0, count)) mode[tied[i]]++;
    missing -= count;
  }
  return mode;
}

function checkArrays(name: string, arrays: readonly Splittable[]): Rows[] {
  if (!Array.isArray(arrays)) throw wrongType(name, 'an array of arrays', arrays);
  if (arrays.length === 0) throw wrongValue(name, 'one array or more', arrays);
  const sources = Array.from(arrays as readonly Splittable[], (a, i) => rowsOf(`${name}[${i}]`, a));
  sources.forEach((a, i) => {
    checkRowCount(`${name}[${i}]`, a.length, sources[0].length);
  });
  return sources;
}

function rowsOf(name: string, a: Splittable): Rows {
  return isWords(a) ? a : (readRows(name, a) ?? asArray(name, a as ArrayInput));
}

function distribute(sources: readonly Rows[], sets: readonly NDArray[]) {
  return sources.flatMap((a) => sets.map((rows) => (isWords(a) ? wordsAt(a, rows) : (a as Samples).take(rows))));
}

export function takeRows(a: Labels, rows: NDArray): NDArray | string[] | boolean[] {
  return isWords(a) ? wordsAt(a, rows) : asArray('array', a as ArrayInput).take(rows);
}

const wordsAt = (a: readonly string[] | readonly boolean[], rows: NDArray) =>
  Array.from(rows.data, (i) => a[i]) as string[] | boolean[];
