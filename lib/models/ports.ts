import type { Graph } from '../graph/graph.js';
import { isCall, type Shape, topological, type Value } from '../graph/value.js';
import type { Layer } from '../layers/layer.js';
import type { Ports } from '../training/data.js';
import type { Compiled } from './network.js';

/** The inputs and outputs of a network, by the names of the layers that make them. */
export function portsOf({ inputs, outputs, names }: Graph, compiled: Compiled | undefined): Ports {
  return {
    inputs: named(inputs, names),
    outputs: named(outputs, names).map((port, i) => {
      const loss = compiled?.outputs[i].loss;
      return { ...port, ...(loss && { loss }) };
    }),
  };
}

function named(values: readonly Value[], names: ReadonlyMap<Layer, string>) {
  const taken = new Set<string>();
  return values.map(({ from, shape, dtype }) => {
    const base = !from ? 'x' : isCall(from) ? (names.get(from.layer) ?? from.layer.name ?? 'x') : from.op.name;
    let name = base;
    for (let i = 1; taken.has(name); i++) name = `${base}_${i}`;
    taken.add(name);
    return { name, shape, ...(dtype && { dtype }) };
  });
}

/** The shape of each layer's output for one sample, where it is applied first. */
export function outputShapesOf({ layers, outputs }: Graph): readonly Shape[] {
  const shapes = new Map<Layer, Shape>();
  for (const from of topological(outputs))
    if (isCall(from) && !shapes.has(from.layer)) shapes.set(from.layer, from.outputs[0].shape);
  return layers.map((layer) => shapes.get(layer) as Shape);
}
