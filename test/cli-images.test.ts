import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { decode } from 'fast-png';
import { loadPredictor, RandomState, readImage } from 'fjordnet';
import { predictionServer } from '../dist/cli/server.js';
import { Workplace } from './helpers/cli.js';
import { drawShape, drawShapes, SHAPE_NAMES } from './helpers/shapes.js';

const work = new Workplace();
test.after.always(() => work.remove());
test.before(async () => {
  await drawShapes(work.path('shapes'), { 'blue disc': 40, 'red disc': 50, 'red square': 30 }, 1);
  await drawShapes(work.path('parts/train'), 40, 2);
  await drawShapes(work.path('parts/test'), 10, 3);
});
const SIZE = ['--size', '24x24'];

test.serial(
  'a folder of pictures trains, and its file answers alike from the command line, code and a server',
  async (t) => {
    const path = work.path('shapes.safetensors');
    const trained = await work.run('train', 'shapes', ...SIZE, '--epochs', '12', '--save', path);
    t.is(trained.code, 0, trained.stderr);
    t.regex(
      trained.stderr,
      /shapes: 120 samples of 24 x 24 x 3, 3 classes; 86 to train on, 10 to validate, 24 to test/,
    );

    const lines = (await work.run('predict', path, 'shapes')).stdout.trim().split('\n');
    t.is(lines[0], 'file,prediction');
    t.is(lines.length, 121);
    const answers = lines.slice(1).map((line) => line.split(','));
    t.true(answers.filter(([file, label]) => file.includes('blue') === label.includes('blue')).length > 110);

    const predictor = await loadPredictor(path);
    t.deepEqual(predictor.classes, SHAPE_NAMES);
    t.regex(predictor.describe(), /^From arrays of 24 x 24 x 3$/m);
    const pictures = await Promise.all(
      answers.map(([file]) => readImage(join(work.path('shapes'), file), { size: [24, 24] })),
    );
    const labels = answers.map(([, label]) => label);
    t.deepEqual(await predictor.predict(pictures), labels);
    t.deepEqual(predictor.predictSync(pictures.map((picture) => picture.toArray())), labels);
    const p = await predictor.predictProba(pictures.slice(0, 1));

    // one of them, and those of a folder without classes
    const [file] = answers[0];
    const told = (await work.run('predict', path, join('shapes', file), '--probabilities', '--json')).stdout;
    const one = JSON.parse(told);
    t.deepEqual([one.file, one.prediction, Object.keys(one.probabilities)], ['000.png', labels[0], SHAPE_NAMES]);
    for (const [k, name] of SHAPE_NAMES.entries()) t.true(Math.abs(one.probabilities[name] - p.data[k]) < 1e-5);
    const flat = (await work.run('predict', path, join('shapes', 'red square'))).stdout.trim().split('\n');
    t.deepEqual(
      flat.slice(1),
      lines.filter((line) => line.startsWith('red square/')).map((line) => line.slice(11)),
    );

    const server = predictionServer(predictor, { maxBody: 2 ** 20, timeout: 5000, maxRows: 100 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/predict`;
    const ask = async (body: unknown) =>
      (await fetch(url, { method: 'POST', body: JSON.stringify(body) })).json() as Promise<Record<string, unknown>>;
    t.deepEqual(await ask(pictures.slice(0, 3)), { predictions: labels.slice(0, 3) });
    t.deepEqual(await ask(pictures[0]), {
      error: "Expected rows to be of shape [n, 24, 24, 3], as the network's input, got shape [24, 24, 3]",
    });

    const evaluated = await work.run('evaluate', path, 'shapes', '--json');
    t.is(JSON.parse(evaluated.stdout).samples, 120);
    const resumed = await work.run('train', '--resume', path, '--epochs', '13');
    t.is(resumed.code, 0, resumed.stderr);
  },
);

test.serial('folders train and test are the split, and validation is of all classes', async (t) => {
  const path = work.path('parts.safetensors');
  const args = ['--size', '16', '--color-mode', 'grayscale', '--model', 'mlp', '--epochs', '3', '--save', path];
  const trained = await work.run('train', 'parts', ...args, '--json');
  t.is(trained.code, 0, trained.stderr);
  t.regex(trained.stderr, /parts: 150 samples of 256, 3 classes; 108 to train on, 12 to validate, 30 to test/);
  const epoch = JSON.parse(trained.stdout.split('\n')[2]);
  t.true(epoch.val_loss < 3 * epoch.loss, 'sorted by class, the last pictures would be unknown squares');
  const [own, other, whole] = await Promise.all(
    [[], ['parts/test'], ['parts']].map((data) => work.run('evaluate', path, ...data, '--json')),
  );
  const { samples, loss, accuracy } = JSON.parse(own.stdout);
  t.is(samples, 30);
  for (const { stdout } of [other, whole]) {
    const again = JSON.parse(stdout);
    t.deepEqual([again.samples, again.accuracy], [30, accuracy]);
    t.true(Math.abs(again.loss - loss) < 1e-6);
  }
  const predictor = await loadPredictor(path);
  const picture = await readImage(work.path('parts/test/red disc/003.png'), { size: [16, 16], colorMode: 'grayscale' });
  const [label] = (await predictor.predict([picture])) as string[];
  const { stdout } = await work.run('predict', path, 'parts/test/red disc/003.png');
  t.is(stdout, `file,prediction\n003.png,${label}\n`);
  const apart = await work.run('train', 'parts/train', '--test-data', 'parts/test', ...args, '--json');
  t.deepEqual(JSON.parse(apart.stdout.trim().split('\n').at(-1) as string).test, { loss, accuracy });
});

test.serial('info tells classes, counts and sizes, of both parts', async (t) => {
  const { stdout } = await work.run('info', 'shapes');
  t.is(
    stdout,
    'shapes: 120 pictures of 3 classes: blue disc (40), red disc (50), red square (30)\nSizes: all 24 x 24 (height x width)\n',
  );
  await drawShape(work.path('parts/test/red disc/big.jpg'), 'red disc', new RandomState(1), 40);
  writeFileSync(work.path('parts/test/red disc/broken.png'), 'no picture');
  const parts = JSON.parse((await work.run('info', 'parts', '--json')).stdout);
  t.deepEqual(
    parts.parts.map(({ damaged, ...part }: { damaged: string[] }) => ({ ...part, damaged: damaged.length })),
    [
      { name: 'train', samples: 120, classes: counts(40, 40, 40), height: [24, 24], width: [24, 24], damaged: 0 },
      { name: 'test', samples: 32, classes: counts(10, 12, 10), height: [24, 40], width: [24, 40], damaged: 1 },
    ],
  );
  const refused = await work.run('train', 'parts', ...SIZE, '--epochs', '1');
  t.is(refused.code, 3);
  t.regex(refused.stderr, /^fjordnet: Cannot read 'parts\/test\/red disc\/broken\.png': [^\n]+\n$/m);
  const left = await work.run('train', 'parts', ...SIZE, '--epochs', '1', '--skip-damaged');
  t.is(left.code, 0, left.stderr);
  t.regex(left.stderr, /1 damaged picture left out: parts\/test\/red disc\/broken\.png/);
});

const counts = (...n: number[]) => Object.fromEntries(SHAPE_NAMES.map((name, k) => [name, n[k]]));

test.serial('the report shows mistakes in their colours, the surest first', async (t) => {
  const { stderr } = await work.run('train', 'shapes', ...SIZE, '--epochs', '2', '--report', work.path('shapes.html'));
  const page = readFileSync(work.path('shapes.html'), 'utf8');
  t.regex(page, /misclassified test images, of 24; those first of which the network was surest/, stderr);
  const section = page.slice(page.lastIndexOf('>Mistakes<'), page.lastIndexOf('>Weights<'));
  // drawn twice, for both themes
  const shares = Array.from(section.matchAll(/>(\d+) % sure</g), ([, share]) => Number(share));
  const sure = shares.slice(0, shares.length / 2);
  t.true(sure.length > 1);
  t.deepEqual(
    sure,
    [...sure].sort((a, b) => b - a),
  );
  const [, uri] = /data:image\/png;base64,([^"]+)/.exec(section) as RegExpExecArray;
  const { data, width, channels } = decode(Buffer.from(uri, 'base64'));
  t.deepEqual([width, channels], [24, 3]);
  const pixels = Array.from({ length: data.length / 3 }, (_, i) => [...data.subarray(3 * i, 3 * i + 3)]);
  t.true(pixels.filter(([r, , b]) => Math.abs(r - b) > 80).length > 20, 'a red or blue shape');
});

test.serial('what cannot be meant is refused in one sentence', async (t) => {
  work.write('table.csv', 'a,b\n1,2\n3,4\n');
  const path = work.path('table.safetensors');
  await work.call('train', work.path('table.csv'), '--regression', '--test-size', '0', '--epochs', '1', '--save', path);
  const folder = work.path('shapes');
  const picture = join(folder, 'red disc', '000.png');
  const refused: [string[], number, RegExp][] = [
    [
      ['train', folder],
      2,
      /Expected --size HEIGHTxWIDTH, what the pictures of '.*shapes' are scaled to, such as 32x32, got none/,
    ],
    [['train', folder, '--size', '1x2x3'], 2, /Expected --size to be HEIGHTxWIDTH, such as 32x32, got '1x2x3'/],
    [['train', folder, ...SIZE, '--label', 'x'], 2, /Expected no --label with '.*shapes', which is no CSV file/],
    [
      ['train', folder, ...SIZE, '--labels', 'x'],
      2,
      /Expected no --labels with '.*shapes', whose folders are the classes/,
    ],
    [
      ['train', folder, ...SIZE, '--columns', 'x'],
      2,
      /Expected no options of columns with '.*shapes', a folder of pictures/,
    ],
    [
      ['train', folder, ...SIZE, '--shape', '2x2'],
      2,
      /Expected no --shape with '.*shapes', a folder of pictures, but --size HEIGHTxWIDTH/,
    ],
    [
      ['train', folder, ...SIZE, '--regression'],
      2,
      /Expected classification of '.*shapes', a folder of pictures by class, got regression/,
    ],
    [
      ['train', work.path('table.csv'), ...SIZE],
      2,
      /Expected no --size with '.*table\.csv', which is no folder of pictures/,
    ],
    [
      ['train', picture, ...SIZE],
      2,
      /Expected a folder with a folder of pictures for each class, got the picture '.*000\.png'/,
    ],
    [
      ['train', join(folder, 'red disc'), ...SIZE],
      3,
      /it is a folder without one for each class: it holds 50 pictures/,
    ],
    [
      ['train', folder, '--size', '20000x20000'],
      3,
      /to take at most [\d.]+ GiB of memory, .* got 120 of 20000x20000x3 \(536\.4 GiB\)/,
    ],
    [['predict', path, folder], 3, /Expected a network that was trained on a folder of pictures for '.*shapes'/],
    [['predict', path, folder, '--rows'], 2, /Expected no --rows with '.*shapes'/],
  ];
  for (const [args, code, message] of refused) {
    const result = await work.call(...args);
    t.regex(result.stderr, message);
    t.is(result.code, code, args.join(' '));
    t.is(result.stderr.trim().split('\n').length, 1, result.stderr);
  }
});

test.serial('a picture that is not there is named', async (t) => {
  await drawShapes(work.path('linked'), 3, 4);
  symlinkSync('nowhere', work.path('linked/red disc/gone.png'));
  const trained = await work.run('train', 'linked', ...SIZE, '--epochs', '1');
  t.is(trained.code, 3);
  t.regex(trained.stderr, /^fjordnet: Cannot read 'linked\/red disc\/gone\.png': there is no such file or folder$/m);
  const told = await work.run('info', 'linked');
  t.is(told.code, 0, told.stderr);
  t.regex(told.stdout, /1 picture cannot be read: linked\/red disc\/gone\.png/);
});
