// Shapes that TensorFlow's operations ask for, of which a reshape is made: `tf.reshape(x, (tf.shape(x)[0], 12))`.
import { wrongType } from '../../check.js';
import { isValue, marked, type Value } from '../../graph/value.js';
import type { Given } from './operations-in.js';

/** The lengths that a value stands for; -1 is the batch's. */
const sizes = new WeakMap<Value, readonly number[]>();

export const isSize = (given: Given | undefined): given is Value => isValue(given) && sizes.has(given);

function withSizes(x: Value, own: readonly number[]): Value {
  const made = marked({ ...x });
  sizes.set(made, own);
  return made;
}

export function sizeOf(x: Given): Value {
  if (!isValue(x)) throw wrongType('what a shape is asked of', 'a value', x);
  return withSizes(x, [-1, ...x.shape]);
}

/** One of the lengths. */
export function sizeAt(x: Value, key: Given): Value {
  const own = sizes.get(x) as readonly number[];
  const [at, ...others] = [key].flat();
  const length = typeof at === 'number' && others.length === 0 ? own.at(at) : undefined;
  if (length === undefined) throw wrongType('the index of a shape', `one number below ${own.length}`, key);
  return withSizes(x, [length]);
}

/** A list of lengths, with those that were asked for. */
export const lengthsIn = (given: Given): readonly Given[] =>
  ([given].flat() as Given[]).flatMap((own) => (isSize(own) ? (sizes.get(own) as readonly Given[]) : [own]));
