import type { NDArray } from '../array.js';
import { checkBoolean, checkInteger, checkOneOf } from '../check.js';
import { clip, textWidth } from './font.js';
import { general, plural } from './format.js';
import { type NamedArrays, readWeights, type WeightsModel } from './model.js';
import { Plot } from './plot.js';
import { base, type Frame, PADDING, type PlotOptions, readFrame, SERIES, SHORT_NUMBER } from './theme.js';

export interface WeightsOptions extends PlotOptions {
  /**
   * 'linear' shows the values; 'log' the logarithm of their magnitudes, where gradients that vanish or explode from layer
   * to layer stand apart. Default 'linear'
   */
  scale?: 'linear' | 'log';
  /** Show a model's biases too (its arrays of one dimension). Default false */
  biases?: boolean;
  /** Default 60 */
  bins?: number;
}

/** One array's histogram, over the x axis that all share. */
interface Histogram {
  readonly name: string;
  readonly summary: string;
  readonly bins: readonly { readonly from: number; readonly to: number; readonly share: number }[];
  readonly bad: number;
}

/**
 * Histograms of the weights layer by layer, under one another on one x axis; or of gradients, given by name:
 * `weights(net.backpropagation(x, y), { scale: 'log' })`.
 */
export function weights<T extends NamedArrays<T>>(model: WeightsModel | T, options: WeightsOptions = {}): Plot {
  const frame = readFrame(options, ['scale', 'biases', 'bins']);
  const log = checkOneOf('scale', options.scale ?? 'linear', ['linear', 'log']) === 'log';
  const biases = checkBoolean('biases', options.biases ?? false);
  const bins = checkInteger('bins', options.bins ?? 60, 1);
  const { arrays, fromModel } = readWeights(model);
  const kernels = arrays.filter(({ array }) => array.ndim > 1);
  const shown = fromModel && !biases && kernels.length > 0 ? kernels : arrays;
  if (shown.length === 0) throw new RangeError('Expected model to have weights, got none');

  const place = (value: number) => (log ? Math.log10(Math.abs(value)) : value);
  const domain = domainOf(
    shown.map(({ array }) => array),
    place,
  );
  const histograms = shown.map(({ name, array }) => histogram(name, array, place, domain, bins));
  return new Plot({
    frame,
    spec: specOf(frame, histograms, domain, log),
    title: log ? 'Magnitudes layer by layer' : 'Weights layer by layer',
    description: `${histograms.map(({ name, summary }) => `${name}: ${summary}`).join('; ')}.`,
  });
}

function domainOf(arrays: readonly NDArray[], place: (value: number) => number): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { data } of arrays)
    for (const value of data) {
      const x = place(value);
      if (!Number.isFinite(x)) continue;
      if (x < low) low = x;
      if (x > high) high = x;
    }
  if (low > high) return [-1, 1];
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
}

function histogram(
  name: string,
  { data, size }: NDArray,
  place: (value: number) => number,
  [low, high]: [number, number],
  bins: number,
): Histogram {
  const counts = new Float64Array(bins);
  let [zeros, bad, n, mean, squares] = [0, 0, 0, 0, 0];
  for (const value of data) {
    if (!Number.isFinite(value)) {
      bad++;
      continue;
    }
    const distance = value - mean;
    mean += distance / ++n;
    squares += distance * (value - mean);
    if (value === 0) zeros++;
    const x = place(value);
    if (Number.isFinite(x)) counts[Math.min(bins - 1, Math.floor(((x - low) / (high - low)) * bins))]++;
  }
  const deviation = Math.sqrt(squares / Math.max(1, n));
  const summary = [
    plural(size, 'value'),
    `mean ${general(mean, 2)}`,
    `std ${general(deviation, 2)}`,
    ...(zeros > 0 ? [`${Math.max(1, Math.round((100 * zeros) / size))} % zero`] : []),
    ...(bad > 0 ? [`${bad} not finite`] : []),
  ].join(', ');
  const width = (high - low) / bins;
  const filled = Array.from(counts, (count, i) => ({
    from: low + i * width,
    to: low + (i + 1) * width,
    share: count / size,
  }));
  return { name, summary, bad, bins: filled.filter(({ share }) => share > 0) };
}

function specOf(frame: Frame, histograms: readonly Histogram[], domain: [number, number], log: boolean) {
  const { width, fontSize, palette } = frame;
  const inner = width - 2 * PADDING - 24;
  const panels = histograms.map(({ name, summary, bins }, i) => {
    const last = i === histograms.length - 1;
    const together = textWidth(`${name}   ${summary}`, fontSize) <= inner;
    const titles = together
      ? [
          { text: name, x: 0, y: -6, align: 'left', color: palette.ink },
          { text: summary, x: inner, y: -6, align: 'right', color: palette.muted },
        ]
      : [
          { text: clip(name, inner, fontSize), x: 0, y: -8 - fontSize, align: 'left', color: palette.ink },
          { text: clip(summary, inner, fontSize), x: 0, y: -5, align: 'left', color: palette.muted },
        ];
    return {
      width: inner,
      height: histograms.length > 6 ? 44 : 64,
      layer: [
        {
          data: { values: bins },
          mark: { type: 'rect', color: SERIES[0] },
          encoding: {
            x: {
              field: 'from',
              type: 'quantitative',
              title: null,
              scale: { domain, nice: false, zero: false },
              axis: {
                labels: last,
                ticks: last,
                tickCount: Math.floor(inner / 70),
                labelExpr: log ? EXPONENT : SHORT_NUMBER,
                ...(log ? { tickMinStep: 1, title: last ? 'magnitude' : null } : {}),
              },
            },
            x2: { field: 'to' },
            y: { field: 'share', type: 'quantitative', axis: null },
            y2: { datum: 0 },
          },
        },
        ...titles.map(({ text, x, y, align, color }) => ({
          data: { values: [{}] },
          mark: { type: 'text', align, baseline: 'bottom', color },
          encoding: { text: { value: text }, x: { value: x }, y: { value: y } },
        })),
      ],
    };
  });
  return { ...base(frame), spacing: 12, vconcat: panels };
}

/** 1e-05 for -5. */
const EXPONENT = "'1e' + (datum.value < 0 ? '-' : '+') + (abs(datum.value) < 10 ? '0' : '') + abs(datum.value)";
