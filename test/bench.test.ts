import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { lastDocument, Workplace } from './helpers/cli.js';

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
  const { stepFlop, weightShapes } = await load('networks.js');
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
  const sequence = { inputShape: [7, 3], batchSize: 5, layers: [{ kind: 'lstm', units: 4 }] };
  t.is(stepFlop(sequence), 5 * 2 * 7 * (3 * 16 * 2 + 4 * 16 * 3), 'its state is learned from the first layer on');
});

test('a graph of layers: what each reads, and nothing to be learned before the first', async (t) => {
  const { dense, encoder, residual, stepFlop, table, walk, weightShapes } = await load('networks.js');
  const two = { ...table(3, 2, 7, 4), batchSize: 5 };
  t.deepEqual(
    walk(two).map(({ kind, sources, shape }: any) => [kind, sources, shape]),
    [
      ['embedding', [1], [2, 16]],
      ['flatten', [2], [32]],
      ['concatenate', [0, 3], [35]],
      ['dense', [4], [4]],
      ['dense', [5], [10]],
    ],
  );
  t.deepEqual(weightShapes(two), [[7, 16], [35, 4], [4], [4, 10], [10]]);
  t.is(stepFlop(two), 5 * 2 * (35 * 4 * 3 + 4 * 10 * 3));

  const layers = walk({ inputShape: [8, 8, 1], layers: residual(2), batchSize: 1 });
  const adds = layers.filter(({ kind }: any) => kind === 'add');
  t.deepEqual(
    adds.map(({ sources }: any) => sources.map((i: number) => layers[i - 1].kind)),
    [
      ['batchNormalization', 'conv2d'],
      ['batchNormalization', 'conv2d'],
    ],
  );
  t.deepEqual(layers.at(-1).weights, [[4, 10], [10]]);
  const other = { inputs: [{ name: 'x', shape: [3] }], layers: [dense(4), { ...dense(2), from: ['x'] }], batchSize: 1 };
  t.is(stepFlop(other), 2 * (3 * 4 + 3 * 2) * 2);

  const block = encoder({ width: 6, numHeads: 2, keyDim: 4, wide: 5 });
  const attention = { inputShape: [7, 3], layers: block, batchSize: 1 };
  const heads = [
    [6, 2, 4],
    [2, 4],
  ];
  t.deepEqual(walk(attention)[1].weights, [...heads, ...heads, ...heads, [2, 4, 6], [6]]);
  t.deepEqual(walk(attention)[2].sources, [1, 2]);
  const perStep = 3 * 6 * 2 + (4 * 6 * 8 + 2 * 6 * 5) * 3;
  t.is(stepFlop(attention), 2 * (7 * (perStep + 2 * 7 * 8 * 3) + 6 * 10 * 3));
});

test('graphs of layers and losses of our own are cases that our network takes', async (t) => {
  const { WORKLOADS } = await load('workloads.js');
  const { writeCase } = await load('case.js');
  const { build } = await load('our-network.js');
  const { readCase } = await load('peers/protocol.js');
  const { NDArray } = await load('../../dist/index.js');
  const folder = await mkdtemp(join(tmpdir(), 'fjordnet-bench-test-'));
  try {
    for (const workload of WORKLOADS.filter(({ id }: any) => /^([opq]|v(-128)?)$/.test(id))) {
      writeCase(folder, workload);
      const array = ({ data, shape }: any) => NDArray.from(data).reshape(shape);
      t.notThrows(() => build(readCase(folder), array), workload.id);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('of a peer with several ways, the losses of each are compared', async (t) => {
  const { measure } = await load('measure.js');
  const { SMOKE } = await load('workloads.js');
  const folder = await mkdtemp(join(tmpdir(), 'fjordnet-bench-test-'));
  const session = (id: string, prepared: object) => ({
    adapter: { id },
    threads: 1,
    label: `${id}@1`,
    ask: async ({ op, count }: any) => (op === 'prepare' ? prepared : { seconds: 0.01 * count, units: count }),
  });
  const running = [
    session('fjordnet', { losses: [2, 1] }),
    session('jax', { losses: [2, 1], modes: ['scan', 'step'], lossesOf: { scan: [2, 1.1], step: [2, 1] } }),
  ];
  try {
    const options = { folder, repetitions: 1, seconds: 0.01, budget: 1 };
    const { entries, refused } = await measure(SMOKE, { running }, options);
    t.deepEqual(
      entries.map(({ peer, mode }: any) => [peer, mode]),
      [
        ['fjordnet', undefined],
        ['jax', 'step'],
      ],
    );
    t.deepEqual(refused, [{ peer: 'jax', reason: 'scan: loss 2 is 1.1, ours 1', skipped: false, threads: [1] }]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** A peer that answers as it is told: a script for Node.js that reads requests line by line. */
const peer = (onRequest: string) => ({
  id: 'numpy',
  title: 'a peer',
  command: [
    process.execPath,
    '-e',
    `const answer = (a) => console.log(JSON.stringify(a));
     answer({ name: 'peer 1', kernel: 'none' });
     require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
       const request = JSON.parse(line);
       ${onRequest}
     });`,
  ],
});

test('a peer whose process is killed, ends or is not there is an answer, and it begins anew with the next workload', async (t) => {
  const { Session } = await load('session.js');
  const fickle = new Session(
    peer("if (request.op === 'run') process.kill(process.pid, 'SIGKILL'); else answer({ losses: [1] });"),
    1,
  );
  t.deepEqual(await fickle.start(), { name: 'peer 1', kernel: 'none' });
  t.deepEqual(await fickle.ask({ op: 'prepare' }), { losses: [1] });
  t.regex((await fickle.ask({ op: 'run' })).error, /killed by SIGKILL, as the system does when memory runs out/);
  t.regex((await fickle.ask({ op: 'run' })).error, /killed by SIGKILL/);
  t.deepEqual(await fickle.ask({ op: 'prepare' }), { losses: [1] });
  await fickle.stop();

  const failing = new Session(peer("console.error('no such kernel'); process.exit(3);"), 1);
  await failing.start();
  t.is((await failing.ask({ op: 'prepare' })).error, 'its process ended with code 3: no such kernel');
  const absent = new Session({ ...peer(''), command: ['/nonexistent/python'] }, 1);
  t.regex((await absent.start()).error, /^it does not start: .*ENOENT/);
});

test('a peer that takes long gets fewer repetitions, one that fails none', async (t) => {
  const { interleave } = await load('interleave.js');
  const requests: string[] = [];
  const cell = (id: string, seconds: number, more = {}, failing = false) => ({
    session: {
      adapter: { id, ...more },
      async ask({ count, steps }: { count?: number; steps?: number }) {
        requests.push(id);
        if (failing) return { error: 'out of order' };
        const units = steps ?? 10 * (count ?? 0);
        return { seconds: seconds * units, units };
      },
    },
  });
  const quick = cell('quick', 0.01);
  const slow = cell('slow', 0.4);
  const slowest = cell('slowest', 100);
  const steps = cell('steps', 0.4, { steps: true });
  const broken = cell('broken', 0.1, {}, true);
  const { measured, failures } = await interleave([quick, slow, slowest, steps, broken], {
    repetitions: 5,
    seconds: 0.1,
    budget: 10,
    stepsPerEpoch: 10,
  });
  t.deepEqual(
    [quick, slow, slowest, steps].map((c) => measured.get(c).length),
    [5, 2, 1, 5],
  );
  t.true(measured.get(slowest).every((s: number) => Math.abs(s - 100) < 1e-9));
  t.deepEqual([...failures], [[broken, { error: 'out of order' }]]);
  const rounds = ['quick', 'slow', 'steps', 'quick', 'slow', 'steps', ...Array(3).fill(['quick', 'steps']).flat()];
  t.deepEqual(requests.slice(-rounds.length), rounds);
});

test('a run goes on only with rows of the same machine, versions and options', async (t) => {
  const { sameRun } = await load('resume.js');
  const run = {
    machine: { processor: 'one', cores: 2, node: 'v20', commit: 'abc', load: 1 },
    peers: [{ id: 'numpy', name: 'NumPy 2', kernel: 'OpenBLAS' }],
    repetitions: 7,
    seconds: 0.25,
    budget: 8,
  };
  t.is(sameRun(run, { ...run, machine: { ...run.machine, load: 2 } }), undefined);
  t.is(sameRun(run, { ...run, machine: { ...run.machine, commit: 'abd' } }), 'commit');
  t.is(sameRun(run, { ...run, repetitions: 3 }), 'number of repetitions');
  t.is(sameRun(run, { ...run, peers: [{ id: 'numpy', name: 'NumPy 3', kernel: 'OpenBLAS' }] }), 'set of peers');
});

test('a row that falls short says whether the target is within reach of the processor', async (t) => {
  const { verdicts, withinReach } = await load('report.js');
  const entry = (peerId: string, median: number) => ({ peer: peerId, threads: 2, values: [median], median });
  const row = {
    dtype: 'float64',
    flop: 1e9,
    targets: { peers: { numpy: 3, pytorch: 2 } },
    entries: [entry('fjordnet', 0.1), entry('numpy', 0.2), entry('pytorch', 0.3)],
    best: ['fjordnet', 'numpy', 'pytorch'].map((id) => ({ peer: id, threads: 2 })),
    ratios: { numpy: { median: 2 }, pytorch: { median: 3 } },
  };
  const limits = (dgemm: number) => [
    { threads: 1, dgemm: 1 },
    { threads: 2, dgemm },
  ];
  t.deepEqual(
    verdicts(row, { limits: limits(20) }).map(({ met }: { met: boolean }) => met),
    [false, true],
  );
  t.regex(withinReach(row, { limits: limits(20) })[0], /would be 4\.00x NumPy: the target is within its reach/);
  t.regex(withinReach(row, { limits: limits(12) })[0], /would be 2\.40x NumPy: the target is beyond this processor/);
});

test('fjordnet bench measures on the machine it is on', async (t) => {
  const place = new Workplace();
  try {
    const [json, text, wrong] = await Promise.all([
      place.run('bench', '--seconds', '0.02', '--threads', '1', '--json'),
      place.run('bench', '--seconds', '0.02'),
      place.run('bench', '--seconds', 'long'),
    ]);
    t.is(json.code, 0, json.stderr);
    const { threads, version, results } = lastDocument(json.stdout) as any;
    t.is(threads, 1);
    t.truthy(version);
    t.deepEqual(
      results.map(({ name }: { name: string }) => name),
      ['lecture-step', 'dense-step', 'cnn-step', 'grid', 'predict', 'event-loop'],
    );
    for (const { median, least = median, most = median, p99 = median, max = p99 } of results)
      t.true(least > 0 && least <= median && median <= most && median <= p99 && p99 <= max);
    t.is(text.code, 0, text.stderr);
    t.regex(text.stdout, /^fjordnet \d.*own kernels.*\n.*threads\nstep, 64-50-10, batch 100, float64 +[\d.]+ [µm]s/);
    t.is(wrong.code, 2);
    t.regex(wrong.stderr, /Expected --seconds to be a number/);
  } finally {
    place.remove();
  }
});
