const text = new TextEncoder();

/** Bytes as they are put together, little-endian. */
export class Bytes {
  #data = Buffer.alloc(256);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#data.writeUInt8(value, at);
    return this;
  }

  u16(value: number): this {
    const at = this.#room(2);
    this.#data.writeUInt16LE(value, at);
    return this;
  }

  u32(value: number): this {
    const at = this.#room(4);
    this.#data.writeUInt32LE(value, at);
    return this;
  }

  u64(value: number | bigint): this {
    const at = this.#room(8);
    this.#data.writeBigUInt64LE(BigInt(value), at);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#room(value.length);
    this.#data.set(value, at);
    return this;
  }

  text(value: string): this {
    return this.bytes(text.encode(value));
  }

  zeros(count: number): this {
    this.#room(count);
    return this;
  }

  /** What was put together, with zeros up to a size. */
  done(size = this.#size): Uint8Array {
    this.#room(size - this.#size);
    return this.#data.subarray(0, size);
  }

  #room(count: number): number {
    const at = this.#size;
    this.#size += count;
    if (this.#size > this.#data.length) {
      const larger = Buffer.alloc(Math.max(2 * this.#data.length, this.#size));
      larger.set(this.#data);
      this.#data = larger;
    }
    return at;
  }
}
