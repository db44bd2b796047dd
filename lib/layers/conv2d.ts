import { checkInteger, wrongValue } from '../check.js';
import { activate } from '../graph/ops/activation.js';
import { conv2d } from '../graph/ops/conv2d.js';
import { conv2dGrouped } from '../graph/ops/conv2d-grouped.js';
import { depthwise } from '../graph/ops/depthwise.js';
import { applyOp, type Value } from '../graph/value.js';
import { ops } from '../ops.js';
import { KernelLayer, type KernelLayerOptions } from './kernel-layer.js';
import { type Shape, type Weights, wrongInput } from './layer.js';
import type { OfPictures } from './ranks.js';
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
  /** So many parts of the channels, each with its part of the filters alone: both are multiples of it. Default 1 */
  groups?: number;
}

/**
 * A convolution of images [height, width, channels] with a kernel [height, width, channels / groups, filters] (a correlation,
 * as everywhere in this field), plus a bias for each filter. As Keras' Conv2D with its default data format.
 */
export class Conv2D extends KernelLayer<OfPictures> {
  override readonly className = 'Conv2D';
  readonly filters: number;
  readonly kernelSize: Pair;
  readonly strides: Pair;
  readonly padding: Padding;
  readonly dilationRate: Pair;
  readonly groups: number;

  constructor(options: Conv2DOptions) {
    super(options, ['filters', 'kernelSize', 'strides', 'padding', 'dilationRate', 'groups']);
    this.filters = checkInteger('filters', options.filters, 1);
    this.kernelSize = checkPair('kernelSize', options.kernelSize);
    this.strides = checkPair('strides', options.strides ?? 1);
    this.padding = checkPadding(options.padding ?? 'valid');
    this.dilationRate = checkPair('dilationRate', options.dilationRate ?? 1);
    this.groups = checkInteger('groups', options.groups ?? 1, 1);
    if (this.filters % this.groups > 0)
      throw wrongValue('filters', `a multiple of groups (${this.groups})`, options.filters);
  }

  override build(inputShape: Shape): void {
    this.#slide(inputShape);
    const channels = inputShape[2] / this.groups;
    if (!Number.isInteger(channels))
      throw wrongInput(this, `images whose channels are a multiple of groups (${this.groups})`, inputShape);
    this.addKernel([...this.kernelSize, channels, this.filters]);
  }

  call(x: Value, { kernel, bias }: Weights): Value {
    const { groups, strides, dilationRate: dilations } = this;
    const options = { ...this.#slide(x.shape), strides, dilations };
    const convolve = () => {
      const inputs = (w: Value) => (bias ? [x, w, bias] : [x, w]);
      if (groups === 1) return applyOp(conv2d, inputs(kernel), options);
      if (groups < x.shape[2]) return applyOp(conv2dGrouped, inputs(kernel), { ...options, groups });
      // [height, width, 1, channels * n] lies as [height, width, channels, n] does
      const own = ops.reshape(kernel, [...this.kernelSize, groups, this.filters / groups]);
      return depthwise(x, own, bias, options);
    };
    return activate(convolve(), this.activation);
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
