import { isFloat32Array, isInt32Array } from './kind.js';

/**
 * Arrays as NumPy prints them (numpy/core/arrayprint.py): precision 8, shortest digits, aligned columns, scientific
 * notation for wide ranges, lines of 75 characters, and above 1000 elements the first and last three of every axis.
 */
const PRECISION = 8;
const LINE_WIDTH = 75;
const THRESHOLD = 1000;
const EDGE_ITEMS = 3;

type Data = Float64Array | Float32Array | Int32Array;

export function formatArray(data: Data, shape: readonly number[]): string {
  const single = isFloat32Array(data);
  if (shape.length === 0) return isInt32Array(data) ? String(data[0]) : formatScalar(data[0], single);
  if (data.length === 0) return '[]';
  const summarize = data.length > THRESHOLD;
  const shown = summarize ? corners(data, shape) : data;
  const format = isInt32Array(data) ? integerFormat(shown) : floatFormat(shown, single);

  const write = (axis: number, start: number, indent: string, width: number): string => {
    const length = shape[axis];
    const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    const items = summarize ? visible(length) : Array.from({ length }, (_, i) => i);
    const dots = items.length < length ? EDGE_ITEMS : -1;
    if (axis < shape.length - 1) {
      const rows = items.map((i) => write(axis + 1, start + i * stride, `${indent} `, width - 1));
      if (dots >= 0) rows.splice(dots, 0, '...');
      return `[${rows.join('\n'.repeat(shape.length - 1 - axis) + indent)}]`;
    }
    const words = items.map((i) => format(data[start + i]));
    if (dots >= 0) words.splice(dots, 0, '...');
    return `[${fill(words, indent, width - 1)}]`;
  };
  return write(0, 0, ' ', LINE_WIDTH);
}

/** Joins words with spaces into lines of at most `width` characters, each starting with `indent`. */
function fill(words: readonly string[], indent: string, width: number): string {
  let text = '';
  let line = indent;
  words.forEach((word, i) => {
    if (line.length + word.length > width && line.length > indent.length) {
      text += `${line.trimEnd()}\n`;
      line = indent;
    }
    line += i < words.length - 1 ? `${word} ` : word;
  });
  return (text + line).slice(indent.length);
}

function visible(length: number): number[] {
  const all = Array.from({ length: Math.min(length, 2 * EDGE_ITEMS) }, (_, i) => i);
  return length <= 2 * EDGE_ITEMS ? all : all.map((i) => (i < EDGE_ITEMS ? i : length - 2 * EDGE_ITEMS + i));
}

/** The elements a summary shows: only they decide the format. */
function corners(data: Data, shape: readonly number[]): number[] {
  let offsets = [0];
  for (const length of shape) offsets = offsets.flatMap((o) => visible(length).map((i) => o * length + i));
  return offsets.map((o) => data[o]);
}

function integerFormat(values: ArrayLike<number>): (x: number) => string {
  let width = 0;
  for (let i = 0; i < values.length; i++) width = Math.max(width, String(values[i]).length);
  return (x) => String(x).padStart(width);
}

function floatFormat(values: ArrayLike<number>, single: boolean): (x: number) => string {
  const all = Array.from(values);
  const finite = all.filter(Number.isFinite);
  let left = 0;
  let right = 0;
  let text: (x: number) => string = String;
  if (finite.length > 0) {
    const scientific = needsExponent(finite, single);
    const parts = finite.map((x) => {
      if (!scientific) return positionalParts(x, single);
      const [a, b, c] = scientificParts(x, Math.min(PRECISION, shortestDigits(x, single).digits - 1));
      return [a, b.replace(/0+$/, ''), c];
    });
    const widest = (k: 0 | 1 | 2) => parts.reduce((most, p) => Math.max(most, p[k].length), 0);
    const whole = widest(0);
    const fraction = widest(1);
    const exponent = widest(2);
    left = whole;
    right = scientific ? exponent + 1 + fraction : fraction;
    text = (x) => {
      const [a, b, c] = scientific ? scientificParts(x, fraction) : positionalParts(x, single);
      const tail = scientific ? `e${c[0]}${c.slice(1).padStart(exponent - 1, '0')}` : ''.padEnd(fraction - b.length);
      return `${a.padStart(whole)}.${b}${tail}`;
    };
  }
  if (finite.length < all.length) {
    const widestName = all.includes(Number.NEGATIVE_INFINITY) ? 4 : 3;
    left = Math.max(left, widestName - right - 1);
  }
  return (x) => {
    if (Number.isFinite(x)) return text(x).padStart(left + right + 1);
    return (Number.isNaN(x) ? 'nan' : x > 0 ? 'inf' : '-inf').padStart(left + right + 1);
  };
}

/** From here on numbers of float32 have an exponent: of more digits it holds not all (NumPy 2). */
const MOST_SINGLE = 1e6;
/** Below this they do, in arrays: NumPy compares each type with its own 0.0001. */
const LEAST = 0.0001;

function needsExponent(finite: readonly number[], single: boolean): boolean {
  const sizes = finite.filter((x) => x !== 0).map(Math.abs);
  if (sizes.length === 0) return false;
  const round = single ? Math.fround : Number;
  const largest = sizes.reduce((a, b) => Math.max(a, b));
  const smallest = sizes.reduce((a, b) => Math.min(a, b));
  return largest >= (single ? MOST_SINGLE : 1e8) || smallest < round(LEAST) || round(largest / smallest) > 1000;
}

/** Digits before and after the point, with at most 8 after it. */
function positionalParts(x: number, single: boolean): [string, string, string] {
  const shortest = shortestDigits(x, single);
  const rounded = roundEven((d) => x.toFixed(d), Math.min(shortest.fraction, PRECISION));
  const [whole, fraction = ''] = rounded.split('.');
  const sign = x < 0 || Object.is(x, -0) ? '-' : '';
  return [sign + whole.replace('-', ''), fraction.replace(/0+$/, ''), ''];
}

/** The digit before the point, `precision` digits after it, and the exponent (`+05`). */
function scientificParts(x: number, precision: number): [string, string, string] {
  const [mantissa, power] = roundEven((d) => x.toExponential(d), precision).split('e');
  const [whole, fraction = ''] = mantissa.split('.');
  return [(Object.is(x, -0) ? '-' : '') + whole, fraction, power[0] + power.slice(1).padStart(2, '0')];
}

/** The digits that tell `x` from its neighbours of the same type: how many, and how many lie behind the point. */
function shortestDigits(x: number, single: boolean): { digits: number; fraction: number } {
  let text = x.toExponential();
  for (let p = 0; single && p < 9; p++) {
    text = x.toExponential(p);
    if (Math.fround(Number(text)) === x) break;
  }
  const [mantissa, power] = text.split('e');
  const digits = mantissa.replace(/[-.]/g, '').length;
  return { digits, fraction: Math.max(0, digits - 1 - Number(power)) };
}

/** `print(precision)` of toFixed or toExponential, with exact ties to the even digit where JavaScript rounds them up. */
export function roundEven(print: (digits: number) => string, precision: number): string {
  const [exact, power] = print(precision + 40).split('e');
  const kept = exact.slice(0, -40).replace(/\.$/, '');
  const isTie = /^50*$/.test(exact.slice(-40));
  if (!isTie || Number(kept.at(-1)) % 2 === 1) return print(precision);
  return power === undefined ? kept : `${kept}e${power}`;
}

/** NumPy's str() of a scalar: shortest digits, positional within [1e-4, 1e16), of float32 [1e-4, 1e6). */
export function formatScalar(x: number, single: boolean): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? 'nan' : x > 0 ? 'inf' : '-inf';
  const { digits, fraction } = shortestDigits(x, single);
  const size = Math.abs(x);
  if (x !== 0 && (size < 1e-4 || size >= (single ? MOST_SINGLE : 1e16))) {
    const [mantissa, power] = roundEven((d) => x.toExponential(d), digits - 1).split('e');
    return `${mantissa}e${power[0]}${power.slice(1).padStart(2, '0')}`;
  }
  return `${Object.is(x, -0) ? '-' : ''}${roundEven((d) => x.toFixed(d), Math.max(1, fraction))}`;
}
