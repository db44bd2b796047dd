import type { Graph } from '../graph/graph.js';
import { isCall, sizeOf, topological } from '../graph/value.js';
import type { Layer } from '../layers/layer.js';

/** What a network comes to once it is spelled out. */
interface Extent {
  /** Layers and operations, those of networks within it as often as these are applied. */
  readonly layers: number;
  /** Numbers that are the same for all samples: the arena holds them from the start. */
  readonly fixed: number;
}

/** A file of a few kilobytes could apply 2^20 layers: a network that applies one twice that applies one twice … */
const MAX_WITHIN = 2 ** 16;
/** It could also repeat one constant 2^40 times. */
const MAX_FIXED = 2 ** 22;

/** Networks do not change any more once they are part of another. */
const extents = new WeakMap<Layer, Extent>();

function extentOf(layer: Layer): Extent {
  const { graph, wrappedLayers: parts = [] } = layer;
  if (!graph) return { layers: parts.reduce((sum, part) => sum + extentOf(part).layers, 1), fixed: fixedWithin(parts) };
  let extent = extents.get(layer);
  if (!extent) {
    const order = topological(graph.outputs);
    extent = {
      layers: order.reduce((sum, from) => sum + (isCall(from) ? extentOf(from.layer).layers : 1), 0),
      fixed: fixedOf(graph),
    };
    extents.set(layer, extent);
  }
  return extent;
}

const fixedOf = ({ outputs, layers }: Graph): number =>
  topological(outputs).reduce(
    (sum, from) => sum + (isCall(from) || from.output.batched ? 0 : sizeOf(from.output.shape)),
    fixedWithin(layers),
  );

export const fixedWithin = (layers: readonly Layer[]): number =>
  layers.reduce((sum, layer) => sum + extentOf(layer).fixed, 0);

/** Refuses to save what `load` would refuse. */
export function checkExtent(what: string, graph: Graph): void {
  checkWithin(
    what,
    topological(graph.outputs).flatMap((from) => (isCall(from) ? [from.layer] : [])),
  );
  checkFixed(what, fixedOf(graph));
}

/** @throws RangeError if networks among the layers applied come to more than anyone writes */
export function checkWithin(what: string, applied: readonly Layer[]): void {
  const within = applied.reduce(
    (sum, layer) => sum + (layer.graph || layer.wrappedLayers ? extentOf(layer).layers : 0),
    0,
  );
  if (within > MAX_WITHIN)
    throw new RangeError(`Expected the networks within ${what} to apply at most 2^16 layers, got ${within}`);
}

/** @throws RangeError for more numbers of constants than anyone writes */
export function checkFixed(what: string, fixed: number): void {
  if (fixed > MAX_FIXED)
    throw new RangeError(`Expected ${what} to make at most 2^22 numbers of constants, got ${fixed}`);
}
