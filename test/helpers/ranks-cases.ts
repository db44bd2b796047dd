// Trainings that several ranks do together, and one process with the batch of all.
import {
  activations,
  custom,
  type FitOptions,
  input,
  layers,
  MLPClassifier,
  MLPRegressor,
  model,
  NDArray,
  ops,
  optimizers,
  RandomState,
  regularizers,
  Sequential,
} from 'fjordnet';

type DType = 'float32' | 'float64';
export interface Trained {
  readonly history: Record<string, readonly number[]>;
  readonly weights: readonly NDArray[];
}
type Given = Pick<FitOptions, 'distributed'>;

export const SAMPLES = 103;
const EPOCHS = 5;

/** Classes, numbers, features: the same for whoever draws them. */
function data() {
  const random = new RandomState(7);
  const x = random.normal(0, 1, [SAMPLES, 6]);
  const codes = Int32Array.from({ length: SAMPLES }, () => Math.floor(random.randomSample() * 3));
  const oneHot = NDArray.from(Array.from(codes, (code) => [0, 1, 2].map((k) => Number(k === code))));
  const numbers = random.normal(0, 1, [SAMPLES, 1]);
  const images = random.normal(0, 1, [SAMPLES, 8, 8, 1]);
  const steps = 7;
  const ids = Int32Array.from({ length: SAMPLES * steps }, (_, i) =>
    i % steps > 1 + (Math.floor(i / steps) % 6) ? 0 : 1 + Math.floor(random.randomSample() * 19),
  );
  const tags = Int32Array.from({ length: SAMPLES * steps }, () => Math.floor(random.randomSample() * 4));
  const sampleWeight = Float64Array.from({ length: SAMPLES }, (_, i) => (i % 5) / 3);
  return {
    ...{ x, codes, oneHot, numbers, images, sampleWeight },
    ids: NDArray.from(ids).reshape([SAMPLES, steps]),
    tags: NDArray.from(tags).reshape([SAMPLES, steps]),
  };
}

type Case = (dtype: DType, batchSize: number, given: Given) => Promise<Trained>;

const fitted = async (network: Sequential, x: NDArray, y: NDArray, options: FitOptions) => {
  const { history } = await network.fit(x, y, options);
  return { history, weights: network.getWeights() };
};

/** Trainings whose losses and weights are those of one process. */
export const cases: Record<string, Case> = {
  async 'dropout, noise, penalties, clipping, metrics of counts'(dtype, batchSize, given) {
    const { x, oneHot } = data();
    const l2 = regularizers.l2({ l2: 0.01 });
    const network = new Sequential({
      layers: [
        layers.dense({ units: 9, activation: 'relu', inputShape: [6], kernelRegularizer: l2, activityRegularizer: l2 }),
        layers.dropout({ rate: 0.4 }),
        layers.gaussianNoise({ stddev: 0.1 }),
        layers.dense({ units: 3, activation: 'softmax' }),
      ],
      ...{ dtype, seed: 3 },
    });
    const optimizer = optimizers.adam({ learningRate: 0.01, globalClipNorm: 1, gradientAccumulationSteps: 2 });
    network.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy', 'auc'] });
    return fitted(network, x, oneHot, { epochs: EPOCHS, batchSize, validationSplit: 0.2, ...given });
  },

  async 'weights of samples, moving averages of weights'(dtype, batchSize, given) {
    const { x, numbers, sampleWeight } = data();
    const network = new Sequential({
      layers: [layers.dense({ units: 20, activation: 'tanh', inputShape: [6] }), layers.dense({ units: 1 })],
      ...{ dtype, seed: 3 },
    });
    const optimizer = optimizers.sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true, useEma: true });
    network.compile({ optimizer, loss: 'meanSquaredError', metrics: ['meanAbsoluteError', 'rSquared'] });
    const validationData = [x, numbers, sampleWeight] as const;
    return fitted(network, x, numbers, { epochs: EPOCHS, batchSize, validationData, sampleWeight, ...given });
  },

  async 'masked steps, recurrent dropout'(dtype, batchSize, given) {
    const { ids, tags } = data();
    const network = new Sequential({
      layers: [
        layers.embedding({ inputDim: 20, outputDim: 5, maskZero: true, inputShape: [7] }),
        layers.lstm({ units: 6, returnSequences: true, dropout: 0.2, recurrentDropout: 0.2 }),
        layers.timeDistributed({ layer: layers.dense({ units: 4, activation: 'softmax' }) }),
      ],
      ...{ dtype, seed: 3 },
    });
    network.compile({ optimizer: 'rmsprop', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
    return fitted(network, ids, tags, { epochs: EPOCHS, batchSize, validationData: [ids, tags], ...given });
  },

  async 'images, augmentation, weights of classes'(dtype, batchSize, given) {
    const { images, oneHot } = data();
    const network = new Sequential({
      layers: [
        layers.randomFlip({ inputShape: [8, 8, 1] }),
        layers.randomContrast({ factor: 0.2 }),
        layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu' }),
        layers.maxPooling2d(),
        layers.spatialDropout2d({ rate: 0.3 }),
        layers.flatten(),
        layers.dense({ units: 3, activation: 'softmax' }),
      ],
      ...{ dtype, seed: 3 },
    });
    network.compile({ optimizer: 'nadam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    return fitted(network, images, oneHot, { epochs: EPOCHS, batchSize, classWeight: { 0: 2 }, ...given });
  },

  async 'two outputs, a frozen layer, a loss of one’s own'(dtype, batchSize, given) {
    const { x, oneHot, numbers } = data();
    const pixels = input({ shape: [6], name: 'pixels' });
    const hidden = layers.dense({ units: 8, activation: activations.gelu() }).apply(pixels);
    const frozen = layers.dense({ units: 8, name: 'frozen', trainable: false }).apply(hidden);
    const both = layers.add().apply([hidden, frozen]);
    const network = model({
      inputs: pixels,
      outputs: [
        layers.dense({ units: 3, activation: 'softmax', name: 'kind' }).apply(both),
        layers.dense({ units: 1, name: 'size' }).apply(both),
      ],
      ...{ dtype, seed: 3 },
    });
    const absolute = custom.loss('ranks-absolute', (yTrue, yPred) =>
      ops.mean(ops.abs(ops.sub(yTrue, yPred)), { axis: -1 }),
    );
    network.compile({
      optimizer: 'adam',
      loss: { kind: 'categoricalCrossentropy', size: absolute },
      lossWeights: { kind: 1, size: 0.3 },
    });
    const { history } = await network.fit(x, { kind: oneHot, size: numbers }, { epochs: EPOCHS, batchSize, ...given });
    return { history, weights: network.getWeights() };
  },

  async 'batches of a source'(dtype, batchSize, given) {
    const { x, numbers } = data();
    const network = new Sequential({ layers: [layers.dense({ units: 1, inputShape: [6] })], dtype, seed: 3 });
    network.compile({ optimizer: 'sgd', loss: 'huber' });
    const batches = function* () {
      for (let i = 0; i < SAMPLES; i += batchSize) {
        const part: [number, number] = [i, Math.min(SAMPLES, i + batchSize)];
        yield [x.slice(part), numbers.slice(part)];
      }
    };
    const { history } = await network.fit(batches, { epochs: EPOCHS, validationData: batches, ...given });
    return { history, weights: network.getWeights() };
  },

  async 'MLPClassifier, early stopping'(dtype, batchSize, given) {
    const { x, codes, sampleWeight } = data();
    const estimator = new MLPClassifier({
      ...{ hiddenLayerSizes: [8, 5], solver: 'adam', batchSize, maxIter: 6, nIterNoChange: 3, tol: 1e-2 },
      ...{ earlyStopping: true, validationFraction: 0.2, randomState: 5, learningRateInit: 0.01 },
    });
    const weights = Float64Array.from(sampleWeight, (weight) => weight + 0.1);
    await estimator.fit(dtype === 'float32' ? NDArray.from(x, { dtype }) : x, codes, {
      sampleWeight: weights,
      ...given,
    });
    const { lossCurve, validationScores, coefs, intercepts } = estimator;
    return { history: { lossCurve, scores: validationScores as number[] }, weights: [...coefs, ...intercepts] };
  },

  async 'MLPRegressor, sgd'(dtype, batchSize, given) {
    const { x, numbers } = data();
    const estimator = new MLPRegressor({
      ...{ hiddenLayerSizes: [8], solver: 'sgd', batchSize, maxIter: 6, learningRate: 'adaptive', randomState: 5 },
    });
    await estimator.fit(dtype === 'float32' ? NDArray.from(x, { dtype }) : x, numbers.reshape([SAMPLES]), given);
    const { lossCurve, coefs, intercepts } = estimator;
    return { history: { lossCurve }, weights: [...coefs, ...intercepts] };
  },
};
