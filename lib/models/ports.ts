import type { Graph } from '../graph/graph.js';
import { isCall, type Shape, topological, type Value } from '../graph/value.js';
import type { Layer } from '../layers/layer.js';
import type { Port, Ports } from '../training/data.js';
import type { Compiled } from './network.js';

/** The inputs and outputs of a network, by the names of the layers that make them. */
export function portsOf(graph: Graph, compiled: Compiled | undefined): Ports {
  const { inputs, outputs, names } = graph;
  const limits = limitsOf(graph);
  return {
    inputs: named(inputs, names).map((port, i) => {
      const limit = limits.get(inputs[i]);
      return { ...port, ...(limit && { limit }) };
    }),
    outputs: named(outputs, names).map((port, i) => {
      const loss = compiled?.outputs[i].loss;
      return { ...port, ...(loss && { loss }) };
    }),
  };
}

function named(values: readonly Value[], names: ReadonlyMap<Layer, string>) {
  const bases = values.map(({ from }) =>
    !from ? 'x' : isCall(from) ? (names.get(from.layer) ?? from.layer.name ?? 'x') : from.op.name,
  );
  const taken = new Set(bases);
  return values.map(({ shape, dtype }, k) => {
    const base = bases[k];
    let name = base;
    if (bases.indexOf(base) < k) for (let i = 1; taken.has(name); i++) name = `${base}_${i}`;
    taken.add(name);
    return { name, shape, ...(dtype && { dtype }) };
  });
}

/** The least number of rows of the embeddings that look up an input, as it is or in another shape. */
function limitsOf({ outputs, names }: Graph): Map<Value, NonNullable<Port['limit']>> {
  const limits = new Map<Value, NonNullable<Port['limit']>>();
  const limit = (value: Value, below: number, layer: string) => {
    const source = sourceOf(value);
    if (below < (limits.get(source)?.below ?? Number.POSITIVE_INFINITY)) limits.set(source, { below, layer });
  };
  for (const from of topological(outputs)) {
    if (!isCall(from)) continue;
    const { layer, inputs } = from;
    const name = names.get(layer) as string;
    const { inputDim } = layer as { inputDim?: number };
    if (layer.inputDtype === 'int32' && inputDim !== undefined) limit(inputs[0], inputDim, name);
    const inner = layer.graph && limitsOf(layer.graph);
    layer.graph?.inputs.forEach((value, i) => {
      const own = inner?.get(value);
      if (own) limit(inputs[i], own.below, `${name}/${own.layer}`);
    });
  }
  return limits;
}

/** The integers that a value is a view of. */
function sourceOf(value: Value): Value {
  let source = value;
  while (source.from && source.from.inputs.length === 1 && source.dtype === 'int32') source = source.from.inputs[0];
  return source;
}

/** The shape of each layer's output for one sample, where it is applied first. */
export function outputShapesOf({ layers, outputs }: Graph): readonly Shape[] {
  const shapes = new Map<Layer, Shape>();
  for (const from of topological(outputs))
    if (isCall(from) && !shapes.has(from.layer)) shapes.set(from.layer, from.outputs[0].shape);
  return layers.map((layer) => shapes.get(layer) as Shape);
}
