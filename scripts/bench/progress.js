// What a run is at, and how long it will take yet, on standard error; and a word if it ends before its end.

/** Peers that are left out where sizes grow make such rows shorter; `cost` of a workload says more. */
const costOf = ({ cost, growth }) => cost ?? (growth ? 0.4 : 1);

export class Progress {
  #start = performance.now();
  #total;
  #done = 0;
  #measured = 0;
  #index = 0;
  #count;
  #finished = false;

  /** @param kept the file that holds what is measured so far */
  constructor(workloads, kept) {
    this.#count = workloads.length;
    this.#total = workloads.reduce((sum, w) => sum + costOf(w), 0);
    process.once('exit', (code) => {
      if (this.#finished) return;
      const rest = kept ? `; what was measured is in ${kept}, --resume goes on with it` : '';
      console.error(`The benchmark ended after ${this.#index} of ${this.#count} workloads (code ${code})${rest}`);
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
      process.once(signal, () => {
        console.error(`Stopped by ${signal}`);
        process.exit(130);
      });
  }

  get minutes() {
    return (performance.now() - this.#start) / 60000;
  }

  begin({ id, title }) {
    const spent = this.minutes;
    const left = this.#measured > 0 ? (spent / this.#measured) * (this.#total - this.#done) : undefined;
    const eta = left === undefined ? '' : `, about ${left < 1 ? '1' : left.toFixed(0)} min left`;
    console.error(`[${this.#index + 1}/${this.#count}] ${spent.toFixed(1)} min${eta}: (${id}) ${title}`);
  }

  /** A row that an earlier run measured. */
  known(workload) {
    this.#index++;
    this.#done += costOf(workload);
  }

  done(workload) {
    this.known(workload);
    this.#measured += costOf(workload);
  }

  finish() {
    this.#finished = true;
  }
}
