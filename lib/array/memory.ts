import { allocate } from '../allocate.js';
import type { NDArray } from '../array.js';
import { wrongType } from '../check.js';
import { isFloat32Array, isFloat64Array, isInt32Array, isTypedArray, typedArrayName } from '../kind.js';
import { product } from './shape.js';

export type DType = 'float64' | 'float32' | 'int32';
/** The memory of an NDArray: one typed array in row-major order. */
export type TypedData = Float64Array | Float32Array | Int32Array;
/** Typed arrays of integers that an int32 holds all of. */
export type Narrow = Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array;
/** A Float16Array, which TypeScript knows with the library esnext alone, and Node.js from 24 on. */
export interface Halves extends ArrayLike<number> {
  readonly [Symbol.toStringTag]: 'Float16Array';
}
export type Flat = TypedData | Narrow | Halves;
/** Numbers and how they are laid out: what becomes an NDArray. */
export interface Numbers {
  readonly data: TypedData;
  readonly shape: readonly number[];
}

export const TYPED = { float64: Float64Array, float32: Float32Array, int32: Int32Array } as const;
export const IS = { float64: isFloat64Array, float32: isFloat32Array, int32: isInt32Array } as const;
export const DTYPES = Object.keys(TYPED) as DType[];

export const dtypeOf = (data: unknown): DType | undefined => DTYPES.find((dtype) => IS[dtype](data));

/** An NDArray of whatever copy of the package, whole: its memory may be gone. */
export function checkWhole(name: string, x: NDArray): NDArray {
  if (!Array.isArray(x.shape) || !DTYPES.includes(x.dtype) || !IS[x.dtype](x.data))
    throw wrongType(name, 'an array of numbers', x);
  if (x.data.length !== product(x.shape)) throw detached(name, x.data);
  return x;
}

const NARROW = /^(?:Int8|Uint8|Uint8Clamped|Int16|Uint16)Array$/;
export const isNarrow = (x: unknown): x is Narrow => NARROW.test(typedArrayName(x) ?? '');

export const isHalves = (x: unknown): x is Halves => typedArrayName(x) === 'Float16Array';

/** A view of memory as numbers that may be read: small integers and halves as a copy. */
export function readView(name: string, x: ArrayBufferView): TypedData {
  checkAttached(name, x);
  if (isFloat64Array(x) || isFloat32Array(x) || isInt32Array(x)) return x;
  if (isNarrow(x)) return copyOf(x, 'int32');
  if (isHalves(x)) return copyOf(x, 'float32');
  throw wrongType(name, 'a Float64Array, Float32Array, Int32Array, Uint8Array or an array of numbers', x);
}

/** An array whose memory is gone says that it is empty: its buffer was transferred, or shrank. */
export function checkAttached(name: string, x: ArrayBufferView): void {
  if (x.byteLength > 0 || !isTypedArray(x)) return;
  try {
    Uint8Array.prototype.keys.call(x as Uint8Array);
  } catch {
    throw detached(name, x);
  }
}

const detached = (name: string, x: ArrayBufferView) => {
  const why = x.byteLength === 0 ? 'it was transferred' : 'its buffer was resized';
  return new TypeError(`Expected ${name} to own its memory, got a detached ${typedArrayName(x)} (${why})`);
};

/** Zeros. @throws Error with code ERR_MEMORY if there is no room for them */
export const allocateAs = <D extends DType>(dtype: D, size: number) =>
  allocate(TYPED[dtype] as new (size: number) => TypedData, size) as InstanceType<(typeof TYPED)[D]>;

export function copyOf<D extends DType>(values: ArrayLike<number>, dtype: D): InstanceType<(typeof TYPED)[D]> {
  const copy = allocateAs(dtype, values.length);
  copy.set(values);
  return copy;
}

/** A view of `length` elements from the element `first` on: never of a class of the caller's, whose subarray may give anything. */
export function viewOf(data: TypedData, dtype: DType, first: number, length: number): TypedData {
  const { buffer, byteOffset, BYTES_PER_ELEMENT } = data;
  return new TYPED[dtype](buffer as ArrayBuffer, byteOffset + first * BYTES_PER_ELEMENT, length);
}

/** Several arrays of one type, one after the other, in a new one. @throws Error with code ERR_MEMORY */
export function joined(parts: readonly TypedData[]): TypedData {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const all = allocate(parts[0].constructor as new (length: number) => TypedData, length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
