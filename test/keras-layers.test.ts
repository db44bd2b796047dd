import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
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
} from 'fjordnet';
import * as plots from 'fjordnet/plots';
import { expand } from '../dist/graph/expand.js';
import { graphOf } from '../dist/graph/graph.js';
import { placeholder, type Value } from '../dist/graph/value.js';
import { layerFrom } from '../dist/layers/registry.js';
import { alongDirection, evaluate } from './helpers/graph.js';
import { difference } from './helpers/replay.js';

type Shape = readonly number[];
interface Case {
  layer: keyof typeof layers;
  options: object;
  inputShapes: Shape[];
  outputShape: Shape;
  weightShapes: Shape[];
  y: number[];
  dx: number[][];
  dw: number[][];
}
const keras = JSON.parse(readFileSync(new URL('../test/fixtures/keras-layers.json', import.meta.url), 'utf8')) as {
  layers: Case[];
  trained: { weightShapes: Shape[]; losses: number[]; weights: number[][]; predicted: number[] };
};
const SAMPLES = 2;
const DTYPES = ['float64', 'float32'] as const;

const sizeOf = (shape: Shape) => shape.reduce((product, n) => product * n, 1);
const normal = (r: RandomState, shape: Shape) => r.normal(0, 1, [...shape]) as NDArray;
const make = ({ layer, options }: Pick<Case, 'layer' | 'options'>) =>
  (layers[layer] as (options: object) => Layer)(options);

/** What a layer makes of its inputs, spelled out in operations, and its weights in order. */
function called(layer: Layer, inputs: readonly Value[], training = true) {
  const list = inputs.length > 1 || 'checkList' in layer;
  const shapes = inputs.map(({ shape }) => shape);
  const weights = Object.values(layer.weightsFor(list ? shapes : shapes[0]));
  const output = layer.apply(list ? inputs : inputs[0]);
  const { outputs } = expand(graphOf(inputs, [output]), inputs, { training, frozen: new Set() });
  return { y: outputs[0], weights, shape: output.shape };
}

function near(t: ExecutionContext, what: string, got: ArrayLike<number>, want: ArrayLike<number>, allowed: number) {
  t.is(got.length, want.length, what);
  const d = difference(got, want);
  t.true(d < allowed, `${what}: ${d}`);
}

for (const [number, one] of keras.layers.entries()) {
  const name = `${one.layer} ${JSON.stringify(one.options)} of ${JSON.stringify(one.inputShapes)}`;
  const inputs = one.inputShapes.map((shape) => placeholder(shape));

  test(`${name}: Keras' values and gradients in both dtypes`, (t) => {
    const r = new RandomState(number);
    const x = inputs.map(({ shape }) => normal(r, [SAMPLES, ...shape]));
    const { y, weights, shape } = called(make(one), inputs);
    t.deepEqual([...shape], one.outputShape as number[]);
    t.deepEqual(
      weights.map((w) => [...w.shape]),
      one.weightShapes as number[][],
    );
    const w = weights.map((weight) => normal(r, weight.shape));
    const c = placeholder(shape);
    const arrays = [
      ...inputs.map((value, i) => [value, x[i]] as const),
      ...weights.map((value, i) => [value, w[i]] as const),
    ];
    const ofC = [c, normal(r, [SAMPLES, ...shape])] as const;
    for (const dtype of DTYPES) {
      const allowed = dtype === 'float64' ? 1e-13 : 1e-5;
      near(t, `${dtype} y`, evaluate(dtype, y, arrays).value.data, one.y, allowed);
      const { gradients } = evaluate(dtype, ops.mul(y, c), [...arrays, ofC]);
      const want = [...one.dx, ...one.dw];
      for (const [i, g] of want.entries()) near(t, `${dtype} gradient ${i}`, gradients[i].data, g, allowed);
    }
  });

  test(`${name}: gradients along random directions`, (t) => {
    const r = new RandomState(100 + number);
    const { y, weights } = called(make(one), inputs);
    const arrays = [
      ...inputs.map((value) => [value, normal(r, [SAMPLES, ...value.shape])] as const),
      ...weights.map((value) => [value, normal(r, value.shape)] as const),
    ];
    const output = ops.sum(ops.mul(y, ops.sigmoid(y)));
    for (let k = 0; k < 3; k++) {
      const [exact, numeric] = alongDirection(output, arrays, r);
      t.true(Math.abs(exact - numeric) < 1e-8 * Math.max(1, Math.abs(numeric)), `${exact} is not ${numeric}`);
    }
  });

  test(`${name}: its configuration makes it again, through JSON`, (t) => {
    const layer = make(one);
    const config = JSON.parse(JSON.stringify(layer.getConfig()));
    const again = layerFrom(layer.className, config);
    t.is(again.constructor, layer.constructor);
    t.deepEqual(JSON.parse(JSON.stringify(again.getConfig())), config);
    t.deepEqual([...called(again, inputs).shape], one.outputShape as number[]);
  });
}

test('a unit normalization leaves zeros as they are, and divides what is shorter than 1e-12 by that', (t) => {
  for (const dtype of DTYPES) {
    const x = placeholder([2]);
    const given = NDArray.from([
      [0, 0],
      [3e-13, 4e-13],
      [3e-11, 4e-11],
    ]);
    const { y } = called(layers.unitNormalization(), [x]);
    // as Keras 3.15
    near(t, dtype, evaluate(dtype, y, [[x, given]]).value.data, [0, 0, 0.3, 0.4, 0.6, 0.8], 1e-6);
  }
});

test('all merging layers were run by Keras', (t) => {
  const merging = ['add', 'subtract', 'multiply', 'average', 'maximum', 'minimum', 'concatenate', 'dot'];
  const run = new Set<string>(keras.layers.map(({ layer }) => layer));
  for (const name of merging) t.true(run.has(name), name);
});

const network = (dtype: 'float64' | 'float32') =>
  sequential({
    layers: [
      layers.zeroPadding2d({
        padding: [
          [1, 0],
          [0, 1],
        ],
        inputShape: [8, 8, 2],
      }),
      layers.separableConv2d({ filters: 4, kernelSize: 3, padding: 'same', depthMultiplier: 2, activation: 'relu' }),
      layers.depthwiseConv2d({ kernelSize: 3, strides: 2, activation: 'elu' }),
      layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: 'same' }),
      layers.prelu({ sharedAxes: [1, 2] }),
      layers.conv2d({ filters: 6, kernelSize: 3, groups: 2 }),
      layers.leakyReLU({ negativeSlope: 0.25 }),
      layers.upSampling2d({ size: 2 }),
      layers.globalMaxPooling2d(),
      layers.dense({ units: 3 }),
      layers.softmax(),
    ],
    dtype,
    seed: 1,
  });

/** The data and weights of the network that Keras trained. */
function drawn() {
  const r = new RandomState(1000);
  const x = normal(r, [6, 8, 8, 2]);
  const y = Array.from(r.randint(0, 3, 6).data, (k) => [0, 1, 2].map((n) => Number(n === k)));
  const weights = keras.trained.weightShapes.map((shape) => {
    const w = normal(r, shape);
    return NDArray.wrap(
      (w.data as Float64Array).map((v) => 0.4 * v),
      shape,
    );
  });
  return { x, y, weights };
}

for (const dtype of DTYPES)
  test(`${dtype}: a network of them trains as Keras', from the same weights, with any number of threads`, (t) => {
    const { x, y, weights } = drawn();
    const before = getThreads();
    const runs = [1, 2, 3].map((threads) => {
      setThreads(threads);
      const model = network(dtype);
      model.compile({ optimizer: optimizers.sgd({ learningRate: 0.125 }), loss: 'categoricalCrossentropy' });
      model.setWeights(weights);
      const losses = keras.trained.losses.map(() => model.trainOnBatch(x, y).loss);
      return { losses, weights: model.getWeights(), predicted: model.predictSync(x) };
    });
    setThreads(before);
    const [{ losses, weights: after, predicted }] = runs;
    const allowed = dtype === 'float64' ? 1e-12 : 1e-4;
    near(t, 'losses', losses, keras.trained.losses, allowed);
    near(t, 'predictions', predicted.data, keras.trained.predicted, allowed);
    for (const [i, w] of after.entries()) near(t, `weight ${i}`, w.data, keras.trained.weights[i], allowed);
    for (const run of runs) t.deepEqual(run, runs[0]);
  });

const folder = (t: ExecutionContext) => {
  const path = mkdtempSync(join(tmpdir(), 'fjordnet-layers-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

test('a network of them is saved, loads again and goes on with the same bits', async (t) => {
  const { x, y } = drawn();
  const file = join(folder(t), 'network.safetensors');
  const model = network('float32');
  for (const layer of [
    layers.rescaling({ scale: [2, 3, 4], offset: 1 }),
    layers.gaussianNoise({ stddev: 0.1 }),
    layers.repeatVector({ n: 4 }),
    layers.spatialDropout1d({ rate: 0.3 }),
    layers.permute({ dims: [2, 1] }),
    layers.reshape({ targetShape: [3, 2, 2] }),
    layers.spatialDropout2d({ rate: 0.3 }),
    layers.softmax({ axis: 1 }),
    layers.flatten(),
    layers.dense({ units: 3, activation: 'softmax' }),
  ])
    model.add(layer);
  model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy' });
  await model.fit(x, y, { epochs: 2, batchSize: 4 });
  await model.save(file);
  const again = await Sequential.load(file);
  t.deepEqual(again.layerNames, model.layerNames);
  t.deepEqual(again.predictSync(x), model.predictSync(x));
  t.is(again.summary(), model.summary());
  const losses = [model, again].map((one) => one.fitSync(x, y, { epochs: 2, batchSize: 4 }).history.loss);
  t.deepEqual(losses[1], losses[0]);
  t.true((await plots.network(model).svg()).startsWith('<svg'));
});

test("the defaults are Keras'", (t) => {
  const configOf = (layer: Layer) => JSON.parse(JSON.stringify(layer.getConfig()));
  t.deepEqual(configOf(layers.leakyReLU()), { negativeSlope: 0.3 });
  t.deepEqual(configOf(layers.leakyReLU({ alpha: 0.5 })), { negativeSlope: 0.5 });
  t.deepEqual(configOf(layers.prelu()), { alphaInitializer: { name: 'zeros' } });
  t.deepEqual(configOf(layers.softmax()), { axis: -1 });
  t.deepEqual(configOf(layers.concatenate()), { axis: -1 });
  t.deepEqual(configOf(layers.dot({ axes: 1 })), { axes: 1, normalize: false });
  t.deepEqual(configOf(layers.rescaling({ scale: 2 })), { scale: 2, offset: 0 });
  t.deepEqual(configOf(layers.upSampling2d()), { size: [2, 2], interpolation: 'nearest' });
  const padding = {
    padding: [
      [1, 1],
      [1, 1],
    ],
  };
  t.deepEqual(configOf(layers.zeroPadding2d()), padding);
  t.deepEqual(configOf(layers.zeroPadding2d({ padding: [1, [1, 1]] as never })), padding);
  const depthwise = {
    kernelSize: [3, 3],
    strides: [1, 1],
    padding: 'valid',
    depthMultiplier: 1,
    dilationRate: [1, 1],
    activation: { name: 'linear' },
    useBias: true,
    depthwiseInitializer: { name: 'glorotUniform' },
    biasInitializer: { name: 'zeros' },
  };
  t.deepEqual(configOf(layers.depthwiseConv2d({ kernelSize: 3 })), depthwise);
  t.deepEqual(configOf(layers.separableConv2d({ filters: 5, kernelSize: 3 })), {
    filters: 5,
    ...depthwise,
    pointwiseInitializer: { name: 'glorotUniform' },
  });
});

test("their names in a network are Keras'", (t) => {
  t.deepEqual(network('float32').layerNames, [
    'zero_padding2d',
    'separable_conv2d',
    'depthwise_conv2d',
    'conv2d_transpose',
    'p_re_lu',
    'conv2d',
    'leaky_re_lu',
    'up_sampling2d',
    'global_max_pooling2d',
    'dense',
    'softmax',
  ]);
  const model = network('float32');
  model.build([8, 8, 2]);
  t.deepEqual(model.weightNames.slice(0, 5), [
    'separable_conv2d/depthwiseKernel',
    'separable_conv2d/pointwiseKernel',
    'separable_conv2d/bias',
    'depthwise_conv2d/kernel',
    'depthwise_conv2d/bias',
  ]);
});

test('a lambda layer computes, trains, and is refused by save before a file is written', async (t) => {
  const file = join(folder(t), 'network.safetensors');
  const model = sequential({
    layers: [
      layers.dense({ units: 2, inputShape: [2], kernelInitializer: 'ones' }),
      layers.lambda((x: Value) => ops.square(x), { name: 'squares' }),
      layers.lambda((x: Value) => ops.sum(x, { keepDims: true })),
    ],
    dtype: 'float64',
  });
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.25 }), loss: 'meanAbsoluteError' });
  t.deepEqual(model.predictSync([[1, 2]]).toArray(), [[18]]);
  model.trainOnBatch([[1, 2]], [[0]]); // dw = x * 2 * 3
  t.deepEqual(model.getWeights()[0].toArray(), [
    [-0.5, -0.5],
    [-2, -2],
  ]);
  t.deepEqual(model.layerNames, ['dense', 'squares', 'lambda']);
  await t.throwsAsync(async () => model.save(file), {
    instanceOf: TypeError,
    message: /^Expected the layer 'squares' to be one of layers.* or made by custom.layer, as only these can be loaded/,
  });
  t.false(existsSync(file));
  const product = called(
    layers.lambda(([a, b]: readonly Value[]) => ops.mul(a, b)),
    [placeholder([2]), placeholder([2])],
  );
  t.deepEqual([...product.shape], [2]);
});

/** What a layer makes of ones in training: `samples` of this shape. */
function inTraining(layer: Layer, shape: Shape, samples: number, dtype: 'float64' | 'float32' = 'float64') {
  const x = placeholder(shape);
  const ones = NDArray.wrap(new Float64Array(samples * sizeOf(shape)).fill(1), [samples, ...shape]);
  const { value, gradients } = evaluate(dtype, called(layer, [x]).y, [[x, ones]]);
  return { y: Array.from(value.data), dx: Array.from(gradients[0].data) };
}

test('gaussianNoise: normal numbers, apart from each other, and a gradient that passes through', (t) => {
  for (const dtype of DTYPES) {
    const { y, dx } = inTraining(layers.gaussianNoise({ stddev: 2 }), [500], 400, dtype);
    const z = y.map((v) => (v - 1) / 2);
    const n = z.length;
    const mean = (f: (v: number, i: number) => number) => z.reduce((sum, v, i) => sum + f(v, i), 0) / n;
    // each within five standard errors of its expectation
    const moments: [string, number, number, number][] = [
      ['mean', mean((v) => v), 0, 1],
      ['variance', mean((v) => v * v), 1, Math.sqrt(2)],
      ['skewness', mean((v) => v ** 3), 0, Math.sqrt(15)],
      ['kurtosis', mean((v) => v ** 4), 3, Math.sqrt(96)],
      ['below -1', mean((v) => Number(v < -1)), 0.15865525, 0.365],
      ['above 2', mean((v) => Number(v > 2)), 0.02275013, 0.149],
    ];
    for (const [name, got, want, spread] of moments)
      t.true(Math.abs(got - want) < (5 * spread) / Math.sqrt(n), `${dtype} ${name}: ${got}`);
    for (const lag of [1, 2, 3, 500]) {
      const together = mean((v, i) => v * z[(i + lag) % n]);
      t.true(Math.abs(together) < 5 / Math.sqrt(n), `${dtype} lag ${lag}: ${together}`);
    }
    t.true(dx.every((d) => d === 1));
  }
  const model = sequential({ layers: [layers.gaussianNoise({ stddev: 2, inputShape: [3] })] });
  t.deepEqual(model.predictSync([[1, 2, 3]]).toArray(), [[1, 2, 3]]);
});

test('spatialDropout: whole channels of a sample, scaled so that their mean stays', (t) => {
  for (const [layer, shape] of [
    [layers.spatialDropout1d({ rate: 0.25 }), [3, 40]],
    [layers.spatialDropout2d({ rate: 0.25 }), [2, 3, 40]],
  ] as const) {
    const { y, dx } = inTraining(layer, shape, 100);
    t.deepEqual(dx, y);
    let dropped = 0;
    for (let sample = 0; sample < 100; sample++)
      for (let c = 0; c < 40; c++) {
        const size = sizeOf(shape);
        const channel = new Set(Array.from({ length: size / 40 }, (_, i) => y[sample * size + i * 40 + c]));
        t.is(channel.size, 1);
        const [value] = channel;
        t.true(value === 0 || value === 1 / 0.75, `${value}`);
        if (value === 0) dropped++;
      }
    t.true(Math.abs(dropped / 4000 - 0.25) < 5 * Math.sqrt((0.25 * 0.75) / 4000), `${dropped} of 4000`);
  }
});

test('dropout with a noiseShape: one draw for what it counts once, of every sample its own', (t) => {
  const [H, W, C, n] = [2, 3, 4, 200];
  const shapes: readonly (readonly (number | null)[])[] = [
    [1, 1, 1],
    [null, 1, 1],
    [1, W, 1],
    [H, null, C],
  ];
  for (const noiseShape of shapes) {
    const { y, dx } = inTraining(layers.dropout({ rate: 0.25, noiseShape }), [H, W, C], n);
    t.deepEqual(dx, y);
    const draws = new Map<string, Set<number>>();
    for (const [i, value] of y.entries()) {
      const at = [Math.floor(i / (W * C)) % H, Math.floor(i / C) % W, i % C];
      const key = [Math.floor(i / (H * W * C)), ...at.map((k, axis) => (noiseShape[axis] === 1 ? 0 : k))].join();
      draws.set(key, (draws.get(key) ?? new Set()).add(value));
    }
    const values = [...draws.values()].flatMap((own) => [...own]);
    t.is(values.length, draws.size, 'one value each');
    t.true(values.every((value) => value === 0 || value === 1 / 0.75));
    const dropped = values.filter((value) => value === 0).length / values.length;
    t.true(Math.abs(dropped - 0.25) < 5 * Math.sqrt((0.25 * 0.75) / values.length), `${noiseShape}: ${dropped}`);
  }
  const model = sequential({ layers: [layers.dropout({ rate: 0.5, noiseShape: [1], inputShape: [3] })] });
  t.deepEqual(model.predictSync([[1, 2, 3]]).toArray(), [[1, 2, 3]]);
});

for (const [center, scale] of [
  [true, false],
  [false, true],
  [false, false],
] as const)
  test(`batch normalization, center ${center}, scale ${scale}, is the whole one with a gamma of 1 or a beta of 0`, (t) => {
    const made = (options: object) => {
      const net = sequential({
        layers: [
          layers.dense({ units: 4, inputShape: [3] }),
          layers.batchNormalization({ momentum: 0.5, ...options }),
          layers.dense({ units: 2 }),
        ],
        dtype: 'float64',
        seed: 1,
      });
      net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
      return net;
    };
    const [x, y] = [normal(new RandomState(1), [9, 3]), normal(new RandomState(2), [9, 2])];
    const [own, whole] = [made({ center, scale }), made({})];
    t.deepEqual(own.weightNames.filter((name) => /gamma|beta/.test(name)).length, Number(center) + Number(scale));
    for (let step = 0; step < 3; step++) {
      t.is(own.trainOnBatch(x, y).loss, whole.trainOnBatch(x, y).loss);
      const named = new Map(whole.weightNames.map((name, i) => [name, whole.getWeights()[i]]));
      for (const [i, name] of own.weightNames.entries()) t.deepEqual(own.getWeights()[i], named.get(name), name);
      const constant = (name: string) => (/gamma/.test(name) ? 1 : 0);
      whole.setWeights(
        whole.weightNames.map((name) => {
          const weight = named.get(name) as NDArray;
          if (own.weightNames.includes(name)) return weight;
          return NDArray.from(weight.data.map(() => constant(name)) as Float64Array, { shape: weight.shape });
        }),
      );
    }
    t.deepEqual(own.predictSync(x), whole.predictSync(x));
  });

const image = fc.record({
  height: fc.integer({ min: 1, max: 7 }),
  width: fc.integer({ min: 1, max: 7 }),
  channels: fc.integer({ min: 1, max: 4 }),
});
const window = fc.record({
  kernelSize: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
  strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  dilationRate: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
});

const more = fc.option(fc.constantFrom(0, 0.4, 0.7, 0.99), { nil: undefined });

test('a depthwise convolution is one of a kernel that is 0 between channels', (t) => {
  fc.assert(
    fc.property(image, window, fc.integer({ min: 1, max: 3 }), (i, options, depthMultiplier) => {
      const x = placeholder([i.height, i.width, i.channels]);
      const C = i.channels;
      const one = called(layers.depthwiseConv2d({ ...options, padding: 'same', depthMultiplier, useBias: false }), [x]);
      const whole = called(
        layers.conv2d({ ...options, filters: C * depthMultiplier, padding: 'same', useBias: false }),
        [x],
      );
      const r = new RandomState(1);
      const own = normal(r, one.weights[0].shape);
      const full = NDArray.zeros(whole.weights[0].shape);
      for (const [at, v] of own.data.entries()) {
        const [tap, c, m] = [
          Math.floor(at / (C * depthMultiplier)),
          Math.floor(at / depthMultiplier) % C,
          at % depthMultiplier,
        ];
        full.data[(tap * C + c) * C * depthMultiplier + c * depthMultiplier + m] = v;
      }
      const data = normal(r, [3, ...x.shape]);
      const results = [
        [one, own],
        [whole, full],
      ] as const;
      const [got, want] = results.map(([{ y, weights }, w]) => {
        const value = ops.mul(ops.sigmoid(y), y);
        return evaluate('float64', value, [
          [x, data],
          [weights[0], w],
        ]);
      });
      if (difference(got.value.data, want.value.data) > 1e-13) throw new Error('y differs');
      if (difference(got.gradients[0].data, want.gradients[0].data) > 1e-12) throw new Error('dx differs');
      for (const [at, g] of got.gradients[1].data.entries()) {
        const [tap, c, m] = [
          Math.floor(at / (C * depthMultiplier)),
          Math.floor(at / depthMultiplier) % C,
          at % depthMultiplier,
        ];
        const same = want.gradients[1].data[(tap * C + c) * C * depthMultiplier + c * depthMultiplier + m];
        if (Math.abs(g - same) > 1e-12 * Math.max(1, Math.abs(same))) throw new Error('dw differs');
      }
    }),
    { numRuns: 60 },
  );
  t.pass();
});

test('a transposed convolution is the transpose of a convolution: <conv(u), x> = <u, transposed(x)>', (t) => {
  fc.assert(
    fc.property(
      image,
      window,
      fc.constantFrom('same' as const, 'valid' as const),
      more,
      (i, options, padding, share) => {
        const x = placeholder([i.height, i.width, i.channels]);
        // of an even kernel without any more the output is of one place less
        const isEven = options.kernelSize.some((n, k) => ((n - 1) * options.dilationRate[k]) % 2 === 1);
        const outputPadding = share === undefined ? undefined : options.strides.map((n) => Math.floor(share * n));
        if (padding === 'same' && isEven && outputPadding?.includes(0)) return;
        const own = { ...options, filters: 3, padding, outputPadding, useBias: false };
        const transposed = called(layers.conv2dTranspose(own as never), [x]);
        const u = placeholder(transposed.shape);
        const conv = called(layers.conv2d({ ...options, filters: i.channels, padding, useBias: false }), [u]);
        if (conv.shape.join() !== x.shape.join()) throw new Error(`${conv.shape} of ${u.shape} is not ${x.shape}`);
        const r = new RandomState(2);
        const [w, a, b] = [conv.weights[0].shape, [2, ...u.shape], [2, ...x.shape]].map((shape) => normal(r, shape));
        const dot = (p: NDArray, q: NDArray) => Array.from(p.data).reduce((sum, v, k) => sum + v * q.data[k], 0);
        const left = dot(
          evaluate('float64', conv.y, [
            [u, a],
            [conv.weights[0], w],
          ]).value,
          b,
        );
        const right = dot(
          a,
          evaluate('float64', transposed.y, [
            [x, b],
            [transposed.weights[0], w],
          ]).value,
        );
        if (Math.abs(left - right) > 1e-11 * Math.max(1, Math.abs(left))) throw new Error(`${left} is not ${right}`);
      },
    ),
    { numRuns: 60 },
  );
  t.pass();
});

test('a grouped convolution is one of each part of the channels, one behind the other', (t) => {
  fc.assert(
    fc.property(
      image,
      window,
      fc.integer({ min: 2, max: 3 }),
      fc.integer({ min: 1, max: 2 }),
      (i, options, groups, filters) => {
        const x = placeholder([i.height, i.width, i.channels * groups]);
        const grouped = called(layers.conv2d({ ...options, filters: filters * groups, padding: 'same', groups }), [x]);
        const part = layers.conv2d({ ...options, filters, padding: 'same' });
        const [kernel, bias] = grouped.weights;
        const sliced = (value: Value, n: number, g: number) => {
          const last = value.shape.length - 1;
          const start = value.shape.map((_, axis) => (axis === last ? g * n : 0));
          return ops.slice(
            value,
            start,
            value.shape.map((length, axis) => (axis === last ? n : length)),
          );
        };
        const parts = Array.from({ length: groups }, (_, g) =>
          part.call(sliced(x, i.channels, g), {
            kernel: sliced(kernel, filters, g),
            bias: sliced(bias, filters, g),
          } as never),
        );
        const r = new RandomState(3);
        const arrays = [[x, normal(r, [2, ...x.shape])], ...grouped.weights.map((w) => [w, normal(r, w.shape)])] as [
          Value,
          NDArray,
        ][];
        const [got, want] = [grouped.y, ops.concat(parts)].map((y) =>
          evaluate('float64', ops.mul(ops.sigmoid(y), y), arrays),
        );
        if (difference(got.value.data, want.value.data) > 1e-13) throw new Error('y differs');
        for (const [k, g] of got.gradients.entries())
          if (difference(g.data, want.gradients[k].data) > 1e-12) throw new Error(`gradient ${k} differs`);
      },
    ),
    { numRuns: 60 },
  );
  t.pass();
});

test('shapes and options that do not fit: one sentence each', (t) => {
  const shapes: [Layer, Shape | Shape[], string][] = [
    [layers.add(), [2, 3], 'Expected the inputs of Add to be a list of one or more values, got shape [2, 3]'],
    [
      layers.subtract({ name: 'a' }),
      [[2], [2], [2]],
      "Expected the inputs of Subtract 'a' to be a list of two values, got shapes [2] and [2] and [2]",
    ],
    [
      layers.multiply(),
      [[2, 3], [4]],
      'Expected the inputs of Multiply to be of shapes that broadcast, got shapes [2, 3] and [4]',
    ],
    [
      layers.concatenate({ axis: 3 }),
      [
        [2, 3],
        [2, 3],
      ],
      'Expected the inputs of Concatenate to be of an axis 3 (0 is that of the batch), got shapes [2, 3] and [2, 3]',
    ],
    [
      layers.concatenate({ axis: -3 }),
      [
        [2, 3],
        [2, 3],
      ],
      'Expected the inputs of Concatenate to be of an axis -3 (0 is that of the batch), got shapes [2, 3] and [2, 3]',
    ],
    [
      layers.concatenate(),
      [
        [2, 3],
        [1, 3],
      ],
      'Expected the inputs of Concatenate to be of the same lengths but for axis -1, got shapes [2, 3] and [1, 3]',
    ],
    [
      layers.dot({ axes: [1, 2] }),
      [
        [2, 3],
        [3, 3],
      ],
      'Expected the inputs of Dot to be of axes [1, 2] of one length, got shapes [2, 3] and [3, 3]',
    ],
    [
      layers.zeroPadding2d(),
      [4],
      'Expected the input of ZeroPadding2D to be images [height, width, channels], got shape [4]',
    ],
    [
      layers.upSampling2d(),
      [4, 4],
      'Expected the input of UpSampling2D to be images [height, width, channels], got shape [4, 4]',
    ],
    [
      layers.globalMaxPooling2d(),
      [4, 4],
      'Expected the input of GlobalMaxPooling2D to be images [height, width, channels], got shape [4, 4]',
    ],
    [
      layers.permute({ dims: [2, 1] }),
      [4],
      'Expected the input of Permute to be of 2 axes (dims [2, 1]), got shape [4]',
    ],
    [
      layers.repeatVector({ n: 2 }),
      [4, 1],
      'Expected the input of RepeatVector to be a vector for each sample, got shape [4, 1]',
    ],
    [
      layers.rescaling({ scale: [1, 2] }),
      [3],
      'Expected the input of Rescaling to be of 2 channels, as its scale or offset, got shape [3]',
    ],
    [
      layers.prelu({ sharedAxes: [2] }),
      [3],
      'Expected the input of PReLU to be of 2 axes or more (sharedAxes [2]), got shape [3]',
    ],
    [
      layers.softmax({ axis: 2 }),
      [3],
      'Expected the input of Softmax to be of an axis 2 (0 is that of the batch), got shape [3]',
    ],
    [
      layers.spatialDropout1d({ rate: 0.5 }),
      [3],
      'Expected the input of SpatialDropout1D to be sequences [steps, channels], got shape [3]',
    ],
    [
      layers.dropout({ rate: 0.5, noiseShape: [1, 2, null] }),
      [4, 3, 2],
      'Expected the input of Dropout to be of a shape that its noiseShape [1, 2, null] fits, got shape [4, 3, 2]',
    ],
    [
      layers.cropping2d({
        cropping: [
          [1, 0],
          [1, 1],
        ],
      }),
      [4, 2, 2],
      'Expected the input of Cropping2D to be images of more than 1 rows and 2 columns (cropping), got shape [4, 2, 2]',
    ],
    [
      layers.spatialDropout2d({ rate: 0.5 }),
      [3],
      'Expected the input of SpatialDropout2D to be images [height, width, channels], got shape [3]',
    ],
    [
      layers.depthwiseConv2d({ kernelSize: 3 }),
      [2, 5, 1],
      "Expected the input of DepthwiseConv2D to be images of at least 3 x 3 pixels, as its kernel with padding 'valid' (or use padding 'same'), got shape [2, 5, 1]",
    ],
    [
      layers.separableConv2d({ filters: 1, kernelSize: 1 }),
      [5],
      'Expected the input of SeparableConv2D to be images [height, width, channels], got shape [5]',
    ],
    [
      layers.conv2dTranspose({ filters: 1, kernelSize: 1 }),
      [5],
      'Expected the input of Conv2DTranspose to be images [height, width, channels], got shape [5]',
    ],
    [
      layers.separableConv1d({ filters: 1, kernelSize: 3 }),
      [2, 1],
      "Expected the input of SeparableConv1D to be sequences of at least 3 steps, as its kernel with padding 'valid' (or use padding 'same'), got shape [2, 1]",
    ],
    [
      layers.conv1dTranspose({ filters: 1, kernelSize: 1 }),
      [5],
      'Expected the input of Conv1DTranspose to be sequences [steps, channels], got shape [5]',
    ],
    [
      layers.groupNormalization(),
      [5, 48],
      'Expected the input of GroupNormalization to be of a multiple of 32 channels, its groups (an option), got shape [5, 48]',
    ],
    [
      layers.groupNormalization({ groups: 1, axis: 3 }),
      [5, 4],
      'Expected the input of GroupNormalization to be of an axis 3 (0 is that of the batch), got shape [5, 4]',
    ],
    [
      layers.rmsNormalization({ axis: 1 }),
      [5, 4],
      'Expected the input of RMSNormalization to be of an axis (1) that names its last ones, got shape [5, 4]',
    ],
    [
      layers.rmsNormalization({ axis: [1, -1] }),
      [5, 4],
      'Expected the input of RMSNormalization to be of an axis (1, -1) that names its last ones, got shape [5, 4]',
    ],
    [
      layers.unitNormalization({ axis: [2, -1] }),
      [5, 4],
      'Expected the input of UnitNormalization to be of axes [2, -1] that all differ, got shape [5, 4]',
    ],
    [
      layers.unitNormalization({ axis: 3 }),
      [5, 4],
      'Expected the input of UnitNormalization to be of an axis 3 (0 is that of the batch), got shape [5, 4]',
    ],
    [
      layers.conv2d({ filters: 4, kernelSize: 1, groups: 2 }),
      [5, 5, 3],
      'Expected the input of Conv2D to be images whose channels are a multiple of groups (2), got shape [5, 5, 3]',
    ],
    [
      layers.lambda(() => 3 as never),
      [2],
      'Expected what the function of Lambda returns to be a value, got 3 (number)',
    ],
    [
      layers.lambda(() => ops.add(ops.concat([[1]]), [1])),
      [2],
      'Expected the function of Lambda to depend on its input, but it does not',
    ],
  ];
  for (const [layer, shape, message] of shapes) t.throws(() => layer.outputShape(shape), { message });

  const options: [() => unknown, string][] = [
    [
      () => layers.concatenate({ axis: 0 }),
      'Expected axis to be an axis of a sample, from 1 or from the end by -1 (0 is the batch), got 0 (number)',
    ],
    [
      () => layers.dot({ axes: [1, 0] }),
      'Expected axes[1] to be an axis of a sample, from 1 or from the end by -1 (0 is the batch), got 0 (number)',
    ],
    [() => layers.dot({ axes: [1] as never }), 'Expected axes to be an axis or two of them, got Array(1)'],
    [() => layers.zeroPadding2d({ padding: -1 }), 'Expected padding to be a non-negative integer, got -1 (number)'],
    [
      () => layers.zeroPadding2d({ padding: [[1, 2], [3]] as never }),
      'Expected padding[1] to be two non-negative integers, got Array(1)',
    ],
    [
      () => layers.zeroPadding2d({ padding: [1] as never }),
      'Expected padding to be n, [rows, columns] or [[top, bottom], [left, right]], got Array(1)',
    ],
    [
      () => layers.upSampling2d({ interpolation: 'bicubic' as never }),
      "Expected interpolation to be one of 'nearest', 'bilinear', got 'bicubic' (string)",
    ],
    [() => layers.upSampling2d({ size: 0 }), 'Expected size to be a positive integer, got 0 (number)'],
    [() => layers.permute({ dims: [1, 3] }), 'Expected dims to be each of the axes 1 to 2 once, got Array(2)'],
    [() => layers.repeatVector({ n: 0 }), 'Expected n to be a positive integer, got 0 (number)'],
    [
      () => layers.rescaling({ scale: 'a' as never }),
      "Expected scale to be a finite number or an array of them, got 'a' (string)",
    ],
    [
      () => layers.leakyReLU({ negativeSlope: -1 }),
      'Expected negativeSlope to be a non-negative number, got -1 (number)',
    ],
    [
      () => layers.leakyReLU({ negativeSlope: 1, alpha: 1 }),
      'Expected alpha to be left out where negativeSlope is given, as both are one, got 1 (number)',
    ],
    [() => layers.prelu({ sharedAxes: [0] }), 'Expected sharedAxes[0] to be a positive integer, got 0 (number)'],
    [() => layers.gaussianNoise({ stddev: -1 }), 'Expected stddev to be a non-negative number, got -1 (number)'],
    [
      () => layers.dropout({ rate: 0.5, noiseShape: [0] }),
      'Expected noiseShape[0] to be a positive integer, got 0 (number)',
    ],
    [
      () => layers.dropout({ rate: 0.5, noiseShape: 1 as never }),
      'Expected noiseShape to be an array of 1, null or lengths, got 1 (number)',
    ],
    [
      () => layers.cropping2d({ cropping: [1] as never }),
      'Expected cropping to be n, [rows, columns] or [[top, bottom], [left, right]], got Array(1)',
    ],
    [() => layers.spatialDropout2d({ rate: 2 }), 'Expected rate to be a number in [0, 1], got 2 (number)'],
    [
      () => layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 0 }),
      'Expected depthMultiplier to be a positive integer, got 0 (number)',
    ],
    [
      () => layers.conv2d({ filters: 3, kernelSize: 1, groups: 2 }),
      'Expected filters to be a multiple of groups (2), got 3 (number)',
    ],
    [() => layers.groupNormalization({ groups: 0 }), 'Expected groups to be a positive integer, or -1, got 0 (number)'],
    [
      () => layers.groupNormalization({ axis: 0 }),
      'Expected axis to be an axis of a sample, from 1 or from the end by -1 (0 is the batch), got 0 (number)',
    ],
    [() => layers.rmsNormalization({ epsilon: 0 }), 'Expected epsilon to be a positive number, got 0 (number)'],
    [() => layers.unitNormalization({ axis: [] }), 'Expected axis to be an axis or an array of some, got Array(0)'],
    [() => layers.reLU({ maxValue: -1 }), 'Expected maxValue to be a non-negative number, got -1 (number)'],
    [() => layers.alphaDropout({ rate: 1 }), 'Expected rate to be a number in [0, 1), got 1 (number)'],
    [
      () => layers.attention({ scoreMode: 'sum' as never }),
      "Expected scoreMode to be one of 'dot', 'concat', got 'sum' (string)",
    ],
    [() => layers.lambda('x' as never), "Expected fn to be a function of values, got 'x' (string)"],
  ];
  for (const [make, message] of options) t.throws(make, { message });
  t.throws(() => layers.depthwiseConv2d({ kernelSize: 3, kernelInitializer: 'ones' } as never), {
    message: /^Expected options to have no option 'kernelInitializer'; there are: .*depthwiseInitializer/,
  });
});
