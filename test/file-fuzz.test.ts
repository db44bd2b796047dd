import test from 'ava';
import { RandomState } from 'fjordnet';

/** What the targets of scripts/fuzz draw their inputs from. */
class Random {
  readonly #state: RandomState;

  constructor(seed: number) {
    this.#state = new RandomState(seed);
  }

  bits() {
    return Math.floor(this.real() * 2 ** 32);
  }
  real() {
    return this.#state.randomSample() as number;
  }
  integer(low: number, high: number) {
    return low + Math.floor(this.real() * (high - low + 1));
  }
  chance(probability: number) {
    return this.real() < probability;
  }
  pick<T>(array: ArrayLike<T>): T {
    return array[this.integer(0, array.length - 1)];
  }
}

// Few inputs here, the same ones each time; `scripts/fuzz npz --count 100000` tries others.
for (const [name, count] of [
  ['npy', 1500],
  ['npz', 400],
  ['idx', 400],
  ['safetensors', 1500],
  ['model', 200],
  ['parquet', 500],
] as const)
  test.serial(`fuzz: ${name} files are read right or refused`, async (t) => {
    const target = await import(new URL(`../scripts/fuzz-targets/${name}.js`, import.meta.url).href);
    const problems: string[] = [];
    const report = Object.assign((problem: unknown) => problems.push(String(problem)), {
      error: ({ message }: Error, input: string) => {
        if (
          /is not a function|is not iterable|not defined|Cannot (destructure|convert)|Invalid|Unexpected/.test(message)
        )
          problems.push(`${message} of ${input}`);
      },
    });
    await target.run(new Random(11), count, report);
    t.is(problems.slice(0, 3).join('\n').slice(0, 2000), '');
  });
