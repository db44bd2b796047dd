import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  activations,
  losses as builtIn,
  custom,
  initializers,
  input,
  Layer,
  type LayerOptions,
  type Loss,
  layers,
  Model,
  metrics,
  model,
  NDArray,
  type OfSample,
  ops,
  optimizers,
  RandomState,
  regularizers,
  Sequential,
  sequential,
  type Value,
  type Weights,
} from 'fjordnet';
import { near } from './helpers/sklearn.js';

const x = new RandomState(0).randn(60, 4);
const y = new RandomState(1).randn(60, 3);
const classes = Array.from({ length: 60 }, (_, i) => [0, 1, 2].map((k) => Number(k === i % 3)));
const weights = Array.from({ length: 60 }, (_, i) => 1 + (i % 4));

const network = (dtype: 'float64' | 'float32' = 'float64', options: object = {}) =>
  sequential({
    layers: [
      layers.dense({ units: 5, activation: 'tanh', inputShape: [4], ...options }),
      layers.dense({ units: 3, ...options }),
    ],
    seed: 1,
    dtype,
  });

/** What training with a loss comes to, to the bit. */
function trained(dtype: 'float64' | 'float32', loss: string | Loss, targets: unknown = y, options: object = {}) {
  const model = network(dtype, options);
  model.compile({ optimizer: 'adam', loss, metrics: ['mae'] });
  const fit = { epochs: 3, batchSize: 17, sampleWeight: weights };
  const { history } = model.fitSync(x, targets as NDArray, fit);
  return {
    history,
    weights: model.getWeights().map((w) => [...w.data]),
    loss: model.evaluateSync(x, targets as NDArray),
  };
}

const halves = (shape: readonly number[]) =>
  NDArray.wrap(new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(0.5), shape);

const squares = custom.loss('squares', (yTrue, yPred) => ops.mean(ops.square(ops.sub(yPred, yTrue))));
const absolute = custom.loss('absolute', (yTrue, yPred) => ops.mean(ops.abs(ops.sub(yPred, yTrue))));
const hinges = custom.loss('hinges', (yTrue, yPred) => ops.mean(ops.maximum(0, ops.sub(1, ops.mul(yTrue, yPred)))));

for (const dtype of ['float64', 'float32'] as const) {
  test(`a loss of the same formula gives the bits of the one that is built in: ${dtype}`, (t) => {
    t.deepEqual(trained(dtype, squares), trained(dtype, 'meanSquaredError'));
    t.deepEqual(trained(dtype, absolute), trained(dtype, 'meanAbsoluteError'));
    const signs = classes.map((row) => row.map((k) => 2 * k - 1));
    t.deepEqual(trained(dtype, hinges, signs), trained(dtype, 'hinge', signs));
  });

  test(`so do an activation, a layer, a schedule, an initializer and a regularizer: ${dtype}`, (t) => {
    const square = (w: Value) => ops.mul(0.01, ops.sum(ops.square(w)));
    const own = trained(dtype, 'mse', y, { activation: custom.activation('own tanh', (z) => ops.tanh(z)) });
    t.deepEqual(own, trained(dtype, 'mse', y, { activation: 'tanh' }));
    t.deepEqual(
      trained(dtype, 'mse', y, { kernelInitializer: halves }),
      trained(dtype, 'mse', y, { kernelInitializer: initializers.constant({ value: 0.5 }) }),
    );
    const [mine, theirs] = [square, regularizers.l2({ l2: 0.01 })].map((kernelRegularizer) =>
      trained('float64', 'mse', y, { kernelRegularizer }),
    );
    for (const [i, array] of mine.weights.entries())
      for (const [k, w] of array.entries()) t.true(Math.abs(w - theirs.weights[i][k]) < 1e-12);
    t.true(Math.abs(mine.loss.loss - theirs.loss.loss) < 1e-12);
  });
}

test('a schedule that is a function of the step', (t) => {
  const rates = (learningRate: number | ((step: number) => number)) => {
    const model = network();
    model.compile({ optimizer: optimizers.sgd({ learningRate: learningRate as never }), loss: 'mse' });
    model.fitSync(x, y, { epochs: 2 });
    return model.getWeights().map((w) => [...w.data]);
  };
  t.deepEqual(
    rates(() => 0.1),
    rates(0.1),
  );
  t.notDeepEqual(
    rates((step) => 0.1 / (1 + step)),
    rates(0.1),
  );
});

const P = 1e-7;
const losses: Record<string, [loss: Loss, of: (yTrue: number[], yPred: number[]) => number, targets: unknown]> = {
  'the pinball loss': [
    custom.loss('pinball', (yTrue, yPred) => {
      const e = ops.sub(yTrue, yPred);
      return ops.mean(ops.maximum(ops.mul(0.9, e), ops.mul(-0.1, e)));
    }),
    (a, b) => a.reduce((s, v, i) => s + Math.max(0.9 * (v - b[i]), -0.1 * (v - b[i])), 0) / a.length,
    y,
  ],
  'the focal loss': [
    custom.loss('focal', (yTrue, yPred) => {
      const p = ops.clip(ops.sum(ops.mul(yTrue, ops.softmax(yPred))), P, 1 - P);
      return ops.mul(ops.neg(ops.square(ops.sub(1, p))), ops.log(p));
    }),
    (a, b) => {
      const e = b.map(Math.exp);
      const p = e.reduce((s, v, i) => s + a[i] * v, 0) / e.reduce((s, v) => s + v, 0);
      return -((1 - p) ** 2) * Math.log(p);
    },
    classes,
  ],
  'a loss of balanced classes': [
    custom.loss('balanced', (yTrue, yPred) =>
      ops.neg(ops.sum(ops.mul(ops.mul(yTrue, [1, 2, 4]), ops.logSoftmax(yPred)))),
    ),
    (a, b) => {
      const log = Math.log(b.reduce((s, v) => s + Math.exp(v), 0));
      return -a.reduce((s, v, i) => s + v * [1, 2, 4][i] * (b[i] - log), 0);
    },
    classes,
  ],
};

for (const [name, [loss, of, targets]] of Object.entries(losses))
  test(`${name}: its value is the formula's, and training lowers it`, async (t) => {
    for (const dtype of ['float64', 'float32'] as const) {
      const model = network(dtype);
      model.compile({ optimizer: optimizers.adam({ learningRate: 0.01 }), loss });
      const before = model.evaluateSync(x, targets as NDArray).loss;
      const p = model.predictSync(x).toArray<number[][]>();
      const rows = Array.isArray(targets) ? (targets as number[][]) : (targets as NDArray).toArray<number[][]>();
      const expected = rows.reduce((s, row, i) => s + of(row, p[i]), 0) / rows.length;
      t.true(Math.abs(before - expected) < (dtype === 'float64' ? 1e-12 : 1e-5), `${before} is not ${expected}`);
      const { history } = await model.fit(x, targets as NDArray, { epochs: 20 });
      t.true(history.loss[19] < 0.99 * before);
    }
  });

/** x + relu(x @ kernel + bias) */
class Residual extends Layer {
  readonly start: number;

  constructor(options: LayerOptions & { start?: number } = {}) {
    super(options, ['start']);
    this.start = options.start ?? 0.1;
  }
  override build([n]: readonly number[]): void {
    this.addWeight('kernel', [n, n], initializers.constant({ value: this.start }));
    this.addWeight('bias', [n], initializers.zeros());
    this.addWeight('offset', [n], initializers.ones(), { trained: false });
  }
  override call(value: Value, { kernel, bias, offset }: Weights): Value {
    return ops.add(ops.add(value, offset), ops.relu(ops.add(ops.matmul(value, kernel), bias)));
  }
  override getConfig() {
    return { start: this.start };
  }
}
const residual = custom.layer('Residual', Residual);
const soft = custom.activation('soft', (z) => ops.div(z, ops.add(1, ops.abs(z))));
const worst = custom.metric('worst', (yTrue, yPred) => ops.max(ops.abs(ops.sub(yTrue, yPred))));

function own(dtype: 'float64' | 'float32' = 'float64'): Sequential {
  const model = sequential({
    layers: [
      layers.dense({ units: 5, activation: soft, inputShape: [4] }),
      residual({ start: 0.2 }),
      layers.dropout({ rate: 0.1 }),
      layers.dense({ units: 3 }),
    ],
    seed: 3,
    dtype,
  });
  model.compile({ optimizer: 'adam', loss: 'pinball', metrics: [worst, 'squares of errors'] });
  return model;
}
custom.metric('squares of errors', (yTrue, yPred) => ops.mean(ops.square(ops.sub(yTrue, yPred))));

test('gradients of a layer of one’s own are those of differences of the loss', (t) => {
  // one step of gradient descent with the rate 1 moves a weight by its gradient
  const make = () => {
    const m = sequential({
      layers: [layers.dense({ units: 5, activation: soft, inputShape: [4] }), residual({}), layers.dense({ units: 3 })],
      seed: 3,
      dtype: 'float64',
    });
    m.compile({ optimizer: optimizers.sgd({ learningRate: 1 }), loss: squares });
    return m;
  };
  const m = make();
  const before = m.getWeights();
  m.trainOnBatch(x, y);
  const after = m.getWeights();
  const at = make();
  for (const [i, array] of before.entries())
    for (const k of [0, array.size - 1]) {
      const h = 1e-6;
      const side = (step: number) => {
        const moved = before.map((w) => NDArray.from(w));
        moved[i].data[k] += step;
        at.setWeights(moved);
        return at.evaluateSync(x, y).loss;
      };
      const numeric = (side(h) - side(-h)) / (2 * h);
      const exact = array.data[k] - after[i].data[k];
      const frozen = m.weightNames[i].endsWith('offset');
      t.true(Math.abs(exact - (frozen ? 0 : numeric)) < 1e-7, `${m.weightNames[i]}[${k}]: ${exact}, ${numeric}`);
    }
});

/** The derivatives of the loss by every weight, by differences of it. */
function differences(net: Model | Sequential, x: unknown, y: unknown, options = {}): number[][] {
  const before = net.getWeights();
  const h = 1e-6;
  const made = before.map((array, i) =>
    Array.from(array.data, (_, k) => {
      const side = (step: number) => {
        const moved = before.map((w) => NDArray.from(w));
        moved[i].data[k] += step;
        net.setWeights(moved);
        return net.evaluateSync(x as NDArray, y as NDArray, options).loss;
      };
      return (side(h) - side(-h)) / (2 * h);
    }),
  );
  net.setWeights(before);
  return made;
}

const identities: Record<string, [output: (v: Value) => Value, direct: OfSample, otherwise: OfSample]> = {
  'the mean of three': [(v) => v, (_, p) => ops.mean(p), (_, p) => ops.mean(ops.mul(p, 1))],
  'the sum of three': [(v) => v, (_, p) => ops.sum(p), (_, p) => ops.sum(ops.mul(p, 1))],
  'the sum of one': [(v) => ops.slice(v, [1], [1]), (_, p) => ops.sum(p), (_, p) => ops.sum(ops.mul(p, 1))],
  'a number itself': [(v) => ops.sum(v), (_, p) => p as Value<any>, (_, p) => ops.mul(p, 1) as Value<any>],
  'the mean of rows': [(v) => ops.reshape(v, [3, 1]), (_, p) => ops.mean(p), (_, p) => ops.mean(ops.mul(p, 1))],
};
for (const [name, [output, direct, otherwise]] of Object.entries(identities))
  test(`a loss that is its output, ${name}: the gradients of differences, and of the same loss written otherwise`, async (t) => {
    const sequences = new RandomState(4).randn(60, 3, 4);
    sequences.data.fill(0, 4, 12); // two steps that do not count
    for (const isMasked of [false, true]) {
      const make = (fn: OfSample) => {
        const given = input({ shape: isMasked ? [3, 4] : [4] });
        const h = isMasked ? layers.gru({ units: 2 }).apply(layers.masking().apply(given as any)) : given;
        const seen = layers.dense({ units: 5, activation: 'tanh' }).apply(h as any);
        const last = layers.lambda(output).apply(layers.dense({ units: 3 }).apply(seen));
        const net = model({ inputs: given, outputs: last, seed: 1, dtype: 'float64' });
        net.compile({ optimizer: 'sgd', loss: custom.loss('of the output', fn) });
        return net;
      };
      const [own, other] = [direct, otherwise].map(make);
      const rows = isMasked ? sequences : x;
      const targets = NDArray.zeros([60, ...own.outputs[0].shape]);
      for (const options of [{}, { sampleWeight: weights }]) {
        const { loss, gradients } = await own.gradients(rows, targets, options);
        t.deepEqual({ loss, gradients }, await other.gradients(rows, targets, options));
        for (const [i, numeric] of differences(own, rows, targets, options).entries())
          for (const [k, d] of numeric.entries())
            t.true(Math.abs(gradients[i].data[k] - d) < 1e-8, `${own.weightNames[i]}[${k}]: ${d}`);
      }
      own.trainOnBatch(rows, targets, { sampleWeight: weights });
      other.trainOnBatch(rows, targets, { sampleWeight: weights });
      t.deepEqual(own.getWeights(), other.getWeights());
    }
  });

test('a penalty that is the weight, or the output, itself has their derivative, 1', async (t) => {
  class Number_ extends Layer {
    override build(): void {
      this.addWeight('w', [], initializers.constant({ value: 0.5 }), { regularizer: (w: Value) => w });
    }
    override call(value: Value, { w }: Weights): Value {
      return ops.mul(ops.sum(value), w);
    }
  }
  const number = custom.layer('Number_', Number_);
  const compile = (options: object) => {
    const net = sequential({ layers: [number({ inputShape: [2], ...options } as never)], seed: 1, dtype: 'float64' });
    net.compile({ optimizer: 'sgd', loss: custom.loss('squared', (a, b) => ops.square(ops.sub(a, b))) });
    return net;
  };
  const rows = [
    [1, 2],
    [3, 1],
  ];
  // dw = 1 + the mean of 2 x (x w - y), and of x where the output is a penalty
  const { gradients } = await compile({}).gradients(rows, [1, 1]);
  t.is(gradients[0].data[0], 1 + (2 * 3 * 0.5 + 2 * 4 * 1) / 2);
  const judged = compile({ activityRegularizer: (v: Value) => v });
  const both = await judged.gradients(rows, [1, 1]);
  t.is(both.gradients[0].data[0], 1 + (2 * 3 * 0.5 + 2 * 4 * 1) / 2 + 3.5);
  t.true(Math.abs(differences(judged, rows, [1, 1])[0][0] - 10) < 1e-8);
});

test('the metric is the mean over samples', async (t) => {
  const model = own();
  const logs = await model.evaluate(x, y);
  const p = model.predictSync(x);
  const errors = p.data.map((v, i) => Math.abs(v - y.data[i])) as Float64Array;
  const rows = Array.from({ length: 60 }, (_, r) => errors.subarray(3 * r, 3 * r + 3));
  const mean = (f: (row: Float64Array) => number) => rows.reduce((s, row) => s + f(row), 0) / 60;
  t.true(Math.abs(logs.worst - mean((row) => Math.max(...row))) < 1e-12);
  t.true(Math.abs(logs['squares of errors'] - mean((row) => row.reduce((s, e) => s + e * e, 0) / 3)) < 1e-12);
});

test('a network of own parts is saved, loads by their names, and goes on with the same bits', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-custom-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const dtype of ['float64', 'float32'] as const) {
    const model = own(dtype);
    await model.fit(x, y, { epochs: 2 });
    const path = join(folder, `${dtype}.safetensors`);
    await model.save(path);
    const loaded = await Sequential.load(path);
    t.deepEqual(loaded.predictSync(x), model.predictSync(x));
    t.deepEqual(
      loaded.layers.map((layer) => layer.className),
      ['Dense', 'Residual', 'Dropout', 'Dense'],
    );
    const [a, b] = [await model.fit(x, y, { epochs: 2 }), loaded.fitSync(x, y, { epochs: 2 })];
    t.deepEqual(b.history, a.history);
    t.deepEqual(loaded.getWeights(), model.getWeights());
  }
});

test('functions as schedule, initializer and regularizer train, and are not saved', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-custom-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const cases: [RegExp, object, unknown][] = [
    [/the learning rate to be one of schedules\.\*/, {}, (step: number) => 1 / (10 + step)],
    [/the kernelInitializer of the layer 'dense' to be one of initializers\.\*/, { kernelInitializer: halves }, 0.1],
    [/the kernelRegularizer of the layer 'dense' to be one of regularizers\.\*/, { kernelRegularizer: ops.sum }, 0.1],
  ];
  for (const [message, options, learningRate] of cases) {
    const model = network('float64', options);
    model.compile({ optimizer: optimizers.sgd({ learningRate: learningRate as never }), loss: 'mse' });
    model.fitSync(x, y);
    await t.throwsAsync(model.save(join(folder, 'model.safetensors')), { instanceOf: TypeError, message });
  }
  t.deepEqual(readdirSync(folder), []);
});

test('what a function of one’s own returned is told with its name', (t) => {
  const refuse = (make: () => unknown, message: string | RegExp) => t.throws(make, { message });
  const other = network();
  other.build([4]);
  const compiled = (fn: unknown) => () =>
    network().compile({ optimizer: 'sgd', loss: custom.loss('bad', fn as never) });
  const returns = "Expected what the loss 'bad' returns to be";
  refuse(
    compiled(() => 3),
    `${returns} a value, one number a sample, of shape [], got 3 (number)`,
  );
  refuse(
    compiled(() => undefined),
    `${returns} a value, one number a sample, of shape [], got undefined`,
  );
  refuse(
    compiled((_: Value, p: Value) => p),
    `${returns} one number a sample, of shape [], got shape [3]`,
  );
  refuse(
    compiled((yTrue: Value) => ops.mean(yTrue)),
    "Expected the loss 'bad' to depend on yPred, so that there is something to train",
  );
  refuse(
    compiled(() => ops.mean([1, 2])),
    "Expected the loss 'bad' to depend on yTrue or yPred, but it is the same for all samples",
  );
  refuse(
    compiled((_: Value, p: Value) => ops.mean(ops.mul(p, Number.NaN))),
    /to be a finite number, got NaN/,
  );
  let foreign: Value | undefined;
  custom.loss('keeps', (_, p) => {
    foreign = p;
    return ops.mean(p);
  });
  network().compile({ optimizer: 'sgd', loss: 'keeps' });
  refuse(
    compiled((_: Value, p: Value) => ops.mean(ops.mul(p, foreign as Value))),
    "Expected the loss 'bad' to be made of yTrue, yPred and numbers, got a value of another graph",
  );
  const unknown = input({ shape: [3] });
  for (const other of [unknown, ops.neg(unknown), layers.dense({ units: 3 }).apply(unknown)])
    refuse(
      compiled((_: Value, p: Value) => ops.mean(ops.mul(p, other))),
      "Expected the loss 'bad' to be made of yTrue, yPred and numbers, got a value of another graph",
    );
  refuse(
    () => network('float64', { activation: custom.activation('bad', (z) => ops.sum(z)) }).build([4]),
    "Expected what the activation 'bad' returns to be of shape [5], got shape []",
  );
  refuse(
    () => network('float64', { activation: custom.activation('bad', (z) => ops.add(z, ops.sum(unknown))) }).build([4]),
    "Expected the activation 'bad' to be made of what it is given and numbers, got a value of another graph",
  );
  refuse(
    () => network('float64', { kernelRegularizer: (w: Value) => w }).compile({ optimizer: 'sgd', loss: 'mse' }),
    'Expected what the regularizer of dense/kernel returns to be one number of shape [], got shape [4, 5]',
  );
  const elsewhere = layers.dense({ units: 4 }).apply(input({ shape: [4] }));
  refuse(() => {
    const x = input({ shape: [4] });
    const y = layers.lambda((v: Value) => ops.add(v, elsewhere), { name: 'both' }).apply(x);
    model({ inputs: x, outputs: y }).predictSync([[1, 2, 3, 4]]);
  }, "Expected the layer 'both' to compute with what it is given and with numbers, got a value of another graph");
  const bound = (w: Value) => ops.mul(ops.sum(w), ops.sum(elsewhere)) as Value;
  refuse(() => {
    const own = network('float64', { kernelRegularizer: bound as never });
    own.compile({ optimizer: 'sgd', loss: 'mse' });
    own.trainOnBatch([[1, 2, 3, 4]], [[1, 2, 3]]);
  }, 'Expected the regularizer of dense/kernel to be made of what it is given and numbers, got a value of another graph');
});

test('a loss of class numbers has the numbers of sparseCategoricalCrossentropy, in a saved network too', async (t) => {
  const own = custom.loss(
    'ofNumbers',
    (yTrue, yPred) => ops.neg(ops.sum(ops.mul(ops.oneHot(ops.reshape(yTrue, []), 3), ops.logSoftmax(yPred)))),
    { targetShape: [1] },
  );
  const numbers = NDArray.from(Array.from({ length: 60 }, (_, i) => i % 3));
  const train = async (loss: Loss) => {
    const net = network();
    net.compile({ optimizer: 'adam', loss, metrics: ['accuracy', metrics.f1Score({ average: 'macro' })] });
    const options = { epochs: 3, batchSize: 17, classWeight: { 0: 2 }, sampleWeight: weights };
    const { history } = await net.fit(x, numbers, options);
    return { net, numbers: [...Object.values(history), ...net.getWeights().map(({ data }) => data)] };
  };
  const [got, expected] = [await train(own), await train(builtIn.sparseCategoricalCrossentropy({ fromLogits: true }))];
  for (const [i, part] of expected.numbers.entries()) near(t, got.numbers[i], Array.from(part), 1e-11, String(i));
  const { net } = got;
  t.deepEqual(await net.evaluate(x, numbers.reshape(60, 1)), await net.evaluate(x, numbers));
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-custom-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'numbers.safetensors');
  await net.save(path);
  t.deepEqual(await (await Sequential.load(path)).evaluate(x, numbers), await net.evaluate(x, numbers));

  const refuse = (make: () => unknown, message: string) => t.throws(make, { message });
  refuse(() => net.fitSync(x, y), 'Expected y to have shape [n, 1] for ofNumbers, got shape [60, 3]');
  net.compile({ optimizer: 'sgd', loss: custom.loss('ofRows', (yTrue, yPred) => ops.sum(ops.mul(yTrue, yPred))) });
  refuse(
    () => net.fitSync(x, numbers),
    "Expected y to have the output's shape [n, 3] for ofRows (the option targetShape of custom.loss says another), got shape [60]",
  );
  for (const [targetShape, message] of [
    [3, 'Expected targetShape to be an array of positive integers, got 3 (number)'],
    [null, 'Expected targetShape to be an array of positive integers, got null'],
    [[0], 'Expected targetShape[0] to be a positive integer, got 0 (number)'],
  ] as const)
    refuse(() => custom.loss('other', (_, p) => ops.sum(p), { targetShape: targetShape as never }), message);
  const pair = custom.loss('pair', (yTrue, p) => ops.add(ops.sum(yTrue), ops.sum(p)), { targetShape: [2, 2] });
  const unlike =
    "Expected the loss to have targets of the output's shape, or class numbers, for the metrics that there are here, " +
    'got shape [2, 2]: write them with custom.metric';
  for (const metric of ['accuracy', 'mae', 'auc', 'f1Score'])
    refuse(() => network().compile({ optimizer: 'sgd', loss: pair, metrics: [metric] }), unlike);
});

test("what ops throw within a function of one's own says whose it is, and where", (t) => {
  const wide = (z: Value) => ops.add(z, [1, 2, 3, 4, 5, 6]) as Value;
  const unlike = 'Expected shapes that broadcast, got [3] and [6]';
  const refuse = (make: () => unknown, message: string) => {
    const { cause } = t.throws(make, { instanceOf: RangeError, message });
    t.is((cause as Error).message, message.slice(message.indexOf('Expected')));
    t.regex((cause as Error).stack ?? '', /wide.*custom\.test/);
  };
  const compiled = (options: object) => () =>
    network('float64').compile({ optimizer: 'sgd', loss: 'mse', ...options } as never);
  refuse(compiled({ loss: custom.loss('wide', (_, p) => ops.sum(wide(p))) }), `the loss 'wide': ${unlike}`);
  refuse(compiled({ metrics: [custom.metric('wide', (_, p) => ops.sum(wide(p)))] }), `the metric 'wide': ${unlike}`);
  const applied = (layer: Layer) => () => layer.apply(input({ shape: [3] }));
  const activation = custom.activation('wide', wide);
  refuse(applied(layers.activation({ activation })), `the activation 'wide': ${unlike}`);
  refuse(applied(layers.lambda(wide, { name: 'own' })), `the function of own: ${unlike}`);
  class Wide extends Layer {
    override call(x: Value): Value {
      return wide(x);
    }
  }
  const made = custom.layer('Wide', Wide as never);
  refuse(applied(made({ name: 'own' } as never)), `the layer 'own' (Wide): ${unlike}`);
  const kernelRegularizer = (w: Value) => ops.sum(wide(w));
  refuse(
    () => network('float64', { kernelRegularizer }).compile({ optimizer: 'sgd', loss: 'mse' }),
    'the regularizer of dense/kernel: Expected shapes that broadcast, got [4, 5] and [6]',
  );
  class Failing extends Layer {
    override call(): Value {
      throw new SyntaxError('of its own');
    }
  }
  t.throws(applied(custom.layer('Failing', Failing)()), { instanceOf: SyntaxError, message: 'of its own' });
});

test('a constructor that drops options, and layers that call makes anew, are refused in a sentence', (t) => {
  const dropping = custom.layer(
    'Dropping',
    class extends Layer {
      constructor(_: LayerOptions) {
        super({});
      }
      override call(z: Value) {
        return z;
      }
    },
  );
  const dropped = (name: string) =>
    `Expected the constructor of Dropping to hand its options on by super(options), as ${name} is one of them`;
  t.throws(() => dropping({ name: 'mine' }), { instanceOf: TypeError, message: dropped('name') });
  t.throws(() => dropping({ inputShape: [2] }), { instanceOf: TypeError, message: dropped('inputShape') });
  t.throws(() => dropping({ trainable: false }), { instanceOf: TypeError, message: dropped('trainable') });
  const net = sequential({ layers: [layers.dense({ units: 2, inputShape: [2] }), dropping()] });
  t.is(net.predictSync([[1, 2]]).size, 2);
  t.throws(() => net.toBytes(), {
    instanceOf: TypeError,
    message: new RegExp(`${dropped('name').replace(/[()]/g, '.')}$`),
  });

  t.is(dropping(null as never).name, undefined);

  class None extends Layer {
    constructor() {
      super(undefined as never);
    }
    override call(z: Value) {
      return z;
    }
  }
  t.throws(() => custom.layer('None', None)(), {
    instanceOf: TypeError,
    message: "Expected a layer's constructor to hand its options on by super(options), got none",
  });

  const anew = custom.layer(
    'Anew',
    class extends Layer {
      override call(z: Value) {
        return layers.dense({ units: 2 }).apply(layers.activation({ activation: 'relu' }).apply(z));
      }
    },
  );
  const wrong = sequential({ layers: [anew({ inputShape: [2] })] });
  t.throws(() => wrong.compile({ optimizer: 'sgd', loss: 'mse' }), {
    instanceOf: TypeError,
    message:
      "Expected call of the layer 'anew' to apply the same layers each time, made in its constructor, got another Dense",
  });
});

test('names and classes: one sentence each', (t) => {
  const refuse = (make: () => unknown, message: string | RegExp) => t.throws(make, { message });
  const fn = (_: Value, p: Value) => ops.mean(p);
  refuse(() => custom.loss('', fn), "Expected name to be a string of 1 to 100 characters, got '' (string)");
  refuse(() => custom.loss('huber', fn), "Expected name to be none of the names there are, got 'huber' (string)");
  refuse(() => custom.loss('mse', fn), "Expected name to be none of the names there are, got 'mse' (string)");
  refuse(() => custom.metric('accuracy', fn), /none of the names there are/);
  refuse(() => custom.metric('acc', fn), /none of the names there are/);
  refuse(() => custom.activation('swish', ops.relu), /none of the names there are/);
  refuse(() => custom.activation('relu', ops.relu), /none of the names there are/);
  refuse(() => custom.layer('Dense', Residual), /none of the names there are/);
  refuse(() => custom.loss('a', 3 as never), 'Expected fn to be a function of values, got 3 (number)');
  const values = [input({ shape: [2] }), input({ shape: [2] })];
  refuse(
    () => layers.lambda(((a: Value, b: Value) => ops.mul(b, a)) as never).apply(values as any),
    'the function of Lambda: Expected x to be a value of a graph, a number or an array of numbers, got undefined (it is given one value, or one list of them, not 2)',
  );
  t.deepEqual((layers.lambda(ops.sum).apply(values[0]) as Value).shape, []);
  refuse(() => custom.layer('A', Object as never), /^Expected class to be a class that extends Layer, got Object/);
  refuse(
    () =>
      custom.layer(
        'A',
        class extends (Layer as any) {
          forward() {}
        } as never,
      ),
    'Expected class to have a method call(x, weights), which says what the layer makes of its input',
  );
  class Late extends Layer {
    override call(value: Value): Value {
      this.addWeight('w', [1], initializers.zeros());
      return value;
    }
  }
  const late = custom.layer('Late', Late as never);
  refuse(
    () => sequential({ layers: [late({ inputShape: [1] } as never)] }),
    'the layer Late: Expected addWeight to be called in build',
  );
});

test('weights that are only seen reshaped are trained: by the loss, and by a penalty', (t) => {
  class Scale extends Layer {
    override build([n]: readonly number[]) {
      this.addWeight('w', [n, 1], initializers.ones());
    }
    call(x: Value, { w }: Weights) {
      return ops.mul(x, ops.reshape(w, x.shape));
    }
  }
  const compile = (layer: Layer) => {
    const model = sequential({ layers: [layer], dtype: 'float64' });
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.25 }), loss: 'meanSquaredError' });
    return model;
  };
  const scaled = compile(custom.layer('Scale', Scale)({ inputShape: [2] }));
  scaled.trainOnBatch([[2, 1]], [[0, 0]]); // dw = x * 2 (x w - y) / 2
  t.deepEqual(scaled.getWeights()[0].toArray(), [[0], [0.75]]);
  const kernelRegularizer = (w: Value) => ops.sum(w); // reshapes it to a vector
  const penalized = compile(
    layers.dense({ units: 1, inputShape: [2], useBias: false, kernelInitializer: 'ones', kernelRegularizer }),
  );
  penalized.trainOnBatch([[0, 0]], [[0]]);
  t.deepEqual(penalized.getWeights()[0].toArray(), [[0.75], [0.75]]);
});

test('layers that a layer of one’s own is given are saved, cloned and shared as its getConfig gives them', async (t) => {
  interface Given extends LayerOptions {
    blocks: Layer[];
    gate: Layer;
  }
  class Blocks extends Layer {
    blocks: Layer[];
    gate: Layer;
    constructor(options: Given) {
      super(options, ['blocks', 'gate']);
      this.blocks = options.blocks;
      this.gate = options.gate;
    }
    override call(z: Value) {
      const y = this.blocks.reduce((h: Value, block) => block.apply(h) as Value, z);
      return ops.mul(y, this.gate.apply(z) as Value);
    }
    override getConfig() {
      return { blocks: this.blocks, gate: this.gate };
    }
  }
  const blocks = custom.layer('Blocks', Blocks);
  const dense = () => layers.dense({ units: 2, activation: 'tanh' });
  const shared = dense();
  const frozen = layers.dense({ units: 2, name: 'still' });
  frozen.trainable = false;
  const within = sequential({ layers: [dense(), layers.batchNormalization()] });
  const net = sequential({
    layers: [
      blocks({ blocks: [dense(), shared, shared], gate: frozen, inputShape: [2] }),
      blocks({ blocks: [within], gate: shared }),
    ],
    seed: 1,
  });
  net.compile({ optimizer: 'adam', loss: 'mse' });
  const [a, b] = [
    [
      [1, 2],
      [3, -1],
    ],
    [
      [0, 1],
      [1, 0],
    ],
  ];
  net.fitSync(a, b);
  const loaded = await Model.fromBytes(net.toBytes());
  t.deepEqual(loaded.weightNames, net.weightNames);
  t.deepEqual(net.clone().weightNames, net.weightNames);
  net.fitSync(a, b);
  loaded.fitSync(a, b);
  t.deepEqual(loaded.getWeights(), net.getWeights());

  const lambda = layers.lambda((z: Value) => z);
  const other = sequential({ layers: [blocks({ blocks: [lambda], gate: dense(), inputShape: [2] })] });
  t.throws(() => other.toBytes(), {
    instanceOf: TypeError,
    message:
      "Expected the layer 'blocks/lambda' to be one of layers.* or made by custom.layer, as only these can be loaded again, got 'Lambda'",
  });
});

test('a layer of a class that custom.layer was not given is refused where it is applied', (t) => {
  class Forgotten extends Layer {
    override call(z: Value) {
      return z;
    }
  }
  t.throws(() => new Forgotten({}).apply(input({ shape: [2] })), {
    instanceOf: TypeError,
    message: 'Expected the layer that is applied to be of a class that custom.layer was given, got Forgotten',
  });
  t.throws(() => sequential({ layers: [new Forgotten({ inputShape: [2] })] }), {
    instanceOf: TypeError,
    message: 'Expected layer to be a layer, one of layers.* or what custom.layer makes, got Forgotten',
  });
});

test('a layer of one’s own may keep what it likes in fields that layers of ours have', async (t) => {
  const activation = layers.activation({ activation: 'tanh' });
  const kept = [
    { activation, parts: 4, layers: 'two' },
    { activation: 'tanh', parts: [1, 2], layer: null },
    { activation: () => 1, parts: activation },
  ];
  for (const [i, fields] of kept.entries()) {
    const own = custom.layer(
      `Keeping${i}`,
      class extends Layer {
        constructor(options: LayerOptions = {}) {
          super(options);
          Object.assign(this, fields);
        }
        override call(z: Value) {
          return activation.apply(z);
        }
      },
    );
    for (const head of [[], [layers.dense({ units: 1 })]]) {
      const net = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] }), own(), ...head], seed: 1 });
      net.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['accuracy'] });
      net.fitSync([[1], [2]], [1, 0]);
      const loaded = await Model.fromBytes(net.toBytes());
      t.deepEqual(loaded.predictSync([[1], [2]]), net.predictSync([[1], [2]]));
    }
  }
});

test('a layer whose getConfig does not make it again is neither saved nor cloned', (t) => {
  class Times extends Layer {
    readonly factor: number;

    constructor(options: LayerOptions & { factor?: number } = {}) {
      super(options, ['factor']);
      this.factor = options.factor ?? 1;
    }
    override call(value: Value): Value {
      return ops.mul(value, this.factor);
    }
  }
  class Renamed extends Times {
    override getConfig() {
      return { times: this.factor, factor: this.factor };
    }
  }
  const [times, renamed] = [custom.layer('Times', Times), custom.layer('Renamed', Renamed)];
  const network = (layer: Layer) => sequential({ layers: [layer, layers.dense({ units: 1 })], seed: 1 });
  const refused = (layer: Layer, message: string | RegExp) => {
    const net = network(layer);
    t.throws(() => net.toBytes(), { instanceOf: TypeError, message });
    t.throws(() => net.clone(), { message });
  };
  refused(
    times({ factor: 5, inputShape: [2] }),
    "Expected getConfig of the layer 'times' (Times) to give its option factor, as the layer is made again of these",
  );
  refused(
    renamed({ inputShape: [2] }),
    "Expected getConfig of the layer 'renamed' (Renamed) to give what makes it again: Expected options to have no option 'times'; there are: name, inputShape, trainable, activityRegularizer, factor",
  );
  const holding = custom.layer(
    'Holding',
    class extends Layer {
      readonly held: unknown;
      constructor(options: LayerOptions & { held?: unknown }) {
        super(options, ['held']);
        this.held = options.held;
      }
      override call(value: Value): Value {
        return ops.mul(value, 2);
      }
      override getConfig() {
        return { held: this.held };
      }
    },
  );
  refused(
    holding({ held: activations.relu(), inputShape: [2] }),
    /^Expected getConfig of .* again: Expected held to be no object with a config, but its config, got /,
  );
  for (const held of [{ className: 'Blue' }, [{ className: 'Blue' }]])
    refused(holding({ held, inputShape: [2] }), /Expected held to be no object with a className, but the layer, got /);
  const without = network(times({ inputShape: [2] }));
  const rows = [[1, 2]];
  t.deepEqual(Sequential.fromBytes(without.toBytes()).predictSync(rows), without.predictSync(rows));
});

test('values are not for JavaScript’s operators', (t) => {
  const [a, b] = [input({ shape: [2] }), ops.square([1, 2])] as any[];
  const message = 'Expected a value to be given to ops, such as ops.sub(a, b), got an operator of JavaScript';
  for (const use of [() => a - b, () => a + b, () => a * 2, () => -b, () => a > 0, () => a <= b, () => Math.exp(a)])
    t.throws(use, { instanceOf: TypeError, message });
  t.is(`${a}`, '[object Value]');
  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })] });
  const loss = custom.loss('byOperators', (y: any, p: any) => ((y - p) ** 2) as never);
  t.throws(() => model.compile({ optimizer: 'sgd', loss }), { message: `the loss 'byOperators': ${message}` });
});
