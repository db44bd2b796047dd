import type { NDArray } from '../../array.js';
import type { Value, Weight } from '../../graph/value.js';
import { weightsOf } from '../../graph/weights.js';
import type { Layer } from '../../layers/layer.js';
import type { AttributeValue, DatasetOut, GroupOut } from '../hdf5/write.js';
import { snake } from './config-parts.js';
import type { Written } from './model-out.js';
import { groupNames, partsOf } from './weights.js';

/** The numbers of all weights. */
export type Numbers = ReadonlyMap<Value, NDArray>;

interface Tree extends GroupOut {
  readonly attributes?: Record<string, AttributeValue>;
  readonly members: Map<string, GroupOut | DatasetOut>;
}

const group = (attributes?: Record<string, AttributeValue>): Tree => ({
  ...(attributes && { attributes }),
  members: new Map(),
});

/** The group at a path, which is made where there is none. */
function within(tree: Tree, path: string): Tree {
  let found = tree;
  for (const name of path.split('/')) {
    if (name === '') continue;
    let next = found.members.get(name) as Tree | undefined;
    if (!next) {
      next = group();
      found.members.set(name, next);
    }
    found = next;
  }
  return found;
}

/** Keras' Normalization has a third weight: how many numbers adapt() has seen. */
const uncounted = ({ className }: Layer): DatasetOut[] =>
  className === 'Normalization' ? [{ shape: [], data: Int32Array.of(0) }] : [];

const dataset = ({ shape, data }: NDArray): DatasetOut => ({ shape, data });

/** Arrays as Keras 3 lists variables: '0', '1' … */
export function variables(arrays: readonly DatasetOut[], name: string): GroupOut {
  return { attributes: { name }, members: new Map(arrays.map((array, i) => [String(i), array])) };
}

/** `layers` of model.weights.h5: by class and number. */
export function layersGroup(layers: readonly Written[], numbers: Numbers): GroupOut {
  const names = groupNames(layers.map(({ className }) => className));
  const members = new Map<string, GroupOut>();
  for (const [i, { layer, layers: inner, part = '', name }] of layers.entries()) {
    const own = group();
    if (inner) {
      const network = within(own, part);
      network.members.set('layers', layersGroup(inner, numbers));
      for (const each of new Set([network, own])) each.members.set('vars', variables([], name));
    } else {
      own.members.set('vars', variables([], name));
      for (const { paths, weights } of partsOf(layer)) {
        const arrays = [...weights.map((weight) => dataset(numbers.get(weight) as NDArray)), ...uncounted(layer)];
        within(own, paths[0]).members.set('vars', variables(arrays, name));
      }
    }
    members.set(names[i], own);
  }
  return { members };
}

/** Bytes that an attribute may have; what has more is written as several ones, name0, name1 …, as Keras does. */
const LIMIT = 64_512;

/** An attribute that is a list, in as many as it takes. */
export function listAttribute(name: string, list: readonly string[]): Record<string, AttributeValue> {
  const longest = Math.max(16, ...list.map((item) => Buffer.byteLength(item)));
  const most = Math.floor(LIMIT / longest);
  if (list.length <= most) return { [name]: list };
  const parts = Math.ceil(list.length / most);
  return Object.fromEntries(
    Array.from({ length: parts }, (_, i) => [`${name}${i}`, list.slice(i * most, (i + 1) * most)]),
  );
}

/** `model_weights` of a file of HDF5: by the layers' names. */
export function modelWeights(layers: readonly Written[], inputs: readonly string[], numbers: Numbers, version: string) {
  const names = [...inputs, ...layers.map(({ name }) => name)];
  const tree = group({ ...listAttribute('layer_names', names), backend: 'tensorflow', keras_version: version });
  for (const name of inputs) tree.members.set(name, group({ weight_names: [] }));
  for (const { name, layer } of layers) {
    // what is trained first, then the others
    const placed = weightsOf(layer);
    const isTrained = ({ weight, trainable }: (typeof placed)[number]) => weight.trained && trainable;
    const ordered = [...placed.filter(isTrained), ...placed.filter((own) => !isTrained(own))];
    const paths = ordered.map(({ layer: path, weight }) =>
      [name, ...(path ? path.split('/') : []), ...weight.name.split('/').map(snake)].join('/'),
    );
    const own = group(listAttribute('weight_names', [...paths, ...uncounted(layer).map(() => `${name}/count`)]));
    for (const count of uncounted(layer)) within(own, name).members.set('count', count);
    for (const [i, { weight }] of ordered.entries()) {
      const at = paths[i].lastIndexOf('/');
      within(own, paths[i].slice(0, at)).members.set(
        paths[i].slice(at + 1),
        dataset(numbers.get(weight as Weight) as NDArray),
      );
    }
    tree.members.set(name, own);
  }
  tree.members.set('top_level_model_weights', group({ weight_names: [] }));
  return tree as GroupOut;
}
