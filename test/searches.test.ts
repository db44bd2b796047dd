// Searches over estimators and pipelines, at random as scikit-learn draws (fixtures/parameter-sampler.py), and resumed.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tableFromArrays } from 'apache-arrow';
import test from 'ava';
import {
  ColumnTransformer,
  crossValScore,
  gridSearch,
  MLPClassifier,
  OneHotEncoder,
  Pipeline,
  RandomState,
  randomizedSearch,
  StandardScaler,
} from 'fjordnet';

type Space = Record<string, (string | number | number[])[]>;
interface Case {
  distributions: Space | Space[];
  nIter: number;
  seed: number;
  drawn: unknown[][];
  /** Of each point, where they are of several spaces. */
  names?: string[][];
  next: number;
}
const golden: Case[] = JSON.parse(
  readFileSync(new URL('../test/fixtures/parameter-sampler.json', import.meta.url), 'utf8'),
);
const folder = mkdtempSync(join(tmpdir(), 'fjordnet-searches-'));
test.after.always(() => rmSync(folder, { recursive: true }));

// Of few iterations, and of grids that are searched as a whole: the latter are what a test looks at.
process.removeAllListeners('warning');
const warnings: string[] = [];
process.on('warning', ({ message }) => warnings.push(message));

const random = new RandomState(3);
const n = 60;
const records = Array.from({ length: n }, (_, i) => ({ size: random.normal(i % 2, 0.5), kind: i % 3 ? 'fir' : 'oak' }));
const columns = { size: records.map(({ size }) => size), kind: records.map(({ kind }) => kind) };
const labels = records.map((_, i) => (i % 2 ? 'yes' : 'no'));
const rows = records.map(({ size, kind }) => [size, kind === 'fir' ? 1 : 0]);
const network = (params: object = {}) =>
  new MLPClassifier({ hiddenLayerSizes: [5], maxIter: 15, randomState: 1, ...params });

const columnsOf = () =>
  new ColumnTransformer([
    ['numbers', 'passthrough', ['size']],
    ['words', new OneHotEncoder(), ['kind']],
  ]);

/** A model that is done at once. */
const still = () => ({ fit: async () => {}, predict: () => [], score: () => 1 });

test('a pipeline over tables: each candidate is a copy with the point’s parameters', async (t) => {
  const pipeline = new Pipeline([
    ['table', columnsOf()],
    ['scale', new StandardScaler()],
    ['model', network()],
  ]);
  const grid = {
    model__alpha: [1e-4, 10],
    model__hiddenLayerSizes: [[3], [6, 2]],
    scale: ['passthrough', new StandardScaler()],
  };
  const before = pipeline.getParams();
  for (const table of [records, columns]) {
    const {
      results,
      best,
      table: scores,
    } = await gridSearch({ estimator: pipeline, grid, train: [table, labels], cv: 3 });
    t.deepEqual([...scores('testScore').shape], [2, 2, 2]);
    for (const { params, testScores, error } of results) {
      t.is(error, undefined);
      const alone = new Pipeline([
        ['table', columnsOf()],
        ['scale', params.scale === 'passthrough' ? 'passthrough' : new StandardScaler()],
        ['model', network({ alpha: params.model__alpha, hiddenLayerSizes: params.model__hiddenLayerSizes })],
      ]);
      t.deepEqual(testScores, await crossValScore(alone as never, table, labels, { cv: 3 }));
    }
    t.true(new Set(results.map(({ testScore }) => testScore)).size > 1);
    t.is(best.testScore, Math.max(...results.map(({ testScore }) => testScore)));
  }
  t.deepEqual(pipeline.getParams(), before);
  t.false(pipeline.isFitted);
  t.false((grid.scale[1] as StandardScaler).isFitted);
});

test('an estimator with a test set; what it lacks is each point’s error', async (t) => {
  const estimator = network();
  const { results } = await gridSearch({
    estimator,
    grid: { hiddenLayerSizes: [[3], [4]], alpha: [0.1, -1] },
    train: [rows.slice(0, 40), labels.slice(0, 40)],
    test: [rows.slice(40), labels.slice(40)],
  });
  const alone = await network({ hiddenLayerSizes: [4], alpha: 0.1 }).fit(rows.slice(0, 40), labels.slice(0, 40));
  t.is(results[2].testScore, alone.score(rows.slice(40), labels.slice(40)));
  t.regex(results[1].error!.message, /Expected alpha to be .*, got -1/);
  t.deepEqual(estimator.getParams().hiddenLayerSizes, [5]);
  await t.throwsAsync(gridSearch({ estimator, grid: { alfa: [1] }, train: [rows, labels] }), { message: /'alfa'/ });
});

test('randomizedSearch draws what scikit-learn draws', async (t) => {
  const sources: Record<string, (a: number, b: number) => unknown> = {
    uniform: (low, high) => (drawn: RandomState) => drawn.uniform(low, high),
    randint: (low, high) => ({ rvs: (drawn: RandomState) => drawn.randint(low, high) }),
    loguniform: (low, high) => (drawn: RandomState) => Math.exp(drawn.uniform(Math.log(low), Math.log(high))),
  };
  for (const { distributions, nIter, seed, drawn, names: ofPoint, next } of golden) {
    const randomState = new RandomState(seed);
    const read = ([first, ...rest]: readonly unknown[]) => sources[first as string]?.(...(rest as [number, number]));
    const space = (own: Space) =>
      Object.fromEntries(Object.entries(own).map(([name, values]) => [name, (read(values) ?? values) as never]));
    const { results } = await randomizedSearch({
      build: still,
      distributions: Array.isArray(distributions) ? distributions.map(space) : space(distributions as Space),
      nIter,
      randomState,
      train: [rows, labels],
    });
    t.is(results.length, drawn.length);
    results.forEach(({ params }, i) => {
      const names = ofPoint?.[i] ?? Object.keys(distributions).sort();
      t.deepEqual(Object.keys(params), names);
      names.forEach((name, k) => {
        const expected = drawn[i][k];
        if (typeof expected !== 'number') t.deepEqual(params[name], expected);
        else t.true(Math.abs(params[name] - expected) <= 1e-14 * Math.abs(expected), `${name}: ${params[name]}`);
      });
    });
    t.is(randomState.randint(2 ** 31 - 1), next);
  }
  await new Promise(setImmediate);
  t.is(
    warnings.filter((message) => /^The total space of parameters, 24, is smaller than nIter=50/.test(message)).length,
    2,
  );
});

test('randomizedSearch is a search like the other one', async (t) => {
  const options = {
    distributions: { alpha: (drawn: RandomState) => 10 ** drawn.uniform(-4, 1) },
    nIter: 3,
    randomState: 4,
  };
  const found = await randomizedSearch({
    estimator: network(),
    ...options,
    train: [rows, labels],
    cv: 3,
    scoring: 'roc_auc',
  });
  t.is(found.results.length, 3);
  for (const { params, testScores } of found.results)
    t.deepEqual(testScores, await crossValScore(network(params), rows, labels, { cv: 3, scoring: 'roc_auc' }));
  const again = await randomizedSearch({
    build: network,
    ...options,
    train: [rows, labels],
    cv: 3,
    scoring: 'roc_auc',
  });
  const plain = ({ results }: typeof found) => results.map(({ seconds, ...rest }) => rest);
  t.deepEqual(plain(again), plain(found));
});

const path = (name: string) => join(folder, name);
const stopped = (points: number) => ({
  threads: 1,
  onResult: (_result: unknown, _model: unknown, { done }: { done: number }) => {
    if (done === points) throw new Error('enough');
  },
});

test('a search goes on from its journal, also from one whose last line is cut', async (t) => {
  const searches = {
    gridSearch: (more: object) =>
      gridSearch({ estimator: network(), grid: { alpha: [1e-4, 0.1, 1, 10] }, train: [rows, labels], cv: 3, ...more }),
    randomizedSearch: (more: object) =>
      randomizedSearch({
        estimator: network(),
        distributions: { alpha: (drawn: RandomState) => 10 ** drawn.uniform(-4, 1) },
        nIter: 4,
        randomState: 2,
        train: [rows, labels],
        cv: 3,
        ...more,
      }),
  };
  for (const [name, search] of Object.entries(searches)) {
    const whole = (await search({})).results.map(({ seconds, ...rest }) => rest);
    const journal = path(`${name}.jsonl`);
    await t.throwsAsync(search({ journal, ...stopped(2) }), { message: 'enough' });
    const two = readFileSync(journal, 'utf8');
    t.is(two.split('\n').length, 4);
    for (const kept of [two, two.slice(0, -9), `${two}{"index":3,"par`, two.slice(0, 20), '']) {
      writeFileSync(journal, kept);
      const had = Math.max(0, kept.split('\n').length - 2);
      const seen: number[] = [];
      const { results, best } = await search({
        journal: pathToFileURL(journal),
        onResult: (_result: unknown, _model: unknown, { done, total }: { done: number; total: number }) => {
          seen.push(done);
          t.is(total, 4);
        },
      });
      t.deepEqual(
        seen,
        [1, 2, 3, 4].filter((done) => done > had),
      );
      t.deepEqual(
        results.map(({ seconds, ...rest }) => rest),
        whole,
      );
      t.true(results.every(({ seconds }) => seconds > 0));
      t.is(best.testScore, Math.max(...whole.map(({ testScore }) => testScore)));
      const lines = readFileSync(journal, 'utf8').trimEnd().split('\n').slice(1);
      t.deepEqual(
        lines.map((line) => JSON.parse(line).params.alpha).sort(),
        whole.map(({ params }) => params.alpha).sort(),
      );
    }
    const done = readFileSync(journal, 'utf8');
    const onResult = () => t.fail();
    t.is((await search({ journal, onResult })).results.length, 4);
    t.is(readFileSync(journal, 'utf8'), done);
  }
});

test('points that failed are tried again; scores that are no numbers in JSON are kept', async (t) => {
  const journal = path('failed.jsonl');
  let isBroken = true;
  const built: number[] = [];
  const search = () =>
    gridSearch({
      grid: { score: [Number.NaN, -Infinity, 3, 4] },
      build: ({ score }) => {
        built.push(score);
        if (isBroken && score === 3) throw new Error('broken');
        return { ...still(), score: () => score };
      },
      train: [rows, labels],
      journal,
    });
  t.is((await search()).results[2].error?.message, 'broken');
  isBroken = false;
  built.length = 0;
  const { results, best } = await search();
  t.deepEqual(built, [3]);
  t.deepEqual(
    results.map(({ trainScore }) => trainScore),
    [Number.NaN, -Infinity, 3, 4],
  );
  t.is(best, results[3]);
});

test('the journal of another search is refused, and stays as it is', async (t) => {
  const journal = path('foreign.jsonl');
  const options = { estimator: network(), grid: { alpha: [0.1, 1] }, train: [rows, labels] as const, cv: 2, journal };
  await gridSearch(options);
  const text = readFileSync(journal, 'utf8');
  const refused: [object, string][] = [
    [{ grid: { alpha: [0.1, 2] } }, 'points'],
    [{ cv: 3 }, 'cv'],
    [{ scoring: 'roc_auc' }, 'scoring'],
    [{ estimator: network({ maxIter: 16 }) }, 'estimator'],
    [{ train: [rows.slice(2), labels.slice(2)] }, 'rows'],
    [{ train: [rows, labels.toSpliced(56, 2, 'yes', 'no')] }, 'train'],
    [{ train: [rows.toSpliced(59, 1, [rows[59][0] + 1e-12, rows[59][1]]), labels] }, 'train'],
  ];
  for (const [changes, what] of refused) {
    const error = await t.throwsAsync(gridSearch({ ...options, ...changes }), { instanceOf: RangeError });
    t.true(
      error!.message.startsWith(`Expected the journal '${journal}' to be of a search of the same ${what}, got `),
      error!.message,
    );
    t.is(readFileSync(journal, 'utf8'), text);
  }
  const [header, ...points] = text.trimEnd().split('\n');
  const [first, second] = points.sort(); // they end in any order
  const wrong = [
    'size,kind\n1,2\n',
    'a note',
    '{}\n',
    'null\n',
    `${header}\n${first}\nnothing\n`,
    `${header}\n${first.replace('"index":0', '"index":1')}\n`,
    `${header}\n${second.replace('"index":1', '"index":7')}\n`,
    `${header}\n${first.replace('"seconds"', '"minutes"')}\n`,
  ];
  for (const content of wrong) {
    writeFileSync(journal, content);
    await t.throwsAsync(
      gridSearch(options),
      { instanceOf: RangeError, message: /^Expected the journal '.*' to be of / },
      content,
    );
    t.is(readFileSync(journal, 'utf8'), content);
  }
  const circle: unknown[] = [];
  circle.push(circle);
  await t.throwsAsync(gridSearch({ ...options, grid: { alpha: [circle] } }), {
    instanceOf: TypeError,
    message:
      'Expected parameters that JSON can hold where journal or distributed is given, got one that refers to itself',
  });
  writeFileSync(journal, text.replace('"rows"', '"scoring":"r2","rows"'));
  await t.throwsAsync(gridSearch(options), { message: / of a search of the same scoring, got / });
  await t.throwsAsync(gridSearch({ ...options, journal: folder }), { message: /^Expected journal to be a file, got / });
  await t.throwsAsync(gridSearch({ ...options, journal: join(folder, 'none', 'x') }), { code: 'ENOENT' });
});

test('a journal tells tables from others by all of their cells, and test sets', async (t) => {
  const many = Array.from({ length: 3000 }, (_, i) => ({ size: i / 7, kind: i % 3 ? 'fir' : 'oak' }));
  const y = many.map((_, i) => i % 2);
  const inColumns = { size: Float32Array.from(many, ({ size }) => size), kind: many.map(({ kind }) => kind) };
  const inArrow = tableFromArrays({ size: many.map(({ size }) => size), kind: many.map(({ kind }) => kind) });
  const changed = [
    [many, many.toSpliced(1501, 1, { ...many[1501], kind: 'ash' })],
    [inColumns, { ...inColumns, kind: inColumns.kind.toSpliced(1501, 1, 'ash') }],
    [inColumns, { ...inColumns, size: inColumns.size.map((size, i) => (i === 1501 ? size + 1 : size)) }],
    [inArrow, tableFromArrays({ size: inColumns.size, kind: inColumns.kind.toSpliced(1501, 1, 'ash') })],
  ];
  for (const [i, [table, other]] of changed.entries()) {
    const journal = path(`tables-${i}.jsonl`);
    const search = (train: unknown, test: unknown) =>
      gridSearch({ build: still, grid: { a: [1, 2] }, train: [train as never, y], test: [test as never, y], journal });
    await search(table, table);
    await t.notThrowsAsync(search(table === inArrow ? table : structuredClone(table), table));
    const message = (what: string) =>
      new RegExp(`^Expected the journal '.*' to be of a search of the same ${what}, got `);
    await t.throwsAsync(search(other, table), { instanceOf: RangeError, message: message('train') });
    await t.throwsAsync(search(table, other), { instanceOf: RangeError, message: message('test') });
  }
});

test('wrong options are refused in a sentence', async (t) => {
  const valid = { build: still, distributions: { a: [1] }, train: [rows, labels] as const };
  const refused: [object, ErrorConstructor, string][] = [
    [{ build: undefined }, TypeError, 'Expected build to be a function where there is no estimator, got undefined'],
    [
      { estimator: network() },
      TypeError,
      'Expected build to be undefined where estimator is given, got still (function)',
    ],
    [
      { build: undefined, estimator: MLPClassifier },
      TypeError,
      'Expected estimator to be an estimator or a Pipeline, with methods clone and setParams, got MLPClassifier (function)',
    ],
    [
      { distributions: undefined },
      TypeError,
      'Expected distributions to be an object of arrays and distributions, got undefined',
    ],
    [{ distributions: {} }, RangeError, 'Expected distributions to be an object of one parameter or more, got {}'],
    [{ distributions: [] }, RangeError, 'Expected distributions to be a list of one object or more, got Array(0)'],
    [
      { distributions: [{ a: [1] }, { b: 3 }] },
      TypeError,
      'Expected distributions[1].b to be an array, a function that draws a value, or an object with a method rvs, got 3 (number)',
    ],
    [
      { distributions: { a: [] } },
      RangeError,
      'Expected distributions.a to be an array of one value or more, got Array(0)',
    ],
    [
      { distributions: { a: 3 } },
      TypeError,
      'Expected distributions.a to be an array, a function that draws a value, or an object with a method rvs, got 3 (number)',
    ],
    [{ nIter: 0 }, RangeError, 'Expected nIter to be a positive integer, got 0 (number)'],
    [
      { journal: path('seedless') },
      TypeError,
      'Expected randomState to be a seed or a RandomState where journal is given, got undefined',
    ],
    [{ journal: 3, randomState: 1 }, TypeError, 'Expected path to be a file name or URL, got 3 (number)'],
  ];
  for (const [changes, instanceOf, message] of refused)
    await t.throwsAsync(randomizedSearch({ ...valid, ...changes } as never), { instanceOf, message });
});

test('copies of an estimator of one’s own are checked', async (t) => {
  const own = (parts: object) => ({ ...still(), clone: () => own(parts), setParams: () => own(parts), ...parts });
  const search = (estimator: object) =>
    gridSearch({ estimator: estimator as never, grid: { a: [1] }, train: [rows, labels], test: [rows, labels] });
  await t.notThrowsAsync(search(own({})));
  await t.throwsAsync(search(own({ clone: still })), {
    instanceOf: TypeError,
    message:
      'Expected what clone of the estimator gives to be an estimator, with methods clone and setParams, got {"fit":…,"predict":…,"score":…}',
  });
  await t.throwsAsync(search(own({ setParams: () => undefined })), {
    instanceOf: TypeError,
    message:
      'Expected what setParams of the estimator gives to be an estimator, with methods clone and setParams, got undefined',
  });
});

test.serial('whatever else the process serves has its turn between the fits of a search', async (t) => {
  const model = {
    fit() {
      const end = performance.now() + 4;
      while (performance.now() < end);
      return this;
    },
    predict: () => [0],
    score: () => 1,
  };
  let [turns, isOver] = [0, false];
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const grid = { a: Array.from({ length: 50 }, (_, i) => i) };
  await gridSearch({
    grid,
    build: () => model,
    train: [
      [[1], [2], [3], [4]],
      [0, 1, 0, 1],
    ],
    cv: 2,
  });
  isOver = true;
  t.true(turns >= 20, `${turns} turns in 400 ms`);
});
