import { normalize } from 'node:path';
import { sizeOf } from '../../graph/value.js';
import { bfloat16ToNumber, halfToNumber } from '../../io/half.js';
import { quoted, sizes } from '../../io/read.js';
import type { ImportFile } from '../import.js';
import { fields } from '../protobuf.js';
import { type Origins, originsIn } from './origins.js';

/** A tensor of the file. */
export interface TensorProto {
  readonly name: string;
  readonly shape: readonly number[];
  /** onnx.proto, TensorProto.DataType */
  readonly type: number;
  /** Integers and booleans as float64; those beyond 2^53, which mean no end, as the nearest. */
  readonly data: Float32Array | Float64Array;
  /** Of a tensor of texts, which has no data. */
  readonly strings?: readonly string[];
}

export type AttributeProto =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | TensorProto
  | GraphBody
  | undefined;

export interface NodeProto {
  readonly type: string;
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeProto>;
  readonly doc: string;
}

export interface PortProto {
  readonly name: string;
  readonly type: number;
  /** undefined for an axis of any length */
  readonly shape?: readonly (number | undefined)[];
}

/** A graph, or one within a node. */
export interface GraphBody {
  readonly nodes: readonly NodeProto[];
  readonly tensors: ReadonlyMap<string, TensorProto>;
  readonly inputs: readonly PortProto[];
  readonly outputs: readonly PortProto[];
  readonly name: string;
}

export interface GraphProto extends GraphBody {
  /** Versions by domain, '' that of ONNX itself. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producer: string;
  readonly origins: Origins;
}

export const FLOAT = 1;
export const BOOL = 9;
const FLOAT16 = 10;
const DOUBLE = 11;
const BFLOAT16 = 16;
const STRING = 8;

/** Bytes of a number, of the types that are read. */
const WIDTHS: Readonly<Record<number, number>> = {
  1: 4,
  2: 1,
  3: 1,
  4: 2,
  5: 2,
  6: 4,
  7: 8,
  9: 1,
  10: 2,
  11: 8,
  12: 4,
  13: 8,
  16: 2,
};
const NAMES: Readonly<Record<number, string>> = { 14: 'complex64', 15: 'complex128' };

/** Types of floats, which weights are of. */
export const isFloat = (type: number): boolean => [FLOAT, FLOAT16, DOUBLE, BFLOAT16].includes(type);
export const isDouble = (type: number): boolean => type === DOUBLE;

/** The least and the largest number of the integers but int64: of uint8, int8, uint16, int16, int32, uint32, uint64. */
export const RANGES: Readonly<Record<number, readonly [least: number, most: number]>> = {
  2: [0, 2 ** 8 - 1],
  3: [-(2 ** 7), 2 ** 7 - 1],
  4: [0, 2 ** 16 - 1],
  5: [-(2 ** 15), 2 ** 15 - 1],
  6: [-(2 ** 31), 2 ** 31 - 1],
  12: [0, 2 ** 32 - 1],
  13: [0, 2 ** 64],
};
const INT64 = 7;
export const isInteger = (type: number): boolean => type === INT64 || RANGES[type] !== undefined;
/** Is it of integers, and does it not hold all of int32, which ours are? */
export const isNarrow = (type: number): boolean => RANGES[type]?.[0] > -(2 ** 31);

/** The graph of a file. @throws RangeError with the reason if it is none */
export async function decodeModel(file: ImportFile): Promise<GraphProto> {
  const known = new Map<string, Promise<Uint8Array>>();
  const beside = (name: string) => {
    const place = name && normalize(name);
    const bytes = known.get(place) ?? file.beside(name);
    known.set(place, bytes);
    return bytes;
  };
  const opsets = new Map<string, number>();
  let producer = '';
  let graph: Uint8Array | undefined;
  for (const field of fields(file.bytes)) {
    if (field.number === 2) producer = field.string;
    else if (field.number === 7) graph = field.bytes;
    else if (field.number === 8) {
      const [domain, version] = opset(field.bytes);
      opsets.set(domain === 'ai.onnx' ? '' : domain, version);
    } else if (field.number === 25)
      throw new RangeError(
        'it has functions of its own, which are not read here (onnx.inliner.inline_local_functions inlines them)',
      );
  }
  if (!graph) throw new RangeError('it has no graph');
  const body = await decodeGraph(graph, { ...file, beside });
  return { ...body, opsets, producer, origins: originsIn(graph, body.tensors) };
}

function opset(bytes: Uint8Array): [domain: string, version: number] {
  let domain = '';
  let version = 1;
  for (const field of fields(bytes)) {
    if (field.number === 1) domain = field.string;
    else if (field.number === 2) version = field.int;
  }
  return [domain, version];
}

/** Graphs within graphs within graphs: no one writes more. */
const MOST_DEEP = 4;

async function decodeGraph(bytes: Uint8Array, file: ImportFile, depth = 0): Promise<GraphBody> {
  if (depth > MOST_DEEP) throw new RangeError(`it has graphs within graphs, more than ${MOST_DEEP} deep`);
  const nodes: NodeProto[] = [];
  const tensors = new Map<string, TensorProto>();
  const inputs: PortProto[] = [];
  const outputs: PortProto[] = [];
  let name = '';
  for (const field of fields(bytes)) {
    if (field.number === 1) nodes.push(await decodeNode(field.bytes, file, depth));
    else if (field.number === 2) name = field.string;
    else if (field.number === 5) {
      const tensor = await decodeTensor(field.bytes, file);
      tensors.set(tensor.name, tensor);
    } else if (field.number === 11) inputs.push(port(field.bytes));
    else if (field.number === 12) outputs.push(port(field.bytes));
    else if (field.number === 15) throw new RangeError('it has sparse tensors, which are not read here');
  }
  return { nodes, tensors, inputs, outputs, name };
}

async function decodeNode(bytes: Uint8Array, file: ImportFile, depth: number): Promise<NodeProto> {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, AttributeProto>();
  let [type, name, domain, doc] = ['', '', '', ''];
  for (const field of fields(bytes)) {
    if (field.number === 1) inputs.push(field.string);
    else if (field.number === 2) outputs.push(field.string);
    else if (field.number === 3) name = field.string;
    else if (field.number === 4) type = field.string;
    else if (field.number === 5) attributes.set(...(await attribute(field.bytes, file, depth)));
    else if (field.number === 6) doc = field.string;
    else if (field.number === 7) domain = field.string;
  }
  // no name of a method of objects, which every table of operations has
  if (type in {}) throw new RangeError(`the operation ${quoted(type)}: there is no such operation here`);
  return { type, name, domain: domain === 'ai.onnx' ? '' : domain, inputs, outputs, attributes, doc };
}

async function attribute(bytes: Uint8Array, file: ImportFile, depth: number): Promise<[string, AttributeProto]> {
  let name = '';
  let value: AttributeProto;
  const lists = { floats: [] as number[], ints: [] as number[], strings: [] as string[] };
  let type = 0;
  for (const field of fields(bytes)) {
    switch (field.number) {
      case 1:
        name = field.string;
        break;
      case 2:
        value = field.float;
        break;
      case 3:
        value = Number(field.bits);
        break;
      case 4:
        value = field.string;
        break;
      case 5:
        value = await decodeTensor(field.bytes, file);
        break;
      case 6:
        value = await decodeGraph(field.bytes, file, depth + 1);
        break;
      case 7:
        field.addFloats(lists.floats, 4);
        break;
      case 8:
        field.addInts(lists.ints);
        break;
      case 9:
        lists.strings.push(field.string);
        break;
      case 20:
        type = field.int;
        break;
    }
  }
  const list = { 6: lists.floats, 7: lists.ints, 8: lists.strings }[type];
  if (list) value = list;
  // a value that is 0 need not be written
  else if (value === undefined && (type === 1 || type === 2)) value = 0;
  return [name, value];
}

async function decodeTensor(bytes: Uint8Array, file: ImportFile): Promise<TensorProto> {
  const shape: number[] = [];
  const own: { floats: number[]; ints: number[] } = { floats: [], ints: [] };
  const strings: string[] = [];
  const outside = new Map<string, string>();
  let [type, name, isOutside] = [0, '', false];
  let raw: Uint8Array | undefined;
  for (const field of fields(bytes)) {
    switch (field.number) {
      case 1:
        field.addInts(shape);
        break;
      case 2:
        type = field.int;
        break;
      case 4:
        field.addFloats(own.floats, 4);
        break;
      case 10:
        field.addFloats(own.floats, 8);
        break;
      case 6:
        strings.push(field.string);
        break;
      case 5:
      case 7:
      case 11:
        field.addInts(own.ints);
        break;
      case 8:
        name = field.string;
        break;
      case 9:
        raw = field.bytes;
        break;
      case 13:
        outside.set(...entry(field.bytes));
        break;
      case 14:
        isOutside = field.int === 1;
        break;
    }
  }
  const what = `its tensor ${quoted(name)}`;
  if (type === STRING) return { name, shape, type, data: new Float32Array(), strings };
  const width = WIDTHS[type];
  if (width === undefined)
    throw new RangeError(`${what} is of ${NAMES[type] ?? `type ${type}`}, which is not read here`);
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0))
    throw new RangeError(`${what} has the shape [${sizes(shape)}]`);
  const size = sizeOf(shape);
  if (isOutside) raw = await outsideData(outside, what, file);
  const data = raw ? fromRaw(raw, type, width) : fromLists(own, type);
  if (data.length !== size)
    throw new RangeError(`${what} of shape [${sizes(shape)}] has ${data.length} numbers, not ${size}`);
  return { name, shape, type, data };
}

function entry(bytes: Uint8Array): [string, string] {
  const pair: [string, string] = ['', ''];
  for (const field of fields(bytes))
    if (field.number === 1 || field.number === 2) pair[field.number - 1] = field.string;
  return pair;
}

/** A few tensors may share their bytes in a file beside, but not so many, which would be of any size. */
const MOST_SHARED = 16;
/** Of each file the bytes that its tensors come to. */
const taken = new WeakMap<Uint8Array, number>();

async function outsideData(entries: ReadonlyMap<string, string>, what: string, file: ImportFile): Promise<Uint8Array> {
  const bytes = await file.beside(entries.get('location') ?? '');
  const offset = Number(entries.get('offset') ?? 0);
  const length = Number(entries.get('length') ?? bytes.length - offset);
  if (
    !Number.isSafeInteger(offset) ||
    !Number.isSafeInteger(length) ||
    offset < 0 ||
    length < 0 ||
    offset + length > bytes.length
  )
    throw new RangeError(`${what} is to lie at ${offset} in a file of ${bytes.length} bytes`);
  const all = (taken.get(bytes) ?? 0) + length;
  if (all > MOST_SHARED * bytes.length)
    throw new RangeError(`${what} is one of so many in a file of ${bytes.length} bytes that they share them`);
  taken.set(bytes, all);
  return bytes.subarray(offset, offset + length);
}

function fromRaw(raw: Uint8Array, type: number, width: number): TensorProto['data'] {
  if (raw.length % width !== 0) throw new RangeError(`a tensor has ${raw.length} bytes, of numbers of ${width}`);
  const n = raw.length / width;
  const { buffer } = new Uint8Array(raw); // a copy, which is aligned: a Buffer's slice is none
  if (type === FLOAT) return new Float32Array(buffer, 0, n);
  if (type === DOUBLE) return new Float64Array(buffer, 0, n);
  if (type === FLOAT16) return Float32Array.from(new Uint16Array(buffer, 0, n), halfToNumber);
  if (type === BFLOAT16) return Float32Array.from(new Uint16Array(buffer, 0, n), bfloat16ToNumber);
  const views = {
    2: Uint8Array,
    3: Int8Array,
    4: Uint16Array,
    5: Int16Array,
    6: Int32Array,
    9: Uint8Array,
    12: Uint32Array,
  };
  const View = views[type as keyof typeof views];
  return View ? Float64Array.from(new View(buffer, 0, n)) : Float64Array.from(new BigInt64Array(buffer, 0, n), Number);
}

function fromLists({ floats, ints }: { floats: number[]; ints: number[] }, type: number): TensorProto['data'] {
  if (type === FLOAT) return Float32Array.from(floats);
  if (type === DOUBLE) return Float64Array.from(floats);
  if (type === FLOAT16) return Float32Array.from(ints, halfToNumber);
  if (type === BFLOAT16) return Float32Array.from(ints, bfloat16ToNumber);
  return Float64Array.from(ints);
}

function port(bytes: Uint8Array): PortProto {
  let name = '';
  let type = 0;
  let shape: (number | undefined)[] | undefined;
  for (const field of fields(bytes)) {
    if (field.number === 1) name = field.string;
    if (field.number !== 2) continue;
    for (const kind of fields(field.bytes)) {
      if (kind.number !== 1) continue; // sequences and maps
      for (const part of fields(kind.bytes)) {
        if (part.number === 1) type = part.int;
        if (part.number === 2) shape = [...fields(part.bytes)].map(({ bytes: dim }) => dimension(dim));
      }
    }
  }
  return { name, type, ...(shape && { shape }) };
}

function dimension(bytes: Uint8Array): number | undefined {
  for (const field of fields(bytes)) if (field.number === 1) return field.int;
  return undefined;
}
