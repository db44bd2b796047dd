import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import {
  type ColumnTransformer,
  type Dataset,
  data,
  layers,
  NDArray,
  RandomState,
  readTable,
  sequential,
} from 'fjordnet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import sharp from 'sharp';
import { writeSafetensors } from '../dist/io/safetensors.js';
import { writeNpy } from '../dist/io/write-npy.js';
import { drive } from '../dist/train.js';
import type { Ranks } from '../dist/training/ranks.js';
import type { Source } from '../dist/training/source.js';
import { SourceFeed } from '../dist/training/source-feed.js';
import { Pace } from '../dist/training/sweep.js';
import { all } from './helpers/elements.js';

const home = mkdtempSync(join(tmpdir(), 'fjordnet-shards-'));
test.after.always(() => rmSync(home, { recursive: true }));

let files = 0;
function file(content: string | Uint8Array, ending = 'csv'): string {
  const path = join(home, `file${files++}.${ending}`);
  writeFileSync(path, content);
  return path;
}
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const plain = (elements: unknown[]) => JSON.parse(JSON.stringify(elements)) as number[];
const sharesOf = async (dataset: Dataset, n: number) =>
  Promise.all(range(n).map(async (i) => plain(await all(dataset.shard(n, i)))));
const sorted = (list: readonly unknown[]) => list.map((one) => JSON.stringify(one)).sort();

test('a share is every n-th element, of batches every n-th batch, as in tf.data', async (t) => {
  const ten = data.fromArrays(range(10));
  t.deepEqual(await sharesOf(ten, 3), [
    [0, 3, 6, 9],
    [1, 4, 7],
    [2, 5, 8],
  ]);
  t.deepEqual(plain(await all(ten.shard(3, 0).batch(2))), [
    [0, 3],
    [6, 9],
  ] as never);
  t.deepEqual(plain(await all(ten.batch(2).shard(2, 1))), [
    [2, 3],
    [6, 7],
  ] as never);
  t.deepEqual(plain(await all(ten.shard(2, 1).shard(3, 1))), [3, 9]);
  t.deepEqual(plain(await all(ten.take(5).shard(2, 1))), [1, 3]);
  t.deepEqual(plain(await all(ten.shard(2, 1).take(2))), [1, 3]);
  t.deepEqual(plain(await all(ten.skip(5).shard(2, 1))), [6, 8]);
  t.deepEqual(plain(await all(ten.shard(2, 1).skip(2))), [5, 7, 9]);
  t.deepEqual(plain(await all(ten.shard(12, 11))), []);
  let made = 0;
  const mapped = ten.map((i) => {
    made++;
    return i;
  });
  t.is((await all(mapped.shard(5, 2))).length, 2);
  t.is(made, 2);
  for (const [n, i] of [[0, 0], [2, 2], [2, -1], [1.5, 0], ['2', 0], [2]] as never[][])
    t.throws(() => ten.shard(n as never, i as never), { message: /^Expected (numShards|index) to be / });
});

const operation: fc.Arbitrary<[string, (d: Dataset<number>) => Dataset<number>]> = fc.oneof(
  fc
    .integer({ min: 1, max: 3 })
    .map((concurrency): [string, (d: Dataset<number>) => Dataset<number>] => [
      `map ${concurrency}`,
      (d) => d.map((i) => (i % 3 === 0 ? Promise.resolve(i + 1) : i + 1), { concurrency }),
    ]),
  fc.constant<[string, (d: Dataset<number>) => Dataset<number>]>(['filter', (d) => d.filter((i) => i % 5 !== 0)]),
  fc
    .tuple(fc.integer({ min: 1, max: 9 }), fc.option(fc.nat(9), { nil: undefined }))
    .map(([size, seed]): [string, (d: Dataset<number>) => Dataset<number>] => [
      `shuffle ${size} ${seed}`,
      (d) => d.shuffle(size, seed),
    ]),
  fc
    .integer({ min: 0, max: 2 })
    .map((n): [string, (d: Dataset<number>) => Dataset<number>] => [`repeat ${n}`, (d) => d.repeat(n)]),
  fc.constant<[string, (d: Dataset<number>) => Dataset<number>]>(['prefetch', (d) => d.prefetch(3)]),
  fc.constant<[string, (d: Dataset<number>) => Dataset<number>]>(['cache', (d) => d.cache()]),
);
const kinds: Record<string, (n: number) => Dataset<number>> = {
  rows: (n) => data.fromArrays(range(n)),
  items: (n) => data.generator(() => range(n)),
  promises: (n) =>
    data.generator(async function* () {
      for (const i of range(n)) yield i;
    }),
  series: (n) => data.timeSeries(range(n + 2), { window: 2 }).map(([, y]) => (y as NDArray).data[0]),
};

test('each element is in one share, whatever is done before and after, in each pass', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(kinds)),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 7 }),
      fc.array(operation, { maxLength: 3 }),
      fc.array(operation, { maxLength: 2 }),
      async (kind, n, numShards, before, after) => {
        const make = (d: Dataset<number>, operations: typeof before) => operations.reduce((own, [, of]) => of(own), d);
        const whole = make(kinds[kind](n), before);
        const expected = sorted(await all(make(whole, after)));
        const shares = range(numShards).map((i) => make(whole.shard(numShards, i), after));
        for (let pass = 0; pass < 2; pass++) {
          const elements = await Promise.all(shares.map((share) => all(share)));
          t.deepEqual(sorted(elements.flat()), expected);
        }
        const batches = whole.batch(3);
        const inBatches = await Promise.all(range(numShards).map((i) => all(batches.shard(numShards, i))));
        t.is(inBatches.flat().length, Math.ceil((await all(whole)).length / 3));
      },
    ),
    { seed: 17, numRuns: 150 },
  );
});

/** Takes a table's texts for numbers, each for one of its own. */
const reading = (names: readonly string[]) =>
  ({
    featureNamesIn: names,
    columnKinds: names.map(() => 'text'),
    getFeatureNamesOut: () => names,
    transform: (table: Record<string, ArrayLike<unknown>>) => {
      const rows = Array.from(table[names[0]], (_, row) => names.map((name) => codeOf(String(table[name][row]))));
      return NDArray.from(rows);
    },
  }) as unknown as ColumnTransformer;
const codes = new Map<string, number>();
const codeOf = (text: string) => codes.get(text) ?? codes.set(text, codes.size).size - 1;

const written = (cell: string, isQuoted: boolean) =>
  isQuoted || /[,"\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
const cell = fc
  .oneof(
    fc.array(fc.constantFrom('a', '1', ',', '"', '\n', '\r\n', '\r', ' ', 'é', '1,2\n', '","', ',"', '",'), {
      maxLength: 7,
    }),
    fc.constantFrom(
      ['1,2\n3,4\n5,6\n'],
      ['a\n"1","2"\n"3","4"\n'],
      ['","\n","\n'],
      ['"\n"'],
      ['x'.repeat(5000), '\n1,2\n'],
    ),
  )
  .map((parts) => parts.join(''));

test('rows of a CSV file of any texts are each in one share, in their order', async (t) => {
  let texts = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        width: fc.integer({ min: 1, max: 3 }),
        cells: fc.array(fc.tuple(cell, fc.boolean()), { minLength: 1, maxLength: 12 }),
        rows: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 100, max: 600 })),
        ends: fc.constantFrom(['\n'], ['\r\n'], ['\r'], ['\r\n', '\n'], ['\n', '\r', '\r\n']),
        blank: fc.constantFrom(0, 0, 0.2),
        header: fc.boolean(),
        mark: fc.boolean(),
        last: fc.boolean(),
        numShards: fc.integer({ min: 1, max: 9 }),
      }),
      async ({ width, cells, rows, ends, blank, header, mark, last, numShards }) => {
        const random = new RandomState(rows);
        const names = range(width).map((k) => `column ${k}`);
        const heads = range(width).map((k) => written(`column ${k}`, k % 2 === 1));
        const end = () => ends[random.randint(0, ends.length) as number];
        const lines = range(rows).map(() => {
          const own = range(width).map(() => written(...cells[random.randint(0, cells.length) as number]));
          // a line of empty cells is blank where there is one column
          return (
            (own.join('').trim() === '' ? own.map(() => '""') : own).join(',') +
            (random.randomSample() < blank ? end() : '')
          );
        });
        const every = header ? [heads.join(','), ...lines] : lines;
        const text = every.map((line, i) => line + (i < every.length - 1 || last ? end() : '')).join('');
        const path = file(`${mark ? '\ufeff' : ''}${text}`);
        const csv = data.csv(path, { transformer: reading(names), header });
        const whole = plain(await all(csv));
        t.is(whole.length, rows);
        t.deepEqual((await sharesOf(csv, numShards)).flat(), whole);
        rmSync(path);
        texts++;
      },
    ),
    { seed: 17, numRuns: 100 },
  );
  t.is(texts, 100);
});

test('so are rows of numbers, with and without names, as short as the file may be', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom('\n', '\r\n', '\r'),
      fc.constantFrom('a,b\n', '"a\n1,2\n3",b\n', ''),
      fc.boolean(),
      fc.integer({ min: 1, max: 90 }),
      async (rows, end, head, last, numShards) => {
        const lines = range(rows).map((i) => `${i},"${2 * i}"${i % 3 === 0 ? end : ''}`);
        const path = file(head.replaceAll('\n', end) + lines.join(end) + (last ? end : ''));
        const csv = data.csv(path, { header: head !== '' });
        const shares = await sharesOf(csv, numShards);
        t.deepEqual(
          shares.flat(),
          range(rows).map((i) => [i, 2 * i]),
        );
        rmSync(path);
      },
    ),
    { seed: 17, numRuns: 60 },
  );
});

test('what cannot be cut is read as a whole, and every n-th row taken; so tests of it as well', async (t) => {
  const text = `a,y\n${range(30)
    .map((i) => `${i},${i % 2}\n`)
    .join('')}`;
  for (const content of [gzipSync(text), Buffer.from(`\ufeff${text}`, 'utf16le')]) {
    const shares = await sharesOf(data.csv(file(content), { label: 'y' }), 4);
    t.deepEqual(
      (shares[1] as unknown as [number[], number][]).map(([[x]]) => x),
      [1, 5, 9, 13, 17, 21, 25, 29],
    );
    t.is(shares.flat().length, 30);
  }
});

test('errors of a row come with its share, which says from where it counts lines', async (t) => {
  const line = `${'1'.repeat(9)},2\n`;
  const path = file(`a,b\n${line.repeat(60)}3,x\n${line.repeat(39)}`);
  const csv = data.csv(path);
  for (const i of [0, 1, 3]) t.true((await all(csv.shard(4, i))).length > 20);
  await t.throwsAsync(all(csv.shard(4, 2)), {
    code: 'ERR_FORMAT',
    message:
      /expected a finite number in line 12, 'b', got "x" \(of a share: lines behind the first row's are counted from byte 604 on\)$/,
  });
  t.is(readFileSync(path).subarray(604).toString().split('\n').indexOf('3,x'), 12 - 2);
  for (const empty of ['', 'a,b\n'])
    for (const i of [0, 1])
      await t.throwsAsync(all(data.csv(file(empty)).shard(2, i)), {
        code: 'ERR_FORMAT',
        message: /it (is empty|has names)/,
      });
  await t.throwsAsync(all(data.csv('none.csv').shard(2, 0)), { code: 'ENOENT' });
});

test('of Parquet files, NPY and safetensors rows that follow each other, whatever their groups and pages', async (t) => {
  const folder = new URL('../test/fixtures/parquet/', import.meta.url);
  let read = 0;
  for (const name of readdirSync(folder).filter((own) => own.endsWith('.parquet'))) {
    const path = fileURLToPath(new URL(name, folder));
    const columns = await readTable(path).catch(() => ({}));
    const numbers = Object.entries(columns).flatMap(([column, values]) =>
      Array.from(values as ArrayLike<unknown>).every((value) => typeof value === 'number') ? [column] : [],
    );
    if (numbers.length === 0) continue;
    const parquet = data.parquet(path, { columns: numbers });
    const whole = plain(await all(parquet));
    for (const numShards of [1, 3, Math.min(whole.length + 1, 30)])
      t.deepEqual((await sharesOf(parquet, numShards)).flat(), whole, name);
    read++;
  }
  t.true(read > 4);
  for (const [rowGroupSize, pageSize] of [
    [1000, 64],
    [1000, 1000],
    [90, 1000],
    [7, 64],
  ]) {
    const columnData = [
      { name: 'a', data: range(500), type: 'DOUBLE' },
      { name: 'b', data: range(500).map((i) => (i * i) % 5), type: 'INT32' },
      { name: 'c', data: range(500).map((i) => i % 7 === 0), type: 'BOOLEAN' },
    ];
    const bytes = parquetWriteBuffer({ columnData: columnData as never, rowGroupSize, pageSize });
    const parquet = data.parquet(file(new Uint8Array(bytes), 'parquet'), { label: 'b' });
    const whole = plain(await all(parquet));
    for (const numShards of [2, 3, 40]) {
      const shares = await sharesOf(parquet, numShards);
      t.deepEqual(shares.flat(), whole);
      for (const { length } of shares) t.true(Math.abs(length - 500 / numShards) <= 1 + 50 / numShards);
    }
  }
  const x = NDArray.from(range(60)).reshape(20, 3);
  const [npy, safetensors] = [join(home, 'x.npy'), join(home, 'x.safetensors')];
  await writeNpy(npy, x);
  await writeSafetensors(safetensors, Object.entries({ x, y: NDArray.from(range(20)) }));
  for (const dataset of [data.npy(npy), data.safetensors(safetensors, ['x', 'y'])]) {
    const whole = plain(await all(dataset));
    for (const numShards of [1, 3, 20, 23]) t.deepEqual((await sharesOf(dataset, numShards)).flat(), whole);
  }
});

test('of a folder every n-th picture, of the classes of all', async (t) => {
  for (const [k, name] of ['one', 'two'].entries())
    for (const i of range(5 - k)) {
      mkdirSync(join(home, 'pictures', name), { recursive: true });
      const picture = sharp({ create: { width: 2, height: 2, channels: 3, background: { r: 10 * i, g: k, b: 0 } } });
      await picture.png().toFile(join(home, 'pictures', name, `${i}.png`));
    }
  for (const shuffle of [false, true]) {
    const folder = data.imageFolder(join(home, 'pictures'), { size: [2, 2], shuffle });
    const of = ([x, y]: [NDArray, number]) => [y, x.data[0] / 10];
    const shares = await Promise.all([0, 1, 2].map(async (i) => (await all(folder.shard(3, i))).map(of)));
    t.deepEqual(
      shares.map((share) => sorted(share)),
      [
        ['[0,0]', '[0,3]', '[1,1]'],
        ['[0,1]', '[0,4]', '[1,2]'],
        ['[0,2]', '[1,0]', '[1,3]'],
      ],
    );
  }
  // 'balanced' goes by the classes of the whole: of this share alone, which has none of the second, it would be refused
  const net = sequential({
    layers: [layers.flatten({ inputShape: [2, 2, 3] }), layers.dense({ units: 2, activation: 'softmax' })],
    seed: 1,
  });
  net.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
  const folder = data.imageFolder(join(home, 'pictures'), { size: [2, 2] });
  const { history } = await net.fit(folder.shard(9, 0).batch(1), { classWeight: 'balanced' });
  t.true(Number.isFinite(history.loss[0]));
});

/** Ranks as far as feeds need them, which meet in this process. */
function ranksOf(size: number, isShard = false): Ranks[] {
  const rounds: { all: unknown[]; come: number; meet: () => void; met: Promise<void> }[] = [];
  return range(size).map((rank) => {
    let round = 0;
    const meeting = async (own: unknown) => {
      rounds[round] ??= { all: [], come: 0, ...deferred() };
      const at = rounds[round++];
      at.all[rank] = own;
      if (++at.come === size) at.meet();
      await at.met;
      return at.all;
    };
    return {
      ...{ rank, size, isShard },
      *agree(own: unknown): Generator<unknown, unknown> {
        return { all: yield meeting(own), stop: false };
      },
    } as unknown as Ranks;
  });
}
function deferred() {
  let meet = () => {};
  const met = new Promise<void>((resolve) => {
    meet = resolve;
  });
  return { meet, met };
}

/** What each rank gets of a source in two epochs: its batches, and its shares of the steps. */
const fed = (source: () => Source<unknown>, ranks: Ranks[], batchesPerEpoch?: number) =>
  Promise.all(
    ranks.map(async (own) => {
      const seen: number[][] = [];
      const shares: number[][] = [];
      const feed = new SourceFeed(source(), {
        ...{ isSync: false, mayEnd: true, ranks: own, ...(batchesPerEpoch && { batchesPerEpoch }) },
        read: (batch) => {
          seen.push(plain(batch as unknown[]));
          return { n: (batch as NDArray).length, shapes: [[7]], values: [], weighted: false, bytes: 0 };
        },
      });
      feed.readyFor({ dtype: 'float64', ports: { inputs: [], outputs: [], isStateful: false } as never, enter() {} });
      await drive(
        (function* () {
          for (const epoch of [0, 1]) {
            if (!(yield* feed.begin(epoch))) return;
            yield* feed.each({
              pace: new Pace(),
              run: (chunk) => {
                shares.push(Array.from(chunk.shares as Int32Array));
                return [][Symbol.iterator]() as never; // nothing is trained
              },
            });
          }
        })(),
      );
      await feed.end();
      return { seen, shares, shapes: feed.shapes };
    }),
  );

const numbers = data.fromArrays(range(10));

test('files are closed, wherever reading ends', async (t) => {
  const path = join(home, 'many.npy');
  await writeNpy(path, new RandomState(1).randn(10, 2));
  const table = join(home, 'many.csv');
  writeFileSync(table, `a,b\n${Array.from({ length: 10 }, (_, i) => `${i},${i}`).join('\n')}\n`);
  const open = () => readdirSync('/proc/self/fd').filter((fd) => isOpen(fd, home)).length;
  const isOpen = (fd: string, folder: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      return false;
    }
  };
  if (process.platform !== 'linux') return t.pass();
  for (const source of [() => data.npy(path), () => data.csv(table)] as (() => Dataset<any>)[])
    for (const make of [
      () => source().repeat().prefetch(3),
      () => source().repeat().shuffle(15, 1).batch(4).prefetch(2),
      () => source().prefetch(3),
      () => source().map(async (element: unknown) => element, { concurrency: 2 }),
    ])
      for (let k = 1; k <= 25; k++) {
        let i = 0;
        for await (const _ of make()) if (++i === k) break;
      }
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.is(open(), 0);
});

test('a share of a folder may hold no picture', async (t) => {
  const folder = join(home, 'few');
  for (const name of ['a', 'b']) {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, '1.svg'), '<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"/>');
  }
  const counts: number[] = [];
  for (let index = 0; index < 3; index++)
    counts.push((await all(data.imageFolder(folder, { size: [2, 2] }).shard(3, index))).length);
  t.deepEqual(counts, [1, 1, 0]);
});

test('a rank reads its share of a dataset, and takes every size-th batch of other sources, or all', async (t) => {
  const seen = async (...given: Parameters<typeof fed>) => (await fed(...given)).map((rank) => rank.seen);
  t.deepEqual(await seen(() => numbers.batch(2), ranksOf(2)), [
    [[0, 2], [4, 6], [8], [0, 2], [4, 6], [8]],
    [[1, 3], [5, 7], [9], [1, 3], [5, 7], [9]],
  ]);
  const dealt = [
    [
      [0, 1],
      [4, 5],
      [8, 9],
    ],
    [
      [2, 3],
      [6, 7],
    ],
  ];
  const twice = dealt.map((batches) => [...batches, ...batches]);
  t.deepEqual(await seen(() => () => numbers.batch(2), ranksOf(2)), twice);
  const list = await all(numbers.batch(2));
  t.deepEqual(await seen(() => list as Iterable<unknown>, ranksOf(2)), twice);
  t.deepEqual(await seen(() => numbers.batch(4).take(1), ranksOf(2, true)), [
    [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ],
    [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ],
  ]);
});

test('a rank may have fewer batches than others, or none, and knows of what shapes they are', async (t) => {
  const short = data.csv(file('1\n2\n'), { header: false });
  const [first, second, third] = await fed(() => short.batch(8), ranksOf(3));
  t.deepEqual([first.seen, second.seen, third.seen], [[[[1]], [[1]]], [], [[[2]], [[2]]]] as never);
  const step = (count: number, before: number) => [
    [count, before, 2],
    [count, before, 2],
  ];
  t.deepEqual([first.shares, second.shares, third.shares], [step(1, 0), step(0, 1), step(1, 1)]);
  for (const { shapes } of [first, second, third]) t.deepEqual(shapes, [[7]]);
  const three = await fed(() => short.batch(8), ranksOf(3), 3);
  t.deepEqual(
    three.map(({ seen, shares }) => [seen.length, shares.length]),
    [
      [6, 6],
      [0, 6],
      [6, 6],
    ],
  );
  await t.throwsAsync(
    fed(() => numbers.skip(10).batch(8), ranksOf(3)),
    { message: /Expected the source to give a batch/ },
  );
});

/** Bytes that this process has read; what is read for other tests meanwhile is none of it, as tests of a file go in turn. */
const bytesRead = () => Number(/^rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip;

onLinux('a share reads its bytes, and few others', async (t) => {
  const random = new RandomState(5);
  const values = Array.from(random.randn(120_000).data);
  const numbers = file(
    `a,b,y\n${range(40_000)
      .map((i) => `${values[3 * i]},${values[3 * i + 1]},${i % 2}\n`)
      .join('')}`,
  );
  const texts = file(
    `a,b\n${range(60_000)
      .map((i) => `word${i % 9},"${i}, ""or\nso"" "\n`)
      .join('')}`,
  );
  const columnData = ['a', 'b', 'c'].map((name, k) => ({
    ...{
      name,
      type: 'DOUBLE',
      data: Float64Array.from({ length: 150_000 }, (_, i) => values[(3 * i + k) % values.length]),
    },
  }));
  const parquet = (options: object) =>
    file(new Uint8Array(parquetWriteBuffer({ columnData: columnData as never, ...options })), 'parquet');
  const npy = join(home, 'large.npy');
  await writeNpy(npy, NDArray.from(values).reshape(40_000, 3));
  const sources: [path: string, dataset: Dataset][] = [
    [numbers, data.csv(numbers, { label: 'y' })],
    [texts, data.csv(texts, { transformer: reading(['a', 'b']) })],
    ...[{ rowGroupSize: 7500 }, { rowGroupSize: 150_000, pageSize: 16_000 }].map((options): [string, Dataset] => {
      const path = parquet(options);
      return [path, data.parquet(path)];
    }),
    [npy, data.npy(npy)],
  ];
  for (const [path, dataset] of sources) {
    await all(dataset.take(1)); // what reads it is loaded
    const size = readFileSync(path).length;
    for (const numShards of [2, 4])
      for (const i of range(numShards)) {
        // the least of some times: what the test runner sends to this process is read, too
        let share = Number.POSITIVE_INFINITY;
        for (let time = 0; time < 3 && share >= 1.1; time++) {
          const before = bytesRead();
          const rows = await all(dataset.shard(numShards, i));
          share = Math.min(share, (bytesRead() - before) / (size / numShards));
          t.true(rows.length > 0);
        }
        t.true(share > 0.9 && share < 1.1, `${path}: share ${i} of ${numShards} read ${share}`);
      }
  }
});
