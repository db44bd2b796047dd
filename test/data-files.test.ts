import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { RandomState } from 'fjordnet';
import { type CsvOptions, readCsv } from '../dist/io/csv.js';
import { readIdx } from '../dist/io/idx.js';
import { parseNpy, readNpy, readNpz } from '../dist/io/npy.js';
import { loadPeer } from '../dist/io/peer.js';

type Coded = Error & { code?: string };

const home = mkdtempSync(join(tmpdir(), 'fjordnet-data-'));
test.after.always(() => rmSync(home, { recursive: true }));

let files = 0;
function file(content: string | Uint8Array): string {
  const path = join(home, `file${files++}`);
  writeFileSync(path, content);
  return path;
}

const fixture = (name: string) => new URL(`../test/fixtures/${name}`, import.meta.url);
const csv = (text: string, options?: CsvOptions) => readCsv(Readable.from([text]), options);
const grid = [
  [
    [-6, -5],
    [-4, -3],
    [-2, -1],
  ],
  [
    [0, 1],
    [2, 3],
    [4, 5],
  ],
];

test("NumPy's arrays are read: byte orders, sizes, Fortran order, scalars", async (t) => {
  const arrays = await readNpz(fixture('arrays.npz'));
  const of = (name: string) => [arrays.get(name)?.dtype, arrays.get(name)?.toArray()];
  for (const name of ['<f8', '>f8']) t.deepEqual(of(name), ['float64', grid]);
  for (const name of ['<f4', '>f4', 'fortran']) t.deepEqual(of(name), ['float32', grid]);
  for (const name of ['<i8', '>i4', '<i2', '|i1']) t.deepEqual(of(name), ['int32', grid]);
  t.deepEqual(of('<u8'), ['float64', [0, 2 ** 53 - 1]]);
  t.deepEqual(of('<u4'), ['float64', [2 ** 32 - 1]]);
  t.deepEqual(of('>u2'), ['int32', [[1, 2 ** 16 - 1]]]);
  t.deepEqual(of('|u1'), ['int32', [0, 255]]);
  t.deepEqual(of('|b1'), ['int32', [1, 0]]);
  t.deepEqual(of('scalar'), ['float64', 2.5]);
  t.deepEqual(arrays.get('empty')?.shape, [0, 3]);
  t.deepEqual(of('special'), ['float64', [Number.NaN, Number.POSITIVE_INFINITY, -0]]);
  t.is(arrays.size, 17);
});

test('compressed NPZ files are read', async (t) => {
  const arrays = await readNpz(fixture('compressed.npz'));
  t.deepEqual(arrays.get('zeros')?.shape, [300, 40]);
  t.deepEqual(arrays.get('grid')?.toArray(), grid);
});

/** An NPY file as numpy.lib.format writes it. */
function npy(header: string, data: Uint8Array, version = 1): Buffer {
  const prefix = version === 1 ? 10 : 12;
  const padded = `${header}\n`.padStart(0).padEnd(Math.ceil((prefix + header.length + 1) / 64) * 64 - prefix, ' ');
  const head = Buffer.alloc(prefix);
  head.write('\x93NUMPY', 'latin1');
  head[6] = version;
  if (version === 1) head.writeUInt16LE(padded.length, 8);
  else head.writeUInt32LE(padded.length, 8);
  return Buffer.concat([head, Buffer.from(padded), data]);
}

const HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
const TWO = new Uint8Array(Float32Array.of(1, 2).buffer);

test('NPY files of all versions are read from disk as from memory', async (t) => {
  for (const version of [1, 2, 3]) {
    const bytes = npy(HEADER, TWO, version);
    t.deepEqual((await readNpy(file(bytes))).toArray(), [1, 2]);
    t.deepEqual(parseNpy(Buffer.concat([Buffer.alloc(3), bytes]).subarray(3)).toArray(), [1, 2]);
  }
});

test('damaged and foreign NPY and NPZ files are refused with the reason', async (t) => {
  const refuses = async (bytes: Uint8Array, message: RegExp) => {
    const path = file(bytes);
    const error = await t.throwsAsync<Coded>(readNpy(path), { code: 'ERR_FORMAT', message });
    t.true(error?.message.startsWith(`Cannot read '${path}': `));
    t.throws(() => parseNpy(bytes), { code: 'ERR_FORMAT', message });
  };
  const good = npy(HEADER, TWO);
  await refuses(Buffer.alloc(0), /no NPY file/);
  await refuses(Buffer.from('PK\x03\x04 and more bytes'), /no NPY file/);
  await refuses(good.subarray(0, 8), /too few/);
  await refuses(npy(HEADER, TWO, 4), /version 4/);
  await refuses(good.subarray(0, 60), /header would end at byte 128, but it has 60/);
  await refuses(good.subarray(0, good.length - 1), /takes 8 bytes, but 7 follow/);
  await refuses(Buffer.concat([good, TWO]), /takes 8 bytes, but 16 follow/);
  const huge = npy(HEADER, TWO, 2);
  huge.writeUInt32LE(2 ** 32 - 1, 8);
  await refuses(huge, /header would be 4294967307 bytes long/);
  await refuses(npy(HEADER.replace('(2,)', '(99999999999, 99999999999)'), TWO), /takes 3\.9+.*e\+22 bytes/);
  await refuses(npy(HEADER.replace('(2,)', '(-2,)'), TWO), /header is not NPY's/);
  await refuses(npy(HEADER.replace('(2,)', '(1 2)'), TWO), /header is not NPY's/);
  await refuses(npy(HEADER.replace('False', '0'), TWO), /header is not NPY's/);
  await refuses(npy(HEADER.replace('<f4', '__'), TWO), /dtype is '__'/);
  await refuses(npy("{'descr': '<f4', 'shape': (2,)} __import__('os')", TWO), /header is not NPY's/);
  for (let n = 0; n < good.length; n++) t.throws(() => parseNpy(good.subarray(0, n)), { code: 'ERR_FORMAT' });
  await t.throwsAsync(readNpz(file(good)), { code: 'ERR_FORMAT', message: /no ZIP file/ });
  await t.throwsAsync(readNpz(join(home, 'none')), { code: 'ENOENT' });
});

test('arrays of other dtypes are refused by name', async (t) => {
  const path = fixture('refused.npz');
  const { unzipSync, zipSync } = await import('fflate');
  const entries = unzipSync(readFileSync(path));
  const expected: Record<string, RegExp> = {
    'large.npy': /integer 9223372036854775808 is beyond 2\^53/,
    'complex.npy': /dtype is '<c16' \(complex numbers\), none of booleans, integers and floats of up to 8 bytes/,
    'text.npy': /dtype is '<U1' \(text\)/,
    'structured.npy': /dtype is structured/,
    'object.npy': /dtype is '\|O' \(Python objects\)/,
  };
  t.deepEqual(
    Object.keys(entries).filter((name) => name !== 'half.npy'),
    Object.keys(expected),
  );
  for (const [name, message] of Object.entries(expected)) {
    const error = await t.throwsAsync<Coded>(readNpz(file(zipSync({ [name]: entries[name] }))), { message });
    t.is(error?.code, 'ERR_FORMAT');
    t.true(error?.message.includes(name));
  }
});

test('an NPZ file that claims more than it can hold costs no memory', async (t) => {
  const bytes = readFileSync(fixture('compressed.npz'));
  const central = bytes.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1'));
  bytes.writeUInt32LE(0xf0000000, central + 24); // the uncompressed size
  await t.throwsAsync(readNpz(file(bytes)), { code: 'ERR_FORMAT', message: /'grid\.npy' would be 4026531840 bytes/ });
});

function idx(type: number, shape: number[], data: Uint8Array): Buffer {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.set([0, 0, type, shape.length]);
  shape.forEach((n, i) => {
    head.writeUInt32BE(n, 4 + 4 * i);
  });
  return Buffer.concat([head, data]);
}

test('IDX files of every type are read, gzipped or not', async (t) => {
  const big = (width: number, write: (b: Buffer, x: number, at: number) => void) => {
    const out = Buffer.alloc(2 * width);
    [-2, 100].forEach((x, i) => {
      write(out, x, i * width);
    });
    return out;
  };
  const cases: [number, Buffer, string, number[]][] = [
    [8, Buffer.of(0, 255), 'int32', [0, 255]],
    [9, big(1, (b, x, at) => b.writeInt8(x, at)), 'int32', [-2, 100]],
    [11, big(2, (b, x, at) => b.writeInt16BE(x, at)), 'int32', [-2, 100]],
    [12, big(4, (b, x, at) => b.writeInt32BE(x, at)), 'int32', [-2, 100]],
    [13, big(4, (b, x, at) => b.writeFloatBE(x, at)), 'float32', [-2, 100]],
    [14, big(8, (b, x, at) => b.writeDoubleBE(x, at)), 'float64', [-2, 100]],
  ];
  for (const [type, data, dtype, values] of cases)
    for (const zip of [(bytes: Buffer) => bytes, gzipSync]) {
      const array = await readIdx(file(zip(idx(type, [2, 1], data))));
      t.deepEqual([array.dtype, array.toArray()], [dtype, values.map((x) => [x])]);
    }
});

test('IDX files larger than one read are put together', async (t) => {
  const data = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >> 3);
  for (const bytes of [idx(8, [3, 100_000], data), gzipSync(idx(8, [3, 100_000], data))])
    t.deepEqual((await readIdx(file(bytes))).data, Int32Array.from(data));
});

test('damaged IDX files are refused with the reason', async (t) => {
  const good = idx(8, [2, 3], new Uint8Array(6));
  const refuses = (bytes: Uint8Array, message: RegExp) =>
    t.throwsAsync(readIdx(file(bytes)), { code: 'ERR_FORMAT', message });
  await refuses(Buffer.alloc(0), /too short/);
  await refuses(good.subarray(0, 9), /too short/);
  await refuses(good.subarray(0, 17), /shape \[2, 3\] is larger than the file|end after 5 of 6/);
  await refuses(Buffer.concat([good, Buffer.alloc(1)]), /goes on after the 6 bytes/);
  await refuses(Buffer.from('name,value\n1,2\n'), /no IDX file/);
  await refuses(idx(10, [1], Buffer.alloc(1)), /no IDX file/);
  await refuses(idx(8, [], Buffer.alloc(1)), /no IDX file/);
  const many = Array.from({ length: 255 }, () => 2 ** 31);
  await refuses(
    idx(8, many, Buffer.alloc(1)),
    /: its shape \[2147483648, (2147483648, ){7}…\] is larger than the file$/,
  );
  await refuses(idx(14, [2 ** 32 - 1, 2 ** 32 - 1], Buffer.alloc(9)), /larger than the file/);
  await refuses(gzipSync(idx(8, [2 ** 32 - 1], Buffer.alloc(9))), /larger than the file/);
  await refuses(gzipSync(idx(8, [50], Buffer.alloc(9))), /end after 9 of 50/);
  await refuses(gzipSync(good).subarray(0, -9), /gzip is damaged/);
  const corrupt = gzipSync(good);
  corrupt[corrupt.length - 6] ^= 1; // of the checksum
  await refuses(corrupt, /gzip is damaged/);
  await t.throwsAsync(readIdx(home), { code: 'ERR_FORMAT', message: /no file/ });
});

test('CSV with names: the label by name, by number, from the end', async (t) => {
  const text = '\ufeffage, "height, m",class\r\n1,2.5,"a"\n\n -3e1 ,+.5,b\r\n"7",8,a';
  for (const label of ['class', 2, -1, '2', '-1']) {
    const { x, names, y, label: name } = await csv(text, { label });
    t.deepEqual(
      [x.dtype, x.toArray()],
      [
        'float64',
        [
          [1, 2.5],
          [-30, 0.5],
          [7, 8],
        ],
      ],
    );
    t.deepEqual([names, y, name], [['age', 'height, m'], ['a', 'b', 'a'], 'class']);
  }
  const { x, names, y, label } = await csv(text.replaceAll(/"?[ab]"?$/gm, '0').replace('"a"', '0'), {
    dtype: 'float32',
  });
  t.deepEqual([x.dtype, x.shape, names.length, y, label], ['float32', [3, 3], 3, undefined, undefined]);
});

test('CSV without names', async (t) => {
  const { x, names, y, label } = await csv('5.1,3.5,setosa\n4.9,3,virginica\n', { label: 2 });
  t.deepEqual(
    [x.toArray(), names, y, label],
    [
      [
        [5.1, 3.5],
        [4.9, 3],
      ],
      ['column 0', 'column 1'],
      ['setosa', 'virginica'],
      'column 2',
    ],
  );
  const numbers = await csv('0;1\n2;3', { separator: ';', label: 0 });
  t.deepEqual([numbers.x.toArray(), (numbers.y as { data: unknown }).data], [[[1], [3]], Float64Array.of(0, 2)]);
  const forced = await csv('0,1,target\n2,3,4', { header: true, label: 'target' });
  t.deepEqual([forced.x.toArray(), forced.names], [[[2, 3]], ['0', '1']]);
  const named = await csv('1,2\n3,4', { header: true, label: '2' }); // a name before a number
  t.deepEqual([named.names, named.label], [['1'], '2']);
  t.deepEqual((await csv('1,2\n3,4', { header: false })).x.shape, [2, 2]);
});

test('what is wrong in CSV is named with its line', async (t) => {
  const refuses = (text: string, message: RegExp, options?: CsvOptions) =>
    t.throwsAsync(csv(text, options), { code: 'ERR_FORMAT', message });
  await refuses('', /^Cannot read the stream: it is empty$/);
  await refuses('\n\n', /it is empty/);
  await refuses('a,b\n', /it has names \('a', 'b'\), but no rows/);
  await refuses('a,b\n1,2\n3,x\n', /expected a finite number in line 3, 'b', got "x"$/);
  await refuses('a,b\n1,\n', /line 2, 'b', got nothing$/);
  await refuses('a,b\n1,NaN\n', /got "NaN"/);
  await refuses('a,b\n1,1e999\n', /got "1e999"/);
  await refuses(`a,b\n1,${'y'.repeat(1000)}\n`, /got "y{40}…"$/);
  await refuses('a,b\n1,2\n3\n', /expect 2, got 1 on line 3/);
  await refuses('a,b\n1,2,3\n', /expect 2, got 3 on line 2/);
  await refuses('a,b\n1,"2\n', /[Qq]uote/);
  await refuses('a,b\n1,"2"3\n', /[Qq]uote/);
  await refuses('b\n1\n', /no column beside the label 'b'/, { label: 'b' });
  await refuses('a,b\n1,2\n1,\n', /expected a label in line 3, 'b', got nothing/, { label: 'b' });
  await refuses('a,b\n1,2\n1,nan\n', /expected a label in line 3, 'b', got "nan"/, { label: 'b' });
  await refuses(`a\n"${'x'.repeat(2 ** 24 + 10)}`, /[Mm]ax/);
});

test('a label column that is not there is refused, with the nearest name', async (t) => {
  const refuses = (text: string, label: string | number, message: RegExp) =>
    t.throwsAsync(csv(text, { label }), { instanceOf: RangeError, message });
  await refuses(
    'age,class\n1,2',
    'clas',
    /one of its 2 columns \(did you mean 'class'\?\): 'age', 'class', got 'clas'/,
  );
  await refuses('age,class\n1,2', 2, /one of its 2 columns: 'age', 'class', got 2/);
  await refuses('1,2\n1,2', -3, /a number of its 2 columns, which have no names, got -3/);
  await refuses('1,2\n1,2', 'class', /which have no names/);
  await refuses('a,a\n1,2', 'a', /a name that one column alone has/);
  await refuses(`${Array.from({ length: 500 }, (_, i) => `c${i}`).join()}\n`, 'x', /'c19', …, got/);
  await t.throwsAsync(csv('1', { label: 1.5 }), { instanceOf: TypeError });
  await t.throwsAsync(csv('1', { separator: '' }), { instanceOf: RangeError });
  await t.throwsAsync(csv('1', { lable: 1 } as never), { message: /did you mean 'label'\?/ });
});

test('CSV files are read, gzipped or not', async (t) => {
  const text = 'a,b\n1,2\n';
  for (const bytes of [text, gzipSync(text)]) t.deepEqual((await readCsv(file(bytes))).x.toArray(), [[1, 2]]);
  await t.throwsAsync(readCsv(file(gzipSync(text).subarray(0, -10))), { code: 'ERR_FORMAT' });
  await t.throwsAsync(readCsv(join(home, 'none')), { code: 'ENOENT', message: /^Cannot open '/ });
  await t.throwsAsync(readCsv(home), { code: 'ERR_FORMAT', message: /it is a folder/ });
});

test('any table of numbers survives CSV, however it is cut into chunks', async (t) => {
  const table = fc
    .integer({ min: 1, max: 5 })
    .chain((columns) =>
      fc.array(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: columns, maxLength: columns }),
        { minLength: 1, maxLength: 20 },
      ),
    );
  await fc.assert(
    fc.asyncProperty(
      table,
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom('\n', '\r\n', '\r'),
      async (rows, cut, end) => {
        const text = rows.map((row) => row.join()).join(end);
        const chunks = text.match(new RegExp(`[^]{1,${cut}}`, 'g')) as string[];
        const { x } = await readCsv(Readable.from(chunks), { header: false });
        t.deepEqual(
          x.toArray(),
          rows.map((row) => row.map((value) => (Object.is(value, -0) ? 0 : value))),
        );
      },
    ),
    { seed: 2, numRuns: 60 },
  );
});

test('memory is bounded by the numbers, not by the text', async (t) => {
  const random = new RandomState(1);
  const line = `${Array.from({ length: 40 }, () => random.randomSample().toFixed(18)).join()}\n`; // 20 characters a number
  const before = process.memoryUsage().rss;
  let most = 0;
  const source = function* () {
    for (let i = 0; i < 36_000; i++) {
      if (i % 1000 === 0) most = Math.max(most, process.memoryUsage().rss);
      yield line;
    }
  };
  const { x } = await readCsv(Readable.from(source()), { dtype: 'float32' });
  t.deepEqual(x.shape, [36_000, 40]); // 6 MB, from 30 MB of text, which as strings of V8 would be more than 120 MB
  t.true(most - before < 110e6, `${(most - before) / 1e6} MB`);
});

test('an optional package that is missing is named, with how to install it', async (t) => {
  const load = (name: string) => loadPeer(name, () => import(name));
  await t.throwsAsync(load('fjordnet-none'), {
    code: 'ERR_MISSING_PEER',
    message: 'Expected the package fjordnet-none to be installed: npm install fjordnet-none',
  });
  const broken = file("import 'fjordnet-none';");
  await t.throwsAsync(
    loadPeer('other', () => import(`${pathToFileURL(broken)}.mjs`)),
    { code: 'ERR_MODULE_NOT_FOUND' },
  );
});
