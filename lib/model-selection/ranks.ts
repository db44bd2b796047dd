import { asArray, NDArray } from '../array.js';
import { failure, wrongType } from '../check.js';
import { isAbortSignal, isError, isRandomState, property } from '../kind.js';
import type { World } from '../mpi/world.js';
import type { RandomState } from '../random.js';
import type { Saved } from '../saved.js';
import { otherCall, worldOf } from '../training/ranks.js';
import type { Candidate, FitsOptions, Task, Trained } from './fits.js';
import type { Split } from './folds.js';
import { fingerprint } from './journal.js';

/** Why a search is over. */
type End = { isDone: true } | { abortedBy: number } | { failed: number; message: string } | { refused: string };

/** An outcome as it travels: an error that is cloned has neither code nor name. */
type Told = Omit<Trained, 'error'> & { error?: { message: string; name: string; code: unknown; stack: unknown } };

/** To rank 0. A rank that has left says no more. */
type ToFirst =
  | { kind: 'word'; value: unknown }
  | { kind: 'free'; round: number }
  | { kind: 'done'; task: number; outcome: Told }
  | { kind: 'aborted' }
  | { kind: 'left'; failed?: string };

/** From rank 0, which says no more after the end. */
type FromFirst =
  | { kind: 'shared'; value: unknown }
  | { kind: 'task'; task: number | undefined }
  | { kind: 'over'; end: End };

/** Searches so far, which all ranks begin in the same order: each has a tag of its own. */
const begun = new WeakMap<World, number>();

/**
 * A search as one rank has it; without `distributed` as a process alone has it.
 * @throws what `search` throws on this rank. Error with code ERR_RANK where another has failed, ERR_ABORTED where the signal of one has fired
 */
export async function overRanks<R>(options: unknown, search: (ranks?: SearchRanks) => Promise<R>): Promise<R> {
  const world = worldOf(property(options, 'distributed'));
  if (!world) return search();
  const number = (begun.get(world) ?? 0) + 1;
  begun.set(world, number);
  const all = await world.allGather({ search: number });
  const other = all.findIndex((word) => property(word, 'search') !== number);
  if (other >= 0) throw otherCall(other);
  const signal = property(options, 'signal');
  return new SearchRanks(world, 4096 + (number % 16384), isAbortSignal(signal) ? signal : undefined).run(search);
}

/**
 * Rank 0 has the list of what is to be trained, hands it out to ranks as they become free, and computes itself. All words go to
 * rank 0 or come from it. They are waited for without a time limit, which collectives have: a model may take hours.
 */
export class SearchRanks {
  readonly rank: number;
  readonly #world: World;
  /** Which takes 2 ms of each program's start where it is imported. */
  readonly #v8 = process.getBuiltinModule('node:v8');
  readonly #tag: number;
  readonly #signal: AbortSignal | undefined;
  /** Stops the models of this rank. */
  readonly #stop = new AbortController();
  readonly #stopped: Promise<never>;
  readonly #words = new Queue<{ from: number; value: any }>();
  readonly #shared = new Queue<unknown>();
  readonly #tasks = new Queue<number | undefined>();
  /** Ranks that are ahead of rank 0, which has nothing to hand out yet. */
  readonly #early: number[] = [];
  readonly #sending = new Set<Promise<void>>();
  #round = 0;
  #next: () => number | undefined = () => undefined;
  #onDone: (task: number, outcome: Trained) => void = () => {};
  #end: End | undefined;
  /** What went wrong on this rank. */
  #broken: { readonly error: unknown } | undefined;

  constructor(world: World, tag: number, signal: AbortSignal | undefined) {
    this.#world = world;
    this.#tag = tag;
    this.#signal = signal;
    this.rank = world.rank;
    this.#stopped = new Promise((_, reject) =>
      this.#stop.signal.addEventListener('abort', () => reject(this.#error())),
    );
    this.#stopped.catch(() => {}); // it may be that nobody waits
  }

  /** Fires as the search ends before its time. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** All ranks leave together, and with the same end. */
  async run<R>(search: (ranks: SearchRanks) => Promise<R>): Promise<R> {
    const listening = (this.rank === 0 ? this.#hearAll() : this.#hearFirst()).catch((error) => this.#break(error));
    const abort = () => {
      if (this.rank === 0) this.#close({ abortedBy: 0 });
      else if (!this.#stop.signal.aborted) this.#tell(0, { kind: 'aborted' });
      this.#stop.abort();
    };
    this.#signal?.addEventListener('abort', abort);
    let result: R | undefined;
    try {
      if (this.#signal?.aborted) abort();
      result = await search(this);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#break(error);
    }
    this.#signal?.removeEventListener('abort', abort);
    if (this.rank > 0) this.#tell(0, { kind: 'left', ...(this.#broken && { failed: messageOf(this.#broken.error) }) });
    await listening;
    if (this.rank === 0) this.#close({ isDone: true });
    await Promise.all(this.#sending); // a collective call that came next would keep them waiting
    if (this.#broken || !this.#end || !('isDone' in this.#end)) throw this.#error();
    return result as R;
  }

  /** @throws RangeError, on all ranks, where one has made another call */
  async agree(setting: Readonly<Record<string, unknown>>): Promise<void> {
    const states = randomsIn(setting.estimator).map((random) => random.getState());
    const call = fingerprint({ ...setting, 'randomState of the estimator': states });
    for (const { from, value } of await this.#gather(call)) {
      const key = Object.keys({ ...call, ...value }).find((name) => value[name] !== call[name]);
      if (key !== undefined)
        this.#close({
          refused: `Expected the same search on every rank, got another value of ${key} on rank ${from} than on rank 0`,
        });
    }
    await this.share(true);
  }

  /** On rank 0 what the others have to say, when all have said it. */
  async #gather(own: unknown): Promise<{ from: number; value: any }[]> {
    if (this.rank > 0) this.#tell(0, { kind: 'word', value: own });
    const words = [];
    while (this.rank === 0 && words.length < this.#world.size - 1)
      words.push(await this.#unlessStopped(this.#words.take()));
    return words;
  }

  /** Rank 0's value, for all. */
  async share<T>(own: T): Promise<T> {
    if (this.rank > 0) return this.#unlessStopped(this.#shared.take() as Promise<T>);
    if (this.#stop.signal.aborted) throw this.#error();
    this.#tellAll({ kind: 'shared', value: own });
    return own;
  }

  async shareRandom(random: RandomState): Promise<void> {
    random.setState(await this.share(random.getState()));
  }

  async shareSplits(own: readonly Split[]): Promise<Split[]> {
    const all = await this.share(own.map((split) => split.map((rows) => asArray('cv', rows).data)));
    return all.map(([train, test]): Split => [NDArray.from(train), NDArray.from(test)]);
  }

  /** The model as `train` makes it on rank 0; where it cannot be saved, as it makes it on each. */
  async shareFitted<M>(model: M, train: () => unknown): Promise<M> {
    if (this.rank === 0) await train();
    const bytes = await this.share(this.rank === 0 ? bytesOf(model) : undefined);
    if (this.rank === 0) return model;
    if (bytes) return (model as { constructor: { fromBytes(bytes: Uint8Array): M } }).constructor.fromBytes(bytes);
    await train();
    return model;
  }

  /**
   * `trainAll`, with the tasks handed out. On rank 0 `onDone` is called for each as it is done, without a model where another rank
   * has trained it; on the others for all of them in the end, in their order.
   * @param trainOwn what trains those of this rank
   */
  async train<M extends Candidate>(
    tasks: readonly Task<M>[],
    { onDone, ...options }: FitsOptions<M>,
    trainOwn: (tasks: readonly Task<M>[], options: FitsOptions<M>) => Promise<void>,
  ): Promise<void> {
    this.#round++;
    const seen = new Set<unknown>();
    const check = (model: unknown) => this.#checkModel(model, seen);
    const common = { ...options, signal: this.#stop.signal };
    if (this.rank > 0) {
      const next = () => {
        this.#tell(0, { kind: 'free', round: this.#round });
        return this.#unlessStopped(this.#tasks.take());
      };
      await trainOwn(tasks, {
        ...common,
        onDone: (task, outcome) => this.#tell(0, { kind: 'done', task, outcome: told(outcome) }),
        deal: { next, check },
      });
      await this.#gather(true);
      const outcomes = await this.share<Told[]>([]);
      for (const [task, outcome] of outcomes.entries()) await onDone(task, heard(outcome));
      return;
    }
    const outcomes: Told[] = [];
    const reports: Promise<void>[] = [];
    let first = 0;
    let left = tasks.length;
    const all = new Queue<true>();
    const note = (task: number, outcome: Trained, model?: M) => {
      outcomes[task] = told(outcome);
      if (--left === 0) all.put(true);
      return onDone(task, outcome, model);
    };
    const report = async (task: number, outcome: Trained) => note(task, outcome);
    this.#onDone = (task, outcome) => {
      reports.push(report(task, outcome).then(undefined, (error) => this.#break(error)) as Promise<void>);
    };
    this.#next = () => (first < tasks.length ? first++ : undefined);
    for (const rank of this.#early.splice(0)) this.#tell(rank, { kind: 'task', task: this.#next() });
    await trainOwn(tasks, { ...common, onDone: note, deal: { next: async () => this.#next(), check } });
    await this.#unlessStopped(all.take());
    await this.#unlessStopped(Promise.all(reports));
    await this.#gather(true); // what follows for all, such as that all have failed, each says for itself
    await this.share(outcomes);
  }

  async #hearAll(): Promise<void> {
    for (let others = this.#world.size - 1; others > 0; ) {
      const { from, bytes } = await this.#world.receive(undefined, this.#tag);
      const word = this.#v8.deserialize(bytes) as ToFirst;
      if (word.kind === 'left') {
        others--;
        if (word.failed !== undefined) this.#close({ failed: from, message: word.failed });
      } else if (this.#end) continue;
      else if (word.kind === 'word') this.#words.put({ from, value: word.value });
      else if (word.kind === 'done') this.#onDone(word.task, heard(word.outcome));
      else if (word.kind === 'aborted') this.#close({ abortedBy: from });
      else if (word.round > this.#round) this.#early.push(from);
      else this.#tell(from, { kind: 'task', task: word.round === this.#round ? this.#next() : undefined });
    }
  }

  async #hearFirst(): Promise<void> {
    while (!this.#end) {
      const { bytes } = await this.#world.receive(0, this.#tag);
      const word = this.#v8.deserialize(bytes) as FromFirst;
      if (word.kind === 'shared') this.#shared.put(word.value);
      else if (word.kind === 'task') this.#tasks.put(word.task);
      else {
        this.#end = word.end;
        if (!('isDone' in word.end)) this.#stop.abort();
      }
    }
  }

  #tell(to: number, word: ToFirst | FromFirst): void {
    const sending = this.#world
      .send(this.#v8.serialize(word), to, this.#tag)
      .catch((error) => this.#break(error))
      .finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  #tellAll(word: FromFirst): void {
    for (let rank = 1; rank < this.#world.size; rank++) this.#tell(rank, word);
  }

  /** Of rank 0: it is over for all. */
  #close(end: End): void {
    if (this.#end) return;
    this.#end = end;
    this.#tellAll({ kind: 'over', end });
    if (!('isDone' in end)) this.#stop.abort();
  }

  #break(error: unknown): void {
    if (this.#end) return;
    this.#broken ??= { error };
    if (this.rank === 0) this.#close({ failed: 0, message: messageOf(error) });
    else this.#stop.abort();
  }

  #unlessStopped<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#stopped]);
  }

  #error(): unknown {
    const end = this.#end;
    if (this.#broken) return this.#broken.error;
    if (end && 'refused' in end) return new RangeError(end.refused);
    if (end && 'failed' in end)
      return failure('ERR_RANK', `Rank ${end.failed} of ${this.#world.size} ended the search: ${end.message}`);
    const isOther = end && 'abortedBy' in end && end.abortedBy !== this.rank;
    const message = `The search was aborted${isOther ? ` by rank ${end.abortedBy}` : ''}`;
    const cause = isOther ? undefined : { cause: this.#signal?.reason };
    return Object.assign(failure('ERR_ABORTED', message, cause), { name: 'AbortError' });
  }

  /** Ends the search for a model whose numbers would be others than those of one process. */
  #checkModel(model: unknown, seen: Set<unknown>): void {
    if (property(paramsOf(model), 'distributed') !== undefined)
      this.#break(
        wrongType('distributed', 'given to the search or to its estimator, not to both', paramsOf(model).distributed),
      );
    for (const random of randomsIn(model)) {
      if (seen.has(random))
        this.#break(
          new TypeError(
            'Expected models with a seed or a RandomState of their own where distributed is given, got one RandomState for several',
          ),
        );
      seen.add(random);
    }
  }
}

/** Values that come one by one, and wait to be taken. */
class Queue<T> {
  readonly #values: T[] = [];
  readonly #takers: ((value: T) => void)[] = [];

  put(value: T): void {
    const taker = this.#takers.shift();
    if (taker) taker(value);
    else this.#values.push(value);
  }

  async take(): Promise<T> {
    if (this.#values.length > 0) return this.#values.shift() as T;
    return new Promise((resolve) => this.#takers.push(resolve));
  }
}

const paramsOf = (model: unknown): Record<string, unknown> =>
  ((model as Candidate | undefined)?.getParams?.() as Record<string, unknown>) ?? {};

/** Each once, though a pipeline has it as the parameter of several steps. */
const randomsIn = (model: unknown) => [...new Set(Object.values(paramsOf(model)))].filter(isRandomState);

const messageOf = (error: unknown) => (isError(error) ? error.message : String(error));

function bytesOf(model: unknown): Uint8Array | undefined {
  try {
    return (model as Saved).toBytes();
  } catch {
    return undefined;
  }
}

function told({ error, ...scores }: Trained): Told {
  if (error === undefined) return scores;
  const { name = 'Error', code, stack } = isError(error) ? (error as Error & { code?: unknown }) : {};
  return { ...scores, error: { message: messageOf(error), name, code: code && String(code), stack } };
}

function heard({ error, ...scores }: Told): Trained {
  if (!error) return scores;
  const Type = [TypeError, RangeError].find(({ name }) => name === error.name) ?? Error;
  const { message, name, code, stack } = error;
  const own = Object.assign(new Type(message), {
    ...(code !== undefined && { code }),
    ...(stack !== undefined && { stack }),
  });
  if (own.name !== name) own.name = name;
  return { ...scores, error: own };
}
