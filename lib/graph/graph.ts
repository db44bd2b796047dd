import type { Layer } from '../layers/layer.js';
import { type LayerOf, maskReads } from './mask-depths.js';
import { type Call, isCall, type Node, type Value, walk } from './value.js';

/** A network of layers: what its outputs are made of, down to its inputs. */
export interface Graph {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** In Keras' order: by their distance from the outputs, the farthest first. */
  readonly layers: readonly Layer[];
  /** Unique ones: their own, or the class and a number. */
  readonly names: ReadonlyMap<Layer, string>;
}

/**
 * The graph between values.
 * @throws RangeError for an output that depends on no input or on another one, for an input that no output depends on, and for
 *   two layers of one name
 */
export function graphOf(inputs: readonly Value[], outputs: readonly Value[]): Graph {
  const { order, layers } = sorted(inputs, outputs);
  const names = namesOf(layers);
  const known = new Set(inputs);
  const used = new Set<Value>();
  for (const from of [...order, ...outputs.map((value) => ({ inputs: [value], from: undefined }))])
    for (const value of from.inputs) {
      if (known.has(value)) used.add(value);
      else if (isSource(value))
        throw new RangeError(
          `Expected outputs to depend on the inputs alone, but ${reader(from, names)} reads ${describe(value)}, which is not among them`,
        );
    }
  const unused = inputs.find((value) => !used.has(value));
  if (unused)
    throw new RangeError(`Expected every input to reach an output, but ${describe(unused)} reaches none of them`);
  for (const [i, output] of outputs.entries())
    if (!output.batched)
      throw new RangeError(`Expected outputs[${i}] to depend on an input, got the same for all samples`);
  return { inputs, outputs, layers: Object.freeze(layers), names };
}

/** Does no layer or operation make it? */
export const isSource = ({ from, batched }: Value): boolean => batched && (!from || from.inputs.length === 0);

const reader = (from: object, names: ReadonlyMap<Layer, string>) =>
  'layer' in from
    ? `the layer '${names.get(from.layer as Layer)}'`
    : 'op' in from
      ? `the operation '${(from as Node).op.name}'`
      : 'one';

const describe = ({ from, shape }: Value) => {
  const name = from && isCall(from) ? from.layer.name : undefined;
  return name ? `the input '${name}'` : `an input of shape [${shape.join(', ')}]`;
};

/**
 * The layers between values, in Keras' order.
 * @param layerOf the layer of a call, where the graph is of things that stand for layers
 */
export function layersBetween(
  inputs: readonly Value[],
  outputs: readonly Value[],
  layerOf?: LayerOf,
): Pick<Graph, 'layers' | 'names'> {
  const { layers } = sorted(inputs, outputs, layerOf);
  return { layers, names: namesOf(layers) };
}

/**
 * Operations, each behind what makes its inputs, and layers as Keras sorts them: by the longest way from them to an output,
 * then in the order in which a search from the outputs meets them (keras/src/ops/function.py, map_graph).
 */
function sorted(inputs: readonly Value[], outputs: readonly Value[], layerOf?: LayerOf) {
  const order: (Node | Call)[] = [];
  const met = new Map<object, number>();
  const thing = (from: Node | Call): object => (isCall(from) ? from.layer : from);
  const given = new Set(inputs.filter((value) => !isSource(value)));
  walk(outputs, given, {
    enter: (from) => {
      if (!met.has(thing(from))) met.set(thing(from), met.size);
    },
    leave: (from) => order.push(from),
  });
  const depths = new Map<object, number>();
  const ofCalls = new Map<Node | Call, number>();
  const farther = (value: Value, depth: number) => {
    if (value.from) ofCalls.set(value.from, Math.max(depth, ofCalls.get(value.from) ?? 0));
  };
  const masks = maskReads(order, layerOf);
  for (const from of order.toReversed()) {
    const depth = Math.max(ofCalls.get(from) ?? 0, depths.get(thing(from)) ?? 0);
    depths.set(thing(from), depth);
    ofCalls.set(from, depth);
    for (const value of from.inputs) farther(value, depth + 1);
    for (const [value, operations] of masks.get(from) ?? []) farther(value, depth + operations + 1);
  }
  const layers = [...new Set(order.filter(isCall).map(({ layer }) => layer))];
  const place = (layer: Layer) => [depths.get(layer) as number, met.get(layer) as number];
  layers.sort((a, b) => place(b)[0] - place(a)[0] || place(a)[1] - place(b)[1]);
  return { order, layers };
}

/** The layers' names; those without one get their class and a number, as Keras: 'dense', 'dense_1' … */
export function namesOf(layers: readonly Layer[]): Map<Layer, string> {
  const taken = new Set<string>();
  for (const layer of layers) {
    const name = givenName(layer);
    if (name === undefined) continue;
    if (taken.has(name))
      throw new RangeError(`Expected layers of one network to have different names, got '${name}' twice`);
    taken.add(name);
  }
  const names = new Map<Layer, string>();
  for (const layer of layers) {
    const name = givenName(layer) ?? freeName(layer.className, taken);
    taken.add(name);
    names.set(layer, name);
  }
  return names;
}

/** The name that a layer was given. A network that was given none is called like its class, and numbered in a larger one. */
export function givenName({ name, className }: Layer): string | undefined {
  const isDefault = (className === 'Model' || className === 'Sequential') && name === className.toLowerCase();
  return isDefault ? undefined : name;
}

/** A name that is not taken: the class, and a number. */
export function freeName(className: string, taken: ReadonlySet<string>): string {
  // 'MaxPooling2D' -> 'max_pooling2d', as Keras
  const base = className
    .replace(/(.)([A-Z][a-z0-9]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
  let name = base;
  for (let i = 1; taken.has(name); i++) name = `${base}_${i}`;
  return name;
}
