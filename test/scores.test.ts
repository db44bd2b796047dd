import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import {
  accuracyScore,
  classificationReport,
  confusionMatrix,
  logLoss,
  meanSquaredError,
  NDArray,
  precisionRecallFscoreSupport,
  r2Score,
  toCategorical,
} from 'fjordnet';
import { encodeLabels } from '../dist/labels.js';

const golden = JSON.parse(readFileSync(new URL('../test/fixtures/scores.json', import.meta.url), 'utf8'));

/** Numbers equal to a relative 1e-12 (sums are taken in another order than NumPy's), everything else equal. */
function near(actual: unknown, expected: unknown): boolean {
  if (typeof actual === 'number' && typeof expected === 'number')
    return Math.abs(actual - expected) <= 1e-12 * Math.max(1, Math.abs(expected));
  if (actual instanceof NDArray) return near(actual.toArray(), expected);
  if (typeof actual !== 'object' || typeof expected !== 'object' || !actual || !expected) return actual === expected;
  const [a, b] = [Object.entries(actual), Object.entries(expected)];
  return (
    a.length === b.length && a.every(([k, v]) => k in expected && near(v, (expected as Record<string, unknown>)[k]))
  );
}

const list = ({ precision, recall, fscore, support }: Record<string, unknown>) => [precision, recall, fscore, support];

test('scores of predicted classes are scikit-learn’s', (t) => {
  for (const c of golden.classification) {
    t.is(accuracyScore(c.y_true, c.y_pred), c.accuracy);
    const confusion = confusionMatrix(c.y_true, c.y_pred);
    t.is(confusion.dtype, 'int32');
    t.deepEqual(confusion.toArray(), c.confusion);
    for (const normalize of ['true', 'pred', 'all'] as const)
      t.true(near(confusionMatrix(c.y_true, c.y_pred, { normalize }), c[`confusion_${normalize}`]));
    for (const [key, expected] of Object.entries(c.prf)) {
      const [average, beta, zero] = key.split(' ');
      const scores = precisionRecallFscoreSupport(c.y_true, c.y_pred, {
        average: average === 'None' ? null : (average as 'micro'),
        beta: Number(beta),
        zeroDivision: Number(zero) as 0 | 1,
      });
      t.true(near(list({ ...scores }), expected), key);
    }
  }
});

test('classificationReport prints scikit-learn’s text and holds its numbers', (t) => {
  for (const c of golden.classification) {
    t.is(classificationReport(c.y_true, c.y_pred, { zeroDivision: 0 }), c.report);
    t.is(classificationReport(c.y_true, c.y_pred, { digits: 4, zeroDivision: 1 }), c.report4);
    t.true(near(classificationReport(c.y_true, c.y_pred, { output: 'dict', zeroDivision: 0 }), c.dict));
  }
  const { y_true, y_pred, labels, confusion, report } = golden.subset;
  const targetNames = ['seven', 'two', 'a class not seen'];
  t.is(classificationReport(y_true, y_pred, { labels, targetNames, zeroDivision: 0 }), report);
  t.deepEqual(confusionMatrix(y_true, y_pred, { labels }).toArray(), confusion);
});

test('binary, multi-label and weighted scores are scikit-learn’s', (t) => {
  const { binary, multilabel: m, weighted: w } = golden;
  const average = 'binary';
  t.true(near(list({ ...precisionRecallFscoreSupport(binary.y_true, binary.y_pred, { average }) }), binary.prf));
  t.true(
    near(
      list({ ...precisionRecallFscoreSupport(binary.y_true, binary.y_pred, { average, posLabel: 0 }) }),
      binary.prf0,
    ),
  );
  t.is(accuracyScore(m.y_true, m.y_pred), m.accuracy);
  t.is(classificationReport(m.y_true, m.y_pred), m.report);
  for (const name of ['samples', 'micro'] as const)
    t.true(near(list({ ...precisionRecallFscoreSupport(m.y_true, m.y_pred, { average: name }) }), m[name]));
  const sampleWeight = w.weights;
  t.true(near(accuracyScore(w.y_true, w.y_pred, { sampleWeight }), w.accuracy));
  t.true(near(confusionMatrix(w.y_true, w.y_pred, { sampleWeight }), w.confusion));
  t.is(classificationReport(w.y_true, w.y_pred, { sampleWeight }), w.report);
  t.is(accuracyScore([1, 2, 3], [1, 2, 0], { normalize: false }), 2);
});

// precision_recall_fscore_support(…, average='samples', sample_weight=[0.5, 0.125, 0], zero_division=…) of scikit-learn 1.9
test('a sample of weight 0 is no score of its own', (t) => {
  const [yTrue, yPred] = [
    [
      [0, 0, 0],
      [0, 0, 0],
      [1, 0, 0],
    ],
    [
      [0, 0, 0],
      [0, 1, 1],
      [1, 1, 1],
    ],
  ];
  for (const [zeroDivision, precision, recall, fscore] of [
    [0, 0, 0, 0],
    [1, 0.8, 1, 0.8],
    [Number.NaN, 0, Number.NaN, 0],
  ]) {
    const options = { average: 'samples', sampleWeight: [0.5, 0.125, 0], zeroDivision } as const;
    const scores = precisionRecallFscoreSupport(yTrue, yPred, options);
    t.deepEqual(scores, { precision, recall, fscore, support: null });
  }
});

test('logLoss is scikit-learn’s', (t) => {
  for (const { y_true, y_pred, options, value } of golden.log_loss) {
    const { sample_weight: sampleWeight, ...rest } = options;
    t.true(near(logLoss(y_true, y_pred, { sampleWeight, ...rest }), value));
  }
  t.is(logLoss([0, 1], new Float32Array([0, 1])), -Math.log(1 - 2 ** -23));
});

test('r2Score and meanSquaredError are scikit-learn’s', (t) => {
  for (const { y_true, y_pred, options, r2, mse, r2_by_variance } of golden.regression) {
    const { sample_weight: sampleWeight, ...rest } = options;
    t.true(near(r2Score(y_true, y_pred, { sampleWeight, ...rest }), r2));
    t.true(near(meanSquaredError(y_true, y_pred, { sampleWeight, ...rest }), mse));
    t.true(near(r2Score(y_true, y_pred, { sampleWeight, multioutput: 'varianceWeighted' }), r2_by_variance));
  }
  t.is(r2Score([2, 2], [2, 2]), 1);
  t.is(r2Score([2, 2], [2, 3]), 0);
});

test('undefined scores warn', async (t) => {
  const expected = [
    'Precision is ill-defined and being set to 0.0 in labels with no predicted samples. Use the zeroDivision option to control this behavior.',
    'Recall is ill-defined and being set to 0.0 due to no true samples. Use the zeroDivision option to control this behavior.',
    'R^2 score is not well-defined with less than two samples.',
  ];
  const seen = new Set<string>();
  const all = new Promise<void>((resolve) => {
    process.on('warning', ({ name, message }) => {
      if (name === 'UndefinedMetricWarning') seen.add(message);
      if (expected.every((text) => seen.has(text))) resolve();
    });
  });
  t.deepEqual(precisionRecallFscoreSupport([0, 1], [0, 0]).precision.toArray(), [0.5, 0]);
  t.is(precisionRecallFscoreSupport([0, 0], [0, 0], { average: 'binary' }).recall, 0);
  t.is(r2Score([1], [1]), Number.NaN);
  await all;
});

test('accuracy is the confusion matrix’ diagonal, and micro precision', (t) => {
  const pairs = fc.array(fc.tuple(fc.integer({ min: -2, max: 3 }), fc.integer({ min: -2, max: 3 })), {
    minLength: 1,
    maxLength: 50,
  });
  fc.assert(
    fc.property(pairs, fc.boolean(), (rows, asText) => {
      const [yTrue, yPred] = [0, 1].map((k) => rows.map((row) => row[k]));
      const read = (y: number[]) => (asText ? y.map((v) => `class ${v}`) : y);
      const matrix = confusionMatrix(read(yTrue), read(yPred)).toArray<number[][]>();
      const diagonal = matrix.reduce((sum, row, k) => sum + row[k], 0);
      t.is(accuracyScore(read(yTrue), read(yPred)), diagonal / rows.length);
      t.is(
        matrix.flat().reduce((a, b) => a + b, 0),
        rows.length,
      );
      const { precision } = precisionRecallFscoreSupport(yTrue, yPred, { average: 'micro' });
      t.is(precision, diagonal / rows.length);
    }),
    { numRuns: 50 },
  );
});

test('toCategorical puts one 1 in every row', (t) => {
  t.deepEqual(toCategorical([0, 2, 1]).toArray(), [
    [1, 0, 0],
    [0, 0, 1],
    [0, 1, 0],
  ]);
  t.deepEqual(toCategorical(new Uint8Array([1]), 3).toArray(), [[0, 1, 0]]);
  t.deepEqual(toCategorical([[1], [0]]).toArray(), [
    [0, 1],
    [1, 0],
  ]);
  t.is(toCategorical(new Int32Array([1])).dtype, 'float64');
  const cases: [() => unknown, string][] = [
    [() => toCategorical([0, 1.5]), 'Expected labels to hold integers >= 0, got 1.5 at row 1'],
    [() => toCategorical([0, 0, -1]), 'Expected labels to hold integers >= 0, got -1 at row 2'],
    [() => toCategorical([0, 3], 3), 'Expected labels to hold integers in [0, 3), got 3 at row 1'],
    [() => toCategorical([Number.NaN]), 'Expected labels to hold finite numbers, got NaN at row 0'],
    [() => toCategorical([]), 'Expected labels to hold labels, got shape [0]'],
    [() => toCategorical([[0, 1]]), 'Expected labels to hold one label a row, got shape [1, 2]'],
    [() => toCategorical([0], 0), 'Expected numClasses to be a positive integer, got 0 (number)'],
  ];
  for (const [f, message] of cases) t.throws(f, { instanceOf: RangeError, message });
  t.throws(() => toCategorical([0, 'a'] as never), { instanceOf: TypeError });
});

test('classes are sorted as NumPy sorts them: by value, and by code point', (t) => {
  t.deepEqual(encodeLabels('y', [10, 9, -1, 9]), { classes: [-1, 9, 10], codes: Int32Array.of(2, 1, 0, 1) });
  const { classes } = encodeLabels('y', ['\u{1f600}', 'b', '\ufffd', 'ab', 'B', 'a']);
  t.deepEqual(classes, ['B', 'a', 'ab', 'b', '\ufffd', '\u{1f600}']);
});

test('targets that do not fit are refused', (t) => {
  const cases: [() => unknown, string | RegExp][] = [
    [() => accuracyScore([1, 2], [1]), 'Expected yPred to have 2 rows, as yTrue has, got 1'],
    [
      () => accuracyScore([1, 2], [1, 0.5]),
      'Expected yPred to hold class labels (integers or strings), got 0.5 at row 1',
    ],
    [() => accuracyScore([1, Number.NaN], [1, 2]), 'Expected yTrue to hold finite numbers, got NaN at row 1'],
    [() => accuracyScore([], []), 'Expected yTrue to hold labels, got shape [0]'],
    [
      () => accuracyScore([[0, 1]], [[0, 2]]),
      'Expected yPred to hold rows of 0s and 1s (multi-label), got 2 at row 0, column 1',
    ],
    [() => accuracyScore([[0, 1]], [[0, 1, 1]]), 'Expected yPred to have shape [1, 2], as yTrue has, got [1, 3]'],
    [() => accuracyScore([1], [1], { sampleWeight: [1, 1] }), 'Expected sampleWeight to have 1 rows, got 2'],
    [
      () => accuracyScore([1], [1], { sampleWeight: [-1] }),
      'Expected sampleWeight[0] to be a non-negative number, got -1 (number)',
    ],
    [
      () => confusionMatrix([1], [1], { labels: [2] }),
      'Expected labels to be labels of which one occurs in yTrue, got Array(1)',
    ],
    [
      () => precisionRecallFscoreSupport([0, 1, 2], [0, 1, 2], { average: 'binary' }),
      /^Expected average to be other than 'binary'/,
    ],
    [
      () => precisionRecallFscoreSupport([0, 2], [0, 2], { average: 'binary' }),
      'Expected posLabel to be one of 0, 2, got 1 (number)',
    ],
    [
      () => precisionRecallFscoreSupport([0, 1], [0, 1], { beta: -1 }),
      'Expected beta to be a non-negative number, got -1 (number)',
    ],
    [
      () => precisionRecallFscoreSupport([0, 1], [0, 1], { zeroDivision: 2 as 1 }),
      "Expected zeroDivision to be 0, 1 or 'warn', got 2 (number)",
    ],
    [
      () => classificationReport([0, 1], [0, 1], { targetNames: ['a'] }),
      'Expected targetNames to be an array of 2 names, one a class, got Array(1)',
    ],
    [
      () => logLoss([1, 1], [0.5, 0.5]),
      'Expected yTrue to hold two classes or more (options.labels may name them), got 1',
    ],
    [
      () =>
        logLoss(
          [0, 1],
          [
            [1, 0, 0],
            [0, 1, 0],
          ],
        ),
      'Expected yPred to have a column for each of the 2 classes in yTrue, got 3',
    ],
    [() => logLoss([0, 3], [0.5, 0.5], { labels: [0, 1] }), 'Expected yTrue[1] to be one of labels, got 3 (number)'],
    [
      () =>
        r2Score(
          [1, 2],
          [
            [1, 2],
            [3, 4],
          ],
        ),
      'Expected yPred to have shape [2, 1], as yTrue has, got [2, 2]',
    ],
    [
      () => meanSquaredError([1, 2], [1, Number.POSITIVE_INFINITY]),
      'Expected yPred to hold finite numbers, got Infinity at row 1',
    ],
  ];
  for (const [f, message] of cases) t.throws(f, { instanceOf: RangeError, message });
  t.throws(() => accuracyScore(['a'], [1]), {
    instanceOf: TypeError,
    message: 'Expected yPred to be strings, as yTrue is, got Array(1)',
  });
  t.throws(() => accuracyScore([[0, 1]], [1]), { instanceOf: TypeError });
  t.throws(() => accuracyScore(['a', 1 as never], ['a', 'b']), { instanceOf: TypeError });
});
