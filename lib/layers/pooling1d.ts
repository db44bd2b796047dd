import { maxAxis } from '../graph/ops/axes.js';
import { averagePooling2d, globalAveragePooling, maxPooling2d, type Windows } from '../graph/ops/pooling.js';
import type { Sequence } from '../graph/shape-types.js';
import { applyOp, type Value } from '../graph/value.js';
import { ops } from '../ops.js';
import { Layer, type LayerOptions, type Shape, wrongInput } from './layer.js';
import { masked } from './masks.js';
import { GlobalPooling, type GlobalPoolingOptions } from './pooling.js';
import type { OfSequences } from './ranks.js';
import {
  asImage,
  asSequence,
  checkPadding,
  checkSteps,
  type Padding,
  type StepsInput,
  slideSequence,
} from './window.js';

export interface Pooling1DOptions extends LayerOptions {
  /** Steps of the window. Default 2 */
  poolSize?: StepsInput;
  /** Steps from one window to the next. Default: poolSize */
  strides?: StepsInput;
  /** 'same': ceil(n / stride) windows, of which only the part inside the sequence counts. Default 'valid': those inside */
  padding?: Padding;
}

abstract class Pooling1D extends Layer<OfSequences> {
  readonly poolSize: number;
  readonly strides: number;
  readonly padding: Padding;

  constructor(options: Pooling1DOptions = {}) {
    super(options, ['poolSize', 'strides', 'padding']);
    this.poolSize = checkSteps('poolSize', options.poolSize ?? 2);
    this.strides = checkSteps('strides', options.strides ?? this.poolSize);
    this.padding = checkPadding(options.padding ?? 'valid');
  }

  protected windows(inputShape: Shape): Windows {
    const { poolSize: size, strides, padding } = this;
    return slideSequence(this, 'window', { size, strides, dilations: 1, padding }, inputShape);
  }

  override getConfig(): Record<string, unknown> {
    return { poolSize: this.poolSize, strides: this.strides, padding: this.padding };
  }
}

/** The largest value in each window of a sequence [steps, channels], channel by channel. */
export class MaxPooling1D extends Pooling1D {
  override readonly className = 'MaxPooling1D';

  call(x: Value): Value {
    return asSequence(applyOp(maxPooling2d, [asImage(x)], this.windows(x.shape)));
  }
}

/** The mean of each window of a sequence [steps, channels], channel by channel. */
export class AveragePooling1D extends Pooling1D {
  override readonly className = 'AveragePooling1D';

  call(x: Value): Value {
    return asSequence(applyOp(averagePooling2d, [asImage(x)], this.windows(x.shape)));
  }
}

abstract class GlobalPooling1D<O> extends GlobalPooling<Sequence, O> {
  override build(inputShape: Shape): void {
    if (inputShape.length !== 2) throw wrongInput(this, 'sequences [steps, channels]', inputShape);
  }
}

/** The mean over all steps, or those that count where there is a mask: [steps, channels] to [channels]. */
export class GlobalAveragePooling1D<O = GlobalPoolingOptions> extends GlobalPooling1D<O> {
  override readonly className = 'GlobalAveragePooling1D';

  call(x: Value): Value {
    if (!x.mask) return this.kept(applyOp(globalAveragePooling, [x], undefined), x);
    const count = ops.maximum(ops.sum(x.mask), 1);
    return this.kept(ops.div(ops.sum(masked(x, x.mask), { axis: 0 }), count) as Value, x);
  }
}

/** The largest value of all steps: [steps, channels] to [channels]. Equal ones share the gradient. */
export class GlobalMaxPooling1D<O = GlobalPoolingOptions> extends GlobalPooling1D<O> {
  override readonly className = 'GlobalMaxPooling1D';

  call(x: Value): Value {
    return this.kept(applyOp(maxAxis, [x], { axis: 0 }), x);
  }
}
