import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  input,
  layers,
  Model,
  model,
  NDArray,
  optimizers,
  RandomState,
  regularizers,
  schedules,
  sequential,
} from 'fjordnet';

const random = new RandomState(0);
const batches = [23, 40, 7, 31].map((n) => [random.randn(n, 8, 8, 1), random.randint(0, 5, [n])] as const);

function network(dtype: 'float64' | 'float32', optimizer: ReturnType<typeof optimizers.sgd>) {
  const image = input({ shape: [8, 8, 1] });
  const kernelRegularizer = regularizers.l2({ l2: 0.01 });
  const conv = layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu', kernelRegularizer }).apply(image);
  const still = layers.dense({ units: 6, trainable: false, activation: 'tanh' }).apply(layers.flatten().apply(conv));
  const wide = layers.dense({ units: 300, activation: 'relu', kernelConstraint: 'unitNorm' }).apply(still);
  const net = model({ inputs: image, outputs: layers.dense({ units: 5 }).apply(wide), dtype, seed: 1 });
  net.compile({ optimizer, loss: 'mse', metrics: ['mae'] });
  return net;
}

const rows = (labels: NDArray) =>
  NDArray.from(Array.from(labels.data, (label) => Array.from({ length: 5 }, (_, k) => Number(k === label))));

const learningRate = schedules.exponentialDecay({ initialLearningRate: 0.05, decaySteps: 2, decayRate: 0.5 });
const ways = {
  'sgd with momentum': () => optimizers.sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true }),
  'adam, clipped, on a schedule': () => optimizers.adam({ learningRate, globalClipNorm: 0.1 }),
  adamW: () => optimizers.adamW({ weightDecay: 0.1, clipValue: 0.01 }),
  'rmsprop with averages': () => optimizers.rmsprop({ useEma: true, emaMomentum: 0.5, emaOverwriteFrequency: 2 }),
  'lion, two batches at a time': () => optimizers.lion({ gradientAccumulationSteps: 2 }),
};

for (const dtype of ['float64', 'float32'] as const)
  for (const [name, optimizer] of Object.entries(ways))
    test(`the gradients of a batch, applied, are a step on it: ${name}, ${dtype}`, async (t) => {
      const [whole, parted] = [network(dtype, optimizer()), network(dtype, optimizer())];
      for (const [x, labels] of batches) {
        const y = rows(labels);
        const { loss } = whole.trainOnBatch(x, y);
        const given = await parted.gradients(x, y);
        t.is(given.loss, loss);
        t.is(given.gradients.length, 6);
        parted.applyGradients(given.gradients);
      }
      t.deepEqual(parted.getWeights(), whole.getWeights());
      const folder = mkdtempSync(join(tmpdir(), 'fjordnet-apply-'));
      t.teardown(() => rmSync(folder, { recursive: true }));
      await parted.save(join(folder, 'a.safetensors'));
      const loaded = await Model.load(join(folder, 'a.safetensors'));
      const [x, labels] = batches[0];
      t.deepEqual(loaded.trainOnBatch(x, rows(labels)), whole.trainOnBatch(x, rows(labels)));
      t.deepEqual(loaded.getWeights(), whole.getWeights());
    });

const line = (optimizer: 'sgd' | 'adam' = 'sgd', rate = 0) => {
  const net = sequential({
    layers: [layers.dropout({ rate, inputShape: [2] }), layers.dense({ units: 1 })],
    dtype: 'float64',
    seed: 1,
  });
  net.compile({ optimizer, loss: 'mse' });
  return net;
};

test('what was made of gradients: the mean of two halves of a batch is a step on it; nested numbers', async (t) => {
  const [x, y] = [random.randn(8, 2), random.randn(8, 1)];
  const [whole, parted] = [line(), line()];
  whole.trainOnBatch(x, y);
  const first = await parted.gradients(x.take([0, 1, 2, 3]), y.take([0, 1, 2, 3]));
  const second = await parted.gradients(x.take([4, 5, 6, 7]), y.take([4, 5, 6, 7]));
  const mean = first.gradients.map(({ data, shape }, i) =>
    NDArray.from(
      Float64Array.from(data, (v, k) => (v + second.gradients[i].data[k]) / 2),
      { shape },
    ),
  );
  parted.applyGradients(mean);
  for (const [i, w] of whole.getWeights().entries())
    for (const [k, v] of w.data.entries()) t.true(Math.abs(parted.getWeights()[i].data[k] - v) < 1e-15);

  const net = line();
  const [kernel, bias] = net.getWeights();
  net.applyGradients([[[1], [-2]], [3]]);
  t.deepEqual(
    net.getWeights()[0].data,
    kernel.data.map((v, k) => v - 0.01 * [1, -2][k]),
  );
  t.deepEqual(
    net.getWeights()[1].data,
    bias.data.map((v) => v - 0.01 * 3),
  );
});

test('it draws nothing: the next batch has the dropout that it would have had', (t) => {
  const [x, y] = [random.randn(30, 2), random.randn(30, 1)];
  const [net, twin] = [line('sgd', 0.5), line('sgd', 0.5)];
  net.applyGradients([[[0], [0]], [0]]);
  t.deepEqual(net.trainOnBatch(x, y), twin.trainOnBatch(x, y));
});

test('gradients that do not fit are refused in one sentence, and nothing is changed', async (t) => {
  const net = line('adam');
  const before = net.getWeights();
  for (const [given, message] of [
    [undefined, 'Expected gradients to be an array of arrays, got undefined'],
    [[[[1], [2]]], 'Expected gradients to be 2 arrays, one for each trainable weight, got 1 (number)'],
    [[[1, 2], [1]], 'Expected gradients[0] (dense/kernel) to be of shape [2, 1], got shape [2]'],
    [[[[1], [2]], [Number.NaN]], 'Expected gradients[1] (dense/bias) to hold finite numbers, got NaN at row 0'],
  ] as const)
    t.throws(() => net.applyGradients(given as never), { message });
  t.deepEqual(net.getWeights(), before);

  const small = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1 });
  t.throws(() => small.applyGradients([[[1]], [1]]), { code: 'ERR_NOT_COMPILED' });
  small.compile({ optimizer: 'sgd', loss: 'mse' });
  t.throws(() => small.applyGradients([[[1e300]], [1]]), { message: /gradients\[0\] \(dense\/kernel\)/ });
  const training = small.fit([[1], [2]], [1, 2], { epochs: 2 });
  t.throws(() => small.applyGradients([[[1]], [1]]), { code: 'ERR_BUSY' });
  await training;
  const open = sequential({ layers: [layers.dense({ units: 1 })] });
  open.compile({ optimizer: 'sgd', loss: 'mse' });
  t.throws(() => open.applyGradients([]), { code: 'ERR_NOT_BUILT' });
});
