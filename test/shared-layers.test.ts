// Layers at several places of a network and those within it: files and clones share them as the network does.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  custom,
  importModel,
  input,
  Layer,
  layers,
  Model,
  model,
  type NDArray,
  RandomState,
  Sequential,
  sequential,
  type Value,
} from 'fjordnet';
import { modelBytes, parseModel } from '../dist/io/model-file.js';

const numbers = (arrays: readonly NDArray[]) => arrays.map(({ data }) => [...data]);
const shapeOf = (made: unknown) => (made as NDArray).shape;
const normal = (seed: number, ...shape: number[]) => new RandomState(seed).normal(0, 1, shape) as NDArray;

/** Two networks around one embedding. */
function pair(name?: string) {
  const embedding = layers.embedding({ inputDim: 10, outputDim: 4, ...(name && { name }) });
  const part = (own: string) => {
    const i = input({ shape: [3], dtype: 'int32' });
    return model({ inputs: i, outputs: layers.flatten().apply(embedding.apply(i)), name: own });
  };
  const [p, q] = [input({ shape: [3], dtype: 'int32' }), input({ shape: [3], dtype: 'int32' })];
  const both = layers.concatenate().apply([part('enc').apply(p), part('dec').apply(q)]);
  return model({ inputs: [p, q], outputs: layers.dense({ units: 1 }).apply(both), dtype: 'float64', seed: 1 });
}

/** A network around layers of one's own and, behind it, one of them. */
function around(make: (dense: Layer<any>) => Layer<any>[], name?: string) {
  const dense = layers.dense({ units: 4, activation: 'tanh', ...(name && { name }) });
  return sequential({
    layers: [...make(dense), layers.flatten(), layers.dense({ units: 1 })],
    dtype: 'float64',
    seed: 1,
  });
}

const sequences = { x: normal(1, 6, 3, 4), y: normal(2, 6, 1) };
const classes = new RandomState(1);
const words = { x: [0, 1].map(() => classes.randint(0, 10, [6, 3])), y: sequences.y };

const NETWORKS: Record<string, { make: () => Model<any, any>; data: { x: any; y: any }; params: number }> = {
  'two networks with one embedding': { make: () => pair(), data: words, params: 40 + 25 },
  'two networks with one embedding of a name': { make: () => pair('words'), data: words, params: 40 + 25 },
  'a network, and a layer of it behind it': {
    make: () => around((dense) => [sequential({ layers: [layers.dense({ units: 4 }), dense], name: 'inner' }), dense]),
    data: sequences,
    params: 20 + 20 + 13,
  },
  'a layer for each step, behind it alone': {
    make: () => around((dense) => [layers.timeDistributed({ layer: dense }), layers.dense({ units: 4 }), dense]),
    data: sequences,
    params: 20 + 20 + 13,
  },
  'a layer before one for each step': {
    make: () => around((dense) => [layers.dense({ units: 4 }), dense, layers.timeDistributed({ layer: dense })], 'own'),
    data: sequences,
    params: 20 + 20 + 13,
  },
  'a network in two networks': {
    make: () =>
      around((dense) => {
        const inner = sequential({ layers: [dense, layers.dense({ units: 4 })] });
        const [one, other] = ['one', 'other'].map((name) => sequential({ layers: [inner], name }));
        return [one, layers.timeDistributed({ layer: dense }), other, dense];
      }),
    data: sequences,
    params: 20 + 20 + 13,
  },
};

for (const [what, { make, data, params }] of Object.entries(NETWORKS))
  test(`${what}: files and clones share what the network does`, (t) => {
    const { x, y } = data;
    const net = make();
    net.compile({ optimizer: 'adam', loss: 'mse' });
    net.trainOnBatch(x, y);
    t.is(net.countParams(), params);
    const again = Model.fromBytes(net.toBytes()) as Model<any, any>;
    const copy = net.clone();
    for (const other of [again, copy, Model.fromBytes(again.toBytes()), again.clone(), copy.clone()]) {
      t.is(other.countParams(), params);
      t.deepEqual(other.weightNames, net.weightNames);
      t.is(other.summary(), net.summary());
    }
    t.deepEqual(parseModel(again.toBytes()).architecture, parseModel(net.toBytes()).architecture);
    t.deepEqual(numbers([again.predictSync(x) as NDArray]), numbers([net.predictSync(x) as NDArray]));
    const other = make();
    other.predictSync(x);
    t.deepEqual(numbers(copy.getWeights()), numbers(other.getWeights()));
    for (let step = 0; step < 3; step++) t.deepEqual(again.trainOnBatch(x, y), net.trainOnBatch(x, y));
    t.deepEqual(numbers(again.getWeights()), numbers(net.getWeights()));
  });

test('a Sequential that does not know its input shares with its clone’s layers what it shares with its own', (t) => {
  const net = NETWORKS['a layer for each step, behind it alone'].make();
  const copy = net.clone();
  for (const each of [net, copy]) t.deepEqual(shapeOf(each.predictSync(sequences.x)), [6, 1]);
  t.deepEqual([net.countParams(), copy.countParams()], [53, 53]);
  t.deepEqual(numbers(copy.getWeights()), numbers(net.getWeights()));
});

test('a layer that has a number is numbered in each network that has it', (t) => {
  const dense = layers.dense({ units: 4 });
  const inner = sequential({ layers: [dense, layers.dense({ units: 4 })], name: 'inner' });
  const net = sequential({ layers: [layers.dense({ units: 4, inputShape: [4] }), inner, dense], seed: 1 });
  t.deepEqual(
    [net.layerNames, inner.layerNames],
    [
      ['dense', 'inner', 'dense_1'],
      ['dense', 'dense_1'],
    ],
  );
  for (const other of [Sequential.fromBytes(net.toBytes()), net.clone()]) {
    t.deepEqual(other.layerNames, net.layerNames);
    t.deepEqual((other.getLayer('inner') as Model).layerNames, inner.layerNames);
    t.is(other.getLayer('dense_1'), (other.getLayer('inner') as Model).getLayer('dense'));
  }
});

test('what has no weights is described at each place, as ever', (t) => {
  const [shared, i] = [layers.flatten(), input({ shape: [2, 2] })];
  const part = (name: string) => model({ inputs: i, outputs: shared.apply(i), name });
  const x = input({ shape: [2, 2] });
  const both = layers.add().apply([part('a').apply(x), part('b').apply(x)]);
  const net = model({ inputs: x, outputs: layers.dense({ units: 1 }).apply(both) });
  const { architecture } = parseModel(net.toBytes());
  t.false(JSON.stringify(architecture).includes('sameAs'));
  t.is(Model.fromBytes(net.toBytes()).countParams(), 5);
});

test('a place that names no layer before it is refused', (t) => {
  const { architecture, ...rest } = parseModel(pair().toBytes());
  const at = (architecture as any).layers.findIndex(({ config }: any) => config.name === 'dec');
  const place = `architecture.layers[${at}].config.layers[1]`;
  const changed = (sameAs: unknown, className = 'Embedding') => {
    const own = structuredClone(architecture) as any;
    const { layers: entries } = own.layers[at].config;
    t.is(typeof entries[1].sameAs, 'string');
    Object.assign(entries[1], { sameAs, className });
    return () => Model.fromBytes(modelBytes({ ...rest, architecture: own }));
  };
  const first = (architecture as any).layers[at].config.layers[1].sameAs;
  t.notThrows(changed(first));
  for (const other of [
    '',
    'layers[99]',
    first.toUpperCase(),
    `layers[${at}]`,
    `layers[${at}].config.layers[1]`,
    'constructor',
  ])
    t.throws(changed(other), {
      code: 'ERR_FORMAT',
      message: `Cannot load a model from 'the bytes': Expected ${place}.sameAs to be the place of a layer of the class Embedding that was described before, got '${other}' (string)`,
    });
  t.throws(changed(first, 'Dense'), {
    code: 'ERR_FORMAT',
    message: /sameAs to be the place of a layer of the class Dense/,
  });
  // a network within itself
  t.throws(changed(`layers[${at}]`, 'Model'), {
    code: 'ERR_FORMAT',
    message: /sameAs to be the place of a layer of the class Model/,
  });
  for (const other of [null, 3, [], {}])
    t.throws(changed(other), { code: 'ERR_FORMAT', message: /sameAs to be the place of a layer, got/ });
});

let given: Layer<any>;
class Borrowing extends Layer {
  readonly inner = given;
  call(x: Value): Value {
    return this.inner.apply(x) as Value;
  }
}
const borrowing = custom.layer('BorrowsALayer', Borrowing);

test('what no file can say is refused before one is written', (t) => {
  const make = () =>
    around((dense) => {
      given = dense;
      return [borrowing(), layers.dense({ units: 4 }), dense];
    });
  const net = make();
  t.deepEqual(shapeOf(net.predictSync(sequences.x)), [6, 1]);
  const message =
    "Expected the layer Dense to be part of a layer of one's own alone, as no file or clone would share its weights with what else has it";
  t.throws(() => net.toBytes(), { instanceOf: TypeError, message });
  t.throws(() => net.clone(), { instanceOf: TypeError, message });
});

test('a network of a file of another program that shares a layer for each step is one here', async (t) => {
  const net = NETWORKS['a layer for each step, behind it alone'].make();
  const wanted = net.predictSync(sequences.x) as NDArray;
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-shared-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'net.onnx');
  await net.export(path);
  const read = await importModel(path);
  const made = read.predictSync(sequences.x) as NDArray;
  for (const [i, value] of Array.from(made.data).entries()) t.true(Math.abs(value - wanted.data[i]) < 1e-5);
});
