import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { flowersCsv, lastDocument, Workplace } from './helpers/cli.js';
import { npyHeader, npy as npyOf } from './helpers/npy.js';
import { zip } from './helpers/zip.js';

const place = new Workplace();
const call = (...args: string[]) => place.call(...args);
test.after.always(() => place.remove());

/** Rows of cells as CSV. */
const csv = (rows: readonly (readonly (string | number)[])[]) => `${rows.map((row) => row.join(',')).join('\n')}\n`;
const columns = (rows: readonly (readonly (string | number)[])[], ...order: number[]) =>
  rows.map((row) => order.map((i) => row[i]));
/** 'wide' where a > b, 'tall' where b > a; c is of another size, so that swapping columns is seen. */
const SHAPES = [
  ['a', 'b', 'c', 'kind'],
  ...Array.from({ length: 60 }, (_, i) => {
    const [a, b] = [(i * 7) % 10, ((i * 3) % 10) + 0.5];
    return [a, b, 100 * ((i * 13) % 7), a > b ? 'wide' : 'tall'];
  }),
];
const [NAMES, ...ROWS] = SHAPES;

test.before(async (t) => {
  place.write('shapes.csv', csv(SHAPES));
  place.write('bare.csv', csv(ROWS));
  place.write('flowers.csv', flowersCsv(60));
  for (const data of ['shapes', 'bare', 'flowers']) {
    const file = place.path(`${data}.safetensors`);
    const made = await call('train', place.path(`${data}.csv`), '--epochs', '30', '--save', file, '-q');
    t.is(made.code, 0, made.stderr);
  }
});

const predicted = async (t: ExecutionContext, model: string, rows: Parameters<typeof csv>[0]) => {
  const { code, stdout, stderr } = await call(
    'predict',
    place.path(model),
    place.write('in.csv', csv(rows)),
    '--probabilities',
  );
  t.is(code, 0, stderr);
  return stdout;
};
const refused = async (t: ExecutionContext, code: number, message: RegExp, ...args: string[]) => {
  const { code: got, stderr, stdout } = await call(...args);
  t.is(got, code, `${args.join(' ')}\n${stderr}`);
  t.regex(stderr, message);
  t.notRegex(stderr, /unexpected error|\n {4}at /);
  t.is(stdout, '');
};

test.serial('the same samples are predicted the same, in whatever order their columns stand', async (t) => {
  const straight = await predicted(t, 'shapes.safetensors', SHAPES);
  for (const order of [
    [2, 1, 0],
    [3, 0, 1, 2],
    [1, 3, 2, 0],
    [0, 1, 2],
  ])
    t.is(await predicted(t, 'shapes.safetensors', columns(SHAPES, ...order)), straight, order.join());
  t.is(await predicted(t, 'shapes.safetensors', columns(ROWS, 0, 1, 2)), straight); // without names, as they stand
  // without names and with the labels where they stood in the training
  const bare = await predicted(t, 'bare.safetensors', ROWS);
  t.is(await predicted(t, 'bare.safetensors', columns(ROWS, 0, 1, 2)), bare);
  t.is(bare.split('\n').length, ROWS.length + 2);
});

test.serial(
  'columns that no network knows may hold anything, and labels that are to be predicted nothing',
  async (t) => {
    const straight = await predicted(t, 'shapes.safetensors', SHAPES);
    const whole = [
      ['name', ...NAMES, 'seen'],
      ...ROWS.map((row, i) => [`"n ${i}"`, ...row.slice(0, 3), i % 2 ? '' : row[3], i % 3 ? '' : 'inf']),
    ];
    t.is(await predicted(t, 'shapes.safetensors', whole), straight);
    const records = whole
      .slice(1)
      .map((row) => Object.fromEntries(whole[0].map((name, k) => [name, row[k] === '' ? null : row[k]])));
    const json = place.write('in.json', JSON.stringify(records));
    const made = await call('predict', place.path('shapes.safetensors'), json, '--probabilities');
    t.is(made.stdout, straight, made.stderr);
    const named = place.write('named.csv', csv([['name', ...NAMES], ...ROWS.map((row, i) => [`n${i}`, ...row])]));
    const scores = async (file: string) =>
      (await call('evaluate', place.path('shapes.safetensors'), file)).stdout.replace(/on .*:/, '');
    t.is(await scores(named), await scores(place.path('shapes.csv')));
    // it cannot be scored without its labels, and what the network takes must be numbers
    const holes = place.write('holes.csv', csv(whole));
    await refused(
      t,
      3,
      /expected a label in line 3, 'kind', got nothing/,
      'evaluate',
      place.path('shapes.safetensors'),
      holes,
    );
    const text = place.write('text.csv', csv([NAMES, ...ROWS.map((row) => ['many', ...row.slice(1)])]));
    await refused(
      t,
      3,
      /a finite number in line 2, 'a', got "many"/,
      'predict',
      place.path('shapes.safetensors'),
      text,
    );
  },
);

test.serial('labels that were text in training are text in a file of their own, too', async (t) => {
  const classes = ['1.1', '1.10', '1.2'];
  const samples = Array.from({ length: 60 }, (_, i) => i % 3);
  const write = (name: string, kept: readonly number[]) => [
    place.write(
      `${name}.npy`,
      npy(
        [kept.length, 2],
        kept.flatMap((k, i) => [10 * k + (i % 7) / 7, i % 5]),
      ),
    ),
    '--labels',
    place.write(`${name}.txt`, `${kept.map((k) => classes[k]).join('\n')}\n`),
  ];
  const model = place.path('texts.safetensors');
  const made = await call(
    'train',
    ...write('texts', samples),
    ...['--task', 'classification', '--epochs', '150', '--save', model, '-q'],
  );
  t.is(made.code, 0, made.stderr);
  const tens = samples.filter((k) => k === 1);
  t.regex((await call('evaluate', model, ...write('tens', tens))).stdout, /20 samples\nAccuracy 100\.0 %/);
});

test.serial('columns far from 0, such as times, keep their digits until they are scaled', async (t) => {
  const rows = Array.from({ length: 80 }, (_, i) => [1.7e9 + ((i * 37) % 100), (i * 7) % 10, ((i * 37) % 100) / 50]);
  const near = rows.map(([time, ...rest]) => [time - 1.7e9, ...rest]);
  const score = async (rows: number[][], name: string) => {
    const file = place.write(`${name}.csv`, csv([['time', 'b', 'y'], ...rows]));
    const model = place.path(`${name}.safetensors`);
    const made = await call('train', file, '--epochs', '20', '--task', 'regression', '--save', model, '-q');
    t.is(made.code, 0, made.stderr);
    return (await call('evaluate', model, file)).stdout.split('\n')[1];
  };
  t.is(await score(rows, 'far'), await score(near, 'near'));
});

test.serial('columns that cannot be told apart, or are others, are refused', async (t) => {
  const model = place.path('shapes.safetensors');
  const predict = (rows: Parameters<typeof csv>[0], message: RegExp) =>
    refused(t, 3, message, 'predict', model, place.write('in.csv', csv(rows)));
  await predict([['a', 'b', 'd'], ...columns(ROWS, 0, 1, 2)], /to have the column 'c' that the network was trained on/);
  await predict(
    [['b', 'a', 'c', 'a'], ...columns(ROWS, 1, 0, 2, 0)],
    /columns in the order of the training, since 'a' is the name of several/,
  );
  await predict(columns(SHAPES, 0, 1, 3), /to have the column 'c' that the network was trained on/);
  await predict(columns(ROWS, 0, 1), /to have 3 values \(3\), as the network was trained on, got 2/);
  await predict([['a\nb', 'c'].map((name) => `"${name}"`), ...columns(ROWS, 0, 2)], /to have the column 'a'/);
});

test.serial('predicting reads labels that are there, and refuses a label that is asked for in vain', async (t) => {
  const model = place.path('shapes.safetensors');
  await refused(
    t,
    2,
    /Expected --label for '.*' to be one of its 4 columns .*got 'kin'/,
    'predict',
    model,
    place.path('shapes.csv'),
    '--label',
    'kin',
  );
  const own = await call(
    'predict',
    model,
    place.write('in.csv', csv([['a', 'b', 'c', 'answer'], ...ROWS])),
    '--label',
    'answer',
  );
  t.is(own.code, 0, own.stderr);
  t.is(own.stdout, (await call('predict', model, place.path('shapes.csv'))).stdout);
});

test.serial('classes have the numbers of the training, whatever classes a file holds, in whatever order', async (t) => {
  const model = place.path('shapes.safetensors');
  const evaluate = async (rows: Parameters<typeof csv>[0], ...more: string[]) => {
    const { code, stdout, stderr } = await call('evaluate', model, place.write('in.csv', csv(rows)), '--json', ...more);
    t.is(code, 0, stderr);
    return lastDocument(stdout);
  };
  const all = await evaluate(SHAPES);
  t.deepEqual(all.classes, ['tall', 'wide']);
  t.true(all.accuracy > 0.9);
  const wide = await evaluate([NAMES, ...ROWS.filter((row) => row[3] === 'wide')]);
  t.deepEqual(wide.classes, ['tall', 'wide']);
  t.deepEqual(wide.confusionMatrix, [[0, 0], all.confusionMatrix[1]]);
  t.deepEqual(await evaluate([...SHAPES].slice(0, 1).concat([...ROWS].reverse())), {
    ...all,
    loss: (await evaluate([NAMES, ...[...ROWS].reverse()])).loss,
  });
  t.deepEqual((await evaluate(columns(SHAPES, 3, 2, 0, 1))).confusionMatrix, all.confusionMatrix);
  const others = place.write('in.csv', csv([NAMES, [1, 2, 300, 'wide'], [1, 2, 300, 'square']]));
  await refused(t, 3, /to be among tall, wide, got 'square' in sample 1/, 'evaluate', model, others);
});

test.serial('labels that are other texts are other classes, also where the training had numbers', async (t) => {
  const rows = (labels: readonly (string | number)[]) => [
    ['p', 'q', 'y'],
    ...labels.map((y, i) => [i % 5, (i * 3) % 7, y]),
  ];
  const train = async (labels: readonly (string | number)[]) => {
    const made = await call(
      'train',
      place.write('coded.csv', csv(rows(labels))),
      '--epochs',
      '1',
      '--save',
      place.path('coded.safetensors'),
      '--json',
      '-q',
    );
    t.is(made.code, 0, made.stderr);
    return lastDocument((await call('info', place.path('coded.safetensors'), '--json')).stdout).run.meaning.classes;
  };
  const evaluate = (labels: readonly (string | number)[]) =>
    call('evaluate', place.path('coded.safetensors'), place.write('in.csv', csv(rows(labels))), '--json');
  const repeated = (...labels: (string | number)[]) => Array.from({ length: 20 }, (_, i) => labels[i % labels.length]);
  t.deepEqual(await train(repeated('7', '8')), [7, 8]);
  t.is((await evaluate(repeated('7', '8'))).code, 0);
  t.regex((await evaluate(repeated('7', '007'))).stderr, /to be among 7, 8, got '007' in sample 1/);
  t.deepEqual(await train(repeated('007', '7')), ['007', '7']);
  t.is((await evaluate(repeated('7'))).code, 0);
  t.regex((await evaluate(repeated('8'))).stderr, /to be among 007, 7, got '8' in sample 0/);
  t.deepEqual(await train(repeated('208310224003697457', '208310224003697458')), [
    '208310224003697457',
    '208310224003697458',
  ]);
});

test.serial('numbers are a regression, however they are written, and text beside them is named', async (t) => {
  const rows = Array.from({ length: 40 }, (_, i) => [
    i % 7,
    (i * 3) % 5,
    ['2.5', '2.50', '3.75', '1e-05', '.5'][i % 5],
  ]);
  const data = place.write('prices.csv', csv([['p', 'q', 'price'], ...rows]));
  const made = await call('train', data, '--epochs', '1', '--save', place.path('prices.safetensors'), '--json', '-q');
  t.is(made.code, 0, made.stderr);
  t.is(typeof lastDocument(made.stdout).test.r2, 'number');
  const mixed = place.write('in.csv', csv([['p', 'q', 'price'], ...rows, [1, 2, 'cheap']]));
  await refused(
    t,
    3,
    /the column 'price' of 'in.csv' to hold numbers for a regression, got 'cheap'/,
    'train',
    mixed,
    '--task',
    'regression',
  );
  await refused(
    t,
    3,
    /to hold numbers for a regression, got 'cheap'/,
    'evaluate',
    place.path('prices.safetensors'),
    mixed,
  );
});

test.serial('a test set of its own is matched by names and classes too', async (t) => {
  const train = async (rows: Parameters<typeof csv>[0]) => {
    const made = await call(
      'train',
      place.path('shapes.csv'),
      '--test-data',
      place.write('test.csv', csv(rows)),
      '--epochs',
      '5',
      '--json',
      '-q',
    );
    return { ...made, test: made.code === 0 ? lastDocument(made.stdout).test : undefined };
  };
  const straight = await train(SHAPES.slice(0, 21));
  t.is(straight.code, 0, straight.stderr);
  t.deepEqual((await train(columns(SHAPES.slice(0, 21), 3, 2, 1, 0))).test, straight.test);
  t.regex((await train([['a', 'b', 'd', 'kind'], ...ROWS])).stderr, /to have the column 'c'/);
  t.regex((await train([NAMES, [1, 2, 3, 'square']])).stderr, /to be among tall, wide, got 'square'/);
});

test.serial('data that are read again must be those of the training', async (t) => {
  const [data, model] = [place.write('grown.csv', csv(SHAPES)), place.path('grown.safetensors')];
  await call('train', data, '--epochs', '2', '--save', model, '-q');
  const again: string[][] = [
    ['evaluate', model],
    ['plot', 'confusion', model],
    ['report', model, '--out', place.path('r.html')],
    ['train', '--resume', model, '--epochs', '3', '-q'],
  ];
  const changes: [RegExp, Parameters<typeof csv>[0]][] = [
    [
      /there were 48 samples to train on and 12 to test on, there are 56 samples to train on and 14 to test on/,
      [...SHAPES, ...ROWS.slice(0, 10)],
    ],
    [/their classes are not the same/, SHAPES.map((row) => row.map((cell) => (cell === 'wide' ? 'broad' : cell)))],
    [/their features' names are not the same/, columns(SHAPES, 1, 0, 2, 3)],
    [/their values are not the same/, [NAMES, ...ROWS.map(([a, b, c, y]) => [a, Number(b) * 2, c, y])]],
  ];
  for (const [message, rows] of changes) {
    place.write('grown.csv', csv(rows));
    for (const args of again) await refused(t, 3, message, ...args);
  }
  place.write('grown.csv', csv(SHAPES));
  for (const args of again) t.is((await call(...args)).code, 0, args.join(' '));
});

/** An NPY file of float64. */
function npy(shape: readonly number[], data: readonly number[]): Uint8Array {
  const dict = `{'descr': '<f8', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(118, 8);
  return Buffer.concat([head, Buffer.from(`${dict.padEnd(117)}\n`), new Uint8Array(Float64Array.from(data).buffer)]);
}

/** NumPy's array of texts of at most five characters. */
function npyTexts(texts: readonly string[]): Buffer {
  const characters = texts.flatMap((text) => Array.from({ length: 5 }, (_, i) => [...text][i]?.codePointAt(0) ?? 0));
  return npyOf(npyHeader('<U5', `(${texts.length},)`), Uint32Array.from(characters).buffer);
}

test.serial(
  'labels are texts in NPY and NPZ files, too, and arrays of NPZ that are not needed may hold anything',
  async (t) => {
    const texts = Array.from({ length: 20 }, (_, i) => ['grün', '日本'][i % 2]);
    const x = npy(
      [20, 3],
      Array.from({ length: 60 }, (_, i) => (Math.floor(i / 3) % 2) + Math.sin(i) / 9),
    );
    const entries = { x, y: npyTexts(texts), notes: npyOf(npyHeader('|O', '(1,)'), new Uint8Array(9)) };
    const npz = (of: Record<string, Uint8Array>) =>
      zip(Object.entries(of).map(([name, content]) => ({ name: `${name}.npy`, content })));
    const file = place.write('texts.npz', npz(entries));
    const model = place.path('texts.safetensors');
    const trained = await call('train', file, '--epochs', '40', '--learning-rate', '0.1', '--save', model);
    t.is(trained.code, 0, trained.stderr);
    t.deepEqual((await call('predict', model, file)).stdout.trim().split('\n').slice(1), texts);
    t.is((await call('evaluate', model, file)).code, 0);
    const [samples, labels] = [place.write('sx.npy', x), place.write('sy.npy', npyTexts(texts))];
    t.is((await call('train', samples, '--labels', labels, '--epochs', '1')).code, 0);
    const gap = place.write('gap.npz', npz({ x, y: npyTexts(texts.with(3, '')) }));
    await refused(t, 3, /gap\.npz', y\.npy: expected a label in row 3, got nothing/, 'train', gap);
    await refused(
      t,
      3,
      /to hold arrays x and y .*, got: notes/,
      'train',
      place.write('no.npz', npz({ notes: entries.notes })),
    );
  },
);

test.serial('arrays: shapes, labels and options that do not fit are refused', async (t) => {
  const counting = (n: number) => Array.from({ length: n }, (_, i) => (i * 7) % 11);
  const x = place.write('x.npy', npy([20, 4, 4], counting(320)));
  const y = place.write(
    'y.npy',
    npy(
      [20],
      Array.from({ length: 20 }, (_, i) => i % 2),
    ),
  );
  const train = (...more: string[]) => ['train', x, '--epochs', '1', '-q', ...more];
  const model = place.path('images.safetensors');
  t.is((await call(...train('--labels', y, '--save', model))).code, 0);
  const wide = place.write('wide.npy', npy([20, 2, 8], counting(320)));
  await refused(t, 3, /to be of 4 x 4 x 1, as the network was trained on, got 2 x 8/, 'predict', model, wide);
  t.is((await call('predict', model, place.write('flat.npy', npy([20, 16], counting(320))))).code, 0);
  await refused(
    t,
    3,
    /to have 16 values \(16\), as the network was trained on, got 15/,
    'predict',
    model,
    place.write('small.npy', npy([20, 3, 5], counting(300))),
  );
  await refused(
    t,
    3,
    /to hold finite numbers, got NaN at index \[0, 0, 3\]/,
    'predict',
    model,
    place.write('nan.npy', npy([2, 4, 4], [0, 1, 2, Number.NaN, ...counting(28)])),
  );
  await refused(
    t,
    3,
    /to hold numbers within float32's range, got 1e\+300/,
    'predict',
    model,
    place.write('huge.npy', npy([1, 4, 4], [1e300, ...counting(15)])),
  );
  await refused(
    t,
    3,
    /Expected one label for each of the 20 samples of '.*', got 3/,
    ...train('--labels', place.write('y3.npy', npy([3], [0, 1, 0]))),
  );
  await refused(
    t,
    3,
    /to hold finite numbers, got NaN at row 1/,
    ...train('--labels', place.write('yn.npy', npy([20], [0, Number.NaN, ...counting(18)]))),
  );
  const oneHot = (row: number[]) => npy([20, 2], [...row, ...Array.from({ length: 38 }, (_, i) => (i + 1) % 2)]);
  await refused(t, 3, /to have shape \[n\], got \[\]/, ...train('--labels', place.write('one.npy', npy([], [1]))));
  t.is((await call(...train('--labels', place.write('hot.npy', oneHot([0, 1]))))).code, 0);
  await refused(t, 3, /to hold one 1, got none in row 0/, ...train('--labels', place.write('hot.npy', oneHot([0, 0]))));
  await refused(
    t,
    3,
    /to hold one 1, got several in row 0/,
    ...train('--labels', place.write('hot.npy', oneHot([1, 1]))),
  );
  await refused(t, 2, /Expected no --label with '.*', which is no CSV file/, ...train('--labels', y, '--label', '2'));
  await refused(
    t,
    2,
    /Expected no --no-header with '.*', which is no CSV file/,
    ...train('--labels', y, '--no-header'),
  );
  await refused(t, 2, /Expected no --labels with 'digits', which holds its own/, 'train', 'digits', '--labels', y);
  const lines = (text: string) => train('--labels', place.write('labels.txt', text));
  const kinds = 'yes\nno\n'.repeat(10);
  for (const text of [kinds, `kind\n${kinds}\n\n`]) t.is((await call(...lines(text))).code, 0);
  await refused(t, 3, /expected a label in line 3, got nothing/, ...lines(`kind\nyes\n\n${kinds}`.slice(0, -4)));
  await refused(t, 3, /for each of the 20 samples of '.*', got 21/, ...lines(`yes\n${kinds}`));
  await refused(
    t,
    3,
    /is no UTF-8: byte 0xe8 in line 21/,
    'train',
    x,
    '--labels',
    place.write('latin.txt', Buffer.from(`${kinds}p\xe8re\n`, 'latin1')),
  );
  await refused(t, 2, /to hold one label a line, got columns/, ...train('--labels', place.path('shapes.csv')));
});

test.serial('folders, cut gzip and unreadable things are told in one sentence', async (t) => {
  mkdirSync(place.path('folder'), { recursive: true });
  await refused(
    t,
    3,
    /Cannot read '.*folder': it is a folder without one for each class: it holds no pictures/,
    'info',
    place.path('folder'),
  );
  await refused(t, 3, /Cannot read '.*': it is empty/, 'info', '/dev/null');
  await refused(t, 3, /it holds a zero byte in line 1/, 'info', '/dev/zero');
  await refused(t, 3, /a part of the path is not a folder/, 'info', place.path('shapes.csv/x'));
  await refused(t, 3, /the name is too long/, 'info', place.path('x'.repeat(300)));
  await refused(
    t,
    3,
    /its cells seem to be separated by ';', which .*--separator/,
    'info',
    place.write('s.csv', 'x;y;label\n1,5;2,5;a\n2,5;3,5;b\n'),
  );
  await refused(
    t,
    2,
    /Expected --threads to be an integer in \[1, 256\], got '1e9'/,
    'train',
    'digits',
    '--threads',
    '1e9',
  );
  await refused(t, 2, /Expected --seed to be an integer in \[0, 4294967295\]/, 'train', 'digits', '--seed', '1e15');
  await refused(t, 2, /in \[1, 100000\], got '1e9'/, 'grid', 'digits', '-s', 'l2=1:2:1e9');
});

test.serial('what is decided of a first row of 0, 1, 2 is said', async (t) => {
  const names = place.write('frame.csv', csv([[0, 1, 2, 'kind'], ...ROWS]));
  const info = await call('info', names);
  t.regex(info.stdout, /The first row \(0, 1, 2, …\) is taken for names; --no-header takes it for data/);
  t.regex(info.stdout, /60 samples of 3/);
  const data = place.write(
    'counts.csv',
    csv([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7, 8],
    ]),
  );
  t.regex(
    (await call('info', data)).stdout,
    /3 samples of 2.*\nThe first row \(0, 1, …\) is taken for data; --header takes it for names/,
  );
  t.notRegex((await call('info', data, '--no-header')).stdout, /is taken/);
  // names that a network was trained on are names in one row as well
  const model = place.path('frame.safetensors');
  t.is((await call('train', names, '--epochs', '1', '--save', model, '-q')).code, 0);
  const one = await call(
    'predict',
    model,
    place.write(
      'in.csv',
      csv([
        [2, 1, 0],
        [300, 2, 1],
      ]),
    ),
  );
  t.is(one.stdout.trimEnd().split('\n').length, 2, one.stdout);
});

test.serial('names may be years, above numbers and above text', async (t) => {
  const rows = Array.from({ length: 40 }, (_, i) => [i / 8, 3 - i / 7, 'nswe'[(i * 7) % 4], 'ab'[i % 2]]);
  const numbers = place.write('years.csv', csv([[2019, 2020, 'kind'], ...columns(rows, 0, 1, 3)]));
  const mixed = place.write('places.csv', csv([[2019, 2020, 'region', 'kind'], ...rows]));
  for (const path of [numbers, mixed]) {
    const { stdout } = await call('info', path);
    t.regex(stdout, /40 samples/);
    t.regex(stdout, /Labels \(kind\): 2 different: a, b/);
    const model = place.path('years.safetensors');
    const trained = await call('train', path, '--epochs', '1', '--save', model);
    t.is(trained.code, 0, trained.stderr);
    t.regex(trained.stderr, /The first row \(2019, 2020, .*…\) is taken for names; --no-header takes it for data/);
    const one = place.write('one.csv', csv([[2020, 2019, 'region'], ...columns(rows, 1, 0, 2).slice(0, 1)]));
    const { stdout: answer, stderr } = await call('predict', model, one, '--rows');
    t.regex(answer, /^2020,2019,region,prediction\n3,0,n,[ab]\n$/, stderr);
  }
  // integers that rise may be data: their labels come again, or nothing does
  const kinds = place.write('counted.csv', csv(Array.from({ length: 9 }, (_, i) => [i, i + 3, 'xyz'[i % 3]])));
  t.regex((await call('info', kinds)).stdout, /9 samples of 2.*\nLabels \(column 2\): 3 different/s);
  const text = place.write(
    'penguins.csv',
    csv(Array.from({ length: 8 }, (_, i) => ['ag'[i % 2], i + 39, i + 181, 'mf'[i % 2]])),
  );
  t.regex((await call('info', text)).stdout, /8 samples of 3 columns/);
  await refused(
    t,
    3,
    /expected a number for a label in line 1, as below it/,
    'info',
    place.write(
      'prices.csv',
      csv([
        [2019, 2020, 'price'],
        [1, 2, 3.5],
        [2, 1, 4.5],
      ]),
    ),
  );
});

test.serial('rows stand beside their own predictions where the first one may be names', async (t) => {
  const rows = Array.from({ length: 40 }, (_, i) => [i / 8, 3 - i / 7, 'ab'[i % 2]]);
  const data = place.write('pandas.csv', csv([[0, 1, 2], ...rows]));
  const model = place.path('pandas.safetensors');
  t.is((await call('train', data, '--epochs', '1', '--save', model, '-q')).code, 0);
  const beside = (await call('predict', model, data, '--rows')).stdout.trimEnd().split('\n');
  const alone = (await call('predict', model, data)).stdout.trimEnd().split('\n');
  t.is(beside[0], '0,1,2,prediction');
  t.deepEqual(
    beside.slice(1),
    rows.map((row, i) => `${row.join(',')},${alone[i + 1]}`),
  );
});

test.serial('a table of other values than a network was trained on is none to go on with', async (t) => {
  const rows = Array.from({ length: 60 }, (_, i) => [i / 8, (i * 7) % 10, 'nswe'[(i * 7) % 4], 'ab'[i % 2]]);
  const names = ['mass', 'length', 'island', 'kind'];
  const data = place.write('islands.csv', csv([names, ...rows]));
  const model = place.path('islands.safetensors');
  t.is((await call('train', data, '--epochs', '2', '--save', model, '-q')).code, 0);
  t.is((await call('evaluate', model)).code, 0);
  place.write('islands.csv', csv([names, ...rows.map(([mass, ...rest]) => [Number(mass) * 0.001 + 7, ...rest])]));
  const others = /to hold the data that '.*' was trained on, got others: their values are not the same/;
  await refused(t, 3, others, 'evaluate', model);
  await refused(t, 3, others, 'train', '--resume', model, '--epochs', '3');
});

test.serial('a run says which network it belongs to: files that say otherwise are refused with the path', async (t) => {
  const bytes = readFileSync(place.path('shapes.safetensors'));
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
  const changed = (change: (run: any, training: any) => void) => {
    const training = JSON.parse(header.__metadata__.training);
    change(training.run, training);
    const metadata = { ...header.__metadata__, training: JSON.stringify(training) };
    const text = Buffer.from(JSON.stringify({ ...header, __metadata__: metadata }));
    const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')]);
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(padded.length));
    return place.write('changed.safetensors', Buffer.concat([size, padded, bytes.subarray(8 + length)]));
  };
  const cases: [RegExp, (run: any) => void][] = [
    [
      /Expected run\.meaning\.scaling\.shift\[1\] to be a finite number, got null/,
      (run) => {
        run.meaning.scaling.shift[1] = null;
      },
    ],
    [
      /Expected run\.meaning\.scaling\.factor\[0\] to be a number other than 0, got 0/,
      (run) => {
        run.meaning.scaling.factor[0] = 0;
      },
    ],
    [
      /Expected run\.meaning\.scaling\.shift to be as long as the factor \(3\), got a list of 2/,
      (run) => {
        run.meaning.scaling.shift.pop();
      },
    ],
    [
      /Expected run\.meaning\.features to be a list of 3, one for each input, got a list of 4/,
      (run) => {
        run.meaning.features.push('d');
      },
    ],
    [
      /Expected run\.meaning\.classes\[1\] to be a class of its own, got 'tall'/,
      (run) => {
        run.meaning.classes[1] = 'tall';
      },
    ],
    [
      /Expected run\.meaning\.classes to be a list of 2, as the network has outputs, got a list of 3/,
      (run) => {
        run.meaning.classes.push('x');
      },
    ],
    [
      /Expected run\.meaning\.inputShape to be \[3\], as the network's, got \[1, 3\]/,
      (run) => {
        run.meaning.inputShape = [1, 3];
      },
    ],
    [
      /Expected run\.meaning\.classes to be absent from a regression/,
      (run) => {
        run.meaning.task = 'regression';
      },
    ],
    [
      /Expected run\.history\.history\.loss to be a list of 30, one for each epoch, got a list of 29/,
      (run) => {
        run.history.history.loss.pop();
      },
    ],
    [
      /Expected run\.history\.history\.loss\[2\] to be a number or null, got 'x'/,
      (run) => {
        run.history.history.loss[2] = 'x';
      },
    ],
    [
      /Expected run\.recipe\.activation to be one of .* got 'rel'/,
      (run) => {
        run.recipe.activation = 'rel';
      },
    ],
    [
      /Expected run\.recipe\.hidden\[0\] to be a positive integer, got -3/,
      (run) => {
        run.recipe.hidden = [-3];
      },
    ],
    [
      /Expected run\.data to be an object, got null/,
      (run) => {
        run.data = null;
      },
    ],
    [
      /Expected run\.samples\.test to be a non-negative integer, got nothing/,
      (run) => {
        delete run.samples.test;
      },
    ],
    [
      /Expected run\.seed to be an integer in \[0, 4294967295\], got 0\.5/,
      (run) => {
        run.seed = 0.5;
      },
    ],
    [
      /Expected run\.version to be 1, got '1'/,
      (run) => {
        run.version = '1';
      },
    ],
    [
      /to be of version 1, got 2: it is of a later fjordnet/,
      (run) => {
        run.version = 2;
      },
    ],
  ];
  for (const [message, change] of cases)
    for (const args of [['info'], ['predict', place.path('shapes.csv')]]) {
      const [command, ...rest] = args;
      await refused(t, 3, message, command, changed(change), ...rest);
    }
  // a metric of another name, one that objects have of their own, is another curve
  const other = changed((_, training) => {
    training.metrics[0].as = 'constructor';
  });
  await call('train', '--resume', other, '--epochs', '32', '-q', '--save', place.path('other.safetensors'));
  const { run } = lastDocument((await call('info', place.path('other.safetensors'), '--json')).stdout);
  t.is(run.history.history.loss.length, 32);
  t.is(run.history.history.accuracy[31], null);
  t.deepEqual(
    run.history.history.constructor.map((value: unknown) => value === null),
    [...Array(30).fill(true), false, false],
  );
  t.is(
    (
      await call(
        'info',
        changed(() => {}),
      )
    ).code,
    0,
  );
});

const onPosix = process.platform === 'win32' ? test.skip : test.serial;
onPosix('a pipe with a name is read once, as CSV', async (t) => {
  const pipe = place.path('pipe');
  execFileSync('mkfifo', [pipe]);
  const [info] = await Promise.all([call('info', pipe, '--json'), writeFile(pipe, csv(SHAPES))]);
  t.is(info.code, 0, info.stderr);
  t.is(lastDocument(info.stdout).samples, 60);
  symlinkSync('loop', place.path('loop'));
  await refused(t, 3, /^fjordnet: Cannot read '.*loop': (?!ELOOP)/, 'info', place.path('loop'));
});

test.serial('two columns of one name are refused, before anything is trained', async (t) => {
  const twice = place.write('twice.csv', 'a,b,a,kind\n1,2,3,0\n4,5,6,1\n7,8,9,0\n');
  await refused(t, 3, /Cannot read '.*twice\.csv': its first row names two columns 'a'/, 'train', twice);
});
