// Prints, by name, a hash of the bits that the addon of FJORDNET_NATIVE computes: the outputs of every kernel of the table, for all its
// cases, and weights, histories and predictions of trainings of the digits.
import { createHash } from 'node:crypto';
import { buildInfo, kernels, layers, loadDigits, NDArray, Sequential } from 'fjordnet';
import { buffersOf, DTYPES, operandsOf } from '../kernel-cases/buffers.js';
import { kernelCases } from '../kernel-cases/index.js';

type Bits = ArrayBufferView | readonly number[];

const hash = (parts: Iterable<Bits>) => {
  const sum = createHash('sha256');
  for (const part of parts) {
    const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(part) ? part : Float64Array.from(part);
    sum.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return sum.digest('hex');
};

function* outputsOf(name: string, dtype: (typeof DTYPES)[number]) {
  const one = kernelCases[name];
  for (const d of one.dims)
    for (const s of one.scalars ?? [{}]) {
      const buffers = buffersOf(name, one, d, s, dtype);
      kernels[name](d, buffers, s);
      yield* buffers.filter((_, k) => operandsOf(name)[k].isOutput);
    }
}

const { images, target } = loadDigits();
const x = NDArray.from(Float64Array.from(images.data, (value) => value / 16)).reshape([-1, 8, 8, 1]);
const networks = {
  dense: () => [layers.flatten({ inputShape: [8, 8, 1] }), layers.dense({ units: 50, activation: 'tanh' })],
  convolutions: () => [
    layers.conv2d({ filters: 8, kernelSize: 3, activation: 'relu', inputShape: [8, 8, 1] }),
    layers.batchNormalization(),
    layers.maxPooling2d(),
    layers.flatten(),
    layers.dropout({ rate: 0.2 }),
  ],
  recurrent: () => [layers.reshape({ targetShape: [8, 8], inputShape: [8, 8, 1] }), layers.lstm({ units: 16 })],
};

function trained(first: () => any[], dtype: (typeof DTYPES)[number]): Bits[] {
  const network = new Sequential({
    layers: [...first(), layers.dense({ units: 10, activation: 'softmax' })],
    ...{ dtype, seed: 1 },
  });
  network.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  const { history } = network.fitSync(x, target, { epochs: 2, batchSize: 32 });
  return [
    ...network.getWeights().map(({ data }) => data as ArrayBufferView),
    ...Object.values(history as Record<string, number[]>),
    network.predictSync(x).data as ArrayBufferView,
  ];
}

const bits: Record<string, string> = {};
for (const dtype of DTYPES) {
  for (const name of Object.keys(kernelCases)) bits[`${name}, ${dtype}`] = hash(outputsOf(name, dtype));
  for (const [name, first] of Object.entries(networks))
    bits[`training, ${name}, ${dtype}`] = hash(trained(first, dtype));
}
const { simd, compiler } = buildInfo() as unknown as Record<string, string>;
console.log(JSON.stringify({ simd, compiler, bits }));
