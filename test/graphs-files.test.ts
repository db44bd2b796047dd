// Files of graphs: any JSON in any place of one, and small files that describe much.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { importModel, input, layers, Model, model, NDArray, ops, RandomState, sequential, type Value } from 'fjordnet';
import { loadModel, saveModel } from '../dist/io/model-file.js';
import { costOf } from './helpers/cost.js';

type Json = Record<string, any>;

const folder = mkdtempSync(join(tmpdir(), 'fjordnet-graphs-'));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const path = () => join(folder, `${files++}.safetensors`);

test('constants that JSON has no number for are the same ones in files and in clones', async (t) => {
  const x = input({ shape: [3, 3] });
  const mask = [Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY];
  const hidden = ops.softmax(ops.add(x, [mask.slice(0, 2).concat(1), [0, mask[0], 0], [0, 0, 0]]));
  const signs = ops.div(x, [-0, 0, 1]); // of negative numbers Infinity where a zero stayed negative
  const net = model({
    inputs: x,
    outputs: [hidden, ops.minimum(x, mask), signs, ops.add(x, [Number.NaN, 0, 1])],
    seed: 1,
  });
  const sample = new RandomState(1).normal(-1, 0.1, [2, 3, 3]) as NDArray;
  const wanted = net.predictSync(sample as never);
  t.is(wanted[2].data[0], Number.POSITIVE_INFINITY);
  const file = path();
  await net.save(file);
  for (const again of [await Model.load(file), net.clone()]) t.deepEqual(again.predictSync(sample as never), wanted);
  await t.throwsAsync(net.exportBytes({ format: 'keras' }), {
    message: /finite constants.*got -Infinity .format 'onnx'/,
  });
  const { architecture, ...rest } = await loadModel(file);
  const text = JSON.stringify(architecture);
  for (const other of ['"Infinit"', 'null', '"1"', '[]']) {
    await saveModel(file, { ...rest, architecture: JSON.parse(text.replace('"-Infinity"', other)) });
    await t.throwsAsync(
      Model.load(file),
      { code: 'ERR_FORMAT', message: /constant to be an array of 9 numbers/ },
      other,
    );
  }
});

function branched() {
  const [a, b] = [input({ shape: [4], name: 'a' }), input({ shape: [3], name: 'b' })];
  const z = input({ shape: [4] });
  const dense = layers.dense({ units: 4, activation: 'tanh', trainable: false });
  const inner = sequential({
    layers: [model({ inputs: z, outputs: ops.add(dense.apply(z), z), name: 'residual' }), layers.batchNormalization()],
    name: 'inner',
  });
  const h = inner.apply(inner.apply(a));
  const all = ops.concat([ops.mul(h, NDArray.from([1, 2, 3, 4])), ops.slice(b, [1], [2])]);
  const crossed = ops.transpose(ops.reshape(all, [2, 3]));
  const net = model({
    inputs: [a, b],
    outputs: [
      layers.dense({ units: 2, activation: 'softmax', name: 'kind' }).apply(layers.flatten().apply(crossed)),
      layers.dense({ units: 1, name: 'size' }).apply(layers.concatenate().apply([h, b])),
    ],
    seed: 1,
  });
  net.compile({
    optimizer: 'adam',
    loss: { kind: 'categoricalCrossentropy', size: 'mse' },
    lossWeights: [1, 0.5],
    metrics: { kind: ['accuracy'] },
  });
  return net;
}

const VALUES = [
  null,
  true,
  0,
  -1,
  1,
  0.5,
  4095,
  2 ** 40,
  1e308,
  '',
  'relu',
  'a',
  'x'.repeat(1000),
  [],
  [1],
  [0, 0],
  [5, 0],
  [[0, 0]],
  {},
  { name: 'relu' },
  { shape: [2], constant: [1, 2] },
  { op: 'exp', inputs: [[0, 0]] },
  { layer: 'a', inputs: [] },
];

test('any JSON in any place of a graph is a network or a sentence', async (t) => {
  const file = path();
  await branched().save(file);
  const { architecture, training, ...rest } = await loadModel(file);
  const places: (string | number)[][] = [];
  const visit = (value: unknown, place: (string | number)[]): void => {
    if (place.length > 1) places.push(place);
    if (typeof value === 'object' && value !== null)
      for (const key of Object.keys(value)) visit((value as Json)[key], [...place, key]);
  };
  visit({ architecture, training }, []);
  t.true(places.length > 200);
  const random = new RandomState(5);
  let loaded = 0;
  for (const place of places) {
    const whole = structuredClone({ architecture, training }) as Json;
    const owner = place.slice(0, -1).reduce((object, key) => object[key], whole);
    const value = VALUES[random.randint(0, VALUES.length) as number];
    owner[place.at(-1) as string] = value;
    const changed = path();
    await saveModel(changed, { ...rest, architecture: whole.architecture, training: whole.training });
    try {
      const net = await Model.load(changed);
      loaded++;
      if (net.inputs.every(({ shape }) => shape.every((n) => n < 5000)))
        net.predictSync(net.inputs.length === 1 ? zeros(net)[0] : zeros(net));
    } catch (error) {
      const { code, message } = error as Error & { code?: string };
      const what = `${place.join('.')} = ${JSON.stringify(value).slice(0, 40)}: ${message}`;
      t.is(code, 'ERR_FORMAT', what);
      t.regex(message, /: (\S+: )?Expected (?!what save)/, what);
      t.true(message.length < 800, what);
    }
    rmSync(changed);
  }
  t.true(loaded > 0);
});
const zeros = (net: Model) => net.inputs.map(({ shape }) => NDArray.zeros([2, ...shape]));

const LOAD = "((path) => import('fjordnet').then(({ Model }) => Model.load(path)))";

test('a small file does not ask for a large graph, nor for a long time', async (t) => {
  const x = input({ shape: [4], name: 'a' });
  const small = path();
  await model({ inputs: x, outputs: x }).save(small);
  const { architecture, ...rest } = await loadModel(small);
  const save = async (change: Json) => {
    const file = path();
    await saveModel(file, { ...rest, architecture: { ...architecture, ...change } });
    return file;
  };
  const [source] = (architecture as Json).layers;
  const begin = { layer: 'a', inputs: [] };
  const wide = { ...source, config: { ...source.config, shape: [2 ** 28] } };
  let nested = architecture as Json;
  for (let i = 0; i < 20; i++)
    nested = {
      ...(architecture as Json),
      layers: [source, { className: 'Model', config: { ...nested, name: 'i' } }],
      calls: [begin, { layer: 'i', inputs: [[0, 0]] }, { layer: 'i', inputs: [[1, 0]] }],
      outputs: [2, 0],
    };
  const inner = { className: 'Sequential', name: 's', dtype: 'float32', inputShape: [4] };
  const large = { ...inner, layers: [{ className: 'Dense', config: { name: 'd', units: 2 ** 28 } }] };
  for (const [file, message] of [
    [await save(nested), /: Expected the networks within architecture\S* to apply at most 2\^16 layers, got \d+$/],
    [
      await save({
        layers: [wide],
        calls: [
          begin,
          { op: 'repeat', options: { axis: 0, n: 2 ** 28 }, inputs: [{ shape: [1], constant: [1] }] },
          { op: 'repeatRows', inputs: [[1, 0]] },
          { op: 'add', inputs: [[0, 0], [2, 0]] }, // biome-ignore format: one line is clearer
        ],
        outputs: [3, 0],
      }),
      /: Expected architecture.calls\[1\] to make at most 2\^22 numbers of constants, got 268435456$/,
    ],
    [
      await save({
        layers: [source, { className: 'Sequential', config: large }],
        calls: [begin, { layer: 's', inputs: [[0, 0]] }],
        outputs: [1, 0],
      }),
      /: Expected the weight 's\/d\/kernel' to be of shape \[4, 268435456\], got none$/,
    ],
  ] as const) {
    const cost = costOf(LOAD, small, file);
    t.is(cost.code, 'ERR_FORMAT');
    t.regex(cost.message, message);
    t.true(cost.seconds < 2, `${cost.seconds} s`);
    t.true(cost.megabytes < 60, `${cost.megabytes} MB`);
  }
});

test('numbers of channels stand in files once, however large the image', async (t) => {
  const image = input({ shape: [112, 112, 64] });
  const scale = NDArray.wrap(
    Float64Array.from({ length: 64 }, (_, i) => 1 + i / 64),
    [1, 1, 64],
  );
  let h: Value = image;
  for (let i = 0; i < 6; i++) h = ops.add(ops.mul(h, scale), 0.5);
  const net = model({ inputs: image, outputs: layers.globalAveragePooling2d().apply(h) });
  const x = NDArray.wrap(new Float32Array(112 * 112 * 64).fill(0.25), [1, 112, 112, 64]);
  const expected = net.predictSync(x).data;
  for (const format of ['fjordnet', 'keras', 'onnx'] as const) {
    const to = path();
    await (format === 'fjordnet' ? net.save(to) : net.export(to, { format }));
    t.true(statSync(to).size < 50000, `${format}: ${statSync(to).size} bytes`);
    const again = await (format === 'fjordnet' ? Model.load(to) : importModel(to));
    t.deepEqual((again.predictSync(x as never) as NDArray).data, expected);
  }
});

test('what is too large for a file is not saved', async (t) => {
  let net = sequential({ layers: [layers.dense({ units: 2, inputShape: [2] })] }) as Model<Value>;
  for (let i = 0; i < 17; i++) {
    const x = input({ shape: [2] });
    net = model({ inputs: x, outputs: i < 13 ? net.apply(net.apply(x)) : net.apply(x), name: `n${i}` });
  }
  const x = input({ shape: [2] });
  let y: Value = x;
  for (let i = 0; i < 5; i++) y = net.apply(y);
  const many = model({ inputs: x, outputs: y, name: 'many', seed: 1 });
  await t.throwsAsync(many.save(path()), {
    message: /^Expected the networks within the network 'many' to apply at most/,
  });

  const wide = input({ shape: [2 ** 11 + 1, 2 ** 11] });
  const [rows, columns] = wide.shape.map((n) => NDArray.wrap(new Float64Array(n).fill(1), [n, 1]));
  const product = ops.mul(rows, ops.reshape(columns, [2 ** 11]) as Value);
  const repeated = model({ inputs: wide, outputs: ops.add(wide, product), name: 'wide' });
  await t.throwsAsync(repeated.save(path()), {
    message: "Expected the network 'wide' to make at most 2^22 numbers of constants, got 12593152",
  });
});
