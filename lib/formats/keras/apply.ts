import { NDArray } from '../../array.js';
import { wrongType, wrongValue } from '../../check.js';
import { isValue, marked, type Shape, sizeOf, type Value } from '../../graph/value.js';
import type { JsonObject } from '../../io/model-file.js';
import { sampleAxis } from '../../layers/axis.js';
import type { Layer, Values } from '../../layers/layer.js';
import { NormalizingLayer } from '../../layers/normalizing-layer.js';
import type { CallNode } from './calls-in.js';
import type { LayerEntry } from './entries.js';
import { applyOperation, checkNumbers, type Given } from './operations-in.js';
import { applyTfOperation, isTfOperation } from './tf-operations-in.js';

/** Numbers of a constant that a layer makes at once: as many as our own files may have. */
const MOST = 2 ** 22;
/** The same of all layers of a file, each time that they are applied. */
const MOST_IN_ALL = 2 ** 25;

/** How many numbers of constants the layers of a file have made until now. */
export interface Constants {
  made: number;
}

interface Options {
  readonly useCausalMask?: boolean;
  readonly groups?: number;
  readonly axis?: number | readonly number[];
}

type Named = Readonly<Record<string, Given>>;

/** Arguments of attention's calls that are options of our layer. */
const OF_ATTENTION = {
  use_causal_mask: 'useCausalMask',
  return_attention_scores: 'returnAttentionScores',
} as const;

/** Our options that Keras has among the arguments of calls. */
export function attentionOptions(place: string, className: string, nodes: readonly CallNode[]): JsonObject {
  const of = ({ args, kwargs }: CallNode) => ({
    ...Object.fromEntries(Object.entries(OF_ATTENTION).map(([keras, own]) => [own, kwargs[keras] === true])),
    ...(className === 'MultiHeadAttention' && { attentionMask: (kwargs.attention_mask ?? args[3] ?? null) !== null }),
  });
  const options = nodes.map((node) => JSON.stringify(of(node)));
  if (new Set(options).size > 1) throw wrongValue(place, 'called in one manner', 'several');
  return options.length > 0 ? JSON.parse(options[0]) : {};
}

/** What a layer makes of Keras' arguments. @throws TypeError or RangeError naming what there is not here */
export function applyLayer(
  layer: Layer,
  args: readonly Given[],
  kwargs: Named,
  constants: Constants,
): readonly Value[] {
  const inputs = inputsOf(layer, args, rest(layer, kwargs));
  const values = (Array.isArray(inputs) ? inputs : [inputs]) as readonly Value[];
  for (const value of values) checkNumbers(value);
  checkConstants(
    layer,
    values.map(({ shape }) => shape),
    constants,
  );
  return layer.applied(inputs).outputs;
}

/** What an operation makes of Keras' arguments. */
export function applyEntry({ class_name: className, config }: LayerEntry, args: readonly Given[], kwargs: Named) {
  if (isTfOperation(className)) return applyTfOperation(config.function, args, kwargs);
  const { name: _, ...own } = config;
  return applyOperation(className, own, [...args, ...Object.values(kwargs)]);
}

/** Arguments that say nothing, or nothing that is not known: masks go with values, and Keras asks `fit` whether it trains. */
function rest(layer: Layer, kwargs: Named): Named {
  const own = Object.entries(kwargs).filter(([key, value]) => {
    if (value === null || key === 'training') return false;
    return !('useCausalMask' in layer && key in OF_ATTENTION);
  });
  return Object.fromEntries(own);
}

function inputsOf(layer: Layer, args: readonly Given[], kwargs: Named): Values {
  const [x, ...others] = args.filter((given) => given !== null);
  if (layer.className === 'MultiHeadAttention') {
    const { query = x, value = others[0], key = others[1], attention_mask: mask, ...more } = kwargs;
    refuse(more);
    if (others.length > 2) throw wrongValue('its arguments', 'at most three', args.length);
    return [query, value, key, mask].filter((given) => given !== undefined).map(inputOf);
  }
  if ('returnSequences' in layer || layer.className === 'Bidirectional') {
    const { initial_state: states = [], ...more } = kwargs;
    refuse(more);
    const all = [x, ...others, states].flat().map((given) => inputOf(given as Given));
    return all.length > 1 ? all : all[0];
  }
  const { inputs = x, ...more } = kwargs;
  refuse(more);
  if (others.length > 0) throw wrongValue('its arguments', 'one', args.length);
  return Array.isArray(inputs) ? inputs.map(inputOf) : inputOf(inputs);
}

function refuse(kwargs: Named): void {
  const [key] = Object.keys(kwargs);
  if (key !== undefined) throw wrongValue('its arguments', 'none that there is not here', key);
}

function inputOf(given: Given | undefined): Value {
  if (given instanceof NDArray) return marked({ shape: given.shape, batched: false, constant: given });
  if (!isValue(given)) throw wrongType('what it is applied to', 'a value or a list of them', given);
  return given;
}

/** Layers that make constants of the size of what they are given, those that are made of one too. */
export function checkConstants(layer: Layer, inputs: readonly Shape[], constants: Constants): void {
  const { useCausalMask } = layer as Options;
  const [shape] = inputs;
  if (layer.className === 'TimeDistributed') {
    const [inner] = layer.wrappedLayers as readonly Layer[];
    checkConstants(inner, [shape.slice(1)], constants);
    return;
  }
  let numbers = 0;
  if (useCausalMask) numbers = (shape[0] ?? 0) * (inputs[1]?.[0] ?? 0);
  else if (layer instanceof NormalizingLayer) numbers = constantsOf(layer, shape);
  else if (layer.className === 'Concatenate') numbers = Math.max(...inputs.map(([length = 0]) => length));
  if (numbers > MOST) throw wrongValue('what it makes', 'of at most 2^22 constant numbers', numbers);
  constants.made += numbers;
  if (constants.made > MOST_IN_ALL)
    throw wrongValue('what the layers up to it make', 'of at most 2^25 constant numbers', constants.made);
}

/** A gamma and a beta that there are not, and the channels of groups. */
function constantsOf(layer: NormalizingLayer, shape: Shape): number {
  const { center, scale, groups, axis = -1 } = layer as NormalizingLayer & Options;
  if (center && scale && groups === undefined) return 0;
  return sizeOf([axis].flat().map((own) => shape[sampleAxis(own, shape.length) ?? 0] ?? 0));
}
