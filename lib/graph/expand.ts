import type { Layer } from '../layers/layer.js';
import { applyOp, type Call, isCall, type Node, topological, type Value } from './value.js';

/** A graph of operations alone. */
export interface Expanded {
  readonly outputs: readonly Value[];
  /** The layer whose call an operation is part of. */
  readonly layerOf: ReadonlyMap<Node, Layer>;
}

/** Spells out the layers of a graph: the operations of which their calls consist, in training or otherwise. */
export function expand(outputs: readonly Value[], training: boolean): Expanded {
  const values = new Map<Value, Value>();
  const mapped = (value: Value) => values.get(value) ?? value;
  const layerOf = new Map<Node, Layer>();
  for (const from of topological(outputs)) {
    const inputs = from.inputs.map(mapped);
    if (!isCall(from)) {
      if (inputs.some((input, i) => input !== from.inputs[i]))
        values.set(from.output, applyOp(from.op, inputs, from.options));
      continue;
    }
    const result = callLayer(from, inputs, training);
    values.set(from.outputs[0], result);
    for (const node of topological([result])) if (!isCall(node) && !layerOf.has(node)) layerOf.set(node, from.layer);
  }
  return behindMaxima({ outputs: outputs.map(mapped), layerOf });
}

function callLayer({ layer, list }: Call, inputs: readonly Value[], training: boolean): Value {
  const shapes = inputs.map((input) => input.shape);
  return layer.call(list ? inputs : inputs[0], layer.weightsFor(list ? shapes : shapes[0]), { training });
}

/**
 * A relu that goes into a maximum alone goes behind it: the same there, on fewer values. Operations are told by their names,
 * as layers may be another copy's of this package.
 */
function behindMaxima({ outputs, layerOf }: Expanded): Expanded {
  const order = topological(outputs) as Node[];
  const uses = new Map<Value, number>();
  const use = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const { inputs } of order) inputs.forEach(use);
  outputs.forEach(use);
  const values = new Map<Value, Value>();
  const mapped = (value: Value) => values.get(value) ?? value;
  const layers = new Map<Node, Layer>();
  const make = ({ op, options, output }: Node, inputs: readonly Value[]): Value => {
    const same = output.from as Node;
    const value = inputs.every((input, i) => input === same.inputs[i]) ? output : applyOp(op, inputs, options);
    const layer = layerOf.get(same);
    if (layer) layers.set(value.from as Node, layer);
    return value;
  };
  for (const node of order) {
    const relu = node.inputs[0].from as Node | undefined;
    const moves =
      node.op.name === 'maxPooling2d' &&
      relu?.op.name === 'activation' &&
      relu.options.config.name === 'relu' &&
      uses.get(relu.output) === 1;
    values.set(
      node.output,
      moves ? make(relu, [make(node, relu.inputs.map(mapped))]) : make(node, node.inputs.map(mapped)),
    );
  }
  return { outputs: outputs.map(mapped), layerOf: layers };
}
