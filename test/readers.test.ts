// Files of arrays, tables and pictures, by what the package exports.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { encode } from 'fast-png';
import { type DType, NDArray, readCsv, readIdx, readImage, readNpy, readNpz, writeNpy } from 'fjordnet';
import { InstalledProject } from './helpers/installed.js';

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../test/fixtures/${name}.json`, import.meta.url), 'utf8'));
const home = mkdtempSync(join(tmpdir(), 'fjordnet-readers-'));
test.after.always(() => rmSync(home, { recursive: true, force: true }));

let files = 0;
const path = (content?: string | Uint8Array) => {
  const name = join(home, `file-${files++}`);
  if (content !== undefined) writeFileSync(name, content);
  return name;
};

test('writeNpy writes the bytes of numpy.save', async (t) => {
  for (const { dtype, shape, data, base64 } of fixture('array-indexing').npy) {
    const file = path();
    await writeNpy(file, NDArray.from(data, { shape, dtype }));
    t.is(readFileSync(file).toString('base64'), base64, `${dtype} [${shape}]`);
  }
});

test('what writeNpy writes, readNpy reads', async (t) => {
  const arrays = fc
    .tuple(fc.constantFrom<DType>('float64', 'float32', 'int32'), fc.array(fc.nat({ max: 3 }), { maxLength: 5 }))
    .chain(([dtype, shape]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const values = { float64: fc.double(), float32: fc.float(), int32: fc.integer() }[dtype];
      return fc
        .array(values, { minLength: size, maxLength: size })
        .map((numbers) => NDArray.from(numbers, { dtype, shape }));
    });
  const file = path();
  await fc.assert(
    fc.asyncProperty(arrays, async (x) => {
      await writeNpy(file, x);
      const read = await readNpy(pathToFileURL(file));
      t.is(read.dtype, x.dtype);
      t.deepEqual([...read.shape], [...x.shape]);
      t.deepEqual(read.data, x.data);
    }),
    { numRuns: 40 },
  );
});

test('writeNpy takes arrays of any kind as they are at the call, and replaces a file as a whole', async (t) => {
  const folder = mkdtempSync(join(home, 'folder-'));
  const file = join(folder, 'x.npy');
  writeFileSync(file, 'old');
  const x = NDArray.from([1, 2]);
  const writing = writeNpy(file, x);
  x.data.fill(9);
  await writing;
  t.deepEqual((await readNpy(file)).toArray(), [1, 2]);
  await writeNpy(file, [[1], [2]]);
  t.deepEqual((await readNpy(file)).toArray(), [[1], [2]]);
  await t.throwsAsync(writeNpy(file, [1, null] as never), { message: 'Expected x[1] to be a number, got null' });
  await t.throwsAsync(writeNpy(join(home, 'none', 'x.npy'), [1]), { code: 'ENOENT', message: /^Cannot write '/ });
  await t.throwsAsync(writeNpy('', [1]), { message: /^Expected path to be a file name or URL/ });
  t.deepEqual((await readNpy(file)).toArray(), [[1], [2]]);
  t.deepEqual(readdirSync(folder), ['x.npy']);
});

test('the readers are exported', async (t) => {
  const { x, y, names } = await readCsv(path('a,b,kind\n1,2,cat\n3,4,dog\n'), { label: 'kind' });
  t.deepEqual(
    [x.toArray(), y, names],
    [
      [
        [1, 2],
        [3, 4],
      ],
      ['cat', 'dog'],
      ['a', 'b'],
    ],
  );
  const idx = Buffer.from([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 255]);
  for (const bytes of [idx, gzipSync(idx)]) t.deepEqual((await readIdx(path(bytes))).toArray(), [[7, 8, 255]]);
  const arrays = await readNpz(new URL('../test/fixtures/compressed.npz', import.meta.url));
  t.deepEqual([...arrays.keys()], ['zeros', 'grid']);
  t.deepEqual([...arrays.get('grid')!.shape], [2, 3, 2]);
});

const { images, jpeg, smooth, enlarged, opaque } = fixture('images');
const bytesOf = ({ bytes }: { bytes: string }) => Buffer.from(bytes, 'base64');

for (const [name, image] of Object.entries<any>(images))
  test(`a ${name}: Pillow's pixels`, async (t) => {
    const [height, width] = image.shape;
    const rgb = await readImage(bytesOf(image));
    t.is(rgb.dtype, 'float32');
    t.deepEqual([...rgb.shape], [height, width, 3]);
    t.deepEqual([...rgb.data], image.rgb);
    const grayscale = await readImage(path(bytesOf(image)), { colorMode: 'grayscale' });
    t.deepEqual([...grayscale.shape], [height, width, 1]);
    t.deepEqual([...grayscale.data], image.grayscale);
  });

test('a JPEG, from a file: URL', async (t) => {
  const { shape, data } = await readImage(pathToFileURL(path(bytesOf(jpeg))));
  t.deepEqual([...shape], [...jpeg.shape, 3]);
  t.true(data.every((v, i) => Math.abs(v - jpeg.rgb[i]) <= 1));
});

test('16 bits become 8', async (t) => {
  const data = Uint16Array.of(0, 256, 32768, 65535);
  const png = encode({ width: 2, height: 2, depth: 16, channels: 1, data });
  t.deepEqual((await readImage(png, { colorMode: 'grayscale' })).toArray(), [
    [[0], [1]],
    [[128], [255]],
  ]);
});

test('size is [height, width]; smaller pictures are filtered, as by Pillow', async (t) => {
  const elsewhere = runInNewContext('Uint8Array').from(bytesOf(smooth)) as Uint8Array;
  t.deepEqual(await readImage(elsewhere), await readImage(bytesOf(smooth)));
  const halved = await readImage(bytesOf(smooth), { size: [16, 24] });
  t.deepEqual([...halved.shape], [16, 24, 3]);
  t.true(halved.data.every((v, i) => Math.abs(v - smooth.halved[i]) <= 1));
  t.deepEqual([...(await readImage(bytesOf(smooth), { size: [50, 7], colorMode: 'grayscale' })).shape], [50, 7, 1]);
  const side = images['webp, on its side'];
  t.deepEqual([...(await readImage(bytesOf(side), { size: [3, 2] })).shape], [3, 2, 3]);
});

test("pictures that are enlarged have Pillow's pixels, of transparent ones too", async (t) => {
  for (const [image, results] of [
    [images.png, enlarged],
    [images['png, with transparency'], opaque],
  ])
    for (const { size, pixels } of results) {
      const { shape, data } = await readImage(bytesOf(image), { size });
      t.deepEqual([...shape], [...size, 3]);
      t.deepEqual([...data], pixels);
    }
  const bar = encode({ width: 1, height: 1, channels: 3, data: Uint8Array.of(10, 20, 30) });
  t.deepEqual([...(await readImage(bar, { size: [2, 1] })).data], [10, 20, 30, 10, 20, 30]);
});

test('what is transparent keeps its colours in smaller pictures', async (t) => {
  const { data, shape } = await readImage(bytesOf(smooth));
  const clear = Uint8Array.from({ length: (4 * data.length) / 3 }, (_, i) =>
    i % 4 === 3 ? (i * 7) % 256 : data[3 * Math.floor(i / 4) + (i % 4)],
  );
  const png = encode({ width: shape[1], height: shape[0], channels: 4, data: clear });
  const size = [16, 24] as const;
  t.deepEqual(await readImage(png, { size }), await readImage(bytesOf(smooth), { size }));
});

test('a drawing is drawn at the size', async (t) => {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><rect width="2" height="4" fill="white"/></svg>';
  const { data } = await readImage(Buffer.from(svg), { size: [4, 40], colorMode: 'grayscale' });
  t.deepEqual([...data.subarray(16, 24)], [255, 255, 255, 255, 0, 0, 0, 0]);
});

test('what is no picture is refused in a sentence', async (t) => {
  const png = bytesOf(images.png);
  await t.throwsAsync(readImage(path('text')), { code: 'ERR_FORMAT', message: /^Cannot read '.*': Input buffer/ });
  await t.throwsAsync(readImage(new Uint8Array(0)), { code: 'ERR_FORMAT', message: /^Cannot read the bytes: / });
  await t.throwsAsync(readImage(png.subarray(0, png.length - 30)), { code: 'ERR_FORMAT', message: /^Cannot read / });
  await t.throwsAsync(readImage(join(home, 'none.png')), { code: 'ENOENT', message: /^Cannot open '/ });
  await t.throwsAsync(readImage(home), { code: 'ERR_FORMAT', message: /it is no file$/ });
  const wrong: [unknown, object, string][] = [
    [png, { size: 3 }, 'Expected size to be [height, width], got 3 (number)'],
    [png, { size: [3] }, 'Expected size to be [height, width], got Array(1)'],
    [png, { size: [3, 0] }, 'Expected size[1] to be a positive integer, got 0 (number)'],
    [
      png,
      { colorMode: 'gray' },
      "Expected colorMode to be one of 'rgb', 'grayscale' (did you mean 'grayscale'?), got 'gray' (string)",
    ],
    [
      png,
      { colourMode: 'rgb' },
      "Expected options to have no option 'colourMode' (did you mean 'colorMode'?); there are: size, colorMode",
    ],
    [3, {}, 'Expected image to be a file name or URL, or the bytes of a picture as a Uint8Array, got 3 (number)'],
  ];
  for (const [image, options, message] of wrong) await t.throwsAsync(readImage(image as string, options), { message });
});

test('the import reads no optional package; a reader says which one it needs', (t) => {
  const project = new InstalledProject();
  try {
    const program = project.path('program.mjs');
    writeFileSync(
      program,
      `import { readCsv, readImage, readNpy } from 'fjordnet';
       for (const read of [readCsv, readImage])
         await read('none').catch(({ code, message }) => console.log(code, message));
       await readNpy('none').catch(({ code }) => console.log(code));`,
    );
    const { npm_config_user_agent: _, ...env } = process.env;
    const printed = execFileSync(process.execPath, [program], { cwd: project.folder, encoding: 'utf8', env });
    t.deepEqual(printed.trimEnd().split('\n'), [
      'ERR_MISSING_PEER Expected the package csv-parse to be installed: npm install csv-parse',
      'ERR_MISSING_PEER Expected the package sharp to be installed: npm install sharp',
      'ENOENT',
    ]);
  } finally {
    project.remove();
  }
});
