import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import {
  bootstrapScore,
  crossValScore,
  custom,
  gridSearch,
  KFold,
  layers,
  loadDigits,
  MLPClassifier,
  MLPRegressor,
  NDArray,
  NeuralNetwork,
  ops,
  Pipeline,
  permutationImportance,
  RandomState,
  StandardScaler,
  StratifiedShuffleSplit,
  sequential,
  toCategorical,
  trainTestSplit,
} from 'fjordnet';
import { silenceWarnings } from './helpers/sklearn.js';

const golden = JSON.parse(readFileSync(new URL('../test/fixtures/cross-validation.json', import.meta.url), 'utf8'));
silenceWarnings();

const digits = loadDigits();
const rows = Array.from({ length: 240 }, (_, i) => i);
const x = digits.data.take(rows);
x.data.forEach((v, i) => {
  x.data[i] = v / 16;
});
const y = digits.target.take(rows);
const letters = Array.from(y.data, (v) => 'abcdefghij'[v]);
const small = { hiddenLayerSizes: [8], maxIter: 12, learningRateInit: 0.05 };

function near(t: ExecutionContext, actual: readonly number[], expected: readonly number[]): void {
  t.is(actual.length, expected.length);
  actual.forEach((a, i) => {
    t.true(Math.abs(a - expected[i]) <= 1e-9 * Math.abs(expected[i]), `${a} against ${expected[i]}`);
  });
}

test('crossValScore has the scores of cross_val_score', async (t) => {
  const classifier = new MLPClassifier({ ...small, randomState: 1 });
  near(t, await crossValScore(classifier, x, y, { cv: 3 }), golden.classifier);
  near(t, await crossValScore(classifier, x, letters, { cv: 4, threads: 1 }), golden.strings);
  const regressor = new MLPRegressor({ ...small, randomState: 1 });
  near(
    t,
    await crossValScore(
      regressor,
      x,
      Array.from(y.data, (v) => v / 7),
      { cv: 3 },
    ),
    golden.regressor,
  );
  near(
    t,
    await crossValScore(classifier, x, y, { cv: new KFold({ nSplits: 3, shuffle: true, randomState: 5 }) }),
    golden.kfold,
  );
  const shuffled = new StratifiedShuffleSplit({ nSplits: 2, testSize: 0.3, randomState: 5 });
  near(t, await crossValScore(classifier, x, y, { cv: shuffled }), golden.shuffle_split);
  near(t, await crossValScore(classifier, x, y, { cv: [...shuffled.split(x, y)] }), golden.shuffle_split);
  t.is(classifier.nLayers, 0); // the estimator itself is not trained
  t.is((await crossValScore(classifier, x, y)).length, 5);
});

test('copies of an estimator have copies of its RandomState', async (t) => {
  const randomState = new RandomState(2);
  const scores = await crossValScore(new MLPClassifier({ ...small, randomState }), x, y, { cv: 3 });
  near(t, scores, golden.generator);
  t.deepEqual(randomState.getState(), new RandomState(2).getState());
});

test('crossValScore takes a function that makes models, and a scoring', async (t) => {
  const make = () => new MLPClassifier({ ...small, randomState: 1 });
  near(t, await crossValScore(make, x, y, { cv: 3 }), golden.classifier);
  const scoring = (model: MLPClassifier, xTest: any, yTest: any) => -model.score(xTest, yTest);
  near(
    t,
    await crossValScore(make, x, y, { cv: 3, scoring }),
    golden.classifier.map((s: number) => -s),
  );
  const network = () => {
    let net: NeuralNetwork;
    return {
      async fit(xTrain: NDArray, yTrain: NDArray) {
        net = new NeuralNetwork(xTrain, toCategorical(yTrain, 10), {
          epochs: 10,
          eta: 0.01,
          batchSize: 20,
          randomState: 1,
        });
        await net.train();
      },
      predict: (xTest: NDArray) => net.predict(xTest),
    };
  };
  const scores = await crossValScore(network, x, y, { cv: 3 });
  t.true(
    scores.every((s) => s > 0.5),
    scores.join(),
  );
});

test('without a scoring networks of numbers have R², those of classes accuracy', async (t) => {
  const make = (units: number, loss: string) => () => {
    const network = sequential({ layers: [layers.dense({ units, inputShape: [2] })], seed: 1 });
    network.compile({ optimizer: 'adam', loss: loss as 'meanSquaredError' });
    return network;
  };
  const rows = Array.from({ length: 12 }, (_, i) => [Math.sin(i), Math.cos(2 * i)]);
  const [one, several] = [rows.map(([a, b]) => a + b), rows.map(([a, b]) => [a - b, 2 * a, b])];
  const columns = one.map((value) => [value]);
  for (const [units, y] of [
    [1, one],
    [1, columns],
    [3, several],
  ] as const) {
    const got = await crossValScore(make(units, 'meanSquaredError'), rows, y, { cv: 3 });
    t.deepEqual(got, await crossValScore(make(units, 'meanSquaredError'), rows, y, { cv: 3, scoring: 'r2' }));
  }
  const counts = one.map((value) => Math.round(9 * value));
  t.true((await crossValScore(make(1, 'poisson'), rows, counts, { cv: 3 })).every(Number.isFinite));

  const labels = rows.map(([a, b]) => Number(a > 0) + Number(b > 0));
  const oneHot = toCategorical(labels, 3);
  const squares = await crossValScore(make(3, 'meanSquaredError'), rows, oneHot, { cv: 3 });
  t.true(squares.every((score) => Number.isInteger(4 * score) && score >= 0));
  const ownLoss = custom.loss(
    'ofClassNumbers',
    (y, z) => ops.neg(ops.sum(ops.mul(ops.oneHot(y, 3), ops.logSoftmax(z)))),
    {
      targetShape: [1],
    },
  );
  const own = await crossValScore(make(3, ownLoss.config.name), rows, labels, { cv: 3 });
  t.true(own.every((score) => Number.isInteger(4 * score) && score >= 0));

  const mean = () => ({ estimatorType: 'regressor' as const, fit() {}, predict: (x: NDArray) => x.slice(null, 0) });
  const first = rows.map(([a]) => a);
  t.deepEqual(await crossValScore(mean, rows, first, { cv: 3 }), [1, 1, 1]);
});

test("gridSearch with cv has GridSearchCV's means", async (t) => {
  const grid = { alpha: [1e-3, 10], hiddenLayerSizes: [[4], [16]] };
  const build = (params: any) => new MLPClassifier({ randomState: 0, maxIter: 12, learningRateInit: 0.03, ...params });
  const seen: number[] = [];
  const search = await gridSearch({
    grid,
    build,
    train: [x, y],
    cv: 3,
    onResult: (result, model, { done, total }) => {
      t.is(model, undefined);
      t.is(total, 4);
      seen.push(done);
      t.is(result.testScores?.length, 3);
    },
  });
  t.deepEqual(seen, [1, 2, 3, 4]);
  near(
    t,
    search.results.map((r) => r.testScore),
    golden.grid.mean_test,
  );
  near(
    t,
    search.results.map((r) => r.trainScore),
    golden.grid.mean_train,
  );
  for (let k = 0; k < 3; k++)
    near(
      t,
      search.results.map((r) => r.testScores![k]),
      golden.grid.splits[k],
    );
  t.is(search.best, search.results[golden.grid.best]);
  t.deepEqual([...search.table('testScore').shape], [2, 2]);
  t.true(search.results.every((r) => r.seconds > 0));
  const one = await gridSearch({ grid, build, train: [x, y], cv: 3, threads: 1 });
  t.deepEqual(
    one.results.map((r) => r.testScores),
    search.results.map((r) => r.testScores),
  );
});

test('in a grid whose models share a RandomState the draws are those of a plain loop', async (t) => {
  const grid = { maxIter: [3, 1, 2], alpha: [0, 1] };
  const loop = new RandomState(4);
  const expected = grid.maxIter.flatMap((maxIter) =>
    grid.alpha.map((alpha) =>
      new MLPClassifier({ ...small, maxIter, alpha, randomState: loop }).fitSync(x, y).score(x, y),
    ),
  );
  for (const threads of [1, 3]) {
    const randomState = new RandomState(4);
    const build = (params: any) => new MLPClassifier({ ...small, ...params, randomState });
    const { results } = await gridSearch({ grid, build, train: [x, y], threads });
    t.deepEqual(
      results.map((r) => r.trainScore),
      expected,
    );
    t.deepEqual(randomState.getState(), loop.getState());
  }
});

test('a model that fails is reported with its parameters, the others finish', async (t) => {
  const build = (params: any) => new MLPClassifier({ ...small, randomState: 0, ...params });
  for (const cv of [undefined, 2]) {
    const { results, best } = await gridSearch({ grid: { maxIter: [0, 2] }, build, train: [x, y], cv });
    t.like(results[0].params, { maxIter: 0 });
    t.regex(results[0].error!.message, /maxIter/);
    t.true(Number.isNaN(results[0].testScore));
    t.is(best, results[1]);
    t.true(best.trainScore > 0);
  }
  const failing = () => build({ maxIter: 0 });
  await t.throwsAsync(crossValScore(failing, x, y), { message: /maxIter/ });
  await t.throwsAsync(gridSearch({ grid: { maxIter: [0] }, build, train: [x, y], cv: 2 }), { message: /maxIter/ });
  const twoRows = [[[0, 10], [2]]] as any;
  await t.throwsAsync(crossValScore(build({ earlyStopping: true }), x, y, { cv: twoRows }), {
    message: /^Expected validationFraction to be a share of the 2 samples/,
  });
  t.deepEqual(await crossValScore(build({}), x, y, { cv: twoRows }), [0]); // both of one class, as in scikit-learn
});

test('a score of the training set that fails leaves that of the test set, as in scikit-learn', async (t) => {
  const build = (params: any) => new MLPClassifier({ ...small, randomState: 0, ...params });
  const scoring = (_: unknown, { length }: NDArray) => {
    if (length > 10) throw new RangeError(`Expected few rows, got ${length}`);
    return length;
  };
  const folds = [
    [rows.slice(10), rows.slice(0, 10)],
    [rows.slice(8), rows.slice(0, 8)],
  ] as any;
  const { results, best } = await gridSearch({ grid: { alpha: [0, 1] }, build, train: [x, y], cv: folds, scoring });
  for (const { trainScores, testScores, testScore, error } of results) {
    t.deepEqual([trainScores, testScores, testScore], [[Number.NaN, Number.NaN], [10, 8], 9]);
    t.regex(error!.message, /few rows/);
  }
  t.is(best, results[0]);
  const few: [any, any] = [x.take(rows.slice(0, 10)), y.take(rows.slice(0, 10))];
  const one = await gridSearch({ grid: { alpha: [0, 1] }, build, train: [x, y], test: few, scoring });
  t.deepEqual([one.best.trainScore, one.best.testScore], [Number.NaN, 10]);
  const turned = folds.map(([train, test]: any) => [test, train]);
  await t.throwsAsync(gridSearch({ grid: { alpha: [0] }, build, train: [x, y], cv: turned, scoring }), {
    message: /few rows/,
  });
});

test('one signal stops all models', async (t) => {
  const endless = { ...small, maxIter: 1e6, tol: 0, nIterNoChange: Number.POSITIVE_INFINITY, randomState: 0 };
  const build = (params: any) => new MLPClassifier({ ...endless, ...params });
  for (const run of [
    (signal: AbortSignal) => gridSearch({ grid: { alpha: [0, 1, 2, 3] }, build, train: [x, y], signal }),
    (signal: AbortSignal) => gridSearch({ grid: { alpha: [0, 1, 2, 3] }, build, train: [x, y], cv: 2, signal }),
    (signal: AbortSignal) => crossValScore(build({}), x, y, { signal }),
    (signal: AbortSignal) => bootstrapScore(build({}), x, y, { signal }),
  ]) {
    const controller = new AbortController();
    const running = run(controller.signal);
    setTimeout(() => controller.abort(), 20);
    await t.throwsAsync(running, { code: 'ERR_ABORTED', name: 'AbortError' });
  }
});

test('bootstrapScore: mean and percentile interval of out-of-bag scores', async (t) => {
  const model = new MLPClassifier({ ...small, randomState: 1 });
  const result = await bootstrapScore(model, x, y, { nResamples: 12, randomState: 3 });
  const random = new RandomState(3);
  const scores = Array.from({ length: 12 }, () => {
    const train = random.choice(240, [240]);
    const test = rows.filter((row) => !train.data.includes(row));
    return new MLPClassifier({ ...small, randomState: 1 })
      .fitSync(x.take(train), y.take(train))
      .score(x.take(test), y.take(test));
  });
  t.deepEqual(result.scores, scores);
  near(t, [result.mean], [scores.reduce((a, b) => a + b) / 12]);
  const sorted = [...scores].sort((a, b) => a - b);
  near(t, result.interval, [
    sorted[0] + 0.275 * (sorted[1] - sorted[0]),
    sorted[10] + 0.725 * (sorted[11] - sorted[10]),
  ]);
  t.true(result.standardError > 0);
  const again = await bootstrapScore(model, x, y, { nResamples: 12, randomState: 3, threads: 1, confidenceLevel: 0.5 });
  t.deepEqual(again.scores, result.scores);
  t.true(again.interval[1] - again.interval[0] < result.interval[1] - result.interval[0]);
  const two = await bootstrapScore(new MLPRegressor({ ...small, solver: 'lbfgs' }), [[1], [2]], [1, 2], {
    nResamples: 3,
    scoring: (m, xTest) => (m.predict(xTest) as NDArray).length,
  });
  t.deepEqual(two.scores, [1, 1, 1]); // a draw that leaves nothing out is drawn again
});

test('a score that is NaN leaves no interval, as in NumPy', async (t) => {
  // np.quantile(scores, [0.025, 0.975])
  for (const [given, interval] of [
    [
      [Number.NaN, 1, Number.NaN, 3, 2, Number.NaN, 4, 0, 6, 5],
      [Number.NaN, Number.NaN],
    ],
    [
      [1, 3, 2, 4, 0, 6, 5],
      [0.15, 5.85],
    ],
  ]) {
    const rest = [...given];
    const found = await bootstrapScore(() => ({ fit: async () => {}, predict: () => [] }), x, y, {
      nResamples: given.length,
      threads: 1,
      scoring: () => rest.shift() as number,
    });
    near(t, found.interval.filter(Number.isFinite), interval.filter(Number.isFinite));
    t.deepEqual(found.interval.map(Number.isNaN), interval.map(Number.isNaN));
  }
});

test('folds keep float32, whatever holds it', async (t) => {
  const dtypes: string[] = [];
  const model = () => ({
    async fit(xTrain: NDArray) {
      dtypes.push(xTrain.dtype);
    },
    predict: () => 0,
    score: () => 1,
  });
  const floats = x.toArray<number[][]>().map((row) => Float32Array.from(row));
  t.deepEqual(await crossValScore(model, floats, y, { cv: 2 }), [1, 1]);
  await crossValScore(model, x, y, { cv: 2 });
  t.deepEqual(dtypes, ['float32', 'float32', 'float64', 'float64']);

  const columns = { a: Float32Array.from({ length: 60 }, (_, i) => i / 7), b: Float32Array.from(rows.slice(0, 60)) };
  const pipeline = new Pipeline([
    ['scale', new StandardScaler()],
    ['model', new MLPRegressor({ hiddenLayerSizes: [3], maxIter: 3, randomState: 1 })],
  ]);
  const taken: string[] = [];
  const scoring = ({ namedSteps }: typeof pipeline, fold: typeof columns) => {
    taken.push(namedSteps.model.coefs[0].dtype, fold.a.constructor.name);
    return 1;
  };
  await crossValScore(pipeline, columns, rows.slice(0, 60), { cv: 2, scoring });
  t.deepEqual(taken, ['float32', 'Float32Array', 'float32', 'Float32Array']);
  taken.length = 0;
  await pipeline.fit(columns, rows.slice(0, 60));
  await permutationImportance(pipeline, columns, rows.slice(0, 60), { nRepeats: 1, scoring });
  t.deepEqual(taken, ['float32', 'Float32Array', 'float32', 'Float32Array', 'float32', 'Float32Array']);
  const [train] = trainTestSplit([
    { ...columns, c: Int32Array.from(rows.slice(0, 60)), d: rows.slice(0, 60).map(String) },
  ]);
  t.deepEqual(
    Object.values(train).map((column) => column.constructor.name),
    ['Float32Array', 'Float32Array', 'Int32Array', 'Array'],
  );
});

test('an estimator of one’s own is copied by clone, and fits at once', async (t) => {
  class First {
    first = Number.NaN;
    clone() {
      return new First();
    }
    fit(_: NDArray, labels: NDArray) {
      t.is(this.first, Number.NaN);
      this.first = labels.at(0);
      return this;
    }
    predict(rows: NDArray) {
      return Array(rows.length).fill(this.first);
    }
  }
  t.deepEqual(
    await crossValScore(new First(), [[0], [1], [2], [3]], [5, 6, 6, 5], { cv: 2, scoring: 'accuracy' }),
    [0.5, 0.5],
  );
  const network = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
  await t.throwsAsync(crossValScore(network, [[0], [1]], [0, 1], { cv: 2 }), { message: /method clone or getParams/ });
});

test('bad arguments are refused before any model is trained', async (t) => {
  const model = new MLPClassifier(small);
  const refused: [() => Promise<unknown>, RegExp][] = [
    [() => crossValScore(model, x, y, { cv: 1 }), /^Expected cv to be an integer >= 2, got 1/],
    [() => crossValScore(model, x, y, { cv: 'five' as any }), /^Expected cv to be a number of folds, a splitter/],
    [() => crossValScore(model, x, y, { cv: [[1, 2, 3]] as any }), /^Expected cv\[0\] to be a pair/],
    [() => crossValScore(model, x, y, { cv: [] }), /^Expected cv to be one split or more/],
    [
      () => crossValScore(model, x, y, { cv: 100 }),
      /^Expected nSplits to be at most the number of members of some class/,
    ],
    [
      () => crossValScore(new MLPRegressor(small), x, y, { cv: 300 }),
      /^Expected nSplits to be at most the number of rows, 240/,
    ],
    [() => crossValScore(model, x, letters.slice(1)), /^Expected y to have 240 rows, got 239$/],
    [
      () => crossValScore(MLPClassifier as never, x, y),
      /^Expected estimator to be .*, or a function that makes a model, got MLPClassifier \(function\)$/,
    ],
    [
      () => crossValScore({ predict: () => 0 }, x, y),
      /^Expected estimator to be an estimator with a method clone or getParams/,
    ],
    [() => crossValScore(() => ({ predict: () => 0 }), x, y), /^Expected the model to be an object with a method fit/],
    [() => crossValScore(model, x, y, { folds: 3 } as any), /no option 'folds'/],
    [() => crossValScore(model, x, y, { threads: 0 }), /^Expected threads to be a positive integer/],
    [() => crossValScore(model, x, y, { scoring: 'accuraci' as any }), /^Expected scoring to be a function/],
    [() => crossValScore(model, x, y, { signal: {} as any }), /^Expected signal to be an AbortSignal/],
    [() => bootstrapScore(model, x, y, { nResamples: 0 }), /^Expected nResamples to be a positive integer/],
    [
      () => bootstrapScore(model, x, y, { nResamples: 2 ** 32 }),
      /^Expected nResamples to be below 2\^32, got 4294967296/,
    ],
    [() => bootstrapScore(model, x, y, { confidenceLevel: 1 }), /^Expected confidenceLevel to be a number in \(0, 1\)/],
    [() => bootstrapScore(model, [[1]], [1]), /^Expected x to be of two rows or more/],
    [
      () => gridSearch({ grid: { a: [1] }, build: () => model, train: [x, y], test: [x, y], cv: 2 }),
      /^Expected test to be undefined where cv is given/,
    ],
    [
      () => gridSearch({ grid: { a: [1] }, build: () => model, train: [x, y], cv: {} as any }),
      /^Expected cv to be a number of folds/,
    ],
  ];
  for (const [call, message] of refused) await t.throwsAsync(call(), { message });
});

test('splits that are given may be plain rows, and count from the end', async (t) => {
  const seen: unknown[] = [];
  const model = () => ({
    fit(x: NDArray, y: unknown, options?: { sampleWeight?: unknown }) {
      seen.push([x.toArray(), y instanceof NDArray ? y.toArray() : y, options?.sampleWeight]);
      return this;
    },
    score(x: NDArray, y: unknown) {
      seen.push([x.toArray(), y instanceof NDArray ? y.toArray() : y]);
      return 1;
    },
  });
  const x = [[0], [1], [2], [3]];
  const fitOptions = { sampleWeight: [10, 11, 12, 13] };
  for (const labels of [
    ['a', 'b', 'c', 'd'],
    [5, 6, 7, 8],
  ])
    for (const rows of [
      [[0, -1], [2]],
      [Int32Array.of(0, 3), Int32Array.of(-2)],
      [NDArray.from([0, -1]), NDArray.from([2], { dtype: 'int32' })],
    ] as const) {
      seen.length = 0;
      t.deepEqual(await crossValScore(model as never, x, labels as never, { cv: [rows], fitOptions }), [1]);
      t.deepEqual(seen, [
        [
          [[0], [3]],
          [labels[0], labels[3]],
          [10, 13],
        ],
        [[[2]], [labels[2]]],
      ]);
    }
  for (const [rows, message] of [
    [[[0, 4], [2]], 'Expected cv[0][0][1] to be a row of 4, got 4 (number)'],
    [[[0], [-5]], /^Expected cv\[0\]\[1\]\[0\] to be an integer >= -4, got -5/],
    [[[0], [0.5]], /^Expected cv\[0\]\[1\]\[0\] to be an integer/],
  ] as const)
    await t.throwsAsync(crossValScore(model as never, x, [1, 2, 3, 4], { cv: [rows] as never }), { message });
});
