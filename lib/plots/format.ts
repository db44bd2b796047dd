import { type ArrayInput, asArray, extent } from '../array.js';
import { wrongType } from '../check.js';

/** The values along an axis: numbers, or names. */
export type AxisInput = ArrayInput | readonly string[];

/** Python's `f'{value:.{digits}e}'`: 1e-05. */
export function scientific(value: number, digits = 0): string {
  const [mantissa, exponent] = value.toExponential(digits).split('e');
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
}

/** Up to `digits` significant digits, with no zeros at the end, as Python's `%g`. */
export function general(value: number, digits = 4): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const magnitude = Math.abs(value);
  return magnitude >= 1e-4 && magnitude < 10 ** Math.max(digits, 6)
    ? String(Number(value.toPrecision(digits)))
    : scientific(value, digits - 1).replace(/\.?0*e/, 'e');
}

/** One label for each value, all different where the values are; 1e-05 … 1e+01 if they run over three decades or more. */
export function axisLabels(name: string, values: AxisInput | undefined, length: number): string[] {
  if (values === undefined) return Array.from({ length }, (_, i) => String(i));
  const labels = isNames(values)
    ? values.map((label, i) => nameOf(`${name}[${i}]`, label))
    : numberLabels(name, values);
  if (labels.length !== length)
    throw new RangeError(`Expected ${name} to hold ${length} values, as the table does, got ${labels.length}`);
  return labels;
}

const isNames = (values: AxisInput): values is readonly string[] =>
  Array.isArray(values) && typeof values[0] === 'string';

function nameOf(name: string, label: unknown): string {
  if (typeof label !== 'string') throw wrongType(name, 'a string, as the ones before it are', label);
  return label;
}

function numberLabels(name: string, values: ArrayInput): string[] {
  const array = asArray(name, values);
  if (array.ndim !== 1)
    throw new RangeError(`Expected ${name} to have 1 dimension, got shape [${array.shape.join(', ')}]`);
  const numbers = Array.from(array.data);
  const magnitudes = numbers.filter((v) => v !== 0 && Number.isFinite(v)).map(Math.abs);
  const [least, most] = extent(magnitudes);
  const logarithmic = magnitudes.length > 2 && most >= 999 * least;
  const write = (v: number, digits: number) =>
    !logarithmic || v === 0 ? general(v, digits + 3) : scientific(v, digits);
  const exact = (digits: number) =>
    numbers.every((v) => v === 0 || Math.abs(Number(write(v, digits)) / v - 1) < 0.02 || !Number.isFinite(v));
  const distinct = new Set(numbers).size;
  let digits = 0;
  let labels = numbers.map((v) => write(v, digits));
  while (digits < 15 && (new Set(labels).size < distinct || !exact(digits))) {
    digits++;
    labels = numbers.map((v) => write(v, digits));
  }
  return labels;
}

/** A number with `decimals` digits after the point. NaN is `nan`, as NumPy has it. */
export const fixed = (value: number, decimals: number): string =>
  Number.isFinite(value) ? value.toFixed(decimals) : Number.isNaN(value) ? 'nan' : general(value);

/**
 * How to write the numbers of a table, with three significant digits in the largest (0.978, 2.31, 98.7); integers as they
 * are. `fewer` takes that many digits away, but leaves two.
 */
export function tableFormat(values: readonly number[], fewer = 0): (value: number) => string {
  const finite = values.filter(Number.isFinite);
  const largest = Math.max(0, extent(finite.map(Math.abs))[1]);
  if (finite.every(Number.isInteger)) return (value) => fixed(value, 0);
  if (largest < 1e-3 || largest >= 1e6)
    return (value) => (Number.isNaN(value) ? 'nan' : general(value, 3 - Math.min(1, fewer)));
  const decimals = Math.max(0, 3 - Math.ceil(Math.log10(largest)) - Math.min(1, fewer));
  return (value) => fixed(value, decimals);
}

export const plural = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
