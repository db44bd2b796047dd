import { concatenated, type NDArray } from '../array.js';
import type { History, Logs } from '../callbacks/callback.js';
import { checkOptions } from '../check.js';
import { forget, iterate, ofBatch, opened, resultOf } from '../iteration.js';
import { aborted, isPromise, signalOf, type Training, unlessAborted } from '../train.js';
import type { ByPort } from '../training/data.js';
import { ending, type Feed } from '../training/feed.js';
import { checkSourceOptions, EVALUATE_OPTIONS, FIT_OPTIONS, prepareSource, sourceWeights } from '../training/fit.js';
import { evaluateLoop, fitLoop } from '../training/loop.js';
import { type Ranks, ranksOf } from '../training/ranks.js';
import { batchHint, checkEnds, type Source, sourceOf } from '../training/source.js';
import { type Callee, checkStateless, evaluation, fitting, judgedCall, prediction, stopping } from './calls.js';
import { enter, feedOf, validationFeed } from './feeds.js';
import type {
  EvaluateOptions,
  EvaluateSourceOptions,
  FitOptions,
  FitSourceOptions,
  PredictSourceOptions,
} from './options.js';

/** What `fit` was given, arrays or a source, and its options. `isSync`: on this thread, with nothing to wait for */
export function fitCall(callee: Callee, x: unknown, y: unknown, options: FitOptions, isSync: boolean) {
  const given = sourceOf(x, y ?? options, FIT_OPTIONS);
  const own: FitOptions = given?.options ?? options;
  const ranks = ranksOf(own);
  if (own?.distributed !== undefined && isSync)
    throw new TypeError(
      'Expected fit with distributed, not fitSync, which would wait for the other ranks on this thread',
    );
  const training = given
    ? fittingSource(callee, given.source, own, isSync, ranks)
    : fitting(callee, x as ByPort, y as ByPort, own, isSync, ranks);
  // among ranks a signal is theirs to see: all of them stop after one step
  return ranks ? { training: ranks.together(training) } : { training, signal: signalOf(own) };
}

/** The same of `evaluate`. */
export function evaluateCall(callee: Callee, x: unknown, y: unknown, options: EvaluateOptions, isSync: boolean) {
  const given = sourceOf(x, y ?? options, EVALUATE_OPTIONS);
  return given
    ? { judging: evaluatingSource(callee, given.source, given.options, isSync), options: given.options }
    : { judging: evaluation(callee, x as ByPort, y as ByPort, options), options };
}

function* fittingSource(
  callee: Callee,
  source: Source<unknown>,
  options: FitSourceOptions,
  isSync: boolean,
  ranks?: Ranks,
): Training<History> {
  const { model, engine } = callee;
  const { optimizer } = engine.needCompiled();
  const { initialEpoch } = checkSourceOptions(source, options);
  const { batchesPerEpoch } = options;
  const classWeight = sourceWeights(source, options);
  const feed = feedOf(callee, source, isSync, { batchesPerEpoch, classWeight, mayEnd: true, ranks });
  const feeds: Feed[] = [feed];
  const training = function* (): Training<History> {
    const call = { batchesPerEpoch, initialEpoch, epochs: options.epochs ?? 1, ...judgedCall(options) };
    if (ranks) yield* ranks.checkSame(undefined, call);
    yield* feed.begin(initialEpoch);
    const prepared = prepareSource(model, callee.ports(feed.shapes), options);
    const network = enter(callee, feed, true);
    if (ranks) {
      checkStateless(network);
      yield* ranks.checkSame(prepared.digest, {});
    }
    const validation = validationFeed(callee, network, prepared, isSync, ranks);
    if (validation) feeds.push(validation);
    model.stopTraining = false;
    return yield* fitLoop({
      ...prepared,
      ...{ feed, validation, network, optimizer, random: engine.random, progress: engine.progress },
      ...stopping(model),
      ...(ranks && { ranks }),
    });
  };
  return yield* ending(feeds, training());
}

function* evaluatingSource(
  callee: Callee,
  source: Source<unknown>,
  options: EvaluateSourceOptions,
  isSync: boolean,
): Training<Logs> {
  checkOfSource(source, options);
  callee.engine.needCompiled();
  const feed = feedOf(callee, source, isSync, {});
  const evaluation = function* (): Training<Logs> {
    yield* feed.begin();
    const network = enter(callee, feed, false);
    return yield* evaluateLoop(network, feed);
  };
  return yield* ending([feed], evaluation());
}

/** Predictions of each batch of a source, in one array. The next batch is read while one is computed. */
export async function predictionOf(
  callee: Callee,
  source: Source<unknown>,
  options: PredictSourceOptions,
): Promise<NDArray[]> {
  checkOfSource(source, options);
  const signal = signalOf(options);
  const reader = new BatchesToPredict(source);
  const parts: NDArray[][] = [];
  try {
    for (let reading = reader.read(); ; ) {
      const result = await unlessAborted(reading, signal);
      if (!result) throw aborted(signal as AbortSignal, 'prediction');
      if (result.done) break;
      const x = Array.isArray(result.value) ? result.value[0] : result.value;
      const predicting = prediction(callee, x, { ...(signal && { signal }), batchSize: Number.MAX_SAFE_INTEGER });
      reading = reader.read();
      forget(reading); // until it is its turn
      try {
        parts.push(await predicting);
      } catch (error) {
        throw signal?.aborted ? error : ofBatch(`batch ${parts.length}`, error, '', batchHint(source));
      }
    }
  } finally {
    await reader.leave();
  }
  if (parts.length === 0) throw new RangeError('Expected the source to give a batch, got none');
  return parts[0].map((_, k) => concatenated(parts.map((arrays) => arrays[k])));
}

class BatchesToPredict {
  readonly #iteration;
  #asked = 0;
  #isReading = false;
  #isOver = false;

  constructor(source: Source<unknown>) {
    this.#iteration = iterate(opened(source), false);
  }

  async read(): Promise<{ done: boolean; value: unknown }> {
    const batch = this.#asked++;
    this.#isReading = true;
    try {
      const { done, value } = resultOf(await this.#iteration.next());
      this.#isOver = done;
      return { done, value: await value };
    } catch (error) {
      this.#isOver = true;
      throw ofBatch(`batch ${batch}`, error, 'the source threw: ');
    } finally {
      this.#isReading = false;
    }
  }

  /** What the source does then is waited for, unless it is at work on a batch. */
  async leave(): Promise<void> {
    if (this.#isOver) return;
    const left = this.#iteration.leave();
    forget(left);
    if (isPromise(left) && !this.#isReading) await left;
  }
}

function checkOfSource(source: Source<unknown>, options: object): void {
  checkEnds('the source', source);
  checkOptions('options', options, ['signal', 'batchSize', 'sampleWeight']);
  for (const name of ['batchSize', 'sampleWeight'])
    if ((options as Record<string, unknown>)[name] !== undefined)
      throw new TypeError(`Expected no ${name} with a source: its batches are taken as they come`);
}
