import type { Value } from '../../graph/value.js';
import { quoted } from '../../io/read.js';
import { layers } from '../../layers/index.js';
import { warn } from '../../warn.js';
import { entriesOf } from './import-entries.js';
import type { Handler } from './import-layers.js';
import { LINEAR } from './import-linear.js';
import { applied, ops } from './untyped.js';

/** (x - offset) * scale, for each column. */
const scaler: Handler = (c, [a], attributes) => {
  const x = c.plain(c.computed(a));
  const columns = x.value.shape.at(-1) as number;
  const [offset, scale] = ['offset', 'scale'].map((name) => {
    const list = attributes.numbers(name) ?? [];
    if (list.length !== 1 && list.length !== columns)
      throw new RangeError(`its ${name} has ${list.length} numbers, for ${columns} columns`);
    return Array.from({ length: columns }, (_, k) => (list.length === 1 ? list[0] : list[k]));
  });
  const layer = layers.rescaling({ scale, offset: offset.map((shift, k) => (shift === 0 ? 0 : -shift * scale[k])) });
  return c.like(x, applied(layer, x.value));
};

/** Probabilities by what their classes are called. */
const zipMap: Handler = (c, [a], attributes) => {
  const classes = attributes.strings('classlabels_strings') ?? attributes.numbers('classlabels_int64s');
  if (classes) c.classes = classes;
  return c.computed(a);
};

/** The label at the place of the largest number; or some columns of a table. */
const extractor: Handler = (c, [a, index]) => {
  if (a?.kind === 'computed' && index?.kind === 'constant') return entriesOf(c, a, -1, Array.from(index.data));
  const classes = a?.kind === 'labels' ? a.classes : a?.kind === 'constant' ? Array.from(a.data) : undefined;
  if (!classes) throw new RangeError('it takes features of what is computed');
  c.classes ??= classes;
  return { kind: 'labels', classes };
};

/** Rows of length 1; a row of zeros stays. */
const normalizer: Handler = (c, [a], attributes, node) => {
  const x = c.plain(c.computed(a));
  const { value } = x;
  if (value.shape.length !== 1) throw new RangeError('it normalizes what is no row of numbers');
  const isZero = (sum: Value) => ops.where(ops.equal(sum, 0), 1, sum);
  const along = { axis: 0, keepDims: true };
  const norm = attributes.string('norm', 'MAX');
  switch (norm) {
    case 'L1':
      return c.like(x, ops.div(value, isZero(ops.sum(ops.abs(value), along))), x.isPositive);
    case 'L2':
      return c.like(x, ops.div(value, ops.sqrt(isZero(ops.sum(ops.square(value), along)))), x.isPositive);
    case 'MAX':
      if (!x.isPositive)
        warn(
          'FJORDNET_IMPORT',
          `The operation 'Normalizer' (${quoted(node.name)}) divides by the largest absolute value, as scikit-learn and ONNX do; ONNX Runtime divides by the largest value.`,
        );
      return c.like(x, ops.div(value, isZero(ops.max(ops.abs(value), along))), x.isPositive);
    default:
      throw new RangeError(`its norm is ${norm}`);
  }
};

const binarizer: Handler = (c, [a], attributes) => {
  const x = c.computed(a);
  return c.like(x, ops.greater(x.value, attributes.number('threshold', 0)), true);
};

/** Operations of ONNX-ML that scikit-learn's networks are written with (skl2onnx). */
export const CLASSICAL: Readonly<Record<string, Handler>> = {
  Scaler: scaler,
  Normalizer: normalizer,
  Binarizer: binarizer,
  ZipMap: zipMap,
  ArrayFeatureExtractor: extractor,
  ...LINEAR,
};
