import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { type Dataset, data, NDArray, RandomState } from 'fjordnet';
import { all } from './helpers/elements.js';

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const numbers = (n: number): Dataset<number> => data.fromArrays(range(n));
/** Any source of 0 .. n - 1: rows of an array, or what generators give. */
const kinds: Record<string, (n: number) => Dataset<number>> = {
  rows: numbers,
  items: (n) => data.generator(() => range(n)),
  promises: (n) =>
    data.generator(async function* () {
      for (const i of range(n)) yield i;
    }),
  later: (n) => numbers(n).map(async (i) => i),
};
const plain = (batches: unknown[]) => batches.map((batch) => (batch as NDArray).toArray()) as unknown as number[][];

/** An operation on datasets, and the same on arrays. */
type Operation = { name: string; of(d: Dataset<number>): Dataset<number>; on(list: number[]): number[] };
const count = fc.integer({ min: 0, max: 12 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  count.map((n) => ({
    name: `take ${n}`,
    of: (d: Dataset<number>) => d.take(n),
    on: (list: number[]) => list.slice(0, n),
  })),
  count.map((n) => ({
    name: `skip ${n}`,
    of: (d: Dataset<number>) => d.skip(n),
    on: (list: number[]) => list.slice(n),
  })),
  fc.integer({ min: 0, max: 3 }).map((n) => ({
    name: `repeat ${n}`,
    of: (d: Dataset<number>) => d.repeat(n),
    on: (list: number[]) => range(n).flatMap(() => list),
  })),
  fc.boolean().map((isAsync) => ({
    name: 'filter odd',
    of: (d: Dataset<number>) => d.filter((i) => (isAsync ? Promise.resolve(i % 2 === 1) : i % 2 === 1)),
    on: (list: number[]) => list.filter((i) => i % 2 === 1),
  })),
  fc.integer({ min: 1, max: 4 }).map((concurrency) => ({
    name: `map x ${concurrency}`,
    of: (d: Dataset<number>) => d.map((i) => (i % 3 === 0 ? Promise.resolve(2 * i + 1) : 2 * i + 1), { concurrency }),
    on: (list: number[]) => list.map((i) => 2 * i + 1),
  })),
  fc.integer({ min: 1, max: 5 }).map((n) => ({
    name: `prefetch ${n}`,
    of: (d: Dataset<number>) => d.prefetch(n),
    on: (list: number[]) => list,
  })),
  fc.constant({ name: 'cache', of: (d: Dataset<number>) => d.cache(), on: (list: number[]) => list }),
);

test('operations on datasets compose as those on arrays do, in every pass', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(kinds)),
      fc.integer({ min: 1, max: 20 }),
      fc.array(operation, { maxLength: 5 }),
      fc.integer({ min: 1, max: 7 }),
      fc.boolean(),
      async (kind, n, operations, size, dropRemainder) => {
        const dataset = operations.reduce((d, { of }) => of(d), kinds[kind](n));
        const expected = operations.reduce((list, { on }) => on(list), range(n));
        t.deepEqual(await all(dataset), expected);
        t.deepEqual(await all(dataset), expected);
        const batches = range(Math.ceil(expected.length / size))
          .map((k) => expected.slice(k * size, (k + 1) * size))
          .filter((batch) => !dropRemainder || batch.length === size);
        t.deepEqual(plain(await all(dataset.batch(size, { dropRemainder }))), batches);
      },
    ),
    { numRuns: 300 },
  );
});

test('shuffle gives each element once, draws from its buffer alone, and follows from its seed', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(kinds)),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 50 }),
      fc.nat(1000),
      async (kind, n, size, seed) => {
        const shuffled = () => kinds[kind](n).shuffle(size, seed);
        const one = shuffled();
        const first = await all(one);
        t.deepEqual(
          [...first].sort((a, b) => a - b),
          range(n),
        );
        for (const [at, element] of first.entries()) t.true(element < at + size);
        const again = shuffled();
        t.deepEqual(await all(again), first);
        t.deepEqual(await all(again), await all(one));
      },
    ),
  );
  const dataset = numbers(100).shuffle(100, 1);
  t.notDeepEqual(await all(dataset), await all(dataset));
  const repeated = await all(numbers(50).shuffle(50, 2).repeat(2));
  t.notDeepEqual(repeated.slice(0, 50), repeated.slice(50));
  t.deepEqual(
    await all(numbers(20).shuffle(8, new RandomState(3))),
    await all(numbers(20).shuffle(8, new RandomState(3))),
  );
});

test('shuffle with a buffer of all gives each order as often', async (t) => {
  const counts = new Map<string, number>();
  const dataset = numbers(3).shuffle(3, 0);
  for (let i = 0; i < 1200; i++) {
    const order = (await all(dataset)).join();
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  t.is(counts.size, 6);
  for (const n of counts.values()) t.true(Math.abs(n - 200) < 70, String([...counts]));
});

test('fromArrays gives samples, batch puts them together again', async (t) => {
  const x = new RandomState(1).randn(7, 2, 3);
  const y = NDArray.from([0, 1, 2, 3, 4, 5, 6], { dtype: 'int32' });
  const dataset = data.fromArrays([x, y]);
  const samples = await all(dataset);
  t.is(samples.length, 7);
  t.deepEqual(samples[3][0].toArray(), x.take([3]).reshape(2, 3).toArray());
  t.is(samples[3][1], 3);
  const batches = await all(dataset.batch(3));
  t.deepEqual(
    batches.map(([x]) => x.shape),
    [
      [3, 2, 3],
      [3, 2, 3],
      [1, 2, 3],
    ],
  );
  t.deepEqual(batches[1][0].toArray(), x.take([3, 4, 5]).toArray());
  t.deepEqual([batches[1][1].toArray(), batches[1][1].dtype], [[3, 4, 5], 'int32']);
  // the same of samples that were made one by one
  const remade = await all(dataset.map(([x, y]) => [x, y] as const).batch(3));
  t.deepEqual(remade[1][0].toArray(), x.take([3, 4, 5]).toArray());
  // what is done to an element is not done to the arrays
  for await (const [own] of dataset) own.data.fill(0);
  for await (const [own] of dataset.batch(7)) own.data.fill(0);
  t.not(x.data[0], 0);
});

test('elements may be records and lists of several inputs', async (t) => {
  const [a, b] = [
    NDArray.from([[1], [2], [3]]),
    NDArray.from([
      [4, 4],
      [5, 5],
      [6, 6],
    ]),
  ];
  const [record] = await all(
    data
      .fromArrays([{ a, b }, [0, 1, 2]])
      .skip(1)
      .batch(2),
  );
  t.deepEqual(
    [record[0].a.toArray(), record[0].b.toArray(), record[1].toArray()],
    [
      [[2], [3]],
      [
        [5, 5],
        [6, 6],
      ],
      [1, 2],
    ],
  );
  const [list] = await all(
    data
      .fromArrays([
        [a, b],
        [0, 1, 2],
      ])
      .map((element) => element)
      .batch(3),
  );
  t.deepEqual([(list as any)[0][0].shape, (list as any)[0][1].shape, list[1].shape], [[3, 1], [3, 2], [3]]);
  // a class and a vector, as samples of two outputs are
  for (const both of [
    [[0, 1, 2], b],
    [NDArray.from([0, 1, 2]), b],
    [b, NDArray.from([0, 1, 2])],
  ]) {
    const samples = data.fromArrays([a, both]);
    for (const dataset of [samples, samples.map((element) => element), samples.cache(), samples.map((e) => e).cache()])
      for (let pass = 0; pass < 2; pass++) {
        const [, y] = (await all(dataset.batch(3)))[0] as unknown as [NDArray, NDArray[]];
        t.deepEqual(
          y.map((part) => part.toArray()),
          both.map((part) => NDArray.from(part as never).toArray()),
        );
      }
  }
  const [alone] = await all(data.fromArrays(b).batch(2));
  t.deepEqual((alone as NDArray).toArray(), [
    [4, 4],
    [5, 5],
  ]);
});

test('numbers of several dtypes are float64 together', async (t) => {
  const ints = NDArray.from([1, 2], { dtype: 'int32' });
  const [batch] = await all(
    data
      .generator(
        () =>
          [
            [ints, 1],
            [NDArray.from([0.5, 1]), 2],
          ] as [NDArray, number][],
      )
      .batch(2),
  );
  t.is(batch[0].dtype, 'float64');
  t.deepEqual(batch[0].toArray(), [
    [1, 2],
    [0.5, 1],
  ]);
});

test('nothing is made that nobody asks for', async (t) => {
  let made = 0;
  const counting = (n: number) =>
    numbers(n).map((i) => {
      made++;
      return i;
    });
  await all(counting(100).take(2));
  t.is(made, 2);
  made = 0;
  for await (const _ of counting(100).batch(5)) break;
  t.is(made, 5);
  made = 0;
  await all(counting(10).cache().repeat(3));
  t.is(made, 10);
});

test('prefetch and map read ahead so far and no further, and errors come in their order', async (t) => {
  let read = 0;
  const source = data.generator(function* () {
    for (;;) yield read++;
  });
  const iterator = source.prefetch(3)[Symbol.asyncIterator]();
  for (let i = 0; i < 10; i++) {
    t.is((await iterator.next()).value, i);
    await sleep(1);
    t.is(read, i + 1 + 3);
  }
  await iterator.return(undefined);

  let [running, most] = [0, 0];
  const slow = numbers(20).map(
    async (i) => {
      most = Math.max(most, ++running);
      await sleep((i * 7) % 5);
      running--;
      return i;
    },
    { concurrency: 4 },
  );
  t.deepEqual(await all(slow), range(20));
  t.is(most, 4);

  const failing = numbers(10).map(
    async (i) => {
      await sleep(10 - i);
      if (i === 4 || i === 5) throw new Error(`at ${i}`);
      return i;
    },
    { concurrency: 8 },
  );
  for (const dataset of [failing, failing.prefetch(8)]) {
    const seen: number[] = [];
    const error = await t.throwsAsync(async () => {
      for await (const i of dataset) seen.push(i);
    });
    t.is(error?.message, 'at 4');
    t.deepEqual(seen, range(4));
  }
});

test('what is kept in memory stays as it was, whatever is done to the elements', async (t) => {
  const sources: Record<string, () => Dataset<any>> = {
    batches: () =>
      data
        .fromArrays([
          [
            [255, 2],
            [255, 4],
          ],
          [0, 1],
        ])
        .batch(2),
    rows: () =>
      data.fromArrays([
        [
          [255, 2],
          [255, 4],
        ],
        [0, 1],
      ]),
    records: () => data.generator(() => [[{ a: NDArray.from([255, 1]), b: new Float32Array([255]) }, 1]]),
  };
  const halved = (value: any): any => {
    if (value instanceof NDArray) for (let i = 0; i < value.data.length; i++) value.data[i] /= 2;
    else if (value instanceof Float32Array) value[0] /= 2;
    else if (typeof value === 'object') for (const part of Object.values(value)) halved(part);
    return value;
  };
  for (const [name, make] of Object.entries(sources)) {
    const dataset = make().cache().map(halved);
    const first = await all(dataset);
    for (let pass = 0; pass < 2; pass++) t.deepEqual(await all(dataset), first, name);
    t.deepEqual(await all(dataset.shard(1, 0)), first, name);
  }
});

test('a generator is left when reading ends before it does', async (t) => {
  for (const shape of [
    (d: Dataset<number>) => d.take(3),
    (d: Dataset<number>) => d.map((i) => i, { concurrency: 3 }).take(3),
    (d: Dataset<number>) => d.shuffle(4, 1).take(2),
    (d: Dataset<number>) => d.batch(2).take(1) as Dataset<any>,
    (d: Dataset<number>) =>
      d
        .filter((i) => i % 2 === 0)
        .prefetch(2)
        .take(1),
  ]) {
    let [begun, left] = [0, 0];
    const source = data.generator(function* () {
      begun++;
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        left++;
      }
    });
    t.is(begun, 0);
    await all(shape(source));
    for await (const _ of shape(source)) break;
    t.deepEqual([begun, left], [2, 2]);
  }
});

test('arguments, and elements that cannot be put together, are refused in a sentence', async (t) => {
  const dataset = numbers(3);
  const message = (call: () => unknown) => t.throws(call)?.message;
  t.is(
    message(() => dataset.batch(0)),
    'Expected n to be a positive integer, got 0 (number)',
  );
  t.is(
    message(() => dataset.take(-1)),
    'Expected n to be a non-negative integer, got -1 (number)',
  );
  t.is(
    message(() => dataset.map(3 as never)),
    'Expected fn to be a function, got 3 (number)',
  );
  t.is(
    message(() => data.generator(range(3) as never)),
    'Expected fn to be a function that returns an iterable, got Array(3)',
  );
  t.is(
    message(() => data.fromArrays([[[1], [2]], [1]])),
    'Expected array 1 of arrays to be of 2 rows, as the first, got 1 (number)',
  );
  t.is(
    message(() =>
      data.fromArrays([
        [[1], [Number.NaN]],
        [1, 2],
      ]),
    ),
    'Expected array 0 of arrays to hold finite numbers, got NaN at row 1, column 0',
  );
  const reading = async (elements: unknown[]) =>
    (await t.throwsAsync(all(data.generator(() => elements).batch(elements.length))))?.message;
  t.is(
    await reading([
      [[1, 2], 0],
      [[1], 0],
    ]),
    'Expected sample 1 of the batch to be of shape [2], as its first sample, got shape [1]',
  );
  t.is(
    await reading([[[1, 2], 0], [[1, 2]]]),
    'Expected sample 1 of the batch to be made of the same parts as its first sample, got Array(1)',
  );
  t.is(await reading([['cat', 1]]), "Expected sample 0 of the batch to be an array of numbers, got 'cat' (string)");
  t.is(
    (await t.throwsAsync(all(data.generator(() => 3 as never))))?.message,
    'Expected what the function returns to be an iterable, as a generator gives it, got 3 (number)',
  );
});

test('what is left in the middle of a batch calls no function any more', async (t) => {
  let calls = 0;
  const slow = async (i: number) => {
    calls++;
    await sleep(5);
    return i;
  };
  const ways: Record<string, Dataset<number>> = {
    map: numbers(100).map(slow),
    'map of several at a time': numbers(100).map(slow, { concurrency: 2 }),
    'map of what is late': kinds.later(100).map(slow),
    filter: numbers(100).filter(async (i) => (await slow(i)) >= 0),
    'filter of what is late': kinds.later(100).filter(async (i) => (await slow(i)) < 0),
    'map, shuffled': numbers(100).map(slow).shuffle(50, 1),
    'map, read ahead': numbers(100).map(slow).prefetch(4),
    generator: data.generator(async function* () {
      for (const i of range(100)) yield slow(i);
    }),
  };
  for (const [name, way] of Object.entries(ways)) {
    calls = 0;
    const batches = way.batch(100)[Symbol.asyncIterator]();
    const batch = batches.next();
    await sleep(20);
    t.true(calls > 0, name);
    t.deepEqual(await batches.return(), { done: true, value: undefined }, name);
    const before = calls;
    t.deepEqual(await batch, { done: true, value: undefined }, name);
    await sleep(20);
    t.is(calls, before, name);
  }
});

test.serial(
  'whatever else the process serves has its turn while a buffer is filled, elements are passed over, or a batch is made',
  async (t) => {
    const slow = () =>
      numbers(5000).map((i) => {
        const end = performance.now() + 0.02;
        while (performance.now() < end);
        return i;
      });
    const cases: Record<string, Dataset> = {
      shuffle: slow().shuffle(5000, 1),
      filter: slow().filter((i) => i === 4999),
      skip: slow().skip(4999),
      batch: slow().batch(5000),
      'map with promises': slow()
        .map(async (i) => i)
        .shuffle(5000, 1),
    };
    for (const [name, dataset] of Object.entries(cases)) {
      let [turns, isOver] = [0, false];
      const count = () => {
        turns++;
        if (!isOver) setImmediate(count);
      };
      setImmediate(count);
      const iterator = dataset[Symbol.asyncIterator]();
      t.false((await iterator.next()).done);
      t.true(turns >= 3, `${name}: ${turns} turns in 100 ms`);
      isOver = true;
      await iterator.return(undefined);
    }
  },
);

test.serial('prefetch moves no elements that wait when it gives one', async (t) => {
  const { shift } = Array.prototype;
  let moved = 0;
  Array.prototype.shift = function (this: unknown[]) {
    moved += this.length;
    return shift.call(this);
  };
  try {
    t.is((await all(numbers(1000).prefetch(500))).length, 1000);
  } finally {
    Array.prototype.shift = shift;
  }
  t.true(moved < 10_000, `${moved} moved`);
});
