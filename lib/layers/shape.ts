import { checkInteger, checkOptions, wrongType } from '../check.js';
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

/** The same values under another shape; no copy is made. */
function recordView(t: Recorder, x: Buffer, shape: Shape): Recorded {
  return {
    y: t.view(x, shape),
    forward() {},
    backward: (dy, wanted) => (wanted ? t.view(dy, x.shape) : undefined),
  };
}

const sizeOf = (shape: Shape) => shape.reduce((product, n) => product * n, 1);

/** Makes a vector of each sample, in row-major order. */
export class Flatten implements Layer {
  readonly className = 'Flatten';
  name?: string;
  readonly inputShape?: Shape;

  constructor(options: LayerOptions = {}) {
    checkOptions('options', options, LAYER_OPTIONS);
    ({ name: this.name, inputShape: this.inputShape } = checkLayer(options));
  }

  outputShape(inputShape: Shape): Shape {
    return [sizeOf(inputShape)];
  }

  record(t: Recorder, x: Buffer): Recorded {
    return recordView(t, x, this.outputShape(x.shape));
  }

  getConfig(): Record<string, unknown> {
    return {};
  }
}

export interface ReshapeOptions extends LayerOptions {
  /** The shape of one sample; one entry may be -1, which stands for what is left. */
  targetShape: readonly number[];
}

/** Gives each sample another shape. */
export class Reshape implements Layer {
  readonly className = 'Reshape';
  name?: string;
  readonly inputShape?: Shape;
  readonly targetShape: readonly number[];

  constructor(options: ReshapeOptions) {
    checkOptions('options', options, [...LAYER_OPTIONS, 'targetShape']);
    ({ name: this.name, inputShape: this.inputShape } = checkLayer(options));
    if (!Array.isArray(options.targetShape)) throw wrongType('targetShape', 'an array of integers', options.targetShape);
    this.targetShape = options.targetShape.map((n, i) => (n === -1 ? n : checkInteger(`targetShape[${i}]`, n, 1)));
  }

  outputShape(inputShape: Shape): Shape {
    const known = this.targetShape.filter((n) => n !== -1);
    const rest = sizeOf(inputShape) / sizeOf(known);
    const fits = this.targetShape.length - known.length === 0 ? rest === 1 : known.length === this.targetShape.length - 1;
    if (!fits || !Number.isInteger(rest))
      throw wrongInput(this, `of a size that fits targetShape [${this.targetShape.join(', ')}]`, inputShape);
    return this.targetShape.map((n) => (n === -1 ? rest : n));
  }

  record(t: Recorder, x: Buffer): Recorded {
    return recordView(t, x, this.outputShape(x.shape));
  }

  getConfig(): Record<string, unknown> {
    return { targetShape: this.targetShape };
  }
}

export interface InputLayerOptions {
  /** The shape of one sample. */
  shape: readonly number[];
  name?: string;
}

/** States the shape of one sample, as the first layer. */
export class InputLayer implements Layer {
  readonly className = 'InputLayer';
  name?: string;
  readonly inputShape: Shape;

  constructor(options: InputLayerOptions) {
    checkOptions('options', options, ['shape', 'name']);
    const { name, inputShape } = checkLayer({ name: options.name, inputShape: options.shape });
    if (inputShape === undefined) throw wrongType('shape', 'an array of positive integers', inputShape);
    this.name = name;
    this.inputShape = inputShape;
  }

  outputShape(inputShape: Shape): Shape {
    if (inputShape.join() !== this.inputShape.join())
      throw wrongInput(this, `of shape [${this.inputShape.join(', ')}]`, inputShape);
    return inputShape;
  }

  record(t: Recorder, x: Buffer): Recorded {
    return recordView(t, x, x.shape);
  }

  getConfig(): Record<string, unknown> {
    return { shape: this.inputShape };
  }
}
