import { type ArrayInput, checkArray, extent } from '../array.js';
import { checkInteger, wrongShape, wrongType } from '../check.js';
import { clip } from './font.js';
import { general, plural } from './format.js';
import { dashed, type Point } from './lines.js';
import { Plot } from './plot.js';
import { chartHeight, type Frame, framed, type PlotOptions, readFrame, SERIES, SHORT_NUMBER } from './theme.js';

export interface ScatterOptions extends PlotOptions {
  /** What the axes are. Default: 'true' and 'predicted', or of residuals 'predicted' and 'true − predicted' */
  xLabel?: string;
  yLabel?: string;
  /**
   * Points to draw. Of more samples, sorted by the size of their errors, every so many are taken, among them the smallest
   * error and the largest: the same ones each time. Default 2000
   */
  maxPoints?: number;
}

/**
 * What a regression predicts over what is true, beside the diagonal that perfect predictions lie on.
 *
 * @param yTrue targets [n]
 * @param yPred predictions [n]
 */
export function predictions(yTrue: ArrayInput, yPred: ArrayInput, options: ScatterOptions = {}): Plot {
  const { frame, truth, predicted, rows } = read(yTrue, yPred, options);
  const { xLabel = 'true', yLabel = 'predicted' } = options;
  const [low, high] = rangeOf([...extent(truth), ...extent(predicted)]);
  const points = rows.map((i): Point => [truth[i], predicted[i]]);
  return new Plot({
    frame,
    spec: specOf(frame, {
      points,
      reference: [
        [low, low],
        [high, high],
      ],
      x: { title: xLabel, domain: [low, high] },
      y: { title: yLabel, domain: [low, high] },
    }),
    title: 'Predictions',
    description: describe(truth, predicted, rows),
  });
}

/**
 * What a regression's predictions lack (true − predicted) over the predictions: around the line at 0, without a pattern, if
 * the model has found what there is to find.
 *
 * @param yTrue targets [n]
 * @param yPred predictions [n]
 */
export function residuals(yTrue: ArrayInput, yPred: ArrayInput, options: ScatterOptions = {}): Plot {
  const { frame, truth, predicted, rows } = read(yTrue, yPred, options);
  const { xLabel = 'predicted', yLabel = 'true − predicted' } = options;
  const x = rangeOf(extent(predicted));
  const farthest = Math.max(...rangeOf(extent(truth.map((value, i) => value - predicted[i]))).map(Math.abs));
  const points = rows.map((i): Point => [predicted[i], truth[i] - predicted[i]]);
  return new Plot({
    frame,
    spec: specOf(frame, {
      points,
      reference: [
        [x[0], 0],
        [x[1], 0],
      ],
      x: { title: xLabel, domain: x },
      y: { title: yLabel, domain: [-farthest, farthest] },
    }),
    title: 'Residuals',
    description: describe(truth, predicted, rows),
  });
}

function read(yTrue: ArrayInput, yPred: ArrayInput, options: ScatterOptions) {
  const frame = readFrame(options, ['xLabel', 'yLabel', 'maxPoints']);
  for (const name of ['xLabel', 'yLabel'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'string')
      throw wrongType(name, 'a string', options[name]);
  const maxPoints = checkInteger('maxPoints', options.maxPoints ?? 2000, 2);
  const truth = column('yTrue', yTrue);
  const predicted = column('yPred', yPred);
  if (truth.length !== predicted.length)
    throw new RangeError(`Expected yPred to have ${truth.length} rows, as yTrue has, got ${predicted.length}`);
  return { frame, truth, predicted, rows: drawn(truth, predicted, maxPoints) };
}

function column(name: string, values: ArrayInput): Float64Array {
  const { data, shape } = checkArray(name, values);
  if (shape.length > 2 || (shape.length === 2 && shape[1] !== 1)) throw wrongShape(name, 'one number a row', shape);
  return Float64Array.from(data);
}

/** The rows to draw, in their order. */
function drawn(truth: Float64Array, predicted: Float64Array, most: number): number[] {
  const rows = Array.from(truth, (_, i) => i);
  if (rows.length <= most) return rows;
  const error = (i: number) => Math.abs(truth[i] - predicted[i]);
  rows.sort((i, j) => error(i) - error(j));
  const last = rows.length - 1;
  return Array.from({ length: most }, (_, k) => rows[Math.round((k * last) / (most - 1))]).sort((i, j) => i - j);
}

/** The range of some numbers with 4 % around it. */
function rangeOf(values: readonly number[]): [number, number] {
  const [low, high] = extent(values);
  const margin = 0.04 * (high - low) || Math.abs(low) / 2 || 0.5;
  return [low - margin, high + margin];
}

interface Scene {
  readonly points: readonly Point[];
  readonly reference: readonly [Point, Point];
  readonly x: { readonly title: string; readonly domain: readonly number[] };
  readonly y: { readonly title: string; readonly domain: readonly number[] };
}

function specOf(frame: Frame, { points, reference, x, y }: Scene) {
  const axis = { tickCount: 5, labelExpr: SHORT_NUMBER };
  const quantity = (field: string, { title, domain }: Scene['x'], more: object) => ({
    field,
    type: 'quantitative',
    title: clip(title, 0.6 * frame.width, frame.fontSize),
    scale: { domain, nice: false, zero: false },
    axis: { ...axis, ...more },
  });
  const across = quantity('x', x, { grid: false });
  const up = quantity('y', y, { domain: false, ticks: false, labelPadding: 6 });
  const many = points.length > 300;
  return {
    ...framed(frame, chartHeight(frame)),
    layer: [
      {
        data: { values: points.map(([x, y]) => ({ x, y })) },
        mark: { type: 'circle', size: many ? 14 : 28, opacity: many ? 0.5 : 0.7, color: SERIES[0] },
        encoding: { x: across, y: up },
      },
      dashed(frame, reference, across, up),
    ],
  };
}

function describe(truth: Float64Array, predicted: Float64Array, rows: readonly number[]): string {
  const n = truth.length;
  const errors = truth.map((value, i) => Math.abs(value - predicted[i]));
  const worst = errors.reduce((most, error, i) => (error > errors[most] ? i : most), 0);
  const mean = errors.reduce((sum, error) => sum + error / n, 0);
  const some = rows.length < n ? `, of which ${rows.length} are drawn` : '';
  return (
    `${plural(n, 'sample')}${some}; mean absolute error ${general(mean)}, largest ${general(errors[worst])}, ` +
    `where ${general(predicted[worst])} is predicted for ${general(truth[worst])}.`
  );
}
