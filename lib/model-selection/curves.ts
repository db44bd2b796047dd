import { filled } from '../allocate.js';
import { type ArrayInput, asArray, NDArray } from '../array.js';
import { checkBoolean, checkInteger, checkNumber, checkOptions, wrongShape, wrongType, wrongValue } from '../check.js';
import type { Features } from '../estimators/csr.js';
import { isRandomState } from '../kind.js';
import type { Labels } from '../labels.js';
import { checkRandomState, type RandomState } from '../random.js';
import type { Table } from '../tables/frame.js';
import {
  type CrossValScoreOptions,
  callOf,
  checkFolds,
  foldOf,
  type ModelSource,
  maker,
  readFolds,
  trainTasks,
} from './cross-validation.js';
import { type Candidate, readScoreOptions, SCORE_OPTIONS, type Task, type Trained } from './fits.js';
import { rowRange, type Split } from './folds.js';
import { valuesOf } from './grid-search.js';
import { overRanks } from './ranks.js';
import { checkEstimator, copyWith } from './search.js';

/** Scores of the points of a curve over the folds: [points, folds]. */
export interface Curve {
  trainScores: NDArray;
  testScores: NDArray;
  /** Seconds of the trainings, and of the scores of the test sets. */
  fitTimes: NDArray;
  scoreTimes: NDArray;
}

export interface LearningCurveOptions<M extends Candidate = Candidate> extends CrossValScoreOptions<M> {
  /** Rows to train on: shares of the first fold's training set in (0, 1], or integers above 1. Default [0.1, 0.325, 0.55, 0.775, 1] */
  trainSizes?: ArrayInput;
  /** Whether training sets are shuffled before their first rows are taken. Default false */
  shuffle?: boolean;
  /** A seed or a RandomState to shuffle by; only with `shuffle`. Default: a fresh seed */
  randomState?: number | RandomState;
}

export interface LearningCurve extends Curve {
  /** Rows that models were trained on, ascending. */
  trainSizes: number[];
}

/**
 * Scores of copies of an estimator that were trained on more and more rows: scikit-learn's `learning_curve`, with the same rows
 * for the same `randomState`. Training and test scores that meet at a low score ask for a larger model, those that are far apart
 * for more rows.
 *
 * @param estimator as in `crossValScore`
 * @throws the first failed model's error, when the others are done; ERR_ABORTED after `signal` fired
 */
export async function learningCurve<M extends Candidate>(
  estimator: ModelSource<M>,
  x: Features | Table,
  y: Labels,
  options: LearningCurveOptions<M> = {},
): Promise<LearningCurve> {
  return overRanks(options, async (ranks) => {
    checkOptions('options', options, ['trainSizes', 'cv', 'groups', 'shuffle', 'randomState', ...SCORE_OPTIONS]);
    const { cv = 5, shuffle = false, randomState, trainSizes = [0.1, 0.325, 0.55, 0.775, 1] } = options;
    const fits = { ...readScoreOptions(options), scoreTrain: true, ranks };
    checkFolds(cv, options.groups);
    const sizes = checkSizes(trainSizes);
    if (!checkBoolean('shuffle', shuffle) && randomState !== undefined)
      throw wrongValue('randomState', 'undefined when shuffle is false', randomState);
    const random = checkRandomState(randomState);
    const make = maker(estimator);
    const drawn = isRandomState(randomState) ? 'RandomState' : randomState;
    const rule = { trainSizes: sizes, shuffle, randomState: drawn };
    await ranks?.agree({ call: 'learningCurve', ...rule, ...callOf(estimator, [x, y], options) });
    await ranks?.shareRandom(random);
    const { samples, splits, build } = await readFolds(estimator, make, [x, y], options, fits);
    const rows = rowsOf(sizes, splits[0][0].length);
    const ordered = shuffle ? splits.map(([train, test]): Split => [random.permutation(train), test]) : splits;
    const tasks = ordered.flatMap(([train, test]) =>
      rows.map((count): Task<M> => {
        const fold = () => {
          const first = train.take(rowRange(0, Math.min(count, train.length)));
          return foldOf(samples, y, [first, test], fits.fitOptions);
        };
        return { fold, build };
      }),
    );
    const { outcomes } = await trainTasks(tasks, fits);
    return { trainSizes: rows, ...curveOf(outcomes, rows.length) };
  });
}

export interface ValidationCurveOptions<M extends Candidate = Candidate> extends CrossValScoreOptions<M> {
  /** The parameter that varies, `step__parameter` of a pipeline. */
  paramName: string;
  /** Its values, the points of the curve. */
  paramRange: ArrayInput | readonly unknown[];
}

/**
 * Scores of copies of an estimator over the values of one parameter, of the training sets, too: scikit-learn's `validation_curve`.
 * Where training scores go on rising and test scores fall, the model fits what is by chance.
 *
 * @param estimator an estimator or a `Pipeline`; it stays as it is
 * @throws the first failed model's error, when the others are done; ERR_ABORTED after `signal` fired
 */
export async function validationCurve<M extends Candidate>(
  estimator: M,
  x: Features | Table,
  y: Labels,
  options: ValidationCurveOptions<M>,
): Promise<Curve> {
  return overRanks(options, async (ranks) => {
    checkOptions('options', options, ['paramName', 'paramRange', 'cv', 'groups', ...SCORE_OPTIONS]);
    const { paramName, cv = 5 } = options;
    const fits = { ...readScoreOptions(options), scoreTrain: true, ranks };
    checkFolds(cv, options.groups);
    checkEstimator(estimator);
    if (typeof paramName !== 'string') throw wrongType('paramName', 'the name of a parameter', paramName);
    const values = valuesOf('paramRange', options.paramRange);
    const make = (value: unknown) => copyWith(estimator, { [paramName]: value });
    make(values[0]);
    await ranks?.agree({ call: 'validationCurve', paramName, values, ...callOf(estimator, [x, y], options) });
    const { samples, splits } = await readFolds(estimator, () => make(values[0]), [x, y], options, fits);
    const tasks = splits.flatMap((split) =>
      values.map(
        (value): Task<M> => ({ fold: () => foldOf(samples, y, split, fits.fitOptions), build: () => make(value) }),
      ),
    );
    const { outcomes } = await trainTasks(tasks, fits);
    return curveOf(outcomes, values.length);
  });
}

/** Of outcomes fold by fold, each of all points. */
function curveOf(outcomes: readonly Trained[], points: number): Curve {
  const folds = outcomes.length / points;
  const table = (value: (outcome: Trained) => number) =>
    NDArray.wrap(
      filled(Float64Array, outcomes.length, (i) => value(outcomes[(i % folds) * points + Math.floor(i / folds)])),
      [points, folds],
    );
  return {
    trainScores: table(({ trainScore }) => trainScore),
    testScores: table(({ testScore }) => testScore),
    fitTimes: table(({ seconds }) => seconds),
    scoreTimes: table(({ scoreSeconds }) => scoreSeconds),
  };
}

/** Shares, or numbers of rows. */
function checkSizes(given: ArrayInput): number[] {
  const { data, shape } = asArray('trainSizes', given);
  if (shape.length !== 1 || data.length === 0) throw wrongShape('trainSizes', 'one size or more', shape);
  const areShares = data[0] <= 1;
  data.forEach((size: number, i: number) => {
    const name = `trainSizes[${i}]`;
    if (!areShares) checkInteger(name, size, 2);
    else if (!(checkNumber(name, size) > 0 && size <= 1))
      throw wrongValue(name, 'a share in (0, 1], as the first one is', size);
  });
  return Array.from(data);
}

/** scikit-learn's `_translate_train_sizes`: ascending, and each once. */
function rowsOf(sizes: readonly number[], most: number): number[] {
  const rows = sizes.map((size) => (size <= 1 ? Math.max(1, Math.trunc(size * most)) : size));
  for (const count of rows)
    if (count > most) throw wrongValue('trainSizes', `at most the rows of a training set, ${most}`, count);
  const different = [...new Set(rows)].sort((a, b) => a - b);
  if (different.length < rows.length)
    process.emitWarning(
      `trainSizes are ${different.length} different numbers of rows, not ${rows.length}`,
      'UserWarning',
    );
  return different;
}
