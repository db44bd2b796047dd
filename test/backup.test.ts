import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  type Callback,
  callbacks,
  layers,
  type Optimizer,
  optimizers,
  RandomState,
  Sequential,
  sequential,
} from 'fjordnet';

const random = new RandomState(0);
const x = random.randn(60, 4);
const y = random.randn(60, 2);

function compiled(optimizer: Optimizer = optimizers.adam(), units = 5, seed = 1): Sequential {
  const model = sequential({
    layers: [
      layers.dense({ units, activation: 'tanh', inputShape: [4] }),
      layers.dropout({ rate: 0.3 }),
      layers.dense({ units: 2 }),
    ],
    dtype: 'float64',
    seed,
  });
  model.compile({ optimizer, loss: 'meanSquaredError' });
  return model;
}
const weightsOf = (model: Sequential) => model.getWeights().map((w) => Array.from(w.data));

/** A path that does not exist yet. */
function backupPath(t: { teardown(fn: () => void): void }): string {
  const home = mkdtempSync(join(tmpdir(), 'fjordnet-backup-'));
  t.teardown(() => rmSync(home, { recursive: true }));
  return join(home, 'a', 'backup');
}

/** The machine goes down as this epoch begins. */
const crash = (at: number): Callback => ({
  onEpochBegin(epoch) {
    if (epoch === at) throw new Error('crash');
  },
});

test('training that was interrupted twice goes on from its backup, to the bit, and removes it at its end', async (t) => {
  const path = backupPath(t);
  const whole = compiled();
  const { history } = await whole.fit(x, y, { epochs: 7 });
  const losses: number[] = [];
  const note: Callback = { onEpochEnd: (_, logs) => void losses.push(logs.loss) };
  for (const at of [3, 4]) {
    const list = [callbacks.backupAndRestore({ path }), note, crash(at)];
    await t.throwsAsync(compiled(optimizers.adam(), 5, at === 3 ? 1 : 2).fit(x, y, { epochs: 7, callbacks: list }), {
      message: 'crash',
    });
    t.deepEqual(readdirSync(path), [`epoch-${at}.safetensors`]);
  }
  const last = compiled(optimizers.adam(), 5, 99);
  const result = await last.fit(x, y, { epochs: 7, callbacks: [callbacks.backupAndRestore({ path }), note] });
  t.deepEqual(losses, history.loss);
  t.deepEqual(result.epoch, [4, 5, 6]);
  t.deepEqual(weightsOf(last), weightsOf(whole));
  t.is(last.iterations, whole.iterations);
  t.false(existsSync(path));
});

test('a backup that is not deleted has the learning rate that was set meanwhile, and nothing is left to train', async (t) => {
  const path = backupPath(t);
  const backup = () => callbacks.backupAndRestore({ path, deleteCheckpoint: false });
  const slower = callbacks.learningRateScheduler((epoch, rate) => (epoch === 1 ? rate / 2 : rate));
  const first = compiled(optimizers.sgd({ learningRate: 0.5 }));
  await first.fit(x, y, { epochs: 3, callbacks: [slower, backup()] });
  t.deepEqual(readdirSync(path), ['epoch-3.safetensors']);
  const again = compiled(optimizers.sgd({ learningRate: 0.5 }), 5, 2);
  const { epoch } = await again.fit(x, y, { epochs: 3, callbacks: backup() });
  t.deepEqual(epoch, []);
  t.is(again.optimizer.learningRate, 0.25);
  t.deepEqual(weightsOf(again), weightsOf(first));
});

test('what else lies in the folder stays', async (t) => {
  const path = backupPath(t);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'epoch-9.txt'), '');
  await compiled().fit(x, y, { epochs: 1, callbacks: callbacks.backupAndRestore({ path }) });
  t.deepEqual(readdirSync(path), ['epoch-9.txt']);
});

test('a backup of another network, or a damaged one, is refused, and changes nothing', async (t) => {
  const path = backupPath(t);
  const backup = callbacks.backupAndRestore({ path, deleteCheckpoint: false });
  await compiled().fit(x, y, { epochs: 1, callbacks: backup });
  const file = join(path, 'epoch-1.safetensors');
  for (const [model, message] of [
    [
      compiled(optimizers.adam(), 6),
      /^Cannot load a model from '.*epoch-1\.safetensors': Expected the weight 'dense\/kernel' to be of shape \[4, 6\], got shape \[4, 5\]$/,
    ],
    [compiled(optimizers.sgd()), /^Cannot load a model from '.*': Expected 0 optimizer state tensors, got 8/],
  ] as const) {
    const before = weightsOf(model);
    await t.throwsAsync(model.fit(x, y, { epochs: 2, callbacks: backup }), { code: 'ERR_FORMAT', message });
    t.deepEqual(weightsOf(model), before);
  }
  copyFileSync(import.meta.filename, file);
  await t.throwsAsync(compiled().fit(x, y, { epochs: 2, callbacks: backup }), { code: 'ERR_FORMAT' });
});

test('validation sees the averages with swapEmaWeights, also if one was aborted, and checkpoints behind it hold them', async (t) => {
  const path = backupPath(t);
  const optimizer = () => optimizers.sgd({ learningRate: 0.1, useEma: true, emaMomentum: 0.9 });
  const abort = new AbortController();
  const model = compiled(optimizer());
  const before: number[][][] = [];
  const list: Callback[] = [
    { onTestBegin: () => void before.push(weightsOf(model)) },
    callbacks.swapEmaWeights(),
    { onTestBegin: () => abort.abort() },
  ];
  const validationData = [x, y] as const;
  const aborted = model.fit(x, y, { epochs: 1, validationData, callbacks: list, signal: abort.signal });
  await t.throwsAsync(aborted, { code: 'ERR_ABORTED' });
  t.deepEqual(weightsOf(model), before[0]);
  await model.fit(x, y, { epochs: 1, callbacks: { onTrainBegin: () => void before.push(weightsOf(model)) } });
  t.deepEqual(before[1], before[0]);

  const checkpoint = callbacks.modelCheckpoint({ filepath: join(path, 'averages.safetensors') });
  const swapping = compiled(optimizer());
  const swap = callbacks.swapEmaWeights({ swapOnEpoch: true });
  const seen: number[][][] = [];
  const look: Callback = { onEpochEnd: () => void seen.push(weightsOf(swapping)) };
  await swapping.fit(x, y, { epochs: 2, callbacks: [look, swap, look, checkpoint] });
  t.notDeepEqual(seen[0], seen[1]);
  const loaded = await Sequential.load(join(path, 'averages.safetensors'));
  t.deepEqual(weightsOf(loaded), seen[3]);
  t.deepEqual(weightsOf(swapping), seen[3]);
});

test('with swapOnEpoch, training that is stopped early ends with the averages too', async (t) => {
  const make = () => compiled(optimizers.sgd({ learningRate: 0.1, useEma: true }));
  const [plain, swapping] = [make(), make()];
  await plain.fit(x, y, { epochs: 2 });
  const stop: Callback = {
    onEpochEnd(epoch) {
      swapping.stopTraining = epoch === 1;
    },
  };
  await swapping.fit(x, y, { epochs: 5, callbacks: [callbacks.swapEmaWeights({ swapOnEpoch: true }), stop] });
  t.deepEqual(weightsOf(swapping), weightsOf(plain));
});

test('wrong uses are refused in one sentence', async (t) => {
  const refused = (run: () => unknown, message: string | RegExp) => t.throws(run, { message });
  refused(() => callbacks.backupAndRestore({ path: 1 as never }), 'Expected path to be a string, got 1 (number)');
  refused(() => callbacks.backupAndRestore({ path: 'a\0b' }), /^Expected path to be the name of a folder, got 'a/);
  refused(() => callbacks.backupAndRestore({ path: '' }), "Expected path to be the name of a folder, got '' (string)");
  refused(() => callbacks.backupAndRestore({ path: 'a', file: 1 } as never), /no option 'file'/);
  refused(
    () => callbacks.swapEmaWeights({ swapOnEpoch: 1 as never }),
    'Expected swapOnEpoch to be a boolean, got 1 (number)',
  );
  await t.throwsAsync(compiled().fit(x, y, { callbacks: callbacks.swapEmaWeights() }), {
    message: 'Expected the optimizer to have useEma: true, as there are no averages of the weights',
  });
  t.throws(() => compiled().fitSync(x, y, { callbacks: callbacks.backupAndRestore({ path: 'nowhere' }) }), {
    message: 'Expected callbacks of a synchronous call to return nothing, got a promise',
  });
});
