import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { layers, NDArray, NeuralNetwork, sequential } from 'fjordnet';
import { binding } from '../dist/binding.js';
import { small } from './helpers/lecture.js';

const child = fileURLToPath(new URL('./helpers/children/memory.js', import.meta.url));

function measure(mode: 'async' | 'sync', count: number, ...more: string[]): { resident: number[]; held: number } {
  // V8's young generation grows for a while in every program: it is kept at its first size, so that the rest can be seen.
  const flags = ['--expose-gc', '--max-semi-space-size=1', ...more];
  return JSON.parse(execFileSync(process.execPath, [...flags, child, mode, String(count)], { encoding: 'utf8' }));
}

test('1,000 networks trained and dropped: resident memory stays within 5 % after the first hundred', (t) => {
  // Without V8's optimizer, whose threads take some 5 MB more as it compiles what the first hundreds of networks ran; and with the bytecode
  // of what runs seldom kept: compiling it again took 9 MB, after so many collections as are asked for here.
  const { resident, held } = measure('async', 1000, '--no-opt', '--no-flush-bytecode');
  // means of three: V8 takes and gives back 2 MB at a time
  const mean = (from: number) => resident.slice(from, from + 3).reduce((sum, bytes) => sum + bytes) / 3;
  t.true(mean(7) < 1.05 * mean(1), resident.join());
  t.true(held < 100e6, `${held} bytes of native memory at a time`);
});

test('a loop that never gives the event loop a turn keeps no memory of the networks it drops', (t) => {
  const { resident, held } = measure('sync', 3000);
  // V8 grows by some 12 MB while it compiles what the first two thousand ran, by 1 MB afterwards.
  t.true(Math.max(...resident.slice(20)) < 1.05 * resident[19], resident.join());
  t.true(held < 150e6, `${held} bytes of native memory at a time`);
});

test('networks that are given the same arrays share one native copy', (t) => {
  const { x, y } = small();
  const options = { nHiddenNeurons: 2, batchSize: 10, epochs: 0 };
  const first = new NeuralNetwork(x, y, options);
  const before = binding.memory().bytes;
  const networks = Array.from({ length: 10 }, () => new NeuralNetwork(x, y, options));
  t.true(binding.memory().bytes - before < 10 * x.data.byteLength * 0.5);
  t.is(new Set(networks).size, 10);
  t.is(first.nInputs, 300);
});

test("a step of an MNIST-sized convolutional network needs less than 64 MB beside weights and layers' outputs", (t) => {
  const samples = 128;
  const relu = { activation: 'relu' } as const;
  const model = sequential({
    layers: [
      layers.conv2d({ filters: 32, kernelSize: 3, ...relu, inputShape: [28, 28, 1] }),
      layers.conv2d({ filters: 64, kernelSize: 3, ...relu }),
      layers.maxPooling2d(),
      layers.flatten(),
      layers.dense({ units: 128, ...relu }),
      layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
  const x = NDArray.from(new Float32Array(samples * 28 * 28), { shape: [samples, 28, 28, 1] });
  const before = binding.memory().bytes;
  model.trainOnBatch(x, new Int32Array(samples));
  const outputs = model.outputShapes!.map((shape) => shape.reduce((product, n) => product * n));
  const known = 4 * (model.countParams() + samples * (outputs[0] + outputs[1] + outputs[2] + outputs[4] + outputs[5]));
  const workspace = binding.memory().bytes - before - known;
  t.true(workspace > 0 && workspace < 64e6, `${workspace} bytes`);
});
