import type { Graph } from '../graph/graph.js';
import { isCall, type Shape, topological, type Value } from '../graph/value.js';
import { allLayers } from '../graph/weights.js';
import type { Layer } from '../layers/layer.js';
import type { Port, Ports } from '../training/data.js';
import type { Compiled } from './network.js';

/** The inputs and outputs of a network, by the names of the layers that make them. */
export function portsOf(graph: Graph, compiled: Compiled | undefined): Ports {
  const { inputs, outputs, names } = graph;
  const asked = askedOf(graph);
  const isStateful = allLayers(graph.layers).some(({ stateful }) => stateful);
  return {
    ...(isStateful && { isStateful }),
    inputs: named(inputs, names).map((port, i) => {
      const { limit, padding } = asked.get(inputs[i]) ?? {};
      return { ...port, ...(limit && { limit }), ...(padding && { padding }) };
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

/** What layers ask of an input that they are given as it is, or in another shape. */
type Asked = Pick<Port, 'limit' | 'padding'>;

/** The least number of rows of the embeddings that look up an input, and what stands in it for steps that do not count. */
function askedOf({ outputs, names }: Graph): Map<Value, Asked> {
  const asked = new Map<Value, Asked>();
  const ask = (value: Value, { limit, padding }: Asked) => {
    const source = sourceOf(value);
    const known = asked.get(source);
    const least = limit && limit.below < (known?.limit?.below ?? Number.POSITIVE_INFINITY) ? limit : known?.limit;
    asked.set(source, { limit: least, padding: padding ?? known?.padding });
  };
  for (const from of topological(outputs)) {
    if (!isCall(from)) continue;
    const { layer, inputs } = from;
    const name = names.get(layer) as string;
    const { inputDim } = layer as { inputDim?: number };
    const limit = layer.inputDtype === 'int32' && inputDim !== undefined ? { below: inputDim, layer: name } : undefined;
    const padding =
      layer.stepPadding !== undefined && !from.list ? { value: layer.stepPadding, layer: name } : undefined;
    if (limit || padding) ask(inputs[0], { limit, padding });
    const inner = layer.graph && askedOf(layer.graph);
    layer.graph?.inputs.forEach((value, i) => {
      const within = <A extends { readonly layer: string }>(own?: A) =>
        own && { ...own, layer: `${name}/${own.layer}` };
      const own = inner?.get(value);
      if (own) ask(inputs[i], { limit: within(own.limit), padding: within(own.padding) });
    });
  }
  return asked;
}

/** The integers that a value is a view of; any other is its own source. */
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
