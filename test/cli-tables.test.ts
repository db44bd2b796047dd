import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import {
  input,
  type Label,
  layers,
  loadPredictor,
  MLPClassifier,
  model,
  type NDArray,
  ops,
  Pipeline,
  Sequential,
  StandardScaler,
  sequential,
  TableTransformer,
  writeNpy,
} from 'fjordnet';
import { csvOf, Workplace } from './helpers/cli.js';

const work = new Workplace();
test.after.always(() => work.remove());
const dataOf = (name: string) => fileURLToPath(new URL(`../node_modules/vega-datasets/data/${name}`, import.meta.url));
const rowsOf = (name: string): Record<string, unknown>[] => JSON.parse(readFileSync(dataOf(name), 'utf8'));

test.serial('columns of a table of numbers that count the rows, or say the label, are told', async (t) => {
  const rows = Array.from({ length: 60 }, (_, i) => ({
    number: 100 + i,
    width: Math.sin(i),
    code: 7 * (i % 3),
    same: 1,
    label: i % 3,
  }));
  work.write('numbers.csv', csvOf(rows));
  const { stderr, code } = await work.run('train', 'numbers.csv', '--label', 'label', '--epochs', '1');
  t.is(code, 0, stderr);
  t.regex(stderr, /^ {2}number: it counts the rows \(--drop 'number' leaves it out\)$/m);
  t.regex(
    stderr,
    /^ {2}code: each of its values stands for one of 'label', which are not known before \(--drop 'code' /m,
  );
  t.notRegex(stderr, /^ {2}(width|same):/m);
  const dropped = await work.run('train', 'numbers.csv', '--label', 'label', '--epochs', '1', '--drop', 'number,code');
  t.notRegex(dropped.stderr, /\(--drop/);
});

test.serial(
  'a mixed table trains, and its file answers raw rows alike from the command line, code and bytes',
  async (t) => {
    const rows = rowsOf('penguins.json');
    work.write('penguins.csv', csvOf(rows));
    const args = ['--label', 'Species', '--epochs', '40', '--save', work.path('penguins.safetensors')];
    const trained = await work.run('train', 'penguins.csv', ...args);
    t.is(trained.code, 0, trained.stderr);
    t.regex(trained.stderr, /Island: text of 3 kinds: a column of 0 and 1 for each/);
    t.regex(trained.stderr, /Body Mass \(g\): a number, 2 missing, filled in by the median/);
    t.true(Number(/Test accuracy ([\d.]+) %/.exec(trained.stdout)?.[1]) > 95, trained.stdout);
    const path = work.path('penguins.safetensors');
    const predicted = (await work.run('predict', path, 'penguins.csv')).stdout.trim().split('\n').slice(1);
    const predictor = await loadPredictor(path);
    const labels = (await predictor.predict(rows as never)) as string[];
    t.deepEqual(labels, predicted);
    t.deepEqual(await (await loadPredictor(readFileSync(path))).predict(rows as never), labels);
    t.true(labels.filter((label, i) => label === rows[i].Species).length / rows.length > 0.95);
    t.is(predictor.target, 'Species');

    // from JSON the same table, the same network
    await work.run('train', dataOf('penguins.json'), ...args);
    const again = await loadPredictor(path);
    t.deepEqual(await again.predictProba(rows as never), await predictor.predictProba(rows as never));

    const told = await work.run('info', 'penguins.csv', '--label', 'Species');
    t.regex(told.stdout, /^penguins\.csv: 344 samples of 6 columns$/m);
    t.regex(told.stdout, /^ {2}Island: text of 3 kinds: a column of 0 and 1 for each$/m);
    t.regex(told.stdout, /^Labels \(Species\): 3 different: Adelie, Chinstrap, Gentoo$/m);
    const { becomes } = JSON.parse(
      (await work.run('info', dataOf('penguins.json'), '--label', 'Species', '--json')).stdout,
    );
    t.is(becomes.Island, 'text of 3 kinds: a column of 0 and 1 for each');

    const evaluated = await work.run('evaluate', path);
    t.regex(evaluated.stdout, /Accuracy (100|9\d)/);
    t.regex((await work.run('evaluate', path, 'penguins.csv')).stdout, /344 samples/);
    const resumed = await work.run('train', '--resume', path, '--epochs', '42');
    t.is(resumed.code, 0, resumed.stderr);
    t.deepEqual((await loadPredictor(path)).classes, predictor.classes);

    const warnings: string[] = [];
    const hear = ({ message }: Error) => warnings.push(message);
    process.on('warning', hear);
    await Sequential.load(path);
    await new Promise(setImmediate);
    process.off('warning', hear);
    t.is(warnings.length, 1);
    t.regex(warnings[0], /holds preprocessing beside the network.*loadPredictor reads both/);
  },
);

test.serial(
  'what the command line makes of columns is what TableTransformer.infer proposes for the training rows',
  async (t) => {
    const rows = rowsOf('cars.json').filter((row) => row.Miles_per_Gallon !== null);
    work.write('cars.json', JSON.stringify(rows));
    const path = work.path('cars.safetensors');
    const { stderr, stdout, code } = await work.run(
      ...['train', 'cars.json', '--label', 'Miles_per_Gallon', '--regression', '--drop', 'Name', '--test-size', '0'],
      ...['--epochs', '20', '--save', path],
    );
    t.is(code, 0, stderr);
    const transformer = TableTransformer.infer(rows as never, { target: 'Miles_per_Gallon', drop: ['Name'] });
    for (const line of transformer.describe().split('\n')) t.true(stderr.includes(line), line);
    const predictor = await loadPredictor(path);
    const answers = (await predictor.predict(rows as never)) as NDArray;
    const lines = (await work.run('predict', path, 'cars.json', '--rows')).stdout.trim().split('\n');
    t.true(lines[0].endsWith(',prediction') && lines[0].startsWith('Name,Miles_per_Gallon,'));
    for (const [i, line] of lines.slice(1).entries())
      t.true(Math.abs(Number(line.split(',').at(-1)) - answers.data[i]) < 1e-9, line);
    const truth = rows.map((row) => row.Miles_per_Gallon as number);
    const error = truth.reduce((sum, y, i) => sum + Math.abs(y - answers.data[i]), 0) / truth.length;
    t.true(error < 4, `${error}`);
    t.is(stdout.includes('Test'), false);
  },
);

const csvFile = (name: string, names: string, rows: readonly (readonly unknown[])[]) =>
  work.write(name, `${names}\n${rows.map((row) => row.join(',')).join('\n')}\n`);

test.serial('classes and columns of text stay text where some of their cells look like numbers', async (t) => {
  const rows = Array.from({ length: 60 }, (_, i) => {
    const k = i % 3;
    return [['abc', 'xyz', '9', 'true'][i % 4], 10 * k + (i % 7) / 7, ['1.1', '1.10', '1.2'][k]];
  });
  csvFile('versions.csv', 'code,a,version', rows);
  const model = work.path('versions.safetensors');
  const common = ['--task', 'classification', '--epochs', '150', '-q'];
  const made = await work.run('train', 'versions.csv', ...common, '--save', model);
  t.is(made.code, 0, made.stderr);
  csvFile(
    'tens.csv',
    'code,a,version',
    rows.filter((row) => row[2] === '1.10'),
  );
  t.regex((await work.run('evaluate', model, 'tens.csv')).stdout, /20 samples\nAccuracy 100\.0 %/);
  const tested = await work.run('train', 'versions.csv', ...common, '--test-data', 'tens.csv');
  t.regex(tested.stdout, /accuracy 100\.0 %/, tested.stderr);
  // each row alone is answered as in the whole file
  const whole = (await work.run('predict', model, 'versions.csv')).stdout.split('\n').slice(1, 5);
  for (const [i, row] of rows.slice(0, 4).entries()) {
    const [code, a] = row;
    for (const [name, text] of [
      ['one.csv', `code,a\n${code},${a}\n`],
      ['one.json', JSON.stringify([{ code: code === 'true' ? true : code === '9' ? 9 : code, a }])],
    ]) {
      work.write(name, text);
      const { stdout, stderr } = await work.run('predict', model, name);
      t.is(stdout, `prediction\n${whole[i]}\n`, `${name} ${code}: ${stderr}`);
    }
  }
});

test.serial('decimal commas are those of the label, too', async (t) => {
  const rows = Array.from({ length: 40 }, (_, i) => [`"${i},5"`, ['u', 'v'][i % 2], `"${i + 1}.000,25"`]);
  csvFile('commas.csv', 'a,kind,y', rows);
  const model = work.path('commas.safetensors');
  const options = ['--decimal', ',', '--regression', '--epochs', '2', '-q'];
  const made = await work.run('train', 'commas.csv', ...options, '--save', model);
  t.is(made.code, 0, made.stderr);
  const answers = (await work.run('predict', model, 'commas.csv')).stdout.trim().split('\n').slice(1).map(Number);
  const mean = answers.reduce((sum, y) => sum + y, 0) / answers.length;
  t.true(mean > 5_000 && mean < 35_000, `${mean}`);
});

test.serial(
  'a file with decimal points is read with them, as a whole, by what was trained on decimal commas',
  async (t) => {
    const rows = Array.from({ length: 40 }, (_, i) => [(1 + i / 7).toFixed(3), (i % 9) / 2 + 0.25, (3 * i).toFixed(3)]);
    const withCommas = rows.map((row) => row.map((cell) => `"${String(cell).replace('.', ',')}"`));
    csvFile('with-commas.csv', 'a,b,y', withCommas);
    csvFile('with-points.csv', 'a,b,y', rows); // cells of a are numbers with a point between thousands, too
    const model = work.path('decimals.safetensors');
    const options = ['--decimal', ',', '--epochs', '2', '-q', '--save', model];
    t.is((await work.run('train', 'with-commas.csv', ...options)).code, 0);
    for (const command of ['predict', 'evaluate']) {
      const [commas, points] = [
        await work.run(command, model, 'with-commas.csv', '--json'),
        await work.run(command, model, 'with-points.csv', '--json'),
      ];
      t.is(points.code, 0, points.stderr);
      t.is(points.stdout.replace('with-points', 'with-commas'), commas.stdout);
    }
  },
);

test.serial(
  'a table of numbers trains the same network from CSV and JSON; rows without a label are left out',
  async (t) => {
    const rows = Array.from({ length: 60 }, (_, i) => ({
      a: (i * 7) % 10,
      b: (i % 11) / 3,
      y: 'uv'[Number(i % 10 > 4)],
    }));
    csvFile('same.csv', 'a,b,y', rows.map(Object.values));
    work.write('same.json', JSON.stringify(rows));
    const train = (file: string) =>
      work.run('train', file, '--epochs', '5', '--save', work.path('same.safetensors'), '-q');
    const networks: Uint8Array[] = [];
    for (const file of ['same.csv', 'same.json']) {
      t.is((await train(file)).code, 0);
      const network = await Sequential.load(work.path('same.safetensors'));
      networks.push(Buffer.from(JSON.stringify(network.getWeights().map((w) => [...w.data]))));
    }
    t.deepEqual(networks[0], networks[1]);
    csvFile(
      'holes.csv',
      'a,b,y',
      rows.map(({ a, b, y }, i) => [a, b, i % 10 === 3 ? '' : y]),
    );
    t.regex((await work.run('train', 'holes.csv', '--epochs', '2')).stderr, /6 rows without 'y' are left out/);
  },
);

test.serial(
  "scikit-learn's network is refused where a class is in the test set alone, and saved with any solver",
  async (t) => {
    const rows = Array.from({ length: 30 }, (_, i) => [10 * (i % 3), i % 7, 'bcd'[i % 3]]);
    csvFile('rare.csv', 'a,b,y', [...rows, [50, 50, 'a']]);
    const seen = { refused: 0, trained: 0 };
    for (let seed = 0; seed < 12; seed++) {
      const args = ['--model', 'sklearn', '--test-size', '0.2', '--epochs', '2', '--seed', `${seed}`, '-q'];
      const { code, stderr, stdout } = await work.run('train', 'rare.csv', ...args);
      seen[code === 0 ? 'trained' : 'refused']++;
      if (code === 0) t.regex(stdout, /Test accuracy/);
      else t.regex(stderr, /Expected a sample of every class to train on with --model sklearn, got none of 'a'/);
    }
    t.true(seen.refused > 0 && seen.trained > 0, JSON.stringify(seen));
    for (const [option, message] of [
      ['--patience 5 --validation 0', /Expected --validation above 0 with --patience and --model sklearn/],
      ['--optimizer lbfgs --patience 5', /Expected no --patience with --optimizer lbfgs/],
      ['--optimizer lbfgs --batch-size 5', /Expected no option --batch-size with --optimizer lbfgs/],
      ['--optimizer lbfgs --learning-rate 1', /Expected no option --learning-rate with --optimizer lbfgs/],
    ] as const) {
      const { code, stderr } = await work.run('train', 'rare.csv', '--model', 'sklearn', ...option.split(' '));
      t.is(code, 2, stderr);
      t.regex(stderr, message);
    }
    for (const option of [
      ['--optimizer', 'lbfgs'],
      ['--activation', 'logistic'],
      ['--activation', 'identity'],
    ]) {
      const model = work.path('solver.safetensors');
      const args = ['--model', 'sklearn', ...option, '--test-size', '0', '--epochs', '2', '--save', model, '-q'];
      const { code, stderr } = await work.run('train', 'rare.csv', ...args);
      t.is(code, 0, stderr);
      t.regex((await work.run('evaluate', model, 'rare.csv')).stdout, /31 samples\nAccuracy/);
    }
  },
);

test.serial('columns whose names are numbers stand where the file has them, in JSON as in CSV', async (t) => {
  const names = ['area', '1990', '2000', '1991'];
  const rows = Array.from({ length: 40 }, (_, i) => [i, Math.sin(i), Math.cos(i), 3 * i + 0.5]);
  csvFile('years.csv', names.join(), rows);
  const records = rows.map((row) => `{ ${names.map((name, k) => `"${name}" : ${row[k]}`).join(', ')} }`);
  work.write('years.json', `[${records.join()}]`);
  work.write('years.ndjson', records.join('\n'));
  const losses = [];
  for (const file of ['years.csv', 'years.json', 'years.ndjson']) {
    const { code, stderr, stdout } = await work.run('train', file, '--epochs', '2', '--test-size', '0', '--json');
    t.is(code, 0, stderr);
    t.regex(stderr, /numbers \(1991\)/);
    losses.push(JSON.parse(stdout.trim().split('\n')[0]).loss);
  }
  t.is(new Set(losses).size, 1, losses.join());
  work.write('ragged.ndjson', Array.from({ length: 20_000 }, (_, i) => `{"k${i}":1}`).join('\n'));
  const { code, stderr } = await work.run('train', 'ragged.ndjson');
  t.is(code, 3, stderr);
  t.regex(stderr, /its 20000 records name more than \d+ columns, of which each of them has but a few/);
});

test.serial('options decide about columns; decimal commas and latin1 are read', async (t) => {
  const random = Array.from({ length: 60 }, (_, i) => i);
  const lines = random.map(
    (i) => `${i % 3};${(i % 7) * 1000},5;${i % 2 ? 'groß' : 'klein'};${10000 + (i % 4)};${i % 5 === 0 ? 1 : 0}`,
  );
  work.write('german.csv', Buffer.from(`nr;preis;größe;plz;y\n${lines.join('\n')}\n`, 'latin1'));
  const path = work.path('german.safetensors');
  const trained = await work.run(
    ...['train', 'german.csv', '--separator', ';', '--decimal', ',', '--encoding', 'latin1', '--categorical', 'plz'],
    ...['--columns', 'preis,größe,plz', '--epochs', '3', '--stratify', '--class-weight', 'balanced', '--save', path],
  );
  t.is(trained.code, 0, trained.stderr);
  t.regex(trained.stderr, /nr: left out, as asked/);
  t.regex(trained.stderr, /größe: text of 2 kinds/);
  t.regex(trained.stderr, /plz: a name, as asked, of 4 kinds/);
  const { code, stdout } = await work.run('predict', path, 'german.csv');
  t.is(code, 0);
  t.is(stdout.trim().split('\n').length, 61);
  const answers = await (await loadPredictor(path)).predict([{ preis: 1000.5, größe: 'groß', plz: 10001 }]);
  t.true([0, 1].includes((answers as NDArray).data[0]));
});

test.serial('a table of numbers is read as that of the training was written, as a mixed one is', async (t) => {
  const rows = Array.from({ length: 40 }, (_, i) => [i / 8, (i % 7) / 4, i % 2]);
  const lines = (separator: string) => rows.map((row) => row.join(separator)).join('\n');
  work.write('semicolons.csv', `a;b;y\n${lines(';')}\n`);
  work.write('bare.csv', `${lines(',')}\n`);
  const [path, bare] = [work.path('semicolons.safetensors'), work.path('bare.safetensors')];
  await work.run('train', 'semicolons.csv', '--separator', ';', '--epochs', '1', '--save', path);
  await work.run('train', 'bare.csv', '--no-header', '--epochs', '1', '--save', bare);
  const answers = async (...args: string[]) => {
    const { code, stdout, stderr } = await work.run(...args);
    t.is(code, 0, stderr);
    return stdout;
  };
  const expected = await answers('predict', path, 'semicolons.csv', '--separator', ';');
  t.is(await answers('predict', path, 'semicolons.csv'), expected);
  t.regex(await answers('evaluate', path, 'semicolons.csv'), /40 samples/);
  work.write('commas.csv', `a,b\n${rows.map(([a, b]) => `${a},${b}`).join('\n')}\n`);
  t.is(await answers('predict', path, 'commas.csv', '--separator', ','), expected);
  work.write('bare.json', JSON.stringify(rows.map(([a, b]) => ({ 'column 0': a, 'column 1': b }))));
  t.is(await answers('predict', bare, 'bare.json'), await answers('predict', bare, 'bare.csv'));
  work.write('mixed.csv', `a;b;y\n${rows.map(([a, b, y]) => `${a};${b > 1};${y}`).join('\n')}\n`);
  await work.run('train', 'mixed.csv', '--separator', ';', '--epochs', '1', '--save', 'mixed');
  const other = await work.run('predict', 'mixed', 'commas.csv');
  t.regex(other.stderr, /it has one column; its cells seem to be separated by ',', which .*--separator/);
  work.write('latin.csv', Buffer.from('name,y\né,1\n', 'latin1'));
  for (const args of [[], ['--impute', 'mean']])
    t.regex((await work.run('train', 'latin.csv', ...args)).stderr, /no UTF-8: .*, or train with --encoding latin1$/m);
});

test.serial('an option that a table of columns has no use for is refused, in training and in answers', async (t) => {
  const rows = Array.from({ length: 40 }, (_, i) => ({ a: i / 8, k: i % 3 ? 'x' : 'z', y: i % 2 }));
  work.write('kinds.json', JSON.stringify(rows));
  work.write('kinds.csv', csvOf(rows));
  await writeNpy(work.path('array.npy'), [[1], [2]]);
  t.is((await work.run('train', 'kinds.csv', '--epochs', '1', '--save', 'kinds')).code, 0);
  const cases: [string, RegExp][] = [
    ['train kinds.json --decimal ,', /no --decimal with 'kinds.json', which is no CSV file/],
    ['train kinds.json --encoding latin1', /no --encoding with 'kinds.json'/],
    ['train kinds.json --separator ; --drop a', /no --separator with 'kinds.json'/],
    ['train kinds.csv --size 3x3 --drop a', /no --size with 'kinds.csv', which is no folder of pictures/],
    ['train kinds.csv --labels kinds.csv --drop a', /no --labels with a CSV file/],
    ['train digits --drop a', /a table with columns \(CSV, Parquet or JSON\), got 'digits'/],
    ['predict kinds array.npy', /a table with columns \(CSV, Parquet or JSON\), got 'array.npy'/],
    ['predict kinds kinds.json --no-header', /no --no-header with 'kinds.json'/],
    ['evaluate kinds kinds.csv --labels kinds.csv', /no --labels with a CSV file/],
  ];
  for (const [line, message] of cases) {
    const { code, stderr } = await work.run(...line.split(' '));
    t.true(code === 2 || code === 3, line);
    t.regex(stderr, message);
  }
  t.is((await work.run('predict', 'kinds', 'kinds.json')).code, 0);
});

test.serial('columns whose names hold commas and quotes are named as in CSV', async (t) => {
  const lines = Array.from({ length: 40 }, (_, i) => `${i / 8},${(i % 7) / 4},${(i % 5) / 4},${i % 2}`);
  work.write('survey.csv', `"How old, in years?","5"" screen",rest,y\n${lines.join('\n')}\n`);
  for (const [names, left] of [
    ['"How old, in years?"', ['How old, in years?']],
    [' rest , 5" screen', ['rest', '5" screen']],
    ['"5"" screen" ,"How old, in years?"', ['5" screen', 'How old, in years?']],
  ] as const) {
    const { stderr, code } = await work.run('train', 'survey.csv', '--epochs', '1', '--drop', names);
    t.is(code, 0, stderr);
    t.deepEqual(
      Array.from(stderr.matchAll(/^ {2}(.*): left out, as asked$/gm), ([, name]) => name).sort(),
      [...left].sort(),
    );
  }
});

test.serial('rows without a label are left out and counted; what cannot be meant is asked about', async (t) => {
  work.write(
    'gaps.csv',
    `a,b,y\n${Array.from({ length: 30 }, (_, i) => `${i},${i % 2 ? 'x' : ''},${i < 4 ? 'NA' : i % 2}`).join('\n')}\n`,
  );
  const { stderr, code } = await work.run('train', 'gaps.csv', '--epochs', '2');
  t.is(code, 0, stderr);
  t.regex(stderr, /4 rows without 'y' are left out/);
  work.write('gap.csv', 'a,b,y\n1,x,\n2,,1\n3,x,0\n');
  const tested = await work.run('train', 'gaps.csv', '--epochs', '1', '--test-data', 'gap.csv', '--save', 'gap');
  t.regex(tested.stderr, /left out; gap.csv: 1 row without 'y' is left out/);
  const evaluated = await work.run('evaluate', 'gap', 'gap.csv');
  t.regex(evaluated.stderr, /^1 row without 'y' is left out/m);
  t.regex(evaluated.stdout, /gap.csv: 2 samples/);
  work.write('doubt.csv', `a,y\n${Array.from({ length: 200 }, (_, i) => `${i % 9},${i % 60}`).join('\n')}\n`);
  const rent = Array.from({ length: 40 }, (_, i) => `${i % 9},"$1,0${10 + i}.00"`);
  work.write('rent.csv', `rooms,price\n${rent.join('\n')}\n`);
  const cases: [RegExp, ...string[]][] = [
    [/labels are 60 different whole numbers: --task classification .*, --regression/, 'doubt.csv'],
    [/--label .* classes or numbers .* 'price' of 40 different texts in 40 rows, such as '\$1,010.00'/, 'rent.csv'],
    [/--columns to name columns of 'gaps.csv', got 'c'/, 'gaps.csv', '--columns', 'a,c'],
    [/--label .*'z'.*it has: a, b, y/, 'gaps.csv', '--label', 'z', '--drop', 'a'],
    [/no --scale with 'gaps.csv'/, 'gaps.csv', '--scale', 'minmax'],
    [/a network of dense layers for the columns of 'gaps.csv'/, 'gaps.csv', '--model', 'cnn'],
    [/one of --regression and --task classification/, 'gaps.csv', '--regression', '--task', 'classification'],
  ];
  for (const [message, ...args] of cases) {
    const refused = await work.run('train', ...args);
    t.true([2, 3].includes(refused.code as number), refused.stderr);
    t.regex(refused.stderr, message);
  }
  const early = ['--task', 'classification', '--epochs', '400', '--patience', '1', '--save', work.path('rent')];
  const { stdout } = await work.run('train', 'rent.csv', ...early);
  t.regex(stdout, /^Saved: .*rent\nTrained for \d{1,2} epochs?/);
  const path = work.path('gaps.safetensors');
  await work.run('train', 'gaps.csv', '--epochs', '1', '--save', path);
  work.write('other.csv', 'a,c\n1,2\n');
  const other = await work.run('predict', path, 'other.csv');
  t.is(other.code, 3);
  t.regex(
    other.stderr,
    /Cannot use 'other.csv': Expected rows to have the columns 'b', as the model was trained on, got a, c/,
  );
  work.write('bad.json', '[{"a": 1, "b": [1], "y": 1}]');
  t.regex((await work.run('train', 'bad.json')).stderr, /a value in row 0 of 'b', got a list/);
  work.write('rows.ndjson', '{"a": 1, "y": "p"}\n{"a": 7, "y": "q"}\n{"a": 3, "y": "q"}\n');
  t.is((await work.run('train', 'rows.ndjson', '--epochs', '1', '--test-size', '0')).code, 0);
});

test.serial(
  'what a file holds and a network cannot take is told with the row of the file, before anything is printed',
  async (t) => {
    const lines = Array.from({ length: 40 }, (_, i) => `${i === 5 ? 'Infinity' : i},${i % 3},${i % 2 ? 'p' : 'q'}`);
    work.write('endless.csv', `a,b,y\n${lines.join('\n')}\n`);
    const endless = await work.run('train', 'endless.csv');
    t.is(endless.code, 3);
    t.regex(endless.stderr, /Cannot use 'endless.csv': .* finite numbers, got Infinity at row 5$/m);

    work.write('kinds.csv', `a,b,y\n${lines.map((line) => line.replace('Infinity', '')).join('\n')}\n`);
    const path = work.path('kinds.safetensors');
    t.is((await work.run('train', 'kinds.csv', '--epochs', '1', '--save', path)).code, 0);
    const given = async (input: string, ...args: string[]) => work.start([...args], input).finished;
    const text = await given('a,b\n1,x\n', 'predict', path, '-');
    t.is(text.stdout, '');
    t.regex(text.stderr, /Cannot use 'standard input': .*'b' of x at row 0 .*got 'x'/);
    for (const args of [
      ['predict', path, '-'],
      ['train', '-'],
      ['train', '-', '--impute', 'mean'],
    ])
      t.regex((await given('', ...args)).stderr, /^fjordnet: Cannot read standard input: it is empty$/m);
  },
);

test.serial('the weights of dense layers are drawn as images of the shape that was trained on', async (t) => {
  const lines = Array.from(
    { length: 20 },
    (_, i) => `${Array.from({ length: 6 }, (_, k) => Math.sin(i * k)).join()},${i % 2}`,
  );
  work.write('six.csv', `${lines.join('\n')}\n`);
  const path = work.path('six.safetensors');
  const train = (...args: string[]) =>
    work.run('train', 'six.csv', '--epochs', '1', '--model', 'mlp', '--save', path, ...args);
  t.is((await train('--shape', '2x3')).code, 0);
  const drawn = await work.run('plot', 'filters', path, '--out', 'six.svg');
  t.is(drawn.code, 0, drawn.stderr);
  t.is((await train()).code, 0);
  const refused = await work.run('plot', 'filters', path, '--out', 'six.svg');
  t.is(refused.code, 3);
  t.regex(refused.stderr, /six.safetensors' to have a convolution, or to be trained on grey images, for filters/);
  t.regex((await work.run('grid', 'six.csv', '--search', 'l2=0:1:2')).stderr, /l2 to be a number > 0, got '0'/);
});

test.serial('control characters of a file are told, and do not reach the terminal', async (t) => {
  const lines = Array.from({ length: 40 }, (_, i) => `${i},w${i % 3},${i % 2 ? 'p\u001b[2J' : 'q'}`);
  work.write('orders.csv', `a\u001b[31m,b,y\n${lines.join('\n')}\n`);
  const path = work.path('orders.safetensors');
  const trained = await work.run('train', 'orders.csv', '--epochs', '1', '--save', path);
  t.regex(trained.stderr, /^ {2}a\\u001b\[31m: /m);
  const tested = await work.run('evaluate', path);
  t.regex(tested.stdout, /p\\u001b\[2J/);
  const refused = await work.run('predict', path, 'none\u0007.csv');
  t.regex(refused.stderr, /Cannot read 'none\\u0007\.csv': there is no such file/);
  for (const { stdout, stderr } of [trained, tested, refused]) t.notRegex(stdout + stderr, /(?!\n)\p{Cc}/u);
});

test.serial('--class-weight is of classes', async (t) => {
  work.write('line.csv', `a,y\n${Array.from({ length: 40 }, (_, i) => `${i},${i + 0.5}`).join('\n')}\n`);
  const { code, stderr } = await work.run('train', 'line.csv', '--class-weight', 'balanced');
  t.is(code, 2);
  t.regex(stderr, /Expected no --class-weight with 'line.csv', whose labels are numbers/);
});

test.serial('files of networks that were saved before, and of numeric tables, answer raw rows', async (t) => {
  const path = work.path('numbers.safetensors');
  const lines = Array.from({ length: 40 }, (_, i) => `${i % 2 ? 300 + i : i},${i % 5},${i % 2 ? 'high' : 'low'}`);
  work.write('numbers.csv', `a,b,y\n${lines.join('\n')}\n`);
  t.is((await work.run('train', 'numbers.csv', '--epochs', '60', '--learning-rate', '0.05', '--save', path)).code, 0);
  const rows = lines.map((line) => ({ b: Number(line.split(',')[1]), a: Number(line.split(',')[0]) }));
  const predictor = await loadPredictor(path);
  t.deepEqual(predictor.inputNames, ['a', 'b']);
  const labels = (await predictor.predict(rows)) as Label[];
  t.deepEqual(
    labels,
    lines.map((line) => line.split(',')[2]),
  );
  t.true(predictor.pipeline instanceof Pipeline);
});

test.serial('records of JSON answer as CSV does, where the model knows no names and where it does', async (t) => {
  const X = Array.from({ length: 20 }, (_, i) => [i % 7, i % 5]);
  const bare = new Pipeline([
    ['scale', new StandardScaler()],
    ['model', new MLPClassifier({ solver: 'lbfgs', randomState: 1 })],
  ]);
  await bare.fit(
    X,
    X.map(([a, b]) => (a > b ? 'more' : 'less')),
  );
  await bare.save(work.path('bare.safetensors'));
  const numbers = X.map(([a, b]) => `${a},${b}`).join('\n');
  const records = X.map(([a, b]) => JSON.stringify({ a, b }));
  work.write('bare.csv', `a,b\n${numbers}\n`);
  work.write('bare.json', `[${records.join()}]`);
  work.write('bare.ndjson', records.join('\n'));
  work.write('trained.csv', `a,b,y\n${X.map(([a, b]) => `${a},${b},${a > b ? 'more' : 'less'}`).join('\n')}\n`);
  work.write('trained.json', JSON.stringify(X.map(([a, b]) => ({ y: a > b ? 'more' : 'less', b, a }))));
  await work.run('train', 'trained.csv', '--epochs', '2', '--save', work.path('trained.safetensors'));
  const answers = async (model: string, source: string, command = 'predict') => {
    const { code, stdout, stderr } = await work.run(command, work.path(model), source);
    t.is(code, 0, stderr);
    return stdout.replace(/^.*: 20 samples/, '');
  };
  for (const source of ['bare.json', 'bare.ndjson'])
    t.is(await answers('bare.safetensors', source), await answers('bare.safetensors', 'bare.csv'), source);
  for (const command of ['predict', 'evaluate'])
    t.is(
      await answers('trained.safetensors', 'trained.json', command),
      await answers('trained.safetensors', 'trained.csv', command),
      command,
    );
  work.write('gap.json', '[{"a": 1, "b": 2}, {"a": 1}]');
  t.regex(
    (await work.run('predict', work.path('bare.safetensors'), 'gap.json')).stderr,
    /gap.json': expected a finite number in row 1, 'b', got nothing/,
  );
  t.regex(
    (await work.run('evaluate', work.path('trained.safetensors'), 'trained.json', '--labels', 'y.npy')).stderr,
    /no --labels/,
  );
});

test.serial('networks are drawn of files that code saved, and of other programs', async (t) => {
  const x = input({ shape: [4], name: 'x' });
  const hidden = layers.dense({ units: 4 }).apply(x);
  const outputs = [hidden, ops.add(x, hidden)].map((value) => layers.dense({ units: 1 }).apply(value));
  const network = model({ inputs: x, outputs });
  await network.save(work.path('graph.safetensors'));
  await network.export(work.path('graph.onnx'));
  await network.export(work.path('graph.keras'));
  for (const file of ['graph.safetensors', 'graph.onnx', 'graph.keras'])
    for (const kind of ['network', 'weights', 'filters']) {
      const { code, stderr } = await work.run('plot', kind, file, '--out', 'graph.svg');
      t.is(code, 0, `${kind} ${file}: ${stderr}`);
    }
  const sequence = sequential({ layers: [layers.lstm({ units: 2, inputShape: [3, 4] })] });
  await sequence.save(work.path('sequence.safetensors'));
  const refused = await work.run('plot', 'filters', 'sequence.safetensors', '--out', 'sequence.svg');
  t.is(refused.code, 3);
  t.regex(refused.stderr, /sequence.safetensors' to have a convolution, or to be trained on grey images, for filters/);
});
