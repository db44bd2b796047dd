import { checkInteger, wrongValue } from '../check.js';

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
