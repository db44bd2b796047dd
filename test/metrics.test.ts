import { readFileSync } from 'node:fs';
import test from 'ava';
import { layers, losses, metrics, NDArray, optimizers, RandomState, sequential } from 'fjordnet';
import { Recorder } from '../dist/graph/recorder.js';
import { getMetric, type Metric, type MetricChoice, metricFrom } from '../dist/metrics.js';
import { dataset } from '../dist/plan.js';
import type { FloatType } from '../dist/tape.js';

type Name = keyof typeof metrics;
interface Case {
  name: Name;
  options: object;
  loss: keyof typeof losses;
  lossOptions: object;
  shape: number[];
  output: number[];
  targetShape: number[];
  targets: number[];
  value: number;
}
const cases = JSON.parse(readFileSync(new URL('../test/fixtures/metrics.json', import.meta.url), 'utf8')) as Case[];
const keras = JSON.parse(readFileSync(new URL('../test/fixtures/keras-metrics.json', import.meta.url), 'utf8')) as {
  arrays: { shape: number[]; data: number[] }[];
  cases: (Omit<Case, 'shape' | 'output' | 'targetShape' | 'targets'> & { output: number; targets: number })[];
};
const NAMES = Object.keys(metrics) as Name[];
/** Options of metrics that have no defaults for them. */
const NEEDED: { readonly [N in Name]?: object } = {
  meanIoU: { numClasses: 3 },
  sensitivityAtSpecificity: { specificity: 0.5 },
  specificityAtSensitivity: { sensitivity: 0.5 },
  precisionAtRecall: { recall: 0.5 },
  recallAtPrecision: { precision: 0.5 },
};

const lossOf = (c: Pick<Case, 'loss' | 'lossOptions'>) =>
  (losses[c.loss] as (options: object) => ReturnType<typeof losses.huber>)(c.lossOptions);

/** The metric over samples in batches, the last of which may be short. */
function evaluate(dtype: FloatType, metric: Metric, output: NDArray, targets: NDArray, batchSize: number): number {
  const t = new Recorder(dtype);
  const o = t.batched('output', output.shape.slice(1));
  const y = t.batched('targets', targets.shape.slice(1));
  t.program('run');
  const buffers = metric.record(t, { output: o, targets: y }, o.shape);
  const plan = t.compile();
  const count = output.shape[0];
  const inputs = [[o, dataset('output', output, dtype)] as const, [y, dataset('targets', targets, dtype)] as const];
  const result = plan.runSync({ program: 'run', inputs, first: 0, count, batchSize });
  const sums = buffers.map((buffer) => plan.reported(result, buffer).reduce((a, b) => a + b, 0));
  return metric.result(sums, count);
}

for (const dtype of ['float64', 'float32'] as const)
  for (const name of [...new Set(cases.map((c) => c.name))])
    test(`${name} is scikit-learn's, whatever the batches: ${dtype}`, (t) => {
      for (const c of cases.filter((other) => other.name === name)) {
        const loss = lossOf(c);
        const metric = (metrics[name] as (options: object) => ReturnType<typeof metrics.accuracy>)(c.options).for(loss);
        const output = NDArray.from(c.output, { shape: c.shape });
        const targets = loss.prepare('y', NDArray.from(c.targets, { shape: c.targetShape }), c.shape.slice(1));
        for (const batchSize of [c.shape[0], 7, 1]) {
          const value = evaluate(dtype, metric, output, targets, batchSize);
          // of numbers near 1000: their squares, and in float32 their differences, have lost digits
          const tolerance = /Error|rSquared/.test(name)
            ? { float64: 1e-9, float32: 1e-3 }
            : { float64: 1e-14, float32: 1e-6 };
          const which = `${JSON.stringify({ ...c.options, loss: c.loss, ...c.lossOptions, batchSize })} [${c.shape}]`;
          t.true(
            Math.abs(value - c.value) <= tolerance[dtype] * Math.max(1, Math.abs(c.value)),
            `${which}: ${value} is not ${c.value}`,
          );
        }
      }
    });

for (const dtype of ['float64', 'float32'] as const)
  for (const name of [...new Set(keras.cases.map((c) => c.name))])
    test(`${name} is the real Keras', whatever the batches: ${dtype}`, (t) => {
      for (const [i, c] of keras.cases.entries()) {
        if (c.name !== name) continue;
        const loss = lossOf(c);
        const metric = (metrics[name] as (options: object) => ReturnType<typeof metrics.accuracy>)(c.options).for(loss);
        const [output, given] = [c.output, c.targets].map((k) => {
          const { shape, data } = keras.arrays[k];
          return NDArray.from(data, { shape });
        });
        const targets = loss.prepare('y', given, output.shape.slice(1));
        for (const batchSize of [output.shape[0], 7, 1]) {
          const value = evaluate(dtype, metric, output, targets, batchSize);
          // Keras divides the counts of intersections in float32. Of 1 - 1e-7, the logarithm of what is left has 9 digits.
          const tolerance = dtype === 'float32' ? 2e-6 : name === 'meanIoU' ? 1e-7 : 1e-11;
          const which = `case ${i}, ${JSON.stringify({ ...c.options, loss: c.loss, ...c.lossOptions, batchSize })} [${output.shape}]`;
          t.true(
            Math.abs(value - c.value) <= tolerance * Math.max(1, Math.abs(c.value)),
            `${which}: ${value} is not ${c.value}`,
          );
        }
      }
    });

test('every metric has a case', (t) => {
  t.deepEqual([...new Set([...cases, ...keras.cases].map((c) => c.name))].sort(), [...NAMES].sort());
});

test('ties: the first largest output is the prediction, all count among the top k; NaN is never right', (t) => {
  const loss = losses.sparseCategoricalCrossentropy();
  const value = (choice: ReturnType<typeof metrics.accuracy>, rows: number[][], labels: number[]) =>
    evaluate('float64', choice.for(loss), NDArray.from(rows), NDArray.from(labels.map((label) => [label])), 10);
  t.is(
    value(
      metrics.accuracy(),
      [
        [1, 1, 0],
        [1, 1, 0],
      ],
      [0, 1],
    ),
    0.5,
  );
  t.is(
    value(
      metrics.topKCategoricalAccuracy({ k: 1 }),
      [
        [1, 1, 0],
        [1, 1, 0],
        [1, 1, 0],
      ],
      [0, 1, 2],
    ),
    2 / 3,
  );
  t.is(value(metrics.topKCategoricalAccuracy({ k: 9 }), [[1, 2, 3]], [0]), 1);
});

test("keys in History are the names asked for, as Keras'", (t) => {
  const loss = losses.meanSquaredError();
  t.is(getMetric('metrics[0]', 'accuracy', loss).name, 'accuracy');
  t.is(getMetric('metrics[0]', 'acc', loss).name, 'acc');
  t.is(getMetric('metrics[0]', 'mse', loss).name, 'mse');
  t.is(getMetric('metrics[0]', metrics.precision(), loss).name, 'precision');
  t.is(getMetric('metrics[0]', metrics.topKCategoricalAccuracy({ k: 3, as: 'top3' }), loss).name, 'top3');
  for (const name of NAMES.filter((name) => !NEEDED[name])) t.is(getMetric('metrics[0]', name, loss).name, name);
  t.is(getMetric('metrics[0]', 'rmse', loss).config.name, 'rootMeanSquaredError');
});

test('a metric comes back from its config', (t) => {
  const loss = losses.binaryCrossentropy();
  for (const choice of [
    ...NAMES.map((name) => (metrics[name] as (options: object) => MetricChoice)(NEEDED[name] ?? {})),
    metrics.auc({ numThresholds: 50, curve: 'PR', summationMethod: 'majoring' }),
    metrics.f1Score({ average: 'micro', threshold: 0.5 }),
    metrics.meanIoU({ numClasses: 3, ignoreClass: 0, sparseYPred: false }),
    metrics.precision({ topK: 2, classId: 1 }),
    metrics.binaryCrossentropy({ fromLogits: true, labelSmoothing: 0.1 }),
    metrics.recall({ threshold: 0.2, as: 'sensitivity' }),
  ]) {
    const metric = metricFrom(JSON.parse(JSON.stringify(choice.config)), loss);
    t.deepEqual(metric.config, choice.config);
    t.is(metric.name, choice.config.as);
  }
});

test('in a network, evaluation and validation count as over all outputs at once', async (t) => {
  const random = new RandomState(0);
  const [x, labels] = [random.randn(50, 4), random.randint(0, 3, 50)];
  const loss = losses.sparseCategoricalCrossentropy();
  const choices = [
    metrics.auc({ numThresholds: 20 }),
    metrics.f1Score({ average: 'weighted' }),
    metrics.meanIoU({ numClasses: 3 }),
    metrics.trueNegatives(),
    metrics.recall({ topK: 2 }),
    metrics.sparseCategoricalCrossentropy(),
  ];
  const layer = layers.dense({ units: 3, activation: 'softmax', inputShape: [4] });
  const model = sequential({ layers: [layer], dtype: 'float64', seed: 1 });
  model.compile({ optimizer: 'adam', loss, metrics: choices });
  const options = { epochs: 3, batchSize: 8, validationData: [x, labels] } as const;
  const { history } = await model.fit(x, labels, options);
  const targets = loss.prepare('y', labels, [3]);
  const scores = await model.evaluate(x, labels, { batchSize: 7 });
  for (const choice of choices) {
    const key = choice.config.as;
    const value = evaluate('float64', choice.for(loss), await model.predict(x), targets, 50);
    t.true(Math.abs(scores[key] - value) <= 1e-14 * Math.max(1, value), key);
    t.true(Math.abs(history[`val_${key}`][2] - value) <= 1e-14 * Math.max(1, value), key);
    t.true(history[key].every(Number.isFinite), key);
  }
});

test('wrong metrics are refused in one sentence', (t) => {
  const loss = losses.sparseCategoricalCrossentropy();
  t.throws(() => getMetric('metrics[0]', 'acuracy', loss), {
    instanceOf: RangeError,
    message:
      /^Expected metrics\[0\] to be one of 'accuracy', .*\(did you mean 'accuracy'\?\), got 'acuracy' \(string\)$/,
  });
  t.throws(() => getMetric('metrics[1]', 1, loss), {
    instanceOf: TypeError,
    message:
      'Expected metrics[1] to be the name of a metric, one of metrics.* or what custom.metric makes, got 1 (number)',
  });
  t.throws(() => metrics.topKCategoricalAccuracy({ k: 0 }), {
    message: 'Expected k to be a positive integer, got 0 (number)',
  });
  const refused = (run: () => unknown, message: string | RegExp) => t.throws(run, { message });
  refused(
    () => getMetric('metrics[0]', 'meanIoU', loss),
    'Expected numClasses to be a positive integer, got undefined',
  );
  refused(
    () => getMetric('metrics[0]', 'recallAtPrecision', loss),
    'Expected precision to be a number in [0, 1], got undefined',
  );
  refused(
    () => metrics.precisionAtRecall({ recall: 1.5 }),
    'Expected recall to be a number in [0, 1], got 1.5 (number)',
  );
  refused(() => metrics.auc({ numThresholds: 1 }), 'Expected numThresholds to be an integer >= 2, got 1 (number)');
  refused(
    () => metrics.auc({ curve: 'roc' as 'ROC' }),
    /^Expected curve to be one of 'ROC', 'PR' \(did you mean 'ROC'\?\)/,
  );
  refused(() => metrics.auc({ summationMethod: 'minor' as 'minoring' }), /did you mean 'minoring'\?/);
  refused(() => metrics.fBetaScore({ beta: 0 }), 'Expected beta to be a positive number, got 0 (number)');
  refused(() => metrics.f1Score({ threshold: 0 }), 'Expected threshold to be a number in (0, 1], got 0 (number)');
  refused(
    () => metrics.f1Score({ average: 'none' as 'macro' }),
    /^Expected average to be one of 'macro', 'weighted', 'micro'/,
  );
  refused(() => metrics.recall({ topK: 0 }), 'Expected topK to be a positive integer, got 0 (number)');
  refused(() => metrics.truePositives({ topK: 1 } as object), /no option 'topK'/);
  refused(
    () => metrics.meanIoU({ numClasses: 2, sparseYPred: 1 as never }),
    'Expected sparseYPred to be a boolean, got 1 (number)',
  );
  refused(
    () => metrics.binaryCrossentropy({ labelSmoothing: 2 }),
    'Expected labelSmoothing to be a number in [0, 1], got 2 (number)',
  );
  const judge = (choice: MetricChoice, of = loss) =>
    evaluate('float64', choice.for(of), NDArray.from([[1, 2]]), NDArray.from([[0]]), 1);
  refused(
    () => judge(metrics.precision({ classId: 2 })),
    "Expected classId of the metric 'precision' to be one of the network's 2 outputs, got 2 (number)",
  );
  refused(
    () => judge(metrics.sensitivityAtSpecificity({ specificity: 0.5, classId: 2 })),
    "Expected classId of the metric 'sensitivityAtSpecificity' to be one of the network's 2 outputs, got 2 (number)",
  );
  refused(
    () => judge(metrics.meanIoU({ numClasses: 1 })),
    'Expected numClasses to be 2, the classes of the output, for meanIoU, got 1 (number)',
  );
  refused(
    () => judge(metrics.categoricalCrossentropy()),
    "Expected the loss to have targets of the output's shape for the metric 'categoricalCrossentropy', got class numbers",
  );
  refused(
    () =>
      evaluate(
        'float64',
        metrics.sparseCategoricalCrossentropy().for(loss),
        NDArray.from([[1, 2]]),
        NDArray.from([[0, 1]]),
        1,
      ),
    "Expected the loss to have targets that are class numbers for the metric 'sparseCategoricalCrossentropy', got those of the output's shape",
  );
  t.throws(() => metrics.precision({ treshold: 1 } as object), { message: /did you mean 'threshold'\?/ });
  t.throws(() => metrics.precision({ threshold: '1' as never }), { instanceOf: TypeError });
  t.throws(
    () => evaluate('float64', metrics.meanSquaredError().for(loss), NDArray.from([[1, 2]]), NDArray.from([[0]]), 1),
    {
      message:
        "Expected the loss to have targets of the output's shape for the metric 'meanSquaredError', got one number a row, such as a class number: write it with custom.metric",
    },
  );
});

test('with a hinge loss metrics are given the targets as they are, and count -1 as none', async (t) => {
  const network = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], dtype: 'float64' });
  const chosen = [metrics.f1Score({ threshold: 0.5 }), 'precision', 'recall', 'meanAbsoluteError', 'accuracy'];
  for (const loss of ['hinge', 'squaredHinge']) {
    network.compile({ optimizer: 'sgd', loss, metrics: chosen });
    network.setWeights([[[1]], [0]]);
    const scores = await network.evaluate([[1], [1], [1], [1]], [1, 0, 1, 0]);
    t.true(Math.abs(scores.f1Score - 2 / 3) < 1e-6, `${scores.f1Score}`);
    t.like(scores, { precision: 0.5, recall: 1, meanAbsoluteError: 0.5, accuracy: 0.5 });
    const signs = await network.evaluate([[1], [1], [1], [1]], [1, -1, 1, -1]);
    t.like(signs, { loss: scores.loss, f1Score: scores.f1Score, accuracy: 0.5, meanAbsoluteError: 1 });
  }
});

test('a batch may hold more rows of a class than float32 can count one by one', (t) => {
  const [rows, extra] = [2 ** 24, 6];
  const output = NDArray.wrap(new Float32Array(rows + extra).fill(1), [1, rows + extra, 1]);
  const targets = NDArray.wrap(new Float32Array(rows + extra).fill(1), [1, rows + extra, 1]);
  const recorder = new Recorder('float32');
  const o = recorder.batched('output', [rows + extra, 1]);
  const y = recorder.batched('targets', [rows + extra, 1]);
  recorder.program('run');
  const sums = ['both', 'predicted', 'actual'].map((name) => recorder.fixed('report', name, [1]));
  recorder.emit('classCounts', [o, y, undefined, ...sums], { M: rows + extra, N: 1 }, { threshold: 0.5, largest: 0 });
  const plan = recorder.compile();
  const inputs = [
    [o, dataset('output', output, 'float32')] as const,
    [y, dataset('targets', targets, 'float32')] as const,
  ];
  const result = plan.runSync({ program: 'run', inputs, first: 0, count: 1, batchSize: 1 });
  for (const sum of sums) t.is(plan.reported(result, sum)[0], rows + extra);
});

test('more outputs than there are cannot be the largest', (t) => {
  const network = sequential({ layers: [layers.dense({ units: 3, inputShape: [1] })] });
  for (const metric of [metrics.precision({ topK: 4 }), metrics.recall({ topK: 4 })])
    t.throws(() => network.compile({ optimizer: 'sgd', loss: 'mse', metrics: [metric] }), {
      message: /^Expected topK of the metric '(precision|recall)' to be at most 3, the network's outputs, got 4/,
    });
});

test('a cross-entropy is as exact as the loss it is beside, behind softmax and sigmoid, by steps and of all', async (t) => {
  const cases = [
    ['softmax', 'categoricalCrossentropy', 2, (wrong: number) => (wrong ? [0, 1] : [1, 0])],
    ['softmax', 'sparseCategoricalCrossentropy', 2, (wrong: number) => [wrong]],
    ['sigmoid', 'binaryCrossentropy', 1, (wrong: number) => [1 - wrong]],
  ] as const;
  for (const [activation, name, units, target] of cases)
    for (const masked of [false, true]) {
      const network = sequential({
        layers: [
          layers.inputLayer({ shape: masked ? [2, 1] : [1] }),
          ...(masked ? [layers.masking()] : []),
          layers.dense({ units }),
          layers.activation({ activation }),
        ],
        dtype: 'float64',
      });
      network.compile({ optimizer: optimizers.sgd({ learningRate: 0 }), loss: name, metrics: [name] });
      network.setWeights(units === 2 ? [[[50, -50]], [0, 0]] : [[[100]], [0]]);
      const x = NDArray.from([1, masked ? 0 : 2, 1, 1]).reshape(masked ? [2, 2, 1] : [4, 1]);
      const rows = NDArray.from([1, masked ? 0 : 1, 1, 1].map((wrong) => target(wrong)));
      const y = masked ? rows.reshape([2, 2, ...rows.shape.slice(1)]) : rows;
      const scores = await network.evaluate(x, y);
      const own = masked ? 100 : 125; // of 1 1 1, and of 1 2 1 1
      t.true(Math.abs(scores[name] - own) < 1e-9, `${name}, masked ${masked}: ${scores[name]} is not ${own}`);
      const { history } = await network.fit(x, y, { epochs: 1, validationData: [x, y] });
      for (const key of [name, `val_${name}`])
        t.true(Math.abs(history[key][0] - own) < 1e-9, `${key}: ${history[key][0]}`);
      if (masked) continue;
      t.is(scores[name], scores.loss);
      if (name === 'sparseCategoricalCrossentropy') continue;
      network.compile({ optimizer: 'sgd', loss: 'mse', metrics: [name] });
      const cut = (await network.evaluate(x, y))[name];
      t.true(Math.abs(cut - -Math.log(1e-7)) < 1e-6, `${name} of probabilities alone: ${cut}`);
    }
});
