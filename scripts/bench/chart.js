// The ratios as an SVG figure: a dot for each peer, a line over its quartiles.
import { Plot } from '../../dist/plots/index.js';
import { base, readFrame, SERIES } from '../../dist/plots/theme.js';
import { ADAPTERS } from './adapters.js';
import { digits } from './report.js';

/** How many times a peer's time Fjordnet's is, for every row that was measured with a peer. */
export function chart(result) {
  const frame = readFrame({ width: 860, title: 'Times as long as Fjordnet takes, same run (log scale)' });
  const rows = result.rows.filter(
    (row) => !['memory', 'size'].includes(row.kind) && Object.keys(row.ratios).length > 0,
  );
  const peers = ADAPTERS.filter((a) => rows.some((row) => row.ratios[a.id]));
  const values = rows.flatMap((row) =>
    Object.entries(row.ratios).map(([peer, { median, lower, upper }]) => ({
      row: label(row),
      peer: ADAPTERS.find((a) => a.id === peer).title,
      median,
      lower,
      upper,
    })),
  );
  const order = [...new Set(values.map((v) => v.row))];
  const y = {
    field: 'row',
    type: 'nominal',
    sort: order,
    title: null,
    axis: { grid: true, ticks: false, domain: false },
  };
  const least = Math.min(0.5, ...values.map((v) => v.lower));
  const scale = { type: 'log', nice: false, domain: [least, 1.2 * Math.max(10, ...values.map((v) => v.upper))] };
  const x = {
    field: 'lower',
    type: 'quantitative',
    scale,
    title: "peer's time over Fjordnet's",
    axis: { format: '~r', values: [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] },
  };
  // A lane for each peer, so that none hides another.
  const yOffset = { field: 'peer', type: 'nominal', scale: { domain: peers.map((p) => p.title) } };
  const color = {
    field: 'peer',
    type: 'nominal',
    scale: { domain: peers.map((p) => p.title), range: SERIES.slice(0, peers.length) },
    legend: { title: null, orient: 'top', columns: 4, columnPadding: 28 },
  };
  const spec = {
    ...base(frame),
    width: 500,
    height: { step: 4 + 3 * peers.length, for: 'position' },
    data: { values },
    layer: [
      {
        data: { values: [{ one: 1 }] },
        mark: { type: 'rule', strokeWidth: 1.5, color: frame.palette.ink },
        encoding: { x: { field: 'one', type: 'quantitative', scale } },
      },
      { mark: { type: 'rule', strokeWidth: 2 }, encoding: { x, x2: { field: 'upper' }, y, yOffset, color } },
      {
        mark: { type: 'point', filled: true, size: 42, opacity: 1 },
        encoding: { x: { ...x, field: 'median' }, y, yOffset, color },
      },
    ],
  };
  const description = values.map((v) => `${v.row.trim()}: ${v.peer} ${digits(v.median)} times`).join('; ');
  return new Plot({
    frame,
    spec,
    title: 'Training times beside other libraries',
    description: `${description}.`,
  }).svg();
}

/** 'd digits CNN': what stands before the first colon, cut at a word. */
function label({ id, title }) {
  const words = title.split(':')[0].split(' ');
  let text = id;
  for (const word of words) {
    if (`${text} ${word}`.length > 46) return `${text.replace(/,$/, '')} …`;
    text += ` ${word}`;
  }
  return text.replace(/,$/, '');
}
