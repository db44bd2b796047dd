import { NDArray } from '../../array.js';
import { sizeOf, type Value } from '../../graph/value.js';
import { layers } from '../../layers/index.js';
import type { Layer } from '../../layers/layer.js';
import { picked } from './import-entries.js';
import { type Handler, padded, paddingOf, pixels, type Window, windowOf } from './import-layers.js';
import type { Importer } from './importer.js';
import { type Computed, computed, isSame, LOWEST } from './tensors.js';
import { applied, ops } from './untyped.js';

type Kind = 'max' | 'average';

const pool =
  (kind: Kind): Handler =>
  (c, [a], attributes, node) => {
    if (node.outputs.length > 1 && c.isRead(node.outputs[1])) throw new RangeError('its places are used');
    let x = c.channelsLast(c.computed(a));
    const size = attributes.numbers('kernel_shape') ?? [];
    const n = size.length;
    if (n < 1 || n > 2 || pixels(x).length !== n) throw new RangeError(`it pools along ${n} axes`);
    const window = windowOf(attributes, size, pixels(x));
    const isDilated = window.dilations.some((d) => d !== 1);
    if (isDilated && attributes.string('auto_pad', 'NOTSET').startsWith('SAME'))
      throw new RangeError('its windows are dilated, and its padding is automatic');
    const reach = size.map((length, k) => (length - 1) * window.dilations[k] + 1);
    const countsPadding = kind === 'average' && attributes.number('count_include_pad', 0) === 1;
    const pads = [...window.pads];
    if (attributes.number('ceil_mode', 0) === 1)
      for (let k = 0; k < n; k++) {
        const over = (pixels(x)[k] + pads[k] + pads[k + n] - reach[k]) % window.strides[k];
        if (over > 0 && pads[k + n] + window.strides[k] - over < reach[k]) pads[k + n] += window.strides[k] - over;
      }
    if (countsPadding && !isSame(pads, window.pads))
      throw new RangeError('its last windows reach beyond the padding, which counts for its means');
    let padding = paddingOf({ ...window, pads }, pixels(x));
    if (padding === 'same' && (countsPadding || isDilated)) padding = undefined;
    const shares = padding || countsPadding ? undefined : sharesOf(window, pads, pixels(x));
    if (!padding) {
      const isSeen = kind === 'max' && !x.isPositive;
      x = padded(c, x, pads);
      if (isSeen) x = c.like(x, ops.add(x.value, lowAround(c, pads, pixels(x))));
      padding = 'valid';
    }
    const pooled = isDilated ? dilated(kind, c, x, window, reach) : c.like(x, whole(kind, c, x, window, padding));
    const value = shares && kind === 'average' ? ops.mul(pooled.value, shares) : pooled.value;
    return c.like(x, value, x.isPositive);
  };

function whole(kind: Kind, c: Importer, x: Computed, { size, strides }: Window, padding: 'same' | 'valid'): Value {
  const n = size.length;
  const options = n === 1 ? { poolSize: size[0], strides: strides[0], padding } : { poolSize: size, strides, padding };
  const make = {
    max: [layers.maxPooling1d, layers.maxPooling2d],
    average: [layers.averagePooling1d, layers.averagePooling2d],
  };
  return c.apply((make[kind][n - 1] as (options: unknown) => Layer)(options), x);
}

/** Windows with gaps, along one axis after the other: of as many strided parts as a window has places. */
function dilated(
  kind: Kind,
  c: Importer,
  x: Computed,
  { size, strides, dilations }: Window,
  reach: readonly number[],
): Computed {
  const first = x.steps ? 1 : 0;
  return size.reduce((from, length, k) => {
    const count = Math.floor((pixels(from)[k] - reach[k]) / strides[k]) + 1;
    if (count < 1) throw new RangeError('its windows are larger than what it pools');
    c.budget.take(length * count);
    const parts = Array.from({ length }, (_, i) =>
      picked(
        c,
        from,
        first + k,
        Float64Array.from({ length: count }, (_, j) => j * strides[k] + i * dilations[k]),
      ),
    );
    const values = parts.map(({ value }) => value);
    const value =
      kind === 'max'
        ? values.reduce((a, b) => ops.maximum(a, b))
        : ops.mul(
            values.reduce((a, b) => ops.add(a, b)),
            1 / length,
          );
    return c.like(from, value, from.isPositive);
  }, x);
}

/** What means over windows are multiplied by where zeros around an image do not count: their size by what of it is not padding. */
function sharesOf({ size, strides, dilations }: Window, pads: readonly number[], shape: readonly number[]): NDArray {
  const shares = size.map((k, axis) => {
    const before = pads[axis];
    const reach = (k - 1) * dilations[axis] + 1;
    const places = Math.floor((shape[axis] + before + pads[axis + size.length] - reach) / strides[axis]) + 1;
    return Array.from({ length: places }, (_, i) => {
      const from = i * strides[axis] - before;
      const seen = Array.from({ length: k }, (_, at) => from + at * dilations[axis]);
      const own = seen.filter((place) => place >= 0 && place < shape[axis]).length;
      if (!(own > 0)) throw new RangeError(`its pads are [${pads.join(', ')}], as wide as a window`);
      return k / own;
    });
  });
  const [rows, columns = [1]] = shares;
  const all = Float64Array.from(rows.flatMap((row) => columns.map((column) => row * column)));
  return NDArray.wrap(all, [...shares.map(({ length }) => length), 1]);
}

/** What padding of zeros needs so that it is no maximum: the lowest number of float32. 0 within. */
function lowAround(c: Importer, pads: readonly number[], shape: readonly number[]): NDArray {
  const [rows, columns] = shape.map((length, axis) => {
    const end = length - pads[axis + shape.length];
    return Array.from({ length }, (_, i) => i >= pads[axis] && i < end);
  });
  c.budget.take(sizeOf(shape));
  const all = Float64Array.from(
    rows.flatMap((row) => (columns ?? [true]).map((column) => (row && column ? 0 : LOWEST))),
  );
  return NDArray.wrap(all, [...shape, 1]);
}

const globalPool =
  (kind: 'max' | 'average'): Handler =>
  (c, [a]) => {
    const x = c.channelsLast(c.computed(a));
    const n = pixels(x).length;
    if (n < 1 || n > 2) throw new RangeError(`it pools along ${n} axes`);
    const make = {
      max: [layers.globalMaxPooling1d, layers.globalMaxPooling2d],
      average: [layers.globalAveragePooling1d, layers.globalAveragePooling2d],
    };
    const value = c.apply(make[kind][n - 1](), x);
    const within = x.steps ? value.shape.slice(0, 1) : [];
    const shape = [...within, ...pixels(x).map(() => 1), value.shape[within.length]];
    return computed(applied(layers.reshape({ targetShape: shape }), value), x.axes, {
      origin: value,
      ...(x.steps && { steps: x.steps }),
      ...(x.isPositive && { isPositive: true }),
    });
  };

export const POOLING: Readonly<Record<string, Handler>> = {
  MaxPool: pool('max'),
  AveragePool: pool('average'),
  GlobalMaxPool: globalPool('max'),
  GlobalAveragePool: globalPool('average'),
};
