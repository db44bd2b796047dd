import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import {
  getThreads,
  type Layer,
  layers,
  NDArray,
  ops,
  optimizers,
  RandomState,
  Sequential,
  sequential,
  setThreads,
  type Value,
} from 'fjordnet';
import { expand } from '../dist/graph/expand.js';
import { graphOf } from '../dist/graph/graph.js';
import { placeholder } from '../dist/graph/value.js';
import { evaluate } from './helpers/graph.js';
import { difference } from './helpers/replay.js';

type Shape = readonly number[];
interface Full {
  shape: number[];
  data: number[];
}
interface Golden {
  layer: keyof typeof layers;
  options: object;
  x: Full;
  y: Full;
  learningRate: number;
  weights: Full[];
  predicted: [Full];
  losses: number[];
  weights_after: Full[];
  predicted_after: [Full];
}
const golden = JSON.parse(readFileSync(new URL('../test/fixtures/recurrent.json', import.meta.url), 'utf8')) as {
  layers: Golden[];
};
const DTYPES = ['float64', 'float32'] as const;

const array = ({ shape, data }: Full) => NDArray.from(data, { shape });
const normal = (r: RandomState, shape: Shape) => r.normal(0, 1, [...shape]) as NDArray;
const make = (name: keyof typeof layers, options: object) => (layers[name] as (options: object) => Layer)(options);
const plain = (layer: Layer) => JSON.parse(JSON.stringify(layer.getConfig()));

/** Of any of these numbers of threads, which give the same bits. */
function withThreads<R>(t: ExecutionContext, run: () => R): R {
  const before = getThreads();
  const runs = [1, 2, 3].map((threads) => {
    setThreads(threads);
    return run();
  });
  setThreads(before);
  t.deepEqual(runs[1], runs[0]);
  t.deepEqual(runs[2], runs[0]);
  return runs[0];
}

for (const one of golden.layers.filter(({ layer }) => !/rnn|lstm|gru/i.test(layer)))
  for (const dtype of DTYPES)
    test(`${dtype}: ${one.layer} ${JSON.stringify(one.options)} is trained as by Keras`, (t) => {
      const { losses, weights, predicted, before } = withThreads(t, () => {
        const inputShape = one.x.shape.slice(1);
        const model = sequential({ layers: [make(one.layer, { ...one.options, inputShape })], dtype, seed: 1 });
        const optimizer = optimizers.sgd({ learningRate: one.learningRate });
        model.compile({ optimizer, loss: 'meanSquaredError' });
        model.setWeights(one.weights.map(array));
        const [x, y] = [array(one.x), array(one.y)];
        const before = model.predictSync(x);
        const losses = one.losses.map(() => model.trainOnBatch(x, y).loss);
        return { before, losses, weights: model.getWeights(), predicted: model.predictSync(x) };
      });
      const near = (what: string, got: ArrayLike<number>, want: ArrayLike<number>, allowed: number) => {
        const d = difference(got, want);
        t.true(d <= (dtype === 'float64' ? allowed : 1e-5), `${what}: ${d}`);
      };
      near('predictions', before.data, one.predicted[0].data, 1e-12);
      near('losses', losses, one.losses, 1e-10);
      t.deepEqual(
        weights.map(({ shape }) => shape),
        one.weights_after.map(({ shape }) => shape),
      );
      for (const [i, w] of weights.entries()) near(`weight ${i}`, w.data, one.weights_after[i].data, 1e-9);
      near('predictions after', predicted.data, one.predicted_after[0].data, 1e-9);
    });

/** What a layer makes of samples, in float64, and the gradients of the sum of its squares by these and its weights. */
function run(layer: Layer, x: NDArray, weights: readonly NDArray[], dtype: 'float64' | 'float32' = 'float64') {
  const source = placeholder(x.shape.slice(1));
  const own = Object.values(layer.weightsFor(source.shape));
  const output = layer.apply(source) as Value;
  const { outputs } = expand(graphOf([source], [output]), [source], { training: true, frozen: new Set() });
  const arrays = [[source, x] as const, ...own.map((weight, i) => [weight, weights[i]] as const)];
  const { value } = evaluate(dtype, outputs[0], arrays);
  const { gradients } = evaluate(dtype, ops.square(outputs[0]), arrays);
  return { shape: output.shape, value, gradients };
}

const options1d = fc.record({
  steps: fc.integer({ min: 1, max: 12 }),
  channels: fc.integer({ min: 1, max: 9 }),
  size: fc.integer({ min: 1, max: 5 }),
  strides: fc.integer({ min: 1, max: 4 }),
  dilationRate: fc.integer({ min: 1, max: 4 }),
  padding: fc.constantFrom('valid', 'same', 'causal'),
  filters: fc.integer({ min: 1, max: 20 }),
  groups: fc.integer({ min: 1, max: 3 }),
  seed: fc.nat(1000),
});

test('a convolution of sequences is the one of images of one column, and a causal one that of zeros and the sequence', (t) => {
  fc.assert(
    fc.property(options1d, ({ steps, channels, size, strides, dilationRate, padding, groups, seed, ...rest }) => {
      const [n, filters] = [channels * groups, rest.filters * groups];
      const extent = (size - 1) * dilationRate + 1;
      const layer = layers.conv1d({ filters, kernelSize: size, strides, dilationRate, padding, groups });
      const r = new RandomState(seed);
      const x = normal(r, [3, steps, n]);
      const [kernel, bias] = [normal(r, [size, channels, filters]), normal(r, [filters])];
      if (padding === 'valid' && steps < extent) {
        t.throws(() => layer.outputShape([steps, n]), { instanceOf: RangeError });
        return;
      }
      const got = run(layer, x, [kernel, bias]);
      const places = padding === 'valid' ? Math.floor((steps - extent) / strides) + 1 : Math.ceil(steps / strides);
      t.deepEqual([...got.shape], [places, filters]);
      const zeros = padding === 'causal' ? extent - 1 : 0;
      const column = normal(r, [3, steps + zeros, 1, n]);
      column.data.fill(0);
      for (let s = 0; s < 3; s++)
        column.data.set(
          x.data.subarray(s * steps * n, (s + 1) * steps * n) as Float64Array,
          (s * (steps + zeros) + zeros) * n,
        );
      const images = layers.conv2d({
        filters,
        kernelSize: [size, 1],
        strides: [strides, 1],
        dilationRate: [dilationRate, 1],
        padding: padding === 'same' ? 'same' : 'valid',
        groups,
      });
      const want = run(images, column, [kernel.reshape(size, 1, channels, filters), bias]);
      if (difference(got.value.data, want.value.data) > 1e-13) throw new Error('values differ');
      const dx = Array.from({ length: 3 }, (_, s) => [
        ...want.gradients[0].data.subarray((s * (steps + zeros) + zeros) * n, (s + 1) * (steps + zeros) * n),
      ]).flat();
      for (const [k, g] of [dx, want.gradients[1].data, want.gradients[2].data].entries())
        if (difference(got.gradients[k].data, g) > 1e-12) throw new Error(`gradient ${k} differs`);
    }),
    { numRuns: 150 },
  );
});

test('pooling of sequences is that of images of one column', (t) => {
  fc.assert(
    fc.property(options1d, fc.boolean(), ({ steps, channels, size, strides, seed, ...rest }, isMax) => {
      const padding = rest.padding === 'valid' ? 'valid' : 'same';
      const layer = make(isMax ? 'maxPooling1d' : 'averagePooling1d', { poolSize: size, strides, padding });
      if (padding === 'valid' && steps < size) {
        t.throws(() => layer.outputShape([steps, channels]), { instanceOf: RangeError });
        return;
      }
      const x = normal(new RandomState(seed), [3, steps, channels]);
      const options = { poolSize: [size, 1], strides: [strides, 1], padding };
      const images = make(isMax ? 'maxPooling2d' : 'averagePooling2d', options);
      const [got, want] = [run(layer, x, []), run(images, x.reshape(3, steps, 1, channels), [])];
      t.deepEqual([...got.shape], [want.shape[0], channels]);
      t.deepEqual([...got.value.data], [...want.value.data]);
      t.deepEqual([...got.gradients[0].data], [...want.gradients[0].data]);
    }),
    { numRuns: 100 },
  );
});

test('layer normalization is what its formula says, of any axes', (t) => {
  const shapes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(shapes, fc.nat(6), fc.boolean(), fc.nat(1000), (shape, chosen, isNegative, seed) => {
      const rank = shape.length;
      const some = shape.flatMap((_, i) => ((chosen >> i) & 1 ? [i] : []));
      const axes = some.length > 0 ? some : [rank - 1];
      const axis = axes.map((i) => (isNegative ? i - rank : i + 1)).reverse();
      const layer = layers.layerNormalization({ axis, epsilon: 0.01 });
      const r = new RandomState(seed);
      const x = normal(r, [4, ...shape]);
      const weights = [0, 1].map(() =>
        normal(
          r,
          axes.map((i) => shape[i]),
        ),
      );
      const got = run(layer, x, weights);
      t.deepEqual([...got.shape], shape);
      const formula = layers.lambda((z: Value) => {
        const like = shape.map((n, i) => (axes.includes(i) ? n : 1));
        const centred = ops.sub(z, ops.mean(z, { axis: axes, keepDims: true }));
        const variance = ops.mean(ops.square(centred), { axis: axes, keepDims: true });
        const [gamma, beta] = weights.map((w) => w.reshape(...like));
        return ops.add(ops.mul(ops.div(centred, ops.sqrt(ops.add(variance, 0.01))), gamma), beta);
      });
      const want = run(formula, x, []);
      if (difference(got.value.data, want.value.data) > 1e-13) throw new Error('values differ');
      if (difference(got.gradients[0].data, want.gradients[0].data) > 1e-12) throw new Error('gradients differ');
    }),
    { numRuns: 100 },
  );
});

test('a dense layer takes every row of a sample alone', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
      fc.nat(1000),
      (shape, seed) => {
        const inputs = shape.at(-1)!;
        const r = new RandomState(seed);
        const x = normal(r, [3, ...shape]);
        const weights = [normal(r, [inputs, 4]), normal(r, [4])];
        const got = run(layers.dense({ units: 4, activation: 'tanh' }), x, weights);
        t.deepEqual([...got.shape], [...shape.slice(0, -1), 4]);
        const want = run(layers.dense({ units: 4, activation: 'tanh' }), x.reshape(-1, inputs), weights);
        if (difference(got.value.data, want.value.data) > 1e-14) throw new Error('values differ');
        for (const [k, g] of want.gradients.entries())
          if (difference(got.gradients[k].data, g.data) > 1e-13) throw new Error(`gradient ${k} differs`);
      },
    ),
    { numRuns: 60 },
  );
});

const network = (dtype: 'float64' | 'float32') =>
  sequential({
    layers: [
      layers.conv1d({ filters: 8, kernelSize: 3, padding: 'causal', activation: 'relu', inputShape: [20, 3] }),
      layers.maxPooling1d(),
      layers.zeroPadding1d({ padding: [1, 0] }),
      layers.conv1d({ filters: 6, kernelSize: 2, groups: 2, activation: 'hardSilu' }),
      layers.layerNormalization(),
      layers.upSampling1d(),
      layers.cropping1d({ cropping: [2, 3] }),
      layers.averagePooling1d({ poolSize: 3, strides: 2, padding: 'same' }),
      layers.dense({ units: 5, activation: 'mish' }),
      layers.globalMaxPooling1d(),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
    dtype,
    seed: 2,
  });

function samples() {
  const r = new RandomState(5);
  return { x: normal(r, [40, 20, 3]), y: r.randint(0, 3, [40]) as NDArray };
}

for (const dtype of DTYPES)
  test(`${dtype}: a network of them is trained with the same bits by any number of threads, saved, and goes on`, async (t) => {
    const { x, y } = samples();
    const trained = withThreads(t, () => {
      const model = network(dtype);
      model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
      const { history } = model.fitSync(x, y, { epochs: 4, batchSize: 16 });
      return { history, weights: model.getWeights() };
    });
    t.true(trained.history.loss[3] < trained.history.loss[0]);
    const folder = mkdtempSync(join(tmpdir(), 'fjordnet-sequences-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'network.safetensors');
    const model = network(dtype);
    model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
    model.fitSync(x, y, { epochs: 1 });
    await model.save(file);
    const again = await Sequential.load(file);
    t.is(again.summary(), model.summary());
    t.deepEqual(again.predictSync(x), model.predictSync(x));
    const losses = [model, again].map((one) => one.fitSync(x, y, { epochs: 2 }).history.loss);
    t.deepEqual(losses[1], losses[0]);
  });

test("their names and defaults are Keras'", (t) => {
  const model = network('float32');
  t.deepEqual(model.layerNames, [
    'conv1d',
    'max_pooling1d',
    'zero_padding1d',
    'conv1d_1',
    'layer_normalization',
    'up_sampling1d',
    'cropping1d',
    'average_pooling1d',
    'dense',
    'global_max_pooling1d',
    'dense_1',
  ]);
  model.build([20, 3]);
  t.deepEqual(model.weightNames.slice(0, 6), [
    'conv1d/kernel',
    'conv1d/bias',
    'conv1d_1/kernel',
    'conv1d_1/bias',
    'layer_normalization/gamma',
    'layer_normalization/beta',
  ]);
  t.deepEqual(
    model.getWeights().map(({ shape }) => shape),
    [[3, 3, 8], [8], [2, 4, 6], [6], [6], [6], [6, 5], [5], [5, 3], [3]],
  );
  t.deepEqual(plain(layers.conv1d({ filters: 2, kernelSize: [3] })), {
    filters: 2,
    kernelSize: 3,
    strides: 1,
    padding: 'valid',
    dilationRate: 1,
    groups: 1,
    activation: { name: 'linear' },
    useBias: true,
    kernelInitializer: { name: 'glorotUniform' },
    biasInitializer: { name: 'zeros' },
  });
  const pooling = { poolSize: 2, strides: 2, padding: 'valid' };
  t.deepEqual(plain(layers.maxPooling1d()), pooling);
  t.deepEqual(plain(layers.averagePooling1d({ poolSize: 3 })), { ...pooling, poolSize: 3, strides: 3 });
  t.deepEqual(plain(layers.upSampling1d()), { size: 2 });
  t.deepEqual(plain(layers.zeroPadding1d()), { padding: [1, 1] });
  t.deepEqual(plain(layers.cropping1d()), { cropping: [1, 1] });
  t.deepEqual(plain(layers.layerNormalization()), {
    axis: -1,
    epsilon: 1e-3,
    center: true,
    scale: true,
    betaInitializer: { name: 'zeros' },
    gammaInitializer: { name: 'ones' },
  });
});

test('rules of gamma and beta hold', (t) => {
  const model = sequential({
    layers: [
      layers.layerNormalization({
        inputShape: [3],
        gammaRegularizer: 'l2',
        betaConstraint: 'nonNeg',
        betaInitializer: 'ones',
      }),
    ],
    dtype: 'float64',
  });
  model.compile({ optimizer: optimizers.sgd({ learningRate: 8 }), loss: 'meanSquaredError' });
  const [x, y] = [[[1, 2, 4]], [[-5, 1, 9]]];
  const predicted = model.predictSync(x).data as Float64Array;
  const errors = predicted.map((p, i) => (p - y[0][i]) ** 2);
  const { loss } = model.trainOnBatch(x, y);
  t.true(Math.abs(loss - (errors.reduce((a, b) => a + b) / 3 + 0.03)) < 1e-12);
  t.true(model.getWeights()[1].data.every((v) => v >= 0));
  t.true(model.getWeights()[1].data.includes(0));
});
