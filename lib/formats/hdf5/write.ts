import { isFloat32Array, isFloat64Array, isInt32Array } from '../../kind.js';
import { Bytes } from './bytes.js';
import { SIGNATURE } from './signature.js';
import { StringHeaps } from './write-strings.js';

/** A string, or a list of them. */
export type AttributeValue = string | readonly string[];

/** What a file holds. Names are not empty, and hold no '/'. */
export interface GroupOut {
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly members: ReadonlyMap<string, GroupOut | DatasetOut>;
}

export interface DatasetOut {
  readonly shape: readonly number[];
  /** BigInt64Array: whole numbers of 64 bits */
  readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array;
}

const isDataset = (member: GroupOut | DatasetOut): member is DatasetOut => 'data' in member;

const NONE = 0xffff_ffff_ffff_ffffn;
const SUPERBLOCK_BYTES = 96;
/** HDF5's own numbers: a leaf holds twice the first many members, a node of the tree above twice the second many leaves. */
const LEAF = 4;
const INTERNAL = 16;
const LEAF_BYTES = 8 + 2 * LEAF * 40;
const NODE_BYTES = 24 + 8 * (4 * INTERNAL + 1);

const text = new TextEncoder();

/**
 * A file of HDF5 (version 0 of its superblock, which all readers know: the HDF5 File Format Specification 3.0), in parts: groups
 * by symbol tables, datasets in one piece, attributes of strings. Numbers are not copied.
 */
export function formatHdf5(root: GroupOut): Uint8Array[] {
  const writer = new Writer(root);
  const { header, tree, heap } = writer.group(root);
  return writer.finish(header, tree, heap);
}

interface Placed {
  readonly header: number;
  readonly tree: number;
  readonly heap: number;
}

class Writer {
  readonly #parts: Uint8Array[] = [];
  #at = SUPERBLOCK_BYTES;
  readonly #strings: StringHeaps;

  constructor(root: GroupOut) {
    this.#strings = new StringHeaps(this.#at);
    const collect = ({ attributes = {}, members }: GroupOut) => {
      for (const value of Object.values(attributes)) for (const string of [value].flat()) this.#strings.add(string);
      for (const member of members.values()) if (!isDataset(member)) collect(member);
    };
    collect(root);
    for (const heap of this.#strings.formatted()) this.#place(heap);
  }

  group({ attributes = {}, members }: GroupOut): Placed {
    const names = [...members.keys()].map((name) => ({ name, bytes: text.encode(name) }));
    names.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
    const entries: { header: number; nameAt: number; placed?: Placed }[] = [];
    const heap = new Bytes();
    heap.zeros(8); // the empty name, which keys of the tree begin with
    for (const { name, bytes } of names) {
      const member = members.get(name) as GroupOut | DatasetOut;
      const placed = isDataset(member) ? undefined : this.group(member);
      const header = placed ? placed.header : this.#dataset(member as DatasetOut);
      entries.push({ header, nameAt: heap.size, ...(placed && { placed }) });
      heap.bytes(bytes).zeros(8 - (bytes.length % 8));
    }
    const data = this.#place(heap.done());
    const heapAt = this.#place(new Bytes().text('HEAP').u32(0).u64(heap.size).u64(1).u64(data).done());
    const tree = this.#tree(entries);
    const messages: Message[] = [{ type: 0x11, data: new Bytes().u64(tree).u64(heapAt).done() }];
    for (const [name, value] of Object.entries(attributes))
      messages.push({ type: 0x0c, data: this.#attribute(name, value) });
    return { header: this.#place(objectHeader(messages)), tree, heap: heapAt };
  }

  /** The superblock and what was placed behind it. */
  finish(header: number, tree: number, heap: number): Uint8Array[] {
    const superblock = new Bytes()
      .bytes(Uint8Array.of(...SIGNATURE, 0, 0, 0, 0, 0, 8, 8, 0))
      .u16(LEAF)
      .u16(INTERNAL)
      .u32(0)
      .u64(0)
      .u64(NONE)
      .u64(this.#at)
      .u64(NONE)
      .u64(0)
      .u64(header)
      .u32(1)
      .u32(0)
      .u64(tree)
      .u64(heap);
    return [superblock.done(), ...this.#parts];
  }

  #place(bytes: Uint8Array): number {
    const at = this.#at;
    const rest = -bytes.length & 7;
    this.#parts.push(bytes);
    if (rest > 0) this.#parts.push(new Uint8Array(rest));
    this.#at += bytes.length + rest;
    return at;
  }

  /** A B-tree of the members, which are in the order of their names; the empty one has a node too. */
  #tree(entries: readonly { header: number; nameAt: number; placed?: Placed }[]): number {
    let level = chunks(entries, 2 * LEAF).map((own) => {
      const leaf = new Bytes().text('SNOD').u16(1).u16(own.length);
      for (const { nameAt, header, placed } of own) {
        leaf.u64(nameAt).u64(header);
        if (placed) leaf.u32(1).u32(0).u64(placed.tree).u64(placed.heap);
        else leaf.zeros(24);
      }
      return { at: this.#place(leaf.done(LEAF_BYTES)), last: own[own.length - 1].nameAt };
    });
    for (let height = 0; ; height++) {
      const nodes = level.length === 0 ? [[]] : chunks(level, 2 * INTERNAL);
      const first = this.#at;
      level = nodes.map((children, i) => {
        const before = i === 0 ? NONE : BigInt(first + (i - 1) * NODE_BYTES);
        const after = i === nodes.length - 1 ? NONE : BigInt(first + (i + 1) * NODE_BYTES);
        const key = i === 0 ? 0 : nodes[i - 1][nodes[i - 1].length - 1].last;
        const node = new Bytes().text('TREE').u8(0).u8(height).u16(children.length).u64(before).u64(after).u64(key);
        for (const { at, last } of children) node.u64(at).u64(last);
        return { at: this.#place(node.done(NODE_BYTES)), last: children[children.length - 1]?.last ?? 0 };
      });
      if (level.length === 1) return level[0].at;
    }
  }

  #dataset({ shape, data }: DatasetOut): number {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const at = this.#place(bytes);
    return this.#place(
      objectHeader([
        { type: 0x01, data: dataspace(shape) },
        { type: 0x03, data: numberType(data) },
        { type: 0x05, data: Uint8Array.of(2, 2, 2, 0) }, // no fill value
        {
          type: 0x08,
          data: new Bytes()
            .u8(3)
            .u8(1)
            .u64(bytes.length === 0 ? NONE : at)
            .u64(bytes.length)
            .done(),
        },
      ]),
    );
  }

  #attribute(name: string, value: AttributeValue): Uint8Array {
    const bytes = text.encode(name);
    const space = dataspace(typeof value === 'string' ? [] : [value.length]);
    // of any length, UTF-8, in the heap of strings
    const type = new Bytes().u8(0x19).u8(1).u8(1).u8(0).u32(16).u32(0x10).u32(1).u32(0x0008_0000).u32(0).done();
    const message = new Bytes()
      .u8(1)
      .u8(0)
      .u16(bytes.length + 1)
      .u16(20)
      .u16(space.length)
      .bytes(bytes)
      .zeros(8 - (bytes.length % 8))
      .bytes(type)
      .bytes(space);
    for (const string of [value].flat()) {
      const { length, heap, index } = this.#strings.take(string);
      message.u32(length).u64(heap).u32(index);
    }
    return message.done();
  }
}

interface Message {
  readonly type: number;
  readonly data: Uint8Array;
}

function objectHeader(messages: readonly Message[]): Uint8Array {
  const body = new Bytes();
  for (const { type, data } of messages) {
    const rest = -data.length & 7;
    body
      .u16(type)
      .u16(data.length + rest)
      .u32(0)
      .bytes(data)
      .zeros(rest);
  }
  return new Bytes().u8(1).u8(0).u16(messages.length).u32(1).u32(body.size).u32(0).bytes(body.done()).done();
}

function dataspace(shape: readonly number[]): Uint8Array {
  const space = new Bytes().u8(1).u8(shape.length).zeros(6);
  for (const n of shape) space.u64(n);
  return space.done();
}

/** Little-endian, as IEEE 754 or in two's complement. */
function numberType(data: DatasetOut['data']): Uint8Array {
  const size = data.BYTES_PER_ELEMENT;
  if (isFloat32Array(data) || isFloat64Array(data)) {
    const [exponentAt, exponent, bias] = size === 4 ? [23, 8, 127] : [52, 11, 1023];
    const type = new Bytes()
      .u8(0x11)
      .u8(0x20)
      .u8(8 * size - 1)
      .u8(0)
      .u32(size)
      .u16(0)
      .u16(8 * size);
    return type.u8(exponentAt).u8(exponent).u8(0).u8(exponentAt).u32(bias).u32(0).done();
  }
  if (!isInt32Array(data) && size !== 8) throw new TypeError('Expected numbers of 32 or 64 bits');
  return new Bytes()
    .u8(0x10)
    .u8(0x08)
    .u16(0)
    .u32(size)
    .u16(0)
    .u16(8 * size)
    .u32(0)
    .done();
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}
