import { NDArray } from '../../array.js';
import type { Graph } from '../../graph/graph.js';
import { layerPaths, weightsOfGraph } from '../../graph/weights.js';
import type { Layer } from '../../layers/layer.js';
import { LEAST_DEVIATION } from '../../layers/normalization.js';
import { snake } from '../keras/config-parts.js';
import { forHardSigmoid, HARD } from '../keras/hard-sigmoid.js';

/** A weight of a network as TensorFlow.js knows it. */
export interface NamedWeight {
  readonly name: string;
  readonly layer: Layer;
  /** Ours: 'kernel'. */
  readonly own: string;
  readonly shape: readonly number[];
  /** Of batch normalization's averages false: such stand last. */
  readonly trained: boolean;
}

/**
 * TensorFlow.js' names of the weights of a network, in the order of `getWeights`: 'dense/kernel', of networks within networks too,
 * 'both/forward_lstm/recurrent_kernel', 'each/kernel' of a layer for each step.
 *
 * @param names what layers are called there, by their paths here; default: the same
 */
export function tfjsWeights(graph: Graph, names: ReadonlyMap<string, string> = new Map()): NamedWeight[] {
  const byPath = new Map(Array.from(layerPaths(graph), ([layer, path]) => [path, layer]));
  return weightsOfGraph(graph).map(({ layer: path, weight }) => {
    const steps = path.split('/');
    const parts: string[] = [];
    let outer: Layer | undefined;
    for (const [i, step] of steps.entries()) {
      const own = steps.slice(0, i + 1).join('/');
      const layer = byPath.get(own);
      if (outer?.className !== 'TimeDistributed' && !layer?.graph) parts.push(names.get(own) ?? step);
      outer = layer;
    }
    const { groups = 1 } = outer as { groups?: number };
    const [rows, columns, , filters] = weight.shape;
    // a convolution of as many groups as channels is a depthwise one there
    const isGrouped = outer?.className === 'Conv2D' && groups !== 1 && weight.name === 'kernel';
    const isDepthwise = isGrouped || (outer?.className === 'DepthwiseConv2D' && weight.name === 'kernel');
    return {
      name: [...parts, isDepthwise ? 'depthwise_kernel' : snake(weight.name)].join('/'),
      layer: outer as Layer,
      own: weight.name,
      shape: isGrouped ? [rows, columns, groups, filters / groups] : weight.shape,
      trained: !/^moving/.test(weight.name),
    };
  });
}

/** The numbers of a weight as TensorFlow.js is to have them. */
export function numbersThere(weight: NamedWeight, array: NDArray): NDArray {
  // for sqrt(variance + epsilon) in place of a least deviation
  if (weight.layer.className === 'Normalization' && weight.own === 'movingVariance')
    return NDArray.wrap(
      array.data.map((value: number) => Math.max(value - LEAST_DEVIATION ** 2, 0)) as typeof array.data,
      array.shape,
    );
  return forHardSigmoid(weight, array, 1 / HARD);
}
