// Batch normalization of masked steps, beside real Keras.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { type Layer, layers, NDArray, optimizers, RandomState, sequential } from 'fjordnet';
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

function network(name: string, dtype: 'float64' | 'float32') {
  const parts: Layer<any>[] = name.startsWith('ids')
    ? [
        layers.embedding({ inputDim: 6, outputDim: 3, maskZero: true, inputShape: [5] }),
        normal(),
        layers.dense({ units: 2 }),
      ]
    : [
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
