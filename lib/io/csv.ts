import type { Readable } from 'node:stream';
import type { NDArray } from '../array.js';
import { checkBoolean, checkOneOf, checkOptions, wrongType, wrongValue } from '../check.js';

export interface CsvOptions {
  /** The column of labels: its name, or its number from 0; negative numbers count from the last. Default: none */
  label?: string | number;
  /**
   * Does the first row hold names? Default: it does if one of its cells, that of the label aside, is text and no
   * measurement stands beside it; if it is integers that rise, such as years, and a label that is none of those below, where
   * these come again; or if it is 0, 1, 2, … as pandas names columns, and the rows below are unlike it
   */
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
  /** Did the first row hold the names? */
  header: boolean;
  /** With the option `label`: float64 [n] if each label is a number that gives its text again, else all their texts. */
  y?: NDArray | string[];
  /** The name of the label's column. */
  label?: string;
}

/**
 * Reads a table of numbers from CSV (RFC 4180; UTF-8, or UTF-16 with its byte order mark; gzipped or not) as it streams
 * in: memory is needed for the numbers, and at the end for one copy of them, never for the text. White space around a cell
 * is no part of it, unless it is in quotes. Needs the package csv-parse.
 *
 * @param input a file, or a stream such as process.stdin
 * @throws RangeError if there is no such label column, naming the nearest; Error with code ERR_FORMAT and the line for a
 *   cell that is missing or not a finite number, for rows of different lengths, stray quotes and bytes that are no text;
 *   ERR_MEMORY if the numbers do not fit into memory; ERR_MISSING_PEER; the file system's
 */
export async function readCsv(input: string | URL | Readable, options: CsvOptions = {}): Promise<CsvData> {
  checkOptions('options', options, ['label', 'header', 'separator', 'dtype']);
  const { label, separator = ',', dtype = 'float64' } = options;
  if (label !== undefined) checkColumn('label', label);
  checkSeparator(separator);
  checkOneOf('dtype', dtype, ['float64', 'float32']);
  const header = options.header === undefined ? undefined : checkBoolean('header', options.header);
  const { readTable } = await import('./all.js');
  return readTable(input, {
    separator,
    dtype,
    ...(label !== undefined && { label }),
    ...(header !== undefined && { header }),
  });
}

export function checkColumn(name: string, column: unknown): void {
  if (typeof column !== 'string' && !Number.isInteger(column))
    throw wrongType(name, 'the name or the number of a column', column);
}

export function checkSeparator(separator: unknown): void {
  if (typeof separator !== 'string') throw wrongType('separator', 'a string', separator);
  if (separator.length !== 1 || /["\r\n\0\p{Surrogate}]/u.test(separator))
    throw wrongValue('separator', 'one character', separator);
}

/** How text is written where it is not UTF-8 or UTF-16. */
export type Encoding = 'utf8' | 'latin1';
