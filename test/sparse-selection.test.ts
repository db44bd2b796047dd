// Sparse rows in splits, cross-validation and searches: what the same rows give that are taken by hand.
import test from 'ava';
import fc from 'fast-check';
import {
  type CSRMatrix,
  crossValidate,
  crossValPredict,
  crossValScore,
  GridSearchCV,
  KFold,
  learningCurve,
  MLPClassifier,
  MLPRegressor,
  NDArray,
  permutationImportance,
  RandomState,
  ShuffleSplit,
  StratifiedKFold,
  trainTestSplit,
} from 'fjordnet';

/** Rows of which a third is stored, in any order, some places twice. */
function sparse(r: RandomState, n: number, width: number, dtype: 'float64' | 'float32' = 'float64') {
  const [data, indices, indptr]: number[][] = [[], [], [0]];
  const whole = NDArray.zeros([n, width], dtype);
  for (let i = 0; i < n; i++) {
    const stored = r.randint(0, width, r.randint(0, Math.ceil(width / 2) + 1)).data;
    for (const column of stored) {
      const value = Math.fround(r.randn(1).data[0]);
      data.push(value);
      indices.push(column);
      whole.data[i * width + column] += value;
    }
    indptr.push(data.length);
  }
  const values = dtype === 'float32' ? Float32Array.from(data) : data;
  return { whole, rows: { data: values, indices, indptr, shape: [n, width] } satisfies CSRMatrix };
}

/** A sparse matrix with its zeros. */
function filled({ data, indices, indptr, shape }: CSRMatrix): number[][] {
  const [values, columns, from] = [data, indices, indptr].map((x) => Array.from(x as ArrayLike<number>));
  return Array.from({ length: shape[0] }, (_, i) => {
    const row = new Array(shape[1]).fill(0);
    for (let k = from[i]; k < from[i + 1]; k++) row[columns[k]] += values[k];
    return row;
  });
}

test('trainTestSplit takes the rows that it takes of the same matrix with its zeros', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 1, max: 9 }), fc.nat(1000), (n, width, seed) => {
      const { whole, rows } = sparse(new RandomState(seed), n, width);
      const [a, b] = trainTestSplit([rows], { randomState: seed });
      const [c, d] = trainTestSplit([whole], { randomState: seed });
      t.deepEqual(filled(a), c.toArray());
      t.deepEqual(filled(b), d.toArray());
    }),
    { numRuns: 40, seed: 2 },
  );
  const { rows } = sparse(new RandomState(1), 6, 3, 'float32');
  const [train] = trainTestSplit([rows], { shuffle: false });
  t.true(train.data instanceof Float32Array);
  t.deepEqual(train.shape, [4, 3]);
});

test('splitters deal sparse rows, and tables', (t) => {
  const { rows, whole } = sparse(new RandomState(2), 11, 3);
  const table = { a: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] };
  const y = rows.indptr.slice(1).map((k) => k % 2);
  for (const splitter of [
    new KFold({ nSplits: 3 }),
    new ShuffleSplit({ randomState: 1 }),
    new StratifiedKFold({ nSplits: 2 }),
  ]) {
    const of = (x: any) => [...(splitter as KFold & StratifiedKFold).split(x, y)].flat().map((part) => part.toArray());
    t.deepEqual(of(rows), of(whole));
    t.deepEqual(of(table), of(whole));
  }
});

test('cross-validation and curves train and score on sparse rows', async (t) => {
  for (const dtype of ['float64', 'float32'] as const) {
    const r = new RandomState(3);
    const { rows, whole } = sparse(r, 60, 7, dtype);
    const y = r.randint(0, 3, 60);
    for (const solver of ['adam', 'lbfgs'] as const) {
      const model = () =>
        new MLPClassifier({
          hiddenLayerSizes: [6],
          solver,
          maxIter: 8,
          tol: 1e9,
          randomState: 1,
          earlyStopping: false,
        });
      const byHand: number[] = [];
      const predicted = new Array(60);
      for (const [train, test] of new StratifiedKFold({ nSplits: 3 }).split(whole, y)) {
        const take = (part: NDArray) => {
          const lists = Array.from(part.data, (i: number) => [
            Array.from(rows.data).slice(rows.indptr[i], rows.indptr[i + 1]),
            rows.indices.slice(rows.indptr[i], rows.indptr[i + 1]),
          ]);
          const indptr = [0];
          for (const [values] of lists) indptr.push((indptr.at(-1) as number) + values.length);
          const values = lists.flatMap(([v]) => v);
          const data = dtype === 'float32' ? Float32Array.from(values) : values;
          return { data, indices: lists.flatMap(([, c]) => c), indptr, shape: [part.size, 7] };
        };
        const one = await model().fit(take(train), y.take(train));
        byHand.push(one.score(take(test), y.take(test)));
        const labels = (one.predict(take(test)) as NDArray).data;
        test.data.forEach((row: number, i: number) => {
          predicted[row] = labels[i];
        });
      }
      t.deepEqual(await crossValScore(model(), rows, y, { cv: 3 }), byHand);
      t.deepEqual(Array.from((await crossValidate(model(), rows, y, { cv: 3 })).testScore as any), byHand);
      t.deepEqual(((await crossValPredict(model(), rows, y, { cv: 3 })) as NDArray).toArray(), predicted);
      const curve = await learningCurve(model(), rows, y, { cv: 3, trainSizes: [0.5, 1] });
      t.deepEqual(Array.from(curve.testScores.data.slice(3)), byHand);
    }
  }
});

test('a search of sparse rows finds what one of dense rows finds, and predicts either', async (t) => {
  const r = new RandomState(5);
  const { rows, whole } = sparse(r, 50, 5);
  const y = r.randn(50);
  const search = () =>
    new GridSearchCV({
      estimator: new MLPRegressor({ hiddenLayerSizes: [4], maxIter: 20, tol: 1e9, randomState: 2 }),
      grid: { alpha: [1e-4, 10], learningRateInit: [0.001, 0.1] },
      cv: 4,
    });
  const [a, b] = [await search().fit(rows, y), await search().fit(whole, y)];
  t.deepEqual(a.bestParams, b.bestParams);
  t.deepEqual(a.bestScore, b.bestScore);
  t.deepEqual((a.predict(rows) as NDArray).toArray(), (b.predict(whole) as NDArray).toArray());
  t.is(await a.score(rows, y), await b.score(whole, y));
  const [of, same] = [
    await permutationImportance(a.bestEstimator, rows, y, { randomState: 1 }),
    await permutationImportance(a.bestEstimator, whole, y, { randomState: 1 }),
  ];
  t.deepEqual(of.importances.toArray(), same.importances.toArray());
});

test('what is no sparse matrix is told before anything is trained', async (t) => {
  const { rows } = sparse(new RandomState(6), 8, 3);
  const wrong = { ...rows, indptr: rows.indptr.slice(1) };
  const message = 'Expected x.indptr to hold 9 numbers, one more than rows, got 8';
  await t.throwsAsync(crossValScore(new MLPClassifier(), wrong, [0, 1, 0, 1, 0, 1, 0, 1], { cv: 2 }), { message });
  t.throws(() => new KFold().split(wrong), { message });
  t.throws(() => trainTestSplit([wrong]), { message: message.replace('x.', 'arrays[0].') });
  await t.throwsAsync(crossValScore(new MLPClassifier(), rows, [0, 1], { cv: 2 }), {
    message: 'Expected y to have 8 rows, got 2',
  });
});
