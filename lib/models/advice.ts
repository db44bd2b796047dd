import type { Graph } from '../graph/graph.js';
import type { Tenant } from '../graph/held.js';
import { isCall, topological } from '../graph/value.js';
import { activationNameOf } from '../layers/layer-checks.js';
import { warn } from '../warn.js';

/** Warns of a softmax of one output inside a network, as Keras does: it trains nothing before it. */
export function advise({ outputs, names }: Graph): void {
  for (const from of topological(outputs)) {
    if (!isCall(from) || outputs.includes(from.outputs[0])) continue;
    if (activationNameOf(from.layer) === 'softmax' && from.outputs[0].shape.at(-1) === 1)
      warn(
        'FJORDNET_SOFTMAX',
        `The softmax of the layer '${names.get(from.layer)}' has one output, which is always 1: nothing before it is trained (take 'sigmoid')`,
      );
  }
}

/** Warns of a network all of whose weights are frozen: training it is possible, and changes nothing. */
export function adviseFrozen(weights: readonly Tenant[]): void {
  const trained = weights.filter(({ weight }) => weight.trained);
  if (trained.length > 0 && !trained.some(({ moves }) => moves))
    warn(
      'FJORDNET_FROZEN',
      'All layers with weights are frozen, so that training changes nothing: set trainable to true and compile again',
    );
}
