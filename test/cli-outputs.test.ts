import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import test from 'ava';
import { flowersCsv, lastDocument, Workplace } from './helpers/cli.js';

const place = new Workplace();
test.after.always(() => place.remove());

const flowers = place.write('flowers.csv', flowersCsv(60));
const file = (name: string) => place.path(name);

test.before(async (t) => {
  const made = await place.call('train', flowers, '--epochs', '3', '--save', file('net.safetensors'), '-q');
  t.is(made.code, 0, made.stderr);
});

test.serial('what is read, or written elsewhere, is not written over', async (t) => {
  const net = file('net.safetensors');
  const before = [flowers, net].map((path) => readFileSync(path));
  const cases: [RegExp, ...string[]][] = [
    [/--out and MODEL/, 'predict', net, flowers, '--out', net],
    [/--out and DATA/, 'predict', net, flowers, '--out', flowers],
    [/--save and DATA/, 'train', flowers, '--save', flowers],
    [/--report and --save/, 'train', flowers, '--save', file('new.html'), '--report', file('./new.html')],
    [/--test-data/, 'train', net, '--test-data', flowers, '--report', flowers],
    [/--journal and --save/, 'grid', flowers, '--save', file('g.json'), '--journal', file('g.json')],
    [/--out and MODEL/, 'report', net, '--out', net],
    [/OUT and IN/, 'convert', net, net, '--format', 'fjordnet'],
  ];
  for (const [message, ...args] of cases) {
    const { code, stderr } = await place.call(...args);
    t.is(code, 2, `${args.join(' ')}\n${stderr}`);
    t.regex(stderr, message);
    t.regex(stderr, /Expected .* to be two files, got '.*' for both/);
  }
  t.deepEqual(
    [flowers, net].map((path) => readFileSync(path)),
    before,
  );
  t.false(existsSync(file('new.html')));
});

test.serial('predictions are a file at once, or the one before stays', async (t) => {
  const net = file('net.safetensors');
  const whole = await place.call('predict', net, flowers, '--out', file('out.csv'));
  t.is(whole.code, 0, whole.stderr);
  const printed = await place.call('predict', net, flowers);
  const kept = readFileSync(file('out.csv'), 'utf8');
  t.is(kept, printed.stdout);
  const [names, ...rows] = readFileSync(flowers, 'utf8').trimEnd().split('\n');
  const damaged = place.write(
    'damaged.csv',
    [names, ...rows.slice(0, 3), rows[3].replace(/^[^,]*/, 'oops')].join('\n'),
  );
  const failed = await place.call('predict', net, damaged, '--out', file('out.csv'));
  t.is(failed.code, 3, failed.stderr);
  t.is(readFileSync(file('out.csv'), 'utf8'), kept);
});

const withFolders = process.platform === 'win32' ? test.skip : test.serial;

withFolders('what was trained is told and kept where its place has gone meanwhile', async (t) => {
  for (const [command, kept, ...more] of [
    ['train', 'fjordnet-checkpoint.safetensors', '--epochs', '100'],
    ['grid', 'fjordnet-grid.json', '--epochs', '20', '--search', 'l2=0.1:1:4'],
  ]) {
    mkdirSync(file('gone'));
    const { child, finished } = place.start([command, 'digits', '--save', file('gone/kept'), '--json', ...more]);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    rmSync(file('gone'), { recursive: true, force: true });
    const { code, stderr, stdout } = await finished;
    t.is(code, 4, stderr);
    t.regex(stderr, /Cannot write --save '.*kept'/);
    t.is(lastDocument(stdout).type, 'result');
    t.true(existsSync(file(kept)), command);
  }
});

test.serial('options that have no use are told', async (t) => {
  const net = file('net.safetensors');
  for (const [message, ...args] of [
    [/Expected DATA with --label, got none/, 'evaluate', net, '--label', 'kind'],
    [/Expected DATA with --separator, got none/, 'plot', 'history', net, '--separator', ';'],
    [/Expected no --set with history, but with heatmap/, 'plot', 'history', net, '--set', 'train'],
    [
      /Expected no --limit with history, but with images, importances, mistakes/,
      'plot',
      'history',
      net,
      '--limit',
      '3',
    ],
  ] as [RegExp, ...string[]][]) {
    const { code, stderr } = await place.call(...args);
    t.is(code, 2, stderr);
    t.regex(stderr, message);
  }
  const lecture = file('lecture.safetensors');
  await place.call('train', 'digits', '--model', 'lecture', '--epochs', '1', '--save', lecture, '-q');
  const resumed = await place.call('train', '--resume', lecture, '--epochs', '2', '--patience', '3');
  t.is(resumed.code, 2);
  t.regex(resumed.stderr, /Expected no --patience: '.*' is of --model lecture/);
});
