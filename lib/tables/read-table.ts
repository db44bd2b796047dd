import type { Readable } from 'node:stream';
import {
  checkBoolean,
  checkInteger,
  checkOneOf,
  checkOptions,
  didYouMean,
  twiceIn,
  wrongType,
  wrongValue,
} from '../check.js';
import { checkSeparator, type Encoding } from '../io/csv.js';
import type { RecordColumn } from '../io/csv-records.js';
import { isParquet, isRecords, separatorOf } from '../io/extensions.js';
import { sourceOf } from '../io/read.js';
import { isReadable, isURL } from '../kind.js';
import { listed } from '../labels.js';

export interface ReadTableOptions {
  /** The columns to read, in this order. Default: all */
  columns?: readonly string[];
  /** The first rows alone, so many at most: of CSV and Parquet, no more is read. Default: all */
  rows?: number;
  /** CSV: one character between the cells. Default ',', in a .tsv file a tab */
  separator?: string;
  /**
   * CSV: whether the first row holds the names. Default: it does, unless one of its cells is a number; also with integers that
   * rise, such as years, where none of its texts comes again in its column, in which others do, or numbers are
   */
  header?: boolean;
  /** CSV: what stands before decimals; with ',' points may stand between thousands. Default '.' */
  decimal?: '.' | ',';
  /** CSV: how text is written. Default 'utf8' (or UTF-16 with its mark) */
  encoding?: Encoding;
}

/**
 * Reads a table of columns of any kind: CSV, Parquet (.parquet, .pq), a JSON list of records, or one record a line (.json, .ndjson,
 * .jsonl); CSV and JSON gzipped or not (.csv.gz, .json.gz). A column is of numbers, of booleans, of text or, in Parquet, of Dates as a
 * whole: in CSV numbers where each of its cells is one (`007` is text). Missing are null: in CSV empty cells, NA, NaN, null and what
 * else pandas takes for missing; inf is Infinity, which transformers refuse, naming its row. CSV needs the package csv-parse, Parquet
 * hyparquet and, where it is compressed by Zstandard or LZ4, hyparquet-compressors. Columns of lists, records and maps are refused, and
 * integers that float64 rounds, which in CSV are text.
 *
 * @returns a record of columns, which transformers and pipelines take; JavaScript itself lists those named by integers first
 * @throws RangeError for a column that is not there, naming the nearest; Error with code ERR_FORMAT and the line, or the column and
 *   the row, ERR_MISSING_PEER, the file system's (ENOENT …)
 */
export async function readTable(
  input: string | URL | Readable,
  options: ReadTableOptions = {},
): Promise<Record<string, (number | null)[] | (boolean | null)[] | (string | null)[] | (Date | null)[]>> {
  checkOptions('options', options, ['columns', 'rows', 'separator', 'header', 'decimal', 'encoding']);
  const { columns, rows } = options;
  if (columns !== undefined) checkColumns(columns);
  if (rows !== undefined) checkInteger('rows', rows, 1);
  if (typeof input !== 'string' && !isURL(input) && !isReadable(input))
    throw wrongType('input', 'a file name, a URL or a stream', input);
  const path = isReadable(input) ? undefined : String(input);
  const { readJsonRecords, readParquet, readRows, RecordSink } = await import('../io/all.js');
  if (path !== undefined && isParquet(path)) {
    const table = await readParquet(input as string | URL, { ...(columns && { columns }), ...(rows && { rows }) });
    return recordOf(table);
  }
  if (path !== undefined && isRecords(path)) {
    const table = await readJsonRecords(input as string | URL);
    return recordOf(
      { ...table, columns: table.columns.map((column) => column.slice(0, rows) as RecordColumn) },
      columns,
    );
  }
  const { separator = separatorOf(path ?? ''), header, decimal = '.', encoding = 'utf8' } = options;
  checkSeparator(separator);
  if (header !== undefined) checkBoolean('header', header);
  checkOneOf('decimal', decimal, ['.', ',']);
  checkOneOf('encoding', encoding, ['utf8', 'latin1']);
  const source = isReadable(input) ? 'the stream' : sourceOf(input);
  const sink = new RecordSink(source, {
    decimal,
    separator,
    ...(header !== undefined && { header }),
    ...(rows && { rows }),
  });
  return recordOf(await readRows(input, separator, sink, encoding), columns);
}

function checkColumns(columns: readonly string[]): void {
  if (!Array.isArray(columns)) throw wrongType('columns', 'an array of names of columns', columns);
  if (columns.length === 0) throw wrongValue('columns', 'one name or more', columns);
  for (const [k, name] of columns.entries())
    if (typeof name !== 'string') throw wrongType(`columns[${k}]`, 'the name of a column', name);
  const twice = twiceIn(columns);
  if (twice >= 0) throw wrongValue(`columns[${twice}]`, 'another column than those before it', columns[twice]);
}

/** @throws RangeError for a column that is wanted and not there */
function recordOf(
  { names, columns }: { readonly names: readonly string[]; readonly columns: readonly RecordColumn[] },
  wanted = names,
): Record<string, RecordColumn> {
  const places = new Map(names.map((name, k) => [name, k]));
  const other = wanted.find((name) => !places.has(name));
  if (other !== undefined)
    throw wrongValue('columns', `those of the table, ${listed(names)}${didYouMean(other, names)}`, other);
  return Object.fromEntries(wanted.map((name) => [name, columns[places.get(name) as number]]));
}
