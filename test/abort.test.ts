import test from 'ava';
import {
  BernoulliRBM,
  crossValScore,
  gridSearch,
  layers,
  loadDigits,
  MLPClassifier,
  makeIsingAsync,
  NeuralNetwork,
  Perceptron,
  RandomState,
  sequential,
  toCategorical,
} from 'fjordnet';

const N = 30;
const x = new RandomState(0).randn(N, 4);
const labels = Int32Array.from({ length: N }, (_, i) => i % 3);
const classes = toCategorical(labels);

function network() {
  const model = sequential({ layers: [layers.dense({ units: 3, activation: 'softmax', inputShape: [4] })], seed: 0 });
  model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
  return model;
}

const never = () => new Promise<never>(() => {});

/** Rejects if `promise` takes longer than any wait here should. */
function soon(promise: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('still waiting')), 5000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const HOOKS = ['onTrainBegin', 'onEpochBegin', 'onBatchBegin', 'onBatchEnd', 'onEpochEnd', 'onTrainEnd'] as const;

for (const hook of HOOKS)
  test(`an abort is heard while the promise of ${hook} is pending`, async (t) => {
    const model = network();
    const controller = new AbortController();
    const reason = new Error('enough');
    const callback = {
      [hook]: () => {
        setTimeout(() => controller.abort(reason), 2);
        return never();
      },
    };
    const run = model.fit(x, labels, { epochs: 2, signal: controller.signal, callbacks: callback });
    const error = await t.throwsAsync(soon(run), { code: 'ERR_ABORTED', name: 'AbortError' });
    t.is(error?.cause, reason);
    t.regex(error?.stack ?? '', /abort\.test/);
    t.false(model.busy);
    const { epoch } = await model.fit(x, labels, { epochs: 2 });
    t.deepEqual(epoch, [0, 1]);
  });

test.serial('what the promise of an abandoned callback comes to later is handled', async (t) => {
  const unhandled: unknown[] = [];
  const listen = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', listen);
  const late = () => new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 20));
  const lecture = () => new NeuralNetwork(x, classes, { nCategories: 3, batchSize: 5 });
  const runs: ((signal: AbortSignal, onEpochEnd: () => unknown) => Promise<unknown>)[] = [
    (signal, onEpochEnd) => network().fit(x, labels, { signal, callbacks: { onEpochEnd } }),
    (signal, onEpochEnd) => lecture().train({ signal, onEpochEnd }),
    (signal, onEpochEnd) => new MLPClassifier({ maxIter: 3 }).fit(x, labels, { signal, onEpochEnd }),
  ];
  for (const run of runs) {
    const aborted = new AbortController();
    setTimeout(() => aborted.abort(), 5);
    await t.throwsAsync(soon(run(aborted.signal, late)), { code: 'ERR_ABORTED' });
    const abortive = new AbortController();
    const abortThen = () => {
      abortive.abort();
      return late();
    };
    await t.throwsAsync(soon(run(abortive.signal, abortThen)), { code: 'ERR_ABORTED' });
  }
  t.throws(() => lecture().trainSync({ onEpochEnd: late }), { message: /synchronous call/ });
  t.throws(() => network().fitSync(x, labels, { callbacks: { onEpochEnd: late } }), { message: /synchronous call/ });
  await new Promise((resolve) => setTimeout(resolve, 40));
  process.off('unhandledRejection', listen);
  t.deepEqual(unhandled, []);
});

test('NeuralNetwork and the estimators hear it too, and go on after it', async (t) => {
  const lecture = new NeuralNetwork(x, classes, { nCategories: 3, batchSize: 5, epochs: 2 });
  const estimator = new MLPClassifier({ maxIter: 3, randomState: 0 });
  await t.throwsAsync(soon(lecture.train({ signal: AbortSignal.timeout(5), onEpochEnd: never })), {
    code: 'ERR_ABORTED',
  });
  await t.throwsAsync(soon(estimator.fit(x, labels, { signal: AbortSignal.timeout(5), onEpochEnd: never })), {
    code: 'ERR_ABORTED',
  });
  t.notThrows(() => lecture.trainSync());
  await t.notThrowsAsync(estimator.fit(x, labels));
});

test('what takes its turn with a RandomState keeps the caller’s frames', async (t) => {
  const random = new RandomState(0);
  const { data } = loadDigits();
  const machine = new BernoulliRBM({ nComponents: 4, nIter: 1, randomState: 0 }).fitSync(data);
  const signal = () => AbortSignal.timeout(5);
  const target = Int32Array.from({ length: data.length }, (_, i) => i % 3);
  const calls: Record<string, () => Promise<unknown>> = {
    perceptron: () => new Perceptron({ maxIter: 1e6, tol: null }).fit(data, target, { signal: signal() }),
    ising: () => makeIsingAsync({ size: 100, samples: 1e4, signal: signal() }),
    sample: () => machine.sample(10, { steps: 1e7, signal: signal() }),
    behind: async () => {
      const before = new MLPClassifier({ maxIter: 3, randomState: random }).fit(x, labels);
      const waiting = new MLPClassifier({ maxIter: 1e6, tol: 0, nIterNoChange: 1e6, randomState: random });
      await Promise.all([before, waiting.fit(data, target, { signal: signal() })]);
    },
  };
  for (const [name, call] of Object.entries(calls)) {
    const theCaller = async () => {
      await call();
    };
    const error = await t.throwsAsync(theCaller(), { code: 'ERR_ABORTED' }, name);
    t.regex(error?.stack ?? '', name === 'behind' ? /MLPClassifier\.fit/ : /theCaller/, name);
  }
});

test('a time limit is the cause of the error', async (t) => {
  const run = network().fit(x, labels, { signal: AbortSignal.timeout(5), callbacks: { onEpochEnd: never } });
  const error = await t.throwsAsync(soon(run), { code: 'ERR_ABORTED' });
  t.is((error?.cause as Error | undefined)?.name, 'TimeoutError');
});

test('a signal that fired before leaves everything as it was', async (t) => {
  const model = network();
  model.build([4]);
  const before = model.getWeights();
  const signal = AbortSignal.abort('no time');
  for (const call of [
    () => model.fit(x, labels, { signal, callbacks: { onTrainBegin: () => t.fail() } }),
    () => model.evaluate(x, labels, { signal }),
    () => model.predict(x, { signal }),
  ]) {
    const error = await t.throwsAsync(soon(call()), { code: 'ERR_ABORTED' });
    t.is(error?.cause, 'no time');
    t.false(model.busy);
  }
  t.deepEqual(model.getWeights(), before);
  t.is(model.iterations, 0);
});

test('fitSync and evaluateSync hear a signal that fired before, or in a callback, as fit does', async (t) => {
  const weights = (model: ReturnType<typeof network>) => model.getWeights().map(({ data }) => [...data]);
  const aborted = { code: 'ERR_ABORTED', name: 'AbortError', message: /^The training was aborted/ };
  const still = network();
  const before = weights(still);
  t.throws(() => still.fitSync(x, labels, { signal: AbortSignal.abort() }), aborted);
  t.deepEqual(weights(still), before);
  t.throws(() => still.evaluateSync(x, labels, { signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' });
  t.throws(() => still.fitSync(x, labels, { signal: 'soon' as never }), {
    message: /^Expected signal to be an AbortSignal/,
  });

  const late = new AbortController();
  const onEpochEnd = async () => {
    late.abort();
    throw new Error('late'); // which would end the process if nobody heard it
  };
  t.throws(() => network().fitSync(x, labels, { signal: late.signal, callbacks: { onEpochEnd } }), {
    message: /^Expected callbacks of a synchronous call to return nothing, got a promise/,
  });

  for (const where of ['onEpochEnd', 'onBatchEnd'] as const) {
    const watched = () => {
      const controller = new AbortController();
      let calls = 0;
      const callbacks = { [where]: () => void (++calls === 2 && controller.abort(new Error('enough'))) };
      return { epochs: 5, batchSize: 10, signal: controller.signal, callbacks };
    };
    const [one, other] = [network(), network()];
    await t.throwsAsync(one.fit(x, labels, watched()), aborted);
    const error = t.throws(() => other.fitSync(x, labels, watched()), aborted);
    t.is(((error as Error).cause as Error).message, 'enough');
    t.deepEqual(weights(other), weights(one), where);
    one.fitSync(x, labels);
    other.fitSync(x, labels);
    t.deepEqual(weights(other), weights(one), where);
  }
});

test('what is predicted at once after an abort is what is predicted otherwise', async (t) => {
  const random = new RandomState(0);
  const model = sequential({
    layers: [layers.dense({ units: 256, activation: 'relu', inputShape: [64] }), layers.dense({ units: 1 })],
    seed: 1,
  });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const [many, targets, few] = [random.randn(20_000, 64), random.randn(20_000, 1), random.randn(2, 64)];
  const runs = [
    (signal: AbortSignal) => model.fit(many, targets, { epochs: 1e6, signal }),
    async (signal: AbortSignal) => {
      for (;;) await model.evaluate(many, targets, { signal });
    },
  ];
  for (const run of runs) {
    await t.throwsAsync(run(AbortSignal.timeout(30)), { code: 'ERR_ABORTED' });
    const now = model.predictSync(few);
    t.deepEqual(model.predictOnBatch(few), now);
    t.deepEqual(await model.predict(few), now);
    t.notDeepEqual(now.data[0], now.data[1]);
  }
});

test('what is no signal, and no options, is refused in one sentence', async (t) => {
  const model = network();
  for (const call of [
    (options: never) => model.fit(x, labels, options),
    (options: never) => model.evaluate(x, labels, options),
    (options: never) => model.predict(x, options),
  ]) {
    await t.throwsAsync(call({ signal: {} } as never), {
      instanceOf: TypeError,
      message: 'Expected signal to be an AbortSignal, got {}',
    });
    await t.throwsAsync(call(null as never), {
      instanceOf: TypeError,
      message: 'Expected options to be an object, got null',
    });
  }
});

test('a search hears it while a score, a result or a model is waited for', async (t) => {
  const build = () => new NeuralNetwork(x, classes, { nCategories: 3, batchSize: 5, epochs: 1 });
  const common = { grid: { eta: [0.1, 0.2] }, train: [x, labels] as const };
  for (const options of [{ build, scoring: never }, { build, onResult: never }, { build: never }]) {
    const run = gridSearch({ ...common, ...options, signal: AbortSignal.timeout(20) });
    await t.throwsAsync(soon(run), { code: 'ERR_ABORTED' });
  }
  const estimator = () => new MLPClassifier({ maxIter: 1 });
  for (const run of [
    gridSearch({ ...common, build: never, cv: 2, signal: AbortSignal.timeout(20) }),
    crossValScore(never as never, x, labels, { signal: AbortSignal.timeout(20) }),
  ])
    await t.throwsAsync(soon(run), { code: 'ERR_ABORTED' });
  const scores = crossValScore(estimator, x, labels, { scoring: never, signal: AbortSignal.timeout(20) });
  await t.throwsAsync(soon(scores), { code: 'ERR_ABORTED' });
});

test('a search waits for what onResult promises, and ends with what it rejects with', async (t) => {
  const common = {
    grid: { eta: [0.1, 0.2] },
    train: [x, labels] as const,
    build: ({ eta }: { eta: number }) =>
      new NeuralNetwork(x, classes, { nCategories: 3, batchSize: 5, epochs: 1, eta }),
  };
  let done = 0;
  await gridSearch({ ...common, onResult: () => new Promise((resolve) => setTimeout(resolve, 5)).then(() => done++) });
  t.is(done, 2);
  await t.throwsAsync(gridSearch({ ...common, onResult: () => Promise.reject(new Error('mine')) }), {
    message: 'mine',
  });
});
