// Batch normalization of masked steps, beside real Keras.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { input, type Layer, layers, model, NDArray, optimizers, RandomState, sequential, type Value } from 'fjordnet';
import { difference } from './helpers/replay.js';

interface Case {
  readonly name: string;
  readonly x: number[][] | number[][][];
  readonly y: number[][] | number[][][];
  readonly before: (number[] | number[][])[];
  readonly losses: number[];
  readonly after: (number[] | number[][])[];
  readonly predictions: number[][] | number[][][];
}
const { cases, momentum, epsilon, rate } = JSON.parse(
  readFileSync(new URL('../test/fixtures/masked-normalization.json', import.meta.url), 'utf8'),
) as { cases: Case[]; momentum: number; epsilon: number; rate: number };

const flat = (values: unknown): number[] => (values as number[]).flat(9);
const normal = (options = {}) => layers.batchNormalization({ momentum, epsilon, ...options });

const each = (inputShape: number[], ...parts: Layer<any>[]) =>
  layers.timeDistributed({ layer: parts.length === 1 ? parts[0] : sequential({ layers: parts }), inputShape });
const ofEach = () => [
  each([6, 3], normal()),
  each([6, 3], layers.dense({ units: 4, activation: 'tanh' }), normal(), layers.dense({ units: 3 })),
  layers.gru({ units: 3 }),
  layers.dense({ units: 2 }),
];
const networks: Record<string, () => Layer<any>[]> = {
  ids: () => [
    layers.embedding({ inputDim: 6, outputDim: 3, maskZero: true, inputShape: [5] }),
    normal(),
    layers.dense({ units: 2 }),
  ],
  'each step': ofEach,
  'each masked step': () => [layers.masking({ inputShape: [6, 3] }), ...ofEach()],
  'each of frames': () => [
    each(
      [3, 3, 4, 2],
      layers.conv2d({ filters: 3, kernelSize: 2 }),
      normal(),
      layers.globalAveragePooling2d(),
      normal(),
    ),
    layers.dense({ units: 2 }),
  ],
};

function network(name: string, dtype: 'float64' | 'float32') {
  const parts: Layer<any>[] = networks[name]?.() ?? [
    layers.masking({ inputShape: [6, 3] }),
    normal(),
    layers.dense({ units: 4, activation: 'tanh' }),
    normal({ center: false, scale: false }),
    layers.gru({ units: 3 }),
    layers.dense({ units: 2 }),
  ];
  const net = sequential({ layers: parts, dtype });
  net.compile({ optimizer: optimizers.sgd({ learningRate: rate }), loss: 'meanSquaredError' });
  return net;
}

for (const [dtype, allowed] of [
  ['float64', 1e-11],
  ['float32', 2e-5],
] as const)
  for (const one of cases)
    test(`${one.name}: Keras' losses, weights and predictions, ${dtype}`, (t) => {
      const net = network(one.name, dtype);
      net.setWeights(one.before.map((w) => NDArray.from(w)));
      const x = NDArray.from(one.x, { dtype: one.name.startsWith('ids') ? 'int32' : 'float64' });
      const losses = one.losses.map(() => net.trainOnBatch(x, NDArray.from(one.y)).loss);
      const got = [losses, ...net.getWeights().map(({ data }) => data), net.predictSync(x).data];
      const want = [one.losses, ...one.after, one.predictions].map(flat);
      t.is(got.length, want.length);
      for (const [k, values] of want.entries())
        t.true(difference(got[k] as number[], values) < allowed, `${k}: ${difference(got[k] as number[], values)}`);
    });

test('what a step holds that is hidden counts nothing within timeDistributed, in any form of the mask', async (t) => {
  const r = new RandomState(6);
  const [x, y] = [r.randn(6, 4, 2, 3), r.randn(6, 4, 2, 1)];
  const words = NDArray.from(
    Array.from({ length: 6 }, (_, i) => [
      [1, 1],
      [1, i % 2],
      [Number(i < 3), 0],
      [1, 0],
    ]),
  );
  const of = (each: (steps: Value) => Value) => {
    const [steps, counts] = [input({ shape: [4, 2, 3] }), input({ shape: [4, 2] })];
    const outputs = each(layers.masking().apply([steps, counts] as never) as Value);
    const net = model({ inputs: [steps, counts], outputs, dtype: 'float64', seed: 2 });
    net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    return net;
  };
  const net = of(
    (h) => layers.dense({ units: 1 }).apply(layers.timeDistributed({ layer: normal() }).apply(h)) as Value,
  );
  const hidden = NDArray.from(x.data.slice(), { shape: x.shape });
  for (const [i, counts] of words.data.entries())
    if (!counts) (hidden.data as Float64Array).fill(1e3, i * 3, i * 3 + 3);
  const start = net.getWeights();
  await net.fit([x, words], y, { epochs: 2, shuffle: false });
  const after = net.getWeights();
  net.setWeights(start);
  await net.fit([hidden, words], y, { epochs: 2, shuffle: false });
  for (const [k, { data }] of net.getWeights().entries())
    t.true(difference(data, after[k].data) < 1e-12, `weight ${k}`);
});

test('within timeDistributed of timeDistributed each step is normalized by itself, by the gradient of its formula', async (t) => {
  const x = new RandomState(7).randn(5, 2, 3, 2);
  const y = new RandomState(8).randn(5, 2, 3, 2);
  const nested = (layer: Layer<any>) =>
    layers.timeDistributed({ layer: layers.timeDistributed({ layer }), inputShape: [2, 3, 2] });
  const flat = (layer: Layer<any>) => [
    layers.reshape({ targetShape: [6, 2], inputShape: [2, 3, 2] }),
    layers.timeDistributed({ layer }),
    layers.reshape({ targetShape: [2, 3, 2] }),
  ];
  const [a, b] = [[nested(normal())], flat(normal())].map((parts) => {
    const net = sequential({ layers: parts, dtype: 'float64' });
    net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    return net;
  });
  t.deepEqual(await a.gradients(x, y), await b.gradients(x, y));
  t.deepEqual(a.trainOnBatch(x, y), b.trainOnBatch(x, y));
  t.deepEqual(
    a.getWeights().map(({ data }) => data),
    b.getWeights().map(({ data }) => data),
  );
});

test('steps that are hidden count nothing, whatever they hold', (t) => {
  const r = new RandomState(4);
  const [short, y] = [r.randn(5, 3, 3), r.randn(5, 3, 2)];
  const of = (steps: number) => {
    const parts = [layers.masking({ maskValue: 7, inputShape: [steps, 3] }), normal(), layers.dense({ units: 2 })];
    const net = sequential({ layers: parts, dtype: 'float64', seed: 1 });
    net.compile({ optimizer: 'adam', loss: 'meanAbsoluteError' });
    return net;
  };
  const longer = (rows: NDArray, fill: number) => {
    const [n, steps, width] = rows.shape;
    const out = NDArray.zeros([n, 5, width]);
    (out.data as Float64Array).fill(fill);
    for (let i = 0; i < n; i++)
      (out.data as Float64Array).set(rows.data.subarray(i * steps * width, (i + 1) * steps * width), i * 5 * width);
    return out;
  };
  const [whole, padded] = [of(3), of(5)];
  for (let step = 0; step < 3; step++) {
    whole.trainOnBatch(short, y);
    padded.trainOnBatch(longer(short, 7), longer(y, 100));
  }
  for (const [k, { data }] of whole.getWeights().entries())
    t.true(difference(padded.getWeights()[k].data, data) < 1e-6, `weight ${k}`);
});
