// Layers models of TensorFlow.js: it loads ours and predicts the same, and what it saves is read.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import {
  activations,
  importBytes,
  importModel,
  input,
  layers as L,
  type Layer,
  type Model,
  model,
  NDArray,
  ops,
  RandomState,
  sequential,
  type Value,
} from 'fjordnet';
import { filled, MODELS, outputsOf, samplesFor } from './helpers/networks.js';
import { difference } from './helpers/replay.js';
import { loadTfjs, predictTfjs, saveTfjs, tf, tfl } from './helpers/tfjs.js';

const home = mkdtempSync(join(tmpdir(), 'fjordnet-tfjs-'));
test.after.always(() => rmSync(home, { recursive: true }));

const folder = (name: string) => {
  const path = join(home, name);
  mkdirSync(path, { recursive: true });
  return path;
};
const seq = (...layers: Layer<any>[]) => sequential({ layers: layers as never, seed: 1 });
const gru = (options: object) => L.gru({ units: 3, resetAfter: false, ...options });

/** Networks beside those that all formats are tried with: what is TensorFlow.js' own, and what is made of several of its layers. */
const OWN: Record<string, () => Model<any, any>> = {
  gru: () => seq(gru({ returnSequences: true, inputShape: [6, 3] }), gru({ goBackwards: true, useBias: false })),
  bidirectional: () =>
    seq(
      L.bidirectional({ layer: L.lstm({ units: 4, returnSequences: true }), name: 'both', inputShape: [6, 3] }),
      L.bidirectional({ layer: gru({ name: 'forward' }), mergeMode: 'sum' }),
    ),
  backwardsFirst: () =>
    seq(
      L.bidirectional({
        layer: L.lstm({ units: 4, returnSequences: true, goBackwards: true }),
        inputShape: [6, 3],
      }),
      L.bidirectional({ layer: gru({ goBackwards: true }), mergeMode: 'sum' }),
    ),
  softmaxes: () =>
    seq(
      L.softmax({ axis: 1, inputShape: [4, 3, 2] }),
      L.softmax({ axis: -2 }),
      L.softmax({ axis: 3 }),
      L.timeDistributed({ layer: L.softmax() }),
    ),
  masked: () =>
    seq(
      L.embedding({ inputDim: 10, outputDim: 4, maskZero: true, inputShape: [7] }),
      L.dense({ units: 4, activation: 'tanh' }),
      L.lstm({ units: 4, returnSequences: true }),
      gru({}),
    ),
  activations: () =>
    seq(
      L.inputLayer({ shape: [4] }),
      L.dropout({ rate: 0.5 }),
      L.gaussianNoise({ stddev: 1 }),
      L.rescaling({ scale: [1, 2, 3, 4], offset: -1 }),
      L.dense({ units: 3, activation: activations.leakyRelu({ alpha: 0.2 }), name: 'leaky' }),
      L.prelu(),
      L.leakyReLU(),
      L.activation({ activation: activations.leakyRelu({ alpha: 0.1 }) }),
      ...(['elu', 'selu', 'softplus', 'softsign', 'mish', 'silu', 'relu6', 'tanh', 'sigmoid'] as const).map(
        (activation) => L.dense({ units: 3, activation }),
      ),
      L.dense({ units: 3, activation: 'hardSigmoid', name: 'hard' }),
      L.softmax(),
    ),
  regularized: () =>
    seq(
      L.embedding({ inputDim: 9, outputDim: 2, embeddingsInitializer: 'orthogonal', inputShape: [3] }),
      L.dense({
        units: 3,
        kernelInitializer: 'leCunNormal',
        kernelRegularizer: 'l2',
        biasRegularizer: 'l1',
        kernelConstraint: 'maxNorm',
      }),
    ),
  merging: () => {
    const [a, b] = [input({ shape: [4, 3] }), input({ shape: [4, 3] })];
    const all = [L.multiply(), L.average(), L.maximum(), L.minimum(), L.dot({ axes: 2 })].map((layer) =>
      layer.apply([a, b] as never),
    );
    return model({ inputs: [a, b], outputs: all as never, seed: 1 });
  },
  nested: () => {
    const inner = () =>
      seq(L.dense({ units: 4, activation: 'relu', inputShape: [4], name: 'same' }), L.dense({ units: 4 }));
    const x = input({ shape: [4] });
    const [a, b] = [inner(), inner()];
    const h = b.apply(a.apply(a.apply(x)));
    return model({ inputs: x, outputs: L.dense({ units: 1, name: 'same' }).apply(h), seed: 1 });
  },
  operations: () => {
    const [x, y] = [input({ shape: [4] }), input({ shape: [4] })];
    const sum = ops.relu(ops.add(ops.mul(x, 2), ops.mul(x, y)));
    return model({ inputs: [x, y], outputs: [ops.maximum(sum, x), ops.minimum(sum, y)], seed: 1 });
  },
  strides: () =>
    seq(
      L.conv1d({ filters: 4, kernelSize: 3, padding: 'causal', strides: 2, name: 'c', inputShape: [9, 3] }),
      L.zeroPadding1d({ padding: [2, 1] }),
      L.upSampling1d({ size: 2 }),
      L.conv1d({ filters: 2, kernelSize: 2, padding: 'causal', activation: activations.celu({ alpha: 0.5 }) }),
    ),
  lengths: () =>
    seq(
      L.conv1d({ filters: 4, kernelSize: 3, padding: 'causal', dilationRate: 2, inputShape: [5, 3] }),
      L.zeroPadding1d({ padding: [2, 1] }),
      L.upSampling1d({ size: 2 }),
      L.cropping1d({ cropping: [1, 2] }),
      L.flatten(),
      L.dense({ units: 2, activityRegularizer: 'l2' }),
    ),
  'several lengths': () => {
    const [x, y] = [input({ shape: [5, 3] }), input({ shape: [7, 3] })];
    const shared = L.conv1d({ filters: 2, kernelSize: 2, padding: 'causal' });
    const made = [x, y].map((each) => L.globalMaxPooling1d().apply(shared.apply(each)));
    return model({ inputs: [x, y], outputs: L.concatenate().apply(made), seed: 1 });
  },
  groups: () =>
    seq(
      L.conv2d({ filters: 6, kernelSize: 3, groups: 3, strides: 2, activation: 'hardSigmoid', inputShape: [7, 7, 3] }),
      L.spatialDropout2d({ rate: 0.3, activityRegularizer: 'l2' }),
      L.conv2d({ filters: 6, kernelSize: 2, groups: 6, useBias: false, padding: 'same' }),
    ),
  functions: () =>
    seq(
      L.dense({ units: 3, activation: 'celu', inputShape: [4] }),
      L.dense({ units: 3, activation: activations.celu({ alpha: 0.7 }) }),
      L.dense({ units: 3, activation: 'logSigmoid' }),
      L.activation({ activation: 'hardSigmoid' }),
      L.activation({ activation: 'logSigmoid' }),
    ),
  functionsOfSteps: () =>
    seq(
      L.masking({ inputShape: [4, 3] }),
      L.timeDistributed({ layer: L.dense({ units: 3, activation: activations.leakyRelu({ alpha: 0.2 }) }) }),
      L.dense({ units: 3, activation: activations.celu({ alpha: 0.5 }) }),
      L.dense({ units: 3, activation: 'logSigmoid' }),
      L.lstm({ units: 2, activation: 'elu' }),
    ),
  ofEachStep: () => {
    const each = (layer: Layer<any>, options: object = {}) => L.timeDistributed({ layer, ...options });
    return seq(
      each(each(L.dense({ units: 3, activation: activations.leakyRelu({ alpha: 0.2 }) })), { inputShape: [4, 3, 2] }),
      each(L.activation({ activation: 'hardSigmoid' })),
      each(each(L.activation({ activation: 'hardSigmoid' }))),
      each(L.activation({ activation: 'logSigmoid' })),
    );
  },
  kept: () => {
    const x = input({ shape: [5, 4, 3] });
    const mean = L.globalAveragePooling2d({ keepDims: true }).apply(x);
    const gate = L.conv2d({ filters: 3, kernelSize: 1, activation: 'sigmoid' }).apply(mean);
    const largest = L.globalMaxPooling2d({ keepDims: true }).apply(L.multiply().apply([x, gate]));
    const y = input({ shape: [6, 2] });
    const steps = [L.globalAveragePooling1d, L.globalMaxPooling1d].map((pool) => pool({ keepDims: true }).apply(y));
    return model({ inputs: [x, y], outputs: [largest, ...steps], seed: 1 });
  },
  rectified: () =>
    seq(
      L.reLU({ inputShape: [4, 3] }),
      L.alphaDropout({ rate: 0.2 }),
      L.dense({ units: 3 }),
      L.reLU({ maxValue: 0.5 }),
      L.dense({ units: 3 }),
      L.gaussianDropout({ rate: 0.2 }),
      L.reLU({ negativeSlope: 0.2 }),
      L.dense({ units: 3 }),
      L.reLU({ threshold: 0.3 }),
    ),
  differences: () => {
    const [a, b] = [input({ shape: [4, 3] }), input({ shape: [4, 3] })];
    const d = L.subtract().apply([a, b]);
    const joined = ops.concat([ops.abs(d), ops.square(ops.sub(d, b))], { axis: 0 });
    const outputs = [ops.reshape(joined, [6, 4]), ops.hardSigmoid(a), ops.celu(b), L.subtract().apply([d, a])];
    return model({ inputs: [a, b], outputs: outputs as never, seed: 1 });
  },
};

/** What TensorFlow.js cannot hold of the networks that all formats are tried with. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  enlarged: /'conv2d_transpose' to be a convolution without outputPadding/,
  kept: /the layer of the layer 'time_distributed' to be one without keepDims/,
  gru: /'gru' to be a GRU with resetAfter false/,
  gruAfter: /'gru' to be a GRU with resetAfter false/,
  oddGates: /'gru' to be a GRU with resetAfter false/,
  bidirectional: /'bidirectional_1' to be a GRU with resetAfter false/,
  masked: /'gru' to be a GRU with resetAfter false/,
  maskedBi: /'bidirectional' to be given no masked steps/,
  separable1d: /got SeparableConv1D/,
  stepwise: /the layer of the layer 'time_distributed' to be one that TensorFlow.js has, got Sequential/,
  groups: /got GroupNormalization/,
  bilinear: /'up_sampling2d' to be of the interpolation 'nearest'/,
  rootMeanSquare: /got RMSNormalization/,
  attention: /got MultiHeadAttention/,
  attentionPlain: /'attention' to be given no masked steps/,
  attentionMasked: /'multi_head_attention' to be given no masked steps/,
  attentionAcross: /got MultiHeadAttention/,
  ops: /without constants/,
  activationsAll: /got 'exponential'/,
  heaviside: /got 'heaviside'/,
  geluApprox: /'dense' .* got 'gelu'/,
  positional: /without constants/,
};

/** Other layers come back, or weights change a little: by hard sigmoids, which are multiplied by 1.2, and constraints, which TensorFlow.js applies when it loads. */
const LOOSE = new Set([
  'own activations',
  'own regularized',
  'own groups',
  'own differences',
  'own softmaxes',
  'own ofEachStep',
  'depthwise',
]);

const CASES = [
  ...Object.entries(MODELS).flatMap(([name, make]) => (REFUSED[name] ? [] : [[name, () => make()] as const])),
  ...Object.entries(OWN).map(([name, make]) => [`own ${name}`, make] as const),
];
for (const [name, make] of CASES)
  test(`${name}: TensorFlow.js gives our numbers, and what both write is read with the same bits`, async (t) => {
    const own = make();
    filled(own);
    const path = join(folder(name), 'model.json');
    await own.export(path);
    const xs = samplesFor(own);
    const wanted = await outputsOf(own, xs);
    const other = await loadTfjs(path);
    const check = (what: string, k: number, y: ArrayLike<number>) => {
      const { data } = wanted[k];
      const scale = Math.max(1, ...Array.from(data, Math.abs));
      const worst = Math.max(...Array.from(data, (value, i) => Math.abs(value - y[i])));
      t.true(data.length === y.length && worst / scale < 1e-6, `${what}, output ${k}: ${worst / scale}`);
    };
    for (const [k, y] of predictTfjs(other, xs).entries()) check('TensorFlow.js', k, y);
    await saveTfjs(other, join(home, name, 'theirs.json'));
    for (const file of ['model.json', 'theirs.json']) {
      const back = await importModel(join(home, name, file));
      const isLoose = LOOSE.has(name);
      for (const [k, y] of (await outputsOf(back, xs)).entries())
        if (isLoose) check(file, k, y.data);
        else t.deepEqual(y, wanted[k], file);
      if (!isLoose) t.deepEqual(back.getWeights(), own.getWeights());
      if (own.className === 'Model') t.deepEqual(back.inputNames, own.inputNames);
    }
  });

interface Saved {
  readonly shape: number[];
  readonly data: number[];
}
const ofKeras = new URL('../test/fixtures/keras-files/', import.meta.url);
const { files }: { files: Record<string, { forms: string[]; inputs: Saved[]; outputs: Saved[] }> } = JSON.parse(
  readFileSync(new URL('index.json', ofKeras), 'utf8'),
);
/** Each with the first layer that TensorFlow.js has not: it stops at the constants of the operations. */
const LACKING: Readonly<Record<string, RegExp>> = {
  activations: /'exponential'/,
  attention: /MultiHeadAttention/,
  bidirectional: /GRU with resetAfter false/,
  cells: /'rnn_5' to be given no masked steps/,
  enlarged: /to be a convolution without outputPadding/,
  looking: /'attention' to be given no masked steps/,
  gates: /got 'slice'/,
  hard: /GRU with resetAfter false/,
  'given-masks': /'masking' to be given a sequence alone/,
  kinks: /got 'hardShrink'/,
  lengths: /'unit_normalization' to be given no masked steps/,
  masked: /no masked steps/,
  operations: /without constants/,
  pictures: /got RandomFlip/,
  sequences: /GRU with resetAfter false/,
  shapes: /got 'slice'/,
  stacked: /GRU with resetAfter false/,
  stepwise: /got Sequential/,
  tensorflow: /got 'slice'/,
  waves: /got 'sin'/,
};
for (const [name, { forms, inputs, outputs }] of Object.entries(files))
  for (const form of forms)
    test(`${name}.${form}: of Keras, in TensorFlow.js it predicts what it does there`, async (t) => {
      const own = await importBytes(gunzipSync(readFileSync(new URL(`${name}.${form}.gz`, ofKeras))));
      const path = join(folder(`keras-${name}-${form}`), 'model.json');
      const lacking = LACKING[name.replace(/-64$/, '').replace(/2$/, '')];
      if (lacking) {
        await t.throwsAsync(own.export(path), { message: lacking });
        return;
      }
      await own.export(path);
      const xs = inputs.map(({ shape, data }, k) => NDArray.from(data, { shape, dtype: own.inputs[k].dtype }));
      for (const [k, y] of predictTfjs(await loadTfjs(path), xs).entries()) {
        const worst = Math.max(
          ...outputs[k].data.map((value, i) => Math.abs(value - y[i]) / Math.max(1, Math.abs(value))),
        );
        t.true(y.length === outputs[k].data.length && worst < 1e-6, `output ${k}: ${worst}`);
      }
    });

/** Its orthogonal one takes more of the library than is loaded here. */
const recurrentInitializer = 'glorotUniform';
const ofTfjs: Record<string, () => tfl.LayersModel> = {
  'recurrent layers of its own defaults': () =>
    tfl.sequential({
      layers: [
        tfl.layers.lstm({ recurrentInitializer, units: 5, returnSequences: true, inputShape: [6, 3] }),
        tfl.layers.bidirectional({
          layer: tfl.layers.gru({ recurrentInitializer, units: 4, returnSequences: true }) as never,
          mergeMode: 'ave',
        }),
        tfl.layers.timeDistributed({ layer: tfl.layers.dense({ units: 2, activation: 'hardSigmoid' }) }),
        tfl.layers.gru({ recurrentInitializer, units: 3 }),
      ],
    }),
  images: () =>
    tfl.sequential({
      layers: [
        tfl.layers.conv2d({ filters: 3, kernelSize: 3, inputShape: [8, 8, 1], activation: 'elu' }),
        tfl.layers.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2 }),
        tfl.layers.batchNormalization({}),
        tfl.layers.reLU({ maxValue: 6 }),
        tfl.layers.leakyReLU({ alpha: 0.1 }),
        tfl.layers.reshape({ targetShape: [25, 6] }),
        tfl.layers.layerNormalization({}),
        tfl.layers.flatten(),
        tfl.layers.dense({ units: 2, activation: 'swish' as never, kernelRegularizer: 'l1l2' }),
      ],
    }),
  'a network within a network, twice': () => {
    const inner = tfl.sequential({ layers: [tfl.layers.dense({ units: 3, inputShape: [3] })] });
    const x = tfl.input({ shape: [3] });
    const h = inner.apply(inner.apply(x)) as tfl.SymbolicTensor;
    const sum = tfl.layers.add().apply([h, x]) as tfl.SymbolicTensor;
    return tfl.model({ inputs: x, outputs: [sum, inner.apply(sum) as tfl.SymbolicTensor] });
  },
};

for (const [name, make] of Object.entries(ofTfjs))
  test(`of TensorFlow.js: ${name}`, async (t) => {
    const theirs = make();
    const r = new RandomState(4);
    const values = theirs.getWeights().map(({ shape }) => r.normal(0, 0.4, [...shape]) as NDArray);
    theirs.setWeights(values.map(({ data, shape }) => tf.tensor(Array.from(data), [...shape])));
    const bn = theirs.layers.find((layer) => layer.getClassName() === 'BatchNormalization');
    bn?.setWeights(bn.getWeights().map((w) => tf.add(tf.abs(w), 0.1)));
    const path = join(folder('of tfjs'), `${theirs.name}.json`);
    await saveTfjs(theirs, path);
    const own = await importModel(path);
    const xs = samplesFor(own);
    const wanted = predictTfjs(theirs, xs);
    for (const [k, y] of (await outputsOf(own, xs)).entries()) {
      const d = difference(wanted[k], y.data);
      t.true(d < 1e-6, `output ${k}: ${d}`);
    }
    t.is(own.dtype, 'float32');
    const wide = await importModel(path, { dtype: 'float64' });
    t.is((await outputsOf(wide, xs))[0].dtype, 'float64');
  });

test('names that TensorFlow.js does not take become others', async (t) => {
  const names = ['a b', 'a_b', 'ä.1', '_x', 'constructor', '__proto__', 'x-1'];
  const x = input({ shape: [2], name: 'in put' });
  const inner = seq(L.dense({ units: 2, inputShape: [2], name: 'a b' }));
  let y: Value = inner.apply(x) as Value;
  for (const name of names) y = L.dense({ units: 2, activation: 'tanh', name }).apply(y);
  const own = model({ inputs: x, outputs: y, seed: 1 });
  const path = join(folder('names'), 'model.json');
  await own.export(path);
  const rows = [[1, -2]];
  const [wanted] = (own.predictSync(rows) as NDArray).toArray() as number[][];
  const there = await loadTfjs(path);
  const known = ['a_b', 'a_b_1', '_.1', '_x', 'constructor', '__proto__'].map((name) =>
    /^a/.test(name) ? name : `layer_${name}`,
  );
  t.deepEqual(
    there.layers.map(({ name }) => name),
    ['in_put', 'sequential', ...known, 'x-1'],
  );
  const found = predictTfjs(there, [NDArray.from(rows)])[0];
  const back = (await importModel(path)).predictSync(rows) as NDArray;
  for (const [i, v] of wanted.entries()) {
    t.true(Math.abs(found[i] - v) < 1e-6);
    t.true(Math.abs(back.data[i] - v) < 1e-6);
  }
});

test('weights of several files, each of 4 MB; another name, another group', async (t) => {
  const own = seq(L.dense({ units: 1500, inputShape: [1000] }), L.dense({ units: 2 }));
  const path = join(folder('shards'), 'large.json');
  await own.export(path, { format: 'tfjs' });
  t.deepEqual(readdirSync(join(home, 'shards')).sort(), [
    'large-group1-shard1of2.bin',
    'large-group1-shard2of2.bin',
    'large.json',
  ]);
  t.is(readFileSync(join(home, 'shards/large-group1-shard1of2.bin')).length, 2 ** 22);
  t.deepEqual((await importModel(path)).getWeights(), own.getWeights());
  const other = await loadTfjs(path);
  t.deepEqual([...(await other.getWeights()[0].data())], [...own.getWeights()[0].data]);
});

test('metadata travels', async (t) => {
  const own = seq(L.dense({ units: 1, inputShape: [1] }));
  own.metadata = { classes: ['a', 'b'] };
  const path = join(folder('metadata'), 'model.json');
  await own.export(path);
  t.deepEqual((await importModel(path)).metadata, own.metadata);
});

/** Files of a dense layer of 2 to 3. */
function dense(change: (json: any) => void = () => {}, bytes: Uint8Array = new Uint8Array(36)) {
  const name = join(folder('given'), `${given++}.json`);
  const json: any = {
    format: 'layers-model',
    modelTopology: {
      class_name: 'Sequential',
      config: {
        name: 's',
        layers: [{ class_name: 'Dense', config: { name: 'd', units: 3, batch_input_shape: [null, 2] } }],
      },
    },
    weightsManifest: [
      {
        paths: [`${given}.bin`],
        weights: [
          { name: 'd/kernel', shape: [2, 3], dtype: 'float32' },
          { name: 'd/bias', shape: [3], dtype: 'float32' },
        ],
      },
    ],
  };
  writeFileSync(join(dirname(name), `${given}.bin`), bytes);
  change(json);
  writeFileSync(name, JSON.stringify(json));
  return name;
}
let given = 0;

test('weights of 8 and 16 bits are what TensorFlow.js makes of them', async (t) => {
  const r = new RandomState(1);
  for (const [dtype, width] of [
    ['uint8', 1],
    ['uint16', 2],
    ['float16', 2],
  ] as const) {
    const bytes = Uint8Array.from(r.randint(0, dtype === 'float16' ? 60 : 256, [9 * width]).data);
    const quantization = {
      dtype,
      ...(dtype !== 'float16' && { scale: 0.0123456789, min: -1.1 }),
      original_dtype: 'float32',
    };
    let specs: tf.io.WeightsManifestEntry[] = [];
    const path = dense((json) => {
      for (const spec of json.weightsManifest[0].weights) spec.quantization = quantization;
      specs = json.weightsManifest[0].weights;
    }, bytes);
    const wanted = tf.io.decodeWeights(bytes.buffer, specs);
    const own = (await importModel(path)).getWeights();
    t.deepEqual([...own[0].data], [...wanted['d/kernel'].dataSync()], dtype);
    t.deepEqual([...own[1].data], [...wanted['d/bias'].dataSync()], dtype);
  }
});

test('what Python writes, and Keras 3, which TensorFlow.js cannot read, is read', async (t) => {
  const values = new Uint8Array(Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9]).buffer);
  const tensor = (name: string) => ({
    class_name: '__keras_tensor__',
    config: { shape: [null, 2], dtype: 'float32', keras_history: [name, 0, 0] },
  });
  const path = dense((json) => {
    json.modelTopology = {
      keras_version: '3.8.0',
      backend: 'tensorflow',
      model_config: {
        class_name: 'Functional',
        config: {
          name: 'functional',
          layers: [
            {
              class_name: 'InputLayer',
              name: 'x',
              config: { batch_shape: [null, 2], dtype: 'float32', sparse: false, name: 'x' },
              inbound_nodes: [],
            },
            {
              module: 'keras.layers',
              class_name: 'Dense',
              name: 'd',
              registered_name: null,
              config: {
                name: 'd',
                units: 3,
                activation: 'linear',
                dtype: {
                  module: 'keras',
                  class_name: 'DTypePolicy',
                  config: { name: 'float32' },
                  registered_name: null,
                },
              },
              inbound_nodes: [{ args: [tensor('x')], kwargs: {} }],
            },
            {
              class_name: 'Add',
              name: 'a',
              config: { name: 'a' },
              inbound_nodes: [{ args: [[tensor('d'), tensor('d')]], kwargs: {} }],
            },
          ],
          input_layers: ['x', 0, 0],
          output_layers: [['a', 0, 0]],
        },
      },
    };
    for (const spec of json.weightsManifest[0].weights) spec.name = `functional/${spec.name}:0`;
  }, values);
  const own = await importModel(path);
  t.deepEqual((await outputsOf(own, [NDArray.from([[1, 1]])]))[0].toArray(), [[24, 30, 36]]);
});

const refused: [name: string, make: () => Model<any, any>, message: RegExp][] = [
  [
    'dilated pictures',
    () => seq(L.conv2dTranspose({ name: 'c', filters: 1, kernelSize: 2, dilationRate: 2, inputShape: [5, 5, 2] })),
    /'c' to be a convolution without dilation/,
  ],
  [
    'strides and dilation',
    () => seq(L.conv1d({ name: 'c', filters: 1, kernelSize: 1, strides: 2, dilationRate: 2, inputShape: [5, 2] })),
    /'c' to be a convolution with strides or dilation, not both/,
  ],
  [
    'each softmax along another axis',
    () => seq(L.timeDistributed({ name: 't', layer: L.softmax({ axis: 1 }), inputShape: [2, 3, 2] })),
    /the layer of the layer 't' to be a Softmax along the last axis \(-1\), as TensorFlow.js has no other/,
  ],
  [
    'masks and states',
    () => {
      const [x, h, c] = [input({ shape: [4, 2] }), input({ shape: [3] }), input({ shape: [3] })];
      const layer = L.lstm({ name: 'l', units: 3, returnState: true });
      return model({ inputs: [x, h, c], outputs: [...layer.apply([L.masking().apply(x), h, c])] });
    },
    /'l' to be given no masked steps/,
  ],
  [
    'a layer of two networks',
    () => {
      const d = L.dense({ name: 'd', units: 2, inputShape: [2] });
      const [a, b] = [seq(d), seq(d)];
      const x = input({ shape: [2] });
      return model({ inputs: x, outputs: b.apply(a.apply(x)) });
    },
    /'d' .Dense. to be in one network or layer, .*\(format 'onnx' holds it\)/,
  ],
  [
    'dilated channels',
    () => seq(L.depthwiseConv2d({ name: 'c', kernelSize: 2, dilationRate: 2, inputShape: [5, 5, 2] })),
    /'c' to be a convolution without dilation/,
  ],
  [
    'attention',
    () => {
      const x = input({ shape: [4, 6] });
      return model({ inputs: x, outputs: L.multiHeadAttention({ name: 'm', numHeads: 2, keyDim: 3 }).apply([x, x]) });
    },
    /the layer 'm' to be one that TensorFlow.js has, got MultiHeadAttention \(formats 'onnx' and 'keras' hold it\)/,
  ],
  ['gru', () => seq(L.gru({ name: 'g', units: 2, inputShape: [3, 2] })), /'g' to be a GRU with resetAfter false/],
  [
    'groups',
    () => seq(L.conv2d({ name: 'c', filters: 4, kernelSize: 1, groups: 2, inputShape: [3, 3, 4] })),
    /'c' to be a convolution of one group/,
  ],
  [
    'groups of a sequence',
    () => seq(L.conv1d({ name: 'c', filters: 4, kernelSize: 1, groups: 4, inputShape: [3, 4] })),
    /'c' to be a convolution of one group/,
  ],
  [
    'a path',
    () => seq(L.dense({ name: 'x/y', units: 1, inputShape: [2] })),
    /names of layers to have no '\/', which TensorFlow.js takes for a path, got 'x\/y'/,
  ],
  [
    'activation',
    () => seq(L.dense({ name: 'd', units: 2, activation: 'tanhShrink', inputShape: [2] })),
    /the layer 'd' to be an activation that TensorFlow.js reads, got 'tanhShrink'/,
  ],
  [
    'within',
    () =>
      seq(
        L.timeDistributed({
          name: 't',
          layer: L.dense({ units: 2, activation: activations.elu({ alpha: 0.2 }) }),
          inputShape: [2, 2],
        }),
      ),
    /the layer of the layer 't'.*got 'elu'/,
  ],
  [
    'operation',
    () => {
      const x = input({ shape: [4] });
      return model({ inputs: x, outputs: ops.log1p(x) });
    },
    /operations that TensorFlow.js has a layer for, got 'log1p' \(format 'onnx' holds it\)/,
  ],
  [
    'constant',
    () => {
      const x = input({ shape: [4] });
      return model({ inputs: x, outputs: ops.add(x, [1, 2, 3, 4]) });
    },
    /without constants/,
  ],
  [
    'masked mean',
    () =>
      seq(
        L.embedding({ inputDim: 3, outputDim: 2, maskZero: true, inputShape: [4] }),
        L.globalAveragePooling1d({ name: 'p' }),
      ),
    /'p' to be given no masked steps/,
  ],
  [
    'masked directions',
    () =>
      seq(
        L.masking({ inputShape: [4, 2] }),
        L.bidirectional({ name: 'b', layer: L.lstm({ units: 2, returnSequences: true }) }),
      ),
    /'b' to be given no masked steps/,
  ],
  [
    'masked words of sentences',
    () =>
      seq(
        L.embedding({ inputDim: 3, outputDim: 2, maskZero: true, inputShape: [3, 4] }),
        L.timeDistributed({ name: 'td', layer: L.lstm({ units: 2 }) }),
      ),
    /'td' to be given no masked steps/,
  ],
  [
    'two directions',
    () =>
      seq(
        L.bidirectional({
          name: 'b',
          layer: L.lstm({ units: 2 }),
          backwardLayer: L.lstm({ units: 3, goBackwards: true }),
          inputShape: [4, 2],
        }),
      ),
    /'b' to be one of two layers with the same options/,
  ],
  [
    'stateful',
    () => seq(L.lstm({ name: 's', units: 2, stateful: true, inputShape: [4, 2] })),
    /'s' to be one that is not stateful/,
  ],
  [
    'bilinear',
    () => seq(L.upSampling2d({ name: 'up', interpolation: 'bilinear', inputShape: [2, 2, 1] })),
    /'up' to be of the interpolation 'nearest'/,
  ],
  [
    'hard candidate',
    () => seq(L.lstm({ name: 'h', units: 2, activation: 'hardSigmoid', inputShape: [4, 2] })),
    /another activation than hardSigmoid/,
  ],
];

test('what TensorFlow.js has not is refused by name, before a file is written', async (t) => {
  for (const [name, make, message] of refused) {
    const path = folder(`refused ${name}`);
    await t.throwsAsync(make().export(join(path, 'model.json')), { message }, name);
    t.deepEqual(readdirSync(path), [], name);
  }
  const own = seq(L.dense({ units: 1, inputShape: [1] }));
  await t.throwsAsync(own.exportBytes({ format: 'tfjs' }), { message: /format to be one of a single file/ });
});

test('where one file of a model cannot be written, the others stay as they were', async (t) => {
  const make = (seed: number) => sequential({ layers: [L.dense({ units: 2, inputShape: [3] })], seed });
  const path = join(folder('stays'), 'model.json');
  const shard = join(path, '..', 'group1-shard1of1.bin');
  await make(1).export(path);
  const old = readFileSync(shard);
  rmSync(path);
  mkdirSync(path); // comes last
  await t.throwsAsync(make(2).export(path, { format: 'tfjs' }), { code: 'EISDIR' });
  t.deepEqual(readFileSync(shard), old);
  t.deepEqual(readdirSync(join(path, '..')).sort(), ['group1-shard1of1.bin', 'model.json']);
  rmSync(path, { recursive: true });
  await make(2).export(path);
  t.notDeepEqual(readFileSync(shard), old);
});

test('penalties of a convolution of groups are those of the depthwise one', async (t) => {
  const penalties = { kernelRegularizer: 'l2', biasRegularizer: 'l1' } as const;
  const own = seq(
    L.conv2d({ filters: 4, kernelSize: 2, groups: 2, biasInitializer: 'ones', inputShape: [3, 3, 2], ...penalties }),
  );
  const path = join(folder('penalties'), 'model.json');
  await own.export(path);
  const { config } = JSON.parse(readFileSync(path, 'utf8')).modelTopology.config.layers[0];
  t.like(config.depthwise_regularizer, { class_name: 'L1L2', config: { l1: 0, l2: 0.01 } });
  t.like(config.bias_regularizer, { class_name: 'L1L2', config: { l1: 0.01, l2: 0 } });
  const loss = async (model: Model<any, any>) => {
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const x = NDArray.zeros([1, 3, 3, 2], 'float32');
    return (await model.evaluate(x, NDArray.zeros([1, 2, 2, 4], 'float32'))).loss;
  };
  const wanted = await loss(own);
  t.true(wanted > 1.04);
  t.true(Math.abs((await loss(await importModel(path))) - wanted) < 1e-6);
  const there = await loadTfjs(path);
  there.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  // which counts them in training alone
  const lost = Number(await there.trainOnBatch(tf.zeros([1, 3, 3, 2]), tf.zeros([1, 2, 2, 4])));
  t.true(Math.abs(lost - wanted) < 1e-6, `${lost}, ${wanted}`);
});

test('TensorFlow.js has none of it', (t) => {
  const { classNameMap } = tf.serialization.SerializationMap.getMap();
  for (const name of ['Dense', 'GRU']) t.true(Object.hasOwn(classNameMap, name), name);
  for (const name of [
    ...['MultiHeadAttention', 'Subtract', 'Lambda', 'SpatialDropout2D', 'ZeroPadding1D', 'UpSampling1D', 'Cropping1D'],
    ...['RandomFlip', 'RandomRotation', 'RandomTranslation', 'RandomZoom', 'RandomContrast'],
  ])
    t.false(Object.hasOwn(classNameMap, name), name);
  t.throws(() => tfl.layers.gru({ units: 1, resetAfter: true } as never), {
    message: /reset_after parameter set to true/,
  });
  t.throws(() => tfl.layers.elu({ alpha: 0.5 }), { message: /alpha value/ });
  const lacking = ['heaviside', 'exponential', 'tanhShrink', 'hardSilu', 'logSigmoid', 'celu', 'leakyRelu', 'geluNew'];
  for (const activation of lacking)
    t.throws(() => tfl.layers.activation({ activation: activation as never }), { message: /Unknown activation/ });
  t.throws(() => tfl.layers.conv1d({ filters: 1, kernelSize: 2, padding: 'causal' }).apply(tf.ones([1, 4, 2])), {
    message: /CAUSAL/,
  });
  const options = { kernelSize: 2, filters: 2, groups: 2, dilationRate: 2, name: 'c' };
  const grouped = tfl.layers.conv2d(options);
  grouped.apply(tf.ones([1, 4, 4, 2]));
  t.deepEqual(grouped.getWeights()[0].shape, [2, 2, 2, 2]);
  const channels = tfl.layers.depthwiseConv2d(options).apply(tf.ones([1, 4, 4, 2])) as tf.Tensor;
  t.deepEqual(channels.shape, [1, 3, 3, 2]);
});

test('a bilinear upSampling2d is another function in TensorFlow.js, and so refused', async (t) => {
  const x = [[[[1], [2]]]];
  const there = tfl.layers.upSampling2d({ size: [1, 2], interpolation: 'bilinear' }).apply(tf.tensor4d(x)) as tf.Tensor;
  t.deepEqual(Array.from(there.dataSync()), [1, 1.5, 2, 2]);
  const own = seq(L.upSampling2d({ name: 'up', size: [1, 2], inputShape: [1, 2, 1] }));
  const file = join(folder('between'), 'model.json');
  await own.export(file);
  writeFileSync(file, readFileSync(file, 'utf8').replace('"nearest"', '"bilinear"'));
  await t.throwsAsync(importModel(file), {
    code: 'ERR_FORMAT',
    message: /'up' .* to have the interpolation 'nearest', as 'bi/,
  });
  const between = seq(L.upSampling2d({ size: [1, 2], interpolation: 'bilinear', inputShape: [1, 2, 1] }));
  t.deepEqual([...(between.predictSync(NDArray.from(x)) as NDArray).data], [1, 1.25, 1.75, 2]);
});

const damaged: [what: string, change: (json: any) => void, message: RegExp][] = [
  [
    'a path that leads elsewhere',
    (json) => {
      json.weightsManifest[0].paths = ['../x.bin'];
    },
    /a file that is not in its folder, '..\/x.bin'/,
  ],
  [
    'an absolute path',
    (json) => {
      json.weightsManifest[0].paths = ['/etc/passwd'];
    },
    /not in its folder/,
  ],
  [
    'a file that is not there',
    (json) => {
      json.weightsManifest[0].paths = ['none.bin'];
    },
    /none.bin/,
  ],
  [
    'a file twice',
    (json) => {
      json.weightsManifest[0].paths.push(json.weightsManifest[0].paths[0]);
    },
    /paths to be different ones/,
  ],
  [
    'a file of another group',
    (json) => {
      json.weightsManifest.push({ paths: [json.weightsManifest[0].paths[0]], weights: [] });
    },
    /weightsManifest\[1\].paths to be different ones/,
  ],
  [
    'the same by another name',
    (json) => {
      json.weightsManifest.push({ paths: [`.//x/../${json.weightsManifest[0].paths[0]}`], weights: [] });
    },
    /weightsManifest\[1\].paths to be different ones/,
  ],
  [
    'paths that are no texts',
    (json) => {
      json.weightsManifest[0].paths = [1];
    },
    /names of files, got 1/,
  ],
  [
    'too few bytes',
    (json) => {
      json.weightsManifest[0].weights[0].shape = [2, 4];
    },
    /its weights take 44 bytes, but the files of them hold 36/,
  ],
  [
    'a huge shape',
    (json) => {
      json.weightsManifest[0].weights[0].shape = [2 ** 40, 2 ** 12];
    },
    /of fewer numbers/,
  ],
  [
    'another shape',
    (json) => {
      json.weightsManifest[0].weights[0].shape = [3, 2];
    },
    /'d\/kernel' to be of shape \[2, 3\], got \[3, 2\]/,
  ],
  [
    'another name',
    (json) => {
      json.weightsManifest[0].weights[0].name = 'e/kernel';
    },
    /a weight 'd\/kernel' of shape \[2, 3\], got none/,
  ],
  [
    'a name twice',
    (json) => {
      json.weightsManifest[0].weights[1].name = 'd/kernel';
    },
    /of different names, got 'd\/kernel'/,
  ],
  [
    'a dtype',
    (json) => {
      json.weightsManifest[0].weights[0].dtype = 'string';
    },
    /dtype to be 'float32' or 'int32', got 'string'/,
  ],
  [
    'a quantization',
    (json) => {
      json.weightsManifest[0].weights[0].quantization = { dtype: 'uint8', scale: 'x' };
    },
    /quantization.scale to be a number/,
  ],
  [
    'no manifest',
    (json) => {
      json.weightsManifest = undefined;
    },
    /weightsManifest to be an array/,
  ],
  [
    'no topology',
    (json) => {
      json.modelTopology = undefined;
    },
    /it has no modelTopology/,
  ],
  [
    'a graph model',
    (json) => {
      json.format = 'graph-model';
    },
    /a graph model of TensorFlow.js/,
  ],
  [
    'a class',
    (json) => {
      json.modelTopology.config.layers[0].class_name = 'CategoryEncoding';
    },
    /the layer 'd' to be of a class that there is here, got 'CategoryEncoding'/,
  ],
  [
    'units',
    (json) => {
      json.modelTopology.config.layers[0].config.units = 2 ** 53;
    },
    /units|values a sample/,
  ],
  [
    'no shape',
    (json) => {
      json.modelTopology.config.layers[0].config.batch_input_shape = undefined;
    },
    /shape/,
  ],
  [
    'an open shape',
    (json) => {
      json.modelTopology.config.layers[0].config.batch_input_shape = [null, null];
    },
    /to be known in all axes but the first/,
  ],
  [
    'a hard sigmoid of what no weights make',
    (json) => {
      json.modelTopology.config.layers.push({
        class_name: 'Activation',
        config: { name: 'h', activation: 'hard_sigmoid' },
      });
    },
    /to have another activation than hard_sigmoid/,
  ],
  [
    'a circle',
    (json) => {
      const node = (name: string) => [[[name, 0, 0, {}]]];
      const layers = [
        ['a', 'b'],
        ['b', 'a'],
      ].map(([name, from]) => ({ class_name: 'Flatten', name, config: { name }, inbound_nodes: node(from) }));
      json.modelTopology = {
        class_name: 'Model',
        config: { name: 'm', layers, input_layers: [['a', 0, 0]], output_layers: [['b', 0, 0]] },
      };
    },
    /what '[ab]' reads to be made before it/,
  ],
  [
    'networks within networks',
    (json) => {
      let config: any = { name: 's', layers: [] };
      for (let i = 0; i < 100; i++) config = { name: 's', layers: [{ class_name: 'Sequential', config }] };
      json.modelTopology.config = config;
    },
    /networks within|shape/,
  ],
];

test('damaged and hostile files are refused with the place', async (t) => {
  t.deepEqual((await importModel(dense())).getWeights()[1].toArray(), [0, 0, 0]);
  for (const [what, change, message] of damaged) {
    const error = await t.throwsAsync(importModel(dense(change)), { message }, what);
    if (what !== 'a file that is not there') t.is((error as { code?: string }).code, 'ERR_FORMAT', what);
  }
  await t.throwsAsync(importBytes(Buffer.from('{"a":')), { code: 'ERR_FORMAT', message: /it is not JSON/ });
  await t.throwsAsync(importBytes(readFileSync(dense())), {
    code: 'ERR_FORMAT',
    message: /they name another file, .*take importModel/,
  });
  const nan = new Uint8Array(Float32Array.of(Number.NaN, 0, 0, 0, 0, 0, 0, 0, 0).buffer);
  await t.throwsAsync(importModel(dense(() => {}, nan)), { message: /NaN/ });
});

/** Another value at one place of a JSON document. */
function mutate(r: RandomState, json: any): any {
  const copy = structuredClone(json);
  const places: [object: any, key: string][] = [];
  const walk = (value: any) => {
    if (value === null || typeof value !== 'object') return;
    for (const key of Object.keys(value)) {
      places.push([value, key]);
      walk(value[key]);
    }
  };
  walk(copy);
  const pick = <T>(list: readonly T[]): T => list[(r.randint(0, list.length, [1]) as NDArray).data[0]];
  const other = [
    null,
    true,
    -1,
    0,
    1,
    3,
    2 ** 31,
    1e300,
    '',
    'x',
    '__proto__',
    '../a',
    [],
    {},
    [[]],
    [null, 2],
    ['x', 0, 0],
  ];
  for (let n = pick([1, 1, 2, 3]); n > 0; n--) {
    const [object, key] = pick(places);
    if (pick([0, 1, 2, 3]) === 0) delete object[key];
    else object[key] = pick([...other, pick(places)[0]]);
  }
  return copy;
}

async function fuzz(t: ExecutionContext, path: string, times: number, seed: number): Promise<void> {
  const r = new RandomState(seed);
  const json = JSON.parse(readFileSync(path, 'utf8'));
  const name = path.replace('.json', `-${seed}.json`);
  let read = 0;
  for (let i = 0; i < times; i++) {
    let text: string;
    try {
      text = JSON.stringify(mutate(r, json));
    } catch {
      continue; // a circle
    }
    writeFileSync(name, text);
    try {
      await importModel(name);
      read++;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined || !/^(ERR_FORMAT|ENOENT|EISDIR)$/.test(code))
        throw new Error(`${text}\n${(error as Error).stack}`);
      if (/Expected what save writes/.test(message)) throw new Error(`no sentence: ${text}`, { cause: error });
    }
  }
  t.true(read > 0 && read < times, `${read} of ${times} were read`);
}

test('mutated descriptions are read or refused in one sentence', async (t) => {
  await fuzz(t, dense(), 600, 1);
  for (const make of [MODELS.two, OWN.nested, OWN.bidirectional]) {
    const path = join(folder('fuzz'), 'own.json');
    await make().export(path, { format: 'tfjs' });
    await fuzz(t, path, 600, 2);
  }
});
