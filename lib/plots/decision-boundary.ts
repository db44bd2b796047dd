import { type ArrayInput, argmaxRows, asArray, checkFinite, NDArray, toMatrix } from '../array.js';
import { checkInteger, wrongType } from '../check.js';
import { isWords, type Label, type Labels, readLabels, uniqueLabels } from '../labels.js';
import { plural } from './format.js';
import { Plot } from './plot.js';
import { type Frame, framed, PADDING, type PlotOptions, readFrame, SERIES, SHORT_NUMBER } from './theme.js';

/** Predicts labels [n], or probabilities [n, classes] or [n, 1], for points [n, 2]. */
type Predict = (x: NDArray) => Labels | Promise<Labels>;

export interface DecisionBoundaryOptions extends PlotOptions {
  /** Default 'x₁' and 'x₂' */
  xLabel?: string;
  yLabel?: string;
  /** The names of the classes, in the order of the sorted labels. Default: the labels */
  classNames?: readonly string[];
  /** Points along each axis at which the model is asked. Default 200 */
  resolution?: number;
}

/**
 * Which class a classifier sees where, behind the data it was trained on, for data of two features.
 *
 * @param model an estimator, a Sequential (its largest output counts; a single output counts beyond 0.5), or a function
 *   that predicts
 * @param x points [n, 2]
 * @param y their classes [n]
 */
export async function decisionBoundary(
  model: { predict: Predict } | Predict,
  x: ArrayInput,
  y: Labels,
  options: DecisionBoundaryOptions = {},
): Promise<Plot> {
  const frame = readFrame(options, ['xLabel', 'yLabel', 'classNames', 'resolution']);
  const { xLabel = 'x₁', yLabel = 'x₂' } = options;
  for (const [name, label] of Object.entries({ xLabel, yLabel }))
    if (typeof label !== 'string') throw wrongType(name, 'a string', label);
  const resolution = checkInteger('resolution', options.resolution ?? 200, 2);
  if (typeof model !== 'function' && typeof model?.predict !== 'function')
    throw wrongType('model', 'a classifier', model);
  const points = toMatrix('x', x);
  const [n, features] = points.shape;
  if (features !== 2) throw new RangeError(`Expected x to have shape [n, 2], got [${n}, ${features}]`);
  const labels = readLabels('y', y);
  if (labels.length !== n) throw new RangeError(`Expected y to hold ${n} labels, one a row of x, got ${labels.length}`);
  const known = uniqueLabels(labels);

  const ranges = [0, 1].map((axis) => rangeOf(points, axis));
  const grid = gridOf(ranges, resolution, points.dtype === 'float32' ? 'float32' : 'float64');
  const predicted = classesOf(
    typeof model === 'function' ? await model(grid) : await model.predict(grid),
    known,
    resolution ** 2,
  );
  const classes = uniqueLabels(known, predicted);
  const { classNames = classes.map(String) } = options;
  if (!Array.isArray(classNames) || classNames.length !== classes.length)
    throw wrongType('classNames', `an array of ${plural(classes.length, 'name')}`, classNames);
  const nameOf = new Map(classes.map((label, i) => [label, String(classNames[i])]));

  const shares = classes.map(
    (label) => `${nameOf.get(label)} ${Math.round((100 * count(predicted, label)) / predicted.length)} %`,
  );
  return new Plot({
    frame,
    spec: specOf(frame, {
      ranges,
      regions: regionsOf(predicted, ranges, resolution, nameOf),
      points: Array.from({ length: n }, (_, i) => ({
        x: points.data[2 * i],
        y: points.data[2 * i + 1],
        class: nameOf.get(labels[i])!,
      })),
      names: classes.map((label) => nameOf.get(label)!),
      xLabel,
      yLabel,
    }),
    title: 'Decision boundary',
    description: `${plural(n, 'point')} of ${classes.length} classes over ${xLabel} and ${yLabel}; of the area the model gives: ${shares.join(', ')}.`,
  });
}

const count = (labels: readonly Label[], wanted: Label) =>
  labels.reduce<number>((sum, label) => sum + (label === wanted ? 1 : 0), 0);

/** The range of a column with 8 % around it. */
function rangeOf(points: NDArray, axis: number): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = axis; i < points.size; i += 2) {
    low = Math.min(low, points.data[i]);
    high = Math.max(high, points.data[i]);
  }
  const margin = 0.08 * (high - low) || 0.5;
  return [low - margin, high + margin];
}

/** The middles of resolution x resolution cells, row by row from the lowest y. */
function gridOf([[left, right], [bottom, top]]: number[][], resolution: number, dtype: 'float32' | 'float64'): NDArray {
  const grid = NDArray.zeros([resolution ** 2, 2], dtype);
  for (let i = 0; i < resolution ** 2; i++) {
    grid.data[2 * i] = left + ((right - left) * ((i % resolution) + 0.5)) / resolution;
    grid.data[2 * i + 1] = bottom + ((top - bottom) * (Math.floor(i / resolution) + 0.5)) / resolution;
  }
  return grid;
}

/** Predictions as labels: as they are, or those of the largest output, or of a single output beyond 0.5. */
function classesOf(predicted: Labels, known: readonly Label[], n: number): Label[] {
  if (isWords(predicted)) return checkLength([...predicted], n);
  const array = asArray('predictions', predicted as ArrayInput);
  checkFinite('predictions', array);
  if (array.ndim !== 2) return checkLength(Array.from(array.data), n);
  const codes =
    array.shape[1] === 1 ? Array.from(array.data, (p) => (p > 0.5 ? 1 : 0)) : Array.from(argmaxRows(array).data);
  return checkLength(
    codes.map((code) => known[code] ?? code),
    n,
  );
}

function checkLength<T>(labels: T[], n: number): T[] {
  if (labels.length !== n) throw new RangeError(`Expected the model to predict ${n} labels, got ${labels.length}`);
  return labels;
}

interface Region {
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
  readonly top: number;
  readonly class: string;
}

/** Cells of one class beside each other as one rectangle, row by row. */
function regionsOf(
  predicted: readonly Label[],
  [[left, right], [bottom, top]]: number[][],
  resolution: number,
  nameOf: ReadonlyMap<Label, string>,
): Region[] {
  const [dx, dy] = [(right - left) / resolution, (top - bottom) / resolution];
  const regions: Region[] = [];
  for (let row = 0; row < resolution; row++) {
    for (let from = 0, to = 0; from < resolution; from = to) {
      const label = predicted[row * resolution + from];
      while (to < resolution && predicted[row * resolution + to] === label) to++;
      const cell = {
        left: left + from * dx,
        right: left + to * dx,
        bottom: bottom + row * dy,
        top: bottom + (row + 1) * dy,
      };
      regions.push({ ...cell, class: nameOf.get(label)! });
    }
  }
  return regions;
}

interface Scene {
  readonly ranges: number[][];
  readonly regions: readonly Region[];
  readonly points: readonly object[];
  readonly names: readonly string[];
  readonly xLabel: string;
  readonly yLabel: string;
}

function specOf(frame: Frame, { ranges, regions, points, names, xLabel, yLabel }: Scene) {
  const axis = { grid: false, tickCount: 5, labelExpr: SHORT_NUMBER };
  const colours = names.map((_, i) => SERIES[i % SERIES.length]);
  const scale = { domain: names, range: colours };
  const legend = { title: null, orient: 'top', offset: 8, columns: Math.max(2, Math.floor(frame.width / 110)) };
  const quantity = (first: string, title: string, i: number) => ({
    field: first,
    type: 'quantitative',
    title,
    axis,
    scale: { domain: ranges[i], nice: false, zero: false },
  });
  return {
    ...framed(frame, Math.round(Math.min(460, (frame.width - 2 * PADDING) * 0.68))),
    layer: [
      {
        data: { values: regions.map((region) => ({ ...region, colour: colours[names.indexOf(region.class)] })) },
        mark: { type: 'rect', opacity: 0.25 },
        encoding: {
          x: quantity('left', xLabel, 0),
          x2: { field: 'right' },
          y: quantity('bottom', yLabel, 1),
          y2: { field: 'top' },
          color: { field: 'colour', type: 'nominal', scale: null },
        },
      },
      {
        data: { values: points },
        mark: { type: 'point', filled: true, opacity: 1, size: 36, stroke: frame.palette.surface, strokeWidth: 0.8 },
        encoding: {
          x: quantity('x', xLabel, 0),
          y: quantity('y', yLabel, 1),
          fill: { field: 'class', type: 'nominal', scale, legend },
          shape: { field: 'class', type: 'nominal', scale: { domain: names }, legend },
        },
      },
    ],
  };
}
