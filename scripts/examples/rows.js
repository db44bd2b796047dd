// The digits as sequences, 8 rows of 8 pixels from the top to the bottom: an LSTM, a GRU and attention.
//   node scripts/examples/rows.js [rows.svg]
import { input, layers, loadDigits, model, NDArray, trainTestSplit } from 'fjordnet';

const { images, target } = loadDigits();
const pixels = NDArray.from(images.data.map((ink) => ink / 16)).reshape(-1, 8, 8);
const [xTrain, xTest, yTrain, yTest] = trainTestSplit([pixels, target], {
  testSize: 0.2,
  randomState: 0,
  stratify: target,
});

/** Attention of rows to rows, which know their places by a convolution of one step and a bias of its own for each. */
function attention(rows) {
  const { multiHeadAttention, add, dense, layerNormalization, globalAveragePooling1d, concatenate, conv1d } = layers;
  const near = conv1d({ filters: 32, kernelSize: 3, padding: 'causal', activation: 'relu' }).apply(rows);
  const x = dense({ units: 32 }).apply(concatenate().apply([rows, near]));
  const a = layerNormalization().apply(add().apply([x, multiHeadAttention({ numHeads: 4, keyDim: 8 }).apply([x, x])]));
  const f = dense({ units: 32 }).apply(dense({ units: 64, activation: 'relu' }).apply(a));
  return globalAveragePooling1d().apply(layerNormalization().apply(add().apply([a, f])));
}
const kinds = {
  lstm: (rows) => layers.lstm({ units: 48 }).apply(rows),
  gru: (rows) => layers.gru({ units: 48 }).apply(rows),
  attention,
};

const curves = {};
let least = 1;
for (const [kind, make] of Object.entries(kinds)) {
  const rows = input({ shape: [8, 8] });
  const digit = layers.dense({ units: 10, activation: 'softmax' }).apply(make(rows));
  const net = model({ inputs: rows, outputs: digit, seed: 1 });
  net.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  const validationData = [xTest, yTest];
  const { history } = await net.fit(xTrain, yTrain, { epochs: 40, batchSize: 32, validationData });
  const { accuracy } = await net.evaluate(xTest, yTest);
  console.log(`${kind}: ${net.countParams()} weights, test accuracy ${accuracy.toFixed(4)}`);
  [curves[`accuracy of ${kind}`], curves[`val_accuracy of ${kind}`]] = [history.accuracy, history.val_accuracy];
  least = Math.min(least, accuracy);
}
console.log(`least test accuracy ${least.toFixed(4)}`);

if (process.argv[2]) {
  const plots = await import('fjordnet/plots');
  await plots.history(curves, { title: 'Digits, row by row', width: 900 }).save(process.argv[2]);
}
