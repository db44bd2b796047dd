import { checkInterval } from '../check.js';
import { dropout } from '../graph/ops/dropout.js';
import { applyOp, type Value } from '../graph/value.js';
import { Layer, type LayerOptions, type Mode, type Weights } from './layer.js';
import type { SameRank } from './ranks.js';

export interface DropoutOptions extends LayerOptions {
  /** The share of values that is set to 0, in [0, 1]. */
  rate: number;
}

/**
 * In training sets a random share of the values to 0 and scales the others by 1 / (1 - rate); otherwise passes them on
 * (Srivastava et al., 2014). The network's seed decides the masks.
 */
export class Dropout extends Layer<SameRank> {
  override readonly className = 'Dropout';
  override readonly supportsMasking = true;
  readonly rate: number;

  constructor(options: DropoutOptions) {
    super(options, ['rate']);
    this.rate = checkInterval('rate', options.rate, 0, 1);
  }

  call(x: Value, _: Weights, { training }: Mode): Value {
    return training ? applyOp(dropout, [x], { rate: this.rate }) : x;
  }

  override getConfig(): Record<string, unknown> {
    return { rate: this.rate };
  }
}
