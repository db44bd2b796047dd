import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { data, layers, type NDArray, readImage, sequential } from 'fjordnet';
import { all } from './helpers/elements.js';
import { drawShapes, SHAPE_NAMES } from './helpers/shapes.js';

const home = mkdtempSync(join(tmpdir(), 'fjordnet-images-'));
test.after.always(() => rmSync(home, { recursive: true }));
const place = (name: string) => join(home, name);
const shapes = place('shapes');
test.before(async () => {
  await drawShapes(shapes, { 'blue disc': 6, 'red disc': 10, 'red square': 4 }, 1);
});

/** A folder of empty files. */
function tree(name: string, files: readonly string[]): string {
  const root = place(name);
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), '');
  }
  return root;
}
const SIZE = { size: [24, 24] as const };

test("classes, their numbers and the order of files are Keras'", (t) => {
  const path = new URL('../test/fixtures/image-folder.json', import.meta.url);
  const { names, files, labels, classes } = JSON.parse(readFileSync(path, 'utf8'));
  const root = tree('keras', names);
  const folder = data.imageFolder(root, SIZE);
  t.deepEqual(folder.classes, classes);
  t.deepEqual(
    folder.files,
    files.map((file: string) => join(root, file)),
  );
  t.deepEqual(folder.labels.toArray(), labels);
  t.is(folder.labels.dtype, 'int32');
  t.is(folder.length, files.length);
  t.is(
    folder.describe(),
    '19 pictures of 7 classes: 10 (1), 9 (1), C (1), a (7), a-b (1), b (7), ä (1); ' +
      'left out: 3 files that are no pictures, 2 hidden files or folders, 1 picture beside the folders',
  );
});

test('samples are the pictures as readImage gives them, in each pass', async (t) => {
  const folder = data.imageFolder(shapes, { size: [12, 16], colorMode: 'grayscale', concurrency: 3 });
  t.deepEqual(folder.classes, SHAPE_NAMES);
  for (let pass = 0; pass < 2; pass++) {
    const samples = await all(folder);
    t.deepEqual(
      samples.map(([, y]) => y),
      folder.labels.toArray(),
    );
    for (const [i, [x]] of samples.entries()) {
      const expected = await readImage(folder.files[i], { size: [12, 16], colorMode: 'grayscale' });
      t.deepEqual([x.shape, x.dtype, x.data], [[12, 16, 1], 'float32', expected.data]);
    }
  }
  const [[x, y]] = await all(data.imageFolder(shapes, SIZE).batch(50));
  t.deepEqual([x.shape, y.shape], [[20, 24, 24, 3], [20]]);
  t.true(x.data.some((value: number) => value > 200) && x.data.every((value: number) => value >= 0 && value <= 255));
});

test('shuffled, all pictures come in another order in each pass, all of which follow from the seed', async (t) => {
  const folder = (randomState: number) => data.imageFolder(shapes, { ...SIZE, shuffle: true, randomState });
  const order = (samples: [NDArray, number][]) => samples.map(([x]) => x.data.join());
  const one = folder(5);
  const [first, second] = [order(await all(one)), order(await all(one))];
  t.notDeepEqual(first, second);
  t.deepEqual([...first].sort(), [...second].sort());
  const again = folder(5);
  t.deepEqual([order(await all(again)), order(await all(again))], [first, second]);
  t.notDeepEqual(order(await all(folder(6))), first);
});

test('a share is a stratified one: both parts are disjoint and complete', async (t) => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 5, max: 30 }), { minLength: 2, maxLength: 4 }),
      fc.double({ min: 0.2, max: 0.8, noNaN: true }),
      fc.nat(1000),
      async (counts, testSize, randomState) => {
        const files = counts.flatMap((n, k) => Array.from({ length: n }, (_, i) => `c${k}/${i}.png`));
        const root = tree(`share${runs++}`, files);
        const [train, tested] = (['train', 'test'] as const).map((part) =>
          data.imageFolder(root, { ...SIZE, split: { part, testSize, randomState } }),
        );
        rmSync(root, { recursive: true });
        const whole = [...train.files, ...tested.files].sort();
        t.deepEqual(whole, files.map((file) => join(root, file)).sort());
        t.is(tested.length, Math.ceil(testSize * files.length));
        for (const [k, n] of counts.entries()) {
          const own = tested.labels.data.filter((label) => label === k).length;
          t.true(Math.abs(own - (n * tested.length) / files.length) < 1.01, `${own} of ${n}`);
        }
        t.deepEqual(tested.labels.toArray(), [...tested.labels.toArray<number[]>()].sort()); // by class again
      },
    ),
    { numRuns: 20 },
  );
});

test('train and test are folders of classes', (t) => {
  const root = tree('parts', [
    'train/cat/1.png',
    'train/dog/1.png',
    'test/dog/2.png',
    'test/cat/9.png',
    'test/cat/8.png',
  ]);
  t.is(data.imageFolder(root, { ...SIZE, split: 'train' }).length, 2);
  const tested = data.imageFolder(root, { ...SIZE, split: 'test' });
  t.deepEqual(
    [tested.classes, tested.labels.toArray()],
    [
      ['cat', 'dog'],
      [0, 0, 1],
    ],
  );
  t.throws(() => data.imageFolder(root, SIZE), {
    code: 'ERR_FORMAT',
    message: `Cannot read '${root}': its folders train, test hold the classes of parts of it, one of which split: 'train' takes`,
  });
  t.throws(() => data.imageFolder(root, { ...SIZE, split: { part: 'train' } }), {
    message: /hold the classes of parts/,
  });
  // vehicles
  const vehicles = tree('vehicles', ['train/1.png', 'test/1.png', 'bus/1.png']);
  t.deepEqual(data.imageFolder(vehicles, SIZE).classes, ['bus', 'test', 'train']);

  const fewer = tree('fewer', ['dog/1.png']);
  t.deepEqual(data.imageFolder(fewer, { ...SIZE, classes: ['cat', 'dog'] }).labels.toArray(), [1]);
  t.throws(() => data.imageFolder(root, { ...SIZE, split: 'test', classes: ['cat', 'yak'] }), {
    message: `Cannot read '${join(root, 'test')}': its folder 'dog' is none of the classes cat, yak`,
  });
});

test('links to folders lead in no circle', (t) => {
  const root = tree('links', ['a/1.png', 'a/deep/2.png', 'b/1.png']);
  symlinkSync(root, join(root, 'a', 'circle'));
  symlinkSync(join(root, 'a', '1.png'), join(root, 'b', '2.png'));
  symlinkSync(join(root, 'a'), join(root, 'c'));
  symlinkSync('self', join(root, 'b', 'self'));
  symlinkSync('other', join(root, 'other'));
  const folder = data.imageFolder(root, SIZE);
  t.deepEqual(folder.classes, ['a', 'b', 'c']);
  t.deepEqual(folder.labels.toArray(), [0, 0, 1, 1, 2, 2]);
  t.regex(folder.describe(), /; left out: 2 files that are no pictures, 2 links to folders$/);
});

test('what is no folder of classes is told in one sentence', (t) => {
  const refused: [string, string, string][] = [
    [place('nowhere'), `Cannot open the folder '${place('nowhere')}': there is none`, 'ENOENT'],
    [join(tree('file', ['x']), 'x'), `Cannot open the folder '${place('file/x')}': it is a file`, 'ENOTDIR'],
    [tree('flat', ['1.png', '2.png']), 'it is a folder without one for each class: it holds 2 pictures', 'ERR_FORMAT'],
    [tree('bare', ['x.txt']), 'it is a folder without one for each class: it holds no pictures', 'ERR_FORMAT'],
    [tree('one', ['cat/1.png']), "it holds one class, 'cat', and two are the least to tell apart", 'ERR_FORMAT'],
    [
      tree('empty', ['cat/1.png', 'dog/x.txt']),
      `Cannot read '${place('empty/dog')}': it holds no pictures`,
      'ERR_FORMAT',
    ],
  ];
  for (const [root, message, code] of refused) {
    const error = t.throws(() => data.imageFolder(root, SIZE), { code });
    t.true(error.message.endsWith(message), error.message);
  }
  const rare = tree('rare', ['cat/1.png', 'dog/1.png', 'dog/2.png']);
  t.throws(() => data.imageFolder(rare, { ...SIZE, split: { part: 'test' } }), {
    message: `Cannot read '${rare}': its class 'cat' has one picture, which cannot be in both parts`,
  });
  t.throws(() => data.imageFolder(rare, { ...SIZE, split: '..' }), {
    message: "Expected split to be the name of a folder in it, or { part: 'train' | 'test' }, got '..' (string)",
  });
  t.throws(() => data.imageFolder(rare, {} as never), {
    message: 'Expected size to be [height, width], got undefined',
  });
  t.throws(() => data.imageFolder(rare, { ...SIZE, randomState: 1 }), {
    message: 'Expected randomState to be undefined when shuffle is false, got 1 (number)',
  });
});

test('a damaged picture is named, or left out and named', async (t) => {
  const root = place('damaged');
  await drawShapes(root, 3, 2);
  const broken = join(root, 'red disc', '001.png');
  writeFileSync(broken, readFileSync(broken).subarray(0, 300));
  const error = await t.throwsAsync(all(data.imageFolder(root, SIZE)), { code: 'ERR_FORMAT' });
  t.true(error.message.startsWith(`Cannot read '${broken}': `), error.message);
  const folder = data.imageFolder(root, { ...SIZE, skipDamaged: true });
  t.deepEqual(folder.damaged, []);
  t.deepEqual(
    (await all(folder)).map(([, y]) => y),
    [0, 0, 0, 1, 1, 2, 2, 2],
  );
  t.deepEqual(folder.damaged, [broken]);
  writeFileSync(join(root, 'red disc', '002.bmp'), 'BM');
  await t.throwsAsync(all(data.imageFolder(root, SIZE)), { message: /001\.png': / });
  rmSync(join(root, 'blue disc', '000.png'));
  await t.throwsAsync(all(folder), { code: 'ENOENT' });
});

test('no more pictures are decoded ahead than it says, and none after a pass was left', async (t) => {
  const root = tree(
    'ahead',
    Array.from({ length: 100 }, (_, i) => `${i % 2}/${String(i).padStart(3, '0')}.png`),
  );
  const [picture] = data.imageFolder(shapes, SIZE).files;
  for (let i = 0; i < 10; i++) writeFileSync(join(root, '0', `00${2 * i}.png`.slice(-7)), readFileSync(picture));
  // the picture after these is damaged, and would be seen if it were read
  const folder = data.imageFolder(root, { ...SIZE, concurrency: 4, skipDamaged: true });
  let seen = 0;
  for await (const _ of folder) if (++seen === 6) break;
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.is(seen, 6);
  t.deepEqual(folder.damaged, []);
});

const network = () => {
  const model = sequential({
    layers: [
      layers.rescaling({ scale: 1 / 255, inputShape: [24, 24, 3] }),
      layers.conv2d({ filters: 8, kernelSize: 3, activation: 'relu' }),
      layers.globalMaxPooling2d(),
      layers.dense({ units: 3, activation: 'softmax' }),
    ],
    seed: 1,
  });
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return model;
};

test('a folder trains as its arrays do, to the last bit; class weights are those of its labels', async (t) => {
  const folder = data.imageFolder(shapes, SIZE);
  const [[x, y]] = await all(folder.batch(100));
  const balanced = { 0: 20 / (3 * 6), 1: 20 / (3 * 10), 2: 20 / (3 * 4) };
  for (const classWeight of [undefined, { 1: 3 }, 'balanced'] as const) {
    const [streamed, whole, weighted] = [network(), network(), network()];
    const given = classWeight && { classWeight };
    const { history } = await streamed.fit(folder.batch(8), { epochs: 3, ...given });
    const { history: own } = await whole.fit(x, y, { epochs: 3, batchSize: 8, shuffle: false, ...given });
    t.deepEqual(history, own);
    t.deepEqual(streamed.getWeights(), whole.getWeights());
    if (classWeight !== 'balanced') continue;
    await weighted.fit(x, y, { epochs: 3, batchSize: 8, shuffle: false, classWeight: balanced });
    t.deepEqual(weighted.getWeights(), whole.getWeights());
  }
  const shuffled = data.imageFolder(shapes, { ...SIZE, shuffle: true, randomState: 1 });
  await network().fit(shuffled.cache().shuffle(4, 1).batch(8).prefetch(1).repeat(2), { classWeight: 'balanced' });
  const mapped = folder.map(([a, b]) => [a, b] as const).batch(8);
  await t.throwsAsync(network().fit(mapped, { classWeight: 'balanced' }), {
    message:
      "Expected classWeight to be weights by class for a source whose labels are not known before they are read, as those of data.imageFolder are, got 'balanced' (string)",
  });
  await network().fit(mapped, { classWeight: { 0: 2 } });
});

test('what is learnt of one part holds for the other', async (t) => {
  const root = place('learnt');
  await drawShapes(root, 60, 3);
  const part = (which: 'train' | 'test') => ({ ...SIZE, split: { part: which, randomState: 1 } });
  const train = data.imageFolder(root, { ...part('train'), shuffle: true, randomState: 1 });
  const tested = data.imageFolder(root, part('test'));
  const model = network();
  await model.fit(train.batch(16), { epochs: 15, validationData: tested.batch(16) });
  const { data: p } = await model.predict(tested.batch(16));
  const isBlue = (i: number) => p[3 * i] > p[3 * i + 1] && p[3 * i] > p[3 * i + 2];
  const right = tested.files.filter((file, i) => file.includes('blue') === isBlue(i)).length;
  t.is(right, tested.length);
});
