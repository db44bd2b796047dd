// PyTorch's state_dict as a safetensors file, written and read.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { importBytes, input, layers, layouts, type Model, model, NDArray, RandomState, sequential } from 'fjordnet';
import { formatSafetensors, parseSafetensors, readSafetensors, type Tensor } from '../dist/io/safetensors.js';
import { pythonWith, runPython } from './helpers/python.js';
import { difference } from './helpers/replay.js';

const home = mkdtempSync(join(tmpdir(), 'fjordnet-torch-'));
test.after.always(() => rmSync(home, { recursive: true }));

interface Case {
  readonly net: () => Model;
  /** The module, and what it makes of x, in PyTorch. */
  readonly python: string;
}

const permute = (call: string) => `${call}(x.movedim(-1, 1)).movedim(1, -1)`;
const cases: Record<string, Case> = {
  dense: {
    net: () =>
      sequential({
        layers: [
          layers.dense({ units: 5, activation: 'relu', inputShape: [4] }),
          layers.dense({ units: 3, activation: 'softmax' }),
        ],
      }),
    python: `
        self.dense, self.dense_1 = nn.Linear(4, 5), nn.Linear(5, 3)
    def forward(self, x): return self.dense_1(self.dense(x).relu()).softmax(-1)`,
  },
  images: {
    net: () =>
      sequential({
        layers: [
          layers.conv2d({ filters: 4, kernelSize: [2, 3], name: 'conv', inputShape: [7, 8, 2] }),
          layers.batchNormalization({ name: 'norm' }),
          layers.prelu({ name: 'act', sharedAxes: [1, 2] }),
          layers.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2, name: 'depth' }),
          layers.conv2d({ filters: 6, kernelSize: 1, groups: 2, name: 'groups' }),
          layers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, name: 'up' }),
          layers.flatten(),
          layers.dense({ units: 3, name: 'head' }),
        ],
      }),
    python: `
        self.conv, self.norm, self.act = nn.Conv2d(2, 4, (2, 3)), nn.BatchNorm2d(4, eps=1e-3), nn.PReLU(4)
        self.depth, self.groups = nn.Conv2d(4, 8, 2, groups=4), nn.Conv2d(8, 6, 1, groups=2)
        self.up, self.head = nn.ConvTranspose2d(6, 3, 3, stride=2), nn.Linear(11 * 11 * 3, 3)
    def forward(self, x):
        x = self.act(self.norm(self.conv(x.permute(0, 3, 1, 2))))
        return self.head(self.up(self.groups(self.depth(x))).permute(0, 2, 3, 1).flatten(1))`,
  },
  sequences: {
    net: () =>
      sequential({
        layers: [
          layers.conv1d({ filters: 4, kernelSize: 2, name: 'conv', inputShape: [9, 3] }),
          layers.bidirectional({ name: 'both', layer: layers.lstm({ units: 5, returnSequences: true }) }),
          layers.gru({ units: 6, returnSequences: true, name: 'gru' }),
          layers.simpleRNN({ units: 4, useBias: false, returnSequences: true, name: 'rnn' }),
          layers.layerNormalization({ name: 'norm' }),
          layers.timeDistributed({ name: 'each', layer: layers.dense({ units: 2 }) }),
        ],
      }),
    python: `
        self.conv, self.both = nn.Conv1d(3, 4, 2), nn.LSTM(4, 5, batch_first=True, bidirectional=True)
        self.gru, self.rnn = nn.GRU(10, 6, batch_first=True), nn.RNN(6, 4, bias=False, batch_first=True)
        self.norm, self.each = nn.LayerNorm(4, eps=1e-3), nn.Linear(4, 2)
    def forward(self, x):
        return self.each(self.norm(self.rnn(self.gru(self.both(${permute('self.conv')})[0])[0])[0]))`,
  },
  attention: {
    net: () => {
      const x = input({ shape: [5, 6] });
      const h = layers.multiHeadAttention({ name: 'attention', numHeads: 2, keyDim: 3 }).apply([x, x]);
      const inner = sequential({ name: 'inner', layers: [layers.dense({ units: 2, name: 'a', inputShape: [5, 6] })] });
      return model({ inputs: x, outputs: inner.apply(layers.add().apply([x, h as never])) });
    },
    python: `
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.inner = nn.Sequential()
        self.inner.add_module('a', nn.Linear(6, 2))
    def forward(self, x): return self.inner(x + self.attention(x, x, x)[0])`,
  },
};

/** With numbers everywhere, variances positive. */
function made({ net }: Case): Model {
  const own = net();
  const r = new RandomState(7);
  const values = own.weightNames.map((name, i) => {
    const array = r.normal(0, 0.5, [...own.getWeights()[i].shape]) as NDArray;
    if (/Variance$/.test(name)) for (let k = 0; k < array.size; k++) array.data[k] = array.data[k] ** 2 + 0.1;
    return array;
  });
  own.setWeights(values);
  return own;
}

const dataFor = (net: Model) => new RandomState(9).normal(0, 1, [3, ...net.inputs[0].shape]) as NDArray;

const python = pythonWith('torch', 'safetensors');
const run = `
import json, sys, torch
from torch import nn
from safetensors.torch import load_file
path, x, shape, body = sys.argv[1:]
scope = {'nn': nn, 'torch': torch}
exec('class Net(nn.Module):\\n    def __init__(self):\\n        super().__init__()' + body, scope)
net = scope['Net']()
net.load_state_dict(load_file(path))  # strict: the names are exactly those
net.eval()
y = net(torch.tensor(json.loads(x)).reshape(json.loads(shape)))
print(json.dumps(y.detach().reshape(-1).tolist()))
`;

for (const [name, own] of Object.entries(cases))
  test(`${name}: PyTorch loads what was written and gives its numbers, and it is read back with the same bits`, async (t) => {
    const net = made(own);
    const path = join(home, `${name}.safetensors`);
    await net.export(path, { format: 'safetensors-torch' });
    const other = own.net();
    const { loaded, skipped } = await other.loadWeights(path, { layout: 'pytorch' });
    t.deepEqual([...loaded], net.weightNames);
    t.deepEqual(skipped, []);
    t.deepEqual(other.getWeights(), net.getWeights());
    if (!python) return t.log('no Python with torch and safetensors here: FJORDNET_TEST_PYTHON names one');
    const x = dataFor(net);
    const args = [JSON.stringify([...x.data]), JSON.stringify(x.shape)];
    const y = runPython(python, run, path, ...args, own.python);
    const d = difference((net.predictSync(x as never) as NDArray).data, y);
    t.true(d < 1e-6, `${d}`);
  });

test('modules may have names of their own, networks within networks too', async (t) => {
  const inner = sequential({ layers: [layers.dense({ name: 'a', units: 3, inputShape: [2] })], name: 'encoder' });
  const net = sequential({ layers: [inner, layers.dense({ name: 'head', units: 1 })] });
  const names = { 'encoder.a': '0', head: '2' };
  const bytes = await net.exportBytes({ format: 'safetensors-torch', names });
  const { tensors, metadata } = parseSafetensors(bytes);
  t.deepEqual([...tensors.keys()], ['0.weight', '0.bias', '2.weight', '2.bias']);
  t.deepEqual([...metadata], [['format', 'pt']]);
  t.deepEqual(tensors.get('0.weight')?.shape, [3, 2]);
  const record = Object.fromEntries(
    [...tensors].map(([name, { shape, data }]) => [name, NDArray.from(data as never, { shape })]),
  );
  t.deepEqual(layouts.pytorch(net, record, { names }), net.getWeights());
  const path = join(home, 'names.safetensors');
  writeFileSync(path, bytes);
  const before = net.getWeights();
  net.setWeights(before.map((w) => NDArray.zeros(w.shape)));
  t.deepEqual((await net.loadWeights(path, { layout: 'pytorch', byName: true, names: { head: '2' } })).skipped, [
    'encoder/a/kernel',
    'encoder/a/bias',
  ]);
  t.deepEqual(net.getWeights().slice(2), before.slice(2));
  await t.throwsAsync(net.loadWeights(path, { layout: 'pytorch' }), {
    code: 'ERR_FORMAT',
    message: /Expected tensors to hold 'encoder.a.weight' of shape \[3, 2\], got 0\.weight, /,
  });
  const wrong = (own: object) => net.exportBytes({ format: 'safetensors-torch', names: own as never });
  await t.throwsAsync(wrong({ heads: '1' }), { message: /a layer in names to be one of 'encoder.a', 'head'/ });
  await t.throwsAsync(wrong({ head: 1 }), { message: "Expected names['head'] to be a string, got 1 (number)" });
  await t.throwsAsync(wrong({ head: 'x', 'encoder.a': 'x' }), { message: /names to be different for each layer/ });
});

test('what PyTorch has no module for is refused by name, before a file is written', async (t) => {
  const of = (...list: any[]) => sequential({ layers: list }).exportBytes({ format: 'safetensors-torch' });
  const inputShape = [6, 6, 2];
  await t.throwsAsync(of(layers.separableConv2d({ name: 'sep', filters: 2, kernelSize: 2, inputShape })), {
    message: /^Expected 'sep' to be a layer that PyTorch has a module for, got SeparableConv2D \(format 'onnx' holds/,
  });
  await t.throwsAsync(of(layers.prelu({ name: 'p', inputShape })), {
    message: /'p' to have one alpha for each channel/,
  });
  await t.throwsAsync(of(layers.gru({ name: 'g', units: 2, resetAfter: false, inputShape: [3, 2] })), {
    message: /'g' to have resetAfter true, as PyTorch's GRU/,
  });
  await t.throwsAsync(of(layers.layerNormalization({ name: 'l', scale: false, inputShape })), {
    message: /'l' to have a scale where it has a center/,
  });
  await t.throwsAsync(
    sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] }).export(join(home, 'x.safetensors')),
    {
      message: /format/,
    },
  );
});

test('floats of 16 bits are read as float32, with the same values', async (t) => {
  const { tensors } = await readSafetensors(new URL('../test/fixtures/torch-half.safetensors', import.meta.url));
  const halves = [...tensors].filter(([name]) => /^b?float16/.test(name) && !/num_batches/.test(name));
  t.is(halves.length, 18);
  for (const [name, { shape, data }] of halves) {
    const wanted = tensors.get(`float32.${name}`) as Tensor;
    t.true(data instanceof Float32Array, name);
    t.deepEqual([shape, [...(data as Float32Array)]], [wanted.shape, [...(wanted.data as Float32Array)]], name);
  }
  const net = sequential({
    layers: [
      layers.dense({ units: 4, name: '0', inputShape: [3] }),
      layers.batchNormalization({ name: '1' }),
      layers.dense({ units: 2, name: '2' }),
    ],
  });
  const path = new URL('../test/fixtures/torch-half.safetensors', import.meta.url);
  const names = Object.fromEntries(['0', '1', '2'].map((name) => [name, `bfloat16.${name}`]));
  const { loaded } = await net.loadWeights(path, { layout: 'pytorch', names, byName: true });
  t.is(loaded.length, 8);
  t.deepEqual([...net.getWeights()[1].data], [...(tensors.get('float32.bfloat16.0.bias') as Tensor).data].map(Number));
});

test('a state_dict is told from a network, and our own files are imported', async (t) => {
  const net = made(cases.dense);
  const dict = await net.exportBytes({ format: 'safetensors-torch' });
  await t.throwsAsync(importBytes(dict), { code: 'ERR_FORMAT', message: /of format 'pt'; weights of another library/ });
  await t.throwsAsync(importBytes(Buffer.concat(formatSafetensors([]))), { message: /without a format/ });
  const same = await importBytes(net.toBytes());
  t.deepEqual(same.getWeights(), net.getWeights());
  const wide = await importBytes(net.toBytes(), { dtype: 'float64' });
  t.is(wide.dtype, 'float64');
  t.deepEqual([...wide.getWeights()[0].data], [...net.getWeights()[0].data]);
});

test('what is not finite, and options that do not belong together, are refused', async (t) => {
  const net = sequential({ layers: [layers.dense({ units: 1, name: 'd', inputShape: [1] })] });
  const path = join(home, 'nan.safetensors');
  const tensors: [string, Tensor][] = [
    ['d.weight', { shape: [1, 1], data: Float32Array.of(Number.NaN) }],
    ['d.bias', { shape: [1], data: Float32Array.of(1) }],
  ];
  writeFileSync(path, Buffer.concat(formatSafetensors(tensors)));
  await t.throwsAsync(net.loadWeights(path, { layout: 'pytorch' }), {
    code: 'ERR_FORMAT',
    message: /weight 'd\/kernel'/,
  });
  await net.loadWeights(path, { layout: 'pytorch', allowNonFinite: true });
  t.true(Number.isNaN(net.getWeights()[0].data[0]));
  await t.throwsAsync(net.loadWeights(path, { layout: 'torch' as never }), {
    message: /layout to be one of 'pytorch', 'keras'/,
  });
  await t.throwsAsync(net.loadWeights(path, { layout: 'pytorch', skipMismatch: true }), { message: /skipMismatch/ });
  await t.throwsAsync(net.loadWeights(path, { names: {} }), { message: /names/ });
});
