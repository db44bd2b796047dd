import { checkInteger, wrongValue } from '../check.js';
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
  /**
   * Pixels or steps at the end, below strides, that the output is longer: with 'valid' than the least, (n - 1) * stride +
   * kernelSize, with 'same' than (n - 1) * stride + kernelSize % 2. Default: what makes the lengths that padding says
   */
  outputPadding?: Size;
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
  readonly outputPadding?: Size;
  readonly dilationRate: Size;

  constructor(options: ConvTransposeOptions<unknown>, check: (name: string, value: unknown, low?: 0 | 1) => Size) {
    super(options, ['filters', 'kernelSize', 'strides', 'padding', 'outputPadding', 'dilationRate']);
    this.filters = checkInteger('filters', options.filters, 1);
    this.kernelSize = check('kernelSize', options.kernelSize);
    this.strides = check('strides', options.strides ?? 1);
    this.padding = checkPadding(options.padding ?? 'valid');
    this.dilationRate = check('dilationRate', options.dilationRate ?? 1);
    const { outputPadding = null } = options;
    if (outputPadding === null) return;
    this.outputPadding = check('outputPadding', outputPadding, 0);
    const strides = [this.strides].flat();
    if ([this.outputPadding].flat().some((n, axis) => (n as number) >= (strides[axis] as number)))
      throw wrongValue(
        'outputPadding',
        `less than strides, ${JSON.stringify(this.strides)}`,
        JSON.stringify(this.outputPadding),
      );
  }

  protected addTransposed(inputShape: Shape): void {
    this.addKernel([this.kernelSize, this.filters, inputShape.at(-1) as number].flat(), this.filters);
  }

  /** Of an image; a sequence is one of one row. */
  protected transposed(x: Value, kernel: Value, bias: Value | undefined): Value {
    const pair = (size: Size, ofRow = 1): Pair => (typeof size === 'number' ? [ofRow, size] : size);
    const [strides, dilations] = [pair(this.strides), pair(this.dilationRate)];
    const more = this.outputPadding === undefined ? undefined : pair(this.outputPadding, 0);
    const options = { size: kernel.shape, strides, dilations, padding: this.padding, more };
    const { size, before } = transposedPlaces(x.shape, options);
    if (size.some((n) => n < 1)) {
      const shape = typeof this.strides === 'number' ? x.shape.slice(1) : x.shape;
      throw wrongInput(this, "larger than one step, of which padding 'same' and outputPadding 0 leave none", shape);
    }
    const inputs = bias ? [x, kernel, bias] : [x, kernel];
    return activate(applyOp(conv2dTranspose, inputs, { size, before, strides, dilations }), this.activation);
  }

  override getConfig(): Record<string, unknown> {
    const { filters, kernelSize, strides, padding, outputPadding, dilationRate } = this;
    const more = outputPadding !== undefined && { outputPadding };
    return { filters, kernelSize, strides, padding, ...more, dilationRate, ...super.getConfig() };
  }
}

/** How an image becomes larger. */
export interface Enlarging {
  /** Of the kernel; begins with height and width. */
  readonly size: Shape;
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly padding: Padding;
  /** The outputPadding of height and width. */
  readonly more?: Pair | undefined;
}

/** Height and width of the output of an image, and how many rows and columns of the whole product lie in front of it. */
export function transposedPlaces(image: Shape, { size, strides, dilations, padding, more }: Enlarging) {
  const [height, width] = [0, 1].map((axis) => {
    const extent = (size[axis] - 1) * dilations[axis] + 1;
    const stride = strides[axis];
    const last = (image[axis] - 1) * stride;
    const least = last + (padding === 'valid' ? extent : extent % 2);
    const usual = padding === 'valid' ? Math.max(least, last + stride) : last + stride;
    const own = more ? least + more[axis] : usual;
    const over = padding === 'valid' ? 0 : Math.max(0, last + extent - own);
    return { size: own, before: Math.floor(over / 2) };
  });
  return { size: [height.size, width.size] as const, before: [height.before, width.before] as const };
}

/**
 * The transpose of a convolution, which makes images larger: what computes the gradient of a convolution's input. Kernel
 * [height, width, filters, channels]. As Keras' Conv2DTranspose.
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
