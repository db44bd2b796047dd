import type { Cursor, FileBytes } from './cursor.js';

export const MESSAGE = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const;

export interface Message {
  readonly type: number;
  /** Of what another object holds; only a few kinds may be so, and none that are read here are. */
  readonly isShared: boolean;
  readonly body: Cursor;
}

/** The messages of an object, of either version of its header. */
export function readObjectHeader(file: FileBytes, place: number): Message[] {
  file.forget();
  file.enter('header', place);
  return file.at(place).u8() === 1 ? ofVersion1(file, place) : ofVersion2(file, place);
}

function ofVersion1(file: FileBytes, place: number): Message[] {
  const start = file.at(place).skip(2);
  const count = start.u16();
  const size = start.skip(4).u32();
  const messages: Message[] = [];
  const blocks = [start.skip(4).part(size)];
  for (let block = blocks.shift(); block; block = blocks.shift())
    while (messages.length < count && block.left >= 8) {
      const type = block.u16();
      const size = block.u16();
      const flags = block.u8();
      const message = { type, isShared: (flags & 2) !== 0, body: block.skip(3).part(size) };
      messages.push(message);
      if (type === MESSAGE.continuation) blocks.push(continued(file, message.body));
    }
  return messages;
}

function ofVersion2(file: FileBytes, place: number): Message[] {
  const start = file.at(place).expect('OHDR');
  if (start.u8() !== 2) throw file.wrong(`has no object header of version 1 or 2 at ${place}`);
  const flags = start.u8();
  start.skip((flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0));
  const messages: Message[] = [];
  const blocks = [start.part(start.uint(2 ** (flags & 3)))];
  for (let block = blocks.shift(); block; block = blocks.shift())
    while (block.left >= 4) {
      const type = block.u8();
      const size = block.u16();
      const own = block.u8();
      if (flags & 4 && block.left >= 2) block.skip(2);
      if (size > block.left) break; // a gap
      const message = { type, isShared: (own & 2) !== 0, body: block.part(size) };
      messages.push(message);
      if (type !== MESSAGE.continuation) continue;
      const next = continued(file, message.body);
      next.expect('OCHK');
      if (next.left < 4) throw file.wrong(`ends within a header, at ${next.place}`);
      blocks.push(next.part(next.left - 4));
    }
  return messages;
}

function continued(file: FileBytes, body: Cursor): Cursor {
  const place = body.u64();
  file.enter('header', place);
  return file.at(place, body.u64());
}
