import { DeepBoltzmannMachine, layers, MLPClassifier, NDArray, optimizers, sequential } from 'fjordnet';
import { filters, images } from 'fjordnet/plots';
import { figure } from '../../dist/report/index.js';

const UNITS = [100, 50];
const SAMPLES = 100;
const LABELS = [100, 300];

const odds = (x) =>
  NDArray.from(
    x.data.map((ink) => ink / 16),
    { shape: x.shape, dtype: 'float32' },
  );
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** log p of each row where every pixel is drawn alone, with the odds that it has in the rows of `train`. */
function alone(train, test) {
  const [n, width] = train.shape;
  const sums = new Float64Array(width).fill(1);
  train.data.forEach((p, i) => {
    sums[i % width] += p;
  });
  return Array.from({ length: test.shape[0] }, (_, i) => {
    let log = 0;
    for (let j = 0; j < width; j++) {
      const [x, p] = [test.data[i * width + j], sums[j] / (n + 2)];
      log += x * Math.log(p) + (1 - x) * Math.log(1 - p);
    }
    return log;
  });
}

const random = () =>
  sequential({
    layers: [
      ...UNITS.map((units) => layers.dense({ units, activation: 'sigmoid' })),
      layers.dense({ units: 10, activation: 'softmax' }),
    ],
    seed: 0,
  });

/** The category of networks that learn without labels. */
export const deepBoltzmann = [
  {
    title: 'A deep Boltzmann machine',
    says: [
      'Of the four categories of networks the last one is for unsupervised learning, such as deep Boltzmann machines.',
    ],
    async run(lecture) {
      const [xTrain, xTest] = [lecture.xTrain, lecture.xTest].map(odds);
      const { yTrain, yTest } = lecture;
      const machine = new DeepBoltzmannMachine({
        nComponents: UNITS,
        nIter: 40,
        pretrainIter: 20,
        randomState: 0,
      });
      await machine.fit(xTrain);
      lecture.networks++;
      const { logZ, standardError } = await machine.annealedImportanceSampling({ nBetas: 2000, randomState: 0 });
      const bound = mean(Array.from(machine.logLikelihoodBound(xTest, logZ).data));
      const independent = mean(alone(xTrain, xTest));

      const drawn = await machine.sample(SAMPLES, { steps: 1000, randomState: 0 });
      const judge = await new MLPClassifier({ hiddenLayerSizes: [50], maxIter: 300, randomState: 0 }).fit(
        xTrain,
        yTrain,
      );
      const taken = judge.predict(drawn).data;
      const counts = Array.from({ length: 10 }, (_, digit) => taken.filter((other) => other === digit).length);

      const rows = [];
      for (const labels of LABELS) {
        const few = Array.from({ length: labels }, (_, i) => i);
        const scores = [];
        for (const model of [machine.toClassifier({ classes: 10, seed: 0 }), random()]) {
          const optimizer = optimizers.adam({ learningRate: 0.003 });
          model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
          await model.fit(xTrain.take(few), yTrain.take(few), { epochs: 50, batchSize: 20 });
          lecture.networks++;
          scores.push((await model.evaluate(xTest, yTest)).accuracy);
        }
        rows.push([labels, ...scores]);
      }
      return {
        here: [
          `64 pixels, ${UNITS.join(' and ')} hidden units, trained on ${xTrain.shape[0]} digits without their labels. log Z = ${logZ.toFixed(2)} ± ${standardError.toFixed(2)} by annealed importance sampling; with it a test digit has at least log p = ${bound.toFixed(1)}, where pixels that are drawn each alone have ${independent.toFixed(1)}.`,
          `Of ${SAMPLES} digits that it drew, a classifier of real ones takes ${counts.map((count, digit) => `${count} for a ${digit}`).join(', ')}.`,
          ...rows.map(
            ([labels, begun, plain]) =>
              `With ${labels} labels, a network that begins with its weights has ${begun.toFixed(3)} of the test digits right, one that begins at random ${plain.toFixed(3)}.`,
          ),
        ],
        holds: bound > independent && rows[0][1] > rows[0][2] ? true : 'partly',
        figures: [
          await figure(
            (drawing) => images(drawn.reshape(SAMPLES, 8, 8), { ...drawing, limit: 40, columns: 10 }),
            'Digits that the machine drew: odds of ink after a thousand steps of Gibbs.',
          ),
          await figure(
            (drawing) =>
              filters(machine.toClassifier({ classes: 10, seed: 0 }), { ...drawing, limit: 40, columns: 10 }),
            'What the units of its first layer look for.',
          ),
        ],
      };
    },
  },
];
