// ONNX files: those of networks of several kinds, and those of Keras that have loops; their bytes changed, cut, repeated and exchanged.
import { readFileSync } from 'node:fs';
import { importBytes, input, layers, model, sequential } from '../../dist/index.js';
import { attempt, damaged } from '../fuzz-bytes.js';

export const name = 'onnx';

const { dense, conv2d, maxPooling2d, batchNormalization, flatten, lstm, gru, embedding, multiHeadAttention } = layers;
const list = (...of) => sequential({ layers: of, seed: 1 });

function attention() {
  const x = input({ shape: [3, 4] });
  return model({ inputs: x, outputs: multiHeadAttention({ numHeads: 2, keyDim: 2 }).apply([x, x]), seed: 1 });
}

const NETWORKS = [
  list(dense({ units: 3, activation: 'relu', inputShape: [4] }), dense({ units: 2, activation: 'softmax' })),
  list(
    conv2d({ filters: 2, kernelSize: 2, padding: 'same', inputShape: [4, 4, 1] }),
    batchNormalization(),
    maxPooling2d(),
    flatten(),
    dense({ units: 2, activation: 'gelu' }),
  ),
  list(lstm({ units: 2, returnSequences: true, inputShape: [3, 2] }), gru({ units: 2, resetAfter: false })),
  list(gru({ units: 2, activation: 'elu', inputShape: [3, 2] })),
  list(embedding({ inputDim: 5, outputDim: 2, inputShape: [3] }), flatten()),
  list(embedding({ inputDim: 5, outputDim: 2, maskZero: true, inputShape: [3] }), lstm({ units: 2 })),
  attention(),
];
const KERAS = ['gru-before', 'gru-hard', 'gru-states', 'masked-gru', 'masked-lstm', 'attention', 'embedding', 'repeat'];
let files;

export async function run(random, count, report) {
  files ??= [
    ...(await Promise.all(NETWORKS.map((network) => network.exportBytes({ format: 'onnx' })))),
    ...KERAS.map((kind) => readFileSync(new URL(`../../test/fixtures/onnx/keras-${kind}.onnx`, import.meta.url))),
  ];
  for (let i = 0; i < count; i++) {
    const bytes = damaged(random, random.pick(files));
    await attempt(report, bytes, () => importBytes(bytes));
  }
}
