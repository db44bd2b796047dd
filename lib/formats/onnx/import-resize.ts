import { NDArray } from '../../array.js';
import { layers } from '../../layers/index.js';
import type { Attributes } from './attributes.js';
import { type Handler, pixels } from './import-layers.js';
import type { Importer } from './importer.js';
import { BATCH, type Computed, dimsOf, known } from './tensors.js';
import { ops } from './untyped.js';

/** No axis of an image is longer. */
const MOST_PIXELS = 2 ** 24;

/** Where on an axis of n a pixel of the s * n comes from, by `coordinate_transformation_mode`. */
const COORDINATES: Readonly<Record<string, (i: number, s: number, n: number) => number>> = {
  half_pixel: (i, s) => (i + 0.5) / s - 0.5,
  half_pixel_symmetric: (i, s) => (i + 0.5) / s - 0.5,
  pytorch_half_pixel: (i, s, n) => (s * n > 1 ? (i + 0.5) / s - 0.5 : 0),
  align_corners: (i, s, n) => (s * n > 1 ? (i * (n - 1)) / (s * n - 1) : 0),
  asymmetric: (i, s) => i / s,
  tf_half_pixel_for_nn: (i, s) => (i + 0.5) / s,
};
/** Which pixel that is, by `nearest_mode`. */
const NEAREST: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Does it give each pixel s times? */
function isRepetition(attributes: Attributes, s: number, n: number): boolean {
  const coordinate = COORDINATES[attributes.string('coordinate_transformation_mode', 'half_pixel')];
  const nearest = NEAREST[attributes.string('nearest_mode', 'round_prefer_floor')];
  if (!coordinate || !nearest || s * n > MOST_PIXELS) return false;
  for (let i = 0; i < s * n; i++) {
    const from = Math.min(n - 1, Math.max(0, nearest(coordinate(i, s, n))));
    if (from !== Math.floor(i / s)) return false;
  }
  return true;
}

/** Whose coordinates are those of `upSampling2d`, where scales are whole numbers. */
const MIDDLES = ['half_pixel', 'half_pixel_symmetric', 'pytorch_half_pixel'];

/** Each pixel as what lies between its neighbours; other coordinates than those of a layer by a product along each axis. */
function interpolated(c: Importer, x: Computed, size: readonly number[], coordinates: string): Computed {
  const coordinate = COORDINATES[coordinates];
  if (!coordinate) throw new RangeError(`its coordinates are ${coordinates}`);
  const lengths = pixels(x);
  if (lengths.some((n, k) => size[k] * n > MOST_PIXELS)) throw new RangeError(`its scales are [${size.join(', ')}]`);
  if (size.length === 2 && MIDDLES.includes(coordinates)) {
    const layer = layers.upSampling2d({ size: [size[0], size[1]], interpolation: 'bilinear' });
    return c.like(x, c.apply(layer, x), x.isPositive);
  }
  let { value } = x;
  for (const [k, s] of size.entries()) {
    if (s === 1) continue;
    const n = lengths[k];
    c.budget.take(n * n * s);
    const shares = new Float64Array(n * n * s); // of each pixel in each of those that are made
    for (let i = 0; i < n * s; i++) {
      const at = Math.min(n - 1, Math.max(0, coordinate(i, s, n)));
      const low = Math.floor(at);
      shares[low * n * s + i] = 1 - (at - low);
      if (at > low) shares[(low + 1) * n * s + i] = at - low;
    }
    const axis = k + (x.steps ? 1 : 0);
    const order = [...value.shape.map((_, own) => own).filter((own) => own !== axis), axis];
    const product = ops.matmul(ops.transpose(value, order), NDArray.wrap(shares, [n, n * s]));
    value = ops.transpose(
      product,
      order.map((_, own) => order.indexOf(own)),
    );
  }
  return c.like(x, value, x.isPositive);
}

export const resize: Handler = (c, inputs, attributes, node) => {
  const x = c.channelsLast(c.computed(inputs[0]));
  const isOld = node.type === 'Upsample' || c.opset < 11; // has but scales
  const given = isOld ? inputs[1] : inputs[2];
  const sizes = inputs[3];
  const n = x.axes.length;
  if (attributes.numbers('axes')?.some((axis, k) => axis !== k)) throw new RangeError('it is along some axes alone');
  if (sizes && attributes.string('keep_aspect_ratio_policy', 'stretch') !== 'stretch')
    throw new RangeError('it keeps the ratio of its sides');
  const scales = sizes
    ? dimsOf(known(sizes)).map((size, axis) =>
        typeof size === 'number' && x.axes[axis] !== BATCH ? size / x.value.shape[x.axes[axis]] : 1,
      )
    : Array.from(c.constant(given, 'its scales').data);
  const mode = attributes.string('mode', 'nearest');
  const isLinear = mode === 'linear';
  if (!isLinear && mode !== 'nearest') throw new RangeError(`its mode is ${mode}`);
  if (scales.length !== n || (n !== 3 && n !== 4) || scales[0] !== 1 || scales[1] !== 1)
    throw new RangeError(isLinear ? 'it is of other axes than those of pixels' : 'it does not repeat pixels');
  const size = scales.slice(2);
  if (!size.every((scale) => Number.isInteger(scale) && scale >= 1))
    throw new RangeError(`its scales are [${scales.join(', ')}]`);
  const lengths = pixels(x);
  if (isLinear) {
    const coordinates = isOld ? 'asymmetric' : attributes.string('coordinate_transformation_mode', 'half_pixel');
    return interpolated(c, x, size, coordinates);
  }
  if (!isOld && !size.every((scale, k) => isRepetition(attributes, scale, lengths[k])))
    throw new RangeError('it does not repeat pixels: others are nearer to its coordinates');
  const layer = n === 3 ? layers.upSampling1d({ size: size[0] }) : layers.upSampling2d({ size: [size[0], size[1]] });
  return c.like(x, c.apply(layer, x), x.isPositive);
};
