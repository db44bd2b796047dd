import { readFileSync } from 'node:fs';
import { loadDigits, type NDArray, NeuralNetwork, RandomState, toCategorical, trainTestSplit } from 'fjordnet';

/** A long array in fixtures/lecture-digits.json. */
export interface Brief {
  shape: number[];
  sum: number;
  abs_sum: number;
  head: number[];
}

interface Array_ {
  shape: number[];
  data: number[];
}

export interface Lecture {
  shown: Array_;
  X_train: Brief;
  X_test: Brief;
  Y_train_head: Array_;
  Y_test_head: Array_;
  init: Brief[];
  probabilities0: Array_;
  accuracy_before: number;
  full_batch: { first_steps: Brief[][]; spread: number[]; accuracy: number };
  minibatch: {
    first_steps: { batch_head: number[]; params: Brief[] }[];
    spread: number[];
    train_accuracy: number;
    test_accuracy: number;
  };
  grid: {
    train_accuracy: number[];
    test_accuracy: number[];
    has_nan: boolean[];
    hidden_weights: (Brief | null)[];
    output_weights: (Brief | null)[];
    reproducible_rows: number;
  };
}

export const golden: Lecture = JSON.parse(
  readFileSync(new URL('../../test/fixtures/lecture-digits.json', import.meta.url), 'utf8'),
);

/** The lecture's run from seed 0 up to its split: further draws come from `random`. */
export function start() {
  const random = new RandomState(0);
  const { data, target } = loadDigits();
  const shown = random.choice(data.length, 5);
  const [x, xTest, y, yTest] = trainTestSplit([data, target], {
    trainSize: 0.8,
    testSize: 1 - 0.8,
    randomState: random,
  });
  return { random, shown, x, xTest, y, yTest, yOneHot: toCategorical(y, 10) };
}

export const PARAMETERS = ['hiddenWeights', 'hiddenBias', 'outputWeights', 'outputBias'] as const;

export const parametersOf = (network: NeuralNetwork): NDArray[] => PARAMETERS.map((name) => network[name]);

/** One step of gradient descent with the gradients that `backpropagation` hands back. */
export function descend(network: NeuralNetwork, x: NDArray, y: NDArray, eta: number): void {
  const gradients = network.backpropagation(x, y);
  for (const name of PARAMETERS) {
    const parameter = network[name];
    const gradient = gradients[`${name}Gradient`].data;
    for (let i = 0; i < gradient.length; i++) parameter.data[i] -= eta * gradient[i];
    network[name] = parameter;
  }
}

/** A small network on the digits, and its data. */
export function small(seed = 0, options: ConstructorParameters<typeof NeuralNetwork>[2] = {}) {
  const { data, target } = loadDigits();
  const rows = Int32Array.from({ length: 300 }, (_, i) => i);
  const [x, y] = [data.take(rows), toCategorical(target.take(rows), 10)];
  const network = new NeuralNetwork(x, y, {
    nHiddenNeurons: 12,
    batchSize: 30,
    eta: 1e-3,
    randomState: seed,
    ...options,
  });
  return { x, y, labels: target.take(rows), network };
}

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);

/** The largest difference of an array from what is known of the golden one, relative to the sum of its absolute values. */
export function distance(array: NDArray, want: Brief): number {
  const mean = want.abs_sum / array.size;
  const off = [
    (sum(array.data) - want.sum) / want.abs_sum,
    sum(array.data.map(Math.abs)) / want.abs_sum - 1,
    ...want.head.map((v, i) => (array.data[i] - v) / Math.max(mean, Math.abs(v))),
  ].map(Math.abs);
  return off.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(...off);
}
