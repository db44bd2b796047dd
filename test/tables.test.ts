import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  Table as ArrowTable,
  Decimal,
  Float32,
  TimestampMicrosecond,
  tableFromArrays,
  vectorFromArray,
} from 'apache-arrow';
import test from 'ava';
import {
  ColumnTransformer,
  crossValScore,
  DatetimeEncoder,
  gridSearch,
  KFold,
  KMeans,
  LabelEncoder,
  layers,
  loadPredictor,
  MaxAbsScaler,
  MinMaxScaler,
  MLPClassifier,
  MLPRegressor,
  makePipeline,
  NDArray,
  Normalizer,
  OneHotEncoder,
  OrdinalEncoder,
  Pipeline,
  PolynomialFeatures,
  Predictor,
  permutationImportance,
  RandomState,
  RobustScaler,
  Sequential,
  SimpleImputer,
  type SimpleImputerOptions,
  StandardScaler,
  sequential,
  type Table,
  TableTransformer,
  toCategorical,
  trainTestSplit,
} from 'fjordnet';
import { Matrix } from 'ml-matrix';

const golden = JSON.parse(readFileSync(new URL('../test/fixtures/tables.json', import.meta.url), 'utf8'));

const columnTransformer = () =>
  new ColumnTransformer(
    [
      ['numbers', [new SimpleImputer({ strategy: 'median' }), new StandardScaler()], ['mass', 'flipper']],
      [
        'kinds',
        [new SimpleImputer({ strategy: 'mostFrequent' }), new OneHotEncoder({ handleUnknown: 'ignore' })],
        ['island', 'sex'],
      ],
      ['years', new MinMaxScaler(), ['year']],
    ],
    { remainder: 'drop' },
  );

const near = (
  t: { true(x: boolean, why: string): unknown },
  z: NDArray,
  { shape, data }: { shape: number[]; data: number[] },
) => {
  t.true(z.shape.join() === shape.join(), `${z.shape}`);
  for (const [i, value] of data.entries())
    t.true(Math.abs(z.data[i] - value) <= 1e-12 * Math.max(1, Math.abs(value)), `${i}: ${z.data[i]} ${value}`);
};

test('rows of hardly any norm stay, as in scikit-learn; columns of nothing that are kept are filled', (t) => {
  const tiny = [
    [3e-16, 4e-16],
    [0, 0],
    [3e-15, 4e-15],
  ];
  const [first, second, third] = (new Normalizer().fitTransform(tiny) as NDArray).toArray() as number[][];
  t.deepEqual([first, second], tiny.slice(0, 2));
  t.true(Math.abs(third[0] - 0.6) < 1e-15);
  const floats = NDArray.from([[3e-7, 4e-7]], { dtype: 'float32' });
  t.deepEqual(new Normalizer().fitTransform(floats).toArray(), floats.toArray());
  const kept = (options: SimpleImputerOptions) =>
    new SimpleImputer({ keepEmptyFeatures: true, ...options }).fit([
      [null, 1],
      [null, 2],
    ] as never);
  t.deepEqual(kept({ strategy: 'constant', fillValue: -1 }).statistics, [-1, -1]);
  t.deepEqual(kept({}).statistics, [0, 1.5]);
  t.deepEqual(new SimpleImputer().fit([[null, 1]] as never).statistics, [Number.NaN, 1]);
  const words = new SimpleImputer({ strategy: 'mostFrequent', keepEmptyFeatures: true }).fit([[null]] as never);
  t.deepEqual(words.transform([['b'], [null]] as never), [['b'], [0]]);
});

test('a missing value may be one of the categories that are given', (t) => {
  for (const none of [null, Number.NaN]) {
    const encoder = new OneHotEncoder({ categories: [['x', none]] }).fit([['x'], [null]]);
    t.deepEqual((encoder.transform([[null], ['x']]) as NDArray).toArray(), [
      [0, 1],
      [1, 0],
    ]);
  }
});

test('a ColumnTransformer makes scikit-learn’s columns of penguins, of rows, columns and new rows', (t) => {
  const { rows, transformed, names, new_rows: fresh, new_transformed: freshTransformed } = golden;
  const transformer = columnTransformer();
  near(t, transformer.fitTransform(rows), transformed);
  t.deepEqual(transformer.getFeatureNamesOut(), names);
  near(t, transformer.transform(fresh), freshTransformed);
  const columns = Object.fromEntries(Object.keys(rows[0]).map((key) => [key, rows.map((row: any) => row[key])]));
  near(t, columnTransformer().fitTransform(columns), transformed);
  // other orders of columns, and others beside them, change nothing
  const reversed = fresh.map((row: object) => Object.fromEntries([['other', {}], ...Object.entries(row).reverse()]));
  near(t, transformer.transform(reversed), freshTransformed);
  near(t, new OrdinalEncoder().fitTransform(rows.map(({ island }: any) => ({ island }))), golden.ordinal);
  // the missing value has a number of its own, which may be the one behind the others, or one of a column without any
  const own = new OrdinalEncoder({
    handleUnknown: 'useEncodedValue',
    unknownValue: 2,
    encodedMissingValue: 3,
  }).fit([['b'], ['a'], [null]]);
  t.deepEqual(own.transform([['a'], ['b'], [null], ['c']]).toArray(), [[0], [1], [3], [2]]);
  t.deepEqual(new OrdinalEncoder({ encodedMissingValue: 0 }).fitTransform([['a'], ['b']]).toArray(), [[0], [1]]);
  near(t, new RobustScaler().fitTransform(rows.map(({ flipper }: any) => ({ flipper }))), golden.robust);
  const imputed = new SimpleImputer({ strategy: 'mean', addIndicator: true }).fitTransform(
    rows.map(({ mass }: any) => ({ mass })),
  );
  near(t, imputed as NDArray, golden.mean_imputed);
});

test('tables of Apache Arrow are read with their text, dates and missing values; matrices of others as matrices', (t) => {
  const { rows, transformed } = golden;
  const columns = Object.fromEntries(Object.keys(rows[0]).map((key) => [key, rows.map((row: any) => row[key])]));
  const table = tableFromArrays({
    ...columns,
    seen: rows.map((_: unknown, i: number) => new Date(86_400_000 * i)),
  } as never);
  near(t, columnTransformer().fitTransform(table as never), transformed);
  const dates = new DatetimeEncoder({ parts: ['day'] }).fit(
    rows.map((_: unknown, i: number) => ({ seen: new Date(86_400_000 * i) })),
  );
  t.deepEqual(dates.transform(table.select(['seen']) as never).data[4], 5);
  const scaler = new StandardScaler();
  t.deepEqual(
    scaler
      .fitTransform(
        new Matrix([
          [1, 2],
          [3, 4],
        ]),
      )
      .toArray(),
    [
      [-1, -1],
      [1, 1],
    ],
  );
  const [train] = trainTestSplit([table as never], { testSize: 4, randomState: 0 }) as any;
  t.is(train.island.length, rows.length - 4);
});

test('decimals of Apache Arrow are numbers, and times before 1970 of the second that they are in, as of Parquet', (t) => {
  const words = (value: bigint) =>
    Uint32Array.from({ length: 4 }, (_, i) => Number(BigInt.asUintN(32, value >> BigInt(32 * i))));
  const table = new ArrowTable({
    price: vectorFromArray([12345n, -5n, null, 10n ** 25n].map((v) => v && words(v)) as never, new Decimal(3, 30)),
    seen: vectorFromArray([-0.5, 0.5, -1000, null] as never, new TimestampMicrosecond()),
  }) as never;
  const price = new ColumnTransformer([['price', 'passthrough', ['price']]]).fitTransform(table);
  t.deepEqual([...price.data], [12.345, -0.005, Number.NaN, 1e22]);
  const seconds = new ColumnTransformer([
    ['seen', new DatetimeEncoder({ parts: ['totalSeconds', 'second'] }), ['seen']],
  ]);
  t.deepEqual([...seconds.fitTransform(table).data.slice(0, 6)], [-0.001, 59, 0, 0, -1, 59]);
  t.regex(TableTransformer.infer(table).describe(), /price: a number, 1 missing/);
});

/** Rows of two kinds of penguins, drawn. */
function penguins(n: number, seed: number) {
  const random = new RandomState(seed);
  const rows = Array.from({ length: n }, () => {
    const species = random.randomSample() < 0.5 ? 'Adelie' : 'Gentoo';
    const isGentoo = species === 'Gentoo';
    return {
      species,
      island: isGentoo || random.randomSample() < 0.4 ? 'Biscoe' : 'Dream',
      mass: random.randomSample() < 0.1 ? null : random.normal(isGentoo ? 5100 : 3700, 300),
      flipper: random.normal(isGentoo ? 217 : 190, 6),
      sex: ['male', 'female', ''][random.randint(0, 3)],
    };
  });
  return { rows, species: rows.map((row) => row.species) };
}

const onPenguins = () =>
  new ColumnTransformer([
    ['numbers', [new SimpleImputer(), new StandardScaler()], ['mass', 'flipper']],
    [
      'kinds',
      [new SimpleImputer({ strategy: 'mostFrequent' }), new OneHotEncoder({ handleUnknown: 'ignore' })],
      ['island', 'sex'],
    ],
  ]);

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'fjordnet-tables-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('a pipeline of an estimator travels in one file, with the bits it had', async (t) => {
  const { rows, species } = penguins(80, 1);
  const fresh = penguins(20, 2).rows;
  const pipeline = new Pipeline([
    ['prepare', onPenguins()],
    ['model', new MLPClassifier({ hiddenLayerSizes: [8], randomState: 1, solver: 'lbfgs' })],
  ]);
  t.is(await pipeline.fit(rows, species), pipeline);
  const labels = pipeline.predict(fresh) as string[];
  const p = pipeline.predictProba(fresh);
  t.true(
    ((await pipeline.score(
      fresh,
      fresh.map((row) => row.species),
    )) as number) > 0.9,
  );
  t.deepEqual(pipeline.classes, ['Adelie', 'Gentoo']);
  await inFolder(async (folder) => {
    const path = join(folder, 'penguins.fjordnet');
    await pipeline.save(path);
    t.deepEqual(new Uint8Array(await readFile(path)), new Uint8Array(pipeline.toBytes()));
    const loaded = await Pipeline.load(path);
    t.deepEqual((loaded as typeof pipeline).predictProba(fresh), p);
    const predictor = await loadPredictor(path);
    t.deepEqual(await predictor.predict(fresh), labels);
    t.deepEqual(predictor.predictSync(fresh), labels);
    t.deepEqual(await predictor.predictProba(fresh), p);
    t.deepEqual(predictor.classes, ['Adelie', 'Gentoo']);
    t.deepEqual(predictor.inputNames, ['island', 'mass', 'flipper', 'sex']);
    t.true(predictor.describe().includes('Adelie, Gentoo'));
    await predictor.save(path);
    t.deepEqual(await (await loadPredictor(await readFile(path))).predict(fresh), labels);
    await t.throwsAsync(Sequential.load(path), { code: 'ERR_FORMAT', message: /Expected a network, got a Predictor/ });
    await t.throwsAsync(MLPClassifier.load(path), {
      code: 'ERR_FORMAT',
      message: /Expected a MLPClassifier, got a Predictor/,
    });
  });
});

test('a pipeline of a network learns labels, and answers with them', async (t) => {
  const { rows, species } = penguins(80, 1);
  const { rows: fresh, species: truth } = penguins(20, 2);
  for (const [units, activation, loss] of [
    [2, 'softmax', 'categoricalCrossentropy'],
    [2, 'softmax', 'sparseCategoricalCrossentropy'],
    [1, 'sigmoid', 'binaryCrossentropy'],
  ] as const) {
    const network = sequential({
      layers: [layers.dense({ units: 8, activation: 'relu', inputShape: [6] }), layers.dense({ units, activation })],
      seed: 1,
    });
    network.compile({ optimizer: 'adam', loss, metrics: ['accuracy'] });
    const pipeline = new Pipeline([
      ['prepare', onPenguins()],
      ['model', network],
    ]);
    await pipeline.fit(rows, species, { epochs: 250, validationData: [fresh, truth] });
    t.true(((await pipeline.score(fresh, truth)) as number) > 0.9, loss);
    const labels = await pipeline.predict(fresh);
    const predictor = await loadPredictor(pipeline.toBytes());
    t.deepEqual(await predictor.predict(fresh), labels);
    t.deepEqual(await predictor.predictProba(fresh), await pipeline.predictProba(fresh));
    t.is((await predictor.predictProba(fresh)).shape[1], 2);
    t.is(pipeline.estimatorType, 'classifier');
  }
  const regression = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })], seed: 1, dtype: 'float64' });
  regression.compile({ optimizer: 'adam', loss: 'mse' });
  const pipeline = makePipeline(new StandardScaler(), regression);
  const x = NDArray.from([
    [1, 2],
    [3, 4],
    [5, 7],
  ]);
  await pipeline.fit(x, [1, 2, 3], { epochs: 2 });
  const answer = (await pipeline.predict(x)) as NDArray;
  t.deepEqual(answer.shape, [3]);
  t.deepEqual(await (await loadPredictor(pipeline.toBytes())).predict(x), answer);
  t.is(typeof (await pipeline.score(x, [1, 2, 3])), 'number');
  t.deepEqual(
    pipeline.steps.map(([name]) => name),
    ['standardscaler', 'sequential'],
  );
});

test('a pipeline whose network was fitted on one-hot rows is scored on them, and on labels', async (t) => {
  const x = Array.from({ length: 60 }, (_, i) => [(i % 3) + i / 600, 2 * (i % 3) - i / 600]);
  const labels = x.map((_, i) => i % 3);
  const oneHot = toCategorical(labels, 3);
  const network = sequential({
    layers: [
      layers.dense({ units: 8, activation: 'relu', inputShape: [2] }),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
    seed: 1,
  });
  network.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  const pipeline = makePipeline(new StandardScaler(), network).setParams({
    sequential__epochs: 30,
    sequential__learningRate: 0.05,
  });
  const estimator = pipeline.clone();
  await pipeline.fit(x, oneHot);
  t.is(await pipeline.score(x, oneHot), 1);
  t.is(await pipeline.score(x, labels), 1);
  const wrong = oneHot.toArray<number[][]>().toSpliced(0, 15, ...new Array(15).fill([0, 0, 1]));
  t.is(await pipeline.score(x, wrong), 50 / 60); // of the 15 there are 5 of that class
  for (const scoring of [undefined, 'accuracy', 'f1_macro'] as const)
    t.deepEqual(await crossValScore(estimator, x, oneHot, { cv: 3, scoring }), [1, 1, 1], scoring);
  const { best } = await gridSearch({ estimator, grid: { sequential__seed: [1] }, train: [x, oneHot], cv: 3 });
  t.is(best.testScore, 1);
  const { importancesMean } = await permutationImportance(pipeline, x, oneHot, { randomState: 0 });
  t.true(importancesMean.data.every((mean) => mean > 0));
});

test('networks, transformers and estimators go through bytes', async (t) => {
  const x = NDArray.from([
    [1, 2],
    [3, 5],
    [4, 4],
    [0, 1],
    [2, 2],
    [9, 1],
  ]);
  const transformers = [
    new StandardScaler({ withStd: false }),
    new MinMaxScaler({ clip: true }),
    new RobustScaler({ quantileRange: [10, 90] }),
    new MaxAbsScaler(),
    new Normalizer({ norm: 'max' }),
    new PolynomialFeatures({ degree: 3 }),
    new SimpleImputer({ strategy: 'constant', fillValue: 3 }),
    new OneHotEncoder({ maxCategories: 2 }),
    new OrdinalEncoder({ handleUnknown: 'useEncodedValue', unknownValue: Number.NaN }),
    new DatetimeEncoder({ unit: 's', parts: ['second', 'totalSeconds'] }),
  ];
  for (const transformer of transformers) {
    const Type = transformer.constructor as typeof StandardScaler;
    const fresh = Type.fromBytes(transformer.toBytes());
    t.throws(() => fresh.transform(x), { code: 'ERR_NOT_FITTED' });
    const z = transformer.fitTransform(x);
    t.deepEqual(Type.fromBytes(transformer.toBytes()).transform(x), z as NDArray, Type.className);
    t.deepEqual(transformer.clone().getParams(), transformer.getParams());
    t.throws(() => transformer.transform([[1]]), { message: /Expected x to have 2 features/ });
  }
  const encoder = new LabelEncoder().fit(['b', 'a']);
  t.deepEqual(LabelEncoder.fromBytes(encoder.toBytes()).classes, ['a', 'b']);
  const y = [0, 1, 1, 0, 1, 1];
  const network = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })], seed: 1 });
  const copy = Sequential.fromBytes(network.toBytes());
  t.deepEqual(copy.predictSync(x), network.predictSync(x));
  t.throws(() => StandardScaler.fromBytes(network.toBytes()), { code: 'ERR_FORMAT', message: /got a network/ });

  // training goes on with the same bits
  for (const [solver, randomState] of [
    ['sgd', 3],
    ['adam', new RandomState(4)],
  ] as const) {
    const one = new MLPClassifier({
      solver,
      randomState,
      hiddenLayerSizes: [3],
      batchSize: 2,
      learningRate: 'adaptive',
    });
    one.partialFit(x, y, [0, 1]).partialFit(x, y);
    const other = MLPClassifier.fromBytes(one.toBytes());
    t.deepEqual(other.coefs, one.coefs);
    for (const each of [one, other]) each.partialFit(x, y).partialFit(x, y);
    t.deepEqual(other.coefs, one.coefs, solver);
    t.deepEqual(other.lossCurve, one.lossCurve);
    t.deepEqual(other.classes, [0, 1]);
  }
  const regressor = new MLPRegressor({ hiddenLayerSizes: [2], solver: 'lbfgs', maxIter: 5, randomState: 1 }).fitSync(
    x,
    y,
  );
  t.deepEqual(MLPRegressor.fromBytes(regressor.toBytes()).predict(x), regressor.predict(x));
  const untrained = MLPRegressor.fromBytes(new MLPRegressor({ nIterNoChange: Number.POSITIVE_INFINITY }).toBytes());
  t.is(untrained.getParams().nIterNoChange, Number.POSITIVE_INFINITY);
  t.is(untrained.nLayers, 0);
});

// As scikit-learn 1.9 has them, also with the strategy constant
for (const strategy of ['mean', 'median', 'mostFrequent', 'constant'] as const)
  test(`SimpleImputer, ${strategy}: columns without any value`, (t) => {
    const x = [
      [Number.NaN, 1],
      [Number.NaN, 1],
    ];
    const fill = strategy === 'constant' ? { strategy, fillValue: -7.5 } : { strategy };
    const without = new SimpleImputer({ ...fill, addIndicator: true });
    t.deepEqual((without.fitTransform(x) as NDArray).toArray(), [
      [1, 1],
      [1, 1],
    ]);
    t.deepEqual(without.getFeatureNamesOut(['a', 'b']), ['b', 'missingindicator_a']);
    t.true(Number.isNaN(without.statistics[0]));
    const kept = new SimpleImputer({ ...fill, keepEmptyFeatures: true }).fit(x);
    const filled = strategy === 'constant' ? -7.5 : 0;
    t.deepEqual((kept.transform([[Number.NaN, 2]]) as NDArray).toArray(), [[filled, 2]]);
    t.deepEqual((kept.transform([[3, 2]]) as NDArray).toArray(), [[3, 2]]);
  });

test('the most frequent of 200,000 different values is found', (t) => {
  const a: unknown[] = Array.from({ length: 200_000 }, (_, i) => `id ${i}`);
  const imputer = new SimpleImputer({ strategy: 'mostFrequent' }).fit({ a: [...a, 'id 7', null] });
  t.deepEqual(imputer.statistics, ['id 7']);
});

test('integers of 64 bits are numbers up to 2^53, and told beyond', (t) => {
  const imputer = () => new SimpleImputer({ strategy: 'mostFrequent' });
  const filled = [[2], [1], [1], [1]];
  for (const table of [{ a: [2n, 1n, 1n, null] }, [{ a: 2n }, { a: 1n }, { a: 1n }, {}], [[2n], [1n], [1n], [null]]])
    t.deepEqual((imputer().fitTransform(table as never) as NDArray).toArray(), filled);
  const arrow = tableFromArrays({ a: BigInt64Array.of(5n, 7n, 5n) });
  for (const table of [arrow, { a: BigInt64Array.of(5n, 7n, 5n) }] as never[]) {
    t.deepEqual(new OneHotEncoder().fit(table).categories, [[5, 7]]);
    t.deepEqual(imputer().fit(table).statistics, [5]);
  }
  const table = { z: [1n, 2n, 1n, 3n], v: [1, 2, 4, 7] };
  const transformer = TableTransformer.infer(table as never, { categorical: ['z'] }).fit(table as never);
  t.deepEqual(transformer.getFeatureNamesOut(), ['z_1', 'z_2', 'z_3', 'v']);
  const wide = { a: [1n, 2n ** 60n], b: [1, 2] } as never;
  const message =
    /^Expected the column 'a' of x at row 1 to be an integer within ±\(2\^53 - 1\).*, got 1152921504606846976 /;
  for (const step of [imputer(), new SimpleImputer(), new OneHotEncoder(), new OrdinalEncoder(), new StandardScaler()])
    t.throws(() => step.fit(wide), { instanceOf: RangeError, message }, step.constructor.name);
  t.deepEqual(new ColumnTransformer([['b', 'passthrough', ['b']]]).fitTransform(wide).toArray(), [[1], [2]]);
});

test('decimals, as databases give them, are numbers', (t) => {
  class Decimal {
    constructor(readonly digits: string) {}
    toNumber = () => Number(this.digits);
    toString = () => this.digits;
  }
  const prices = ['0.5', '1.5', '4'].map((digits) => new Decimal(digits));
  const rows = prices.map((price, i) => ({ price: i === 1 ? null : price, y: i }));
  for (const table of [
    { price: [prices[0], null, prices[2]] },
    rows.map(({ price }) => ({ price })),
    rows.map(({ price }) => [price]),
  ])
    t.deepEqual((new SimpleImputer().fitTransform(table as never) as NDArray).toArray(), [[0.5], [2.25], [4]]);
  const transformer = TableTransformer.infer(rows as never, { target: 'y' }).fit(rows as never);
  t.deepEqual(transformer.transform([{ price: prices[2] }] as never), transformer.transform([{ price: 4 }]));
});

test('decimals of DuckDB are numbers; its other objects, lists and bytes are told by column and row', (t) => {
  class DuckDBDecimalValue {
    constructor(readonly value: bigint) {}
    toDouble = () => Number(this.value) / 100;
    toString = () => String(this.toDouble());
  }
  class DuckDBDateValue {
    constructor(readonly days: number) {}
    toString = () => new Date(this.days * 86_400_000).toISOString().slice(0, 10);
  }
  const prices = [50n, 150n, 400n].map((value) => new DuckDBDecimalValue(value));
  t.deepEqual((new SimpleImputer().fitTransform({ price: prices }) as NDArray).toArray(), [[0.5], [1.5], [4]]);

  // few, and so many that they were taken for as many texts
  for (const n of [5, 60]) {
    const price = Array.from({ length: n }, (_, i) => 0.1 * (i * i + 1));
    for (const [odd, got] of [
      [(i: number) => new DuckDBDateValue(i), 'DuckDBDateValue'],
      [(i: number) => [i, i + 1], 'Array(2)'],
      [(i: number) => Buffer.from([i]), 'Uint8Array(1)'],
      [(i: number) => ({ a: i }), '{"a":1}'],
    ] as const) {
      const table = { price, odd: Array.from({ length: n }, (_, i) => (i === 0 ? null : odd(i))) };
      t.throws(() => TableTransformer.infer(table), {
        instanceOf: TypeError,
        message: `Expected the column 'odd' of the table at row 1 to be a number, a boolean, text or a Date (drop leaves the column out), got ${got}`,
      });
      t.is(
        TableTransformer.infer(table, { drop: ['odd'] })
          .describe()
          .split('\n')[1],
        'odd: left out, as asked',
      );
    }
  }
});

test('iterators and streams are no tables, whatever properties they have', (t) => {
  class StatementIterator {
    readonly statement = { sql: 'SELECT 1' };
    *[Symbol.iterator]() {
      yield { a: 1 };
    }
  }
  const expected =
    /^Expected (x|table) to be a table: a record of columns, an array of rows, or a matrix \(rows of an iterable want an array\), got /;
  for (const x of [
    new StatementIterator(),
    new StatementIterator()[Symbol.iterator](),
    Readable.from([{ a: 1 }]),
    new Set([{ a: 1 }]),
  ]) {
    t.throws(() => TableTransformer.infer(x as never), { instanceOf: TypeError, message: expected });
    t.throws(() => new OneHotEncoder().fit(x as never), { instanceOf: TypeError, message: expected });
  }
});

test('TypeScript takes rows whose type is an interface or a class, and no rows of numbers where columns have names', (t) => {
  interface Bird {
    mass: number;
    wing?: number | null;
  }
  class Seen implements Bird {
    readonly wing = null;
    constructor(readonly mass: number) {}
  }
  const birds: readonly Readonly<Bird>[] = [{ mass: 1.5, wing: 2 }, { mass: 2.5 }, { mass: 7, wing: null }];
  const table: Table = birds;
  const encode = TableTransformer.infer(table).fit(birds);
  t.deepEqual(encode.transform([new Seen(2.5)]), encode.transform([{ mass: 2.5, wing: null }]));
  // @ts-expect-error
  t.throws(() => TableTransformer.infer([[1, 2]]), { message: /a table whose columns have names/ });
  // @ts-expect-error
  t.throws(() => TableTransformer.infer([1, 2]), { message: /^Expected table to / });
});

test('pipelines and KMeans may be steps of a pipeline, as in scikit-learn, and its last one transforms', async (t) => {
  const { rows, species } = penguins(60, 3);
  const model = () => new MLPClassifier({ hiddenLayerSizes: [4], randomState: 1, solver: 'lbfgs', maxIter: 40 });
  const flat = makePipeline(onPenguins(), new MinMaxScaler(), model());
  const z = makePipeline(onPenguins(), new MinMaxScaler()).fitTransform(rows);
  await flat.fit(rows, species);
  const answers = flat.predictProba(rows);
  const { inputNames } = await loadPredictor(flat.toBytes());
  t.is(inputNames?.length, 4);
  for (const nested of [
    makePipeline(makePipeline(onPenguins(), new MinMaxScaler()), model()),
    makePipeline(makePipeline(makePipeline(onPenguins())), makePipeline(new MinMaxScaler()), model()),
    makePipeline(onPenguins(), makePipeline(new MinMaxScaler(), model())),
  ]) {
    await nested.fit(rows, species);
    t.deepEqual(nested.predictProba(rows as never), answers as never);
    const predictor = await loadPredictor(nested.toBytes());
    t.deepEqual(await predictor.predictProba(rows), answers);
    t.deepEqual(predictor.inputNames, inputNames);
  }
  for (const inner of [
    makePipeline(makePipeline(onPenguins(), new MinMaxScaler())),
    makePipeline(onPenguins(), makePipeline(new MinMaxScaler())),
  ]) {
    t.deepEqual(inner.fitTransform(rows), z);
    t.deepEqual(Pipeline.fromBytes(inner.toBytes()).transform(rows), z);
    t.deepEqual(inner.clone().fitSync(rows).getFeatureNamesOut(), inner.getFeatureNamesOut());
  }
  const kmeans = () => new KMeans({ nClusters: 3, randomState: 0 });
  const distances = kmeans().fitTransform(z as NDArray);
  const clustered = makePipeline(onPenguins(), new MinMaxScaler(), kmeans());
  t.deepEqual(clustered.fitTransform(rows), distances);
  t.deepEqual(
    new ColumnTransformer([['k', clustered, ['mass', 'flipper', 'island', 'sex']]]).fitTransform(rows),
    distances,
  );
  const onDistances = makePipeline(onPenguins(), new MinMaxScaler(), kmeans(), model());
  await onDistances.fit(rows, species);
  const own = model().fitSync(distances, species);
  t.deepEqual(onDistances.predictProba(rows), own.predictProba(distances));
  t.throws(() => makePipeline(makePipeline(onPenguins(), model()), model()), {
    message: /^Expected steps\[0\]\[1\] to be a transformer or 'passthrough', as all steps but the last, got Pipeline$/,
  });
  const inner = makePipeline(new StandardScaler(), model());
  t.throws(() => makePipeline(inner).fitSync(z, species).transform(z), {
    message: /^Expected a pipeline that ends in a transformer, but it ends in what predicts$/,
  });
});

test('a pipeline has the parameters of its steps, and is cross-validated', async (t) => {
  const { rows, species } = penguins(60, 3);
  const pipeline = new Pipeline([
    ['prepare', onPenguins()],
    ['model', new MLPClassifier({ hiddenLayerSizes: [4], randomState: 1, solver: 'lbfgs', maxIter: 40 })],
  ]);
  t.is(pipeline.getParams().model__maxIter, 40);
  pipeline.setParams({ model__alpha: 0.5 });
  t.is(pipeline.getParams().model__alpha, 0.5);
  t.throws(() => pipeline.setParams({ model__alphabet: 1 }), { message: /no option 'alphabet'/ });
  t.throws(() => pipeline.setParams({ modle__alpha: 1 }), { message: /one of the steps prepare, model/ });
  const scores = await crossValScore(pipeline as never, rows as never, species, { cv: 3 });
  t.is(scores.length, 3);
  t.true(
    scores.every((score) => score > 0.8),
    `${scores}`,
  );
  t.false(pipeline.isFitted);
  await pipeline.fit(rows, species);
  const { importancesMean, featureNames } = await permutationImportance(pipeline as never, rows, species, {
    randomState: 1,
  });
  t.deepEqual(featureNames, ['species', 'island', 'mass', 'flipper', 'sex']);
  t.is(importancesMean.data[0], 0); // which the pipeline does not look at
  t.true(importancesMean.data[3] > importancesMean.data[4]);
});

test('a ColumnTransformer has the parameters of its transformers, and no others', async (t) => {
  const numbers = new Pipeline([
    ['impute', new SimpleImputer({ strategy: 'mean' })],
    ['scale', new StandardScaler()],
  ]);
  const both = new ColumnTransformer([
    ['numbers', numbers, ['a']],
    ['list', [new SimpleImputer(), new StandardScaler(), new StandardScaler()], ['b']],
    ['plain', new StandardScaler(), ['c']],
  ]);
  const rows = [0, 0, 9, null].map((a) => ({ a, b: a, c: 1 }));
  const pipeline = new Pipeline([['columns', both]]);
  const { columns__numbers__impute__strategy, 'columns__list__standardscaler-2__withStd': withStd } =
    pipeline.getParams();
  t.deepEqual([columns__numbers__impute__strategy, withStd], ['mean', true]);
  pipeline.setParams({
    columns__numbers__impute__strategy: 'median',
    columns__numbers__scale: 'passthrough',
    columns__list__simpleimputer: new SimpleImputer({ strategy: 'constant', fillValue: 7 }),
    'columns__list__standardscaler-1__withStd': false,
    'columns__list__standardscaler-2__withMean': false,
    'columns__list__standardscaler-2__withStd': false,
    columns__plain: 'drop',
  });
  t.deepEqual((pipeline.fitSync(rows).transform(rows) as NDArray).toArray(), [
    [0, -4],
    [0, -4],
    [9, 5],
    [0, 3],
  ]);
  t.is(numbers.getParams().impute__strategy, 'mean');
  const found = await gridSearch({
    estimator: new Pipeline([
      ...pipeline.steps,
      ['model', new MLPRegressor({ solver: 'lbfgs', maxIter: 2, randomState: 0 })],
    ] as never),
    grid: { columns__numbers__impute__strategy: ['mean', 'median'] },
    train: [
      [...rows, ...rows],
      [0, 0, 9, 1, 0, 0, 9, 2],
    ],
    cv: 2,
  });
  t.not(found.results[0].testScore, found.results[1].testScore);
  for (const [name, message] of [
    ['columns__other', /of numbers, list, plain, got 'other'/],
    ['columns__numbers__strategy', /one of the steps impute, scale, got 'strategy'/],
    ['columns__list__strategy', /of simpleimputer, standardscaler-1, standardscaler-2, got 'strategy'/],
    ['columns__plain__withMean', /the step 'plain' to be one that has parameters, got 'drop'/],
  ] as const)
    t.throws(() => pipeline.setParams({ [name]: 'mean' }), { message });
  t.deepEqual(ColumnTransformer.fromBytes(both.toBytes()).getParams().plain__withStd, true);
});

test('transformers of one’s own in a ColumnTransformer are copied for each fold, or refused', async (t) => {
  class Center {
    mean = Number.NaN;
    fit(x: number[][]) {
      this.mean = x.reduce((sum, [v]) => sum + v, 0) / x.length;
      return this;
    }
    transform(x: number[][]) {
      return x.map(([v]) => [v - this.mean]);
    }
  }
  class Copied extends Center {
    getParams() {
      return {};
    }
  }
  const a = Array.from({ length: 60 }, (_, i) => (i < 20 ? i : 1000 * (i % 7)));
  const y = a.map((v) => v / 1000);
  const over = (step: Center) =>
    new Pipeline([
      ['nested', new ColumnTransformer([['a', new Pipeline([['center', step]]), ['a']]])],
      ['model', new MLPRegressor({ hiddenLayerSizes: [3], maxIter: 10, randomState: 0 })],
    ]);
  const expected = [...new KFold({ nSplits: 3 }).split(a)].map(([train, test]) => {
    const at = (rows: NDArray, of: number[]) => Array.from(rows.data, (row) => of[row]);
    const model = over(new Copied()).fitSync({ a: at(train, a) }, at(train, y));
    return model.score({ a: at(test, a) }, at(test, y));
  });
  t.deepEqual(await crossValScore(over(new Copied()), { a }, y, { cv: 3 }), expected);
  t.is(
    over(new Center())
      .fitSync({ a }, y)
      .predict({ a: [1] }).length,
    1,
  ); // a fit alone needs no copies
  await t.throwsAsync(crossValScore(over(new Center()), { a }, y, { cv: 3 }), {
    message: 'Expected the step to be one with a method clone or getParams, got Center',
  });
});

test('TableTransformer.infer says in words what it does, and does it', async (t) => {
  const { rows } = penguins(60, 4);
  const table = rows.map((row, i) => ({
    id: i + 1,
    ...row,
    seen: `2007-${String((i % 12) + 1).padStart(2, '0')}-11`,
    note: `note ${i}`,
    planet: 'Earth',
    ringed: i % 2 ? 'yes' : '',
    code: String(i % 7),
    key: row.species === 'Adelie' ? 1 : 2,
    a__b: i % 5,
    a_b: i % 6,
    user_id: `12345678901234${64 * ((i * 7) % 60) + 1000}`,
    serial: `1000000000000000000000000000${1000 + i}`,
    price: `${i},25`,
    rate: `${i % 3},5`,
    people: `${i % 3},500`,
  }));
  const transformer = TableTransformer.infer(table, { target: 'species' });
  const words = transformer.describe();
  for (const line of [
    /^id: left out, as it counts the rows$/m,
    /^island: text of 2 kinds: a column of 0 and 1 for each$/m,
    /^mass: a number, \d+ missing, filled in by the median( and told by a column of its own)?; scaled to mean 0 and variance 1$/m,
    /^sex: text of 2 kinds, \d+ missing, filled in by a kind of its own, 'missing': a column of 0 and 1 for each$/m,
    /^ringed: text of 1 kind, \d+ missing/m,
    /^seen: a date, year first: its parts, those that come again as sine and cosine$/m,
    /^note: left out, as it has 60 different texts in 60 rows$/m,
    /^planet: left out, as it is 'Earth' in every row$/m,
    /^key: left out, as each of its values stands for one of 'species'/m,
    /^code: a number that is written as text; scaled/m,
    /^user_id: left out, as it counts the rows$/m,
    /^serial: left out, as its texts are all the number 1e\+31$/m,
    /^price: left out, .* in 60 rows; with ',' as the option decimal \(--decimal\) they are numbers$/m,
    /^rate: text of 3 kinds: .*; with ',' as the option decimal/m,
    /^people: text of 3 kinds: a column of 0 and 1 for each$/m,
  ])
    t.regex(words, line);
  const z = transformer.fitTransform(table);
  t.true(z.data.every(Number.isFinite));
  t.true(transformer.getFeatureNamesOut().includes('island_Biscoe'));
  const loaded = TableTransformer.fromBytes(transformer.toBytes());
  t.is(loaded.describe(), words);
  t.deepEqual(loaded.transform(table), z);
  for (const [date, got] of [
    ['note', "'note 0'"],
    ['mass', '\\d'],
    ['seen_in', 'several'],
  ]) {
    const seen = table.map((row, i) => ({ ...row, seen_in: i % 2 ? '2012-01-31' : '31/1/2012' }));
    const message = new RegExp(`column '${date}' of date to hold dates of one form, .*, got ${got}`);
    t.throws(() => TableTransformer.infer(seen, { target: 'species', date: [date] }), { message });
  }
  t.throws(() => TableTransformer.infer(table, { target: 'specie' }), { message: /did you mean 'species'/ });
  t.throws(
    () =>
      TableTransformer.infer(
        [
          { a: 1, b: 'x' },
          { a: 1, b: 'x' },
        ],
        { target: 'b' },
      ),
    { message: /a column to learn from/ },
  );
});

test('a column of several kinds is told what it holds, and where', (t) => {
  const told = (value: (i: number) => unknown) =>
    TableTransformer.infer(Array.from({ length: 30 }, (_, i) => ({ a: value(i), b: (i * 7) % 11 })))
      .describe()
      .split('\n')[0];
  const refused = (value: (i: number) => unknown, got: string) =>
    t.throws(() => told(value), {
      instanceOf: TypeError,
      message: `Expected the column 'a' of the table to hold values of one kind, got ${got} (drop leaves it out)`,
    });
  refused((i) => (i === 4 ? 'n/a' : 1.5 * i), "0 at row 0 and 'n/a' at row 4"); // most are numbers, and all are different
  refused((i) => (i < 2 ? null : i % 2 ? 'no' : 3n), "3 at row 2 and 'no' at row 3");
  refused((i) => (i % 2 ? `${i}.5` : i ** 2), "0 at row 0 and '1.5' at row 1");
  refused((i) => i % 3 === 0 || 'no', "true at row 0 and 'no' at row 1");
  t.is(
    told((i) => (i % 3 ? `n${i}` : i)),
    "a: left out, as it has 30 different values of several kinds in 30 rows: 0 at row 0 and 'n1' at row 1",
  );
  t.is(
    told((i) => `n${i}`),
    'a: left out, as it has 30 different texts in 30 rows',
  );
});

test('two columns that give the same name are told apart by their own', (t) => {
  const table = { color: ['red', 'blue', 'red', 'blue', 'red'], color_red: [1, 2, 4, 8, 5], size: [3, 1, 4, 1, 5] };
  const transformer = TableTransformer.infer(table).fit(table);
  const names = ['color_blue', 'color__color_red', 'color_red__color_red', 'size'];
  t.deepEqual(transformer.getFeatureNamesOut(), names);
  t.deepEqual(transformer.transform(table).shape, [5, 4]);
  t.deepEqual(TableTransformer.fromBytes(transformer.toBytes()).getFeatureNamesOut(), names);
  const verbose = transformer.clone({ verboseFeatureNamesOut: true }).fit(table);
  t.is(verbose.getFeatureNamesOut()[3], 'size__size');
  const entries = [
    ['kinds', new OneHotEncoder(), ['color']],
    ['rest', 'passthrough', ['color_red']],
  ] as const;
  const message = /^Expected the names of columns to be unique, got 'color_red' twice/;
  t.throws(() => new ColumnTransformer(entries, { verboseFeatureNamesOut: false }).fitTransform(table), { message });
  // as scikit-learn, whose names are ['a__x0_nan', 'a__x0_nan']
  const missing = new ColumnTransformer([['a', new OneHotEncoder(), [0]]]);
  t.deepEqual(missing.fitTransform([['nan'], [null], ['nan']]).toArray(), [
    [1, 0],
    [0, 1],
    [1, 0],
  ]);
  t.deepEqual(missing.getFeatureNamesOut(), ['a__x0_nan', 'a__x0_nan']);
});

test('a row costs milliseconds where there are 40,000 categories', (t) => {
  const cities = Array.from({ length: 40_000 }, (_, i) => `city ${i}`);
  const before = performance.now();
  const entries = [['kinds', new OneHotEncoder({ categories: [cities] }), ['city']]] as const;
  const fitted = new ColumnTransformer(entries, { verboseFeatureNamesOut: false }).fit({ city: ['city 5', 'city 8'] });
  const loaded = ColumnTransformer.fromBytes(fitted.toBytes());
  for (const step of [fitted, loaded, fitted, loaded]) t.is(step.transform([{ city: 'city 7' }]).data.indexOf(1), 7);
  // quadratic in the categories it was ten seconds
  t.true(performance.now() - before < 4000);
  const names = fitted.getFeatureNamesOut();
  names[0] = 'other';
  t.is(fitted.getFeatureNamesOut()[0], 'city_city 0');
});

// OneHotEncoder(drop=[np.nan]), and with handle_unknown='infrequent_if_exist', of scikit-learn 1.9
test('a missing value may be dropped, and a category be called as the infrequent ones are', (t) => {
  for (const drop of [[Number.NaN], [null]]) {
    const encoder = new OneHotEncoder({ drop });
    const z = encoder.fitTransform([['x'], [null], ['y']]) as NDArray;
    t.deepEqual(z.toArray(), [
      [1, 0],
      [0, 0],
      [0, 1],
    ]);
    t.deepEqual(encoder.inverseTransform(z), [['x'], [null], ['y']]);
    t.deepEqual(OneHotEncoder.fromBytes(encoder.toBytes()).transform([['x'], [null], ['y']]), z);
  }
  const options = { handleUnknown: 'infrequentIfExist' } as const;
  const two = new OneHotEncoder(options).fit([['infrequent_sklearn'], ['b']]);
  t.deepEqual((two.transform([['zzz'], ['b']]) as NDArray).toArray(), [
    [0, 0],
    [1, 0],
  ]);
  const named = ['infrequent_sklearn', 'infrequent_sklearn', 'b', 'b', 'b', 'c'].map((a) => ({ a }));
  const three = new OneHotEncoder({ ...options, minFrequency: 2 }).fit(named);
  t.deepEqual(three.getFeatureNamesOut(), ['a_b', 'a_infrequent_sklearn', 'a_infrequent_sklearn']);
  t.deepEqual(three.infrequentCategories, [['c']]);
  t.deepEqual((three.transform({ a: ['zzz', 'infrequent_sklearn', 'c'] }) as NDArray).toArray(), [
    [0, 0, 1],
    [0, 1, 0],
    [0, 0, 1],
  ]);
});

// OneHotEncoder(…).inverse_transform of scikit-learn 1.9
test('probabilities in place of 0s and 1s are the category of the largest one', (t) => {
  const rows = [
    ['a', 1],
    ['b', 2],
    ['c', 1],
  ];
  const inverse = (options: object, z: number[][]) => new OneHotEncoder(options).fit(rows).inverseTransform(z);
  const z = [
    [0.2, 0.5, 0.3, 0.9, 0.1],
    [0.4, 0.4, 0.2, 0.5, 0.5],
    [0.1, 0.2, 0.7, 0.3, 0.7],
  ];
  for (const options of [{}, { handleUnknown: 'ignore' }])
    t.deepEqual(inverse(options, z), [
      ['b', 1],
      ['a', 1],
      ['c', 2],
    ]);
  const dropped = [
    [0.5, 0.3, 0.1],
    [0.4, 0.6, 0.5],
    [0, 0, 0.7],
  ];
  t.deepEqual(inverse({ drop: 'first' }, dropped), [
    ['b', 2],
    ['c', 2],
    ['a', 2],
  ]);
  t.throws(() => inverse({}, [[0, Number.NaN, 1, 0, 1]]), {
    message: 'Expected x to hold finite numbers, got NaN at row 0, column 1',
  });
});

test('what is to be undone is found by its names, too', (t) => {
  const table = { a: [1, 2, 5], b: [10, 30, 20] };
  const rows = [
    [1, 10],
    [2, 30],
    [5, 20],
  ];
  for (const step of [
    new StandardScaler(),
    new MinMaxScaler(),
    new MaxAbsScaler(),
    new RobustScaler(),
    new OrdinalEncoder(),
  ]) {
    const z = step.fitTransform(table);
    const [a, b] = [0, 1].map((k) => z.slice(null, k).data);
    for (const given of [z, { a, b }, { b, a }])
      t.deepEqual(
        (step.inverseTransform(given) as NDArray).toArray().map((row) => (row as number[]).map(Math.round)),
        rows,
      );
    t.throws(() => step.inverseTransform({ a, c: b }), { message: "Expected x to have the column 'b', got a, c" });
  }
  const encoder = new OneHotEncoder().fit({ s: ['x', 'y'], c: ['u', 'v'] });
  const undone = [
    ['y', 'u'],
    ['x', 'v'],
  ];
  t.deepEqual(encoder.inverseTransform({ s_y: [1, 0], s_x: [0, 1], c_v: [0, 1], c_u: [1, 0] }), undone);
  t.deepEqual(
    encoder.inverseTransform([
      [0, 1, 1, 0],
      [1, 0, 0, 1],
    ]),
    undone,
  );
});

test('transformers and pipelines take sparse rows', (t) => {
  const rows = [
    [1, 0, 2],
    [0, 3, 0],
    [0, 0, 0],
    [4, 0, 0],
  ];
  const sparse = { data: [2, 1, 3, 4], indices: [2, 0, 1, 0], indptr: [0, 2, 3, 3, 4], shape: [4, 3] };
  const steps = [new StandardScaler(), new MaxAbsScaler(), new Normalizer(), new OneHotEncoder(), new SimpleImputer()];
  for (const step of steps) t.deepEqual(step.fitTransform(sparse), step.fitTransform(rows));
  const one = { data: [5, 6], indices: [0, 2], indptr: [0, 2], shape: [1, 3] };
  t.deepEqual((new Normalizer({ norm: 'max' }).fitTransform(one) as NDArray).toArray(), [[5 / 6, 0, 1]]);
  const floats = new MinMaxScaler().fitTransform({ ...sparse, data: Float32Array.of(2, 1, 3, 4) });
  t.is(floats.dtype, 'float32');
  const y = ['a', 'b', 'a', 'b'];
  const of = (x: typeof sparse | typeof rows) =>
    makePipeline(new MaxAbsScaler(), new MLPClassifier({ maxIter: 3, randomState: 1 }))
      .fitSync(x, y)
      .predictProba(x);
  t.deepEqual(of(sparse), of(rows));
  t.throws(() => new StandardScaler().fit({ ...sparse, indptr: [0, 4] }), {
    message: 'Expected x.indptr to hold 5 numbers, one more than rows, got 2',
  });
});

// SimpleImputer(…, add_indicator=True).fit_transform of scikit-learn 1.9
test('a SimpleImputer keeps float32', (t) => {
  const rows = [
    [1, Number.NaN],
    [2, 0.1],
    [Number.NaN, 0.3],
  ];
  const [x, wide] = (['float32', 'float64'] as const).map((dtype) => NDArray.from(rows, { dtype }));
  const [low, high] = [Math.fround(0.1), Math.fround(0.3)];
  for (const [strategy, a, b] of [
    ['mean', 1.5, Math.fround(0.2)],
    ['median', 1.5, Math.fround(0.2)],
    ['mostFrequent', 1, low],
    ['constant', 0, 0],
  ] as const) {
    const imputer = new SimpleImputer({ strategy, addIndicator: true }).fit(x);
    const z = imputer.transform(x) as NDArray;
    t.is(z.dtype, 'float32');
    t.deepEqual(z.toArray(), [
      [1, b, 0, 1],
      [2, low, 0, 0],
      [a, high, 1, 0],
    ]);
    t.deepEqual(imputer.transform({ x0: x.slice(null, 0).data, x1: x.slice(null, 1).data }), z);
    t.is((imputer.transform(wide) as NDArray).dtype, 'float64');
  }
  t.is((makePipeline(new SimpleImputer(), new StandardScaler()).fitTransform(x) as NDArray).dtype, 'float32');
  const [a, b] = [vectorFromArray([1, null, 2], new Float32()), vectorFromArray([3, 4, 8], new Float32())];
  const filled = new SimpleImputer({ strategy: 'median' }).fitTransform(new ArrowTable({ a, b })) as NDArray;
  t.is(filled.dtype, 'float32');
  t.deepEqual(filled.toArray(), [
    [1, 3],
    [1.5, 4],
    [2, 8],
  ]);
});

// float32 and the numbers of scikit-learn 1.9
test('a ColumnTransformer keeps float32 where all that it makes is', (t) => {
  const matrix = NDArray.from(
    [
      [1, 1],
      [2, 2],
      [4, 5],
    ],
    { dtype: 'float32' },
  );
  const scaled = [0, Math.fround(1 / 3), 1];
  const table = { a: Float32Array.of(1, 2, 4), b: Float32Array.of(1, 2, 5) };
  const of = (step: OneHotEncoder | StandardScaler | 'passthrough', own: object) => {
    const [a, b] = own === table ? (['a', 'b'] as const) : ([0, 1] as const);
    return new ColumnTransformer([
      ['s', new MinMaxScaler(), [a]],
      ['other', step, [b]],
    ]).fitTransform(own as never);
  };
  for (const own of [matrix, table]) {
    const z = of('passthrough', own);
    t.is(z.dtype, 'float32');
    t.deepEqual(
      z.toArray(),
      scaled.map((value, i) => [value, [1, 2, 5][i]]),
    );
    t.is(of(new StandardScaler(), own).dtype, 'float32');
    const both = of(new OneHotEncoder(), own);
    t.is(both.dtype, 'float64');
    t.deepEqual(
      both.toArray(),
      scaled.map((value, i) => [value, ...[0, 1, 2].map((k) => Number(k === i))]),
    );
  }
  class Logarithm {
    fit() {
      return this;
    }
    transform(rows: number[][]) {
      return NDArray.from(rows.map(([value]) => [Math.log(value)]));
    }
  }
  t.throws(() => new ColumnTransformer([['log', new Logarithm(), ['a']]]).fitTransform({ a: [1, 0] }), {
    message: "Expected the column 'a' of x to hold finite numbers, got -Infinity at row 1",
  });
});

test('a predictor does not look at columns beside those of its scaler', async (t) => {
  const pipeline = makePipeline(new StandardScaler(), new MLPRegressor({ maxIter: 2, randomState: 1 }));
  pipeline.fitSync({ a: [1, 2, 4], b: [3, 1, 2] }, [1, 2, 3]);
  const predictor = new Predictor({ pipeline });
  const wanted = pipeline.predict({ a: [1, 3], b: [2, 2] }) as NDArray;
  t.deepEqual(await predictor.predict({ id: ['x', 'y'], b: [2, 2], a: [1, 3] }), wanted);
  t.deepEqual(
    predictor.predictSync([
      { a: 1, b: 2, note: '' },
      { a: 3, b: 2, note: 'none' },
    ]),
    wanted,
  );
  t.throws(() => predictor.predictSync({ a: [1], c: [2] }), { message: /^Expected rows to have the columns 'b', as/ });
});

test('zones of dates are those of a day', (t) => {
  const at = (zone: string) =>
    new DatetimeEncoder({ parts: ['totalSeconds'] }).fitTransform([[`2020-01-01T00:00:00${zone}`]]).data[0];
  // datetime.fromisoformat(…).timestamp()
  for (const [zone, seconds] of Object.entries({
    ...{ '+14:00': 1577786400, '+23:59': 1577750460, '-2359': 1577923140 },
    ...{ '+00': 1577836800, '+02': 1577829600, '-03': 1577847600 }, // as PostgreSQL writes them
  }))
    t.is(at(zone), seconds);
  for (const zone of ['+99:99', '+24:00', '-2400', '+10:60', '+24', '+2', '+02:', '+020'])
    t.throws(() => at(zone), { message: /to be a Date, or/ });
});

test('bad tables are told in one sentence with row and column, and change nothing', async (t) => {
  const rows = golden.rows as Record<string, unknown>[];
  const transformer = columnTransformer().fit(rows);
  const before = transformer.toBytes();
  const bad: [() => unknown, RegExp][] = [
    [
      () => transformer.transform(rows.map(({ sex: _, ...row }) => row)),
      /the column 'sex'.*got island, mass, flipper, year/,
    ],
    [
      () => transformer.transform([{ ...rows[0], mass: 'heavy' }]),
      /the column 'mass' of x at row 0 to be a number.*'heavy'/,
    ],
    [
      () => transformer.transform([rows[0], { ...rows[0], mass: Number.POSITIVE_INFINITY }]),
      /the column 'mass' of x to hold finite numbers, got Infinity at row 1/,
    ],
    [
      () => transformer.transform([{ ...rows[0], island: 3 }]),
      /the column 'island' of x at row 0 to be a string, as at fit, got 3/,
    ],
    [
      () => transformer.transform([{ ...rows[0], year: null }]),
      /the column 'year' of x to have a value at row 0, got none \(SimpleImputer/,
    ],
    [() => transformer.fit([]), /at least one row, got shape \[0\]$/],
    [() => transformer.fit({ a: [1, 2], b: [1] }), /one length, got 2 values of 'a' and 1 of 'b'/],
    [() => transformer.fit(5 as never), /a table/],
    [() => transformer.fit([[1, 2], [3]] as never), /3 features|to be an array of length 2|2 values/],
    [
      () => new OneHotEncoder().fit({ a: ['x', 'y'] }).transform({ a: ['z'] }),
      /one of 'x', 'y', as at fit, got 'z' at row 0/,
    ],
    [
      () => new OneHotEncoder({ categories: [[['x']]] as never }),
      /Expected categories\[0\]\[0\] to be a text, a number or a boolean, got/,
    ],
    [() => new OneHotEncoder().fit({ a: ['x', 2] }), /the column 'a' of x at row 1 to be a string/],
    [() => new OrdinalEncoder().fit({ a: [new Date(0)] }), /DatetimeEncoder/],
    [
      () => new OrdinalEncoder({ encodedMissingValue: 0 }).fit({ a: ['x', 'y', null] }),
      /Expected encodedMissingValue to be none of the numbers of the column 'a', got 0/,
    ],
    [
      () => new OrdinalEncoder({ handleUnknown: 'useEncodedValue', unknownValue: 1 }).fit({ a: ['x', 'y', null] }),
      /Expected unknownValue to be none of the numbers of the column 'a', got 1/,
    ],
    [() => new StandardScaler().fit({ a: ['x'] }), /OneHotEncoder/],
    [() => new SimpleImputer().fit({ a: ['x', null] }), /'mostFrequent' and 'constant' take text/],
    [
      () => new SimpleImputer({ strategy: 'mostFrequent' }).fit({ a: [new Date(5), new Date(5), null] }),
      /the column 'a' of x at row 0 to be a category \(DatetimeEncoder makes numbers of dates\), got Date/,
    ],
    [
      () => new SimpleImputer({ strategy: 'mostFrequent' }).fit({ a: ['x', null, 5] }),
      /the column 'a' of x at row 2 to be a string, as its other values are, got 5/,
    ],
    [() => new DatetimeEncoder().fit({ when: ['2012-02-30'] }), /the column 'when' of x at row 0/],
    [() => new DatetimeEncoder().fit({ when: [1330473600] }), /the option unit/],
    [
      () => new ColumnTransformer([['a', new StandardScaler(), ['b']]]).fit({ b: [1], c: [2] }).transform({ c: [1] }),
      /the column 'b'/,
    ],
    [() => new ColumnTransformer([['a__b', new StandardScaler(), ['b']]]), /no '__'/],
    [
      () => new ColumnTransformer([['a', 'passthrough', ['b']]]).fitTransform({ b: ['x', 'y'] }),
      /the column 'a__b' to be numbers/,
    ],
    [
      () =>
        new Pipeline([
          ['a', new MLPClassifier()],
          ['b', new MLPClassifier()],
        ] as never),
      /a transformer or 'passthrough'/,
    ],
    [
      () =>
        new Pipeline([
          ['a', new StandardScaler()],
          ['b', new MLPClassifier()],
        ]).predict([[1]]),
      /fitted before predict/,
    ],
    [() => new Predictor({ pipeline: 3 as never }), /a Pipeline/],
  ];
  for (const [call, message] of bad) {
    const error = t.throws(call as () => void, { message }, `${message}`);
    t.regex(error?.message ?? '', /^Expected /);
  }
  t.deepEqual(transformer.toBytes(), before);

  class Own {
    fit() {
      return this;
    }
    transform(x: unknown) {
      return x;
    }
  }
  const own = makePipeline(new Own(), new StandardScaler());
  t.deepEqual((own.fitTransform([[1], [3]]) as NDArray).toArray(), [[-1], [1]]);
  t.throws(() => own.toBytes(), { message: /one of Fjordnet’s own, as only these can be loaded again, got Own/ });
  await inFolder(async (folder) => {
    const path = join(folder, 'old');
    await writeFile(path, 'old');
    await t.throwsAsync(own.save(path));
    t.is(await readFile(path, 'utf8'), 'old');
  });
});

test('a pipeline keeps float32, as scikit-learn does', (t) => {
  const x = NDArray.from([[1], [2], [4], [7]], { dtype: 'float32' });
  const pipeline = makePipeline(
    new StandardScaler(),
    new MLPRegressor({ hiddenLayerSizes: [2], maxIter: 2, randomState: 1 }),
  );
  pipeline.fitSync(x, [1, 2, 4, 7]);
  t.is(pipeline.namedSteps.mlpregressor.coefs[0].dtype, 'float32');
  t.is((pipeline.predict(x) as NDArray).dtype, 'float32');
});

test('a pipeline of transformers goes back: each of them, the last one first', (t) => {
  const x = new RandomState(0).normal(3, 2, [20, 2]);
  const pipeline = makePipeline(
    new MinMaxScaler({ featureRange: [1, 5] }),
    'passthrough' as never,
    new StandardScaler(),
  );
  t.throws(() => pipeline.inverseTransform(x), { code: 'ERR_NOT_FITTED' });
  const z = pipeline.fitTransform(x) as NDArray;
  const [range, scale] = [new MinMaxScaler({ featureRange: [1, 5] }), new StandardScaler()];
  scale.fit(range.fitTransform(x));
  const back = pipeline.inverseTransform(z) as NDArray;
  t.deepEqual(back, range.inverseTransform(scale.inverseTransform(z)));
  for (const [i, v] of x.data.entries()) t.true(Math.abs(back.data[i] - v) < 1e-14);
  t.deepEqual(
    makePipeline(new OrdinalEncoder(), new StandardScaler())
      .fitSync([['b'], ['a']])
      .inverseTransform([[1], [-1]]),
    [['b'], ['a']],
  );
  const ends = makePipeline(new StandardScaler(), new MLPRegressor({ maxIter: 1 })).fitSync(x, x);
  t.throws(() => ends.inverseTransform(x), {
    instanceOf: TypeError,
    message: "Expected steps with a method inverseTransform, but 'mlpregressor' has none",
  });
});

test('failing to fit leaves a pipeline as it was', async (t) => {
  const pipeline = makePipeline(new StandardScaler(), new MLPClassifier({ maxIter: 1, randomState: 1 }));
  pipeline.fitSync([[1], [2], [4]], ['a', 'b', 'a']);
  const before = pipeline.toBytes();
  await t.throwsAsync(pipeline.fit([[10], [20]], ['a']), { message: /rows/ });
  await t.throwsAsync(pipeline.fit([[10], [Number.NaN]], ['a', 'b']), { message: /finite/ });
  t.deepEqual(pipeline.toBytes(), before);
});

test('a name that is near is proposed, and no other', (t) => {
  const named = (columns: readonly string[], target: string) => {
    const table = Object.fromEntries(columns.map((name) => [name, [1, 2, 3]]));
    return t.throws(() => TableTransformer.infer(table, { target }))!.message;
  };
  for (const target of ['z', 'yes', 'price', '身長', '?']) t.notRegex(named(['y'], target), /did you mean/, target);
  t.notRegex(named(['身長', 'ab'], '体重'), /did you mean/);
  t.regex(named(['größe', 'y'], 'grösse'), /did you mean 'größe'/);
  t.regex(named(['size', 'y'], 'sise'), /did you mean 'size'/);
  t.regex(named(['Body Mass (g)', 'y'], 'mass'), /did you mean 'Body Mass \(g\)'/);
});

test('seconds among milliseconds are told from dates that lie far apart', (t) => {
  const read = (unit: 's' | 'ms', ...days: number[]) =>
    new DatetimeEncoder({ unit, parts: ['year'] }).fit(days.map((day) => ({ day })));
  const [s, ms] = [1577836800, 1577836800000];
  t.throws(() => read('s', s, s + 86400, ms), {
    message:
      "Expected the column 'day' of x at row 2 to be seconds since 1970 like the others, not milliseconds, got 1577836800000 (number)",
  });
  t.throws(() => read('ms', ms, s, ms), {
    message: /row 1 to be milliseconds since 1970 like the others, not seconds/,
  });
  t.throws(() => new DatetimeEncoder({ unit: 's' }).fitTransform([{ day: 0 }, { day: 1e14 }]), {
    message: "Expected the column 'day' of x to hold times that a Date can be, got 100000000000000 at row 1",
  });
  // from 1970 on, day by day
  t.notThrows(() => read('ms', ...Array.from({ length: 20000 }, (_, day) => 86_400_000 * day)));
  t.notThrows(() => read('s', 0, s, 2 * s));
  t.notThrows(() => read('ms', 0, ms, Number.NaN));
});

test('a table without rows, or without columns, is told so', (t) => {
  const fitted = new StandardScaler().fit([[1, 2]]);
  const none = 'Expected x to be a table with at least one row, got';
  for (const [table, message] of [
    [[], `${none} shape [0]`],
    [{}, `${none} {}`],
    [new Float64Array(0), `${none} shape [0]`],
    [{ a: [], b: [] }, `${none} shape [0, 2]`],
    [NDArray.zeros([0, 1]), `${none} shape [0, 1]`],
    [NDArray.zeros([2, 0]), 'Expected x to be a table with at least one column, got shape [2, 0]'],
    [[{}], 'Expected x to be a table with at least one column, got shape [1, 0]'],
  ] as const) {
    t.throws(() => new StandardScaler().fit(table as never), { instanceOf: RangeError, message });
    t.throws(() => fitted.transform(table as never), { instanceOf: RangeError, message });
  }
  t.throws(() => trainTestSplit([[]]), { message: 'Expected what is split to have at least one row, got none' });
  t.throws(() => new MLPClassifier().fitSync([], []), { message: 'Expected x to hold data, got shape [0]' });
});

test('what a pipeline would pass over is refused', (t) => {
  const make = Pipeline as unknown as new (...args: unknown[]) => Pipeline;
  t.throws(() => new make([['scale', new StandardScaler()]], { epochs: 3 }), {
    message: 'Expected Pipeline to be given 1 argument (epochs and the like go to fit, or to setParams), got 2',
  });
});

test('the most frequent number is the smallest of several, and 0 is 0', (t) => {
  const mostFrequent = (column: unknown) => {
    const rows = Array.isArray(column) ? { a: column } : NDArray.from(column as Float64Array).reshape(-1, 1);
    return new SimpleImputer({ strategy: 'mostFrequent' }).fit(rows as never).statistics[0];
  };
  for (const of of [(values: number[]) => values, (values: number[]) => Float64Array.from(values)]) {
    t.is(mostFrequent(of([3, 1, 2, 1, 3, Number.NaN, Number.NaN, Number.NaN])), 1);
    t.is(mostFrequent(of([5, 4, 5])), 5);
    t.is(mostFrequent(of([-0, 0, 1, 1, -0])), 0);
    t.is(mostFrequent(of([2, 2, 1])), 2);
  }
  t.is(mostFrequent([null, true, false, true]), true);
  const kept = new SimpleImputer({ strategy: 'constant', addIndicator: true });
  t.deepEqual(kept.fit({ a: [null, 1], b: [1, 2] }).getFeatureNamesOut(), ['a', 'b', 'missingindicator_a']);
  for (const strategy of ['mostFrequent', 'constant'] as const)
    t.throws(() => new SimpleImputer({ strategy }).fit({ a: [1, Number.POSITIVE_INFINITY] }), {
      message: "Expected the column 'a' of x to hold finite numbers, got Infinity at row 1",
    });
});
