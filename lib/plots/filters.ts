import { type ArrayInput, asArray } from '../array.js';
import { checkInteger, wrongType, wrongValue } from '../check.js';
import { isForeignArray } from '../foreign-arrays.js';
import { isNDArray } from '../kind.js';
import { general, plural } from './format.js';
import { type NamedArrays, readWeights, type WeightsModel } from './model.js';
import { Plot } from './plot.js';
import { base, DIVERGING, type PlotOptions, readFrame, SHORT_NUMBER } from './theme.js';
import { type Tile, tileView } from './tiles.js';

export interface FiltersOptions extends PlotOptions {
  /** The input channel whose weights are shown. Default 0 */
  channel?: number;
  /** The height and width of an input image, for the weights of a dense layer. Default: square */
  imageShape?: readonly [number, number];
  /** Most filters to show. Default 64 */
  limit?: number;
  /** Filters in a row. Default: as many as fit */
  columns?: number;
}

/**
 * What the first layer looks for: the kernels of a convolution, or the weights of a dense layer that go to each node,
 * as images. Blue is negative, white zero, red positive, on one scale for all.
 *
 * @param model a network or estimator; or a kernel [height, width, channels, filters] or [inputs, nodes]
 */
export function filters<T extends NamedArrays<T>>(
  model: WeightsModel | ArrayInput | T,
  options: FiltersOptions = {},
): Plot {
  const frame = readFrame(options, ['channel', 'imageShape', 'limit', 'columns']);
  const limit = checkInteger('limit', options.limit ?? 64, 1);
  const columns = options.columns === undefined ? undefined : checkInteger('columns', options.columns, 1);
  const { name, kernel, dense } = asImages(model, options.imageShape);
  const [height, width, channels, all] = kernel.shape;
  const channel = checkInteger('channel', options.channel ?? 0, 0);
  if (channel >= channels) throw wrongValue('channel', `an integer in [0, ${channels})`, channel);

  const shown = Math.min(all, limit);
  const weight = (filter: number, pixel: number) => kernel.data[(pixel * channels + channel) * all + filter];
  let largest = 0;
  for (let f = 0; f < shown; f++)
    for (let p = 0; p < height * width; p++)
      if (Number.isFinite(weight(f, p))) largest = Math.max(largest, Math.abs(weight(f, p)));
  const scale = largest || 1;
  const tiles = Array.from({ length: shown }, (_, f): Tile => {
    const rgb = new Uint8Array(height * width * 3);
    for (let p = 0; p < height * width; p++) rgb.set(colourOf(weight(f, p) / scale), 3 * p);
    return { rgb, width, height, captions: [{ text: String(f), colour: frame.palette.muted }] };
  });

  const view = tileView(frame, tiles, { columns, smallest: width * height <= 49 ? 40 : 56 });
  const legend = {
    title: 'weight',
    orient: 'bottom',
    direction: 'horizontal',
    gradientLength: Math.min(240, view.width),
    tickCount: 5,
    labelExpr: SHORT_NUMBER,
    labelOverlap: 'greedy',
  };
  const range = [-scale, scale];
  view.layer.push({
    data: { values: range.map((value) => ({ value })) },
    mark: { type: 'point', opacity: 0, size: 1 },
    encoding: {
      x: { value: 1 },
      y: { value: 1 },
      fill: { field: 'value', type: 'quantitative', scale: { domain: [-scale, 0, scale], range: DIVERGING }, legend },
    },
  });
  const what = dense ? 'weights into each node' : `${height}×${width} filters`;
  return new Plot({
    frame,
    spec: { ...base(frame), ...view },
    title: `First layer: ${what}`,
    description:
      `${plural(shown, dense ? 'node' : 'filter')} of ${all} of ${name}` +
      `${channels > 1 ? `, input channel ${channel} of ${channels}` : ''}; weights up to ${general(largest)} in magnitude. ` +
      'Blue is negative, red positive.',
  });
}

const STOPS = DIVERGING.map((c) => [1, 3, 5].map((i) => Number.parseInt(c.slice(i, i + 2), 16)));

/** The colour of a weight in [-1, 1]: in between as Vega's legend has it, linear in RGB. NaN is grey. */
function colourOf(weight: number): number[] {
  if (!Number.isFinite(weight)) return [128, 128, 128];
  const end = weight < 0 ? STOPS[0] : STOPS[2];
  return STOPS[1].map((c, k) => Math.round(c + (end[k] - c) * Math.abs(weight)));
}

/** The first weights of two or four dimensions, as [height, width, channels, filters]. */
function asImages(model: object, imageShape?: readonly [number, number]) {
  const isArray = isNDArray(model) || Array.isArray(model) || ArrayBuffer.isView(model) || isForeignArray(model);
  const arrays = isArray
    ? [{ name: 'the kernel', array: asArray('model', model as ArrayInput) }]
    : readWeights(model).arrays;
  const first = arrays.find(({ array }) => array.ndim > 1);
  if (!first)
    throw wrongType('model', 'one that has a kernel [height, width, channels, filters] or [inputs, nodes]', model);
  const { name, array } = first;
  if ((array.ndim !== 2 && array.ndim !== 4) || !isKernel(name, arrays))
    throw new RangeError(
      `Expected the first weights of model to be the kernel of a two-dimensional convolution or of a dense layer, got ${name} of shape [${array.shape.join(', ')}]`,
    );
  if (array.ndim === 4) return { name, kernel: array, dense: false };
  const [inputs, nodes] = array.shape;
  const side = Math.round(Math.sqrt(inputs));
  const shape = imageShape ?? [side, side];
  if (!Array.isArray(shape) || shape.length !== 2) throw wrongType('imageShape', 'a pair of integers', shape);
  for (const [i, n] of shape.entries()) checkInteger(`imageShape[${i}]`, n, 1);
  if (shape[0] * shape[1] !== inputs)
    throw new RangeError(
      `Expected imageShape to hold ${inputs} pixels, as ${name} has inputs, got [${shape.join(', ')}]`,
    );
  return { name, kernel: array.reshape(shape[0], shape[1], 1, nodes), dense: true };
}

/** Of the weights of layers 'kernel' is that of dense layers and convolutions, and of recurrent ones, which have another beside it. */
function isKernel(name: string, arrays: readonly { readonly name: string }[]): boolean {
  const [, path, own] = /^(.*\/)([^/]*)$/.exec(name) ?? [];
  if (path === undefined) return true;
  return /^(depthwiseK|k)ernel$/.test(own) && !arrays.some((other) => other.name === `${path}recurrentKernel`);
}
