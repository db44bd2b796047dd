import { crc32, deflateSync } from 'node:zlib';

/**
 * Pixels as a data URI of a PNG file, for images inside an SVG.
 *
 * @param rgb red, green and blue of each pixel, row by row, 0 to 255
 */
export function pngUri(rgb: Uint8Array, width: number, height: number): string {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB, deflate, no interlace
  const rows = Buffer.alloc(height * (1 + 3 * width)); // each row starts with its filter: 0, none
  for (let y = 0; y < height; y++) rows.set(rgb.subarray(y * 3 * width, (y + 1) * 3 * width), y * (1 + 3 * width) + 1);
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  const file = [signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND')];
  return `data:image/png;base64,${Buffer.concat(file).toString('base64')}`;
}

function chunk(type: string, data: Buffer = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}
