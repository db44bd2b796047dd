// Networks of all kinds that other programs are to read, and inputs for them.
import {
  activations,
  input,
  type Layer,
  layers,
  type Model,
  model,
  NDArray,
  ops,
  RandomState,
  sequential,
} from 'fjordnet';

export type Dtype = 'float32' | 'float64';
const seq = (list: Layer<any>[], dtype: Dtype) => sequential({ layers: list, seed: 1, dtype });

export const NETWORKS: Readonly<Record<string, (d: Dtype) => Model<any, any>>> = {
  dense: (d) =>
    seq(
      [
        layers.dense({ units: 5, activation: 'relu', inputShape: [4] }),
        layers.dense({ units: 3, activation: 'softmax' }),
      ],
      d,
    ),
  cnn: (d) =>
    seq(
      [
        layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu', inputShape: [8, 9, 2] }),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.conv2d({ filters: 3, kernelSize: 2, strides: 2 }),
        layers.batchNormalization(),
        layers.activation({ activation: 'relu' }),
        layers.flatten(),
        layers.dense({ units: 4, activation: 'softmax' }),
      ],
      d,
    ),
  pools: (d) =>
    seq(
      [
        layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same', inputShape: [9, 7, 3] }),
        layers.maxPooling2d({ poolSize: 2, padding: 'same' }),
        layers.globalAveragePooling2d(),
      ],
      d,
    ),
  globalMax: (d) =>
    seq(
      [
        layers.conv2d({ filters: 4, kernelSize: 3, dilationRate: 2, inputShape: [9, 9, 2] }),
        layers.globalMaxPooling2d(),
      ],
      d,
    ),
  depthwise: (d) =>
    seq(
      [
        layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, padding: 'same', inputShape: [6, 6, 3] }),
        layers.separableConv2d({ filters: 5, kernelSize: 3 }),
        layers.conv2d({ filters: 10, kernelSize: 3, groups: 5, padding: 'same' }),
      ],
      d,
    ),
  transpose: (d) =>
    seq(
      [
        layers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, padding: 'same', inputShape: [4, 5, 2] }),
        layers.conv2dTranspose({ filters: 2, kernelSize: 2, strides: 3, padding: 'valid' }),
        layers.upSampling2d({ size: 2 }),
        layers.zeroPadding2d({
          padding: [
            [1, 2],
            [0, 3],
          ],
        }),
      ],
      d,
    ),
  conv1d: (d) =>
    seq(
      [
        layers.conv1d({
          filters: 4,
          kernelSize: 3,
          padding: 'causal',
          dilationRate: 2,
          activation: 'relu',
          inputShape: [10, 3],
        }),
        layers.maxPooling1d({ poolSize: 2 }),
        layers.averagePooling1d({ poolSize: 2, padding: 'same' }),
        layers.globalAveragePooling1d(),
      ],
      d,
    ),
  lstm: (d) =>
    seq(
      [
        layers.lstm({ units: 5, returnSequences: true, inputShape: [6, 3] }),
        layers.lstm({ units: 4 }),
        layers.dense({ units: 2 }),
      ],
      d,
    ),
  gru: (d) =>
    seq(
      [
        layers.gru({ units: 5, returnSequences: true, inputShape: [6, 3] }),
        layers.gru({ units: 4, resetAfter: false }),
        layers.dense({ units: 2 }),
      ],
      d,
    ),
  rnn: (d) =>
    seq(
      [
        layers.simpleRNN({ units: 5, returnSequences: true, activation: 'relu', inputShape: [6, 3] }),
        layers.simpleRNN({ units: 4, useBias: false, goBackwards: true }),
      ],
      d,
    ),
  oddGates: (d) =>
    seq(
      [
        layers.lstm({
          units: 5,
          returnSequences: true,
          activation: 'softplus',
          recurrentActivation: 'hardSigmoid',
          inputShape: [6, 3],
        }),
        layers.gru({ units: 4, activation: 'elu', recurrentActivation: 'hardSigmoid' }),
      ],
      d,
    ),
  bidirectional: (d) =>
    seq(
      [
        layers.bidirectional({ layer: layers.lstm({ units: 4, returnSequences: true }), inputShape: [6, 3] }),
        layers.bidirectional({ layer: layers.gru({ units: 3 }), mergeMode: 'sum' }),
      ],
      d,
    ),
  masked: (d) =>
    seq(
      [
        layers.embedding({ inputDim: 10, outputDim: 4, maskZero: true, inputShape: [7] }),
        layers.lstm({ units: 4, returnSequences: true }),
        layers.gru({ units: 3 }),
        layers.dense({ units: 2 }),
      ],
      d,
    ),
  maskedBi: (d) =>
    seq(
      [
        layers.masking({ maskValue: 0, inputShape: [5, 2] }),
        layers.bidirectional({ layer: layers.gru({ units: 3, resetAfter: false, returnSequences: true }) }),
        layers.globalAveragePooling1d(),
        layers.dense({ units: 2 }),
      ],
      d,
    ),
  layerNorm: (d) =>
    seq(
      [
        layers.dense({ units: 6, inputShape: [5, 4] }),
        layers.layerNormalization(),
        layers.batchNormalization(),
        layers.dense({ units: 3, activation: 'gelu' }),
      ],
      d,
    ),
  timeDistributed: (d) =>
    seq(
      [
        layers.timeDistributed({
          layer: layers.conv2d({ filters: 2, kernelSize: 2, activation: 'relu' }),
          inputShape: [3, 5, 5, 1],
        }),
        layers.timeDistributed({ layer: layers.flatten() }),
        layers.lstm({ units: 3 }),
      ],
      d,
    ),
  repeat: (d) =>
    seq(
      [
        layers.dense({ units: 3, inputShape: [4] }),
        layers.repeatVector({ n: 5 }),
        layers.permute({ dims: [2, 1] }),
        layers.reshape({ targetShape: [5, 3] }),
        layers.simpleRNN({ units: 2, returnSequences: true }),
      ],
      d,
    ),
  dropout: (d) =>
    seq(
      [
        layers.dropout({ rate: 0.5, inputShape: [4] }),
        layers.gaussianNoise({ stddev: 1 }),
        layers.rescaling({ scale: [1, 2, 3, 4], offset: -1 }),
        layers.dense({ units: 3 }),
        layers.prelu(),
        layers.leakyReLU(),
        layers.softmax(),
      ],
      d,
    ),
  residual: (d) => {
    const x = input({ shape: [6, 6, 3] });
    let h = layers.conv2d({ filters: 3, kernelSize: 3, padding: 'same' }).apply(x);
    h = layers.batchNormalization().apply(h);
    h = layers.add().apply([h, x]);
    h = layers.activation({ activation: 'relu' }).apply(h);
    const c = layers.concatenate().apply([h, x]);
    const y = layers.globalAveragePooling2d().apply(layers.conv2d({ filters: 4, kernelSize: 1 }).apply(c));
    return model({ inputs: x, outputs: layers.dense({ units: 2, activation: 'sigmoid' }).apply(y), seed: 1, dtype: d });
  },
  two: (d) => {
    const a = input({ shape: [4], name: 'a' }),
      b = input({ shape: [3], name: 'b' });
    const h = layers.dense({ units: 5, activation: 'tanh' });
    const m = layers.concatenate().apply([h.apply(a), b]);
    return model({
      inputs: [a, b],
      outputs: [
        layers.dense({ units: 2, name: 'p', activation: 'softmax' }).apply(m),
        layers.dense({ units: 1, name: 'q' }).apply(m),
        m,
      ],
      seed: 1,
      dtype: d,
    });
  },
  attention: (d) => {
    const x = input({ shape: [5, 8] });
    const h = layers.multiHeadAttention({ numHeads: 2, keyDim: 4, useCausalMask: true }).apply([x, x]);
    const n = layers.layerNormalization().apply(layers.add().apply([x, h]));
    return model({ inputs: x, outputs: layers.dense({ units: 3 }).apply(n), seed: 1, dtype: d });
  },
  attentionMasked: (d) => {
    const x = input({ shape: [5], dtype: 'int32' });
    const e = layers.embedding({ inputDim: 9, outputDim: 6, maskZero: true }).apply(x);
    const h = layers.multiHeadAttention({ numHeads: 2, keyDim: 3, returnAttentionScores: true }).apply([e, e]);
    return model({ inputs: x, outputs: [layers.globalAveragePooling1d().apply(h[0]), h[1]], seed: 1, dtype: d });
  },
  seq2seq: (d) => {
    const x = input({ shape: [4, 3], name: 'x' }),
      y = input({ shape: [5, 2], name: 'y' });
    const [, h, c] = layers.lstm({ units: 4, returnState: true }).apply(x);
    const out = layers.lstm({ units: 4, returnSequences: true }).apply([y, h, c]);
    return model({ inputs: [x, y], outputs: layers.dense({ units: 2 }).apply(out), seed: 1, dtype: d });
  },
  states: (d) => {
    const x = input({ shape: [4, 3] });
    const out = layers.lstm({ units: 4, returnState: true, returnSequences: true }).apply(x);
    return model({ inputs: x, outputs: [...out], seed: 1, dtype: d });
  },
  ops: (d) => {
    const x = input({ shape: [4, 3] });
    const a = ops.add(ops.mul(x, [1, 2, 3]), ops.log1p(ops.abs(x)));
    const b = ops.where(ops.greater(a, 0), ops.sqrt(ops.abs(a)), ops.exp(x));
    const c = ops.concat(
      [
        ops.max(b, { axis: 0, keepDims: true }),
        ops.mean(b, { axis: 0, keepDims: true }),
        ops.sum(b, { axis: 0, keepDims: true }),
        ops.min(x, { axis: 0, keepDims: true }),
      ],
      { axis: 0 },
    );
    const e = ops.matmul(c, ops.transpose(b));
    return model({
      inputs: x,
      outputs: [
        ops.logSoftmax(e),
        ops.pow(ops.abs(x), 1.5),
        ops.gather(x, [2, 0]),
        ops.sign(ops.sub(1, x)),
        ops.div(x, ops.add(ops.square(x), 1)),
        ops.maximum(x, ops.mean(x)),
        ops.minimum(x, 0.1),
        ops.slice(x, [1, 0], [2, 2]),
        ops.oneHot(ops.greater(ops.sum(x), 0), 2),
        ops.equal(x, x),
        ops.neg(x),
      ],
      seed: 1,
      dtype: d,
    });
  },
  activationsAll: (d) => {
    const x = input({ shape: [6] });
    const names = Object.keys(activations).filter((name) => name !== 'heaviside');
    return model({
      inputs: x,
      outputs: names.map((n) => layers.activation({ activation: n, name: `act_${n}` }).apply(x)),
      seed: 1,
      dtype: d,
    });
  },
  geluApprox: (d) =>
    seq(
      [
        layers.dense({ units: 3, activation: activations.gelu({ approximate: true }), inputShape: [4] }),
        layers.dense({ units: 3, activation: activations.leakyRelu({ alpha: 0.2 }) }),
        layers.dense({ units: 3, activation: activations.celu({ alpha: 0.7 }) }),
      ],
      d,
    ),
  nested: (d) => {
    const inner = seq(
      [layers.dense({ units: 4, activation: 'relu', inputShape: [4], name: 'same' }), layers.dense({ units: 4 })],
      d,
    );
    const x = input({ shape: [4] });
    return model({
      inputs: x,
      outputs: layers.dense({ units: 1 }).apply(inner.apply(inner.apply(x))),
      seed: 1,
      dtype: d,
    });
  },
  passThrough: (d) => {
    const x = input({ shape: [4], name: 'x' });
    const y = layers.dense({ units: 4 }).apply(x);
    return model({ inputs: x, outputs: [y, ops.add(y, 1)], seed: 1, dtype: d });
  },
  positional: (d) => {
    const x = input({ shape: [5], dtype: 'int32' });
    const e = layers.embedding({ inputDim: 9, outputDim: 6 }).apply(x);
    const pos = ops.add(
      e,
      ops.reshape(
        Float64Array.from({ length: 30 }, (_, i) => i / 10),
        [5, 6],
      ),
    );
    return model({ inputs: x, outputs: layers.spatialDropout1d({ rate: 0.2 }).apply(pos), seed: 1, dtype: d });
  },
};

/** The network with weights that are no defaults, and two to four samples for each input. */
export function drawn(name: string, dtype: Dtype): { network: Model<any, any>; inputs: NDArray[] } {
  const network = NETWORKS[name](dtype);
  const random = new RandomState(5);
  const names = network.weightNames;
  network.setWeights(
    network.getWeights().map((w, i) => {
      const values = random.normal(0, 0.5, w.shape);
      return names[i].endsWith('Variance')
        ? NDArray.from(values.data.map((v) => v * v + 0.1)).reshape(...w.shape)
        : values;
    }),
  );
  const inputs = network.inputs.map(({ shape, dtype: kind }) =>
    kind === 'int32' ? random.randint(0, 8, [3, ...shape]) : random.normal(0, 1, [3, ...shape]),
  );
  return { network, inputs };
}

/** What a network gives, as a list. */
export async function predicted(network: Model<any, any>, inputs: readonly NDArray[]): Promise<NDArray[]> {
  const outputs = await network.predict(inputs.length > 1 ? inputs : inputs[0]);
  return Array.isArray(outputs) ? outputs : [outputs];
}
