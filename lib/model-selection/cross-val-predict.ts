import { allocate } from '../allocate.js';
import { type ArrayInput, asArray, concatenated, NDArray } from '../array.js';
import { checkOneOf, checkOptions, wrongShape, wrongType } from '../check.js';
import type { Features } from '../estimators/csr.js';
import { codesOf, isWords, type Label, type Labels, readLabels, uniqueLabels } from '../labels.js';
import type { Table } from '../tables/frame.js';
import {
  type CrossValScoreOptions,
  callOf,
  checkFolds,
  type ModelSource,
  maker,
  trainFolds,
} from './cross-validation.js';
import { type Candidate, type Pair, readScoreOptions, SCORE_OPTIONS } from './fits.js';
import type { Split } from './folds.js';
import { overRanks } from './ranks.js';
import { hasColumns } from './score.js';
import { probabilitiesOf } from './scoring.js';

const METHODS = ['predict', 'predictProba', 'predictLogProba'] as const;
type Method = (typeof METHODS)[number];
/** Labels or numbers of `predict`; rows of probabilities of the others. */
type PredictedBy<P extends Method> = 'predict' extends P ? NDArray | string[] | boolean[] : NDArray;

export interface CrossValPredictOptions<M extends Candidate = Candidate, P extends Method = Method>
  extends Omit<CrossValScoreOptions<M>, 'scoring'> {
  /** What each model is asked for the rows of its test set. Default 'predict' */
  method?: P;
}

/** What a model gave for the rows of a test set. */
interface Outputs {
  words?: readonly (string | boolean)[];
  data?: NDArray['data'];
  shape?: readonly number[];
  /** What the columns are of, where the model says so. */
  classes?: readonly Label[] | undefined;
}

/**
 * What copies of an estimator, each trained on all folds but one, predict for the rows of that, in the order of the rows:
 * scikit-learn's `cross_val_predict`. It is there to be looked at, in a `confusionMatrix` or a picture: a score of it is not the mean of
 * the scores of folds.
 *
 * The columns of probabilities are the sorted labels of y. Where a training set lacks some of them, they are 0 in its test set, with a
 * warning (of logarithms the lowest number of the floating type).
 *
 * @param estimator as in `crossValScore`
 * @returns one value or row for each row of x
 * @throws RangeError if a row is in no test set or in several; the first failed fold's error, when the others are done;
 *   ERR_ABORTED after `signal` fired
 */
export async function crossValPredict<M extends Candidate, const P extends Method = 'predict'>(
  estimator: ModelSource<M>,
  x: Features | Table,
  y: Labels,
  options: CrossValPredictOptions<M, P> = {},
): Promise<PredictedBy<P>> {
  return overRanks(options, async (ranks) => {
    checkOptions('options', options, ['cv', 'groups', 'method', ...SCORE_OPTIONS.filter((name) => name !== 'scoring')]);
    const method = checkOneOf('method', options.method ?? 'predict', METHODS);
    const outputs = (model: M, rows: Pair[0]) => outputsOf(model, rows, method);
    const fits = { ...readScoreOptions<M>(options), outputs, scoreTrain: false, ranks };
    const { cv = 5 } = options;
    checkFolds(cv, options.groups);
    const make = maker(estimator);
    await ranks?.agree({ call: 'crossValPredict', method, ...callOf(estimator, [x, y], options) });
    const check = (splits: readonly Split[], { length }: { length: number }) => checkPartition(splits, length);
    const { splits, outcomes } = await trainFolds(estimator, make, [x, y], options, fits, { check });
    const parts = outcomes.map((outcome, i) => checkOutputs(outcome.outputs as Outputs, splits[i][1].length, method));
    const known = method !== 'predict' && !hasColumns('y', y) ? uniqueLabels(readLabels('y', y)) : undefined;
    return inOrder(known ? parts.map((part) => inColumns(part, known, method)) : parts, splits) as PredictedBy<P>;
  });
}

/** @throws RangeError unless each row is in one test set */
function checkPartition(splits: readonly Split[], n: number): void {
  const times = new Uint8Array(n);
  for (const [, test] of splits)
    for (const row of test.data)
      if (++times[row] > 1) throw new RangeError(`Expected each row in one test set of cv, got row ${row} in several`);
  const row = times.indexOf(0);
  if (row >= 0) throw new RangeError(`Expected each row in one test set of cv, got row ${row} in none`);
}

/** What travels between ranks, too. */
async function outputsOf(model: Candidate, x: Pair[0], method: Method): Promise<Outputs> {
  const given = method === 'predictProba' ? await probabilitiesOf(model, x) : await called(model, x, method);
  if (isWords(given)) return { words: [...given] };
  const { data, shape } = asArray(`what ${method} gives`, given as ArrayInput);
  const { classes } = model;
  const isTold = method !== 'predict' && classes !== undefined && classes !== null && classes.length > 0;
  return { data, shape, ...(isTold && { classes: Array.from(readLabels('the classes of the model', classes)) }) };
}

function called(
  model: Candidate & { predictLogProba?(x: unknown): unknown },
  x: Pair[0],
  method: 'predict' | 'predictLogProba',
) {
  if (typeof model[method] !== 'function') throw wrongType('the model', `an object with a method ${method}`, model);
  return model[method](x);
}

function checkOutputs(outputs: Outputs, rows: number, method: string): Outputs {
  const { words, shape = [words?.length ?? 0] } = outputs;
  if (shape[0] !== rows) throw wrongShape(`what ${method} gives`, `of ${rows} rows`, shape);
  return outputs;
}

/** Probabilities in the columns of all classes. */
function inColumns(outputs: Outputs, known: readonly Label[], method: string): Outputs {
  const { data, shape = [], classes } = outputs;
  if (!data || shape.length !== 2 || !classes || shape[1] !== classes.length) return outputs;
  const at = codesOf(classes, known);
  if (classes.length === known.length && at.every((code, k) => code === k)) return outputs;
  process.emitWarning(
    `A training set has ${classes.length} of the ${known.length} classes: stratified folds have all of them`,
    'UserWarning',
  );
  const all = NDArray.zeros([shape[0], known.length], data instanceof Float32Array ? 'float32' : 'float64');
  if (method === 'predictLogProba') all.data.fill(all.dtype === 'float32' ? -3.4028234663852886e38 : -Number.MAX_VALUE);
  data.forEach((value: number, i: number) => {
    const column = at[i % classes.length];
    if (column >= 0) all.data[Math.floor(i / classes.length) * known.length + column] = value;
  });
  return { data: all.data, shape: all.shape };
}

function inOrder(parts: readonly Outputs[], splits: readonly Split[]): NDArray | string[] | boolean[] {
  const rows = splits.flatMap(([, test]) => Array.from(test.data));
  if (parts.every(({ words }) => words)) {
    const ordered = new Array<string | boolean>(rows.length);
    for (const [i, word] of parts.flatMap(({ words = [] }) => words).entries()) ordered[rows[i]] = word;
    return ordered as string[] | boolean[];
  }
  const arrays = parts.map(({ words, data, shape }) =>
    data && shape ? NDArray.wrap(data, shape) : asArray('what predict gives', words as never),
  );
  const width = JSON.stringify(arrays[0].shape.slice(1));
  for (const { shape } of arrays)
    if (JSON.stringify(shape.slice(1)) !== width)
      throw wrongShape(
        'what the models give',
        `alike in all folds, [rows, ${arrays[0].shape.slice(1).join(', ')}]`,
        shape,
      );
  const isOfOneType = arrays.every(({ dtype }) => dtype === arrays[0].dtype);
  const all = concatenated(isOfOneType ? arrays : arrays.map((array) => NDArray.from(array, { dtype: 'float64' })));
  const order = allocate(Int32Array, rows.length);
  rows.forEach((row, i) => {
    order[row] = i;
  });
  return all.take(NDArray.wrap(order));
}
