import { MLPClassifier, Perceptron } from 'fjordnet';
import { decisionBoundary } from 'fjordnet/plots';
import { figure, table } from '../../dist/report/index.js';

const GATES = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];
const TRUTHS = { AND: [0, 0, 0, 1], OR: [0, 1, 1, 1], XOR: [0, 1, 1, 0] };

/** What the lecture begins with. */
export const perceptron = [
  {
    title: 'From the simple perceptron',
    says: [
      'The simple perceptron has no hidden layer. It learns to tell two classes that a line divides, such as those of the gates AND and OR; the gate XOR, whose classes no line divides, takes a hidden layer.',
    ],
    run: learnGates,
  },
];

async function learnGates(lecture) {
  const simple = {};
  const scores = {};
  for (const [name, y] of Object.entries(TRUTHS)) {
    simple[name] = await new Perceptron({ tol: null, maxIter: 100 }).fit(GATES, y);
    scores[name] = simple[name].score(GATES, y);
  }
  const network = new MLPClassifier({ hiddenLayerSizes: [4], activation: 'tanh', solver: 'lbfgs', randomState: 1 });
  await network.fit(GATES, TRUTHS.XOR);
  scores.network = network.score(GATES, TRUTHS.XOR);
  lecture.networks = (lecture.networks ?? 0) + 1;
  const right = (score) => `${4 * score} of 4`;
  return {
    here: [
      `The perceptron answers AND right for ${right(scores.AND)} inputs, OR for ${right(scores.OR)}, XOR for ${right(scores.XOR)}, after 100 epochs each. A network of 4 hidden neurons answers XOR right for ${right(scores.network)}.`,
    ],
    holds: scores.AND === 1 && scores.OR === 1 && scores.XOR < 1 && scores.network === 1,
    figures: [
      await figure(
        (drawing) => decisionBoundary(simple.AND, GATES, TRUTHS.AND, drawing),
        'AND: the line that the perceptron has found.',
        { most: 600 },
      ),
      await figure(
        (drawing) => decisionBoundary(network, GATES, TRUTHS.XOR, drawing),
        'XOR: what the network with a hidden layer has found.',
        { most: 600 },
      ),
      table(
        ['Gate', 'Weights', 'Bias'],
        Object.entries(simple).map(([name, { coef, intercept }]) => [
          name,
          Array.from(coef.data, (w) => w.toFixed(1)).join(', '),
          intercept.data[0].toFixed(1),
        ]),
        { caption: 'What the perceptrons have learnt.' },
      ),
    ],
  };
}
