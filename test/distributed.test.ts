// Several ranks train one network, under real MPI libraries: the losses and weights of one process with the batch of all, and one end for
// all of them, whatever one rank does.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { layers, Sequential } from 'fjordnet';
import { type Launcher, launchers, ranks, run } from './helpers/mpirun.js';
import { cases } from './helpers/ranks-cases.js';
import { overlapCases } from './helpers/ranks-overlap.js';

const child = fileURLToPath(new URL('helpers/children/ranks.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fjordnet-ranks-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const job = (t: ExecutionContext, launcher: Launcher, n: number, ...args: string[]) =>
  run(t, ranks(launcher, n, child, ...args));

/** The largest difference of two lists of numbers, relative to numbers above 1. */
const apart = (a: readonly number[], b: readonly number[]): number =>
  a.length === b.length
    ? a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]) / Math.max(1, Math.abs(value))), 0)
    : Number.POSITIVE_INFINITY;

const TOLERANCE = { float64: 1e-12, float32: 1e-6 };
const rankOf = (said: any[]) => [...said].sort((a, b) => a.rank - b.rank);

for (const launcher of launchers) {
  const { name } = launcher;
  for (const n of launcher === launchers[0] ? [2, 3, 4] : [3])
    test.serial(`${name}: ${n} ranks train as one process with the batch of all`, async (t) => {
      const dtypes = n === 2 ? ['float64', 'float32'] : ['float64'];
      const { code, said, stderr } = await job(t, launcher, n, 'cases', ...dtypes);
      t.is(code, 0, stderr);
      t.is(said.length, dtypes.length * Object.keys(cases).length);
      for (const { name, dtype, history, weights } of said) {
        const alone = await cases[name](dtype, 8 * n, {});
        const tolerance = TOLERANCE[dtype as keyof typeof TOLERANCE];
        t.deepEqual(Object.keys(history), Object.keys(alone.history), name);
        for (const [log, values] of Object.entries(alone.history))
          t.true(apart(values, history[log]) <= tolerance, `${name}, ${dtype}, ${log}: ${values} and ${history[log]}`);
        for (const [i, { data }] of alone.weights.entries())
          t.true(apart(Array.from(data), weights[i]) <= 10 * tolerance, `${name}, ${dtype}, weight ${i}`);
      }
    });

  test.serial(`${name}: ranks that compute with other instructions have the same weights`, async (t) => {
    const { command, options } = launcher;
    const { code, said, stderr } = await run(t, (mark) => {
      const rank = ['-n', '1', 'env'];
      const program = [process.execPath, child, mark, 'other instructions'];
      return [command, ...options, ...rank, 'FJORDNET_SIMD=baseline', ...program, ':', ...rank, ...program];
    });
    t.is(code, 0, stderr);
    const [first, second] = rankOf(said);
    t.deepEqual(second.together, first.together);
    if (first.simd === second.simd) t.log(`this processor has nothing beyond ${first.simd}`);
    else t.notDeepEqual(second.alone, first.alone);
  });

  for (const n of name === 'MPICH' ? [2] : [3])
    test.serial(`${name}: sums of ${n} ranks that overlap with the backward pass`, async (t) => {
      const { code, said, stderr } = await job(t, launcher, n, 'overlap');
      t.is(code, 0, stderr);
      t.is(said.length, n * Object.keys(overlapCases).length);
      for (const { name, runs } of said) {
        const [first, again, fused] = runs;
        t.deepEqual(again, first, name);
        const [other] = said.filter((line) => line.name === name);
        t.deepEqual(first.weights, other.runs[0].weights, name);
        const alone = await overlapCases[name](8 * n, {});
        const weights = alone.weights.map(({ data }) => Array.from(data));
        for (const expected of [fused, { ...alone, weights }]) {
          t.deepEqual(Object.keys(first.history), Object.keys(expected.history));
          for (const [log, values] of Object.entries<number[]>(expected.history))
            t.true(apart(values, first.history[log]) <= TOLERANCE.float64, `${name}, ${log}`);
          for (const [i, values] of expected.weights.entries())
            t.true(apart(values, first.weights[i]) <= 10 * TOLERANCE.float64, `${name}, weight ${i}`);
        }
      }
    });

  test.serial(`${name}: a training with overlapped sums ends on all ranks, and none overlaps alone`, async (t) => {
    const { code, said, stderr } = await job(t, launcher, 3, 'overlap ends');
    t.is(code, 0, stderr);
    const [first, ...others] = rankOf(said.filter((line) => line.name === 'abort'));
    t.is(others.length, 2);
    for (const other of others) {
      t.is(other.code, 'ERR_ABORTED');
      t.deepEqual([other.iterations, other.weights], [first.iterations, first.weights]);
    }
    const refused = said.filter((line) => line.name === 'alone');
    t.is(refused.length, 3);
    for (const { message } of refused)
      t.regex(message, /^Expected the same call on every rank, got .* on rank 1 and .*"overlap":true\} on rank 0$/);
  });

  test.serial(`${name}: what overlaps is the last gradients, then the first ones`, async (t) => {
    const { said, stderr } = await job(t, launcher, 2, 'overlap parts');
    t.is(said.length, 2, stderr);
    for (const { rank, messages, sums } of said) {
      const differs = (n: number) =>
        `Expected exchange to be called with as many values on all ranks, got ${n} on one and 80001 on another`;
      t.deepEqual(messages, [40_001, 40_000].slice(0, rank + 1).map(differs)); // with the number that stops
      t.deepEqual(sums, [[2], [4]]);
    }
  });

  test.serial(`${name}: one rank ends a training, and all end after the same step`, async (t) => {
    const { code, said, stderr } = await job(t, launcher, 3, 'ends');
    t.is(code, 0, stderr);
    const names = [...new Set(said.map(({ name }) => name))];
    t.is(names.length, 10);
    for (const name of names) {
      const [first, ...others] = rankOf(said.filter((line) => line.name === name));
      t.is(others.length, 2, name);
      for (const other of others) {
        t.is(other.iterations, first.iterations, name);
        t.deepEqual(other.weights, first.weights, name);
      }
      const messages = [first, ...others].map(({ message, code }) => [code, message]);
      const told = (rank: number, message: string) => ['ERR_RANK', `Rank ${rank} of 3 ended the training: ${message}`];
      const expected: Record<string, unknown[]> = {
        'an epoch’s callback throws': [told(1, 'the disk is full'), [undefined, 'the disk is full']],
        'a batch’s callback throws': [told(1, 'no more batches'), [undefined, 'no more batches']],
        'the last callback throws': [told(1, 'at the end'), [undefined, 'at the end']],
        'a batchSize that is none': [
          told(1, 'Expected batchSize to be a positive integer, got -1 (number)'),
          [undefined, 'Expected batchSize to be a positive integer, got -1 (number)'],
        ],
        abort: [
          ['ERR_ABORTED', 'The training was aborted by rank 1; the weights are those after the last finished batch'],
          ['ERR_ABORTED', 'The training was aborted; the weights are those after the last finished batch'],
        ],
      };
      if (name in expected) t.deepEqual(messages, [expected[name][0], expected[name][1], expected[name][0]], name);
      else if (name.startsWith('stop')) t.deepEqual(new Set(messages.flat()), new Set([undefined]), name);
      else if (name === 'another batchSize')
        for (const [, message] of messages)
          t.regex(message, /^Expected the same call on every rank, got .*"batchSize":5.* on rank 1/);
      else t.regex(messages[0][1], /^batch 40 of epoch 0: the source threw: the source is broken$/);
    }
    const stopped = said.filter(({ name }) => name === 'stopTraining at the beginning');
    t.deepEqual(
      stopped.map(({ epochs, iterations }) => [epochs, iterations]),
      Array(3).fill([0, 0]),
    );
  });

  test.serial(`${name}: other samples or networks on a rank are refused on all`, async (t) => {
    const samples = await job(t, launcher, 3, 'other samples');
    for (const { message } of samples.said)
      t.regex(message, /^Expected the same samples on every rank, got others on rank 1/);
    const networks = await job(t, launcher, 3, 'other networks');
    for (const { message } of networks.said)
      t.regex(message, /^Expected the same network, compiled alike, on every rank/);
    t.is(samples.said.length + networks.said.length, 6);
  });

  test.serial(`${name}: options that ranks have to be told alike are refused where they differ`, async (t) => {
    const { code, said, stderr } = await job(t, launcher, 2, 'other options');
    t.is(code, 0, stderr);
    t.is(said.length, 2 * 2 * 6);
    for (const { name, message, iterations } of said) {
      const same = name.startsWith('other samples') ? 'samples' : 'call';
      t.regex(message, new RegExp(`^Expected the same ${same} on every rank, got .* on rank 1`), name);
      t.is(iterations, 0, name);
    }
  });

  test.serial(`${name}: networks that are compiled otherwise on a rank are refused; a rate is rank 0's`, async (t) => {
    const { code, said, stderr } = await job(t, launcher, 2, 'compiled otherwise');
    t.is(code, 0, stderr);
    t.is(said.length, 2 * 10);
    const expected =
      'Expected the same network, compiled alike, on every rank, got another one on rank 1 than on rank 0';
    for (const { name, message, iterations } of said) {
      t.is(message, name === 'learningRate' ? 0.01 : expected, name);
      t.is(iterations, name === 'learningRate' ? 5 : 0, name);
    }
  });

  test.serial(`${name}: what nobody seeded is rank 0's, and what drifts apart comes back to it`, async (t) => {
    for (const how of ['unseeded', 'drift']) {
      const { said } = await job(t, launcher, 3, how);
      t.is(said.length, 3);
      for (const { weights } of said) t.deepEqual(weights, said[0].weights, how);
    }
  });

  test.serial(`${name}: evaluate and predict are a rank's own calls, which wait for nobody`, async (t) => {
    const { code, said, stderr } = await job(t, launcher, 3, 'lone');
    t.is(code, 0, stderr);
    const [first, second] = rankOf(said);
    t.is(said.length, 3);
    t.deepEqual([first.alone, second.alone[0], second.alone[1][0].length], [false, first.own, 300]);
    t.notDeepEqual(second.own, first.own);
    for (const { weights } of said) t.deepEqual(weights, first.weights);
  });

  test.serial(`${name}: each rank brings samples of its own, of other numbers`, async (t) => {
    const { said } = await job(t, launcher, 4, 'shard');
    t.is(
      said.reduce((sum, { rows }) => sum + rows, 0),
      300,
    );
    for (const { weights, history, iterations } of said) {
      t.deepEqual([weights, history, iterations], [said[0].weights, said[0].history, 15]); // of 150 rows in batches of 32
    }
  });

  test.serial(`${name}: moving averages of batch normalization are the mean of those of ranks`, async (t) => {
    const { said } = await job(t, launcher, 2, 'statistics');
    t.is(said.length, 2);
    t.deepEqual([said[0].weights, said[0].history, said[0].rate], [said[1].weights, said[1].history, 0.9 * 0.001]);
    t.true(said[0].history.val_loss.every(Number.isFinite));
  });
}

const [launcher] = launchers;
if (launcher)
  test.serial(
    'a training that was interrupted goes on with another number of ranks; files are written by rank 0',
    async (t) => {
      mkdirSync(join(folder, 'whole'));
      const whole = await job(t, launcher, 1, 'backup', join(folder, 'whole'), '0');
      t.is(whole.code, 0, whole.stderr);
      const path = join(folder, 'parts');
      mkdirSync(path);
      const interrupted = await job(t, launcher, 2, 'backup', path, '3');
      t.deepEqual(
        interrupted.said.map(({ seen }) => seen),
        Array(2).fill([0, 1, 2]),
      );
      const resumed = await job(t, launcher, 3, 'backup', path, '0');
      for (const { seen, weights, rate } of resumed.said) {
        t.deepEqual(seen, [3, 4, 5]);
        t.deepEqual([weights, rate], [resumed.said[0].weights, resumed.said[0].rate]);
      }
      const [alone] = whole.said;
      for (const [i, weight] of resumed.said[0].weights.entries()) t.true(apart(weight, alone.weights[i]) < 1e-11);
      t.deepEqual(
        readFileSync(join(path, '2.csv'), 'utf8').trim().split('\n').length,
        4, // its head, and a line an epoch
      );
      t.deepEqual(
        alone.files.filter((file: string) => file.startsWith('6-')),
        ['6-of-1.safetensors'],
      );
    },
  );

test('options of ranks are checked', async (t) => {
  const network = new Sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })] });
  network.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const [x, y] = [[[1, 2]], [[1]]];
  const world = { rank: 0, size: 2 };
  await t.throwsAsync(network.fit(x, y, { distributed: world as never }), {
    message: /^Expected distributed to be what mpi.init\(\) of fjordnet\/mpi gives, got \{"rank":0,"size":2\}/,
  });
  await t.throwsAsync(network.fit(x, y, { shard: true }), { message: /^Expected shard with distributed/ });
  await t.throwsAsync(network.fit(x, y, { overlap: true }), { message: /^Expected overlap with distributed/ });
});
