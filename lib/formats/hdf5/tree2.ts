import type { Cursor, FileBytes } from './cursor.js';

/** Bytes that it takes to write numbers up to this. */
export const widthOf = (limit: number): number => Math.floor(Math.log2(Math.max(1, limit)) / 8) + 1;

/** All records of a B-tree of version 2, of a kind (5: links by name, 8: attributes by name, 1: large objects). */
export function readRecords(file: FileBytes, place: number, kind: number): Cursor[] {
  const head = file.at(place).expect('BTHD').skip(1);
  if (head.u8() !== kind) throw file.wrong(`has another tree than it says, at ${place}`);
  const nodeSize = head.u32();
  const recordSize = head.u16();
  const depth = head.u16();
  const root = head.skip(2).address();
  const rootCount = head.u16();
  if (root === undefined || rootCount === 0) return [];
  if (depth > 16 || recordSize === 0) throw file.wrong(`has a tree of depth ${depth}, at ${place}`);

  // how the numbers of records are written: by how many there can be
  const most = [Math.floor((nodeSize - 10) / recordSize)];
  const countWidth = widthOf(most[0]);
  const totals = [most[0]];
  const totalWidths = [0];
  for (let level = 1; level <= depth; level++) {
    const pointer = 8 + countWidth + totalWidths[level - 1];
    most[level] = Math.floor((nodeSize - 10 - pointer) / (recordSize + pointer));
    totals[level] = (most[level] + 1) * totals[level - 1] + most[level];
    totalWidths[level] = widthOf(totals[level]);
  }

  const records: Cursor[] = [];
  const node = (at: number, count: number, level: number) => {
    file.enter('tree', at);
    const own = file
      .at(at)
      .expect(level === 0 ? 'BTLF' : 'BTIN')
      .skip(2);
    for (let k = 0; k < count; k++) records.push(own.part(recordSize));
    if (level === 0) return;
    for (let k = 0; k <= count; k++) {
      const child = own.u64();
      const children = own.uint(countWidth);
      own.skip(totalWidths[level - 1]);
      node(child, children, level - 1);
    }
  };
  node(root, rootCount, depth);
  return records;
}
