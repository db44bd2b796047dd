import { binding, type NativeArray } from './binding.js';
import { checkInteger, checkNumber, checkOptions, wrongType } from './check.js';
import { parseSignature } from './signature.js';

/**
 * A native kernel on typed arrays: `dims` gives the sizes of the signature's letters, `arrays` its inputs and then its
 * outputs (written in place), all of one dtype but for Int32Arrays of integers, `scalars` the names after the bar.
 */
export interface Kernel {
  (dims: Record<string, number>, arrays: readonly NativeArray[], scalars?: Record<string, number>): void;
  /**
   * Such as `B O I : x BI, w IO, b O -> y BO`: dimensions, then the arrays with their lengths as products of dimensions,
   * then, after a bar, scalars. An output marked `!` is read, too; one marked `~` may lie on an input within a network,
   * and one marked `?` may be left out there. `i:` before a name stands for integers.
   */
  readonly signature: string;
}

/**
 * The native kernels one by one, for tests, teaching and other libraries:
 * `kernels.affine({ B: 1, O: 2, I: 3 }, [x, w, b, y])`.
 */
export const kernels: Readonly<Record<string, Kernel>> = Object.freeze(
  Object.fromEntries(
    Object.entries(binding.kernels()).map(([name, signature]) => {
      let parts: ReturnType<typeof partsOf> | undefined; // most kernels are never called here
      const kernel = (
        dims: Record<string, number>,
        arrays: readonly NativeArray[],
        scalars: Record<string, number> = {},
      ) => {
        parts ??= partsOf(signature);
        const { letters, lengths, names } = parts;
        checkOptions('dims', dims, letters);
        for (const letter of letters) checkInteger(`dims.${letter}`, dims[letter], lengths.includes(letter) ? 1 : 0);
        if (!Array.isArray(arrays)) throw wrongType('arrays', 'an array of typed arrays', arrays);
        checkOptions('scalars', scalars, names);
        for (const scalar of names) checkNumber(`scalars.${scalar}`, scalars[scalar]);
        binding.kernel(name, dims, [...arrays], scalars);
      };
      return [name, Object.assign(kernel, { signature })];
    }),
  ),
);

function partsOf(signature: string) {
  const { dims, operands, scalars } = parseSignature(signature);
  return { letters: dims, lengths: operands.map(({ length }) => length).join(''), names: scalars };
}
