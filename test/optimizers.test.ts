import { readFileSync } from 'node:fs';
import test from 'ava';
import {
  getThreads,
  layers,
  NDArray,
  optimizers,
  RandomState,
  type Schedule,
  Sequential,
  schedules,
  sequential,
  setThreads,
} from 'fjordnet';
import { getOptimizer, type Optimizer, optimizerFrom } from '../dist/optimizers.js';
import { scheduleFrom } from '../dist/schedules.js';
import { sameBits } from './helpers/bits.js';
import { difference } from './helpers/replay.js';
import { Weights } from './helpers/weights.js';

type Name = keyof typeof optimizers;
interface Case {
  name: Name;
  options: Record<string, unknown>;
  final: number[][];
}
const golden = JSON.parse(readFileSync(new URL('../test/fixtures/optimizers.json', import.meta.url), 'utf8')) as {
  start: { shape: number[]; data: number[] }[];
  gradients: number[][][];
  cases: Case[];
};
const DTYPES = ['float64', 'float32'] as const;
const NAMES = Object.keys(optimizers) as Name[];
const make = (name: Name, options: object = {}) => (optimizers[name] as (options: object) => Optimizer)(options);

const start = golden.start.map(({ shape, data }) => NDArray.from(data, { shape }));

for (const dtype of DTYPES)
  for (const { name, options, final } of golden.cases)
    test(`${name} ${JSON.stringify(options)} is PyTorch's: ${dtype}`, (t) => {
      const inRange = dtype === 'float64' || options.epsilon !== 1e-300 ? options : { ...options, epsilon: 1e-30 };
      const weights = new Weights(dtype, make(name, inRange), start);
      for (const gradients of golden.gradients) weights.step(gradients);
      for (const [i, values] of weights.values.entries()) {
        const d = difference(values, final[i]);
        t.true(d <= (dtype === 'float64' ? 1e-14 : 5e-6), `${d}`);
      }
    });

// ---------------------------------------------------------------- Keras' update_step, value by value

type Options = Record<string, number> & {
  nesterov?: boolean;
  centered?: boolean;
  amsgrad?: boolean;
  epsilonHat?: boolean;
};
type Update = (o: Options, lr: number, t: number, g: number, s: Record<string, number>) => number;

/** The change of one weight, s its memory, as in keras/src/optimizers. */
const KERAS: Record<Name, { defaults: Options; start?: (o: Options) => Record<string, number>; update: Update }> = {
  sgd: {
    defaults: { learningRate: 0.01, momentum: 0 },
    update: (o, lr, _, g, s) => {
      if (o.momentum === 0) return -lr * g;
      s.m = o.momentum * (s.m ?? 0) - lr * g;
      return o.nesterov ? o.momentum * s.m - lr * g : s.m;
    },
  },
  adam: { defaults: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }, update: adam },
  adamW: {
    defaults: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0.004 },
    update: adam,
  },
  nadam: {
    defaults: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
    update: (o, lr, t, g, s) => {
      const u = (k: number) => o.beta1 * (1 - 0.5 * 0.96 ** k);
      s.product = (s.product ?? 1) * u(t);
      s.m = (s.m ?? 0) + (g - (s.m ?? 0)) * (1 - o.beta1);
      s.v = (s.v ?? 0) + (g * g - (s.v ?? 0)) * (1 - o.beta2);
      const mHat = (u(t + 1) * s.m) / (1 - s.product * u(t + 1)) + ((1 - u(t)) * g) / (1 - s.product);
      return -(mHat * lr) / (Math.sqrt(s.v / (1 - o.beta2 ** t)) + o.epsilon);
    },
  },
  rmsprop: {
    defaults: { learningRate: 0.001, rho: 0.9, momentum: 0, epsilon: 1e-7 },
    update: (o, lr, _, g, s) => {
      s.v = o.rho * (s.v ?? 0) + (1 - o.rho) * g * g;
      s.mean = o.rho * (s.mean ?? 0) + (1 - o.rho) * g;
      const increment = (lr * g) / Math.sqrt((o.centered ? s.v - s.mean ** 2 : s.v) + o.epsilon);
      if (o.momentum === 0) return -increment;
      s.m = o.momentum * (s.m ?? 0) + increment;
      return -s.m;
    },
  },
  adagrad: {
    defaults: { learningRate: 0.001, initialAccumulatorValue: 0.1, epsilon: 1e-7 },
    update: (o, lr, _, g, s) => {
      s.v = (s.v ?? o.initialAccumulatorValue) + g * g;
      return (-lr * g) / Math.sqrt(s.v + o.epsilon);
    },
  },
  adamax: {
    defaults: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
    update: (o, lr, t, g, s) => {
      s.m = (s.m ?? 0) + (g - (s.m ?? 0)) * (1 - o.beta1);
      s.u = Math.max(o.beta2 * (s.u ?? 0), Math.abs(g));
      return (-lr * s.m) / ((1 - o.beta1 ** t) * (s.u + o.epsilon));
    },
  },
  lion: {
    defaults: { learningRate: 0.001, beta1: 0.9, beta2: 0.99 },
    update: (o, lr, _, g, s) => {
      const step = -lr * Math.sign((s.m ?? 0) * o.beta1 + g * (1 - o.beta1));
      s.m = (s.m ?? 0) * o.beta2 + g * (1 - o.beta2);
      return step;
    },
  },
  adadelta: {
    defaults: { learningRate: 0.001, rho: 0.95, epsilon: 1e-7 },
    update: (o, lr, _, g, s) => {
      s.v = o.rho * (s.v ?? 0) + (1 - o.rho) * g * g;
      const delta = (-Math.sqrt((s.u ?? 0) + o.epsilon) * g) / Math.sqrt(s.v + o.epsilon);
      s.u = o.rho * (s.u ?? 0) + (1 - o.rho) * delta * delta;
      return lr * delta;
    },
  },
};

function adam(o: Options, lr: number, t: number, g: number, s: Record<string, number>): number {
  const alpha = (lr * Math.sqrt(1 - o.beta2 ** t)) / (1 - o.beta1 ** t);
  s.m = (s.m ?? 0) + (g - (s.m ?? 0)) * (1 - o.beta1);
  s.v = (s.v ?? 0) + (g * g - (s.v ?? 0)) * (1 - o.beta2);
  s.most = Math.max(s.most ?? 0, s.v);
  const v = o.amsgrad ? s.most : s.v;
  // the paper's algorithm 1, as it stands
  if (o.epsilonHat === false)
    return (-lr * (s.m / (1 - o.beta1 ** t))) / (Math.sqrt(v / (1 - o.beta2 ** t)) + o.epsilon);
  return -(s.m * alpha) / (Math.sqrt(v) + o.epsilon);
}

const VARIANTS: Record<Name, object[]> = {
  sgd: [{}, { momentum: 0.9 }, { momentum: 0.5, nesterov: true }],
  adam: [{}, { beta1: 0, epsilon: 1e-3 }, { amsgrad: true, beta2: 0.5 }, { epsilonHat: false, epsilon: 1e-3 }],
  adamW: [{}, { beta2: 0.9 }],
  nadam: [{}, { beta1: 0.5 }],
  rmsprop: [{}, { momentum: 0.9 }, { centered: true }, { momentum: 0.3, centered: true, rho: 0.5 }],
  adamax: [{}, { beta1: 0.5, beta2: 0.7 }],
  lion: [{}, { beta1: 1, beta2: 0.3 }],
  adagrad: [{}, { initialAccumulatorValue: 0 }],
  adadelta: [{}, { rho: 0.3 }],
};

for (const name of NAMES)
  for (const variant of VARIANTS[name])
    for (const more of [
      {},
      { learningRate: 0.05, weightDecay: 0.2 },
      { learningRate: schedules.inverseTimeDecay({ initialLearningRate: 0.1, decaySteps: 2, decayRate: 1 }) },
    ])
      test(`${name} ${JSON.stringify({ ...variant, ...more, ...('learningRate' in more && typeof more.learningRate === 'function' ? { learningRate: 'schedule' } : {}) })} is Keras' formula`, (t) => {
        const optimizer = make(name, { ...variant, ...more });
        const weights = new Weights('float64', optimizer, start);
        const { defaults, update } = KERAS[name];
        const o = { ...defaults, ...variant, ...more } as Options;
        const rate = o.learningRate as number | Schedule;
        const w = start.map((p) => Array.from(p.data));
        const memory = start.map((p) => Array.from(p.data, () => ({}) as Record<string, number>));
        for (const [step, gradients] of golden.gradients.entries()) {
          const lr = typeof rate === 'number' ? rate : 0.1 / (1 + step / 2);
          for (const [i, gs] of gradients.entries())
            for (const [j, g] of gs.entries()) {
              w[i][j] -= w[i][j] * lr * (o.weightDecay ?? 0);
              w[i][j] += update(o, lr, step + 1, g, memory[i][j]);
            }
          weights.step(gradients);
        }
        for (const [i, values] of weights.values.entries())
          t.true(difference(values, w[i]) <= 1e-13, `${difference(values, w[i])}`);
      });

test('every optimizer has PyTorch cases and a formula', (t) => {
  const tested = new Set(golden.cases.map((c) => c.name));
  const onlyKeras = ['adamax', 'lion']; // PyTorch has epsilon elsewhere in the one, and not the other: test/keras-optimizers.test.ts
  for (const name of NAMES) t.true((tested.has(name) || onlyKeras.includes(name)) && name in KERAS, name);
});

test('large weights: the same bits whatever the number of threads, and no weight is left out', (t) => {
  const n = 50001; // several tiles, the last one short
  const generator = new RandomState(1);
  const value = generator.randn(n);
  const gradients = [generator.randn(n).data, generator.randn(n).data, generator.randn(n).data];
  const threads = getThreads();
  for (const dtype of DTYPES)
    for (const name of NAMES)
      for (const options of [
        {},
        { globalClipNorm: 1, weightDecay: 0.01 },
        { clipNorm: 3 },
        { clipValue: 0.1 },
        { useEma: true },
      ]) {
        const runs = [1, 2, 3].map((count) => {
          setThreads(count);
          const weights = new Weights(dtype, make(name, options), [value]);
          for (const g of gradients) weights.step([g]);
          return weights.arrays[0];
        });
        t.true(sameBits([runs[1]], [runs[0]]), name);
        t.true(sameBits([runs[2]], [runs[0]]), name);
        if (Object.keys(options).length === 0 && dtype === 'float64')
          t.true(
            runs[0].data.every((w: number, i: number) => w !== value.data[i]),
            name,
          );
      }
  setThreads(threads);
});

test('clipping leaves small gradients as they are, to the bit', (t) => {
  for (const clip of ['clipNorm', 'globalClipNorm', 'clipValue'] as const) {
    const [plain, clipped] = [{}, { [clip]: 1e3 }].map((options) => {
      const weights = new Weights('float32', make('sgd', options), start);
      weights.step(golden.gradients[0]);
      return weights.values;
    });
    t.deepEqual(clipped, plain, clip);
  }
});

test('a run that goes on at a later step takes the same steps', (t) => {
  const averaged = { useEma: true, emaMomentum: 0.5, emaOverwriteFrequency: 2 };
  for (const [name, options] of [
    ...NAMES.map((name) => [name, {}] as const),
    ['adam', { amsgrad: true }] as const,
    // three batches: one and a half updates
    ...NAMES.map((name) => [name, { ...averaged, gradientAccumulationSteps: 2 }] as const),
  ]) {
    const optimizer = make(name, options);
    const whole = new Weights('float64', optimizer, start);
    for (const gradients of golden.gradients) whole.step(gradients);
    const first = new Weights('float64', optimizer, start);
    for (const gradients of golden.gradients.slice(0, 3)) first.step(gradients);
    const second = new Weights('float64', optimizerFrom(JSON.parse(JSON.stringify(optimizer.config))), start, 3);
    const { parameters, states } = first.tape;
    parameters.forEach((p, i) => second.plan.write(second.tape.parameters[i].value, first.plan.read(p.value)));
    states.forEach((s, i) => second.plan.write(second.tape.states[i], first.plan.read(s)));
    t.deepEqual(
      states.map((s) => s.name),
      second.tape.states.map((s) => s.name),
    );
    for (const gradients of golden.gradients.slice(3)) second.step(gradients);
    t.deepEqual(second.values, whole.values, name);
  }
});

test('an optimizer keeps no memory it does not need', (t) => {
  const states = (name: Name, options: object) =>
    new Weights('float64', make(name, options), start).tape.states.length / start.length;
  t.is(states('sgd', {}), 0);
  t.is(states('sgd', { momentum: 0.9 }), 1);
  t.is(states('adam', {}), 2);
  t.is(states('rmsprop', {}), 1);
  t.is(states('rmsprop', { centered: true, momentum: 0.9 }), 3);
  t.is(states('adam', { amsgrad: true }), 3);
  t.is(states('adamax', {}), 2);
  t.is(states('lion', {}), 1);
  t.is(states('sgd', { useEma: true, gradientAccumulationSteps: 2 }), 2);
  t.is(states('adagrad', {}), 1);
  t.is(states('adadelta', {}), 2);
});

test('the learning rate may be set between steps', (t) => {
  const optimizer = optimizers.sgd({ learningRate: 1 });
  const weights = new Weights('float64', optimizer, [NDArray.from([0])]);
  weights.step([[1]]);
  optimizer.learningRate = 10;
  weights.step([[1]]);
  t.deepEqual(weights.values, [[-11]]);
  t.is(optimizer.config.learningRate, 10);
  optimizer.learningRate = schedules.stepDecay({ initialLearningRate: 8, decaySteps: 1, decayRate: 0.5 });
  weights.step([[1]]);
  t.deepEqual(weights.values, [[-13]]); // 8 * 0.5^2: the schedule is given the steps done
  t.throws(() => (optimizer.learningRate = -1), {
    message: 'Expected learningRate to be a non-negative number, got -1 (number)',
  });
});

test('schedules', (t) => {
  const decay = { initialLearningRate: 0.1, decaySteps: 4, decayRate: 0.5 };
  const close = (actual: number, expected: number) =>
    t.true(Math.abs(actual - expected) <= 1e-15, `${actual} is not ${expected}`);
  close(schedules.exponentialDecay(decay)(6), 0.1 * 0.5 ** 1.5);
  close(schedules.exponentialDecay({ ...decay, staircase: true })(7), 0.05);
  close(schedules.stepDecay(decay)(7), 0.05);
  close(schedules.stepDecay(decay)(8), 0.025);
  close(schedules.inverseTimeDecay(decay)(6), 0.1 / 1.75);
  close(schedules.inverseTimeDecay({ ...decay, staircase: true })(6), 0.1 / 1.5);
  const cosine = schedules.cosineDecay({ initialLearningRate: 2, decaySteps: 10, alpha: 0.25 });
  close(cosine(0), 2);
  close(cosine(5), 1.25);
  close(cosine(10), 0.5);
  close(cosine(11), 0.5);
  const warmup = schedules.warmup({
    learningRate: schedules.exponentialDecay(decay),
    warmupSteps: 5,
    initialLearningRate: 0.05,
  });
  close(warmup(0), 0.05);
  close(warmup(2), 0.07);
  close(warmup(5), 0.1);
  close(warmup(9), 0.05);
  close(schedules.warmup({ learningRate: 0.2, warmupSteps: 2 })(1), 0.1);
  for (const schedule of [warmup, cosine, schedules.stepDecay(decay)]) {
    const again = scheduleFrom(JSON.parse(JSON.stringify(schedule.config)));
    for (let step = 0; step < 20; step++) t.is(again(step), schedule(step));
  }
  const optimizer = optimizerFrom(JSON.parse(JSON.stringify(optimizers.adam({ learningRate: warmup }).config)));
  t.is((optimizer.learningRate as Schedule)(2), warmup(2));
});

test('names, configs and wrong options', (t) => {
  for (const name of NAMES) {
    const { config } = make(name);
    t.deepEqual(optimizerFrom(JSON.parse(JSON.stringify(config))).config, config);
    t.is(getOptimizer('optimizer', name).config.name, name);
    t.is(config.learningRate, KERAS[name].defaults.learningRate);
    for (const [option, value] of Object.entries(KERAS[name].defaults))
      t.is(config[option], value, `${name}.${option}`);
  }
  const optimizer = optimizers.sgd({ weightDecay: 0.1, clipNorm: 2 });
  t.deepEqual(optimizer.config, {
    name: 'sgd',
    learningRate: 0.01,
    momentum: 0,
    nesterov: false,
    weightDecay: 0.1,
    clipNorm: 2,
  });
  t.is(getOptimizer('optimizer', optimizer), optimizer);
  for (const weightDecay of [0, undefined, 0.1]) {
    const { config } = optimizers.adamW({ weightDecay });
    t.is(config.weightDecay, weightDecay ?? 0.004);
    t.deepEqual(optimizerFrom(JSON.parse(JSON.stringify(config))).config, config);
  }
  const more = { useEma: true, emaMomentum: 0.9, emaOverwriteFrequency: 4, gradientAccumulationSteps: 2 };
  t.like(optimizers.lion(more).config, more);
  t.deepEqual(
    optimizerFrom(JSON.parse(JSON.stringify(optimizers.lion(more).config))).config,
    optimizers.lion(more).config,
  );
  const left = { weightDecay: 0.1, excludeFromWeightDecay: ['bias', 'norm/'] };
  t.like(optimizers.sgd(left).config, left);
  t.deepEqual(
    optimizerFrom(JSON.parse(JSON.stringify(optimizers.sgd(left).config))).config,
    optimizers.sgd(left).config,
  );
  t.false('excludeFromWeightDecay' in optimizers.sgd({ excludeFromWeightDecay: [] }).config);
  const none = { emaOverwriteFrequency: null, gradientAccumulationSteps: null };
  t.deepEqual(optimizers.lion(none).config, optimizers.lion().config);
  const refused = (run: () => unknown, message: string | RegExp) => t.throws(run, { message });
  refused(() => getOptimizer('optimizer', 'Adam'), /did you mean 'adam'\?/);
  refused(
    () => getOptimizer('optimizer', {}),
    'Expected optimizer to be the name of an optimizer or one of optimizers.*, got {}',
  );
  refused(
    () => optimizers.adam({ learnigRate: 1 } as object),
    /no option 'learnigRate' \(did you mean 'learningRate'\?\)/,
  );
  refused(
    () => optimizers.adam({ learningRate: '1' as never }),
    "Expected learningRate to be a non-negative number, one of schedules.* or a function of the batches done, got '1' (string)",
  );
  refused(() => optimizers.adam({ beta1: 1 }), 'Expected beta1 to be a number in [0, 1), got 1 (number)');
  refused(() => optimizers.adam({ epsilon: 0 }), 'Expected epsilon to be a positive number, got 0 (number)');
  refused(() => optimizers.sgd({ momentum: -0.1 }), 'Expected momentum to be a number in [0, 1), got -0.1 (number)');
  refused(() => optimizers.sgd({ nesterov: 1 as never }), 'Expected nesterov to be a boolean, got 1 (number)');
  refused(() => optimizers.sgd({ clipNorm: 0 }), 'Expected clipNorm to be a positive number, got 0 (number)');
  refused(
    () => optimizers.sgd({ clipNorm: 1, clipValue: 1 }),
    'Expected at most one of clipNorm, globalClipNorm, clipValue, got clipNorm and clipValue',
  );
  refused(() => optimizers.lion({ beta1: 0 }), 'Expected beta1 to be a number in (0, 1], got 0 (number)');
  refused(() => optimizers.adam({ amsgrad: 1 as never }), 'Expected amsgrad to be a boolean, got 1 (number)');
  refused(() => optimizers.adam({ epsilonHat: 1 as never }), 'Expected epsilonHat to be a boolean, got 1 (number)');
  t.throws(() => optimizers.adam({ epsilonHats: false } as object), {
    message: /did you mean 'epsilonHat'\?.*, amsgrad, epsilonHat$/,
  });
  refused(() => optimizers.nadam({ amsgrad: true } as object), /no option 'amsgrad'/);
  refused(() => optimizers.sgd({ useEma: 1 as never }), 'Expected useEma to be a boolean, got 1 (number)');
  refused(
    () => optimizers.sgd({ emaMomentum: 1.1 }),
    'Expected emaMomentum to be a number in [0, 1], got 1.1 (number)',
  );
  refused(
    () => optimizers.sgd({ emaOverwriteFrequency: 0 }),
    'Expected emaOverwriteFrequency to be a positive integer, got 0 (number)',
  );
  refused(
    () => optimizers.sgd({ gradientAccumulationSteps: 1 }),
    'Expected gradientAccumulationSteps to be an integer >= 2, got 1 (number)',
  );
  refused(
    () => optimizers.sgd({ excludeFromWeightDecay: 'bias' as never }),
    "Expected excludeFromWeightDecay to be an array of parts of weights' names, got 'bias' (string)",
  );
  refused(
    () => optimizers.sgd({ excludeFromWeightDecay: ['bias', ''] }),
    "Expected excludeFromWeightDecay[1] to be a string that is not empty, got '' (string)",
  );
  refused(
    () => schedules.stepDecay({ initialLearningRate: 1, decaySteps: 0, decayRate: 1 }),
    'Expected decaySteps to be a positive integer, got 0 (number)',
  );
  refused(
    () => schedules.cosineDecay({ decaySteps: 1 } as never),
    'Expected initialLearningRate to be a non-negative number, got undefined',
  );
  refused(() => schedules.warmup({ learningRate: 1, warmupSteps: 1, target: 1 } as never), /no option 'target'/);
});

test('a weight decay of 0 stays 0 where the default is another', (t) => {
  const network = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1 });
  network.compile({ optimizer: optimizers.adamW({ weightDecay: 0 }), loss: 'mse' });
  const { config } = Sequential.fromBytes(network.toBytes()).optimizer;
  t.is(config.weightDecay, 0);
  network.compile({ optimizer: optimizers.adamW(), loss: 'mse' });
  t.is(Sequential.fromBytes(network.toBytes()).optimizer.config.weightDecay, 0.004);
});

test('options that are undefined have their defaults', (t) => {
  for (const [name, make] of Object.entries(optimizers))
    t.deepEqual(make({ learningRate: undefined, clipNorm: null as never }).config, make().config, name);
});

test('nadam knows the product of its momenta, however many steps were taken', (t) => {
  const network = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1, dtype: 'float64' });
  let calls = 0;
  const floor = Math.floor; // asked for by each power
  Math.floor = (x: number) => {
    calls++;
    return floor(x);
  };
  t.teardown(() => {
    Math.floor = floor;
  });
  network.compile({ optimizer: optimizers.nadam({ beta1: 0.99 }), loss: 'mse' });
  const of = (epochs: number) => {
    calls = 0;
    network.fitSync([[1]], [[1]], { epochs, batchSize: 1 });
    return calls / epochs;
  };
  const early = of(50);
  of(1000);
  t.true(of(50) <= 4 * early, `${early} calls a step in the beginning`);
});

test('an infinite norm of all gradients is seen, as in Keras', (t) => {
  const network = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1 });
  network.compile({ optimizer: optimizers.sgd({ globalClipNorm: 1 }), loss: 'mse' });
  network.fitSync([[1e15]], [[1e15]], { epochs: 1 });
  t.true(Number.isNaN(network.getWeights()[0].data[0]));
});

test('averages stay where they are when nothing is trained', async (t) => {
  const network = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1 });
  network.compile({ optimizer: optimizers.sgd({ useEma: true }), loss: 'mse' });
  await network.fit([[1]], [[1]], { epochs: 3 });
  network.setWeights([[[5]], [5]]);
  await network.fit([[1]], [[1]], { epochs: 0 });
  t.is(network.getWeights()[0].data[0], 5);
});
