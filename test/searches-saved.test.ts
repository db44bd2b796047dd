// Searches are saved with what they found, as every estimator.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  GridSearchCV,
  HalvingGridSearchCV,
  HalvingRandomSearchCV,
  importBytes,
  KFold,
  layers,
  loadPredictor,
  MLPClassifier,
  MLPRegressor,
  NDArray,
  optimizers,
  Pipeline,
  RandomizedSearchCV,
  RandomState,
  StandardScaler,
  StratifiedShuffleSplit,
  sequential,
  TimeSeriesSplit,
} from 'fjordnet';

process.removeAllListeners('warning'); // of few iterations
const folder = mkdtempSync(join(tmpdir(), 'fjordnet-searches-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const x = (new RandomState(1).normal(0, 1, [60, 3]) as NDArray).toArray() as number[][];
const y = x.map(([a, b]) => (a > b ? 'up' : 'down'));
const table = x.map(([a, b, c]) => ({ a, b, c }));
const mlp = () => new MLPClassifier({ hiddenLayerSizes: [4], maxIter: 8, randomState: 1 });
const grid = { alpha: [1e-3, 1, 50] };

const searches = {
  GridSearchCV: () => new GridSearchCV({ estimator: mlp(), grid: { alpha: Float64Array.of(1e-3, 1, 50) }, cv: 3 }),
  'GridSearchCV of several grids': () =>
    new GridSearchCV({ estimator: mlp(), grid: [grid, { maxIter: [2, 20], activation: ['tanh'] }], cv: 3 }),
  RandomizedSearchCV: () =>
    new RandomizedSearchCV({
      estimator: mlp(),
      distributions: { ...grid, maxIter: NDArray.from([3, 5], { dtype: 'int32' }) },
      nIter: 4,
      randomState: new RandomState(3),
      cv: new StratifiedShuffleSplit({ nSplits: 2, randomState: 1 }),
    }),
  HalvingGridSearchCV: () =>
    new HalvingGridSearchCV({ estimator: mlp(), grid, factor: 2, minResources: 20, randomState: 4, cv: 2 }),
  HalvingRandomSearchCV: () =>
    new HalvingRandomSearchCV({
      estimator: new Pipeline([
        ['scale', new StandardScaler()],
        ['model', mlp()],
      ]),
      distributions: { model__alpha: [1e-3, 1, 50] },
      nCandidates: 3,
      factor: 2,
      minResources: 20,
      randomState: 4,
      cv: new KFold({ nSplits: 2, shuffle: true, randomState: 1 }),
      scoring: 'neg_log_loss',
    }),
};

for (const [name, make] of Object.entries(searches))
  test(`${name}: what it found is there again, and it searches again as it would have`, async (t) => {
    const own = make() as GridSearchCV<any>;
    const Class = own.constructor as typeof GridSearchCV;
    const before = Class.fromBytes(own.toBytes());
    t.throws(() => before.predict(x), { code: 'ERR_NOT_FITTED' });
    await own.fit(x, y);
    const path = join(folder, name);
    await own.save(path);
    for (const again of [await Class.load(path), Class.fromBytes(own.toBytes())]) {
      t.deepEqual(again.results, own.results);
      t.deepEqual([again.bestParams, again.bestIndex], [own.bestParams, own.bestIndex]);
      t.is(again.bestScore, own.bestScore);
      t.deepEqual(again.predict(x), own.predict(x));
      t.deepEqual(again.predictProba(x), own.predictProba(x));
      t.is(await again.score(x, y), await own.score(x, y));
      t.deepEqual(again.classes, own.classes);
      const { table: tables, ...found } = own.found as any;
      const { table: others, ...same } = again.found as any;
      t.deepEqual(same, found);
      if (tables && !name.includes('several')) t.deepEqual(others('testScore'), tables('testScore'));
      else if (tables) t.throws(() => others('testScore'), { message: /^Expected one grid for a table/ });
      t.is(again.constructor, own.constructor);
    }
    t.deepEqual(await (await loadPredictor(path)).predict(x), own.predict(x) as string[]);
    const [first, second] = [Class.fromBytes(own.toBytes()), Class.fromBytes(own.toBytes())];
    await first.fit(x, y);
    await second.fit(x, y);
    await before.fit(x, y);
    const scores = ({ results }: typeof own) => results.map(({ testScores }) => testScores);
    t.deepEqual(scores(first), scores(second));
    t.deepEqual(scores(before), scores(own)); // with the draws that were left
  });

test('of networks: the best one is the network of the file, others lie within it', async (t) => {
  const net = (units: number) => {
    const made = sequential({
      layers: [
        layers.dense({ units, activation: 'relu', inputShape: [3], name: 'first' }),
        layers.dense({ units: 1, activation: 'sigmoid' }),
      ],
      seed: 1,
    });
    made.compile({ optimizer: 'adam', loss: 'binaryCrossentropy' });
    return made;
  };
  const pipeline = new Pipeline([
    ['scale', new StandardScaler()],
    ['network', net(2)],
  ]);
  const search = new GridSearchCV({
    estimator: pipeline,
    grid: { network: [net(3), net(5)], network__epochs: [2] },
    cv: 2,
  });
  await search.fit(table, y);
  const bytes = search.toBytes();
  const again = GridSearchCV.fromBytes(bytes);
  t.deepEqual(await again.predict(table), await search.predict(table));
  t.is(again.bestScore, search.bestScore);
  const network = (search.bestEstimator as any).namedSteps.network;
  const [own] = [await importBytes(bytes)];
  t.deepEqual(own.getWeights(), network.getWeights());
  t.deepEqual((again.estimator as any).namedSteps.network.getWeights()[0].shape, [3, 2]);
  t.is((again.bestParams.network as any).getWeights()[0].shape[1], network.getWeights()[0].shape[1]);
  t.deepEqual(await (await loadPredictor(bytes)).predict(table), await search.predict(table));
  t.deepEqual((await loadPredictor(bytes)).inputNames, ['a', 'b', 'c']);
});

test('a point that failed, and a search without a best estimator', async (t) => {
  const regressor = new MLPRegressor({ hiddenLayerSizes: [3], maxIter: 3, randomState: 1 });
  const numbers = x.map(([a]) => a);
  const search = new GridSearchCV({
    estimator: regressor,
    grid: { learningRateInit: [1e-3, 1e300] },
    cv: new TimeSeriesSplit({ nSplits: 2 }),
    refit: false,
  });
  await search.fit(x, numbers);
  const again = GridSearchCV.fromBytes(search.toBytes());
  t.is(again.results[1].error?.message, search.results[1].error?.message);
  t.true(Number.isNaN(again.results[1].testScore));
  t.deepEqual(again.bestParams, search.bestParams);
  t.throws(() => again.predict(x), { message: /Expected refit to be true for predict/ });
  const message = /Expected refit to be true for bestEstimator/;
  await t.throwsAsync(loadPredictor(search.toBytes()), { code: 'ERR_FORMAT', message });
  t.throws(() => MLPClassifier.fromBytes(search.toBytes()), {
    message: /Expected a MLPClassifier, got a GridSearchCV/,
  });
});

test('importModel reads the network that a search trained, and none that it did not', async (t) => {
  const network = sequential({ layers: [layers.dense({ units: 1, inputShape: [3] })], seed: 1 });
  network.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const numbers = x.map(([a]) => a);
  const searchOf = (options: object) =>
    new GridSearchCV({
      estimator: new Pipeline([['net', network]]),
      grid: { net__learningRate: [0.1, 0.01] },
      cv: 2,
      ...options,
    });
  const message = /Expected a GridSearchCV that trained its best network .refit: true., got one without/;
  const refused = { code: 'ERR_FORMAT', message };
  const within = (search: object) =>
    new Pipeline([
      ['scale', new StandardScaler()],
      ['search', search as never],
    ]);
  await t.throwsAsync(importBytes(searchOf({}).toBytes()), refused);
  const without = await searchOf({ refit: false }).fit(x, numbers);
  await t.throwsAsync(importBytes(without.toBytes()), refused);
  await t.throwsAsync(importBytes(within(without).toBytes()), refused);
  const search = await searchOf({}).fit(x, numbers);
  const best = (search.bestEstimator as unknown as Pipeline).steps[0][1] as unknown as typeof network;
  t.deepEqual((await importBytes(search.toBytes())).getWeights(), best.getWeights());
});

test('what could not be loaded again is refused before a file is written', async (t) => {
  const refused = (options: object, message: RegExp) => {
    const made = new GridSearchCV({ estimator: mlp(), grid, cv: 2, ...options });
    t.throws(() => made.toBytes(), { instanceOf: TypeError, message });
  };
  refused(
    { scoring: () => 1 },
    /^Expected scoring to be a value that can be loaded again \(the bestEstimator can be saved/,
  );
  refused({ onResult: () => {} }, /^Expected onResult to be/);
  refused({ grid: { solver: [optimizers.sgd()] } }, /^Expected grid.solver\[0\] to be a value that can be loaded/);
  refused({ cv: { split: () => [] } }, /^Expected cv.split to be a value/);
  class Mine extends KFold {}
  refused({ cv: new Mine() }, /one of Fjordnet’s own/);
  const drawn = new RandomizedSearchCV({ estimator: mlp(), distributions: { alpha: (r) => r.uniform(0, 1) }, cv: 2 });
  t.throws(() => drawn.toBytes(), { message: /^Expected distributions.alpha to be/ });
  await t.throwsAsync(drawn.save(join(folder, 'none')), { message: /distributions.alpha/ });
});
