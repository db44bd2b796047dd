import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import * as fjordnet from 'fjordnet';
import {
  crossValScore,
  GridSearchCV,
  GroupKFold,
  GroupShuffleSplit,
  gridSearch,
  halvingGridSearch,
  KFold,
  LeaveOneGroupOut,
  LeaveOneOut,
  LeavePGroupsOut,
  LeavePOut,
  MLPClassifier,
  NDArray,
  PredefinedSplit,
  RandomState,
  RepeatedKFold,
  RepeatedStratifiedKFold,
  ShuffleSplit,
  StratifiedGroupKFold,
} from 'fjordnet';
import { silenceWarnings } from './helpers/sklearn.js';

interface Case {
  name: string;
  n: number;
  options: any;
  y: any;
  groups: any;
  calls: number[][][][];
}
const golden: Case[] = JSON.parse(readFileSync(new URL('../test/fixtures/splitters.json', import.meta.url), 'utf8'));
silenceWarnings();

const range = (n: number) => Int32Array.from({ length: n }, (_, i) => i);
const lists = (splits: Iterable<NDArray[]>) =>
  Array.from(splits, (parts) => parts.map((part) => Array.from(part.data)));
const splitter = (name: string, options: object): any => new (fjordnet as any)[name](options);

for (const name of new Set(golden.map((one) => one.name)))
  test(`${name} splits into the rows that scikit-learn splits into`, (t) => {
    for (const { n, options, y, groups, calls } of golden.filter((one) => one.name === name)) {
      const { randomState: seed } = options;
      const isShared = Array.isArray(seed);
      const own = splitter(name, isShared ? { ...options, randomState: new RandomState(seed[0]) } : options);
      for (const expected of calls)
        t.deepEqual(lists(own.split(range(n), y ?? undefined, groups ?? undefined)), expected, JSON.stringify(options));
    }
  });

/** A model that keeps the rows it has seen. */
const seeing = (seen: number[][][]) => () => {
  let trained: number[];
  return {
    async fit(x: NDArray) {
      trained = Array.from(x.data);
    },
    predict: (x: NDArray) => x.data,
    score(x: NDArray) {
      seen.push([trained, Array.from(x.data)]);
      return x.data[0];
    },
  };
};

test('groups go to the splitter of crossValScore and of searches', async (t) => {
  const x = Array.from({ length: 8 }, (_, i) => [i]);
  const y = [0, 1, 0, 1, 0, 1, 0, 1];
  const groups = ['b', 'b', 'a', 'c', 'a', 'c', 'c', 'b'];
  const cv = new LeaveOneGroupOut();
  const expected = lists(cv.split(x, y, groups));
  t.deepEqual(
    expected.map(([, held]) => held),
    [
      [2, 4],
      [0, 1, 7],
      [3, 5, 6],
    ],
  );
  const seen: number[][][] = [];
  t.deepEqual(await crossValScore(seeing(seen), x, y, { cv, groups, threads: 1 }), [2, 0, 3]);
  t.deepEqual(seen, expected);
  seen.length = 0;
  const { results } = await gridSearch({
    grid: { a: [1] },
    build: seeing(seen),
    train: [x, y],
    cv,
    groups,
    threads: 1,
  });
  t.deepEqual(results[0].testScores, [2, 0, 3]);

  const estimator = new MLPClassifier({ hiddenLayerSizes: [2], maxIter: 3, randomState: 1 });
  const grid = { alpha: [0.1, 1] };
  const own = await gridSearch({ estimator, grid, train: [x, y], cv, groups });
  const search = await new GridSearchCV({ estimator, grid, cv }).fit(x, y, { groups });
  t.deepEqual(
    search.results.map((r) => r.testScores),
    own.results.map((r) => r.testScores),
  );
  const halved = await halvingGridSearch({
    estimator,
    grid,
    train: [x, y],
    cv,
    groups,
    minResources: 8,
    randomState: 0,
  });
  t.true(halved.results.every((r) => r.testScores?.length === 3));
});

test('a journal of other groups is that of another search', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-splitters-'));
  try {
    const x = Array.from({ length: 6 }, (_, i) => [i]);
    const search = (groups: number[]) =>
      gridSearch({
        ...{ grid: { a: [1] }, build: seeing([]), train: [x, [0, 1, 0, 1, 0, 1]], cv: new GroupKFold({ nSplits: 2 }) },
        ...{ groups, journal: join(folder, 'search.jsonl') },
      });
    await search([0, 0, 1, 1, 2, 2]);
    await search([0, 0, 1, 1, 2, 2]);
    await t.throwsAsync(search([0, 1, 1, 1, 2, 2]), { message: /to be of a search of the same groups/ });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a search with any of the splitters is saved with it', (t) => {
  const estimator = new MLPClassifier({ hiddenLayerSizes: [2] });
  for (const { name, n, options, y, groups, calls } of golden) {
    if (Array.isArray(options.randomState)) continue;
    const search = new GridSearchCV({ estimator, grid: { alpha: [1] }, cv: splitter(name, options) });
    const { cv } = GridSearchCV.fromBytes(search.toBytes()).getParams();
    t.deepEqual(lists(cv.split(range(n), y ?? undefined, groups ?? undefined)), calls[0], name);
  }
});

test('the training sets of many folds are not held at once', async (t) => {
  const n = 1500;
  const x = NDArray.zeros([n, 200]);
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const make = () => ({
    async fit() {
      most = Math.max(most, process.memoryUsage().arrayBuffers);
    },
    predict: () => [0],
    score: () => 1,
  });
  const held = [[range(n), [0]]].flatMap((split) => Array.from({ length: 600 }, () => split)) as never;
  await crossValScore(make, x, new Int32Array(n), { cv: held, threads: 1 });
  await gridSearch({ grid: { a: [1] }, build: make, train: [x, new Int32Array(n)], cv: held, threads: 1 });
  t.true(most - before < 600 * 8 * x.size * 0.5, `${(most - before) / 2 ** 20} MiB`);
});

test('what splitters cannot split is refused', async (t) => {
  const x = range(4);
  const y = [0, 0, 1, 1];
  const groups = [0, 0, 1, 2];
  const cases: [() => unknown, string | RegExp][] = [
    [() => new LeaveOneOut().split([1]), 'Expected x to have more than 1 row, got 1'],
    [() => new LeavePOut({ p: 4 }).split(x), 'Expected x to have more than 4 rows, got 4'],
    [() => new LeavePOut({ p: 0 }), 'Expected p to be a positive integer, got 0 (number)'],
    [() => new LeavePOut({} as never), /^Expected p to be a positive integer, got undefined/],
    [() => new LeaveOneOut({ p: 1 } as never), /no option 'p'/],
    [() => new PredefinedSplit({} as never), /^Expected testFold to be /],
    [() => new PredefinedSplit({ testFold: [] }), 'Expected testFold to be one number a row, got shape [0]'],
    [() => new PredefinedSplit({ testFold: [0, -2] }), 'Expected testFold[1] to be an integer >= -1, got -2 (number)'],
    [() => new PredefinedSplit({ testFold: [0, 2 ** 31] }), /^Expected testFold\[1\] to be below 2\^31/],
    [() => new PredefinedSplit({ testFold: [0, 1] }).split(x), 'Expected x to have 2 rows, got 4'],
    [() => new RepeatedKFold({ nRepeats: 0 }), 'Expected nRepeats to be a positive integer, got 0 (number)'],
    [() => new RepeatedKFold().split(x), 'Expected nSplits to be at most the number of rows, 4, got 5 (number)'],
    [
      () => new RepeatedStratifiedKFold({ nSplits: 3 }).split(x, y),
      'Expected nSplits to be at most the number of members of some class in y, 2, got 3 (number)',
    ],
    [
      () => new GroupKFold({ nSplits: 4 }).split(x, y, groups),
      'Expected nSplits to be at most the number of groups, 3, got 4 (number)',
    ],
    [
      () => (new GroupKFold({ nSplits: 2 }) as any).split(x, y),
      'Expected groups to be the group of every row, by which the splitter splits, got undefined',
    ],
    [() => new GroupKFold({ nSplits: 2 }).split(x, y, [0, 1]), 'Expected groups to have 4 rows, got 2'],
    [
      () => new StratifiedGroupKFold({ nSplits: 2 }).split(x, y, [1, 1, 1, 1]),
      'Expected nSplits to be at most the number of groups, 1, got 2 (number)',
    ],
    [
      () => new LeaveOneGroupOut().split(x, y, [1, 1, 1, 1]),
      'Expected groups to hold more than 1 different group, got 1',
    ],
    [
      () => new LeavePGroupsOut({ nGroups: 3 }).split(x, y, groups),
      'Expected groups to hold more than 3 different groups, got 3',
    ],
    [
      () => new GroupShuffleSplit({ trainSize: 0.2 }).split(x, y, groups),
      'Expected trainSize to be a size that leaves groups to train on out of 3, got 0.2 (number)',
    ],
    [() => new ShuffleSplit({ nSplits: 0 }), 'Expected nSplits to be a positive integer, got 0 (number)'],
    [() => new ShuffleSplit({ testSize: 4 }).split(x), /^Expected testSize to be a share in \(0, 1\)/],
  ];
  for (const [call, message] of cases) t.throws(call, { message });
  const model = () => new MLPClassifier({ maxIter: 1 });
  for (const cv of [undefined, 2, [[[0], [1]]] as never])
    await t.throwsAsync(crossValScore(model, [[1], [2], [3], [4]], y, { cv, groups }), {
      message: 'Expected groups to be undefined where cv is no splitter, such as GroupKFold, got Array(4)',
    });
  await t.throwsAsync(
    gridSearch({
      grid: { a: [1] },
      build: model,
      train: [
        [[1], [2]],
        [0, 1],
      ],
      groups,
    }),
    {
      message: 'Expected groups to be undefined where there is no cv, got Array(4)',
    },
  );
  await t.throwsAsync(crossValScore(model, [[1], [2], [3], [4]], y, { cv: new LeaveOneGroupOut() }), {
    message: /^Expected groups to be the group of every row/,
  });
  t.is(lists(new KFold({ nSplits: 2 }).split(x)).length, 2);
});
