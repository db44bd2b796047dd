import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateRawSync } from 'node:zlib';
import test from 'ava';
import { zipSync } from 'fflate';
import { readIdx } from '../dist/io/idx.js';
import { parseNpy, readNpy, readNpz } from '../dist/io/npy.js';
import { costOf } from './helpers/cost.js';
import { npy, npyHeader } from './helpers/npy.js';
import { type Zipped, zip, zip64Extra } from './helpers/zip.js';

type Coded = Error & { code?: string };

const home = mkdtempSync(join(tmpdir(), 'fjordnet-npz-'));
test.after.always(() => rmSync(home, { recursive: true }));

let files = 0;
function file(content: Uint8Array): string {
  const path = join(home, `file${files++}`);
  writeFileSync(path, content);
  return path;
}

const floats = (...values: number[]) => npy(npyHeader('<f8', `(${values.length},)`), Float64Array.from(values).buffer);
const A: Zipped = { name: 'a.npy', content: floats(1, 2, 3) };
const B: Zipped = { name: 'b.npy', content: floats(4, 5), deflate: true };
const contentOf = async (bytes: Uint8Array) =>
  [...(await readNpz(file(bytes)))].map(([name, array]) => [name, array.toArray()]);
const BOTH = [
  ['a', [1, 2, 3]],
  ['b', [4, 5]],
];

test('ZIP files of every kind that holds arrays are read', async (t) => {
  t.deepEqual(await contentOf(zip([A, B])), BOTH);
  t.deepEqual(await contentOf(zipSync({ 'a.npy': A.content, 'b.npy': B.content })), BOTH);
  t.deepEqual(await contentOf(zip([A, B], { comment: 'PK\x05\x06 as a remark' })), BOTH);
  t.deepEqual(await contentOf(zip([A, B], { zip64: true })), BOTH);
  const sizes = { size: 0xffffffff, compressedSize: 0xffffffff };
  const wide = { ...A, directory: sizes, extra: zip64Extra(A.content.length, A.content.length) };
  t.deepEqual(await contentOf(zip([wide, B])), BOTH);
  t.deepEqual(await contentOf(zip([A, { name: 'notes.txt', content: Buffer.from('x') }, B])), BOTH);
  t.deepEqual(await contentOf(zip([])), []);
  const named = { ...A, name: 'größe.npy', directory: { flags: 0x800 }, local: { flags: 0x800 } };
  t.deepEqual(await contentOf(zip([named])), [['größe', [1, 2, 3]]]);
  // Sizes and checksum behind the data, as of a writer that cannot go back.
  t.deepEqual(await contentOf(zip([{ ...A, local: { flags: 8, crc: 0 }, directory: { flags: 8 } }])), [BOTH[0]]);
});

test('what Python wrote is read, and what it wrote to a pipe', async (t) => {
  const script = `
import sys, zipfile, base64
data = {k: base64.b64decode(v) for k, v in zip(['a.npy', 'b.npy'], sys.argv[2:])}
class Pipe:
    def __init__(self, f): self.f = f
    def write(self, b): return self.f.write(b)
    def flush(self): self.f.flush()
for name, method, wrap in [('stored', zipfile.ZIP_STORED, lambda f: f), ('deflated', zipfile.ZIP_DEFLATED, lambda f: f), ('pipe', zipfile.ZIP_DEFLATED, Pipe)]:
    with open(sys.argv[1] + '/' + name, 'wb') as f, zipfile.ZipFile(wrap(f), 'w', method) as z:
        for k, v in data.items():
            with z.open(k, 'w', force_zip64=True) as out: out.write(v)
`;
  try {
    const contents = [A, B].map(({ content }) => Buffer.from(content).toString('base64'));
    execFileSync('python3', ['-c', script, home, ...contents], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    t.log('skipped: there is no python3');
    t.pass();
    return;
  }
  for (const name of ['stored', 'deflated', 'pipe'])
    t.deepEqual(await contentOf(readFileSync(join(home, name))), BOTH, name);
});

test('one changed bit anywhere is refused, or changes no value', async (t) => {
  const whole = zip([A, B], { zip64: true });
  const path = join(home, 'flipped');
  let refused = 0;
  for (let at = 0; at < whole.length; at++) {
    const bytes = Buffer.from(whole);
    bytes[at] ^= 1 << ((5 * at) & 7);
    writeFileSync(path, bytes);
    try {
      // An entry may be passed over as no array, never be another one.
      for (const [name, array] of await readNpz(path)) t.deepEqual(array.toArray(), name === 'a' ? [1, 2, 3] : [4, 5]);
    } catch (error) {
      if ((error as Coded).code !== 'ERR_FORMAT') throw error;
      refused++;
    }
  }
  t.true(refused > 0.75 * whole.length, `${refused} of ${whole.length}`);
});

const HOSTILE: [what: string, bytes: Uint8Array, reason: RegExp][] = [
  ['no bytes', Buffer.alloc(0), /it is no ZIP file, or its end is missing/],
  ['an NPY file', A.content, /it is no ZIP file/],
  ['a part', zip([A, B]).subarray(0, -1), /its end is missing/],
  ['bytes behind', Buffer.concat([zip([A]), Buffer.of(0)]), /its end is missing/],
  ['bytes before', Buffer.concat([Buffer.of(0), zip([A])]), /its directory does not lie where it says/],
  ['2^32 - 1 entries', zip([], { count: 2 ** 32 - 1, zip64: true }), /4294967295 entries in 0 bytes, too few/],
  ['2^63 entries', zip([], { count: 2n ** 63n, zip64: true }), /entries in 0 bytes, too few/],
  ['more entries than there are', zip([A, B], { count: 3 }), /3 entries in 102 bytes, too few/],
  ['fewer entries than there are', zip([A, B], { count: 1 }), /51 bytes behind its last entry/],
  ['a directory of petabytes', zip([A], { zip64: true, length: 0xffffffff, begin: 2 ** 50 }), /does not lie where/],
  ['an entry twice', zip([A, A]), /entry 'a\.npy' occurs twice/],
  ['a shared body', zip([A, { ...A, name: 'c.npy', directory: { begin: 0 } }]), /entry '[ac]\.npy' overlaps/],
  [
    'a body within another',
    zip([
      { ...A, body: zip([B]), directory: { size: zip([B]).length } },
      { ...B, directory: { begin: 35 } },
    ]),
    /overlaps what follows/,
  ],
  ['a body beyond the directory', zip([{ ...A, directory: { begin: 60 } }]), /overlaps .* or ends beyond/],
  ['more than deflate can', zip([{ ...B, directory: { size: 1e9 } }]), /'b\.npy' would be 1000000000 bytes long, of /],
  ['stored in other sizes', zip([{ ...A, directory: { size: 151 } }]), /would be 151 bytes long, of 152/],
  ['encryption', zip([{ ...A, directory: { flags: 1 } }]), /entry 'a\.npy' is encrypted/],
  ['another method', zip([{ ...A, directory: { method: 14 } }]), /compressed by method 14, not stored \(0\) or def/],
  ['a name that is no text', zip([{ ...A, name: 'größe.npy' }]), /neither ASCII nor UTF-8/],
  ['two names', zip([{ ...A, local: { name: 'c.npy' } }]), /entry 'a\.npy' is described in two ways/],
  ['two methods', zip([{ ...A, local: { method: 8 } }]), /described in two ways/],
  ['two checksums', zip([{ ...A, local: { crc: 1 } }]), /described in two ways/],
  ['no local header', zip([{ ...A, directory: { begin: 1, size: 151, compressedSize: 151 } }]), /does not begin where/],
  ['another checksum', zip([{ ...A, directory: { crc: 7 }, local: { crc: 7 } }]), /checksum \(CRC-32\) is another/],
  ['zip64 sizes that are not there', zip([{ ...A, directory: { size: 2 ** 32 - 1 } }]), /has no zip64 sizes/],
  [
    'zip64 sizes of exabytes',
    zip([{ ...B, directory: { size: 2 ** 32 - 1 }, extra: zip64Extra(2n ** 63n) }]),
    /would be 9223372036854776000 bytes long/,
  ],
  ['no deflated bytes', zip([{ ...B, body: Buffer.alloc(40, 0xff) }]), /its deflated bytes are not valid/],
  ['a cut body', zip([{ ...B, body: deflateRawSync(B.content).subarray(0, -3) }]), /deflated bytes are not valid/],
  [
    'bytes behind the body',
    zip([{ ...B, body: Buffer.concat([deflateRawSync(B.content), Buffer.of(0)]) }]),
    /deflated bytes are not valid/,
  ],
  ['a longer body', zip([{ ...B, directory: { size: B.content.length - 8 } }]), /is longer than its 136 bytes/],
  ['a shorter body', zip([{ ...B, directory: { size: B.content.length + 8 } }]), /has 144 bytes, not 152/],
  ['a long name', zip([{ ...A, name: 'n'.repeat(60_000), directory: { flags: 1 } }]), /entry 'n+…' is encrypted/],
  [
    'no array of a long name',
    zip([{ name: `${'n'.repeat(60_000)}.npy`, content: Buffer.of(1) }]),
    /, n+: it is no NPY/,
  ],
  ['no array', zip([{ name: 'a.npy', content: Buffer.from('text') }]), /, a\.npy: it is no NPY file/],
];

test('damaged and hostile ZIP files are refused with the reason', async (t) => {
  for (const [what, bytes, reason] of HOSTILE) {
    const path = file(bytes);
    const error = await t.throwsAsync<Coded>(readNpz(path), { code: 'ERR_FORMAT', message: reason }, what);
    t.true(error?.message.startsWith(`Cannot read '${path}`), what);
    t.true((error?.message.length ?? 0) < 300, what);
  }
});

test('a file costs what it holds, not what it declares', (t) => {
  const zeros = Buffer.alloc(2 ** 26);
  const body = deflateRawSync(zeros);
  const bomb = zip([
    { name: 'a.npy', content: Buffer.alloc(0), body, directory: { method: 8, size: 1000 }, local: { method: 8 } },
  ]);
  const shared = Array.from({ length: 50 }, (_, i) => ({
    name: `${i}.npy`,
    content: Buffer.alloc(0),
    ...(i === 0 ? { body } : {}),
    directory: { method: 8, size: zeros.length, compressedSize: body.length, begin: 0 },
    local: { method: 8 },
  }));
  const count = zip([], { count: 2 ** 32 - 1, zip64: true });
  t.is(count.length, 98);
  const module = new URL('../dist/io/npy.js', import.meta.url).href;
  const read = `(await import(${JSON.stringify(module)})).readNpz`;
  for (const bytes of [bomb, zip(shared), count]) {
    const { code, seconds, megabytes } = costOf(read, file(zip([])), file(bytes));
    t.is(code, 'ERR_FORMAT');
    t.true(seconds < 2, `${seconds} s`);
    t.true(megabytes < 40, `${megabytes} MB`);
  }
});

test('a large array is inflated beside the event loop', async (t) => {
  const values = Float64Array.from({ length: 4e6 }, (_, i) => i % 1000);
  const path = file(
    zip([{ name: 'x.npy', content: npy(npyHeader('<f8', '(4000000,)'), values.buffer), deflate: true }]),
  );
  let turns = 0;
  let done = false;
  const reading = readNpz(path).finally(() => {
    done = true;
  });
  for (; !done; turns++) await sleep(1);
  const read = (await reading).get('x')?.data as Float64Array;
  t.true(Buffer.from(read.buffer, read.byteOffset, read.byteLength).equals(Buffer.from(values.buffer)));
  t.true(turns >= 10, `${turns} turns`);
});

test('float16 is read as float32, with the same values', async (t) => {
  const bits = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
  const array = parseNpy(npy(npyHeader('<f2', '(65536,)'), bits.buffer));
  t.is(array.dtype, 'float32');
  const known: [bits: number, value: number][] = [
    [0x0000, 0],
    [0x8000, -0],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
    [0x7e00, Number.NaN],
  ];
  for (const [at, value] of known) t.is(array.data[at], value, at.toString(16));
  for (let i = 1; i < 0x7c00; i++) if (!(array.data[i] > array.data[i - 1])) t.fail(`${i}`); // in order, all different
  t.deepEqual(parseNpy(npy(npyHeader('>f2', '(2, 1)'), Uint8Array.of(0x3c, 0, 0xc0, 0))).toArray(), [[1], [-2]]);
  const half = (await readNpz(new URL('../test/fixtures/arrays.npz', import.meta.url))).get('<f4');
  t.is(half?.dtype, 'float32');
});

test("what Python 2 wrote is read, and every spelling of NumPy's header", (t) => {
  const two = Float32Array.of(1, 2).buffer;
  const same = [
    npyHeader('<f4', '(2L,)'),
    npyHeader('<f4', '(2,)'),
    "{'shape': (2L,), 'fortran_order': False, 'descr': '<f4'}",
    '{"descr": "<f4", "fortran_order": False, "shape": (2,)}',
    "{ 'descr' : '<f4' , 'fortran_order' : True , 'shape' : ( 2 , ) , } ",
  ];
  for (const header of same) t.deepEqual(parseNpy(npy(header, two)).toArray(), [1, 2], header);
  for (const shape of ['(1L, 2L)', '(1, 2)', '(1,2,)'])
    t.deepEqual(parseNpy(npy(npyHeader('<f4', shape), two)).toArray(), [[1, 2]], shape);
});

test('headers that are not exactly one array are refused', (t) => {
  const two = Float32Array.of(1, 2).buffer;
  const good = npyHeader('<f4', '(2,)');
  const refused: [header: string, reason: RegExp][] = [
    [`${good.slice(0, -1)}'shape': (1,), }`, /its header has 'shape' twice/],
    ["{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", /'descr' twice/],
    [`${good.slice(0, -1)}'other': 1, }`, /header is not NPY's/],
    [`${good} ${good}`, /header is not NPY's/],
    [`${good}x`, /header is not NPY's/],
    [good.replace('(2,)', '(2)'), /header is not NPY's/],
    [good.replace('(2,)', '[2]'), /header is not NPY's/],
    [good.replace('(2,)', '(,)'), /header is not NPY's/],
    [good.replace('(2,)', '(02,)'), /header is not NPY's/],
    [good.replace('(2,)', '(2.0,)'), /header is not NPY's/],
    [good.replace('(2,)', '(2e0,)'), /header is not NPY's/],
    [good.replace('(2,)', '(0x2,)'), /header is not NPY's/],
    [good.replace('(2,)', '(True,)'), /header is not NPY's/],
    [good.replace('(2,)', '(2,,)'), /header is not NPY's/],
    [good.replace('(2,)', '((2,),)'), /header is not NPY's/],
    [good.replace('(2,)', '18446744073709551618'), /header is not NPY's/],
    [good.replace('(2,)', '(18446744073709551618,)'), /has the size 18446744073709551618/],
    [good.replace('(2,)', '(4294967296, 4294967296, 2)'), /but 8 follow the header/],
    [good.replace('(2,)', `(${'1, '.repeat(65)}2)`), /more than 64 axes/],
    [good.replace('False', 'Falsey'), /header is not NPY's/],
    [good.replace('False', 'None'), /header is not NPY's/],
    [good.replace("'<f4'", '4'), /header is not NPY's/],
    [good.replace("'<f4'", "'<f4\\x00'"), /header is not NPY's/],
    [good.replace("'<f4'", "[('a', '<f4')]"), /dtype is structured/],
    [good.replace("'<f4'", "('<f4', (2,))"), /dtype is structured/],
    [good.replace('<f4', '<f16'), /dtype is '<f16' \(long double\), none of booleans/],
    [good.replace('<f4', '<c8'), /dtype is '<c8' \(complex numbers\)/],
    [good.replace('<f4', '|S4'), /dtype is '\|S4' \(bytes of text\)/],
    [good.replace('<f4', '<M8[ns]'), /dtype is '<M8\[ns\]' \(dates\)/],
    [good.replace('<f4', '<m8[s]'), /dtype is '<m8\[s\]' \(spans of time\)/],
    [good.replace('<f4', '|V2'), /dtype is '\|V2' \(raw bytes\)/],
    [good.replace('<f4', '<f3'), /dtype is '<f3'/],
    [good.replace('<f4', '<f4x'), /dtype is '<f4x'/],
    [good.replace('<f4', ''), /dtype is ''/],
  ];
  for (const [header, message] of refused)
    t.throws(() => parseNpy(npy(header, two)), { code: 'ERR_FORMAT', message }, header);
  const minor = npy(good, two);
  minor[7] = 1;
  t.throws(() => parseNpy(minor), { message: /version 1\.1 of the NPY format, not 1\.0 to 3\.0/ });
});

test('integers of 64 bits are exact or refused', (t) => {
  const read = (descr: string, ...values: bigint[]) =>
    parseNpy(npy(npyHeader(descr, `(${values.length},)`), BigInt64Array.from(values).buffer));
  const exact = [0n, -1n, 2n ** 31n - 1n, -(2n ** 31n), 2n ** 31n, -(2n ** 31n) - 1n, 2n ** 53n - 1n, 1n - 2n ** 53n];
  t.deepEqual(read('<i8', ...exact).data, Float64Array.from(exact.map(Number)));
  t.deepEqual(read('<i8', ...exact.slice(0, 4)).data, Int32Array.of(0, -1, 2 ** 31 - 1, -(2 ** 31)));
  t.deepEqual(read('<u8', 0n, 2n ** 31n - 1n).data, Int32Array.of(0, 2 ** 31 - 1));
  t.deepEqual(read('<u8', 2n ** 31n, 2n ** 32n + 5n).data, Float64Array.of(2 ** 31, 2 ** 32 + 5));
  t.throws(() => read('<i8', 1n, 2n ** 53n), { message: /its integer 9007199254740992 is beyond 2\^53/ });
  t.throws(() => read('<i8', -(2n ** 63n)), { message: /-9223372036854775808 is beyond/ });
  t.throws(() => read('<u8', -1n), { message: /18446744073709551615 is beyond/ });
  t.deepEqual(parseNpy(npy(npyHeader('|b1', '(3,)'), Uint8Array.of(0, 1, 2))).data, Int32Array.of(0, 1, 1));
});

test('Fortran order of every rank', (t) => {
  const shapes = [[], [0], [3], [2, 3], [3, 0, 2], [2, 3, 4], [2, 1, 3, 2]];
  for (const shape of shapes) {
    const size = shape.reduce((product, n) => product * n, 1);
    const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, n) => product * n, 1));
    const data = Float64Array.from({ length: size }, (_, i) => i);
    const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
    const array = parseNpy(npy(npyHeader('<f8', tuple, 'True'), data.buffer));
    const expected = Array.from(data, (_, i) => {
      let rest = i;
      let at = 0;
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        at += (rest % shape[axis]) * strides[axis];
        rest = Math.floor(rest / shape[axis]);
      }
      return at;
    });
    t.deepEqual([array.shape, [...array.data]], [shape, expected]);
  }
});

test('a pipe that nobody writes to is no file', async (t) => {
  const path = join(home, 'fifo');
  try {
    execFileSync('mkfifo', [path]);
  } catch {
    t.log('skipped: there is no mkfifo');
    t.pass();
    return;
  }
  for (const read of [readNpy, readNpz, readIdx])
    await t.throwsAsync(async () => void (await read(path)), { code: 'ERR_FORMAT', message: /it is no file/ });
});
