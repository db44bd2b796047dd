import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  activations,
  type CompileOptions,
  callbacks,
  initializers,
  type Layer,
  type Loss,
  layers,
  losses,
  metrics,
  NDArray,
  ops,
  optimizers,
  regularizers,
  Sequential,
  schedules,
  sequential,
} from 'fjordnet';
import type { Value } from '../dist/graph/value.js';
import { Layer as BaseLayer } from '../dist/layers/layer.js';

const x = [[1], [2], [3], [4]];
const y = [2, 3, 4, 5];

function folder(t: { teardown(fn: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'fjordnet-own-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

const network = (options: Partial<CompileOptions> = {}, more: Layer[] = []) => {
  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] }), ...more], seed: 1 });
  model.compile({ optimizer: 'sgd', loss: 'mse', ...options });
  return model;
};

/** Doubles its input. */
function double(className: string): Layer {
  return new (class extends BaseLayer {
    override readonly className = className;

    call(x: Value): Value {
      return ops.mul(x, 2);
    }
  })({});
}

const mse = losses.meanSquaredError();
const accuracy = metrics.meanAbsoluteError();
const dense = (options: object) => layers.dense({ units: 1, ...options });
class Mine extends (layers.dense({ units: 1 }).constructor as typeof Object) {}

const own: [what: string, make: () => Sequential, message: RegExp][] = [
  ['a layer', () => network({}, [double('Double')]), /^Expected the layer 'double' to be one of layers\.\*.*'Double'$/],
  ['a layer that borrows a name', () => network({}, [double('Flatten')]), /^Expected the layer 'flatten'.*'Flatten'$/],
  [
    'a layer that extends one of ours',
    () => network({}, [new Mine({ units: 1 }) as unknown as Layer]),
    /^Expected the layer 'dense_1' to be one of layers\.\*/,
  ],
  [
    'a layer with a method',
    () => network({}, [Object.assign(layers.flatten(), { outputShape: (shape: readonly number[]) => shape })]),
    /^Expected the layer 'flatten' to be one of layers\.\*.*'Flatten'$/,
  ],
  [
    'a loss',
    () => network({ loss: { ...mse, config: { name: 'mine' as never } } }),
    /^Expected the loss to be one of losses\.\* or made by custom\.loss, as only these can be loaded again, got 'mine'$/,
  ],
  ['a loss that borrows a name', () => network({ loss: { ...mse } as Loss }), /the loss .* got 'meanSquaredError'$/],
  [
    'a metric',
    () =>
      network({
        metrics: [
          { config: { name: 'mine' as never, as: 'mine' }, for: (l) => ({ ...accuracy.for(l), name: 'mine' }) },
        ],
      }),
    /^Expected the metric to be one of metrics\.\*.* got 'mine'$/,
  ],
  [
    'an optimizer',
    () => network({ optimizer: { ...optimizers.sgd(), config: { name: 'mine' as never } } }),
    /^Expected the optimizer to be one of optimizers\.\*.* got 'mine'$/,
  ],
  [
    'a schedule',
    () =>
      network({
        optimizer: optimizers.sgd({ learningRate: Object.assign(() => 0.1, { config: { name: 'mine' as never } }) }),
      }),
    /^Expected the learning rate to be one of schedules\.\*.* got 'mine'$/,
  ],
  [
    'a schedule inside of one of ours',
    () => {
      const inner = Object.assign(() => 0.1, { config: { name: 'mine' as never } });
      return network({
        optimizer: optimizers.adam({ learningRate: schedules.warmup({ learningRate: inner, warmupSteps: 2 }) }),
      });
    },
    /^Expected an optimizer that can be loaded again: Expected schedule to be one of .*, got 'mine' \(string\)$/,
  ],
  [
    'an activation',
    () => network({}, [dense({ activation: { ...activations.tanh(), config: { name: 'mine' as never } } })]),
    /^Expected the activation of the layer 'dense_1' to be one of activations\.\*.* got 'mine'$/,
  ],
  [
    'an initializer',
    () => {
      const ones = Object.assign((shape: readonly number[]) => NDArray.zeros(shape), {
        config: { name: 'zeros' as const },
      });
      return network({}, [dense({ kernelInitializer: ones })]);
    },
    /^Expected the kernelInitializer of the layer 'dense_1' to be one of initializers\.\*.* got 'zeros'$/,
  ],
  [
    'an initializer of a normalization',
    () => {
      const mine = Object.assign((shape: readonly number[]) => NDArray.zeros(shape), {
        config: { name: 'mine' as never },
      });
      return network({}, [layers.batchNormalization({ gammaInitializer: mine })]);
    },
    /^Expected the gammaInitializer of the layer 'batch_normalization' to be one of initializers\.\*.* got 'mine'$/,
  ],
];

for (const [what, make, message] of own)
  test(`${what} of one’s own trains, and is not saved`, async (t) => {
    const home = folder(t);
    const model = make();
    await model.fit(x, y, { epochs: 2 });
    t.is(model.iterations, 2);
    const path = join(home, 'model.safetensors');
    await t.throwsAsync(model.save(path), { instanceOf: TypeError, message });
    t.false(existsSync(path));
    const checkpoint = callbacks.modelCheckpoint({ filepath: path });
    await t.throwsAsync(model.fit(x, y, { callbacks: checkpoint }), { message });
    t.deepEqual(readdirSync(home), []);
    t.false(model.busy);
  });

test('everything of ours is saved and loaded again, however it was asked for', async (t) => {
  const path = join(folder(t), 'model.safetensors');
  for (const [optimizer, loss, metric, activation, initializer] of [
    ['adam', 'mse', 'mae', 'tanh', 'heNormal'],
    [optimizers.adam, losses.meanSquaredError, metrics.meanAbsoluteError, activations.tanh, initializers.heNormal],
    [
      optimizers.adam({
        learningRate: schedules.warmup({
          warmupSteps: 3,
          learningRate: schedules.cosineDecay({ initialLearningRate: 1, decaySteps: 9 }),
        }),
      }),
      losses.huber({ delta: 2 }),
      metrics.meanAbsoluteError({ as: 'error' }),
      { name: 'leakyRelu', alpha: 0.2 },
      { name: 'constant', value: 0.3 },
    ],
  ] as never[][]) {
    const model = sequential({
      layers: [
        layers.dense({
          units: 2,
          activation,
          kernelInitializer: initializer,
          kernelRegularizer: regularizers.l2(),
          inputShape: [1],
        }),
        layers.batchNormalization({ gammaInitializer: initializer }),
        layers.dropout({ rate: 0.1 }),
        layers.dense({ units: 1 }),
      ],
      seed: 2,
    });
    model.compile({ optimizer, loss, metrics: [metric, metric, 'rSquared'] });
    await model.fit(x, y, { epochs: 2 });
    await model.save(path);
    const loaded = await Sequential.load(path);
    const [one, other] = [loaded, model].map((m) => m.fitSync(x, y, { epochs: 2 }).history);
    t.deepEqual(one, other);
    await loaded.save(path);
  }
});

test('what an initializer of one’s own makes is checked', (t) => {
  for (const wrong of [() => undefined, () => [1], () => new Float64Array(4)]) {
    const kernelInitializer = Object.assign(wrong, { config: { name: 'mine' } }) as never;
    const model = sequential({ layers: [layers.dense({ units: 1, kernelInitializer })] });
    for (let attempt = 0; attempt < 2; attempt++)
      t.throws(() => model.predictSync(x), { message: /^Expected what the initializer of dense\/kernel makes to be / });
  }
});

test('a network shares the layers that another one has, before and after it is trained', async (t) => {
  const base = sequential({ name: 'base', layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1 });
  const early = sequential({ layers: [...base.layers, layers.dense({ units: 2 })], seed: 7 });
  base.compile({ optimizer: 'sgd', loss: 'mse' });
  await base.fit(x, y);
  t.deepEqual(early.getWeights()[0], base.getWeights()[0]);
  const top = sequential({ layers: [...base.layers, layers.dense({ units: 2 })], seed: 2 });
  t.deepEqual(top.getWeights()[0], base.getWeights()[0]);
  const before = base.getWeights();
  t.throws(() => base.add(base.layers[0]), { message: /new to this network/ });
  t.deepEqual(base.getWeights(), before);

  top.compile({ optimizer: 'sgd', loss: 'mse' });
  top.trainOnBatch([[1]], [[3, 4]]);
  t.notDeepEqual(base.getWeights(), before);
  t.deepEqual(top.getWeights().slice(0, 2), base.getWeights());
  const [[w], [b]] = base.getWeights().map(({ data }) => data);
  t.is(base.predictSync([[2]]).data[0], Math.fround(Math.fround(2 * w) + b));

  // layers of a network that could not be made are free
  const [first, second] = [layers.dense({ units: 3, inputShape: [2] }), layers.conv2d({ filters: 1, kernelSize: 2 })];
  t.throws(() => sequential({ layers: [first, second] }));
  t.notThrows(() => sequential({ layers: [first] }).build([2]));
  t.notThrows(() => sequential({ layers: [second] }).build([4, 4, 1]));
});

test('what made a loss, a metric, an optimizer, an initializer or an activation stays what it is said to be', (t) => {
  const made = [losses.huber({ delta: 2 }), metrics.meanAbsoluteError({ as: 'error' }), activations.leakyRelu()];
  for (const { config } of [
    ...made,
    initializers.heNormal(),
    schedules.cosineDecay({ initialLearningRate: 1, decaySteps: 9 }),
  ])
    t.throws(() => Object.assign(config, { name: 'other' }), { instanceOf: TypeError });
  const { optimizer } = network();
  t.notThrows(() => Object.assign(optimizer.config, { name: 'other' })); // is read anew each time
  t.is(optimizer.config.name, 'sgd');
});

test('a network that was built, and its layers, stay what they were built as', (t) => {
  const model = network({}, [layers.dropout({ rate: 0.5 }), layers.batchNormalization()]);
  const [dense, dropout, normalization] = model.layers;
  const changes: [object, object][] = [
    [dense, { units: 3 }],
    [dense, { className: 'Conv2D' }],
    [dropout, { rate: 0.1 }],
    [normalization, { epsilon: 0.1 }],
    [model, { dtype: 'float64' }],
    [model, { name: 5 }],
  ];
  for (const [part, change] of changes) {
    const before = Object.entries(part).map(String);
    t.throws(() => Object.assign(part, change), { instanceOf: TypeError });
    t.deepEqual(Object.entries(part).map(String), before);
  }
});

test('lists of a network cannot be changed behind its back', (t) => {
  const model = network();
  for (const list of [model.layers, model.layerNames, model.metrics] as unknown[][]) {
    t.throws(() => list.push(1), { instanceOf: TypeError });
    t.true(Object.isFrozen(list));
  }
});

test('what compile sets is not set elsewhere', (t) => {
  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })] });
  for (const name of ['optimizer', 'loss', 'metrics'] as const)
    t.throws(() => Object.assign(model, { [name]: 'adam' }), {
      instanceOf: TypeError,
      message: `Expected ${name} to be set by compile, with optimizer, loss and metrics`,
    });
  const { optimizer } = network();
  optimizer.learningRate = 0.5;
  t.is(optimizer.learningRate, 0.5);
  t.throws(() => Object.assign(optimizer, { momentum: 0.9 }), { instanceOf: TypeError });
});

test('what declares no weight is refused in a sentence, and so is a call that returns no value', (t) => {
  const declared = (...args: any[]) => {
    class Own extends BaseLayer {
      override readonly className = 'Own';
      override build() {
        (this.addWeight as any)(...args);
        if (args.length > 4) this.addWeight(args[0], [2], 'ones');
      }
      call(x: Value, weights: Record<string, Value>) {
        return ops.mul(x, Object.values(weights)[0]);
      }
    }
    const net = sequential({ layers: [new Own({ name: 'own', inputShape: [2] })] });
    net.compile({ optimizer: optimizers.sgd({ learningRate: 1 }), loss: 'mse' });
    net.trainOnBatch([[1, 1]], [[0, 0]]);
    return Array.from(net.getWeights()[0].data);
  };
  const own = "of the weight 'w' of the layer 'own' (Own)";
  for (const [args, message] of [
    [['', [2], 'ones'], "Expected the name of a weight to be a string that is not empty, got '' (string)"],
    [['w', 'ab', 'ones'], `Expected the shape ${own} to be an array of positive integers, got 'ab' (string)`],
    [
      ['w', [2]],
      `Expected the initializer ${own} to be the name of an initializer or one of initializers.*, got undefined`,
    ],
    [
      ['w', [2], 'ones', { trainable: false }],
      `Expected the options ${own} to have no option 'trainable'; there are: regularizer, constraint, trained`,
    ],
    [['w', [2], 'ones', { trained: 'no' }], `Expected trained ${own} to be a boolean, got 'no' (string)`],
    [
      ['w', [2], 'ones', {}, true],
      "Expected the weights of the layer 'own' (Own) to be of different names, got 'w' (string)",
    ],
  ] as const)
    t.throws(() => declared(...args), { message });
  t.deepEqual(declared('w', [2], 'ones', { trained: false }), [1, 1]);
  t.deepEqual(declared('w', [2], 'ones'), [0, 0]);
  t.deepEqual(declared('w', [2], 'ones', { constraint: 'nonNeg', regularizer: (w: Value) => ops.sum(w) }), [0, 0]);
  for (const made of [undefined, null, [], 3]) {
    class Odd extends BaseLayer {
      override readonly className = 'Odd';
      call() {
        return made;
      }
    }
    t.throws(() => sequential({ layers: [new Odd({ name: 'odd', inputShape: [2] })] }).countParams(), {
      message: /^Expected what call of the layer 'odd' \(Odd\) returns to be a value or a list of them, got/,
    });
  }
});

test('what has no options refuses them, and a class is no function', (t) => {
  for (const make of [activations.relu, losses.meanSquaredError, initializers.zeros]) {
    t.notThrows(() => make());
    t.throws(() => (make as any)({ reduction: 'sum' }), {
      message: `Expected the options of ${make.name} to have no option 'reduction'; there are none`,
    });
  }
  class Made {}
  for (const [option, of] of [
    ['kernelInitializer', () => layers.dense({ units: 1, kernelInitializer: Made as never })],
    ['kernelRegularizer', () => layers.dense({ units: 1, kernelRegularizer: Made as never })],
    ['kernelConstraint', () => layers.dense({ units: 1, kernelConstraint: Made as never })],
    ['learningRate', () => optimizers.sgd({ learningRate: Made as never })],
    ['fn', () => layers.lambda(Made as never)],
  ] as const)
    t.throws(of, { message: new RegExp(`^Expected ${option} to be .*, got Made \\(function\\)$`) });
});

test("what is one's own within a wrapper is refused by save, too, before a file is written", async (t) => {
  const home = folder(t);
  const penalty = (w: Value) => ops.sum(ops.square(w));
  const wrapped: Record<string, () => Layer> = {
    lambda: () => layers.timeDistributed({ layer: layers.lambda((v) => ops.mul(v as Value, 2)) }),
    'a regularizer': () => layers.timeDistributed({ layer: layers.dense({ units: 2, kernelRegularizer: penalty }) }),
    'a constraint of both directions': () =>
      layers.bidirectional({
        layer: layers.lstm({ units: 2, returnSequences: true, kernelConstraint: (w) => ops.clip(w, -1, 1) }),
      }),
    'a wrapper within one': () =>
      layers.timeDistributed({
        layer: sequential({ layers: [layers.inputLayer({ shape: [4] }), layers.lambda((v) => ops.neg(v as Value))] }),
      }),
  };
  for (const [what, layer] of Object.entries(wrapped)) {
    const model = sequential({ layers: [layers.inputLayer({ shape: [3, 4] }), layer()], seed: 1 });
    await t.throwsAsync(model.save(join(home, 'model.net')), { message: /can be loaded again/ }, what);
    t.throws(() => model.clone(), { message: /can be loaded again/ }, what);
  }
  t.deepEqual(readdirSync(home), []);
});
