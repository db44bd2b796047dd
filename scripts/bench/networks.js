// Networks as data: layers in Keras' terms. A layer reads the one before it, or what `from` names: inputs, and layers with a `name`.

export const dense = (units, activation) => ({ kind: 'dense', units, activation });
export const conv2d = (filters, kernelSize, activation, padding = 'valid') => ({
  kind: 'conv2d',
  filters,
  kernelSize,
  activation,
  padding,
});
export const maxPooling2d = (poolSize) => ({ kind: 'maxPooling2d', poolSize });
/** 'lstm' or 'gru', with Keras' defaults: the last output. */
export const recurrent = (kind, units) => ({ kind, units });
export const flatten = { kind: 'flatten' };
const batchNormalization = { kind: 'batchNormalization' };
const relu = { kind: 'activation', activation: 'relu' };

/** x + f(x), He et al. 2016; where the number of filters changes, x goes through a convolution of 1 x 1. */
function block(name, x, filters, changes) {
  const shortcut = changes ? `${name} shortcut` : x;
  return [
    { ...conv2d(filters, 3, undefined, 'same'), from: [x] },
    batchNormalization,
    relu,
    conv2d(filters, 3, undefined, 'same'),
    { ...batchNormalization, name: `${name} f` },
    ...(changes ? [{ ...conv2d(filters, 1, undefined, 'same'), from: [x], name: shortcut }] : []),
    { kind: 'add', from: [`${name} f`, shortcut] },
    { ...relu, name },
  ];
}

/** Two residual blocks, the second of twice the filters on half the image. */
export const residual = (filters) => [
  { ...conv2d(filters, 3, 'relu', 'same'), name: 'stem' },
  ...block('first', 'stem', filters),
  { ...maxPooling2d(2), name: 'half' },
  ...block('second', 'half', 2 * filters, true),
  { kind: 'globalAveragePooling2d' },
  dense(10, 'softmax'),
];

/** Columns of numbers and columns of classes, as tables have them. */
export const table = (numbers, columns, classes, units) => ({
  inputs: [
    { name: 'numbers', shape: [numbers] },
    { name: 'classes', shape: [columns], below: classes },
  ],
  layers: [
    { kind: 'embedding', inputDim: classes, outputDim: 16, from: ['classes'] },
    { ...flatten, name: 'embedded' },
    { kind: 'concatenate', from: ['numbers', 'embedded'] },
    dense(units, 'relu'),
    dense(10, 'softmax'),
  ],
});

/**
 * An encoder's block of Vaswani et al. 2017, x + f(x) normalised twice: of attention in heads of `keyDim`, `causal` where a step
 * sees none after it, and of a dense layer of `wide` units; then the mean over steps.
 */
export const encoder = ({ width, numHeads, keyDim, wide, causal = false }) => {
  const layerNormalization = { kind: 'layerNormalization' };
  return [
    { ...dense(width), name: 'embedded' },
    { kind: 'multiHeadAttention', numHeads, keyDim, causal, name: 'attention' },
    { kind: 'add', from: ['embedded', 'attention'] },
    { ...layerNormalization, name: 'attended' },
    dense(wide, 'relu'),
    { ...dense(width), name: 'fed' },
    { kind: 'add', from: ['attended', 'fed'] },
    layerNormalization,
    { kind: 'globalAveragePooling1d' },
    dense(10, 'softmax'),
  ];
};

/** { name, shape, below }: integers are below `below`, other inputs real numbers. */
export const inputsOf = ({ inputs, inputShape }) => inputs ?? [{ name: 'x', shape: inputShape }];

/** Shapes of weights: layers in order, of each the weights as Keras orders them. */
export const weightShapes = (workload) => walk(workload).flatMap(({ weights }) => weights);

/**
 * Multiplications and additions of one training step: forward, gradients of weights and, but for layers with nothing to be
 * learned before them, of inputs. Those of a state are always wanted: the step before has learned it.
 */
export function stepFlop(workload) {
  const products = walk(workload).map(({ macs, stateMacs, begins }) => 2 * (macs * (begins ? 2 : 3) + stateMacs * 3));
  return products.reduce((sum, flop) => sum + flop, 0) * workload.batchSize;
}

const product = (values) => values.reduce((a, b) => a * b, 1);

function recurrentShapes([steps, features], units, gates, bias) {
  const columns = gates * units;
  const weights = [[features, columns], [units, columns], bias];
  return { shape: [units], weights, macs: steps * features * columns, stateMacs: steps * units * columns };
}

/** Products of two values that are learned count as those of a state: both gradients are wanted. */
function attentionShapes({ numHeads, keyDim }, [steps, features]) {
  const heads = [
    [features, numHeads, keyDim],
    [numHeads, keyDim],
  ];
  const weights = [...heads, ...heads, ...heads, [numHeads, keyDim, features], [features]];
  const columns = numHeads * keyDim;
  return {
    shape: [steps, features],
    weights,
    macs: 4 * steps * features * columns,
    stateMacs: 2 * steps * steps * columns,
  };
}

/** What a layer makes of shapes: { shape, weights, macs, stateMacs }, all but the first where there are any. */
const KINDS = {
  dense({ units }, shape) {
    const n = shape.at(-1);
    return { shape: [...shape.slice(0, -1), units], weights: [[n, units], [units]], macs: product(shape) * units };
  },
  conv2d({ kernelSize: k, filters, padding }, [height, width, depth]) {
    const edge = padding === 'same' ? 0 : k - 1;
    const shape = [height - edge, width - edge, filters];
    return { shape, weights: [[k, k, depth, filters], [filters]], macs: product(shape) * k * k * depth };
  },
  maxPooling2d: ({ poolSize }, [height, width, depth]) => ({
    shape: [Math.floor(height / poolSize), Math.floor(width / poolSize), depth],
  }),
  globalAveragePooling2d: (_, shape) => ({ shape: [shape.at(-1)] }),
  globalAveragePooling1d: (_, shape) => ({ shape: [shape.at(-1)] }),
  multiHeadAttention: attentionShapes,
  layerNormalization: (_, shape) => ({ shape, weights: Array(2).fill([shape.at(-1)]) }),
  batchNormalization: (_, shape) => ({ shape, weights: Array(4).fill([shape.at(-1)]) }),
  activation: (_, shape) => ({ shape }),
  add: (_, shape) => ({ shape }),
  lstm: ({ units }, shape) => recurrentShapes(shape, units, 4, [4 * units]),
  gru: ({ units }, shape) => recurrentShapes(shape, units, 3, [2, 3 * units]),
  flatten: (_, shape) => ({ shape: [product(shape)] }),
  concatenate: (_, ...shapes) => ({ shape: [shapes.reduce((sum, [n]) => sum + n, 0)] }),
  embedding: ({ inputDim, outputDim }, shape) => ({
    shape: [...shape, outputDim],
    weights: [[inputDim, outputDim]],
  }),
};

/**
 * The layers of a network: { kind, sources, shape, weights, macs, stateMacs, begins }. `sources` are places of what a layer
 * reads: inputs first, then layers. A layer that `begins` has nothing before it that learns.
 */
export function walk(workload) {
  const inputs = inputsOf(workload);
  const values = inputs.map(({ name, shape }) => ({ name, shape, learns: false }));
  for (const { name, from, ...layer } of workload.layers) {
    const before = values.length === inputs.length ? 0 : values.length - 1;
    const sources = from?.map((of) => values.findIndex((value) => value.name === of)) ?? [before];
    const read = sources.map((i) => values[i]);
    const made = KINDS[layer.kind](layer, ...read.map((value) => value.shape));
    const { shape, weights = [], macs = 0, stateMacs = 0 } = made;
    const begins = !read.some(({ learns }) => learns);
    const learns = !begins || weights.length > 0;
    values.push({ name, kind: layer.kind, sources, shape, weights, macs, stateMacs, begins, learns });
  }
  return values.slice(inputs.length);
}
