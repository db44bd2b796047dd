import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {
  type ConstraintInput,
  constraints,
  importModel,
  initializers,
  layers,
  NDArray,
  ops,
  optimizers,
  RandomState,
  Sequential,
  sequential,
} from 'fjordnet';
import { checkConstraint, emitConstraints } from '../dist/constraints.js';
import { Recorder } from '../dist/graph/recorder.js';

const folder = mkdtempSync(join(tmpdir(), 'fjordnet-constraints-'));
test.after.always(() => rmSync(folder, { recursive: true }));

/** What a constraint makes of a weight. */
function constrained(w: NDArray, constraint: ConstraintInput, dtype: 'float64' | 'float32' = 'float64'): NDArray {
  const t = new Recorder(dtype);
  t.parameter(
    'dense',
    'kernel',
    w.shape,
    initializers.zeros(),
    undefined,
    checkConstraint('kernelConstraint', constraint),
  );
  t.program('update');
  emitConstraints(t, t.parameters);
  const plan = t.compile();
  plan.write(t.parameters[0].value, w);
  plan.runSync({ program: 'update', inputs: [], first: 0, count: 1, batchSize: 1 });
  return plan.read(t.parameters[0].value);
}

/** L2 norms along the first axis. */
const norms = (w: NDArray) =>
  Array.from({ length: w.size / w.shape[0] }, (_, j) =>
    Math.hypot(...Array.from({ length: w.shape[0] }, (_, i) => w.data[i * (w.size / w.shape[0]) + j])),
  );
const close = (a: number, b: number, tolerance: number) => Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b));

test('norms are within their bounds, directions stay, for weights of any shape', (t) => {
  const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(
      shapes,
      fc.integer({ min: 0, max: 1000 }),
      fc.constantFrom('float64', 'float32'),
      (shape, seed, dtype) => {
        const w = new RandomState(seed).normal(0, 2, shape);
        const tolerance = dtype === 'float64' ? 1e-6 : 1e-5; // Keras adds 1e-7 to what it divides by
        const before = norms(w);
        const after = (c: ConstraintInput) => norms(constrained(w, c, dtype));
        const expected: [ConstraintInput, (n: number) => number][] = [
          ['maxNorm', (n) => Math.min(n, 2)],
          [constraints.maxNorm({ maxValue: 0 }), () => 0],
          ['unitNorm', (n) => n / (n + 1e-7)],
          [constraints.minMaxNorm({ minValue: 0.5, rate: 0.5 }), (n) => (n + Math.min(1, Math.max(0.5, n))) / 2],
        ];
        for (const [constraint, norm] of expected)
          for (const [j, n] of after(constraint).entries()) if (!close(n, norm(before[j]), tolerance)) return false;
        const unit = constrained(w, constraints.unitNorm({ axis: w.shape.map((_, i) => -1 - i) }), dtype);
        const all = Math.hypot(...w.data);
        if (!unit.data.every((v, i) => close(v, w.data[i] / all, 1e-4))) return false;
        const positive = constrained(w, constraints.nonNeg, dtype);
        return positive.data.every((v, i) => close(v, Math.max(0, w.data[i]), 1e-6));
      },
    ),
  );
  t.pass();
});

test('NaN stays NaN, and a weight of zeros as it is', (t) => {
  for (const constraint of ['maxNorm', 'nonNeg', 'unitNorm', 'minMaxNorm'] as const) {
    t.deepEqual(Array.from(constrained(NDArray.from([0, 0, 0]), constraint).data), [0, 0, 0], constraint);
    t.true(Number.isNaN(constrained(NDArray.from([Number.NaN, 1]), constraint).data[0]), constraint);
  }
});

const random = new RandomState(0);
const x = random.randn(20, 3);
const y = random.randn(20, 2);

function network(kernelConstraint: ConstraintInput, trained = true): Sequential {
  const model = sequential({
    layers: [layers.dense({ units: 2, kernelConstraint, inputShape: [3] })],
    dtype: 'float64',
    seed: 1,
  });
  if (trained) model.compile({ optimizer: optimizers.sgd({ learningRate: 0.5 }), loss: 'meanSquaredError' });
  return model;
}

test('every layer with a kernel keeps its constraints', (t) => {
  const options = { kernelConstraint: constraints.nonNeg(), biasConstraint: constraints.nonNeg() };
  const images = random.randn(8, 5, 5, 2);
  const rows = random.randn(8, 5, 2);
  for (const [layer, given] of [
    [layers.conv2dTranspose({ filters: 3, kernelSize: 2, inputShape: [5, 5, 2], ...options }), images],
    [layers.conv2d({ filters: 3, kernelSize: 2, inputShape: [5, 5, 2], ...options }), images],
    [layers.conv1d({ filters: 3, kernelSize: 2, inputShape: [5, 2], ...options }), rows],
    [layers.dense({ units: 3, inputShape: [5, 2], ...options }), rows],
  ] as const) {
    const model = sequential({ layers: [layer, layers.flatten(), layers.dense({ units: 1 })] as never, seed: 1 });
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.5 }), loss: 'meanSquaredError' });
    model.fitSync(given, random.randn(8, 1), { epochs: 3 });
    const [kernel, bias] = model.getWeights();
    t.true(Math.min(...kernel.data, ...bias.data) === 0, layer.className);
  }
});

test('a function of the weight is a constraint, which save refuses', async (t) => {
  const [own, built] = [(w: Parameters<typeof ops.relu>[0]) => ops.maximum(w, 0), constraints.nonNeg].map((c) =>
    network(c as ConstraintInput),
  );
  for (const model of [own, built]) model.fitSync(x, y, { epochs: 3 });
  t.deepEqual(own.getWeights(), built.getWeights());
  await t.throwsAsync(own.save(join(folder, 'own.safetensors')), {
    message:
      /^Expected the kernelConstraint of the layer 'dense' to be one of constraints\.\*, as only these can be loaded again/,
  });
});

test('constraints are saved with the network', async (t) => {
  const path = join(folder, 'saved.safetensors');
  const model = network(constraints.minMaxNorm({ maxValue: 0.5, rate: 0.9, axis: [0] }));
  await model.fit(x, y, { epochs: 2 });
  await model.save(path);
  const again = await Sequential.load(path);
  t.deepEqual((again.layers[0] as ReturnType<typeof layers.dense>).kernelConstraint, {
    name: 'minMaxNorm',
    minValue: 0,
    maxValue: 0.5,
    rate: 0.9,
    axis: [0],
  });
  for (const m of [model, again]) m.fitSync(x, y, { epochs: 2, shuffle: false });
  t.deepEqual(again.getWeights(), model.getWeights());
});

test('those of kernels of single channels and of slopes go to files of other programs and come back', async (t) => {
  const each = constraints.unitNorm({ axis: [0, 1] });
  const model = sequential({
    layers: [
      layers.depthwiseConv2d({
        kernelSize: 2,
        depthwiseConstraint: each,
        biasConstraint: 'nonNeg',
        inputShape: [5, 5, 2],
      }),
      layers.separableConv2d({
        ...{ filters: 3, kernelSize: 2, depthwiseConstraint: each, biasConstraint: 'nonNeg' },
        pointwiseConstraint: constraints.maxNorm({ maxValue: 9, axis: 2 }),
      }),
      layers.prelu({ alphaConstraint: 'nonNeg' }),
      layers.flatten(),
      layers.dense({ units: 1 }),
    ],
    seed: 1,
  });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  model.fitSync(random.randn(8, 5, 5, 2), random.randn(8, 1));
  const names = ['depthwiseConstraint', 'pointwiseConstraint', 'biasConstraint', 'alphaConstraint'];
  const given = (of: readonly object[]) => of.map((layer) => names.map((name) => Reflect.get(layer, name)));
  t.is(given(model.layers).flat().filter(Boolean).length, 6);
  for (const file of ['single.keras', 'single.json']) {
    await model.export(join(folder, file));
    const { layers: read } = await importModel(join(folder, file));
    t.deepEqual(given(read), given(model.layers), file);
  }
});

test('wrong constraints are refused in one sentence', (t) => {
  const refused = (constraint: unknown, message: string | RegExp) =>
    t.throws(() => layers.dense({ units: 1, kernelConstraint: constraint as ConstraintInput }), { message });
  refused('maxnorm', /^Expected kernelConstraint\.name to be one of 'maxNorm', .*\(did you mean 'maxNorm'\?\)/);
  refused(1, 'Expected kernelConstraint to be one of constraints.* or its name, got 1 (number)');
  refused({ name: 'unitNorm', maxValue: 1 }, /^Expected options to have no option 'maxValue'/);
  t.throws(() => constraints.maxNorm({ maxValue: -1 }), {
    message: 'Expected maxValue to be a non-negative number, got -1 (number)',
  });
  t.throws(() => constraints.minMaxNorm({ minValue: 2 }), {
    message: 'Expected maxValue to be at least minValue, 2, got 1 (number)',
  });
  t.throws(() => constraints.unitNorm({ axis: 0.5 }), { message: 'Expected axis to be an integer, got 0.5 (number)' });
  t.throws(() => constraints.unitNorm({ axis: [] }), {
    message: 'Expected axis to be an integer or an array of integers, got Array(0)',
  });
  t.throws(() => network(constraints.unitNorm({ axis: 2 })), {
    message: 'Expected the axis of the constraint of dense/kernel to be one of its 2, got 2 (number)',
  });
  t.throws(() => network((w) => ops.sum(w)), {
    message: 'Expected what the constraint of dense/kernel returns to be of shape [3, 2], got shape []',
  });
});
