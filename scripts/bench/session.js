// Peers in processes of their own, spoken to in JSON lines, and the interleaved measurement of one workload.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Everyone's threads are set by the program; OpenBLAS picks its kernels and cache sizes by the processor alone. */
export function environment(threads) {
  const env = { ...process.env, BENCH_THREADS: String(threads), PYTHONWARNINGS: 'ignore', TF_CPP_MIN_LOG_LEVEL: '3' };
  for (const name of Object.keys(env)) if (/^(OPENBLAS|GOTO|OMP|MKL|ATEN)_/.test(name)) delete env[name];
  env.OPENBLAS_NUM_THREADS = env.OMP_NUM_THREADS = String(threads);
  return env;
}

/** Seconds that a peer may take for one answer. */
const PATIENCE = 90;
const WORDS = { prepare: 'take the steps whose losses are compared', run: 'train' };

/** One peer on a number of threads. */
export class Session {
  #child;
  #lines;
  #stderr = '';

  constructor(adapter, threads) {
    this.adapter = adapter;
    this.threads = threads;
  }

  get label() {
    return `${this.adapter.id}@${this.threads}`;
  }

  /** Starts the process; resolves to { name, kernel }, or to { skip } where the peer is not installed. */
  async start() {
    const [command, ...args] = this.adapter.command;
    this.#child = spawn(command, args, { env: environment(this.threads), stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.on('error', (error) => {
      this.#stderr += error.message;
    });
    this.#child.stdin.on('error', () => {});
    this.#child.stderr.on('data', (chunk) => {
      this.#stderr = (this.#stderr + chunk).slice(-4000);
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    return this.#answer();
  }

  /** The peer's answer; a peer that takes longer than PATIENCE is stopped, and begins anew with the next workload. */
  async ask(request) {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort();
      this.#child.kill('SIGKILL');
    }, PATIENCE * 1000);
    const answer = await this.#answer();
    clearTimeout(timer);
    if (!late.signal.aborted) return answer;
    await this.start();
    return { skip: `stopped: more than ${PATIENCE} s to ${WORDS[request.op] ?? request.op}` };
  }

  async stop() {
    if (!this.#child || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    await once(this.#child, 'exit');
    clearTimeout(timer);
  }

  async #answer() {
    const { value, done } = await this.#lines.next();
    if (!done) return JSON.parse(value);
    const last = this.#stderr.trim().split('\n').at(-1);
    return { skip: last || 'its process ended' };
  }
}

/**
 * Runs every session `repetitions` times in turn, A B C A B C, each for about `seconds`, or once where
 * that takes longer; a peer is left out whose smallest piece of work takes longer than `longest`. Seconds a unit
 * of work come back, for each session and repetition.
 */
export async function interleave(sessions, { repetitions, seconds, longest = 8 }) {
  const counts = new Map();
  const failures = new Map();
  for (const session of sessions) {
    let count = 1;
    let answer = await session.ask({ op: 'run', count });
    const wanted = seconds * (session.adapter.patience ?? 1);
    for (let i = 0; i < 3 && answer.seconds < wanted / 4; i++) {
      count = Math.ceil(count * Math.min(100, wanted / 2 / answer.seconds));
      answer = await session.ask({ op: 'run', count });
    }
    if (answer.seconds === undefined) failures.set(session, answer);
    else if (answer.seconds / count > longest && session.adapter.id !== 'fjordnet')
      failures.set(session, {
        skip: `one took ${(answer.seconds / answer.units).toFixed(2)} s, which is not repeated`,
      });
    else counts.set(session, Math.max(1, Math.round((wanted / answer.seconds) * count)));
  }
  const measured = new Map([...counts.keys()].map((session) => [session, []]));
  for (let i = 0; i < repetitions; i++)
    for (const [session, count] of counts) {
      const answer = await session.ask({ op: 'run', count });
      if (answer.seconds === undefined) {
        failures.set(session, answer);
        measured.delete(session);
        counts.delete(session);
        continue;
      }
      measured.get(session).push(answer.seconds / answer.units);
      await new Promise((resolve) => setTimeout(resolve, 5)); // threads of this one stop spinning
    }
  return { measured, failures };
}

/** Times from process start to the answer that one epoch is trained. */
export async function coldStart(adapter, threads, folder) {
  const [command, ...args] = adapter.command;
  const start = performance.now();
  const child = spawn(command, [...args, folder], { env: environment(threads), stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.on('error', (error) => {
    stderr += error.message;
  });
  const exited = new Promise((resolve) => child.on('close', resolve));
  const { value, done } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  const seconds = (performance.now() - start) / 1000;
  await exited;
  if (done || !JSON.parse(value).trained) throw new Error(stderr.trim().split('\n').at(-1) || 'it did not train');
  return seconds;
}
