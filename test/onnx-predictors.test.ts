// Predictors, pipelines and estimators as ONNX files: ONNX Runtime answers raw rows as they do.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  ColumnTransformer,
  DatetimeEncoder,
  GridSearchCV,
  importBytes,
  importModel,
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
  RandomState,
  RobustScaler,
  SimpleImputer,
  StandardScaler,
  sequential,
  TableTransformer,
} from 'fjordnet';
import * as ort from 'onnxruntime-web';
import { lastDocument, Workplace } from './helpers/cli.js';
import { pythonWith, runPython } from './helpers/python.js';
import { difference } from './helpers/replay.js';

ort.env.wasm.numThreads = 1;
const home = mkdtempSync(join(tmpdir(), 'fjordnet-predictors-'));
test.after.always(() => rmSync(home, { recursive: true }));

type Row = Readonly<Record<string, string | number | boolean | null>>;
const ISLANDS = ['Biscoe', 'Dream', 'Torgersen', 'Ærø'];

/** Rows as of penguins: numbers, large ones too, text and booleans; all but the year with missing ones. */
function penguins(n: number, seed: number): Row[] {
  const r = new RandomState(seed);
  const draws = (r.uniform(0, 1, [n, 8]) as NDArray).toArray() as number[][];
  return draws.map(([a, b, c, d, e, f, g, h]) => ({
    island: a < 0.1 ? null : ISLANDS[Math.floor(b * b * 4)],
    sex: c < 0.2 ? '' : d < 0.5 ? 'male' : 'female',
    bill: a < 0.15 ? null : 30 + 20 * e,
    mass: f < 0.2 ? null : 3000 + 3000 * g,
    year: 2007 + Math.floor(3 * h),
    ringed: g < 0.1 ? null : h < 0.4,
  }));
}
const rows = penguins(120, 1);
const species = rows.map(({ bill, island, year }) =>
  Number(bill ?? 40) > 42 ? 'Gentoo' : island === 'Dream' || year === 2008 ? 'Chinstrap' : 'Adélie',
);
const masses = rows.map(({ bill, sex }) => 100 * Number(bill ?? 40) + (sex === 'male' ? 500 : 0));
/** With islands that fit did not see. */
const others: Row[] = [...penguins(40, 2), { ...rows[0], island: 'Nowhere' }, { ...rows[1], island: 'Rare' }];

async function session<T>(bytes: Uint8Array, use: (own: ort.InferenceSession) => Promise<T>): Promise<T> {
  const own = await ort.InferenceSession.create(bytes);
  try {
    return await use(own);
  } finally {
    await own.release();
  }
}

const FLOATS = {
  'tensor(float)': Float32Array,
  float32: Float32Array,
  float64: Float64Array,
  'tensor(double)': Float64Array,
};

/** What ONNX Runtime makes of raw rows, fed column by column, or of a matrix. */
const answers = (bytes: Uint8Array, x: readonly Row[] | number[][] | string[][]) =>
  session(bytes, async (own) => {
    const feeds = own.inputMetadata.map((of) => {
      const { name, type } = of as { name: string; type: keyof typeof FLOATS | 'string' };
      const values = x.flatMap((row) => (Array.isArray(row) ? row : [row[name]]));
      const dims = [x.length, values.length / x.length];
      if (type === 'string')
        return [
          name,
          new ort.Tensor(
            'string',
            values.map((v) => String(v ?? '')),
            dims,
          ),
        ] as const;
      const numbers = Array.from(values, (v) => (v === null || v === '' ? Number.NaN : Number(v)));
      return [
        name,
        new ort.Tensor(type.includes('64') ? 'float64' : 'float32', FLOATS[type].from(numbers) as never, dims),
      ] as const;
    });
    const made = await own.run(Object.fromEntries(feeds));
    const listed = ({ data, dims }: ort.Tensor) => ({ data: Array.from(data as Float64Array), shape: [...dims] });
    return Object.fromEntries(own.outputNames.map((name) => [name, listed(made[name])]));
  });

const transformers = () =>
  new ColumnTransformer([
    [
      'numbers',
      [new SimpleImputer({ strategy: 'median', addIndicator: true }), new StandardScaler()],
      ['mass', 'bill'],
    ],
    ['range', new MinMaxScaler({ featureRange: [-1, 1], clip: true }), 'year'],
    [
      'kinds',
      [new SimpleImputer({ strategy: 'mostFrequent' }), new OneHotEncoder({ handleUnknown: 'ignore' })],
      ['island', 'sex'],
    ],
    [
      'rare',
      new OneHotEncoder({ handleUnknown: 'infrequentIfExist', minFrequency: 20, drop: 'first' }),
      ['island', 'year'],
    ],
    [
      'ordered',
      new OrdinalEncoder({ handleUnknown: 'useEncodedValue', unknownValue: -1, encodedMissingValue: -2.1 }),
      ['island', 'ringed'],
    ],
    [
      'flag',
      [new SimpleImputer({ strategy: 'mostFrequent', addIndicator: true }), new OneHotEncoder({ drop: 'ifBinary' })],
      ['ringed'],
    ],
    ['left', 'drop', 'sex'],
    ['plain', 'passthrough', 'year'],
  ]);

test.serial('a classifier behind transformers of columns answers raw rows', async (t) => {
  const pipeline = new Pipeline([
    ['columns', transformers()],
    ['scale', new MaxAbsScaler()],
    ['model', new MLPClassifier({ hiddenLayerSizes: [8, 4], activation: 'tanh', maxIter: 50, randomState: 1 })],
  ]);
  await t.throwsAsync(pipeline.exportBytes(), { code: 'ERR_NOT_FITTED' });
  pipeline.fitSync(rows, species);
  const path = join(home, 'pipeline.onnx');
  await pipeline.export(path);
  const { probabilities, label } = await answers(readFileSync(path), others);
  t.deepEqual(label.data as unknown, pipeline.predict(others));
  const p = pipeline.predictProba(others);
  t.deepEqual(probabilities.shape, p.shape);
  t.true(difference(probabilities.data as never, p.data) < 1e-12, `${difference(probabilities.data as never, p.data)}`);
  t.deepEqual(await pipeline.exportBytes(), new Uint8Array(readFileSync(path)));
});

for (const dtype of ['float32', 'float64'] as const)
  test.serial(
    `networks behind an inferred transformer, ${dtype}: classes, two classes, numbers in their units`,
    async (t) => {
      const close = dtype === 'float64' ? 1e-12 : 1e-6;
      const build = (units: number, activation: 'softmax' | 'sigmoid' | 'linear') =>
        sequential({
          layers: [layers.dense({ units: 6, activation: 'relu' }), layers.dense({ units, activation })],
          dtype,
          seed: 1,
        });
      const flags = rows.map(({ mass }) => Number(mass ?? 0) > 4500);
      for (const [y, units, activation, loss] of [
        [species, 3, 'softmax', 'sparseCategoricalCrossentropy'],
        [flags, 1, 'sigmoid', 'binaryCrossentropy'],
        [masses, 1, 'linear', 'meanSquaredError'],
      ] as const) {
        const network = build(units, activation);
        network.compile({ optimizer: 'adam', loss });
        const scaler = loss === 'meanSquaredError' ? new StandardScaler() : undefined;
        const targets = scaler ? scaler.fitTransform(masses.map((mass) => [mass])).reshape(-1) : y;
        const pipeline = new Pipeline([
          ['table', TableTransformer.infer(rows, {})],
          ['model', network],
        ]);
        await pipeline.fit(rows, targets, { epochs: 5 });
        const predictor = new Predictor({ pipeline, ...(scaler && { targetScaler: scaler }) });
        const made = await answers(await predictor.exportBytes(), others);
        const wanted = await predictor.predict(others);
        if (scaler) {
          const { data } = wanted as NDArray;
          t.deepEqual(made.variable.shape, [others.length, 1]);
          t.true(
            difference(made.variable.data as never, data) < close,
            `${difference(made.variable.data as never, data)}`,
          );
          continue;
        }
        t.deepEqual(made.label.data.map((v) => (typeof y[0] === 'boolean' ? Boolean(v) : v)) as unknown, wanted);
        const d = difference(made.probabilities.data as never, (await predictor.predictProba(others)).data);
        t.true(d < close, `${activation}: ${d}`);
      }
    },
  );

const x = (new RandomState(3).randn(60, 4) as NDArray).toArray() as number[][];
const k = x.map(([a, b, c]) => Number(a + b > 0) + Number(c > 0.5));
const listed = (made: unknown): unknown => (made instanceof NDArray ? made.toArray() : made);

test.serial('estimators alone, of every kind of labels, and back as networks', async (t) => {
  const cases: [string, any][] = [
    ['numbers', k],
    ['texts', k.map((i) => ['a', 'bé', 'c'][i])],
    ['two', k.map((i) => ['no', 'yes'][Number(i > 0)])],
    ['one', k.map(() => 7)],
    ['labels', k.map((i) => [Number(i > 0), Number(i > 1)])],
  ];
  for (const [name, y] of cases) {
    const own = new MLPClassifier({
      hiddenLayerSizes: [5],
      activation: 'logistic',
      maxIter: 20,
      randomState: 1,
    }).fitSync(x, y);
    const bytes = await own.exportBytes({ format: 'onnx' });
    const { label, probabilities } = await answers(bytes, x);
    t.deepEqual(
      label.data.map((v) => (typeof v === 'bigint' ? Number(v) : v)) as unknown,
      [listed(own.predict(x))].flat(3),
      name,
    );
    const p = own.predictProba(x);
    t.deepEqual(probabilities.shape, p.shape, name);
    t.true(difference(probabilities.data as never, p.data) < 1e-13, name);
    const again = await importBytes(bytes);
    const [first] = [again.predictSync(x)].flat() as NDArray[];
    t.true(difference(first.data, p.data) < 1e-13, name);
    t.deepEqual(again.metadata, name === 'labels' ? {} : { classes: name === 'one' ? [7, 7] : own.classes }, name);
  }
  const two = x.map(([a, b]) => [a, b * b]);
  for (const options of [{}, { loss: 'poisson' } as const]) {
    const own = new MLPRegressor({ ...options, maxIter: 20, randomState: 1 });
    own.fitSync(x, options.loss ? two.map(([, b]) => b) : two);
    const path = join(home, 'regressor.onnx');
    await own.export(path, { dtype: 'float32', opset: 13 });
    const { variable } = await answers(readFileSync(path), x);
    t.true(difference(variable.data as never, own.predict(x).data) < 1e-5);
  }
});

test.serial('a pipeline of matrices has one input, and comes back as a network', async (t) => {
  for (const scaler of [new StandardScaler(), new RobustScaler(), new MinMaxScaler(), new MaxAbsScaler()]) {
    const pipeline = makePipeline(scaler, new MLPClassifier({ maxIter: 20, randomState: 1 })).fitSync(x, k);
    const bytes = await pipeline.exportBytes({ format: 'onnx' });
    const { label, probabilities } = await answers(bytes, x);
    t.deepEqual(label.data.map(Number), listed(pipeline.predict(x)));
    const p = pipeline.predictProba(x);
    t.true(difference(probabilities.data as never, p.data) < 1e-13);
    const again = await importBytes(bytes);
    t.deepEqual(again.inputNames, ['input']);
    t.true(difference((again.predictSync(x) as NDArray).data, p.data) < 1e-12);
  }
  const holes = x.map(([a, ...rest], i) => [i % 7 ? a : Number.NaN, ...rest]);
  const imputed = makePipeline(
    new SimpleImputer({ addIndicator: true }),
    new MLPRegressor({ maxIter: 9, randomState: 1 }),
  );
  imputed.fitSync(holes, k);
  const { variable } = await answers(await imputed.exportBytes(), holes);
  t.true(difference(variable.data as never, imputed.predict(holes).data) < 1e-13);
  const words = rows.map(({ sex, island }) => [sex, island ?? '']) as string[][];
  const texts = makePipeline(new OneHotEncoder(), new MLPClassifier({ maxIter: 9, randomState: 1 })).fitSync(
    words,
    species,
  );
  const made = await answers(await texts.exportBytes(), words);
  t.deepEqual(made.label.data as unknown, texts.predict(words));
});

test.serial('norms of rows and products of columns, of any degree; rows of zeros stay', async (t) => {
  const withZeros = [...x, [0, 0, 0, 0], [0, -3, 0, 1e-200], [-0, 2, 2, -2]];
  const y = withZeros.map(([a, b]) => a - b);
  const transformers = [
    ...(['l1', 'l2', 'max'] as const).map((norm) => new Normalizer({ norm })),
    ...[1, 2, 4, [0, 1], [3, 3], [2, 4]].flatMap((degree) =>
      [false, true].flatMap((interactionOnly) =>
        [false, true].map(
          (includeBias) => new PolynomialFeatures({ degree: degree as number, interactionOnly, includeBias }),
        ),
      ),
    ),
    new PolynomialFeatures({ degree: 0 }),
    new PolynomialFeatures({ degree: 9, interactionOnly: true }), // of four columns: no more than their product
  ];
  for (const transformer of transformers)
    for (const opset of [13, 23]) {
      const model = new MLPRegressor({ hiddenLayerSizes: [4], maxIter: 5, randomState: 1 });
      const pipeline = makePipeline(transformer.clone(), model).fitSync(withZeros, y);
      const { variable } = await answers(await pipeline.exportBytes({ opset }), withZeros);
      const d = difference(variable.data as never, pipeline.predict(withZeros).data);
      t.true(d < 1e-12, `${transformer.constructor.name} ${JSON.stringify(transformer.getParams())}: ${d}`);
    }
});

test.serial('categories that are numbers are told apart in the type of the file', async (t) => {
  const table = Array.from({ length: 60 }, (_, i) => ({ size: i % 5 ? (i % 5) / 10 : null, id: 2 ** 24 + (i % 3) }));
  const answer = table.map(({ size, id }) => 10 * Number(size ?? 2) + (id % 3));
  const fitted = (columns: string[]) => {
    const transformer = new ColumnTransformer([['kinds', new OneHotEncoder({ handleUnknown: 'ignore' }), columns]]);
    return makePipeline(transformer, new MLPRegressor({ maxIter: 20, randomState: 1 })).fitSync(table, answer);
  };
  for (const dtype of ['float32', 'float64'] as const) {
    const pipeline = fitted(['size']);
    const { variable } = await answers(await pipeline.exportBytes({ dtype }), table);
    t.true(difference(variable.data as never, pipeline.predict(table).data) < (dtype === 'float64' ? 1e-13 : 2e-6));
  }
  const pipeline = fitted(['id']);
  await t.throwsAsync(pipeline.exportBytes({ dtype: 'float32' }), {
    message: /float32 tells apart, got 16777217 and 16777216/,
  });
  const { variable } = await answers(await pipeline.exportBytes(), table);
  t.true(difference(variable.data as never, pipeline.predict(table).data) < 1e-13);
});

const check = `
import json, sys
import numpy as np, onnx, onnxruntime
path, rows = sys.argv[1], json.loads(sys.argv[2])
onnx.checker.check_model(onnx.load(path), full_check=True)
session = onnxruntime.InferenceSession(path)
feeds = {}
for of in session.get_inputs():
    column = [[row[of.name]] for row in rows]
    if of.type == "tensor(string)":
        feeds[of.name] = np.array([["" if v is None else v for v in row] for row in column], dtype=object)
    else:
        feeds[of.name] = np.array(column, dtype=np.float64 if of.type == "tensor(double)" else np.float32)
probabilities, label = session.run(["probabilities", "label"], feeds)
print(json.dumps({"probabilities": probabilities.tolist(), "label": label.tolist()}))
`;

test.serial(
  "ONNX's own checker takes the files, of any version, and ONNX Runtime in Python answers alike",
  async (t) => {
    const python = pythonWith('onnx', 'onnxruntime');
    if (!python) {
      t.log('no Python with onnx and onnxruntime here: FJORDNET_TEST_PYTHON names one');
      return t.pass();
    }
    const model = new MLPClassifier({ hiddenLayerSizes: [4], maxIter: 20, randomState: 1 });
    const pipeline = makePipeline(transformers(), model).fitSync(rows, species);
    for (const opset of [13, 17, 23])
      for (const dtype of ['float32', 'float64'] as const) {
        const path = join(home, `${opset}-${dtype}.onnx`);
        await pipeline.export(path, { opset, dtype });
        const made = runPython(python, check, path, JSON.stringify(others));
        t.deepEqual(made.label, pipeline.predict(others));
        const d = difference(made.probabilities.flat(), pipeline.predictProba(others).data);
        t.true(d < (dtype === 'float64' ? 1e-12 : 1e-5), `${opset}, ${dtype}: ${d}`);
      }
  },
);

test.serial('what the command line trained on penguins goes over as a whole', async (t) => {
  const work = new Workplace();
  t.teardown(() => work.remove());
  const file = new URL('../node_modules/vega-datasets/data/penguins.json', import.meta.url);
  const table = JSON.parse(readFileSync(file, 'utf8')) as Row[];
  work.write('penguins.json', JSON.stringify(table));
  const [own, onnx] = [work.path('penguins.safetensors'), work.path('penguins.onnx')];
  const training = ['--label', 'Species', '--epochs', '3', '--save', own];
  t.is((await work.call('train', work.path('penguins.json'), ...training)).code, 0);
  const { code, stdout, stderr } = await work.call('convert', own, onnx);
  t.is(code, 0, stderr);
  t.notRegex(stdout, /preprocessing/);
  const predictor = await loadPredictor(own);
  const { label, probabilities } = await answers(readFileSync(onnx), table);
  t.deepEqual(label.data as unknown, await predictor.predict(table));
  const d = difference(probabilities.data as never, (await predictor.predictProba(table)).data);
  t.true(d < 1e-6, `${d}`);
});

test.serial('what code saved goes over on the command line as export does it, and says what is lost', async (t) => {
  const work = new Workplace();
  t.teardown(() => work.remove());
  const table = (new RandomState(4).normal(3, 2, [60, 3]) as NDArray).toArray() as number[][];
  const kinds = table.map(([a, b]) => (a > b ? 'wide' : 'tall'));
  const sums = table.map(([a, b, c]) => 100 + a * b + c);
  const classifier = () => new MLPClassifier({ hiddenLayerSizes: [5], maxIter: 40, randomState: 1 });
  const net = sequential({ layers: [layers.dense({ units: 2, activation: 'softmax', inputShape: [3] })], seed: 2 });
  net.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
  const regression = makePipeline(
    new StandardScaler(),
    new MLPRegressor({ hiddenLayerSizes: [4], solver: 'lbfgs', maxIter: 30, randomState: 1 }),
  ).fitSync(
    table,
    sums.map((sum) => (sum - 100) / 10),
  );
  const targetScaler = new StandardScaler().fit([[90], [110]]);
  const estimator = classifier().fitSync(table, kinds);
  const all = {
    estimator,
    pipeline: makePipeline(new StandardScaler(), classifier()).fitSync(table, kinds),
    network: await makePipeline(new MinMaxScaler(), net).fit(table, kinds, { epochs: 3 }),
    predictor: new Predictor({ pipeline: regression, target: 'sum', targetScaler }),
  };
  const lost = async (from: string, to: string) => {
    const { code, stdout, stderr } = await work.call('convert', work.path(from), work.path(to), '--json');
    t.is(code, 0, stderr);
    return (lastDocument(stdout).lost as string[]).map((what) => what.split(':')[0]);
  };
  for (const [name, model] of Object.entries(all)) {
    await model.save(work.path(`${name}.safetensors`));
    t.deepEqual(await lost(`${name}.safetensors`, `${name}.onnx`), ['what training goes on from']);
    const predictor = await loadPredictor(work.path(`${name}.safetensors`));
    const made = await answers(readFileSync(work.path(`${name}.onnx`)), table);
    if (name === 'predictor') {
      const d = difference(made.variable.data as never, (predictor.predictSync(table) as NDArray).data);
      t.true(d < 1e-10, `${d}`);
    } else {
      t.deepEqual(made.label.data as unknown, predictor.predictSync(table));
      const d = difference(made.probabilities.data as never, (await predictor.predictProba(table)).data);
      t.true(d < (name === 'network' ? 1e-6 : 1e-12), `${name}: ${d}`);
    }
    // a copy of our own has all of it
    t.deepEqual(await lost(`${name}.safetensors`, 'copy.safetensors'), []);
    t.deepEqual(readFileSync(work.path('copy.safetensors')), readFileSync(work.path(`${name}.safetensors`)));
    const info = await work.call('info', work.path(`${name}.safetensors`));
    t.is(info.code, 0, info.stderr);
    t.regex(info.stdout, name === 'predictor' ? /Predicts sum/ : /Predicts, one of 2 classes: tall, wide/);
    t.regex(info.stdout, name === 'network' ? /adam optimizer after 6 updates/ : /from the parameters of MLP/);
  }
  const [training, rows, metadata] = ['what training goes on from', 'the preprocessing of rows', 'the metadata'];
  t.deepEqual(await lost('estimator.safetensors', 'e.npz'), [training]);
  t.deepEqual(readFileSync(work.path('e.npz')), Buffer.from(estimator.exportBytes()));
  t.deepEqual(await lost('e.npz', 'e.onnx'), []);
  t.deepEqual(
    (await answers(readFileSync(work.path('e.onnx')), table)).label.data as unknown,
    estimator.predict(table),
  );
  t.deepEqual(await lost('e.npz', 'e.safetensors'), []);
  t.deepEqual((await MLPClassifier.load(work.path('e.safetensors'))).predict(table), estimator.predict(table));
  t.deepEqual(await lost('pipeline.safetensors', 'p.npz'), [rows, training]);
  t.deepEqual(await lost('pipeline.safetensors', 'p.keras'), [rows, training, metadata]);
  t.deepEqual(await lost('network.safetensors', 'n.keras'), [rows, metadata]);
  t.deepEqual(await lost('predictor.safetensors', 'r.h5'), [rows, training]);
  // the layers of an estimator are a network to whoever takes networks
  const own = await importModel(work.path('estimator.safetensors'));
  t.deepEqual([own.dtype, own.metadata.classes], ['float64', ['tall', 'wide']]);
  const second = Array.from(estimator.predictProba(table).data).filter((_, i) => i % 2);
  t.true(difference((own.predictSync(table) as NDArray).data, second) < 1e-14);
  t.is((await importModel(work.path('estimator.safetensors'), { dtype: 'float32' })).dtype, 'float32');
  for (const [from, to, message] of [
    ['network.safetensors', 'x.npz', /Expected an MLPClassifier or an MLPRegressor, whose arrays .*, got a Sequential/],
    ['scaler.safetensors', 'x.onnx', /a model that predicts, got StandardScaler/],
    ['new.safetensors', 'x.onnx', /Expected the MLPClassifier to be fitted/],
  ] as const) {
    await new StandardScaler().fit(table).save(work.path('scaler.safetensors'));
    await classifier().save(work.path('new.safetensors'));
    const { code, stderr } = await work.call('convert', work.path(from), work.path(to));
    t.is(code, 3);
    t.regex(stderr, message);
  }
});

test.serial('what the command line scaled goes over with its scaling', async (t) => {
  const work = new Workplace();
  t.teardown(() => work.remove());
  const table = (new RandomState(5).normal(50, 20, [40, 2]) as NDArray).toArray() as number[][];
  work.write('data.csv', ['a,b,kind', ...table.map(([a, b]) => `${a},${b},${a > b ? 1 : 0}`)].join('\n'));
  const training = ['--label', 'kind', '--epochs', '5', '--save', work.path('own.safetensors')];
  t.is((await work.call('train', work.path('data.csv'), ...training)).code, 0);
  const { stdout } = await work.call('convert', work.path('own.safetensors'), work.path('own.onnx'), '--json');
  const lost = lastDocument(stdout).lost as string[];
  t.deepEqual(
    lost.map((what) => what.split(':')[0]),
    ['what training goes on from', 'what fjordnet train noted of data and history'],
  );
  const predictor = await loadPredictor(work.path('own.safetensors'));
  const asked = table.map(([a, b]) => ({ a, b }));
  const { label } = await answers(readFileSync(work.path('own.onnx')), table);
  t.deepEqual(Array.from(label.data as never, Number), Array.from((await predictor.predict(asked)) as never));
  const other = await work.call('convert', work.path('own.safetensors'), work.path('own.keras'), '--json');
  t.true((lastDocument(other.stdout).lost as string[]).includes('the preprocessing of rows'));
});

test('what ONNX cannot express is refused by name, before a file is written', async (t) => {
  const path = join(home, 'none.onnx');
  const model = () => new MLPRegressor({ maxIter: 1, randomState: 1 });
  const refused = (pipeline: Pipeline<any>, message: RegExp) => t.throwsAsync(pipeline.export(path), { message });
  const dates = rows.map(({ mass }, i) => ({ day: `2020-01-${10 + (i % 20)}`, mass: mass ?? 0 }));
  const parts = [new DatetimeEncoder(), new SimpleImputer()];
  const dated = new ColumnTransformer([
    ['when', parts, 'day'],
    ['mass', 'passthrough', 'mass'],
  ]);
  await refused(
    makePipeline(dated, model()).fitSync(dates, masses),
    /got DatetimeEncoder in 'columntransformer\/when'/,
  );
  class Doubler {
    fit() {}
    transform(z: unknown) {
      return z;
    }
  }
  await refused(makePipeline(new Doubler(), model()).fitSync(x, k), /got Doubler in 'doubler'/);
  await refused(makePipeline(new StandardScaler()).fitSync(x) as never, /ends in a network.*got StandardScaler/);
  const mixed = rows.map(({ sex, year }) => [sex, year]);
  await refused(
    makePipeline(new OneHotEncoder(), model()).fitSync(mixed as never, masses),
    /a ColumnTransformer fitted on columns/,
  );
  const fitted = makePipeline(new StandardScaler(), model()).fitSync(x, k);
  await t.throwsAsync(fitted.export(join(home, 'none.model')), {
    message: /^Expected path to be the name of an \.onnx file/,
  });
  await t.throwsAsync(fitted.exportBytes({ opset: 12 }), { message: /^Expected opset to be / });
  await t.throwsAsync(fitted.exportBytes({ format: 'keras' as never }), { message: /^Expected format to be / });
  t.throws(
    () =>
      model()
        .fitSync(x, k)
        .exportBytes({ format: 'npz', opset: 17 } as never),
    { message: /opset/ },
  );
  await t.throwsAsync(model().export(path), { code: 'ERR_NOT_FITTED' });
  t.throws(() => readFileSync(path), { code: 'ENOENT' });

  const texts = new ColumnTransformer([
    ['kinds', new OneHotEncoder(), ['sex']],
    ['year', 'passthrough', 'year'],
  ]);
  const bytes = await makePipeline(texts, model()).fitSync(rows, masses).exportBytes();
  await t.throwsAsync(importBytes(bytes), { code: 'ERR_FORMAT', message: /its input 'sex' is text/ });
});

test('a search is its best model, also at the end of a pipeline; one without is refused', async (t) => {
  const r = new RandomState(2);
  const x = (r.normal(3, 2, [60, 3]) as NDArray).toArray() as number[][];
  const y = x.map(([a, b]) => (a > b ? 'up' : 'down'));
  const mlp = () => new MLPClassifier({ hiddenLayerSizes: [4], solver: 'lbfgs', maxIter: 9, randomState: 1 });
  const network = () => {
    const net = sequential({
      layers: [layers.dense({ units: 2, activation: 'softmax', inputShape: [3] })],
      seed: 1,
    });
    net.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy' });
    return net;
  };
  const scaled = (last: object) =>
    new Pipeline([
      ['scale', new StandardScaler()],
      ['model', last as never],
    ]);
  const alphas = { alpha: [1e-3, 50] };
  const cases: Record<
    string,
    { fit(x: any, y: any): Promise<any> | any; predictProba(x: any): any; exportBytes(): any }
  > = {
    'an MLP': scaled(new GridSearchCV({ estimator: mlp(), grid: alphas, cv: 2 })),
    // both steps are called alike
    'a pipeline': scaled(new GridSearchCV({ estimator: scaled(mlp()), grid: { model__alpha: [1e-3, 50] }, cv: 2 })),
    'a network': scaled(
      new GridSearchCV({ estimator: scaled(network()), grid: { model__learningRate: [0.1, 1e-4] }, cv: 2 }),
    ),
  };
  for (const [name, pipeline] of Object.entries(cases)) {
    await t.throwsAsync(async () => pipeline.exportBytes(), { code: 'ERR_NOT_FITTED' }, name);
    await pipeline.fit(x, y);
    const wanted = (await pipeline.predictProba(x)) as NDArray;
    const session = await ort.InferenceSession.create(await pipeline.exportBytes());
    const type = session.inputMetadata[0] as { type: string };
    const data = type.type === 'float64' ? Float64Array.from(x.flat()) : Float32Array.from(x.flat());
    const { probabilities, label } = await session.run({ input: new ort.Tensor(data as never, [60, 3]) });
    t.true(difference(probabilities.data as never, wanted.data) < 1e-6, name);
    t.deepEqual(label.data, (await (pipeline as never as Pipeline).predict(x)) as never, name);
  }
  const bare = scaled(new GridSearchCV({ estimator: mlp(), grid: alphas, cv: 2, refit: false }));
  await bare.fit(x, y);
  await t.throwsAsync(bare.exportBytes(), { message: /Expected refit to be true for bestEstimator/ });
});
