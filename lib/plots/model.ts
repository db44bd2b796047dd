import { type ArrayInput, asArray, NDArray } from '../array.js';
import { checkInteger, wrongShape, wrongType } from '../check.js';
import { isNDArray } from '../kind.js';

type ActivationLike = string | { readonly name: string } | { readonly config: { readonly name: string } };

/** A layer as `network` reads it: of a Sequential, or described by hand. */
export interface LayerLike {
  readonly className?: string;
  readonly name?: string;
  readonly activation?: ActivationLike;
  /** The shape of one output sample. */
  readonly outputShape?: readonly number[] | ((inputShape: readonly number[]) => readonly number[]);
}

/** What `network` can draw. */
export type NetworkInput =
  /** A Sequential whose input shape is known, or layers described by hand. */
  | {
      readonly layers: readonly LayerLike[];
      readonly inputShape?: readonly number[];
      readonly outputShapes?: readonly (readonly number[])[];
    }
  /** The number of nodes in every layer, the input first; and the activation of every layer but the input. */
  | { readonly sizes: readonly number[]; readonly activations?: readonly string[] }
  /** An MLPClassifier or MLPRegressor that was fitted. */
  | { readonly coefs: readonly NDArray[]; readonly activation?: unknown; readonly outActivation?: unknown }
  /** The lecture's NeuralNetwork. */
  | { readonly hiddenWeights: NDArray; readonly outputWeights: NDArray };

/** One column of a network's figure. */
export interface Stage {
  readonly kind: string;
  /** The shape of one sample. */
  readonly shape: readonly number[];
  /** The activation, and the layers that change no shape. */
  readonly notes: readonly string[];
}

export function readNetwork(model: NetworkInput): Stage[] {
  if (typeof model !== 'object' || model === null)
    throw wrongType('model', 'a network, or { sizes: [64, 50, 10] }', model);
  if ('sizes' in model) return stagesOf(model.sizes, model.activations);
  if ('layers' in model) return stagesOfLayers(model);
  if ('coefs' in model) {
    if (!Array.isArray(model.coefs) || model.coefs.length === 0) throw wrongType('model', 'a fitted estimator', model);
    const shapes = Array.from(model.coefs, (c, i) => matrixShape(`model.coefs[${i}]`, c));
    const sizes = [shapes[0][0], ...shapes.map(([, outputs]) => outputs)];
    const hidden = nameOf('model.activation', model.activation);
    const names = sizes.slice(1, -1).map(() => hidden);
    return stagesOf(sizes, [...names, nameOf('model.outActivation', model.outActivation)]);
  }
  if ('hiddenWeights' in model) {
    const hidden = matrixShape('model.hiddenWeights', model.hiddenWeights);
    const output = matrixShape('model.outputWeights', model.outputWeights);
    return stagesOf([hidden[0], hidden[1], output[1]], ['sigmoid', 'softmax']);
  }
  throw wrongType('model', 'a network, or { sizes: [64, 50, 10] }', model);
}

function matrixShape(name: string, x: ArrayInput): readonly number[] {
  const { shape } = asArray(name, x);
  if (shape.length !== 2) throw wrongShape(name, 'a matrix', shape);
  return shape;
}

/** The shape of one sample. Not `checkShape` of layers, which would load the native binary. */
function sizesOf(name: string, shape: unknown): readonly number[] {
  if (!Array.isArray(shape)) throw wrongType(name, 'an array of positive integers', shape);
  return Array.from(shape, (n, i) => checkInteger(`${name}[${i}]`, n, 1));
}

function stagesOf(sizes: readonly number[], activations: readonly string[] = []): Stage[] {
  if (!Array.isArray(sizes) || sizes.length < 2) throw wrongType('sizes', 'an array of two sizes or more', sizes);
  if (!Array.isArray(activations)) throw wrongType('activations', 'an array of names', activations);
  for (const [i, name] of activations.entries())
    if (typeof name !== 'string') throw wrongType(`activations[${i}]`, 'a name', name);
  return Array.from(sizes as readonly number[], (size, i) => ({
    kind: i === 0 ? 'input' : i === sizes.length - 1 ? 'output' : sizes.length === 3 ? 'hidden' : `hidden ${i}`,
    shape: [checkInteger(`sizes[${i}]`, size, 1)],
    notes: i > 0 && activations[i - 1] ? [activations[i - 1]] : [],
  }));
}

function stagesOfLayers(model: Extract<NetworkInput, { layers: unknown }>): Stage[] {
  const { layers, inputShape, outputShapes } = model;
  if (!Array.isArray(layers) || layers.length === 0) throw wrongType('model.layers', 'an array of layers', layers);
  if (!inputShape)
    throw new TypeError('Expected model to know its inputShape: call build(inputShape) or give it to the first layer');
  const stages: Stage[] = [{ kind: 'Input', shape: sizesOf('model.inputShape', inputShape), notes: [] }];
  for (const [i, layer] of (layers as readonly LayerLike[]).entries()) {
    const name = `model.layers[${i}]`;
    if (typeof layer !== 'object' || layer === null) throw wrongType(name, 'a layer', layer);
    const before = stages[stages.length - 1];
    const own = typeof layer.outputShape === 'function' ? layer.outputShape(before.shape) : layer.outputShape;
    const shape = sizesOf(`${name}.outputShape`, outputShapes?.[i] ?? own);
    const kind = layer.className ?? layer.name ?? 'layer';
    if (typeof kind !== 'string') throw wrongType(`${name}.className`, 'a name', kind);
    const activation = nameOf(`${name}.activation`, layer.activation);
    const named = activation && activation !== 'linear' ? [activation] : [];
    const isSame = shape.join() === before.shape.join();
    if (/^Input/.test(kind) && isSame) continue;
    // Dropout and its like are no column of their own.
    const passes = isSame && !/dense|conv/i.test(kind);
    if (!passes) stages.push({ kind, shape, notes: named });
    else
      stages[stages.length - 1] = {
        ...before,
        notes: [...before.notes, ...(/^Activation/.test(kind) ? named : [kind])],
      };
  }
  return stages;
}

function nameOf(option: string, activation: unknown): string {
  const { config, name } = (activation ?? {}) as { config?: { name?: unknown }; name?: unknown };
  const found = typeof activation === 'string' ? activation : (config?.name ?? name ?? '');
  if (typeof found !== 'string') throw wrongType(option, 'an activation or its name', activation);
  return found;
}

function named(name: unknown, x: ArrayInput): NamedArray {
  if (typeof name !== 'string') throw wrongType('a name of model.weightNames', 'a string', name);
  return { name, array: asArray(name, x) };
}

/** A network or estimator as `weights` and `filters` read it. */
export type WeightsModel =
  | { getWeights(): readonly NDArray[]; readonly weightNames?: readonly string[] }
  | { readonly coefs: readonly NDArray[]; readonly intercepts: readonly NDArray[] }
  | { readonly components: NDArray; readonly interceptHidden: NDArray }
  | {
      readonly hiddenWeights: NDArray;
      readonly hiddenBias: NDArray;
      readonly outputWeights: NDArray;
      readonly outputBias: NDArray;
    };

/** Arrays by name: gradients, for example. Written so that an interface such as Gradients fits. */
export type NamedArrays<T> = { readonly [K in keyof T]: ArrayInput };

export interface NamedArray {
  readonly name: string;
  readonly array: NDArray;
}

/** All arrays of a model, in order. `fromModel` is false for those that were given one by one. */
export function readWeights(model: object): { arrays: NamedArray[]; fromModel: boolean } {
  if (typeof model !== 'object' || model === null || Array.isArray(model) || isNDArray(model))
    throw wrongType('model', 'a network, an estimator, or arrays by name', model);
  const { getWeights, weightNames } = model as { getWeights?: unknown; weightNames?: readonly string[] };
  if (typeof getWeights === 'function') {
    const arrays: readonly NDArray[] = (model as { getWeights(): readonly NDArray[] }).getWeights();
    if (!Array.isArray(arrays)) throw wrongType('model.getWeights()', 'an array of arrays', arrays);
    return { arrays: Array.from(arrays, (x, i) => named(weightNames?.[i] ?? `weight ${i + 1}`, x)), fromModel: true };
  }
  const { coefs, intercepts } = model as { coefs?: readonly NDArray[]; intercepts?: readonly NDArray[] };
  if (Array.isArray(coefs)) {
    const pairs = Array.from(coefs).flatMap((x: NDArray, i) => [
      named(`coefs[${i}]`, x),
      ...(intercepts?.[i] ? [named(`intercepts[${i}]`, intercepts[i])] : []),
    ]);
    return { arrays: pairs, fromModel: true };
  }
  if ('hiddenWeights' in model) {
    const names = ['hiddenWeights', 'hiddenBias', 'outputWeights', 'outputBias'];
    const own = model as unknown as Record<string, NDArray>;
    return { arrays: names.filter((name) => own[name]).map((name) => named(name, own[name])), fromModel: true };
  }
  const { components } = model as { components?: unknown };
  if ('interceptHidden' in model && isNDArray(components)) {
    const [nodes, inputs] = components.shape;
    const byInput = Array.from({ length: nodes * inputs }, (_, i) => components.at(i % nodes, Math.floor(i / nodes)));
    return { arrays: [named('components', NDArray.from(byInput).reshape(inputs, nodes))], fromModel: true };
  }
  const arrays = Object.entries(model as Record<string, ArrayInput>).map(([name, x]) => named(name, x));
  return { arrays, fromModel: false };
}
