import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type Callback, layers, type Optimizer, optimizers, RandomState, Sequential, sequential } from 'fjordnet';
import { Recorder } from '../dist/graph/recorder.js';

const folder = mkdtempSync(join(tmpdir(), 'fjordnet-resuming-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const random = new RandomState(0);
const x = random.randn(35, 4);
const y = random.randn(35, 2);

function compiled(optimizer: Optimizer): Sequential {
  const model = sequential({
    layers: [layers.dense({ units: 5, activation: 'tanh', inputShape: [4] }), layers.dense({ units: 2 })],
    dtype: 'float64',
    seed: 1,
  });
  model.compile({ optimizer, loss: 'meanSquaredError' });
  return model;
}
const weightsOf = (model: Sequential) => model.getWeights().map((w) => Array.from(w.data));

for (const [name, optimizer] of [
  ['amsgrad', () => optimizers.adam({ amsgrad: true })],
  ['adamax', () => optimizers.adamax()],
  ['lion', () => optimizers.lion()],
  // 5 batches an epoch: the checkpoint lies between two updates
  ['accumulated gradients', () => optimizers.adam({ gradientAccumulationSteps: 2, clipNorm: 0.1 })],
  ['weights that do not decay', () => optimizers.adamW({ weightDecay: 0.1, excludeFromWeightDecay: ['bias'] })],
  ['moving averages', () => optimizers.sgd({ useEma: true, emaMomentum: 0.9, emaOverwriteFrequency: 3 })],
] as const)
  test(`${name}: training that goes on from a file written between two epochs takes the same steps, to the bit`, async (t) => {
    const path = join(folder, `${name}.safetensors`);
    const whole = compiled(optimizer());
    const save: Callback = { onEpochEnd: (epoch) => (epoch === 2 ? whole.save(path) : undefined) };
    await whole.fit(x, y, { batchSize: 7, epochs: 5, callbacks: save });
    const resumed = await Sequential.load(path);
    t.is(resumed.iterations, 15);
    await resumed.fit(x, y, { batchSize: 7, epochs: 5, initialEpoch: 3 });
    t.deepEqual(weightsOf(resumed), weightsOf(whole));
  });

test('weights stay as they are while gradients are accumulated', async (t) => {
  const model = compiled(optimizers.adamW({ learningRate: 0.1, gradientAccumulationSteps: 4 }));
  const seen = [weightsOf(model)];
  const callbacks = { onBatchEnd: () => void seen.push(weightsOf(model)) };
  await model.fit(x, y, { batchSize: 7, epochs: 2, callbacks });
  const changed = seen.slice(1).map((weights, i) => JSON.stringify(weights) !== JSON.stringify(seen[i]));
  t.deepEqual(
    changed,
    Array.from({ length: 10 }, (_, batch) => batch % 4 === 3),
  );
});

test('an instruction is skipped in the steps in which its scalar is 0', (t) => {
  for (const dtype of ['float64', 'float32'] as const) {
    const tape = new Recorder(dtype);
    const sum = tape.fixed('report', 'sum', [1]);
    const x = tape.batched('x', [1]);
    tape.program('run');
    const isDue = tape.scalar(1);
    tape.emit('fill', [sum], { N: 1 }, { value: -1 });
    tape.when(isDue, () => tape.emit('sumRows', [x, sum], {}));
    tape.emit('linear', [sum, sum], { N: 1 }, { scale: 2, shift: 0 });
    const plan = tape.compile();
    const samples = new Float64Array([1, 2, 3, 4, 5]);
    const inputs = [[x, dtype === 'float64' ? samples : new Float32Array(samples)] as const];
    const values = new Float64Array([1, 0, 0.5]);
    const result = plan.runSync({ program: 'run', inputs, first: 0, count: 5, batchSize: 2, scalars: [isDue], values });
    t.deepEqual(Array.from(plan.reported(result, sum)), [6, -2, 10]);
  }
});

test('a plan refuses a scalar for when that it does not have', (t) => {
  const tape = new Recorder('float64');
  const x = tape.fixed('state', 'x', [1]);
  tape.program('run');
  tape.when({ index: 7 }, () => tape.emit('fill', [x], { N: 1 }, { value: 1 }));
  t.throws(() => tape.compile(), { message: /^Expected 'fill' .* to be given a scalar for when$/ });
});
