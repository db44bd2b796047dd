import { wrongType } from '../check.js';
import { freeName, givenName } from '../graph/graph.js';
import type { Value } from '../graph/value.js';
import { hasMethods } from '../kind.js';
import { Layer, type Values } from './layer.js';
import type { Ranks } from './ranks.js';

/** A layer made of others, whose weights are theirs. */
export abstract class Wrapper<R extends Ranks> extends Layer<R> {
  abstract override readonly wrappedLayers: readonly Layer[];

  override get trainable(): boolean {
    return super.trainable;
  }
  override set trainable(value: boolean) {
    super.trainable = value;
    for (const layer of this.wrappedLayers ?? []) layer.trainable = value; // none yet in the constructor of Layer
  }
}

/** A layer that another is made of. @throws TypeError */
export function checkLayer(option: string, given: unknown): Layer {
  if (!hasMethods(given, 'call', 'callOn', 'getConfig')) throw wrongType(option, 'a layer', given);
  return given as Layer;
}

/** A layer's own name, or that of its class. */
export const nameWithin = (layer: Layer): string => givenName(layer) ?? freeName(layer.className, new Set());

/** What a part makes of values. */
export const madeBy = (layer: Layer, inputs: Values): readonly Value[] => layer.callOn(inputs).outputs;
