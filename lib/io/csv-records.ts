import { plural } from '../array/shape.js';
import type { NDArray } from '../array.js';
import { didYouMean, twiceIn } from '../check.js';
import { turns } from '../train.js';
import { isBeyond, isInfinite, isMissing, LabelColumn, toNumber } from './cells.js';
import { holdsNames, isNumber, namesOf, rises, SHOWN, separatorHint } from './csv-table.js';
import { damaged } from './read.js';
import type { RowSink } from './read-csv.js';

/** A column of a table of any kind: numbers, or booleans, or texts, or dates; null where a value is missing. */
export type RecordColumn = (number | null)[] | (boolean | null)[] | (string | null)[] | (Date | null)[];

export interface CsvRecords {
  /** Without that of the label. */
  readonly names: readonly string[];
  readonly columns: readonly RecordColumn[];
  /** The label: its column's name, and numbers if each gives its text again, else all texts. */
  readonly label?: { readonly name: string; readonly y: NDArray | string[] };
  /** Rows that were left out, as they have no label. */
  readonly unlabelled?: number;
  /** The names, where they are those of a first row that may be data. */
  readonly doubtful?: readonly string[];
}

export interface CsvRecordsOptions {
  /**
   * Does the first row hold the names? Default: it does, unless one of its cells is a number; also with integers that rise, such
   * as years, where none of its texts comes again in its column, in which others do, or numbers are
   */
  readonly header?: boolean;
  /** What stands before the decimals. Default '.' */
  readonly decimal?: '.' | ',';
  /** The column of labels: its name, or its number from 0; negative numbers count from the last. */
  readonly label?: string | number;
  /** What stands between cells, for what is said where it seems to be another. Default ',' */
  readonly separator?: string;
  /** The first rows alone. Default: all */
  readonly rows?: number;
  /** Are the labels texts, whatever they look like? */
  readonly textLabels?: boolean;
  /** Columns of text, whatever their cells look like. */
  readonly text?: readonly string[];
  /** Columns that are wanted: a first row that holds them all is names. */
  readonly known?: readonly string[];
}

/** Rows of a CSV file, kept as columns, each of which is numbers, booleans or text as a whole. */
export class RecordSink implements RowSink<CsvRecords> {
  readonly #source: string;
  readonly #options: CsvRecordsOptions;
  readonly #columns: string[][] = [];
  /** Each text once: that of categories comes again and again. */
  readonly #known = new Map<string, string>();
  #names: string[] | undefined;
  /** A first row that may be names or data. */
  #undecided: readonly string[] | undefined;
  #first: readonly string[] = [];
  #rows = 0;

  constructor(source: string, options: CsvRecordsOptions = {}) {
    this.#source = source;
    this.#options = options;
  }

  row(cells: readonly string[], line: number): void {
    if (this.isFull || (!this.#names && this.#begin(cells, line))) return;
    for (let k = 0; k < cells.length; k++) this.#columns[k].push(this.#once(cells[k]));
    this.#rows++;
  }

  get isFull(): boolean {
    const { rows } = this.#options;
    return rows !== undefined && this.#rows === rows + (this.#undecided ? 1 : 0);
  }

  async finish(): Promise<CsvRecords> {
    if (!this.#names) throw damaged(this.#source, 'it is empty');
    const doubtful = this.#decided();
    const names = doubtful ?? this.#names;
    if (this.#rows === 0)
      throw damaged(this.#source, `it has names (${names.slice(0, 8).join(', ')}), but no rows below them`);
    const at = this.#labelAt(names);
    const hint = this.#separatorHint(this.#first);
    if (hint && names.length === 1 && this.#options.known?.some((name) => name !== names[0]))
      throw damaged(this.#source, `it has one column${hint}`);
    const rest = names.map((_, k) => k).filter((k) => k !== at);
    if (rest.length === 0) throw damaged(this.#source, `it has no column beside the label '${names[at]}'${hint}`);
    const cells = this.#columns;
    const { text = [], textLabels } = this.#options;
    const decimal = this.#decimal(names, at);
    const turn = turns();
    const typedColumns = async (places: readonly number[], cellsOf: (k: number) => string[]) => {
      const columns: RecordColumn[] = [];
      for (const k of places) columns.push(await typed(cellsOf(k), decimal, text.includes(names[k]), turn));
      return columns;
    };
    const doubt = doubtful && { doubtful };
    if (at < 0) return { names, columns: await typedColumns(rest, (k) => cells[k]), ...doubt };
    const kept = labelledRows(cells[at]);
    if (kept.length === 0) throw damaged(this.#source, `its label '${names[at]}' is missing in every row`);
    const beyond = (row: number) => isBeyond(withPoint(cells[at][row], decimal));
    const areNumbers = !textLabels && kept.every((row) => isNumberCell(cells[at][row], decimal) || beyond(row));
    const infinite = kept.find((row) => isInfinite(cells[at][row]) || (areNumbers && beyond(row)));
    if (infinite !== undefined)
      throw damaged(this.#source, `expected a label in row ${infinite}, '${names[at]}', got '${cells[at][infinite]}'`);
    const labels = new LabelColumn(textLabels);
    for (const row of kept) labels.push(areNumbers ? withPoint(cells[at][row], decimal) : cells[at][row]);
    return {
      names: rest.map((k) => names[k]),
      columns: await typedColumns(rest, (k) => rowsOf(cells[k], kept)),
      label: { name: names[at], y: labels.finish() },
      ...(kept.length < this.#rows && { unlabelled: this.#rows - kept.length }),
      ...doubt,
    };
  }

  /** A file to predict may be written with points where that of the training was not: as one cell shows, since 1.000 is a number either way. */
  #decimal(names: readonly string[], at: number): '.' | ',' {
    const { decimal = '.', known, text, textLabels } = this.#options;
    if (decimal === '.' || !known || !text) return decimal;
    const isNumeric = (name: string, k: number) =>
      k === at ? !textLabels : known.includes(name) && !text.includes(name);
    const numeric = this.#columns.filter((_, k) => isNumeric(names[k], k));
    const areNumbers = (column: readonly string[], character: '.' | ',') =>
      column.every((cell) => isMissing(cell) || isNumberCell(cell, character));
    const hasPoints = numeric.every((column) => areNumbers(column, '.') || !areNumbers(column, ','));
    const hasCommas = numeric.every((column) => areNumbers(column, ',') || !areNumbers(column, '.'));
    return hasPoints && !hasCommas ? '.' : ',';
  }

  /** The names of a first row that may be data, where they are names; it is no row of the columns then. */
  #decided(): string[] | undefined {
    const cells = this.#undecided;
    if (!cells) return undefined;
    const columns = this.#columns;
    const isName = isAbove(cells, columns);
    for (const column of columns) {
      if (isName) column.shift();
      column.length = Math.min(column.length, this.#options.rows ?? Number.POSITIVE_INFINITY);
    }
    this.#rows = columns[0].length;
    return isName ? namesOf(cells) : undefined;
  }

  #labelAt(names: readonly string[]): number {
    const { label } = this.#options;
    if (label === undefined) return -1;
    const at = columnAt(label, names);
    if (at >= 0) return at;
    throw new RangeError(
      `Expected label to be a column of ${this.#source}, got '${label}'${didYouMean(String(label), names)}; it has: ${names.join(', ')}${this.#separatorHint(this.#first)}`,
    );
  }

  hintFor(row: readonly string[]): string {
    if (!this.#names) return '';
    const { separator = ',' } = this.#options;
    return ` (the first row has ${plural(this.#names.length, 'cell')})${this.#separatorHint(row, row.join(separator))}`;
  }

  #separatorHint(row: readonly string[], cell?: string): string {
    return separatorHint(this.#first, row, this.#options.separator ?? ',', cell);
  }

  #begin(cells: readonly string[], line: number): boolean {
    const { header } = this.#options;
    this.#first = cells.slice(0, SHOWN);
    const numbers = cells.filter(isNumber);
    const isHeader = header ?? (numbers.length === 0 || holdsNames(cells, this.#options));
    const names = isHeader ? namesOf(cells) : cells.map((_, k) => `column ${k}`);
    const twice = twiceIn(names);
    if (twice >= 0) throw damaged(this.#source, `its line ${line} names two columns '${names[twice]}'`);
    if (header === undefined && !isHeader && rises(numbers) && new Set(namesOf(cells)).size === cells.length)
      this.#undecided = [...cells];
    this.#names = names;
    for (const _ of names) this.#columns.push([]);
    return isHeader;
  }

  #once(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size < 10_000) this.#known.set(text, text);
    return text;
  }
}

/** Is a first row the names of what is below it? None of its texts comes again there, where others do, or where numbers are. */
function isAbove(cells: readonly string[], columns: readonly (readonly string[])[]): boolean {
  let isLikely = false;
  for (const [k, cell] of cells.entries()) {
    if (cell === '' || isNumber(cell)) continue;
    const below = columns[k].slice(1).filter((other) => !isMissing(other));
    if (below.includes(cell)) return false;
    isLikely ||= below.length > 0 && (below.every(isNumber) || new Set(below).size < below.length);
  }
  return isLikely;
}

/** The place of a column, by its name or its number (negative numbers count from the last); -1 for none. */
export function columnAt(column: string | number, names: readonly string[]): number {
  if (typeof column === 'string' && (names.includes(column) || !/^-?\d+$/.test(column))) return names.indexOf(column);
  const number = Number(column);
  const at = number < 0 ? names.length + number : number;
  return at < names.length ? at : -1;
}

/** The rows whose label is there. */
export const labelledRows = (labels: ArrayLike<unknown>): number[] =>
  Array.from(labels, (label, row) =>
    label === null || (typeof label === 'string' && isMissing(label)) ? -1 : row,
  ).filter((row) => row >= 0);

export const rowsOf = <T>(column: readonly T[], rows: readonly number[]): T[] => rows.map((row) => column[row]);

/** Numbers that are no names: 007 is text, and so is what is more than JavaScript can count. */
const LEADING_ZERO = /^[+-]?0\d/;

/** Whole numbers in groups of three, as they are written where a comma stands before decimals. */
const IN_GROUPS = /^[+-]?\d{1,3}(\.\d{3})+(,\d*)?$/;

/** Whether a cell that is there is a number of a column of numbers. */
export function isNumberCell(cell: string, decimal: '.' | ',' = '.'): boolean {
  const text = withPoint(cell, decimal);
  const value = toNumber(text);
  return (
    !Number.isNaN(value) &&
    !LEADING_ZERO.test(text) &&
    (Math.abs(value) <= Number.MAX_SAFE_INTEGER || !/^[+-]?\d+$/.test(text))
  );
}

/** A cell as a number is written with a point before its decimals; '' where another point says that it is none, but a date or a version. */
function withPoint(cell: string, decimal: '.' | ','): string {
  const text = cell.trim();
  if (decimal === '.') return text;
  if (!text.includes('.')) return text.replace(',', '.');
  return IN_GROUPS.test(text) ? text.replaceAll('.', '').replace(',', '.') : '';
}

/** Cells that are looked at between two turns of others. */
const PIECE = 4096;

async function typed(
  cells: readonly string[],
  decimal: '.' | ',',
  isText: boolean,
  turn: () => Promise<void> | undefined,
): Promise<RecordColumn> {
  const isNumber = (cell: string) =>
    isNumberCell(cell, decimal) || isInfinite(cell) || isBeyond(withPoint(cell, decimal));
  const isBoolean = (cell: string) => /^(true|false)$/i.test(cell);
  const are = async (isOne: (cell: string) => boolean) => {
    for (let i = 0; i < cells.length; i++) {
      if (!isMissing(cells[i]) && !isOne(cells[i])) return false;
      if (i % PIECE === 0) await turn();
    }
    return true;
  };
  const valued = async <T>(of: (cell: string) => T) => {
    const values = new Array<T | null>(cells.length);
    for (let i = 0; i < cells.length; i++) {
      values[i] = isMissing(cells[i]) ? null : of(cells[i]);
      if (i % PIECE === 0) await turn();
    }
    return values;
  };
  if (!isText && (await are(isNumber))) return valued((cell) => numberOf(cell, decimal));
  if (!isText && (await are(isBoolean))) return valued((cell) => cell.toLowerCase() === 'true');
  return valued((cell) => cell);
}

function numberOf(cell: string, decimal: '.' | ','): number {
  const value = toNumber(withPoint(cell, decimal));
  if (!Number.isNaN(value)) return value;
  return cell.trim().startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}
