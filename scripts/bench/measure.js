// One workload on all peers: the case on disk, the same losses everywhere, then times.
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { writeCase } from './case.js';
import { footprint } from './footprint.js';
import { interleave } from './interleave.js';
import { coldStart, environment, Session } from './session.js';
import { threadCounts } from './sessions.js';
import { quantile, ratioSpread, spread } from './statistics.js';
import { flopOf } from './workloads.js';

/** Of losses, relative to ours. Some steps of gradient descent in float32 leave five digits. */
const TOLERANCE = { float64: 1e-9, float32: 2e-4 };

/**
 * @param options { folder for the case, repetitions, seconds of a repetition, budget: seconds of all repetitions of a peer }
 * @returns {{ id, title, unit, entries: { peer, threads, mode, values, ...spread }[], ratios, refused: { peer, reason }[] }}
 * an entry for each peer, number of threads and mode, in seconds (or bytes) a unit of work
 */
export async function measure(workload, sessions, options) {
  writeCase(options.folder, workload);
  const { id, title, kind, unit, dtype, targets, atMost, shareOfLimit } = workload;
  const row = { id, title, kind, unit, dtype, entries: [], refused: [], choices: {}, unchecked: [], atLeast: {} };
  row.targets = { peers: targets ?? {}, atMost, shareOfLimit };
  row.flop = flopOf(workload);
  await MEASURES[kind](workload, row, sessions, options);
  compareWithOurs(row);
  return row;
}

const MEASURES = {
  train: timed,
  grid: timed,
  mlpGrid: timed,
  mlp: timed,
  rbm: timed,
  kmeans: timed,
  predict,
  start,
  delay,
  memory,
  size,
};

async function timed(workload, row, sessions, options) {
  const cells = await prepare(workload, row, sessions, options.folder);
  const stepsPerEpoch = workload.kind === 'train' ? workload.samples / workload.batchSize : undefined;
  const { measured, failures } = await interleave(cells, { ...options, stepsPerEpoch, budgets: workload.budgets });
  for (const [cell, answer] of failures) refuse(row, cell.session, answer);
  for (const [cell, values] of measured) addEntry(row, cell, values);
}

/** Single calls; each repetition's median counts, and all calls together give p99. */
async function predict(workload, row, sessions, options) {
  const cells = await prepare(workload, row, sessions, options.folder);
  const measured = new Map(cells.map((cell) => [cell, { medians: [], all: [] }]));
  for (let i = -1; i < options.repetitions; i++)
    for (const [cell, { medians, all }] of measured) {
      const answer = await cell.session.ask({ op: 'latencies', mode: cell.mode, seconds: options.seconds });
      if (!answer.times) {
        refuse(row, cell.session, answer);
        measured.delete(cell);
      } else if (i >= 0) {
        medians.push(spread(answer.times).median);
        for (const time of answer.times) all.push(time);
      }
    }
  for (const [cell, { medians, all }] of measured) {
    all.sort((a, b) => a - b);
    addEntry(row, cell, medians, { p99: quantile(all, 0.99) });
  }
}

async function start(_workload, row, sessions, { folder, repetitions, budget }) {
  const measured = new Map();
  for (const session of sessions.running.filter((s) => s.threads === 1)) {
    if (!(await accepts(session, row, folder))) continue;
    const first = await coldStart(session.adapter, 1, folder); // fills the disk cache
    if (first.error) refuse(row, session, first);
    else measured.set(session, { times: [], most: Math.max(1, Math.floor(budget / first.seconds)) });
  }
  for (let i = 0; i < repetitions; i++)
    for (const [session, { times, most }] of measured) {
      if (i >= most) continue;
      const { seconds, error } = await coldStart(session.adapter, 1, folder);
      if (error === undefined) times.push(seconds);
      else {
        refuse(row, session, { error });
        measured.delete(session);
      }
    }
  const bare = spread(Array.from({ length: repetitions }, bareStart)).median;
  const note = `${(1000 * bare).toFixed(0)} ms of it are Node.js' own start`;
  for (const [session, { times }] of measured)
    addEntry(row, { session }, times, session.adapter.command[0] === process.execPath ? { note } : {});
}

function bareStart() {
  const begin = performance.now();
  execFileSync(process.execPath, ['-e', '0'], { env: environment(1) });
  return (performance.now() - begin) / 1000;
}

async function delay(_workload, row, sessions, { folder, seconds, repetitions }) {
  for (const session of sessions.running.filter((s) => s.adapter.id === 'fjordnet')) {
    if (!(await accepts(session, row, folder))) continue;
    const epoch = await session.ask({ op: 'run', count: 1 });
    const count = Math.max(1, Math.round((3 * seconds) / epoch.seconds));
    const delays = [];
    for (let i = 0; i < repetitions; i++) delays.push(await session.ask({ op: 'delay', count }));
    const failed = [epoch, ...delays].find((d) => d.error ?? d.skip);
    if (failed) {
      refuse(row, session, failed);
      continue;
    }
    const p99 = delays.map((d) => d.p99);
    const max = Math.max(...delays.map((d) => d.max));
    addEntry(row, { session }, p99, { p50: spread(delays.map((d) => d.p50)).median, max });
  }
}

/** Of processes that do nothing else. */
async function memory(_workload, row, sessions, { folder }) {
  const all = availableParallelism();
  for (const adapter of sessions.adapters) {
    if (!sessions.running.some((s) => s.adapter === adapter)) continue;
    for (const threads of threadCounts(adapter, all)) {
      const session = new Session(adapter, threads);
      await session.start();
      if (await accepts(session, row, folder)) {
        const trained = await session.ask({ op: 'run', ...(adapter.steps ? { steps: 1 } : { count: 1 }) });
        const { bytes, ...failure } = trained.seconds === undefined ? trained : await session.ask({ op: 'memory' });
        if (bytes === undefined) refuse(row, session, failure);
        else addEntry(row, { session }, [bytes]);
      }
      await session.stop();
    }
  }
}

/** Nothing is run: what is on the disk. */
function size(_workload, row, sessions, { root }) {
  for (const adapter of sessions.adapters) {
    const session = { adapter, threads: 1 };
    const found = footprint(adapter, root);
    if (found.bytes) addEntry(row, { session }, [found.bytes], { note: found.note });
    else refuse(row, session, { skip: found.skip });
  }
}

/** The cells that take the workload and whose losses are ours. */
async function prepare(workload, row, sessions, folder) {
  const cells = [];
  let expected;
  for (const session of sessions.running) {
    if (workload.growth && session.adapter.rows === 'main') continue;
    const answer = await session.ask({ op: 'prepare', folder });
    if (answer.error ?? answer.skip) {
      refuse(row, session, answer);
      if (answer.waited && workload.check) row.atLeast[session.adapter.id] = answer.waited / product(workload.check);
      continue;
    }
    expected ??= answer.losses;
    for (const mode of answer.modes ?? [undefined]) {
      const losses = answer.lossesOf?.[mode] ?? answer.losses;
      const difference = losses && disagreement(losses, expected, TOLERANCE[workload.dtype]);
      if (difference) refuse(row, session, { error: mode ? `${mode}: ${difference}` : difference });
      else cells.push({ session, mode });
    }
    if (answer.choice) row.choices[session.label] = answer.choice;
    if (!answer.losses && !row.unchecked.includes(session.adapter.id)) row.unchecked.push(session.adapter.id);
  }
  row.losses = expected;
  return cells;
}

const product = (values) => values.reduce((a, b) => a * b, 1);

async function accepts(session, row, folder) {
  const answer = await session.ask({ op: 'prepare', folder });
  const accepted = (answer.error ?? answer.skip) === undefined;
  if (!accepted) refuse(row, session, answer);
  return accepted;
}

/** A sentence if the losses are not the same, to the tolerance. */
export function disagreement(theirs, ours, tolerance) {
  if (theirs.length !== ours.length) return `${theirs.length} losses where ours are ${ours.length}`;
  for (const [i, value] of theirs.entries()) {
    const error = Math.abs(value - ours[i]) / Math.max(Math.abs(ours[i]), 1e-12);
    if (!(error <= tolerance)) return `loss ${i + 1} is ${value}, ours ${ours[i]}`;
  }
}

/** A peer that failed is refused with its error; one that cannot do the work, or too slowly, is skipped. */
function refuse(row, { adapter, threads }, { error, skip }) {
  const reason = error ?? skip ?? 'it gave no answer';
  const known = row.refused.find((r) => r.peer === adapter.id && r.reason === reason);
  if (known) known.threads.push(threads);
  else row.refused.push({ peer: adapter.id, reason, skipped: error === undefined, threads: [threads] });
}

function addEntry(row, { session, mode }, values, more = {}) {
  row.entries.push({ peer: session.adapter.id, threads: session.threads, mode, values, ...spread(values), ...more });
}

/** Each peer's best number of threads and mode beside our best. */
function compareWithOurs(row) {
  const best = new Map();
  for (const entry of row.entries) if (!(best.get(entry.peer)?.median <= entry.median)) best.set(entry.peer, entry);
  const ours = best.get('fjordnet');
  row.best = [...best.values()].map(({ peer, threads, mode }) => ({ peer, threads, mode }));
  row.ratios = {};
  if (ours)
    for (const [peer, entry] of best)
      if (peer !== 'fjordnet') row.ratios[peer] = ratioSpread(entry.values, ours.values);
  // Whoever was stopped while it took the steps to compare takes longer than that for a step.
  for (const peer of Object.keys(row.atLeast)) row.atLeast[peer] = row.atLeast[peer] / ours?.median;
}
