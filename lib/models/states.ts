import type { State } from '../graph/expand.js';
import type { Lowered } from '../graph/lower.js';
import type { Recorder } from '../graph/recorder.js';
import type { Shape, Value } from '../graph/value.js';
import type { Layer } from '../layers/layer.js';
import type { Plan } from '../plan.js';
import type { Buffer } from '../tape.js';

/** Where the states of stateful layers lie between batches. */
export class StateBuffers {
  readonly #t: Recorder;
  readonly #of = new Map<Layer, Buffer[]>();

  constructor(t: Recorder) {
    this.#t = t;
  }

  get all(): readonly Buffer[] {
    return [...this.#of.values()].flat();
  }

  /** Those of a graph, the same ones in every mode. */
  place(states: readonly State[], buffers: Map<Value, Buffer>): void {
    for (const { layer, k, before } of states) {
      const own = this.#of.get(layer) ?? [];
      this.#of.set(layer, own);
      own[k] ??= this.#t.batched(`${layer.name ?? layer.className}/state${k}`, before.shape as Shape);
      buffers.set(before, own[k]);
    }
  }

  /** Emits that the next batch begins with what this one ends with. */
  emitKeep(states: readonly State[], lowered: Lowered): void {
    for (const { before, after } of states) {
      const to = lowered.buffer(before);
      this.#t.emit('copy', [lowered.buffer(after), to], { N: to.size });
    }
  }

  /** Emits that the next batch begins with zeros. */
  emitReset(): void {
    for (const buffer of this.all) this.#t.emit('fill', [buffer], { N: buffer.size }, { value: 0 });
  }
}

/** Keeps account of the rows of a stateful network's batches, which its states belong to. */
export class States {
  readonly #plan: Plan;
  #rows?: number;
  /** Whether all states are zeros. */
  #isReset = true;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /**
   * The rows of batches of so many of `count` rows. `beside`: those of others that they have to be as many as
   * @throws RangeError unless all of them have as many rows, and as many as those before
   */
  check(count: number, batchSize: number, beside = this.#isReset ? undefined : this.#rows): number {
    const rows = Math.min(count, batchSize);
    if (count % rows > 0)
      throw new RangeError(
        `Expected a number of samples that is a multiple of batchSize ${batchSize}, as a stateful layer's states belong to the rows of a batch, got ${count}`,
      );
    if (beside !== undefined && rows !== beside)
      throw new RangeError(
        `Expected batches of ${beside} samples, to which the states of the stateful layers belong (resetStates() forgets them), got ${rows}`,
      );
    return rows;
  }

  /** Makes ready for such batches, and returns their rows. `keeps`: whether the states they end with stay. @throws as `check` does */
  enter(count: number, batchSize: number, keeps = true): number {
    const rows = this.check(count, batchSize);
    if (rows !== this.#rows) {
      this.#rows = rows;
      this.reset();
    }
    if (keeps) this.#isReset = false;
    return rows;
  }

  reset(): void {
    const rows = this.#rows;
    if (rows !== undefined)
      this.#plan.runSync({ program: 'resetStates', inputs: [], first: 0, count: rows, batchSize: rows });
    this.#isReset = true;
  }
}
