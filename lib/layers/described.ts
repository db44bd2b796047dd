import { hasMethods } from '../kind.js';
import type { Layer } from './layer.js';

interface Description {
  readonly className: string;
  readonly config: Record<string, unknown>;
}

/** Whose description an object is. */
const layers = new WeakMap<object, Layer>();

export const layerDescribed = (value: unknown): Layer | undefined => layers.get(value as object);

/** Marks an object as the description of a layer. */
export function describing<T extends object>(layer: Layer, description: T): T {
  layers.set(description, layer);
  return description;
}

const isLayer = (value: unknown): value is Layer => hasMethods(value, 'call', 'callOn', 'getConfig');

/** The layers that an option holds: one, or a list of them. */
export const layersIn = (option: unknown): readonly Layer[] => [option].flat().filter(isLayer);

/** A config as it is saved, with descriptions of the layers in it. */
function saved(config: object): Record<string, unknown> {
  const inPlace = (value: unknown) => (isLayer(value) ? described(value) : value);
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, Array.isArray(value) ? value.map(inPlace) : inPlace(value)]),
  );
}

/** What of a layer is saved beside its numbers. */
export const described = (layer: Layer, name = layer.name): Description =>
  describing(layer, {
    className: layer.className,
    // a network says a name of its own, which may not be the one that it has here
    config: Object.assign({ name }, saved(layer.getConfig() ?? {}), {
      ...(name !== undefined && { name }),
      ...(layer.trainable ? {} : { trainable: false }),
      ...(layer.activityRegularizer && { activityRegularizer: layer.activityRegularizer }),
    }),
  });
