// The order of layers where masks are computed, beside real Keras: weights are given by position.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { input, type Layer, layers, model, sequential, type Value } from 'fjordnet';

type Step = [kind: string, inputs: number[], masks?: boolean];
const graphs: { steps: Step[]; layers: string[] }[] = JSON.parse(
  readFileSync(new URL('../test/fixtures/mask-order.json', import.meta.url), 'utf8'),
);

const one: Record<string, (name: string, maskZero?: boolean) => Layer<any>> = {
  embed: (name, maskZero = false) => layers.embedding({ inputDim: 5, outputDim: 3, maskZero, name }),
  masking: (name) => layers.masking({ name }),
  dense: (name) => layers.dense({ units: 3, name }),
  timeDistributed: (name) => layers.timeDistributed({ layer: layers.dense({ units: 3 }), name }),
  lstm: (name) => layers.lstm({ units: 3, returnSequences: true, name }),
  bidirectional: (name) =>
    layers.bidirectional({ layer: layers.gru({ units: 3, returnSequences: true }), mergeMode: 'sum', name }),
  batchNormalization: (name) => layers.batchNormalization({ name }),
  layerNormalization: (name) => layers.layerNormalization({ name }),
  conv1d: (name) => layers.conv1d({ filters: 3, kernelSize: 2, padding: 'same', name }),
  dropout: (name) => layers.dropout({ rate: 0.1, name }),
  softmax: (name) => layers.softmax({ name }),
  last: (name) => layers.lstm({ units: 2, name }),
  nested: (name) =>
    sequential({
      layers: [layers.dense({ units: 3, inputShape: [4, 3] }), layers.lstm({ units: 3, returnSequences: true })],
      name,
    }) as Layer<any>,
  flatten: (name) => layers.flatten({ name }),
  globalAveragePooling1d: (name) => layers.globalAveragePooling1d({ name }),
};
const several: Record<string, (name: string) => Layer<any>> = {
  add: (name) => layers.add({ name }),
  multiply: (name) => layers.multiply({ name }),
  maximum: (name) => layers.maximum({ name }),
  average: (name) => layers.average({ name }),
  concatenate: (name) => layers.concatenate({ name }),
  attention: (name) => layers.attention({ useScale: true, name }),
  multiHeadAttention: (name) => layers.multiHeadAttention({ numHeads: 1, keyDim: 3, name }),
};

test("layers stand in Keras' order, which depends on the operations that compute masks", (t) => {
  t.true(graphs.length >= 40);
  for (const graph of graphs) {
    const values: Value[] = [];
    for (const [i, [kind, from, masks]] of graph.steps.entries()) {
      const [name, inputs] = [`n${i}`, from.map((k) => values[k])];
      const behind = (units: number, value: unknown) => layers.dense({ units, name: `${name}d` }).apply(value as Value);
      if (kind === 'ids') values.push(input({ shape: [4], dtype: 'int32', name }));
      else if (kind === 'sequence') values.push(input({ shape: [4, 3], name }));
      else {
        const made = (one[kind] ? one[kind](name, masks).apply(inputs[0]) : several[kind](name).apply(inputs)) as Value;
        const units = kind === 'concatenate' ? 3 : kind === 'flatten' || kind === 'globalAveragePooling1d' ? 2 : 0;
        values.push(units > 0 ? behind(units, made) : made);
      }
    }
    const read = new Set(graph.steps.flatMap(([, from]) => from));
    const net = model({
      inputs: values.filter((_, i) => ['ids', 'sequence'].includes(graph.steps[i][0])),
      outputs: values.filter((_, i) => !read.has(i)),
    });
    t.deepEqual(
      net.layers.filter(({ className }) => className !== 'InputLayer').map(({ name }) => name),
      graph.layers,
      JSON.stringify(graph.steps),
    );
  }
});
