import test from 'ava';
import {
  accuracyScore,
  crossValScore,
  MLPClassifier,
  MLPRegressor,
  NDArray,
  Perceptron,
  RandomState,
  RBFRegressor,
  trainTestSplit,
} from 'fjordnet';
import { bits, makeData, near, silenceWarnings, someDigits } from './helpers/sklearn.js';

silenceWarnings();
const { x, y } = makeData({ kind: 'regression', n: 40, features: 4, seed: 3, classes: 1, float32: false });
const small = { hiddenLayerSizes: 3, maxIter: 3, randomState: 0 };

/** [[0, 2, 0], [1, 0, 3]] */
const csr = { data: [2, 3, 1], indices: [1, 2, 0], indptr: [0, 1, 3], shape: [2, 3] };

test('sparse rows are the matrix they stand for, in every call', async (t) => {
  const { x: digits, y: labels } = someDigits(3);
  const rows = digits.toArray<number[][]>();
  const indptr = [0];
  for (const row of rows) indptr.push(indptr.at(-1)! + row.filter((v) => v !== 0).length);
  const sparse = {
    data: Float64Array.from(rows.flat().filter((v) => v !== 0)),
    indices: Int32Array.from(rows.flatMap((row) => [...row.keys()].filter((k) => row[k] !== 0))),
    indptr,
    shape: [...digits.shape],
  };
  for (const solver of ['adam', 'lbfgs'] as const) {
    const model = () => new MLPClassifier({ ...small, solver });
    const whole = model().fitSync(digits, labels);
    t.deepEqual(bits(model().fitSync(sparse, labels)), bits(whole));
    t.deepEqual(bits(await model().fit(sparse, labels)), bits(whole));
    t.deepEqual(whole.predict(sparse), whole.predict(digits));
    t.deepEqual(whole.predictProba(sparse), whole.predictProba(digits));
    t.deepEqual(whole.predictLogProba(sparse), whole.predictLogProba(digits));
    t.is(whole.score(sparse, labels), whole.score(digits, labels));
  }
  const step = (rows: any) => new MLPClassifier(small).partialFit(rows, labels, [0, 1, 2]);
  t.deepEqual(bits(step(sparse)), bits(step(digits)));
});

test('sparse rows: values of one place add up, in any order; a Float32Array makes float32', (t) => {
  const model = (features: any) => new MLPRegressor(small).fitSync(features, [1, 2]);
  const expected = bits(model([[0, 2, 0], [1, 0, 3]])); // biome-ignore format: rows
  t.deepEqual(bits(model(csr)), expected);
  const again = {
    data: NDArray.from([1.5, 0.5, 3, 0.25, 0.75]),
    indices: [1, 1, 2, 0, 0],
    indptr: new Int32Array([0, 2, 5]),
  };
  t.deepEqual(bits(model({ ...again, shape: [2, 3] })), expected);
  t.deepEqual(bits(model({ ...csr, data: [2, 3, 1, 9], indices: [1, 2, 0, 7] })), expected); // what lies past indptr is not read
  t.is(model({ ...csr, data: new Float32Array([2, 3, 1]) }).coefs[0].dtype, 'float32');
  t.is(model({ ...csr, data: new Int32Array([2, 3, 1]) }).coefs[0].dtype, 'float64');
  t.deepEqual(
    bits(model({ data: [], indices: [], indptr: [0, 0, 0], shape: [2, 3] })),
    bits(model(NDArray.zeros([2, 3]))),
  );
});

test('a table is refused with the way that it takes', (t) => {
  const message = /^Expected x to be an array of numbers \(a Pipeline with a ColumnTransformer takes a table\), got /;
  for (const x of [
    { a: [1, 2], b: [3, 4] },
    [
      { a: 1, b: 3 },
      { a: 2, b: 4 },
    ],
  ] as never[]) {
    t.throws(() => new MLPRegressor(small).fitSync(x, [1, 2]), { instanceOf: TypeError, message });
    t.throws(() => new Perceptron().fitSync(x, [1, 2]), { instanceOf: TypeError, message });
    t.throws(() => new RBFRegressor({ nCenters: 1 }).fitSync(x, [1, 2]), { instanceOf: TypeError, message });
  }
});

test('sparse rows that are no matrix are refused, each by its field', (t) => {
  const refused: [object, string | RegExp][] = [
    [{ indices: undefined }, /^Expected x\.indices to be an array of numbers, got undefined$/],
    [{ data: 'abc' }, /^Expected x\.data to be an array of numbers, got 'abc'/],
    [{ data: [[2, 3, 1]] }, 'Expected x.data to have 1 dimension, got shape [1, 3]'],
    [{ data: [2, Number.NaN, 1] }, 'Expected x to hold finite numbers, got NaN at row 1, column 2'],
    [{ data: [2, 3] }, 'Expected x.indices to hold 2 numbers, as data does, got 3'],
    [{ indices: [1, 3, 0] }, 'Expected x.indices[1] to be a column below 3, got 3 (number)'],
    [{ indices: [1, -1, 0] }, 'Expected x.indices[1] to be a column below 3, got -1 (number)'],
    [{ indices: [1, 0.5, 0] }, 'Expected x.indices[1] to be a column below 3, got 0.5 (number)'],
    [{ indices: [1, Number.NaN, 0] }, 'Expected x.indices[1] to be a column below 3, got NaN (number)'],
    [{ indptr: [0, 3] }, 'Expected x.indptr to hold 3 numbers, one more than rows, got 2'],
    [{ indptr: [1, 1, 3] }, 'Expected x.indptr[0] to be 0, got 1 (number)'],
    [{ indptr: [0, 2, 1] }, 'Expected x.indptr[2] to be an integer from 2 to 3, got 1 (number)'],
    [{ indptr: [0, 1, 4] }, 'Expected x.indptr[2] to be an integer from 1 to 3, got 4 (number)'],
    [{ shape: 6 }, 'Expected x.shape to be an array [rows, columns], got 6 (number)'],
    [{ shape: [2, 3, 1] }, 'Expected x.shape to be an array [rows, columns], got Array(3)'],
    [{ shape: [2, 0] }, 'Expected x.shape[1] to be a positive integer, got 0 (number)'],
    [{ shape: [2, 2 ** 52] }, `Expected x to fit in memory with every value stored, got shape [2, ${2 ** 52}]`],
  ];
  const model = new MLPRegressor(small).fitSync(csr, [1, 2]);
  const before = bits(model);
  for (const [change, message] of refused) {
    t.throws(() => model.fitSync({ ...csr, ...change } as any, [1, 2]), { message });
    t.throws(() => model.predict({ ...csr, ...change } as any), { message });
  }
  t.throws(() => model.predict({ ...csr, shape: [2, 4] }), {
    message: /^Expected x to be a matrix of 3 columns, as at fit/,
  });
  t.deepEqual(bits(model), before);
});

test('booleans are labels: they come back as booleans, and count as 0 and 1 beside numbers', async (t) => {
  const truth: boolean[] = y.map((v: number) => v > 0);
  const model = new MLPClassifier({ ...small, maxIter: 60, learningRateInit: 0.05 }).fitSync(x, truth);
  const predicted = model.predict(x) as boolean[];
  t.deepEqual(model.classes, [false, true]);
  t.true(Array.isArray(predicted) && predicted.every((label) => typeof label === 'boolean'));
  t.is(model.score(x, truth), accuracyScore(truth, predicted));
  t.true(model.score(x, truth) > 0.6);
  t.is(accuracyScore(truth.map(Number), predicted), accuracyScore(truth, predicted));
  const numbers = new MLPClassifier({ ...small, maxIter: 60, learningRateInit: 0.05 }).fitSync(x, truth.map(Number));
  t.deepEqual(bits(numbers), bits(model));
  const [train, test] = trainTestSplit([truth], { randomState: 0, stratify: truth });
  t.is(train.length + test.length, 40);
  t.is(typeof train[0], 'boolean');
  t.is((await crossValScore(model, x, truth, { cv: 3 })).length, 3);
  t.throws(() => model.fitSync(x, [...truth.slice(1), 1] as any), {
    message: /^Expected y\[39\] to be a boolean, as the labels before it are, got 1/,
  });
  t.throws(() => model.partialFit(x, truth.map(String)), {
    message: "Expected y to hold labels out of the classes of the last fit, false, true, got 'true' at row 0",
  });
  t.throws(() => model.partialFit(x, truth, ['false', 'true']), {
    message: /^Expected classes to be those of the earlier calls, false, true/,
  });
});

test("labels '1' and 1 are two things, whatever is asked", (t) => {
  const [numbers, names] = [
    [0, 1, 1],
    ['0', '1', '1'],
  ];
  const model = new MLPClassifier(small).fitSync([[1], [2], [3]], names);
  t.throws(() => model.score([[1], [2], [3]], numbers), { instanceOf: TypeError });
  t.throws(() => model.partialFit([[1]], [1]), { message: /classes of the last fit, '0', '1', got 1 at row 0$/ });
  t.throws(() => model.partialFit([[1]], ['1'], numbers), {
    message: /^Expected classes to be those of the earlier calls, '0', '1'/,
  });
});

test('a single class is learnt, as in scikit-learn', (t) => {
  const model = new MLPClassifier(small).fitSync(x, new Array(40).fill('ja'));
  t.deepEqual(model.classes, ['ja']);
  t.deepEqual([model.nOutputs, model.outActivation], [1, 'logistic']);
  t.deepEqual(model.predict(x), new Array(40).fill('ja'));
  t.deepEqual([...model.predictProba(x).shape], [40, 2]);
  t.is(model.score(x, new Array(40).fill('ja')), 1);
});

test('coefs and intercepts may be set before the first fit', (t) => {
  const coefs = [[[0.1, 0.2], [0.3, 0.1], [0.5, 0]], [[0.1], [0.2]]]; // biome-ignore format: matrices
  const intercepts = [[0.1, 0.1], [1]];
  const rows = [[0.6, 0.8, 0.7]];
  const given = <M extends MLPClassifier | MLPRegressor>(model: M): M => Object.assign(model, { coefs, intercepts });

  // scikit-learn's worked example, as its own test sets it up
  const options = { solver: 'sgd', learningRateInit: 0.1, alpha: 0.1, activation: 'logistic', momentum: 0 } as const;
  const model = given(new MLPClassifier({ ...options, hiddenLayerSizes: 2, randomState: 1 }));
  t.deepEqual(
    model.coefs.map((w) => w.toArray()),
    coefs,
  );
  t.deepEqual([model.nLayers, model.nFeaturesIn, model.nOutputs], [3, 3, 1]);
  t.throws(() => model.predict(rows), { code: 'ERR_NOT_FITTED' }); // of which classes?
  model.partialFit(rows, [0], [0, 1]);
  near(t, model.coefs[1].data, [0.04706, 0.154089], 2e-3, 'coefs[1]');
  near(t, model.intercepts[1].data, [0.9235], 1e-3, 'intercepts[1]');
  near(t, model.predictProba(rows).data, [0.261, 0.739], 2e-3, 'predictProba');

  const regressor = given(
    new MLPRegressor({ hiddenLayerSizes: 2, activation: 'identity', randomState: 1, maxIter: 1 }),
  );
  const expected = (0.6 * 0.1 + 0.8 * 0.3 + 0.7 * 0.5 + 0.1) * 0.1 + (0.6 * 0.2 + 0.8 * 0.1 + 0.1) * 0.2 + 1;
  near(t, regressor.predict(rows).data, [expected], 1e-14, 'predict');
  const warm = given(new MLPRegressor({ ...regressor.getParams(), warmStart: true })).fitSync(rows, [expected]);
  near(t, [warm.loss], [(0.5e-4 * (0.01 + 0.04 + 0.09 + 0.01 + 0.25 + 0.01 + 0.04)) / 1], 1e-9, 'loss');
  const cold = new MLPRegressor(regressor.getParams()).fitSync(rows, [1]);
  t.deepEqual(bits(given(new MLPRegressor(regressor.getParams())).fitSync(rows, [1])), bits(cold)); // without warmStart, as there
});

test('coefs that do not fit together, or do not fit the data, are refused', (t) => {
  const fresh = () => new MLPRegressor({ ...small, warmStart: true });
  const zeros = (...shape: number[]) => NDArray.zeros(shape);
  const refused: [() => unknown, RegExp][] = [
    [() => Object.assign(fresh(), { coefs: 5 }), /^Expected coefs to be an array of arrays, got 5/],
    [() => Object.assign(fresh(), { coefs: ['a'] }), /^Expected coefs\[0\] to be an array of numbers, got 'a'/],
    [
      () => Object.assign(fresh(), { coefs: [[1]] }),
      /^Expected coefs\[0\] to be a matrix \[fan in, fan out\], got shape \[1\]$/,
    ],
    [
      () => Object.assign(fresh(), { coefs: [zeros(2, 3), zeros(2, 1)] }),
      /^Expected coefs\[1\] to be a matrix of 3 rows/,
    ],
    [
      () => Object.assign(fresh(), { intercepts: [zeros(2, 3)] }),
      /^Expected intercepts\[0\] to be one bias for each neuron/,
    ],
    [
      () => Object.assign(fresh(), { coefs: [zeros(2, 3)], intercepts: [zeros(2)] }),
      /^Expected intercepts\[0\] to be of shape \[3\], got shape \[2\]$/,
    ],
    [
      () => Object.assign(fresh(), { intercepts: [zeros(2)], coefs: [zeros(2, 3)] }),
      /^Expected coefs\[0\] to be a matrix of 2 columns/,
    ],
    [
      () => Object.assign(fresh(), { coefs: [zeros(2, 3)], intercepts: [zeros(3), zeros(1)] }),
      /^Expected intercepts to be an array of 1 arrays/,
    ],
    [
      () => Object.assign(fresh(), { coefs: [zeros(4, 3), zeros(3, 1)] }).fitSync(x, y),
      /^Expected intercepts to be set too, as coefs is/,
    ],
    [
      () =>
        Object.assign(fresh(), { coefs: [zeros(4, 2), zeros(2, 1)], intercepts: [zeros(2), zeros(1)] }).fitSync(x, y),
      /^Expected the layers to be those of coefs, \[4, 2, 1\]/,
    ],
    [
      () =>
        Object.assign(fresh(), { coefs: [zeros(5, 3), zeros(3, 1)], intercepts: [zeros(3), zeros(1)] }).fitSync(x, y),
      /^Expected x to be a matrix of 5 columns/,
    ],
  ];
  for (const [run, message] of refused) t.throws(run, { message });
  const model = fresh();
  model.coefs = [zeros(4, 3), zeros(3, 1)];
  model.coefs = [];
  t.is(model.nLayers, 0);
  t.is(model.fitSync(x, y).nLayers, 3);
});

test("'lbfgs' draws its weights in float32 for float32 x, and is float64 after that", (t) => {
  const x32 = NDArray.from(x, { dtype: 'float32' });
  const random = new RandomState(0);
  const drawn = (...shape: number[]) => {
    const bound = Math.sqrt(6 / (shape[0] + (shape[1] ?? 0)));
    return (size: number[]) =>
      NDArray.from(NDArray.from(random.uniform(-bound, bound, size), { dtype: 'float32' }), { dtype: 'float64' });
  };
  const [first, second] = [drawn(4, 3), drawn(3, 1)];
  const weights = [first([4, 3]), first([3]), second([3, 1]), second([1])];
  const options = { ...small, solver: 'lbfgs', maxIter: 20 } as const;
  const given = Object.assign(new MLPRegressor({ ...options, warmStart: true }), {
    coefs: [weights[0], weights[2]],
    intercepts: [weights[1], weights[3]],
  });
  given.fitSync(NDArray.from(x32, { dtype: 'float64' }), y);
  t.deepEqual(bits(new MLPRegressor(options).fitSync(x32, y)), bits(given));
});

test('negative sample weights count, in fit and in score; weights that sum to 0 are refused', (t) => {
  const w = y.map((_: number, i: number) => (i % 4) - 1);
  const model = new MLPRegressor(small).fitSync(x, y, { sampleWeight: w });
  const labels = y.map((v: number) => v > 0);
  t.true(Number.isFinite(model.score(x, y, { sampleWeight: w })));
  const classifier = new MLPClassifier(small).fitSync(x, labels, { sampleWeight: w });
  const right = (classifier.predict(x) as boolean[]).map((label, i) => Number(label === labels[i]));
  const total = w.reduce((a: number, b: number) => a + b);
  t.is(classifier.score(x, labels, { sampleWeight: w }), right.reduce((sum, r, i) => sum + r * w[i], 0) / total);
  for (const solver of ['adam', 'lbfgs'] as const) {
    const opposite = y.map((_: number, i: number) => (i % 2 ? 1 : -1));
    t.throws(() => new MLPRegressor({ ...small, solver }).fitSync(x, y, { sampleWeight: opposite }), {
      message: /^Expected sampleWeight to have a sum other than 0/,
    });
  }
  t.throws(() => model.score(x, y, { sampleWeight: w.map((_: number, i: number) => (i % 2 ? 1 : -1)) }), {
    message: /^Expected sampleWeight to have a sum other than 0/,
  });
});

test('samples of weight 0 are samples left out', (t) => {
  const w = y.map((_: number, i: number) => Number(i % 3 > 0));
  const kept = [...w.keys()].filter((i) => w[i] > 0);
  const options = { ...small, solver: 'lbfgs', maxIter: 30, tol: 1e-8 } as const;
  const weighted = new MLPRegressor(options).fitSync(x, y, { sampleWeight: w });
  const dropped = new MLPRegressor(options).fitSync(
    x.take(kept),
    kept.map((i) => y[i]),
  );
  near(t, weighted.coefs[0].data, Array.from(dropped.coefs[0].data), 1e-6, 'coefs');
  const ones = new MLPRegressor({ ...small, earlyStopping: true, batchSize: 10 });
  const plain = new MLPRegressor({ ...small, earlyStopping: true, batchSize: 10 }).fitSync(x, y);
  near(
    t,
    ones.fitSync(x, y, { sampleWeight: w.map(() => 1) }).predict(x).data,
    Array.from(plain.predict(x).data),
    1e-12,
    'ones',
  );
});
