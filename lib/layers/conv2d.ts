import { type Activation, type ActivationInput, getActivation } from '../activations.js';
import { checkBoolean, checkInteger, checkOptions } from '../check.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import type { Buffer } from '../tape.js';
import {
  checkLayer,
  LAYER_OPTIONS,
  type Layer,
  type LayerOptions,
  type Recorded,
  type Recorder,
  type Shape,
} from './layer.js';
import { checkPadding, checkPair, type Padding, type Pair, type PairInput, slide } from './window.js';

export interface Conv2DOptions extends LayerOptions {
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
  /** Default: linear */
  activation?: ActivationInput;
  /** Default true */
  useBias?: boolean;
  /** Default 'glorotUniform' */
  kernelInitializer?: InitializerInput;
  /** Default 'zeros' */
  biasInitializer?: InitializerInput;
  kernelRegularizer?: RegularizerInput;
  biasRegularizer?: RegularizerInput;
}

const OPTIONS = [
  ...LAYER_OPTIONS,
  'filters',
  'kernelSize',
  'strides',
  'padding',
  'dilationRate',
  'activation',
  'useBias',
  'kernelInitializer',
  'biasInitializer',
  'kernelRegularizer',
  'biasRegularizer',
];

/**
 * A convolution of images [height, width, channels] with a kernel [height, width, channels, filters] (a correlation, as
 * everywhere in this field), plus a bias for each filter. As Keras' Conv2D with its default data format.
 */
export class Conv2D implements Layer {
  readonly className = 'Conv2D';
  name?: string;
  readonly inputShape?: Shape;
  readonly filters: number;
  readonly kernelSize: Pair;
  readonly strides: Pair;
  readonly padding: Padding;
  readonly dilationRate: Pair;
  readonly activation: Activation;
  readonly useBias: boolean;
  readonly kernelInitializer: Initializer;
  readonly biasInitializer: Initializer;
  readonly kernelRegularizer?: Regularizer;
  readonly biasRegularizer?: Regularizer;

  constructor(options: Conv2DOptions) {
    checkOptions('options', options, OPTIONS);
    ({ name: this.name, inputShape: this.inputShape } = checkLayer(options));
    this.filters = checkInteger('filters', options.filters, 1);
    this.kernelSize = checkPair('kernelSize', options.kernelSize);
    this.strides = checkPair('strides', options.strides ?? 1);
    this.padding = checkPadding(options.padding ?? 'valid');
    this.dilationRate = checkPair('dilationRate', options.dilationRate ?? 1);
    this.activation = getActivation('activation', options.activation ?? 'linear');
    this.useBias = checkBoolean('useBias', options.useBias ?? true);
    this.kernelInitializer = getInitializer('kernelInitializer', options.kernelInitializer ?? 'glorotUniform');
    this.biasInitializer = getInitializer('biasInitializer', options.biasInitializer ?? 'zeros');
    this.kernelRegularizer = checkRegularizer('kernelRegularizer', options.kernelRegularizer);
    this.biasRegularizer = checkRegularizer('biasRegularizer', options.biasRegularizer);
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
    const w = t.parameter(name, 'kernel', [K, L, C, F], this.kernelInitializer, this.kernelRegularizer);
    const b = this.useBias ? t.parameter(name, 'bias', [F], this.biasInitializer, this.biasRegularizer) : undefined;
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

  getConfig(): Record<string, unknown> {
    return {
      filters: this.filters,
      kernelSize: this.kernelSize,
      strides: this.strides,
      padding: this.padding,
      dilationRate: this.dilationRate,
      activation: this.activation.config,
      useBias: this.useBias,
      kernelInitializer: this.kernelInitializer.config,
      biasInitializer: this.biasInitializer.config,
      kernelRegularizer: this.kernelRegularizer,
      biasRegularizer: this.biasRegularizer,
    };
  }

  #slide(inputShape: Shape) {
    const { kernelSize: size, strides, dilationRate: dilations, padding } = this;
    return slide(this, 'kernel', { size, strides, dilations, padding }, inputShape);
  }
}
