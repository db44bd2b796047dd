import { readFileSync } from 'node:fs';
import test from 'ava';
import { losses, metrics, NDArray } from 'fjordnet';
import { Recorder } from '../dist/graph/recorder.js';
import { getMetric, type Metric, metricFrom } from '../dist/metrics.js';
import { dataset, type FloatType } from '../dist/tape.js';

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
const NAMES = Object.keys(metrics) as Name[];

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

test('every metric has a case', (t) => {
  t.deepEqual([...new Set(cases.map((c) => c.name))].sort(), [...NAMES].sort());
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
  for (const name of NAMES) t.is(getMetric('metrics[0]', name, loss).name, name);
});

test('a metric comes back from its config', (t) => {
  const loss = losses.binaryCrossentropy();
  for (const choice of [
    ...NAMES.map((name) => metrics[name]()),
    metrics.recall({ threshold: 0.2, as: 'sensitivity' }),
  ]) {
    const metric = metricFrom(JSON.parse(JSON.stringify(choice.config)), loss);
    t.deepEqual(metric.config, choice.config);
    t.is(metric.name, choice.config.as);
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
    message: 'Expected metrics[1] to be the name of a metric or one of metrics.*, got 1 (number)',
  });
  t.throws(() => metrics.topKCategoricalAccuracy({ k: 0 }), {
    message: 'Expected k to be a positive integer, got 0 (number)',
  });
  t.throws(() => metrics.precision({ treshold: 1 } as object), { message: /did you mean 'threshold'\?/ });
  t.throws(() => metrics.precision({ threshold: '1' as never }), { instanceOf: TypeError });
  t.throws(
    () => evaluate('float64', metrics.meanSquaredError().for(loss), NDArray.from([[1, 2]]), NDArray.from([[0]]), 1),
    {
      message:
        "Expected the loss to have targets of the output's shape for the metric 'meanSquaredError', got class numbers",
    },
  );
});
