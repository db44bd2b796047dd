// BENCHMARKS.md, from one run.
import { ADAPTERS } from './adapters.js';
import { bestOf, digits, quantity, shareOfLimit, verdicts } from './report.js';

const title = (peer) => ADAPTERS.find((a) => a.id === peer).title;

export function markdown(result) {
  return `${[heading(result), summary(result), ...result.rows.map((row) => section(row, result)), method(result)].join('\n\n')}\n`;
}

function heading({ machine: m, peers, limits, quick, repetitions, seconds, command, minutes }) {
  const there = peers.filter((p) => p.name);
  const absent = peers.filter((p) => p.skip);
  const load =
    m.load > 0.25 * m.cores ? ', so other work disturbed this run: read the spread, not the median alone' : '';
  return `# Benchmarks

Written by \`${command}\` on ${m.date.slice(0, 10)}${minutes ? `, in ${minutes.toFixed(0)} minutes` : ''}; do not edit. To repeat it: \`scripts/bench/setup\`, then that command.
${quick ? '\n**A quick run, to see that the program works: its numbers are not to be quoted.**\n' : ''}
- Machine: ${m.processor}, ${m.cores} cores, ${(m.memory / 2 ** 30).toFixed(0)} GiB, ${m.vectors ?? 'no vector flags known'}, ${m.system}, Node.js ${m.node}${m.commit ? `, commit ${m.commit}` : ''}.
- Load of the machine as the run began: ${m.load.toFixed(1)} on ${m.cores} cores${load}.
- ${repetitions} repetitions of about ${seconds} s each, all peers in turn; medians, quartiles in brackets.

Every peer, and what it was allowed:

${there.map((p) => `- ${p.name} (${p.kernel})${p.allowed ? `: ${p.allowed}` : ''}`).join('\n')}
${absent.map((p) => `- ${p.title}: not measured, ${p.skip}`).join('\n')}

| Limit of this machine | ${limits.map((l) => `${l.threads} thread${l.threads === 1 ? '' : 's'}`).join(' | ')} |
| --- | ${limits.map(() => '---: |').join(' ')}
| sgemm 512 x 512 x 512, GFLOP/s | ${limits.map((l) => digits(l.sgemm)).join(' | ')} |
| dgemm 512 x 512 x 512, GFLOP/s | ${limits.map((l) => digits(l.dgemm)).join(' | ')} |
| copy, read and written, GB/s | ${limits.map((l) => digits(l.copy)).join(' | ')} |

![Ratios](benchmarks.svg)`.replace(/\n{2,}(\| Limit)/, '\n\n$1');
}

/** One line a workload: us, and how many times longer each peer takes. */
function summary(result) {
  const peers = ADAPTERS.filter((a) => a.id !== 'fjordnet' && result.rows.some((row) => row.ratios[a.id]));
  const lines = result.rows.map((row) => {
    const ours = bestOf(row, 'fjordnet');
    const cells = peers.map(({ id }) => (row.ratios[id] ? `${digits(row.ratios[id].median)}x` : ''));
    const judged = verdicts(row, result);
    const short = judged.filter((v) => !v.met).length;
    const verdict = judged.length === 0 ? '' : short ? `**${short} short**` : 'met';
    return `| (${row.id}) ${row.title} | ${ours ? quantity(ours.median, row.unit) : 'none'} | ${cells.join(' | ')} | ${verdict} |`;
  });
  return `## All rows

How many times as long (for memory: as much) a peer takes, its better number of threads beside our better one.

| Workload | Fjordnet | ${peers.map((p) => p.title).join(' | ')} | targets |
| --- | ---: | ${peers.map(() => '---: |').join(' ')} --- |
${lines.join('\n')}`;
}

function section(row, result) {
  const single = ['size', 'memory'].includes(row.kind);
  const most = single ? 1 : result.repetitions;
  const lines = row.entries.map((entry) => {
    const { peer, threads, mode, values, median, lower, upper, p50, p99, max, note } = entry;
    const best = bestOf(row, peer) === entry;
    const ratio = best && row.ratios[peer];
    const share = peer === 'fjordnet' ? shareOfLimit(row, entry, result.limits) : undefined;
    const notes = [
      note,
      mode,
      values.length < most && `${values.length} repetition${values.length === 1 ? '' : 's'}`,
      row.choices[`${peer}@${threads}`],
      p50 !== undefined && `p50 ${quantity(p50)}`,
      p99 !== undefined && `p99 ${quantity(p99)}`,
      max !== undefined && `longest ${quantity(max)}`,
      share && `${(100 * share).toFixed(0)} % of the ${row.dtype === 'float64' ? 'dgemm' : 'sgemm'} rate`,
      row.unchecked.includes(peer) && peer !== 'fjordnet' && 'losses not comparable',
    ].filter(Boolean);
    const range = values.length > 1 ? ` (${quantity(lower, row.unit)} to ${quantity(upper, row.unit)})` : '';
    const value = `${best ? '**' : ''}${quantity(median, row.unit)}${best ? '**' : ''}${range}`;
    const spread = ratio && values.length > 1 ? ` (${digits(ratio.lower)} to ${digits(ratio.upper)})` : '';
    const times = ratio ? `${digits(ratio.median)}x${spread}` : '';
    return `| ${title(peer)} | ${row.kind === 'size' ? '' : threads} | ${value} | ${times} | ${notes.join(', ')} |`;
  });
  const refused = absences(row);
  const judged = verdicts(row, result).map(({ text, met }) => `- ${met ? 'met' : '**short**'}: ${text}`);
  if (judged.some((line) => line.includes('**short**')) && row.shortfall) judged.push(`- Why: ${row.shortfall}`);
  return [
    `### (${row.id}) ${row.title}`,
    `| | threads | median (quartiles) | times ours | |\n| --- | ---: | ---: | ---: | --- |\n${lines.join('\n')}`,
    [...judged, ...refused].join('\n'),
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** Peers without a number, those of one reason in one line. */
function absences({ refused, entries, atLeast }) {
  const reasons = new Map();
  for (const one of refused) {
    const text = line(one, entries);
    reasons.set(text, [...(reasons.get(text) ?? []), one]);
  }
  return [...reasons].map(([text, list]) => {
    const bound = list.map(({ peer }) => atLeast?.[peer]).find(Boolean);
    const more = bound ? ` (more than ${digits(bound)} times ours a step)` : '';
    return `- ${[...new Set(list.map(({ peer }) => title(peer)))].join(', ')}: ${text}${more}`;
  });
}

/** A peer that failed with one number of threads, and not with another, says which. */
function line({ peer, reason, skipped, threads }, entries) {
  const which = entries.some((e) => e.peer === peer)
    ? ` with ${threads.join(' and ')} thread${threads[0] === 1 ? '' : 's'}`
    : '';
  return `${skipped ? 'not measured' : '**refused**'}${which}, ${reason.replace(/\s+/g, ' ')}`;
}

function method({ repetitions, budget }) {
  return `## Method

- Every peer runs in a process of its own, once with one thread and once with all; its better count is set against our better one.
  We are measured synchronously and asynchronously, the lecture's network through \`trainSync\` and \`train\`, in which draws overlap
  with training: the best of the four counts, and is named. OPENBLAS_CORETYPE, OPENBLAS_L2_SIZE and the like are unset for everyone.
- Before anything is timed, every peer takes the same steps from the same initial weights on the same batches. Its losses must be
  ours, to a relative 1e-9 in float64 and 2e-4 in float32, else it is refused. scikit-learn's shuffles in the grid of the lecture's
  networks, and brain.js' one-sample updates, are their own: rows that could not be compared say so.
- After a warm-up, ${repetitions} repetitions are interleaved, A B C A B C. A ratio is taken in each repetition, of neighbours in time;
  medians and quartiles are of these ratios. A peer whose repetitions would take longer than ${budget} s together (in the grids: a
  minute or so) gets fewer, and of its clearly slower number of threads three do: where there are fewer, the row says so.
- A step is a minibatch with its draw: \`choice\` without replacement in NumPy and in our NeuralNetwork, a new permutation an epoch elsewhere.
- Sizes count what a package requires; PyTorch's wheel on PyPI brings CUDA. Peak memory and cold start are of fresh processes.`;
}
