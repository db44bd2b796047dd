import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { DeepBoltzmannMachine, getThreads, loadDigits, NDArray, RandomState, schedules, setThreads } from 'fjordnet';
import { sameBits } from './helpers/bits.js';

const { data } = loadDigits();
const x = NDArray.from(
  data.data.map((v) => v / 16),
  { dtype: 'float64' },
).reshape(data.shape);
const few = x.take(Array.from({ length: 203 }, (_, i) => i));
const small = { nComponents: [20, 10], nIter: 2, pretrainIter: 2, nChains: 11, k: 2, batchSize: 20, randomState: 1 };

const weights = (machine: DeepBoltzmannMachine) => [...machine.components, ...machine.intercepts];

test('fit and fitSync have the same bits, with any number of threads and beside other fits', async (t) => {
  const before = getThreads();
  t.teardown(() => setThreads(before));
  for (const nComponents of [[20], [20, 10], [20, 10, 5]])
    for (const dtype of ['float64', 'float32'] as const) {
      const own = NDArray.from(few, { dtype });
      const options = { ...small, nComponents };
      setThreads(1);
      const first = new DeepBoltzmannMachine(options).fitSync(own);
      t.is(first.components[0].dtype, dtype);
      t.is(first.transform(own).dtype, dtype);
      setThreads(3);
      const others = await Promise.all([1, 2].map(() => new DeepBoltzmannMachine(options).fit(own)));
      for (const other of others) t.true(sameBits(weights(other), weights(first)));
      const drawn = await Promise.all(
        [first, ...others].map((machine) => machine.sample(3, { steps: 5, randomState: 1 })),
      );
      for (const digits of drawn) t.true(sameBits([digits], [drawn[0]]));
      const estimates = [];
      for (const threads of [1, 3]) {
        setThreads(threads);
        estimates.push((await first.annealedImportanceSampling({ nBetas: 20, nRuns: 10, randomState: 1 })).logZ);
      }
      t.is(estimates[0], estimates[1]);
    }
});

test('a warm start goes on as if it had not stopped: at once, and from what was saved', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-deep-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const learningRate = schedules.inverseTimeDecay({ initialLearningRate: 0.1, decaySteps: 10, decayRate: 1 });
  const whole = new DeepBoltzmannMachine({ ...small, learningRate, nIter: 4 }).fitSync(few);
  const part = new DeepBoltzmannMachine({ ...small, learningRate, warmStart: true }).fitSync(few);
  const path = join(folder, 'machine.safetensors');
  await part.save(path);
  const again = [part, DeepBoltzmannMachine.fromBytes(part.toBytes()), await DeepBoltzmannMachine.load(path)];
  for (const machine of again) {
    t.is(machine.errorCurve.length, 2);
    await machine.fit(few);
    t.true(sameBits(weights(machine), weights(whole)));
    t.deepEqual(machine.errorCurve, whole.errorCurve);
  }
});

test('what is loaded is what was saved', async (t) => {
  const machine = new DeepBoltzmannMachine(small).fitSync(few);
  const other = DeepBoltzmannMachine.fromBytes(machine.toBytes());
  const text = (m: DeepBoltzmannMachine) =>
    JSON.stringify({
      ...m.getParams(),
      rates: [0, 100, 1000].map(m.getParams().learningRate as (step: number) => number),
    });
  t.is(text(other), text(machine));
  t.true(sameBits(weights(other), weights(machine)));
  t.true(sameBits([other.transform(few)], [machine.transform(few)]));
  const drawn = await Promise.all([machine, other].map((m) => m.sample(20, { steps: 3, randomState: 1 })));
  t.true(sameBits([drawn[0]], [drawn[1]]));
  machine.setParams({ nComponents: [3], meanFieldIter: 1 });
  t.true(sameBits(weights(DeepBoltzmannMachine.fromBytes(machine.toBytes())), weights(other)));
  t.false(sameBits([machine.transform(few)], [other.transform(few)]));
  t.false(DeepBoltzmannMachine.fromBytes(new DeepBoltzmannMachine(small).toBytes()).isFitted);
  t.throws(() => new DeepBoltzmannMachine({ learningRate: (step: number) => 1 / (step + 1) } as object).toBytes(), {
    message: /Expected schedule to be one of/,
  });
});

test('a RandomState is drawn from, and fits that share one take turns', async (t) => {
  const one = new RandomState(5);
  const inTurn = [1, 2].map(() => new DeepBoltzmannMachine({ ...small, randomState: one }).fitSync(few));
  const other = new RandomState(5);
  const together = await Promise.all(
    [1, 2].map(() => new DeepBoltzmannMachine({ ...small, randomState: other }).fit(few)),
  );
  for (const [i, machine] of together.entries()) t.true(sameBits(weights(machine), weights(inTurn[i])));
  t.false(sameBits(weights(together[0]), weights(together[1])));
});

test('samplings that share a RandomState take turns, and do not wait for the fit that asks for them', async (t) => {
  const machine = new DeepBoltzmannMachine({ ...small, randomState: 1 }).fitSync(few);
  const draws = (random: RandomState) => [
    () => machine.annealedImportanceSampling({ randomState: random, nRuns: 5, nBetas: 50 }).then(({ logZ }) => [logZ]),
    () => machine.sample(3, { randomState: random, steps: 20 }).then(({ data }) => [...data]),
    () =>
      machine.sample(3, { randomState: random, steps: 20, start: few.take([0, 1, 2]) }).then(({ data }) => [...data]),
    () => machine.annealedImportanceSampling({ randomState: random, nRuns: 5, nBetas: 50 }).then(({ logZ }) => [logZ]),
  ];
  const together = await Promise.all(draws(new RandomState(5)).map((draw) => draw()));
  const inTurn: number[][] = [];
  for (const draw of draws(new RandomState(5))) inTurn.push(await draw());
  t.deepEqual(together, inTurn);
  t.notDeepEqual(together[0], together[3]);
  const shared = new RandomState(2);
  let drawn = 0;
  await new DeepBoltzmannMachine({ ...small, randomState: shared }).fit(few, {
    onEpochEnd: async () => {
      drawn += (await machine.sample(2, { randomState: shared, steps: 2 })).shape[0];
    },
  });
  t.true(drawn > 0);
});

test('onEpochEnd is told of every pass, and an abort keeps the whole passes and batches', async (t) => {
  const told: string[] = [];
  const machine = new DeepBoltzmannMachine({ ...small, nComponents: [20, 10, 5] });
  const onEpochEnd = ({
    layer,
    epoch,
    epochs,
    reconstructionError,
  }: Parameters<NonNullable<Parameters<typeof machine.fit>[1]>['onEpochEnd'] & object>[0]) => {
    told.push(`${layer ?? 'all'} ${epoch + 1}/${epochs}`);
    t.true(reconstructionError > 0 && reconstructionError < 0.5);
  };
  await machine.fit(few, { onEpochEnd });
  t.deepEqual(told, ['0 1/2', '0 2/2', '1 1/2', '1 2/2', '2 1/2', '2 2/2', 'all 1/2', 'all 2/2']);
  t.throws(() => machine.fitSync(few, { onEpochEnd: async () => {} }), { message: /return nothing, got a promise/ });

  const controller = new AbortController();
  const aborted = new DeepBoltzmannMachine({ ...small, nIter: 1000, pretrainIter: 1 });
  const stop = ({ layer, epoch }: { layer?: number; epoch: number }) => {
    if (layer === undefined && epoch === 1) controller.abort();
  };
  await t.throwsAsync(aborted.fit(few, { signal: controller.signal, onEpochEnd: stop }), { code: 'ERR_ABORTED' });
  t.is(aborted.errorCurve.length, 2);
  const unfitted = new DeepBoltzmannMachine(small);
  await t.throwsAsync(unfitted.fit(few, { signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' });
  t.false(unfitted.isFitted);
  await t.throwsAsync(aborted.sample(2, { signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' });
  await t.throwsAsync(aborted.annealedImportanceSampling({ signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' });
});

test('while it trains another fit is refused, and what it knew before is there', async (t) => {
  const machine = new DeepBoltzmannMachine(small).fitSync(few);
  const before = [machine.transform(few)];
  const running = machine.fit(few);
  await t.throwsAsync(machine.fit(few), { code: 'ERR_BUSY' });
  t.throws(() => machine.fitSync(few), { code: 'ERR_BUSY' });
  t.true(sameBits([machine.transform(few)], before));
  await running;
});

test('bad input is told in a sentence, and changes nothing', async (t) => {
  const machine = new DeepBoltzmannMachine(small);
  for (const member of ['components', 'intercepts', 'errorCurve'] as const)
    t.throws(() => machine[member], { code: 'ERR_NOT_FITTED' });
  for (const call of ['transform', 'reconstruct', 'meanField'] as const)
    t.throws(() => machine[call](few), { code: 'ERR_NOT_FITTED' });
  await t.throwsAsync(machine.sample(1), { code: 'ERR_NOT_FITTED' });
  await t.throwsAsync(machine.annealedImportanceSampling(), { code: 'ERR_NOT_FITTED' });
  t.throws(() => machine.exactLogPartition(), { code: 'ERR_NOT_FITTED' });
  t.throws(() => machine.toClassifier({ classes: 2 }), { code: 'ERR_NOT_FITTED' });
  t.throws(() => machine.fitSync([[0, 2]]), {
    message: /Expected x to hold numbers in \[0, 1\], got 2 at row 0, column 1/,
  });
  t.throws(() => machine.fitSync([[0, -0.1]]), { message: /got -0.1 at row 0, column 1/ });
  machine.fitSync(few);
  const before = weights(machine);
  await t.throwsAsync(machine.fit([[0, 7]]), { message: /numbers in \[0, 1\]/ });
  t.throws(() => machine.transform([[0, 1]]), { message: /64 features/ });
  t.throws(() => machine.transform(few, { layer: 3 }), { message: 'Expected layer to be at most 2, got 3 (number)' });
  t.throws(() => machine.logLikelihoodBound(few, Number.NaN), { message: /Expected logZ to be a.* number/ });
  t.throws(() => machine.toClassifier({ classes: 1 }), { message: /Expected classes to be an integer >= 2/ });
  await t.throwsAsync(machine.sample(0), { message: 'Expected n to be a positive integer, got 0 (number)' });
  await t.throwsAsync(machine.sample(2, { start: [[0, 1]] }), { message: /64 features/ });
  await t.throwsAsync(machine.sample(2, { start: few }), { message: /Expected start to be a matrix of 2 rows/ });
  for (const betas of [[0, 0.5], [0.1, 1], [0, 0.6, 0.5, 1], [1], [0, Number.NaN, 1]])
    await t.throwsAsync(machine.annealedImportanceSampling({ betas }), { message: /Expected betas to be ascending/ });
  await t.throwsAsync(machine.annealedImportanceSampling({ nRuns: 1 }), { message: /nRuns to be an integer >= 2/ });
  await t.throwsAsync(machine.annealedImportanceSampling({ betas: [0, 1], nBetas: 3 }), {
    message: /nBetas to be left out/,
  });
  for (const [options, message] of [
    [{ nComponents: [] }, /nComponents/],
    [{ nComponents: [3, 0] }, /nComponents\[1\]/],
    [{ nComponents: 'x' }, /nComponents/],
    [{ learningRate: 0 }, /learningRate/],
    [{ momentum: 1 }, /momentum/],
    [{ k: 0 }, /Expected k/],
    [{ nChains: 1.5 }, /nChains/],
    [{ meanFieldIters: 3 }, /did you mean 'meanFieldIter'/],
  ] as const) {
    t.throws(() => new DeepBoltzmannMachine(options as object), { message });
    t.throws(() => machine.setParams(options as object), { message });
  }
  t.deepEqual(machine.getParams(), new DeepBoltzmannMachine(small).getParams());
  t.true(sameBits(weights(machine), before));
  machine.setParams({ warmStart: true, nComponents: [20, 9] });
  t.throws(() => machine.fitSync(few), {
    message: /Expected nComponents and nChains to be those of the last fit, \[20, 10\] and 11/,
  });
  for (const [given, message] of [
    [{ components: [[[1, 2]]], intercepts: [[0, 0]] }, /intercepts/],
    [{ components: [], intercepts: [[0]] }, /components/],
    [
      {
        components: [[[1, 2]]],
        intercepts: [
          [0, 0],
          [0, 0],
        ],
      },
      /Expected intercepts\[1\] to be float64 of shape \[1\]/,
    ],
    [
      { components: [[[1, 2]], [[1, 2]]], intercepts: [[0, 0], [0], [0]] },
      /Expected components\[1\] to be float64 of shape \[1, 1\]/,
    ],
  ] as const)
    t.throws(() => DeepBoltzmannMachine.fromWeights(given as any), { message });
  const given = { components: [[[1, 2]]], intercepts: [[0, 0], [0]] };
  t.throws(() => DeepBoltzmannMachine.fromWeights(given, 5 as any), { message: /Expected options to be an object/ });
  t.throws(() => DeepBoltzmannMachine.fromWeights(given, { nComponents: [7] } as any), {
    message: /Expected nComponents to be \[1\], as the weights have/,
  });
  const small1 = DeepBoltzmannMachine.fromWeights(given, { k: 2 });
  t.is(DeepBoltzmannMachine.fromWeights(given, small1.getParams()).getParams().k, 2);
});

test('weights that are not finite are told', (t) => {
  const machine = new DeepBoltzmannMachine({ ...small, learningRate: 1e308, pretrainIter: 0 });
  t.throws(() => machine.fitSync(few), { code: 'ERR_DIVERGED' });
  const other = new DeepBoltzmannMachine({ ...small, learningRate: 1e200, pretrainIter: 2 });
  t.throws(() => other.fitSync(few), { code: 'ERR_DIVERGED' });
});

test('a classifier begins with the pass from below', (t) => {
  const machine = new DeepBoltzmannMachine({ ...small, meanFieldIter: 1 }).fitSync(few);
  const model = machine.toClassifier({ classes: 10, seed: 3 });
  t.deepEqual(
    model.getWeights().map(({ shape }) => shape),
    [[64, 20], [20], [20, 10], [10], [10, 10], [10]],
  );
  t.is(model.dtype, 'float64');
  const [[w1, w2], [, b1, b2]] = [machine.components, machine.intercepts];
  const row = few.take([3]).data;
  const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
  const layer = (w: NDArray, b: NDArray, input: ArrayLike<number>, factor: number) =>
    Array.from(b.data, (bias, j) => {
      let z = bias;
      for (let i = 0; i < input.length; i++) z += factor * w.data[j * input.length + i] * input[i];
      return sigmoid(z);
    });
  const h2 = layer(w2, b2, layer(w1, b1, row, 2), 1);
  const [v, c] = model.getWeights().slice(-2);
  const logits = Array.from(c.data, (bias, j) => bias + h2.reduce((sum, h, i) => sum + h * v.data[i * 10 + j], 0));
  const sum = logits.reduce((total, z) => total + Math.exp(z), 0);
  const p = model.predictSync(few.take([3])).data;
  for (const [j, z] of logits.entries()) t.true(Math.abs(p[j] - Math.exp(z) / sum) < 1e-12);
});

test('what it learns of the digits is more likely than their pixels, each alone', async (t) => {
  const ink = NDArray.from(x.data.map((v) => Number(v > 0.5))).reshape(x.shape);
  const options = { nComponents: [60, 30], nIter: 20, pretrainIter: 10, batchSize: 50, nChains: 50, randomState: 1 };
  const machine = await new DeepBoltzmannMachine(options).fit(ink);
  const { logZ, standardError } = await machine.annealedImportanceSampling({ nBetas: 1000, randomState: 1 });
  t.true(standardError < 0.1);
  const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / values.length;
  const bound = mean(machine.logLikelihoodBound(ink, logZ).data);
  const [n, width] = ink.shape;
  let alone = 0;
  for (let j = 0; j < width; j++) {
    const p = mean(Array.from({ length: n }, (_, i) => ink.data[i * width + j]));
    if (p > 0 && p < 1) alone += p * Math.log(p) + (1 - p) * Math.log(1 - p);
  }
  t.true(bound > alone + 5, `${bound} against ${alone}`);
  t.true((machine.errorCurve.at(-1) as number) < (machine.errorCurve[0] as number));
  const digits = await machine.sample(20, { steps: 200, randomState: 1 });
  t.deepEqual(digits.shape, [20, 64]);
  t.true(digits.data.every((p) => p > 0 && p < 1));
});
