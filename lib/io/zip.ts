import { zlib } from '../builtins.js';
import { allocateBytes, damaged, type Positioned, quoted, readFully } from './read.js';

/** A file in a ZIP file, as the central directory describes it. */
export interface ZipEntry {
  readonly name: string;
  readonly method: 'stored' | 'deflated';
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  /** Where its local header begins. */
  readonly begin: number;
  /** Where the next entry or the directory begins. */
  readonly limit: number;
}

const END = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT = 0xffff;
const END64 = 0x06064b50;
const END64_BYTES = 56;
const LOCATOR64 = 0x07064b50;
const LOCATOR64_BYTES = 20;
const DIRECTORY = 0x02014b50;
const DIRECTORY_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
/** A field of this value stands in the zip64 records. */
const NONE32 = 0xffffffff;
const NONE16 = 0xffff;
const ENCRYPTED = 0x2041; // flags 0, 6 and 13
const SIZES_FOLLOW = 0x0008;
const UTF8 = 0x0800;
const METHODS: Readonly<Record<number, ZipEntry['method']>> = { 0: 'stored', 8: 'deflated' };
/** Deflate makes nothing smaller than this: 258 bytes from 2 bits. */
const DEFLATE_RATIO = 1032;
/** Bytes between two turns of the event loop. */
const PIECE = 2 ** 20;

/**
 * The entries of a ZIP file (PKWARE's APPNOTE 6.3, with zip64), in the order of its directory. Whatever the file declares
 * is held against its own size: the entries lie one behind the other, no two share a byte, and none is larger than
 * deflate can make it. So reading all of them takes at most 1,032 times the file's size.
 *
 * @throws Error with code ERR_FORMAT and the reason
 */
export async function readZipDirectory(file: Positioned, size: number, source: string): Promise<ZipEntry[]> {
  const wrong = (reason: string) => damaged(source, reason);
  const tail = Buffer.alloc(Math.min(size, LOCATOR64_BYTES + END_BYTES + MAX_COMMENT));
  const tailAt = size - tail.length;
  await readFully(file, tail, tailAt, source);
  const at = findEnd(tail);
  if (at < 0) throw wrong('it is no ZIP file, or its end is missing');
  let count = tail.readUInt16LE(at + 10);
  let length = tail.readUInt32LE(at + 12);
  let begin = tail.readUInt32LE(at + 16);
  let end = tailAt + at; // of the directory
  const disks = [tail.readUInt16LE(at + 4), tail.readUInt16LE(at + 6), tail.readUInt16LE(at + 8) - count];
  if (disks.some((n) => n !== 0)) throw wrong('it is one part of a ZIP file of several');

  const locator = at - LOCATOR64_BYTES;
  if (locator >= 0 && tail.readUInt32LE(locator) === LOCATOR64) {
    end = Number(tail.readBigUInt64LE(locator + 8));
    if (end !== tailAt + locator - END64_BYTES) throw wrong('its zip64 record does not lie behind its directory');
    const record = Buffer.alloc(END64_BYTES);
    await readFully(file, record, end, source);
    if (record.readUInt32LE(0) !== END64) throw wrong('it has no zip64 record where there is to be one');
    const field = (name: string, plain: number, none: number, offset: number) => {
      const value = Number(record.readBigUInt64LE(offset));
      if (plain !== none && plain !== value) throw wrong(`it gives two different ${name} of its directory`);
      return value;
    };
    count = field('counts', count, NONE16, 32);
    length = field('lengths', length, NONE32, 40);
    begin = field('places', begin, NONE32, 48);
  }
  if (begin + length !== end) throw wrong('its directory does not lie where it says');
  if (count * DIRECTORY_BYTES > length)
    throw wrong(`its directory would have ${count} entries in ${length} bytes, too few for them`);
  const directory = allocateBytes(length, source);
  await readFully(file, directory, begin, source);
  return parseDirectory(Buffer.from(directory.buffer), count, begin, wrong);
}

/** The end record is the one whose comment ends with the file. */
function findEnd(tail: Buffer): number {
  for (let at = tail.length - END_BYTES; at >= 0; at--)
    if (tail.readUInt32LE(at) === END && at + END_BYTES + tail.readUInt16LE(at + 20) === tail.length) return at;
  return -1;
}

function parseDirectory(bytes: Buffer, count: number, end: number, wrong: (reason: string) => Error): ZipEntry[] {
  const entries: Omit<ZipEntry, 'limit'>[] = [];
  const names = new Set<string>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + DIRECTORY_BYTES > bytes.length || bytes.readUInt32LE(at) !== DIRECTORY)
      throw wrong(`its directory has ${i} entries, not ${count}`);
    const nameEnd = at + DIRECTORY_BYTES + bytes.readUInt16LE(at + 28);
    const extraEnd = nameEnd + bytes.readUInt16LE(at + 30);
    const next = extraEnd + bytes.readUInt16LE(at + 32);
    if (next > bytes.length) throw wrong('its directory ends within an entry');
    const flags = bytes.readUInt16LE(at + 8);
    const name = nameOf(bytes.subarray(at + DIRECTORY_BYTES, nameEnd), flags, wrong);
    if (names.has(name)) throw wrong(`its entry ${quoted(name)} occurs twice`);
    names.add(name);
    if (flags & ENCRYPTED) throw wrong(`its entry ${quoted(name)} is encrypted`);
    const code = bytes.readUInt16LE(at + 10);
    const method = METHODS[code];
    if (!method)
      throw wrong(`its entry ${quoted(name)} is compressed by method ${code}, not stored (0) or deflated (8)`);
    const plain = [24, 20, 42].map((offset) => bytes.readUInt32LE(at + offset));
    const [size, compressedSize, begin] = zip64Fields(plain, bytes.subarray(nameEnd, extraEnd), name, wrong);
    if (method === 'stored' ? size !== compressedSize : size > DEFLATE_RATIO * compressedSize)
      throw wrong(`its entry ${quoted(name)} would be ${size} bytes long, of ${compressedSize} in the file`);
    entries.push({ name, method, crc: bytes.readUInt32LE(at + 16), compressedSize, size, begin });
    at = next;
  }
  if (at !== bytes.length) throw wrong(`its directory has ${bytes.length - at} bytes behind its last entry`);

  const limits = new Map<string, number>();
  let limit = end;
  for (const { name, begin, compressedSize } of [...entries].sort((a, b) => b.begin - a.begin)) {
    if (begin + LOCAL_BYTES + compressedSize > limit)
      throw wrong(`its entry ${quoted(name)} overlaps what follows, or ends beyond the directory`);
    limits.set(name, limit);
    limit = begin;
  }
  return entries.map((entry) => ({ ...entry, limit: limits.get(entry.name) as number }));
}

function nameOf(bytes: Buffer, flags: number, wrong: (reason: string) => Error): string {
  const name = bytes.toString('utf8');
  const exact = flags & UTF8 ? Buffer.from(name).equals(bytes) : bytes.every((byte) => byte < 128);
  if (!exact) throw wrong(`it has an entry whose name is ${flags & UTF8 ? 'no UTF-8' : 'neither ASCII nor UTF-8'}`);
  return name;
}

/** Size, compressed size and place: those that do not fit into 32 bits are in the extra field 1, in this order. */
function zip64Fields(
  plain: readonly number[],
  extra: Buffer,
  name: string,
  wrong: (reason: string) => Error,
): readonly number[] {
  if (!plain.includes(NONE32)) return plain;
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    const field = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
    let used = 0;
    if (field.length >= 8 * plain.filter((value) => value === NONE32).length)
      return plain.map((value) => (value === NONE32 ? Number(field.readBigUInt64LE(8 * used++)) : value));
  }
  throw wrong(`its entry ${quoted(name)} has no zip64 sizes`);
}

/**
 * The content of an entry, its checksum compared.
 *
 * @throws Error with code ERR_FORMAT and the reason; ERR_MEMORY if it does not fit into memory
 */
export async function readZipEntry(
  file: Positioned,
  entry: ZipEntry,
  source: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const { name, method, compressedSize, size, begin, limit } = entry;
  const wrong = (reason: string) => damaged(source, `its entry ${quoted(name)} ${reason}`);
  const local = Buffer.alloc(LOCAL_BYTES);
  await readFully(file, local, begin, source);
  if (local.readUInt32LE(0) !== LOCAL) throw wrong('does not begin where the directory says');
  const nameLength = local.readUInt16LE(26);
  const start = begin + LOCAL_BYTES + nameLength + local.readUInt16LE(28);
  if (start + compressedSize > limit) throw wrong('overlaps what follows, or ends beyond the directory');
  const ownName = Buffer.alloc(nameLength);
  await readFully(file, ownName, begin + LOCAL_BYTES, source);
  const sameCrc = (local.readUInt16LE(6) & SIZES_FOLLOW) !== 0 || local.readUInt32LE(14) === entry.crc;
  if (ownName.toString('utf8') !== name || METHODS[local.readUInt16LE(8)] !== method || !sameCrc)
    throw wrong('is described in two ways, at its place and in the directory');

  const { crc32 } = zlib();
  const content = allocateBytes(size, source);
  let crc = 0;
  let done = 0;
  const take = (piece: Uint8Array) => {
    if (done + piece.length > size) throw wrong(`is longer than its ${size} bytes`);
    content.set(piece, done);
    crc = crc32(piece, crc);
    done += piece.length;
  };
  if (method === 'stored') {
    const piece = new Uint8Array(Math.min(size, PIECE));
    while (done < size) {
      const part = piece.subarray(0, Math.min(size - done, PIECE));
      await readFully(file, part, start + done, source);
      take(part);
    }
  } else {
    const compressed = allocateBytes(compressedSize, source);
    await readFully(file, compressed, start, source);
    await inflate(compressed, take, wrong);
  }
  if (done !== size) throw wrong(`has ${done} bytes, not ${size}`);
  if (crc !== entry.crc) throw wrong('is damaged: its checksum (CRC-32) is another');
  return content;
}

/** Inflates on Node's thread pool, piece by piece, until `take` throws. */
async function inflate(
  compressed: Uint8Array,
  take: (piece: Uint8Array) => void,
  wrong: (reason: string) => Error,
): Promise<void> {
  const inflater = zlib().createInflateRaw({ chunkSize: PIECE });
  const failed = () => wrong('is damaged: its deflated bytes are not valid');
  inflater.on('error', () => {}); // it is thrown by the iterator
  inflater.end(compressed);
  try {
    for await (const piece of inflater) take(piece);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code?.startsWith('Z_') ? failed() : error;
  }
  if (inflater.bytesWritten !== compressed.length) throw failed();
}
