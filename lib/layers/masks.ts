import { reshaped } from '../graph/broadcast.js';
import type { Value } from '../graph/value.js';
import { ops } from '../ops.js';

/** 1 where a number is not `value`, else 0. */
export const differsFrom = (x: Value, value: number): Value => ops.abs(ops.sign(value === 0 ? x : ops.sub(x, value)));

/** [steps, ...] with zeros in the steps that do not count. */
export const masked = (x: Value, mask: Value | undefined): Value =>
  mask ? ops.mul(x, reshaped(mask, [mask.shape[0], ...x.shape.slice(1).map(() => 1)])) : x;

/** The steps that count in any of several values; undefined where one has no mask, so that all count. */
export function anyMask(values: readonly Value[]): Value | undefined {
  const masks = [...new Set(values.map(({ mask }) => mask))];
  return masks.includes(undefined)
    ? undefined
    : (masks as Value[]).reduce((either, mask) => ops.maximum(either, mask) as Value);
}
