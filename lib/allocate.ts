import { failure } from './check.js';

/**
 * `new Type(of)`: a typed array of a length, or of the values of another array, of a size that users decide.
 *
 * @throws ERR_MEMORY where the system has no memory for it, which JavaScript calls a RangeError
 */
export function allocate<Of extends number | ArrayLike<number>, A>(Type: new (of: Of) => A, of: Of): A {
  try {
    return new Type(of);
  } catch (cause) {
    const length = typeof of === 'number' ? of : of.length;
    throw failure('ERR_MEMORY', `Expected enough memory for ${length} numbers, but the system has none left`, {
      cause,
    });
  }
}

/** `Type.from({ length }, (_, i) => value(i))`. @throws ERR_MEMORY */
export function filled<A extends Float64Array | Float32Array | Int32Array>(
  Type: new (length: number) => A,
  length: number,
  value: (i: number) => number,
): A {
  const array = allocate(Type, length);
  for (let i = 0; i < length; i++) array[i] = value(i);
  return array;
}
