import { type Activation, type ActivationInput, getActivation } from '../activations.js';
import { checkBoolean, checkInteger } from '../check.js';
import { type Constraint, type ConstraintInput, checkConstraint } from '../constraints.js';
import { activate } from '../graph/ops/activation.js';
import { conv2d } from '../graph/ops/conv2d.js';
import { depthwise } from '../graph/ops/depthwise.js';
import { applyOp, type Value } from '../graph/value.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import { Layer, type LayerOptions, type Shape } from './layer.js';
import type { Ranks } from './ranks.js';
import { checkPadding, type Moving, type Padding } from './window.js';

/** `Size`: one number for height and width or both of an image, one for the steps of a sequence. */
export interface DepthwiseLayerOptions<Size> extends LayerOptions {
  /** Of the kernels: pixels of height and width, or steps. */
  kernelSize: Size;
  /** Pixels or steps from one place of the kernel to the next. Default 1 */
  strides?: Size;
  /** 'same': ceil(n / stride) places, zeros around the input. Default 'valid': those inside it */
  padding?: Padding;
  /** Kernels for each channel. Default 1 */
  depthMultiplier?: number;
  /** Pixels or steps from one value of the kernel to the next. Default 1 */
  dilationRate?: Size;
  /** Default: linear */
  activation?: ActivationInput;
  /** Default true */
  useBias?: boolean;
  /** Of the kernels [..., channels, depthMultiplier]. Default 'glorotUniform' */
  depthwiseInitializer?: InitializerInput;
  /** Default 'zeros' */
  biasInitializer?: InitializerInput;
  /** A penalty on the kernels. Default: none */
  depthwiseRegularizer?: RegularizerInput;
  /** A penalty on the bias. Default: none */
  biasRegularizer?: RegularizerInput;
  /** What the kernels are brought back to after each update. Default: nothing */
  depthwiseConstraint?: ConstraintInput;
  /** The same for the bias. Default: nothing */
  biasConstraint?: ConstraintInput;
}

const OPTIONS = [
  'kernelSize',
  'strides',
  'padding',
  'depthMultiplier',
  'dilationRate',
  'activation',
  'useBias',
  'depthwiseInitializer',
  'biasInitializer',
  'depthwiseRegularizer',
  'biasRegularizer',
  'depthwiseConstraint',
  'biasConstraint',
];

/** A kernel of one pixel. */
const AT_EACH = { strides: [1, 1], dilations: [1, 1], before: [0, 0] } as const;

/**
 * What layers have in common that convolve every channel of images, or of sequences, alone: kernels [...kernelSize, channels,
 * depthMultiplier].
 */
export abstract class DepthwiseLayer<R extends Ranks, Size extends number | readonly number[]> extends Layer<R> {
  readonly kernelSize: Size;
  readonly strides: Size;
  readonly padding: Padding;
  readonly depthMultiplier: number;
  readonly dilationRate: Size;
  override readonly activation: Activation;
  readonly useBias: boolean;
  readonly depthwiseInitializer: Initializer;
  readonly biasInitializer: Initializer;
  readonly depthwiseRegularizer?: Regularizer;
  readonly biasRegularizer?: Regularizer;
  readonly depthwiseConstraint?: Constraint;
  readonly biasConstraint?: Constraint;
  readonly #moving: Moving<Size>;

  constructor(options: DepthwiseLayerOptions<unknown>, moving: Moving<Size>, own: readonly string[] = []) {
    super(options, [...own, ...OPTIONS]);
    this.#moving = moving;
    this.kernelSize = moving.check('kernelSize', options.kernelSize);
    this.strides = moving.check('strides', options.strides ?? 1);
    this.padding = checkPadding(options.padding ?? 'valid');
    this.depthMultiplier = checkInteger('depthMultiplier', options.depthMultiplier ?? 1, 1);
    this.dilationRate = moving.check('dilationRate', options.dilationRate ?? 1);
    this.activation = getActivation('activation', options.activation ?? 'linear');
    this.useBias = checkBoolean('useBias', options.useBias ?? true);
    this.depthwiseInitializer = getInitializer('depthwiseInitializer', options.depthwiseInitializer ?? 'glorotUniform');
    this.biasInitializer = getInitializer('biasInitializer', options.biasInitializer ?? 'zeros');
    this.depthwiseRegularizer = checkRegularizer('depthwiseRegularizer', options.depthwiseRegularizer);
    this.biasRegularizer = checkRegularizer('biasRegularizer', options.biasRegularizer);
    this.depthwiseConstraint = checkConstraint('depthwiseConstraint', options.depthwiseConstraint);
    this.biasConstraint = checkConstraint('biasConstraint', options.biasConstraint);
  }

  /** Declares the kernels, under this name, for inputs of this shape; returns the channels that they make of these. */
  protected addDepthwise(name: string, inputShape: Shape): number {
    this.#slide(inputShape);
    const channels = inputShape[inputShape.length - 1];
    const shape = [this.kernelSize, channels, this.depthMultiplier].flat();
    const { depthwiseRegularizer: regularizer, depthwiseConstraint: constraint } = this;
    this.addWeight(name, shape, this.depthwiseInitializer, { regularizer, constraint });
    return channels * this.depthMultiplier;
  }

  protected addBias(size: number): void {
    const { biasRegularizer: regularizer, biasConstraint: constraint } = this;
    if (this.useBias) this.addWeight('bias', [size], this.biasInitializer, { regularizer, constraint });
  }

  /** Every channel by its kernels, then, where there is such a kernel, all of each place together. */
  protected convolve(x: Value, kernel: Value, { pointwise, bias }: { pointwise?: Value; bias?: Value }): Value {
    const { image, back } = this.#moving;
    const { places, before, strides, dilations } = this.#slide(x.shape);
    const windows = { places, before, strides, dilations };
    const channels = depthwise(image(x), image(kernel), pointwise ? undefined : bias, windows);
    const z = pointwise
      ? applyOp(conv2d, [channels, image(pointwise), ...(bias ? [bias] : [])], { ...AT_EACH, places })
      : channels;
    return activate(back(z), this.activation);
  }

  override getConfig(): Record<string, unknown> {
    return {
      kernelSize: this.kernelSize,
      strides: this.strides,
      padding: this.padding,
      depthMultiplier: this.depthMultiplier,
      dilationRate: this.dilationRate,
      activation: this.activation.config,
      useBias: this.useBias,
      depthwiseInitializer: this.depthwiseInitializer.config,
      biasInitializer: this.biasInitializer.config,
      depthwiseRegularizer: this.depthwiseRegularizer,
      biasRegularizer: this.biasRegularizer,
      depthwiseConstraint: this.depthwiseConstraint,
      biasConstraint: this.biasConstraint,
    };
  }

  #slide(inputShape: Shape) {
    const { kernelSize: size, strides, dilationRate: dilations, padding } = this;
    return this.#moving.slide(this, { size, strides, dilations, padding }, inputShape);
  }
}
