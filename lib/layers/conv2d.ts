import { checkInteger } from '../check.js';
import { activate } from '../graph/ops/activation.js';
import { conv2d } from '../graph/ops/conv2d.js';
import { applyOp, type Value } from '../graph/value.js';
import { KernelLayer, type KernelLayerOptions } from './kernel-layer.js';
import type { Shape, Weights } from './layer.js';
import { checkPadding, checkPair, type Padding, type Pair, type PairInput, slide } from './window.js';

export interface Conv2DOptions extends KernelLayerOptions {
  /** Channels of the output. */
  filters: number;
  /** Height and width of the kernel, in pixels. */
  kernelSize: PairInput;
  /** Pixels from one place of the kernel to the next. Default 1 */
  strides?: PairInput;
  /** 'same': ceil(n / stride) places, zeros around the image. Default 'valid': those inside the image */
  padding?: Padding;
  /** Pixels from one value of the kernel to the next. Default 1 */
  dilationRate?: PairInput;
}

/**
 * A convolution of images [height, width, channels] with a kernel [height, width, channels, filters] (a correlation, as
 * everywhere in this field), plus a bias for each filter. As Keras' Conv2D with its default data format.
 */
export class Conv2D extends KernelLayer {
  override readonly className = 'Conv2D';
  readonly filters: number;
  readonly kernelSize: Pair;
  readonly strides: Pair;
  readonly padding: Padding;
  readonly dilationRate: Pair;

  constructor(options: Conv2DOptions) {
    super(options, ['filters', 'kernelSize', 'strides', 'padding', 'dilationRate']);
    this.filters = checkInteger('filters', options.filters, 1);
    this.kernelSize = checkPair('kernelSize', options.kernelSize);
    this.strides = checkPair('strides', options.strides ?? 1);
    this.padding = checkPadding(options.padding ?? 'valid');
    this.dilationRate = checkPair('dilationRate', options.dilationRate ?? 1);
  }

  override build(inputShape: Shape): void {
    this.#slide(inputShape);
    this.addKernel([...this.kernelSize, inputShape[2], this.filters]);
  }

  call(x: Value, { kernel, bias }: Weights): Value {
    const { strides, dilationRate: dilations } = this;
    const z = applyOp(conv2d, bias ? [x, kernel, bias] : [x, kernel], { ...this.#slide(x.shape), strides, dilations });
    return activate(z, this.activation);
  }

  override getConfig(): Record<string, unknown> {
    const { filters, kernelSize, strides, padding, dilationRate } = this;
    return { filters, kernelSize, strides, padding, dilationRate, ...super.getConfig() };
  }

  #slide(inputShape: Shape) {
    const { kernelSize: size, strides, dilationRate: dilations, padding } = this;
    return slide(this, 'kernel', { size, strides, dilations, padding }, inputShape);
  }
}
