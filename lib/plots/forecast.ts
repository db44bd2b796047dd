import { type ArrayInput, checkArray } from '../array.js';
import { checkInteger, checkObject, checkOptions, wrongShape, wrongType, wrongValue } from '../check.js';
import { general } from './format.js';
import { Plot } from './plot.js';
import { base, type Frame, PADDING, type PlotOptions, readFrame, SERIES, SHORT_NUMBER } from './theme.js';

export interface ForecastInput {
  /** The series [steps] as it was, before and behind the forecast as far as it is known. */
  readonly observed: ArrayInput;
  /** [horizon] */
  readonly forecast: ArrayInput;
  /** An interval around the forecast, [horizon] each. */
  readonly lower?: ArrayInput;
  readonly upper?: ArrayInput;
  /** The step of the series that the forecast begins with. Default: the one behind those observed */
  readonly start?: number;
}

export interface ForecastOptions extends PlotOptions {
  /** What the steps are. Default 'step' */
  xLabel?: string;
  /** What the series is. Default: nothing */
  yLabel?: string;
}

/** A forecast beside what was observed, with its interval as a band. */
export function forecast(input: ForecastInput, options: ForecastOptions = {}): Plot {
  const frame = readFrame(options, ['xLabel', 'yLabel']);
  for (const name of ['xLabel', 'yLabel'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'string')
      throw wrongType(name, 'a string', options[name]);
  checkObject('forecast', input);
  checkOptions('forecast', input, ['observed', 'forecast', 'lower', 'upper', 'start']);
  const observed = line('observed', input.observed);
  const values = line('forecast', input.forecast);
  const band = (['lower', 'upper'] as const).map((name) => input[name] && line(name, input[name], values.length));
  const [lower, upper] = band;
  if ((lower === undefined) !== (upper === undefined))
    throw new TypeError('Expected lower and upper together, got one of them');
  const crossed = lower && upper ? lower.findIndex((value, k) => value > upper[k]) : -1;
  if (lower && upper && crossed >= 0)
    throw wrongValue(`lower[${crossed}]`, `at most upper[${crossed}], ${upper[crossed]}`, lower[crossed]);
  const start = checkInteger('start', input.start ?? observed.length, 0);
  if (start > observed.length)
    throw wrongValue('start', `at most ${observed.length}, the step behind those observed`, start);
  const last = values.length - 1;
  const width = upper && lower ? `, between ${general(lower[last])} and ${general(upper[last])}` : '';
  return new Plot({
    frame,
    spec: specOf(frame, observed, values, start, lower && upper && { lower, upper }, options),
    title: 'Forecast',
    description: `${values.length} steps from step ${start} on: from ${general(values[0])} to ${general(values[last])}${width}.`,
  });
}

function line(name: string, given: ArrayInput, length?: number): number[] {
  const { shape, data } = checkArray(name, given);
  if (shape.length !== 1 || (length !== undefined && shape[0] !== length))
    throw wrongShape(name, length === undefined ? 'of shape [steps]' : `of shape [${length}], as the forecast`, shape);
  return Array.from(data);
}

function specOf(
  frame: Frame,
  observed: readonly number[],
  values: readonly number[],
  start: number,
  band: { readonly lower: readonly number[]; readonly upper: readonly number[] } | undefined,
  { xLabel = 'step', yLabel }: ForecastOptions,
) {
  const width = frame.width - 2 * PADDING - 60;
  const kinds = ['observed', 'forecast'];
  const points = [
    ...observed.map((value, step) => ({ step, value, kind: 'observed' })),
    ...values.map((value, k) => ({ step: start + k, value, kind: 'forecast' })),
  ];
  const x = {
    field: 'step',
    type: 'quantitative',
    title: xLabel,
    scale: { zero: false, nice: false },
    axis: { grid: false, format: 'd', tickMinStep: 1, tickCount: Math.max(2, Math.floor(width / 80)) },
  };
  const y = {
    type: 'quantitative',
    title: yLabel ?? null,
    scale: { zero: false, nice: true },
    axis: { tickCount: 5, domain: false, ticks: false, labelPadding: 6, labelExpr: SHORT_NUMBER },
  };
  const area = band && {
    data: { values: values.map((_, k) => ({ step: start + k, lower: band.lower[k], upper: band.upper[k] })) },
    mark: { type: 'area', color: SERIES[1], opacity: 0.25 },
    encoding: { x, y: { ...y, field: 'lower' }, y2: { field: 'upper' } },
  };
  const lines = {
    data: { values: points },
    mark: { type: 'line', strokeWidth: 2 },
    encoding: {
      x,
      y: { ...y, field: 'value' },
      color: {
        field: 'kind',
        type: 'nominal',
        scale: { domain: kinds, range: [frame.palette.muted, SERIES[1]] },
        legend: { title: null, orient: 'top', symbolType: 'stroke', offset: 10 },
      },
    },
  };
  return {
    ...base(frame),
    width,
    height: Math.round(Math.min(300, width * 0.5)),
    layer: [...(area ? [area] : []), lines],
  };
}
