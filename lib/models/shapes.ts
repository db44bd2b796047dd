import type { Shape } from '../graph/value.js';
import { type Layer, wrongInput } from '../layers/layer.js';

/** The shape of every layer's output, in order. @throws RangeError if a layer cannot take what the one before gives */
export function shapesOf(layers: readonly Layer[], inputShape: Shape): Shape[] {
  const shapes: Shape[] = [];
  for (const layer of layers) {
    const before = shapes.at(-1) ?? inputShape;
    const wanted = layer.inputShape;
    if (wanted && wanted.join() !== before.join())
      throw wrongInput(layer, `of shape [${wanted.join(', ')}], its inputShape`, before);
    shapes.push(layer.outputShape(before));
  }
  return shapes;
}
