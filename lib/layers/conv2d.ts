import { checkInteger } from '../check.js';
import type { Buffer } from '../tape.js';
import { KernelLayer, type KernelLayerOptions } from './kernel-layer.js';
import type { Layer, Recorded, Recorder, Shape } from './layer.js';
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
export class Conv2D extends KernelLayer implements Layer {
  readonly className = 'Conv2D';
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

  outputShape(inputShape: Shape): Shape {
    return [...this.#slide(inputShape).places, this.filters];
  }

  record(t: Recorder, x: Buffer, name: string): Recorded {
    const [H, W, C] = x.shape;
    const [K, L] = this.kernelSize;
    const F = this.filters;
    const { places, before } = this.#slide(x.shape);
    const [Y, X] = places;
    const [s, u] = this.strides;
    const [d, e] = this.dilationRate;
    const [p, q] = before;
    const dims = { H, W, C, K, L, F, Y, X, s, t: u, d, e, p, q };
    const { w, b } = this.weights(t, name, [K, L, C, F]);
    const y = t.batched(`${name}/y`, [Y, X, F]);
    return {
      y,
      forward() {
        if (b)
          t.emit('conv2d', [x, w.value, b.value, y], dims); // y = x * w + b
        else t.emit('conv2dNoBias', [x, w.value, y], dims);
      },
      backward(dy, wanted) {
        // dw = patches(x).T @ dy, db = dy.sum(0)
        if (b) t.emit('conv2dWeightGradient', [x, dy, w.gradient, b.gradient], dims);
        else t.emit('conv2dWeightGradientNoBias', [x, dy, w.gradient], dims);
        if (!wanted) return undefined;
        const dx = t.batched(`${name}/dx`, x.shape);
        t.emit('conv2dInputGradient', [dy, w.value, dx], dims); // patches(dx) = dy @ w.T
        return dx;
      },
    };
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
