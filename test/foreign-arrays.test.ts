// Arrays and tables of other libraries, in every place that takes an array.
import { createRequire } from 'node:module';
import {
  Dictionary,
  Float16,
  Float32,
  Float64,
  Int8,
  Int32,
  Int64,
  makeVector,
  RecordBatch,
  Table,
  tableFromArrays,
  tableFromIPC,
  tableToIPC,
  Uint32,
  Uint64,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import test from 'ava';
import fc from 'fast-check';
import {
  type ArrayInput,
  accuracyScore,
  crossValScore,
  KFold,
  LabelEncoder,
  layers,
  MLPClassifier,
  meanSquaredError,
  NDArray,
  ops,
  padSequences,
  RandomState,
  StandardScaler,
  sequential,
  toCategorical,
  trainTestSplit,
} from 'fjordnet';
import { filters, heatmap } from 'fjordnet/plots';
import { Matrix, MatrixTransposeView, SymmetricMatrix } from 'ml-matrix';

/** Of the package, which has no types. */
interface Strided {
  data: Float64Array;
  shape: number[];
  stride: number[];
  offset: number;
  size: number;
  get(...index: number[]): number;
  transpose(...axes: number[]): Strided;
  step(...steps: number[]): Strided;
  lo(...from: number[]): Strided;
  hi(...to: number[]): Strided;
  pick(...at: (number | null)[]): Strided;
}
const ndarray: (data: unknown, shape?: number[], stride?: number[], offset?: number) => Strided = createRequire(
  import.meta.url,
)('ndarray');

const read = (x: unknown) => {
  const { dtype, shape, data } = NDArray.from(x as ArrayInput);
  return [dtype, [...shape], [...data]];
};
const table = () => tableFromArrays({ a: Float32Array.of(1, 2.5, 3), b: Float32Array.of(-1, 0, 1) });

test('Arrow: vectors of all numeric types', (t) => {
  t.deepEqual(read(vectorFromArray([1.5, 2], new Float64())), ['float64', [2], [1.5, 2]]);
  t.deepEqual(read(vectorFromArray([1.5, 2], new Float32())), ['float32', [2], [1.5, 2]]);
  t.deepEqual(read(vectorFromArray([1.5, -2, 65504], new Float16())), ['float32', [3], [1.5, -2, 65504]]);
  t.deepEqual(read(vectorFromArray([1, -2], new Int8())), ['int32', [2], [1, -2]]);
  t.deepEqual(read(vectorFromArray([1, -2], new Int32())), ['int32', [2], [1, -2]]);
  t.deepEqual(read(vectorFromArray([1, 7], new Uint32())), ['int32', [2], [1, 7]]);
  t.deepEqual(read(vectorFromArray([1, 2 ** 32 - 1], new Uint32())), ['float64', [2], [1, 2 ** 32 - 1]]);
  t.deepEqual(read(vectorFromArray([1n, -7n], new Int64())), ['int32', [2], [1, -7]]);
  t.deepEqual(read(vectorFromArray([2n ** 53n - 1n, 1n], new Uint64())), ['float64', [2], [2 ** 53 - 1, 1]]);
  t.deepEqual(read(makeVector(Uint8Array.of(0, 255))), ['int32', [2], [0, 255]]);
  t.deepEqual(read(vectorFromArray([], new Float64())), ['float64', [0], []]);
  const whole = vectorFromArray([0, 1, 2, 3, 4, 5], new Float64());
  t.deepEqual(read(whole.slice(2, 4)), ['float64', [2], [2, 3]]);
  t.deepEqual(read(whole.slice(4).concat(whole.slice(0, 2))), ['float64', [4], [4, 5, 0, 1]]);
  t.deepEqual(read(whole.memoize()), ['float64', [6], [0, 1, 2, 3, 4, 5]]);
});

test('Arrow: tables are matrices, of their columns’ type where they have one', (t) => {
  t.deepEqual(read(table()), ['float32', [3, 2], [1, -1, 2.5, 0, 3, 1]]);
  const mixed = new Table({ a: vectorFromArray([1, 2], new Int32()), b: vectorFromArray([0.5, 1], new Float32()) });
  t.deepEqual(read(mixed), ['float64', [2, 2], [1, 0.5, 2, 1]]);
  const integers = new Table({ a: vectorFromArray([1, 2], new Int8()), b: vectorFromArray([3n, 4n], new Int64()) });
  t.deepEqual(read(integers), ['int32', [2, 2], [1, 3, 2, 4]]);
  t.deepEqual(read(tableFromIPC(tableToIPC(table()))), read(table()));
  t.deepEqual(read(table().slice(1)), ['float32', [2, 2], [2.5, 0, 3, 1]]);
  t.deepEqual(read(table().concat(table())).at(1), [6, 2]);
  const [batch] = table().batches;
  t.true(batch instanceof RecordBatch);
  t.deepEqual(read(batch), read(table()));
  // two columns of one name, as joins make them
  const twice = table().assign(table());
  t.is(twice.numCols, 2);
  const { fields } = table().schema;
  const named = Object.assign(Object.create(table()), { schema: { fields: [fields[0], fields[0]] } });
  t.deepEqual(read(named), read(table()));
});

test('Arrow: nulls, unsafe integers and columns that are no numbers are refused by their place', (t) => {
  const cases: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [vectorFromArray([1, null, 3], new Float64()), TypeError, 'Expected x at row 1 to be a number, got null'],
    [vectorFromArray([0, 1, null], new Int32()).slice(1), TypeError, 'Expected x at row 1 to be a number, got null'],
    [
      new Table({ age: vectorFromArray([1, 2], new Int32()), height: vectorFromArray([1, null], new Float64()) }),
      TypeError,
      "Expected x at row 1, column 1 ('height') to be a number, got null",
    ],
    [
      new Table({ id: vectorFromArray([1n, 2n ** 53n], new Int64()) }),
      RangeError,
      "Expected x at row 1, column 0 ('id') to be an integer within ±(2^53 - 1), got 9007199254740992 (bigint)",
    ],
    [
      vectorFromArray([-(2n ** 60n)], new Int64()),
      RangeError,
      'Expected x at row 0 to be an integer within ±(2^53 - 1), got -1152921504606846976 (bigint)',
    ],
    [
      tableFromArrays({ x: [1, 2], kind: ['a', 'b'] }),
      TypeError,
      "Expected column 1 ('kind') of x to hold numbers, got Dictionary<Int32, Utf8>",
    ],
    [vectorFromArray(['a'], new Utf8()), TypeError, 'Expected x to hold numbers, got Utf8'],
    [
      vectorFromArray(['a'], new Dictionary(new Utf8(), new Int32())),
      TypeError,
      'Expected x to hold numbers, got Dictionary<Int32, Utf8>',
    ],
    [vectorFromArray([true]), TypeError, 'Expected x to hold numbers, got Bool'],
    [vectorFromArray([new Date(0)]), TypeError, 'Expected x to hold numbers, got Timestamp<MILLISECOND>'],
  ];
  for (const [x, instanceOf, message] of cases) t.throws(() => read(x), { instanceOf, message });
});

/** As nodejs-polars makes them: Proxies whose properties are columns too; integers of 64 bits are numbers. */
const series = (name: string, type: string, values: unknown[]) =>
  new Proxy(
    {
      name,
      dtype: { variant: type, toString: () => `DataType(${type})` },
      length: values.length,
      nullCount: () => values.filter((v) => v === null).length,
      toArray: () => values,
    },
    { get: (target, key) => (Number.isNaN(Number(String(key))) ? Reflect.get(target, key) : values[Number(key)]) },
  );
const frame = (...columns: ReturnType<typeof series>[]) =>
  new Proxy(
    {
      columns: columns.map(({ name }) => name),
      height: columns[0]?.length ?? 0,
      getColumns: () => columns,
      nullCount: () => frame(),
      toRecords: () => [],
    },
    { get: (target, key) => columns.find(({ name }) => name === key) ?? Reflect.get(target, key) },
  );

test('Polars: series and frames', (t) => {
  t.deepEqual(read(series('a', 'Float64', [1.5, 2])), ['float64', [2], [1.5, 2]]);
  t.deepEqual(read(series('a', 'Float32', [1.5, 2])), ['float32', [2], [1.5, 2]]);
  t.deepEqual(read(series('a', 'Int64', [1, 2])), ['int32', [2], [1, 2]]);
  t.deepEqual(read(series('a', 'UInt64', [1n, 2n ** 40n])), ['float64', [2], [1, 2 ** 40]]);
  const height = series('height', 'Float64', [1, 2]);
  t.deepEqual(read(frame(height, series('b', 'Int8', [3, 4]))), ['float64', [2, 2], [1, 3, 2, 4]]);
  t.deepEqual(read(frame()), ['float64', [0, 0], []]);
  const cases: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [series('a', 'Float64', [1, null]), TypeError, 'Expected x at row 1 to be a number, got null'],
    [
      frame(height, series('b', 'Int8', [null, 1])),
      TypeError,
      "Expected x at row 0, column 1 ('b') to be a number, got null",
    ],
    [
      frame(height, series('b', 'String', ['a', 'b'])),
      TypeError,
      "Expected column 1 ('b') of x to hold numbers, got String",
    ],
    [series('a', 'Bool', [true]), TypeError, 'Expected x to hold numbers, got Bool'],
    [
      series('a', 'List(DataType(Float64))', [[1]]),
      TypeError,
      'Expected x to hold numbers, got List(DataType(Float64))',
    ],
    [
      series('a', 'Int64', [2 ** 53]),
      RangeError,
      'Expected x at row 0 to be an integer within ±(2^53 - 1), got 9007199254740992 (number)',
    ],
  ];
  for (const [x, instanceOf, message] of cases) t.throws(() => read(x), { instanceOf, message });
});

test('ml-matrix: matrices and views of them', (t) => {
  const matrix = new Matrix([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  t.deepEqual(read(matrix), ['float64', [2, 3], [1, 2, 3, 4, 5, 6]]);
  t.deepEqual(read(new MatrixTransposeView(matrix)), ['float64', [3, 2], [1, 4, 2, 5, 3, 6]]);
  t.deepEqual(
    read(
      new SymmetricMatrix([
        [1, 2],
        [2, 1],
      ]),
    ),
    ['float64', [2, 2], [1, 2, 2, 1]],
  );
  t.deepEqual(read(new Matrix(0, 3)), ['float64', [0, 3], []]);
});

/** As mathjs 15 has them: iterable, of elements with their place. */
class FakeMathMatrix {
  constructor(
    readonly _data: unknown[],
    readonly _size: number[],
    readonly kind = 'dense',
  ) {}
  storage = () => this.kind;
  size = () => this._size;
  toArray = () => this._data as never;
  *[Symbol.iterator]() {
    for (const [i, value] of this._data.flat().entries()) yield { value, index: [i] };
  }
}

test('mathjs: matrices, dense and sparse, of any number of dimensions', async (t) => {
  const rows = [
    [1, 2],
    [3, 4],
    [5, 6],
  ];
  const matrix = new FakeMathMatrix(rows, [3, 2]);
  t.deepEqual(read(matrix), ['float64', [3, 2], [1, 2, 3, 4, 5, 6]]);
  t.deepEqual(read(new FakeMathMatrix([[0, 7]], [1, 2], 'sparse')), ['float64', [1, 2], [0, 7]]);
  t.deepEqual(read(new FakeMathMatrix([1, 2], [2])), ['float64', [2], [1, 2]]);
  t.throws(() => read(new FakeMathMatrix([[1, { re: 1 }]], [1, 2])), {
    message: 'Expected x[0][1] to be a number, got {"re":1}',
  });
  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })], seed: 1 });
  t.deepEqual(await model.predict(matrix), await model.predict(rows)); // it is no source of batches
  t.deepEqual(new StandardScaler().fitTransform(matrix), new StandardScaler().fitTransform(rows));
});

test('ndarray: strides and offsets, of every type', (t) => {
  const x = ndarray(
    Float64Array.from({ length: 12 }, (_, i) => i),
    [3, 4],
  );
  t.deepEqual(read(x), ['float64', [3, 4], [...x.data]]);
  t.deepEqual(read(x.transpose(1, 0)), ['float64', [4, 3], [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]]);
  t.deepEqual(read(x.step(-1, -2)), ['float64', [3, 2], [11, 9, 7, 5, 3, 1]]);
  t.deepEqual(read(x.lo(1, 1).hi(2, 2)), ['float64', [2, 2], [5, 6, 9, 10]]);
  t.deepEqual(read(x.pick(1, null)), ['float64', [4], [4, 5, 6, 7]]);
  t.deepEqual(read(ndarray(Float32Array.of(1.5))), ['float32', [1], [1.5]]);
  for (const type of [Int8Array, Int16Array, Int32Array, Uint8Array, Uint8ClampedArray, Uint16Array, Uint32Array])
    t.deepEqual(read(ndarray(type.of(1, 2), [2, 1])), ['int32', [2, 1], [1, 2]]);
  t.deepEqual(read(ndarray([1, 2.5], [2])), ['float64', [2], [1, 2.5]]);
  t.deepEqual(read(ndarray(BigInt64Array.of(1n, 2n))), ['int32', [2], [1, 2]]);
  const plain = { data: [0, 1, 2, 3], shape: [2, 2], stride: [-2, -1], offset: 3 };
  t.deepEqual(read(plain), ['float64', [2, 2], [3, 2, 1, 0]]);
  const cases: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [ndarray([1, null], [2]), TypeError, 'Expected x at row 1 to be a number, got null'],
    [ndarray([1, 2, 3, '4'], [2, 2]), TypeError, "Expected x at row 1, column 1 to be a number, got '4' (string)"],
    [
      ndarray(BigInt64Array.of(2n ** 53n)),
      RangeError,
      'Expected x at row 0 to be an integer within ±(2^53 - 1), got 9007199254740992 (bigint)',
    ],
    [{ ...plain, offset: 2 }, RangeError, 'Expected x to lie within the 4 elements of its data, got elements -1 to 2'],
    [
      { ...plain, shape: [3, 2], stride: [2, 1], offset: 0 },
      RangeError,
      'Expected x to lie within the 4 elements of its data, got elements 0 to 5',
    ],
    [{ ...plain, stride: [1] }, RangeError, 'Expected x.stride to hold 2 numbers, got 1'],
    [{ ...plain, stride: [1, 0.5] }, RangeError, 'Expected x.stride[1] to be an integer, got 0.5 (number)'],
    [{ ...plain, shape: [2, -1] }, RangeError, 'Expected x.shape[1] to be a non-negative integer, got -1 (number)'],
  ];
  for (const [given, instanceOf, message] of cases) t.throws(() => read(given), { instanceOf, message });
});

test('numjs: the array of ndarray that it holds', async (t) => {
  /** As numjs makes it: shape, size and dtype are no fields of their own. */
  class NdArray {
    constructor(readonly selection: Strided) {}
    get shape() {
      return this.selection.shape;
    }
    get dtype() {
      return 'array';
    }
    tolist() {
      return [];
    }
  }
  const held = ndarray([1, 2, 3, 4, 5, 6], [3, 2]);
  t.deepEqual(read(new NdArray(held)), ['float64', [3, 2], [1, 2, 3, 4, 5, 6]]);
  t.deepEqual(read(new NdArray(held.transpose(1, 0).step(1, -1))), ['float64', [2, 3], [5, 3, 1, 6, 4, 2]]);
  t.deepEqual(read(new NdArray(ndarray(Uint8Array.of(7)))), ['int32', [1], [7]]);
  t.throws(() => read(new NdArray(ndarray([1, 'a'], [2]))), {
    message: "Expected x at row 1 to be a number, got 'a' (string)",
  });
  t.deepEqual(new StandardScaler().fitTransform(new NdArray(held)), new StandardScaler().fitTransform(held));
  for (const selection of [undefined, null, 3, {}, []])
    t.throws(() => read(new NdArray(selection as never)), { message: /^Expected x to be an array of numbers, got / });
});

test('ndarray: what get reads is what is read, of any view', (t) => {
  const views = fc.record({
    shape: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 3 }),
    steps: fc.array(fc.constantFrom(-3, -2, -1, 1, 2, 3), { minLength: 3, maxLength: 3 }),
    axes: fc.constantFrom([0, 1, 2], [1, 2, 0], [2, 1, 0], [0, 2, 1]),
  });
  fc.assert(
    fc.property(views, ({ shape, steps, axes }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const view = ndarray(
        Int16Array.from({ length: size }, (_, i) => i),
        shape,
      )
        .step(...steps)
        .transpose(...axes);
      const x = NDArray.from(view as unknown as ArrayInput);
      t.deepEqual([...x.shape], [...view.shape]);
      for (let i = 0; i < view.shape[0]; i++)
        for (let j = 0; j < view.shape[1]; j++)
          for (let k = 0; k < view.shape[2]; k++) t.is(x.at(i, j, k), view.get(i, j, k));
    }),
  );
});

class FakeTensor {
  readonly shape: number[];
  readonly dtype: string;
  readonly #values: unknown;
  constructor(shape: number[], dtype: string, values: unknown) {
    this.shape = shape;
    this.dtype = dtype;
    this.#values = values;
  }
  dataSync() {
    if (this.#values instanceof Error) throw this.#values;
    return this.#values as Float32Array;
  }
  data = async () => this.dataSync();
}

test('TensorFlow.js: tensors of numbers', (t) => {
  t.deepEqual(read(new FakeTensor([2, 2], 'float32', Float32Array.of(1, 2, 3, 4.5))), [
    'float32',
    [2, 2],
    [1, 2, 3, 4.5],
  ]);
  t.deepEqual(read(new FakeTensor([2], 'int32', Int32Array.of(1, 2))), ['int32', [2], [1, 2]]);
  t.deepEqual(read(new FakeTensor([2], 'bool', Uint8Array.of(1, 0))), ['int32', [2], [1, 0]]);
  t.deepEqual(read(new FakeTensor([], 'float32', Float32Array.of(7))), ['float32', [], [7]]);
  const cases: [unknown, string][] = [
    [new FakeTensor([1], 'string', ['a']), "Expected x at row 0 to be a number, got 'a' (string)"],
    [new FakeTensor([2], 'complex64', new Float32Array(4)), 'Expected x.shape to hold 4 elements, got [2]'],
    [
      new FakeTensor([1], 'float32', new Error('Tensor is disposed.')),
      "Expected x to give its numbers, got the error 'Tensor is disposed.'",
    ],
  ];
  for (const [x, message] of cases) t.throws(() => read(x), { message });
});

test('Buffers are bytes', (t) => {
  t.deepEqual(read(Buffer.from('az')), ['int32', [2], [97, 122]]);
  t.deepEqual(read([Buffer.of(1, 2), Buffer.of(3, 4)]), ['float64', [2, 2], [1, 2, 3, 4]]);
});

test('what is read is a copy, or is read only', (t) => {
  const memory = Float64Array.of(1, 2);
  for (const x of [makeVector(memory), new FakeTensor([2], 'float64', memory), ndarray(memory)])
    NDArray.from(x as unknown as ArrayInput).data.fill(9);
  t.deepEqual(memory, Float64Array.of(1, 2));
});

test('objects of no such shape keep their error', (t) => {
  const unknown = [
    {},
    new Map(),
    new Date(0),
    { length: 1, 0: 5 },
    { data: [1], shape: [1] },
    { toArray: () => [1] },
    { shape: [1], dataSync: () => [1] },
    { columns: ['a'], rows: 1 },
    new Proxy({}, {}),
    Promise.resolve([1]),
    // not even read
    Object.defineProperty({}, 'shape', {
      get() {
        throw new Error('not to be read');
      },
    }),
  ];
  for (const x of unknown)
    t.throws(() => read(x), { instanceOf: TypeError, message: /^Expected x to be an array of numbers, got / });
});

test('every place that takes an array takes them', async (t) => {
  const features = tableFromArrays({
    a: Float32Array.of(0, 1, 2, 3, 0, 1),
    b: Float32Array.of(1, 0, 1, 0, 2, 2),
  });
  const x = NDArray.from(features as ArrayInput);
  const labels = vectorFromArray([0, 1, 0, 1, 0, 1], new Int32());
  const y = NDArray.from(labels as ArrayInput);
  const strided = ndarray(Float64Array.from(x.data), [6, 2]) as unknown as ArrayInput;
  const matrix = Matrix.from1DArray(6, 2, Array.from(x.data));
  const tensor = new FakeTensor([6, 2], 'float32', x.data);

  const network = () => {
    const model = sequential({
      layers: [layers.dense({ units: 2, inputShape: [2], activation: 'softmax' })],
      seed: 1,
    });
    model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
    return model;
  };
  const expected = network();
  await expected.fit(x, y, { epochs: 2 });
  for (const given of [features, strided, matrix, tensor]) {
    const model = network();
    await model.fit(given, labels, {
      epochs: 2,
      validationData: [given, labels],
      sampleWeight: vectorFromArray([1, 1, 1, 1, 1, 1], new Float64()),
    });
    t.deepEqual(model.getWeights(), expected.getWeights());
    t.deepEqual(await model.predict(given), await expected.predict(x));
  }
  const plain = { data: [...x.data], shape: [6, 2], stride: [2, 1], offset: 0 };
  t.deepEqual(await expected.predict(plain), await expected.predict(x));

  const mlp = () => new MLPClassifier({ randomState: 1, maxIter: 3 });
  const fitted = mlp().fitSync(x, y);
  t.is(fitted.coefs[0].dtype, 'float32');
  const own = mlp().fitSync(features, labels);
  t.deepEqual(own.coefs, fitted.coefs);
  t.deepEqual(own.predict(features), fitted.predict(x));
  t.deepEqual(await crossValScore(mlp(), features, labels, { cv: 2 }), await crossValScore(mlp(), x, y, { cv: 2 }));
  t.deepEqual(new StandardScaler().fitTransform(features), new StandardScaler().fitTransform(x));
  t.deepEqual(new LabelEncoder().fitTransform(labels), new LabelEncoder().fitTransform(y));
  t.deepEqual(toCategorical(labels), toCategorical(y));
  t.deepEqual(
    trainTestSplit([features, labels], { randomState: 1, stratify: labels }),
    trainTestSplit([x, y], { randomState: 1, stratify: y }),
  );
  t.is([...new KFold({ nSplits: 3 }).split(features)].length, 3);
  t.is(accuracyScore(labels, y), 1);
  t.is(meanSquaredError(matrix, x), 0);
  t.deepEqual(new RandomState(1).permutation(labels), new RandomState(1).permutation(y));
  t.deepEqual(x.take(labels), x.take(y));
  t.deepEqual(padSequences([labels, [1]]), padSequences([y, [1]]));
  t.deepEqual(ops.add(ops.reshape(tensor as never, [6, 2]), 1).shape, [6, 2]);
  t.is(heatmap(matrix).text(), heatmap(NDArray.from(x, { dtype: 'float64' })).text());
  t.notThrows(() => filters(matrix, { imageShape: [2, 3] }));
  t.is(
    new MLPClassifier({ hiddenLayerSizes: vectorFromArray([3, 2], new Int32()), maxIter: 1 }).fitSync(x, y).nLayers,
    4,
  );
});
