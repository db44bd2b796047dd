import { widest } from './font.js';
import { readGraph } from './graph.js';
import { graphFigure } from './graph-figure.js';
import { type NetworkInput, readNetwork, type Stage } from './model.js';
import { Plot } from './plot.js';
import { base, type Frame, PADDING, type PlotOptions, readFrame, SERIES } from './theme.js';

export type NetworkOptions = PlotOptions;

/**
 * A network as a figure: layers of nodes as columns, convolutional ones as volumes. Of a layer with many nodes the first
 * and the last are drawn; layers that change no shape (dropout, normalization) stand with the layer before them.
 *
 * A Model that is no chain (several inputs or outputs, connections around layers, networks within it) is boxes and arrows from left to
 * right, with names, activations, shapes and numbers of parameters; give it a `width` of 1000 and more to have these in the
 * boxes, else they are listed below. What a layer shares between its applications is a dashed line.
 *
 * @param model a Model, a Sequential that knows its input shape, a fitted estimator, the lecture's NeuralNetwork, or
 *   `{ sizes: [64, 50, 10] }`
 */
export function network(model: NetworkInput, options: NetworkOptions = {}): Plot {
  const frame = readFrame(options);
  const graph = typeof model === 'object' && model !== null ? readGraph(model) : undefined;
  if (graph) return new Plot(graphFigure(frame, graph));
  const stages = readNetwork(model);
  return new Plot({
    frame,
    spec: specOf(frame, stages),
    title: `Network of ${stages.length - 1} ${stages.length === 2 ? 'layer' : 'layers'}`,
    description: `${stages.map((stage) => [stage.kind, shapeOf(stage), ...stage.notes].join(' ')).join('; then ')}.`,
  });
}

const shapeOf = ({ shape }: Stage) => shape.join('×');
const isVolume = ({ shape }: Stage) => shape.length > 1;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A stage with its place: where lines to it end and from it begin. */
interface Column {
  readonly nodes: readonly Point[];
  readonly dots: readonly Point[];
  readonly faces: readonly { readonly shade: number; readonly corners: readonly Point[] }[];
  readonly entries: readonly Point[];
  readonly exits: readonly Point[];
}

function specOf(frame: Frame, stages: readonly Stage[]) {
  const { width, palette } = frame;
  const inner = width - 2 * PADDING;
  const step = inner / stages.length;
  const height = Math.round(Math.min(300, Math.max(150, inner * 0.42)));
  const most = Math.max(5, ...stages.map((stage) => (isVolume(stage) ? 0 : Math.min(MOST, stage.shape[0] ?? 1))));
  const gap = height / most;
  const radius = Math.min(14, step * 0.2, gap * 0.38);
  const columns = stages.map((stage, i) => {
    const centre = (i + 0.5) * step;
    return isVolume(stage) ? volume(stages, stage, centre, step, height) : nodes(stage, centre, height, gap, radius);
  });

  const links = columns.slice(1).flatMap((to, i) => {
    const from = columns[i];
    return from.exits.flatMap((a) => to.entries.map((b) => [a, b] as const));
  });
  // One path with gaps for all links: some hundred elements would be slow to show.
  const linkPoints = links.flatMap(([a, b], i) => [
    { ...a, i: 3 * i },
    { ...b, i: 3 * i + 1 },
    { x: null, y: null, i: 3 * i + 2 },
  ]);
  const faces = columns.flatMap((column) => column.faces);
  const corners = faces.flatMap(({ shade, corners }, face) =>
    corners.map((point, order) => ({ ...point, face, order, shade })),
  );
  const labels = labelsOf(frame, stages, inner, height);
  // Scales that map px to themselves: without any, Vega would take the gaps for 0.
  const inPx = (field: 'x' | 'y', length: number) => {
    const scale = { domain: [0, length], range: [0, length], nice: false, zero: false };
    return { field, type: 'quantitative', scale, axis: null };
  };
  const at = { x: inPx('x', inner), y: inPx('y', labels.bottom) };
  return {
    ...base(frame),
    width: inner,
    height: labels.bottom,
    layer: [
      {
        data: { values: linkPoints },
        mark: {
          type: 'line',
          invalid: 'break-paths-show-domains',
          stroke: palette.muted,
          strokeWidth: 0.6,
          opacity: 0.4,
        },
        encoding: { ...at, order: { field: 'i', type: 'quantitative' } },
      },
      ...[0.15, 0.3, 0.5].map((fillOpacity, shade) => ({
        data: { values: corners.filter((corner) => corner.shade === shade) },
        mark: {
          type: 'line',
          interpolate: 'linear-closed',
          fill: SERIES[0],
          fillOpacity,
          stroke: SERIES[0],
          strokeWidth: 1,
        },
        encoding: {
          ...at,
          detail: { field: 'face', type: 'nominal' },
          order: { field: 'order', type: 'quantitative' },
        },
      })),
      {
        data: { values: columns.flatMap((column) => column.nodes) },
        mark: { type: 'point', filled: true, opacity: 1, fill: SERIES[0], size: Math.PI * radius ** 2 },
        encoding: at,
      },
      {
        data: { values: columns.flatMap((column) => column.dots) },
        mark: { type: 'point', filled: true, opacity: 1, fill: palette.muted, size: 8 },
        encoding: at,
      },
      {
        data: { values: labels.lines },
        mark: { type: 'text', baseline: 'top', align: { expr: 'datum.align' } },
        encoding: { ...at, text: { field: 'text' }, color: { field: 'colour', type: 'nominal', scale: null } },
      },
    ],
  };
}

interface Line extends Point {
  readonly text: string;
  readonly colour: string;
  readonly align: 'left' | 'center';
}

/** Under each column its kind, shape and notes; where they have no room, numbers, and a list below. */
function labelsOf({ fontSize, palette }: Frame, stages: readonly Stage[], inner: number, height: number) {
  const step = inner / stages.length;
  const lineHeight = fontSize + 4;
  const top = height + 8;
  const texts = stages.map((stage) => [stage.kind, shapeOf(stage), ...stage.notes]);
  const under = (i: number, line: number, text: string): Line => ({
    x: (i + 0.5) * step,
    y: top + line * lineHeight,
    text,
    colour: line === 0 ? palette.ink : palette.muted,
    align: 'center',
  });
  if (texts.every((text) => widest(text, fontSize) <= step - 6)) {
    const lines = texts.flatMap((text, i) => text.map((part, line) => under(i, line, part)));
    return { lines, bottom: top + Math.max(...texts.map((text) => text.length)) * lineHeight };
  }
  const numbers = texts.map((_, i) => under(i, 0, String(i + 1)));
  const entries = texts.map(([kind, ...rest], i) => `${i + 1}  ${kind} ${rest.join(', ')}`);
  const across = Math.max(1, Math.min(3, Math.floor(inner / (widest(entries, fontSize) + 20))));
  const down = Math.ceil(entries.length / across);
  const listTop = top + lineHeight + 10;
  const list = entries.map((text, i): Line => {
    const y = listTop + (i % down) * lineHeight;
    return { x: Math.floor(i / down) * (inner / across), y, text, colour: palette.muted, align: 'left' };
  });
  return { lines: [...numbers, ...list], bottom: listTop + down * lineHeight };
}

/** The most nodes of a layer that are drawn, the gap for the others counted as two. */
const MOST = 14;

function nodes(stage: Stage, centre: number, height: number, gap: number, r: number): Column {
  const count = stage.shape[0] ?? 1;
  const shown = count <= MOST ? count : MOST - 2;
  const places = count <= MOST ? count : MOST;
  const top = height / 2 - ((places - 1) / 2) * gap;
  const half = shown / 2;
  const all = Array.from({ length: shown }, (_, i) => ({
    x: centre,
    y: top + (count <= MOST || i < half ? i : i + places - shown) * gap,
  }));
  const middle = top + (half + (places - shown) / 2 - 0.5) * gap;
  const dots = count <= MOST ? [] : [-1, 0, 1].map((k) => ({ x: centre, y: middle + k * gap * 0.42 }));
  return {
    nodes: all,
    dots,
    faces: [],
    entries: all.map(({ x, y }) => ({ x: x - r, y })),
    exits: all.map(({ x, y }) => ({ x: x + r, y })),
  };
}

/** A box: as high as the image, as deep (drawn slanted) as it is wide, and thicker with more channels. */
function volume(stages: readonly Stage[], stage: Stage, centre: number, step: number, height: number): Column {
  const sizes = stages.filter(isVolume).map((s) => Math.max(s.shape[0], s.shape[1]));
  const channels = stages.filter(isVolume).map((s) => s.shape[2] ?? 1);
  // Square roots: a 3 x 3 image must not vanish beside one of 28 x 28.
  const scale = (size: number) => Math.sqrt(size / Math.max(...sizes));
  const share = Math.log2(1 + (stage.shape[2] ?? 1)) / Math.log2(1 + Math.max(...channels));
  const slant = Math.min(0.36 * step, height * 0.28) * scale(stage.shape[1]);
  const tall = Math.min(height * 0.62, step * 1.6) * scale(stage.shape[0]);
  const thick = Math.max(3, 0.42 * step * share);
  const left = centre - (thick + slant) / 2;
  const top = height / 2 - (tall - slant) / 2;
  const corner = (x: number, y: number, back: boolean) => ({
    x: left + x + (back ? slant : 0),
    y: top + y - (back ? slant : 0),
  });
  const front = [corner(0, 0, false), corner(thick, 0, false), corner(thick, tall, false), corner(0, tall, false)];
  const roof = [corner(0, 0, false), corner(0, 0, true), corner(thick, 0, true), corner(thick, 0, false)];
  const side = [corner(thick, 0, false), corner(thick, 0, true), corner(thick, tall, true), corner(thick, tall, false)];
  return {
    nodes: [],
    dots: [],
    faces: [
      { shade: 1, corners: front },
      { shade: 0, corners: roof },
      { shade: 2, corners: side },
    ],
    entries: [{ x: left, y: height / 2 }],
    exits: [{ x: left + thick + slant, y: height / 2 }],
  };
}
