// The lecture's TensorFlow network on the digits: 64-100-50-10, logistic hidden layers, weights from a truncated normal
// distribution of standard deviation 0.1, biases of 0.1, cross-entropy of the softmax, gradient descent, L2.
//   node scripts/examples/tensorflow.js
import {
  initializers,
  layers,
  loadDigits,
  optimizers,
  regularizers,
  sequential,
  toCategorical,
  trainTestSplit,
} from 'fjordnet';

const { data, target } = loadDigits();
const [xTrain, xTest, yTrain, yTest] = trainTestSplit([data, toCategorical(target)], { testSize: 0.2, randomState: 0 });

const [eta, lmbd] = [0.1, 1e-3];
const dense = (units, activation) =>
  layers.dense({
    units,
    activation,
    kernelInitializer: initializers.truncatedNormal({ stddev: 0.1 }),
    biasInitializer: initializers.constant({ value: 0.1 }),
    kernelRegularizer: regularizers.l2({ l2: lmbd / 2 }), // tf.nn.l2_loss is half the sum of squares
  });
const model = sequential({ layers: [dense(100, 'sigmoid'), dense(50, 'sigmoid'), dense(10, 'softmax')], seed: 0 });
model.compile({
  optimizer: optimizers.sgd({ learningRate: eta }),
  loss: 'categoricalCrossentropy',
  metrics: ['accuracy'],
});

await model.fit(xTrain, yTrain, { epochs: 100, batchSize: 100 });
console.log(model.summary());
const { loss, accuracy } = await model.evaluate(xTest, yTest);
console.log(`test loss ${loss.toFixed(4)}, test accuracy ${accuracy.toFixed(4)}`);
