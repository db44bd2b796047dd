import { binding } from './binding.js';
import { checkInteger, wrongType } from './check.js';

type Floats = Float64Array | Float32Array;

/**
 * A native kernel on typed arrays: `dims` gives the sizes of the signature's letters, `arrays` its inputs and then its
 * outputs (written in place), all of one dtype, `scalars` the names after the bar.
 */
export interface Kernel {
  (dims: Record<string, number>, arrays: readonly Floats[], scalars?: Record<string, number>): void;
  /** Such as `B O I : BI, IO, O -> BO`: dimensions, lengths of the buffers as products of dimensions, scalars. */
  readonly signature: string;
}

/**
 * The native kernels one by one, for tests, teaching and other libraries:
 * `kernels.affine({ B: 1, O: 2, I: 3 }, [x, w, b, y])`.
 */
export const kernels: Readonly<Record<string, Kernel>> = Object.freeze(
  Object.fromEntries(
    Object.entries(binding.kernels()).map(([name, signature]) => {
      const kernel = (dims: Record<string, number>, arrays: readonly Floats[], scalars: Record<string, number> = {}) => {
        if (!Array.isArray(arrays)) throw wrongType('arrays', 'an array of typed arrays', arrays);
        for (const [letter, size] of Object.entries(dims)) checkInteger(letter, size, 0);
        binding.kernel(name, dims, [...arrays], scalars);
      };
      return [name, Object.assign(kernel, { signature })];
    }),
  ),
);
