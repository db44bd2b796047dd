import { checkOptions } from '../check.js';
import type { Buffer } from '../tape.js';
import {
  checkLayer,
  LAYER_OPTIONS,
  type Layer,
  type LayerOptions,
  type Recorded,
  type Recorder,
  type Shape,
  wrongInput,
} from './layer.js';
import { checkPadding, checkPair, type Padding, type Pair, windows } from './window.js';

export interface PoolingOptions extends LayerOptions {
  /** Cells of a window. Default 2 */
  poolSize?: Pair;
  /** Steps between windows. Default: poolSize */
  strides?: Pair;
  /** Default 'valid' */
  padding?: Padding;
}

const OPTIONS = [...LAYER_OPTIONS, 'poolSize', 'strides', 'padding'];

abstract class Pooling2D implements Layer {
  abstract readonly className: string;
  name?: string;
  readonly inputShape?: Shape;
  readonly poolSize: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding: Padding;

  constructor(options: PoolingOptions = {}) {
    checkOptions('options', options, OPTIONS);
    ({ name: this.name, inputShape: this.inputShape } = checkLayer(options));
    this.poolSize = checkPair('poolSize', options.poolSize ?? 2);
    this.strides = checkPair('strides', options.strides ?? this.poolSize);
    this.padding = checkPadding(options.padding);
  }

  outputShape(inputShape: Shape): Shape {
    if (inputShape.length !== 3) throw wrongInput(this, 'an image [height, width, channels] for each sample', inputShape);
    const [rows, columns] = this.#windows(inputShape);
    if (rows.count < 1 || columns.count < 1)
      throw wrongInput(this, `at least as large as poolSize [${this.poolSize.join(', ')}]`, inputShape);
    return [rows.count, columns.count, inputShape[2]];
  }

  #windows([height, width]: Shape) {
    const [K, L] = this.poolSize;
    const [s, t] = this.strides;
    return [windows(height, K, s, 1, this.padding), windows(width, L, t, 1, this.padding)];
  }

  /** The letters of the pooling kernels' signatures. */
  protected dims(inputShape: Shape): Record<string, number> {
    const [H, W, C] = inputShape;
    const [rows, columns] = this.#windows(inputShape);
    const [K, L] = this.poolSize;
    const [s, t] = this.strides;
    return { H, W, C, K, L, Y: rows.count, X: columns.count, s, t, p: rows.before, q: columns.before };
  }

  abstract record(t: Recorder, x: Buffer, name: string): Recorded;

  getConfig(): Record<string, unknown> {
    return { poolSize: this.poolSize, strides: this.strides, padding: this.padding };
  }
}

/** The largest value of each window, for every channel. Its gradient goes to the first of the largest. */
export class MaxPooling2D extends Pooling2D {
  readonly className = 'MaxPooling2D';

  record(t: Recorder, x: Buffer, name: string): Recorded {
    const dims = this.dims(x.shape);
    const shape = this.outputShape(x.shape);
    const y = t.batched(`${name}/y`, shape);
    const winner = t.batched(`${name}/winner`, shape);
    return {
      y,
      forward() {
        t.emit('maxPool2d', [x, y, winner], dims);
      },
      backward(dy, wanted) {
        if (!wanted) return undefined;
        const dx = t.batched(`${name}/dx`, x.shape);
        t.emit('maxPool2dGradient', [winner, dy, dx], dims);
        return dx;
      },
    };
  }
}

/** The mean of each window, for every channel; cells of the padding are not counted. */
export class AveragePooling2D extends Pooling2D {
  readonly className = 'AveragePooling2D';

  record(t: Recorder, x: Buffer, name: string): Recorded {
    const dims = this.dims(x.shape);
    const y = t.batched(`${name}/y`, this.outputShape(x.shape));
    return {
      y,
      forward() {
        t.emit('averagePool2d', [x, y], dims);
      },
      backward(dy, wanted) {
        if (!wanted) return undefined;
        const dx = t.batched(`${name}/dx`, x.shape);
        t.emit('averagePool2dGradient', [dy, dx], dims);
        return dx;
      },
    };
  }
}

/** The mean of every channel over the whole image: [height, width, channels] -> [channels]. */
export class GlobalAveragePooling2D implements Layer {
  readonly className = 'GlobalAveragePooling2D';
  name?: string;
  readonly inputShape?: Shape;

  constructor(options: LayerOptions = {}) {
    checkOptions('options', options, LAYER_OPTIONS);
    ({ name: this.name, inputShape: this.inputShape } = checkLayer(options));
  }

  outputShape(inputShape: Shape): Shape {
    if (inputShape.length !== 3) throw wrongInput(this, 'an image [height, width, channels] for each sample', inputShape);
    return [inputShape[2]];
  }

  record(t: Recorder, x: Buffer, name: string): Recorded {
    const [height, width, C] = x.shape;
    const dims = { S: height * width, C };
    const y = t.batched(`${name}/y`, [C]);
    return {
      y,
      forward() {
        t.emit('meanOverSpace', [x, y], dims);
      },
      backward(dy, wanted) {
        if (!wanted) return undefined;
        const dx = t.batched(`${name}/dx`, x.shape);
        t.emit('meanOverSpaceGradient', [dy, dx], dims);
        return dx;
      },
    };
  }

  getConfig(): Record<string, unknown> {
    return {};
  }
}
