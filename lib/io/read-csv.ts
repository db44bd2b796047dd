import type { FileHandle } from 'node:fs/promises';
import type { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { failure } from '../check.js';
import type { CsvData, Encoding } from './csv.js';
import { CsvTable, separatedBy, type TableOptions } from './csv-table.js';
import { unzipped } from './gzip.js';
import { loadPeer } from './peer.js';
import { damaged, openFile, sourceOf } from './read.js';
import { utf8 } from './text.js';

/** What is used of csv-parse, as its version 7 has it. */
interface CsvParse {
  parse(options: {
    bom: boolean;
    delimiter: string;
    max_record_size: number;
    on_record?: (cells: string[], info: { lines: number }) => null;
    record_delimiter?: string[];
    skip_empty_lines: boolean;
    trim?: boolean;
  }): Transform & { readonly info: { readonly lines: number } };
}

const PACKAGE: string = 'csv-parse';
export const MAX_RECORD = 2 ** 24;

/** @throws Error with code ERR_MISSING_PEER */
export const loadCsvParse = (): Promise<CsvParse> => loadPeer(PACKAGE, () => import(PACKAGE) as Promise<CsvParse>);

const nameOf = (input: string | URL | Readable) => (isStream(input) ? 'the stream' : sourceOf(input));

/** `readCsv` with options that were checked, and those that only the command line has. @param source what messages call the input */
export function readTable(
  input: string | URL | Readable,
  options: TableOptions,
  source = nameOf(input),
): Promise<CsvData> {
  return readRows(input, options.separator, new CsvTable(source, options), 'utf8', source);
}

/** What rows of text are given to. */
export interface RowSink<T> {
  row(cells: readonly string[], line: number): void;
  finish(): T | Promise<T>;
  /** Whether it takes no more rows. */
  readonly isFull?: boolean;
  /** What helps where a row of other length than the first came. */
  hintFor(cells: readonly string[]): string;
}

/** Gives the rows of a CSV file or stream to a sink as they come. @throws as `readCsv` does */
export async function readRows<T>(
  input: string | URL | Readable,
  separator: string,
  table: RowSink<T>,
  encoding: Encoding = 'utf8',
  source = nameOf(input),
): Promise<T> {
  const { parse } = await loadCsvParse();
  const parser = parse({
    bom: false,
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
  const file = isStream(input) ? undefined : await openFile(input);
  try {
    const stream = isStream(input) ? input : await streamOf(file as FileHandle, source);
    const bytes = file ? unchanged(file, stream, source) : stream;
    // a stream that waits for more, as a terminal does, is not waited for
    parser.once('error', () => stream.destroy());
    parser.resume(); // rows are taken as they are parsed: nothing comes out
    const text = encoding === 'utf8' ? textOf(bytes, source) : latin1(unzipped(bytes, source));
    await pipeline(() => untilFull(text, table), parser);
    return await table.finish();
  } catch (error) {
    if (table.isFull) return await table.finish(); // the row that was begun is not wanted
    throw explained(error as ParseError, source, (row) => table.hintFor(row));
  } finally {
    await file?.close();
  }
}

async function* untilFull(
  chunks: AsyncIterable<string | Buffer>,
  table: { readonly isFull?: boolean },
): AsyncGenerator<string | Buffer> {
  for await (const chunk of chunks) {
    yield chunk;
    if (table.isFull) return;
  }
}

/** csv-parse's errors tell where they were. */
export type ParseError = NodeJS.ErrnoException & {
  lines?: number;
  records?: number;
  record?: unknown;
  field?: unknown;
};

/** Errors of the parser, whatever their codes, and of memory get ours; others are clear already. */
export function explained(error: ParseError, source: string, hintFor: (row: readonly string[]) => string): Error {
  const { code, lines, records, record } = error;
  const message = error.message.replace(/ instead of delimiter, .*$/, ' instead of the end of a cell');
  if (typeof lines === 'number' && typeof records === 'number') {
    const hint = Array.isArray(record) ? hintFor(record.map(String)) : quoteHint(error);
    const where = /\bline \d/.test(message) ? '' : ` in line ${lines}`;
    return damaged(source, `${message.length > 200 ? `${message.slice(0, 200)}…` : message}${where}${hint}`, error);
  }
  if (code === undefined && /allocation failed|Invalid typed array length/i.test(message))
    return failure('ERR_MEMORY', `Cannot read ${source}: there is no memory for its numbers`, { cause: error });
  return error;
}

/** By what stands before a quote within a cell, or after the one that ends it: where cells are quoted, what separates them. */
function quoteHint({ message, field, lines }: ParseError): string {
  if (lines === 1 && /^\s*(\[\s*)?\{\s*$/.test(String(field)))
    return '; it seems to be JSON, which is read from files named .json or .jsonl';
  return separatedBy(
    /^Invalid Closing Quote: got "(.)"/.exec(message)?.[1] ?? /[,;\t|]$/.exec(String(field))?.[0] ?? '',
  );
}

/** Windows' variant, as browsers read 'latin1'. */
async function* latin1(chunks: AsyncIterable<unknown>): AsyncGenerator<string> {
  const decoder = new TextDecoder('windows-1252');
  for await (const chunk of chunks)
    yield typeof chunk === 'string' ? chunk : decoder.decode(chunk as Uint8Array, { stream: true });
}

const isStream = (input: unknown): input is Readable =>
  typeof input === 'object' && input !== null && typeof (input as Readable).pipe === 'function';

/** As UTF-8, unzipped. */
export const textOf = (bytes: AsyncIterable<unknown>, source: string): AsyncGenerator<Buffer> =>
  utf8(unzipped(bytes, source), source);

/** Read at a time, in bytes. */
const PIECE = 2 ** 18;

export async function streamOf(file: FileHandle, source: string): Promise<Readable> {
  const stats = await file.stat();
  if (stats.isDirectory()) throw damaged(source, 'it is a folder');
  return file.createReadStream({ autoClose: false, highWaterMark: PIECE, ...(stats.isFile() && { start: 0 }) });
}

/** A file that changes meanwhile is refused: its rows would be of two tables. */
export async function* unchanged(
  file: FileHandle,
  stream: AsyncIterable<unknown>,
  source: string,
): AsyncGenerator<unknown> {
  const before = await file.stat();
  yield* stream;
  const after = await file.stat();
  if (before.isFile() && (after.size !== before.size || after.mtimeMs !== before.mtimeMs))
    throw damaged(source, 'it changed while it was read');
}
