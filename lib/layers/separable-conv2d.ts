import { checkInteger } from '../check.js';
import { activate } from '../graph/ops/activation.js';
import { conv2d } from '../graph/ops/conv2d.js';
import { applyOp, type Value } from '../graph/value.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import { DepthwiseLayer, type DepthwiseLayerOptions } from './depthwise-layer.js';
import type { Shape, Weights } from './layer.js';

export interface SeparableConv2DOptions extends DepthwiseLayerOptions {
  /** Channels of the output. */
  filters: number;
  /** Of the kernel [1, 1, channels * depthMultiplier, filters]. Default 'glorotUniform' */
  pointwiseInitializer?: InitializerInput;
  /** A penalty on that kernel. Default: none */
  pointwiseRegularizer?: RegularizerInput;
}

/**
 * A convolution in two steps: every channel by kernels of its own, then a mixture of the channels in every pixel. Weights
 * depthwiseKernel [height, width, channels, depthMultiplier], pointwiseKernel [1, 1, channels * depthMultiplier, filters] and
 * bias [filters], as Keras' SeparableConv2D.
 */
export class SeparableConv2D extends DepthwiseLayer {
  override readonly className = 'SeparableConv2D';
  readonly filters: number;
  readonly pointwiseInitializer: Initializer;
  readonly pointwiseRegularizer?: Regularizer;

  constructor(options: SeparableConv2DOptions) {
    super(options, ['filters', 'pointwiseInitializer', 'pointwiseRegularizer']);
    this.filters = checkInteger('filters', options.filters, 1);
    this.pointwiseInitializer = getInitializer('pointwiseInitializer', options.pointwiseInitializer ?? 'glorotUniform');
    this.pointwiseRegularizer = checkRegularizer('pointwiseRegularizer', options.pointwiseRegularizer);
  }

  override build(inputShape: Shape): void {
    this.addDepthwise('depthwiseKernel', inputShape);
    const shape = [1, 1, inputShape[2] * this.depthMultiplier, this.filters];
    this.addWeight('pointwiseKernel', shape, this.pointwiseInitializer, { regularizer: this.pointwiseRegularizer });
    this.addBias(this.filters);
  }

  call(x: Value, { depthwiseKernel, pointwiseKernel, bias }: Weights): Value {
    const channels = this.convolve(x, depthwiseKernel);
    const [height, width] = channels.shape;
    const inputs = bias ? [channels, pointwiseKernel, bias] : [channels, pointwiseKernel];
    const z = applyOp(conv2d, inputs, { places: [height, width], strides: [1, 1], dilations: [1, 1], before: [0, 0] });
    return activate(z, this.activation);
  }

  override getConfig(): Record<string, unknown> {
    const { filters, pointwiseInitializer, pointwiseRegularizer } = this;
    return { filters, ...super.getConfig(), pointwiseInitializer: pointwiseInitializer.config, pointwiseRegularizer };
  }
}
