import type { Layer } from './layer.js';

/** Whose description an object is. */
const layers = new WeakMap<object, Layer>();

export const layerDescribed = (value: unknown): Layer | undefined => layers.get(value as object);

/** Marks an object as the description of a layer. */
export function describing<T extends object>(layer: Layer, description: T): T {
  layers.set(description, layer);
  return description;
}

/** What of a layer is saved beside its numbers. */
export const described = (layer: Layer, name = layer.name) =>
  describing(layer, {
    className: layer.className,
    // a network says a name of its own, which may not be the one that it has here
    config: Object.assign({ name }, layer.getConfig(), {
      ...(name !== undefined && { name }),
      ...(layer.trainable ? {} : { trainable: false }),
      ...(layer.activityRegularizer && { activityRegularizer: layer.activityRegularizer }),
    }),
  });
