// Training goes on from files of TensorFlow.js, and there from ours: against the real one.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  custom,
  importModel,
  input,
  layers as L,
  type Layer,
  type Loss,
  losses,
  type Model,
  metrics,
  model,
  NDArray,
  ops,
  optimizers,
  RandomState,
  schedules,
  sequential,
} from 'fjordnet';
import { filled, MODELS, samplesFor } from './helpers/networks.js';
import { loadTfjs, saveTfjs, tf, type tfl } from './helpers/tfjs.js';

const home = mkdtempSync(join(tmpdir(), 'fjordnet-tfjs-training-'));
test.after.always(() => rmSync(home, { recursive: true }));
let folders = 0;
const place = () => {
  const folder = join(home, String(folders++));
  mkdirSync(folder);
  return join(folder, 'model.json');
};
const seq = (...layers: Layer<any>[]) => sequential({ layers: layers as never, seed: 1 });
const tensor = ({ data, shape, dtype }: NDArray) =>
  tf.tensor(Array.from(data), [...shape], dtype === 'int32' ? 'int32' : 'float32');
const STEPS = 6;

/** The largest difference by the largest number, of each weight. Theirs has what is not trained last. */
function compare(t: ExecutionContext, what: string, own: Model<any, any>, theirs: tfl.LayersModel) {
  const there = theirs.getWeights().map((weight) => weight.dataSync());
  const names = own.weightNames;
  const isLast = (i: number) => Number(/^frozen|\/moving/.test(names[i]));
  const order = names.map((_, i) => i).sort((a, b) => isLast(a) - isLast(b));
  const weights = own.getWeights();
  for (const [i, at] of order.entries()) {
    const weight = weights[at];
    const values = there[i];
    const scale = Math.max(...weight.data.map(Math.abs));
    const off = Math.max(...Array.from(weight.data, (value, k) => Math.abs(value - values[k])));
    t.true(values.length === weight.size && off <= 1e-5 * scale, `${what}, ${names[at]}: ${off / scale}`);
  }
}

interface Case {
  readonly make?: () => Model<any, any>;
  readonly there: () => tf.Optimizer;
  readonly here: Parameters<Model['compile']>[0]['optimizer'];
  readonly loss?: string;
  readonly theirLoss?: string;
}
const { sgd, adam, adamax, rmsprop, adagrad } = optimizers;
const dense = () =>
  seq(
    L.dense({ units: 6, activation: 'tanh', inputShape: [4], kernelRegularizer: 'l2' }),
    L.batchNormalization(),
    L.dense({ units: 3, activation: 'softmax' }),
  );
const CASES: Record<string, Case> = {
  sgd: { there: () => tf.train.sgd(0.1), here: sgd({ learningRate: 0.1 }) },
  momentum: { there: () => tf.train.momentum(0.05, 0.9), here: sgd({ learningRate: 0.05, momentum: 0.9 }) },
  nesterov: {
    there: () => tf.train.momentum(0.05, 0.8, true),
    here: sgd({ learningRate: 0.05, momentum: 0.8, nesterov: true }),
  },
  adam: { there: () => tf.train.adam(0.01), here: adam({ learningRate: 0.01, epsilonHat: false }) },
  'adam of a large epsilon': {
    there: () => tf.train.adam(0.01, 0.8, 0.99, 1e-2),
    here: adam({ learningRate: 0.01, beta1: 0.8, beta2: 0.99, epsilon: 1e-2, epsilonHat: false }),
  },
  rmsprop: { there: () => tf.train.rmsprop(0.01, 0.8), here: rmsprop({ learningRate: 0.01, rho: 0.8 }) },
  'rmsprop with momentum': {
    there: () => tf.train.rmsprop(0.01, 0.9, 0.7, 1e-4),
    here: rmsprop({ learningRate: 0.01, momentum: 0.7, epsilon: 1e-4 }),
  },
  adagrad: { there: () => tf.train.adagrad(0.1), here: adagrad({ learningRate: 0.1 }) },
  'adagrad from 1': {
    there: () => tf.train.adagrad(0.1, 1),
    here: adagrad({ learningRate: 0.1, initialAccumulatorValue: 1 }),
  },
  images: {
    make: () =>
      seq(
        L.conv2d({ filters: 4, kernelSize: 3, activation: 'relu', inputShape: [7, 7, 2] }),
        L.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2 }),
        L.maxPooling2d({ poolSize: 2 }),
        L.flatten(),
        L.dense({ units: 3, activation: 'sigmoid' }),
      ),
    there: () => tf.train.adam(0.005),
    here: adam({ learningRate: 0.005, epsilonHat: false }),
    loss: 'binaryCrossentropy',
  },
  sequences: {
    make: () =>
      seq(
        L.bidirectional({ layer: L.lstm({ units: 4, returnSequences: true }), inputShape: [5, 3] }),
        L.gru({ units: 4, resetAfter: false }),
        L.dense({ units: 3 }),
      ),
    there: () => tf.train.momentum(0.05, 0.9),
    here: sgd({ learningRate: 0.05, momentum: 0.9 }),
    loss: 'meanSquaredError',
  },
};
for (const loss of [
  'meanAbsoluteError',
  'poisson',
  'cosineSimilarity',
  'klDivergence',
  'logCosh',
  'categoricalHinge',
  'categoricalCrossentropy',
])
  CASES[`loss ${loss}`] = {
    there: () => tf.train.adam(0.01),
    here: adam({ learningRate: 0.01, epsilonHat: false }),
    loss,
    theirLoss: { cosineSimilarity: 'cosineProximity', klDivergence: 'kullbackLeiblerDivergence', logCosh: 'logcosh' }[
      loss
    ],
  };

for (const [name, c] of Object.entries(CASES)) {
  const { make = dense, there, here, loss = 'categoricalCrossentropy', theirLoss = loss } = c;
  test(`${name}: what TensorFlow.js saved goes on here`, async (t) => {
    const start = make();
    filled(start);
    const path = place();
    await start.export(path);
    const theirs = await loadTfjs(path);
    theirs.compile({
      optimizer: there(),
      loss: theirLoss,
      metrics: loss.startsWith('c') ? ['accuracy', 'mse'] : ['mse'],
    });
    const [x, y] = samples(start);
    for (let k = 0; k < STEPS; k++) await theirs.trainOnBatch(tensor(x), tensor(y));
    const saved = place();
    await saveTfjs(theirs, saved, { includeOptimizer: true });
    const own = await importModel(saved);
    t.is(own.iterations, STEPS);
    t.is((own.loss as Loss).config.name, loss);
    for (let k = 0; k < STEPS; k++) {
      await theirs.trainOnBatch(tensor(x), tensor(y));
      own.trainOnBatch(x as never, y as never);
    }
    compare(t, 'on', own, theirs);
  });
  test(`${name}: what we export goes on there`, async (t) => {
    const own = make();
    filled(own);
    own.compile({ optimizer: here, loss, metrics: ['mse'] });
    const [x, y] = samples(own);
    for (let k = 0; k < STEPS; k++) own.trainOnBatch(x as never, y as never);
    const path = place();
    await own.export(path);
    const theirs = await loadTfjs(path);
    const back = await importModel(path);
    for (let k = 0; k < STEPS; k++) {
      await theirs.trainOnBatch(tensor(x), tensor(y));
      own.trainOnBatch(x as never, y as never);
      back.trainOnBatch(x as never, y as never);
    }
    compare(t, 'there', own, theirs);
    compare(t, 'back', back, theirs);
  });
}

/** One batch that suits every loss: rows of positive numbers with the sum 1. */
function samples(own: Model<any, any>): [NDArray, NDArray] {
  const [x] = samplesFor(own, 8);
  const raw = new RandomState(3).uniform(0.1, 1, [8, 3]) as NDArray;
  const rows = raw.toArray() as number[][];
  return [x, NDArray.from(rows.map((row) => row.map((value) => value / row.reduce((a, b) => a + b))))];
}

/** The first three columns. */
const firsts = (x: NDArray) => NDArray.from((x.toArray() as number[][]).map((row) => row.slice(0, 3)));
const jsonOf = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
interface Spec {
  readonly name: string;
  readonly group?: string;
}
const specsOf = (path: string): Spec[] => jsonOf(path).weightsManifest[0].weights;

/** What is told while something is done. */
async function warnings<T>(run: () => Promise<T>): Promise<[T, string]> {
  const told: string[] = [];
  const hear = (warning: Error) => told.push(warning.message);
  process.on('warning', hear);
  const result = await run();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', hear);
  return [result, told.join('\n')];
}

test.serial(
  'trained weights stand in the order in which TensorFlow.js trains them, whose memory is by places',
  async (t) => {
    let tried = 0;
    for (const [name, make] of Object.entries(MODELS)) {
      const own = make();
      const path = place();
      try {
        await own.export(path);
      } catch {
        continue;
      }
      const theirs = await loadTfjs(path);
      const trained = theirs.trainableWeights.map(({ originalName }) => originalName);
      t.deepEqual(
        specsOf(path)
          .slice(0, trained.length)
          .map((spec) => spec.name),
        trained,
        name,
      );
      tried++;
    }
    t.true(tried > 15, `${tried}`);
  },
);

test.serial('frozen layers, two outputs, their losses and metrics', async (t) => {
  const make = () => {
    const x = input({ shape: [4] });
    const h = L.dense({ units: 4, activation: 'tanh', name: 'a' }).apply(x);
    const frozen = L.dense({ units: 4, activation: 'tanh', name: 'frozen', trainable: false }).apply(h);
    const y = L.dense({ units: 3, activation: 'softmax', name: 'y' }).apply(frozen);
    const z = L.dense({ units: 3, name: 'z' }).apply(h);
    return model({ inputs: x, outputs: [y, z], seed: 1 });
  };
  const own = make();
  filled(own);
  own.compile({
    optimizer: adam({ epsilonHat: false }),
    loss: ['categoricalCrossentropy', 'meanSquaredError'],
    metrics: [['accuracy'], ['mae', metrics.rSquared()]],
  });
  const [x, y] = samples(own);
  for (let k = 0; k < STEPS; k++) own.trainOnBatch(x as never, [y, firsts(x)] as never);
  const path = place();
  await own.export(path);
  t.deepEqual(jsonOf(path).trainingConfig.loss, ['categorical_crossentropy', 'mean_squared_error']);
  t.deepEqual(jsonOf(path).trainingConfig.metrics, { y: 'accuracy', z: 'mae' });
  const theirs = await loadTfjs(path);
  const again = place();
  await saveTfjs(theirs, again, { includeOptimizer: true });
  const targets = [y, firsts(x)];
  const files = [await importModel(path), await importModel(again)];
  for (let k = 0; k < STEPS; k++) {
    await theirs.trainOnBatch(tensor(x), targets.map(tensor));
    for (const each of [own, ...files]) each.trainOnBatch(x as never, targets as never);
  }
  for (const each of [own, ...files]) compare(t, 'two', each, theirs);
  t.deepEqual(files[0].getWeights()[2], own.getWeights()[2]);
});

test.serial('float64, and files before the first step', async (t) => {
  const own = dense();
  own.compile({ optimizer: rmsprop(), loss: 'meanSquaredError' });
  const path = place();
  await own.export(path);
  t.deepEqual(
    specsOf(path).filter(({ group }) => group),
    [],
  );
  t.is(jsonOf(path).trainingConfig.optimizer_config.class_name, 'RMSProp');
  t.deepEqual((await importModel(path)).getWeights(), own.getWeights());
  const wide = await importModel(path, { dtype: 'float64' });
  t.deepEqual([wide.dtype, wide.iterations, wide.optimizer.config.name], ['float64', 0, 'rmsprop']);
  const [x, y] = samples(wide);
  wide.trainOnBatch(x as never, y as never);
  const theirs = await loadTfjs(path);
  const saved = place();
  await saveTfjs(theirs, saved, { includeOptimizer: true });
  const back = await importModel(saved);
  await theirs.trainOnBatch(tensor(x), tensor(y));
  back.trainOnBatch(x as never, y as never);
  compare(t, 'from the start', back, theirs);
});

test.serial(
  'Adamax goes without its memory, which TensorFlow.js cannot save; metrics that it lacks stay',
  async (t) => {
    const own = dense();
    own.compile({ optimizer: adamax(), loss: 'meanSquaredError', metrics: ['mae', 'rSquared', 'accuracy'] });
    const [x, y] = samples(own);
    own.trainOnBatch(x as never, y as never);
    const path = place();
    await own.export(path);
    const { trainingConfig } = jsonOf(path);
    t.deepEqual(trainingConfig.metrics, ['mae', 'accuracy']);
    const [back, theirs] = [await importModel(path), await loadTfjs(path)];
    await t.throwsAsync(saveTfjs(theirs, place(), { includeOptimizer: true }), { message: /Adamax/ });
    await theirs.trainOnBatch(tensor(x), tensor(y));
    back.trainOnBatch(x as never, y as never);
    compare(t, 'adamax', back, theirs);
  },
);

test.serial('where TensorFlow.js could not go on, its files say nothing of training', async (t) => {
  const y = 'meanSquaredError';
  const cases: Parameters<Model['compile']>[0][] = [
    { optimizer: 'nadam', loss: y },
    { optimizer: 'lion', loss: y },
    { optimizer: 'adamW', loss: y },
    { optimizer: 'adadelta', loss: y },
    { optimizer: adagrad({ epsilon: 1e-3 }), loss: y },
    { optimizer: rmsprop({ centered: true }), loss: y },
    { optimizer: adam({ amsgrad: true }), loss: y },
    { optimizer: sgd({ clipNorm: 1 }), loss: y },
    { optimizer: sgd({ weightDecay: 0.1 }), loss: y },
    { optimizer: sgd({ useEma: true }), loss: y },
    { optimizer: sgd({ gradientAccumulationSteps: 2 }), loss: y },
    { optimizer: sgd({ momentum: 0.9, learningRate: 0 }), loss: y },
    { optimizer: sgd({ learningRate: schedules.cosineDecay({ initialLearningRate: 1, decaySteps: 9 }) }), loss: y },
    { optimizer: 'sgd', loss: losses.huber() },
    { optimizer: 'sgd', loss: losses.categoricalCrossentropy({ labelSmoothing: 0.1 }) },
    { optimizer: 'sgd', loss: y, lossWeights: [2] },
    { optimizer: { record: sgd().record, learningRate: 1 } as never, loss: y },
    { optimizer: 'sgd', loss: custom.loss('halved', (a, b) => ops.mul(0.5, ops.mean(ops.abs(ops.sub(a, b))))) },
  ];
  for (const options of cases) {
    const own = dense();
    own.compile(options as never);
    const path = place();
    await own.export(path);
    const [back, told] = await warnings(() => importModel(path));
    t.deepEqual([jsonOf(path).trainingConfig, back.loss, told], [undefined, undefined, ''], JSON.stringify(options));
  }
  const hard = seq(L.dense({ units: 2, activation: 'hardSigmoid', inputShape: [2] }));
  hard.compile({ optimizer: 'sgd', loss: y });
  const later = dense();
  later.compile({ optimizer: 'sgd', loss: y });
  later.layers[0].trainable = false;
  const inner = seq(L.dense({ units: 2, inputShape: [4] }));
  inner.trainable = false;
  inner.layers[0].trainable = true; // which is all that TensorFlow.js asks
  const held = seq(inner, L.dense({ units: 1 }));
  held.compile({ optimizer: 'sgd', loss: y });
  for (const own of [hard, later, held]) {
    const path = place();
    await own.export(path);
    t.is(jsonOf(path).trainingConfig, undefined);
  }
});

test.serial('Adadelta of TensorFlow.js divides by the mean before the gradient, and is another rule', async (t) => {
  const path = place();
  const own = dense();
  filled(own);
  await own.export(path);
  const theirs = await loadTfjs(path);
  theirs.compile({ optimizer: tf.train.adadelta(0.1), loss: 'meanSquaredError' });
  own.compile({ optimizer: optimizers.adadelta({ learningRate: 0.1 }), loss: 'meanSquaredError' });
  const [x, y] = samples(own);
  await theirs.trainOnBatch(tensor(x), tensor(y));
  own.trainOnBatch(x as never, y as never);
  const [a, b] = [own.getWeights()[0].data, theirs.getWeights()[0].dataSync()];
  t.true(Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]))) > 1e-4);
  const saved = place();
  await saveTfjs(theirs, saved, { includeOptimizer: true });
  const [back, told] = await warnings(() => importModel(saved));
  t.regex(told, /left out.*the optimizer to be one that computes here what it does there, got 'Adadelta'/);
  t.is(back.loss, undefined);
});

test.serial('a memory of other weights, and losses and metrics that there are not here, are told', async (t) => {
  const own = dense();
  own.compile({ optimizer: adam({ epsilonHat: false }), loss: 'meanSquaredError' });
  const [x, y] = samples(own);
  own.trainOnBatch(x as never, y as never);
  const path = place();
  await own.export(path);
  const changed = async (change: (json: any) => void) => {
    const json = jsonOf(path);
    change(json);
    const other = path.replace('model.json', 'other.json');
    writeFileSync(other, JSON.stringify(json));
    return warnings(() => importModel(other));
  };
  const names = (json: any): Spec[] => json.weightsManifest[0].weights;
  const cases: [(json: any) => void, RegExp][] = [
    [(json) => Object.assign(names(json)[8], { name: 'none' }), /number of steps, 'iter', got 'none'/],
    [
      (json) => Object.assign(names(json)[9], { name: 'dense_1/kernel/m' }),
      /'dense\/kernel\/m' of 24 numbers, got 'dense_1/,
    ],
    [
      (json) => (json.trainingConfig.optimizer_config.class_name = 'Lion'),
      /the optimizer to be one that computes here/,
    ],
    [
      (json) => (json.trainingConfig.optimizer_config.config.learningRate = 'fast'),
      /the learningRate of the optimizer/,
    ],
    [(json) => (json.trainingConfig.optimizer_config.config.beta1 = 2), /beta1/],
    [(json) => (json.trainingConfig.optimizer_config = null), /class_name and config/],
    [(json) => (json.trainingConfig.loss = 'tversky'), /tversky/],
    [(json) => (json.trainingConfig.optimizer_config.class_name = 'SGD'), /arrays/],
  ];
  t.is(names(jsonOf(path))[9].name, 'dense/kernel/m');
  for (const [change, message] of cases) {
    const [back, told] = await changed(change);
    t.regex(told, message);
    t.is(back.loss, undefined);
    t.deepEqual(back.getWeights(), own.getWeights());
  }
  const [back, told] = await changed((json) => (json.trainingConfig.metrics = ['mse', 'cosine']));
  t.regex(told, /A metric of .* is left out.*'cosine'/);
  back.trainOnBatch(x as never, y as never);
  own.trainOnBatch(x as never, y as never);
  t.deepEqual(back.getWeights(), own.getWeights());
});
