import { readFileSync } from 'node:fs';
import test from 'ava';
import { kernels, loadDigits, MLPClassifier, MLPRegressor, NDArray, RandomState, trainTestSplit } from 'fjordnet';
import { absSum, camelCase, makeData, makeWeights, near, silenceWarnings } from './helpers/sklearn.js';

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../test/fixtures/${name}`, import.meta.url), 'utf8'));
const golden = fixture('sklearn_mlp.json');
const more = fixture('mlp.json');
silenceWarnings();

const { data: digits, target } = loadDigits();
const [xTrain, xTest, yTrain, yTest] = trainTestSplit([digits, target], { trainSize: 0.8, randomState: golden.seed });
const regressors = ['regression', 'outputs', 'counts'];

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

test('averages that forget at once hold nothing of the gradient before, as in scikit-learn', (t) => {
  const options = { hiddenLayerSizes: [], alpha: 0, beta1: 0, beta2: 0, batchSize: 1, shuffle: false, maxIter: 1 };
  const model = new MLPRegressor({ ...options, randomState: 0 }).fitSync([[1e6], [1e-3]], [0, 5]);
  near(t, model.coefs[0].data, [0.16909494], 1e-7, 'coefficient');
});

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
