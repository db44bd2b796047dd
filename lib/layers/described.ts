import type { Layer } from './layer.js';

/** What of a layer is saved beside its numbers. */
export const described = (layer: Layer, name = layer.name) => ({
  className: layer.className,
  // a network says a name of its own, which may not be the one that it has here
  config: Object.assign({ name }, layer.getConfig(), {
    ...(name !== undefined && { name }),
    ...(layer.trainable ? {} : { trainable: false }),
    ...(layer.activityRegularizer && { activityRegularizer: layer.activityRegularizer }),
  }),
});
