import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { kernels } from 'fjordnet';
import { binding } from '../dist/binding.js';

// What TypeScript's types and the library's own checks keep from the addon, handed to it all the same: plain values of wrong
// kinds, and JavaScript that runs while the addon reads its arguments and pulls the ground from under it. Each is an error,
// or the right result; under AddressSanitizer, too.
const native = binding as any;
const { Plan, Dataset, RandomState } = native;

/** A typed array of the whole length of a buffer that can be emptied at any time. */
function resizable(Type: any, values: number[]) {
  const bytes = values.length * Type.BYTES_PER_ELEMENT;
  const buffer = new (ArrayBuffer as any)(bytes, { maxByteLength: bytes });
  const array = new Type(buffer);
  array.set(values);
  return { array, takeAway: () => buffer.resize(0) };
}

function transferable(Type: any, values: number[]) {
  const array = Type.from(values);
  return { array, takeAway: () => void structuredClone(array.buffer, { transfer: [array.buffer] }) };
}

const KINDS = { resizable, transferable };

/** Does something first whenever this property is read. */
function trap<T extends object>(object: T, key: keyof T, action: () => unknown): T {
  const value = object[key];
  Object.defineProperty(object, key, {
    enumerable: true,
    get: () => {
      action();
      return value;
    },
  });
  return object;
}

const N = 1 << 15;
const ones = new Array<number>(N).fill(1);

for (const [kind, make] of Object.entries(KINDS)) {
  test(`a kernel looks at its arrays after all getters have run: ${kind}`, (t) => {
    const shape = { message: /Expected array 1 of 'leakyRelu' .* to hold 32768 values, got 0/ };
    const ways: ((x: unknown, y: unknown, away: () => void) => [object, unknown[], object])[] = [
      (x, y, away) => [{ B: 1, N }, [x, y], trap({ alpha: 0.1 }, 'alpha', away)],
      (x, y, away) => [trap({ B: 1, N }, 'N', away), [x, y], { alpha: 0.1 }],
      (x, y, away) => [{ B: 1, N }, trap([x, y], 0, away), { alpha: 0.1 }],
      (x, y, away) => [{ B: 1, N }, trap([x, y], 1, away), { alpha: 0.1 }],
      (x, y, away) => [{ B: 1, N }, [x, y], new Proxy({ alpha: 0.1 }, { get: () => away() ?? 0.1 })],
    ];
    for (const way of ways) {
      const { array, takeAway } = make(Float32Array, ones);
      t.throws(() => native.kernel('leakyRelu', ...way(new Float32Array(N), array, takeAway)), shape);
    }
    let looks = 0; // the library's own checks look first
    const { array, takeAway } = make(Float32Array, ones);
    const alpha = {
      get alpha() {
        if (++looks === 2) takeAway();
        return 0.1;
      },
    };
    t.throws(() => kernels.leakyRelu({ B: 1, N }, [new Float32Array(N), array], alpha), shape);
  });

  test(`a synchronous job looks at its arrays after all getters have run: ${kind}`, (t) => {
    for (const key of ['batchSize', 'rows', 'scalars', 'values', 'outputs'] as const) {
      for (const victim of ['input', 'rows', 'values'] as const) {
        const input = make(Float32Array, ones);
        const rows = make(Int32Array, new Array(N / 4).fill(0));
        const values = make(Float64Array, new Array(N / 4).fill(0.5));
        const job = {
          program: 'exp',
          inputs: [[0, input.array]],
          rows: rows.array,
          batchSize: 1,
          scalars: [0],
          values: values.array,
          outputs: [1],
        };
        trap(job as any, key, { input, rows, values }[victim].takeAway);
        const own = plan();
        t.throws(
          () => own.runSync(job),
          { message: /Expected (rows to lie in \[0, 0\)|values to hold one row a step)/ },
          `${key}, ${victim}`,
        );
        t.false(own.busy());
      }
    }
  });

  test(`an array whose memory is gone is an empty one: ${kind}`, (t) => {
    const gone = (Type: any) => {
      const { array, takeAway } = make(Type, [1, 2, 3, 4]);
      takeAway();
      return array;
    };
    t.throws(() => new Dataset('x', gone(Float32Array), 1, 4, 'float32'), { message: /rows x width/ });
    const data = new Dataset('x', Float32Array.of(1, 2, 3, 4), 1, 4, 'float32');
    t.false(data.holds(gone(Float32Array), 4, 'float32'));
    const own = plan();
    own.write(0, gone(Float32Array));
    own.read(0, gone(Float32Array));
    const random = new RandomState(1);
    random.doubles(gone(Float64Array));
    random.gaussians(gone(Float64Array));
    random.bounded(gone(Float64Array), 7);
    random.shuffle(gone(Int32Array));
    random.batches(10, gone(Int32Array), 2);
    const first = new Float64Array(1);
    random.doubles(first);
    const want = new Float64Array(1);
    new RandomState(1).doubles(want);
    t.deepEqual(first, want);
    t.throws(() => random.getState(gone(Uint32Array)), { message: /key of 624 words/ });
    t.throws(() => random.setState(gone(Uint32Array), 0, 0, 0), { message: /key of 624 words/ });
  });
}

/** y = exp(x) by rows of 4 values, as often as wanted. */
const exp = { kernel: 'exp', buffers: [0, 1], dims: { N: 4 }, scalars: {} };
const specification = (changes: object = {}): any => ({
  fixedSize: 16,
  rowSize: 32,
  buffers: [
    { offset: 0, size: 4, batched: true },
    { offset: 16, size: 4, batched: true },
    { offset: 0, size: 4, batched: false },
  ],
  scalars: [1, 1, 1, 1],
  programs: { exp: [exp], long: new Array(400).fill(exp), none: [] },
  report: -1,
  ...changes,
});
function plan(changes: object = {}) {
  return new Plan('float32', specification(changes));
}
const zeros = () => new Dataset('x', new Float32Array(4 * 4096), 4096, 4, 'float32');
const long = (changes: object = {}): any => ({
  program: 'long',
  inputs: [[0, zeros()]],
  first: 0,
  count: 4096,
  batchSize: 1024,
  ...changes,
});

test('a plan looks whether it is busy after all getters have run', async (t) => {
  for (const method of ['run', 'runSync']) {
    for (const key of ['program', 'inputs', 'first', 'count', 'batchSize', 'outputs']) {
      const own = plan();
      let running: Promise<{ steps: number }> | undefined;
      const job = trap(long({ outputs: [1], batchSize: 2048 }), key, () => {
        running ??= own.run(long());
      });
      t.throws(() => own[method](job), { code: 'ERR_BUSY' }, `${method}, ${key}`);
      t.true(own.busy());
      t.is((await running)!.steps, 4);
      t.false(own.busy());
    }
  }
});

test('a job with getters that run the same plan, or change the threads, gives the right result', (t) => {
  const own = plan();
  const before = native.getThreads();
  const job = trap(long({ program: 'exp', outputs: [1] }), 'batchSize', () => {
    own.runSync(long({ batchSize: 4096 }));
    native.setThreads(5);
    new Plan('float32', specification({ capacity: 100 }));
  });
  const { outputs } = own.runSync(job);
  native.setThreads(before);
  t.deepEqual(outputs, [new Float32Array(4 * 4096).fill(1)]);
});

test('what a getter throws comes through, and leaves the plan idle', (t) => {
  const own = plan();
  const error = new Error('mine');
  const fail = () => {
    throw error;
  };
  for (const key of ['program', 'inputs', 'first', 'count', 'batchSize'])
    for (const method of ['run', 'runSync'])
      t.is(
        t.throws(() => own[method](trap(long(), key, fail))),
        error,
      );
  for (const key of ['fixedSize', 'rowSize', 'buffers', 'scalars', 'programs', 'report'])
    t.is(
      t.throws(() => plan(trap(specification(), key as never, fail))),
      error,
    );
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  t.throws(() => own.run(revoked.proxy), { instanceOf: TypeError });
  t.throws(() => new Plan('float32', revoked.proxy), { instanceOf: TypeError });
  t.false(own.busy());
  t.is(own.runSync(long()).steps, 4);
});

/** Stand in for every argument and property in turn: those that are of no use anywhere, and those that are somewhere. */
const useless = [null, true, Symbol('s'), 1n, { valueOf: () => 1 }, new Number(1), new DataView(new ArrayBuffer(8))];
const numbers = [0.5, -0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 63, -(2 ** 70), 2 ** 32, -(2 ** 32), 1e9, -1];
const others = [
  undefined,
  'x',
  () => 0,
  {},
  [],
  new Array(2 ** 32 - 1),
  [undefined],
  new Proxy([], {}),
  new Proxy({}, {}),
  new (class extends Array {})(),
  new Uint8Array(4),
  new Float64Array(4),
  new (class extends Float32Array {})(4),
  new Proxy(new Float32Array(4), {}),
  new SharedArrayBuffer(8),
];

/** Calls with each value: refused by a sentence of ours, or taken; refused whatever is of no use. */
function refuses(t: ExecutionContext, name: string, call: (value: any) => unknown, taken: (value: any) => boolean) {
  for (const value of [...useless, ...numbers, ...others]) {
    const what = `${name}: ${typeof value} ${typeof value === 'object' && value ? value.constructor.name : String(value)}`;
    try {
      call(value);
      t.true(taken(value), `${what} was taken`);
    } catch (error: any) {
      t.regex(error.message, /^Expected /, what);
      t.regex(error.name, /^(Type|Range)?Error$/, what);
    }
  }
}

const never = () => false;
const isText = (value: any) => typeof value === 'string';
const isNumber = (value: any) => typeof value === 'number';
const isLarge = (value: any) => isNumber(value) && value >= 1e9 && value <= 2 ** 32;
const isSafe = (low: number, high: number) => (value: any) => Number.isInteger(value) && value >= low && value <= high;
const isObject = (value: any) => (typeof value === 'object' || typeof value === 'function') && value !== null;
const orUndefined = (taken: (value: any) => boolean) => (value: any) => value === undefined || taken(value);

test('a specification refuses values of other kinds, wherever they stand', (t) => {
  const buffer = { offset: 0, size: 4, batched: true };
  const programs = (changes: object) => ({ programs: { p: [{ ...exp, ...changes }] } });
  const places: Record<string, [put: (value: any) => object, taken: (value: any) => boolean]> = {
    fixedSize: [(fixedSize) => ({ fixedSize }), never],
    rowSize: [(rowSize) => ({ rowSize }), never],
    int32FixedSize: [(int32FixedSize) => ({ int32FixedSize }), (value) => value === undefined],
    int32RowSize: [(int32RowSize) => ({ int32RowSize }), (value) => value === undefined],
    capacity: [(capacity) => ({ capacity, rowSize: 32 }), (value) => value === undefined],
    report: [(report) => ({ report }), orUndefined(isSafe(-(2 ** 31), 2))],
    buffers: [(buffers) => ({ buffers }), never],
    buffer: [(value) => ({ buffers: [buffer, value] }), never],
    offset: [(offset) => ({ buffers: [buffer, { ...buffer, offset }] }), never],
    size: [(size) => ({ buffers: [buffer, { ...buffer, size }] }), never],
    'dtype of a buffer': [
      (dtype) => ({ buffers: [buffer, { ...buffer, offset: 16, dtype }] }),
      (value) => value === undefined,
    ],
    name: [(name) => ({ buffers: [buffer, { ...buffer, offset: 16, name }] }), orUndefined(isText)],
    scalars: [(scalars) => ({ scalars }), (value) => Array.isArray(value) && value.length === 0],
    scalar: [(value) => ({ scalars: [value] }), isNumber],
    programs: [(value) => ({ programs: value }), isObject],
    program: [(p) => ({ programs: { p } }), (value) => Array.isArray(value) && value.length === 0],
    instruction: [(value) => ({ programs: { p: [value] } }), never],
    kernel: [(kernel) => programs({ kernel }), never],
    node: [(node) => programs({ node }), orUndefined(isText)],
    operands: [(buffers) => programs({ buffers }), never],
    operand: [(value) => programs({ buffers: [0, value] }), never],
    dims: [(dims) => programs({ dims }), never],
    dim: [(value) => programs({ dims: { N: value } }), never],
    'scalars of an instruction': [(scalars) => programs({ scalars }), isObject],
    'scalar of an instruction': [(eta) => programs({ scalars: { eta } }), isSafe(-(2 ** 31), 2 ** 31 - 1)],
  };
  for (const [name, [put, taken]] of Object.entries(places)) {
    const isSize = ['fixedSize', 'rowSize', 'int32FixedSize', 'int32RowSize', 'capacity'].includes(name); // sizes of gigabytes may be had
    refuses(t, name, (value) => plan(put(isSize && isLarge(value) ? Number.NaN : value)), taken);
  }
  t.throws(() => plan({ fixedSize: 0.5 }), { message: 'Expected fixedSize to be an integer, got 0.5' });
  t.throws(() => plan(programs({ buffers: [0, 2 ** 32 + 1] })), {
    message: 'Expected programs.p[0].buffers[1] to be an integer in [-2147483648, 2147483647], got 4294967297',
  });
});

test('a job refuses values of other kinds, wherever they stand', async (t) => {
  const own = plan();
  const job = (changes: object) => long({ program: 'exp', outputs: [1], ...changes });
  const stepped = (changes: object) => job({ scalars: [1], values: new Float64Array(4), ...changes });
  const places: Record<string, [put: (value: any) => object, taken: (value: any) => boolean]> = {
    program: [(program) => job({ program }), never],
    inputs: [(inputs) => job({ inputs }), (value) => Array.isArray(value) && value.length === 0],
    input: [(value) => job({ inputs: [value] }), never],
    'buffer of an input': [(value) => job({ inputs: [[value, zeros()]] }), never],
    'samples of an input': [
      (value) => job({ inputs: [[0, value]], count: 1 }),
      (value) => value instanceof Float32Array,
    ],
    rows: [(rows) => job({ rows }), (value) => value === undefined],
    first: [(first) => job({ first }), never],
    count: [(count) => job({ count }), never],
    batchSize: [(batchSize) => job({ batchSize }), isSafe(1, 2 ** 32)],
    period: [(period) => job({ period }), orUndefined(isSafe(0, 2 ** 32))],
    scalars: [(scalars) => stepped({ scalars }), (value) => value === undefined],
    scalar: [(value) => stepped({ scalars: [value] }), never],
    values: [(values) => stepped({ values }), (value) => value instanceof Float64Array],
    outputs: [(outputs) => job({ outputs }), orUndefined((value) => Array.isArray(value) && value.length === 0)],
    output: [(value) => job({ outputs: [value] }), never],
  };
  for (const [name, [put, taken]] of Object.entries(places)) {
    refuses(t, name, (value) => own.runSync(put(value)), taken);
    t.false(own.busy(), name);
  }
  refuses(t, 'job', (value) => own.runSync(value), never);
  refuses(t, 'job', (value) => own.run(value), never);
  t.throws(() => own.runSync(job({ count: Number.NaN })), { message: 'Expected count to be an integer, got NaN' });
  t.throws(() => own.runSync({}), { message: 'Expected program to be a string, got undefined' });
  t.is((await own.run(job({}))).steps, 4);
});

test('a job of more steps than fit into memory has no row of values for each', (t) => {
  // 4 scalars x 2^62 steps are 0 values modulo 2^64
  const job = { program: 'none', inputs: [], first: 0, count: 2 ** 62, batchSize: 1, scalars: [0, 1, 2, 3] };
  t.throws(() => plan().runSync({ ...job, values: new Float64Array(0) }), { message: /^Expected/ });
});

test('methods and functions refuse values of other kinds, and missing ones', (t) => {
  const own = plan();
  const four = () => new Float32Array(4);
  const first = own.direct('exp', [0], [1]);
  own.runDirect(first, 3, Float32Array.of(0, 0, 0, 0), four());
  t.throws(() => own.runDirect(first, 1, new Float32Array(5), four()), { message: /^Expected arrays of as many rows/ });
  t.throws(() => own.runDirect(first, 1, new Float32Array(8), four()), { message: /^Expected arrays of as many rows/ });
  t.throws(() => own.direct('exp', [2], [1]), { message: 'Expected inputs to be batched buffers' });
  const random = new RandomState(1);
  const data = new Dataset('x', new Float32Array(4), 1, 4, 'float32');
  const isWide = (value: any) => value instanceof Float64Array;
  const isFloats = (value: any) => isWide(value) || value instanceof Float32Array;
  const calls: Record<string, [call: (value: any) => unknown, taken: (value: any) => boolean]> = {
    'new Plan: dtype': [(value) => new Plan(value, specification()), never],
    'new Plan: specification': [(value) => new Plan('float32', value), never],
    'new Dataset: name': [
      (value) => new Dataset(value, new Float32Array(4), 1, 4, 'float32'),
      (value) => value === 'x',
    ],
    'new Dataset: values': [
      (value) => new Dataset('x', value, 1, 4, 'float32'),
      (value) => isWide(value) || value instanceof Float32Array,
    ],
    'new Dataset: rows': [(value) => new Dataset('x', new Float32Array(4), value, 4, 'float32'), never],
    'new Dataset: width': [(value) => new Dataset('x', new Float32Array(4), 1, value, 'float32'), never],
    'new Dataset: dtype': [(value) => new Dataset('x', new Float32Array(4), 1, 4, value), never],
    'holds: values': [(value) => data.holds(value, 4, 'float32'), ArrayBuffer.isView],
    'holds: width': [(value) => data.holds(new Float32Array(4), value, 'float32'), isSafe(-(2 ** 62), 2 ** 62)],
    'holds: dtype': [(value) => data.holds(new Float32Array(4), 4, value), never],
    'read: offset': [(value) => own.read(value, new Float32Array(4)), never],
    'read: into': [(value) => own.read(0, value), (value) => value instanceof Float32Array],
    'write: offset': [(value) => own.write(value, new Float32Array(4)), never],
    'write: from': [(value) => own.write(0, value), (value) => value instanceof Float32Array],
    'direct: program': [(value) => own.direct(value, [0], [1]), never],
    'direct: inputs': [(value) => own.direct('exp', value, [1]), Array.isArray],
    'direct: an input': [(value) => own.direct('exp', [value], [1]), isSafe(0, 1)],
    'direct: an output': [(value) => own.direct('exp', [0], [value]), isSafe(0, 1)],
    'runDirect: number': [(value) => own.runDirect(value, 1, four(), four()), (value) => value === 0],
    'runDirect: batchSize': [(value) => own.runDirect(first, value, four(), four()), isSafe(1, 2 ** 62)],
    'runDirect: input': [(value) => own.runDirect(first, 1, value, four()), (value) => value instanceof Float32Array],
    'runDirect: output': [(value) => own.runDirect(first, 1, four(), value), (value) => value instanceof Float32Array],
    'runsByRows: kernel': [(value) => native.runsByRows(value, {}), never],
    'runsByRows: dims': [(value) => native.runsByRows('exp', value), never],
    'runsByRows: N': [(value) => native.runsByRows('exp', { N: value }), isSafe(1, 2 ** 50)],
    'new RandomState': [(value) => new RandomState(value), isSafe(0, 2 ** 32 - 1)],
    doubles: [(value) => random.doubles(value), isFloats],
    gaussians: [(value) => random.gaussians(value), isWide],
    'bounded: out': [(value) => random.bounded(value, 3), isWide],
    'bounded: max': [(value) => random.bounded(new Float64Array(4), value), isSafe(0, 2 ** 53 - 1)],
    shuffle: [(value) => random.shuffle(value), never],
    'batches: n': [(value) => random.batches(value, new Int32Array(0), 1), isSafe(1, 2 ** 31 - 1)],
    'batches: out': [(value) => random.batches(4, value, 2), never],
    'batches: size': [(value) => random.batches(4, new Int32Array(4), value), never],
    'beginBatches: n': [(value) => random.beginBatches(value, 0, 1), isSafe(1, 2 ** 31 - 1)],
    'beginBatches: count': [(value) => random.beginBatches(4, value, 3), (value) => value === 0],
    'beginBatches: size': [(value) => random.beginBatches(4, 4, value), never],
    endBatches: [(value) => random.endBatches(value), never],
    getState: [(value) => random.getState(value), never],
    'setState: key': [(value) => random.setState(value, 0, 0, 0), never],
    'setState: pos': [(value) => random.setState(new Uint32Array(624), value, 0, 0), never],
    'setState: hasGauss': [(value) => random.setState(new Uint32Array(624), 0, value, 0), never],
    'setState: gauss': [(value) => random.setState(new Uint32Array(624), 0, 0, value), isNumber],
    'kernel: name': [(value) => native.kernel(value, {}, [], {}), never],
    'kernel: dims': [(value) => native.kernel('exp', value, [new Float32Array(4), new Float32Array(4)], {}), never],
    'kernel: B': [(value) => kernelOf({ dims: { B: value, N: 4 } }), never],
    'kernel: N': [(value) => kernelOf({ dims: { B: 1, N: value } }), never],
    'kernel: arrays': [(value) => kernelOf({ arrays: value }), never],
    'kernel: first array': [
      (value) => kernelOf({ arrays: [value, new Float32Array(4)] }),
      (value) => value instanceof Float32Array,
    ],
    'kernel: second array': [
      (value) => kernelOf({ arrays: [new Float32Array(4), value] }),
      (value) => value instanceof Float32Array,
    ],
    'kernel: scalars': [(value) => kernelOf({ scalars: value }), never],
    'kernel: scalar': [(value) => kernelOf({ scalars: { alpha: value } }), isNumber],
  };
  for (const [name, [call, taken]] of Object.entries(calls)) refuses(t, name, call, taken);
  for (const call of [
    () => new Plan(),
    () => new Dataset(),
    () => new RandomState(),
    () => native.kernel(),
    () => own.read(),
  ])
    t.throws(call, { message: /^Expected .*, got undefined$/ });

  const before = native.getThreads();
  for (const value of [...useless, ...others, 0.5, Number.NaN])
    t.throws(() => native.setThreads(value), { message: /^Expected threads to be an integer, got / });
  t.is(native.getThreads(), before);
});

function kernelOf(changes: object) {
  const arrays = [new Float32Array(4), new Float32Array(4)];
  const call = { dims: { B: 1, N: 4 }, arrays, scalars: { alpha: 0.1 }, ...changes };
  return native.kernel('leakyRelu', call.dims, call.arrays, call.scalars);
}

test('typed arrays of shared memory and of subclasses are typed arrays', (t) => {
  class Mine extends Float32Array {}
  const shared = new Float32Array(new SharedArrayBuffer(16));
  for (const x of [new Mine(4), shared, new Float32Array(new (ArrayBuffer as any)(16, { maxByteLength: 64 }))]) {
    const y = new Float32Array(4);
    x.set([1, -1, 2, -10]);
    kernels.leakyRelu({ B: 1, N: 4 }, [x, y], { alpha: 0.5 });
    t.deepEqual(y, Float32Array.of(1, -0.5, 2, -5));
    kernels.leakyRelu({ B: 1, N: 4 }, [y, x], { alpha: 0.5 });
    t.deepEqual([...x], [1, -0.25, 2, -2.5]);
    const data = new Dataset('x', x, 1, 4, 'float32');
    t.true(data.holds(x, 4, 'float32'));
    const own = plan();
    t.deepEqual(
      own.runSync(long({ program: 'exp', inputs: [[0, x]], count: 1, outputs: [1] })).outputs[0][0],
      Math.fround(Math.E),
    );
  }
});

test('a method of a half-made or borrowed object is refused', (t) => {
  let made: any;
  class Half extends Plan {
    constructor() {
      super(
        'float32',
        trap(specification(), 'rowSize' as never, () => {
          made = Object.create(Half.prototype);
          t.throws(() => made.runSync(long()), { instanceOf: TypeError });
        }),
      );
    }
  }
  t.is((new Half() as any).runSync(long()).steps, 4);
  const odd: any = Reflect.construct(Plan, ['float32', specification()], RandomState);
  t.throws(() => odd.doubles(new Float64Array(4)), { instanceOf: TypeError });
  t.is(Plan.prototype.runSync.call(odd, long()).steps, 4);
  for (const target of [Object, Date, Map]) {
    const bare = Reflect.construct(Dataset, ['x', new Float32Array(4), 1, 4, 'float32'], target as never);
    t.true(Dataset.prototype.holds.call(bare, new Float32Array(4), 4, 'float32'));
  }
  t.throws(() => Plan.prototype.runSync.call(new Proxy(plan(), {}), long()), { instanceOf: TypeError });
});

test('a Dataset of another copy of the addon is none', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fjordnet-copy-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = process.env.FJORDNET_NATIVE ?? fileURLToPath(new URL('../build/Release/fjordnet.node', import.meta.url));
  copyFileSync(file, join(folder, 'fjordnet.node'));
  const copy = createRequire(import.meta.url)(join(folder, 'fjordnet.node'));
  const theirs = new copy.Dataset('x', new Float32Array(4), 1, 4, 'float32');
  t.throws(() => plan().runSync(long({ inputs: [[0, theirs]], count: 1 })), { message: 'Expected a Dataset' });
  const both = new copy.Plan('float32', specification());
  t.is(both.runSync(long({ inputs: [[0, theirs]], count: 1 })).steps, 1);
});
