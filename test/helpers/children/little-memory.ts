// Work in a process with little address space (`ulimit -v`), named by its argument. Prints `done`, or the code and the
// message of what was thrown.
import { once } from 'node:events';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import {
  accuracyScore,
  KFold,
  kernels,
  layers,
  logLoss,
  meanSquaredError,
  NDArray,
  RandomState,
  sequential,
  setThreads,
  trainTestSplit,
} from 'fjordnet';
import { binding } from '../../../dist/binding.js';
import { readIdx } from '../../../dist/io/idx.js';

/** Trains and predicts with products that are OpenBLAS'. */
async function train() {
  const model = sequential({ layers: [layers.dense({ units: 400 }), layers.dense({ units: 10 })], seed: 1 });
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  const [x, y] = [NDArray.zeros([256, 200], 'float32'), NDArray.zeros([256, 10], 'float32')];
  await model.fit(x, y, { epochs: 2, batchSize: 64 });
  model.predictSync(x);
}

/**
 * Takes what address space is left, in pieces from 1 GB to 16 MB; returns what gives it back. Not as ArrayBuffers: where V8 gets no
 * memory for one it collects garbage, gives memory of its own back before, and ends the process where it does not get it again.
 */
function fill() {
  const taken: unknown[] = [];
  const nothing = { fixedSize: 0, buffers: [], scalars: [], programs: {}, report: -1 };
  for (let size = 2 ** 30; size >= 2 ** 24; ) {
    try {
      taken.push(new binding.Plan('float32', { ...nothing, rowSize: size / 4 }));
    } catch {
      size /= 2;
    }
  }
  return () => {
    taken.length = 0;
    collect();
  };
}

function collect() {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

async function outcome(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'done';
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return `${code}: ${message}`;
  }
}

const works: Record<string, () => Promise<void>> = {
  async train() {
    console.log(await outcome(train));
  },
  async threads() {
    setThreads(8);
    console.log(await outcome(() => Promise.all([train(), train(), train()])));
  },
  async workers() {
    const workers = [0, 1].map(() => new Worker(new URL(import.meta.url)));
    const answers = workers.map(async (worker) =>
      String((await Promise.race([once(worker, 'message'), once(worker, 'error')]))[0]),
    );
    console.log((await Promise.all([outcome(train), ...answers])).join('\n'));
  },
  /** A plan whose job fails for want of memory is idle afterwards, and works when there is memory again. */
  async full() {
    const w = 100;
    const plan = new binding.Plan('float32', {
      fixedSize: w * w,
      rowSize: 2 * w + 12,
      buffers: [
        { offset: 0, size: w, batched: true },
        { offset: 0, size: w * w, batched: false },
        { offset: w + 12, size: w, batched: true },
      ],
      scalars: [],
      programs: { p: [{ kernel: 'matmul', buffers: [0, 1, 2], dims: { O: w, I: w }, scalars: {} }], none: [] },
      report: -1,
    });
    const x = NDArray.zeros([1000, w], 'float32');
    const job = { program: 'p', inputs: [[0, x.data as Float32Array] as const], first: 0, count: 1000, batchSize: 100 };
    const data = new binding.Dataset('x', x.data, 1000, w, 'float32');
    const random = new RandomState(0);
    const rows = new Int32Array(200_000);
    const many = new Int32Array(10_000_000);
    const column = NDArray.from(many).reshape(-1, 1);
    const small = (loss: 'binaryCrossentropy' | 'hinge', activation: 'sigmoid' | 'linear') => {
      const model = sequential({ layers: [layers.dense({ units: 1, activation, inputShape: [1] })] });
      model.compile({ optimizer: 'sgd', loss });
      return model;
    };
    const [binary, hinge] = [small('binaryCrossentropy', 'sigmoid'), small('hinge', 'linear')];
    const free = fill();
    const attempts: Record<string, () => unknown> = {
      runSync: () => plan.runSync(job),
      run: () => plan.run({ ...job, inputs: [[0, data]] }),
      'the output': () => plan.runSync({ ...job, program: 'none', rows, outputs: [2] }),
      kernel: () =>
        kernels.matmul({ B: 1000, O: w, I: w }, [x.data, new Float32Array(w * w), new Float32Array(1000 * w)] as never),
      zeros: () => NDArray.zeros([5000, 5000]),
      randn: () => random.randn(5000, 5000),
      from: () => NDArray.from(new Array(500).fill(x.data)),
      take: () => x.take(rows),
      sampleWeight: () => binary.fit(column, many, { sampleWeight: many }),
      classWeight: () => binary.fitSync(column, many, { classWeight: { 1: 2 } }),
      targets: () => hinge.trainOnBatch(column, many),
      accuracyScore: () => accuracyScore(many, many),
      logLoss: () => logLoss(many, many, { labels: [0, 1] }),
      meanSquaredError: () => meanSquaredError(many, many, { sampleWeight: many }),
      KFold: () => [...new KFold({ nSplits: 2 }).split(many)],
      trainTestSplit: () => trainTestSplit([many], { shuffle: false }),
    };
    for (const [name, attempt] of Object.entries(attempts))
      console.log(`${name}: ${await outcome(attempt)}, busy: ${plan.busy()}`);
    free();
    for (let i = 0; i < 100 && (await outcome(() => plan.runSync(job))) !== 'done'; i++) await sleep(20); // V8 frees arrays on a thread
    console.log(await outcome(() => plan.runSync(job)));
    console.log(await outcome(train));
  },
  /** A file of bytes, which fit into the 64 MB that are left, and take four times as much as integers. */
  async file() {
    const folder = mkdtempSync(join(tmpdir(), 'fjordnet-memory-'));
    const path = join(folder, 'bytes.idx');
    const head = Buffer.from([0, 0, 8, 1, 0, 0, 0, 0]);
    head.writeUInt32BE(40 * 2 ** 20, 4);
    writeFileSync(path, head);
    truncateSync(path, 8 + 40 * 2 ** 20);
    const spare = [new ArrayBuffer(2 ** 26)];
    const free = fill();
    spare.length = 0;
    collect();
    await sleep(200); // V8 frees arrays on a thread
    console.log(await outcome(() => readIdx(path)));
    free();
    rmSync(folder, { recursive: true });
  },
};

if (isMainThread) await works[process.argv[2]]();
else parentPort!.postMessage(await outcome(train));
