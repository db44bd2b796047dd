import { isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { wrongType } from '../check.js';
import { damaged } from './read.js';

/** Longer lines are no table's: memory for one is needed at once. */
const LONGEST_LINE = 2 ** 24;
const LF = 10;
const CR = 13;

/**
 * The bytes of a text as UTF-8 without a byte order mark: of UTF-8, or of UTF-16 that begins with its mark. Bytes that
 * are no such text are refused, since replacing them would make different words equal.
 *
 * @param longest the most bytes that a line may have
 * @throws Error with code ERR_FORMAT and the line
 */
export async function* utf8(
  chunks: AsyncIterable<unknown>,
  source: string,
  longest = LONGEST_LINE,
): AsyncGenerator<Buffer> {
  const check = new TextCheck(source, longest);
  let decoder: TextDecoder | undefined;
  let start: Buffer | undefined = Buffer.alloc(0); // until the mark is known
  for await (const chunk of bytesOf(chunks)) {
    let bytes = chunk;
    if (start) {
      start = Buffer.concat([start, chunk]);
      if (start.length < 3) continue;
      [bytes, decoder] = withoutMark(start);
      start = undefined;
    }
    yield check.take(decoder ? decode(decoder, bytes, check, true) : bytes);
  }
  if (start) {
    const [bytes, late] = withoutMark(start);
    yield check.take(late ? decode(late, bytes, check, false) : bytes);
  } else if (decoder) yield check.take(decode(decoder, Buffer.alloc(0), check, false));
  check.end();
}

/** The whole text. */
export async function textOf(chunks: AsyncIterable<unknown>, source: string, longest = LONGEST_LINE): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of utf8(chunks, source, longest)) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

function withoutMark(bytes: Buffer): [Buffer, TextDecoder?] {
  const [a, b, c] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return [bytes.subarray(3)];
  if (a === 0xff && b === 0xfe) return [bytes.subarray(2), new TextDecoder('utf-16le', { fatal: true })];
  if (a === 0xfe && b === 0xff) return [bytes.subarray(2), new TextDecoder('utf-16be', { fatal: true })];
  return [bytes];
}

function decode(decoder: TextDecoder, bytes: Buffer, check: TextCheck, stream: boolean): Buffer {
  let text: string;
  try {
    text = decoder.decode(bytes, { stream });
  } catch (error) {
    throw damaged(check.source, `its UTF-16 is damaged in line ${check.line} or later`, error);
  }
  return Buffer.from(text);
}

async function* bytesOf(chunks: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  let half = ''; // of a character above U+FFFF, whose other half comes in the next string
  for await (const chunk of chunks) {
    if (typeof chunk === 'string') {
      const text = half + chunk;
      half = /[\ud800-\udbff]$/.exec(text)?.[0] ?? '';
      yield bytesOfString(half ? text.slice(0, -1) : text);
    } else if (ArrayBuffer.isView(chunk)) {
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    } else throw wrongType('input', 'a stream of bytes or of text', chunk);
  }
  if (half) yield bytesOfString(half);
}

/** Half a character becomes bytes that are no UTF-8, which are refused below with their line. */
function bytesOfString(text: string): Buffer {
  if (!/\p{Surrogate}/u.test(text)) return Buffer.from(text);
  return Buffer.concat(
    Array.from(text, (c) => (/\p{Surrogate}/u.test(c) ? Buffer.of(0xed, 0xa0, 0x80) : Buffer.from(c))),
  );
}

/** Looks at the bytes as they pass. */
class TextCheck {
  readonly source: string;
  readonly #longest: number;
  line = 1;
  #offset = 0;
  #lineStart = 0;
  #previous = 0;
  #cut = Buffer.alloc(0); // the beginning of a character whose end comes in the next chunk

  constructor(source: string, longest: number) {
    this.source = source;
    this.#longest = longest;
  }

  take(chunk: Buffer): Buffer {
    const bytes = this.#cut.length > 0 ? Buffer.concat([this.#cut, chunk]) : chunk;
    const whole = bytes.subarray(0, bytes.length - cutAtEnd(bytes));
    this.#cut = Buffer.from(bytes.subarray(whole.length));
    this.#scan(whole, isUtf8(whole) ? whole.length : firstWrong(whole));
    return whole;
  }

  end(): void {
    if (this.#cut.length > 0) this.#refuse(this.#cut[0], this.#offset);
  }

  /** Counts lines, and looks at the bytes before `good`, where those that are no UTF-8 begin. */
  #scan(bytes: Buffer, good: number): void {
    // most text has lines that end in a line feed, and nothing else to look at: a third of the time
    const isPlain = good === bytes.length && this.#previous !== CR && !bytes.includes(CR) && !bytes.includes(0);
    if (isPlain) this.#countLines(bytes);
    else this.#look(bytes, good);
    if (good < bytes.length) this.#refuse(bytes[good], this.#offset + good);
    this.#offset += bytes.length;
    this.#checkLength(this.#offset);
  }

  #countLines(bytes: Buffer): void {
    const n = bytes.length;
    for (let i = 0; i < n; i++)
      if (bytes[i] === LF) {
        this.#checkLength(this.#offset + i);
        this.line++;
        this.#lineStart = this.#offset + i + 1;
      }
    if (n > 0) this.#previous = bytes[n - 1];
  }

  #look(bytes: Buffer, good: number): void {
    for (let i = 0; i < good; i++) {
      const byte = bytes[i];
      if (byte === LF || byte === CR) {
        this.#checkLength(this.#offset + i);
        if (byte === CR || this.#previous !== CR) this.line++;
        this.#lineStart = this.#offset + i + 1;
      } else if (byte === 0) {
        throw damaged(
          this.source,
          `it holds a zero byte in line ${this.line}, as no text does; UTF-16 is read if it begins with its byte order mark`,
        );
      }
      this.#previous = byte;
    }
  }

  #checkLength(end: number): void {
    if (end - this.#lineStart > this.#longest)
      throw damaged(this.source, `line ${this.line} is longer than the maximum of ${this.#longest} bytes`);
  }

  #refuse(byte: number, offset: number): never {
    throw damaged(
      this.source,
      `it is no UTF-8: byte 0x${byte.toString(16)} in line ${this.line}, byte ${offset - this.#lineStart} of it; save it as UTF-8 (in Excel: 'CSV UTF-8')`,
    );
  }
}

/** How many bytes at the end begin a character and do not end it. */
function cutAtEnd(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

/** Where the first bytes lie that are no UTF-8: block by block, then character by character. */
function firstWrong(bytes: Buffer): number {
  let good = 0;
  for (const step of [2 ** 12, 4])
    while (good < bytes.length) {
      const part = bytes.subarray(good, good + step);
      const whole = step === 4 ? characterAt(part) : part.length - cutAtEnd(part);
      if (whole === 0 || !isUtf8(part.subarray(0, whole))) break;
      good += whole;
    }
  return good;
}

const characterAt = ([lead]: Buffer) => (lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);
