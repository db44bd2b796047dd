import { filled } from '../allocate.js';
import { wrongValue } from '../check.js';
import type { Labels } from '../labels.js';
import { StratifiedShuffleSplit } from '../model-selection/shuffle-splits.js';
import { trainTestSplit } from '../model-selection/splits.js';
import type { RandomState } from '../random.js';
import type { Parameters } from './mlp-parameters.js';

/** Draws the rows to train on, and those set aside for early stopping. */
export type Split = () => [train: Int32Array, validation?: Int32Array];

/** Checks that a validation set can be split off; the rows are drawn when the result is called. */
export function splitter(p: Parameters, n: number, randomState: RandomState, strata?: Labels): Split {
  const testSize = p.validationFraction;
  const aside = Math.ceil(testSize * n);
  if (aside < 2 || aside >= n)
    throw wrongValue('validationFraction', `a share of the ${n} samples that is two or more, and not all`, testSize);
  const splits = strata && new StratifiedShuffleSplit({ nSplits: 1, testSize, randomState }).split(range(n), strata);
  return () => {
    const [train, validation] = splits ? [...splits][0] : trainTestSplit([range(n)], { testSize, randomState });
    return [train.data as Int32Array, validation.data as Int32Array];
  };
}

export const range = (n: number) => filled(Int32Array, n, (i) => i);
