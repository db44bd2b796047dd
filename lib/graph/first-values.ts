import { asArray, type NDArray } from '../array.js';
import { wrongShape } from '../check.js';
import type { RandomState } from '../random.js';
import type { Weight } from './value.js';

/** The values a weight begins with. An initializer of one's own may come to anything. */
export function firstValues(weightName: string, { shape, initializer }: Weight, random: RandomState): NDArray {
  const name = `what the initializer of ${weightName} makes`;
  const array = asArray(name, initializer(shape, random));
  if (array.shape.join() !== shape.join()) throw wrongShape(name, `of shape [${shape.join(', ')}]`, array.shape);
  return array;
}
