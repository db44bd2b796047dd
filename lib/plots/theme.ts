import { checkInterval, checkOneOf, checkOptions, wrongType } from '../check.js';
import { FONT, wrap } from './font.js';

/** A Vega-Lite specification: plain JSON that any Vega-Lite tool opens. */
export type VegaLiteSpec = Readonly<Record<string, unknown>>;

/** What every plot takes. */
export interface PlotOptions {
  /** The whole figure's width in px, 240 to 4000. Default 640 */
  width?: number;
  /**
   * 'light' (default) and 'dark' are as they say. 'auto' is for SVG inside a page: no background, and colours that follow
   * the reader's `prefers-color-scheme`; its PNG is light.
   */
  theme?: 'light' | 'dark' | 'auto';
  /** Drawn above the figure, and its name for screen readers. Default: a name for screen readers alone */
  title?: string;
  /** Read out by screen readers. Default: what the data says, in a sentence or two */
  description?: string;
  /** A CSS colour or 'transparent'. Default: white, near black in the dark theme, 'transparent' in 'auto' */
  background?: string;
}

export const PLOT_OPTIONS = ['width', 'theme', 'title', 'description', 'background'] as const;

export interface Palette {
  /** Titles, and lines that must be seen. */
  readonly ink: string;
  /** The labels of axes and ticks. */
  readonly muted: string;
  /** Grid lines and frames. */
  readonly grid: string;
  /** What was predicted wrongly. */
  readonly wrong: string;
  readonly surface: string;
}

export const LIGHT: Palette = {
  ink: '#1f2328',
  muted: '#59636e',
  grid: '#dde1e6',
  wrong: '#c62b36',
  surface: '#ffffff',
};
export const DARK: Palette = {
  ink: '#e6edf3',
  muted: '#9da7b3',
  grid: '#30363d',
  wrong: '#ff7b72',
  surface: '#0d1117',
};

/**
 * Colours of series and classes, the first four from Okabe and Ito's palette for the colour-blind. Each has a contrast of
 * 3 and more against both surfaces, so they stay what they are when the theme changes.
 */
export const SERIES = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#c06a98',
  '#8468d0',
  '#a67c00',
  '#697b91',
  '#c8385a',
  '#2f8f9d',
  '#8d6748',
] as const;

/** Blue for below zero, red for above, as ColorBrewer's RdBu. */
export const DIVERGING = ['#2166ac', '#f7f7f7', '#b2182b'] as const;

/** The options that every plot has, checked, with their defaults. */
export interface Frame {
  readonly width: number;
  readonly theme: 'light' | 'dark' | 'auto';
  readonly palette: Palette;
  readonly background: string;
  readonly title?: string;
  readonly description?: string;
  /** Text sizes in px: smaller in narrow figures. */
  readonly fontSize: number;
}

export function readFrame(options: PlotOptions, others: readonly string[] = []): Frame {
  checkOptions('options', options, [...PLOT_OPTIONS, ...others]);
  const width = Math.round(checkInterval('width', options.width ?? 640, 240, 4000));
  const theme = checkOneOf('theme', options.theme ?? 'light', ['light', 'dark', 'auto']);
  const { title, description } = options;
  for (const [name, text] of Object.entries({ title, description, background: options.background }))
    if (text !== undefined && typeof text !== 'string') throw wrongType(name, 'a string', text);
  const palette = theme === 'dark' ? DARK : LIGHT;
  const background = options.background ?? (theme === 'auto' ? 'transparent' : palette.surface);
  return { width, theme, palette, background, title, description, fontSize: width < 520 ? 11 : 12 };
}

/** Vega's label, or 1e-05 where that would be long: the expression of an axis or legend. */
export const SHORT_NUMBER =
  "datum.label === '' ? '' : datum.value === 0 && length(datum.label) > 4 ? '0' : " +
  'datum.value === 0 || (abs(datum.value) >= 1e-3 && abs(datum.value) < 1e5) ? datum.label : ' +
  "replace(format(datum.value, '~e'), regexp('e([+-])([0-9])$'), 'e$10$2')";

export const PADDING = 8;

/** The parts of a specification that all plots share. */
export function base(frame: Frame): Record<string, unknown> {
  const { palette, fontSize, title, width } = frame;
  const text = {
    labelFontSize: fontSize,
    titleFontSize: fontSize,
    titleFontWeight: 'normal',
    labelLimit: 0,
    titleLimit: 0,
  };
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: frame.background,
    padding: PADDING,
    ...(title
      ? { title: { text: wrap(title, width - 2 * PADDING, fontSize + 3, true), anchor: 'start', frame: 'bounds' } }
      : {}),
    config: {
      font: FONT,
      aria: false,
      view: { stroke: null },
      title: { fontSize: fontSize + 3, fontWeight: 'bold', color: palette.ink, offset: 12, limit: width },
      axis: {
        ...text,
        labelColor: palette.muted,
        titleColor: palette.ink,
        titlePadding: 6,
        gridColor: palette.grid,
        domainColor: palette.grid,
        tickColor: palette.grid,
      },
      legend: { ...text, labelColor: palette.muted, titleColor: palette.ink },
      text: { color: palette.ink, fontSize },
    },
  };
}

/** The same, and a size: the width with the axes' texts, the height without. */
export const framed = (frame: Frame, height: number): Record<string, unknown> => ({
  ...base(frame),
  autosize: { type: 'fit-x', contains: 'padding' },
  width: frame.width,
  height,
});

/** The height of a chart of curves or points. */
export const chartHeight = ({ width }: Frame): number => Math.round(Math.min(400, (width - 2 * PADDING) * 0.7));

/**
 * The name of a panel over its plot, as a layer. (Vega's own titles of panels move with the labels of the axes, so that
 * those of neighbours would not stand on one line.)
 */
export function panelTitle(frame: Frame, text: string, width: number): Record<string, unknown> {
  const fontSize = frame.fontSize + 1;
  return {
    data: { values: [{}] },
    mark: { type: 'text', align: 'left', baseline: 'bottom', fontSize, lineHeight: fontSize + 3 },
    encoding: { x: { value: 0 }, y: { value: -8 }, text: { value: wrap(text, width, fontSize) } },
  };
}
