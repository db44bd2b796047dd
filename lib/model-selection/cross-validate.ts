import type { NDArray } from '../array.js';
import { checkBoolean, checkOptions, wrongValue } from '../check.js';
import type { Features } from '../estimators/csr.js';
import type { Labels } from '../labels.js';
import type { Table } from '../tables/frame.js';
import {
  type CrossValScoreOptions,
  callOf,
  checkFolds,
  type ModelSource,
  maker,
  trainFolds,
} from './cross-validation.js';
import { type Candidate, readScoreOptions, SCORE_OPTIONS, type Trained } from './fits.js';
import { overRanks } from './ranks.js';
import { readScorers, type Scorers, type Scorings } from './scorers.js';

export interface CrossValidateOptions<M extends Candidate = Candidate>
  extends Omit<CrossValScoreOptions<M>, 'scoring'> {
  /** As in crossValScore; several: a list of names, or an object of functions and names. */
  scoring?: Scorings<M>;
  /** Whether the training sets are scored, too. Default false */
  returnTrainScore?: boolean;
  /** Whether the trained models are given; not with `distributed`, where other ranks have them. Default false */
  returnEstimator?: boolean;
  /** Whether the rows of the folds are given. Default false */
  returnIndices?: boolean;
}

/** Lists of one value a fold. */
export interface CrossValidated<M> {
  /** Seconds of the training. */
  fitTime: number[];
  /** Seconds of the scores of the test set. */
  scoreTime: number[];
  /** testScore, or of several scores such as testAccuracy and testRocAuc; trainScore … with `returnTrainScore`. */
  [score: `test${string}` | `train${string}`]: number[];
  /** With `returnEstimator`. */
  estimator?: M[];
  /** With `returnIndices`. */
  indices?: { train: NDArray[]; test: NDArray[] };
}

/**
 * Scores and times of copies of an estimator, each trained on all folds but one: scikit-learn's `cross_validate`, with its names in
 * camelCase, `testScore` for one score and `testRocAuc` for 'roc_auc' among several. Several train at a time; the scores do
 * not depend on it, and times do.
 *
 * @param estimator as in `crossValScore`
 * @throws the first failed fold's error, when the others are done; ERR_ABORTED after `signal` fired
 */
export async function crossValidate<M extends Candidate>(
  estimator: ModelSource<M>,
  x: Features | Table,
  y: Labels,
  options: CrossValidateOptions<M> = {},
): Promise<CrossValidated<M>> {
  return overRanks(options, async (ranks) => {
    const own = ['returnTrainScore', 'returnEstimator', 'returnIndices'];
    checkOptions('options', options, ['cv', 'groups', ...own, ...SCORE_OPTIONS]);
    const { cv = 5, returnTrainScore = false, returnEstimator = false, returnIndices = false } = options;
    checkBoolean('returnTrainScore', returnTrainScore);
    checkBoolean('returnIndices', returnIndices);
    if (checkBoolean('returnEstimator', returnEstimator) && ranks)
      throw wrongValue('returnEstimator', 'false where distributed is given', returnEstimator);
    const scorers = readScorers(options.scoring);
    const columns = columnsOf(scorers);
    const fits = {
      ...readScoreOptions({ ...options, scoring: undefined }),
      scorers,
      scoreTrain: returnTrainScore,
      ranks,
    };
    checkFolds(cv, options.groups);
    const make = maker(estimator);
    await ranks?.agree({ call: 'crossValidate', returnTrainScore, ...callOf(estimator, [x, y], options) });
    const keepsModels = returnEstimator;
    const { splits, outcomes, models } = await trainFolds(estimator, make, [x, y], options, fits, { keepsModels });
    const of = (part: 'trainScore' | 'testScore', name: string) =>
      outcomes.map((outcome) => scoreOf(outcome, name)[part]);
    return {
      fitTime: outcomes.map(({ seconds }) => seconds),
      scoreTime: outcomes.map(({ scoreSeconds }) => scoreSeconds),
      ...(returnEstimator && { estimator: models }),
      ...(returnIndices && {
        indices: { train: splits.map(([train]) => train), test: splits.map(([, test]) => test) },
      }),
      ...Object.fromEntries(
        columns.flatMap(([name, column]) => [
          [`test${column}`, of('testScore', name)],
          ...(returnTrainScore ? [[`train${column}`, of('trainScore', name)]] : []),
        ]),
      ),
    };
  });
}

const scoreOf = (outcome: Trained, name: string) => outcome.scores?.[name] ?? outcome;

/** How scores are called in the result: 'roc_auc' as RocAuc. */
function columnsOf<M>({ by }: Scorers<M>): [name: string, column: string][] {
  const columns = Array.from(by.keys(), (name): [string, string] => [
    name,
    name.replace(/(?:^|_+)(.)/g, (_, letter: string) => letter.toUpperCase()),
  ]);
  const seen = new Map<string, string>();
  for (const [name, column] of columns) {
    const other = seen.get(column);
    if (other !== undefined)
      throw wrongValue('scoring', `names that differ in camelCase, as '${other}' does not`, name);
    seen.set(column, name);
  }
  return columns;
}
