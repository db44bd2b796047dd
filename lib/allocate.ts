import { failure } from './check.js';
import { limits } from './container.js';

/** From so many bytes on it is worth 1 ms to look up how many a process may have. */
const LARGE = 2 ** 26;

let limit: number | undefined;

/** @throws ERR_MEMORY where bytes are more than the process's control group may have: the system would end the process */
function checkLimit(bytes: number): void {
  if (bytes < LARGE) return;
  limit ??= limits().memory ?? Number.POSITIVE_INFINITY;
  if (bytes > limit)
    throw failure(
      'ERR_MEMORY',
      `Expected enough memory for ${bytes} bytes, but the limit of this container (the control group) is ${limit}`,
    );
}

/**
 * `new Type(of)`: a typed array of a length, or of the values of another array, of a size that users decide.
 *
 * @throws ERR_MEMORY where the system has no memory for it, which JavaScript calls a RangeError, or would end the process
 */
export function allocate<Of extends number | ArrayLike<number>, A>(Type: new (of: Of) => A, of: Of): A {
  const length = typeof of === 'number' ? of : of.length;
  checkLimit(length * ((Type as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1));
  try {
    return new Type(of);
  } catch (cause) {
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
