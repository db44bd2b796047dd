import { checkInterval } from '../check.js';
import { reshaped } from '../graph/broadcast.js';
import { gaussianNoise } from '../graph/ops/noise.js';
import { applyOp, sizeOf, type Value } from '../graph/value.js';
import { ops } from '../ops.js';
import { type DropoutOptions, dropoutMask } from './dropout.js';
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

/** x [..., channels] with a share `rate` of its channels set to 0 and the others scaled by 1 / (1 - rate). */
export function droppedChannels(x: Value, rate: number): Value {
  if (rate === 0) return x;
  const channels = x.shape[x.shape.length - 1];
  const mask = dropoutMask(channels, x.times, rate);
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
