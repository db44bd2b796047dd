// Efficiency against ranks as an SVG figure, on the library's own frame of a plot.
import { Plot } from '../../dist/plots/index.js';
import { base, PADDING, readFrame, SERIES } from '../../dist/plots/theme.js';

const KINDS = ['the batch of each rank stays', 'the batch of all stays'];

/** @param rows of predict(); @param measured { p, kind, efficiency }[]: dots, `kind` is 0 or 1 */
export function efficiency(rows, { batch }, measured = []) {
  const frame = readFrame({ width: 640, title: 'Efficiency of p ranks: rows a second, over p times those of one' });
  const points = rows.flatMap(({ p, weak, strong }) =>
    [weak, strong].map(({ efficiency }, kind) => ({ p, efficiency, kind: KINDS[kind] })),
  );
  const x = {
    field: 'p',
    type: 'quantitative',
    title: 'ranks',
    scale: { type: 'log', base: 2, nice: false, domain: [1, rows.at(-1).p] },
    axis: { grid: false, values: rows.map(({ p }) => p), format: 'd' },
  };
  const y = {
    field: 'efficiency',
    type: 'quantitative',
    title: null,
    scale: { domain: [0, 1], nice: false, clamp: true },
    axis: { format: '%', tickCount: 5, domain: false, ticks: false, labelPadding: 6 },
  };
  const color = {
    field: 'kind',
    type: 'nominal',
    scale: { domain: KINDS, range: SERIES.slice(0, KINDS.length) },
    legend: { title: null, orient: 'top', symbolType: 'stroke', offset: 10, columnPadding: 28 },
  };
  const spec = {
    ...base(frame),
    width: frame.width - 2 * PADDING - 48,
    height: 260,
    layer: [
      { data: { values: points }, mark: { type: 'line', strokeWidth: 2 }, encoding: { x, y, color } },
      {
        data: { values: measured.map(({ kind, ...point }) => ({ ...point, kind: KINDS[kind] })) },
        mark: { type: 'point', filled: true, size: 60, opacity: 1 },
        encoding: { x, y, color },
      },
    ],
  };
  const last = rows.at(-1);
  const percent = (share) => `${Math.round(100 * share)} %`;
  return new Plot({
    frame,
    spec,
    title: 'Efficiency against ranks',
    description: `Of ${last.p} ranks with ${batch} rows each ${percent(last.weak.efficiency)}, with ${batch} rows in all ${percent(last.strong.efficiency)}.`,
  });
}
