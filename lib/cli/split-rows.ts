import type { NDArray } from '../array.js';
import type { Label } from '../labels.js';
import { trainTestSplit } from '../model-selection/splits.js';
import type { DataOptions } from './dataset.js';
import { CommandError, EXIT, usage } from './errors.js';

/** The rows to train on, and those to test on. */
export function splitRows(
  name: string,
  rows: NDArray,
  y: NDArray,
  classes: readonly Label[] | undefined,
  { testSize, stratify }: DataOptions,
  seed: number,
): [train: NDArray, test: NDArray] {
  const n = rows.shape[0];
  if (n < 2)
    throw new CommandError(
      EXIT.input,
      `Expected '${name}' to hold two samples or more to split a test set off, got ${n}`,
    );
  if (stratify) checkShares(name, y, classes);
  // as the lecture: train_size=0.8, test_size=1 - 0.8
  const [train, test] = trainTestSplit([rows], { testSize, randomState: seed, ...(stratify && { stratify: y }) });
  return [train, test];
}

/** A class of one sample cannot be in both sets. */
function checkShares(name: string, y: NDArray, classes: readonly Label[] | undefined): void {
  if (!classes) throw usage(`Expected no --stratify with '${name}', whose labels are numbers`);
  const counts = classes.map(() => 0);
  for (const code of y.data) counts[code]++;
  const rare = counts.findIndex((count) => count < 2);
  if (rare >= 0)
    throw new CommandError(
      EXIT.input,
      `Expected '${name}' to hold every class twice or more for --stratify, got ${classes[rare]} once`,
    );
}
