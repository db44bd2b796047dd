// A regression: Franke's function from noisy points, by L-BFGS and by Adam.
//   node scripts/examples/sklearn-regression.js
import { MLPRegressor, meanSquaredError, NDArray, RandomState, StandardScaler, trainTestSplit } from 'fjordnet';

const random = new RandomState(2026);
const points = random.uniform(0, 1, [600, 2]);
const noise = random.normal(0, 0.05, [600]);
const franke = ([x, y]) =>
  0.75 * Math.exp(-((9 * x - 2) ** 2) / 4 - (9 * y - 2) ** 2 / 4) +
  0.75 * Math.exp(-((9 * x + 1) ** 2) / 49 - (9 * y + 1) / 10) +
  0.5 * Math.exp(-((9 * x - 7) ** 2) / 4 - (9 * y - 3) ** 2 / 4) -
  0.2 * Math.exp(-((9 * x - 4) ** 2) - (9 * y - 7) ** 2);
const values = NDArray.from(points.toArray().map((point, i) => franke(point) + noise.data[i]));

const [xTrain, xTest, yTrain, yTest] = trainTestSplit([points, values], { testSize: 0.25, randomState: 0 });
const scaler = new StandardScaler().fit(xTrain);
const [a, b] = [scaler.transform(xTrain), scaler.transform(xTest)];

for (const solver of ['lbfgs', 'adam']) {
  const options = { hiddenLayerSizes: [40, 20], activation: 'tanh', learningRateInit: 0.005, alpha: 1e-4, tol: 1e-5 };
  const model = await new MLPRegressor({ ...options, solver, maxIter: 1000, nIterNoChange: 50, randomState: 1 }).fit(
    a,
    yTrain,
  );
  const error = meanSquaredError(yTest, model.predict(b));
  console.log(
    `${solver}: ${model.nIter} iterations, test R² ${model.score(b, yTest).toFixed(4)}, mean squared error ${error.toFixed(5)}`,
  );
}
