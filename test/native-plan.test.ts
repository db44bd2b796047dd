import test from 'ava';
import { getThreads, NDArray, RandomState } from 'fjordnet';
import { binding, type InstructionSpec, type NativeJob, type PlanSpec } from '../dist/binding.js';
import { dataset } from '../dist/plan.js';
import { Tape } from '../dist/tape.js';

const FLOATS = { float64: Float64Array, float32: Float32Array } as const;
type DType = keyof typeof FLOATS;
const other = (dtype: DType): DType => (dtype === 'float64' ? 'float32' : 'float64');

/** y[B,2] = x[B,3] @ w[3,2], and total = sum of rows of a third program; w lies at 0, total at 16. */
const spec = (changes: Partial<PlanSpec> = {}): PlanSpec => ({
  fixedSize: 32,
  rowSize: 48,
  buffers: [
    { offset: 0, size: 3, batched: true },
    { offset: 0, size: 6, batched: false },
    { offset: 16, size: 2, batched: true },
    { offset: 16, size: 1, batched: false },
    { offset: 32, size: 1, batched: true },
  ],
  scalars: [0.5, 0],
  programs: {
    forward: [{ kernel: 'matmul', buffers: [0, 1, 2], dims: { O: 2, I: 3 }, scalars: {} }],
    shrink: [{ kernel: 'sgd', buffers: [1, 1], dims: { N: 6 }, scalars: { eta: 0, lmbd: 1 } }],
    total: [{ kernel: 'sumRows', buffers: [4, 3], dims: {}, scalars: {} }],
  },
  report: 3,
  ...changes,
});

const samples = (dtype: DType, rows = 4, width = 3) =>
  new binding.Dataset(
    'x',
    Float64Array.from({ length: rows * width }, (_, i) => i),
    rows,
    width,
    dtype,
  );

const job = (dtype: DType, changes: Partial<NativeJob> = {}): NativeJob => ({
  program: 'forward',
  inputs: [[0, samples(dtype)]],
  first: 0,
  count: 4,
  batchSize: 3,
  ...changes,
});

for (const dtype of ['float64', 'float32'] as const) {
  const plan = () => {
    const made = new binding.Plan(dtype, spec());
    made.write(0, FLOATS[dtype].of(1, 0, 0, 1, 1, 1));
    return made;
  };

  test(`${dtype}: a plan replays its program for every batch, the last one short`, async (t) => {
    // rows of x are [0 1 2], [3 4 5] …; y = [x0 + x2, x1 + x2]
    const want = FLOATS[dtype].of(2, 3, 8, 9, 14, 15, 20, 21);
    t.deepEqual(plan().runSync(job(dtype, { outputs: [2] })).outputs, [want]);
    const { outputs, steps, seconds } = await plan().run(job(dtype, { outputs: [2] }));
    t.deepEqual(outputs, [want]);
    t.is(steps, 2);
    t.true(seconds >= 0);
    const some = plan().runSync(
      job(dtype, { outputs: [2], first: undefined, count: undefined, rows: Int32Array.of(3, 0, 3) }),
    );
    t.deepEqual(some.outputs, [FLOATS[dtype].of(20, 21, 2, 3, 20, 21)]);
    t.deepEqual(plan().runSync(job(dtype, { outputs: [2], first: 2, count: 2 })).outputs, [
      FLOATS[dtype].of(14, 15, 20, 21),
    ]);
    t.is(plan().runSync(job(dtype, { count: 0 })).steps, 0);
  });

  test(`${dtype}: a job collects several buffers, in the order it names them`, async (t) => {
    const y = FLOATS[dtype].of(2, 3, 8, 9, 14, 15, 20, 21);
    const x = FLOATS[dtype].of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    for (const outputs of [
      [0, 2],
      [2, 0],
      [2, 2, 0],
    ]) {
      const want = outputs.map((k) => (k === 0 ? x : y));
      const collected = plan().runSync(job(dtype, { outputs }));
      t.deepEqual(collected.outputs, want);
      t.false('report' in collected);
      t.deepEqual((await plan().run(job(dtype, { outputs }))).outputs, want);
    }
    const reported = plan().runSync(job(dtype, { outputs: [] }));
    t.deepEqual(reported.report, new Float64Array(2));
    t.false('outputs' in reported);
  });

  test(`${dtype}: the report is handed back after every step`, (t) => {
    const inputs: NativeJob['inputs'] = [[4, new binding.Dataset('x', Float64Array.of(1, 2, 3, 4, 5), 5, 1, dtype)]];
    const { report } = plan().runSync(job(dtype, { program: 'total', inputs, count: 5, batchSize: 2 }));
    t.deepEqual(report, Float64Array.of(3, 7, 5));
  });

  test(`${dtype}: with a period batches begin anew at every epoch`, (t) => {
    const ones = Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const inputs: NativeJob['inputs'] = [[4, new binding.Dataset('x', ones, 8, 1, dtype)]];
    const reports = (batchSize: number, period: number, count = 8) =>
      plan().runSync(job(dtype, { program: 'total', inputs, count, batchSize, period })).report;
    t.deepEqual(reports(2, 3), Float64Array.of(3, 3, 9, 6, 15));
    t.deepEqual(reports(5, 3), Float64Array.of(6, 15, 15));
    t.deepEqual(reports(2, 100, 5), Float64Array.of(3, 7, 5));
    t.deepEqual(reports(3, 0), reports(3, 2 ** 50));
  });

  test(`${dtype}: scalars may change before every step`, (t) => {
    // w -= eta * (w + 0 * w)
    const shrinking = plan();
    const values = Float64Array.of(0.5, 0, 0.25);
    shrinking.runSync(job(dtype, { program: 'shrink', inputs: [], count: 3, batchSize: 1, scalars: [0], values }));
    const w = new FLOATS[dtype](6);
    shrinking.read(0, w);
    t.deepEqual(
      [...w],
      [1, 0, 0, 1, 1, 1].map((x) => x * 0.375),
    );
  });

  test(`${dtype}: a plan refuses what does not fit it, and stays as it was`, (t) => {
    const own = plan();
    const before = own.bytes();
    const refused: [Partial<NativeJob>, RegExp][] = [
      [{ program: 'backward' }, /Expected program to be one of the plan's, got 'backward'/],
      [{ batchSize: 0 }, /batchSize/],
      [{ batchSize: -1 }, /batchSize/],
      [{ first: -1 }, /first, count and period/],
      [{ count: -500, inputs: [] }, /first, count and period/],
      [{ period: -1 }, /first, count and period/],
      [{ count: 5 }, /rows to lie in \[0, 4\)/],
      [{ first: 2, count: 3 }, /rows to lie in \[0, 4\)/],
      [{ first: 2 ** 62, count: 1 }, /rows to lie in \[0, 4\)/],
      [{ count: 2 ** 53, batchSize: 1, inputs: [] }, /Expected/],
      [{ rows: Int32Array.of(0, 4) }, /rows to lie in \[0, 4\)/],
      [{ rows: Int32Array.of(-1) }, /rows to lie in \[0, 4\)/],
      [{ rows: Uint8Array.of(1) as unknown as Int32Array }, /typed array of int32/],
      [{ inputs: [[0, samples(other(dtype))]] }, /Dataset of the plan's dtype/],
      [{ inputs: [[0, samples(dtype, 6, 2)]] }, /samples of 3 values, got 2/],
      [{ inputs: [[1, samples(dtype, 2, 6)]] }, /samples of 6 values/],
      [{ inputs: [[7, samples(dtype)]] }, /buffer of the plan/],
      [{ inputs: [[-1, samples(dtype)]] }, /buffer of the plan/],
      [{ inputs: [[0, {} as never]] }, /Expected a Dataset/],
      [{ inputs: [[0, own as never]] }, /Expected a Dataset/],
      [{ inputs: [[0, null as never]] }, /Expected a Dataset/],
      [{ scalars: [2], values: Float64Array.of(1, 1) }, /scalar of the plan/],
      [{ scalars: [-1], values: Float64Array.of(1, 1) }, /scalar of the plan/],
      [{ scalars: [0], values: Float64Array.of(1) }, /one row a step/],
      [{ outputs: [1] }, /outputs to be batched buffers/],
      [{ outputs: [2, 3] }, /outputs to be batched buffers/],
      [{ outputs: [9] }, /buffer of the plan/],
      [{ outputs: [-1] }, /buffer of the plan/],
    ];
    for (const [changes, message] of refused) {
      for (const call of [() => own.runSync(job(dtype, changes)), () => own.run(job(dtype, changes))]) {
        t.throws(call, { message }, JSON.stringify(changes));
        t.false(own.busy());
      }
    }
    t.throws(() => own.read(0, new FLOATS[other(dtype)](2)), { instanceOf: TypeError });
    t.throws(() => own.write(0, new FLOATS[other(dtype)](2)), { instanceOf: TypeError });
    t.throws(() => own.read(27, new FLOATS[dtype](6)), { instanceOf: RangeError });
    t.throws(() => own.read(-1, new FLOATS[dtype](6)), { instanceOf: RangeError });
    t.throws(() => own.write(0, new FLOATS[dtype](33)), { instanceOf: RangeError });
    t.is(own.bytes(), before);
    t.deepEqual(own.runSync(job(dtype, { outputs: [2], count: 1 })).outputs, [FLOATS[dtype].of(2, 3)]);
  });

  test(`${dtype}: a plan refuses specifications that do not fit together`, (t) => {
    const matmul = { kernel: 'matmul', buffers: [0, 1, 2], dims: { O: 2, I: 3 }, scalars: {} };
    const sgd = { kernel: 'sgd', buffers: [1, 1], dims: { N: 6 }, scalars: { eta: 0, lmbd: 1 } };
    const of = (instruction: object) => ({ programs: { p: [instruction as never] } });
    const buffers = (change: object) => ({
      buffers: [{ ...spec().buffers[0], ...change }, ...spec().buffers.slice(1)],
    });
    const refused: [Partial<PlanSpec>, RegExp][] = [
      [of({ ...matmul, kernel: 'matmult' }), /kernel to be one of the table, got 'matmult'/],
      [of({ ...matmul, buffers: [0, 1] }), /3 buffers, got 2/],
      [of({ ...matmul, buffers: [0, 1, 9] }), /buffer of the plan/],
      [of({ ...matmul, buffers: [0, 1, 1] }), / to be given y BO = batch x 2 values in buffer 1, got 6$/],
      [of({ ...matmul, buffers: [0, 2, 2] }), /w IO = 6 values in buffer 2, got batch x 2/],
      [of({ ...matmul, dims: { O: 2 } }), /a dimension I/],
      [of({ ...matmul, dims: { O: 2, I: 4 } }), /x BI = batch x 4 values in buffer 0, got batch x 3/],
      [of({ ...matmul, dims: { O: 0, I: 3 } }), /dimension O to be positive/],
      [of({ ...matmul, dims: { O: -1, I: 3 } }), /a dimension O/],
      [of({ ...matmul, dims: { O: 2 ** 40, I: 2 ** 40 } }), /Expected/],
      [of({ ...sgd, scalars: { eta: 0 } }), /a scalar lmbd/],
      [of({ ...sgd, scalars: { eta: 0, lmbd: 2 } }), /a scalar lmbd/],
      [{ fixedSize: 3 }, /buffer to lie inside the arena/],
      [{ rowSize: 20 }, /buffer to lie inside the arena/],
      [{ fixedSize: -1 }, /Expected/],
      [buffers({ offset: -1 }), /buffer to lie inside the arena/],
      [buffers({ offset: 2 ** 62 }), /buffer to lie inside the arena/],
      [buffers({ size: 2 ** 62 }), /buffer to lie inside the arena/],
      [{ report: 0 }, /report to be a fixed buffer/],
      [{ report: 17 }, /buffer of the plan/],
    ];
    for (const [changes, message] of refused)
      t.throws(() => new binding.Plan(dtype, spec(changes)), { message }, JSON.stringify(changes));
    t.throws(() => new binding.Plan(dtype, spec({ fixedSize: 2 ** 52 })), { code: 'ERR_MEMORY' });
    // Sanitizers end the process where the system has no memory to give.
    if (!process.env.ASAN_OPTIONS && !process.env.TSAN_OPTIONS)
      t.throws(() => new binding.Plan(dtype, spec({ fixedSize: 2 ** 46 })), { code: 'ERR_MEMORY' });
  });

  test(`${dtype}: what is refused is called by its name`, (t) => {
    const tape = new Tape(dtype);
    const [x, y] = [tape.batched('x', [3]), tape.batched('dense_1/affine', [2])];
    const w = tape.fixed('parameter', 'dense_1/kernel', [3, 2]);
    const refused = (emit: () => void, message: string) => {
      tape.program('forward');
      tape.within('dense_1/affine', emit);
      t.throws(() => tape.compile({ programs: ['forward'], inputs: [x], outputs: [] }), { message });
      tape.compose('forward', []);
    };
    const given = (what: string) =>
      `Expected 'matmul' (B O I : x BI, w IO -> y BO) of 'dense_1/affine' to be given ${what}`;
    refused(
      () => tape.emit('matmul', [x, w, y], { O: 2, I: 4 }),
      given("x BI = batch x 4 values in buffer 'x', got batch x 3"),
    );
    refused(
      () => tape.emit('matmul', [x, y, y], { O: 2, I: 3 }),
      given("w IO = 6 values in buffer 'dense_1/affine', got batch x 2"),
    );
    refused(
      () => tape.emit('matmul', [x, w, w], { O: 2, I: 3 }),
      given("y BO = batch x 2 values in buffer 'dense_1/kernel', got 6"),
    );
    const square = tape.view(y, [2, 1]);
    refused(
      () => tape.emit('matmul', [y, tape.fixed('parameter', 'v', [2, 2]), square], { O: 2, I: 2 }),
      given("y apart from x, got buffer 'dense_1/affine' over buffer 'dense_1/affine'"),
    );
    tape.program('forward');
    tape.emit('matmul', [x, w, x], { O: 3, I: 3 });
    t.throws(() => tape.compile(), {
      message: /^Expected 'matmul' \([^)]*\) to be given w IO = 9 values in buffer 'dense_1\/kernel', got 6$/,
    });
  });

  test(`${dtype}: every method in every state`, async (t) => {
    const width = 300;
    const long = (() => {
      const tape = new Tape(dtype);
      const [x, y] = [tape.batched('x', [width]), tape.batched('y', [width])];
      const w = tape.fixed('parameter', 'w', [width, width]);
      tape.program('p');
      tape.emit('matmul', [x, w, y], { O: width, I: width });
      return { plan: tape.compile(), x, w };
    })();
    const data = dataset('x', new RandomState(0).randn(500, width), dtype);
    const work = (batches: number) => ({
      program: 'p',
      inputs: [[long.x, data] as const],
      rows: new Int32Array(500 * batches),
      batchSize: 500,
    });
    const weights = new RandomState(1).randn(width, width);
    const stored = NDArray.from(weights, { dtype });

    const states = ['idle', 'busy', 'stopped', 'idle again'] as const;
    for (const state of states) {
      const running =
        state === 'busy' || state === 'stopped' ? long.plan.run(work(state === 'busy' ? 10 : 100_000)) : undefined;
      if (state === 'stopped') long.plan.stop();
      if (running) {
        t.throws(() => long.plan.run(work(1)), { code: 'ERR_BUSY' }, state);
        t.throws(() => long.plan.runSync(work(1)), { code: 'ERR_BUSY' }, state);
      } else {
        t.is((await long.plan.run(work(2))).steps, 2, state);
        t.is(long.plan.runSync(work(2)).steps, 2, state);
        long.plan.stop(); // of an idle plan: the next job is not cut short
        t.is(long.plan.runSync(work(2)).steps, 2, state);
      }
      long.plan.write(long.w, weights); // waits for the end of the job
      t.deepEqual(long.plan.read(long.w), stored, state);
      t.true(long.plan.bytes > 0, state);
      const result = await running;
      if (state === 'busy') t.is(result?.steps, 10);
      if (state === 'stopped') t.true(result!.steps < 100_000);
    }
  });
}

test('methods of native objects refuse receivers of other kinds', (t) => {
  const objects = [
    new binding.Plan('float64', spec()),
    samples('float64'),
    new binding.RandomState(0),
    {},
    [],
    null,
    undefined,
    7,
  ];
  const classes: { new (...args: never[]): object }[] = [binding.Plan, binding.Dataset, binding.RandomState];
  for (const { prototype } of classes) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      if (name === 'constructor') continue;
      const descriptor = Object.getOwnPropertyDescriptor(prototype, name)!;
      t.is(typeof descriptor.value, 'function', `${name}: V8 does not check the receivers of accessors`);
      for (const receiver of objects) {
        if (receiver && Object.getPrototypeOf(receiver) === prototype) continue;
        t.throws(() => descriptor.value.call(receiver, 0, new Float64Array(1)), { instanceOf: TypeError }, name);
        t.throws(() => descriptor.value.call(Object.create(receiver ?? null), 0), { instanceOf: TypeError }, name);
      }
    }
  }
  for (const one of classes) t.throws(() => (one as unknown as () => void)(), { instanceOf: TypeError });
});

test('native constructors and methods refuse arguments of other kinds', (t) => {
  const { Plan, Dataset, RandomState: Random } = binding as unknown as Record<string, new (...args: unknown[]) => any>;
  const values = [undefined, null, 1, 'x', {}, [], () => {}, Symbol('s'), 10n, new Float64Array(2), new ArrayBuffer(8)];
  for (const value of values) {
    t.throws(() => new Plan(value, spec()));
    t.throws(() => new Plan('float64', value));
    t.throws(() => new Dataset('x', value, 1, 3, 'float64'));
    if (value !== 1) t.throws(() => new Dataset('x', new Float64Array(3), value, 3, 'float64'));
    t.throws(() => new Dataset('x', new Float64Array(3), 1, 3, value));
    if (typeof value !== 'number') t.throws(() => new Random(value));
    const plan = new Plan('float64', spec());
    t.throws(() => plan.runSync(value));
    t.throws(() => plan.run(value));
    t.throws(() =>
      plan.read(0, typeof value === 'object' && value instanceof Float64Array ? new Float32Array(2) : value),
    );
    const random = new Random(1);
    for (const method of ['shuffle', 'getState', 'setState']) t.throws(() => random[method](value));
    if (!(value instanceof Float64Array))
      for (const method of ['doubles', 'gaussians', 'bounded']) t.throws(() => random[method](value));
    t.throws(() => random.batches(10, value, 2));
  }
  const random = new Random(1);
  t.throws(() => random.getState(new Uint32Array(623)), { instanceOf: RangeError });
  t.throws(() => random.setState(new Uint32Array(625), 0, 0, 0), { instanceOf: RangeError });
  t.throws(() => random.setState(new Uint32Array(624), 625, 0, 0), { instanceOf: RangeError });
  t.throws(() => random.setState(new Uint32Array(624), -1, 0, 0), { instanceOf: RangeError });
  t.throws(() => random.batches(3, new Int32Array(8), 4));
  t.throws(() => random.batches(3, new Int32Array(7), 2));
  t.throws(() => random.endBatches(new Int32Array(2)));
  if (random.beginBatches(3, 4, 2)) {
    t.throws(() => random.endBatches(new Int32Array(2)));
    random.endBatches(new Int32Array(4));
    t.throws(() => random.endBatches(new Int32Array(4)));
  }
});

test('a dataset holds finite numbers in rows', (t) => {
  const of = (
    values: Float64Array | Float32Array | Int32Array,
    rows: number,
    width: number,
    dtype: DType = 'float64',
  ) => new binding.Dataset('x', values, rows, width, dtype);
  t.throws(() => of(new Float64Array(5), 2, 3), { message: /rows x width/ });
  t.throws(() => of(new Float64Array(6), -2, -3), { message: /rows x width/ });
  t.throws(() => of(new Float64Array(0), 2 ** 62, 4), { message: /rows x width/ });
  t.throws(() => of(Float64Array.of(1, 2, 3, Number.NaN), 2, 2), {
    instanceOf: RangeError,
    message: 'Expected x to hold finite numbers, got NaN at row 1, column 1',
  });
  t.throws(() => of(Float64Array.of(1, 1e300), 2, 1, 'float32'), {
    message: "Expected x to hold numbers within float32's range, got 1e+300 at row 1",
  });
  t.throws(() => of(Float32Array.of(Number.NEGATIVE_INFINITY, 1), 1, 2), {
    message: 'Expected x to hold finite numbers, got -Infinity at row 0, column 0',
  });
  for (const from of [Float64Array.of(1, -2), Float32Array.of(1, -2), Int32Array.of(1, -2)]) {
    for (const dtype of ['float64', 'float32'] as const) {
      const plan = new binding.Plan(
        dtype,
        spec({ buffers: [{ offset: 0, size: 2, batched: true }], programs: { p: [] }, report: -1 }),
      );
      const { outputs } = plan.runSync({
        program: 'p',
        inputs: [[0, of(from, 1, 2, dtype)]],
        first: 0,
        count: 1,
        batchSize: 1,
        outputs: [0],
      });
      t.deepEqual(outputs, [FLOATS[dtype].of(1, -2)]);
    }
  }
});

test('networks share the copy of an array until it changes', (t) => {
  const array = new RandomState(0).randn(2000, 3);
  const first = dataset('x', array, 'float64');
  t.is(dataset('x', array, 'float64'), first);
  t.is(dataset('x', array.reshape(-1, 3), 'float64'), first);
  t.not(dataset('x', array.reshape(-1, 2), 'float64'), first);
  const again = dataset('x', array, 'float64');
  t.not(dataset('x', array, 'float32'), again);
  const third = dataset('x', array, 'float64');
  array.data[5999] += 1;
  const changed = dataset('x', array, 'float64');
  t.not(changed, third);
  array.data[0] = Number.NaN;
  t.throws(() => dataset('x', array, 'float64'), { message: /got NaN at row 0, column 0/ });
});

test('a tape of many programs keeps them apart, and views share memory', (t) => {
  const tape = new Tape('float64');
  const x = tape.batched('x', [4]);
  const y = tape.batched('y', [4]);
  const matrix = tape.view(y, [2, 2]);
  tape.program('double');
  tape.emit('matmul', [x, tape.fixed('parameter', 'w', [4, 4]), y], { O: 4, I: 4 });
  tape.program('exp');
  tape.emit('exp', [x, matrix], { N: 4 });
  const plan = tape.compile();
  const input = dataset('x', NDArray.from([[0, 0, 0, 0]]), 'float64');
  const run = (program: string) =>
    plan.runSync({ program, inputs: [[x, input]], first: 0, count: 1, batchSize: 1, outputs: [y] }).outputs;
  t.deepEqual(run('double'), [new Float64Array(4)]);
  t.deepEqual(run('exp'), [new Float64Array(4).fill(1)]);
  t.true(getThreads() >= 1);
});

/** Runs a program of these instructions on tiles of four rows, and on the whole batch. */
function tiledAndWhole(buffers: PlanSpec['buffers'], program: PlanSpec['programs'][string], outputs: number[]) {
  return [4, 1000].map((tileRows) => {
    const plan = new binding.Plan('float64', {
      ...spec(),
      ...{ fixedSize: 64, rowSize: 64, buffers, programs: { p: program }, report: -1, tiled: true, tileRows },
    });
    plan.write(
      0,
      Float64Array.from({ length: 64 }, (_, i) => Math.sin(i)),
    );
    const x = Float64Array.from({ length: 30 }, (_, i) => Math.cos(i));
    const { outputs: rows } = plan.runSync({
      ...{ program: 'p', inputs: [[0, x] as const], first: 0, count: 10, batchSize: 10, outputs },
    });
    const fixed = new Float64Array(64);
    plan.read(0, fixed);
    return [...rows!, fixed];
  });
}

const near = (a: readonly (Float64Array | Float32Array)[], b: readonly (Float64Array | Float32Array)[]) =>
  a.every((values, k) => values.every((x, i) => Math.abs(x - b[k][i]) < 1e-12));

test('what a sum over rows is read for waits for all tiles', (t) => {
  const buffers = [
    { offset: 0, size: 3, batched: true },
    { offset: 16, size: 3, batched: true },
    { offset: 16, size: 9, batched: false },
    { offset: 32, size: 3, batched: true },
    { offset: 32, size: 1, batched: false },
    { offset: 48, size: 1, batched: true },
  ];
  const sums = { kernel: 'weightGradient', buffers: [0, 0, 2], dims: { O: 3, I: 3 }, scalars: {} };
  const reads = { kernel: 'matmul', buffers: [0, 2, 3], dims: { O: 3, I: 3 }, scalars: {} };
  const [tiles, whole] = tiledAndWhole(buffers, [sums, reads], [3]);
  t.true(near(tiles, whole));
  const [again, once] = tiledAndWhole(buffers, [sums, reads, { ...sums, buffers: [3, 0, 2] }], [3]);
  t.true(near(again, once));
});

test('updates behind tiles are made in parts, each of what has its sums, and not of what another part has', (t) => {
  const real = (offset: number, size: number) => ({ offset, size, batched: false });
  const buffers = [
    { offset: 0, size: 7, batched: true },
    real(0, 49),
    real(64, 49), // weights, and from the middle of them on
    real(80, 20),
    real(128, 49),
    real(144, 1),
    real(192, 20),
  ];
  const large = { fixedSize: 256, rowSize: 16, buffers, scalars: [0.5, 0.25, 0], report: -1, tiled: true };
  const sum = { kernel: 'weightGradient', buffers: [0, 0, 1], dims: { O: 7, I: 7 }, scalars: {} };
  const sgd = (dw: number, w: number, N: number) => ({
    ...{ kernel: 'sgd', buffers: [dw, w], dims: { N }, scalars: { eta: 0, lmbd: 1 } },
  });
  const average = { kernel: 'movingAverage', buffers: [2, 4], dims: { N: 49 }, scalars: { momentum: 1 } };
  const squares = { kernel: 'sumSquares', buffers: [5, 2, 5], dims: { N: 49 }, scalars: {} };
  const x = Float64Array.from({ length: 7 * 24 }, (_, i) => Math.cos(i));
  const run = (program: InstructionSpec[], tileRows: number) => {
    const plan = new binding.Plan('float64', { ...large, programs: { p: program }, tileRows });
    plan.write(
      0,
      Float64Array.from({ length: 256 }, (_, i) => Math.sin(i)),
    );
    plan.runSync({ program: 'p', inputs: [[0, x]], first: 0, count: 24, batchSize: 24 });
    const fixed = new Float64Array(256);
    plan.read(0, fixed);
    return fixed;
  };
  const programs: InstructionSpec[][] = [
    [sum, sgd(1, 2, 49), average],
    [sum, sgd(1, 2, 49), sgd(6, 3, 20), average],
    [sum, sgd(6, 3, 20), sgd(1, 2, 49), average],
    [sum, sgd(1, 2, 49), squares, average],
    [sum, { ...sgd(1, 2, 49), when: 2 }, average],
    [sum, sgd(1, 2, 49), sum, sgd(1, 2, 49)],
    [sgd(1, 2, 49), sum, average],
  ];
  for (const [k, program] of programs.entries()) t.true(near([run(program, 4)], [run(program, 1000)]), `program ${k}`);
  t.notDeepEqual(run(programs[1], 4), run(programs[2], 4));
});

test('no tile is empty, however few the rows', (t) => {
  const buffers = [
    { offset: 0, size: 3, batched: true },
    { offset: 16, size: 2, batched: true },
    { offset: 0, size: 6, batched: false },
  ];
  const programs = { p: [{ kernel: 'inputGradient', buffers: [1, 2, 0], dims: { O: 2, I: 3 }, scalars: {} }] };
  for (let tileRows = 1; tileRows < 7; tileRows++) {
    const plan = new binding.Plan('float64', { ...spec(), buffers, programs, report: -1, tiled: true, tileRows });
    plan.write(0, Float64Array.of(1, 0, 0, 1, 1, 1));
    for (let n = 1; n < 40; n++) {
      const dy = Float64Array.from({ length: 2 * n }, (_, i) => i);
      const job = { program: 'p', inputs: [[1, dy] as const], first: 0, count: n, batchSize: n, outputs: [0] };
      const want = Float64Array.from({ length: 3 * n }, (_, k) => {
        const [a, b] = [2 * Math.floor(k / 3), 2 * Math.floor(k / 3) + 1];
        return k % 3 === 0 ? a : k % 3 === 1 ? b : a + b;
      });
      t.deepEqual(plan.runSync(job).outputs, [want], `${n} rows, tiles of ${tileRows}`);
    }
  }
});

test('what one program leaves in its rows another finds there', (t) => {
  const rows = 160;
  const width = 1024; // more than a megabyte in all
  const row = (k: number) => ({ offset: k * width, size: width, batched: true });
  const twice = (from: number, to: number) => [
    { kernel: 'linear', buffers: [from, to], dims: { N: width }, scalars: { scale: 0, shift: 1 } },
  ];
  const plan = new binding.Plan('float64', {
    ...spec(),
    ...{ rowSize: 3 * width, buffers: [row(0), row(1), row(2)], report: -1, tiled: true, tileRows: 4, capacity: rows },
    ...{ scalars: [2, 0], programs: { first: twice(0, 1), second: twice(1, 2) } },
  });
  const x = Float64Array.from({ length: rows * width }, (_, i) => i % 1001);
  const job = { first: 0, count: rows, batchSize: rows };
  plan.runSync({ ...job, program: 'first', inputs: [[0, x] as const] });
  const { outputs } = plan.runSync({ ...job, program: 'second', inputs: [], outputs: [2] });
  t.deepEqual(outputs, [x.map((value) => 4 * value)]);
});

test('sums that lie near each other leave what is between them as it was', (t) => {
  const buffers = [
    { offset: 0, size: 3, batched: true },
    ...[16, 17, 32, 48].map((offset) => ({ offset, size: 1, batched: false })),
    { offset: 16, size: 1, batched: true },
    { offset: 0, size: 3, batched: false },
  ];
  const program: InstructionSpec[] = [
    { kernel: 'matmul', buffers: [0, 6, 5], dims: { O: 1, I: 3 }, scalars: {} },
    ...[1, 3, 4].map((sum) => ({ kernel: 'sumRows', buffers: [5, sum], dims: {}, scalars: {} })),
  ];
  const [tiles, whole] = tiledAndWhole(buffers, program, [5]).map(([rows, fixed]) => [
    rows,
    Float64Array.of(fixed[16], fixed[17], fixed[32], fixed[48]), // what lies between buffers is nobody's
  ]);
  t.true(near(tiles, whole));
  t.is(tiles[1][1], Math.sin(17));
});

test('buffers of other sizes may lie on each other in a tile, too', (t) => {
  const buffers = [
    { offset: 0, size: 3, batched: true },
    { offset: 16, size: 2, batched: true },
    { offset: 0, size: 6, batched: false },
    { offset: 0, size: 2, batched: true }, // on x, whose rows are longer
  ];
  const program: InstructionSpec[] = [
    { kernel: 'matmul', buffers: [0, 2, 1], dims: { O: 2, I: 3 }, scalars: {} },
    { kernel: 'tanh', buffers: [1, 3], dims: { N: 2 }, scalars: {} },
  ];
  const [tiles, whole] = tiledAndWhole(buffers, program, [3]);
  t.true(near(tiles, whole));
});

test('a kernel of the whole batch is refused rows that may lie apart', (t) => {
  const at = (offset: number, batched: boolean) => ({ offset, size: 2, batched });
  const buffers = [at(0, true), ...[0, 2, 4, 6, 8, 10].map((offset) => at(offset, false)), at(16, true)];
  const instruction = {
    ...{ kernel: 'batchNormalization', buffers: [0, 1, 2, -1, 3, 4, 5, 6, 7], dims: { N: 1, C: 2 } },
    scalars: { momentum: 0, epsilon: 1 },
  };
  const made = { ...spec(), buffers, programs: { p: [instruction] }, report: -1, tiled: true };
  const skipped = { kernel: 'tanh', buffers: [0, 7], dims: { N: 2 }, scalars: {}, when: 0 };
  t.throws(() => new binding.Plan('float64', { ...made, programs: { p: [skipped] } }), {
    message: /^Expected 'tanh' \(.*\) to be given batches whose rows lie together/,
  });
  t.throws(() => new binding.Plan('float64', made), {
    message: /^Expected 'batchNormalization' \(.*\) to be given batches whose rows lie together/,
  });
});
