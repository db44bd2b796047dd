import { NDArray } from '../../array.js';
import { allLayers } from '../../graph/weights.js';
import { type Layer, nameOf } from '../../layers/layer.js';

/**
 * The hard sigmoid of Keras 2 and TensorFlow.js is clip(0.2 z + 0.5, 0, 1), and ours relu6(z + 3) / 6, that of Keras 3: what one makes
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

/** A weight by our name for it, and its layer. */
interface OfLayer {
  readonly layer: Layer;
  readonly own: string;
}

/** The numbers of a weight for the other hard sigmoid, multiplied by `factor`; the same array without one. */
export function forHardSigmoid({ layer, own }: OfLayer, array: NDArray, factor: number): NDArray {
  if (!hardSigmoids(layer) || own === 'depthwiseKernel') return array;
  const columns = array.shape[array.ndim - 1];
  const units = (layer as unknown as { units: number }).units;
  // an LSTM's candidate is its third gate, a GRU's the third, too
  const isGate = (column: number) => isHard(layer, 'activation') || Math.floor(column / units) !== 2;
  const data = array.data.map((value: number, i: number) => (isGate(i % columns) ? value * factor : value));
  return NDArray.wrap(data, array.shape);
}

/** @throws RangeError naming a layer whose hard sigmoid is of what others make */
export function checkHardSigmoids(layers: readonly Layer[]): void {
  const hard = allLayers(layers).find((layer) => hardSigmoids(layer) === false);
  if (hard)
    throw new RangeError(
      `Expected ${nameOf(hard)} to have another activation than hard_sigmoid, which is another function here (that of Keras 3)`,
    );
}

/** @throws RangeError where weights were multiplied, with which training would go on otherwise */
export function checkUnscaled(layers: readonly Layer[]): void {
  if (layers.some((layer) => hardSigmoids(layer)))
    throw new RangeError(
      'Expected no hard_sigmoid, which is another function here, for which the weights before it were multiplied',
    );
}
