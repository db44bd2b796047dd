// What sums and steps take on this machine: everything in turn, in processes of its own, beside the model of what was measured.
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { machine } from './machine.js';
import { exchange, fitLink } from './ranks-model.js';
import { number, shown, table } from './ranks-units.js';
import { spread } from './statistics.js';

const script = (name) => fileURLToPath(new URL(name, import.meta.url));
/** Each rank has a processor of its own, as Open MPI's launcher gives it: two on one wait for each other's turns. */
const MPIS = {
  openmpi: [
    ...['mpirun.openmpi', '--allow-run-as-root', '--oversubscribe', '--bind-to', 'core'],
    ...['--mca', 'mpi_yield_when_idle', '1', '-n', '2'],
  ],
  mpich: ['mpirun.mpich', '-bind-to', 'core', '-n', '2'],
};
/** Debian's packages with the headers. */
const DEVELOPMENT = { openmpi: 'libopenmpi-dev', mpich: 'libmpich-dev' };
/** Of an agreement, of a small layer, of 100,000 weights, of the MLP and the CNN below, and of much. */
const BYTES = [96, 4_000, 400_000, 2_700_000, 4_800_000, 40_000_000];
const QUICK_BYTES = BYTES.slice(0, 4);
const SECONDS = 0.3;
const STEPS = { cnn: { id: 'f', steps: 16, epochs: 3 }, mlp: { id: 'e', steps: 128, epochs: 3 } };
const ROWS = 128;

export async function measure({ mpi, launch, rounds, only, json, svg, quick }) {
  const parts = only.split(',');
  for (const part of parts)
    if (part !== 'allreduce' && !STEPS[part])
      throw new TypeError(`Expected --only to name allreduce, cnn or mlp, got '${part}'`);
  const launchers = launch ? { 'two hosts': launch.split(/\s+/) } : installed(mpi);
  if (Object.keys(launchers).length === 0)
    throw new TypeError('Expected an MPI on this machine, found none: apt-get install openmpi-bin, or mpich');
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-ranks-'));
  const seen = { machine: machine(), sums: {}, steps: {} };
  try {
    const jobs = [];
    for (const [name, launcher] of Object.entries(launchers)) {
      if (!parts.includes('allreduce')) continue;
      const c = launch ? undefined : compiled(name, folder);
      seen.sums[name] = new Map();
      jobs.push(() => sums(seen.sums[name], launcher, c, quick ? QUICK_BYTES : BYTES, quick ? 0.1 : 1));
    }
    for (const part of parts.filter((part) => STEPS[part])) {
      const workload = { ...STEPS[part], ...(quick && { steps: 2, epochs: 1 }) };
      const row = { bytes: 0, steps: {}, ends: {} };
      seen.steps[part] = row;
      for (const [way, run] of ways(workload, launchers)) {
        row.steps[way] = [];
        row.ends[way] = [];
        jobs.push(async () => {
          const { bytes, seconds, end } = await run();
          row.bytes = bytes;
          row.steps[way].push(seconds);
          row.ends[way].push(end);
        });
      }
    }
    const most = number('rounds', rounds, 1);
    for (let round = 1; round <= most; round++) {
      console.error(`round ${round} of ${most}`);
      for (const job of jobs)
        await job().catch(({ message, stderr }) => console.error(`left out: ${message}${stderr ?? ''}`));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const result = report(seen, launchers);
  if (json) writeFileSync(json, `${JSON.stringify(result, null, 1)}\n`);
  if (svg && parts.includes('allreduce')) await (await import('./ranks-chart.js')).sums(result.links).save(svg);
}

function installed(wanted) {
  const names = wanted?.split(',') ?? Object.keys(MPIS);
  for (const name of names)
    if (!MPIS[name]) throw new TypeError(`Expected --mpi to name openmpi or mpich, got '${name}'`);
  return Object.fromEntries(names.filter((name) => found(MPIS[name][0])).map((name) => [name, MPIS[name]]));
}

function found(command) {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The C program, where a compiler and MPI's headers are there: mpirun's package brings mpicc, but not the headers it needs. */
function compiled(name, folder) {
  const program = join(folder, name);
  try {
    execFileSync(`mpicc.${name}`, ['-O2', script('ranks-allreduce.c'), '-o', program], { stdio: 'pipe' });
    return program;
  } catch ({ stderr, message }) {
    const why = stderr?.toString().trim().split('\n')[0] || message;
    console.error(`nothing to compare the sums of ${name} with: ${why} (apt-get install gcc ${DEVELOPMENT[name]})`);
    return undefined;
  }
}

/** As one starts it: what the shell was told for tests of processors is not for measurements. */
async function run([command, ...args]) {
  const { OPENBLAS_CORETYPE: _, OPENBLAS_L2_SIZE: __, ...env } = process.env;
  const { stdout } = await promisify(execFile)(command, args, { env, maxBuffer: 2 ** 26 });
  return stdout;
}

const rank = async (launcher, asked) =>
  JSON.parse(await run([...launcher, process.execPath, script('ranks-rank.js'), JSON.stringify(asked)]));

async function sums(seen, launcher, c, sizes, share) {
  const seconds = share * SECONDS;
  const { sums } = await rank(launcher, { bytes: sizes, seconds });
  const lines = c ? (await run([...launcher, c, String(seconds), ...sizes.map(String)])).trim().split('\n') : [];
  const ofC = new Map(lines.map((line) => line.trim().split(' ').map(Number)).map(([bytes, ...rest]) => [bytes, rest]));
  for (const { bytes, eventLoop, ...times } of sums) {
    if (!seen.has(bytes)) seen.set(bytes, { c: [], allreduce: [], out: [], inPlace: [], exchange: [], eventLoop: [] });
    const row = seen.get(bytes);
    const [median, low] = ofC.get(bytes) ?? [];
    if (low) row.c.push({ median, low });
    for (const [way, seconds] of Object.entries(times)) row[way].push(seconds);
    row.eventLoop.push(eventLoop);
  }
}

/** Ways to take steps of the same rows. */
function ways(workload, launchers) {
  const half = { ...workload, threads: 1, rows: ROWS / 2 };
  const alone = (threads, rows) => () => rank([], { ...workload, threads, rows });
  const all = [
    ['1 thread', alone(1, ROWS)],
    ['2 threads', alone(2, ROWS)],
    ['1 thread, half the rows', alone(1, ROWS / 2)],
  ];
  for (const [name, launcher] of Object.entries(launchers)) {
    all.push([`2 ranks apart, ${name}`, () => rank(launcher, { ...half, together: true })]);
    all.push([`2 ranks, ${name}`, () => rank(launcher, { ...half, exchange: true })]);
    all.push([`2 ranks, overlapped, ${name}`, () => rank(launcher, { ...half, exchange: true, overlap: true })]);
  }
  return all;
}

function report({ machine, sums, steps }, launchers) {
  const { processor, cores, system, load } = machine;
  console.log(
    `${processor}, ${cores} cores, ${system}, load ${load.toFixed(1)} at the beginning; medians; in brackets what nine of ten are above, of the least disturbed round`,
  );
  const links = {};
  for (const [name, rows] of Object.entries(sums)) links[name] = reportSums(name, rows);
  for (const [part, row] of Object.entries(steps)) reportSteps(part, row, links, launchers);
  return {
    machine,
    links,
    sums: Object.fromEntries(Object.entries(sums).map(([name, rows]) => [name, Object.fromEntries(rows)])),
    steps,
  };
}

/** Of all rounds: what was least disturbed. */
const least = (values) => Math.min(...values.map(({ low }) => low));
const both = (values) =>
  values.length === 0
    ? ''
    : `${shown(spread(values.map(({ median }) => median)).median, 's')} (${shown(least(values), 's')})`;

/** The link that the least disturbed sums show, and what handing over to MPI's thread adds to them. */
function reportSums(name, rows) {
  const points = (way) => [...rows].map(([bytes, row]) => [bytes, least(row[way])]);
  const link = fitLink(points(rows.get(BYTES[0]).c.length > 0 ? 'c' : 'exchange'));
  const handOver = Math.max(0, least(rows.get(BYTES[0]).exchange) - exchange(2, { bytes: BYTES[0], link }));
  console.log(
    `\n${name}: latency ${shown(link.latency, 's')}, bandwidth ${shown(link.bandwidth, 'B/s')}, hand-over ${shown(handOver, 's')}\n`,
  );
  const header = [
    'sum of 2 ranks',
    'C',
    'world.allreduce',
    'of C',
    'with out',
    'of C',
    'in place',
    'of C',
    "a plan's exchange",
    'of C',
    'model',
    'event loop, p99',
  ];
  const lines = [...rows].map(([bytes, row]) => {
    const times = (way) => (row.c.length > 0 ? `x ${(least(row[way]) / least(row.c)).toFixed(2)}` : '');
    return [
      shown(bytes, 'B'),
      both(row.c),
      both(row.allreduce),
      times('allreduce'),
      both(row.out),
      times('out'),
      both(row.inPlace),
      times('inPlace'),
      both(row.exchange),
      times('exchange'),
      shown(exchange(2, { bytes, link, handOver }), 's'),
      shown(Math.min(...row.eventLoop.map(({ p99 }) => p99)), 's'),
    ];
  });
  console.log(table([header, ...lines]));
  return { link, handOver, points: points('exchange') };
}

/** The model has what ranks take that do not exchange, and adds the exchange. */
function reportSteps(part, { bytes, steps, ends }, links, launchers) {
  const threads = least(steps['2 threads']);
  const times = (seconds) => `x ${(seconds / threads).toFixed(2)}`;
  const lines = Object.keys(steps).map((way) => [way, both(steps[way]), times(least(steps[way])), both(ends[way])]);
  for (const name of Object.keys(launchers)) {
    if (!links[name]) continue;
    const seconds = least(steps[`2 ranks apart, ${name}`]) + exchange(2, { ...links[name], bytes });
    lines.push([`model of 2 ranks, ${name}`, shown(seconds, 's'), times(seconds), '']);
  }
  const fixed = Math.max(0, 2 * least(steps['1 thread, half the rows']) - least(steps['1 thread']));
  console.log(
    `\n${part}: ${shown(bytes, 'B')} of gradients, ${ROWS} rows a step; of it ${shown(fixed, 's')} on one thread whatever the rows\n`,
  );
  console.log(table([['step', 'median (low)', 'of 2 threads', 'end of an epoch'], ...lines]));
}
