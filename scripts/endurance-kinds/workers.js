// A Worker is terminated in the middle of its trainings, at another moment each round, while the main thread trains on:
// with the bits it has when alone.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { small } from '../../build-test/helpers/lecture.js';

const child = new URL('../../build-test/helpers/children/life-cycle.js', import.meta.url);
const ways = [[], ['sync'], ['large']];

async function train() {
  const { network, x } = small(1, { epochs: 5 });
  await network.train();
  return network.feedForward(x).data;
}
const alone = await train();

export async function round(i) {
  const worker = new Worker(child, { argv: ways[i % ways.length] });
  await once(worker, 'message');
  const own = train();
  await sleep((i * 7) % 40);
  assert.equal(await worker.terminate(), 1);
  assert.deepEqual(await own, alone);
}
