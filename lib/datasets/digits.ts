import { readFileSync } from 'node:fs';
import { NDArray } from '../array.js';
import { zlib } from '../builtins.js';
import { packageFile } from '../package-root.js';

export interface Digits {
  /** float64 [1797, 8, 8]: ink counts 0 .. 16. */
  images: NDArray;
  /** float64 [1797, 64]: the images as rows, in memory of their own. */
  data: NDArray;
  /** int32 [1797]: the digit shown, 0 .. 9. */
  target: NDArray;
  description: string;
}

const PIXELS = 64;

const DESCRIPTION = `Optical recognition of handwritten digits

1797 images of 8 x 8 pixels with values 0 to 16, and the digit 0 to 9 that each shows: the test set of the UCI Machine
Learning Repository's "Optical Recognition of Handwritten Digits" (E. Alpaydin, C. Kaynak, 1998,
https://doi.org/10.24432/C50P49), as scikit-learn ships it. Bitmaps of 32 x 32 pixels, written by 13 people, were divided
into blocks of 4 x 4; a value is the number of pixels set in its block.

Licence: Creative Commons Attribution 4.0 International (CC BY 4.0).
`;

/**
 * The 1,797 handwritten digits of scikit-learn's `load_digits`, in its order. Every call returns arrays of its own.
 *
 * @throws Error with code ERR_BUNDLED where a bundler has taken the code away from its data
 */
export function loadDigits(): Digits {
  const rows = zlib()
    .gunzipSync(readFileSync(packageFile('data', 'digits.csv.gz')))
    .toString('latin1')
    .trimEnd()
    .split('\n');
  const data = NDArray.zeros([rows.length, PIXELS]);
  const target = NDArray.zeros([rows.length], 'int32');
  rows.forEach((row, i) => {
    const values = row.split(',').map(Number);
    target.data[i] = values.pop()!;
    data.data.set(values, i * PIXELS);
  });
  return { images: NDArray.from(data, { shape: [-1, 8, 8] }), data, target, description: DESCRIPTION };
}
