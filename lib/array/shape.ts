import { checkInteger, wrongType } from '../check.js';

/** The number of elements. */
export const product = (shape: readonly number[]): number => {
  let size = 1;
  for (const n of shape) size *= n;
  return size;
};

/** How many elements lie from one index of an axis to the next, in row-major order. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  for (let axis = shape.length - 1, stride = 1; axis >= 0; stride *= shape[axis--]) strides[axis] = stride;
  return strides;
}

/** `row 3`, `row 3, column 7` or `index [3, 0, 7]`: where the element number `i` of an array lies. */
export function position(i: number, shape: readonly number[]): string {
  if (shape.length === 1) return `row ${i}`;
  const index: number[] = [];
  for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return shape.length === 2 ? `row ${index[0]}, column ${index[1]}` : `index [${index.join(', ')}]`;
}

/** A copy that nobody changes. */
export function checkShape(shape: readonly number[], name = 'shape'): readonly number[] {
  if (!Array.isArray(shape)) throw wrongType(name, 'an array of integers', shape);
  return Object.freeze(Array.from(shape, (n, axis) => checkInteger(`${name}[${axis}]`, n, 0)));
}

/** The same of a shape that may have one -1, for as many as the other axes leave. */
export function resolveShape(shape: readonly number[], size: number): readonly number[] {
  if (!Array.isArray(shape)) throw wrongType('shape', 'an array of integers', shape);
  const known = Array.from(shape, (n, axis) => checkInteger(`shape[${axis}]`, n, -1)).filter((n) => n !== -1);
  if (known.length === shape.length) {
    if (product(shape) !== size) throw wrongSize('shape', shape, size);
    return Object.freeze([...shape]);
  }
  const rest = size / product(known);
  if (known.length < shape.length - 1 || !Number.isInteger(rest)) throw wrongSize('shape', shape, size);
  return Object.freeze(shape.map((n) => (n === -1 ? rest : n)));
}

export const wrongSize = (name: string, shape: readonly number[], size: number) =>
  new RangeError(`Expected ${name} to hold ${plural(size, 'element')}, got [${shape.join(', ')}]`);

export const plural = (n: number, noun: string, nouns = `${noun}s`) => `${n} ${n === 1 ? noun : nouns}`;
