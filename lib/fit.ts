import { allocate } from './allocate.js';
import type { NativeDataset, NativeResult } from './binding.js';
import type { History, Logs } from './callbacks/callback.js';
import type { CallbackList } from './callbacks/callback-list.js';
import type { Training as Compiled, Network } from './network.js';
import { swapAverages, takeAverages } from './optimizers/averages.js';
import type { RandomState } from './random.js';
import type { Job } from './tape.js';
import { type JobStep, Pace, type Training } from './train.js';
import { TrainingInProgress } from './training-in-progress.js';

/** Samples in native memory: rows first .. first + count - 1 of the datasets. */
export interface Samples {
  x: NativeDataset;
  y: NativeDataset;
  weights?: NativeDataset;
  first: number;
  count: number;
}

export interface FitPlan {
  network: Network;
  compiled: Compiled;
  samples: Samples;
  validation?: Samples;
  batchSize: number;
  validationBatchSize: number;
  epochs: number;
  shuffle: boolean;
  random: RandomState;
  callbacks: CallbackList;
  history: History;
  /** Batches are jobs of their own, so that callbacks come between them. */
  everyBatch: boolean;
  /** Updates done so far, over all calls of fit; counted on by the loop. */
  progress: { iterations: number };
  stopRequested(): boolean;
}

/** The training loop of Keras' `fit`. */
export function* fitLoop(fit: FitPlan): Training<History> {
  const { network, compiled, samples, validation, batchSize, callbacks, history, progress, random } = fit;
  const { first, count } = samples;
  const pace = new Pace();
  const order = allocate(Int32Array, count);
  swapAverages(network, true); // where a validation was aborted
  yield* callbacks.onTrainBegin(new TrainingInProgress(fit));
  for (let epoch = callbacks.initialEpoch; epoch < fit.epochs && !fit.stopRequested(); epoch++) {
    yield* callbacks.onEpochBegin(epoch);
    for (let i = 0; i < count; i++) order[i] = first + i;
    if (fit.shuffle) random.shuffle(order);
    const totals = new Totals(network, compiled);
    for (let at = 0; at < count && !fit.stopRequested(); ) {
      const batch = Math.floor(at / batchSize);
      if (fit.everyBatch) yield* callbacks.onBatchBegin(batch);
      const end = Math.min(count, at + (fit.everyBatch ? 1 : pace.steps) * batchSize);
      const rows = order.subarray(at, end);
      const result = yield trainStep(network, samples, rows, batchSize, progress, random);
      pace.measured(result);
      totals.add(result, rows.length, batchSize);
      at = end;
      if (fit.everyBatch) yield* callbacks.onBatchEnd(batch, totals.logs());
      else yield* callbacks.onProgress(Math.ceil(end / batchSize), totals.logs());
    }
    const logs = totals.logs();
    if (validation) {
      yield* callbacks.onTestBegin();
      const scores = yield* evaluateLoop(network, compiled, validation, fit.validationBatchSize);
      yield* callbacks.onTestEnd(scores);
      for (const [name, value] of Object.entries(scores)) logs[`val_${name}`] = value;
    }
    yield* callbacks.onEpochEnd(epoch, logs);
  }
  if (progress.iterations > 0) takeAverages(network); // of optimizers with useEma
  yield* callbacks.onTrainEnd();
  return history;
}

/** The loss and the metrics over samples, weighted by batch size as Keras. */
export function* evaluateLoop(
  network: Network,
  compiled: Compiled,
  samples: Samples,
  batchSize: number,
): Training<Logs> {
  const totals = new Totals(network, compiled);
  const pace = new Pace();
  for (let at = 0; at < samples.count; ) {
    const count = Math.min(pace.steps * batchSize, samples.count - at);
    const result = yield {
      plan: network.plan,
      job: {
        program: samples.weights ? 'evaluateWeighted' : 'evaluate',
        inputs: inputsOf(network, samples),
        first: samples.first + at,
        count,
        batchSize,
      },
    };
    pace.measured(result);
    totals.add(result, count, batchSize);
    at += count;
  }
  return totals.logs();
}

/**
 * Training steps on the given rows, with the scalars (learning rate, dropout seeds) of every step. At the job's end
 * `iterations` and `random` are those of its last step, also where it was stopped before.
 */
export function trainStep(
  network: Network,
  samples: Samples,
  rows: Int32Array,
  batchSize: number,
  progress: { iterations: number },
  random: RandomState,
): JobStep {
  const { stepScalars, draws } = network.recorder;
  const steps = Math.ceil(rows.length / batchSize);
  const before = draws ? random.getState() : undefined;
  const draw = (count: number) => {
    const values = allocate(Float64Array, count * stepScalars.length);
    let k = 0;
    for (let step = 0; step < count; step++)
      for (const { next } of stepScalars) values[k++] = next(progress.iterations + step, random);
    return values;
  };
  const job = {
    program: samples.weights ? 'trainWeighted' : 'train',
    inputs: inputsOf(network, samples),
    rows,
    batchSize,
    scalars: stepScalars.map(({ scalar }) => scalar),
    values: draw(steps),
  };
  const settle = ({ steps: done }: NativeResult) => {
    if (before && done < steps) {
      random.setState(before);
      draw(done);
    }
    progress.iterations += done;
  };
  return { plan: network.plan, job, settle };
}

function inputsOf({ x, training }: Network, samples: Samples): Job['inputs'] {
  const inputs: Job['inputs'] = [[x, samples.x]];
  if (training) inputs.push([training.targets, samples.y]);
  if (training && samples.weights) inputs.push([training.weights, samples.weights]);
  return inputs;
}

/** What batches reported, summed: the loss and each metric of all samples so far. */
export class Totals {
  #network: Network;
  #compiled: Compiled;
  #samples = 0;
  #loss = 0;
  #penalty = 0;
  #counts: number[][];

  constructor(network: Network, compiled: Compiled) {
    this.#network = network;
    this.#compiled = compiled;
    this.#counts = compiled.metrics.map(() => []);
  }

  add(result: NativeResult, samples: number, batchSize: number): void {
    const { plan, training } = this.#network;
    if (!training) return;
    const size = (step: number) => Math.min(batchSize, samples - step * batchSize);
    const losses = plan.reported(result, training.loss);
    const penalties = training.penalties.map((buffer) => plan.reported(result, buffer));
    for (let step = 0; step < result.steps; step++) {
      this.#samples += size(step);
      this.#loss += losses[step];
      for (const penalty of penalties) this.#penalty += penalty[step] * size(step);
    }
    for (const [i, buffers] of training.metrics.entries()) plan.addReported(result, buffers, this.#counts[i]);
  }

  /** Loss and metrics over all samples. */
  logs(): Logs {
    const logs: Logs = { loss: (this.#loss + this.#penalty) / this.#samples };
    for (const [i, metric] of this.#compiled.metrics.entries())
      logs[metric.name] = metric.result(this.#counts[i], this.#samples);
    return logs;
  }
}
