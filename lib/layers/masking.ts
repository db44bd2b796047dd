import { checkNumber } from '../check.js';
import type { ShapeOf } from '../graph/shape-types.js';
import { type Value, withMask } from '../graph/value.js';
import { ops } from '../ops.js';
import { isList, Layer, type LayerOptions, nameOf, type Shape, wrongInput } from './layer.js';
import { differsFrom, masked } from './masks.js';
import type { Ranks } from './ranks.js';

export interface MaskingOptions extends LayerOptions {
  /** A step all of whose features are this does not count. Default 0 */
  maskValue?: number;
}

/** As many axes as the sequence has. */
interface OfSequence extends Ranks {
  readonly takes: Value | readonly [Value, Value];
  readonly gives: Value<ShapeOf<this['given'] extends readonly [infer X, unknown] ? X : this['given']>>;
}

/**
 * Sequences [steps, features], of which the steps that hold nothing but `maskValue` do not count for the layers behind it, the
 * loss and the metrics; of [sentences, words, features] the words. What it gives has zeros there, as Keras'. Or a list of a sequence
 * and a mask [steps], or [sentences, words], of 1 for the steps that count and 0 for the others, whatever these hold.
 */
export class Masking extends Layer<OfSequence> {
  static override readonly takesList = true;
  override readonly className = 'Masking';
  readonly maskValue: number;

  constructor(options: MaskingOptions = {}) {
    super(options, ['maskValue']);
    this.maskValue = checkNumber('maskValue', options.maskValue ?? 0);
  }

  override get stepPadding(): number {
    return this.maskValue;
  }

  override build(inputShape: Shape | readonly Shape[]): void {
    const [shape, mask, ...more] = isList(inputShape as Shape | readonly Shape[])
      ? (inputShape as readonly Shape[])
      : [inputShape as Shape];
    if (shape.length < 2) throw wrongInput(this, 'sequences [steps, features]', shape);
    const isMask = !mask || (mask.length > 0 && mask.length < shape.length && mask.every((n, i) => n === shape[i]));
    if (more.length > 0 || !isMask)
      throw new RangeError(
        `Expected ${nameOf(this)} to be given a sequence and a mask of shape [${shape[0]}], its steps, got ${mask && more.length === 0 ? `[${mask.join(', ')}]` : `${2 + more.length} values`}`,
      );
  }

  call(inputs: Value | readonly Value[]): Value {
    if (isList(inputs)) return withMask(masked(inputs[0], inputs[1]), inputs[1]);
    const x = inputs as Value;
    const mask = ops.max(differsFrom(x, this.maskValue), { axis: -1 }) as Value;
    return withMask(masked(x, mask), mask);
  }

  override getConfig(): Record<string, unknown> {
    return { maskValue: this.maskValue };
  }
}
