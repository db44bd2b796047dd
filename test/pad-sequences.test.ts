import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { NDArray, type PadSequencesOptions, padSequences } from 'fjordnet';

const golden = JSON.parse(readFileSync(new URL('../test/fixtures/texts.json', import.meta.url), 'utf8'));

test('sequences are filled up and cut off as by Keras', (t) => {
  for (const { sequences, options, padded } of golden.padded) {
    const { maxlen: maxLength, ...rest } = options;
    const own = padSequences(sequences, { maxLength, ...rest });
    t.is(own.dtype, options.dtype ?? 'int32');
    t.deepEqual(own.toArray(), padded, JSON.stringify({ sequences, options }));
  }
});

test('the dtype is int32 where all numbers are 32-bit integers, else float64', (t) => {
  t.is(padSequences([[1], [2, 3]]).dtype, 'int32');
  t.is(padSequences([new Float32Array([1]), [2, 3], new Uint8Array(4), NDArray.from([5])]).dtype, 'int32');
  t.is(padSequences([[1], [2.5, 3]]).dtype, 'float64');
  t.is(padSequences([[1], [2 ** 31, 3]]).dtype, 'float64');
  t.is(padSequences([[1]], { value: 0.5 }).dtype, 'float64');
  t.is(padSequences([[0.5, 1]], { maxLength: 1 }).dtype, 'float64'); // whatever is cut off
});

test('what is kept of each sequence is its end or its beginning, and nothing is changed', (t) => {
  const side = fc.constantFrom('pre' as const, 'post' as const);
  const cases = fc.record({
    sequences: fc.array(fc.array(fc.integer({ min: -1e6, max: 1e6 }), { maxLength: 8 }), {
      minLength: 1,
      maxLength: 6,
    }),
    maxLength: fc.integer({ min: 1, max: 10 }),
    padding: side,
    truncating: side,
  });
  fc.assert(
    fc.property(cases, ({ sequences, ...options }) => {
      const before = structuredClone(sequences);
      const padded = padSequences(sequences, options).toArray<number[][]>();
      t.deepEqual(sequences, before);
      sequences.forEach((sequence, i) => {
        const { maxLength, padding, truncating } = options;
        const kept = truncating === 'pre' ? sequence.slice(-maxLength) : sequence.slice(0, maxLength);
        const zeros = new Array<number>(maxLength - kept.length).fill(0);
        t.deepEqual(padded[i], padding === 'pre' ? [...zeros, ...kept] : [...kept, ...zeros]);
      });
    }),
    { numRuns: 100 },
  );
});

test('bad sequences and options are refused in a sentence that names the place', (t) => {
  const cases: [unknown, PadSequencesOptions, string][] = [
    [[], {}, 'Expected sequences to be one sequence or more, got Array(0)'],
    [[[1], [2, Number.NaN]], {}, 'Expected sequences[1] to hold finite numbers, got NaN at row 1'],
    [[[1], [[2]]], {}, 'Expected sequences[1] to be of shape [steps], as those before it are, got shape [1, 1]'],
    [
      [[[1, 2]], [[3]]],
      {},
      'Expected sequences[1] to be of shape [steps, 2], as those before it are, got shape [1, 1]',
    ],
    [[[1], [2.5]], { dtype: 'int32' }, 'Expected sequences[1] to hold 32-bit integers, got 2.5 at row 0'],
    [
      [[1e300]],
      { dtype: 'float32' },
      "Expected sequences[0] to hold numbers within float32's range, got 1e+300 at row 0",
    ],
    [[[1]], { dtype: 'int32', value: 0.5 }, 'Expected value to hold 32-bit integers, got 0.5 at row 0'],
    [[[1]], { value: Number.NaN }, 'Expected value to be a finite number, got NaN (number)'],
    [[[1]], { maxLength: 0 }, 'Expected maxLength to be a positive integer, got 0 (number)'],
    [[[1]], { padding: 'left' as never }, "Expected padding to be one of 'pre', 'post', got 'left' (string)"],
    [
      [[1]],
      { truncating: 'pst' as never },
      "Expected truncating to be one of 'pre', 'post' (did you mean 'post'?), got 'pst' (string)",
    ],
    [
      [[1]],
      { dtype: 'int64' as never },
      "Expected dtype to be one of 'float64', 'float32', 'int32' (did you mean 'int32'?), got 'int64' (string)",
    ],
  ];
  for (const [sequences, options, message] of cases)
    t.throws(() => padSequences(sequences as number[][], options), { instanceOf: RangeError, message });
  const types: [unknown, string][] = [
    ['abc', "Expected sequences to be an array of sequences, got 'abc' (string)"],
    [NDArray.zeros([2, 2]), 'Expected sequences to be an array of sequences, got NDArray'],
    [[[1], 2], 'Expected sequences[1] to be an array of numbers, got 2 (number)'],
    [[[1], [2, 'a']], "Expected sequences[1][1] to be a number, got 'a' (string)"],
  ];
  for (const [sequences, message] of types)
    t.throws(() => padSequences(sequences as number[][]), { instanceOf: TypeError, message });
  t.throws(() => padSequences([[1]], { maxlen: 3 } as object), { message: /no option 'maxlen'/ });
  t.throws(() => padSequences([[1]], { maxLength: 1e15 }), { code: 'ERR_MEMORY' });
});
