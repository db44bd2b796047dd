import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  crossValidate,
  crossValPredict,
  crossValScore,
  GridSearchCV,
  GroupKFold,
  gridSearch,
  halvingGridSearch,
  KFold,
  layers,
  MLPClassifier,
  makePipeline,
  NDArray,
  PredefinedSplit,
  RandomizedSearchCV,
  RandomState,
  ShuffleSplit,
  StandardScaler,
  sequential,
} from 'fjordnet';
import { classifier, golden, letters, numbers, regressor, rows, small, x, y } from './helpers/cross-validated.js';
import { onRanks } from './helpers/ranks-in-memory.js';
import { silenceWarnings } from './helpers/sklearn.js';

silenceWarnings();

const shuffled = new KFold({ nSplits: 4, shuffle: true, randomState: 3 });
const lacking = new PredefinedSplit({ testFold: Array.from(y.data, (label, i) => (label >= 8 ? 0 : i % 3)) });
const SEVERAL = ['accuracy', 'neg_log_loss', 'f1_macro'] as const;

const camel = (name: string) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

function near(t: ExecutionContext, actual: any, expected: any, what = ''): void {
  const [a, b] = [NDArray.from(actual), NDArray.from(expected)];
  t.deepEqual(a.shape, b.shape, what);
  b.data.forEach((value, i) => {
    t.true(
      Math.abs(a.data[i] - value) <= 1e-9 * Math.max(Math.abs(value), 1e-3),
      `${what}: ${a.data[i]} against ${value}`,
    );
  });
}

test('crossValidate has the scores of cross_validate', async (t) => {
  const { one, several, numbers: ofNumbers } = golden.validated;
  const own = {
    one: await crossValidate(classifier, x, y, { cv: 3, returnTrainScore: true }),
    several: await crossValidate(classifier, x, letters, {
      cv: 3,
      scoring: SEVERAL,
      returnTrainScore: true,
      threads: 1,
    }),
    numbers: await crossValidate(regressor, x, numbers, {
      cv: shuffled,
      scoring: { R2: 'r2', max_err: 'neg_max_error' },
    }),
  };
  for (const [name, expected] of Object.entries({ one, several, numbers: ofNumbers })) {
    const { fitTime, scoreTime, ...scores } = own[name as 'one'] as any;
    t.deepEqual(Object.keys(scores).sort(), Object.keys(expected).map(camel).sort());
    for (const [key, values] of Object.entries<number[]>(expected as any)) near(t, scores[camel(key)], values, key);
    t.true([...fitTime, ...scoreTime].every((seconds) => seconds > 0));
    t.is(fitTime.length + scoreTime.length, 2 * scores[Object.keys(scores)[0]].length);
  }
  t.deepEqual(await crossValScore(classifier, x, y, { cv: 3 }), own.one.testScore);
});

test('crossValidate gives models and rows where they are asked for', async (t) => {
  const cv = new ShuffleSplit({ nSplits: 2, randomState: 0 });
  const {
    estimator = [],
    indices,
    testScore,
  } = await crossValidate(classifier, x, y, {
    cv,
    returnEstimator: true,
    returnIndices: true,
  });
  const splits = [...cv.split(x)];
  t.deepEqual(
    indices?.test,
    splits.map(([, held]) => held),
  );
  t.deepEqual(
    indices?.train,
    splits.map(([train]) => train),
  );
  t.deepEqual(
    testScore,
    splits.map(([, held], i) => estimator[i].score(x.take(held), y.take(held))),
  );
  const plain = await crossValidate(classifier, x, y, { cv });
  t.deepEqual(Object.keys(plain), ['fitTime', 'scoreTime', 'testScore']);
});

test('crossValPredict predicts what cross_val_predict does, in the order of the rows', async (t) => {
  const { predicted } = golden;
  t.deepEqual(await crossValPredict(classifier, x, letters, { cv: shuffled }), predicted.labels);
  near(t, await crossValPredict(regressor, x, numbers, { cv: shuffled, threads: 1 }), predicted.numbers);
  near(t, await crossValPredict(classifier, x, letters, { cv: 3, method: 'predictProba' }), predicted.proba);
  near(t, await crossValPredict(classifier, x, letters, { cv: lacking, method: 'predictProba' }), predicted.lacking);
  near(t, await crossValPredict(classifier, x, y, { cv: lacking, method: 'predictLogProba' }), predicted.lackingLog);
  const labels = (await crossValPredict(classifier, x, y, { cv: shuffled })) as NDArray;
  t.is(labels.dtype, 'int32');
  t.deepEqual(
    Array.from(labels.data, (label) => 'abcdefghij'[label]),
    predicted.labels,
  );
});

test('crossValPredict takes tables, pipelines and networks', async (t) => {
  const random = new RandomState(0);
  const size = Array.from({ length: 60 }, (_, i) => random.normal(i % 2, 0.3));
  const isOak = size.map((_, i) => i % 2 === 1);
  const scaled = makePipeline(new StandardScaler(), new MLPClassifier({ ...small, maxIter: 40 }));
  const told = await crossValPredict(scaled, { size }, isOak, { cv: 3 });
  t.true(Array.isArray(told) && told.every((answer) => typeof answer === 'boolean'));
  t.deepEqual(
    await crossValPredict(
      scaled,
      size.map((value) => [value]),
      isOak,
      { cv: 3 },
    ),
    told,
  );
  const network = () => {
    const model = sequential({ layers: [layers.dense({ units: 1, activation: 'sigmoid', inputShape: [1] })], seed: 1 });
    model.compile({ optimizer: 'adam', loss: 'binaryCrossentropy' });
    return model;
  };
  const column = size.map((value) => [value]);
  const codes = isOak.map(Number);
  const p = (await crossValPredict(network, column, codes, { cv: 3, method: 'predictProba' })) as NDArray;
  t.deepEqual([...p.shape], [60, 2]);
  t.deepEqual([...((await crossValPredict(network, column, codes, { cv: 3 })) as NDArray).shape], [60, 1]);
});

test('gridSearch and the searches as estimators take several scores', async (t) => {
  const grid = { alpha: [30, 1e-3, 1] };
  for (const refit of ['accuracy', 'neg_log_loss']) {
    const expected = golden.grid[refit];
    const search = await new GridSearchCV({ estimator: classifier, grid, cv: 3, scoring: SEVERAL, refit }).fit(x, y);
    t.is(search.bestIndex, expected.best);
    near(t, [search.bestScore, await search.score(x, y)], [expected.bestScore, expected.score]);
    t.deepEqual((search.predict(x.take(rows.slice(0, 20))) as NDArray).toArray(), expected.predicted);
    for (const name of SEVERAL) {
      const own = search.results.map(({ scores }) => scores![name]);
      near(
        t,
        own.map((s) => s.testScore),
        expected[`mean_test_${name}`],
        name,
      );
      near(
        t,
        own.map((s) => s.trainScore),
        expected[`mean_train_${name}`],
        name,
      );
      for (let k = 0; k < 3; k++) {
        near(
          t,
          own.map((s) => s.testScores![k]),
          expected[`split${k}_test_${name}`],
          name,
        );
        near(
          t,
          own.map((s) => s.trainScores![k]),
          expected[`split${k}_train_${name}`],
          name,
        );
      }
    }
    for (const { scores, testScore, testScores, trainScore, trainScores } of search.results)
      t.deepEqual(scores![refit], { testScore, testScores, trainScore, trainScores } as never);
    const loaded = GridSearchCV.fromBytes(search.toBytes());
    t.deepEqual(loaded.results, search.results);
    t.is(loaded.score(x, y) instanceof Promise, true);
    t.is(await loaded.score(x, y), await search.score(x, y));
  }
  const drawn = await new RandomizedSearchCV({
    ...{ estimator: classifier, distributions: { alpha: [30, 1e-3, 1, 3] }, nIter: 3, cv: 3, randomState: 2 },
    ...{ scoring: SEVERAL, refit: 'f1_macro' },
  }).fit(x, y);
  t.is(drawn.bestIndex, golden.drawn.best);
  near(
    t,
    drawn.results.map(({ scores }) => scores!.accuracy.testScore),
    golden.drawn.mean_test_accuracy,
  );

  const scoring = { rows: (_: unknown, { length }: NDArray) => length, accuracy: 'accuracy' } as const;
  const held = await gridSearch({ estimator: classifier, grid, train: [x, y], test: [x, y], scoring });
  t.deepEqual(held.best.scores?.rows, { trainScore: 150, testScore: 150 });
  t.is(held.best, held.results[0]); // by the first score, where all are equal
  const unfitted = await new GridSearchCV({ estimator: classifier, grid, cv: 3, scoring, refit: false }).fit(x, y);
  t.is(unfitted.bestScore, 50);
});

test('of several scores one that fails leaves the others', async (t) => {
  const scoring = {
    broken: () => {
      throw new RangeError('Expected a score, got none');
    },
    accuracy: 'accuracy',
  } as const;
  const options = { estimator: classifier, grid: { alpha: [30, 1e-3] }, train: [x, y] as const, cv: 3, scoring };
  const { results, best } = await gridSearch({ ...options, refit: 'accuracy' });
  for (const { scores, error } of results) {
    t.true(scores!.broken.testScores!.every(Number.isNaN));
    t.true(scores!.accuracy.testScore > 0);
    t.is(error?.message, 'Expected a score, got none');
  }
  t.is(best.params.alpha, 1e-3);
  await t.throwsAsync(crossValidate(classifier, x, y, { scoring }), { message: 'Expected a score, got none' });
  const build = ({ maxIter }: any) => new MLPClassifier({ ...small, maxIter });
  const failed = await gridSearch({ grid: { maxIter: [0, 2] }, build, train: [x, y], cv: 2, scoring: ['accuracy'] });
  t.true(Number.isNaN(failed.results[0].scores!.accuracy.testScore));
});

test('a journal keeps several scores', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-cross-validate-'));
  try {
    const journal = join(folder, 'search.jsonl');
    const options = { estimator: classifier, grid: { alpha: [1e-3, 30] }, train: [x, y] as const, cv: 2, journal };
    const first = await gridSearch({ ...options, scoring: SEVERAL });
    const again = await gridSearch({ ...options, scoring: SEVERAL, onResult: () => t.fail() });
    t.deepEqual(again.results, first.results);
    await t.throwsAsync(gridSearch({ ...options, scoring: SEVERAL, refit: 'f1_macro' }), { message: /same refit/ });
    await t.throwsAsync(gridSearch({ ...options, scoring: ['accuracy'] }), { message: /same scoring/ });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('over ranks the numbers are those of one process', async (t) => {
  const {
    fitTime: _,
    scoreTime: __,
    ...scores
  } = await crossValidate(classifier, x, letters, { cv: 3, scoring: SEVERAL });
  const p = await crossValPredict(classifier, x, letters, { cv: 3, method: 'predictProba' });
  const labels = await crossValPredict(classifier, x, letters, { cv: 3 });
  const options = {
    estimator: classifier,
    grid: { alpha: [1e-3, 30] },
    train: [x, letters] as const,
    cv: 3,
    scoring: SEVERAL,
  };
  const { results } = await gridSearch(options);
  const told = await onRanks(2, async (distributed) => {
    const { fitTime, scoreTime, ...own } = await crossValidate(classifier, x, letters, {
      cv: 3,
      scoring: SEVERAL,
      distributed,
    });
    return {
      own,
      p: await crossValPredict(classifier, x, letters, { cv: 3, method: 'predictProba', distributed }),
      labels: await crossValPredict(classifier, x, letters, { cv: 3, distributed }),
      points: (await gridSearch({ ...options, distributed })).results.map((r) => r.scores),
    };
  });
  for (const one of told) t.deepEqual(one, { own: scores, p, labels, points: results.map((r) => r.scores) } as never);
  await t.throwsAsync(
    onRanks(2, (distributed) => crossValidate(classifier, x, y, { returnEstimator: true, distributed })),
    { message: /returnEstimator to be false where distributed is given/ },
  );
});

test('what they cannot do is refused before anything is trained', async (t) => {
  let made = 0;
  const make = () => {
    made++;
    return new MLPClassifier(small);
  };
  const refused: [() => Promise<unknown>, RegExp][] = [
    [() => crossValidate(make, x, y, { scoring: [] }), /^Expected scoring to be one score or more, got Array\(0\)$/],
    [() => crossValidate(make, x, y, { scoring: {} }), /^Expected scoring to be one score or more/],
    [
      () => crossValidate(make, x, y, { scoring: ['accuracy', 'accuracy'] }),
      /^Expected scoring to be names that differ/,
    ],
    [() => crossValidate(make, x, y, { scoring: ['accuraci'] as never }), /did you mean 'accuracy'/],
    [
      () => crossValidate(make, x, y, { scoring: { a_b: 'accuracy', aB: 'accuracy' } }),
      /^Expected scoring to be names that differ in camelCase, as 'a_b' does not, got 'aB'/,
    ],
    [() => crossValidate(make, x, y, { returnTrainScore: 1 } as never), /^Expected returnTrainScore to be a boolean/],
    [() => crossValidate(make, x, y, { refit: 'accuracy' } as never), /no option 'refit'/],
    [() => crossValPredict(make, x, y, { scoring: 'accuracy' } as never), /no option 'scoring'/],
    [() => crossValPredict(make, x, y, { method: 'score' } as never), /^Expected method to be one of/],
    [
      () => crossValPredict(make, x, y, { cv: new ShuffleSplit({ nSplits: 1, randomState: 0 }) }),
      /^Expected each row in one test set of cv, got row \d+ in none$/,
    ],
    [
      () => crossValPredict(make, x, y, { cv: new ShuffleSplit({ nSplits: 30, randomState: 0 }) }),
      /^Expected each row in one test set of cv, got row \d+ in several$/,
    ],
    [() => crossValidate(make, x, y, { cv: null } as never), /^Expected cv to be a number of folds/],
    [() => crossValPredict(make, x, y, { cv: null } as never), /^Expected cv to be a number of folds/],
    [() => crossValPredict(make, x, y, { groups: y }), /^Expected groups to be undefined where cv is no splitter/],
    [
      () => gridSearch({ grid: { a: [1] }, build: make, train: [x, y], scoring: ['accuracy'], refit: 'r2' }),
      /^Expected refit to be one of the scores, 'accuracy', got 'r2'/,
    ],
    [
      () => gridSearch({ grid: { a: [1] }, build: make, train: [x, y], refit: 'r2' }),
      /^Expected refit to be undefined where scoring is one score/,
    ],
    [
      () =>
        halvingGridSearch({
          grid: { a: [1] },
          build: make,
          train: [x, y],
          scoring: ['accuracy'] as never,
          randomState: 0,
        }),
      /^Expected scoring to be a function, or a score's name/,
    ],
  ];
  for (const [call, message] of refused) await t.throwsAsync(call(), { message });
  t.is(made, 0);
  const grid = { alpha: [1] };
  t.throws(() => new GridSearchCV({ estimator: classifier, grid, scoring: SEVERAL }), {
    message:
      'Expected refit to be the name of one of the scores, or false, where scoring holds several, got true (boolean)',
  });
  t.throws(() => new GridSearchCV({ estimator: classifier, grid, scoring: SEVERAL, refit: 'r2' }), {
    message: /^Expected refit to be one of the scores, 'accuracy', 'neg_log_loss', 'f1_macro', got 'r2'/,
  });
  await t.throwsAsync(
    crossValPredict(() => ({ fit: async () => {}, predict: () => [1] }), x, y, { cv: 2 }),
    {
      message: 'Expected what predict gives to be of 75 rows, got shape [1]',
    },
  );
  await t.throwsAsync(crossValPredict(regressor, x, numbers, { method: 'predictProba' }), {
    message: /^Expected the model to be an object with a method predictProba/,
  });
  const grouped = await crossValPredict(classifier, x, y, { cv: new GroupKFold({ nSplits: 3 }), groups: rows });
  t.is(grouped.length, 150);
});

test('a signal stops them', async (t) => {
  const endless = new MLPClassifier({ ...small, maxIter: 1e6, tol: 0, nIterNoChange: Number.POSITIVE_INFINITY });
  for (const run of [crossValidate, crossValPredict] as (typeof crossValidate)[])
    await t.throwsAsync(run(endless, x, y, { signal: AbortSignal.timeout(30) }), { code: 'ERR_ABORTED' });
});
