import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { type CsvOptions, readCsv } from '../dist/io/csv.js';
import { gunzip } from '../dist/io/gzip.js';
import { readIdx } from '../dist/io/idx.js';
import { utf8 } from '../dist/io/text.js';

const home = mkdtempSync(join(tmpdir(), 'fjordnet-csv-'));
test.after.always(() => rmSync(home, { recursive: true }));

let files = 0;
function file(content: string | Uint8Array): string {
  const path = join(home, `file${files++}`);
  writeFileSync(path, content);
  return path;
}

const csv = (content: string | Uint8Array, options?: CsvOptions) => readCsv(Readable.from([content]), options);
const plain = (y: unknown) => (Array.isArray(y) ? y : Array.from((y as { data: Float64Array }).data));
const labels = async (...texts: string[]) =>
  plain((await csv(`x,label\n${texts.map((text) => `1,${text}\n`).join('')}`, { label: 'label' })).y);

test('labels that are no numbers as they stand keep their texts: none of them become one class', async (t) => {
  const pairs = [
    ['208310224003697457', '208310224003697458'],
    ['007', '7'],
    ['71e2', '7100'],
    ['1e5', '100000'],
    ['0x10', '16'],
    ['0b1', '1'],
    ['1.0', '1'],
    ['1.50', '1.5'],
    ['1e-7', '1e-07'],
    ['+1', '1'],
    ['-0', '0'],
    ['1_000', '1000'],
    ['١', '1'],
    ['9007199254740993', '9007199254740992'],
    ['0.1', '0.1000000000000000055'],
    ['é', 'e\u0301'],
    ['01', 'one'],
  ];
  for (const pair of pairs) {
    t.deepEqual(await labels(...pair), pair);
    t.deepEqual(await labels(...pair, ...pair, 'z'), [...pair, ...pair, 'z']);
  }
  for (const code of ['007', '208310224003697457', '71e2', '0x10', '+1', '1.']) t.deepEqual(await labels(code), [code]);
  t.deepEqual(await labels('" 1"', '1'), [' 1', '1']);
  t.deepEqual(await labels('1.0', '01', 'one', '1', '1e0', 'one'), ['1.0', '01', 'one', '1', '1e0', 'one']);
});

test('measurements are numbers, however many decimals they were written with', async (t) => {
  t.deepEqual(await labels('0', '1', '2'), [0, 1, 2]);
  t.deepEqual(await labels('1.50', '2.25', '-300.10'), [1.5, 2.25, -300.1]);
  t.deepEqual(await labels('1.0', '2.0'), [1, 2]);
  t.deepEqual(await labels('.5', '-.25', '3'), [0.5, -0.25, 3]);
  t.deepEqual(await labels('1e-05', '2.5e+16', '0.3', '1.00E-05'.replace('1', '2')), [1e-5, 2.5e16, 0.3, 2e-5]);
  t.deepEqual(await labels('5.099999999999999645e+00', '3.500000000000000000e+00'), [5.1, 3.5]); // numpy.savetxt
  t.deepEqual(await labels('-0.0', '0.0', '0.5'), [-0, 0, 0.5]);
});

test('whatever labels stand in a column, each comes back as a number that is it, or as its text', async (t) => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  const text = fc.oneof(
    number.map(String),
    fc.tuple(number, fc.integer({ min: 0, max: 30 })).map(([v, d]) => v.toExponential(d)),
    fc
      .tuple(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.integer({ min: 0, max: 8 }))
      .map(([v, d]) => v.toFixed(d)),
    fc.integer({ min: 0, max: 99 }).map((n) => String(n).padStart(3, '0')),
    fc.constantFrom('a', 'b', 'A', 'é', '1', '1.0', '01', '0x1', '1e0'),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 8 }), async (texts) => {
      const got = await labels(...texts);
      if (typeof got[0] === 'string') t.deepEqual(got, texts);
      else
        for (const [i, a] of texts.entries()) {
          t.is(got[i], Number(a));
          for (const [k, b] of texts.entries()) t.is(Object.is(got[i], got[k]), a === b);
        }
    }),
    { seed: 5, numRuns: 300 },
  );
});

test('a missing cell is an error of its line, in the first one too', async (t) => {
  for (const cell of ['', 'NA', 'N/A', '?', 'null', 'NaN', '#N/A']) {
    const got = cell === '' ? 'nothing' : `"${cell}"`;
    const refuses = (text: string, label: number | undefined, message: string) =>
      t.throwsAsync(csv(text, label === undefined ? {} : { label }), {
        code: 'ERR_FORMAT',
        message: new RegExp(message.replaceAll('?', '\\?')),
      });
    await refuses(
      `${cell},1,a\n2,3,b\n4,5,a\n`,
      -1,
      `expected a finite number in line 1, 'column 0', got ${got}; .*--header`,
    );
    await refuses(`a,b,c\n1,${cell},x\n`, -1, `expected a finite number in line 2, 'b', got ${got}$`);
    await refuses(`a,b,c\n1,2,x\n1,2,${cell}\n`, -1, `expected a label in line 3, 'c', got ${got}$`);
    await refuses(`1,2,${cell}\n1,2,x\n`, -1, `expected a label in line 1, 'column 2', got ${got}`);
  }
});

test("a cell is a number as Python's float says", async (t) => {
  const numbers = ['1e5', '007', '.5', '5.', '-1.5E-3', '+2', '" 3 "'];
  t.deepEqual(Array.from((await csv(`a\n${numbers.join('\n')}\n`)).x.data), [1e5, 7, 0.5, 5, -1.5e-3, 2, 3]);
  for (const cell of [
    '0x1f',
    '0b1',
    '0o7',
    '"0X1F"',
    '1_000',
    '١',
    '１',
    '12px',
    '1d5',
    '-',
    '--1',
    '∞',
    '1.5.2',
    'true',
    '" "',
  ])
    await t.throwsAsync(
      csv(`a,b\n1,${cell}\n`),
      { code: 'ERR_FORMAT', message: /^Cannot read the stream: expected a finite number in line 2, 'b', got / },
      cell,
    );
  await t.throwsAsync(csv('a,b\n1,"1,000.5"\n'), { message: /got "1,000\.5"; numbers are read with a decimal point/ });
  await t.throwsAsync(csv('a;b\n1;2,5\n', { separator: ';' }), {
    message: /got "2,5"; numbers are read with a decimal/,
  });
  await t.throwsAsync(csv('a,b\n1,-3.5e38\n', { dtype: 'float32' }), {
    message: /expected a number within float32's range in line 2, 'b'/,
  });
});

test('0, 1, 2 … are names where the rows below are of another kind', async (t) => {
  const isHeader = async (text: string, label?: string | number) => {
    const { header, x, names } = await csv(text, label === undefined ? {} : { label });
    const lines = text.trimEnd().split('\n').length;
    t.is(x.shape[0], header ? lines - 1 : lines, text);
    if (!header) t.true(names.every((name) => /^column \d$/.test(name)));
    return header;
  };
  // as pandas writes a frame whose columns have no names
  t.true(await isHeader('0,1,2\n1.5,2.5,0.5\n2.5,1.5,0.25\n'));
  t.true(await isHeader('0,1,2,3\n5,3,1,0\n4,3,1,1\n6,3,2,0\n', -1));
  t.true(await isHeader('0,1,2\n1.5,2,a\n2.5,1,b\n', -1));
  t.true(await isHeader('0,1,2,3\n1,0,2,1\n0,2,2,0\n2,1,0,1\n', -1));
  t.true(await isHeader('0,1,2,3\n3,0,2,1\n1,2,2,2\n2,1,0,1\n', 0));
  t.false(await isHeader('0,1,2,3\n1,0,2,1\n0,2,2,3\n2,1,0,4\n', -1));
  t.true(await isHeader('0,1,2,label\n5,3,1,a\n4,3,1,b\n5,3,2,a\n', -1));
  t.true(await isHeader('label,0,1\n7,5,6\n8,1,1\n', 0));
  t.true(
    await isHeader(
      `${Array.from({ length: 64 }, (_, i) => i)}\n${'0,16,'.repeat(32)}`
        .slice(0, -1)
        .concat(`\n${'3,1,'.repeat(32)}`.slice(0, -1)),
    ),
  );
  t.true(await isHeader('0,1,2\n10,20,30\n40,50,60\n'));
  t.true(await isHeader('0,1,2\n1,2,0\n3,4,1\n', -1));
  // with its index
  t.true(await isHeader(',0,1,2\n0,5,6,7\n1,8,9,7\n'));
  t.true(await isHeader(',0,1,label\n0,5,6,a\n1,8,9,b\n', 'label'));
  // data that begins so
  t.false(await isHeader('0,1,2\n3,4,5\n6,7,8\n'));
  t.false(await isHeader('0,1,2\n1,2,3\n2,3,4\n'));
  t.false(await isHeader('0,1,2\n1,3,5\n2,5,8\n'));
  t.false(await isHeader('0,1,2\n2,1,0\n1,0,2\n0,2,1\n2,0,1\n'));
  t.false(await isHeader('0,1,2,a\n10,20,30,b\n40,50,60,a\n', -1));
  t.false(await isHeader('0,1\n0.1,1.2\n0.2,1.4\n'));
  t.false(await isHeader('0,1,a\n1,0,b\n1,1,a\n', -1));
  t.false(await isHeader('0\n1\n2\n'));
  t.false(await isHeader('0,1,2\n'));
  const whole = await csv('0,1,2\n3,4,5\n6,7,8\n', { label: 1 });
  t.deepEqual(
    [whole.x.toArray(), plain(whole.y)],
    [
      [
        [0, 2],
        [3, 5],
        [6, 8],
      ],
      [1, 4, 7],
    ],
  );
  const forced = await csv('0,1,2\n3,4,5\n', { header: true, label: '1' });
  t.deepEqual([forced.names, forced.label, forced.x.toArray()], [['0', '2'], '1', [[3, 5]]]);
});

test('a first row that is neither names nor numbers is not lost', async (t) => {
  await t.throwsAsync(csv('5.1,3.S,1.4\n1,2,3\n'), {
    message: /line 1, 'column 1', got "3\.S"; if the first row holds names/,
  });
  await t.throwsAsync(csv('3,1,x\n1,2,3\n'), { message: /line 1, 'column 2', got "x"/ });
  await t.throwsAsync(csv('7,9.5,one\n1,2,1\n3,4,2\n', { label: -1 }), {
    message: /expected a number for a label in line 1, as below it, got "one"/,
  });
  // digits name a column by its number where they are found in data
  t.deepEqual((await csv('5,1,2\n3,4,0\n', { label: '2' })).x.toArray(), [
    [5, 1],
    [3, 4],
  ]);
  t.deepEqual((await csv('country,2019,2020\n1,2,3\n')).names, ['country', '2019', '2020']);
});

test('columns without a name are called by their number', async (t) => {
  t.deepEqual((await csv(',a,b\n0,1,2\n')).names, ['column 0', 'a', 'b']);
  const { names, label } = await csv('1,2.5,x\n2,3.5,y\n', { label: 'column 2' });
  t.deepEqual([names, label], [['column 0', 'column 1'], 'column 2']);
  await t.throwsAsync(csv('a,b,\n1,2,\n'), {
    message: /line 2, 'column 2', got nothing; its lines end in a separator/,
  });
});

test('text that is no UTF-8 is refused with its line, and UTF-16 with its mark is read', async (t) => {
  const text = 'x,label\n1,père\n2,pére\n';
  const refuses = (bytes: Uint8Array, message: RegExp) =>
    t.throwsAsync(csv(bytes, { label: 'label' }), { code: 'ERR_FORMAT', message });
  await refuses(Buffer.from(text, 'latin1'), /it is no UTF-8: byte 0xe8 in line 2, byte 3 of it; save it as UTF-8/);
  await refuses(Buffer.from(text, 'utf16le'), /a zero byte in line 1, as no text does; UTF-16 is read if/);
  await refuses(Buffer.from(`${text}3,\0`), /a zero byte in line 4/);
  await refuses(Buffer.from(text).subarray(0, -4), /it is no UTF-8: byte 0xc3 in line 3/);
  await refuses(
    Buffer.concat([Buffer.from(`\ufeff${text}`, 'utf16le'), Buffer.of(0, 0xdc, 65, 0)]),
    /its UTF-16 is damaged in line/,
  );
  for (const broken of [[0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xff], [0xe2, 0x82], [0x80]])
    await refuses(
      Buffer.concat([Buffer.from(`${'é€😀'.repeat(3000)}\r\n`), Buffer.from(broken), Buffer.from('\n')]),
      /it is no UTF-8: byte 0x\w\w in line 2, byte 0 of it/,
    );
  const marked = Buffer.from(`\ufeff${text}`);
  const little = Buffer.from(`\ufeff${text}`, 'utf16le');
  const big = Buffer.from(little).swap16();
  for (const bytes of [marked, little, big])
    for (const cut of [1, 2, 3, 7, bytes.length]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / cut) }, (_, i) =>
        bytes.subarray(i * cut, (i + 1) * cut),
      );
      t.deepEqual((await readCsv(Readable.from(chunks), { label: 'label' })).y, ['père', 'pére']);
    }
  t.deepEqual((await readCsv(Readable.from(['x,label\n1,\ud83d', '\ude00\n']), { label: 'label' })).y, ['😀']);
  await t.throwsAsync(readCsv(Readable.from(['x,label\n1,a\ud800\n']), { label: 'label' }), {
    message: /no UTF-8: byte 0xed in line 2/,
  });
  await t.throwsAsync(csv('\ufeff'), { message: /it is empty/ });
  await t.throwsAsync(readCsv(Readable.from([1])), {
    instanceOf: TypeError,
    message: /Expected input to be a stream of bytes or of text/,
  });
});

test('every refusal of the parser has the code, the file and the line', async (t) => {
  const texts = [
    'a,b\n1,2\n3"4,5\n',
    'a,b\n1,2\n"3"4,5\n',
    'a,b\n1,2\n3,"4\n5,6\n',
    'a,b\n1,2\n3\n',
    'a,b\n1,2\n3,4,5\n',
    'a,b\n1,2\n"3" x,4\n',
  ];
  for (const text of texts) {
    const path = file(text);
    const error = await t.throwsAsync(readCsv(path), { code: 'ERR_FORMAT', message: /line \d/ });
    t.true(error?.message.startsWith(`Cannot read '${path}': `), error?.message);
  }
  await t.throwsAsync(csv(`a,b\n1,${'2'.repeat(1000)}"\n`), { message: /^.{1,300}$/ });
});

test('a file of JSON that is read as CSV is told so', async (t) => {
  const message = /; it seems to be JSON, which is read from files named \.json or \.jsonl$/;
  for (const text of ['{"a":1,"b":2}\n{"a":3,"b":4}\n', '[{"a":1}]', ' [ { "a": 1 } ]'])
    await t.throwsAsync(csv(text), { code: 'ERR_FORMAT', message }, text);
});

test('the separator is guessed where it was not said', async (t) => {
  const hint = async (text: string, options: CsvOptions, separator: string) => {
    const error = await t.throwsAsync(csv(text, options));
    t.true(
      error?.message.includes(
        `; its cells seem to be separated by ${separator}, which the option separator (--separator) says`,
      ),
      error?.message,
    );
  };
  for (const label of [undefined, -1, 'label']) {
    const options = label === undefined ? {} : { label };
    await hint('x;y;label\n1,5;2,5;a\n2,5;3,5;b\n', options, "';'");
    await hint('x;y;label\n1.5;2.5;a\n2.5;3.5;b\n', options, "';'");
    await hint('x\ty\tlabel\n1.5\t2.5\ta\n', options, "a tab ('\\t')");
    await hint('x|y|label\n1|2|a\n', options, "'|'");
    await hint('x y label\n1 2 a\n', options, "a space (' ')");
  }
  await hint('x,y\n1,2\n', { separator: ';' }, "','");
  await hint('"x";"y"\n"1";"2"\n', {}, "';'");
  await hint('x,y\n1,"a"\n', { separator: ';' }, "','");
  await hint('"x"|"y"\n"1"|"2"\n', {}, "'|'");
  await hint('x;y\n1;"a"\n', {}, "';'");
  t.notRegex((await t.throwsAsync(csv('a,b\n1,it said "x"\n')))?.message ?? '', /separated/);
  t.notRegex((await t.throwsAsync(csv('a,b\n1,x\n')))?.message ?? '', /separated/);
});

test('what a table takes is bounded', async (t) => {
  const all = async (chunks: AsyncIterable<unknown>) => {
    for await (const _ of chunks);
  };
  for (const piece of [',', 'x', '"'])
    await t.throwsAsync(all(utf8(Readable.from(Array(300).fill(piece.repeat(2 ** 16))), 'it')), {
      code: 'ERR_FORMAT',
      message: /line 1 is longer than the maximum of 16777216 bytes/,
    });
  await t.throwsAsync(csv(`${',1'.repeat(2 ** 20)}\n`), {
    code: 'ERR_FORMAT',
    message: /1048577 cells, more than the maximum/,
  });
  await t.throwsAsync(all(gunzip(Readable.from([gzipSync(Buffer.alloc(2 ** 27))]), 'it')), {
    code: 'ERR_FORMAT',
    message: /unzips to more than 256 times its size/,
  });
  const [head, body] = [Buffer.of(0, 0, 8, 1, 0x40, 0, 0, 0), Buffer.alloc(2 ** 20)];
  await t.throwsAsync(readIdx(file(gzipSync(Buffer.concat([head, body])))), {
    code: 'ERR_FORMAT',
    message: /larger than the file/,
  });
  const sides = Buffer.alloc(4 * 40, 0xff);
  sides.fill(0, 156);
  await t.throwsAsync(readIdx(file(Buffer.concat([Buffer.of(0, 0, 8, 40), sides]))), {
    code: 'ERR_FORMAT',
    message: /larger than the file/,
  });
});

test('gzip is told from its bytes, also in a stream, and its damage is named', async (t) => {
  const zipped = gzipSync('a,b\n1,2\n');
  t.deepEqual((await readCsv(Readable.from([zipped]))).x.toArray(), [[1, 2]]);
  t.deepEqual((await readCsv(file(Buffer.concat([zipped, gzipSync('3,4\n')])))).x.toArray(), [
    [1, 2],
    [3, 4],
  ]);
  await t.throwsAsync(readCsv(file(zipped.subarray(0, -9))), {
    code: 'ERR_FORMAT',
    message: /its gzip is damaged or cut short$/,
  });
  zipped[zipped.length - 6] ^= 1;
  await t.throwsAsync(readCsv(file(zipped)), { code: 'ERR_FORMAT', message: /its gzip is damaged or cut short$/ });
});

test('a file that changes while it is read is refused', async (t) => {
  const path = file(`a,b\n${'1,2\n'.repeat(200_000)}`);
  let settled = false;
  const reading = readCsv(path).then(() => 'read');
  const touching = (async () => {
    for (let time = 1; !settled; time++) await utimes(path, time, time);
  })();
  await t.throwsAsync(reading, { code: 'ERR_FORMAT', message: /it changed while it was read$/ });
  settled = true;
  await touching;
});

test('what is wrong is told at once, also by a stream that goes on waiting', async (t) => {
  const stream = new Readable({ read() {} });
  const reading = readCsv(stream);
  stream.push('a,b\n1,2\n3,x\n4,5\n6,7\n8,9\n');
  await t.throwsAsync(reading, { code: 'ERR_FORMAT', message: /line 3/ });
  t.true(stream.destroyed);
});

test('an error of the stream itself passes through', async (t) => {
  const error = new Error('the line is cut');
  const stream = Readable.from(
    (function* () {
      yield 'a,b\n1,2\n';
      throw error;
    })(),
  );
  t.is(await t.throwsAsync(readCsv(stream)), error);
});
