// Peers in processes of their own, spoken to in JSON lines. Whatever becomes of such a process is an answer, never the end of ours.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Settings of libraries that whoever runs this may have, and what has Node.js 20 read certificates as it starts: 40 ms. */
const FOREIGN = /^((OPENBLAS|GOTO|OMP|MKL|ATEN|JAX|TORCHINDUCTOR)_|(XLA_FLAGS|NPROC|NODE_EXTRA_CA_CERTS)$)/;

/** Everyone's threads are set by the program; OpenBLAS picks its kernels and cache sizes by the processor alone. */
export function environment(threads) {
  const env = { ...process.env, BENCH_THREADS: String(threads), PYTHONWARNINGS: 'ignore', TF_CPP_MIN_LOG_LEVEL: '3' };
  for (const name of Object.keys(env)) if (FOREIGN.test(name)) delete env[name];
  env.OPENBLAS_NUM_THREADS = env.OMP_NUM_THREADS = env.MKL_NUM_THREADS = String(threads);
  env.CUDA_VISIBLE_DEVICES = '';
  return env;
}

/** Seconds that a peer may take for one answer, and to begin. */
const PATIENCE = 150;
const START_PATIENCE = 120;
const WORDS = { prepare: 'take the steps whose losses are compared', run: 'train' };

/** Processes that must not outlive this one, whatever ends it. */
const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

function launch(command, args, options) {
  const child = spawn(command, args, options);
  children.add(child);
  child.once('close', () => children.delete(child));
  return child;
}

/** One peer on a number of threads. */
export class Session {
  #child;
  #ended = true;
  #lines = [];
  #waiting;
  #failure;
  #stderr = '';

  constructor(adapter, threads) {
    this.adapter = adapter;
    this.threads = threads;
  }

  get label() {
    return `${this.adapter.id}@${this.threads}`;
  }

  /** Starts the process; resolves to { name, kernel }, or to { skip } or { error } where that is not possible. */
  start() {
    const [command, ...args] = this.adapter.command;
    const child = launch(command, args, { env: environment(this.threads), stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    this.#ended = false;
    this.#lines = [];
    this.#stderr = '';
    child.stdin.on('error', () => {});
    child.stderr.on('data', (chunk) => {
      this.#stderr = (this.#stderr + chunk).slice(-4000);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (this.#child !== child) return;
      this.#lines.push(parsed(line));
      this.#deliver();
    });
    const end = (error) => {
      if (this.#child !== child || this.#ended) return;
      this.#ended = true;
      this.#failure = { error };
      this.#lines.push(this.#failure);
      this.#deliver();
    };
    child.on('error', ({ message }) => end(`it does not start: ${message}`));
    child.on('close', (code, signal) => end(ending(code, signal, this.#stderr)));
    return this.#answer(START_PATIENCE, 'start');
  }

  /**
   * The peer's answer; { error } where its process ended, { skip, waited } where it took longer than PATIENCE, or its adapter's
   * own `waits`, and was stopped. It begins anew when it is next asked to prepare a workload.
   */
  async ask(request) {
    if (this.#ended) {
      if (request.op !== 'prepare' && request.op !== 'limits') return this.#failure;
      const { error, skip } = await this.start();
      if (error ?? skip) return { error, skip };
    }
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    return this.#answer(this.adapter.waits ?? PATIENCE, WORDS[request.op] ?? request.op);
  }

  async stop() {
    const child = this.#child;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    this.#ended = true;
    child.stdin.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
    await once(child, 'exit');
    clearTimeout(timer);
  }

  #answer(patience, what) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#ended = true;
        this.#child.kill('SIGKILL');
        this.#waiting = undefined;
        this.#failure = { skip: `stopped: more than ${patience} s to ${what}`, waited: patience };
        resolve(this.#failure);
      }, patience * 1000);
      this.#waiting = (answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      this.#deliver();
    });
  }

  #deliver() {
    if (!this.#waiting || this.#lines.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting(this.#lines.shift());
  }
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return { error: `its answer is no JSON: ${line.slice(0, 200)}` };
  }
}

/** How a process ended that should not have, in words. */
export function ending(code, signal, stderr) {
  const last = stderr.trim().split('\n').at(-1);
  const said = last ? `: ${last.slice(0, 300)}` : '';
  if (signal === 'SIGKILL') return 'its process was killed by SIGKILL, as the system does when memory runs out';
  if (signal) return `its process was ended by ${signal}${said}`;
  return `its process ended with code ${code}${said}`;
}

/** Seconds from process start to the answer that one epoch is trained, or { error }. */
export async function coldStart(adapter, threads, folder) {
  const [command, ...args] = adapter.command;
  const start = performance.now();
  const child = launch(command, [...args, folder], { env: environment(threads), stdio: ['ignore', 'pipe', 'pipe'] });
  let seconds;
  let stderr = '';
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
    if (stdout.includes('\n')) seconds ??= (performance.now() - start) / 1000;
  });
  child.stderr.on('data', (chunk) => {
    stderr = (stderr + chunk).slice(-4000);
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE * 1000);
  const failure = await new Promise((resolve) => {
    child.on('error', ({ message }) => resolve(`it does not start: ${message}`));
    child.on('close', (code, signal) =>
      resolve(stdout.includes('"trained"') ? undefined : ending(code, signal, stderr)),
    );
  });
  clearTimeout(timer);
  return failure ? { error: failure } : { seconds };
}
