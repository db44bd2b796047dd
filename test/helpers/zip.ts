import { crc32, deflateRawSync } from 'node:zlib';

/** A file for a ZIP file, and what its headers are to say instead of the truth. */
export interface Zipped {
  name: string;
  content: Uint8Array;
  deflate?: boolean;
  /** The bytes in the file, where they are not what becomes of `content`. */
  body?: Uint8Array;
  directory?: Partial<Record<'flags' | 'method' | 'crc' | 'compressedSize' | 'size' | 'begin', number>>;
  local?: Partial<Record<'flags' | 'method' | 'crc', number>> & { name?: string };
  /** Extra fields of the directory. */
  extra?: Uint8Array;
}

/** The sizes and the place of an entry as zip64 gives them. */
export function zip64Extra(...fields: (number | bigint)[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * fields.length);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(8 * fields.length, 2);
  for (const [i, value] of fields.entries()) extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i);
  return extra;
}

/** A ZIP file as PKWARE's APPNOTE has it, byte by byte, so that any of it may be wrong. */
export function zip(
  files: readonly Zipped[],
  end: { count?: number | bigint; length?: number; begin?: number; zip64?: boolean; comment?: string } = {},
): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, content, deflate = false, body, directory: said = {}, local: saidThere = {}, extra } of files) {
    const data = body ?? (deflate ? deflateRawSync(content) : content);
    const truth = { flags: 0, method: deflate ? 8 : 0, crc: crc32(content) };
    const there = { name, ...truth, ...saidThere };
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(there.flags, 6);
    local.writeUInt16LE(there.method, 8);
    local.writeUInt32LE(there.crc, 14);
    local.writeUInt32LE(data.length, 18);
    local.writeUInt32LE(content.length, 22);
    local.writeUInt16LE(Buffer.byteLength(there.name), 26);
    const entry = Buffer.alloc(46);
    const here = { ...truth, compressedSize: data.length, size: content.length, begin: at, ...said };
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(here.flags, 8);
    entry.writeUInt16LE(here.method, 10);
    entry.writeUInt32LE(here.crc, 16);
    entry.writeUInt32LE(here.compressedSize, 20);
    entry.writeUInt32LE(here.size, 24);
    entry.writeUInt16LE(Buffer.byteLength(name), 28);
    entry.writeUInt16LE(extra?.length ?? 0, 30);
    entry.writeUInt32LE(here.begin, 42);
    bodies.push(local, Buffer.from(there.name), Buffer.from(data));
    directory.push(entry, Buffer.from(name), Buffer.from(extra ?? []));
    at += local.length + Buffer.byteLength(there.name) + data.length;
  }
  const bytes = Buffer.concat(directory);
  const count = BigInt(end.count ?? files.length);
  const { length = bytes.length, begin = at, comment = '' } = end;
  const tail = Buffer.alloc(22);
  tail.writeUInt32LE(0x06054b50, 0);
  tail.writeUInt16LE(end.zip64 ? 0xffff : Number(count), 8);
  tail.writeUInt16LE(end.zip64 ? 0xffff : Number(count), 10);
  tail.writeUInt32LE(length, 12);
  tail.writeUInt32LE(end.zip64 ? 0xffffffff : begin, 16);
  tail.writeUInt16LE(comment.length, 20);
  const records = [tail, Buffer.from(comment)];
  if (end.zip64) {
    const record = Buffer.alloc(56);
    record.writeUInt32LE(0x06064b50, 0);
    record.writeBigUInt64LE(44n, 4);
    record.writeBigUInt64LE(count, 24);
    record.writeBigUInt64LE(count, 32);
    record.writeBigUInt64LE(BigInt(length), 40);
    record.writeBigUInt64LE(BigInt(begin), 48);
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50, 0);
    locator.writeBigUInt64LE(BigInt(at + bytes.length), 8);
    locator.writeUInt32LE(1, 16);
    records.unshift(record, locator);
  }
  return Buffer.concat([...bodies, bytes, ...records]);
}
