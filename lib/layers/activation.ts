import { type Activation, type ActivationInput, getActivation } from '../activations.js';
import { checkOptions } from '../check.js';
import type { Buffer } from '../tape.js';
import { checkLayer, LAYER_OPTIONS, type Layer, type LayerOptions, type Recorded, type Recorder, type Shape } from './layer.js';

export interface ActivationOptions extends LayerOptions {
  activation: ActivationInput;
}

/** An activation as a layer of its own. */
export class ActivationLayer implements Layer {
  readonly className = 'Activation';
  name?: string;
  readonly inputShape?: Shape;
  readonly activation: Activation;

  constructor(options: ActivationOptions) {
    checkOptions('options', options, [...LAYER_OPTIONS, 'activation']);
    ({ name: this.name, inputShape: this.inputShape } = checkLayer(options));
    this.activation = getActivation('activation', options.activation);
  }

  outputShape(inputShape: Shape): Shape {
    return inputShape;
  }

  // The layer before may need its own output for its derivative, so that this one works on a copy.
  record(t: Recorder, x: Buffer, name: string): Recorded {
    const y = t.batched(`${name}/y`, x.shape);
    return {
      y,
      forward() {
        t.emit('copy', [x, y], { N: x.size });
      },
      backward: (dy, wanted) => (wanted ? dy : undefined),
    };
  }

  getConfig(): Record<string, unknown> {
    return { activation: this.activation.config };
  }
}
