// What holds of a network's later calls holds of its first one, of its copies, and after what went wrong.
import test from 'ava';
import {
  callbacks,
  custom,
  Layer,
  layers,
  type NDArray,
  NDArray as Numbers,
  ops,
  optimizers,
  type RandomState,
  Sequential,
  sequential,
  type Value,
} from 'fjordnet';

const filled = (value: number, ...shape: number[]) =>
  Numbers.from(Array(shape.reduce((size, n) => size * n, 1)).fill(value)).reshape(...shape);
const numbers = (arrays: readonly NDArray[]) => arrays.map(({ data }) => [...data]);

test('a network whose layers have become more begins its optimizer anew', (t) => {
  const x = [
    [1, 2],
    [3, 5],
  ];
  const grown = (optimizer: Parameters<Sequential['compile']>[0]['optimizer']) => {
    const net = sequential({ layers: [layers.dense({ units: 4, inputShape: [2] })], dtype: 'float64', seed: 1 });
    net.compile({ optimizer, loss: 'mse' });
    net.fitSync(x, filled(1, 2, 4), { epochs: 3 });
    net.add(layers.dense({ units: 1 }));
    return net;
  };
  const still = grown(optimizers.sgd({ learningRate: 0, useEma: true }));
  const before = numbers(still.getWeights());
  still.fitSync(x, [1, 2]);
  t.deepEqual(numbers(still.getWeights()), before); // the averages of weights that do not move
  still.fitSync(x, [1, 2], { epochs: 1, initialEpoch: 1 });
  t.deepEqual(numbers(still.getWeights()), before);
  const adam = grown('adam');
  const other = adam.clone({ seed: 1 });
  other.setWeights(adam.getWeights());
  other.compile({ optimizer: 'adam', loss: 'mse' });
  for (const net of [adam, other]) net.fitSync(x, [1, 2], { epochs: 2, shuffle: false });
  t.deepEqual(numbers(adam.getWeights()), numbers(other.getWeights()));
});

test('the first call of a network without an inputShape checks ids and padding as the second does', async (t) => {
  const refusal = {
    message: "Expected x to hold integers in [0, 3), the inputDim of the layer 'embedding', got 7 at row 0, column 1",
  };
  const net = () => {
    const made = sequential({
      layers: [layers.embedding({ inputDim: 3, outputDim: 2 }), layers.flatten(), layers.dense({ units: 1 })],
    });
    made.compile({ optimizer: 'sgd', loss: 'mse' });
    return made;
  };
  const wrong = [
    [0, 7],
    [1, 2],
  ];
  await t.throwsAsync(net().fit(wrong, [1, 2]), refusal);
  await t.throwsAsync(net().predict(wrong), refusal);
  await t.throwsAsync(net().evaluate(wrong, [1, 2]), refusal);
  t.throws(() => net().predictSync(wrong), refusal);
  t.throws(() => net().trainOnBatch(wrong, [1, 2]), refusal);
  await t.throwsAsync(net().fit([[wrong, [1, 2]]] as never), { message: /to hold integers in \[0, 3\)/ });
  const nested = sequential({
    layers: [
      sequential({ name: 'words', layers: [layers.embedding({ inputDim: 3, outputDim: 2, inputShape: [2] })] }),
      layers.flatten(),
    ],
  });
  t.throws(() => nested.predictSync(wrong), { message: /inputDim of the layer 'words\/embedding', got 7/ });
  const sentences = () =>
    sequential({
      layers: [layers.timeDistributed({ layer: layers.embedding({ inputDim: 3, outputDim: 2 }) })],
      dtype: 'float64',
    });
  const words = sentences();
  const given = words.predictSync([
    [
      [0, 1],
      [2, 1],
    ],
  ]);
  const [table] = words.getWeights();
  t.deepEqual(
    [...given.data],
    [0, 1, 2, 1].flatMap((id) => [...table.data.slice(2 * id, 2 * id + 2)]),
  );
  t.throws(
    () =>
      sentences().predictSync([
        [
          [0, 1],
          [2, 3],
        ],
      ]),
    {
      message: /inputDim of the layer 'time_distributed\/embedding', got 3/,
    },
  );
  const padded = sequential({ layers: [layers.masking(), layers.lstm({ units: 2 })] });
  const empty = [[[0], [0]]];
  t.throws(() => padded.predictSync(empty), { message: /to have a step that counts, but sample 0/ });
});

test('a stateful network without an inputShape keeps its states, and the order of samples, from the first call on', async (t) => {
  const x = Numbers.from(Array.from({ length: 24 }, (_, i) => Math.sin(i))).reshape(6, 2, 2);
  const make = (inputShape?: number[]) =>
    sequential({
      layers: [
        layers.lstm({ units: 3, stateful: true, ...(inputShape && { inputShape }) }),
        layers.dense({ units: 1 }),
      ],
      dtype: 'float64',
      seed: 3,
    });
  const [known, unknown] = [make([2, 2]), make()];
  for (let call = 0; call < 2; call++) {
    const [a, b] = [await known.predict(x, { batchSize: 3 }), await unknown.predict(x, { batchSize: 3 })];
    t.deepEqual([...b.data], [...a.data]);
  }
  const trained = [make([2, 2]), make()].map((net) => {
    net.compile({ optimizer: 'sgd', loss: 'mse' });
    net.fitSync(x, [1, 2, 3, 4, 5, 6], { batchSize: 3, epochs: 2 });
    return numbers(net.getWeights());
  });
  t.deepEqual(trained[1], trained[0]);
});

test('what changes nothing, or was refused, leaves a stateful network free for batches of any size', async (t) => {
  const x = Numbers.from(Array.from({ length: 16 }, (_, i) => Math.cos(i))).reshape(4, 2, 2);
  const two = x.slice([0, 2]);
  const net = sequential({ layers: [layers.gru({ units: 2, stateful: true, inputShape: [2, 2] })], dtype: 'float64' });
  net.compile({ optimizer: 'sgd', loss: 'mse' });
  const y = filled(1, 4, 2);
  const gradients = numbers(Object.values((await net.gradients(two, filled(1, 2, 2))).gradients));
  t.throws(() => net.predictSync(two, { out: Numbers.zeros([3, 2]) }), { message: /^Expected out to be of shape/ });
  await t.throwsAsync(
    net.fit(two, filled(1, 2, 2), { batchSize: 2, validationData: [x.slice([0, 3]), y.slice([0, 3])] }),
    {
      message: /multiple of batchSize|^Expected batches of 2 samples/,
    },
  );
  t.is(net.predictSync(x).shape[0], 4);
  net.resetStates();
  t.deepEqual(numbers(Object.values((await net.gradients(two, filled(1, 2, 2))).gradients)), gradients);
  // validation has the rows of training, whichever is looked at first
  await t.throwsAsync(net.fit(x, y, { batchSize: 4, validationData: [two, filled(1, 2, 2)] }), {
    message: /^Expected batches of 4 samples, to which the states/,
  });
});

test('layers within layers stay frozen in copies and files', async (t) => {
  const x = Numbers.from(Array.from({ length: 48 }, (_, i) => Math.sin(i))).reshape(2, 3, 4, 2);
  const made = {
    timeDistributed: () => [
      layers.timeDistributed({
        layer: layers.conv1d({ filters: 2, kernelSize: 1, trainable: false }),
        inputShape: [3, 4, 2],
      }),
      layers.flatten(),
    ],
    bidirectional: () => [
      layers.reshape({ targetShape: [12, 2], inputShape: [3, 4, 2] }),
      layers.bidirectional({
        layer: layers.gru({ units: 2 }),
        backwardLayer: layers.gru({ units: 2, trainable: false, goBackwards: true }),
      }),
    ],
  };
  for (const [name, of] of Object.entries(made)) {
    const net = sequential({ layers: [...of(), layers.dense({ units: 1 })], dtype: 'float64', seed: 2 });
    net.compile({ optimizer: 'sgd', loss: 'mse' });
    const moved = (trained: Sequential) => {
      trained.compile({ optimizer: 'sgd', loss: 'mse' });
      const before = numbers(trained.getWeights());
      trained.trainOnBatch(x, [1, 2]);
      return numbers(trained.getWeights()).map((now, i) => now.some((value, k) => value !== before[i][k]));
    };
    const copies = [Sequential.fromBytes(net.toBytes()), net.clone()];
    const expected = moved(net);
    t.true(expected.includes(false) && expected.includes(true), name);
    for (const copy of copies) t.deepEqual(moved(copy as Sequential), expected, name);
  }
});

test('the second layer of a bidirectional one is as the first: frozen, penalized, with initializers of one’s own', (t) => {
  const x = Numbers.from(Array.from({ length: 12 }, (_, i) => Math.sin(i))).reshape(2, 3, 2);
  const net = (options: object, mergeMode: 'concat' | 'sum' = 'concat') => {
    const layer = layers.lstm({ units: 2, returnSequences: true, ...options });
    const made = sequential({
      layers: [layers.bidirectional({ layer, mergeMode, inputShape: [3, 2] })],
      dtype: 'float64',
      seed: 2,
    });
    made.compile({ optimizer: 'sgd', loss: 'mse' });
    return made;
  };
  const y = Numbers.zeros([2, 3, 4]);
  const frozen = net({ trainable: false });
  const before = numbers(frozen.getWeights());
  frozen.trainOnBatch(x, y);
  t.deepEqual(numbers(frozen.getWeights()), before);

  const penalized = net({ activityRegularizer: 'l2' });
  const made = penalized.predictSync(x);
  penalized.setWeights(penalized.getWeights());
  const squares = [...made.data].reduce((sum, value) => sum + value * value, 0);
  const { loss } = penalized.testOnBatch(x, made);
  t.true(Math.abs(loss - (0.01 * squares) / 2) < 1e-12, `${loss} ${(0.01 * squares) / 2}`);

  function ones(shape: readonly number[]) {
    return Numbers.zeros([...shape]); // not what the initializer of that name gives
  }
  const own = net({ kernelInitializer: ones, recurrentInitializer: ones });
  for (const weight of own.getWeights().filter(({ shape }) => shape.length === 2))
    t.deepEqual([...weight.data], Array(weight.size).fill(0));
  const drawn = net({
    kernelInitializer: (shape: number[], random: { normal(m: number, s: number, n: number[]): unknown }) =>
      random.normal(0, 1, shape),
  });
  t.is(drawn.getWeights().length, 6);

  const taken = layers.lstm({ units: 2, inputShape: [3, 2] });
  sequential({ layers: [taken] }).predictSync(x);
  t.throws(() => layers.bidirectional({ layer: taken }), {
    message: /^Expected layer to be a new layer, got .*LSTM.*, which a network has already$/,
  });
});

test('a training that fails among exchanged averages leaves weights and averages in their places', async (t) => {
  const x = Array.from({ length: 8 }, (_, i) => [Math.sin(i), Math.cos(i)]);
  const y = x.map(([a]) => a);
  const make = () => {
    const net = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })], dtype: 'float64', seed: 5 });
    net.compile({ optimizer: optimizers.sgd({ learningRate: 0.3, useEma: true, emaMomentum: 0.5 }), loss: 'mse' });
    return net;
  };
  const options = { batchSize: 4, shuffle: false } as const;
  const expected = make();
  let raw: number[][] = [];
  await expected.fit(x, y, {
    ...options,
    callbacks: {
      onEpochEnd() {
        raw = numbers(expected.getWeights());
      },
    },
  });
  const failing = {
    'in a validation': {
      callbacks: [callbacks.swapEmaWeights()],
      validationData: () =>
        (function* () {
          yield [x, y];
          throw new Error('no more');
        })(),
    },
    'in a callback behind the exchange': {
      callbacks: [
        callbacks.swapEmaWeights({ swapOnEpoch: true }),
        {
          onEpochEnd() {
            throw new Error('no more');
          },
        },
      ],
    },
  };
  for (const [name, own] of Object.entries(failing)) {
    const net = make();
    await t.throwsAsync(net.fit(x, y, { ...options, ...own } as never), { message: /no more/ }, name);
    t.deepEqual(numbers(net.getWeights()), raw, name);
    const saved = Sequential.fromBytes(net.toBytes());
    for (const each of [net, saved]) each.trainOnBatch(x, y);
    t.deepEqual(numbers(saved.getWeights()), numbers(net.getWeights()), name);
  }
});

test('penalties on what a layer gives for each step are those of all steps', async (t) => {
  const x = Numbers.from(Array.from({ length: 48 }, (_, i) => Math.sin(i))).reshape(2, 3, 4, 2);
  const net = sequential({
    layers: [
      layers.timeDistributed({
        layer: layers.conv1d({ filters: 2, kernelSize: 2, activityRegularizer: 'l2' }),
        inputShape: [3, 4, 2],
      }),
    ],
    dtype: 'float64',
    seed: 2,
  });
  net.compile({ optimizer: 'sgd', loss: 'mse' });
  const made = net.predictSync(x);
  const squares = [...made.data].reduce((sum, value) => sum + value * value, 0);
  t.true(Math.abs(net.testOnBatch(x, made).loss - (0.01 * squares) / 2) < 1e-12);
  // its derivative is that of finite differences along a weight
  const y = filled(0, ...made.shape);
  const [kernel, bias] = net.getWeights();
  const [ofKernel] = (await net.gradients(x, y)).gradients;
  const lossAt = (shift: number) => {
    const moved = Numbers.from([...kernel.data]).reshape(...kernel.shape);
    moved.data[3] += shift;
    net.setWeights([moved, bias]);
    return net.testOnBatch(x, y).loss;
  };
  const difference = (lossAt(1e-5) - lossAt(-1e-5)) / 2e-5;
  t.true(Math.abs(difference - ofKernel.data[3]) < 1e-8, `${difference} ${ofKernel.data[3]}`);
});

test('a function of one’s own ends masks, as Keras’ Lambda', (t) => {
  const net = (fn: (x: Value) => Value) =>
    sequential({
      layers: [
        layers.embedding({ inputDim: 9, outputDim: 4, maskZero: true, inputShape: [5] }),
        layers.lambda(fn),
        layers.lstm({ units: 2 }),
      ],
      dtype: 'float64',
      seed: 1,
    });
  const ids = [
    [1, 2, 0, 0, 0],
    [3, 4, 5, 6, 7],
  ];
  const unmasked = sequential({
    layers: [layers.embedding({ inputDim: 9, outputDim: 4, inputShape: [5] }), layers.lstm({ units: 2 })],
    dtype: 'float64',
    seed: 1,
  });
  const same = net((x) => ops.add(x, 0));
  unmasked.setWeights(same.getWeights());
  t.deepEqual([...same.predictSync(ids).data], [...unmasked.predictSync(ids).data]);
  const short = sequential({
    layers: [
      layers.embedding({ inputDim: 9, outputDim: 4, maskZero: true, inputShape: [5] }),
      layers.lambda((x: Value) => ops.mean(x, { axis: 0 })),
      layers.dense({ units: 1 }),
    ],
  });
  short.compile({ optimizer: 'sgd', loss: 'mse' });
  t.true(Number.isFinite(short.trainOnBatch(ids, [1, 2]).loss));
});

const moved = (net: Sequential, x: NDArray, y: NDArray) => {
  const before = numbers(net.getWeights());
  net.trainOnBatch(x, y);
  return numbers(net.getWeights()).map((now, i) => now.some((value, k) => value !== before[i][k]));
};
const waves = (...shape: number[]) =>
  Numbers.from(Array.from({ length: shape.reduce((size, n) => size * n, 1) }, (_, i) => Math.sin(i + 1))).reshape(
    ...shape,
  );

class Listing extends Layer {
  readonly layers = [layers.embedding({ inputDim: 3, outputDim: 2 }), layers.dense({ units: 2 })];
  call(x: Value): Value {
    return this.layers[1].apply(x);
  }
}
const listing = custom.layer('ListingLayers', Listing);

test('a layer of one’s own may call a field layers', (t) => {
  const net = sequential({ layers: [listing({}), layers.dense({ units: 1 })], dtype: 'float64', seed: 1 });
  net.compile({ optimizer: 'sgd', loss: 'mse' });
  t.deepEqual(net.predictSync(waves(4, 3)).shape, [4, 1]);
  t.is(net.getWeights().length, 4);
  t.deepEqual(moved(net, waves(4, 3), waves(4, 1)), [true, true, true, true]);
});

class Inside extends Layer {
  readonly inner = layers.dense({ units: 3, trainable: false });
  call(x: Value): Value {
    return this.inner.apply(x);
  }
}
const inside = custom.layer('FrozenInside', Inside);

test('layers are frozen that compile could not know: within networks of no shape yet, added, or of layers of one’s own', (t) => {
  const compiled = (...list: Layer[]) => {
    const net = sequential({ layers: list, dtype: 'float64', seed: 1 });
    net.compile({ optimizer: 'sgd', loss: 'mse' });
    return net;
  };
  const inner = sequential({ name: 'inner', layers: [layers.dense({ units: 2 })] });
  inner.trainable = false;
  const [x, y] = [waves(4, 3), waves(4, 1)];
  for (const net of [compiled(inner, layers.dense({ units: 1 })), compiled(inside({}), layers.dense({ units: 1 }))]) {
    net.predictSync(x);
    t.deepEqual(moved(net, x, y), [false, false, true, true]);
  }
  for (const first of [{ inputShape: [3] }, {}]) {
    const net = compiled(layers.dense({ units: 3, ...first }));
    net.add(layers.dense({ units: 1, trainable: false }));
    net.predictSync(x);
    t.deepEqual(moved(net, x, y), [true, true, false, false]);
    net.pop();
    net.add(layers.dense({ units: 1, trainable: true }));
    t.is(Sequential.fromBytes(net.toBytes()).layers.length, 2); // the popped layer is in no file
  }
});

test('a network within one of no shape yet asks of its input what it asks later', async (t) => {
  const words = (inputShape?: number[]) =>
    sequential({
      layers: [
        sequential({
          name: 'words',
          layers: [
            layers.embedding({ inputDim: 3, outputDim: 2, ...(inputShape && { inputShape }) }),
            layers.flatten(),
          ],
        }),
      ],
    });
  for (const net of [words(), words([2])])
    t.throws(() => net.predictSync([[0, 7]]), { message: /inputDim of the layer 'words\/embedding', got 7/ });
  const stateful = (inputShape?: number[]) =>
    sequential({
      layers: [sequential({ layers: [layers.lstm({ units: 2, stateful: true, ...(inputShape && { inputShape }) })] })],
      dtype: 'float64',
      seed: 2,
    });
  const [unknown, known] = [stateful(), stateful([2, 2])];
  for (let call = 0; call < 2; call++)
    t.deepEqual([...(await unknown.predict(waves(2, 2, 2))).data], [...(await known.predict(waves(2, 2, 2))).data]);
  const first = sequential({ layers: [layers.dense({ units: 1 })] });
  first.compile({ optimizer: 'sgd', loss: 'mse' });
  await t.throwsAsync(
    first.fit(Numbers.zeros([4, 4]), [1, 2, 3, 4], { validationData: [Numbers.zeros([4, 9]), [1, 2, 3, 4]] }),
    { message: /^Expected validationData\[0\] to be of shape \[n, 4\]/ },
  );
  t.is(first.iterations, 0);
});

test('a layer that was popped beside predictions stays away', async (t) => {
  const net = sequential({
    layers: [layers.dense({ units: 3, inputShape: [2] }), layers.dense({ units: 5 })],
    seed: 3,
  });
  const answers = [net.predict(waves(2, 2)), net.predict(waves(3, 2))];
  net.pop();
  await Promise.all(answers);
  t.deepEqual(net.predictSync(waves(2, 2)).shape, [2, 3]);
  t.deepEqual((await net.predict(waves(2, 2))).shape, [2, 3]);
});

test('predictions see averages that were put in place, as predictSync does', async (t) => {
  const net = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], dtype: 'float64', seed: 1 });
  net.compile({ optimizer: optimizers.sgd({ learningRate: 0.3, useEma: true, emaMomentum: 0.5 }), loss: 'mse' });
  const seen: number[][] = [];
  const look = async () => {
    seen.push([(await net.predict([[1]])).data[0], net.predictSync([[1]]).data[0]]);
  };
  await net.fit([[1], [2]], [3, 1], { epochs: 3, callbacks: { onEpochEnd: look, onTrainEnd: look } });
  t.is(seen.length, 4);
  for (const [beside, now] of seen) t.is(beside, now);
});

test('an abort between two batches leaves the generator where an error there does', async (t) => {
  const results: number[][][] = [];
  for (const how of ['abort', 'throw']) {
    const control = new AbortController();
    const net = sequential({
      layers: [layers.dense({ units: 4, inputShape: [3] }), layers.dropout({ rate: 0.5 }), layers.dense({ units: 1 })],
      dtype: 'float64',
      seed: 1,
    });
    net.compile({ optimizer: 'sgd', loss: 'mse' });
    const onBatchEnd = (batch: number) => {
      if (batch === 1 && how === 'throw') throw new Error('own');
      if (batch === 1) control.abort();
    };
    await t.throwsAsync(
      net.fit(waves(20, 3), waves(20, 1), { batchSize: 4, signal: control.signal, callbacks: { onBatchEnd } }),
    );
    net.fitSync(waves(20, 3), waves(20, 1), { batchSize: 4 });
    results.push(numbers(net.getWeights()));
  }
  t.deepEqual(results[0], results[1]);
});

test('whether a network is to be trained is in its file and its copies', (t) => {
  const net = sequential({ layers: [layers.dense({ units: 3, inputShape: [2] }), layers.dense({ units: 1 })] });
  net.trainable = false;
  net.layers[1].trainable = true;
  for (const copy of [Sequential.fromBytes(net.toBytes()), net.clone()])
    t.deepEqual([copy.trainable, ...copy.layers.map(({ trainable }) => trainable)], [false, false, true]);
});

test('what ran no batch binds no states; what failed once draws the same again; popped layers are gone', async (t) => {
  const stateful = sequential({ layers: [layers.gru({ units: 2, stateful: true, inputShape: [2, 2] })] });
  stateful.compile({ optimizer: 'sgd', loss: 'mse' });
  const two = [waves(2, 2, 2), filled(1, 2, 2)] as const;
  const onTrainBegin = () => {
    throw new Error('not today');
  };
  await t.throwsAsync(stateful.fit(...two, { batchSize: 2, callbacks: { onTrainBegin } }), { message: 'not today' });
  await stateful.fit(...two, { batchSize: 2, epochs: 1, initialEpoch: 1 });
  t.is(stateful.predictSync(waves(4, 2, 2)).shape[0], 4);

  let fails = true;
  const kernelInitializer = (shape: readonly number[], random: RandomState) => {
    const values = random.normal(0, 1, shape as number[]) as NDArray;
    if (fails) throw new Error('once');
    return values;
  };
  const make = () => sequential({ layers: [layers.dense({ units: 2, kernelInitializer, inputShape: [3] })], seed: 4 });
  const net = make();
  t.throws(() => net.predictSync(waves(1, 3)), { message: 'once' });
  fails = false;
  t.deepEqual([...net.predictSync(waves(1, 3)).data], [...make().predictSync(waves(1, 3)).data]);
  net.pop();
  net.add(layers.dense({ units: 1 }));
  t.deepEqual(net.predictSync(waves(2, 7)).shape, [2, 1]);
});

test('a first call that was refused, and the shape of an output, bind no layer within others to their shape', async (t) => {
  const { timeDistributed, bidirectional, conv1d, lstm, dense, flatten } = layers;
  const wrapped: [Layer<any>, number[]][] = [
    [timeDistributed({ layer: conv1d({ filters: 2, kernelSize: 1 }) }), [4, 5]],
    [timeDistributed({ layer: sequential({ layers: [dense({ units: 3 })], name: 'steps' }) }), [4]],
    [bidirectional({ layer: lstm({ units: 2 }) }), [4]],
    [sequential({ layers: [dense({ units: 3 })], name: 'inner' }), [4]],
  ];
  for (const [layer, steps] of wrapped) {
    const net = sequential({ layers: [layer, flatten(), dense({ units: 1 })], seed: 1 });
    net.compile({ optimizer: 'sgd', loss: 'mse' });
    const x = (features: number) => filled(0.1, 6, ...steps, features);
    const other = layer.outputShape([...steps, 9]);
    await t.throwsAsync(net.fit(x(5), filled(1, 4, 1)), { message: /Expected y to be 6 targets/ });
    t.is(layer.countParams(), 0);
    await net.fit(x(3), filled(1, 6, 1), { epochs: 1 });
    t.deepEqual(layer.outputShape([...steps, 3]), other);
    t.throws(() => layer.outputShape([...steps, 9]), { message: /inputs/ });
    t.deepEqual((await net.predict(x(3))).shape, [6, 1]);
  }
  for (const layer of [dense({ units: 1 }), timeDistributed({ layer: dense({ units: 1 }) })])
    for (const [given, message] of [
      ['x', /^Expected inputShape to be an array of positive integers, got 'x'/],
      [[4, 0], /^Expected inputShape\[1\] to be a positive integer, got 0/],
      [[[3], 'x'], /^Expected inputShape\[1\] to be an array of positive integers, got 'x'/],
    ] as const)
      t.throws(() => layer.outputShape(given as never), { message });
  const net = sequential({ layers: [dense({ units: 2 })] });
  const out = Numbers.zeros([6, 5], 'float32');
  t.throws(() => net.predictSync(filled(1, 6, 3), { out }), { message: /Expected out to be of shape \[6, 2\]/ });
  t.deepEqual(net.predictSync(filled(1, 6, 2)).shape, [6, 2]);
});
