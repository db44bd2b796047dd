import type { Value } from '../graph/value.js';
import { initializers } from '../initializers.js';
import { ops } from '../ops.js';
import { Layer, type LayerOptions, type Shape, type Weights, wrongInput } from './layer.js';
import type { SameRank } from './ranks.js';

/** Keras' least deviation, as it divides by no 0. */
export const LEAST_DEVIATION = 1e-7;

/**
 * (x - mean) / deviation of each channel, the last axis, by its weights `movingMean` and `movingVariance`, which training never moves:
 * Keras' Normalization, once adapt() has found them. Numbers that are known beforehand are a `rescaling`.
 */
export class Normalization extends Layer<SameRank> {
  override readonly className = 'Normalization';
  override readonly supportsMasking = true;

  constructor(options: LayerOptions = {}) {
    super(options);
  }

  override build(inputShape: Shape): void {
    if (inputShape.length === 0)
      throw wrongInput(this, 'of at least one dimension, the last of them channels', inputShape);
    const shape = inputShape.slice(-1);
    this.addWeight('movingMean', shape, initializers.zeros(), { trained: false });
    this.addWeight('movingVariance', shape, initializers.ones(), { trained: false });
  }

  call(x: Value, { movingMean, movingVariance }: Weights): Value {
    return ops.div(ops.sub(x, movingMean), ops.maximum(ops.sqrt(movingVariance), LEAST_DEVIATION));
  }
}
