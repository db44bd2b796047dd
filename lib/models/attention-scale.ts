import { NDArray } from '../array.js';
import type { Value } from '../graph/value.js';
import { allLayers } from '../graph/weights.js';
import type { Layer } from '../layers/layer.js';
import { kerasScale, type MultiHeadAttention } from '../layers/multi-head-attention.js';
import type { FloatType } from '../tape.js';

/** What programs multiply the queries of attention by, of which their files say nothing. */
const SCALES = { keras: kerasScale, pytorch: (keyDim: number) => 1 / Math.sqrt(keyDim) };
export type Program = keyof typeof SCALES;

/** A network, of which there are layers. */
interface Network {
  readonly dtype: FloatType;
  readonly graph?: { readonly layers: readonly Layer[] } | undefined;
}

/** Attention that another program scales otherwise, and the ratio of our scale to its own, each as numbers of the network are. */
export function otherScales({ graph, dtype }: Network, program: Program): [MultiHeadAttention, ratio: number][] {
  const rounded = dtype === 'float32' ? Math.fround : Number;
  return [...new Set(allLayers(graph?.layers ?? []))].flatMap((layer) => {
    if (layer.className !== 'MultiHeadAttention') return [];
    const attention = layer as unknown as MultiHeadAttention;
    const { keyDim, scale = kerasScale(keyDim) } = attention;
    const ratio = rounded(scale) / rounded(SCALES[program](keyDim));
    return ratio === 1 ? [] : [[attention, ratio]];
  });
}

/**
 * Numbers of weights on their way to another program or from it: the query's kernels and biases take up the ratio of the scales, so
 * that both compute the same. There and back are the same bits for all but one weight in ten million, where the ratio is near 1.
 */
export function foldScales(numbers: Map<Value, NDArray>, network: Network, program: Program, way: 'to' | 'from'): void {
  for (const [layer, ratio] of otherScales(network, program))
    for (const name of ['query/kernel', 'query/bias']) {
      const weight = layer.builtFor?.weights[name];
      const array = weight && numbers.get(weight);
      if (!array) continue;
      const out = NDArray.zeros(array.shape, network.dtype);
      for (let i = 0; i < out.size; i++) out.data[i] = way === 'to' ? array.data[i] * ratio : array.data[i] / ratio;
      numbers.set(weight, out);
    }
}
