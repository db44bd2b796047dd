import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { data, layers, NDArray, RandomState, sequential } from 'fjordnet';
import { readNpy } from '../dist/io/npy.js';
import { readSafetensors, writeSafetensors } from '../dist/io/safetensors.js';
import { all } from './helpers/elements.js';

const home = mkdtempSync(join(tmpdir(), 'fjordnet-dataset-files-'));
test.after.always(() => rmSync(home, { recursive: true }));

function npyFile(name: string, descr: string, shape: number[], values: NodeJS.TypedArray, fortran = false): string {
  const path = join(home, name);
  const list = shape.map((n) => `${n},`).join(' ');
  const header = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${list}), }`.padEnd(
    117,
  );
  const head = Buffer.concat([Buffer.from('\x93NUMPY\x01\0v\0', 'latin1'), Buffer.from(`${header}\n`)]);
  writeFileSync(path, Buffer.concat([head, Buffer.from(values.buffer, values.byteOffset, values.byteLength)]));
  return path;
}

const random = new RandomState(0);
// rows of 4000 bytes, so that there are several blocks of them
const x = random.randn(5000, 500);
const y = random.randint(0, 3, [5000]);
const xPath = npyFile('x.npy', '<f8', [5000, 500], x.data);
const yPath = npyFile(
  'y.npy',
  '<i8',
  [5000],
  BigInt64Array.from(y.data, (label) => BigInt(label)),
);

test('rows of NPY files are those of the arrays, in any batches', async (t) => {
  const inMemory = await readNpy(xPath);
  for (const size of [1, 700, 5000, 9999]) {
    const dataset = data
      .npy([xPath, yPath])
      .take(size === 1 ? 3 : 5000)
      .batch(size);
    for (let pass = 0; pass < 2; pass++) {
      let at = 0;
      for await (const [rows, labels] of dataset) {
        t.is(rows.dtype, 'float64');
        t.true(
          Buffer.from(rows.data.buffer).equals(
            Buffer.from(inMemory.data.slice(at * 500, (at + rows.length) * 500).buffer),
          ),
        );
        t.deepEqual([...labels.data], [...y.data.slice(at, at + rows.length)]);
        at += rows.length;
      }
      t.is(at, size === 1 ? 3 : 5000);
    }
  }
  const [first] = await all(data.npy(xPath).take(1));
  t.deepEqual([...first.data], [...x.data.slice(0, 500)]);
  const floats = npyFile(
    'big.npy',
    '>f4',
    [2, 2],
    Uint8Array.from([0x3f, 0x80, 0, 0, 0x40, 0, 0, 0, 0x40, 0x40, 0, 0, 0x40, 0x80, 0, 0]),
  );
  t.deepEqual(
    (await all(data.npy(floats))).map((row) => row.toArray()),
    [
      [1, 2],
      [3, 4],
    ],
  );
});

test('tensors of a safetensors file are, too', async (t) => {
  const path = join(home, 'data.safetensors');
  const labels = BigInt64Array.from(y.data, (label) => BigInt(label));
  const pixels = Uint8Array.from({ length: 5000 * 4 }, (_, i) => i % 251);
  await writeSafetensors(path, [
    ['x', { shape: [5000, 500], data: Float32Array.from(x.data) }],
    ['y', { shape: [5000], data: labels }],
    ['pixels', { shape: [5000, 2, 2], data: pixels }],
  ]);
  let at = 0;
  for await (const [{ x: rows, pixels: images }, own] of data
    .safetensors(path, [{ x: 'x', pixels: 'pixels' }, 'y'])
    .batch(64)) {
    t.deepEqual([rows.dtype, images.dtype, images.shape.slice(1)], ['float32', 'int32', [2, 2]]);
    t.is(rows.data[7], Math.fround(x.data[at * 500 + 7]));
    t.is(images.data[3], (at * 4 + 3) % 251);
    t.is(own.data[0], y.data[at]);
    at += rows.length;
  }
  t.is(at, 5000);
  const error = await t.throwsAsync(all(data.safetensors(path, ['x', 'z'])));
  t.regex(error!.message, /^Expected names to be tensors of the file.*: 'x', 'y', 'pixels', got 'z' \(string\)$/);
});

test("tensors of PyTorch's other dtypes: bfloat16, float16 and booleans", async (t) => {
  const path = join(home, 'others.safetensors');
  const entry = (dtype: string, begin: number, end: number) => ({ dtype, shape: [2], data_offsets: [begin, end] });
  const header = JSON.stringify({ b: entry('BF16', 0, 4), h: entry('F16', 4, 8), flags: entry('BOOL', 8, 10) });
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(header.length));
  const halves = Buffer.alloc(8);
  for (const [i, bits] of [0x3fc0, 0xc049, 0x3c00, 0x3555].entries()) halves.writeUInt16LE(bits, 2 * i);
  writeFileSync(path, Buffer.concat([head, Buffer.from(header), halves, Buffer.of(1, 0)]));
  const wanted = { b: [1.5, -3.140625], h: [1, 0.333251953125], flags: [1, 0] };
  const rows = (await all(data.safetensors(path, { b: 'b', h: 'h', flags: 'flags' } as never))) as (typeof wanted)[];
  t.deepEqual(rows, [0, 1].map((i) => ({ b: wanted.b[i], h: wanted.h[i], flags: wanted.flags[i] })) as never);
  const { tensors } = await readSafetensors(path);
  for (const [name, values] of Object.entries(wanted)) t.deepEqual([...tensors.get(name)!.data].map(Number), values);
});

test('files that do not go together, or cannot be read row by row, are refused', async (t) => {
  const refused = async (paths: unknown) => (await t.throwsAsync(all(data.npy(paths as string))))?.message;
  const short = npyFile('short.npy', '<f4', [3], new Float32Array(3));
  t.is(await refused([xPath, short]), `Cannot read '${short}': it has 3 rows, and '${xPath}' 5000`);
  const turned = npyFile('turned.npy', '<f4', [3, 2], new Float32Array(6), true);
  t.regex(
    (await refused(turned))!,
    /in Fortran order, where rows do not lie together: save np\.ascontiguousarray\(x\)$/,
  );
  const scalar = npyFile('scalar.npy', '<f4', [], new Float32Array(1));
  t.regex((await refused(scalar))!, /: it has no rows, but a single number$/);
  writeFileSync(join(home, 'no.npy'), 'text, and no array');
  t.regex((await refused(join(home, 'no.npy')))!, /: it is no NPY file$/);
  t.is(((await t.throwsAsync(all(data.npy(join(home, 'none.npy'))))) as { code?: string }).code, 'ENOENT');
  t.is(
    t.throws(() => data.npy([xPath, 3] as never))?.message,
    'Expected paths[1] to be a path or a file URL, got 3 (number)',
  );
  t.is(
    t.throws(() => data.safetensors(xPath, [3] as never))?.message,
    'Expected names to be the name of a tensor, got 3 (number)',
  );
});

test('a network learns from files as from arrays', async (t) => {
  const make = () => {
    const net = sequential({ layers: [layers.dense({ units: 3, activation: 'softmax', inputShape: [500] })], seed: 1 });
    net.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
    return net;
  };
  const [one, other] = [make(), make()];
  const expected = await one.fit(x, y, { batchSize: 50, shuffle: false, epochs: 2 });
  const { history } = await other.fit(data.npy([xPath, yPath]).batch(50), { epochs: 2 });
  t.deepEqual(history, expected.history);
  t.deepEqual(
    other.getWeights().map(({ data }) => [...data]),
    one.getWeights().map(({ data }) => [...data]),
  );
});

test('a file larger than what memory may grow by is trained on', async (t) => {
  const child = fileURLToPath(new URL('helpers/children/train-from-file.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [child, home]);
  const { rows, bytes, grown } = JSON.parse(stdout);
  t.is(rows, 200_000);
  t.is(bytes, 400e6);
  t.true(grown < 200e6, `${grown} bytes`);
});

test('rows stay whole and together when they are shuffled, whatever their dtypes become', async (t) => {
  const seen: number[] = [];
  for await (const [rows, labels] of data
    .fromArrays([x, NDArray.from(Array.from(x.data, (_, i) => i).slice(0, 5000))])
    .shuffle(1000, 1)
    .batch(77))
    for (const [k, row] of labels.data.entries()) {
      seen.push(row);
      if (seen.length % 50 === 0)
        t.deepEqual([...rows.data.slice(k * 500, (k + 1) * 500)], [...x.data.slice(row * 500, (row + 1) * 500)]);
    }
  t.deepEqual(
    [...seen].sort((a, b) => a - b),
    Array.from({ length: 5000 }, (_, i) => i),
  );
  t.notDeepEqual(
    seen,
    Array.from({ length: 5000 }, (_, i) => i),
  );
  // integers beyond int32 in a later block
  const n = 700_000;
  const wide = npyFile(
    'wide.npy',
    '<i8',
    [n],
    BigInt64Array.from({ length: n }, (_, i) => BigInt(i) * (i > 600_000 ? 2n ** 13n : 1n)),
  );
  const sums = { read: 0, shuffled: 0 };
  for await (const batch of data.npy(wide).batch(9999)) for (const value of batch.data) sums.read += value;
  for await (const batch of data.npy(wide).shuffle(500_000, 1).batch(9999))
    for (const value of batch.data) sums.shuffled += value;
  t.is(sums.shuffled, sums.read);
  t.is(
    sums.read,
    Array.from({ length: n }, (_, i) => i * (i > 600_000 ? 2 ** 13 : 1)).reduce((a, b) => a + b, 0),
  );
});
