// Exponential functions to 200 bits, to count units in the last place with.

type DType = 'float64' | 'float32';

const BITS = 240n;
const ONE = 1n << BITS;

/** A double times 2^240. Exact for |x| >= 2^-150. */
function fixed(x: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const mantissa = (bits & 0xfffffffffffffn) | (exponent > 0n ? 1n << 52n : 0n);
  const shift = (exponent > 0n ? exponent : 1n) - 1075n + BITS;
  const magnitude = shift >= 0n ? mantissa << shift : mantissa >> -shift;
  return bits >> 63n ? -magnitude : magnitude;
}

/** ln(2) as 2 * atanh(1/3). */
const LN2 = (() => {
  let sum = 0n;
  let power = ONE / 3n;
  for (let n = 1n; power !== 0n; n += 2n) {
    sum += power / n;
    power /= 9n;
  }
  return 2n * sum;
})();

/** A positive number: value / 2^240 * 2^exponent. */
interface Scaled {
  value: bigint;
  exponent: bigint;
}

function expOf(x: bigint): Scaled {
  const exponent = x / LN2;
  const r = x - exponent * LN2;
  let sum = ONE;
  let term = ONE;
  for (let n = 1n; term !== 0n; n++) {
    term = (term * r) / (n << BITS);
    sum += term;
  }
  return { value: sum, exponent };
}

/** As a fixed-point number; what lies below 2^-240 is lost. */
const toFixed = ({ value, exponent }: Scaled) => (exponent >= 0n ? value << exponent : value >> -exponent);

const abs = (x: bigint) => (x < 0n ? -x : x);

/** How far `got` lies from the exact value, in units of the last place of a number of `digits` bits, or of the smallest one. */
function ulps(got: number, { value, exponent }: Scaled, dtype: DType): number {
  const [digits, smallest] = dtype === 'float64' ? [53, -1074] : [24, -149];
  const magnitude = value.toString(2).length - 1 - Number(BITS) + Number(exponent);
  const unit = Math.max(magnitude - digits + 1, smallest);
  // in units, with 40 bits after the point; got has at most as many digits before it as a number has
  const shift = exponent - BITS - BigInt(unit) + 40n;
  const exact = shift >= 0n ? value << shift : value >> -shift;
  const half = Math.trunc(unit / 2); // 2^-unit itself may be too large for a double
  const scaled = fixed(got * 2 ** -half * 2 ** (half - unit)) >> (BITS - 40n);
  return Number(abs(scaled - exact)) / 2 ** 40;
}

export const expUlps = (x: number, got: number, dtype: DType): number => ulps(got, expOf(fixed(x)), dtype);

/** tanh |x| = 1 - 2 / (exp(2 |x|) + 1) */
export function tanhUlps(x: number, got: number, dtype: DType): number {
  const e = toFixed(expOf(2n * abs(fixed(x))));
  return ulps(Math.abs(got), { value: ((e - ONE) << BITS) / (e + ONE), exponent: 0n }, dtype);
}

export function sigmoidUlps(x: number, got: number, dtype: DType): number {
  const { value, exponent } = expOf(fixed(Math.abs(x))); // s(|x|) = 1 / (1 + exp(-|x|)), s(-|x|) = exp(-|x|) s(|x|)
  const e = exponent >= 0n ? value << exponent : value >> -exponent;
  return x >= 0
    ? ulps(got, { value: (e << BITS) / (e + ONE), exponent: 0n }, dtype)
    : ulps(got, { value: (ONE << (BITS + exponent)) / (e + ONE), exponent: -exponent }, dtype);
}
