import { activate } from '../graph/ops/activation.js';
import type { Value } from '../graph/value.js';
import { FilterLayer, type FilterLayerOptions } from './filter-layer.js';
import type { Shape, Weights } from './layer.js';
import type { OfPictures } from './ranks.js';
import { checkPadding, checkPair, type Padding, type Pair, type PairInput, slide } from './window.js';

export interface Conv2DOptions extends FilterLayerOptions {
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
 * A convolution of images [height, width, channels] with a kernel [height, width, channels / groups, filters] (a correlation,
 * as everywhere in this field), plus a bias for each filter. As Keras' Conv2D with its default data format.
 */
export class Conv2D extends FilterLayer<OfPictures> {
  override readonly className = 'Conv2D';
  readonly kernelSize: Pair;
  readonly strides: Pair;
  readonly padding: Padding;
  readonly dilationRate: Pair;

  constructor(options: Conv2DOptions) {
    super(options, ['kernelSize', 'strides', 'padding', 'dilationRate']);
    this.kernelSize = checkPair('kernelSize', options.kernelSize);
    this.strides = checkPair('strides', options.strides ?? 1);
    this.padding = checkPadding(options.padding ?? 'valid');
    this.dilationRate = checkPair('dilationRate', options.dilationRate ?? 1);
  }

  override build(inputShape: Shape): void {
    this.#slide(inputShape);
    this.addFilters(this.kernelSize, inputShape, 'images');
  }

  call(x: Value, { kernel, bias }: Weights): Value {
    const { strides, dilationRate: dilations } = this;
    const z = this.convolve(x, kernel, bias, { ...this.#slide(x.shape), strides, dilations });
    return activate(z, this.activation);
  }

  override getConfig(): Record<string, unknown> {
    const { filters, kernelSize, strides, padding, dilationRate, groups } = this;
    return { filters, kernelSize, strides, padding, dilationRate, groups, ...super.getConfig() };
  }

  #slide(inputShape: Shape) {
    const { kernelSize: size, strides, dilationRate: dilations, padding } = this;
    return slide(this, 'kernel', { size, strides, dilations, padding }, inputShape);
  }
}
