import { checkInteger, checkOptions, wrongType, wrongValue } from '../check.js';
import { reshape } from '../graph/ops/shape.js';
import { applyOp, sizeOf, type Value } from '../graph/value.js';
import { brand } from '../kind.js';
import { checkShape, Layer, type LayerOptions, type Shape, wrongInput } from './layer.js';

/** A sample's values in a row, the last axis fastest: [height, width, channels] to [height * width * channels]. */
export class Flatten extends Layer {
  override readonly className = 'Flatten';

  constructor(options: LayerOptions = {}) {
    super(options);
  }

  call(x: Value): Value {
    return applyOp(reshape, [x], { shape: [sizeOf(x.shape)] });
  }
}

export interface ReshapeOptions extends LayerOptions {
  /** The new shape of a sample. One of its sizes may be -1: whatever fits. */
  targetShape: readonly number[];
}

/** Samples in another shape, values in the same order. */
export class Reshape extends Layer {
  override readonly className = 'Reshape';
  readonly targetShape: Shape;

  constructor(options: ReshapeOptions) {
    super(options, ['targetShape']);
    const { targetShape } = options;
    const expected = 'an array of positive integers, one of which may be -1';
    if (!Array.isArray(targetShape)) throw wrongType('targetShape', expected, targetShape);
    this.targetShape = Array.from(targetShape, (n, i) => (n === -1 ? n : checkInteger(`targetShape[${i}]`, n, 1)));
    if (targetShape.filter((n) => n === -1).length > 1) throw wrongValue('targetShape', expected, targetShape);
  }

  call(x: Value): Value {
    const size = sizeOf(x.shape);
    const known = Math.abs(sizeOf(this.targetShape));
    const fits = this.targetShape.includes(-1) ? size % known === 0 : size === known;
    if (!fits) {
      const values = this.targetShape.includes(-1) ? `a multiple of ${known} values` : `${known} values`;
      throw wrongInput(this, `of ${values} (targetShape [${this.targetShape.join(', ')}])`, x.shape);
    }
    return applyOp(reshape, [x], { shape: this.targetShape.map((n) => (n === -1 ? size / known : n)) });
  }

  override getConfig(): Record<string, unknown> {
    return { targetShape: this.targetShape };
  }
}

export interface InputLayerOptions {
  /** Unique in its network. Default: the class and a number, as Keras */
  name?: string;
  /** The shape of one sample. */
  shape: readonly number[];
}

/** States the shape of the network's input. */
export class InputLayer extends Layer {
  override readonly className = 'InputLayer';
  declare readonly inputShape: Shape;

  static {
    brand(InputLayer, 'InputLayer');
  }

  constructor(options: InputLayerOptions) {
    checkOptions('options', options, ['name', 'shape']);
    super({ name: options.name, inputShape: checkShape('shape', options.shape) });
  }

  override build(inputShape: Shape): void {
    if (inputShape.join() !== this.inputShape.join())
      throw wrongInput(this, `of shape [${this.inputShape.join(', ')}]`, inputShape);
  }

  call(x: Value): Value {
    return x;
  }

  override getConfig(): Record<string, unknown> {
    return { shape: this.inputShape };
  }
}
