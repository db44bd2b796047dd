// Buffers of integers: a region of their own in every plan, whatever its dtype.
import test from 'ava';
import { kernels, NDArray } from 'fjordnet';
import { binding, type NativeArray, type NativeJob, type PlanSpec } from '../dist/binding.js';
import { dataset, valuesOf } from '../dist/plan.js';
import { Tape } from '../dist/tape.js';

const FLOATS = { float64: Float64Array, float32: Float32Array } as const;

const dataOf = (values: NativeArray, rows: number, width: number, dtype: string) =>
  new binding.Dataset('tokens', values, rows, width, dtype);

test('a dataset of int32 holds integers in rows, from arrays of any type', (t) => {
  for (const from of [Int32Array.of(-1, 2, 3, 4), Float64Array.of(-1, 2, 3, 4), Float32Array.of(-1, 2, 3, 4)]) {
    const data = dataOf(from, 2, 2, 'int32');
    t.true(data.holds(from, 2, 'int32'));
    t.true(data.holds(Int32Array.from(from), 2, 'int32'));
    t.false(data.holds(from, 2, 'float64'));
    t.false(data.holds(from, 1, 'int32'));
    t.false(data.holds(from.subarray(2), 2, 'int32'));
    const other = from.slice();
    other[3] = 5;
    t.false(data.holds(other, 2, 'int32'));
    t.false(dataOf(from, 2, 2, 'float32').holds(from, 2, 'int32'));
  }
  // float32 has no 2^24 + 1, and 2^31 is no int32
  t.false(dataOf(Int32Array.of(2 ** 24 + 1), 1, 1, 'int32').holds(Float32Array.of(2 ** 24), 1, 'int32'));
  const limits = dataOf(Float64Array.of(-(2 ** 31), 2 ** 31 - 1), 1, 2, 'int32');
  t.true(limits.holds(Int32Array.of(-(2 ** 31), 2 ** 31 - 1), 2, 'int32'));
  t.false(limits.holds(Float64Array.of(2 ** 31, Number.NaN), 2, 'int32'));
  const refused: [number, string][] = [
    [0.5, '0.5'],
    [2 ** 31, '2147483648'],
    [-(2 ** 31) - 1, '-2147483649'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
  ];
  for (const [value, shown] of refused) {
    const refusal = (where: string) => ({
      instanceOf: RangeError,
      message: `Expected tokens to hold integers of 32 bits, got ${shown} at ${where}`,
    });
    t.throws(() => dataOf(Float64Array.of(1, 2, 3, value), 2, 2, 'int32'), refusal('row 1, column 1'));
    t.throws(() => dataOf(Float64Array.of(1, value), 2, 1, 'int32'), refusal('row 1'));
  }
  t.throws(() => dataOf(Float64Array.of(1), 1, 1, 'int16'), {
    message: "Expected dtype to be float32, float64 or int32, got 'int16'",
  });
  const array = NDArray.from(Int32Array.of(1, 2, 3, 4)).reshape(2, 2);
  t.is(dataset('tokens', array, 'int32'), dataset('tokens', array, 'int32'));
  t.not(dataset('tokens', array, 'int32'), dataset('tokens', array, 'float64'));
  t.is(valuesOf(array, 'int32'), array.data);
  t.deepEqual(valuesOf(NDArray.from([1, -2]), 'int32'), Int32Array.of(1, -2));
  t.throws(() => valuesOf(NDArray.from([1, 2 ** 31]), 'int32'), {
    message: 'Expected integers of 32 bits, got 2147483648 at 1',
  });
});

for (const dtype of ['float64', 'float32'] as const) {
  const bytes = FLOATS[dtype].BYTES_PER_ELEMENT;
  const spec = (changes: Partial<PlanSpec> = {}): PlanSpec => ({
    fixedSize: 16,
    rowSize: 16,
    int32FixedSize: 32,
    int32RowSize: 16,
    buffers: [
      { offset: 0, size: 2, batched: true },
      { offset: 0, size: 2, batched: true, dtype: 'int32', name: 'tokens' },
      { offset: 16, size: 3, batched: false, dtype: 'int32' },
      { offset: 0, size: 3, batched: false, dtype: 'real' },
    ],
    scalars: [],
    programs: { none: [], exp: [{ kernel: 'exp', buffers: [0, 0], dims: { N: 2 }, scalars: {} }] },
    report: -1,
    ...changes,
  });
  const job = (buffer: number, data: NativeJob['inputs'][number][1]) => ({
    program: 'none',
    inputs: [[buffer, data] as const],
    first: 0,
    count: 2,
    batchSize: 2,
  });

  test(`${dtype}: integers are gathered into integers alone, and numbers into numbers`, async (t) => {
    const plan = new binding.Plan(dtype, spec());
    const [tokens, numbers] = [Int32Array.of(1, 2, 3, 4), FLOATS[dtype].of(1, 2, 3, 4)];
    const tokenRows = dataOf(tokens, 2, 2, 'int32');
    const numberRows = dataOf(numbers, 2, 2, dtype);
    for (const data of [tokens, tokenRows]) {
      t.is(plan.runSync(job(1, data)).steps, 1);
      t.throws(() => plan.runSync(job(0, data)), {
        instanceOf: TypeError,
        message: 'Expected samples of real numbers for buffer 0, got int32',
      });
    }
    for (const data of [numbers, numberRows]) {
      t.is(plan.runSync(job(0, data)).steps, 1);
      t.throws(() => plan.runSync(job(1, data)), {
        instanceOf: TypeError,
        message: "Expected samples of int32 for buffer 'tokens', got real numbers",
      });
    }
    t.is((await plan.run(job(1, tokenRows))).steps, 1);
    t.throws(() => plan.run(job(0, tokenRows)), { message: /^Expected samples of real numbers/ });
    t.throws(() => plan.run(job(1, numberRows)), { message: /^Expected samples of int32/ });
    t.throws(() => plan.run(job(1, tokens)), { message: 'Expected a Dataset' });
    t.throws(() => plan.runSync(job(1, Int32Array.of(1, 2, 3))), { message: /samples of 2 values, got 3 values/ });
    t.throws(() => plan.runSync(job(1, Int32Array.of(1, 2))), { message: /rows to lie in \[0, 1\)/ });
    t.throws(() => plan.runSync(job(2, dataOf(tokens.subarray(1), 1, 3, 'int32'))), { message: /samples of 3 values/ });
    t.throws(() => plan.runSync({ ...job(1, tokens), outputs: [1] }), {
      message: 'Expected outputs to be batched buffers of real numbers',
    });
    t.false(plan.busy());
  });

  test(`${dtype}: fixed integers are read and written apart from numbers`, (t) => {
    const plan = new binding.Plan(dtype, spec());
    const read = (offset: number) => {
      const into = new Int32Array(3);
      plan.read(offset, into);
      return into;
    };
    t.deepEqual(read(29), new Int32Array(3), 'zero at first');
    plan.write(29, Int32Array.of(7, -8, 9));
    plan.write(0, new FLOATS[dtype](16).fill(0.5));
    t.deepEqual(read(29), Int32Array.of(7, -8, 9));
    t.deepEqual(read(28), Int32Array.of(0, 7, -8));
    const numbers = new FLOATS[dtype](16);
    plan.read(0, numbers);
    t.deepEqual(numbers, new FLOATS[dtype](16).fill(0.5));
    for (const offset of [-1, 30, 2 ** 62])
      for (const call of [() => plan.read(offset, new Int32Array(3)), () => plan.write(offset, new Int32Array(3))])
        t.throws(call, { instanceOf: RangeError });
    const bare = new binding.Plan(dtype, spec({ int32FixedSize: undefined, buffers: spec().buffers.slice(0, 2) }));
    t.throws(() => bare.read(0, new Int32Array(1)), { instanceOf: RangeError });
  });

  test(`${dtype}: a plan refuses integers where numbers belong, and counts their bytes`, (t) => {
    const [real, tokens, fixed] = spec().buffers;
    const exp = (buffers: number[]) => ({ programs: { p: [{ kernel: 'exp', buffers, dims: { N: 2 }, scalars: {} }] } });
    const refused: [Partial<PlanSpec>, string | RegExp][] = [
      [exp([1, 0]), "Expected 'exp' (B N : x BN -> y~ BN) to be given x as real numbers, got int32 in buffer 'tokens'"],
      [exp([0, 1]), /to be given y as real numbers, got int32 in buffer 'tokens'/],
      [{ report: 2 }, 'Expected report to be a fixed buffer of real numbers'],
      [{ int32FixedSize: 18 }, /buffer to lie inside the arena/],
      [{ int32RowSize: 1 }, /buffer to lie inside the arena/],
      [{ int32RowSize: -1 }, /sizes to be non-negative/],
      [{ buffers: [real, { ...tokens, offset: 15 }] }, /buffer to lie inside the arena/],
      [
        { buffers: [real, { ...fixed, dtype: 'int64' as never }] },
        /buffers\[1\].dtype to be real or int32, got 'int64'/,
      ],
    ];
    for (const [changes, message] of refused) t.throws(() => new binding.Plan(dtype, spec(changes)), { message });
    t.throws(() => new binding.Plan(dtype, spec({ int32FixedSize: 2 ** 52 })), { code: 'ERR_MEMORY' });
    t.throws(() => new binding.Plan(dtype, spec({ int32RowSize: 2 ** 52 })), { code: 'ERR_MEMORY' });

    const plan = new binding.Plan(dtype, spec());
    const before = plan.bytes();
    t.is(before, 16 * bytes + 16 * bytes + 32 * 4 + 16 * 4);
    plan.runSync({ ...job(1, new Int32Array(20)), count: 10, batchSize: 10 });
    t.is(plan.bytes(), 16 * bytes + 160 * bytes + 32 * 4 + 160 * 4);
  });

  test(`${dtype}: integers lie apart on a tape, and are read and written as such`, (t) => {
    const tape = new Tape(dtype);
    const x = tape.batched('x', [5]);
    const tokens = tape.batched('tokens', [3], 'int32');
    const view = tape.view(tokens, [3, 1]);
    const [first, second] = ['first', 'second'].map((name) => tape.fixed('state', name, [2], 'int32'));
    const w = tape.fixed('state', 'w', [2]);
    t.deepEqual([x.dtype, tokens.dtype, view.dtype, first.dtype, w.dtype], ['real', 'int32', 'int32', 'int32', 'real']);
    tape.program('p');
    const plan = tape.compile({ programs: ['p'], inputs: [x, tokens], outputs: [x] });
    t.is(plan.bytes, 2 * 16 * bytes + (16 + 32) * 4);
    plan.write(second, NDArray.from([3, 4]));
    plan.write(w, NDArray.from([0.5, 1.5]));
    t.deepEqual(plan.read(first).data, Int32Array.of(0, 0));
    t.deepEqual(plan.read(second).data, Int32Array.of(3, 4));
    t.deepEqual(plan.read(w).data, FLOATS[dtype].of(0.5, 1.5));
    t.throws(() => plan.write(second, NDArray.from([0.5, 1])), { message: /^Expected integers of 32 bits, got 0.5/ });
    const rows = NDArray.from([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const inputs = [[tokens, dataset('tokens', rows, 'int32')] as const];
    t.is(plan.runSync({ program: 'p', inputs, first: 0, count: 2, batchSize: 1 }).steps, 2);
  });

  test(`${dtype}: a number that names no row gives NaN, and nothing is read or written for it`, (t) => {
    const none = Int32Array.of(-1, 3, 2 ** 31 - 1, -(2 ** 31));
    const table = FLOATS[dtype].of(1, 2, 3, 4, 5, 6);
    const y = new FLOATS[dtype](10);
    kernels.embedding({ B: 1, J: 5, V: 3, E: 2 }, [Int32Array.of(...none, 2), table, y]);
    t.deepEqual(y, FLOATS[dtype].of(...new Array(8).fill(Number.NaN), 5, 6));
    const dtable = new FLOATS[dtype](6).fill(Number.NaN);
    const dy = FLOATS[dtype].of(1, 1, 1, 1, 1, 1, 1, 1, 0.5, -0.5);
    kernels.embeddingGradient({ B: 5, J: 1, V: 3, E: 2 }, [Int32Array.of(...none, 2), dy, dtable]);
    t.deepEqual(dtable, FLOATS[dtype].of(0, 0, 0, 0, 0.5, -0.5));
    const d = { B: 1, J: 4, V: 3, E: 2 };
    const refuse = (arrays: unknown[], message: string | RegExp) =>
      t.throws(() => kernels.embedding(d, arrays as NativeArray[]), { message });
    refuse([new FLOATS[dtype](4), table, y], 'Expected a typed array of int32');
    refuse([none, new Int32Array(6), new FLOATS[dtype](8)], /^Expected a typed array of float/);
    refuse([Int32Array.of(1), table, new FLOATS[dtype](8)], /array 0 of 'embedding' .* to hold 4 values, got 1/);
  });

  /** y[B,2,1] = table[index[B,2]], with a table of 10 times the row. */
  const embedding = (use?: 'lives') => {
    const tape = new Tape(dtype);
    const index = tape.batched('index', [2], 'int32');
    const y = tape.batched('y', [2, 1]);
    const table = tape.fixed('parameter', 'table', [6, 1]);
    tape.program('p');
    tape.emit('embedding', [index, table, y], { J: 2, V: 6, E: 1 });
    const plan = tape.compile(use && { programs: ['p'], inputs: [index], outputs: [y] });
    plan.write(table, NDArray.from([[0], [10], [20], [30], [40], [50]]));
    return { plan, index, y };
  };

  test(`${dtype}: integers are gathered for every batch, short after long, and for longer ones than before`, async (t) => {
    const { plan, index, y } = embedding('lives');
    const values = NDArray.from([
      [0, 1],
      [2, 3],
      [4, 5],
      [5, 0],
      [3, 3],
    ]);
    const data = dataset('index', values, 'int32');
    const want = FLOATS[dtype].from(Array.from(values.data, (v) => 10 * v));
    const job = { program: 'p', outputs: [y], first: 0, count: 5 };
    for (const batchSize of [2, 1, 3, 5, 4]) {
      t.deepEqual(plan.runSync({ ...job, inputs: [[index, data]], batchSize }).outputs, [want]);
      t.deepEqual(plan.runSync({ ...job, inputs: [[index, valuesOf(values, 'int32')]], batchSize }).outputs, [want]);
      t.deepEqual((await plan.run({ ...job, inputs: [[index, data]], batchSize })).outputs, [want]);
    }
    const rows = Int32Array.of(4, 0, 2, 4);
    const some = { program: 'p', outputs: [y], rows, batchSize: 3, inputs: [[index, data] as const] };
    t.deepEqual(plan.runSync(some).outputs, [FLOATS[dtype].of(30, 30, 0, 10, 40, 50, 30, 30)]);
  });

  test(`${dtype}: an Int32Array whose memory is gone is an empty one`, (t) => {
    const { plan, index, y } = embedding();
    const input = Int32Array.of(1, 2, 3, 4);
    const native = { first: 0, count: 2, batchSize: 2 };
    const job = { ...native, program: 'p', inputs: [[index, input] as const], outputs: [y] };
    t.is(plan.runSync(job).steps, 1);
    structuredClone(input.buffer, { transfer: [input.buffer] });
    t.throws(() => plan.runSync(job), { message: /rows to lie in \[0, 0\)/ });
  });

  test(`${dtype}: fixed integers name rows as well, and integers never lie on numbers`, (t) => {
    const tape = new Tape(dtype);
    const positions = tape.fixed('state', 'positions', [3], 'int32');
    const [table, y] = [tape.fixed('parameter', 'table', [4, 2]), tape.fixed('state', 'y', [3, 2])];
    tape.program('p');
    tape.emit('embedding', [positions, table, y], { J: 1, V: 4, E: 2 }, {}, 3);
    const plan = tape.compile();
    plan.write(positions, NDArray.from([3, 0, 3]));
    plan.write(table, NDArray.from([0, 1, 2, 3, 4, 5, 6, 7]).reshape(4, 2));
    plan.runSync({ program: 'p', inputs: [], first: 0, count: 1, batchSize: 1 });
    t.deepEqual(plan.read(y).data, FLOATS[dtype].of(6, 7, 0, 1, 6, 7));
    tape.program('wrong');
    tape.emit('embedding', [table, table, y], { J: 1, V: 4, E: 2 }, {}, 3);
    t.throws(() => tape.compile(), { message: /to be given index as int32, got real numbers in buffer 'table'$/ });
  });

  test(`${dtype}: integers whose lives do not meet share memory, apart from numbers`, (t) => {
    const tape = new Tape(dtype);
    const [first, second] = ['first', 'second'].map((name) => tape.batched(name, [16], 'int32'));
    const y = tape.batched('y', [16, 1]);
    const table = tape.fixed('parameter', 'table', [16, 1]);
    for (const index of [first, second]) {
      tape.program(index.name);
      tape.emit('embedding', [index, table, y], { J: 16, V: 16, E: 1 });
    }
    const bytesOf = (...inputs: (typeof first)[]) =>
      tape.compile({ programs: ['first', 'second'], inputs, outputs: [y] }).bytes - 32 * bytes;
    t.is(bytesOf(), 16 * 4);
    t.is(bytesOf(first, second), 32 * 4, 'inputs are there together');
  });
}
