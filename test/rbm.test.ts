import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import {
  BernoulliRBM,
  DeepBoltzmannMachine,
  getThreads,
  gridSearch,
  loadDigits,
  MLPClassifier,
  makePipeline,
  NDArray,
  RandomState,
  StandardScaler,
  setThreads,
} from 'fjordnet';
import { camelCase } from './helpers/sklearn.js';

interface Values {
  shape: number[];
  data: number[];
}

const golden = JSON.parse(readFileSync(new URL('../test/fixtures/rbm.json', import.meta.url), 'utf8'));
const digits = NDArray.from(Array.from(loadDigits().data.data, (v) => v / 16)).reshape(1797, 64);
const first = (x: NDArray, rows: number) => x.take(Array.from({ length: rows }, (_, i) => i));

function dataOf(rows: number, columns: number, dtype: 'float64' | 'float32' = 'float64'): NDArray {
  if (columns === 64) return NDArray.from(first(digits, rows), { dtype });
  const u = new RandomState(5).randomSample([rows, columns]);
  return NDArray.from(
    Array.from(u.data, (v) => Number(v < 0.4)),
    { dtype },
  ).reshape(rows, columns);
}

function near(t: ExecutionContext, name: string, got: NDArray, want: Values, allowed: number): void {
  t.deepEqual([...got.shape], want.shape, name);
  const largest = Math.max(...want.data.map(Math.abs), 1);
  for (const [i, value] of want.data.entries())
    if (!(Math.abs(got.data[i] - value) <= allowed * largest))
      return void t.fail(`${name}: ${got.data[i]} instead of ${value} at ${i}`);
}

function same(t: ExecutionContext, m: BernoulliRBM, want: any, x: NDArray, allowed: number): void {
  near(t, 'components', m.components.slice([0, 4]), want.components, allowed);
  const sum = Array.from(m.components.data).reduce((s, v) => s + Math.abs(v), 0);
  t.true(Math.abs(sum - want.sum) <= allowed * want.sum, `sum: ${sum} instead of ${want.sum}`);
  for (const name of ['interceptHidden', 'interceptVisible', 'hSamples'] as const)
    near(t, name, m[name], want[name], allowed);
  near(t, 'transform', m.transform(first(x, 3)), want.transform, allowed);
}

for (const { rows, columns, dtype, params, ...want } of golden.fits)
  test(`fit, scoreSamples and gibbs are scikit-learn's: ${rows} rows, ${dtype}, ${JSON.stringify(params)}`, async (t) => {
    const x = dataOf(rows, columns, dtype);
    const allowed = dtype === 'float32' ? 2e-5 : 1e-12;
    const options = camelCase(params);
    const m = await new BernoulliRBM(options).fit(x);
    t.is(m.components.dtype, dtype);
    same(t, m, want, x, allowed);
    near(t, 'scoreSamples', m.scoreSamples(first(x, 5)), want.scoreSamples, 50 * allowed);
    for (const drawn of want.gibbs) near(t, 'gibbs', m.gibbs(first(x, 4)), drawn, 0);
    const tracked = new BernoulliRBM({ ...options, trackPseudoLikelihood: true }).fitSync(x);
    t.deepEqual(tracked.components.data, m.components.data, 'with the curve, and on this thread');
    near(
      t,
      'curve',
      NDArray.from(tracked.pseudoLikelihoodCurve),
      { shape: [params.n_iter], data: want.curve },
      50 * allowed,
    );
    t.deepEqual(m.pseudoLikelihoodCurve, []);
  });

test.serial('verbose prints and draws as scikit-learn does', (t) => {
  const x = dataOf(30, 9);
  const lines: string[] = [];
  const log = console.log;
  console.log = (line: string) => lines.push(line.split(', time')[0]);
  try {
    const m = new BernoulliRBM({ nComponents: 5, nIter: 3, verbose: 1, randomState: new RandomState(3) }).fitSync(x);
    same(t, m, golden.printed, x, 1e-12);
  } finally {
    console.log = log;
  }
  t.deepEqual(lines, golden.printed.text);
});

test("partialFit is scikit-learn's", (t) => {
  const x = dataOf(13, 9);
  const m = new BernoulliRBM({ nComponents: 5, batchSize: 4, randomState: 2 });
  for (const [from, to] of [
    [0, 5],
    [5, 10],
    [10, 13],
  ])
    m.partialFit(x.slice([from, to]));
  same(t, m, golden.partial, x, 1e-12);
  for (const drawn of golden.partial.gibbs) near(t, 'gibbs', m.gibbs(first(x, 4)), drawn, 0);
});

test("what partialFit and gibbs draw goes on over fits, as scikit-learn's", async (t) => {
  const row = (i: number) => Array.from({ length: 4 }, (_, j) => Number((7 * (4 * i + j)) % 5 > 2));
  const x = NDArray.from(Array.from({ length: 6 }, (_, i) => row(i)));
  const m = new BernoulliRBM({ nComponents: 3, nIter: 1, batchSize: 4, randomState: 2 }).partialFit(x.slice([0, 3]));
  await m.fit(x);
  // scikit-learn 1.9's numbers
  t.deepEqual(m.gibbs(x.slice([0, 2])).toArray(), [
    [1, 0, 0, 0],
    [0, 1, 1, 0],
  ]);
  m.partialFit(x.slice([3, 6]));
  near(
    t,
    'components',
    m.components.take([0]),
    { shape: [1, 4], data: [-0.04377853380627292, -0.04367348845902251, -0.05746607355447166, -0.05728652039882829] },
    1e-12,
  );
  m.fitSync(x, { onEpochEnd: () => {} });
  t.is(
    m
      .gibbs(x)
      .toArray<number[][]>()
      .map((drawn) => drawn.join(''))
      .join(),
    '0100,0010,0110,1000,0100,0011',
  );
  const again = BernoulliRBM.fromBytes(
    new BernoulliRBM({ nComponents: 3, nIter: 1, randomState: 2 }).fitSync(x).toBytes(),
  );
  t.deepEqual(
    again.fitSync(x).gibbs(x),
    new BernoulliRBM({ nComponents: 3, nIter: 1, randomState: 2 }).fitSync(x).gibbs(x),
  );
});

for (const { x, options, ...want } of golden.beyond)
  test(`equals its equations in NumPy: ${JSON.stringify(options)}`, async (t) => {
    const m = await new BernoulliRBM(options).fit(NDArray.from(x.data).reshape(...x.shape));
    for (const name of ['components', 'interceptHidden', 'interceptVisible'] as const)
      near(t, name, m[name], want[name], 1e-12);
  });

test.serial('gives the same bits with any number of threads', async (t) => {
  const before = getThreads();
  const bits = [];
  for (const threads of [1, 2, 4]) {
    setThreads(threads);
    const m = await new BernoulliRBM({ nComponents: 300, batchSize: 100, nIter: 1, k: 2, randomState: 1 }).fit(
      first(digits, 730),
    );
    bits.push([m.components.data, m.hSamples.data, m.transform(digits).data]);
  }
  setThreads(before);
  t.deepEqual(bits[1], bits[0]);
  t.deepEqual(bits[2], bits[0]);
});

test('tells of each pass, and waits', async (t) => {
  const told: unknown[] = [];
  const m = new BernoulliRBM({ nComponents: 2, nIter: 2, randomState: 1, trackPseudoLikelihood: true });
  await m.fit(dataOf(12, 9), {
    onEpochEnd: async (info) => {
      await new Promise((resolve) => setImmediate(resolve));
      told.push(info);
    },
  });
  const curve = m.pseudoLikelihoodCurve;
  t.deepEqual(
    told,
    [0, 1].map((epoch) => ({ epoch, epochs: 2, pseudoLikelihood: curve[epoch] })),
  );
});

test('an abort leaves a machine that can be used', async (t) => {
  const control = new AbortController();
  const m = new BernoulliRBM({ nComponents: 4, nIter: 1000, randomState: 1 });
  const fit = m.fit(dataOf(40, 9), {
    signal: control.signal,
    onEpochEnd: ({ epoch }) => epoch === 2 && control.abort(),
  });
  t.throws(() => m.fitSync(dataOf(40, 9)), { code: 'ERR_BUSY' });
  await t.throwsAsync(fit, { code: 'ERR_ABORTED' });
  t.true(m.transform(dataOf(3, 9)).data.every(Number.isFinite));
  await m.setParams({ nIter: 1 }).fit(dataOf(40, 9));
});

test('a RandomState is left where the last whole batch left it, and the main thread may draw from it between passes', async (t) => {
  const x = dataOf(40, 9);
  for (const visible of ['bernoulli', 'gaussian'] as const) {
    const [one, other, between] = [1, 2, 3].map(() => new RandomState(7));
    const machine = (randomState: RandomState, nIter: number) =>
      new BernoulliRBM({ nComponents: 7, batchSize: 3, nIter, visible, randomState });
    const control = new AbortController();
    const stop = {
      signal: control.signal,
      onEpochEnd: ({ epoch }: { epoch: number }) => epoch === 2 && control.abort(),
    };
    await t.throwsAsync(machine(one, 9).fit(x, stop), { code: 'ERR_ABORTED' });
    const whole = await machine(other, 3).fit(x);
    t.deepEqual(one.getState(), other.getState());

    const drawn: number[] = [];
    const told = await machine(between, 3).fit(x, { onEpochEnd: () => void drawn.push(between.randomSample()) });
    t.is(new Set(drawn).size, 3);
    t.notDeepEqual(told.components.data, whole.components.data);
  }
});

test('reconstruct, sample and freeEnergy follow their equations', async (t) => {
  const x = dataOf(7, 9);
  const m = new BernoulliRBM({ nComponents: 5, nIter: 20, randomState: 1 }).fitSync(x);
  const [w, bh, bv] = [m.components, m.interceptHidden.data, m.interceptVisible.data];
  const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
  const activity = (v: ArrayLike<number>) =>
    Array.from(bh, (b, h) => Array.from(v).reduce((sum, value, i) => sum + value * w.at(h, i), b));
  const mean = (h: number[]) =>
    Array.from(bv, (b, i) => sigmoid(h.reduce((sum, value, j) => sum + value * w.at(j, i), b)));
  const rows = x.toArray() as number[][];
  const want = rows.flatMap((row) => mean(activity(row).map(sigmoid)));
  near(t, 'reconstruct', m.reconstruct(x), { shape: [7, 9], data: want }, 1e-13);
  const energies = rows.map(
    (row) =>
      -row.reduce((s, v, i) => s + v * bv[i], 0) - activity(row).reduce((s, z) => s + Math.log1p(Math.exp(z)), 0),
  );
  near(t, 'freeEnergy', m.freeEnergy(x), { shape: [7], data: energies }, 1e-13);
  const random = new RandomState(8);
  const u = random.randomSample([7, 5]);
  const drawn = rows.flatMap((row, r) => mean(activity(row).map((z, j) => Number(u.at(r, j) < sigmoid(z)))));
  near(t, 'sample', await m.sample(7, { start: x, steps: 1, randomState: 8 }), { shape: [7, 9], data: drawn }, 1e-13);
  const control = new AbortController();
  const long = m.sample(2, { steps: 1e9, signal: control.signal });
  setTimeout(() => control.abort(), 5);
  await t.throwsAsync(long, { code: 'ERR_ABORTED' });
});

test('samplings that share a RandomState take turns; a signal that has fired is heard', async (t) => {
  const m = new BernoulliRBM({ nComponents: 200, nIter: 1, randomState: 1 }).fitSync(dataOf(30, 300));
  const sums = async (isTogether: boolean) => {
    const random = new RandomState(5);
    const draw = () => m.sample(40, { steps: 40, randomState: random });
    const both = isTogether ? await Promise.all([draw(), draw()]) : [await draw(), await draw()];
    return both.map(({ data }) => [...data]);
  };
  const together = await sums(true);
  t.deepEqual(together, await sums(false));
  t.notDeepEqual(together[0], together[1]);
  await t.throwsAsync(m.sample(2, { steps: 2, signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' });
});

test('is saved with all that partialFit and gibbs go on from', (t) => {
  const x = dataOf(12, 9);
  const m = new BernoulliRBM({ nComponents: 3, batchSize: 4, momentum: 0.5, randomState: 1 });
  m.partialFit(x).partialFit(x);
  const copy = BernoulliRBM.fromBytes(m.toBytes());
  for (const one of [m, copy]) one.partialFit(x);
  t.deepEqual(copy.components.data, m.components.data);
  t.deepEqual(copy.gibbs(x).data, m.gibbs(x).data);
  t.deepEqual(copy.getParams(), m.getParams());
});

test('visible units are those of the last fit until the next one', async (t) => {
  const x = dataOf(20, 9);
  const [one, other] = [1, 2].map(() => new BernoulliRBM({ nComponents: 4, nIter: 2, randomState: 1 }).fitSync(x));
  other.setParams({ visible: 'gaussian' });
  for (const machine of [other, BernoulliRBM.fromBytes(other.toBytes())]) {
    t.deepEqual(machine.reconstruct(x), one.reconstruct(x));
    t.deepEqual(machine.freeEnergy(x), one.freeEnergy(x));
  }
  t.deepEqual(other.partialFit(x).components, one.partialFit(x).components);
  t.notDeepEqual(other.fitSync(x).components, one.fitSync(x).components);
});

test('is a step of a pipeline', async (t) => {
  const x = first(digits, 300);
  const y = loadDigits().target.slice([0, 300]);
  const chain = makePipeline(new BernoulliRBM({ nComponents: 40, nIter: 2, randomState: 0 }), new StandardScaler());
  const alone = new BernoulliRBM({ nComponents: 40, nIter: 2, randomState: 0 }).fitSync(x).transform(x);
  t.deepEqual(((await chain.fit(x, y)).transform(x) as NDArray).data, new StandardScaler().fitTransform(alone).data);
});

test('is searched over, in a pipeline', async (t) => {
  const [x, y] = [first(digits, 120), loadDigits().target.slice([0, 120])];
  const { results } = await gridSearch({
    grid: { nComponents: [5, 20] },
    build: ({ nComponents }: any) =>
      makePipeline(
        new BernoulliRBM({ nComponents, nIter: 1, randomState: 0 }),
        new MLPClassifier({ hiddenLayerSizes: [], maxIter: 3, randomState: 0 }),
      ),
    train: [x, y],
    cv: 2,
  });
  t.deepEqual(
    results.map(({ params }) => params),
    [{ nComponents: 5 }, { nComponents: 20 }],
  );
  t.true(results.every(({ testScore }) => testScore !== undefined && testScore >= 0));
});

test('refuses what it cannot work with in one sentence', async (t) => {
  const x = dataOf(6, 9);
  const wrong: [object, string][] = [
    [{ nComponents: 0 }, 'Expected nComponents to be a positive integer, got 0 (number)'],
    [{ learningRate: 0 }, 'Expected learningRate to be'],
    [{ batchSize: 1.5 }, 'Expected batchSize to be a positive integer, got 1.5 (number)'],
    [{ momentum: 1 }, 'Expected momentum to be'],
    [{ visible: 'binary' }, 'Expected visible to be'],
    [{ persistent: 1 }, 'Expected persistent to be'],
    [{ nComponent: 3 }, 'nComponent'],
  ];
  for (const [options, words] of wrong) {
    const error = t.throws(() => new BernoulliRBM(options));
    t.true(error?.message.includes(words), error?.message);
  }
  const m = new BernoulliRBM({ nComponents: 2, nIter: 1, randomState: 1 });
  t.throws(() => m.transform(x), { code: 'ERR_NOT_FITTED' });
  t.throws(() => m.components, { code: 'ERR_NOT_FITTED' });
  await t.throwsAsync(m.fit([[0, Number.NaN]]), { instanceOf: RangeError });
  m.fitSync(x);
  for (const call of ['gibbs', 'reconstruct', 'scoreSamples', 'transform'] as const)
    t.throws(() => m[call]([[1, 0]]), { instanceOf: RangeError }, call);
  const gaussian = new BernoulliRBM({ nComponents: 2, nIter: 1, visible: 'gaussian' }).fitSync(x);
  t.throws(() => gaussian.scoreSamples(x), { message: /'bernoulli'/ });
});

test('labels may stand before the options, as in scikit-learn, and are not used', async (t) => {
  const x = new RandomState(3).randomSample([20, 6]);
  const labels = Array.from({ length: 20 }, (_, i) => `class ${i % 2}`);
  const makes: (() => BernoulliRBM)[] = [
    () => new BernoulliRBM({ nComponents: 3, nIter: 2, randomState: 1 }),
    () => new DeepBoltzmannMachine({ nComponents: [3, 2], nIter: 2, pretrainIter: 2, randomState: 1 }) as never,
  ];
  for (const make of makes) {
    const hidden = make().fitSync(x).transform(x);
    const seen: unknown[] = [];
    const options = { onEpochEnd: (info: object) => seen.push(info) };
    await make().fit(x, options);
    const each = seen.length;
    t.true(each > 0);
    for (const y of [labels, NDArray.from(labels.map(Number.isNaN).map(Number)), new Int32Array(20)]) {
      t.deepEqual((await make().fit(x, y, options)).transform(x), hidden);
      t.deepEqual(make().fitSync(x, y).transform(x), hidden);
      t.deepEqual(make().fitTransform(x, y, options), hidden);
    }
    t.deepEqual(make().fitTransform(x, undefined, options), hidden);
    t.is(seen.length, 8 * each);
    const signal = AbortSignal.abort();
    await t.throwsAsync(make().fit(x, labels, { signal }), { code: 'ERR_ABORTED' });
    await t.throwsAsync(make().fit(x, options as never, options), { message: /^Expected y to be labels or undefined/ });
    await t.throwsAsync(make().fit(x, labels, labels as never), { message: /^Expected options to / });
    t.throws(() => make().fitSync(x, labels, { signal } as never), { message: /no option 'signal'/ });
    t.throws(() => make().fitSync(x, 'labels' as never), { message: /^Expected options to be an object/ });
  }
});
