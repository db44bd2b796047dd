// Successive halving and searches as estimators, equal to scikit-learn's (fixtures/searches.py).
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  crossValScore,
  GridSearchCV,
  HalvingGridSearchCV,
  HalvingRandomSearchCV,
  halvingGridSearch,
  halvingRandomSearch,
  KFold,
  loadDigits,
  MLPClassifier,
  MLPRegressor,
  NDArray,
  Pipeline,
  RandomizedSearchCV,
  RandomState,
  StandardScaler,
  StratifiedKFold,
} from 'fjordnet';

type Points = Record<string, unknown[]>;
interface Found {
  params: Record<string, unknown>[];
  testScores: number[][];
  testScore: number[];
  bestIndex: number;
  bestParams: Record<string, unknown>;
  bestScore: number;
  iteration: number[];
  resources: number[];
  nIterations: number;
  nCandidates: number[];
  nResources: number[];
  nRemainingCandidates: number;
  nRequiredIterations: number;
  nPossibleIterations: number;
  minResources: number;
  maxResources: number;
}
interface Golden {
  plans: { drawn: boolean; rows: number; points: Points; options: Record<string, any>; found: Found }[];
  searches: {
    name: string;
    kind: 'classifier' | 'regressor';
    points: Points;
    options: object;
    found: Found;
    predicted: number[];
    score: number;
    nested: number[];
  }[];
}
const golden: Golden = JSON.parse(readFileSync(new URL('../test/fixtures/searches.json', import.meta.url), 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'fjordnet-halving-'));
test.after.always(() => rmSync(folder, { recursive: true }));

// Of few iterations, and of grids that are searched as a whole.
process.removeAllListeners('warning');
process.on('warning', () => {});

const COUNTS = [
  'nIterations',
  'nCandidates',
  'nResources',
  'nRemainingCandidates',
  'nRequiredIterations',
  'nPossibleIterations',
  'minResources',
  'maxResources',
] as const;

const told = (x: NDArray) => Array.from(x.data).reduce((sum, row, i) => sum + (i + 1) * row, 0);

/** The fixture's: its score tells the rows it was trained and scored on, and their order. */
class Told {
  readonly estimatorType = 'classifier';
  params: { a: number; b: number; size: number };
  trained = 0;
  constructor(params: object = {}) {
    this.params = { a: 0, b: 0, size: 1, ...params };
  }
  getParams = () => ({ ...this.params });
  setParams(params: object): this {
    Object.assign(this.params, params);
    return this;
  }
  clone = () => new Told(this.params);
  async fit(x: NDArray): Promise<void> {
    this.trained = told(x);
  }
  predict(): never {
    throw new Error('not asked');
  }
  score(x: NDArray): number {
    const { a, b, size } = this.params;
    return (((told(x) + 3 * this.trained + 17 * size) * (31 * a + 101 * b + 7)) % 100003) / 4;
  }
}

const isLogUniform = ([kind]: unknown[]) => kind === 'loguniform';
const distributionsOf = (points: Points) =>
  Object.fromEntries(
    Object.entries(points).map(([name, values]) => {
      const [kind, low, high] = values as [unknown, number, number];
      if (kind === 'randint') return [name, (random: RandomState) => random.randint(low, high)];
      if (isLogUniform(values))
        return [name, (random: RandomState) => Math.exp(random.uniform(Math.log(low), Math.log(high)))];
      return [name, values];
    }),
  );

const CVS: Record<string, () => unknown> = {
  stratified: () => new StratifiedKFold({ nSplits: 3, shuffle: true, randomState: 5 }),
  kfold: () => new KFold({ nSplits: 4 }),
};
/** Options of a fixture; made anew for each search, as a RandomState is drawn from. */
const optionsOf = ({ cv = 5, randomState, ...rest }: Record<string, any>) => ({
  ...rest,
  cv: CVS[cv]?.() ?? cv,
  ...(randomState !== undefined && {
    randomState: Array.isArray(randomState) ? new RandomState(randomState[0]) : randomState,
  }),
});

const close = (t: ExecutionContext, actual: number, expected: number, what: string) =>
  t.true(Math.abs(actual - expected) <= 1e-12 * Math.max(1, Math.abs(expected)), `${what}: ${actual}, not ${expected}`);

function same(t: ExecutionContext, found: any, expected: Found, isExact: boolean): void {
  if (expected.nIterations !== undefined) {
    for (const name of COUNTS) t.deepEqual(found[name], expected[name], name);
    t.deepEqual(
      found.results.map((r: any) => r.iteration),
      expected.iteration,
    );
    t.deepEqual(
      found.results.map((r: any) => r.nResources),
      expected.resources,
    );
  }
  t.is(found.results.indexOf(found.best), expected.bestIndex);
  found.results.forEach(({ params, testScore, testScores }: any, i: number) => {
    if (isExact) {
      t.deepEqual(params, expected.params[i]);
      t.deepEqual(testScores, expected.testScores[i]);
      t.is(testScore, expected.testScore[i]);
      return;
    }
    t.deepEqual(Object.keys(params).sort(), Object.keys(expected.params[i]).sort());
    for (const [name, value] of Object.entries(params))
      if (typeof value === 'number') close(t, value, expected.params[i][name] as number, name);
      else t.deepEqual(value, expected.params[i][name]);
    close(t, testScore, expected.testScore[i], `the score of point ${i}`);
    testScores.forEach((score: number, k: number) => close(t, score, expected.testScores[i][k], `fold ${k}`));
  });
}

test('candidates, resources, rows and what is kept are scikit-learn’s', async (t) => {
  for (const { drawn, rows, points, options, found } of golden.plans) {
    const x = Array.from({ length: rows }, (_, i) => [i]);
    const train = [x, x.map(([i]) => i % 3)] as const;
    const total = found.nCandidates.reduce((sum, count) => sum + count, 0);
    for (const maker of [{ estimator: new Told() }, { build: (params: object) => new Told(params) }]) {
      const seen: number[] = [];
      const own = {
        ...maker,
        ...optionsOf(options),
        train,
        onResult: (_: unknown, __: unknown, progress: { done: number; total: number }) => {
          seen.push(progress.done);
          t.is(progress.total, total);
        },
      } as any;
      const needsCount =
        drawn && 'build' in maker && !options.nCandidates && !options.minResources && !options.resource;
      const search = drawn
        ? () => halvingRandomSearch({ ...own, distributions: distributionsOf(points) })
        : () => halvingGridSearch({ ...own, grid: points });
      if (needsCount) {
        await t.throwsAsync(search, {
          instanceOf: TypeError,
          message:
            "Expected minResources to be a number where build makes the models and nCandidates is 'exhaust', got 'smallest' (string)",
        });
        continue;
      }
      same(t, await search(), found, true);
      t.deepEqual(
        seen,
        Array.from({ length: total }, (_, i) => i + 1),
      );
    }
  }
});

const digits = loadDigits();
const x = digits.data.take(NDArray.from(Array.from({ length: 150 }, (_, i) => i)));
const labels = NDArray.from(Array.from(digits.target.data.subarray(0, 150), (digit) => digit % 3));
const numbers = NDArray.from(x.toArray<number[][]>().map((row) => row[10] + 0.5 * row[20] - 0.25 * row[30]));
const pipelineOf = (kind: 'classifier' | 'regressor') => {
  const own = { hiddenLayerSizes: [8], maxIter: 12, learningRateInit: 0.01, randomState: 1 };
  const model = kind === 'classifier' ? new MLPClassifier(own) : new MLPRegressor(own);
  return new Pipeline([
    ['scale', new StandardScaler()],
    ['est', model],
  ]);
};
const KINDS = { GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV, HalvingRandomSearchCV };

for (const [i, { name, kind, points, options, found, predicted, score, nested }] of golden.searches.entries())
  test(`${name} of a ${kind} is scikit-learn’s, also nested (${i})`, async (t) => {
    const Kind = KINDS[name as keyof typeof KINDS] as any;
    const space = name.includes('Random') ? { distributions: distributionsOf(points) } : { grid: points };
    const make = () => new Kind({ estimator: pipelineOf(kind), ...space, ...optionsOf(options) });
    const y = kind === 'classifier' ? labels : numbers;
    const search = await make().fit(x, y);
    same(t, search.found, found, false);
    t.is(search.bestIndex, found.bestIndex);
    close(t, search.bestScore, found.bestScore, 'bestScore');
    t.is(search.results, search.found.results);
    t.is(search.bestParams, search.results[search.bestIndex].params);
    t.is(search.bestEstimator.getParams().est__alpha, search.bestParams.est__alpha ?? 0.0001);
    const answers = search.predict(x.take(NDArray.from(Array.from({ length: 20 }, (_, row) => row))));
    (answers.toArray() as number[]).forEach((answer, row) => close(t, answer, predicted[row], `row ${row}`));
    close(t, await search.score(x, y), score, 'score');
    const scores = await crossValScore(make(), x, y, { cv: 2 });
    scores.forEach((own, fold) => close(t, own, nested[fold], `outer fold ${fold}`));
  });

const rows = Array.from({ length: 90 }, (_, i) => [i]);
const train = [rows, rows.map(([i]) => i % 3)] as const;
const plain = ({ results, best, ...rest }: any) => ({ ...rest, results: results.map(({ seconds, ...r }: any) => r) });

test('goes on from its journal, also from within an iteration', async (t) => {
  const searches = {
    rows: (more: object) =>
      halvingGridSearch({
        estimator: new Told(),
        grid: { a: [0, 1, 2, 3, 4], b: [0, 1] },
        train,
        cv: 2,
        minResources: 10,
        randomState: 3,
        ...more,
      }),
    parameter: (more: object) =>
      halvingRandomSearch({
        build: (params) => new Told(params),
        distributions: { a: (random: RandomState) => random.randint(1000) },
        nCandidates: 10,
        resource: 'size',
        maxResources: 40,
        train,
        cv: 2,
        randomState: new RandomState(3),
        ...more,
      }),
  };
  for (const [name, search] of Object.entries(searches)) {
    const whole = plain(await search({}));
    t.deepEqual(whole.nCandidates, [10, 4, 2]);
    const journal = join(folder, `${name}.jsonl`);
    for (const points of [3, 10, 12, 15]) {
      const stop = (_: unknown, __: unknown, { done }: { done: number }) => {
        if (done === points) throw new Error('enough');
      };
      await t.throwsAsync(search({ journal, threads: 1, onResult: stop }), { message: 'enough' });
      const lines = readFileSync(journal, 'utf8').split('\n');
      t.is(lines.length, points + 2);
      writeFileSync(journal, lines.join('\n') + (lines.at(-2) as string).slice(0, 30)); // cut by the crash
      const seen: number[] = [];
      const onResult = (_: unknown, __: unknown, { done }: { done: number }) => seen.push(done);
      t.deepEqual(plain(await search({ journal, onResult })), whole);
      t.deepEqual(seen[0], points + 1);
      t.is(seen.length, 16 - points);
      t.deepEqual(plain(await search({ journal, onResult: () => t.fail() })), whole);
      const kept = readFileSync(journal, 'utf8');
      await t.throwsAsync(search({ journal, factor: 4 }), {
        message: /^Expected the journal .* of the same factor, got /,
      });
      await t.throwsAsync(search({ journal, randomState: 4 }), { message: / of the same (randomState|points), got / });
      t.is(readFileSync(journal, 'utf8'), kept);
      rmSync(journal);
    }
  }
});

test('where a point that failed does not when it is tried again, what came after it is trained anew', async (t) => {
  let isBroken = true;
  const trained: number[] = [];
  class Fragile extends Told {
    override clone = () => new Fragile(this.params);
    override async fit(given: NDArray): Promise<void> {
      if (isBroken && this.params.a === 3) throw new Error('broken');
      trained.push(this.params.a);
      await super.fit(given);
    }
    override score(): number {
      return this.params.a;
    }
  }
  const journal = join(folder, 'fragile.jsonl');
  const search = () =>
    halvingGridSearch({
      estimator: new Fragile(),
      grid: { a: [0, 1, 2, 3] },
      train,
      cv: 2,
      randomState: 0,
      factor: 2,
      journal,
    });
  const first = await search();
  t.is(first.results[3].error?.message, 'broken');
  t.deepEqual(first.nCandidates, [4, 2, 1]);
  t.deepEqual(
    first.results.slice(4).map(({ params }) => params.a),
    [1, 2, 2],
  );
  isBroken = false;
  trained.length = 0;
  const second = await search();
  t.deepEqual(
    second.results.slice(4).map(({ params }) => params.a),
    [2, 3, 3],
  );
  t.deepEqual(trained, [3, 3, 2, 2, 3, 3, 3, 3]);
  trained.length = 0;
  t.deepEqual(plain(await search()), plain(second));
  t.deepEqual(trained, []);
});

test('an iteration of which all failed ends the search; one that failed is dropped first', async (t) => {
  const failing = (bad: number[]) => ({
    build: ({ a }: { a: number }) => {
      if (bad.includes(a)) throw new Error(`no ${a}`);
      return Object.assign(new Told(), { score: () => 1 }) as never;
    },
    grid: { a: [0, 1, 2, 3, 4, 5, 6, 7, 8] },
    minResources: 10,
    train,
    cv: 2,
    randomState: 1,
  });
  await t.throwsAsync(halvingGridSearch(failing([0, 1, 2, 3, 4, 5, 6, 7, 8])), { message: 'no 0' });
  const { results, nCandidates, best } = await halvingGridSearch(failing([8, 6]));
  t.deepEqual(nCandidates, [9, 3, 1]);
  t.deepEqual(
    results.slice(9).map(({ params }) => params.a),
    [4, 5, 7, 7],
  ); // of equals the later ones
  t.is(best, results[12]);
});

test('wrong options are refused in a sentence', async (t) => {
  const valid = { estimator: new Told(), grid: { a: [1, 2] }, train, cv: 2 };
  const refused: [object, ErrorConstructor, string][] = [
    [{ factor: 1 }, RangeError, 'Expected factor to be a number above 1, got 1 (number)'],
    [{ factor: '3' }, TypeError, "Expected factor to be a finite number, got '3' (string)"],
    [
      { resource: 'n_samples' },
      RangeError,
      "Expected maxResources to be a number where resource is 'n_samples', got 'auto' (string)",
    ],
    [
      { resource: 'sizes', maxResources: 9 },
      RangeError,
      "Expected resource to be 'nSamples' or a parameter of the estimator, got 'sizes' (string)",
    ],
    [
      { resource: 'a', maxResources: 9 },
      RangeError,
      "Expected resource to be a parameter that is not searched, got 'a' (string)",
    ],
    [
      { minResources: 'least' },
      RangeError,
      "Expected minResources to be 'exhaust', 'smallest' or a number, got 'least' (string)",
    ],
    [{ minResources: 0 }, RangeError, 'Expected minResources to be a positive integer, got 0 (number)'],
    [{ maxResources: 2.5 }, RangeError, 'Expected maxResources to be a positive integer, got 2.5 (number)'],
    [{ minResources: 91 }, RangeError, 'Expected minResources to be at most maxResources, 90, got 91 (number)'],
    [{ aggressiveElimination: 1 }, TypeError, 'Expected aggressiveElimination to be a boolean, got 1 (number)'],
    [{ randomState: -1 }, RangeError, 'Expected randomState to be a non-negative integer, got -1 (number)'],
    [
      { journal: join(folder, 'x') },
      TypeError,
      'Expected randomState to be a seed or a RandomState where journal is given, got undefined',
    ],
  ];
  for (const [changes, instanceOf, message] of refused)
    await t.throwsAsync(halvingGridSearch({ ...valid, ...changes } as never), { instanceOf, message }, message);
  await t.throwsAsync(halvingGridSearch({ ...valid, test: train } as never), { message: /'test'/ });
  const drawn = { estimator: new Told(), distributions: { a: [1, 2] }, train };
  await t.throwsAsync(halvingRandomSearch({ ...drawn, minResources: 'exhaust' }), {
    message:
      "Expected minResources to be 'smallest' or a number where nCandidates is 'exhaust', got 'exhaust' (string)",
  });
  await t.throwsAsync(halvingRandomSearch({ ...drawn, nCandidates: 0 }), {
    message: /^Expected nCandidates to be a positive/,
  });
});

test('a search is an estimator: parameters, copies, and the last step of a pipeline', async (t) => {
  const model = new MLPClassifier({ hiddenLayerSizes: [4], maxIter: 5, randomState: 1 });
  const search = new GridSearchCV({ estimator: model, grid: { alpha: [0.1, 1] }, cv: 2 });
  t.is(search.estimatorType, 'classifier');
  t.is(search.classes, undefined);
  t.throws(() => search.bestParams, {
    code: 'ERR_NOT_FITTED',
    message: 'Expected the GridSearchCV to be fitted before bestParams is used',
  });
  t.is(search.getParams().estimator__maxIter, 5);
  search.setParams({ estimator__maxIter: 6, cv: 3 });
  t.is(search.getParams().estimator.getParams().maxIter, 6);
  t.is(search.getParams().cv, 3);
  t.is(model.getParams().maxIter, 5);
  t.throws(() => search.setParams({ folds: 3 }), { message: /'folds'/ });
  t.throws(() => search.setParams({ estimator__alfa: 3 }), { message: /'alfa'/ });

  const pipeline = new Pipeline([
    ['scale', new StandardScaler()],
    ['search', search],
  ]);
  const half = x.take(NDArray.from(Array.from({ length: 60 }, (_, i) => i)));
  const words = Array.from(labels.data.subarray(0, 60), (label) => ['nil', 'one', 'two'][label]);
  await pipeline.fit(half, words);
  t.deepEqual(pipeline.classes, ['nil', 'one', 'two']);
  t.is(pipeline.estimatorType, 'classifier');
  const inner = await new GridSearchCV({
    estimator: new MLPClassifier({ hiddenLayerSizes: [4], maxIter: 6, randomState: 1 }),
    grid: { alpha: [0.1, 1] },
    cv: 3,
  }).fit(new StandardScaler().fitTransform(half) as NDArray, words);
  t.deepEqual(
    pipeline.predict(half) as never,
    inner.bestEstimator.predict(new StandardScaler().fitTransform(half) as NDArray),
  );
  t.deepEqual(
    search.results.map(({ testScores }) => testScores),
    inner.results.map(({ testScores }) => testScores),
  );
  t.is(await pipeline.score(half, words), await inner.score(new StandardScaler().fitTransform(half) as NDArray, words));
  t.deepEqual((pipeline.predictProba(half) as NDArray).shape, [60, 3]);
  t.throws(() => pipeline.clone().predict(half), { code: 'ERR_NOT_FITTED' });
  t.deepEqual(Pipeline.fromBytes(pipeline.toBytes()).predict(half), pipeline.predict(half));

  const random = new RandomState(2);
  const drawing = new RandomizedSearchCV({
    estimator: model,
    distributions: { alpha: [0.1, 1] },
    nIter: 1,
    cv: 2,
    randomState: random,
  });
  const copy = drawing.clone();
  await drawing.fit(half, words);
  await copy.fit(half, words);
  t.deepEqual(
    copy.results.map(({ seconds, ...r }) => r),
    drawing.results.map(({ seconds, ...r }) => r),
  );
});

test('without refit a search finds, and does not predict; signals end it', async (t) => {
  const model = new MLPRegressor({ hiddenLayerSizes: [4], maxIter: 5, randomState: 1 });
  const search = new GridSearchCV({ estimator: model, grid: { alpha: [0.1, 1] }, cv: 2, refit: false });
  await search.fit(x, numbers);
  t.is(search.bestScore, search.results[search.bestIndex].testScore);
  t.throws(() => search.predict(x), { message: 'Expected refit to be true for predict, got false (boolean)' });
  t.throws(() => search.bestEstimator, { message: 'Expected refit to be true for bestEstimator, got false (boolean)' });
  t.throws(() => new GridSearchCV({ estimator: model, grid: {}, refit: 'score' } as never), {
    message: /^Expected refit to be a boolean/,
  });
  t.throws(() => new GridSearchCV({ estimator: {}, grid: {} } as never), {
    message: /^Expected estimator to be an estimator or a Pipeline/,
  });
  t.throws(() => new GridSearchCV({ estimator: model, build: () => model, grid: {} } as never), { message: /'build'/ });
  await t.throwsAsync(new GridSearchCV({ estimator: model, grid: {} }).fit(x, numbers), {
    message: /^Expected grid to be/,
  });
  const abort = new AbortController();
  const stopped = new GridSearchCV({
    estimator: model,
    grid: { alpha: [0.1, 1, 2, 3] },
    cv: 2,
    threads: 1,
    onResult: () => abort.abort(),
  });
  await t.throwsAsync(stopped.fit(x, numbers, { signal: abort.signal }), { code: 'ERR_ABORTED' });
  t.throws(() => stopped.found, { code: 'ERR_NOT_FITTED' });
  await t.throwsAsync(
    new GridSearchCV({ estimator: model, grid: { alpha: [0.1] }, cv: 2 })
      .fit(x, numbers)
      .then((found) => found.predictProba(x)),
    { message: /^Expected the estimator to be an object with a method predictProba, got / },
  );
});

test('samples too few for a row in each part of each fold are refused', async (t) => {
  const x = Array.from({ length: 47 }, (_, i) => [i]);
  const y = x.map(([i]) => i);
  await t.throwsAsync(
    halvingGridSearch({
      estimator: new MLPRegressor({ hiddenLayerSizes: [2], maxIter: 1, randomState: 0 }),
      grid: { alpha: [0.1, 1, 10] },
      train: [x, y],
      cv: 4,
      minResources: 3,
      randomState: 0,
    }),
    {
      message:
        /^Expected minResources to leave a row in each part of each fold, got 3 of 47 rows, where a part has 12$/,
    },
  );
});
