import { readFileSync } from 'node:fs';
import test from 'ava';
import { type ArrayInput, layers, losses, NDArray, optimizers, RandomState, sequential, toCategorical } from 'fjordnet';
import { getLoss, lossFrom } from '../dist/losses.js';
import type { FloatType } from '../dist/tape.js';
import { difference, numericalGradient, replay } from './helpers/replay.js';

interface Case {
  name: string;
  options: object;
  outputShape: number[];
  output: number[];
  targetShape: number[];
  targets: number[];
  losses: number[];
  delta: number[];
}
const cases = ['losses', 'keras-losses'].flatMap(
  (name) => JSON.parse(readFileSync(new URL(`../test/fixtures/${name}.json`, import.meta.url), 'utf8')) as Case[],
);
const DTYPES = ['float64', 'float32'] as const;
type Name = keyof typeof losses;
const NAMES = Object.keys(losses) as Name[];

/** Losses, delta and, if fused, probabilities, as a network records them. */
function run(dtype: FloatType, name: string, options: object, output: NDArray, y: NDArray): number[][] {
  const [kind, activation] = name.split('+') as [Name, string?];
  const loss = (losses[kind] as (options: object) => ReturnType<typeof getLoss>)(options);
  const shape = output.shape.slice(1);
  if (activation && loss.fuses !== activation) throw new Error(`${kind} is not fused with ${activation}`);
  const targets = loss.prepare('y', y, shape);
  if (targets.shape.slice(1).join() !== loss.targetShape(shape).join())
    throw new Error(`targets are [${targets.shape}]`);
  return replay(dtype, [output, targets], (t, outputs, prepared) => {
    const perSample = t.batched('losses', [1]);
    const delta = t.batched('delta', shape);
    const probabilities = activation ? t.batched('probabilities', shape) : undefined;
    loss.emit(
      t,
      { output: outputs, targets: prepared, losses: perSample, delta, probabilities },
      activation !== undefined,
    );
    return probabilities ? [perSample, delta, probabilities] : [perSample, delta];
  });
}

for (const dtype of DTYPES)
  for (const name of [...new Set(cases.map((c) => c.name))])
    test(`${name} is Keras': ${dtype}`, (t) => {
      const tolerance = dtype === 'float64' ? 1e-13 : 2e-6;
      for (const c of cases.filter((other) => other.name === name)) {
        const output = NDArray.from(c.output, { shape: [c.losses.length, ...c.outputShape] });
        const [values, delta, p] = run(
          dtype,
          name,
          c.options,
          output,
          NDArray.from(c.targets, { shape: c.targetShape }),
        );
        const [ofLoss, ofDelta] = [difference(values, c.losses), difference(delta, c.delta)];
        const which = `${JSON.stringify(c.options)} [${c.outputShape}]`;
        t.true(ofLoss <= tolerance, `losses ${which}: ${ofLoss}`);
        t.true(ofDelta <= tolerance, `delta ${which}: ${ofDelta}`);
        if (p && name.endsWith('sigmoid')) {
          const sigmoid = c.output.map((z) => 1 / (1 + Math.exp(-z)));
          t.true(difference(p, sigmoid) <= tolerance);
        } else if (p) {
          const n = c.outputShape.at(-1) as number;
          for (let i = 0; i < p.length; i += n) {
            const sum = p.slice(i, i + n).reduce((a, b) => a + b);
            t.true(Math.abs(sum - 1) <= tolerance, `row ${i / n} sums to ${sum}`);
          }
        }
      }
    });

interface Stored {
  shape: number[];
  data: number[];
}
/** Runs of Keras 3.15 in float64, of all samples at once: the loss, and its gradient by the output. */
const keras = JSON.parse(
  readFileSync(new URL('../test/fixtures/keras-scores.json', import.meta.url), 'utf8'),
) as Record<'p' | 'labels' | 'binary' | 'binary_p' | 'a' | 'c', Stored> & {
  losses: { loss: Name; options: object; of: [string, string]; value: number; gradient: Stored }[];
};

for (const dtype of DTYPES)
  for (const { loss, options, of, value, gradient } of keras.losses)
    test(`${loss} ${JSON.stringify(options)} is Keras 3's: ${dtype}`, (t) => {
      const stored = (name: string) => NDArray.from(keras[name as 'p'].data, { shape: keras[name as 'p'].shape });
      const output = stored(of[1]);
      const classes = output.shape[1];
      const oneHot = () => toCategorical(keras.labels.data, classes);
      const y = of[0].startsWith('0.7')
        ? NDArray.wrap(
            (oneHot().data as Float64Array).map((k) => 0.7 * k + 0.075),
            output.shape,
          )
        : of[0] === 'labels'
          ? oneHot()
          : stored(of[0]);
      const [values, delta] = run(dtype, loss, options, output, y);
      const mean = values.reduce((a, b) => a + b) / values.length;
      t.true(Math.abs(mean - value) <= (dtype === 'float64' ? 1e-10 : 1e-4) * Math.abs(value), `${mean}, ${value}`);
      const d = difference(delta, gradient.data);
      t.true(d <= (dtype === 'float64' ? 1e-10 : 1e-5), `gradient: ${d}`);
    });

test('smoothed labels: in one step with softmax and sigmoid, too, and metrics see the labels as they are', (t) => {
  const p = NDArray.from(keras.p.data, { shape: keras.p.shape });
  const logits = NDArray.wrap((p.data as Float64Array).map(Math.log), p.shape);
  const y = toCategorical(keras.labels.data, 4);
  const smooth = { labelSmoothing: 0.1 };
  const [fused] = run('float64', 'categoricalCrossentropy+softmax', smooth, logits, y);
  const [plain] = run('float64', 'categoricalCrossentropy', smooth, p, y);
  t.true(difference(fused, plain) < 1e-12);
  const z = logits.data.map((v) => v / 2) as Float64Array;
  const binary = NDArray.wrap(z, [160, 1]);
  const q = NDArray.wrap(
    z.map((v) => 1 / (1 + Math.exp(-v))),
    [160, 1],
  );
  const b = NDArray.wrap(y.data, [160, 1]);
  const [one] = run('float64', 'binaryCrossentropy+sigmoid', smooth, binary, b);
  const [two] = run('float64', 'binaryCrossentropy', smooth, q, b);
  t.true(difference(one, two) < 1e-12);
  const accuracy = (loss: ReturnType<typeof losses.binaryCrossentropy>) => {
    const model = sequential({ layers: [layers.dense({ units: 4, activation: 'softmax', inputShape: [4] })], seed: 1 });
    model.compile({ optimizer: 'sgd', loss, metrics: ['accuracy', 'binaryAccuracy'] });
    const { accuracy: a, binaryAccuracy: c } = model.evaluateSync(p, y);
    return [a, c];
  };
  t.deepEqual(accuracy(losses.categoricalCrossentropy(smooth)), accuracy(losses.categoricalCrossentropy()));
});

test('every loss has cases, with and without the activation it is fused with', (t) => {
  const tested = new Set<string>([...cases.map((c) => c.name), ...keras.losses.map((c) => c.loss), 'squaredHinge']);
  for (const name of NAMES) {
    t.true(tested.has(name), name);
    const { fuses } = losses[name]();
    if (fuses) t.true(tested.has(`${name}+${fuses}`), name);
  }
});

/** Targets that fit the loss, away from its kinks. */
function targetsFor(name: Name, shape: number[], random: RandomState): NDArray {
  if (name === 'sparseCategoricalCrossentropy') return random.randint(0, shape[shape.length - 1], shape.slice(0, -1));
  if (name === 'hinge' || name === 'squaredHinge')
    return NDArray.from(random.randint(0, 2, shape), { dtype: 'float64' });
  if (name === 'categoricalHinge') return toCategorical(random.randint(0, 5, [12]), 5).reshape(4, 3, 5);
  return random.randomSample(shape);
}

for (const name of NAMES)
  for (const fused of losses[name]().fuses ? [true, false] : [false])
    test(`gradient check in float64: ${name}${fused ? ' fused' : ''}`, (t) => {
      const random = new RandomState(3);
      const shape = [4, 3, 5];
      const output = fused ? random.normal(0, 2, shape) : random.uniform(0.3, 0.7, shape);
      const y = targetsFor(name, shape, random);
      if (y.size === output.size)
        y.data.forEach((v, i) => (output.data[i] += Math.abs(output.data[i] - v) < 0.01 ? 0.02 : 0));
      const which = fused ? `${name}+${losses[name]().fuses}` : name;
      const [, delta] = run('float64', which, {}, output, y);
      const f = (x: Float64Array) => run('float64', which, {}, NDArray.from(x, { shape }), y)[0];
      const mean = new Array(4).fill(1 / 4);
      const d = difference(delta, numericalGradient(f, output.data as Float64Array, mean));
      t.true(d < 1e-9, `${d}`);
    });

test('squaredHinge is the square of hinge, for 0 and 1 as for -1 and 1', (t) => {
  const random = new RandomState(2);
  const output = random.normal(0, 1, [6, 1]) as NDArray;
  const y = NDArray.from([0, 1, 1, 0, 1, 0], { shape: [6, 1] });
  const signs = NDArray.from([-1, 1, 1, -1, 1, -1], { shape: [6, 1] });
  const [hinge] = run('float64', 'hinge', {}, output, signs);
  t.deepEqual(run('float64', 'hinge', {}, output, y), run('float64', 'hinge', {}, output, signs));
  for (const targets of [y, signs])
    t.deepEqual(
      run('float64', 'squaredHinge', {}, output, targets)[0],
      hinge.map((v) => v * v),
    );
});

test('a row of zeros has a derivative of cosineSimilarity', (t) => {
  for (const dtype of DTYPES) {
    const [loss, delta] = run(dtype, 'cosineSimilarity', {}, NDArray.from([[0, 0]]), NDArray.from([[1, 0]]));
    t.is(loss[0] + 0, 0);
    t.true(delta.every(Number.isFinite), `${delta}`);
    t.true(delta[0] < 0, 'towards the target');
  }
});

test('many rows and wide rows: softmax and cross-entropy against the formula', (t) => {
  for (const dtype of DTYPES)
    for (const [n, classes] of [
      [150, 3],
      [65, 33],
      [3, 1000],
      [1, 16],
      [129, 1],
    ]) {
      const random = new RandomState(n);
      const z = random.normal(0, 3, [n, classes]);
      const labels = random.randint(0, classes, [n]);
      const y = NDArray.zeros([n, classes]);
      labels.data.forEach((label, i) => (y.data[i * classes + label] = 1));
      const expected = Array.from(labels.data, (label, i) => {
        const row = Array.from(z.data.subarray(i * classes, (i + 1) * classes));
        return Math.log(row.reduce((sum, v) => sum + Math.exp(v - row[label]), 0));
      });
      const tolerance = dtype === 'float64' ? 1e-14 : 1e-6;
      const dense = run(dtype, 'categoricalCrossentropy+softmax', {}, z, y);
      const sparse = run(dtype, 'sparseCategoricalCrossentropy+softmax', {}, z, labels);
      t.true(difference(dense[0], expected) <= tolerance);
      t.true(difference(sparse[0], expected) <= tolerance);
      t.true(difference(sparse[1], dense[1]) <= tolerance);
      t.deepEqual(sparse[2], dense[2]);
    }
});

test('logits of +-1e4 give exact losses and probabilities of 0 and 1', (t) => {
  for (const dtype of DTYPES) {
    const z = NDArray.from([
      [1e4, -1e4],
      [1e4, -1e4],
      [1e4, 1e4],
    ]);
    const y = NDArray.from([
      [1, 0],
      [0, 1],
      [0.5, 0.5],
    ]);
    const [values, delta, p] = run(dtype, 'categoricalCrossentropy+softmax', {}, z, y);
    t.deepEqual(values.slice(0, 2), [0, 2e4]);
    t.true(Math.abs(values[2] - Math.LN2) < 1e-7);
    t.deepEqual(p, [1, 0, 1, 0, 0.5, 0.5]);
    t.true(difference(delta, [0, 0, 1 / 3, -1 / 3, 0, 0]) < 1e-7);
    const binary = run(
      dtype,
      'binaryCrossentropy+sigmoid',
      {},
      NDArray.from([[1e4], [-1e4], [1e4], [-1e4]]),
      NDArray.from([1, 0, 0, 1]),
    );
    t.deepEqual(binary, [
      [0, 0, 1e4, 1e4],
      [0, 0, 0.25, -0.25],
      [1, 0, 1, 0],
    ]);
  }
});

test('a loss of float32 is a mean of two million numbers as of two', (t) => {
  const n = 2_000_000;
  const x = NDArray.wrap(new Float32Array(n).fill(0.1), [1, n]);
  const y = NDArray.wrap(new Float32Array(n), [1, n]);
  const [[value]] = run('float32', 'meanSquaredError', {}, x, y);
  t.true(Math.abs(value - 0.01) < 2e-8, String(value));
});

test('labels that a kernel is given out of range make the loss NaN, and touch no memory outside', (t) => {
  const z = NDArray.from([
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
  const [values] = replay('float64', [z, NDArray.from([[2], [-1], [1]])], (tape, output, targets) => {
    const p = tape.batched('p', [2]);
    const perSample = tape.batched('losses', [1]);
    tape.emit('sparseSoftmaxCrossentropy', [output, targets, p, perSample, tape.batched('delta', [2])], { M: 1, N: 2 });
    return [perSample];
  });
  t.true(Number.isNaN(values[0]) && Number.isNaN(values[1]));
  t.true(Math.abs(values[2] - Math.log1p(Math.exp(-1))) < 1e-15);
});

test('targets that do not fit are refused in one sentence', (t) => {
  const refuse = (name: Name, y: ArrayInput, outputShape: number[], message: string | RegExp) =>
    t.throws(() => losses[name]().prepare('y', NDArray.from(y), outputShape), { instanceOf: RangeError, message });
  refuse(
    'categoricalCrossentropy',
    [1, 2, 0],
    [3],
    /^Expected y to have the output's shape \[n, 3\] for categoricalCrossentropy \(of labels, toCategorical\(labels, 3\) makes such rows; 'sparseCategoricalCrossentropy' takes labels\), got shape \[3\]$/,
  );
  refuse('categoricalCrossentropy', [[1, 0]], [3], /got shape \[1, 2\]$/);
  refuse(
    'sparseCategoricalCrossentropy',
    [0, 3, 1],
    [3],
    'Expected y to hold class numbers, integers in [0, 3), got 3 at row 1',
  );
  refuse(
    'sparseCategoricalCrossentropy',
    [[0], [0.5]],
    [3],
    'Expected y to hold class numbers, integers in [0, 3), got 0.5 at row 1, column 0',
  );
  refuse('sparseCategoricalCrossentropy', [0, -1], [3], /got -1 at row 1$/);
  refuse(
    'sparseCategoricalCrossentropy',
    [[1, 0, 0]],
    [3],
    /^Expected y to have shape \[n\], a class number for each row of the output, .* got shape \[1, 3\] \(for such rows take 'categoricalCrossentropy'\)$/,
  );
  refuse('binaryCrossentropy', [0, 1, 2], [1], 'Expected y to hold numbers in [0, 1], got 2 at row 2, column 0');
  refuse(
    'meanSquaredError',
    [[1], [2]],
    [2],
    "Expected y to have the output's shape [n, 2] for meanSquaredError, got shape [2, 1]",
  );
  refuse('hinge', [0, 2], [1], 'Expected y to hold -1 and 1, or 0 and 1, got 2 at row 1, column 0');
  refuse('hinge', [0, -1], [1], 'Expected y to hold 0 and 1, as other targets do, got -1 at row 1, column 0');
});

test('a last layer that does not fit the loss is refused', (t) => {
  const check = (
    name: 'categoricalCrossentropy' | 'binaryCrossentropy',
    options: object,
    activation?: string,
    units = 3,
  ) => losses[name](options).checkOutput?.([units], activation);
  for (const [name, own] of [
    ['categoricalCrossentropy', 'softmax'],
    ['binaryCrossentropy', 'sigmoid'],
  ] as const) {
    for (const fits of ['softmax', 'sigmoid', undefined]) t.notThrows(() => check(name, {}, fits));
    t.notThrows(() => check(name, { fromLogits: true }, 'linear'));
    t.throws(() => check(name, {}, 'linear'), {
      message: `Expected the last layer to have the activation '${own}' for ${name} (or the loss to have fromLogits: true), got 'linear'`,
    });
    t.throws(() => check(name, { fromLogits: true }, own), {
      message: `Expected the last layer to have no activation, as fromLogits says, for ${name}, got '${own}'`,
    });
  }
  t.throws(() => check('categoricalCrossentropy', {}, 'softmax', 1), {
    message: /one output for each class .* got 1 \(for two/,
  });
  t.notThrows(() => check('binaryCrossentropy', {}, 'sigmoid', 1));
  // the focal ones take what they are given for probabilities, unless they are told of logits
  const ofLogits = losses.binaryFocalCrossentropy({ fromLogits: true });
  t.throws(() => ofLogits.checkOutput?.([1], 'sigmoid'), { message: /no activation, as fromLogits says/ });
});

test('metrics read the logits of a focal loss as its probabilities', (t) => {
  const x = new RandomState(1).normal(0, 2, [40, 3]) as NDArray;
  const y = new RandomState(2).randint(0, 2, [40, 3]);
  for (const kind of ['binary', 'categorical'] as const) {
    const found = (['', 'Focal'] as const).map((focal) => {
      const model = sequential({ layers: [layers.dense({ units: 3, inputShape: [3] })], seed: 1 });
      const loss = losses[`${kind}${focal}Crossentropy`]({ fromLogits: true });
      model.compile({ optimizer: 'sgd', loss, metrics: ['accuracy', 'precision', 'auc'] });
      const { loss: _, ...scores } = model.evaluateSync(x, y);
      return scores;
    });
    t.deepEqual(found[0], found[1]);
  }
});

test('targets in the form a loss takes', (t) => {
  const prepared = (name: Name, y: ArrayInput, outputShape: number[]) =>
    losses[name]().prepare('y', NDArray.from(y), outputShape).toArray();
  t.deepEqual(prepared('meanSquaredError', [1, 2], [1]), [[1], [2]]);
  t.deepEqual(prepared('hinge', [0, 1], [1]), [[0], [1]], 'metrics see what was given');
  t.deepEqual(prepared('hinge', [-1, 1], [1]), [[-1], [1]]);
  t.deepEqual(prepared('hinge', [1, 1], [1]), [[1], [1]]);
  t.deepEqual(prepared('sparseCategoricalCrossentropy', [2, 1], [3]), [[2], [1]]);
  t.deepEqual(prepared('sparseCategoricalCrossentropy', [[[2], [1]]], [2, 3]), [[[2], [1]]]);
});

test('names, aliases, configs and wrong options', (t) => {
  t.is(getLoss('loss', 'mse').config.name, 'meanSquaredError');
  t.is(getLoss('loss', 'mae').config.name, 'meanAbsoluteError');
  t.is(getLoss('loss', 'bce').config.name, 'binaryCrossentropy');
  t.is(getLoss('loss', 'mape').config.name, 'meanAbsolutePercentageError');
  t.is(getLoss('loss', 'msle').config.name, 'meanSquaredLogarithmicError');
  t.is(getLoss('loss', 'kld').config.name, 'klDivergence');
  t.is(losses.huber().config.delta, 1);
  for (const name of NAMES) {
    const { config } = losses[name]();
    t.deepEqual(lossFrom(JSON.parse(JSON.stringify(config))).config, config);
    t.is(getLoss('loss', name).config.name, name);
  }
  const loss = losses.huber({ delta: 0.5 });
  t.is(getLoss('loss', loss), loss);
  t.deepEqual(lossFrom(loss.config).config, { name: 'huber', delta: 0.5 });
  t.throws(() => getLoss('loss', 'categorical_crossentropy'), { message: /did you mean 'categoricalCrossentropy'\?/ });
  t.throws(() => getLoss('loss', undefined), {
    instanceOf: TypeError,
    message: 'Expected loss to be the name of a loss, one of losses.* or what custom.loss makes, got undefined',
  });
  t.throws(() => losses.huber({ delta: 0 }), { message: 'Expected delta to be a positive number, got 0 (number)' });
  t.throws(() => losses.binaryCrossentropy({ fromLogit: true } as object), { message: /did you mean 'fromLogits'\?/ });
  t.throws(() => losses.categoricalCrossentropy({ fromLogits: 1 as never }), { instanceOf: TypeError });
});

/** Networks of the same weights whose samples have rows, and whose samples are rows; what both are given. */
function ofRows(kind: string, rows: readonly number[], isMasked: boolean) {
  const sparse = kind === 'sparseCategoricalCrossentropy';
  const activation = kind.startsWith('binary') ? 'sigmoid' : 'softmax';
  const r = new RandomState(3);
  const n = 5;
  const size = rows.reduce((product, k) => product * k, 1);
  const x = r.normal(1, 0.5, [n * size, 2]) as NDArray;
  const counts = Array.from({ length: n * size }, (_, i) => !isMasked || i % size === 0 || i % 3 > 0);
  for (const [i, one] of counts.entries()) if (!one) x.data.fill(0, 2 * i, 2 * i + 2);
  const labels = r.randint(0, 3, n * size) as NDArray;
  const y = sparse ? labels : toCategorical(labels, 3);
  const weights = r.uniform(0.5, 2, n * size) as NDArray;
  const make = (inputShape: readonly number[]) =>
    sequential({
      layers: [
        ...(isMasked && inputShape.length > 1 ? [layers.masking({ inputShape })] : []),
        layers.dense({ units: 3, activation, inputShape }),
      ],
      dtype: 'float64',
      seed: 1,
    });
  const shaped = ({ data, shape }: NDArray) => NDArray.from(data, { shape: [n, ...rows, ...shape.slice(1)] });
  return { whole: make([...rows, 2]), each: make([2]), x, y, weights, counts, shaped };
}
const close = (a: ArrayLike<number>, b: ArrayLike<number>) => difference(a, b) < 1e-12;

for (const name of NAMES)
  test(`${name} of samples of rows is the mean over their rows, those that count`, (t) => {
    for (const [rows, isMasked] of [
      [[3], false],
      [[2, 3], false],
      [[4], true],
    ] as const) {
      const { whole, each, x, y, weights, counts, shaped } = ofRows(name, rows, isMasked);
      const options = () => ({ optimizer: optimizers.sgd({ learningRate: 0.5 }), loss: losses[name]() });
      whole.compile(options());
      each.compile(options());
      const valid = counts.filter(Boolean).length / counts.length;
      const own = NDArray.from(weights.data.map((w, i) => (counts[i] ? w / valid : 0)));
      const which = `[${rows}]${isMasked ? ', masked' : ''}`;
      for (let step = 0; step < 3; step++) {
        const ofWhole = whole.trainOnBatch(
          shaped(x),
          shaped(y),
          rows.length === 1 ? { sampleWeight: shaped(weights) } : {},
        );
        const ofEach = each.trainOnBatch(x, y, rows.length === 1 ? { sampleWeight: own } : {});
        t.true(close([ofWhole.loss], [ofEach.loss]), `${which}: ${ofWhole.loss} is not ${ofEach.loss}`);
      }
      for (const [i, w] of whole.getWeights().entries()) t.true(close(w.data, each.getWeights()[i].data), which);
    }
  });

/** Those that are means of rows: the others count all, as Keras'. */
const MEANS = [
  ...(['accuracy', 'binaryAccuracy', 'topKCategoricalAccuracy', 'meanSquaredError', 'meanAbsoluteError'] as const),
  ...(['meanAbsolutePercentageError', 'meanSquaredLogarithmicError', 'cosineSimilarity'] as const),
  ...(['categoricalCrossentropy', 'sparseCategoricalCrossentropy', 'binaryCrossentropy'] as const),
  ...(['logCosh', 'poisson', 'klDivergence', 'hinge', 'squaredHinge', 'categoricalHinge'] as const),
];
for (const name of MEANS)
  test(`the metric ${name} of masked sequences is that of the rows that count`, async (t) => {
    const kind = name === 'sparseCategoricalCrossentropy' ? name : name.startsWith('binary') ? 'binary' : 'softmax';
    const { whole, each, x, y, counts, shaped } = ofRows(kind, [4], true);
    const compiled = { optimizer: 'sgd', loss: kind === name ? name : 'meanSquaredError', metrics: [name] } as const;
    each.compile(compiled);
    whole.compile(compiled);
    const rows = counts.flatMap((one, i) => (one ? [i] : []));
    const all = (await whole.evaluate(shaped(x), shaped(y))) as Record<string, number>;
    const some = (await each.evaluate(x.take(rows), y.take(rows))) as Record<string, number>;
    for (const [key, value] of Object.entries(some))
      t.true(close([all[key]], [value]), `${key}: ${all[key]}, ${value}`);
  });

test("a focal loss' weights take probabilities that the cross-entropy cuts off as they are, as Keras does", async (t) => {
  const p = [[1e-9], [1 - 1e-9], [1]];
  const model = sequential({
    layers: [layers.embedding({ inputDim: 3, outputDim: 1, inputShape: [1] }), layers.flatten()],
    dtype: 'float64',
  });
  const gradientsOf = async (gamma: number) => {
    model.setWeights([p]);
    model.compile({ optimizer: 'sgd', loss: losses.binaryFocalCrossentropy({ gamma }) });
    const { loss, gradients } = await model.gradients([[0], [1], [2]], [[1], [1], [1]]);
    return { loss, gradient: [...gradients[0].data] };
  };
  // Keras 3.15: binary_focal_crossentropy([[1], [1], [1]], p) and its gradient by tf.GradientTape
  const keras = [
    { gamma: 2, loss: 5.372698539574043, gradient: [-10.745397089893482, -6.666666807944764e-17, 0.0] },
    {
      gamma: 1,
      loss: 5.372698544946743,
      gradient: [-5.3726985503194395, -3.333333498245491e-8, -3.333333498245491e-8],
    },
  ];
  for (const { gamma, loss, gradient } of keras) {
    const found = await gradientsOf(gamma);
    t.true(Math.abs(found.loss - loss) < 1e-13, `${gamma}: ${found.loss}`);
    found.gradient.forEach((g, k) => t.true(Math.abs(g - gradient[k]) < 1e-13, `${gamma}: ${g} at ${k}`));
  }
  t.true((await gradientsOf(0.5)).gradient.every(Number.isFinite));
});
