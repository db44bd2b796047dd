import { checkInteger, wrongType, wrongValue } from '../check.js';
import { allocateAs, type DType, type Numbers, type TypedData } from './memory.js';
import { plural, product, stridesOf } from './shape.js';

/** What is taken of an axis: one index, which drops the axis; all of it (`null`); or Python's `start:stop:step`. */
export type SlicePart = number | null | readonly [start?: number | null, stop?: number | null, step?: number | null];

/** Indices `first`, `first + step`, … of an axis, `count` of them. */
interface Range {
  readonly first: number;
  readonly step: number;
  readonly count: number;
  readonly drop: boolean;
}

/** NumPy's basic slicing: a copy. */
export function slice(data: TypedData, dtype: DType, shape: readonly number[], parts: readonly SlicePart[]): Numbers {
  if (parts.length > shape.length)
    throw new RangeError(
      `Expected slice to be given at most ${plural(shape.length, 'part')}, one an axis of shape [${shape.join(', ')}], got ${parts.length}`,
    );
  const ranges = shape.map((n, axis) => rangeOf(axis, n, axis < parts.length ? parts[axis] : null));
  const strides = stridesOf(shape);
  const counts = ranges.map(({ count }) => count);
  const offset = ranges.reduce((sum, { first }, axis) => sum + first * strides[axis], 0);
  const out = allocateAs(dtype, product(counts));
  gather(
    out,
    data,
    offset,
    counts,
    strides.map((stride, axis) => stride * ranges[axis].step),
  );
  return { data: out, shape: ranges.filter(({ drop }) => !drop).map(({ count }) => count) };
}

/** Copies `counts` elements along each axis, `strides` apart in `values`, into `out` in row-major order. */
export function gather<T>(
  out: { [i: number]: T; readonly length: number },
  values: ArrayLike<T>,
  offset: number,
  counts: readonly number[],
  strides: readonly number[],
): void {
  if (out.length === 0) return;
  const last = counts.length - 1;
  let filled = 0;
  const copy = (axis: number, from: number) => {
    const [count, stride] = [counts[axis], strides[axis]];
    if (axis === last) for (let i = 0; i < count; i++) out[filled++] = values[from + i * stride];
    else for (let i = 0; i < count; i++) copy(axis + 1, from + i * stride);
  };
  if (last < 0) out[0] = values[offset];
  else copy(0, offset);
}

/** The place in memory of the element at `indices`, one an axis. */
export function offsetAt(shape: readonly number[], indices: readonly number[]): number {
  if (indices.length !== shape.length)
    throw new RangeError(
      `Expected at to be given ${plural(shape.length, 'index', 'indices')}, one an axis of shape [${shape.join(', ')}], got ${indices.length}`,
    );
  let offset = 0;
  for (let axis = 0; axis < shape.length; axis++)
    offset = offset * shape[axis] + indexOf(axis, shape[axis], indices[axis]);
  return offset;
}

function indexOf(axis: number, n: number, index: number): number {
  const expected = `an integer in [${-n}, ${n})`;
  if (typeof index !== 'number') throw wrongType(`the index of axis ${axis}`, expected, index);
  if (!Number.isInteger(index) || index < -n || index >= n)
    throw n === 0
      ? new RangeError(`Expected axis ${axis} to hold elements to index, got an axis of length 0`)
      : wrongValue(`the index of axis ${axis}`, expected, index);
  return index < 0 ? index + n : index;
}

/** As Python resolves a slice of a sequence of `n`. */
function rangeOf(axis: number, n: number, part: SlicePart): Range {
  if (part === null) return { first: 0, step: 1, count: n, drop: false };
  if (typeof part === 'number') return { first: indexOf(axis, n, part), step: 1, count: 1, drop: true };
  if (!Array.isArray(part) || part.length > 3)
    throw wrongType(`the part of axis ${axis}`, 'an index, null or [start, stop, step]', part);
  const step = bound(`the step of axis ${axis}`, part[2]) ?? 1;
  if (step === 0) throw wrongValue(`the step of axis ${axis}`, 'an integer other than 0', step);
  // one before the first index, and one behind the last, as far as this step can go
  const [low, high] = step > 0 ? [0, n] : [-1, n - 1];
  const resolved = (what: string, given: unknown, absent: number) => {
    const at = bound(`the ${what} of axis ${axis}`, given);
    return at === undefined ? absent : Math.min(Math.max(at < 0 ? at + n : at, low), high);
  };
  const first = resolved('start', part[0], step > 0 ? low : high);
  const end = resolved('stop', part[1], step > 0 ? high : low);
  return { first, step, count: Math.max(0, Math.ceil((end - first) / step)), drop: false };
}

const bound = (name: string, value: unknown) =>
  value === null || value === undefined ? undefined : checkInteger(name, value);
