import { clip, textWidth, widest, wrap } from './font.js';
import type { Box, Drawing } from './graph.js';
import { type Arrangement, type Extent, inColumns, type Spot } from './layers-in-columns.js';
import type { Figure } from './plot.js';
import { base, type Frame, PADDING, SERIES } from './theme.js';

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Line extends Point {
  readonly text: string;
  readonly colour: string;
  readonly align: 'left' | 'center';
}

/** What is drawn of a box around its middle. The text of a circle is below it. */
interface Look extends Extent {
  readonly width: number;
  /** Half the width of the outline, which the text of a circle may be wider than. */
  readonly reach: number;
  readonly lines: readonly string[];
}

/** A box in its place. */
interface Placed {
  readonly box: Box;
  readonly look: Look;
  readonly at: Point;
}

/** Room for arrows between columns, in px. */
const GAP = 24;
const MOST_GAP = 72;
/** Beside the text in a box, and above and below it. */
const MARGIN = 7;
const RADIUS = 10;
/** What a network within the network shows of a second box behind its own. */
const BEHIND = 4;
/** The arrow out of an output. */
const OUT = 20;
const END: Look = { up: 6, down: 6, width: 0, reach: 0, lines: [] };

const countOf = (n: number, one: string) => `${n} ${one}${n === 1 ? '' : 's'}`;
const shapesOf = ({ shapes }: Box) => shapes.map((shape) => shape.join('×') || '1').join(' and ');

/** A network that is no chain: boxes in columns by depth, and arrows that curve around those between their ends. */
export function graphFigure(frame: Frame, drawing: Drawing): Figure {
  const { boxes, edges, outputs } = drawing;
  const told = boxes.map((box, i) => {
    const read = edges.filter(([, to]) => to === i).map(([from]) => boxes[from].name);
    return [box.name, shapesOf(box), ...box.notes, ...(read.length > 0 ? [`of ${read.join(' and ')}`] : [])].join(' ');
  });
  const inputs = boxes.filter(({ kind }) => kind === 'input').length;
  const applied = boxes.filter(({ kind }) => kind === 'layer' || kind === 'network');
  const layers = countOf(new Set(applied.map((box) => box.shared ?? box)).size, 'layer');
  const ports = `, ${countOf(inputs, 'input')} and ${countOf(outputs.length, 'output')}`;
  const names = outputs.map((i) => boxes[i].name).join(' and ');
  return {
    frame,
    spec: specOf(frame, drawing),
    title: `Network of ${layers}${inputs > 1 || outputs.length > 1 ? ports : ''}`,
    description: `${told.join('; then ')}. ${outputs.length > 1 ? 'Outputs' : 'Output'}: ${names}.`,
  };
}

function specOf(frame: Frame, drawing: Drawing) {
  const { palette } = frame;
  const inner = frame.width - 2 * PADDING;
  const texts = drawing.boxes.map(textOf);
  const full = planOf(
    drawing,
    drawing.boxes.map((box, i) => lookOf(frame, box, texts[i])),
  );
  const isListed = full.least > inner;
  const plan = isListed ? planOf(drawing, looksInList(drawing, frame, (inner - OUT) / (full.widths.length - 1))) : full;
  const { looks, edges, arrangement, widths } = plan;
  const { xs, gap } = middlesOf(widths, inner);
  const head = Math.min(7, 0.5 * gap);
  const point = ({ column, y }: Spot): Point => ({ x: xs[column], y });
  const placed = drawing.boxes.map((box, i): Placed => ({ box, look: looks[i], at: point(arrangement.boxes[i]) }));
  const arrows = edges.map((_, i) => arrowOf(i, plan, placed, xs, head));
  const { lines, bottom } = isListed
    ? listOf(frame, texts, inner, arrangement.height + 12)
    : { lines: [], bottom: arrangement.height };
  const labels = placed.flatMap((each) => labelsOf(frame, each));

  // Scales that map px to themselves.
  const inPx = (field: 'x' | 'y', length: number) => {
    const scale = { domain: [0, length], range: [0, length], nice: false, zero: false };
    return { field, type: 'quantitative', scale, axis: null };
  };
  const at = { x: inPx('x', inner), y: inPx('y', bottom) };
  const paths = (paths: readonly (readonly Point[])[], mark: object) => ({
    data: { values: paths.flatMap((points, path) => points.map(({ x, y }, i) => ({ x, y, path, i }))) },
    mark: { type: 'line', ...mark },
    encoding: { ...at, detail: { field: 'path', type: 'nominal' }, order: { field: 'i', type: 'quantitative' } },
  });
  const outlines = (mark: object, ...kinds: Box['kind'][]) =>
    paths(placed.filter(({ box }) => kinds.includes(box.kind)).map(outlineOf), {
      interpolate: 'linear-closed',
      strokeWidth: 1,
      fillOpacity: 0.15,
      ...mark,
    });
  const stack = placed.filter(({ box }) => box.kind === 'network').map(behind);
  return {
    ...base(frame),
    width: inner,
    height: bottom,
    layer: [
      paths(twinsOf(placed), { stroke: SERIES[1], strokeWidth: 1.2, strokeDash: [3, 3] }),
      paths(arrows, { interpolate: 'monotone', stroke: palette.muted, strokeWidth: 1.2 }),
      paths(
        arrows.map((arrow) => headOf(arrow[arrow.length - 1], head)),
        { interpolate: 'linear-closed', fill: palette.muted, stroke: palette.muted, strokeWidth: 0.5 },
      ),
      outlines({ stroke: palette.muted, fill: palette.muted }, 'input', 'operation'),
      outlines({ stroke: SERIES[0], fill: SERIES[0] }, 'layer', 'network'),
      paths(stack, { stroke: SERIES[0], strokeWidth: 1 }),
      {
        data: { values: [...labels, ...lines] },
        mark: { type: 'text', baseline: 'middle', align: { expr: 'datum.align' } },
        encoding: { ...at, text: { field: 'text' }, color: { field: 'colour', type: 'nominal', scale: null } },
      },
    ],
  };
}

interface Plan {
  readonly looks: readonly Look[];
  /** Those of the drawing, and one to the end of each output. */
  readonly edges: readonly (readonly [from: number, to: number])[];
  readonly arrangement: Arrangement;
  readonly widths: readonly number[];
  /** The width of the figure with the narrowest gaps. */
  readonly least: number;
}

function planOf({ boxes, edges, outputs }: Drawing, own: readonly Look[]): Plan {
  const looks = [...own, ...outputs.map(() => END)];
  const all = [...edges, ...outputs.map((from, i) => [from, boxes.length + i] as const)];
  const arrangement = inColumns(looks, all);
  const widths = new Array<number>(arrangement.columns).fill(0);
  for (const [i, { column }] of arrangement.boxes.entries()) widths[column] = Math.max(widths[column], looks[i].width);
  const least = widths.reduce((a, b) => a + b) + (widths.length - 2) * GAP + OUT;
  return { looks, edges: all, arrangement, widths, least };
}

/** The middle of each column, the last one where the arrows out of the network end; and the room between columns. */
function middlesOf(widths: readonly number[], inner: number): { xs: number[]; gap: number } {
  const needed = widths.reduce((a, b) => a + b);
  const gaps = Math.max(1, widths.length - 2);
  const gap = Math.min(MOST_GAP, (inner - OUT - needed) / gaps);
  let x = (inner - OUT - needed - gaps * gap) / 2;
  const xs = widths.map((width, column) => {
    if (column > 0) x += column < widths.length - 1 ? gap : OUT;
    const middle = x + width / 2;
    x += width;
    return middle;
  });
  return { xs, gap };
}

function textOf(box: Box): string[] {
  const { name, notes, parameters } = box;
  return [name, ...notes, shapesOf(box), ...(parameters > 0 ? [`${parameters.toLocaleString('en-US')} params`] : [])];
}

const lineHeightOf = ({ fontSize }: Frame) => fontSize + 3;

function lookOf(frame: Frame, { symbol, kind }: Box, lines: readonly string[]): Look {
  const text = widest(lines, frame.fontSize);
  const height = lines.length * lineHeightOf(frame);
  if (symbol) return circleOf(RADIUS, lines, Math.max(2 * RADIUS, text), height + 4);
  const half = height / 2 + MARGIN;
  const reach = text / 2 + MARGIN;
  const extra = kind === 'network' ? BEHIND : 0;
  return { up: half + extra, down: half, width: 2 * (reach + extra), reach, lines };
}

const circleOf = (radius: number, lines: readonly string[], width: number, below: number): Look => ({
  up: radius,
  down: radius + below,
  width,
  reach: radius,
  lines,
});

/** Where the text has no room: numbers, unless even these have none, and images as high as they are among each other. */
function looksInList({ boxes }: Drawing, frame: Frame, room: number): Look[] {
  const width = Math.min(40, Math.max(4, 0.55 * room));
  const heightOf = ({ shapes: [shape] }: Box) => (shape.length > 1 ? shape[0] : 0);
  const tallest = Math.max(1, ...boxes.map(heightOf));
  const isNumbered = textWidth(String(boxes.length), frame.fontSize) <= width - 3;
  return boxes.map((box, i) => {
    const lines = isNumbered ? [String(i + 1)] : [];
    if (box.symbol) return circleOf(Math.min(RADIUS, width / 2), lines, width, lines.length * lineHeightOf(frame) + 4);
    const half = 11 + (30 * heightOf(box)) / tallest;
    const extra = box.kind === 'network' ? BEHIND : 0;
    return { up: half + extra, down: half, width: width + 2 * extra, reach: width / 2, lines };
  });
}

/** The text of each box, by its number. */
function listOf({ fontSize, palette }: Frame, texts: readonly (readonly string[])[], inner: number, top: number) {
  const lineHeight = fontSize + 4;
  const entries = texts.map((lines, i) => `${i + 1} ${lines.join(', ')}`);
  const across = Math.max(1, Math.min(3, Math.floor(inner / (widest(entries, fontSize) + 20))));
  const rows = entries.flatMap((entry) => wrap(entry, inner, fontSize)).map((row) => clip(row, inner, fontSize));
  const down = Math.ceil(rows.length / across);
  const lines = rows.map((text, i): Line => {
    const y = top + ((i % down) + 0.5) * lineHeight;
    return { x: Math.floor(i / down) * (inner / across), y, text, colour: palette.muted, align: 'left' };
  });
  return { lines, bottom: top + down * lineHeight };
}

function labelsOf(frame: Frame, { box, look, at }: Placed): Line[] {
  const { ink, muted } = frame.palette;
  const lineHeight = lineHeightOf(frame);
  const line = (text: string, y: number, colour: string): Line => ({ x: at.x, y, text, colour, align: 'center' });
  const top = box.symbol ? at.y + look.reach + 4 : at.y - (look.lines.length * lineHeight) / 2;
  const texts = look.lines.map((text, i) => line(text, top + (i + 0.5) * lineHeight, i === 0 ? ink : muted));
  return box.symbol ? [line(box.symbol, at.y, ink), ...texts] : texts;
}

/** A rounded box, or a circle, as a polygon. */
function outlineOf({ box, look, at }: Placed): Point[] {
  const r = box.symbol ? look.reach : Math.min(5, look.reach);
  const [dx, dy] = [look.reach - r, box.symbol ? 0 : look.down - r];
  const steps = box.symbol ? 12 : 5;
  return [0, 1, 2, 3].flatMap((quarter) =>
    Array.from({ length: steps + 1 }, (_, i) => {
      const angle = (Math.PI / 2) * (quarter + i / steps);
      const [right, down] = [quarter === 0 || quarter === 3 ? dx : -dx, quarter < 2 ? dy : -dy];
      return { x: at.x + right + r * Math.cos(angle), y: at.y + down + r * Math.sin(angle) };
    }),
  );
}

/** The edge of a second box behind a network's. */
function behind({ look, at }: Placed): Point[] {
  const [left, right, top, bottom] = [at.x - look.reach, at.x + look.reach, at.y - look.down, at.y + look.down];
  return [
    { x: left + BEHIND, y: top },
    { x: left + BEHIND, y: top - BEHIND },
    { x: right + BEHIND, y: top - BEHIND },
    { x: right + BEHIND, y: bottom - BEHIND },
    { x: right, y: bottom - BEHIND },
  ];
}

/** From the middle of a box, level past the columns between, to a place of its own at the next one. */
function arrowOf(
  edge: number,
  { edges, arrangement, widths }: Plan,
  placed: readonly Placed[],
  xs: readonly number[],
  head: number,
) {
  const [from, to] = edges[edge];
  const source = placed[from];
  const start = { x: source.at.x + source.look.reach + (source.box.kind === 'network' ? BEHIND : 0), y: source.at.y };
  const target = placed[to];
  const spot = arrangement.boxes[to];
  const shift = target ? portOf(edge, edges, arrangement, target) : 0;
  // A circle's edge is farther right where it is higher.
  const radius = target?.box.symbol ? target.look.reach : 0;
  const inset = radius > 0 ? radius - Math.sqrt(radius ** 2 - shift ** 2) : 0;
  const end = { x: xs[spot.column] - (target?.look.reach ?? 0) + inset, y: spot.y + shift };
  const half = (column: number) => widths[column] / 2;
  const { column } = arrangement.boxes[from];
  const bends = arrangement.ways[edge].flatMap(({ column, y }) => [
    { x: xs[column] - half(column), y },
    { x: xs[column] + half(column), y },
  ]);
  return [
    start,
    { x: Math.max(start.x + 0.2 * head, xs[column] + half(column)), y: start.y },
    ...bends,
    { x: Math.min(end.x - head, xs[spot.column] - half(spot.column)), y: end.y },
    end,
  ];
}

/** How far from the middle of its side an arrow arrives: a level one in the middle, others above or below it in their order. */
function portOf(edge: number, edges: Plan['edges'], { boxes, ways }: Arrangement, { box, look }: Placed): number {
  const to = edges[edge][1];
  const { y } = boxes[to];
  const heightOf = (i: number) => (ways[i].at(-1) ?? boxes[edges[i][0]]).y;
  const heights = edges.flatMap((other, i) => (other[1] === to ? [heightOf(i)] : [])).toSorted((a, b) => a - b);
  const place = heights.indexOf(heightOf(edge));
  const level = heights.findIndex((height) => Math.abs(height - y) < 0.5);
  const middle = level >= 0 ? level : (heights.length - 1) / 2;
  const most = box.symbol ? 0.75 * look.reach : look.down - 6;
  const step = Math.min(10, most / Math.max(1, middle, heights.length - 1 - middle));
  return (place - middle) * step;
}

const headOf = ({ x, y }: Point, length: number): Point[] => [
  { x, y },
  { x: x - length, y: y - 0.45 * length },
  { x: x - length, y: y + 0.45 * length },
];

/** Lines between the applications of one layer that stand one above the other with nothing between them. */
function twinsOf(placed: readonly Placed[]): Point[][] {
  const shared = placed.filter(({ box }) => box.shared);
  const isBetween = (x: number, low: number, high: number) => (spot: Point) =>
    spot.x === x && spot.y > low && spot.y < high;
  const others = placed.map(({ at }) => at);
  return shared.flatMap((upper) => {
    const below = shared.filter(
      ({ box, at }) => box.shared === upper.box.shared && at.x === upper.at.x && at.y > upper.at.y,
    );
    const lower = below.toSorted((a, b) => a.at.y - b.at.y)[0];
    if (!lower || others.some(isBetween(upper.at.x, upper.at.y, lower.at.y))) return [];
    return [
      [
        { x: upper.at.x, y: upper.at.y + upper.look.down },
        { x: lower.at.x, y: lower.at.y - lower.look.up },
      ],
    ];
  });
}
