import { checkInteger, checkNumber, wrongType, wrongValue } from '../../check.js';
import { repeatAxis, reverseAxis } from '../../graph/ops/axes.js';
import { applyOp, type Value } from '../../graph/value.js';
import { ops } from '../../ops.js';
import { paddedWith } from '../filled-pad.js';
import { sliced } from './items-in.js';

/** Numbers along an axis that the file makes: more would be an arena of nothing. */
const MOST = 2 ** 20;

const concatenated = (parts: readonly Value[], axis: number) =>
  (parts.length === 1 ? parts[0] : ops.concat(parts as Value<any>[], { axis })) as Value;

/** What lies before a value or behind it, by its mode: entries of it, nearest to the edge first. */
const OF_EDGE: Readonly<Record<string, { readonly skip: number; readonly isMirror: boolean }>> = {
  reflect: { skip: 1, isMirror: true },
  symmetric: { skip: 0, isMirror: true },
  wrap: { skip: 0, isMirror: false },
};

function paddedBy(mode: string, x: Value, axis: number, before: number, after: number): Value {
  const n = x.shape[axis];
  const { skip, isMirror } = OF_EDGE[mode];
  if (Math.max(before, after) + skip > n)
    throw wrongValue('pad_width', `at most ${n - skip}, as it repeats that many`, Math.max(before, after));
  const mirrored = (part: Value) => (isMirror ? applyOp(reverseAxis, [part], { axis }) : part);
  const [front, back] = isMirror ? [skip, n - skip - after] : [n - before, 0];
  const parts = [
    ...(before > 0 ? [mirrored(sliced(x, axis, front, before))] : []),
    x,
    ...(after > 0 ? [mirrored(sliced(x, axis, back, after))] : []),
  ];
  return concatenated(parts, axis);
}

/** numpy.pad, of which the first pair is the batch's. */
export function paddedAs(x: Value, width: unknown, mode: unknown, fill: unknown): Value {
  const rank = x.shape.length + 1;
  if (!Array.isArray(width) || width.length !== rank)
    throw wrongType('pad_width', `a list of ${rank} pairs, the first of which is the batch's`, width);
  const isKnown = mode === 'constant' || (typeof mode === 'string' && Object.hasOwn(OF_EDGE, mode));
  if (!isKnown) throw wrongValue('mode', `one of constant, ${Object.keys(OF_EDGE).join(', ')}`, mode);
  const pairs = width.map((pair, i) => {
    const [before, after] = [pair].flat();
    const check = (n: unknown) => checkInteger(`pad_width[${i}]`, n, 0);
    return [check(before), check(after ?? before)];
  });
  if (pairs[0].some((n) => n !== 0)) throw wrongValue('pad_width[0]', '[0, 0], as the batch stays', pairs[0]);
  return pairs.slice(1).reduce((made, [before, after], axis) => {
    if (before + after === 0) return made;
    if (before + after >= MOST) throw wrongValue('pad_width', 'below 2^20', before + after);
    return mode === 'constant'
      ? paddedWith(checkNumber('constant_values', fill ?? 0), made, axis, before, after)
      : paddedBy(mode as string, made, axis, before, after);
  }, x);
}

/** Parts of a value along an axis: so many, all as long, or cut at these places. */
export function splitAt(x: Value, axis: number, given: unknown): Value[] {
  const n = x.shape[axis];
  if (!Array.isArray(given)) {
    const count = checkInteger('indices_or_sections', given, 1);
    if (n % count !== 0) throw wrongValue('indices_or_sections', `a divisor of ${n}`, count);
    return Array.from({ length: count }, (_, i) => sliced(x, axis, (i * n) / count, n / count));
  }
  const cuts = given.map((place, i) => {
    const own = checkInteger(`indices_or_sections[${i}]`, place);
    return Math.min(n, own < 0 ? own + n : own);
  });
  return [0, ...cuts].map((from, i) => {
    const to = cuts[i] ?? n;
    if (to <= from) throw wrongValue('indices_or_sections', 'cuts that leave an entry to each part', given);
    return sliced(x, axis, from, to - from);
  });
}

/** A value so many times along each axis, the batch once. */
export function tiled(x: Value, repeats: unknown): Value {
  const own = [repeats].flat().map((n) => checkInteger('repeats', n, 1));
  const rank = x.shape.length + 1;
  const [batch, ...times] = [...Array(Math.max(0, rank - own.length)).fill(1), ...own];
  if (own.length > rank || batch !== 1) throw wrongValue('repeats', `${rank} at most, and 1 of the batch`, repeats);
  return times.reduce((made: Value, n: number, axis) => {
    if (n === 1) return made;
    const { shape } = made;
    const apart = ops.reshape(made, [...shape.slice(0, axis), 1, ...shape.slice(axis)]) as Value;
    const to = shape.map((length, own) => (own === axis ? length * n : length));
    return ops.reshape(applyOp(repeatAxis, [apart], { axis, n }), to) as Value;
  }, x);
}

/** The entries along an axis moved by so many places, the last ones to the front. */
export function rolled(x: Value, axis: number, shift: unknown): Value {
  const n = x.shape[axis];
  const by = ((checkInteger('shift', shift) % n) + n) % n;
  return by === 0 ? x : concatenated([sliced(x, axis, n - by, by), sliced(x, axis, 0, n - by)], axis);
}
