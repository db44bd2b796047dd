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
      row: `${row.id}  ${row.title.split(':')[0].slice(0, 44)}`,
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
  const scale = { type: 'log', nice: true };
  const x = {
    field: 'lower',
    type: 'quantitative',
    scale,
    title: "peer's time over Fjordnet's",
    axis: { format: '~r' },
  };
  const color = {
    field: 'peer',
    type: 'nominal',
    scale: { domain: peers.map((p) => p.title), range: SERIES.slice(0, peers.length) },
    legend: { title: null, orient: 'top' },
  };
  const spec = {
    ...base(frame),
    width: 500,
    height: { step: 22 },
    data: { values },
    layer: [
      {
        data: { values: [{ one: 1 }] },
        mark: { type: 'rule', strokeWidth: 1.5, color: frame.palette.ink },
        encoding: { x: { field: 'one', type: 'quantitative', scale } },
      },
      { mark: { type: 'rule', strokeWidth: 2 }, encoding: { x, x2: { field: 'upper' }, y, color } },
      {
        mark: { type: 'point', filled: true, size: 55, opacity: 1 },
        encoding: { x: { ...x, field: 'median' }, y, color },
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
