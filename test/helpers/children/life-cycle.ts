// One way for a process to end while networks train, named by its first argument; the second is how many milliseconds
// after its start, where that matters. Prints what it has seen.
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { layers, NDArray, sequential, setThreads } from 'fjordnet';
import { small } from '../lecture.js';

const endless = () => small(0, { epochs: 10_000_000 }).network;

/** Trains a network whose products are OpenBLAS', for as long as it can. */
function large() {
  const network = sequential({ layers: [layers.dense({ units: 1500 }), layers.dense({ units: 1500 })], seed: 0 });
  network.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const x = NDArray.from(new Float32Array(1000 * 64), { shape: [1000, 64] });
  const y = NDArray.from(new Float32Array(1000 * 1500), { shape: [1000, 1500] });
  return network.fit(x, y, { batchSize: 1000, epochs: 10_000 });
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const moment = (ms: number) => sleep(Number(process.argv[3] ?? ms));

/** Two Workers with two networks each, in training. */
async function workers(): Promise<Worker[]> {
  const started = [0, 1].map(() => new Worker(new URL(import.meta.url)));
  await Promise.all(started.map((worker) => once(worker, 'message')));
  return started;
}

const ends: Record<string, () => Promise<void>> = {
  // A Worker is terminated in the middle of a job; the other one, the main thread and new Workers go on.
  async terminate() {
    for (let round = 0; round < 5; round++) {
      const [first, second] = await workers();
      const own = small(1, { epochs: 30 }).network.train();
      console.log('terminated', await first.terminate());
      await own;
      await second.terminate();
    }
    small(1).network.trainSync();
    console.log('trained');
  },
  // The same while a Worker trains synchronously.
  async 'terminate-sync'() {
    const worker = new Worker(new URL(import.meta.url), { argv: ['sync'] });
    await once(worker, 'message');
    await sleep(20);
    await worker.terminate();
    console.log('terminated');
  },
  async exit() {
    void endless().train();
    void endless().train();
    await moment(50);
    console.log('exiting');
    process.exit(0);
  },
  // OpenBLAS unmaps its buffers in an exit handler.
  async 'exit-in-products'() {
    void large();
    void large();
    await moment(300);
    process.exit(0);
  },
  async 'exit-in-worker'() {
    const [worker] = await workers();
    await moment(0);
    worker.postMessage('exit');
    console.log('worker', (await once(worker, 'exit'))[0]);
    process.exit(0);
  },
  // An environment is unloaded while another one trains, and the process ends meanwhile.
  async 'exit-beside-worker'() {
    const [first] = await workers();
    void endless().train();
    void large();
    void first.terminate();
    await moment(10);
    process.exit(0);
  },
  async throw() {
    void endless().train();
    await moment(50);
    throw new Error('uncaught');
  },
  async natural() {
    for (const network of [small(0), small(1)]) void network.network.train().then(() => console.log('trained'));
  },
  async 'exit-at-once'() {
    setThreads(3);
    void endless().train();
    process.exit(0);
  },
  // Many Workers start, train a little and end by themselves.
  async 'many-workers'() {
    for (let round = 0; round < 3; round++) {
      const short = Array.from({ length: 4 }, () => new Worker(new URL(import.meta.url), { argv: ['short'] }));
      const codes = await Promise.all(short.map(async (worker) => (await once(worker, 'exit'))[0]));
      console.log('ended', codes.join());
    }
  },
};

if (isMainThread) {
  await ends[process.argv[2]]();
} else if (process.argv[2] === 'sync') {
  parentPort!.postMessage('training');
  endless().trainSync();
} else if (process.argv[2] === 'short') {
  await small(3).network.train();
} else if (process.argv[2] === 'large') {
  void large();
  void large();
  parentPort!.postMessage('training');
} else {
  void endless().train();
  void endless().train();
  await sleep(30);
  parentPort!.on('message', () => process.exit(3));
  parentPort!.postMessage('training');
}
