import { damaged } from '../../io/read.js';

const UNDEFINED = 0xffff_ffff_ffff_ffffn;

/** A file of HDF5, of which nothing is read that does not lie in it. */
export class FileBytes {
  readonly source: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Places of structures that were read: none is read twice, so that no loop goes on for ever. */
  readonly #seen = new Set<string>();
  #left: number;

  constructor(bytes: Uint8Array, source: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.source = source;
    this.#left = 4 * bytes.length + 4096;
  }

  get size(): number {
    return this.#bytes.length;
  }

  wrong(reason: string): Error {
    return damaged(this.source, `its HDF5 part ${reason}`);
  }

  /** From a place on; to the end of the file, or to that of a structure within it. */
  at(place: number, length?: number): Cursor {
    if (place > this.size || (length !== undefined && place + length > this.size))
      throw this.wrong(`names a place beyond its end, ${place}`);
    return new Cursor(this, this.#view, place, length === undefined ? this.size : place + length);
  }

  /** Bytes of the file, which are not copied. */
  slice(place: number, length: number): Uint8Array {
    if (place + length > this.size) throw this.wrong(`names ${length} bytes at ${place}, beyond its end`);
    return this.#bytes.subarray(place, place + length);
  }

  /** Notes that a structure is read. @throws Error where it was before, in the same reading */
  enter(what: string, place: number): void {
    const key = `${what} ${place}`;
    if (this.#seen.has(key)) throw this.wrong(`has a ${what} that is part of itself, at ${place}`);
    this.#seen.add(key);
  }

  /** Another reading of structures begins, of what lies at other places or may be read again. */
  forget(): void {
    this.#seen.clear();
  }

  /** Counts bytes that are copied: there are not many more than the file has, however often it names the same ones. */
  spend(count: number): void {
    this.#left -= count;
    if (this.#left < 0) throw this.wrong('names the same bytes again and again');
  }
}

/** Reads numbers, little-endian, one behind the other. */
export class Cursor {
  readonly file: FileBytes;
  readonly #view: DataView;
  readonly #end: number;
  #at: number;

  constructor(file: FileBytes, view: DataView, at: number, end: number) {
    this.file = file;
    this.#view = view;
    this.#at = at;
    this.#end = end;
  }

  get place(): number {
    return this.#at;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  /** One of its own, from here on. */
  copy(): Cursor {
    return new Cursor(this.file, this.#view, this.#at, this.#end);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A length: more than a file can have is refused. */
  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.file.wrong(`has a length of ${value}`);
    return Number(value);
  }

  /** The place of something; undefined where there is nothing. */
  address(): number | undefined {
    const value = this.#view.getBigUint64(this.#take(8), true);
    return value === UNDEFINED ? undefined : Number(value);
  }

  /** A number of so many bytes, 1 to 8. */
  uint(width: number): number {
    let value = 0;
    for (let k = 0; k < width; k++) value += this.u8() * 2 ** (8 * k);
    if (!Number.isSafeInteger(value)) throw this.file.wrong(`has a length of ${value}`);
    return value;
  }

  skip(count: number): this {
    this.#take(count);
    return this;
  }

  bytes(count: number): Uint8Array {
    return this.file.slice(this.#take(count), count);
  }

  /** A part of it, of so many bytes. */
  part(count: number): Cursor {
    const at = this.#take(count);
    return new Cursor(this.file, this.#view, at, at + count);
  }

  /** @throws Error unless these letters come next */
  expect(signature: string): this {
    const at = this.#at;
    for (const letter of signature)
      if (this.u8() !== letter.charCodeAt(0)) throw this.file.wrong(`has no ${signature} at ${at}`);
    return this;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#end - at) throw this.file.wrong(`ends within a structure, at ${at}`);
    this.#at += count;
    return at;
  }
}
