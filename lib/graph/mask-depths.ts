import type { Layer } from '../layers/layer.js';
import { type Call, isCall, type Node, type Value } from './value.js';

/** What a mask is computed from, and by how many operations, one after the other. */
type Sources = ReadonlyMap<Value, number>;

/** Layers that Keras gives a mask to (`mask` among the parameters of `call`), which becomes an input of theirs. */
const READERS = new Set([
  ...['SimpleRNN', 'LSTM', 'GRU', 'Bidirectional', 'TimeDistributed', 'GlobalAveragePooling1D', 'Softmax'],
  ...['BatchNormalization', 'Model', 'Sequential'],
]);
const MERGES = new Set(['Add', 'Subtract', 'Multiply', 'Average', 'Maximum', 'Minimum']);

/** The layer that a call is of; undefined where what is called has no masks. */
export type LayerOf = (call: Call) => Layer | undefined;
const own: LayerOf = ({ layer }) => layer;

/** Of a layer of several inputs Keras keeps what it was given before masks were added (Layer.__call__), but of networks. */
const reads = (layer: Layer | undefined, { inputs }: Call) =>
  layer !== undefined && READERS.has(layer.className) && (inputs.length === 1 || layer.graph !== undefined);

/**
 * What each call reads besides its inputs in Keras, whose graphs hold the operations that compute masks: of each value the number of
 * operations between (the `compute_mask` of keras/src/layers). The order of Keras' layers depends on it.
 * @param order calls and operations, each behind what makes its inputs
 */
export function maskReads(order: readonly (Node | Call)[], layerOf = own): Map<Node | Call, Sources> {
  const masks = masksOf(order, new Map(), layerOf);
  const read = order.filter((from): from is Call => isCall(from) && reads(layerOf(from), from));
  return new Map(read.map((from) => [from, farthest(from.inputs.map((value) => masks.get(value)))]));
}

/**
 * The values that have a mask in Keras, and what it is computed from there.
 * @param masks those that are known of what makes the inputs of the first ones
 */
export function masksOf(
  order: readonly (Node | Call)[],
  masks = new Map<Value, Sources>(),
  layerOf = own,
): Map<Value, Sources> {
  for (const from of order) {
    const layer = isCall(from) ? layerOf(from) : undefined;
    if (!isCall(from) || !layer) continue;
    const made = maskOf(
      layer,
      from.inputs,
      from.inputs.map((value) => masks.get(value)),
    );
    if (made) masks.set(from.outputs[0], made);
  }
  return masks;
}

function maskOf(layer: Layer, inputs: readonly Value[], given: readonly (Sources | undefined)[]): Sources | undefined {
  const { className } = layer;
  // the mask itself; or not_equal, and any
  if (className === 'Masking' && inputs.length > 1) return new Map([[inputs[1], 0]]);
  if (layer.stepPadding !== undefined) return new Map([[inputs[0], className === 'Masking' ? 2 : 1]]);
  if (given.every((mask) => mask === undefined)) return undefined;
  if (className === 'Concatenate')
    return farthest(
      inputs.flatMap((value, i) => {
        const mask = given[i];
        // ones_like; expand_dims or zeros_like, logical_or: concatenate, any
        return mask ? [behind(mask, 4), new Map([[value, 4]])] : [new Map([[value, 3]])];
      }),
    );
  if (MERGES.has(className)) {
    if (given.includes(undefined)) return undefined;
    const last = given.length - 1;
    return farthest((given as Sources[]).map((mask, i) => behind(mask, Math.min(last, last + 1 - i))));
  }
  const [mask] = given;
  if (!mask) return undefined;
  if (className === 'Attention' || className === 'AdditiveAttention') return behind(mask, 1); // convert_to_tensor
  return (sequencesOf(layer) ?? layer.supportsMasking) || className === 'MultiHeadAttention' ? mask : undefined;
}

const behind = (mask: Sources, operations: number): Sources =>
  new Map(Array.from(mask, ([value, n]) => [value, n + operations]));

function farthest(masks: readonly (Sources | undefined)[]): Sources {
  const all = new Map<Value, number>();
  for (const mask of masks) for (const [value, n] of mask ?? []) all.set(value, Math.max(n, all.get(value) ?? 0));
  return all;
}

/** Whether a layer gives sequences; undefined of one that is not recurrent. */
export const sequencesOf = (layer: Layer): boolean | undefined => {
  const { forward = layer } = layer as { forward?: Layer };
  return (forward as { returnSequences?: boolean }).returnSequences;
};
