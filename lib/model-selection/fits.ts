import { performance } from 'node:perf_hooks';
import { type ArrayInput, asArray, floatDType, NDArray } from '../array.js';
import { checkInteger, failure, wrongType } from '../check.js';
import type { Features, SparseRows } from '../estimators/csr.js';
import { getThreads } from '../info.js';
import { isNDArray, isRandomState, property } from '../kind.js';
import type { World } from '../mpi/world.js';
import { passOver } from '../random.js';
import type { Table } from '../tables/frame.js';
import { readRows, type TableRows } from '../tables/rows.js';
import { signalOf, turns, unlessAborted } from '../train.js';
import type { SearchRanks } from './ranks.js';
import { type Scorers, single } from './scorers.js';
import { type ScoringName, takesWeights } from './scoring.js';

/** What can be searched and cross-validated: an estimator, the lecture's `NeuralNetwork`, or a compiled `Sequential`. */
export interface Candidate {
  train?(options: { signal?: AbortSignal }): Promise<unknown>;
  /** May train at once, or return a promise. */
  fit?(x: any, y: any, options?: any): unknown;
  predict(x: any): unknown;
  /** Probabilities [n, classes]: what scores such as 'roc_auc' ask. */
  predictProba?(x: any): unknown;
  /** The sorted labels that the columns of predictProba are of. */
  readonly classes?: any;
  score?(x: any, y: any, options?: any): number | Promise<number>;
  /** 'classifier' for models whose folds keep the classes' shares. */
  readonly estimatorType?: 'classifier' | 'regressor' | undefined;
  getParams?(): object;
  /** Draws what its training would, where the generator is not its own. @internal */
  [passOver]?(): void;
  /** A copy that is not fitted. */
  clone?(): unknown;
}

export type Pair = readonly [x: Features | Table, y: ArrayInput | readonly unknown[]];
/** x: the rows as they were given, a table or an array. */
export type Scoring<M> = (model: M, x: any, y: Pair[1], options?: Weights) => number | Promise<number>;

export interface ScoreOptions<M extends Candidate = Candidate> {
  /**
   * Score of a model on (x, y), larger is better: a function, or a name such as 'roc_auc' (see getScorer). Default: the model's
   * own `score`, else accuracy, or R² of a network whose loss and targets are not of classes, and of a 'regressor'.
   */
  scoring?: Scoring<M> | ScoringName;
  /**
   * Passed on to `fit`, such as `{ epochs: 100, batchSize: 100 }`. With folds, what holds a value for each row, such as `sampleWeight`,
   * is split as the rows are, as in scikit-learn.
   */
  fitOptions?: Record<string, unknown>;
  /** Models in training at a time. Default: `getThreads()` */
  threads?: number;
  /** Stops all models and rejects with ERR_ABORTED; with `distributed` on all ranks. */
  signal?: AbortSignal;
  /**
   * What `mpi.init()` of fjordnet/mpi gave: models train on all ranks, each handed to the first one that is free. All ranks make the
   * same call and get the same; models have seeds of their own. Default: this process alone
   */
  distributed?: World;
}

export const SCORE_OPTIONS = ['scoring', 'fitOptions', 'threads', 'signal', 'distributed'];

/** Those of `trainAll`. @throws TypeError or RangeError naming the option */
export function readScoreOptions<M extends Candidate>(options: ScoreOptions<M>) {
  const trained = property(options.fitOptions, 'distributed');
  if (trained !== undefined) throw wrongType('fitOptions.distributed', 'undefined: the search has it', trained);
  return {
    threads: checkInteger('threads', options.threads ?? getThreads(), 1),
    scorers: single(options.scoring),
    fitOptions: options.fitOptions,
    signal: signalOf(options),
  };
}

/** What samples count in a score. */
export interface Weights {
  sampleWeight?: ArrayInput;
}

/** A model to build, train and score. */
export interface Task<M extends Candidate> {
  build(): M | Promise<M>;
  /** Asked for as it is trained. */
  fold(): Fold;
}

/** What a model is trained and scored on. */
export interface Fold {
  train: Pair;
  test?: Pair;
  /** Whether the training set is passed on to `fit`: then a method `train` will not do. */
  needsFit?: boolean;
  /** Those of this fold. Default: those of all */
  fitOptions?: Record<string, unknown>;
  /** What samples count in its scores. */
  weights?: { readonly train: Weights; readonly test: Weights };
}

/** A model that failed has an `error`, and NaN for its scores; one whose score failed NaN for that. */
export interface Outcome {
  trainScore: number;
  /** NaN without a test set. */
  testScore: number;
  /** Wall time of the training. */
  seconds: number;
  /** Of several scores each by its name; trainScore and testScore are then those that tell which is best. */
  scores?: Record<string, Scores>;
  error?: Error;
}

export interface Scores {
  trainScore: number;
  testScore: number;
}

/** What is told of a model beside, and stays within the call. */
export interface Trained extends Outcome {
  /** Wall time of the scores of the test set. */
  scoreSeconds: number;
  /** What `outputs` gave. */
  outputs?: unknown;
}

export interface FitsOptions<M extends Candidate> {
  threads: number;
  scorers: Scorers<M>;
  /** In place of scores: what is asked of each model for its test set; what travels between ranks. */
  outputs?: (model: M, x: Pair[0]) => unknown;
  /** Whether the training set is scored too. */
  scoreTrain: boolean;
  fitOptions?: Record<string, unknown>;
  signal?: AbortSignal;
  ranks?: SearchRanks | undefined;
  /** What of several ranks one is handed. */
  deal?: {
    /** The number of the next task: a larger one each time. */
    next(): Promise<number | undefined>;
    /** Is shown every model, also those of tasks that others have. */
    check(model: M): void;
  };
  /** Called as each model is done, in order of completion, and waited for; what it throws ends everything. */
  onDone(index: number, outcome: Trained, model?: M): unknown;
}

/**
 * Trains models several at a time; they are built and started in order. Those that share a RandomState train one after
 * another, so that the draws of one, and its time, do not depend on the others.
 *
 * @throws Error with code ERR_ABORTED after `signal` fired, when the models in training have stopped
 */
export async function trainAll<M extends Candidate>(
  tasks: readonly Task<M>[],
  { ranks, ...options }: FitsOptions<M>,
): Promise<void> {
  return ranks ? ranks.train(tasks, options, trainHere) : trainHere(tasks, options);
}

async function trainHere<M extends Candidate>(tasks: readonly Task<M>[], options: FitsOptions<M>): Promise<void> {
  const { threads, scorers, outputs, fitOptions, signal, deal, onDone } = options;
  let broken: { error: unknown } | undefined;
  const report = async (index: number, outcome: Trained, model?: M) => {
    if (signal?.aborted || broken) return;
    try {
      await unlessAborted(onDone(index, outcome, model), signal);
    } catch (error) {
      broken = { error };
    }
  };
  const score = async (scoring: Scoring<M>, model: M, [x, y]: Pair, weights: Weights | undefined) => {
    const isWeighted = weights && takesWeights(scoring);
    const value = await unlessAborted(isWeighted ? scoring(model, x, y, weights) : scoring(model, x, y), signal);
    return signal?.aborted ? Number.NaN : checkScore(value);
  };
  const finish = async (index: number, fold: Fold, model: M, training: unknown, start: number) => {
    const outcome = failed();
    if (scorers.areNamed) outcome.scores = namedScores(scorers);
    /** Where one score fails the others stand, as in scikit-learn. */
    const judge = async (part: keyof Scores, pair: Pair, weights: Weights | undefined) => {
      for (const [name, scoring] of scorers.by) {
        let own = Number.NaN;
        try {
          own = await score(scoring, model, pair, weights);
        } catch (error) {
          outcome.error ??= error as Error;
        }
        if (outcome.scores) outcome.scores[name][part] = own;
        if (name === scorers.refit) outcome[part] = own;
      }
    };
    try {
      await training;
      outcome.seconds = (performance.now() - start) / 1000;
      if (options.scoreTrain) await judge('trainScore', fold.train, fold.weights?.train);
      const before = performance.now();
      if (fold.test && outputs) outcome.outputs = await unlessAborted(outputs(model, fold.test[0]), signal);
      else if (fold.test) await judge('testScore', fold.test, fold.weights?.test);
      outcome.scoreSeconds = (performance.now() - before) / 1000;
    } catch (error) {
      outcome.error = error as Error;
    }
    await report(index, outcome, model);
  };

  const build = async (task: Task<M>) => {
    const model = (await unlessAborted(task.build(), signal)) as M;
    if (!signal?.aborted) deal?.check(model);
    return model;
  };
  let index = 0;
  /** What is drawn for models of other ranks is drawn here, too. */
  const passOthers = async (end: number) => {
    for (; index < end && !signal?.aborted; index++) {
      try {
        (await build(tasks[index]))?.[passOver]?.();
      } catch {} // the rank that has it says so
    }
  };

  // One model more than there are threads is in flight: its draws are made while the others train. Another rank might be free for it.
  const most = deal ? threads - 1 : threads;
  const running = new Set<Promise<void>>();
  const users = new Map<unknown, Promise<void>>();
  const turn = turns();
  try {
    while (true) {
      while (running.size > most) await Promise.race(running);
      await turn();
      if (signal?.aborted || broken) break;
      if (deal) await passOthers((await deal.next()) ?? tasks.length);
      const task = tasks[index];
      if (!task || signal?.aborted) break;
      try {
        const fold = task.fold();
        const model = await build(task);
        if (signal?.aborted) break;
        const { randomState: random } = (model?.getParams?.() ?? {}) as { randomState?: unknown };
        if (users.has(random)) await users.get(random);
        const start = performance.now();
        const training = startTraining(model, fold, fold.fitOptions ?? fitOptions, signal);
        const entry = finish(index, fold, model, training, start).finally(() => running.delete(entry));
        running.add(entry);
        if (isRandomState(random)) users.set(random, entry);
      } catch (error) {
        const outcome = failed(error);
        await report(index, scorers.areNamed ? { ...outcome, scores: namedScores(scorers) } : outcome);
      }
      index++;
    }
  } finally {
    await Promise.all(running);
  }
  if (broken) throw broken.error;
  if (signal?.aborted)
    throw Object.assign(failure('ERR_ABORTED', 'The search was aborted', { cause: signal.reason }), {
      name: 'AbortError',
    });
}

function startTraining(
  model: Candidate,
  { train: [x, y], needsFit }: Fold,
  fitOptions: Record<string, unknown> = {},
  signal?: AbortSignal,
): unknown {
  const withSignal = signal ? { signal } : {};
  if (typeof model?.train === 'function' && !needsFit) return model.train(withSignal);
  if (typeof model?.fit === 'function') return model.fit(x, y, { ...fitOptions, ...withSignal });
  throw wrongType(
    'the model',
    needsFit ? 'an object with a method fit' : 'an object with a method train or fit',
    model,
  );
}

export function checkScore(score: unknown): number {
  if (typeof score !== 'number') throw wrongType('the score', 'a number', score);
  return score;
}

const namedScores = ({ by }: Scorers<any>): Record<string, Scores> =>
  Object.fromEntries(Array.from(by.keys(), (name) => [name, { trainScore: Number.NaN, testScore: Number.NaN }]));

const failed = (error?: unknown): Trained => ({
  trainScore: Number.NaN,
  testScore: Number.NaN,
  seconds: 0,
  scoreSeconds: 0,
  ...(error === undefined ? {} : { error: error as Error }),
});

/** Samples of which parts are taken. */
export type Samples = NDArray | TableRows | SparseRows;

/** Samples of which many parts will be taken, in the floating type they are trained in; of a table and sparse rows as they are. */
export function readSamples(x: Features | Table, model?: unknown): Samples {
  const rows = readRows('x', x, model);
  if (rows) return rows;
  return isNDArray(x) ? asArray('x', x) : NDArray.from(x as ArrayInput, { dtype: floatDType(x as ArrayInput) });
}
