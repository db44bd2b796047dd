import { allocate } from './allocate.js';
import { NDArray } from './array.js';
import { checkAlone, checkInteger, checkNumber } from './check.js';

/**
 * `num` evenly spaced numbers from `start` to `stop`, both included: NumPy's `linspace`, to the last bit.
 *
 * @param num default 50
 */
export function linspace(start: number, stop: number, num?: number): NDArray;
export function linspace(start: number, stop: number, num = 50, ...others: unknown[]): NDArray {
  checkAlone('linspace', 3, others);
  checkNumber('start', start);
  checkNumber('stop', stop);
  checkInteger('num', num, 0);
  const gaps = num - 1;
  const delta = stop - start;
  const step = delta / gaps;
  const data = allocate(Float64Array, num);
  for (let i = 0; i < num; i++) data[i] = (gaps < 1 ? 0 : step === 0 ? (i / gaps) * delta : i * step) + start;
  if (num > 1) data[gaps] = stop;
  return NDArray.wrap(data);
}

/**
 * `num` numbers evenly spaced on a logarithmic scale, from 10**start to 10**stop: NumPy's `logspace`.
 *
 * Powers are rounded correctly, so 10**-5 is 1e-5. NumPy's are too where it calls glibc's pow; on AVX-512 machines
 * NumPy uses Intel's SVML, whose last bit differs in a third of them.
 *
 * @param num default 50
 */
export function logspace(start: number, stop: number, num?: number): NDArray;
export function logspace(start: number, stop: number, num = 50, ...others: unknown[]): NDArray {
  checkAlone('logspace', 3, others);
  const array = linspace(start, stop, num);
  for (let i = 0; i < num; i++) array.data[i] = pow10(array.data[i]);
  return array;
}

const LN10 = 783529105480883066805338482703447369892n; // ln(10) * 2**128

/** 10**y, correctly rounded: y = k + f, 10**f by Taylor's series in 128-bit fixed point, k through decimal digits. */
function pow10(y: number): number {
  if (Math.abs(y) > 400) return y > 0 ? Number.POSITIVE_INFINITY : 0;
  const k = Math.round(y);
  const exponent = (BigInt(Math.trunc((y - k) * 2 ** 120)) * LN10) >> 120n;
  let sum = 0n;
  for (let term = 1n << 128n, n = 1n; term !== 0n && term !== -1n; n++) {
    sum += term;
    term = ((term * exponent) >> 128n) / n;
  }
  return Number(`${(sum * 10n ** 36n) >> 128n}e${k - 36}`);
}
