// The folder that all peers read a workload from: samples, labels, initial weights and the batches to compare losses on.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadDigits, NDArray, RandomState } from 'fjordnet';
import { inputsOf, walk } from './networks.js';

const SEED = 0;

/**
 * Writes case.json and raw little-endian arrays: inputs by name (x, where there is one), y (int32 labels), batches (int32 rows),
 * w0, w1, ... in the workload's dtype. A lecture network's weights and batches are the draws of its own generator, so that it
 * need not be told them. `network` has the `sources` of each layer, the `shape` it gives, and how many `weights` it has.
 */
export function writeCase(folder, workload) {
  mkdirSync(folder, { recursive: true });
  const arrays = {};
  const put = (name, array, dtype) => {
    const data = dtype === array.dtype ? array.data : NDArray.from(array, { dtype }).data;
    writeFileSync(join(folder, name), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    arrays[name] = { shape: array.shape, dtype };
  };
  const { dtype } = workload;
  const { inputs, y } = samplesOf(workload);
  for (const { name, values, below } of inputs) put(name, values, below ? 'int32' : dtype);
  put('y', y, 'int32');
  const network = workload.layers && walk(workload);
  if (network) {
    const random = new RandomState(SEED);
    const weights = network.flatMap(({ kind, weights: shapes }) => initialOf(kind, shapes, random, workload.lecture));
    for (const [i, values] of weights.entries()) put(`w${i}`, values, dtype);
    if (workload.check) {
      const [groups, perGroup] = workload.check;
      const batches = new Int32Array(groups * perGroup * workload.batchSize);
      for (let at = 0; at < batches.length; at += workload.batchSize)
        batches.set(random.choice(y.shape[0], workload.batchSize, { replace: false }).data, at);
      put('batches', NDArray.from(batches).reshape(groups, perGroup, workload.batchSize), 'int32');
    }
  }
  const about = { ...workload, inputs: inputs.map(({ values: _, ...input }) => input), seed: SEED, arrays };
  about.network = network?.map(({ sources, shape, weights }) => ({ sources, shape, weights: weights.length }));
  writeFileSync(join(folder, 'case.json'), JSON.stringify(about));
}

/** { inputs: { name, shape, below, values }, y } */
function samplesOf(workload) {
  const { data, samples, inputShape, layers } = workload;
  if (data === 'digits') {
    const { data: pixels, target } = loadDigits();
    const n = samples ?? pixels.shape[0];
    const shape = inputShape ?? [64];
    const values = NDArray.from(pixels.data.subarray(0, n * 64).map((v) => v / 16)).reshape(n, ...shape);
    return { inputs: [{ name: 'x', shape, values }], y: NDArray.from(target.data.slice(0, n)) };
  }
  const random = new RandomState(1);
  const inputs = inputsOf(workload).map((input) => {
    const { shape, below } = input;
    const all = [samples, ...shape];
    return { ...input, values: below ? random.randint(0, below, all) : random.uniform(0, 1, all) };
  });
  return { inputs, y: random.randint(0, layers.at(-1).units, [samples]) };
}

function initialOf(kind, shapes, random, lecture) {
  if (kind.endsWith('Normalization')) return shapes.map((shape, i) => filled(shape, [1, 0, 0, 1][i]));
  return shapes.map((shape) => initial(random, shape, lecture));
}

const filled = ([n], value) => NDArray.from(new Float64Array(n).fill(value));

/** The lecture's randn and 0.01; else Glorot's uniform distribution and zeros. */
function initial(random, shape, lecture) {
  if (lecture) return shape.length === 1 ? filled(shape, 0.01) : random.randn(...shape);
  if (shape.length === 1) return NDArray.zeros(shape);
  const receptive = shape.slice(0, -2).reduce((a, b) => a * b, 1);
  const limit = Math.sqrt(6 / (receptive * (shape.at(-2) + shape.at(-1))));
  return random.uniform(-limit, limit, shape);
}
