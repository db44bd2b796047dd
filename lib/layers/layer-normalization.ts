import { constant } from '../graph/broadcast.js';
import { layerNormalization } from '../graph/ops/normalization.js';
import { applyOp, type Value } from '../graph/value.js';
import { ops } from '../ops.js';
import { checkAxes, sampleAxes } from './axis.js';
import type { Shape, Weights } from './layer.js';
import { NormalizingLayer, type NormalizingLayerOptions } from './normalizing-layer.js';

export interface LayerNormalizationOptions extends NormalizingLayerOptions {
  /**
   * The axis, or the axes, along which there is one mean and one variance, counted with the batch, as Keras: 1 is the first
   * axis of a sample, -1 (the default) the last.
   */
  axis?: number | readonly number[];
}

/**
 * gamma * (x - mean) / sqrt(variance + epsilon) + beta, with mean and variance (divided by n) of each sample along its last
 * axis, or along those of `axis` together; gamma and beta have their lengths (Ba, Kiros and Hinton, 2016). As Keras'
 * LayerNormalization.
 */
export class LayerNormalization extends NormalizingLayer {
  override readonly className = 'LayerNormalization';
  readonly axis: number | readonly number[];

  constructor(options: LayerNormalizationOptions = {}) {
    super(options, ['axis']);
    this.axis = checkAxes(options.axis ?? -1);
  }

  override build(inputShape: Shape): void {
    this.addGammaAndBeta(sampleAxes(this, this.axis, inputShape).map((axis) => inputShape[axis]));
  }

  call(x: Value, weights: Weights): Value {
    const axes = sampleAxes(this, this.axis, x.shape);
    const shape = axes.map((axis) => x.shape[axis]);
    const { gamma = constant(shape, 1), beta = constant(shape, 0) } = weights;
    // rows lie together where the axes are the last ones
    const order = [...x.shape.keys()].filter((axis) => !axes.includes(axis)).concat(axes);
    const rows = applyOp(layerNormalization, [ops.transpose(x, order), gamma, beta], { epsilon: this.epsilon });
    return ops.transpose(
      rows,
      order.map((_, axis) => order.indexOf(axis)),
    );
  }

  override getConfig(): Record<string, unknown> {
    return { axis: this.axis, ...super.getConfig() };
  }
}
