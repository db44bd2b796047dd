import test from 'ava';
import {
  getThreads,
  loadDigits,
  MLPClassifier,
  type MLPEpoch,
  MLPRegressor,
  NDArray,
  RandomState,
  setThreads,
  trainTestSplit,
} from 'fjordnet';
import { absSum, bits, makeData, near, silenceWarnings, someDigits, warningsOf } from './helpers/sklearn.js';

silenceWarnings();
const { data: digits, target } = loadDigits();
const [xTrain, xTest, yTrain] = trainTestSplit([digits, target], { trainSize: 0.8, randomState: 0 });

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

test('fits with and without sample weights follow each other, with the optimizer’s memory', (t) => {
  const { x, y } = someDigits(10);
  const ones = new Float64Array(x.length).fill(1);
  for (const solver of ['sgd', 'adam', 'lbfgs'] as const) {
    const fits = (weigh: (i: number) => boolean) => {
      const model = new MLPClassifier({ hiddenLayerSizes: 5, solver, maxIter: 4, warmStart: true, randomState: 2 });
      for (let i = 0; i < 6; i++) {
        const given = weigh(i) ? { sampleWeight: ones } : {};
        if (solver === 'lbfgs' || i < 2) model.fitSync(x, y, given);
        else model.partialFit(x, y, undefined, given);
      }
      return bits(model);
    };
    const never = fits(() => false);
    t.deepEqual(
      fits((i) => i % 2 === 0),
      never,
    );
    t.deepEqual(
      fits((i) => i % 3 === 2),
      never,
    );
  }
});

test('onEpochEnd is told of every epoch, and changes nothing', async (t) => {
  const { x, y } = someDigits(10);
  for (const earlyStopping of [false, true]) {
    const options = { hiddenLayerSizes: 5, maxIter: 300, nIterNoChange: 3, tol: 0.02, earlyStopping, randomState: 3 };
    const told: MLPEpoch[] = [];
    const model = new MLPClassifier(options);
    let asleep = false;
    await model.fit(x, y, {
      onEpochEnd: async (info) => {
        t.false(asleep);
        asleep = true;
        await new Promise((done) => setImmediate(done));
        asleep = false;
        told.push(info);
      },
    });
    const alone = await new MLPClassifier(options).fit(x, y);
    t.true(told.length > 3 && told.length < 300);
    t.deepEqual(
      told.map(({ loss }) => loss),
      alone.lossCurve,
    );
    t.deepEqual(
      told.map(({ epoch }) => epoch),
      [...told.keys()],
    );
    t.deepEqual(earlyStopping ? told.map(({ validationScore }) => validationScore) : null, alone.validationScores);
    t.deepEqual(model.coefs, alone.coefs);
  }
  const failing = new MLPClassifier({ maxIter: 5 });
  await t.throwsAsync(failing.fit(x, y, { onEpochEnd: () => Promise.reject(new Error('enough')) }), {
    message: 'enough',
  });
  t.is(failing.lossCurve.length, 1);
  await t.throwsAsync(failing.fit(x, y, { onEpochEnd: 1 as never }), {
    message: /^Expected onEpochEnd to be a function/,
  });
});

test('epochs that share a job stop where epochs one by one do', async (t) => {
  const { x, y } = someDigits(10);
  for (const solver of ['sgd', 'adam'] as const)
    for (const learningRate of ['constant', 'invscaling', 'adaptive'] as const)
      for (const batchSize of [7, 20, 1000]) {
        const base = {
          hiddenLayerSizes: 4,
          maxIter: 120,
          nIterNoChange: 4,
          tol: 0.01,
          learningRateInit: 0.02,
          batchSize,
        };
        const options = { ...base, solver, learningRate, randomState: 5 };
        const together = await new MLPClassifier(options).fit(x, y);
        const single = await new MLPClassifier(options).fit(x, y, { onEpochEnd: () => undefined });
        t.deepEqual(together.lossCurve, single.lossCurve);
        t.deepEqual(together.coefs, single.coefs);
      }
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

test('predictions during a fit are those of its weights after one whole step, and change none of its bits', async (t) => {
  for (const solver of ['sgd', 'adam'] as const)
    for (const make of [
      (maxIter: number) => new MLPClassifier({ solver, maxIter, randomState: 0 }),
      (maxIter: number) => new MLPRegressor({ solver, maxIter, randomState: 0 }),
    ]) {
      const after = (maxIter: number) => make(maxIter).fitSync(xTrain, yTrain);
      const model = make(3);
      const seen: unknown[] = [];
      await model.fit(xTrain, yTrain, { onEpochEnd: () => seen.push(model.predict(xTest)) });
      const [first, , last] = [1, 2, 3].map((maxIter) => after(maxIter));
      t.deepEqual(seen[0], first.predict(xTest), solver);
      t.deepEqual(seen[2], last.predict(xTest), solver);
      t.deepEqual(bits(model as MLPClassifier), bits(last as MLPClassifier));
    }
});

test('an abort ends the training after a batch, and the estimator stays usable', async (t) => {
  const model = new MLPClassifier({ maxIter: 100000, tol: 0, nIterNoChange: Number.POSITIVE_INFINITY, randomState: 0 });
  const controller = new AbortController();
  const running = model.fit(xTrain, yTrain, { signal: controller.signal });
  t.is((model.predict(xTest) as NDArray).length, 360);
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
