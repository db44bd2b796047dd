import { sizeOf } from '../../graph/value.js';
import { flatPlaces, isOwn } from './fold-places.js';
import type { Handler } from './import-layers.js';
import { isWhole } from './import-masks.js';
import type { Importer } from './importer.js';
import { BATCH, type Computed, type Constant, computed, constant } from './tensors.js';
import { ops } from './untyped.js';

/** Two numbers where a class is and where it is not, along a new axis. */
const oneHot: Handler = (c, [a, b, values], attributes) => {
  const x = c.computed(a);
  const depth = c.constant(b, 'its depth').data[0];
  const [off, on] = Array.from(c.constant(values, 'what it makes').data);
  if (!isWhole(x.value)) throw new RangeError('its classes are computed numbers, and not of the inputs');
  if (!(Number.isSafeInteger(depth) && depth > 0)) throw new RangeError(`its depth is ${depth}`);
  c.budget.take(depth);
  const rank = x.axes.length + 1;
  const axis = attributes.number('axis', -1);
  const at = axis < 0 ? axis + rank : axis;
  // from the end where they are negative, and no class at all beyond that
  const classes = ops.where(ops.less(x.value, 0), ops.add(x.value, depth), x.value);
  const places = Float64Array.from({ length: depth }, (_, k) => k);
  const rows = ops.equal(ops.reshape(classes, [...x.value.shape, 1]), places);
  const value = off === 0 && on === 1 ? rows : ops.add(ops.mul(rows, on - off), off);
  const axes = [...x.axes.slice(0, at), x.value.shape.length, ...x.axes.slice(at)];
  return computed(value, axes, x.steps ? { steps: x.steps } : {});
};

/** Of each sample entries by their places, one by one: which places, is the same for all. */
const gatherElements: Handler = (c, [a, b], attributes) => {
  if (a?.kind === 'constant') return ofOne(c, a, c.computed(b, 'what it takes'));
  const x = c.plain(c.computed(a));
  const index = c.constant(b, 'what it takes');
  const own = c.axis(x, attributes.number('axis', 0));
  if (x.steps || c.batch === undefined || index.shape[0] !== c.batch || index.shape.length !== x.axes.length)
    throw new RangeError('it takes other entries of other samples, or of a part of them');
  const given = c.against(x, index);
  const to = index.shape.slice(1);
  const { shape } = x.value;
  const places = typeof given === 'number' ? Float64Array.of(given) : given.data;
  const flat = Float64Array.from(places, (place, i) => {
    const n = shape[own];
    if (!(Number.isInteger(place) && place >= -n && place < n))
      throw new RangeError(`it takes what an axis of ${n} does not have`);
    let [rest, from] = [i, 0];
    for (let axis = to.length - 1, stride = 1; axis >= 0; stride *= shape[axis], axis--) {
      const at = rest % to[axis];
      rest = Math.floor(rest / to[axis]);
      from += stride * (axis === own ? (place + n) % n : at);
    }
    return from;
  });
  c.budget.take(flat.length);
  return c.like(x, ops.reshape(ops.gather(ops.reshape(x.value, [sizeOf(shape)]), flat), to), x.isPositive);
};

/** Of each sample the entries that computed numbers name, which count places along its first axes. */
const gatherNd: Handler = (c, [a, b], attributes) => {
  const x = c.plain(c.computed(a));
  if (b?.kind === 'constant' && isOwn(b)) return ofOwnSample(c, x, b);
  if (attributes.number('batch_dims', 0) !== 1) throw new RangeError('it takes whole samples of the batch');
  const index = c.plain(c.computed(b, 'what it takes'));
  if (x.steps || index.steps) throw new RangeError('it takes of what is part of the batch');
  const [depth, lead] = [index.value.shape.at(-1) ?? 0, index.value.shape.slice(0, -1)];
  const { shape } = x.value;
  if (depth < 1 || depth > shape.length) throw new RangeError(`it names ${depth} axes of ${shape.length}`);
  const [named, rest] = [shape.slice(0, depth), shape.slice(depth)];
  const strides = Float64Array.from(named, (_, k) => sizeOf(named.slice(k + 1)));
  const flat = depth === 1 ? ops.reshape(index.value, lead) : ops.sum(ops.mul(index.value, strides), { axis: -1 });
  const made = ops.gather(ops.reshape(x.value, [sizeOf(named), ...rest]), flat);
  return computed(made, [BATCH, ...made.shape.map((_, axis) => axis)]);
};

/** Whichever entry of one number, as all kinds of steps are 0 where nothing says them. */
function ofOne({ budget }: Importer, a: Constant, { value, axes }: Computed): Constant {
  const [first] = Array.from(a.data);
  if (!Array.from(a.data).every((own) => own === first)) throw new RangeError('it takes entries of a constant');
  budget.take(sizeOf(value.shape));
  const shape = axes.map((axis) => (axis === BATCH ? 1 : value.shape[axis])); // the same for all samples
  return constant(shape, new Float64Array(sizeOf(shape)).fill(first), a.isFloat);
}

/** Of each sample entries that are in the same places of all. */
function ofOwnSample(c: Importer, x: Computed, index: Constant): Computed {
  const depth = index.shape.at(-1) ?? 0;
  const { shape } = x.value;
  if (x.steps || index.shape[0] !== 1) throw new RangeError('it takes of what is part of the batch');
  const places = flatPlaces([1, ...shape], index, depth);
  c.budget.take(places.length);
  const [named, rest] = [shape.slice(0, depth - 1), shape.slice(depth - 1)];
  const made = ops.gather(ops.reshape(x.value, [sizeOf(named), ...rest]), places);
  const value = ops.reshape(made, [...index.shape.slice(1, -1), ...rest]);
  return computed(value, [BATCH, ...value.shape.map((_, axis) => axis)]);
}

/** Operations that take entries by their numbers, or say where they are. */
export const PLACES: Readonly<Record<string, Handler>> = {
  OneHot: oneHot,
  GatherElements: gatherElements,
  GatherND: gatherNd,
};
