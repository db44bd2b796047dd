import { readFileSync } from 'node:fs';
import test from 'ava';
import {
  type ClassWeight,
  type FitOptions,
  type LossInput,
  layers,
  NDArray,
  optimizers,
  sequential,
  toCategorical,
} from 'fjordnet';

const golden = JSON.parse(readFileSync(new URL('../test/fixtures/class-weights.json', import.meta.url), 'utf8'));
const { x, labels, sampleWeight } = golden as { x: number[][]; labels: number[]; sampleWeight: number[] };
const binary = labels.map((label) => Number(label > 0));

function network(loss: LossInput, units: number, activation: 'softmax' | 'sigmoid' | 'linear') {
  const model = sequential({
    dtype: 'float64',
    seed: 0,
    layers: [layers.dense({ units, activation, inputShape: [3] })],
  });
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss });
  model.setWeights([golden.kernel.map((row: number[]) => row.slice(0, units)), new Float64Array(units)]);
  return model;
}

// Keras' binary losses are some 4e-9 off the formula in NumPy, which ours are to the last digits
const close = (a: number, b: number, name: string) =>
  Math.abs(a - b) <= (name === 'binary' || name === 'sample' ? 1e-7 : 1e-12) * Math.max(1, Math.abs(b));

test('class and sample weights with validationSplit give Keras’ losses and weights', (t) => {
  const cases: [string, ReturnType<typeof network>, number[] | number[][], FitOptions][] = [
    [
      'sparse',
      network('sparseCategoricalCrossentropy', 3, 'softmax'),
      labels,
      { classWeight: { 0: 1, 1: 5, 2: 0.25 } },
    ],
    [
      'oneHot',
      network('categoricalCrossentropy', 3, 'softmax'),
      toCategorical(labels).toArray(),
      {
        classWeight: new Map([
          [0, 1],
          [1, 5],
          [2, 0.25],
        ]),
      },
    ],
    ['binary', network('binaryCrossentropy', 1, 'sigmoid'), binary, { classWeight: { 0: 4, 1: 0.5 } }],
    ['sample', network('binaryCrossentropy', 1, 'sigmoid'), binary, { sampleWeight }],
  ];
  for (const [name, model, y, options] of cases) {
    const common = { epochs: 3, batchSize: 5, shuffle: false, validationSplit: 0.25 };
    const { history } = model.fitSync(x, y, { ...common, ...options });
    const expected = golden[name];
    for (const key of ['loss', 'val_loss'])
      history[key].forEach((value, epoch) =>
        t.true(
          close(value, expected[key][epoch], name),
          `${name} ${key} ${epoch}: ${value} is not ${expected[key][epoch]}`,
        ),
      );
    const weights = model.getWeights().flatMap((w) => [...w.data]);
    expected.weights
      .flat(2)
      .forEach((value: number, i: number) => t.true(close(weights[i], value, name), `${name} ${i}`));
  }
});

test('with both, samples held out are weighed by their own weights alone', (t) => {
  const y = binary;
  const half = 12;
  const classWeight = { 0: 1, 1: 10 };
  const common = { epochs: 2, batchSize: 5, shuffle: false };
  const split = network('binaryCrossentropy', 1, 'sigmoid').fitSync(x, y, {
    ...common,
    classWeight,
    sampleWeight,
    validationSplit: 0.5,
  });
  const data = network('binaryCrossentropy', 1, 'sigmoid').fitSync(x.slice(0, half), y.slice(0, half), {
    ...common,
    classWeight,
    sampleWeight: sampleWeight.slice(0, half),
    validationData: [x.slice(half), y.slice(half), sampleWeight.slice(half)],
  });
  const product = network('binaryCrossentropy', 1, 'sigmoid').fitSync(x.slice(0, half), y.slice(0, half), {
    ...common,
    sampleWeight: sampleWeight.slice(0, half).map((w, i) => w * classWeight[y[i] as 0 | 1]),
    validationData: [x.slice(half), y.slice(half), sampleWeight.slice(half)],
  });
  t.deepEqual(split.history, data.history);
  t.deepEqual(split.history, product.history);
});

/** The loss of one step with class weights, and of one with these weights sample by sample. */
function losses(
  model: () => ReturnType<typeof network>,
  y: number[] | number[][],
  classWeight: ClassWeight,
  weights: number[],
) {
  return [
    model().trainOnBatch(x, y, { classWeight }).loss,
    model().trainOnBatch(x, y, { sampleWeight: weights }).loss,
    model().fitSync(x, y, { classWeight, batchSize: 24, shuffle: false }).history.loss[0],
  ];
}

test("'balanced' is scikit-learn's n / (k * count), of the training samples alone", (t) => {
  const counts = (y: number[]) => y.reduce((all, k) => all.set(k, (all.get(k) ?? 0) + 1), new Map<number, number>());
  const weigh = (y: number[]) => y.map((k) => y.length / (counts(y).size * (counts(y).get(k) as number)));
  const sparse = () => network('sparseCategoricalCrossentropy', 3, 'softmax');
  const oneHot = () => network('categoricalCrossentropy', 3, 'softmax');
  const sigmoid = () => network('binaryCrossentropy', 1, 'sigmoid');
  for (const [model, y, classes] of [
    [sparse, labels, labels],
    [oneHot, toCategorical(labels, 3).toArray(), labels],
    [sigmoid, binary, binary],
    [sigmoid, binary.map((k) => [k]), binary],
    [() => network('mse', 1, 'linear'), labels.map((k) => 10 * k - 7), labels],
    [() => network('hinge', 1, 'linear'), binary, binary],
  ] as [typeof sparse, number[], number[]][]) {
    const [step, expected, fit] = losses(model, y, 'balanced', weigh(classes));
    t.is(step, expected);
    t.is(fit, expected);
  }

  const trained = labels.slice(0, 18);
  const all = [...weigh(trained), ...Array(6).fill(1)];
  const common = { validationSplit: 0.25, shuffle: false, epochs: 2 };
  t.deepEqual(
    sparse().fitSync(x, labels, { ...common, classWeight: 'balanced' }).history,
    sparse().fitSync(x, labels, { ...common, sampleWeight: all }).history,
  );
});

test('classes are told by number, in every form of y', (t) => {
  const byClass: ClassWeight[] = [
    { 1: 5, 2: 0.5 },
    [1, 5, 0.5],
    new Map([
      [1, 5],
      [2, 0.5],
    ]),
    new Map([
      ['2', 0.5],
      ['1', 5],
    ]),
  ];
  const weights = labels.map((k) => [1, 5, 0.5][k]);
  for (const classWeight of byClass)
    for (const [model, y] of [
      [() => network('sparseCategoricalCrossentropy', 3, 'softmax'), labels],
      [() => network('categoricalCrossentropy', 3, 'softmax'), toCategorical(labels, 3).toArray()],
      [() => network('binaryCrossentropy', 3, 'sigmoid'), toCategorical(labels, 3).toArray()],
      [() => network('mse', 3, 'linear'), toCategorical(labels, 3).toArray()],
    ] as [() => ReturnType<typeof network>, number[]][]) {
      const [step, expected, fit] = losses(model, y, classWeight, weights);
      t.is(step, expected);
      t.is(fit, expected);
    }
  // other numbers than 0 … k - 1
  const [step, expected] = losses(
    () => network('mse', 1, 'linear'),
    labels.map((k) => 10 * k - 10),
    { [-10]: 3, 10: 7 },
    labels.map((k) => [3, 1, 7][k]),
  );
  t.is(step, expected);
  // hinge reads 0 as -1, in targets and classes
  for (const y of [binary, binary.map((k) => 2 * k - 1)])
    for (const classWeight of [
      { 0: 3, 1: 7 },
      new Map([
        [-1, 3],
        [1, 7],
      ]),
    ]) {
      const [one, other] = losses(
        () => network('hinge', 1, 'linear'),
        y,
        classWeight,
        binary.map((k) => [3, 7][k]),
      );
      t.is(one, other);
    }
  // smoothed labels are of the nearer class, as Keras rounds them
  const smooth = binary.map((k) => 0.1 + 0.8 * k);
  const [soft, wanted] = losses(
    () => network('binaryCrossentropy', 1, 'sigmoid'),
    smooth,
    { 1: 4 },
    binary.map((k) => [1, 4][k]),
  );
  t.is(soft, wanted);
  // a class that a batch, or the data, happens not to have
  t.notThrows(() => network('mse', 1, 'linear').trainOnBatch(x, binary, { classWeight: { 5: 2 } }));
  t.notThrows(() =>
    network('sparseCategoricalCrossentropy', 3, 'softmax').fitSync(x, binary, { classWeight: { 2: 2 } }),
  );
});

test('what cannot be used is refused, before anything changes', (t) => {
  const sparse = network('sparseCategoricalCrossentropy', 3, 'softmax');
  const mse = network('mse', 1, 'linear');
  const multi = network('binaryCrossentropy', 3, 'sigmoid');
  const refused: [ReturnType<typeof network>, unknown, unknown, string | RegExp][] = [
    [
      sparse,
      labels,
      { 3: 10 },
      'Expected classWeight to be an object or Map of weights by class (0, 1, 2), got 3 (number)',
    ],
    [sparse, labels, new Map([[100, 1]]), /by class \(0, 1, 2\), got 100 \(number\)$/],
    [sparse, labels, { [-1]: 1 }, /by class \(0, 1, 2\), got -1 \(number\)$/],
    [
      sparse,
      labels,
      { cat: 1 },
      /^Expected classWeight to be 'balanced', or an object or Map of weights by class number, got 'cat' \(string\)$/,
    ],
    [sparse, labels, { '01': 1 }, /got '01' \(string\)$/],
    [sparse, labels, { 1.5: 1 }, /got '1\.5' \(string\)$/],
    [
      sparse,
      labels,
      new Map<unknown, number>([
        [1, 1],
        ['1', 2],
      ]),
      /names each class once, got '1' \(string\)$/,
    ],
    [sparse, labels, new Map([[{}, 1]]), /got \{\}$/],
    [
      sparse,
      labels,
      'balance',
      /'balanced', or an object or Map of weights by class number, got 'balance' \(string\)$/,
    ],
    [sparse, labels, 3, /got 3 \(number\)$/],
    [sparse, labels, null, /got null$/],
    [sparse, labels, new Set([1]), /got Set$/],
    [sparse, labels, NDArray.from([1, 2, 3]), /got NDArray$/],
    [sparse, labels, new Date(0), /got Date$/],
    [sparse, labels, { 1: -1 }, 'Expected classWeight[1] to be a non-negative number, got -1 (number)'],
    [sparse, labels, { 1: Number.NaN }, 'Expected classWeight[1] to be a non-negative number, got NaN (number)'],
    [sparse, labels, { 1: '2' }, "Expected classWeight[1] to be a non-negative number, got '2' (string)"],
    [mse, binary, { 3: 1 }, /by class \(0, 1\), got 3 \(number\)$/],
    [
      mse,
      labels.map((k) => k + 0.5),
      { 0: 1 },
      /^Expected y to hold class numbers, integers, for classWeight, got \d\.5 at row 0/,
    ],
    [mse, labels.map((k) => k + 0.5), 'balanced', /integers, for classWeight/],
    [
      multi,
      labels.map(() => [1, 1, 0]),
      { 0: 2 },
      'Expected y to hold one-hot rows, one class a sample, for classWeight, got 1 at row 0, column 1',
    ],
    [multi, labels.map(() => [0, 0, 0]), 'balanced', /one-hot rows/],
  ];
  for (const [model, y, classWeight, message] of refused) {
    const before = model.getWeights();
    t.throws(() => model.fitSync(x, y as number[], { classWeight: classWeight as never }), { message });
    t.deepEqual(model.getWeights(), before);
  }
  const rows = sequential({ layers: [layers.reshape({ targetShape: [3, 1], inputShape: [3] })] });
  rows.compile({ optimizer: 'sgd', loss: 'mse' });
  t.throws(
    () =>
      rows.fitSync(
        x,
        x.map((row) => row.map((v) => [v])),
        { classWeight: { 0: 1 } },
      ),
    {
      message: /one class a sample for classWeight, got shape \[24, 3, 1\]; give such targets a sampleWeight$/,
    },
  );
});

test('sample weights are checked wherever they are given', async (t) => {
  const model = network('mse', 1, 'linear');
  const at = (i: number, value: number) => sampleWeight.map((w, k) => (k === i ? value : w));
  const calls: [string, (weights: number[]) => unknown][] = [
    ['sampleWeight', (weights) => model.fit(x, binary, { sampleWeight: weights })],
    ['sampleWeight', async (weights) => model.trainOnBatch(x, binary, { sampleWeight: weights })],
    ['sampleWeight', (weights) => model.evaluate(x, binary, { sampleWeight: weights })],
    ['validationData[2]', (weights) => model.fit(x, binary, { validationData: [x, binary, weights] })],
  ];
  for (const [name, call] of calls) {
    const refuses = async (weights: number[], message: string) =>
      t.throwsAsync(async () => call(weights), { instanceOf: RangeError, message });
    await refuses(at(3, -0.5), `Expected ${name} to hold non-negative numbers, got -0.5 at row 3`);
    await refuses(at(2, Number.NaN), `Expected ${name} to hold finite numbers, got NaN at row 2`);
    await refuses(sampleWeight.slice(1), `Expected ${name} to be 24 numbers, one for each sample, got shape [23]`);
  }
  // more of them than a call may have arguments
  const many = new Float64Array(300_000);
  many[299_999] = -1;
  const one = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
  one.compile({ optimizer: 'sgd', loss: 'mse' });
  t.throws(() => one.evaluateSync(NDArray.zeros([300_000, 1]), new Float64Array(300_000), { sampleWeight: many }), {
    message: 'Expected sampleWeight to hold non-negative numbers, got -1 at row 299999',
  });
});

test.serial('weights that are all 0 teach nothing, which gives a warning', async (t) => {
  const warnings: Error[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on('warning', listen);
  const model = network('mse', 1, 'linear');
  const before = model.getWeights();
  const { history } = await model.fit(x, binary, { sampleWeight: new Float64Array(24), epochs: 2 });
  t.deepEqual(history.loss, [0, 0]);
  t.deepEqual(model.getWeights(), before);
  await model.fit(x, binary, { classWeight: { 0: 0 } });
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listen);
  t.deepEqual(
    warnings.map(({ name, message }) => [name, message]),
    [['FjordnetWarning', 'All samples have the weight 0: their loss is 0, and nothing is learnt from them']],
  );
});
