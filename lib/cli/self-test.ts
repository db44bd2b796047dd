import { NDArray } from '../array.js';
import { NeuralNetwork } from '../estimators/neural-network.js';
import { getThreads, setThreads } from '../info.js';
import { layers } from '../layers/index.js';
import { sequential } from '../models/sequential.js';
import { optimizers } from '../optimizers.js';
import { RandomState } from '../random.js';
import { CONVOLUTION, DRAWS, LECTURE, PRODUCT } from './self-test-values.js';

type Dtype = 'float32' | 'float64';

/** One calculation of the self-test. */
export interface Trial {
  readonly name: string;
  /** What differs, in one sentence; undefined where the numbers are NumPy's. */
  readonly wrong?: string;
}

/**
 * Calculates a few things whose results NumPy has recorded, with the kernels, the matrix library and the threads of this machine: draws of
 * RandomState, the lecture's network, a convolutional network and a matrix product in both float types, and the product again
 * with one thread, of which every bit must be the same. Takes some 0.1 s.
 *
 * @throws nothing: what an error says is in its trial's `wrong`
 */
export async function selfTest(): Promise<Trial[]> {
  const tests: [
    name: string,
    calculate: () => Promise<readonly number[]>,
    expected: readonly number[],
    tolerance: number,
  ][] = [
    ['random numbers', draws, DRAWS, 1e-14],
    ["the lecture's network, float64", lecture, LECTURE, 1e-11],
    ['a convolutional network, float64', () => convolution('float64'), CONVOLUTION, 1e-11],
    ['a convolutional network, float32', () => convolution('float32'), CONVOLUTION, 1e-4],
    ['a matrix product, float64', () => summaryOfProduct('float64'), PRODUCT, 1e-11],
    ['a matrix product, float32', () => summaryOfProduct('float32'), PRODUCT, 1e-4],
  ];
  const trials: Trial[] = [];
  for (const [name, calculate, expected, tolerance] of tests)
    trials.push(await trial(name, async () => differenceOf(await calculate(), expected, tolerance)));
  trials.push(await trial('the same bits with any number of threads', threadsDiffer));
  return trials;
}

async function trial(name: string, differs: () => Promise<string | undefined>): Promise<Trial> {
  try {
    const wrong = await differs();
    return wrong === undefined ? { name } : { name, wrong };
  } catch (error) {
    return { name, wrong: `it ends with an error: ${(error as Error).message}` };
  }
}

/** @param tolerance of each number, relative to it or, where it is less, to 1 */
export function differenceOf(
  values: readonly number[],
  expected: readonly number[],
  tolerance: number,
): string | undefined {
  const i = expected.findIndex(
    (value, k) => !(Math.abs(values[k] - value) <= tolerance * Math.max(1, Math.abs(value))),
  );
  return i < 0 ? undefined : `number ${i + 1} of ${expected.length} is ${values[i]}, and ${expected[i]} in NumPy`;
}

/** sin(step * i), of a shape. */
const wave = (shape: readonly number[], step: number): NDArray =>
  NDArray.from(
    Float64Array.from({ length: shape.reduce((n, size) => n * size, 1) }, (_, i) => Math.sin(step * i)),
    { shape: [...shape] },
  );

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((total, value) => total + value, 0);

async function draws(): Promise<number[]> {
  const random = new RandomState(42);
  return [...random.randomSample(3).data, ...random.randn(3).data, ...random.permutation(10).data];
}

async function lecture(): Promise<number[]> {
  const x = new RandomState(7).randomSample([40, 8]);
  const y = Array.from({ length: 40 }, (_, i) => [0, 1, 2].map((k) => Number(k === Math.floor(3 * x.data[8 * i]))));
  const network = new NeuralNetwork(x, y, {
    ...{ nHiddenNeurons: 6, nCategories: 3, epochs: 4, batchSize: 8, eta: 0.05, lmbd: 0.01, randomState: 0 },
  });
  await network.train();
  const [wh, bh] = [network.hiddenWeights.data, network.hiddenBias.data];
  const [wo, bo] = [network.outputWeights.data, network.outputBias.data];
  return [sum(wh), wh[0], sum(bh), sum(wo), wo[17], bo[0]];
}

async function convolution(dtype: Dtype): Promise<number[]> {
  const model = sequential({
    layers: [
      layers.conv2d({ filters: 3, kernelSize: 3, activation: 'relu', inputShape: [6, 6, 1] }),
      layers.flatten(),
      layers.dense({ units: 4, activation: 'softmax' }),
    ],
    dtype,
  });
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.2 }), loss: 'sparseCategoricalCrossentropy' });
  const w = wave([48, 4], 0.7);
  model.setWeights([
    wave([3, 3, 1, 3], 0.5),
    [0, 0, 0],
    NDArray.from(
      w.data.map((v) => v / 4),
      { shape: [48, 4] },
    ),
    [0, 0, 0, 0],
  ]);
  const labels = Array.from({ length: 8 }, (_, i) => i % 4);
  const { history } = await model.fit(wave([8, 6, 6, 1], 0.37), labels, { epochs: 5, batchSize: 8, shuffle: false });
  const [kernel, bias, weights] = model.getWeights();
  return [...history.loss, sum(kernel.data), sum(weights.data), bias.data[0]];
}

async function product(dtype: Dtype): Promise<ArrayLike<number>> {
  const model = sequential({ layers: [layers.dense({ units: 200, inputShape: [300] })], dtype });
  model.setWeights([wave([300, 200], 0.23), wave([200], 0.3)]);
  return (await model.predict(wave([64, 300], 0.11), { batchSize: 64 })).data;
}

async function summaryOfProduct(dtype: Dtype): Promise<number[]> {
  const y = await product(dtype);
  return [sum(Array.from(y, Math.abs)), y[0], y[31 * 200 + 99], y[63 * 200 + 199]];
}

async function threadsDiffer(): Promise<string | undefined> {
  const threads = getThreads();
  const results: ArrayLike<number>[] = [];
  try {
    for (const n of [1, 2, 5]) {
      setThreads(n);
      results.push(await product('float32'), await convolution('float32'));
    }
  } finally {
    setThreads(threads);
  }
  const isSame = results.every((result, i) =>
    Array.from(result).every((value, k) => Object.is(value, results[i % 2][k])),
  );
  return isSame ? undefined : 'one, two and five threads give different numbers';
}
