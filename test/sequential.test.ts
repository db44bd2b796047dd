import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  type ArrayInput,
  activations,
  type Callback,
  callbacks,
  getThreads,
  initializers,
  layers,
  loadDigits,
  losses,
  metrics,
  NDArray,
  optimizers,
  RandomState,
  regularizers,
  Sequential,
  sequential,
  setThreads,
  toCategorical,
} from 'fjordnet';

interface Stored {
  shape: number[];
  data: number[];
}
interface Case {
  network: string;
  optimizer: 'sgd' | 'momentum' | 'nesterov' | 'adam';
  lr: number;
  lmbd: number;
  batch: number;
  init: Stored[];
  losses: number[];
  final: Stored[];
}
const golden = JSON.parse(readFileSync(new URL('../test/fixtures/networks.json', import.meta.url), 'utf8')) as {
  X: Stored;
  y: Stored;
  cases: Case[];
};
const array = ({ shape, data }: Stored) => NDArray.from(data, { shape });

function build({ network, optimizer, lr, lmbd }: Case): Sequential {
  const l2 = { kernelRegularizer: regularizers.l2({ l2: lmbd }) };
  const model = sequential({
    dtype: 'float64',
    seed: 0,
    layers: network.startsWith('cnn')
      ? [
          layers.conv2d({
            filters: 4,
            kernelSize: 3,
            padding: 'same',
            activation: 'relu',
            inputShape: [8, 8, 1],
            ...l2,
          }),
          layers.maxPooling2d({ poolSize: 2 }),
          layers.flatten(),
          layers.dense({ units: 12, activation: 'relu', ...l2 }),
          layers.dense({ units: 10, activation: 'softmax', ...l2 }),
        ]
      : [
          layers.flatten({ inputShape: [8, 8, 1] }),
          layers.dense({ units: 16, activation: 'sigmoid', ...l2 }),
          layers.dense({ units: 12, activation: 'sigmoid', ...l2 }),
          layers.dense({ units: 10, activation: 'softmax', ...l2 }),
        ],
  });
  const chosen = {
    sgd: () => optimizers.sgd({ learningRate: lr }),
    momentum: () => optimizers.sgd({ learningRate: lr, momentum: 0.9 }),
    nesterov: () => optimizers.sgd({ learningRate: lr, momentum: 0.9, nesterov: true }),
    adam: () => optimizers.adam({ learningRate: lr }),
  }[optimizer]();
  model.compile({ optimizer: chosen, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}

for (const golded of golden.cases) {
  test(`15 steps of ${golded.optimizer} are PyTorch's: ${golded.network}`, (t) => {
    const model = build(golded);
    model.setWeights(golded.init.map(array));
    const x = array(golden.X);
    const y = array(golden.y);
    for (const [i, expected] of golded.losses.entries()) {
      const rows = Array.from({ length: golded.batch }, (_, k) => (i * golded.batch + k) % 60);
      const { loss } = model.trainOnBatch(x.take(rows), y.take(rows));
      t.true(Math.abs(loss - expected) <= 1e-10 * Math.abs(expected), `step ${i}: ${loss} is not ${expected}`);
    }
    for (const [i, weights] of model.getWeights().entries()) {
      const expected = golded.final[i].data;
      const scale = Math.max(...expected.map(Math.abs));
      weights.data.forEach((w, k) => {
        if (Math.abs(w - expected[k]) > 1e-10 * scale) t.fail(`weight ${i}[${k}]: ${w} is not ${expected[k]}`);
      });
    }
  });
}

// ---------------------------------------------------------------- the same bits

const digits = (() => {
  const { data, target } = loadDigits();
  const rows = Array.from({ length: 300 }, (_, i) => i * 5);
  const images = data.take(rows);
  for (let i = 0; i < images.data.length; i++) images.data[i] /= 16;
  return { x: images.reshape(-1, 8, 8, 1), labels: target.take(rows), y: toCategorical(target.take(rows), 10) };
})();

function convolutional(seed = 3): Sequential {
  const model = sequential({
    seed,
    layers: [
      layers.conv2d({ filters: 10, kernelSize: 3, padding: 'same', activation: 'relu', inputShape: [8, 8, 1] }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dropout({ rate: 0.25 }),
      layers.dense({ units: 50, activation: 'relu' }),
      layers.batchNormalization(),
      layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}
const bits = (model: Sequential) =>
  model
    .getWeights()
    .map((w) => Buffer.from(w.data.buffer, w.data.byteOffset, w.data.byteLength).toString('hex'))
    .join();
const options = { epochs: 4, batchSize: 32, validationSplit: 0.1 };

test.serial('fit and fitSync, one, two and three threads, and a run beside others give the same bits', async (t) => {
  const threads = getThreads();
  const reference = convolutional();
  const { history } = reference.fitSync(digits.x, digits.y, options);
  for (const n of [1, 2, 3]) {
    setThreads(n);
    const model = convolutional();
    const run = await model.fit(digits.x, digits.y, options);
    t.is(bits(model), bits(reference), `${n} threads`);
    t.deepEqual(run.history, history);
  }
  setThreads(threads);
  const many = [convolutional(), convolutional(), convolutional()];
  await Promise.all(many.map((model) => model.fit(digits.x, digits.y, options)));
  for (const model of many) t.is(bits(model), bits(reference));
  t.not(bits(convolutional(4)), bits(convolutional(3)));
});

test('a run that was saved at epoch 3 and resumed gives the same bits', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'fjordnet-'));
  const path = join(folder, 'model.safetensors');
  const whole = convolutional();
  const first = await whole.fit(digits.x, digits.y, options);
  const part = convolutional();
  await part.fit(digits.x, digits.y, { ...options, epochs: 3 });
  await part.save(path);
  const resumed = await Sequential.load(path);
  const last = await resumed.fit(digits.x, digits.y, { ...options, initialEpoch: 3 });
  t.is(bits(resumed), bits(whole));
  t.deepEqual(last.epoch, [3]);
  t.is(last.history.loss[0], first.history.loss[3]);
  t.deepEqual(resumed.predictSync(digits.x).data, whole.predictSync(digits.x).data);
  t.is(resumed.summary(), whole.summary());

  const damaged = await readFile(path);
  await writeFile(path, damaged.subarray(0, damaged.length - 7));
  await t.throwsAsync(Sequential.load(path), { code: 'ERR_FORMAT' });
  await rm(folder, { recursive: true });
});

// ---------------------------------------------------------------- Keras' meaning of fit

/** A linear model of one weight: the loss of every sample can be written down. */
function line(): Sequential {
  const model = sequential({
    dtype: 'float64',
    seed: 0,
    layers: [layers.dense({ units: 1, useBias: false, inputShape: [1], kernelInitializer: 'ones' })],
  });
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.01 }), loss: 'meanSquaredError', metrics: ['mae'] });
  return model;
}
const column = (values: number[]) => values.map((v) => [v]);

test('validationSplit takes the last samples, before shuffling; the last batch may be short', async (t) => {
  const x = column([1, 2, 3, 4, 5, 6, 7]);
  const y = column([1, 2, 3, 4, 5, 106, 107]);
  const seen: number[] = [];
  const { history } = await line().fit(x, y, {
    validationSplit: 0.25,
    batchSize: 2,
    callbacks: { onBatchEnd: (batch) => void seen.push(batch) },
  });
  t.deepEqual(seen, [0, 1, 2]);
  t.deepEqual(history.loss, [0]); // 5 training samples on the line y = x
  t.deepEqual(history.val_loss, [10000]);
  t.deepEqual(Object.keys(history).sort(), ['loss', 'mae', 'val_loss', 'val_mae']);
});

test('sample and class weights multiply the loss of their samples', (t) => {
  const x = column([1, 2, 3, 4]);
  const y = column([2, 2, 3, 6]);
  const plain = line().trainOnBatch(x, y).loss;
  t.is(plain, (1 + 0 + 0 + 4) / 4);
  const model = line();
  const { loss } = model.trainOnBatch(x, y, { sampleWeight: [2, 1, 1, 0.5] });
  t.is(loss, (2 * 1 + 0.5 * 4) / 4);
  // dL/dw = mean of weight * 2 (w x - y) x
  const gradient = (2 * 2 * -1 * 1 + 0.5 * 2 * -2 * 4) / 4;
  t.true(Math.abs(model.getWeights()[0].data[0] - (1 - 0.01 * gradient)) < 1e-15);

  const binary = () => {
    const m = sequential({
      dtype: 'float64',
      seed: 1,
      layers: [layers.dense({ units: 1, activation: 'sigmoid', inputShape: [1] })],
    });
    m.compile({ optimizer: 'sgd', loss: 'binaryCrossentropy' });
    return m;
  };
  const labels = [0, 1, 1, 0];
  const byClass = binary().trainOnBatch(x, labels, { classWeight: { 0: 1, 1: 3 } }).loss;
  const bySample = binary().trainOnBatch(x, labels, { sampleWeight: [1, 3, 3, 1] }).loss;
  t.is(byClass, bySample);
});

test('callbacks may be asynchronous, stop training, and their errors end it', async (t) => {
  const model = line();
  const order: string[] = [];
  const watcher: Callback = {
    async onEpochBegin(epoch) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      order.push(`begin ${epoch}`);
    },
    onEpochEnd(epoch) {
      order.push(`end ${epoch}`);
      if (epoch === 1) model.stopTraining = true;
    },
  };
  const history = await model.fit(column([1, 2]), column([1, 3]), { epochs: 5, callbacks: [watcher] });
  t.deepEqual(order, ['begin 0', 'end 0', 'begin 1', 'end 1']);
  t.deepEqual(history.epoch, [0, 1]);

  const failing = { onEpochEnd: () => Promise.reject(new Error('disk full')) };
  await t.throwsAsync(model.fit(column([1, 2]), column([1, 3]), { callbacks: failing }), { message: 'disk full' });
  t.throws(() => model.fitSync(column([1, 2]), column([1, 3]), { callbacks: failing }), { instanceOf: TypeError });
  await model.fit(column([1, 2]), column([1, 3])); // still usable
});

test('stopTraining before an epoch has a batch: there is no such epoch', async (t) => {
  const model = line();
  const stopping: Callback = {
    onEpochBegin(epoch) {
      model.stopTraining = epoch === 1;
    },
  };
  const [x, y] = [column([1, 2]), column([1, 3])];
  const options = () => ({ epochs: 4, callbacks: stopping, validationData: [x, y] as const });
  for (const { epoch, history } of [await model.fit(x, y, options()), model.fitSync(x, y, options())]) {
    t.deepEqual(epoch, [0]);
    t.is(history.val_loss.length, 1);
  }
  t.is(model.iterations, 2);
});

test("validationFreq: after every n-th epoch, or after those of an array, as Keras' counts", async (t) => {
  const [x, y] = [column([1, 2]), column([1, 3])];
  const common = { epochs: 5, validationData: [x, y] as const };
  const { history: every, validationEpoch } = line().fitSync(x, y, common);
  t.deepEqual(validationEpoch, [0, 1, 2, 3, 4]);
  for (const [validationFreq, epochs] of [
    [1, [0, 1, 2, 3, 4]],
    [2, [1, 3]],
    [9, []],
    [
      [5, 1, 7],
      [0, 4],
    ],
    [[], []],
  ] as [number | number[], number[]][])
    for (const found of [
      await line().fit(x, y, { ...common, validationFreq }),
      line().fitSync(x, y, { ...common, validationFreq }),
      await line().fit(() => [[x, y]], { ...common, validationFreq }),
    ]) {
      t.deepEqual(found.history.loss, every.loss);
      t.deepEqual(
        found.history.val_loss ?? [],
        epochs.map((epoch) => every.val_loss[epoch]),
      );
      t.deepEqual(found.validationEpoch, epochs);
    }
  const later = line().fitSync(x, y, { ...common, initialEpoch: 2, validationFreq: 2 });
  t.deepEqual([later.epoch, later.validationEpoch], [[2, 3, 4], [3]]);
  for (const validationFreq of [0, 1.5, [0], 'epoch', null] as any[])
    t.throws(() => line().fitSync(x, y, { ...common, validationFreq }), { message: /^Expected validationFreq/ });
});

test('a list of batches to validate with is told how', async (t) => {
  const [x, y] = [column([1, 2]), column([1, 3])];
  const batches = [1, 2, 3, 4].map(() => [x, y] as const);
  await t.throwsAsync(line().fit(x, y, { validationData: batches as never }), {
    message:
      'Expected validationData to be [x, y] or [x, y, sampleWeight], or a source of such batches (a list of them from a function: () => batches), got Array(4)',
  });
  const { history } = await line().fit(x, y, { validationData: () => batches });
  t.is(history.val_loss.length, 1);
});

test('earlyStopping restores the best weights', async (t) => {
  const model = line();
  const stop = callbacks.earlyStopping({ monitor: 'val_loss', patience: 1, restoreBestWeights: true });
  const best: number[] = [];
  const { history } = await model.fit(column([1, 2]), column([3, 6]), {
    epochs: 50,
    validationData: [column([1]), column([1.5])], // the best weight is passed on the way to 3
    callbacks: [{ onEpochEnd: () => void best.push(model.getWeights()[0].data[0]) }, stop],
  });
  const at = history.val_loss.indexOf(Math.min(...history.val_loss));
  t.true(history.val_loss.length < 50);
  t.is(model.getWeights()[0].data[0], best[at]);
});

test('an abort ends fit after a batch, and the network stays usable', async (t) => {
  const model = convolutional();
  const controller = new AbortController();
  const seen: number[] = [];
  const run = model.fit(digits.x, digits.y, {
    epochs: 1000,
    signal: controller.signal,
    callbacks: {
      onEpochEnd(epoch) {
        seen.push(epoch);
        if (epoch === 2) controller.abort(new Error('enough'));
      },
    },
  });
  await t.throwsAsync(model.fit(digits.x, digits.y), { code: 'ERR_BUSY' });
  const error = await t.throwsAsync(run, { code: 'ERR_ABORTED' });
  t.is((error.cause as Error).message, 'enough');
  t.deepEqual(seen, [0, 1, 2]);
  const { loss } = await model.evaluate(digits.x, digits.y);
  t.true(Number.isFinite(loss));
});

test('evaluate and predict agree with fit, in any batches', async (t) => {
  const model = convolutional();
  await model.fit(digits.x, digits.y, { epochs: 3 });
  const scores = await model.evaluate(digits.x, digits.y, { batchSize: 300 });
  t.true(Math.abs(scores.loss - (await model.evaluate(digits.x, digits.y, { batchSize: 7 })).loss) < 1e-5);
  const p = await model.predict(digits.x, { batchSize: 64 });
  t.deepEqual(p.shape, [300, 10]);
  t.is(p.dtype, 'float32');
  const hits = digits.labels.data.filter((label, i) => {
    const row = p.data.slice(10 * i, 10 * i + 10);
    return row.indexOf(Math.max(...row)) === label;
  });
  t.is(Math.round(scores.accuracy * 300), hits.length);
  t.deepEqual(model.predictSync(digits.x, { batchSize: 64 }).data, p.data);
});

// ---------------------------------------------------------------- building

test('summary, names and numbers of parameters are Keras’', (t) => {
  const model = convolutional();
  t.is(model.countParams(), 100 + 8050 + 200 + 510);
  const lines = model.summary().split('\n');
  t.is(lines[0], 'Model: "sequential"');
  t.regex(lines[4], /conv2d \(Conv2D\) +│ \(None, 8, 8, 10\) +│ +100 │/);
  t.true(lines.includes(' Total params: 8,860 (34.61 KB)'));
  t.true(lines.includes(' Trainable params: 8,760 (34.22 KB)'));
  t.true(lines.includes(' Non-trainable params: 100 (400.00 B)'));
  t.deepEqual(model.layerNames.slice(-3), ['dense', 'batch_normalization', 'dense_1']);
  const known = sequential({ layers: [layers.inputLayer({ shape: [4] }), layers.dense({ units: 3 })] });
  t.regex(known.summary(), /┩\n│ dense \(Dense\) +│ \(None, 3\) +│ +15 │\n└/);
  const unbuilt = sequential({ layers: [layers.dense({ units: 3 })] });
  t.regex(unbuilt.summary(), /dense \(Dense\) +│ \? +│ +0 \(unbuilt\)/);
});

test('the input shape may come with the first fit; compiling again keeps the weights', async (t) => {
  const model = sequential({
    seed: 5,
    layers: [layers.dense({ units: 4, activation: 'tanh' }), layers.dense({ units: 1 })],
  });
  model.compile({ optimizer: 'sgd', loss: 'mse' });
  t.throws(() => model.getWeights(), { code: 'ERR_NOT_BUILT' });
  await model.fit(new RandomState(0).randn(20, 3), new RandomState(1).randn(20, 1));
  t.deepEqual(
    model.getWeights().map((w) => w.shape),
    [[3, 4], [4], [4, 1], [1]],
  );
  const before = bits(model);
  model.compile({ optimizer: 'adam', loss: 'mae' });
  t.is(bits(model), before);
  t.is(model.iterations, 0);
});

test('a factory stands for what it makes without options', (t) => {
  const named = {
    dense: { activation: 'tanh', kernelInitializer: 'heNormal', kernelRegularizer: 'l2' },
    training: { optimizer: 'adam', loss: 'huber', metrics: ['meanAbsoluteError'] },
  } as const;
  const uncalled = {
    dense: {
      activation: activations.tanh,
      kernelInitializer: initializers.heNormal,
      kernelRegularizer: regularizers.l2,
    },
    training: { optimizer: optimizers.adam, loss: losses.huber, metrics: [metrics.meanAbsoluteError] },
  };
  const [first, second] = [named, uncalled].map(({ dense, training }) => {
    const model = sequential({
      layers: [layers.dense({ units: 2, inputShape: [1], ...dense }), layers.dense({ units: 1 })],
      seed: 1,
    });
    model.compile(training);
    const { history } = model.fitSync(column([1, 2, 3]), column([2, 3, 4]), { epochs: 3 });
    return { history, bits: bits(model) };
  });
  t.deepEqual(first, second);
});

test('bad input gets one sentence, before anything changes', async (t) => {
  const throws = async (run: () => unknown, message: string | RegExp, code?: string) => {
    const error = await t.throwsAsync(async () => run(), { message });
    if (code) t.is((error as NodeJS.ErrnoException).code, code);
  };
  const x = column([1, 2, 3]);
  await throws(
    () => sequential().compile({ optimizer: 'sgd', loss: 'mse' }),
    /to have layers, got none/,
    'ERR_NOT_BUILT',
  );
  const bare = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
  await throws(() => bare.fit(x, x), /to be compiled/, 'ERR_NOT_COMPILED');
  await throws(
    () => bare.compile({ optimizer: 'adm' as 'adam', loss: 'mse' }),
    /^Expected optimizer to be one of 'sgd', .* \(did you mean 'adam'\?\), got 'adm' \(string\)$/,
  );
  await throws(
    () => layers.dense({ units: 1, activation: 'rleu' as 'relu' }),
    /^Expected activation to be one of .*did you mean 'relu'\?\)/,
  );
  await throws(
    () => layers.dense({ units: 1, activation: losses.huber as never }),
    'Expected activation to be the name of an activation, one of activations.* or what custom.activation makes, got huber (function)',
  );
  await throws(
    () => layers.dense({ units: 1, kernelInitializer: 'glorot' as 'zeros' }),
    /^Expected kernelInitializer to be one of 'zeros', .* \(did you mean 'glorotUniform'\?\), got 'glorot' \(string\)$/,
  );
  await throws(
    () => bare.compile({ optimizer: 'sgd', loss: 'crossentropy' as 'mse' }),
    /^Expected loss to be one of .* \(did you mean 'categoricalCrossentropy'\?\), got 'crossentropy' \(string\)$/,
  );
  await throws(
    () => sequential({ layers: [layers.conv2d({ filters: 1, kernelSize: 5, inputShape: [4, 4, 1] })] }),
    /^Expected the input of Conv2D to be images of at least 5 x 5 pixels.*, got shape \[4, 4, 1\]$/,
  );
  await throws(() => layers.dense({ units: 0 }), 'Expected units to be a positive integer, got 0 (number)');
  const model = line();
  const before = bits(model);
  await throws(() => model.fit(x, column([1, 2])), /Expected y to be 3 targets/);
  await throws(
    () => model.fit([[1, 2]], [[1]]),
    /^Expected x to be of shape \[n, 1\], as the network's input, got shape \[1, 2\]$/,
  );
  await throws(() => model.fit(x, x, { batchSize: 0 }), 'Expected batchSize to be a positive integer, got 0 (number)');
  await throws(() => model.fit(x, x, { validationSplit: 0.9 }), /validationSplit to leave samples/);
  await throws(() => model.fit(x, x, { validationSplit: 1 }), /validationSplit/);
  await throws(
    () => model.fit(column([1, Number.NaN, 3]), x),
    'Expected x to hold finite numbers, got NaN at row 1, column 0',
  );
  await throws(() => model.fit(x, x, { ephocs: 3 } as object), /no option 'ephocs' \(did you mean 'epochs'\?\)/);
  await throws(
    () => model.setWeights([[1]] as ArrayInput[]),
    'Expected weights[0] (dense/kernel) to be of shape [1, 1], got shape [1]',
  );
  await throws(() => model.setWeights([]), 'Expected weights to hold 1 arrays, got 0');
  t.is(bits(model), before);
  const classes = sequential({ layers: [layers.dense({ units: 3, activation: 'softmax', inputShape: [1] })] });
  classes.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
  await throws(() => classes.fit(x, [0, 1, 3]), /3/);
  await throws(() => classes.fit(x, [0, 1, 0.5]), /0\.5/);
});

test('a list of layers alone, and labels that are no numbers, are refused with what to give', async (t) => {
  const dense = layers.dense({ units: 1, inputShape: [1] });
  t.throws(() => sequential([dense] as never), {
    instanceOf: TypeError,
    message: 'Expected options to be an object such as { layers: […] }, got Array(1)',
  });
  const model = sequential({ layers: [dense] });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const message = "Expected y[0] to be a number (LabelEncoder makes class numbers of labels), got 'rose' (string)";
  await t.throwsAsync(model.fit([1, 2], ['rose', 'lily'] as never), { instanceOf: TypeError, message });
  t.throws(() => model.trainOnBatch([1, 2], ['rose', 'lily'] as never), { message });
});
