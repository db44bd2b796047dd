import { endianness } from 'node:os';
import { NDArray } from '../array.js';
import { isFloat32Array, isFloat64Array, isInt32Array } from '../kind.js';
import { gunzip, isGzip, mostUnzipped } from './gzip.js';
import { allocateBytes, damaged, openRegularFile, sizes, sourceOf, swapBytes } from './read.js';

/** By the third byte of a file. */
const TYPES = {
  8: Uint8Array,
  9: Int8Array,
  11: Int16Array,
  12: Int32Array,
  13: Float32Array,
  14: Float64Array,
} as const;

/**
 * Reads an array of the IDX format, in which MNIST comes (http://yann.lecun.com/exdb/mnist/), gzipped or not. Integers
 * are int32, floats keep their precision.
 *
 * @throws Error with code ERR_FORMAT and the reason if the file is damaged or no IDX file
 */
export async function readIdx(path: string | URL): Promise<NDArray> {
  const source = sourceOf(path);
  const { file, size } = await openRegularFile(path);
  try {
    const start = new Uint8Array(2);
    await file.read(start, 0, 2, 0);
    const zipped = isGzip(start);
    const bytes = file.createReadStream({ start: 0, autoClose: false });
    return await (zipped ? collect(gunzip(bytes, source), mostUnzipped(size), source) : collect(bytes, size, source));
  } finally {
    await file.close();
  }
}

/** Reads the header, takes memory for what it says if that is at most `limit`, and fills it. */
async function collect(stream: AsyncIterable<Buffer>, limit: number, source: string): Promise<NDArray> {
  let head = Buffer.alloc(0);
  let header: Header | undefined;
  let bytes = new Uint8Array(0);
  let done = 0;
  for await (const chunk of stream) {
    let part: Uint8Array = chunk;
    if (!header) {
      head = Buffer.concat([head, chunk]);
      header = parseHeader(head, source);
      if (!header) continue;
      if (!(header.offset + header.size <= limit))
        throw damaged(source, `its shape [${sizes(header.shape)}] is larger than the file`);
      bytes = allocateBytes(header.size, source);
      part = head.subarray(header.offset);
    }
    if (done + part.length > bytes.length)
      throw damaged(source, `it goes on after the ${header.size} bytes of its data`);
    bytes.set(part, done);
    done += part.length;
  }
  if (!header) throw damaged(source, 'it is too short for an IDX file');
  if (done < header.size) throw damaged(source, `its data end after ${done} of ${header.size} bytes`);
  const type = TYPES[header.type];
  if (endianness() === 'LE') swapBytes(bytes, type.BYTES_PER_ELEMENT);
  const data = new type(bytes.buffer);
  if (isFloat32Array(data) || isFloat64Array(data) || isInt32Array(data)) return NDArray.wrap(data, header.shape);
  const integers = new Int32Array(allocateBytes(4 * data.length, source).buffer);
  integers.set(data);
  return NDArray.wrap(integers, header.shape);
}

interface Header {
  readonly type: keyof typeof TYPES;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
}

/** Nothing where the bytes end within the header. */
function parseHeader(bytes: Buffer, source: string): Header | undefined {
  if (bytes.length < 4) return undefined;
  const [zero, zeroToo, type, dimensions] = bytes;
  if (zero !== 0 || zeroToo !== 0 || !(type in TYPES) || dimensions === 0) throw damaged(source, 'it is no IDX file');
  const offset = 4 + 4 * dimensions;
  if (bytes.length < offset) return undefined;
  const shape = Array.from({ length: dimensions }, (_, axis) => bytes.readUInt32BE(4 + 4 * axis));
  const { BYTES_PER_ELEMENT } = TYPES[type as Header['type']];
  const size = shape.reduce((product, n) => product * n, BYTES_PER_ELEMENT);
  return { type: type as Header['type'], shape, offset, size };
}
