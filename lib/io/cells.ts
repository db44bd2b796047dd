import { NDArray } from '../array.js';

/** What pandas takes for a missing value, and the '?' of the UCI tables. */
const MISSING = new Set(
  '#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|-NaN|-nan|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|NaN|None|n/a|nan|null|?'.split('|'),
);
const NAN = /^[+-]?nan$/i;
const INFINITE = /^[+-]?inf(inity)?$/i;
const DECIMAL = /^\s*[+-]?(?!0\d)(\d+[.e]|\.\d)/i;
const RADIX = /^\s*0[box]/i;

/** Does a cell say that there is no value? */
export const isMissing = (cell: string) => cell === '' || MISSING.has(cell) || NAN.test(cell);

/** Is it infinity? That is a value, and none that anything can be made of. */
export const isInfinite = (cell: string) => INFINITE.test(cell);

/** Is it a decimal that float64 has no room for, as 1e400? That is infinity, as in pandas; digits alone are text there, and here. */
export const isBeyond = (cell: string) => Math.abs(Number(cell)) === Number.POSITIVE_INFINITY && DECIMAL.test(cell);

/** Is there no value, or none that can be used? No label is, and no name of a column. */
export const isUnusable = (cell: string) => isMissing(cell) || isInfinite(cell);

/** The number that a cell holds, as Python's `float` reads it; NaN for what is none, or not finite. */
export function toNumber(cell: string): number {
  const value = Number(cell);
  if (value === 0 && cell.trim() === '') return Number.NaN;
  return Number.isFinite(value) && !RADIX.test(cell) ? value : Number.NaN;
}

/** The same for a whole column; nothing if one of the cells is no number. */
export function toNumbers(cells: readonly string[]): Float64Array | undefined {
  const values = Float64Array.from(cells, toNumber);
  return values.some(Number.isNaN) ? undefined : values;
}

/** Numbers in pieces that double up to a size, so that growing copies nothing and few numbers take little. */
export class Numbers<T extends Float64Array | Float32Array | Uint16Array> {
  static readonly #LEAST = 2 ** 8;
  static readonly #MOST = 2 ** 18;
  readonly #type: { new (length: number): T };
  readonly #full: T[] = [];
  #piece: T;
  #used = 0;
  #length = 0;

  constructor(type: { new (length: number): T }) {
    this.#type = type;
    this.#piece = new type(Numbers.#LEAST);
  }

  push(value: number): void {
    if (this.#used === this.#piece.length) {
      this.#full.push(this.#piece);
      this.#piece = new this.#type(Math.min(2 * this.#used, Numbers.#MOST));
      this.#used = 0;
    }
    this.#piece[this.#used++] = value;
    this.#length++;
  }

  /** All numbers from the place `begin` on, in one array. */
  toArray(begin = 0): T {
    const all = new this.#type(this.#length - begin);
    let at = -begin;
    for (const piece of [...this.#full, this.#piece.subarray(0, this.#used)]) {
      if (at >= 0) all.set(piece as T, at);
      else if (at + piece.length > 0) all.set(piece.subarray(-at) as T, 0);
      at += piece.length;
    }
    return all;
  }
}

/** How a number was written: as JavaScript does, with so many decimals (perhaps without the 0 before), or as C's %e, %E. */
const FIXED = 1;
const BARE = 256;
const EXPONENT = 512;
const UPPER = 1024;

function write(value: number, form: number): string {
  if (form === 0) return String(value);
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const size = Math.abs(value);
  if (form >= UPPER) return write(value, form - UPPER + EXPONENT).toUpperCase();
  if (form >= EXPONENT)
    return sign + size.toExponential(form - EXPONENT).replace(/([+-])(\d)$/, (_, s, digit) => `${s}0${digit}`);
  return sign + (form >= BARE ? size.toFixed(form - BARE).replace(/^0/, '') : size.toFixed(form - FIXED));
}

/** The form in which a number gives the text again, or nothing: 007, 71e2, 0x10 and a number of 18 digits are no numbers. */
function formOf(text: string, value: number): number | undefined {
  if (String(value) === text) return 0;
  const [, bare, decimals, exponent] = /^-?(\.?)\d*\.?(\d*)(e)?/i.exec(text) ?? [];
  const places = bare ? text.replace('-', '').length - 1 : decimals.length;
  if (places > 100) return undefined;
  const forms = exponent ? [(exponent === 'E' ? UPPER : EXPONENT) + places] : [FIXED + places, BARE + places];
  return forms.find((form) => form !== FIXED && write(value, form) === text);
}

/**
 * Labels: numbers as long as each of them gives its text again, then texts, each kept once. So no two labels become
 * one: `007` and `7`, `1.50` and `1.5`, `71e2` and `7100` are two texts, while `1.50` and `2.25` are numbers.
 */
export class LabelColumn {
  #numbers = new Numbers(Float64Array);
  #forms = new Numbers(Uint16Array);
  #texts: string[] | undefined;
  readonly #known = new Map<string, string>();

  /** @param isText whether they are texts, whatever they look like */
  constructor(isText = false) {
    if (isText) this.#texts = [];
  }

  push(text: string): void {
    if (this.#texts === undefined) {
      const value = toNumber(text);
      const form = Number.isNaN(value) ? undefined : formOf(text, value);
      if (form !== undefined) {
        this.#numbers.push(value);
        this.#forms.push(form);
        return;
      }
      this.#texts = this.#written();
    }
    this.#texts.push(this.#once(text));
  }

  /** @param first a label that comes before all others */
  finish(first?: string): NDArray | string[] {
    if (first !== undefined) {
      const all = new LabelColumn(this.#texts !== undefined);
      for (const text of [first, ...this.texts()]) all.push(text);
      return all.finish();
    }
    return this.#texts ?? (this.#isAmbiguous() ? this.#written() : NDArray.wrap(this.#numbers.toArray()));
  }

  /** All of them as they stand. */
  texts(): readonly string[] {
    return this.#texts ?? this.#written();
  }

  #written(): string[] {
    const forms = this.#forms.toArray();
    return Array.from(this.#numbers.toArray(), (value, i) => this.#once(write(value, forms[i])));
  }

  /** Is one number written in two ways? */
  #isAmbiguous(): boolean {
    const forms = this.#forms.toArray();
    if (forms.every((form) => form === forms[0])) return false;
    const seen = new Map<number | string, number>();
    return this.#numbers.toArray().some((value, i) => {
      const key = Object.is(value, -0) ? '-0' : value;
      const form = seen.get(key);
      seen.set(key, forms[i]);
      return form !== undefined && form !== forms[i];
    });
  }

  #once(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    this.#known.set(text, text);
    return text;
  }
}
