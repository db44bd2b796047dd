import test from 'ava';
import {
  custom,
  initializers,
  input,
  type Layer,
  layers,
  model,
  NDArray,
  Layer as OwnLayer,
  ops,
  optimizers,
  RandomState,
  regularizers,
  sequential,
  type Value,
  type Weights,
} from 'fjordnet';
import { expand } from '../dist/graph/expand.js';
import { graphOf } from '../dist/graph/graph.js';
import { Lowered } from '../dist/graph/lower.js';
import { Recorder } from '../dist/graph/recorder.js';
import { type Node, placeholder } from '../dist/graph/value.js';
import { weightsOf } from '../dist/graph/weights.js';
import { layerFrom } from '../dist/layers/registry.js';
import { declareWeights } from '../dist/models/network.js';
import { valuesOf } from '../dist/plan.js';
import type { Buffer } from '../dist/tape.js';

const sizeOf = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);
const normal = (random: RandomState, shape: readonly number[]) => random.normal(0, 1, shape) as NDArray;

/**
 * Records one layer with the loss (y * c).sum() for random c, and returns what runs it: forward and backward for given
 * input and weights.
 */
function harness(layer: Layer, inputShape: readonly number[], samples: number) {
  const random = new RandomState(11);
  const t = new Recorder('float64');
  const input = placeholder(inputShape);
  const output = layer.apply(input);
  const x = t.batched('x', inputShape);
  const c = t.batched('c', output.shape);
  const { buffers, gradients } = declareWeights(t, weightsOf(layer, undefined, 'layer'));
  buffers.set(input, x);
  gradients.set(input, t.batched('dx', inputShape));
  const lower = (training: boolean) => {
    const { outputs } = expand(graphOf([input], [output]), [input], { training, frozen: new Set() });
    const options = { training, buffers, gradients, nameOf: ({ op }: Node) => op.name };
    return { value: outputs[0], lowered: new Lowered(t, outputs, options) };
  };
  const training = lower(true);
  t.program('train');
  training.lowered.forward();
  const y = training.lowered.buffer(training.value);
  t.program('backward');
  const dy = t.batched('dy', output.shape);
  t.emit('copy', [c, dy], { N: c.size });
  const dx = training.lowered.backward(new Map([[training.value, dy]])).get(input)!;
  t.compose('both', ['train', 'backward']);
  t.program('predict');
  const inference = lower(false);
  inference.lowered.forward();
  const predicted = inference.lowered.buffer(inference.value);
  const plan = t.compile();
  const coefficients = normal(random, [samples, ...output.shape]);
  const scalars = t.stepScalars.map(({ scalar }) => scalar);
  const run = (program: string, data: NDArray, collect: Buffer) => {
    const isTraining = program !== 'predict';
    const { outputs } = plan.runSync({
      program,
      first: 0,
      count: samples,
      batchSize: samples,
      inputs: [
        [x, valuesOf(data, 'float64')],
        [c, valuesOf(coefficients, 'float64')],
      ],
      outputs: [collect],
      scalars: isTraining ? scalars : [],
      values: Float64Array.from(isTraining ? scalars : [], () => 12345),
    });
    return (outputs as [Float64Array])[0];
  };
  return {
    t,
    plan,
    random,
    y: (data: NDArray) => run('train', data, y),
    predict: (data: NDArray) => run('predict', data, predicted),
    dx: (data: NDArray) => run('both', data, dx),
    loss: (data: NDArray) => run('train', data, y).reduce((sum, v, i) => sum + v * coefficients.data[i], 0),
  };
}

const cases: [name: string, layer: Layer, inputShape: number[], outputShape: number[]][] = [
  ['dense', layers.dense({ units: 4 }), [5], [4]],
  ['dense, of a sequence', layers.dense({ units: 4 }), [3, 5], [3, 4]],
  ['dense, of an image', layers.dense({ units: 2, useBias: false }), [2, 3, 4], [2, 3, 2]],
  ['conv2d', layers.conv2d({ filters: 3, kernelSize: 3 }), [6, 5, 2], [4, 3, 3]],
  [
    'conv2d, strided',
    layers.conv2d({ filters: 4, kernelSize: [3, 2], strides: [2, 1], padding: 'same' }),
    [7, 4, 2],
    [4, 4, 4],
  ],
  ['conv2d, dilated', layers.conv2d({ filters: 2, kernelSize: 2, dilationRate: [2, 3] }), [5, 6, 1], [3, 3, 2]],
  ['conv2d, no bias', layers.conv2d({ filters: 2, kernelSize: 1, useBias: false }), [3, 3, 3], [3, 3, 2]],
  ['maxPooling2d', layers.maxPooling2d(), [5, 6, 2], [2, 3, 2]],
  [
    'maxPooling2d, overlapping',
    layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
    [5, 6, 2],
    [3, 3, 2],
  ],
  ['averagePooling2d', layers.averagePooling2d({ poolSize: [2, 3] }), [5, 7, 2], [2, 2, 2]],
  [
    'averagePooling2d, overlapping',
    layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
    [5, 6, 2],
    [3, 3, 2],
  ],
  ['globalAveragePooling2d', layers.globalAveragePooling2d(), [4, 5, 3], [3]],
  ['flatten', layers.flatten(), [2, 3, 4], [24]],
  ['reshape', layers.reshape({ targetShape: [4, -1] }), [2, 3, 4], [4, 6]],
  ['dropout', layers.dropout({ rate: 0.4 }), [3, 7], [3, 7]],
  ['dropout of whole samples', layers.dropout({ rate: 0.4, noiseShape: [1, 1] }), [3, 7], [3, 7]],
  ['batchNormalization', layers.batchNormalization(), [3, 2, 4], [3, 2, 4]],
  ['batchNormalization, bare', layers.batchNormalization({ center: false, scale: false }), [3, 2, 4], [3, 2, 4]],
  ['normalization', layers.normalization(), [3, 2, 4], [3, 2, 4]],
  ['activation', layers.activation({ activation: 'linear' }), [3, 2], [3, 2]],
  ['inputLayer', layers.inputLayer({ shape: [3, 2] }), [3, 2], [3, 2]],
  ['depthwiseConv2d', layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2 }), [4, 5, 2], [2, 3, 4]],
  ['separableConv2d', layers.separableConv2d({ filters: 3, kernelSize: 2, padding: 'same' }), [3, 3, 2], [3, 3, 3]],
  ['conv2dTranspose', layers.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2 }), [2, 3, 2], [5, 7, 2]],
  ['conv2d, groups', layers.conv2d({ filters: 4, kernelSize: 2, groups: 2 }), [3, 3, 4], [2, 2, 4]],
  ['conv2d, a group a channel', layers.conv2d({ filters: 4, kernelSize: 2, groups: 2 }), [3, 3, 2], [2, 2, 4]],
  ['upSampling2d', layers.upSampling2d({ size: [1, 3] }), [2, 2, 3], [2, 6, 3]],
  ['upSampling2d, bilinear', layers.upSampling2d({ size: [3, 2], interpolation: 'bilinear' }), [2, 3, 2], [6, 6, 2]],
  ['zeroPadding2d', layers.zeroPadding2d({ padding: [1, 2] }), [2, 2, 3], [4, 6, 3]],
  ['cropping2d', layers.cropping2d({ cropping: [1, 2] }), [4, 6, 2], [2, 2, 2]],
  ['globalMaxPooling2d', layers.globalMaxPooling2d(), [4, 5, 3], [3]],
  ['conv1d', layers.conv1d({ filters: 3, kernelSize: 3 }), [6, 2], [4, 3]],
  [
    'conv1d, causal and dilated',
    layers.conv1d({ filters: 2, kernelSize: 3, padding: 'causal', dilationRate: 2 }),
    [6, 2],
    [6, 2],
  ],
  ['conv1d, strided', layers.conv1d({ filters: 4, kernelSize: 3, strides: 2, padding: 'same' }), [7, 2], [4, 4]],
  ['conv1d, groups', layers.conv1d({ filters: 4, kernelSize: 2, groups: 2, useBias: false }), [5, 4], [4, 4]],
  ['conv1d, a group a channel', layers.conv1d({ filters: 4, kernelSize: 2, groups: 2 }), [5, 2], [4, 4]],
  ['depthwiseConv1d', layers.depthwiseConv1d({ kernelSize: 3, depthMultiplier: 2 }), [5, 2], [3, 4]],
  ['separableConv1d', layers.separableConv1d({ filters: 3, kernelSize: 2, padding: 'same' }), [4, 2], [4, 3]],
  ['conv1dTranspose', layers.conv1dTranspose({ filters: 2, kernelSize: 3, strides: 2 }), [3, 2], [7, 2]],
  ['conv1dTranspose, dilated', layers.conv1dTranspose({ filters: 2, kernelSize: 3, dilationRate: 2 }), [3, 2], [7, 2]],
  ['maxPooling1d', layers.maxPooling1d(), [7, 2], [3, 2]],
  ['maxPooling1d, overlapping', layers.maxPooling1d({ poolSize: 3, strides: 2, padding: 'same' }), [6, 2], [3, 2]],
  ['averagePooling1d', layers.averagePooling1d({ poolSize: 3, strides: 1 }), [6, 2], [4, 2]],
  ['globalMaxPooling1d', layers.globalMaxPooling1d(), [5, 3], [3]],
  ['globalAveragePooling1d', layers.globalAveragePooling1d(), [5, 3], [3]],
  ['upSampling1d', layers.upSampling1d({ size: 3 }), [2, 3], [6, 3]],
  ['zeroPadding1d', layers.zeroPadding1d({ padding: [1, 2] }), [2, 3], [5, 3]],
  ['cropping1d', layers.cropping1d({ cropping: [1, 2] }), [5, 3], [2, 3]],
  ['layerNormalization', layers.layerNormalization(), [3, 5], [3, 5]],
  ['layerNormalization, two axes', layers.layerNormalization({ axis: [-1, -2] }), [2, 3, 4], [2, 3, 4]],
  ['layerNormalization, the first axis', layers.layerNormalization({ axis: 1, scale: false }), [4, 3], [4, 3]],
  ['groupNormalization', layers.groupNormalization({ groups: 2 }), [3, 2, 4], [3, 2, 4]],
  ['groupNormalization, each channel', layers.groupNormalization({ groups: -1, axis: 1 }), [3, 4], [3, 4]],
  ['rmsNormalization', layers.rmsNormalization(), [3, 5], [3, 5]],
  ['rmsNormalization, two axes', layers.rmsNormalization({ axis: [-1, -2], epsilon: 0.1 }), [2, 3, 4], [2, 3, 4]],
  ['unitNormalization', layers.unitNormalization(), [3, 5], [3, 5]],
  ['unitNormalization, other axes', layers.unitNormalization({ axis: [1, -1] }), [2, 3, 4], [2, 3, 4]],
  ['permute', layers.permute({ dims: [3, 1, 2] }), [2, 3, 4], [4, 2, 3]],
  ['repeatVector', layers.repeatVector({ n: 3 }), [4], [3, 4]],
  ['rescaling', layers.rescaling({ scale: [2, 3], offset: -1 }), [3, 2], [3, 2]],
  ['leakyReLU', layers.leakyReLU(), [3, 2], [3, 2]],
  ['reLU', layers.reLU({ maxValue: 0.8, negativeSlope: 0.2, threshold: 0.3 }), [3, 7], [3, 7]],
  ['prelu', layers.prelu({ sharedAxes: [1] }), [3, 2], [3, 2]],
  ['softmax', layers.softmax({ axis: 1 }), [3, 2], [3, 2]],
  ['rbf', layers.rbf({ units: 4, epsilonInitializer: 'ones' }), [3], [4]],
  ['rbf of a sequence', layers.rbf({ units: 2, centersInitializer: 'zeros' }), [5, 3], [5, 2]],
  ['gaussianNoise', layers.gaussianNoise({ stddev: 0.5 }), [3, 7], [3, 7]],
  ['gaussianDropout', layers.gaussianDropout({ rate: 0.4 }), [3, 7], [3, 7]],
  ['alphaDropout', layers.alphaDropout({ rate: 0.4 }), [3, 7], [3, 7]],
  ['spatialDropout1d', layers.spatialDropout1d({ rate: 0.4 }), [3, 7], [3, 7]],
  ['spatialDropout2d', layers.spatialDropout2d({ rate: 0.4 }), [2, 3, 7], [2, 3, 7]],
  ['randomFlip', layers.randomFlip(), [3, 4, 2], [3, 4, 2]],
  ['randomRotation', layers.randomRotation({ factor: 0.4, fillMode: 'wrap' }), [3, 4, 2], [3, 4, 2]],
  [
    'randomTranslation',
    layers.randomTranslation({ heightFactor: 0.6, widthFactor: [-0.1, 0.7], fillMode: 'constant', fillValue: 2 }),
    [5, 3, 1],
    [5, 3, 1],
  ],
  ['randomZoom', layers.randomZoom({ heightFactor: 0.4 }), [5, 3, 2], [5, 3, 2]],
  [
    'randomZoom, height and width apart',
    layers.randomZoom({ heightFactor: 0.4, widthFactor: [0.1, 0.3], interpolation: 'nearest', fillMode: 'nearest' }),
    [4, 4, 3],
    [4, 4, 3],
  ],
  ['randomContrast', layers.randomContrast({ factor: 0.5, valueRange: [-0.7, 0.9] }), [3, 4, 2], [3, 4, 2]],
];

/** In keras-layers.test.ts: those of several inputs, and a function, which no configuration makes again. */
const ELSEWHERE = [
  'simpleRNN',
  'lstm',
  'gru',
  'bidirectional',
  'timeDistributed',
  'multiHeadAttention',
  'attention',
  'additiveAttention',
  'masking',
  'add',
  'subtract',
  'multiply',
  'average',
  'maximum',
  'minimum',
  'concatenate',
  'dot',
  'lambda',
  'embedding',
];

test('every layer is checked here', (t) => {
  const checked = new Set(cases.map(([, layer]) => layer.className));
  const all = Object.keys(layers) as (keyof typeof layers)[];
  t.is(checked.size, all.length - ELSEWHERE.length);
});

for (const [name, layer, inputShape, outputShape] of cases) {
  test(`${name}: gradients are those of finite differences`, (t) => {
    const samples = 4;
    t.deepEqual([...layer.outputShape(inputShape)], outputShape);
    const { t: tape, plan, random, loss, dx } = harness(layer, inputShape, samples);
    for (const { value } of tape.parameters) {
      const drawn = normal(random, value.shape);
      if (value.name.endsWith('movingVariance'))
        for (const [i, v] of drawn.data.entries()) drawn.data[i] = 0.1 + Math.abs(v);
      plan.write(value, drawn);
    }
    const x = normal(random, [samples, ...inputShape]);
    const numeric = (at: Float64Array, after: () => void) =>
      at.map((value, i) => {
        const h = 1e-5;
        const side = (step: number) => {
          at[i] = value + step;
          after();
          return loss(x);
        };
        const derivative = (side(h) - side(-h)) / (2 * h);
        at[i] = value;
        after();
        return derivative;
      });
    const close = (what: string, actual: ArrayLike<number>, expected: ArrayLike<number>) => {
      t.is(actual.length, expected.length);
      for (let i = 0; i < actual.length; i++)
        t.true(
          Math.abs(actual[i] - expected[i]) < 1e-7 * (1 + Math.abs(expected[i])),
          `${what}[${i}]: ${actual[i]}, ${expected[i]}`,
        );
    };
    close(
      'dx',
      dx(x),
      numeric(x.data as Float64Array, () => {}),
    );
    for (const { name, value, gradient } of tape.parameters) {
      if (!gradient) continue;
      dx(x);
      const analytic = plan.read(gradient).data;
      const weights = plan.read(value);
      close(
        name,
        analytic,
        numeric(weights.data as Float64Array, () => plan.write(value, weights)),
      );
    }
  });

  test(`${name}: its configuration makes it again, through JSON`, (t) => {
    const config = JSON.parse(JSON.stringify(layer.getConfig()));
    const again = layerFrom(layer.className, config);
    t.is(again.constructor, layer.constructor);
    t.deepEqual(JSON.parse(JSON.stringify(again.getConfig())), config);
    t.deepEqual(again.outputShape(inputShape), layer.outputShape(inputShape));
  });
}

test("the defaults are Keras'", (t) => {
  const plain = (layer: Layer) => JSON.parse(JSON.stringify(layer.getConfig()));
  t.deepEqual(plain(layers.conv2d({ filters: 8, kernelSize: 3 })), {
    filters: 8,
    kernelSize: [3, 3],
    strides: [1, 1],
    padding: 'valid',
    dilationRate: [1, 1],
    groups: 1,
    activation: { name: 'linear' },
    useBias: true,
    kernelInitializer: { name: 'glorotUniform' },
    biasInitializer: { name: 'zeros' },
  });
  const pooling = { poolSize: [2, 2], strides: [2, 2], padding: 'valid' };
  t.deepEqual(plain(layers.maxPooling2d()), pooling);
  t.deepEqual(plain(layers.averagePooling2d({})), pooling);
  t.deepEqual(plain(layers.averagePooling2d({ poolSize: 3 })).strides, [3, 3]);
  const { momentum, epsilon, gammaInitializer, movingVarianceInitializer } = plain(layers.batchNormalization());
  t.deepEqual([momentum, epsilon], [0.99, 1e-3]);
  t.deepEqual([gammaInitializer.name, movingVarianceInitializer.name], ['ones', 'ones']);
  t.deepEqual(regularizers.l1(), { l1: 0.01, l2: 0 });
  t.deepEqual(regularizers.l2(), { l1: 0, l2: 0.01 });
  t.deepEqual(regularizers.l1l2({ l2: 0.1 }), { l1: 0, l2: 0.1 });
  t.deepEqual(regularizers.l1l2({ l1: 0.1 }), { l1: 0.1, l2: 0 });
});

test("padding 'same' is TensorFlow's", (t) => {
  // n, size, stride, dilation, places (tf.nn.conv2d on TensorFlow 2.12)
  for (const [n, size, stride, dilation, places] of [
    [8, 3, 1, 1, 8],
    [8, 3, 2, 1, 4],
    [9, 3, 2, 1, 5],
    [5, 4, 3, 1, 2],
    [10, 3, 1, 2, 10],
    [1, 7, 1, 1, 1],
  ]) {
    const layer = layers.conv2d({
      filters: 1,
      kernelSize: [size, 1],
      strides: [stride, 1],
      dilationRate: [dilation, 1],
      padding: 'same',
    });
    t.deepEqual(layer.outputShape([n, 1, 1]), [places, 1, 1]);
  }
  // An odd row of padding goes to the bottom: a 2 x 1 kernel of ones sums each row and the one below.
  const layer = layers.conv2d({
    filters: 1,
    kernelSize: [2, 1],
    padding: 'same',
    useBias: false,
    kernelInitializer: 'ones',
  });
  const { y, plan, t: tape } = harness(layer, [3, 1, 1], 1);
  plan.write(tape.parameters[0].value, NDArray.from([1, 1], { shape: [2, 1, 1, 1] }));
  t.deepEqual([...y(NDArray.from([1, 10, 100], { shape: [1, 3, 1, 1] }))], [11, 110, 100]);
});

test('dropout does nothing in prediction, and its mask is that of the seed in training', (t) => {
  const layer = layers.dropout({ rate: 0.5 });
  const { y, predict, random } = harness(layer, [40], 10);
  const x = normal(random, [10, 40]);
  t.deepEqual(predict(x), x.data);
  t.deepEqual(y(x), y(x));
  t.true(y(x).every((v, i) => v === 0 || v === 2 * x.data[i]));
});

/** Layers of a value that is made of weights alone, and of what shape that is. */
const ofWeights: [name: string, make: () => Layer<any>, shape: number[], drops?: true][] = [
  ['dropout', () => layers.dropout({ rate: 0.5 }), [3, 4], true],
  ['dropout with a noiseShape', () => layers.dropout({ rate: 0.5, noiseShape: [null, 1] }), [5, 4], true],
  ['spatialDropout1d', () => layers.spatialDropout1d({ rate: 0.5 }), [3, 8], true],
  ['spatialDropout2d', () => layers.spatialDropout2d({ rate: 0.5 }), [2, 3, 8], true],
  ['gaussianNoise', () => layers.gaussianNoise({ stddev: 0.5 }), [3, 4]],
  ['gaussianDropout', () => layers.gaussianDropout({ rate: 0.5 }), [3, 4]],
  ['alphaDropout', () => layers.alphaDropout({ rate: 0.5 }), [3, 4]],
  ['randomFlip', () => layers.randomFlip(), [4, 4, 2]],
  ['randomTranslation', () => layers.randomTranslation({ heightFactor: 0.3, widthFactor: 0.3 }), [4, 4, 2]],
  ['randomContrast', () => layers.randomContrast({ factor: 0.5 }), [4, 4, 2]],
  ['maxPooling2d', () => layers.maxPooling2d(), [4, 4, 2]],
  ['conv2d', () => layers.conv2d({ filters: 2, kernelSize: 3, activation: 'tanh' }), [4, 4, 2]],
  ['batchNormalization', () => layers.batchNormalization(), [3, 4]],
  ['layerNormalization', () => layers.layerNormalization(), [3, 4]],
  ['dense', () => layers.dense({ units: 2, activation: 'sigmoid', activityRegularizer: { l2: 0.5 } }), [3, 4]],
  ['lambda', () => layers.lambda((v: Value) => ops.square(v)), [3, 4]],
  ['lstm', () => layers.lstm({ units: 2, recurrentDropout: 0.5 }), [3, 4]],
  ['timeDistributed lstm', () => layers.timeDistributed({ layer: layers.gru({ units: 2 }) }), [2, 3, 4]],
  ['a network', () => sequential({ layers: [layers.dense({ units: 3 }), layers.dropout({ rate: 0.5 })] }), [3, 4]],
];
for (const [name, make, shape, drops] of ofWeights)
  test(`${name} of weights alone, within a layer of one’s own: gradients are those of differences`, async (t) => {
    class Around extends OwnLayer {
      readonly inner = make();
      override build(): void {
        this.addWeight('p', shape, initializers.randomUniform({ minval: 1, maxval: 2 }));
      }
      override call(x: Value, { p }: Weights): Value {
        return ops.mul(x, this.inner.apply(p as never) as Value) as Value;
      }
    }
    const own = custom.layer('Around', Around)({ inputShape: [1] } as never);
    const net = sequential({ layers: [own], seed: 3, dtype: 'float64' });
    const half = custom.loss('half', (_, y) => ops.mul(0.5, ops.sum(ops.square(y))));
    net.compile({ optimizer: optimizers.sgd({ learningRate: 0.125 }), loss: half });
    const x = [[1], [-1], [1]];
    const [first] = net.predictSync([[1], [2]]).toArray<number[][]>();
    t.deepEqual(net.predictSync([[1], [1]]).toArray<number[][]>(), [first, first]);
    const y = NDArray.zeros([3, ...(net.outputShape([1]) as number[])]);
    const { gradients } = await net.gradients(x, y);
    const before = net.getWeights();
    const trained = net.weightNames.flatMap((weight, i) => (/moving/.test(weight) ? [] : [i]));
    for (const [k, i] of trained.entries())
      for (const at of [0, before[i].size - 1]) {
        const side = async (step: number) => {
          const moved = before.map((array) => NDArray.from(array));
          moved[i].data[at] += step;
          net.setWeights(moved);
          return (await net.gradients(x, y)).loss; // with the same draws
        };
        const numeric = ((await side(1e-6)) - (await side(-1e-6))) / 2e-6;
        t.true(Math.abs(gradients[k].data[at] - numeric) < 1e-7, `${net.weightNames[i]}[${at}]: ${numeric}`);
      }
    net.setWeights(before);
    if (drops) {
      // one draw for the whole batch: 0, or 2 squared times the weight
      const shares = gradients[0].data.map((d, i) => Math.round((d / before[0].data[i]) * 1e6) / 1e6);
      t.deepEqual([...new Set(shares)].sort(), [0, 4]);
    }
    const { history } = await net.fit(x, y, { epochs: 2 });
    t.true(history.loss.every(Number.isFinite));
  });

const moments = (data: ArrayLike<number>) => {
  const mean = Array.from(data).reduce((sum, value) => sum + value, 0) / data.length;
  return [mean, Array.from(data).reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length];
};

test('gaussianDropout multiplies by numbers of mean 1 and variance rate / (1 - rate), in training alone', (t) => {
  const { y, predict, random } = harness(layers.gaussianDropout({ rate: 0.2 }), [50], 400);
  const x = normal(random, [400, 50]);
  t.deepEqual(predict(x), x.data);
  const factors = y(x).map((value, i) => value / x.data[i]);
  const [mean, variance] = moments(factors);
  t.true(Math.abs(mean - 1) < 0.015, `${mean}`); // four standard errors
  t.true(Math.abs(variance - 0.25) < 0.01, `${variance}`);
  t.true(new Set(factors).size > 0.99 * factors.length);
});

test('alphaDropout keeps mean and variance, and sets its share to one value, in training alone', (t) => {
  const rate = 0.25;
  const { y, predict, random } = harness(layers.alphaDropout({ rate }), [50], 400);
  const x = normal(random, [400, 50]);
  t.deepEqual(predict(x), x.data);
  const [before, after] = [x.data, y(x)];
  const dropped = after.filter((value, i) => after.indexOf(value) !== i);
  t.is(new Set(dropped).size, 1);
  const share = (dropped.length + 1) / after.length;
  t.true(Math.abs(share - rate) < 0.013, `${share}`);
  // Klambauer et al.: a (x d + alpha' (1 - d)) + b
  const alpha = -1.7580993408473766;
  const a = (1 - rate + alpha ** 2 * rate * (1 - rate)) ** -0.5;
  const b = -a * alpha * rate;
  for (const [i, value] of after.entries()) {
    const wanted = value === dropped[0] ? a * alpha + b : a * before[i] + b;
    t.true(Math.abs(value - wanted) < 1e-14, `${value} is not ${wanted}`);
  }
  const [mean, variance] = moments(after);
  t.true(Math.abs(mean) < 0.03 && Math.abs(variance - 1) < 0.05, `${mean}, ${variance}`);
});

test('batch normalization uses the statistics of the batch in training, moving averages otherwise', (t) => {
  const { y, predict, plan, t: tape, random } = harness(layers.batchNormalization({ momentum: 0.5 }), [2, 3], 4);
  const [gamma, beta, movingMean, movingVariance] = tape.parameters;
  t.deepEqual(
    tape.parameters.map(({ name, gradient }) => [name, gradient !== undefined]),
    [
      ['gamma', true],
      ['beta', true],
      ['movingMean', false],
      ['movingVariance', false],
    ],
  );
  for (const { value, initializer } of tape.parameters) plan.write(value, initializer(value.shape, random));
  t.deepEqual([...plan.read(gamma.value).data, ...plan.read(beta.value).data], [1, 1, 1, 0, 0, 0]);
  const x = normal(random, [4, 2, 3]);
  t.true(predict(x).every((v, i) => Math.abs(v - x.data[i] / Math.sqrt(1 + 1e-3)) < 1e-14));
  const normalized = y(x);
  for (let c = 0; c < 3; c++) {
    const column = normalized.filter((_, i) => i % 3 === c);
    t.true(Math.abs(column.reduce((a, b) => a + b) / 8) < 1e-14);
    const inputs = x.data.filter((_, i) => i % 3 === c) as Float64Array;
    const mean = inputs.reduce((a, b) => a + b) / 8;
    const variance = inputs.reduce((a, b) => a + (b - mean) ** 2, 0) / 8;
    t.true(Math.abs(plan.read(movingMean.value).data[c] - mean / 2) < 1e-14);
    t.true(Math.abs(plan.read(movingVariance.value).data[c] - (1 + variance) / 2) < 1e-14);
  }
});

test('averages move in training, also those that only an output without a loss depends on', (t) => {
  const random = new RandomState(6);
  const x = normal(random, [8, 3]);
  const y = normal(random, [8, 1]);
  const fitted = () => {
    const at = input({ shape: [3] });
    const b = layers.dense({ units: 2, trainable: false, name: 'features' }).apply(at);
    const beside = layers
      .dense({ units: 1 })
      .apply(layers.batchNormalization({ momentum: 0.75, name: 'norm' }).apply(b));
    const judged = layers.dense({ units: 1, name: 'judged' }).apply(at);
    const network = model({
      inputs: at,
      outputs: [judged, beside],
      seed: 4,
      dtype: 'float64',
    });
    network.compile({ optimizer: 'sgd', loss: { judged: 'meanSquaredError' } });
    return { network, losses: network.fitSync(x, { judged: y }, { batchSize: 8, epochs: 1 }).history.loss };
  };
  const { network, losses } = fitted();
  const [kernel] = network.getLayer('features').getWeights();
  const values = [...Array(8)].map((_, i) =>
    [0, 1].map((k) => [0, 1, 2].reduce((sum, j) => sum + x.at(i, j) * kernel.at(j, k), 0)),
  );
  const [gamma, beta, mean, variance] = network.getLayer('norm').getWeights();
  t.deepEqual([...gamma.data, ...beta.data], [1, 1, 0, 0]);
  for (const k of [0, 1]) {
    const [average, spread] = moments(values.map((row) => row[k]));
    t.true(Math.abs(mean.at(k) - average / 4) < 1e-15);
    t.true(Math.abs(variance.at(k) - (3 + spread) / 4) < 1e-15);
  }
  network.evaluateSync(x, { judged: y });
  t.deepEqual(network.getLayer('norm').getWeights()[2].toArray(), mean.toArray());
  t.is(losses.length, 1);
});

test('an activation layer leaves the values before it alone, so that their gradient is right', async (t) => {
  const random = new RandomState(3);
  const x = normal(random, [12, 4]);
  const y = normal(random, [12, 3]);
  const dense = { units: 3, activation: 'sigmoid' } as const;
  const weights = async (tail: Layer[]) => {
    const model = sequential({
      dtype: 'float64',
      seed: 5,
      layers: [layers.dense({ ...dense, inputShape: [4] }), ...tail],
    });
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.5 }), loss: 'meanSquaredError' });
    model.fitSync(x, y, { batchSize: 4, epochs: 3, shuffle: false });
    return model.getWeights().map((w) => [...w.data]);
  };
  // relu changes nothing in a sigmoid's values
  t.deepEqual(await weights([layers.activation({ activation: 'relu' })]), await weights([]));
  t.deepEqual(await weights([layers.flatten(), layers.activation({ activation: 'relu' })]), await weights([]));
});

test('a softmax layer of its own is fused with the loss as a dense layer with softmax is', (t) => {
  const random = new RandomState(4);
  const x = (normal(random, [20, 4]).data as Float64Array).map((v) => v * 1e4);
  const labels = Array.from({ length: 20 }, (_, i) => i % 3);
  const losses = (tail: Layer[]) => {
    const model = sequential({ dtype: 'float64', seed: 5, layers: tail });
    model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
    return model.fitSync(NDArray.from(x, { shape: [20, 4] }), labels, { epochs: 2, shuffle: false }).history.loss;
  };
  const inputShape = [4];
  const fused = losses([layers.dense({ units: 3, activation: 'softmax', inputShape })]);
  t.true(fused.every(Number.isFinite));
  t.deepEqual(losses([layers.dense({ units: 3, inputShape }), layers.activation({ activation: 'softmax' })]), fused);
});

test('options that cannot be: one sentence each', (t) => {
  const refuse = (make: () => unknown, instanceOf: ErrorConstructor, message: string) =>
    t.throws(make, { instanceOf, message });
  const wrong = (value: unknown) => value as any;
  refuse(() => layers.conv2d(wrong(undefined)), TypeError, 'Expected options to be an object, got undefined');
  refuse(
    () => layers.timeDistributed(wrong(layers.dense({ units: 1 }))),
    TypeError,
    'Expected options to be an object, got Dense; there are: name, inputShape, trainable, activityRegularizer, layer',
  );
  refuse(
    () => layers.lstm({ units: 2, inputShape: wrong([null, 8]) }),
    TypeError,
    'Expected inputShape[0] to be a positive integer: samples are of one shape (padSequences makes it of sequences), got null',
  );
  refuse(
    () => layers.conv2d({ filters: 0, kernelSize: 3 }),
    RangeError,
    'Expected filters to be a positive integer, got 0 (number)',
  );
  refuse(
    () => layers.conv2d({ filters: 1, kernelSize: wrong('3') }),
    TypeError,
    "Expected kernelSize to be a positive integer or two of them, got '3' (string)",
  );
  refuse(
    () => layers.conv2d({ filters: 1, kernelSize: wrong([3, 3, 3]) }),
    TypeError,
    'Expected kernelSize to be a positive integer or two of them, got Array(3)',
  );
  refuse(
    () => layers.conv2dTranspose({ filters: 1, kernelSize: 3, strides: [2, 3], outputPadding: 2 }),
    RangeError,
    "Expected outputPadding to be less than strides, [2,3], got '[2,2]' (string)",
  );
  refuse(
    () => layers.conv1dTranspose({ filters: 1, kernelSize: 3, outputPadding: -1 }),
    RangeError,
    'Expected outputPadding to be a non-negative integer, got -1 (number)',
  );
  refuse(
    () => layers.conv1dTranspose({ filters: 1, kernelSize: 2, padding: 'same', outputPadding: 0 }).outputShape([1, 3]),
    RangeError,
    "Expected the input of Conv1DTranspose to be larger than one step, of which padding 'same' and outputPadding 0 leave none, got shape [1, 3]",
  );
  refuse(
    () => layers.conv2d({ filters: 1, kernelSize: [3, 0.5] }),
    RangeError,
    'Expected kernelSize[1] to be a positive integer, got 0.5 (number)',
  );
  refuse(
    () => layers.conv2d({ filters: 1, kernelSize: 3, padding: wrong('sane') }),
    RangeError,
    "Expected padding to be one of 'valid', 'same' (did you mean 'same'?), got 'sane' (string)",
  );
  refuse(
    () => layers.conv2d(wrong({ filters: 1, kernelsize: 3 })),
    TypeError,
    "Expected options to have no option 'kernelsize' (did you mean 'kernelSize'?); there are: name, inputShape, trainable, activityRegularizer, filters, " +
      'kernelSize, strides, padding, dilationRate, groups, activation, useBias, kernelInitializer, biasInitializer, kernelRegularizer, ' +
      'biasRegularizer, kernelConstraint, biasConstraint',
  );
  refuse(() => layers.dropout({ rate: 1.5 }), RangeError, 'Expected rate to be a number in [0, 1], got 1.5 (number)');
  refuse(
    () => layers.reshape({ targetShape: [-1, -1] }),
    RangeError,
    'Expected targetShape to be an array of positive integers, one of which may be -1, got Array(2)',
  );
  refuse(
    () => layers.batchNormalization({ epsilon: 0 }),
    RangeError,
    'Expected epsilon to be a positive number, got 0 (number)',
  );
  refuse(
    () => layers.inputLayer({ shape: wrong(3) }),
    TypeError,
    'Expected shape to be an array of positive integers, got 3 (number)',
  );
  t.throws(() => layerFrom('Conv3D', {}), {
    instanceOf: RangeError,
    message: /^Expected className to be one of 'Dense', 'Conv2D'.*did you mean 'Conv2D'/,
  });
});

test('inputs that a layer cannot take: one sentence each', (t) => {
  const refuse = (layer: Layer, shape: number[], message: string) =>
    t.throws(() => layer.outputShape(shape), { instanceOf: RangeError, message });
  refuse(
    layers.conv2d({ filters: 1, kernelSize: [5, 3], name: 'edges' }),
    [4, 4, 1],
    "Expected the input of Conv2D 'edges' to be images of at least 5 x 3 pixels, as its kernel with padding 'valid' (or use " +
      "padding 'same'), got shape [4, 4, 1]",
  );
  refuse(
    layers.conv2d({ filters: 1, kernelSize: 3, dilationRate: 2 }),
    [4, 8, 1],
    "Expected the input of Conv2D to be images of at least 5 x 5 pixels, as its kernel with padding 'valid' (or use " +
      "padding 'same'), got shape [4, 8, 1]",
  );
  refuse(
    layers.maxPooling2d(),
    [8, 1, 3],
    "Expected the input of MaxPooling2D to be images of at least 2 x 2 pixels, as its window with padding 'valid' (or use " +
      "padding 'same'), got shape [8, 1, 3]",
  );
  refuse(
    layers.conv2d({ filters: 1, kernelSize: 3 }),
    [8, 8],
    'Expected the input of Conv2D to be images [height, width, channels] (one channel: [8, 8, 1]), got shape [8, 8]',
  );
  refuse(
    layers.globalAveragePooling2d(),
    [64],
    'Expected the input of GlobalAveragePooling2D to be images [height, width, channels], got shape [64]',
  );
  refuse(
    layers.reshape({ targetShape: [5, 5] }),
    [24],
    'Expected the input of Reshape to be of 25 values (targetShape [5, 5]), got shape [24]',
  );
  refuse(
    layers.reshape({ targetShape: [5, -1] }),
    [24],
    'Expected the input of Reshape to be of a multiple of 5 values (targetShape [5, -1]), got shape [24]',
  );
  refuse(layers.inputLayer({ shape: [3] }), [4], 'Expected the input of InputLayer to be of shape [3], got shape [4]');
  t.is(sizeOf(layers.conv2d({ filters: 1, kernelSize: 9, padding: 'same' }).outputShape([3, 3, 1])), 9);
});
