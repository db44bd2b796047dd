/** IEEE 754 binary16: a sign, 5 bits of exponent, 10 bits of fraction. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24);
}

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** The upper half of a float32. */
export function bfloat16ToNumber(upper: number): number {
  bits[0] = upper << 16;
  return float[0];
}
