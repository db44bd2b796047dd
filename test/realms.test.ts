import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import * as here from 'fjordnet';
import { heatmap, weights } from 'fjordnet/plots';
import { InstalledProject } from './helpers/installed.js';

const run = promisify(execFile);
const child = fileURLToPath(new URL('./helpers/children/realm.js', import.meta.url));

test('in a vm context, every call gives and throws what it does outside, of that context’s own kinds', async (t) => {
  const [own, context] = await Promise.all(
    ['own', 'context'].map(async (realm): Promise<Record<string, string>> => {
      const { stdout } = await run(process.execPath, ['--no-warnings', '--experimental-vm-modules', child, realm], {
        maxBuffer: 1e7,
      });
      return JSON.parse(stdout);
    }),
  );
  t.deepEqual(context, own);
  t.true(Object.keys(own).length > 150);
  t.regex(own['float32 predict'], /^float32 \[60,2\] Float32Array! /);
  t.regex(own['float32 load'], /^\[float32 \[60,2\]/);
  t.deepEqual(
    Object.entries(own).filter(([, text]) => text.endsWith('foreign')),
    [],
  );
  for (const type of ['Float64', 'Float32', 'Int32', 'Uint8', 'Int8', 'BigInt64'])
    for (const use of ['as an array', 'as a row', 'wrapped', 'as labels', 'shuffled'])
      t.is(own[`foreign ${type}Array ${use}`], own[`own ${type}Array ${use}`]);
});

// A second copy, with an addon of its own, as a package that depends on another version has it.
const project = new InstalledProject();
project.link('csv-parse');
test.after.always(() => project.remove());
const copy = import(pathToFileURL(join(project.package, 'dist', 'index.js')).href) as Promise<typeof here>;

const x = new here.RandomState(0).randn(40, 6, 6, 1);
const labels = Array.from({ length: 40 }, (_, i) => i % 2);
const rows = () => x.reshape(40, 36);

test('the copy is another one', async (t) => {
  const there = await copy;
  t.not(there.NDArray, here.NDArray);
  t.false(new there.RandomState(0).randn(2) instanceof here.NDArray);
});

test('arrays and generators of one copy are those of the other', async (t) => {
  const there = await copy;
  const array = there.NDArray.from(
    [
      [1, 2],
      [3, 4],
    ],
    { dtype: 'float32' },
  );
  t.is(here.NDArray.from(array).dtype, 'float32');
  t.deepEqual(here.NDArray.from(array).toArray(), [
    [1, 2],
    [3, 4],
  ]);
  t.deepEqual(x.take(there.NDArray.from([1], { dtype: 'int32' })).data, x.take([1]).data);
  t.deepEqual(new here.StandardScaler().fitTransform(array).toArray(), [
    [-1, -1],
    [1, 1],
  ]);
  t.is(heatmap(array).text({ color: false }), heatmap(here.NDArray.from(array)).text({ color: false }));

  const split = (randomState: here.RandomState | number) =>
    here.trainTestSplit([rows(), labels], { randomState }).map((part) => (part as here.NDArray).toArray());
  t.deepEqual(split(new there.RandomState(5) as never), split(5));
  const fitted = async (randomState: unknown) => {
    const estimator = new here.MLPClassifier({
      hiddenLayerSizes: [3],
      maxIter: 3,
      tol: 1e9,
      solver: 'lbfgs',
      randomState: randomState as number,
    });
    const scores = await here.crossValScore(estimator, rows(), labels, { cv: 2 });
    return [scores, (await estimator.fit(rows(), labels)).coefs.map((c) => c.toArray())];
  };
  t.deepEqual(await fitted(new there.RandomState(5)), await fitted(new here.RandomState(5)));
});

type Package = Pick<
  typeof here,
  | 'layers'
  | 'losses'
  | 'metrics'
  | 'optimizers'
  | 'schedules'
  | 'callbacks'
  | 'regularizers'
  | 'constraints'
  | 'initializers'
  | 'activations'
  | 'NDArray'
>;

/** A network of `here`, of parts of `parts`; `called`: with factories that were called, or as they are. */
async function trained(parts: Package, called: boolean) {
  const { layers, losses, metrics, optimizers, schedules, regularizers, constraints, initializers, activations } =
    parts;
  const of = <T>(factory: () => T) => (called ? factory() : factory) as T;
  const model = here.sequential({
    layers: [
      layers.inputLayer({ shape: [6, 6, 1] }),
      layers.conv2d({
        filters: 2,
        kernelSize: 3,
        activation: of(activations.relu),
        kernelInitializer: of(initializers.heNormal),
      }),
      layers.maxPooling2d(),
      layers.flatten(),
      layers.dense({
        units: 1,
        activation: of(activations.sigmoid),
        kernelRegularizer: of(regularizers.l2),
        kernelConstraint: of(constraints.maxNorm),
      }),
    ],
    seed: 2,
  });
  model.compile({
    optimizer: called
      ? optimizers.adam({
          learningRate: schedules.stepDecay({ initialLearningRate: 0.1, decaySteps: 2, decayRate: 0.5 }),
        })
      : (optimizers.adam as () => here.Optimizer),
    loss: of(losses.binaryCrossentropy as () => here.Loss),
    metrics: [of(metrics.accuracy as never) as here.MetricInput],
  });
  const { history } = await model.fit(parts.NDArray.from(x), parts.NDArray.from(labels), {
    epochs: 3,
    callbacks: [parts.callbacks.earlyStopping({ monitor: 'loss', patience: 9 })],
  });
  return { history, summary: model.summary(), weights: model.getWeights().map((w) => w.toArray()), model };
}

for (const called of [true, false])
  test(`a network takes layers, losses, metrics, optimizers and callbacks of another copy (factories ${called ? 'called' : 'uncalled'})`, async (t) => {
    const [own, other] = [await trained(here, called), await trained(await copy, called)];
    t.deepEqual(other.history, own.history);
    t.deepEqual(other.weights, own.weights);
    t.is(other.summary, own.summary);
    t.is(weights(other.model).description, weights(own.model).description);
  });

test('models of another copy are searched and scored', async (t) => {
  const there = await copy;
  const search = ({ MLPClassifier }: Pick<typeof here, 'MLPClassifier'>) =>
    here.gridSearch({
      grid: { alpha: there.logspace(-2, 0, 2) },
      build: ({ alpha }: { alpha: number }) =>
        new MLPClassifier({ alpha, hiddenLayerSizes: [3], maxIter: 3, tol: 1e9, solver: 'lbfgs', randomState: 1 }),
      train: [there.NDArray.from(rows()), labels],
      cv: 2,
    });
  const [own, other] = [await search(here), await search(there)];
  t.deepEqual(other.table('testScore').toArray(), own.table('testScore').toArray());
  t.deepEqual(
    await here.crossValScore(
      new there.MLPClassifier({ hiddenLayerSizes: [2], maxIter: 2, tol: 1e9, solver: 'lbfgs', randomState: 1 }),
      rows(),
      labels,
      { cv: 2 },
    ),
    await here.crossValScore(
      new here.MLPClassifier({ hiddenLayerSizes: [2], maxIter: 2, tol: 1e9, solver: 'lbfgs', randomState: 1 }),
      rows(),
      labels,
      { cv: 2 },
    ),
  );
});
