import { checkInteger, wrongType, wrongValue } from '../../check.js';
import { reverseAxis } from '../../graph/ops/axes.js';
import { applyOp, type Value } from '../../graph/value.js';
import { ops } from '../../ops.js';

/** A slice of an axis, as Python writes it. */
export interface Slice {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number;
}

/** Python's ..., all axes that are not indexed. */
export const ELLIPSIS = '...';

const ALL: Slice = { start: null, stop: null, step: 1 };

const isSlice = (given: unknown): given is Slice => typeof given === 'object' && given !== null && 'stop' in given;

interface Range {
  readonly from: number;
  readonly count: number;
  readonly step: number;
}

/** The places of an axis that a slice names; `length` is the axis' own. */
function rangeOf({ start, stop, step }: Slice, length: number): Range {
  const [first, last] = step > 0 ? [0, length] : [-1, length - 1]; // where bounds stop
  const bound = (given: number | null, byDefault: number) =>
    given === null ? byDefault : Math.max(first, Math.min(last, given < 0 ? given + length : given));
  const [from, until] = step > 0 ? [bound(start, first), bound(stop, last)] : [bound(start, last), bound(stop, first)];
  const count = Math.ceil((until - from) / step);
  if (count < 1) throw wrongValue('a slice', 'of one entry or more', 0);
  return { from, count, step };
}

/** Whole axes in the place of an ellipsis; null is a new axis, and takes none. */
function expanded(keys: readonly unknown[], rank: number): unknown[] {
  const taken = keys.filter((key) => key !== ELLIPSIS && key !== null).length;
  const whole = Array(Math.max(0, rank - taken)).fill(ALL);
  return keys.flatMap((key) => (key === ELLIPSIS ? whole : [key]));
}

/** x[from : from + count] along an axis */
export const sliced = (x: Value, axis: number, from: number, count: number) =>
  ops.slice(
    x,
    x.shape.map((_, own) => (own === axis ? from : 0)),
    x.shape.map((length, own) => (own === axis ? count : length)),
  ) as Value;

/** Every step-th entry of an axis: the first of each block of so many, and one of what is left behind the last whole block. */
function stepped(x: Value, axis: number, { from, count, step }: Range): Value {
  const length = x.shape[axis];
  const [ordered, first] = step > 0 ? [x, from] : [applyOp(reverseAxis, [x], { axis }), length - 1 - from];
  const each = Math.abs(step);
  const blocks = Math.min(count, Math.floor((length - first) / each));
  const parts: Value[] = [];
  if (blocks > 0) {
    const shapeWith = (...own: number[]) => x.shape.flatMap((n, i) => (i === axis ? own : [n]));
    const apart = ops.reshape(sliced(ordered, axis, first, blocks * each), shapeWith(blocks, each)) as Value;
    parts.push(ops.reshape(sliced(apart, axis + 1, 0, 1), shapeWith(blocks)) as Value);
  }
  if (blocks < count) parts.push(sliced(ordered, axis, first + blocks * each, 1));
  return parts.length === 1 ? parts[0] : (ops.concat(parts, { axis }) as Value);
}

/** x[:, 2, 1:3, ::2, None]: numbers take an axis away, None adds one. */
export function itemOf(x: Value, given: unknown): Value {
  const { shape } = x;
  const [batch, ...keys] = expanded(Array.isArray(given) ? given : [given], shape.length + 1);
  if (!isSlice(batch) || batch.start !== null || batch.stop !== null || batch.step !== 1)
    throw wrongType('the first index', 'a slice of all, as the batch stays', batch);
  const count = keys.filter((key) => key !== null).length;
  if (count > shape.length) throw wrongValue('indices', `at most ${shape.length + 1}`, count + 1);
  const starts = shape.map(() => 0);
  const lengths = [...shape];
  const ranges = new Map<number, Range>();
  const wanted: number[] = [];
  let axis = 0;
  for (const key of keys) {
    if (key === null) {
      wanted.push(1);
      continue;
    }
    if (isSlice(key)) {
      const range = rangeOf(key, shape[axis]);
      if (range.step === 1) [starts[axis], lengths[axis]] = [range.from, range.count];
      else ranges.set(axis, range);
      wanted.push(range.count);
    } else {
      const n = checkInteger('an index', key);
      [starts[axis], lengths[axis]] = [n < 0 ? n + shape[axis] : n, 1];
    }
    axis++;
  }
  let out = ops.slice(x, starts, lengths) as Value;
  for (const [own, range] of ranges) out = stepped(out, own, range);
  wanted.push(...shape.slice(axis));
  return wanted.length === shape.length && count === keys.length ? out : (ops.reshape(out, wanted) as Value);
}
