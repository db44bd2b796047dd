import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { loadDigits, Sequential } from 'fjordnet';
import { flowersCsv, lastDocument, Workplace } from './helpers/cli.js';

const place = new Workplace();
test.before(() => {
  place.write('flowers.csv', flowersCsv(150));
  place.write('empty.csv', '');
  place.write('names.csv', 'a,b,c\n');
});
test.after.always(() => place.remove());

/** An IDX file of bytes. */
function idx(shape: readonly number[], data: ArrayLike<number>): Uint8Array {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.writeUInt32BE(0x0800 + shape.length);
  for (const [axis, n] of shape.entries()) head.writeUInt32BE(n, 4 + 4 * axis);
  return Buffer.concat([head, Uint8Array.from(data)]);
}

/** An NPY file of float64. */
function npy(shape: readonly number[], data: ArrayLike<number>): Uint8Array {
  const dict = `{'descr': '<f8', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const text = `${dict.padEnd(117)}\n`;
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(text.length, 8);
  return Buffer.concat([head, Buffer.from(text), new Uint8Array(Float64Array.from(data).buffer)]);
}

test.serial('no command, help, version', async (t) => {
  const [none, help, command, version, unknown] = await Promise.all([
    place.run(),
    place.run('--help'),
    place.run('help', 'train'),
    place.run('--version'),
    place.run('trian'),
  ]);
  t.is(none.code, 2);
  t.is(none.stdout, '');
  t.regex(none.stderr, /Usage: fjordnet COMMAND/);
  t.is(help.code, 0);
  t.regex(help.stdout, /Exit codes:\n +0 +done/);
  t.regex(command.stdout, /--learning-rate/);
  t.is(version.stdout, `${JSON.parse(readFileSync('package.json', 'utf8')).version}\n`);
  t.is(unknown.code, 2);
  t.regex(unknown.stderr, /^fjordnet: Expected a command \(.*\) \(did you mean 'train'\?\), got 'trian'/);
});

test.serial('trains on a table with classes in text, and predicts, evaluates and tells of what was kept', async (t) => {
  const trained = await place.run(
    ...'train flowers.csv --label species --learning-rate 0.01 --epochs 20 --save flowers.safetensors --json'.split(
      ' ',
    ),
  );
  t.is(trained.code, 0, trained.stderr);
  const lines = trained.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.is(lines.length, 21);
  t.deepEqual(
    lines.slice(0, 20).map(({ type, epoch }) => [type, epoch]),
    Array.from({ length: 20 }, (_, i) => ['epoch', i + 1]),
  );
  const result = lines[20];
  t.is(result.type, 'result');
  t.true(result.test.accuracy > 0.9);
  t.regex(trained.stderr, /Epoch 20\/20/);

  place.write('unlabelled.csv', flowersCsv(6, { label: false }));
  const [predicted, shares, own, all, info] = await Promise.all([
    place.run('predict', 'flowers.safetensors', 'unlabelled.csv'),
    place.run('predict', 'flowers.safetensors', 'flowers.csv', '--probabilities', '--json'),
    place.run('evaluate', 'flowers.safetensors', '--json'),
    place.run('evaluate', 'flowers.safetensors', 'flowers.csv'),
    place.run('info', 'flowers.safetensors', '--json'),
  ]);
  t.is(predicted.stdout, 'prediction\nlily\n"rose, wild"\niris\nlily\n"rose, wild"\niris\n');
  const rows = shares.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.is(rows.length, 150);
  for (const { probabilities } of rows)
    t.true(Math.abs(Object.values<number>(probabilities).reduce((a, b) => a + b) - 1) < 1e-5);
  t.deepEqual(Object.keys(rows[0].probabilities), ['iris', 'lily', 'rose, wild']);
  const test_ = lastDocument(own.stdout);
  t.is(test_.samples, 30);
  t.is(test_.accuracy, result.test.accuracy);
  t.is(
    test_.confusionMatrix.flat().reduce((a: number, b: number) => a + b),
    30,
  );
  t.regex(all.stdout, /150 samples\nAccuracy \d/);
  const { run, parameters, layers } = lastDocument(info.stdout);
  t.deepEqual(run.meaning.classes, ['iris', 'lily', 'rose, wild']);
  t.deepEqual(run.meaning.features, ['tepal', 'sepal', 'petal, long', 'petal']);
  t.is(parameters, 4 * 100 + 100 + 100 * 50 + 50 + 50 * 3 + 3);
  t.is(layers.length, 3);
  t.is((await Sequential.load(place.path('flowers.safetensors'))).countParams(), parameters);
});

test.serial('columns are found by name in any order, and a missing one is named', async (t) => {
  await place.run(...'train flowers.csv -q --epochs 2 --save order.safetensors'.split(' '));
  const rows = flowersCsv(4, { label: false, header: false })
    .trimEnd()
    .split('\n')
    .map((row) => row.split(','));
  const reversed = [
    'petal,"petal, long",sepal,tepal,note',
    ...rows.map((row) => [...row].reverse().concat('7').join(',')),
  ];
  place.write('straight.csv', flowersCsv(4, { label: false }));
  place.write('reversed.csv', `${reversed.join('\n')}\n`);
  place.write('short.csv', 'petl,"petal, long",sepal,tepal\n1,2,3,4\n');
  const [straight, turned, short] = await Promise.all(
    ['straight.csv', 'reversed.csv', 'short.csv'].map((file) =>
      place.run('predict', 'order.safetensors', file, '--probabilities'),
    ),
  );
  t.is(turned.code, 0, turned.stderr);
  t.is(turned.stdout, straight.stdout);
  t.is(short.code, 3);
  t.regex(short.stderr, /to have the column 'petal' that the network was trained on \(did you mean 'petl'\?\)/);
});

test.serial('numbers to predict are a regression, in their own units', async (t) => {
  const rows = Array.from({ length: 200 }, (_, i) => {
    const [a, b] = [Math.sin(i * 1.7), Math.cos(i * 2.3)];
    return `${a.toFixed(5)};${b.toFixed(5)};${(5000 + 300 * a - 200 * b).toFixed(3)}`;
  });
  place.write('houses.csv', `a;b;price\n${rows.join('\n')}\n`);
  const trained = await place.run(
    ...'train houses.csv --separator ; --label price --epochs 60 --learning-rate 0.01 --save houses.safetensors --json -q'.split(
      ' ',
    ),
  );
  t.is(trained.code, 0, trained.stderr);
  t.true(lastDocument(trained.stdout).test.r2 > 0.95);
  const predicted = await place.run('predict', 'houses.safetensors', 'houses.csv', '--separator', ';');
  const values = predicted.stdout.trimEnd().split('\n').slice(1).map(Number);
  t.is(values.length, 200);
  values.forEach((value, i) => t.true(Math.abs(value - Number(rows[i].split(';')[2])) < 100));
  const refused = await place.run('predict', 'houses.safetensors', 'houses.csv', '--separator', ';', '--probabilities');
  t.is(refused.code, 2);
  const lecture = await place.run('train', 'houses.csv', '--separator', ';', '--model', 'lecture');
  t.is(lecture.code, 2);
  t.regex(lecture.stderr, /Expected classes with --model lecture, got numbers/);
});

test.serial('NPY, IDX (gzipped or not), TSV and standard input hold the same digits', async (t) => {
  const { images, target } = loadDigits();
  const n = 400;
  const [pixels, labels] = [images.data.subarray(0, n * 64), target.data.subarray(0, n)];
  place.write('x.npy', npy([n, 8, 8], pixels));
  place.write('y.npy', npy([n], labels));
  place.write('train-images-idx3-ubyte.gz', gzipSync(idx([n, 8, 8], pixels)));
  place.write('train-labels-idx1-ubyte.gz', gzipSync(idx([n], labels)));
  place.write('plain.idx', idx([n, 8, 8], pixels));
  place.write('labels.txt', `${Array.from(labels).join('\n')}\n`);
  const rows = Array.from({ length: n }, (_, i) => [...pixels.subarray(i * 64, i * 64 + 64), labels[i]]);
  place.write('digits.tsv.gz', gzipSync(`${rows.map((row) => row.join('\t')).join('\n')}\n`));
  const common = ['--epochs', '2', '-q', '--json', '--scale', 'max'];
  const stdin = rows.map((row) => row.join(',')).join('\n');
  const results = await Promise.all([
    place.run('train', 'x.npy', '--labels', 'y.npy', ...common),
    place.run('train', 'train-images-idx3-ubyte.gz', ...common),
    place.run('train', 'plain.idx', '--labels', 'labels.txt', ...common),
    place.run('train', 'digits.tsv.gz', ...common),
    place.start(['train', '-', ...common], stdin).finished,
  ]);
  const losses = results.map(({ code, stdout, stderr }) => {
    t.is(code, 0, stderr);
    return lastDocument(stdout).test.loss;
  });
  for (const loss of losses) t.is(loss, losses[0]);
});

test.serial('every kind of network trains, and can be asked again', async (t) => {
  place.write(
    'net.json',
    JSON.stringify({
      layers: [
        { type: 'conv2d', filters: 4, kernelSize: 3, activation: 'relu' },
        { type: 'flatten' },
        { className: 'Dense', config: { units: 10, activation: 'softmax' } },
      ],
      optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0.9 },
      loss: 'categoricalCrossentropy',
    }),
  );
  const least = { mlp: 0.9, cnn: 0.85, lecture: 0.6, sklearn: 0.8, 'net.json': 0.85 };
  await Promise.all(
    Object.entries(least).map(async ([model, accuracy]) => {
      const file = `${model}.safetensors`;
      const epochs = model === 'lecture' ? '30' : '8';
      const trained = await place.run(
        'train',
        'digits',
        '--model',
        model,
        '--epochs',
        epochs,
        '--save',
        file,
        '--json',
        '-q',
      );
      t.is(trained.code, 0, trained.stderr);
      const { test: scores } = lastDocument(trained.stdout);
      t.true(scores.accuracy > accuracy, `${model} ${scores.accuracy}`);
      const again = await place.run('evaluate', file, '--json');
      t.is(lastDocument(again.stdout).accuracy, scores.accuracy, model);
      t.true(Math.abs(lastDocument(again.stdout).loss - scores.loss) < 1e-12);
    }),
  );
});

test.serial('a training that is saved and resumed has the bits of one that never stopped', async (t) => {
  for (const options of [
    ['--dropout', '0.2', '--optimizer', 'adam'],
    ['--model', 'lecture'],
  ]) {
    const save = async (file: string, epochs: string) =>
      place.run('train', 'digits', ...options, '--epochs', epochs, '--save', file, '-q');
    await Promise.all([save('whole.safetensors', '6'), save('part.safetensors', '2')]);
    const resumed = await place.run('train', '--resume', 'part.safetensors', '--epochs', '6', '--json', '-q');
    t.is(resumed.code, 0, resumed.stderr);
    const documents = resumed.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    t.deepEqual(
      documents.slice(0, -1).map(({ epoch }) => epoch),
      [3, 4, 5, 6],
    );
    const [whole, part] = await Promise.all(
      ['whole', 'part'].map((name) => Sequential.load(place.path(`${name}.safetensors`))),
    );
    t.deepEqual(
      part.getWeights().map(({ data }) => data),
      whole.getWeights().map(({ data }) => data),
    );
    const histories = await Promise.all(
      ['whole', 'part'].map((name) => place.run('info', `${name}.safetensors`, '--json')),
    );
    const [a, b] = histories.map(({ stdout }) => lastDocument(stdout).run.history);
    t.deepEqual(b, a);
  }
  const done = await place.run('train', '--resume', 'part.safetensors');
  t.is(done.code, 2);
  t.regex(done.stderr, /Expected --epochs to be more than the 6/);
});

test.serial('a grid finds the best of its networks, and its scores can be drawn', async (t) => {
  const found = await place.run(
    ...'grid flowers.csv --search hidden=2,8x4 --search learning-rate=0.0001:0.01:2 --epochs 20 --save grid.json --json -q'.split(
      ' ',
    ),
  );
  t.is(found.code, 0, found.stderr);
  const documents = found.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.is(documents.length, 5);
  t.is(documents[4].best.params['learning-rate'], 0.01);
  const grid = JSON.parse(readFileSync(place.path('grid.json'), 'utf8'));
  t.deepEqual(grid.axes, [
    { name: 'hidden', values: [[2], [8, 4]] },
    { name: 'learning-rate', values: [0.0001, 0.01] },
  ]);
  t.is(grid.results.length, 4);
  const drawn = await place.run('plot', 'heatmap', 'grid.json');
  t.is(drawn.code, 0, drawn.stderr);
  t.regex(drawn.stdout, /hidden +1e-04 +1e-02|hidden +0\.0001 +0\.01/);
  const wrong = await Promise.all([
    place.run('grid', 'flowers.csv', '--search', 'hiden=1'),
    place.run('grid', 'flowers.csv', '--search', 'hidden=1,x'),
    place.run('grid', 'flowers.csv', '--search', 'activation=relu,rel'),
    place.run('grid', 'flowers.csv', '--search', 'l2=1:2'),
    place.run('grid', 'flowers.csv', '--search', 'l2=1,2', '--l2', '3'),
  ]);
  t.deepEqual(
    wrong.map(({ code }) => code),
    [2, 2, 2, 2, 2],
  );
  t.regex(wrong[0].stderr, /did you mean 'hidden'/);
  t.regex(wrong[2].stderr, /did you mean 'relu'/);
});

test.serial(
  "the lecture's grid draws in the lecture's order: the same seed gives the same table with any number of threads",
  async (t) => {
    const tables = await Promise.all(
      ['1', '2'].map((threads) =>
        place.run(
          ...`grid digits --model lecture --epochs 3 --search eta=0.0001,0.001 --search lmbd=0,1 --threads ${threads} --save lecture-${threads}.json -q`.split(
            ' ',
          ),
        ),
      ),
    );
    for (const { code, stderr } of tables) t.is(code, 0, stderr);
    const scores = ['1', '2'].map((threads) =>
      JSON.parse(readFileSync(place.path(`lecture-${threads}.json`), 'utf8')).results.map((r: any) => [
        r.trainScore,
        r.testScore,
      ]),
    );
    t.deepEqual(scores[0], scores[1]);
  },
);

test.serial('figures: as text, as files, and in one sentence why not', async (t) => {
  const results = await Promise.all([
    place.run('plot', 'images', 'digits', '--limit', '2'),
    place.run('plot', 'activation', 'relu', '--out', 'relu.svg', '--json'),
    place.run('plot', 'activation', 'rel', '--out', 'relu.png'),
    place.run('plot', 'netwrk'),
    place.run('plot', 'activation'),
    place.run('plot', 'activation', '--out', 'a.gif'),
    place.run('plot', 'history'),
  ]);
  t.deepEqual(
    results.map(({ code }) => code),
    [0, 0, 2, 2, 2, 2, 2],
  );
  t.regex(results[0].stdout, /@@/);
  t.is(lastDocument(results[1].stdout).file, 'relu.svg');
  t.regex(readFileSync(place.path('relu.svg'), 'utf8'), /^<svg .*<\/svg>\n$/s);
  t.regex(results[3].stderr, /did you mean 'network'/);
});

test.serial('what a new user gets wrong is told in one sentence, with a code of its own', async (t) => {
  mkdirSync(place.path('folder'), { recursive: true });
  place.write('text.csv', 'a,b,c\n1,2,x\n3,oops,y\n5,6,x\n7,8,y\n9,1,x\n');
  place.write('ragged.csv', 'a,b,c\n1,2,x\n3,4\n');
  place.write('one.csv', 'a,b\n1,x\n2,x\n3,x\n');
  place.write('broken.json', '{ "layers": [ { "type": "dens", "units": 3 } ] }');
  const cases: [code: number, message: RegExp, ...args: string[]][] = [
    [3, /Cannot read 'nothing\.csv': there is no such file or folder/, 'train', 'nothing.csv'],
    [3, /Cannot read 'folder'.*folder/, 'train', 'folder'],
    [3, /Cannot read 'empty\.csv': it is empty/, 'train', 'empty.csv'],
    [3, /it has names \('a', 'b', 'c'\), but no rows below them/, 'train', 'names.csv'],
    [
      2,
      /Expected --label for 'flowers\.csv' to be one of its 5 columns \(did you mean 'species'\?\)/,
      'train',
      'flowers.csv',
      '--label',
      'specis',
    ],
    [2, /Expected --label for 'flowers\.csv' to be one of its 5 columns/, 'train', 'flowers.csv', '--label', '7'],
    [3, /Cannot use 'text\.csv': Expected the column 'b' .*'oops'/, 'train', 'text.csv'],
    [3, /Cannot read 'ragged\.csv'/, 'train', 'ragged.csv'],
    [3, /Expected 'one\.csv' to hold two classes or more, got one: x/, 'train', 'one.csv'],
    [
      3,
      /Expected 'x' to be|layer 0: Expected its type to be one of .* \(did you mean 'dense'\?\)/,
      'train',
      'digits',
      '--model',
      'broken.json',
    ],
    [
      2,
      /Expected --model to be one of mlp, cnn, lecture, sklearn or a FILE\.json/,
      'train',
      'digits',
      '--model',
      'rnn',
    ],
    [
      2,
      /Expected no option --dropout with --model lecture/,
      'train',
      'digits',
      '--model',
      'lecture',
      '--dropout',
      '0.1',
    ],
    [2, /Expected --activation to be one of .*did you mean 'relu'/, 'train', 'digits', '--activation', 'relo'],
    [2, /--shape HEIGHTxWIDTHxCHANNELS says how they lie/, 'train', 'text-free.csv', '--model', 'cnn'],
    [
      4,
      /Cannot write --save '\/nonexistent\/a\.safetensors': there is no folder '\/nonexistent'/,
      'train',
      'digits',
      '--save',
      '/nonexistent/a.safetensors',
    ],
    [4, /Cannot write --save 'folder': it is a folder/, 'train', 'digits', '--save', 'folder'],
    [4, /Cannot write --report/, 'train', 'digits', '--report', '/proc/report.html'],
    [3, /expected a network that fjordnet train --save wrote/, 'predict', 'flowers.csv', 'flowers.csv'],
    [3, /there is no such file or folder/, 'predict', 'nothing.safetensors', 'flowers.csv'],
    [
      1,
      /The training diverged.*Nothing was saved/,
      'train',
      'digits',
      '--optimizer',
      'sgd',
      '--learning-rate',
      '1e9',
      '--epochs',
      '3',
      '-q',
      '--save',
      'diverged.safetensors',
    ],
  ];
  place.write('text-free.csv', 'a,b,c\n1,2,x\n3,4,y\n5,6,x\n');
  for (let at = 0; at < cases.length; at += 4)
    await Promise.all(
      cases.slice(at, at + 4).map(async ([code, message, ...args]) => {
        const { code: actual, stderr, stdout } = await place.run(...args);
        t.is(actual, code, `${args.join(' ')}\n${stderr}`);
        t.regex(stderr, message);
        t.is(stdout, '');
        t.notRegex(stderr, /unexpected error|\n {4}at /);
      }),
    );
  t.false(existsSync(place.path('diverged.safetensors')));
  t.deepEqual(
    readdirSync(place.folder).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test.serial('a board is open while it trains, and a port that is taken is told before', async (t) => {
  const { code, stderr } = await place.run('train', 'flowers.csv', '--epochs', '2', '-q', '--board', '0');
  t.is(code, 0, stderr);
  t.regex(stderr, /^Board: http:\/\/127\.0\.0\.1:\d+\/\n$/);
  const taken = createServer().listen(0, '127.0.0.1');
  t.teardown(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const refused = await place.run('train', 'flowers.csv', '--epochs', '2', '-q', '--board', `${port}`);
  t.is(refused.code, 1);
  t.regex(refused.stderr, new RegExp(`^fjordnet: Expected to listen on 127.0.0.1, port ${port}: .*EADDRINUSE.*\\n$`));
  for (const [given, message] of [
    [['--board', '70000'], 'Expected --board to be an integer in [0, 65535], got'],
    [['--model', 'lecture', '--board', '0'], 'Expected no --board with --model lecture'],
  ] as const) {
    const { code, stderr } = await place.run('train', 'flowers.csv', ...given);
    t.is(code, 2);
    t.true(stderr.includes(message), stderr);
  }
});

test.serial('TensorBoard files are written where they were asked for', async (t) => {
  const { code, stderr } = await place.run('train', 'flowers.csv', '--epochs', '2', '-q', '--tensorboard', 'logs');
  t.is(code, 0, stderr);
  t.true(readdirSync(place.path('logs/train')).some((name) => name.includes('tfevents')));
  t.true(readdirSync(place.path('logs/validation')).some((name) => name.includes('tfevents')));
});
