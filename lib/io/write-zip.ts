import { zlib } from '../builtins.js';

const LOCAL = 0x04034b50;
const DIRECTORY = 0x02014b50;
const END = 0x06054b50;
/** ZIP's dates begin in 1980: 1 January, the same in every file, so that equal content gives equal files. */
const DATE = 0x0021;
const UTF8 = 0x0800;
const MOST = 2 ** 32 - 1;

/**
 * A ZIP file (PKWARE's APPNOTE 6.3) of files that are stored as they are, in parts; contents are not copied.
 * @throws RangeError for more than 4 GiB
 */
export function formatZip(files: readonly (readonly [name: string, content: readonly Uint8Array[]])[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  const { crc32 } = zlib();
  for (const [name, content] of files) {
    const title = Buffer.from(name);
    const size = content.reduce((sum, part) => sum + part.length, 0);
    const end = at + 30 + title.length + size;
    if (end > MOST) throw new RangeError(`Expected at most 4 GiB, which is what ZIP files hold, got ${end} bytes`);
    const crc = content.reduce((sum, part) => crc32(part, sum), 0);
    const common = (record: Buffer, offset: number) => {
      record.writeUInt16LE(20, offset);
      record.writeUInt16LE(UTF8, offset + 2);
      record.writeUInt16LE(DATE, offset + 8);
      record.writeUInt32LE(crc, offset + 10);
      record.writeUInt32LE(size, offset + 14);
      record.writeUInt32LE(size, offset + 18);
      record.writeUInt16LE(title.length, offset + 22);
    };
    const local = Buffer.alloc(30);
    local.writeUInt32LE(LOCAL);
    common(local, 4);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(DIRECTORY);
    entry.writeUInt16LE(20, 4);
    common(entry, 6);
    entry.writeUInt32LE(at, 42);
    parts.push(local, title, ...content);
    directory.push(entry, title);
    at = end;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(length, 12);
  end.writeUInt32LE(at, 16);
  return [...parts, ...directory, end];
}
