// Predictions at any time: many at once, beside a training, of a moment that is kept.
import test from 'ava';
import { input, layers, model as makeModel, NDArray, RandomState, sequential } from 'fjordnet';

const random = new RandomState(3);
const x = random.randn(400, 6, 6, 1);
const y = NDArray.from(random.randint(0, 4, [400]));
const rowOf = (k: number) => x.take([k % 400]);

function network(dtype: 'float32' | 'float64' = 'float32') {
  const model = sequential({
    layers: [
      layers.conv2d({ filters: 6, kernelSize: 3, activation: 'relu', inputShape: [6, 6, 1] }),
      layers.batchNormalization(),
      layers.flatten(),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 30, activation: 'tanh' }),
      layers.dense({ units: 4, activation: 'softmax' }),
    ],
    ...{ dtype, seed: 5 },
  });
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
  return model;
}

const bits = (arrays: readonly NDArray[]) =>
  arrays.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')).join();

for (const dtype of ['float32', 'float64'] as const)
  test(`${dtype}: predictions beside a training are those of whole steps, and change none of its bits`, async (t) => {
    const model = network(dtype);
    const seen = [model.getWeights()];
    const answers: Promise<[k: number, NDArray]>[] = [];
    let isOver = false;
    const training = model
      .fit(x, y, { epochs: 3, batchSize: 32, callbacks: { onBatchEnd: () => void seen.push(model.getWeights()) } })
      .finally(() => {
        isOver = true;
      });
    for (let k = 0; !isOver; k++) {
      answers.push(model.predict(rowOf(k)).then((p) => [k, p]));
      await new Promise((resolve) => setTimeout(resolve, k % 3));
    }
    await training;

    const alone = network(dtype);
    await alone.fit(x, y, { epochs: 3, batchSize: 32 });
    t.is(bits(model.getWeights()), bits(alone.getWeights()));
    const moments = seen.map((weights) => {
      const copy = network(dtype);
      copy.setWeights(weights);
      return copy;
    });
    const found = new Set<number>();
    t.true(answers.length > 5, `${answers.length} answers`);
    for (const [k, p] of await Promise.all(answers)) {
      const at = moments.findIndex((moment) => bits([moment.predictSync(rowOf(k))]) === bits([p]));
      t.true(at >= 0, `answer ${k} is of no step`);
      found.add(at);
    }
    t.true(found.size > 1, 'weights are taken over as they move');
  });

test('calls at once give what each gives alone, whatever others ask for', async (t) => {
  const model = network();
  const sizes = [1, 1, 5, 1, 40, 5, 1, 400, 1, 33, 1];
  const parts = sizes.map((n, k) => x.take(Int32Array.from({ length: n }, (_, i) => (7 * k + i) % 400)));
  const expected = parts.map((part) => model.predictSync(part));
  for (let round = 0; round < 3; round++)
    t.is(bits(await Promise.all(parts.map((part) => model.predict(part)))), bits(expected));

  const fresh = network();
  t.is(
    bits(await Promise.all(parts.map((part) => fresh.predict(part, { batchSize: 7 })))),
    bits(parts.map((part) => fresh.predictSync(part, { batchSize: 7 }))),
  );
});

test('a call may wait for others, until its time is over or there is room for none', async (t) => {
  const model = network();
  const turns = async (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  let settled = 0;
  const ask = (k: number, maxQueueDelay: number) => {
    const answer = model.predict(rowOf(k), { maxQueueDelay });
    answer.then(() => settled++);
    return answer;
  };
  const first = ask(0, 200_000);
  await turns(20);
  t.is(settled, 0);
  const together = await Promise.all(
    Array.from({ length: 50 }, (_, k) => model.predict(rowOf(k), { maxQueueDelay: 300 })),
  );
  for (const [k, { data }] of together.entries()) {
    const alone = model.predictSync(rowOf(k)).data;
    t.true(data.every((value, i) => Math.abs(value - alone[i]) < 1e-6));
  }
  const answers = await Promise.all([
    first,
    ask(1, 0),
    model.predict(x.take(Array.from({ length: 33 }, (_, i) => i)), { maxQueueDelay: 1e6 }),
  ]);
  t.is(bits([answers[1]]), bits([model.predictSync(rowOf(1))]));

  const half = x.take(Array.from({ length: 256 }, (_, i) => i));
  const full = Array.from({ length: 4 }, () => model.predict(half, { batchSize: 256, maxQueueDelay: 1e6 }));
  t.is(await Promise.race([Promise.all(full).then(() => 'full'), turns(1000)]), 'full');

  const controller = new AbortController();
  const stopped = model.predict(rowOf(2), { signal: controller.signal, maxQueueDelay: 1e6 });
  setTimeout(() => controller.abort(), 5);
  await t.throwsAsync(stopped, { code: 'ERR_ABORTED' });
  t.is(bits([await model.predict(rowOf(3))]), bits([model.predictSync(rowOf(3))]));
  await t.throwsAsync(model.predict(rowOf(4), { maxQueueDelay: -1 }), {
    message: 'Expected maxQueueDelay to be a number in [0, 1000000], got -1 (number)',
  });
});

test('numbers beyond float32 are told, and nobody else is refused with them', async (t) => {
  const model = network();
  const message = /^Expected x to hold numbers within float32's range, got 1e\+300 at index \[0, 1, 0, 0\]$/;
  const wrong = NDArray.from(rowOf(0));
  wrong.data[6] = 1e300;
  t.throws(() => model.predictSync(wrong), { message });
  const [refused, answered] = await Promise.allSettled([model.predict(wrong), model.predict(rowOf(1))]);
  t.regex((refused as PromiseRejectedResult).reason.message, message);
  t.is(answered.status, 'fulfilled');
  await t.throwsAsync(model.fit(wrong, [0]), { message: /within float32's range, got 1e\+300/ });
  t.throws(() => network('float64').predictSync(NDArray.from(wrong.data.fill(Number.NaN)).reshape(1, 6, 6, 1)), {
    message: /finite numbers, got NaN/,
  });
  const many = NDArray.from(x);
  many.data[5000] = Number.POSITIVE_INFINITY;
  t.throws(() => model.predictSync(many), {
    message: 'Expected x to hold finite numbers, got Infinity at index [138, 5, 2, 0]',
  });
});

test('a network that was never compiled, of several inputs and outputs, one of integers', async (t) => {
  const words = input({ shape: [3], dtype: 'int32', name: 'words' });
  const numbers = input({ shape: [2], name: 'numbers' });
  const embedded = layers.flatten().apply(layers.embedding({ inputDim: 9, outputDim: 4 }).apply(words));
  const both = layers.concatenate().apply([embedded, numbers]);
  const outputs = [layers.dense({ units: 3 }).apply(both), layers.dense({ units: 1 }).apply(numbers)];
  const model = makeModel({ inputs: [words, numbers], outputs, seed: 1 });
  const asked = Array.from({ length: 20 }, (_, k) => ({
    words: NDArray.from(Int32Array.of(k % 9, (k + 1) % 9, (k + 5) % 9), { shape: [1, 3] }),
    numbers: NDArray.from([[k, -k]]),
  }));
  const expected = asked.map((one) => model.predictSync(one));
  const got = await Promise.all(asked.map((one) => model.predict(one)));
  got.forEach((pair, k) => {
    t.is(bits(pair), bits(expected[k]));
  });
  const weights = model.getWeights();
  const many = model.predict({ words: NDArray.zeros([5000, 3], 'int32'), numbers: NDArray.zeros([5000, 2]) });
  t.throws(() => model.setWeights(weights), { code: 'ERR_BUSY' });
  await many;
  model.setWeights(weights);
});

test('samples and weights that change after the call change nothing in it', async (t) => {
  const model = network();
  const one = NDArray.from(rowOf(0).data.slice(), { shape: [1, 6, 6, 1] });
  const many = NDArray.from(x.data.slice(), { shape: x.shape });
  const expected = [model.predictSync(one), model.predictSync(many)];
  const asked = [model.predict(one), model.predict(many)];
  one.data.fill(7);
  many.data.fill(7);
  t.is(bits(await Promise.all(asked)), bits(expected));
  model.setWeights(model.getWeights().map(({ shape }) => NDArray.zeros(shape)));
  t.deepEqual([...(await model.predict(rowOf(0))).data], [0.25, 0.25, 0.25, 0.25]);
});

test('a long prediction has one moment for all its rows, and lets short ones in between', async (t) => {
  const model = network();
  const rows = x.take(Int32Array.from({ length: 200_000 }, (_, i) => i % 400));
  let isLongOver = false;
  const training = model.fit(x, y, {
    epochs: 1000,
    batchSize: 50,
    callbacks: {
      onEpochEnd: () => {
        if (isLongOver) model.stopTraining = true;
      },
    },
  });
  const long = model.predict(rows).finally(() => {
    isLongOver = true;
  });
  let between = 0;
  while (!isLongOver) {
    await model.predict(rowOf(1));
    if (!isLongOver) between++;
  }
  const { data } = await long;
  await training;
  t.true(between > 0);
  const first = data.subarray(0, 1600);
  for (let at = 1600; at < data.length; at += 1600)
    if (first.some((value, i) => value !== data[at + i])) t.fail(`rows from ${at / 4} on are of another moment`);
  t.pass();
});

test('an abort ends one prediction alone', async (t) => {
  const model = network();
  const rows = x.take(Int32Array.from({ length: 100_000 }, (_, i) => i % 400));
  const controllers = [0, 1].map(() => new AbortController());
  const [long, short] = [
    model.predict(rows, { signal: controllers[0].signal }),
    model.predict(rowOf(0), { signal: controllers[1].signal }),
  ];
  const other = model.predict(rowOf(1));
  controllers[1].abort();
  setTimeout(() => controllers[0].abort(new Error('enough')), 5);
  const expected = { code: 'ERR_ABORTED', message: 'The prediction was aborted' };
  const error = await t.throwsAsync(short, expected);
  t.regex(error.stack as string, /serving\.test/);
  t.is(((await t.throwsAsync(long, expected)) as Error & { cause: Error }).cause.message, 'enough');
  t.is(bits([await other]), bits([model.predictSync(rowOf(1))]));
  t.is(bits([await model.predict(rowOf(2))]), bits([model.predictSync(rowOf(2))]));
  await t.throwsAsync(model.predict(rowOf(0), { signal: AbortSignal.abort() }), expected);
  await t.throwsAsync(model.predict(rowOf(0), { signal: 3 as never }), {
    message: /^Expected signal to be an AbortSignal/,
  });
  await t.throwsAsync(model.predict([[1, 2]]), { message: /^Expected x to be/ });
});

test('callbacks may await a prediction, which has the weights of that moment', async (t) => {
  const model = network();
  const pairs: [string, string][] = [];
  await model.fit(x, y, {
    epochs: 3,
    callbacks: {
      onEpochEnd: async () => {
        pairs.push([bits([await model.predict(rowOf(3))]), bits([model.predictSync(rowOf(3))])]);
      },
    },
  });
  t.is(new Set(pairs.map(([asked]) => asked)).size, 3);
  for (const [asked, now] of pairs) t.is(asked, now);
});

test('a snapshot stays what it was', async (t) => {
  const model = network();
  await model.fit(x, y, { epochs: 1 });
  const before = model.predictSync(x);
  const snapshot = await model.snapshot();
  await model.fit(x, y, { epochs: 1 });
  model.setWeights(model.getWeights().map(({ shape }) => NDArray.zeros(shape)));
  t.is(bits([await snapshot.predict(x)]), bits([before]));
  t.is(bits([snapshot.predictSync(x)]), bits([before]));
  t.deepEqual((await snapshot.predict(rowOf(0))).shape, [1, 4]);
  const training = model.fit(x, y, { epochs: 20 });
  const during = await model.snapshot();
  const moment = bits([await during.predict(x)]);
  await training;
  t.is(bits([await during.predict(x)]), moment);
  await t.throwsAsync(sequential({ layers: [layers.dense({ units: 1 })] }).snapshot(), { code: 'ERR_NOT_BUILT' });
});

test('predictSync writes into an array of the caller, at any batch size', (t) => {
  for (const dtype of ['float32', 'float64'] as const) {
    const model = network(dtype);
    for (const [n, batchSize] of [
      [1, 32],
      [5, 2],
      [100, 32],
      [400, 400],
    ]) {
      const part = NDArray.from(x.take(Int32Array.from({ length: n }, (_, i) => i)), { dtype });
      const out = NDArray.zeros([n, 4], dtype);
      t.is(model.predictSync(part, { batchSize, out }), out);
      t.is(bits([out]), bits([model.predictSync(part, { batchSize })]));
    }
    const out = NDArray.zeros([3, 4], dtype);
    const refused = (given: unknown, message: RegExp) =>
      t.throws(() => model.predictSync(rowOf(0), { out: given as never }), { message });
    refused(out, /^Expected out to be of shape \[1, 4\], got .*\[3, 4\]/);
    refused(
      NDArray.zeros([1, 4], dtype === 'float32' ? 'float64' : 'float32'),
      /^Expected out to be an array of float/,
    );
    refused([1, 2, 3, 4], /^Expected out to be an NDArray/);
    const sent = NDArray.zeros([1, 4], dtype);
    structuredClone(sent.data, { transfer: [sent.data.buffer as ArrayBuffer] });
    refused(sent, /^Expected out to own its memory, got a detached Float\d\dArray \(it was transferred\)/);
    const [samples, place] = [new Float64Array(36), new Float32Array(36)];
    const memory = (dtype === 'float32' ? place : samples).buffer;
    const own = NDArray.wrap(dtype === 'float32' ? place : samples, [1, 6, 6, 1]);
    const over = NDArray.wrap(
      dtype === 'float32' ? new Float32Array(memory, 16, 4) : new Float64Array(memory, 16, 4),
      [1, 4],
    );
    t.throws(() => model.predictSync(own, { out: over }), { message: /share memory/ });
    t.throws(() => model.predictSync(rowOf(0), { signal: undefined } as never), { message: /no option 'signal'/ });
  }
});

test('predictions of a stateful network are answered in their order, one that is aborted aside', async (t) => {
  const make = () =>
    sequential({
      layers: [layers.gru({ units: 3, stateful: true, inputShape: [2, 2] }), layers.dense({ units: 1 })],
      dtype: 'float64',
      seed: 1,
    });
  const random = new RandomState(0);
  const windows = Array.from({ length: 6 }, () => random.randn(4, 2, 2));
  const expected = make();
  const inTurn = windows.filter((_, i) => i !== 2).map((x) => expected.predictSync(x));

  const net = make();
  const abort = new AbortController();
  const answers = windows.map((x, i) => net.predict(x, i === 2 ? { signal: abort.signal } : {}));
  const BUSY = { code: 'ERR_BUSY', message: /predictions of its stateful layers/ };
  t.throws(() => net.resetStates(), BUSY);
  t.throws(() => net.predictSync(windows[0]), BUSY);
  abort.abort();
  await t.throwsAsync(answers[2], { code: 'ERR_ABORTED' });
  t.deepEqual(await Promise.all(answers.filter((_, i) => i !== 2)), inTurn);

  // nor between the batches of one call, which go on from each other
  net.resetStates();
  const long = random.randn(4000, 2, 2);
  let isOver = false;
  const answer = net.predict(long, { batchSize: 4 }).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    t.throws(() => net.predictSync(windows[0]), BUSY);
    t.throws(() => net.setWeights(net.getWeights()), { code: 'ERR_BUSY' });
    await new Promise(setImmediate);
  }
  expected.resetStates();
  t.deepEqual(await answer, expected.predictSync(long, { batchSize: 4 }));

  // free again as soon as the last of them is answered
  net.compile({ optimizer: 'sgd', loss: 'mse' });
  net.resetStates();
  await net.predict(windows[0]);
  const training = net.fit(windows[0], NDArray.zeros([4, 1]), { batchSize: 4, epochs: 3 });
  await t.throwsAsync(net.predict(windows[1]), { code: 'ERR_BUSY', message: /take predictSync in its callbacks/ });
  await training;
});
