import type { Recorder } from '../graph/recorder.js';
import { stepsOf } from '../graph/value.js';
import type { Buffer } from '../tape.js';
import type { Judged } from './network.js';

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
    if (this.#seen.mask || weights.size > 1) {
      t.program(bySteps);
      this.#emitBySteps(true);
      return { plain: [plain], weighted: [bySteps] };
    }
    t.program(weighing);
    t.emit('weightRows', [this.#losses, weights, this.#losses], { N: 1 });
    t.emit('weightRows', [this.delta, weights, this.delta], { N: this.delta.size });
    return { plain: [plain], weighted: [plain, weighing] };
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
    const { compiled, targets, loss } = this.#judged;
    t.emit('sumRows', [this.#losses, loss], {});
    const { mask, z, fused } = this.#seen;
    const output = this.#probabilities;
    const steps = stepsOf(output.shape);
    return compiled.metrics.map((metric, i) => {
      const isByStep = mask !== undefined && metric.isWeighed;
      const io = { output, targets, ...(fused && { z }) };
      const record = () =>
        isByStep
          ? t.times(steps, () =>
              metric.record(
                t,
                { ...this.#stepsOf(io, steps), weights: t.view(mask, [1], steps) },
                output.shape.slice(-1),
              ),
            )
          : metric.record(t, io, output.shape);
      const sums = t.reporting(parts[i], record);
      return isByStep ? { sums, rows: this.#valid as Buffer } : { sums };
    });
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
