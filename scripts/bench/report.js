// Results in words: a line on the terminal, and BENCHMARKS.md.
import { ADAPTERS } from './adapters.js';

const title = (peer) => ADAPTERS.find((a) => a.id === peer).title;

/** Three digits and a unit that suits them. */
export function quantity(value, unit) {
  if (unit === 'MB') return `${(value / 2 ** 20).toFixed(0)} MB`;
  for (const [limit, factor, name] of [
    [1e-3, 1e6, 'µs'],
    [1, 1e3, 'ms'],
    [Number.POSITIVE_INFINITY, 1, 's'],
  ])
    if (value < limit) return `${digits(value * factor)} ${name}`;
}

export const digits = (v) => (v >= 100 ? v.toFixed(0) : v >= 10 ? v.toFixed(1) : v.toFixed(2));

const times = (ratio, { values }) =>
  `${digits(ratio.median)}x${values.length > 1 ? ` (${digits(ratio.lower)} to ${digits(ratio.upper)})` : ''}`;

export const bestOf = (row, peer) => {
  const best = row.best.find((b) => b.peer === peer);
  return best && row.entries.find((e) => e.peer === peer && e.threads === best.threads && e.mode === best.mode);
};

/** '1 thread', '2 threads, trainSync', '1 thread, 3 repetitions' where others have more. */
export const setting = ({ threads, mode, values }, repetitions) =>
  [
    `${threads} thread${threads === 1 ? '' : 's'}`,
    mode,
    values.length < repetitions && `${values.length} repetition${values.length === 1 ? '' : 's'}`,
  ]
    .filter(Boolean)
    .join(', ');

/** Share of the machine's measured rate of matrix products that a training step reaches, on the same threads. */
export function shareOfLimit(row, entry, limits) {
  const limit = limits.find((l) => l.threads === entry.threads);
  const rate = row.dtype === 'float64' ? limit?.dgemm : limit?.sgemm;
  return row.flop && rate ? row.flop / entry.median / 1e9 / rate : undefined;
}

/** What a row was to show, and whether it does: { text, met }. */
export function verdicts(row, { limits }) {
  const ours = bestOf(row, 'fjordnet');
  if (!ours) return [{ text: 'no result of ours', met: false }];
  const { peers, atMost, shareOfLimit: share } = row.targets;
  const list = Object.entries(peers).flatMap(([peer, least]) => {
    const ratio = row.ratios[peer];
    const bound = row.atLeast?.[peer];
    if (!ratio && bound >= least) return [{ text: `${least}x ${title(peer)}: more than ${digits(bound)}x`, met: true }];
    if (!ratio) return [];
    const { mode } = row.best.find((b) => b.peer === peer);
    const text = `${least}x ${title(peer)}${mode ? `, ${mode}` : ''}: ${digits(ratio.median)}x`;
    return [{ text, met: ratio.median >= least }];
  });
  if (atMost !== undefined)
    list.push({ text: `${quantity(atMost)} at most: ${quantity(ours.median)}`, met: ours.median <= atMost });
  if (share !== undefined) {
    const all = row.entries.filter((e) => e.peer === 'fjordnet');
    const most = Math.max(...all.map((e) => e.threads));
    const entry = all.filter((e) => e.threads === most).reduce((a, b) => (b.median < a.median ? b : a));
    const reached = shareOfLimit(row, entry, limits);
    if (reached !== undefined)
      list.push({
        text: `${(100 * share).toFixed(0)} % of the sgemm rate of ${entry.threads} threads: ${(100 * reached).toFixed(0)} %`,
        met: reached >= share,
      });
  }
  return list;
}

/** Of each target that a row falls short of: whether it could be met if our products ran at the measured rate of all threads. */
export function withinReach(row, { limits }) {
  const ours = bestOf(row, 'fjordnet');
  const limit = limits.reduce((a, b) => (b.threads > a.threads ? b : a));
  const rate = row.dtype === 'float64' ? limit.dgemm : limit.sgemm;
  if (!ours || !row.flop || !rate) return [];
  return Object.entries(row.targets.peers).flatMap(([peer, least]) => {
    const ratio = row.ratios[peer]?.median;
    if (!(ratio < least)) return [];
    const most = (ratio * ours.median) / (row.flop / rate / 1e9);
    const count = `${limit.threads} thread${limit.threads === 1 ? '' : 's'}`;
    const verdict = most < least ? 'the target is beyond this processor' : 'the target is within its reach';
    return [
      `If our products ran at the full rate of ${count}, and all else took no time, it would be ${digits(most)}x ${title(peer)}: ${verdict}.`,
    ];
  });
}

/** A row as it is measured, for the terminal. */
export function consoleRow(row, result) {
  const lines = [`(${row.id}) ${row.title}`];
  for (const entry of row.entries) {
    const { peer, threads, median, lower, upper, p50, p99, max, note } = entry;
    const best = bestOf(row, peer) === entry;
    const more = [
      note,
      p50 !== undefined && `p50 ${quantity(p50)}`,
      p99 !== undefined && `p99 ${quantity(p99)}`,
      max !== undefined && `max ${quantity(max)}`,
    ].filter(Boolean);
    const share = peer === 'fjordnet' && shareOfLimit(row, { threads, median }, result.limits);
    if (share) more.push(`${(100 * share).toFixed(0)} % of gemm rate`);
    const ratio = best && row.ratios[peer];
    if (ratio) more.push(times(ratio, entry));
    const range = entry.values.length > 1 ? `(${quantity(lower, row.unit)} to ${quantity(upper, row.unit)})  ` : '';
    lines.push(
      `  ${best ? '*' : ' '} ${`${title(peer)}, ${setting(entry, row.kind === 'memory' || row.kind === 'size' ? 1 : result.repetitions)}`.padEnd(38)} ` +
        `${quantity(median, row.unit).padStart(9)}  ${range}${more.join(', ')}`,
    );
  }
  for (const { peer, reason, skipped } of row.refused)
    lines.push(`    ${title(peer)}: ${skipped ? 'not run' : 'REFUSED'}, ${reason}`);
  for (const { text, met } of verdicts(row, result)) lines.push(`    ${met ? 'ok   ' : 'SHORT'} ${text}`);
  return lines.join('\n');
}
