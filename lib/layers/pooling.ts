import { checkBoolean } from '../check.js';
import { reshaped } from '../graph/broadcast.js';
import { maxAxis } from '../graph/ops/axes.js';
import { averagePooling2d, globalAveragePooling, maxPooling2d, type Windows } from '../graph/ops/pooling.js';
import type { Picture } from '../graph/shape-types.js';
import { applyOp, type Value } from '../graph/value.js';
import { Layer, type LayerOptions, type Shape, wrongInput } from './layer.js';
import type { OfPictures, Pooled } from './ranks.js';
import { checkPadding, checkPair, type Padding, type Pair, type PairInput, slide } from './window.js';

export interface Pooling2DOptions extends LayerOptions {
  /** Height and width of the window, in pixels. Default 2 */
  poolSize?: PairInput;
  /** Pixels from one window to the next. Default: poolSize */
  strides?: PairInput;
  /** 'same': ceil(n / stride) windows, of which only the part inside the image counts. Default 'valid': those inside */
  padding?: Padding;
}

abstract class Pooling2D extends Layer<OfPictures> {
  readonly poolSize: Pair;
  readonly strides: Pair;
  readonly padding: Padding;

  constructor(options: Pooling2DOptions = {}) {
    super(options, ['poolSize', 'strides', 'padding']);
    this.poolSize = checkPair('poolSize', options.poolSize ?? 2);
    this.strides = checkPair('strides', options.strides ?? this.poolSize);
    this.padding = checkPadding(options.padding ?? 'valid');
  }

  protected windows(inputShape: Shape): Windows {
    const { poolSize: size, strides, padding } = this;
    return { size, strides, ...slide(this, 'window', { size, strides, dilations: [1, 1], padding }, inputShape) };
  }

  override getConfig(): Record<string, unknown> {
    return { poolSize: this.poolSize, strides: this.strides, padding: this.padding };
  }
}

/** The largest value in each window, channel by channel. */
export class MaxPooling2D extends Pooling2D {
  override readonly className = 'MaxPooling2D';

  call(x: Value): Value {
    return applyOp(maxPooling2d, [x], this.windows(x.shape));
  }
}

/** The mean of each window, channel by channel. */
export class AveragePooling2D extends Pooling2D {
  override readonly className = 'AveragePooling2D';

  call(x: Value): Value {
    return applyOp(averagePooling2d, [x], this.windows(x.shape));
  }
}

export interface GlobalPoolingOptions extends LayerOptions {
  /** The axes that are pooled stay, of length 1. Default false: they are left out */
  keepDims?: boolean;
}

/** One number for each channel of a value of shape S; O are the options. */
export abstract class GlobalPooling<S extends Shape, O> extends Layer<Pooled<S, O>> {
  readonly keepDims: boolean;

  constructor(options: GlobalPoolingOptions = {}) {
    super(options, ['keepDims']);
    this.keepDims = checkBoolean('keepDims', options.keepDims ?? false);
  }

  /** [channels], as the layer gives them. */
  protected kept(channels: Value, { shape }: Value): Value {
    return this.keepDims ? reshaped(channels, [...shape.slice(1).map(() => 1), ...channels.shape]) : channels;
  }

  override getConfig(): Record<string, unknown> {
    return { keepDims: this.keepDims };
  }
}

abstract class GlobalPooling2D<O> extends GlobalPooling<Picture, O> {
  override build(inputShape: Shape): void {
    if (inputShape.length !== 3) throw wrongInput(this, 'images [height, width, channels]', inputShape);
  }
}

/** The mean over the whole image: [height, width, channels] to [channels]. */
export class GlobalAveragePooling2D<O = GlobalPoolingOptions> extends GlobalPooling2D<O> {
  override readonly className = 'GlobalAveragePooling2D';

  call(x: Value): Value {
    return this.kept(applyOp(globalAveragePooling, [x], undefined), x);
  }
}

/** The largest value in the whole image: [height, width, channels] to [channels]. Equal ones share the gradient. */
export class GlobalMaxPooling2D<O = GlobalPoolingOptions> extends GlobalPooling2D<O> {
  override readonly className = 'GlobalMaxPooling2D';

  call(x: Value): Value {
    const [height, width, channels] = x.shape;
    return this.kept(applyOp(maxAxis, [reshaped(x, [height * width, channels])], { axis: 0 }), x);
  }
}
