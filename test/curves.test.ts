import test, { type ExecutionContext } from 'ava';
import {
  crossValScore,
  KFold,
  learningCurve,
  MLPClassifier,
  makePipeline,
  type NDArray,
  RandomState,
  StandardScaler,
  validationCurve,
} from 'fjordnet';
import { classifier, golden, letters, numbers, regressor, small, x, y } from './helpers/cross-validated.js';
import { onRanks } from './helpers/ranks-in-memory.js';
import { silenceWarnings } from './helpers/sklearn.js';

silenceWarnings();

function near(t: ExecutionContext, actual: NDArray, expected: number[][]): void {
  t.deepEqual([...actual.shape], [expected.length, expected[0].length]);
  expected.flat().forEach((value, i) => {
    t.true(Math.abs(actual.data[i] - value) <= 1e-9 * Math.max(1, Math.abs(value)), `${actual.data[i]}, ${value}`);
  });
}

test('learningCurve has the rows and scores of learning_curve', async (t) => {
  const shuffled = new KFold({ nSplits: 4, shuffle: true, randomState: 3 });
  const randomState = new RandomState(5);
  const curves = [
    await learningCurve(classifier, x, y, { cv: 3 }),
    await learningCurve(regressor, x, numbers, {
      cv: shuffled,
      trainSizes: [60, 20, 111],
      shuffle: true,
      randomState: 4,
    }),
    await learningCurve(classifier, x, letters, {
      ...{ cv: 3, trainSizes: [0.5, 1], shuffle: true, randomState, scoring: 'f1_macro', threads: 1 },
    } as const),
  ];
  for (const [i, curve] of curves.entries()) {
    t.deepEqual(curve.trainSizes, golden.learning[i].trainSizes);
    near(t, curve.trainScores, golden.learning[i].trainScores);
    near(t, curve.testScores, golden.learning[i].testScores);
    t.true([...curve.fitTimes.data, ...curve.scoreTimes.data].every((seconds) => seconds > 0));
  }
  const [sizes] = [(await learningCurve(classifier, x, y, { cv: 3, trainSizes: [0.01, 0.012, 1] })).trainSizes];
  t.deepEqual(sizes, [1, 100]);
});

test('validationCurve has the scores of validation_curve', async (t) => {
  const options = { paramName: 'alpha', paramRange: [1e-3, 1, 30], cv: 3 };
  const curve = await validationCurve(classifier, x, y, options);
  near(t, curve.trainScores, golden.validation.trainScores);
  near(t, curve.testScores, golden.validation.testScores);
  const scaled = makePipeline(new StandardScaler(), classifier);
  const inner = await validationCurve(scaled, x, y, { ...options, paramName: 'mlpclassifier__alpha' });
  const last = scaled.clone().setParams({ mlpclassifier__alpha: 30 });
  t.deepEqual(inner.testScores.toArray<number[][]>()[2], await crossValScore(last, x, y, { cv: 3 }));
});

test('over ranks curves are those of one process', async (t) => {
  const options = { cv: 3, trainSizes: [0.5, 1], shuffle: true, randomState: 2 };
  const alpha = { paramName: 'alpha', paramRange: [1e-3, 30], cv: 3 };
  const { testScores, trainSizes } = await learningCurve(classifier, x, y, options);
  const stiffer = await validationCurve(classifier, x, y, alpha);
  for (const [more, own] of await onRanks(2, async (distributed) => [
    await learningCurve(classifier, x, y, { ...options, distributed }),
    await validationCurve(classifier, x, y, { ...alpha, distributed }),
  ])) {
    t.deepEqual([more.testScores, (more as any).trainSizes], [testScores, trainSizes]);
    t.deepEqual([own.trainScores, own.testScores], [stiffer.trainScores, stiffer.testScores]);
  }
});

test('curves that cannot be are refused, and a signal stops them', async (t) => {
  const learn = (options: object) => learningCurve(classifier, x, y, { cv: 3, ...options });
  const validate = (options: object) =>
    validationCurve(classifier, x, y, { paramName: 'alpha', paramRange: [1], cv: 3, ...options });
  const refused: [() => Promise<unknown>, RegExp][] = [
    [() => learn({ trainSizes: [] }), /^Expected trainSizes to be one size or more, got shape \[0\]$/],
    [
      () => learn({ trainSizes: [0.5, 20] }),
      /^Expected trainSizes\[1\] to be a share in \(0, 1\], as the first one is/,
    ],
    [() => learn({ trainSizes: [20, 0.5] }), /^Expected trainSizes\[1\] to be an integer >= 2/],
    [() => learn({ trainSizes: [0] }), /^Expected trainSizes\[0\] to be a share/],
    [() => learn({ trainSizes: [101] }), /^Expected trainSizes to be at most the rows of a training set, 100, got 101/],
    [() => learn({ randomState: 1 }), /^Expected randomState to be undefined when shuffle is false/],
    [() => learn({ scoring: ['accuracy'] }), /^Expected scoring to be a function/],
    [() => validate({ paramName: 3 }), /^Expected paramName to be the name of a parameter/],
    [() => validate({ paramName: 'alfa' }), /alfa/],
    [() => validate({ paramRange: [] }), /^Expected paramRange to be an array of one value or more/],
    [
      () => validationCurve((() => classifier) as never, x, y, { paramName: 'alpha', paramRange: [1] }),
      /^Expected estimator to be an estimator or a Pipeline/,
    ],
  ];
  for (const [call, message] of refused) await t.throwsAsync(call(), { message });
  const endless = new MLPClassifier({ ...small, maxIter: 1e6, tol: 0, nIterNoChange: Number.POSITIVE_INFINITY });
  const soon = () => ({ signal: AbortSignal.timeout(30) });
  await t.throwsAsync(learningCurve(endless, x, y, soon()), { code: 'ERR_ABORTED' });
  await t.throwsAsync(validationCurve(endless, x, y, { paramName: 'alpha', paramRange: [1], ...soon() }), {
    code: 'ERR_ABORTED',
  });
});
