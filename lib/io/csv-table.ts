import { NDArray } from '../array.js';
import { didYouMean, wrongValue } from '../check.js';
import { isUnusable, LabelColumn, Numbers, toNumber } from './cells.js';
import type { CsvData } from './csv.js';
import { damaged } from './read.js';

export interface TableOptions {
  readonly label?: string | number;
  /**
   * No column is the label's if there is none of its name, or, without names, if no more than `width` are there; and labels
   * may be missing: then there are none.
   */
  readonly labelOptional?: boolean;
  readonly width?: number;
  readonly header?: boolean;
  /** Are the labels texts, whatever they look like? */
  readonly textLabels?: boolean;
  readonly separator: string;
  readonly dtype: 'float64' | 'float32';
  /** Names that the columns may have: if the first row holds them, they are names and no data, and other columns are passed over. */
  readonly known?: readonly string[];
}

/** More columns are no table's. */
const MOST_COLUMNS = 2 ** 20;
/** What rounds to no more than float32's largest number. */
export const LARGEST_FLOAT32 = 2 ** 128 - 2 ** 103 - 2 ** 75;
/** Names and cells that an error message may show. */
export const SHOWN = 20;

/** A first row that may be names or data: 0, 1, 2, …, or integers that rise, such as years, and text for a label. */
interface Undecided {
  readonly cells: readonly string[];
  readonly line: number;
}

/** Rows of text as they come, kept as numbers. */
export class CsvTable {
  readonly #source: string;
  readonly #options: TableOptions;
  readonly #x: Numbers<Float64Array | Float32Array>;
  readonly #labels: LabelColumn;
  #names: string[] | undefined;
  #first: readonly string[] = [];
  #firstLine = 0;
  #header = false;
  #undecided: Undecided | undefined;
  /** Has a cell below an undecided row been written as an integer? */
  #integers = false;
  #at = -1; // the label's column
  /** Columns whose cells may be anything. */
  #passed: readonly boolean[] = [];
  #lacksLabels = false;
  /** Text in the label's column of a first row that is taken for data unasked. */
  #firstLabel: string | undefined;
  #rows = 0;

  readonly #largest: number;

  constructor(source: string, options: TableOptions) {
    this.#largest = options.dtype === 'float32' ? LARGEST_FLOAT32 : Number.MAX_VALUE;
    this.#source = source;
    this.#options = options;
    this.#labels = new LabelColumn(options.textLabels);
    this.#x = new Numbers<Float64Array | Float32Array>(options.dtype === 'float64' ? Float64Array : Float32Array);
  }

  row(cells: readonly string[], line: number): void {
    if (this.#names === undefined && this.#begin(cells, line)) return;
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i];
      if (i === this.#at) {
        if (isUnusable(cell)) {
          if (!this.#options.labelOptional) throw this.#wrong(i, cell, line, 'a label', cells);
          this.#lacksLabels = true;
        }
        this.#labels.push(cell);
      } else if (!this.#passed[i]) {
        const value = toNumber(cell);
        if (!(Math.abs(value) <= this.#largest)) throw this.#wrong(i, cell, line, this.#expected(value), cells);
        this.#x.push(value);
        if (this.#undecided && !this.#integers) this.#integers = /^[+-]?\d+$/.test(cell);
      }
    }
    this.#rows++;
  }

  finish(): CsvData {
    const names = this.#names;
    if (names === undefined) throw damaged(this.#source, 'it is empty');
    const header = this.#header || (this.#undecided !== undefined && this.#isHeaderAfterAll(this.#undecided));
    const first = this.#undecided && !header ? this.#undecided : undefined;
    if (first?.cells[0] === '' && this.#at !== 0) throw this.#wrong(0, '', first.line, 'a finite number', first.cells);
    if (this.#undecided && header) {
      names.splice(0, names.length, ...namesOf(this.#undecided.cells));
      this.#checkTwice(names);
    }
    if (this.#firstLabel !== undefined && !header) this.#checkFirstLabel(this.#firstLabel);
    const rows = this.#rows + (first ? 1 : 0);
    if (rows === 0) throw damaged(this.#source, `it has names (${shown(names)}), but no rows below them`);
    const features = names.filter((_, i) => i !== this.#at && !this.#passed[i]);
    if (features.length === 0)
      throw damaged(
        this.#source,
        `it has no column beside the label '${clip(names[this.#at])}'${this.#separatorHint(this.#first)}`,
      );
    const values = this.#x.toArray(this.#undecided && !first ? features.length : 0);
    const x = NDArray.wrap(values, [rows, features.length]);
    if (this.#at < 0 || this.#lacksLabels) return { x, names: features, header };
    return { x, names: features, header, y: this.#labels.finish(first?.cells[this.#at]), label: names[this.#at] };
  }

  /** Settles the columns by the first row; returns whether it is done with. */
  #begin(cells: readonly string[], line: number): boolean {
    const { label } = this.#options;
    this.#first = cells.slice(0, SHOWN);
    this.#firstLine = line;
    if (cells.length > MOST_COLUMNS)
      throw damaged(
        this.#source,
        `its line ${line} has ${cells.length} cells, more than the maximum of ${MOST_COLUMNS}`,
      );
    const numbered = numberOf(label, cells.length);
    const kind = this.#kindOf(cells, numbered);
    this.#header = kind === 'names';
    const names = this.#header ? namesOf(cells) : cells.map((_, i) => `column ${i}`);
    this.#names = names;
    if (label !== undefined) this.#at = this.#labelAmong(names, label, numbered, cells.length);
    if (this.#header) {
      this.#checkTwice(names);
      const { known } = this.#options;
      const [own, wanted] = [new Set(names), new Set(known)];
      if (known?.every((name) => own.has(name))) this.#passed = names.map((name) => !wanted.has(name));
    }
    if (kind !== 'names' && this.#options.header === undefined && this.#at >= 0 && !isNumber(cells[this.#at]))
      this.#firstLabel = cells[this.#at];
    if (kind !== 'undecided' || (this.#at < 0 && cells.slice(1).some((cell) => !isNumber(cell)))) return this.#header;
    this.#undecided = { cells: [...cells], line };
    // its numbers come first as data; they are left out if it turns out to be names
    for (let i = 0; i < cells.length; i++) if (i !== this.#at) this.#x.push(toNumber(cells[i]));
    return true;
  }

  #kindOf(cells: readonly string[], numbered: number | undefined): 'names' | 'data' | 'undecided' {
    const { header } = this.#options;
    if (header !== undefined) return header ? 'names' : 'data';
    if (holdsNames(cells, this.#options)) return 'names';
    const features = cells.filter((_, i) => i !== numbered);
    if (countsUp(cells.filter((_, i) => i !== numbered || isNumber(cells[i])))) return 'undecided';
    const label = numbered === undefined ? '' : cells[numbered];
    if (features.length > 1 && rises(features) && !isUnusable(label) && !isNumber(label)) return 'undecided';
    if (features.every((cell) => isUnusable(cell) || isNumber(cell))) return 'data';
    return rises(features.filter(isNumber)) ? 'names' : 'data';
  }

  #labelAmong(names: readonly string[], label: string | number, numbered: number | undefined, columns: number): number {
    const { labelOptional, width = 0 } = this.#options;
    const at = typeof label === 'string' && names.includes(label) ? names.indexOf(label) : numbered;
    if (labelOptional && (at === undefined || (columns <= width && !this.#header))) return -1;
    if (at === undefined) throw noColumn(label, names, this.#header, this.#separatorHint(this.#first));
    return at;
  }

  /** Text above numbers alone is a name, or a mistake. */
  #checkFirstLabel(label: string): void {
    const below = this.#undecided ? this.#labels.texts() : this.#labels.texts().slice(1);
    if (below.length > 0 && below.every(isNumber))
      throw damaged(
        this.#source,
        `expected a number for a label in line ${this.#firstLine}, as below it, got ${JSON.stringify(clip(label))}; if the first row holds names, header: true (--header) says so`,
      );
  }

  #checkTwice(names: readonly string[]): void {
    const { label } = this.#options;
    if (this.#at >= 0 && typeof label === 'string' && names[this.#at] === label)
      if (names.filter((name) => name === label).length > 1)
        throw wrongValue('label', 'a name that one column alone has', label);
  }

  /** Are integers that rise names, as years may be? They are if the text above the labels is none of them, and these come again. */
  #isNameAboveLabels(name: string): boolean {
    const labels = new Set(this.#labels.texts());
    return labels.size < this.#rows && !labels.has(name) && ![...labels].every(isNumber);
  }

  /**
   * Are 0, 1, 2, … the names that pandas gives? They are if the label's cell is none of the labels, or if the rows below
   * are of another kind: none of their cells is an integer, or a column, that of the labels too, never comes to the number above it. They are
   * data if the rows below go on in their steps.
   */
  #isHeaderAfterAll({ cells }: Undecided): boolean {
    const at = this.#at;
    const rows = this.#rows;
    if (rows === 0) return false;
    if (!countsUp(cells.filter((cell, i) => i !== at || isNumber(cell)))) return this.#isNameAboveLabels(cells[at]);
    const width = cells.length - (at < 0 ? 0 : 1);
    const values = this.#x.toArray();
    const value = (row: number, column: number) => values[row * width + column];
    const index = cells[0] === '' && at !== 0 ? 1 : 0;
    if (index && Array.from({ length: rows }, (_, row) => value(row + 1, 0)).every((v, row) => v === row)) return true;
    if (at >= 0) {
      const own = cells[at];
      const labels = new Set(this.#labels.texts());
      const numbers = [...labels].filter(isNumber).length;
      if (isNumber(own) ? numbers === 0 : numbers === labels.size) return true;
      if (labels.has(own) && !isNumber(own)) return false;
      if (labels.size < rows && !isNumber(own)) return true;
    }
    const places = Array.from({ length: width - index }, (_, i) => i + index);
    const y = at >= 0 && isNumber(cells[at]) ? [cells[at], ...this.#labels.texts().slice(0, 2)].map(Number) : [];
    if (places.length + (y.length > 0 ? 1 : 0) < 3) return false;
    if (!this.#integers) return true;
    const step = (row: number) => [
      ...places.map((column) => value(row, column) - value(row - 1, column)),
      ...(y.length > 0 ? [y[row] - y[row - 1]] : []),
    ];
    const [first, second] = [step(1), rows > 1 ? step(2) : []];
    if (first.every((d) => d === first[0]) || (rows > 1 && first.every((d, i) => d === second[i]))) return false;
    const neverComesTo = (named: number, values: readonly number[]) =>
      values.every((v) => v > named) || values.every((v) => v < named);
    const below = (column: number) => Array.from({ length: rows }, (_, row) => value(row + 1, column));
    if (y.length > 0 && neverComesTo(y[0], this.#labels.texts().map(Number))) return true;
    return places.some((column) => neverComesTo(value(0, column), below(column)));
  }

  #expected = (value: number) => (Number.isNaN(value) ? 'a finite number' : "a number within float32's range");

  #wrong(column: number, cell: string, line: number, expected: string, cells: readonly string[]): Error {
    const name = clip((this.#names as string[])[column]);
    const got = cell === '' ? 'nothing' : JSON.stringify(clip(cell));
    const hints = [
      this.#separatorHint(cells, cell) || (expected === 'a label' ? '' : formatHint(cell)),
      cell === '' && column === cells.length - 1 && this.#first.at(column) === ''
        ? '; its lines end in a separator'
        : '',
      line === this.#firstLine && this.#options.header === undefined
        ? '; if the first row holds names, header: true (--header) says so'
        : '',
    ];
    return damaged(this.#source, `expected ${expected} in line ${line}, '${name}', got ${got}${hints.join('')}`);
  }

  /** For an error in a row (or of a first row alone): what seems to separate the cells, if it is not what was said. */
  #separatorHint(row: readonly string[], cell?: string): string {
    return separatorHint(this.#first, row, this.#options.separator, cell);
  }

  /** The same for a row of another length. */
  hintFor(row: readonly string[]): string {
    return this.#separatorHint(row, row.join(this.#options.separator));
  }
}

const DIGITS = /^-?\d+$/;

/** Whether a first row holds the label's name, or those of all columns that are wanted. */
export const holdsNames = (
  cells: readonly string[],
  { label, known = [] }: { readonly label?: string | number; readonly known?: readonly string[] },
): boolean => {
  const own = new Set(cells);
  // digits alone may be a number of a column, and what they are found in data
  const isLabel = typeof label === 'string' && !DIGITS.test(label) && own.has(label);
  return isLabel || (known.length > 1 && known.every((name) => own.has(name)));
};

/** Integers that rise: among names there may be years or pixels, but no measurements. */
export const rises = (cells: readonly string[]): boolean =>
  cells.every((cell, i) => /^\d{1,15}$/.test(cell) && (i === 0 || +cell > +cells[i - 1]));

export const isNumber = (cell: string) => !Number.isNaN(toNumber(cell));

/** A column without a name is called by its number. */
export const namesOf = (cells: readonly string[]) => cells.map((cell, i) => (cell === '' ? `column ${i}` : cell));

/** 0, 1, 2, …; the names of pandas' columns, perhaps after the empty one of its index. */
export function countsUp(cells: readonly string[]): boolean {
  const from = cells[0] === '' ? 1 : 0;
  return cells.length - from >= 2 && cells.slice(from).every((cell, i) => cell === String(i));
}

/** The column that a label option means as a number; also of digits alone, as command lines give it. */
export function numberOf(label: string | number | undefined, columns: number): number | undefined {
  const number = typeof label === 'string' && DIGITS.test(label) ? Number(label) : label;
  if (typeof number !== 'number') return undefined;
  const at = number < 0 ? columns + number : number;
  return at >= 0 && at < columns ? at : undefined;
}

export function noColumn(
  label: string | number,
  names: readonly string[],
  header: boolean,
  hint: string,
  option = 'label',
): Error {
  const expected = header
    ? `one of its ${names.length} columns${didYouMean(String(label), names.slice(0, 1000))}: ${shown(names)}`
    : `a number of its ${names.length} columns, which have no names`;
  const error = wrongValue(option, expected, label);
  error.message += hint;
  return error;
}

const SEPARATORS = { ';': "';'", '\t': "a tab ('\\t')", '|': "'|'", ' ': "a space (' ')", ',': "','" } as const;

export function separatorHint(first: readonly string[], row: readonly string[], used: string, cell?: string): string {
  const count = (cells: readonly string[], c: string) => cells.join(used).slice(0, 4096).split(c).length - 1;
  const guess = Object.keys(SEPARATORS).find(
    (c) =>
      c !== used &&
      (first.length === 1 || cell?.includes(c)) &&
      count(first, c) > 0 &&
      (first.length < SHOWN ? count(first, c) === count(row, c) : count(row, c) > 0),
  );
  return separatedBy(guess ?? '');
}

/** Says so of a character that may be a separator; nothing of any other. */
export const separatedBy = (character: string): string =>
  Object.hasOwn(SEPARATORS, character)
    ? `; its cells seem to be separated by ${SEPARATORS[character as keyof typeof SEPARATORS]}, which the option separator (--separator) says`
    : '';

export const formatHint = (cell: string) =>
  /^[+-]?[\d.,'\s]*,[\d.,'\s]*\d$/.test(cell)
    ? '; numbers are read with a decimal point, and without separators of thousands'
    : '';

export const clip = (text: string) => (text.length > 40 ? `${text.slice(0, 40)}…` : text);

export const shown = (names: readonly string[]) =>
  names
    .slice(0, SHOWN)
    .map((name) => `'${name.slice(0, 40)}'`)
    .join(', ') + (names.length > SHOWN ? ', …' : '');
