import type { NDArray } from '../array.js';
import { expected, type Schema } from '../io/schema.js';
import { isNDArray, isRandomState } from '../kind.js';
import type { RandomState } from '../random.js';

/** An array of floats, of so many dimensions. */
export function floats(ndim?: number): Schema<NDArray> {
  return (name, value) => {
    if (isNDArray(value) && value.dtype !== 'int32' && (ndim === undefined || value.ndim === ndim)) return value;
    throw expected(name, ndim === undefined ? 'an array of floats' : `an array of floats of ${ndim} dimensions`, value);
  };
}

export const randomState: Schema<RandomState> = (name, value) => {
  if (isRandomState(value)) return value;
  throw expected(name, 'a RandomState', value);
};
