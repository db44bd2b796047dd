// A process ends in the middle of its trainings, in each way and at another moment each round: with its exit code, and
// without a word.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const child = fileURLToPath(new URL('../../build-test/helpers/children/life-cycle.js', import.meta.url));
const ways = ['exit', 'exit-in-products', 'exit-in-worker', 'exit-beside-worker', 'throw', 'exit-at-once'];

export async function round(i) {
  const way = ways[i % ways.length];
  const delay = String((i * 13) % 120);
  const process_ = spawn(process.execPath, [child, way, delay], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 60_000,
  });
  const [[code, signal], stderr] = await Promise.all([once(process_, 'close'), text(process_.stderr)]);
  assert.deepEqual({ code, signal }, { code: way === 'throw' ? 1 : 0, signal: null }, `${way} ${delay}: ${stderr}`);
  if (way !== 'throw') assert.equal(stderr, '');
}
