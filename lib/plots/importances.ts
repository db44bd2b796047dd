import { type ArrayInput, checkArray } from '../array.js';
import { checkInteger, checkObject, wrongValue } from '../check.js';
import { clip, widest } from './font.js';
import { type AxisInput, axisLabels, general } from './format.js';
import { Plot } from './plot.js';
import { type Frame, framed, type PlotOptions, readFrame, SERIES, SHORT_NUMBER } from './theme.js';

/** What `permutationImportance` resolves to; its other parts are not read. */
export interface ImportancesInput {
  /** [features] */
  readonly importancesMean: ArrayInput;
  /** [features] */
  readonly importancesStd: ArrayInput;
}

export interface ImportancesOptions extends PlotOptions {
  /** How many features are drawn, those of the largest means. Default 20 */
  limit?: number;
}

interface Bar {
  readonly name: string;
  readonly mean: number;
  readonly std: number;
}

/**
 * How much each feature matters, the largest on top: bars of the mean that permuting it takes off the score, and lines of one
 * standard deviation to both sides.
 *
 * @param names of the features, in the order of the importances: `featureNames` of those of a table
 */
export function importances(names: AxisInput, importance: ImportancesInput, options: ImportancesOptions = {}): Plot {
  const frame = readFrame(options, ['limit']);
  const limit = checkInteger('limit', options.limit ?? 20, 1);
  checkObject('importance', importance, "permutationImportance's result");
  const means = checkArray('importancesMean', importance.importancesMean, { ndim: 1 });
  const deviations = checkArray('importancesStd', importance.importancesStd, { ndim: 1 });
  if (deviations.length !== means.length)
    throw new RangeError(`Expected importancesStd to have ${means.length} numbers, got ${deviations.length}`);
  const negative = deviations.data.findIndex((deviation) => deviation < 0);
  if (negative >= 0) throw wrongValue(`importancesStd[${negative}]`, 'a number >= 0', deviations.data[negative]);
  const labels = axisLabels('names', names, means.length);
  const bars = labels
    .map((name, i): Bar => ({ name, mean: means.data[i], std: deviations.data[i] }))
    .sort((a, b) => b.mean - a.mean);
  const shown = bars.slice(0, limit);
  const [first] = bars;
  const rest = shown.length < bars.length ? `; the first ${shown.length} are drawn` : '';
  return new Plot({
    frame,
    spec: specOf(frame, shown),
    title: 'Importances',
    description: `${first.name} matters most of ${bars.length}: permuted, it takes ${general(first.mean)} off the score${rest}.`,
  });
}

function specOf(frame: Frame, bars: readonly Bar[]) {
  const { fontSize, width, palette } = frame;
  const room = 0.4 * width;
  const labels = bars.map(({ name }) => clip(name, room, fontSize));
  const extent = Math.ceil(widest(labels, fontSize)) + 8;
  const y = {
    field: 'feature',
    type: 'nominal',
    title: null,
    // By number: names may be alike.
    scale: { domain: bars.map((_, i) => i), paddingInner: 0.3, paddingOuter: 0.2 },
    axis: {
      domain: false,
      ticks: false,
      labelPadding: 6,
      minExtent: extent,
      labelExpr: `${JSON.stringify(labels)}[datum.value]`,
    },
  };
  const x = { type: 'quantitative', title: 'taken off the score', axis: { tickCount: 5, labelExpr: SHORT_NUMBER } };
  const values = bars.map(({ mean, std }, feature) => ({ feature, mean, low: mean - std, high: mean + std }));
  return {
    ...framed(frame, Math.max(60, bars.length * (fontSize + 12))),
    data: { values },
    layer: [
      { mark: { type: 'bar', color: SERIES[0] }, encoding: { y, x: { ...x, field: 'mean' } } },
      {
        mark: { type: 'rule', strokeWidth: 1.5, color: palette.ink },
        encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' } },
      },
    ],
  };
}
