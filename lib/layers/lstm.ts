import type { Activation, ActivationInput } from '../activations.js';
import { NDArray } from '../array.js';
import { checkBoolean } from '../check.js';
import { lstm } from '../graph/ops/recurrent.js';
import type { Initializer } from '../initializers.js';
import { checkGate, RecurrentLayer, type RecurrentOptions } from './recurrent.js';

export interface LSTMOptions extends RecurrentOptions {
  /** Of the gates. Default 'sigmoid' */
  recurrentActivation?: ActivationInput;
  /** The bias of the forget gate begins with 1 (Jozefowicz and others 2015). Default true */
  unitForgetBias?: boolean;
}

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997): kernel [features, 4 units], recurrentKernel [units, 4 units], bias
 * [4 units], the gates in the order input, forget, cell, output. Takes sequences [steps, features], or a list of one and the
 * two states to begin with, output and cell; steps that a mask leaves out keep both. As Keras' LSTM.
 */
export class LSTM<O = LSTMOptions> extends RecurrentLayer<O> {
  override readonly className = 'LSTM';
  readonly #recurrentActivation: Activation;
  readonly unitForgetBias: boolean;
  protected override readonly cell = { op: lstm, gates: 4, states: ['h0', 'c0'] } as const;

  constructor(options: LSTMOptions) {
    super(options, ['recurrentActivation', 'unitForgetBias']);
    this.#recurrentActivation = checkGate('recurrentActivation', options.recurrentActivation ?? 'sigmoid');
    this.unitForgetBias = checkBoolean('unitForgetBias', options.unitForgetBias ?? true);
  }

  override get recurrentActivation(): Activation {
    return this.#recurrentActivation;
  }

  protected override firstBias(): Initializer {
    const { units, biasInitializer } = this;
    if (!this.unitForgetBias) return biasInitializer;
    const first = (_: readonly number[], random: Parameters<Initializer>[1]) => {
      const bias = new Float64Array(4 * units).fill(1);
      bias.set(biasInitializer([units], random).data);
      bias.set(biasInitializer([2 * units], random).data, 2 * units);
      return NDArray.wrap(bias, [4 * units]);
    };
    return Object.assign(first, { config: biasInitializer.config });
  }

  override getConfig(): Record<string, unknown> {
    const { recurrentActivation, unitForgetBias } = this;
    return { ...super.getConfig(), recurrentActivation: recurrentActivation.config, unitForgetBias };
  }
}
