import { ByteReader, CutShort } from './thrift.js';

/**
 * Undoes Snappy (https://github.com/google/snappy/blob/main/format_description.txt). hyparquet's goes back and forth for seconds, or
 * for ever, where a length in damaged bytes is negative.
 * @param length what it gives
 */
export function unsnap(bytes: Uint8Array, length: number): Uint8Array {
  const from = new ByteReader(bytes);
  if (from.varint() !== length) throw new RangeError('its Snappy is of another length');
  const out = new Uint8Array(length);
  let at = 0;
  while (from.left > 0) {
    const tag = from.byte();
    const kind = tag & 3;
    if (kind === 0) {
      const literal = (tag < 240 ? tag >> 2 : little(from, (tag >> 2) - 59)) + 1;
      if (literal > length - at) throw new RangeError('its Snappy is too long');
      out.set(from.take(literal), at);
      at += literal;
      continue;
    }
    const copied = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const back = kind === 1 ? ((tag >> 5) << 8) + from.byte() : little(from, kind === 2 ? 2 : 4);
    if (back === 0 || back > at || copied > length - at) throw new RangeError('its Snappy is damaged');
    if (back >= copied) out.copyWithin(at, at - back, at - back + copied);
    else for (let i = at; i < at + copied; i++) out[i] = out[i - back];
    at += copied;
  }
  if (at !== length) throw new CutShort();
  return out;
}

/** A number of one to four bytes, the low one first. */
function little(from: ByteReader, width: number): number {
  let value = 0;
  for (let k = 0; k < width; k++) value += from.byte() * 256 ** k;
  return value;
}
