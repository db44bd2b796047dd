// What costs nothing where values are seen under other shapes.
import test from 'ava';
import { layers, NDArray, ops, type Sequential, sequential, type Value } from 'fjordnet';
import { expand } from '../dist/graph/expand.js';
import { Lowered } from '../dist/graph/lower.js';
import { Recorder } from '../dist/graph/recorder.js';
import { marked, type Node, placeholder, topological } from '../dist/graph/value.js';
import { weightsOfGraph } from '../dist/graph/weights.js';
import { declareWeights } from '../dist/models/network.js';
import { evaluate } from './helpers/graph.js';

/** Kernels of a step of a network, and the operations of its forward pass. */
function recorded(model: Sequential, inputShape: readonly number[]) {
  const emitted: string[] = [];
  class Spy extends Recorder {
    override emit(...[kernel, ...rest]: Parameters<Recorder['emit']>): void {
      emitted.push(kernel);
      super.emit(kernel, ...rest);
    }
  }
  model.build(inputShape);
  const graph = model.graph!;
  const t = new Spy('float32');
  const sources = graph.inputs.map(({ shape }) => placeholder(shape));
  const { outputs } = expand(graph, sources, { training: true, frozen: new Set() });
  const { buffers, gradients } = declareWeights(t, weightsOfGraph(graph, new Set()));
  for (const source of sources) buffers.set(source, t.batched('x', source.shape));
  const lowered = new Lowered(t, outputs, { training: true, buffers, gradients, nameOf: ({ op }) => op.name });
  t.program('step');
  lowered.forward();
  const seed = t.batched('seed', outputs[0].shape);
  lowered.backward(new Map([[outputs[0], seed]]));
  return { emitted, operations: (topological(outputs) as Node[]).map(({ op }) => op.name) };
}

test('a relu goes behind the maximum that follows it, and gradients of kernels are written where they belong', (t) => {
  const model = sequential({
    layers: [
      layers.conv1d({ filters: 4, kernelSize: 3, activation: 'relu' }),
      layers.maxPooling1d(),
      layers.conv1d({ filters: 4, kernelSize: 3, groups: 4 }),
      layers.flatten(),
      layers.dense({ units: 2 }),
    ],
  });
  const { emitted, operations } = recorded(model, [16, 3]);
  t.true(operations.indexOf('maxPooling2d') < operations.indexOf('activation'), `${operations}`);
  t.false(emitted.includes('copy'), `${emitted}`);
  t.true(emitted.includes('conv2dWeightGradient'));
});

test('a weight that is read under two shapes has the sum of both gradients', (t) => {
  const source = placeholder([6]);
  const w: Value = marked({ shape: [2, 3], batched: false });
  const output = ops.add(
    ops.mul(source, ops.reshape(w, [6])),
    ops.reshape(ops.mul(ops.reshape(source, [3, 2]), ops.square(ops.reshape(w, [3, 2]))), [6]),
  );
  const x = [1, 2, 3, 4, 5, 6];
  const v = [6, 5, 4, 3, 2, 1];
  const { gradients } = evaluate('float64', output, [
    [source, NDArray.from([x])],
    [w, NDArray.from(v, { shape: [2, 3] })],
  ]);
  t.deepEqual(
    [...gradients[1].data],
    x.map((xi, i) => xi + 2 * xi * v[i]),
  );
});
