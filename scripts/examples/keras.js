// The lecture's Keras network on the digits: the layers of its TensorFlow network with Keras' own defaults.
//   node scripts/examples/keras.js
import { layers, loadDigits, optimizers, regularizers, sequential, toCategorical, trainTestSplit } from 'fjordnet';

const { data, target } = loadDigits();
const [xTrain, xTest, yTrain, yTest] = trainTestSplit([data, toCategorical(target)], { testSize: 0.2, randomState: 0 });

const [eta, lmbd] = [0.1, 1e-4];
const kernelRegularizer = regularizers.l2({ l2: lmbd });
const model = sequential({ seed: 0 });
model.add(layers.dense({ units: 100, activation: 'sigmoid', kernelRegularizer }));
model.add(layers.dense({ units: 50, activation: 'sigmoid', kernelRegularizer }));
model.add(layers.dense({ units: 10, activation: 'softmax' }));
model.compile({
  optimizer: optimizers.sgd({ learningRate: eta }),
  loss: 'categoricalCrossentropy',
  metrics: ['accuracy'],
});

const { history } = await model.fit(xTrain, yTrain, { epochs: 100, batchSize: 100 });
history.loss.forEach((loss, epoch) => {
  if (epoch % 20 === 19)
    console.log(`epoch ${epoch + 1}: loss ${loss.toFixed(4)}, accuracy ${history.accuracy[epoch].toFixed(4)}`);
});
const { accuracy } = await model.evaluate(xTest, yTest);
console.log(`test accuracy ${accuracy.toFixed(4)}`);
