import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { getThreads, NDArray, RandomState, setThreads } from 'fjordnet';

interface State {
  key: string;
  pos: number;
  hasGauss: number;
  gauss: number;
}
interface Call {
  call: 'randomSample' | 'randn' | 'uniform' | 'normal' | 'randint' | 'choice' | 'permutation' | 'shuffle';
  args: any[];
  value: { shape: number[]; data: number[] };
}
interface Golden {
  streams: { seed: number; calls: Call[]; state: State }[];
  permutations: { n: number; repeats: number; sha256: string; state: State }[];
}
const golden: Golden = JSON.parse(readFileSync(new URL('../test/fixtures/random-state.json', import.meta.url), 'utf8'));

const sha256 = (bytes: NodeJS.ArrayBufferView) => createHash('sha256').update(bytes).digest('hex');
const range = (n: number) => Int32Array.from({ length: n }, (_, i) => i);

function stateOf(random: RandomState): State {
  const [, key, pos, hasGauss, gauss] = random.getState();
  return { key: sha256(key), pos, hasGauss, gauss };
}

function draw(random: RandomState, { call, args }: Call): NDArray {
  if (call === 'shuffle') {
    const array = NDArray.from(range(args[0]));
    random.shuffle(array);
    return array;
  }
  const given = args.map((arg) => arg ?? undefined);
  const drawn = (random[call] as (...args: unknown[]) => number | NDArray).apply(random, given);
  return typeof drawn === 'number' ? NDArray.from([drawn], { shape: [] }) : drawn;
}

for (const { seed, calls, state } of golden.streams) {
  test(`seed ${seed}: every draw is NumPy's, to the last bit, and so is the state after them`, (t) => {
    const random = new RandomState(seed);
    for (const one of calls) {
      const drawn = draw(random, one);
      t.deepEqual([...drawn.data], one.value.data, `${one.call}(${JSON.stringify(one.args)})`);
      t.deepEqual([...drawn.shape], one.value.shape, `${one.call}(${JSON.stringify(one.args)})`);
    }
    t.deepEqual(stateOf(random), state);
  });
}

test('long permutations are NumPy’s, and leave its state', (t) => {
  for (const { n, repeats, sha256: hash, state } of golden.permutations) {
    const random = new RandomState(7);
    let last = random.permutation(n);
    for (let i = 1; i < repeats; i++) last = random.permutation(n);
    t.is(sha256(last.data), hash, `${n}`);
    t.deepEqual(stateOf(random), state, `${n}`);
  }
});

test('a shuffle makes the swaps, and takes the draws, of the plain algorithm', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3000 }),
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.integer({ min: 0, max: 700 }),
      (n, seed, skip) => {
        const [ours, plain] = [new RandomState(seed), new RandomState(seed)];
        for (const random of [ours, plain]) random.randomSample(skip); // somewhere in the block of 624 words
        const a = range(n);
        for (let i = n - 1; i > 0; i--) {
          const j = plain.randint(i + 1);
          [a[i], a[j]] = [a[j], a[i]];
        }
        t.deepEqual(ours.permutation(n).data, a);
        t.is(ours.randomSample(), plain.randomSample());
      },
    ),
    { numRuns: 60 },
  );
});

test('batches are choices without replacement', (t) => {
  const [ours, plain] = [new RandomState(3), new RandomState(3)];
  const rows = ours.batches(1437, 100, new Int32Array(700));
  for (let k = 0; k < 7; k++)
    t.deepEqual(rows.slice(100 * k, 100 * (k + 1)), plain.choice(1437, 100, { replace: false }).data);
  t.deepEqual(stateOf(ours), stateOf(plain));
});

test.serial('so they are of any sizes, and where another thread draws them ahead', (t) => {
  const threads = getThreads();
  t.teardown(() => setThreads(threads));
  setThreads(2);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2100 }).chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 1, max: n }))),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 700 }),
      ([n, size], count, skip) => {
        const [ours, ahead, plain] = [new RandomState(n), new RandomState(n), new RandomState(n)];
        for (const random of [ours, ahead, plain]) random.randomSample(skip); // somewhere in the block of 624 words
        const rows = ours.batches(n, size, new Int32Array(count * size));
        const take = ahead.batchesAhead(n, size, count * size);
        t.deepEqual(take?.(), rows);
        for (let k = 0; k < count; k++)
          t.deepEqual(rows.slice(size * k, size * (k + 1)), plain.choice(n, size, { replace: false }).data);
        t.deepEqual(stateOf(ours), stateOf(plain));
        t.deepEqual(stateOf(ahead), stateOf(plain));
      },
    ),
    { numRuns: 100 },
  );
  const random = new RandomState(1);
  random.batchesAhead(10, 2, 4); // nobody takes them
  t.deepEqual(stateOf(random), stateOf(new RandomState(1)));
  setThreads(1);
  t.is(random.batchesAhead(10, 2, 4), undefined);
});

test('getState and setState go back in the stream, the cached Gaussian included', (t) => {
  const random = new RandomState(11);
  random.randn(3);
  const state = random.getState();
  const draws = () => [random.randn(), random.randomSample(), random.randn(), random.randint(100)];
  const first = draws();
  t.notDeepEqual(draws(), first);
  random.setState(state);
  t.deepEqual(draws(), first);
  const twin = new RandomState(99);
  twin.setState(state);
  t.is(twin.randn(), first[0]);
  (state[1] as Uint32Array).fill(0);
  random.setState(new RandomState(11).getState());
  t.is(random.randomSample(), new RandomState(11).randomSample());
});

test('arrays, rows and every kind of list can be shuffled', (t) => {
  const order = [...new RandomState(5).permutation(6).data];
  t.deepEqual(
    new RandomState(5).permutation([[0], [10], [20], [30], [40], [50]]).toArray(),
    order.map((i) => [10 * i]),
  );
  const lists = [
    range(6),
    Float64Array.from(range(6)),
    Float32Array.from(range(6)),
    Uint8Array.from(range(6)),
    Buffer.from(range(6)), // whose slice shares memory
    [...range(6)],
  ];
  for (const list of lists) {
    new RandomState(5).shuffle(list);
    t.deepEqual([...list], order, list.constructor.name);
  }
  const words = ['a', 'b', 'c', 'd', 'e', 'f'];
  new RandomState(5).shuffle(words);
  t.deepEqual(
    words,
    order.map((i) => 'abcdef'[i]),
  );
  const matrix = NDArray.from(range(6), { shape: [6, 1] });
  new RandomState(5).shuffle(matrix);
  t.deepEqual([...matrix.data], order);
  t.deepEqual(new RandomState(5).choice(['x', 'y'].length, 3).shape, [3]);
  const chosen = new RandomState(5).choice(Float32Array.of(7, 8, 9), [2, 2]);
  t.is(chosen.dtype, 'float32');
  t.deepEqual([...chosen.shape], [2, 2]);
});

test('generators without a seed differ', (t) => {
  t.not(new RandomState().randomSample(), new RandomState().randomSample());
});

test('wrong arguments are refused, and take no draw', (t) => {
  const random = new RandomState(0);
  const state = stateOf(random);
  const detached = Int32Array.of(1, 2, 3);
  structuredClone(detached, { transfer: [detached.buffer] });
  const refused: [() => unknown, ErrorConstructor, string][] = [
    [() => new RandomState(-1), RangeError, 'Expected seed to be a non-negative integer, got -1 (number)'],
    [() => new RandomState(1.5), RangeError, 'Expected seed to be a non-negative integer, got 1.5 (number)'],
    [
      () => new RandomState(2 ** 32),
      RangeError,
      'Expected seed to be an integer in [0, 2^32), got 4294967296 (number)',
    ],
    [() => new RandomState('0' as never), TypeError, "Expected seed to be a non-negative integer, got '0' (string)"],
    [() => random.randomSample(-1), RangeError, 'Expected shape[0] to be a non-negative integer, got -1 (number)'],
    [
      () => random.randomSample('3' as never),
      TypeError,
      "Expected shape to be an integer or an array of integers, got '3' (string)",
    ],
    [() => random.normal(0, -1, 3), RangeError, 'Expected scale to be a non-negative number, got -1 (number)'],
    [() => random.normal(Number.NaN, 1, 3), RangeError, 'Expected loc to be a finite number, got NaN (number)'],
    [
      () => random.uniform(0, Number.POSITIVE_INFINITY, 3),
      RangeError,
      'Expected high to be a finite number, got Infinity (number)',
    ],
    [
      () => random.uniform(-1e308, 1e308, 3),
      RangeError,
      'Expected high - low to be a finite number, got Infinity (number)',
    ],
    [() => random.randint(0), RangeError, 'Expected low to be an integer > 0, got 0 (number)'],
    [() => random.randint(3, 3), RangeError, 'Expected high to be an integer > 3, got 3 (number)'],
    [() => random.randint(0.5, 3), RangeError, 'Expected low to be an integer, got 0.5 (number)'],
    [
      () => random.randint(-(2 ** 53 - 1), 2 ** 53 - 1),
      RangeError,
      'Expected high - low to be at most 2^53 - 1, got 18014398509481982 (number)',
    ],
    [
      () => random.shuffle(Object.freeze([1, 2]) as never),
      TypeError,
      'Expected array to be an array that can be changed, and not a frozen one, got Array(2)',
    ],
    [
      () => random.setState(['MT19937', new Array(624).fill(-1), 0]),
      RangeError,
      'Expected state[1][0] to be a non-negative integer, got -1 (number)',
    ],
    [
      () => random.setState(['MT19937', { length: 624 } as never, 0]),
      RangeError,
      'Expected state[1] to be 624 words, got {"length":624}',
    ],
    [() => random.choice(0), RangeError, 'Expected a to be a positive integer, got 0 (number)'],
    [() => random.choice([]), RangeError, 'Expected a to be an array that is not empty, got shape [0]'],
    [() => random.choice(3, -1), RangeError, 'Expected size[0] to be a non-negative integer, got -1 (number)'],
    [() => random.choice([[1]]), RangeError, 'Expected a to be a number or a one-dimensional array, got shape [1, 1]'],
    [
      () => random.choice(3, 4, { replace: false }),
      RangeError,
      'Expected size to be at most 3 without replacement, got 4 (number)',
    ],
    [() => random.choice(3, 4, { replace: 1 as never }), TypeError, 'Expected replace to be a boolean, got 1 (number)'],
    [
      () => random.choice(3, 4, { replaced: false } as never),
      TypeError,
      "Expected options to have no option 'replaced' (did you mean 'replace'?); there are: replace, p",
    ],
    [
      () => random.choice(3, 2, { p: [0.5, 0.5] }),
      RangeError,
      'Expected p to be a probability for each of 3, got shape [2]',
    ],
    [
      () => random.choice(2, 2, { p: [1.5, -0.5] }),
      RangeError,
      'Expected p[1] to be a non-negative number, got -0.5 (number)',
    ],
    [
      () => random.choice(2, 2, { p: [0.5, Number.NaN] }),
      RangeError,
      'Expected p[1] to be a non-negative number, got NaN (number)',
    ],
    [() => random.choice(2, 2, { p: [0.5, 0.4] }), RangeError, 'Expected the sum of p to be 1, got 0.9 (number)'],
    [
      () => random.choice(3, 2, { p: [0, 1, 0], replace: false }),
      RangeError,
      'Expected size to be at most 1 without replacement, the number of p above 0, got 2 (number)',
    ],
    [
      () => random.choice(2, 1, { p: '1' as never }),
      TypeError,
      "Expected p to be an array of numbers, got '1' (string)",
    ],
    [() => random.permutation(-1), RangeError, 'Expected x to be a non-negative integer, got -1 (number)'],
    [
      () => random.permutation(detached),
      TypeError,
      'Expected x to own its memory, got a detached Int32Array (it was transferred)',
    ],
    [
      () => random.shuffle(detached),
      TypeError,
      'Expected array to own its memory, got a detached Int32Array (it was transferred)',
    ],
    [
      () => random.shuffle('abc' as never),
      TypeError,
      "Expected array to be an NDArray, an array or a typed array, got 'abc' (string)",
    ],
    [
      () => random.setState(['PCG64', new Uint32Array(624), 0] as never),
      TypeError,
      "Expected state to be a state ['MT19937', key, …], got Array(3)",
    ],
    [
      () => random.setState(['MT19937', new Uint32Array(623), 0]),
      RangeError,
      'Expected state[1] to be 624 words, got Uint32Array(623)',
    ],
    [
      () => random.setState(['MT19937', new Uint32Array(624), 625]),
      RangeError,
      'Expected state[2] to be an integer in [0, 624], got 625 (number)',
    ],
  ];
  for (const [call, instanceOf, message] of refused) t.throws(call, { instanceOf, message });
  t.deepEqual(stateOf(random), state);
});

test('dimensions are one list, where they are one argument: what would be passed over is refused', (t) => {
  const random = new RandomState(0) as unknown as Record<string, (...given: unknown[]) => unknown>;
  const before = String(new RandomState(0).getState());
  for (const [name, n, given] of [
    ['randomSample', 1, [3, 4]],
    ['normal', 3, [0, 1, 3, 4]],
    ['uniform', 3, [0, 1, 3, 4]],
    ['randint', 3, [0, 10, 3, 4]],
  ] as const)
    t.throws(() => random[name](...given), {
      instanceOf: TypeError,
      message: `Expected ${name} to be given ${n} argument${n === 1 ? '' : 's'}, got ${n + 1}`,
    });
  t.is(String((random as unknown as RandomState).getState()), before);
});
