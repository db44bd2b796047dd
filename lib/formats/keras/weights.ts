// Where Keras' files have the weights of a layer.
import type { Weight } from '../../graph/value.js';
import type { Layer } from '../../layers/layer.js';

/** The weights of a part of a layer, in Keras' order: at a path below the layer's in files of Keras 3. */
export interface Part {
  /** '' of the layer's own; other names that versions of Keras gave it behind the first */
  readonly paths: readonly string[];
  readonly weights: readonly Weight[];
}

const ATTENTION = ['query', 'key', 'value', 'output'] as const;

/** A layer's weights, and those of the layers that it is made of; not of a network, whose layers are named on their own. */
export function partsOf(layer: Layer, path = ''): Part[] {
  const own = Object.values(layer.builtFor?.weights ?? {});
  const join = (name: string) => (path ? `${path}/${name}` : name);
  switch (layer.className) {
    case 'SimpleRNN':
    case 'LSTM':
    case 'GRU':
      return [{ paths: [join('cell'), path], weights: own }]; // the second of one of several cells in a layer
    case 'Bidirectional': {
      const [forward, backward] = layer.wrappedLayers as readonly Layer[];
      return [...partsOf(forward, join('forward_layer')), ...partsOf(backward, join('backward_layer'))];
    }
    case 'TimeDistributed':
      return partsOf((layer.wrappedLayers as readonly Layer[])[0], join('layer'));
    case 'MultiHeadAttention':
      return ATTENTION.map((part) => ({
        paths: [join(`${part}_dense`), join(`_${part}_dense`)],
        weights: own.filter(({ name }) => name.startsWith(`${part}/`)),
      }));
    default:
      return [{ paths: [path], weights: own }];
  }
}

/** 'MaxPooling2D' as 'max_pooling2d', and 'LeakyReLU' as 'leaky_re_lu': what groups of weights are called by. */
const snakeCase = (className: string) =>
  className
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

/** What the groups of layers are called, in their order: 'dense', 'dense_1' … */
export function groupNames(classNames: readonly string[]): string[] {
  const counts = new Map<string, number>();
  return classNames.map((className) => {
    const base = snakeCase(className);
    const count = counts.get(base) ?? 0;
    counts.set(base, count + 1);
    return count === 0 ? base : `${base}_${count}`;
  });
}
