import { checkInteger, checkInterval, wrongType } from '../check.js';
import { constant, reshaped } from '../graph/broadcast.js';
import { repeatRows } from '../graph/ops/axes.js';
import { dropout } from '../graph/ops/dropout.js';
import { applyOp, sizeOf, type Value } from '../graph/value.js';
import { ops } from '../ops.js';
import { Layer, type LayerOptions, type Mode, type Shape, type Weights, wrongInput } from './layer.js';
import type { SameRank } from './ranks.js';

export interface DropoutOptions extends LayerOptions {
  /** The share of values that is set to 0, in [0, 1]. */
  rate: number;
}

export interface ValueDropoutOptions extends DropoutOptions {
  /**
   * How many draws there are along each axis of a sample: 1 for all of it together, null for one each. [1, 1, 1] sets whole images
   * to 0, as in residual networks of random depth (Huang et al., 2016). Default: one for each value
   */
  noiseShape?: readonly (number | null)[];
}

/** n ones for every sample; for a value that is the same for all of them, once. */
export const onesOf = (n: number, { batched, times }: Value): Value =>
  batched ? applyOp(repeatRows, [constant([n], 1)], times ? { times } : undefined) : constant([n], 1);

/** 0 for a share `rate` of n values, drawn for every sample of x, and 1 / (1 - rate) for the others. */
export const dropoutMask = (n: number, x: Value, rate: number): Value => applyOp(dropout, [onesOf(n, x)], { rate });

/**
 * In training sets a random share of the values to 0 and scales the others by 1 / (1 - rate); otherwise passes them on
 * (Srivastava et al., 2014). The network's seed decides the masks.
 */
export class Dropout extends Layer<SameRank> {
  override readonly className = 'Dropout';
  override readonly supportsMasking = true;
  readonly rate: number;
  readonly noiseShape?: readonly (number | null)[];

  constructor(options: ValueDropoutOptions) {
    super(options, ['rate', 'noiseShape']);
    this.rate = checkInterval('rate', options.rate, 0, 1);
    const { noiseShape } = options;
    if (noiseShape === undefined) return;
    if (!Array.isArray(noiseShape)) throw wrongType('noiseShape', 'an array of 1, null or lengths', noiseShape);
    this.noiseShape = Array.from(noiseShape, (n, i) => (n === null ? n : checkInteger(`noiseShape[${i}]`, n, 1)));
  }

  override build(inputShape: Shape): void {
    const { noiseShape } = this;
    if (!noiseShape) return;
    const fits = noiseShape.every((n, axis) => n === null || n === 1 || n === inputShape[axis]);
    if (noiseShape.length !== inputShape.length || !fits)
      throw wrongInput(this, `of a shape that its noiseShape [${noiseShape.map(String).join(', ')}] fits`, inputShape);
  }

  call(x: Value, _: Weights, { training }: Mode): Value {
    const { rate, noiseShape } = this;
    if (!training) return x;
    if (!noiseShape) return applyOp(dropout, [x], { rate });
    const shape = noiseShape.map((n, axis) => n ?? x.shape[axis]);
    return ops.mul(x, reshaped(dropoutMask(sizeOf(shape), x, rate), shape));
  }

  override getConfig(): Record<string, unknown> {
    const { rate, noiseShape } = this;
    return { rate, noiseShape };
  }
}
