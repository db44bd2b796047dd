// node scripts/bench/main.js [options]
//   --only a,d,f           workloads by id (default all); --list prints them
//   --peers numpy,pytorch  peers beside Fjordnet (default all that are installed)
//   --repetitions N        at least 7 for a published run (default 7)
//   --seconds S            length of one repetition (default 0.3)
//   --quick                3 short repetitions: to see that everything works, not to be quoted
//   --json FILE            results as JSON
//   --write                BENCHMARKS.md, benchmarks.json and benchmarks.svg beside README.md, or in --out FOLDER
//   --from FILE            no run: what --json or --write wrote, for --write again
//   --profile              time of each tape instruction of our own step instead, and its share of the machine's limit
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ADAPTERS } from './adapters.js';
import { machine } from './machine.js';
import { measure } from './measure.js';
import { consoleRow, verdicts } from './report.js';
import { Sessions } from './sessions.js';
import { SMOKE, WORKLOADS } from './workloads.js';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    peers: { type: 'string' },
    repetitions: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '0.3' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
    out: { type: 'string' },
    from: { type: 'string' },
    profile: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
const root = fileURLToPath(new URL('../../', import.meta.url));
const ids = options.only?.split(',');
const known = [...WORKLOADS, SMOKE];
for (const id of ids ?? [])
  if (!known.some((w) => w.id === id)) fail(`Expected --only to name workloads, got '${id}'; --list prints them`);
const workloads = ids ? known.filter((w) => ids.includes(w.id)) : WORKLOADS;
const peers = options.peers?.split(',').filter(Boolean) ?? ADAPTERS.map((a) => a.id);
for (const id of peers)
  if (!ADAPTERS.some((a) => a.id === id))
    fail(`Expected --peers to name some of ${ADAPTERS.map((a) => a.id).join(', ')}, got '${id}'`);

if (options.list) for (const { id, title } of WORKLOADS) console.log(`${id.padEnd(8)} ${title}`);
else if (options.profile) await profile();
else if (options.from) await publish(JSON.parse(readFileSync(options.from, 'utf8')));
else await compare();

async function compare() {
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-bench-'));
  const sessions = new Sessions(ADAPTERS.filter((a) => a.id === 'fjordnet' || peers.includes(a.id)));
  const repetitions = options.quick ? 3 : Number(options.repetitions);
  const seconds = options.quick ? 0.02 : Number(options.seconds);
  try {
    const result = { machine: machine(), quick: options.quick, repetitions, seconds, command: commandLine() };
    result.peers = await sessions.start();
    for (const { title, skip } of result.peers) if (skip) console.error(`${title}: skipped, ${skip}`);
    result.limits = await sessions.limits(options.quick);
    result.rows = [];
    for (const workload of workloads) {
      const row = await measure(workload, sessions, { folder: join(folder, workload.id), repetitions, seconds, root });
      if (options.write) await explain(row, workload, result);
      result.rows.push(row);
      console.log(consoleRow(row, result));
    }
    await publish(result);
  } finally {
    await sessions.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A row that falls short says why: from its workload, or, of a training step, from the profile. */
async function explain(row, workload, result) {
  if (verdicts(row, result).every(({ met }) => met)) return;
  row.shortfall = workload.why;
  if (workload.kind !== 'train' || !row.best.some(({ peer }) => peer === 'fjordnet')) return;
  const { largest } = await import('./profile.js');
  const { threads } = row.best.find(({ peer }) => peer === 'fjordnet');
  row.shortfall = largest(
    workload,
    result.limits.find((l) => l.threads === threads),
    threads,
  );
}

async function publish(result) {
  const json = `${JSON.stringify(result, null, 1)}\n`;
  if (options.json) writeFileSync(options.json, json);
  if (!options.write) return;
  const [{ chart }, { markdown }] = await Promise.all([import('./chart.js'), import('./markdown.js')]);
  const folder = options.out ?? root;
  writeFileSync(join(folder, 'benchmarks.json'), json);
  writeFileSync(join(folder, 'benchmarks.svg'), await chart(result));
  writeFileSync(join(folder, 'BENCHMARKS.md'), markdown(result));
}

async function profile() {
  const { profileWorkload } = await import('./profile.js');
  for (const workload of workloads)
    if (workload.kind === 'train') console.log(await profileWorkload(workload, options));
}

function commandLine() {
  return ['npm run bench --', ...process.argv.slice(2)].join(' ');
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
