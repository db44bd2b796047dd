// What layers are called, and what is refused around them.
import { wrongType } from '../check.js';
import { isValue, type Value } from '../graph/value.js';
import { layersOf } from '../graph/weights.js';
import { property } from '../kind.js';
import type { Layer, Values, Weights } from './layer.js';
import { isBuiltIn } from './registry.js';

/** What the numbers are to be that a layer is applied to: integers of an embedding, also of one within it. */
export function inputDtypeOf(layer: Layer, i = 0): 'int32' | undefined {
  const { inputDtype, graph, wrappedLayers: parts = graph ? undefined : layersOf(layer) } = layer;
  return inputDtype ?? (graph ? graph.inputs[i]?.dtype : parts?.[0] && inputDtypeOf(parts[0]));
}

/** The name of what a layer's output has gone through; a layer of one's own may keep what it likes in a field of that name. */
export function activationNameOf({ activation }: Layer): string | undefined {
  const name = property(property(activation, 'config'), 'name');
  return typeof name === 'string' ? name : undefined;
}

/** What a layer is called in messages. */
export const nameOf = ({ name, className }: Layer) =>
  name ? `the layer '${name}' (${className})` : `the layer ${className}`;

export function checkApplied(layer: Layer, values: readonly Value[]): void {
  if (typeof layer.className !== 'string')
    throw wrongType('the layer that is applied', 'of a class that custom.layer was given', layer);
  for (const [i, value] of values.entries()) {
    if (!isValue(value))
      throw wrongType(
        `what ${nameOf(layer)} is applied to`,
        'a value, as input() and apply() give it, or a list of them',
        value,
      );
    if (inputDtypeOf(layer, i) === 'int32' && value.dtype !== 'int32')
      throw new TypeError(
        `Expected ${nameOf(layer)} to be applied to integers, as input({ dtype: 'int32' }) gives them, got numbers of shape [${value.shape.join(', ')}]`,
      );
  }
}

/** Refuses a list for a layer of one value; one's own may take any. */
export function checkTakesList(layer: Layer, count: number): void {
  const { takesList } = layer.constructor as typeof Layer;
  if (isBuiltIn(layer) && !takesList)
    throw new RangeError(`Expected ${nameOf(layer)} to be applied to one value, got a list of ${count}`);
}

/** What `call` returned. @throws TypeError for what are no values, such as that of a function without `return` */
export function checkMade(layer: Layer, made: unknown): Values {
  const list = Array.isArray(made) ? made : [made];
  if (list.length === 0 || !Array.from(list).every(isValue))
    throw wrongType(`what call of ${nameOf(layer)} returns`, 'a value or a list of them', made);
  return made as Values;
}

/** Refuses to share weights with an input that wants others. */
export function checkSame(layer: Layer, own: Weights, wanted: Weights): void {
  for (const [name, { shape }] of Object.entries(wanted))
    if (own[name]?.shape.join() !== shape.join())
      throw new RangeError(
        `Expected ${nameOf(layer)} to be applied to inputs like its first: its ${name} has the shape ` +
          `[${own[name]?.shape.join(', ')}], this input wants [${shape.join(', ')}]`,
      );
}
