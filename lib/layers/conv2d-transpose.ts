import { checkInteger } from '../check.js';
import { activate } from '../graph/ops/activation.js';
import { conv2dTranspose } from '../graph/ops/conv2d-transpose.js';
import { applyOp, type Value } from '../graph/value.js';
import { KernelLayer, type KernelLayerOptions } from './kernel-layer.js';
import { type Shape, type Weights, wrongInput } from './layer.js';
import type { OfPictures } from './ranks.js';
import { checkPadding, checkPair, type Padding, type Pair, type PairInput } from './window.js';

export interface Conv2DTransposeOptions extends KernelLayerOptions {
  /** Channels of the output. */
  filters: number;
  /** Height and width of the kernel, in pixels. */
  kernelSize: PairInput;
  /** Pixels of the output from one pixel of the input to the next. Default 1 */
  strides?: PairInput;
  /** 'same': an output of n * stride pixels. Default 'valid': of (n - 1) * stride + kernelSize, and of n * stride at least */
  padding?: Padding;
  /** Pixels from one value of the kernel to the next. Default 1 */
  dilationRate?: PairInput;
}

/**
 * The transpose of a convolution, which makes images larger: what computes the gradient of a convolution's input. Kernel
 * [height, width, filters, channels]. As Keras' Conv2DTranspose without its outputPadding.
 */
export class Conv2DTranspose extends KernelLayer<OfPictures> {
  override readonly className = 'Conv2DTranspose';
  readonly filters: number;
  readonly kernelSize: Pair;
  readonly strides: Pair;
  readonly padding: Padding;
  readonly dilationRate: Pair;

  constructor(options: Conv2DTransposeOptions) {
    super(options, ['filters', 'kernelSize', 'strides', 'padding', 'dilationRate']);
    this.filters = checkInteger('filters', options.filters, 1);
    this.kernelSize = checkPair('kernelSize', options.kernelSize);
    this.strides = checkPair('strides', options.strides ?? 1);
    this.padding = checkPadding(options.padding ?? 'valid');
    this.dilationRate = checkPair('dilationRate', options.dilationRate ?? 1);
  }

  override build(inputShape: Shape): void {
    if (inputShape.length !== 3) throw wrongInput(this, 'images [height, width, channels]', inputShape);
    this.addKernel([...this.kernelSize, this.filters, inputShape[2]], this.filters);
  }

  call(x: Value, { kernel, bias }: Weights): Value {
    const { strides, dilationRate: dilations } = this;
    const [height, width] = [this.#along(x.shape, 0), this.#along(x.shape, 1)];
    const size = [height.size, width.size] as const;
    const before = [height.before, width.before] as const;
    const inputs = bias ? [x, kernel, bias] : [x, kernel];
    return activate(applyOp(conv2dTranspose, inputs, { size, before, strides, dilations }), this.activation);
  }

  override getConfig(): Record<string, unknown> {
    const { filters, kernelSize, strides, padding, dilationRate } = this;
    return { filters, kernelSize, strides, padding, dilationRate, ...super.getConfig() };
  }

  /** Pixels of the output along an axis, and how many of the whole product lie in front of them. */
  #along(inputShape: Shape, axis: 0 | 1): { size: number; before: number } {
    const n = inputShape[axis];
    const stride = this.strides[axis];
    const extent = (this.kernelSize[axis] - 1) * this.dilationRate[axis] + 1;
    if (this.padding === 'valid') return { size: Math.max((n - 1) * stride + extent, n * stride), before: 0 };
    return { size: n * stride, before: Math.floor(Math.max(0, extent - stride) / 2) };
  }
}
