import type { Activation, ActivationInput } from '../activations.js';
import { checkBoolean } from '../check.js';
import { matmul } from '../graph/ops/products.js';
import { gru } from '../graph/ops/recurrent.js';
import { applyOp, type Value } from '../graph/value.js';
import type { Shape, Weights } from './layer.js';
import { checkGate, RecurrentLayer, type RecurrentOptions } from './recurrent.js';

export interface GRUOptions extends RecurrentOptions {
  /** Of the gates. Default 'sigmoid' */
  recurrentActivation?: ActivationInput;
  /** Whether the reset gate comes behind the product with the state's weights, as in PyTorch. Default true */
  resetAfter?: boolean;
}

/**
 * Gated recurrent units (Cho and others 2014): kernel [features, 3 units], recurrentKernel [units, 3 units], the gates in the order
 * update, reset, candidate; bias [2, 3 units] with `resetAfter`, a row for the inputs and one for the state, else [3 units].
 * Takes sequences [steps, features], or a list of one and the state to begin with; steps that a mask leaves out keep the state.
 * As Keras' GRU.
 */
export class GRU<O = GRUOptions> extends RecurrentLayer<O> {
  override readonly className = 'GRU';
  readonly #recurrentActivation: Activation;
  readonly resetAfter: boolean;
  protected override readonly cell = { op: gru, gates: 3, states: ['h0'] } as const;

  constructor(options: GRUOptions) {
    super(options, ['recurrentActivation', 'resetAfter']);
    this.#recurrentActivation = checkGate('recurrentActivation', options.recurrentActivation ?? 'sigmoid');
    this.resetAfter = checkBoolean('resetAfter', options.resetAfter ?? true);
  }

  override get recurrentActivation(): Activation {
    return this.#recurrentActivation;
  }

  protected override biasShape(columns: number): Shape {
    return this.resetAfter ? [2, columns] : [columns];
  }

  protected override contribution(x: Value, weights: Weights): Value {
    return this.resetAfter ? applyOp(matmul, [x, weights.kernel], undefined) : super.contribution(x, weights);
  }

  protected override ownExtras({ bias }: Weights) {
    return this.resetAfter && bias ? ([['bias', bias]] as const) : [];
  }

  override getConfig(): Record<string, unknown> {
    const { recurrentActivation, resetAfter } = this;
    return { ...super.getConfig(), recurrentActivation: recurrentActivation.config, resetAfter };
  }
}
