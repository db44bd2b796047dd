import test from 'ava';
import { accuracyScore, NDArray, NeuralNetwork, RandomState } from 'fjordnet';
import { descend, distance, golden, PARAMETERS, parametersOf, small, start } from './helpers/lecture.js';

const lecture = { nHiddenNeurons: 50, nCategories: 10, epochs: 100, batchSize: 100, eta: 0.01, lmbd: 0.01 };

/** What step i may differ from NumPy's: 1e-9, or what NumPy's own runs on different processors do. */
const allowed = (spread: number[], i: number) => Math.max(1e-9, 4 * spread[i]);

test('the lecture’s run: images shown, split, weights, first probabilities, accuracy before training', (t) => {
  const { random, shown, x, xTest, y, yTest, yOneHot } = start();
  t.deepEqual([...shown.data], golden.shown.data);
  t.is(distance(x, golden.X_train), 0);
  t.is(distance(xTest, golden.X_test), 0);
  t.deepEqual([...y.data.subarray(0, 20)], golden.Y_train_head.data);
  t.deepEqual([...yTest.data.subarray(0, 20)], golden.Y_test_head.data);

  const network = new NeuralNetwork(x, yOneHot, { ...lecture, randomState: random });
  parametersOf(network).forEach((parameter, k) => {
    t.deepEqual([...parameter.shape], golden.init[k].shape);
    t.deepEqual([...parameter.data.subarray(0, 4)], golden.init[k].head);
    t.true(distance(parameter, golden.init[k]) < 1e-14);
  });
  const probabilities = network.feedForward(x);
  t.deepEqual([...probabilities.shape], [1437, 10]);
  golden.probabilities0.data.forEach((p, j) => t.true(Math.abs(probabilities.data[j] / p - 1) < 1e-9));
  t.is(accuracyScore(y, network.predict(x)), golden.accuracy_before);
});

test('the lecture’s run: 20 steps on all images, then 20 on minibatches, are NumPy’s', (t) => {
  const { random, x, yOneHot } = start();
  let network = new NeuralNetwork(x, yOneHot, { ...lecture, randomState: random });
  golden.full_batch.first_steps.forEach((want, i) => {
    descend(network, x, yOneHot, lecture.eta);
    parametersOf(network).forEach((parameter, k) => {
      const off = distance(parameter, want[k]);
      t.true(off < allowed(golden.full_batch.spread, i), `full batch, step ${i}, ${PARAMETERS[k]}: ${off}`);
    });
  });

  network = new NeuralNetwork(x, yOneHot, { ...lecture, randomState: random });
  golden.minibatch.first_steps.forEach(({ batch_head, params }, i) => {
    const rows = random.choice(1437, 100, { replace: false });
    t.deepEqual([...rows.data.subarray(0, 5)], batch_head);
    descend(network, x.take(rows), yOneHot.take(rows), lecture.eta);
    parametersOf(network).forEach((parameter, k) => {
      const off = distance(parameter, params[k]);
      t.true(off < allowed(golden.minibatch.spread, i), `minibatch ${i}, ${PARAMETERS[k]}: ${off}`);
    });
  });
});

test('the lecture’s run: 1,000 steps on all images learn nothing, 100 epochs of minibatches do', (t) => {
  const { random, x, xTest, y, yTest, yOneHot } = start();
  let network = new NeuralNetwork(x, yOneHot, { ...lecture, randomState: random });
  for (let i = 0; i < 1000; i++) descend(network, x, yOneHot, lecture.eta);
  const stuck = accuracyScore(y, network.predict(x));
  t.true(Math.abs(stuck - golden.full_batch.accuracy) < 0.05, `${stuck}`);

  network = new NeuralNetwork(x, yOneHot, { ...lecture, randomState: random }).trainSync();
  const [train, tested] = [accuracyScore(y, network.predict(x)), accuracyScore(yTest, network.predict(xTest))];
  t.true(Math.abs(train - golden.minibatch.train_accuracy) < 0.01, `${train}`);
  t.true(Math.abs(tested - golden.minibatch.test_accuracy) < 0.03, `${tested}`);
});

/** One training step of the lecture, in plain loops. */
function plainStep(p: number[][][], x: number[][], y: number[][], eta: number, lmbd: number): void {
  const [wh, [bh], wo, [bo]] = p;
  const dot = (a: number[], w: number[][], j: number) => a.reduce((s, v, i) => s + v * w[i][j], 0);
  const ah = x.map((row) => bh.map((b, j) => 1 / (1 + Math.exp(-(dot(row, wh, j) + b)))));
  const errorO = ah.map((row, r) => {
    const e = bo.map((b, j) => Math.exp(dot(row, wo, j) + b));
    const total = e.reduce((a, b) => a + b);
    return e.map((v, j) => v / total - y[r][j]);
  });
  const errorH = ah.map((row, r) =>
    row.map((a, i) => wo[i].reduce((s, w, j) => s + w * errorO[r][j], 0) * a * (1 - a)),
  );
  const update = (w: number[][], input: number[][], error: number[][], l: number) => {
    const gradient = w.map((row, i) => row.map((v, j) => input.reduce((s, a, r) => s + a[i] * error[r][j], 0) + l * v));
    w.forEach((row, i) => row.forEach((_, j) => (row[j] -= eta * gradient[i][j])));
  };
  const ones = x.map(() => [1]);
  update(wo, ah, errorO, lmbd);
  update([bo], ones, errorO, 0);
  update(wh, x, errorH, lmbd);
  update([bh], ones, errorH, 0);
}

test('each step of a training equals the lecture’s formulas in plain loops', (t) => {
  const { random, x, yOneHot } = start();
  const options = { nHiddenNeurons: 20, epochs: 1, batchSize: 100, eta: 0.01, lmbd: 0.1 };
  for (let step = 0; step < 3; step++) {
    const rows = random.choice(1437, 100, { replace: false });
    const [batch, targets] = [x.take(rows), yOneHot.take(rows)];
    const network = new NeuralNetwork(batch, targets, { ...options, randomState: step });
    const plain = parametersOf(network).map((p) => (p.ndim === 1 ? p.reshape(1, -1) : p).toArray<number[][]>());
    network.trainSync(); // one batch: all 100 rows
    plainStep(plain, batch.toArray(), targets.toArray(), options.eta, options.lmbd);
    parametersOf(network).forEach((parameter, k) => {
      plain[k].flat().forEach((v, i) => {
        const off = Math.abs(parameter.data[i] - v) / Math.max(1, Math.abs(v));
        if (!(off < 1e-11)) t.fail(`${PARAMETERS[k]}[${i}]: ${parameter.data[i]} instead of ${v}`);
      });
    });
  }
  t.pass();
});

test('the gradients are the slope of the cost, along random directions', (t) => {
  for (const [nHiddenNeurons, lmbd] of [
    [50, 0],
    [7, 0.3],
  ]) {
    const { random, x, yOneHot } = start();
    const rows = random.choice(1437, 60, { replace: false });
    const [batch, targets] = [x.take(rows), yOneHot.take(rows)];
    // Small weights: large ones leave nothing but saturated neurons, whose slope is zero.
    const network = new NeuralNetwork(batch, targets, { nHiddenNeurons, lmbd, batchSize: 60, randomState: random });
    for (const name of PARAMETERS) {
      const p = network[name];
      network[name] = NDArray.wrap(p.data.map((v) => v * 0.05) as Float64Array, p.shape);
    }
    const origin = parametersOf(network);
    /** sum of -y log p + lmbd / 2 * (sum of squared weights), at `h` along the direction */
    const cost = (directions: NDArray[], h: number): number => {
      PARAMETERS.forEach((name, k) => {
        const moved = origin[k].data.map((v, i) => v + h * directions[k].data[i]) as Float64Array;
        network[name] = NDArray.wrap(moved, origin[k].shape);
      });
      const p = network.feedForward(batch).data;
      let total = 0;
      targets.data.forEach((y, i) => (total -= y === 0 ? 0 : y * Math.log(p[i])));
      for (const w of [network.hiddenWeights, network.outputWeights])
        for (const v of w.data) total += (lmbd / 2) * v * v;
      return total;
    };
    for (let trial = 0; trial < 5; trial++) {
      const directions = origin.map((p) => random.normal(0, 1, p.shape));
      cost(directions, 0);
      const gradients = network.backpropagation(batch, targets);
      let slope = 0;
      PARAMETERS.forEach((name, k) => {
        gradients[`${name}Gradient`].data.forEach((g, i) => (slope += g * directions[k].data[i]));
      });
      const h = 1e-4; // differences of fourth order: error h^4, rounding 1e-16 / h
      const at = (steps: number) => cost(directions, steps * h);
      const numeric = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h);
      t.true(Math.abs(slope - numeric) < 1e-6 * Math.abs(numeric), `${slope} and ${numeric}`);
    }
  }
});

test('a diverging training ends with NaN, and throws nothing', async (t) => {
  const losses: number[] = [];
  const { network, x } = small(0, { eta: 1e300, epochs: 3 });
  await network.train({ onEpochEnd: ({ loss }) => losses.push(loss) });
  t.is(losses.length, 3);
  t.true(losses.some(Number.isNaN));
  t.true(parametersOf(network).some((p) => p.data.some(Number.isNaN)));
  t.is(network.predict(x).length, 300);
});

test('training lowers the loss that onEpochEnd reports, which is the mean cross-entropy of an epoch', async (t) => {
  const { network, x, y } = small(1, { epochs: 8, batchSize: 300 });
  const before = network.feedForward(x).data;
  let first = 0;
  y.data.forEach((v, i) => (first -= v === 0 ? 0 : Math.log(before[i]) / 300));
  const seen: { epoch: number; epochs: number; loss: number }[] = [];
  await network.train({ onEpochEnd: (info) => seen.push(info) });
  t.deepEqual(
    seen.map(({ epoch, epochs }) => [epoch, epochs]),
    Array.from({ length: 8 }, (_, i) => [i, 8]),
  );
  t.true(Math.abs(seen[0].loss / first - 1) < 1e-12); // one batch an epoch: its loss comes before its update
  for (let i = 1; i < 8; i++) t.true(seen[i].loss < seen[i - 1].loss);
});

test('an epoch is floor(n / batchSize) batches, each drawn without replacement', (t) => {
  const [random, twin] = [new RandomState(4), new RandomState(4)];
  small(0, { randomState: random, batchSize: 70, epochs: 2 }).network.trainSync();
  twin.randn(64, 12);
  twin.randn(12, 10);
  for (let batch = 0; batch < 2 * 4; batch++) twin.choice(300, 70, { replace: false });
  t.deepEqual(random.getState(), twin.getState());
});

test('drawing batches of very many samples leaves others their turns', async (t) => {
  const n = 100_000;
  const x = NDArray.wrap(new Float64Array(n), [n, 1]);
  const y = NDArray.wrap(new Float64Array(n).fill(1), [n, 1]);
  const network = new NeuralNetwork(x, y, { nHiddenNeurons: 1, nCategories: 1, epochs: 2, randomState: 1 });
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await network.train();
  clearInterval(timer);
  // 2,000 permutations of all samples: jobs of some 10 ms, between which timers run
  t.true(turns >= 5, `${turns} turns`);
});

test('training goes on where it ended, and starts from weights that were set', (t) => {
  const [twice, once] = [small(3, { epochs: 2 }), small(3, { epochs: 4 })];
  twice.network.trainSync().trainSync();
  once.network.trainSync();
  t.deepEqual(parametersOf(twice.network), parametersOf(once.network));

  const other = small(99, { epochs: 2 }).network;
  for (const name of PARAMETERS) other[name] = once.network[name];
  t.deepEqual(other.feedForward(once.x), once.network.feedForward(once.x));
});

test('parameters are copies, and set from any array input', (t) => {
  const { network } = small();
  const weights = network.hiddenWeights;
  weights.data.fill(5);
  t.notDeepEqual(network.hiddenWeights, weights);
  network.outputBias = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  t.deepEqual([...network.outputBias.data], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  network.outputBias = Float32Array.from({ length: 10 }, () => 0.5);
  t.deepEqual([...network.outputBias.data], new Array(10).fill(0.5));
  network.hiddenBias = NDArray.zeros([12], 'int32');
  t.is(network.hiddenBias.dtype, 'float64');
});

test('predictions: probabilities sum to 1, classes are their largest, any number of rows', (t) => {
  const { network, x } = small();
  for (const n of [1, 2, 255, 256, 257, 300]) {
    const rows = x.take(Int32Array.from({ length: n }, (_, i) => i));
    const p = network.predictProbabilities(rows).toArray<number[][]>();
    t.is(p.length, n);
    for (const row of p) t.true(Math.abs(row.reduce((a, b) => a + b) - 1) < 1e-14);
    const classes = network.predict(rows);
    t.is(classes.dtype, 'int32');
    t.deepEqual(
      [...classes.data],
      p.map((row) => row.indexOf(Math.max(...row))),
    );
  }
  // inputs far from any digit: the softmax subtracts the row's maximum, so that nothing overflows
  const far = network.feedForward(NDArray.wrap(new Float64Array(64).fill(1e306), [1, 64]));
  t.true(far.data.every(Number.isFinite));
});

test('inputs are copied: changing them later changes nothing', (t) => {
  const [changed, kept] = [small(2), small(2)];
  changed.x.data.fill(0);
  changed.y.data.fill(0);
  t.deepEqual(parametersOf(changed.network.trainSync()), parametersOf(kept.network.trainSync()));
});

test('float32, integer and nested inputs are accepted', (t) => {
  const { x, y, network } = small(6);
  const labels = y.toArray<number[][]>();
  for (const data of [
    NDArray.from(x, { dtype: 'float32' }),
    NDArray.from(x, { dtype: 'int32' }),
    x.toArray<number[][]>(),
  ]) {
    const twin = new NeuralNetwork(data, labels, { nHiddenNeurons: 12, batchSize: 30, eta: 1e-3, randomState: 6 });
    t.deepEqual(twin.feedForward(data), network.feedForward(x)); // the digits are small integers
  }
});

test('defaults are the lecture’s', (t) => {
  const { x, y } = small();
  const network = new NeuralNetwork(x, y);
  const { nHiddenNeurons, nCategories, epochs, batchSize, eta, lmbd, nInputs, nFeatures } = network;
  t.deepEqual(
    [nHiddenNeurons, nCategories, epochs, batchSize, eta, lmbd, nInputs, nFeatures],
    [50, 10, 10, 100, 0.1, 0, 300, 64],
  );
  t.is(network.trainSync(), network);
});

test('what the network was recorded with is not to be assigned; epochs and batchSize are those of the next training', (t) => {
  const { network } = small(3);
  const recorded = { nInputs: 1, nFeatures: 1, nHiddenNeurons: 1, nCategories: 1, eta: 1, lmbd: 1 };
  for (const [name, value] of Object.entries(recorded))
    t.throws(() => Object.assign(network, { [name]: value }), { message: new RegExp(`read only property '${name}'`) });
  Object.assign(network, { epochs: 0 });
  const before = parametersOf(network);
  t.deepEqual(parametersOf(network.trainSync()), before);
});
