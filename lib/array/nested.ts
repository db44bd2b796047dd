import { wrongType, wrongValue } from '../check.js';
import { isFloat32Array, isNDArray, isTypedArray } from '../kind.js';
import { allocateAs, checkWhole, isHalves, type Numbers, readView } from './memory.js';
import { product } from './shape.js';

/** NumPy's bound; nested arrays that hold themselves have no end. */
export const MAX_DIMENSIONS = 64;

/**
 * Nested arrays of numbers, whose innermost arrays may be typed arrays or NDArrays, as one: float32 where these are all of
 * that type, or of halves, else float64.
 */
export function readNested(name: string, x: readonly unknown[]): Numbers {
  const shape = shapeOf(name, x);
  const data = allocateAs(isFloat32(x, shape.length) ? 'float32' : 'float64', product(shape));
  let filled = 0;

  const read = (part: unknown, axis: number, path: string) => {
    if (isNDArray(part)) {
      readRows(part, axis, path);
      return;
    }
    const isArray = Array.isArray(part) || ArrayBuffer.isView(part);
    if (!isArray) throw wrongType(path, expected(axis), part);
    const values = ArrayBuffer.isView(part) ? readView(path, part) : part;
    if (values.length !== shape[axis]) throw wrongValue(path, expected(axis), part);
    const leaf = axis === shape.length - 1;
    for (let i = 0; i < shape[axis]; i++) {
      const value = values[i];
      if (!leaf) read(value, axis + 1, `${path}[${i}]`);
      else if (typeof value === 'number') data[filled++] = value;
      else throw wrongType(`${path}[${i}]`, 'a number', value);
    }
  };
  const readRows = (rows: Parameters<typeof checkWhole>[1], axis: number, path: string) => {
    const array = checkWhole(path, rows);
    const wanted = shape.slice(axis);
    if (array.shape.join() !== wanted.join())
      throw new RangeError(
        `Expected ${path} to have shape [${wanted.join(', ')}], as those before it have, got [${array.shape.join(', ')}]`,
      );
    data.set(array.data, filled);
    filled += array.data.length;
  };
  const expected = (axis: number) => `an array of length ${shape[axis]}, as the ones before it are`;
  read(x, 0, name);
  return { data, shape };
}

/** @param depth of axes: arrays that hold themselves have no end */
const isFloat32 = (part: unknown, depth: number): boolean => {
  if (isNDArray(part)) return part.dtype === 'float32';
  if (Array.isArray(part)) return depth > 1 && part.every((inner) => isFloat32(inner, depth - 1));
  return isFloat32Array(part) || isHalves(part);
};

/** By the first element of every level. */
function shapeOf(name: string, x: readonly unknown[]): number[] {
  const shape: number[] = [];
  let level: unknown = x;
  for (; Array.isArray(level) || isTypedArray(level); level = level[0]) {
    if (shape.push(level.length) > MAX_DIMENSIONS) throw wrongType(name, `of at most ${MAX_DIMENSIONS} dimensions`, x);
  }
  return isNDArray(level) ? [...shape, ...checkWhole(`${name}${'[0]'.repeat(shape.length)}`, level).shape] : shape;
}
