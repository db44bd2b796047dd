import test from 'ava';
import { gridSearch, MLPClassifier, MLPRegressor, NDArray, RandomState } from 'fjordnet';
import { absSum, bits, makeData, near, silenceWarnings, someDigits, warningsOf } from './helpers/sklearn.js';

// What scikit-learn's own test_mlp.py asks of its perceptrons, and the other tests here do not.
silenceWarnings();
const { x, y } = someDigits(2);
const { x: x3, y: y3 } = someDigits(3);
const estimators = [MLPClassifier, MLPRegressor] as const;
const two = { x: [[3, 2], [1, 6]], y: [1, 0] }; // biome-ignore format: rows

test('the learning rate goes on with warmStart, and can be read', (t) => {
  const rows = [[3, 2], [1, 6], [5, 6], [-2, -4]]; // biome-ignore format: rows
  const options = { solver: 'sgd', hiddenLayerSizes: 4, maxIter: 1, powerT: 0.25, warmStart: true } as const;
  for (const learningRate of ['invscaling', 'constant'] as const) {
    const model = new MLPClassifier({ ...options, learningRate });
    t.is(model.currentLearningRate, null);
    const before = model.fitSync(rows, [1, 1, 1, 0]).currentLearningRate;
    const after = model.fitSync(rows, [1, 1, 1, 0]).currentLearningRate;
    if (learningRate === 'constant') t.is(after, before);
    else t.is(after, 0.001 / (8 + 1) ** 0.25);
  }
  const adaptive = { tol: 0.5, maxIter: 3000, solver: 'sgd', learningRate: 'adaptive', randomState: 0 } as const;
  const model = new MLPClassifier(adaptive).fitSync(two.x, two.y);
  t.true(model.nIter < 3000);
  t.true(model.currentLearningRate! < 1e-6);
  const adam = new MLPClassifier({ maxIter: 2 }).fitSync(two.x, two.y);
  near(t, [adam.currentLearningRate!], [(1e-3 * Math.sqrt(1 - 0.999 ** 2)) / (1 - 0.9 ** 2)], 1e-13, 'adam');
});

test('epochs without improvement are counted', (t) => {
  for (const nIterNoChange of [2, 5, 10, 50]) {
    const model = new MLPClassifier({ tol: 0.01, maxIter: 3000, solver: 'sgd', nIterNoChange, randomState: 0 });
    t.is(model.noImprovementCount, 0);
    t.is(model.fitSync(x, y).noImprovementCount, nIterNoChange + 1);
    t.true(model.nIter < 3000);
  }
  const endless = { tol: 1e9, maxIter: 80, solver: 'sgd', nIterNoChange: Number.POSITIVE_INFINITY } as const;
  const model = new MLPClassifier(endless).fitSync(x, y);
  t.deepEqual([model.nIter, model.noImprovementCount], [80, 79]);
});

test('maxFun limits lbfgs on its own', (t) => {
  for (const activation of ['identity', 'logistic', 'tanh', 'relu'] as const)
    for (const Model of estimators) {
      const options = {
        solver: 'lbfgs',
        hiddenLayerSizes: 50,
        maxIter: 150,
        maxFun: 10,
        tol: 0,
        randomState: 1,
      } as const;
      t.true(new Model({ ...options, activation }).fitSync(x3, y3).nIter <= 10);
    }
});

test('early stopping: what is kept, and what is null', (t) => {
  for (const Model of estimators) {
    const tol = 0.2;
    const options = { tol, maxIter: 3000, solver: 'sgd', randomState: 0 } as const;
    const model = new Model({ ...options, earlyStopping: true }).fitSync(x, y);
    const scores = model.validationScores!;
    t.is(model.bestLoss, null);
    t.is(model.bestValidationScore, Math.max(...scores));
    t.true(model.bestValidationScore! + tol > scores.at(-1)! && model.bestValidationScore! + tol > scores.at(-2)!);
    const plain = new Model(options).fitSync(x, y);
    t.deepEqual([plain.validationScores, plain.bestValidationScore], [null, null]);
    t.true(plain.bestLoss !== null);
  }
  const names = Array.from(y3.data, (k) => ['class_a', 'class_b', 'class_c'][k]);
  const model = new MLPClassifier({ earlyStopping: true, maxIter: 20, randomState: 42 }).fitSync(x3, names);
  t.is(model.validationScores!.length, model.nIter);
  t.true(model.validationScores!.every(Number.isFinite));
  const several = Array.from(y3.data, (k) => [Number(k > 0), Number(k > 1)]);
  t.is(new MLPClassifier({ earlyStopping: true, maxIter: 3 }).fitSync(x3, several).validationScores!.length, 3);
  t.throws(() => new MLPRegressor({ earlyStopping: true }).fitSync([[1], [2]], [1, 2]), {
    message: /^Expected validationFraction to be a share of the 2 samples that is two or more/,
  });
});

test('warm starts run maxIter epochs each, also with early stopping; partialFit refuses that', (t) => {
  for (const Model of estimators) {
    const model = new Model({ hiddenLayerSizes: 2, solver: 'sgd', warmStart: true, maxIter: 3, randomState: 0 });
    t.is(model.fitSync(x, y).nIter, 3);
    t.is(model.fitSync(x, y).nIter, 3);
    t.is(model.lossCurve.length, 6);
    const early = new Model({ maxIter: 5, randomState: 0, warmStart: true, earlyStopping: true }).fitSync(x, y);
    const best = early.bestValidationScore!;
    early.setParams({ maxIter: 8 }).fitSync(x, y);
    t.is(early.validationScores!.length, 13);
    t.true(early.bestValidationScore! >= best);
    t.throws(() => (early as MLPRegressor).partialFit(x, y), {
      message: /^Expected earlyStopping to be false for partialFit/,
    });
  }
});

test('a warm start whose scores are no better keeps the better weights', (t) => {
  const options = { hiddenLayerSizes: 5, earlyStopping: true, warmStart: true, randomState: 0 };
  const model = new MLPClassifier({ ...options, maxIter: 40, learningRateInit: 0.02 }).fitSync(x3, y3);
  const best = bits({ coefs: model.coefs, intercepts: model.intercepts, lossCurve: [] });
  const score = model.bestValidationScore;
  model.setParams({ learningRateInit: 100, maxIter: 3 }).fitSync(x3, y3);
  t.is(model.bestValidationScore, score);
  t.deepEqual(bits({ coefs: model.coefs, intercepts: model.intercepts, lossCurve: [] }), best);
});

test.serial('what ends a fit too early is told once, and named', async (t) => {
  const names = {
    sgd: /^Stochastic Optimizer: Maximum iterations \(10\)/,
    adam: /^Stochastic Optimizer: Maximum iterations \(10\)/,
  };
  for (const Model of estimators)
    for (const solver of ['sgd', 'adam', 'lbfgs'] as const) {
      const options = {
        solver,
        warmStart: true,
        maxIter: 10,
        nIterNoChange: Number.POSITIVE_INFINITY,
        tol: 0,
        randomState: 0,
      };
      const model = new Model(options);
      const told = await warningsOf('ConvergenceWarning', () => model.fitSync(x3, y3));
      t.is(told.length, 1);
      t.regex(told[0], solver === 'lbfgs' ? /ITERATIONS REACHED LIMIT[\s\S]*increase maxIter \(10\)/ : names[solver]);
      t.is(model.nIter, 10);
      model.setParams({ maxIter: 20 });
      t.is((await warningsOf('ConvergenceWarning', () => model.fit(x3, y3))).length, 1);
      t.is(model.nIter, 20);
    }
  const lbfgs = new MLPClassifier({ solver: 'lbfgs', maxFun: 3, tol: 0, randomState: 0 });
  const [evaluations, ...more] = await warningsOf('ConvergenceWarning', () => lbfgs.fitSync(x3, y3));
  t.regex(evaluations, /EVALUATIONS EXCEEDS LIMIT[\s\S]*increase maxFun \(3\)/);
  t.deepEqual(more, []);
  const partial = new MLPRegressor({ maxIter: 1 });
  t.deepEqual(await warningsOf('ConvergenceWarning', () => partial.partialFit(x, y)), []);
});

test('weights that are not finite are refused after the last epoch, as there', async (t) => {
  const huge = NDArray.wrap(
    new RandomState(0).uniform(0, 1, [20]).data.map((v) => v * Number.MAX_VALUE),
    [10, 2],
  );
  const target = Array.from(new RandomState(1).randn(10).data);
  for (const solver of ['sgd', 'adam'] as const) {
    const model = new MLPRegressor({ solver, maxIter: 4, randomState: 0 });
    await t.throwsAsync(model.fit(huge, target), {
      code: 'ERR_DIVERGED',
      message: /^The solver produced weights that are not finite/,
    });
    t.is(model.nIter, 4);
  }
  const fast = new MLPClassifier({ solver: 'sgd', learningRateInit: 1e200, maxIter: 5, randomState: 0 });
  t.throws(() => fast.fitSync(x, y), { code: 'ERR_DIVERGED' });
});

test('a fitted model learns a new target by partialFit', (t) => {
  const model = new MLPRegressor({ hiddenLayerSizes: 42, randomState: 42, learningRateInit: 0.01, maxIter: 200 });
  model.fitSync([[2]], [4]);
  for (let i = 0; i < 200; i++) model.partialFit([[2]], [1]);
  near(t, model.predict([[2]]).data, [1], 1e-3, 'predict');
});

test('float32 and float64 agree, and the dtype of x is that of weights and predictions', (t) => {
  for (const Model of estimators) {
    const options = { alpha: 1e-5, hiddenLayerSizes: [5, 3], randomState: 1, maxIter: 100, tol: 0.1 };
    const [double, single] = (['float64', 'float32'] as const).map((dtype) => {
      const model = new Model(options).fitSync(NDArray.from(x, { dtype }), y);
      t.true([...model.coefs, ...model.intercepts].every((w) => w.dtype === dtype));
      const outputs = (model as MLPClassifier).predictProba ?? model.predict;
      const predicted = outputs.call(model, NDArray.from(x, { dtype })) as NDArray;
      t.is(predicted.dtype, dtype);
      return predicted;
    });
    near(t, single.data, Array.from(double.data), 1e-2, 'predictions');
  }
});

test('parameters set between partialFits: the optimizer stays, the rest takes effect', (t) => {
  const { x, y } = makeData({ kind: 'regression', n: 30, features: 4, seed: 1, classes: 1, float32: false });
  const run = (changes: object, second: 'partialFit' | 'fitSync') => {
    const model = new MLPRegressor({ hiddenLayerSizes: 3, randomState: 0, maxIter: 1 }).partialFit(x, y);
    return bits(model.setParams(changes)[second](x, y));
  };
  const plain = run({}, 'partialFit');
  for (const changes of [
    { learningRateInit: 0.5 },
    { beta1: 0, beta2: 0.5 },
    { epsilon: 1 },
    { solver: 'sgd', momentum: 0 },
  ])
    t.deepEqual(run(changes, 'partialFit'), plain, JSON.stringify(changes));
  for (const changes of [{ alpha: 10 }, { batchSize: 3 }, { activation: 'tanh' }, { randomState: 5 }])
    t.notDeepEqual(run(changes, 'partialFit'), plain, JSON.stringify(changes));
  t.notDeepEqual(run({ learningRateInit: 0.5 }, 'fitSync'), run({}, 'fitSync'));
});

test('partialFit after lbfgs with other layers starts a new optimizer', (t) => {
  const model = new MLPRegressor({ hiddenLayerSizes: 3, randomState: 0, maxIter: 2 }).fitSync(x, y);
  model.setParams({ solver: 'lbfgs', hiddenLayerSizes: 2 }).fitSync(x, y);
  t.is(model.currentLearningRate, null);
  const weights = bits(model);
  model.setParams({ solver: 'sgd', momentum: 0, learningRateInit: 0.5 }).partialFit(x, y);
  t.is(model.currentLearningRate, 0.5);
  t.notDeepEqual(bits(model), weights);
});

test('what getParams gives makes the same estimator', async (t) => {
  const model = new MLPRegressor({ hiddenLayerSizes: [4, 3], alpha: 0.5, loss: 'poisson', randomState: 7, maxIter: 2 });
  const again = new MLPRegressor(model.getParams());
  t.deepEqual(again.getParams(), model.getParams());
  t.deepEqual(new MLPRegressor().setParams(model.getParams()).getParams(), model.getParams());
  const counts = Array.from(y.data);
  t.deepEqual(bits(again.fitSync(x, counts)), bits(model.fitSync(x, counts)));
  const { best } = await gridSearch({
    grid: { hiddenLayerSizes: [[2], [3, 2]], alpha: [0, 1] },
    build: (params) => new MLPClassifier({ maxIter: 2, randomState: 0 }).setParams(params),
    train: [x, y],
  });
  t.true(best.trainScore > 0);
});

test('x, y and weights may change as soon as fit has been called', async (t) => {
  const data = () => {
    const { x, y } = makeData({ kind: 'regression', n: 60, features: 4, seed: 2, classes: 1, float32: false });
    return {
      x,
      y: Float64Array.from(y as number[]),
      sampleWeight: Float64Array.from({ length: 60 }, (_, i) => 1 + (i % 3)),
    };
  };
  for (const solver of ['adam', 'lbfgs'] as const) {
    const options = {
      solver,
      hiddenLayerSizes: 5,
      maxIter: 30,
      earlyStopping: true,
      batchSize: 9,
      randomState: 3,
    } as const;
    const still = data();
    const expected = bits(new MLPRegressor(options).fitSync(still.x, still.y, { sampleWeight: still.sampleWeight }));
    const { x, y, sampleWeight } = data();
    const model = new MLPRegressor(options);
    const running = model.fit(x, y, { sampleWeight });
    for (const values of [x.data, y, sampleWeight]) values.fill(5);
    t.deepEqual(bits(await running), expected);
    t.true(absSum(model.coefs[0]) > 0);
  }
});
