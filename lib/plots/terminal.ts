import { extent } from '../array.js';
import { general } from './format.js';
import type { Table } from './heatmap.js';
import type { Series } from './history.js';

type Rgb = readonly [number, number, number];

/** Every eighth of matplotlib's viridis, and ColorBrewer's 9-class Blues and Greys. */
const MAPS: Record<string, readonly Rgb[]> = {
  viridis: hex('440154 472d7b 3b528b 2c728e 21918c 28ae80 5ec962 addc30 fde725'),
  blues: hex('f7fbff deebf7 c6dbef 9ecae1 6baed6 4292c6 2171b5 08519c 08306b'),
  greys: hex('ffffff f0f0f0 d9d9d9 bdbdbd 969696 737373 525252 252525 000000'),
};

function hex(colours: string): Rgb[] {
  return colours.split(' ').map((c) => [0, 2, 4].map((i) => Number.parseInt(c.slice(i, i + 2), 16)) as unknown as Rgb);
}

/** The colour at `t` in [0, 1]. */
function colourAt(map: string, t: number): Rgb {
  const stops = MAPS[map];
  const place = Math.min(1, Math.max(0, t)) * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(place));
  return stops[i].map((c, k) => Math.round(c + (stops[i + 1][k] - c) * (place - i))) as unknown as Rgb;
}

/** The nearest of xterm's 256 colours: the 6 x 6 x 6 cube, or one of the 24 greys. */
function xterm([r, g, b]: Rgb): number {
  const level = (c: number) => (c < 48 ? 0 : c < 115 ? 1 : Math.round((c - 55) / 40));
  if (Math.max(r, g, b) - Math.min(r, g, b) > 8) return 16 + 36 * level(r) + 6 * level(g) + level(b);
  return r > 246 ? 231 : r < 4 ? 16 : 232 + Math.min(23, Math.max(0, Math.round((r - 8) / 10)));
}

const ESC = '\u001b[';
const paint = (text: string, foreground: number, background?: number) =>
  `${ESC}38;5;${foreground}${background === undefined ? '' : `;48;5;${background}`}m${text}${ESC}0m`;

const luminance = ([r, g, b]: Rgb) => 0.2126 * (r / 255) ** 2.2 + 0.7152 * (g / 255) ** 2.2 + 0.0722 * (b / 255) ** 2.2;
const onto = (background: Rgb) => (luminance(background) > 0.18 ? 16 : 231);

/** Text that comes from data: control characters, which could steer the terminal, are taken out. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const plain = (text: string) => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');

const shorten = (text: string, width: number) =>
  [...text].length > width ? `${[...text].slice(0, width - 1).join('')}…` : text;

/** The numbers in columns, on their colours if there are any; where they have no room, a digit from 0 (low) to 9. */
export function heatmapText(
  table: Table,
  color: boolean,
  width: number,
  scheme: string | readonly string[],
  title?: string,
): string {
  const map = typeof scheme !== 'string' ? 'blues' : scheme in MAPS ? scheme : 'viridis';
  const { values } = table;
  const rows = table.rows.map(plain);
  const columns = table.columns.map(plain);
  const finite = values.filter(Number.isFinite);
  const [low, high] = extent(finite);
  const share = (value: number) => (high > low ? (value - low) / (high - low) : 0.5);
  const margin =
    Math.min(Math.max(extent(rows.map((label) => label.length))[1], table.yLabel.length), Math.floor(width / 3)) + 1;

  const cellOf = (texts: readonly string[]) => extent(texts.map((t) => t.length))[1] + 2;
  const texts = [0, 1].map((fewer) => values.map(table.write(values, fewer)));
  const written = texts.find((t) => margin + cellOf([...t, ...columns]) * columns.length <= width);
  const narrow = Math.max(1, Math.min(2, Math.floor((width - margin) / columns.length)));
  const cell = written ? cellOf([...written, ...columns]) : narrow;
  const shown = Math.min(columns.length, Math.floor((width - margin) / cell));
  const decile = (value: number) => (Number.isFinite(value) ? String(Math.min(9, Math.floor(share(value) * 10))) : '-');

  const line = (row: number) => {
    const cells = columns.slice(0, shown).map((_, column) => {
      const i = row * columns.length + column;
      const text = written
        ? `${written[i]} `.padStart(cell)
        : color
          ? ' '.repeat(cell)
          : decile(values[i]).padStart(cell);
      if (!color || !Number.isFinite(values[i])) return text;
      const background = colourAt(map, share(values[i]));
      return paint(text, onto(background), xterm(background));
    });
    return `${shorten(rows[row], margin - 1).padStart(margin - 1)} ${cells.join('')}`.trimEnd();
  };
  const head = written
    ? [
        `${shorten(plain(table.yLabel), margin - 1).padStart(margin - 1)} ${columns.map((label) => `${label} `.padStart(cell)).join('')}`.trimEnd(),
      ]
    : [];
  const scale = finite.length === 0 ? 'no finite value' : `${general(low)} … ${general(high)}`;
  const ends = [plain(table.xLabel), columns[0], 'to', columns[columns.length - 1]].filter(Boolean).join(' ');
  const notes = [
    written ? table.xLabel && `columns: ${plain(table.xLabel)}` : `columns: ${ends}`,
    !written && `${!color ? '0 to 9' : map === 'viridis' ? 'dark to bright' : 'light to dark'}: ${scale}`,
    shown < columns.length && `${columns.length - shown} more columns not shown`,
  ].filter(Boolean);
  return [
    ...(title ? [plain(title)] : []),
    ...head,
    ...rows.map((_, row) => line(row)),
    ...notes.map((note) => shorten(String(note), width)),
  ].join('\n');
}

export interface TextImage {
  /** Red, green and blue, 0 to 255, row by row. */
  readonly rgb: Uint8Array;
  /** Drawn in the greys of a scale, white for 255. */
  readonly isGrey: boolean;
  readonly width: number;
  readonly height: number;
  readonly captions: readonly string[];
}

const RAMP = ' .:-=+*#%@';
const WHITE: Rgb = [255, 255, 255];
/** 0 for white, 1 for black, by ITU-R 601. */
const ink = ([r, g, b]: Rgb) => 1 - (r === g && g === b ? r : 0.299 * r + 0.587 * g + 0.114 * b) / 255;

/** Images side by side: two pixels a character in colour, or ink, what is dark, as characters. Larger ones are averaged down to the width. */
export function imagesText(images: readonly TextImage[], color: boolean, width: number, title?: string): string {
  const blocks = images.map((image) => {
    const perPixel = color ? 1 : 2;
    const across = Math.min(image.width, Math.floor(width / perPixel));
    const down = Math.max(1, Math.round((image.height * across) / image.width));
    const at = shrink(image, across, down);
    const lines: string[] = [];
    for (let y = 0; y < down; y += color ? 2 : 1) {
      let line = '';
      for (let x = 0; x < across; x++) {
        const pixel = at[y * across + x];
        if (!color) line += RAMP[Math.min(9, Math.floor(ink(pixel) * 10))].repeat(2);
        else {
          const below = y + 1 < down ? at[(y + 1) * across + x] : WHITE;
          const shown = image.isGrey ? (own: Rgb) => colourAt('greys', ink(own)) : (own: Rgb) => own;
          line += paint('▀', xterm(shown(pixel)), xterm(shown(below)));
        }
      }
      lines.push(line);
    }
    const columns = Math.max(across * perPixel, 6);
    const padding = ' '.repeat(columns - across * perPixel);
    const captions = image.captions.map((text) => shorten(plain(text), Math.max(columns, width)));
    return {
      columns: Math.max(columns, ...captions.map((c) => c.length)),
      lines: lines.map((l) => l + padding),
      captions,
    };
  });
  const column = Math.max(...blocks.map((block) => block.columns)) + 2;
  const perLine = Math.max(1, Math.floor((width + 2) / column));
  const out: string[] = title ? [plain(title)] : [];
  for (let i = 0; i < blocks.length; i += perLine) {
    const group = blocks.slice(i, i + perLine);
    if (out.length > 0) out.push('');
    const height = Math.max(...group.map((block) => block.lines.length));
    const captions = Math.max(...group.map((block) => block.captions.length));
    for (let y = 0; y < height; y++)
      out.push(
        group
          .map((b) => (b.lines[y] ?? '') + ' '.repeat(column - visible(b.lines[y] ?? '')))
          .join('')
          .trimEnd(),
      );
    for (let k = 0; k < captions; k++)
      out.push(
        group
          .map((b) => (b.captions[k] ?? '').padEnd(column))
          .join('')
          .trimEnd(),
      );
  }
  return out.join('\n');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences have no width
const visible = (line: string) => [...line.replace(/\u001b\[[\d;]*m/g, '')].length;

/** Box averages: `across` x `down` of an image, which has at least as many pixels. */
function shrink({ rgb, width, height }: TextImage, across: number, down: number): Rgb[] {
  return Array.from({ length: across * down }, (_, i) => {
    const [x, y] = [i % across, Math.floor(i / across)];
    const [left, right] = [Math.floor((x * width) / across), Math.ceil(((x + 1) * width) / across)];
    const [top, bottom] = [Math.floor((y * height) / down), Math.ceil(((y + 1) * height) / down)];
    const sum = [0, 0, 0];
    for (let r = top; r < bottom; r++)
      for (let c = left; c < right; c++) for (let k = 0; k < 3; k++) sum[k] += rgb[3 * (r * width + c) + k];
    return sum.map((total) => total / ((bottom - top) * (right - left))) as unknown as Rgb;
  });
}

/** Curves as characters, one chart a quantity. */
export function historyText(charts: readonly Series[], color: boolean, width: number, title?: string): string {
  const rows = 8;
  const marks = { training: { glyph: '•', colour: 32 }, validation: { glyph: '×', colour: 208 } } as const;
  const mark = (kind: keyof typeof marks) => (color ? paint(marks[kind].glyph, marks[kind].colour) : marks[kind].glyph);
  const out: string[] = title ? [plain(title)] : [];
  for (const { name, epochs, training, validation, validated } of charts) {
    const finite = [...(training ?? []), ...(validation ?? [])].filter(Number.isFinite);
    if (out.length > 0) out.push('');
    const given = (['training', 'validation'] as const).filter((kind) => (kind === 'training' ? training : validation));
    const heading = [shorten(plain(name), width), ...given.map((kind) => `${marks[kind].glyph} ${kind}`)];
    const coloured = [heading[0], ...given.map((kind) => `${mark(kind)} ${kind}`)];
    if (heading.join('  ').length <= width) out.push(coloured.join('  '));
    else out.push(...coloured);
    if (finite.length === 0) {
      out.push('no finite value');
      continue;
    }
    const [low, high] = extent(finite);
    const [top, bottom] = [high, low].map((v) => general(v, 3));
    const margin = Math.max(top.length, bottom.length);
    const across = Math.max(2, width - margin - 2);
    const canvas = Array.from({ length: rows }, () => new Array<string>(across).fill(' '));
    const draw = (values: readonly number[] | undefined, kind: keyof typeof marks) => {
      if (!values) return;
      for (let x = 0; x < across; x++) {
        const value = sample(values, x, across);
        if (!Number.isFinite(value)) continue;
        const y = high > low ? Math.round(((high - value) / (high - low)) * (rows - 1)) : Math.floor(rows / 2);
        canvas[y][x] = mark(kind);
      }
    };
    draw(validation && placed(validation, validated, epochs), 'validation');
    draw(training, 'training');
    canvas.forEach((cells, y) => {
      const label = high === low ? (y === rows / 2 ? top : '') : y === 0 ? top : y === rows - 1 ? bottom : '';
      out.push(`${label.padStart(margin)} ┤${cells.join('').trimEnd()}`);
    });
    const [first, last] = [general(epochs[0]), `epoch ${general(epochs[epochs.length - 1])}`];
    out.push(`${' '.repeat(margin)} └${first}${last.padStart(Math.max(last.length + 1, across - first.length))}`);
  }
  return out.join('\n');
}

/** A value for each of the epochs: on the line between two of those that have one, NaN before the first and after the last. */
function placed(values: readonly number[], at: readonly number[], epochs: readonly number[]): readonly number[] {
  if (values.length === epochs.length) return values;
  let i = 0;
  return epochs.map((epoch) => {
    while (at[i] < epoch) i++;
    if (at[i] === epoch) return values[i];
    if (i === 0 || i === at.length) return Number.NaN;
    return values[i - 1] + ((values[i] - values[i - 1]) * (epoch - at[i - 1])) / (at[i] - at[i - 1]);
  });
}

/** The value over column `x` of `across`: the mean of its epochs, or on the line between two of them. */
function sample(values: readonly number[], x: number, across: number): number {
  const n = values.length;
  if (n <= across) {
    const place = across > 1 ? (x * (n - 1)) / (across - 1) : 0;
    const i = Math.min(n - 1, Math.floor(place));
    return place === i ? values[i] : values[i] + (values[i + 1] - values[i]) * (place - i);
  }
  const [from, to] = [
    Math.floor((x * n) / across),
    Math.max(Math.floor((x * n) / across) + 1, Math.floor(((x + 1) * n) / across)),
  ];
  return values.slice(from, to).reduce((sum, v) => sum + v, 0) / (to - from);
}
