const text = new TextEncoder();

/** A message of Protocol Buffers as it is written: fields in any order, nested ones whole. */
export class Message {
  readonly #parts: Uint8Array[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** An integer, of any type but the fixed ones. */
  int(field: number, value: number | bigint): this {
    return this.#tag(field, 0).#varint(value);
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#tag(field, 5).#push(bytes);
  }

  floats(field: number, values: readonly number[]): this {
    for (const value of values) this.float(field, value);
    return this;
  }

  ints(field: number, values: readonly number[]): this {
    for (const value of values) this.int(field, value);
    return this;
  }

  /** Bytes, which are not copied before the end. */
  bytes(field: number, value: Uint8Array): this {
    return this.#tag(field, 2).#varint(value.length).#push(value);
  }

  string(field: number, value: string): this {
    return this.bytes(field, text.encode(value));
  }

  message(field: number, value: Message): this {
    this.#tag(field, 2).#varint(value.#size);
    for (const part of value.#parts) this.#push(part);
    return this;
  }

  /** The parts, one behind the other. */
  get parts(): readonly Uint8Array[] {
    return this.#parts;
  }

  #tag(field: number, type: number): this {
    return this.#varint(field * 8 + type);
  }

  #varint(value: number | bigint): this {
    let rest = BigInt.asUintN(64, BigInt(value));
    const bytes: number[] = [];
    while (rest > 0x7fn) {
      bytes.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    return this.#push(Uint8Array.from(bytes));
  }

  #push(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    this.#size += bytes.length;
    return this;
  }
}

const utf8 = new TextDecoder();

/** A field of a message that is read: its bytes are a view. */
export class Field {
  readonly number: number;
  readonly #value: bigint | Uint8Array;

  constructor(number: number, value: bigint | Uint8Array) {
    this.number = number;
    this.#value = value;
  }

  get bytes(): Uint8Array {
    if (typeof this.#value === 'bigint') throw new RangeError(`field ${this.number} is a number, not bytes`);
    return this.#value;
  }

  get string(): string {
    return utf8.decode(this.bytes);
  }

  /** Its bits as a signed integer of 64. */
  get bits(): bigint {
    if (typeof this.#value !== 'bigint') throw new RangeError(`field ${this.number} is bytes, not a number`);
    return BigInt.asIntN(64, this.#value);
  }

  /** A signed integer. @throws RangeError for one that is none of JavaScript's */
  get int(): number {
    const number = Number(this.bits);
    if (!Number.isSafeInteger(number)) throw new RangeError(`it has the number ${this.bits}, which is beyond 2^53`);
    return number;
  }

  get float(): number {
    const list: number[] = [];
    this.addFloats(list, 4);
    return list[0] ?? 0;
  }

  /** Appends its integers, one or a list of them without tags in between; beyond 2^53 the nearest number. */
  addInts(to: number[]): void {
    if (typeof this.#value === 'bigint') {
      to.push(Number(this.bits));
      return;
    }
    for (let at = 0; at < this.#value.length; ) {
      const [value, next] = varint(this.#value, at);
      to.push(Number(BigInt.asIntN(64, value)));
      at = next;
    }
  }

  /** Appends its floats of 4 or 8 bytes, one or a list of them. */
  addFloats(to: number[], width: 4 | 8): void {
    const one = new Uint8Array(8);
    if (typeof this.#value === 'bigint') new DataView(one.buffer).setBigUint64(0, this.#value, true);
    const bytes = typeof this.#value === 'bigint' ? one.subarray(0, width) : this.#value;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + width <= bytes.length; at += width)
      to.push(width === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true));
  }
}

function varint(bytes: Uint8Array, from: number): [value: bigint, next: number] {
  let low = 0;
  // seven bits a byte; most numbers are short
  for (let at = from, shift = 0; shift < 28 && at < bytes.length; at++, shift += 7) {
    low |= (bytes[at] & 0x7f) << shift;
    if (bytes[at] < 0x80) return [BigInt(low), at + 1];
  }
  let value = 0n;
  for (let at = from, shift = 0n; shift < 70n; at++, shift += 7n) {
    if (at >= bytes.length) throw new RangeError('it ends in the middle of a number');
    value |= BigInt(bytes[at] & 0x7f) << shift;
    if (bytes[at] < 0x80) return [BigInt.asUintN(64, value), at + 1];
  }
  throw new RangeError('it has a number of more than 64 bits');
}

/** The fields of a message, in the order of the file. @throws RangeError if the bytes are none */
export function* fields(bytes: Uint8Array): Generator<Field, void, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const [tag, begin] = varint(bytes, at);
    const number = Number(tag >> 3n);
    const type = Number(tag & 7n);
    if (type === 0) {
      const [value, next] = varint(bytes, begin);
      yield new Field(number, value);
      at = next;
      continue;
    }
    const [length, first] = type === 2 ? varint(bytes, begin) : [type === 1 ? 8n : 4n, begin];
    if (type !== 1 && type !== 2 && type !== 5) throw new RangeError(`it has a field of a type that is none, ${type}`);
    if (length > BigInt(bytes.length - first)) throw new RangeError(`its field ${number} goes beyond the end`);
    const end = first + Number(length);
    if (type === 2) yield new Field(number, bytes.subarray(first, end));
    else yield new Field(number, type === 1 ? view.getBigUint64(first, true) : BigInt(view.getUint32(first, true)));
    at = end;
  }
}
