import type { NDArray } from '../array.js';
import { type Randomised, TrainedLearner } from '../estimators/trained-learner.js';
import type { Labels } from '../labels.js';
import type { TableInput } from '../tables/frame.js';
import { checkUnused } from '../tables/transformer.js';

const isList = (y: unknown): boolean => typeof y === 'object' && y !== null && Symbol.iterator in y;

/** The options of `(x, options?)` or `(x, y, options?)`: labels are a list or a vector. */
function optionsBehind<F extends object>(y: unknown, options: F | undefined): F {
  if (options === undefined) return (y === undefined || isList(y) ? {} : y) as F;
  checkUnused(y);
  return options;
}

/**
 * A machine that learns from rows. Labels may stand behind them, as in scikit-learn, and are not used.
 *
 * @template F the options of `fitSync`, which `fit` has besides a signal
 */
export abstract class TrainedMachine<
  S extends object,
  O extends Randomised,
  P extends O,
  F extends { onEpochEnd?: unknown },
> extends TrainedLearner<S, O, P, F> {
  /**
   * Trains anew, off the main thread.
   * @param x [n, features]
   * @param y labels, which are not used: as in scikit-learn; may be left out
   * @throws RangeError, with nothing changed, for numbers that it cannot learn from; Error with code ERR_BUSY while it is training
   *   already, ERR_ABORTED after `signal` fired, ERR_DIVERGED where weights became infinite
   */
  fit(x: TableInput, y: Labels | undefined, options?: F & { signal?: AbortSignal }): Promise<this>;
  fit(x: TableInput, options?: F & { signal?: AbortSignal }): Promise<this>;
  async fit(x: TableInput, y?: unknown, options?: F & { signal?: AbortSignal }): Promise<this> {
    return this.fitWith(x, optionsBehind(y, options), ['onEpochEnd']);
  }

  /** The same on the calling thread, with the same bits. */
  fitSync(x: TableInput, y: Labels | undefined, options?: F): this;
  fitSync(x: TableInput, options?: F): this;
  fitSync(x: TableInput, y?: unknown, options?: F): this {
    return this.fitWithSync(x, optionsBehind(y, options), ['onEpochEnd']);
  }

  fitTransform(x: TableInput, y: Labels | undefined, options?: F): NDArray;
  fitTransform(x: TableInput, options?: F): NDArray;
  fitTransform(x: TableInput, y?: unknown, options?: F): NDArray {
    return this.fitSync(x, optionsBehind(y, options)).transform(x);
  }
}
