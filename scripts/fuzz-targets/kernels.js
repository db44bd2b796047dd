// Every kernel through the addon: small sizes with arrays that fit, wild sizes, and arrays that do not fit.
import { binding } from '../../dist/binding.js';
import { kernels } from '../../dist/index.js';
import { lengthOf, parseSignature } from '../../dist/signature.js';

export const name = 'kernels';

const names = Object.keys(kernels);
const FLOATS = [Float64Array, Float32Array];
const ARRAYS = [...FLOATS, Int32Array];
const WILD = [
  0,
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 50,
  2 ** 53,
  2 ** 63,
];
const VALUES = [0, -0, 1, -1, 1e-40, 1e30, -1e30, 1e300, Number.NaN, Number.POSITIVE_INFINITY];
const MOST = 1 << 12; // values of an array

/** Sizes for the letters: one long one at most, as many as leave all arrays short; then a wild one here and there. */
function dimsOf(random, { dims: letters, operands }) {
  const dims = Object.fromEntries(letters.map((letter) => [letter, random.integer(1, 9)]));
  dims[random.pick(letters)] = random.chance(0.3) ? random.integer(1, 600) : 1;
  while (operands.some((operand) => lengthOf(operand, dims) > MOST)) dims[random.pick(letters)] = random.integer(1, 3);
  // Strides, dilations and paddings: no array has them.
  for (const letter of letters)
    if (!operands.some(({ length }) => length.includes(letter)) && random.chance(0.1))
      dims[letter] = random.pick([0, 100, 12_000, 10 ** 6, 2 ** 31 - 1]);
  if (random.chance(0.1)) dims[random.pick(letters)] = random.pick(WILD);
  return dims;
}

function scalarOf(random) {
  return random.chance(0.1) ? random.pick([...VALUES, ...WILD]) : random.real();
}

function arrayOf(random, Floats, size) {
  const values = new Floats(size);
  const extreme = random.chance(0.1);
  for (let i = 0; i < size; i++)
    values[i] =
      extreme && random.chance(0.3)
        ? random.pick(VALUES)
        : random.chance(0.2)
          ? random.integer(0, 9)
          : random.real() * 4 - 2;
  return values;
}

export function run(random, count, report) {
  for (let i = 0; i < count; i++) {
    const kernel = random.pick(names);
    const signature = parseSignature(kernels[kernel].signature);
    const dims = dimsOf(random, signature);
    const scalars = Object.fromEntries(signature.scalars.map((scalar) => [scalar, scalarOf(random)]));
    const Floats = random.pick(FLOATS);
    const input = { kernel, dims, scalars, dtype: Floats.name };
    const arrays = signature.operands.map((operand) => {
      let size = lengthOf(operand, dims);
      if (random.chance(0.02)) size += random.pick([-1, 1, 16]);
      return arrayOf(
        random,
        random.chance(0.005) ? random.pick(ARRAYS) : operand.dtype === 'int32' ? Int32Array : Floats,
        size >= 0 && size <= MOST ? Math.floor(size) : 3,
      );
    });
    if (random.chance(0.01)) arrays.pop();
    if (random.chance(0.01)) arrays.push(arrays[0]);
    if (random.chance(0.01)) delete dims[random.pick(Object.keys(dims))];
    try {
      if (random.chance(0.5)) kernels[kernel](dims, arrays, scalars);
      else binding.kernel(kernel, dims, arrays, scalars);
    } catch (error) {
      report.error(error, input);
    }
  }
}
