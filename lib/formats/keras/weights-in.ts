import { NDArray } from '../../array.js';
import { wrongShape, wrongType, wrongValue } from '../../check.js';
import type { Weight } from '../../graph/value.js';
import { type PlacedWeight, weightsOf } from '../../graph/weights.js';
import type { Layer } from '../../layers/layer.js';
import type { Numbers } from '../hdf5/dataset.js';
import type { Group } from '../hdf5/read.js';
import type { ReadLayer } from './model-in.js';
import { groupNames, partsOf } from './weights.js';

/** What reads the weights of a network, the shapes of whose arrays in the file were compared. */
export type Found = Map<Weight, () => Numbers>;

/** In files of Keras 3: groups by class and number. */
export function findByClass(root: Group, layers: readonly ReadLayer[], found: Found): void {
  const all = ['layers', '_layer_checkpoint_dependencies', 'cells'].map((of) => root.find(of)).find((group) => group);
  const names = groupNames(layers.map(({ className }) => className));
  for (const [i, { name, layer, layers: inner, part }] of layers.entries()) {
    const group = all?.find(names[i]);
    const own = part === undefined ? group : group?.find(part);
    if (inner && own) {
      findByClass(own, inner, found);
      continue;
    }
    for (const { paths, weights } of inner ? [] : partsOf(layer)) {
      const vars = paths.map((path) => own?.find(path ? `${path}/vars` : 'vars')).find((group) => group);
      if (vars && weights.length > 0) weightsIn(name, vars, vars.names, weights.length);
      for (const [k, weight] of weights.entries())
        take(`${name}/${weight.name}`, vars?.find(String(k)), weight, { layer, found });
    }
  }
}

/** In files of HDF5 that Keras 2 wrote, and Keras 3 still does: by the layers' names, in the order of a list. */
export function findByName(root: Group, layers: readonly ReadLayer[], found: Found): void {
  const all = root.find('model_weights') ?? root;
  for (const { name, layer } of layers) {
    const placed = weightsOf(layer);
    const isTrained = ({ weight, trainable }: PlacedWeight) => weight.trained && trainable;
    const ordered = [...placed.filter(isTrained), ...placed.filter((own) => !isTrained(own))];
    if (ordered.length === 0) continue;
    const group = all.find(name);
    const names = group ? weightsIn(name, group, listAttribute(group, 'weight_names'), ordered.length) : [];
    for (const [i, { weight, layer: path }] of ordered.entries()) {
      const full = [name, path, weight.name].filter((part) => part !== '').join('/');
      take(full, names[i] === undefined ? undefined : group?.find(names[i]), weight, { layer, found });
    }
  }
}

/**
 * The names of a layer's weights without that of Normalization, which counts its samples, and that of SpectralNormalization.
 * @throws RangeError where there are more than it has here: scales of quantized ones, say
 */
function weightsIn(layer: string, group: Group, names: readonly string[], count: number): string[] {
  const isCount = (array?: Group) => array?.isDataset && array.isInteger && array.shape.length === 0;
  const own = names.filter((name) => !isCount(group.find(name)) && !/\bvector_u(:0)?$/.test(name));
  if (own.length > count) throw wrongValue(`the weights of '${layer}'`, `${count}, as it has here`, own.length);
  return own;
}

/** An attribute that is a list, in one or in several, name0, name1 … */
export function listAttribute(group: Group, name: string): string[] {
  const whole = group.attribute(name);
  if (whole) return whole;
  const all: string[] = [];
  for (let i = 0; ; i++) {
    const part = group.attribute(`${name}${i}`);
    if (!part) return all;
    all.push(...part);
  }
}

interface Taking {
  readonly layer: Layer;
  readonly found: Found;
}

function take(name: string, array: Group | undefined, weight: Weight, { layer, found }: Taking): void {
  if (!array?.isDataset) throw new RangeError(`Expected the file to have the weight '${name}', got none`);
  const isOfAll = layer.className === 'Normalization' && array.shape.length === 0;
  const isScale = layer.className === 'DepthwiseConv2D' && weight.shape.join() === `1,1,${array.shape.join()},1`;
  if (array.isInteger)
    throw wrongType(`the weight '${name}'`, 'of floats, as no weights are quantized here', 'integers');
  if (array.shape.join() !== weight.shape.join() && !isOfAll && !isScale)
    throw wrongShape(`the weight '${name}'`, `of shape [${weight.shape.join(', ')}]`, array.shape);
  found.set(weight, () => {
    if (isOfAll) return repeated(array.read(), weight.shape);
    return { ...array.read(), shape: weight.shape };
  });
}

/** One number for each channel. */
const repeated = ({ data, ...rest }: Numbers, shape: readonly number[]): Numbers => ({
  ...rest,
  shape,
  data: (data.constructor as typeof Float64Array).from({ length: shape[0] }, () => data[0]),
});

/** Numbers in the network's dtype. */
export function arrayOf({ shape, data }: Numbers, dtype: 'float32' | 'float64'): NDArray {
  const isSame = data.BYTES_PER_ELEMENT === (dtype === 'float32' ? 4 : 8);
  if (isSame) return NDArray.wrap(data, shape);
  return NDArray.wrap(dtype === 'float32' ? Float32Array.from(data) : Float64Array.from(data), shape);
}
