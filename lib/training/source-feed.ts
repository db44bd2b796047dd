import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { joined } from '../array/memory.js';
import { binding } from '../binding.js';
import type { Shape } from '../graph/value.js';
import { forget, type Iteration, iterate, notSync, ofBatch, opened, resultOf } from '../iteration.js';
import type { FloatType } from '../tape.js';
import { isPromise, type Training, withStack } from '../train.js';
import { warn } from '../warn.js';
import type { Batch } from './batch.js';
import type { Ports } from './data.js';
import type { Chunk, Feed, Sweeping } from './feed.js';
import { type Ranks, shareAmong } from './ranks.js';
import { batchHint, isRepeatable, type Source, shareOfRank } from './source.js';
import { countOf } from './sweep.js';

/** What may lie ready for the jobs to come, in bytes; one batch may be larger. */
const MOST_AHEAD = 2 ** 24;
/** Milliseconds of reading after which others have a turn. */
const TURN = 4;

export interface SourceFeedOptions {
  /** What batches are called in messages. Default 'batch' */
  readonly name?: string;
  /** Checks and copies a batch. */
  readonly read: (given: unknown) => Batch;
  /** Default: all that the source has */
  readonly batchesPerEpoch?: number;
  /** Nothing is waited for. */
  readonly isSync: boolean;
  /** Whether training may end where the source does: else an epoch without batches is an error. */
  readonly mayEnd?: boolean;
  /** Of one of several ranks: it reads its share of a dataset, and of other sources takes every size-th batch. */
  readonly ranks?: Ranks;
}

/** A network, as batches are made ready for it. */
export interface Fed {
  readonly dtype: FloatType;
  readonly ports: Ports;
  /** States belong to batches of so many rows from now on. */
  enter(rows: number): void;
}

interface Ready extends Batch {
  readonly place: string;
}

/** The chunk of a rank that has nothing left where others have. */
const NOTHING: Chunk = { samples: { x: [], y: [] }, rows: { first: 0, count: 0 }, batchSize: 1 };

/** A chunk, and where its first batch came from. */
interface Gathered extends Chunk {
  readonly place: string;
}

/**
 * Batches of a source. Small ones are gathered into chunks for jobs of some 10 ms, which changes no bit; the next ones are
 * read while a job runs. An error of the source, or in a batch, comes after the batches before it were trained.
 */
export class SourceFeed implements Feed {
  readonly #source: Source<unknown>;
  readonly #options: SourceFeedOptions;
  /** Whether its batches are those of all ranks, and every size-th is this one's. */
  readonly #isDealt: boolean;
  #fed?: Fed;
  #iteration?: Iteration;
  /** Batches of this pass over the source, those of other ranks too. */
  #passed = 0;
  #epoch?: number;
  /** Batches of this epoch that were read, and those of other ranks before the next one. */
  #read = 0;
  #skipped = 0;
  /** Batches of all epochs. */
  #total = 0;
  #isOver = false;
  #hasRunOut = false;
  #ready: Ready[] = [];
  #shapes?: readonly Shape[];
  /** Of those that lie ready. */
  #bytes = 0;
  #gathered?: Gathered;
  #want = 1;
  #error?: { readonly error: unknown };
  #filling = false;
  #isWaiting = false;
  #isLeft = false;
  #wake?: () => void;

  constructor(source: Source<unknown>, options: SourceFeedOptions) {
    const { ranks } = options;
    const own = ranks && !ranks.isShard ? shareOfRank(source, ranks) : undefined;
    this.#source = own ?? source;
    this.#isDealt = ranks !== undefined && !ranks.isShard && !own;
    this.#options = options;
  }

  /** Of the samples of the first batch, which `begin` read, here or on another rank. */
  get shapes(): readonly Shape[] {
    return this.#shapes as readonly Shape[];
  }

  /** What the batches are for; called once that is known. */
  readyFor(fed: Fed): void {
    this.#fed = fed;
  }

  *begin(epoch?: number): Training<boolean> {
    let isBegun = yield* this.#beginOwn(epoch);
    let wasBegun = this.#total > 0;
    const { mayEnd = false, ranks } = this.#options;
    if (ranks) {
      const { all } = yield* ranks.agree({ isBegun, wasBegun, shapes: this.#shapes });
      isBegun = all.some((own) => own.isBegun);
      wasBegun = all.some((own) => own.wasBegun);
      this.#shapes ??= all.find(({ shapes }) => shapes)?.shapes;
    }
    if (isBegun) return true;
    if (wasBegun && mayEnd) {
      if (!this.#hasRunOut) this.#warnOfEnd();
      return false;
    }
    throw this.#placed(
      new RangeError(
        `Expected the source to give a batch, got none${isRepeatable(this.#source) ? '' : ': what a generator gives is read once, so give the function that gives it'}`,
      ),
    );
  }

  /** Whether this process has a batch for the epoch. */
  *#beginOwn(epoch?: number): Training<boolean> {
    if (this.#ready.length > 0 && this.#total === this.#ready.length) {
      this.#epoch = epoch; // a callback may begin with another one
      return true;
    }
    if (this.#hasRunOut) return false;
    const { batchesPerEpoch } = this.#options;
    const isFunction = typeof this.#source === 'function';
    const left = batchesPerEpoch === undefined || isFunction ? this.#leave() : undefined;
    if (left) yield left;
    this.#epoch = epoch;
    this.#read = 0;
    this.#skipped = 0;
    this.#isOver = false;
    this.#want = 1;
    yield* this.#arrive();
    return this.#gathered !== undefined || this.#ready.length > 0;
  }

  *each({ pace, oneByOne, stop, run }: Sweeping): Training<void> {
    const { batchesPerEpoch = Number.POSITIVE_INFINITY, isSync, ranks } = this.#options;
    const isOneByOne = oneByOne || ranks !== undefined;
    const ahead = () => {
      this.#want = isOneByOne ? 1 : pace.steps;
      if (!isSync) void this.#fill();
    };
    for (;;) {
      this.#want = isOneByOne ? 1 : pace.steps;
      yield* this.#arrive();
      const chunk = this.#gathered ?? this.#gather();
      this.#gathered = undefined;
      const shares = ranks && (yield* this.#sharesOf(chunk, ranks));
      if (shares ? shares[2] === 0 : !chunk) break;
      try {
        if (chunk) this.#fed?.enter(chunk.batchSize);
      } catch (error) {
        throw this.#placed(error, chunk?.place);
      }
      yield* run({ ...(chunk ?? NOTHING), ...(shares && { shares }), meanwhile: ahead });
      if (stop?.()) return;
    }
    const isShort = this.#read < batchesPerEpoch && batchesPerEpoch !== Number.POSITIVE_INFINITY;
    if (isShort && this.#total > 0) this.#warnOfEnd(); // a rank may have none at all
  }

  /** What this rank has of a step: nothing where its source has ended before those of others. */
  *#sharesOf(chunk: Chunk | undefined, ranks: Ranks): Training<Int32Array> {
    const { all } = yield* ranks.agree(chunk ? countOf(chunk.rows) : 0);
    return Int32Array.from(shareAmong(all, ranks.rank));
  }

  end(): unknown {
    this.#isLeft = true;
    return this.#leave();
  }

  /** Ends the pass over the source. Gives a promise of what it does then, unless it is at work on a batch. */
  #leave(): PromiseLike<unknown> | undefined {
    const iteration = this.#iteration;
    this.#iteration = undefined;
    this.#passed = 0;
    const left = iteration?.leave();
    forget(left);
    return isPromise(left) && !this.#isWaiting && !this.#options.isSync ? left : undefined;
  }

  #warnOfEnd(): void {
    const { batchesPerEpoch } = this.#options;
    const wanted = batchesPerEpoch === undefined ? '' : ` of ${batchesPerEpoch} batches an epoch`;
    warn(
      'FJORDNET_SOURCE',
      `${this.#nextPlace()}: the source ran out of data${wanted}, and training ends; give the function that makes it, ` +
        'which is called for each epoch, or a source of more batches',
    );
    this.#hasRunOut = true;
  }

  /** Waits until a batch is there, the epoch is over, or an error comes. */
  *#arrive(): Training<void> {
    if (this.#options.isSync) this.#fillNow();
    else {
      void this.#fill();
      while (!this.#gathered && this.#ready.length === 0 && this.#filling)
        yield new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
    if (!this.#gathered && this.#ready.length === 0 && this.#error) throw this.#error.error;
  }

  get #isFull(): boolean {
    return this.#ready.length >= this.#want || this.#bytes >= MOST_AHEAD;
  }

  #fillNow(): void {
    try {
      while (!this.#error && !this.#isFull && this.#pull());
    } catch (error) {
      this.#error = { error };
    }
  }

  async #fill(): Promise<void> {
    if (this.#filling || this.#gathered || this.#error) return;
    this.#filling = true;
    try {
      let since = performance.now();
      while (!this.#isLeft && !this.#isFull) {
        const more = this.#pull();
        this.#isWaiting = isPromise(more);
        const isMore = isPromise(more) ? await more : more;
        this.#isWaiting = false;
        if (!isMore) break;
        this.#wake?.();
        if (this.#isFull || performance.now() - since < TURN) continue;
        await setImmediate();
        since = performance.now();
      }
      if (this.#fed && this.#isFull) this.#gathered = this.#gather(); // while the job before it runs
    } catch (error) {
      this.#error = { error };
    } finally {
      this.#isWaiting = false;
      this.#filling = false;
      this.#wake?.();
    }
  }

  /** Reads one batch; false where the epoch has no more. A promise where the source gives one. */
  #pull(): boolean | Promise<boolean> {
    const { batchesPerEpoch, isSync } = this.#options;
    if (this.#isOver || this.#read === batchesPerEpoch) return false;
    this.#iteration ??= this.#placing(
      iterate,
      this.#throwing(() => opened(this.#source)),
      isSync,
    );
    const given = this.#throwing(this.#iteration.next);
    if (!isPromise(given)) return this.#accept(given);
    if (isSync) throw this.#refused(given);
    return Promise.resolve(given).then(
      (result) => this.#accept(result),
      (error) => {
        throw this.#thrown(error);
      },
    );
  }

  #accept(given: unknown): boolean | Promise<boolean> {
    const { batchesPerEpoch, isSync } = this.#options;
    const result = this.#placing(resultOf, given);
    if (this.#isLeft) return false;
    if (result.done) {
      this.#iteration = undefined;
      const isAnew = batchesPerEpoch !== undefined && this.#passed > 0 && isRepeatable(this.#source);
      this.#passed = 0;
      if (isAnew) return this.#pull();
      this.#isOver = true;
      return false;
    }
    if (this.#isOthers()) {
      if (isPromise(result.value)) forget(result.value);
      this.#passed++;
      this.#skipped++;
      return this.#pull();
    }
    if (!isPromise(result.value)) return this.#take(result.value);
    if (isSync) throw this.#refused(result.value);
    return Promise.resolve(result.value).then(
      (value) => this.#take(value),
      (error) => {
        throw this.#thrown(error);
      },
    );
  }

  /** Whether the batch that comes is another rank's. */
  #isOthers(): boolean {
    const { ranks } = this.#options;
    return ranks !== undefined && this.#isDealt && this.#passed % ranks.size !== ranks.rank;
  }

  #take(given: unknown): boolean {
    if (this.#isLeft) return false;
    const batch = this.#placing(this.#options.read, given);
    this.#shapes ??= batch.shapes;
    this.#ready.push({ ...batch, place: this.#nextPlace() });
    this.#bytes += batch.bytes;
    this.#passed++;
    this.#read++;
    this.#total++;
    return true;
  }

  /** The batches that lie ready and can be steps of one job: of as many samples, but for a smaller last one. */
  #gather(): Gathered | undefined {
    const { ports, dtype } = this.#fed as Fed;
    const [first] = this.#ready;
    if (!first) return undefined;
    const fits = ({ weighted, n }: Batch) =>
      weighted === first.weighted && (ports.isStateful ? n === first.n : n <= first.n);
    let [steps, count] = [0, 0];
    for (const batch of this.#ready) {
      if (steps === this.#want || !fits(batch)) break;
      steps++;
      count += batch.n;
      if (batch.n < first.n) break;
    }
    const batches = this.#ready.splice(0, steps);
    for (const { bytes } of batches) this.#bytes -= bytes;
    const { inputs, outputs } = ports;
    const judged = outputs.filter(({ loss }) => loss);
    const wanted = [...inputs, ...judged, ...(first.weighted ? judged : [])];
    const data = wanted.map((port, k) => {
      const parts = batches.map(({ values }) => values[k]);
      const all = parts.length === 1 ? parts[0] : joined(parts);
      return new binding.Dataset(port.name, all, count, all.length / count, port.dtype ?? dtype);
    });
    const [x, y] = [inputs.length, inputs.length + judged.length];
    const samples = {
      ...{ x: data.slice(0, x), y: data.slice(x, y) },
      ...(first.weighted && { weights: data.slice(y) }),
    };
    return { samples, rows: { first: 0, count }, batchSize: first.n, place: first.place };
  }

  #nextPlace(): string {
    const { name = 'batch' } = this.#options;
    const batch = this.#read + this.#skipped;
    return this.#epoch === undefined ? `${name} ${batch}` : `${name} ${batch} of epoch ${this.#epoch}`;
  }

  #refused(given: unknown): Error {
    forget(given);
    return this.#placed(notSync(given));
  }

  #throwing<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw this.#thrown(error);
    }
  }

  #placing<A extends unknown[], T>(call: (...args: A) => T, ...args: A): T {
    try {
      return call(...args);
    } catch (error) {
      throw this.#placed(error);
    }
  }

  /** For what the source throws. It has ended then, and is not left. */
  #thrown(cause: unknown): Error {
    this.#iteration = undefined;
    return this.#framed(ofBatch(this.#nextPlace(), cause, 'the source threw: '));
  }

  /** For what is wrong with a batch. */
  #placed(cause: unknown, place = this.#nextPlace()): Error {
    return this.#framed(ofBatch(place, cause, '', batchHint(this.#source)));
  }

  /** What is read meanwhile knows not who called: the driver does. */
  #framed(error: Error): Error {
    return this.#options.isSync ? error : withStack(error, {});
  }
}
