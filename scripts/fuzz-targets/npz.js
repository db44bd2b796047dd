// NPZ files: damaged ones, whose arrays must be refused or right, since their checksums tell; and ZIP records with numbers
// at the edge of something.
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { readNpz } from '../../dist/io/npy.js';
import { attempt, damaged, isSame, isWhole, writeWord } from '../fuzz-bytes.js';
import { npy } from './npy.js';

export const name = 'npz';

const SIGNATURES = [0x04034b50, 0x02014b50, 0x06054b50, 0x06064b50, 0x07064b50];

function record(length, fields) {
  const bytes = Buffer.alloc(length);
  for (const [at, value, width = 4] of fields) {
    if (width === 2) bytes.writeUInt16LE(value, at);
    else if (width === 4) bytes.writeUInt32LE(value, at);
    else bytes.writeBigUInt64LE(BigInt(value), at);
  }
  return bytes;
}

/** A right ZIP file. */
function zip(random, entries) {
  const parts = [];
  const directory = [];
  const zip64 = random.chance(0.4);
  let at = 0;
  for (const { name, content } of entries) {
    const method = random.pick([0, 8]);
    const body = method === 8 ? deflateRawSync(content) : content;
    const flags = random.chance(0.2) ? 8 : 0;
    const crc = crc32(content);
    const common = (offset) => [
      [offset, flags, 2],
      [offset + 2, method, 2],
      [offset + 8, crc],
      [offset + 12, body.length],
      [offset + 16, content.length],
      [offset + 20, name.length, 2],
    ];
    parts.push(record(30, [[0, SIGNATURES[0]], ...common(6)]), Buffer.from(name), body);
    directory.push(record(46, [[0, SIGNATURES[1]], ...common(8), [42, at]]), Buffer.from(name));
    at += 30 + name.length + body.length;
  }
  const listed = Buffer.concat(directory);
  const n = entries.length;
  const end = at + listed.length;
  const wide = [
    record(56, [
      [0, SIGNATURES[3]],
      [4, 44, 8],
      [24, n, 8],
      [32, n, 8],
      [40, listed.length, 8],
      [48, at, 8],
    ]),
    record(20, [
      [0, SIGNATURES[4]],
      [8, end, 8],
      [16, 1],
    ]),
    record(22, [
      [0, SIGNATURES[2]],
      [8, 0xffff, 2],
      [10, 0xffff, 2],
      [12, 0xffffffff],
      [16, 0xffffffff],
    ]),
  ];
  const plain = record(22, [
    [0, SIGNATURES[2]],
    [8, n, 2],
    [10, n, 2],
    [12, listed.length],
    [16, at],
  ]);
  return Buffer.concat([...parts, listed, ...(zip64 ? wide : [plain])]);
}

/** Numbers at the edge in one of the records. */
function rewritten(random, bytes) {
  const out = Buffer.from(bytes);
  const places = [];
  for (let at = 0; at + 4 <= out.length; at++) if (SIGNATURES.includes(out.readUInt32LE(at))) places.push(at);
  for (let left = random.integer(1, 3); left > 0; left--)
    writeWord(random, out, Math.min(out.length - 2, random.pick(places) + random.integer(2, 52)));
  return out;
}

/** The entries in another order or place: bodies that are shared, or lie within others. */
function nested(random, entries) {
  const inner = zip(random, entries);
  return zip(random, [{ name: 'inner.npy', content: inner }, ...entries]);
}

export async function run(random, count, report) {
  const path = join(tmpdir(), `fjordnet-fuzz-${process.pid}.npz`);
  for (let i = 0; i < count; i++) {
    const values = Float64Array.from({ length: random.integer(0, 40) }, () => random.integer(0, 9));
    const shape = [values.length];
    const header = `{'descr': '<f8', 'fortran_order': False, 'shape': (${values.length},), }`;
    const arrays = new Map(['a', 'b', 'c'].slice(0, random.integer(0, 3)).map((key) => [key, { shape, data: values }]));
    const content = npy(header, Buffer.from(values.buffer));
    const entries = [...arrays.keys()].map((key) => ({ name: `${key}.npy`, content }));
    const whole = zip(random, entries);
    const kind = random.integer(0, 4);
    let bytes = whole;
    if (kind === 1) bytes = damaged(random, whole);
    else if (kind === 2) bytes = rewritten(random, whole);
    else if (kind === 3) bytes = rewritten(random, nested(random, entries));
    else if (kind === 4) bytes = damaged(random, whole.subarray(random.integer(0, whole.length)));
    writeFileSync(path, bytes);
    const read = await attempt(report, bytes, () => readNpz(path), 1100);
    if (kind === 0 && read?.size !== arrays.size) report(`refused, but right: ${bytes.toString('base64')}`);
    for (const [key, array] of read ?? []) {
      if (!isWhole(array)) report(`data that do not fit: ${array.shape} of ${bytes.toString('base64')}`);
      if (!arrays.has(key) || !isSame(array, arrays.get(key)))
        report(`another array '${key}', and no error: ${bytes.toString('base64')}`);
    }
  }
  rmSync(path, { force: true });
}
