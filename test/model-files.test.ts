import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { layers, NDArray, optimizers, RandomState, Sequential, schedules, sequential } from 'fjordnet';
import { loadModel, saveModel } from '../dist/io/model-file.js';
import { formatSafetensors, parseSafetensors, type Tensor, writeSafetensors } from '../dist/io/safetensors.js';
import { costOf } from './helpers/cost.js';

type Coded = Error & { code?: string };
type Json = Record<string, any>;

const home = mkdtempSync(join(tmpdir(), 'fjordnet-model-'));
test.after.always(() => rmSync(home, { recursive: true }));

let files = 0;
const newPath = () => join(home, `file${files++}.safetensors`);

let made: ReturnType<typeof train> | undefined;
const trained = () => {
  made ??= train();
  return made;
};

/** A trained network with every kind of thing that a file may hold. */
async function train(): Promise<{ model: Sequential; path: string; x: NDArray }> {
  const model = sequential({
    name: 'all',
    layers: [
      layers.conv2d({ filters: 2, kernelSize: 2, activation: 'elu', inputShape: [4, 4, 1] }),
      layers.batchNormalization(),
      layers.maxPooling2d(),
      layers.flatten(),
      layers.dropout({ rate: 0.25 }),
      layers.dense({ units: 3, activation: 'softmax', kernelRegularizer: 'l2' }),
    ],
    seed: 4,
  });
  const decay = schedules.exponentialDecay({ initialLearningRate: 0.01, decaySteps: 5, decayRate: 0.9 });
  model.compile({
    optimizer: optimizers.adam({ learningRate: decay }),
    loss: 'categoricalCrossentropy',
    metrics: ['accuracy'],
  });
  const random = new RandomState(1);
  const x = NDArray.from(random.randn(12, 4, 4, 1));
  const y = NDArray.from(
    Float64Array.from({ length: 36 }, (_, i) => Number(i % 3 === Math.floor(i / 3) % 3)),
    {
      shape: [12, 3],
    },
  );
  await model.fit(x, y, { epochs: 2, batchSize: 5 });
  const path = newPath();
  await model.save(path);
  return { model, path, x };
}

/** What a test may change in a file. */
interface Content {
  architecture: Json;
  training: Json;
  randomState: unknown;
  tensors: [name: string, tensor: Tensor][];
}

/** The file with something changed. */
function changed(path: string, change: (content: Content) => void): string {
  const { tensors, metadata } = parseSafetensors(readFileSync(path));
  const json = (name: string) => JSON.parse(metadata.get(name) as string);
  const content: Content = {
    architecture: json('architecture'),
    training: json('training'),
    randomState: json('randomState'),
    tensors: [...tensors],
  };
  change(content);
  const strings: Record<string, string> = Object.fromEntries(metadata);
  for (const name of ['architecture', 'training', 'randomState'] as const) {
    const text = JSON.stringify(content[name]);
    if (text === undefined) delete strings[name];
    else strings[name] = text;
  }
  const to = newPath();
  writeFileSync(to, Buffer.concat(formatSafetensors(content.tensors, strings)));
  return to;
}

test('a network is loaded from a path or URL, as it was saved', async (t) => {
  const { model, path, x } = await trained();
  for (const from of [path, pathToFileURL(path)]) {
    const loaded = await Sequential.load(from);
    t.deepEqual(loaded.getWeights(), model.getWeights());
    t.deepEqual(loaded.layerNames, model.layerNames);
    t.is(loaded.iterations, model.iterations);
    t.deepEqual(loaded.predictSync(x), model.predictSync(x));
    t.throws(() => loaded.add(layers.flatten({ name: 'flatten' })), { message: /unique in the network/ });
  }
});

const at =
  (value: unknown, ...path: (string | number)[]) =>
  (file: Json) => {
    const parent = path.slice(0, -1).reduce((object, key) => object[key], file);
    parent[path.at(-1) as string] = value;
  };
const layer = (i: number, ...path: (string | number)[]) => ['architecture', 'layers', i, ...path];
/** Takes a weight out, or puts another one in. */
const tensorOf =
  (name: string, data?: Float32Array | Int32Array, shape = [data?.length ?? 0]) =>
  (content: Json) => {
    content.tensors = content.tensors.filter(([other]: [string]) => other !== `weights/${name}`);
    if (data) content.tensors.push([`weights/${name}`, { shape, data }]);
  };
const CHANGES: [what: string, change: (file: Json) => void, reason: RegExp | string][] = [
  [
    'class',
    at('Modell', 'architecture', 'className'),
    "Expected architecture.className to be one of 'Sequential', 'Model' (did you mean 'Model'?), got 'Modell' (string)",
  ],
  ['name', at(3, 'architecture', 'name'), 'Expected architecture.name to be a string, got 3 (number)'],
  ['dtype', at('float16', 'architecture', 'dtype'), /Expected architecture\.dtype to be one of 'float32', 'float64'/],
  ['another dtype', at('float64', 'architecture', 'dtype'), /Expected the weight '.*' to be float64, got float32/],
  ['no input', at(null, 'architecture', 'inputShape'), /Expected architecture\.inputShape to be an array of positive/],
  ['input', at([4, 0, 1], 'architecture', 'inputShape'), /Expected architecture\.inputShape\[1\] to be a positive int/],
  [
    'huge input',
    at([2 ** 30, 2 ** 30, 1], 'architecture', 'inputShape'),
    /Expected architecture\.inputShape to have at most 2\^40 values a sample, got 1152921504606847000/,
  ],
  [
    "an input that its layer's is not",
    at([8, 8, 1], ...layer(0, 'config', 'inputShape')),
    /layers\[0\]: Expected the input of Conv2D '.*' to be of shape \[8, 8, 1\], its inputShape, got shape \[4, 4, 1\]/,
  ],
  [
    'an input in the middle',
    at([2 ** 31, 2 ** 31], ...layer(1, 'config', 'inputShape')),
    /layers\[1\]: Expected the input of .* to be of shape \[2147483648, 2147483648\], its inputShape, got shape \[/,
  ],
  [
    'no layers',
    at([], 'architecture', 'layers'),
    /Expected architecture\.layers to be an array of layers, of one at least/,
  ],
  ['layers', at({}, 'architecture', 'layers'), /Expected architecture\.layers to be an array of layers/],
  ['a layer', at(null, ...layer(1)), /Expected architecture\.layers\[1\] to be an object, got null/],
  [
    'a class',
    at('Dens', ...layer(1, 'className')),
    /architecture\.layers\[1\]: Expected className to be one of 'Dense'/,
  ],
  ['a class of the prototype', at('toString', ...layer(1, 'className')), /Expected className to be one of 'Dense'/],
  ['no class', at([], ...layer(1, 'className')), /Expected architecture\.layers\[1\]\.className to be a string/],
  [
    'a config',
    at([], ...layer(5, 'config')),
    /Expected architecture\.layers\[5\]\.config to be an object, got Array\(0\)/,
  ],
  [
    'an option',
    at('3', ...layer(5, 'config', 'units')),
    /architecture\.layers\[5\]: Expected units to be a positive integer/,
  ],
  ['an unknown option', at(1, ...layer(5, 'config', 'unit')), /layers\[5\]: Expected options to have no option 'unit'/],
  ['an activation', at({}, ...layer(5, 'config', 'activation')), /layers\[5\]: Expected activation to be the name of/],
  [
    'what only code has',
    at({ config: { name: 'softmax' } }, ...layer(5, 'config', 'activation')),
    /Expected architecture\.layers\[5\]\.config\.activation to be no object with a config/,
  ],
  ['no name', at(undefined, ...layer(2, 'config', 'name')), /layers\[2\]\.config\.name to be a string, got undefined/],
  [
    'a name twice',
    at('flatten', ...layer(2, 'config', 'name')),
    /layers\[3\]\.config\.name to be unique in the network/,
  ],
  [
    'a shape',
    at(3, ...layer(0, 'config', 'filters')),
    /Expected the weight 'conv2d\/kernel' to be of shape \[2, 2, 1, 3\]/,
  ],
  ['a window', at([9, 9], ...layer(2, 'config', 'poolSize')), /layers\[2\]: Expected the input of MaxPooling2D 'max/],
  ['iterations', at(-1, 'training', 'iterations'), /Expected training\.iterations to be a non-negative integer/],
  ['metrics', at({}, 'training', 'metrics'), 'Expected training.metrics to be an array, got {}'],
  ['a metric', at([null], 'training', 'metrics'), 'Expected training.metrics[0] to be an object, got null'],
  [
    'another metric',
    at([{ name: 'x' }], 'training', 'metrics'),
    /training\.metrics\[0\]: Expected metric to be one of/,
  ],
  ['no loss', at(undefined, 'training', 'loss'), 'Expected training.loss to be an object, got undefined'],
  ['loss', at({ name: 'x' }, 'training', 'loss'), /training\.loss: Expected loss to be one of/],
  [
    'a loss that does not fit',
    at(true, 'training', 'loss', 'fromLogits'),
    /Expected the last layer to have no activation/,
  ],
  ['optimizer', at(0, 'training', 'optimizer'), 'Expected training.optimizer to be an object, got 0 (number)'],
  [
    'another optimizer',
    at({ name: 'sgd' }, 'training', 'optimizer'),
    /Expected 0 optimizer state tensors, got \d+, among/,
  ],
  [
    'a rate',
    at([], 'training', 'optimizer', 'learningRate'),
    /training\.optimizer: Expected learningRate to be a non-neg/,
  ],
  [
    'a schedule',
    at(null, 'training', 'optimizer', 'learningRate', 'decaySteps'),
    /training\.optimizer: Expected decaySteps to be a positive integer, got null/,
  ],
  ['no generator', at(undefined, 'randomState'), /Expected the state of its generator, got none/],
  ['a weight less', tensorOf('dense/bias'), /Expected the weight 'dense\/bias' to be of shape \[3\], got none/],
  ['a weight more', tensorOf('x', new Float32Array(1)), /Expected 8 weight tensors, got 9, among them 'x'/],
  ['a weight of another shape', tensorOf('dense/bias', new Float32Array(3), [1, 3]), /got shape \[1, 3\]/],
  ['a weight of another type', tensorOf('dense/bias', new Int32Array(3)), /to be float32, got int32/],
];

test('each part of a file is checked, and named where it is wrong', async (t) => {
  const { path } = await trained();
  for (const [what, change, reason] of CHANGES) {
    const file = changed(path, change);
    const error = await t.throwsAsync<Coded>(Sequential.load(file), { code: 'ERR_FORMAT' }, what);
    const prefix = `Cannot load a model from '${file}': `;
    t.true(error?.message.startsWith(prefix), what);
    const text = error?.message.slice(prefix.length) ?? '';
    if (typeof reason === 'string') t.is(text, reason, what);
    else t.regex(text, reason, what);
    t.true(text.length <= 410, what);
  }
});

test('any JSON in any place is a network or a sentence', async (t) => {
  const { path } = await trained();
  const values = [
    null,
    true,
    0,
    -1,
    0.5,
    1e308,
    '',
    'relu',
    'x'.repeat(1000),
    [],
    [1],
    {},
    { name: 'relu' },
    { name: {} },
  ];
  const places: (string | number)[][] = [];
  const visit = (value: unknown, place: (string | number)[]): void => {
    if (place.length > 0) places.push(place);
    if (typeof value === 'object' && value !== null)
      for (const key of Object.keys(value))
        visit((value as Json)[key], [...place, Array.isArray(value) ? Number(key) : key]);
  };
  const { architecture, training } = await loadModel(path);
  visit(architecture, ['architecture']);
  visit(training, ['training']);
  t.true(places.length > 80);
  let loaded = 0;
  for (const [i, place] of places.entries())
    for (const value of [values[i % values.length], values[(5 * i + 3) % values.length]]) {
      if (place.length === 1 && (typeof value !== 'object' || value === null || Array.isArray(value))) continue;
      const file = changed(path, at(value, ...place));
      try {
        await Sequential.load(file);
        loaded++;
      } catch (error) {
        const { code, message } = error as Coded;
        const what = `${place.join('.')} = ${JSON.stringify(value)?.slice(0, 40)}: ${message}`;
        t.is(code, 'ERR_FORMAT', what);
        t.regex(message, /: (\S+: )?Expected (?!what save)|is not of/, what);
      }
      rmSync(file);
    }
  t.true(loaded > 0);
});

test('weights that are no numbers are refused, unless they are asked for', async (t) => {
  const { path } = await trained();
  for (const [tensor, what] of [
    ['weights/conv2d/kernel', "weight 'conv2d/kernel'"],
    ['optimizer/conv2d/kernel/m', "optimizer state 'conv2d/kernel/m'"],
  ])
    for (const value of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      const file = changed(path, ({ tensors }) => {
        for (const [name, { data }] of tensors) if (name === tensor) (data as Float32Array)[5] = value;
      });
      const error = await t.throwsAsync<Coded>(Sequential.load(file), { code: 'ERR_FORMAT' });
      t.is(
        error?.message,
        `Cannot load a model from '${file}': Expected the ${what} to be finite, got ${value} at ` +
          'index [1, 0, 0, 1] (load it with { allowNonFinite: true } to have it nevertheless)',
      );
      const loaded = await Sequential.load(file, { allowNonFinite: true });
      if (tensor.startsWith('weights')) t.is(loaded.getWeights()[0].data[5], value);
    }
  t.truthy(await Sequential.load(path, { allowNonFinite: true }));
  await t.throwsAsync(Sequential.load(path, { allowNonFinite: 1 } as never), {
    message: /allowNonFinite to be a boolean/,
  });
  await t.throwsAsync(Sequential.load(path, { allowNan: true } as never), { message: /no option 'allowNan'/ });
});

const LOAD = "((path) => import('fjordnet').then(({ Sequential }) => Sequential.load(path)))";

test('a small file does not ask for a large network, nor for a long time', async (t) => {
  const { path: small } = await trained();
  const state = new RandomState(0).getState();
  const save = async (inputShape: number[], entries: object[], training?: Json) => {
    const path = newPath();
    const architecture = { className: 'Sequential', name: 'x', dtype: 'float32', inputShape, layers: entries };
    await saveModel(path, { architecture, weights: [], randomState: state, ...(training ? { training } : {}) });
    return path;
  };
  const dense = (name: string, units: number) => ({ className: 'Dense', config: { name, units } });
  const adam = { optimizer: { name: 'adam' }, loss: { name: 'meanSquaredError' }, metrics: [] };
  const conv = { name: 'c', filters: 1, kernelSize: [3, 3], padding: 'same', dilationRate: [12_000, 12_000] };
  const many = Array.from({ length: 2000 }, () => ({ className: 'Flatten', config: {} }));
  for (const [path, message] of [
    [await save([30_000], [dense('a', 25_000)], adam), /'a\/kernel' to be of shape \[30000, 25000\], got none/],
    [await save([1], [dense('a', 2 ** 30), dense('b', 2 ** 30)]), /'a\/kernel' to be of shape \[1, 1073741824\], got/],
    [await save([8, 8, 1], [{ className: 'Conv2D', config: conv }]), /'c\/kernel' to be of shape \[3, 3, 1, 1\], got/],
    [await save([4], many), /layers\[0\]\.config\.name to be a string, got undefined/],
  ] as const) {
    const cost = costOf(LOAD, small, path);
    t.is(cost.code, 'ERR_FORMAT');
    t.regex(cost.message, message);
    t.true(cost.seconds < 2, `${cost.seconds} s`);
    t.true(cost.megabytes < 40, `${cost.megabytes} MB`);
  }
});

test('time grows with the number of layers, not with its square', async (t) => {
  const model = sequential({
    layers: Array.from({ length: 2000 }, () => layers.flatten()),
    seed: 1,
  });
  model.build([4]);
  t.is(model.layerNames[1999], 'flatten_1999');
  const path = newPath();
  await model.save(path);
  const { code, seconds } = costOf(LOAD, path, path);
  t.is(code, 'read');
  t.true(seconds < 2, `${seconds} s`);
});

test('training goes on at once from any number of steps that a file says were done', async (t) => {
  const path = newPath();
  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })], seed: 1 });
  model.compile({ optimizer: 'nadam', loss: 'meanSquaredError' });
  await model.save(path);
  const loaded = await Sequential.load(changed(path, at(2 ** 52, 'training', 'iterations')));
  const { loss } = loaded.trainOnBatch([[1, 2]], [[3]]);
  t.true(Number.isFinite(loss));
  t.true(loaded.getWeights().every(({ data }) => data.every(Number.isFinite)));
  t.is(loaded.iterations, 2 ** 52 + 1);
});

test('what the format bounds is bounded, in writing as in reading', async (t) => {
  const path = newPath();
  const metadata = { format: 'fjordnet', version: '1', architecture: `{"a":"${'x'.repeat(2 ** 25)}"}` };
  await writeSafetensors(path, [], metadata);
  await t.throwsAsync(loadModel(path), {
    code: 'ERR_FORMAT',
    message: `Cannot load a model from '${path}': its architecture has 33554440 characters, more than 33554432`,
  });
  await t.throwsAsync(saveModel(path, { architecture: { a: 'x'.repeat(2 ** 25) }, weights: [] }), {
    message: 'Expected architecture to be of at most 33554432 characters as JSON, got 33554440 (number)',
  });
  const list = newPath();
  await writeSafetensors(list, [], { ...metadata, architecture: `{"a":[${'[],'.repeat(3e6)}[]]}` });
  const module = new URL('../dist/io/model-file.js', import.meta.url).href;
  const { code, megabytes } = costOf(`(await import(${JSON.stringify(module)})).loadModel`, path, list);
  t.is(code, 'read');
  t.true(megabytes < 40 * 9, `${megabytes} MB`);
});

test('shapes that are none are refused, as shapes', (t) => {
  const data = new Float32Array(2);
  const refuses = (shape: unknown, message: string) =>
    t.throws(() => formatSafetensors([['a', { shape, data } as Tensor]]), { message });
  refuses([3], "Expected the shape of 'a' to be that of 2 elements, got shape [3]");
  refuses([1, 3], "Expected the shape of 'a' to be that of 2 elements, got shape [1, 3]");
  for (const [shape, shown] of [
    [[-1, -2], 'Array(2)'],
    [[0.5, 4], 'Array(2)'],
    [undefined, 'undefined'],
    [Array(65).fill(1), 'Array(65)'],
  ] as const)
    refuses(shape, `Expected the shape of 'a' to be an array of at most 64 non-negative integers, got ${shown}`);

  const header = JSON.stringify({ a: { dtype: 'U8', shape: Array(65).fill(1), data_offsets: [0, 1] } });
  const bytes = Buffer.concat([Buffer.alloc(8), Buffer.from(header), Buffer.alloc(1)]);
  bytes.writeBigUInt64LE(BigInt(header.length));
  t.throws(() => parseSafetensors(bytes), { code: 'ERR_FORMAT', message: /a list of more than 64 numbers/ });
});

test('long names in a file do not make long messages', async (t) => {
  const name = 'n'.repeat(10_000);
  const path = newPath();
  const header = (entry: string) => {
    const bytes = Buffer.concat([Buffer.alloc(8), Buffer.from(entry)]);
    bytes.writeBigUInt64LE(BigInt(entry.length));
    return bytes;
  };
  const good = { format: 'fjordnet', version: '1', architecture: '{}' };
  const tensor = (dtype: string) => `{"dtype":"${dtype}","shape":[0],"data_offsets":[0,0]}`;
  const attempts: [bytes: Uint8Array | Uint8Array[], load: (path: string) => Promise<unknown>][] = [
    [header(`{"${name}":{}}`), loadModel],
    [header(`{"${name}":${tensor('U8')},"${name}":${tensor('U8')}}`), loadModel],
    [header(`{"a":${tensor(name)}}`), loadModel],
    [header(`{"a":{"${name}":1}}`), loadModel],
    [formatSafetensors([], { ...good, format: name }), loadModel],
    [formatSafetensors([], { ...good, version: name }), loadModel],
    [formatSafetensors([], { ...good, architecture: `{"${name}":{"__proto__":1}}` }), loadModel],
    [formatSafetensors([[name, { shape: [0], data: new Uint8Array(0) }]], good), loadModel],
    [formatSafetensors([], { ...good, architecture: `{"className":"${name}"}` }), loadModel],
  ];
  for (const [i, [bytes, load]] of attempts.entries()) {
    writeFileSync(path, Buffer.concat([bytes].flat()));
    const error = await t.throwsAsync<Coded>(async () => await load(path).then(() => Sequential.load(path)), {
      code: 'ERR_FORMAT',
    });
    t.true((error?.message.length ?? 0) < 600, `${i}: ${error?.message.length}`);
  }
});

test.serial('a file that is named as those of others is warned of, once for each ending', async (t) => {
  const warnings: (Error & { code?: string })[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on('warning', listen);
  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })], seed: 1 });
  for (const name of ['a.keras', 'b.keras', 'c.safetensors', 'd.json', 'e', 'f.onnx'])
    await model.save(join(home, name));
  await new Promise(setImmediate);
  process.off('warning', listen);
  t.deepEqual(
    warnings.map(({ code }) => code),
    ['FJORDNET_ENDING', 'FJORDNET_ENDING'],
  );
  t.regex(warnings[0].message, /a\.keras' is a file in fjordnet's own format, .*\.keras files need one of export\(\)/);
  t.is(String((await Sequential.load(join(home, 'a.keras'))).getWeights()), String(model.getWeights()));
});
