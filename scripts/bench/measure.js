// One workload on all peers: the case on disk, the same losses everywhere, then times.
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { writeCase } from './case.js';
import { footprint } from './footprint.js';
import { coldStart, interleave, Session } from './session.js';
import { threadCounts } from './sessions.js';
import { quantile, ratioSpread, spread } from './statistics.js';
import { stepFlop } from './workloads.js';

/** Of losses, relative to ours. Some steps of gradient descent in float32 leave five digits. */
const TOLERANCE = { float64: 1e-9, float32: 2e-4 };

/**
 * @returns {{ id, title, unit, entries: { peer, threads, values, ...spread }[], ratios, refused: { peer, reason }[] }}
 * an entry for each peer and number of threads, in seconds (or bytes) a unit of work
 */
export async function measure(workload, sessions, options) {
  writeCase(options.folder, workload);
  const row = {
    id: workload.id,
    title: workload.title,
    kind: workload.kind,
    unit: workload.unit,
    entries: [],
    refused: [],
  };
  Object.assign(row, { choices: {}, unchecked: [] });
  row.targets = { peers: workload.targets ?? {}, atMost: workload.atMost, shareOfLimit: workload.shareOfLimit };
  row.dtype = workload.dtype;
  if (workload.kind === 'train') row.flop = stepFlop(workload);
  await MEASURES[workload.kind](workload, row, sessions, options);
  compareWithOurs(row);
  return row;
}

const MEASURES = { train: timed, grid: timed, mlp: timed, predict, start, delay, memory, size };

async function timed(workload, row, sessions, options) {
  const ready = await prepare(workload, row, sessions, options.folder);
  const { measured, failures } = await interleave(ready, { ...options, longest: workload.longest });
  for (const [session, { error, skip }] of failures) refuse(row, session, error ?? skip, skip !== undefined);
  for (const [session, values] of measured) addEntry(row, session, values);
}

/** Single calls; each repetition's median counts, and all calls together give p99. */
async function predict(workload, row, sessions, options) {
  const ready = await prepare(workload, row, sessions, options.folder);
  const measured = new Map(ready.map((session) => [session, { medians: [], all: [] }]));
  for (const session of ready) await session.ask({ op: 'latencies' });
  for (let i = 0; i < options.repetitions; i++)
    for (const [session, { medians, all }] of measured) {
      const { times } = await session.ask({ op: 'latencies' });
      medians.push(spread(times).median);
      for (const time of times) all.push(time);
    }
  for (const [session, { medians, all }] of measured)
    addEntry(row, session, medians, {
      p99: quantile(
        all.sort((a, b) => a - b),
        0.99,
      ),
    });
}

async function start(_workload, row, sessions, { folder, repetitions }) {
  const able = [];
  for (const session of sessions.running.filter((s) => s.threads === 1))
    if (await accepts(session, row, folder)) able.push(session);
  const measured = new Map(able.map((session) => [session, []]));
  for (const session of able) await coldStart(session.adapter, 1, folder); // fills the disk cache
  for (let i = 0; i < repetitions; i++)
    for (const [session, times] of measured) times.push(await coldStart(session.adapter, 1, folder));
  const bare = spread(Array.from({ length: repetitions }, bareStart)).median;
  const note = `${(1000 * bare).toFixed(0)} ms of it are Node.js' own start`;
  for (const [session, times] of measured)
    addEntry(row, session, times, session.adapter.command[0] === process.execPath ? { note } : {});
}

function bareStart() {
  const begin = performance.now();
  execFileSync(process.execPath, ['-e', '0']);
  return (performance.now() - begin) / 1000;
}

async function delay(_workload, row, sessions, { folder, seconds, repetitions }) {
  const ours = sessions.running.filter((s) => s.adapter.id === 'fjordnet');
  for (const session of ours) {
    await session.ask({ op: 'prepare', folder });
    const { seconds: epoch } = await session.ask({ op: 'run', count: 1 });
    const count = Math.max(1, Math.round(seconds / epoch));
    const delays = [];
    for (let i = 0; i < repetitions; i++) delays.push(await session.ask({ op: 'delay', count }));
    const most = Math.max(...delays.map((d) => d.max));
    addEntry(
      row,
      session,
      delays.map((d) => d.p99),
      { p50: spread(delays.map((d) => d.p50)).median, max: most },
    );
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
        await session.ask({ op: 'run', count: 1 });
        const { bytes } = await session.ask({ op: 'memory' });
        addEntry(row, session, [bytes]);
      }
      await session.stop();
    }
  }
}

/** Nothing is run: what is on the disk. */
function size(_workload, row, sessions, { root }) {
  for (const adapter of sessions.adapters) {
    const found = footprint(adapter.id, root);
    const session = { adapter, threads: 1 };
    if (found) addEntry(row, session, [found.bytes], { note: found.note });
    else refuse(row, session, 'its size is not known here', true);
  }
}

/** The sessions that take the workload and whose losses are ours. */
async function prepare(workload, row, sessions, folder) {
  const ready = [];
  let expected;
  for (const session of sessions.running) {
    if (workload.growth && session.adapter.rows === 'main') continue;
    const answer = await session.ask({ op: 'prepare', folder });
    if (answer.error ?? answer.skip) {
      refuse(row, session, answer.error ?? answer.skip, answer.skip !== undefined);
      continue;
    }
    expected ??= answer.losses;
    const difference = answer.losses && disagreement(answer.losses, expected, TOLERANCE[workload.dtype]);
    if (difference) refuse(row, session, difference);
    else ready.push(session);
    if (answer.choice) row.choices[session.label] = answer.choice;
    if (!answer.losses) row.unchecked.push(session.adapter.id);
  }
  row.losses = expected;
  return ready;
}

async function accepts(session, row, folder) {
  const answer = await session.ask({ op: 'prepare', folder });
  const reason = answer.error ?? answer.skip;
  if (reason) refuse(row, session, reason, answer.skip !== undefined);
  return !reason;
}

/** A sentence if the losses are not the same, to the tolerance. */
export function disagreement(theirs, ours, tolerance) {
  if (theirs.length !== ours.length) return `${theirs.length} losses where ours are ${ours.length}`;
  for (const [i, value] of theirs.entries()) {
    const error = Math.abs(value - ours[i]) / Math.max(Math.abs(ours[i]), 1e-12);
    if (!(error <= tolerance)) return `loss ${i + 1} is ${value}, ours ${ours[i]}`;
  }
}

function refuse(row, session, reason, skipped = false) {
  const peer = session.adapter.id;
  if (!row.refused.some((r) => r.peer === peer && r.reason === reason)) row.refused.push({ peer, reason, skipped });
}

function addEntry(row, session, values, more = {}) {
  row.entries.push({ peer: session.adapter.id, threads: session.threads, values, ...spread(values), ...more });
}

/** Each peer's better number of threads beside our better one. */
function compareWithOurs(row) {
  const best = new Map();
  for (const entry of row.entries) if (!(best.get(entry.peer)?.median <= entry.median)) best.set(entry.peer, entry);
  const ours = best.get('fjordnet');
  row.best = [...best.values()].map(({ peer, threads }) => ({ peer, threads }));
  row.ratios = {};
  if (ours)
    for (const [peer, entry] of best)
      if (peer !== 'fjordnet') row.ratios[peer] = ratioSpread(entry.values, ours.values);
}
