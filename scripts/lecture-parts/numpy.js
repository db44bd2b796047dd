import { accuracyScore, MLPClassifier, NeuralNetwork, toCategorical } from 'fjordnet';
import { network } from 'fjordnet/plots';
import { figure } from '../../dist/report/index.js';
import { grid } from './grids.js';

const SIZES = { nHiddenNeurons: 50, nCategories: 10 };

/** The network written out in NumPy, and scikit-learn's. */
export const numpy = [
  {
    title: 'The first forward pass',
    says: [
      'One hidden layer of 50 logistic neurons (64 x 50 = 3200 weights) and an output layer of 10 with softmax (50 x 10 = 500 weights); weights are normal random numbers, biases 0.01. The ten outputs are probabilities and sum to 1.',
    ],
    async run(lecture) {
      const { xTrain, yTrain, random } = lecture;
      lecture.oneHot = toCategorical(yTrain, 10);
      const first = new NeuralNetwork(xTrain, lecture.oneHot, { ...SIZES, lmbd: 0.01, randomState: random });
      lecture.first = first;
      const p = first.feedForward(xTrain);
      const row = Array.from(p.data.subarray(0, 10));
      const sum = row.reduce((a, b) => a + b);
      const predictions = first.predict(xTrain);
      return {
        here: [
          `probabilities = (n_inputs, n_categories) = (${p.shape.join(', ')}); those of image 0 are ${row.map((v) => v.toExponential(1)).join(', ')}, and sum up to ${sum.toFixed(12)}.`,
          `Prediction for image 0: ${predictions.data[0]}; correct label: ${yTrain.data[0]}.`,
        ],
        holds: Math.abs(sum - 1) < 1e-12 && first.hiddenWeights.size === 3200 && first.outputWeights.size === 500,
        figures: [
          await figure((drawing) => network(first, drawing), 'The network: 64 inputs, 50 hidden neurons, 10 outputs.', {
            most: 640,
          }),
        ],
      };
    },
  },
  {
    title: 'The network that does not learn',
    says: [
      '1000 steps of gradient descent on all training data at once, with eta = 0.01 and lambda = 0.01: the network does not seem to learn at all, it seems to guess.',
    ],
    async run(lecture) {
      const { first, xTrain, yTrain, oneHot } = lecture;
      const accuracy = () => accuracyScore(yTrain, first.predict(xTrain));
      const old = accuracy();
      for (let step = 0; step < 1000; step++) descend(first, first.backpropagation(xTrain, oneHot), 0.01);
      lecture.networks = (lecture.networks ?? 0) + 1;
      const now = accuracy();
      return {
        here: [
          `Old accuracy on training data: ${old.toFixed(4)}. New accuracy on training data: ${now.toFixed(4)}, where guessing gives 0.1.`,
        ],
        holds: now < 0.2,
      };
    },
  },
  {
    title: 'The class, with minibatches',
    says: [
      'The same network as a class, trained for 100 epochs in minibatches of 100: the randomness they bring is thought to regularize the weights, and the network does something useful.',
    ],
    async run(lecture) {
      const { xTrain, xTest, yTest, yTrain, oneHot, random } = lecture;
      const options = { ...SIZES, epochs: 100, batchSize: 100, eta: 0.01, lmbd: 0.01, randomState: random };
      const dnn = await new NeuralNetwork(xTrain, oneHot, options).train();
      lecture.networks++;
      const test = accuracyScore(yTest, dnn.predict(xTest));
      return {
        here: [
          `Accuracy score on test set: ${test.toFixed(4)} (on the training set ${accuracyScore(yTrain, dnn.predict(xTrain)).toFixed(4)}).`,
        ],
        holds: test > 0.8,
      };
    },
  },
  {
    title: 'The grid and its heatmaps',
    says: [
      'Learning rate and penalty, from 1e-5 to 1e1 each, decide how well the network does: some combinations learn, many do not. Human performance is estimated at 98 %.',
    ],
    async run(lecture) {
      const { xTrain, xTest, yTrain, yTest, oneHot, random } = lecture;
      const { search, learned, sentence, share, figures } = await grid(lecture, {
        build: ({ eta, lmbd }) =>
          new NeuralNetwork(xTrain, oneHot, { ...SIZES, epochs: 100, batchSize: 100, eta, lmbd, randomState: random }),
        train: [xTrain, yTrain],
        test: [xTest, yTest],
      });
      lecture.best = search.best.testScore;
      return {
        here: [sentence, share],
        holds: search.best.testScore > 0.9 && learned < 45,
        figures,
      };
    },
  },
  {
    title: 'scikit-learn',
    says: [
      "scikit-learn's MLPClassifier improves on the class: early stopping, a varying learning rate, other optimization methods. A better performance overall is expected.",
    ],
    async run(lecture) {
      const { xTrain, xTest, yTrain, yTest } = lecture;
      const { search, learned, sentence, share, figures } = await grid(lecture, {
        build: ({ eta, lmbd }) =>
          new MLPClassifier({
            hiddenLayerSizes: [50],
            activation: 'logistic',
            alpha: lmbd,
            learningRateInit: eta,
            maxIter: 100,
            randomState: 0,
          }),
        train: [xTrain, yTrain],
        test: [xTest, yTest],
      });
      return {
        here: [sentence, `${share} The best of the class had ${lecture.best.toFixed(3)}.`],
        holds: learned > 21 && search.best.testScore > lecture.best - 0.02,
        figures,
      };
    },
  },
];

/** One step of gradient descent, written out as in the lecture. */
function descend(net, gradients, eta) {
  const step = (values, gradient) => {
    for (let i = 0; i < values.data.length; i++) values.data[i] -= eta * gradient.data[i];
    return values;
  };
  net.outputWeights = step(net.outputWeights, gradients.outputWeightsGradient);
  net.outputBias = step(net.outputBias, gradients.outputBiasGradient);
  net.hiddenWeights = step(net.hiddenWeights, gradients.hiddenWeightsGradient);
  net.hiddenBias = step(net.hiddenBias, gradients.hiddenBiasGradient);
}
