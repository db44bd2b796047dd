import { layers } from '../../layers/index.js';
import type { Handler } from './import-layers.js';
import { applied } from './untyped.js';

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

/** The label at the place of the largest number. */
const extractor: Handler = (c, [a]) => {
  const classes = a?.kind === 'labels' ? a.classes : a?.kind === 'constant' ? Array.from(a.data) : undefined;
  if (!classes) throw new RangeError('it takes features of what is computed');
  c.classes ??= classes;
  return { kind: 'labels', classes };
};

/** Operations of ONNX-ML that scikit-learn's networks are written with (skl2onnx). */
export const CLASSICAL: Readonly<Record<string, Handler>> = {
  Scaler: scaler,
  ZipMap: zipMap,
  ArrayFeatureExtractor: extractor,
};
