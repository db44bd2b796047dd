import { mostUnzipped } from './gzip.js';
import { readHybrid } from './parquet-encodings.js';
import type { ParquetFile } from './parquet-file.js';
import { type ColumnType, READ_OTHERS, Unfit, type Values } from './parquet-types.js';
import { type Unzip, unzipOf } from './parquet-unzip.js';
import { readPlain, readValues, spread } from './parquet-values.js';
import { allocateBytes, damaged, quoted, readFully } from './read.js';
import { ByteReader, CutShort, type ThriftFields } from './thrift.js';

/** Read at a time, of one column; a page may be larger. */
const PIECE = 2 ** 20;
/** Where pages are read one by one: most of their headers are shorter. */
const FEW = 2 ** 7;
/** Entries of a dictionary all differ: none has more of them than rows, or than this for each of its bytes, as they are compressed. */
const ENTRIES_PER_BYTE = 64;

/** The values of one column in one group of rows, page by page. */
export class ColumnPages {
  readonly #parquet: ParquetFile;
  readonly #column: ColumnType;
  readonly #rows: number;
  readonly #first: number;
  readonly #codec: string;
  readonly #end: number;
  #at: number;
  #given = 0;
  #unzip?: Unzip;
  #dictionary?: Values;
  /** That of a page that was passed over. */
  #dictionaryAt?: number;
  #piece = new Uint8Array(0);
  #pieceAt = 0;
  /** Read at a time. */
  #atOnce = PIECE;

  constructor(parquet: ParquetFile, group: number, column: ColumnType, place: number) {
    const { rows, first, chunks } = parquet.groups[group];
    const { codec, begin, end } = chunks[place];
    this.#parquet = parquet;
    this.#column = column;
    this.#rows = rows;
    this.#first = first;
    this.#codec = codec;
    this.#at = begin;
    this.#end = end;
  }

  /**
   * For a part of the column, of which pages are read one by one: passes over those that end at the given row of the group or before.
   * Returns the row with which the next one begins.
   */
  async passTo(row: number): Promise<number> {
    this.#atOnce = FEW;
    while (this.#given < this.#rows) {
      const at = this.#at;
      const isPassed = await this.#checked(async () => {
        const header = await this.#header();
        const page = dataOf(header);
        const n = page ? this.#count(page) : 0;
        if (this.#given + n > row) return false;
        if (header.get(1) === DICTIONARY_PAGE) this.#dictionaryAt = at;
        this.#given += n;
        if (size(header, 3) > this.#end - this.#at) throw new CutShort();
        this.#at += size(header, 3);
        return true;
      });
      if (isPassed) continue;
      this.#at = at;
      break;
    }
    return this.#given;
  }

  /** The values that follow; undefined after the last. @throws Error with code ERR_FORMAT, the column and the reason */
  async next(): Promise<Values | undefined> {
    this.#unzip ??= await unzipOf(this.#parquet.source, this.#codec);
    while (this.#given < this.#rows) {
      const header = await this.#checked(() => this.#header());
      if (this.#dictionaryAt !== undefined && isCoded(header)) await this.#checked(() => this.#fetchDictionary());
      const bytes = await this.#checked(() => this.#bytes(size(header, 3)));
      const values = await this.#checked(() => this.#page(header, bytes));
      if (values && values.length > 0) {
        if (this.#column.isLong) this.#checkLong(values as Float64Array);
        this.#given += values.length;
        return values;
      }
    }
    return undefined;
  }

  async #header(): Promise<ThriftFields> {
    for (let length = Math.min(2 ** 12, this.#atOnce); ; length *= 16) {
      const left = this.#end - this.#at;
      const bytes = await this.#bytes(Math.min(length, left), false);
      const from = new ByteReader(bytes);
      try {
        const header = from.struct();
        this.#at += from.at;
        return header;
      } catch (error) {
        if (!(error instanceof CutShort) || bytes.length === left) throw error;
      }
    }
  }

  async #fetchDictionary(): Promise<void> {
    const at = this.#at;
    this.#at = this.#dictionaryAt as number;
    this.#dictionaryAt = undefined;
    const header = await this.#header();
    this.#page(header, await this.#bytes(size(header, 3)));
    this.#at = at;
  }

  /** The next bytes of the column. */
  async #bytes(length: number, take = true): Promise<Uint8Array> {
    const { file, source } = this.#parquet;
    const at = this.#at;
    if (length > this.#end - at) throw new CutShort();
    if (at < this.#pieceAt || at + length > this.#pieceAt + this.#piece.length) {
      this.#piece = allocateBytes(Math.max(length, Math.min(this.#atOnce, this.#end - at)), source);
      this.#pieceAt = at;
      await readFully(file, this.#piece, at, source);
    }
    if (take) this.#at += length;
    return this.#piece.subarray(at - this.#pieceAt, at - this.#pieceAt + length);
  }

  /** The values of a page; undefined of one that has none. */
  #page(header: ThriftFields, bytes: Uint8Array): Values | undefined {
    const length = size(header, 2);
    const kind = header.get(1);
    if (kind === DICTIONARY_PAGE) {
      const n = size(header.get(7) as ThriftFields, 1);
      if (n > Math.max(this.#rows, ENTRIES_PER_BYTE * bytes.length))
        throw new RangeError('it has a dictionary of far more entries than its size, as no data do');
      this.#dictionary = readPlain(new ByteReader(this.#unzipped(bytes, length)), n, this.#column);
      return undefined;
    }
    if (kind === DATA_PAGE) return this.#data(header.get(5) as ThriftFields, this.#unzipped(bytes, length));
    if (kind === DATA_PAGE_V2) return this.#dataV2(header.get(8) as ThriftFields, bytes, length);
    return undefined; // an index
  }

  /** Whether there is a value comes first, then the values. */
  #data(header: ThriftFields, bytes: Uint8Array): Values {
    const n = this.#count(header);
    const from = new ByteReader(bytes);
    if (!this.#isOptional) return this.#values(from, size(header, 2), n);
    if (size(header, 3) !== 3) throw new RangeError('what says where values are missing is in an old encoding');
    const levels = readHybrid(new ByteReader(from.take(from.uint32())), 1, n);
    return spread(this.#values(from, size(header, 2), ones(levels)), levels);
  }

  /** The same, where only the values are compressed. */
  #dataV2(header: ThriftFields, bytes: Uint8Array, length: number): Values {
    const n = this.#count(header);
    const from = new ByteReader(bytes);
    from.take(size(header, 6)); // of lists
    const own = from.take(size(header, 5));
    const rest = from.take(from.left);
    const isCompressed = header.get(7) !== false;
    const values = new ByteReader(isCompressed ? this.#unzipped(rest, length - from.at + rest.length) : rest);
    if (!this.#isOptional) return this.#values(values, size(header, 4), n);
    const levels = readHybrid(new ByteReader(own), 1, n);
    return spread(this.#values(values, size(header, 4), ones(levels)), levels);
  }

  get #isOptional(): boolean {
    return this.#column.element.repetition_type === 'OPTIONAL';
  }

  #count(header: ThriftFields): number {
    const n = size(header, 1);
    if (n > this.#rows - this.#given) throw new RangeError('it has more values than rows');
    return n;
  }

  #values(from: ByteReader, encoding: number, n: number): Values {
    return readValues(from, encoding, n, this.#column, this.#dictionary, mostUnzipped(from.bytes.length));
  }

  #unzipped(bytes: Uint8Array, length: number): Uint8Array {
    const { budget } = this.#parquet;
    if (!(length >= 0 && length <= mostUnzipped(bytes.length)) || length > budget.left)
      throw new RangeError('it unzips to far more than its size, as no data do');
    budget.left -= length;
    if (length === 0) return new Uint8Array(0);
    const out = (this.#unzip as Unzip)(bytes, length);
    if (out.length !== length) throw new RangeError(`it unzips to ${out.length} bytes instead of ${length}`);
    return out;
  }

  /** What goes wrong within is said of the column. */
  async #checked<T>(make: () => T | Promise<T>): Promise<T> {
    const at = this.#at;
    try {
      return await make();
    } catch (error) {
      if (/^(ERR_MEMORY|ERR_FORMAT|E[A-Z]+)$/.test((error as { code?: string }).code ?? '')) throw error;
      const column = `its column ${quoted(this.#column.element.name)}`;
      if (error instanceof Unfit)
        throw damaged(this.#parquet.source, `${column} ${error.message}${READ_OTHERS}`, error);
      const reason =
        error instanceof CutShort || (error as Error).name === 'RangeError' ? (error as Error).message : '';
      throw damaged(
        this.#parquet.source,
        `${column} is damaged at byte ${at}${/^(it|what|a) /.test(reason) ? `: ${reason}` : ''}`,
        error,
      );
    }
  }

  #checkLong(values: Float64Array): void {
    const row = values.indexOf(Number.POSITIVE_INFINITY);
    if (row < 0) return;
    const { name } = this.#column.element;
    throw damaged(
      this.#parquet.source,
      `expected integers up to 2^53 in its column ${quoted(name)}, got a larger one in row ${this.#first + this.#given + row}`,
    );
  }
}

const [DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2] = [0, 2, 3];
const [PLAIN_DICTIONARY, RLE_DICTIONARY] = [2, 8];

/** What a header says of a page of values. */
function dataOf(header: ThriftFields): ThriftFields | undefined {
  const kind = header.get(1);
  const page = kind === DATA_PAGE ? header.get(5) : kind === DATA_PAGE_V2 ? header.get(8) : undefined;
  return page as ThriftFields | undefined;
}

/** Whether the values of a page are places in the dictionary. */
function isCoded(header: ThriftFields): boolean {
  const encoding = dataOf(header)?.get(header.get(1) === DATA_PAGE ? 2 : 4);
  return encoding === PLAIN_DICTIONARY || encoding === RLE_DICTIONARY;
}

/** A field of a header that is a number, 0 or more. */
function size(fields: ThriftFields | undefined, id: number): number {
  const value = fields?.get(id);
  if (typeof value === 'number' && value >= 0) return value;
  throw new RangeError('a size in it is none');
}

function ones(levels: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < levels.length; i++) sum += levels[i];
  return sum;
}
