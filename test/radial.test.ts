import { readFileSync } from 'node:fs';
import test from 'ava';
import {
  crossValScore,
  getThreads,
  gridSearch,
  layers,
  loadDigits,
  makePipeline,
  NDArray,
  RandomState,
  RBFClassifier,
  RBFInterpolator,
  RBFRegressor,
  StandardScaler,
  sequential,
  setThreads,
  trainTestSplit,
} from 'fjordnet';
import { solve } from '../dist/radial/solve.js';

interface Golden {
  x: number[][];
  y: number[];
  z: number[][];
  query: number[][];
  line: number[][];
  values: number[];
  points: number[][];
  interpolated: { data: 'plane' | 'line'; columns: boolean; options: any; value: number[] | number[][] }[];
  networks: {
    seed: number;
    nCenters: number;
    nNeighbors: number;
    alpha: number;
    x: number[][];
    y: number[][];
    widths: number[];
    coef: number[][];
    intercept: number[];
    predicted: number[][];
  }[];
}
const golden: Golden = JSON.parse(readFileSync(new URL('../test/fixtures/radial.json', import.meta.url), 'utf8'));

function near(t: any, got: ArrayLike<number>, want: readonly number[], allowed: number) {
  t.is(got.length, want.length);
  const largest = Math.max(1, ...want.map(Math.abs));
  for (let i = 0; i < want.length; i++)
    t.true(Math.abs(got[i] - want[i]) <= allowed * largest, `${got[i]} instead of ${want[i]} at ${i}`);
}

for (const [i, { data, columns, options, value }] of golden.interpolated.entries())
  test(`SciPy's interpolant ${i + 1}: ${options.kernel} on a ${data}`, (t) => {
    const [x, y, at] =
      data === 'line'
        ? [golden.line, golden.values, golden.points]
        : [golden.x, columns ? golden.z : golden.y, golden.query];
    const interpolator = new RBFInterpolator(x, y as number[], options);
    near(t, interpolator.predict(at).data, value.flat(), 1e-10); // as far as the systems' conditions let it
    if (options.smoothing === 0) near(t, interpolator.predict(x).data, (y as number[][]).flat(), 1e-9); // it meets the values
    t.deepEqual(RBFInterpolator.fromBytes(interpolator.toBytes()).predict(at), interpolator.predict(at));
  });

test('a system that rounding leaves nothing of is told', (t) => {
  const x = Array.from({ length: 35 }, (_, i) => [i / 35]);
  const y = x.map((_, i) => Math.sin(i * i));
  t.throws(() => new RBFInterpolator(x, y, { epsilon: 1.3 }), {
    message: /^Expected epsilon to be larger, or some smoothing: .* is off by .* at point \d+$/,
  });
  t.notThrows(() => new RBFInterpolator(x, y, { epsilon: 1.3, smoothing: 0.1 }));
  const twice = [...x, ...x.map(([a]) => [a + 1e-9])];
  const values = twice.map((_, i) => Math.sin(i * i));
  t.throws(() => new RBFInterpolator(twice, values, { kernel: 'cubic' }), {
    message: /^Expected some smoothing, or points further apart: .* is off by /, // it has no epsilon
  });
});

test('layers.rbf is phi, far from 0 as well', (t) => {
  for (const [shift, allowed] of [
    [0, 1e-6],
    [1000, 1e-3],
  ]) {
    const random = new RandomState(2);
    const [x, centers] = [20, 4].map((n) =>
      NDArray.from(random.randn(n, 3).data.map((value) => Math.fround(value + shift)) as Float64Array, {
        shape: [n, 3],
      }),
    );
    const model = sequential({ layers: [layers.rbf({ units: 4, inputShape: [3] })] });
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    model.setWeights([centers, [0.5, 1, 0.3, 0.7]]);
    const got = model.predictSync(x).data;
    for (let i = 0; i < 20; i++)
      for (const [k, epsilon] of [0.5, 1, 0.3, 0.7].entries()) {
        let square = 0;
        for (let j = 0; j < 3; j++) square += (x.data[3 * i + j] - centers.data[3 * k + j]) ** 2;
        t.true(Math.abs(got[4 * i + k] - Math.exp(-epsilon * epsilon * square)) < allowed);
      }
  }
});

test('a system of several halves is solved, by any number of threads to the same bits', (t) => {
  const random = new RandomState(1);
  const before = getThreads();
  for (const n of [1, 2, 15, 16, 17, 33, 200]) {
    const [a, b] = [random.randn(n, n), random.randn(n, 2)];
    const answers = [1, 2, 3].map((threads) => {
      setThreads(threads);
      const x = Float64Array.from(b.data);
      t.true(solve(Float64Array.from(a.data), n, x, 2));
      return x;
    });
    setThreads(before);
    t.deepEqual(answers[1], answers[0]);
    t.deepEqual(answers[2], answers[0]);
    for (let i = 0; i < n; i++)
      for (let c = 0; c < 2; c++) {
        let sum = -b.data[i * 2 + c];
        for (let k = 0; k < n; k++) sum += a.data[i * n + k] * answers[0][k * 2 + c];
        t.true(Math.abs(sum) < 1e-9, `${n}: ${sum}`);
      }
  }
  t.false(solve(Float64Array.from([1, 2, 2, 4]), 2, new Float64Array(2), 1));
});

for (const one of golden.networks)
  test(`a network of scikit-learn's KMeans and Ridge: ${one.nCenters} centres`, async (t) => {
    const { nCenters, nNeighbors, alpha, seed } = one;
    const width = nNeighbors === 0 ? 'maximum' : 'neighbors';
    const options = { nCenters, alpha, width, ...(nNeighbors && { nNeighbors }), randomState: seed } as const;
    const regressor = await new RBFRegressor(options).fit(one.x, one.y);
    near(t, regressor.widths.data, one.widths, 1e-12);
    near(t, regressor.coef.data, one.coef.flat(), 1e-10);
    near(t, regressor.intercept.data, one.intercept, 1e-10);
    const at = one.x.slice(0, 5).map((row) => row.map((value) => value + 0.1));
    near(t, regressor.predict(at).data, one.predicted.flat(), 1e-10);
    t.deepEqual(new RBFRegressor(options).fitSync(one.x, one.y).coef, regressor.coef);
  });

const { data, target } = loadDigits();
const [xTrain, xTest, yTrain, yTest] = trainTestSplit([data, target], { testSize: 0.2, randomState: 0 });

test('digits: widths of neighbours classify, the textbook’s do not', async (t) => {
  const score = async (width: 'neighbors' | 'maximum', nCenters: number) =>
    (await new RBFClassifier({ nCenters, width, randomState: 0 }).fit(xTrain, yTrain)).score(xTest, yTest);
  t.true((await score('neighbors', 50)) > 0.95);
  t.true((await score('neighbors', 100)) > 0.97);
  t.true((await score('maximum', 100)) < 0.6);
});

test('estimators: words, pipelines, searches, files, aborts, float32', async (t) => {
  const words = Array.from(yTrain.data, (digit) => (digit % 2 ? 'odd' : 'even'));
  const classifier = new RBFClassifier({ nCenters: 20, randomState: 1 }).fitSync(xTrain, words);
  t.deepEqual(classifier.classes, ['even', 'odd']);
  const loaded = RBFClassifier.fromBytes(classifier.toBytes());
  t.deepEqual(loaded.predict(xTest), classifier.predict(xTest));
  t.deepEqual(loaded.getParams(), classifier.getParams());
  const pipeline = await makePipeline(new StandardScaler(), new RBFRegressor({ nCenters: 10, randomState: 0 })).fit(
    golden.x,
    golden.y,
  );
  t.is((pipeline.predict(golden.query) as NDArray).length, 9);
  const build = ({ nCenters }: any) => new RBFClassifier({ nCenters, randomState: 0 });
  const { best } = await gridSearch({
    grid: { nCenters: [5, 40] },
    build,
    train: [xTrain, yTrain],
    test: [xTest, yTest],
  });
  t.is(best.params.nCenters, 40);
  t.true((await crossValScore(build({ nCenters: 30 }), xTrain, yTrain, { cv: 2 })).every((score) => score > 0.9));
  const error: any = await t.throwsAsync(classifier.fit(xTrain, words, { signal: AbortSignal.abort() }));
  t.is(error.code, 'ERR_ABORTED');
  t.deepEqual(loaded.predict(xTest), classifier.predict(xTest));
  const single = new RBFClassifier({ nCenters: 20, randomState: 1 }).fitSync(
    NDArray.from(xTrain, { dtype: 'float32' }),
    yTrain,
  );
  t.is(single.centers.dtype, 'float32');
  t.true(single.score(xTest, yTest) > 0.85);
});

test('float32 far from 0: rows and centres are moved by the same', (t) => {
  const near0 = [1 / 64, 1.5, 2.25, 4, 5.125, 7.75];
  const fitted = (offset: number) => {
    const x = NDArray.from(Float32Array.from(near0, (v) => offset + v)).reshape(-1, 1);
    const y = [1, -1, 2, 0.5, -2, 1];
    return new RBFRegressor({ nCenters: 6, width: 2, randomState: 0 }).fitSync(x, y).predict(x);
  };
  near(t, fitted(2 ** 17).data, Array.from(fitted(0).data), 1e-5);
});

test('fits that share a RandomState take turns', async (t) => {
  const apart = (random: RandomState) => [1, 2].map(() => new RBFClassifier({ nCenters: 10, randomState: random }));
  const together = await Promise.all(apart(new RandomState(6)).map((each) => each.fit(xTrain, yTrain)));
  const inTurn = apart(new RandomState(6)).map((each) => each.fitSync(xTrain, yTrain));
  t.deepEqual(
    together.map(({ centers }) => centers),
    inTurn.map(({ centers }) => centers),
  );
});

test('what they cannot take is told in a sentence', (t) => {
  const wrong: [() => unknown, RegExp][] = [
    [
      () => new RBFInterpolator([[0], [1]], [1, 2]),
      /Expected epsilon to be a positive number for 'gaussian', got undefined/,
    ],
    [
      () => new RBFInterpolator([[0], [1]], [1, 2], { epsilon: null as never }),
      /Expected epsilon to be a positive number for 'gaussian', got null/,
    ],
    [
      () => new RBFInterpolator([[0, 1]], [1], { epsilon: 1, degree: 1e12 }),
      /Expected x to be a matrix of 5.0*15e\+23 rows or more for a polynomial of degree 1000000000000/,
    ],
    [
      () => new RBFRegressor({ nCenters: 2 }).fitSync([[1], [2]], []),
      /Expected y to be a vector or a matrix of numbers/,
    ],
    [() => new RBFInterpolator([[0], [1]], [1], { epsilon: 1 }), /Expected y to .* 2/],
    [
      () => new RBFInterpolator([[0], [0]], [1, 2], { epsilon: 1 }),
      /Expected x to determine one interpolant, but its system is singular/,
    ],
    ...[0, 0.1].map((smoothing): [() => unknown, RegExp] => [
      () => {
        const line = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => [0.1 * i, 0.3 * i + 0.7]);
        return new RBFInterpolator(line, [0, 1, 3, 2, 4, 1, 0, 2], { kernel: 'thinPlateSpline', smoothing });
      },
      /they lie on a line where the polynomial needs a plane/,
    ]),
    [
      () => new RBFInterpolator([[0], [1]], [1, 2], { epsilon: 1, degree: 2 }),
      /Expected x to be a matrix of 3 rows or more for a polynomial of degree 2/,
    ],
    [
      () => new RBFInterpolator([[0], [1]], [1, 2], { kernel: 'bell' as any }),
      /Expected kernel to be .*'gaussian'.*got 'bell'/,
    ],
    [
      () => new RBFInterpolator([[0], [1]], [1, 2], { epsilon: 1 }).predict([[1, 2]]),
      /Expected x to be a matrix of 1 columns/,
    ],
    [
      () => new RBFInterpolator([[0], [1]], [1, 2], { epsilon: 1, neighbors: 0 }),
      /Expected neighbors to be a positive integer, got 0/,
    ],
    [
      () => new RBFInterpolator([[0], [1], [2]], [1, 2, 3], { kernel: 'cubic', neighbors: 1 }),
      /Expected neighbors to be 2 or more for a polynomial of degree 1, got 1/,
    ],
    [
      () => new RBFInterpolator([[0], [1]], [1, 2], { epsilon: 1, neighbors: 1 }).coefficients,
      /Expected neighbors to be undefined where all points have coefficients, got 1/,
    ],
    [
      () => new RBFInterpolator([[0], [1], [1]], [1, 2, 2], { epsilon: 1, neighbors: 2 }).predict([[0.9]]),
      /Expected x to determine one interpolant, but its system is singular: two points are the same/,
    ],
    [
      () => new RBFInterpolator([[0], [1]], [1, 2], { epsilon: 1, smoothing: [1] }),
      /Expected smoothing to be a number or a vector of 2/,
    ],
    [
      () => new RBFClassifier({ width: 'wide' as any }),
      /Expected width to be a number, 'neighbors' or 'maximum', got 'wide'/,
    ],
    [
      () => new RBFClassifier().fitSync([[1], [2]], [0, 1]),
      /Expected x to be a matrix of 100 rows or more, as there are centres/,
    ],
    [
      () => new RBFClassifier({ nCenters: 2 }).fitSync([[1], [2]], [1, 1]),
      /Expected y to hold two classes at least, got only 1/,
    ],
    [() => new RBFRegressor().predict([[1]]), /Expected RBFRegressor to be fitted/],
    [
      // four centres among three points: two of them are the same
      () =>
        new RBFRegressor({ nCenters: 4, width: 1, alpha: 0, randomState: 0 }).fitSync(
          [[0.1], [1.3], [2.7], [0.1], [1.3], [2.7]],
          [1, 2, 3, 1, 2, 3],
        ),
      /^Expected alpha to be larger: the radial functions of x depend on one another$/,
    ],
    [
      () => new RBFRegressor({ nCenters: 2, randomState: 0 }).fitSync([[1], [1], [1]], [1, 2, 3]),
      /Expected width to be a number where all centres are the same/,
    ],
  ];
  for (const [call, message] of wrong) t.throws(call, { message });
});
