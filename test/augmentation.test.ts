import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  getThreads,
  importBytes,
  kernels,
  type Layer,
  layers,
  NDArray,
  optimizers,
  RandomState,
  Sequential,
  sequential,
  setThreads,
} from 'fjordnet';
import { expand } from '../dist/graph/expand.js';
import { graphOf } from '../dist/graph/graph.js';
import { placeholder } from '../dist/graph/value.js';
import { evaluate } from './helpers/graph.js';
import { difference } from './helpers/replay.js';

type Shape = readonly [number, number, number];
const RANDOM = ['randomRotation', 'randomTranslation', 'randomZoom', 'randomContrast'] as const;
interface Case {
  layer: (typeof RANDOM)[number];
  options: object;
  shape: Shape;
  y: number[];
  dx?: number[];
}
const keras = JSON.parse(
  readFileSync(new URL('../test/fixtures/augmentation.json', import.meta.url), 'utf8'),
) as Case[];
const DTYPES = ['float64', 'float32'] as const;

/** What a layer makes of images in training, and the gradients of the sum by them; or of its product with `c`. */
function inTraining(layer: Layer, images: NDArray, dtype: (typeof DTYPES)[number], c?: NDArray) {
  const [x, factor] = [0, 1].map(() => placeholder(images.shape.slice(1)));
  const made = layer.apply(x);
  const [inputs, output] = c ? [[x, factor], layers.multiply().apply([made, factor])] : [[x], made];
  const { outputs } = expand(graphOf(inputs, [output]), inputs, { training: true, frozen: new Set() });
  return evaluate(
    dtype,
    outputs[0],
    c
      ? [
          [x, images],
          [factor, c],
        ]
      : [[x, images]],
  );
}

for (const name of RANDOM)
  test(`${name}: Keras' images where nothing is left to chance`, (t) => {
    for (const [number, one] of keras.entries()) {
      if (one.layer !== name) continue;
      const layer = (layers[one.layer] as (options: object) => Layer)(one.options);
      const random = new RandomState(number);
      const [x, c] = [0, 1].map(() => NDArray.from(random.uniform(0, 255, [1, ...one.shape]), { dtype: 'float32' }));
      for (const dtype of DTYPES) {
        const d = difference(inTraining(layer, x, dtype).value.data, one.y);
        t.true(d < 1e-6, `${dtype} ${JSON.stringify([one.options, one.shape])}: ${d}`);
        if (!one.dx) continue;
        const { gradients } = inTraining(layer, x, dtype, c);
        const e = difference(gradients[0].data, one.dx);
        t.true(e < 1e-6, `${dtype} dx ${JSON.stringify([one.options, one.shape])}: ${e}`);
      }
    }
  });

/** Images of one channel: their rows are `rows`. */
const picture = (rows: number[][], samples: number) =>
  NDArray.from(Array.from({ length: samples }, () => rows.map((row) => row.map((v) => [v]))) as never, {
    dtype: 'float64',
  });
const imagesOf = ({ data, shape }: NDArray) => {
  const size = data.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) => Array.from(data.slice(i * size, (i + 1) * size)));
};
const ERRORS = 5; // standard errors that a mean may be off

test('randomFlip: exactly, of half of the images, in the ways of its mode', (t) => {
  const samples = 4000;
  const x = picture(
    [
      [0.1, 2, 3],
      [4, 5, 6],
    ],
    samples,
  );
  const flipped = {
    horizontal: [3, 2, 0.1, 6, 5, 4],
    vertical: [4, 5, 6, 0.1, 2, 3],
    horizontalAndVertical: [6, 5, 4, 3, 2, 0.1],
  };
  for (const [mode, want] of Object.entries(flipped) as [keyof typeof flipped, number[]][]) {
    const images = imagesOf(inTraining(layers.randomFlip({ mode }), x, 'float64').value).map(String);
    t.deepEqual([...new Set(images)].sort(), [String([0.1, 2, 3, 4, 5, 6]), String(want)].sort(), mode);
    const is = images.map((image) => Number(image === String(want)));
    const mean = (of: number[]) => of.reduce((a, b) => a + b, 0) / of.length;
    t.true(Math.abs(mean(is) - 0.5) < (ERRORS * 0.5) / Math.sqrt(samples), `${mode}: ${mean(is)}`);
    for (const lag of [1, 2, 3, 32]) {
      const both = mean(is.slice(lag).map((v, i) => v * is[i]));
      t.true(Math.abs(both - 0.25) < (ERRORS * 0.44) / Math.sqrt(samples - lag), `${mode}, lag ${lag}: ${both}`);
    }
  }
});

/** Kolmogorov and Smirnov's distance from the uniform distribution over [low, high], times the root of n. */
function distance(values: number[], low: number, high: number): number {
  const sorted = values.map((v) => (v - low) / (high - low)).sort((a, b) => a - b);
  const n = sorted.length;
  return Math.sqrt(n) * Math.max(...sorted.map((v, i) => Math.max((i + 1) / n - v, v - i / n)));
}

/** Of two draws for each image. */
function correlation(a: number[], b: number[]): number {
  const centred = (of: number[]) => of.map((v) => v - of.reduce((x, y) => x + y, 0) / of.length);
  const product = (p: number[], q: number[]) => p.reduce((sum, v, i) => sum + v * q[i], 0);
  const [p, q] = [centred(a), centred(b)];
  return product(p, q) / Math.sqrt(product(p, p) * product(q, q));
}

test('what is drawn is uniform over its interval, for height and width, and for each image, by itself', (t) => {
  const samples = 3000;
  // where a pixel is read shows in an image whose values are its columns and rows
  const [H, W] = [21, 31];
  const rows = Array.from({ length: H }, (_, y) => Array.from({ length: W }, (_, x) => [x, y]));
  const ramp = NDArray.from(Array.from({ length: samples }, () => rows) as never, { dtype: 'float64' });
  const middle = ((H - 1) / 2) * W + (W - 1) / 2;
  const read = (layer: Layer, pixel = middle) =>
    imagesOf(inTraining(layer, ramp, 'float64').value).map((image) => image.slice(2 * pixel, 2 * pixel + 2));
  const shifts = read(layers.randomTranslation({ heightFactor: [-0.1, 0.3], widthFactor: 0.2 }));
  const turns = read(layers.randomRotation({ factor: [-0.05, 0.2] }), middle + 1);
  const zooms = read(layers.randomZoom({ heightFactor: [-0.4, 0.1], widthFactor: 0.5 }), middle + W + 1);
  const even = read(layers.randomZoom({ heightFactor: 0.3 }), middle + W + 1);
  const spread = inTraining(layers.randomContrast({ factor: [0.5, 0.2], valueRange: [-100, 100] }), ramp, 'float64');
  const factors = imagesOf(spread.value).map((image) => image[2] - image[0]); // a column apart
  const drawn: [string, number[], number, number][] = [
    ['down', shifts.map(([, y]) => (10 - y) / H), -0.1, 0.3],
    ['right', shifts.map(([x]) => (15 - x) / W), -0.2, 0.2],
    ['turn', turns.map(([x, y]) => Math.atan2(y - 10, x - 15) / (2 * Math.PI)), -0.05, 0.2],
    ['zoom of the height', zooms.map(([, y]) => y - 11), -0.4, 0.1],
    ['zoom of the width', zooms.map(([x]) => x - 16), -0.5, 0.5],
    ['even zoom', even.map(([x]) => x - 16), -0.3, 0.3],
    ['contrast', factors, 0.8, 1.5],
  ];
  for (const [what, values, low, high] of drawn) {
    t.true(
      values.every((v) => v > low - 1e-6 && v < high + 1e-6),
      what,
    );
    const d = distance(values, low, high);
    t.true(d < 2, `${what}: ${d}`); // beyond with a probability of 0.0007
    for (const lag of [1, 2, 16]) {
      const c = correlation(values.slice(lag), values.slice(0, -lag));
      t.true(Math.abs(c) < ERRORS / Math.sqrt(samples), `${what}, lag ${lag}: ${c}`);
    }
  }
  for (const [a, b] of [
    [0, 1],
    [3, 4],
  ]) {
    const c = correlation(drawn[a][1], drawn[b][1]);
    t.true(Math.abs(c) < ERRORS / Math.sqrt(samples), `${drawn[a][0]} and ${drawn[b][0]}: ${c}`);
  }
  t.true(even.every(([x, y]) => Math.abs(x - 16 - (y - 11)) < 1e-5));
});

test("randomContrast: one number is Keras' manual's interval, on both sides of 1", (t) => {
  const x = picture([[0, 1]], 2000);
  const { value } = inTraining(layers.randomContrast({ factor: 0.4, valueRange: [-9, 9] }), x, 'float64');
  const factors = imagesOf(value).map(([a, b]) => b - a);
  t.true(distance(factors, 0.6, 1.4) < 2);
});

const augmented = () => [
  layers.randomFlip({ mode: 'horizontal', inputShape: [9, 8, 3] }),
  layers.randomRotation({ factor: 0.1 }),
  layers.randomTranslation({ heightFactor: 0.2, widthFactor: 0.1, fillMode: 'wrap' }),
  layers.randomZoom({ heightFactor: [-0.2, 0.3], widthFactor: 0.1, fillMode: 'constant', fillValue: 0.5 }),
  layers.randomContrast({ factor: 0.3, valueRange: [0, 1] }),
];
const network = (first: Layer[] = augmented(), dtype: 'float32' | 'float64' = 'float32', seed = 3) => {
  const model = sequential({
    layers: [
      ...first,
      layers.conv2d({ filters: 24, kernelSize: 3, activation: 'relu' }), // enough for tiles of rows
      layers.flatten(),
      layers.dense({ units: 4, activation: 'softmax' }),
    ],
    dtype,
    seed,
  });
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return model;
};
const random = new RandomState(8);
const x = random.uniform(0, 1, [150, 9, 8, 3]) as NDArray;
const y = NDArray.from(random.randint(0, 4, [150]));
const bits = (model: Sequential) => model.getWeights().map(({ data }) => Buffer.from(data.buffer).toString('base64'));

for (const dtype of DTYPES)
  test.serial(`the same bits with any number of threads, however a batch is cut, in ${dtype}`, async (t) => {
    const before = getThreads();
    t.teardown(() => setThreads(before));
    const runs: unknown[] = [];
    for (const threads of [1, 2, 3])
      for (const sync of [true, false]) {
        setThreads(threads);
        const model = network(undefined, dtype);
        const options = { epochs: 2, batchSize: 64 };
        const { history } = sync ? model.fitSync(x, y, options) : await model.fit(x, y, options);
        runs.push([history, bits(model)]);
      }
    for (const run of runs) t.deepEqual(run, runs[0]);
  });

test('what an image goes through follows from its place in the batch, however many come behind it', (t) => {
  const of = (rows: number) => x.take(Array.from({ length: rows }, (_, i) => i));
  for (const layer of augmented()) {
    const whole = imagesOf(inTraining(layer, of(150), 'float64').value);
    for (const rows of [1, 7, 64])
      t.deepEqual(imagesOf(inTraining(layer, of(rows), 'float64').value), whole.slice(0, rows), layer.className);
  }
});

test('other numbers in every step and for every seed; evaluation and prediction see the images as they are', async (t) => {
  const model = sequential({ layers: augmented(), seed: 1 });
  t.deepEqual(model.predictSync(x).data, NDArray.from(x, { dtype: 'float32' }).data);
  const augment = network();
  const plain = network([layers.inputLayer({ shape: [9, 8, 3] })]);
  plain.setWeights(augment.getWeights());
  t.deepEqual(augment.predictSync(x), plain.predictSync(x));
  const judged = await augment.evaluate(x, y);
  t.deepEqual(judged, await plain.evaluate(x, y));
  t.deepEqual(await augment.evaluate(x, y), judged);

  // with a learning rate of 0 the losses of two epochs differ by what was drawn alone
  const still = (seed: number) => {
    const model = network(undefined, 'float32', seed);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0 }), loss: 'sparseCategoricalCrossentropy' });
    model.build([9, 8, 3]);
    model.setWeights(augment.getWeights());
    return model.fitSync(x, y, { epochs: 3, batchSize: 150, shuffle: false }).history.loss;
  };
  const losses = still(1);
  t.is(new Set(losses).size, 3);
  t.deepEqual(still(1), losses);
  t.true(still(2).every((loss) => !losses.includes(loss)));
});

test('each step of a sequence of images by itself, in timeDistributed', (t) => {
  const frames = NDArray.from(Array.from({ length: 200 }, () => [1, 2].map(() => [[[0], [1]]])) as never, {
    dtype: 'float64',
  });
  const images = inTraining(layers.timeDistributed({ layer: layers.randomFlip() }), frames, 'float64').value;
  const kinds = new Set(imagesOf(images).map(String));
  t.deepEqual([...kinds].sort(), ['0,1,0,1', '0,1,1,0', '1,0,0,1', '1,0,1,0']);
});

test('whatever a transform holds, pixels are read inside the image alone', (t) => {
  const d = { B: 1, H: 3, W: 5, C: 3 };
  const x = new Float64Array(45).fill(2);
  for (const far of [Number.NaN, Number.POSITIVE_INFINITY, -1e300, 2 ** 53, -(2 ** 31), 4 + 2 ** -20])
    for (const at of [0, 1, 2, 3, 4, 5])
      for (const fill of [0, 1, 2, 3])
        for (const interpolation of [0, 1]) {
          const m = Float64Array.from([1, 0, 0, 0, 1, 0], (v, k) => (k === at ? far : v));
          const [y, dx] = [new Float64Array(45), new Float64Array(45)];
          kernels.transformImage(d, [x, m, y], { fill, interpolation, fillValue: 2 });
          kernels.transformImageGradient(d, [m, x, dx], { fill, interpolation });
          t.true(
            y.every((v) => Number.isNaN(v) || Math.abs(v - 2) < 1e-6),
            `${far} at ${at}, fill ${fill}`,
          );
        }
});

test('a network of them is saved, loads again and goes on with the same bits', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-augmentation-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const model = network();
  model.fitSync(x, y, { epochs: 1 });
  await model.save(join(folder, 'network.safetensors'));
  const again = await Sequential.load(join(folder, 'network.safetensors'));
  t.is(again.summary(), model.summary());
  t.regex(model.summary(), /random_flip \(RandomFlip\) .*9, 8, 3/);
  const go = (one: Sequential) => [one.fitSync(x, y, { epochs: 2 }).history, bits(one)];
  t.deepEqual(go(again), go(model));
  t.deepEqual(model.layerNames.slice(0, 5), [
    'random_flip',
    'random_rotation',
    'random_translation',
    'random_zoom',
    'random_contrast',
  ]);
});

test("the defaults are Keras'", (t) => {
  const config = (layer: Layer) => JSON.parse(JSON.stringify(layer.getConfig()));
  const reading = { fillMode: 'reflect', interpolation: 'bilinear', fillValue: 0 };
  t.deepEqual(config(layers.randomFlip()), { mode: 'horizontalAndVertical' });
  t.deepEqual(config(layers.randomRotation({ factor: 0.1 })), { factor: 0.1, ...reading });
  t.deepEqual(config(layers.randomTranslation({ heightFactor: 0.1, widthFactor: [0.2, 0] })), {
    heightFactor: 0.1,
    widthFactor: [0.2, 0],
    ...reading,
  });
  t.deepEqual(config(layers.randomZoom({ heightFactor: 1 })), { heightFactor: 1, ...reading });
  t.deepEqual(config(layers.randomContrast({ factor: 0.1 })), { factor: 0.1, valueRange: [0, 255] });
});

test('what is wrong is told in one sentence', (t) => {
  const wrong: [() => unknown, string][] = [
    [
      () => layers.randomFlip({ mode: 'horizontal_and_vertical' as never }),
      "Expected mode to be one of 'horizontal', 'vertical', 'horizontalAndVertical' (did you mean 'horizontalAndVertical'?), got 'horizontal_and_vertical' (string)",
    ],
    [() => layers.randomRotation({ factor: 1.5 }), 'Expected factor to be a number in [-1, 1], got 1.5 (number)'],
    [() => layers.randomRotation({ factor: [0, -2] }), 'Expected factor[1] to be a number in [-1, 1], got -2 (number)'],
    [
      () => layers.randomRotation({} as never),
      'Expected factor to be a number in [-1, 1] or two of them, got undefined',
    ],
    [
      () => layers.randomTranslation({ heightFactor: 0.1, widthFactor: [0.1] as never }),
      'Expected widthFactor to be a number in [-1, 1] or two of them, got Array(1)',
    ],
    [
      () => layers.randomTranslation({ heightFactor: Number.NaN, widthFactor: 0 }),
      'Expected heightFactor to be a number in [-1, 1], got NaN (number)',
    ],
    [() => layers.randomZoom({ heightFactor: -1 }), 'Expected heightFactor to be a number in (-1, 1], got -1 (number)'],
    [
      () => layers.randomZoom({ heightFactor: 0, widthFactor: 'a' as never }),
      "Expected widthFactor to be a number in (-1, 1] or two of them, got 'a' (string)",
    ],
    [
      () => layers.randomZoom({ heightFactor: 0, fillMode: 'mirror' as never }),
      "Expected fillMode to be one of 'reflect', 'constant', 'wrap', 'nearest', got 'mirror' (string)",
    ],
    [
      () => layers.randomRotation({ factor: 0, interpolation: 'cubic' as never }),
      "Expected interpolation to be one of 'bilinear', 'nearest', got 'cubic' (string)",
    ],
    [
      () => layers.randomRotation({ factor: 0, fillValue: Number.POSITIVE_INFINITY }),
      'Expected fillValue to be a finite number, got Infinity (number)',
    ],
    [() => layers.randomContrast({ factor: -0.1 }), 'Expected factor to be a number in [0, 1], got -0.1 (number)'],
    [
      () => layers.randomContrast({ factor: null as never }),
      'Expected factor to be a number in [0, 1] or two numbers, got null',
    ],
    [
      () => layers.randomContrast({ factor: [-0.5, 0.2] }),
      'Expected factor to be two numbers whose sum is not negative, got Array(2)',
    ],
    [
      () => layers.randomContrast({ factor: 0.1, valueRange: [1, 0] }),
      'Expected valueRange to be two numbers, the first of them smaller, got Array(2)',
    ],
    [
      () => sequential({ layers: [layers.randomFlip({ inputShape: [8, 8] })] }).build([8, 8]),
      'Expected the input of RandomFlip to be images [height, width, channels], got shape [8, 8]',
    ],
  ];
  for (const [make, message] of wrong) t.throws(make, { message });
});

test("Keras' files hold them, and give them back", async (t) => {
  const list = [
    layers.randomFlip({ mode: 'horizontal', inputShape: [4, 4, 2] }),
    layers.randomFlip(),
    layers.randomRotation({ factor: 0.1, interpolation: 'nearest' }),
    layers.randomTranslation({ heightFactor: 0.1, widthFactor: [-0.1, 0.2], fillMode: 'constant', fillValue: 3 }),
    layers.randomZoom({ heightFactor: 0.2 }),
    layers.randomContrast({ factor: [0.1, 0.4], valueRange: [0, 1] }),
  ];
  for (const format of ['keras', 'h5'] as const) {
    const bytes = await sequential({ layers: list, seed: 1 }).exportBytes({ format });
    const again = await importBytes(bytes);
    t.deepEqual(
      again.layers.map(({ className, getConfig }, i) => [className, getConfig.call(again.layers[i])]),
      list.map((layer) => [layer.className, layer.getConfig()]),
    );
  }
});
