import { readFileSync } from 'node:fs';
import test from 'ava';
import {
  bootstrapScore,
  crossValScore,
  getScorer,
  gridSearch,
  layers,
  logLoss,
  losses,
  MLPClassifier,
  MLPRegressor,
  type NDArray,
  permutationImportance,
  RandomState,
  rocAucScore,
  sequential,
  toCategorical,
} from 'fjordnet';
import { near, silenceWarnings } from './helpers/sklearn.js';

silenceWarnings();
const golden = JSON.parse(readFileSync(new URL('../test/fixtures/scoring.json', import.meta.url), 'utf8'));
const small = { hiddenLayerSizes: [5], maxIter: 20, learningRateInit: 0.02, randomState: 3 };
const isRegression = (kind: string) => kind === 'regression' || kind === 'outputs';

/** The data of fixtures/scoring.py. */
function makeData(kind: string): { x: NDArray; y: any[] } {
  const x = new RandomState(11).randn(60, 4);
  const best = ([a, b, c]: number[]) => [a, b, c].indexOf(Math.max(a, b, c));
  const targets: Record<string, (row: number[]) => unknown> = {
    multiclass: best,
    strings: (row) => ['ash', 'birch', 'cedar'][best(row)],
    binary: ([a, b]) => (a + b > 0.3 ? 7 : -2),
    zero_one: ([a, b]) => Number(a + b > 0.3),
    multilabel: (row) => row.slice(0, 3).map((v) => Number(v > 0)),
    regression: ([a, b, c]) => a * b + 0.5 * c,
    outputs: ([a, b, c]) => [a * b, c - a],
  };
  return { x, y: x.toArray<number[][]>().map(targets[kind]) };
}

/** A model that fitted the first half, and the other one. */
function trained(kind: string) {
  const { x, y } = makeData(kind);
  const rows = Array.from({ length: 60 }, (_, i) => i);
  const model: any = isRegression(kind) ? new MLPRegressor(small) : new MLPClassifier(small);
  model.fitSync(x.take(rows.slice(0, 30)), y.slice(0, 30));
  return { model, x: x.take(rows.slice(30)), y: y.slice(30) };
}

const sampleWeight = Array.from({ length: 30 }, (_, i) => (i % 4) / 2);
const camel = (name: string) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

for (const kind of new Set<string>(golden.scorers.map((c: any) => c.kind)))
  test(`scores by name are those of scikit-learn's scorers: ${kind}`, async (t) => {
    const { model, x, y } = trained(kind);
    for (const c of golden.scorers.filter((c: any) => c.kind === kind)) {
      const [scorer, sameScorer] = [getScorer(c.name), getScorer(camel(c.name) as any)];
      t.is(scorer, sameScorer, c.name);
      for (const [expected, options] of [
        [c.value, []],
        [c.weighted, [{ sampleWeight }]],
      ] as const) {
        const run = async () => scorer(model, x, y, ...options);
        if (expected === null) await t.throwsAsync(run, { message: /^Expected / }, c.name);
        else near(t, [await run()], [expected], 1e-9, c.name);
      }
    }
  });

test('crossValScore, gridSearch and bootstrapScore take the name of a score', async (t) => {
  for (const { kind, name, scores } of golden.cross_validation) {
    const { x, y } = makeData(kind);
    const model: any = isRegression(kind) ? new MLPRegressor(small) : new MLPClassifier(small);
    near(t, await crossValScore(model, x, y, { scoring: name, cv: 3 }), scores, 1e-9, name);
    const search = await gridSearch({
      grid: { alpha: [1e-4] },
      build: (params: any): any =>
        isRegression(kind) ? new MLPRegressor({ ...small, ...params }) : new MLPClassifier({ ...small, ...params }),
      train: [x, y],
      cv: 3,
      scoring: camel(name) as any,
    });
    near(t, search.best.testScores ?? [], scores, 1e-9, name);
  }
  const { x, y } = makeData('zero_one');
  const options = { nResamples: 3, randomState: 1 };
  const byName = await bootstrapScore(new MLPClassifier(small), x, y, { ...options, scoring: 'neg_log_loss' });
  const byHand = await bootstrapScore(new MLPClassifier(small), x, y, {
    ...options,
    scoring: (model, rows, labels) => -logLoss(labels as number[], model.predictProba(rows)),
  });
  t.deepEqual(byName, byHand);
});

test('probabilities of a model that was trained on one class are of that class in the first column', async (t) => {
  const random = new RandomState(0);
  const [x, rows] = [random.randn(12, 2), random.randn(6, 2)];
  const of = (own: number | string) =>
    new MLPClassifier({ ...small, hiddenLayerSizes: [3], maxIter: 3, learningRateInit: 0.001, randomState: 0 }).fitSync(
      x,
      new Array(12).fill(own),
    );
  const y = [0, 1, 1, 0, 1, 0];
  const words = y.map((label) => 'ab'[label]);
  const own = Array.from({ length: 6 }, (_, i) => of(1).predictProba(rows).at(i, 0));
  // scikit-learn's, which takes them for those of the greater class where the model knows the lesser one, too: 4 / 9 then
  for (const [known, labels, name, expected] of [
    [1, y, 'roc_auc', 4 / 9],
    [1, y, 'average_precision', 0.5333333333333333],
    [1, y, 'neg_brier_score', -0.29274827389309127],
    [1, y, 'neg_log_loss', -0.7838184515626643],
    [1, y, 'top_k_accuracy', 1],
    ['b', words, 'roc_auc', 4 / 9],
    ['b', words, 'neg_log_loss', -0.7838184515626643],
    [7, y.map(() => 7), 'neg_brier_score', -0.5349101996406561],
    [0, y, 'roc_auc', 5 / 9],
    [0, y, 'neg_brier_score', -own.reduce((sum, p, i) => sum + (1 - p - y[i]) ** 2, 0) / 6],
    ['a', words, 'neg_log_loss', own.reduce((sum, p, i) => sum + Math.log(y[i] === 1 ? 1 - p : p), 0) / 6],
  ] as const)
    near(t, [await getScorer(name)(of(known), rows, labels as number[])], [expected], 1e-9, `${known}: ${name}`);
});

test('a model of any kind is scored by what it has', async (t) => {
  const y = [0, 1, 1, 0];
  const p = [0.2, 0.9, 0.4, 0.4];
  const later = {
    predict: async () => [0, 1, 0, 0],
    predictProba: async () => p.map((v) => [1 - v, v]),
  };
  t.is(await getScorer('accuracy')(later, [[1]], y), 0.75);
  t.is(await getScorer('rocAuc')(later, [[1]], y), rocAucScore(y, p));
  t.is(await getScorer('roc_auc')({ ...later, predictProba: () => p }, [[1]], y), rocAucScore(y, p)); // of the positive class alone
  t.is(await getScorer('f1')(later, [[1]], [false, true, true, false]), 2 / 3);
  const words = ['no', 'yes', 'yes', 'no'];
  t.is(await getScorer('neg_log_loss')(later, [[1]], words), -logLoss(words, p));
  // a class that the samples lack
  t.is(await getScorer('average_precision')(later, [[1]], [1, 1, 1, 1]), 1);
  near(t, [await getScorer('neg_brier_score')(later, [[1]], [1, 1, 1, 1])], [-1.37 / 4], 1e-12, 'one class');
  t.is(
    await getScorer('neg_log_loss')({ ...later, classes: ['no', 'yes'] }, [[1]], ['no', 'no', 'no', 'no']),
    p.reduce((sum, v) => sum + Math.log(1 - v), 0) / 4,
  );

  const rows = makeData('multiclass');
  const network = sequential({
    layers: [layers.dense({ units: 3, activation: 'softmax', inputShape: [4] })],
    seed: 1,
  });
  network.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  const oneHot = toCategorical(rows.y);
  await network.fit(rows.x, oneHot, { epochs: 3 });
  const { accuracy } = await network.evaluate(rows.x, oneHot);
  near(t, [await getScorer('accuracy')(network, rows.x, oneHot)], [accuracy], 1e-7, 'one-hot rows');
  near(t, [await getScorer('accuracy')(network, rows.x, rows.y)], [accuracy], 1e-7, 'labels');

  const several = [
    [1, 1],
    [0, 1],
    [0, 0],
    [1, 0],
  ];
  t.is(
    await getScorer('accuracy')(
      {
        predict: () => [
          [1, 1],
          [0, 1],
          [0, 0],
          [1, 1],
        ],
      },
      [[1]],
      several,
    ),
    0.75,
  );
});

test('a compiled network of classes is scored by what its loss takes its outputs for', async (t) => {
  const { x, y } = makeData('zero_one');
  const of = (units: number, activation: 'sigmoid' | 'linear', loss: any) => {
    const network = sequential({ layers: [layers.dense({ units, activation, inputShape: [4] })], seed: 1 });
    network.compile({ optimizer: 'adam', loss, metrics: ['accuracy'] });
    return network;
  };
  const fitOptions = { epochs: 15 };
  const sigmoid = of(1, 'sigmoid', 'binaryCrossentropy');
  await sigmoid.fit(x, y, { epochs: 300 });
  const p = (await sigmoid.predict(x)).reshape(-1);
  const { accuracy } = await sigmoid.evaluate(x, y);
  const logits = of(1, 'linear', losses.binaryCrossentropy({ fromLogits: true }));
  logits.setWeights(sigmoid.getWeights());
  for (const network of [sigmoid, logits]) {
    const column = y.map((label) => [label]);
    for (const truth of [y, column]) {
      near(t, [await getScorer('accuracy')(network, x, truth)], [accuracy], 1e-7, 'accuracy');
      near(t, [await getScorer('roc_auc')(network, x, truth)], [rocAucScore(y, p)], 1e-7, 'roc_auc');
    }
    near(t, [await getScorer('neg_log_loss')(network, x, y)], [-logLoss(y, p)], 1e-6, 'neg_log_loss');
  }
  const positives = x.take(y.flatMap((label, i) => (label === 1 ? [i] : [])));
  const ones = new Float64Array(positives.length).fill(1); // the other class is known of the network
  t.true((await getScorer('neg_log_loss')(sigmoid, positives, ones)) < 0);

  const build = () => of(1, 'sigmoid', 'binaryCrossentropy');
  const scores = await crossValScore(build, x, y, { cv: 3, fitOptions });
  const { best } = await gridSearch({ build, grid: { a: [1] }, train: [x, y], cv: 3, fitOptions });
  t.deepEqual(best.testScores, scores);
  t.deepEqual(await crossValScore(build, x, y, { cv: 3, fitOptions, scoring: 'accuracy' }), scores);
  const { importancesMean } = await permutationImportance(sigmoid, x, y, { randomState: 0 });
  t.true(importancesMean.data[0] > 0);

  const several = makeData('multilabel');
  const labels = of(3, 'sigmoid', 'binaryCrossentropy');
  await labels.fit(several.x, several.y, fitOptions);
  const output = (await labels.predict(several.x)).toArray<number[][]>();
  const right = output.filter((row, i) => row.every((v, k) => Number(v > 0.5) === several.y[i][k]));
  t.is(await getScorer('accuracy')(labels, several.x, several.y), right.length / 60);
});

test('what is no score, and a model that cannot be scored so, are refused', async (t) => {
  const { x, y } = makeData('zero_one');
  const model = new MLPClassifier(small);
  const cases: [() => unknown, string | RegExp][] = [
    [
      () => crossValScore(model, x, y, { scoring: 'rocauc' as any }),
      "Expected scoring to be a function, or a score's name such as 'accuracy' or 'r2' (did you mean 'roc_auc'?), got 'rocauc' (string)",
    ],
    [
      () => crossValScore(model, x, y, { scoring: rocAucScore as never }),
      "Expected scoring to be the name 'roc_auc', or a function of a model, x and y, got rocAucScore (function)",
    ],
    [
      () => gridSearch({ estimator: model, grid: { alpha: [1] }, train: [x, y], scoring: { loss: logLoss as never } }),
      "Expected scoring to be the name 'neg_log_loss', or a function of a model, x and y, got logLoss (function)",
    ],
    [() => getScorer('constructor' as any), /^Expected scoring to be a function, or a score's name/],
    [() => getScorer(undefined as any), /^Expected scoring to be a function, or a score's name/],
    [
      async () => getScorer('roc_auc')({ predict: () => y }, x, y),
      /^Expected the model to be an object with a method predictProba, which this scoring asks, got \{/,
    ],
    [
      () => crossValScore(new MLPRegressor(small), x, y, { scoring: 'roc_auc' }),
      'Expected the model to be an object with a method predictProba, which this scoring asks, got MLPRegressor',
    ],
    [async () => getScorer('r2')({} as any, x, y), /^Expected the model to be an object with a method predict, got/],
    [() => permutationImportance({} as any, x, y), 'Expected model to be an object with a method predict, got {}'],
    [() => permutationImportance(model, x, y.slice(1)), /^Expected y to have 60 rows/],
    [() => permutationImportance(model, [1, 2] as any, [1, 2]), 'Expected x to be [n, features], got shape [2]'],
    [
      () => permutationImportance({ predict: () => y }, x, y, { nRepeats: 0 }),
      'Expected nRepeats to be a positive integer, got 0 (number)',
    ],
    [
      () => permutationImportance({ predict: () => y }, x, y, { scoring: () => 'good' as any }),
      "Expected the score to be a number, got 'good' (string)",
    ],
  ];
  for (const [f, message] of cases) await t.throwsAsync(async () => f(), { message });
});

test("permutationImportance has scikit-learn's draws and numbers", async (t) => {
  for (const c of golden.importances) {
    const { model, x, y } = trained(c.kind);
    const randomState = c.seed < 0 ? new RandomState(-c.seed) : c.seed;
    const options = {
      ...(c.scoring && { scoring: c.scoring }),
      ...(c.weighted && { sampleWeight }),
      randomState,
    };
    const found = await permutationImportance(model, x, y, { ...options, nRepeats: c.repeats });
    t.deepEqual(found.importances.shape, [4, c.repeats]);
    const label = `${c.kind} ${c.scoring}`;
    near(t, found.importances.data, c.importances.flat(), 1e-9, label);
    near(t, found.importancesMean.data, c.mean, 1e-9, label);
    near(t, found.importancesStd.data, c.std, 1e-9, label);
    // a RandomState goes on, a seed starts again
    const again = await permutationImportance(model, x, y, { ...options, nRepeats: 1 });
    near(t, again.importances.data, c.again.flat(), 1e-9, label);
  }
});

test('permutationImportance leaves x alone, and finds nothing in a column that is not read', async (t) => {
  const { x } = makeData('regression');
  const before = Float64Array.from(x.data);
  const linear = (rows: NDArray) =>
    Float64Array.from({ length: rows.length }, (_, i) => 3 * rows.data[4 * i] - rows.data[4 * i + 2]);
  const seen: number[] = [];
  const model = {
    predict(rows: NDArray) {
      seen.push(Array.from(rows.data).reduce((a, b) => a + b, 0));
      return linear(rows);
    },
  };
  const { importancesMean, importances } = await permutationImportance(model, x, linear(x), {
    scoring: 'neg_mean_squared_error',
    randomState: 2,
    nRepeats: 3,
  });
  t.deepEqual(x.data, before);
  t.is(seen.length, 13);
  t.true(seen.every((sum) => Math.abs(sum - seen[0]) < 1e-10)); // the same numbers in other rows
  t.deepEqual(Array.from(importances.data).slice(3, 6), [0, 0, 0]);
  t.is(importancesMean.data[3], 0);
  t.true(importancesMean.data[0] > importancesMean.data[2] && importancesMean.data[2] > 0);
  const rows = x.toArray<number[][]>();
  const fromRows = await permutationImportance(model, rows, linear(x), { scoring: 'r2', randomState: 2 });
  t.deepEqual(fromRows, await permutationImportance(model, x, linear(x), { scoring: 'r2', randomState: 2 }));
});

test('permutationImportance stops on a signal, and lets others have their turn', async (t) => {
  const { x, y } = makeData('zero_one');
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('enough')), 20);
  let scores = 0;
  const work = permutationImportance({ predict: () => y }, x, y, {
    nRepeats: 1e6,
    signal: controller.signal,
    scoring: () => ++scores,
  });
  await t.throwsAsync(work, { name: 'AbortError', code: 'ERR_ABORTED' });
  t.true(scores < 4e6);
  await t.throwsAsync(permutationImportance({ predict: () => y }, x, y, { signal: controller.signal }), {
    code: 'ERR_ABORTED',
  });
  const never = new AbortController();
  setTimeout(() => never.abort(), 5);
  const waiting = permutationImportance({ predict: () => new Promise(() => {}) }, x, y, { signal: never.signal });
  await t.throwsAsync(waiting, { code: 'ERR_ABORTED' });
});
