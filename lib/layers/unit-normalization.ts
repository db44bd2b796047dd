import type { Value } from '../graph/value.js';
import { ops } from '../ops.js';
import { checkAxes, sampleAxes } from './axis.js';
import { Layer, type LayerOptions, type Shape } from './layer.js';
import type { SameRank } from './ranks.js';

export interface UnitNormalizationOptions extends LayerOptions {
  /**
   * The axis, or the axes together, along which vectors have the length 1, counted with the batch, as Keras: 1 is the first axis
   * of a sample, -1 (the default) the last.
   */
  axis?: number | readonly number[];
}

/** The square of Keras' epsilon: a shorter vector is divided by 1e-12. */
const LEAST = 1e-24;

/** x / sqrt(sum(x^2)) along an axis, or some. As Keras' UnitNormalization; zeros stay zeros. */
export class UnitNormalization extends Layer<SameRank> {
  override readonly className = 'UnitNormalization';
  override readonly supportsMasking = true;
  readonly axis: number | readonly number[];

  constructor(options: UnitNormalizationOptions = {}) {
    super(options, ['axis']);
    this.axis = checkAxes(options.axis ?? -1);
  }

  override build(inputShape: Shape): void {
    sampleAxes(this, this.axis, inputShape);
  }

  call(x: Value): Value {
    const squares = ops.sum(ops.square(x), { axis: sampleAxes(this, this.axis, x.shape), keepDims: true });
    return ops.div(x, ops.sqrt(ops.maximum(squares, LEAST)));
  }

  override getConfig(): Record<string, unknown> {
    return { axis: this.axis };
  }
}
