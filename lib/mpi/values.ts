// What travels between ranks: numbers that are added up, and values as bytes.
import { types } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { allocate } from '../allocate.js';
import { allocateAs, checkAttached, copyOf, TYPED, type TypedData } from '../array/memory.js';
import { type ArrayInput, asArray, NDArray } from '../array.js';
import { checkInteger, checkOneOf, wrongType, wrongValue } from '../check.js';
import { isFloat32Array, isFloat64Array, isInt32Array, isNDArray, isTypedArray, typedArrayName } from '../kind.js';

export const OPERATIONS = ['sum', 'max', 'min'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Options of `allreduce`. */
export interface ReduceOptions {
  /**
   * An array of the dtype and shape of `value`, which may be `value` itself: the result is written into it and it is returned, in place
   * of a new array, whose memory takes half as long as the sum. Where it lies in a SharedArrayBuffer, a sum of floats is made right there,
   * without a copy: it must not be read or written before the call resolves, and holds no particular numbers if the call fails
   */
  out?: NDArray | Float64Array | Float32Array | Int32Array;
}

/** Numbers to add up, and what to make of them then. */
export interface Reduction {
  readonly values: Float64Array | Float32Array;
  readonly max: boolean;
  /** What has to be the same on all ranks, but for what the addon knows. */
  readonly form: string;
  result(): unknown;
}

/** Where values lie whose result is written elsewhere, again and again: new pages, and what no cache holds, take as long as a sum of 400 KB. */
export class Room {
  #free?: ArrayBuffer;

  take(dtype: 'float32' | 'float64', length: number): Float64Array | Float32Array {
    const { BYTES_PER_ELEMENT } = TYPED[dtype];
    const free = this.#free;
    if (!free || free.byteLength < length * BYTES_PER_ELEMENT) return allocateAs(dtype, length);
    this.#free = undefined;
    return new TYPED[dtype](free, 0, length);
  }

  /** What was taken is no longer needed. */
  give({ buffer }: { readonly buffer: ArrayBufferLike }): void {
    if (!this.#free || this.#free.byteLength < buffer.byteLength) this.#free = buffer as ArrayBuffer;
  }
}

export function reduction(value: unknown, op: Operation, { out }: ReduceOptions, room: Room): Reduction {
  checkOneOf('op', op, OPERATIONS);
  const name = typedArrayName(value);
  const isFlat = isFloat64Array(value) || isFloat32Array(value) || isInt32Array(value);
  if (typeof value !== 'number' && !isFlat && !isNDArray(value) && !Array.isArray(value))
    throw wrongType('value', 'a number or an array', value);
  if (isFlat) checkAttached('value', value);
  const array = typeof value === 'number' ? undefined : asArray('value', value as ArrayInput);
  const given = array?.data ?? Float64Array.of(value as number);
  const into = out === undefined ? undefined : checkOut(out, array);
  // sums of int32 are exact in float64
  const dtype = array?.dtype === 'float32' ? 'float32' : 'float64';
  const form = `${op} ${name ?? (array ? `${array.dtype} [${array.shape}]` : 'number')}`;
  const isInteger = array?.dtype === 'int32';
  if (into && op === 'sum' && !isInteger && isForever(into.data)) {
    if (into.data !== given) into.data.set(given);
    return { values: into.data, max: false, form, result: () => out };
  }
  const values = into ? room.take(dtype, given.length) : allocate(TYPED[dtype] as NumbersOf, given);
  if (into) values.set(given);
  const wrap = (data: TypedData) => (name ? data : array ? NDArray.wrap(data, array.shape) : data[0]);
  const ranked = op === 'sum' ? { values, max: false, result: () => values } : extreme(values, op);
  const result = () => (isInteger ? integers(ranked.result(), op) : ranked.result());
  if (!into) return { ...ranked, form, result: () => wrap(result()) };
  return {
    ...ranked,
    form,
    result: () => {
      into.write(result());
      room.give(values);
      return out;
    },
  };
}

type NumbersOf = new (values: ArrayLike<number>) => Float64Array | Float32Array;

/** Whether a thread may write there for as long as the array is held: a SharedArrayBuffer is not transferred, and does not shrink. */
const isForever = (data: TypedData): data is Float64Array | Float32Array => types.isSharedArrayBuffer(data.buffer);

/** The numbers of the caller's array, and what writes a result there. */
function checkOut(out: unknown, array: NDArray | undefined): { data: TypedData; write(result: TypedData): void } {
  if (!isNDArray(out) && !isFloat64Array(out) && !isFloat32Array(out) && !isInt32Array(out))
    throw wrongType('out', 'an NDArray, a Float64Array, a Float32Array or an Int32Array', out);
  const { data, dtype, shape } = asArray('out', out);
  if (dtype !== array?.dtype || (isNDArray(out) ? `${shape}` !== `${array.shape}` : data.length !== array.size))
    throw wrongValue('out', array ? `${array.dtype} of shape [${array.shape}]` : 'no array, as value is a number', out);
  const write = (result: TypedData) => {
    checkAttached('out', data);
    if (data.length !== result.length) throw wrongValue('out', `an array that keeps its ${result.length} numbers`, out);
    data.set(result);
  };
  return { data, write };
}

/** MPI says nothing of NaN: what it is on any rank it is here, as in NumPy, by a second half that says where. */
function extreme(values: Float64Array | Float32Array, op: 'max' | 'min') {
  const n = values.length;
  const both = allocate(values.constructor as Float64ArrayConstructor, 2 * n);
  const sign = op === 'max' ? 1 : -1;
  for (let i = 0; i < n; i++) {
    const isNumber = !Number.isNaN(values[i]);
    both[i] = isNumber ? sign * values[i] : -Infinity;
    both[n + i] = isNumber ? 0 : 1;
  }
  const result = () => {
    for (let i = 0; i < n; i++) values[i] = both[n + i] > 0 ? NaN : sign * both[i];
    return values;
  };
  return { values: both, max: true, result };
}

function integers(values: ArrayLike<number>, op: Operation): Int32Array {
  for (let i = 0; i < values.length; i++)
    if (values[i] !== (values[i] | 0))
      throw wrongValue(`the ${op} at element ${i}`, 'an integer of 32 bits', values[i]);
  return copyOf(values, 'int32');
}

/** Of a text, in 32 bits: FNV-1a. */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** The beginning of the bytes of a value: either it is one array, whose numbers follow, or all of it is in here. */
type Header =
  | { flat: string; shape?: readonly number[] }
  // `arrays` are those within `value` that are NDArrays: clones keep what is the same object
  | { value: unknown; arrays: unknown[] };

/** @throws TypeError for what cannot be cloned, such as a function */
export function encode(name: string, value: unknown): Uint8Array {
  const data = isNDArray(value) ? value.data : value;
  const isFlat = isTypedArray(data) && !(data instanceof Buffer);
  if (isFlat) checkAttached(name, data);
  const header: Header = isFlat
    ? { flat: typedArrayName(data)!, ...(isNDArray(value) && { shape: value.shape }) }
    : { value, arrays: arraysIn(value) };
  let head: Uint8Array;
  try {
    head = serialize(header);
  } catch (cause) {
    throw Object.assign(wrongType(name, 'a value that structuredClone copies', value), { cause });
  }
  const rest = isFlat ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array();
  const bytes = allocate(Uint8Array, 4 + head.length + rest.length);
  new DataView(bytes.buffer).setUint32(0, head.length);
  bytes.set(head, 4);
  bytes.set(rest, 4 + head.length);
  return bytes;
}

export function decode(bytes: Uint8Array): unknown {
  const { buffer, byteOffset } = bytes;
  const start = 4 + new DataView(buffer, byteOffset).getUint32(0);
  const header = deserialize(bytes.subarray(4, start)) as Header;
  if (!('flat' in header)) return withArrays(header.value, new Set(header.arrays));
  const own = allocate(Uint8Array, bytes.length - start);
  own.set(bytes.subarray(start));
  const type = (globalThis as unknown as Record<string, new (buffer: ArrayBufferLike) => TypedData>)[header.flat];
  const data = new type(own.buffer);
  return header.shape ? NDArray.wrap(data, header.shape) : data;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** All NDArrays within a value. */
function arraysIn(value: unknown): NDArray[] {
  const arrays = new Set<NDArray>();
  visit(value, (held) => {
    if (!isNDArray(held)) return held;
    arrays.add(held);
  });
  return [...arrays];
}

/** The value with NDArrays for their clones, in place. */
function withArrays(value: unknown, clones: ReadonlySet<unknown>): unknown {
  if (clones.size === 0) return value;
  const made = new Map<unknown, NDArray>();
  for (const clone of clones) {
    const { data, shape } = clone as NDArray;
    made.set(clone, NDArray.wrap(data, shape));
  }
  const top = [value];
  visit(top, (held, replace) => {
    const array = made.get(held);
    if (!array) return held;
    replace(array);
  });
  return top[0];
}

/** Calls `look` with every object in a value, once for each place, and goes on into those that it returns. */
function visit(value: unknown, look: (held: object, replace: (by: unknown) => void) => unknown): void {
  const seen = new Set<unknown>();
  const waiting: unknown[] = [];
  const meet = (held: unknown, replace: (by: unknown) => void) => {
    if (!isObject(held)) return;
    const inner = look(held, replace);
    if (inner !== undefined && !seen.has(inner) && !ArrayBuffer.isView(inner)) waiting.push(inner);
    seen.add(inner);
  };
  meet(value, () => {});
  while (waiting.length > 0) {
    const held = waiting.pop() as object;
    if (held instanceof Map) {
      for (const [key, item] of held) meet(item, (by) => held.set(key, by));
    } else if (held instanceof Set) {
      for (const item of held) meet(item, (by) => held.delete(item) && held.add(by));
    } else {
      for (const key of Object.keys(held)) {
        const record = held as Record<string, unknown>;
        meet(record[key], (by) => {
          record[key] = by;
        });
      }
    }
  }
}

/** A rank of a world, such as the root of a call. */
export function checkRank(name: string, value: unknown, size: number): number {
  const rank = checkInteger(name, value, 0);
  if (rank >= size) throw wrongValue(name, `a rank of ${size}`, value);
  return rank;
}
