import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { kernels } from 'fjordnet';

type Floats = Float64Array | Float32Array;
type Name = 'exp' | 'tanh' | 'sigmoid';

const TYPED = { float64: Float64Array, float32: Float32Array } as const;
const DTYPES = ['float64', 'float32'] as const;

const apply = (kernel: Name, x: Floats): Floats => {
  const y = x.slice();
  kernels[kernel]({ B: 1, N: x.length }, [x, y]);
  return y;
};

/** The numbers of the format between a and b, counted on the line of their bit patterns. */
function ulps(a: number, b: number, dtype: keyof typeof TYPED): number {
  const place = (value: number) => {
    if (dtype === 'float32') {
      const bits = new Int32Array(Float32Array.of(value).buffer)[0];
      return BigInt(bits < 0 ? -(bits & 0x7fffffff) : bits);
    }
    const bits = new BigInt64Array(Float64Array.of(value).buffer)[0];
    return bits < 0n ? -(bits & 0x7fffffffffffffffn) : bits;
  };
  const d = place(a) - place(b);
  return Number(d < 0n ? -d : d);
}

const cases = JSON.parse(readFileSync(new URL('../test/fixtures/vmath.json', import.meta.url), 'utf8')) as [
  name: Name,
  dtype: keyof typeof TYPED,
  x: number[],
  y: (number | string)[],
][];

for (const [name, dtype, x, y] of cases)
  test(`${name} is within 2 ulp of the correctly rounded value: ${dtype}`, (t) => {
    const actual = apply(name, TYPED[dtype].from(x));
    for (const [i, expected] of y.entries()) {
      const distance = ulps(actual[i], Number(expected), dtype);
      t.true(distance <= 2, `${name}(${x[i]}) = ${actual[i]}, ${distance} ulp from ${expected}`);
    }
  });

for (const dtype of DTYPES) {
  test(`NaN, infinities and zeros: ${dtype}`, (t) => {
    const x = TYPED[dtype].of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1e30, -1e30);
    t.deepEqual(Array.from(apply('exp', x)), [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      0,
      1,
      1,
      Number.POSITIVE_INFINITY,
      0,
    ]);
    t.deepEqual(Array.from(apply('tanh', x)), [Number.NaN, 1, -1, 0, -0, 1, -1]);
    t.deepEqual(Array.from(apply('sigmoid', x)), [Number.NaN, 1, 0, 0.5, 0.5, 1, 0]);
  });

  test(`tanh is odd and both are monotonic to the last digits: ${dtype}`, (t) => {
    const n = 20000;
    const x = TYPED[dtype].from(Array.from({ length: n }, (_, i) => (i / n) * 20 - 5));
    const minus = x.map((v) => -v);
    t.deepEqual(
      apply('tanh', minus),
      apply('tanh', x).map((v) => -v),
    );
    for (const name of ['exp', 'tanh'] as const) {
      const y = apply(name, x);
      for (let i = 1; i < n; i++) if (y[i] < y[i - 1]) t.true(ulps(y[i], y[i - 1], dtype) <= 2, `${name} at ${x[i]}`);
    }
  });

  test(`a value does not depend on where it stands: ${dtype}`, (t) => {
    const value = fc.double({ min: -120, max: 120, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 70 }), fc.nat(), (values, at) => {
        const x = TYPED[dtype].from(values);
        const i = at % x.length;
        for (const name of ['exp', 'tanh', 'sigmoid'] as const)
          if (!Object.is(apply(name, x)[i], apply(name, x.slice(i, i + 1))[0])) return false;
        return true;
      }),
      { numRuns: 300, seed: 1 },
    );
    t.pass();
  });
}
