// Weights from PyTorch's and Keras' layouts, by the names of layers.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { input, type Layer, layers, layouts, Model, NDArray, RandomState, sequential } from 'fjordnet';
import { difference } from './helpers/replay.js';

interface Saved {
  readonly shape: number[];
  readonly data: number[];
}
const cases = JSON.parse(readFileSync(new URL('../test/fixtures/pytorch-layouts.json', import.meta.url), 'utf8')) as {
  name: string;
  layer: string;
  state: Record<string, Saved>;
  x: Saved;
  y: Saved;
}[];
const arrayOf = ({ shape, data }: Saved) => NDArray.from(Float64Array.from(data)).reshape(...shape);

const made: Record<string, (name: string) => Layer<any>> = {
  linear: (name) => layers.dense({ name, units: 4 }),
  embedding: (name) => layers.embedding({ name, inputDim: 7, outputDim: 4 }),
  rnn: (name) => layers.simpleRNN({ name, units: 4 }),
  lstm: (name) => layers.lstm({ name, units: 4 }),
  'lstm without bias': (name) => layers.lstm({ name, units: 4, useBias: false }),
  gru: (name) => layers.gru({ name, units: 4 }),
  'bidirectional gru': (name) => layers.bidirectional({ name, layer: layers.gru({ units: 4 }) }),
  conv1d: (name) => layers.conv1d({ name, filters: 4, kernelSize: 2 }),
  conv2d: (name) => layers.conv2d({ name, filters: 4, kernelSize: [2, 3] }),
  'layer norm': (name) => layers.layerNormalization({ name }),
  'batch norm': (name) => layers.batchNormalization({ name }),
};

function network(name: string, layer: string, shape: readonly number[]): Model {
  const x = input({ shape, dtype: name === 'embedding' ? 'int32' : 'float32' });
  const attention = () => layers.multiHeadAttention({ name: layer, numHeads: 2, keyDim: 3 }).apply([x, x]);
  const y = name === 'attention' ? attention() : made[name](layer).apply(x as any);
  return new Model({ inputs: x, outputs: y as any, dtype: 'float64', seed: 1 });
}

for (const { name, layer, state, x, y } of cases)
  test(`${name}: PyTorch's weights give its numbers`, (t) => {
    const net = network(name, layer, x.shape.slice(1));
    const tensors = Object.fromEntries(Object.entries(state).map(([key, value]) => [key, arrayOf(value)]));
    net.setWeights(layouts.pytorch(net, tensors));
    const got = net.predictSync(arrayOf(x) as any) as NDArray;
    t.deepEqual([...got.shape], y.shape);
    const d = difference(got.data, y.data);
    t.true(d < 1e-12, `${d}`);
  });

const weightsOf = (net: Model) => {
  const r = new RandomState(3);
  return net.getWeights().map((w) => r.normal(0, 1, [...w.shape]) as NDArray);
};

test("Keras' paths name the weights", (t) => {
  const net = sequential({
    layers: [
      layers.bidirectional({ name: 'both', layer: layers.lstm({ name: 'lstm_3', units: 2 }), inputShape: [4, 3] }),
      layers.batchNormalization({ name: 'norm' }),
      layers.dense({ name: 'head', units: 1 }),
    ],
  });
  const weights = weightsOf(net);
  const cell = (direction: string) =>
    ['kernel', 'recurrent_kernel', 'bias'].map((name) => `both/${direction}_lstm_3/lstm_cell/${name}`);
  const paths = [
    ...cell('forward'),
    ...cell('backward'),
    ...['gamma', 'beta', 'moving_mean', 'moving_variance'].map((name) => `norm/${name}`),
    'head/kernel:0',
    'head/bias:0',
  ];
  const tensors = Object.fromEntries(paths.map((path, i) => [path, weights[i]]));
  t.deepEqual(layouts.keras(net, tensors), weights);
  const { 'head/kernel:0': _, ...rest } = tensors;
  t.throws(() => layouts.keras(net, rest), { message: /Expected tensors to hold 'head\/kernel' of shape \[4, 1\]/ });
  t.deepEqual(layouts.keras(net, rest, { partial: true })[10], net.getWeights()[10]);
});

test('networks within networks, parts of networks, and what does not fit', (t) => {
  const inner = sequential({ layers: [layers.dense({ name: 'a', units: 3, inputShape: [2] })], name: 'encoder' });
  const net = sequential({ layers: [inner, layers.dense({ name: 'head', units: 1 })] });
  const tensors = {
    'encoder.a.weight': [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    'encoder.a.bias': [7, 8, 9],
    'head.weight': [[1, 1, 1]],
    'head.bias': [0],
    'head.num_batches_tracked': 3 as any,
  };
  const [kernel, bias] = layouts.pytorch(net, tensors);
  t.deepEqual(kernel.toArray(), [
    [1, 3, 5],
    [2, 4, 6],
  ]);
  t.deepEqual(bias.toArray(), [7, 8, 9]);
  const encoder = { 'encoder.a.weight': tensors['encoder.a.weight'], 'encoder.a.bias': tensors['encoder.a.bias'] };
  t.throws(() => layouts.pytorch(net, encoder), {
    message: /Expected tensors to hold 'head.weight' of shape \[1, 3\], got/,
  });
  t.deepEqual(layouts.pytorch(net, encoder, { partial: true })[2], net.getWeights()[2]);
  t.throws(() => layouts.pytorch(net, { ...tensors, 'tail.weight': [1] }), { message: /but 'tail.weight' is not/ });
  t.throws(() => layouts.pytorch(net, { ...tensors, 'head.weight': [[1, 1]] }), {
    message: /tensors\['head.weight'\] .*of shape \[1, 3\], got shape \[1, 2\]/,
  });
  t.throws(() => layouts.pytorch(net, 3 as any), {
    message: /Expected tensors to be an object of arrays by name, got 3/,
  });
  const old = sequential({ layers: [layers.gru({ name: 'cell', units: 2, resetAfter: false, inputShape: [2, 2] })] });
  t.throws(() => layouts.pytorch(old, { 'cell.weight_ih_l0': [1] }), {
    message: /to have resetAfter true, as PyTorch's GRU/,
  });
});
