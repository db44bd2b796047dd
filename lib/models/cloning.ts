import { checkOptions } from '../check.js';
import type { Graph } from '../graph/graph.js';
import { layerPaths } from '../graph/weights.js';
import type { Layer } from '../layers/layer.js';
import { getOptimizer, type OptimizerInput, optimizerFrom } from '../optimizers.js';
import { copyOf } from './architecture.js';
import type { Model } from './model.js';
import type { Compiled } from './network.js';
import { checkLoadable } from './saving.js';

export interface CloneOptions {
  /** Decides the initial weights, the shuffles and the dropout masks. Default: that of the network */
  seed?: number;
  /** An optimizer or its name. Default: a new one as the network's is now, its learning rate included */
  optimizer?: OptimizerInput;
}

type Parts = Pick<Graph, 'layers' | 'names'>;

/** A network of the same layers that is not trained, and how it is to be compiled. */
export function cloneOf(
  model: Model,
  { seed: own, compiled }: { readonly seed: number | undefined; readonly compiled: Compiled | undefined },
  options: CloneOptions,
): { copy: Model; compiled: Compiled | undefined } {
  checkOptions('options', options, ['seed', 'optimizer']);
  const { seed = own, optimizer } = options;
  checkLoadable(partsOf(model), compiled);
  const copy = copyOf(model, seed);
  copy.metadata = model.metadata;
  return { copy, compiled: compiled && compiledFor(copy, model, compiled, optimizer) };
}

/** Losses and metrics do not change, and are shared. */
function compiledFor(copy: Model, model: Model, compiled: Compiled, given: OptimizerInput | undefined): Compiled {
  const copies = new Map([...layerPaths(partsOf(copy))].map(([layer, path]) => [path, layer]));
  const frozen = [...layerPaths(partsOf(model))].filter(([layer]) => compiled.frozen.has(layer));
  return {
    ...compiled,
    optimizer: given === undefined ? optimizerFrom(compiled.optimizer.config) : getOptimizer('optimizer', given),
    frozen: new Set(frozen.map(([, path]) => copies.get(path) as Layer)),
  };
}

const partsOf = ({ graph, layers, layerNames }: Model): Parts =>
  graph ?? { layers, names: new Map(layers.map((layer, i) => [layer, layerNames[i]])) };
