import type { Readable } from 'node:stream';
import { checkBoolean, checkOneOf, checkOptions, wrongType } from '../check.js';
import { checkSeparator, type Encoding, readRows, separatorOf } from '../io/csv.js';
import { RecordSink } from '../io/csv-records.js';
import { isRecords, readJsonRecords } from '../io/json-records.js';
import { sourceOf } from '../io/read.js';
import { isReadable, isURL } from '../kind.js';

export interface ReadTableOptions {
  /** CSV: one character between the cells. Default ',', in a .tsv file a tab */
  separator?: string;
  /** CSV: whether the first row holds the names. Default: it does, unless one of its cells is a number */
  header?: boolean;
  /** CSV: what stands before decimals. Default '.' */
  decimal?: '.' | ',';
  /** CSV: how text is written. Default 'utf8' (or UTF-16 with its mark) */
  encoding?: Encoding;
}

/**
 * Reads a table of columns of any kind: CSV (gzipped or not), a JSON list of records, or one record a line (.json, .ndjson, .jsonl).
 * A column is of numbers, of booleans or of text as a whole: numbers where each of its cells is one (`007` is text). Missing are null:
 * in CSV empty cells, NA, NaN, null and what else pandas takes for missing. CSV needs the package csv-parse.
 *
 * @returns a record of columns, which transformers and pipelines take
 * @throws Error with code ERR_FORMAT and the line, ERR_MISSING_PEER, the file system's (ENOENT …)
 */
export async function readTable(
  input: string | URL | Readable,
  options: ReadTableOptions = {},
): Promise<Record<string, (number | null)[] | (boolean | null)[] | (string | null)[]>> {
  checkOptions('options', options, ['separator', 'header', 'decimal', 'encoding']);
  if (typeof input !== 'string' && !isURL(input) && !isReadable(input))
    throw wrongType('input', 'a file name, a URL or a stream', input);
  const path = isReadable(input) ? undefined : String(input);
  if (path !== undefined && isRecords(path)) {
    const { names, columns } = await readJsonRecords(input as string | URL);
    return Object.fromEntries(names.map((name, k) => [name, columns[k]]));
  }
  const { separator = separatorOf(path ?? ''), header, decimal = '.', encoding = 'utf8' } = options;
  checkSeparator(separator);
  if (header !== undefined) checkBoolean('header', header);
  checkOneOf('decimal', decimal, ['.', ',']);
  checkOneOf('encoding', encoding, ['utf8', 'latin1']);
  const source = isReadable(input) ? 'the stream' : sourceOf(input);
  const sink = new RecordSink(source, { decimal, ...(header !== undefined && { header }) });
  const { names, columns } = await readRows(input, separator, sink, encoding);
  return Object.fromEntries(names.map((name, k) => [name, columns[k]]));
}
