import { clip, widest } from './font.js';
import { pngUri } from './png.js';
import { type Frame, PADDING } from './theme.js';

/** A small picture with lines of text under it. */
export interface Tile {
  /** Red, green and blue, 0 to 255, row by row. */
  readonly rgb: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly captions: readonly { readonly text: string; readonly colour: string }[];
}

const GAP = 10;
const LARGEST = 140;

/** Pictures in rows, in a view whose coordinates are px. */
export function tileView(frame: Frame, tiles: readonly Tile[], options: { columns?: number; smallest: number }) {
  const { fontSize } = frame;
  const inner = frame.width - 2 * PADDING;
  const wanted = Math.max(
    options.smallest,
    ...tiles.map((t) =>
      widest(
        t.captions.map((c) => c.text),
        fontSize,
      ),
    ),
  );
  const fitting = Math.max(1, Math.floor((inner + GAP) / (Math.min(wanted, LARGEST) + GAP)));
  const columns = options.columns ?? Math.max(1, Math.ceil(tiles.length / Math.ceil(tiles.length / fitting)));
  const cell = Math.min(LARGEST + GAP, (inner + GAP) / columns);
  const size = cell - GAP;
  const lineHeight = fontSize + 3;
  const lines = Math.max(0, ...tiles.map((t) => t.captions.length));
  const tallest = Math.max(0, ...tiles.map((t) => (size * t.height) / t.width));
  const rowHeight = tallest + GAP + (lines > 0 ? 4 + lines * lineHeight : 0);
  const left = (k: number) => (k % columns) * cell;
  const top = (k: number) => Math.floor(k / columns) * rowHeight;

  const pictures = tiles.map((t, k) => ({
    x: left(k) + size / 2,
    y: top(k) + (size * t.height) / t.width / 2,
    w: size,
    h: (size * t.height) / t.width,
    url: pngUri(t.rgb, t.width, t.height),
  }));
  const captions = tiles.flatMap((t, k) =>
    t.captions.map(({ text, colour }, line) => ({
      x: left(k) + size / 2,
      y: top(k) + tallest + 4 + line * lineHeight,
      text: clip(text, cell - 4, fontSize),
      colour,
    })),
  );
  const inPx = (field: 'x' | 'y') => ({ field, type: 'quantitative', scale: null, axis: null });
  const asGiven = (field: string) => ({ field, type: 'nominal', scale: null });
  return {
    width: inner,
    height: Math.max(1, Math.ceil(tiles.length / columns) * rowHeight - GAP),
    layer: [
      {
        data: { values: pictures },
        mark: { type: 'image', aspect: false, smooth: false, width: { expr: 'datum.w' }, height: { expr: 'datum.h' } },
        encoding: { x: inPx('x'), y: inPx('y'), url: asGiven('url') },
      },
      {
        data: { values: captions },
        mark: { type: 'text', baseline: 'top' },
        encoding: { x: inPx('x'), y: inPx('y'), text: { field: 'text' }, color: asGiven('colour') },
      },
    ] as Record<string, unknown>[],
  };
}
