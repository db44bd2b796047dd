import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import {
  custom,
  importBytes,
  importModel,
  input,
  Layer,
  layers,
  layouts,
  losses,
  type Model,
  metrics,
  model,
  NDArray,
  ops,
  optimizers,
  RandomState,
  sequential,
} from 'fjordnet';
import { openHdf5 } from '../dist/formats/hdf5/read.js';
import { formatHdf5 } from '../dist/formats/hdf5/write.js';
import { parseModel } from '../dist/io/model-file.js';
import { inMemory } from '../dist/io/read.js';
import { formatZip } from '../dist/io/write-zip.js';
import { readZipDirectory, readZipEntry } from '../dist/io/zip.js';
import { drawn, filled, MODELS, outputsOf, samplesFor, scaledAttention } from './helpers/networks.js';

interface Array_ {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface Fixture {
  readonly forms: readonly string[];
  readonly dtype: 'float32' | 'float64';
  readonly inputs: readonly Array_[];
  readonly outputs: readonly Array_[];
}
interface Training {
  readonly form: string;
  readonly dtype: 'float32' | 'float64';
  readonly x: Array_;
  readonly y: Array_;
  readonly weights: readonly Array_[];
}

const folder = new URL('../test/fixtures/keras-files/', import.meta.url);
const index: { readonly files: Record<string, Fixture>; readonly training: Record<string, Training> } = JSON.parse(
  readFileSync(new URL('index.json', folder), 'utf8'),
);
const fixture = (name: string) => gunzipSync(readFileSync(new URL(`${name}.gz`, folder)));
const array = ({ shape, data }: Array_) => NDArray.from(Float64Array.from(data)).reshape(...shape);

/** The largest difference, relative where numbers are larger than 1; Infinity where shapes differ. */
function difference(a: NDArray, b: NDArray): number {
  if (a.shape.join() !== b.shape.join()) return Number.POSITIVE_INFINITY;
  return Math.max(0, ...Array.from(a.data, (x, i) => Math.abs(x - b.data[i]) / Math.max(1, Math.abs(b.data[i]))));
}

// TensorFlow's gelu, and the constants of Keras' optimizers, are of float32 also in float64
const OF_FLOAT32 = ['operations-64'];

for (const [name, { forms, dtype, inputs, outputs }] of Object.entries(index.files))
  for (const form of forms)
    test(`${name}.${form} of the real Keras predicts what it does there`, async (t) => {
      const network = await importBytes(fixture(`${name}.${form}`));
      t.is(network.dtype, dtype);
      const found = await outputsOf(network, inputs.map(array));
      t.is(found.length, outputs.length);
      const most = dtype === 'float32' ? 1e-6 : OF_FLOAT32.includes(name) ? 1e-8 : 1e-12;
      for (const [i, output] of found.entries()) t.true(difference(output, array(outputs[i])) <= most);
    });

for (const [name, { form, dtype, x, y, weights }] of Object.entries(index.training))
  test(`${name}.${form} of the real Keras trains on as it does there`, async (t) => {
    const network = await importBytes(fixture(`${name}.${form}`));
    t.is(network.iterations, 3);
    for (let i = 0; i < 3; i++) network.trainOnBatch(array(x), array(y));
    const most = dtype === 'float32' ? 1e-5 : name === 'train-SGD-64' ? 1e-12 : 1e-6;
    for (const [i, w] of network.getWeights().entries()) t.true(difference(w, array(weights[i])) <= most);
  });

for (const name of Object.keys(MODELS).filter((name) => name !== 'heaviside'))
  for (const dtype of ['float32', 'float64'] as const)
    test(`${name} in ${dtype} comes back from files of Keras with equal bits`, async (t) => {
      const { network, inputs } = drawn(name, dtype);
      const outputs = await outputsOf(network, inputs);
      // what HDF5 does not hold is refused below
      for (const format of OPERATIONS.includes(name) ? (['keras'] as const) : (['keras', 'h5'] as const)) {
        const bytes = await network.exportBytes({ format });
        const back = await importBytes(bytes);
        t.deepEqual(back.weightNames, network.weightNames);
        t.deepEqual(
          (await outputsOf(back, inputs)).map(({ data }) => data),
          outputs.map(({ data }) => data),
        );
        t.true(Buffer.from(await back.exportBytes({ format })).equals(bytes), format);
      }
    });

const OPERATIONS = ['ops', 'passThrough', 'positional'];

for (const name of OPERATIONS)
  test(`${name}: HDF5 holds no operations between layers, and says what does`, async (t) => {
    await t.throwsAsync(drawn(name, 'float32').network.exportBytes({ format: 'h5' }), {
      instanceOf: TypeError,
      message: /^Expected layers alone, .* \(format: 'keras' holds it\)$/,
    });
  });

test("Keras' Normalization is moved by no training, and goes back as it came", async (t) => {
  const network = await importBytes(fixture('normalized.keras'));
  const kinds = ({ layers }: typeof network) => layers.map(({ className }) => className);
  t.deepEqual(kinds(network), ['Normalization', 'Normalization', 'Dense']);
  const [x] = index.files.normalized.inputs.map(array);
  const predicted = await network.predict(x);
  for (const format of ['keras', 'h5'] as const) {
    const back = await importBytes(await network.exportBytes({ format }));
    t.deepEqual(kinds(back), kinds(network));
    t.deepEqual(await back.predict(x), predicted);
  }
  const before = network.getWeights().slice(0, 4);
  network.trainable = false;
  network.trainable = true;
  network.compile({ optimizer: 'sgd', loss: 'mse' });
  await network.fit(NDArray.from([[100, 200, 300]]), NDArray.from([[1, 2]]), { epochs: 3 });
  t.deepEqual(network.getWeights().slice(0, 4), before);
});

test("Keras' keepdims of a global pooling is its keepDims, and goes back as it came", async (t) => {
  for (const [name, wanted] of [
    ['pooled', ['GlobalAveragePooling1D']],
    ['vision', ['GlobalAveragePooling2D', 'GlobalMaxPooling2D']],
  ] as const) {
    const kept = ({ layers }: Model<any, any>) =>
      layers.flatMap(({ className, ...layer }) => ('keepDims' in layer && layer.keepDims ? [className] : []));
    const network = await importBytes(fixture(`${name}.keras`));
    t.false(network.layers.some(({ className }) => className === 'Reshape'));
    t.deepEqual(kept(network), [...wanted]);
    for (const format of ['keras', 'h5'] as const)
      t.deepEqual(kept(await importBytes(await network.exportBytes({ format }))), [...wanted]);
  }
});

test('what joins masked sequences has a name apart from that of the operation on their masks', async (t) => {
  const rows = [
    [
      ...[
        [1, 2, 3],
        [0, 0, 0],
      ],
      ...[
        [0, 0, 0],
        [4, 5, 6],
      ],
    ],
  ] as never;
  for (const isMasked of [true, false]) {
    const x = input({ shape: [4, 3] });
    const a = isMasked ? layers.masking().apply(x) : x;
    const joined = layers.concatenate().apply([a, layers.dense({ units: 2 }).apply(a)]);
    const own = model({ inputs: x, outputs: layers.lstm({ units: 2 }).apply(joined as never), seed: 1 });
    const names = async (format: 'keras' | 'h5', of: Model<any, any>) => {
      const back = await importBytes(await of.exportBytes({ format }));
      t.deepEqual(back.predictSync(rows), of.predictSync(rows));
      t.deepEqual(back.weightNames, of.weightNames);
      return { back, name: back.layers.find(({ className }) => className === 'Concatenate')?.name };
    };
    for (const format of ['keras', 'h5'] as const) {
      const { back, name } = await names(format, own as never);
      t.is(name, isMasked ? 'concatenate_masked' : 'concatenate');
      t.is((await names(format, back)).name, name);
    }
  }
});

test("layers of a file stand in Keras' order where masks are computed, and all that is joined has a name apart", async (t) => {
  const ids = input({ shape: [4], dtype: 'int32', name: 'ids' });
  const embedded = (name: string, maskZero: boolean) =>
    layers.embedding({ inputDim: 5, outputDim: 3, maskZero, name }).apply(ids);
  const [masked, plain] = [embedded('masked', true), embedded('plain', false)];
  const joined = layers.concatenate().apply([masked, plain]);
  const dense = (name: string) => layers.dense({ units: 2, name });
  const long = dense('last').apply(dense('first').apply(plain));
  const both = [
    layers.globalAveragePooling1d({ name: 'mean' }).apply(joined),
    layers.flatten({ name: 'flat' }).apply(long),
  ];
  const net = model({
    inputs: ids,
    outputs: ops.concat([layers.concatenate().apply(both), layers.flatten().apply(plain)]),
    seed: 1,
  });
  // as Keras 3.15 lists them; of what it computes a mask of, the way to the outputs is longer
  const names: string[] = [];
  await changed(await net.exportBytes({ format: 'keras' }), ({ config }) => {
    for (const { name } of config.layers) names.push(name);
  });
  t.deepEqual(names, [
    ...['ids', 'masked', 'plain', 'first', 'concatenate_masked', 'last', 'mean', 'flat'],
    ...['concatenate_1_masked', 'flatten', 'concatenate_2_masked'],
  ]);
  t.deepEqual(
    names.slice(0, 3),
    net.layers.slice(0, 3).map(({ name }) => name),
  );
  const rows = [[1, 2, 0, 0]];
  t.deepEqual((await importBytes(await net.exportBytes({ format: 'keras' }))).predictSync(rows), net.predictSync(rows));
});

test('the mask that a layer of a file is given is the one that goes with its input, or one of its steps, or refused', async (t) => {
  const place = (name: string, node = 0) => ({
    class_name: '__keras_tensor__',
    config: { keras_history: [name, node, 0] },
  });
  const operation = (class_name: string, name: string, ...args: unknown[]) => ({
    ...{ module: 'keras.src.ops.numpy', class_name, name, config: { name, axis: -1 } },
    inbound_nodes: [{ args, kwargs: {} }],
  });
  const a = input({ shape: [3, 2], name: 'a' });
  const b = input({ shape: [3, 2], name: 'b' });
  const [m, n] = [a, b].map((x) => layers.masking().apply(x));
  const gru = (name: string) => layers.gru({ units: 2, name });
  const [p, q] = ['p', 'q'].map((name) => input({ shape: [3, 2], name }));
  const within = gru('last').apply(layers.subtract().apply([p, q]));
  const inner = model({ inputs: [p, q], outputs: within, name: 'inner', seed: 1 });
  const outputs = [
    ...[gru('plain').apply(a), gru('one').apply(m), gru('joined').apply(layers.subtract().apply([m, n]))],
    inner.apply([m, n]),
  ];
  const whole = model({ inputs: [a, b], outputs, seed: 1 });
  const bytes = await whole.exportBytes({ format: 'keras' });
  const masks = [
    ...[operation('NotEqual', 'notA', place('a'), 0), operation('Any', 'maskA', place('notA'))],
    ...[operation('NotEqual', 'notB', place('b'), 0), operation('Any', 'maskB', place('notB'))],
    operation('LogicalOr', 'either', place('maskA'), place('maskB')),
    ...[operation('Greater', 'above', place('a'), 0), operation('Any', 'positive', place('above'))],
    ...[operation('NotEqual', 'notOne', place('a'), 1), operation('Any', 'other', place('notOne'))],
  ];
  const given = (own: Record<string, unknown>) =>
    changed(bytes, ({ config }) => {
      for (const { name, inbound_nodes: nodes } of config.layers)
        if (own[name]) for (const node of nodes) node.kwargs.mask = own[name];
      config.layers.push(...masks);
    });
  const x = [
    [
      [
        [1, 2],
        [0, 0],
        [-3, 1],
      ],
    ],
    [
      [
        [0, 0],
        [0, 0],
        [5, -1],
      ],
    ],
  ];
  const wanted = whole.predictSync(x);
  const own = { one: place('maskA'), joined: place('either'), inner: [place('maskA'), place('maskB')] };
  for (const mask of [own, {}, { inner: [place('maskA'), null] }])
    t.deepEqual((await importBytes(await given(mask))).predictSync(x), wanted);
  // others: what the layer makes of the steps alone that the mask leaves
  const [ofA, ofB] = x;
  const counts: Record<string, (step: number) => boolean> = {
    maskA: (i) => ofA[0][i].some((v) => v !== 0),
    maskB: (i) => ofB[0][i].some((v) => v !== 0),
    either: (i) => counts.maskA(i) || counts.maskB(i),
    positive: (i) => ofA[0][i].some((v) => v > 0),
    other: (i) => ofA[0][i].some((v) => v !== 1),
  };
  const sequence: Record<string, (step: number) => number[]> = {
    plain: (i) => ofA[0][i],
    one: (i) => ofA[0][i],
    joined: (i) => ofA[0][i].map((v, j) => v - ofB[0][i][j]),
  };
  for (const [k, name] of Object.keys(sequence).entries())
    for (const [mask, isCounted] of Object.entries(counts)) {
      const steps = [0, 1, 2].filter(isCounted);
      const alone = sequential({ layers: [layers.gru({ units: 2, inputShape: [steps.length, 2] })] });
      alone.setWeights(whole.getLayer(name).getWeights());
      const found = (await importBytes(await given({ [name]: place(mask) }))).predictSync(x) as NDArray[];
      const own = alone.predictSync([steps.map(sequence[name])]) as NDArray;
      t.true(difference(found[k], own) < 1e-6, `${name}, ${mask}`);
    }
  for (const [name, mask, ...states] of [
    ['plain', 'b'],
    ['one', 'b'],
    ['plain', 'above'],
    ['plain', 'maskB', place('one')],
  ] as [string, string, ...object[]][]) {
    const file = await given({ [name]: place(mask) });
    const bytes = await changed(file, ({ config }) => {
      const { inbound_nodes: nodes } = config.layers.find((layer: { name: string }) => layer.name === name);
      if (states.length > 0) nodes[0].kwargs.initial_state = states;
    });
    await t.throwsAsync(importBytes(bytes), {
      code: 'ERR_FORMAT',
      message: new RegExp(
        `Expected the mask of '${name}' to be that of its input, as there is no other here, got '${mask}'`,
      ),
    });
  }
  const others = { inner: [place('maskB'), place('maskA')] };
  await t.throwsAsync(importBytes(await given(others)), { code: 'ERR_FORMAT', message: /the mask of 'inner'/ });
});

test('a masking that is given its mask goes to Keras as the mask of the layers behind it, where these take one', async (t) => {
  for (const name of ['given-masks', 'given-masks-64']) {
    const network = await importBytes(fixture(`${name}.keras`));
    const inputs = index.files[name].inputs.map(array);
    const bytes = await network.exportBytes({ format: 'keras' });
    const back = await importBytes(bytes);
    t.deepEqual(await outputsOf(back, inputs), await outputsOf(network, inputs));
    t.true(Buffer.from(await back.exportBytes({ format: 'keras' })).equals(bytes));
  }
  const [x, mask] = [input({ shape: [4, 2] }), input({ shape: [4] })];
  const masked = layers.masking().apply([x, mask]);
  const y = layers.lstm({ units: 2 }).apply(masked);
  const h5 = model({ inputs: [x, mask], outputs: y, seed: 1 });
  const given = [NDArray.from([1, 2, 3, 4, 5, 6, 7, 8], { shape: [1, 4, 2] }), NDArray.from([[1, 0, 0, 1]])];
  const back = await importBytes(await h5.exportBytes({ format: 'h5' }));
  t.deepEqual(await outputsOf(back, given), await outputsOf(h5, given));
  for (const outputs of [layers.flatten().apply(masked), masked, layers.lstm({ units: 2 }).apply([masked, y, y])])
    await t.throwsAsync(model({ inputs: [x, mask], outputs, seed: 1 }).exportBytes({ format: 'keras' }), {
      message: /to be given a sequence alone, as Keras' Masking takes no mask/,
    });
});

test('an operation of a file of HDF5 may have a dtype', async (t) => {
  // those that Keras writes for the mask of a concatenation of which one part has none, and for that of attention
  const text = openFixture('masked.h5');
  const wanted = await importBytes(fixture('masked.h5'));
  for (const [name, dtype] of [
    ['ZerosLike', 'bool'],
    ['OnesLike', 'bool'],
    ['ConvertToTensor', null],
  ]) {
    const config = JSON.parse(text);
    const keras_history = [config.config.layers[0].name, 0, 0];
    const node = { args: [{ class_name: '__keras_tensor__', config: { keras_history } }], kwargs: {} };
    config.config.layers.push({ class_name: name, name, config: { name, dtype }, inbound_nodes: [node] });
    const network = await importBytes(withText('masked.h5', text, JSON.stringify(config).padEnd(text.length)));
    t.deepEqual(network.getWeights(), wanted.getWeights());
  }
});

test('a group of HDF5 is read once, however many of its members are asked for', async (t) => {
  // Keras keeps an optimizer's memory of each weight in one group: that of 50 layers named its names 200 times
  const network = sequential({
    layers: Array.from({ length: 40 }, (_, i) => layers.dense({ units: 2, ...(i === 0 && { inputShape: [2] }) })),
  });
  const file = openHdf5(await network.exportBytes({ format: 'h5' }), 'it');
  for (let k = 0; k < 200; k++)
    for (const name of file.get('model_weights').names) t.truthy(file.find(`model_weights/${name}`));
});

test('layers that change images in training are written as Keras computes them', async (t) => {
  const network = sequential({
    layers: [
      layers.randomFlip({ inputShape: [4, 4, 1] }),
      layers.randomContrast({ factor: 0.3 }),
      layers.randomContrast({ factor: [0.3, 0.1], valueRange: [0, 1] }),
    ],
    seed: 1,
  });
  const bytes = await network.exportBytes({ format: 'keras' });
  const text = Buffer.from(bytes).toString('latin1');
  t.regex(text, /"class_name":"RandomFlip","config":\{[^}]*"mode":"horizontal_and_vertical"/);
  const back = await importBytes(bytes);
  t.deepEqual(
    back.layers.map((layer) => layer.getConfig()),
    [
      { mode: 'horizontalAndVertical' },
      { factor: [0.3, 0.3], valueRange: [0, 255] }, // Keras 3.15 takes a number for [0, 0.3]
      { factor: [0.1, 0.3], valueRange: [0, 1] },
    ],
  );
});

const dense = (options: object = {}) =>
  sequential({ layers: [layers.dense({ units: 2, inputShape: [3], ...options })], seed: 1 });

const x = NDArray.from([
  [1, 2, 3],
  [-1, 0, 1],
]);
const y = NDArray.from([
  [0, 1],
  [1, 0],
]);

for (const optimizer of ['adam', 'sgd', 'rmsprop', 'adadelta', 'nadam', 'adamax', 'lion', 'adamW'] as const)
  test(`the memory of ${optimizer} comes back: training goes on with the same bits`, async (t) => {
    const network = dense();
    network.compile({ optimizer, loss: 'mse', metrics: ['mae'] });
    network.trainOnBatch(x, y);
    const back = await importBytes(await network.exportBytes({ format: 'keras' }));
    t.is(back.iterations, 1);
    t.deepEqual(back.trainOnBatch(x, y), network.trainOnBatch(x, y));
    t.deepEqual(back.getWeights()[0].data, network.getWeights()[0].data);
  });

test('HDF5 says how a network is trained, and its optimizer begins anew', async (t) => {
  const network = dense();
  network.compile({ optimizer: 'adam', loss: 'mse', metrics: ['mae'] });
  network.trainOnBatch(x, y);
  const back = await importBytes(await network.exportBytes({ format: 'h5' }));
  network.compile({ optimizer: 'adam', loss: 'mse', metrics: ['mae'] });
  t.is(back.iterations, 0);
  t.deepEqual(back.trainOnBatch(x, y), network.trainOnBatch(x, y));
});

test('attention of several inputs, options of layers and several outputs of a nested network come back', async (t) => {
  const [q, v] = [input({ shape: [4, 6], name: 'q' }), input({ shape: [5, 3], name: 'v' })];
  const [k, m] = [input({ shape: [5, 2], name: 'k' }), input({ shape: [4, 5], name: 'm' })];
  const attention = layers.multiHeadAttention({
    numHeads: 2,
    keyDim: 3,
    valueDim: 4,
    outputDim: 5,
    attentionMask: true,
  });
  const inner = model({
    inputs: [q, v],
    outputs: [layers.flatten().apply(q), layers.dense({ units: 2, activityRegularizer: 'l2' }).apply(v)],
    name: 'inner',
  });
  const [a, b] = inner.apply([q, v]) as any;
  const network = model({ inputs: [q, v, k, m], outputs: [attention.apply([q, v, k, m]), a, b], seed: 1 });
  const random = new RandomState(1);
  const inputs = network.inputs.map(({ shape }) => random.uniform(0.5, 1, [2, ...shape]));
  for (const format of ['keras', 'h5'] as const) {
    const back = await importBytes(await network.exportBytes({ format }));
    t.deepEqual(back.inputNames, network.inputNames);
    t.deepEqual(await back.predict(inputs), await network.predict(inputs));
  }
});

test("attention of a scale that is not Keras': its query's weights take up the ratio", async (t) => {
  for (const dtype of ['float32', 'float64'] as const) {
    const network = scaledAttention(dtype);
    filled(network);
    const inputs = samplesFor(network);
    const [wanted] = await outputsOf(network, inputs);
    const before = network.getWeights();
    for (const format of ['keras', 'h5'] as const) {
      const back = await importBytes(await network.exportBytes({ format }));
      t.true(back.layers.every((layer) => !('scale' in layer.getConfig())));
      const [made] = await outputsOf(back, inputs);
      t.true(difference(made, wanted) < (dtype === 'float32' ? 1e-6 : 1e-14), `${difference(made, wanted)}`);
      const after = back.getWeights();
      const changed = network.weightNames.filter((_, i) => difference(after[i], before[i]) > 0);
      const [first, second] = ['multi_head_attention_1', 'multi_head_attention_2'];
      const doubled = [`${second}/query/kernel`, `${second}/query/bias`];
      t.deepEqual(changed, dtype === 'float32' ? doubled : [`${first}/query/kernel`, ...doubled]);

      // the same by names, into a network that has the scale
      const own = scaledAttention(dtype);
      const named = Object.fromEntries(back.weightNames.map((name, i) => [name, after[i]]));
      own.setWeights(layouts.keras(own, named));
      t.deepEqual(own.getWeights(), before);
    }
  }
});

test('layers that are not trained stay so', async (t) => {
  const network = sequential({
    layers: [layers.dense({ units: 2, inputShape: [3], trainable: false }), layers.dense({ units: 2 })],
    seed: 1,
  });
  network.compile({ optimizer: 'adam', loss: 'mse' });
  const back = await importBytes(await network.exportBytes({ format: 'keras' }));
  t.deepEqual(
    back.layers.map(({ trainable }) => trainable),
    [false, true],
  );
  const before = back.getWeights()[0].data;
  back.trainOnBatch([[1, 2, 3]], [[0, 1]]);
  t.deepEqual(back.getWeights()[0].data, before);
});

class Own extends Layer {
  override call(x: any) {
    return ops.mul(x, 2);
  }
}
const own = custom.layer('KerasFilesOwn', Own);

const refused: readonly [what: string, make: () => Model<any, any>, message: RegExp][] = [
  [
    'a layer of one’s own',
    () => sequential({ layers: [own(), layers.dense({ units: 1, inputShape: [1] })] }),
    /KerasFilesOwn.*ONNX/,
  ],
  [
    'an activation that Keras has not',
    () => dense({ activation: 'heaviside' }),
    /the activation of the layer 'dense'.*'heaviside'/,
  ],
  [
    'a regularizer of one’s own',
    () => dense({ kernelRegularizer: (w: any) => ops.sum(w) }),
    /the kernelRegularizer of the layer 'dense'/,
  ],
  [
    'a stateful layer',
    () => sequential({ layers: [layers.lstm({ units: 1, stateful: true, inputShape: [2, 1] })] }),
    /stateful/,
  ],
  [
    'a pair of layers of different sizes',
    () => {
      const backwardLayer = layers.gru({ units: 2, goBackwards: true });
      const pair = layers.bidirectional({ layer: layers.gru({ units: 1 }), backwardLayer, inputShape: [2, 1] });
      return sequential({ layers: [pair] });
    },
    /as many units/,
  ],
  ['a name that is a path', () => dense({ name: 'a/b' }), /no '\/'/],
  [
    'an operation that Keras has not',
    () => graphOf((x) => ops.stopGradient(layers.lambda((v: any) => v).apply(x))),
    /Lambda/,
  ],
];

const graphOf = (make: (x: any) => any) => {
  const x = input({ shape: [2] });
  return model({ inputs: x, outputs: make(x) });
};

test('what Keras writes to HDF5, and does not read as it was, is refused', async (t) => {
  const network = sequential({ layers: [layers.layerNormalization({ axis: [1, 2], inputShape: [2, 3] })] });
  network.getWeights();
  await t.throwsAsync(network.exportBytes({ format: 'h5' }), { message: /one axis.*format: 'keras'/ });
  await t.notThrowsAsync(network.exportBytes({ format: 'keras' }));
});

for (const [what, make, message] of refused)
  test(`${what} is refused by name`, async (t) => {
    const network = make();
    if (!network.inputShape) (network as any).build([1]);
    await t.throwsAsync(network.exportBytes({ format: 'keras' }), { instanceOf: TypeError, message });
  });

test('a loss of one’s own and schedules that Keras has not are refused by name', async (t) => {
  const network = dense();
  const loss = custom.loss('kerasFilesLoss', (a, b) => ops.mean(ops.abs(ops.sub(a, b))));
  network.compile({ optimizer: 'sgd', loss });
  await t.throwsAsync(network.exportBytes({ format: 'keras' }), { message: /the loss .*'kerasFilesLoss'/ });
});

test('weights that do not decay are refused, as Keras’ files do not know them, unless none does', async (t) => {
  const network = dense();
  const excludeFromWeightDecay = ['bias'];
  network.compile({ optimizer: optimizers.adamW({ excludeFromWeightDecay }), loss: 'mse' });
  await t.throwsAsync(network.exportBytes({ format: 'keras' }), {
    instanceOf: TypeError,
    message:
      "Expected the optimizer to have no excludeFromWeightDecay, for which Keras' files have no place (it is a call there)",
  });
  network.compile({ optimizer: optimizers.adam({ excludeFromWeightDecay }), loss: 'mse' });
  const { optimizer } = await importBytes(await network.exportBytes({ format: 'keras' }));
  t.false('excludeFromWeightDecay' in optimizer.config);
});

/** The bytes with some text in place of other of the same length: configs in HDF5 have their place. */
function replaced(name: string, from: string, to: string): Uint8Array {
  const bytes = Buffer.from(fixture(name));
  const at = bytes.indexOf(from);
  bytes.write(to, at);
  return at < 0 ? new Uint8Array() : bytes;
}

test('what there is not here is refused by name, with the place', async (t) => {
  const format = { code: 'ERR_FORMAT' };
  const cases: readonly [Uint8Array, RegExp][] = [
    [
      replaced('cnn.h5', 'channels_last', 'channels_1st '),
      /the data_format of the layer '.*' \(Conv2D\) to be "channels_last"/,
    ],
    [
      replaced('cnn.h5', '"class_name": "Flatten"', '"class_name": "Crumple"'),
      /the layer '.*' to be of a class.*'Crumple'/,
    ],
    [replaced('residual.h5', '"padding": "same"', '"padding": "sane"'), /padding/],
    [replaced('dense.h5', '[null, 4]', '[null,-4]'), /input shape/],
    [
      replaced('cells.h5', '"LSTMCell"', '"TNTMCell"'),
      /the cell of the layer 'rnn.*' to be one of SimpleRNNCell, LSTMCell, GRUCell, .*'TNTMCell'/,
    ],
    [
      replaced('products.h5', 'abc,cd->abd', 'abc,bd->adc'),
      /equation of the layer 'einsum_dense.*' \(EinsumDense\) to be that of a dense layer.*got "abc,bd->adc", "d"/,
    ],
    [
      replaced('stacked.h5', '"go_backwards": false', '"go_backwards": true '),
      /the go_backwards of the layer 'rnn.*' to be false, as it has several cells, got true/,
    ],
    [replaced('dense.h5', '"tanh"', '"tank"'), /the activation of the layer 'dense'/],
    [fixture('dense.h5').subarray(0, 3000), /HDF5 part/],
    [Buffer.from('PK\u0003\u0004'), /ZIP/],
  ];
  for (const [bytes, message] of cases) await t.throwsAsync(importBytes(bytes), { ...format, message });
});

test('a file that is trained in a manner that there is not here is a network all the same', async (t) => {
  const warnings: string[] = [];
  const hear = (warning: Error) => warnings.push(warning.message);
  process.on('warning', hear);
  const network = await importBytes(replaced('train-Nadam.h5', '"class_name": "Nadam"', '"class_name": "Madam"'));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', hear);
  t.true(warnings.some((message) => message.includes("'Madam'")));
  t.throws(() => network.trainOnBatch([[1, 2, 3]], [[0, 1]]), { code: 'ERR_NOT_COMPILED' });
});

test('files are read and written by name', async (t) => {
  const { mkdtemp, rm } = await import('node:fs/promises');
  const { tmpdir } = await import('node:os');
  const { join } = await import('node:path');
  const home = await mkdtemp(join(tmpdir(), 'fjordnet-keras-'));
  t.teardown(() => rm(home, { recursive: true }));
  const network = dense();
  for (const name of ['a.keras', 'a.h5']) {
    await network.export(join(home, name));
    const back = await importModel(join(home, name));
    t.deepEqual(back.getWeights()[0].data, network.getWeights()[0].data);
    t.is((await importModel(join(home, name), { dtype: 'float64' })).dtype, 'float64');
  }
});

/** A file of Keras 3 with another config, and with other weights where they are given. */
async function changed(bytes: Uint8Array, change: (config: any) => void, weights?: object): Promise<Uint8Array> {
  const file = inMemory(bytes);
  const entries = await readZipDirectory(file, bytes.length, 'it');
  const parts = entries.map(async (entry): Promise<[string, Uint8Array[]]> => {
    if (entry.name.endsWith('.h5') && weights) return [entry.name, formatHdf5(group(weights) as never)];
    const content = await readZipEntry(file, entry, 'it');
    if (entry.name !== 'config.json') return [entry.name, [content]];
    const config = JSON.parse(new TextDecoder().decode(content));
    change(config);
    return [entry.name, [Buffer.from(JSON.stringify(config))]];
  });
  return Buffer.concat(formatZip(await Promise.all(parts)));
}

/** Groups within groups, and arrays, as HDF5 is written. */
function group(value: object): object {
  if ('shape' in value) return value;
  return { members: new Map(Object.entries(value).map(([name, own]) => [name, group(own)])) };
}

/** A network that is read, and the warnings. */
async function heard(bytes: Uint8Array) {
  const warnings: string[] = [];
  const hear = (warning: Error) => warnings.push(warning.message);
  process.on('warning', hear);
  const network = await importBytes(bytes);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', hear);
  return { network, warnings };
}

/** A network of one dense layer, of another config: `change` is given that of the file. */
const denseFile = async (change: (config: any) => void, weights?: object) =>
  changed(await dense().exportBytes({ format: 'keras' }), change, weights);
const ofDense = (options: object) => (config: any) => Object.assign(config.config.layers[1].config, options);

test.serial('weights that are quantized are refused, by what the layer says and by what is there', async (t) => {
  const policy = (class_name: string, config: object) => ({ dtype: { module: 'keras', class_name, config } });
  const quantized = policy('QuantizedDTypePolicy', { mode: 'int8', source_name: 'float32' });
  for (const own of [
    quantized,
    { dtype: 'int8_from_float32' },
    policy('QuantizedFloat8DTypePolicy', { mode: 'float8', source_name: 'float32' }),
    policy('QuantizedDTypePolicy', { name: 'int8_from_float32' }),
    policy('DTypePolicyMap', { default_policy: 'float32', policy_map: { dense: quantized.dtype } }),
  ])
    await t.throwsAsync(importBytes(await denseFile(ofDense(own)), { dtype: 'float32' }), {
      code: 'ERR_FORMAT',
      message: /Expected the dtype of the layer 'dense' to be that of floats, as no weights are quantized here, got/,
    });
  const kernel = { shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const bias = { shape: [2], data: Float32Array.of(0, 1) };
  const vars = (own: object) => denseFile(() => {}, { layers: { dense: { vars: own } } });
  t.deepEqual((await importBytes(await vars({ 0: kernel, 1: bias }))).getWeights()[0].data, kernel.data);
  const integers = { shape: [3, 2], data: Int32Array.of(1, 2, 3, 4, 5, 6) };
  await t.throwsAsync(importBytes(await vars({ 0: integers, 1: bias })), {
    message: /Expected the weight 'dense\/kernel' to be of floats, .*got/,
  });
  await t.throwsAsync(importBytes(await vars({ 0: kernel, 1: bias, 2: bias })), {
    message: /Expected the weights of 'dense' to be 2, as it has here, got 3/,
  });
});

test.serial('a spectral normalization is told of, and its layer keeps its kernel', async (t) => {
  for (const form of ['keras', 'h5']) {
    const { network, warnings } = await heard(fixture(`spectral.${form}`));
    t.deepEqual(
      warnings,
      ['spectral_normalization', 'spectral_normalization_1'].map(
        (name) =>
          `The spectral normalization of '${name}' is left out, as there is none here: it predicts the same, and trains without it`,
      ),
    );
    t.deepEqual(network.layerNames, ['spectral_normalization', 'flatten', 'spectral_normalization_1']);
    t.is(network.getWeights().length, 4);
  }
});

test.serial('types of 16 bits are told of once, and read as float32', async (t) => {
  for (const name of ['float16', 'mixed_float16', 'mixed_bfloat16']) {
    const dtype = { module: 'keras', class_name: 'DTypePolicy', config: { name } };
    const { network, warnings } = await heard(await denseFile(ofDense({ dtype })));
    t.is(network.dtype, 'float32');
    t.is(warnings.filter((text) => text.includes(`compute in ${name},`)).length, 1);
  }
});

/** A file of HDF5 of a network of two dense layers, as tf.keras writes it, the optimizer's memory by these names. */
function legacyFile(network: Model<any, any>, optimizer: object, memory: readonly (readonly [string, NDArray])[]) {
  const arrays = new Map(network.weightNames.map((name, i) => [name, network.getWeights()[i]]));
  const layer = (name: string, options: object = {}) => ({
    class_name: 'Dense',
    config: { name, units: 2, use_bias: false, ...options },
  });
  const list = [layer('a', { batch_input_shape: [null, 2] }), layer('b')];
  const nested = (names: readonly string[], of: (name: string) => NDArray | undefined) => {
    const tree: any = {};
    for (const name of names) {
      const path = name.split('/');
      const last = path.pop() as string;
      const { shape, data } = of(name) as NDArray;
      path.reduce((at, key) => (at[key] ??= {}), tree)[last] = { shape, data };
    }
    return group(tree) as { members: Map<string, never> };
  };
  const of = (name: string) => ({
    attributes: { weight_names: [`${name}/kernel:0`] },
    ...nested([`${name}/kernel:0`], () => arrays.get(`${name}/kernel`)),
  });
  const names = memory.map(([name]) => name);
  return Buffer.concat(
    formatHdf5({
      attributes: {
        keras_version: '2.10.0',
        model_config: JSON.stringify({ class_name: 'Sequential', config: { name: 's', layers: list } }),
        training_config: JSON.stringify({ loss: 'mse', metrics: [], optimizer_config: optimizer }),
      },
      members: new Map<string, any>([
        [
          'model_weights',
          {
            members: new Map([
              ['a', of('a')],
              ['b', of('b')],
            ] as never),
          },
        ],
        [
          'optimizer_weights',
          { attributes: { weight_names: names }, ...nested(names, (name) => new Map(memory).get(name)) },
        ],
      ]),
    } as never),
  );
}

test.serial("the optimizer's memory of tf.keras until 2.10 goes by its names, what has none is told of", async (t) => {
  const square = [
    [1, 2],
    [-1, 0.5],
  ];
  // what tf.keras calls the memory, in its order, by our names
  const cases = [
    ['adam', { class_name: 'Adam', config: { learning_rate: 0.01 } }, { m: 'm', v: 'v' }],
    ['rmsprop', { class_name: 'RMSprop', config: { learning_rate: 0.01, momentum: 0.5 } }, { rms: 'v', momentum: 'm' }],
    ['adamax', { class_name: 'Adamax', config: { learning_rate: 0.01 } }, { m: 'm', v: 'u' }],
    ['adadelta', { class_name: 'Adadelta', config: { learning_rate: 0.01 } }, { accum_grad: 'v', accum_var: 'u' }],
  ] as const;
  for (const [name, optimizer, slots] of cases) {
    const own = sequential({
      layers: ['a', 'b'].map((name) => layers.dense({ name, units: 2, useBias: false, inputShape: [2] })),
      seed: 1,
    });
    const { learning_rate: learningRate, ...rest } = optimizer.config;
    own.compile({ optimizer: optimizers[name]({ learningRate, ...rest } as never), loss: 'mse' });
    for (let k = 0; k < 3; k++) own.trainOnBatch(square, square);
    const state = new Map(parseModel(own.toBytes()).optimizerState);
    const memory: [string, NDArray][] = [[`${name}/iter:0`, NDArray.from([3]).reshape()]];
    for (const [slot, ours] of Object.entries(slots))
      for (const layer of ['a', 'b'])
        memory.push([`${name}/${layer}/kernel/${slot}:0`, state.get(`${layer}/kernel/${ours}`) as NDArray]);
    const { network, warnings } = await heard(legacyFile(own, optimizer, memory));
    t.deepEqual(warnings, []);
    t.is(network.iterations, 3);
    network.trainOnBatch(square, square);
    own.trainOnBatch(square, square);
    t.deepEqual(network.getWeights(), own.getWeights(), name);
    const nameless = memory.map(([, array], i) => [`training/${name}/Variable_${i}:0`, array] as const);
    for (const other of [nameless, memory.slice(0, -1)]) {
      const read = await heard(legacyFile(own, optimizer, other));
      t.is(read.network.iterations, 0);
      t.true(read.warnings.some((text) => text.startsWith("The optimizer's memory in ")));
    }
  }
});

const trainedBy = (training: object) => async (activation: string, units: number) => {
  const network = sequential({
    layers: [layers.dense({ units, activation: activation as never, inputShape: [3] })],
    seed: 1,
  });
  return changed(await network.exportBytes({ format: 'keras' }), (config) => {
    const optimizer = { class_name: 'SGD', config: { learning_rate: 0.1 } };
    config.compile_config = { optimizer, loss_weights: null, metrics: null, weighted_metrics: null, ...training };
  });
};
const ofClass = (class_name: string, config: object = {}) => ({ module: 'keras.metrics', class_name, config });
const ofFunction = (config: string) => ({ module: 'builtins', class_name: 'function', config });

test.serial("metrics are Keras' own, and those that there are not here are left out and told of", async (t) => {
  const loss = 'categorical_crossentropy';
  const cases: [metric: unknown, loss: string, units: number, read: string | undefined, warning: RegExp | undefined][] =
    [
      [ofFunction('top_k_categorical_accuracy'), loss, 8, 'topKCategoricalAccuracy', undefined],
      [ofFunction('categorical_accuracy'), loss, 8, 'accuracy', undefined],
      [ofClass('CategoricalAccuracy', { name: 'c' }), loss, 8, 'accuracy', undefined],
      [ofClass('CategoricalAccuracy', { name: 'c' }), 'mse', 8, 'accuracy', undefined],
      ['accuracy', loss, 8, 'accuracy', undefined],
      ['accuracy', 'binary_crossentropy', 1, 'accuracy', undefined],
      [
        'accuracy',
        'binary_crossentropy',
        8,
        'accuracy',
        /The metric 'accuracy' .* its loss is binaryCrossentropy; Keras'/,
      ],
      [ofClass('Accuracy', { name: 'accuracy' }), loss, 8, undefined, /A metric of .* left out.*'Accuracy'/],
      [
        ofClass('CategoricalAccuracy', { name: 'c' }),
        'binary_crossentropy',
        8,
        undefined,
        /A metric of .* left out.*'c'/,
      ],
      [ofClass('SparseCategoricalAccuracy', { name: 'c' }), 'binary_crossentropy', 1, undefined, /left out.*'c'/],
      ['categorical_accuracy', 'binary_crossentropy', 8, undefined, /A metric of .* left out.*'categorical_accuracy'/],
      [ofFunction('categorical_accuracy'), 'mse', 1, undefined, /left out.*'categorical_accuracy'/],
      [ofClass('LogCoshError', { name: 'logcosh' }), loss, 8, 'logCosh', undefined],
      [ofFunction('kl_divergence'), loss, 8, 'klDivergence', undefined],
      [ofClass('CategoricalHinge', { name: 'h' }), 'categorical_hinge', 8, 'categoricalHinge', undefined],
      [ofClass('F1Score', { average: 'micro', name: 'f' }), loss, 8, 'f1Score', undefined],
      [ofClass('F1Score', { average: null, name: 'f' }), loss, 8, undefined, /left out.*the average of F1Score/],
    ];
  for (const [metric, loss, units, name, warning] of cases) {
    const { network, warnings } = await heard(await trainedBy({ loss, metrics: [metric] })('sigmoid', units));
    const what = JSON.stringify(metric);
    t.deepEqual(
      network.metrics?.map((own: any) => own.config.name),
      name === undefined ? [] : [name],
      what,
    );
    t.is(warnings.length, warning ? 1 : 0, what);
    if (warning) t.regex(warnings[0], warning);
  }
});

test.serial('an F score of ours is one number in Keras too, and comes back', async (t) => {
  const network = dense();
  network.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['f1Score'] });
  const bytes = await network.exportBytes({ format: 'keras' });
  t.true(Buffer.from(bytes).includes('"average":"macro"'));
  t.deepEqual((await importBytes(bytes)).evaluateSync(x, y), network.evaluateSync(x, y));
  network.compile({ optimizer: 'sgd', loss: 'mse', metrics: [metrics.fBetaScore({ beta: 2, average: 'micro' })] });
  for (const format of ['keras', 'h5'] as const) {
    const other = await network.exportBytes({ format });
    t.true(Buffer.from(other).includes('"beta":2.0')); // which Keras wants
    t.deepEqual((await importBytes(other)).evaluateSync(x, y), network.evaluateSync(x, y));
  }
});

test.serial('losses that are metrics, too, come back as both', async (t) => {
  for (const name of [
    'hinge',
    'squaredHinge',
    'categoricalHinge',
    'logCosh',
    'poisson',
    'klDivergence',
    'kld',
    'bce',
  ]) {
    const network = sequential({
      layers: [layers.dense({ units: 2, activation: 'sigmoid', inputShape: [3] })],
      seed: 1,
    });
    network.compile({ optimizer: 'sgd', loss: name, metrics: [name] });
    const back = await importBytes(await network.exportBytes({ format: 'keras' }));
    const [own, again] = [network, back].map((each) =>
      each.evaluateSync(
        x,
        NDArray.from([
          [0, 1],
          [1, 0],
        ]),
      ),
    );
    t.deepEqual(again, own);
    t.true(Math.abs(own[name] - own.loss) < 1e-6);
  }
});

test.serial('a focal loss of logits and smoothed labels comes back', async (t) => {
  for (const name of ['binaryFocalCrossentropy', 'categoricalFocalCrossentropy'] as const) {
    const loss = losses[name]({ gamma: 1.5, alpha: 0.3, fromLogits: true, labelSmoothing: 0.2 });
    const network = dense();
    network.compile({ optimizer: 'sgd', loss, metrics: ['accuracy'] });
    const back = await importBytes(await network.exportBytes({ format: 'keras' }));
    t.deepEqual((back.loss as typeof loss).config, loss.config);
    t.deepEqual(back.evaluateSync(x, y), network.evaluateSync(x, y));
  }
});

test.serial('weighted_metrics are read', async (t) => {
  const training = { loss: 'mse', metrics: ['mae'], weighted_metrics: ['mae', 'cosine_similarity'] };
  const { network, warnings } = await heard(await trainedBy(training)('tanh', 2));
  t.notRegex(warnings.join(), /weighted|left out/);
  t.deepEqual(
    network.metrics.map(({ name, isWeighted }) => [name, isWeighted ?? false]),
    [
      ['mae', false],
      ['weighted_mae', true],
      ['cosine_similarity', true],
    ],
  );
});

test.serial('losses go by the keys of a dict of outputs, and one of no output is told of', async (t) => {
  const from = input({ shape: [4] });
  const [a, b] = [
    layers.dense({ units: 2, name: 'da' }).apply(from),
    layers.dense({ units: 3, name: 'db' }).apply(from),
  ];
  const bytes = await model({ inputs: from, outputs: [a, b], seed: 1 }).exportBytes({ format: 'keras' });
  const read = (compile: object, isDict = true) =>
    changed(bytes, (config) => {
      if (isDict) config.config.output_layers = { zz: ['da', 0, 0], aa: ['db', 0, 0] };
      config.compile_config = { optimizer: 'adam', loss_weights: null, ...compile };
    }).then(heard);
  for (const [names, isDict] of [
    [['zz', 'aa'], true],
    [['da', 'db'], false],
  ] as const) {
    const { network, warnings } = await read(
      {
        loss: { [names[0]]: 'mse', [names[1]]: 'mae' },
        metrics: { [names[1]]: ['mse'] },
        loss_weights: { [names[0]]: 2 },
      },
      isDict,
    );
    t.deepEqual(warnings, []);
    t.deepEqual(
      (network.loss as any[]).map((loss) => loss.config.name),
      ['meanSquaredError', 'meanAbsoluteError'],
    );
    const before = network.getWeights()[0];
    network.trainOnBatch([[1, 2, 3, 4]], [[[1, 1]], [[1, 1, 1]]] as never);
    t.notDeepEqual(network.getWeights()[0], before);
  }
  for (const [loss, message] of [
    [{ zz: 'mse', bb: 'mae' }, /left out.*the names in the loss to be those of outputs, zz, aa, got 'bb'/],
    [{ zz: null, aa: null }, /left out.*the loss to be that of an output/],
  ] as const) {
    const { network, warnings } = await read({ loss });
    t.regex(warnings.join(), message);
    t.throws(() => network.trainOnBatch([[1, 2, 3, 4]], [[[1, 1]], [[1, 1, 1]]] as never), {
      code: 'ERR_NOT_COMPILED',
    });
  }
});

test('hard_sigmoid of a file of HDF5 that names no version is that of Keras 2', async (t) => {
  const config = (activation: string, behind: string) => ({
    class_name: 'Sequential',
    config: [
      { class_name: 'Dense', config: { name: 'a', units: 2, activation, batch_input_shape: [null, 2] } },
      { class_name: 'Activation', config: { name: 'own', activation: behind } },
    ],
  });
  const bytes = (activation: string, attributes: object, behind = 'linear') =>
    Buffer.concat(
      formatHdf5({
        attributes: { model_config: JSON.stringify(config(activation, behind)), ...attributes },
        members: new Map<string, any>([
          [
            'a',
            {
              attributes: { weight_names: ['kernel', 'bias'] },
              ...group({
                kernel: { shape: [2, 2], data: new Float32Array(4).fill(1) },
                bias: { shape: [2], data: new Float32Array(2) },
              }),
            },
          ],
        ]),
      } as never),
    );
  for (const attributes of [{}, { keras_version: '2.10.0' }]) {
    await t.notThrowsAsync(importBytes(bytes('tanh', attributes)));
    const [made] = ((await importBytes(bytes('hard_sigmoid', attributes))).predictSync([[1, 0]]) as NDArray).data;
    t.true(Math.abs(made - 0.7) < 1e-6);
    await t.throwsAsync(importBytes(bytes('linear', attributes, 'hard_sigmoid')), {
      message: /'own' \(Activation\) to have another activation than hard_sigmoid/,
    });
  }
  const three = await importBytes(bytes('hard_sigmoid', { keras_version: '3.15.0' }));
  t.true(Math.abs((three.predictSync([[1, 0]]) as NDArray).data[0] - 2 / 3) < 1e-6);
});

test('a bilinear UpSampling2D of a file of HDF5 is read where Keras computed what it does now', async (t) => {
  const own = sequential({
    layers: [layers.upSampling2d({ name: 'up', interpolation: 'bilinear', inputShape: [3, 2, 1] })],
  });
  const x = NDArray.from(new RandomState(3).normal(0, 1, [2, 3, 2, 1]) as NDArray);
  for (const format of ['keras', 'h5'] as const) {
    const again = await importBytes(await own.exportBytes({ format }));
    t.deepEqual([...(again.predictSync(x) as NDArray).data], [...(own.predictSync(x) as NDArray).data]);
  }
  const config = {
    class_name: 'Sequential',
    config: [
      {
        class_name: 'UpSampling2D',
        config: { name: 'up', size: [2, 2], interpolation: 'bilinear', batch_input_shape: [null, 3, 2, 1] },
      },
    ],
  };
  const bytes = (attributes: object) =>
    Buffer.concat(
      formatHdf5({ attributes: { model_config: JSON.stringify(config), ...attributes }, members: new Map() } as never),
    );
  for (const version of ['2.3.0-tf', '2.4.0', '2.15.0', '3.15.0'])
    t.is((await importBytes(bytes({ keras_version: version }))).countParams(), 0, version);
  for (const attributes of [
    {},
    ...['1.2.2', '2.2.4', '2.2.4-tf', '2.3.1'].map((version) => ({ keras_version: version })),
  ])
    await t.throwsAsync(importBytes(bytes(attributes)), {
      message: /the interpolation of the layer 'up' .* to be 'nearest' where Keras is older than 2.4/,
    });
});

/** A functional network of one operation of Keras on an input of this shape. */
const operationFile = (shape: number[], class_name: string, config: object, others: unknown[]) => {
  const place = { class_name: '__keras_tensor__', config: { keras_history: ['i', 0, 0] } };
  const source = { module: 'keras.layers', class_name: 'InputLayer', name: 'i' };
  return denseFile((own) => {
    for (const key of Object.keys(own)) delete own[key];
    const module = 'keras.src.ops.numpy';
    const node = { args: [place, ...others], kwargs: {} };
    own.class_name = 'Functional';
    own.config = {
      name: 'm',
      layers: [
        { ...source, config: { name: 'i', batch_shape: [null, ...shape] }, inbound_nodes: [] },
        { module, class_name, name: 'o', config: { name: 'o', ...config }, inbound_nodes: [node] },
      ],
      input_layers: [['i', 0, 0]],
      output_layers: ['o', 0, 0],
    };
  });
};

test("Keras' ActivityRegularization is a linear activation with a penalty on what it gives", async (t) => {
  const config = { name: 'penalty', l1: 0.25, l2: 0.5 };
  const network = await importBytes(
    await denseFile(({ config: { layers } }) => {
      layers.push({ module: 'keras.layers', class_name: 'ActivityRegularization', config });
    }),
  );
  network.compile({ optimizer: 'sgd', loss: 'mse' });
  const x = NDArray.from([
    [1, -2, 3],
    [0.5, 3, -1],
  ]);
  const y = Array.from((network.predictSync(x) as NDArray).data);
  const penalty = y.reduce((sum, v) => sum + 0.25 * Math.abs(v) + 0.5 * v * v, 0) / 2;
  const { loss } = await network.evaluate(x, NDArray.from([0, 0, 0, 0], { shape: [2, 2] }));
  t.true(Math.abs(loss - penalty - y.reduce((sum, v) => sum + v * v, 0) / y.length) < 1e-6);
});

test('logical operations take all but 0 as true, as do casts to booleans', async (t) => {
  const itself = { class_name: '__keras_tensor__', config: { keras_history: ['i', 0, 0] } };
  const row = [[2, 0, -0.5]];
  const truth = [[1, 0, 1]];
  const cases: [string, object, unknown[], unknown][] = [
    ['LogicalAnd', {}, [itself], truth],
    ['LogicalOr', {}, [itself], truth],
    ['LogicalXor', {}, [itself], [[0, 0, 0]]],
    ['LogicalNot', {}, [], [[0, 1, 0]]],
    ['Any', { axis: -1, keepdims: true }, [], [[1]]],
    ['All', { axis: [1], keepdims: true }, [], [[0]]],
    ['Cast', { dtype: 'bool' }, [], truth],
    ['ConvertToTensor', { dtype: 'bool' }, [], truth],
    ['ConvertToTensor', {}, [], row],
  ];
  for (const [name, config, others, wanted] of cases) {
    const network = await importBytes(await operationFile([3], name, config, others));
    t.deepEqual((network.predictSync(row) as NDArray).toArray(), wanted as never, name);
  }
});

test('products with a matrix, places from the end and ellipses are those of NumPy', async (t) => {
  const numbers = (value: unknown) => ({ class_name: '__numpy__', config: { value, dtype: 'float32' } });
  const slice = (start: number | null, stop: number | null, step: number | null) => ({
    ...{ class_name: '__slice__', config: { start, stop, step } },
  });
  const from = (start: number) => slice(start, null, null);
  const all = slice(null, null, null);
  const ellipsis = { class_name: '__ellipsis__', config: {} };
  const matrix = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  const row = [[1, -1]];
  const rows = [matrix];
  // x @ W; of W of one row x is no scale of it
  const cases: [number[], string, object, unknown[], unknown, unknown][] = [
    [[2], 'Matmul', {}, [numbers(matrix)], row, [[-3, -3, -3]]],
    [[1], 'Matmul', {}, [numbers([[1, 2, 3]])], [[2]], [[2, 4, 6]]],
    [[2, 3], 'Take', { axis: 1 }, [[-1, 0]], rows, [[matrix[1], matrix[0]]]],
    [[2, 3], 'Take', { axis: 1 }, [-1], rows, [matrix[1]]],
    [[2, 3], 'Take', { axis: 1 }, [numbers([[-2], [1]])], rows, [[[matrix[0]], [matrix[1]]]]],
    [
      [2, 3],
      'GetItem',
      {},
      [[ellipsis, from(1)]],
      rows,
      [
        [
          [2, 3],
          [5, 6],
        ],
      ],
    ],
    [[2, 3], 'GetItem', {}, [ellipsis], rows, rows],
    [[2, 3], 'GetItem', {}, [[{ ...from(0), config: {} }, -1, ellipsis]], rows, [matrix[1]]],
    // x[:, None], x[..., None, 1], x[:, ::-1], x[..., ::2], x[..., -2::-2], x[:, 1::3]
    [[2, 3], 'GetItem', {}, [[all, null]], rows, [rows]],
    [[2, 3], 'GetItem', {}, [[ellipsis, null, 1]], rows, [[[2], [5]]]],
    [[2, 3], 'GetItem', {}, [[all, slice(null, null, -1)]], rows, [matrix.toReversed()]],
    [
      [2, 3],
      'GetItem',
      {},
      [[ellipsis, slice(null, null, 2)]],
      rows,
      [
        [
          [1, 3],
          [4, 6],
        ],
      ],
    ],
    [[2, 3], 'GetItem', {}, [[ellipsis, slice(-2, null, -2)]], rows, [[[2], [5]]]],
    [[2, 3], 'GetItem', {}, [[all, slice(1, null, 3)]], rows, [[matrix[1]]]],
    [[7], 'GetItem', {}, [[all, slice(1, 6, 2)]], [[0, 1, 2, 3, 4, 5, 6]], [[1, 3, 5]]],
    [[7], 'GetItem', {}, [[all, slice(5, null, -3)]], [[0, 1, 2, 3, 4, 5, 6]], [[5, 2]]],
    [[3], 'Pad', { pad_width: [[0], [2, 1]], mode: 'wrap' }, [], [[1, 2, 3]], [[2, 3, 1, 2, 3, 1]]],
  ];
  for (const [shape, name, config, others, given, wanted] of cases) {
    const network = await importBytes(await operationFile(shape, name, config, others));
    t.is(difference(network.predictSync(given as never) as NDArray, NDArray.from(wanted as never)), 0, name);
  }
  await t.throwsAsync(importBytes(await operationFile([2, 3], 'Take', { axis: 1 }, [[-3]])), { code: 'ERR_FORMAT' });
  for (const [keys, message] of [
    [[all, slice(null, null, 0)], /step to be other than 0, got 0/],
    [[all, slice(2, null, -1), slice(0, 2, -1)], /a slice to be of one entry or more/],
    [[all, null, 0, 0, 0], /indices to be at most 3, got 4/],
  ] as const)
    await t.throwsAsync(importBytes(await operationFile([2, 3], 'GetItem', {}, [keys])), {
      code: 'ERR_FORMAT',
      message,
    });
});

test('operations that go across the batch, or that there are not here, are refused with their names', async (t) => {
  const itself = { class_name: '__keras_tensor__', config: { keras_history: ['i', 0, 0] } };
  const pairs = (...pad_width: number[][]) => ({ pad_width, mode: 'constant' });
  const cases: [string, object, unknown[], RegExp][] = [
    ['Pad', pairs([1, 0], [0, 0], [0, 0]), [], /pad_width\[0\] to be \[0, 0\], as the batch stays/],
    ['Pad', { pad_width: 1, mode: 'constant' }, [], /pad_width to be a list of 3 pairs/],
    ['Pad', { ...pairs([0, 0], [2, 0], [0, 0]), mode: 'reflect' }, [], /pad_width to be at most 1/],
    ['Pad', { ...pairs([0, 0], [2, 0], [0, 0]), mode: 'mean' }, [], /mode to be one of constant, .*'mean'/],
    ['Pad', pairs([0, 0], [0, 0], [0, 2 ** 20]), [], /pad_width to be below 2\^20/],
    ['Split', { indices_or_sections: 2, axis: 0 }, [], /axis to be an axis of a sample/],
    ['Split', { indices_or_sections: 2, axis: 2 }, [], /indices_or_sections to be a divisor of 3, got 2/],
    ['Split', { indices_or_sections: [2, 1], axis: 2 }, [], /cuts that leave an entry/],
    ['Einsum', { subscripts: 'bij->ij' }, [], /the batch stays first/],
    ['Einsum', { subscripts: 'bij,cij->bi' }, [itself], /the batch stays first/],
    ['Einsum', { subscripts: 'bii->bi' }, [], /the terms of subscripts .*'bii'/],
    ['Einsum', { subscripts: 'bij->bik' }, [], /whose result has axes of its terms/],
    ['Einsum', { subscripts: 'bij,bji->b' }, [itself], /the axes ij of its operands/],
    ['Tile', { repeats: [2, 1, 1] }, [], /repeats to be 3 at most, and 1 of the batch/],
    ['Glu', { axis: -1 }, [], /what is halved to be of an even length, got 3/],
    ['Sparsemax', { axis: -1 }, [], /an operation to be one that there is here, got 'Sparsemax'/],
  ];
  for (const [name, config, others, message] of cases)
    await t.throwsAsync(
      operationFile([2, 3], name, config, others).then(importBytes),
      { code: 'ERR_FORMAT', message },
      name,
    );
});

test('operations of TensorFlow that are not here, and lengths that are computed with, are refused with their names', async (t) => {
  const bytes = fixture('tensorflow2.keras');
  const cases: readonly [RegExp, (find: (name: string) => any) => void][] = [
    [
      /an operation to be one that there is here, got 'tf\.image\.resize'/,
      (find) => {
        find('nn.gelu').config.function = 'image.resize';
      },
    ],
    [
      /the beta of tf\.nn\.gelu to be none/,
      (find) => {
        find('nn.gelu').inbound_nodes[0][3].beta = 2;
      },
    ],
    [
      /the shape of a value to be used as that of a reshape alone/,
      (find) => {
        find('tile').inbound_nodes[0][0] = find('compat.v1.shape').name;
      },
    ],
  ];
  for (const [message, change] of cases) {
    const other = await changed(bytes, ({ config: { layers } }) =>
      change((name) => layers.find(({ config }: any) => config.function === name)),
    );
    await t.throwsAsync(importBytes(other), { code: 'ERR_FORMAT', message });
  }
});

test("a class of one's own is not taken for Keras' of its name", async (t) => {
  const own = (module: unknown) =>
    changed(fixture('dense.keras'), ({ config: { layers } }) => {
      Object.assign(layers.at(-1), { module, registered_name: 'Custom>Dense' });
    });
  for (const module of [null, 'builtins', 'kerasical'])
    await t.throwsAsync(importBytes(await own(module)), {
      code: 'ERR_FORMAT',
      message: /layers\[2\] to be of a class of Keras, as others are code, got 'Custom>Dense'/,
    });
  await t.notThrowsAsync(importBytes(await own('tf_keras.src.layers')));
});

test('what the first versions of Keras called the learning rate, and its decay', async (t) => {
  const bytes = replaced('train-decay2.h5', '"learning_rate"', '"lr"           ');
  const network = await importBytes(bytes);
  t.deepEqual(network.optimizer?.config.learningRate, {
    name: 'inverseTimeDecay',
    initialLearningRate: Math.fround(0.1),
    decaySteps: 1,
    decayRate: 0.25,
  });
});

test('a layer that Keras 2 calls as in training, or as in prediction, for ever is told of', async (t) => {
  const warnings: string[] = [];
  const hear = ({ message }: Error) => warnings.push(message);
  process.on('warning', hear);
  for (const [class_name, training] of [
    ['Dropout', true],
    ['GaussianNoise', false],
    ['Flatten', false],
    ['Dropout', null],
  ] as const) {
    const bytes = await changed(fixture('scaled2.keras'), ({ config: { layers } }) => {
      const dense = layers.find((layer: any) => layer.class_name === 'Dense');
      const options = { Dropout: { rate: 0.5 }, GaussianNoise: { stddev: 1 }, Flatten: {} }[class_name];
      Object.assign(dense, { class_name, config: { name: 'own', ...options } });
      dense.inbound_nodes[0][0][3] = { training };
      const scale = layers.find((layer: any) => layer.class_name === 'CustomScaleLayer');
      scale.inbound_nodes[0][0] = scale.inbound_nodes[0][1] = [dense.name, 0, 0, {}];
    });
    await importBytes(bytes);
  }
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', hear);
  t.deepEqual(
    warnings.filter((message) => message.startsWith('Keras 2 calls')),
    [
      "Keras 2 calls the layer 'dense' as in training, in prediction too, which is not so here",
      "Keras 2 calls the layer 'dense' as in prediction, in training too, which is not so here: freeze its normalizations (trainable) to train as there",
    ],
  );
});

test("a Normalization of given numbers takes their difference first, as Keras': large ones do not cancel", async (t) => {
  const given = [[100000.05], [99999.9]];
  // float32 of the inputs, then the definition in doubles
  const wanted = given.map(([x]) => (Math.fround(x) - 1e5) / 0.1);
  const file = (own: object, shape: number[]) =>
    denseFile((config) => {
      const [source] = config.config.layers;
      source.config.batch_shape = [null, ...shape];
      config.config.layers = [source, own];
      delete config.config.build_input_shape;
    });
  const own = { module: 'keras.layers', class_name: 'Normalization', config: { name: 'n', mean: 1e5, variance: 0.01 } };
  const network = await importBytes(await file({ ...own, config: { ...own.config, axis: null } }, [1]));
  const found = (network.predictSync(given) as NDArray).data;
  for (const [i, x] of wanted.entries()) t.true(Math.abs(found[i] - x) < 1e-6);
  const listed = { ...own, config: { name: 'n', axis: -1, mean: [1, 2], variance: [4, 9] } };
  const each = { module: 'keras.layers', class_name: 'TimeDistributed', config: { name: 'e', layer: listed } };
  const stepwise = await importBytes(await file(each, [1, 2]));
  t.deepEqual((stepwise.predictSync([[[3, 5]]]) as NDArray).data, Float32Array.of(1, 1));
});

test('what layers make of their sizes is bounded before they make it', async (t) => {
  const N = 2 ** 27;
  const none = { center: false, scale: false };
  const layer = (class_name: string, config: object) => ({
    module: 'keras.layers',
    class_name,
    config: { name: 'l', ...config },
  });
  const cases: [object, number[]][] = [
    [layer('BatchNormalization', { center: false }), [N]],
    [layer('LayerNormalization', none), [N]],
    [layer('LayerNormalization', { axis: [1, 2], ...none }), [2 ** 12, 2 ** 12]],
    [layer('GroupNormalization', { groups: 1 }), [N]],
    [layer('TimeDistributed', { layer: layer('BatchNormalization', none) }), [2, N]],
    [
      layer('TimeDistributed', { layer: layer('TimeDistributed', { layer: layer('GroupNormalization', {}) }) }),
      [2, 2, N],
    ],
  ];
  for (const [own, shape] of cases) {
    const batch_shape = [null, ...shape];
    const source = layer('InputLayer', { name: 'i', batch_shape });
    const list = { class_name: 'Sequential', config: { name: 's', layers: [source, own] } };
    const place = { class_name: '__keras_tensor__', config: { keras_history: ['i', 0, 0] } };
    const called = { ...own, name: 'l', inbound_nodes: [{ args: [place], kwargs: {} }] };
    const graph = {
      class_name: 'Functional',
      config: {
        name: 'm',
        layers: [{ ...source, name: 'i', inbound_nodes: [] }, called],
        input_layers: [['i', 0, 0]],
        output_layers: [['l', 0, 0]],
      },
    };
    for (const network of [list, graph]) {
      const bytes = await denseFile((config) => {
        for (const key of Object.keys(config)) delete config[key];
        Object.assign(config, network);
      });
      await t.throwsAsync(importBytes(bytes), { code: 'ERR_FORMAT', message: /at most 2\^22 constant numbers/ });
    }
  }
  const many = Array.from({ length: 12 }, (_, i) => layer('LayerNormalization', { ...none, name: `l${i}` }));
  const first = layer('InputLayer', { name: 'i', batch_shape: [null, 2 ** 22] });
  const bytes = await denseFile((config) => {
    for (const key of Object.keys(config)) delete config[key];
    Object.assign(config, { class_name: 'Sequential', config: { name: 's', layers: [first, ...many] } });
  });
  await t.throwsAsync(importBytes(bytes), { code: 'ERR_FORMAT', message: /'l8'.*at most 2\^25 constant numbers/ });
});

type Place = { readonly holder: Record<string, unknown>; readonly key: string };

function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])]);
}

const WILD = [null, -1, 0, 0.5, 2 ** 31, 1e300, '', 'relu', 'Dense', true, [], {}, [[]], [null, 2 ** 31], ['a', 0, 0]];

/** Reads a file that may be anything. Gives whether it was refused, in a sentence. */
async function isRefused(t: ExecutionContext, bytes: Uint8Array): Promise<boolean> {
  try {
    for (const { data, shape } of (await importBytes(bytes)).getWeights())
      t.is(
        data.length,
        shape.reduce((size, n) => size * n, 1),
      );
    return false;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_FORMAT') throw error;
    t.regex(message, /^Cannot (read|load a model from) the bytes: /);
    t.false(message.endsWith('Expected what save writes'), message);
    return true;
  }
}

test('HDF5 that was damaged is read, or refused with the reason', async (t) => {
  const files = ['masked.h5', 'nested.h5', 'train-Nadam.h5'].map(fixture);
  const change = fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(-1, -2, -3)));
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(files.length - 1), fc.array(change, { minLength: 1, maxLength: 6 }), async (k, changes) => {
      const bytes = Buffer.from(files[k]);
      for (const [place, value] of changes) {
        const at = place % (bytes.length - 8);
        if (value >= 0) bytes[at] = value;
        else if (value === -1) bytes.writeBigUInt64LE(2n ** 64n - 1n, at - (at % 8));
        else if (value === -2) bytes.writeUInt32LE(at, at);
        else bytes.writeUInt16LE(0xffff, at);
      }
      if (await isRefused(t, bytes)) refused++;
    }),
    { numRuns: 400, seed: 1 },
  );
  t.true(refused > 40, `${refused}`);
});

test('a config with anything in any place is read, or refused with the reason', async (t) => {
  const text = openFixture('attention.h5');
  const count = placesIn(JSON.parse(text)).length;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(count - 1), fc.nat(WILD.length), async (at, k) => {
      const config = JSON.parse(text);
      const { holder, key } = placesIn(config)[at];
      if (k === WILD.length) delete holder[key];
      else holder[key] = WILD[k];
      const next = JSON.stringify(config);
      if (next.length > text.length) return;
      if (await isRefused(t, withText('attention.h5', text, next.padEnd(text.length)))) refused++;
    }),
    { numRuns: 400, seed: 1 },
  );
  t.true(refused > 100, `${refused}`);
});

/** The config in a file of HDF5: as it lies there. */
function openFixture(name: string): string {
  const bytes = fixture(name);
  const start = bytes.indexOf('{"class_name": "Functional"');
  return bytes.toString('utf8', start, bytes.indexOf(0, start));
}

function withText(name: string, from: string, to: string): Uint8Array {
  const bytes = Buffer.from(fixture(name));
  bytes.write(to, bytes.indexOf(from));
  return bytes;
}

test('ten million numbers go each way', async (t) => {
  const network = sequential({
    layers: [layers.dense({ units: 3160, inputShape: [3163], kernelInitializer: 'ones' })],
  });
  network.getWeights();
  for (const format of ['keras', 'h5'] as const) {
    const start = performance.now();
    const bytes = await network.exportBytes({ format });
    const between = performance.now();
    const back = await importBytes(bytes);
    t.log(format, ...[between - start, performance.now() - between].map((ms) => `${(ms / 1000).toFixed(2)} s`));
    const [own, other] = [network, back].map((model) => model.getWeights().map(({ data }) => data));
    t.true(own.every((data, i) => Buffer.compare(Buffer.from(data.buffer), Buffer.from(other[i].buffer)) === 0));
  }
});

test.serial('inputs that no output is computed of are left out, as Keras saves them', async (t) => {
  const [a, b] = ['a', 'b'].map((name) => input({ shape: [3], name }));
  const both = model({
    inputs: [a, b],
    outputs: layers.dense({ units: 2, name: 'd' }).apply(layers.add().apply([a, b])),
  });
  const file = await both.exportBytes({ format: 'keras' });
  // d reads a alone: what keras.Model([a, b], d(a)) becomes
  const bytes = await changed(file, ({ config }) => {
    const [dense] = config.layers.filter(({ name }: any) => name === 'd');
    const [reference] = dense.inbound_nodes[0].args;
    reference.config.keras_history = ['a', 0, 0];
    config.layers = config.layers.filter(({ class_name }: any) => class_name !== 'Add');
  });
  const { network, warnings } = await heard(bytes);
  t.deepEqual(warnings, ["Inputs of the network 'model' that no output is computed of are left out: 'b'"]);
  t.deepEqual(network.inputNames, ['a']);
  const x = NDArray.from([[1, 2, 3]]);
  t.deepEqual(network.predictSync(x as never), both.predictSync([x, NDArray.zeros([1, 3])]));
});
