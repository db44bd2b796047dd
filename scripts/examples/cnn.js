// The lecture's convolutional network on the digits: 10 filters of 3 x 3, relu, 2 x 2 max pooling, 50 dense neurons, softmax.
//   node scripts/examples/cnn.js
import {
  layers,
  loadDigits,
  NDArray,
  optimizers,
  regularizers,
  sequential,
  toCategorical,
  trainTestSplit,
} from 'fjordnet';

const { images, target } = loadDigits();
// pixels between 0 and 1; grey images have a depth of 1
const inputs = NDArray.from(
  images.data.map((ink) => ink / 16),
  { shape: [-1, 8, 8, 1] },
);
const labels = toCategorical(target);
const [xTrain, xTest, yTrain, yTest] = trainTestSplit([inputs, labels], { testSize: 0.2, randomState: 0 });

const [eta, lmbd] = [0.3, 1e-4];
const kernelRegularizer = regularizers.l2({ l2: lmbd });
const model = sequential({
  layers: [
    layers.conv2d({ filters: 10, kernelSize: 3, padding: 'same', activation: 'relu', kernelRegularizer }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.flatten(),
    layers.dense({ units: 50, activation: 'relu', kernelRegularizer }),
    layers.dense({ units: 10, activation: 'softmax', kernelRegularizer }),
  ],
  seed: 0,
});
model.compile({
  optimizer: optimizers.sgd({ learningRate: eta }),
  loss: 'categoricalCrossentropy',
  metrics: ['accuracy'],
});

const start = performance.now();
await model.fit(xTrain, yTrain, { epochs: 100, batchSize: 100 });
const seconds = (performance.now() - start) / 1000;
console.log(model.summary());
const { accuracy } = await model.evaluate(xTest, yTest);
console.log(`100 epochs in ${seconds.toFixed(2)} s, test accuracy ${accuracy.toFixed(4)}`);
