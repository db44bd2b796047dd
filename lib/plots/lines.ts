import { clip, widest } from './font.js';
import { chartHeight, type Frame, framed, PADDING, SERIES, SHORT_NUMBER, type VegaLiteSpec } from './theme.js';

export type Point = readonly [x: number, y: number];

/** A line, with what the legend says of it: its name, and behind it its score. */
export interface Line {
  readonly name: string;
  readonly score?: string;
  readonly points: readonly Point[];
}

export interface Chart {
  readonly lines: readonly Line[];
  readonly xLabel: string;
  readonly yLabel?: string;
  /** Default: from 0 to 1, as y */
  readonly xDomain?: readonly [number, number];
  /** A dashed line to compare with. */
  readonly reference?: readonly [Point, Point];
  /** How points are connected. Default 'linear' */
  readonly interpolate?: 'linear' | 'step-after';
  /** Whether the points themselves are drawn. Default: false */
  readonly dots?: boolean;
}

/** What a legend, which begins where the axis does, has beside and between its texts, in px. */
const AXIS = 48;
const SYMBOL = 30;

/** Lines over one axis, y from 0 to 1, with a legend above them. */
export function linesSpec(frame: Frame, chart: Chart): VegaLiteSpec {
  const { lines, xDomain = [0, 1], reference, interpolate = 'linear', dots = false } = chart;
  const room = frame.width - 2 * PADDING - AXIS;
  const names = lines.map(({ name, score = '' }) => {
    const suffix = score && ` ${score}`;
    return `${clip(name, room - SYMBOL - widest([suffix], frame.fontSize), frame.fontSize)}${suffix}`;
  });
  const columns = Math.floor(room / (widest(names, frame.fontSize) + SYMBOL));
  const colours = lines.map((_, i) => SERIES[i % SERIES.length]);
  const x = {
    field: 'x',
    type: 'quantitative',
    title: chart.xLabel,
    scale: { domain: xDomain, nice: false, zero: false },
    axis: { grid: false, tickCount: 5, labelExpr: SHORT_NUMBER },
  };
  const y = {
    field: 'y',
    type: 'quantitative',
    title: chart.yLabel ?? null,
    scale: { domain: [0, 1], nice: false },
    axis: { tickCount: 5, domain: false, ticks: false, labelPadding: 6 },
  };
  return {
    ...framed(frame, chartHeight(frame)),
    layer: [
      ...(reference ? [dashed(frame, reference, x, y)] : []),
      {
        // By number: names may be alike.
        data: { values: lines.flatMap(({ points }, line) => points.map(([x, y], order) => ({ line, order, x, y }))) },
        mark: {
          type: 'line',
          strokeWidth: 2,
          interpolate,
          clip: true,
          ...(dots && { point: { size: 36 }, clip: false }),
        },
        encoding: {
          x,
          y,
          order: { field: 'order', type: 'quantitative' },
          color: {
            field: 'line',
            type: 'nominal',
            scale: { domain: lines.map((_, i) => i), range: colours },
            legend: {
              title: null,
              orient: 'top',
              symbolType: 'stroke',
              offset: 10,
              columns: Math.max(1, columns),
              labelExpr: `${JSON.stringify(names)}[datum.value]`,
            },
          },
        },
      },
    ],
  };
}

/** A dashed line between two points, drawn with the axes of what it is compared with. */
export const dashed = (frame: Frame, ends: readonly [Point, Point], x: object, y: object): VegaLiteSpec => ({
  data: { values: ends.map(([x, y]) => ({ x, y })) },
  mark: { type: 'line', strokeWidth: 1.5, strokeDash: [5, 4], color: frame.palette.muted, clip: true },
  encoding: { x, y },
});

/** A curve of many points looks the same with those that are this far apart, in the ranges of its axes: about a px. */
const STEP = 1 / 500;

/** The first and the last point of a curve, and of those between each that lies STEP or more from the one kept before. */
export function thinCurve(points: readonly Point[], xRange = 1): Point[] {
  let [x, y] = points[0];
  return points.filter(([px, py], i) => {
    const keep = i === 0 || i === points.length - 1 || Math.abs(px - x) >= STEP * xRange || Math.abs(py - y) >= STEP;
    if (keep) [x, y] = [px, py];
    return keep;
  });
}
