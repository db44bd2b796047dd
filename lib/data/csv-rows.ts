import { NDArray } from '../array.js';
import { wrongValue } from '../check.js';
import { isUnusable, toNumber } from '../io/cells.js';
import {
  clip,
  countsUp,
  formatHint,
  isNumber,
  LARGEST_FLOAT32,
  namesOf,
  noColumn,
  numberOf,
  SHOWN,
  separatorHint,
  shown,
} from '../io/csv-table.js';
import { damaged } from '../io/read.js';
import { Rows } from './block.js';
import type { Share } from './share.js';
import type { RowTransformer } from './table-options.js';
import { TypedCells } from './typed-cells.js';

export interface CsvRowsOptions {
  readonly label?: string | number;
  readonly columns?: readonly (string | number)[];
  readonly classes?: readonly (string | number)[];
  readonly header?: boolean;
  readonly separator: string;
  readonly dtype: 'float64' | 'float32';
  /** What makes numbers of cells of any kind, instead of the cells being numbers. */
  readonly transformer?: RowTransformer;
}

const FIRST = 1024;

/** 10^0 to 10^15, all of them exact. */
const POWERS = Array.from({ length: 16 }, (_, k) => 10 ** k);

/**
 * What `toNumber` gives, two to three times as fast for decimals of up to 15 digits: these are one exact integer by another, whose
 * quotient is rounded as the number that is written.
 */
export function numberOfCell(cell: string): number {
  const n = cell.length;
  const isNegative = cell.charCodeAt(0) === MINUS;
  const first = isNegative ? 1 : 0;
  if (n > 15 || n === first) return toNumber(cell);
  let digits = 0;
  let point = -1;
  for (let i = first; i < n; i++) {
    const digit = cell.charCodeAt(i) - ZERO;
    if (digit >= 0 && digit <= 9) digits = 10 * digits + digit;
    else if (digit === POINT - ZERO && point < 0 && n > first + 1) point = i;
    else return toNumber(cell);
  }
  const value = point < 0 ? digits : digits / POWERS[n - 1 - point];
  return isNegative ? -value : value;
}
const [ZERO, MINUS, POINT] = [48, 45, 46];

/** Rows of text as they come, kept as numbers until they are taken. */
export class CsvRows {
  readonly #source: string;
  readonly #options: CsvRowsOptions;
  readonly #largest: number;
  readonly #classes?: ReadonlyMap<string, number>;
  #names: string[] | undefined;
  #first: readonly string[] = [];
  #firstLine = 0;
  #header = false;
  /** The features' places in a row, and that of the label, or -1. */
  #places: readonly number[] = [];
  #label = -1;
  #x: Float64Array | Float32Array = new Float64Array(0);
  readonly #cells?: TypedCells;
  /** Of all rows those that are taken, and how many have come. */
  #share?: Share;
  #come = 0;
  #hasFirst = true;
  #y = new Float64Array(0);
  #count = 0;

  constructor(source: string, options: CsvRowsOptions) {
    this.#source = source;
    this.#options = options;
    this.#largest = options.dtype === 'float32' ? LARGEST_FLOAT32 : Number.MAX_VALUE;
    if (options.transformer) this.#cells = new TypedCells(options.transformer);
    if (options.classes) this.#classes = new Map(options.classes.map((name, i) => [String(name), i]));
  }

  /** What of the rows that come is taken: a share of them, and whether the first one is, where that holds no names. */
  only({ share, hasFirst = true }: { share?: Share; hasFirst?: boolean }): void {
    if (share) this.#share = share;
    this.#hasFirst = hasFirst;
  }

  row(cells: readonly string[], line: number): void {
    if (this.#names === undefined && (this.#begin(cells, line) || !this.#hasFirst)) return;
    if (this.#share && this.#come++ % this.#share.count !== this.#share.index) return;
    if (this.#count === this.#y.length) this.#grow();
    if (this.#cells) this.#addCells(this.#cells, cells, line);
    else this.#addNumbers(cells, line);
    if (this.#label >= 0) this.#y[this.#count] = this.#labelOf(cells, line);
    this.#count++;
  }

  #addNumbers(cells: readonly string[], line: number): void {
    const places = this.#places;
    const width = places.length;
    let at = this.#count * width;
    for (let k = 0; k < width; k++) {
      const value = numberOfCell(cells[places[k]]);
      if (!(Math.abs(value) <= this.#largest))
        throw this.#wrong(
          places[k],
          cells,
          line,
          Number.isNaN(value) ? 'a finite number' : "a number within float32's range",
        );
      this.#x[at++] = value;
    }
  }

  #addCells(table: TypedCells, cells: readonly string[], line: number): void {
    const wrong = table.row(cells, this.#places, this.#count);
    if (wrong) throw this.#wrong(this.#places[wrong.column], cells, line, wrong.expected, '; it was so in fit');
  }

  /** The rows since they were taken last; undefined where there are none. */
  take(): Rows<unknown> | undefined {
    const n = this.#count;
    if (n === 0) return undefined;
    const width = this.#places.length;
    const x = this.#cells
      ? this.#cells.take(n, this.#options.dtype)
      : NDArray.wrap(this.#x.slice(0, n * width), [n, width]);
    this.#count = 0;
    if (this.#label < 0) return new Rows('*', [x], 0, n);
    return new Rows(['*', '*'], [x, NDArray.wrap(this.#y.slice(0, n))], 0, n);
  }

  /** @throws Error with code ERR_FORMAT if no row ever came */
  end(): void {
    if (this.#names === undefined) throw damaged(this.#source, 'it is empty');
    if (this.#header && this.#y.length === 0 && this.#come === 0)
      throw damaged(this.#source, `it has names (${shown(this.#names)}), but no rows below them`);
  }

  /** For an error of the parser. */
  hintFor(row: readonly string[]): string {
    return separatorHint(this.#first, row, this.#options.separator, row.join(this.#options.separator));
  }

  /** Settles the columns by the first row; returns whether it holds their names. */
  #begin(cells: readonly string[], line: number): boolean {
    const { label, columns, separator } = this.#options;
    this.#first = cells.slice(0, SHOWN);
    this.#firstLine = line;
    this.#header = this.#isHeader(cells);
    this.#names = this.#header ? namesOf(cells) : cells.map((_, i) => `column ${i}`);
    const hint = separatorHint(this.#first, this.#first, separator);
    const names = this.#names;
    const places = new Map<string | number, number>();
    const several = new Set(names.filter((name, k) => places.has(name) || !places.set(name, k)));
    const placeOf = (option: string, column: string | number): number => {
      const at = places.get(column) ?? numberOf(column, cells.length);
      if (at === undefined) throw noColumn(column, names, this.#header, hint, option);
      if (several.has(names[at]) && typeof column === 'string')
        throw wrongValue(option, 'a name that one column alone has', column);
      return at;
    };
    if (label !== undefined) this.#label = placeOf('label', label);
    this.#places = columns
      ? columns.map((column, k) => placeOf(`columns[${k}]`, column))
      : cells.map((_, i) => i).filter((i) => i !== this.#label);
    const leak = this.#places.indexOf(this.#label);
    if (leak >= 0) throw wrongValue(`columns[${leak}]`, 'another column than the label', columns?.[leak]);
    if (this.#places.length === 0)
      throw damaged(this.#source, `it has no column beside the label '${clip(this.#names[this.#label])}'${hint}`);
    return this.#header;
  }

  #isHeader(cells: readonly string[]): boolean {
    const { header, label, columns } = this.#options;
    if (header !== undefined) return header;
    const own = new Set<unknown>(cells);
    if ([label, ...(columns ?? [])].some((column) => typeof column === 'string' && own.has(column))) return true;
    if (countsUp(cells))
      throw damaged(
        this.#source,
        `its first row, ${shown(cells)}, may be names or numbers: the option header says which`,
      );
    const features = cells.filter((_, i) => label === undefined || i !== numberOf(label, cells.length));
    return !features.every((cell) => isUnusable(cell.trim()) || isNumber(cell));
  }

  #labelOf(cells: readonly string[], line: number): number {
    const cell = cells[this.#label];
    if (this.#classes) {
      const known = this.#classes.get(cell) ?? this.#classes.get(cell.trim()); // white space in quotes
      if (known === undefined)
        throw this.#wrong(this.#label, cells, line, `one of the classes ${shown([...this.#classes.keys()])}`);
      return known;
    }
    const value = numberOfCell(cell);
    if (!Number.isNaN(value)) return value;
    const isText = !isUnusable(cell.trim());
    throw this.#wrong(
      this.#label,
      cells,
      line,
      'a number for a label',
      isText ? `; labels of text take the option classes, a list of them, and become their numbers in it` : '',
    );
  }

  #grow(): void {
    const rows = Math.max(FIRST, 2 * this.#count);
    const type = this.#options.dtype === 'float32' ? Float32Array : Float64Array;
    const y = new Float64Array(rows);
    y.set(this.#y);
    this.#y = y;
    if (this.#cells) return;
    const x = new type(rows * this.#places.length);
    x.set(this.#x);
    this.#x = x;
  }

  #wrong(column: number, cells: readonly string[], line: number, expected: string, hint = ''): Error {
    const cell = (cells[column] ?? '').trim();
    const name = clip((this.#names as string[])[column]);
    const got = cell === '' ? 'nothing' : JSON.stringify(clip(cell));
    const hints = [
      hint || separatorHint(this.#first, cells, this.#options.separator, cell) || formatHint(cell),
      line === this.#firstLine && this.#options.header === undefined
        ? '; if the first row holds names, header: true says so'
        : '',
    ];
    return damaged(this.#source, `expected ${expected} in line ${line}, '${name}', got ${got}${hints.join('')}`);
  }
}
