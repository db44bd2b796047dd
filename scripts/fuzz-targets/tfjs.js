// Layers models of TensorFlow.js, with what training goes on from: descriptions that are edited as text and as values, and files of
// weights of other sizes.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importModel, input, layers, model, NDArray, optimizers, sequential } from '../../dist/index.js';
import { attempt, damaged, edited } from '../fuzz-bytes.js';

export const name = 'tfjs';

const PIECES = [
  '{',
  '}',
  '[',
  ']',
  ',',
  '"',
  '0',
  '9',
  '-',
  '1e9',
  'null',
  '"name":',
  '"__proto__":',
  '../',
  '\\u0000',
  '😀',
];
const VALUES = [
  0,
  -1,
  0.5,
  1,
  3,
  2 ** 31,
  2 ** 53,
  1e300,
  null,
  true,
  '',
  'x',
  '../a',
  '/etc/passwd',
  [],
  [0],
  [[]],
  [null, 2],
  {},
];

const MODELS = [
  () =>
    sequential({
      layers: [
        layers.bidirectional({ layer: layers.lstm({ units: 2, returnSequences: true }), inputShape: [3, 2] }),
        layers.timeDistributed({ layer: layers.dense({ units: 2 }) }),
        layers.batchNormalization(),
      ],
    }),
  () => {
    const [a, b] = [input({ shape: [3] }), input({ shape: [3] })];
    const inner = sequential({ layers: [layers.dense({ units: 3, inputShape: [3] })] });
    return model({ inputs: [a, b], outputs: layers.add().apply([inner.apply(inner.apply(a)), b]) });
  },
  () =>
    sequential({
      layers: [
        layers.conv2d({ filters: 2, kernelSize: 2, groups: 2, inputShape: [4, 4, 2] }),
        layers.spatialDropout2d({ rate: 0.5 }),
        layers.separableConv2d({ filters: 2, kernelSize: 2, activation: 'hardSigmoid' }),
        layers.maxPooling2d(),
        layers.flatten(),
        layers.rescaling({ scale: [1, 2], offset: 3 }),
        layers.prelu(),
      ],
    }),
  () =>
    sequential({
      layers: [
        layers.embedding({ inputDim: 5, outputDim: 2, inputShape: [4] }),
        layers.conv1d({ filters: 2, kernelSize: 2, padding: 'causal', activation: 'leakyRelu' }),
        layers.gru({ units: 2, resetAfter: false, returnSequences: true }),
      ],
    }),
];

const OPTIMIZERS = [
  optimizers.sgd({ momentum: 0.9 }),
  optimizers.adam({ epsilonHat: false }),
  'rmsprop',
  optimizers.adagrad({ initialAccumulatorValue: 1 }),
];

/** The same weights in fewer bits. */
function quantized(json, weights) {
  const own = JSON.parse(json);
  let whole = 0;
  for (const spec of own.weightsManifest[0].weights)
    if (spec.dtype === 'int32') whole += 4;
    else spec.quantization = { dtype: 'uint8', scale: 0.01, min: -1, original_dtype: 'float32' };
  return { json: JSON.stringify(own), weights: Buffer.alloc((weights.length - whole) / 4 + whole, 7) };
}

/** What is damaged: made once, as files are slow. */
let made;
async function files(path, shard) {
  made ??= [];
  for (const [i, make] of made.length > 0 ? [] : MODELS.entries()) {
    const own = make();
    own.compile({ optimizer: OPTIMIZERS[i], loss: 'meanSquaredError', metrics: ['mse'] });
    const zeros = (values) => values.map(({ shape }) => NDArray.zeros([2, ...shape]));
    const xs = zeros(own.graph.inputs);
    own.trainOnBatch(xs.length > 1 ? xs : xs[0], zeros(own.graph.outputs)[0]);
    await own.export(path);
    const one = { json: readFileSync(path, 'utf8'), weights: readFileSync(shard) };
    for (const each of [one, quantized(one.json, one.weights)]) made.push({ ...each, parameters: own.countParams() });
  }
  return made;
}

/** Another value at some place. */
function changed(random, json) {
  const root = JSON.parse(json);
  const places = [];
  const walk = (value) => {
    if (value === null || typeof value !== 'object') return;
    for (const key of Object.keys(value)) {
      places.push([value, key]);
      walk(value[key]);
    }
  };
  walk(root);
  for (let left = random.integer(1, 3); left > 0; left--) {
    const [object, key] = random.pick(places);
    if (random.chance(0.2)) delete object[key];
    else object[key] = random.chance(0.2) ? structuredClone(random.pick(places)[0]) : random.pick(VALUES);
  }
  return JSON.stringify(root);
}

export async function run(random, count, report) {
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-fuzz-'));
  const path = join(folder, 'model.json');
  const shard = join(folder, 'group1-shard1of1.bin');
  try {
    const all = await files(path, shard);
    let written;
    for (let i = 0; i < count; i++) {
      const { json, weights, parameters } = random.pick(all);
      const kind = random.integer(0, 4);
      let text = json;
      if (kind === 1) text = edited(random, json, PIECES);
      else if (kind === 2 || kind === 3) text = changed(random, json);
      const bytesOfWeights = kind === 4 ? damaged(random, weights) : weights;
      if (bytesOfWeights !== written) writeFileSync(shard, bytesOfWeights);
      written = bytesOfWeights;
      writeFileSync(path, text);
      const bytes = Buffer.from(text);
      const read = await attempt(report, bytes, async () => {
        try {
          return await importModel(path);
        } catch (error) {
          // a name that is none of a file's
          if (/^(ENOENT|EISDIR|ENAMETOOLONG)$/.test(error.code)) return undefined;
          throw error;
        }
      });
      if (kind === 0 && read?.countParams() !== parameters) report(`refused, but right: ${text}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
