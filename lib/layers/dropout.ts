import { checkInterval } from '../check.js';
import type { Buffer } from '../tape.js';
import { BaseLayer, type Layer, type LayerOptions, type Recorded, type Recorder, type Shape } from './layer.js';

export interface DropoutOptions extends LayerOptions {
  /** The share of values that is set to 0, in [0, 1]. */
  rate: number;
}

/**
 * In training sets a random share of the values to 0 and scales the others by 1 / (1 - rate); otherwise passes them on
 * (Srivastava et al., 2014). The network's seed decides the masks.
 */
export class Dropout extends BaseLayer implements Layer {
  readonly className = 'Dropout';
  readonly rate: number;

  constructor(options: DropoutOptions) {
    super(options, ['rate']);
    this.rate = checkInterval('rate', options.rate, 0, 1);
  }

  outputShape(inputShape: Shape): Shape {
    return inputShape;
  }

  record(t: Recorder, x: Buffer, name: string): Recorded {
    const N = x.size;
    const { rate } = this;
    const seed = t.perStepSeed();
    const mask = t.batched(`${name}/mask`, x.shape);
    const y = t.batched(`${name}/y`, x.shape);
    return {
      y,
      forward(training) {
        if (training)
          t.emit('dropout', [x, y, mask], { N }, { rate, seed }); // y = x * mask
        else t.emit('copy', [x, y], { N });
      },
      backward(dy, wanted) {
        if (!wanted) return undefined;
        t.emit('dropoutGradient', [mask, dy, dy], { N }); // dx = dy * mask
        return dy;
      },
    };
  }

  override getConfig(): Record<string, unknown> {
    return { rate: this.rate };
  }
}
