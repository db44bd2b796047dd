import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { crossValScore, data, gridSearch, MLPRegressor, TimeSeriesSplit } from 'fjordnet';
import { silenceWarnings } from './helpers/sklearn.js';

const golden = JSON.parse(readFileSync(new URL('../test/fixtures/time-series.json', import.meta.url), 'utf8'));
silenceWarnings();

/** scikit-learn's option names in ours. */
const options = (snake: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(snake).map(([k, v]) => [k.replace(/_(.)/g, (_, c) => c.toUpperCase()), v]));
const range = (n: number) => Int32Array.from({ length: n }, (_, i) => i);

function near(t: ExecutionContext, actual: readonly number[], expected: readonly number[]): void {
  t.is(actual.length, expected.length);
  actual.forEach((a, i) => {
    t.true(Math.abs(a - expected[i]) <= 1e-9 * Math.abs(expected[i]), `${a} against ${expected[i]}`);
  });
}

test('splits have the rows of scikit-learn’s, and what it refuses is refused', (t) => {
  const refused = golden.splits.filter(({ splits }: { splits: unknown }) => splits === null).length;
  t.true(refused > 100 && golden.splits.length - refused > 300);
  for (const { n, options: kw, splits } of golden.splits) {
    const splitter = new TimeSeriesSplit(options(kw));
    if (splits === null) {
      t.throws(() => splitter.split(range(n)), { instanceOf: RangeError, message: /to be below the number of rows/ });
      continue;
    }
    const parts = Array.from(splitter.split(range(n)), (split) => split.map(({ data: rows }) => [...rows]));
    const rows = (start: number, end: number) => [...range(end)].slice(start);
    t.deepEqual(
      parts,
      splits.map(([a, b, c, d]: number[]) => [rows(a, b), rows(c, d)]),
      JSON.stringify({ n, ...kw }),
    );
  }
});

test('no row is trained on that is not before the test set by more than the gap', (t) => {
  const cases = fc.record({
    n: fc.integer({ min: 7, max: 60 }),
    nSplits: fc.integer({ min: 2, max: 6 }),
    gap: fc.nat(3),
    maxTrainSize: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(cases, ({ n, ...given }) => {
      const splitter = new TimeSeriesSplit({ ...given, testSize: 1 });
      if (given.nSplits + given.gap >= n) return;
      let before = -1;
      for (const [train, held] of splitter.split(range(n))) {
        t.is(train.data[train.length - 1] + given.gap + 1, held.data[0]);
        t.true(train.length <= (given.maxTrainSize ?? n));
        t.true(held.data[0] > before);
        before = held.data[held.length - 1];
      }
      t.is(before, n - 1);
    }),
    { numRuns: 100 },
  );
});

test('crossValScore and gridSearch score as scikit-learn does with it', async (t) => {
  const samples = data.timeSeries(golden.series, { window: 4 });
  const x = samples.x.reshape(-1, 4);
  const y = samples.y.reshape(-1);
  const cv = new TimeSeriesSplit({ nSplits: 3, testSize: 10, gap: 2 });
  const parameters = { hiddenLayerSizes: [8], maxIter: 40, learningRateInit: 0.05, randomState: 1 };
  near(t, await crossValScore(new MLPRegressor(parameters), x, y, { cv }), golden.scores);
  const { results } = await gridSearch({
    grid: { alpha: [1e-4, 10] },
    build: ({ alpha }) => new MLPRegressor({ ...parameters, alpha }),
    train: [x, y],
    cv,
  });
  near(
    t,
    results.map(({ testScore }) => testScore),
    golden.grid,
  );
});

test('with a gap of gap + horizon - 1, all that windows are trained on is known before the first target of the test set', (t) => {
  for (const [gap, horizon] of [
    [0, 1],
    [0, 3],
    [2, 2],
  ]) {
    const { y, start } = data.timeSeries([...range(40)], { window: 5, gap, horizon });
    const splitter = new TimeSeriesSplit({ nSplits: 3, testSize: 4, gap: gap + horizon - 1 });
    for (const [train, held] of splitter.split(y)) {
      const lastKnown = start.data[held.data[0]] + 5 - 1;
      t.is(Math.max(...y.take(train).data), lastKnown);
    }
  }
});

test('bad options and too few rows are refused in a sentence', (t) => {
  const cases: [() => unknown, string][] = [
    [() => new TimeSeriesSplit({ nSplits: 1 }), 'Expected nSplits to be an integer >= 2, got 1 (number)'],
    [() => new TimeSeriesSplit({ testSize: 0 }), 'Expected testSize to be a positive integer, got 0 (number)'],
    [() => new TimeSeriesSplit({ maxTrainSize: 0 }), 'Expected maxTrainSize to be a positive integer, got 0 (number)'],
    [() => new TimeSeriesSplit({ gap: -1 }), 'Expected gap to be a non-negative integer, got -1 (number)'],
    [() => new TimeSeriesSplit().split(range(5)), 'Expected nSplits to be below the number of rows, 5, got 5 (number)'],
    [
      () => new TimeSeriesSplit({ nSplits: 3, testSize: 3, gap: 1 }).split(range(10)),
      'Expected nSplits * testSize + gap to be below the number of rows, 10, got 10 (number)',
    ],
  ];
  for (const [call, message] of cases) t.throws(call, { instanceOf: RangeError, message });
  t.throws(() => new TimeSeriesSplit({ shuffle: true } as object), { message: /no option 'shuffle'/ });
  t.throws(() => new TimeSeriesSplit().split(3 as never), { instanceOf: TypeError });
});
