import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import {
  ColumnTransformer,
  DatetimeEncoder,
  data,
  KMeans,
  NDArray,
  RandomState,
  RBFRegressor,
  readTable,
  SimpleImputer,
  StandardScaler,
} from 'fjordnet';
import { RecordSink } from '../dist/io/csv-records.js';
import { costOf } from './helpers/cost.js';

const home = mkdtempSync(join(tmpdir(), 'fjordnet-table-'));
test.after.always(() => rmSync(home, { recursive: true, force: true }));
let files = 0;
function file(text: string | Buffer, extension: string): string {
  const path = join(home, `${files++}.${extension}`);
  writeFileSync(path, text);
  return path;
}

test('with decimal commas points stand between thousands: dates, versions and addresses stay text', async (t) => {
  const text = [
    'date;version;address;price;weight;sum',
    '12.3.2020;1.5;192.168.1.1;1,5;1.234,5;-12.000.123',
    '24.12.2019;2.25;10.0.0.1;2;12;1.000',
  ];
  t.deepEqual(await readTable(file(text.join('\n'), 'csv'), { separator: ';', decimal: ',' }), {
    date: ['12.3.2020', '24.12.2019'],
    version: ['1.5', '2.25'],
    address: ['192.168.1.1', '10.0.0.1'],
    price: [1.5, 2],
    weight: [1234.5, 12],
    sum: [-12000123, 1000],
  });
});

test('where the cells of a row seem to be separated by another character, it is said', async (t) => {
  const message = /expect 1, got 2 on line 2 \(the first row has 1 cell\); its cells seem to be separated by ';'/;
  await t.throwsAsync(readTable(file('x;y\n1,5;2\n', 'csv')), { message });
  await t.throwsAsync(readTable(file('"x";"y"\n1;2\n', 'csv')), { message: /instead of the end of a cell; .*';'/ });
});

test('JSON of columns, and the NaN of Python, are refused with what JSON of records has', async (t) => {
  const refused = (text: string, message: RegExp) => t.throwsAsync(readTable(file(text, 'json')), { message });
  for (const columns of ['{"a":[1,2],"y":["p","q"]}', '{"a":{"0":1,"1":2}}', '[{"a":[1,2]}]'])
    await refused(
      columns,
      /expected records, in a list or one a line, got one object whose 'a' is a list or an object/,
    );
  await refused('[{"a":1},{"a":[2]}]', /expected a value in row 1 of 'a', got a list or an object/);
  await refused('[{"a":1},{"a": NaN}]', /it is no JSON, which has no NaN and no Infinity: null says/);
  await refused('{"a":1}\n{"a":-Infinity}\n', /its line 2 is no JSON, which has no NaN/);
  await refused('[{"a":1},{"a":1]', /it is no JSON$/);
});

test('a first row of years and text is names where what is below says so', async (t) => {
  const read = (text: string, options = {}) => readTable(file(text, 'csv'), options);
  const prices = { 2019: [1, 2], 2020: [3, 4], price: [5, 6] };
  t.deepEqual(await read('2019,2020,price\n1,3,5\n2,4,6\n'), prices);
  t.deepEqual(await read('2019,2020,price\n1,3,5\n2,4,6\n7,8,9\n', { rows: 2 }), prices);
  const kinds = await read('2019,2020,kind\n1,3,a\n2,4,a\n');
  t.deepEqual(kinds, { 2019: [1, 2], 2020: [3, 4], kind: ['a', 'a'] });
  for (const rows of ['3,25,Ann\n1,30,Bob\n', '1,2,a\n3,4,b\n5,6,a\n7,8,b\n', '1,2,a\n'])
    t.is((await read(rows))['column 0'].length, rows.trim().split('\n').length, rows);
  t.is((await read('1,2,a\n3,4,b\n5,6,a\n', { rows: 2 }))['column 2'].length, 2);
});

test('integers that float64 rounds stay text in CSV, and are refused in JSON with their line', async (t) => {
  t.deepEqual(await readTable(file('a,b,c\n" 007"," 9007199254740993 "," 7 "\n', 'csv')), {
    a: [' 007'],
    b: [' 9007199254740993 '],
    c: [7],
  });
  for (const [text, extension, message] of [
    [
      '[{"id": 9007199254740993},\n{"id": 9007199254740992}]',
      'json',
      /its line 1 holds 9007199254740993, which float64/,
    ],
    ['{"id": 1}\n{"id": -9007199254740993}', 'ndjson', /its line 2 holds -9007199254740993/],
    ['{"a": 1}\n{"a": 1e400}', 'jsonl', /its line 2 holds 1e400/],
  ] as const)
    await t.throwsAsync(readTable(file(text, extension)), { code: 'ERR_FORMAT', message });
  // texts, and what float64 holds
  const exact = '[{"id": 9007199254740992, "t": "9007199254740993, \\"1e400\\""}, {"id": 1e20, "t": "1e999"}]';
  t.deepEqual(await readTable(file(exact, 'json')), {
    id: [9007199254740992, 1e20],
    t: ['9007199254740993, "1e400"', '1e999'],
  });
  // what JavaScript writes itself
  const numbers = [{ a: 123456789012345680000 }, { a: -(2 ** 60) }, { a: 2 ** 53 + 2 }, { a: 3e20 / 7 }];
  const written = JSON.stringify(numbers);
  t.regex(written, /123456789012345680000.*-1152921504606847000/);
  t.deepEqual(await readTable(file(written, 'json')), { a: numbers.map(({ a }) => a) });
});

test('JSON is UTF-8, or begins with a mark; one record is told from damage', async (t) => {
  const text = '[{"a":"Größe"},{"a":"Gräße"}]';
  await t.throwsAsync(readTable(file(Buffer.from(text, 'latin1'), 'json')), {
    code: 'ERR_FORMAT',
    message: /it is no UTF-8: byte 0xf6 in line 1/,
  });
  for (const bytes of [text, `\ufeff${text}`, Buffer.from(`\ufeff${text}`, 'utf16le')])
    t.deepEqual(await readTable(file(bytes, 'json')), { a: ['Größe', 'Gräße'] });
  await t.throwsAsync(readTable(file('{\n  "a": 1\n}', 'json')), { message: /it is one record: a list of them/ });
  await t.throwsAsync(readTable(file('{"a": 1}\n{"a": }', 'ndjson')), { message: /its line 2 is no JSON/ });
});

test('inf is a number, as in pandas, and refused where numbers are to be made of it: it is not missing', async (t) => {
  const text = 'a,kind,name\n1.5,x,inf\ninf,y,q\n-Infinity,,r\nnan,x,s\n2,y,NaN\n';
  const table = await readTable(file(text, 'csv'));
  t.deepEqual(table, {
    a: [1.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, null, 2],
    kind: ['x', 'y', null, 'x', 'y'],
    name: ['inf', 'q', 'r', 's', null],
  });
  t.throws(() => new SimpleImputer().fit({ a: table.a }), {
    message: /^Expected the column 'a' of x to hold finite numbers, got Infinity at row 1$/,
  });
  const transformer = new ColumnTransformer([['scale', [new SimpleImputer(), new StandardScaler()], ['a']]]);
  transformer.fit({ a: [1.5, null, 3] });
  const streamed = (async () => {
    for await (const _ of data.csv(file('a\n1\n\ninf\n', 'csv'), { transformer }).batch(2));
  })();
  await t.throwsAsync(streamed, { code: 'ERR_FORMAT', message: /expected a finite number in line 4, 'a', got "inf"/ });
});

test('decimals that float64 has no room for are infinite, as in pandas, and digits alone are text', async (t) => {
  const digits = '9'.repeat(400);
  const text = `a;b;c;d;e\n1;2;x;1;2,5\n1e400;-1.5E+999;1e400;${digits};1,5e400\n5e-400;${digits}.5;y;01e400;-7\n`;
  const [more, less] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  t.deepEqual(await readTable(file(text, 'csv'), { separator: ';', decimal: ',' }), {
    a: [1, more, 0],
    b: ['2', '-1.5E+999', `${digits}.5`], // points between groups of three there, or none
    c: ['x', '1e400', 'y'],
    d: ['1', digits, '01e400'],
    e: [2.5, more, -7],
  });
  const { a, b, c } = await readTable(file(text.replaceAll(',', '.'), 'csv'), { separator: ';' });
  t.deepEqual(
    [a, b, c],
    [
      [1, more, 0],
      [2, less, more],
      ['x', '1e400', 'y'],
    ],
  );
  const transformer = new ColumnTransformer([['scale', new StandardScaler(), ['a']]]);
  transformer.fit({ a: [1.5, 3] });
  const streamed = (async () => {
    for await (const _ of data.csv(file('a\n1\n1e400\n', 'csv'), { transformer }).batch(2));
  })();
  await t.throwsAsync(streamed, {
    code: 'ERR_FORMAT',
    message: /expected a finite number in line 3, 'a', got "1e400"/,
  });
});

test('a label that float64 has no room for is refused among numbers, and text among texts', async (t) => {
  const labelsOf = async (labels: string[], options = {}) => {
    const sink = new RecordSink('a.csv', { label: 'y', ...options });
    [['x', 'y'], ...labels.map((label, i) => [String(i), label])].forEach((cells, i) => {
      sink.row(cells, i + 1);
    });
    return (await sink.finish()).label?.y;
  };
  await t.throwsAsync(labelsOf(['1.5', '-1e400', '2']), { message: /expected a label in row 1, 'y', got '-1e400'/ });
  t.deepEqual(await labelsOf(['1.5', '1e400', 'ab'], {}), ['1.5', '1e400', 'ab']);
  t.deepEqual(await labelsOf(['1.5', '1e400'], { textLabels: true }), ['1.5', '1e400']);
});

test('JSON may be gzipped, as CSV', async (t) => {
  t.deepEqual(await readTable(file(gzipSync('[{"a": 1}, {"a": 2}]'), 'json.gz')), { a: [1, 2] });
  t.deepEqual(await readTable(file(gzipSync('{"a": 1}\n{"a": 2}\n'), 'ndjson.gz')), { a: [1, 2] });
  await t.throwsAsync(readTable(file(gzipSync('[{"a": 1}]').subarray(0, -9), 'json.gz')), {
    code: 'ERR_FORMAT',
    message: /its gzip is damaged or cut short/,
  });
});

test('JSON may be one line, however long; what is none ends at once', async (t) => {
  const long = 'x'.repeat(2 ** 24);
  t.deepEqual(await readTable(file(`[{"a":"${long}","b":1234567890123456}]`, 'json')), {
    a: [long],
    b: [1234567890123456],
  });
  const escapes = 'a\\n\\"\\\\'.repeat(2 ** 20);
  await t.throwsAsync(readTable(file(`[{"a":"${escapes}","b":9007199254740993}]`, 'json')), {
    message: /its line 1 holds 9007199254740993/,
  });
  await t.throwsAsync(readTable(file(`1e400${'\\"'.repeat(2 ** 20)}`, 'json')), { message: /its line 1 is no JSON$/ });
});

test('a stream may begin with a byte and go on as text', async (t) => {
  t.deepEqual(await readTable(Readable.from([Buffer.from('a'), ',b\n', '1,2\n'])), { a: [1], b: [2] });
});

test('a gzipped stream is known whatever its first pieces hold', async (t) => {
  const bytes = gzipSync('a,b\n1,2\n');
  for (const cuts of [[0, 1], [1], [0, 0, 1, 2]]) {
    const pieces = [...cuts.map((cut, i) => bytes.subarray(cuts[i - 1] ?? 0, cut)), bytes.subarray(cuts.at(-1))];
    t.deepEqual(await readTable(Readable.from(pieces)), { a: [1], b: [2] });
  }
});

test('days of the year in the first century', (t) => {
  const encoder = new DatetimeEncoder({ parts: ['dayOfYear'] });
  const days = ['0050-06-01', '0004-12-31', '2023-12-31', '2024-12-31'];
  t.deepEqual([...(encoder.fitTransform({ d: days }) as NDArray).data], [152, 366, 365, 366]);
});

for (const [dtype, offset, within] of [
  ['float32', 2000, 1e-4],
  ['float64', 1e8, 1e-6],
] as const)
  test(`distances far from 0 keep their digits: ${dtype}`, (t) => {
    const near = new RandomState(0).randn(60, 2).toArray<number[][]>();
    const x = NDArray.from(
      near.map((row) => row.map((value) => value + offset)),
      { dtype },
    );
    const rows = x.toArray<number[][]>();
    const distance = (a: readonly number[], b: readonly number[]) => Math.hypot(...a.map((value, j) => value - b[j]));

    const kmeans = new KMeans({ nClusters: 4, randomState: 0 }).fitSync(x);
    const centers = kmeans.clusterCenters.toArray<number[][]>();
    const transformed = kmeans.transform(x).toArray<number[][]>();
    for (const [i, row] of rows.entries())
      for (const [k, center] of centers.entries())
        t.true(Math.abs(transformed[i][k] - distance(row, center)) < within, `row ${i}, centre ${k}`);
    t.true(Math.abs(kmeans.score(x) + kmeans.inertia) < 60 * within);

    const y = near.map(([a, b]) => Math.sin(a) + b);
    const network = new RBFRegressor({ nCenters: 10, randomState: 0 }).fitSync(x, y);
    const [c, widths] = [network.centers.toArray<number[][]>(), network.widths.data];
    const { coef, intercept } = network as unknown as { coef: NDArray; intercept: NDArray | number };
    const predicted = network.predict(x) as NDArray;
    const weights = coef.data;
    const shift = typeof intercept === 'number' ? intercept : intercept.data[0];
    for (const [i, row] of rows.entries()) {
      const exact = c.reduce(
        (sum, own, k) => sum + weights[k] * Math.exp(-((distance(row, own) / widths[k]) ** 2)),
        shift,
      );
      t.true(Math.abs(predicted.data[i] - exact) < 100 * within, `row ${i}: ${predicted.data[i]}, ${exact}`);
    }
  });

test('tables of many columns take the time of one pass over their names', (t) => {
  const of = (width: number) => {
    const names = Array.from({ length: width }, (_, k) => `gene ${k}`);
    const rows = [1, 2, 3, 4].map((row) => names.map((_, k) => (row * 7919 + k * 31) % 97));
    return file([names, ...rows].map((cells) => cells.join()).join('\n'), 'csv');
  };
  const read = `async (path) => {
    const { data, readTable, StandardScaler, TableTransformer } = await import('fjordnet');
    const table = await readTable(path);
    const names = Object.keys(table);
    await readTable(path, { columns: names });
    new StandardScaler().fitTransform(table);
    TableTransformer.infer(table, { target: names[0] });
    const samples = data.csv(path, { label: names[0], columns: names.slice(1) });
    for await (const [x] of samples) if (x.length !== names.length - 1) throw new Error('other columns');
  }`;
  const { code, message, seconds } = costOf(read, of(10), of(30_000));
  t.is(code, 'read', message);
  t.true(seconds < 6, `${seconds}`); // 1; 15 by looking for each name among all
});

test.serial('whatever else the process serves has its turn while cells and records become columns', async (t) => {
  const n = 100_000;
  const turnsOf = async (reading: () => Promise<unknown>) => {
    let [turns, isOver] = [0, false];
    const count = () => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    await reading();
    isOver = true;
    return turns;
  };
  const sink = new RecordSink('a.csv');
  sink.row(['a', 'b', 'c'], 1);
  for (let i = 0; i < n; i++) sink.row([String(i / 7), `t${i}`, String(i % 2 === 0)], i + 2);
  t.true((await turnsOf(async () => sink.finish())) >= 3);

  const records = file(
    Array.from({ length: n }, (_, i) => `{"a": ${i}, "b": 0.1234567890123456}\n`).join(''),
    'ndjson',
  );
  const { parse } = JSON;
  let [first, last, turns] = [-1, -1, 0];
  JSON.parse = (text, ...rest) => {
    last = turns;
    if (first < 0) first = turns;
    return parse(text, ...rest);
  };
  t.teardown(() => {
    JSON.parse = parse;
  });
  const count = setInterval(() => turns++, 0);
  await readTable(records);
  clearInterval(count);
  t.true(last > first, `${first} to ${last}`);
});
