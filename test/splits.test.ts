import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import {
  KFold,
  mismatchSplit,
  NDArray,
  RandomState,
  StratifiedKFold,
  StratifiedShuffleSplit,
  trainTestSplit,
  trainValidationTestSplit,
} from 'fjordnet';

const golden = JSON.parse(readFileSync(new URL('../test/fixtures/splits.json', import.meta.url), 'utf8'));

/** scikit-learn's option names in ours. */
const options = (snake: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(snake).map(([k, v]) => [k.replace(/_(.)/g, (_, c) => c.toUpperCase()), v]));
const range = (n: number) => Int32Array.from({ length: n }, (_, i) => i);
const lists = (splits: Iterable<NDArray[]>) =>
  Array.from(splits, (parts) => parts.map((part) => Array.from(part.data)));

test('KFold deals the rows as scikit-learn does', (t) => {
  for (const { n, options: kw, folds } of golden.kfold)
    t.deepEqual(lists(new KFold(options(kw)).split(range(n))), folds);
  const randomState = new RandomState(3);
  const folds = new KFold({ nSplits: 4, shuffle: true, randomState });
  t.deepEqual([lists(folds.split(range(10))), lists(folds.split(range(10)))], golden.kfold_one_generator);
});

test('StratifiedKFold deals the rows as scikit-learn does', (t) => {
  for (const { y, options: kw, folds } of golden.stratified_kfold)
    t.deepEqual(lists(new StratifiedKFold(options(kw)).split(range(y.length), y)), folds);
});

test('StratifiedShuffleSplit draws the rows that scikit-learn draws', (t) => {
  for (const { y, options: kw, folds } of golden.stratified_shuffle_split)
    t.deepEqual(lists(new StratifiedShuffleSplit(options(kw)).split(range(y.length), y)), folds);
});

test('trainTestSplit draws the rows that scikit-learn draws', (t) => {
  for (const { n, stratify, options: kw, parts } of golden.train_test_split)
    t.deepEqual(lists([trainTestSplit([range(n)], { ...options(kw), stratify: stratify ?? undefined })])[0], parts);
});

test('trainTestSplit splits several arrays alike, keeps dtypes, and copies', (t) => {
  const x = NDArray.from(range(20), { shape: [10, 2], dtype: 'float32' });
  const names = Array.from('abcdefghij');
  const [xTrain, xTest, nTrain, nTest, kTrain] = trainTestSplit([x, names, range(10)] as const, {
    testSize: 0.3,
    randomState: 5,
  });
  t.deepEqual([...xTrain.shape, ...xTest.shape], [7, 2, 3, 2]);
  t.is(xTrain.dtype, 'float32');
  t.is(kTrain.dtype, 'int32');
  t.deepEqual(
    Array.from(kTrain.data, (i) => names[i]),
    nTrain,
  );
  t.deepEqual(
    Array.from(kTrain.data, (i) => 2 * i),
    xTrain.toArray<number[][]>().map((row) => row[0]),
  );
  t.deepEqual([...nTrain, ...nTest].sort(), names);
  xTrain.data.fill(-1);
  t.is(x.data[0], 0);
});

test('trainValidationTestSplit is trainTestSplit twice on one generator', (t) => {
  for (const { n, seed, stratify, parts } of golden.three_way) {
    const [train, validation, test] = parts as number[][];
    const drawn = trainValidationTestSplit([range(n)], {
      testSize: test.length / n - 1e-9,
      validationSize: validation.length,
      randomState: seed,
      stratify: stratify ?? undefined,
    });
    t.deepEqual(lists([drawn])[0], [train, validation, test]);
  }
  const [a, b, c, d] = trainValidationTestSplit([range(10), range(10)], { shuffle: false });
  t.deepEqual(lists([[a, b, c, d]])[0], [
    [0, 1, 2, 3, 4, 5],
    [6, 7],
    [8, 9],
    [0, 1, 2, 3, 4, 5],
  ]);
});

test('mismatchSplit holds a validation set out of each side', (t) => {
  const [train, test] = [range(20), range(9).map((i) => i + 100)];
  const parts = lists([mismatchSplit([train], [test], { randomState: 4 })])[0];
  t.deepEqual(
    parts.map((part) => part.length),
    [16, 4, 5, 4],
  );
  const random = new RandomState(4);
  const [a, b] = trainTestSplit([train], { testSize: 4, randomState: random });
  const [d, c] = trainTestSplit([test], { testSize: 5, randomState: random });
  t.deepEqual(parts, lists([[a, b, c, d]])[0]);
  const labels = (n: number) => Array.from({ length: n }, (_, i) => i % 2);
  const stratified = mismatchSplit([labels(20)], [labels(8)], { stratify: [labels(20), labels(8)], randomState: 0 });
  t.deepEqual(
    lists([stratified])[0].map((part) => part.reduce((p, q) => p + q)),
    [8, 2, 2, 2],
  );
  t.throws(() => mismatchSplit([train, train], [test] as never), {
    message: /^Expected testArrays to be an array of length 2/,
  });
});

test('every row is in one part, whatever the sizes', (t) => {
  const sizes = fc.record({
    n: fc.integer({ min: 3, max: 60 }),
    share: fc.double({ min: 0.1, max: 0.6, noNaN: true }),
    seed: fc.nat(1000),
  });
  fc.assert(
    fc.property(sizes, ({ n, share, seed }) => {
      const [train, test] = trainTestSplit([range(n)], { testSize: share, randomState: seed });
      t.is(test.length, Math.ceil(share * n));
      t.deepEqual(
        [...train.data, ...test.data].sort((a, b) => a - b),
        [...range(n)],
      );
      const folds = lists(new KFold({ nSplits: 3, shuffle: true, randomState: seed }).split(range(n)));
      t.deepEqual(
        folds.flatMap(([, fold]) => fold).sort((a, b) => a - b),
        [...range(n)],
      );
      for (const [rest, fold] of folds) t.is(new Set([...rest, ...fold]).size, n);
    }),
    { numRuns: 50 },
  );
});

test('stratified folds differ by at most one member of any class', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 3, maxLength: 40 }), fc.nat(99), (tail, seed) => {
      const y = [0, 0, 0, 1, 1, 1, 2, 2, 2, ...tail];
      const folds = lists(new StratifiedKFold({ nSplits: 3, shuffle: true, randomState: seed }).split(y, y));
      for (const label of [0, 1, 2]) {
        const counts = folds.map(([, fold]) => fold.filter((row) => y[row] === label).length);
        t.true(Math.max(...counts) - Math.min(...counts) <= 1);
      }
    }),
    { numRuns: 50 },
  );
});

test('classes may have any number of members, and there may be any number of classes', (t) => {
  const n = 400_000;
  const [train, held] = trainTestSplit([range(n)], { testSize: 0.25, stratify: new Int32Array(n), randomState: 0 });
  const seen = new Uint8Array(n);
  for (const row of [...train.data, ...held.data]) seen[row]++;
  t.deepEqual([train.length, held.length], [300_000, 100_000]);
  t.true(seen.every((times) => times === 1));
  t.throws(() => new StratifiedKFold({ nSplits: 2 }).split(range(n), range(n)), {
    instanceOf: RangeError,
    message: 'Expected nSplits to be at most the number of members of some class in y, 1, got 2 (number)',
  });
});

test('bad sizes, lengths and labels are refused', (t) => {
  const share = 'a share in (0, 1) or an integer in [1, 9]';
  const cases: [() => unknown, string | RegExp][] = [
    [() => trainTestSplit([range(10)], { testSize: 10 }), `Expected testSize to be ${share}, got 10 (number)`],
    [() => trainTestSplit([range(10)], { testSize: 0 }), `Expected testSize to be ${share}, got 0 (number)`],
    [() => trainTestSplit([range(10)], { testSize: 1.5 }), `Expected testSize to be ${share}, got 1.5 (number)`],
    [() => trainTestSplit([range(10)], { trainSize: -3 }), `Expected trainSize to be ${share}, got -3 (number)`],
    [
      () => trainTestSplit([range(10)], { trainSize: 0.8, testSize: 0.3 }),
      /^Expected trainSize \+ testSize to be at most all of the 10 rows, got 1.1/,
    ],
    [
      () => trainTestSplit([range(10)], { trainSize: 8, testSize: 3 }),
      'Expected trainSize + testSize to be at most all of the 10 rows, got 11 (number)',
    ],
    [
      () => trainTestSplit([range(1)]),
      'Expected testSize to be a size that leaves rows to train on out of 1, got 0.25 (number)',
    ],
    [() => trainTestSplit([]), 'Expected arrays to be one array or more, got Array(0)'],
    [() => trainTestSplit([range(3), range(4)]), 'Expected arrays[1] to have 3 rows, got 4'],
    [() => trainTestSplit([range(4)], { stratify: [0, 0, 1] }), 'Expected stratify to have 4 rows, got 3'],
    [
      () => trainTestSplit([range(4)], { stratify: [0, 0, 0, 1] }),
      'Expected stratify to hold every class at least twice, got class 1 once',
    ],
    [
      () => trainTestSplit([range(6)], { stratify: [0, 0, 1, 1, 2, 2] }),
      'Expected the test set to have a row for each of the 3 classes, got 2',
    ],
    [
      () => trainTestSplit([range(4)], { stratify: [0, 0, 1, 1], shuffle: false }),
      'Expected stratify to be undefined when shuffle is false, got Array(4)',
    ],
    [
      () => trainValidationTestSplit([range(10)], { validationSize: 5, testSize: 5 }),
      /^Expected the sum of the sizes to be rows for every set out of 10/,
    ],
    [() => new KFold({ nSplits: 1 }), 'Expected nSplits to be an integer >= 2, got 1 (number)'],
    [
      () => new KFold({ nSplits: 3 }).split([1, 2]),
      'Expected nSplits to be at most the number of rows, 2, got 3 (number)',
    ],
    [() => new KFold({ randomState: 1 }), 'Expected randomState to be undefined when shuffle is false, got 1 (number)'],
    [
      () => new StratifiedKFold({ nSplits: 3 }).split(range(4), [0, 0, 1, 1]),
      'Expected nSplits to be at most the number of members of some class in y, 2, got 3 (number)',
    ],
    [
      () => new StratifiedKFold({ nSplits: 2 }).split(range(4), [0, 0, 1, 0.5]),
      'Expected y to be class labels (integers or strings), got 0.5 (number)',
    ],
    [() => new StratifiedKFold({ nSplits: 2 }).split(range(4), [0, 0]), 'Expected y to have 4 rows, got 2'],
    [() => new StratifiedShuffleSplit({ nSplits: 0 }), 'Expected nSplits to be a positive integer, got 0 (number)'],
  ];
  for (const [f, message] of cases) t.throws(f, { instanceOf: RangeError, message });
  t.throws(() => trainTestSplit(range(3) as never), { instanceOf: TypeError });
  for (const y of [range(4), NDArray.from(range(4))])
    t.throws(() => trainTestSplit(range(4) as never, y as never), {
      instanceOf: TypeError,
      message: /^Expected options to be an object, behind the list of all arrays, got /,
    });
  t.throws(() => trainTestSplit([range(4)], { randomState: 'a' as never }), { instanceOf: TypeError });
  t.throws(() => trainTestSplit([range(4)], { testSise: 1 } as object), { message: /did you mean 'testSize'/ });
});

test('StratifiedKFold warns of a class with fewer members than folds', async (t) => {
  const expected = 'The least populated class in y has only 1 members, which is less than nSplits=3.';
  const warned = new Promise((resolve) => {
    process.on('warning', ({ name, message }) => message === expected && resolve(name));
  });
  new StratifiedKFold({ nSplits: 3 }).split(range(4), ['a', 'a', 'a', 'b']);
  t.is(await warned, 'UserWarning');
});
