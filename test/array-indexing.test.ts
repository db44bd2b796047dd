// Parts of arrays, and arrays that leave as JSON and as messages: NumPy's answers, and the way back.
import { readFileSync } from 'node:fs';
import { MessageChannel } from 'node:worker_threads';
import test from 'ava';
import fc from 'fast-check';
import { type DType, layers, MLPClassifier, NDArray, sequential } from 'fjordnet';

const fixture = JSON.parse(readFileSync(new URL('../test/fixtures/array-indexing.json', import.meta.url), 'utf8'));
const arange = (shape: readonly number[], dtype: DType = 'float64') =>
  NDArray.from(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
    { shape, dtype },
  );
const transferred = () => {
  const x = arange([2, 3]);
  structuredClone(x.data, { transfer: [x.data.buffer as ArrayBuffer] });
  return x;
};

test('slice is NumPy’s basic slicing', (t) => {
  let errors = 0;
  for (const { shape, parts, result, values, error } of fixture.slice) {
    const x = arange(shape);
    const what = `${JSON.stringify(parts)} of [${shape}]`;
    if (error) {
      errors++;
      t.throws(() => x.slice(...parts), { instanceOf: RangeError, message: /^Expected / }, what);
      continue;
    }
    const y = x.slice(...parts);
    t.deepEqual([...y.shape], result, what);
    t.deepEqual([...y.data], values, what);
  }
  t.true(fixture.slice.length - errors > 200 && errors > 10);
});

test('slice copies, and keeps the dtype', (t) => {
  for (const dtype of ['float64', 'float32', 'int32'] as const) {
    const x = arange([3, 4], dtype);
    const y = x.slice(null, [1, 3]);
    t.is(y.dtype, dtype);
    y.data.fill(-1);
    t.deepEqual(x, arange([3, 4], dtype));
    const whole = x.slice();
    t.deepEqual(whole, x);
    t.not(whole.data.buffer, x.data.buffer);
  }
});

test('at is an element of NumPy’s', (t) => {
  for (const { shape, indices, value, error } of fixture.at) {
    const x = arange(shape);
    if (error) t.throws(() => x.at(...indices), { instanceOf: RangeError, message: /^Expected the index of axis \d/ });
    else t.is(x.at(...indices), value);
  }
});

test('argmax is NumPy’s: the first of equals, the first NaN', (t) => {
  for (const { shape, dtype, data, axis, result, values, error } of fixture.argmax) {
    const numbers = data.map((v: number | string) =>
      typeof v === 'string' ? Number(v.replace('inf', 'Infinity')) : v,
    );
    const x = NDArray.from(numbers, { shape, dtype });
    const what = `axis ${axis} of ${dtype} [${shape}]`;
    if (error) {
      t.throws(() => (axis === null ? x.argmax() : x.argmax(axis)), { instanceOf: RangeError }, what);
      continue;
    }
    if (axis === null) {
      t.deepEqual([x.argmax()], values, what);
      continue;
    }
    const best = x.argmax(axis);
    t.is(best.dtype, 'int32');
    t.deepEqual([...best.shape], result, what);
    t.deepEqual([...best.data], values, what);
  }
});

test('indices, parts and axes that there are none of are refused by the axis', (t) => {
  const x = arange([2, 3]);
  const cases: [() => unknown, typeof TypeError | typeof RangeError, string][] = [
    [() => x.at(0, 3), RangeError, 'Expected the index of axis 1 to be an integer in [-3, 3), got 3 (number)'],
    [() => x.at(-3, 0), RangeError, 'Expected the index of axis 0 to be an integer in [-2, 2), got -3 (number)'],
    [() => x.at(0, 0.5), RangeError, 'Expected the index of axis 1 to be an integer in [-3, 3), got 0.5 (number)'],
    [
      () => x.at(0, '1' as never),
      TypeError,
      "Expected the index of axis 1 to be an integer in [-3, 3), got '1' (string)",
    ],
    [() => x.at(0), RangeError, 'Expected at to be given 2 indices, one an axis of shape [2, 3], got 1'],
    [() => x.reshape(6).at(), RangeError, 'Expected at to be given 1 index, one an axis of shape [6], got 0'],
    [() => x.slice(2), RangeError, 'Expected the index of axis 0 to be an integer in [-2, 2), got 2 (number)'],
    [() => arange([0, 3]).slice(0), RangeError, 'Expected axis 0 to hold elements to index, got an axis of length 0'],
    [
      () => x.slice(null, null, 0),
      RangeError,
      'Expected slice to be given at most 2 parts, one an axis of shape [2, 3], got 3',
    ],
    [
      () => x.slice(null, [0, 2, 0]),
      RangeError,
      'Expected the step of axis 1 to be an integer other than 0, got 0 (number)',
    ],
    [() => x.slice([0.5]), RangeError, 'Expected the start of axis 0 to be an integer, got 0.5 (number)'],
    [() => x.slice([0, '2' as never]), TypeError, "Expected the stop of axis 0 to be an integer, got '2' (string)"],
    [
      () => x.slice(undefined as never),
      TypeError,
      'Expected the part of axis 0 to be an index, null or [start, stop, step], got undefined',
    ],
    [
      () => x.slice([0, 1, 1, 1] as never),
      TypeError,
      'Expected the part of axis 0 to be an index, null or [start, stop, step], got Array(4)',
    ],
    [() => x.argmax(2), RangeError, 'Expected axis to be an axis of shape [2, 3], got 2 (number)'],
    [() => x.argmax(0.5), RangeError, 'Expected axis to be an integer, got 0.5 (number)'],
    [() => arange([0]).argmax(), RangeError, 'Expected array to hold numbers to choose from, got shape [0]'],
    [
      () => arange([2, 0]).argmax(1),
      RangeError,
      'Expected axis 1 of array to hold numbers to choose from, got shape [2, 0]',
    ],
    [
      () => [...x.reshape(6).take([0]).reshape()],
      TypeError,
      'Expected array to be of one dimension or more, got NDArray',
    ],
  ];
  for (const [call, instanceOf, message] of cases) t.throws(call, { instanceOf, message });
});

test('an array is its rows one by one: numbers, or views', (t) => {
  t.deepEqual([...NDArray.from([3, 1, 2])], [3, 1, 2]);
  t.deepEqual([...NDArray.zeros([0, 3])], []);
  const x = arange([2, 3, 4], 'float32');
  const rows = [...x];
  t.deepEqual(
    rows.map((row) => [row.dtype, ...row.shape]),
    [
      ['float32', 3, 4],
      ['float32', 3, 4],
    ],
  );
  t.deepEqual(
    rows.map((row) => row.toArray()),
    x.toArray(),
  );
  rows[1].data.fill(7);
  t.true([...x.slice(1).data].every((v) => v === 7));
  t.is(x.at(0, 2, 3), 11);
  for (const row of x) for (const line of row) for (const v of line) t.is(typeof v, 'number');
  t.deepEqual(new Float32Array(arange([3]) as Iterable<number>), Float32Array.of(0, 1, 2));
  // of views as well, and of their parts
  const [, second] = arange([3, 2]);
  t.deepEqual(second.toArray(), [2, 3]);
  t.deepEqual([...arange([4, 2]).slice([1, 3])].at(-1)!.toArray(), [4, 5]);
});

test('rows make an array again', (t) => {
  const x = arange([4, 2, 3], 'int32');
  const picked = [...x].filter((row) => row.at(0, 0) > 5);
  t.deepEqual(NDArray.from(picked, { dtype: 'int32' }), x.slice([1, null]));
  t.deepEqual(NDArray.from([[...x], [...x]] as never).shape.join(), '2,4,2,3');
  const float32 = [...arange([3, 2], 'float32')];
  t.is(new MLPClassifier({ maxIter: 1 }).fitSync(float32, [0, 1, 0]).coefs[0].dtype, 'float32');
  t.throws(() => NDArray.from([arange([2]), arange([3])]), {
    instanceOf: RangeError,
    message: 'Expected x[1] to have shape [2], as those before it have, got [3]',
  });
  t.throws(() => NDArray.from([[1, 2], arange([2, 1])] as never), {
    message: 'Expected x[1] to have shape [2], as those before it have, got [2, 1]',
  });
  t.throws(() => NDArray.from([transferred()]), {
    message: 'Expected x[0] to own its memory, got a detached Float64Array (it was transferred)',
  });
});

test('JSON is nested numbers, and an array again', (t) => {
  const x = NDArray.from([
    [1, 2.5],
    [-3, 1e-300],
  ]);
  t.is(JSON.stringify({ x }), '{"x":[[1,2.5],[-3,1e-300]]}');
  t.deepEqual(NDArray.from(JSON.parse(JSON.stringify(x))), x);
  t.is(JSON.stringify(NDArray.from([7]).reshape()), '7');
  t.is(JSON.stringify(NDArray.zeros([2, 0])), '[[],[]]');
  const gaps = NDArray.from([
    [1, 2],
    [Number.NaN, Number.POSITIVE_INFINITY],
  ]);
  t.is(JSON.stringify(gaps), '[[1,2],[null,null]]');
  t.throws(() => NDArray.from(JSON.parse(JSON.stringify(gaps))), {
    instanceOf: TypeError,
    message: 'Expected x[1][0] to be a number, got null',
  });
});

const numbers = { float64: fc.double(), float32: fc.float(), int32: fc.integer() };
const arrays = fc
  .tuple(
    fc.constantFrom<DType>('float64', 'float32', 'int32'),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
  )
  .chain(([dtype, shape]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return fc
      .array(numbers[dtype], { minLength: size, maxLength: size })
      .map((values) => NDArray.from(values, { shape, dtype }));
  });

test('a structured clone is the same array again; JSON, where it has an element, its numbers', (t) => {
  fc.assert(
    fc.property(arrays, (x) => {
      const back = NDArray.from(structuredClone(x) as never);
      t.is(back.dtype, x.dtype);
      t.deepEqual([...back.shape], [...x.shape]);
      t.deepEqual(back.data, x.data);
      if (x.ndim === 0 || x.shape.slice(0, -1).includes(0)) return; // a number, and a list that tells no lengths
      const all = x.data.every((v) => Number.isFinite(v));
      if (all) {
        // JSON has no -0
        const read = NDArray.from(JSON.parse(JSON.stringify(x)), { dtype: x.dtype });
        t.deepEqual([...read.shape], [...x.shape]);
        t.true(read.data.every((v, i) => v === x.data[i]));
      } else
        t.throws(() => NDArray.from(JSON.parse(JSON.stringify(x))), {
          message: /^Expected x(\[\d+\])+ to be a number, got null$/,
        });
    }),
  );
});

test('a slice along the first axis is that of JavaScript’s arrays; twice reversed is as before; rows are slices', (t) => {
  const bound = fc.integer({ min: -6, max: 6 });
  fc.assert(
    fc.property(arrays, bound, bound, (x, from, to) => {
      if (x.ndim === 0) return;
      t.deepEqual(x.slice([from, to]).toArray(), (x.toArray() as number[]).slice(from, to));
      t.deepEqual(x.slice([null, null, -1]).slice([null, null, -1]), x);
      t.deepEqual(x.slice([null, null, -1]).toArray(), (x.toArray() as number[]).toReversed());
      for (const [i, row] of [...x].entries())
        t.deepEqual(x.ndim === 1 ? row : row.toArray(), x.slice(i - x.length).toArray());
    }),
  );
});

test('a clone is taken wherever an array is, and checked', async (t) => {
  const x = arange([4, 2]);
  const clone = structuredClone(x) as never;
  const model = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })], seed: 1 });
  t.deepEqual(await model.predict(clone), await model.predict(x));
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(x);
  const message = await new Promise((done) => port2.once('message', done));
  t.deepEqual(NDArray.from(message as never), x);
  port1.close();
  // as a clone's memory is its own
  const read = NDArray.from(clone);
  read.data[0] = 9;
  t.is((clone as NDArray).data[0], 0);

  const { shape, dtype, data } = clone as NDArray;
  const cases: [unknown, string][] = [
    [{ shape: [3, 2], dtype, data }, 'Expected x.shape to hold 8 elements, got [3, 2]'],
    [{ shape: [-4, -2], dtype, data }, 'Expected x.shape[0] to be a non-negative integer, got -4 (number)'],
    [{ shape, dtype: 'int32', data }, 'Expected x.data to be the typed array of its dtype int32, got Float64Array(8)'],
    [{ shape, dtype: 'float16', data }, /^Expected x\.dtype to be one of 'float64', 'float32', 'int32'/ as never],
    [
      JSON.parse(JSON.stringify({ shape, dtype, data: Float64Array.of(1) })),
      'Expected x.data to be the typed array of its dtype float64, got {"0":1}',
    ],
    [{ shape, data }, /^Expected x to be an array of numbers, got \{/ as never],
    [
      { shape: [2, 3], dtype, data: transferred().data },
      'Expected x.data to own its memory, got a detached Float64Array (it was transferred)',
    ],
  ];
  for (const [given, message] of cases) t.throws(() => NDArray.from(given as never), { message });
});

test('memory that is gone is refused by every method', (t) => {
  const gone = {
    instanceOf: TypeError,
    message: 'Expected array to own its memory, got a detached Float64Array (it was transferred)',
  };
  const x = transferred();
  const calls = [
    () => x.slice(0),
    () => x.at(0, 0),
    () => x.argmax(),
    () => x.argmax(0),
    () => x.toJSON(),
    () => JSON.stringify({ x }),
    () => [...x],
  ];
  for (const call of calls) t.throws(call, gone);
  const y = arange([2, 3]);
  const rows = y[Symbol.iterator]();
  t.deepEqual(rows.next().value.toArray(), [0, 1, 2]);
  structuredClone(y.data, { transfer: [y.data.buffer as ArrayBuffer] });
  t.throws(() => rows.next(), gone);
});
