import { type ArrayInput, asArray, type NDArray, position } from '../array.js';
import { wrongShape, wrongType } from '../check.js';
import { hasMethods } from '../kind.js';
import type { Layer } from '../layers/layer.js';
import type { FloatType } from '../tape.js';
import { type Graph, layersBetween, namesOf } from './graph.js';
import type { Value, Weight } from './value.js';

/** A weight of a network, by its layer. */
export interface PlacedWeight {
  /** The layer's name; of a layer within another both, such as 'encoder/dense'. */
  readonly layer: string;
  readonly weight: Weight;
  /** Whether its layer, and what that is part of, are to be trained. */
  readonly trainable: boolean;
}

/**
 * The weights of a layer in Keras' order: its own, then those of the layers that it is made of.
 *
 * @param frozen the layers whose weights stay, those that others hold among them; default: as they say now
 * @param trainable whether what it is part of is to be trained
 */
export function weightsOf(layer: Layer, frozen?: ReadonlySet<Layer>, name = '', trainable = true): PlacedWeight[] {
  const isTrained = trainable && (frozen ? !frozen.has(layer) : layer.trainable);
  const own = Object.values(layer.builtFor?.weights ?? {}).map((weight) => ({
    layer: name,
    weight,
    trainable: isTrained,
  }));
  const parts = partsOf(layer);
  // `frozen` lists what networks hold as well; in old files, which did not, that was trained
  return parts ? [...own, ...weightsOfGraph(parts, frozen, name, layer.graph && frozen ? true : isTrained)] : own;
}

/** The weights of all layers of a network, in order; of a layer that it has at two places once. */
export function weightsOfGraph(
  { layers, names }: Parts,
  frozen?: ReadonlySet<Layer>,
  prefix = '',
  trainable = true,
): PlacedWeight[] {
  const seen = new Set<Weight>();
  const path = (layer: Layer) => (prefix ? `${prefix}/${names.get(layer)}` : (names.get(layer) as string));
  return layers
    .flatMap((layer) => weightsOf(layer, frozen, path(layer), trainable))
    .filter(({ weight }) => !seen.has(weight) && seen.add(weight));
}

/** Layers, and those that they are made of. */
export function allLayers(layers: readonly Layer[]): Layer[] {
  return layers.flatMap((layer) => [layer, ...allLayers(partsOf(layer)?.layers ?? [])]);
}

/**
 * The layers whose weights stay: those that are to, and all that these hold.
 *
 * @param isHeld whether what holds them is frozen
 * @param stays whether a layer is to stay itself; default: as it says now
 */
export function frozenOf(
  layers: readonly Layer[],
  isHeld = false,
  stays: (layer: Layer) => boolean = ({ trainable }) => !trainable,
): Set<Layer> {
  return new Set(
    layers.flatMap((layer) => {
      const isFrozen = isHeld || stays(layer);
      return [...(isFrozen ? [layer] : []), ...frozenOf(partsOf(layer)?.layers ?? [], isFrozen, stays)];
    }),
  );
}

/** What layers are called, those within others such as 'encoder/dense'. */
export function layerPaths({ layers, names }: Parts, prefix = ''): Map<Layer, string> {
  const paths = new Map<Layer, string>();
  for (const layer of layers) {
    const path = prefix + names.get(layer);
    paths.set(layer, path);
    for (const [part, own] of layerPaths(partsOf(layer) ?? NOTHING, `${path}/`))
      if (!paths.has(part)) paths.set(part, own);
  }
  return paths;
}

const NOTHING: Parts = { layers: [], names: new Map() };

type Parts = Pick<Graph, 'layers' | 'names'>;

/** By what the layers were built for, which stays: finding them takes a `call`. */
const partsOfBuilt = new WeakMap<object, Parts>();

/** Those of a network; a layer of one's own may keep what it likes in a field of that name. */
export const layersOf = (layer: Layer): readonly Layer[] | undefined =>
  hasMethods(layer, 'compile') ? (layer as Layer & { readonly layers?: readonly Layer[] }).layers : undefined;

/** The layers that a layer is made of: those of a network, or what a layer of one's own applies in its `call`. */
function partsOf(layer: Layer): Parts | undefined {
  const { graph, builtFor, wrappedLayers: within } = layer;
  const own = within ?? (graph ? undefined : layersOf(layer)); // of a network that does not know its input yet
  if (own) return { layers: own, names: namesOf(own) };
  if (graph || !builtFor) return graph;
  let parts = partsOfBuilt.get(builtFor);
  if (!parts) {
    const { inputs, weights } = builtFor;
    const made = layer.call(inputs, weights, { training: false });
    parts = layersBetween([inputs, Object.values(weights)].flat() as Value[], [made].flat() as Value[]);
    partsOfBuilt.set(builtFor, parts);
  }
  return parts;
}

/**
 * Arrays for weights, in their order.
 * @throws TypeError or RangeError, with the weight's name, if they do not fit
 */
export function checkWeights(
  placed: readonly PlacedWeight[],
  weights: readonly ArrayInput[],
  dtype?: FloatType,
): NDArray[] {
  if (!Array.isArray(weights)) throw wrongType('weights', 'an array of arrays', weights);
  if (weights.length !== placed.length)
    throw new RangeError(`Expected weights to hold ${placed.length} arrays, got ${weights.length}`);
  return weights.map((given, i) => {
    const { layer, weight } = placed[i];
    const name = `weights[${i}] (${weightName(layer, weight)})`;
    const array = asArray(name, given);
    if (array.shape.join() !== weight.shape.join())
      throw wrongShape(name, `of shape [${weight.shape.join(', ')}]`, array.shape);
    checkRange(name, array, weight.held.arena?.plan.dtype ?? dtype);
    return array;
  });
}

/** @throws RangeError for numbers that only float64 can hold, where they are to be float32 */
export function checkRange(name: string, array: NDArray, dtype: FloatType | undefined): void {
  if (dtype !== 'float32' || array.dtype !== 'float64') return;
  const { data, shape } = array;
  for (let i = 0; i < data.length; i++)
    if (!Number.isFinite(Math.fround(data[i])) && Number.isFinite(data[i]))
      throw new RangeError(
        `Expected ${name} to hold numbers within float32's range, got ${data[i]} at ${position(i, shape)}`,
      );
}

/** Such as 'dense/kernel'. */
export const weightName = (layer: string, { name }: Weight): string => (layer ? `${layer}/${name}` : name);
