import { joinStreams, readDelta, readDeltaBytes, readDeltaLengths, readHybrid } from './parquet-encodings.js';
import type { ColumnType, Raw, Values } from './parquet-types.js';
import { ByteReader, CutShort } from './thrift.js';

/**
 * n values, none of which is missing, in an encoding of Parquet's.
 * @param dictionary what the numbers of entries stand for
 * @param most the bytes that texts may come to, which begin as those before them
 */
export function readValues(
  from: ByteReader,
  encoding: number,
  n: number,
  column: ColumnType,
  dictionary: Values | undefined,
  most: number,
): Values {
  const { type, type_length } = column.element;
  if (encoding === PLAIN_DICTIONARY || encoding === RLE_DICTIONARY) return entries(from, n, dictionary);
  if (encoding === PLAIN || n === 0) return readPlain(from, n, column);
  if (encoding === RLE && type === 'BOOLEAN') {
    from.uint32(); // how many bytes follow
    return Array.from(readHybrid(from, 1, n), Boolean);
  }
  if (encoding === DELTA && type === 'INT64') return column.convert(readDelta(from, n));
  if (encoding === DELTA && type === 'INT32')
    return column.convert(Float64Array.from(readDelta(from, n), (value) => Number(BigInt.asIntN(32, value))));
  if (encoding === DELTA_LENGTH && type === 'BYTE_ARRAY') return inPieces(n, readDeltaLengths(from, n), column);
  if (encoding === DELTA_BYTES && /BYTE_ARRAY$/.test(type ?? ''))
    return inPieces(n, readDeltaBytes(from, n, most), column);
  if (encoding === STREAM_SPLIT) {
    const width = WIDTHS[type ?? ''] ?? type_length;
    return readPlain(new ByteReader(joinStreams(from, n, width)), n, column);
  }
  throw new RangeError(`it is in encoding ${encoding}, which is not read`);
}

const [PLAIN, PLAIN_DICTIONARY, RLE, DELTA, DELTA_LENGTH, DELTA_BYTES, RLE_DICTIONARY, STREAM_SPLIT] = [
  0, 2, 3, 5, 6, 7, 8, 9,
];
const WIDTHS: Readonly<Record<string, number>> = { INT32: 4, FLOAT: 4, INT64: 8, DOUBLE: 8, INT96: 12 };

/** Values one after the other. */
export function readPlain(from: ByteReader, n: number, column: ColumnType): Values {
  const { type = '', type_length = 0 } = column.element;
  if (type === 'BOOLEAN') {
    const bits = from.take(Math.ceil(n / 8));
    return Array.from({ length: n }, (_, i) => ((bits[i >> 3] >> (i & 7)) & 1) === 1);
  }
  if (type === 'BYTE_ARRAY') {
    if (4 * n > from.left) throw new CutShort();
    return inPieces(n, () => from.take(from.uint32()), column);
  }
  const width = WIDTHS[type] ?? type_length;
  if (n * width > from.left) throw new CutShort();
  if (type === 'INT96' || type === 'FIXED_LEN_BYTE_ARRAY') return inPieces(n, () => from.take(width), column);
  return column.convert(numbers(from.take(n * width), n, type));
}

const PIECE = 2 ** 16;

/** n values, some at a time: the bytes of one, however few, are an array, which takes a hundred. */
function inPieces(n: number, next: () => Uint8Array, column: ColumnType): Values {
  const piece = (at: number) => column.convert(Array.from({ length: Math.min(PIECE, n - at) }, next));
  const first = piece(0);
  if (n <= PIECE) return first;
  const values = first instanceof Float64Array ? new Float64Array(n) : [];
  for (let at = 0, part = first; ; part = piece(at)) {
    for (let k = 0; k < part.length; k++) values[at + k] = part[k] as never;
    at += part.length;
    if (at === n) return values;
  }
}

function numbers(bytes: Uint8Array, n: number, type: string): Raw {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (type === 'INT64') {
    const values = new BigInt64Array(n);
    for (let i = 0; i < n; i++) values[i] = view.getBigInt64(8 * i, true);
    return values;
  }
  const values = new Float64Array(n);
  if (type === 'DOUBLE') for (let i = 0; i < n; i++) values[i] = view.getFloat64(8 * i, true);
  else if (type === 'FLOAT') for (let i = 0; i < n; i++) values[i] = view.getFloat32(4 * i, true);
  else for (let i = 0; i < n; i++) values[i] = view.getInt32(4 * i, true);
  return values;
}

function entries(from: ByteReader, n: number, dictionary: Values | undefined): Values {
  if (!dictionary) throw new RangeError('it has no dictionary');
  const places = n === 0 ? new Int32Array(0) : readHybrid(from, from.byte(), n);
  for (let i = 0; i < n; i++)
    if (!(places[i] >= 0 && places[i] < dictionary.length)) throw new RangeError('it names an entry that is none');
  if (dictionary instanceof Float64Array) {
    const values = new Float64Array(n);
    for (let i = 0; i < n; i++) values[i] = dictionary[places[i]];
    return values;
  }
  return Array.from(places, (place) => dictionary[place]) as Values;
}

/** Puts values into the places of those that are there: `levels` is 1 for each of these, else 0. */
export function spread(values: Values, levels: Int32Array): Values {
  const n = levels.length;
  let at = 0;
  if (values instanceof Float64Array) {
    const whole = new Float64Array(n);
    for (let i = 0; i < n; i++) whole[i] = levels[i] ? values[at++] : Number.NaN;
    return whole;
  }
  return Array.from(levels, (level) => (level ? values[at++] : null)) as Values;
}
