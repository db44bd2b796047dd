// PyTorch's state_dict as a safetensors file, written and read.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import {
  custom,
  importBytes,
  initializers,
  input,
  Layer,
  layers,
  layouts,
  type Model,
  model,
  NDArray,
  sequential,
  type Value,
} from 'fjordnet';
import { formatSafetensors, parseSafetensors, readSafetensors, type Tensor } from '../dist/io/safetensors.js';
import { filled, MODELS, outputsOf, samplesFor, scaledAttention } from './helpers/networks.js';
import { pythonWith } from './helpers/python.js';

const home = mkdtempSync(join(tmpdir(), 'fjordnet-torch-'));
test.after.always(() => rmSync(home, { recursive: true }));

/** What PyTorch's recurrent modules cannot compute. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  gru: /^Expected 'gru_1' to have resetAfter true, as PyTorch's GRU \(format 'onnx' holds the whole network\)$/,
  attentionPlain: /^Expected 'attention' to be a layer that PyTorch has a module for, got Attention/,
  maskedBi: /'bidirectional' to have resetAfter true/,
  oddGates: /'lstm' to have the activation tanh, as PyTorch's .*, got softplus \(format 'onnx' holds/,
};

interface Case {
  readonly make: (dtype?: 'float32' | 'float64') => Model<any, any>;
  readonly names?: Readonly<Record<string, string>>;
}
const CASES: Readonly<Record<string, Case>> = {
  ...Object.fromEntries(Object.entries(MODELS).map(([name, make]) => [name, { make }])),
  levels: {
    make: (dtype) =>
      sequential({
        layers: ['first', 'second'].map((name) =>
          layers.bidirectional({
            name,
            layer: layers.lstm({ units: 4, returnSequences: name === 'first' }),
            ...(name === 'first' && { inputShape: [5, 3] }),
          }),
        ),
        seed: 1,
        ...(dtype && { dtype }),
      }),
    names: { first: 'rnn', second: 'rnn' },
  },
  attentionScaled: { make: scaledAttention },
  flattened: {
    make: (dtype) =>
      sequential({
        layers: [
          layers.conv2d({ filters: 3, kernelSize: 2, activation: 'relu', inputShape: [5, 8, 2] }),
          layers.maxPooling2d(),
          layers.permute({ dims: [3, 1, 2] }),
          layers.flatten(),
          layers.dense({ units: 2 }),
        ],
        seed: 1,
        ...(dtype && { dtype }),
      }),
  },
  shared: {
    make: (dtype) => {
      const d = layers.dense({ name: 'd', units: 3, activation: 'tanh', inputShape: [4, 3] });
      const [a, b] = ['a', 'b'].map((name) => sequential({ name, layers: [d] }));
      const each = layers.timeDistributed({ name: 'each', layer: d });
      const x = input({ shape: [4, 3] });
      return model({ inputs: x, outputs: each.apply(b.apply(a.apply(x))), seed: 1, ...(dtype && { dtype }) });
    },
  },
};
const DTYPES = ['float32', 'float64'] as const;

function checkOutputs(t: ExecutionContext, what: string, own: readonly NDArray[], theirs: readonly Saved[]): void {
  t.is(own.length, theirs.length, what);
  for (const [k, { shape, data, dtype }] of own.entries()) {
    t.deepEqual(shape, theirs[k].shape, what);
    const within = dtype === 'float32' ? 1e-6 : 1e-12;
    const scale = Math.max(1, ...Array.from(data, Math.abs));
    const worst = Math.max(...Array.from(data, (value, i) => Math.abs(value - theirs[k].data[i])));
    t.true(worst / scale < within, `${what}, output ${k}: ${worst / scale}`);
  }
}
interface Saved {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

const { tensors: fixtures } = parseSafetensors(
  readFileSync(new URL('../test/fixtures/torch-models.safetensors', import.meta.url)),
);
/** The tensors whose names begin so, by the rest of it. */
const under = (prefix: string) =>
  Array.from(fixtures)
    .flatMap(([name, tensor]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), tensor] as const] : []))
    .sort(([a], [b]) => Number(a) - Number(b));

for (const [name, { make, names }] of Object.entries(CASES)) {
  const path = join(home, `${name}.safetensors`);
  if (REFUSED[name]) {
    test(`${name}: refused by name`, async (t) => {
      await t.throwsAsync(make().export(path, { format: 'safetensors-torch' }), { message: REFUSED[name] });
      t.throws(() => readFileSync(path), { code: 'ENOENT' });
    });
    continue;
  }

  test(`${name}: a state_dict of PyTorch gives its numbers, and ours has its names and shapes`, async (t) => {
    const state = under(`${name}/state/`);
    writeFileSync(path, Buffer.concat(formatSafetensors(state, { format: 'pt' })));
    const x = under(`${name}/inputs/`).map(([, { shape, data }]) =>
      NDArray.from(typeof data[0] === 'bigint' ? Array.from(data, Number) : (data as Float64Array), { shape }),
    );
    const y = under(`${name}/outputs/`).map(([, { shape, data }]) => ({
      shape,
      data: Float64Array.from(data as never),
    }));
    for (const dtype of DTYPES) {
      const network = make(dtype);
      const { loaded, skipped } = await network.loadWeights(path, { layout: 'pytorch', ...(names && { names }) });
      t.deepEqual([loaded, skipped], [network.weightNames, []]);
      checkOutputs(t, `${name}, ${dtype}`, await outputsOf(network, x), y);
      const { tensors } = parseSafetensors(
        await network.exportBytes({ format: 'safetensors-torch', ...(names && { names }) }),
      );
      const shapes = (list: Iterable<readonly [string, Tensor]>) =>
        Object.fromEntries(Array.from(list, ([own, { shape }]) => [own, shape]));
      t.deepEqual(shapes(tensors), shapes(state));
      const again = make(dtype);
      const record = Object.fromEntries(
        Array.from(tensors, ([own, { shape, data }]) => [
          own,
          NDArray.from(typeof data[0] === 'bigint' ? Array.from(data, Number) : (data as Float64Array), { shape }),
        ]),
      );
      again.setWeights(layouts.pytorch(again, record, { ...(names && { names }) }));
      t.deepEqual(again.getWeights(), network.getWeights());
    }
  });
}

const python = pythonWith('torch', 'safetensors');
const script = fileURLToPath(new URL('../test/fixtures/torch-models.py', import.meta.url));

(python ? test : test.skip)('the real PyTorch loads every network strictly, and gives the same numbers', async (t) => {
  t.timeout(300_000);
  const cases = [];
  for (const [name, { make, names }] of Object.entries(CASES).filter(([name]) => !REFUSED[name]))
    for (const dtype of DTYPES) {
      const network = make(dtype);
      filled(network);
      const file = `${name}-${dtype}.safetensors`;
      const options = names && { names };
      await network.export(join(home, file), { format: 'safetensors-torch', ...options });
      cases.push({ name, dtype, file, network, inputs: samplesFor(network), options });
    }
  const plain = cases.map(({ name, dtype, file, inputs }) => ({
    name,
    dtype,
    file,
    inputs: inputs.map(({ shape, data }) => ({ shape, data: Array.from(data) })),
  }));
  writeFileSync(join(home, 'cases.json'), JSON.stringify(plain));
  await promisify(execFile)(python as string, [script, home]);
  const results: { file: string; outputs: Saved[]; theirs: Saved[] }[] = JSON.parse(
    readFileSync(join(home, 'results.json'), 'utf8'),
  );
  t.is(results.length, cases.length);
  for (const [i, { name, dtype, network, inputs, options }] of cases.entries()) {
    const { file, outputs, theirs } = results[i];
    checkOutputs(t, `${name}, ${dtype}`, await outputsOf(network, inputs), outputs);
    await network.loadWeights(join(home, file), { layout: 'pytorch', ...options });
    checkOutputs(t, `${name}, ${dtype}, PyTorch's own`, await outputsOf(network, inputs), theirs);
  }
  t.log(`${cases.length} files each way`);
});

test("attention of PyTorch's scale goes there and back with its bits; where it has another one, the query takes up the ratio", async (t) => {
  const state = async (dtype: 'float32' | 'float64', options: object) => {
    const x = input({ shape: [3, 6] });
    const y = layers.multiHeadAttention({ name: 'm', numHeads: 2, keyDim: 3, ...options }).apply([x, x]);
    const network = model({ inputs: x, outputs: y, dtype });
    filled(network);
    const bytes = await network.exportBytes({ format: 'safetensors-torch' });
    const { tensors } = parseSafetensors(bytes);
    const arrays = Object.fromEntries(
      [...tensors].map(([name, { shape, data }]) => [name, NDArray.from(data as Float64Array, { shape })]),
    );
    const before = network.getWeights();
    network.setWeights(layouts.pytorch(network, arrays));
    t.deepEqual(network.getWeights(), before);
    t.deepEqual(await network.exportBytes({ format: 'safetensors-torch' }), bytes);
    const [kernel, bias] = ['m.in_proj_weight', 'm.in_proj_bias'].map((name) => [...arrays[name].data]);
    return { query: [...kernel.slice(0, 36), ...bias.slice(0, 6)], others: [...kernel.slice(36), ...bias.slice(6)] };
  };
  const exact = 1 / Math.sqrt(3);
  const plain = await state('float64', { scale: exact });
  for (const [options, ratio] of [
    [{}, Math.fround(exact) / exact],
    [{ scale: -2 * exact }, -2],
    [{ scale: 4 * exact }, 4],
  ] as const) {
    const { query, others } = await state('float64', options);
    t.deepEqual(others, plain.others);
    t.deepEqual(
      query,
      plain.query.map((w) => w * ratio),
    );
  }
  t.notDeepEqual((await state('float64', {})).query, plain.query);
  t.deepEqual(await state('float32', {}), await state('float32', { scale: exact }));
  const doubled = await state('float32', { scale: 2 * exact });
  t.deepEqual(
    doubled.query,
    (await state('float32', {})).query.map((w) => 2 * w),
  );
});

test('modules may have names of their own, networks within networks too', async (t) => {
  const inner = sequential({ layers: [layers.dense({ name: 'a', units: 3, inputShape: [2] })], name: 'encoder' });
  const net = sequential({ layers: [inner, layers.dense({ name: 'head', units: 1 })] });
  const names = { 'encoder.a': '0', head: '2' };
  const bytes = await net.exportBytes({ format: 'safetensors-torch', names });
  const { tensors, metadata } = parseSafetensors(bytes);
  t.deepEqual([...tensors.keys()], ['0.weight', '0.bias', '2.weight', '2.bias']);
  t.deepEqual([...metadata], [['format', 'pt']]);
  t.deepEqual(tensors.get('0.weight')?.shape, [3, 2]);
  const record = Object.fromEntries(
    [...tensors].map(([name, { shape, data }]) => [name, NDArray.from(data as never, { shape })]),
  );
  t.deepEqual(layouts.pytorch(net, record, { names }), net.getWeights());
  const path = join(home, 'names.safetensors');
  writeFileSync(path, bytes);
  const before = net.getWeights();
  net.setWeights(before.map((w) => NDArray.zeros(w.shape)));
  t.deepEqual((await net.loadWeights(path, { layout: 'pytorch', byName: true, names: { head: '2' } })).skipped, [
    'encoder/a/kernel',
    'encoder/a/bias',
  ]);
  t.deepEqual(net.getWeights().slice(2), before.slice(2));
  await t.throwsAsync(net.loadWeights(path, { layout: 'pytorch' }), {
    code: 'ERR_FORMAT',
    message: /Expected tensors to hold 'encoder.a.weight' of shape \[3, 2\], got 0\.weight, /,
  });
  const wrong = (own: object) => net.exportBytes({ format: 'safetensors-torch', names: own as never });
  await t.throwsAsync(wrong({ heads: '1' }), { message: /a layer in names to be one of 'encoder.a', 'head'/ });
  await t.throwsAsync(wrong({ head: 1 }), { message: "Expected names['head'] to be a string, got 1 (number)" });
  await t.throwsAsync(wrong({ head: 'x', 'encoder.a': 'x' }), { message: /names to be different for each layer/ });
});

test('what PyTorch has no module for is refused by name, before a file is written', async (t) => {
  const of = (...list: any[]) => sequential({ layers: list }).exportBytes({ format: 'safetensors-torch' });
  const inputShape = [6, 6, 2];
  await t.throwsAsync(of(layers.prelu({ name: 'p', inputShape })), {
    message: /'p' to have one alpha for each channel/,
  });
  const scaled = custom.layer(
    'Scaled',
    class extends Layer {
      override build(): void {
        this.addWeight('scale', [1], initializers.ones());
      }
      call(x: Value): Value {
        return x;
      }
    },
  );
  await t.throwsAsync(of(scaled({ name: 's', inputShape: [2] })), {
    message: /^Expected 's' to be a layer that PyTorch has a module for, got Scaled \(format 'onnx' holds/,
  });
  const sequence = { inputShape: [3, 2] };
  for (const [layer, message] of [
    [
      layers.gru({ name: 'g', units: 2, activation: 'relu', ...sequence }),
      /'g' to have the activation tanh, .*got relu/,
    ],
    [
      layers.lstm({ name: 'l', units: 2, recurrentActivation: 'hardSigmoid', ...sequence }),
      /'l' to have the recurrentActivation sigmoid, .*got hardSigmoid/,
    ],
    [layers.simpleRNN({ name: 's', units: 2, activation: 'elu', ...sequence }), /'s' .* activation tanh or relu, /],
    [
      layers.bidirectional({
        name: 'b',
        layer: layers.lstm({ units: 2 }),
        backwardLayer: layers.gru({ units: 3, goBackwards: true, useBias: false }),
        ...sequence,
      }),
      /'b' to have two layers of one kind, .*got LSTM of 2 units and GRU of 3 units without bias \(format/,
    ],
    [
      layers.bidirectional({ name: 'b', layer: layers.lstm({ units: 2, goBackwards: true }), ...sequence }),
      /^Expected 'b' to have a layer with goBackwards false, as the first direction of .*, got true \(format 'onnx' holds/,
    ],
  ] as const)
    await t.throwsAsync(of(layer), { message });
  const x = input({ shape: [3, 6] });
  const attention = (options: object) =>
    model({
      inputs: x,
      outputs: layers.multiHeadAttention({ name: 'm', numHeads: 2, keyDim: 3, ...options }).apply([x, x]) as never,
    }).exportBytes({ format: 'safetensors-torch' });
  for (const options of [{ keyDim: 2 }, { valueDim: 2 }, { outputDim: 4 }])
    await t.throwsAsync(attention(options), { message: /'m' to have heads that make up the query's features/ });
  await t.throwsAsync(
    sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] }).export(join(home, 'x.safetensors')),
    {
      message: /format/,
    },
  );
});

test('recurrent layers of one name are levels if they are of one kind, tensors of one layer are the same', async (t) => {
  const [first, second] = ['first', 'second'].map((name) => layers.lstm({ name, units: 2, returnSequences: true }));
  const state = (list: any[], names: object) =>
    sequential({ layers: [layers.inputLayer({ shape: [4, 2] }), ...list] }).exportBytes({
      format: 'safetensors-torch',
      names: names as never,
    });
  const names = { first: 'rnn', second: 'rnn' };
  const { tensors } = parseSafetensors(await state([first, second], names));
  t.deepEqual(
    [...tensors.keys()].filter((name) => name.includes('weight')),
    ['rnn.weight_ih_l0', 'rnn.weight_hh_l0', 'rnn.weight_ih_l1', 'rnn.weight_hh_l1'],
  );
  const gru = layers.gru({ name: 'second', units: 2 });
  await t.throwsAsync(state([layers.lstm({ name: 'first', units: 2, returnSequences: true }), gru], names), {
    message: /names to be of one module for layers of one kind, LSTM of 2 units, got 'GRU of 2 units'/,
  });

  const { make } = CASES.shared;
  const record = Object.fromEntries(
    under('shared/state/').map(([name, { shape, data }]) => [name, NDArray.from(data as Float64Array, { shape })]),
  );
  const other = { ...record, 'b.d.bias': [1, 2, 3] };
  t.throws(() => layouts.pytorch(make('float64'), other), {
    message: /the tensors of 'b.d' to equal those under the other name of its layer/,
  });
});

test('floats of 16 bits are read as float32, with the same values', async (t) => {
  const { tensors } = await readSafetensors(new URL('../test/fixtures/torch-half.safetensors', import.meta.url));
  const halves = [...tensors].filter(([name]) => /^b?float16/.test(name) && !/num_batches/.test(name));
  t.is(halves.length, 18);
  for (const [name, { shape, data }] of halves) {
    const wanted = tensors.get(`float32.${name}`) as Tensor;
    t.true(data instanceof Float32Array, name);
    t.deepEqual([shape, [...(data as Float32Array)]], [wanted.shape, [...(wanted.data as Float32Array)]], name);
  }
  const net = sequential({
    layers: [
      layers.dense({ units: 4, name: '0', inputShape: [3] }),
      layers.batchNormalization({ name: '1' }),
      layers.dense({ units: 2, name: '2' }),
    ],
  });
  const path = new URL('../test/fixtures/torch-half.safetensors', import.meta.url);
  const names = Object.fromEntries(['0', '1', '2'].map((name) => [name, `bfloat16.${name}`]));
  const { loaded } = await net.loadWeights(path, { layout: 'pytorch', names, byName: true });
  t.is(loaded.length, 8);
  t.deepEqual([...net.getWeights()[1].data], [...(tensors.get('float32.bfloat16.0.bias') as Tensor).data].map(Number));
});

test('a state_dict is told from a network, and our own files are imported', async (t) => {
  const net = MODELS.dense();
  const dict = await net.exportBytes({ format: 'safetensors-torch' });
  await t.throwsAsync(importBytes(dict), { code: 'ERR_FORMAT', message: /of format 'pt'; weights of another library/ });
  await t.throwsAsync(importBytes(Buffer.concat(formatSafetensors([]))), { message: /without a format/ });
  const same = await importBytes(net.toBytes());
  t.deepEqual(same.getWeights(), net.getWeights());
  const wide = await importBytes(net.toBytes(), { dtype: 'float64' });
  t.is(wide.dtype, 'float64');
  t.deepEqual([...wide.getWeights()[0].data], [...net.getWeights()[0].data]);
});

test.serial(
  "what training goes on from is left out with a warning where our own file's numbers become others",
  async (t) => {
    const net = MODELS.dense();
    const heard: Error[] = [];
    const listen = (warning: Error) => heard.push(warning);
    process.on('warning', listen);
    const read = async (dtype?: 'float32' | 'float64') => {
      const { loss } = await importBytes(net.toBytes(), dtype && { dtype });
      await new Promise(setImmediate);
      return [loss !== undefined, heard.splice(0).map(({ message }) => message)];
    };
    t.deepEqual(await read('float64'), [false, []]);
    net.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    t.deepEqual(await read(), [true, []]);
    t.deepEqual(await read('float32'), [true, []]);
    t.deepEqual(await read('float64'), [
      false,
      [
        'How the network of the bytes is trained is left out, as it is made anew in float64: without the option dtype training goes on',
      ],
    ]);
    process.off('warning', listen);
  },
);

test('of tensors that no layer takes any kind is passed over, and of the others the one that is none is named', async (t) => {
  const net = sequential({ layers: [layers.dense({ units: 1, name: 'd', inputShape: [1] })] });
  const path = join(home, 'kinds.safetensors');
  const given: [string, Tensor][] = [
    ['d.weight', { shape: [1, 1], data: Float32Array.of(3) }],
    ['d.bias', { shape: [1], data: BigInt64Array.of(2n) }],
  ];
  const others = [Int8Array, Int16Array, Uint8Array, Uint16Array, Uint32Array].map((type): [string, Tensor] => [
    type.name,
    { shape: [1], data: type.of(1) },
  ]);
  others.push(['none', { shape: [0], data: new BigInt64Array(0) }]);
  const load = (tensors: [string, Tensor][], byName: boolean) => {
    writeFileSync(path, Buffer.concat(formatSafetensors(tensors)));
    return net.loadWeights(path, { layout: 'pytorch', byName });
  };
  t.deepEqual((await load([...given, ...others], true)).loaded, ['d/kernel', 'd/bias']);
  t.deepEqual(
    net.getWeights().map(({ data }) => [...data]),
    [[3], [2]],
  );
  await t.throwsAsync(load([...given, ...others], false), { code: 'ERR_FORMAT', message: /but 'Int8Array' is not/ });
  for (const type of [Int8Array, Uint16Array])
    await t.throwsAsync(load([given[0], ['d.bias', { shape: [1], data: type.of(1) }]], true), {
      code: 'ERR_FORMAT',
      message: new RegExp(`Expected tensors\\['d.bias'\\] to be .*${type.name}`),
    });
});

test('a normalization is a BatchNorm that adds nothing', async (t) => {
  for (const dtype of DTYPES) {
    const net = sequential({ layers: [layers.normalization({ name: 'n', inputShape: [4] })], dtype });
    const [mean, variance] = [
      [1, 2, 3, 4],
      [4, 1e-6, 0, 1e-20],
    ];
    net.setWeights([mean, variance]);
    const { tensors } = parseSafetensors(await net.exportBytes({ format: 'safetensors-torch' }));
    const [m, v] = ['mean', 'var'].map((name) => (tensors.get(`n.running_${name}`) as Tensor).data as Float64Array);
    const x = [1.5, 2.5, 3.5, 3];
    const y = (net.predictSync([x]) as NDArray).data;
    // what docs/exchange.md says: eps=1e-30
    for (const [i, own] of y.entries()) {
      const there = (x[i] - m[i]) / Math.sqrt(v[i] + 1e-30);
      t.true(Math.abs(own / there - 1) < (dtype === 'float32' ? 1e-6 : 1e-12), `${dtype}, ${i}: ${own}, ${there}`);
    }
    t.deepEqual([...v.slice(0, 2)], dtype === 'float32' ? [4, Math.fround(1e-6)] : [4, 1e-6]);
  }
});

test('what is not finite, and options that do not belong together, are refused', async (t) => {
  const net = sequential({ layers: [layers.dense({ units: 1, name: 'd', inputShape: [1] })] });
  const path = join(home, 'nan.safetensors');
  const tensors: [string, Tensor][] = [
    ['d.weight', { shape: [1, 1], data: Float32Array.of(Number.NaN) }],
    ['d.bias', { shape: [1], data: Float32Array.of(1) }],
  ];
  writeFileSync(path, Buffer.concat(formatSafetensors(tensors)));
  await t.throwsAsync(net.loadWeights(path, { layout: 'pytorch' }), {
    code: 'ERR_FORMAT',
    message: /weight 'd\/kernel'/,
  });
  await net.loadWeights(path, { layout: 'pytorch', allowNonFinite: true });
  t.true(Number.isNaN(net.getWeights()[0].data[0]));
  await t.throwsAsync(net.loadWeights(path, { layout: 'torch' as never }), {
    message: /layout to be one of 'pytorch', 'keras'/,
  });
  await t.throwsAsync(net.loadWeights(path, { layout: 'pytorch', skipMismatch: true }), { message: /skipMismatch/ });
  await t.throwsAsync(net.loadWeights(path, { names: {} }), { message: /names/ });
});
