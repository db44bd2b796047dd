import { type ArrayInput, asArray, extent, type NDArray } from '../array.js';
import { checkBoolean, checkNumber, checkOneOf, wrongType, wrongValue } from '../check.js';
import { clip, textWidth, widest, wrap } from './font.js';
import { type AxisInput, axisLabels, general, plural, tableFormat } from './format.js';
import { type Figure, TextPlot } from './plot.js';
import { heatmapText } from './terminal.js';
import { type Frame, framed, PADDING, type PlotOptions, readFrame, SHORT_NUMBER } from './theme.js';

/** Vega's colour schemes for numbers; `greys`, `blues` and others as well as matplotlib's four. */
export const COLORMAPS = [
  'viridis',
  'magma',
  'inferno',
  'plasma',
  'cividis',
  'turbo',
  'blues',
  'greens',
  'greys',
  'oranges',
  'purples',
  'reds',
  'redblue',
  'blueorange',
  'spectral',
] as const;
export type Colormap = (typeof COLORMAPS)[number];

export interface HeatmapOptions extends PlotOptions {
  /** What stands under the columns: numbers (1e-05 … 1e+01 where they run over decades) or names. Default: 0, 1, … */
  x?: AxisInput;
  /** What stands beside the rows, from the top. Default: 0, 1, … */
  y?: AxisInput;
  xLabel?: string;
  yLabel?: string;
  /** What the values are, such as 'accuracy': the title of the colour scale. */
  valueLabel?: string;
  /** The number in every cell. Default: where the cells have room for it at 8 px; `true` writes it however small */
  annotate?: boolean;
  /** One of Vega's schemes. Default 'viridis' */
  colormap?: Colormap;
  /** The values at the two ends of the colour scale. Default: the smallest and the largest */
  domain?: readonly [number, number];
}

/** A table with labels, checked. */
export interface Table {
  readonly values: readonly number[];
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly xLabel: string;
  readonly yLabel: string;
  readonly valueLabel: string;
  /** What is written into the cells, at the precision that a cell of `width` px has room for. */
  readonly write: (values: readonly number[], fewer: number) => (value: number) => string;
}

/**
 * A table in colours, its first row on top, as seaborn's `heatmap`: grid searches, for example.
 *
 * @param table [rows, columns]; a NaN is a cell without colour
 */
export function heatmap(table: ArrayInput, options: HeatmapOptions = {}): TextPlot {
  const own = ['x', 'y', 'xLabel', 'yLabel', 'valueLabel', 'annotate', 'colormap', 'domain'];
  const frame = readFrame(options, own);
  const array = readTable('table', table);
  const [height, width] = array.shape;
  const { xLabel = '', yLabel = '', valueLabel = '' } = options;
  for (const [name, label] of Object.entries({ xLabel, yLabel, valueLabel }))
    if (typeof label !== 'string') throw wrongType(name, 'a string', label);
  const cells: Table = {
    values: Array.from(array.data),
    columns: axisLabels('x', options.x, width),
    rows: axisLabels('y', options.y, height),
    xLabel,
    yLabel,
    valueLabel,
    write: tableFormat,
  };
  const scheme = checkOneOf('colormap', options.colormap ?? 'viridis', COLORMAPS);
  const annotate = options.annotate === undefined ? undefined : checkBoolean('annotate', options.annotate);
  const domain = options.domain === undefined ? undefined : checkDomain(options.domain);
  return tablePlot(frame, cells, { scheme, annotate, domain }, describe(cells));
}

function checkDomain(domain: unknown): [number, number] {
  if (!Array.isArray(domain) || domain.length !== 2) throw wrongType('domain', 'a pair of numbers', domain);
  const [low, high] = [checkNumber('domain[0]', domain[0]), checkNumber('domain[1]', domain[1])];
  if (low >= high) throw wrongValue('domain', '[low, high] with low < high', domain);
  return [low, high];
}

export function readTable(name: string, table: ArrayInput): NDArray {
  const array = asArray(name, table);
  if (array.ndim !== 2 || array.size === 0)
    throw new RangeError(`Expected ${name} to have shape [rows, columns], got [${array.shape.join(', ')}]`);
  return array;
}

interface Colours {
  /** One of Vega's schemes, or the colours to go through. */
  readonly scheme: string | readonly string[];
  readonly annotate?: boolean;
  readonly domain?: readonly [number, number];
}

export function tablePlot(frame: Frame, table: Table, colours: Colours, words: { title: string; description: string }) {
  const figure: Figure = { frame, spec: specOf(frame, table, colours), ...words };
  return new TextPlot(figure, (color, width) => heatmapText(table, color, width, colours.scheme, frame.title));
}

function specOf(frame: Frame, table: Table, { scheme, annotate, domain }: Colours): Figure['spec'] {
  const { values } = table;
  const { fontSize } = frame;
  const rows = table.rows.map((label) => clip(label, frame.width * 0.3, fontSize));
  const columns = table.columns.map((label) => clip(label, 120, fontSize));
  const legendBelow = frame.width < 520;
  const rowLabels = widest(rows, fontSize);
  const legendWidth = legendBelow ? 0 : Math.max(70, textWidth(table.valueLabel, fontSize) + 20);
  const plotWidth = frame.width - 2 * PADDING - rowLabels - 12 - (table.yLabel ? fontSize + 8 : 0) - legendWidth;
  const cellWidth = plotWidth / columns.length;
  const cellHeight = Math.min(cellWidth, Math.max(fontSize + 8, Math.min(64, cellWidth * 0.68)));

  const annotation = annotationOf(table, cellWidth, cellHeight, fontSize, annotate);
  const angle = widest(columns, fontSize) + 6 <= cellWidth ? 0 : cellWidth >= 2 * fontSize ? -45 : -90;
  const data = values.map((value, i) => ({
    row: Math.floor(i / columns.length),
    column: i % columns.length,
    x: columns[i % columns.length],
    y: rows[Math.floor(i / columns.length)],
    value: Number.isFinite(value) ? value : null,
    ...(annotation ? { text: annotation.write(value) } : {}),
  }));
  const finite = values.filter(Number.isFinite);
  const [low, high] = domain ?? extent(finite);
  const scale = {
    ...(typeof scheme === 'string' ? { scheme } : { range: scheme }),
    ...(finite.length > 0 && low < high ? { domain: [low, high], clamp: true } : {}),
  };
  const label = (labels: readonly string[]) => `${JSON.stringify(labels)}[datum.value]`;
  const axis = { ticks: false, domain: false, labelPadding: 4 };
  const legend = {
    labelExpr: SHORT_NUMBER,
    labelOverlap: 'greedy',
    title: table.valueLabel ? wrap(table.valueLabel, legendBelow ? plotWidth : 90, fontSize) : null,
    ...(legendBelow
      ? { orient: 'bottom', direction: 'horizontal', gradientLength: Math.min(240, plotWidth), tickCount: 5, offset: 8 }
      : { gradientLength: Math.min(200, Math.max(60, cellHeight * rows.length)) }),
  };
  // The test of Vega's own `contrast` picks the text colour: whichever of black and white stands out more.
  const onWhite = "contrast('white', scale('color', datum.value)) < contrast('black', scale('color', datum.value))";
  const crowded = (room: number) => (room < fontSize + 1 ? 'parity' : false);
  return {
    ...framed(frame, cellHeight * rows.length),
    data: { values: data },
    encoding: {
      x: {
        field: 'column',
        type: 'ordinal',
        scale: { padding: 0 },
        axis: {
          ...axis,
          labelOverlap: crowded(cellWidth),
          labelExpr: label(columns),
          labelAngle: angle,
          title: table.xLabel || null,
        },
      },
      y: {
        field: 'row',
        type: 'ordinal',
        scale: { padding: 0 },
        axis: {
          ...axis,
          labelOverlap: crowded(cellHeight),
          labelExpr: label(rows),
          title: table.yLabel || null,
          ...(textWidth(table.yLabel, fontSize) < 20
            ? { titleAngle: 0, titleAlign: 'right', titleBaseline: 'middle' }
            : {}),
        },
      },
    },
    layer: [
      {
        mark: { type: 'rect', invalid: null },
        encoding: {
          color: {
            condition: { test: '!isValid(datum.value)', value: frame.palette.grid },
            field: 'value',
            type: 'quantitative',
            scale,
            legend: finite.length > 0 && low < high ? legend : null,
          },
        },
      },
      ...(annotation
        ? [
            {
              mark: { type: 'text', fontSize: annotation.size },
              encoding: {
                text: { field: 'text' },
                color: {
                  condition: [
                    { test: '!isValid(datum.value)', value: frame.palette.muted },
                    { test: onWhite, value: 'black' },
                  ],
                  value: 'white',
                },
              },
            },
          ]
        : []),
    ],
  };
}

/** The numbers' format and size: three digits if they fit, else two, else smaller letters. */
function annotationOf(table: Table, width: number, height: number, fontSize: number, wanted?: boolean) {
  if (wanted === false) return undefined;
  const sizeOf = (write: (value: number) => string) =>
    Math.min(fontSize, height - 4, (width - 4) / widest(table.values.map(write), 1));
  const [three, two] = [0, 1].map((fewer) => table.write(table.values, fewer));
  const write = sizeOf(three) >= 9 ? three : two;
  const size = Math.floor(sizeOf(write) * 2) / 2;
  if (size < 8 && wanted === undefined) return undefined;
  return { write, size: Math.max(1, size) };
}

function describe(table: Table): { title: string; description: string } {
  const { columns, rows, values, valueLabel } = table;
  const what = valueLabel || 'value';
  const axes = [table.yLabel && `${table.yLabel} in the rows`, table.xLabel && `${table.xLabel} in the columns`].filter(
    Boolean,
  );
  const extreme = (word: string, best: number) => {
    const i = values.indexOf(best);
    const x = columns[i % columns.length];
    const y = rows[Math.floor(i / columns.length)];
    return `${word} ${what} ${general(best)} at ${table.yLabel || 'row'} ${y}, ${table.xLabel || 'column'} ${x}`;
  };
  const finite = values.filter(Number.isFinite);
  const [low, high] = extent(finite);
  const ends = finite.length === 0 ? 'no finite value' : `${extreme('highest', high)}; ${extreme('lowest', low)}`;
  return {
    title: `Heatmap${valueLabel ? ` of ${valueLabel}` : ''}`,
    description: `${plural(rows.length, 'row')} by ${plural(columns.length, 'column')}${axes.length ? `, ${axes.join(', ')}` : ''}; ${ends}.`,
  };
}
