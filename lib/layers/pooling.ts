import { brand } from '../kind.js';
import type { Buffer } from '../tape.js';
import {
  BaseLayer,
  type Layer,
  type LayerOptions,
  type Recorded,
  type Recorder,
  type Shape,
  wrongInput,
} from './layer.js';
import { checkPadding, checkPair, type Padding, type Pair, type PairInput, slide } from './window.js';

export interface Pooling2DOptions extends LayerOptions {
  /** Height and width of the window, in pixels. Default 2 */
  poolSize?: PairInput;
  /** Pixels from one window to the next. Default: poolSize */
  strides?: PairInput;
  /** 'same': ceil(n / stride) windows, of which only the part inside the image counts. Default 'valid': those inside */
  padding?: Padding;
}

abstract class Pooling2D extends BaseLayer implements Layer {
  abstract readonly className: string;
  readonly poolSize: Pair;
  readonly strides: Pair;
  readonly padding: Padding;

  constructor(options: Pooling2DOptions = {}) {
    super(options, ['poolSize', 'strides', 'padding']);
    this.poolSize = checkPair('poolSize', options.poolSize ?? 2);
    this.strides = checkPair('strides', options.strides ?? this.poolSize);
    this.padding = checkPadding(options.padding ?? 'valid');
  }

  abstract record(t: Recorder, x: Buffer, name: string): Recorded;

  outputShape(inputShape: Shape): Shape {
    return [...this.#slide(inputShape).places, inputShape[2]];
  }

  /** The dimensions of the kernels. */
  protected dims(inputShape: Shape): Record<string, number> {
    const [H, W, C] = inputShape;
    const { places, before } = this.#slide(inputShape);
    const [K, L] = this.poolSize;
    const [s, t] = this.strides;
    return { H, W, C, Y: places[0], X: places[1], K, L, s, t, p: before[0], q: before[1] };
  }

  override getConfig(): Record<string, unknown> {
    return { poolSize: this.poolSize, strides: this.strides, padding: this.padding };
  }

  #slide(inputShape: Shape) {
    const { poolSize: size, strides, padding } = this;
    return slide(this, 'window', { size, strides, dilations: [1, 1], padding }, inputShape);
  }
}

/** The largest value in each window, channel by channel. */
export class MaxPooling2D extends Pooling2D {
  readonly className = 'MaxPooling2D';

  static {
    brand(MaxPooling2D, 'MaxPooling2D');
  }

  record(t: Recorder, x: Buffer, name: string): Recorded {
    const dims = this.dims(x.shape);
    const y = t.batched(`${name}/y`, this.outputShape(x.shape));
    const winner = t.batched(`${name}/winner`, y.shape);
    return {
      y,
      forward() {
        t.emit('maxPooling2d', [x, y, winner], dims); // y = windows(x).max(), winner = windows(x).argmax()
      },
      backward(dy, wanted) {
        if (!wanted) return undefined;
        const dx = t.batched(`${name}/dx`, x.shape);
        t.emit('maxPooling2dGradient', [winner, dy, dx], dims); // windows(dx)[winner] += dy
        return dx;
      },
    };
  }
}

/** The mean of each window, channel by channel. */
export class AveragePooling2D extends Pooling2D {
  readonly className = 'AveragePooling2D';

  record(t: Recorder, x: Buffer, name: string): Recorded {
    const dims = this.dims(x.shape);
    const y = t.batched(`${name}/y`, this.outputShape(x.shape));
    return {
      y,
      forward() {
        t.emit('averagePooling2d', [x, y], dims); // y = windows(x).mean()
      },
      backward(dy, wanted) {
        if (!wanted) return undefined;
        const dx = t.batched(`${name}/dx`, x.shape);
        t.emit('averagePooling2dGradient', [dy, dx], dims); // windows(dx) += dy / size
        return dx;
      },
    };
  }
}

/** The mean over the whole image: [height, width, channels] to [channels]. */
export class GlobalAveragePooling2D extends BaseLayer implements Layer {
  readonly className = 'GlobalAveragePooling2D';

  constructor(options: LayerOptions = {}) {
    super(options);
  }

  outputShape(inputShape: Shape): Shape {
    if (inputShape.length !== 3) throw wrongInput(this, 'images [height, width, channels]', inputShape);
    return [inputShape[2]];
  }

  record(t: Recorder, x: Buffer, name: string): Recorded {
    const [H, W, C] = x.shape;
    const N = H * W;
    const y = t.batched(`${name}/y`, [C]);
    return {
      y,
      forward() {
        t.emit('globalAveragePooling', [x, y], { N, C }); // y = x.mean(pixels)
      },
      backward(dy, wanted) {
        if (!wanted) return undefined;
        const dx = t.batched(`${name}/dx`, x.shape);
        t.emit('globalAveragePoolingGradient', [dy, dx], { N, C }); // dx = dy / N
        return dx;
      },
    };
  }
}
