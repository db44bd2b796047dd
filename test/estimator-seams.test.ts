// What lies between estimators and what is around them: classes that are told apart, names of columns, transformers of a training
// that failed, parameters that change while a fit waits, sparse samples.
import test from 'ava';
import {
  BernoulliRBM,
  KMeans,
  MaxAbsScaler,
  MLPClassifier,
  MLPRegressor,
  NDArray,
  OrdinalEncoder,
  Perceptron,
  Pipeline,
  Predictor,
  RandomState,
  RBFClassifier,
  RBFRegressor,
  rocAucScore,
  StandardScaler,
} from 'fjordnet';

const quietly = { maxIter: 3 };
/** Of scikit-learn 1.9.1. */
const SPARSE = {
  none: { coef: [1.0, 0.0, 2.0], intercept: [0.01] },
  l1: { coef: [0.85, 0.0, 1.84], intercept: [0.01] },
  l2: { coef: [0.8600583546412883, 0.0, 1.7201167092825767], intercept: [0.01] },
};

test('a Perceptron tells all classes apart, not only those that a message shows', (t) => {
  const classes = [...Array(12).keys()];
  const x = classes.map((c) => [c, c * c]);
  const warm = new Perceptron({ warmStart: true, ...quietly }).fitSync(x, classes);
  const others = classes.map((c) => (c < 10 ? c : c + 100));
  t.throws(() => warm.fitSync(x, others), { message: /^Expected y to hold the classes of the last fit/ });
  const partial = new Perceptron().partialFit(x, classes, classes);
  for (const given of [classes.slice(0, 11), [...classes, 12]])
    t.throws(() => partial.partialFit(x.slice(0, 11), classes.slice(0, 11), given), {
      message: /^Expected classes to be those of the earlier calls/,
    });
  const long = 'a'.repeat(50);
  const named = new Perceptron().partialFit([[0], [1]], [`${long}1`, `${long}2`], [`${long}1`, `${long}2`]);
  t.throws(() => named.partialFit([[0], [1]], [`${long}1`, `${long}3`], [`${long}1`, `${long}3`]), {
    message: /^Expected classes/,
  });
});

test('a Perceptron of sparse samples has scikit-learn’s weights: a hundredth of each update in the intercept', (t) => {
  // sklearn.linear_model.Perceptron(penalty=..., alpha=0.01, max_iter=4, tol=None, shuffle=False).fit(csr_matrix(x), y)
  const x = [
    [1, 0, 2],
    [0, 3, 0],
    [-1, 0, 0],
    [0, -2, 1],
  ];
  const y = [1, 1, 0, 1];
  const sparse = { data: [1, 2, 3, -1, -2, 1], indices: [0, 2, 1, 0, 1, 2], indptr: [0, 2, 3, 4, 6], shape: [4, 3] };
  const options = { maxIter: 4, tol: null, shuffle: false, randomState: 0 } as const;
  const own = new Perceptron(options).fitSync(sparse, y);
  const dense = new Perceptron(options).fitSync(x, y);
  t.true(own.intercept.data[0] !== dense.intercept.data[0]);
  t.deepEqual([...own.intercept.data], SPARSE.none.intercept);
  t.deepEqual([...own.coef.data], SPARSE.none.coef);
  const twice = {
    ...sparse,
    data: [1, 1.5, 0.5, 3, -1, -2, 1],
    indices: [0, 2, 2, 1, 0, 1, 2],
    indptr: [0, 3, 4, 5, 7],
  };
  t.deepEqual([...new Perceptron(options).fitSync(twice, y).coef.data], SPARSE.none.coef); // places that stand twice are added up
  for (const penalty of ['l1', 'l2'] as const) {
    const made = new Perceptron({ ...options, penalty, alpha: 0.01 }).fitSync(sparse, y);
    const wanted = [...SPARSE[penalty].coef, ...SPARSE[penalty].intercept];
    const given = [...made.coef.data, ...made.intercept.data];
    t.true(
      given.every((value, k) => Math.abs(value - wanted[k]) < 1e-12),
      `${penalty}: ${given}`,
    );
  }
});

test('partialFit of a machine takes columns by their names, whatever their order', (t) => {
  const machine = new BernoulliRBM({ nComponents: 2, randomState: 0 });
  const [a, b] = [
    [1, 1, 1, 0],
    [0, 0, 0, 1],
  ];
  machine.partialFit({ a, b });
  machine.partialFit({ b, a });
  t.deepEqual(machine.featureNamesIn, ['a', 'b']);
  const twin = new BernoulliRBM({ nComponents: 2, randomState: 0 }).partialFit({ a, b }).partialFit({ a, b });
  t.deepEqual(machine.transform({ b: [0], a: [1] }).toArray(), twin.transform({ a: [1], b: [0] }).toArray());
});

test('after a training that was aborted a pipeline’s transformers are those that it was trained with', async (t) => {
  const [near, far] = [Array.from({ length: 40 }, (_, i) => [i / 40]), Array.from({ length: 40 }, (_, i) => [100 + i])];
  const y = near.map(([v]) => 3 * v);
  const pipe = new Pipeline([
    ['scale', new StandardScaler()],
    ['model', new MLPRegressor({ randomState: 1, maxIter: 20, batchSize: 10 })],
  ]);
  await pipe.fit(near, y);
  t.throws(() => pipe.fitSync(far, y.slice(1)), { message: /^Expected y/ });
  const scaler = () => pipe.namedSteps.scale.mean.data[0];
  t.true(scaler() < 1); // refused: nothing has changed
  const control = new AbortController();
  const failing = pipe.fit(far, y, { signal: control.signal, onEpochEnd: () => control.abort() });
  await t.throwsAsync(failing, { code: 'ERR_ABORTED' });
  t.is(scaler(), 119.5);
  t.true(pipe.setParams({}).isFitted);
});

test('a fit that waits its turn has the parameters of its call', async (t) => {
  const x = Array.from({ length: 30 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
  const shared = new RandomState(0);
  const first = new KMeans({ nClusters: 2, randomState: shared });
  const second = new KMeans({ nClusters: 2, randomState: shared });
  const machine = new BernoulliRBM({ nComponents: 2, nIter: 2, randomState: shared });
  const fits = [first.fit(x), second.fit(x), machine.fit(x)];
  second.setParams({ nClusters: 5 });
  machine.setParams({ nComponents: 3 });
  await Promise.all(fits);
  t.deepEqual(second.clusterCenters.shape, [2, 2]);
  t.deepEqual(machine.components.shape, [2, 2]);
});

test('a predictor of a single class gives its probability alone', async (t) => {
  const pipeline = new Pipeline([['model', new MLPClassifier({ randomState: 0, ...quietly })]]);
  await pipeline.fit([[0], [1], [2]], ['a', 'a', 'a']);
  const predictor = new Predictor({ pipeline });
  const { probabilities } = await predictor.predictWithProba([[0], [1]]);
  t.deepEqual(probabilities.shape, [2, 1]);
  const both = pipeline.predictProba([[0], [1]]) as NDArray;
  t.deepEqual([...probabilities.data], [both.data[0], both.data[2]]);
  t.deepEqual((await predictor.predictProba([[0], [1]])).toArray(), probabilities.toArray());
});

test('float32 has its own rounding, a code its own column, and options that nothing reads are refused', (t) => {
  const small = NDArray.from([[1e-6], [-5e-7]], { dtype: 'float32' });
  t.deepEqual([...new MaxAbsScaler().fitTransform(small).data], [...small.data]); // as scikit-learn's 10 epsilon of float32
  t.is(new MaxAbsScaler().fitTransform([[1e-6], [-5e-7]]).data[0], 1);
  const encoder = new OrdinalEncoder({ encodedMissingValue: 1 }).fit([
    ['x', 'a'],
    [null, 'b'],
  ]);
  t.deepEqual(
    encoder.inverseTransform([
      [0, 1],
      [1, 0],
    ]),
    [
      ['x', 'b'],
      [null, 'a'],
    ],
  );
  const x = [[0], [1], [2]];
  for (const network of [new RBFClassifier({ nCenters: 2 }), new RBFRegressor({ nCenters: 2 })])
    t.throws(() => network.fitSync(x, [0, 1, 1], { sampleWeight: [1, 1, 1] } as never), {
      message: /no option 'sampleWeight'/,
    });
  const scaling = new Pipeline([['scale', new StandardScaler()]]);
  t.throws(() => scaling.fitSync(x, undefined, { epochs: 3 }), { message: /no option 'epochs'/ });
  const rows = [
    [0.2, 0.3, 0.5],
    [0.2, 0.3, 0.5],
  ];
  const ovo = { multiClass: 'ovo', average: 'weighted', labels: [0, 1, 2] } as const;
  t.throws(() => rocAucScore([1, 1], rows, ovo), { message: /^Expected yTrue to be labels of two classes or more/ });
});
