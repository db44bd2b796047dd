// Epochs that no callback watches are computed in jobs of several: nothing but the time they take may tell.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {
  type Callback,
  History,
  layers,
  optimizers,
  RandomState,
  regularizers,
  type Schedule,
  Sequential,
  schedules,
  sequential,
} from 'fjordnet';
import { Plan } from '../dist/plan.js';

const folder = mkdtempSync(join(tmpdir(), 'fjordnet-epochs-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const [x, y] = [new RandomState(0).randn(60, 4), new RandomState(1).randn(60, 2)];
const watching: Callback = { onEpochEnd() {} };

interface Made {
  dropout?: boolean;
  normalized?: boolean;
  penalty?: number;
  learningRate?: number | Schedule;
}
const DECAY = schedules.inverseTimeDecay({ initialLearningRate: 0.1, decaySteps: 3, decayRate: 1 });
function compiled({ dropout = false, normalized = false, penalty = 0, learningRate = DECAY }: Made = {}): Sequential {
  const kernelRegularizer = penalty > 0 ? regularizers.l1l2({ l1: penalty / 3, l2: penalty }) : undefined;
  const model = sequential({
    layers: [
      layers.dense({ units: 5, activation: 'tanh', inputShape: [4], kernelRegularizer }),
      ...(normalized ? [layers.batchNormalization()] : []),
      ...(dropout ? [layers.dropout({ rate: 0.3 })] : []),
      layers.dense({ units: 2, kernelRegularizer }),
    ],
    dtype: 'float64',
    seed: 1,
  });
  model.compile({
    optimizer: optimizers.adam({ learningRate }),
    loss: 'meanSquaredError',
    metrics: ['meanAbsoluteError'],
  });
  return model;
}
const weightsOf = (model: Sequential) => model.getWeights().map((w) => Array.from(w.data));
/** Weights and history, and what a later training comes to: the generator goes on from the same state. */
const seen = async (model: Sequential, { epoch, history }: History) => ({
  ...{ epoch, history, weights: weightsOf(model), iterations: model.iterations },
  next: (await model.fit(x, y, { batchSize: 9, callbacks: watching })).history,
});

const ANY = {
  rows: fc.integer({ min: 1, max: 60 }),
  batchSize: fc.integer({ min: 1, max: 70 }),
  epochs: fc.integer({ min: 0, max: 70 }),
  initialEpoch: fc.integer({ min: 0, max: 3 }),
  shuffle: fc.boolean(),
  dropout: fc.boolean(),
  normalized: fc.boolean(),
  penalty: fc.constantFrom(0, 0.01),
  sync: fc.boolean(),
};

test.serial('history, weights and generator are the same to the bit, watched or not', (t) =>
  fc
    .assert(
      fc.asyncProperty(fc.record(ANY), async ({ rows, sync, dropout, normalized, penalty, ...options }) => {
        const [ofX, ofY] = [x, y].map((all) => all.take(Array.from({ length: rows }, (_, i) => i)));
        const train = async (callbacks: Callback[]) => {
          const model = compiled({ dropout, normalized, penalty });
          const given = { ...options, initialEpoch: Math.min(options.initialEpoch, options.epochs), callbacks };
          return seen(model, sync ? model.fitSync(ofX, ofY, given) : await model.fit(ofX, ofY, given));
        };
        t.deepEqual(await train([]), await train([watching]));
      }),
      { numRuns: 60, seed: 1 },
    )
    .then(() => t.pass()),
);

test.serial('jobs of an unwatched training hold several epochs', (t) => {
  const jobsOf = (callbacks: Callback[], learningRate?: number | Schedule) => {
    const { runSync } = Plan.prototype;
    let jobs = 0;
    Plan.prototype.runSync = function (job) {
      jobs++;
      return runSync.call(this, job);
    };
    try {
      compiled({ learningRate }).fitSync(x, y, { batchSize: 60, epochs: 500, callbacks });
    } finally {
      Plan.prototype.runSync = runSync;
    }
    return jobs;
  };
  t.is(jobsOf([watching]), 500);
  const own = ((step: number) => 0.1 / (1 + step)) as Schedule; // which a function is as it is
  t.is(jobsOf([], own), 500);
  t.is(jobsOf([], schedules.warmup({ learningRate: own, warmupSteps: 3 })), 500);
  const circular = { name: 'warmup', learningRate: {} };
  circular.learningRate = circular;
  t.is(jobsOf([], Object.assign(() => 0.1, { config: circular }) as unknown as Schedule), 500);
  const jobs = jobsOf([]);
  t.true(jobs < 250, `${jobs} jobs`);
});

test('a History that does more is told of each epoch as it ends', async (t) => {
  const model = compiled();
  class Stopping extends History {
    override onEpochEnd(epoch: number, logs: Record<string, number>): void {
      super.onEpochEnd(epoch, logs);
      model.stopTraining = epoch === 2;
    }
  }
  const { epoch } = await model.fit(x, y, { batchSize: 60, epochs: 500, callbacks: new Stopping() });
  t.deepEqual([epoch, model.iterations], [[0, 1, 2], 3]);
});

/** The same training, stopped by a callback after so many batches. */
function stoppedAfter(iterations: number, shuffle = true): Sequential {
  const model = compiled();
  const stop: Callback = {
    onBatchEnd() {
      model.stopTraining = model.iterations === iterations;
    },
  };
  model.fitSync(x, y, { batchSize: 7, epochs: 1_000_000, shuffle, callbacks: stop });
  return model;
}

for (const shuffle of [true, false])
  test.serial(
    `an abort in a job of several epochs leaves what a stop after the same batch leaves, shuffle ${shuffle}`,
    async (t) => {
      for (let i = 0; i < 6; i++) {
        const aborted = compiled();
        const signal = AbortSignal.timeout(2 + 5 * i);
        const options = { batchSize: 7, epochs: 1_000_000, shuffle, signal };
        await t.throwsAsync(aborted.fit(x, y, options), { code: 'ERR_ABORTED' });
        if (aborted.iterations === 0) continue; // on a machine that did something else meanwhile
        const stopped = stoppedAfter(aborted.iterations, shuffle);
        const rest = { batchSize: 7, epochs: 2 };
        t.deepEqual(
          await seen(aborted, await aborted.fit(x, y, rest)),
          await seen(stopped, await stopped.fit(x, y, rest)),
        );
      }
      t.pass();
    },
  );

test.serial('a file that is written during an unwatched training goes on with the same bits', async (t) => {
  const model = compiled();
  const controller = new AbortController();
  const training = model.fit(x, y, { batchSize: 7, epochs: 1_000_000, signal: controller.signal });
  const path = join(folder, 'during.safetensors');
  await new Promise((resolve) => setTimeout(resolve, 30));
  await model.save(path);
  controller.abort();
  await t.throwsAsync(training, { code: 'ERR_ABORTED' });

  const loaded = await Sequential.load(path);
  t.true(loaded.iterations > 0);
  const stopped = stoppedAfter(loaded.iterations);
  t.deepEqual(weightsOf(loaded), weightsOf(stopped));
  const rest = { batchSize: 7, epochs: 3 };
  t.deepEqual(await seen(loaded, await loaded.fit(x, y, rest)), await seen(stopped, await stopped.fit(x, y, rest)));
});

test.serial(
  'stopTraining ends an unwatched training after the job in progress, with the history of its epochs',
  async (t) => {
    const model = compiled();
    const training = model.fit(x, y, { batchSize: 7, epochs: 1_000_000 });
    const timer = setInterval(() => {
      model.stopTraining = model.iterations > 9;
    }, 1);
    const { epoch, history } = await training;
    clearInterval(timer);
    t.is(epoch.length, Math.ceil(model.iterations / 9));
    t.true(epoch.length > 1);
    t.deepEqual(
      epoch,
      epoch.map((_, i) => i),
    );
    t.is(history.loss.length, epoch.length);
  },
);
