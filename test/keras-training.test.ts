import { readFileSync } from 'node:fs';
import test from 'ava';
import { callbacks, layers, NDArray, optimizers, sequential } from 'fjordnet';
import { difference } from './helpers/replay.js';

interface Case {
  layers: ({ type: keyof typeof layers } & Record<string, unknown>)[];
  optimizer: { name: keyof typeof optimizers } & Record<string, unknown>;
  data: 'rows' | 'images';
  epochs: number;
  callbacks: object[];
  validation: boolean;
  /** The weights before and after. */
  start: number[][];
  final: number[][];
  history: Record<string, number[]>;
}
const { data, cases } = JSON.parse(
  readFileSync(new URL('../test/fixtures/keras-training.json', import.meta.url), 'utf8'),
) as { data: Record<string, { shape: number[]; data: number[] }[]>; cases: Case[] };

for (const c of cases)
  test(`${JSON.stringify([c.layers, c.optimizer, c.epochs, c.callbacks])} is the real Keras' training`, async (t) => {
    const [x, y] = data[c.data].map(({ shape, data }) => NDArray.from(data, { shape }));
    const model = sequential({
      layers: c.layers.map(({ type, ...options }, i) =>
        (layers[type] as (options: object) => ReturnType<typeof layers.dense>)({
          ...options,
          ...(i === 0 ? { inputShape: x.shape.slice(1) } : {}),
        }),
      ),
      dtype: 'float64',
      seed: 0,
    });
    const { name, ...options } = c.optimizer;
    model.compile({ optimizer: (optimizers[name] as typeof optimizers.sgd)(options), loss: 'meanSquaredError' });
    model.setWeights(model.getWeights().map(({ shape }, i) => NDArray.from(c.start[i], { shape })));
    const validationData = [x.take([0, 1, 2, 3]), y.take([0, 1, 2, 3])] as const;
    const { history } = await model.fit(x, y, {
      batchSize: 4,
      epochs: c.epochs,
      shuffle: false,
      callbacks: c.callbacks.map((options) => callbacks.swapEmaWeights(options)),
      ...(c.validation ? { validationData } : {}),
    });
    for (const [i, w] of model.getWeights().entries()) {
      const off = difference(w.data, c.final[i]);
      t.true(off <= 1e-12, `weight ${i}: ${off}`);
    }
    t.deepEqual(Object.keys(history).sort(), Object.keys(c.history).sort());
    for (const key of Object.keys(history)) t.true(difference(history[key], c.history[key]) <= 1e-12, key);
  });
