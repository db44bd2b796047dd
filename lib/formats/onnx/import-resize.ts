import { NDArray } from '../../array.js';
import { layers } from '../../layers/index.js';
import type { Attributes } from './attributes.js';
import { entriesOf } from './import-entries.js';
import { type Handler, pixels } from './import-layers.js';
import type { Importer } from './importer.js';
import { BATCH, type Computed, dimsOf, isSame, known } from './tensors.js';
import { ops } from './untyped.js';

/** No axis of an image is longer. */
const MOST_PIXELS = 2 ** 24;

const { fround } = Math;

/**
 * Where on an axis of n pixel i of m comes from, which are s times as many, by `coordinate_transformation_mode`; in float32, as ONNX
 * Runtime.
 */
const COORDINATES: Readonly<Record<string, (i: number, s: number, n: number, m: number) => number>> = {
  half_pixel: (i, s) => fround(fround((i + 0.5) / s) - 0.5),
  half_pixel_symmetric(i, s, n, m) {
    const adjusted = fround(m / fround(s * n));
    return fround((n / 2) * (1 - adjusted) + fround((i + 0.5) / s) - 0.5);
  },
  pytorch_half_pixel: (i, s, _, m) => (m > 1 ? fround(fround((i + 0.5) / s) - 0.5) : 0),
  align_corners: (i, _, n, m) => (m > 1 ? fround((i * (n - 1)) / (m - 1)) : 0),
  asymmetric: (i, s) => fround(i / s),
  tf_half_pixel_for_nn: (i, s) => fround((i + 0.5) / s),
};
/** Which pixel that is, by `nearest_mode`. */
const NEAREST: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** An axis of n pixels, of which m are made, s times as many. */
interface Side {
  readonly n: number;
  readonly m: number;
  readonly s: number;
}

const isWhole = ({ s }: Side) => Number.isInteger(s);

/** Which pixel each is. */
function nearestOf(c: Importer, attributes: Attributes, isOld: boolean, { n, m, s }: Side): number[] {
  const mode = isOld ? 'asymmetric' : attributes.string('coordinate_transformation_mode', 'half_pixel');
  const rounding = isOld ? 'floor' : attributes.string('nearest_mode', 'round_prefer_floor');
  const [coordinate, nearest] = [own(COORDINATES, mode), own(NEAREST, rounding)];
  if (!coordinate) throw new RangeError(`its coordinates are ${mode}`);
  if (!nearest) throw new RangeError(`its nearest_mode is ${rounding}`);
  c.budget.take(m);
  if (s === 1) return range(n); // whatever the coordinates, in ONNX Runtime
  return Array.from({ length: m }, (_, i) => Math.min(n - 1, Math.max(0, nearest(coordinate(i, s, n, m)))));
}

const own = <V>(table: Readonly<Record<string, V>>, name: string): V | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** Whose coordinates are those of `upSampling2d`, where scales are whole numbers. */
const MIDDLES = ['half_pixel', 'half_pixel_symmetric', 'pytorch_half_pixel'];

/** Each pixel as what lies between its neighbours; other coordinates than those of a layer by a product along each axis. */
function interpolated(c: Importer, x: Computed, sides: readonly Side[], coordinates: string): Computed {
  const coordinate = own(COORDINATES, coordinates);
  if (!coordinate) throw new RangeError(`its coordinates are ${coordinates}`);
  if (sides.length === 2 && sides.every(isWhole) && MIDDLES.includes(coordinates)) {
    const layer = layers.upSampling2d({ size: [sides[0].s, sides[1].s], interpolation: 'bilinear' });
    return c.like(x, c.apply(layer, x), x.isPositive);
  }
  let { value } = x;
  for (const [k, { n, m, s }] of sides.entries()) {
    if (s === 1) continue;
    c.budget.take(n * m);
    const shares = new Float64Array(n * m); // of each pixel in each of those that are made
    for (let i = 0; i < m; i++) {
      const at = Math.min(n - 1, Math.max(0, coordinate(i, s, n, m)));
      const low = Math.floor(at);
      shares[low * m + i] = 1 - (at - low);
      if (at > low) shares[(low + 1) * m + i] = at - low;
    }
    const axis = k + (x.steps ? 1 : 0);
    const order = [...value.shape.map((_, own) => own).filter((own) => own !== axis), axis];
    const product = ops.matmul(ops.transpose(value, order), NDArray.wrap(shares, [n, m]));
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
  const lengthOf = (axis: number) => (x.axes[axis] === BATCH ? 1 : x.value.shape[x.axes[axis]]);
  const asked = sizes && dimsOf(known(sizes)).map((size, axis) => (x.axes[axis] === BATCH ? 1 : size));
  if (asked?.some((size) => typeof size !== 'number')) throw new RangeError('it makes sides as long as the batch');
  const scales = asked
    ? asked.map((size, axis) => fround((size as number) / lengthOf(axis)))
    : Array.from(c.constant(given, 'its scales').data, fround);
  const mode = attributes.string('mode', 'nearest');
  const isLinear = mode === 'linear';
  if (!isLinear && mode !== 'nearest') throw new RangeError(`its mode is ${mode}`);
  if (scales.length !== n || (n !== 3 && n !== 4) || scales[0] !== 1 || scales[1] !== 1)
    throw new RangeError(isLinear ? 'it is of other axes than those of pixels' : 'it does not repeat pixels');
  const sides = pixels(x).map((n, k): Side => {
    const s = scales[k + 2];
    const m = asked ? (asked[k + 2] as number) : Math.floor(fround(n * s));
    if (!(s > 0 && m >= 1 && m <= MOST_PIXELS)) throw new RangeError(`its scales are [${scales.join(', ')}]`);
    return { n, m, s };
  });
  if (attributes.number('antialias', 0) === 1 && sides.some(({ s }) => s < 1))
    throw new RangeError('it smooths what it makes smaller');
  if (isLinear) {
    const coordinates = isOld ? 'asymmetric' : attributes.string('coordinate_transformation_mode', 'half_pixel');
    return interpolated(c, x, sides, coordinates);
  }
  const places = sides.map((side) => nearestOf(c, attributes, isOld, side));
  const repeats = ({ s }: Side, k: number) => places[k].every((from, i) => from === Math.floor(i / s));
  if (!sides.every(isWhole) || !sides.every(repeats))
    return places.reduce((made, of, k) => (isSame(of, range(sides[k].n)) ? made : entriesOf(c, made, k + 2, of)), x);
  const [{ s }, { s: t } = { s: 1 }] = sides;
  const layer = n === 3 ? layers.upSampling1d({ size: s }) : layers.upSampling2d({ size: [s, t] });
  return c.like(x, c.apply(layer, x), x.isPositive);
};

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
