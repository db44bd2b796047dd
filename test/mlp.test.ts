import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import {
  getThreads,
  kernels,
  loadDigits,
  MinMaxScaler,
  MLPClassifier,
  MLPRegressor,
  NDArray,
  RandomState,
  setThreads,
  trainTestSplit,
} from 'fjordnet';
import { camelCase, makeData, makeWeights, silenceWarnings, warningsOf } from './helpers/sklearn.js';

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../test/fixtures/${name}`, import.meta.url), 'utf8'));
const golden = fixture('sklearn_mlp.json');
const more = fixture('mlp.json');
silenceWarnings();

const { data: digits, target } = loadDigits();
const [xTrain, xTest, yTrain, yTest] = trainTestSplit([digits, target], { trainSize: 0.8, randomState: golden.seed });
const regressors = ['regression', 'outputs', 'counts'];

/** 200 digits scaled to [0, 1], those below `classes`. */
function someDigits(classes: number): { x: NDArray; y: NDArray } {
  const rows = Array.from(target.data.keys())
    .filter((i) => target.data[i] < classes)
    .slice(0, 200);
  return { x: new MinMaxScaler().fitTransform(digits.take(rows)), y: target.take(rows) };
}

function near(
  t: ExecutionContext,
  actual: ArrayLike<number>,
  expected: readonly number[],
  tolerance: number,
  label: string,
): void {
  t.is(actual.length, expected.length, label);
  expected.forEach((e, i) => {
    const bound = tolerance * Math.max(Math.abs(e), 1e-3);
    if (!(Math.abs(actual[i] - e) <= bound)) t.fail(`${label}[${i}]: ${actual[i]} against ${e}`);
  });
  t.pass();
}

const absSum = (a: NDArray) => Array.from(a.data).reduce((sum, v) => sum + Math.abs(v), 0);
const bits = (m: { coefs: NDArray[]; intercepts: NDArray[]; lossCurve: number[] }) => [
  ...[...m.coefs, ...m.intercepts].map((w) => Array.from(w.data)),
  m.lossCurve,
];

test("classifiers on the digits have scikit-learn's curves, scores and weights", async (t) => {
  for (const c of golden.classifier) {
    const model = new MLPClassifier({ ...camelCase(c.params), randomState: golden.seed });
    t.is(await model.fit(xTrain, yTrain), model);
    const label = JSON.stringify(c.params);
    t.is(model.nIter, c.n_iter, label);
    near(t, model.lossCurve, c.loss_curve, 1e-9, `${label} lossCurve`);
    t.is(model.loss, model.lossCurve.at(-1)!);
    if (c.validation_scores) near(t, model.validationScores!, c.validation_scores, 1e-9, `${label} validationScores`);
    else t.is(model.validationScores, null);
    [...model.coefs, ...model.intercepts].forEach((w, i) => {
      const expected = [...c.coefs, ...c.intercepts][i];
      t.deepEqual([...w.shape], expected.shape);
      near(t, [absSum(w)], [expected.abs_sum], 1e-9, `${label} weights ${i}`);
      near(t, w.data.slice(0, expected.head.length), expected.head, 1e-9, `${label} weights ${i}`);
    });
    near(t, [model.score(xTrain, yTrain), model.score(xTest, yTest)], [c.train_score, c.test_score], 1e-9, label);
    near(t, model.predictProba(xTest.take([0])).data, c.proba0.data, 1e-9, `${label} probabilities`);
  }
});

test("the binary classifier and the regressors have scikit-learn's curves", (t) => {
  const odd = (y: NDArray) => Array.from(y.data, (v) => v % 2);
  const { params, ...c } = golden.binary;
  const model = new MLPClassifier({ ...camelCase(params), randomState: golden.seed }).fitSync(xTrain, odd(yTrain));
  near(t, model.lossCurve, c.loss_curve, 1e-9, 'lossCurve');
  t.is(model.score(xTest, odd(yTest)), c.test_score);
  near(t, model.predictProba(xTest.take([0])).data, c.proba0.data, 1e-9, 'probabilities');

  const x = new RandomState(golden.seed).uniform(-2, 2, [300, 3]);
  const y = x.toArray<number[][]>().map(([a, b, c]) => Math.sin(a) + 0.5 * b ** 2 - c);
  for (const { params, ...r } of golden.regressor) {
    const model = new MLPRegressor({ ...camelCase(params), randomState: golden.seed }).fitSync(x, y);
    t.is(model.nIter, r.n_iter);
    near(t, model.lossCurve, r.loss_curve, 1e-9, 'lossCurve');
    near(t, [model.score(x, y)], [r.r2], 1e-9, 'score');
    near(t, model.predict(x.take([0, 1, 2, 3, 4])).data, r.predict_head.data, 1e-9, 'predict');
  }
});

for (const [i, c] of more.entries()) {
  const { kind, float32 } = c.data;
  const label = `${kind} ${JSON.stringify(c.params)} ${c.calls.map((call: any) => call[0]).join()}`;
  test(`as scikit-learn (${i}): ${label}${float32 ? ' float32' : ''}`, async (t) => {
    const { x, y } = makeData(c.data);
    const regressor = regressors.includes(kind);
    const Model: any = regressor ? MLPRegressor : MLPClassifier;
    const randomState = c.random_state < 0 ? new RandomState(-c.random_state) : c.random_state;
    const model = new Model({ ...camelCase(c.params), randomState });
    for (const [call, ...args] of c.calls) {
      if (call === 'fit') await model.fit(x, y);
      else if (call === 'fit_weighted') await model.fit(x, y, { sampleWeight: makeWeights(c.data.n) });
      else if (call === 'set_params') model.setParams(camelCase(args[0]));
      else {
        const rows = Array.from({ length: args[1] - args[0] }, (_, k) => k + args[0]);
        const part = [x.take(rows), rows.map((row) => y[row])];
        const options = c.weighted ? { sampleWeight: makeWeights(rows.length) } : {};
        const classes = kind === 'multilabel' ? [0, 1, 2] : [...new Set(y)];
        if (regressor) model.partialFit(...part, options);
        else model.partialFit(...part, classes, options);
      }
    }
    const tolerance = float32 ? 2e-4 : 1e-9;
    const { weights, proba, predict } = c;
    t.deepEqual([model.nIter, model.t, model.outActivation], [c.n_iter, c.t, c.out_activation]);
    near(t, model.lossCurve, c.loss_curve, tolerance, 'lossCurve');
    near(t, [model.loss, model.score(x, y)], [c.loss, c.score], tolerance, 'loss, score');
    t.is(model.bestLoss === null, c.best_loss === null);
    if (c.best_loss !== null) near(t, [model.bestLoss], [c.best_loss], tolerance, 'bestLoss');
    t.is(model.validationScores === null, c.validation_scores === null);
    if (c.validation_scores) {
      near(t, model.validationScores, c.validation_scores, tolerance, 'validationScores');
      near(t, [model.bestValidationScore], [c.best_validation_score], tolerance, 'bestValidationScore');
    }
    [...model.coefs, ...model.intercepts].forEach((w: NDArray, k: number) => {
      t.is(w.dtype, float32 ? 'float32' : 'float64');
      t.deepEqual([...w.shape], weights[k].shape);
      near(t, [absSum(w)], [weights[k].abs_sum], tolerance, `weights ${k}`);
      near(t, w.data.slice(0, 3), weights[k].head, tolerance, `weights ${k}`);
    });
    if (regressor) {
      near(t, model.predict(x.take([0, 1, 2])).data, predict, tolerance, 'predict');
    } else {
      near(t, model.predictProba(x.take([0, 1, 2])).data, proba, tolerance, 'probabilities');
      const labels = model.predict(x.take(Array.from({ length: 12 }, (_, k) => k)));
      t.deepEqual(labels instanceof NDArray ? labels.toArray() : labels, predict);
    }
  });
}

test('a step of partialFit is the worked example', (t) => {
  const x = [[0.6, 0.8, 0.7]];
  const options = { solver: 'sgd', learningRateInit: 0.1, alpha: 0.1, activation: 'logistic', momentum: 0 } as const;
  const model = new MLPClassifier({ ...options, hiddenLayerSizes: 2, randomState: 1 });
  model.partialFit(x, [0], [0, 1]);
  model.coefs = [
    [
      [0.1, 0.2],
      [0.3, 0.1],
      [0.5, 0],
    ],
    [[0.1], [0.2]],
  ];
  model.intercepts = [[0.1, 0.1], [1]];
  model.partialFit(x, [0]);
  const expected = [
    [0.098, 0.195756, 0.2956664, 0.096008, 0.493833, -0.00262],
    [0.04706, 0.154089],
    [0.098333, 0.09626],
    [0.9235],
  ];
  [...model.coefs, ...model.intercepts].forEach((w, k) => {
    expected[k].forEach((e, i) => {
      t.true(Math.abs(w.data[i] - e) < 1e-4, `${w.data[i]} against ${e}`);
    });
  });
  t.true(Math.abs(model.predictProba(x).data[1] - 0.739) < 1e-3);
});

test('gradients are those of the loss, for every activation and loss', (t) => {
  for (const activation of ['identity', 'logistic', 'tanh', 'relu'] as const)
    for (const kind of ['multiclass', 'binary', 'multilabel', 'regression', 'counts'] as const)
      for (const weighted of [false, true]) {
        const { x, y } = makeData({ kind, n: 7, features: 4, seed: 42, classes: 3, float32: false });
        const params: any = { hiddenLayerSizes: [5, 3], activation, solver: 'sgd', alpha: 0.1, momentum: 0 };
        if (kind === 'counts') params.loss = 'poisson';
        const Model: any = regressors.includes(kind) ? MLPRegressor : MLPClassifier;
        const options = weighted ? { sampleWeight: makeWeights(7) } : {};
        const rate = 2 ** -10;
        const model = new Model({ ...params, maxIter: 1, randomState: 1, warmStart: true, learningRateInit: rate });
        model.fitSync(x, y, options);
        const start = [model.coefs, model.intercepts];
        const at = (weights: NDArray[][]) => {
          [model.coefs, model.intercepts] = weights;
          return model.fitSync(x, y, options).loss; // the loss before the step
        };
        at(start);
        const stepped = [model.coefs, model.intercepts];
        // The loss of several numbers is their mean, and its gradient is not (as in scikit-learn): one output here.
        start.forEach((group, g) => {
          group.forEach((w: NDArray, l: number) => {
            const k = (7 * l + 3 * g) % w.size;
            const gradient = (w.data[k] - stepped[g][l].data[k]) / rate;
            const moved = (by: number) =>
              start.map((other, h) =>
                other.map((array: NDArray, m: number) => {
                  const copy = NDArray.from(array);
                  if (h === g && m === l) copy.data[k] += by;
                  return copy;
                }),
              );
            const numeric = (at(moved(1e-5)) - at(moved(-1e-5))) / 2e-5;
            const label = `${activation} ${kind} ${g} ${l} ${k}`;
            t.true(
              Math.abs(numeric - gradient) < 1e-6 * Math.max(1, Math.abs(gradient)),
              `${label} ${numeric} ${gradient}`,
            );
          });
        });
      }
});

test('every solver learns the digits', async (t) => {
  for (const classes of [2, 3]) {
    const { x, y } = someDigits(classes);
    const range = (a: number, b: number) => Array.from({ length: b - a }, (_, i) => a + i);
    const [a, b] = [range(0, 150), range(150, x.length)];
    for (const solver of ['lbfgs', 'sgd', 'adam'] as const)
      for (const activation of ['identity', 'logistic', 'tanh', 'relu'] as const) {
        const learningRateInit = solver === 'sgd' ? 0.2 : 0.01;
        const model = new MLPClassifier({
          solver,
          activation,
          hiddenLayerSizes: 50,
          maxIter: 150,
          learningRateInit,
          randomState: 1,
        });
        await model.fit(x.take(a), y.take(a));
        t.true(model.score(x.take(a), y.take(a)) > 0.95, `${solver} ${activation}`);
        t.deepEqual((model.predict(x.take(b)) as NDArray).shape, [b.length]);
        t.deepEqual(model.classes, range(0, classes));
      }
  }
});

test('larger alpha, smaller weights', (t) => {
  const { x, y } = someDigits(2);
  const sums = [0, 1].map((alpha) =>
    new MLPClassifier({ hiddenLayerSizes: 10, alpha, randomState: 1 }).fitSync(x, y).coefs.map(absSum),
  );
  t.true(sums[0].every((sum, i) => sum > sums[1][i]));
});

test('partialFit reaches fit', (t) => {
  for (const classes of [2, 3]) {
    const { x, y } = someDigits(classes);
    const options = { solver: 'sgd', randomState: 1, tol: 0, alpha: 1e-5, learningRateInit: 0.2 } as const;
    const whole = new MLPClassifier({ ...options, maxIter: 100 }).fitSync(x, y);
    const parts = new MLPClassifier(options);
    for (let i = 0; i < 100; i++)
      parts.partialFit(
        x,
        y,
        Array.from({ length: classes }, (_, k) => k),
      );
    t.deepEqual(parts.predict(x), whole.predict(x));
    t.true(parts.score(x, y) > 0.95);
  }
});

test('partialFit takes classes that y does not hold yet', (t) => {
  const model = new MLPClassifier({ randomState: 0 });
  model.partialFit([[1], [2], [3]], ['a', 'b', 'c'], ['a', 'b', 'c', 'd']);
  model.partialFit([[4]], ['d']);
  t.deepEqual(model.classes, ['a', 'b', 'c', 'd']);
  t.is(model.t, 4);
  t.true(model.score([[1], [2], [3], [4]], ['a', 'b', 'c', 'd']) >= 0);
});

test('labels: strings, numbers, several at once', (t) => {
  const x = Array.from({ length: 40 }, (_, i) => [i % 2, (i >> 1) % 2, 1]);
  const train = (y: any) => new MLPClassifier({ solver: 'lbfgs', hiddenLayerSizes: 10, randomState: 3 }).fitSync(x, y);
  const names = x.map(([a]) => (a ? 'ja' : 'nei'));
  t.deepEqual(train(names).predict(x), names);
  t.deepEqual(train(names).classes, ['ja', 'nei']);
  const far = x.map(([a, b]) => 10 ** 10 * a - b);
  const model = train(far);
  t.deepEqual((model.predict(x) as NDArray).toArray(), far);
  t.deepEqual(model.classes, [-1, 0, 10 ** 10 - 1, 10 ** 10]);
  const both = x.map(([a, b]) => [a, b, 0]);
  t.deepEqual((train(both).predict(x) as NDArray).toArray(), both);
  t.is(train(both).score(x, both), 1);
  t.deepEqual(train(both).predictProba(x).shape, [40, 3]);
  t.deepEqual(train(x.map(([a]) => [a])).predictProba(x).shape, [40, 2]); // one column: labels
});

test('log-probabilities are the logarithms of probabilities, which sum to 1', (t) => {
  for (const classes of [2, 3]) {
    const { x, y } = someDigits(classes);
    const model = new MLPClassifier({ hiddenLayerSizes: 5, randomState: 1, maxIter: 20 }).fitSync(x, y);
    const p = model.predictProba(x);
    t.deepEqual([...p.shape], [x.length, classes]);
    near(t, model.predictLogProba(x).data, Array.from(p.data, Math.log), 1e-12, 'log');
    for (const row of p.toArray<number[][]>()) t.true(Math.abs(row.reduce((a, b) => a + b) - 1) < 1e-12);
  }
});

test('shuffle matters', (t) => {
  const { x, y } = makeData({ kind: 'regression', n: 50, features: 5, seed: 0, classes: 1, float32: false });
  const weights = (shuffle: boolean) =>
    new MLPRegressor({ hiddenLayerSizes: 1, maxIter: 1, batchSize: 1, randomState: 0, shuffle }).fitSync(x, y).coefs[0];
  t.deepEqual(weights(true), weights(true));
  t.deepEqual(weights(false), weights(false));
  t.notDeepEqual(weights(true), weights(false));
});

test('tol, adaptive and nIterNoChange stop', (t) => {
  const x = [
    [3, 2],
    [1, 6],
  ];
  const options = { tol: 0.5, maxIter: 3000, solver: 'sgd' } as const;
  t.true(new MLPClassifier(options).fitSync(x, [1, 0]).nIter < 3000);
  t.true(new MLPClassifier({ ...options, learningRate: 'adaptive' }).fitSync(x, [1, 0]).nIter < 3000);
  const d = someDigits(2);
  for (const nIterNoChange of [2, 5, 20]) {
    const model = new MLPClassifier({ tol: 10, maxIter: 300, solver: 'sgd', nIterNoChange, randomState: 0 });
    t.is(model.fitSync(d.x, d.y).nIter, nIterNoChange + 2); // the first epoch always improves
  }
  const endless = new MLPClassifier({ tol: 1e9, maxIter: 60, solver: 'sgd', nIterNoChange: Number.POSITIVE_INFINITY });
  t.is(endless.fitSync(d.x, d.y).nIter, 60);
});

test.serial('warns where maxIter or maxFun ends the training, and of a batch size that is clipped', async (t) => {
  const { x, y } = someDigits(2);
  const train = (options: object) => () =>
    new MLPClassifier({ hiddenLayerSizes: 5, randomState: 1, ...options }).fitSync(x, y);
  const [stochastic] = await warningsOf('ConvergenceWarning', train({ maxIter: 3 }));
  t.is(stochastic, "Stochastic Optimizer: Maximum iterations (3) reached and the optimization hasn't converged yet.");
  const [iterations] = await warningsOf('ConvergenceWarning', train({ solver: 'lbfgs', maxIter: 3 }));
  t.regex(iterations, /lbfgs failed to converge \(status=1\):\nSTOP: TOTAL NO. of ITERATIONS REACHED LIMIT/);
  const [evaluations] = await warningsOf('ConvergenceWarning', train({ solver: 'lbfgs', maxFun: 3, tol: 0 }));
  t.regex(evaluations, /EVALUATIONS EXCEEDS LIMIT/);
  t.deepEqual(await warningsOf('ConvergenceWarning', train({ tol: 10, nIterNoChange: 1 })), []);
  t.regex((await warningsOf('Warning', train({ batchSize: 1000, maxIter: 1 })))[0], /batchSize 1000/);
});

test.serial('verbose prints the epochs', async (t) => {
  const { x, y } = someDigits(2);
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  try {
    const options = {
      hiddenLayerSizes: 2,
      maxIter: 60,
      verbose: true,
      earlyStopping: true,
      nIterNoChange: 2,
      randomState: 1,
    };
    const model = new MLPClassifier({ ...options, tol: 2 }).fitSync(x, y);
    t.is(lines[0], `Iteration 1, loss = ${model.lossCurve[0].toFixed(8)}`);
    t.is(lines[1], `Validation score: ${model.validationScores![0].toFixed(6)}`);
    t.is(lines.at(-1), 'Validation score did not improve more than tol=2.000000 for 2 consecutive epochs. Stopping.');
    lines.length = 0;
    new MLPClassifier({
      ...options,
      earlyStopping: false,
      solver: 'sgd',
      learningRate: 'adaptive',
      tol: 10,
      maxIter: 8,
    }).fitSync(x, y);
    t.true(
      lines.includes(
        'Training loss did not improve more than tol=10.000000 for 2 consecutive epochs. Setting learning rate to 0.000200',
      ),
    );
  } finally {
    console.log = log;
  }
});

test('a model whose loss diverges rejects, or with early stopping keeps its best weights', async (t) => {
  const { x, y } = makeData({ kind: 'regression', n: 60, features: 4, seed: 1, classes: 1, float32: false });
  const options = { solver: 'sgd', activation: 'identity', learningRateInit: 10, maxIter: 20, randomState: 0 } as const;
  const model = new MLPRegressor(options);
  await t.throwsAsync(model.fit(x, y), { code: 'ERR_DIVERGED', message: /not finite/ });
  t.is(model.lossCurve.length, 20);
  const early = await new MLPRegressor({ ...options, earlyStopping: true, nIterNoChange: 30 }).fit(x, y);
  t.true(Number.isNaN(early.validationScores!.at(-1)));
  t.true(early.coefs.every((w) => w.data.every(Number.isFinite)));
});

test('sync, async and any number of threads give the same bits', async (t) => {
  const before = getThreads();
  const options = { hiddenLayerSizes: [60, 30], maxIter: 3, randomState: 5, earlyStopping: true } as const;
  const sync = bits(new MLPClassifier(options).fitSync(xTrain, yTrain));
  for (const n of [1, 3]) {
    setThreads(n);
    t.deepEqual(bits(await new MLPClassifier(options).fit(xTrain, yTrain)), sync);
  }
  setThreads(before);
  const lbfgs = { ...options, solver: 'lbfgs' } as const;
  t.deepEqual(
    bits(await new MLPClassifier(lbfgs).fit(xTrain, yTrain)),
    bits(new MLPClassifier(lbfgs).fitSync(xTrain, yTrain)),
  );
});

test('fits that share a RandomState take turns: the draws are those of a plain loop', async (t) => {
  const { x, y } = someDigits(3);
  const make = (randomState: RandomState) =>
    [3, 1, 2].map((maxIter) => new MLPClassifier({ hiddenLayerSizes: 4, maxIter, randomState }));
  const loop = new RandomState(9);
  const one = make(loop).map((model) => bits(model.fitSync(x, y)));
  const shared = new RandomState(9);
  const models = make(shared);
  const running = models.map((model) => model.fit(x, y));
  t.throws(() => new MLPClassifier({ randomState: shared }).fitSync(x, y), {
    code: 'ERR_BUSY',
    message: /randomState/,
  });
  await Promise.all(running);
  t.deepEqual(models.map(bits), one);
  t.deepEqual(shared.getState(), loop.getState());
});

test('an abort ends the training after a batch, and the estimator stays usable', async (t) => {
  const model = new MLPClassifier({ maxIter: 100000, tol: 0, nIterNoChange: Number.POSITIVE_INFINITY, randomState: 0 });
  const controller = new AbortController();
  const running = model.fit(xTrain, yTrain, { signal: controller.signal });
  t.throws(() => model.predict(xTest), { code: 'ERR_BUSY' });
  t.throws(() => model.fitSync(xTrain, yTrain), { code: 'ERR_BUSY' });
  await t.throwsAsync(model.fit(xTrain, yTrain), { code: 'ERR_BUSY' });
  while (model.nIter < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  t.true(model.coefs[0].data.length > 0);
  controller.abort(new Error('enough'));
  const error = await t.throwsAsync(running, { code: 'ERR_ABORTED', name: 'AbortError' });
  t.like(error?.cause, { message: 'enough' });
  t.true(model.lossCurve.length >= 2);
  t.is((model.predict(xTest) as NDArray).length, 360);
  await model.setParams({ maxIter: 2 }).fit(xTrain, yTrain);
  t.is(model.nIter, 2);

  const shared = new RandomState(1);
  const late = new AbortController();
  const first = new MLPClassifier({ maxIter: 2, randomState: shared }).fit(xTrain, yTrain);
  const queued = new MLPClassifier({ maxIter: 2, randomState: shared });
  const second = queued.fit(xTrain, yTrain, { signal: late.signal });
  late.abort();
  await first;
  await t.throwsAsync(second, { code: 'ERR_ABORTED' });
  t.throws(() => queued.predict(xTest), { code: 'ERR_NOT_FITTED' });
});

test('attributes can be read before fit', (t) => {
  const model = new MLPRegressor();
  t.deepEqual([model.coefs, model.intercepts, model.lossCurve], [[], [], []]);
  t.deepEqual([model.nIter, model.t, model.nLayers, model.nOutputs, model.nFeaturesIn], [0, 0, 0, 0, 0]);
  t.deepEqual([model.validationScores, model.bestLoss, model.bestValidationScore], [null, null, null]);
  t.is(model.outActivation, undefined);
  t.deepEqual(new MLPClassifier().classes, []);
});

test('parameters: defaults, reading, changing, refusing', (t) => {
  const model = new MLPClassifier({ alpha: 0.5 });
  t.like(model.getParams(), { alpha: 0.5, hiddenLayerSizes: [100], solver: 'adam', batchSize: 'auto', maxFun: 15000 });
  t.is(Object.keys(model.getParams()).length, 23);
  t.is(new MLPRegressor().getParams().loss, 'squaredError');
  t.is(model.setParams({ tol: 0 }).getParams().tol, 0);
  t.is(model.getParams().alpha, 0.5);
  t.is(model.setParams({ alpha: undefined }).getParams().alpha, 1e-4);
  t.throws(() => model.setParams({ alpha: -1, tol: 5 }), { instanceOf: RangeError });
  t.is(model.getParams().tol, 0);

  const refused: [Record<string, unknown>, string][] = [
    [{ hiddenLayerSizes: 0 }, 'Expected hiddenLayerSizes to be a positive integer, got 0 (number)'],
    [{ hiddenLayerSizes: [4, -1] }, 'Expected hiddenLayerSizes[1] to be a positive integer, got -1 (number)'],
    [
      { hiddenLayerSizes: 'big' },
      "Expected hiddenLayerSizes to be a positive integer or an array of them, got 'big' (string)",
    ],
    [
      { activation: 'cloak' },
      "Expected activation to be one of 'identity', 'logistic', 'tanh', 'relu', got 'cloak' (string)",
    ],
    [{ solver: 'hadoken' }, "Expected solver to be one of 'lbfgs', 'sgd', 'adam', got 'hadoken' (string)"],
    [{ alpha: -1 }, 'Expected alpha to be a non-negative number, got -1 (number)'],
    [{ batchSize: 0 }, "Expected batchSize to be a positive integer or 'auto', got 0 (number)"],
    [{ batchSize: 'all' }, "Expected batchSize to be a positive integer or 'auto', got 'all' (string)"],
    [
      { learningRate: 'converge' },
      "Expected learningRate to be one of 'constant', 'invscaling', 'adaptive', got 'converge' (string)",
    ],
    [{ learningRateInit: 0 }, 'Expected learningRateInit to be a positive number, got 0 (number)'],
    [{ powerT: -0.5 }, 'Expected powerT to be a non-negative number, got -0.5 (number)'],
    [{ maxIter: 0 }, 'Expected maxIter to be a positive integer, got 0 (number)'],
    [{ shuffle: 'true' }, "Expected shuffle to be a boolean, got 'true' (string)"],
    [{ randomState: -1 }, 'Expected randomState to be a non-negative integer, got -1 (number)'],
    [{ tol: -1e-4 }, 'Expected tol to be a non-negative number, got -0.0001 (number)'],
    [{ verbose: -1 }, 'Expected verbose to be a non-negative integer, got -1 (number)'],
    [{ verbose: 'yes' }, "Expected verbose to be a boolean or a non-negative integer, got 'yes' (string)"],
    [{ warmStart: 1 }, 'Expected warmStart to be a boolean, got 1 (number)'],
    [{ momentum: 2 }, 'Expected momentum to be a number in [0, 1], got 2 (number)'],
    [{ nesterovsMomentum: 0 }, 'Expected nesterovsMomentum to be a boolean, got 0 (number)'],
    [{ earlyStopping: 3 }, 'Expected earlyStopping to be a boolean, got 3 (number)'],
    [{ validationFraction: 1 }, 'Expected validationFraction to be a number in [0, 1), got 1 (number)'],
    [
      { validationFraction: 0, earlyStopping: true },
      'Expected validationFraction to be a number in (0, 1), got 0 (number)',
    ],
    [{ beta1: 1 }, 'Expected beta1 to be a number in [0, 1), got 1 (number)'],
    [{ beta2: -0.5 }, 'Expected beta2 to be a number in [0, 1), got -0.5 (number)'],
    [{ epsilon: 0 }, 'Expected epsilon to be a positive number, got 0 (number)'],
    [{ nIterNoChange: 0 }, 'Expected nIterNoChange to be a positive integer, got 0 (number)'],
    [{ maxFun: 1.5 }, 'Expected maxFun to be a positive integer, got 1.5 (number)'],
    [{ maxIters: 5 }, "Expected options to have no option 'maxIters' (did you mean 'maxIter'?)"],
    [{ loss: 'poisson' }, "Expected options to have no option 'loss'"],
  ];
  for (const [options, message] of refused) {
    const error = t.throws(() => new MLPClassifier(options), undefined, JSON.stringify(options));
    t.true(error?.message.startsWith(message), error?.message);
    t.true(error instanceof RangeError || error instanceof TypeError);
  }
  t.throws(() => new MLPRegressor({ loss: 'huber' as any }), { message: /one of 'squaredError', 'poisson'/ });
});

test('data that does not fit is refused, with nothing changed', async (t) => {
  const { x, y } = someDigits(3);
  const model = new MLPClassifier({ hiddenLayerSizes: 4, maxIter: 2, randomState: 0 });
  t.throws(() => model.predict(x), {
    code: 'ERR_NOT_FITTED',
    message: 'Expected this MLPClassifier to be fitted: call fit first',
  });
  model.fitSync(x, y);
  const before = bits(model);
  const labels = Array.from(y.data);
  const withNaN = x.toArray<number[][]>();
  withNaN[3][7] = Number.NaN;
  const refusals: [() => unknown, RegExp][] = [
    [() => model.fitSync(withNaN, y), /^Expected x to hold finite numbers, got NaN at row 3, column 7$/],
    [() => model.fitSync(x, labels.slice(1)), /^Expected y to have 200 rows, got 199$/],
    [() => model.fitSync(x, labels.fill(1).slice()), /^Expected y to hold two classes or more, got only 1$/],
    [
      () =>
        model.fitSync(
          x,
          labels.map(() => 0.5),
        ),
      /^Expected y to hold class labels \(integers or strings\), got 0.5 at row 0$/,
    ],
    [
      () =>
        model.fitSync(
          x,
          labels.map(() => [1, 2]),
        ),
      /^Expected y to hold rows of 0s and 1s \(multi-label\), got 2 at row 0/,
    ],
    [() => model.fitSync(Array.from(x.data), y), /^Expected x to have 2 dimensions/],
    [() => model.fitSync(x, y, { sampleWeight: [1, 2] }), /^Expected sampleWeight to have 200 rows, got 2$/],
    [
      () => model.fitSync(x, y, { sampleWeight: new Float64Array(200) }),
      /^Expected sampleWeight to be weights of which one is positive/,
    ],
    [() => model.fitSync(x, y, { weights: [] } as any), /no option 'weights'/],
    [
      () => model.partialFit(x.take([0]), [9]),
      /^Expected y to hold labels out of the classes of the last fit, 0, 1, 2, got 9 at row 0$/,
    ],
    [() => model.partialFit(x, y, [0, 1]), /^Expected classes to be those of the earlier calls, 0, 1, 2/],
    [
      () =>
        model.partialFit(
          x,
          labels.map(() => [0, 1]),
        ),
      /^Expected y to hold labels/,
    ],
    [() => model.partialFit([[1, 2]], [0]), /^Expected x to be a matrix of 64 columns, as at fit/],
    [() => model.predict([[1, 2]]), /^Expected x to be a matrix of 64 columns, as at fit/],
    [() => (model.coefs = [[[1]]]), /^Expected coefs to be an array of 2 arrays/],
    [() => (model.intercepts = [[1], [2]]), /^Expected intercepts\[0\] to have shape \[4\], got \[1\]$/],
  ];
  for (const [call, message] of refusals) {
    t.throws(call, { message });
    t.deepEqual(bits(model), before);
  }
  await t.throwsAsync(model.fit(x, y, { signal: 5 as any }), { instanceOf: TypeError, message: /AbortSignal/ });
  t.throws(() => new MLPClassifier().partialFit(x, y), {
    message: /^Expected classes to be the labels of all classes in the first call/,
  });
  t.throws(() => new MLPClassifier({ solver: 'lbfgs' }).partialFit(x, y, [0, 1, 2]), {
    message: /^Expected solver to be 'sgd' or 'adam' for partialFit/,
  });
  t.throws(() => new MLPClassifier({ earlyStopping: true }).partialFit(x, y, [0, 1, 2]), {
    message: /^Expected earlyStopping to be false for partialFit/,
  });
  t.throws(
    () =>
      new MLPClassifier({ earlyStopping: true }).fitSync(
        [
          [1, 2],
          [2, 3],
          [3, 4],
          [4, 5],
        ],
        [0, 0, 0, 1],
      ),
    { message: /validationFraction|every class at least twice/ },
  );
  const rare = Array.from({ length: 40 }, (_, i) => Number(i === 0));
  t.throws(
    () =>
      new MLPClassifier({ earlyStopping: true }).fitSync(
        rare.map((v) => [v]),
        rare,
      ),
    { message: 'Expected y to hold every class at least twice, got class 1 once' },
  );
  t.throws(() => new MLPRegressor({ loss: 'poisson' }).fitSync([[1], [2]], [1, -1]), {
    message: /non-negative numbers for the loss 'poisson', got -1 at row 1/,
  });
  t.throws(() => new MLPRegressor().fitSync([[1], [2]], [1, Number.POSITIVE_INFINITY]), {
    message: /Expected y to hold finite numbers/,
  });
});

test('warmStart goes on from the last fit, with the same classes and layers', (t) => {
  const { x, y } = someDigits(3);
  const model = new MLPClassifier({
    solver: 'lbfgs',
    hiddenLayerSizes: 2,
    warmStart: true,
    randomState: 4,
    maxIter: 20,
  });
  const first = model.fitSync(x, y).loss;
  t.true(model.fitSync(x, y).loss <= first);
  const two = Array.from(y.data, (v) => Math.min(v, 1));
  const other = Array.from(y.data, (v) => (v === 2 ? 3 : v));
  t.throws(() => model.fitSync(x, two), {
    message: /^Expected y to hold all classes of the last fit, 0, 1, 2, where warmStart is true, got only 0, 1$/,
  });
  t.throws(() => model.fitSync(x, other), { message: /^Expected y to hold labels out of the classes/ });
  t.throws(() => model.setParams({ hiddenLayerSizes: 3 }).fitSync(x, y), {
    message: /^Expected the layers to be those of the last fit/,
  });
  model.setParams({ hiddenLayerSizes: 2, solver: 'adam', maxIter: 1, activation: 'tanh' });
  const before = model.coefs[0];
  model.fitSync(x, y); // another solver and activation, the same weights
  t.true(absSum(before) > 0 && Math.abs(absSum(model.coefs[0]) / absSum(before) - 1) < 0.5);
});

test('rows of Float32Array train in float32; predictions take any dtype', (t) => {
  const { x, y } = someDigits(2);
  const rows = x.toArray<number[][]>();
  const model = new MLPClassifier({ hiddenLayerSizes: 3, maxIter: 2, randomState: 0 });
  model.fitSync(
    rows.map((row) => Float32Array.from(row)),
    y,
  );
  t.is(model.coefs[0].dtype, 'float32');
  t.is(model.predictProba(rows).dtype, 'float32');
  t.is(model.fitSync(rows, y).coefs[0].dtype, 'float64');
  const lbfgs = new MLPRegressor({ solver: 'lbfgs', hiddenLayerSizes: 3, maxIter: 5 });
  t.is(lbfgs.fitSync(NDArray.from(x, { dtype: 'float32' }), y).coefs[0].dtype, 'float64');
});

test('loss kernels, in both dtypes', (t) => {
  const random = new RandomState(6);
  const [B, N] = [7, 3];
  const z = Array.from(random.normal(0, 4, [B * N]).data);
  z[4] = 200; // a probability of 0 or 1, to be clipped
  const y = {
    oneHot: z.map((_, i) => Number(i % N === Math.floor(i / N) % N)),
    bits: z.map((v) => Number(v > 1)),
    counts: z.map((_, i) => i % 4),
  };
  const sigmoid = z.map((v) => 1 / (1 + Math.exp(-v)));
  const softmax = z.map((v, i) => {
    const row = z.slice(i - (i % N), i - (i % N) + N);
    return 1 / row.reduce((sum, other) => sum + Math.exp(other - v), 0);
  });
  const xlogy = (a: number, b: number) => (a === 0 ? 0 : a * Math.log(b));
  for (const Floats of [Float64Array, Float32Array]) {
    const eps = Floats === Float64Array ? Number.EPSILON : 2 ** -23;
    const clip = (p: number) => Math.min(Math.max(p, eps), 1 - eps);
    const cases: [string, number[], number[], (y: number, p: number) => number][] = [
      ['softmaxLogLoss', y.oneHot, softmax, (a, p) => -xlogy(a, clip(p))],
      ['logisticLogLoss', y.bits, sigmoid, (a, p) => -xlogy(a, clip(p)) - xlogy(1 - a, 1 - clip(p))],
      ['halfSquaredError', y.counts, z, (a, p) => (a - p) ** 2 / (2 * N)],
      ['halfPoissonDeviance', y.counts, z.map((v) => Math.exp(v / 50)), (a, p) => xlogy(a, a / p) - a + p],
    ];
    for (const [name, target, p, loss] of cases) {
      const input = Floats.from(name === 'halfPoissonDeviance' ? z.map((v) => v / 50) : z);
      const out = { p: new Floats(B * N), loss: new Floats(B), delta: new Floats(B * N) };
      const outputs = name === 'halfSquaredError' ? [out.loss, out.delta] : [out.p, out.loss, out.delta];
      kernels[name]({ B, N }, [input, Floats.from(target), ...outputs], { scale: 0.25 });
      const tolerance = Floats === Float64Array ? 1e-11 : 2e-4;
      const losses = Array.from({ length: B }, (_, r) => {
        let sum = 0;
        for (let i = r * N; i < (r + 1) * N; i++) sum += loss(target[i], p[i]);
        return sum;
      });
      if (name !== 'halfSquaredError') near(t, out.p, p, tolerance, `${name} p`);
      near(t, out.loss, losses, tolerance, `${name} loss`);
      near(
        t,
        out.delta,
        p.map((v, i) => (v - target[i]) * 0.25),
        tolerance,
        `${name} delta`,
      );
    }
  }
});
