import { checkInteger, checkOneOf, wrongType, wrongValue } from '../check.js';

export type Padding = 'valid' | 'same';
/** [height, width], or one number for both. */
export type Pair = number | readonly [number, number];

export function checkPair(name: string, value: unknown): readonly [number, number] {
  if (!Array.isArray(value)) {
    const n = checkInteger(name, value, 1);
    return [n, n];
  }
  if (value.length !== 2) throw wrongValue(name, 'an integer or a pair [height, width]', value);
  return [checkInteger(`${name}[0]`, value[0], 1), checkInteger(`${name}[1]`, value[1], 1)];
}

export function checkPadding(padding: unknown): Padding {
  if (padding !== undefined && typeof padding !== 'string') throw wrongType('padding', "'valid' or 'same'", padding);
  return checkOneOf('padding', padding ?? 'valid', ['valid', 'same']);
}

/**
 * How windows of `size` cells, `dilation` apart, move along `n` cells in steps of `stride`: the number of windows, and
 * the cells of padding before the first. 'same' pads as TensorFlow: ceil(n / stride) windows, the odd cell at the end.
 * A count below 1 means that the window is larger than its padded input.
 */
export function windows(
  n: number,
  size: number,
  stride: number,
  dilation: number,
  padding: Padding,
): { count: number; before: number } {
  const extent = (size - 1) * dilation + 1;
  if (padding === 'valid') return { count: Math.floor((n - extent) / stride) + 1, before: 0 };
  const count = Math.ceil(n / stride);
  return { count, before: Math.floor(Math.max(0, (count - 1) * stride + extent - n) / 2) };
}
