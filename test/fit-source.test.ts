import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import {
  type Callback,
  callbacks,
  data,
  input,
  type Logs,
  layers,
  type Model,
  model,
  NDArray,
  ops,
  RandomState,
  type Sequential,
  sequential,
} from 'fjordnet';
import { isEndless } from '../dist/training/source.js';

const random = new RandomState(0);
const N = 101;
const x = random.randn(N, 4);
const y = random.randint(0, 3, [N]);
const weight = random.uniform(0, 2, [N]);

function network(inputShape: number[] | undefined = [4]): Sequential {
  const net = sequential({
    layers: [
      layers.dense({ units: 16, activation: 'relu', ...(inputShape && { inputShape }) }),
      layers.dropout({ rate: 0.3 }),
      layers.batchNormalization(),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
    seed: 1,
  });
  net.compile({
    optimizer: 'adam',
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy', 'topKCategoricalAccuracy'].slice(0, 1),
  });
  return net;
}

const rowsOf = (first: number, n: number, size: number) =>
  Array.from({ length: Math.min(size, n - first) }, (_, k) => first + k);
function* batchesOf(arrays: readonly NDArray[], size: number): Generator<NDArray[]> {
  const n = arrays[0].length;
  for (let first = 0; first < n; first += size) yield arrays.map((array) => array.take(rowsOf(first, n, size)));
}
async function* slowly<B>(batches: Iterable<B>): AsyncGenerator<B> {
  for (const batch of batches) {
    await sleep(1);
    yield batch;
  }
}
const bits = (net: Model<any, any>) => net.getWeights().map(({ data }) => [...data]);
/** What callbacks are told. */
function witness() {
  const seen: [string, number, Logs?][] = [];
  const callback: Callback = {
    onEpochBegin: (epoch) => void seen.push(['epoch', epoch]),
    onBatchBegin: (batch) => void seen.push(['begin', batch]),
    onBatchEnd: (batch, logs) => void seen.push(['end', batch, { ...logs }]),
    onEpochEnd: (epoch, logs) => void seen.push(['epoch end', epoch, { ...logs }]),
    onTestEnd: (logs) => void seen.push(['test', 0, { ...logs }]),
  };
  return { seen, callback };
}

for (const [kind, make] of Object.entries({
  'a generator function': (size: number) => () => batchesOf([x, y], size),
  'an iterable': (size: number) => ({ [Symbol.iterator]: () => batchesOf([x, y], size) }),
  'a slow source': (size: number) => () => slowly(batchesOf([x, y], size)),
  'a list': (size: number) => [...batchesOf([x, y], size)],
  'a dataset': (size: number) => data.fromArrays([x, y]).batch(size),
  'a dataset that was mapped': (size: number) =>
    data
      .fromArrays([x, y])
      .map(async ([x, y]) => [x, y] as const, { concurrency: 3 })
      .batch(size)
      .prefetch(2),
}))
  test(`${kind} gives the bits of arrays`, async (t) => {
    for (const [size, epochs, watches] of [
      [16, 2, true],
      [7, 3, false],
      [200, 2, false],
      [1, 1, false],
    ] as const) {
      const [a, b] = [network(), network(size === 7 ? undefined : [4])];
      const [one, other] = [witness(), witness()];
      const rest = (callback: Callback) => (watches ? { epochs, callbacks: callback } : { epochs });
      const options = { ...rest(one.callback), batchSize: size, shuffle: false };
      const arrays = await a.fit(x, y, { ...options, validationData: [x, y] });
      const source = await b.fit(make(size) as Iterable<NDArray[]>, {
        ...rest(other.callback),
        validationData: make(size) as unknown as () => Iterable<NDArray[]>,
        ...(kind === 'a list' && { validationData: [x, y], validationBatchSize: size }),
      });
      t.deepEqual(source.history, arrays.history);
      t.deepEqual(bits(b), bits(a));
      t.deepEqual(other.seen, one.seen);
      t.is(b.iterations, a.iterations);
      // and both go on alike, as the generator is in the same state
      await a.fit(x, y, { batchSize: 8 });
      await b.fit(x, y, { batchSize: 8 });
      t.deepEqual(bits(b), bits(a));
    }
  });

test('sample weights, class weights, and batches of different sizes', async (t) => {
  const [a, b] = [network(), network()];
  const classWeight = { 0: 1, 1: 3, 2: 0.5 };
  await a.fit(x, y, { batchSize: 10, shuffle: false, sampleWeight: weight, classWeight, epochs: 2 });
  const history = await b.fit(() => batchesOf([x, y, weight], 10), { classWeight, epochs: 2 });
  t.deepEqual(bits(b), bits(a));
  t.deepEqual(
    await b.evaluate(batchesOf([x, y, weight], 10)),
    await a.evaluate(x, y, { sampleWeight: weight, batchSize: 10 }),
  );
  t.is(history.epoch.length, 2);

  // whatever their sizes, batches are steps: the same as trainOnBatch of each
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.boolean()), { minLength: 1, maxLength: 12 }),
      async (sizes) => {
        let first = 0;
        const batches = sizes.map(([size, weighted]) => {
          const rows = Array.from({ length: size }, () => first++ % N);
          return [x.take(rows), y.take(rows), ...(weighted ? [weight.take(rows)] : [])];
        });
        const [one, other] = [network(), network()];
        let sum = 0;
        for (const [x, y, sampleWeight] of batches)
          sum += one.trainOnBatch(x, y, sampleWeight && { sampleWeight }).loss * x.length;
        const { history } = await other.fit(batches);
        t.deepEqual(bits(other), bits(one));
        t.true(Math.abs(history.loss[0] - sum / first) < 1e-12 * sum);
      },
    ),
    { numRuns: 15 },
  );
});

test('several inputs and outputs, as lists and as records', async (t) => {
  const make = () => {
    const [a, b] = ['a', 'b'].map((name) => input({ shape: [4], name }));
    const h = layers.dense({ units: 8, activation: 'tanh' }).apply(ops.concat([a, b]));
    const outputs = ['p', 'q'].map((name) => layers.dense({ units: 1, name }).apply(h));
    const net = model({ inputs: [a, b], outputs, seed: 3 });
    net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    return net;
  };
  const z = random.randn(N, 4);
  const [p, q] = [random.randn(N, 1), random.randn(N, 1)];
  const [arrays, lists, records, dataset] = [make(), make(), make(), make()];
  const expected = await arrays.fit([x, z], [p, q], { batchSize: 10, shuffle: false, sampleWeight: [weight, weight] });
  const parts = () => batchesOf([x, z, p, q, weight], 10);
  const asLists = function* () {
    for (const [x, z, p, q, w] of parts())
      yield [
        [x, z],
        [p, q],
        [w, w],
      ] as const;
  };
  const asRecords = function* () {
    for (const [a, b, p, q, w] of parts())
      yield [
        { a, b },
        { p, q },
        { p: w, q: w },
      ] as const;
  };
  t.deepEqual((await lists.fit(asLists as never)).history, expected.history);
  t.deepEqual((await records.fit(asRecords as never)).history, expected.history);
  await dataset.fit(data.fromArrays([{ a: x, b: z }, [p, q], weight]).batch(10) as never);
  for (const net of [lists, records, dataset]) t.deepEqual(bits(net), bits(arrays));
  t.deepEqual(
    (await arrays.predict(asRecords as never)).map((array) => [...array.data]),
    (await arrays.predict([x, z], { batchSize: 10 })).map((array) => [...array.data]),
  );
});

test('stateful layers go on from batch to batch, and masks work', async (t) => {
  const make = (stateful: boolean) => {
    const net = sequential({
      layers: [
        layers.embedding({ inputDim: 9, outputDim: 4, maskZero: !stateful, inputShape: [5] }),
        layers.gru({ units: 3, stateful, dropout: 0.2 }),
        layers.dense({ units: 1 }),
      ],
      seed: 2,
    });
    net.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    return net;
  };
  const ids = random.randint(1, 9, [40, 5]);
  ids.data.forEach((_, i) => {
    if (i % 5 > 2 && i % 2) ids.data[i] = 0;
  });
  const target = random.randn(40, 1);
  for (const stateful of [true, false]) {
    const [a, b] = [make(stateful), make(stateful)];
    const expected = await a.fit(ids, target, { batchSize: 8, shuffle: false, epochs: 2 });
    const { history } = await b.fit(() => batchesOf([ids, target], 8), { epochs: 2 });
    t.deepEqual(history, expected.history);
    t.deepEqual(bits(b), bits(a));
    if (!stateful) continue;
    t.deepEqual([...(await b.predict(batchesOf([ids], 8))).data], [...(await a.predict(ids, { batchSize: 8 })).data]);
    const error = await t.throwsAsync(b.fit(() => batchesOf([ids, target], 9)));
    t.is(
      error?.message,
      'batch 0 of epoch 0: Expected batches of 8 samples, to which the states of the stateful layers belong (resetStates() forgets them), got 9 (number)'.replace(
        ' (number)',
        '',
      ),
    );
  }
});

test('evaluate and predict take sources, also asynchronous ones', async (t) => {
  const net = network();
  for (const make of [() => batchesOf([x, y], 10), () => slowly(batchesOf([x, y], 10))]) {
    t.deepEqual(await net.evaluate(make()), await net.evaluate(x, y, { batchSize: 10 }));
    t.deepEqual(await net.evaluate(make), await net.evaluate(x, y, { batchSize: 10 }));
    const predicted = await net.predict(make());
    t.deepEqual(predicted.shape, [N, 3]);
    t.deepEqual([...predicted.data], [...(await net.predict(x, { batchSize: 10 })).data]);
  }
  t.deepEqual(net.evaluateSync(batchesOf([x, y], 10)), net.evaluateSync(x, y, { batchSize: 10 }));
  const alone = await net.predict(data.fromArrays(x).batch(10));
  t.deepEqual([...alone.data], [...(await net.predict(x, { batchSize: 10 })).data]);
  t.is(
    (await t.throwsAsync(net.predict([][Symbol.iterator]() as never)))?.message,
    'Expected the source to give a batch, got none',
  );
  const wrong = await t.throwsAsync(net.predict([[x], [y]].values() as never));
  t.regex(wrong!.message, /^batch 1: Expected x to be an array of samples/);
  const broken = await t.throwsAsync(
    net.predict(async function* () {
      yield [x];
      throw new Error('of the disk');
    }),
  );
  t.is(broken?.message, 'batch 1: the source threw: of the disk');
  t.is((broken!.cause as Error).message, 'of the disk');
});

test('fitSync takes iterables, with the same bits, and nothing that has to be waited for', async (t) => {
  const [a, b] = [network(), network()];
  await a.fit(() => batchesOf([x, y], 10), { epochs: 2 });
  b.fitSync(() => batchesOf([x, y], 10), { epochs: 2 });
  t.deepEqual(bits(b), bits(a));
  const expected =
    /Expected the source to be an iterable that is not asynchronous for a call that waits for nothing, got /;
  for (const source of [data.fromArrays([x, y]).batch(8), () => slowly(batchesOf([x, y], 8))])
    t.regex(t.throws(() => b.fitSync(source as never))!.message, expected);
  t.regex(t.throws(() => b.fitSync([Promise.resolve([x, y])].values() as never))!.message, expected);
  t.deepEqual(bits(b), bits(a));
});

test('batchesPerEpoch: an iterator goes on where the last epoch stopped', async (t) => {
  const [a, b, c, d, e] = Array.from({ length: 5 }, () => network());
  let read = 0;
  let left = 0;
  const endless = function* () {
    try {
      for (;;)
        for (const batch of batchesOf([x, y], 10)) {
          read++;
          yield batch;
        }
    } finally {
      left++;
    }
  };
  const params: (number | undefined)[][] = [];
  let given: { steps?: number; samples?: number };
  const callback: Callback = {
    setParams: (own) => {
      given = own;
    },
    onEpochBegin: () => void params.push([given.steps, given.samples]),
  };
  const { history } = await a.fit(endless(), { epochs: 3, batchesPerEpoch: 4, callbacks: callback });
  t.is(history.loss.length, 3);
  t.deepEqual([read, left, a.iterations], [12, 1, 12]);
  t.deepEqual(params, [
    [4, undefined],
    [4, 40],
    [4, 40],
  ]);
  const twelve = [...batchesOf([x, y], 10), ...batchesOf([x, y], 10)].slice(0, 12);
  for (const [x, y] of twelve) b.trainOnBatch(x, y);
  t.deepEqual(bits(b), bits(a));
  // datasets with an end begin anew
  await c.fit(data.fromArrays([x, y]).batch(10), { epochs: 3, batchesPerEpoch: 4 });
  await d.fit(data.fromArrays([x, y]).batch(10).repeat(), { epochs: 3, batchesPerEpoch: 4 });
  t.deepEqual(bits(c), bits(d));
  t.is(c.iterations, 12);
  // a function is called for each epoch
  let calls = 0;
  await e.fit(
    () => {
      calls++;
      return batchesOf([x, y], 10);
    },
    { epochs: 3, batchesPerEpoch: 4 },
  );
  t.is(calls, 3);
});

test.serial('a generator that ends early ends the training, with a warning that names the batch', async (t) => {
  const warnings: string[] = [];
  const listen = ({ message }: Error) => void warnings.push(message);
  process.on('warning', listen);
  let ended = 0;
  const callback = { onTrainEnd: () => void ended++ };
  const one = network();
  const { history, epoch } = await one.fit(batchesOf([x, y], 10), {
    epochs: 5,
    batchesPerEpoch: 8,
    callbacks: callback,
  });
  t.deepEqual([history.loss.length, epoch, one.iterations, ended], [2, [0, 1], 11, 1]);
  const other = network();
  const again = await other.fit(slowly(batchesOf([x, y], 10)), { epochs: 5, callbacks: callback });
  t.deepEqual([again.epoch, other.iterations, ended], [[0], 11, 2]);
  await sleep(1);
  process.off('warning', listen);
  t.is(warnings.length, 2);
  t.regex(warnings[0], /^batch 3 of epoch 1: the source ran out of data of 8 batches an epoch, and training ends; /);
  t.regex(warnings[1], /^batch 0 of epoch 1: the source ran out of data, and training ends; /);
});

test('errors name the batch and the epoch, and the weights are those of the step before', async (t) => {
  const good = [...batchesOf([x, y], 10)];
  const [x0, y0] = good[0];
  const thrown = new Error('the disk is full');
  const bad: [unknown, RegExp, ErrorConstructor][] = [
    [thrown, /^batch 3 of epoch 1: the source threw: the disk is full$/, Error],
    [
      [x0],
      /^batch 3 of epoch 1: Expected the batch to be \[x, y\] or \[x, y, sampleWeight\], got Array\(1\)$/,
      TypeError,
    ],
    [3, /^batch 3 of epoch 1: Expected the batch to be .*, got 3 \(number\)$/, TypeError],
    [
      [x0.reshape(20, 2), y0],
      /^batch 3 of epoch 1: Expected x to be of shape \[n, 4\], as the network's input, got shape \[20, 2\]$/,
      RangeError,
    ],
    [
      [x0, y0.take([0])],
      /^batch 3 of epoch 1: Expected y to be 10 targets, one for each sample of x, got 1 \(number\)$/,
      RangeError,
    ],
    [
      [y0, y0],
      /^batch 3 of epoch 1: Expected x to be an array of samples, of two dimensions or more, got shape \[10\]$/,
      RangeError,
    ],
    [[x0, y0.toArray<number[]>().map(() => 3)], /^batch 3 of epoch 1: .*3/, RangeError],
    [
      [[[1, 2, 3, Number.NaN]], [0]],
      /^batch 3 of epoch 1: Expected x to hold finite numbers, got NaN at row 0, column 3$/,
      RangeError,
    ],
    [
      [[[1, 2, 3, 1e300]], [0]],
      /^batch 3 of epoch 1: Expected x to hold numbers within float32's range, got 1e\+300 at row 0, column 3$/,
      RangeError,
    ],
    [[x0, y0, [-1]], /^batch 3 of epoch 1: Expected sampleWeight to be 10 numbers/, RangeError],
  ];
  for (const [batch, message, type] of bad)
    for (const isSlow of [false, true]) {
      let [epoch, left] = [0, 0];
      const source = function* () {
        const isSecond = epoch++ === 1;
        try {
          for (const [i, own] of good.entries()) {
            if (isSecond && i === 3) {
              if (batch === thrown) throw thrown;
              yield batch as NDArray[];
            }
            yield own;
          }
        } finally {
          left++;
        }
      };
      const [net, expected] = [network(), network()];
      const error = await t.throwsAsync(net.fit(isSlow ? () => slowly(source()) : source, { epochs: 4 }));
      t.regex(error!.message, message);
      t.is(error?.constructor, type);
      t.is((error as { code?: string }).code, 'ERR_BATCH');
      if (batch === thrown) t.is(error?.cause, thrown);
      t.regex(error!.stack!, /fit-source/);
      t.deepEqual([epoch, left], [2, 2]);
      for (const [x, y] of [...good, ...good.slice(0, 3)]) expected.trainOnBatch(x, y);
      t.deepEqual(bits(net), bits(expected));
      t.false(net.busy);
    }
  const validating = await t.throwsAsync(
    network().fit(() => batchesOf([x, y], 10), { validationData: () => batchesOf([y, y], 10) as never }),
  );
  t.regex(validating!.message, /^validation batch 0 of epoch 0: Expected x /);
  const once = await t.throwsAsync(
    network().fit(() => batchesOf([x, y], 10), { epochs: 2, validationData: batchesOf([x, y], 10) }),
  );
  t.regex(
    once!.message,
    /^validation batch 0 of epoch 1: Expected the source to give a batch, got none: what a generator gives is read once/,
  );
  const none = await t.throwsAsync(network().fit(() => []));
  t.is(none?.message, 'batch 0 of epoch 0: Expected the source to give a batch, got none');
});

test('options that a source cannot have are refused before it is read', async (t) => {
  let read = 0;
  const source = function* () {
    read++;
    yield [x, y];
  };
  const refused = async (options: object) => (await t.throwsAsync(network().fit(source, options)))?.message;
  t.is(
    await refused({ validationSplit: 0.2 }),
    'Expected no validationSplit with a source: it has no last samples that could be set aside; give validationData',
  );
  t.is(
    await refused({ batchSize: 3 }),
    'Expected no batchSize with a source: the source decides how many samples a batch has',
  );
  t.regex((await refused({ shuffle: true }))!, /^Expected no shuffle with a source: /);
  t.regex((await refused({ sampleWeight: weight }))!, /^Expected no sampleWeight with a source: /);
  t.regex((await refused({ classWeight: 'balanced' }))!, /^Expected classWeight to be weights by class for a source/);
  t.regex((await refused({ batchesPerEpoch: 0 }))!, /^Expected batchesPerEpoch to be a positive integer, got 0/);
  t.regex((await refused({ batchesPerEpochs: 1 }))!, /did you mean 'batchesPerEpoch'/);
  t.regex(
    (await t.throwsAsync(network().evaluate(source, { batchSize: 3 } as never)))!.message,
    /^Expected no batchSize with a source/,
  );
  t.is(read, 0);
});

test('an abort does not wait for a slow source, and leaves it', async (t) => {
  const net = network();
  const controller = new AbortController();
  let left = 0;
  let release = () => {};
  const source = async function* () {
    try {
      yield [x, y];
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      yield [x, y];
    } finally {
      left++;
    }
  };
  setTimeout(() => controller.abort(new Error('enough')), 30);
  const error = await t.throwsAsync(net.fit(source, { epochs: 3, signal: controller.signal }));
  t.is((error as { code?: string }).code, 'ERR_ABORTED');
  t.is((error!.cause as Error).message, 'enough');
  t.is(net.iterations, 1);
  t.false(net.busy);
  release();
  await sleep(5);
  t.is(left, 1);
  for (const call of ['evaluate', 'predict'] as const) {
    const again = new AbortController();
    setTimeout(() => again.abort(), 20);
    const aborted = await t.throwsAsync(
      net[call](source as never, { signal: again.signal } as never) as Promise<unknown>,
    );
    t.is((aborted as { code?: string }).code, 'ERR_ABORTED');
  }
});

test('an abort ends a stream that waits for its next chunk', async (t) => {
  const batch = [x.take([0, 1]), y.take([0, 1])];
  const ofNode = (most: number) => {
    let n = 0;
    const stream = new Readable({ objectMode: true, read: () => n++ < most && stream.push(batch) });
    return { stream, isClosed: () => stream.destroyed };
  };
  const ofWeb = (most: number) => {
    let n = 0;
    let isCancelled = false;
    const stream = new ReadableStream({
      pull: (controller) => (n++ < most ? controller.enqueue(batch) : sleep(2 ** 30, undefined, { ref: false })),
      cancel: async () => {
        isCancelled = true;
      },
    });
    return { stream, isClosed: () => isCancelled && !stream.locked };
  };
  for (const make of [ofNode, ofWeb])
    for (const most of [0, 1, 3])
      for (const wrap of [
        (own: AsyncIterable<any>) => own,
        (own: AsyncIterable<any>) => () => own,
        (own: AsyncIterable<any>) => data.generator(() => own).map((element) => element, { concurrency: 3 }),
        (own: AsyncIterable<any>) =>
          data
            .generator(() => own)
            .shuffle(9)
            .repeat(2)
            .prefetch(2),
      ])
        for (const call of ['fit', 'evaluate', 'predict'] as const) {
          const { stream, isClosed } = make(most);
          const what = `${make.name} of ${most}, ${call}`;
          const leaving = new AbortController();
          setTimeout(() => leaving.abort(), 5);
          await t.throwsAsync(
            (network() as any)[call](wrap(stream), { signal: leaving.signal }),
            { name: 'AbortError' },
            what,
          );
          await sleep(0); // the lock is given back once the stream has cancelled
          t.true(isClosed(), what);
        }
});

test('a web stream is read to its end, and free then, and its error is that of its batch', async (t) => {
  const made = (isFaulty: boolean) => {
    const batches = batchesOf([x, y], 25);
    return new ReadableStream({
      pull(controller) {
        const { done, value } = batches.next();
        if (!done) controller.enqueue(value);
        else if (isFaulty) controller.error(new Error('cut'));
        else controller.close();
      },
    });
  };
  const stream = made(false);
  t.is((await network().predict(stream)).length, N);
  t.false(stream.locked);
  const faulty = made(true);
  await t.throwsAsync(network().fit(faulty), { message: 'batch 5 of epoch 0: the source threw: cut' });
  t.false(faulty.locked);
  t.throws(() => network().fitSync(made(false) as never), { message: /an iterable that is not asynchronous/ });
});

test('early stopping, checkpoints and the learning rate work, and the source is left', async (t) => {
  let [begun, left] = [0, 0];
  const source = function* () {
    begun++;
    try {
      yield* batchesOf([x, y], 10);
    } finally {
      left++;
    }
  };
  const [net, other] = [network(), network()];
  const options = () => ({
    epochs: 50,
    validationData: [x, y] as const,
    validationBatchSize: 10,
    callbacks: callbacks.earlyStopping({ monitor: 'val_loss', mode: 'max', patience: 2, restoreBestWeights: true }),
  });
  const { epoch } = await net.fit(source, options());
  const expected = await other.fit(x, y, { ...options(), batchSize: 10, shuffle: false });
  t.deepEqual(epoch, expected.epoch);
  t.deepEqual(bits(net), bits(other));
  t.deepEqual([begun, left], [epoch.length, epoch.length]);

  const stopping = network();
  const stop: Callback = {
    onBatchEnd(batch) {
      if (batch === 4) stopping.stopTraining = true;
    },
  };
  const { history } = await stopping.fit(source, { epochs: 3, callbacks: stop });
  t.deepEqual([history.loss.length, stopping.iterations], [1, 5]);
  t.is(begun, left);
  const failing = await t.throwsAsync(
    network().fit(source, {
      callbacks: {
        onBatchEnd() {
          throw new Error('of a callback');
        },
      },
    }),
  );
  t.is(failing?.message, 'of a callback');
  t.is(begun, left);
});

test('the next batch is read while the network learns, no more than is needed', async (t) => {
  const net = sequential({
    layers: [layers.dense({ units: 600, inputShape: [400] }), layers.dense({ units: 400 })],
    seed: 1,
  });
  net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const big = new RandomState(1).randn(800, 400);
  let [read, done, ahead] = [0, 0, 0];
  const source = async function* () {
    for (let i = 0; i < 6; i++) {
      read++;
      ahead = Math.max(ahead, read - done);
      yield [big, big];
    }
  };
  const seen: number[] = [];
  await net.fit(source, {
    callbacks: {
      onBatchEnd(batch) {
        done = batch + 1;
        seen.push(read - done);
      },
    },
  });
  t.deepEqual(seen, [1, 1, 1, 1, 1, 0]);
  t.is(ahead, 2);
});

test('generators may fill the same arrays again', async (t) => {
  const [a, b] = [network(), network()];
  await a.fit(x, y, { batchSize: 10, shuffle: false });
  await b.fit(function* () {
    const own = NDArray.zeros([10, 4], 'float32');
    const target = NDArray.zeros([10], 'int32');
    for (const [samples, targets] of batchesOf([x, y], 10)) {
      own.data.set(samples.data);
      target.data.set(targets.data);
      yield samples.length === 10 ? [own, target] : [samples, targets];
    }
  });
  t.deepEqual(bits(b), bits(a));
});
test.serial('a long stream takes no more memory than a short one, and leaves the event loop free', async (t) => {
  const net = sequential({ layers: [layers.dense({ units: 3, activation: 'softmax', inputShape: [64] })], seed: 1 });
  net.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
  const batch = [random.randn(1000, 64), random.randint(0, 3, [1000])];
  const stream = function* (n: number) {
    for (let i = 0; i < n; i++) yield batch;
  };
  let turns = 0;
  await net.fit(() => stream(200));
  const before = process.memoryUsage().rss;
  const timer = setInterval(() => turns++, 1);
  await net.fit(() => stream(1000)); // half a gigabyte, and half of it in float32
  clearInterval(timer);
  const grown = process.memoryUsage().rss - before;
  t.true(grown < 200e6, `${grown} bytes`);
  t.true(turns > 20, `${turns} turns`);
  t.is(net.iterations, 1200);
});

test('a progress bar tells how many batches there were while nobody knows how many there are', (t) => {
  const draw = (params: { steps?: number; samples?: number }) => {
    let text = '';
    const write = (part: string) => {
      text += part;
    };
    const stream = { isTTY: true, columns: 100, write };
    const bar = callbacks.progressBar({ stream: stream as never });
    bar.setParams?.({ epochs: 2, initialEpoch: 0, verbose: 1, metrics: [], ...params });
    bar.onTrainBegin?.();
    bar.onEpochBegin?.(0);
    bar.onProgress?.(7, { loss: 1 });
    return text.replace('\r\x1b[K', '').replace(/[\d,]+ (\w+\/s)/, 'n $1');
  };
  t.is(draw({}), 'Epoch 1/2 - 7 batches - n batches/s - loss: 1.0000');
  t.regex(draw({ steps: 10 }), /^Epoch 1\/2 ━+╌+ {2}70% - ETA 0s - n batches\/s - loss: 1\.0000$/);
  t.regex(draw({ steps: 10, samples: 95 }), /^Epoch 1\/2 ━+╌+ {2}70% - ETA 0s - n samples\/s - loss: 1\.0000$/);
});

test('sources of plain numbers need no types of their own', async (t) => {
  const net = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })], seed: 1 });
  net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  function* batches() {
    const [a, b] = [
      [
        [0, 1],
        [2, 3],
      ],
      [1, 5],
    ];
    yield [a, b];
  }
  await net.fit(batches);
  await net.fit(batches());
  await net.fit(batches as never, undefined as never, { epochs: 2 });
  await net.fit([
    [
      [
        [0, 1],
        [2, 3],
      ],
      [1, 5],
    ],
  ]);
  await net.fit(
    data
      .fromArrays([
        [
          [0, 1],
          [2, 3],
        ],
        [1, 5],
      ])
      .batch(2),
    { epochs: 2 },
  );
  await net.fit(data.generator(batches));
  await net.fit(
    data
      .fromArrays([
        [
          [0, 1],
          [2, 3],
        ],
        [1, 5],
      ])
      .map(([x, y]) => [x, 2 * y] as const)
      .batch(2),
  );
  t.is(net.iterations, 9);
  t.is((await net.predict(batches)).shape[0], 2);
});

test('what a source does when it is left is waited for, and does not hide an error', async (t) => {
  let isClosed = false;
  const source = (error?: Error) =>
    async function* () {
      try {
        for (;;) yield [x, y];
      } finally {
        await sleep(20);
        isClosed = true;
        await (error && Promise.reject(error));
      }
    };
  const net = network();
  const stop: Callback = {
    onBatchEnd: () => {
      net.stopTraining = true;
    },
  };
  await net.fit(source(), { callbacks: stop });
  t.true(isClosed);
  const closing = new Error('of closing');
  t.is(await t.throwsAsync(net.fit(source(closing), { callbacks: stop })), closing);
  const failing: Callback = {
    onBatchEnd() {
      throw new Error('of a callback');
    },
  };
  isClosed = false;
  t.is((await t.throwsAsync(net.fit(source(closing), { callbacks: failing })))?.message, 'of a callback');
  t.true(isClosed);
});

test('an option that there is not is told of behind a list of batches, too', async (t) => {
  const batches = [...batchesOf([x, y], 10)] as any;
  const refused = (attempt: Promise<unknown>, name: string) =>
    t.throwsAsync(attempt, { message: new RegExp(`^Expected options to have no option '${name}'`) });
  await refused(network().fit(batches, { epohcs: 2 } as object), 'epohcs');
  await refused(network().evaluate(batches, { batches: 2 } as object), 'batches');
});

test('a dataset that is repeated without an end is refused where it would be read to its end', async (t) => {
  const net = network();
  const samples = () => data.fromArrays([x, y]);
  const withoutEnd = [
    samples().batch(10).repeat(),
    samples().repeat().shuffle(10, 1).batch(10).prefetch(2),
    samples()
      .repeat()
      .filter(() => true)
      .map((sample) => sample)
      .skip(1)
      .shard(2, 0)
      .cache()
      .batch(10),
    samples().repeat().batch(10).repeat(2),
  ];
  for (const source of withoutEnd) {
    await t.throwsAsync(net.fit(source), {
      instanceOf: RangeError,
      message: 'Expected batchesPerEpoch with a dataset of repeat(), which has no end, got undefined',
    });
    const message = (name: string) =>
      `Expected ${name} to have an end, got a dataset of repeat(), which has none: take(n) gives one`;
    await t.throwsAsync(net.fit(x, y, { validationData: source }), { message: message('validationData') });
    await t.throwsAsync(net.evaluate(source), { message: message('the source') });
    await t.throwsAsync(net.predict(source), { message: message('the source') });
    const ended = source.take(2);
    await net.fit(source, { batchesPerEpoch: 2, validationData: ended });
    await net.fit(ended, { validationData: ended });
    t.is((await net.predict(ended)).shape[0], 20);
  }
  for (const ending of [samples().repeat().repeat(0), samples().repeat().take(3), samples().repeat(3)])
    t.false(isEndless(ending));
});

test('a list of batches that is taken for samples is told how it is given', async (t) => {
  const net = network();
  const lists = [
    [...batchesOf([x, y], 60)],
    [...batchesOf([x, y], 60)].map((batch) => batch.map((one) => one.toArray())),
  ];
  for (const batches of lists as any[]) {
    const hint = {
      message: /^Expected x\[.*; a network's predict\(\(\) => batches\) takes a list of batches$/,
    };
    await t.throwsAsync(net.predict(batches), hint);
    t.throws(() => net.predictSync(batches), hint);
    t.is((await net.predict(() => batches)).length, N);
    await t.throwsAsync(net.fit(x, y, { validationData: batches }), {
      message: /^Expected validationData\[0\].*; a list of batches is given as \(\) => batches$/,
    });
    await net.fit(x, y, { validationData: () => batches });
    await t.throwsAsync(net.predict(batches, { batchSize: 0 }), { message: /got 0 \(number\)$/ });
  }
  // samples of two steps, which are no batches
  await t.throwsAsync(
    net.predict([
      [[1], [2]],
      [[3], [4]],
    ]),
    { message: /got shape \[2, 2, 1\]$/ },
  );
  await t.throwsAsync(net.predict([[1, 2], [3]] as never), { message: /to be an array of length 2.*got Array\(1\)$/ });
});

test('a dataset of samples, of which no batches were made, is told what makes them', async (t) => {
  const samples = data.fromArrays([x, y]);
  const wrong = data.fromArrays([x.reshape(-1, 2), random.randint(0, 3, [2 * N])]).batch(10);
  const hint = /; batch\(n\) makes batches of the samples of a dataset$/;
  const net = network();
  for (const source of [samples, samples.map((sample) => sample).take(5), samples.shuffle(9, 1).repeat(2)])
    await t.throwsAsync(net.fit(source), { code: 'ERR_BATCH', message: hint });
  await t.throwsAsync(net.evaluate(samples), { code: 'ERR_BATCH', message: hint });
  await t.throwsAsync(net.predict(samples), { code: 'ERR_BATCH', message: hint });
  await t.throwsAsync(net.fit(x, y, { validationData: samples }), { code: 'ERR_BATCH', message: hint });
  for (const source of [wrong, wrong.take(3), data.generator(() => [[[1, 2], 3]])])
    await t.throwsAsync(net.fit(source as never), { code: 'ERR_BATCH', message: /got .*[^t]$/ });
});
