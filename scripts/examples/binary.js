// A binary classifier: is a digit even? One sigmoid output is the probability that it is.
//   node scripts/examples/binary.js
import { layers, loadDigits, NDArray, sequential, trainTestSplit } from 'fjordnet';

const { data, target } = loadDigits();
const even = NDArray.from(Array.from(target.data, (digit) => (digit % 2 === 0 ? 1 : 0)));
const [xTrain, xTest, yTrain, yTest] = trainTestSplit([data, even], { testSize: 0.2, randomState: 0 });

const model = sequential({
  layers: [
    layers.dense({ units: 32, activation: 'relu' }),
    layers.dropout({ rate: 0.1 }),
    layers.dense({ units: 1, activation: 'sigmoid' }),
  ],
  seed: 0,
});
model.compile({ optimizer: 'adam', loss: 'binaryCrossentropy', metrics: ['accuracy', 'precision', 'recall'] });

await model.fit(xTrain, yTrain, { epochs: 60, batchSize: 32 });
const { loss, accuracy, precision, recall } = await model.evaluate(xTest, yTest);
const [[first]] = (await model.predict(xTest.take([0]))).toArray();
console.log(
  `the first test image is even with probability ${first.toFixed(4)}, and it ${yTest.data[0] ? 'is' : 'is not'}`,
);
console.log(
  `test loss ${loss.toFixed(4)}, precision ${precision.toFixed(4)}, recall ${recall.toFixed(4)}, ` +
    `test accuracy ${accuracy.toFixed(4)}`,
);
