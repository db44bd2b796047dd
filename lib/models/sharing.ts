// Layers that are at several places of a network and those within it: described once, and named by that place at the others.
import { wrongType, wrongValue } from '../check.js';
import { type Graph, givenName } from '../graph/graph.js';
import { allLayers, layerPaths, layersOf, weightsOf } from '../graph/weights.js';
import type { JsonObject } from '../io/model-file.js';
import { isInputLayer } from '../kind.js';
import { describing, layerDescribed } from '../layers/described.js';
import { type Layer, nameOf } from '../layers/layer.js';

/** What a file says of a layer; of one that it described before, where that is. */
interface Description {
  readonly className: string;
  /** What it is called here, where its config does not say so: it was given no name, and is numbered in each network. */
  readonly name?: unknown;
  readonly config?: JsonObject;
  readonly sameAs?: string;
}

/** What two copies of a layer would not share. Weights of what is not built are not known yet. */
const mayHaveWeights = (layer: Layer) =>
  weightsOf(layer).length > 0 || !(layer.graph || layer.builtFor || isInputLayer(layer));

/** The descriptions of a network's layers, where each layer that has weights is described once. */
export function describedOnce(entries: readonly Description[]): readonly Description[] {
  const shared = sharedOf(entries);
  if (shared.size === 0) return entries;
  const places = new Map<Layer, string>();
  const visit = (entry: Description, place: string): Description => {
    const layer = layerDescribed(entry) as Layer;
    const { className, name = entry.config?.name } = entry;
    const sameAs = places.get(layer);
    if (sameAs !== undefined) return describing(layer, { className, name, sameAs });
    const config = within(entry, (part, key) => visit(part, `${place}.config.${key}`));
    if (!shared.has(layer)) return describing(layer, { ...entry, config });
    places.set(layer, place);
    const isNumbered = givenName(layer) === undefined;
    return describing(
      layer,
      isNumbered ? { className, name, config: { ...config, name: layer.name } } : { className, config },
    );
  };
  return entries.map((entry, i) => visit(entry, `layers[${i}]`));
}

/** The layers that are described at several places, and have weights. */
function sharedOf(entries: readonly Description[]): Set<Layer> {
  const seen = new Set<Layer>();
  const shared = new Set<Layer>();
  const visit = (entry: Description): Description => {
    const layer = layerDescribed(entry) as Layer;
    if (!seen.has(layer)) within(entry, visit);
    else if (mayHaveWeights(layer)) shared.add(layer);
    seen.add(layer);
    return entry;
  };
  entries.forEach(visit);
  return shared;
}

/** A config with others in place of the descriptions in it. */
function within({ config = {} }: Description, map: (part: Description, key: string) => Description): JsonObject {
  const mapped = (value: unknown, key: string) => (layerDescribed(value) ? map(value as Description, key) : value);
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      Array.isArray(value) ? value.map((each, i) => mapped(each, `${key}[${i}]`)) : mapped(value, key),
    ]),
  );
}

/** The layers of networks and wrappers, which are described, and those that layers of one's own are made of, which are not. */
function apart(layers: readonly Layer[]): { known: ReadonlySet<Layer>; inOwn: readonly Layer[] } {
  const known = new Set<Layer>();
  const inOwn: Layer[] = [];
  const visit = (layer: Layer): void => {
    if (known.has(layer)) return;
    known.add(layer);
    const parts = layer.graph?.layers ?? layer.wrappedLayers ?? layersOf(layer);
    if (parts) parts.forEach(visit);
    else inOwn.push(...allLayers([layer]).slice(1));
  };
  layers.forEach(visit);
  return { known, inOwn };
}

/** The layers that those of one's own are made of, by their paths. */
export function partsOfOwn({ layers, names }: Pick<Graph, 'layers' | 'names'>): Map<string, Layer> {
  const { known, inOwn } = apart(layers);
  const parts = new Set(inOwn.filter((layer) => !known.has(layer)));
  if (parts.size === 0) return new Map();
  return new Map([...layerPaths({ layers, names })].flatMap(([part, path]) => (parts.has(part) ? [[path, part]] : [])));
}

/** @throws TypeError for a layer that one of one's own makes or is given, and that is described elsewhere */
export function checkShared(layers: readonly Layer[]): void {
  const { known, inOwn } = apart(layers);
  const other = inOwn.find((layer) => known.has(layer) && Object.keys(layer.builtFor?.weights ?? {}).length > 0);
  if (other)
    throw new TypeError(
      `Expected ${nameOf(other)} to be part of a layer of one's own alone, as no file or clone would share its weights with what else has it`,
    );
}

/** What is being read, and the layers that were read of it, by their places. */
export interface Reading {
  /** Goes before the places that a file names. */
  readonly prefix: string;
  readonly layers: Map<string, Layer>;
}

export const reading = (prefix: string): Reading => ({ prefix, layers: new Map() });

/** The layer that a description names. @throws TypeError or RangeError for one that was not read, or is being read */
export function sameLayer(place: string, { className, sameAs }: JsonObject, { prefix, layers }: Reading): Layer {
  if (typeof sameAs !== 'string') throw wrongType(`${place}.sameAs`, 'the place of a layer', sameAs);
  const layer = layers.get(prefix + sameAs);
  if (layer?.className !== className)
    throw wrongValue(
      `${place}.sameAs`,
      `the place of a layer of the class ${className} that was described before`,
      sameAs,
    );
  return layer as Layer;
}
