// fjordnet convert and fjordnet info, for files of other programs.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { importModel, input, layers, Model, model, NDArray, optimizers, RandomState, sequential } from 'fjordnet';
import { lastDocument, Workplace } from './helpers/cli.js';
import { filled } from './helpers/networks.js';

const place = new Workplace();
test.after.always(() => place.remove());

function make() {
  const network = sequential({
    layers: [
      layers.conv2d({ filters: 3, kernelSize: 3, activation: 'relu', inputShape: [6, 6, 1] }),
      layers.flatten(),
      layers.dense({ units: 2, activation: 'softmax' }),
    ],
    seed: 1,
  });
  filled(network);
  return network;
}
const x = new RandomState(1).normal(0, 1, [3, 6, 6, 1]) as NDArray;

test.serial('any format of any other, with what is lost', async (t) => {
  const own = make();
  own.metadata = { classes: ['a', 'b'] };
  own.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy' });
  own.trainOnBatch(x as never, [
    [1, 0],
    [0, 1],
    [1, 0],
  ]);
  await own.save(place.path('own.safetensors'));
  const wanted = own.predictSync(x as never) as NDArray;
  mkdirSync(place.path('web'));
  const chain = ['own.safetensors', 'a.keras', 'b.h5', 'web/model.json', 'c.safetensors'];
  for (const [i, to] of chain.slice(1).entries()) {
    const { code, stdout, stderr } = await place.call('convert', place.path(chain[i]), place.path(to));
    t.is(code, 0, stderr);
    t.regex(stdout, /3 layers, 128 parameters/);
    if (i === 0) t.regex(stdout, /Not in .*a.keras: the metadata/);
    if (to === 'b.h5') t.regex(stdout, /Not in .*b.h5: the optimizer's memory of 1 update\n/);
    if (to === 'web/model.json') t.regex(stdout, /Not in .*: the place of the optimizer's epsilon/);
    const back = await importModel(place.path(to));
    t.deepEqual(back.predictSync(x as never), wanted, to);
  }
  t.is((await Model.load(place.path('c.safetensors'))).countParams(), 128);
  const onnx = await place.call('convert', place.path('a.keras'), place.path('m.onnx'), '--opset', '18', '--json');
  t.is(onnx.code, 0, onnx.stderr);
  t.deepEqual(lastDocument(onnx.stdout).lost, ['what training goes on from: the adam optimizer after 1 updates']);
  const torch = ['--format', 'safetensors-torch', '--quiet'];
  const dict = await place.call('convert', place.path('a.keras'), place.path('t.safetensors'), ...torch);
  t.deepEqual([dict.code, dict.stdout], [0, '']);
  const info = await place.call('info', place.path('t.safetensors'));
  t.regex(info.stdout, /4 tensors of 128 numbers, format 'pt'\n {2}conv2d.weight: F32 \[3, 1, 3, 3\]/);
});

test.serial('what of training TensorFlow.js goes on from, and what not', async (t) => {
  const lost = async (options: object) => {
    const own = sequential({
      layers: [layers.dense({ units: 2, inputShape: [3] })],
      seed: 1,
    });
    own.compile({ loss: 'meanSquaredError', ...options } as never);
    own.trainOnBatch([[1, 2, 3]], [[0, 1]]);
    await own.save(place.path('trained.safetensors'));
    const made = await place.call('convert', place.path('trained.safetensors'), place.path('trained.json'), '--json');
    t.is(made.code, 0, made.stderr);
    const goesOn = (await importModel(place.path('trained.json'))).iterations === 1;
    return [goesOn, lastDocument(made.stdout).lost];
  };
  t.deepEqual(await lost({ optimizer: 'rmsprop', metrics: ['mae'] }), [true, []]);
  t.deepEqual(await lost({ optimizer: optimizers.adam({ epsilonHat: false }) }), [true, []]);
  t.deepEqual(await lost({ optimizer: 'sgd', metrics: ['rSquared'] }), [true, ['the metric rSquared']]);
  t.deepEqual(await lost({ optimizer: 'adamax' }), [false, ["the optimizer's memory of 1 update"]]);
  t.deepEqual(await lost({ optimizer: 'nadam' }), [
    false,
    ['what training goes on from: the nadam optimizer after 1 updates (TensorFlow.js has no nadam)'],
  ]);
});

test.serial('layers that change images in training are lost in TensorFlow.js, and told', async (t) => {
  await sequential({
    layers: [
      layers.randomFlip({ inputShape: [6, 6, 1], name: 'flip' }),
      layers.randomZoom({ heightFactor: 0.1 }),
      layers.flatten(),
      layers.dense({ units: 2 }),
    ],
  }).save(place.path('augmented.safetensors'));
  const lost = async (to: string) => {
    const made = await place.call('convert', place.path('augmented.safetensors'), place.path(to), '--json');
    t.is(made.code, 0, made.stderr);
    return lastDocument(made.stdout).lost;
  };
  t.deepEqual(await lost('augmented.json'), [
    "what changes images in training: the layer 'flip' (RandomFlip), the layer 'random_zoom' (RandomZoom)",
  ]);
  t.deepEqual(await lost('augmented.keras'), []);
});

test.serial(
  'penalties on what layers give, and weights that a constraint would change, in TensorFlow.js',
  async (t) => {
    const [penalized, constrained] = [{ activityRegularizer: 'l2' }, { kernelConstraint: 'unitNorm' }].map((options) =>
      sequential({ layers: [layers.dense({ units: 2, name: 'd', inputShape: [3], ...(options as object) })], seed: 1 }),
    );
    penalized.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    penalized.trainOnBatch([[1, 2, 3]], [[1, 2]]);
    await penalized.save(place.path('penalized.safetensors'));
    const made = await place.call('convert', place.path('penalized.safetensors'), place.path('p.json'), '--json');
    t.deepEqual(lastDocument(made.stdout).lost, [
      'what training goes on from: the sgd optimizer after 1 updates (TensorFlow.js has no penalties on what layers give (activityRegularizer))',
      "penalties on what layers give (activityRegularizer): the layer 'd' (Dense)",
    ]);
    const groups = { filters: 2, kernelSize: 2, groups: 2, name: 'g', inputShape: [3, 3, 2] } as const;
    const grouped = sequential({ layers: [layers.conv2d({ ...groups, kernelConstraint: 'nonNeg' })] });
    grouped.setWeights(grouped.getWeights().map(({ data, shape }) => NDArray.wrap(data.map(Math.abs), shape)));
    await grouped.save(place.path('grouped.safetensors'));
    const told = await place.call('convert', place.path('grouped.safetensors'), place.path('g.json'), '--json');
    t.deepEqual(lastDocument(told.stdout).lost, [
      "the constraints of convolutions of groups, depthwise ones there: the layer 'g' (Conv2D)",
    ]);
    const path = place.path('c.json');
    const message = /^Expected the kernel of the layer 'd' \(Dense\) to keep to its constraint/;
    await t.throwsAsync(constrained.export(path), { instanceOf: RangeError, message });
    constrained.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    constrained.trainOnBatch([[1, 2, 3]], [[1, 2]]);
    await constrained.export(path);
    t.deepEqual((await importModel(path)).getWeights(), constrained.getWeights());
  },
);

test.serial('a model.json that an editor has put a byte order mark before', async (t) => {
  await sequential({ layers: [layers.dense({ units: 2, inputShape: [3] })] }).export(place.path('plain.json'));
  writeFileSync(place.path('marked.json'), `\ufeff${readFileSync(place.path('plain.json'), 'utf8')}`);
  const [plain, marked] = await Promise.all(['plain', 'marked'].map((name) => importModel(place.path(`${name}.json`))));
  t.deepEqual(marked.getWeights(), plain.getWeights());
  const told = await place.call('info', place.path('marked.json'));
  t.is(told.code, 0, told.stderr);
  t.regex(told.stdout, /TensorFlow\.js/);
});

test.serial('what was fitted by scikit-learn', async (t) => {
  const file = fileURLToPath(new URL('../test/fixtures/sklearn-three.npz', import.meta.url));
  const info = await place.call('info', file);
  t.regex(info.stdout, /a network of scikit-learn, float64\nFrom .* \[n, 3\] to output \[n, 3\]/);
  const { code, stdout } = await place.call('convert', file, place.path('sklearn.json'));
  t.is(code, 0);
  t.regex(stdout, /Not in .*sklearn.json: digits beyond float32/);
  t.deepEqual((await importModel(place.path('sklearn.json'))).metadata, { classes: [0, 1, 2] });
});

test.serial('a network of float64: what ONNX Runtime has in float32 alone loses digits, and says so', async (t) => {
  const lost = async (from: string, ...args: string[]) => {
    const made = await place.call('convert', place.path(from), place.path('digits.onnx'), '--json', ...args);
    t.is(made.code, 0, made.stderr);
    const { dtype } = (await importModel(place.path('digits.onnx'))) as { dtype: string };
    return [dtype, lastDocument(made.stdout).lost];
  };
  const dtype = 'float64';
  await sequential({
    dtype,
    layers: [layers.conv2d({ filters: 2, kernelSize: 2, inputShape: [4, 4, 1] }), layers.flatten()],
  }).save(place.path('conv.safetensors'));
  await sequential({ dtype, layers: [layers.dense({ units: 2, activation: 'gelu', inputShape: [3] })] }).save(
    place.path('gelu.safetensors'),
  );
  await sequential({ dtype, layers: [layers.dense({ units: 2, activation: 'tanh', inputShape: [3] })] }).save(
    place.path('dense.safetensors'),
  );
  const because = 'digits beyond float32, as ONNX Runtime has convolutions, pooling and gelu in no other numbers';
  t.deepEqual(await lost('conv.safetensors'), ['float32', [because]]);
  t.deepEqual(await lost('gelu.safetensors'), ['float32', [because]]);
  t.deepEqual(await lost('conv.safetensors', '--dtype', 'float64'), ['float64', []]);
  t.deepEqual(await lost('dense.safetensors'), ['float64', []]);
  t.deepEqual(await lost('dense.safetensors', '--dtype', 'float32'), ['float32', ['digits beyond float32']]);
});

test.serial(
  "attention's scale becomes part of the query's weights, where the other program has another one",
  async (t) => {
    const lost = async (dtype: 'float32' | 'float64', options: object, ...args: string[]) => {
      const x = input({ shape: [4, 6] });
      const y = layers.multiHeadAttention({ name: 'm', numHeads: 2, keyDim: 3, ...options }).apply([x, x]);
      await model({ inputs: x, outputs: y, dtype }).save(place.path('attention.safetensors'));
      const made = await place.call('convert', place.path('attention.safetensors'), ...args, '--json');
      t.is(made.code, 0, made.stderr);
      return lastDocument(made.stdout).lost;
    };
    const torch = [place.path('attention.torch'), '--format', 'safetensors-torch'];
    const told = ["the scale of attention, which the query's weights take up: the layer 'm' (MultiHeadAttention)"];
    t.deepEqual(await lost('float64', {}, ...torch), told);
    t.deepEqual(await lost('float32', {}, ...torch), []);
    t.deepEqual(await lost('float64', { scale: 1 / Math.sqrt(3) }, ...torch), []);
    for (const to of ['attention.keras', 'attention.h5']) {
      t.deepEqual(await lost('float64', {}, place.path(to)), []);
      t.deepEqual(await lost('float64', { scale: 1 / Math.sqrt(3) }, place.path(to)), told);
      t.deepEqual(await lost('float32', { scale: 1 / Math.sqrt(3) }, place.path(to)), []);
      t.deepEqual(await lost('float32', { scale: 1 }, place.path(to)), told);
    }
    t.deepEqual(await lost('float64', { scale: 1 }, place.path('attention.onnx')), []);
  },
);

test.serial('info tells layers, shapes and format', async (t) => {
  await make().export(place.path('info.json'), { format: 'tfjs' });
  const info = await place.call('info', place.path('info.json'));
  t.regex(
    info.stdout,
    /a network of TensorFlow.js, tfjs-layers 4.22.0, of Fjordnet, float32\nFrom .* \[n, 6, 6, 1\] to dense \[n, 2\]/,
  );
  t.regex(info.stdout, /It says nothing of its training/);
  const document = lastDocument((await place.call('info', place.path('info.json'), '--json')).stdout);
  t.is(document.parameters, 128);
  t.deepEqual(
    document.layers.map(({ className }: { className: string }) => className),
    ['Conv2D', 'Flatten', 'Dense'],
  );
  const a = input({ shape: [2], name: 'a' });
  await model({ inputs: a, outputs: layers.dense({ units: 1, name: 'y' }).apply(a) }).save(
    place.path('graph.safetensors'),
  );
  t.regex(
    (await place.call('info', place.path('graph.safetensors'))).stdout,
    /a network of Fjordnet, float32\nFrom a \[n, 2\] to y \[n, 1\]/,
  );
  place.write(
    'data.json',
    JSON.stringify([
      { a: 1, b: 'x' },
      { a: 2, b: 'y' },
    ]),
  );
  t.regex((await place.call('info', place.path('data.json'))).stdout, /2 samples/);
});

test.serial('what cannot be is said in one sentence', async (t) => {
  await make().save(place.path('own.safetensors'));
  const of = async (code: number, message: RegExp, ...args: string[]) => {
    const made = await place.call('convert', ...args);
    t.is(made.code, code, made.stderr);
    t.regex(made.stderr, message);
  };
  const own = place.path('own.safetensors');
  await of(2, /Expected OUT to end in .safetensors, .onnx, .keras, .h5, .json/, own, place.path('x.bin'));
  await of(2, /Expected --format to be one of fjordnet, onnx/, own, place.path('x.bin'), '--format', 'tflite');
  await of(
    2,
    /Expected no --dtype and no --opset with fjordnet/,
    own,
    place.path('x.safetensors'),
    '--dtype',
    'float32',
  );
  await of(3, /none.onnx': there is no such file/, place.path('none.onnx'), place.path('x.onnx'));
  await of(4, /there is no folder/, own, place.path('none/x.onnx'));
  place.write('text.onnx', 'text');
  await of(3, /begins like no file of a network/, place.path('text.onnx'), place.path('x.onnx'));
  const masked = sequential({ layers: [layers.gru({ name: 'g', units: 2, inputShape: [3, 2] })] });
  await masked.save(place.path('gru.safetensors'));
  await of(3, /'g' to be a GRU with resetAfter false/, place.path('gru.safetensors'), place.path('gru.json'));
  t.false(existsSync(place.path('gru.json')));
  t.true(readFileSync(own).length > 0);
});
