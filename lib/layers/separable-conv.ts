import { checkInteger } from '../check.js';
import { type Constraint, type ConstraintInput, checkConstraint } from '../constraints.js';
import type { Value } from '../graph/value.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import { DepthwiseLayer, type DepthwiseLayerOptions } from './depthwise-layer.js';
import type { Shape, Weights } from './layer.js';
import type { OfPictures, OfSequences, Ranks } from './ranks.js';
import { type Moving, OVER_IMAGES, OVER_SEQUENCES, type Pair, type PairInput, type StepsInput } from './window.js';

interface SeparableConvOptions<Size> extends DepthwiseLayerOptions<Size> {
  /** Channels of the output. */
  filters: number;
  /** Of the kernel [..., channels * depthMultiplier, filters], of one pixel or step. Default 'glorotUniform' */
  pointwiseInitializer?: InitializerInput;
  /** A penalty on that kernel. Default: none */
  pointwiseRegularizer?: RegularizerInput;
  /** What that kernel is brought back to after each update. Default: nothing */
  pointwiseConstraint?: ConstraintInput;
}
export interface SeparableConv1DOptions extends SeparableConvOptions<StepsInput> {}
export interface SeparableConv2DOptions extends SeparableConvOptions<PairInput> {}

abstract class SeparableConv<R extends Ranks, Size extends number | Pair> extends DepthwiseLayer<R, Size> {
  readonly filters: number;
  readonly pointwiseInitializer: Initializer;
  readonly pointwiseRegularizer?: Regularizer;
  readonly pointwiseConstraint?: Constraint;

  constructor(options: SeparableConvOptions<unknown>, moving: Moving<Size>) {
    super(options, moving, ['filters', 'pointwiseInitializer', 'pointwiseRegularizer', 'pointwiseConstraint']);
    this.filters = checkInteger('filters', options.filters, 1);
    this.pointwiseInitializer = getInitializer('pointwiseInitializer', options.pointwiseInitializer ?? 'glorotUniform');
    this.pointwiseRegularizer = checkRegularizer('pointwiseRegularizer', options.pointwiseRegularizer);
    this.pointwiseConstraint = checkConstraint('pointwiseConstraint', options.pointwiseConstraint);
  }

  override build(inputShape: Shape): void {
    const channels = this.addDepthwise('depthwiseKernel', inputShape);
    const shape = [...inputShape.slice(1).map(() => 1), channels, this.filters];
    const { pointwiseRegularizer: regularizer, pointwiseConstraint: constraint } = this;
    this.addWeight('pointwiseKernel', shape, this.pointwiseInitializer, { regularizer, constraint });
    this.addBias(this.filters);
  }

  call(x: Value, { depthwiseKernel, pointwiseKernel: pointwise, bias }: Weights): Value {
    return this.convolve(x, depthwiseKernel, { pointwise, bias });
  }

  override getConfig(): Record<string, unknown> {
    const { filters, pointwiseInitializer, pointwiseRegularizer, pointwiseConstraint } = this;
    const pointwise = { pointwiseInitializer: pointwiseInitializer.config, pointwiseRegularizer, pointwiseConstraint };
    return { filters, ...super.getConfig(), ...pointwise };
  }
}

/**
 * A convolution in two steps: every channel by kernels of its own, then a mixture of the channels in every pixel. Weights
 * depthwiseKernel [height, width, channels, depthMultiplier], pointwiseKernel [1, 1, channels * depthMultiplier, filters] and
 * bias [filters], as Keras' SeparableConv2D.
 */
export class SeparableConv2D extends SeparableConv<OfPictures, Pair> {
  override readonly className = 'SeparableConv2D';

  constructor(options: SeparableConv2DOptions) {
    super(options, OVER_IMAGES);
  }
}

/**
 * The same of sequences [steps, channels]: weights depthwiseKernel [steps, channels, depthMultiplier], pointwiseKernel
 * [1, channels * depthMultiplier, filters] and bias [filters], as Keras' SeparableConv1D.
 */
export class SeparableConv1D extends SeparableConv<OfSequences, number> {
  override readonly className = 'SeparableConv1D';

  constructor(options: SeparableConv1DOptions) {
    super(options, OVER_SEQUENCES);
  }
}
