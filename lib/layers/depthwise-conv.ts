import type { Value } from '../graph/value.js';
import { DepthwiseLayer, type DepthwiseLayerOptions } from './depthwise-layer.js';
import type { Shape, Weights } from './layer.js';
import type { OfPictures, OfSequences, Ranks } from './ranks.js';
import { OVER_IMAGES, OVER_SEQUENCES, type Pair, type PairInput, type StepsInput } from './window.js';

export interface DepthwiseConv1DOptions extends DepthwiseLayerOptions<StepsInput> {}
export interface DepthwiseConv2DOptions extends DepthwiseLayerOptions<PairInput> {}

abstract class DepthwiseConv<R extends Ranks, Size extends number | Pair> extends DepthwiseLayer<R, Size> {
  override build(inputShape: Shape): void {
    this.addBias(this.addDepthwise('kernel', inputShape));
  }

  call(x: Value, { kernel, bias }: Weights): Value {
    return this.convolve(x, kernel, { bias });
  }
}

/**
 * A convolution of every channel of images [height, width, channels] by kernels of its own, [height, width, channels,
 * depthMultiplier]: output channel `c * depthMultiplier + m` is channel c by its kernel m. As Keras' DepthwiseConv2D.
 */
export class DepthwiseConv2D extends DepthwiseConv<OfPictures, Pair> {
  override readonly className = 'DepthwiseConv2D';

  constructor(options: DepthwiseConv2DOptions) {
    super(options, OVER_IMAGES);
  }
}

/** The same of sequences [steps, channels], by kernels [steps, channels, depthMultiplier]. As Keras' DepthwiseConv1D. */
export class DepthwiseConv1D extends DepthwiseConv<OfSequences, number> {
  override readonly className = 'DepthwiseConv1D';

  constructor(options: DepthwiseConv1DOptions) {
    super(options, OVER_SEQUENCES);
  }
}
