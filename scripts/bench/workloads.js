// What is measured, as data: networks are those of networks.js. `samples` is a multiple of `batchSize`, so that every peer makes
// the same number of steps an epoch. Targets are the least factor by which a peer is to be beaten. Rows marked `growth` show how
// the cost grows with size: peers that are slow to measure are left out.
import { conv2d, dense, encoder, flatten, maxPooling2d, recurrent, residual, stepFlop, table } from './networks.js';

const DIGITS_SAMPLES = 1797;

/** Steps to compare losses over: `check` groups of as many batches, the mean loss of each group. */
const DIGITS = { data: 'digits', samples: 1400, batchSize: 100, learningRate: 0.1, check: [3, 14] };
const IMAGES = { data: 'random', batchSize: 128, samples: 1024, learningRate: 0.01, check: [2, 3], dtype: 'float32' };

const lecture = { ...DIGITS, kind: 'train', inputShape: [64], layers: [dense(50, 'sigmoid'), dense(10, 'softmax')] };
const deep = (output) => ({
  ...lecture,
  layers: [dense(100, 'sigmoid'), dense(50, 'sigmoid'), dense(10, output)],
  dtype: 'float32',
});
const digitsCnn = {
  ...DIGITS,
  kind: 'train',
  dtype: 'float32',
  inputShape: [8, 8, 1],
  layers: [conv2d(10, 3, 'relu', 'same'), maxPooling2d(2), flatten, dense(50, 'relu'), dense(10, 'softmax')],
};
const mnistMlp = (width) => ({
  ...IMAGES,
  kind: 'train',
  inputShape: [784],
  layers: [dense(width, 'relu'), dense(width, 'relu'), dense(10, 'softmax')],
});
const mnistCnn = {
  ...IMAGES,
  kind: 'train',
  samples: 512,
  check: [2, 1],
  inputShape: [28, 28, 1],
  layers: [
    conv2d(32, 3, 'relu'),
    conv2d(64, 3, 'relu'),
    maxPooling2d(2),
    flatten,
    dense(128, 'relu'),
    dense(10, 'softmax'),
  ],
};
const cifar = (batchSize) => ({
  ...IMAGES,
  batchSize,
  kind: 'train',
  check: [3, 1],
  inputShape: [32, 32, 3],
  layers: [conv2d(12, 3, 'relu', 'same'), maxPooling2d(2), flatten, dense(10, 'softmax')],
});
const rowsOfImages = (kind, units, batchSize) => ({
  ...IMAGES,
  batchSize,
  samples: 8 * batchSize,
  kind: 'train',
  inputShape: [28, 28],
  layers: [recurrent(kind, units), dense(10, 'softmax')],
});
const sequences = ([steps, features], batchSize, block) => ({
  ...IMAGES,
  batchSize,
  samples: 8 * batchSize,
  kind: 'train',
  inputShape: [steps, features],
  layers: encoder(block),
});
const residualNetwork = { kind: 'train', dtype: 'float32', layers: residual(16) };
const residualCnn = { ...DIGITS, ...residualNetwork, inputShape: [8, 8, 1], learningRate: 0.01, check: [3, 2] };
const twoInputs = (units) => ({ ...IMAGES, kind: 'train', learningRate: 0.1, ...table(16, 8, 1000, units) });
const mlp = (solver, batchSize, units = 50) => ({
  kind: 'mlp',
  unit: 's',
  data: 'digits',
  dtype: 'float64',
  solver,
  activation: 'logistic',
  learningRate: 0.01,
  alpha: 0.01,
  batchSize,
  units,
  epochs: 30,
});
const fit = { unit: 's', data: 'digits', dtype: 'float64' };
const grid = { unit: 's', data: 'digits', dtype: 'float64', points: 7, epochs: 100, hidden: 50 };
const TFJS = { 'tfjs-cpu': 100, 'tfjs-wasm': 100 };

export const WORKLOADS = [
  {
    id: 'a',
    title: 'lecture step, float64: digits, 64-50-10 sigmoid, batch 100',
    ...lecture,
    dtype: 'float64',
    lecture: true,
    targets: { numpy: 5, jax: 4 },
  },
  {
    id: 'a-400',
    title: 'the same, batch 400',
    ...lecture,
    dtype: 'float64',
    lecture: true,
    batchSize: 400,
    samples: 1200,
    check: [3, 3],
    growth: true,
  },
  {
    id: 'a-1400',
    title: 'the same, batch 1400',
    ...lecture,
    dtype: 'float64',
    lecture: true,
    batchSize: 1400,
    check: [3, 1],
    growth: true,
  },
  {
    id: 'b',
    title: 'lecture step, float32',
    ...lecture,
    dtype: 'float32',
    targets: { jax: 2.7, ...TFJS },
  },
  {
    id: 'c',
    title: 'deep network: digits, 64-100-50-10 sigmoid, batch 100, float32',
    ...deep('softmax'),
    targets: { jax: 2.2, keras: 20, ...TFJS },
  },
  {
    id: 'd',
    title: 'digits CNN: conv 10, pool, dense 50, batch 100',
    ...digitsCnn,
    targets: { pytorch: 9, keras: 15, ...TFJS },
  },
  { id: 'd-350', title: 'the same, batch 350', ...digitsCnn, batchSize: 350, check: [3, 4], growth: true },
  {
    id: 'e',
    title: 'MNIST-sized MLP: 784-512-512-10 relu, batch 128',
    ...mnistMlp(512),
    targets: { keras: 1, ...TFJS },
    shareOfLimit: 0.9,
  },
  { id: 'e-128', title: 'the same, 784-128-128-10', ...mnistMlp(128), shareOfLimit: 0.75, growth: true },
  { id: 'e-1024', title: 'the same, 784-1024-1024-10', ...mnistMlp(1024), growth: true },
  {
    id: 'f',
    title: 'MNIST-sized CNN: conv 32, conv 64, pool, dense 128, batch 128',
    ...mnistCnn,
    targets: { pytorch: 1.8, keras: 1, ...TFJS },
    shareOfLimit: 0.55,
  },
  {
    id: 'f-32',
    title: 'the same, batch 32',
    ...mnistCnn,
    batchSize: 32,
    samples: 256,
    targets: { pytorch: 1.5 },
    growth: true,
  },
  {
    id: 'g',
    title: 'CIFAR-sized network: conv 12, pool, dense 10, batch 128',
    ...cifar(128),
    targets: { pytorch: 3.5, keras: 1, ...TFJS },
  },
  { id: 'g-32', title: 'the same, batch 32', ...cifar(32), growth: true },
  {
    id: 'h',
    title: 'grid of 49 lecture networks, 100 epochs',
    kind: 'grid',
    ...grid,
    batchSize: 100,
    budgets: { fjordnet: 30, numpy: 90, sklearn: 40 },
    cost: 6,
    targets: { numpy: 7, sklearn: 6 },
  },
  {
    id: 'h-mlp',
    title: 'grid of 49 MLPClassifiers, adam, at most 100 epochs',
    kind: 'mlpGrid',
    ...grid,
    budgets: { fjordnet: 20, sklearn: 70 },
    why: "scikit-learn trains a network on each processor as well (alone it takes 1.6 times as long), through the same kind of BLAS, and at batches of 200 Python's own time is a small share of its step: what would mend this are faster products in float64 and a cheaper update of Adam.",
    cost: 4,
    targets: { sklearn: 6 },
  },
  {
    id: 'i',
    title: 'MLPClassifier.fit, digits, 50 logistic neurons, sgd, 30 epochs',
    ...mlp('sgd', 'auto'),
    targets: { sklearn: 5.5 },
  },
  { id: 'i-100', title: 'the same, sgd, batch 100', ...mlp('sgd', 100), targets: { sklearn: 4 } },
  { id: 'i-adam', title: 'the same, adam', ...mlp('adam', 'auto'), targets: { sklearn: 4 } },
  { id: 'i-adam-100', title: 'the same, adam, batch 100', ...mlp('adam', 100), targets: { sklearn: 4 } },
  { id: 'i-adam-400', title: 'the same, adam, 400 neurons', ...mlp('adam', 'auto', 400), growth: true },
  {
    id: 'j',
    title: 'predict 1 row, 64-50-10, float32',
    ...lecture,
    kind: 'predict',
    dtype: 'float32',
    rows: 1,
    atMost: 2e-6,
    why: "The products are 7,400 operations, a tenth of a microsecond; the rest is the check of the arguments and the crossing into native code, there and back. The result is written into an array of the caller's.",
  },
  {
    id: 'j-1000',
    title: 'predict 1000 rows, 64-50-10, float32',
    ...lecture,
    kind: 'predict',
    dtype: 'float32',
    rows: 1000,
    targets: { numpy: 2 },
    growth: true,
  },
  {
    id: 'k',
    title: 'cold start: process start to first trained epoch, 64-50-10',
    ...lecture,
    kind: 'start',
    check: undefined,
    unit: 's',
    dtype: 'float32',
    atMost: 0.11,
    why: "The package is bundled already; what is left is Node.js' own start, and its reading of 1.2 MB of code, a third of it all.",
  },
  { id: 'l', title: 'installed size', kind: 'size', unit: 'MB', data: 'digits', dtype: 'float64' },
  {
    id: 'm',
    title: 'event-loop delay during fit, MNIST-sized CNN',
    ...mnistCnn,
    kind: 'delay',
    check: undefined,
    atMost: 0.01,
    why: 'Training runs on threads of its own; where these take every processor, the main thread waits for the system to schedule it. One thread fewer, by setThreads, mends that.',
  },
  { id: 'n', title: 'peak memory, MNIST-sized CNN', ...mnistCnn, kind: 'memory', check: undefined, unit: 'MB' },
  { id: 'o', title: 'residual CNN on the digits: two blocks of 16 and 32 filters, batch 100', ...residualCnn },
  {
    id: 'o-32',
    title: 'the same, 32 x 32 x 3, batch 32',
    ...IMAGES,
    ...residualNetwork,
    inputShape: [32, 32, 3],
    batchSize: 32,
    samples: 128,
    check: [2, 2],
    growth: true,
  },
  {
    id: 'p',
    title: 'two inputs: 16 numbers, and 8 of 1000 classes through an embedding, concatenated, dense 64, batch 128',
    ...twoInputs(64),
  },
  { id: 'p-512', title: 'the same, dense 512', ...twoInputs(512), growth: true },
  {
    id: 'q',
    title: 'own loss: the deep network of (c) with the focal loss',
    ...deep(),
    loss: 'focal',
  },
  {
    id: 'q-1400',
    title: 'the same, batch 1400',
    ...deep(),
    loss: 'focal',
    batchSize: 1400,
    check: [3, 1],
    growth: true,
  },
  {
    id: 'r',
    title: 'LSTM: 28 steps of 28, 128 units, dense 10, batch 128',
    ...rowsOfImages('lstm', 128, 128),
    targets: { pytorch: 1.25, keras: 5 },
  },
  {
    id: 'r-32',
    title: 'the same, 32 units, batch 32',
    ...rowsOfImages('lstm', 32, 32),
    targets: { jax: 1.7, keras: 5 },
  },
  {
    id: 's',
    title: 'GRU: 28 steps of 28, 128 units, dense 10, batch 128',
    ...rowsOfImages('gru', 128, 128),
    targets: { pytorch: 2, keras: 5 },
  },
  {
    id: 's-32',
    title: 'the same, 32 units, batch 32',
    ...rowsOfImages('gru', 32, 32),
    targets: { pytorch: 6, keras: 5 },
  },
  {
    id: 't',
    title: 'BernoulliRBM.fit, digits, 256 units, batch 10, 10 passes',
    kind: 'rbm',
    ...fit,
    units: 256,
    batchSize: 10,
    epochs: 10,
    targets: { sklearn: 5 },
  },
  {
    id: 'u',
    title: 'KMeans.fit, digits, 50 clusters, kmeans++',
    kind: 'kmeans',
    ...fit,
    clusters: 50,
    targets: { sklearn: 1 },
  },
  {
    id: 'v',
    title: 'attention: 28 steps of 28, an encoder block of 64 in 4 heads, dense 256, batch 128',
    ...sequences([28, 28], 128, { width: 64, numHeads: 4, keyDim: 16, wide: 256 }),
  },
  {
    id: 'v-128',
    title: 'the same, causal, 128 steps of 16, batch 32',
    ...sequences([128, 16], 32, { width: 64, numHeads: 4, keyDim: 16, wide: 256, causal: true }),
    growth: true,
  },
];

/** One tiny row, to see that the program works. */
export const SMOKE = {
  id: 'smoke',
  title: 'smoke test: digits, 64-8-10 sigmoid, batch 100, float64',
  ...lecture,
  layers: [dense(8, 'sigmoid'), dense(10, 'softmax')],
  dtype: 'float64',
};

/** Of what a row's unit of work is: a step, a fit of MLPClassifier, a grid of lecture networks; undefined where it is not known. */
export function flopOf(workload) {
  const { kind, units, hidden, epochs, points, batchSize } = workload;
  if (kind === 'train') return stepFlop(workload);
  const layers = [dense(units ?? hidden, 'sigmoid'), dense(10, 'softmax')];
  const network = (samples) => stepFlop({ inputShape: [64], layers, batchSize: samples * epochs });
  if (kind === 'mlp') return network(DIGITS_SAMPLES);
  if (kind === 'grid') return points ** 2 * network(DIGITS_SAMPLES - (DIGITS_SAMPLES % batchSize));
}
