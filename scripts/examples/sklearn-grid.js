// The lecture's scikit-learn grid: 49 classifiers of the digits, one for every learning rate and penalty.
//   node scripts/examples/sklearn-grid.js [grid.svg]
import { gridSearch, loadDigits, logspace, MLPClassifier, trainTestSplit } from 'fjordnet';
import { heatmap } from 'fjordnet/plots';

const { data, target } = loadDigits();
const [xTrain, xTest, yTrain, yTest] = trainTestSplit([data, target], { trainSize: 0.8, randomState: 0 });
process.removeAllListeners('warning'); // many of these stop at maxIter

const learningRateInit = logspace(-5, 1, 7);
const alpha = logspace(-5, 1, 7);
const start = performance.now();
const { best, table, results } = await gridSearch({
  grid: { learningRateInit, alpha },
  build: (params) =>
    new MLPClassifier({ hiddenLayerSizes: [50], activation: 'logistic', maxIter: 100, randomState: 0, ...params }),
  train: [xTrain, yTrain],
  test: [xTest, yTest],
});
const seconds = (performance.now() - start) / 1000;

const plot = heatmap(table('testScore'), {
  y: learningRateInit,
  x: alpha,
  yLabel: 'learningRateInit',
  xLabel: 'alpha',
  valueLabel: 'test accuracy',
});
console.log(plot.text());
console.log(`${results.length} models in ${seconds.toFixed(1)} s; best ${best.testScore.toFixed(4)} with`, best.params);
if (process.argv[2]) await plot.save(process.argv[2]);
