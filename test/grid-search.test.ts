import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import {
  type ArrayInput,
  type GridResult,
  GridSearchCV,
  getThreads,
  gridSearch,
  halvingGridSearch,
  linspace,
  logspace,
  MLPClassifier,
  NDArray,
  NeuralNetwork,
  setThreads,
} from 'fjordnet';
import { descend, distance, golden, parametersOf, small, start } from './helpers/lecture.js';

const lecture = { epochs: 100, batchSize: 100 };

test.serial(
  'the lecture’s 49 models: NumPy’s table where the descent is not chaotic, its bands elsewhere',
  async (t) => {
    const { random, x, xTest, y, yTest, yOneHot } = start();
    // The lecture has trained twice before its grid: one network on all images, one on minibatches.
    const network = new NeuralNetwork(x, yOneHot, { ...lecture, randomState: random });
    descend(network, x, yOneHot, 0.01);
    await new NeuralNetwork(x, yOneHot, { ...lecture, eta: 0.01, lmbd: 0.01, randomState: random }).train();

    const models = new Map<object, NeuralNetwork>();
    const order: number[] = [];
    const search = await gridSearch({
      grid: { eta: logspace(-5, 1, 7), lmbd: logspace(-5, 1, 7) },
      build: (params) => {
        order.push(params.eta);
        return new NeuralNetwork(x, yOneHot, { ...lecture, ...params, randomState: random });
      },
      train: [x, y],
      test: [xTest, yTest],
      onResult: (result: GridResult, model) => models.set(result.params, model!),
    });
    const { results, best } = search;
    t.is(results.length, 49);
    t.deepEqual(
      order,
      results.map(({ params }) => params.eta),
    );
    results.forEach(({ params, trainScore, testScore, error }, i) => {
      const what = `model ${i} (${JSON.stringify(params)})`;
      t.is(error, undefined, what);
      t.is(params.eta, Number(`1e${Math.floor(i / 7) - 5}`));
      t.is(params.lmbd, Number(`1e${(i % 7) - 5}`));
      const [train, tested] = [golden.grid.train_accuracy[i], golden.grid.test_accuracy[i]];
      if (i < 7 * golden.grid.reproducible_rows) {
        t.is(trainScore, train, what);
        t.is(testScore, tested, what);
        const [wh, , wo] = parametersOf(models.get(params)!);
        t.true(distance(wh, golden.grid.hidden_weights[i]!) < 1e-9, what);
        t.true(distance(wo, golden.grid.output_weights[i]!) < 1e-9, what);
      } else if (i < 26) {
        // eta = 0.01: everything is learnt, by NumPy and by us, up to lmbd = 0.1
        t.true(trainScore > 0.95 && testScore > 0.88, `${what}: ${trainScore}, ${testScore}`);
        t.true(train > 0.95 && tested > 0.88, what);
      } else if (i >= 28) {
        // eta >= 0.1: nothing is, but for one digit of ten
        t.true(trainScore < 0.3 && testScore < 0.3, `${what}: ${trainScore}, ${testScore}`);
        t.true(train < 0.3 && tested < 0.3, what);
      }
    });
    t.is(best, results.find(({ testScore }) => testScore === Math.max(...search.table('testScore').data))!);
    t.true(best.testScore >= Math.max(...golden.grid.test_accuracy.slice(0, 21)));
    // eta * lmbd = 100: every step multiplies the weights by -99
    t.true(models.get(results[48].params)!.hiddenWeights.data.every(Number.isNaN));
    t.deepEqual([...search.table('testScore').shape], [7, 7]);
    t.deepEqual(
      [...search.table('testScore').data],
      results.map(({ testScore }) => testScore),
    );
  },
);

const { x, labels } = small();
const build = (params: object) => small(5, { epochs: 4, ...params }).network;

test.serial('the table does not depend on the number of threads', async (t) => {
  const before = getThreads();
  const tables = [];
  for (const [threads, models] of [
    [1, 1],
    [1, 4],
    [2, 2],
    [3, undefined],
  ] as const) {
    setThreads(threads);
    const random = start().random;
    const found: NDArray[][] = [];
    const { results } = await gridSearch({
      grid: { eta: [1e-4, 1e-3, 1e-2], lmbd: [0, 0.1] },
      // Long and short trainings in turn: results come in another order than models start in.
      build: (params) => small(0, { ...params, epochs: params.eta === 1e-4 ? 40 : 3, randomState: random }).network,
      train: [x, labels],
      threads: models,
      onResult: ({ params }, model) => {
        found[[1e-4, 1e-3, 1e-2].indexOf(params.eta) * 2 + Number(params.lmbd > 0)] = parametersOf(model!);
      },
    });
    tables.push({ scores: results.map(({ trainScore }) => trainScore), found });
  }
  setThreads(before);
  for (const table of tables.slice(1)) t.deepEqual(table, tables[0]);
});

test('one axis a parameter, the first varying slowest, of any values', async (t) => {
  const seen: object[] = [];
  const { results, table } = await gridSearch({
    grid: { eta: linspace(0.001, 0.002, 2), nHiddenNeurons: Int32Array.of(3, 4, 5), batchSize: [30] },
    build: (params) => {
      seen.push(params);
      return build(params);
    },
    train: [x, labels],
  });
  t.deepEqual([...table('trainScore').shape], [2, 3, 1]);
  t.deepEqual(
    seen.map((p) => Object.values(p)),
    [0.001, 0.002].flatMap((eta) => [3, 4, 5].map((n) => [eta, n, 30])),
  );
  t.true(results.every(({ seconds, testScore }) => seconds > 0 && Number.isNaN(testScore)));
});

test('models are anything with train or fit, and predict; fitOptions are passed on; scoring is free', async (t) => {
  const calls: unknown[] = [];
  class Constant {
    readonly value: number;
    constructor(value: number) {
      this.value = value;
    }
    async fit(_x: unknown, _y: unknown, options: unknown) {
      calls.push(options);
    }
    predict(rows: NDArray) {
      return new Array(rows.length).fill(this.value);
    }
  }
  const { best, results } = await gridSearch({
    grid: { value: [7, 1, 2] },
    build: async ({ value }) => new Constant(value),
    train: [x, labels],
    test: [x.take([1, 2, 3, 1]), [1, 2, 3, 1]],
    fitOptions: { epochs: 3 },
  });
  t.deepEqual(calls, [{ epochs: 3 }, { epochs: 3 }, { epochs: 3 }]);
  t.deepEqual(
    results.map(({ testScore }) => testScore),
    [0, 0.5, 0.25],
  );
  t.is(best, results[1]);
  const free = await gridSearch({
    grid: { value: [7, 1, 9] },
    build: ({ value }) => new Constant(value),
    train: [x, labels],
    scoring: async (model) => model.value,
  });
  t.is(free.best.params.value, 9);
});

test('a model that fails has an error and NaN; the others go on; if all fail the first error is thrown', async (t) => {
  const { results, best } = await gridSearch({ grid: { eta: [-1, 1e-3] }, build, train: [x, labels] });
  t.is(results[0].error?.message, 'Expected eta to be a non-negative number, got -1 (number)');
  t.true(Number.isNaN(results[0].trainScore));
  t.is(best, results[1]);
  await t.throwsAsync(gridSearch({ grid: { eta: [-1, -2] }, build, train: [x, labels] }), {
    instanceOf: RangeError,
    message: 'Expected eta to be a non-negative number, got -1 (number)',
  });
});

// Of scikit-learn 1.9, GridSearchCV(cv=KFold(3)): split scores [nan, 1, 1], [nan, 3, 3], [nan, 2, 2], best_index_ 0 and a warning.
test.serial(
  'where each point fails in one fold the other scores are kept, and nothing is best without a warning',
  async (t) => {
    const warnings: string[] = [];
    const listen = ({ message }: Error) => warnings.push(message);
    process.on('warning', listen);
    t.teardown(() => process.off('warning', listen));
    class Fragile {
      readonly estimatorType = 'regressor';
      constructor(readonly params: { a: number; b?: number; from?: number }) {}
      getParams = () => this.params;
      setParams = (params: object) => new Fragile({ ...this.params, ...params });
      clone = () => new Fragile(this.params);
      predict = () => [];
      score = () => this.params.a;
      async fit(given: ArrayInput) {
        if (NDArray.from(given).data[0] >= (this.params.from ?? 3)) throw new Error('the first fold');
      }
    }
    const rows = Array.from({ length: 9 }, (_, i) => [i]);
    const y = rows.map(([i]) => i % 2);
    const options = { estimator: new Fragile({ a: 0, b: 1 }), grid: { a: [1, 3, 2] }, cv: 3 };
    const { results, best } = await gridSearch({ ...options, train: [rows, y] });
    await setImmediate();
    t.deepEqual(
      results.map(({ testScores }) => testScores),
      [
        [Number.NaN, 1, 1],
        [Number.NaN, 3, 3],
        [Number.NaN, 2, 2],
      ],
    );
    t.is(results[1].error?.message, 'the first fold');
    t.is(best, results[0]);
    const warning = 'No point has a score that is a number: the first one is taken for the best (the first fold)';
    t.deepEqual(warnings.splice(0), [warning]);

    const search = await new GridSearchCV(options).fit(rows, y);
    await setImmediate();
    t.deepEqual([search.bestIndex, search.bestParams, search.bestScore], [0, { a: 1 }, Number.NaN]);
    t.deepEqual(warnings.splice(0), [warning]);
    const halved = await halvingGridSearch({
      ...options,
      grid: { a: [1, 2, 3] },
      resource: 'b',
      maxResources: 3,
      train: [rows, y],
    });
    t.deepEqual(
      halved.results.map(({ testScores }) => testScores?.filter(Number.isNaN).length),
      [1, 1, 1, 1],
    );

    const all = { ...options, estimator: new Fragile({ a: 0, from: 0 }) };
    await t.throwsAsync(gridSearch({ ...all, train: [rows, y] }), { message: 'the first fold' });
    await t.throwsAsync(new GridSearchCV(all).fit(rows, y), { message: 'the first fold' });
  },
);

test('an abort stops all models', async (t) => {
  const controller = new AbortController();
  const started = performance.now();
  const running = gridSearch({
    grid: { eta: logspace(-5, -3, 30) },
    build: (params) => build({ ...params, epochs: 100_000 }),
    train: [x, labels],
    signal: controller.signal,
  });
  setTimeout(() => controller.abort(new Error('enough')), 30);
  const error = await t.throwsAsync(running, { code: 'ERR_ABORTED', name: 'AbortError' });
  t.is((error!.cause as Error).message, 'enough');
  t.true(performance.now() - started < 5000);
  await t.throwsAsync(gridSearch({ grid: { eta: [1] }, build, train: [x, labels], signal: AbortSignal.abort() }), {
    code: 'ERR_ABORTED',
  });
});

test('what onResult throws ends the search, and nothing is left unhandled', async (t) => {
  for (const slow of [false, true]) {
    let built = 0;
    await t.throwsAsync(
      gridSearch({
        grid: { eta: logspace(-5, -3, 12) },
        build: async (params) => {
          built++;
          if (slow) await new Promise((resolve) => setTimeout(resolve, 30)); // the search is elsewhere when onResult throws
          return build({ ...params, epochs: 1 });
        },
        train: [x, labels],
        threads: 2,
        onResult: () => {
          throw new Error('mine');
        },
      }),
      { message: 'mine' },
    );
    t.true(built < 12);
  }
});

test('wrong options are refused before anything is built', async (t) => {
  let built = 0;
  const valid = {
    grid: { eta: [1] },
    build: (params: object) => {
      built++;
      return build(params);
    },
    train: [x, labels] as const,
  };
  const refused: [object | undefined, ErrorConstructor, string][] = [
    [undefined, TypeError, 'Expected options to be an object, got undefined'],
    [{ grid: undefined }, TypeError, 'Expected grid to be an object of arrays, got undefined'],
    [{ grid: {} }, RangeError, 'Expected grid to be an object of one parameter or more, got {}'],
    [{ grid: { eta: [] } }, RangeError, 'Expected grid.eta to be an array of one value or more, got Array(0)'],
    [{ grid: { eta: 3 } }, TypeError, 'Expected grid.eta to be an array, got 3 (number)'],
    [{ grid: [] }, RangeError, 'Expected grid to be a list of one grid or more, got Array(0)'],
    [{ grid: [{ eta: [1] }, {}] }, RangeError, 'Expected grid[1] to be an object of one parameter or more, got {}'],
    [{ grid: [{ eta: [1] }, 3] }, TypeError, 'Expected grid[1] to be an object of arrays, got 3 (number)'],
    [{ build: 3 }, TypeError, 'Expected build to be a function, got 3 (number)'],
    [
      { build: MLPClassifier },
      TypeError,
      'Expected build to be a function that makes a model, got MLPClassifier (function)',
    ],
    [{ train: [x] }, TypeError, 'Expected train to be a pair [x, y], got Array(1)'],
    [{ test: x }, TypeError, 'Expected test to be a pair [x, y], got NDArray'],
    [{ threads: 0 }, RangeError, 'Expected threads to be a positive integer, got 0 (number)'],
    [
      { scoring: 3 },
      TypeError,
      "Expected scoring to be a function, or a score's name such as 'accuracy' or 'r2', got 3 (number)",
    ],
    [{ onResult: 1 }, TypeError, 'Expected onResult to be a function, got 1 (number)'],
    [{ signal: 1 }, TypeError, 'Expected signal to be an AbortSignal, got 1 (number)'],
  ];
  for (const [changes, instanceOf, message] of refused)
    await t.throwsAsync(gridSearch((changes && { ...valid, ...changes }) as never), { instanceOf, message });
  await t.throwsAsync(gridSearch({ ...valid, tresholds: 1 } as never), { message: /no option 'tresholds'/ });
  t.is(built, 0);
  await t.throwsAsync(gridSearch({ ...valid, build: () => ({ predict() {} }) as never }), {
    message: 'Expected the model to be an object with a method train or fit, got {"predict":…}',
  });
  const { table } = await gridSearch(valid);
  t.throws(() => table('score' as never), {
    instanceOf: RangeError,
    message: /one of 'trainScore', 'testScore', 'seconds'/,
  });
});
