import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Callback, callbacks, layers, Sequential, sequential } from 'fjordnet';

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
