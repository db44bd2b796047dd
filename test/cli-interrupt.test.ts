import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { Sequential } from 'fjordnet';
import { lastDocument, Workplace } from './helpers/cli.js';

const place = new Workplace();
test.after.always(() => place.remove());

const FOREVER = ['--epochs', '10000000', '--json', '-q'];

/** Starts a training and resolves once it is under way. */
async function started(args: readonly string[]) {
  const run = place.start(args);
  await Promise.race([once(run.child.stdout!, 'data'), run.finished]);
  return run;
}

for (const model of ['mlp', 'lecture'])
  test.serial(`Ctrl-C ends the training of ${model} after a batch, saves it, and says how to go on`, async (t) => {
    const file = `${model}.safetensors`;
    const { child, finished } = await started(['train', 'digits', '--model', model, '--save', file, ...FOREVER]);
    child.kill('SIGINT');
    const { code, stdout, stderr } = await finished;
    t.is(code, 130, stderr);
    t.regex(stderr, /Stopping after this batch; Ctrl-C again leaves at once/);
    t.regex(stderr, new RegExp(`To go on: fjordnet train --resume ${model}\\.safetensors`));
    const stopped = lastDocument(stdout);
    t.like(stopped, { type: 'stopped', by: 'SIGINT', saved: file });
    await checkGoingOn(t, file, stopped.epochs);
  });

async function checkGoingOn(t: ExecutionContext, file: string, epochs: number): Promise<void> {
  const network = await Sequential.load(place.path(file));
  t.true(network.getWeights().every(({ data }) => data.every(Number.isFinite)));
  const resumed = await place.run('train', '--resume', file, '--epochs', String(epochs + 2), '--json', '-q');
  t.is(resumed.code, 0, resumed.stderr);
  const documents = resumed.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.deepEqual(
    documents.slice(0, -1).map(({ epoch }) => epoch),
    [epochs + 1, epochs + 2],
  );
}

test.serial('without --save the network goes into a checkpoint', async (t) => {
  const { child, finished } = await started(['train', 'digits', ...FOREVER]);
  child.kill('SIGTERM');
  const { code, stderr } = await finished;
  t.is(code, 143, stderr);
  t.regex(stderr, /fjordnet train --resume fjordnet-checkpoint\.safetensors/);
  t.true(existsSync(place.path('fjordnet-checkpoint.safetensors')));
});

test.serial('the second Ctrl-C leaves at once', async (t) => {
  const { child, finished } = await started([
    'train',
    'digits',
    '--hidden',
    '1500,1500',
    '--batch-size',
    '1437',
    '--save',
    'twice.safetensors',
    ...FOREVER,
  ]);
  child.kill('SIGINT');
  await once(child.stderr!, 'data');
  const begun = performance.now();
  child.kill('SIGINT');
  const { code } = await finished;
  t.is(code, 130);
  t.true(performance.now() - begun < 3000);
});

test.serial('Ctrl-C ends a grid and tells of the best so far', async (t) => {
  const { child, finished } = await started(['grid', 'digits', '--epochs', '40', '--json']);
  child.kill('SIGINT');
  const { code, stderr } = await finished;
  t.is(code, 130, stderr);
  t.regex(stderr, /Stopped after \d+ of 49 networks; best so far: learning-rate/);
});

test.serial('a scikit-learn estimator is saved as well, and cannot go on', async (t) => {
  const args = [
    'train',
    'digits',
    '--model',
    'sklearn',
    '--hidden',
    '400',
    '--save',
    'sklearn.safetensors',
    '--json',
    '-q',
  ];
  const { child, finished } = await started(args);
  child.kill('SIGINT');
  const { code, stderr } = await finished;
  t.is(code, 130, stderr);
  t.regex(stderr, /It can predict; an estimator of scikit-learn cannot go on from a file/);
  t.is((await place.run('evaluate', 'sklearn.safetensors', '--json')).code, 0);
  const resumed = await place.run('train', '--resume', 'sklearn.safetensors', '--epochs', '500');
  t.is(resumed.code, 2);
  t.regex(resumed.stderr, /keeps its optimizer's memory to itself/);
});

test.serial('a pipe that is closed early ends quietly, and a training keeps its network', async (t) => {
  const run = await started(['train', 'digits', '--save', 'pipe.safetensors', ...FOREVER]);
  run.child.stdout!.destroy();
  const { code, stderr } = await run.finished;
  t.is(code, 0, stderr);
  t.is(stderr, '');
  t.true(existsSync(place.path('pipe.safetensors')));

  const predicting = await started(['predict', 'pipe.safetensors', 'digits', '--probabilities']);
  predicting.child.stdout!.destroy();
  const predicted = await predicting.finished;
  t.is(predicted.code, 0);
  t.is(predicted.stderr, '');
});

test.serial('nothing is left behind', (t) => {
  t.deepEqual(
    readdirSync(place.folder).filter((name) => name.endsWith('.tmp')),
    [],
  );
});
