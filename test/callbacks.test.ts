import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {
  type Callback,
  type CallbackModel,
  callbacks,
  History,
  type Logs,
  layers,
  metrics,
  NDArray,
  optimizers,
  RandomState,
  Sequential,
  schedules,
  sequential,
} from 'fjordnet';
import { CallbackList } from '../dist/callbacks/callback-list.js';
import { drive, driveSync, type Training } from '../dist/train.js';

const golden = JSON.parse(readFileSync(new URL('../test/fixtures/callbacks.json', import.meta.url), 'utf8'));

/** What callbacks ask of a network; its weights are the number of the epoch that just ended. */
class FakeModel implements CallbackModel {
  readonly name = 'fake';
  readonly metrics = ['loss', 'accuracy'].slice(1).map((name) => ({ name, config: { name } }));
  readonly layers = [];
  readonly layerNames = [];
  readonly weightNames = ['epoch'];
  stopTraining = false;
  iterations = 0;
  optimizer: CallbackModel['optimizer'] = { learningRate: 0.5 };
  weights = Number.NaN;
  saved: string[] = [];
  getWeights() {
    return [NDArray.from([this.weights])];
  }
  setWeights([weights]: NDArray[]) {
    this.weights = weights.data[0];
  }
  async save(path: string) {
    this.saved.push(path);
  }
}

interface Case {
  options: Record<string, never>;
  logs: Logs[];
}

/** Keras' option names in camelCase. */
const camel = (options: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(options).map(([k, v]) => [k.replace(/_(.)/g, (_, c) => c.toUpperCase()), v]),
  ) as never;

/** Runs callbacks as `fit` does, with the given logs. */
async function run(list: Callback[], epochs: readonly Logs[], model: CallbackModel, batches = 0) {
  const rates: unknown[] = [];
  const params = {
    epochs: epochs.length,
    initialEpoch: 0,
    steps: 4,
    samples: 400,
    batchSize: 100,
    verbose: 0,
    metrics: [],
  } as const;
  const callbackList = new CallbackList(list, model, params);
  const history = new History();
  const loop = function* (): Training<void> {
    yield* callbackList.onTrainBegin({ restore: async () => {}, swapAverages() {} });
    for (const [epoch, epochLogs] of epochs.entries()) {
      yield* callbackList.onEpochBegin(epoch);
      for (let batch = 0; batch < batches; batch++) {
        yield* callbackList.onBatchBegin(batch);
        yield* callbackList.onBatchEnd(batch, { loss: batch / 4 });
      }
      if (model instanceof FakeModel) model.weights = epoch;
      rates.push(model.optimizer.learningRate);
      const logs = { ...epochLogs };
      yield* callbackList.onEpochEnd(epoch, logs);
      history.onEpochEnd(epoch, logs);
      if (model.stopTraining) break;
    }
    yield* callbackList.onTrainEnd();
  };
  await drive(loop());
  return { epochs: history.epoch.length, rates: [...rates, model.optimizer.learningRate], history };
}

async function warningsOf(action: () => unknown): Promise<string[]> {
  const messages: string[] = [];
  const listen = (warning: Error) => messages.push(warning.message);
  process.on('warning', listen);
  await action();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listen);
  return messages;
}

function folder(t: { teardown(fn: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'fjordnet-callbacks-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

test("earlyStopping stops, and restores, where Keras' does", async (t) => {
  for (const { options, logs, epochs, weights } of golden.earlyStopping as (Case & {
    epochs: number;
    weights: number;
  })[]) {
    const model = new FakeModel();
    const result = await run([callbacks.earlyStopping(camel(options))], logs, model);
    t.deepEqual([result.epochs, model.weights], [epochs, weights], JSON.stringify(options));
  }
});

test("reduceLROnPlateau sets Keras' rates, and logs them", async (t) => {
  for (const { options, logs, rates, last } of golden.reduceLROnPlateau as (Case & { rates: number[]; last: Logs })[]) {
    const result = await run([callbacks.reduceLROnPlateau(camel(options))], logs, new FakeModel());
    t.deepEqual(result.rates, rates, JSON.stringify(options));
    t.is(result.history.history.learning_rate.at(-1), last.learning_rate);
  }
});

test("modelCheckpoint saves where and when Keras' does", async (t) => {
  for (const { path, options, logs, saved } of golden.modelCheckpoint as (Case & { path: string; saved: string[] })[]) {
    const model = new FakeModel();
    const home = folder(t);
    const checkpoint = callbacks.modelCheckpoint({ filepath: join(home, path), ...(camel(options) as object) });
    await run([checkpoint], logs, model, 4);
    t.deepEqual(
      model.saved,
      saved.map((file) => join(home, file)),
    );
    t.is(checkpoint.lastSaved, model.saved.at(-1));
  }
});

test("csvLogger writes Keras' text", async (t) => {
  for (const { options, logs, text } of golden.csvLogger as (Case & { text: string })[]) {
    const file = join(folder(t), 'log.csv');
    for (let training = 0; training < 2; training++)
      await run([callbacks.csvLogger(file, options)], logs, new FakeModel());
    t.is(readFileSync(file, 'utf8'), text);
  }
});

test('csvLogger appends to the columns there are, and refuses a file that is no log', async (t) => {
  const file = join(folder(t), 'log.csv');
  await run([callbacks.csvLogger(file)], [{ loss: 1, val_loss: 2 }], new FakeModel());
  await run([callbacks.csvLogger(file, { append: true })], [{ accuracy: 0.5, loss: Number.NaN }], new FakeModel());
  t.is(
    readFileSync(file, 'utf8'),
    'epoch,loss,val_loss,accuracy\r\n0,1,2,NA\r\n0,NaN,NA,0.5\r\n',
    'a new name becomes a column',
  );
  writeFileSync(file, 'name,value\n');
  await t.throwsAsync(run([callbacks.csvLogger(file, { append: true })], [{}], new FakeModel()), {
    instanceOf: RangeError,
    message: "Expected filename to be a log whose first column is 'epoch', to append to, got 'name,value' (string)",
  });
  t.is(readFileSync(file, 'utf8'), 'name,value\n');
});

test('csvLogger appends whole rows to a log however it was left', async (t) => {
  const file = join(folder(t), 'log.csv');
  const append = async (before: string, logs: Logs[], separator = ',') => {
    writeFileSync(file, before);
    await run([callbacks.csvLogger(file, { append: true, separator })], logs, new FakeModel());
    return readFileSync(file, 'utf8');
  };
  const logs = [{ loss: 2, val_loss: Number.POSITIVE_INFINITY }];
  const row = (end: string) => `0,2,Infinity${end}`;
  for (const end of ['\r\n', '\n', '\r']) {
    const header = `epoch,loss,val_loss${end}`;
    t.is(await append(`${header}0,1.5,NA${end}`, logs), `${header}0,1.5,NA${end}${row(end)}`);
    t.is(await append(`${header}0,1.5,NA`, logs), `${header}0,1.5,NA${end}${row(end)}`, 'the last line had no end');
    t.is(await append(header, logs), header + row(end));
    t.is(await append(`\ufeff${header}`, logs), `\ufeff${header}${row(end)}`);
    // a row that was cut, and a blank line, in a log that gets a new column
    t.is(
      await append(`\ufeff${header}0,1.5${end}${end}1,1,2`, [{ loss: 2, val_loss: 3, lr: 0.5 }]),
      `\ufeffepoch,loss,val_loss,lr${end}0,1.5,NA,NA${end}${end}1,1,2,NA${end}0,2,3,0.5${end}`,
    );
  }
  t.is(await append('epoch,loss,val_loss', logs), `epoch,loss,val_loss\r\n${row('\r\n')}`);
  for (const empty of ['', '\ufeff', '\n', ' \r\n'])
    t.is(await append(empty, logs), `epoch,loss,val_loss\r\n${row('\r\n')}`, JSON.stringify(empty));
  t.is(await append('"epoch";"loss";val_loss\n', logs, ';'), '"epoch";"loss";val_loss\n0;2;Infinity\n');
  t.is(await append('epoch\tval_loss\n', logs, '\t'), 'epoch\tval_loss\tloss\n0\tInfinity\t2\n');
});

test('csvLogger refuses what is no log of its own, before training and unchanged', async (t) => {
  const file = join(folder(t), 'log.csv');
  const refused: [string, string][] = [
    ['name,value\n', "a log whose first column is 'epoch', to append to, got 'name,value'"],
    [
      'epoch;loss\n0;1\n',
      "a log whose first column is 'epoch', to append to (is its separator ';'?), got 'epoch;loss'",
    ],
    ['epoch,"loss\n0,1\n', `a log whose quotes are closed, to append to, got '"loss\\u000a0,1\\u000a'`],
    ['"epoch,loss\n0,1\n', `a log whose quotes are closed, to append to, got '"epoch,loss`],
    ['epoch,loss,loss\n', "a log that has each column once, to append to, got 'loss'"],
    ['\u0000e\u0000p', "a log whose first column is 'epoch', to append to, got"],
  ];
  for (const [text, message] of refused) {
    writeFileSync(file, text);
    const { model, x, y } = overfitting();
    const error = await t.throwsAsync(model.fit(x, y, { callbacks: callbacks.csvLogger(file, { append: true }) }), {
      instanceOf: RangeError,
    });
    t.true(error?.message.startsWith(`Expected filename to be ${message}`), error?.message);
    t.is(model.iterations, 0);
    t.is(readFileSync(file, 'utf8'), text);
  }
  const latin1 = Buffer.from('epoch,p\u00e8re\r\n0,1\r\n', 'latin1');
  writeFileSync(file, latin1);
  const { model, x, y } = overfitting();
  await t.throwsAsync(model.fit(x, y, { callbacks: callbacks.csvLogger(file, { append: true }) }), {
    message: /^Expected filename to be a log in UTF-8, to append to, got/,
  });
  t.true(readFileSync(file).equals(latin1));
});

test('names of any text, in any order and number, read back from what csvLogger wrote', async (t) => {
  const file = join(folder(t), 'log.csv');
  const name = fc.oneof(
    fc.constantFrom('loss', 'a,b', 'say "x"', 'two\nlines', 'cr\rlf\r\n', '"', ' ', ';', 'val_loss', 'constructor'),
    fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom('a', '"', ',', ';', '\n', '\r', ' ') }),
  );
  const value = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Number.NEGATIVE_INFINITY, 0));
  const epochs = fc.array(fc.dictionary(name, value, { minKeys: 1, maxKeys: 4 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(epochs, { minLength: 1, maxLength: 3 }),
      fc.constantFrom(',', ';'),
      async (runs, separator) => {
        rmSync(file, { force: true });
        for (const logs of runs) {
          await run([callbacks.csvLogger(file, { append: true, separator })], logs, new FakeModel());
          const text = readFileSync(file, 'utf8');
          if (text.length % 2) writeFileSync(file, text.slice(0, -2)); // somebody took the last line's end away
        }
        const [header, ...rows] = readDelimited(readFileSync(file, 'utf8'), separator);
        const expected = runs.flatMap((logs) => logs.map((log, epoch) => ({ ...log, epoch })));
        t.is(rows.length, expected.length);
        for (const [i, row] of rows.entries()) {
          t.is(row.length, header.length);
          for (const [column, field] of row.entries()) {
            const log = expected[i] as Record<string, number>;
            t.is(field, Object.hasOwn(log, header[column]) ? String(log[header[column]]) : 'NA');
          }
          for (const key of Object.keys(expected[i])) t.true(header.includes(key));
        }
      },
    ),
    { seed: 3, numRuns: 100 },
  );
});

/** CSV by a state machine, after RFC 4180. */
function readDelimited(text: string, separator: string): string[][] {
  const rows: string[][] = [[]];
  let field = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const row = rows[rows.length - 1];
    if (quoted && text[i] === '"' && text[i + 1] === '"') field += text[++i];
    else if (text[i] === '"') quoted = !quoted;
    else if (quoted || (text[i] !== separator && text[i] !== '\r' && text[i] !== '\n')) field += text[i];
    else {
      if (text[i] === '\r' && text[i + 1] === '\n') i++;
      row.push(field);
      field = '';
      if (text[i] !== separator) rows.push([]);
    }
  }
  const last = rows[rows.length - 1];
  if (last.length > 0 || field !== '') last.push(field);
  else rows.pop();
  return rows;
}

test.serial('a monitored value that is missing gives one warning for each training', async (t) => {
  const stopping = callbacks.earlyStopping({ monitor: 'val_accuracy' });
  const logs = [
    { loss: 1, accuracy: 0 },
    { loss: 1, accuracy: 0 },
  ];
  const messages = await warningsOf(() => run([stopping], logs, new FakeModel()));
  t.deepEqual(messages, ["earlyStopping needs 'val_accuracy', which is not in the logs; there are: loss, accuracy"]);
  t.is((await warningsOf(() => run([stopping], logs, new FakeModel()))).length, 1);
});

test("mode 'auto' knows what a renamed metric is, and refuses names it does not know", async (t) => {
  const model = new FakeModel();
  (model.metrics as { name: string; config: { name: string } }[]).push({
    name: 'top3',
    config: { name: 'topKCategoricalAccuracy' },
  });
  const stopping = callbacks.earlyStopping({ monitor: 'val_top3' });
  await run([stopping], [{ val_top3: 0.1 }, { val_top3: 0.2 }, { val_top3: 0.15 }, { val_top3: 0.3 }], model);
  t.deepEqual([stopping.best, stopping.bestEpoch, stopping.stoppedEpoch], [0.2, 1, 2]);
  await t.throwsAsync(run([callbacks.earlyStopping({ monitor: 'val_los' })], [{}], model), {
    instanceOf: RangeError,
    message:
      "Expected mode to be 'min' or 'max' where monitor is 'val_los' (this network logs loss, accuracy, top3), got 'auto' (string)",
  });
});

test("mode 'auto' knows the loss of an output", async (t) => {
  const stopping = callbacks.earlyStopping({ monitor: 'val_kind_loss' });
  await run([stopping], [{ val_kind_loss: 2 }, { val_kind_loss: 1 }, { val_kind_loss: 3 }], new FakeModel());
  t.deepEqual([stopping.best, stopping.bestEpoch, stopping.stoppedEpoch], [1, 1, 2]);
});

test("numbers in names of files are Python's", async (t) => {
  const logs = {
    a: -1.5,
    b: -2,
    c: Number.NEGATIVE_INFINITY,
    d: Number.NaN,
    e: 12345.678,
    f: 0.625,
    g: -2.5,
    h: -0,
    i: 1e21,
  };
  const home = folder(t);
  const names: Record<string, string> = {
    // f'{-1.5:07.3f}' and so on, in Python 3.11
    '{a:07.3f}': '-01.500',
    '{b:05d}': '-0002',
    '{c:06.2f}': '-00inf',
    '{d:.1f}': 'nan',
    '{e:12.4e}': '  1.2346e+04',
    '{b}': '-2',
    // exact halves go to the even digit
    '{f:.2f}': '0.62',
    '{f:.1e}': '6.2e-01',
    '{g:04.0f}': '-002',
    '{h:05.1f}': '-00.0',
    '{h:.1e}': '-0.0e+00',
    '{i:.1f}': '1000000000000000000000.0',
    '{f:.70f}': '0.6250000000000000000000000000000000000000000000000000000000000000000000',
  };
  for (const [template, name] of Object.entries(names)) {
    const checkpoint = callbacks.modelCheckpoint({ filepath: join(home, template) });
    const model = new FakeModel();
    await run([checkpoint], [logs], model);
    t.is(checkpoint.lastSaved, join(home, name), template);
  }
});

const val = (...values: number[]) => values.map((value) => ({ val_loss: value }));

test('NaN is never the best, first or later', async (t) => {
  const N = Number.NaN;
  for (const [mode, values] of [
    ['min', [N, 0.9, 0.5, N, 0.7, 0.4]],
    ['max', [N, 0.1, 0.5, N, 0.3, 0.6]],
    ['max', [N, N, -Infinity, 0.5, N, 0.3, 0.6]],
  ] as const) {
    const last = values[values.length - 1];
    const model = new FakeModel();
    const stopping = callbacks.earlyStopping({ mode, patience: 3, restoreBestWeights: true });
    const checkpoint = callbacks.modelCheckpoint({ filepath: join(folder(t), '{epoch}'), mode, saveBestOnly: true });
    const plateau = callbacks.reduceLROnPlateau({ mode, patience: 3, factor: 0.5 });
    const { epochs, rates } = await run([stopping, checkpoint, plateau], val(...values), model);
    t.deepEqual([stopping.best, stopping.bestEpoch, stopping.stoppedEpoch], [last, values.length - 1, undefined]);
    t.deepEqual([epochs, model.weights, checkpoint.best], [values.length, values.length - 1, last]);
    t.deepEqual(
      model.saved.map((path) => Number(basename(path)) - 1),
      values.flatMap((v, i) => (Number.isNaN(v) || v === 0.7 || v === 0.3 ? [] : [i])),
    );
    t.deepEqual(rates.at(-1), 0.5);
  }
  // epochs of NaN count as epochs without improvement
  const stopping = callbacks.earlyStopping({ patience: 2, restoreBestWeights: true });
  const model = new FakeModel();
  const plateau = callbacks.reduceLROnPlateau({ patience: 2, factor: 0.5 });
  const { epochs, rates } = await run([stopping, plateau], val(N, N, N, 0.1), model);
  t.deepEqual([epochs, rates.at(-1)], [2, 0.25]);
  t.deepEqual([stopping.best, stopping.bestEpoch, stopping.stoppedEpoch], [undefined, undefined, 1]);
  t.is(model.weights, 0); // as Keras: the first ones looked at
});

test('baseline: an improvement starts the count anew only beyond it, and is never what training stops at', async (t) => {
  const stop = async (values: number[], options: object) => {
    const stopping = callbacks.earlyStopping({ mode: 'max', baseline: 0.5, ...options });
    await run([stopping], val(...values), new FakeModel());
    return [stopping.stoppedEpoch, stopping.bestEpoch];
  };
  const up = [0.1, 0.11, 0.12, 0.13, 0.14];
  t.deepEqual(await stop(up, { patience: 2 }), [undefined, 4]);
  t.deepEqual(await stop([...up, 0.13], { patience: 2 }), [5, 4]); // 6 epochs have gone by, not 1
  t.deepEqual(await stop([...up, 0.6, 0.59, 0.58], { patience: 2 }), [7, 5]);
  t.deepEqual(await stop([0.1, 0.2, 0.1, 0.1], { patience: 3, startFromEpoch: 1 }), [3, 1]);
  t.deepEqual(await stop([0.1, 0.05], {}), [1, 0]);
});

test('a checkpoint takes 0 and refuses NaN as what is to be beaten', async (t) => {
  const filepath = join(folder(t), '{epoch}');
  const checkpoint = callbacks.modelCheckpoint({ filepath, saveBestOnly: true, initialValueThreshold: 0 });
  const model = new FakeModel();
  await run([checkpoint], val(0.5, -0.5), model);
  t.deepEqual([model.saved.length, checkpoint.best], [1, -0.5]);
  for (const initialValueThreshold of [Number.NaN, '' as never])
    t.throws(() => callbacks.modelCheckpoint({ filepath, initialValueThreshold }), {
      message: /initialValueThreshold/,
    });
});

test("mode 'auto' knows every metric", async (t) => {
  for (const name of Object.keys(metrics) as (keyof typeof metrics)[]) {
    const model = new FakeModel();
    (model.metrics as { name: string; config: { name: string } }[]).push({ name: 'mine', config: { name } });
    const stopping = callbacks.earlyStopping({ monitor: 'val_mine' });
    await run([stopping], [{ val_mine: 1 }, { val_mine: 2 }, { val_mine: 0 }], model);
    t.is(stopping.best, /Error$|entropy$|^false|inge$|^logCosh|^poisson|Divergence$/.test(name) ? 1 : 2, name);
  }
});

test.serial('what callbacks add to the logs may be called anything; a monitored value is a number', async (t) => {
  const logs = { loss: 1, constructor: 2, toString: 3 } as unknown as Logs;
  const { history } = await run([], [logs, logs], new FakeModel());
  t.deepEqual(history.history.constructor as unknown, [2, 2]);
  const messages = await warningsOf(() =>
    run([callbacks.earlyStopping({ monitor: 'valueOf', mode: 'min' })], [logs], new FakeModel()),
  );
  t.regex(messages[0], /needs 'valueOf', which is not in the logs; there are: loss, constructor, toString/);
  await t.throwsAsync(run([callbacks.earlyStopping()], [{ val_loss: '1' as never }], new FakeModel()), {
    instanceOf: TypeError,
    message: "Expected logs.val_loss to be a number, got '1' (string)",
  });
  const terminal = new Terminal(false);
  const home = folder(t);
  const note = [{ loss: 1, note: 'mine' as never }];
  await run([callbacks.progressBar({ stream: terminal as never }), callbacks.tensorBoard(home)], note, new FakeModel());
  t.regex(terminal.text, /loss: 1\.0000 - note: mine\n$/);
});

test('a schedule of one’s own that comes to no rate is refused', async (t) => {
  for (const wrong of [Number.NaN, -1, undefined as never, '0.1' as never]) {
    const config = { name: 'mine' as never };
    const schedule = Object.assign((step: number) => (step < 2 ? 0.1 : wrong), { config });
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1 });
    model.compile({ optimizer: optimizers.adam({ learningRate: schedule }), loss: 'mse' });
    await t.throwsAsync(model.fit([[1], [2]], [1, 2], { epochs: 3, batchSize: 2 }), {
      message: /^Expected the learning rate of step 2 to be a non-negative number, got /,
    });
    t.is(model.iterations, 2);
  }
});

test('learningRateScheduler sets the rate of every epoch from the one before', async (t) => {
  const model = new FakeModel();
  const seen: number[][] = [];
  const schedule = (epoch: number, rate: number) => {
    seen.push([epoch, rate]);
    return rate / 2;
  };
  const { history } = await run(
    [callbacks.learningRateScheduler(schedule)],
    [{ loss: 1 }, { loss: 1 }, { loss: 1 }],
    model,
  );
  t.deepEqual(seen, [
    [0, 0.5],
    [1, 0.25],
    [2, 0.125],
  ]);
  t.deepEqual(history.history.learning_rate, [0.25, 0.125, 0.0625]);
  await t.throwsAsync(run([callbacks.learningRateScheduler(() => Number.NaN)], [{}], model), {
    instanceOf: RangeError,
    message: 'Expected the rate that schedule returned to be a non-negative number, got NaN (number)',
  });
});

test('callbacks that set the learning rate refuse an optimizer with a schedule', async (t) => {
  for (const callback of [callbacks.reduceLROnPlateau(), callbacks.learningRateScheduler(() => 1)]) {
    const model = new FakeModel();
    model.optimizer.learningRate = schedules.cosineDecay({ initialLearningRate: 1, decaySteps: 10 });
    await t.throwsAsync(run([callback], [{ val_loss: 1 }], model), { instanceOf: TypeError, message: /'cosineDecay'/ });
  }
});

test.serial('terminateOnNaN ends training at the batch', async (t) => {
  for (const loss of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const model = new FakeModel();
    const callback = callbacks.terminateOnNaN();
    callback.setModel?.(model);
    const messages = await warningsOf(() => {
      callback.onBatchEnd?.(0, { loss: 1 });
      t.false(model.stopTraining);
      callback.onBatchEnd?.(1, { loss });
      callback.onBatchEnd?.(2, { loss });
    });
    t.true(model.stopTraining);
    t.deepEqual(messages, [`Batch 1: the loss is ${loss}, so training ends`]);
  }
});

test('callbacks are called in order, each after the promise of the one before', async (t) => {
  const calls: string[] = [];
  const record = (name: string, wait: boolean): Callback => {
    const hook =
      (what: string) =>
      (...args: unknown[]) => {
        calls.push(`${name}.${what}(${args.filter((arg) => typeof arg === 'number').join()})`);
        return wait
          ? new Promise((resolve) => setTimeout(resolve, 2)).then(() => calls.push(`${name} waited`))
          : undefined;
      };
    return {
      setModel: () => void calls.push(`${name}.setModel`),
      setParams: ({ steps }) => void calls.push(`${name}.setParams(${steps})`),
      onTrainBegin: hook('onTrainBegin'),
      onEpochEnd: hook('onEpochEnd'),
      onProgress: (batches) => void calls.push(`${name}.onProgress(${batches})`),
      onTrainEnd: hook('onTrainEnd'),
    };
  };
  await run([record('a', true), record('b', false)], [{ loss: 1 }], new FakeModel(), 1);
  t.deepEqual(calls, [
    ...['a.setModel', 'a.setParams(4)', 'b.setModel', 'b.setParams(4)'],
    ...['a.onTrainBegin()', 'a waited', 'b.onTrainBegin()'],
    ...['a.onProgress(1)', 'b.onProgress(1)'],
    ...['a.onEpochEnd(0)', 'a waited', 'b.onEpochEnd(0)'],
    ...['a.onTrainEnd()', 'a waited', 'b.onTrainEnd()'],
  ]);
});

test('a synchronous training refuses promises, and calls nobody after that', async (t) => {
  const calls: string[] = [];
  const list = new CallbackList(
    [{ onTrainBegin: () => Promise.reject(new Error('unheard')) }, { onTrainBegin: () => calls.push('second') }],
    new FakeModel(),
    { epochs: 1, initialEpoch: 0, steps: 1, samples: 1, batchSize: 1, verbose: 0, metrics: [] },
  );
  t.throws(() => driveSync(list.onTrainBegin({ restore: async () => {}, swapAverages() {} })), {
    instanceOf: TypeError,
    message: /callbacks of a synchronous call.*promise/,
  });
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(calls, []);
});

test('what a callback throws or rejects with comes out', async (t) => {
  for (const fail of [
    () => Promise.reject(new Error('mine')),
    () => {
      throw new Error('mine');
    },
  ])
    await t.throwsAsync(run([{ onEpochEnd: fail }], [{ loss: 1 }], new FakeModel()), { message: 'mine' });
});

test('a promise of any method is waited for, and what it rejects with comes out', async (t) => {
  for (const hook of [
    'setModel',
    'setParams',
    'onTrainBegin',
    'onEpochBegin',
    'onProgress',
    'onEpochEnd',
    'onTrainEnd',
  ]) {
    const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [1] })], seed: 1 });
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    const order: string[] = [];
    const slow = { [hook]: () => new Promise((resolve) => setTimeout(resolve, 2)).then(() => order.push('slow')) };
    await model.fit([[1]], [1], { callbacks: [slow, { [hook]: () => void order.push('next') }] });
    t.deepEqual(order, ['slow', 'next'], hook);
    const failing = { [hook]: () => Promise.reject(new Error(hook)) };
    await t.throwsAsync(model.fit([[1]], [1], { callbacks: failing }), { message: hook });
    t.throws(() => model.fitSync([[1]], [1], { callbacks: failing }), { message: /synchronous call.*promise/ });
  }
});

test('the logs of a batch are only asked for by callbacks that want them', (t) => {
  const wants = (...list: Callback[]) => new CallbackList(list, new FakeModel(), {} as never).wantsBatches;
  const { earlyStopping, csvLogger, progressBar, modelCheckpoint, terminateOnNaN, tensorBoard } = callbacks;
  t.false(
    wants(
      earlyStopping(),
      csvLogger('x'),
      progressBar(),
      tensorBoard(),
      modelCheckpoint({ filepath: 'x' }),
      new History(),
    ),
  );
  t.true(wants(modelCheckpoint({ filepath: 'x', saveFreq: 3 })));
  t.true(wants(terminateOnNaN()));
  t.true(wants(tensorBoard('x', { updateFreq: 'batch' })));
});

test('what is no callback is refused, misspelt methods by name', (t) => {
  const list =
    (...given: unknown[]) =>
    () =>
      new CallbackList(given as Callback[], new FakeModel(), {} as never);
  t.throws(list({ onEpochEnd() {} }, { onEpochEnded() {} }), {
    instanceOf: TypeError,
    message:
      /^Expected callbacks\[1\] to have no method 'onEpochEnded' \(did you mean 'onEpochEnd'\?\); there are: setModel/,
  });
  for (const wrong of [undefined, 'earlyStopping', callbacks.earlyStopping, {}, []])
    t.throws(list(wrong), { instanceOf: TypeError, message: /^Expected callbacks\[0\] to be a callback/ });
  for (const meant of ['earlyStopping', 'EarlyStopping', callbacks.earlyStopping, { earlyStopping: { patience: 2 } }])
    t.throws(list(meant), { message: /, got .*earlyStopping.*; callbacks\.earlyStopping\(…\) makes one$/i });
  for (const unknown of ['early', {}, { patience: 2 }, () => {}, Symbol('earlyStopping')])
    t.throws(list(unknown), { message: /^Expected callbacks\[0\] to be a callback.*, got [^;]*$/ });
  t.throws(list({ onEpochEnd: 3 }), { message: 'Expected callbacks[0].onEpochEnd to be a function, got 3 (number)' });
  t.notThrows(
    list(
      new (class {
        onEpochEnd() {}
      })(),
    ),
  );
});

test('options are checked', (t) => {
  const refuses = (make: () => unknown, message: string | RegExp) => t.throws(make, { message });
  const { earlyStopping, reduceLROnPlateau, modelCheckpoint, csvLogger, tensorBoard, progressBar } = callbacks;
  refuses(() => earlyStopping({ patients: 3 } as never), /no option 'patients' \(did you mean 'patience'\?\)/);
  refuses(() => earlyStopping({ patience: -1 }), 'Expected patience to be a non-negative integer, got -1 (number)');
  refuses(() => earlyStopping({ mode: 'maximum' as never }), /one of 'auto', 'min', 'max'/);
  refuses(() => earlyStopping({ minDelta: Number.NaN }), /Expected minDelta/);
  refuses(() => earlyStopping({ verbose: 2 as never }), 'Expected verbose to be 0 or 1, got 2 (number)');
  refuses(() => reduceLROnPlateau({ factor: 1 }), 'Expected factor to be a number in (0, 1), got 1 (number)');
  refuses(() => modelCheckpoint({} as never), 'Expected filepath to be a string, got undefined');
  refuses(() => modelCheckpoint({ filepath: '{epoch:x}.safetensors' }), /placeholders such as/);
  refuses(
    () => modelCheckpoint({ filepath: 'x', saveFreq: 0 }),
    'Expected saveFreq to be a positive integer, got 0 (number)',
  );
  refuses(
    () => modelCheckpoint({ filepath: 'x', saveFreq: 'batch' as never }),
    /Expected saveFreq to be 'epoch' or a positive/,
  );
  refuses(() => csvLogger('x', { separator: ', ' }), "Expected separator to be one character, got ', ' (string)");
  refuses(() => csvLogger(3 as never), 'Expected path to be a file name or URL, got 3 (number)');
  refuses(() => tensorBoard('x', { updateFreq: 0 }), 'Expected updateFreq to be a positive integer, got 0 (number)');
  refuses(() => progressBar({ verbose: 3 as never }), 'Expected verbose to be 0, 1 or 2, got 3 (number)');
});

test('modelCheckpoint says which names a path can be made of', async (t) => {
  const checkpoint = callbacks.modelCheckpoint({ filepath: join(folder(t), '{epoch}-{val_accuracy}') });
  await t.throwsAsync(run([checkpoint], [{ loss: 1 }], new FakeModel()), {
    instanceOf: RangeError,
    message: /^Expected filepath to be made of the names loss, epoch, got /,
  });
});

class Terminal {
  text = '';
  constructor(
    readonly isTTY?: boolean,
    readonly columns?: number,
  ) {}
  write(text: string) {
    this.text += text;
    return true;
  }
  /** What is on the screen: escapes and overdrawn lines removed. */
  get lines() {
    return this.text.split('\n').map((line) => line.split('\r\x1b[K'));
  }
}

test('the progress bar writes one line an epoch where there is no terminal', async (t) => {
  for (const terminal of [new Terminal(), new Terminal(true, 80)]) {
    const bar = callbacks.progressBar({ verbose: terminal.isTTY ? 2 : 1, stream: terminal as never });
    await run(
      [bar],
      [
        { loss: 1.5, accuracy: 0.25 },
        { loss: 0.0004, accuracy: Number.NaN },
      ],
      new FakeModel(),
      4,
    );
    const [first, second, rest] = terminal.text.split('\n');
    t.regex(first, /^Epoch 1\/2 - 0s - [\d,]+ samples\/s - loss: 1\.5000 - accuracy: 0\.2500$/);
    t.regex(second, /^Epoch 2\/2 - 0s - [\d,]+ samples\/s - loss: 4\.0000e-4 - accuracy: NaN$/);
    t.is(rest, '');
  }
  const silent = new Terminal();
  await run([callbacks.progressBar({ verbose: 0, stream: silent as never })], [{ loss: 1 }], new FakeModel());
  t.is(silent.text, '');
});

test('the progress bar draws over one line of a terminal, and never beyond its width', (t) => {
  const arb = fc.record({
    columns: fc.integer({ min: 0, max: 200 }),
    epochs: fc.integer({ min: 1, max: 2000 }),
    batches: fc.integer({ min: 1, max: 40 }),
    logs: fc.dictionary(fc.string({ minLength: 1, maxLength: 12 }), fc.double(), { maxKeys: 6 }),
  });
  fc.assert(
    fc.property(arb, ({ columns, epochs, batches, logs }) => {
      const terminal = new Terminal(true, columns);
      const width = columns || 80; // pseudo-terminals may tell no width
      const bar = callbacks.progressBar({ stream: terminal as never });
      bar.setParams?.({ epochs, initialEpoch: 0, steps: 40, samples: 3950, batchSize: 100, verbose: 1, metrics: [] });
      bar.onTrainBegin?.();
      bar.onEpochBegin?.(0);
      bar.onProgress?.(batches, logs);
      const [[empty, drawn]] = terminal.lines;
      t.is(empty, '');
      t.true(drawn.length < Math.max(width, 2), `${drawn.length} of ${columns}: ${drawn}`);
      const share = Math.min(100 * batches, 3950) / 3950;
      if (width >= 40) t.true(drawn.includes(`${Math.floor(100 * share)}%`));
      if (width >= 120) t.regex(drawn, /━*╌* +\d+% - ETA \d+.* - [\d,∞]+ samples\/s/);
    }),
    { seed: 1, numRuns: 300 },
  );
});

test.serial('the ETA counts all epochs that are left', async (t) => {
  const terminal = new Terminal(true, 120);
  const bar = callbacks.progressBar({ stream: terminal as never });
  bar.setParams?.({ epochs: 1000, initialEpoch: 0, steps: 2, samples: 200, batchSize: 100, verbose: 1, metrics: [] });
  bar.onTrainBegin?.();
  bar.onEpochBegin?.(0);
  await new Promise((resolve) => setTimeout(resolve, 60));
  bar.onProgress?.(1, { loss: 2 });
  const [[, drawn]] = terminal.lines;
  const [, minutes, seconds] = /ETA (\d+):(\d\d)/.exec(drawn) ?? [];
  const eta = 60 * Number(minutes) + Number(seconds);
  t.true(eta >= 0.06 * 1999 - 1 && eta < 600, drawn); // half an epoch took 60 ms or more, 1999 halves are left
});

test.serial('verbose callbacks say what they do', async (t) => {
  const { write } = process.stdout;
  let text = '';
  process.stdout.write = (chunk: unknown) => {
    text += chunk;
    return true;
  };
  try {
    await run(
      [
        callbacks.earlyStopping({ verbose: 1, restoreBestWeights: true }),
        callbacks.reduceLROnPlateau({ verbose: 1, patience: 1 }),
        callbacks.modelCheckpoint({ filepath: join(folder(t), '{epoch}'), verbose: 1, saveBestOnly: true }),
        callbacks.learningRateScheduler((_, rate) => rate, { verbose: 1 }),
      ],
      [{ val_loss: 1 }, { val_loss: 2 }],
      new FakeModel(),
    );
  } finally {
    process.stdout.write = write;
  }
  for (const part of [
    'Epoch 2: early stopping',
    'best epoch, 1',
    'rate to 0.05',
    'improved from nothing to 1.00000',
    'did not improve',
    'setting the learning rate to 0.5',
  ])
    t.true(text.includes(part), `${part} in ${text}`);
});

test('tensorBoard makes no file before training begins', (t) => {
  const home = folder(t);
  callbacks.tensorBoard(home);
  t.deepEqual(readdirSync(home), []);
});

/** A network that learns by heart: its validation loss falls, and then rises. */
function overfitting() {
  const random = new RandomState(2);
  const x = random.randn(60, 10);
  const y = random.randn(60, 1);
  for (let i = 0; i < 60; i++) y.data[i] += x.data[10 * i];
  const model = sequential({
    layers: [layers.dense({ units: 40, activation: 'tanh', inputShape: [10] }), layers.dense({ units: 1 })],
    seed: 1,
  });
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError', metrics: ['mae'] });
  return { model, x, y };
}

test('in a real training: best weights restored, checkpoints loadable, logs complete', async (t) => {
  const home = folder(t);
  const { model, x, y } = overfitting();
  const stopping = callbacks.earlyStopping({ patience: 5, restoreBestWeights: true });
  const checkpoint = callbacks.modelCheckpoint({
    filepath: join(home, 'best/{epoch}.safetensors'),
    saveBestOnly: true,
  });
  const history = await model.fit(x, y, {
    epochs: 400,
    validationSplit: 0.5,
    callbacks: [
      stopping,
      checkpoint,
      callbacks.reduceLROnPlateau({ patience: 2 }),
      callbacks.csvLogger(join(home, 'log.csv')),
    ],
  });
  const losses = history.history.val_loss;
  const best = losses.indexOf(Math.min(...losses));
  t.is(stopping.bestEpoch, best);
  t.is(stopping.stoppedEpoch, best + 5);
  t.deepEqual(history.epoch.at(-1), best + 5);
  t.is(history.history.learning_rate[0], 1e-3);
  t.true((history.history.learning_rate.at(-1) as number) < 1e-3);
  const half = {
    x: x.take(Array.from({ length: 30 }, (_, i) => 30 + i)),
    y: y.take(Array.from({ length: 30 }, (_, i) => 30 + i)),
  };
  t.is((await model.evaluate(half.x, half.y)).loss, losses[best]);
  t.is(checkpoint.lastSaved, join(home, `best/${best + 1}.safetensors`));
  const loaded = await Sequential.load(checkpoint.lastSaved as string);
  t.is((await loaded.evaluate(half.x, half.y)).loss, losses[best]);
  const rows = readFileSync(join(home, 'log.csv'), 'utf8').trimEnd().split('\r\n');
  t.is(rows.length, 1 + losses.length);
  t.is(rows[0], 'epoch,learning_rate,loss,mae,val_loss,val_mae');
});

test('callbacks change no bit of what is trained', async (t) => {
  const train = async (list: Callback[]) => {
    const { model, x, y } = overfitting();
    await model.fit(x, y, { epochs: 5, batchSize: 7, callbacks: list });
    return model.getWeights();
  };
  const home = folder(t);
  const watching = [
    callbacks.terminateOnNaN(),
    callbacks.tensorBoard(home, { histogramFreq: 1, updateFreq: 'batch' }),
    callbacks.modelCheckpoint({ filepath: join(home, 'x'), saveFreq: 4 }),
    callbacks.progressBar({ stream: new Terminal(true) as never }),
  ];
  t.deepEqual(await train(watching), await train([]));
});

test('a training of fitSync with a callback that waits fails, and the network stays usable', async (t) => {
  const { model, x, y } = overfitting();
  const checkpoint = callbacks.modelCheckpoint({ filepath: join(folder(t), 'x') });
  t.throws(() => model.fitSync(x, y, { callbacks: checkpoint }), {
    instanceOf: TypeError,
    message: /synchronous.*promise/,
  });
  t.notThrows(() => model.fitSync(x, y, { callbacks: callbacks.earlyStopping({ monitor: 'loss' }) }));
  await t.throwsAsync(model.fit(x, y, { callbacks: { onEpochEnd: () => Promise.reject(new Error('mine')) } }), {
    message: 'mine',
  });
  t.is((await model.predict(x)).length, 60);
});
