// Whole powers: correctly rounded, so the same in every JavaScript engine.
import { createHash } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { power } from '../dist/power.js';

/** A positive double as mantissa * 2^exponent. */
function parts(x: number): [mantissa: bigint, exponent: bigint] {
  const exponent = Math.floor(Math.log2(x)) - 53;
  return [BigInt(x / 2 ** exponent), BigInt(exponent)];
}

/** Whether `value` is the nearest double to x ** n, by exact arithmetic. */
function isNearest(value: number, x: number, n: number): boolean {
  const [mantissa, exponent] = parts(x);
  const [near, place] = parts(value);
  const shift = exponent * BigInt(n) - place;
  const exact = shift >= 0n ? (mantissa ** BigInt(n)) << shift : mantissa ** BigInt(n);
  const scaled = shift >= 0n ? near : near << -shift;
  const unit = (near >= 1n << 53n ? 2n : 1n) << (shift >= 0n ? 0n : -shift);
  const off = exact > scaled ? exact - scaled : scaled - exact;
  return 2n * off <= unit;
}

test('whole powers are rounded correctly', (t) => {
  for (const x of [0.9, 0.99, 0.999, 0.96, 0.5])
    for (let n = 0; n <= 400; n++) t.true(isNearest(power(x, n), x, n), `${x} ** ${n}`);
  fc.assert(
    fc.property(fc.double({ min: 0.3, max: 4, noNaN: true }), fc.integer({ min: 0, max: 400 }), (x, n) =>
      isNearest(power(x, n), x, n),
    ),
  );
});

test('their bits are these, whatever the engine', (t) => {
  const values = Float64Array.from({ length: 20_000 }, (_, n) => power(0.999, n + 1));
  t.is(
    createHash('sha256').update(values).digest('hex'),
    '1fe5b20715f43580d8fc84f8eb05a40c3173c85cb729c62be8f324e7afb8e839',
  );
});

test('0, 1, the limits, and powers that are not whole', (t) => {
  t.deepEqual(
    [power(0, 0), power(0, 3), power(1, 1e15), power(2, 1023), power(2, 1024), power(0.5, 1074), power(0.5, 1e6)],
    [1, 0, 1, 2 ** 1023, Number.POSITIVE_INFINITY, 2 ** -1074, 0],
  );
  t.is(power(0.3, 2.5), 0.3 ** 2.5);
  t.is(power(0.5, -2), 4);
});
