import { checkInterval, checkOneOf, wrongType } from '../check.js';
import { CURVES } from './curves.js';
import { Plot } from './plot.js';
import { base, type Frame, PADDING, type PlotOptions, panelTitle, readFrame, SERIES } from './theme.js';

export type ActivationName = keyof typeof CURVES;
const NAMES = Object.keys(CURVES) as ActivationName[];

export interface ActivationOptions extends PlotOptions {
  /** The functions are drawn from -range to range, up to 100. Default 4 */
  range?: number;
}

/**
 * Activation functions and their derivatives, one panel each.
 *
 * @param names default: sigmoid, step, tanh, relu, leakyRelu, elu and sine
 */
export function activation(
  names: ActivationName | readonly ActivationName[] = NAMES,
  options: ActivationOptions = {},
): Plot {
  const frame = readFrame(options, ['range']);
  const range = checkInterval('range', options.range ?? 4, 0, 100, 'low');
  if (typeof names !== 'string' && !Array.isArray(names))
    throw wrongType('names', 'a name or an array of names', names);
  const list = (typeof names === 'string' ? [names] : names) as readonly ActivationName[];
  if (list.length === 0) throw new RangeError('Expected names to hold at least one name, got none');
  list.forEach((name, i) => {
    checkOneOf(list === names ? `names[${i}]` : 'names', name, NAMES);
  });
  const titles = list.map((name) => CURVES[name].title).join(', ');
  return new Plot({
    frame,
    spec: specOf(frame, list, range),
    title: `Activation functions: ${titles}`,
    description: `The function and its derivative from ${-range} to ${range}, one panel each for ${titles}.`,
  });
}

const KINDS = ['function', 'derivative'] as const;

function specOf(frame: Frame, names: readonly ActivationName[], range: number) {
  const { width } = frame;
  const extent = 30;
  const spacing = 16;
  const most = width < 520 ? 2 : width < 760 ? 3 : 4;
  // 7 panels are 4 + 3, and not 3 + 3 + 1.
  const columns = Math.ceil(names.length / Math.ceil(names.length / most));
  const panel = Math.min(340, (width - 2 * PADDING - (columns - 1) * spacing) / columns - extent - 8);
  const panels = names.map((name) => ({
    width: panel,
    height: Math.round(panel * 0.85),
    layer: [
      panelTitle(frame, CURVES[name].title, panel),
      {
        data: { values: KINDS.flatMap((kind) => points(name, kind, range)) },
        mark: { type: 'line', strokeWidth: 2 },
        encoding: {
          x: {
            field: 'x',
            type: 'quantitative',
            title: null,
            scale: { nice: false },
            axis: { tickCount: 5, grid: false, domain: false, labelPadding: 4 },
          },
          y: {
            field: 'y',
            type: 'quantitative',
            title: null,
            axis: { tickCount: 5, minExtent: extent, maxExtent: extent, domain: false, ticks: false, labelPadding: 6 },
          },
          detail: { field: 'piece', type: 'nominal' },
          color: {
            field: 'curve',
            type: 'nominal',
            scale: { domain: KINDS, range: SERIES.slice(0, 2) },
            legend: LEGEND,
          },
          strokeDash: {
            field: 'curve',
            type: 'nominal',
            scale: { domain: KINDS, range: [[], [5, 3]] },
            legend: LEGEND,
          },
        },
      },
    ],
  }));
  return { ...base(frame), columns, spacing: { row: 18, column: spacing }, concat: panels };
}

const LEGEND = { title: null, orient: 'top', offset: 10, symbolType: 'stroke', symbolSize: 300 };

/** A curve as points; one that jumps at 0 in two pieces, with its limits at both ends. */
function points(name: ActivationName, curve: (typeof KINDS)[number], range: number) {
  const { f, derivative, jumps } = CURVES[name];
  const value = curve === 'function' ? f : derivative;
  const broken = jumps === (curve === 'function' ? 'f' : 'derivative');
  const steps = 60;
  const pieces = broken ? [-1, 1] : [0];
  return pieces.flatMap((piece) =>
    Array.from({ length: steps + 1 }, (_, i) => {
      const x = piece === 0 ? range * ((2 * i) / steps - 1) : piece < 0 ? range * (i / steps - 1) : range * (i / steps);
      const y = value(broken && x === 0 ? piece * Number.MIN_VALUE : x);
      return { x, y: Number(y.toPrecision(6)), curve, piece: `${curve} ${piece}` };
    }),
  );
}
