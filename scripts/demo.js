// The lecture's network on the digits, then its grid of 49 models.
import {
  accuracyScore,
  buildInfo,
  gridSearch,
  loadDigits,
  logspace,
  NeuralNetwork,
  RandomState,
  toCategorical,
  trainTestSplit,
} from 'fjordnet';

process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 1)); // `scripts/demo | head`

const { version, blas, blasCore, simd, threads } = buildInfo();
console.log(
  `fjordnet ${version} on Node.js ${process.versions.node}: ${blas} (${blasCore}), ${simd}, ${threads} threads\n`,
);

const { images, data, target } = loadDigits();
const randomState = new RandomState(0);
const [xTrain, xTest, yTrain, yTest] = trainTestSplit([data, target], { trainSize: 0.8, testSize: 0.2, randomState });
const oneHot = toCategorical(yTrain, 10);
console.log(`inputs [${images.shape}], labels [${target.shape}]; training ${xTrain.length}, test ${xTest.length}`);

console.log(`\nThe first image, labelled ${target.data[0]}:`);
for (let row = 0; row < 8; row++) {
  const pixels = Array.from(data.data.subarray(8 * row, 8 * row + 8), (v) => ' ░▒▓█'[Math.ceil(v / 4)].repeat(2));
  console.log(`  ${pixels.join('')}`);
}

const epochs = 100;
const network = new NeuralNetwork(xTrain, oneHot, { epochs, batchSize: 100, eta: 0.01, lmbd: 0.01, randomState });
const percent = (share) => `${(100 * share).toFixed(1).padStart(5)} %`;
const judge = (label) =>
  console.log(
    `  ${label.padEnd(16)} training ${percent(accuracyScore(yTrain, network.predict(xTrain)))}   test ${percent(accuracyScore(yTest, network.predict(xTest)))}`,
  );

console.log('\nThe network 64-50-10, sigmoid and softmax, eta = 0.01, lmbd = 0.01, 100 epochs of 14 batches of 100:');
judge('before training');
const terminal = process.stdout.isTTY;
const start = performance.now();
await network.train({
  onEpochEnd({ epoch, loss }) {
    const done = epoch + 1;
    if (terminal) {
      const full = Math.round((30 * done) / epochs);
      const text = `${'━'.repeat(full)}${'╌'.repeat(30 - full)} epoch ${done}/${epochs}  loss ${loss.toFixed(4)}`;
      process.stdout.write(`\r  ${text}\x1b[K`);
    } else if (done % 25 === 0) {
      console.log(`  epoch ${String(done).padStart(3)}/${epochs}  loss ${loss.toFixed(4)}`);
    }
  },
});
const seconds = (performance.now() - start) / 1000;
if (terminal) process.stdout.write('\r\x1b[K');
judge('after training');
console.log(`  ${((1e6 * seconds) / (epochs * 14)).toFixed(0)} µs a batch, ${seconds.toFixed(2)} s in all`);

const eta = logspace(-5, 1, 7);
const lmbd = logspace(-5, 1, 7);
console.log('\nThe grid: 49 such networks, test accuracy in percent');
const began = performance.now();
const { best, table } = await gridSearch({
  grid: { eta, lmbd },
  build: (params) => new NeuralNetwork(xTrain, oneHot, { ...params, epochs, batchSize: 100, randomState }),
  train: [xTrain, yTrain],
  test: [xTest, yTest],
  onResult(_result, _network, { done, total }) {
    if (terminal) process.stdout.write(`\r  ${done} of ${total}\x1b[K`);
  },
});
const took = (performance.now() - began) / 1000;
if (terminal) process.stdout.write('\r\x1b[K');
const power = (x) => `1e${x < 1 ? '-' : '+'}${String(Math.abs(Math.round(Math.log10(x)))).padStart(2, '0')}`;
const scores = table('testScore');
console.log(`  eta \\ lmbd  ${Array.from(lmbd.data, (x) => power(x).padStart(6)).join(' ')}`);
for (const [i, x] of eta.data.entries()) {
  const row = Array.from(scores.data.subarray(7 * i, 7 * i + 7), (s) => (100 * s).toFixed(1).padStart(6));
  console.log(`  ${power(x).padEnd(10)}  ${row.join(' ')}`);
}
console.log(
  `  ${took.toFixed(2)} s. Best: eta ${power(best.params.eta)}, lmbd ${power(best.params.lmbd)}, ${percent(best.testScore).trim()}`,
);
