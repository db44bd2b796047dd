// Whole network files: architecture and training with any JSON in any place, tensors that are missing, other or damaged.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  model as graph,
  input,
  layers,
  losses,
  Model,
  NDArray,
  ops,
  optimizers,
  schedules,
  sequential,
} from '../../dist/index.js';
import { formatSafetensors, parseSafetensors, readSafetensors } from '../../dist/io/safetensors.js';
import { attempt, damaged, edited, isSame } from '../fuzz-bytes.js';

export const name = 'model';

const WILD = [
  null,
  true,
  false,
  0,
  -0,
  1,
  -1,
  2,
  3,
  0.5,
  1e-9,
  100,
  12_000,
  65_536,
  2 ** 20,
  2 ** 31,
  2 ** 40,
  2 ** 53,
  1e300,
  '',
  'relu',
  'adam',
  'Dense',
  'toString',
  '__proto__',
  'x'.repeat(300),
  'ü\u0000',
  [],
  [0],
  [1],
  [2, 2],
  [-1, 4],
  [2 ** 31, 2 ** 31],
  [[1]],
  ['relu'],
  {},
  { name: 'relu' },
  { name: 'softmax', axis: 1 },
  { name: {} },
  { config: { name: 'relu' } },
  { l1: 1 },
  { name: 'elu', alpha: -1 },
  { name: 'warmup', learningRate: {} },
  { className: 'Dense', config: { name: 'y', units: 2 } },
  { length: 3 },
  { constructor: null },
  { toString: 1 },
];
const LAYERS = [
  'Dense',
  'Conv2D',
  'MaxPooling2D',
  'AveragePooling2D',
  'GlobalAveragePooling2D',
  'Flatten',
  'Reshape',
  'Dropout',
  'Conv1D',
  'MaxPooling1D',
  'LayerNormalization',
];
const PIECES = ['{', '}', '[', ']', ',', ':', '"', '0', '-', 'e9', 'null', '"name":', '"config":', '\\', '\u0000'];

const BRANCHED_TRAINING = {
  optimizer: 'adam',
  loss: { kind: 'categoricalCrossentropy', size: 'meanSquaredError' },
  lossWeights: [1, 0.5],
  metrics: { kind: ['accuracy'] },
};

/** Two inputs and outputs, a network within another, applied twice, and operations between layers. */
function branched() {
  const [a, b] = [input({ shape: [4], name: 'a' }), input({ shape: [3], name: 'b' })];
  const z = input({ shape: [4] });
  const pair = layers.dense({ units: 4, activation: 'tanh', trainable: false }).apply(z);
  const inner = sequential({
    layers: [graph({ inputs: z, outputs: ops.add(pair, z), name: 'residual' }), layers.batchNormalization()],
    name: 'inner',
  });
  const h = inner.apply(inner.apply(a));
  const all = ops.concat([ops.mul(h, NDArray.from([1, 2, 3, 4])), ops.slice(b, [1], [2])]);
  const crossed = ops.transpose(ops.reshape(ops.sub(all, ops.mean(all, { keepDims: true })), [2, 3]));
  const kind = layers.dense({ units: 2, activation: 'softmax', name: 'kind' }).apply(layers.flatten().apply(crossed));
  const size = layers.dense({ units: 1, name: 'size' }).apply(layers.concatenate().apply([h, b]));
  return graph({ inputs: [a, b], outputs: [kind, size], seed: 1 });
}

/** Networks that hold every kind of thing that a file may, as the bytes of their files. */
async function originals() {
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-fuzz-'));
  const image = () => [
    layers.conv2d({ filters: 2, kernelSize: 2, activation: 'elu', inputShape: [4, 4, 1], kernelRegularizer: 'l1l2' }),
    layers.batchNormalization(),
    layers.maxPooling2d({ padding: 'same' }),
    layers.reshape({ targetShape: [-1, 2] }),
    layers.flatten(),
    layers.dropout({ rate: 0.25 }),
    layers.dense({ units: 3, activation: 'softmax' }),
  ];
  const warm = schedules.warmup({
    learningRate: schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 9 }),
    warmupSteps: 3,
  });
  const models = [
    [
      image(),
      {
        optimizer: optimizers.adam({ learningRate: warm, clipNorm: 1 }),
        loss: 'categoricalCrossentropy',
        metrics: ['accuracy'],
      },
    ],
    [
      [
        layers.dense({ units: 2, inputShape: [3] }),
        layers.activation({ activation: 'leakyRelu' }),
        layers.dense({ units: 1 }),
      ],
      { optimizer: 'nadam', loss: losses.huber({ delta: 2 }), metrics: ['rSquared', 'meanAbsoluteError'] },
    ],
    [image()],
  ];
  const files = [];
  for (const [list, options] of [...models, [undefined, BRANCHED_TRAINING]]) {
    const model = list
      ? sequential({ layers: list, seed: 1, dtype: files.length === 1 ? 'float64' : 'float32' })
      : branched();
    if (options) model.compile(options);
    const path = join(folder, 'model');
    await model.save(path);
    const { tensors, metadata } = await readSafetensors(path);
    files.push({ tensors: [...tensors], metadata: Object.fromEntries(metadata) });
  }
  rmSync(folder, { recursive: true });
  return files;
}
let made;

/** All places of a value, as [object, key]. */
function places(value, found = []) {
  if (typeof value === 'object' && value !== null)
    for (const key of Object.keys(value)) {
      found.push([value, key]);
      places(value[key], found);
    }
  return found;
}

function changed(random, text) {
  const value = JSON.parse(text);
  for (let left = random.pick([1, 1, 1, 2, 3]); left > 0; left--) {
    const found = places(value);
    if (found.length === 0) break;
    const [object, key] = random.pick(found);
    const old = object[key];
    const kind = random.integer(0, 9);
    if (kind === 0) Array.isArray(object) ? object.splice(Number(key), 1) : delete object[key];
    else if (kind === 1 && Array.isArray(object)) object.splice(Number(key), 0, structuredClone(old));
    else if (kind === 2 && typeof old === 'number') object[key] = old + random.pick([-1, 1, 1000, 0.5]);
    else if (kind === 3 && key === 'className') object[key] = random.pick(LAYERS);
    else if (kind === 4 && !Array.isArray(object))
      object[random.pick(['x', 'config', 'seed', 'units', 'inputShape'])] = random.pick(WILD);
    else object[key] = structuredClone(random.pick(WILD));
  }
  return JSON.stringify(value);
}

export async function run(random, count, report) {
  made ??= await originals();
  const path = join(tmpdir(), `fjordnet-fuzz-${process.pid}.safetensors`);
  for (let i = 0; i < count; i++) {
    const original = random.pick(made);
    const metadata = { ...original.metadata };
    let tensors = [...original.tensors];
    const kind = random.integer(0, 9);
    const part = random.pick(['architecture', 'architecture', 'architecture', 'training', 'randomState']);
    if (kind > 3) metadata[part] = changed(random, metadata[part]);
    else if (kind === 3) metadata[part] = edited(random, metadata[part], PIECES);
    else if (kind === 2) {
      const at = random.integer(0, tensors.length - 1);
      const [key, { shape, data }] = tensors[at];
      const other = new (random.pick([Float64Array, Float32Array, Int32Array]))(data.length);
      if (random.chance(0.5)) other[0] = random.pick([Number.NaN, Number.POSITIVE_INFINITY, 0]);
      tensors[at] = [key, random.chance(0.5) ? { shape, data: other } : { shape: [data.length, 1, 1], data }];
    } else if (kind === 1) tensors = tensors.filter(() => random.chance(0.8));
    let bytes = Buffer.concat(formatSafetensors(tensors, metadata));
    if (random.chance(0.1)) bytes = damaged(random, bytes);
    writeFileSync(path, bytes);
    const model = await attempt(report, bytes, () => Model.load(path));
    if (kind === 0 && !model && bytes.equals(Buffer.concat(formatSafetensors(original.tensors, original.metadata))))
      report('refused, but right');
    if (!model) continue;
    const stored = parseSafetensors(bytes).tensors;
    const weights = model.getWeights();
    for (const [k, key] of model.weightNames.entries())
      if (!isSame(weights[k], stored.get(`weights/${key}`)))
        report(`another weight '${key}': ${metadata.architecture}`);
    if (weights.some(({ data }) => !data.every(Number.isFinite))) report('weights that are not finite');
    const shapes = [...model.inputs, ...model.outputs].map(({ shape }) => shape).concat(model.outputShapes);
    const largest = Math.max(...shapes.map((shape) => shape.reduce((product, n) => product * n, 1)));
    if (largest > 1e4 || /"dilationRate":\[[^\]]{5,}/.test(metadata.architecture)) continue;
    try {
      const x = model.inputs.map(({ shape }) => NDArray.zeros([2, ...shape]));
      model.predictSync(x.length === 1 ? x[0] : x);
      model.summary();
    } catch (error) {
      report.error(error, metadata.architecture);
    }
  }
  rmSync(path, { force: true });
}
