// What the model says as SVG figures, on the library's own frame of a plot: efficiency against ranks, and sums as they were measured.
import { Plot } from '../../dist/plots/index.js';
import { base, PADDING, readFrame, SERIES } from '../../dist/plots/theme.js';
import { exchange } from './ranks-model.js';

const KINDS = ['the batch of each rank stays', 'the batch of all stays'];

/** @param rows of predict() */
export function efficiency(rows, { batch }) {
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
    data: { values: points },
    mark: { type: 'line', strokeWidth: 2 },
    encoding: { x, y, color },
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

/**
 * Dots as they were measured, and lines as the model has it.
 *
 * @param links by name: { link, handOver, points: [bytes, seconds][] }
 */
export function sums(links) {
  const frame = readFrame({ width: 640, title: 'The sum over 2 ranks: measured, and as the model has it' });
  const names = Object.keys(links);
  const measured = names.flatMap((name) => links[name].points.map(([bytes, seconds]) => ({ name, bytes, seconds })));
  const all = measured.map(({ bytes }) => bytes);
  const [first, last] = [Math.log10(Math.min(...all)), Math.log10(Math.max(...all))];
  const model = (name, bytes) => ({ name, bytes, seconds: exchange(2, { ...links[name], bytes }) });
  const lines = names.flatMap((name) =>
    Array.from({ length: 61 }, (_, i) => model(name, 10 ** (first + ((last - first) * i) / 60))),
  );
  const axis = { type: 'quantitative', scale: { type: 'log', nice: false } };
  const tens = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i));
  const x = { ...axis, field: 'bytes', title: 'bytes', axis: { grid: false, values: tens(0, 12), format: '~s' } };
  const y = {
    ...axis,
    field: 'seconds',
    title: 'seconds',
    axis: { values: tens(-9, 3), format: '~s', domain: false, ticks: false },
  };
  const color = {
    field: 'name',
    type: 'nominal',
    scale: { domain: names, range: SERIES.slice(0, names.length) },
    legend: { title: null, orient: 'top', symbolType: 'stroke', offset: 10, columnPadding: 28 },
  };
  const encoding = { x, y, color };
  const spec = {
    ...base(frame),
    width: frame.width - 2 * PADDING - 56,
    height: 260,
    layer: [
      { data: { values: lines }, mark: { type: 'line', strokeWidth: 2 }, encoding },
      { data: { values: measured }, mark: { type: 'point', filled: true, size: 60, opacity: 1 }, encoding },
    ],
  };
  const told = measured.map(
    ({ name, bytes, seconds }) => `${name}, ${bytes} bytes: ${seconds} s, ${model(name, bytes).seconds} s`,
  );
  return new Plot({ frame, spec, title: 'Sums over 2 ranks', description: `${told.join('; ')}.` });
}
