import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  callbacks,
  layers,
  type NDArray,
  NeuralNetwork,
  RandomState,
  Sequential,
  sequential,
  toCategorical,
} from 'fjordnet';

const N = 96;
const BATCH = 8;
const x = new RandomState(1).randn(N, 6);
const y = new RandomState(2).randn(N, 2);

/** A network with all there is to save: weights, statistics, optimizer state, a schedule of steps, a generator that is drawn from. */
function make(): Sequential {
  const model = sequential({
    seed: 4,
    layers: [
      layers.dense({ units: 24, activation: 'tanh', inputShape: [6] }),
      layers.batchNormalization(),
      layers.dropout({ rate: 0.3 }),
      layers.dense({ units: 2 }),
    ],
  });
  model.compile({ optimizer: 'nadam', loss: 'mse' });
  return model;
}

const bits = (arrays: readonly NDArray[]) =>
  arrays.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex')).join();

/** The weights after each update of a synchronous run, batch by batch. */
function record(epochs: number, shuffle: boolean) {
  const model = make();
  model.build([6]);
  const states = [bits(model.getWeights())];
  const onBatchEnd = () => void states.push(bits(model.getWeights()));
  model.fitSync(x, y, { batchSize: BATCH, epochs, shuffle, callbacks: { onBatchEnd } });
  return states;
}

/** Keeps the main thread from hearing of a job's end. */
function work(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

/** Leaves the event loop a turn now and then, so that training lasts for several of them on any machine. */
const pauses = {
  onEpochEnd: (epoch: number) => (epoch % 4 === 3 ? new Promise<void>((resolve) => setTimeout(resolve, 1)) : undefined),
};

function folder(t: { teardown(fn: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'fjordnet-save-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

test('a file saved at any moment of fit is of one moment, and training goes on from it with the same bits', async (t) => {
  const epochs = 60;
  const batches = N / BATCH;
  const expected = record(epochs, false);
  const home = folder(t);
  const random = new RandomState(7);
  const model = make();
  model.build([6]);
  const fitting = model.fit(x, y, { batchSize: BATCH, epochs, shuffle: false, callbacks: pauses });
  let over = false;
  void fitting.then(() => (over = true));
  const saved: string[] = [];
  const saves: Promise<void>[] = [];
  while (!over) {
    const path = join(home, `${saved.length}.safetensors`);
    saved.push(path);
    saves.push(model.save(path));
    work(random.uniform(0, 3) as number);
    await new Promise((resolve) => setTimeout(resolve, random.uniform(0, 2) as number));
  }
  await Promise.all(saves);
  await fitting;
  t.is(bits(model.getWeights()), expected[epochs * batches]);

  const moments = new Set<number>();
  for (const path of saved) {
    const loaded = await Sequential.load(path);
    const { iterations } = loaded;
    moments.add(iterations);
    t.is(bits(loaded.getWeights()), expected[iterations], `${iterations} updates`);
    // the rest of the epoch it was saved in, then the epochs after it
    const rest = (iterations % batches) * BATCH;
    const part = (array: NDArray) => array.take(Array.from({ length: N - rest }, (_, i) => rest + i));
    let initialEpoch = Math.floor(iterations / batches);
    if (rest > 0) {
      loaded.fitSync(part(x), part(y), { batchSize: BATCH, shuffle: false });
      initialEpoch++;
    }
    loaded.fitSync(x, y, { batchSize: BATCH, shuffle: false, initialEpoch, epochs });
    t.is(bits(loaded.getWeights()), expected[epochs * batches], `resumed after ${iterations} updates`);
  }
  t.true(moments.size > 2, `${[...moments]}`);
});

test('weights read during fit are all of one moment', async (t) => {
  const epochs = 60;
  const states = new Set(record(epochs, true));
  const model = make();
  model.build([6]);
  const fitting = model.fit(x, y, { batchSize: BATCH, epochs, callbacks: pauses });
  let over = false;
  void fitting.then(() => (over = true));
  const seen = new Set<string>();
  while (!over) {
    for (let i = 0; i < 3; i++) {
      const now = bits(model.getWeights());
      t.true(states.has(now));
      seen.add(now);
    }
    work(1);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  t.true(seen.size > 2);
});

test('a checkpoint of every third batch holds that batch’s weights and count', async (t) => {
  const expected = record(2, true);
  const home = folder(t);
  const filepath = join(home, '{epoch}-{batch}.safetensors');
  await make().fit(x, y, {
    batchSize: BATCH,
    epochs: 2,
    callbacks: callbacks.modelCheckpoint({ filepath, saveFreq: 3 }),
  });
  for (const epoch of [1, 2])
    for (const batch of [3, 6, 9, 12]) {
      const loaded = await Sequential.load(join(home, `${epoch}-${batch}.safetensors`));
      t.is(loaded.iterations, 12 * (epoch - 1) + batch);
      t.is(bits(loaded.getWeights()), expected[loaded.iterations]);
    }
});

test('after an abort weights, count and generator are those after the last finished batch', async (t) => {
  const epochs = 400;
  const expected = record(epochs, false);
  for (const delay of [0, 1, 4]) {
    const model = make();
    model.build([6]);
    const controller = new AbortController();
    const run = model.fit(x, y, { batchSize: BATCH, epochs, shuffle: false, signal: controller.signal });
    setTimeout(() => controller.abort(), delay);
    await t.throwsAsync(run, { code: 'ERR_ABORTED' });
    const { iterations } = model;
    t.is(bits(model.getWeights()), expected[iterations]);
    const at = (iterations % (N / BATCH)) * BATCH;
    const next = Array.from({ length: BATCH }, (_, i) => at + i);
    model.trainOnBatch(x.take(next), y.take(next));
    t.is(bits(model.getWeights()), expected[iterations + 1], `${iterations} updates`);
  }
});

test('weights are set between two batches, or refused', async (t) => {
  const model = make();
  model.build([6]);
  const first = model.getWeights();
  const refused = { code: 'ERR_BUSY', message: /between two batches.* in a callback of fit/ };
  const fitting = model.fit(x, y, {
    epochs: 3,
    callbacks: { onEpochEnd: (epoch) => (epoch === 1 ? model.setWeights(first) : undefined) },
  });
  t.throws(() => model.setWeights(first), refused);
  t.throws(() => model.compile({ optimizer: 'sgd', loss: 'mse' }), { code: 'ERR_BUSY' });
  t.throws(() => model.add(layers.dense({ units: 1 })), { code: 'ERR_BUSY' });
  await fitting;
  const before = model.predictSync(x);
  const predicting = model.predict(x);
  model.setWeights(first);
  t.deepEqual(await predicting, before);
  model.setWeights(first);
  t.is(bits(model.getWeights()), bits(first));

  const twin = make();
  const last = { onEpochEnd: () => twin.setWeights(first) };
  twin.fitSync(x, y, { epochs: 2, callbacks: last });
  t.is(bits(twin.getWeights()), bits(first));
});

test('weights that are not finite can be read and put back', (t) => {
  const model = make();
  model.build([6]);
  const weights = model.getWeights();
  weights[0].data.fill(Number.NaN);
  weights[1].data.fill(Number.NEGATIVE_INFINITY);
  model.setWeights(weights);
  t.is(bits(model.getWeights()), bits(weights));
});

test('predictSync and evaluateSync work in callbacks, and change no bit of the training', async (t) => {
  const plain = make();
  const history = plain.fitSync(x, y, { batchSize: BATCH, epochs: 3, validationSplit: 0.25 }).history;
  const model = make();
  const seen: number[] = [];
  const look = () => {
    seen.push(model.predictSync(x.take([3])).data[0], model.evaluateSync(x, y, { batchSize: 50 }).loss);
  };
  const watching = {
    onTrainBegin: look,
    onBatchEnd: look,
    onProgress: look,
    onEpochEnd: async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      look();
    },
    onTrainEnd: look,
  };
  const watched = await model.fit(x, y, { batchSize: BATCH, epochs: 3, validationSplit: 0.25, callbacks: watching });
  t.is(bits(model.getWeights()), bits(plain.getWeights()));
  t.deepEqual(watched.history, history);
  t.true(new Set(seen).size > 20 && seen.every(Number.isFinite));
  const sync = make();
  sync.fitSync(x, y, {
    batchSize: BATCH,
    epochs: 3,
    validationSplit: 0.25,
    callbacks: { onBatchEnd: () => void sync.predictSync(x) },
  });
  t.is(bits(sync.getWeights()), bits(plain.getWeights()));
});

test('a second fit or evaluate in a callback, or beside a fit, is refused with what to do instead', async (t) => {
  const model = make();
  const busy = { code: 'ERR_BUSY', message: /predictSync or evaluateSync in its callbacks/ };
  const onEpochEnd = async () => {
    await t.throwsAsync(model.evaluate(x, y), busy);
    t.throws(() => model.trainOnBatch(x, y), busy);
  };
  const fitting = model.fit(x, y, { callbacks: { onEpochEnd } });
  t.throws(() => model.predictSync(x), busy);
  await fitting;
});

test('the parameters of a NeuralNetwork in training are all of one moment', async (t) => {
  // an epoch is one batch; so many that a fast machine does not end before the second look
  const options = { nHiddenNeurons: 8, nCategories: 3, epochs: 15_000, batchSize: 50, eta: 0.01, randomState: 3 };
  const labels = toCategorical(Int32Array.from({ length: N }, (_, i) => i % 3));
  const all = ({ hiddenWeights, hiddenBias, outputWeights, outputBias }: NeuralNetwork) =>
    bits([hiddenWeights, hiddenBias, outputWeights, outputBias]);
  const twin = new NeuralNetwork(x, labels, options);
  const states = new Set([all(twin)]);
  twin.trainSync({ onEpochEnd: () => void states.add(all(twin)) });

  const network = new NeuralNetwork(x, labels, options);
  let over = false;
  const training = network.train().then(() => (over = true));
  const seen = new Set<string>();
  while (!over) {
    const { hiddenWeights, hiddenBias } = network;
    work(2); // the job may end here
    const { outputWeights, outputBias } = network;
    const now = bits([hiddenWeights, hiddenBias, outputWeights, outputBias]);
    t.true(states.has(now));
    seen.add(now);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await training;
  t.true(seen.size > 1);
  t.is(all(network), all(twin));
});
