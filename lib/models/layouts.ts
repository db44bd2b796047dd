import { isNarrow } from '../array/memory.js';
import { type ArrayInput, asArray, type NDArray } from '../array.js';
import { checkBoolean, checkOneOf, checkOptions, wrongShape, wrongType, wrongValue } from '../check.js';
import type { Shape, Weight } from '../graph/value.js';
import { weightName, weightsOfGraph } from '../graph/weights.js';
import type { Tensor } from '../io/safetensors.js';
import { hasMethods, isPlain } from '../kind.js';
import type { Layer } from '../layers/layer.js';
import { foldScales } from './attention-scale.js';
import type { Model } from './model.js';
import { isRecurrent, kindOf, type Leaf, torchParts } from './torch-modules.js';

/** Arrays by the names that another library has for them. */
export type NamedTensors = Readonly<Record<string, ArrayInput>>;

export interface LayoutOptions {
  /** Weights without an array stay as they are, and arrays without a weight are left out. Default false: both are refused */
  partial?: boolean;
  /**
   * What modules are called in PyTorch that are not called as their layers: `{ hidden: '0', head: '2' }` for an nn.Sequential. Recurrent
   * layers of one name are the levels of one module, in their order
   */
  names?: Readonly<Record<string, string>>;
}

/**
 * The weights of a network from another library's arrays, found by the names of layers, in the order of `getWeights`.
 *
 * ```js
 * model.setWeights(layouts.pytorch(model, stateDict)); // { 'encoder.weight_ih_l0': …, 'head.weight': … }
 * ```
 */
export const layouts = {
  /**
   * From PyTorch's `state_dict`: the module of a layer has the layer's name; those of networks within a network have dots between.
   * Kernels are transposed. A recurrent layer's two biases are added; of a GRU the gates r, z, n become z, r, h. Batch normalization's
   * count of batches is not read. A separable convolution is two modules, `depthwise` and `pointwise` of its own.
   * Attention's query takes up the ratio of PyTorch's scale to the layer's, which is 1 in float32 by default.
   *
   * @throws TypeError for layers that PyTorch has no module for, RangeError, with the name, for arrays that are missing, of another
   *   shape, or of no layer
   */
  pytorch(model: Model<any, any>, tensors: NamedTensors, options: LayoutOptions = {}): NDArray[] {
    checkNetwork(model);
    return filled(model, pytorchWeights(model, tensors, options));
  },

  /**
   * From Keras' weights by their `path`, such as 'lstm/lstm_cell/recurrent_kernel': layers have the same names in both networks.
   *
   * @throws RangeError, with the name, for arrays that are missing, of another shape, or of no layer
   */
  keras(model: Model<any, any>, tensors: NamedTensors, options: Pick<LayoutOptions, 'partial'> = {}): NDArray[] {
    checkNetwork(model);
    return filled(model, kerasWeights(model, tensors, options));
  },
};

function checkNetwork(model: unknown): void {
  if (!hasMethods(model, 'getWeights', 'compile')) throw wrongType('model', 'a network', model);
}

type Found = ReadonlyMap<Weight, NDArray>;

/**
 * Those of the weights that there is something for.
 * @param aliases names that the file leaves out, by the ones that it has the same tensors under
 * @throws as `layouts.pytorch`
 */
export function pytorchWeights(
  model: Model<any, any>,
  tensors: NamedTensors,
  options: LayoutOptions,
  aliases: ReadonlyMap<string, string> = new Map(),
): Found {
  const reader = new Reader(tensors, options, ['partial', 'names'], aliases);
  const found = new Map<Weight, NDArray>();
  built(model);
  for (const leaf of placed(model, options.names)) {
    const { layer, module, suffix } = leaf;
    if (reader.isPartial && !reader.hasAny(`${module}.`)) continue;
    const weights = layer.builtFor?.weights ?? {};
    for (const part of torchParts(leaf)) {
      const made = part.read(part.theirs.map(([name, shape]) => reader.take(`${module}.${name}${suffix}`, shape)));
      for (const [i, name] of part.ours.entries()) {
        const before = found.get(weights[name]);
        if (before?.data.some((value: number, k: number) => !Object.is(value, made[i].data[k])))
          throw new RangeError(
            `Expected the tensors of '${module}' to equal those under the other name of its layer, which is one here`,
          );
        found.set(weights[name], made[i]);
      }
    }
  }
  reader.end();
  foldScales(found, model, 'pytorch', 'from');
  return found;
}

/** The same. @throws as `layouts.keras` */
export function kerasWeights(model: Model<any, any>, tensors: NamedTensors, options: LayoutOptions): Found {
  const names = new Map(Object.keys(checkTensors(tensors)).map((path) => [fromKeras(path), path]));
  const reader = new Reader(tensors, options, ['partial']);
  const found = new Map<Weight, NDArray>();
  for (const { layer, weight } of weightsOfGraph(built(model))) {
    const name = weightName(layer, weight);
    const path = names.get(name);
    if (path !== undefined || !reader.isPartial) found.set(weight, reader.take(path ?? name, weight.shape));
  }
  reader.end();
  foldScales(found, model, 'keras', 'from');
  return found;
}

/** All weights, in their order. */
function filled(model: Model<any, any>, found: Found): NDArray[] {
  const before = model.getWeights();
  return weightsOfGraph(built(model)).map(({ weight }, i) => found.get(weight) ?? before[i]);
}

function* leavesOf(layer: Layer, path: string, owner = layer, direction = ''): Generator<Leaf> {
  const { graph, className } = layer;
  const { forward, backward, layer: inner } = layer as unknown as Record<string, Layer & { goBackwards?: boolean }>;
  if (graph) {
    for (const part of graph.layers) yield* leavesOf(part, join(path, graph.names.get(part) as string));
  } else if (className === 'Bidirectional') {
    for (const part of [forward, backward]) yield* leavesOf(part, path, layer, part.goBackwards ? '_reverse' : '');
  } else if (className === 'TimeDistributed') {
    yield* leavesOf(inner, path);
  } else if (Object.keys(layer.builtFor?.weights ?? {}).length > 0) {
    yield { layer, path, owner, direction };
  }
}

interface Placed extends Leaf {
  readonly module: string;
  /** Of all names of its tensors. */
  readonly suffix: string;
}

/**
 * Every layer that has weights, with the name that its module has in PyTorch. Recurrent layers that are given one name are the levels
 * of one module.
 */
function placed(model: Model<any, any>, names: Readonly<Record<string, string>> = {}): Placed[] {
  if (!isPlain(names)) throw wrongType('names', 'an object of names of modules by those of layers', names);
  const leaves = [...leavesOf(model, '')];
  for (const [path, name] of Object.entries(names)) {
    checkOneOf('a layer in names', path, [...new Set(leaves.map((leaf) => leaf.path))]);
    if (typeof name !== 'string') throw wrongType(`names['${path}']`, 'a string', name);
  }
  const levels = new Map<string, Layer[]>();
  return leaves.map((leaf) => {
    const { layer, path, owner, direction } = leaf;
    const module = names[path] ?? path;
    const owners = levels.get(module) ?? [];
    levels.set(module, owners);
    if (!owners.includes(owner)) owners.push(owner);
    if (!isRecurrent(layer) && owners.length > 1) throw wrongValue('names', 'different for each layer', module);
    if (kindOf(owner) !== kindOf(owners[0]))
      throw wrongValue('names', `of one module for layers of one kind, ${kindOf(owners[0])}`, kindOf(owner));
    return { ...leaf, module, suffix: isRecurrent(layer) ? `_l${owners.indexOf(owner)}${direction}` : '' };
  });
}

/**
 * What PyTorch's `load_state_dict` takes, by name: the numbers of `weights`, in the order of `getWeights`.
 * @throws as `layouts.pytorch`
 */
export function stateDictOf(
  model: Model<any, any>,
  weights: readonly NDArray[],
  options: Pick<LayoutOptions, 'names'>,
): Map<string, Tensor> {
  const numbers = new Map(weightsOfGraph(built(model)).map(({ weight }, i) => [weight, weights[i]]));
  foldScales(numbers, model, 'pytorch', 'to');
  const tensors = new Map<string, Tensor>();
  for (const leaf of placed(model, options.names)) {
    const { layer, module, suffix } = leaf;
    const own = layer.builtFor?.weights ?? {};
    for (const part of writableParts(leaf)) {
      const made = part.write(part.ours.map((name) => numbers.get(own[name]) as NDArray));
      for (const [i, [name]] of part.theirs.entries()) tensors.set(`${module}.${name}${suffix}`, made[i]);
    }
    if (['BatchNormalization', 'Normalization'].includes(layer.className))
      tensors.set(`${module}.num_batches_tracked`, { shape: [], data: BigInt64Array.of(0n) });
  }
  return tensors;
}

function writableParts(leaf: Leaf): ReturnType<typeof torchParts> {
  try {
    return torchParts(leaf);
  } catch (error) {
    throw new TypeError(`${(error as Error).message} (format 'onnx' holds the whole network)`, { cause: error });
  }
}

const built = (model: Model<any, any>) => {
  model.getWeights(); // there are none before it is built, which is told
  return model.graph as NonNullable<Model['graph']>;
};

const join = (prefix: string, name: string) => (prefix ? `${prefix}.${name}` : name);

/** 'lstm/lstm_cell/recurrent_kernel' -> 'lstm/recurrentKernel' */
function fromKeras(path: string): string {
  const parts = path
    .replace(/:\d+$/, '')
    .split('/')
    .filter((part) => !part.endsWith('_cell'))
    .map((part) => (part === 'attention_output' ? 'output' : part));
  const last = parts.pop() ?? '';
  return [...parts, last.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())].join('/');
}

function checkTensors(tensors: unknown): NamedTensors {
  if (!isPlain(tensors)) throw wrongType('tensors', 'an object of arrays by name', tensors);
  return tensors as NamedTensors;
}

/** @throws TypeError with the name for what no weight is made of, such as small integers, which are quantized ones */
export function numbersOf(name: string, tensor: ArrayInput): NDArray {
  const what = `tensors['${name}']`;
  if (isNarrow(tensor)) throw wrongType(what, 'numbers of 32 bits or more: smaller integers are quantized', tensor);
  return asArray(what, tensor);
}

class Reader {
  readonly isPartial: boolean;
  readonly #tensors: NamedTensors;
  readonly #aliases: ReadonlyMap<string, string>;
  readonly #taken = new Set<string>();

  constructor(
    tensors: NamedTensors,
    options: LayoutOptions,
    allowed: readonly string[],
    aliases: ReadonlyMap<string, string> = new Map(),
  ) {
    this.#aliases = aliases;
    checkOptions('options', options, allowed);
    this.isPartial = checkBoolean('partial', options.partial ?? false);
    this.#tensors = checkTensors(tensors);
  }

  hasAny(prefix: string): boolean {
    return [...Object.keys(this.#tensors), ...this.#aliases.keys()].some((name) => name.startsWith(prefix));
  }

  take(given: string, shape: Shape): NDArray {
    const name = Object.hasOwn(this.#tensors, given) ? given : (this.#aliases.get(given) ?? given);
    if (!Object.hasOwn(this.#tensors, name)) {
      const names = Object.keys(this.#tensors).slice(0, 5).join(', ');
      throw new RangeError(
        `Expected tensors to hold '${name}' of shape [${shape.join(', ')}], got ${names || 'none'} …`,
      );
    }
    this.#taken.add(name);
    const array = numbersOf(name, this.#tensors[name]);
    if (array.shape.join() !== shape.join())
      throw wrongShape(`tensors['${name}']`, `of shape [${shape.join(', ')}]`, array.shape);
    return array;
  }

  /** @throws RangeError for tensors of no layer */
  end(): void {
    const left = Object.keys(this.#tensors).find(
      (name) => !this.#taken.has(name) && !/num_batches_tracked$/.test(name),
    );
    if (left !== undefined && !this.isPartial)
      throw new RangeError(
        `Expected every tensor to be of a layer of the network, but '${left}' is not (partial: true, of loadWeights byName: true, leaves such ones out)`,
      );
  }
}
