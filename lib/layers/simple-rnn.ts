import { simpleRnn } from '../graph/ops/recurrent.js';
import { RecurrentLayer, type RecurrentOptions } from './recurrent.js';

/**
 * A recurrent layer, h = activation(x @ kernel + h @ recurrentKernel + bias): kernel [features, units], recurrentKernel [units,
 * units], bias [units]. Takes sequences [steps, features], or a list of one and the state to begin with; steps that a mask leaves
 * out keep the state. As Keras' SimpleRNN.
 */
export class SimpleRNN<O = RecurrentOptions> extends RecurrentLayer<O> {
  override readonly className = 'SimpleRNN';
  protected override readonly cell = { op: simpleRnn, gates: 1, states: ['h0'] } as const;

  constructor(options: RecurrentOptions) {
    super(options);
  }
}
