import { isCall, type Shape, sizeOf, topological, type Value } from '../graph/value.js';
import { frozenOf, type PlacedWeight, weightsOf, weightsOfGraph } from '../graph/weights.js';
import { isInputLayer } from '../kind.js';
import type { Layer } from '../layers/layer.js';
import type { Model } from './model.js';

const count = (n: number) => n.toLocaleString('en-US');

/** A size in bytes as Keras prints it. */
function bytes(n: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let size = n;
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return `${size.toFixed(2)} ${units[unit]}`;
}

/**
 * The table of Keras' `model.summary()`, which leaves the input layers of a Sequential out; with the connections of networks that
 * are no chain.
 */
export function summaryText(model: Model, frozen: ReadonlySet<Layer> = frozenOf([model])): string {
  const { graph, layers, layerNames } = model;
  const shapes = shapesOf(model);
  const isChain = model.className === 'Sequential';
  const connections = graph && !isChain ? connectionsOf(model) : undefined;
  const rows = layers.flatMap((layer, i) => {
    if (isInputLayer(layer) && isChain) return [];
    const own = sizesOf(weightsOf(layer, frozen));
    const row = [
      `${layerNames[i]} (${layer.className})`,
      shapes.get(layer) ?? '?',
      graph ? count(own.total) : '0 (unbuilt)',
    ];
    if (!connections) return [row];
    const [first = '-', ...more] = wrapped(connections.get(layer) ?? []);
    return [[...row, first], ...more.map((text) => ['', '', '', text])];
  });
  const head = ['Layer (type)', 'Output Shape', 'Param #', ...(connections ? ['Connected to'] : [])];
  const least = connections ? [28, 18, 11, 20] : [31, 22, 13];
  const width = least.map((room, c) => Math.max(room, ...rows.map((row) => row[c].length)));
  const line = (row: string[], bar: string) =>
    `${bar} ${row.map((cell, c) => (c === 2 ? cell.padStart(width[c]) : cell.padEnd(width[c]))).join(` ${bar} `)} ${bar}`;
  const rule = (left: string, dash: string, cross: string, right: string) =>
    left + width.map((w) => dash.repeat(w + 2)).join(cross) + right;

  const size = model.dtype === 'float32' ? 4 : 8;
  const { total, trained } = sizesOf(graph ? weightsOfGraph(graph, frozen) : []);
  const params = (label: string, n: number) => ` ${label}: ${count(n)} (${bytes(n * size)})`;
  return [
    `Model: "${model.name}"`,
    rule('┏', '━', '┳', '┓'),
    line(head, '┃'),
    rule('┡', '━', '╇', '┩'),
    rows.map((row, i) => (i > 0 && row[0] ? `${rule('├', '─', '┼', '┤')}\n` : '') + line(row, '│')).join('\n'),
    rule('└', '─', '┴', '┘'),
    params('Total params', total),
    params('Trainable params', trained),
    params('Non-trainable params', total - trained),
  ].join('\n');
}

/** Names one behind the other, in lines of some `room` characters. */
function wrapped(names: readonly string[], room = 60): string[] {
  const lines: string[] = [];
  names.forEach((name, i) => {
    const text = i < names.length - 1 ? `${name},` : name;
    const last = lines.length - 1;
    if (i > 0 && lines[last].length + text.length < room) lines[last] += ` ${text}`;
    else lines.push(text);
  });
  return lines;
}

function sizesOf(placed: readonly PlacedWeight[]): { total: number; trained: number } {
  let [total, trained] = [0, 0];
  for (const { weight, trainable } of placed) {
    total += sizeOf(weight.shape);
    if (weight.trained && trainable) trained += sizeOf(weight.shape);
  }
  return { total, trained };
}

/** What each layer gives where it is applied first, of several outputs a list. */
function shapesOf({ graph }: Model): Map<Layer, string> {
  const shapes = new Map<Layer, string>();
  const text = (shape: Shape) => `(${['None', ...shape].join(', ')})`;
  for (const from of topological(graph?.outputs ?? [])) {
    if (!isCall(from) || shapes.has(from.layer)) continue;
    const own = from.outputs.map(({ shape }) => text(shape));
    shapes.set(from.layer, own.length === 1 ? own[0] : `[${own.join(', ')}]`);
  }
  return shapes;
}

/**
 * What each layer reads, as 'dense_1' or, of one with several outputs or applications, 'dense_1[1]'. What operations make of them is
 * written out as long as it is short: it may hold a value twice, which itself holds another one twice.
 */
function connectionsOf({ graph }: Model): Map<Layer, string[]> {
  const connections = new Map<Layer, string[]>();
  const uses = new Map<Layer, number>();
  const names = new Map<Value, string>();
  for (const from of topological(graph?.outputs ?? [])) {
    if (!isCall(from)) {
      const inputs = from.inputs.filter((value) => !value.constant).map((value) => names.get(value));
      const text = inputs.join(', ');
      names.set(from.output, `${from.op.name}(${text.length > 60 ? '…' : text})`);
      continue;
    }
    const { layer, inputs, outputs } = from;
    const call = uses.get(layer) ?? 0;
    uses.set(layer, call + 1);
    const name = graph?.names.get(layer) as string;
    outputs.forEach((value, i) => {
      names.set(value, call + i > 0 ? `${name}[${call + i}]` : name);
    });
    const read = inputs.map((value) => names.get(value) as string);
    connections.set(layer, [...(connections.get(layer) ?? []), ...read]);
  }
  return connections;
}
