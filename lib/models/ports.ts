import type { Graph } from '../graph/graph.js';
import { isCall, type Shape, topological, type Value } from '../graph/value.js';
import { allLayers, layersOf } from '../graph/weights.js';
import { inputDtypeOf, type Layer } from '../layers/layer.js';
import { TimeDistributed } from '../layers/time-distributed.js';
import { nameWithin } from '../layers/wrapper.js';
import type { Loss } from '../losses.js';
import type { Port, Ports } from '../training/data.js';
import type { Compiled } from './network.js';

/** Those of layers one after the other that were not built yet, for samples of a shape, where one is known. */
export function portsBefore(
  layers: readonly Layer[],
  names: readonly string[],
  [inputShape, shape]: readonly [input: Shape | undefined, output: Shape],
  loss?: Loss,
): Ports {
  const [first] = layers;
  const dtype = inputDtypeOf(first);
  const [asked] = askedBy(first, names[0], false);
  return {
    ...statefulness(layers),
    inputs: [{ name: 'x', ...(inputShape && { shape: inputShape }), ...(dtype && { dtype }), ...asked }],
    outputs: [{ name: names[names.length - 1], shape, ...(loss && { loss }) }],
  };
}

const statefulness = (layers: readonly Layer[]) =>
  allLayers(layers).some(({ stateful }) => stateful) && { isStateful: true };

/** The inputs and outputs of a network, by the names of the layers that make them. */
export function portsOf(graph: Graph, compiled: Compiled | undefined): Ports {
  const { inputs, outputs, names } = graph;
  const asked = askedOf(graph);
  return {
    ...statefulness(graph.layers),
    inputs: named(inputs, names).map((port, i) => ({ ...port, ...asked.get(inputs[i]) })),
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

const askedFor = (limit: Asked['limit'], padding: Asked['padding']): Asked => ({
  ...(limit && { limit }),
  ...(padding && { padding }),
});

/** What a layer asks of each of its inputs. */
function askedBy(layer: Layer, name: string, isListed: boolean): Asked[] {
  const { inputDim, inputDtype, stepPadding: value, graph } = layer as Layer & { readonly inputDim?: number };
  const inner = graph && askedOf(graph);
  if (graph && inner)
    return graph.inputs.map((input) => {
      const within = <A extends { readonly layer: string }>(own?: A) =>
        own && { ...own, layer: `${name}/${own.layer}` };
      const { limit, padding } = inner.get(input) ?? {};
      return askedFor(within(limit), within(padding));
    });
  const [first] = layersOf(layer) ?? [];
  if (first) return askedBy(first, `${name}/${nameWithin(first)}`, false);
  if (layer instanceof TimeDistributed) {
    const part = nameWithin(layer.layer);
    const { limit } = askedBy(layer.layer, `${name}/${part}`, false)[0]; // not every step has words that count
    return [askedFor(limit, undefined)];
  }
  const limit = inputDtype === 'int32' && inputDim !== undefined ? { below: inputDim, layer: name } : undefined;
  return [askedFor(limit, value !== undefined && !isListed ? { value, layer: name } : undefined)];
}

/** The least number of rows of the embeddings that look up an input, and what stands in it for steps that do not count. */
function askedOf({ outputs, names }: Graph): Map<Value, Asked> {
  const asked = new Map<Value, Asked>();
  const ask = (value: Value, { limit, padding }: Asked) => {
    const source = sourceOf(value);
    const known = asked.get(source);
    const least = limit && limit.below < (known?.limit?.below ?? Number.POSITIVE_INFINITY) ? limit : known?.limit;
    asked.set(source, askedFor(least, padding ?? known?.padding));
  };
  for (const from of topological(outputs))
    if (isCall(from))
      for (const [i, own] of askedBy(from.layer, names.get(from.layer) as string, from.list).entries())
        if (own.limit || own.padding) ask(from.inputs[i], own);
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
