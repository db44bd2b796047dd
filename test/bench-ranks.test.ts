import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { schedules } from 'fjordnet';

const script = (name: string) => fileURLToPath(new URL(`../scripts/bench/${name}`, import.meta.url));
const model = await import(script('ranks-model.js'));
const folder = mkdtempSync(join(tmpdir(), 'fjordnet-bench-ranks-'));
test.after.always(() => rmSync(folder, { recursive: true }));
const run = (...args: string[]) => promisify(execFile)(process.execPath, [script('ranks.js'), ...args]);

const near = (x: number, y: number, relative = 1e-12) => Math.abs(x - y) <= relative * Math.abs(y);
/** Seconds are whole numbers: a message costs 3, a byte 1/4, its sum 1/8. */
const link = { latency: 3, bandwidth: 4, adding: 8 };

test('what a sum costs, counted by hand', (t) => {
  const cost = (name: string, p: number) => model.ALGORITHMS[name](p, 32, link);
  t.is(cost('recursive doubling', 2), 3 + 8 + 4);
  t.is(cost('recursive doubling', 8), 3 * (3 + 8 + 4));
  t.is(cost('recursive doubling', 5), 2 * (3 + 8 + 4) + (2 * (3 + 8) + 4));
  t.is(cost('reduce-scatter and allgather', 2), 2 * 3 + 8 + 2);
  t.is(cost('reduce-scatter and allgather', 4), 4 * 3 + (3 / 4) * (16 + 4));
  t.is(cost('ring', 4), 6 * 3 + (3 / 4) * (16 + 4));
  t.is(cost('ring', 5), 8 * 3 + (4 / 5) * (16 + 4));
  t.deepEqual(model.allreduce(1, 32, link), { seconds: 0, algorithm: '' });
  t.is(model.allreduce(16, 1, link).algorithm, 'recursive doubling');
  t.is(model.allreduce(16, 1e6, link).algorithm, 'reduce-scatter and allgather');
  t.is(model.allreduce(15, 1e6, link).algorithm, 'ring');
});

test('a step waits for the agreement and the sum, and for the slowest rank', (t) => {
  const cost = { link, bytes: 1000, step: 40, batch: 10, fixed: 10, handOver: 2 };
  const exchange = 2 + (6 + 24 + 6) + (6 + 250 + 62.5); // in two halves, which is cheaper here
  t.is(model.exchange(2, cost), exchange);
  t.is(model.exchange(1, cost), 0);
  const { weak, strong } = model.predict(2, cost);
  t.is(weak.seconds, 40 + exchange);
  t.is(strong.seconds, 10 + 15 + exchange);
  t.true(near(weak.efficiency, 40 / (40 + exchange)));
  t.true(near(strong.efficiency, 40 / (25 + exchange) / 2));
  t.is(model.predict(1, { ...cost, jitter: 0.1 }).weak.seconds, 40);
});

test('the slowest of p ranks: the largest of p normal numbers, where the jitter is small', (t) => {
  // Expected largest of p standard normal numbers: order statistics, Teichroew 1956
  const LARGEST = { 2: 1 / Math.sqrt(Math.PI), 4: 1.029375373, 8: 1.423600306 };
  for (const [p, expected] of Object.entries(LARGEST)) {
    const options = { jitter: 0.01, steps: 50_000 };
    const factor = model.slowest(Number(p), options);
    t.true(Math.abs((factor - 1) / 0.01 - expected) < 0.03, `${p}: ${factor}`);
    t.is(model.slowest(Number(p), options), factor);
    t.not(model.slowest(Number(p), { ...options, seed: 1 }), factor);
  }
  t.is(model.slowest(8, { jitter: 0 }), 1);
});

test('the batch that reaches an efficiency is the smallest one that does', (t) => {
  const cost = {
    link: { latency: 2e-6, bandwidth: 1e9, adding: 4e9 },
    bytes: 2.7e6,
    step: 2.4e-3,
    batch: 128,
    fixed: 3e-4,
  };
  for (const p of [2, 4, 16])
    for (const jitter of [0, 0.02]) {
      const efficiency = (b: number) => {
        const alone = model.compute(b, cost);
        return alone / (alone * model.slowest(p, { jitter }) + model.exchange(p, cost));
      };
      const b = model.batchFor(p, 0.8, { ...cost, jitter });
      t.true(efficiency(b) >= 0.8 && efficiency(b - 1) < 0.8, `${p} ranks: ${b}`);
    }
  t.is(model.batchFor(16, 0.8, { ...cost, jitter: 0.3 }), Number.POSITIVE_INFINITY);
});

test('a link is found again from what it takes', (t) => {
  const points = [96, 4000, 400_000, 4e7].map((bytes) => [bytes, 2e-6 + bytes / 1e10]);
  const { latency, bandwidth } = model.fitLink(points);
  t.true(near(latency, 2e-6, 1e-9) && near(bandwidth, 1e10, 1e-9));
});

test('a link of disturbed sums is neither negative: of all such lines the one with the smallest relative errors', (t) => {
  const disturbed = [
    [96, 4000, 400_000, 2_700_000].map((bytes, i) => [bytes, [9e-3, 25e-3, 4e-3, 3e-3][i]]), // larger sums took less
    [96, 4000, 400_000, 4e7].map((bytes, i) => [bytes, [1e-8, 5e-7, 4e-5, 5e-3][i]]), // small ones took nothing
  ];
  const error = (points: number[][], latency: number, perByte: number) =>
    points.reduce((sum, [bytes, seconds]) => sum + ((latency + bytes * perByte) / seconds - 1) ** 2, 0);
  for (const [i, points] of disturbed.entries()) {
    const { latency, bandwidth } = model.fitLink(points);
    t.is(i === 0 ? 1 / bandwidth : latency, 0);
    t.true(latency >= 0 && bandwidth > 0);
    const least = error(points, latency, 1 / bandwidth);
    for (const l of [0, 1e-9, 0.01 * latency, 0.03 * latency])
      for (const v of [0, 1e-15, 1e-12, 0.01 / bandwidth])
        for (const sign of [-1, 1])
          if (latency + sign * l >= 0 && 1 / bandwidth + v >= 0)
            t.true(error(points, latency + sign * l, 1 / bandwidth + v) >= least * (1 - 1e-12), `${i}: ${l}, ${v}`);
  }
});

test('the table, the rule as a line of code, and the figure', async (t) => {
  const svg = join(folder, 'a.svg');
  const { stdout } = await run(
    'model',
    '--bytes',
    '2.7MB',
    '--ranks',
    '8',
    '--rate',
    '0.01',
    '--svg',
    svg,
    '--jitter',
    '0',
  );
  t.deepEqual(
    [...stdout.matchAll(/^(\d+) +\S+ \S+ +x 1\.000/gm)].map(([, p]) => p),
    ['1', '2', '4', '8'],
  );
  const [, rows, code] = /^2 ranks, (\d+) rows a step: (.*)$/m.exec(stdout)!;
  const warmup = new Function('schedules', `return ${code}`)(schedules);
  t.is(warmup(0), 0.01);
  t.true(near(warmup(Math.round((5 * 60_000) / Number(rows))), (0.01 * Number(rows)) / 128, 1e-3));
  t.regex(readFileSync(svg, 'utf8'), /<title[^>]*>Efficiency of p ranks/);
});

test('what is not understood is told, with the usage', (t) => {
  const said = (...args: string[]) => spawnSync(process.execPath, [script('ranks.js'), ...args], { encoding: 'utf8' });
  for (const [args, message] of [
    [['model', '--latency', '2'], "Expected --latency to be like 2.4ms, got '2'"],
    [['model', '--bandwidth', '2us'], "Expected --bandwidth to be like 10GB/s, got '2us'"],
    [['model', '--batch', '0'], "Expected --batch to be a number from 1 on, got '0'"],
    [['model', '--fixed', '1s'], 'Expected --fixed to be a part of --step, got more'],
    [['measure', '--only', 'rnn'], "Expected --only to name allreduce, cnn or mlp, got 'rnn'"],
    [['measure', '--mpi', 'lam'], "Expected --mpi to name openmpi or mpich, got 'lam'"],
    [['guess'], "Expected 'model' or 'measure', got 'guess'"],
  ] as const) {
    const { status, stderr } = said(...args);
    t.is(status, 2);
    t.is(stderr.split('\n')[0], message);
    t.regex(stderr, /scripts\/bench\/ranks model/);
  }
});

const installed = ['openmpi', 'mpich'].filter((name) => !spawnSync(`mpirun.${name}`, ['--version']).error);
(installed.length > 0 ? test : test.skip)('sums and steps are measured on an MPI that is there', async (t) => {
  t.timeout(120_000);
  const json = join(folder, 'measured.json');
  const { stdout } = await run(
    'measure',
    '--quick',
    '--rounds',
    '1',
    '--mpi',
    installed[0],
    '--only',
    'allreduce,mlp',
    '--json',
    json,
  );
  t.regex(stdout, /model of 2 ranks/);
  const { sums, steps, links } = JSON.parse(readFileSync(json, 'utf8'));
  const low = (seen: { median: number; low: number }[]) =>
    seen.length === 1 && seen[0].low > 0 && seen[0].low <= seen[0].median;
  for (const row of Object.values<Record<string, []>>(sums[installed[0]]))
    t.true(low(row.allreduce) && low(row.out) && low(row.exchange) && (row.c.length === 0 || low(row.c)));
  const { latency, bandwidth } = links[installed[0]].link;
  t.true(latency >= 0 && (bandwidth === null || bandwidth > 0)); // null is JSON's Infinity: of sums that were disturbed
  t.is(steps.mlp.bytes, 4 * (784 * 512 + 512 + 512 * 512 + 512 + 512 * 10 + 10));
  t.deepEqual(Object.keys(steps.mlp.steps), Object.keys(steps.mlp.ends));
  for (const seen of Object.values<[]>({ ...steps.mlp.steps, ...steps.mlp.ends })) t.true(low(seen));
});
