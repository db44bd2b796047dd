// One rank of a job of test/distributed.test.ts. Its arguments: a mark to find it by, what to do, and what that takes. Prints lines of JSON.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildInfo,
  type Callback,
  callbacks,
  custom,
  layers,
  NDArray,
  ops,
  optimizers,
  RandomState,
  type Schedule,
  Sequential,
  schedules,
} from 'fjordnet';
import { mpi } from 'fjordnet/mpi';
import { Tape } from '../../../dist/tape.js';
import { cases } from '../ranks-cases.js';
import { overlapCases } from '../ranks-overlap.js';

const [, , , how, ...args] = process.argv;
const world = await mpi.init({ timeout: 60_000 });
const { rank } = world;
/** What each rank says is printed by rank 0: lines of several processes are not kept apart. */
async function say(value: object): Promise<void> {
  for (const line of (await world.gather({ rank, ...value })) ?? []) process.stdout.write(`${JSON.stringify(line)}\n`);
}
const lists = (arrays: readonly NDArray[]) => arrays.map(({ data }) => Array.from(data));

const random = new RandomState(how === 'other samples' ? rank : 3);
const n = 300;
const x = random.normal(0, 1, [n, 6]);
const y = random.normal(0, 1, [n, 1]);

function network(seed: number | undefined, inner = layers.dense({ units: 30, activation: 'relu' })): Sequential {
  const made = new Sequential({
    layers: [layers.dense({ units: 8, inputShape: [6] }), inner, layers.dense({ units: 1 })],
    ...{ dtype: 'float64', ...(seed !== undefined && { seed }) },
  });
  made.compile({ optimizer: optimizers.adam(), loss: 'meanSquaredError' });
  return made;
}
const state = (trained: Sequential) => ({ weights: lists(trained.getWeights()), iterations: trained.iterations });

/** What each rank says of a training that one of them ends. */
const ends: Record<
  string,
  (own: { callbacks: Callback[]; [option: string]: unknown }, trained: Sequential) => unknown
> = {
  'an epoch’s callback throws': ({ callbacks }) =>
    callbacks.push({
      onEpochEnd(epoch) {
        if (epoch === 3) throw new Error('the disk is full');
      },
    }),
  'a batch’s callback throws': ({ callbacks }) =>
    callbacks.push({
      onBatchEnd(batch) {
        if (batch === 7) throw new Error('no more batches');
      },
    }),
  'the last callback throws': (own) => {
    own.callbacks.push({
      onTrainEnd() {
        throw new Error('at the end');
      },
    });
  },
  abort: (own) => {
    own.signal = AbortSignal.timeout(300);
  },
  'stopTraining in a batch': ({ callbacks }, trained) =>
    callbacks.push({
      onBatchEnd(batch) {
        if (batch === 7) trained.stopTraining = true;
      },
    }),
  'stopTraining at the beginning': ({ callbacks }, trained) =>
    callbacks.push({
      onTrainBegin() {
        trained.stopTraining = true;
      },
    }),
  'stopTraining while ranks agree': ({ callbacks }, trained) =>
    callbacks.push({
      onEpochEnd(epoch) {
        if (epoch === 2)
          setImmediate(() => {
            trained.stopTraining = true;
          });
      },
    }),
  'another batchSize': (own) => {
    own.batchSize = 5;
  },
  'a batchSize that is none': (own) => {
    own.batchSize = -1;
  },
};

const tasks: Record<string, () => Promise<void>> = {
  /** All cases, in a batch of 8 rows a rank. args: dtypes */
  async cases() {
    for (const dtype of args as ('float64' | 'float32')[])
      for (const [name, train] of Object.entries(cases)) {
        const { history, weights } = await train(dtype, 8, { distributed: world });
        if (rank === 0) console.log(JSON.stringify({ name, dtype, history, weights: lists(weights) }));
      }
  },

  /** A training together, and one of each rank alone. */
  async 'other instructions'() {
    const [together, alone] = [network(1), network(1)];
    for (const [trained, options] of [
      [together, { distributed: world }],
      [alone, {}],
    ] as const)
      await trained.fit(x, y, { batchSize: 16, epochs: 6, shuffle: false, ...options });
    await say({ simd: buildInfo().simd, together: state(together), alone: state(alone) });
  },

  /** Twice with overlapped sums, for equal bits, and once fused. */
  async overlap() {
    for (const [name, train] of Object.entries(overlapCases)) {
      const runs = [];
      for (const overlap of [true, true, false]) {
        const { history, weights } = await train(8, { distributed: world, overlap });
        runs.push({ history, weights: lists(weights) });
      }
      await say({ name, runs });
    }
  },

  /** Rank 1 aborts; and calls without overlap. */
  async 'overlap ends'() {
    for (const [name, own] of Object.entries({
      abort: { signal: rank === 1 ? AbortSignal.timeout(300) : undefined, overlap: true },
      alone: { overlap: rank !== 1 },
    })) {
      const trained = network(1, layers.dense({ units: 8000 }));
      try {
        await trained.fit(x, y, { epochs: 100_000, batchSize: 4, distributed: world, ...own });
      } catch (error) {
        const { code, message } = error as Error & { code?: string };
        await say({ name, code, message, ...state(trained) });
      }
    }
  },

  /** Two gradients, the last of which is complete first: what rank 1 is told without overlap, and their sums with it. */
  async 'overlap parts'() {
    const size = 40_000;
    const tape = new Tape('float64');
    const gradients = [1, 2].map((i) => tape.fixed('gradient', `gradient ${i}`, [size]));
    tape.program('sum');
    for (const [i, gradient] of [...gradients.entries()].reverse())
      tape.emit('fill', [gradient], { N: size }, { value: i + 1 });
    tape.exchangeGradients();
    const plan = tape.compile();
    const { exchange } = world;
    const shares = Int32Array.of(1, rank, world.size, 1, rank, world.size);
    const step = (overlap: boolean) =>
      plan.run({ program: 'sum', inputs: [], batchSize: 1, first: 0, count: 2, shares, exchange, overlap });
    const messages: unknown[] = [];
    // each part that rank 0 has started waits for a sum of rank 1, which has one a step
    for (let part = 0; part < (rank === 1 ? 2 : 1); part++)
      await step(rank !== 1).catch(({ message }) => messages.push(message));
    await step(false);
    await step(true);
    await say({ messages, sums: gradients.map((gradient) => [...new Set(plan.read(gradient).data)]) });
  },

  /** One rank has all of it end. */
  async ends() {
    for (const [name, change] of Object.entries(ends)) {
      const trained = network(1);
      const own = {
        epochs: name === 'the last callback throws' ? 2 : 100_000,
        batchSize: 4,
        distributed: world,
        callbacks: [],
      };
      if (rank === 1) change(own, trained);
      try {
        const { epoch } = await trained.fit(x, y, own);
        await say({ name, epochs: epoch.length, ...state(trained) });
      } catch (error) {
        const { code, message } = error as Error & { code?: string };
        await say({ name, code, message, ...state(trained) });
      }
    }
    const late = network(1);
    const source = function* () {
      for (let i = 0; i < 60; i++) {
        if (i === 40 && rank === 0) throw new Error('the source is broken');
        yield [x.slice([i, i + 4]), y.slice([i, i + 4])];
      }
    };
    try {
      await late.fit(source as never, { epochs: 2, distributed: world } as never);
    } catch (error) {
      await say({ name: 'a source throws', message: (error as Error).message, ...state(late) });
    }
  },

  async 'other samples'() {
    const message = await network(1)
      .fit(x, y, { distributed: world })
      .catch((error: Error) => error.message);
    await say({ message });
  },

  async 'other networks'() {
    const made = network(1, layers.dense({ units: 30 + rank }));
    await say({ message: await made.fit(x, y, { distributed: world }).catch((error: Error) => error.message) });
  },

  /** What rank 1 is told alone of what all have to be told alike. */
  async 'other options'() {
    const judged = { validationData: [x, y] as const };
    const others: Record<string, [all: object, rank1: object]> = {
      validationFreq: [judged, { validationFreq: 2 }],
      'validationFreq by epochs': [{ ...judged, validationFreq: 2 }, { validationFreq: [2] }],
      'no validation': [judged, { validationData: undefined }],
      'a source to validate on': [judged, { validationData: () => [[x, y]] }],
      validationBatchSize: [judged, { validationBatchSize: 7 }],
      'other samples to validate on': [judged, { validationData: [x, x.slice([0, n], [0, 1])] }],
    };
    for (const [name, [all, own]] of Object.entries(others))
      for (const source of [false, true]) {
        const options = { epochs: 3, distributed: world, ...all, ...(rank === 1 && own) };
        const made = network(1);
        const fitting = source ? made.fit(() => [[x, y]], options as never) : made.fit(x, y, options);
        await say({ name, message: await fitting.then(String, ({ message }) => message), ...state(made) });
      }
  },

  /** Networks of the same weights, whose training would be another one on rank 1. */
  async 'compiled otherwise'() {
    const at = <T>(one: T, others: T) => (rank === 1 ? one : others);
    const { sgd } = optimizers;
    const own = (b: number) =>
      custom.loss('ranks-own', (yTrue, yPred) => ops.mean(ops.abs(ops.sub(yTrue, ops.mul(b, yPred)))));
    const others: Record<string, { compile?: object; dense?: object }> = {
      loss: { compile: { loss: at('meanAbsoluteError', 'meanSquaredError') } },
      'a loss of one’s own': { compile: { loss: at(own(2), own(3)) } },
      metrics: { compile: { metrics: at(['mae'], ['mse']) } },
      momentum: { compile: { optimizer: sgd({ momentum: at(0.8, 0.9) }) } },
      emaMomentum: { compile: { optimizer: sgd({ useEma: true, emaMomentum: at(0.8, 0.9) }) } },
      schedule: {
        compile: {
          optimizer: sgd({
            learningRate: at<Schedule | number>(
              schedules.cosineDecay({ initialLearningRate: 0.01, decaySteps: 9 }),
              0.01,
            ),
          }),
        },
      },
      activation: { dense: { activation: at('tanh', 'relu') } },
      constraint: { dense: { kernelConstraint: at('nonNeg', undefined) } },
      frozen: { dense: { trainable: at(false, true) } },
    };
    for (const [name, { compile, dense }] of Object.entries(others)) {
      const made = network(1, layers.dense({ units: 30, ...dense }));
      made.compile({ optimizer: 'sgd', loss: 'meanSquaredError', ...compile });
      const fitting = made.fit(x, y, { distributed: world });
      await say({ name, message: await fitting.then(String, ({ message }) => message), ...state(made) });
    }
    const made = network(1);
    made.compile({ optimizer: sgd({ learningRate: at(0.5, 0.01) }), loss: own(1) });
    await made.fit(x, y, { distributed: world }); // a rate is rank 0's
    await say({ name: 'learningRate', message: made.optimizer.learningRate, ...state(made) });
  },

  /** Networks and generators that nobody seeded are rank 0's. */
  async unseeded() {
    const trained = network(undefined, layers.dropout({ rate: 0.5 }) as never);
    await trained.fit(x, y, { epochs: 3, distributed: world });
    await say(state(trained));
  },

  /** Rank 1 alone evaluates and predicts, and then all do, of samples of their own. */
  async lone() {
    const trained = network(1);
    await trained.fit(x, y, { epochs: 2, distributed: world });
    const loss = async (first: number) =>
      trained.evaluate(x.slice([first, first + 50]), y.slice([first, first + 50])) as Promise<unknown>;
    const alone = rank === 1 && [await loss(0), lists([await trained.predict(x)])];
    await say({ alone, own: await loss(50 * rank), ...state(trained) });
  },

  async shard() {
    const [first, end] = [0, 7, 80, 150, n].slice(rank, rank + 2);
    const own = [
      x.slice([first, rank === world.size - 1 ? n : end]),
      y.slice([first, rank === world.size - 1 ? n : end]),
    ];
    const trained = network(1);
    const { history } = await trained.fit(own[0], own[1], {
      epochs: 3,
      shuffle: false,
      distributed: world,
      shard: true,
    });
    await say({ history, rows: own[0].shape[0], ...state(trained) });
  },

  /** Batch normalization: each rank has the statistics of its own rows, their averages are those of all. */
  async statistics() {
    const trained = network(1, layers.batchNormalization() as never);
    const { history } = await trained.fit(x, y, {
      epochs: 2,
      batchSize: 10,
      validationData: [x, y],
      distributed: world,
      callbacks: [callbacks.reduceLROnPlateau({ monitor: 'loss', patience: 0, minDelta: 1, factor: 0.9 })],
    });
    await say({ history, rate: trained.optimizer.learningRate, ...state(trained) });
  },

  /** args: a folder, and how many epochs */
  async backup() {
    const [folder, epochs] = args;
    const trained = network(1, layers.dropout({ rate: 0.5 }) as never);
    const seen: number[] = [];
    const { history } = await trained
      .fit(x, y, {
        ...{ epochs: 6, batchSize: 12 / world.size, distributed: world },
        callbacks: [
          callbacks.backupAndRestore({ path: join(folder, 'backup') }),
          callbacks.modelCheckpoint({ filepath: join(folder, `{epoch}-of-${world.size}.safetensors`) }),
          callbacks.csvLogger(join(folder, `${world.size}.csv`)),
          callbacks.tensorBoard(join(folder, `${world.size}-board`)),
          callbacks.earlyStopping({ monitor: 'loss', patience: 100 }),
          {
            onEpochEnd(epoch) {
              seen.push(epoch);
              if (epoch + 1 === Number(epochs)) throw new Error('interrupted');
            },
          },
        ],
      })
      .catch((error) => {
        if (epochs === '0') throw error;
        return { history: undefined };
      });
    await say({
      history,
      seen,
      rate: trained.optimizer.learningRate,
      files: readdirSync(folder).sort(),
      ...state(trained),
    });
  },

  /** Weights that have drifted apart, as on processors that round otherwise, are rank 0's again. */
  async drift() {
    const trained = network(1);
    await trained.fit(x, y, {
      ...{ epochs: 2, distributed: world },
      callbacks: [
        {
          onEpochBegin(epoch) {
            if (epoch === 1 && rank === 1)
              trained.setWeights(
                trained.getWeights().map(({ data, shape }) => NDArray.from(data.map((v) => v + 1e-12)).reshape(shape)),
              );
          },
        },
      ],
    });
    await say(state(trained));
  },
};

await tasks[how]();
