import { isInputLayer } from './kind.js';
import type { Network } from './network.js';
import type { Sequential } from './sequential.js';

const count = (n: number) => n.toLocaleString('en-US');

/** A size in bytes as Keras prints it. */
function bytes(n: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let size = n;
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return `${size.toFixed(2)} ${units[unit]}`;
}

/** The table of Keras' `model.summary()`, which leaves input layers out. */
export function summaryText(model: Sequential, network: Network | undefined): string {
  const shapes = model.outputShapes;
  const parameters = network?.recorder.parameters ?? [];
  const rows = model.layers.flatMap((layer, i) => {
    if (isInputLayer(layer)) return [];
    const own = parameters.filter((p) => p.layer === model.layerNames[i]).reduce((sum, p) => sum + p.value.size, 0);
    const shape = shapes ? `(${['None', ...shapes[i]].join(', ')})` : '?';
    return [[`${model.layerNames[i]} (${layer.className})`, shape, network ? count(own) : '0 (unbuilt)']];
  });
  const head = ['Layer (type)', 'Output Shape', 'Param #'];
  const width = [31, 22, 13].map((least, c) => Math.max(least, ...rows.map((row) => row[c].length)));
  const line = (row: string[], bar: string) =>
    `${bar} ${row.map((cell, c) => (c === 2 ? cell.padStart(width[c]) : cell.padEnd(width[c]))).join(` ${bar} `)} ${bar}`;
  const rule = (left: string, dash: string, cross: string, right: string) =>
    left + width.map((w) => dash.repeat(w + 2)).join(cross) + right;

  const size = model.dtype === 'float32' ? 4 : 8;
  const trained = parameters.filter((p) => p.gradient).reduce((sum, p) => sum + p.value.size, 0);
  const total = parameters.reduce((sum, p) => sum + p.value.size, 0);
  const params = (label: string, n: number) => ` ${label}: ${count(n)} (${bytes(n * size)})`;
  return [
    `Model: "${model.name}"`,
    rule('┏', '━', '┳', '┓'),
    line(head, '┃'),
    rule('┡', '━', '╇', '┩'),
    rows.map((row) => line(row, '│')).join(`\n${rule('├', '─', '┼', '┤')}\n`),
    rule('└', '─', '┴', '┘'),
    params('Total params', total),
    params('Trainable params', trained),
    params('Non-trainable params', total - trained),
  ].join('\n');
}
