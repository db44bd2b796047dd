import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import {
  type Initializer,
  initializers,
  input,
  layers,
  Model,
  NDArray,
  RandomState,
  Sequential,
  sequential,
} from 'fjordnet';
import { getInitializer } from '../dist/initializers.js';
import { difference } from './helpers/replay.js';

const cases = JSON.parse(readFileSync(new URL('../test/fixtures/orthogonal.json', import.meta.url), 'utf8')) as {
  seed: number;
  shape: number[];
  values: number[];
}[];

test("orthogonal is Keras' formula on NumPy's draws", (t) => {
  for (const { seed, shape, values } of cases) {
    const w = initializers.orthogonal()(shape, new RandomState(seed));
    t.deepEqual(w.shape, shape);
    t.true(difference(w.data, values) <= 1e-12, `[${shape}]: ${difference(w.data, values)}`);
    const tripled = initializers.orthogonal({ gain: -3, seed })(shape, new RandomState(99));
    t.deepEqual(
      Array.from(tripled.data),
      Array.from(w.data, (v) => -3 * v),
    );
  }
});

test('orthogonal: columns, or rows where these are fewer, are orthonormal', (t) => {
  const size = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(size, size, fc.integer({ min: 0, max: 2 ** 32 - 1 }), (rows, columns, seed) => {
      const w = initializers.orthogonal()([rows, columns], new RandomState(seed));
      const at = (i: number, k: number) => (rows < columns ? w.data[k * columns + i] : w.data[i * columns + k]);
      const [m, n] = [Math.max(rows, columns), Math.min(rows, columns)];
      for (let a = 0; a < n; a++)
        for (let b = 0; b <= a; b++) {
          let product = 0;
          for (let i = 0; i < m; i++) product += at(i, a) * at(i, b);
          if (Math.abs(product - Number(a === b)) > 1e-12) return false;
        }
      return true;
    }),
  );
  t.pass();
});

test('orthogonal matrices point everywhere alike: the mean of their entries is 0', (t) => {
  const random = new RandomState(0);
  const mean = new Float64Array(9);
  for (let i = 0; i < 4000; i++)
    initializers
      .orthogonal()([3, 3], random)
      .data.forEach((v, k) => (mean[k] += v / 4000));
  t.true(
    mean.every((v) => Math.abs(v) < 5 * Math.sqrt(1 / 3 / 4000)),
    `${mean}`,
  ); // variance 1/3 each
});

test('identity', (t) => {
  const random = new RandomState(0);
  t.deepEqual(initializers.identity({ gain: 2 })([2, 3], random).toArray(), [
    [2, 0, 0],
    [0, 2, 0],
  ]);
  t.deepEqual(initializers.identity()([3, 2], random).toArray(), [
    [1, 0],
    [0, 1],
    [0, 0],
  ]);
});

test('varianceScaling is what the named ones are cases of, draw for draw', (t) => {
  const same: [Initializer, Parameters<typeof initializers.varianceScaling>[0]][] = [
    [initializers.glorotUniform(), { mode: 'fanAvg', distribution: 'uniform' }],
    [initializers.glorotNormal(), { mode: 'fanAvg' }],
    [initializers.heUniform(), { scale: 2, distribution: 'uniform' }],
    [initializers.heNormal(), { scale: 2, distribution: 'normal' }],
    [initializers.leCunUniform(), { distribution: 'uniform' }],
    [initializers.leCunNormal(), {}],
  ];
  for (const [named, options] of same)
    for (const shape of [[7], [4, 9], [3, 3, 2, 8]])
      t.deepEqual(initializers.varianceScaling(options)(shape, new RandomState(1)), named(shape, new RandomState(1)));
});

test('varianceScaling has the variance scale / fan', (t) => {
  const fan = { fanIn: 200, fanOut: 300, fanAvg: 250 };
  for (const distribution of ['truncatedNormal', 'untruncatedNormal', 'uniform'] as const)
    for (const mode of ['fanIn', 'fanOut', 'fanAvg'] as const) {
      const w = initializers.varianceScaling({ scale: 3, mode, distribution })([200, 300], new RandomState(0));
      const variance = Array.from(w.data).reduce((total, v) => total + v * v, 0) / w.size;
      t.true(Math.abs(variance / (3 / fan[mode]) - 1) < 0.03, `${distribution} ${mode}: ${variance}`);
      const largest = Array.from(w.data).reduce((most, v) => Math.max(most, Math.abs(v)), 0) / Math.sqrt(3 / fan[mode]);
      const bound = { truncatedNormal: 2 / 0.8796, untruncatedNormal: 6, uniform: Math.sqrt(3) }[distribution];
      t.true(largest <= bound && largest > bound * (distribution === 'untruncatedNormal' ? 0.6 : 0.99), `${largest}`);
    }
});

// Keras 3.15 takes the axes of EinsumDense's kernels apart: [40, 6, 20] has 40 inputs and 120 outputs, [6, 10, 40] 60 and 40
test('the kernels of attention have the variance of matrices, as in Keras', (t) => {
  const kernelsOf = (kernelInitializer: Initializer | 'glorotUniform') => {
    const x = input({ shape: [5, 40] });
    const attention = layers.multiHeadAttention({
      numHeads: 6,
      keyDim: 20,
      valueDim: 10,
      useBias: false,
      kernelInitializer,
    });
    const network = new Model({ inputs: x, outputs: attention.apply([x, x]), seed: 1, dtype: 'float64' });
    return network.getWeights();
  };
  const shapes = [
    [40, 6, 20],
    [40, 6, 20],
    [40, 6, 10],
    [6, 10, 40],
  ];
  const matrices = [
    [40, 120],
    [40, 120],
    [40, 60],
    [60, 40],
  ];
  const random = new RandomState(0);
  for (const make of [initializers.glorotUniform, initializers.heNormal, initializers.varianceScaling])
    for (const [i, kernel] of kernelsOf(make({ seed: 3 })).entries()) {
      t.deepEqual(kernel.shape, shapes[i]);
      t.deepEqual([...kernel.data], [...make({ seed: 3 })(matrices[i], random).data]);
    }
  const limits = kernelsOf('glorotUniform').map(({ data }) => Math.max(...data.map(Math.abs)));
  for (const [i, [inputs, outputs]] of matrices.entries()) {
    const limit = Math.sqrt(6 / (inputs + outputs));
    t.true(limits[i] <= limit && limits[i] > 0.99 * limit);
  }
  // those that do not count inputs have the weight's own axes
  for (const [i, kernel] of kernelsOf(initializers.orthogonal({ seed: 3 })).entries())
    t.deepEqual([...kernel.data], [...initializers.orthogonal({ seed: 3 })(shapes[i], random).data]);
});

test('a network has them by name, and saves them', async (t) => {
  const model = sequential({
    layers: [
      layers.conv2d({ filters: 3, kernelSize: 2, kernelInitializer: 'orthogonal', inputShape: [4, 4, 1] }),
      layers.flatten(),
      layers.dense({ units: 4, kernelInitializer: initializers.varianceScaling({ mode: 'fanOut' }) }),
      layers.dense({ units: 4, kernelInitializer: initializers.identity({ gain: 0.5 }) }),
    ],
    seed: 1,
  });
  t.deepEqual(
    model.getWeights()[4],
    NDArray.from([0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5], { shape: [4, 4], dtype: 'float32' }),
  );
  for (const layer of model.layers) {
    const { kernelInitializer } = layer.getConfig();
    if (kernelInitializer)
      t.deepEqual(
        getInitializer('kernelInitializer', JSON.parse(JSON.stringify(kernelInitializer))).config,
        kernelInitializer,
      );
  }
  t.throws(
    () =>
      new Sequential({ layers: [layers.dense({ units: 1, biasInitializer: 'orthogonal', inputShape: [1] })] }).build([
        1,
      ]),
    {
      message: "Expected a weight with the initializer 'orthogonal' to be of two dimensions or more, got shape [1]",
    },
  );
});

test('wrong initializers are refused in one sentence', (t) => {
  const refused = (run: () => unknown, message: string | RegExp) => t.throws(run, { message });
  refused(() => initializers.varianceScaling({ scale: 0 }), 'Expected scale to be a positive number, got 0 (number)');
  refused(
    () => initializers.varianceScaling({ mode: 'fan_in' as 'fanIn' }),
    /^Expected mode to be one of .*did you mean 'fanIn'\?/,
  );
  refused(
    () => initializers.varianceScaling({ distribution: 'gauss' as 'normal' }),
    /^Expected distribution to be one of /,
  );
  refused(() => initializers.orthogonal({ gain: Number.NaN }), 'Expected gain to be a finite number, got NaN (number)');
  refused(() => initializers.orthogonal({ seed: -1 }), /^Expected seed to be /);
  refused(() => initializers.identity({ seed: 1 } as object), /no option 'seed'/);
  refused(
    () => initializers.identity()([2, 2, 2], new RandomState(0)),
    "Expected a weight with the initializer 'identity' to be of two dimensions, got shape [2, 2, 2]",
  );
});
