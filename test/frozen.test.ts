// What training leaves alone: layers that are frozen, and what frozen ones hold.
import test from 'ava';
import {
  custom,
  input,
  Layer,
  layers,
  Model,
  model,
  type NDArray,
  RandomState,
  Sequential,
  sequential,
  type Value,
} from 'fjordnet';
import { modelBytes, parseModel } from '../dist/io/model-file.js';

const numbers = (arrays: readonly NDArray[]) => arrays.map(({ data }) => [...data]);
const normal = (seed: number, ...shape: number[]) => new RandomState(seed).normal(0, 1, shape) as NDArray;
const COMPILE = { optimizer: 'adam', loss: 'mse' } as const;

/** The names of the weights that training moves. */
function moved(net: Model<any, any>, x: NDArray, y: NDArray): string[] {
  const before = numbers(net.getWeights());
  net.trainOnBatch(x, y);
  const after = numbers(net.getWeights());
  return net.weightNames.filter((_, i) => String(after[i]) !== String(before[i]));
}
const trainedParams = (net: Model<any, any>) => Number(/ Trainable params: ([\d,]+)/.exec(net.summary())?.[1]);

const encoder = () =>
  sequential({
    layers: [layers.dense({ units: 2, inputShape: [4] }), layers.batchNormalization()],
    name: 'enc',
  });

class Holding extends Layer {
  readonly inner = encoder();
  call(x: Value): Value {
    return this.inner.apply(x) as Value;
  }
}
const holding = custom.layer('HoldingANetwork', Holding);

const HOLDERS: Record<string, () => Layer[]> = {
  'a layer for each step': () => [
    layers.reshape({ targetShape: [3, 4], inputShape: [12] }),
    layers.timeDistributed({ layer: encoder(), trainable: false, name: 'held' }),
    layers.flatten(),
  ],
  'a layer for each step of one for each step': () => [
    layers.reshape({ targetShape: [3, 1, 4], inputShape: [12] }),
    layers.timeDistributed({ layer: layers.timeDistributed({ layer: encoder() }), trainable: false, name: 'held' }),
    layers.flatten(),
  ],
  'a layer of one’s own': () => [
    layers.dense({ units: 4, trainable: false, inputShape: [12] }),
    holding({ trainable: false, name: 'held' } as never),
  ],
  'a network to which layers were added': () => {
    const inner = sequential({ name: 'held' });
    inner.trainable = false;
    inner.add(layers.dense({ units: 2 }));
    inner.add(layers.batchNormalization());
    return [layers.dense({ units: 4, trainable: false, inputShape: [12] }), inner];
  },
  'a network whose layers are to be trained again': () => {
    const inner = encoder();
    inner.trainable = false;
    for (const layer of inner.layers) layer.trainable = true;
    return [layers.dense({ units: 4, trainable: false, inputShape: [12] }), inner];
  },
};
for (const [what, make] of Object.entries(HOLDERS))
  test(`${what} that is frozen holds what stays, in files and copies too`, (t) => {
    const net = sequential({
      layers: [...make(), layers.dense({ units: 1, name: 'head' })],
      dtype: 'float64',
      seed: 1,
    });
    const [x, y] = [normal(1, 8, 12), normal(2, 8, 1)];
    const head = net.countParams() - net.layers.slice(0, -1).reduce((sum, layer) => sum + layer.countParams(), 0);
    t.is(trainedParams(net), head);
    net.compile(COMPILE);
    t.is(trainedParams(net), head);
    t.deepEqual(moved(net, x, y), ['head/kernel', 'head/bias']);
    const loaded = Sequential.fromBytes(net.toBytes());
    t.is(loaded.summary(), net.summary());
    for (const each of [net, loaded, net.clone(), loaded.clone()])
      t.deepEqual(moved(each, x, y), ['head/kernel', 'head/bias']);
    net.trainOnBatch(x, y);
    loaded.trainOnBatch(x, y);
    t.deepEqual(numbers(loaded.getWeights()), numbers(net.getWeights()));
    loaded.compile(COMPILE);
    t.deepEqual(moved(loaded, x, y), ['head/kernel', 'head/bias']);
  });

test('a frozen batch normalization within a frozen network takes masks for each step', (t) => {
  const inner = sequential({ name: 'inner' });
  inner.trainable = false;
  inner.add(layers.batchNormalization());
  const net = sequential({
    layers: [
      layers.masking({ inputShape: [3, 2] }),
      layers.timeDistributed({ layer: inner }),
      layers.flatten(),
      layers.dense({ units: 1 }),
    ],
  });
  net.compile(COMPILE);
  t.deepEqual(moved(net, normal(1, 4, 3, 2), normal(2, 4, 1)), ['dense/kernel', 'dense/bias']);
});

test('files name what is within frozen layers, and those from before they did go on as they were', (t) => {
  const make = (trainable: boolean) => {
    const net = sequential({
      layers: [
        layers.timeDistributed({ layer: encoder(), name: 'held', inputShape: [3, 4], trainable }),
        layers.flatten(),
        layers.dense({ units: 1 }),
      ],
      dtype: 'float64',
      seed: 1,
    });
    net.compile(COMPILE);
    net.trainOnBatch(x, y);
    return net;
  };
  const [x, y] = [normal(1, 8, 3, 4), normal(2, 8, 1)];
  t.deepEqual(parseModel(make(false).toBytes()).training?.frozen, [
    'held',
    'held/enc',
    'held/enc/dense',
    'held/enc/batch_normalization',
  ]);
  // as such a file was: its wrapper frozen, and trained what is within
  const net = make(true);
  const { architecture, training, ...rest } = parseModel(net.toBytes());
  const described = structuredClone(architecture) as any;
  described.layers[0].config.trainable = false;
  const old = Sequential.fromBytes(
    modelBytes({ ...rest, architecture: described, training: { ...training, frozen: ['held'] } }),
  );
  for (let step = 0; step < 3; step++) t.deepEqual(old.trainOnBatch(x, y), net.trainOnBatch(x, y));
  t.deepEqual(numbers(old.getWeights()), numbers(net.getWeights()));
  old.compile(COMPILE);
  t.deepEqual(moved(old, x, y), ['dense/kernel', 'dense/bias']);
});

test('what is added to a network that was compiled is trained as the network was', (t) => {
  const [x, y] = [normal(1, 8, 3), normal(2, 8, 1)];
  const make = () => sequential({ layers: [layers.dense({ units: 2, inputShape: [3] })], dtype: 'float64', seed: 1 });
  const frozen = make();
  frozen.trainable = false;
  frozen.compile(COMPILE);
  frozen.predictSync(x);
  const loaded = Sequential.fromBytes(frozen.toBytes());
  for (const net of [frozen, loaded, frozen.clone()]) {
    net.add(layers.dense({ units: 1 }));
    t.is(trainedParams(net), 0);
    t.deepEqual(moved(net, x, y), []);
    net.trainable = true;
    t.deepEqual(moved(net, x, y), []);
    net.compile(COMPILE);
    t.is(moved(net, x, y).length, 4);
  }
  // the layers alone are frozen, or the network since it was compiled
  const [ofLayers, since] = [make(), make()];
  ofLayers.layers[0].trainable = false;
  ofLayers.compile(COMPILE);
  since.compile(COMPILE);
  since.predictSync(x);
  since.trainable = false;
  for (const [net, count] of [
    [ofLayers, 2],
    [since, 4],
  ] as const)
    for (const each of [net, Sequential.fromBytes(net.toBytes())]) {
      each.add(layers.dense({ units: 1 }));
      t.is(moved(each, x, y).length, count);
    }
});

test('what a layer of one’s own turns out to be made of is trained as that was when it was compiled', (t) => {
  const [x, y] = [normal(1, 8, 4), normal(2, 8, 1)];
  for (const trainable of [true, false]) {
    const net = sequential({ layers: [holding({ trainable } as never), layers.dense({ units: 1 })], seed: 1 });
    net.compile(COMPILE);
    net.trainable = false; // as of the next compile
    net.predictSync(x);
    t.is(moved(net, x, y).length > 2, trainable);
  }
});

test('a layer of which one place is frozen is frozen', (t) => {
  const enc = encoder();
  const [a, b] = [input({ shape: [3, 4] }), input({ shape: [4] })];
  const each = layers.timeDistributed({ layer: enc, trainable: false });
  const all = layers.concatenate().apply([layers.flatten().apply(each.apply(a)), enc.apply(b)]);
  const net = model({ inputs: [a, b], outputs: layers.dense({ units: 1, name: 'head' }).apply(all), seed: 1 });
  net.compile(COMPILE);
  const before = numbers(net.getWeights());
  net.trainOnBatch([normal(1, 8, 3, 4), normal(3, 8, 4)], normal(2, 8, 1));
  const after = numbers(net.getWeights());
  t.deepEqual(
    net.weightNames.filter((_, i) => String(after[i]) !== String(before[i])),
    ['head/kernel', 'head/bias'],
  );
});

class Two extends Layer {
  readonly first = layers.dense({ units: 3, name: 'first' });
  readonly second = layers.timeDistributed({ layer: layers.dense({ units: 2, trainable: false }), name: 'second' });
  call(x: Value<readonly [number, number]>): Value {
    return this.second.apply(this.first.apply(x)) as Value;
  }
}
const two = custom.layer('TwoLayers', Two);

test('what a layer of one’s own is made of stays frozen in files and copies, and what is not is trained', (t) => {
  const [x, y] = [normal(1, 8, 2, 3), normal(2, 8, 1)];
  const net = sequential({
    layers: [two({ name: 'own' } as never), layers.flatten(), layers.dense({ units: 1, name: 'head' })],
    dtype: 'float64',
    seed: 1,
  });
  net.build([2, 3]);
  const names = (...parts: string[]) => parts.flatMap((part) => [`${part}/kernel`, `${part}/bias`]);
  const check = (...parts: string[]) => {
    for (const each of [Sequential.fromBytes(net.toBytes()), net.clone(), net]) {
      const again = around(each);
      for (const one of [each, again, Model.fromBytes(again.toBytes()), again.clone()]) {
        one.compile(COMPILE);
        t.deepEqual(
          moved(one, x, y).map((name) => name.replace('inner/', '')),
          names(...parts, 'head'),
        );
      }
    }
  };
  const around = (inner: Sequential) => {
    const i = input({ shape: [2, 3] });
    const { layers: list } = Sequential.fromBytes(inner.toBytes());
    return model({
      inputs: i,
      outputs: sequential({ layers: list, name: 'inner' }).apply(i),
      dtype: 'float64',
      seed: 1,
    });
  };
  check('own/first');
  const own = net.layers[0] as Two;
  own.first.trainable = false;
  check();
  own.second.trainable = true;
  check('own/second/dense');
  const { architecture, ...rest } = parseModel(net.toBytes());
  t.deepEqual(architecture?.frozenParts, ['own/first']);
  const changed = (frozenParts?: unknown) =>
    Sequential.fromBytes(
      modelBytes({ ...rest, architecture: JSON.parse(JSON.stringify({ ...architecture, frozenParts })) }),
    );
  t.true((changed().layers[0] as Two).first.trainable); // an older file
  for (const wrong of [null, 'own/first', ['head'], ['own/second/dense', 3]])
    t.throws(() => changed(wrong), { code: 'ERR_FORMAT', message: /Expected architecture\.frozenParts/ });
});
