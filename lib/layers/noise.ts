import { checkInterval } from '../check.js';
import { reshaped } from '../graph/broadcast.js';
import { gaussianNoise } from '../graph/ops/noise.js';
import { applyOp, sizeOf, type Value } from '../graph/value.js';
import { ops } from '../ops.js';
import { type DropoutOptions, dropoutMask, onesOf } from './dropout.js';
import { Layer, type LayerOptions, type Mode, type Shape, type Weights, wrongInput } from './layer.js';
import type { OfPictures, OfSequences, Ranks, SameRank } from './ranks.js';

export interface GaussianNoiseOptions extends LayerOptions {
  /** The standard deviation of the noise, non-negative. */
  stddev: number;
}

/** In training adds normal numbers of mean 0; otherwise passes values on. The network's seed decides the noise. */
export class GaussianNoise extends Layer<SameRank> {
  override readonly className = 'GaussianNoise';
  override readonly supportsMasking = true;
  readonly stddev: number;

  constructor(options: GaussianNoiseOptions) {
    super(options, ['stddev']);
    this.stddev = checkInterval('stddev', options.stddev, 0, Number.POSITIVE_INFINITY);
  }

  call(x: Value, _: Weights, { training }: Mode): Value {
    return training && this.stddev > 0 ? applyOp(gaussianNoise, [x], { stddev: this.stddev }) : x;
  }

  override getConfig(): Record<string, unknown> {
    return { stddev: this.stddev };
  }
}

abstract class ValueNoise extends Layer<SameRank> {
  override readonly supportsMasking = true;
  readonly rate: number;

  constructor(options: DropoutOptions) {
    super(options, ['rate']);
    this.rate = checkInterval('rate', options.rate, 0, 1, 'high');
  }

  call(x: Value, _: Weights, { training }: Mode): Value {
    return training && this.rate > 0 ? this.disturbed(x) : x;
  }

  protected abstract disturbed(x: Value): Value;

  override getConfig(): Record<string, unknown> {
    return { rate: this.rate };
  }
}

/**
 * In training multiplies by normal numbers of mean 1 and variance rate / (1 - rate), that of a dropout of this rate; otherwise
 * passes values on (Srivastava et al., 2014). The network's seed decides the noise.
 */
export class GaussianDropout extends ValueNoise {
  override readonly className = 'GaussianDropout';

  protected disturbed(x: Value): Value {
    const ones = onesOf(sizeOf(x.shape), x);
    const factors = applyOp(gaussianNoise, [ones], { stddev: Math.sqrt(this.rate / (1 - this.rate)) });
    return ops.mul(x, reshaped(factors, x.shape));
  }
}

/** What selu gives for very small numbers (Klambauer et al., 2017). */
const SATURATED = -1.0507009873554805 * 1.6732632423543772;

/**
 * A dropout behind `selu`: in training sets a random share of the values to what selu gives at minus infinity, and scales and
 * moves all so that mean 0 and variance 1 stay; otherwise passes them on (Klambauer et al., 2017). The network's seed decides.
 */
export class AlphaDropout extends ValueNoise {
  override readonly className = 'AlphaDropout';

  protected disturbed(x: Value): Value {
    const { rate } = this;
    const scale = ((1 - rate) * (1 + rate * SATURATED ** 2)) ** -0.5;
    const kept = ops.mul(reshaped(dropoutMask(sizeOf(x.shape), x, rate), x.shape), 1 - rate);
    const values = ops.add(ops.mul(ops.sub(x, SATURATED), kept), SATURATED);
    return ops.sub(ops.mul(values, scale), scale * SATURATED * rate);
  }
}

/** x [..., channels] with a share `rate` of its channels set to 0 and the others scaled by 1 / (1 - rate). */
export function droppedChannels(x: Value, rate: number): Value {
  if (rate === 0) return x;
  const channels = x.shape[x.shape.length - 1];
  const mask = dropoutMask(channels, x, rate);
  return reshaped(ops.mul(reshaped(x, [sizeOf(x.shape) / channels, channels]), mask), x.shape);
}

abstract class SpatialDropout<R extends Ranks> extends Layer<R> {
  readonly rate: number;
  /** What a sample is, and how many axes it has. */
  protected abstract readonly takes: readonly [what: string, rank: number];

  constructor(options: DropoutOptions) {
    super(options, ['rate']);
    this.rate = checkInterval('rate', options.rate, 0, 1);
  }

  override build(inputShape: Shape): void {
    const [what, rank] = this.takes;
    if (inputShape.length !== rank) throw wrongInput(this, what, inputShape);
  }

  call(x: Value, _: Weights, { training }: Mode): Value {
    return training ? droppedChannels(x, this.rate) : x;
  }

  override getConfig(): Record<string, unknown> {
    return { rate: this.rate };
  }
}

/** Dropout of whole channels of sequences [steps, channels] (Tompson et al., 2015). */
export class SpatialDropout1D extends SpatialDropout<OfSequences> {
  override readonly className = 'SpatialDropout1D';
  override readonly supportsMasking = true;
  protected override readonly takes = ['sequences [steps, channels]', 2] as const;
}

/** Dropout of whole channels of images [height, width, channels] (Tompson et al., 2015). */
export class SpatialDropout2D extends SpatialDropout<OfPictures> {
  override readonly className = 'SpatialDropout2D';
  override readonly supportsMasking = true;
  protected override readonly takes = ['images [height, width, channels]', 3] as const;
}
