import { asArray, type DType, NDArray, type TypedData } from '../array.js';
import { wrongShape, wrongType } from '../check.js';
import { isNDArray, isPlain, isTypedArray } from '../kind.js';

/** Lists and records within each other are no deeper: what holds itself has no end. */
const DEEPEST = 4;

/** How the arrays of an element lie in it: it is one, or a list or record of such. */
export type Layout = '*' | readonly Layout[] | { readonly [name: string]: Layout };

/**
 * The layout of an element. A list is [x, y] or [x, y, sampleWeight]; within it, a list of NDArrays or records is one of several
 * inputs, and any other an array of numbers.
 */
export function layoutOf(value: unknown, depth = 0): Layout {
  if (depth > DEEPEST) return '*';
  if (Array.isArray(value) && !(depth > 0 && isNested(value))) return value.map((part) => layoutOf(part, depth + 1));
  if (!isPlain(value)) return '*';
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, layoutOf(part, depth + 1)]));
}

/** Whether a list within an element is one array: nothing in it, nor what its first list begins with, is an NDArray or a record. */
function isNested(list: readonly unknown[]): boolean {
  let first: unknown = list[0];
  for (let depth = 0; Array.isArray(first) && depth < 64; depth++) first = first[0];
  return !isPart(first) && !list.some(isPart);
}

const isPart = (value: unknown): boolean => isNDArray(value) || isPlain(value);

/** Adds the arrays of a value to `into`; false where it is of another layout. */
export function collect(layout: Layout, value: unknown, into: unknown[]): boolean {
  if (layout === '*') {
    into.push(value);
    return true;
  }
  if (Array.isArray(layout))
    return (
      Array.isArray(value) &&
      value.length === layout.length &&
      layout.every((part: Layout, i) => collect(part, value[i], into))
    );
  const names = Object.keys(layout);
  return (
    isPlain(value) &&
    Object.keys(value).length === names.length &&
    names.every(
      (name) => Object.hasOwn(value, name) && collect((layout as Record<string, Layout>)[name], value[name], into),
    )
  );
}

/** The value of a layout, whose arrays are what `next` gives. */
export function built(layout: Layout, next: () => unknown): unknown {
  if (layout === '*') return next();
  if (Array.isArray(layout)) return layout.map((part: Layout) => built(part, next));
  return Object.fromEntries(Object.entries(layout).map(([name, part]) => [name, built(part, next)]));
}

/** An element whose arrays are its own. */
export function copied<E>(element: E): E {
  const layout = layoutOf(element);
  const parts: unknown[] = [];
  collect(layout, element, parts);
  let k = 0;
  return built(layout, () => copyOf(parts[k++])) as E;
}

function copyOf(part: unknown): unknown {
  if (isNDArray(part)) return NDArray.from(part);
  if (isTypedArray(part)) return part.slice();
  return Array.isArray(part) ? part.map(copyOf) : part;
}

/** One row of an array, as a number where it is one. */
export function rowOf({ data, shape }: NDArray, row: number): number | NDArray {
  if (shape.length === 1) return data[row];
  const own = shape.slice(1);
  const width = own.reduce((product, n) => product * n, 1);
  return NDArray.wrap(data.slice(row * width, (row + 1) * width), own);
}

/** Elements of one layout and shapes, put together: their numbers in arrays [n, ...]. */
export function stacked(elements: readonly unknown[]): unknown {
  const layout = layoutOf(elements[0]);
  const columns: Stack[] = [];
  for (const [i, element] of elements.entries()) {
    const parts: unknown[] = [];
    if (!collect(layout, element, parts))
      throw wrongType(`sample ${i} of the batch`, `made of the same parts as its first sample`, element);
    for (const [k, part] of parts.entries()) {
      columns[k] ??= new Stack(elements.length, part);
      columns[k].set(i, part);
    }
  }
  let k = 0;
  return built(layout, () => columns[k++].array);
}

/** Room for n arrays of one shape, one after the other. */
class Stack {
  #array: NDArray;
  readonly #shape: readonly number[];
  readonly #width: number;

  constructor(n: number, first: unknown) {
    const { shape, dtype, size } = arrayOf(first, 0);
    this.#shape = shape;
    this.#width = size;
    this.#array = NDArray.zeros([n, ...shape], dtype);
  }

  get array(): NDArray {
    return this.#array;
  }

  set(i: number, part: unknown): void {
    if (typeof part === 'number' && this.#shape.length === 0) {
      this.#widen('float64');
      this.#array.data[i] = part;
      return;
    }
    const { shape, dtype, data } = arrayOf(part, i);
    if (shape.join() !== this.#shape.join())
      throw wrongShape(`sample ${i} of the batch`, `of shape [${this.#shape.join(', ')}], as its first sample`, shape);
    this.#widen(dtype);
    this.#array.data.set(data, i * this.#width);
  }

  /** Numbers of two dtypes are float64. */
  #widen(dtype: DType): void {
    if (dtype !== this.#array.dtype && this.#array.dtype !== 'float64')
      this.#array = NDArray.from(this.#array, { dtype: 'float64' });
  }
}

function arrayOf(part: unknown, i: number): { shape: readonly number[]; dtype: DType; size: number; data: TypedData } {
  if (typeof part === 'number') return { shape: [], dtype: 'float64', size: 1, data: Float64Array.of(part) };
  return asArray(`sample ${i} of the batch`, part as NDArray);
}
