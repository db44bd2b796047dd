import { appendFileSync, mkdirSync, statSync, truncateSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { writeFailure } from './atomic.js';

/** The left edge, the right edge and the number of values of every bucket. */
export type Buckets = readonly (readonly [left: number, right: number, count: number])[];

export interface GraphNode {
  readonly name: string;
  /** What it does, such as 'Dense'. */
  readonly op: string;
  /** Names of the nodes before it; of an output but the first with its number, as 'lstm:1'. */
  readonly inputs: readonly string[];
  /** Of each of its outputs; -1 is the batch. */
  readonly shapes: readonly (readonly number[])[];
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * A file of events for TensorBoard, begun with the first event: records as TensorFlow's TFRecord frames them, each a
 * protocol buffer of tensorflow/core/util/event.proto. Written at once, so that TensorBoard can follow; a record that
 * could not be written whole is taken back, since readers stop at the first that is cut.
 */
export class EventFile {
  readonly #folder: string;
  #path?: string;
  #length = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  scalar(step: number, tag: string, value: number): void {
    this.#summary(step, message(text(1, tag), float(2, value)));
  }

  /** Values by bucket, as a tensor of float64 [buckets, 3]. */
  histogram(step: number, tag: string, buckets: Buckets): void {
    const values = Buffer.alloc(buckets.length * 24);
    buckets.flat().forEach((value, i) => {
      values.writeDoubleLE(value, 8 * i);
    });
    const DT_DOUBLE = 2;
    const DATA_CLASS_TENSOR = 2;
    const tensor = message(int(1, DT_DOUBLE), bytes(2, shapeOf([buckets.length, 3])), bytes(4, values));
    const metadata = message(bytes(1, text(1, 'histograms')), int(4, DATA_CLASS_TENSOR));
    this.#summary(step, message(text(1, tag), bytes(8, tensor), bytes(9, metadata)));
  }

  /** A network for TensorBoard's page of graphs: a GraphDef of one node for each layer. */
  graph(nodes: readonly GraphNode[]): void {
    const definition = nodes.map(({ name, op, inputs, shapes, attributes }) => {
      const list = bytes(1, message(...shapes.map((shape) => bytes(7, shapeOf(shape))))); // AttrValue.list.shape
      const entries = Object.entries(attributes).map(([key, value]) => [key, text(2, value)] as const);
      const attr = [...entries, ['_output_shapes', list] as const].map(([key, value]) =>
        bytes(5, message(text(1, key), bytes(2, value))),
      );
      return bytes(1, message(text(1, name), text(2, op), ...inputs.map((input) => text(3, input)), ...attr));
    });
    const versions = bytes(4, int(1, 22));
    this.#event(bytes(4, message(...definition, versions)));
  }

  #summary(step: number, value: Uint8Array): void {
    this.#event(message(int(2, step), bytes(5, bytes(1, value))));
  }

  #event(content: Uint8Array): void {
    const now = double(1, Date.now() / 1000);
    this.#path ??= this.#begin(frame(message(now, text(3, 'brain.Event:2'))));
    this.#append(this.#path, frame(message(now, content)), 'a');
  }

  /** A new file: its name tells apart seconds, machines and processes, and a number those that begin at once in one of them. */
  #begin(first: Uint8Array): string {
    try {
      mkdirSync(this.#folder, { recursive: true });
    } catch (error) {
      throw writeFailure(this.#folder, error);
    }
    const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, '0');
    for (let i = 0; ; i++) {
      const path = join(this.#folder, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${i}.v2`);
      try {
        this.#append(path, first, 'ax');
        return path;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  }

  #append(path: string, record: Uint8Array, flag: 'a' | 'ax'): void {
    try {
      appendFileSync(path, record, { flag });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') takeBack(path, this.#length);
      throw writeFailure(path, error);
    }
    this.#length += record.length;
  }
}

function takeBack(path: string, length: number): void {
  try {
    if (statSync(path).size > length) truncateSync(path, length);
  } catch {} // then the disk has more to complain of than a cut record
}

/** A TFRecord: length, its checksum, the data, their checksum. */
function frame(data: Uint8Array): Uint8Array {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(data.length));
  head.writeUInt32LE(maskedCrc32c(head.subarray(0, 8)), 8);
  const foot = Buffer.alloc(4);
  foot.writeUInt32LE(maskedCrc32c(data));
  return message(head, data, foot);
}

/** CRC-32C by Castagnoli's polynomial, reflected. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** Rotated and shifted, since a checksum of data that hold checksums is weak (TensorFlow's lib/hash/crc32c.h). */
function maskedCrc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

// The fields of protocol buffers: https://protobuf.dev/programming-guides/encoding/
const VARINT = 0;
const BITS64 = 1;
const BYTES = 2;
const BITS32 = 5;

const message = (...fields: readonly Uint8Array[]): Uint8Array => Buffer.concat(fields);
const key = (field: number, type: number) => varint((field << 3) | type);

function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  out.push(Number(rest));
  return Uint8Array.from(out);
}

const int = (field: number, value: number) => message(key(field, VARINT), varint(value));
const bytes = (field: number, value: Uint8Array) => message(key(field, BYTES), varint(value.length), value);
const text = (field: number, value: string) => bytes(field, Buffer.from(value));

function double(field: number, value: number): Uint8Array {
  const out = Buffer.alloc(8);
  out.writeDoubleLE(value);
  return message(key(field, BITS64), out);
}

function float(field: number, value: number): Uint8Array {
  const out = Buffer.alloc(4);
  out.writeFloatLE(value);
  return message(key(field, BITS32), out);
}

/** A TensorShapeProto. */
const shapeOf = (shape: readonly number[]) => message(...shape.map((size) => bytes(2, int(1, size))));
