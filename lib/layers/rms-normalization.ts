import { checkInterval } from '../check.js';
import type { Value } from '../graph/value.js';
import { ops } from '../ops.js';
import { checkAxes, sampleAxes, sampleAxis } from './axis.js';
import { Layer, type LayerOptions, type Shape, type Weights, wrongInput } from './layer.js';
import type { SameRank } from './ranks.js';

export interface RMSNormalizationOptions extends LayerOptions {
  /**
   * The axis, or the axes, along which there is one mean of squares, counted with the batch, as Keras: 1 is the first axis of a
   * sample, -1 (the default) the last.
   */
  axis?: number | readonly number[];
  /** Added to the mean of squares, positive. Default 1e-6 */
  epsilon?: number;
}

/**
 * scale * x / sqrt(mean(x^2) + epsilon), with the mean of each sample along its last axis, or along those of `axis` together
 * (Zhang and Sennrich, 2019). As Keras' RMSNormalization: scale has the lengths of the axes, and multiplies the last ones, which
 * they therefore are; and it hands no mask on.
 */
export class RMSNormalization extends Layer<SameRank> {
  override readonly className = 'RMSNormalization';
  readonly axis: number | readonly number[];
  readonly epsilon: number;

  constructor(options: RMSNormalizationOptions = {}) {
    super(options, ['axis', 'epsilon']);
    this.axis = checkAxes(options.axis ?? -1);
    this.epsilon = checkInterval('epsilon', options.epsilon ?? 1e-6, 0, Number.POSITIVE_INFINITY, 'low');
  }

  override build(inputShape: Shape): void {
    sampleAxes(this, this.axis, inputShape);
    // sorted as they are given, and any axes of the lengths of the last ones, as in Keras
    const axes = [this.axis].flat().sort((a, b) => a - b);
    const shape = axes.map((axis) => inputShape[sampleAxis(axis, inputShape.length) as number]);
    const last = inputShape.slice(-shape.length);
    if (shape.some((n, i) => n !== last[i] && n !== 1))
      throw wrongInput(this, `of an axis (${[this.axis].flat().join(', ')}) that names its last ones`, inputShape);
    this.addWeight('scale', shape, 'ones');
  }

  call(x: Value, { scale }: Weights): Value {
    const squares = ops.mean(ops.square(x), { axis: sampleAxes(this, this.axis, x.shape), keepDims: true });
    return ops.mul(ops.div(x, ops.sqrt(ops.add(squares, this.epsilon))), scale);
  }

  override getConfig(): Record<string, unknown> {
    return { axis: this.axis, epsilon: this.epsilon };
  }
}
