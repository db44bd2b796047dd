import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { ColumnTransformer, data, layers, type NDArray, OneHotEncoder, readTable, sequential } from 'fjordnet';
import { numberOfCell } from '../dist/data/csv-rows.js';
import { toNumber } from '../dist/io/cells.js';
import { readCsv } from '../dist/io/csv.js';
import { all } from './helpers/elements.js';

const home = mkdtempSync(join(tmpdir(), 'fjordnet-dataset-csv-'));
test.after.always(() => rmSync(home, { recursive: true }));

let files = 0;
function file(content: string | Uint8Array): string {
  const path = join(home, `file${files++}.csv`);
  writeFileSync(path, content);
  return path;
}
const plain = (elements: unknown[]) =>
  elements.map((element) =>
    Array.isArray(element) ? [(element[0] as NDArray).toArray(), element[1]] : (element as NDArray).toArray(),
  );

test('rows of a file are samples, in each pass anew', async (t) => {
  const path = file('a,b,c\n1,2,0\n3,4,1\n5,6.5,0\n');
  const dataset = data.csv(path, { label: 'c' });
  for (let pass = 0; pass < 2; pass++)
    t.deepEqual(plain(await all(dataset)), [
      [[1, 2], 0],
      [[3, 4], 1],
      [[5, 6.5], 0],
    ]);
  t.deepEqual(plain(await all(data.csv(path, { label: -1, columns: ['b'], dtype: 'float32' }))), [
    [[2], 0],
    [[4], 1],
    [[6.5], 0],
  ]);
  t.deepEqual(plain(await all(data.csv(path, { label: 0, columns: [2, 'b'] }))), [
    [[0, 2], 1],
    [[1, 4], 3],
    [[0, 6.5], 5],
  ]);
  t.deepEqual(plain(await all(data.csv(path))), [
    [1, 2, 0],
    [3, 4, 1],
    [5, 6.5, 0],
  ]);
  const text = file('7 ; yes\r\n 8; no\r\n');
  t.deepEqual(plain(await all(data.csv(text, { label: 1, classes: ['no', 'yes'], separator: ';' }))), [
    [[7], 1],
    [[8], 0],
  ]);
  // white space is none of a cell, of which the first row may have one without a number
  for (const [cell, got] of [
    [' ', 'nothing'],
    [' NA', '"NA"'],
    ['inf ', '"inf"'],
  ]) {
    const holed = file(`5.1,${cell},1.4,0\n4.9,3.0,1.4,0\n`);
    for (const read of [all(data.csv(holed, { label: -1 })), readCsv(holed, { label: -1 })])
      t.true(
        (await t.throwsAsync(read, { code: 'ERR_FORMAT' }))?.message.includes(
          `expected a finite number in line 1, 'column 1', got ${got}`,
        ),
      );
  }
  await t.throwsAsync(all(data.csv(file('5.1," "\n4.9,3.0\n'))), { message: /in line 1, 'column 1', got nothing/ });
  t.deepEqual(plain(await all(data.csv(file('a ,b\n1,2\n')))), [[1, 2]]);
  const zipped = file(gzipSync('1,2\n3,4\n'));
  t.deepEqual(plain(await all(data.csv(zipped))), [
    [1, 2],
    [3, 4],
  ]);
});

test('rows end as readTable and readCsv end them, whatever ends the first one, and quotes may have spaces beside them', async (t) => {
  for (const text of [
    'a,b\r\n1,2\n3,4\n',
    'a,b\n1,2\r\n3,4\r',
    'a,b\r1,2\n\r\n3,4\n',
    '"a", "b"\n"1", "2"\n "3","4" \n',
    'a,b\n1,2\n \n3,4',
  ]) {
    const path = file(text);
    const { x } = await readCsv(path);
    t.deepEqual(plain(await all(data.csv(path))), x.toArray(), JSON.stringify(text));
    t.deepEqual(x.toArray(), [
      [1, 2],
      [3, 4],
    ]);
  }
  // of one column all other rows became one cell
  const kinds = new ColumnTransformer([['kind', new OneHotEncoder({ handleUnknown: 'ignore' }), ['kind']]]);
  const path = file('kind\r\nx\ny\nx\n');
  const table = await readTable(path);
  const z = kinds.fitTransform(table).toArray();
  t.is(z.length, 3);
  t.deepEqual(plain(await all(data.csv(path, { transformer: kinds }))), z);
});

test('white space in quotes is part of names and labels, as in readTable, whose names find the columns', async (t) => {
  const path = file('" mass","kind ", z \n1," a", 5\n2,b,6 \n" 3 ","a",7\n');
  const table = await readTable(path);
  t.deepEqual(table, { ' mass': [1, 2, 3], 'kind ': [' a', 'b', 'a'], z: [5, 6, 7] });
  const transformer = new ColumnTransformer([['x', 'passthrough', [' mass', 'z']]]).fit(table);
  const options = { label: 'kind ', classes: ['a', ' a', 'b'] };
  const samples = [
    [[1, 5], 1],
    [[2, 6], 2],
    [[3, 7], 0],
  ];
  t.deepEqual(plain(await all(data.csv(path, { ...options, transformer }))), samples);
  t.deepEqual(plain(await all(data.csv(path, options))), samples);
  // a class without it is found, too
  t.deepEqual(
    plain(await all(data.csv(path, { ...options, classes: ['a', 'b'] }))).map(([, y]: any) => y),
    [0, 1, 0],
  );
});

test('whatever a table holds, its batches are those of the whole table', async (t) => {
  const cell = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
  await fc.assert(
    fc.asyncProperty(
      fc
        .integer({ min: 1, max: 5 })
        .chain((width) =>
          fc.array(fc.array(cell, { minLength: width + 1, maxLength: width + 1 }), { minLength: 1, maxLength: 3000 }),
        ),
      fc.integer({ min: 1, max: 700 }),
      async (rows, size) => {
        const path = file(`${rows[0].map((_, i) => `c${i}`).join()}\n${rows.map((row) => `${row.join()}\n`).join('')}`);
        const { x, y } = await readCsv(path, { label: 'c0' });
        const batches = await all(data.csv(path, { label: 'c0' }).batch(size));
        t.deepEqual(
          batches.flatMap(([own]) => [...own.data]),
          [...x.data],
        );
        t.deepEqual(
          batches.flatMap(([, own]) => [...own.data]),
          [...(y as NDArray).data],
        );
        t.is(batches.length, Math.ceil(rows.length / size));
      },
    ),
    { numRuns: 30 },
  );
});

test('decimals are read as the numbers they are', (t) => {
  const decimal = fc
    .tuple(fc.boolean(), fc.maxSafeNat(), fc.nat(18), fc.boolean())
    .map(([isNegative, digits, places, isPadded]) => {
      const text = isPadded ? String(digits).padStart(places, '0') : String(digits);
      return `${isNegative ? '-' : ''}${text.slice(0, places)}.${text.slice(places)}`;
    });
  const odd = fc.stringMatching(/^[-+.0-9eExobINa ]{0,8}$/);
  fc.assert(
    fc.property(fc.oneof(decimal, odd, fc.double().map(String), fc.integer().map(String), fc.string()), (cell) => {
      t.is(numberOfCell(cell), toNumber(cell), JSON.stringify(cell));
    }),
    { numRuns: 3000 },
  );
});

test('what cannot be read is refused with its line, after the rows before it', async (t) => {
  const fails = async (content: string, options?: object) => {
    const rows: unknown[] = [];
    const path = file(content);
    const error = await t.throwsAsync(async () => {
      for await (const row of data.csv(path, options)) rows.push(row);
    });
    const { code } = error as { code?: string };
    return [rows.length, code, error?.message.replace(`Cannot read '${path}': `, '')];
  };
  t.deepEqual(await fails('a,b\n1,2\n3,x\n5,6\n'), [
    1,
    'ERR_FORMAT',
    `expected a finite number in line 3, 'b', got "x"`,
  ]);
  t.deepEqual(await fails('a,b\n1,2\n3,\n'), [1, 'ERR_FORMAT', `expected a finite number in line 3, 'b', got nothing`]);
  t.deepEqual(await fails('1,2\n3,1e400\n'), [
    1,
    'ERR_FORMAT',
    `expected a finite number in line 2, 'column 1', got "1e400"`,
  ]);
  t.deepEqual(await fails('1,2\n3,1e40\n', { dtype: 'float32' }), [
    1,
    'ERR_FORMAT',
    `expected a number within float32's range in line 2, 'column 1', got "1e40"`,
  ]);
  t.deepEqual(await fails('a,kind\n1,cat\n', { label: 'kind' }), [
    0,
    'ERR_FORMAT',
    `expected a number for a label in line 2, 'kind', got "cat"; labels of text take the option classes, a list of them, and become their numbers in it`,
  ]);
  t.deepEqual(await fails('a,kind\n1,cat\n2,dog\n', { label: 'kind', classes: ['cat', 'cow'] }), [
    1,
    'ERR_FORMAT',
    `expected one of the classes 'cat', 'cow' in line 3, 'kind', got "dog"`,
  ]);
  t.deepEqual(await fails('a;b\n1;2\n', { label: 'b' }), [
    0,
    undefined,
    `Expected label to be one of its 1 columns (did you mean 'a;b'?): 'a;b', got 'b' (string); its cells seem to be separated by ';', which the option separator (--separator) says`,
  ]);
  t.deepEqual((await fails('a,b\n1,2\n3\n')).slice(0, 2), [1, 'ERR_FORMAT']);
  t.deepEqual(await fails('0,1,2\n1,2,3\n'), [
    0,
    'ERR_FORMAT',
    `its first row, '0', '1', '2', may be names or numbers: the option header says which`,
  ]);
  t.deepEqual(await fails(`1,2\n3,"${'4\n'.repeat(2 ** 23)}${'5\n'.repeat(2 ** 23)}`), [
    1,
    'ERR_FORMAT',
    'one of its rows is longer than the maximum of 16777216 bytes: a quote may not be closed',
  ]);
  t.deepEqual(await fails(''), [0, 'ERR_FORMAT', 'it is empty']);
  t.deepEqual(await fails('a,b\n'), [0, 'ERR_FORMAT', `it has names ('a', 'b'), but no rows below them`]);
  const missing = await t.throwsAsync(all(data.csv(join(home, 'missing.csv'))));
  t.is((missing as { code?: string }).code, 'ENOENT');
  const refused = (options: object) => t.throws(() => data.csv('x', options as never))?.message;
  t.is(refused({ classes: ['a'] }), 'Expected a label with classes, got none');
  t.is(refused({ columns: [] }), 'Expected columns to be one or more, got Array(0)');
  t.is(refused({ columns: ['a', 'a'] }), "Expected columns to be different ones, got 'a' (string)");
  t.is(refused({ separator: 'ab' }), "Expected separator to be one character, got 'ab' (string)");
});

test('a network learns from a file, and says which batch was wrong', async (t) => {
  const rows = Array.from({ length: 500 }, (_, i) => `${i % 7},${(i * 3) % 5},${i % 2}\n`);
  const path = file(`a,b,y\n${rows.join('')}`);
  const make = () => {
    const net = sequential({ layers: [layers.dense({ units: 2, activation: 'softmax', inputShape: [2] })], seed: 1 });
    net.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
    return net;
  };
  const [one, other] = [make(), make()];
  const { x, y } = await readCsv(path, { label: 'y' });
  const expected = await one.fit(x, y as NDArray, { batchSize: 32, shuffle: false, epochs: 2 });
  const { history } = await other.fit(data.csv(path, { label: 'y' }).batch(32), { epochs: 2 });
  t.deepEqual(history, expected.history);
  const broken = file(`a,b,y\n${rows.join('')}1,2,?\n`);
  const error = await t.throwsAsync(make().fit(data.csv(broken, { label: 'y' }).batch(32)));
  t.regex(
    error!.message,
    /^batch 15 of epoch 0: the source threw: Cannot read .*: expected a number for a label in line 502, 'y'/,
  );
});
