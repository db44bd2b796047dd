// ONNX: files of ours in ONNX Runtime, and files of others here.
import test from 'ava';
import { importBytes, type NDArray } from 'fjordnet';
import * as ort from 'onnxruntime-web';
import { filled, MODELS, outputsOf, samplesFor } from './helpers/networks.js';
import { difference } from './helpers/replay.js';

ort.env.wasm.numThreads = 1;

const TYPES = { 'tensor(float)': 'float32', float32: 'float32', float64: 'float64', int32: 'int32' } as const;
const ARRAYS = { float32: Float32Array, float64: Float64Array, int32: Int32Array };

/** What ONNX Runtime makes of a file. */
async function byOnnxRuntime(bytes: Uint8Array, x: readonly NDArray[]) {
  const session = await ort.InferenceSession.create(bytes);
  const feeds = session.inputMetadata.map((of, i) => {
    const type = TYPES[(of as { type: keyof typeof TYPES }).type];
    return [of.name, new ort.Tensor(type, ARRAYS[type].from(x[i].data) as never, [...x[i].shape])] as const;
  });
  const made = await session.run(Object.fromEntries(feeds));
  const outputs = session.outputNames.map((name) => ({
    name,
    type: made[name].type,
    shape: [...made[name].dims],
    data: made[name].data as Float64Array,
  }));
  await session.release();
  return outputs;
}

for (const dtype of ['float32', 'float64'] as const)
  for (const [name, make] of Object.entries(MODELS))
    test.serial(`${name}, ${dtype}: ONNX Runtime computes the same, and it is read again`, async (t) => {
      const network = make(dtype);
      filled(network);
      const x = samplesFor(network);
      const expected = await outputsOf(network, x);
      const bytes = await network.exportBytes({ format: 'onnx' });
      const outputs = await byOnnxRuntime(bytes, x);
      t.deepEqual(
        outputs.map((output) => output.name),
        network.outputNames,
      );
      for (const [i, { type, shape, data }] of outputs.entries()) {
        t.deepEqual(shape, expected[i].shape);
        const scale = Math.max(1, ...Array.from(expected[i].data, Math.abs));
        t.true(difference(data, expected[i].data) / scale < (type === 'float64' ? 1e-12 : 1e-6), `output ${i}`);
      }

      // ONNX has no mask: a Scan with one is what only a run-time takes
      if (/^masked/.test(name)) {
        await t.throwsAsync(importBytes(bytes), { code: 'ERR_FORMAT', message: /Scan.*its steps are masked/ });
        return;
      }
      const again = await importBytes(bytes);
      t.is(again.dtype, outputs[0].type === 'float64' ? 'float64' : 'float32');
      const made = await outputsOf(again, x);
      for (const [i, { shape, data }] of made.entries()) {
        t.deepEqual(shape, expected[i].shape);
        const scale = Math.max(1, ...Array.from(expected[i].data, Math.abs));
        t.true(
          difference(data, expected[i].data) / scale < (again.dtype === 'float64' ? 1e-12 : 1e-6),
          `output ${i} again`,
        );
      }
    });
