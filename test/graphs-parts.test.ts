// Networks as parts of others, and layers that several have: their numbers, files, flags and names.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { input, layers, Model, metrics, model, NDArray, ops, RandomState, sequential, type Value } from 'fjordnet';

const folder = mkdtempSync(join(tmpdir(), 'fjordnet-graphs-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const path = () => join(folder, `${files++}.safetensors`);
const numbers = (arrays: readonly NDArray[]) => arrays.map(({ data }) => [...data]);
const normal = (seed: number, ...shape: number[]) => new RandomState(seed).normal(0, 1, shape) as NDArray;

/** A network around one of the default dtype, which is never computed by itself. */
function around(inner: Model) {
  const x = input({ shape: [3] });
  return model({ inputs: x, outputs: inner.apply(x), dtype: 'float64', seed: 1 });
}
const INNER: Record<string, () => Model> = {
  Model: () => {
    const x = input({ shape: [3] });
    return model({ inputs: x, outputs: layers.dense({ units: 2 }).apply(x), name: 'inner' });
  },
  Sequential: () => sequential({ layers: [layers.dense({ units: 2 })], name: 'inner' }),
};

for (const [kind, make] of Object.entries(INNER)) {
  test(`a ${kind} within another network has its numbers, of whatever dtype it would have had`, async (t) => {
    const net = around(make());
    t.is(net.countParams(), 8);
    const weights = net.getWeights();
    t.is(weights[0].dtype, 'float64');
    const file = path();
    await net.save(file);
    for (const each of [net, await Model.load(file)]) {
      const inner = each.getLayer('inner') as Model;
      t.deepEqual(numbers(inner.getWeights()), numbers(weights));
      t.is(inner.countParams(), 8);
      t.true(inner.summary().includes('Total params: 8'));
      inner.setWeights([NDArray.zeros([3, 2]), [1e300, 2]]);
      t.deepEqual(numbers(each.getWeights())[1], [1e300, 2]);
    }
  });

  test(`a frozen ${kind} within another network is saved and loaded with its flags`, async (t) => {
    const net = around(make());
    const inner = net.getLayer('inner') as Model;
    inner.trainable = false;
    const all = net.layers.concat(inner.layers);
    (all.at(-1) as (typeof all)[0]).trainable = true;
    const file = path();
    await net.save(file);
    const loaded = await Model.load(file);
    const again = loaded.layers.concat((loaded.getLayer('inner') as Model).layers);
    t.deepEqual(
      again.map((layer) => layer.trainable),
      all.map((layer) => layer.trainable),
    );
    t.deepEqual(
      all.map((layer) => layer.trainable),
      kind === 'Model' ? [true, false, false, true] : [true, false, true],
    );
  });
}

test('a network that is part of another keeps its layers', (t) => {
  const inner = sequential({ layers: [layers.dense({ units: 2 }), layers.dense({ units: 2 })], name: 'inner' });
  inner.add(layers.dense({ units: 2 }));
  inner.pop();
  const net = around(inner);
  for (const change of [() => inner.add(layers.dense({ units: 2 })), () => inner.pop()])
    t.throws(change, { message: /^Expected the network 'inner' to be no part of another one, whose weights/ });
  t.is(net.getWeights().length, 4);
});

test('what a layer is given before it has a network is copied, and checked when it has one', (t) => {
  const dense = layers.dense({ units: 2 });
  const x = input({ shape: [2] });
  const y = dense.apply(x);
  const kernel = NDArray.from([
    [1, 2],
    [3, 4],
  ]);
  dense.setWeights([kernel, [0, 0]]);
  kernel.data[0] = 99;
  dense.getWeights()[0].data[1] = 98;
  t.deepEqual(numbers(dense.getWeights())[0], [1, 2, 3, 4]);
  dense.setWeights([kernel, [1e300, 0]]);
  t.throws(() => model({ inputs: x, outputs: y }).predictSync([[1, 1]]), {
    message: "Expected dense/bias to hold numbers within float32's range, got 1e+300 at row 0",
  });
  t.deepEqual([...model({ inputs: x, outputs: y, dtype: 'float64' }).predictSync([[1, 0]]).data], [1e300, 2]);
});

// ------------------------------------------------------------ gradients

test('the penalty of a weight that no loss depends on moves it by its own derivative alone', async (t) => {
  for (const dtype of ['float32', 'float64'] as const) {
    const x = input({ shape: [3] });
    const judged = layers.dense({ units: 2 }).apply(x);
    const idle = layers.dense({ units: 2, kernelRegularizer: 'l2', useBias: false }).apply(x);
    const net = model({ inputs: x, outputs: [judged, idle], dtype, seed: 2 });
    const [kernel] = net.getWeights().slice(-1);
    net.compile({ optimizer: 'sgd', loss: ['mse', null] });
    const [a, y] = [normal(1, 4, 3), normal(2, 4, 2)];
    for (let step = 0; step < 3; step++) {
      const { gradients } = await net.gradients(a, [y, y]);
      t.deepEqual(
        [...(gradients.at(-1) as NDArray).data],
        Array.from(kernel.data, (w) => (dtype === 'float32' ? Math.fround(2 * Math.fround(0.01) * w) : 0.02 * w)),
      );
    }
  }
});

test('gradients change nothing, also for those who look while they are computed', async (t) => {
  const x = input({ shape: [4] });
  const h = layers.batchNormalization().apply(layers.dense({ units: 500 }).apply(x));
  const net = model({
    inputs: x,
    outputs: layers.dense({ units: 1 }).apply(layers.dropout({ rate: 0.5 }).apply(h)),
    seed: 1,
  });
  net.compile({ optimizer: 'adam', loss: 'mse' });
  const [a, y] = [normal(1, 2000, 4), normal(2, 2000, 1)];
  const before = numbers(net.getWeights());
  const file = path();
  const gradients = net.gradients(a, y);
  const saved = net.save(file);
  await Promise.all([gradients, saved]);
  const loaded = await Model.load(file);
  t.deepEqual(numbers(loaded.getWeights()), before);
  t.deepEqual([loaded.iterations, net.iterations], [0, 0]);
  t.is(loaded.trainOnBatch(a, y).loss, net.trainOnBatch(a, y).loss);
  t.deepEqual(numbers(loaded.getWeights()), numbers(net.getWeights()));
});

// ------------------------------------------------------------ names

test('each output has a name of its own, that of its layer where it is the first of it', (t) => {
  const x = input({ shape: [3] });
  const a = layers.dense({ units: 2, name: 'a' }).apply(x);
  const other = layers.dense({ units: 2, name: 'a_1' }).apply(x);
  t.deepEqual(model({ inputs: x, outputs: [a, a, other, ops.exp(a), ops.exp(a)] }).outputNames, [
    'a',
    'a_2',
    'a_1',
    'exp',
    'exp_1',
  ]);
});

test('logs that would overwrite others are refused', async (t) => {
  const x = input({ shape: [3] });
  const make = (...names: string[]) =>
    model({
      inputs: x,
      outputs: names.map((name) => layers.dense({ units: 2, name }).apply(x)),
      seed: 1,
    });
  const clash = (name: string) => ({
    instanceOf: RangeError,
    message: `Expected losses and metrics to have different names in the logs, got '${name}' twice: give an output's layer or a metric another name`,
  });
  const named = { b: [metrics.meanSquaredError({ as: 'c_mse' })], b_c: [metrics.meanSquaredError({ as: 'mse' })] };
  const two = make('b', 'b_c');
  t.throws(() => two.compile({ optimizer: 'sgd', loss: 'mse', metrics: named }), clash('b_c_mse'));
  t.is(two.loss, undefined);

  const net = make('val', 'b');
  net.compile({ optimizer: 'sgd', loss: 'mse' });
  const [a, y] = [normal(1, 4, 3), normal(2, 4, 2)];
  const before = numbers(net.getWeights());
  await t.throwsAsync(net.fit(a, [y, y], { validationSplit: 0.5 }), clash('val_loss'));
  await t.throwsAsync(net.fit(a, [y, y], { validationData: [a, [y, y]] }), clash('val_loss'));
  t.deepEqual(numbers(net.getWeights()), before);
  t.deepEqual(Object.keys((await net.fit(a, [y, y])).history), ['loss', 'val_loss', 'b_loss']);
});

test('a network takes as many inputs as it has, of their shapes', (t) => {
  const [a, b, c] = [2, 2, 3].map((n) => input({ shape: [n] }));
  const sum = model({ inputs: [a, b], outputs: ops.add(a, b), name: 'sum' });
  for (const [given, got] of [
    [[a], '[2]'],
    [[a, b, a], '[2] and [2] and [2]'],
    [[a, c], '[2] and [3]'],
  ] as const)
    t.throws(() => sum.apply(given), {
      message: `Expected the inputs of the network 'sum' to be of shape [2] and [2], got ${got}`,
    });
});

test('networks without a name are numbered in a larger one, and in its file', async (t) => {
  const part = () => {
    const x = input({ shape: [2] });
    return model({ inputs: x, outputs: layers.dense({ units: 2 }).apply(x) });
  };
  const list = () => sequential({ layers: [layers.dense({ units: 2 })] });
  const x = input({ shape: [2] });
  const parts = [part(), list(), part(), list()];
  const graph = model({ inputs: x, outputs: parts.reduce<Value>((value, each) => each.apply(value), x), seed: 1 });
  const chain = sequential({ layers: [part(), list(), part(), list()], seed: 1 });
  const a = normal(1, 3, 2);
  for (const net of [graph, chain] as Model<Value>[]) {
    t.deepEqual(net.layerNames.slice(-4), ['model', 'sequential', 'model_1', 'sequential_1']);
    const file = path();
    const before = net.predictSync(a);
    await net.save(file);
    const loaded = await Model.load(file);
    t.deepEqual(loaded.layerNames, net.layerNames);
    t.deepEqual(loaded.weightNames, net.weightNames);
    t.deepEqual((loaded.predictSync(a) as NDArray).toArray(), before.toArray());
  }
  const named = () => sequential({ layers: [layers.dense({ units: 2 })], name: 'twin' });
  t.throws(() => sequential({ layers: [named(), named()] }), { message: /unique in the network, got 'twin'/ });
});

test('weights of one name are refused, as a file could hold one of them', (t) => {
  const inner = () => sequential({ name: 'enc', layers: [layers.dense({ units: 2, name: 'a' })] });
  const message =
    "Expected the weights of a network to have different names, got 'enc/a/kernel' twice: '/' stands for a layer within another one";
  const built = sequential({ layers: [inner(), layers.dense({ units: 2, name: 'enc/b' })], seed: 1 });
  built.build([2]);
  t.throws(() => built.add(layers.dense({ units: 2, name: 'enc/a' })), { instanceOf: RangeError, message });
  t.deepEqual(built.layerNames, ['enc', 'enc/b']);
  t.deepEqual(numbers(Model.fromBytes(built.toBytes()).getWeights()), numbers(built.getWeights()));
  const x = input({ shape: [2] });
  const net = model({ inputs: x, outputs: layers.dense({ units: 2, name: 'enc/a' }).apply(inner().apply(x)) });
  t.throws(() => net.compile({ optimizer: 'sgd', loss: 'mse' }), { instanceOf: RangeError, message });
  t.throws(() => net.predictSync([[1, 2]]), { instanceOf: RangeError, message });
});
