import type { NativeResult } from '../binding.js';
import type { Logs } from '../callbacks/callback.js';
import { twiceIn } from '../check.js';
import type { Network } from '../models/network.js';

/** What a log of one of several outputs is called. */
export const ofOutput = (output: string, log: string): string => `${output}_${log}`;

/** What the logs of a training are called, before those of the validation. */
export function logNames(
  outputs: readonly { readonly name: string; readonly loss?: unknown }[],
  metrics: readonly { readonly name: string }[],
): string[] {
  const own = outputs.length > 1 ? outputs.filter(({ loss }) => loss).map(({ name }) => ofOutput(name, 'loss')) : [];
  return ['loss', ...own, ...metrics.map(({ name }) => name)];
}

/** Refuses logs that would overwrite others. @throws RangeError with the name */
export function checkLogNames(names: readonly string[]): void {
  const twice = twiceIn(names);
  if (twice >= 0)
    throw new RangeError(
      `Expected losses and metrics to have different names in the logs, got '${names[twice]}' twice: give an output's layer or a metric another name`,
    );
}

/** What batches reported, summed: the losses and the metrics of all samples so far. */
export class Totals {
  readonly #network: Network;
  #samples = 0;
  #penalty = 0;
  readonly #losses: number[];
  /** For each output with a loss, and each of its metrics, what that counts. */
  readonly #counts: number[][][];
  /** The same for the rows that a metric counts, where these are not the samples. */
  readonly #rows: number[][][];

  constructor(network: Network) {
    this.#network = network;
    const judged = network.training?.judged ?? [];
    this.#losses = judged.map(() => 0);
    this.#counts = judged.map(({ metrics }) => metrics.map(({ sums }) => sums.map(() => 0)));
    this.#rows = judged.map(({ metrics }) => metrics.map(({ rows }) => (rows ? [0] : [])));
  }

  /** Steps first .. end - 1 of a job. `size`: the samples of a step. */
  add(all: NativeResult, size: (step: number) => number, first = 0, end = all.steps): void {
    const { plan, training } = this.#network;
    if (!training) return;
    const result = plan.stepsOf(all, first, end);
    const penalties = training.penalties.map((buffer) => plan.reported(result, buffer));
    for (let step = 0; step < result.steps; step++) {
      const samples = size(first + step);
      this.#samples += samples;
      for (const penalty of penalties) this.#penalty += penalty[step] * samples;
    }
    for (const buffer of training.activity)
      for (const penalty of plan.reported(result, buffer)) this.#penalty += penalty;
    for (const [k, { loss, metrics }] of training.judged.entries()) {
      for (const value of plan.reported(result, loss)) this.#losses[k] += value;
      for (const [i, { sums, rows }] of metrics.entries()) {
        plan.addReported(result, sums, this.#counts[k][i]);
        if (rows) plan.addReported(result, [rows], this.#rows[k][i]);
      }
    }
  }

  /** As numbers, which those of several ranks may be added to. */
  get sums(): Float64Array {
    const sums = [this.#counts, this.#rows].flat(3);
    return Float64Array.from([this.#samples, this.#penalty, ...this.#losses, ...sums]);
  }
  set sums(values: Float64Array) {
    let at = 0;
    [this.#samples, this.#penalty] = values;
    at += 2;
    for (const list of [this.#losses, ...[this.#counts, this.#rows].flat(2)])
      for (let i = 0; i < list.length; i++) list[i] = values[at++];
  }

  /**
   * Over all samples, named as Keras does: 'loss', the sum of the outputs' by their lossWeights, and the penalties; of several
   * outputs the loss of each, such as 'kind_loss'; the metrics.
   */
  logs(): Logs {
    const judged = this.#network.training?.judged ?? [];
    let sum = 0;
    for (const [k, { compiled }] of judged.entries()) sum += compiled.lossWeight * this.#losses[k];
    const logs: Logs = { loss: (sum + this.#penalty) / this.#samples };
    const several = this.#network.outputs.length > 1;
    for (const [k, { compiled }] of judged.entries())
      if (several) logs[ofOutput(compiled.name, 'loss')] = this.#losses[k] / this.#samples;
    for (const [k, { compiled }] of judged.entries())
      for (const [i, metric] of compiled.metrics.entries())
        logs[several ? ofOutput(compiled.name, metric.name) : metric.name] = metric.result(
          this.#counts[k][i],
          this.#rows[k][i][0] ?? this.#samples,
        );
    return logs;
  }
}
