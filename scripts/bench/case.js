// The folder that all peers read a workload from: samples, labels, initial weights and the batches to compare losses on.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadDigits, NDArray, RandomState } from 'fjordnet';
import { weightShapes } from './workloads.js';

const SEED = 0;

/**
 * Writes case.json and raw little-endian arrays: x, y (int32 labels), batches (int32 rows), w0, w1, ... in the workload's
 * dtype. A lecture network's weights and batches are the draws of its own generator, so that it need not be told them.
 */
export function writeCase(folder, workload) {
  mkdirSync(folder, { recursive: true });
  const arrays = {};
  const put = (name, array, dtype) => {
    const data = dtype === array.dtype ? array.data : NDArray.from(array, { dtype }).data;
    writeFileSync(join(folder, name), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    arrays[name] = { shape: array.shape, dtype };
  };
  const { dtype, layers } = workload;
  const { x, y } = samplesOf(workload);
  put('x', x, dtype);
  put('y', y, 'int32');
  if (layers) {
    const random = new RandomState(SEED);
    const deep = weightShapes(workload);
    for (const [i, shape] of deep.entries()) put(`w${i}`, initial(random, shape, workload.lecture), dtype);
    if (workload.check) {
      const [groups, perGroup] = workload.check;
      const batches = new Int32Array(groups * perGroup * workload.batchSize);
      for (let at = 0; at < batches.length; at += workload.batchSize)
        batches.set(random.choice(x.shape[0], workload.batchSize, { replace: false }).data, at);
      put('batches', NDArray.from(batches).reshape(groups, perGroup, workload.batchSize), 'int32');
    }
  }
  writeFileSync(join(folder, 'case.json'), JSON.stringify({ ...workload, seed: SEED, arrays }));
}

function samplesOf({ data, samples, inputShape, layers }) {
  if (data === 'digits') {
    const { data: pixels, target } = loadDigits();
    const n = samples ?? pixels.shape[0];
    const x = NDArray.from(pixels.data.subarray(0, n * 64).map((v) => v / 16));
    return { x: x.reshape(n, ...(inputShape ?? [64])), y: NDArray.from(target.data.slice(0, n)) };
  }
  const random = new RandomState(1);
  const classes = layers.at(-1).units;
  return { x: random.uniform(0, 1, [samples, ...inputShape]), y: random.randint(0, classes, [samples]) };
}

/** The lecture's randn and 0.01; else Glorot's uniform distribution and zeros. */
function initial(random, shape, lecture) {
  if (lecture) return shape.length === 1 ? NDArray.from(new Float64Array(shape[0]).fill(0.01)) : random.randn(...shape);
  if (shape.length === 1) return NDArray.zeros(shape);
  const receptive = shape.slice(0, -2).reduce((a, b) => a * b, 1);
  const limit = Math.sqrt(6 / (receptive * (shape.at(-2) + shape.at(-1))));
  return random.uniform(-limit, limit, shape);
}
