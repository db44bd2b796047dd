import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { callbacks, type JsonObject, LabelEncoder, layers, Model, Sequential, sequential, Tokenizer } from 'fjordnet';
import { type Run, saveRun } from '../dist/cli/run-file.js';
import { parseSafetensors, writeSafetensors } from '../dist/io/safetensors.js';

const folder = mkdtempSync(join(tmpdir(), 'fjordnet-metadata-'));
test.after.always(() => rmSync(folder, { recursive: true }));

function network(): Sequential {
  const model = sequential({ layers: [layers.dense({ units: 2, inputShape: [3] })], seed: 1 });
  model.compile({ optimizer: 'adam', loss: 'mse' });
  return model;
}
const [x, y] = [
  [
    [0, 1, 2],
    [3, 4, 5],
  ],
  [
    [0, 1],
    [1, 0],
  ],
];

/** A file with an entry of its `__metadata__` changed. */
async function changed(path: string, entries: Record<string, string>): Promise<string> {
  const { tensors, metadata } = parseSafetensors(readFileSync(path));
  const other = join(folder, 'changed.safetensors');
  await writeSafetensors(other, [...tensors], { ...Object.fromEntries(metadata), ...entries });
  return other;
}

test('what is kept with a network is saved and loaded with it', async (t) => {
  const path = join(folder, 'model.safetensors');
  const tokenizer = new Tokenizer({ vocabularySize: 9 }).fit(['«Blåbær» og "brød"', 'og \ud800 …']);
  const encoder = new LabelEncoder().fit(['nei', 'ja']);
  const model = network();
  t.deepEqual(model.metadata, {});
  model.metadata = { tokenizer: tokenizer.toJSON(), classes: encoder.classes, mean: [0.1 + 0.2, -1e-300], none: null };
  await model.save(path);
  for (const loaded of [await Model.load(path), await Sequential.load(path)]) {
    t.deepEqual(loaded.metadata, model.metadata);
    t.deepEqual(Tokenizer.from(loaded.metadata.tokenizer), tokenizer);
    await loaded.fit(x, y);
    const again = join(folder, 'again.safetensors');
    await loaded.save(again);
    t.deepEqual((await Model.load(again)).metadata, model.metadata);
  }
});

test('it stays through training, checkpoints, resuming and the loading of weights', async (t) => {
  const checkpoint = join(folder, 'checkpoint.safetensors');
  const model = network();
  model.metadata = { a: 1 };
  const save = callbacks.modelCheckpoint({ filepath: checkpoint });
  await model.fit(x, y, { epochs: 2, callbacks: [save, callbacks.backupAndRestore({ path: join(folder, 'backup') })] });
  const loaded = await Model.load(checkpoint);
  t.deepEqual([model.metadata, loaded.metadata], [{ a: 1 }, { a: 1 }]);
  const run = join(folder, 'run.safetensors'); // as the command line saves and resumes
  await saveRun(run, loaded as Sequential, {} as Run);
  t.deepEqual((await Model.load(run)).metadata, { a: 1 });
  loaded.metadata = { b: 2 };
  await loaded.loadWeights(checkpoint);
  loaded.compile({ optimizer: 'sgd', loss: 'mse' });
  t.deepEqual(loaded.metadata, { b: 2 });
});

test('files without it load, and a network that has none saves none', async (t) => {
  const path = join(folder, 'old.safetensors');
  await network().save(path);
  t.false(parseSafetensors(readFileSync(path)).metadata.has('metadata'));
  t.deepEqual((await Model.load(path)).metadata, {});
});

test('it is a copy that nobody changes', (t) => {
  const model = network();
  const own = { words: ['a'], nested: { n: 1 } };
  model.metadata = own;
  own.words.push('b');
  t.deepEqual(model.metadata, { words: ['a'], nested: { n: 1 } });
  t.throws(() => ((model.metadata.words as string[])[0] = 'c'), { instanceOf: TypeError });
  t.throws(() => ((model.metadata as Record<string, unknown>).nested = 1), { instanceOf: TypeError });
});

test('what JSON does not have is refused by its place, and the old one stays', (t) => {
  const model = network();
  model.metadata = { old: true };
  const values = 'a finite number, a string, a boolean, null, or an array or plain object of these';
  const cyclic: Record<string, unknown> = {};
  cyclic.cyclic = cyclic;
  const cases: [unknown, string | RegExp][] = [
    [{ a: [1, Number.NaN] }, `Expected metadata.a[1] to be ${values}, got NaN (number)`],
    [{ a: { b: new Float64Array(2) } }, `Expected metadata.a.b to be ${values}, got Float64Array(2)`],
    [{ tokenizer: new Tokenizer().fit(['a']) }, `Expected metadata.tokenizer to be ${values}, got Tokenizer`],
    [{ a: new Map() }, `Expected metadata.a to be ${values}, got Map`],
    [{ a: () => 1 }, /^Expected metadata\.a to be a finite number/],
    [[], 'Expected metadata to be an object, got Array(0)'],
    [undefined, 'Expected metadata to be an object, got undefined'],
    [cyclic, /at most 100 levels deep/],
    [JSON.parse('{"__proto__":1}'), /a name that is not reserved/],
    [
      { a: 'x'.repeat(2 ** 25) },
      'Expected metadata to be of at most 33554432 characters as JSON, got 33554440 (number)',
    ],
  ];
  for (const [metadata, message] of cases)
    t.throws(
      () => {
        model.metadata = metadata as JsonObject;
      },
      { message },
    );
  t.deepEqual(model.metadata, { old: true });
});

test('files in which it is damaged are refused', async (t) => {
  const path = join(folder, 'good.safetensors');
  await network().save(path);
  const cases: [string, RegExp][] = [
    ['{', /its metadata is not JSON/],
    ['[]', /its metadata has a value that is not an object/],
    ['{"a":{"__proto__":{"polluted":1}}}', /its metadata has \.a\.__proto__ that is not a name/],
    [`{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`, /at most 100 levels deep/],
    [`{"a":"${'x'.repeat(2 ** 25)}"}`, /its metadata has 33554440 characters, more than 33554432/],
  ];
  for (const [metadata, message] of cases)
    await t.throwsAsync(Model.load(await changed(path, { metadata })), { code: 'ERR_FORMAT', message });
  t.deepEqual((await Model.load(await changed(path, { metadata: '{"a":1}' }))).metadata, { a: 1 });
});

test('that of a network within another one stays out of its file', async (t) => {
  const path = join(folder, 'nested.safetensors');
  const inner = sequential({ layers: [layers.dense({ units: 2, inputShape: [3] })], name: 'inner' });
  inner.metadata = { config: { name: 'of the inner one' } };
  const outer = sequential({ layers: [inner, layers.dense({ units: 1 })], seed: 1 });
  outer.metadata = { a: 1 };
  await outer.save(path);
  const loaded = await Model.load(path);
  t.deepEqual(loaded.metadata, { a: 1 });
  t.deepEqual((loaded.getLayer('inner') as Model).metadata, {});
});
