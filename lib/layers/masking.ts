import { checkNumber } from '../check.js';
import { type Value, withMask } from '../graph/value.js';
import { ops } from '../ops.js';
import { Layer, type LayerOptions, type Shape, wrongInput } from './layer.js';
import { differsFrom, masked } from './masks.js';
import type { SameRank } from './ranks.js';

export interface MaskingOptions extends LayerOptions {
  /** A step all of whose features are this does not count. Default 0 */
  maskValue?: number;
}

/**
 * Sequences [steps, features], of which the steps that hold nothing but `maskValue` do not count for the layers behind it, the
 * loss and the metrics. What it gives has zeros there, as Keras'.
 */
export class Masking extends Layer<SameRank> {
  override readonly className = 'Masking';
  readonly maskValue: number;

  constructor(options: MaskingOptions = {}) {
    super(options, ['maskValue']);
    this.maskValue = checkNumber('maskValue', options.maskValue ?? 0);
  }

  override get stepPadding(): number {
    return this.maskValue;
  }

  override build(inputShape: Shape): void {
    if (inputShape.length < 2) throw wrongInput(this, 'sequences [steps, features]', inputShape);
  }

  call(x: Value): Value {
    const features = x.shape.map((_, axis) => axis).slice(1);
    const mask = ops.max(differsFrom(x, this.maskValue), { axis: features }) as Value;
    return withMask(masked(x, mask), mask);
  }

  override getConfig(): Record<string, unknown> {
    return { maskValue: this.maskValue };
  }
}
