// node scripts/bench/main.js [options]
//   --only a,d,f           workloads by id (default all); --list prints them
//   --peers numpy,pytorch  peers beside Fjordnet (default all that are installed)
//   --repetitions N        at least 7 for a published run (default 7)
//   --seconds S            length of one repetition (default 0.25)
//   --budget S             at most so many seconds for all repetitions of a peer; a slow one gets fewer (default 8)
//   --quick                3 short repetitions: to see that everything works, not to be quoted
//   --json FILE            results as JSON, written anew after every workload
//   --write                BENCHMARKS.md, benchmarks.json and benchmarks.svg beside README.md, or in --out FOLDER
//   --resume               go on with a run of these options that was interrupted (--json or --write kept what it had)
//   --from FILE            no run: what --json or --write wrote, for --write again
//   --list, --help
//   --profile              time of each tape instruction of our own step instead, and its share of the machine's limit
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ADAPTERS, PEERS } from './adapters.js';
import { machine } from './machine.js';
import { measure } from './measure.js';
import { Progress } from './progress.js';
import { consoleRow, verdicts, withinReach } from './report.js';
import { sameRun } from './resume.js';
import { Sessions } from './sessions.js';
import { usageOf } from './usage.js';
import { SMOKE, WORKLOADS } from './workloads.js';

const config = {
  options: {
    only: { type: 'string' },
    peers: { type: 'string' },
    repetitions: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '0.25' },
    budget: { type: 'string', default: '8' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
    resume: { type: 'boolean', default: false },
    out: { type: 'string' },
    from: { type: 'string' },
    profile: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
};
const options = read();
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

/** Where a run keeps what it has so far. */
const kept = options.json ?? (options.write ? join(PEERS, 'unfinished.json') : undefined);

if (options.help) console.log(usageOf(import.meta.url));
else if (options.list) for (const { id, title } of WORKLOADS) console.log(`${id.padEnd(10)} ${title}`);
else if (options.profile) await profile();
else if (options.from) await publish(JSON.parse(readFileSync(options.from, 'utf8')));
else await compare();

async function compare() {
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const sessions = new Sessions(ADAPTERS.filter((a) => a.id === 'fjordnet' || peers.includes(a.id)));
  const progress = new Progress(workloads, kept);
  try {
    const result = await begin(sessions);
    for (const { title, skip } of result.peers) if (skip) console.error(`${title}: skipped, ${skip}`);
    for (const workload of workloads) {
      let row = result.rows.find(({ id }) => id === workload.id);
      if (row) progress.known(workload);
      else {
        progress.begin(workload);
        row = await measured(workload, sessions, result, join(folder, workload.id));
        result.rows.push(row);
        keep(result);
        progress.done(workload);
      }
      console.log(consoleRow(row, result));
    }
    result.minutes = (result.minutes ?? 0) + progress.minutes;
    progress.finish();
    await publish(result);
  } finally {
    await sessions.stop();
  }
}

/** The result without rows, or the one to go on with. */
async function begin(sessions) {
  const run = {
    machine: machine(),
    quick: options.quick,
    repetitions: options.quick ? 3 : Number(options.repetitions),
    seconds: options.quick ? 0.02 : Number(options.seconds),
    budget: options.quick ? 2 : Number(options.budget),
    command: commandLine(),
    peers: await sessions.start(),
  };
  if (options.resume && kept && existsSync(kept)) {
    const before = JSON.parse(readFileSync(kept, 'utf8'));
    const difference = sameRun(before, run);
    if (difference === undefined) return before;
    console.error(`Nothing to go on with: ${kept} is of another ${difference}`);
  }
  return { ...run, limits: [], rows: [] };
}

/** A row, whatever happens: a mistake of this program is told in it as well. */
async function measured(workload, sessions, result, folder) {
  const { repetitions, seconds, budget } = result;
  try {
    result.limits = await sessions.limits(options.quick, result.limits);
    const row = await measure(workload, sessions, { folder, repetitions, seconds, budget, root });
    if (options.write) await explain(row, workload, result);
    return row;
  } catch (error) {
    console.error(error);
    const { id, title, kind, unit } = workload;
    const refused = [{ peer: 'fjordnet', reason: `the benchmark failed: ${error.message}`, threads: [] }];
    return {
      id,
      title,
      kind,
      unit,
      entries: [],
      best: [],
      ratios: {},
      refused,
      targets: { peers: {} },
      choices: {},
      unchecked: [],
    };
  }
}

/** A row that falls short says why: of a training step the profile, and what its workload knows of it. */
async function explain(row, workload, result) {
  if (verdicts(row, result).every(({ met }) => met)) return;
  const parts = [];
  const ours = row.best.find(({ peer }) => peer === 'fjordnet');
  if (workload.kind === 'train' && ours) {
    const { largest } = await import('./profile.js');
    const limits = result.limits.find((l) => l.threads === ours.threads);
    parts.push(largest(workload, limits, ours.threads));
  }
  if (workload.why) parts.push(workload.why);
  row.shortfall = [...parts, ...withinReach(row, result)].join(' ');
}

function keep(result) {
  if (!kept) return;
  mkdirSync(dirname(kept), { recursive: true });
  writeFileSync(kept, `${JSON.stringify(result, null, 1)}\n`);
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
  if (!options.json && !options.from) rmSync(kept, { force: true });
}

async function profile() {
  const { profileWorkload } = await import('./profile.js');
  for (const workload of workloads)
    if (workload.kind === 'train') console.log(await profileWorkload(workload, options));
}

function commandLine() {
  const args = process.argv.slice(2).filter((arg) => arg !== '--resume');
  return ['npm run bench --', ...args].join(' ');
}

function read() {
  try {
    return parseArgs(config).values;
  } catch (error) {
    return fail(`${error.message}\n${usageOf(import.meta.url)}`);
  }
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
