import { constant, remasked, reshaped } from '../graph/broadcast.js';
import type { Shape, Value } from '../graph/value.js';
import { ops } from '../ops.js';

/** 1 where a number is not `value`, else 0. */
export const differsFrom = (x: Value, value: number): Value => ops.abs(ops.sign(value === 0 ? x : ops.sub(x, value)));

const ones = (n: number): Shape => Array.from({ length: n }, () => 1);

/** A mask [steps, ...] as it broadcasts with what it is the mask of, which has so many axes. */
export const alongFeatures = (mask: Value, rank: number): Value =>
  reshaped(mask, [...mask.shape, ...ones(rank - mask.shape.length)]);

/** [steps, ...] with zeros in the steps that do not count. */
export const masked = (x: Value, mask: Value | undefined): Value =>
  mask ? ops.mul(x, alongFeatures(mask, x.shape.length)) : x;

/** A layer's only input where that hands its mask on; expand ends the mask of an input that a layer gives as it is. */
export const handedOn = (x: Value): Value => (x.mask ? remasked(x, x.mask) : x);

/** The steps that count in any of several values, which broadcast; undefined where one has no mask, so that all count. */
export function anyMask(values: readonly Value[]): Value | undefined {
  const own = [...new Map(values.map((value) => [value.mask, value])).values()];
  if (own.some(({ mask }) => mask === undefined)) return undefined;
  const rank = Math.max(...values.map(({ shape }) => shape.length));
  const reach = Math.max(...own.map(({ shape, mask }) => rank - shape.length + (mask as Value).shape.length));
  return own
    .map(({ shape, mask }) => alongFeatures(behindAxes(mask as Value, rank - shape.length), reach))
    .reduce((either, mask) => ops.maximum(either, mask) as Value);
}

const behindAxes = (mask: Value, n: number): Value => reshaped(mask, [...ones(n), ...mask.shape]);

/** The steps that count of values one behind the other along an axis of the steps; undefined where none has a mask. */
export function joinedMask(values: readonly Value[], axis: number): Value | undefined {
  const axes = Math.max(...values.map(({ mask }) => mask?.shape.length ?? 0));
  if (axis >= axes) return anyMask(values);
  const whole = ({ shape, mask }: Value): Value => {
    const all = constant(shape.slice(0, axes), 1);
    return mask ? spread(mask, all.shape) : all;
  };
  return ops.concat(values.map(whole), { axis }) as Value;
}

/** A mask of steps for all axes of theirs. */
export const spread = (mask: Value, steps: Shape): Value =>
  mask.shape.join() === steps.join() ? mask : ops.mul(alongFeatures(mask, steps.length), constant(steps, 1));
