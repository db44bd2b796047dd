import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { type ArrayInput, data, layers, NDArray, sequential, type TimeSeriesOptions } from 'fjordnet';

const golden = JSON.parse(readFileSync(new URL('../test/fixtures/time-series.json', import.meta.url), 'utf8'));

test('windows and their targets are those of Keras', (t) => {
  for (const { series, options, x, y } of golden.windows) {
    const samples = data.timeSeries(series, options);
    const features = series[0].length;
    t.deepEqual(samples.x.toArray(), x);
    t.deepEqual(samples.y.shape, [x.length, options.horizon, ...(features === 1 ? [] : [features])]);
    t.deepEqual(samples.y.reshape(x.length, options.horizon, features).toArray(), y);
    const all = Array.from({ length: features }, (_, k) => k);
    t.deepEqual(data.timeSeries(series, { ...options, targets: all }).y, samples.y);
  }
});

test('a series of one dimension has one feature, and no axis of targets', (t) => {
  const { x, y, start } = data.timeSeries([0, 1, 2, 3, 4], { window: 2 });
  t.deepEqual(x.toArray(), [
    [[0], [1]],
    [[1], [2]],
    [[2], [3]],
  ]);
  t.deepEqual(y.toArray(), [[2], [3], [4]]);
  t.deepEqual(start, NDArray.from([0, 1, 2], { dtype: 'int32' }));
  const column = data.timeSeries([[0], [1], [2], [3], [4]], { window: 2 });
  t.deepEqual({ x: column.x, y: column.y, start: column.start }, { x, y, start });
});

test('targets are the columns that are named, in their order', (t) => {
  const series = [
    [1, 10, 100],
    [2, 20, 200],
    [3, 30, 300],
  ];
  const y = (targets: number | number[]) => data.timeSeries(series, { window: 1, targets }).y.toArray();
  t.deepEqual(y(1), [[20], [30]]);
  t.deepEqual(y([1]), [[20], [30]]);
  t.deepEqual(y([2, 0]), [[[200, 2]], [[300, 3]]]);
  t.deepEqual(data.timeSeries(series, { window: 1, targets: 1 }).x.shape, [2, 1, 3]);
});

test('samples keep the dtype of the series, and are copies', (t) => {
  for (const dtype of ['float64', 'float32', 'int32'] as const) {
    const series = NDArray.from([1, 2, 3, 4], { dtype });
    const { x, y } = data.timeSeries(series, { window: 2 });
    t.deepEqual([x.dtype, y.dtype], [dtype, dtype]);
    x.data.fill(0);
    y.data.fill(0);
    t.deepEqual([...series.data], [1, 2, 3, 4]);
  }
  t.is(data.timeSeries(new Uint8Array([1, 2, 3]), { window: 1 }).x.dtype, 'int32');
});

test('every sample is what the series holds from its start on, and there is room for no other', (t) => {
  const upTo = (max: number) => fc.integer({ min: 1, max });
  const cases = fc.record({
    steps: fc.integer({ min: 1, max: 40 }),
    features: upTo(3),
    window: upTo(6),
    stride: upTo(6),
    horizon: upTo(4),
    gap: fc.nat(3),
    samplingRate: upTo(3),
  });
  fc.assert(
    fc.property(cases, ({ steps, features, ...options }) => {
      const { window, stride, horizon, gap, samplingRate } = options;
      const series = Array.from({ length: steps }, (_, i) => Array.from({ length: features }, (_, k) => 10 * i + k));
      const needed = (window + gap + horizon - 1) * samplingRate + 1;
      if (needed > steps) {
        t.throws(() => data.timeSeries(series, options), {
          instanceOf: RangeError,
          message: new RegExp(`^Expected series to have ${needed} steps or more, .*, got ${steps}$`),
        });
        return;
      }
      const { x, y, start } = data.timeSeries(series, options);
      const starts = [...start.data];
      t.true(starts.every((at, i) => at === i * stride));
      t.true(starts[starts.length - 1] + needed <= steps && starts[starts.length - 1] + stride + needed > steps);
      const taken = (first: number, count: number) =>
        starts.map((at) => Array.from({ length: count }, (_, j) => series[at + (first + j) * samplingRate]));
      t.deepEqual(x.toArray(), taken(0, window));
      t.deepEqual(y.reshape(starts.length, horizon, features).toArray(), taken(window + gap, horizon));
    }),
    { numRuns: 200 },
  );
});

test('a series that was cut in two has no step in samples of both', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 8, max: 30 }), fc.nat(2), fc.integer({ min: 1, max: 3 }), (n, gap, horizon) => {
      const series = Array.from({ length: 2 * n }, (_, i) => i);
      const steps = (part: number[]) => {
        const { x, y } = data.timeSeries(part, { window: 3, gap, horizon });
        return [...x.data, ...y.data];
      };
      t.true(Math.max(...steps(series.slice(0, n))) < Math.min(...steps(series.slice(n))));
    }),
    { numRuns: 50 },
  );
});

test('bad series and options are refused in a sentence', (t) => {
  const table = [
    [1, 2],
    [3, 4],
    [5, 6],
  ];
  const cases: [ArrayInput, TimeSeriesOptions, string][] = [
    [[1, 2, 3], { window: 3 }, 'Expected series to have 4 steps or more, as window 3, gap 0 and horizon 1 take, got 3'],
    [
      [1, 2, 3],
      { window: 2, gap: 1, horizon: 2, samplingRate: 3 },
      'Expected series to have 13 steps or more, as window 2, gap 1 and horizon 2 take at samplingRate 3, got 3',
    ],
    [[1, Number.NaN, 3], { window: 1 }, 'Expected series to hold finite numbers, got NaN at row 1'],
    [
      [
        [1, 2],
        [3, Number.POSITIVE_INFINITY],
      ],
      { window: 1 },
      'Expected series to hold finite numbers, got Infinity at row 1, column 1',
    ],
    [[[[1]]], { window: 1 }, 'Expected series to be of shape [steps] or [steps, features], got shape [1, 1, 1]'],
    [[], { window: 1 }, 'Expected series to hold data, got shape [0]'],
    [table, { window: 0 }, 'Expected window to be a positive integer, got 0 (number)'],
    [table, { window: 1, stride: 0.5 }, 'Expected stride to be a positive integer, got 0.5 (number)'],
    [table, { window: 1, horizon: 0 }, 'Expected horizon to be a positive integer, got 0 (number)'],
    [table, { window: 1, gap: -1 }, 'Expected gap to be a non-negative integer, got -1 (number)'],
    [table, { window: 1, samplingRate: 0 }, 'Expected samplingRate to be a positive integer, got 0 (number)'],
    [table, { window: 1, targets: 2 }, 'Expected targets to be a column of 2, got 2 (number)'],
    [table, { window: 1, targets: [0, 2] }, 'Expected targets[1] to be a column of 2, got 2 (number)'],
    [table, { window: 1, targets: [-1] }, 'Expected targets[0] to be a non-negative integer, got -1 (number)'],
    [
      table,
      { window: 1, targets: [1, 1] },
      'Expected targets[1] to be another column than those before it, got 1 (number)',
    ],
    [table, { window: 1, targets: [] }, 'Expected targets to be one column or more, got Array(0)'],
    [table, { window: Number.MAX_SAFE_INTEGER }, /steps or more, as window 9007199254740991,/ as never],
  ];
  for (const [series, options, message] of cases)
    t.throws(() => data.timeSeries(series, options), { instanceOf: RangeError, message });
  t.throws(() => data.timeSeries([1, 2], {} as never), { instanceOf: TypeError, message: /^Expected window to be/ });
  t.throws(() => data.timeSeries([1, 2], { window: 1, lag: 1 } as never), { message: /no option 'lag'/ });
  t.throws(() => data.timeSeries([1, 2], { window: 1, targets: 'a' as never }), {
    instanceOf: TypeError,
    message: "Expected targets to be a column or an array of columns, got 'a' (string)",
  });
});

test('the windows are a dataset, too, with the bits of the arrays', async (t) => {
  const samples = data.timeSeries(
    Array.from({ length: 30 }, (_, i) => Math.sin(i)),
    { window: 4, horizon: 2 },
  );
  const all: [number[][], number[]][] = [];
  for await (const [x, y] of samples) all.push([x.toArray() as number[][], y.toArray() as number[]]);
  t.deepEqual(
    all,
    samples.x.toArray().map((x, i) => [x, samples.y.toArray()[i]]),
  );
  const network = () => {
    const own = sequential({ layers: [layers.flatten({ inputShape: [4, 1] }), layers.dense({ units: 2 })], seed: 1 });
    own.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    return own;
  };
  const [a, b] = [network(), network()];
  await a.fit(samples.batch(8), { epochs: 3 });
  await b.fit(samples.x, samples.y, { epochs: 3, batchSize: 8, shuffle: false });
  t.deepEqual(a.getWeights(), b.getWeights());
});
