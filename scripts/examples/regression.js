// A regression: a surface over two variables from noisy points, with Adam, early stopping and a linear output.
//   node scripts/examples/regression.js
import { callbacks, layers, NDArray, RandomState, r2Score, sequential, trainTestSplit } from 'fjordnet';

const random = new RandomState(0);
const x = random.uniform(-2, 2, [1000, 2]);
const noise = random.normal(0, 0.1, [1000]);
const y = NDArray.from(x.toArray().map(([a, b], i) => Math.sin(2 * a) + 0.5 * b * b + noise.data[i]));
const [xTrain, xTest, yTrain, yTest] = trainTestSplit([x, y], { testSize: 0.2, randomState: 0 });

const model = sequential({
  layers: [
    layers.dense({ units: 32, activation: 'tanh' }),
    layers.dense({ units: 32, activation: 'tanh' }),
    layers.dense({ units: 1 }),
  ],
  seed: 0,
});
model.compile({ optimizer: 'adam', loss: 'meanSquaredError', metrics: ['meanAbsoluteError'] });

const { epoch } = await model.fit(xTrain, yTrain, {
  epochs: 500,
  validationSplit: 0.1,
  callbacks: callbacks.earlyStopping({ patience: 20, restoreBestWeights: true }),
});
const { meanAbsoluteError } = await model.evaluate(xTest, yTest);
const predicted = await model.predict(xTest);
console.log(
  `${epoch.length} epochs: test R² ${r2Score(yTest, predicted.reshape(-1)).toFixed(4)}, ` +
    `mean absolute error ${meanAbsoluteError.toFixed(4)} (the noise's own is 0.0798)`,
);
