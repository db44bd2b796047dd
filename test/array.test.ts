import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import fc from 'fast-check';
import { type ArrayInput, type DType, KMeans, linspace, logspace, NDArray, StandardScaler } from 'fjordnet';
import type { Halves } from '../dist/array/memory.js';
import { argmaxRows, asArray, checkArray, toMatrix } from '../dist/array.js';

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../test/fixtures/${name}.json`, import.meta.url), 'utf8'));

const transferred = () => {
  const x = new Float64Array(4);
  structuredClone(x, { transfer: [x.buffer] });
  return x;
};

test('from reads nested arrays, typed arrays and NDArrays, and keeps their dtype', (t) => {
  const cases: [ArrayInput, DType, number[], number[]][] = [
    [[1, 2, 3], 'float64', [3], [1, 2, 3]],
    [
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      'float64',
      [2, 3],
      [1, 2, 3, 4, 5, 6],
    ],
    [
      [
        [[1], [2]],
        [[3], [4]],
      ],
      'float64',
      [2, 2, 1],
      [1, 2, 3, 4],
    ],
    [[], 'float64', [0], []],
    [[[], []], 'float64', [2, 0], []],
    [[new Float64Array([1, 2]), new Float64Array([3, 4])], 'float64', [2, 2], [1, 2, 3, 4]],
    [new Float64Array([0.1]), 'float64', [1], [0.1]],
    [new Float32Array([0.5, 2]), 'float32', [2], [0.5, 2]],
    [new Int32Array([-1, 7]), 'int32', [2], [-1, 7]],
    [new Uint8Array([0, 255]), 'int32', [2], [0, 255]],
    [new Uint8ClampedArray([0, 300]), 'int32', [2], [0, 255]],
    [new Int8Array([-128, 127]), 'int32', [2], [-128, 127]],
    [new Int16Array([-32768, 32767]), 'int32', [2], [-32768, 32767]],
    [new Uint16Array([0, 65535]), 'int32', [2], [0, 65535]],
    [[new Int16Array([-1, 2]), new Int16Array([3, 4])], 'float64', [2, 2], [-1, 2, 3, 4]],
    [Buffer.from([3, 4]), 'int32', [2], [3, 4]],
    [NDArray.from([[1, 2]]), 'float64', [1, 2], [1, 2]],
  ];
  for (const [x, dtype, shape, data] of cases) {
    const array = NDArray.from(x);
    t.is(array.dtype, dtype);
    t.deepEqual([...array.shape], shape);
    t.deepEqual([...array.data], data);
    t.is(array.size, data.length);
    t.is(array.length, shape[0]);
  }
});

const halves = 'Float16Array' in globalThis ? test : test.skip; // Node.js 24

halves('Float16Array is float32, alone, in lists and behind strides', (t) => {
  const { Float16Array } = globalThis as unknown as { Float16Array: new (values: number[]) => Halves };
  const x = new Float16Array([0.5, 1 / 3, -65504, Number.NaN]);
  const rounded = [0.5, 0.333251953125, -65504, Number.NaN];
  const array = NDArray.from(x, { shape: [2, 2] });
  t.deepEqual([array.dtype, [...array.data]], ['float32', rounded]);
  const both = NDArray.from([x, x]);
  t.deepEqual([both.dtype, both.toArray()], ['float32', [rounded, rounded]]);
  const strided = NDArray.from({ data: x, shape: [2], stride: [2], offset: 0 });
  t.deepEqual([strided.dtype, [...strided.data]], ['float32', [0.5, -65504]]);
  t.deepEqual(new StandardScaler().fit({ a: new Float16Array([1, 3]) }).mean.toArray(), [2]);
});

test('from copies, wrap does not', (t) => {
  for (const x of [new Float64Array([1, 2]), new Float32Array([1, 2]), new Int32Array([1, 2]), Buffer.from([1, 2])]) {
    NDArray.from(x).data[0] = 9;
    t.is(x[0], 1);
  }
  const a = NDArray.from([1, 2]);
  NDArray.from(a).data[0] = 9;
  t.is(a.data[0], 1);
  const memory = new Float64Array([1, 2]);
  NDArray.wrap(memory).data[0] = 9;
  t.is(memory[0], 9);
  t.is(asArray('x', memory).data, memory);
});

test('from converts to a shape and a dtype', (t) => {
  const a = NDArray.from([1, 2, 3, 4, 5, 6], { shape: [2, -1], dtype: 'int32' });
  t.deepEqual(a.toArray(), [
    [1, 2, 3],
    [4, 5, 6],
  ]);
  t.true(a.data instanceof Int32Array);
  t.is(NDArray.from([0.1], { dtype: 'float32' }).data[0], Math.fround(0.1));
  t.is(NDArray.from([1e300], { dtype: 'float32' }).data[0], Number.POSITIVE_INFINITY);
  const wrong: [number, string][] = [
    [1.5, '1.5'],
    [2 ** 31, '2147483648'],
    [Number.NaN, 'NaN'],
  ];
  for (const [value, text] of wrong)
    t.throws(() => NDArray.from([[0, value]], { dtype: 'int32' }), {
      instanceOf: RangeError,
      message: `Expected x to hold 32-bit integers, got ${text} at row 0, column 1`,
    });
  t.throws(() => NDArray.from([1, 2], { shape: [3] }), { message: 'Expected shape to hold 2 elements, got [3]' });
  t.throws(() => NDArray.from([1], { dtype: 'float16' as DType }), {
    message: /^Expected dtype to be one of 'float64'/,
  });
  t.throws(() => NDArray.from([1], { dype: 'int32' } as object), {
    message: /no option 'dype' \(did you mean 'dtype'\?\)/,
  });
});

test('from refuses what is not an array of numbers, in one sentence', (t) => {
  const cases: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [[[1, 2], [3]], RangeError, 'Expected x[1] to be an array of length 2, as the ones before it are, got Array(1)'],
    [[[1, 2], 3], TypeError, 'Expected x[1] to be an array of length 2, as the ones before it are, got 3 (number)'],
    [[1, [2]], TypeError, 'Expected x[1] to be a number, got Array(1)'],
    [
      [
        [[1], [2]],
        [[3], [4, 5]],
      ],
      RangeError,
      'Expected x[1][1] to be an array of length 1, as the ones before it are, got Array(2)',
    ],
    [
      [
        [1, 2],
        [3, '4'],
      ],
      TypeError,
      "Expected x[1][1] to be a number, got '4' (string)",
    ],
    [[1, null], TypeError, 'Expected x[1] to be a number, got null'],
    [[true], TypeError, 'Expected x[0] to be a number, got true (boolean)'],
    [new Array(2), TypeError, 'Expected x[0] to be a number, got undefined'],
    [undefined, TypeError, 'Expected x to be an array of numbers, got undefined'],
    [3, TypeError, 'Expected x to be an array of numbers, got 3 (number)'],
    [{ length: 1, 0: 5 }, TypeError, 'Expected x to be an array of numbers, got {"0":5,"length":1}'],
    [
      new BigInt64Array(2),
      TypeError,
      'Expected x to be a Float64Array, Float32Array, Int32Array, Uint8Array or an array of numbers, got BigInt64Array(2)',
    ],
    [transferred(), TypeError, 'Expected x to own its memory, got a detached Float64Array (it was transferred)'],
    [
      [[1, 2, 3, 4], transferred()],
      TypeError,
      'Expected x[1] to own its memory, got a detached Float64Array (it was transferred)',
    ],
  ];
  for (const [x, instanceOf, message] of cases) t.throws(() => NDArray.from(x as ArrayInput), { instanceOf, message });
  const array = NDArray.from([1, 2]);
  structuredClone(array.data, { transfer: [array.data.buffer as ArrayBuffer] });
  t.throws(() => NDArray.from(array), {
    message: 'Expected x to own its memory, got a detached Float64Array (it was transferred)',
  });
  t.notThrows(() => NDArray.from(new Float64Array(0)));
});

/** ArrayBuffers that can be resized are newer than TypeScript's ES2023. */
type Resizable = ArrayBuffer & { resize(bytes: number): void };
const ResizableBuffer = ArrayBuffer as unknown as new (bytes: number, options: { maxByteLength: number }) => Resizable;
const resizable = (bytes: number, most: number) => new ResizableBuffer(bytes, { maxByteLength: most });

test('memory of every kind is read, and refused where it is gone', (t) => {
  const filled = <A extends Float64Array<ArrayBufferLike>>(x: A) => {
    x.set([1, 2, 3]);
    return x;
  };
  const buffers = [new ArrayBuffer(24), new SharedArrayBuffer(24), resizable(24, 48)];
  for (const buffer of buffers) {
    const x = filled(new Float64Array(buffer));
    t.deepEqual(NDArray.from(x).toArray(), [1, 2, 3]);
    t.deepEqual(NDArray.wrap(x).take([2, 0]).toArray(), [3, 1]);
  }
  class Odd extends Float64Array {
    static get [Symbol.species]() {
      return Array as never;
    }
  }
  const odd = NDArray.wrap(Odd.from({ length: 32 }, (_, i) => i) as Float64Array, [2, 16]);
  t.deepEqual(odd.take([1]).toArray(), [Array.from({ length: 16 }, (_, i) => 16 + i)]);

  const buffer = resizable(24, 48);
  const whole = NDArray.wrap(filled(new Float64Array(buffer)));
  const end = new Float64Array(buffer, 8, 2);
  const gone = (what: string, why: string) => ({
    instanceOf: TypeError,
    message: `Expected ${what} to own its memory, got a detached Float64Array (${why})`,
  });
  for (const bytes of [16, 32]) {
    buffer.resize(bytes);
    for (const use of [() => whole.take([0]), () => whole.toArray(), () => String(whole)])
      t.throws(use, gone('array', 'its buffer was resized'));
    t.throws(() => NDArray.from(whole), gone('x', 'its buffer was resized'));
    t.is(inspect(whole), 'NDArray float64 [3]\n(its memory was transferred)');
  }
  buffer.resize(8);
  t.throws(() => NDArray.from(end), gone('x', 'it was transferred'));
  t.throws(() => NDArray.from([end]), gone('x[0]', 'it was transferred'));
  t.throws(() => NDArray.wrap(end), gone('data', 'it was transferred'));
});

test('arrays are read once, and no further than they reach', (t) => {
  const shrinking = [1, 2, 3];
  Object.defineProperty(shrinking, 1, {
    get() {
      shrinking.length = 2;
      return 2;
    },
    configurable: true,
  });
  t.throws(() => NDArray.from(shrinking), { message: 'Expected x[2] to be a number, got undefined' });
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  t.throws(() => NDArray.from(cyclic as never), { message: 'Expected x to be of at most 64 dimensions, got Array(1)' });
  t.throws(() => NDArray.from([new Number(3)] as never), { message: 'Expected x[0] to be a number, got Number' });
  t.throws(() => NDArray.from(new Array(2 ** 32 - 1)), { code: 'ERR_MEMORY' });
  t.throws(() => NDArray.zeros([2 ** 26, 2 ** 26]), { code: 'ERR_MEMORY' });
  t.true(Object.is(NDArray.from([-0]).data[0], -0));
  t.throws(() => NDArray.from([Number.NaN], { dtype: 'int32' }), { instanceOf: RangeError });
});

test('wrap takes the three types and shapes of their length', (t) => {
  const x = new Float64Array(6);
  t.throws(() => NDArray.wrap(new Uint8Array(2) as never), {
    message: 'Expected data to be a Float64Array, Float32Array or Int32Array, got Uint8Array(2)',
  });
  t.throws(() => NDArray.wrap(x, [-2, -3]), {
    message: 'Expected shape[0] to be a non-negative integer, got -2 (number)',
  });
  t.throws(() => NDArray.wrap(x, [1.5, 4]), {
    message: 'Expected shape[0] to be a non-negative integer, got 1.5 (number)',
  });
  t.throws(() => NDArray.wrap(x, new Array(2)), {
    message: 'Expected shape[0] to be a non-negative integer, got undefined',
  });
  t.throws(() => NDArray.wrap(x, [5]), { message: 'Expected shape to hold 6 elements, got [5]' });
});

test('reshape shares memory and infers one dimension', (t) => {
  const a = NDArray.from([1, 2, 3, 4, 5, 6]);
  t.deepEqual(a.reshape(3, -1).toArray(), [
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  t.deepEqual([...a.reshape([-1]).shape], [6]);
  t.is(a.reshape(2, 3).data, a.data);
  t.is(a.reshape(1, 1, 6).reshape(6).ndim, 1);
  t.is(NDArray.from([7]).reshape().toArray<number>(), 7);
  for (const shape of [[4], [-1, 4], [-1, -1], [0, -1], [7]])
    t.throws(() => a.reshape(...shape), {
      instanceOf: RangeError,
      message: `Expected shape to hold 6 elements, got [${shape.join(', ')}]`,
    });
  t.throws(() => a.reshape(1.5, 4), { message: 'Expected shape[0] to be an integer >= -1, got 1.5 (number)' });
  t.throws(() => a.reshape('6' as unknown as number), { instanceOf: TypeError });
});

test('take gathers rows as NumPy does', (t) => {
  const a = NDArray.from(
    [
      [0, 1],
      [2, 3],
      [4, 5],
    ],
    { dtype: 'int32' },
  );
  t.deepEqual(a.take([2, 0, -1, 2]).toArray(), [
    [4, 5],
    [0, 1],
    [4, 5],
    [4, 5],
  ]);
  t.deepEqual(
    a
      .take([
        [0, 1],
        [1, 2],
      ])
      .toArray(),
    [
      [
        [0, 1],
        [2, 3],
      ],
      [
        [2, 3],
        [4, 5],
      ],
    ],
  );
  t.is(a.take([1]).dtype, 'int32');
  t.deepEqual([...a.take([]).shape], [0, 2]);
  t.deepEqual(
    NDArray.from([5, 6])
      .take(new Uint8Array([1]))
      .toArray(),
    [6],
  );
  const wide = NDArray.from(
    Float64Array.from({ length: 60 }, (_, i) => i),
    { shape: [3, 20] },
  );
  t.deepEqual(
    wide
      .take([-1, 1])
      .toArray<number[][]>()
      .map((row) => row[19]),
    [59, 39],
  );
  for (const row of [3, -4, 0.5, Number.NaN])
    t.throws(() => a.take([0, row]), {
      instanceOf: RangeError,
      message: `Expected rows[1] to be a row of 3, got ${row} (number)`,
    });
  t.throws(() => NDArray.from([1]).reshape().take([0]), { instanceOf: TypeError });
});

test('from and toArray are inverse', (t) => {
  const shape = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(shape, fc.constantFrom<DType>('float64', 'float32', 'int32'), (dims, dtype) => {
      const a = NDArray.zeros(dims, dtype);
      for (let i = 0; i < a.size; i++) a.data[i] = i;
      const b = NDArray.from(a.toArray() as number[], { dtype });
      t.deepEqual(b, a);
    }),
  );
});

test('JavaScript’s operators are refused, beside text it is its text', (t) => {
  const x = NDArray.from([1, 2]) as any;
  for (const use of [
    () => x / 255,
    () => x - x,
    () => -x,
    () => x > 1,
    () => Math.exp(x),
    () => Number(NDArray.from([1])),
  ])
    t.throws(use, {
      instanceOf: TypeError,
      message: /^Expected an operator of JavaScript .*got an NDArray \(of all numbers: /,
    });
  t.is(`x ${x}`, 'x [1. 2.]');
  t.is(
    ['x ', x].reduce((a, b) => a + b),
    'x [1. 2.]',
  );
  t.is(2 * (NDArray.from([3]).reshape() as any), 6);
});

test('toString prints what NumPy prints', (t) => {
  const kinds = { float64: Float64Array, float32: Float32Array, int32: Int32Array };
  const cases = fixture('array-print');
  t.true(cases.length >= 29);
  for (const { dtype, shape, data, text } of cases) {
    const size = shape.reduce((a: number, b: number) => a * b, 1);
    const values = data === 'arange' ? Array.from({ length: size }, (_, i) => i) : data;
    const numbers = values.map((v: number | string) =>
      typeof v === 'string' ? Number(v.replace('inf', 'Infinity')) : v,
    );
    t.is(NDArray.wrap(kinds[dtype as DType].from(numbers), shape).toString(), text);
  }
  t.is(
    inspect(
      NDArray.from([
        [1, 2],
        [3, 4.5],
      ]),
    ),
    'NDArray float64 [2, 2]\n[[1.  2. ]\n [3.  4.5]]',
  );
});

test('linspace and logspace are NumPy’s', (t) => {
  // np.linspace, to the last bit
  t.deepEqual(
    [...linspace(0, 1, 11).data],
    [0, 0.1, 0.2, 0.30000000000000004, 0.4, 0.5, 0.6000000000000001, 0.7000000000000001, 0.8, 0.9, 1],
  );
  t.deepEqual([...linspace(3, 3, 3).data], [3, 3, 3]);
  t.deepEqual([...linspace(2, 5, 1).data], [2]);
  t.is(linspace(2, 5, 0).length, 0);
  t.is(linspace(0, 1).length, 50);
  // 1 / 3 * 5e-324 underflows: NumPy then divides before it multiplies.
  t.deepEqual([...linspace(0, 5e-324, 4).data], [0, 0, 5e-324, 5e-324]);
  t.deepEqual([...logspace(-5, 1, 7).data], [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10]);
  t.deepEqual([...logspace(-300, 300, 3).data], [1e-300, 1, 1e300]);
  // np.logspace(-3, 3, 13) where NumPy calls glibc's pow
  t.deepEqual(
    [...logspace(-3, 3, 13).data],
    [
      0.001, 0.0031622776601683794, 0.01, 0.03162277660168379, 0.1, 0.31622776601683794, 1, 3.1622776601683795, 10,
      31.622776601683793, 100, 316.22776601683796, 1000,
    ],
  );
  t.deepEqual([...logspace(-2000, 2000, 2).data], [0, Number.POSITIVE_INFINITY]);
  t.throws(() => linspace(Number.NaN, 1, 3), { message: 'Expected start to be a finite number, got NaN (number)' });
  t.throws(() => linspace(0, 1, -1), { message: 'Expected num to be a non-negative integer, got -1 (number)' });
});

test('logspace increases strictly and stays near Math.pow', (t) => {
  fc.assert(
    fc.property(fc.double({ min: -300, max: 300, noNaN: true }), (y) => {
      const [power] = logspace(y, y, 1).data;
      t.true(Math.abs(power / 10 ** y - 1) < 1e-13);
      t.true(logspace(y + 1e-6, y + 1e-6, 1).data[0] > power);
    }),
  );
});

test('toMatrix and checkArray refuse data that no network can use', (t) => {
  const x = new Float64Array(40).fill(1);
  x[31] = Number.NaN;
  const cases: [() => unknown, string][] = [
    [() => toMatrix('x', NDArray.wrap(x, [4, 10])), 'Expected x to hold finite numbers, got NaN at row 3, column 1'],
    [
      () =>
        toMatrix('x', [
          [1, 2],
          [3, -1 / 0],
        ]),
      'Expected x to hold finite numbers, got -Infinity at row 1, column 1',
    ],
    [() => toMatrix('x', [1, 2, 3]), 'Expected x to have 2 dimensions, got shape [3]'],
    [() => toMatrix('x', [[]]), 'Expected x to hold data, got shape [1, 0]'],
    [() => checkArray('y', [], { ndim: 1 }), 'Expected y to hold data, got shape [0]'],
    [() => checkArray('y', [[1]], { ndim: 1 }), 'Expected y to have 1 dimension, got shape [1, 1]'],
    [() => checkArray('y', [0, Number.NaN]), 'Expected y to hold finite numbers, got NaN at row 1'],
    [() => checkArray('x', [[[1], [Number.NaN]]]), 'Expected x to hold finite numbers, got NaN at index [0, 1, 0]'],
    [
      () => toMatrix('x', [[1, 1e300]], { dtype: 'float32' }),
      "Expected x to hold numbers within float32's range, got 1e+300 at row 0, column 1",
    ],
  ];
  for (const [f, message] of cases) t.throws(f, { instanceOf: RangeError, message });
  t.is(toMatrix('x', [[1, 2]], { dtype: 'float32' }).dtype, 'float32');
  t.is(toMatrix('x', [new Float32Array(2)]).dtype, 'float32');
});

test('arrays of Float32Arrays are float32, as NumPy has them, and of anything beside them float64', (t) => {
  const row = Float32Array.of(0.1, 2);
  const single = NDArray.from(row);
  const other = runInNewContext('[new Float32Array([0.1, 2]), new Float32Array([0.1, 2])]');
  for (const x of [[row, row], [[row], [row]], [single, row], [NDArray.from([row]), [row]], other]) {
    const array = NDArray.from(x as ArrayInput);
    t.is(array.dtype, 'float32');
    t.deepEqual([...array.data], [...row, ...row]);
  }
  for (const x of [[row, [0.1, 2]], [row, Float64Array.of(0.1, 2)], [row, NDArray.from([0.1, 2])], [[]], []])
    t.is(NDArray.from(x as ArrayInput).dtype, 'float64');
  const endless: unknown[] = [[row]];
  endless.push(endless);
  t.throws(() => NDArray.from(endless as ArrayInput), { message: /^Expected x\[1\]/ });
  t.is(new StandardScaler().fitTransform([row, Float32Array.of(1, 5)]).dtype, 'float32');
  t.is(
    new KMeans({ nClusters: 2, randomState: 0 }).fitSync([row, Float32Array.of(1, 5)]).clusterCenters.dtype,
    'float32',
  );
});

test('argmaxRows takes the first of equals and the first NaN, as NumPy', (t) => {
  const rows = [
    [1, 3, 3],
    [-1, -2, -3],
    [0, Number.NaN, 9],
    [Number.NaN, 1, Number.NaN],
    [1, 2, Number.POSITIVE_INFINITY],
  ];
  const best = argmaxRows(NDArray.from(rows));
  t.is(best.dtype, 'int32');
  t.deepEqual(best.toArray(), [1, 0, 1, 0, 2]);
});

test('take is of the first axis: another one is refused, not passed over', (t) => {
  const x = NDArray.from([
    [1, 2],
    [3, 4],
  ]);
  t.throws(() => (x.take as (...given: unknown[]) => NDArray).call(x, [0], 1), {
    instanceOf: TypeError,
    message: 'Expected take to be given 1 argument, got 2',
  });
  t.deepEqual([[0], [1]].map(x.take, x).map(String), ['[[1. 2.]]', '[[3. 4.]]']);
});

test('arrays of many short axes are printed, as no axis of them is left out', (t) => {
  const shape = [6, 6, 6, 6, 6, 6, 3]; // more numbers than a call may have arguments
  const text = NDArray.zeros(shape).toString();
  t.is(text.split('0.').length - 1, 6 ** 6 * 3);
});

test('take looks once at how many rows it is asked for', (t) => {
  const rows = NDArray.from(Int32Array.from({ length: 1000 }, (_, i) => i));
  const { get } = Object.getOwnPropertyDescriptor(NDArray.prototype, 'size') as { get(): number };
  let looks = 0;
  Object.defineProperty(NDArray.prototype, 'size', {
    configurable: true,
    get() {
      if (this === rows) looks++;
      return get.call(this);
    },
  });
  try {
    t.deepEqual(NDArray.from(new Float64Array(1000).fill(2)).take(rows).data, new Float64Array(1000).fill(2));
  } finally {
    Object.defineProperty(NDArray.prototype, 'size', { configurable: true, get });
  }
  t.true(looks < 10, `${looks} looks`);
});
