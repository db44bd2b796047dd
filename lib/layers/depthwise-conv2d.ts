import { activate } from '../graph/ops/activation.js';
import type { Value } from '../graph/value.js';
import { DepthwiseLayer, type DepthwiseLayerOptions } from './depthwise-layer.js';
import type { Shape, Weights } from './layer.js';

export interface DepthwiseConv2DOptions extends DepthwiseLayerOptions {}

/**
 * A convolution of every channel of images [height, width, channels] by kernels of its own, [height, width, channels,
 * depthMultiplier]: output channel `c * depthMultiplier + m` is channel c by its kernel m. As Keras' DepthwiseConv2D.
 */
export class DepthwiseConv2D extends DepthwiseLayer {
  override readonly className = 'DepthwiseConv2D';

  constructor(options: DepthwiseConv2DOptions) {
    super(options);
  }

  override build(inputShape: Shape): void {
    this.addDepthwise('kernel', inputShape);
    this.addBias(inputShape[2] * this.depthMultiplier);
  }

  call(x: Value, { kernel, bias }: Weights): Value {
    return activate(this.convolve(x, kernel, bias), this.activation);
  }
}
