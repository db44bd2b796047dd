import { checkInteger, checkOneOf, checkOptions, checkOptionsAlone, wrongType, wrongValue } from '../check.js';
import type { Named } from '../graph/name-types.js';
import { reshape } from '../graph/ops/shape.js';
import type { Axes } from '../graph/shape-types.js';
import { applyOp, placeholder, sizeOf, type Value } from '../graph/value.js';
import { brand } from '../kind.js';
import { checkShape, Layer, type LayerOptions, type Shape, type Values, wrongInput } from './layer.js';
import type { FromTo, Given, ToShape, ToVector } from './ranks.js';

/** A sample's values in a row, the last axis fastest: [height, width, channels] to [height * width * channels]. */
export class Flatten extends Layer<ToVector> {
  override readonly className = 'Flatten';

  constructor(options: LayerOptions = {}) {
    super(options);
  }

  call(x: Value): Value {
    return applyOp(reshape, [x], { shape: [sizeOf(x.shape)] });
  }
}

export interface ReshapeOptions<S extends Shape = Shape> extends LayerOptions {
  /** The new shape of a sample. One of its sizes may be -1: whatever fits. */
  targetShape: S;
}

/** Samples in another shape, values in the same order. */
export class Reshape<S extends Shape = Shape> extends Layer<ToShape<S>> {
  override readonly className = 'Reshape';
  readonly targetShape: Shape;

  constructor(options: ReshapeOptions<S>) {
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

export interface InputLayerOptions<S extends Shape = Shape> {
  /** Unique in its network. Default: the class and a number, as Keras */
  name?: string;
  /** The shape of one sample; [] for one number. */
  shape: S;
  /** 'int32' for class numbers and the like. Default 'float32': numbers of the network's dtype */
  dtype?: 'float32' | 'int32';
}

/** States the shape of the network's input. */
export class InputLayer extends Layer<FromTo<Value, Value>> {
  override readonly className = 'InputLayer';
  readonly shape: Shape;
  readonly dtype: 'float32' | 'int32';
  readonly #source: Value;

  static {
    brand(InputLayer, 'InputLayer');
  }

  constructor(options: InputLayerOptions) {
    checkOptions('options', options, ['name', 'shape', 'dtype']);
    super({ name: options.name });
    this.shape = checkShape('shape', options.shape);
    this.dtype = checkOneOf('dtype', options.dtype ?? 'float32', ['float32', 'int32']);
    const source = placeholder(this.shape, this.dtype === 'int32' ? 'int32' : undefined);
    this.#source = Object.assign(source, {
      from: { layer: this, inputs: [], outputs: [source], list: false, listed: false },
    });
  }

  override get inputShape(): Shape {
    return this.shape;
  }

  /** What stands for the samples. */
  get source(): Value {
    return this.#source;
  }

  override get input(): Value {
    return this.#source;
  }

  override get output(): Given<this, Values> {
    return this.#source as Given<this, Values>;
  }

  override build(inputShape: Shape): void {
    if (inputShape.join() !== this.shape.join())
      throw wrongInput(this, `of shape [${this.shape.join(', ')}]`, inputShape);
  }

  call(x: Value): Value {
    return x;
  }

  override getConfig(): Record<string, unknown> {
    return { shape: this.shape, ...(this.dtype === 'int32' && { dtype: this.dtype }) };
  }
}

/**
 * An input of a network: what stands for its samples of this shape, for layers to be applied to.
 *
 * ```js
 * const ids = input({ shape: [20], dtype: 'int32', name: 'ids' });
 * ```
 */
export const input = <const S extends Shape, const N extends string = string>(
  options: InputLayerOptions<S> & { readonly name?: N },
  ...others: never[]
): Value<Axes<S>> & Named<N> => {
  checkOptionsAlone('input', [options, ...others]);
  return new InputLayer(options).source as Value<any>;
};
