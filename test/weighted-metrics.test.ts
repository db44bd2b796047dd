import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  custom,
  importBytes,
  input,
  layers,
  losses,
  metrics,
  model,
  NDArray,
  ops,
  r2Score,
  Sequential,
  sequential,
} from 'fjordnet';

interface Values {
  shape: number[];
  data: number[];
}
interface Case {
  loss: 'meanSquaredError' | 'binaryCrossentropy' | 'categoricalCrossentropy' | 'sparseCategoricalCrossentropy';
  x: Values;
  y: Values;
  weights: Values | null;
  metrics: [name: keyof typeof metrics, options: object][];
  masked: boolean;
  /** The loss, metrics that count each sample 1, and those by weights. */
  logs: number[];
}
const { cases } = JSON.parse(
  readFileSync(new URL('../test/fixtures/weighted-metrics.json', import.meta.url), 'utf8'),
) as { cases: Case[] };
const array = ({ data, shape }: Values, dtype: 'float64' | 'int32' = 'float64') =>
  NDArray.from(data, { dtype }).reshape(shape);
const choice = ([name, options]: Case['metrics'][number]) =>
  (metrics[name] as (options: object) => ReturnType<typeof metrics.accuracy>)(options);

const ACTIVATIONS = {
  meanSquaredError: 'linear',
  binaryCrossentropy: 'sigmoid',
  categoricalCrossentropy: 'softmax',
  sparseCategoricalCrossentropy: 'softmax',
} as const;

/** A network of one activation. */
const passing = (
  loss: Case['loss'],
  shape: readonly number[],
  masked = false,
  dtype: 'float64' | 'float32' = 'float64',
) =>
  sequential({
    dtype,
    layers: [
      ...(masked ? [layers.masking({ inputShape: shape })] : []),
      layers.activation({ activation: ACTIVATIONS[loss], ...(!masked && { inputShape: shape }) }),
    ],
  });

for (const dtype of ['float64', 'float32'] as const)
  for (const [i, c] of cases.entries())
    test(`weightedMetrics are the real Keras', case ${i}: ${c.loss} of [${c.x.shape}]${c.masked ? ' with a mask' : ''}, ${dtype}`, (t) => {
      const { x, y, weights, masked, loss } = c;
      const network = passing(loss, x.shape.slice(1), masked, dtype);
      const plain = c.metrics.filter(([name]) => name === 'meanSquaredError' || name === 'accuracy');
      network.compile({
        optimizer: 'sgd',
        loss: losses[loss](),
        metrics: plain.map(choice),
        weightedMetrics: c.metrics.map(choice),
      });
      for (const batchSize of [4, 1, 14]) {
        const logs = network.evaluateSync(array(x), array(y, loss.startsWith('sparse') ? 'int32' : 'float64'), {
          batchSize,
          ...(weights && { sampleWeight: array(weights) }),
        });
        const names = ['loss', ...network.metrics.map(({ name }) => name)];
        t.is(names.length, c.logs.length);
        for (const [k, name] of names.entries()) {
          if (k === 0 && batchSize !== 4) continue; // with a mask the mean over batches depends on them, as in Keras
          const [ours, theirs] = [logs[name], c.logs[k]];
          const tolerance = dtype === 'float32' ? 1e-5 : 1e-10;
          t.true(
            Math.abs(ours - theirs) <= tolerance * Math.max(1, Math.abs(theirs)),
            `${name}: ${ours}, Keras ${theirs}`,
          );
        }
      }
    });

const X = NDArray.from([[0.2], [0.7], [-0.4], [1.5], [-1], [0.1]]);
const Y = NDArray.from([[1], [1], [0], [0], [0], [1]]);
const W = [1, 0, 2, 0.5, 0, 3];
const scorer = () => {
  const network = passing('binaryCrossentropy', [1]);
  network.compile({
    optimizer: 'sgd',
    loss: 'binaryCrossentropy',
    metrics: ['accuracy'],
    weightedMetrics: ['accuracy', 'auc'],
  });
  return network;
};

test('they count by weights where there are some, and each sample 1 where there are none, whatever came before', (t) => {
  const network = scorer();
  const plain = network.evaluateSync(X, Y);
  t.is(plain.accuracy, 5 / 6);
  t.is(plain.weighted_accuracy, 5 / 6);
  const weighted = network.evaluateSync(X, Y, { sampleWeight: W });
  t.is(weighted.accuracy, 5 / 6);
  t.is(weighted.weighted_accuracy, 6 / 6.5);
  t.deepEqual(network.evaluateSync(X, Y), plain);
  t.deepEqual(network.testOnBatch(X, Y, { sampleWeight: W }), weighted);
  t.is(network.evaluateSync(X, Y, { sampleWeight: [0, 0, 0, 0, 0, 0] }).weighted_accuracy, 0);
});

for (const dtype of ['float64', 'float32'] as const)
  test(`R² of targets far from 0, and of constant ones, counts by weights, ${dtype}`, (t) => {
    const rows = Array.from({ length: 40 }, (_, i) => i);
    const y = NDArray.from(
      rows.map((i) => [4000 + (i % 8) / 4, 1]),
      { dtype },
    );
    const x = NDArray.from(
      rows.map((i) => [4000 + (i % 8) / 4 + (i % 5) / 16, (i % 3) / 4]),
      { dtype },
    );
    const sampleWeight = rows.map((i) => Math.fround(0.1 + 0.37 * (i % 7)));
    const network = passing('meanSquaredError', [2], false, dtype);
    network.compile({ optimizer: 'sgd', loss: 'meanSquaredError', weightedMetrics: ['rSquared'] });
    for (const batchSize of [7, 40]) {
      const { rSquared } = network.evaluateSync(x, y, { sampleWeight, batchSize });
      const expected = r2Score(y, x, { sampleWeight });
      t.true(Math.abs(rSquared - expected) < 1e-6, `${rSquared}, not ${expected}`);
    }
  });

test('a threshold below all positives has a sensitivity of 1, whatever rounding does to weights', (t) => {
  const x = NDArray.from([[2], [1.5], [1], [0.5], [-2], [3]]);
  const y = NDArray.from([[1], [1], [1], [1], [0], [0]]);
  const network = passing('binaryCrossentropy', [1], false, 'float32');
  network.compile({
    optimizer: 'sgd',
    loss: 'binaryCrossentropy',
    weightedMetrics: [metrics.specificityAtSensitivity({ sensitivity: 1 }), metrics.precisionAtRecall({ recall: 1 })],
  });
  for (const sampleWeight of [
    [0.44, 0.03, 0.55, 0.44, 0.42, 0.33],
    [0.22, 0.87, 0.21, 0.92, 0.49, 0.61],
  ]) {
    const logs = network.evaluateSync(x, y, { sampleWeight, batchSize: 2 });
    const [positives, last, first] = [sampleWeight.slice(0, 4).reduce((a, b) => a + b), ...sampleWeight.slice(4)];
    t.true(Math.abs(logs.specificityAtSensitivity - last / (last + first)) < 1e-6);
    t.true(Math.abs(logs.precisionAtRecall - positives / (positives + first)) < 1e-6);
  }
});

test('class weights count in those of the training, weights of the validation samples in theirs', async (t) => {
  const network = scorer();
  const { history } = await network.fit(X, Y, {
    epochs: 1,
    batchSize: 4,
    shuffle: false,
    classWeight: { 0: 1, 1: 5 },
    validationData: [X, Y, W],
  });
  t.is(history.accuracy[0], 5 / 6);
  t.is(history.weighted_accuracy[0], 17 / 18);
  t.is(history.val_accuracy[0], 5 / 6);
  t.is(history.val_weighted_accuracy[0], 6 / 6.5);
});

test('files and clones keep them', async (t) => {
  const network = scorer();
  const expected = network.evaluateSync(X, Y, { sampleWeight: W });
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-weighted-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'network.json');
  await network.save(file);
  for (const format of ['fjordnet', 'keras'] as const) {
    const back =
      format === 'fjordnet' ? await Sequential.load(file) : await importBytes(await network.exportBytes({ format }));
    t.deepEqual(
      back.metrics.map(({ name }) => name),
      ['accuracy', 'weighted_accuracy', 'auc'],
      format,
    );
    const logs = back.evaluateSync(X, Y, { sampleWeight: W });
    for (const [name, value] of Object.entries(expected)) t.is(logs[name], value, `${format}, ${name}`);
  }
});

test('of several outputs each has its own, by the weights of each', (t) => {
  const from = input({ shape: [1] });
  const [a, b] = ['a', 'b'].map((name) => layers.activation({ name, activation: 'linear' }).apply(from));
  const network = model({ inputs: from, outputs: [a, b] });
  network.compile({
    optimizer: 'sgd',
    loss: 'meanSquaredError',
    metrics: { a: 'mae' },
    weightedMetrics: { a: 'mae', b: ['mae', 'precision'] },
  });
  t.deepEqual(
    network.metrics.map(({ name }) => name),
    ['a_mae', 'a_weighted_mae', 'b_mae', 'b_precision'],
  );
  const logs = network.evaluateSync(X, [Y, Y], { sampleWeight: [W, [1, 1, 1, 1, 1, 1]] });
  t.not(logs.a_weighted_mae, logs.a_mae);
  t.is(logs.b_mae, logs.a_mae);
});

test('functions of whole samples count by weights of samples, and are refused where steps have some', (t) => {
  const distance = custom.metric('distance', (yTrue, yPred) => ops.mean(ops.abs(ops.sub(yTrue, yPred))));
  const network = passing('meanSquaredError', [1]);
  network.compile({ optimizer: 'sgd', loss: 'mse', metrics: [distance], weightedMetrics: [distance, 'mae'] });
  const logs = network.evaluateSync(X, Y, { sampleWeight: W });
  t.is(logs.weighted_distance, logs.mae);
  t.not(logs.distance, logs.mae);
  // what the metric is given is not changed by it
  const first = custom.metric('first', (_, yPred) => ops.mean(yPred));
  network.compile({ optimizer: 'sgd', loss: 'mse', weightedMetrics: [first, 'mae'] });
  t.is(network.evaluateSync(X, Y, { sampleWeight: W }).mae, logs.mae);
  const sequence = passing('meanSquaredError', [3, 2]);
  t.throws(() => sequence.compile({ optimizer: 'sgd', loss: 'mse', weightedMetrics: [distance] }), {
    instanceOf: TypeError,
    message: /'distance', which is given whole samples: each of the 3 steps/,
  });
});

test('a metric that does not say that it takes weights is refused', (t) => {
  const network = passing('meanSquaredError', [1]);
  const { takesWeights: _, ...without } = metrics.meanAbsoluteError().for(losses.meanSquaredError());
  const own = { config: without.config, for: () => without };
  network.compile({ optimizer: 'sgd', loss: 'mse', metrics: [own] });
  t.throws(() => network.compile({ optimizer: 'sgd', loss: 'mse', weightedMetrics: [own] }), {
    instanceOf: TypeError,
    message: /takesWeights/,
  });
  t.throws(() => network.compile({ optimizer: 'sgd', loss: 'mse', weightedMetrics: 'mae' as never }), {
    message: "Expected weightedMetrics to be an array of metrics, got 'mae' (string)",
  });
});
