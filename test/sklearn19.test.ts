import { readFileSync } from 'node:fs';
import test from 'ava';
import * as fjordnet from 'fjordnet';
import { type CSRMatrix, MLPClassifier, MLPRegressor, NDArray, RandomState } from 'fjordnet';
import { absSum, camelCase, type DataSpec, makeData, near } from './helpers/sklearn.js';

const golden = JSON.parse(
  readFileSync(new URL('../test/fixtures/sklearn19.json', import.meta.url), 'utf8'),
  (_, value) => (typeof value?.float === 'string' ? Number(value.float.replace('inf', 'Infinity')) : value),
);

/** Warnings by name while `run` runs. */
async function heard(run: () => unknown): Promise<string[]> {
  const names: string[] = [];
  const listen = ({ name }: Error) => names.push(name);
  process.on('warning', listen);
  try {
    await run();
    await new Promise(setImmediate); // warnings are emitted in the next tick
  } finally {
    process.off('warning', listen);
  }
  return names;
}
process.removeAllListeners('warning');

const thinned = (x: NDArray) => NDArray.wrap(x.data.map((v) => (Math.abs(v) < 0.5 ? 0 : v)) as Float64Array, x.shape);

/** The rows as SciPy's csr_matrix holds them. */
function sparse(x: NDArray): CSRMatrix {
  const rows = x.toArray<number[][]>();
  const stored = rows.flatMap((row) => row.flatMap((value, k) => (value === 0 ? [] : [[value, k]])));
  const values = stored.map(([value]) => value);
  let count = 0;
  const indptr = [0, ...rows.map((row) => (count += row.filter((value) => value !== 0).length))];
  return {
    data: x.dtype === 'float32' ? Float32Array.from(values) : values,
    indices: Int32Array.from(stored, ([, k]) => k),
    indptr,
    shape: x.shape,
  };
}

for (const [i, c] of golden.estimators.entries()) {
  const calls = c.steps.map((step: any) => Object.keys(step).join('+')).join();
  test.serial(`estimator (${i}): ${c.kind} ${c.target ?? ''} ${JSON.stringify(c.params)} ${calls}`, async (t) => {
    const spec: DataSpec = { kind: c.kind, n: c.n, features: 4, seed: c.seed, classes: 3, float32: false };
    const { x, y: numbers } = makeData(spec);
    const y = c.target ? numbers.map((v: number) => (c.target === 'one' ? 4 : v === 7)) : numbers;
    const regressor = ['regression', 'counts'].includes(c.kind);
    const Model: any = regressor ? MLPRegressor : MLPClassifier;
    const model = new Model({ ...camelCase(c.params), randomState: c.seed });
    const warned: number[] = [];
    for (const step of c.steps) {
      if (step.set) {
        model.setParams(camelCase(step.set));
        continue;
      }
      const typed = NDArray.from(step.sparse ? thinned(x) : x, { dtype: step.dtype ?? 'float64' });
      const rows = step.sparse ? sparse(typed) : typed;
      const shift = step.weights === 'signed' ? 1 : 0;
      const options = step.weights
        ? { sampleWeight: Float64Array.from({ length: c.n }, (_, k) => ((k % 5) - shift) / 2) }
        : {};
      const classes = c.kind === 'multilabel' ? [0, 1, 2] : [...new Set(y)];
      const train = async () => {
        if (step.fit) await model.fit(rows, y, options);
        else model.partialFit(rows, y, ...(regressor ? [] : [classes]), options);
      };
      const names = await heard(train);
      warned.push(names.filter((name) => name === 'ConvergenceWarning').length);
    }
    t.deepEqual(warned, c.warned);
    const float32 = c.steps.some((step: any) => step.dtype);
    const tolerance = float32 ? 2e-4 : c.params.solver === 'lbfgs' ? 1e-7 : 1e-9;
    t.is(model.coefs[0].dtype, c.dtype);
    t.deepEqual([model.nIter, model.t], [c.n_iter, c.t]);
    near(t, [model.loss, model.score(x, y)], [c.loss, c.score], tolerance, 'loss, score');
    if (model.lossCurve.length > 0) near(t, model.lossCurve, c.loss_curve, tolerance, 'lossCurve');
    t.is(model.noImprovementCount, c.no_improvement);
    if (c.learning_rate === null) t.is(model.currentLearningRate, null);
    else near(t, [model.currentLearningRate], [c.learning_rate], 1e-12, 'currentLearningRate');
    [...model.coefs, ...model.intercepts].forEach((w: NDArray, k: number) => {
      near(
        t,
        [absSum(w), ...w.data.slice(0, 4)],
        [c.weights[k].abs_sum, ...c.weights[k].head],
        tolerance,
        `weights ${k}`,
      );
    });
    const predicted = model.predict(x.take([0, 1, 2, 3, 4, 5, 6, 7, 8]));
    if (regressor) near(t, predicted.data, c.predict, tolerance, 'predict');
    else t.deepEqual(predicted instanceof NDArray ? predicted.toArray() : predicted, c.predict);
    if (c.proba) near(t, model.predictProba(x.take([0, 1, 2])).data, c.proba.flat(), tolerance, 'predictProba');
  });
}

test('the loss poisson without a hidden layer is the Poisson regression', (t) => {
  const { x, y, predict } = golden.poisson;
  const model = new MLPRegressor({
    loss: 'poisson',
    hiddenLayerSizes: [],
    alpha: 0,
    solver: 'lbfgs',
    tol: 1e-9,
    randomState: 1,
  });
  const rows = x.map((v: number) => [v]);
  near(t, model.fitSync(rows, y).predict(rows.slice(0, 5)).data, predict, 1e-5, 'predict');
});

/** Numbers equal to a relative 1e-14, in float32 1e-6; everything else equal. */
function same(actual: unknown, expected: unknown, tolerance: number): boolean {
  if (typeof actual === 'number' && typeof expected === 'number')
    return Object.is(actual, expected) || Math.abs(actual - expected) <= tolerance * Math.abs(expected);
  if (actual instanceof NDArray) return same(actual.toArray(), expected, tolerance);
  if (typeof actual !== 'object' || typeof expected !== 'object' || !actual || !expected) return actual === expected;
  const [a, b] = [Object.entries(actual), Object.entries(expected)];
  return a.length === b.length && a.every(([k, v]) => k in expected && same(v, (expected as any)[k], tolerance));
}

const VALUES: Record<string, unknown> = {
  uniform_average: 'uniformAverage',
  raw_values: 'rawValues',
  variance_weighted: 'varianceWeighted',
};
const readOptions = ({ output_dict, ...options }: Record<string, any>) =>
  Object.fromEntries([
    ...Object.entries(camelCase(options))
      .filter(([name, value]) => value !== null || name === 'average')
      .map(([name, value]) => [name, VALUES[value] ?? value]),
    ...(output_dict ? [['output', 'dict']] : []),
  ]);

test.serial('scores are those of scikit-learn 1.9, and so is what they refuse and warn of', async (t) => {
  for (const c of golden.scores) {
    const yPred = c.float32 ? NDArray.from(c.y_pred, { dtype: 'float32' }) : c.y_pred;
    for (const call of c.calls) {
      const label = JSON.stringify({ ...call, y_true: c.y_true, y_pred: c.y_pred });
      const f = (fjordnet as any)[call.name.replace(/_(.)/g, (_: string, letter: string) => letter.toUpperCase())];
      const run = () => f(c.y_true, yPred, readOptions(call.options));
      if (call.refused) {
        t.throws(run, { message: /^Expected / }, label);
        continue;
      }
      let value: any;
      const names = await heard(() => (value = run()));
      if (call.name === 'precision_recall_fscore_support')
        value = [value.precision, value.recall, value.fscore, value.support];
      if (!same(value, call.value, c.float32 ? 1e-6 : 1e-14)) t.fail(`${label} got ${JSON.stringify(value)}`);
      t.deepEqual([...new Set(names)].sort(), call.warnings, label);
    }
  }
});

test('sums of many numbers are NumPy’s, to the last bit or nearly', (t) => {
  const y = new RandomState(3).uniform(0, 1, [20001]);
  const p = new RandomState(4).uniform(0, 1, [20001]);
  const above = (a: NDArray) => Array.from(a.data, (v) => v > 0.5);
  const { large } = golden;
  t.is(fjordnet.meanSquaredError(y, p), large.mse);
  t.is(fjordnet.r2Score(y, p), large.r2);
  t.is(fjordnet.r2Score(y, p, { sampleWeight: p }), large.r2_weighted);
  t.is(fjordnet.accuracyScore(above(y), above(p), { sampleWeight: p }), large.accuracy);
  t.true(same(fjordnet.logLoss(above(y), p), large.log_loss, 1e-15));
});
