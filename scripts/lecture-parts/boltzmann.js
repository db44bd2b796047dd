import { BernoulliRBM, loadDigits, MLPClassifier, NDArray, trainTestSplit } from 'fjordnet';
import { filters, history, images } from 'fjordnet/plots';
import { figure } from '../../dist/report/index.js';

/** The digits with values in [0, 1], and each of them a pixel further up, right, down and left, as scikit-learn's example has them. */
function shiftedDigits() {
  const { data, target } = loadDigits();
  const [n, width] = data.shape;
  const rows = [];
  const inside = (k) => k >= 0 && k < 8;
  const shifts = [
    [0, 0],
    [-1, 0],
    [0, 1],
    [1, 0],
    [0, -1],
  ];
  for (const [down, right] of shifts)
    for (let i = 0; i < n; i++)
      for (let p = 0; p < width; p++) {
        const [y, x] = [Math.floor(p / 8) - down, (p % 8) - right];
        rows.push(inside(y) && inside(x) ? data.data[i * width + 8 * y + x] / 16 : 0);
      }
  const labels = shifts.flatMap(() => Array.from(target.data));
  return [NDArray.from(rows).reshape(-1, width), NDArray.from(labels, { dtype: 'int32' })];
}

const logistic = () =>
  new MLPClassifier({ hiddenLayerSizes: [], solver: 'lbfgs', alpha: 1e-4, maxIter: 100, randomState: 0 });

/** The restricted Boltzmann machine. */
export const boltzmann = [
  {
    title: 'A Boltzmann machine on the digits',
    says: [
      'Boltzmann machines belong to the networks that learn without labels. What a machine has learnt of the images are features, from which a simple classifier tells more than from the pixels.',
    ],
    async run(lecture) {
      const [xTrain, xTest, yTrain, yTest] = trainTestSplit(shiftedDigits(), { testSize: 0.2, randomState: 0 });
      const options = { nComponents: 100, learningRate: 0.06, nIter: 20, randomState: 0, trackPseudoLikelihood: true };
      const rbm = await new BernoulliRBM(options).fit(xTrain);
      const ofPixels = await logistic().fit(xTrain, yTrain);
      const ofFeatures = await logistic().fit(rbm.transform(xTrain), yTrain);
      lecture.networks = (lecture.networks ?? 0) + 3;
      const pixels = ofPixels.score(xTest, yTest);
      const features = ofFeatures.score(rbm.transform(xTest), yTest);
      const samples = await rbm.sample(20, { steps: 500, start: xTest.slice([0, 20]), randomState: 0 });
      const curve = rbm.pseudoLikelihoodCurve;
      const percent = (share) => `${(100 * share).toFixed(1)} %`;
      return {
        here: [
          `100 hidden units, 20 passes over ${xTrain.shape[0]} digits, shifted by a pixel too: the pseudo-likelihood rises from ${curve[0].toFixed(1)} to ${curve.at(-1).toFixed(1)}.`,
          `Of ${xTest.shape[0]} other ones a logistic regression on the pixels knows ${percent(pixels)}, the same on the machine's features ${percent(features)}.`,
        ],
        holds: features > pixels,
        figures: [
          await figure((drawing) => filters(rbm, drawing), 'What each hidden unit looks for.'),
          await figure(
            (drawing) => images(samples.reshape(20, 8, 8), { ...drawing, columns: 10 }),
            'Twenty chains, after 500 steps of Gibbs from digits of the test set.',
          ),
          await figure((drawing) => history({ pseudoLikelihood: curve }, drawing), 'The mean pseudo-likelihood.'),
        ],
      };
    },
  },
];
