import type { Cursor, FileBytes } from './cursor.js';
import { readRecords, widthOf } from './tree2.js';

/** A heap of objects, in blocks that become larger: where large groups keep their links and attributes (version 1.8 and later). */
export class FractalHeap {
  readonly #file: FileBytes;
  readonly #largeTree: number | undefined;
  readonly #width: number;
  readonly #startSize: number;
  readonly #maxDirect: number;
  readonly #root: number;
  readonly #rootRows: number;
  readonly #offsetWidth: number;
  readonly #lengthWidth: number;
  #large?: Map<number, readonly [place: number, length: number]>;

  constructor(file: FileBytes, place: number) {
    this.#file = file;
    const head = file.at(place).expect('FRHP').skip(3);
    if (head.u16() !== 0) throw file.wrong('has a group whose links are compressed');
    head.skip(1);
    const maxManaged = head.u32();
    this.#largeTree = head.skip(8).address();
    head.skip(12 * 8 - 2 * 8);
    this.#width = head.u16();
    this.#startSize = head.u64();
    this.#maxDirect = head.u64();
    const bits = head.u16();
    this.#root = head.skip(2).u64();
    this.#rootRows = head.u16();
    if (this.#width === 0 || this.#startSize === 0 || this.#maxDirect < this.#startSize)
      throw file.wrong(`has a heap without blocks, at ${place}`);
    this.#offsetWidth = Math.ceil(bits / 8);
    this.#lengthWidth = Math.min(Math.ceil(Math.log2(this.#maxDirect) / 8), widthOf(maxManaged));
  }

  /** An object, by what its id begins at. */
  object(id: Cursor): Cursor {
    const flags = id.u8();
    const kind = (flags >> 4) & 3;
    if (kind === 2) return id.part((flags & 15) + 1);
    if (kind === 1) return this.#largeObject(id.u64());
    if (kind !== 0) throw this.#file.wrong('has an object of an unknown kind');
    const offset = id.uint(this.#offsetWidth);
    return this.#file.at(this.#placeOf(offset), id.uint(this.#lengthWidth));
  }

  #largeObject(id: number): Cursor {
    if (!this.#large) {
      if (this.#largeTree === undefined) throw this.#file.wrong('has no large objects, and names one');
      this.#large = new Map();
      for (const record of readRecords(this.#file, this.#largeTree, 1)) {
        const place = [record.u64(), record.u64()] as const;
        this.#large.set(record.u64(), place);
      }
    }
    const found = this.#large.get(id);
    if (!found) throw this.#file.wrong(`has no large object ${id}`);
    return this.#file.at(...found);
  }

  /** Through the blocks of blocks to the one that has it. */
  #placeOf(offset: number): number {
    let block = this.#root;
    let rows = this.#rootRows;
    let rest = offset;
    while (rows > 0) {
      const first = this.#width * this.#startSize;
      const row = rest < first ? 0 : Math.floor(Math.log2(rest / first)) + 1;
      if (row >= rows) throw this.#file.wrong(`has no block for the object at ${offset}`);
      const size = this.#startSize * 2 ** Math.max(0, row - 1);
      const before = row === 0 ? 0 : first * 2 ** (row - 1);
      const column = Math.floor((rest - before) / size);
      const children = this.#file
        .at(block)
        .expect('FHIB')
        .skip(9 + this.#offsetWidth);
      const child = children.skip(8 * (row * this.#width + column)).u64();
      rest -= before + column * size;
      rows = size <= this.#maxDirect ? 0 : Math.log2(size / first) + 1;
      if (!Number.isInteger(rows)) throw this.#file.wrong(`has a heap whose blocks do not fit, at ${block}`);
      block = child;
    }
    this.#file.at(block).expect('FHDB');
    return block + rest;
  }
}
