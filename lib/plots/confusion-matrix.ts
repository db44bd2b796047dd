import { type ArrayInput, extent } from '../array.js';
import { checkOneOf, wrongValue } from '../check.js';
import { type AxisInput, axisLabels, fixed, general } from './format.js';
import { COLORMAPS, type Colormap, readTable, type Table, tablePlot } from './heatmap.js';
import type { TextPlot } from './plot.js';
import { type PlotOptions, readFrame } from './theme.js';

export interface ConfusionMatrixOptions extends PlotOptions {
  /** The names of the classes. Default: 0, 1, … */
  labels?: AxisInput;
  /** Shares instead of counts: of the true class (rows), of the predicted one (columns), or of all samples. Default: counts */
  normalize?: 'true' | 'pred' | 'all' | null;
  /** One of Vega's schemes. Default: blues that begin at white */
  colormap?: Colormap;
}

/** ColorBrewer's Blues from its lightest colour on, where Vega's scheme begins with a visible blue. */
const BLUES = ['#f7fbff', '#9ecae1', '#2171b5', '#08306b'];

/**
 * Which class was taken for which, true classes in rows and predicted ones in columns, as scikit-learn's
 * `ConfusionMatrixDisplay`.
 *
 * @param matrix counts [classes, classes], as `confusionMatrix(yTrue, yPred)` of 'fjordnet' gives them
 */
export function confusionMatrix(matrix: ArrayInput, options: ConfusionMatrixOptions = {}): TextPlot {
  const frame = readFrame(options, ['labels', 'normalize', 'colormap']);
  const array = readTable('matrix', matrix);
  const [n, width] = array.shape;
  if (n !== width) throw new RangeError(`Expected matrix to be square, got shape [${n}, ${width}]`);
  const counts = Array.from(array.data);
  const wrong = counts.findIndex((count) => !(count >= 0 && Number.isFinite(count)));
  if (wrong >= 0)
    throw wrongValue(`matrix[${Math.floor(wrong / n)}][${wrong % n}]`, 'a non-negative number', counts[wrong]);
  const normalize = options.normalize ?? undefined;
  if (normalize !== undefined) checkOneOf('normalize', normalize, ['true', 'pred', 'all']);
  const labels = axisLabels('labels', options.labels, n);
  const table: Table = {
    values: normalize ? shares(counts, n, normalize) : counts,
    rows: labels,
    columns: labels,
    xLabel: 'predicted',
    yLabel: 'true',
    valueLabel: normalize ? 'share' : 'samples',
    write: (_, fewer) => (value) => (normalize && value !== 0 ? fixed(value, 2 - Math.min(1, fewer)) : general(value)),
  };
  const { colormap } = options;
  const scheme = colormap === undefined ? BLUES : checkOneOf('colormap', colormap, COLORMAPS);
  const domain = normalize ? ([0, 1] as const) : ([0, Math.max(1, extent(counts)[1])] as const);
  return tablePlot(
    frame,
    table,
    { scheme, domain },
    { title: 'Confusion matrix', description: describe(counts, labels) },
  );
}

/** 0 where there is nothing to divide by, as scikit-learn. */
function shares(counts: readonly number[], n: number, by: 'true' | 'pred' | 'all'): number[] {
  const group = (i: number) => (by === 'true' ? Math.floor(i / n) : by === 'pred' ? i % n : 0);
  const sums = new Float64Array(n);
  counts.forEach((count, i) => {
    sums[group(i)] += count;
  });
  return counts.map((count, i) => (count === 0 ? 0 : count / sums[group(i)]));
}

function describe(counts: readonly number[], labels: readonly string[]): string {
  const n = labels.length;
  const all = counts.reduce((sum, count) => sum + count, 0);
  const right = counts.reduce((sum, count, i) => (i % (n + 1) === 0 ? sum + count : sum), 0);
  const off = counts.map((count, i) => (i % (n + 1) === 0 ? 0 : count));
  const most = off.indexOf(extent(off)[1]);
  const worst =
    off[most] > 0
      ? `; the most frequent mistake is ${labels[Math.floor(most / n)]} taken for ${labels[most % n]}, ${general(off[most])} times`
      : '';
  return `${general(right, 9)} of ${general(all, 9)} samples of ${n} classes classified correctly${worst}.`;
}
