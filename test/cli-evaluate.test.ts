// fjordnet evaluate, on whatever loadPredictor reads.
import { renameSync } from 'node:fs';
import test from 'ava';
import {
  accuracyScore,
  type Labels,
  layers,
  loadPredictor,
  logLoss,
  MLPClassifier,
  MLPRegressor,
  makePipeline,
  meanSquaredError,
  type NDArray,
  Perceptron,
  Pipeline,
  Predictor,
  RandomState,
  r2Score,
  StandardScaler,
  sequential,
  TableTransformer,
} from 'fjordnet';
import { csvOf, lastDocument, Workplace } from './helpers/cli.js';
import { difference } from './helpers/replay.js';
import { drawShapes, SHAPE_NAMES } from './helpers/shapes.js';

const work = new Workplace();
test.after.always(() => work.remove());

const draws = (new RandomState(3).normal(0, 2, [80, 3]) as NDArray).toArray() as number[][];
const x = draws.map(([a, b]) => [a, b]);
const kinds = draws.map(([a, b, noise]) => (a > b + noise ? 'wide' : 'tall'));
const sums = draws.map(([a, b, noise]) => 10 * a - b + noise);
const table = (y: readonly unknown[], name = 'y') => csvOf(x.map(([a, b], i) => ({ a, b, [name]: y[i] })));

async function evaluate(t: { is(a: unknown, b: unknown, message?: string): void }, ...args: string[]) {
  const { code, stdout, stderr } = await work.call('evaluate', ...args, '--json');
  t.is(code, 0, stderr);
  return lastDocument(stdout);
}

test.serial('classes of estimators, pipelines, predictors and networks: the scores of the library', async (t) => {
  const data = work.write('kinds.csv', table(kinds));
  const mlp = () => new MLPClassifier({ hiddenLayerSizes: [6], maxIter: 30, randomState: 1 });
  const net = sequential({ layers: [layers.dense({ units: 1, activation: 'sigmoid', inputShape: [2] })], seed: 2 });
  net.compile({ optimizer: 'adam', loss: 'binaryCrossentropy' });
  const rows = x.map(([a, b]) => ({ b, a, other: 'text' }));
  const named = new Pipeline([
    ['prepare', TableTransformer.infer(rows, { drop: ['other'] })],
    ['model', mlp()],
  ]).fitSync(rows, kinds);
  const models = {
    estimator: mlp().fitSync(x, kinds),
    pipeline: makePipeline(new StandardScaler(), mlp()).fitSync(x, kinds),
    named,
    predictor: new Predictor({ pipeline: named, target: 'y' }),
    network: await makePipeline(new StandardScaler(), net).fit(x, kinds, { epochs: 4 }),
  };
  for (const [name, model] of Object.entries(models)) {
    const file = work.path(`${name}.safetensors`);
    await model.save(file);
    const predictor = await loadPredictor(file);
    const asked = name === 'named' || name === 'predictor' ? rows : x;
    const told = await evaluate(t, file, data);
    t.deepEqual(told.classes, ['tall', 'wide']);
    t.is(told.samples, 80);
    t.is(told.accuracy, accuracyScore(kinds, (await predictor.predict(asked)) as Labels), name);
    t.true(Math.abs(told.loss - logLoss(kinds, await predictor.predictProba(asked))) < 1e-12);
    t.is(
      told.confusionMatrix.flat().reduce((sum: number, n: number) => sum + n),
      80,
    );
    t.regex((await work.call('evaluate', file, data)).stdout, /Accuracy .*, loss [\d.]+\n\n.*precision/s);
  }
  // columns lie in another order, of records; only some of the rows are of a class
  const other = x.map(([a, b], i) => ({ y: kinds[i], b, a })).filter(({ y }) => y === 'wide');
  const file = work.write('other.json', JSON.stringify(other));
  const told = await evaluate(t, work.path('predictor.safetensors'), file);
  const wanted = accuracyScore(
    other.map(({ y }) => y),
    (await models.predictor.predict(other)) as Labels,
  );
  t.deepEqual([told.samples, told.accuracy], [other.length, wanted]);
  t.deepEqual(told.confusionMatrix[0], [0, 0]);
  const refused = async (message: RegExp, code: number, ...args: string[]) => {
    const made = await work.call('evaluate', ...args);
    t.is(made.code, code, made.stderr);
    t.regex(made.stderr, message);
  };
  const estimator = work.path('estimator.safetensors');
  await refused(/Expected DATA, since '.*' was saved by code/, 2, estimator);
  const strange = work.write('strange.csv', table(kinds.map((kind, i) => (i === 3 ? 'square' : kind))));
  await refused(/to be among tall, wide, got 'square' in sample 3/, 3, estimator, strange);
  await refused(/column 'y'|'y'/, 2, work.path('predictor.safetensors'), work.write('none.csv', table(kinds, 'z')));
  const wide = work.write('wide.csv', csvOf(draws.map(([a, b, c], i) => ({ a, b, c, y: kinds[i] }))));
  await refused(/Cannot use 'wide.csv': Expected x to be a matrix of 2 columns/, 3, estimator, wide);
  await new StandardScaler().fit(x).save(work.path('scaler.safetensors'));
  await refused(/a model that predicts, got StandardScaler/, 3, work.path('scaler.safetensors'), strange);
});

test.serial(
  'classes without probabilities have no loss; batches of the lecture are no larger than the data',
  async (t) => {
    const data = work.write('kinds-too.csv', table(kinds));
    const perceptron = makePipeline(new StandardScaler(), new Perceptron({ randomState: 1 })).fitSync(x, kinds);
    const file = work.path('perceptron.safetensors');
    await perceptron.save(file);
    const { accuracy, loss, confusionMatrix } = await evaluate(t, file, data);
    t.is(accuracy, perceptron.score(x, kinds));
    t.is(loss, undefined);
    t.is(
      (confusionMatrix as number[][]).flat().reduce((a, b) => a + b),
      80,
    );
    const { stdout } = await work.call('evaluate', file, data);
    t.regex(stdout, /^Accuracy [\d.]+ %$/m);
    const { code, stderr } = await work.call('train', data, '--model', 'lecture');
    t.not(code, 0);
    t.regex(stderr, /Expected --batch-size to be at most the number of samples that are trained on, \d+, .* got 100$/m);
  },
);

test.serial('networks of plain arrays, of classes by number and of numbers', async (t) => {
  const codes = kinds.map((kind) => (kind === 'wide' ? 1 : 0));
  const net = (units: number, activation: 'softmax' | 'linear') =>
    sequential({ layers: [layers.dense({ units, activation, inputShape: [2] })], seed: 2 });
  const classifier = net(2, 'softmax');
  classifier.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  await classifier.fit(x, codes, { epochs: 3 });
  await classifier.save(work.path('codes.safetensors'));
  const told = await evaluate(t, work.path('codes.safetensors'), work.write('codes.csv', table(codes)));
  const { loss, accuracy } = await classifier.evaluate(x, codes);
  t.true(Math.abs(told.loss - loss) < 1e-6);
  t.true(Math.abs(told.accuracy - accuracy) < 1e-6);
  t.deepEqual(told.classes, [0, 1]);

  const data = work.write('sums.csv', table(sums));
  const regression = net(1, 'linear');
  regression.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  const targetScaler = new StandardScaler().fit(sums.map((sum) => [sum]));
  const scaled = targetScaler.transform(sums.map((sum) => [sum])) as NDArray;
  const mlp = new MLPRegressor({ hiddenLayerSizes: [5], solver: 'lbfgs', maxIter: 20, randomState: 1 });
  const pipeline = makePipeline(new StandardScaler(), mlp).fitSync(x, scaled.reshape(-1));
  for (const [name, model] of Object.entries({
    regression,
    mlp: new MLPRegressor({ solver: 'lbfgs', maxIter: 5, randomState: 1 }).fitSync(x, sums),
    units: new Predictor({ pipeline, targetScaler }),
  })) {
    const file = work.path(`${name}.safetensors`);
    await model.save(file);
    const made = (await (await loadPredictor(file)).predict(x)) as NDArray;
    const { r2, rootMeanSquaredError, loss: square } = await evaluate(t, file, data, '--label', 'y');
    t.true(difference([r2], [r2Score(sums, made) as number]) < 1e-12);
    t.true(difference([square], [meanSquaredError(sums, made) as number]) < 1e-12);
    t.true(Math.abs(rootMeanSquaredError ** 2 - square) < 1e-9);
    t.regex((await work.call('evaluate', file, data)).stdout, /R² /);
  }
  await net(3, 'softmax').save(work.path('outputs.safetensors'));
  const { code, stderr } = await work.call('evaluate', work.path('outputs.safetensors'), data);
  t.is(code, 3);
  t.regex(stderr, /Expected a model that answers 'sums.csv' with a label or a number a row, got 3 numbers/);
});

test.serial('a folder with pictures of some of the classes, of one too', async (t) => {
  await drawShapes(work.path('train'), 12, 1);
  await drawShapes(work.path('test'), { [SHAPE_NAMES[1]]: 7 }, 2);
  const file = work.path('shapes.safetensors');
  const args = ['--size', '12', '--model', 'mlp', '--epochs', '2', '--test-data', work.path('test'), '--save', file];
  const trained = await work.call('train', work.path('train'), ...args, '--json');
  t.is(trained.code, 0, trained.stderr);
  const { accuracy } = lastDocument(trained.stdout).test;
  for (const from of [[], [work.path('test')]]) {
    const told = await evaluate(t, file, ...from);
    t.deepEqual([told.samples, told.accuracy, told.classes], [7, accuracy, SHAPE_NAMES]);
  }
  await drawShapes(work.path('both/train'), 6, 3);
  await drawShapes(work.path('both/test'), { [SHAPE_NAMES[2]]: 4 }, 4);
  const both = await work.call('train', work.path('both'), '--size', '8', '--model', 'mlp', '--epochs', '1');
  t.is(both.code, 0, both.stderr);
  t.regex(both.stderr, /4 to test/);

  // a network that code made, with its classes
  const net = sequential({
    layers: [layers.flatten({ inputShape: [12, 12, 3] }), layers.dense({ units: 3, activation: 'softmax' })],
    seed: 1,
  });
  net.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
  const own = new Predictor({ pipeline: new Pipeline([['model', net]]), classes: SHAPE_NAMES });
  await own.save(work.path('own.safetensors'));
  t.is((await evaluate(t, work.path('own.safetensors'), work.path('test'))).samples, 7);
  await drawShapes(work.path('test'), { [SHAPE_NAMES[0]]: 3 }, 5);
  t.is((await evaluate(t, work.path('own.safetensors'), work.path('test'))).samples, 10);
  renameSync(work.path(`test/${SHAPE_NAMES[0]}`), work.path('test/green star'));
  const { code, stderr } = await work.call('evaluate', file, work.path('test'));
  t.is(code, 3);
  t.regex(stderr, /its folder 'green star' is none of the classes/);
});
