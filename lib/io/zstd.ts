import { ByteReader } from './thrift.js';

/** The most that a block holds (RFC 8878), and that compressors keep in memory of what they wrote. */
const BLOCK = 2 ** 17;
const WINDOW = 2 ** 27;

/**
 * Looks at the sizes in Zstandard frames, as what unzips them takes them at their word.
 * @param length what they should hold
 * @param most what their blocks may hold at most
 */
export function checkZstd(bytes: Uint8Array, length: number, most: number): void {
  const from = new ByteReader(bytes);
  let blocks = 0;
  while (from.left > 0) {
    if (from.uint32() !== 0xfd2fb528) throw new RangeError('its Zstandard is damaged');
    const flags = from.byte();
    const isSingle = (flags & 32) > 0;
    const window = isSingle ? 0 : windowOf(from.byte());
    from.take([0, 1, 2, 4][flags & 3]); // a dictionary
    const width = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6];
    const content = from.take(width).reduceRight((value, byte) => 256 * value + byte, 0) + (width === 2 ? 256 : 0);
    if (window > WINDOW || content > length) throw new RangeError('it unzips to more than it says');
    for (let isLast = false; !isLast; ) {
      const [a, b, c] = from.take(3);
      isLast = (a & 1) === 1;
      const isRun = ((a >> 1) & 3) === 1;
      from.take(isRun ? 1 : (a >> 3) | (b << 5) | (c << 13));
      blocks++;
    }
    if (flags & 4) from.take(4); // a check sum
  }
  if (BLOCK * blocks > Math.max(most, length + BLOCK)) throw new RangeError('it unzips to more than it says');
}

const windowOf = (byte: number) => 2 ** (10 + (byte >> 3)) * (1 + (byte & 7) / 8);
