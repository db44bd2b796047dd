import { allocate } from '../allocate.js';
import type { TypedData } from './memory.js';

/**
 * Where the largest of every `n` numbers stands that lie `inner` elements apart, in `outer` groups of them: the first of
 * equals, or the first NaN, as NumPy.
 */
export function argmaxAlong(data: TypedData, outer: number, n: number, inner: number): Int32Array {
  const best = allocate(Int32Array, outer * inner);
  for (let o = 0; o < outer; o++)
    for (let j = 0; j < inner; j++) {
      const first = o * n * inner + j;
      let at = 0;
      let largest = data[first];
      for (let k = 1; k < n && !Number.isNaN(largest); k++) {
        const value = data[first + k * inner];
        if (value <= largest) continue;
        at = k;
        largest = value;
      }
      best[o * inner + j] = at;
    }
  return best;
}
