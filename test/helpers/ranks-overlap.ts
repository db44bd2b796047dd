// Trainings of several ranks with more gradients than one part of an overlapped sum has: 32768 values of float64.
import {
  type FitOptions,
  input,
  layers,
  type Model,
  model,
  NDArray,
  optimizers,
  RandomState,
  regularizers,
} from 'fjordnet';
import type { Trained } from './ranks-cases.js';

const SAMPLES = 61;
type Given = Pick<FitOptions, 'distributed' | 'overlap'>;

function data() {
  const random = new RandomState(11);
  const steps = 5;
  const ids = Int32Array.from({ length: SAMPLES * steps }, (_, i) =>
    i % steps > 1 + (Math.floor(i / steps) % 4) ? 0 : 1 + Math.floor(random.randomSample() * 19),
  );
  const tags = Int32Array.from({ length: SAMPLES * steps }, () => Math.floor(random.randomSample() * 4));
  return {
    x: random.normal(0, 1, [SAMPLES, 6]),
    y: random.normal(0, 1, [SAMPLES, 2]),
    ids: NDArray.from(ids).reshape([SAMPLES, steps]),
    tags: NDArray.from(tags).reshape([SAMPLES, steps]),
    sampleWeight: Float64Array.from({ length: SAMPLES }, (_, i) => (i % 5) / 3),
  };
}

const fitted = async (network: Model, x: NDArray, y: NDArray, options: FitOptions): Promise<Trained> => {
  const { history } = await network.fit(x, y, { epochs: 3, ...options });
  return { history, weights: network.getWeights() };
};

const dense = (units: number, options = {}) => layers.dense({ units, activation: 'tanh', ...options });

export const overlapCases: Record<string, (batchSize: number, given: Given) => Promise<Trained>> = {
  async 'penalties, one norm of all, accumulated steps'(batchSize, given) {
    const { x, y, sampleWeight } = data();
    const pixels = input({ shape: [6] });
    const kernelRegularizer = regularizers.l2({ l2: 0.01 });
    let hidden = dense(200, { kernelRegularizer }).apply(pixels);
    for (let i = 0; i < 3; i++)
      hidden = dense(200, { kernelRegularizer }).apply(layers.dropout({ rate: 0.2 }).apply(hidden));
    const network = model({
      inputs: pixels,
      outputs: layers.dense({ units: 2 }).apply(hidden),
      dtype: 'float64',
      seed: 3,
    });
    const optimizer = optimizers.adam({ learningRate: 0.01, globalClipNorm: 0.1, gradientAccumulationSteps: 2 });
    network.compile({ optimizer, loss: 'meanSquaredError', metrics: ['meanAbsoluteError'] });
    return fitted(network, x, y, { batchSize, sampleWeight, validationSplit: 0.2, ...given });
  },

  // the first weights are complete last, as the shared ones are used behind them and in front
  async 'shared weights, a frozen layer'(batchSize, given) {
    const { x, y } = data();
    const pixels = input({ shape: [6] });
    const shared = dense(190);
    const wide = dense(190).apply(pixels);
    const once = dense(190).apply(shared.apply(wide));
    const frozen = dense(190, { trainable: false }).apply(once);
    const twice = shared.apply(dense(190).apply(layers.add().apply([frozen, once])));
    const outputs = layers.dense({ units: 2 }).apply(layers.add().apply([twice, wide]));
    const network = model({ inputs: pixels, outputs, dtype: 'float64', seed: 3 });
    network.compile({ optimizer: optimizers.sgd({ learningRate: 0.01, momentum: 0.9 }), loss: 'meanSquaredError' });
    return fitted(network, x, y, { batchSize, ...given });
  },

  async 'masked steps, whose number is another sum'(batchSize, given) {
    const { ids, tags } = data();
    const words = input({ shape: [5], dtype: 'int32' });
    const embedded = layers.embedding({ inputDim: 20, outputDim: 60, maskZero: true }).apply(words);
    const first = layers.lstm({ units: 100, returnSequences: true }).apply(embedded);
    const second = layers.lstm({ units: 100, returnSequences: true, recurrentDropout: 0.2 }).apply(first);
    const outputs = layers.timeDistributed({ layer: layers.dense({ units: 4, activation: 'softmax' }) }).apply(second);
    const network = model({ inputs: words, outputs, dtype: 'float64', seed: 3 });
    network.compile({ optimizer: 'rmsprop', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
    return fitted(network, ids, tags, { batchSize, ...given });
  },
};
