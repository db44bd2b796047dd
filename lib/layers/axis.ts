import { checkInteger, wrongType, wrongValue } from '../check.js';
import { type Layer, type Shape, wrongInput } from './layer.js';

/** An axis as Keras counts it, from that of the batch on: 1 is the first of a sample, -1 the last. @throws RangeError for 0 */
export function checkAxis(name: string, value: unknown): number {
  const axis = checkInteger(name, value);
  if (axis === 0) throw wrongValue(name, 'an axis of a sample, from 1 or from the end by -1 (0 is the batch)', value);
  return axis;
}

/** Which of the `rank` axes of a sample that is, from 0; undefined if it is none of them. */
export function sampleAxis(axis: number, rank: number): number | undefined {
  const own = axis > 0 ? axis - 1 : axis + rank;
  return own >= 0 && own < rank ? own : undefined;
}

/** One axis, or some. */
export function checkAxes(value: unknown): number | readonly number[] {
  if (!Array.isArray(value)) return checkAxis('axis', value);
  if (value.length === 0) throw wrongType('axis', 'an axis or an array of some', value);
  return Array.from(value, (axis, i) => checkAxis(`axis[${i}]`, axis));
}

/** Those of a sample, in their order. @throws RangeError for one that there is not, or is twice */
export function sampleAxes(layer: Layer, axis: number | readonly number[], inputShape: Shape): number[] {
  const given = [axis].flat();
  const axes = given.map((axis) => {
    const own = sampleAxis(axis, inputShape.length);
    if (own === undefined) throw wrongInput(layer, `of an axis ${axis} (0 is that of the batch)`, inputShape);
    return own;
  });
  if (new Set(axes).size < axes.length)
    throw wrongInput(layer, `of axes [${given.join(', ')}] that all differ`, inputShape);
  return axes.sort((a, b) => a - b);
}
