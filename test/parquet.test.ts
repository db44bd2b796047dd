import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import {
  data,
  layers,
  loadPredictor,
  makePipeline,
  type NDArray,
  Predictor,
  readTable,
  sequential,
  TableTransformer,
} from 'fjordnet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { argmaxRows } from '../dist/array.js';
import { Workplace } from './helpers/cli.js';
import { costOf } from './helpers/cost.js';
import { all } from './helpers/elements.js';
import { type ColumnSpec, parquetOf, varint } from './helpers/parquet.js';

const home = mkdtempSync(join(tmpdir(), 'fjordnet-parquet-'));
const work = new Workplace();
test.after.always(() => {
  rmSync(home, { recursive: true });
  work.remove();
});
const fixture = (name: string) => fileURLToPath(new URL(`../test/fixtures/parquet/${name}.parquet`, import.meta.url));
const expected = JSON.parse(readFileSync(new URL('../test/fixtures/parquet/expected.json', import.meta.url), 'utf8'));

let files = 0;
function file(content: string | Uint8Array, ending = 'parquet'): string {
  const path = join(home, `file${files++}.${ending}`);
  writeFileSync(path, content);
  return path;
}
const written = (columns: Record<string, unknown[]>, options: object = {}) =>
  file(
    new Uint8Array(
      parquetWriteBuffer({
        columnData: Object.entries(columns).map(([name, values]) => ({ name, data: values })) as never,
        ...options,
      }),
    ),
  );
const refusal = async (path: string, options?: object) =>
  (await messageOf(readTable(path, options)))?.replace(/^Cannot read '.*?': /, '');
const messageOf = (reading: Promise<unknown>) =>
  reading.then(
    () => undefined,
    ({ message }: Error) => message,
  );

for (const name of ['none', 'snappy', 'gzip', 'brotli', 'zstd', 'lz4', 'v2', 'v2-none', 'groups', 'int96', 'encodings'])
  test(`pyarrow's types: ${name}`, async (t) => {
    const table = await readTable(fixture(name));
    t.true(Object.keys(table).length > 1);
    for (const [column, values] of Object.entries(table))
      t.deepEqual(
        values.map((value) => (value instanceof Date ? { date: value.getTime() } : value)),
        expected[column],
        column,
      );
  });

test('some columns and rows', async (t) => {
  const table = await readTable(fixture('groups'), { columns: ['text', 'int8'], rows: 20 });
  t.deepEqual(table, { text: expected.text.slice(0, 20), int8: expected.int8.slice(0, 20) });
  const csv = file('a,b\n1,x\n2,y\n3,"never closed', 'csv');
  t.deepEqual(await readTable(csv, { rows: 2, columns: ['b'] }), { b: ['x', 'y'] });
  const json = file('[{"a": 1}, {"a": 2}]', 'json');
  t.deepEqual(await readTable(json, { rows: 1 }), { a: [1] });
  for (const path of [csv, json, fixture('groups')])
    t.regex(
      (await messageOf(readTable(path, { columns: ['aa'], rows: 1 }))) ?? '',
      /^Expected columns to .*, got '?aa/,
    );
});

test('parts of no rows, which pyarrow says lie at 0, are passed over', async (t) => {
  const parts = fixture('parts');
  const twice = (column: string) => [...expected[column].slice(0, 5), ...expected[column].slice(0, 5)];
  t.deepEqual(await readTable(parts), { required: twice('required'), text: twice('text') });
  const samples = data.parquet(parts, { columns: ['required'] });
  const shares = [0, 1, 2].map((index) => all(samples.shard(3, index)));
  for (const rows of [await all(samples), (await Promise.all(shares)).flat()])
    t.deepEqual(
      rows.map(({ data }) => data[0]),
      twice('required'),
    );
});

test('what is no column of a table is refused by name, and what to do', async (t) => {
  const nested = fixture('nested');
  const hint = '; the option columns (--columns, --drop) reads others';
  t.is(await refusal(nested), `its column 'tags' holds lists, not one value a row${hint}`);
  t.is(await refusal(nested, { columns: ['place'] }), `its column 'place' holds records, not one value a row${hint}`);
  t.is(await refusal(nested, { columns: ['counts'] }), `its column 'counts' holds maps, not one value a row${hint}`);
  t.is(await refusal(nested, { columns: ['time'] }), `its column 'time' holds times of a day${hint}`);
  t.deepEqual(await readTable(nested, { columns: ['name', 'id', 'mass'] }), {
    name: ['p', 'q'],
    id: ['00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002'],
    mass: [1, 2],
  });
  t.is(await refusal(fixture('twice')), "it has two columns 'a'");
  t.is(await refusal(fixture('empty')), 'it has columns (int32, text), but no rows');
  t.is(await refusal(fixture('no-columns')), 'it has no columns');
  t.is(
    await refusal(fixture('too-large')),
    "expected integers up to 2^53 in its column 'id', got a larger one in row 0",
  );
  t.deepEqual((await readTable(fixture('too-large'), { columns: ['a'] })).a.length, 40);
  const unfit = fixture('unfit');
  t.is(await refusal(unfit, { columns: ['bytes'] }), `its column 'bytes' holds bytes that are no text in UTF-8${hint}`);
  t.is(await refusal(unfit, { columns: ['time'] }), `its column 'time' holds a time beyond those of a Date${hint}`);
  t.is(
    await refusal(unfit, { columns: ['id'] }),
    "expected integers up to 2^53 in its column 'id', got a larger one in row 0",
  );
  t.deepEqual(await readTable(unfit, { columns: ['a'] }), { a: [1, 2] });
  const ids = [1n, 2n, 3n, 2n ** 53n + 1n, 5n];
  t.regex((await refusal(written({ ids }, { rowGroupSize: 2 }))) ?? '', /got a larger one in row 3$/);
});

test('damaged files are refused, and sizes that no data have', async (t) => {
  const whole = readFileSync(fixture('snappy'));
  t.is(await refusal(file('')), 'it is empty');
  t.is(await refusal(file('a,b\n1,2\n3,4\n5,6\n')), "it is no Parquet file: it does not begin with 'PAR1'");
  t.is(await refusal(file(whole.subarray(0, -100))), "it is cut short: it does not end with 'PAR1'");
  for (let cut = 1; cut < whole.length; cut += 501)
    t.truthy(await refusal(file(Buffer.concat([whole.subarray(0, whole.length - cut - 12), whole.subarray(-8)]))));
  // a footer of one column of doubles, and 10^12 rows
  const footer = [0x15, 2, 0x19, 0x2c, 0x48, 1, 0x72, 0x15, 2, 0, 0x15, 10, 0x25, 0, 0x18, 1, 0x61, 0, 0x16];
  const rows: number[] = [];
  for (let left = 2 * 10 ** 12; left > 0; left = Math.floor(left / 128))
    rows.push((left % 128) + (left > 127 ? 128 : 0));
  const bytes = [...footer, ...rows, 0x19, 0x0c, 0];
  const bomb = Buffer.concat([
    Buffer.from('PAR1'),
    Buffer.from([...bytes, bytes.length, 0, 0, 0]),
    Buffer.from('PAR1'),
  ]);
  // LZO, which nobody writes, and a compression that nobody knows
  for (const [codec, name] of [
    [3, 'LZO'],
    [77, 'a method that is not known'],
  ] as const) {
    const page = { values: 1, bytes: new Uint8Array(8) };
    const content = parquetOf({ type: 'INT64', rows: 1, codec, pages: [page] });
    t.is(await refusal(file(Buffer.from(content))), `it is compressed by ${name}, which is not read`);
  }
  t.is(await refusal(file(bomb)), `its footer declares 1000000000000 rows in ${bomb.length} bytes, as no data have`);
});

/** A dictionary of so many entries, and a page of as many places in it as there are rows, all of them the first entry. */
const coded = (values: number, bytes: Uint8Array, rows: number) => [
  { isDictionary: true, values, bytes },
  { values: rows, encoding: 8, bytes: Uint8Array.of(1, ...varint(2 * rows), 0) },
];

test('values of no bytes, and dictionaries of more entries than their bytes are of, are refused before there is memory for them', async (t) => {
  const many = 2 ** 31 - 1;
  const none = new Uint8Array(0);
  const zeros = new Uint8Array(2 ** 26 - 8);
  const files: [spec: Partial<ColumnSpec>, message: RegExp | string][] = [
    ...[{ length: 0 }, {}].flatMap((width) =>
      [coded(many, none, 3), [{ values: 3, bytes: none }]].map(
        (pages) =>
          [
            { type: 'FIXED', ...width, scale: 2, pages } as const,
            "its footer is damaged: a value of its column 'a' has no bytes",
          ] as [Partial<ColumnSpec>, string],
      ),
    ),
    [
      { type: 'FIXED', length: 8, logical: 'UUID', pages: coded(1, zeros.subarray(0, 8), 3) },
      "its footer is damaged: a value of its column 'a', of type UUID, has other than 16 bytes",
    ],
    [
      { type: 'FIXED', length: 1, logical: 'FLOAT16', pages: coded(1, zeros.subarray(0, 8), 3) },
      /of type FLOAT16, has other than 2 bytes$/,
    ],
    [{ type: 'INT32', logical: 'FLOAT16', pages: coded(1, zeros.subarray(0, 8), 3) }, /has other than 2 bytes$/],
    ...(
      [
        [{ type: 'BOOLEAN' }, 8 * zeros.length],
        [{ type: 'FIXED', length: 1, scale: 0 }, zeros.length],
        [{ type: 'BYTE_ARRAY', isText: true }, zeros.length / 4],
      ] as const
    ).map(
      ([column, entries]) =>
        [
          { ...column, isZipped: true, pages: coded(entries, zeros, 3) },
          /its column 'a' is damaged at byte \d+: it has a dictionary of far more entries than its size, as no data do$/,
        ] as [Partial<ColumnSpec>, RegExp],
    ),
  ];
  for (const [spec, message] of files) {
    const path = file(parquetOf({ type: 'FIXED', rows: 3, pages: [], ...spec }));
    const told = (await refusal(path)) ?? '';
    if (typeof message === 'string') t.is(told, message);
    else t.regex(told, message);
  }
});

test('columns of constants, which take no bytes, are refused where they would take all memory', async (t) => {
  const rows = 2 ** 24;
  const others = [...'bcdefghi'];
  const bytes = parquetOf({ type: 'INT32', rows, others, pages: coded(1, Uint8Array.of(7, 0, 0, 0), rows) });
  t.is(
    await refusal(file(bytes)),
    `it declares 16777216 rows of 9 columns in ${bytes.length} bytes, as no data have; the option columns (--columns, --drop) reads fewer`,
  );
  t.deepEqual(await readTable(file(bytes), { columns: ['b'], rows: 3 }), { b: [7, 7, 7] });
  t.is((await readTable(file(bytes), { rows: 3 })).i.length, 3);
});

test('a dictionary may have entries that no row has; values of fixed lengths and texts, many of them', async (t) => {
  const text = (value: string) => [value.length, 0, 0, 0, ...Buffer.from(value)];
  const bytes = Uint8Array.from(Array.from({ length: 300 }, (_, i) => text(`entry ${i}`)).flat());
  const texts = { type: 'BYTE_ARRAY', isText: true, rows: 2, pages: coded(300, bytes, 2) } as const;
  t.deepEqual(await readTable(file(parquetOf(texts))), { a: ['entry 0', 'entry 0'] });
  const rows = 150_001;
  const column = Array.from({ length: rows }, (_, i) => i % 30_000);
  const halves = Uint8Array.from(column.flatMap((value) => [value >> 8, value & 255]));
  const decimal = { type: 'FIXED', length: 2, scale: 2, rows, pages: [{ values: rows, bytes: halves }] } as const;
  t.deepEqual(await readTable(file(parquetOf(decimal))), { a: column.map((value) => value / 100) });
  const names = column.map(String);
  const page = { values: rows, bytes: Uint8Array.from(names.flatMap(text)) };
  t.deepEqual(await readTable(file(parquetOf({ type: 'BYTE_ARRAY', isText: true, rows, pages: [page] }))), {
    a: names,
  });
});

test('levels that say more than whether there is a value, and numbers of more bits than they say, are refused', async (t) => {
  const rows = 3;
  const [dictionary] = coded(1, Uint8Array.of(7, 0, 0, 0), rows);
  const page = (level: number[], values: number[], n = rows) =>
    parquetOf({
      ...{ type: 'INT32', isOptional: true, rows: n },
      pages: [dictionary, { values: n, encoding: 8, bytes: Uint8Array.of(level.length, 0, 0, 0, ...level, ...values) }],
    });
  t.deepEqual(await readTable(file(page([...varint(2 * rows), 1], [1, ...varint(2 * rows), 0]))), { a: [7, 7, 7] });
  const message = /its column 'a' is damaged at byte \d+: it holds a number of more than 1 bits$/;
  for (const level of [2, 60, 255])
    t.regex((await refusal(file(page([...varint(2 * rows), level], [1, ...varint(510 * rows), 0])))) ?? '', message);
  t.regex((await refusal(file(page([...varint(2 * rows), 1], [1, ...varint(2 * rows), 2])))) ?? '', message);
  // of 2^24 rows 60 times as many values, for which there was memory
  const many = page([128, 128, 128, 16, 60], [1, 128, 128, 128, 192, 7, 0], 2 ** 24);
  t.regex((await refusal(file(many))) ?? '', message);
});

test('fzstd, which never ends on some damaged bytes, is stopped', async (t) => {
  const whole = readFileSync(fixture('zstd'));
  const bytes = Buffer.concat([whole.subarray(0, 541), whole.subarray(551)]);
  const error = await t.throwsAsync(readTable(file(bytes)), { code: 'ERR_FORMAT' });
  t.regex(error?.message ?? '', /its column 'uint8' is damaged at byte \d+/);
});

test('pages of Zstandard are unzipped one like the other, as many as there are', (t) => {
  // a frame of one block that is not compressed (RFC 8878)
  const zip = (bytes: Uint8Array) =>
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, bytes.length, 8 * bytes.length + 1, 0, 0, ...bytes]);
  const of = (rows: number) => {
    const pages = Array.from({ length: rows }, (_, i) => ({
      values: 1,
      bytes: new Uint8Array(Float64Array.of(i).buffer),
    }));
    return file(Buffer.from(parquetOf({ type: 'DOUBLE', rows, codec: 6, zip, pages })));
  };
  const read = `async (path) => {
    const { readTable } = await import('fjordnet');
    const { a } = await readTable(path);
    if (a.some((value, i) => value !== i)) throw new Error('other values');
  }`;
  const { code, seconds } = costOf(read, of(1), of(3000));
  t.is(code, 'read');
  t.true(seconds < 0.7, `${seconds}`); // 0.2; in a context of their own each, 1.2
});

/** 3,000 rows of columns of all kinds: pages and groups of rows end at different ones. */
function mixed() {
  const n = 3000;
  const column = <T>(make: (i: number) => T) => Array.from({ length: n }, (_, i) => make(i));
  const island = column((i) => (i % 11 === 5 ? null : ['Biscoe', 'Dream', 'Torgersen, north'][(i * i) % 3]));
  return {
    mass: column((i) => (i % 13 === 4 ? null : ((i * 7919) % 1000) / 8)),
    island,
    year: column((i) => 2007 + (i % 3)),
    wild: column((i) => i % 5 < 2),
    seen: column((i) => new Date(Date.UTC(2020, i % 12, 1 + (i % 28)))),
    species: column((i) => ['Adelie', 'Gentoo'][Number(((i * 7919) % 1000) / 8 > 60)]),
  };
}
type Mixed = ReturnType<typeof mixed>;
const cell = (value: unknown) =>
  value === null
    ? ''
    : value instanceof Date
      ? value.toISOString().slice(0, 10)
      : /,/.test(String(value))
        ? `"${value}"`
        : String(value);
const csvOf = (table: Mixed) => {
  const names = Object.keys(table) as (keyof Mixed)[];
  const lines = table.mass.map((_, i) => names.map((name) => cell(table[name][i])).join());
  return `${names.join()}\n${lines.join('\n')}\n`;
};
const classes = ['Adelie', 'Gentoo'];

test('a stream of mixed rows gives the bits of the table in memory, of CSV and of Parquet', async (t) => {
  const table = mixed();
  const paths = {
    csv: file(csvOf(table), 'csv'),
    parquet: written(table, { rowGroupSize: [700, 2300], pageSize: 3000 }),
  };
  for (const [format, path] of Object.entries(paths)) {
    const read = data[format as 'csv' | 'parquet'];
    const head = await readTable(path, { rows: 500 });
    t.is(head.mass.length, 500);
    const transformer = TableTransformer.infer(head, { target: 'species', categorical: ['year'] }).fit(head);
    const whole = transformer.transform(await readTable(path));
    const batches = await all(read(path, { label: 'species', classes, transformer }).batch(333));
    const rows = batches.flatMap(([x]) => (x as NDArray).toArray() as number[][]);
    t.deepEqual(rows, whole.toArray());
    t.deepEqual(
      batches.flatMap(([, y]) => Array.from(y.data)),
      table.species.map((name) => classes.indexOf(name)),
    );
    // what it learnt of the columns is saved with it
    const loaded = TableTransformer.fromBytes(transformer.toBytes()) as TableTransformer;
    t.deepEqual(loaded.columnKinds, transformer.columnKinds);
    const [first] = await all(read(path, { label: 'species', classes, transformer: loaded, dtype: 'float32' }).take(1));
    t.is(first[0].dtype, 'float32');

    const network = sequential({
      layers: [layers.dense({ units: 2, activation: 'softmax', inputShape: [whole.shape[1]] })],
      seed: 1,
    });
    network.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
    await network.fit(read(path, { label: 'species', classes, transformer }).batch(100), { epochs: 30 });
    const saved = join(home, `${format}.safetensors`);
    await new Predictor({ pipeline: makePipeline(transformer, network), classes, target: 'species' }).save(saved);
    const predicted = await (await loadPredictor(saved)).predict(head);
    const codes = argmaxRows(await network.predict(transformer.transform(head)));
    t.deepEqual(
      predicted,
      Array.from(codes.data, (code) => classes[code]),
    );
    t.is(new Set(predicted as string[]).size, 2);
  }
});

test('columns of Parquet without a transformer are numbers', async (t) => {
  const { year, wild, mass, species } = mixed();
  const path = written({ year, wild, mass, species }, { rowGroupSize: 999 });
  const [x, y] = (await all(data.parquet(path, { label: 'species', columns: ['wild', 0], classes }).batch(5000)))[0];
  t.deepEqual(
    (x as NDArray).toArray(),
    year.map((value, i) => [Number(wild[i]), value]),
  );
  t.deepEqual(
    Array.from(y.data),
    species.map((name) => classes.indexOf(name)),
  );
  const error = async (options: object) =>
    (await t.throwsAsync(all(data.parquet(path, options as { label: string }))))?.message.replace(path, 'x');
  t.is(await error({ columns: ['mass'] }), "Cannot read 'x': expected a finite number in row 4, 'mass', got nothing");
  t.is(
    await error({ columns: ['species'] }),
    `Cannot read 'x': expected a finite number in row 0, 'species', got "Adelie"`,
  );
  t.regex(String(await error({ label: 'species', columns: ['year'] })), /a number for a label \(labels of text take/);
  t.regex(
    String(await error({ label: 'species', columns: ['year'], classes: ['Adelie'] })),
    /one of the classes 'Adelie'/,
  );
  t.regex(String(await error({ label: 'mas' })), /^Expected label to name columns .* mean 'mass'/);
  t.regex(String(await error({ label: 'mass', columns: ['mass'] })), /^Expected columns\[0\] to be another column/);
});

test('a file that changes meanwhile is refused', async (t) => {
  const path = written({ a: Array.from({ length: 100 }, (_, i) => i) }, { rowGroupSize: 50 });
  const error = await t.throwsAsync(async () => {
    for await (const _ of data.parquet(path)) utimesSync(path, 1, 1);
  });
  t.regex(error?.message ?? '', /it changed while it was read/);
});

test('a column that turns out to be of another kind than in fit is refused with its line', async (t) => {
  const path = file('a,b\n1,x\n2,y\n3,x\noops,y\n', 'csv');
  const head = await readTable(path, { rows: 3 });
  const transformer = TableTransformer.infer(head).fit(head);
  const error = await t.throwsAsync(all(data.csv(path, { transformer })));
  t.regex(error?.message ?? '', /expected a number in line 5, 'a', got "oops"; it was so in fit$/);
  const other = TableTransformer.infer(head);
  t.throws(() => data.csv(path, { transformer: other }), { code: 'ERR_NOT_FITTED' });
  t.throws(() => data.csv(path, { transformer, columns: ['a'] }), { message: /^Expected no columns with transformer/ });
});

test.serial('the same table trains the same network as CSV, Parquet and JSON, and on standard input', async (t) => {
  const { seen, ...rest } = mixed();
  const table = { ...rest, seen, species: rest.species } as Mixed;
  const csv = csvOf(table);
  work.write('t.csv', csv);
  writeFileSync(work.path('t.parquet'), readFileSync(written(table, { rowGroupSize: 1000 })));
  const records = table.mass.map((_, i) =>
    Object.fromEntries(
      Object.entries(table).map(([name, values]) => [name, values[i] instanceof Date ? cell(values[i]) : values[i]]),
    ),
  );
  work.write('t.json', JSON.stringify(records));
  const answers = new Set<string>();
  for (const source of ['t.csv', 't.parquet', 't.json', '-']) {
    const args = ['train', source, '--label', 'species', '--epochs', '3', '--save', work.path('n.safetensors')];
    const trained = await (source === '-' ? work.start(args, csv).finished : work.run(...args));
    t.is(trained.code, 0, trained.stderr);
    const asked = ['predict', work.path('n.safetensors'), 't.parquet', '--probabilities'];
    answers.add((await work.run(...asked)).stdout);
  }
  t.is(answers.size, 1);
  const piped = work.start(['predict', work.path('n.safetensors'), '-', '--probabilities'], csv);
  t.is((await piped.finished).stdout, [...answers][0]);
  const rows = await work.run('predict', work.path('n.safetensors'), 't.parquet', '--rows');
  t.regex(rows.stdout, /^0,Biscoe,2007,true,2020-01-01T00:00:00.000Z,Adelie,Adelie$|^0,Biscoe/m);
  t.regex((await work.run('info', 't.parquet', '--label', 'species')).stdout, /seen: a date/);
});

test.serial('a table of numbers alone is one as Parquet, too, and columns of lists may be left out', async (t) => {
  const { year, mass } = mixed();
  const numbers = { year, size: mass.map((value) => value ?? 0.5), y: year.map((value) => value % 2) };
  writeFileSync(work.path('n.parquet'), readFileSync(written(numbers)));
  work.write(
    'n.csv',
    `year,size,y\n${year.map((_, i) => `${year[i]},${numbers.size[i]},${numbers.y[i]}`).join('\n')}\n`,
  );
  const told: string[] = [];
  for (const source of ['n.csv', 'n.parquet']) {
    const path = work.path('m.safetensors');
    const trained = await work.run('train', source, '--epochs', '2', '--save', path);
    t.is(trained.code, 0, trained.stderr);
    told.push((await work.run('predict', path, 'n.parquet', '--probabilities')).stdout);
    t.regex((await work.run('evaluate', path, source)).stdout, /3,000 samples/);
  }
  t.is(told[0], told[1]);
  writeFileSync(work.path('nested.parquet'), readFileSync(fixture('nested')));
  const refused = await work.run('train', 'nested.parquet', '--label', 'name');
  t.is(refused.code, 3);
  t.regex(refused.stderr, /its column 'tags' holds lists, .*--drop/);
  const args = ['--label', 'name', '--drop', 'tags,place,counts,time,id', '--test-size', '0', '--epochs', '1'];
  const left = await work.run('train', 'nested.parquet', ...args);
  t.is(left.code, 0, left.stderr);
});
