import { type Activation as ActivationFunction, type ActivationInput, getActivation } from '../activations.js';
import type { Buffer } from '../tape.js';
import { BaseLayer, type Layer, type LayerOptions, type Recorded, type Recorder, type Shape } from './layer.js';

export interface ActivationOptions extends LayerOptions {
  activation: ActivationInput;
}

/** An activation as a layer of its own. */
export class Activation extends BaseLayer implements Layer {
  readonly className = 'Activation';
  readonly activation: ActivationFunction;

  constructor(options: ActivationOptions) {
    super(options, ['activation']);
    this.activation = getActivation('activation', options.activation);
  }

  outputShape(inputShape: Shape): Shape {
    return inputShape;
  }

  record(t: Recorder, x: Buffer, name: string): Recorded {
    // The network applies the activation, in place where its derivative is written from its value. The layer before may need
    // its own values for its gradient: then a copy is what is overwritten.
    const inPlace = this.activation.kernel !== undefined && this.activation.derivativeFrom === 'y';
    const y = inPlace ? t.batched(`${name}/y`, x.shape) : x;
    return {
      y,
      forward() {
        if (inPlace) t.emit('copy', [x, y], { N: x.size });
      },
      backward: (dy, wanted) => (wanted ? dy : undefined),
    };
  }

  override getConfig(): Record<string, unknown> {
    return { activation: this.activation.config };
  }
}
