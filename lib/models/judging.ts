import type { Recorder } from '../graph/recorder.js';
import { stepsOf } from '../graph/value.js';
import type { Metric } from '../metrics.js';
import type { Buffer } from '../tape.js';
import type { Counted, Judged } from './network.js';

/** An output as a loss and metrics are given it. */
export interface Seen {
  /** What the loss is given: the output, or what goes into its activation where that and the loss are one kernel. */
  readonly z: Buffer;
  readonly fused: boolean;
  /** Which of the output's steps count, [steps]. Absent: all */
  readonly mask?: Buffer;
}

/** The loss and the metrics of one output in one mode. */
export class Judging {
  readonly delta: Buffer;
  readonly #t: Recorder;
  readonly #judged: Judged;
  readonly #seen: Seen;
  readonly #probabilities: Buffer;
  readonly #losses: Buffer;
  /** How many steps count in the batch: here, and on all ranks. */
  readonly #valid?: Buffer;
  readonly #allValid?: Buffer;

  constructor(t: Recorder, judged: Judged, seen: Seen) {
    const { z, fused, mask } = seen;
    const { name, loss } = judged.compiled;
    if (mask && loss.ofWholeSamples)
      throw new TypeError(
        `Expected the output '${name}' to have no mask, since the loss '${loss.config.name}' is given whole samples: put a layer before it that ends masks, or weigh its steps in the loss`,
      );
    this.#t = t;
    this.#judged = judged;
    this.#seen = seen;
    this.#probabilities = fused ? t.batched('probabilities', z.shape) : z;
    this.#losses = t.batched('losses', [1]);
    this.delta = t.batched('delta', z.shape);
    if (!mask) return;
    this.#valid = t.reporting(judged, () => t.fixed('report', `${name}/valid`, [1]));
    this.#allValid = t.fixed('state', `${name}/valid of all`, [1]);
  }

  /**
   * Emits the loss of every sample and the derivative of their mean into programs whose names begin with `program`, and returns
   * which of them make up those without and those with sample weights.
   */
  emitLoss(program: string): { plain: readonly string[]; weighted: readonly string[] } {
    const t = this.#t;
    const { weights } = this.#judged;
    const [plain, weighing, bySteps] = [program, `${program}, weights`, `${program}, weights of steps`];
    t.program(plain);
    if (this.#seen.mask) this.#emitBySteps(false);
    else this.#emitOf(this.#losses, 1);
    const ones = this.#judged.compiled.metrics.some(({ isWeighted }) => isWeighted) ? [`${program}, no weights`] : [];
    for (const name of ones) {
      t.program(name);
      t.emit('fill', [weights], { N: weights.size }, { value: 1 });
    }
    if (this.#seen.mask || weights.size > 1) {
      t.program(bySteps);
      this.#emitBySteps(true);
      return { plain: [plain, ...ones], weighted: [bySteps] };
    }
    t.program(weighing);
    t.emit('weightRows', [this.#losses, weights, this.#losses], { N: 1 });
    t.emit('weightRows', [this.delta, weights, this.delta], { N: this.delta.size });
    return { plain: [plain, ...ones], weighted: [plain, weighing] };
  }

  #emitBySteps(weighted: boolean): void {
    const t = this.#t;
    const steps = stepsOf(this.#seen.z.shape);
    const losses = t.batched('losses/steps', [steps]);
    this.#emitOf(losses, steps);
    const own = this.#weights(steps, weighted);
    t.emit('weightRows', [losses, own, losses], { N: 1 }, {}, steps);
    t.emit('weightRows', [this.delta, own, this.delta], { N: this.delta.size / steps }, {}, steps);
    t.emit('sumAxis', [losses, this.#losses], { A: 1, N: steps, C: 1 }, { scale: 1 / steps });
  }

  /** Emits the sum of the losses, and what the metrics count. */
  emitMetrics(parts: readonly object[]): Judged['metrics'] {
    const t = this.#t;
    const { compiled, loss } = this.#judged;
    t.emit('sumRows', [this.#losses, loss], {});
    return compiled.metrics.map((metric, i) => t.reporting(parts[i], () => this.#emitMetric(metric)));
  }

  #emitMetric(metric: Metric): Counted {
    const t = this.#t;
    const { compiled, targets } = this.#judged;
    const { z, fused } = this.#seen;
    const output = this.#probabilities;
    const steps = stepsOf(output.shape);
    const io = { output, targets, ...(fused && { z }) };
    const weighing = this.#weighing(metric, steps);
    if (!weighing) return { sums: metric.record(t, io, output.shape) };
    const { weights, rows } = weighing;
    if (weights.size === 1) return { sums: metric.record(t, { ...io, weights }, output.shape), rows };
    if (metric.ofWholeSamples)
      throw new TypeError(
        `Expected weightedMetrics not to hold '${metric.name}', which is given whole samples: each of the ${steps} steps of the output '${compiled.name}' has a weight`,
      );
    const record = () =>
      metric.record(t, { ...this.#stepsOf(io, steps), weights: t.view(weights, [1], steps) }, output.shape.slice(-1));
    return { sums: t.times(steps, record), rows };
  }

  /** What samples, or their steps, count in a metric, and the sum of it; nothing where each counts 1. */
  #weighing(metric: Metric, steps: number): { weights: Buffer; rows: Buffer } | undefined {
    const t = this.#t;
    const mask = metric.isMasked ? this.#seen.mask : undefined;
    if (!metric.isWeighted) return mask && { weights: mask, rows: this.#valid as Buffer };
    let { weights } = this.#judged;
    if (mask) {
      const given = weights;
      weights = t.batched('steps/weights', [steps]);
      t.emit('multiply', [mask, given, weights], { N: steps });
    }
    const rows = t.fixed('report', `${metric.name}/weights`, [1]);
    t.emit('sumRows', [weights, rows], {}, {}, weights.size);
    return { weights, rows };
  }

  #emitOf(losses: Buffer, steps: number): void {
    const t = this.#t;
    const { compiled, targets } = this.#judged;
    const { z, fused } = this.#seen;
    const { delta } = this;
    const io = { output: z, targets, delta, ...(fused ? { probabilities: this.#probabilities } : {}) };
    if (steps === 1) compiled.loss.emit(t, { ...io, losses }, fused);
    else
      t.times(steps, () =>
        compiled.loss.emit(t, { ...this.#stepsOf(io, steps), losses: t.view(losses, [1], steps) }, fused),
      );
  }

  /** The same memory, a row for every step. */
  #stepsOf<B extends Record<string, Buffer>>(buffers: B, steps: number): B {
    const view = (buffer: Buffer) => this.#t.view(buffer, [buffer.size / steps], steps);
    return Object.fromEntries(Object.entries(buffers).map(([name, buffer]) => [name, view(buffer)])) as B;
  }

  /** What every step weighs in the mean over all of them. */
  #weights(steps: number, weighted: boolean): Buffer {
    const t = this.#t;
    const { mask } = this.#seen;
    const { weights } = this.#judged;
    if (!mask) return weights;
    const own = t.batched('steps/weights', [steps]);
    t.emit('sumRows', [mask, this.#valid], {}, {}, steps);
    t.emit('copy', [this.#valid, this.#allValid], { N: 1 });
    t.emit('allReduce', [this.#allValid], { G: 1 });
    t.emit('maskWeights', [mask, this.#allValid, own], {}, {}, steps);
    if (weighted) t.emit('multiply', [own, weights, own], { N: steps });
    return own;
  }
}
