import type { FileHandle } from 'node:fs/promises';
import { CR, type CsvStyle, firstRecord, LF, lineEnd, mayFollow, QUOTE } from './csv-style.js';
import { isGzip } from './gzip.js';
import { allocateBytes, readFully } from './read.js';
import { MAX_RECORD } from './read-csv.js';

/** Bytes that are looked at to see how a part begins: the last are more than a record has. */
const WINDOWS = [2 ** 12, 2 ** 16, 2 ** 20, MAX_RECORD + 2 ** 20];
/** Read at a time; and behind the end of a part, where its last record ends soon. */
const [PIECE, FEW] = [2 ** 18, 2 ** 12];

export interface CsvPartOptions {
  readonly index: number;
  readonly count: number;
  readonly separator: string;
  /** Whether no cell holds a line end, as no number does. */
  readonly isPlain: boolean;
}

/**
 * One of several parts of a CSV file: the records that begin in one of as many stretches of its bytes.
 *
 * A line end in quotes ends no record, and whether a quote is open where a stretch begins depends on all that is before. But what
 * follows can hardly ever be read both ways: in the wrong one a cell has text beside its quotes, a record too many cells, a number
 * a line end, or a quote is never closed. Where it can be, the quotes before are counted. So what is read is the stretch, the first
 * record, and of a text without quotes at most 17 MB; and parts are cut at the same places, whoever looks.
 */
export class CsvPart {
  readonly #file: FileHandle;
  readonly #source: string;
  readonly #size: number;
  readonly #stretch: readonly [begin: number, end: number];
  #style!: CsvStyle;
  /** Where the first record ends. */
  #head = 0;
  /** Bytes that were looked at. */
  #seen = Buffer.alloc(0);
  #seenAt = 0;
  /** Where the first record of the part begins. */
  #begin = 0;

  private constructor(file: FileHandle, source: string, size: number, { index, count }: CsvPartOptions) {
    this.#file = file;
    this.#source = source;
    this.#size = size;
    this.#stretch = [Math.floor((size * index) / count), Math.floor((size * (index + 1)) / count)];
  }

  /** Nothing where parts cannot be read alone: of a pipe, of gzip and of UTF-16. */
  static async open(file: FileHandle, source: string, options: CsvPartOptions): Promise<CsvPart | undefined> {
    const stats = await file.stat();
    if (!stats.isFile()) return undefined;
    const part = new CsvPart(file, source, stats.size, options);
    const isKnown = await part.#readHead(options);
    if (isKnown) part.#begin = await part.#startAt(part.#stretch[0]);
    return isKnown ? part : undefined;
  }

  /** Whether the first record of the file, which all parts are given, is of this one. */
  get hasFirst(): boolean {
    return this.#stretch[0] === 0 && this.#stretch[1] > 0;
  }

  /** Whether the file has nothing behind its first record. */
  get isOnlyHead(): boolean {
    return this.#head === this.#size;
  }

  /** What lines are counted from, where these are not those of the file. */
  get place(): string {
    const isOwn = this.#begin > this.#head;
    return isOwn ? ` (of a share: lines behind the first row's are counted from byte ${this.#begin} on)` : '';
  }

  /** The first record of the file, and those of the part. */
  async *bytes(): AsyncGenerator<Buffer> {
    yield await this.#read(0, this.#head);
    yield* this.#records(this.#begin, false, this.#stretch[1]);
  }

  async #readHead({ separator, isPlain }: CsvPartOptions): Promise<boolean> {
    const separating = Buffer.from(separator);
    for (const window of WINDOWS) {
      const bytes = await this.#look(0, window);
      if (isGzip(bytes) || /^(\xff\xfe|\xfe\xff)/.test(bytes.toString('latin1', 0, 2))) return false;
      const first = firstRecord(bytes, bytes.length === this.#size, separating);
      if (!first) continue;
      this.#head = first.length;
      this.#style = { separator: separating, columns: first.columns, isPlain };
      return true;
    }
    return false;
  }

  /** Where the first record behind the head begins that begins at a place or behind it. */
  async #startAt(place: number): Promise<number> {
    if (place <= this.#head) return this.#head;
    const from = place - 1;
    for (const window of WINDOWS) {
      const bytes = await this.#look(from, window);
      const isAll = from + bytes.length === this.#size;
      const line = bytes.findIndex((byte) => byte === LF || byte === CR);
      if (line < 0 && isAll) return this.#size;
      if (line < 0 || (line + 1 === bytes.length && !isAll)) continue;
      const end = line + lineEnd(bytes, line);
      const start = from + end;
      const rest = bytes.subarray(end);
      if (!mayFollow(rest, true, this.#style, isAll)) return start;
      if (!mayFollow(rest, false, this.#style, isAll)) return this.#endOf(start, true, place);
    }
    return this.#endOf(this.#head, false, place);
  }

  async #endOf(from: number, isQuoted: boolean, until: number): Promise<number> {
    let at = from;
    for await (const { length } of this.#records(from, isQuoted, until)) at += length;
    return at;
  }

  /** The bytes from a record, or from within quotes, to the first record that begins at `until` or behind it. */
  async *#records(from: number, isQuoted: boolean, until: number): AsyncGenerator<Buffer> {
    if (!isQuoted && from >= until) return;
    let [at, open, isOver] = [from, isQuoted, false];
    while (at < this.#size) {
      const bytes = await this.#read(at, Math.max(FEW, Math.min(PIECE, until - at)));
      if (isOver) {
        if (bytes[0] === LF) yield bytes.subarray(0, 1);
        return;
      }
      const tail = Math.max(0, Math.min(bytes.length, until - 1 - at));
      if (bytes.includes(QUOTE)) for (let i = 0; i < tail; i++) if (bytes[i] === QUOTE) open = !open;
      for (let i = tail; i < bytes.length; i++) {
        if (bytes[i] === QUOTE) open = !open;
        const end = open ? 0 : lineEnd(bytes, i);
        if (end === 0) continue;
        isOver = bytes[i] === CR && i + 1 === bytes.length; // its LF may follow
        if (isOver) break;
        yield bytes.subarray(0, i + end);
        return;
      }
      yield bytes;
      at += bytes.length;
    }
  }

  /** So many bytes from a place on, kept for those who read there. */
  async #look(at: number, length: number): Promise<Buffer> {
    const wanted = Math.min(length, this.#size - at);
    const known = this.#seenAt === at ? this.#seen : Buffer.alloc(0);
    const more = await this.#fresh(at + known.length, wanted - known.length);
    [this.#seen, this.#seenAt] = [Buffer.concat([known, more]), at];
    return this.#seen;
  }

  /** So many bytes from a place on, or fewer. */
  async #read(at: number, length: number): Promise<Buffer> {
    const first = at - this.#seenAt;
    if (first >= 0 && first < this.#seen.length) return this.#seen.subarray(first, first + length);
    if (first >= this.#seen.length) this.#seen = Buffer.alloc(0);
    return this.#fresh(at, Math.min(length, this.#size - at));
  }

  async #fresh(at: number, length: number): Promise<Buffer> {
    const bytes = allocateBytes(length, this.#source);
    await readFully(this.#file, bytes, at, this.#source);
    return Buffer.from(bytes.buffer);
  }
}
