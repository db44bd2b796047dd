// IDX files, gzipped or not: right ones, whose values are known, damaged ones, and headers that say more than there is.
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readIdx } from '../../dist/io/idx.js';
import { attempt, damaged, isWhole } from '../fuzz-bytes.js';

export const name = 'idx';

/** By the third byte of a file: how a value is written, and in what array it comes back. */
const TYPES = {
  8: ['writeUInt8', 1, Int32Array],
  9: ['writeInt8', 1, Int32Array],
  11: ['writeInt16BE', 2, Int32Array],
  12: ['writeInt32BE', 4, Int32Array],
  13: ['writeFloatBE', 4, Float32Array],
  14: ['writeDoubleBE', 8, Float64Array],
};
const SIZES = [0, 1, 255, 2 ** 16, 2 ** 26, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

function idx(type, shape, values) {
  const [write, width] = TYPES[type];
  const bytes = Buffer.alloc(4 + 4 * shape.length + width * values.length);
  bytes[2] = type;
  bytes[3] = shape.length;
  for (const [axis, n] of shape.entries()) bytes.writeUInt32BE(n, 4 + 4 * axis);
  for (const [i, value] of values.entries()) bytes[write](value, 4 + 4 * shape.length + width * i);
  return bytes;
}

/** Another type, number of axes or size, the data as they were. */
function misstated(random, bytes, axes) {
  const out = Buffer.from(bytes);
  for (let left = random.integer(1, 2); left > 0; left--) {
    const place = random.integer(0, 4);
    if (place < 4) out[place] = random.chance(0.5) ? random.integer(0, 16) : random.bits() & 255;
    else out.writeUInt32BE(random.pick(SIZES), 4 + 4 * random.integer(0, axes - 1));
  }
  return out;
}

/** Bytes gzipped as they are, in two parts, or with damage. */
function zipped(random, bytes) {
  const kind = random.integer(0, 2);
  const cut = random.integer(0, bytes.length);
  if (kind === 0) return { gz: gzipSync(bytes), right: true };
  if (kind === 1)
    return { gz: Buffer.concat([bytes.subarray(0, cut), bytes.subarray(cut)].map(gzipSync)), right: true };
  return { gz: damaged(random, gzipSync(bytes)), right: false };
}

export async function run(random, count, report) {
  const path = join(tmpdir(), `fjordnet-fuzz-${process.pid}.idx`);
  for (let i = 0; i < count; i++) {
    const type = Number(random.pick(Object.keys(TYPES)));
    const shape = Array.from({ length: random.integer(1, 4) }, () => random.integer(random.chance(0.1) ? 0 : 1, 4));
    const size = shape.reduce((product, n) => product * n, 1);
    const values = Array.from({ length: size }, () => random.integer(0, 100));
    const whole = idx(type, shape, values);
    const kind = random.integer(0, 4);
    let bytes = whole;
    if (kind === 1) bytes = damaged(random, whole);
    else if (kind === 2) bytes = misstated(random, whole, shape.length);
    else if (kind === 3) bytes = whole.subarray(0, random.integer(0, whole.length));
    else if (kind === 4) bytes = Buffer.concat([whole, Buffer.alloc(random.integer(0, 3))]);
    let right = bytes.equals(whole);
    let content = bytes;
    if (random.chance(0.4)) {
      const { gz, right: rightly } = zipped(random, bytes);
      content = gz;
      right &&= rightly;
    }
    writeFileSync(path, content);
    const array = await attempt(report, content, () => readIdx(path));
    if (array && !isWhole(array)) report(`data that do not fit: ${array.shape} of ${content.toString('base64')}`);
    if (array && content === bytes && array.size > bytes.length)
      report(`${array.size} values of ${bytes.length} bytes`);
    if (!right) continue;
    const asWritten =
      array?.shape.join() === shape.join() &&
      array.data.constructor === TYPES[type][2] &&
      array.data.every((value, k) => value === values[k]);
    if (!asWritten) report(`refused or changed, but right: ${content.toString('base64')}`);
  }
  rmSync(path, { force: true });
}
