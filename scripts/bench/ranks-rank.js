// A process of scripts/bench/ranks measure. Its argument is JSON: { bytes: number[], seconds } for sums, or { id: a workload, threads,
// rows, steps, epochs, exchange, overlap } for steps. Rank 0 prints JSON.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { NDArray, optimizers, RandomState, setThreads } from 'fjordnet';
import { mpi } from 'fjordnet/mpi';
import { Tape } from '../../dist/tape.js';
import { networkOf } from './our-network.js';
import { quantile } from './statistics.js';
import { WORKLOADS } from './workloads.js';

const PARTS = 30;
const asked = JSON.parse(process.argv[2]);
const world = asked.threads && !asked.exchange && !asked.together ? undefined : await mpi.init({ timeout: 60_000 });
const answer = asked.bytes ? await sums(asked) : await steps(asked);
if (!world || world.rank === 0) console.log(JSON.stringify(answer));

/** Sums of so many bytes of float32: calls of world.allreduce, also into one array and in place, and the steps of a plan that does nothing else. */
async function sums({ bytes, seconds }) {
  const results = [];
  for (const size of bytes) {
    const values = new Float32Array(size / 4);
    const out = new Float32Array(values.length);
    const shared = new Float32Array(new SharedArrayBuffer(size));
    const plan = exchanging(values.length);
    const ways = {
      allreduce: async (count) => {
        for (let i = 0; i < count; i++) await world.allreduce(values);
      },
      out: async (count) => {
        for (let i = 0; i < count; i++) await world.allreduce(values, 'sum', { out });
      },
      inPlace: async (count) => {
        for (let i = 0; i < count; i++) await world.allreduce(shared, 'sum', { out: shared });
      },
      exchange: (count) => plan(count),
    };
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const row = { bytes: size };
    for (const way of Object.values(ways)) await way(2);
    const counts = {};
    for (const [name, way] of Object.entries(ways))
      counts[name] = Math.ceil(seconds / PARTS / (await world.broadcast(await timed(way, 2))));
    const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
    delay.enable();
    for (let part = 0; part < PARTS; part++)
      for (const [name, way] of Object.entries(ways)) {
        await world.barrier();
        times[name].push(await timed(way, counts[name]));
      }
    delay.disable();
    for (const name of Object.keys(ways)) row[name] = undisturbed(times[name]);
    row.eventLoop = { p99: delay.percentile(99) / 1e9, most: delay.max / 1e9 };
    results.push(row);
  }
  return { library: world.library, sums: results };
}

async function timed(way, count) {
  const start = performance.now();
  await way(count);
  return (performance.now() - start) / 1000 / count;
}

/** Runs so many steps of a plan whose step is the sum of n numbers. */
function exchanging(n) {
  const tape = new Tape('float32');
  tape.fixed('gradient', 'g', [n - 1]); // and the number that stops
  tape.program('sum');
  tape.exchangeGradients();
  const plan = tape.compile();
  const { rank, size, exchange } = world;
  return async (count) => {
    const shares = Int32Array.from({ length: 3 * count }, (_, i) => [1, rank, size][i % 3]);
    await plan.run({ program: 'sum', inputs: [], batchSize: 1, first: 0, count, shares, exchange });
  };
}

/** Seconds of a step, and of an epoch's end, behind the first epoch. `exchange`: in one training with the other ranks. */
async function steps({ id, threads, rows, steps, epochs, exchange, overlap }) {
  setThreads(threads);
  const workload = WORKLOADS.find((one) => one.id === id);
  const random = new RandomState(1);
  const n = steps * rows * (exchange ? world.size : 1);
  const x = NDArray.from(random.randomSample([n, ...workload.inputShape]), { dtype: 'float32' });
  const model = networkOf({ ...workload, inputs: [{ shape: workload.inputShape }], seed: 0 });
  const optimizer = optimizers.sgd({ learningRate: workload.learningRate });
  model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy' });
  const seen = { steps: [], ends: [] };
  let [epoch, batch, at] = [0, 0, 0];
  const passed = () => {
    const before = at;
    at = performance.now();
    return (at - before) / 1000;
  };
  const clock = {
    onEpochBegin(of) {
      [epoch, batch] = [of, 0];
      passed();
    },
    onProgress(batches) {
      const seconds = passed() / (batches - batch);
      batch = batches;
      if (epoch > 0) seen.steps.push(seconds);
    },
    onEpochEnd() {
      if (epoch > 0) seen.ends.push(passed());
    },
  };
  await world?.barrier();
  const labels = random.randint(0, 10, [n]);
  const ranked = exchange && { distributed: world, ...(overlap && { overlap }) };
  await model.fit(x, labels, { batchSize: rows, epochs: epochs + 1, callbacks: clock, ...ranked });
  await world?.barrier();
  const bytes = 4 * model.getWeights().reduce((sum, { size }) => sum + size, 0);
  return { bytes, seconds: undisturbed(seen.steps), end: undisturbed(seen.ends) };
}

/** The median, and what nine of ten are above: on a machine that others use, as close as one gets to what it takes alone. */
function undisturbed(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.1) };
}
