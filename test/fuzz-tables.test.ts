import test, { type ExecutionContext } from 'ava';

interface Target {
  name: string;
  run(random: Random, count: number, report: (problem: string) => void): Promise<void>;
}

/** The random numbers that scripts/fuzz gives its targets: the same for the same seed. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  bits(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return (x ^ (x >>> 15)) >>> 0;
  }

  real(): number {
    return this.bits() / 2 ** 32;
  }

  integer(low: number, high: number): number {
    return low + Math.floor(this.real() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.real() < probability;
  }

  pick<T>(array: readonly T[]): T {
    return array[this.integer(0, array.length - 1)];
  }
}

async function fuzz(t: ExecutionContext, name: string, count: number): Promise<void> {
  const target: Target = await import(new URL(`../scripts/fuzz-targets/${name}.js`, import.meta.url).href);
  const problems: string[] = [];
  await target.run(new Random(count), count, (problem) => problems.push(problem));
  t.deepEqual(problems.slice(0, 5), []);
}

// scripts/fuzz runs the same targets for as long as one likes
test.serial('CSV of any bytes is read as it stands, or refused in one sentence', (t) => fuzz(t, 'csv', 2000));
test.serial('no run file, grid, recipe or command line ends in an error of the engine', (t) =>
  fuzz(t, 'run-files', 500),
);
