import { readFileSync } from 'node:fs';
import test from 'ava';
import * as fjordnet from 'fjordnet';
import { ColumnTransformer, type NDArray, RandomState } from 'fjordnet';

const read = (name: string) => JSON.parse(readFileSync(new URL(`../test/fixtures/${name}`, import.meta.url), 'utf8'));
const cases = read('random-tables.json');
const COLOURS = ['red', 'green', 'blue', 'ärger', 'Zebra'];

/** The draws of random-tables.py. */
function table(random: RandomState, n: number, colours: number) {
  const a: (number | null)[] = Array.from(random.normal(5, 3, [n]).data);
  const b: (number | undefined)[] = Array.from(random.randint(-4, 5, [n]).data);
  const c = Array.from(random.randint(0, colours, [n]).data, (i) => COLOURS[i]);
  const d = Array.from(random.randint(0, 2, [n]).data, (i) => 'xy'[i]);
  const e = Array.from(random.randint(0, 2, [n]).data, Boolean);
  const f = Array.from(random.randint(1, 100, [n]).data);
  const holes = (column: unknown[], share: number, missing: unknown) => {
    const drawn = random.randomSample([n]).data;
    for (let i = 1; i < n; i++) if (drawn[i] < share) column[i] = missing;
  };
  holes(a, 0.2, null);
  holes(b, 0.1, undefined);
  holes(d, 0.15, '');
  return { a, b, c, d, e, f };
}

const make = ([name, options]: [string, object]) => new (fjordnet as any)[name](options);

test('transformers on 200 random tables give scikit-learn’s numbers and names', (t) => {
  process.removeAllListeners('warning'); // of unknown categories, as drop is among the options
  t.is(cases.length, 200);
  for (const [seed, { numbers, kinds, remainder, names, sums, weighted, new: fresh }] of cases.entries()) {
    const random = new RandomState(seed);
    const n = random.randint(6, 40);
    const [x, other] = [table(random, n, 4), table(random, 3, 5)];
    const transformer = new ColumnTransformer(
      [
        ['numbers', numbers.map(make), ['a', 'b']],
        ['kinds', kinds.map(make), ['c', 'd']],
        ['flag', 'passthrough', ['e']],
      ],
      { remainder },
    );
    const z = transformer.fitTransform(x);
    t.deepEqual(transformer.getFeatureNamesOut(), names, `${seed}`);
    const near = (actual: number, expected: number, size: number, what: string) =>
      t.true(Math.abs(actual - expected) <= 1e-12 * Math.max(1, size), `${seed} ${what}: ${actual} ${expected}`);
    for (const [k, name] of names.entries()) {
      let [sum, inOrder, size] = [0, 0, 0];
      for (let i = 0; i < n; i++) {
        const value = z.data[i * names.length + k];
        sum += value;
        inOrder += (i + 1) * value;
        size += Math.abs((i + 1) * value);
      }
      near(sum, sums[k], size, name);
      near(inOrder, weighted[k], size, name);
    }
    const rows = Array.from({ length: 3 }, (_, i) =>
      Object.fromEntries(Object.entries(other).map(([key, column]) => [key, column[i]])),
    );
    const again = fjordnet.ColumnTransformer.fromBytes(transformer.toBytes());
    for (const result of [
      transformer.transform(other),
      transformer.transform(rows),
      again.transform(rows),
    ] as NDArray[])
      for (const [i, value] of (fresh as number[][]).flat().entries())
        near(result.data[i], value, Math.abs(value), `new ${i}`);
  }
});
