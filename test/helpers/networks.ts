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

const seq = (list: Layer<any>[], dtype?: 'float32' | 'float64') =>
  sequential({ layers: list, seed: 1, ...(dtype && { dtype }) });

/** Networks of every kind, small ones, that other programs are to compute as we do. */
export const MODELS: Readonly<Record<string, (dtype?: 'float32' | 'float64') => Model<any, any>>> = {
  dense: (dtype) =>
    seq(
      [
        layers.dense({ units: 5, activation: 'relu', inputShape: [4] }),
        layers.dense({ units: 3, activation: 'softmax' }),
      ],
      dtype,
    ),
  cnn: (dtype) =>
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
      dtype,
    ),
  pools: (dtype) =>
    seq(
      [
        layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same', inputShape: [9, 7, 3] }),
        layers.maxPooling2d({ poolSize: 2, padding: 'same' }),
        layers.globalAveragePooling2d(),
      ],
      dtype,
    ),
  globalMax: (dtype) =>
    seq(
      [
        layers.conv2d({ filters: 4, kernelSize: 3, dilationRate: 2, inputShape: [9, 9, 2] }),
        layers.globalMaxPooling2d(),
      ],
      dtype,
    ),
  kept: (dtype) => {
    const x = input({ shape: [5, 4, 3], name: 'x' });
    const mean = layers.globalAveragePooling2d({ keepDims: true }).apply(x);
    const gate = layers.conv2d({ filters: 3, kernelSize: 1, activation: 'sigmoid' }).apply(mean);
    const h = layers.multiply().apply([x, gate]);
    const rows = layers.timeDistributed({ layer: layers.globalMaxPooling1d({ keepDims: true }) }).apply(h);
    const y = input({ shape: [6, 2], name: 'y' });
    const last = layers.globalMaxPooling2d({ keepDims: true }).apply(rows as never);
    const mean1d = layers.globalAveragePooling1d({ keepDims: true });
    const steps = mean1d.apply(layers.masking().apply(y));
    return model({ inputs: [x, y], outputs: [last, steps], seed: 1, dtype });
  },
  stepwise: (dtype) =>
    seq(
      [
        layers.timeDistributed({
          layer: sequential({
            layers: [
              layers.conv2d({ filters: 3, kernelSize: 3, inputShape: [6, 6, 2] }),
              layers.globalMaxPooling2d(),
              layers.dense({ units: 4, activation: 'tanh' }),
            ],
            name: 'frame',
          }),
          inputShape: [3, 6, 6, 2],
        }),
        layers.dense({ units: 2 }),
      ],
      dtype,
    ),
  depthwise: (dtype) =>
    seq(
      [
        layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, padding: 'same', inputShape: [6, 6, 3] }),
        layers.separableConv2d({ filters: 5, kernelSize: 3 }),
        layers.conv2d({ filters: 10, kernelSize: 3, groups: 5, padding: 'same' }),
      ],
      dtype,
    ),
  transpose: (dtype) =>
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
      dtype,
    ),
  bilinear: (dtype) =>
    seq(
      [
        layers.conv2d({ filters: 3, kernelSize: 2, inputShape: [4, 5, 2] }),
        layers.upSampling2d({ size: [3, 2], interpolation: 'bilinear' }),
        layers.conv2d({ filters: 2, kernelSize: 2, strides: 2 }),
      ],
      dtype,
    ),
  enlarged: (dtype) =>
    seq(
      [
        layers.conv2dTranspose({
          filters: 3,
          kernelSize: 3,
          strides: 2,
          padding: 'same',
          outputPadding: 0,
          inputShape: [4, 3, 2],
        }),
        layers.conv2dTranspose({ filters: 2, kernelSize: [2, 3], strides: [3, 2], outputPadding: [2, 1] }),
      ],
      dtype,
    ),
  conv1d: (dtype) =>
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
      dtype,
    ),
  separable1d: (dtype) =>
    seq(
      [
        layers.separableConv1d({ filters: 6, kernelSize: 3, depthMultiplier: 2, inputShape: [9, 2] }),
        layers.groupNormalization({ groups: 3 }),
        layers.depthwiseConv1d({ kernelSize: 2, strides: 2, padding: 'same', activation: 'selu' }),
        layers.alphaDropout({ rate: 0.1 }),
        layers.conv1dTranspose({ filters: 3, kernelSize: 3, strides: 2, padding: 'same' }),
        layers.gaussianDropout({ rate: 0.2 }),
        layers.reLU({ maxValue: 1, negativeSlope: 0.25, threshold: 0.5 }),
      ],
      dtype,
    ),
  groups: (dtype) =>
    seq(
      [
        layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [6, 5, 2] }),
        layers.groupNormalization({ groups: 2 }),
        layers.reLU({ maxValue: 0.5 }),
        layers.groupNormalization({ groups: -1, axis: 1, epsilon: 0.01 }),
        layers.reLU({ threshold: 0.25 }),
      ],
      dtype,
    ),
  lstm: (dtype) =>
    seq(
      [
        layers.lstm({ units: 5, returnSequences: true, inputShape: [6, 3] }),
        layers.lstm({ units: 4 }),
        layers.dense({ units: 2 }),
      ],
      dtype,
    ),
  gru: (dtype) =>
    seq(
      [
        layers.gru({ units: 5, returnSequences: true, inputShape: [6, 3] }),
        layers.gru({ units: 4, resetAfter: false }),
        layers.dense({ units: 2 }),
      ],
      dtype,
    ),
  gruAfter: (dtype) =>
    seq(
      [layers.gru({ units: 5, returnSequences: true, inputShape: [6, 3] }), layers.gru({ units: 4, useBias: false })],
      dtype,
    ),
  rnn: (dtype) =>
    seq(
      [
        layers.simpleRNN({ units: 5, returnSequences: true, activation: 'relu', inputShape: [6, 3] }),
        layers.simpleRNN({ units: 4, useBias: false, goBackwards: true }),
      ],
      dtype,
    ),
  oddGates: (dtype) =>
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
      dtype,
    ),
  bidirectional: (dtype) =>
    seq(
      [
        layers.bidirectional({ layer: layers.lstm({ units: 4, returnSequences: true }), inputShape: [6, 3] }),
        layers.bidirectional({ layer: layers.gru({ units: 3 }), mergeMode: 'sum' }),
      ],
      dtype,
    ),
  directions: (dtype) =>
    seq(
      [
        layers.bidirectional({
          layer: layers.simpleRNN({ units: 4, useBias: false, returnSequences: true }),
          mergeMode: 'ave',
          inputShape: [5, 3],
        }),
        layers.bidirectional({ layer: layers.lstm({ units: 3 }), mergeMode: 'mul' }),
      ],
      dtype,
    ),
  masked: (dtype) =>
    seq(
      [
        layers.embedding({ inputDim: 10, outputDim: 4, maskZero: true, inputShape: [7] }),
        layers.lstm({ units: 4, returnSequences: true }),
        layers.gru({ units: 3 }),
        layers.dense({ units: 2 }),
      ],
      dtype,
    ),
  maskedBi: (dtype) =>
    seq(
      [
        layers.masking({ maskValue: 0, inputShape: [5, 2] }),
        layers.bidirectional({ layer: layers.gru({ units: 3, resetAfter: false, returnSequences: true }) }),
        layers.globalAveragePooling1d(),
        layers.dense({ units: 2 }),
      ],
      dtype,
    ),
  layerNorm: (dtype) =>
    seq(
      [
        layers.dense({ units: 6, inputShape: [5, 4] }),
        layers.layerNormalization(),
        layers.batchNormalization(),
        layers.dense({ units: 3, activation: 'gelu' }),
      ],
      dtype,
    ),
  halfNormal: (dtype) =>
    seq(
      [
        layers.prelu({ sharedAxes: [1, 2], inputShape: [4, 4, 3] }),
        layers.layerNormalization({ center: false }),
        layers.layerNormalization({ scale: false, center: false }),
      ],
      dtype,
    ),
  rootMeanSquare: (dtype) =>
    seq(
      [
        layers.rmsNormalization({ inputShape: [5, 4] }),
        layers.dense({ units: 6 }),
        layers.rmsNormalization({ axis: [-1], epsilon: 0.25 }),
        layers.unitNormalization({ axis: 1 }),
        layers.dense({ units: 3 }),
        layers.unitNormalization(),
      ],
      dtype,
    ),
  timeDistributed: (dtype) =>
    seq(
      [
        layers.timeDistributed({
          layer: layers.conv2d({ filters: 2, kernelSize: 2, activation: 'relu' }),
          inputShape: [3, 5, 5, 1],
        }),
        layers.timeDistributed({ layer: layers.flatten() }),
        layers.lstm({ units: 3 }),
      ],
      dtype,
    ),
  repeat: (dtype) =>
    seq(
      [
        layers.dense({ units: 3, inputShape: [4] }),
        layers.repeatVector({ n: 5 }),
        layers.permute({ dims: [2, 1] }),
        layers.reshape({ targetShape: [5, 3] }),
        layers.simpleRNN({ units: 2, returnSequences: true }),
      ],
      dtype,
    ),
  dropout: (dtype) =>
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
      dtype,
    ),
  residual: (dtype) => {
    const x = input({ shape: [6, 6, 3] });
    let h = layers.conv2d({ filters: 3, kernelSize: 3, padding: 'same' }).apply(x);
    h = layers.batchNormalization().apply(h);
    h = layers.add().apply([h, x]);
    h = layers.activation({ activation: 'relu' }).apply(h);
    const c = layers.concatenate().apply([h, x]);
    const y = layers.globalAveragePooling2d().apply(layers.conv2d({ filters: 4, kernelSize: 1 }).apply(c));
    return model({ inputs: x, outputs: layers.dense({ units: 2, activation: 'sigmoid' }).apply(y), seed: 1, dtype });
  },
  two: (dtype) => {
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
      dtype,
    });
  },
  attention: (dtype) => {
    const x = input({ shape: [5, 8] });
    const h = layers.multiHeadAttention({ numHeads: 2, keyDim: 4, useCausalMask: true }).apply([x, x]);
    const n = layers.layerNormalization().apply(layers.add().apply([x, h]));
    return model({ inputs: x, outputs: layers.dense({ units: 3 }).apply(n), seed: 1, dtype });
  },
  attentionMasked: (dtype) => {
    const x = input({ shape: [5], dtype: 'int32' });
    const e = layers.embedding({ inputDim: 9, outputDim: 6, maskZero: true }).apply(x);
    const h = layers.multiHeadAttention({ numHeads: 2, keyDim: 3, returnAttentionScores: true }).apply([e, e]);
    return model({ inputs: x, outputs: [layers.globalAveragePooling1d().apply(h[0]), h[1]], seed: 1, dtype });
  },
  attentionPlain: (dtype) => {
    const x = input({ shape: [5], dtype: 'int32' });
    const e = layers.embedding({ inputDim: 9, outputDim: 6, maskZero: true }).apply(x);
    const [h, w] = layers.attention({ useScale: true, useCausalMask: true, returnAttentionScores: true }).apply([e, e]);
    const a = layers.additiveAttention({ dropout: 0.1 }).apply([h, e]);
    const c = layers.attention({ scoreMode: 'concat', useScale: true }).apply([a, e, h]);
    return model({ inputs: x, outputs: [layers.globalAveragePooling1d().apply(c), w], seed: 1, dtype });
  },
  attentionAcross: (dtype) => {
    const [q, v, k] = [input({ shape: [4, 8] }), input({ shape: [5, 3] }), input({ shape: [5, 2] })];
    const h = layers.multiHeadAttention({ numHeads: 2, keyDim: 4 }).apply([q, v, k]);
    const y = layers.multiHeadAttention({ numHeads: 2, keyDim: 4, useBias: false }).apply([h, h]);
    return model({ inputs: [q, v, k], outputs: y, seed: 1, dtype });
  },
  seq2seq: (dtype) => {
    const x = input({ shape: [4, 3], name: 'x' }),
      y = input({ shape: [5, 2], name: 'y' });
    const [, h, c] = layers.lstm({ units: 4, returnState: true }).apply(x);
    const out = layers.lstm({ units: 4, returnSequences: true }).apply([y, h, c]);
    return model({ inputs: [x, y], outputs: layers.dense({ units: 2 }).apply(out), seed: 1, dtype });
  },
  states: (dtype) => {
    const x = input({ shape: [4, 3] });
    const out = layers.lstm({ units: 4, returnState: true, returnSequences: true }).apply(x);
    return model({ inputs: x, outputs: [...out], seed: 1, dtype });
  },
  ops: (dtype) => {
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
        ops.mul(ops.sin(x), ops.cos(ops.mul(x, 2))),
        ops.add(ops.floor(x), ops.add(ops.ceil(x), ops.round(ops.mul(x, 2)))),
        ops.add(ops.var(x, { axis: 1 }), ops.std(x, { axis: 1 })),
        ops.logSumExp(x, { axis: 0, keepDims: true }),
        ops.sub(ops.cumsum(x, { axis: 0, reverse: true }), ops.cumsum(x)),
      ],
      seed: 1,
      dtype,
    });
  },
  activationsAll: (dtype) => {
    const x = input({ shape: [6] });
    const names = Object.keys(activations).filter((name) => name !== 'heaviside');
    return model({
      inputs: x,
      outputs: names.map((n) => layers.activation({ activation: n, name: `act_${n}` }).apply(x)),
      seed: 1,
      dtype,
    });
  },
  heaviside: (dtype) => seq([layers.dense({ units: 3, activation: 'heaviside', inputShape: [4] })], dtype),
  augmented: (dtype) =>
    seq(
      [
        layers.randomFlip({ inputShape: [6, 5, 2] }),
        layers.randomFlip({ mode: 'vertical' }),
        layers.randomRotation({ factor: 0.1, fillMode: 'nearest' }),
        layers.randomTranslation({ heightFactor: [-0.1, 0.2], widthFactor: 0.3, interpolation: 'nearest' }),
        layers.randomZoom({ heightFactor: [-0.2, 0.1], fillMode: 'constant', fillValue: 0.5 }),
        layers.randomZoom({ heightFactor: 0.1, widthFactor: 0.2, fillMode: 'wrap' }),
        layers.randomContrast({ factor: [0.1, 0.4], valueRange: [-1, 1] }),
        layers.conv2d({ filters: 2, kernelSize: 2 }),
      ],
      dtype,
    ),
  geluApprox: (dtype) =>
    seq(
      [
        layers.dense({ units: 3, activation: activations.gelu({ approximate: true }), inputShape: [4] }),
        layers.dense({ units: 3, activation: activations.leakyRelu({ alpha: 0.2 }) }),
        layers.dense({ units: 3, activation: activations.celu({ alpha: 0.7 }) }),
      ],
      dtype,
    ),
  nested: (dtype) => {
    const inner = seq(
      [layers.dense({ units: 4, activation: 'relu', inputShape: [4], name: 'same' }), layers.dense({ units: 4 })],
      dtype,
    );
    const x = input({ shape: [4] });
    return model({ inputs: x, outputs: layers.dense({ units: 1 }).apply(inner.apply(inner.apply(x))), seed: 1, dtype });
  },
  passThrough: (dtype) => {
    const x = input({ shape: [4], name: 'x' });
    const y = layers.dense({ units: 4 }).apply(x);
    return model({ inputs: x, outputs: [y, ops.add(y, 1)], seed: 1, dtype });
  },
  positional: (dtype) => {
    const x = input({ shape: [5], dtype: 'int32' });
    const e = layers.embedding({ inputDim: 9, outputDim: 6 }).apply(x);
    const pos = ops.add(
      e,
      ops.reshape(
        Float64Array.from({ length: 30 }, (_, i) => i / 10),
        [5, 6],
      ),
    );
    return model({ inputs: x, outputs: layers.spatialDropout1d({ rate: 0.2 }).apply(pos), seed: 1, dtype });
  },
};

/** Attention of scales that are not those of other programs: Keras', PyTorch's, twice PyTorch's. */
export function scaledAttention(dtype?: 'float32' | 'float64'): Model<any, any> {
  const [q, v, k] = [input({ shape: [4, 6] }), input({ shape: [5, 3] }), input({ shape: [5, 2] })];
  const attention = (options: object) => layers.multiHeadAttention({ numHeads: 2, keyDim: 3, ...options });
  const h = attention({}).apply([q, v, k]);
  const g = attention({ useBias: false, scale: 1 / Math.sqrt(3) }).apply([h, h]);
  return model({ inputs: [q, v, k], outputs: attention({ scale: 2 / Math.sqrt(3) }).apply([g, g]), seed: 1, dtype });
}

/** Random numbers for its weights, also for those that begin as zeros and ones; variances positive. */
export function filled(network: Model<any, any>, seed = 5): void {
  const random = new RandomState(seed);
  const names = network.weightNames;
  network.setWeights(
    network.getWeights().map((weight, i) => {
      const numbers = random.normal(0, 0.5, weight.shape) as NDArray;
      return names[i].endsWith('ariance')
        ? NDArray.wrap(
            Float64Array.from(numbers.data, (x) => x * x + 0.1),
            weight.shape,
          )
        : numbers;
    }),
  );
}

/** One of them with weights that are no defaults, and samples for it. */
export function drawn(name: string, dtype: 'float32' | 'float64'): { network: Model<any, any>; inputs: NDArray[] } {
  const network = MODELS[name](dtype);
  filled(network);
  return { network, inputs: samplesFor(network) };
}

/** Samples for each of its inputs; of sequences some steps hold zeros only. */
export function samplesFor(network: Model<any, any>, n = 3, seed = 3): NDArray[] {
  const random = new RandomState(seed);
  return network.inputs.map(({ shape, dtype }) => {
    if (dtype === 'int32') return random.randint(0, 8, [n, ...shape]) as NDArray;
    const x = random.normal(0, 1, [n, ...shape]) as NDArray;
    if (shape.length === 2) x.data.fill(0, (shape[0] - 2) * shape[1], shape[0] * shape[1]);
    return x;
  });
}

/** What it gives, as a list. */
export async function outputsOf(network: Model<any, any>, x: readonly NDArray[]): Promise<NDArray[]> {
  const y = await network.predict((x.length > 1 ? x : x[0]) as never);
  return Array.isArray(y) ? y : [y];
}
