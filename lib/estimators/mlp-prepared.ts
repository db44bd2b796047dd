import type { NDArray } from '../array.js';
import type { Labels } from '../labels.js';
import type { RandomState } from '../random.js';
import type { Ranks } from '../training/ranks.js';
import type { Architecture } from './mlp-network.js';
import type { Parameters } from './mlp-parameters.js';
import type { Split } from './mlp-split.js';
import type { Samples } from './mlp-training.js';

/** The targets of a fit, checked. */
export interface Targets {
  /** [n, outputs] */
  columns: NDArray;
  outActivation: Architecture['outActivation'];
  /** The classes to keep the shares of, where a validation set is split off. */
  strata?: Labels;
  /** What the score is called in logs. */
  metric: 'accuracy' | 'rSquared';
  /** Of the network's outputs for some rows; for early stopping. */
  score(outputs: NDArray, rows: Int32Array, weights?: ArrayLike<number>): number;
  /** Called when training starts. */
  adopt?(): void;
}

/** A fit whose arguments have been checked. */
export interface Prepared {
  p: Parameters;
  incremental: boolean;
  firstPass: boolean;
  /** Whether weights are drawn in float32, whatever they are trained in. */
  float32: boolean;
  architecture: Architecture;
  samples: Samples;
  targets: Targets;
  random: RandomState;
  split: Split;
  /** Tells the samples of ranks apart, which are to be the same. */
  digest: () => number;
  ranks?: Ranks;
}
