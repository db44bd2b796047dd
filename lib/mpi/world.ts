import { allocate } from '../allocate.js';
import type { ArrayInput, NDArray } from '../array.js';
import { checkInteger, checkOptions, failure, wrongType, wrongValue } from '../check.js';
import { brand, isError, isUint8Array } from '../kind.js';
import { framed, withStack } from '../train.js';
import type { CallName, NativeMpi, NativeWorld } from './load.js';
import { checkRank, decode, encode, hash, type Operation, type ReduceOptions, Room, reduction } from './values.js';

/** MPI has 32767 at least. */
const MOST_TAG = 30_000;
const MOST_BYTES = 2 ** 31 - 1;

/**
 * All processes of a job, as one of them sees it; `mpi.init()` makes it. Its calls are collective: every rank makes them, in the same
 * order, and each resolves when its part is done. They run one after the other on a thread of MPI's own, so that the event loop stays
 * free. What ranks call differently is refused on all of them; a call that others never make ends the job after the `timeout` of
 * `mpi.init`. Errors of MPI have code ERR_MPI.
 */
export class World {
  /** Which of the processes this is: 0 to size - 1. */
  readonly rank: number;
  /** How many processes there are. */
  readonly size: number;
  /** The name of this process's machine. */
  readonly hostname: string;
  /** What the MPI library says of its version. */
  readonly library: string;
  /** @internal What a plan sums its gradients with: native/exchange.h */
  readonly exchange: object;

  readonly #native: NativeMpi;
  /** Of calls with several parts, and of those behind them: the last one, until it is done. */
  #last?: Promise<void>;
  /** For values whose sum is written elsewhere. */
  readonly #room = new Room();
  #finalized = false;

  static {
    brand(World, 'World');
  }

  /** @internal */
  constructor(native: NativeMpi, { rank, size, hostname, library, exchange }: NativeWorld) {
    this.#native = native;
    this.rank = rank;
    this.size = size;
    this.hostname = hostname;
    this.library = library.trim().split('\n')[0].replace(/\s+/g, ' ');
    this.exchange = exchange;
  }

  /** Whether `finalize()` was called. */
  get finalized(): boolean {
    return this.#finalized;
  }

  /**
   * Adds up the values of all ranks, or takes the largest or smallest of them, element by element. A NaN of any rank stays one.
   *
   * @param value of the same kind, dtype and shape on all ranks
   * @returns the result on every rank, of the kind of `value`: a new array (nested numbers become an NDArray), or a number; `out`, where
   *   that is given. `value` is copied at once, and may be changed before the call resolves, unless it lies where `out` is summed in place
   * @throws RangeError where a sum of int32 is no int32
   */
  allreduce<V extends number | NDArray | Float64Array | Float32Array | Int32Array>(
    value: V,
    op?: Operation,
  ): Promise<V extends number ? number : V>;
  allreduce<O extends NonNullable<ReduceOptions['out']>>(
    value: ArrayInput,
    op: Operation,
    options: { out: O },
  ): Promise<O>;
  allreduce(value: ArrayInput, op?: Operation, options?: ReduceOptions): Promise<NDArray>;
  async allreduce(value: unknown, op: Operation = 'sum', options: ReduceOptions = {}): Promise<unknown> {
    const made = attempt(() => {
      checkOptions('options', options, ['out']);
      return reduction(value, op, options, this.#room);
    });
    return this.#whole(this.allreduce, async () => {
      if ('error' in made) {
        await this.#native.reduce('allreduce', 0, hash('refused'), false, new Float64Array(1)).catch(() => {});
        throw made.error;
      }
      const { values, max, form, result } = made.value;
      await this.#native.reduce('allreduce', 0, hash(form), max, values);
      return result();
    });
  }

  /**
   * Gives every rank the value of one of them.
   *
   * @param value on `root`: an array, an NDArray or what structuredClone copies, with NDArrays in it if need be; looked at nowhere else
   * @param root the rank whose value it is. Default 0
   */
  async broadcast<T>(value?: T, root = 0): Promise<T> {
    checkRank('root', root, this.size);
    const own = this.rank === root ? [sent(() => encode('value', value))] : [];
    return this.#run(this.broadcast, async () => {
      const { lengths, refused } = await this.#lengths('broadcast', root, root, own);
      const bytes = own[0]?.bytes ?? allocated(lengths[root]);
      await this.#move('broadcast', root, bytes, lengths);
      if (refused !== undefined) throw this.#refusal(refused, own, bytes);
      return (own[0] ? value : decode(bytes as Uint8Array)) as T;
    });
  }

  /** The values of all ranks in their order, on `root`; undefined on the others. @param value as `broadcast` takes */
  async gather<T>(value: T, root = 0): Promise<T[] | undefined> {
    checkRank('root', root, this.size);
    const own = sent(() => encode('value', value));
    return this.#run(this.gather, async () => {
      const { lengths, refused } = await this.#lengths('gather', root, this.rank, [own]);
      const bytes = this.rank === root ? this.#around(own.bytes, lengths) : own.bytes;
      await this.#move('gather', root, bytes, lengths);
      const all = this.rank === root ? apart(bytes as Uint8Array, lengths) : undefined;
      if (refused !== undefined) throw this.#refusal(refused, [own], all?.[refused]);
      return all?.map(decode) as T[] | undefined;
    });
  }

  /** The values of all ranks in their order, on every rank. @param value as `broadcast` takes */
  async allGather<T>(value: T): Promise<T[]> {
    const own = sent(() => encode('value', value));
    return this.#run(this.allGather, async () => {
      const { lengths, refused } = await this.#lengths('allGather', 0, this.rank, [own]);
      const bytes = this.#around(own.bytes, lengths);
      await this.#move('allGather', 0, bytes, lengths);
      const all = apart(bytes as Uint8Array, lengths);
      if (refused !== undefined) throw this.#refusal(refused, [own], all[refused]);
      return all.map(decode) as T[];
    });
  }

  /** Gives each rank its value of a list. @param values on `root`: one for each rank, as `broadcast` takes; looked at nowhere else */
  async scatter<T>(values?: readonly T[], root = 0): Promise<T> {
    checkRank('root', root, this.size);
    const parts = this.rank === root ? this.#parts(values) : [];
    return this.#run(this.scatter, async () => {
      const { lengths, refused } = await this.#lengths('scatter', root, 0, parts);
      const isRoot = this.rank === root;
      const bytes = allocated(isRoot ? lengths.reduce((sum, length) => sum + length, 0) : lengths[this.rank]);
      if (isRoot && isUint8Array(bytes)) apart(bytes, lengths).forEach((part, i) => part.set(parts[i].bytes));
      await this.#move('scatter', root, bytes, lengths);
      if (refused !== undefined) throw this.#refusal(root, parts, bytes);
      return (isRoot ? values![root] : decode(bytes as Uint8Array)) as T;
    });
  }

  /** Resolves when all ranks have called it. */
  async barrier(): Promise<void> {
    return this.#whole(this.barrier, () => this.#native.barrier());
  }

  /** Ends all processes of the job, this one too, with a code from 1 to 255. */
  abort(code = 1): never {
    checkInteger('code', code, 1);
    if (code > 255) throw wrongValue('code', 'an exit code from 1 to 255', code);
    if (this.#finalized) throw tooLate('abort');
    return this.#native.abort(code);
  }

  /**
   * Ends the use of MPI: all ranks call it, and no call of the world follows. A process that has nothing left to do does it by itself;
   * one that ends otherwise (process.exit, an error) before it ends the whole job.
   */
  async finalize(): Promise<void> {
    const done = this.#whole(this.finalize, () => this.#native.finalize());
    if (this.#finalized) return done; // refused
    this.#finalized = true;
    try {
      await done;
    } catch (error) {
      this.#finalized = false; // others make another call
      throw error;
    }
  }

  /** @internal Resolves when the message is on its way. It waits for nobody's collective call, but for this rank's own. */
  async send(bytes: Uint8Array, to: number, tag = 0): Promise<void> {
    if (!isUint8Array(bytes)) throw wrongType('bytes', 'a Uint8Array', bytes);
    if (bytes.length > MOST_BYTES) throw wrongValue('bytes', `a message of at most ${MOST_BYTES} bytes`, bytes);
    checkRank('to', to, this.size);
    return this.#message(this.send, () => this.#native.send(bytes, to, checkTag(tag)));
  }

  /** @internal Waits for a message without a limit of time. @param from default: any rank */
  async receive(from?: number, tag = 0): Promise<{ from: number; bytes: Uint8Array }> {
    if (from !== undefined) checkRank('from', from, this.size);
    return this.#message(this.receive, () => this.#native.receive(from ?? -1, checkTag(tag)));
  }

  /** Runs collective calls in the order they were made, whatever their parts wait for in between. */
  #run<R>(method: (...args: never[]) => unknown, begin: () => Promise<R>): Promise<R> {
    return this.#message(method, () => {
      const next = this.#last ? this.#last.then(begin) : begin();
      const done = () => {
        if (this.#last === last) this.#last = undefined;
      };
      const last = next.then(done, done);
      this.#last = last;
      return next;
    });
  }

  /** As #run, of a call that is one for MPI's thread, which keeps their order itself. */
  #whole<R>(method: (...args: never[]) => unknown, begin: () => Promise<R>): Promise<R> {
    return this.#last ? this.#run(method, begin) : this.#message(method, begin);
  }

  /** Its errors get the caller's frames. */
  async #message<R>(method: (...args: never[]) => unknown, begin: () => Promise<R>): Promise<R> {
    const caller: { stack?: string } = {};
    Error.captureStackTrace(caller, method);
    if (this.#finalized) throw withStack(tooLate(method.name), caller);
    try {
      return await begin();
    } catch (error) {
      throw framed(error, caller);
    }
  }

  /** A value for each rank, or for each the same refusal. */
  #parts(values: unknown): Sent[] {
    const made = attempt(() => {
      if (!Array.isArray(values)) throw wrongType('values', 'a list of a value for each rank', values);
      if (values.length !== this.size) throw wrongValue('values', `a list of ${this.size} values`, values);
      return values.map((value, i) => ({ bytes: encode(`values[${i}]`, value) }));
    });
    return 'error' in made ? Array.from({ length: this.size }, () => wordsOf(made.error)) : made.value;
  }

  /**
   * The bytes of all ranks, of which each fills in what it knows, from a place on. A rank that was given a wrong value takes part, too:
   * its length is negative, and its bytes say why. Else its next call would meet this one of the others.
   */
  async #lengths(kind: CallName, root: number, at: number, own: readonly Sent[]) {
    const lengths = new Float64Array(this.size);
    for (const [i, { bytes, error }] of own.entries())
      lengths[at + i] = error === undefined ? bytes.length : -bytes.length;
    await this.#native.reduce(kind, root, 0, false, lengths);
    const refused = lengths.findIndex((length) => length < 0);
    return { lengths: lengths.map(Math.abs), ...(refused >= 0 && { refused }) };
  }

  /** The error of the rank whose value was refused: its own there, on others with its words, where these got there. */
  #refusal(rank: number, own: readonly Sent[], bytes: unknown): unknown {
    const mine = own.find(({ error }) => error !== undefined);
    if (mine) return mine.error;
    const words = isUint8Array(bytes) ? new TextDecoder().decode(bytes) : 'it says why';
    return failure('ERR_RANK', `Rank ${rank} of ${this.size} refused its value: ${words}`);
  }

  async #move(kind: CallName, root: number, bytes: Uint8Array | Error, lengths: Float64Array): Promise<void> {
    const room = isUint8Array(bytes) ? bytes : undefined;
    const moved = this.#native.move(kind, root, room, lengths);
    if (room) return moved;
    await moved.catch(() => {});
    throw bytes;
  }

  /** Room for the bytes of all ranks, with those of this one in it. */
  #around(own: Uint8Array, lengths: Float64Array): Uint8Array | Error {
    const bytes = allocated(lengths.reduce((sum, length) => sum + length, 0));
    if (isUint8Array(bytes)) apart(bytes, lengths)[this.rank].set(own);
    return bytes;
  }
}

/** What a rank sends: the bytes of a value, or the words of the error that it has in place of one. */
interface Sent {
  readonly bytes: Uint8Array;
  readonly error?: unknown;
}

function attempt<R>(make: () => R): { value: R } | { error: unknown } {
  try {
    return { value: make() };
  } catch (error) {
    return { error };
  }
}

function sent(make: () => Uint8Array): Sent {
  const made = attempt(make);
  return 'error' in made ? wordsOf(made.error) : { bytes: made.value };
}

const wordsOf = (error: unknown): Sent => ({
  bytes: new TextEncoder().encode(isError(error) ? error.message : String(error)),
  error,
});

/** Where there is no room, the others have to be told before this rank fails. */
function allocated(length: number): Uint8Array | Error {
  try {
    return allocate(Uint8Array, length);
  } catch (error) {
    return error as Error;
  }
}

function apart(bytes: Uint8Array, lengths: Float64Array): Uint8Array[] {
  let at = 0;
  return Array.from(lengths, (length) => {
    at += length;
    return bytes.subarray(at - length, at);
  });
}

function checkTag(tag: unknown): number {
  if (checkInteger('tag', tag, 0) > MOST_TAG) throw wrongValue('tag', `an integer from 0 to ${MOST_TAG}`, tag);
  return tag as number;
}

const tooLate = (name: string) => failure('ERR_MPI', `Expected no call of the world after finalize(), got ${name}()`);
