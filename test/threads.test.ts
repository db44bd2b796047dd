import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { getThreads, layers, NDArray, NeuralNetwork, RandomState, sequential, setThreads } from 'fjordnet';
import { parametersOf, small } from './helpers/lecture.js';

const most = getThreads();
test.afterEach(() => setThreads(most));

const options = { epochs: 6, eta: 0.005, lmbd: 0.01 };
const bits = (network: NeuralNetwork) =>
  parametersOf(network).map(({ data }) => Buffer.from(data.buffer).toString('base64'));
const reference = bits(small(1, options).network.trainSync());

/** A network so wide that its matrix products are cut into tiles, unlike those of small(). */
function wide() {
  const random = new RandomState(8);
  const x = random.randn(600, 150);
  const y = NDArray.zeros([600, 20]);
  for (let r = 0; r < 600; r++) y.data[20 * r + random.randint(20)] = 1;
  const sizes = { nHiddenNeurons: 220, nCategories: 20, batchSize: 200 };
  return new NeuralNetwork(x, y, { ...sizes, epochs: 2, eta: 1e-3, randomState: 2 });
}

test.serial('synchronous and asynchronous training give the same bits', async (t) => {
  t.deepEqual(bits(await small(1, options).network.train()), reference);
  t.deepEqual(bits(await small(1, options).network.train({ onEpochEnd: () => {} })), reference);
  t.deepEqual(bits(small(1, options).network.trainSync({ onEpochEnd: () => {} })), reference);
  const patient = { onEpochEnd: () => new Promise((resolve) => setTimeout(resolve, 1)) };
  t.deepEqual(bits(await small(1, options).network.train(patient)), reference);
});

test.serial('any number of threads gives the same bits', async (t) => {
  setThreads(1);
  const one = wide().trainSync();
  const probabilities = one.feedForward(new RandomState(9).randn(300, 150));
  for (const threads of [1, 2, 3, 5]) {
    setThreads(threads);
    t.is(getThreads(), threads);
    const sync = wide().trainSync();
    t.deepEqual(bits(sync), bits(one), `${threads} threads, trainSync`);
    t.deepEqual(bits(await wide().train()), bits(one), `${threads} threads, train`);
    t.deepEqual(sync.feedForward(new RandomState(9).randn(300, 150)), probabilities, `${threads} threads, feedForward`);
    t.deepEqual(bits(small(1, options).network.trainSync()), reference);
  }
});

const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip;

onLinux('as many threads compute as were asked for, of which one is the caller’s own in trainSync', async (t) => {
  const running = () => readdirSync('/proc/self/task').length;
  await wide().train();
  setThreads(3);
  const before = running();
  wide().trainSync();
  t.is(running(), before + 2);
  await wide().train();
  t.is(running(), before + 3);
});

test.serial('so does a network whose batches are cut into tiles of rows', async (t) => {
  const random = new RandomState(4);
  const x = random.randn(300, 8, 8, 3);
  const y = NDArray.from(random.randint(0, 10, [300]));
  const trained = async (threads: number, sync: boolean) => {
    setThreads(threads);
    const model = sequential({
      layers: [
        layers.conv2d({ filters: 12, kernelSize: 3, padding: 'same', activation: 'relu', inputShape: [8, 8, 3] }),
        layers.maxPooling2d(),
        layers.batchNormalization(),
        layers.conv2d({ filters: 16, kernelSize: 3 }),
        layers.dropout({ rate: 0.3 }),
        layers.flatten(),
        layers.dense({ units: 60, activation: 'tanh' }),
        layers.gaussianNoise({ stddev: 0.1 }),
        layers.dense({ units: 10, activation: 'softmax' }),
      ],
      seed: 2,
    });
    const metrics = ['accuracy', 'f1Score'] as const;
    model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: [...metrics] });
    const options = { epochs: 2, batchSize: 128, validationData: [x, y] as const };
    const { history } = sync ? model.fitSync(x, y, options) : await model.fit(x, y, options);
    const numbers = [...model.getWeights().map(({ data }) => data), model.predictSync(x).data];
    return [history, numbers.map((values) => Buffer.from(values.buffer).toString('base64'))];
  };
  const one = await trained(1, true);
  for (const threads of [1, 2, 3, 5]) {
    t.deepEqual(await trained(threads, false), one, `${threads} threads, fit`);
    t.deepEqual(await trained(threads, true), one, `${threads} threads, fitSync`);
  }
});

test.serial(
  'and one whose tiles go through the same memory, as far as there are more of them than threads',
  async (t) => {
    const random = new RandomState(4);
    const x = NDArray.from(random.randn(172, 32, 32, 3), { dtype: 'float32' });
    const y = NDArray.from(random.randint(0, 10, [172]));
    const trained = async (threads: number, sync: boolean) => {
      setThreads(threads);
      const conv = { kernelSize: 3, padding: 'same', activation: 'relu' } as const;
      const model = sequential({
        layers: [
          layers.conv2d({ ...conv, filters: 12, inputShape: [32, 32, 3] }),
          layers.maxPooling2d(),
          layers.dropout({ rate: 0.3 }),
          layers.conv2d({ ...conv, filters: 5 }),
          layers.flatten(),
          layers.dense({ units: 10, activation: 'softmax' }),
        ],
        seed: 2,
      });
      model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
      const numbers: unknown[] = [];
      for (let round = 0; round < 2; round++) {
        const options = { epochs: 1, batchSize: 128, validationData: [x, y] as const };
        const { history } = sync ? model.fitSync(x, y, options) : await model.fit(x, y, options);
        const probabilities = sync
          ? model.predictSync(x, { batchSize: 128 })
          : await model.predict(x, { batchSize: 128 });
        numbers.push(history, probabilities.data, ...model.getWeights().map(({ data }) => data));
      }
      return numbers;
    };
    const apart = await trained(20, true); // more threads than tiles
    for (const threads of [1, 2, 5]) {
      t.deepEqual(await trained(threads, false), apart, `${threads} threads, fit`);
      t.deepEqual(await trained(threads, true), apart, `${threads} threads, fitSync`);
    }
  },
);

test.serial('four networks at once give the same bits as one after another', async (t) => {
  const seeds = [1, 2, 3, 4];
  const alone = seeds.map((seed) => bits(small(seed, options).network.trainSync()));
  for (const threads of [1, 2, 3]) {
    setThreads(threads);
    const networks = seeds.map((seed) => small(seed, options).network);
    const other = wide();
    const running = Promise.all([...networks, other].map((network) => network.train()));
    t.deepEqual(bits(small(1, options).network.trainSync()), alone[0], 'synchronously meanwhile');
    await running;
    t.deepEqual(networks.map(bits), alone);
    t.deepEqual(bits(other), bits(wide().trainSync()));
  }
});

test.serial('the number of threads may change between and during trainings', async (t) => {
  const running = small(1, { ...options, epochs: 6 }).network;
  const training = running.train();
  for (const threads of [3, 1, 2]) {
    setThreads(threads); // waits for the job in progress
    await new Promise(setImmediate);
  }
  await training;
  t.deepEqual(bits(running), reference);
});

test.serial('networks that share a RandomState draw all they need when they are told to train', async (t) => {
  const train = async (together: boolean) => {
    const random = new RandomState(12);
    const networks = [0, 0, 0].map(() => small(0, { ...options, randomState: random }).network);
    if (together) await Promise.all(networks.map((network) => network.train()));
    else for (const network of networks) network.trainSync();
    return networks.map(bits);
  };
  t.deepEqual(await train(true), await train(false));
});

test.serial('a Worker gives the same bits', async (t) => {
  const worker = new Worker(new URL('./helpers/children/train-in-worker.js', import.meta.url), { workerData: options });
  const meanwhile = small(1, options).network.train();
  const [[sync, async]] = await once(worker, 'message');
  t.deepEqual(sync, reference);
  t.deepEqual(async, reference);
  t.deepEqual(bits(await meanwhile), reference);
  await once(worker, 'exit');
});
