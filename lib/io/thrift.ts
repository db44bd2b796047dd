/** What Thrift's compact protocol holds, as far as Parquet uses it. */
export type ThriftValue = boolean | number | bigint | Uint8Array | readonly ThriftValue[] | ThriftFields;
export type ThriftFields = ReadonlyMap<number, ThriftValue>;

/** Structs and lists within each other are no deeper in any Parquet file. */
const DEEPEST = 16;

/** Bytes that are read one after the other; none beyond the end, and no list of more entries than there are bytes. */
export class ByteReader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  byte(): number {
    if (this.at >= this.end) throw new CutShort();
    return this.bytes[this.at++];
  }

  /** The next bytes, without a copy. */
  take(length: number): Uint8Array {
    if (!(length >= 0 && length <= this.left)) throw new CutShort();
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  uint32(): number {
    const [a, b, c, d] = this.take(4);
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  }

  /** Seven bits a byte, the low ones first: exact up to 2^53. */
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      if (scale > 2 ** 42) throw new RangeError('a number is too long');
    }
  }

  /** The same of 64 bits, with a sign. */
  zigzag(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
      if (shift > 56n) throw new RangeError('a number is too long');
    }
  }

  /** The fields of a struct by their numbers. */
  struct(depth = 0): ThriftFields {
    const fields = new Map<number, ThriftValue>();
    for (let id = 0; ; ) {
      const head = this.byte();
      if (head === 0) return fields;
      id = head >> 4 ? id + (head >> 4) : Number(this.zigzag());
      fields.set(id, this.#value(head & 15, depth + 1));
    }
  }

  #value(type: number, depth: number): ThriftValue {
    if (depth > DEEPEST) throw new RangeError('it is too deep');
    if (type === 1 || type === 2) return type === 1;
    if (type === 3) return this.byte();
    if (type === 4 || type === 5) return Number(this.zigzag());
    if (type === 6) return this.zigzag();
    if (type === 7) return new DataView(this.take(8).slice().buffer).getFloat64(0, true);
    if (type === 8) return this.take(this.varint());
    if (type === 9) return this.#list(depth);
    if (type === 12) return this.struct(depth);
    throw new RangeError(`it holds a value of type ${type}`);
  }

  #list(depth: number): ThriftValue[] {
    const head = this.byte();
    const length = head >> 4 === 15 ? this.varint() : head >> 4;
    if (length > this.left) throw new CutShort();
    const type = head & 15;
    const list: ThriftValue[] = [];
    // of true and false, an entry is a byte
    for (let i = 0; i < length; i++) list.push(type <= 2 ? this.byte() === 1 : this.#value(type, depth + 1));
    return list;
  }
}

/** More bytes are needed than there are. */
export class CutShort extends RangeError {
  constructor() {
    super('it ends too early');
  }
}
