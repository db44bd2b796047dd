import { readFileSync } from 'node:fs';
import test from 'ava';
import {
  crossValScore,
  gridSearch,
  loadDigits,
  NDArray,
  Perceptron,
  Pipeline,
  RandomState,
  StandardScaler,
} from 'fjordnet';

interface Case {
  data: 'digits' | 'small' | 'three';
  params: Record<string, any>;
  parts: number;
  weighted: boolean;
  n_iter: number;
  t: number;
  intercept: number[];
  coef_sums: number[];
  coef_head: number[][];
  scores: number[] | number[][];
  score: number;
}
const golden: {
  cases: Case[];
  small: { x: number[][]; y: string[] };
  three: { x: number[][]; y: number[]; weights: number[] };
} = JSON.parse(readFileSync(new URL('../test/fixtures/perceptron.json', import.meta.url), 'utf8'));

const digits = loadDigits();
const DATA = {
  digits: { x: digits.data, y: digits.target },
  small: { x: NDArray.from(golden.small.x), y: golden.small.y },
  three: { x: NDArray.from(golden.three.x), y: NDArray.from(golden.three.y, { dtype: 'int32' }) },
};
const { small, three } = DATA;

/** As np.array_split cuts. */
function pieces(n: number, parts: number): number[][] {
  const sizes = Array.from({ length: parts }, (_, i) => Math.floor(n / parts) + Number(i < n % parts));
  let at = 0;
  return sizes.map((size) => Array.from({ length: size }, () => at++));
}

function fitted({ data, params, parts, weighted }: Case): Perceptron {
  const { x, y } = DATA[data];
  const classWeight = Array.isArray(params.classWeight) ? new Map(params.classWeight as any) : params.classWeight;
  const perceptron = new Perceptron({ ...params, ...(classWeight && { classWeight }) });
  if (parts === 0) return perceptron.fitSync(x, y as any, weighted ? { sampleWeight: golden.three.weights } : {});
  for (const piece of pieces(x.shape[0], parts)) {
    const labels = Array.isArray(y) ? piece.map((i) => y[i]) : y.take(piece);
    perceptron.partialFit(x.take(piece), labels as any, Array.isArray(y) ? [...new Set(y)] : [2, 5, 9]);
  }
  return perceptron;
}

/** Sums of products are added up in another order than BLAS adds them: relative to the largest. */
function near(t: any, got: ArrayLike<number>, want: readonly number[], what: string) {
  t.is(got.length, want.length, what);
  const largest = Math.max(1, ...want.map(Math.abs));
  for (let i = 0; i < want.length; i++)
    t.true(Math.abs(got[i] - want[i]) <= 1e-12 * largest, `${what}: ${got[i]} instead of ${want[i]} at ${i}`);
}

for (const one of golden.cases)
  test(`scikit-learn's weights: ${one.data}, ${JSON.stringify(one.params)}${one.parts ? `, in ${one.parts} parts` : ''}${one.weighted ? ', weighted' : ''}`, (t) => {
    const perceptron = fitted(one);
    const { x, y } = DATA[one.data];
    const { coef } = perceptron;
    const [outputs, features] = coef.shape;
    const row = (k: number) => [...coef.data.subarray(k * features, (k + 1) * features)];
    t.is(perceptron.nIter, one.n_iter);
    t.is(perceptron.t, one.t);
    near(t, perceptron.intercept.data, one.intercept, 'intercept');
    near(
      t,
      Array.from({ length: outputs }, (_, k) => row(k).reduce((sum, w) => sum + Math.abs(w), 0)),
      one.coef_sums,
      'coef',
    );
    for (let k = 0; k < outputs; k++) near(t, row(k).slice(0, 4), one.coef_head[k], `coef ${k}`);
    const head = x.take([0, 1, 2, 3, 4]);
    near(t, perceptron.decisionFunction(head).data, one.scores.flat(), 'scores');
    t.is(perceptron.score(x, y as any), one.score);
  });

test('fit is fitSync, lets others run, and can be aborted', async (t) => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const a = await new Perceptron().fit(digits.data, digits.target);
  clearInterval(timer);
  t.deepEqual(a.coef, new Perceptron().fitSync(digits.data, digits.target).coef);
  t.true(ticks > 0);
  const before = a.coef;
  const stop = AbortSignal.abort();
  const error: any = await t.throwsAsync(a.fit(digits.data, digits.target, { signal: stop }));
  t.is(error.code, 'ERR_ABORTED');
  t.deepEqual(a.coef, before);
});

test('warm starts go on, a RandomState draws on, and a clone draws the same', (t) => {
  const warm = new Perceptron({ warmStart: true, maxIter: 2, tol: null }).fitSync(three.x, three.y);
  const first = warm.coef;
  t.notDeepEqual(warm.fitSync(three.x, three.y).coef, first);
  const drawing = new Perceptron({ randomState: new RandomState(4), maxIter: 3, tol: null });
  const copy = drawing.clone();
  const [one, two] = [1, 2].map(() => drawing.fitSync(three.x, three.y).coef);
  t.notDeepEqual(one, two);
  t.deepEqual(copy.fitSync(three.x, three.y).coef, one);
});

test('fits that share a RandomState take turns', async (t) => {
  const apart = (random: RandomState) =>
    [1, 2].map(() => new Perceptron({ randomState: random, maxIter: 3, tol: null }));
  const together = await Promise.all(apart(new RandomState(6)).map((each) => each.fit(digits.data, digits.target)));
  const inTurn = apart(new RandomState(6)).map((each) => each.fitSync(digits.data, digits.target));
  t.deepEqual(
    together.map(({ coef }) => coef),
    inTurn.map(({ coef }) => coef),
  );
  const random = new RandomState(6);
  const [running, other] = apart(random);
  const fit = running.fit(digits.data, digits.target);
  t.is((t.throws(() => other.fitSync(three.x, three.y)) as any).code, 'ERR_BUSY');
  await fit;
});

test('weights of samples are those of the call', async (t) => {
  const own = () => new Perceptron({ randomState: 6, maxIter: 3, tol: null });
  const weights = Float64Array.from(digits.target, (label) => 1 + (label % 2));
  const expected = own().fitSync(digits.data, digits.target, { sampleWeight: weights.slice() });
  const fitting = own();
  const fit = fitting.fit(digits.data, digits.target, { sampleWeight: weights });
  weights.fill(0);
  await fit;
  t.deepEqual(fitting.coef, expected.coef);
});

test('classWeight may name classes that a fold lacks, where none is missing', (t) => {
  const x = [
    [0, 1],
    [1, 2],
    [2, 0],
    [3, 1],
    [1, 1],
  ];
  const y = ['a', 'b', 'b', 'a', 'b'];
  const perceptron = new Perceptron({ classWeight: { a: 2, b: 0.5, c: 3 } }).fitSync(x, y);
  // scikit-learn's
  t.deepEqual([...perceptron.coef.data, ...perceptron.intercept.data, perceptron.nIter], [-1, -0.5, 0, 6]);
  t.throws(() => new Perceptron({ classWeight: { a: 2, c: 3 } }).fitSync(x, y), {
    message: "Expected classWeight to be weights of 'a', 'b', got 'c' (string)",
  });
});

test('saved and loaded; in pipelines, searches and cross-validation', async (t) => {
  const perceptron = new Perceptron({ randomState: 3 }).fitSync(small.x, small.y);
  const loaded = Perceptron.fromBytes(perceptron.toBytes());
  t.deepEqual(loaded.predict(small.x), perceptron.predict(small.x));
  t.deepEqual(loaded.getParams(), perceptron.getParams());
  const weighted = new Perceptron({ randomState: 3, classWeight: new Map([[5, 3]]) }).fitSync(three.x, three.y);
  const again = Perceptron.fromBytes(weighted.toBytes());
  t.deepEqual(again.coef, weighted.coef);
  t.deepEqual(again.fitSync(three.x, three.y).coef, weighted.coef);
  t.notDeepEqual(
    again.fitSync(three.x, three.y).coef,
    new Perceptron({ randomState: 3 }).fitSync(three.x, three.y).coef,
  );
  const pipeline = await new Pipeline([
    ['scale', new StandardScaler()],
    ['model', new Perceptron()],
  ]).fit(digits.data, digits.target);
  t.true((await pipeline.score(digits.data, digits.target)) > 0.95);
  t.is((await crossValScore(new Perceptron(), digits.data, digits.target, { cv: 3 })).length, 3);
  const { best } = await gridSearch({
    grid: { penalty: [null, 'l1'] },
    build: ({ penalty }: any) => new Perceptron({ penalty }),
    train: [three.x, three.y],
    cv: 3,
  } as any);
  t.truthy(best);
});

test('what it cannot take is told in a sentence, and changes nothing', (t) => {
  const perceptron = new Perceptron().fitSync(three.x, three.y);
  const before = perceptron.coef;
  const wrong: [() => unknown, RegExp][] = [
    [() => new Perceptron({ penalty: 'l3' as any }), /Expected penalty to be .*'l2'.*got 'l3'/],
    [() => new Perceptron({ eta0: 0 }), /Expected eta0 to be a positive number, got 0/],
    [() => new Perceptron().predict(three.x), /Expected Perceptron to be fitted before decisionFunction is used/],
    [() => perceptron.fitSync(three.x, [1, 2]), /Expected y to .*90/],
    [
      () =>
        perceptron.fitSync(
          three.x,
          three.y.data.map(() => 1),
        ),
      /Expected y to hold two classes at least, got only 1/,
    ],
    [() => perceptron.predict([[1, 2]]), /Expected x to be a matrix of 4 columns, as at fit, got shape \[1, 2\]/],
    [() => new Perceptron().partialFit(three.x, three.y), /Expected classes to be the labels of all classes/],
    [() => perceptron.partialFit(three.x, three.y, [1, 2]), /Expected classes to be those of the earlier calls/],
    [
      () => new Perceptron({ classWeight: { 7: 1 } }).fitSync(three.x, three.y),
      /Expected classWeight to be weights of 2, 5, 9/,
    ],
    [() => new Perceptron().fitSync([[Number.NaN]], [1]), /NaN/],
    [() => new Perceptron({ eta0: 1e10 }).fitSync([[1e308], [-1e308]], ['a', 'b']), /weights became infinite/],
  ];
  for (const [call, message] of wrong) t.throws(call, { message });
  t.deepEqual(perceptron.coef, before);
});
