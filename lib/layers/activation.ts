import { type Activation as ActivationFunction, type ActivationInput, getActivation } from '../activations.js';
import { activate } from '../graph/ops/activation.js';
import type { Value } from '../graph/value.js';
import { Layer, type LayerOptions } from './layer.js';
import type { SameRank } from './ranks.js';

export interface ActivationOptions extends LayerOptions {
  activation: ActivationInput;
}

/** An activation as a layer of its own. */
export class Activation extends Layer<SameRank> {
  override readonly className = 'Activation';
  override readonly supportsMasking = true;
  override readonly activation: ActivationFunction;

  constructor(options: ActivationOptions) {
    super(options, ['activation']);
    this.activation = getActivation('activation', options.activation);
  }

  call(x: Value): Value {
    return activate(x, this.activation);
  }

  override getConfig(): Record<string, unknown> {
    return { activation: this.activation.config };
  }
}
