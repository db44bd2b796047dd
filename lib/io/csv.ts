import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { NDArray } from '../array.js';
import { checkBoolean, checkOneOf, checkOptions, didYouMean, wrongType, wrongValue } from '../check.js';
import { isReadable } from '../kind.js';
import { isGzip } from './idx.js';
import { loadPeer } from './peer.js';
import { damaged, openFile, sourceOf } from './read.js';

export interface CsvOptions {
  /** The column of labels: its name, or its number from 0; negative numbers count from the last. Default: none */
  label?: string | number;
  /** Does the first row hold names? Default: it does if one of its cells, that of the label aside, is not a number */
  header?: boolean;
  /** One character between the cells. Default ',' */
  separator?: string;
  /** Of the features. Default 'float64' */
  dtype?: 'float64' | 'float32';
}

export interface CsvData {
  /** The features, [n, columns]. */
  x: NDArray;
  /** The features' names; 'column 0' … where the file has none. */
  names: string[];
  /** With the option `label`: float64 [n] if all labels are numbers, else their texts. */
  y?: NDArray | string[];
  /** The name of the label's column. */
  label?: string;
}

/** What is used of csv-parse, as its version 7 has it. */
interface CsvParse {
  parse(options: {
    bom: boolean;
    delimiter: string;
    max_record_size: number;
    on_record: (cells: string[], info: { lines: number }) => null;
    record_delimiter: string[];
    skip_empty_lines: boolean;
    trim: boolean;
  }): NodeJS.ReadWriteStream;
}

const PACKAGE: string = 'csv-parse';
const MAX_RECORD = 2 ** 24;
/** Names and cells that an error message may show. */
const SHOWN = 20;

/**
 * Reads a table of numbers from CSV (RFC 4180; UTF-8; gzipped or not) as it streams in: memory is needed for the
 * numbers, and at the end for one copy of them, never for the text. Needs the package csv-parse.
 *
 * @param input a file, or a stream such as process.stdin
 * @throws RangeError if there is no such label column, naming the nearest; Error with code ERR_FORMAT and the line for a
 *   cell that is missing or not a finite number, and for rows of different lengths; ERR_MISSING_PEER; the file system's
 */
export async function readCsv(input: string | URL | Readable, options: CsvOptions = {}): Promise<CsvData> {
  checkOptions('options', options, ['label', 'header', 'separator', 'dtype']);
  const { label, separator = ',', dtype = 'float64' } = options;
  if (label !== undefined && typeof label !== 'string' && !Number.isInteger(label))
    throw wrongType('label', 'the name or the number of a column', label);
  if (typeof separator !== 'string') throw wrongType('separator', 'a string', separator);
  if (separator.length !== 1 || '"\r\n'.includes(separator)) throw wrongValue('separator', 'one character', separator);
  checkOneOf('dtype', dtype, ['float64', 'float32']);
  const header = options.header === undefined ? undefined : checkBoolean('header', options.header);
  const { parse } = await loadPeer(PACKAGE, () => import(PACKAGE) as Promise<CsvParse>);

  const source = isReadable(input) ? 'the stream' : sourceOf(input);
  const table = new Table(source, label, header, dtype);
  const parser = parse({
    bom: true,
    delimiter: separator,
    max_record_size: MAX_RECORD,
    on_record: (cells, { lines }) => {
      table.row(cells, lines);
      return null;
    },
    record_delimiter: ['\r\n', '\n', '\r'],
    skip_empty_lines: true,
    trim: true,
  });
  const streams: (NodeJS.ReadableStream | NodeJS.ReadWriteStream)[] = isReadable(input)
    ? [input]
    : await openStreams(input);
  try {
    parser.resume(); // rows are taken as they are parsed: nothing comes out
    await pipeline([...streams, parser]);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('CSV_') && !code?.startsWith('Z_')) throw error;
    throw damaged(source, message, error);
  }
  return table.finish();
}

/** The file, and what unzips it if it is gzipped. */
async function openStreams(path: string | URL): Promise<(NodeJS.ReadableStream | NodeJS.ReadWriteStream)[]> {
  const file = await openFile(path);
  try {
    const stats = await file.stat();
    if (stats.isDirectory()) throw damaged(sourceOf(path), 'it is a folder');
    const start = new Uint8Array(2);
    if (stats.isFile()) await file.read(start, 0, 2, 0);
    const stream = file.createReadStream(stats.isFile() ? { start: 0 } : {});
    return isGzip(start) ? [stream, createGunzip()] : [stream];
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Rows of text as they come, kept as numbers. */
class Table {
  readonly #source: string;
  readonly #label: string | number | undefined;
  readonly #header: boolean | undefined;
  readonly #x: Numbers;
  readonly #labels = new LabelColumn();
  #names: string[] | undefined;
  #at = -1; // the label's column
  #rows = 0;

  constructor(
    source: string,
    label: string | number | undefined,
    header: boolean | undefined,
    dtype: 'float64' | 'float32',
  ) {
    this.#source = source;
    this.#label = label;
    this.#header = header;
    this.#x = new Numbers(dtype);
  }

  row(cells: readonly string[], line: number): void {
    if (this.#names === undefined && this.#begin(cells)) return;
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i];
      const value = cell === '' ? Number.NaN : Number(cell);
      if (i === this.#at) {
        if (cell === '' || MISSING.test(cell)) throw this.#wrong(i, cell, line, 'a label');
        this.#labels.push(cell, value);
      } else {
        if (!Number.isFinite(value)) throw this.#wrong(i, cell, line, 'a finite number');
        this.#x.push(value);
      }
    }
    this.#rows++;
  }

  finish(): CsvData {
    const names = this.#names;
    if (names === undefined) throw damaged(this.#source, 'it is empty');
    if (this.#rows === 0) throw damaged(this.#source, `it has names (${shown(names)}), but no rows below them`);
    const features = names.filter((_, i) => i !== this.#at);
    if (features.length === 0) throw damaged(this.#source, `it has no column beside the label '${names[this.#at]}'`);
    const x = NDArray.wrap(this.#x.toArray(), [this.#rows, features.length]);
    return this.#at < 0
      ? { x, names: features }
      : { x, names: features, y: this.#labels.finish(), label: names[this.#at] };
  }

  /** Settles the columns by the first row; returns whether it holds their names. */
  #begin(cells: readonly string[]): boolean {
    const label = this.#label;
    const named = this.#header ?? (typeof label === 'string' && cells.includes(label));
    const numbered = numberOf(label, cells.length);
    const isText = (cell: string, i: number) =>
      i !== numbered && !Number.isFinite(cell === '' ? Number.NaN : Number(cell));
    const header = this.#header ?? (named || cells.some(isText));
    const names = header ? [...cells] : cells.map((_, i) => `column ${i}`);
    if (label !== undefined) {
      const at = header && typeof label === 'string' && names.includes(label) ? names.indexOf(label) : numbered;
      if (at === undefined) throw noColumn(label, names, header);
      if (names.filter((name) => name === label).length > 1)
        throw wrongValue('label', 'a name that one column alone has', label);
      this.#at = at;
    }
    this.#names = names;
    return header;
  }

  #wrong(column: number, cell: string, line: number, expected: string): Error {
    const name = (this.#names as string[])[column];
    const got = cell === '' ? 'nothing' : JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}…` : cell);
    return damaged(this.#source, `expected ${expected} in line ${line}, '${name}', got ${got}`);
  }
}

const MISSING = /^[+-]?(nan|inf|infinity)$/i;

/** The column that a label option means as a number; also of digits alone, as command lines give it. */
function numberOf(label: string | number | undefined, columns: number): number | undefined {
  const number = typeof label === 'string' && /^-?\d+$/.test(label) ? Number(label) : label;
  if (typeof number !== 'number') return undefined;
  const at = number < 0 ? columns + number : number;
  return at >= 0 && at < columns ? at : undefined;
}

function noColumn(label: string | number, names: readonly string[], header: boolean): Error {
  const expected = header
    ? `one of its ${names.length} columns${didYouMean(String(label), names)}: ${shown(names)}`
    : `a number of its ${names.length} columns, which have no names`;
  return wrongValue('label', expected, label);
}

const shown = (names: readonly string[]) =>
  names
    .slice(0, SHOWN)
    .map((name) => `'${name.slice(0, 40)}'`)
    .join(', ') + (names.length > SHOWN ? ', …' : '');

/** Numbers in pieces, so that growing copies nothing. */
class Numbers {
  static readonly #PIECE = 2 ** 18;
  readonly #type: Float64ArrayConstructor | Float32ArrayConstructor;
  #full: (Float64Array | Float32Array)[] = [];
  #piece: Float64Array | Float32Array;
  #used = 0;

  constructor(dtype: 'float64' | 'float32') {
    this.#type = dtype === 'float64' ? Float64Array : Float32Array;
    this.#piece = new this.#type(Numbers.#PIECE);
  }

  push(value: number): void {
    if (this.#used === Numbers.#PIECE) {
      this.#full.push(this.#piece);
      this.#piece = new this.#type(Numbers.#PIECE);
      this.#used = 0;
    }
    this.#piece[this.#used++] = value;
  }

  /** All numbers in one array. */
  toArray(): Float64Array | Float32Array {
    const all = new this.#type(this.#full.length * Numbers.#PIECE + this.#used);
    for (const [i, piece] of this.#full.entries()) all.set(piece, i * Numbers.#PIECE);
    all.set(this.#piece.subarray(0, this.#used), this.#full.length * Numbers.#PIECE);
    return all;
  }
}

/** Labels: numbers as long as all of them are, then texts, each kept once. */
class LabelColumn {
  #numbers = new Numbers('float64');
  #texts: string[] | undefined;
  readonly #known = new Map<string, string>();

  push(text: string, value: number): void {
    const isNumber = Number.isFinite(value);
    if (this.#texts === undefined && isNumber) {
      this.#numbers.push(value);
      return;
    }
    this.#texts ??= Array.from(this.#numbers.toArray(), (number) => this.#once(String(number)));
    this.#texts.push(this.#once(isNumber ? String(value) : text));
  }

  finish(): NDArray | string[] {
    return this.#texts ?? NDArray.wrap(this.#numbers.toArray());
  }

  #once(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    this.#known.set(text, text);
    return text;
  }
}
