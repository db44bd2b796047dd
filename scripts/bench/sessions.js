// All peers of a run, each on one thread and on all.
import { availableParallelism } from 'node:os';
import { missing } from './adapters.js';
import { Session } from './session.js';

export class Sessions {
  #adapters;
  #running = [];
  #about = new Map();

  constructor(adapters) {
    this.#adapters = adapters;
  }

  get running() {
    return this.#running;
  }

  get adapters() {
    return this.#adapters;
  }

  /** Starts everyone; returns what they say of themselves. */
  async start() {
    const all = availableParallelism();
    for (const adapter of this.#adapters) {
      const { id, title, allowed } = adapter;
      const about = { id, title, allowed, skip: missing(adapter) };
      this.#about.set(id, about);
      for (const threads of about.skip ? [] : threadCounts(adapter, all)) {
        const session = new Session(adapter, threads);
        const answer = await session.start();
        Object.assign(about, answer.error ? { skip: absent(answer.error) } : answer);
        if (about.skip) break;
        this.#running.push(session);
      }
    }
    return [...this.#about.values()];
  }

  /**
   * What a session of ours measures the machine at, for each number of threads, or what it was known to reach, where that is more:
   * what disturbs a machine may last longer than one of these measurements.
   */
  async limits(quick, known = []) {
    const limits = [];
    for (const session of this.#running.filter((s) => s.adapter.id === 'fjordnet')) {
      const { threads } = session;
      const before = known.find((limit) => limit.threads === threads) ?? {};
      const now = await session.ask({ op: 'limits', quick });
      if (now.error ?? now.skip) throw new Error(`the machine's limits: ${now.error ?? now.skip}`);
      const most = Object.entries(now).map(([what, rate]) => [what, Math.max(rate, before[what] ?? 0)]);
      limits.push({ threads, ...Object.fromEntries(most) });
    }
    return limits;
  }

  async stop() {
    await Promise.all(this.#running.map((session) => session.stop()));
  }
}

export const threadCounts = (adapter, all) => (all === 1 || adapter.threads === 'one' ? [1] : [1, all]);

const absent = (error) =>
  /ModuleNotFoundError/.test(error) ? 'not installed; scripts/bench/setup installs it' : error;
