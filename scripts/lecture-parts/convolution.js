import { initializers, layers, NDArray, regularizers, toCategorical } from 'fjordnet';
import { filters, images, network } from 'fjordnet/plots';
import { figure } from '../../dist/report/index.js';
import { compiled } from './frameworks.js';
import { grid } from './grids.js';

const FIT = { epochs: 100, batchSize: 100 };

/** 10 filters of 3 x 3, relu, 2 x 2 max pooling, 50 neurons, softmax. */
function convolutional(eta, l2, initialized) {
  const kernelRegularizer = regularizers.l2({ l2 });
  return compiled(
    [
      layers.conv2d({
        filters: 10,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
        kernelRegularizer,
        ...initialized,
      }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dense({ units: 50, activation: 'relu', kernelRegularizer, ...initialized }),
      layers.dense({ units: 10, activation: 'softmax', kernelRegularizer, ...initialized }),
    ],
    eta,
  );
}

const tensorflow = ({ eta, lmbd }) =>
  convolutional(eta, lmbd / 2, {
    kernelInitializer: initializers.truncatedNormal({ stddev: 0.1 }),
    biasInitializer: initializers.constant({ value: 0.1 }),
  });
const keras = ({ eta, lmbd }) => convolutional(eta, lmbd, {});

const pairs = ({ xTrain, xTest, yTrain, yTest }) => ({
  train: [xTrain.reshape(-1, 8, 8, 1), toCategorical(yTrain, 10)],
  test: [xTest.reshape(-1, 8, 8, 1), toCategorical(yTest, 10)],
  fitOptions: FIT,
});

/** The convolutional networks. */
export const convolution = [
  {
    title: 'The convolutional network in TensorFlow',
    says: [
      'Images as (n, height, width, depth), so that nothing of their structure is lost: 3 x 3 filters, relu, 2 x 2 max pooling, a dense layer of 50. Such networks exploit the local correlations of images.',
    ],
    async run(lecture) {
      const { search, sentence, share, figures } = await grid(lecture, { build: tensorflow, ...pairs(lecture) });
      return {
        here: [sentence, share],
        holds: search.best.testScore > 0.95,
        figures,
      };
    },
  },
  {
    title: 'The convolutional network in Keras',
    says: ['The same network from named layers.'],
    async run(lecture) {
      const { search, sentence, share, figures } = await grid(lecture, { build: keras, ...pairs(lecture) });
      const { train, test } = pairs(lecture);
      const model = keras(search.best.params);
      await model.fit(...train, FIT);
      lecture.networks++;
      const output = await model.predict(test[0]);
      const predicted = NDArray.from(output.toArray().map((row) => row.indexOf(Math.max(...row))));
      const wrong = Array.from(predicted.data).filter((digit, i) => digit !== lecture.yTest.data[i]).length;
      return {
        here: [sentence, `${share} Trained again, the best is wrong on ${wrong} of ${predicted.size} test images.`],
        holds: search.best.testScore > 0.95,
        figures: [
          ...figures,
          await figure((drawing) => network(model, drawing), 'The network.'),
          await figure((drawing) => filters(model, drawing), 'What its ten filters came to look like.', { most: 600 }),
          ...(wrong > 0
            ? [
                await figure(
                  (drawing) => images(test[0], { ...drawing, labels: lecture.yTest, predicted, limit: 24 }),
                  'The test images that it takes for something else.',
                ),
              ]
            : []),
        ],
      };
    },
  },
];
