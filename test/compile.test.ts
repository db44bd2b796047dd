import test from 'ava';
import { type CompileOptions, layers, losses, metrics, sequential } from 'fjordnet';

const x = [[1], [2], [3], [4]];

const network = (units: number, activation: 'softmax' | 'sigmoid' | 'linear', inputShape: number[] | undefined = [1]) =>
  sequential({ layers: [layers.dense({ units, activation, ...(inputShape ? { inputShape } : {}) })], seed: 1 });

async function warningsOf(action: () => unknown): Promise<Error[]> {
  const warnings: Error[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on('warning', listen);
  await action();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listen);
  return warnings;
}

test('a softmax of one output at the end is refused, with any loss, when compiled or built', (t) => {
  const message = /softmax.* to have two outputs or more, got 1|one output for each class.* got 1/;
  for (const loss of [
    'binaryCrossentropy',
    'categoricalCrossentropy',
    'sparseCategoricalCrossentropy',
    'mse',
  ] as const) {
    t.throws(() => network(1, 'softmax').compile({ optimizer: 'sgd', loss }), { instanceOf: RangeError, message });
    const unbuilt = sequential({ layers: [layers.dense({ units: 1, activation: 'softmax' })] });
    unbuilt.compile({ optimizer: 'sgd', loss });
    t.throws(() => unbuilt.fitSync(x, [0, 0, 0, 0]), { instanceOf: RangeError, message });
  }
  const layer = sequential({
    layers: [layers.dense({ units: 1, inputShape: [1] }), layers.activation({ activation: 'softmax' })],
  });
  t.throws(() => layer.compile({ optimizer: 'sgd', loss: 'binaryCrossentropy' }), { message });
  t.notThrows(() => network(2, 'softmax').compile({ optimizer: 'sgd', loss: 'binaryCrossentropy' }));
  t.notThrows(() => network(1, 'softmax').predictSync(x));
});

test.serial('a softmax of one output inside a network gives Keras’ warning, once for each compile', async (t) => {
  const make = (inputShape?: number[]) =>
    sequential({
      layers: [
        layers.dense({ units: 1, activation: 'softmax', name: 'gate', ...(inputShape ? { inputShape } : {}) }),
        layers.dense({ units: 1 }),
      ],
    });
  for (const shape of [[1], undefined]) {
    const warnings = await warningsOf(() => {
      const model = make(shape);
      model.compile({ optimizer: 'sgd', loss: 'mse' });
      model.fitSync(x, [1, 2, 3, 4]);
      model.fitSync(x, [1, 2, 3, 4]);
    });
    t.deepEqual(
      warnings.map(({ name, message }) => `${name}: ${message}`),
      [
        "FjordnetWarning: The softmax of the layer 'gate' has one output, which is always 1: nothing before it is trained (take 'sigmoid')",
      ],
    );
  }
});

test('metrics cannot take the names of the logs, and two of one name are told apart', (t) => {
  for (const as of ['loss', 'val_loss', 'val_mine', '', '__proto__', 'learning_rate'])
    t.throws(() => metrics.accuracy({ as }), {
      instanceOf: RangeError,
      message: /^Expected as to be a name that is not 'loss'/,
    });
  const mine = {
    config: { name: 'mine' as never, as: 'loss' },
    for: (l: never) => ({ ...metrics.accuracy().for(l), name: 'loss' }),
  };
  t.throws(() => network(1, 'linear').compile({ optimizer: 'sgd', loss: 'mse', metrics: [mine] }), {
    message: /^Expected the name of a metric to be one that is not 'loss'/,
  });
  const model = network(1, 'sigmoid');
  const low = metrics.precision({ threshold: 0 });
  const high = metrics.precision({ threshold: 1 });
  model.compile({
    optimizer: 'sgd',
    loss: 'binaryCrossentropy',
    metrics: [low, high, 'mae', 'mae', metrics.recall({ as: 'mae_1' })],
  });
  const { history } = model.fitSync(x, [0, 1, 1, 1]);
  t.deepEqual(Object.keys(history), ['loss', 'precision', 'precision_1', 'mae', 'mae_1', 'mae_1_1']);
  t.deepEqual([history.precision, history.precision_1], [[0.75], [0]]);
});

test('what is no loss, optimizer or metric, and what does not fit, gets one sentence', (t) => {
  const refused: [Partial<CompileOptions>, RegExp][] = [
    [
      { loss: { config: {} } as never },
      /^Expected loss to be the name of a loss, one of losses\.\* or what custom\.loss makes, got \{"config":\{\}\}$/,
    ],
    [{ loss: { ...losses.huber(), emit: undefined } as never }, /^Expected loss to be the name of a loss/],
    [{ optimizer: { config: {}, record: 3 } as never }, /^Expected optimizer to be the name of an optimizer/],
    [{ metrics: [{ config: {}, for: 1 } as never] }, /^Expected metrics\[0\] to be the name of a metric/],
    [
      { metrics: [null as never] },
      /^Expected metrics\[0\] to be the name of a metric, one of metrics\.\* or what custom\.metric makes, got null$/,
    ],
  ];
  for (const [options, message] of refused)
    t.throws(() => network(1, 'linear').compile({ optimizer: 'sgd', loss: 'mse', ...options }), { message });
  for (const metric of ['binaryAccuracy', 'mse', 'rSquared'] as const)
    t.throws(
      () =>
        network(3, 'softmax').compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy', metrics: [metric] }),
      {
        instanceOf: RangeError,
        message:
          /^Expected the loss to have targets of the output's shape for the metric '.*', got one number a row, such as a class number: write it with custom\.metric$/,
      },
    );
});

test('an inputShape that is not what the layer gets is refused, wherever it stands', (t) => {
  const first = () => layers.dense({ units: 4, inputShape: [3] });
  const refused = (wanted: number, got: number) => ({
    instanceOf: RangeError,
    message: `Expected the input of Dense to be of shape [${wanted}], its inputShape, got shape [${got}]`,
  });
  t.throws(() => sequential({ layers: [first(), layers.dense({ units: 2, inputShape: [5] })] }), refused(5, 4));
  t.is(sequential({ layers: [first(), layers.dense({ units: 2, inputShape: [4] })] }).countParams(), 26);
  t.throws(() => sequential({ layers: [first()] }).build([5]), refused(3, 5));
  const open = sequential({ layers: [layers.dense({ units: 4 }), layers.dense({ units: 2, inputShape: [5] })] });
  t.throws(() => open.predictSync(x), refused(5, 4));
});

test('a compile that is refused leaves the network as it was', (t) => {
  const model = network(1, 'linear');
  model.compile({ optimizer: 'adam', loss: 'mse' });
  model.fitSync(x, [1, 2, 3, 4]);
  const before = model.getWeights();
  t.throws(() => model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' }));
  t.is(model.iterations, 1);
  t.is(model.optimizer.config.name, 'adam');
  t.deepEqual(model.getWeights(), before);
});

test('weights beyond float32 are refused, weights that are not finite taken', (t) => {
  const model = network(1, 'linear');
  t.throws(() => model.setWeights([[[1e300]], [0]]), {
    instanceOf: RangeError,
    message: "Expected weights[0] (dense/kernel) to hold numbers within float32's range, got 1e+300 at row 0, column 0",
  });
  t.throws(() => model.setWeights([null as never, [0]]), {
    message: 'Expected weights[0] (dense/kernel) to be an array of numbers, got null',
  });
  model.setWeights([[[Number.NEGATIVE_INFINITY]], [Number.NaN]]);
  t.deepEqual(
    model.getWeights().map((w) => w.data[0]),
    [Number.NEGATIVE_INFINITY, Number.NaN],
  );
});

test.serial('epochs that are over before they begin give a warning', async (t) => {
  const model = network(1, 'linear');
  model.compile({ optimizer: 'sgd', loss: 'mse' });
  const warned = (options: object) => warningsOf(() => model.fitSync(x, [1, 2, 3, 4], options));
  t.regex((await warned({ initialEpoch: 5, epochs: 2 }))[0].message, /^initialEpoch 5 is beyond epochs 2, /);
  t.deepEqual(await warned({ initialEpoch: 2, epochs: 2 }), []); // a run that was done, resumed
});

test('a dropout of everything trains what comes after it', (t) => {
  const model = sequential({
    layers: [layers.dense({ units: 3, inputShape: [1] }), layers.dropout({ rate: 1 }), layers.dense({ units: 1 })],
    seed: 1,
  });
  model.compile({ optimizer: 'sgd', loss: 'mse' });
  const [kernel] = model.getWeights();
  const { history } = model.fitSync(x, [2, 2, 2, 2], { epochs: 3 });
  t.true(history.loss.every(Number.isFinite) && history.loss[2] < history.loss[0]);
  t.deepEqual(model.getWeights()[0], kernel);
});
