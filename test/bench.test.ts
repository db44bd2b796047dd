import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

const script = (name: string) => fileURLToPath(new URL(`../scripts/bench/${name}`, import.meta.url));
const load = (name: string) => import(script(name));

test('the benchmark runs a workload without peers and writes its results', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'fjordnet-bench-test-'));
  try {
    const json = join(folder, 'result.json');
    const args = [script('main.js'), '--quick', '--only', 'smoke', '--peers', '', '--json', json];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    t.regex(stdout, /smoke test/);
    const { limits, rows } = JSON.parse(await readFile(json, 'utf8'));
    t.true(limits.length > 0);
    t.is(rows.length, 1);
    t.deepEqual(rows[0].refused, []);
    for (const { peer, values } of rows[0].entries) {
      t.is(peer, 'fjordnet');
      t.is(values.length, 3);
      t.true(values.every((seconds: number) => seconds > 0));
    }
    t.is(rows[0].losses.length, 3);
    t.true(rows[0].losses[2] < rows[0].losses[0]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a peer whose losses differ is refused, whatever its speed', async (t) => {
  const { disagreement } = await load('measure.js');
  t.is(disagreement([2.5, 1.25], [2.5, 1.25], 1e-9), undefined);
  t.is(disagreement([2.5 * (1 + 1e-10)], [2.5], 1e-9), undefined);
  t.regex(disagreement([2.5, 1.2501], [2.5, 1.25], 1e-9), /^loss 2 is 1.2501, ours 1.25$/);
  t.regex(disagreement([Number.NaN], [2.5], 1e-9), /^loss 1 is NaN/);
  t.regex(disagreement([2.5], [2.5, 1.25], 1e-9), /^1 losses where ours are 2$/);
});

test('medians, quartiles and ratios', async (t) => {
  const { ratioSpread, spread } = await load('statistics.js');
  t.deepEqual(spread([4, 1, 3, 2]), { median: 2.5, lower: 1.75, upper: 3.25, least: 1, most: 4 });
  // A drift that both feel leaves the ratio as it is.
  t.deepEqual(ratioSpread([2, 4, 8], [1, 2, 4]), { median: 2, lower: 2, upper: 2, least: 2, most: 2 });
});

test('work of a step: three products a layer, two in the first', async (t) => {
  const { stepFlop, weightShapes } = await load('workloads.js');
  const dense = {
    inputShape: [3],
    batchSize: 5,
    layers: [
      { kind: 'dense', units: 4 },
      { kind: 'dense', units: 2 },
    ],
  };
  t.is(stepFlop(dense), 5 * 2 * (3 * 4 * 2 + 4 * 2 * 3));
  const conv = { kind: 'conv2d', filters: 2, kernelSize: 3, padding: 'valid' };
  const image = {
    inputShape: [5, 6, 1],
    batchSize: 1,
    layers: [conv, { kind: 'flatten' }, { kind: 'dense', units: 2 }],
  };
  t.deepEqual(weightShapes(image), [[3, 3, 1, 2], [2], [24, 2], [2]]);
  t.is(stepFlop(image), 2 * (3 * 4 * 9 * 2 * 2 + 24 * 2 * 3));
});
