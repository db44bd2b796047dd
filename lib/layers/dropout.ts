import { checkInterval, checkOptions } from '../check.js';
import type { Buffer } from '../tape.js';
import { checkLayer, LAYER_OPTIONS, type Layer, type LayerOptions, type Recorded, type Recorder, type Shape } from './layer.js';

export interface DropoutOptions extends LayerOptions {
  /** The share of values to drop, in [0, 1). */
  rate: number;
}

/**
 * Sets a random share `rate` of its input to 0 in training and divides the rest by 1 - rate; does nothing in evaluation
 * and prediction (Srivastava et al., 2014). The masks are decided by the network's seed.
 */
export class Dropout implements Layer {
  readonly className = 'Dropout';
  name?: string;
  readonly inputShape?: Shape;
  readonly rate: number;

  constructor(options: DropoutOptions) {
    checkOptions('options', options, [...LAYER_OPTIONS, 'rate']);
    ({ name: this.name, inputShape: this.inputShape } = checkLayer(options));
    this.rate = checkInterval('rate', options.rate, 0, 1, 'high');
  }

  outputShape(inputShape: Shape): Shape {
    return inputShape;
  }

  record(t: Recorder, x: Buffer, name: string): Recorded {
    const N = x.size;
    const y = t.batched(`${name}/y`, x.shape);
    const mask = t.batched(`${name}/mask`, x.shape);
    const seed = t.perStep((_iteration, random) => random.randint(0, 2 ** 32));
    const { rate } = this;
    return {
      y,
      forward(training) {
        if (training) t.emit('dropout', [x, y, mask], { N }, { seed, rate });
        else t.emit('copy', [x, y], { N });
      },
      backward(dy, wanted) {
        if (!wanted) return undefined;
        t.emit('multiply', [dy, mask, dy], { N });
        return dy;
      },
    };
  }

  getConfig(): Record<string, unknown> {
    return { rate: this.rate };
  }
}
