import type { Cursor, FileBytes } from './cursor.js';

const text = new TextDecoder();

/** Where strings of any length lie. */
export class GlobalHeaps {
  readonly #file: FileBytes;
  readonly #heaps = new Map<number, ReadonlyMap<number, readonly [place: number, length: number]>>();

  constructor(file: FileBytes) {
    this.#file = file;
  }

  /** The string that an element refers to. */
  string(element: Cursor): string {
    const length = element.u32();
    const heap = element.address();
    const index = element.u32();
    if (length === 0) return '';
    const found = this.#objects(heap ?? this.#file.size).get(index);
    if (!found || found[1] < length) throw this.#file.wrong(`has no string ${index} of ${length} bytes`);
    this.#file.spend(length);
    return text.decode(this.#file.slice(found[0], length));
  }

  #objects(place: number) {
    const known = this.#heaps.get(place);
    if (known) return known;
    const head = this.#file.at(place).expect('GCOL').skip(4);
    const size = head.u64();
    this.#file.spend(size);
    const heap = this.#file.at(place, size).skip(16);
    const objects = new Map<number, readonly [number, number]>();
    while (heap.left >= 16) {
      const index = heap.u16();
      const length = heap.skip(6).u64();
      if (index === 0) break; // what is free
      objects.set(index, [heap.place, length]);
      heap.skip(Math.min(heap.left, length + (-length & 7)));
      if (length > size) throw this.#file.wrong(`has a string of ${length} bytes in a heap of ${size}`);
    }
    this.#heaps.set(place, objects);
    return objects;
  }
}
