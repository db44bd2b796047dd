// Recurrent layers, masks and attention: Keras' numbers, gradients, states, and what is refused.
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import {
  custom,
  getThreads,
  importBytes,
  input,
  kernels,
  type Layer,
  layers,
  Model,
  model,
  NDArray,
  Layer as OwnLayer,
  ops,
  optimizers,
  RandomState,
  sequential,
  setThreads,
  type Value,
  type Weights,
} from 'fjordnet';
import { binding } from '../dist/binding.js';
import { expand } from '../dist/graph/expand.js';
import { graphOf } from '../dist/graph/graph.js';
import { placeholder } from '../dist/graph/value.js';
import { weightsOfGraph } from '../dist/graph/weights.js';
import { sameBits } from './helpers/bits.js';
import { alongDirection } from './helpers/graph.js';
import { difference } from './helpers/replay.js';

interface Saved {
  readonly shape: number[];
  readonly data: number[];
}
interface Trained {
  readonly weights: Saved[];
  readonly predicted: Saved[];
}
const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../test/fixtures/${name}.json`, import.meta.url), 'utf8'));
const arrayOf = ({ shape, data }: Saved) => NDArray.from(Float64Array.from(data)).reshape(...shape);

function near(t: ExecutionContext, what: string, got: ArrayLike<number>, want: ArrayLike<number>, allowed: number) {
  t.is(got.length, want.length, what);
  const d = difference(got, want);
  t.true(d < allowed, `${what}: ${d}`);
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const RECURRENT = ['simpleRNN', 'lstm', 'gru'] as const;

const golden = read('recurrent') as {
  layers: (Trained & {
    layer: keyof typeof layers;
    options: object;
    x: Saved;
    y: Saved;
    losses: number[];
    weights_after: Saved[];
  })[];
};
for (const one of golden.layers.filter(({ layer }) => (RECURRENT as readonly string[]).includes(layer)))
  test(`${one.layer} ${JSON.stringify(one.options)}: Keras' values, and weights after four steps`, async (t) => {
    const make = layers[one.layer] as (options: object) => Layer;
    const x = arrayOf(one.x);
    const net = sequential({ layers: [make({ ...one.options, inputShape: x.shape.slice(1) })], dtype: 'float64' });
    net.compile({ optimizer: optimizers.sgd({ learningRate: 0.125 }), loss: 'meanSquaredError' });
    net.setWeights(one.weights.map(arrayOf));
    near(t, 'predicted', (await net.predict(x)).data, one.predicted[0].data, 1e-12);
    for (const loss of one.losses) near(t, 'loss', [net.trainOnBatch(x, arrayOf(one.y)).loss], [loss], 1e-10);
    for (const [i, w] of net.getWeights().entries()) near(t, `weight ${i}`, w.data, one.weights_after[i].data, 1e-9);
  });

const { dense, lstm, gru, embedding, masking, bidirectional, timeDistributed, concatenate } = layers;
const [T, I] = [7, 3];
const seq = () => input({ shape: [T, I] });
const ids = () => input({ shape: [T], dtype: 'int32' });
const words = () => input({ shape: [3, T], dtype: 'int32' });
const pages = () => input({ shape: [3, T, I] });
const functional = (inputs: Value | Value[], outputs: any) => new Model({ inputs, outputs, dtype: 'float64' });
const through = (x: Value, ...list: Layer<any>[]) => list.reduce((value: any, layer) => layer.apply(value), x) as any;

/** The networks of recurrent-models.py, by their names there. */
const networks: Record<string, () => Model> = {
  'ids, embedding maskZero, lstm, dense sigmoid': () => {
    const x = ids();
    return functional(
      x,
      through(
        x,
        embedding({ inputDim: 9, outputDim: 5, maskZero: true }),
        lstm({ units: 4 }),
        dense({ units: 1, activation: 'sigmoid' }),
      ),
    );
  },
  'ids, bidirectional gru, globalAveragePooling1d': () => {
    const x = ids();
    const both = bidirectional({ layer: gru({ units: 3, returnSequences: true }) });
    const h = through(
      x,
      embedding({ inputDim: 9, outputDim: 4, maskZero: true }),
      both,
      layers.globalAveragePooling1d(),
    );
    return functional(x, dense({ units: 2 }).apply(h));
  },
  'masking, simpleRNN': () => {
    const x = seq();
    return functional(x, through(x, masking(), layers.simpleRNN({ units: 4 }), dense({ units: 2 })));
  },
  'lstm, timeDistributed dense tanh': () => {
    const x = seq();
    const each = timeDistributed({ layer: dense({ units: 3, activation: 'tanh' }) });
    return functional(x, through(x, lstm({ units: 4, returnSequences: true }), each));
  },
  'lstm, repeatVector, lstm': () => {
    const x = seq();
    return functional(
      x,
      through(x, lstm({ units: 4 }), layers.repeatVector({ n: T }), lstm({ units: 3, returnSequences: true })),
    );
  },
  'bidirectional lstm sum': () => {
    const x = seq();
    return functional(
      x,
      through(x, bidirectional({ layer: lstm({ units: 3 }), mergeMode: 'sum' }), dense({ units: 1 })),
    );
  },
  'multiHeadAttention, layerNormalization': () => {
    const x = seq();
    const a = layers.multiHeadAttention({ numHeads: 2, keyDim: 3 }).apply([x, x]);
    const h = through(layers.add().apply([x, a]), layers.layerNormalization(), layers.globalAveragePooling1d());
    return functional(x, dense({ units: 2 }).apply(h));
  },
  'ids, gru resetAfter false, dense softmax for each step': () => {
    const x = ids();
    const h = through(
      x,
      embedding({ inputDim: 9, outputDim: 4, maskZero: true }),
      gru({ units: 4, returnSequences: true, resetAfter: false }),
    );
    return functional(x, dense({ units: 5, activation: 'softmax' }).apply(h));
  },
  'masking, simpleRNN, dense for each step, weights of samples': () => {
    const x = seq();
    return functional(
      x,
      through(x, masking(), layers.simpleRNN({ units: 4, returnSequences: true }), dense({ units: 2 })),
    );
  },
  'lstm, dense for each step, weights of steps': () => {
    const x = seq();
    return functional(x, through(x, lstm({ units: 3, returnSequences: true }), dense({ units: 2 })));
  },
  'masking, lstm, dense for each step, weights of steps': () => {
    const x = seq();
    return functional(x, through(x, masking(), lstm({ units: 3, returnSequences: true }), dense({ units: 2 })));
  },
  'ids, concatenate of lstm and dense, maximum': () => {
    const x = ids();
    const e: any = embedding({ inputDim: 9, outputDim: 4, maskZero: true }).apply(x);
    const relu = through(e, dense({ units: 3, activation: 'relu' }), layers.dropout({ rate: 0 }));
    const h: any = concatenate().apply([lstm({ units: 3, returnSequences: true }).apply(e), relu]);
    return functional(x, dense({ units: 3 }).apply(layers.maximum().apply([h, dense({ units: 6 }).apply(e)]) as any));
  },
  'encoder and decoder, lstm': () => {
    const [x, y] = [seq(), input({ shape: [5, 2] })];
    const [, h, c] = lstm({ units: 4, returnState: true }).apply(x);
    return functional([x, y], through(lstm({ units: 4, returnSequences: true }).apply([y, h, c]), dense({ units: 2 })));
  },
  'encoder and decoder, gru with masks, attention': () => {
    const [x, y] = [ids(), input({ shape: [5, 2] })];
    const e: any = embedding({ inputDim: 9, outputDim: 4, maskZero: true }).apply(x);
    const [all, s] = gru({ units: 4, returnSequences: true, returnState: true }).apply(e);
    const d = gru({ units: 4, returnSequences: true }).apply([y, s]);
    const a = layers.multiHeadAttention({ numHeads: 2, keyDim: 3, valueDim: 2 }).apply([d, all]);
    return functional([x, y], dense({ units: 2 }).apply(layers.add().apply([d, a]) as any));
  },
  'bidirectional lstm mul with states': () => {
    const x = seq();
    const layer = lstm({ units: 3, returnSequences: true, returnState: true });
    const [h, ...states] = through(x, masking(), bidirectional({ layer, mergeMode: 'mul' })) as Value<any>[];
    return functional(
      x,
      dense({ units: 2 }).apply(concatenate().apply([layers.globalMaxPooling1d().apply(h as any), ...states]) as any),
    );
  },
  'simpleRNN backwards, softsign': () => {
    const x = seq();
    return functional(
      x,
      layers.simpleRNN({ units: 4, activation: 'softsign', returnSequences: true, goBackwards: true }).apply(x),
    );
  },
  'causal attention': () => {
    const x = seq();
    const h = layers.multiHeadAttention({ numHeads: 2, keyDim: 3, useCausalMask: true }).apply([x, x]);
    return functional(x, dense({ units: 2 }).apply(h));
  },
  'attention with masks': () => {
    const x = ids();
    const e = embedding({ inputDim: 9, outputDim: 4, maskZero: true }).apply(x);
    return functional(
      x,
      dense({ units: 2 }).apply(layers.multiHeadAttention({ numHeads: 2, keyDim: 3, valueDim: 4 }).apply([e, e])),
    );
  },
  'timeDistributed lstm': () => {
    const x = input({ shape: [3, T, I] });
    return functional(x, through(x, timeDistributed({ layer: lstm({ units: 4 }) }), lstm({ units: 3 })));
  },
  'multiply of masked sequences': () => {
    const [x, y] = [seq(), seq()];
    const product = layers.multiply().apply([masking().apply(x), masking().apply(y), masking().apply(x)]);
    return functional([x, y], through(product, layers.flatten(), dense({ units: 2 })));
  },
  'multiply of a masked sequence and another': () => {
    const [x, y] = [seq(), seq()];
    const product = layers.multiply().apply([through(x, masking(), dense({ units: 3 })) as Value, y]);
    return functional([x, y], through(product, layers.flatten(), dense({ units: 2 })));
  },
  'bidirectional lstm, the first backwards': () => {
    const x = seq();
    const layer = lstm({ units: 3, returnSequences: true, goBackwards: true });
    const both = bidirectional({ layer, backwardLayer: lstm({ units: 3, returnSequences: true }) });
    return functional(x, through(x, both, dense({ units: 2 })));
  },
  'words of sentences, timeDistributed gru': () => {
    const x = words();
    const h = through(
      x,
      embedding({ inputDim: 9, outputDim: 4, maskZero: true }),
      timeDistributed({ layer: gru({ units: 3 }) }),
    );
    return functional(x, through(h, layers.flatten(), dense({ units: 2 })));
  },
  'words of sentences, timeDistributed bidirectional lstm, globalAveragePooling1d': () => {
    const x = words();
    const both = bidirectional({ layer: lstm({ units: 3, returnSequences: true }) });
    const h = through(
      x,
      embedding({ inputDim: 9, outputDim: 4, maskZero: true }),
      timeDistributed({ layer: both }),
      layers.dropout({ rate: 0 }),
      timeDistributed({ layer: layers.globalAveragePooling1d() }),
    );
    return functional(x, through(h, layers.flatten(), dense({ units: 2 })));
  },
  'masking of words, a class for each': () => {
    const x = pages();
    const h = through(x, masking(), timeDistributed({ layer: layers.simpleRNN({ units: 4, returnSequences: true }) }));
    return functional(x, dense({ units: 5, activation: 'softmax' }).apply(h));
  },
  'masking of words, concatenate along sentences and words': () => {
    const [x, y] = [pages(), pages()];
    const [a, b] = [masking().apply(x), masking().apply(y)] as any[];
    const sentences = layers.concatenate({ axis: 1 });
    const rest = dense({ units: 3 }).apply(layers.concatenate({ axis: 1 }).apply([b, b]) as any);
    const h: any = layers.concatenate({ axis: 2 }).apply([sentences.apply([a, b]), rest] as any);
    const squares: any = layers.multiply().apply([h, h]);
    const most = layers.maximum().apply([h, squares]);
    return functional(
      [x, y],
      through(most, timeDistributed({ layer: lstm({ units: 2 }) }), layers.flatten(), dense({ units: 2 })),
    );
  },
};

const NAMES: Record<string, string> = {
  mse: 'meanSquaredError',
  mae: 'meanAbsoluteError',
  binary_crossentropy: 'binaryCrossentropy',
  sparse_categorical_crossentropy: 'sparseCategoricalCrossentropy',
};
const models = read('recurrent-models') as (Trained & {
  model: string;
  x: Saved[];
  y: Saved[];
  loss: string;
  logNames: string[];
  sampleWeight?: Saved;
  logs: number[][];
  weightsAfter: Saved[];
})[];
for (const one of models)
  test(`${one.model}: Keras' values, losses, metrics, and weights after four steps`, async (t) => {
    const net = networks[one.model]();
    const metrics = one.logNames.filter((name) => name !== 'loss');
    net.compile({
      optimizer: optimizers.adam({ learningRate: 0.015625, epsilon: 1e-7 }),
      loss: NAMES[one.loss],
      metrics,
    });
    net.setWeights(one.weights.map(arrayOf));
    const x = one.x.length === 1 ? arrayOf(one.x[0]) : one.x.map(arrayOf);
    near(t, 'predicted', ((await net.predict(x as any)) as NDArray).data, one.predicted[0].data, 1e-12);
    for (const logs of one.logs) {
      const own = net.trainOnBatch(x as any, arrayOf(one.y[0]) as any, {
        ...(one.sampleWeight && { sampleWeight: arrayOf(one.sampleWeight) }),
      });
      for (const [k, name] of one.logNames.entries()) near(t, name, [own[name]], [logs[k]], 1e-10);
    }
    for (const [i, w] of net.getWeights().entries())
      near(t, net.weightNames[i], w.data, one.weightsAfter[i].data, 1e-9);
  });

/** What a layer makes of values, spelled out, and its weights. */
function called(layer: Layer, inputs: readonly Value[], mask?: Value) {
  const masked = mask ? [Object.assign(inputs[0], { mask }), ...inputs.slice(1)] : inputs;
  const list = inputs.length > 1;
  const shapes = inputs.map(({ shape }) => shape);
  const weights = Object.values(layer.weightsFor(list ? shapes : shapes[0]));
  const output = layer.apply(list ? inputs : (inputs[0] as any)) as Value | readonly Value[];
  const outputs = [output].flat() as Value[];
  const expanded = expand(graphOf(inputs, outputs), masked, { training: true, frozen: new Set() });
  return { outputs: expanded.outputs, weights };
}

for (const kind of RECURRENT)
  test(`${kind}: gradients along random directions, with masks, states and of any length`, (t) => {
    const options = fc.record({
      steps: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 })),
      features: fc.integer({ min: 1, max: 4 }),
      units: fc.integer({ min: 1, max: 5 }),
      samples: fc.integer({ min: 1, max: 3 }),
      returnSequences: fc.boolean(),
      returnState: fc.boolean(),
      goBackwards: fc.boolean(),
      begun: fc.boolean(),
      isMasked: fc.boolean(),
      same: fc.subarray(['sequence', 'states', 'mask']), // for all samples
      useBias: fc.boolean(),
      resetAfter: fc.boolean(),
      activation: fc.constantFrom('tanh', 'softplus', 'softsign', 'sigmoid'),
      seed: fc.integer({ min: 0, max: 1000 }),
    });
    fc.assert(
      fc.property(options, ({ steps, features, units, samples, begun, isMasked, same, seed, resetAfter, ...own }) => {
        const r = new RandomState(seed);
        const normal = (shape: readonly number[]) => r.normal(0, 0.5, [...shape]) as NDArray;
        const make = layers[kind] as (options: object) => Layer;
        const layer = make({ units, ...own, ...(kind === 'gru' && { resetAfter }) });
        const of = (what: (typeof same)[number], shape: readonly number[]) =>
          Object.assign(placeholder(shape), { batched: !same.includes(what) });
        const states = begun ? Array.from({ length: kind === 'lstm' ? 2 : 1 }, () => of('states', [units])) : [];
        const inputs = [of('sequence', [steps, features]), ...states];
        const mask = isMasked ? of('mask', [steps]) : undefined;
        const rowsOf = ({ batched, shape }: Value) => [...(batched ? [samples] : []), ...shape];
        const { outputs, weights } = called(layer, inputs, mask);
        const arrays = [
          ...inputs.map((value) => [value, normal(rowsOf(value))] as const),
          ...weights.map((value) => [value, normal(value.shape)] as const),
        ];
        const total = outputs
          .map((value) => ops.sum(ops.mul(value, ops.sigmoid(value))))
          .reduce((sum, value) => ops.add(sum, value) as any);
        // the mask moves nothing: it is an input of zeros and ones, along which there is no direction
        const given = mask
          ? [
              [
                mask,
                NDArray.from(r.randint(0, 3, rowsOf(mask)).data.map((x) => Math.min(x, 1))).reshape(...rowsOf(mask)),
              ] as const,
            ]
          : [];
        const [exact, numeric] = alongDirection(total, arrays, r, given);
        return Math.abs(exact - numeric) < 1e-7 * Math.max(1, Math.abs(numeric));
      }),
      { numRuns: 30, seed: 3 },
    );
    t.pass();
  });

/** Layers of sequences [steps, 4] that masks mean something to. */
const MASKED: Record<string, (x: Value<any>) => Value> = {
  bidirectional: (x) => bidirectional({ layer: lstm({ units: 3, returnSequences: true }) }).apply(x),
  'bidirectional, the first backwards': (x) =>
    bidirectional({ layer: gru({ units: 3, returnSequences: true, goBackwards: true }), mergeMode: 'mul' }).apply(x),
  'bidirectional, ave': (x) => bidirectional({ layer: gru({ units: 3 }), mergeMode: 'ave' }).apply(x),
  attention: (x) => layers.multiHeadAttention({ numHeads: 2, keyDim: 3 }).apply([x, x]),
  'scaled attention': (x) => layers.multiHeadAttention({ numHeads: 2, keyDim: 3, scale: -1.5 }).apply([x, x]),
  'causal attention': (x) => layers.multiHeadAttention({ numHeads: 1, keyDim: 4, useCausalMask: true }).apply([x, x]),
  'attention without kernels': (x) => layers.attention({ useScale: true }).apply([x, x]) as Value,
  'attention of sums': (x) => layers.additiveAttention().apply([x, x]) as Value,
  'normalization of batches': (x) => layers.batchNormalization({ epsilon: 0.1 }).apply(x),
  'normalization of groups': (x) => layers.groupNormalization({ groups: 2 }).apply(x),
  globalAveragePooling1d: (x) => layers.globalAveragePooling1d().apply(x),
  'timeDistributed of a recurrent layer': (x) =>
    timeDistributed({ layer: layers.simpleRNN({ units: 2 }) }).apply(
      layers.reshape({ targetShape: [-1, 2, 2] }).apply(x),
    ),
  'maximum of two': (x) => layers.maximum().apply([x, masking({ maskValue: 9 }).apply(x)]),
};
for (const [name, apply] of Object.entries(MASKED))
  test(`${name}: gradients along random directions, with masks and of any length`, (t) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 1000 }), (steps, seed) => {
        const r = new RandomState(seed);
        const mask = placeholder([steps]);
        const x = Object.assign(placeholder([steps, 4]), { mask });
        const graph = graphOf([x], [apply(x)]);
        const [y] = expand(graph, [x], { training: true, frozen: new Set() }).outputs;
        const arrays = [x, ...weightsOfGraph(graph).map(({ weight }) => weight)].map(
          (value) => [value, r.normal(0, 0.5, [...(value.batched ? [2] : []), ...value.shape]) as NDArray] as const,
        );
        const ones = r.randint(0, 3, [2, steps]).data.map((k) => Math.min(k, 1));
        const [exact, numeric] = alongDirection(ops.sum(ops.mul(y, ops.sigmoid(y))), arrays, r, [
          [mask, NDArray.from(ones).reshape(2, steps)],
        ]);
        return Math.abs(exact - numeric) < 1e-7 * Math.max(1, Math.abs(numeric));
      }),
      { numRuns: 10, seed: 5 },
    );
    t.pass();
  });

test('the bits do not depend on threads, nor on how a batch is asked for', async (t) => {
  const before = getThreads();
  const r = new RandomState(5);
  const x = r.randn(90, 11, 6);
  const y = r.randint(0, 4, [90, 11]);
  const runs: NDArray[][] = [];
  for (const threads of [1, 2, 3]) {
    setThreads(threads);
    for (const units of [9, 200]) {
      const net = sequential({
        layers: [
          bidirectional({
            layer: lstm({
              units,
              returnSequences: true,
              dropout: 0.2,
              recurrentDropout: 0.3,
              recurrentInitializer: 'glorotUniform', // 'orthogonal' takes longer than the training
            }),
            inputShape: [11, 6],
          }),
          gru({ units: 8, returnSequences: true }),
          dense({ units: 4, activation: 'softmax' }),
        ],
        seed: 1,
      });
      net.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
      await net.fit(x, y, { epochs: 2, batchSize: 40 });
      runs.push([...net.getWeights(), await net.predict(x)]);
    }
  }
  setThreads(before);
  for (const [i, run] of runs.entries()) t.true(sameBits(run, runs[i % 2]), `run ${i}`);
});

test('many units, whose weights go by panels in large batches, give what they give in small ones', async (t) => {
  const r = new RandomState(8);
  const [samples, steps, few] = [21, 5, 7];
  const x = r.randn(samples, steps, 4);
  for (let i = 0; i < samples; i += 4) x.data.fill(0, (i * steps + 1) * 4, (i * steps + 2) * 4); // masked in the middle
  const y = r.randn(samples, 2);
  const parts = Array.from({ length: samples / few }, (_, k) => [k * few, (k + 1) * few] as const);
  const kinds: Record<string, (options: any) => Layer> = {
    lstm,
    gru,
    'gru, reset before': (options) => gru({ ...options, resetAfter: false }),
    simpleRNN: layers.simpleRNN,
  };
  for (const [kind, make] of Object.entries(kinds))
    for (const dtype of ['float64', 'float32'] as const)
      for (const units of [50, 70, 130]) {
        const own = { units, kernelInitializer: 'glorotUniform', recurrentInitializer: 'glorotUniform' };
        const recurrent = [make({ ...own, returnSequences: true }), make(own)];
        const net = sequential({
          layers: [masking({ inputShape: [steps, 4] }), ...recurrent, dense({ units: 2 })],
          dtype,
          seed: 3,
        });
        net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
        const what = `${kind} of ${units}, ${dtype}`;
        const all = net.predictSync(x, { batchSize: samples });
        t.true(sameBits([all], [net.predictSync(x, { batchSize: few })]), what);
        const whole = (await net.gradients(x, y)).gradients;
        const each: NDArray[][] = [];
        for (const [from, to] of parts)
          each.push((await net.gradients(x.slice([from, to]), y.slice([from, to]))).gradients);
        for (const [k, { data }] of whole.entries()) {
          const mean = Array.from(data, (_, i) => each.reduce((sum, own) => sum + own[k].data[i], 0) / each.length);
          const most = Math.max(...Array.from(data, Math.abs));
          const off = Math.max(...Array.from(data, (v, i) => Math.abs(v - mean[i])));
          t.true(off <= (dtype === 'float64' ? 1e-13 : 2e-5) * most, `${what}: ${net.weightNames[k]} by ${off / most}`);
        }
      }
});

test('what a recurrent network is made of travels in a file', async (t) => {
  const r = new RandomState(2);
  const x = r.randn(5, 6, 3);
  const make = () =>
    sequential({
      layers: [
        masking({ maskValue: -1, inputShape: [6, 3] }),
        bidirectional({ layer: gru({ units: 3, returnSequences: true, resetAfter: false }), mergeMode: 'ave' }),
        timeDistributed({ layer: layers.dense({ units: 4, activation: 'relu' }) }),
        lstm({ units: 2, recurrentActivation: 'hardSigmoid', unitForgetBias: false, kernelRegularizer: 'l2' }),
      ],
      dtype: 'float64',
      seed: 4,
    });
  const net = make();
  net.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  await net.fit(x, r.randn(5, 2), { epochs: 2 });
  const path = `${(await import('node:os')).tmpdir()}/recurrent-${process.pid}.safetensors`;
  await net.save(path);
  const loaded = await Model.load(path);
  (await import('node:fs')).rmSync(path);
  t.deepEqual(loaded.weightNames, net.weightNames);
  t.deepEqual(await loaded.predict(x as any), (await net.predict(x)) as any);
  t.is(loaded.summary(), net.summary());
});

test('stateful layers go on where the batch before ended, until resetStates', async (t) => {
  const r = new RandomState(3);
  const long = r.randn(2, 12, 3);
  const part = (from: number, to: number) =>
    NDArray.from((long.toArray() as number[][][]).map((steps) => steps.slice(from, to)));
  const whole = sequential({ layers: [lstm({ units: 4, inputShape: [12, 3] })], dtype: 'float64', seed: 1 });
  const stateful = sequential({
    layers: [lstm({ units: 4, stateful: true, inputShape: [4, 3] })],
    dtype: 'float64',
    seed: 1,
  });
  stateful.setWeights(whole.getWeights());
  const want = (await whole.predict(long)).data;
  for (let run = 0; run < 2; run++) {
    await stateful.predict(part(0, 4));
    stateful.predictSync(part(4, 8));
    near(t, `run ${run}`, (await stateful.predict(part(8, 12))).data, want, 1e-15);
    stateful.resetStates();
  }
  await stateful.predict(part(0, 4));
  const other = await t.throwsAsync(stateful.predict(r.randn(3, 4, 3)), { instanceOf: RangeError });
  t.regex(other?.message ?? '', /^Expected batches of 2 samples, .*\(resetStates\(\) forgets them\), got 3$/);
  t.throws(() => stateful.predictSync(r.randn(5, 4, 3), { batchSize: 2 }), { message: /multiple of batchSize 2/ });
  stateful.resetStates();
  await stateful.predict(r.randn(3, 4, 3));
  await t.throwsAsync(stateful.snapshot(), { message: /without stateful layers/ });
});

test('a stateful layer that is given initial states begins with them in every batch', async (t) => {
  const r = new RandomState(5);
  const [x, first] = [input({ shape: [4, 3] }), input({ shape: [2] })];
  const make = (stateful: boolean) =>
    model({ inputs: [x, first], outputs: gru({ units: 2, stateful }).apply([x, first]), dtype: 'float64', seed: 1 });
  const [own, plain] = [make(true), make(false)];
  const data = [r.randn(6, 4, 3), r.randn(6, 2)];
  const want = plain.predictSync(data).data;
  for (let run = 0; run < 2; run++) {
    t.deepEqual((await own.predict(data, { batchSize: 3 })).data, want);
    t.deepEqual((await own.predict(data)).data, want);
    t.deepEqual(own.predictSync(data).data, want);
    own.resetStates();
  }
});

test('stateful layers train on: the order of samples is kept', async (t) => {
  const r = new RandomState(8);
  const x = r.randn(6, 4, 2);
  const y = r.randn(6, 1);
  const make = () => {
    const net = sequential({
      layers: [gru({ units: 3, stateful: true, inputShape: [4, 2] }), dense({ units: 1 })],
      dtype: 'float64',
      seed: 2,
    });
    net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    return net;
  };
  const [a, b] = [make(), make()];
  await a.fit(x, y, { batchSize: 2, epochs: 2, callbacks: { onEpochEnd: () => a.resetStates() } });
  for (let epoch = 0; epoch < 2; epoch++) {
    for (let at = 0; at < 6; at += 2) b.trainOnBatch(x.take([at, at + 1]), y.take([at, at + 1]));
    b.resetStates();
  }
  for (const [i, w] of a.getWeights().entries()) t.deepEqual(w, b.getWeights()[i]);
});

test('gradients of weights over as many rows as long sequences have are sums of parts', (t) => {
  const r = new RandomState(6);
  const [B, I, O] = [20_001, 4, 3];
  const [x, dy] = [r.randn(B, I), r.randn(B, O)].map((array) => array.data as Float64Array);
  const dw = new Float64Array(I * O);
  kernels.weightGradient({ B, I, O }, [x, dy, dw]);
  const want = new Float64Array(I * O);
  for (let b = 0; b < B; b++)
    for (let i = 0; i < I; i++) for (let o = 0; o < O; o++) want[i * O + o] += x[b * I + i] * dy[b * O + o];
  near(t, 'dw', dw, want, 1e-11);
});

test('10,000 steps of a stateful network leave no memory behind', (t) => {
  const net = sequential({
    layers: [lstm({ units: 16, stateful: true, inputShape: [1, 4] }), dense({ units: 1 })],
    seed: 1,
  });
  const x = new RandomState(0).randn(1, 1, 4);
  const run = (steps: number) => {
    for (let step = 0; step < steps; step++) net.predictSync(x);
    collect();
    return { bytes: binding.memory().bytes, heap: process.memoryUsage().heapUsed };
  };
  const before = run(1000);
  const after = run(10_000);
  t.is(after.bytes, before.bytes);
  t.true(after.heap - before.heap < 1e6, `${after.heap - before.heap}`);
});

const longSequences: [string, Layer][] = [
  ['by tiles', bidirectional({ layer: gru({ units: 96 }), inputShape: [2000, 8] })],
  ['by threads', lstm({ units: 192, inputShape: [2000, 8] })],
];
for (const [title, layer] of longSequences)
  test.serial(`an abort leaves a step of long sequences in the middle, with nothing changed: ${title}`, async (t) => {
    const r = new RandomState(1);
    const [x, y] = [r.randn(64, 2000, 8), r.randn(64, 1)];
    const net = sequential({ layers: [layer, dense({ units: 1 })], seed: 1 });
    net.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    const begin = performance.now();
    net.trainOnBatch(x, y);
    const step = performance.now() - begin; // 700 ms; aborts take 20 at most where nothing else runs
    const weights = net.getWeights();
    const controller = new AbortController();
    const fit = net.fit(x, y, { batchSize: 64, signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 40));
    const start = performance.now();
    controller.abort();
    await t.throwsAsync(fit, { code: 'ERR_ABORTED' });
    const waited = performance.now() - start;
    t.true(waited < step / 4, `${waited} of ${step} ms`);
    t.is(net.iterations, 1);
    t.deepEqual(net.getWeights(), weights);
  });

test('sentences without words are left out by what reads the others', (t) => {
  const of = (sentences: number) => {
    const x = input({ shape: [sentences, 4], dtype: 'int32' });
    const rows = timeDistributed({ layer: lstm({ units: 3 }) });
    const h = through(x, embedding({ inputDim: 9, outputDim: 4, maskZero: true }), rows, layers.gru({ units: 3 }));
    return functional(x, dense({ units: 2 }).apply(h as Value));
  };
  const [two, four] = [of(2), of(4)];
  four.setWeights(two.getWeights());
  const page = [
    [3, 1, 0, 0],
    [5, 0, 0, 0],
  ];
  const none = [0, 0, 0, 0];
  const expected = (two.predictSync([page] as never) as NDArray).data;
  for (const more of [
    [...page, none, none],
    [none, ...page, none],
    [page[0], none, none, page[1]],
  ])
    near(t, JSON.stringify(more), (four.predictSync([more] as never) as NDArray).data, Array.from(expected), 1e-15);
});

test('a mask may be given', async (t) => {
  const r = new RandomState(6);
  const x = r.randn(5, 4, 2);
  const counts = NDArray.from([
    [1, 1, 0, 0],
    [0, 1, 0, 1],
    [1, 1, 1, 1],
    [0, 0, 1, 0],
    [1, 0, 0, 0],
  ]);
  const steps = input({ shape: [4, 2], name: 'steps' });
  const mask = input({ shape: [4], name: 'mask' });
  const list = () => [lstm({ units: 3, returnSequences: true }), dense({ units: 1 })] as const;
  const given = functional([steps, mask], through(masking().apply([steps, mask]), ...list()));
  const told = functional(steps, through(steps, masking(), ...list()));
  told.setWeights(given.getWeights());
  const zeros = ops.mul(steps, ops.reshape(mask, [4, 1]));
  const zeroed = (await functional([steps, mask], zeros).predict([x, counts])) as NDArray;
  const y = r.randn(5, 4, 1);
  for (const net of [given, told]) net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  for (let i = 0; i < 3; i++) t.deepEqual(given.trainOnBatch([x, counts], y), told.trainOnBatch(zeroed, y));
  t.deepEqual(given.getWeights(), told.getWeights());
  const again = Model.fromBytes(given.toBytes());
  t.deepEqual(await again.predict([x, counts] as any), (await told.predict(zeroed)) as any);

  t.throws(() => masking().apply([steps, input({ shape: [3] })]), {
    message: 'Expected the layer Masking to be given a sequence and a mask of shape [4], its steps, got [3]',
  });
  t.throws(() => masking().apply([steps, mask, mask] as never), {
    message: /a mask of shape \[4\], its steps, got 3 values/,
  });
  const back = await importBytes(await given.exportBytes({ format: 'keras' }));
  t.deepEqual(await back.predict([x, counts] as any), (await given.predict([x, counts])) as any);
  const ended = functional([steps, mask], layers.flatten().apply(masking().apply([steps, mask]) as any));
  await t.throwsAsync(ended.exportBytes({ format: 'keras' }), {
    message: /to be given a sequence alone, as Keras' Masking/,
  });
  await t.throwsAsync(given.export('model.json'), {
    message: /'masking'.*a sequence alone, as TensorFlow.js' Masking/,
  });
});

test('a mask may be the same for all samples', async (t) => {
  const r = new RandomState(7);
  const steps = input({ shape: [4, 2, 3], name: 'steps' });
  const counts = [1, 1, 0, 1, 0, 0, 1, 0];
  const cases: Record<string, [shape: number[], list: () => Layer[]]> = {
    'behind the mask': [[4], () => [timeDistributed({ layer: layers.flatten() }), dense({ units: 1 })]],
    'words in sentences': [[4, 2], () => [timeDistributed({ layer: lstm({ units: 2 }) }), gru({ units: 2 })]],
    sentences: [[4], () => [timeDistributed({ layer: layers.flatten() }), lstm({ units: 2, returnSequences: true })]],
    'both ways': [
      [4],
      () => [
        timeDistributed({ layer: layers.flatten() }),
        bidirectional({ layer: gru({ units: 2, returnSequences: true }) }),
      ],
    ],
  };
  for (const [name, [shape, list]] of Object.entries(cases)) {
    const own = counts.slice(
      0,
      shape.reduce((a, b) => a * b),
    );
    const mask = input({ shape, name: 'mask' });
    const given = functional([steps, mask], through(masking().apply([steps, mask] as never) as Value, ...list()));
    const fixed = functional(
      steps,
      through(masking().apply([steps, ops.reshape(own, shape)] as never) as Value, ...list()),
    );
    fixed.setWeights(given.getWeights());
    const x = r.randn(5, 4, 2, 3) as NDArray;
    const masks = NDArray.from(Array.from({ length: 5 }, () => own)).reshape(5, ...shape);
    const y = r.randn(5, ...given.outputs[0].shape) as NDArray;
    const sampleWeight = given.outputs[0].shape.length > 1 ? (r.uniform(0, 1, [5, 4]) as NDArray) : [1, 2, 3, 4, 5];
    for (const net of [given, fixed]) net.compile({ optimizer: 'sgd', loss: 'meanSquaredError', metrics: ['mae'] });
    t.deepEqual(fixed.predictSync(x), given.predictSync([x, masks] as never), name);
    t.deepEqual(fixed.evaluateSync(x, y), given.evaluateSync([x, masks] as never, y), name);
    for (const options of [{}, { sampleWeight }])
      t.deepEqual(fixed.trainOnBatch(x, y, options), given.trainOnBatch([x, masks] as never, y, options), name);
    t.deepEqual(fixed.getWeights(), given.getWeights(), name);
  }
});

test('a recurrent layer may begin with a state that is trained', async (t) => {
  class Begun extends OwnLayer {
    readonly cell = lstm({ units: 3 });
    override build(): void {
      this.addWeight('h', [3], 'randomNormal');
      this.addWeight('c', [3], 'randomNormal');
    }
    override call(x: Value, { h, c }: Weights): Value {
      return this.cell.apply([x, h, c] as never) as Value;
    }
  }
  const r = new RandomState(8);
  const [x, y] = [r.randn(6, 5, 2) as NDArray, r.randn(6, 3) as NDArray];
  const net = sequential({ layers: [custom.layer('Begun', Begun)({ inputShape: [5, 2] } as never)], dtype: 'float64' });
  net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const { gradients } = await net.gradients(x, y);
  const before = net.getWeights();
  for (const [i, w] of before.entries()) {
    const side = (step: number) => {
      const moved = before.map((array) => NDArray.from(array));
      moved[i].data[0] += step;
      net.setWeights(moved);
      return net.evaluateSync(x, y).loss;
    };
    const numeric = (side(1e-6) - side(-1e-6)) / 2e-6;
    t.true(Math.abs(gradients[i].data[0] - numeric) < 1e-8, `${net.weightNames[i]} ${w.shape}`);
  }
  const [first, ...states] = [input({ shape: [5, 2] }), ops.reshape([1, 2, 3], [3]), ops.reshape([0, -1, 1], [3])];
  const constant = functional(first, lstm({ units: 3 }).apply([first, ...states] as never) as Value);
  const given = [input({ shape: [3] }), input({ shape: [3] })];
  const told = functional([first, ...given], lstm({ units: 3 }).apply([first, ...given] as never) as Value);
  told.setWeights(constant.getWeights());
  const rows = [
    [1, 2, 3],
    [0, -1, 1],
  ].map((row) => NDArray.from(Array.from({ length: 6 }, () => row)));
  t.deepEqual(constant.predictSync(x), told.predictSync([x, ...rows] as never));
});

test('a mask that is computed with weights has no derivative', async (t) => {
  const r = new RandomState(0);
  const [x, y] = [r.randn(8, 6, 4), r.randn(8, 1)];
  for (const kind of RECURRENT) {
    const steps = input({ shape: [6, 4] });
    const share = dense({ units: 1, activation: 'sigmoid' }).apply(steps);
    const counts = layers.reshape({ targetShape: [6] }).apply(share);
    const gated = ops.mul(steps, share); // as masking does, and no more: every share is above 0
    const of = (values: Value) => {
      const read = (layers[kind] as (options: object) => Layer)({ units: 5 });
      return dense({ units: 1 }).apply(read.apply(values));
    };
    const nets = [[steps, counts], gated].map((given) => {
      const net = model({
        inputs: steps,
        outputs: of(Array.isArray(given) ? masking().apply(given as never) : given),
        seed: 3,
        dtype: 'float64',
      });
      net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
      return net;
    });
    nets[1].setWeights(nets[0].getWeights());
    const masked = await nets[0].gradients(x, y);
    t.deepEqual(masked, await nets[1].gradients(x, y), kind);
  }
});

test('masks end where layers do not hand them on, and are refused where they would be miscounted', (t) => {
  const r = new RandomState(4);
  const x = r.randn(3, 4, 2);
  const train = (...own: Layer[]) => {
    const net = sequential({ layers: [masking({ inputShape: [4, 2] }), ...own] });
    net.compile({ optimizer: 'sgd', loss: custom.loss('whole', (a, b) => ops.mean(ops.square(ops.sub(a, b)))) });
    net.trainOnBatch(x, r.randn(3, ...(net.outputShape([4, 2]) as number[])));
  };
  t.notThrows(() => train(layers.flatten()));
  t.throws(() => train(dense({ units: 2 })), {
    message: /to have no mask, since the loss 'whole' is given whole samples/,
  });
  const counts = Array.from({ length: 3 }, () => [1, 1, 1, 0]);
  const normalized = (trainable: boolean) => {
    const [steps, mask] = [input({ shape: [4, 2, 1] }), input({ shape: [4] })];
    const each = timeDistributed({ layer: layers.batchNormalization({ name: 'bn' }), name: 'td' });
    const h = each.apply(masking().apply([steps, mask] as never) as Value);
    const net = model({ inputs: [steps, mask], outputs: through(h as Value, layers.flatten(), dense({ units: 1 })) });
    each.trainable = trainable;
    net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    net.trainOnBatch([r.randn(3, 4, 2, 1), counts], r.randn(3, 1));
  };
  t.throws(() => normalized(true), {
    message:
      /^Expected the layer 'bn' \(BatchNormalization\) in the layer 'td' \(TimeDistributed\) to be given no masked steps of more/,
  });
  t.notThrows(() => normalized(false));
  const [a, b] = [seq(), seq()];
  t.throws(() => (timeDistributed({ layer: dense({ units: 2 }), name: 'td' }) as Layer<any>).apply([a, b]), {
    message: "Expected the layer 'td' (TimeDistributed) to be applied to one value, got a list of 2",
  });
  const pair = input({ shape: [2, 3] });
  const attention = layers.multiHeadAttention({ numHeads: 1, keyDim: 2, attentionMask: true });
  const hidden = ops.reshape([1, 0, 0, 0], [2, 2]) as any;
  const blind = functional(pair, attention.apply([pair, pair, hidden]));
  const error = t.throws(() => blind.predictSync(r.randn(1, 2, 3))) as Error;
  t.regex(error.message, /hides all from step 1/);
});

test('attention looks at nothing of the steps that a mask hides, infinite scores or not', (t) => {
  const shapes = [
    [2, 3],
    [4, 3],
    [4, 3],
    [2, 4],
  ];
  const inputs = shapes.map((shape) => input({ shape }));
  const attention = layers.multiHeadAttention({ numHeads: 2, keyDim: 3, attentionMask: true });
  const net = model({ inputs, outputs: attention.apply(inputs), dtype: 'float64', seed: 1 });
  const r = new RandomState(4);
  const [q, v, k] = [r.randn(5, 2, 3), r.randn(5, 4, 3), r.randn(5, 4, 3)];
  const sees = NDArray.from(Float64Array.from({ length: 40 }, (_, at) => [1, 0, 0.5, 0][at % 4])).reshape(5, 2, 4);
  const far = NDArray.from(k.data.map((x, at) => (Math.floor(at / 3) % 2 === 1 ? 1.7e308 * Math.sign(x) : x)));
  t.deepEqual(net.predictSync([q, v, far.reshape(5, 4, 3), sees]), net.predictSync([q, v, k, sees]));
});

/** Layers that may give their very input. */
const ENDING: Record<string, [make: () => Layer<any>, shape: number[]]> = {
  'a layer of one’s own, in evaluation': [
    custom.layer(
      'Itself',
      class extends OwnLayer {
        override call(x: Value, _: Weights, { training }: { training: boolean }): Value {
          return training ? ops.mul(x, 1) : x;
        }
      },
    ),
    [4, 2],
  ],
  lambda: [() => layers.lambda((x: Value) => x), [4, 2]],
  'permute to the same order': [() => layers.permute({ dims: [1, 2] }), [4, 2]],
  'cropping1d of nothing': [() => layers.cropping1d({ cropping: 0 }), [4, 2]],
  'zeroPadding1d of nothing': [() => layers.zeroPadding1d({ padding: 0 }), [4, 2]],
  'upSampling1d by 1': [() => layers.upSampling1d({ size: 1 }), [4, 2]],
  randomFlip: [() => layers.randomFlip(), [4, 2, 3]],
  randomContrast: [() => layers.randomContrast({ factor: 0.5 }), [4, 2, 3]],
};
for (const [name, [make, shape]] of Object.entries(ENDING))
  test(`masks end at ${name}, also where it gives its very input`, (t) => {
    const r = new RandomState(9);
    const compile = (own: Layer<any>) => {
      const net = sequential({
        layers: [masking({ inputShape: shape }), own, dense({ units: 1 })],
        seed: 1,
        dtype: 'float64',
      });
      net.compile({ optimizer: 'sgd', loss: 'meanSquaredError', metrics: ['mae'] });
      return net;
    };
    const x = r.randn(3, ...shape) as NDArray;
    x.data.fill(0, 0, x.size / 12);
    const y = r.randn(3, ...shape.slice(0, -1), 1) as NDArray;
    const [net, other] = [make(), layers.lambda((v: Value) => ops.mul(v, 1))].map(compile);
    t.deepEqual(net.evaluateSync(x, y), other.evaluateSync(x, y));
    if (!name.startsWith('random')) t.deepEqual(net.trainOnBatch(x, y), other.trainOnBatch(x, y));
  });

test('masks go on through merging layers of one input', (t) => {
  const r = new RandomState(9);
  const [x, y] = [r.randn(3, 4, 2) as NDArray, r.randn(3, 4, 1) as NDArray];
  x.data.fill(0, 0, 4);
  const losses = [(v: Value) => v, ...MERGES.map((merge) => (v: Value) => merge().apply([v]))].map((through) => {
    const steps = input({ shape: [4, 2] });
    const merged = through(masking().apply(steps)) as Value<any>;
    const net = model({ inputs: steps, outputs: dense({ units: 1 }).apply(merged), seed: 1, dtype: 'float64' });
    net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    return [net.evaluateSync(x, y).loss, net.trainOnBatch(x, y).loss];
  });
  for (const own of losses) t.deepEqual(own, losses[0]);
});
const MERGES = [layers.add, layers.average, layers.maximum, layers.minimum, layers.multiply, layers.concatenate];

test("attention's queries are multiplied by its scale, by default Keras'", (t) => {
  const x = input({ shape: [4, 3] });
  const data = new RandomState(1).randn(2, 4, 3) as NDArray;
  for (const dtype of ['float32', 'float64'] as const) {
    const made = (scale?: number) =>
      model({
        inputs: x,
        outputs: layers.multiHeadAttention({ numHeads: 2, keyDim: 3, ...(scale && { scale }) }).apply([x, x]),
        seed: 1,
        dtype,
      });
    const plain = made();
    t.false('scale' in (plain.layers.at(-1) as Layer).getConfig());
    t.deepEqual(made(Math.fround(1 / Math.sqrt(3))).predictSync(data), plain.predictSync(data));
    const doubled = made(2 / Math.sqrt(3));
    const back = Model.fromBytes(doubled.toBytes());
    t.is((back.layers.at(-1) as Layer).getConfig().scale, 2 / Math.sqrt(3));
    t.deepEqual(back.predictSync(data), doubled.predictSync(data));
    const exact = made(1 / Math.sqrt(3));
    t.is(dtype === 'float32', String(exact.predictSync(data)) === String(plain.predictSync(data)));
    const [kernel, ...rest] = exact.getWeights();
    exact.setWeights([NDArray.wrap(kernel.data.map((w: number) => 2 * w) as never, kernel.shape), ...rest]);
    t.deepEqual(exact.predictSync(data), doubled.predictSync(data)); // the query's bias is 0
  }
});

test('what cannot be is refused in one sentence', (t) => {
  const refused = (run: () => unknown, message: RegExp) => {
    const error = t.throws(run) as Error;
    t.regex(error.message, message);
    t.notRegex(error.message, /\n/);
  };
  refused(
    () => lstm({ units: 3 }).apply(input({ shape: [4] }) as any),
    /sequences \[steps, features\] \(one feature: \[4, 1\]; behind a recurrent layer its returnSequences: true\), got shape \[4\]/,
  );
  refused(
    () => lstm({ units: 3, activation: 'gelu' }),
    /Expected activation of a recurrent layer to be one whose derivative .* got 'gelu'/,
  );
  refused(() => gru({ units: 0 }), /Expected units to be a positive integer, got 0/);
  refused(() => gru({ units: 2, dropout: 1 }), /Expected dropout to be/);
  const x = seq();
  const state = input({ shape: [5] });
  refused(
    () => gru({ units: 3 }).apply([x, state]),
    /initial states of the layer GRU to be of shape \[3\], its units, got \[5\]/,
  );
  refused(() => lstm({ units: 5 }).apply([x, state]), /to be given 2 initial states behind the sequence, got 1/);
  refused(
    () => bidirectional({ layer: dense({ units: 2 }) }),
    /Expected layer to be a recurrent layer \(lstm, gru or simpleRNN\)/,
  );
  refused(
    () => bidirectional({ layer: lstm({ units: 2 }), mergeMode: 'max' as any }),
    /Expected mergeMode to be one of/,
  );
  refused(() => timeDistributed({ layer: 3 as any }), /Expected layer to be a layer, got 3/);
  refused(
    () => timeDistributed({ layer: lstm({ units: 2, stateful: true, name: 'kept' }) }),
    /^Expected layer to have no states that outlive a batch, got the layer 'kept' \(LSTM\), which is stateful$/,
  );
  refused(
    () => timeDistributed({ layer: dense({ units: 2 }) }).apply(input({ shape: [4] })),
    /of two dimensions at least, the first of them steps/,
  );
  refused(
    () => layers.multiHeadAttention({ numHeads: 2, keyDim: 2 }).apply(x as any),
    /list of one or more values|\[query, value\]/,
  );
  refused(
    () => layers.multiHeadAttention({ numHeads: 2, keyDim: 2 }).apply([x, x, input({ shape: [3, 2] })]),
    /value and key of as many steps/,
  );
  refused(
    () => layers.attention().apply([x, input({ shape: [5, 7] })]),
    /^Expected the inputs of Attention to be a query and a key of as many features, got shapes \[/,
  );
  refused(() => layers.additiveAttention().apply(x as any), /list of one or more values|\[query, value\]/);
  for (const scale of [0, Number.NaN, Number.POSITIVE_INFINITY, '1' as any])
    refused(
      () => layers.multiHeadAttention({ numHeads: 2, keyDim: 2, scale }),
      /^Expected scale to be a finite number other than 0, got /,
    );
  const text = sequential({
    layers: [embedding({ inputDim: 5, outputDim: 2, maskZero: true, inputShape: [3] }), lstm({ units: 2 })],
  });
  refused(
    () =>
      text.predictSync([
        [1, 2, 3],
        [1, 7, 0],
      ]),
    /integers in \[0, 5\), the inputDim of the layer 'embedding', got 7 at row 1, column 1/,
  );
  refused(
    () =>
      text.predictSync([
        [1, 2, 0],
        [0, 0, 0],
      ]),
    /sample 1 holds nothing but 0, which the layer 'embedding' leaves out/,
  );
});

test('a penalty on what the two layers of bidirectional give counts the zeros of masked steps', async (t) => {
  const x = [
    [[1], [2], [0], [3]],
    [[-1], [0], [0], [0]],
  ];
  for (const kind of RECURRENT) {
    const make = layers[kind] as (options: object) => Layer;
    const layer = make({ units: 2, returnSequences: true, activityRegularizer: { l2: 0.25 } });
    const net = sequential({
      layers: [layers.masking({ inputShape: [4, 1] }), layers.bidirectional({ layer })],
      dtype: 'float64',
      seed: 1,
    });
    net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const y = net.predictSync(x) as NDArray;
    const { loss } = await net.evaluate(x, y);
    near(t, kind, [loss], [(0.25 * Array.from(y.data, (v) => v * v).reduce((a, b) => a + b)) / 2], 1e-12);
  }
});
