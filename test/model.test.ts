import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  custom,
  input,
  Layer,
  layers,
  type Mode,
  Model,
  model,
  NDArray,
  ops,
  optimizers,
  RandomState,
  Sequential,
  sequential,
  type Value,
  type Weights,
} from 'fjordnet';

interface Stored {
  shape: number[];
  data: number[];
}
const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../test/fixtures/${name}.json`, import.meta.url), 'utf8'));
const stored = ({ shape, data }: Stored) => NDArray.from(Float64Array.from(data)).reshape(...shape);
const normal = (random: RandomState, ...shape: number[]) => random.normal(0, 1, shape) as NDArray;
const numbers = (arrays: readonly NDArray[]) => arrays.map(({ data }) => [...data]);
const folder = mkdtempSync(join(tmpdir(), 'fjordnet-model-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const path = () => join(folder, `${files++}.safetensors`);

function near(
  t: { true(value: boolean, message?: string): void },
  a: NDArray,
  b: NDArray,
  tolerance: number,
  what = '',
) {
  let worst = a.shape.join() === b.shape.join() ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < a.size; i++) worst = Math.max(worst, Math.abs(a.data[i] - b.data[i]));
  t.true(worst <= tolerance, `${what}: ${worst}`);
}

// ------------------------------------------------------------ Keras' own runs

const GRAPHS: Record<string, () => Model> = {
  'inputs numbers': () => {
    const x = input({ shape: [5], name: 'numbers' });
    const ids = input({ shape: [2], dtype: 'int32', name: 'classes' });
    const rows = layers.flatten().apply(layers.embedding({ inputDim: 6, outputDim: 3 }).apply(ids));
    const both = layers.concatenate().apply([layers.dense({ units: 4, activation: 'tanh' }).apply(x), rows]);
    const h = layers.dense({ units: 6, activation: 'relu' }).apply(both);
    const kind = layers.dense({ units: 3, activation: 'softmax', name: 'kind' }).apply(h);
    const size = layers.dense({ units: 1, name: 'size' }).apply(h);
    return model({ inputs: [x, ids], outputs: [kind, size], dtype: 'float64' });
  },
  zeroPadding2d: () => {
    const x = input({ shape: [8, 8, 2] });
    const list = [
      layers.zeroPadding2d({
        padding: [
          [1, 0],
          [0, 1],
        ],
      }),
      layers.separableConv2d({ filters: 4, kernelSize: 3, padding: 'same', depthMultiplier: 2, activation: 'relu' }),
      layers.depthwiseConv2d({ kernelSize: 3, strides: 2, activation: 'elu' }),
      layers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, padding: 'same' }),
      layers.upSampling2d({ size: 2 }),
      layers.globalMaxPooling2d(),
      layers.dense({ units: 3 }),
    ];
    return model({ inputs: x, outputs: list.reduce<Value>((value, layer) => layer.apply(value), x), dtype: 'float64' });
  },
  residual: () => {
    const x = input({ shape: [8, 8, 2] });
    const a = layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', useBias: false }).apply(x);
    const b = layers.activation({ activation: 'relu' }).apply(layers.batchNormalization().apply(a));
    const c = layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same' }).apply(b);
    const sum = ops.add(c, layers.conv2d({ filters: 4, kernelSize: 1 }).apply(x));
    const h = layers.maxPooling2d().apply(layers.activation({ activation: 'relu' }).apply(sum));
    const outputs = layers.dense({ units: 3, activation: 'softmax' }).apply(layers.globalAveragePooling2d().apply(h));
    return model({ inputs: x, outputs, dtype: 'float64' });
  },
  'inputs p': () => {
    const [p, q] = [input({ shape: [4], name: 'p' }), input({ shape: [4], name: 'q' })];
    const shared = layers.dense({ units: 3, activation: 'tanh' });
    const [u, v] = [shared.apply(p), shared.apply(q)];
    const all = ops.concat([ops.mul(u, v), ops.sub(u, v), ops.maximum(u, v), u]);
    return model({ inputs: [p, q], outputs: layers.dense({ units: 1 }).apply(all), dtype: 'float64' });
  },
  'conv2d 3 3x3 relu (frozen)': () => {
    const x = input({ shape: [8, 8, 2] });
    const frozen = layers.conv2d({ filters: 3, kernelSize: 3, activation: 'relu', trainable: false }).apply(x);
    const h = layers.flatten().apply(layers.batchNormalization().apply(frozen));
    const net = model({
      inputs: x,
      outputs: layers.dense({ units: 3, activation: 'softmax' }).apply(h),
      dtype: 'float64',
    });
    net.getLayer(2).trainable = false;
    return net;
  },
};

const OPTIMIZERS: Record<string, (learningRate: number) => ReturnType<typeof optimizers.sgd>> = {
  'sgd momentum 0.9': (learningRate) => optimizers.sgd({ learningRate, momentum: 0.9 }),
  sgd: (learningRate) => optimizers.sgd({ learningRate }),
  adam: (learningRate) => optimizers.adam({ learningRate }),
  rmsprop: (learningRate) => optimizers.rmsprop({ learningRate }),
};

for (const [name, make] of Object.entries(GRAPHS))
  test(`${name}: Keras' predictions, losses and weights after four steps`, async (t) => {
    const golden = fixture('graph').models.find((each: { model: string }) => each.model.startsWith(name));
    const net = make();
    net.setWeights(golden.weights.map(stored));
    const x = golden.x.map(stored);
    const y = golden.y.map(stored);
    const compile = () =>
      net.compile({
        optimizer: OPTIMIZERS[golden.optimizer](golden.learningRate),
        loss: golden.loss,
        lossWeights: golden.lossWeights,
      });
    const predicted = (wanted: Stored[], tolerance: number) =>
      [net.predictOnBatch(x)].flat().forEach((p, i) => {
        near(t, p, stored(wanted[i]), tolerance, `output ${i}`);
      });
    predicted(golden.predicted, 1e-12);
    compile();
    const before = numbers(net.getWeights());
    const { loss, gradients } = await net.gradients(x, y);
    t.true(Math.abs(loss - golden.losses[0]) <= 1e-10);
    t.deepEqual(numbers(net.getWeights()), before);
    t.is(gradients.length, golden.weights.length - (name.startsWith('residual') ? 2 : name.startsWith('conv') ? 6 : 0));
    for (const each of golden.losses) t.true(Math.abs(net.trainOnBatch(x, y).loss - each) <= 1e-10);
    for (const [i, weight] of net.getWeights().entries())
      near(t, weight, stored(golden.weights_after[i]), 1e-9, golden.weight_names[i]);
    predicted(golden.predicted_after, 1e-9);
  });

test('penalties on what layers give are Keras’, saved, and refused by save where they are functions', async (t) => {
  const golden = fixture('activity');
  const [x, y] = [stored(golden.x), stored(golden.y)];
  const make = (last: object) =>
    sequential({
      layers: [
        layers.conv2d({
          filters: 3,
          kernelSize: 3,
          activation: 'relu',
          activityRegularizer: { l2: 0.125 },
          inputShape: [6, 6, 2],
        }),
        layers.maxPooling2d(),
        layers.flatten(),
        layers.dense({ units: 4, activityRegularizer: { l1: 0.25, l2: 0.0625 }, kernelRegularizer: { l2: 0.5 } }),
        layers.dense({ units: 3, activation: 'softmax', ...last }),
      ],
      dtype: 'float64',
    });
  const net = make({ activityRegularizer: { l1: 0.5 } });
  net.setWeights(golden.weights.map(stored));
  net.compile({ optimizer: optimizers.sgd({ learningRate: 0.125 }), loss: 'categoricalCrossentropy' });
  for (const loss of golden.losses) t.true(Math.abs(net.trainOnBatch(x, y).loss - loss) < 1e-10);
  for (const [i, weight] of net.getWeights().entries()) near(t, weight, stored(golden.weights_after[i]), 1e-9);
  const { loss } = await net.evaluate(x, y, { batchSize: 4 });
  t.true(Math.abs(loss - golden.evaluated) < 1e-10, `${loss} ${golden.evaluated}`);
  const file = path();
  await net.save(file);
  const loaded = await Sequential.load(file);
  t.is(loaded.trainOnBatch(x, y).loss, net.trainOnBatch(x, y).loss);
  const own = make({ activityRegularizer: (v: Value) => ops.mul(0.5, ops.sum(ops.abs(v))) });
  own.setWeights(golden.weights.map(stored));
  own.compile({ optimizer: optimizers.sgd({ learningRate: 0.125 }), loss: 'categoricalCrossentropy' });
  t.true(Math.abs(own.trainOnBatch(x, y).loss - golden.losses[0]) < 1e-12);
  await t.throwsAsync(own.save(path()), {
    message: /the activityRegularizer of the layer 'dense_1' to be one of regularizers/,
  });
});

const sum = custom.layer(
  'TestSum',
  class extends Layer {
    call(values: readonly Value[]): Value {
      return values.reduce((a, b) => ops.add(a, b));
    }
  },
);

test('layers and weights have Keras’ order, in sixty random graphs', (t) => {
  for (const { inputs, steps, of, outputs, layers: order, weights } of fixture('layer-order').cases) {
    const values: Value[] = Array.from({ length: inputs }, (_, i) => input({ shape: [3], name: `in${i}` }));
    const shared = new Map<string, Layer>();
    for (const { name, inputs: from } of steps) {
      const isSum = name.startsWith('add');
      const layer = shared.get(name) ?? (isSum ? sum({ name }) : layers.dense({ units: 3, name }));
      shared.set(name, layer);
      values.push(layer.apply(isSum ? from.map((i: number) => values[i]) : values[from[0]]));
    }
    const at = (places: number[]) => places.map((i) => values[i]);
    const net = model({ inputs: at(of), outputs: at(outputs) });
    t.deepEqual(net.layerNames, order);
    t.deepEqual(net.weightNames, weights);
  }
});

// ------------------------------------------------------------ the same as what stands

for (const dtype of ['float32', 'float64'] as const)
  test(`${dtype}: a chain of layers has the bits of a Sequential, trained and resumed`, async (t) => {
    const random = new RandomState(3);
    const x = normal(random, 40, 6, 6, 1);
    const y = random.randint(0, 3, [40]) as NDArray;
    const list = () => [
      layers.conv2d({ filters: 3, kernelSize: 3, activation: 'relu' }),
      layers.maxPooling2d(),
      layers.batchNormalization(),
      layers.flatten(),
      layers.dropout({ rate: 0.25 }),
      layers.dense({ units: 3, activation: 'softmax' }),
    ];
    const chain = input({ shape: [6, 6, 1] });
    const outputs = list().reduce<Value>((value, layer) => layer.apply(value), chain);
    const nets = [model({ inputs: chain, outputs, dtype, seed: 5 }), sequential({ layers: list(), dtype, seed: 5 })];
    const logs = [];
    for (const net of nets) {
      net.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
      logs.push((await net.fit(x, y, { epochs: 2, batchSize: 7 })).history);
    }
    t.deepEqual(logs[0], logs[1]);
    const file = path();
    await nets[0].save(file);
    const loaded = await Model.load(file);
    t.false(loaded instanceof Sequential);
    for (const net of [nets[0], loaded]) net.fitSync(x, y, { epochs: 1, batchSize: 9 });
    t.deepEqual(numbers(loaded.getWeights()), numbers(nets[0].getWeights()));
    t.deepEqual(loaded.layerNames, nets[0].layerNames);
    t.true(nets[1] instanceof Model);
  });

// ------------------------------------------------------------ several inputs and outputs

const twoOfEach = (dtype: 'float32' | 'float64' = 'float64') => {
  const [a, b] = [input({ shape: [3], name: 'a' }), input({ shape: [2], name: 'b' })];
  const h = layers.dense({ units: 5, activation: 'tanh', name: 'h' }).apply(ops.concat([a, b]));
  const kind = layers.dense({ units: 2, activation: 'softmax', name: 'kind' }).apply(h);
  const size = layers.dense({ units: 1, name: 'size' }).apply(h);
  return model({ inputs: [a, b], outputs: [kind, size], dtype, seed: 2 });
};
const data = (n = 10) => {
  const random = new RandomState(1);
  return {
    a: normal(random, n, 3),
    b: normal(random, n, 2),
    kind: random.randint(0, 2, [n]) as NDArray,
    size: normal(random, n, 1),
    weight: Float64Array.from({ length: n }, (_, i) => (i % 4) / 2),
  };
};

test('losses, their weights, metrics and logs by output', async (t) => {
  const { a, b, kind, size, weight } = data();
  const net = twoOfEach();
  t.deepEqual(
    [net.inputNames, net.outputNames],
    [
      ['a', 'b'],
      ['kind', 'size'],
    ],
  );
  const forms = [
    { loss: ['sparseCategoricalCrossentropy', 'mse'], lossWeights: [1, 0.3], metrics: [['accuracy'], ['mae']] },
    {
      loss: { kind: 'sparseCategoricalCrossentropy', size: 'mse' },
      lossWeights: { size: 0.3 },
      metrics: { kind: 'accuracy', size: ['mae'] },
    },
  ];
  const all = [];
  for (const form of forms) {
    net.compile({ optimizer: 'sgd', ...form });
    const lists = await net.evaluate([a, b], [kind, size], { batchSize: 4 });
    t.deepEqual(await net.evaluate({ b, a }, { size, kind }, { batchSize: 4 }), lists);
    t.deepEqual(Object.keys(lists), ['loss', 'kind_loss', 'size_loss', 'kind_accuracy', 'size_mae']);
    all.push(lists);
  }
  t.deepEqual(all[0], all[1]);
  t.deepEqual(
    net.metrics.map(({ name }) => name),
    ['kind_accuracy', 'size_mae'],
  );
  const [p, q] = await net.predict([a, b]);
  const crossentropy = (w: (i: number) => number) =>
    [...kind.data].reduce((total, k, i) => total - w(i) * Math.log(p.data[2 * i + k]), 0) / 10;
  const squares = (w: (i: number) => number) =>
    [...size.data].reduce((total, s, i) => total + w(i) * (q.data[i] - s) ** 2, 0) / 10;
  const same = (got: number, wanted: number) => t.true(Math.abs(got - wanted) < 1e-12, `${got} ${wanted}`);
  same(
    all[0].kind_loss,
    crossentropy(() => 1),
  );
  same(
    all[0].size_loss,
    squares(() => 1),
  );
  same(all[0].loss, crossentropy(() => 1) + 0.3 * squares(() => 1));
  // one array of weights is for all outputs, as in Keras; a list has one for each
  const weighted = await net.evaluate([a, b], [kind, size], { sampleWeight: weight });
  same(
    weighted.kind_loss,
    crossentropy((i) => weight[i]),
  );
  same(
    weighted.size_loss,
    squares((i) => weight[i]),
  );
  const ones = new Float64Array(10).fill(1);
  const each = await net.evaluate([a, b], [kind, size], { sampleWeight: { kind: weight } });
  same(each.kind_loss, weighted.kind_loss);
  same(each.size_loss, all[0].size_loss);
  for (const none of [ones, null, undefined])
    t.deepEqual(await net.evaluate([a, b], [kind, size], { sampleWeight: [weight, none] as never }), each);

  const history = await net.fit([a, b], [kind, size], { epochs: 2, validationSplit: 0.3, validationBatchSize: 2 });
  t.true(Object.keys(history.history).includes('val_size_mae'));
});

test('a layer has its weights as soon as a network of known shape was made of it', (t) => {
  const dense = (more = {}) => layers.dense({ units: 3, name: 'a', ...more });
  const listed = () =>
    sequential({ layers: [dense({ inputShape: [2] }), layers.dense({ units: 2, name: 'b' })], seed: 4 });
  const connected = () => {
    const x = input({ shape: [2] });
    return model({ inputs: x, outputs: layers.dense({ units: 2, name: 'b' }).apply(dense().apply(x)), seed: 4 });
  };
  for (const make of [listed, connected]) {
    const drawn = numbers(make().getWeights());
    for (const name of ['a', 'b']) {
      const net = make();
      const own = name === 'a' ? drawn.slice(0, 2) : drawn.slice(2);
      t.is(net.getLayer(name).countParams(), name === 'a' ? 9 : 8);
      t.deepEqual(net.getLayer(name).output.shape, [name === 'a' ? 3 : 2]);
      t.deepEqual(numbers(net.getLayer(name).getWeights()), own, name);
      t.deepEqual(numbers(net.getWeights()), drawn);
    }
    const net = make();
    net.getLayer('a').setWeights([
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      [7, 8, 9],
    ]);
    t.deepEqual(numbers(net.getLayer('a').getWeights()), [
      [1, 2, 3, 4, 5, 6],
      [7, 8, 9],
    ]);
    t.deepEqual(numbers(net.getWeights()).slice(0, 2), [
      [1, 2, 3, 4, 5, 6],
      [7, 8, 9],
    ]);
  }

  const grown = listed();
  const added = layers.dense({ units: 1 });
  grown.add(added);
  t.is(added.getWeights().length, 2);
  const inner = listed();
  const outer = sequential({ layers: [inner, layers.dense({ units: 1, name: 'c' })], seed: 5 });
  t.deepEqual(outer.getLayer('c').getWeights()[0].shape, [2, 1]);
  t.deepEqual(numbers(inner.getLayer('b').getWeights()), numbers(outer.getWeights()).slice(2, 4));

  const alone = layers.dense({ units: 3 });
  t.deepEqual(alone.getWeights(), []);
  t.throws(() => alone.setWeights([[[1, 2, 3]], [1, 2, 3]]), {
    code: 'ERR_NOT_BUILT',
    message: 'Expected the layer Dense to have been applied before its weights are set',
  });
  alone.apply(input({ shape: [1] }));
  t.throws(() => alone.getWeights(), { code: 'ERR_NOT_BUILT', message: /no network was made of its layer yet$/ });
  t.throws(
    () =>
      sequential({ layers: [dense()] })
        .getLayer('a')
        .setWeights([]),
    { code: 'ERR_NOT_BUILT' },
  );
});

test('an output without a loss is not trained, and needs no targets', async (t) => {
  const { a, b, kind, size } = data();
  const net = twoOfEach();
  net.compile({ optimizer: optimizers.sgd({ learningRate: 0.5 }), loss: { kind: 'sparseCategoricalCrossentropy' } });
  const before = net.getLayer('size').getWeights();
  const logs = net.trainOnBatch([a, b], { kind });
  t.deepEqual(Object.keys(logs), ['loss', 'kind_loss']);
  t.deepEqual(numbers(net.getLayer('size').getWeights()), numbers(before));
  const file = path();
  await net.save(file);
  const loaded = (await Model.load(file)) as typeof net;
  t.is(loaded.trainOnBatch([a, b], [kind, size]).loss, net.trainOnBatch([a, b], { kind }).loss);
});

// Keras leaves out weights that no loss depends on, as PyTorch does.
test('neither weight decay nor a constraint moves an output without a loss', (t) => {
  for (const make of Object.values(optimizers)) {
    const x = input({ shape: [3] });
    const output = (name: string, more = {}) =>
      layers.dense({ units: 2, name, kernelConstraint: 'nonNeg', ...more }).apply(x);
    const penalized = output('penalized', { kernelRegularizer: 'l2' });
    const net = model({ inputs: x, outputs: [output('judged'), output('free'), penalized], dtype: 'float64', seed: 3 });
    const optimizer = make({ learningRate: 0.1, weightDecay: 0.1, useEma: true, emaOverwriteFrequency: 1 });
    net.compile({ optimizer, loss: { judged: 'mse' } });
    const values = (name: string) => numbers(net.getLayer(name).getWeights()).flat();
    const before = values('free');
    t.true(before.some((w) => w < 0)); // which its constraint would not leave
    const penalizedBefore = values('penalized');
    for (let step = 0; step < 3; step++) net.trainOnBatch([[1, 2, 3]], { judged: [[1, -1]] });
    t.deepEqual(values('free'), before, optimizer.config.name);
    t.notDeepEqual(values('penalized'), penalizedBefore); // a penalty is a loss
    t.true(values('penalized').every((w) => w >= 0));
  }
});

test('the gradient of several outputs is that of finite differences', async (t) => {
  const { a, b, kind, size, weight } = data();
  const net = twoOfEach();
  net.compile({ optimizer: 'sgd', loss: ['sparseCategoricalCrossentropy', 'mse'], lossWeights: [0.7, 2] });
  const options = { sampleWeight: [weight, new Float64Array(10).fill(1)] };
  const { gradients } = await net.gradients([a, b], [kind, size], options);
  const weights = net.getWeights();
  const random = new RandomState(8);
  const direction = weights.map(({ shape }) => normal(random, ...shape));
  const at = (h: number) => {
    net.setWeights(
      weights.map((w, i) =>
        NDArray.from(Float64Array.from(w.data, (v, j) => v + h * direction[i].data[j])).reshape(...w.shape),
      ),
    );
    return net.evaluateSync([a, b], [kind, size], options).loss;
  };
  const slope = (at(1e-5) - at(-1e-5)) / 2e-5;
  const own = gradients.reduce(
    (total, g, i) => total + [...g.data].reduce((s, v, j) => s + v * direction[i].data[j], 0),
    0,
  );
  t.true(Math.abs(slope - own) < 1e-8 * Math.abs(own) + 1e-9, `${slope} ${own}`);
});

// ------------------------------------------------------------ layers that several networks have

test('a network of intermediate outputs follows the one that is trained, also in its callbacks', async (t) => {
  const { a, kind } = data();
  const net = sequential({
    layers: [
      layers.dense({ units: 4, activation: 'relu', inputShape: [3], name: 'a' }),
      layers.dense({ units: 2, activation: 'softmax' }),
    ],
    seed: 1,
  });
  net.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
  const features = model({ inputs: net.inputs, outputs: net.getLayer('a').output as Value });
  const head = model({ inputs: net.getLayer('a').output as Value, outputs: net.outputs });
  const composed = () => head.predictSync(features.predictSync(a));
  const seen: boolean[] = [];
  await net.fit(a, kind, {
    epochs: 3,
    callbacks: { onEpochEnd: () => void seen.push(numbers(composed()).join() === [...net.predictSync(a).data].join()) },
  });
  t.deepEqual(seen, [true, true, true]);
  t.is(features.getWeights().length, 2);
  t.deepEqual(numbers(features.getWeights()), numbers(net.getLayer('a').getWeights()));
  net.getLayer('a').setWeights(
    net
      .getLayer('a')
      .getWeights()
      .map((w) => NDArray.zeros(w.shape)),
  );
  t.true([...(features.predictSync(a) as NDArray).data].every((v) => v === 0));
  await features.predict(a);
});

test('adversaries: one network is trained against a frozen part of another', async (t) => {
  const random = new RandomState(2);
  const judge = sequential({
    layers: [layers.dense({ units: 1, activation: 'sigmoid', inputShape: [2] })],
    seed: 1,
    name: 'judge',
  });
  judge.compile({ optimizer: 'sgd', loss: 'binaryCrossentropy' });
  const maker = sequential({ layers: [layers.dense({ units: 2, inputShape: [3] })], seed: 2, name: 'maker' });
  judge.trainable = false;
  const z = input({ shape: [3] });
  const both = model({ inputs: z, outputs: judge.apply(maker.apply(z)), seed: 3 });
  both.compile({ optimizer: 'sgd', loss: 'binaryCrossentropy' });
  t.deepEqual(both.weightNames, ['maker/dense/kernel', 'maker/dense/bias', 'judge/dense/kernel', 'judge/dense/bias']);
  for (let step = 0; step < 3; step++) {
    const noise = normal(random, 8, 3);
    const before = numbers(judge.getWeights());
    both.trainOnBatch(noise, new Float64Array(8).fill(1));
    t.deepEqual(numbers(judge.getWeights()), before);
    const made = maker.predictSync(noise);
    judge.trainOnBatch(made, new Float64Array(8)); // compiled before it was frozen
    t.notDeepEqual(numbers(judge.getWeights()), before);
    t.deepEqual(numbers(both.getWeights().slice(2)), numbers(judge.getWeights()));
    t.deepEqual([...both.predictSync(noise).data], [...judge.predictSync(maker.predictSync(noise)).data]);
  }
});

test('two networks cannot train one layer at once', async (t) => {
  const { a } = data(4000);
  const shared = layers.dense({ units: 2, inputShape: [3] });
  const [first, second] = [1, 2].map(() => sequential({ layers: [shared, layers.dense({ units: 1 })] }));
  for (const net of [first, second]) net.compile({ optimizer: 'sgd', loss: 'mse' });
  const y = new Float64Array(4000);
  const training = first.fit(a, y, { epochs: 5 });
  await t.throwsAsync(second.fit(a, y), {
    code: 'ERR_BUSY',
    message: /no other network to be training 'dense\/kernel'/,
  });
  await second.predict(a);
  await training;
  await second.fit(a, y);
  t.deepEqual(numbers(first.getWeights().slice(0, 2)), numbers(second.getWeights().slice(0, 2)));
  t.throws(() => sequential({ layers: [shared], dtype: 'float64' }).build([3]), {
    message: /to have one dtype, got float64/,
  });
});

test('trainable takes effect at the next compile, and is saved', async (t) => {
  const { a, kind } = data();
  const net = sequential({
    layers: [
      layers.dense({ units: 4, inputShape: [3] }),
      layers.batchNormalization(),
      layers.dense({ units: 2, activation: 'softmax' }),
    ],
    seed: 4,
  });
  const compile = () => net.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
  const moved = () => {
    const before = numbers(net.getWeights());
    net.trainOnBatch(a, kind);
    return numbers(net.getWeights()).map((w, i) => w.join() !== before[i].join());
  };
  compile();
  net.layers[0].trainable = false;
  net.layers[1].trainable = false;
  t.deepEqual(moved(), Array(8).fill(true));
  compile();
  t.deepEqual(moved(), [false, false, false, false, false, false, true, true]);
  t.true(net.summary().includes(' Trainable params: 10 (40.00 B)'));
  const frozen = path();
  await net.save(frozen);
  net.trainable = true;
  const toggled = path();
  await net.save(toggled); // as compiled: the optimizer remembers the last layer alone
  for (const [file, flags] of [
    [frozen, [false, false, true]],
    [toggled, [true, true, true]],
  ] as const) {
    const loaded = await Sequential.load(file);
    t.deepEqual(
      loaded.layers.map((layer) => layer.trainable),
      flags,
    );
    const twin = await Sequential.load(file);
    for (const one of [loaded, twin]) one.trainOnBatch(a, kind);
    t.deepEqual(numbers(loaded.getWeights()).slice(0, 6), numbers(net.getWeights()).slice(0, 6));
    t.deepEqual(numbers(loaded.getWeights()), numbers(twin.getWeights()));
  }
  net.trainable = false;
  compile();
  t.deepEqual(moved(), Array(8).fill(false));
  t.throws(() => (net.trainable = 1 as never), { message: 'Expected trainable to be a boolean, got 1 (number)' });
});

test('samples may lack a last axis of length 1, as targets may', async (t) => {
  const age = input({ shape: [1], name: 'age' });
  const kind = input({ shape: [1], dtype: 'int32', name: 'kind' });
  const wave = input({ shape: [4, 1], name: 'wave' });
  const parts = [
    age,
    layers.flatten().apply(layers.embedding({ inputDim: 3, outputDim: 2 }).apply(kind)),
    layers.lstm({ units: 2 }).apply(wave),
  ];
  const net = model({
    inputs: [age, kind, wave],
    outputs: layers.dense({ units: 1 }).apply(layers.concatenate().apply(parts)),
    seed: 1,
  });
  net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const random = new RandomState(0);
  const [ages, kinds, waves] = [normal(random, 6), random.randint(0, 3, [6]), normal(random, 6, 4)];
  const short = { age: ages, kind: kinds, wave: waves };
  const whole = { age: ages.reshape(6, 1), kind: kinds.reshape(6, 1), wave: waves.reshape(6, 4, 1) };
  const twin = net.clone();
  const options = { epochs: 2, batchSize: 2, shuffle: false };
  t.deepEqual((await net.fit(short, ages, options)).history, (await twin.fit(whole, ages, options)).history);
  t.deepEqual((await net.predict(short)).data, net.predictSync(whole).data);
  t.deepEqual(net.predictSync(short).data, net.predictOnBatch(short).data);
  t.deepEqual(await net.evaluate([[short, ages]]), await twin.evaluate([[whole, ages]]));
  const numbers = Array.from(ages.data);
  t.deepEqual(net.predictSync({ age: numbers, kind: Array.from(kinds.data), wave: waves.toArray() }).shape, [6, 1]);
  for (const [wrong, message] of [
    [
      { ...short, age: normal(random, 6, 2) },
      'Expected x.age to be of shape [n, 1], as the network\u2019s input, got shape [6, 2]',
    ],
    [
      { ...short, wave: normal(random, 4, 1) },
      'Expected x.wave to be of shape [n, 4, 1], as the network\u2019s input, got shape [4, 1]',
    ],
    [
      { ...short, wave: normal(random, 24) },
      'Expected x.wave to be an array of samples, of two dimensions or more, got shape [24]',
    ],
  ] as const)
    t.throws(() => net.predictSync(wrong), { message: message.replace('\u2019', "'") });
});

test('what draws in prediction, too, is refused: predictions have no random numbers', (t) => {
  const always = custom.layer(
    'AlwaysDropout',
    class extends Layer {
      readonly inner = layers.dropout({ rate: 0.5 });
      call(x: Value): Value {
        return this.inner.call(x, {}, { training: true });
      }
    },
  );
  const x = input({ shape: [3] });
  const net = model({ inputs: x, outputs: always({ name: 'mc' }).apply(x) });
  t.throws(() => net.predictSync([[1, 2, 3]]), {
    instanceOf: TypeError,
    message: "Expected 'mc/dropout' to draw random numbers in training alone, as predictions have none",
  });
  const y = layers.dense({ units: 1 }).apply(layers.dropout({ rate: 0.5 }).apply(x));
  const usual = model({ inputs: x, outputs: y });
  usual.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['mae'] });
  t.notThrows(() => usual.trainOnBatch([[1, 2, 3]], [1]));
});

test('the summary has the shapes of all that a layer gives, as Keras’', (t) => {
  const x = input({ shape: [6, 2] });
  const [last, h, c] = layers.lstm({ units: 5, returnState: true, name: 'reader' }).apply(x);
  const net = model({ inputs: x, outputs: layers.dense({ units: 3 }).apply(layers.concatenate().apply([last, h, c])) });
  t.regex(net.summary(), /│ reader \(LSTM\) +│ \[\(None, 5\), \(None, 5\), \(None, 5\)\] +│ +160 │ input_layer/);
  t.regex(net.summary(), /│ dense \(Dense\) +│ \(None, 3\) +│/);
});

test('the summary of a network whose values are read again and again stays short', (t) => {
  const x = input({ shape: [2] });
  const half = layers.dense({ units: 2, name: 'half' });
  let u: Value = x;
  for (let step = 0; step < 40; step++) u = ops.add(u, ops.tanh(half.apply(ops.mul(u, u))));
  const text = model({ inputs: x, outputs: layers.dense({ units: 1 }).apply(u) }).summary();
  t.regex(
    text,
    /│ half \(Dense\) +│ \(None, 2\) +│ +6 │ multiply\(input_layer, input_layer\), multiply\(…\), +│\n│ +│ +│ +│ multiply\(/,
  );
  t.regex(text, /│ dense \(Dense\) +│ \(None, 1\) +│ +3 │ add\(add\(…\), activation\(half\[39\]\)\) +│/);
  t.true(text.split('\n').every((line) => line.length < 200));
});

test('a network that was not applied is told to have inputs and outputs of its own', (t) => {
  const base = sequential({ layers: [layers.dense({ units: 2, inputShape: [3] })], name: 'base' });
  const message = "Expected the layer 'base' (Sequential) to have been applied; its own values are inputs and outputs";
  t.throws(() => base.output, { message });
  t.throws(() => base.input, { message });
  const x = input({ shape: [3] });
  const y = base.apply(x);
  t.is(base.output, y);
  t.is(base.input, x);
  t.throws(() => layers.dense({ units: 1 }).output, { message: 'Expected the layer Dense to have been applied' });
});

test('add takes one layer: another one is refused, not passed over', (t) => {
  const net = sequential({ layers: [layers.dense({ units: 2, inputShape: [3] })] });
  const [a, b] = [layers.dense({ units: 3 }), layers.dense({ units: 4 })];
  t.throws(() => (net.add as (...given: unknown[]) => unknown).call(net, a, b), {
    instanceOf: TypeError,
    message: 'Expected add to be given 1 argument, got 2',
  });
  t.is(net.layers.length, 1);
  for (const layer of [a, b]) net.add(layer);
  t.is(net.layers.length, 3);
});

test('pop removes the last layer; the others keep their weights', (t) => {
  const net = sequential({
    layers: [layers.dense({ units: 4, inputShape: [3] }), layers.dense({ units: 2 })],
    seed: 4,
  });
  net.compile({ optimizer: 'sgd', loss: 'mse' });
  const [kernel] = net.getWeights();
  const popped = net.pop();
  t.is(net.layers.length, 1);
  t.deepEqual(numbers(net.getWeights().slice(0, 1)), numbers([kernel]));
  net.add(layers.dense({ units: 1, name: 'head' }));
  net.compile({ optimizer: 'sgd', loss: 'mse' });
  t.is(net.trainOnBatch([[1, 2, 3]], [1]).loss > 0, true);
  net.pop();
  t.deepEqual(net.predictSync([[1, 2, 3]]).shape, [1, 4]);
  net.pop();
  t.throws(() => net.pop(), { message: 'Expected the network to have a layer to remove, got none' });
  t.is(popped.getWeights().length, 2);
});

test('a classifier without its softmax predicts and is saved, as in Keras; its loss is told where it is asked for', async (t) => {
  const net = sequential({ layers: [layers.dense({ units: 2, inputShape: [3] }), layers.softmax()], seed: 4 });
  net.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  const [x, y] = [[[1, 2, 3]], [[0, 1]]];
  net.trainOnBatch(x, y);
  const before = numbers([net.predictSync(x)]);
  net.pop();
  const misfit = { message: /^Expected the last layer to have the activation 'softmax'/ };
  t.throws(() => net.trainOnBatch(x, y), misfit);
  const [kernel, bias] = net.getWeights();
  const z = [0, 1].map((k) => bias.data[k] + x[0].reduce((sum, value, i) => sum + value * kernel.data[2 * i + k], 0));
  const made = net.predictSync(x);
  for (const [k, value] of z.entries()) t.true(Math.abs(made.data[k] - value) < 1e-6);
  t.deepEqual(numbers([await net.predict(x)]), numbers([made]));
  t.deepEqual(numbers([Model.fromBytes(net.toBytes()).predictSync(x as never) as NDArray]), numbers([made]));
  await t.throwsAsync(net.fit(x, y), misfit);
  t.throws(() => net.evaluateSync(x, y), misfit);
  t.throws(() => net.fitSync([[x, y]] as never), misfit);
  await t.throwsAsync(net.gradients(x, y), misfit);
  net.add(layers.softmax());
  t.deepEqual(numbers([net.predictSync(x)]), before);
  t.true(net.trainOnBatch(x, y).loss > 0);
  net.pop();
  net.compile({ optimizer: 'adam', loss: 'mse' });
  t.true(net.trainOnBatch(x, y).loss > 0);
});

// ------------------------------------------------------------ networks in networks, layers in layers

class Block extends Layer {
  readonly #units: number;
  readonly #dense: Layer;
  readonly #back: Layer;
  constructor({ units, ...options }: { units: number; name?: string }) {
    super(options);
    this.#units = units;
    this.#dense = layers.dense({ units: units * 2, activation: 'relu' });
    this.#back = layers.dense({ units });
  }
  override build(): void {
    this.addWeight(
      'scale',
      [],
      Object.assign(() => NDArray.from([0.5]).reshape(), { config: { name: 'mine' } }) as never,
    );
  }
  call(x: Value, { scale }: Weights, _: Mode): Value {
    return ops.add(x, ops.mul(scale, this.#back.apply(this.#dense.apply(x))));
  }
  override getConfig() {
    return { units: this.#units };
  }
}
const block = custom.layer('TestBlock', Block);

test('a layer of one’s own may be made of layers: they are trained, frozen, saved and loaded with it', async (t) => {
  const { a, kind } = data();
  const make = () =>
    sequential({
      layers: [block({ units: 3, name: 'b' }), layers.dense({ units: 2, activation: 'softmax' })],
      seed: 1,
      dtype: 'float64',
    });
  const net = make();
  net.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
  await net.fit(a, kind, { epochs: 2, batchSize: 4 });
  t.deepEqual(net.weightNames, [
    'b/scale',
    'b/dense/kernel',
    'b/dense/bias',
    'b/dense_1/kernel',
    'b/dense_1/bias',
    'dense/kernel',
    'dense/bias',
  ]);
  const { gradients } = await net.gradients(a, kind);
  t.true(gradients.every(({ data }) => [...data].some((v) => v !== 0)));
  const file = path();
  await net.save(file);
  const loaded = await Sequential.load(file);
  for (const each of [net, loaded]) await each.fit(a, kind, { batchSize: 4 });
  t.deepEqual(numbers(loaded.getWeights()), numbers(net.getWeights()));
  net.layers[0].trainable = false;
  net.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
  const before = numbers(net.getWeights());
  await net.fit(a, kind);
  t.deepEqual(numbers(net.getWeights()).slice(0, 5), before.slice(0, 5));
});

test('networks within networks, applied twice, saved and resumed', async (t) => {
  const random = new RandomState(5);
  const [left, right] = [normal(random, 12, 4), normal(random, 12, 4)];
  const y = normal(random, 12, 1);
  const z = input({ shape: [4] });
  const inner = model({
    inputs: z,
    outputs: layers.batchNormalization().apply(layers.dense({ units: 3 }).apply(z)),
    name: 'inner',
  });
  const outer = sequential({ layers: [inner, layers.dropout({ rate: 0.2 })], name: 'outer' });
  const [p, q] = [input({ shape: [4], name: 'p' }), input({ shape: [4], name: 'q' })];
  const distance = ops.sum(ops.square(ops.sub(outer.apply(p), outer.apply(q))), { keepDims: true });
  const siamese = model({ inputs: [p, q], outputs: distance, seed: 3 });
  siamese.compile({ optimizer: 'adam', loss: 'mse' });
  await siamese.fit([left, right], y, { epochs: 2, batchSize: 5 });
  t.deepEqual(siamese.weightNames.slice(0, 3), [
    'outer/inner/dense/kernel',
    'outer/inner/dense/bias',
    'outer/inner/batch_normalization/gamma',
  ]);
  const file = path();
  await siamese.save(file);
  const loaded = (await Model.load(file)) as typeof siamese;
  for (const each of [siamese, loaded]) await each.fit([left, right], y, { epochs: 2, batchSize: 5 });
  t.deepEqual(numbers(loaded.getWeights()), numbers(siamese.getWeights()));
  t.is(inner.getWeights().length, 6);
  t.deepEqual(numbers(inner.getWeights()), numbers(siamese.getWeights()));
});

test('loadWeights: by name or in order, all of it checked before anything changes', async (t) => {
  const make = (units: number, name = 'head') =>
    sequential({
      layers: [layers.dense({ units: 4, inputShape: [3], name: 'base' }), layers.dense({ units, name })],
      seed: units,
    });
  const from = make(2);
  const file = path();
  await from.save(file);
  const same = make(2, 'other');
  t.deepEqual((await same.loadWeights(file)).skipped, []);
  t.deepEqual(numbers(same.getWeights()), numbers(from.getWeights()));

  const wider = make(5);
  const before = numbers(wider.getWeights());
  await t.throwsAsync(wider.loadWeights(file, { byName: true }), {
    code: 'ERR_FORMAT',
    message: /the weight 'head\/kernel' to be of shape \[4, 5\], got shape \[4, 2\] \(skipMismatch/,
  });
  t.deepEqual(numbers(wider.getWeights()), before);
  t.deepEqual(await wider.loadWeights(file, { byName: true, skipMismatch: true }), {
    loaded: ['base/kernel', 'base/bias'],
    skipped: ['head/kernel', 'head/bias'],
  });
  t.deepEqual(numbers(wider.getWeights()).slice(0, 2), numbers(from.getWeights()).slice(0, 2));
  t.deepEqual(numbers(wider.getWeights()).slice(2), before.slice(2));

  const longer = sequential({ layers: [...make(2).layers, layers.dense({ units: 1, name: 'last' })] });
  await t.throwsAsync(longer.loadWeights(file), { message: /to hold 6 weights, as the network does, got 4 \(byName/ });
  t.deepEqual((await longer.loadWeights(file, { byName: true })).skipped, ['last/kernel', 'last/bias']);
  const stranger = sequential({ layers: [layers.dense({ units: 4, inputShape: [3], name: 'x' })] });
  await t.throwsAsync(stranger.loadWeights(file, { byName: true }), {
    message: /to hold a weight of the network, such as 'x\/kernel', got others/,
  });
  const narrow = sequential({ layers: [layers.dense({ units: 9, inputShape: [3], name: 'base' })] });
  await t.throwsAsync(narrow.loadWeights(file, { byName: true, skipMismatch: true }), {
    message: /of the network in its shape, such as 'base\/kernel' of shape \[3, 9\], got shape \[/,
  });
});

test('integers: inputs of class numbers, embeddings, and their bounds', async (t) => {
  const ids = [
    [1, 2],
    [0, 1],
    [2, 2],
  ];
  for (const dtype of ['float32', 'float64'] as const) {
    const net = sequential({
      layers: [layers.embedding({ inputDim: 3, outputDim: 2 }), layers.flatten(), layers.dense({ units: 1 })],
      dtype,
      seed: 1,
    });
    net.compile({ optimizer: 'adam', loss: 'mse' });
    t.throws(() => net.predictSync([[0.5, 1]]), {
      message: 'Expected x to hold integers of 32 bits, got 0.5 at row 0, column 0',
    });
    await net.fit(ids, [1, 2, 3], { epochs: 3, batchSize: 2 });
    const [table, kernel, bias] = net.getWeights().map(({ data }) => data);
    const by = (row: number[]) =>
      row.flatMap((id) => [table[2 * id], table[2 * id + 1]]).reduce((sum, v, i) => sum + v * kernel[i], bias[0]);
    const predicted = net.predictSync(ids).data;
    for (const [i, row] of ids.entries()) t.true(Math.abs(predicted[i] - by(row)) < 1e-6);
    for (const [wrong, at] of [
      [3, 'row 0, column 1'],
      [-1, 'row 0, column 1'],
    ] as const)
      await t.throwsAsync(net.predict([[0, wrong]]), {
        message: `Expected x to hold integers in [0, 3), the inputDim of the layer 'embedding', got ${wrong} at ${at}`,
      });
    const file = path();
    await net.save(file);
    const loaded = await Sequential.load(file);
    for (const each of [net, loaded]) each.fitSync(ids, [1, 2, 3], { batchSize: 2 });
    t.deepEqual(numbers(loaded.getWeights()), numbers(net.getWeights()));
  }
  // large integers keep their digits on their way to where they are compared
  const x = input({ shape: [1], dtype: 'int32' });
  const same = model({ inputs: x, outputs: x, dtype: 'float64' });
  t.deepEqual([...same.predictSync([[2 ** 31 - 1], [-5]]).data], [2 ** 31 - 1, -5]);
  const summed = model({
    inputs: x,
    outputs: layers.dense({ units: 1, kernelInitializer: 'ones' }).apply(x),
    dtype: 'float64',
  });
  t.deepEqual([...summed.predictSync([[3], [4]]).data], [3, 4]);
  t.throws(() => layers.embedding({ inputDim: 3, outputDim: 2 }).apply(input({ shape: [1] })), {
    message: /to be applied to integers/,
  });
});
