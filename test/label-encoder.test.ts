import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { type Label, LabelEncoder, type Labels, NDArray, toCategorical } from 'fjordnet';

const golden = JSON.parse(readFileSync(new URL('../test/fixtures/label-encoder.json', import.meta.url), 'utf8'));

const list = (labels: NDArray | string[] | boolean[]): Label[] =>
  Array.isArray(labels) ? [...labels] : Array.from(labels.data);

test('classes and their numbers are those of scikit-learn', (t) => {
  for (const { y, new: fresh, codes, classes, transformed, newTransformed, inverse } of golden) {
    const encoder = new LabelEncoder();
    t.is(encoder.fit(y), encoder);
    t.deepEqual(encoder.classes, classes);
    t.deepEqual(encoder.transform(y), NDArray.from(transformed, { dtype: 'int32' }));
    t.deepEqual(encoder.fitTransform(y), encoder.transform(y));
    t.deepEqual([...encoder.transform(fresh).data], newTransformed);
    t.deepEqual(list(encoder.inverseTransform(codes)), inverse);
  }
});

test('labels come back, of numbers as an array', (t) => {
  const labels = fc.oneof(
    fc.array(fc.string(), { minLength: 1 }),
    fc.array(fc.boolean(), { minLength: 1 }),
    fc.array(fc.integer(), { minLength: 1 }),
    fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1 }),
  );
  fc.assert(
    fc.property(labels, (y) => {
      const encoder = new LabelEncoder();
      const codes = encoder.fitTransform(y as Labels);
      t.is(codes.dtype, 'int32');
      t.true(codes.data.every((code: number) => code < encoder.classes.length));
      t.deepEqual(
        list(encoder.inverseTransform(codes)),
        (y as Label[]).map((label) => (label === 0 ? 0 : label)), // -0 is 0
      );
    }),
    { numRuns: 200 },
  );
  const of = (y: Labels) => new LabelEncoder().fit(y).inverseTransform([0]);
  t.is((of([3, 5]) as NDArray).dtype, 'int32');
  t.is((of([0.5, 5]) as NDArray).dtype, 'float64');
  t.deepEqual(of([true, false]), [false]);
});

test('labels that fit did not see are refused by their names', (t) => {
  const cases: [Labels, Labels, string][] = [
    [['cat', 'dog'], ['dog', 'yak', 'bee', 'yak'], "got others: 'bee', 'yak'"],
    [[1, 2], ['1'], "got others: '1'"],
    [['1'], [1], 'got others: 1'],
    [[0, 1], [true], 'got others: true'],
    [['a'], Array.from('bcdefghijklmn'), "got others: 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', …"],
    [['a'], ['x\n'.repeat(999)], `got others: '${'x\\u000a'.repeat(19)}x…'`],
  ];
  for (const [seen, y, message] of cases)
    t.throws(() => new LabelEncoder().fit(seen).transform(y), {
      instanceOf: RangeError,
      message: `Expected y to hold labels that fit saw, ${message}`,
    });
});

test('bad labels and numbers are refused in a sentence', (t) => {
  const encoder = new LabelEncoder().fit(['b', 'a']);
  const cases: [() => unknown, string][] = [
    [() => encoder.inverseTransform([0, 2]), 'Expected codes to hold integers in [0, 2), got 2 at row 1'],
    [() => encoder.inverseTransform([-1]), 'Expected codes to hold integers in [0, 2), got -1 at row 0'],
    [() => encoder.inverseTransform([0.5]), 'Expected codes to hold integers in [0, 2), got 0.5 at row 0'],
    [() => encoder.fit([]), 'Expected y to hold labels, got shape [0]'],
    [() => encoder.fit([[1, 2]]), 'Expected y to hold one label a row, got shape [1, 2]'],
    [() => encoder.fit([Number.NaN]), 'Expected y to hold finite numbers, got NaN at row 0'],
  ];
  for (const [call, message] of cases) t.throws(call, { instanceOf: RangeError, message });
  t.throws(() => encoder.inverseTransform(['a'] as never), {
    instanceOf: TypeError,
    message: 'Expected codes to be integers, got Array(1)',
  });
  t.throws(() => encoder.fit(['a', 1] as never), { message: /y\[1\] to be a string/ });
  t.deepEqual(encoder.classes, ['a', 'b']);
  for (const member of ['transform', 'inverseTransform', 'classes'] as const)
    t.throws(
      () => {
        const unfitted = new LabelEncoder();
        return member === 'classes' ? unfitted.classes : unfitted[member]([0]);
      },
      { code: 'ERR_NOT_FITTED', message: `Expected LabelEncoder to be fitted before ${member} is used` },
    );
});

test('no labels are no codes, and no codes no labels', (t) => {
  const words = new LabelEncoder().fit(['b', 'a']);
  t.deepEqual([words.transform([]).shape, words.transform([]).dtype], [[0], 'int32']);
  t.deepEqual(words.inverseTransform([]), []);
  t.deepEqual((new LabelEncoder().fit([3, 1]).inverseTransform([]) as NDArray).shape, [0]);
  t.throws(() => new LabelEncoder().fit([]), { message: 'Expected y to hold labels, got shape [0]' });
});

test('toCategorical has a column for each class of strings and booleans, in their order', (t) => {
  t.deepEqual(toCategorical(['dog', 'cat', 'dog']).toArray(), [
    [0, 1],
    [1, 0],
    [0, 1],
  ]);
  t.deepEqual(toCategorical([true, false]).toArray(), [
    [0, 1],
    [1, 0],
  ]);
  t.deepEqual(toCategorical(['b', 'a'], 3).toArray(), [
    [0, 1, 0],
    [1, 0, 0],
  ]);
  const y = ['c', 'a', 'b', 'a'];
  t.deepEqual(toCategorical(y), toCategorical(new LabelEncoder().fitTransform(y)));
  t.throws(() => toCategorical(['a', 'b', 'c'], 2), {
    instanceOf: RangeError,
    message: "Expected labels to hold at most 2 classes, got 3: 'a', 'b', 'c'",
  });
  t.throws(() => toCategorical(['a', 1] as never), { instanceOf: TypeError, message: /labels\[1\] to be a string/ });
  t.throws(() => toCategorical(['a'], 0), { message: 'Expected numClasses to be a positive integer, got 0 (number)' });
});
