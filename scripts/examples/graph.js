// A graph of layers: a residual network on the digits (He et al. 2016) with two outputs, the digit and whether it is odd.
//   node scripts/examples/graph.js
import { input, layers, loadDigits, model, trainTestSplit } from 'fjordnet';

const { images, target } = loadDigits();
const odd = target.data.map((digit) => digit % 2);
const split = trainTestSplit([images.reshape(-1, 8, 8, 1), target, odd], { testSize: 0.2, randomState: 0 });
const [xTrain, xTest, digitTrain, digitTest, oddTrain, oddTest] = split;

const convolution = (filters) => layers.conv2d({ filters, kernelSize: 3, padding: 'same', useBias: false });
const relu = () => layers.activation({ activation: 'relu' });

function residual(x, filters) {
  const h = relu().apply(layers.batchNormalization().apply(convolution(filters).apply(x)));
  const f = layers.batchNormalization().apply(convolution(filters).apply(h));
  return relu().apply(layers.add().apply([x, f]));
}

const pixels = input({ shape: [8, 8, 1], name: 'pixels' });
const scaled = layers.rescaling({ scale: 1 / 16 }).apply(pixels);
const low = residual(layers.conv2d({ filters: 8, kernelSize: 3, activation: 'relu' }).apply(scaled), 8);
const high = residual(
  layers.conv2d({ filters: 16, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }).apply(low),
  16,
);
const features = layers.flatten().apply(high);
const digit = layers.dense({ units: 10, activation: 'softmax', name: 'digit' }).apply(features);
const isOdd = layers.dense({ units: 1, activation: 'sigmoid', name: 'odd' }).apply(features);

const network = model({ inputs: pixels, outputs: [digit, isOdd], name: 'digits', seed: 0 });
network.compile({
  optimizer: 'adam',
  loss: { digit: 'sparseCategoricalCrossentropy', odd: 'binaryCrossentropy' },
  lossWeights: { odd: 0.5 },
  metrics: { digit: ['accuracy'], odd: ['accuracy'] },
});
console.log(network.summary());

await network.fit(xTrain, { digit: digitTrain, odd: oddTrain }, { epochs: 30 });
const scores = await network.evaluate(xTest, { digit: digitTest, odd: oddTest });
console.log(`odd or even: ${scores.odd_accuracy.toFixed(4)}`);
console.log(`test accuracy ${scores.digit_accuracy.toFixed(4)}`);
