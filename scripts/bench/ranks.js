// scripts/bench/ranks model [options]: what a step takes on 1, 2, 4, … ranks, for a link and a network that options describe
//   --latency 2us --bandwidth 10GB/s   of the link; --adding 8GB/s of the sums (default: without cost)
//   --bytes 2.7MB                      of gradients
//   --step 2.4ms --batch 128           what one rank takes for a step of so many rows
//   --fixed 0.3ms                      of it, what does not depend on the rows (default 0)
//   --jitter 0.05                      standard deviation of a step's time, as a share of it (default 0.05); --seed 0
//   --hand-over 20us                   to the thread of MPI and back (default 0)
//   --ranks 64                         up to so many (default 64)
//   --efficiency 0.8                   for which the batch of a rank is to suffice
//   --rate 0.01 --samples 60000 --warmup 5   the linear scaling rule: rate of a batch of --batch rows, samples and epochs of warm-up
//   --svg FILE                         efficiency against ranks
// scripts/bench/ranks measure [options]: sums and steps on this machine, beside the model
//   --mpi openmpi,mpich                default: those that are installed
//   --rounds 5                         of everything in turn; the medians and the least of them are printed
//   --only allreduce,cnn,mlp           parts of it
//   --launch 'mpirun -H a:1,b:1 …'     starts two ranks, as on two hosts, in place of --mpi
//   --quick                            to see that everything works, not to be quoted
//   --json FILE; --svg FILE            the sums, and the model's
import { parseArgs } from 'node:util';
import { batchFor, predict, scaled } from './ranks-model.js';
import { number, quantity, shown, table } from './ranks-units.js';
import { usageOf } from './usage.js';

const string = { type: 'string' };
const config = {
  allowPositionals: true,
  options: {
    latency: { type: 'string', default: '2us' },
    bandwidth: { type: 'string', default: '10GB/s' },
    adding: string,
    bytes: { type: 'string', default: '2.7MB' },
    step: { type: 'string', default: '2.4ms' },
    batch: { type: 'string', default: '128' },
    fixed: { type: 'string', default: '0s' },
    jitter: { type: 'string', default: '0.05' },
    seed: { type: 'string', default: '0' },
    'hand-over': { type: 'string', default: '0s' },
    ranks: { type: 'string', default: '64' },
    efficiency: { type: 'string', default: '0.8' },
    rate: string,
    samples: { type: 'string', default: '60000' },
    warmup: { type: 'string', default: '5' },
    svg: string,
    mpi: string,
    launch: string,
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'allreduce,cnn,mlp' },
    json: string,
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
};

try {
  const { values, positionals } = parseArgs(config);
  if (values.help) console.log(usageOf(import.meta.url));
  else if (positionals.join() === 'model') await model(values);
  else if (positionals.join() === 'measure') await (await import('./ranks-measure.js')).measure(values);
  else throw new TypeError(`Expected 'model' or 'measure', got '${positionals.join(' ')}'`);
} catch (error) {
  if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
  console.error(`${error.message}\n${usageOf(import.meta.url)}`);
  process.exitCode = 2;
}

async function model(options) {
  const seconds = (name) => quantity(name, options[name], 's');
  const rate = (name) =>
    options[name] === undefined ? Number.POSITIVE_INFINITY : quantity(name, options[name], 'B/s');
  const cost = {
    link: { latency: seconds('latency'), bandwidth: rate('bandwidth'), adding: rate('adding') },
    bytes: quantity('bytes', options.bytes, 'B'),
    step: seconds('step'),
    batch: number('batch', options.batch, 1),
    fixed: seconds('fixed'),
    handOver: seconds('hand-over'),
    jitter: number('jitter', options.jitter),
    seed: number('seed', options.seed),
  };
  if (cost.fixed > cost.step) throw new RangeError('Expected --fixed to be a part of --step, got more');
  const wanted = number('efficiency', options.efficiency);
  const most = number('ranks', options.ranks, 2);
  const counts = [1];
  while (2 * counts.at(-1) <= most) counts.push(2 * counts.at(-1));
  const rows = counts.map((p) => predict(p, cost));
  const percent = (share) => `${(100 * share).toFixed(0)} %`;
  const batches = counts.map((p) => (p === 1 ? cost.batch : batchFor(p, wanted, cost)));
  console.log(
    `A step of ${cost.batch} rows on each rank ('weak'), or on all of them ('strong'); 'slowest' is the simulation of the jitter\n`,
  );
  console.log(
    table([
      ['ranks', 'exchange', 'slowest', 'weak', 'efficiency', 'strong', 'speedup', `rows for ${percent(wanted)}`],
      ...rows.map((row, i) => [
        String(row.p),
        shown(row.exchange, 's'),
        `x ${row.factor.toFixed(3)}`,
        shown(row.weak.seconds, 's'),
        percent(row.weak.efficiency),
        shown(row.strong.seconds, 's'),
        row.strong.speedup.toFixed(2),
        Number.isFinite(batches[i]) ? String(batches[i]) : 'never',
      ]),
    ]),
  );
  for (const [p, algorithm] of chosen(rows)) console.log(`From ${p} ranks on the cheapest sum is by ${algorithm}`);
  if (options.rate !== undefined) rule(options, cost, counts, batches);
  if (options.svg !== undefined) await (await import('./ranks-chart.js')).efficiency(rows, cost).save(options.svg);
}

/** The numbers of ranks from which on another algorithm is the cheapest. */
function chosen(rows) {
  const all = rows.map(({ p, algorithm }) => [p, algorithm]);
  return all.filter(([, algorithm], i) => i > 0 && algorithm !== all[i - 1][1]);
}

function rule({ rate, samples, warmup }, { batch }, counts, batches) {
  const all = number('samples', samples, 1);
  const epochs = number('warmup', warmup);
  console.log('\nThe linear scaling rule, for the larger of --batch and the rows above on each rank:');
  for (const [i, p] of counts.entries()) {
    const rows = p * Math.max(batch, batches[i]);
    if (p === 1 || !(rows <= all)) continue;
    const { learningRate, warmupSteps, initialLearningRate } = scaled({
      rate: number('rate', rate),
      batch,
      rows,
      samples: all,
      epochs,
    });
    console.log(
      `${p} ranks, ${rows} rows a step: schedules.warmup({ learningRate: ${Number(learningRate.toPrecision(4))}, warmupSteps: ${warmupSteps}, initialLearningRate: ${initialLearningRate} })`,
    );
  }
}
