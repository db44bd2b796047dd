import { layers } from '../../layers/index.js';
import type { Attributes } from './attributes.js';
import type { NodeProto } from './decode.js';
import type { Handler } from './import-layers.js';
import type { Importer } from './importer.js';
import { type Computed, computed, type Tensor } from './tensors.js';

/** Activations, by ONNX' names of what is done to the scores. */
const TRANSFORMS: Readonly<Record<string, string>> = { NONE: 'linear', LOGISTIC: 'sigmoid', SOFTMAX: 'softmax' };

/** A dense layer of so many units, whose weights are attributes. */
function dense(
  c: Importer,
  a: Tensor | undefined,
  attributes: Attributes,
  node: NodeProto,
  units: number | undefined,
): Computed {
  const x = c.plain(c.computed(a));
  const features = x.value.shape.at(-1) as number;
  const given = attributes.numbers('coefficients') ?? [];
  const rows = units ?? given.length / features;
  const biases = attributes.numbers('intercepts') ?? Array.from({ length: rows }, () => 0);
  if (x.value.shape.length !== 1 || given.length !== rows * features || biases.length !== rows)
    throw new RangeError(
      `it has ${given.length} coefficients and ${biases.length} intercepts, for ${features} columns and ${rows} numbers`,
    );
  const transform = attributes.string('post_transform', 'NONE');
  const activation = Object.hasOwn(TRANSFORMS, transform) ? TRANSFORMS[transform] : undefined;
  if (!activation) throw new RangeError(`its post_transform is ${transform}`);
  const kernel = Float64Array.from(given, (_, i) => given[(i % rows) * features + Math.floor(i / rows)]);
  const layer = c.layerOf(
    ['linear', node.name],
    [],
    () => {
      const name = c.nameFor(node);
      return layers.dense({ units: rows, activation: activation as 'linear', ...(name && { name }) });
    },
    { kernel: { shape: [features, rows], data: kernel }, bias: { shape: [rows], data: Float64Array.from(biases) } },
  );
  return computed(c.apply(layer, x));
}

const regressor: Handler = (c, [a], attributes, node) => dense(c, a, attributes, node, attributes.number('targets', 1));

const classifier: Handler = (c, [a], attributes, node) => {
  const classes = attributes.strings('classlabels_strings') ?? attributes.numbers('classlabels_ints');
  if (!classes) throw new RangeError('it has no classlabels');
  const scores = dense(c, a, attributes, node, classes.length);
  c.classes = classes;
  return [{ kind: 'labels', classes }, scores];
};

/** scikit-learn's linear and logistic regression, networks of one layer. */
export const LINEAR: Readonly<Record<string, Handler>> = { LinearRegressor: regressor, LinearClassifier: classifier };
