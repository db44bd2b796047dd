// Early stopping: a fifth of the training samples is set aside, and training ends when their score no longer improves.
//   node scripts/examples/sklearn-early-stopping.js
import { classificationReport, loadDigits, MLPClassifier, trainTestSplit } from 'fjordnet';

const { data, target } = loadDigits();
const [xTrain, xTest, yTrain, yTest] = trainTestSplit([data, target], { trainSize: 0.8, randomState: 0 });

const model = new MLPClassifier({
  hiddenLayerSizes: [50, 20],
  earlyStopping: true,
  validationFraction: 0.2,
  nIterNoChange: 5,
  randomState: 0,
});
await model.fit(xTrain, yTrain);

model.lossCurve.forEach((loss, epoch) => {
  console.log(
    `epoch ${epoch + 1}: loss ${loss.toFixed(4)}, validation accuracy ${model.validationScores[epoch].toFixed(4)}`,
  );
});
console.log(`stopped after ${model.nIter} epochs; best validation accuracy ${model.bestValidationScore.toFixed(4)}\n`);
console.log(classificationReport(yTest, model.predict(xTest)));
