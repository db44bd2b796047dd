import { setImmediate } from 'node:timers/promises';
import { allocate, filled } from '../allocate.js';
import { type ArrayInput, NDArray } from '../array.js';
import { checkInteger, checkOptions, wrongShape, wrongType } from '../check.js';
import { dense, type Features } from '../estimators/csr.js';
import { hasMethods } from '../kind.js';
import type { Labels } from '../labels.js';
import { checkRandomState, RandomState } from '../random.js';
import { averageOf } from '../scores/sums.js';
import { readFrame, type Table } from '../tables/frame.js';
import { isTableFor, takeValues } from '../tables/rows.js';
import { aborted, unlessAborted } from '../train.js';
import { type Candidate, checkScore, readSamples, readScoreOptions, type ScoreOptions } from './fits.js';
import { checkRowCount, rowCount } from './folds.js';

export interface PermutationImportanceOptions<M extends Candidate = Candidate>
  extends Pick<ScoreOptions<M>, 'scoring'> {
  /** How often each column is permuted. Default: 5 */
  nRepeats?: number;
  /** A seed or a RandomState to draw from. Default: a fresh seed */
  randomState?: number | RandomState;
  /** One weight >= 0 a sample, for the scores. */
  sampleWeight?: ArrayInput;
  /** Ends the work after the score in progress, and rejects with ERR_ABORTED. */
  signal?: AbortSignal;
}

export interface PermutationImportance {
  /** What each permutation took off the score: [features, nRepeats]. */
  importances: NDArray;
  /** The mean of each feature's importances: [features]. */
  importancesMean: NDArray;
  /** Their standard deviation, with nRepeats as the divisor: [features]. */
  importancesStd: NDArray;
  /** Of a table: the names of its columns, in the order of the importances. */
  featureNames?: readonly string[];
}

/**
 * How much worse a model scores where the values of one column are dealt out to other rows: scikit-learn's
 * `permutation_importance`, with its draws. Of columns that tell the same, each may look unimportant.
 *
 * @param model a trained model
 * @param x [n, features], dense or sparse, or a table for a pipeline; best of samples that the model was not trained on
 * @throws Error with code ERR_ABORTED after `signal` fired
 */
export async function permutationImportance<M extends Candidate>(
  model: M,
  x: Features | Table,
  y: Labels,
  options: PermutationImportanceOptions<M> = {},
): Promise<PermutationImportance> {
  checkOptions('options', options, ['scoring', 'nRepeats', 'randomState', 'sampleWeight', 'signal']);
  const { nRepeats = 5, sampleWeight } = options;
  if (!hasMethods(model, 'predict')) throw wrongType('model', 'an object with a method predict', model);
  checkInteger('nRepeats', nRepeats, 1);
  const { scorers, signal } = readScoreOptions<M>(options);
  const [scoring] = scorers.by.values();
  const columns = isTableFor(model, x) ? tableColumns(x) : matrixColumns(x as Features);
  checkRowCount('y', rowCount('y', y), columns.rows);
  const seed = checkRandomState(options.randomState).randint(0, 2 ** 31);
  const weights = sampleWeight === undefined ? [] : [{ sampleWeight }];
  const score = async (samples: ArrayInput | Table) => {
    if (signal?.aborted) throw aborted(signal, 'prediction');
    const value = await unlessAborted(scoring(model, samples, y, ...weights), signal);
    if (signal?.aborted) throw aborted(signal, 'prediction');
    await setImmediate(); // whatever else the process serves has its turn between two scores
    return checkScore(value);
  };

  const baseline = await score(columns.all);
  const importances = allocate(Float64Array, columns.count * nRepeats);
  for (let column = 0; column < columns.count; column++) {
    const permuted = columns.permuting(column);
    let repeat = column * nRepeats;
    for (const order of orders(seed, columns.rows, nRepeats))
      importances[repeat++] = baseline - (await score(permuted(order)));
  }
  const of = (column: number) => importances.subarray(column * nRepeats, (column + 1) * nRepeats);
  const mean = filled(Float64Array, columns.count, (column) => averageOf(of(column)));
  const deviation = (_: number, column: number) =>
    Math.sqrt(averageOf(of(column).map((importance) => (importance - mean[column]) ** 2)));
  return {
    importances: NDArray.wrap(importances, [columns.count, nRepeats]),
    importancesMean: NDArray.wrap(mean),
    importancesStd: NDArray.wrap(mean.map(deviation)),
    ...(columns.names && { featureNames: columns.names }),
  };
}

/** Samples whose columns can be put into another order, one at a time. */
interface Columns {
  all: ArrayInput | Table;
  rows: number;
  count: number;
  names?: readonly string[];
  /** A copy of the samples, which each call gives after it has put the column into that order of its first one. */
  permuting(column: number): (order: Int32Array) => ArrayInput | Table;
}

function matrixColumns(x: Features): Columns {
  const samples = readSamples(dense('x', x)) as NDArray;
  if (samples.ndim !== 2 || samples.size === 0) throw wrongShape('x', '[n, features]', samples.shape);
  const [rows, count] = samples.shape;
  return {
    all: samples,
    rows,
    count,
    permuting(column) {
      const copy = NDArray.from(samples);
      return (order) => {
        order.forEach((row, i) => {
          copy.data[i * count + column] = samples.data[row * count + column];
        });
        return copy;
      };
    },
  };
}

function tableColumns(x: Table): Columns {
  const frame = readFrame('x', x);
  const { names, n, width } = frame;
  if (!names) throw wrongType('x', 'a matrix, or a table whose columns have names', x);
  const all = Object.fromEntries(names.map((name, k) => [name, frame.column(k)]));
  return {
    all,
    rows: n,
    count: width,
    names,
    permuting(column) {
      const values = frame.column(column);
      return (order) => ({ ...all, [names[column]]: takeValues(values, order) });
    },
  };
}

/** Row orders, the same for every column, and each a shuffle of the one before it. */
function* orders(seed: number, rows: number, nRepeats: number): Generator<Int32Array> {
  const random = new RandomState(seed);
  const shuffled = filled(Int32Array, rows, (i) => i);
  let order = shuffled.slice();
  for (let repeat = 0; repeat < nRepeats; repeat++) {
    const before = order;
    random.shuffle(shuffled);
    order = shuffled.map((row) => before[row]);
    yield order;
  }
}
