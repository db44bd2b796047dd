import { type Activation, type ActivationInput, getActivation } from '../activations.js';
import { checkBoolean, checkInteger } from '../check.js';
import { depthwise } from '../graph/ops/depthwise.js';
import type { Value } from '../graph/value.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import { Layer, type LayerOptions, type Shape } from './layer.js';
import type { OfPictures } from './ranks.js';
import { checkPadding, checkPair, type Padding, type Pair, type PairInput, slide } from './window.js';

export interface DepthwiseLayerOptions extends LayerOptions {
  /** Height and width of the kernels, in pixels. */
  kernelSize: PairInput;
  /** Pixels from one place of the kernel to the next. Default 1 */
  strides?: PairInput;
  /** 'same': ceil(n / stride) places, zeros around the image. Default 'valid': those inside the image */
  padding?: Padding;
  /** Kernels for each channel. Default 1 */
  depthMultiplier?: number;
  /** Pixels from one value of the kernel to the next. Default 1 */
  dilationRate?: PairInput;
  /** Default: linear */
  activation?: ActivationInput;
  /** Default true */
  useBias?: boolean;
  /** Of the kernels [height, width, channels, depthMultiplier]. Default 'glorotUniform' */
  depthwiseInitializer?: InitializerInput;
  /** Default 'zeros' */
  biasInitializer?: InitializerInput;
  /** A penalty on the kernels. Default: none */
  depthwiseRegularizer?: RegularizerInput;
  /** A penalty on the bias. Default: none */
  biasRegularizer?: RegularizerInput;
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
];

/** What layers have in common that convolve every channel alone: kernels [height, width, channels, depthMultiplier]. */
export abstract class DepthwiseLayer extends Layer<OfPictures> {
  readonly kernelSize: Pair;
  readonly strides: Pair;
  readonly padding: Padding;
  readonly depthMultiplier: number;
  readonly dilationRate: Pair;
  override readonly activation: Activation;
  readonly useBias: boolean;
  readonly depthwiseInitializer: Initializer;
  readonly biasInitializer: Initializer;
  readonly depthwiseRegularizer?: Regularizer;
  readonly biasRegularizer?: Regularizer;

  constructor(options: DepthwiseLayerOptions, own: readonly string[] = []) {
    super(options, [...own, ...OPTIONS]);
    this.kernelSize = checkPair('kernelSize', options.kernelSize);
    this.strides = checkPair('strides', options.strides ?? 1);
    this.padding = checkPadding(options.padding ?? 'valid');
    this.depthMultiplier = checkInteger('depthMultiplier', options.depthMultiplier ?? 1, 1);
    this.dilationRate = checkPair('dilationRate', options.dilationRate ?? 1);
    this.activation = getActivation('activation', options.activation ?? 'linear');
    this.useBias = checkBoolean('useBias', options.useBias ?? true);
    this.depthwiseInitializer = getInitializer('depthwiseInitializer', options.depthwiseInitializer ?? 'glorotUniform');
    this.biasInitializer = getInitializer('biasInitializer', options.biasInitializer ?? 'zeros');
    this.depthwiseRegularizer = checkRegularizer('depthwiseRegularizer', options.depthwiseRegularizer);
    this.biasRegularizer = checkRegularizer('biasRegularizer', options.biasRegularizer);
  }

  /** Declares the kernels, under this name, for images of this shape. */
  protected addDepthwise(name: string, inputShape: Shape): void {
    this.#slide(inputShape);
    this.addWeight(name, [...this.kernelSize, inputShape[2], this.depthMultiplier], this.depthwiseInitializer, {
      regularizer: this.depthwiseRegularizer,
    });
  }

  protected addBias(size: number): void {
    if (this.useBias) this.addWeight('bias', [size], this.biasInitializer, { regularizer: this.biasRegularizer });
  }

  protected convolve(x: Value, kernel: Value, bias?: Value): Value {
    const { strides, dilationRate: dilations } = this;
    return depthwise(x, kernel, bias, { ...this.#slide(x.shape), strides, dilations });
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
    };
  }

  #slide(inputShape: Shape) {
    const { kernelSize: size, strides, dilationRate: dilations, padding } = this;
    return slide(this, 'kernel', { size, strides, dilations, padding }, inputShape);
  }
}
