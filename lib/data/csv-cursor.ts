import type { FileHandle } from 'node:fs/promises';
import type { Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
import { failure } from '../check.js';
import { CsvPart } from '../io/csv-part.js';
import { damaged, openFile, sourceOf } from '../io/read.js';
import { explained, loadCsvParse, MAX_RECORD, type ParseError, streamOf, textOf, unchanged } from '../io/read-csv.js';
import { property } from '../kind.js';
import type { Rows } from './block.js';
import { CsvRows, type CsvRowsOptions } from './csv-rows.js';
import type { Cursor } from './cursor.js';
import type { Share } from './share.js';

/** Parses as much as one read of the file gives at a time: some thousand rows, without a promise for each. */
export class CsvCursor implements Cursor {
  readonly #path: string | URL;
  readonly #source: string;
  readonly #table: CsvRows;
  readonly #options: CsvRowsOptions;
  readonly #share?: Share;
  #part?: CsvPart;
  #file?: FileHandle;
  #opening?: Promise<AsyncGenerator<Buffer>>;
  #parser?: Transform;
  #block?: Rows<unknown>;
  #error?: { readonly error: unknown };
  #isOver = false;
  /** Bytes since the row before. */
  #unparsed = 0;

  constructor(path: string | URL, options: CsvRowsOptions, share?: Share) {
    this.#path = path;
    this.#source = sourceOf(path);
    this.#options = options;
    if (share) this.#share = share;
    this.#table = new CsvRows(this.#source, options);
  }

  next(most: number): Rows<unknown> | undefined | Promise<Rows<unknown> | undefined> {
    if (!this.#block) return this.#read(most);
    const block = this.#block;
    if (block.length <= most) {
      this.#block = undefined;
      return block;
    }
    this.#block = block.slice(most, block.length);
    return block.slice(0, most);
  }

  async close(): Promise<void> {
    this.#isOver = true;
    const text = await this.#opening?.catch(() => undefined);
    await text?.return(undefined);
    await this.#file?.close();
    this.#file = undefined;
  }

  async #read(most: number): Promise<Rows<unknown> | undefined> {
    while (!this.#block && !this.#isOver && !this.#error) {
      try {
        await this.#advance();
      } catch (error) {
        this.#error ??= { error: explained(error as ParseError, this.#source, (row) => this.#table.hintFor(row)) };
      }
      this.#block = this.#table.take(); // also the rows before an error
    }
    if (this.#block) return this.next(most);
    if (this.#error) throw this.#placed(this.#error.error);
    return undefined;
  }

  #placed(error: unknown): unknown {
    const place = this.#part?.place;
    const message = String(property(error, 'message'));
    const isOfLine = place && property(error, 'code') === 'ERR_FORMAT' && / line \d/.test(message);
    return isOfLine ? failure('ERR_FORMAT', message + place, { cause: error }) : error;
  }

  async #advance(): Promise<void> {
    this.#opening ??= this.#open();
    const text = await this.#opening;
    const parser = this.#parser as Transform;
    const { value, done } = await text.next();
    if (!done) {
      this.#unparsed += value.length;
      await new Promise<void>((resolve, reject) => {
        parser.write(value, (error) => (error ? reject(error) : resolve()));
      });
      if (this.#unparsed > MAX_RECORD)
        throw damaged(
          this.#source,
          `one of its rows is longer than the maximum of ${MAX_RECORD} bytes: a quote may not be closed`,
        );
      return;
    }
    parser.end();
    await finished(parser);
    this.#isOver = true;
    if (!this.#part || this.#part.isOnlyHead) this.#table.end();
  }

  async #open(): Promise<AsyncGenerator<Buffer>> {
    this.#parser = await this.#parserOf();
    this.#file = await openFile(this.#path);
    const stream = (await this.#bytesOfShare(this.#file)) ?? (await streamOf(this.#file, this.#source));
    return textOf(unchanged(this.#file, stream, this.#source), this.#source);
  }

  /** Nothing where it is the whole that is read. */
  async #bytesOfShare(file: FileHandle): Promise<AsyncGenerator<Buffer> | undefined> {
    const { classes, columns, separator, transformer } = this.#options;
    const share = this.#share;
    if (!share) return undefined;
    const isText =
      transformer !== undefined || columns !== undefined || classes?.some((name) => /[\r\n]/.test(String(name)));
    const { index, count } = share;
    this.#part = await CsvPart.open(file, this.#source, { index, count, separator, isPlain: !isText });
    this.#table.only(this.#part ? { hasFirst: this.#part.hasFirst } : { share });
    return this.#part?.bytes();
  }

  async #parserOf(): Promise<Transform> {
    const { parse } = await loadCsvParse();
    const parser = parse({
      bom: false,
      delimiter: this.#options.separator,
      max_record_size: 0, // it would be asked for each byte, a tenth of the time
      record_delimiter: ['\r\n', '\n', '\r'],
      skip_empty_lines: true,
      trim: true,
    });
    const push = parser.push.bind(parser);
    // Rows are taken where they would go out: on_record takes a fifth of the time to say where each of them is.
    parser.push = (cells: string[] | null) => {
      if (cells === null) return push(null);
      if (this.#error) return true;
      this.#unparsed = 0;
      try {
        this.#table.row(cells, parser.info.lines);
      } catch (error) {
        this.#error = { error };
      }
      return true;
    };
    parser.on('error', () => {}); // whoever writes to it is told
    parser.resume();
    return parser;
  }
}
