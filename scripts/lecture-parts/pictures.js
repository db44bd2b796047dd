import { loadDigits, trainTestSplit } from 'fjordnet';
import { activation, images } from 'fjordnet/plots';
import { figure } from '../../dist/report/index.js';

/** What is looked at before anything is trained. */
export const pictures = [
  {
    title: 'Activation functions',
    says: [
      'The logistic and the hyperbolic function saturate for large arguments, of either sign: their derivatives go to zero there. relu and its relatives do not saturate for positive ones.',
    ],
    async run() {
      const saturates = [1 / (1 + Math.exp(-10)), Math.tanh(10)].map((f, i) => (i === 0 ? f * (1 - f) : 1 - f * f));
      return {
        here: [
          `At 10 the derivative of the logistic function is ${saturates[0].toExponential(1)}, of tanh ${saturates[1].toExponential(1)}, of relu 1.`,
        ],
        holds: saturates.every((slope) => slope < 1e-4),
        figures: [await figure((drawing) => activation(undefined, drawing), 'The functions and their derivatives.')],
      };
    },
  },
  {
    title: 'The digits',
    says: [
      'scikit-learn brings 1797 images of 8 x 8 pixels, each with a label from 0 to 9; flattened, each is a row of 64 numbers.',
    ],
    async run(lecture) {
      const { images: pixels, data, target } = loadDigits();
      const shown = lecture.random.choice(data.shape[0], 5);
      Object.assign(lecture, { pixels, data, target, shown });
      return {
        here: [
          `inputs = (n_inputs, pixel_width, pixel_height) = (${pixels.shape.join(', ')}), labels = (n_inputs) = (${target.shape[0]}), X = (n_inputs, n_features) = (${data.shape.join(', ')}).`,
          `Five images, as NumPy's generator picks them from seed 0: ${Array.from(shown.data).join(', ')}, with the labels ${Array.from(target.take(shown).data).join(', ')}.`,
        ],
        holds: data.shape.join() === '1797,64' && pixels.shape.join() === '1797,8,8',
        figures: [
          await figure(
            (drawing) => images(pixels, { ...drawing, indices: shown, labels: target, columns: 5 }),
            'Five of the digits.',
            { most: 600 },
          ),
        ],
      };
    },
  },
  {
    title: 'Training and test data',
    says: ['80 % of the images are to train on and 20 % to test with, drawn at random.'],
    async run(lecture) {
      const { data, target, random } = lecture;
      const [xTrain, xTest, yTrain, yTest] = trainTestSplit([data, target], {
        trainSize: 0.8,
        testSize: 1 - 0.8,
        randomState: random,
      });
      Object.assign(lecture, { xTrain, xTest, yTrain, yTest });
      const [n, m] = [xTrain.shape[0], xTest.shape[0]];
      return {
        here: [`Number of training images: ${n}. Number of test images: ${m}.`],
        holds: n === Math.floor(0.8 * 1797) && n + m === 1797,
      };
    },
  },
];
