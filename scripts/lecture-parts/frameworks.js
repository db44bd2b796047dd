import { initializers, layers, optimizers, regularizers, sequential, toCategorical } from 'fjordnet';
import { heatmap, history } from 'fjordnet/plots';
import { figure, table } from '../../dist/report/index.js';
import { grid } from './grids.js';

const FIT = { epochs: 100, batchSize: 100 };

/** 64-100-50-10, as the lecture builds it with TensorFlow. */
function tensorflow({ eta, lmbd }) {
  const dense = (units, activation) =>
    layers.dense({
      units,
      activation,
      kernelInitializer: initializers.truncatedNormal({ stddev: 0.1 }),
      biasInitializer: initializers.constant({ value: 0.1 }),
      kernelRegularizer: regularizers.l2({ l2: lmbd / 2 }), // tf.nn.l2_loss is half the sum of squares
    });
  return compiled([dense(100, 'sigmoid'), dense(50, 'sigmoid'), dense(10, 'softmax')], eta);
}

/** The same sizes with Keras. */
function keras({ eta, lmbd }) {
  const hidden = (units) =>
    layers.dense({ units, activation: 'sigmoid', kernelRegularizer: regularizers.l2({ l2: lmbd }) });
  return compiled([hidden(100), hidden(50), layers.dense({ units: 10, activation: 'softmax' })], eta);
}

export function compiled(list, eta) {
  const model = sequential({ layers: list, seed: 0 });
  model.compile({
    optimizer: optimizers.sgd({ learningRate: eta }),
    loss: 'categoricalCrossentropy',
    metrics: ['accuracy'],
  });
  return model;
}

const oneHot = ({ xTrain, xTest, yTrain, yTest }) => ({
  train: [xTrain, toCategorical(yTrain, 10)],
  test: [xTest, toCategorical(yTest, 10)],
  fitOptions: FIT,
});

/** TensorFlow, Keras, and which activation function to take. */
export const frameworks = [
  {
    title: 'TensorFlow',
    says: [
      'Two hidden layers, 64-100-50-10, weights from a truncated normal distribution of standard deviation 0.1, biases 0.1; gradient descent on the mean loss. From here it should be clear how to build networks of any depth.',
    ],
    async run(lecture) {
      const { search, sentence, share, figures } = await grid(lecture, { build: tensorflow, ...oneHot(lecture) });
      return {
        here: [sentence, share],
        holds: search.best.testScore > 0.9,
        figures,
      };
    },
  },
  {
    title: 'Keras',
    says: ['Effectively the same network; built from named layers, it is quite trivial to write down.'],
    async run(lecture) {
      const { search, sentence, share, figures } = await grid(lecture, { build: keras, ...oneHot(lecture) });
      const { eta, lmbd } = search.best.params;
      const model = keras({ eta, lmbd });
      const { train, test } = oneHot(lecture);
      const curves = await model.fit(...train, { ...FIT, validationData: test });
      lecture.networks++;
      return {
        here: [sentence, share],
        holds: search.best.testScore > 0.9,
        figures: [
          ...figures,
          await figure(
            (drawing) => history(curves, drawing),
            'The best of them while it learns; the test images as validation.',
          ),
        ],
      };
    },
  },
  {
    title: 'Which activation function?',
    says: [
      'In deep networks the gradients of the logistic function get smaller and smaller towards the first layers, which then hardly learn.',
      'In general elu is better than leaky relu, that better than relu, that better than tanh, and that better than the logistic function.',
    ],
    run: compareActivations,
  },
];

const NAMES = ['sigmoid', 'tanh', 'relu', 'leakyRelu', 'elu'];
const DEPTH = 5;
const SEEDS = [0, 1, 2];

async function compareActivations(lecture) {
  const { xTrain, xTest, yTrain, yTest } = lecture;
  const scaled = ({ data, shape }) => ({ data: data.map((ink) => ink / 16), shape });
  const [a, b] = [xTrain, xTest].map((x) => lecture.data.constructor.from(scaled(x).data, { shape: x.shape }));
  const [p, q] = [yTrain, yTest].map((y) => toCategorical(y, 10));
  const results = [];
  const gradients = [];
  for (const name of NAMES) {
    const scores = [];
    for (const seed of SEEDS) {
      const model = sequential({
        layers: [
          ...Array.from({ length: DEPTH }, () => layers.dense({ units: 50, activation: name })),
          layers.dense({ units: 10, activation: 'softmax' }),
        ],
        seed,
      });
      model.compile({
        optimizer: optimizers.sgd({ learningRate: 0.05 }),
        loss: 'categoricalCrossentropy',
        metrics: ['accuracy'],
      });
      if (seed === 0) gradients.push(firstGradients(model, a, p));
      await model.fit(a, p, { epochs: 60, batchSize: 50 });
      lecture.networks++;
      scores.push((await model.evaluate(b, q)).accuracy);
    }
    results.push({ name, mean: scores.reduce((sum, s) => sum + s, 0) / scores.length, scores });
  }
  const order = [...results].sort((left, right) => right.mean - left.mean);
  const vanishing = gradients[0][0] / gradients[0][DEPTH];
  const layerNames = Array.from({ length: DEPTH + 1 }, (_, i) => (i < DEPTH ? `hidden ${i + 1}` : 'output'));
  const logs = gradients.map((row) => row.map(Math.log10));
  return {
    here: [
      `With ${DEPTH} hidden layers of 50, the logistic function's first gradients are ${(1 / vanishing).toFixed(0)} times smaller in the first layer than in the last; with relu ${(gradients[2][DEPTH] / gradients[2][0]).toFixed(1)} times.`,
      `Mean test accuracy over ${SEEDS.length} seeds, after 60 epochs: ${order.map(({ name, mean }) => `${name} ${mean.toFixed(3)}`).join(', ')}.`,
      rankingOf(order),
    ],
    holds: order.at(-1).name === 'sigmoid' && vanishing < 0.01 && (isRankedAs(order) || 'partly'),
    figures: [
      await figure(
        (drawing) =>
          heatmap(logs, {
            ...drawing,
            x: layerNames,
            y: NAMES,
            xLabel: 'layer',
            valueLabel: 'log₁₀ of the gradient',
            title: 'Gradients at the start',
          }),
        'The size of the gradients (root mean square) in the first step, layer by layer: with the logistic function they vanish.',
      ),
      table(
        ['Activation', ...SEEDS.map((seed) => `Seed ${seed}`), 'Mean'],
        order.map(({ name, scores, mean }) => [name, ...scores.map((s) => s.toFixed(4)), mean.toFixed(4)]),
        { caption: 'Test accuracy of every activation function', numeric: [1, 2, 3, 4] },
      ),
    ],
  };
}

const isRankedAs = (order) => order.every(({ name }, i) => name === ['elu', 'leakyRelu', 'relu', 'tanh', 'sigmoid'][i]);

/** How far the order of the text is that of the scores. */
function rankingOf(order) {
  if (isRankedAs(order)) return 'That is the order of the text.';
  const spread = order[0].mean - order.at(-2).mean;
  return `The logistic function is ${order.at(-1).name === 'sigmoid' ? 'last, as the text says' : 'not last'}; the others lie within ${(100 * spread).toFixed(1)} % of each other, too close on these images to be ranked.`;
}

/** The root mean square of every kernel's gradient, from how far one step of descent moves it. */
function firstGradients(model, x, y) {
  model.build(x.shape.slice(1));
  const kernels = () => model.getWeights().filter((_, i) => i % 2 === 0);
  const before = kernels();
  const weights = model.getWeights();
  model.trainOnBatch(x, y);
  const sizes = kernels().map(({ data }, k) => {
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum += ((data[i] - before[k].data[i]) / model.optimizer.learningRate) ** 2;
    return Math.sqrt(sum / data.length);
  });
  model.setWeights(weights);
  return sizes;
}
