import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { Sequential } from 'fjordnet';
import { flowersCsv, lastDocument, Workplace } from './helpers/cli.js';

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

test.serial('a grid that was killed goes on from its journal', async (t) => {
  const args = (journal: string) => [
    ...'grid digits --epochs 3 --search hidden=5,10,15,20 --search l2=0,0.1 --threads 1 --seed 3 --json --journal'.split(
      ' ',
    ),
    journal,
  ];
  const networks = ({ stdout }: { stdout: string }) =>
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ type }) => type === 'network');
  const whole = await place.run(...args('whole.jsonl'), '--save', 'whole.json');
  t.is(whole.code, 0, whole.stderr);
  t.is(networks(whole).length, 8);

  const { child, finished } = place.start(args('killed.jsonl'));
  let lines = 0;
  child.stdout?.on('data', (text) => {
    lines += String(text).split('\n').length - 1;
    if (lines >= 3) child.kill('SIGKILL');
  });
  t.is((await finished).code, null);
  const kept = readFileSync(place.path('killed.jsonl'), 'utf8').trimEnd().split('\n').length - 1;
  t.true(kept >= 3 && kept < 8, String(kept));

  const again = await place.run(...args('killed.jsonl'), '--save', 'again.json');
  t.is(again.code, 0, again.stderr);
  t.is(networks(again).length, 8 - kept);
  t.regex(again.stderr, /\[8\/8\] hidden/);
  const scoresOf = (file: string) => {
    const { results, best } = JSON.parse(readFileSync(place.path(file), 'utf8'));
    return [best, ...results.map(({ seconds, ...rest }: any) => rest)];
  };
  t.deepEqual(scoresOf('again.json'), scoresOf('whole.json'));
});

test.serial('the journal of another grid is refused, and stays as it is', async (t) => {
  place.write('flowers.csv', flowersCsv(30));
  place.write('others.csv', flowersCsv(30).replace('.', '.1'));
  const grid = (data: string, ...more: string[]) =>
    place.run('grid', data, ...'--epochs 1 --search hidden=3,4 --journal flowers.jsonl -q'.split(' '), ...more);
  const first = await grid('flowers.csv');
  t.is(first.code, 0, first.stderr);
  const journal = readFileSync(place.path('flowers.jsonl'), 'utf8');
  t.is(journal.split('\n').length, 4);
  const others: [string[], RegExp][] = [
    [['flowers.csv', '--batch-size', '16'], /to be of a search of the same recipe, got /],
    [['flowers.csv', '--seed', '4'], /to be of a search of the same seed, got /],
    [['others.csv'], /to be of a search of the same data, got /],
    [['flowers.csv', '--search', 'l2=0,1'], /to be of a search of the same points, got /],
    [['flowers.csv', '--model', 'lecture'], /Expected no --journal with --model lecture/],
  ];
  for (const [[data, ...more], message] of others) {
    const { code, stderr } = await grid(data, ...more);
    t.is(code, 2);
    t.regex(stderr, message);
  }
  t.is(readFileSync(place.path('flowers.jsonl'), 'utf8'), journal);
  t.is((await grid('flowers.csv')).code, 0);
  const nowhere = await place.run('grid', 'flowers.csv', '--journal', 'none/grid.jsonl');
  t.is(nowhere.code, 4);
  t.regex(nowhere.stderr, /Cannot write --journal/);
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
