// A process is killed (SIGKILL) while it saves one network after the other to one path, at another moment each round: the
// file is one of them, whole, and what is left behind is in no later save's way.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Sequential } from '../../dist/index.js';

const child = fileURLToPath(new URL('../../build-test/helpers/children/saving.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fjordnet-saves-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
const path = join(folder, 'model');

export async function round(i) {
  const saving = spawn(process.execPath, [child, 'loop', path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(saving.stdout, 'data');
  await sleep((i * 7) % 60);
  saving.kill('SIGKILL');
  await once(saving, 'close');

  const model = await Sequential.load(path);
  const [kernel] = model.getWeights();
  assert.deepEqual(kernel.shape, [100, 2000]);
  assert.ok(kernel.data.every((value) => value === kernel.data[0] && value >= 1));
  const left = readdirSync(folder).filter((name) => name !== 'model');
  assert.ok(left.length <= 1 && left.every((name) => /^\.fjordnet-[0-9a-f]{16}\.tmp$/.test(name)), left.join());
  if (i % 2 === 0)
    for (const name of left) rmSync(join(folder, name)); // else the next round saves beside it
  else {
    await model.save(path);
    for (const name of left) rmSync(join(folder, name));
  }
}
