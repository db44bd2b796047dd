import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  type Callback,
  callbacks,
  data,
  gridSearch,
  layers,
  MLPRegressor,
  NDArray,
  Sequential,
  sequential,
  writeNpy,
} from 'fjordnet';
import { writeSafetensors } from '../dist/io/safetensors.js';
import { all } from './helpers/elements.js';
import { drawShapes } from './helpers/shapes.js';

/** Two folders; the process is in the first. */
function folders(t: ExecutionContext): [home: string, other: string] {
  const root = mkdtempSync(join(tmpdir(), 'fjordnet-'));
  t.teardown(() => {
    process.chdir(tmpdir());
    rmSync(root, { recursive: true, force: true });
  });
  const both = ['{home}', 'other'].map((name) => join(root, name)) as [string, string];
  for (const folder of both) mkdirSync(folder);
  process.chdir(both[0]);
  return both;
}

test.serial('callbacks write from the folder they were made in, wherever the process goes', async (t) => {
  const [home, other] = folders(t);
  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1 });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const checkpoint = callbacks.modelCheckpoint({ filepath: 'saved/{epoch}.safetensors' });
  const list: Callback[] = [
    callbacks.csvLogger('log.csv'),
    callbacks.tensorBoard('events', { updateFreq: 'batch' }),
    checkpoint,
    callbacks.backupAndRestore({ path: 'backup', deleteCheckpoint: false }),
  ];
  const away: Callback = { onEpochEnd: (epoch) => process.chdir(epoch === 1 ? home : other) };
  await model.fit([[1], [2]], [[2], [4]], { epochs: 3, callbacks: [...list, away] });
  process.chdir(other);
  await model.fit([[1], [2]], [[2], [4]], { epochs: 4, callbacks: list });
  t.deepEqual(readdirSync(other), []);
  t.deepEqual(readdirSync(home).sort(), ['backup', 'events', 'log.csv', 'saved']);
  t.deepEqual(
    readdirSync('../{home}/saved').sort(),
    [1, 2, 3, 4].map((epoch) => `${epoch}.safetensors`),
  );
  t.deepEqual(readdirSync(join(home, 'backup')), ['epoch-4.safetensors']);
  t.is(readFileSync(join(home, 'log.csv'), 'utf8').trim().split('\n').length, 2, 'the fourth epoch alone: it went on');
  t.true(existsSync(checkpoint.lastSaved as string));
  t.true((await Sequential.load(checkpoint.lastSaved as string)) instanceof Sequential);
});

test.serial('link/.. is the folder above the one that the link leads to', async (t) => {
  const [home, other] = folders(t);
  mkdirSync(join(other, 'deep'));
  symlinkSync(join(other, 'deep'), 'link', 'junction');
  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1 });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const checkpoint = callbacks.modelCheckpoint({ filepath: 'link/../a.safetensors' });
  await model.fit([[1], [2]], [[2], [4]], {
    epochs: 1,
    callbacks: [callbacks.csvLogger('link/../log.csv'), checkpoint],
  });
  for (const folder of [home, other])
    writeFileSync(join(folder, 'rows.csv'), folder === other ? 'a,b\n1,2\n' : 'a\n1\n2\n');
  const isWindows = process.platform === 'win32'; // where the path alone says what it is
  t.is((await all(data.csv('link/../rows.csv'))).length, isWindows ? 2 : 1);
  t.deepEqual(
    readdirSync(isWindows ? home : other)
      .filter((name) => /^(a\.|log)/.test(name))
      .sort(),
    ['a.safetensors', 'log.csv'],
  );
});

test.serial('datasets are read from the folder they were made in', async (t) => {
  const [, other] = folders(t);
  writeFileSync('rows.csv', 'a,b\n1,2\n3,4\n');
  await writeNpy('x.npy', NDArray.from([[1], [2]]));
  await writeSafetensors('x.safetensors', [['x', NDArray.from([[1], [2]])]]);
  copyFileSync(new URL('../test/fixtures/parquet/groups.parquet', import.meta.url), 'groups.parquet');
  await drawShapes('shapes', { 'red disc': 2, 'blue disc': 2 }, 1);
  const sets = [
    data.csv('rows.csv'),
    data.npy('x.npy'),
    data.npy(['x.npy', 'x.npy']),
    data.safetensors('x.safetensors', ['x', 'x']),
    data.parquet('groups.parquet', { columns: ['required'] }).take(3),
    data.imageFolder('shapes', { size: [4, 4] }),
  ];
  const expected = await Promise.all(sets.map((set) => all<unknown>(set)));
  process.chdir(other);
  for (const [k, set] of sets.entries()) t.deepEqual(await all<unknown>(set), expected[k]);
});

test.serial('a search writes its journal into the folder it began in', async (t) => {
  const [home, other] = folders(t);
  const x = [[1], [2], [3], [4]];
  await gridSearch({
    grid: { alpha: [0.1, 1, 10] },
    build: (params) => new MLPRegressor({ ...params, hiddenLayerSizes: [2], maxIter: 2, randomState: 1 }),
    train: [x, [1, 2, 3, 4]],
    journal: 'journal.jsonl',
    onResult: () => process.chdir(other),
  });
  t.deepEqual(readdirSync(other), []);
  t.is(readFileSync(join(home, 'journal.jsonl'), 'utf8').trim().split('\n').length, 4);
});
