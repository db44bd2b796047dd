// Searches over several ranks, which meet in memory here: what one process finds, on all of them, with any number of them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import {
  bootstrapScore,
  crossValScore,
  type GridResult,
  GridSearchCV,
  gridSearch,
  HalvingRandomSearchCV,
  halvingGridSearch,
  halvingRandomSearch,
  KFold,
  layers,
  MLPClassifier,
  Pipeline,
  RandomizedSearchCV,
  RandomState,
  randomizedSearch,
  StandardScaler,
  sequential,
} from 'fjordnet';
import { small } from './helpers/lecture.js';
import { errorsOn, onRanks, type World } from './helpers/ranks-in-memory.js';

process.removeAllListeners('warning'); // of few iterations
const folder = mkdtempSync(join(tmpdir(), 'fjordnet-search-ranks-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const random = new RandomState(3);
const n = 60;
const rows = Array.from({ length: n }, (_, i) => [random.normal(i % 2, 0.7) as number, random.normal() as number]);
const labels = rows.map((_, i) => (i % 2 ? 'yes' : 'no'));
const train = [rows, labels] as const;
const network = (params: object = {}) =>
  new MLPClassifier({ hiddenLayerSizes: [4], maxIter: 12, randomState: 1, ...params });
const grid = { alpha: [1e-4, 0.1, 1, 10], hiddenLayerSizes: [[3], [5]] };
const drawn = (own: RandomState) => 10 ** own.uniform(-4, 1);

const withoutSeconds = ({ results }: { results: GridResult[] }) => results.map(({ seconds, ...rest }) => rest);

type Found = { results: GridResult[]; best: GridResult };

/** The same on all ranks, and but for the seconds what one process finds. */
function same(t: ExecutionContext, found: readonly Found[], alone: Found, what: string) {
  for (const own of found) {
    t.deepEqual(withoutSeconds(own), withoutSeconds(alone), what);
    t.deepEqual(own.results, found[0].results, what);
    t.is(own.results.indexOf(own.best), alone.results.indexOf(alone.best), what);
    t.true(own.results.every(({ seconds }) => seconds > 0));
  }
}

const searches: Record<
  string,
  (more: { distributed?: World; threads?: number; [name: string]: any }) => Promise<Found>
> = {
  gridSearch: (more) => gridSearch({ estimator: network(), grid, train, cv: 3, ...more }),
  'a test set': (more) => gridSearch({ estimator: network(), grid, train, test: [rows, labels], ...more }),
  randomizedSearch: (more) =>
    randomizedSearch({
      estimator: network(),
      distributions: { alpha: drawn },
      nIter: 5,
      randomState: 2,
      train,
      cv: 3,
      ...more,
    }),
  halvingGridSearch: (more) => halvingGridSearch({ estimator: network(), grid, train, cv: 3, randomState: 0, ...more }),
  halvingRandomSearch: (more) =>
    halvingRandomSearch({
      estimator: network(),
      distributions: { alpha: drawn },
      nCandidates: 9,
      ...{ resource: 'maxIter', minResources: 4, maxResources: 36, train, cv: 3, randomState: 5 },
      ...more,
    }),
  'networks from a shared generator': (more) => {
    const { x, labels: digits } = small();
    const shared = new RandomState(8);
    return gridSearch({
      grid: { eta: [1e-4, 1e-3, 1e-2], lmbd: [0, 0.1] },
      build: (params) => small(0, { ...params, epochs: params.eta === 1e-4 ? 30 : 3, randomState: shared }).network,
      train: [x, digits],
      ...more,
    });
  },
  'seeds drawn in build': (more) => {
    const seeds = new RandomState(8);
    const build = ({ alpha }: { alpha: number }) => network({ alpha, randomState: seeds.randint(0, 1000) });
    return gridSearch({ grid: { alpha: grid.alpha }, build, train, cv: 3, ...more });
  },
};

for (const [name, search] of Object.entries(searches))
  test(`${name}: any number of ranks finds what one process does`, async (t) => {
    const alone = await search({});
    for (const [size, threads] of [
      [1, 2],
      [2, 1],
      [3, 1],
      [4, 2],
    ]) {
      const told: number[][] = [];
      const onResult =
        (world: World) =>
        (_result: unknown, _model: unknown, { done, total }: any) => {
          t.is(total, alone.results.length);
          told[world.rank] ??= [];
          told[world.rank].push(done);
        };
      const found = await onRanks(size, (distributed) =>
        search({ distributed, threads, onResult: onResult(distributed) }),
      );
      same(t, found, alone, `${size} ranks`);
      t.deepEqual(told, [alone.results.map((_, i) => i + 1)]);
    }
  });

test('a network that shares a generator leaves it as one process does, on every rank', async (t) => {
  const { x, labels: digits } = small();
  const after = async (distributed?: World) => {
    const shared = new RandomState(8);
    const build = (params: object) => small(0, { ...params, epochs: 3, randomState: shared }).network;
    await gridSearch({
      grid: { eta: [1e-4, 1e-3, 1e-2] },
      build,
      train: [x, digits],
      ...(distributed && { distributed }),
    });
    return shared.randint(0, 2 ** 31);
  };
  const alone = await after();
  t.deepEqual(await onRanks(3, after), [alone, alone, alone]);
});

test('the table of a grid, of networks too', async (t) => {
  const build = ({ units }: { units: number }) => {
    const model = sequential({
      layers: [layers.dense({ units, activation: 'relu' }), layers.dense({ units: 1 })],
      seed: units,
    });
    model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    return model;
  };
  const y = labels.map((label) => Number(label === 'yes'));
  const scoring = async (model: any, x: any, targets: any) => -(await model.evaluate(x, targets)).loss;
  const search = (more: object) =>
    gridSearch({
      ...{ grid: { units: [1, 2, 3] }, build, train: [rows, y] as const, scoring, fitOptions: { epochs: 3 } },
      ...more,
    });
  const alone = await search({});
  const found = await onRanks(2, (distributed) => search({ distributed }));
  same(t, found, alone, 'networks');
  for (const { table } of found) t.deepEqual(table('trainScore').toArray(), alone.table('trainScore').toArray());
});

test('crossValScore and bootstrapScore over ranks', async (t) => {
  const folds = await crossValScore(network(), rows, labels, { cv: 4 });
  for (const own of await onRanks(3, (distributed) => crossValScore(network(), rows, labels, { cv: 4, distributed })))
    t.deepEqual(own, folds);
  const made = (distributed?: World) =>
    crossValScore(() => network({ randomState: 4 }), rows, labels, { cv: 3, ...(distributed && { distributed }) });
  const alone = await made();
  t.deepEqual(await onRanks(2, made), [alone, alone]);
  const options = { nResamples: 7, randomState: 5 };
  const bootstrap = await bootstrapScore(network(), rows, labels, options);
  for (const own of await onRanks(3, (distributed) =>
    bootstrapScore(network(), rows, labels, { ...options, distributed }),
  ))
    t.deepEqual(own, bootstrap);
});

test('what has no seed is drawn once for all ranks', async (t) => {
  const estimator = () => network({ randomState: undefined });
  const all = [
    await onRanks(3, (distributed) =>
      randomizedSearch({
        estimator: estimator(),
        distributions: { alpha: drawn },
        nIter: 5,
        train,
        cv: 3,
        distributed,
      }),
    ),
    await onRanks(3, (distributed) =>
      halvingRandomSearch({
        estimator: estimator(),
        ...{ distributions: { alpha: drawn }, nCandidates: 6, train, cv: 3, distributed },
      }).catch(async () => halvingGridSearch({ estimator: estimator(), grid, train, cv: 3, distributed })),
    ),
  ];
  for (const found of all) for (const own of found) t.deepEqual(own.results, found[0].results);
  const splits = () => new KFold({ nSplits: 3, shuffle: true });
  const scores = await onRanks(3, (distributed) =>
    crossValScore(network(), rows, labels, { cv: splits(), distributed }),
  );
  t.deepEqual(scores, [scores[0], scores[0], scores[0]]);
  const samples = await onRanks(2, (distributed) =>
    bootstrapScore(network(), rows, labels, { nResamples: 5, distributed }),
  );
  t.deepEqual(samples[1], samples[0]);
});

test('searches as estimators: the best one is the same on all ranks', async (t) => {
  const pipeline = (params: object) =>
    new Pipeline([
      ['scale', new StandardScaler()],
      ['model', network(params)],
    ]);
  const model__alpha = [1e-4, 1, 10];
  type Maker = (params: object, more: object) => { fit(...args: unknown[]): Promise<any> };
  const makers: Record<string, Maker> = {
    grid: (params, more) => new GridSearchCV({ estimator: pipeline(params), grid: { model__alpha }, cv: 3, ...more }),
    random: (params, more) =>
      new RandomizedSearchCV({
        estimator: pipeline(params),
        ...{ distributions: { model__alpha: drawn }, nIter: 3, randomState: 1, cv: 3, ...more },
      }),
    halving: (params, more) =>
      new HalvingRandomSearchCV({
        estimator: pipeline(params),
        ...{ distributions: { model__alpha: drawn }, nCandidates: 4, randomState: 1, cv: 3, ...more },
      }),
  };
  for (const [name, make] of Object.entries(makers)) {
    const alone = await make({}, {}).fit(rows, labels);
    const given = await onRanks(2, (distributed) => make({}, { distributed }).fit(rows, labels));
    const asked = await onRanks(2, (distributed) => make({}, {}).fit(rows, labels, { distributed }));
    for (const own of [...given, ...asked]) {
      t.deepEqual(own.bestParams, alone.bestParams, name);
      t.is(own.bestScore, alone.bestScore);
      t.deepEqual(own.predictProba(rows), alone.predictProba(rows));
    }
    const unseeded = await onRanks(3, (distributed) =>
      make({ randomState: undefined }, {}).fit(rows, labels, { distributed }),
    );
    for (const own of unseeded) {
      t.deepEqual(own.bestParams, unseeded[0].bestParams);
      t.deepEqual(own.predictProba(rows), unseeded[0].predictProba(rows), name);
    }
  }
  // a file has no world
  const [saved] = await onRanks(2, (distributed) => makers.grid({}, { distributed }).fit(rows, labels));
  t.deepEqual(GridSearchCV.fromBytes(saved.toBytes()).predict(rows), saved.predict(rows));
});

test('an estimator that cannot be saved is fitted on each rank', async (t) => {
  class Own {
    fitted = 0;
    constructor(readonly alpha = 1) {}
    clone() {
      return new Own(this.alpha);
    }
    getParams() {
      return { alpha: this.alpha };
    }
    setParams({ alpha }: { alpha: number }) {
      return new Own(alpha);
    }
    async fit() {
      this.fitted++;
    }
    predict(x: unknown[]) {
      return x.map(() => 'no');
    }
    score() {
      return -this.alpha;
    }
  }
  for (const search of await onRanks(2, (distributed) =>
    new GridSearchCV({ estimator: new Own(), grid: { alpha: [3, 2] }, cv: 2, distributed }).fit(rows, labels),
  )) {
    t.is(search.bestEstimator.fitted, 1);
    t.is(search.bestEstimator.alpha, 2);
  }
});

/** A model that takes so many milliseconds. */
const waiting = (wait: number) => ({
  async fit(_x: unknown, _y: unknown, { signal }: { signal?: AbortSignal } = {}) {
    await setTimeout(wait, undefined, signal && { signal });
  },
  predict: () => [],
  score: () => wait,
});

test('no rank waits for a slow one: the next point goes to whoever is free', async (t) => {
  for (const slow of [0, 1, 5]) {
    const log: number[][] = [[], [], []];
    const points = Array.from({ length: 12 }, (_, i) => i);
    let left = points.length - 1;
    let finish = () => {};
    const others = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const model = (rank: number, i: number) => ({
      async fit() {
        log[rank].push(i);
        if (i === slow) await others;
        else if (--left === 0) finish();
      },
      predict: () => [],
      score: () => i,
    });
    const found = await onRanks(3, (distributed) =>
      gridSearch({
        ...{ grid: { i: points }, build: (params) => model(distributed.rank, params.i) },
        ...{ train, threads: 1, distributed },
      }),
    );
    for (const { results } of found)
      t.deepEqual(
        results.map(({ trainScore }) => trainScore),
        points,
      );
    t.is(log.flat().length, points.length);
    t.is(log.find((own) => own.includes(slow))?.at(-1), slow, 'it has nothing after that one');
  }
});

test('a point that fails is told on all ranks, with its code', async (t) => {
  const build = ({ i }: { i: number }) => {
    if (i === 1) throw new RangeError('no such model');
    return {
      async fit() {
        if (i === 2) throw Object.assign(new Error('it diverged', { cause: () => {} }), { code: 'ERR_DIVERGED' });
        if (i === 3) throw 'a text';
      },
      predict: () => [],
      score: () => i,
    };
  };
  const search = (distributed: World) =>
    gridSearch({ grid: { i: [0, 1, 2, 3, 4] }, build, train, threads: 1, distributed });
  for (const { results, best } of await onRanks(3, search)) {
    t.is(best.params.i, 4);
    t.deepEqual(
      results.map(({ trainScore }) => trainScore),
      [0, NaN, NaN, NaN, 4],
    );
    t.true(results[1].error instanceof RangeError);
    t.is(results[1].error!.message, 'no such model');
    t.like(results[2].error, { message: 'it diverged', code: 'ERR_DIVERGED' });
    t.true(results[3].error !== undefined);
  }
  const none = (distributed: World) => gridSearch({ grid: { i: [1, 2] }, build, train, distributed });
  for (const error of await errorsOn(2, none)) t.is(error.message, 'no such model');
  const folds = (distributed: World) => crossValScore(() => build({ i: 2 }), rows, labels, { cv: 3, distributed });
  for (const error of await errorsOn(2, folds)) t.like(error, { message: 'it diverged', code: 'ERR_DIVERGED' });
});

test('what goes wrong on one rank ends the search on all', async (t) => {
  const forever = 2 ** 31 - 1; // or until a signal ends it
  const search = (distributed: World, more: object = {}) =>
    gridSearch({
      ...{ grid: { wait: [1, forever, forever, forever] }, build: ({ wait }: any) => waiting(wait) },
      ...{ train, threads: 1, distributed, ...more },
    });
  const enough = () => {
    throw new Error('enough');
  };
  const [first, ...others] = await errorsOn(3, (world) => search(world, { onResult: enough }));
  t.is(first.message, 'enough');
  for (const error of others) t.like(error, { code: 'ERR_RANK', message: 'Rank 0 of 3 ended the search: enough' });

  const splits = {
    split(): Iterable<never> {
      throw new Error('no splits');
    },
  };
  const all = await errorsOn(3, (world) => search(world, world.rank === 1 ? { cv: splits } : { cv: new KFold() }));
  t.deepEqual(
    all.map(({ message }) => message),
    ['Rank 1 of 3 ended the search: no splits', 'no splits', 'Rank 1 of 3 ended the search: no splits'],
  );
  const wrong = await errorsOn(2, (world) => search(world, world.rank === 1 ? { threads: 0 } : {}));
  t.is(wrong[0].code, 'ERR_RANK');
  t.regex(wrong[0].message, /^Rank 1 of 2 ended the search: Expected threads to be/);
  t.regex(wrong[1].message, /^Expected threads to be/);

  for (const by of [0, 1, 2])
    for (const wait of [0, 60]) {
      const controller = new AbortController();
      if (wait > 0) setTimeout(wait).then(() => controller.abort('late'));
      else controller.abort('late');
      const errors = await errorsOn(3, (world) =>
        search(world, world.rank === by ? { signal: controller.signal } : {}),
      );
      for (const [rank, error] of errors.entries()) {
        t.like(error, { code: 'ERR_ABORTED', name: 'AbortError' });
        t.is(error.message, rank === by ? 'The search was aborted' : `The search was aborted by rank ${by}`);
        t.is(error.cause, rank === by ? 'late' : undefined);
      }
    }
});

test('other calls on other ranks are refused on all of them', async (t) => {
  const sentence = (what: string) =>
    `Expected the same search on every rank, got another value of ${what} on rank 1 than on rank 0`;
  const common = { estimator: network(), grid: { alpha: [0.1, 1] }, train, cv: 3 };
  const others: [string, object][] = [
    ['points', { grid: { alpha: [0.1, 2] } }],
    ['points', { grid: { alpha: [0.1, 1, 2] } }],
    ['train', { train: [[...rows].reverse(), labels] }],
    ['train', { train: [rows, [...labels].reverse()] }],
    ['cv', { cv: 4 }],
    ['scoring', { scoring: 'roc_auc' }],
    ['fitOptions', { fitOptions: { sampleWeight: labels.map(() => 2) } }],
    ['estimator', { estimator: network({ maxIter: 13 }) }],
    ['randomState of the estimator', { estimator: network({ randomState: new RandomState(6) }) }],
  ];
  for (const [what, other] of others) {
    const own = what.startsWith('random') ? { estimator: network({ randomState: new RandomState(7) }) } : {};
    const trained = () => t.fail();
    const errors = await errorsOn(3, (distributed) =>
      gridSearch({ ...common, ...own, onResult: trained, ...(distributed.rank === 1 && other), distributed }),
    );
    for (const error of errors) {
      t.true(error instanceof RangeError);
      t.is(error.message, sentence(what));
    }
  }
  const mixed = await errorsOn(2, (distributed) =>
    distributed.rank === 0
      ? gridSearch({ ...common, distributed })
      : crossValScore(common.estimator, rows, labels, { cv: 3, distributed }),
  );
  for (const error of mixed) t.regex(error.message, /^Expected the same search on every rank/);
  const many = Array.from({ length: 3000 }, (_, i) => ({ kind: i % 3 ? 'fir' : 'oak' }));
  const still = () => ({ fit: async () => {}, predict: () => [], score: () => 1 });
  const ofWords = await errorsOn(2, (distributed) => {
    const own = distributed.rank ? many.toSpliced(1501, 1, { kind: 'ash' }) : many;
    return crossValScore(still as never, own, new Float64Array(3000), { distributed });
  });
  for (const error of ofWords) t.is(error.message, sentence('samples'));
  const table = rows.map(([a, b]) => ({ a, b }));
  const pipeline = () =>
    new Pipeline([
      ['scale', new StandardScaler()],
      ['model', network()],
    ]);
  const ofTables = await errorsOn(2, (distributed) =>
    crossValScore(pipeline(), distributed.rank ? [...table].reverse() : table, labels, { distributed }),
  );
  for (const error of ofTables) t.is(error.message, sentence('samples'));
});

test('what cannot give the numbers of one process is refused', async (t) => {
  const shared = new RandomState(1);
  const sharing = await errorsOn(2, (distributed) =>
    gridSearch({
      build: (params) => network({ ...params, randomState: shared }),
      grid: { alpha: [1, 2, 3] },
      train,
      distributed,
    }),
  );
  const one = /Expected models with a seed or a RandomState of their own where distributed is given/;
  for (const error of sharing) t.regex(error.message, one);
  t.true(sharing.some((error) => error instanceof TypeError));

  const own = (distributed: World) =>
    gridSearch({
      build: (params) => network({ ...params, randomState: new RandomState(1) }),
      ...{ grid: { alpha: [1, 2, 3] }, train, distributed },
    });
  t.is((await onRanks(2, own))[1].results.length, 3);

  const twice = await errorsOn(2, (distributed) => {
    const inner = new GridSearchCV({ estimator: network(), grid: { alpha: [1] }, cv: 2, distributed });
    return crossValScore(() => inner, rows, labels, { cv: 2, distributed });
  });
  for (const error of twice)
    t.regex(error.message, /Expected distributed to be given to the search or to its estimator, not to both/);
  const [within] = await errorsOn(1, (distributed) =>
    crossValScore(network(), rows, labels, { fitOptions: { distributed } }),
  );
  t.regex(within.message, /^Expected fitOptions.distributed to be undefined/);
  const [none] = await errorsOn(1, () => crossValScore(network(), rows, labels, { distributed: {} as World }));
  t.regex(none.message, /^Expected distributed to be what mpi.init\(\) of fjordnet\/mpi gives/);
});

test('nested: each outer fold searches over the ranks', async (t) => {
  const search = (more: object) =>
    new GridSearchCV({ estimator: network(), grid: { alpha: [0.1, 1] }, cv: 2, ...more });
  const alone = await crossValScore(search({}), rows, labels, { cv: 3 });
  t.deepEqual(await onRanks(2, (distributed) => crossValScore(search({ distributed }), rows, labels, { cv: 3 })), [
    alone,
    alone,
  ]);
});

test('several searches at a time keep apart', async (t) => {
  const alone = [await searches.gridSearch({}), await searches.randomizedSearch({})];
  const both = await onRanks(2, (distributed) =>
    Promise.all([searches.gridSearch({ distributed }), searches.randomizedSearch({ distributed })]),
  );
  for (const [i, own] of alone.entries())
    same(
      t,
      both.map((found) => found[i]),
      own,
      `search ${i}`,
    );
});

test('the journal is that of rank 0, and what is in it is not trained again', async (t) => {
  for (const name of ['gridSearch', 'halvingGridSearch']) {
    const search = searches[name];
    const whole = await search({});
    const journal = join(folder, `${name}.jsonl`);
    const stop = () => {
      let done = 0;
      return {
        onResult() {
          if (++done === 3) throw new Error('enough');
        },
      };
    };
    await errorsOn(2, (distributed) => search({ distributed, journal, threads: 1, ...stop() }));
    const lines = readFileSync(journal, 'utf8').trimEnd().split('\n').slice(1);
    t.true(lines.length >= 3 && lines.length < whole.results.length);
    let reported = 0;
    const onResult = () => reported++;
    const found = await onRanks(2, (distributed) =>
      search({ distributed, onResult, threads: 1, journal: distributed.rank === 0 ? journal : '/nowhere/at/all' }),
    );
    same(t, found, whole, name);
    t.is(reported, whole.results.length - lines.length);
    for (const { index, seconds } of lines.map((line) => JSON.parse(line)))
      t.is(found[1].results[index].seconds, seconds, 'it is not trained again');
    // again alone: the file is that of one process
    const onOther = () => t.fail();
    t.deepEqual(withoutSeconds(await search({ journal, onResult: onOther })), withoutSeconds(whole));
    writeFileSync(journal, '{"search":"another"}\n');
    const [own, other] = await errorsOn(2, (distributed) => search({ distributed, journal }));
    t.regex(own.message, /^Expected the journal/);
    t.is(other.code, 'ERR_RANK');
  }
});
