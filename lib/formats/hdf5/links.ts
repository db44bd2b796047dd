import type { Cursor, FileBytes } from './cursor.js';
import { FractalHeap } from './fractal-heap.js';
import { MESSAGE, type Message } from './object-header.js';
import { readRecords } from './tree2.js';

/** Longer names than anyone gives: what names take in memory is bounded by how many there are. */
const LONGEST = 1024;

const text = new TextDecoder();

/** The members of a group, by their names: where their headers are. Links to other places than headers are left out. */
export function readLinks(file: FileBytes, messages: readonly Message[]): Map<string, number> {
  const links = new Map<string, number>();
  for (const { type, body } of messages) {
    if (type === MESSAGE.symbolTable) readSymbolTable(file, body, links);
    else if (type === MESSAGE.link) readLink(body, links);
    else if (type === MESSAGE.linkInfo) readDense(file, body, links);
  }
  return links;
}

function readSymbolTable(file: FileBytes, body: Cursor, links: Map<string, number>): void {
  const tree = body.u64();
  const heap = file.at(body.u64()).expect('HEAP').skip(4);
  const size = heap.u64();
  const names = file.at(heap.skip(8).u64(), size);
  const start = names.place;
  const leaf = (place: number) => {
    file.enter('symbol table', place);
    const entries = file.at(place).expect('SNOD').skip(2);
    for (let left = entries.u16(); left > 0; left--) {
      const at = entries.u64();
      const header = entries.u64();
      const kind = entries.u32();
      entries.skip(20);
      if (kind !== 2) links.set(nameAt(file, start + at, start + size), header); // 2: a name of another member
    }
  };
  const node = (place: number, level: number | undefined) => {
    file.enter('tree', place);
    const entries = file.at(place).expect('TREE');
    if (entries.u8() !== 0) throw file.wrong(`has no tree of a group at ${place}`);
    const own = entries.u8();
    if (own !== (level ?? own) || own > 16) throw file.wrong(`has a tree whose levels do not fit, at ${place}`);
    const count = entries.u16();
    entries.skip(16);
    for (let k = 0; k < count; k++) {
      const child = entries.skip(8).u64();
      if (own === 0) leaf(child);
      else node(child, own - 1);
    }
  };
  node(tree, undefined);
}

/** A name that ends with a zero. */
function nameAt(file: FileBytes, place: number, end: number): string {
  const bytes = file.slice(place, Math.max(0, Math.min(end - place, LONGEST)));
  const length = bytes.indexOf(0);
  if (length < 0) throw file.wrong(`has a name without an end, at ${place}`);
  file.spend(length);
  return text.decode(bytes.subarray(0, length));
}

function readLink(body: Cursor, links: Map<string, number>): void {
  body.skip(1);
  const flags = body.u8();
  const kind = flags & 8 ? body.u8() : 0;
  body.skip((flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0));
  const length = body.uint(2 ** (flags & 3));
  if (length > LONGEST) throw body.file.wrong(`has a name of ${length} bytes`);
  body.file.spend(length);
  const name = text.decode(body.bytes(length));
  if (kind === 0) links.set(name, body.u64());
}

/** The links of large groups of later versions. */
function readDense(file: FileBytes, body: Cursor, links: Map<string, number>): void {
  body.skip(1);
  body.skip(body.u8() & 1 ? 8 : 0);
  const heapAt = body.address();
  const treeAt = body.address();
  if (heapAt === undefined || treeAt === undefined) return;
  const heap = new FractalHeap(file, heapAt);
  for (const record of readRecords(file, treeAt, 5)) readLink(heap.object(record.skip(4)), links);
}
