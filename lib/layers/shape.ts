import { checkInteger, checkOptions, wrongType, wrongValue } from '../check.js';
import { brand } from '../kind.js';
import type { Buffer } from '../tape.js';
import {
  BaseLayer,
  checkShape,
  type Layer,
  type LayerOptions,
  type Recorded,
  type Recorder,
  type Shape,
  wrongInput,
} from './layer.js';

/** The same values under another shape: no kernel, no copy. */
function recordView(t: Recorder, x: Buffer, shape: Shape): Recorded {
  return {
    y: t.view(x, shape),
    forward() {},
    backward: (dy, wanted) => (wanted ? t.view(dy, x.shape) : undefined),
  };
}

const sizeOf = (shape: Shape) => shape.reduce((product, n) => product * n, 1);

/** A sample's values in a row, the last axis fastest: [height, width, channels] to [height * width * channels]. */
export class Flatten extends BaseLayer implements Layer {
  readonly className = 'Flatten';

  constructor(options: LayerOptions = {}) {
    super(options);
  }

  outputShape(inputShape: Shape): Shape {
    return [sizeOf(inputShape)];
  }

  record(t: Recorder, x: Buffer): Recorded {
    return recordView(t, x, this.outputShape(x.shape));
  }
}

export interface ReshapeOptions extends LayerOptions {
  /** The new shape of a sample. One of its sizes may be -1: whatever fits. */
  targetShape: readonly number[];
}

/** Samples in another shape, values in the same order. */
export class Reshape extends BaseLayer implements Layer {
  readonly className = 'Reshape';
  readonly targetShape: Shape;

  constructor(options: ReshapeOptions) {
    super(options, ['targetShape']);
    const { targetShape } = options;
    const expected = 'an array of positive integers, one of which may be -1';
    if (!Array.isArray(targetShape)) throw wrongType('targetShape', expected, targetShape);
    this.targetShape = Array.from(targetShape, (n, i) => (n === -1 ? n : checkInteger(`targetShape[${i}]`, n, 1)));
    if (targetShape.filter((n) => n === -1).length > 1) throw wrongValue('targetShape', expected, targetShape);
  }

  outputShape(inputShape: Shape): Shape {
    const size = sizeOf(inputShape);
    const known = Math.abs(sizeOf(this.targetShape));
    const fits = this.targetShape.includes(-1) ? size % known === 0 : size === known;
    if (!fits) {
      const values = this.targetShape.includes(-1) ? `a multiple of ${known} values` : `${known} values`;
      throw wrongInput(this, `of ${values} (targetShape [${this.targetShape.join(', ')}])`, inputShape);
    }
    return this.targetShape.map((n) => (n === -1 ? size / known : n));
  }

  record(t: Recorder, x: Buffer): Recorded {
    return recordView(t, x, this.outputShape(x.shape));
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
export class InputLayer extends BaseLayer implements Layer {
  readonly className = 'InputLayer';
  declare readonly inputShape: Shape;

  static {
    brand(InputLayer, 'InputLayer');
  }

  constructor(options: InputLayerOptions) {
    checkOptions('options', options, ['name', 'shape']);
    super({ name: options.name, inputShape: checkShape('shape', options.shape) });
  }

  outputShape(inputShape: Shape): Shape {
    if (inputShape.join() !== this.inputShape.join())
      throw wrongInput(this, `of shape [${this.inputShape.join(', ')}]`, inputShape);
    return this.inputShape;
  }

  record(t: Recorder, x: Buffer): Recorded {
    return recordView(t, x, x.shape);
  }

  override getConfig(): Record<string, unknown> {
    return { shape: this.inputShape };
  }
}
