import { readFileSync } from 'node:fs';
import test from 'ava';
import { activations, kernels, layers, NDArray, RandomState, sequential } from 'fjordnet';
import { type Activation, getActivation } from '../dist/activations.js';
import { Lowered } from '../dist/graph/lower.js';
import { activate } from '../dist/graph/ops/activation.js';
import { placeholder, type Value } from '../dist/graph/value.js';
import type { Buffer, FloatType } from '../dist/tape.js';
import { difference, numericalGradient, replay } from './helpers/replay.js';

interface Case {
  name: keyof typeof activations;
  options: object;
  shape: number[];
  z: number[];
  y: number[];
  dy: number[] | null;
  dz: number[] | null;
}
const cases = JSON.parse(readFileSync(new URL('../test/fixtures/activations.json', import.meta.url), 'utf8')) as Case[];
const TOLERANCE = { float64: 1e-14, float32: 1e-6 };
const DTYPES = ['float64', 'float32'] as const;

const make = (name: string, options: object): Activation =>
  Object.keys(options).length > 0
    ? getActivation('activation', { name, ...options })
    : getActivation('activation', name);

/** y = f(z), and dz for the given dy, as a network records them. The first axis counts samples. */
function run(dtype: FloatType, activation: Activation, z: NDArray, dy?: NDArray): number[][] {
  return replay(dtype, dy ? [z, dy] : [z], (t, zBuffer, dyBuffer) => {
    const input = placeholder(zBuffer.shape);
    const output = activate(input, activation);
    const gradients = new Map<Value, Buffer>(dyBuffer ? [[input, t.batched('dz', zBuffer.shape)]] : []);
    const buffers = new Map([[input, zBuffer]]);
    const lowered = new Lowered(t, [output], { training: true, buffers, gradients, nameOf: ({ op }) => op.name });
    lowered.forward();
    if (!dyBuffer) return [lowered.buffer(output)];
    const dz = lowered.backward(new Map([[output, dyBuffer]])).get(input)!;
    return [lowered.buffer(output), dz];
  });
}

const perSample = (values: number[], shape: number[]) =>
  NDArray.from(values, { shape: shape.length === 1 ? [shape[0], 1] : shape });

for (const dtype of DTYPES)
  for (const { name, options, shape, z, y, dy, dz } of cases)
    test(`${name} ${JSON.stringify(options)} [${shape}] is PyTorch's, forward and backward: ${dtype}`, (t) => {
      const activation = make(name, options);
      const results = run(dtype, activation, perSample(z, shape), dy ? perSample(dy, shape) : undefined);
      const values = difference(results[0], y);
      t.true(values <= TOLERANCE[dtype], `y: ${values}`);
      if (!dz) return;
      const gradient = difference(results[1], dz);
      t.true(gradient <= TOLERANCE[dtype], `dz: ${gradient}`);
    });

interface Golden {
  name: keyof typeof activations;
  z: { data: number[] };
  y: { data: number[] };
  dz: { data: number[] };
}
const golden = JSON.parse(readFileSync(new URL('../test/fixtures/layers.json', import.meta.url), 'utf8')) as {
  activations: Golden[];
};

for (const dtype of DTYPES)
  for (const { name, z, y, dz } of golden.activations)
    test(`${name} by name is PyTorch's, as a layer and backward: ${dtype}`, async (t) => {
      const shape = [z.data.length, 1];
      const layer = layers.activation({ activation: name, inputShape: [1] });
      const predicted = await sequential({ layers: [layer], dtype }).predict(NDArray.from(z.data, { shape }));
      const ones = NDArray.from(new Float64Array(z.data.length).fill(1), { shape });
      const [, backward] = run(dtype, getActivation('activation', name), NDArray.from(z.data, { shape }), ones);
      const limit = dtype === 'float64' ? 1e-12 : 1e-5;
      t.true(difference(predicted.data, y.data) <= limit);
      t.true(difference(backward, dz.data) <= limit);
    });

test('every activation has a case', (t) => {
  t.deepEqual([...new Set(cases.map((c) => c.name))].sort(), Object.keys(activations).sort() as never);
});

for (const name of Object.keys(activations) as (keyof typeof activations)[]) {
  if (name === 'heaviside') continue; // has no derivative
  test(`gradient check in float64: ${name}`, (t) => {
    const random = new RandomState(1);
    const shape = [3, 2, 5];
    const z = random.normal(0, 2, shape);
    for (let i = 0; i < z.size; i++)
      // not across a kink
      if ([-1, -0.5, 0, 0.5, 1].some((kink) => Math.abs(z.data[i] - kink) < 0.01)) z.data[i] += 0.02;
    const dy = random.randn(3, 2, 5);
    const activation = activations[name]();
    const [, dz] = run('float64', activation, z, dy);
    const f = (x: Float64Array) => run('float64', activation, NDArray.from(x, { shape }))[0];
    const d = difference(dz, numericalGradient(f, z.data as Float64Array, dy.data));
    t.true(d < 1e-9, `${d}`);
  });
}

test('softmax of any finite logits sums to 1', (t) => {
  for (const dtype of DTYPES) {
    const z = NDArray.from([
      [1e4, -1e4, 0],
      [-1e4, -1e4, -1e4],
      [3e38, -3e38, 3e38],
    ]);
    const [y] = run(dtype, activations.softmax(), z);
    const third = dtype === 'float64' ? 1 / 3 : Math.fround(1 / 3);
    t.deepEqual(y, [1, 0, 0, third, third, third, 0.5, 0, 0.5]);
  }
});

test('NaN passes through every activation', (t) => {
  for (const typed of [Float64Array, Float32Array])
    for (const name of Object.keys(activations) as (keyof typeof activations)[]) {
      const { kernel, scalars } = activations[name]();
      if (!kernel) continue;
      const y = new typed(19);
      const dims: Record<string, number> = ['softmax', 'logSoftmax'].includes(name)
        ? { B: 1, M: 19, N: 1 }
        : { B: 1, N: 19 };
      kernels[kernel](dims, [y.map((_, i) => (i % 3 === 1 ? Number.NaN : 1)), y], scalars);
      t.true(
        y.every((value, i) => Number.isNaN(value) === (i % 3 === 1)),
        `${name}: ${y}`,
      );
    }
});

for (const dtype of ['float64', 'float32'] as const)
  test(`far below 0 what comes to 0 is 0, however large the number: ${dtype}`, (t) => {
    for (const activation of [
      'gelu',
      'silu',
      'mish',
      'softplus',
      'sigmoid',
      'exponential',
      'hardSilu',
      'relu',
      'sparsePlus',
      'sparseSigmoid',
    ] as const) {
      const model = sequential({ dtype, layers: [layers.activation({ activation, inputShape: [1] })] });
      for (const x of [-1e4, -1e30, dtype === 'float32' ? -3e38 : -1e308])
        t.is(model.predictSync([[x]]).data[0] + 0, 0, `${activation}(${x})`);
    }
  });

test('names, aliases, configs and wrong options', (t) => {
  t.is(getActivation('activation', 'swish').config.name, 'silu');
  t.is(getActivation('activation', 'hardSwish').config.name, 'hardSilu');
  t.is(activations.leakyRelu().config.alpha, 0.01);
  t.is(activations.elu().config.alpha, 1);
  t.is(activations.celu().config.alpha, 1);
  t.is(activations.gelu().config.approximate, false);
  for (const name of Object.keys(activations) as (keyof typeof activations)[]) {
    const { config } = activations[name]();
    t.deepEqual(getActivation('activation', JSON.parse(JSON.stringify(config))).config, config);
  }
  t.deepEqual(getActivation('activation', { name: 'elu', alpha: 2 }).scalars, { alpha: 2 });
  t.throws(() => getActivation('activation', 'rellu'), {
    instanceOf: RangeError,
    message: /^Expected activation to be one of .*\(did you mean 'relu'\?\), got 'rellu' \(string\)$/,
  });
  t.throws(() => getActivation('activation', 3), {
    instanceOf: TypeError,
    message:
      'Expected activation to be the name of an activation, one of activations.* or what custom.activation makes, got 3 (number)',
  });
  t.throws(() => getActivation('activation', { name: 'relu', alpha: 1 }), {
    message: "Expected the options of relu to have no option 'alpha'; there are none",
  });
  t.throws(() => activations.leakyRelu({ alpha: -1 }), {
    message: 'Expected alpha to be a non-negative number, got -1 (number)',
  });
  t.throws(() => activations.celu({ alpha: 0 }), { message: 'Expected alpha to be a positive number, got 0 (number)' });
  t.throws(() => activations.gelu({ approximate: 'tanh' as never }), { instanceOf: TypeError });
});

test('heaviside predicts, and is refused in training', async (t) => {
  const model = sequential({
    dtype: 'float64',
    layers: [layers.dense({ units: 1, activation: 'heaviside', kernelInitializer: 'ones', inputShape: [1] })],
  });
  t.deepEqual((await model.predict([[-1], [0], [2]])).toArray<number[][]>(), [[0], [1], [1]]);
  t.throws(() => model.compile({ optimizer: 'sgd', loss: 'mse' }), {
    instanceOf: TypeError,
    message:
      "Expected the activation of a layer that is trained to have a derivative, got 'heaviside', which is for prediction only",
  });
});
