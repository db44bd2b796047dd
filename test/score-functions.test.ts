import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import * as fjordnet from 'fjordnet';
import {
  averagePrecisionScore,
  balancedAccuracyScore,
  brierScoreLoss,
  calibrationCurve,
  classificationReport,
  cohenKappaScore,
  confusionMatrix,
  f1Score,
  fbetaScore,
  matthewsCorrcoef,
  maxError,
  meanAbsoluteError,
  NDArray,
  precisionRecallCurve,
  precisionScore,
  recallScore,
  rocAucScore,
  rocCurve,
  topKAccuracyScore,
} from 'fjordnet';
import { camelCase, silenceWarnings } from './helpers/sklearn.js';

silenceWarnings();
const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../test/fixtures/${name}.json`, import.meta.url), 'utf8'), (_, value) =>
    typeof value?.float === 'string' ? Number(value.float.replace('inf', 'Infinity')) : value,
  );

/** What calls warned of: the names of their warnings. */
async function heard<T>(run: () => T): Promise<[value: T, names: string[]]> {
  const names: string[] = [];
  const listen = ({ name }: Error) => names.push(name);
  process.on('warning', listen);
  try {
    const value = run();
    await new Promise(setImmediate); // warnings are emitted in the next tick
    return [value, [...new Set(names)].sort()];
  } finally {
    process.off('warning', listen);
  }
}

/** Equal to 1e-12, relative to numbers above 1. Curves are compared as lists of their arrays. */
function near(actual: unknown, expected: unknown): boolean {
  if (typeof actual === 'number' && typeof expected === 'number')
    return Object.is(actual, expected) || Math.abs(actual - expected) <= 1e-12 * Math.max(1, Math.abs(expected));
  if (actual instanceof NDArray) return near(actual.toArray(), expected);
  if (!Array.isArray(expected)) return actual === expected;
  const list = Array.isArray(actual) ? actual : Object.values(actual as object);
  return list.length === expected.length && list.every((value, i) => near(value, expected[i]));
}

const camel = (name: string) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const readOptions = (options: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(camelCase(options)).map(([name, value]) => [
      name,
      name === 'multioutput' && typeof value === 'string' ? camel(value) : value,
    ]),
  );

const cases = read('score-functions');
for (const name of new Set<string>(cases.flatMap((c: any) => c.calls.map((call: any) => call.name))))
  test.serial(`${camel(name)} gives, refuses and warns of what scikit-learn does`, async (t) => {
    const score = (fjordnet as any)[camel(name)];
    let [values, refusals] = [0, 0];
    for (const c of cases)
      for (const call of c.calls) {
        if (call.name !== name) continue;
        const args = name === 'max_error' ? [c.y_true, c.y_pred] : [c.y_true, c.y_pred, readOptions(call.options)];
        const label = JSON.stringify(args);
        if (call.refused) {
          t.throws(() => score(...args), { message: /^Expected / }, label);
          refusals++;
          continue;
        }
        const [value, names] = await heard(() => score(...args));
        if (!near(value, call.value))
          t.fail(`${label} gave ${JSON.stringify(value)}, not ${JSON.stringify(call.value)}`);
        t.deepEqual(names, call.warnings ?? [], label);
        values++;
      }
    t.true(values >= 10, `${values} values, ${refusals} refusals`);
  });

const golden = read('keras-scores');
const matrix = ({ data, shape }: { data: number[]; shape: number[] }) => NDArray.from(data, { shape });

test('scores of real predictions are those of the golden file', (t) => {
  const [p, a, c] = [matrix(golden.p), matrix(golden.a), matrix(golden.c)];
  const labels = golden.labels.data;
  const [binary, scores] = [golden.binary.data, golden.binary_p.data];
  const predicted = p.toArray<number[][]>().map((row) => row.indexOf(Math.max(...row)));
  const roc = rocCurve(binary, scores);
  const expected: Record<string, unknown> = {
    rocAucScore: rocAucScore(binary, scores),
    'rocAucScore ovr macro': rocAucScore(labels, p, { multiClass: 'ovr' }),
    averagePrecisionScore: averagePrecisionScore(binary, scores),
    balancedAccuracyScore: balancedAccuracyScore(labels, predicted),
    'f1Score macro': f1Score(labels, predicted, { average: 'macro' }),
    matthewsCorrcoef: matthewsCorrcoef(labels, predicted),
    meanAbsoluteError: meanAbsoluteError(a, c),
    brierScoreLoss: brierScoreLoss(binary, scores),
    rocCurve: [roc.fpr, roc.tpr],
    precisionRecallCurve: precisionRecallCurve(binary, scores),
  };
  const plain = (value: any): unknown => (value?.data ? value.data : Array.isArray(value) ? value.map(plain) : value);
  for (const [name, value] of Object.entries(expected)) t.true(near(value, plain(golden.scores[name])), name);
});

/** Labels of both classes, and a score with ties for each. */
const twoClasses = fc
  .array(fc.tuple(fc.boolean(), fc.integer({ min: -6, max: 6 })), { minLength: 2, maxLength: 40 })
  .filter((rows) => rows.some(([label]) => label) && rows.some(([label]) => !label))
  .map((rows) => ({ y: rows.map(([label]) => label), scores: rows.map(([, score]) => score) }));
const close = (a: number, b: number) => Math.abs(a - b) < 1e-12;

test('the area under the ROC curve asks for the order of scores alone, and is mirrored with them', (t) => {
  fc.assert(
    fc.property(twoClasses, ({ y, scores }) => {
      const area = rocAucScore(y, scores);
      t.is(rocAucScore(y, scores.map(Math.exp)), area);
      t.is(
        rocAucScore(
          y,
          scores.map((s) => s ** 3 + 2 * s - 5),
        ),
        area,
      );
      const mirrored = scores.map((s) => -s);
      t.true(close(rocAucScore(y, mirrored), 1 - area));
      const others = y.map((label) => !label);
      t.true(close(rocAucScore(others, mirrored), area));
      // the share of pairs in order, ties by half
      let [pairs, ordered] = [0, 0];
      y.forEach((a, i) => {
        y.forEach((b, j) => {
          if (!a || b) return;
          pairs++;
          ordered += scores[i] > scores[j] ? 1 : scores[i] === scores[j] ? 0.5 : 0;
        });
      });
      t.true(close(area, ordered / pairs));
    }),
    { numRuns: 100 },
  );
});

test('a weight of 2 is a sample twice, and a weight of 0 none', (t) => {
  const weighted = twoClasses.chain(({ y, scores }) =>
    fc
      .array(fc.integer({ min: 0, max: 2 }), { minLength: y.length, maxLength: y.length })
      .filter((w) => [true, false].every((label) => y.some((l, i) => l === label && w[i] > 0)))
      .map((sampleWeight) => ({ y, scores, sampleWeight })),
  );
  fc.assert(
    fc.property(weighted, ({ y, scores, sampleWeight }) => {
      const repeat = <T>(values: T[]) => values.flatMap((v, i) => new Array<T>(sampleWeight[i]).fill(v));
      const [y2, scores2] = [repeat(y), repeat(scores)];
      const equal = (a: object, b: object) =>
        Object.entries(a).forEach(([name, values]) => t.true(near(values, (b as any)[name].toArray()), name));
      equal(rocCurve(y, scores, { sampleWeight }), rocCurve(y2, scores2));
      equal(precisionRecallCurve(y, scores, { sampleWeight }), precisionRecallCurve(y2, scores2));
      t.true(close(rocAucScore(y, scores, { sampleWeight, maxFpr: 0.4 }), rocAucScore(y2, scores2, { maxFpr: 0.4 })));
      const predicted = scores.map((s) => s > 0);
      t.true(close(matthewsCorrcoef(y, predicted, { sampleWeight }), matthewsCorrcoef(y2, repeat(predicted))));
      t.true(near(cohenKappaScore(y, predicted, { sampleWeight }), cohenKappaScore(y2, repeat(predicted))));
      const p = scores.map((s) => (s + 6) / 12);
      t.true(close(brierScoreLoss(y, p, { sampleWeight }), brierScoreLoss(y2, repeat(p))));
    }),
    { numRuns: 60 },
  );
});

test('curves are monotonic, and hold the scores of every threshold', (t) => {
  fc.assert(
    fc.property(twoClasses, ({ y, scores }) => {
      const { fpr, tpr, thresholds } = rocCurve(y, scores, { dropIntermediate: false });
      const pr = precisionRecallCurve(y, scores);
      t.deepEqual(
        [fpr.length, tpr.length, pr.thresholds.length],
        [...new Array(2).fill(thresholds.length), thresholds.length - 1],
      );
      Array.from(pr.thresholds.data).forEach((threshold, i) => {
        const predicted = scores.map((s) => s >= threshold);
        t.is(pr.precision.data[i], precisionScore(y, predicted));
        t.is(pr.recall.data[i], recallScore(y, predicted));
        const at = thresholds.data.indexOf(threshold);
        t.is(tpr.data[at], recallScore(y, predicted));
        t.is(close(fpr.data[at], 1 - recallScore(y, predicted, { posLabel: false })), true);
      });
    }),
    { numRuns: 60 },
  );
});

test('bins of a calibration curve hold all samples', (t) => {
  const p = [0, 0.1, 0.2, 0.25, 0.6, 0.75, 1];
  const y = ['n', 'n', 'y', 'n', 'y', 'n', 'y'];
  t.throws(() => calibrationCurve(y, p, { posLabel: 'y', nBins: 1e9 }), {
    message: /in \[1, 1000000\], got 1000000000/,
  });
  t.deepEqual(confusionMatrix(['a', 'b'], ['a', 'a'], { normalize: null }).toArray(), [
    [1, 0],
    [1, 0],
  ]);
  const { probTrue, probPred } = calibrationCurve(y, p, { posLabel: 'y', nBins: 2 });
  t.deepEqual(probTrue.toArray(), [1 / 4, 2 / 3]);
  t.true(near(probPred, [0.55 / 4, 2.35 / 3]));
  t.is(topKAccuracyScore([0, 1], [0.2, 0.7], { k: 1 }), 1);
  t.is(maxError([1, 2], [1, 4.5]), 2.5);
});

test('what scores cannot be taken of is refused in a sentence', (t) => {
  const thirds = [
    [0.2, 0.3, 0.5],
    [0.4, 0.3, 0.3],
    [0.1, 0.8, 0.1],
  ];
  const cases: [() => unknown, string][] = [
    [
      () => rocCurve(['a', 'b'], [0, 1]),
      "Expected posLabel to be one of 'a', 'b', as yTrue does not hold 0 and 1, or -1 and 1, got undefined",
    ],
    [() => rocCurve([0, 1], [0, 1, 2]), 'Expected yScore to have 2 rows, as yTrue has, got 3'],
    [
      () => rocCurve([0, 1, 0], thirds),
      'Expected yScore to be one number a row, the score of the positive class, got shape [3, 3]',
    ],
    [() => rocAucScore([0, 1], [0, Number.NaN]), 'Expected yScore to hold finite numbers, got NaN at row 1'],
    [
      () => rocAucScore([0, 1, 2], thirds),
      "Expected multiClass to be 'ovr' or 'ovo' for more than two classes, got undefined",
    ],
    [
      () => rocAucScore([0, 1, 2], [[1, 1, 1], ...thirds.slice(1)], { multiClass: 'ovr' }),
      'Expected yScore to hold probabilities, rows of the sum 1, got a sum of 3 at row 0',
    ],
    [
      () => rocAucScore([0, 1, 1], thirds, { multiClass: 'ovr' }),
      'Expected yScore to have a column for each of the 2 classes in yTrue, got 3',
    ],
    [() => rocAucScore([0, 1], [0, 1], { maxFpr: 0 }), 'Expected maxFpr to be a number in (0, 1], got 0 (number)'],
    [
      () => f1Score([0, 1, 2], [0, 1, 2]),
      "Expected average to be other than 'binary' for many classes, got 'binary' (string)",
    ],
    [() => f1Score(['a', 'b'], ['a', 'b']), "Expected posLabel to be one of 'a', 'b', got 1 (number)"],
    [() => fbetaScore([0, 1], [0, 1], {} as never), 'Expected beta to be a non-negative number, got undefined'],
    [
      () => brierScoreLoss([0, 1, 2], [0.5, 0.5, 0.5]),
      'Expected yTrue to be labels of two classes, as yProba has one column, and not 0, 1, 2, got Array(3)',
    ],
    [() => brierScoreLoss([0, 1], [0.5, 1.5]), 'Expected yProba to hold probabilities in [0, 1], got 1.5 at row 1'],
    [() => maxError([[1, 2]], [[1, 2]]), 'Expected yTrue to be numbers of one output, got shape [1, 2]'],
  ];
  for (const [f, message] of cases) t.throws(f, { message });
});

test('reports and F-scores take as many classes as there are rows', (t) => {
  const n = 150_000; // more than a call may have arguments
  const labels = Int32Array.from({ length: n }, (_, i) => i);
  const shifted = labels.map((label) => (label < n / 2 ? label : n / 2));
  t.is(f1Score(labels, labels, { average: 'macro' }), 1);
  t.is(f1Score(labels, labels, { average: 'micro', labels: labels.toReversed() }), 1);
  const lines = classificationReport(labels, shifted, { zeroDivision: 0 }).split('\n');
  t.is(lines.length, n + 7);
  t.regex(lines[n + 3], /^ +accuracy +0\.50 +150000$/);
});

test.serial('scores are sorted as numbers, equals stay in the order of their rows', (t) => {
  const typed = Object.getPrototypeOf(Int32Array.prototype) as {
    sort(compare?: (a: number, b: number) => number): unknown;
  };
  const { sort } = typed;
  let compared = 0;
  typed.sort = function (compare) {
    if (compare) compared++;
    return sort.call(this, compare);
  };
  try {
    const n = 1000;
    const labels = Int32Array.from({ length: n }, (_, i) => Number(i % 3 === 0));
    const scores = Float64Array.from({ length: n }, (_, i) => ((i * 7919) % 64) * (i % 2 ? -0.5 : 0.5));
    const weights = Float64Array.from({ length: n }, (_, i) => 0.1 * (i % 5));
    const { tpr, thresholds } = rocCurve(labels, scores, { sampleWeight: weights, dropIntermediate: false });
    const rows = [...labels.keys()].filter((i) => weights[i] !== 0).sort((i, j) => scores[j] - scores[i]);
    let sum = 0;
    const sums = new Map<number, number>();
    for (const i of rows) {
      sum += labels[i] * weights[i];
      sums.set(scores[i], sum);
    }
    t.deepEqual([...thresholds.data].slice(1), [...sums.keys()]);
    t.deepEqual(
      [...tpr.data].slice(1),
      Array.from(sums.values(), (each) => each / sum),
    );
  } finally {
    typed.sort = sort;
  }
  t.is(compared, 0);
});
