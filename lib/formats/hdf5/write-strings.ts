import { Bytes } from './bytes.js';

/** The least size of a heap that HDF5 reads. */
const LEAST = 4096;
const MOST_OBJECTS = 0xffff;

interface Heap {
  readonly at: number;
  readonly strings: Uint8Array[];
  size: number;
}

interface Place {
  readonly length: number;
  readonly heap: number;
  readonly index: number;
}

const text = new TextEncoder();

/** Strings of any length, in global heaps one behind the other; equal ones once. All are added before one is taken. */
export class StringHeaps {
  readonly #first: number;
  readonly #heaps: Heap[] = [];
  readonly #places = new Map<string, Place>();

  /** @param first where the first heap lies in the file */
  constructor(first: number) {
    this.#first = first;
  }

  add(string: string): void {
    if (this.#places.has(string) || string === '') return;
    let heap = this.#heaps.at(-1);
    if (!heap || heap.strings.length === MOST_OBJECTS) {
      const at = heap ? heap.at + sizeOf(heap) : this.#first;
      heap = { at, strings: [], size: 16 };
      this.#heaps.push(heap);
    }
    const bytes = text.encode(string);
    heap.strings.push(bytes);
    heap.size += 16 + bytes.length + (-bytes.length & 7);
    this.#places.set(string, { length: bytes.length, heap: heap.at, index: heap.strings.length });
  }

  take(string: string): Place {
    return this.#places.get(string) ?? { length: 0, heap: 0, index: 0 };
  }

  formatted(): Uint8Array[] {
    return this.#heaps.map((heap) => {
      const size = sizeOf(heap);
      const out = new Bytes().text('GCOL').u32(1).u64(size);
      for (const [i, string] of heap.strings.entries())
        out
          .u16(i + 1)
          .u16(0)
          .u32(0)
          .u64(string.length)
          .bytes(string)
          .zeros(-string.length & 7);
      const free = size - out.size;
      if (free > 0) out.u64(0).u64(free); // the object 0, of what is left
      return out.done(size);
    });
  }
}

/** With room for the object that says what is free. */
const sizeOf = ({ size }: Heap) => Math.max(LEAST, size + 16);
