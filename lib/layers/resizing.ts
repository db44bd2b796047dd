import { checkInteger, checkOneOf } from '../check.js';
import { reshaped } from '../graph/broadcast.js';
import { repeatAxis } from '../graph/ops/axes.js';
import { upsampleBilinear } from '../graph/ops/resize.js';
import { applyOp, type Value } from '../graph/value.js';
import { Layer, type LayerOptions, type Shape, wrongInput } from './layer.js';
import type { OfPictures, OfSequences, VectorToSequence } from './ranks.js';
import { checkPair, type Pair, type PairInput } from './window.js';

export interface UpSampling1DOptions extends LayerOptions {
  /** How often every step is repeated. Default 2 */
  size?: number;
}

/** Longer sequences: every step of [steps, channels] becomes several of its like. */
export class UpSampling1D extends Layer<OfSequences> {
  override readonly className = 'UpSampling1D';
  readonly size: number;

  constructor(options: UpSampling1DOptions = {}) {
    super(options, ['size']);
    this.size = checkInteger('size', options.size ?? 2, 1);
  }

  override build(inputShape: Shape): void {
    if (inputShape.length !== 2) throw wrongInput(this, 'sequences [steps, channels]', inputShape);
  }

  call(x: Value): Value {
    return repeated(x, 0, this.size);
  }

  override getConfig(): Record<string, unknown> {
    return { size: this.size };
  }
}

export interface UpSampling2DOptions extends LayerOptions {
  /** How often every row and every column is repeated. Default 2 */
  size?: PairInput;
  /**
   * What new pixels are: the one that is nearest, or between the four around them; at the borders, where there are none beyond, by
   * those at hand. Default 'nearest'
   */
  interpolation?: 'nearest' | 'bilinear';
}

/** Larger images: every pixel of [height, width, channels] becomes a block, of its like or interpolated. */
export class UpSampling2D extends Layer<OfPictures> {
  override readonly className = 'UpSampling2D';
  readonly size: Pair;
  readonly interpolation: 'nearest' | 'bilinear';

  constructor(options: UpSampling2DOptions = {}) {
    super(options, ['size', 'interpolation']);
    this.size = checkPair('size', options.size ?? 2);
    this.interpolation = checkOneOf('interpolation', options.interpolation ?? 'nearest', ['nearest', 'bilinear']);
  }

  override build(inputShape: Shape): void {
    if (inputShape.length !== 3) throw wrongInput(this, 'images [height, width, channels]', inputShape);
  }

  call(x: Value): Value {
    const [rows, columns] = this.size;
    if (this.interpolation === 'bilinear') return applyOp(upsampleBilinear, [x], { size: this.size });
    return repeated(repeated(x, 1, columns), 0, rows);
  }

  override getConfig(): Record<string, unknown> {
    return { size: this.size, interpolation: this.interpolation };
  }
}

/** Whether a layer makes pixels between others. */
export const isBilinear = (layer: Layer<any>): boolean =>
  layer instanceof UpSampling2D && layer.interpolation === 'bilinear';

/** Every entry along an axis n times, one behind the other. */
function repeated(x: Value, axis: number, n: number): Value {
  if (n === 1) return x;
  const { shape } = x;
  const apart = reshaped(x, [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)]);
  const copies = applyOp(repeatAxis, [apart], { axis: axis + 1, n });
  return reshaped(
    copies,
    shape.map((length, i) => (i === axis ? length * n : length)),
  );
}

export interface RepeatVectorOptions extends LayerOptions {
  /** How often. */
  n: number;
}

/** A vector [features] n times: [n, features]. */
export class RepeatVector extends Layer<VectorToSequence> {
  override readonly className = 'RepeatVector';
  readonly n: number;

  constructor(options: RepeatVectorOptions) {
    super(options, ['n']);
    this.n = checkInteger('n', options.n, 1);
  }

  override build(inputShape: Shape): void {
    if (inputShape.length !== 1) throw wrongInput(this, 'a vector for each sample', inputShape);
  }

  call(x: Value): Value {
    return applyOp(repeatAxis, [reshaped(x, [1, ...x.shape])], { axis: 0, n: this.n });
  }

  override getConfig(): Record<string, unknown> {
    return { n: this.n };
  }
}
