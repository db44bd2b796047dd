import { checkInteger } from '../check.js';
import { activate } from '../graph/ops/activation.js';
import { conv2dTranspose } from '../graph/ops/conv2d-transpose.js';
import { applyOp, type Value } from '../graph/value.js';
import { KernelLayer, type KernelLayerOptions } from './kernel-layer.js';
import { type Shape, type Weights, wrongInput } from './layer.js';
import type { OfPictures, OfSequences, Ranks } from './ranks.js';
import {
  asImage,
  asSequence,
  checkPadding,
  checkPair,
  checkSteps,
  type Padding,
  type Pair,
  type PairInput,
  type StepsInput,
} from './window.js';

/** `Size`: one number for height and width or both of an image, one for the steps of a sequence. */
interface ConvTransposeOptions<Size> extends KernelLayerOptions {
  /** Channels of the output. */
  filters: number;
  /** Of the kernel: pixels of height and width, or steps. */
  kernelSize: Size;
  /** Pixels or steps of the output from one of the input to the next. Default 1 */
  strides?: Size;
  /** 'same': an output of n * stride. Default 'valid': of (n - 1) * stride + kernelSize, and of n * stride at least */
  padding?: Padding;
  /** Pixels or steps from one value of the kernel to the next. Default 1 */
  dilationRate?: Size;
}
export interface Conv1DTransposeOptions extends ConvTransposeOptions<StepsInput> {}
export interface Conv2DTransposeOptions extends ConvTransposeOptions<PairInput> {}

abstract class ConvTranspose<R extends Ranks, Size extends number | Pair> extends KernelLayer<R> {
  readonly filters: number;
  readonly kernelSize: Size;
  readonly strides: Size;
  readonly padding: Padding;
  readonly dilationRate: Size;

  constructor(options: ConvTransposeOptions<unknown>, check: (name: string, value: unknown) => Size) {
    super(options, ['filters', 'kernelSize', 'strides', 'padding', 'dilationRate']);
    this.filters = checkInteger('filters', options.filters, 1);
    this.kernelSize = check('kernelSize', options.kernelSize);
    this.strides = check('strides', options.strides ?? 1);
    this.padding = checkPadding(options.padding ?? 'valid');
    this.dilationRate = check('dilationRate', options.dilationRate ?? 1);
  }

  protected addTransposed(inputShape: Shape): void {
    this.addKernel([this.kernelSize, this.filters, inputShape.at(-1) as number].flat(), this.filters);
  }

  /** Of an image; a sequence is one of one row. */
  protected transposed(x: Value, kernel: Value, bias: Value | undefined): Value {
    const pair = (size: Size): Pair => (typeof size === 'number' ? [1, size] : size);
    const [strides, dilations] = [pair(this.strides), pair(this.dilationRate)];
    const [height, width] = [0, 1].map((axis) =>
      along(x.shape[axis], kernel.shape[axis], strides[axis], dilations[axis], this.padding),
    );
    const size = [height.size, width.size] as const;
    const before = [height.before, width.before] as const;
    const inputs = bias ? [x, kernel, bias] : [x, kernel];
    return activate(applyOp(conv2dTranspose, inputs, { size, before, strides, dilations }), this.activation);
  }

  override getConfig(): Record<string, unknown> {
    const { filters, kernelSize, strides, padding, dilationRate } = this;
    return { filters, kernelSize, strides, padding, dilationRate, ...super.getConfig() };
  }
}

/** Values of the output along an axis of n, and how many of the whole product lie in front of them. */
function along(n: number, size: number, stride: number, dilation: number, padding: Padding) {
  const extent = (size - 1) * dilation + 1;
  if (padding === 'valid') return { size: Math.max((n - 1) * stride + extent, n * stride), before: 0 };
  return { size: n * stride, before: Math.floor(Math.max(0, extent - stride) / 2) };
}

/**
 * The transpose of a convolution, which makes images larger: what computes the gradient of a convolution's input. Kernel
 * [height, width, filters, channels]. As Keras' Conv2DTranspose without its outputPadding.
 */
export class Conv2DTranspose extends ConvTranspose<OfPictures, Pair> {
  override readonly className = 'Conv2DTranspose';

  constructor(options: Conv2DTransposeOptions) {
    super(options, checkPair);
  }

  override build(inputShape: Shape): void {
    if (inputShape.length !== 3) throw wrongInput(this, 'images [height, width, channels]', inputShape);
    this.addTransposed(inputShape);
  }

  call(x: Value, { kernel, bias }: Weights): Value {
    return this.transposed(x, kernel, bias);
  }
}

/** The same of sequences [steps, channels], by a kernel [steps, filters, channels]. As Keras' Conv1DTranspose. */
export class Conv1DTranspose extends ConvTranspose<OfSequences, number> {
  override readonly className = 'Conv1DTranspose';

  constructor(options: Conv1DTransposeOptions) {
    super(options, checkSteps);
  }

  override build(inputShape: Shape): void {
    if (inputShape.length !== 2) throw wrongInput(this, 'sequences [steps, channels]', inputShape);
    this.addTransposed(inputShape);
  }

  call(x: Value, { kernel, bias }: Weights): Value {
    return asSequence(this.transposed(asImage(x), asImage(kernel), bias));
  }
}
