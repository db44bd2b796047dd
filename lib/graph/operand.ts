import { type ArrayInput, NDArray } from '../array.js';
import { checkInteger, checkNumber, wrongType, wrongValue } from '../check.js';
import { isValue, marked, type Value } from './value.js';

/** A value of a graph, or numbers that are the same for all samples. */
export type Operand = Value | number | ArrayInput;

export function toValue(name: string, x: Operand): Value {
  if (isValue(x)) return x;
  if (typeof x === 'number') {
    checkNumber(name, x);
    return marked({ shape: [], batched: false, constant: NDArray.from([x]).reshape() });
  }
  if (x === null || x === undefined || typeof x !== 'object')
    throw wrongType(name, 'a value of a graph, a number or an array of numbers', x);
  const constant = NDArray.from(x);
  return marked({ shape: constant.shape, batched: false, constant });
}

export function checkAxis(name: string, axis: unknown, rank: number): number {
  const n = checkInteger(name, axis);
  if (n < -rank || n >= rank) throw wrongValue(name, `an axis of the ${rank} of a sample`, axis);
  return n < 0 ? n + rank : n;
}
