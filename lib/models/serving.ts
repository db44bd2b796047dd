import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { allocate } from '../allocate.js';
import { NDArray, type TypedData } from '../array.js';
import { binding } from '../binding.js';
import type { FloatArray } from '../tape.js';
import { aborted, framed, type JobStep, type Training, withStack } from '../train.js';
import { copyInputs, inputValues, type Port } from '../training/data.js';
import { predictLoop } from '../training/loop.js';
import type { Network } from './network.js';

/** Rows that are computed for several callers in one job, at most. */
const MOST_TOGETHER = 1024;

/** Samples that were copied, as what is asked for may be changed before its turn. */
interface Samples {
  readonly n: number;
  /** Of one batch: their numbers, of each input. */
  readonly values: readonly TypedData[];
  /** Of several batches: the jobs that predict them. */
  readonly jobs?: Training<NDArray[]>;
}

/** How long a call waits. */
export interface Patience {
  /** For its answer. */
  readonly signal?: AbortSignal | undefined;
  /** For others, in microseconds, before it is answered with them. */
  readonly maxQueueDelay: number;
}

interface Request extends Samples {
  /** Samples computed at a time: all of its own or, where it waits for others, theirs with them. */
  readonly batchSize: number;
  /** When it is answered without waiting for others any more, by performance.now(). */
  readonly deadline: number;
  readonly resolve: (outputs: NDArray[]) => void;
  readonly reject: (error: unknown) => void;
  isOver: boolean;
  /** The next of its jobs, once the first was run. */
  next?: JobStep;
}

/**
 * Answers predictions of one network, any number at a time, in jobs of some 10 ms. Callers take turns; those that have
 * as many samples as the one whose turn it is, and no more than a batch, are answered with it in one job, in which each
 * is a batch of its own: nobody's last digits depend on who else asks, but of those that wait for others to share batches.
 */
export class Server {
  readonly #network: Pick<Network, 'plan' | 'inputs' | 'outputs'>;
  readonly #ports: readonly Port[];
  readonly #refresh: () => Promise<void> | undefined;
  /** In the order of their turns. */
  readonly #waiting = new Set<Request>();
  /** How many of them are among their jobs. */
  #begun = 0;
  #isWorking = false;

  /** `refresh` brings the network's weights up to date before a turn; not between two jobs of one caller. */
  constructor(
    network: Pick<Network, 'plan' | 'inputs' | 'outputs'>,
    ports: readonly Port[],
    refresh: () => Promise<void> | undefined,
  ) {
    this.#network = network;
    this.#ports = ports;
    this.#refresh = refresh;
  }

  /** Whether a prediction is on its way. */
  get isWorking(): boolean {
    return this.#isWorking;
  }

  /** The network's outputs for samples that were checked. @throws Error with code ERR_ABORTED after `signal` fired */
  async predict(
    arrays: readonly NDArray[],
    batchSize: number,
    { signal, maxQueueDelay }: Patience,
  ): Promise<NDArray[]> {
    const caller: { stack?: string } = {};
    Error.captureStackTrace(caller, this.predict);
    const stopped = () => withStack(aborted(signal as AbortSignal, 'prediction'), caller);
    if (signal?.aborted) throw stopped();
    const own = this.#copy(arrays, batchSize);
    let abort: () => void = () => {};
    try {
      return await new Promise<NDArray[]>((resolve, reject) => {
        const deadline = performance.now() + maxQueueDelay / 1000;
        const together = maxQueueDelay > 0 ? batchSize : own.n;
        const request: Request = { ...own, batchSize: together, deadline, resolve, reject, isOver: false };
        abort = () => {
          request.isOver = true;
          reject(stopped());
        };
        signal?.addEventListener('abort', abort);
        if (this.#isWorking) {
          this.#waiting.add(request);
          return;
        }
        const refreshed = this.#refresh();
        this.#waiting.add(request);
        this.#work(refreshed);
      });
    } catch (error) {
      throw framed(error, caller);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  #copy(arrays: readonly NDArray[], batchSize: number): Samples {
    const { plan } = this.#network;
    const n = arrays[0].shape[0];
    if (n > batchSize) {
      const samples = copyInputs('x', arrays, this.#ports, plan.dtype);
      return { n, values: [], jobs: predictLoop(this.#network, samples, { first: 0, count: n }, batchSize) };
    }
    const values = inputValues('x', arrays, this.#ports, plan.dtype);
    return { n, values: values.map((own, i) => (own === arrays[i].data ? own.slice() : own)) };
  }

  /** `refreshed`: for the first turn, whose weights are those of the moment of the call; the others look again. */
  async #work(refreshed: Promise<void> | undefined): Promise<void> {
    this.#isWorking = true;
    let first: Promise<void> | undefined = refreshed ?? Promise.resolve();
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      if (next.next) this.#begun--;
      await this.#gather(next);
      if (next.isOver) continue;
      let together = [next];
      try {
        const isAmongJobs = next.next !== undefined || this.#begun > 0;
        const waits = first ?? (isAmongJobs ? undefined : this.#refresh());
        first = undefined;
        await waits; // meanwhile others ask in the same go
        if (next.jobs) await this.#goOn(next, next.jobs);
        else {
          together = this.#withOthers(next);
          await this.#answer(together);
        }
      } catch (error) {
        for (const request of together) this.#end(request, () => request.reject(error));
      }
    }
    this.#isWorking = false;
  }

  /** Waits for as many others as there is room for, or the request's deadline; by turns of the event loop, whose timers are too slow. */
  async #gather(request: Request): Promise<void> {
    while (!request.isOver && performance.now() < request.deadline && !this.#isFull(request)) await setImmediate();
  }

  #isFull(request: Request): boolean {
    return request.jobs !== undefined || this.#others(request).length === mostBeside(request);
  }

  /** Those that are waiting and can be answered with a request of one batch, as many as there is room for. */
  #others({ n, batchSize }: Request): Request[] {
    const others: Request[] = [];
    for (const other of this.#waiting) {
      if (others.length === mostBeside({ n })) break;
      if (!other.isOver && !other.jobs && other.n === n && other.batchSize === batchSize) others.push(other);
    }
    return others;
  }

  /** A request of one batch, and those that are answered with it. */
  #withOthers(first: Request): Request[] {
    const others = this.#others(first);
    for (const other of others) this.#waiting.delete(other);
    return [first, ...others];
  }

  async #answer(requests: readonly Request[]): Promise<void> {
    const { plan, inputs, outputs } = this.#network;
    const [{ n, batchSize }] = requests;
    const rows = n * requests.length;
    const samples = this.#ports.map(({ name, dtype = plan.dtype }, i) => {
      const all = joined(requests.map(({ values }) => values[i]));
      return new binding.Dataset(name, all, rows, all.length / rows, dtype);
    });
    const result = await plan.run({
      ...{ program: 'predict', inputs: inputs.map((buffer, i) => [buffer, samples[i]] as const), outputs },
      ...{ first: 0, count: rows, batchSize },
    });
    const parts = result.outputs as FloatArray[];
    for (const [k, request] of requests.entries()) {
      const own = parts.map((part, i) => {
        const size = n * outputs[i].size;
        const values = requests.length === 1 ? part : part.slice(k * size, (k + 1) * size);
        return NDArray.wrap(values, [n, ...outputs[i].shape]);
      });
      this.#end(request, () => request.resolve(own));
    }
  }

  /** The next job of a request of several batches, after which others have a turn. */
  async #goOn(request: Request, jobs: Training<NDArray[]>): Promise<void> {
    const step = request.next ?? (jobs.next().value as JobStep);
    const next = jobs.next(await step.plan.run(step.job));
    if (next.done) {
      this.#end(request, () => request.resolve(next.value));
      return;
    }
    request.next = next.value as JobStep;
    this.#begun++;
    this.#waiting.add(request);
  }

  #end(request: Request, settle: () => void): void {
    request.isOver = true;
    settle();
  }
}

const mostBeside = ({ n }: Pick<Samples, 'n'>) => Math.max(0, Math.floor(MOST_TOGETHER / n) - 1);

function joined<V extends TypedData>(parts: readonly V[]): V {
  if (parts.length === 1) return parts[0];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const all = allocate(parts[0].constructor as new (length: number) => V, length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
