// Fit options of a value for each row are split over the folds: scikit-learn's numbers (fixtures/fit-weights.py).
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import {
  bootstrapScore,
  crossValScore,
  GridSearchCV,
  gridSearch,
  HalvingGridSearchCV,
  KFold,
  layers,
  MLPClassifier,
  MLPRegressor,
  NDArray,
  Pipeline,
  RandomizedSearchCV,
  StandardScaler,
  sequential,
} from 'fjordnet';
import { difference } from './helpers/replay.js';

interface Found {
  testScore: number[];
  trainScore: number[];
  bestIndex: number;
  predicted: number[];
}
const golden = JSON.parse(readFileSync(new URL('../test/fixtures/fit-weights.json', import.meta.url), 'utf8')) as {
  x: number[][];
  y: number[];
  numbers: number[];
  weight: number[];
  crossVal: Record<'accuracy' | 'neg_log_loss' | 'r2', number[]>;
  grid: Record<'accuracy' | 'neg_log_loss' | 'r2' | 'neg_max_error', Found>;
  randomized: Found;
  halving: Found;
  nested: number[];
};
const { x, y, numbers, weight } = golden;
const own = { hiddenLayerSizes: [6], maxIter: 25, batchSize: 12, randomState: 3 };
const classifier = new MLPClassifier(own);
const regressor = new MLPRegressor(own);
const grid = { alpha: [1e-4, 1, 30] };
const close = (t: ExecutionContext, made: readonly number[], wanted: readonly number[]) => {
  const d = difference(made, wanted);
  t.true(d < 1e-12, `${d}: ${made} for ${wanted}`);
};

test('cross-validation: in fit alone, whatever holds the weights', async (t) => {
  for (const sampleWeight of [weight, NDArray.from(weight), Float64Array.from(weight)]) {
    const fitOptions = { sampleWeight };
    close(t, await crossValScore(classifier, x, y, { cv: 4, fitOptions }), golden.crossVal.accuracy);
    close(t, await crossValScore(regressor, x, numbers, { cv: 4, fitOptions }), golden.crossVal.r2);
  }
  const cv = new KFold({ nSplits: 4, shuffle: true, randomState: 1 });
  const options = { cv, fitOptions: { sampleWeight: weight }, scoring: 'neg_log_loss' as const };
  close(t, await crossValScore(classifier, x, y, options), golden.crossVal.neg_log_loss);
  t.true(
    difference(await crossValScore(classifier, x, y, { cv, scoring: 'neg_log_loss' }), golden.crossVal.neg_log_loss) >
      1e-3,
  );
});

test('searches: in fit and in scores', async (t) => {
  const check = async (
    search: GridSearchCV<any> | RandomizedSearchCV<any> | HalvingGridSearchCV<any>,
    wanted: Found,
    targets = y,
  ) => {
    await search.fit(x, targets, { sampleWeight: weight });
    close(
      t,
      search.results.map((result) => result.testScore),
      wanted.testScore,
    );
    close(
      t,
      search.results.map((result) => result.trainScore),
      wanted.trainScore,
    );
    t.is(search.bestIndex, wanted.bestIndex);
    close(t, Array.from((search.predict(x.slice(0, 9)) as NDArray).data), wanted.predicted);
  };
  const scoring = 'neg_log_loss';
  await check(new GridSearchCV({ estimator: classifier, grid, cv: 3 }), golden.grid.accuracy);
  await check(new GridSearchCV({ estimator: classifier, grid, cv: 3, scoring }), golden.grid.neg_log_loss);
  await check(new GridSearchCV({ estimator: regressor, grid, cv: 3 }), golden.grid.r2, numbers);
  const random = { distributions: grid, nIter: 2, randomState: 5 };
  await check(new RandomizedSearchCV({ estimator: classifier, ...random, cv: 3, scoring }), golden.randomized);
  const halving = { grid, factor: 2, randomState: 5, minResources: 30 };
  await check(new HalvingGridSearchCV({ estimator: classifier, ...halving, cv: 3, scoring }), golden.halving);
  const largest = new GridSearchCV({ estimator: regressor, grid, cv: 3, scoring: 'neg_max_error' });
  await check(largest, golden.grid.neg_max_error, numbers);

  const fitOptions = { sampleWeight: weight };
  const found = await gridSearch({ estimator: classifier, grid, train: [x, y], cv: 3, scoring, fitOptions });
  close(
    t,
    found.results.map((result) => result.testScore),
    golden.grid.neg_log_loss.testScore,
  );
  const nested = new GridSearchCV({ estimator: classifier, grid, cv: 3, scoring });
  close(t, await crossValScore(nested, x, y, { cv: 3, fitOptions }), golden.nested);
});

test('pipelines of estimators and of networks weigh their scores, too', async (t) => {
  const pipeline = new Pipeline([
    ['scale', new StandardScaler()],
    ['model', classifier],
  ]);
  const seen: unknown[] = [];
  await gridSearch({
    estimator: pipeline,
    grid: { model__alpha: [1] },
    train: [x, y],
    cv: 2,
    fitOptions: { sampleWeight: weight },
    scoring: (model: any, rows, labels, options) => {
      seen.push((options as { sampleWeight: number[] }).sampleWeight.length);
      const all = model.score(rows, labels, options);
      t.not(all, model.score(rows, labels));
      return all;
    },
  });
  t.deepEqual(seen, [36, 36, 36, 36]);
  const net = sequential({ layers: [layers.dense({ units: 1, activation: 'sigmoid', inputShape: [3] })], seed: 1 });
  net.compile({ optimizer: 'adam', loss: 'binaryCrossentropy' });
  const ending = new Pipeline([['net', net]]);
  const options = { cv: 3, fitOptions: { sampleWeight: weight, epochs: 2 } };
  const scores = await crossValScore(ending, x, y, options);
  t.is(scores.length, 3);
  t.true(scores.every(Number.isFinite));
});

test('what is not of the length of the rows goes to fit as it is', async (t) => {
  const given: Record<string, unknown>[] = [];
  class Told {
    fit(_x: unknown, _y: unknown, options: Record<string, unknown>) {
      given.push(options);
      return Promise.resolve(this);
    }
    predict() {
      return [];
    }
    score() {
      return 1;
    }
  }
  const [names, pair, text] = [y.map((label) => `class ${label}`), [x, y], 'x'.repeat(72)];
  const fitOptions = { names, pair, text, epochs: 72, sampleWeight: weight };
  await crossValScore(() => new Told(), x, y, { cv: new KFold({ nSplits: 2 }), fitOptions });
  t.deepEqual(given[0], { ...fitOptions, names: names.slice(36), sampleWeight: weight.slice(36) });
  given.length = 0;
  await bootstrapScore(() => new Told(), x, y, { nResamples: 1, randomState: 1, fitOptions });
  t.is((given[0].sampleWeight as number[]).length, 72);
  t.notDeepEqual(given[0].sampleWeight, weight);
  await t.throwsAsync(crossValScore(classifier, x, y, { fitOptions: { sampleWeight: weight.slice(1) } }), {
    message: /sampleWeight/,
  });
});
