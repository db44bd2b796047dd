import type { ByteReader } from './thrift.js';

// The encodings of https://parquet.apache.org/docs/file-format/data-pages/encodings. hyparquet has them too, but takes lengths in a
// file at their word: a run of 2^31 values in a page of ten ends the process.

/** Runs of one value, and packed bits: n numbers of `width` bits. */
export function readHybrid(from: ByteReader, width: number, n: number): Int32Array {
  if (width > 31) throw new RangeError(`it holds numbers of ${width} bits`);
  const values = new Int32Array(n);
  for (let at = 0; at < n; ) {
    const head = from.varint();
    const count = Math.floor(head / 2);
    if (head % 2 === 0) {
      let value = 0;
      for (let k = 0; k < width; k += 8) value += from.byte() * 2 ** k;
      if (value >= 2 ** width) throw new RangeError(`it holds a number of more than ${width} bits`);
      values.fill(value, at, Math.min(n, at + count));
      at += count;
    } else {
      const wanted = Math.min(8 * count, n - at);
      // of the last run, bytes that nobody needs may be missing
      const bytes = from.take(Math.max(Math.ceil((wanted * width) / 8), Math.min(count * width, from.left)));
      unpack(bytes, width, values, at, wanted);
      at += wanted;
    }
  }
  return values;
}

function unpack(bytes: Uint8Array, width: number, into: Int32Array, at: number, n: number): void {
  if (width > 24) {
    for (let k = 0; k < n; k++) into[at + k] = bitsOf(bytes, k * width, width);
    return;
  }
  const mask = 2 ** width - 1;
  let [held, bits, next] = [0, 0, 0];
  for (let k = 0; k < n; k++) {
    for (; bits < width; bits += 8) held |= bytes[next++] << bits;
    into[at + k] = held & mask;
    held >>>= width;
    bits -= width;
  }
}

/** Up to 32 bits, the low ones first. */
function bitsOf(bytes: Uint8Array, bit: number, width: number): number {
  let value = 0;
  for (let got = 0; got < width; ) {
    const at = bit + got;
    const take = Math.min(8 - (at & 7), width - got);
    value += ((bytes[at >> 3] >> (at & 7)) & (2 ** take - 1)) * 2 ** got;
    got += take;
  }
  return value;
}

/** DELTA_BINARY_PACKED: n integers of 64 bits, of 32 alike but for what overflows. */
export function readDelta(from: ByteReader, n: number): BigInt64Array {
  const [block, miniblocks] = [from.varint(), from.varint()];
  const size = block / miniblocks;
  if (!(Number.isInteger(size) && size > 0 && size % 8 === 0))
    throw new RangeError(`its blocks are of ${block} values`);
  from.varint(); // as many as there are
  const values = new BigInt64Array(n);
  let value = from.zigzag();
  if (n > 0) values[0] = value;
  for (let at = 1; at < n; ) {
    const least = from.zigzag();
    const widths = from.take(miniblocks);
    for (let k = 0; k < miniblocks && at < n; k++) {
      const width = widths[k];
      if (width > 64) throw new RangeError(`it holds numbers of ${width} bits`);
      const wanted = Math.min(size, n - at);
      const bytes = from.take(Math.max(Math.ceil((wanted * width) / 8), Math.min((size * width) / 8, from.left)));
      for (let i = 0; i < wanted; i++) {
        const low = bitsOf(bytes, i * width, Math.min(width, 32));
        const high = width > 32 ? bitsOf(bytes, i * width + 32, width - 32) : 0;
        value += least + (BigInt(high) << 32n) + BigInt(low);
        values[at++] = value;
      }
    }
  }
  return values;
}

/** DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes. Gives one after the other */
export function readDeltaLengths(from: ByteReader, n: number): () => Uint8Array {
  const lengths = readDelta(from, n).values();
  return () => from.take(Number(lengths.next().value));
}

/** DELTA_BYTE_ARRAY: of each what it shares with the one before, and the rest. `most`: bytes of all of them together */
export function readDeltaBytes(from: ByteReader, n: number, most: number): () => Uint8Array {
  const shared = readDelta(from, n).values();
  const next = readDeltaLengths(from, n);
  let [last, total]: [Uint8Array, number] = [new Uint8Array(0), 0];
  return () => {
    const rest = next();
    const prefix = Number(shared.next().value);
    if (!(prefix >= 0 && prefix <= last.length)) throw new RangeError('a text begins as none before it');
    total += prefix + rest.length;
    if (total > most) throw new RangeError('its texts are longer than it can hold');
    const whole = new Uint8Array(prefix + rest.length);
    whole.set(last.subarray(0, prefix));
    whole.set(rest, prefix);
    last = whole;
    return whole;
  };
}

/** BYTE_STREAM_SPLIT: the first bytes of all values, then their second ones … */
export function joinStreams(from: ByteReader, n: number, width: number): Uint8Array {
  const bytes = from.take(n * width);
  const joined = new Uint8Array(n * width);
  for (let k = 0; k < width; k++) for (let i = 0; i < n; i++) joined[i * width + k] = bytes[k * n + i];
  return joined;
}
