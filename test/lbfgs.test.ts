import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { MLPClassifier, MLPRegressor } from 'fjordnet';
import { type Evaluation, type LbfgsOptions, lbfgs } from '../dist/estimators/lbfgs.js';
import { lineSearch } from '../dist/estimators/line-search.js';
import { camelCase, makeData, makeWeights, silenceWarnings } from './helpers/sklearn.js';

const golden = JSON.parse(readFileSync(new URL('../test/fixtures/lbfgs.json', import.meta.url), 'utf8'));

silenceWarnings();

type F = (x: Float64Array) => Evaluation;

const FUNCTIONS: Record<string, F> = {
  quadratic: (x) => {
    const gradient = x.map((v, i) => (i + 1) ** 2 * v);
    return { f: x.reduce((sum, v, i) => sum + 0.5 * v * gradient[i], 0), gradient };
  },
  rosenbrock: (x) => {
    const gradient = new Float64Array(x.length);
    let f = 0;
    for (let i = 0; i + 1 < x.length; i++) {
      const a = x[i + 1] - x[i] ** 2;
      f += 100 * a ** 2 + (1 - x[i]) ** 2;
      gradient[i] += -400 * x[i] * a - 2 * (1 - x[i]);
      gradient[i + 1] += 200 * a;
    }
    return { f, gradient };
  },
  beale: ([a, b]) => {
    const e = [1.5, 2.25, 2.625].map((c, k) => c - a + a * b ** (k + 1));
    const gradient = new Float64Array(2);
    e.forEach((v, k) => {
      gradient[0] += 2 * v * (b ** (k + 1) - 1);
      gradient[1] += 2 * v * (k + 1) * a * b ** k;
    });
    return { f: e.reduce((sum, v) => sum + v * v, 0), gradient };
  },
};

function minimize(f: F, x0: ArrayLike<number>, options: LbfgsOptions) {
  const steps = lbfgs(Float64Array.from(x0), options);
  let wanted = steps.next();
  while (!wanted.done) wanted = steps.next(f(wanted.value));
  return wanted.value;
}

test("finds SciPy's minima in SciPy's iterations and evaluations", (t) => {
  for (const { function: name, x0, options, ...scipy } of golden.functions) {
    const { maxiter: maxIter, maxfun: maxFun, gtol } = options;
    const ours = minimize(FUNCTIONS[name], x0, { maxIter, maxFun, gtol });
    const label = JSON.stringify({ name, x0, options });
    t.is(ours.status, scipy.status, label);
    t.true(ours.f <= scipy.f * (1 + 1e-3) + 1e-9, `${label}: ${ours.f} against ${scipy.f}`);
    t.true(ours.nFun <= 1.5 * scipy.n_fun, `${label}: ${ours.nFun} evaluations against ${scipy.n_fun}`);
    if (scipy.n_iter < 20) t.deepEqual([ours.nIter, ours.nFun], [scipy.n_iter, scipy.n_fun], label);
  }
});

test('starts at a minimum: no iteration', (t) => {
  const result = minimize(FUNCTIONS.quadratic, [0, 0], { maxIter: 10, maxFun: 10, gtol: 1e-6 });
  t.deepEqual([result.nIter, result.nFun, result.status], [0, 1, 0]);
});

test('keeps its best point where no step lowers the function', (t) => {
  const wrong: F = (x) => ({ f: x[0] ** 2, gradient: Float64Array.of(-2 * x[0]) }); // the gradient points uphill
  const result = minimize(wrong, [3], { maxIter: 10, maxFun: 100, gtol: 1e-6 });
  t.is(result.status, 2);
  t.is(result.x[0], 3);
  t.is(result.f, 9);
});

test('steps back from where the function is not a number or overflows', (t) => {
  for (const outside of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const cliff: F = ([x]) => ({ f: x > 2 ? outside : (x - 1.9) ** 4, gradient: Float64Array.of(4 * (x - 1.9) ** 3) });
    const result = minimize(cliff, [-1], { maxIter: 50, maxFun: 500, gtol: 1e-9 });
    t.is(result.status, 0);
    t.true(Math.abs(result.x[0] - 1.9) < 1e-2);
  }
});

test('minimizes any convex quadratic', (t) => {
  const numbers = fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(numbers, fc.integer({ min: 0, max: 1000 }), (scales, shift) => {
      const f: F = (x) => {
        const gradient = x.map((v, i) => scales[i] * (v - shift / 100 - i));
        return { f: x.reduce((sum, v, i) => sum + (0.5 * gradient[i] ** 2) / scales[i] + 0 * v, 0), gradient };
      };
      const x0 = new Float64Array(scales.length);
      const result = minimize(f, x0, { maxIter: 500, maxFun: 5000, gtol: 1e-8, ftol: 0 });
      t.true(result.gradient.every((g) => Math.abs(g) < 1e-4));
    }),
    { numRuns: 100 },
  );
});

test('the line search ends at a step with the strong Wolfe conditions', (t) => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 20, noNaN: true }),
      fc.double({ min: 0.01, max: 5, noNaN: true }),
      fc.double({ min: 1e-3, max: 50, noNaN: true }),
      (minimum, curvature, first) => {
        const f = (s: number) => Math.sqrt(1 + curvature * (s - minimum) ** 2);
        const slope = (s: number) => (curvature * (s - minimum)) / f(s);
        const search = lineSearch(f(0), slope(0), first);
        let step = Number.NaN;
        let wanted = search.next();
        for (let k = 0; !wanted.done && k < 50; k++) {
          step = wanted.value;
          wanted = search.next({ f: f(step), slope: slope(step) });
        }
        t.true(wanted.done);
        t.true(f(step) <= f(0) + 1e-3 * step * slope(0) + 1e-12);
        t.true(Math.abs(slope(step)) <= 0.9 * Math.abs(slope(0)) + 1e-12);
      },
    ),
    { numRuns: 200 },
  );
});

test("solver 'lbfgs' reaches scikit-learn's minimum", async (t) => {
  for (const { data, params, random_state, weighted, ...sklearn } of golden.estimators) {
    const { x, y } = makeData(data);
    const Model: any = ['regression', 'outputs', 'counts'].includes(data.kind) ? MLPRegressor : MLPClassifier;
    const maxFun = Math.ceil(1.5 * sklearn.n_fun);
    const model = new Model({ ...camelCase(params), solver: 'lbfgs', randomState: random_state, maxFun });
    await model.fit(x, y, weighted ? { sampleWeight: makeWeights(data.n) } : {});
    const label = JSON.stringify({ data, params });
    t.true(model.loss <= sklearn.loss * (1 + 1e-3), `${label}: ${model.loss} against ${sklearn.loss}`);
    t.true(Math.abs(model.nIter - sklearn.n_iter) <= 1, label);
    t.deepEqual(model.lossCurve, []);
  }
});
