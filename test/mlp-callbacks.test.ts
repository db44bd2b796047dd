import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import test from 'ava';
import {
  type Callback,
  type CallbackModel,
  callbacks,
  History,
  type Logs,
  MLPClassifier,
  MLPRegressor,
  NDArray,
} from 'fjordnet';
import { bits, silenceWarnings, someDigits } from './helpers/sklearn.js';

silenceWarnings();
const folder = mkdtempSync(join(tmpdir(), 'fjordnet-mlp-'));
test.after.always(() => rmSync(folder, { recursive: true }));
const { x, y } = someDigits(10);
const numbers = Array.from(y.data, (digit) => digit / 10);
const options = { hiddenLayerSizes: 6, maxIter: 5, batchSize: 32, randomState: 3 };

/** Writes down what is called, with the model that callbacks see. */
function witness(more: Callback = {}) {
  const calls: string[] = [];
  const logs: Logs[] = [];
  const seen: { model?: CallbackModel; last?: Logs } = {};
  const callback: Callback = {
    setModel(model) {
      seen.model = model;
    },
    setParams: (params) => void calls.push(`params ${JSON.stringify(params)}`),
    onTrainBegin: () => void calls.push('begin'),
    onTrainEnd(last) {
      seen.last = last;
      calls.push('end');
    },
    onEpochBegin: (epoch) => void calls.push(`epoch ${epoch}`),
    onEpochEnd(epoch, own) {
      logs.push({ ...own });
      calls.push(`end of ${epoch}`);
    },
    ...more,
  };
  return { calls, logs, seen, callback };
}

test("an estimator's callbacks are called as those of a network", async (t) => {
  for (const [model, targets, score] of [
    [new MLPClassifier({ ...options, earlyStopping: true }), y, 'val_accuracy'],
    [new MLPRegressor({ ...options, earlyStopping: true }), numbers, 'val_rSquared'],
  ] as const) {
    const { calls, logs, seen, callback } = witness();
    const history = new History();
    await (model as MLPClassifier).fit(x, targets, { callbacks: [callback, history] });
    const params = { epochs: 5, initialEpoch: 0, steps: 6, samples: 180, batchSize: 32, verbose: 0, metrics: [] };
    const { steps, samples, ...rest } = JSON.parse(calls[0].slice(7));
    t.deepEqual({ steps, samples }, { steps: params.steps, samples: params.samples });
    t.like(params, rest);
    const epochs = [0, 1, 2, 3, 4].flatMap((epoch) => [`epoch ${epoch}`, `end of ${epoch}`]);
    t.deepEqual(calls.slice(1), ['begin', ...epochs, 'end']);
    t.deepEqual(history.history, { loss: model.lossCurve, [score]: model.validationScores as number[] });
    t.deepEqual(seen.last, logs[4]);
    t.is(seen.model?.iterations, 30);
    t.deepEqual(seen.model?.layerNames, ['input', 'hidden_1', 'output']);
    t.deepEqual(seen.model?.weightNames, ['hidden_1/kernel', 'hidden_1/bias', 'output/kernel', 'output/bias']);
    t.deepEqual(seen.model?.getWeights()[2], model.coefs[1]);
  }
});

test('callbacks change no bit, whatever they are called for', async (t) => {
  const weights = Float64Array.from({ length: 200 }, (_, i) => 0.5 + (i % 3));
  for (const solver of ['sgd', 'adam', 'lbfgs'] as const)
    for (const batchSize of [1, 7, 200])
      for (const sampleWeight of [undefined, weights]) {
        const own = { ...options, solver, batchSize, maxIter: 3 };
        const given = sampleWeight && { sampleWeight };
        const alone = new MLPClassifier(own).fitSync(x, y, given);
        const batches: number[] = [];
        const each = { onBatchBegin: (k: number) => void batches.push(k), onBatchEnd: () => undefined };
        for (const watched of [
          await new MLPClassifier(own).fit(x, y, { ...given, callbacks: { onEpochEnd: async () => {} } }),
          await new MLPClassifier(own).fit(x, y, { ...given, callbacks: [witness().callback, each] }),
          new MLPClassifier(own).fitSync(x, y, { ...given, callbacks: each }),
        ]) {
          t.deepEqual(bits(watched), bits(alone));
        }
        const steps = Math.ceil(200 / batchSize);
        if (solver !== 'lbfgs')
          t.deepEqual(
            batches.slice(0, 2 * steps),
            [...Array(2 * steps).keys()].map((k) => k % steps),
          );
      }
});

test('stopTraining ends a fit after the batch, the epoch or the iteration in progress', async (t) => {
  const stopAt = (hook: 'onTrainBegin' | 'onEpochBegin' | 'onBatchEnd' | 'onEpochEnd', at = 0) => {
    let model: CallbackModel;
    return {
      setModel(given: CallbackModel) {
        model = given;
      },
      [hook]: (k = 0) => {
        if (k === at) model.stopTraining = true;
      },
    } as Callback;
  };
  const whole = await new MLPClassifier(options).fit(x, y);
  const epochs = await new MLPClassifier(options).fit(x, y, { callbacks: stopAt('onEpochEnd', 2) });
  t.is(epochs.nIter, 3);
  t.deepEqual(epochs.lossCurve, whole.lossCurve.slice(0, 3));

  const batches: Logs[] = [];
  const { callback, logs, calls } = witness({ onBatchEnd: (_, own) => void batches.push(own) });
  const cut = await new MLPClassifier(options).fit(x, y, { callbacks: [callback, stopAt('onBatchEnd', 3)] });
  t.deepEqual([cut.t, cut.nIter, batches.length], [4 * 32, 1, 4]);
  t.deepEqual(logs, [{ loss: cut.loss }]);
  t.deepEqual(batches[3], logs[0]);
  t.is(calls.at(-1), 'end');

  for (const hook of ['onTrainBegin', 'onEpochBegin'] as const)
    for (const solver of ['adam', 'lbfgs'] as const) {
      const none = new MLPClassifier({ ...options, solver }).fitSync(x, y, { callbacks: stopAt(hook) });
      t.deepEqual([none.nIter, none.t, none.lossCurve, none.loss], [0, 0, [], Number.NaN]);
      t.true(none.coefs.length > 0);
    }

  const lbfgs = { ...options, solver: 'lbfgs' } as const;
  const watched = witness();
  const stopped = await new MLPClassifier({ ...lbfgs, maxIter: 50 }).fit(x, y, {
    callbacks: [watched.callback, stopAt('onEpochEnd', 3)],
  });
  const limited = await new MLPClassifier({ ...lbfgs, maxIter: 4 }).fit(x, y);
  t.is(stopped.nIter, 4);
  t.deepEqual(stopped.coefs, limited.coefs);
  t.is(stopped.loss, limited.loss);
  t.is(watched.logs[3].loss, limited.loss);
  t.deepEqual(
    watched.calls.slice(1).filter((call) => !call.startsWith('end of')),
    ['begin', 'epoch 0', 'epoch 1', 'epoch 2', 'epoch 3', 'end'],
  );
});

test('earlyStopping restores the best weights, terminateOnNaN ends a diverging fit', async (t) => {
  const kept: NDArray[][] = [];
  const model = new MLPRegressor({ ...options, maxIter: 40, learningRateInit: 0.3, nIterNoChange: 100 });
  const stop = callbacks.earlyStopping({ monitor: 'loss', patience: 2, restoreBestWeights: true });
  await model.fit(x, numbers, { callbacks: [{ onEpochEnd: () => void kept.push(model.coefs) }, stop] });
  t.true(stop.stoppedEpoch! < 39 && stop.bestEpoch! < stop.stoppedEpoch!);
  t.is(model.nIter, stop.stoppedEpoch! + 1);
  t.deepEqual(model.coefs, kept[stop.bestEpoch!]);

  const diverging = new MLPRegressor({ ...options, solver: 'sgd', learningRateInit: 1e200, maxIter: 9 });
  await t.throwsAsync(diverging.fit(x, numbers, { callbacks: callbacks.terminateOnNaN() }), { code: 'ERR_DIVERGED' });
  t.is(diverging.nIter, 1);
});

test('csvLogger, tensorBoard and progressBar watch estimators', async (t) => {
  const [csv, board] = [join(folder, 'log.csv'), join(folder, 'board')];
  const lines: string[] = [];
  const stream = new Writable({
    write(text, _, done) {
      lines.push(String(text));
      done();
    },
  });
  const model = new MLPClassifier({ ...options, earlyStopping: true, solver: 'sgd' });
  await model.fit(x, y, {
    callbacks: [
      callbacks.csvLogger(csv),
      callbacks.tensorBoard(board, { histogramFreq: 1 }),
      callbacks.progressBar({ stream }),
    ],
  });
  const rows = model.lossCurve.map((loss, i) => `${i},${loss},${model.validationScores![i]}`);
  t.deepEqual(readFileSync(csv, 'utf8').trim().split('\r\n'), ['epoch,loss,val_accuracy', ...rows]);
  const [file] = readdirSync(join(board, 'train'));
  const events = readFileSync(join(board, 'train', file), 'latin1');
  for (const tag of ['epoch_loss', 'epoch_learning_rate', 'hidden_1/kernel/histogram', 'Dense'])
    t.true(events.includes(tag), tag);
  t.is(readdirSync(join(board, 'validation')).length, 1);
  t.is(lines.length, 5);
  t.regex(lines[4], /^Epoch 5\/5 - .*loss: \d.* - val_accuracy: \d/);
});

test('callbacks that an estimator has nothing for are told so', async (t) => {
  const fitting = (callback: unknown, model = new MLPClassifier(options)) =>
    model.fit(x, y, { callbacks: callback as Callback });
  const file = join(folder, 'model.safetensors');
  await t.throwsAsync(fitting(callbacks.modelCheckpoint({ filepath: file })), {
    instanceOf: TypeError,
    message: 'Expected callbacks to save a network made by sequential or model, got an MLPClassifier',
  });
  const rates = /^Expected callbacks to leave the learning rate of an MLPClassifier alone, which/;
  await t.throwsAsync(fitting(callbacks.learningRateScheduler(() => 0.1)), { message: rates });
  const plateau = callbacks.reduceLROnPlateau({ monitor: 'loss', patience: 0, minDelta: 100 });
  await t.throwsAsync(fitting([plateau]), { message: rates });

  const model = new MLPClassifier(options);
  await t.throwsAsync(fitting({ onEpochEnded() {} }, model), { message: /^Expected callbacks\[0\] to have no method/ });
  await t.throwsAsync(fitting([{ onEpochEnd: 1 }], model), {
    message: /^Expected callbacks\[0\].onEpochEnd to be a function/,
  });
  await t.throwsAsync(fitting(null, model), { message: /^Expected callbacks\[0\] to be a callback/ });
  const part = { callbacks: {} } as object;
  t.throws(() => model.partialFit(x, y, [...Array(10).keys()], part), { message: /no option 'callbacks'/ });
  t.deepEqual(model.coefs, []);

  const late = { onEpochEnd: async () => {} };
  t.throws(() => model.fitSync(x, y, { callbacks: late }), {
    message: /synchronous call to return nothing, got a promise/,
  });
  t.throws(() => model.fitSync(x, y, { onEpochEnd: async () => {} }), { message: /synchronous call/ });
  t.throws(() => model.fitSync(x, y, { signal: AbortSignal.timeout(1) } as object), { message: /no option 'signal'/ });
  await t.throwsAsync(fitting({ onEpochEnd: () => Promise.reject(new Error('mine')) }, model), { message: 'mine' });

  const { seen, callback } = witness();
  await fitting(callback, model);
  t.throws(() => seen.model?.setWeights([[1]]), { message: 'Expected weights to hold 4 arrays, got 1' });
  const [kernel, ...others] = seen.model!.getWeights();
  seen.model?.setWeights([NDArray.zeros(kernel.shape), ...others]);
  t.true(model.coefs[0].data.every((w) => w === 0));
  const training = model.fit(x, y);
  t.throws(() => seen.model?.setWeights(seen.model.getWeights()), { code: 'ERR_BUSY' });
  await training;
});
