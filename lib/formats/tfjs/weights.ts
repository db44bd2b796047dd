import { NDArray } from '../../array.js';
import type { Graph } from '../../graph/graph.js';
import { layerPaths, weightsOfGraph } from '../../graph/weights.js';
import type { Layer } from '../../layers/layer.js';
import { LEAST_DEVIATION } from '../../layers/normalization.js';
import { snake } from '../keras/config-parts.js';

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

/**
 * TensorFlow.js' hard sigmoid is clip(0.2 z + 0.5, 0, 1), that of Keras 2, and ours relu6(z + 3) / 6, that of Keras 3: what one makes
 * of z the other makes of 1.2 z. So the weights that make z are multiplied.
 */
export const HARD = 1.2;

const isHard = (layer: Layer, option: string) =>
  (layer as unknown as Record<string, { config?: { name?: string } } | undefined>)[option]?.config?.name ===
  'hardSigmoid';

/** Do all weights of it make z alone? */
const SCALED = ['Dense', 'Conv1D', 'Conv2D', 'Conv2DTranspose', 'DepthwiseConv2D', 'SeparableConv2D', 'SimpleRNN'];

/** Whether a layer's hard sigmoids are of sums of its own, undefined without any. */
export function hardSigmoids(layer: Layer): boolean | undefined {
  const [own, gates] = [isHard(layer, 'activation'), isHard(layer, 'recurrentActivation')];
  if (!own && !gates) return undefined;
  return !own || SCALED.includes(layer.className);
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

/** The numbers of a weight for the other hard sigmoid, multiplied by `factor`; the same array without one. */
export function forHardSigmoid({ layer, own }: NamedWeight, array: NDArray, factor: number): NDArray {
  if (!hardSigmoids(layer) || own === 'depthwiseKernel') return array;
  const columns = array.shape[array.ndim - 1];
  const units = (layer as unknown as { units: number }).units;
  // an LSTM's candidate is its third gate, a GRU's the third, too
  const isGate = (column: number) => isHard(layer, 'activation') || Math.floor(column / units) !== 2;
  const data = array.data.map((value: number, i: number) => (isGate(i % columns) ? value * factor : value));
  return NDArray.wrap(data, array.shape);
}
