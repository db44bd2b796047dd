import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import {
  type ArrayInput,
  layers,
  loadPredictor,
  MLPClassifier,
  makePipeline,
  NDArray,
  type Predictor,
  permutationImportance,
  readTable,
  sequential,
  TableTransformer,
} from 'fjordnet';
import { csvOf, flowersCsv, lastDocument, serving, Workplace } from './helpers/cli.js';
import { golden, pathOf } from './helpers/real-tables.js';

type Row = Record<string, unknown>;
type Answer = string | number | boolean;

const work = new Workplace();
test.after.always(() => work.remove());
process.removeAllListeners('warning'); // of the few iterations

function rowsIn(table: Readonly<Record<string, ArrayLike<unknown>>>): Row[] {
  const columns = Object.entries(table);
  return Array.from({ length: columns[0][1].length }, (_, row) =>
    Object.fromEntries(columns.map(([name, column]) => [name, column[row]])),
  );
}

/** The rows of a table that have a label, as in the fixture. */
async function rowsOf(name: string): Promise<Row[]> {
  const { target, n } = golden[name];
  const table = await readTable(pathOf(name));
  return rowsIn(table)
    .filter((row) => row[target] !== null)
    .slice(0, n);
}

const listed = (answers: NDArray | readonly Answer[]): Answer[] => [
  ...(answers instanceof NDArray ? answers.data : (answers as Answer[])),
];

/** What the command line prints, as what it stands for. */
async function predicted(t: ExecutionContext, ...args: string[]): Promise<Answer[]> {
  const { code, stdout, stderr } = await work.run('predict', ...args, '--json');
  t.is(code, 0, stderr);
  const lines = stdout.trim().split('\n');
  return lines.map((line) => JSON.parse(line).prediction);
}

async function served(path: string, rows: readonly unknown[]): Promise<Answer[]> {
  const { ask, stop } = await serving(path, '--quiet');
  try {
    return (await ask('/predict', rows)).body.predictions;
  } finally {
    await stop();
  }
}

for (const [name, { target, drop, scores }] of Object.entries(golden))
  test(`${name}: three commands from raw CSV to a served prediction, which scores as scikit-learn's pipeline does`, async (t) => {
    const rows = await rowsOf(name);
    const [table, file] = [work.write(`${name}.csv`, csvOf(rows)), work.path(`${name}.safetensors`)];
    // the fixture's split and estimator
    const options = ['--test-size', '0.25', '--model', 'sklearn', '--hidden', '30', '--alpha', '1'];
    const trained = await work.run(
      ...['train', table, '--label', target, ...(drop.length > 0 ? ['--drop', drop.join(',')] : []), ...options],
      ...['--learning-rate', '0.01', '--epochs', '150', '--save', file, '--json'],
    );
    t.is(trained.code, 0, trained.stderr);
    const { test: result } = lastDocument(trained.stdout);
    const score = result.r2 ?? result.accuracy;
    const [low, high] = [Math.min(...scores), Math.max(...scores)];
    t.log(`${score.toFixed(4)}; scikit-learn ${low.toFixed(4)} to ${high.toFixed(4)}`);
    // ten seeds do not show all of a spread: half of it on either side
    const margin = Math.max((high - low) / 2, 4 / rows.length);
    t.true(score >= low - margin, `${score} ${scores}`);

    const answers = await predicted(t, file, table);
    t.is(answers.length, rows.length);
    const fresh = rows.slice(0, 100).map(({ [target]: _, ...row }) => row);
    t.deepEqual(await served(file, fresh), answers.slice(0, 100));
  });

/** The same rows through a file, five ways, and through what code makes of it when it saves it again. */
async function answersAlike(t: ExecutionContext, file: string, table: string, rows: readonly unknown[]) {
  const again = `${file}.again`;
  const loaded = await loadPredictor(file);
  await loaded.save(again);
  const expected = listed(await loaded.predict(rows as never));
  t.is(expected.length, rows.length);
  t.true(new Set(expected).size > 1);
  for (const path of [file, again]) {
    const code: [string, Predictor][] = [
      ['from the path', await loadPredictor(path)],
      ['from bytes', await loadPredictor(readFileSync(path))],
      ['from its own bytes', await loadPredictor((await loadPredictor(path)).toBytes())],
    ];
    for (const [how, predictor] of code)
      t.deepEqual(listed(await predictor.predict(rows as never)), expected, `${path} ${how}`);
    t.deepEqual(listed(code[0][1].predictSync(rows as never)), expected, path);
    t.deepEqual(await predicted(t, path, table), expected, path);
    t.deepEqual(await served(path, rows), expected, path);
  }
}

test('a file of the command line answers alike from commands, code, bytes and a server, and saved again', async (t) => {
  const cases: [string, string, string[]][] = [
    ['penguins.json', 'Species', []],
    ['cars.json', 'Miles_per_Gallon', ['--drop', 'Name']],
  ];
  for (const [name, target, options] of cases) {
    const rows = await rowsOf(name);
    const [table, file] = [work.write(`alike-${name}.csv`, csvOf(rows)), work.path(`alike-${name}`)];
    const trained = await work.run('train', table, '--label', target, ...options, '--epochs', '3', '--save', file);
    t.is(trained.code, 0, trained.stderr);
    await answersAlike(t, file, table, rows);
  }
});

test('so does one of numbers alone, of classes and of numbers', async (t) => {
  const flowers = work.write('flowers.csv', flowersCsv(90));
  const heights = work.write(
    'heights.csv',
    csvOf(Array.from({ length: 80 }, (_, i) => ({ a: (i * 37) % 41, b: ((i * 53) % 29) / 7, height: (i % 13) + 0.5 }))),
  );
  for (const table of [flowers, heights]) {
    const file = `${table}.safetensors`;
    const trained = await work.run('train', table, '--epochs', '3', '--save', file);
    t.is(trained.code, 0, trained.stderr);
    const rows = rowsIn(await readTable(table));
    await answersAlike(t, file, table, rows);
  }
});

test('a pipeline of code answers alike, that of an estimator and that of a network', async (t) => {
  const rows = await rowsOf('penguins.json');
  const table = work.write('code.csv', csvOf(rows));
  const labels = rows.map((row) => row.Species as string);
  const prepare = () => TableTransformer.infer(rows as never, { target: 'Species' });
  const network = sequential({
    layers: [
      layers.dense({ units: 8, activation: 'relu', inputShape: [prepare().fitTransform(rows as never).shape[1]] }),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
    seed: 1,
  });
  network.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
  const estimator = new MLPClassifier({ hiddenLayerSizes: [8], maxIter: 20, randomState: 1 });
  const pipelines = [makePipeline(prepare(), network), makePipeline(prepare(), estimator)];
  for (const [i, pipeline] of pipelines.entries()) {
    await pipeline.fit(rows as never, labels, i === 0 ? { epochs: 5 } : {});
    const file = work.path(`code-${i}`);
    await pipeline.save(file);
    await answersAlike(t, file, table, rows);
    const loaded = await loadPredictor(file);
    const last = loaded.pipeline.steps.at(-1)![1] as unknown as { predict(x: NDArray): unknown };
    const { predict } = last;
    let calls = 0;
    last.predict = (x) => {
      calls++;
      return Reflect.apply(predict, last, [x]);
    };
    const { answers, probabilities } = await loaded.predictWithProba(rows as never);
    t.is(calls, 1);
    t.deepEqual(listed(answers), listed(await loaded.predict(rows as never)));
    t.deepEqual(probabilities, await loaded.predictProba(rows as never));
    const shares = await work.run('predict', file, table, '--probabilities');
    t.regex(shares.stdout, /^prediction,p\(Adelie\),p\(Chinstrap\),p\(Gentoo\)\n/);
  }
  const network2 = work.path('network');
  await network.save(network2);
  const refused = await work.run('predict', network2, table);
  t.is(refused.code, 3);
  t.regex(refused.stderr, /saved by fjordnet train.*holds a model alone/);
});

test('importances of the command line are those of the columns of the table', async (t) => {
  const cases: [string, string][] = [
    ['penguins.json', 'Species'],
    ['cars.json', 'Miles_per_Gallon'],
  ];
  for (const [name, target] of cases) {
    const rows = await rowsOf(name);
    const [table, file] = [work.write(`matter-${name}.csv`, csvOf(rows)), work.path(`matter-${name}`)];
    const trained = await work.run('train', table, '--label', target, '--epochs', '10', '--seed', '3', '--save', file);
    t.is(trained.code, 0, trained.stderr);
    const drawn = await work.run('plot', 'importances', file, table, '--out', work.path('matter.json'));
    t.is(drawn.code, 0, drawn.stderr);
    const spec = JSON.parse(readFileSync(work.path('matter.json'), 'utf8'));
    const predictor = await loadPredictor(file);
    const found = await permutationImportance(
      predictor as never,
      rows as never,
      rows.map((row) => row[target]) as ArrayInput,
      {
        scoring: name === 'cars.json' ? 'r2' : 'accuracy',
        randomState: 3,
      },
    );
    const means = Array.from(found.importancesMean.data).filter((_, k) =>
      predictor.inputNames?.includes(found.featureNames![k]),
    );
    const shown: number[] = spec.data.values.map(({ mean }: { mean: number }) => mean);
    t.is(shown.length, predictor.inputNames!.length);
    for (const [i, mean] of means.sort((a, b) => b - a).entries())
      t.true(Math.abs(mean - shown[i]) < 1e-6, `${mean} ${shown[i]}`);
  }
});
