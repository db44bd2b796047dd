import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import test from 'ava';
import * as fjordnet from 'fjordnet';
import * as plots from 'fjordnet/plots';
import { CALLS } from './helpers/public-calls.js';

// Every public call, with one argument or option after the other replaced by a value of another kind: what it throws is
// a sentence of ours, and no text of the engine's.

const folder = mkdtempSync(join(tmpdir(), 'fjordnet-arguments-'));
process.chdir(folder);
process.removeAllListeners('warning');
process.on('warning', () => {});
test.after.always(() => {
  process.chdir(tmpdir());
  rmSync(folder, { recursive: true, force: true });
});

const cyclic: unknown[] = [];
cyclic.push(cyclic);
const ring: Record<string, unknown> = {};
ring.self = ring;
const detached = new Float64Array(4);
structuredClone(detached, { transfer: [detached.buffer] });
const shrunken = () => {
  const buffer = new (ArrayBuffer as any)(64, { maxByteLength: 128 });
  const array = new Float64Array(buffer, 0, 8);
  buffer.resize(16);
  return array;
};

/** Made anew for each call, as calls may change what they are given. */
const hostile: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  'an empty string': () => '',
  'a string': () => 'hostile',
  'a long string': () => 'x'.repeat(100_000),
  __proto__: () => '__proto__',
  'a boolean': () => true,
  NaN: () => Number.NaN,
  'a negative number': () => -1,
  'a fraction': () => 0.5,
  'a symbol': () => Symbol('hostile'),
  'a bigint': () => 10n,
  'a large bigint': () => 10n ** 1000n,
  'a function': () => () => 3,
  'a function that throws': () => () => {
    throw new Error('Expected the function of the caller to throw');
  },
  'a class': () => class Hostile {},
  'an instance': () => new (class Hostile {})(),
  'an empty array': () => [],
  'a frozen array': () => Object.freeze([]),
  'an array of null': () => [null],
  'an array of objects': () => [{}],
  'an array of strings': () => ['a', 'b'],
  'an array of symbols': () => [Symbol('hostile')],
  'a sparse array': () => new Array(3),
  'a long sparse array': () => new Array(100_000),
  'an array in itself': () => cyclic,
  'ragged arrays': () => [[1, 2], [3]],
  'nested empty arrays': () => [[], []],
  'an object': () => ({}),
  'an object without prototype': () => Object.create(null),
  'an object in itself': () => ring,
  'an array-like': () => ({ length: 2, 0: 1, 1: 2 }),
  'an iterable': () => new Set([1, 2]),
  'a Map': () => new Map([['epochs', 3]]),
  'a Date': () => new Date(0),
  'a RegExp': () => /hostile/,
  'a Promise': () => Promise.resolve(3),
  'a Number': () => new Number(3),
  'an Error': () => new Error('hostile'),
  'an ArrayBuffer': () => new ArrayBuffer(8),
  'a DataView': () => new DataView(new ArrayBuffer(8)),
  'a BigInt64Array': () => new BigInt64Array(4),
  'a Uint8ClampedArray': () => new Uint8ClampedArray(4),
  'an empty Float64Array': () => new Float64Array(0),
  'a detached array': () => detached,
  'an array whose buffer shrank': shrunken,
  'a Proxy of an object': () => new Proxy({}, {}),
  'a Proxy of an array': () => new Proxy([], {}),
  'a Proxy of a function': () => new Proxy(() => 3, {}),
  'an NDArray without memory': () => Object.create(fjordnet.NDArray.prototype),
  'an NDArray without dimension': () => fjordnet.NDArray.from([1]).reshape(),
  'an object that cannot be text': () => ({
    toString: null,
    valueOf: null,
    toJSON() {
      throw new Error('toJSON');
    },
  }),
};

const ENGINE =
  /is not a function|is not iterable|is not a constructor|is not an object|Cannot read propert|Cannot convert|Cannot assign|Cannot add|Cannot define|Cannot perform|Cannot set|Cannot destructure|Cannot mix|Cannot access|Invalid array length|Invalid typed array|Invalid count|undefined \(reading|Maximum call stack|circular structure|called on non-object|called on null|incompatible receiver|allocation failed|private member|BigInt value|Symbol value|must be of type|invalid date|Invalid time/i;

/** What is wrong with an error, or nothing. */
function fault(error: unknown): string | undefined {
  const { message, code } = (error ?? {}) as { message?: string; code?: unknown };
  if (typeof message !== 'string') return `no error: ${inspect(error)}`;
  if (message === "Class constructor Hostile cannot be invoked without 'new'") return undefined; // of a function that was given
  if (ENGINE.test(message)) return `the engine's: ${message}`;
  if (message.length > 600) return `${message.length} characters: ${message.slice(0, 80)}`;
  if (/[\n\r]/.test(message)) return `several lines: ${message}`;
  if (!message.startsWith('Expected ') && !(typeof code === 'string' && /^(ERR_|E[A-Z]+$)/.test(code)))
    return `no sentence: ${message}`;
  return undefined;
}

async function faultOf(call: () => unknown): Promise<string | undefined> {
  try {
    const made = call() as { [Symbol.iterator]?: unknown };
    const value = await made;
    if (typeof value === 'object' && value !== null && 'next' in value) for (const _ of value as any);
  } catch (error) {
    return fault(error);
  }
  return undefined;
}

/** One argument, or one option, after the other replaced. */
function* variants(args: () => unknown[]): Generator<[what: string, args: unknown[]]> {
  for (const [what, value] of Object.entries(hostile)) {
    for (const [i, arg] of args().entries()) {
      yield [`argument ${i}: ${what}`, args().toSpliced(i, 1, value())];
      if (typeof arg !== 'object' || arg === null || Object.getPrototypeOf(arg) !== Object.prototype) continue;
      for (const option of Object.keys(arg))
        yield [`${option}: ${what}`, args().toSpliced(i, 1, { ...arg, [option]: value() })];
    }
  }
}

/** Paths of any length stand in the messages of lib/io. */
const LEFT_OUT =
  /^(?:(?:Model|Sequential|Pipeline|Predictor|StandardScaler|MLPClassifier|MLPRegressor|\w+SearchCV)\.(?:save|load|export|import)|loadPredictor|importModel|readTable(?: of Parquet)?|read(?:Csv|Idx|Image|Npy|Npz)|writeNpy)\(argument 0: a long string\)/;

test('the table holds every public call', (t) => {
  const names = new Set(Object.keys(CALLS).flatMap((name) => [name.split(/[ ,]/)[0], name.split(/[. ]/)[0]]));
  const tables = Object.entries(fjordnet).filter(([, value]) => typeof value === 'object');
  const members = tables.flatMap(([table, value]) => Object.keys(value).map((name) => `${table}.${name}`));
  const wanted = [
    ...Object.keys(fjordnet),
    ...members.filter((name) => !name.startsWith('kernels.')),
    ...Object.keys(plots).map((name) => `plots.${name}`),
  ];
  t.deepEqual(
    wanted.filter((name) => !names.has(name)),
    [],
  );
});

for (const [name, { call, args }] of Object.entries(CALLS)) {
  test.serial(`${name} refuses what it cannot take in a sentence`, async (t) => {
    t.is(await faultOf(() => call(...args())), undefined, 'as it should be called');
    const faults: string[] = [];
    for (const [what, given] of variants(args)) {
      const found = await faultOf(() => call(...given));
      if (found && !LEFT_OUT.test(`${name}(${what})`)) faults.push(`${what}: ${found}`);
    }
    t.deepEqual(faults, []);
  });
}

test('what is made of options takes nothing beside them, and no positions', (t) => {
  const { losses, metrics, optimizers, initializers, schedules, activations, regularizers, constraints } = fjordnet;
  const { input, sequential, model } = fjordnet;
  const { lambda: _, ...layers } = fjordnet.layers;
  const {
    learningRateScheduler: _1,
    csvLogger: _2,
    tensorBoard: _3,
    terminateOnNaN: _4,
    ...callbacks
  } = fjordnet.callbacks;
  const tables = [
    layers,
    losses,
    metrics,
    optimizers,
    initializers,
    schedules,
    activations,
    regularizers,
    constraints,
    callbacks,
  ];
  t.is(Array.from({ length: 2 }, layers.flatten as () => object).length, 2);
  t.is([{ units: 1 }, { units: 2 }].map(layers.dense)[1].units, 2);
  for (const [name, make] of Object.entries<any>(Object.assign({ input, sequential, model }, ...tables))) {
    t.throws(() => make({}, { seed: 1 }), { message: /to be given 1 argument, got 2$/ }, name);
    t.throws(
      () => make(3),
      { message: /^Expected (the options of [\w.]+|options) to be an object.*, got 3 \(number\)$/ },
      name,
    );
  }
});

test('a layer of one value is not applied to a list of them', (t) => {
  const OF_LISTS =
    /^(add|subtract|multiply|average|maximum|minimum|concatenate|dot|.*ttention|masking|simpleRNN|lstm|gru|bidirectional|lambda)$/;
  const names = Object.keys(fjordnet.layers).filter((name) => !OF_LISTS.test(name));
  t.true(names.length > 50);
  for (const name of names) {
    const { call, args } = CALLS[`layers.${name}`];
    for (const shape of [[4], [4, 4], [4, 4, 2]])
      for (const dtype of ['float32', 'int32'] as const) {
        const values = [shape, shape].map((own) => fjordnet.input({ shape: own, dtype }));
        const message = /^Expected the layer .* to be applied to (one value, got a list of 2|integers.*)$/;
        t.throws(() => (call(...args()) as fjordnet.Layer<any>).apply(values), { message }, name);
      }
  }
});

test('a message describes any value in a few words, and runs nothing of it', (t) => {
  const described = (value: unknown) => {
    const error = t.throws(() => fjordnet.sequential({ seed: value as number }));
    return error?.message.replace(/^Expected seed to be .*?, got /, '');
  };
  const getter = {
    get a() {
      return t.fail();
    },
    b: 1,
  };
  const cases: [unknown, string][] = [
    [{ a: [1, 2, 3, 4, 5, 6], b: { c: { d: { e: 1 } } } }, '{"a":[1,2,3,4,5,…],"b":{"c":{"d":…}}}'],
    [ring, '{"self":{"self":{"self":…}}}'],
    [{ n: 10n }, '{"n":10}'],
    [getter, '{"a":…,"b":1}'],
    [{ initializer: () => 1 }, '{"initializer":…}'],
    [Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    [new Proxy({}, {}), 'a Proxy'],
    [Object.create({ constructor: null }), 'an object'],
    [new Map(), 'Map'],
    ['line\nline', "'line\\u000aline' (string)"],
    ['x'.repeat(1000), `'${'x'.repeat(99)}…' (string)`],
    [new DataView(new ArrayBuffer(8)), 'DataView'],
    [Symbol('a'), 'Symbol(a) (symbol)'],
    [class Layer {}, 'Layer (function)'],
    [new Array(1e6), 'Array(1000000)'],
  ];
  for (const [value, expected] of cases) t.is(described(value), expected);
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`option${i}`, 'x'.repeat(200)]));
  t.true((described(many) ?? '').length <= 100);
});

const halfMade: Record<string, unknown> = {
  'a layer of one method': { record() {} },
  'config alone': { config: 1 },
  'an empty config': { config: {}, record() {}, for() {} },
  'a null config': { config: null },
  'a name of no string': { name: 3 },
  'a config of a name alone': { config: { name: 'relu' } },
  'no method': { config: {}, for: 3 },
  'a function with a null config': Object.assign(() => {}, { config: null }),
  'a function with a config': Object.assign(() => 'none', { config: { name: 'zeros' } }),
  'the name of every object’s property': 'constructor',
  'the name of every object’s prototype': '__proto__',
};

test('parts of a caller’s own that are half made are refused, before anything is trained with them', async (t) => {
  const { gridSearch, crossValScore, layers, sequential } = fjordnet;
  const train = (dense: object, compile: object) => {
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1], ...dense })], seed: 1 });
    model.compile({ optimizer: 'sgd', loss: 'mse', ...compile });
    return model.fitSync([[1]], [[1]]);
  };
  const uses: Record<string, (part: any) => unknown> = {
    layer: (part) => sequential({ layers: [part] }).build([2]),
    activation: (activation) => train({ activation }, {}),
    kernelInitializer: (kernelInitializer) => train({ kernelInitializer }, {}),
    kernelRegularizer: (kernelRegularizer) => train({ kernelRegularizer }, {}),
    loss: (loss) => train({}, { loss }),
    metric: (metric) => train({}, { metrics: [metric] }),
    learningRate: (learningRate) => train({}, { optimizer: fjordnet.optimizers.sgd({ learningRate }) }),
    cv: (cv) =>
      crossValScore(() => ({ fit: async () => {}, predict: () => [0, 1], score: () => 1 }), [[1], [2]], [0, 1], { cv }),
    'the splits': (splits) =>
      crossValScore(() => ({ fit: async () => {}, predict: () => [0, 1] }), [[1], [2]], [0, 1], {
        cv: { split: () => splits },
      }),
    score: (score) =>
      gridSearch({
        grid: { a: [1] },
        build: () => ({ fit: async () => {}, predict: () => [0, 1], score: () => score }),
        train: [
          [[1], [2]],
          [0, 1],
        ],
      }),
  };
  for (const [use, call] of Object.entries(uses))
    for (const [what, part] of Object.entries(halfMade)) {
      const error = await t.throwsAsync(async () => call(part), undefined, `${use}: ${what}`);
      t.is(fault(error), undefined, `${use}: ${what}`);
    }
});

test('what a call would pass over is refused', async (t) => {
  const { data, layers, linspace, logspace, ops, RandomState } = fjordnet;
  const [x, y] = [
    [[1], [2]],
    [3, 4],
  ];
  const network = fjordnet.sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1 });
  const samples = data.fromArrays([x, y]);
  const scaler = new fjordnet.StandardScaler().fit(x);
  const value = fjordnet.input({ shape: [2, 3] });
  const random = new RandomState(0);
  const calls: [call: unknown, on: unknown, given: unknown[], n: string][] = [
    [linspace, undefined, [0, 1, 5, false], '3 arguments'],
    [logspace, undefined, [0, 1, 5, 2], '3 arguments'],
    [random.permutation, random, [x, 1], '1 argument'],
    [
      random.shuffle,
      random,
      [
        [1, 2],
        [3, 4],
      ],
      '1 argument',
    ],
    [fjordnet.maxError, undefined, [y, y, { sampleWeight: y }], '2 arguments'],
    [fjordnet.callbacks.terminateOnNaN, undefined, [{ patience: 3 }], '0 arguments'],
    [data.fromArrays, undefined, [x, y], '1 argument, a list such as [x, y]'],
    [data.npy, undefined, ['x.npy', 'y.npy'], '1 argument, a list such as [xPath, yPath]'],
    [data.safetensors, undefined, ['file', 'x', 'y'], '2 arguments, the second a list such as [x, y]'],
    [data.generator, undefined, [() => [], { batchSize: 2 }], '1 argument'],
    [samples.shuffle, samples, [2, 1, false], '2 arguments'],
    [samples.filter, samples, [() => true, 2], '1 argument'],
    [samples.prefetch, samples, [1, 2], '1 argument'],
    [samples.repeat, samples, [1, 2], '1 argument'],
    [samples.take, samples, [1, 2], '1 argument'],
    [samples.skip, samples, [1, 2], '1 argument'],
    [samples.cache, samples, ['folder'], '0 arguments'],
    [network.getWeights, network, [true], '0 arguments'],
    [network.layers[0].getWeights, network.layers[0], [true], '0 arguments'],
    [network.getLayer, network, ['dense', 0], '1 argument, a name or an index'],
    [network.predictOnBatch, network, [x, { training: true }], '1 argument'],
    [network.save, network, ['network.safetensors', { includeOptimizer: false }], '1 argument'],
    [scaler.save, scaler, ['scaler.fjordnet', { overwrite: false }], '1 argument'],
    [scaler.toBytes, scaler, [{}], '0 arguments'],
    [fjordnet.custom.metric, undefined, ['counted', (a: any) => a, { as: 'n' }], '2 arguments'],
    [fjordnet.custom.activation, undefined, ['active', (a: any) => a, { alpha: 1 }], '2 arguments'],
    [
      fjordnet.custom.layer,
      undefined,
      [
        'Made',
        class extends fjordnet.Layer {
          override call = (a: any) => a;
        },
        {},
      ],
      '2 arguments',
    ],
    [ops.clip, undefined, [value, 0, 1, 2], '3 arguments'],
    [ops.cumsum, undefined, [value, 0, true], '2 arguments'],
    [ops.reshape, undefined, [value, [6], 1], '2 arguments'],
    [ops.transpose, undefined, [value, [1, 0], 1], '2 arguments'],
    [ops.slice, undefined, [value, [0, 0], [2, 2], [1, 2]], '3 arguments'],
  ];
  for (const [call, on, given, n] of calls) {
    const attempt = async () => (call as (...given: unknown[]) => unknown).apply(on, given);
    const { name, message } = (await t.throwsAsync(attempt, undefined, String(call))) as Error;
    t.is(name, 'TypeError');
    t.true(message.endsWith(` to be given ${n}, got ${given.length}`), message);
  }
  t.deepEqual(['dense', 0].map(network.getLayer, network), [network.layers[0], network.layers[0]]);
});

test('a parameter that is assigned to an estimator, as to scikit-learn’s, is refused by the next fit', async (t) => {
  const [x, y] = [
    [[0], [1], [2]],
    [0, 1, 1],
  ];
  const estimators: [estimator: any, name: string, value: unknown][] = [
    [new fjordnet.MLPClassifier({ maxIter: 1 }), 'maxIter', 2],
    [new fjordnet.MLPRegressor({ maxIter: 1 }), 'alpha', 2],
    [new fjordnet.Perceptron(), 'eta0', 2],
    [new fjordnet.KMeans({ nClusters: 2 }), 'nClusters', 1],
    [new fjordnet.BernoulliRBM({ nComponents: 2 }), 'nIter', 1],
    [new fjordnet.DeepBoltzmannMachine(), 'nIter', 1],
    [new fjordnet.RBFClassifier({ nCenters: 2 }), 'nCenters', 1],
    [new fjordnet.RBFRegressor({ nCenters: 2 }), 'alpha', 1],
    [new fjordnet.GridSearchCV({ estimator: new fjordnet.MLPClassifier(), grid: { alpha: [1] } }), 'cv', 3],
  ];
  for (const [estimator, name, value] of estimators) {
    estimator[name] = value;
    const message = `Expected ${name} to be set by setParams({ ${name} }), and not as a property of the estimator`;
    await t.throwsAsync(async () => estimator.fit(x, y), { instanceOf: TypeError, message });
    if (estimator.fitSync) t.throws(() => estimator.fitSync(x, y), { message });
    if (estimator instanceof fjordnet.MLPRegressor) t.throws(() => estimator.partialFit(x, y), { message });
  }
});
