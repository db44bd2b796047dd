import { MAX_RECORD } from './read-csv.js';

export const QUOTE = 34;
export const [LF, CR] = [10, 13];
const SPACE = 32;

/** More bytes than any record has, which are counted in pieces. */
const BEYOND_RECORDS = MAX_RECORD + 2 ** 19;

/** How a CSV file is written. */
export interface CsvStyle {
  readonly separator: Buffer;
  /** Cells of a record. */
  readonly columns: number;
  /** Whether no cell holds a line end, as no number does. */
  readonly isPlain: boolean;
}

/**
 * How many bytes of a line end stand at a place: of LF, CR LF or CR, whatever ended the lines before; 0 for none. Of a CR that is the
 * last byte it cannot be told.
 */
export const lineEnd = (bytes: Buffer, at: number): number =>
  bytes[at] === LF ? 1 : bytes[at] !== CR ? 0 : bytes[at + 1] === LF ? 2 : 1;

/** Of a file that begins so, the first record and what stands before it; nothing where more bytes are needed. */
export function firstRecord(
  bytes: Buffer,
  isAll: boolean,
  separator: Buffer,
): { length: number; columns: number } | undefined {
  let [begin, columns, isQuoted] = [0, 1, false];
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) isQuoted = !isQuoted;
    if (isQuoted) continue;
    if (isAt(separator, bytes, at)) columns++;
    const end = lineEnd(bytes, at);
    if (end === 0) continue;
    if (byte === CR && at + 1 === bytes.length && !isAll) return undefined;
    const line = bytes.toString('utf8', begin, at).replace(/^\ufeff/, '');
    at += end - 1;
    if (line.trim() !== '') return { length: at + 1, columns };
    [begin, columns] = [at + 1, 1];
  }
  return isAll ? { length: bytes.length, columns } : undefined;
}

/**
 * Whether a file may go on so behind a line end: one that ends a record, or one in a cell in quotes. No file does that is refused
 * anyway. `isAll`: whether the file ends here
 */
export function mayFollow(bytes: Buffer, isQuoted: boolean, style: CsvStyle, isAll: boolean): boolean {
  const { separator, columns, isPlain } = style;
  const n = bytes.length;
  if (isQuoted) {
    const close = bytes.indexOf(QUOTE);
    if (close < 0 && (isAll || n >= BEYOND_RECORDS)) return false; // a cell without an end
    const cell = cellOf(bytes.subarray(0, close < 0 ? n : close));
    if (isPlain && (cell.includes(LF) || cell.includes(CR))) return false;
  }
  const isEdge = (at: number) => isAt(separator, bytes, at) || lineEnd(bytes, at) > 0;
  let open = isQuoted;
  let cells = isQuoted ? Number.NaN : 1; // of a record whose beginning is before
  let [record, at] = [0, 0];
  for (;;) {
    if (!open) {
      at = pastSpace(bytes, at, isEdge);
      open = bytes[at] === QUOTE;
      if (open) at++;
    }
    if (open) {
      at = bytes.indexOf(QUOTE, at);
      if (at < 0) return !isAll;
      open = bytes[++at] === QUOTE; // two stand for one
      if (!open) at = pastSpace(bytes, at, isEdge);
      open ||= bytes[at] === QUOTE; // csv-parse takes "a" "b" where white space is trimmed
      if (open) {
        at++;
        continue;
      }
      if (at < n - 2 && !isEdge(at)) return false;
    }
    while (at < n - 2 && !isEdge(at)) if (bytes[at++] === QUOTE) return false;
    if (at >= n - 2) return true; // its last bytes may be the beginning of something
    if (isAt(separator, bytes, at)) {
      cells++;
      at += separator.length;
    } else {
      const isOther = cells !== columns && !Number.isNaN(cells);
      if (isOther && cellOf(bytes.subarray(record, at)).length > 0) return false;
      at += lineEnd(bytes, at);
      [record, cells] = [at, 1];
    }
  }
}

const isAt = (what: Buffer, bytes: Buffer, at: number): boolean =>
  bytes[at] === what[0] &&
  (what.length === 1 || (bytes[at + 1] === what[1] && (what.length === 2 || bytes[at + 2] === what[2])));

/** What may be white space, which in UTF-8 is of several bytes outside of ASCII. */
const isSpace = (byte: number): boolean => byte <= SPACE || byte > 127;

function pastSpace(bytes: Buffer, from: number, isEdge: (at: number) => boolean): number {
  let at = from;
  while (at < bytes.length && isSpace(bytes[at]) && !isEdge(at)) at++;
  return at;
}

/** Without white space at both ends. */
function cellOf(bytes: Buffer): Buffer {
  let [begin, end] = [0, bytes.length];
  while (begin < end && isSpace(bytes[begin])) begin++;
  while (end > begin && isSpace(bytes[end - 1])) end--;
  return bytes.subarray(begin, end);
}
