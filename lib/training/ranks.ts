import { allocate } from '../allocate.js';
import { joined } from '../array/memory.js';
import { NDArray } from '../array.js';
import type { NativeResult } from '../binding.js';
import { checkBoolean, failure, wrongType } from '../check.js';
import { isAbortSignal, isError, isWorld, property } from '../kind.js';
import type { World } from '../mpi/world.js';
import type { Plan } from '../plan.js';
import type { RandomState } from '../random.js';
import type { Buffer } from '../tape.js';
import { aborted, type Training } from '../train.js';
import { type Sweep, sweep } from './sweep.js';

/** Options of what several ranks do together. */
export interface DistributedOptions {
  /**
   * What `mpi.init()` of fjordnet/mpi gave: all ranks train one network, each on its rows of each batch, which has `batchSize` rows
   * for each rank. All ranks make the same call. Default: this process alone
   */
  distributed?: World;
  /** Whether each rank was given samples of its own, not all of them the same. Default false */
  shard?: boolean;
  /**
   * Whether the sums of gradients over ranks begin while others are still computed, in parts of some layers each, in place of one sum
   * behind all of them: meant for a slow link between machines, not for one machine. Default false
   */
  overlap?: boolean;
}

/** Several ranks; nothing where this process is alone. @throws TypeError for what is no world */
export function worldOf(distributed: unknown): World | undefined {
  if (distributed === undefined) return undefined;
  if (!isWorld(distributed)) throw wrongType('distributed', 'what mpi.init() of fjordnet/mpi gives', distributed);
  return distributed.size > 1 ? distributed : undefined;
}

/** The ranks of a call; nothing where this process is alone. @throws TypeError for what is no world */
export function ranksOf(options: DistributedOptions & { signal?: AbortSignal }): Ranks | undefined {
  const { distributed, signal, shard = false, overlap = false } = options ?? {}; // what it is at all is checked later
  const isShard = checkBoolean('shard', shard);
  if (isShard && distributed === undefined)
    throw new TypeError('Expected shard with distributed, as samples are those of one rank of several');
  const overlaps = checkBoolean('overlap', overlap);
  if (overlaps && distributed === undefined)
    throw new TypeError('Expected overlap with distributed, as one process alone has no sums over ranks');
  const world = worldOf(distributed);
  if (signal !== undefined && !isAbortSignal(signal)) throw wrongType('signal', 'an AbortSignal', signal);
  return world && new Ranks(world, { isShard, overlaps, signal });
}

/** What a rank tells all others between two sweeps. */
interface Word {
  readonly failed?: string;
  readonly aborted?: boolean;
  readonly stop?: boolean;
  readonly own?: unknown;
}

/** Where the words of a rank are those of another kind of call. */
export const otherCall = (rank: number) =>
  failure('ERR_MPI', `Expected the same calls on every rank, got another one on rank ${rank}`);

/** What all ranks have a copy of: weights, and the optimizer's memory. */
export interface Replica {
  readonly plan: Plan;
  readonly weights: readonly Buffer[];
  readonly memory: readonly Buffer[];
  /** Those of the weights that each rank moves by itself. */
  readonly averages?: readonly Buffer[];
  /** What is done with them. */
  readonly rules?: string;
}

/** What the jobs of a sweep over the rows of one rank need. */
export interface Ranked {
  /** [steps, 3], see NativeJob. */
  readonly shares: Int32Array;
  readonly exchange: object;
  readonly overlap: boolean;
  /** Whether this rank would have all stop, after the next step. */
  wantsStop(): boolean;
  done(result: NativeResult): void;
}

/**
 * A training as one rank has it. All ranks go through the same sweeps, and tell each other between them how they stand; within a
 * sweep whose steps end in one sum of all gradients, a number among these says that one of them is to stop. So all stop
 * after the same step, whatever the reason.
 */
export class Ranks {
  readonly rank: number;
  readonly size: number;
  readonly isShard: boolean;
  readonly #overlaps: boolean;
  readonly #world: World;
  readonly #signal?: AbortSignal;
  /** Another rank has said why it is over, or none can be reached. */
  #isOver = false;
  #isStopped = false;
  #isEnding = false;
  #wish: () => boolean = () => false;
  /** Runs a step without samples, by which a rank leaves a sweep that others are in. */
  #leaveSweep?: () => Training<void>;

  constructor(
    world: World,
    { isShard, overlaps, signal }: { isShard: boolean; overlaps: boolean; signal?: AbortSignal },
  ) {
    this.#world = world;
    this.rank = world.rank;
    this.size = world.size;
    this.isShard = isShard;
    this.#overlaps = overlaps;
    this.#signal = signal;
  }

  /** Whether all have stopped in the sweep before. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /**
   * Whether all have agreed to end the training. What this rank wants may change while they do: what comes next follows from this
   * alone.
   */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** When this rank would have all stop. */
  stopsWhere(wish: () => boolean): void {
    this.#wish = wish;
  }

  wantsStop(): boolean {
    return this.#wish() || this.#signal?.aborted === true;
  }

  /** `training`, whose errors the other ranks are told before it ends. */
  *together<R>(training: Training<R>): Training<R> {
    try {
      const result = yield* training;
      yield* this.agree();
      return result;
    } catch (error) {
      if (!this.#isOver && property(error, 'code') !== 'ERR_MPI') yield* this.#leave(error);
      throw error;
    }
  }

  *#leave(error: unknown): Training<void> {
    this.#isOver = true;
    try {
      if (this.#leaveSweep) yield* this.#leaveSweep();
      yield this.#world.allGather({ failed: isError(error) ? error.message : String(error) } satisfies Word);
    } catch {} // there is a first error
  }

  /**
   * What all ranks have to say, in their order. `stop`: whether this one would end the training, as then all do.
   * @throws Error with code ERR_RANK where one has failed, ERR_ABORTED where the signal of one has fired
   */
  *agree<T>(own?: T, stop = false): Training<{ all: T[] }> {
    const isAborted = this.#signal?.aborted === true;
    this.#isStopped = false;
    const words: Word[] = yield* this.#ask(
      this.#world.allGather({ ...(isAborted && { aborted: true }), stop, own } satisfies Word),
    );
    const other = words.findIndex(
      (word) => property(word, 'stop') === undefined && property(word, 'failed') === undefined,
    );
    if (other >= 0) {
      this.#isOver = true;
      throw otherCall(other);
    }
    const failed = words.findIndex((word) => word.failed !== undefined);
    if (failed >= 0) {
      this.#isOver = true;
      throw failure('ERR_RANK', `Rank ${failed} of ${this.size} ended the training: ${words[failed].failed}`);
    }
    const by = words.findIndex((word) => word.aborted);
    if (by >= 0) {
      this.#isOver = true;
      if (isAborted) throw aborted(this.#signal as AbortSignal);
      const message = `The training was aborted by rank ${by}; the weights are those after the last finished batch`;
      throw Object.assign(failure('ERR_ABORTED', message), { name: 'AbortError' });
    }
    this.#isEnding ||= words.some((word) => word.stop);
    return { all: words.map((word) => word.own as T) };
  }

  *sum(values: Float64Array): Training<Float64Array> {
    return yield* this.#ask(this.#world.allreduce(values, 'sum'));
  }

  *#ask<T>(asked: Promise<T>): Training<T> {
    try {
      return (yield asked) as T;
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
  }

  /** For the jobs of a sweep. `leave`: what a rank that fails in it has to do, so that the others stop */
  ranked(shares: Int32Array, leave?: (ranked: Ranked) => Training<void>): Ranked {
    const { exchange } = this.#world;
    const steps = shares.length / 3;
    let done = 0;
    const nothing = () => Int32Array.of(0, 0, shares[3 * done + 2]);
    const overlap = this.#overlaps;
    const leaving = { exchange, overlap, wantsStop: () => true, done: () => {} };
    this.#leaveSweep = leave && steps > 0 ? () => leave({ ...leaving, shares: nothing() }) : undefined;
    return {
      shares,
      exchange,
      overlap,
      wantsStop: () => this.wantsStop(),
      done: (result) => {
        done += result.steps;
        if (result.stopped) this.#isStopped = true;
        if (result.stopped || done >= steps) this.#leaveSweep = undefined;
      },
    };
  }

  /** Rank 0's generator for all. */
  *shareRandom(random: RandomState): Training<void> {
    random.setState(yield* this.#ask(this.#world.broadcast(random.getState(), 0)));
  }

  /** Rank 0's weights and memory for all; and what else is `shared`. */
  *begin<T>({ plan, weights, memory, rules = '' }: Replica, shared: T): Training<T> {
    const buffers = [...weights, ...memory];
    const codes = NDArray.wrap(Int32Array.from(rules, (c) => c.charCodeAt(0)));
    const described = JSON.stringify([plan.dtype, buffers.map(({ name, shape }) => [name, shape]), digest([codes])]);
    const { all } = yield* this.agree(described);
    const other = all.findIndex((one) => one !== all[0]);
    if (other >= 0) {
      this.#isOver = true;
      throw new TypeError(
        `Expected the same network, compiled alike, on every rank, got another one on rank ${other} than on rank 0`,
      );
    }
    const own = this.rank === 0 && { arrays: buffers.map((buffer) => plan.read(buffer)), shared };
    const given = yield* this.#ask(this.#world.broadcast(own, 0));
    if (!given || this.rank === 0) return shared;
    for (const [i, buffer] of buffers.entries()) plan.write(buffer, given.arrays[i]);
    return given.shared;
  }

  /**
   * What ranks have each by themselves comes together at an epoch's end: moving averages are those of all, averaged. What has
   * drifted apart, as on processors that round differently, is rank 0's again.
   */
  *settle({ plan, weights, memory, averages = [] }: Replica): Training<void> {
    if (averages.length > 0) {
      const sums = yield* this.sum(Float64Array.from(joined(averages.map((buffer) => plan.read(buffer).data))));
      let at = 0;
      for (const buffer of averages) {
        const mean = sums.subarray(at, at + buffer.size).map((sum) => sum / this.size);
        plan.write(buffer, NDArray.wrap(mean, buffer.shape));
        at += buffer.size;
      }
    }
    const { all } = yield* this.agree(digest(weights.map((buffer) => plan.read(buffer))));
    if (all.every((one) => one === all[0])) return;
    const buffers = [...weights, ...memory];
    const own = this.rank === 0 ? buffers.map((buffer) => plan.read(buffer)) : [];
    const given = yield* this.#ask(this.#world.broadcast(own, 0));
    if (this.rank > 0) for (const [i, buffer] of buffers.entries()) plan.write(buffer, given[i]);
  }

  /** Refuses samples that are not the same on all ranks. */
  *checkSame(digest: number | undefined, call: object): Training<void> {
    const own = { ...call, ...(this.#overlaps && { overlap: true }) };
    const { all } = yield* this.agree({ rest: JSON.stringify(own), ...(!this.isShard && { digest }) });
    for (const [rank, own] of all.entries()) {
      if (own.rest === all[0].rest && own.digest === all[0].digest) continue;
      this.#isOver = true;
      throw new RangeError(
        own.rest === all[0].rest
          ? `Expected the same samples on every rank, got others on rank ${rank} than on rank 0: seed what draws them, or set shard: true where each rank has samples of its own`
          : `Expected the same call on every rank, got ${own.rest} on rank ${rank} and ${all[0].rest} on rank 0`,
      );
    }
  }
}

/** One step without samples, after which all ranks stop. */
export const leaveSweep = (sweeping: Pick<Sweep, 'plan' | 'program' | 'ranked' | 'prepare'>): Training<void> =>
  sweep({ ...sweeping, inputs: [], rows: { first: 0, count: 0 }, batchSize: 1 }, () => undefined);

/**
 * Of a batch of m rows, which one process would have as a whole: those of this rank, from the first on. They differ by one at
 * most.
 */
export function shareOf(m: number, rank: number, size: number): [first: number, end: number] {
  return [Math.floor((m * rank) / size), Math.floor((m * (rank + 1)) / size)];
}

/** The shares of a rank of the batches over n rows, each of `whole` rows; its own are at these places among the n. */
export function sharesOfAll(n: number, whole: number, { rank, size }: Pick<Ranks, 'rank' | 'size'>) {
  const steps = Math.ceil(n / whole);
  const shares = allocate(Int32Array, 3 * steps);
  const places: [first: number, end: number][] = [];
  for (let step = 0; step < steps; step++) {
    const at = step * whole;
    const m = Math.min(whole, n - at);
    const [first, end] = shareOf(m, rank, size);
    shares.set([end - first, first, m], 3 * step);
    places.push([at + first, at + end]);
  }
  return { shares, places };
}

/** The rows at these places. */
export function rowsAt(places: readonly (readonly [first: number, end: number])[], rows: Int32Array): Int32Array {
  const own = allocate(
    Int32Array,
    places.reduce((sum, [first, end]) => sum + end - first, 0),
  );
  let at = 0;
  for (const [first, end] of places) {
    own.set(rows.subarray(first, end), at);
    at += end - first;
  }
  return own;
}

/** The shares of a rank where each has samples of its own, so many each. */
export function sharesOfEach(counts: readonly number[], batchSize: number, rank: number): Int32Array {
  const steps = Math.ceil(Math.max(...counts) / batchSize);
  const shares = allocate(Int32Array, 3 * steps);
  for (let step = 0; step < steps; step++) {
    const sizes = counts.map((count) => Math.max(0, Math.min(batchSize, count - step * batchSize)));
    shares.set(shareAmong(sizes, rank), 3 * step);
  }
  return shares;
}

/** The share of a rank in a batch to which ranks bring so many rows each. */
export function shareAmong(sizes: readonly number[], rank: number): [count: number, before: number, of: number] {
  const sum = (to: number) => sizes.slice(0, to).reduce((all, size) => all + size, 0);
  return [sizes[rank], sum(rank), sum(sizes.length)];
}

/** A number that tells samples apart, by some of their values. */
export const digestOfSamples = (arrays: readonly NDArray[]): number => digest(arrays, 2 ** 16);

/** A number that tells arrays apart: FNV-1a over their bits, of long ones over so many values at equal distances. */
function digest(arrays: readonly NDArray[], most = Number.POSITIVE_INFINITY): number {
  let hash = 0x811c9dc5;
  for (const { data } of arrays) {
    const words = new Uint32Array(data.buffer, data.byteOffset, data.byteLength / 4);
    const stride = Math.max(1, Math.floor(words.length / most)) | 1; // odd: of both halves of each number
    for (let i = 0; i < words.length; i += stride) hash = Math.imul(hash ^ words[i], 0x01000193);
  }
  return hash;
}
