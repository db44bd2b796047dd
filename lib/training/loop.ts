import { allocate, filled } from '../allocate.js';
import { NDArray } from '../array.js';
import type { NativeResult } from '../binding.js';
import type { History, Logs } from '../callbacks/callback.js';
import type { CallbackList } from '../callbacks/callback-list.js';
import type { Network } from '../models/network.js';
import { swapAverages, takeAverages } from '../optimizers/averages.js';
import type { Optimizer } from '../optimizers.js';
import type { Job } from '../plan.js';
import type { RandomState } from '../random.js';
import { isOwnSchedule } from '../schedules.js';
import type { FloatArray } from '../tape.js';
import type { Training } from '../train.js';
import type { Chunk, Feed } from './feed.js';
import { TrainingInProgress } from './in-progress.js';
import { leaveSweep, type Ranked, type Ranks, type Replica } from './ranks.js';
import { countOf, Pace, type Prepared, type Rows, sweep } from './sweep.js';
import { Totals } from './totals.js';

/** Samples in native memory: rows first .. first + count - 1 of the datasets. */
export interface Samples {
  /** One for each input of the network. */
  readonly x: readonly Data[];
  /** One for each output with a loss. */
  readonly y: readonly Data[];
  readonly weights?: readonly Data[];
  readonly first: number;
  readonly count: number;
}

type Data = Job['inputs'][number][1];

/** A network that is being trained. */
export interface Trained {
  readonly network: Network;
  readonly optimizer: Optimizer;
  readonly random: RandomState;
  /** Updates done so far, over all calls of fit; counted on by the loop. */
  readonly progress: { iterations: number };
}

export interface FitPlan extends Trained {
  readonly feed: Feed;
  readonly validation?: Feed;
  /** Whether there is one after this epoch. */
  readonly validatesAfter: (epoch: number) => boolean;
  readonly epochs: number;
  readonly callbacks: CallbackList;
  readonly history: History;
  /** Of one of several processes that train together. */
  readonly ranks?: Ranks;
  stopRequested(): boolean;
  /** Ends training, as another rank does. */
  requestStop(): void;
}

/** The training loop of Keras' `fit`. However it ends, weights are in their place, and their moving averages in theirs. */
export function* fitLoop(fit: FitPlan): Training<History> {
  try {
    return yield* trainEpochs(fit);
  } finally {
    swapAverages(fit.network, true);
  }
}

function* trainEpochs(fit: FitPlan): Training<History> {
  const { network, feed, validation, callbacks, history, ranks } = fit;
  const [pace, validationPace] = [new Pace(), new Pace()];
  yield* callbacks.onTrainBegin(new TrainingInProgress(fit));
  const { wantsBatches } = callbacks;
  // Epochs that nobody looks at one by one, in jobs of several: of a small network a job takes less time than its way there and back.
  const isSeen = ranks || validation || callbacks.hasOthersThan(history) || isOwnSchedule(fit.optimizer.learningRate);
  const joins = feed.joins && !isSeen && !network.recorder.draws;
  const first = ranks ? yield* beginTogether(fit, ranks) : callbacks.initialEpoch;
  const leave = (ranked: Ranked) =>
    leaveSweep({ plan: network.plan, program: 'train', ranked, prepare: (steps) => scalarsOf(fit, steps) });
  const stop = () => (ranks ? ranks.isStopped : fit.stopRequested());
  const isEnding = () => (ranks ? ranks.isEnding : fit.stopRequested());
  let [epoch, batches, samples] = [first, 0, 0];
  let totals = new Totals(network);
  const endEpoch = function* (): Training<void> {
    callbacks.counted(batches, samples);
    const logs = totals.logs();
    if (validation && fit.validatesAfter(epoch)) {
      yield* callbacks.onTestBegin();
      const scores = yield* evaluateLoop(network, validation, validationPace, epoch, ranks);
      yield* callbacks.onTestEnd(scores);
      for (const [name, value] of Object.entries(scores)) logs[`val_${name}`] = value;
    }
    yield* callbacks.onEpochEnd(epoch, logs);
    [batches, samples] = [0, 0];
    totals = new Totals(network);
    epoch++;
  };
  while (epoch < fit.epochs && !isEnding()) {
    if (feed.begin && !(yield* feed.begin(epoch))) break; // which ranks have agreed upon
    yield* callbacks.onEpochBegin(epoch);
    if (ranks) yield* agreeOn(fit, ranks);
    if (isEnding()) break;
    const run = function* (chunk: Chunk): Training<void> {
      const { samples: own, rows, batchSize, meanwhile, shares, period, settle } = chunk;
      const perEpoch = period ? Math.ceil(period / batchSize) : Number.POSITIVE_INFINITY;
      const sweeping = {
        ...programOf('train', network, own),
        ...{ rows, batchSize, pace, stop },
        ...(period && { period, joined: true }),
        ...(ranks && shares && { ranked: ranks.ranked(shares, leave) }),
        prepare(steps: number): Prepared {
          const prepared = scalarsOf(fit, steps);
          if (!settle) return prepared;
          return {
            ...prepared,
            settle(result) {
              prepared.settle?.(result);
              settle(result, steps);
            },
          };
        },
        ...(meanwhile && { meanwhile }),
        ...(wantsBatches && { onBatch: () => callbacks.onBatchBegin(batches) }),
      };
      yield* sweep(sweeping, function* ({ result, sizeOf }) {
        for (let step = 0, end = 0; step < result.steps; step = end) {
          if (batches === perEpoch) yield* endEpoch();
          end = Math.min(result.steps, step + perEpoch - batches);
          totals.add(result, sizeOf, step, end);
          batches += end - step;
          for (; step < end; step++) samples += sizeOf(step);
        }
        yield* wantsBatches
          ? callbacks.onBatchEnd(batches - 1, totals.logs())
          : callbacks.onProgress(batches, totals.logs());
      });
    };
    yield* feed.each({ pace, oneByOne: wantsBatches, epochs: joins ? fit.epochs - epoch : 1, stop, run });
    if (ranks) {
      yield* agreeOn(fit, ranks);
      totals.sums = yield* ranks.sum(totals.sums);
      yield* ranks.settle(replicaOf(network));
    }
    yield* endEpoch();
    if (ranks) yield* agreeOn(fit, ranks);
  }
  if (fit.epochs > 0 && fit.progress.iterations > 0) takeAverages(network); // of optimizers with useEma
  yield* callbacks.onTrainEnd();
  return history;
}

/** Has all ranks begin where rank 0 does. Returns the first epoch. */
function* beginTogether(fit: FitPlan, ranks: Ranks): Training<number> {
  const { network, random, progress, callbacks, optimizer } = fit;
  ranks.stopsWhere(() => fit.stopRequested());
  const { learningRate } = optimizer;
  yield* ranks.shareRandom(random);
  const given = yield* ranks.begin(
    { ...replicaOf(network), rules: rulesOf(fit) },
    {
      epoch: callbacks.initialEpoch,
      iterations: progress.iterations,
      learningRate: typeof learningRate === 'number' ? learningRate : undefined,
    },
  );
  progress.iterations = given.iterations;
  if (given.learningRate !== undefined) optimizer.learningRate = given.learningRate;
  yield* agreeOn(fit, ranks);
  return given.epoch;
}

/** What every rank is to compute alike; a learning rate that is a number is rank 0's. */
function rulesOf({ network, optimizer }: FitPlan): string {
  const { learningRate, ...config } = optimizer.config;
  const rates = typeof learningRate === 'object' && { learningRate };
  return JSON.stringify({ ...config, ...rates }) + network.recorder.text;
}

const replicaOf = ({ plan, weights, recorder }: Network): Replica => ({
  plan,
  weights: weights.map(({ buffer }) => buffer),
  memory: recorder.states,
  averages: weights.filter(({ moves, weight }) => moves && !weight.trained).map(({ buffer }) => buffer),
});

/** Has all ranks stop where one is to, and go on at rank 0's learning rate. */
function* agreeOn({ optimizer, requestStop, stopRequested }: FitPlan, ranks: Ranks): Training<void> {
  const { learningRate } = optimizer;
  const { all } = yield* ranks.agree(typeof learningRate === 'number' ? learningRate : undefined, stopRequested());
  if (all[0] !== undefined && all[0] !== learningRate) optimizer.learningRate = all[0];
  if (ranks.isEnding) requestStop();
}

/** The loss and the metrics over samples, weighted by batch size as Keras. */
export function* evaluateLoop(
  network: Network,
  feed: Feed,
  pace = new Pace(),
  epoch?: number,
  ranks?: Ranks,
): Training<Logs> {
  const totals = new Totals(network);
  if (feed.begin) yield* feed.begin(epoch);
  const run = ({ samples, rows, batchSize, meanwhile, shares }: Chunk) =>
    sweep(
      {
        ...programOf('evaluate', network, samples),
        ...{ rows, batchSize, pace },
        // all of them go through all samples, as one process does
        ...(ranks && shares && { ranked: { ...ranks.ranked(shares), wantsStop: () => false } }),
        ...(meanwhile && { meanwhile }),
      },
      ({ result, sizeOf }) => {
        totals.add(result, sizeOf);
        return undefined;
      },
    );
  yield* feed.each({ pace, run });
  if (ranks) {
    yield* ranks.agree();
    totals.sums = yield* ranks.sum(totals.sums);
  }
  return totals.logs();
}

/** One update of the weights on all samples at once. Returns the loss and the metrics before it. */
export function* oneStep(trained: Trained, samples: Samples): Training<Logs> {
  const totals = new Totals(trained.network);
  totals.add(yield* onAll('train', trained, samples), () => samples.count);
  return totals.logs();
}

/** The loss of all samples at once, and its derivative by each trained weight, which stays as it is. */
export function* gradientsLoop(trained: Trained, samples: Samples): Training<{ loss: number; gradients: NDArray[] }> {
  const { network, random } = trained;
  const { plan, recorder } = network;
  const averages = network.weights.filter(({ moves, weight }) => moves && !weight.trained);
  const before = averages.map(({ buffer }) => plan.read(buffer));
  const state = random.getState();
  const totals = new Totals(network);
  const prepare = (steps: number): Prepared => {
    const { scalars, values } = scalarsOf(trained, steps);
    random.setState(state);
    // as soon as the job has ended, before anyone who waits for that reads them
    const settle = () => {
      for (const [i, { buffer }] of averages.entries()) plan.write(buffer, before[i]);
    };
    return { scalars, values, settle };
  };
  totals.add(yield* onAll('gradients', trained, samples, prepare), () => samples.count);
  const gradients = recorder.parameters.flatMap(({ gradient }) => (gradient ? [plan.read(gradient)] : []));
  return { loss: totals.logs().loss, gradients };
}

/** One update of the weights by these derivatives, of each trained weight in its order. */
export function* applyLoop(trained: Trained, gradients: readonly NDArray[]): Training<void> {
  const { network, random } = trained;
  const { plan, recorder } = network;
  const buffers = recorder.parameters.flatMap(({ gradient }) => gradient ?? []);
  for (const [i, buffer] of buffers.entries()) plan.write(buffer, gradients[i]);
  const state = random.getState();
  const prepare = (steps: number): Prepared => {
    const prepared = scalarsOf(trained, steps);
    random.setState(state); // what is drawn is for a forward pass
    return prepared;
  };
  yield* sweep(
    { plan, program: 'apply', inputs: [], rows: { first: 0, count: 1 }, batchSize: 1, prepare },
    () => undefined,
  );
}

/** The network's outputs for rows of x, [rows, ...] each. */
export function* predictLoop(
  { plan, inputs, outputs }: Pick<Network, 'plan' | 'inputs' | 'outputs'>,
  x: Samples['x'],
  rows: Rows,
  batchSize: number,
): Training<NDArray[]> {
  const n = countOf(rows);
  const own = inputs.map((buffer, i) => [buffer, x[i]] as const);
  const shapes = outputs.map(({ shape }) => [n, ...shape]);
  let all: NDArray[] | undefined;
  yield* sweep({ plan, program: 'predict', inputs: own, outputs, rows, batchSize }, ({ result, at, count }) => {
    const parts = result.outputs as FloatArray[];
    if (count === n) all = parts.map((part, i) => NDArray.wrap(part, shapes[i]));
    else {
      all ??= shapes.map((shape) => NDArray.zeros(shape, plan.dtype));
      for (const [i, part] of parts.entries()) all[i].data.set(part, at * outputs[i].size);
    }
    return undefined;
  });
  return all as NDArray[];
}

/** One batch of all samples. */
function* onAll(
  program: string,
  trained: Trained,
  samples: Samples,
  prepare = (steps: number) => scalarsOf(trained, steps),
): Training<NativeResult> {
  const rows = filled(Int32Array, samples.count, (i) => samples.first + i);
  let whole: NativeResult | undefined;
  yield* sweep(
    {
      ...programOf(program, trained.network, samples),
      rows,
      batchSize: samples.count,
      prepare,
    },
    ({ result }) => {
      whole = result;
      return undefined;
    },
  );
  return whole as NativeResult;
}

/**
 * The scalars (learning rate, dropout seeds) of so many training steps. When these have ended `iterations` and `random` are
 * those of the last one, also where a job was stopped before.
 */
function scalarsOf({ network, progress, random }: Trained, steps: number): Prepared {
  const { stepScalars, draws } = network.recorder;
  const before = draws ? random.getState() : undefined;
  const draw = (count: number) => {
    const values = allocate(Float64Array, count * stepScalars.length);
    let k = 0;
    for (let step = 0; step < count; step++)
      for (const { next } of stepScalars) values[k++] = next(progress.iterations + step, random);
    return values;
  };
  return {
    scalars: stepScalars.map(({ scalar }) => scalar),
    values: draw(steps),
    settle({ steps: done }) {
      if (before && done < steps) {
        random.setState(before);
        draw(done);
      }
      progress.iterations += done;
    },
  };
}

function programOf(
  program: string,
  { plan, inputs, training }: Network,
  { x, y, weights }: Pick<Samples, 'x' | 'y' | 'weights'>,
) {
  if (x.length === 0) return { plan, program, inputs: [] }; // of a rank that has no part in a step
  const data: Job['inputs'] = inputs.map((buffer, i) => [buffer, x[i]] as const);
  for (const [k, judged] of (training?.judged ?? []).entries()) {
    data.push([judged.targets, y[k]]);
    if (weights) data.push([judged.weights, weights[k]]);
  }
  return { plan, program: weights ? `${program}Weighted` : program, inputs: data };
}
