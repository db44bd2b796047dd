// What pipelines, predictors and ONNX make of the outputs of networks of classes: of logits, of labels that go together, of steps.
import test from 'ava';
import {
  input,
  layers,
  loadPredictor,
  losses,
  model,
  NDArray,
  Pipeline,
  Predictor,
  RandomState,
  StandardScaler,
  sequential,
} from 'fjordnet';
import * as plots from 'fjordnet/plots';
import * as ort from 'onnxruntime-web';

ort.env.wasm.numThreads = 1;

const random = new RandomState(5);
const x = random.normal(0, 1, [60, 2]) as NDArray;
const words = Array.from({ length: 60 }, (_, i) => (x.data[2 * i] + 0.3 > 0 ? 'b' : 'a'));
const difference = (a: NDArray, b: NDArray) =>
  Math.max(...Array.from(a.data, (value, i) => Math.abs(value - b.data[i])));

async function byOnnxRuntime(bytes: Uint8Array, name: string): Promise<ArrayLike<number>> {
  const session = await ort.InferenceSession.create(bytes);
  const made = await session.run({
    [session.inputNames[0]]: new ort.Tensor('float32', Float32Array.from(x.data), [60, 2]),
  });
  const { data } = made[name];
  await session.release();
  return Array.from(data as Iterable<number | bigint>, Number);
}

for (const [units, loss, twin, activation] of [
  [1, losses.binaryCrossentropy({ fromLogits: true }), 'binaryCrossentropy', 'sigmoid'],
  [2, losses.categoricalCrossentropy({ fromLogits: true }), 'categoricalCrossentropy', 'softmax'],
  [2, losses.sparseCategoricalCrossentropy({ fromLogits: true }), 'sparseCategoricalCrossentropy', 'softmax'],
] as const)
  test(`logits of ${twin} are probabilities and labels as those of ${activation}`, async (t) => {
    const of = (last: object, ofLoss: unknown) => {
      const net = sequential({
        layers: [layers.dense({ units: 4, activation: 'tanh', inputShape: [2] }), layers.dense({ units, ...last })],
        seed: 1,
      });
      net.compile({ optimizer: 'adam', loss: ofLoss as never, metrics: ['accuracy'] });
      return net;
    };
    const [net, other] = [of({}, loss), of({ activation }, twin)];
    const made = [net, other].map(
      (network) =>
        new Pipeline([
          ['scale', new StandardScaler()],
          ['model', network],
        ]),
    );
    for (const pipeline of made) await pipeline.fit(x, words, { epochs: 3 });
    other.setWeights(net.getWeights());
    const [own, wanted] = [await made[0].predictProba(x), await made[1].predictProba(x)] as NDArray[];
    t.true(difference(own, wanted) < 1e-6);
    t.deepEqual(await made[0].predict(x), await made[1].predict(x));
    t.true([...own.data].every((p) => p >= 0 && p <= 1));
    const bytes = await made[0].exportBytes({ format: 'onnx' });
    const p = await byOnnxRuntime(bytes, 'probabilities');
    t.true(Math.max(...Array.from(own.data, (value, i) => Math.abs(value - p[i]))) < 1e-5);
  });

test('outputs that are a label each are rows of 0 and 1, here and in ONNX', async (t) => {
  const net = sequential({ layers: [layers.dense({ units: 3, activation: 'sigmoid', inputShape: [2] })], seed: 1 });
  net.compile({ optimizer: 'adam', loss: 'binaryCrossentropy' });
  const predictor = await loadPredictor(net.toBytes());
  const answers = (await predictor.predict(x)) as NDArray;
  const p = net.predictSync(x);
  t.deepEqual(answers.shape, [60, 3]);
  t.deepEqual(
    [...answers.data],
    Array.from(p.data, (share) => Number(share > 0.5)),
  );
  t.deepEqual([...((await predictor.predictProba(x)) as NDArray).data], [...p.data]);
  t.deepEqual(await byOnnxRuntime(await predictor.exportBytes({ format: 'onnx' }), 'label'), [...answers.data]);
});

test('a label of a half is none, here and in ONNX', async (t) => {
  const net = sequential({
    layers: [layers.dense({ units: 3, activation: 'sigmoid', kernelInitializer: 'zeros', inputShape: [2] })],
  });
  net.compile({ optimizer: 'adam', loss: 'binaryCrossentropy' });
  const predictor = await loadPredictor(net.toBytes());
  t.deepEqual([...((await predictor.predict(x)) as NDArray).data], Array(180).fill(0));
  t.deepEqual(await byOnnxRuntime(await predictor.exportBytes({ format: 'onnx' }), 'label'), Array(180).fill(0));
});

test('of two classes as probable as each other the first is meant, as in evaluate, here and in ONNX', async (t) => {
  for (const last of [{ activation: 'sigmoid' }, {}] as const) {
    const net = sequential({
      layers: [layers.dense({ units: 1, kernelInitializer: 'zeros', inputShape: [2], ...last })],
    });
    const fromLogits = !('activation' in last);
    net.compile({ optimizer: 'adam', loss: losses.binaryCrossentropy({ fromLogits }), metrics: ['accuracy'] });
    t.is((await net.evaluate(x, Array(60).fill(0))).accuracy, 1);
    const predictor = new Predictor({ pipeline: new Pipeline([['model', net]]), classes: [3, 4] });
    t.deepEqual([...(await predictor.predictProba(x)).data], Array(120).fill(0.5));
    t.deepEqual([...((await predictor.predict(x)) as NDArray).data], Array(60).fill(3));
    t.deepEqual([...((await (await loadPredictor(net.toBytes())).predict(x)) as NDArray).data], Array(60).fill(0));
    t.deepEqual(await byOnnxRuntime(await predictor.exportBytes({ format: 'onnx' }), 'label'), Array(60).fill(3));
    const plot = await plots.decisionBoundary(net, [...x.toArray()] as number[][], words, { resolution: 5 });
    t.regex(plot.description, /a 100 %, b 0 %/);
  }
});

test('focal losses are losses of classes', async (t) => {
  const net = sequential({ layers: [layers.dense({ units: 1, activation: 'sigmoid', inputShape: [2] })], seed: 1 });
  net.compile({ optimizer: 'adam', loss: 'binaryFocalCrossentropy' });
  const pipeline = new Pipeline([['model', net]]);
  await pipeline.fit(x, words, { epochs: 2 });
  t.deepEqual(pipeline.classes, ['a', 'b']);
  t.true(((await pipeline.predict(x)) as string[]).every((word) => word === 'a' || word === 'b'));
});

test('what has no one answer a row is refused in a sentence', async (t) => {
  const steps = sequential({
    layers: [
      layers.lstm({ units: 2, returnSequences: true, inputShape: [4, 1] }),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
  });
  steps.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
  const predictor = await loadPredictor(steps.toBytes());
  const sequences = NDArray.zeros([5, 4, 1]);
  const message = 'Expected a network of classes to give a number for each, got an output of shape [4, 3]';
  await t.throwsAsync(async () => predictor.predict(sequences), { message });
  await t.throwsAsync(async () => predictor.predictProba(sequences), { message });
  const a = input({ shape: [2] });
  const outputs = [layers.dense({ units: 1 }).apply(a), layers.dense({ units: 2 }).apply(a)];
  const two = model({ inputs: a, outputs });
  two.compile({ optimizer: 'sgd', loss: 'mse' });
  await t.throwsAsync(loadPredictor(two.toBytes()), {
    message: /Expected a network of one input and one output, got 1 and 2/,
  });
  t.throws(() => new Predictor({ pipeline: new Pipeline([['network', two]]) }), {
    message: /Expected a network of one input and one output, got 1 and 2/,
  });
  const stateful = sequential({
    layers: [layers.bidirectional({ layer: layers.gru({ units: 2 }), inputShape: [4, 1] })],
  });
  stateful.add(layers.repeatVector({ n: 2 })).add(layers.gru({ units: 2, stateful: true }));
  const refused = { message: /Expected a network without stateful layers, as each row is answered by itself/ };
  await t.throwsAsync(loadPredictor(stateful.toBytes()), refused);
  t.throws(() => new Predictor({ pipeline: new Pipeline([['network', stateful]]) }), refused);
  stateful.compile({ optimizer: 'sgd', loss: 'mse' });
  await t.throwsAsync(new Pipeline([['network', stateful]]).fit(NDArray.zeros([5, 4]), NDArray.zeros([5, 2])), refused);
  const numbers = sequential({ layers: [layers.dense({ units: 1, inputShape: [3] })] });
  numbers.compile({ optimizer: 'sgd', loss: 'mse' });
  const wide = Array.from({ length: 300 }, (_, i) => ({ [`k${i}`]: 1 }));
  await t.throwsAsync(async () => (await loadPredictor(numbers.toBytes())).predict(wide), {
    message: 'Expected x to be a matrix of 3 columns, as the model was trained on, got shape [300, 300]',
  });
});
