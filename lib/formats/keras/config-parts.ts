// What layers' configs hold beside numbers, as Keras writes it and as we do: activations, initializers, regularizers, constraints.
import type { Activation } from '../../activations.js';
import { wrongType, wrongValue } from '../../check.js';
import type { Constraint } from '../../constraints.js';
import type { JsonObject } from '../../io/model-file.js';
import { isPlain } from '../../kind.js';
import type { Regularizer } from '../../regularizers.js';

/** What Keras makes an object of. */
export interface KerasObject {
  readonly module?: string;
  readonly class_name: string;
  readonly config: JsonObject;
  readonly registered_name?: string | null;
}

export const snake = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
export const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());

const object = (module: string, class_name: string, config: JsonObject = {}): KerasObject => ({
  module,
  class_name,
  config,
  registered_name: null,
});

/** `HeNormal`, `he_normal` and `heNormal` are one. */
export const plain = (name: string) => name.replaceAll('_', '').toLowerCase();

/** A class, or a function, and its options: as an object, or as a name alone. @throws TypeError for what is neither */
export function readObject(place: string, given: unknown): { name: string; config: JsonObject } {
  if (typeof given === 'string') return { name: given, config: {} };
  if (isPlain(given) && typeof given.class_name === 'string') {
    const { class_name: name, config } = given;
    // functions: { class_name: 'function', config: 'relu' }
    if (typeof config === 'string') return { name: config, config: {} };
    if (isPlain(config)) return { name, config };
  }
  throw wrongType(place, 'a name, or an object with class_name and config', given);
}

/** Of Keras' activations those that are called and defined as ours. */
const ACTIVATIONS = [
  'linear',
  'sigmoid',
  'tanh',
  'relu',
  'relu6',
  'selu',
  'softplus',
  'softsign',
  'exponential',
  'logSigmoid',
  'hardSigmoid',
  'silu',
  'hardSilu',
  'mish',
  'tanhShrink',
  'hardTanh',
  'sparsePlus',
  'sparseSigmoid',
  'softmax',
  'logSoftmax',
] as const;
/** Those along an axis, which is the last one here. */
const ALONG = ['softmax', 'logsoftmax'];
/** Those with one option besides, and Keras' operation of each. */
const WITH_OPTION: Readonly<Record<string, { option: string; byDefault: number; className: string }>> = {
  celu: { option: 'alpha', byDefault: 1, className: 'Celu' },
  hardShrink: { option: 'threshold', byDefault: 0.5, className: 'HardShrink' },
  softShrink: { option: 'threshold', byDefault: 0.5, className: 'SoftShrink' },
  squareplus: { option: 'b', byDefault: 4, className: 'Squareplus' },
};
/** What Keras' function has where ours has another number, or none. */
const LEAKY = 0.2;

/** An activation as Keras 3 reads it back: a name, or a layer or operation that is called in its place. @throws TypeError */
export function kerasActivation(place: string, config: Activation['config']): string | KerasObject {
  const { name, alpha, approximate } = config;
  if (Object.hasOwn(WITH_OPTION, name)) {
    const { option, byDefault, className } = WITH_OPTION[name];
    const value = config[option];
    return value === byDefault ? snake(name) : object('keras.src.ops.nn', className, { [option]: value });
  }
  switch (name) {
    case 'leakyRelu':
      return alpha === LEAKY ? 'leaky_relu' : object('keras.layers', 'LeakyReLU', { negative_slope: alpha });
    case 'elu':
      return alpha === 1 ? 'elu' : object('keras.layers', 'ELU', { alpha });
    case 'gelu':
      return approximate ? object('keras.src.ops.nn', 'Gelu', { approximate: true }) : 'gelu';
  }
  if ((ACTIVATIONS as readonly string[]).includes(name)) return snake(name);
  throw new TypeError(`Expected ${place} to be one that Keras has, got '${name}'`);
}

const number = (place: string, value: unknown): number => {
  if (typeof value !== 'number') throw wrongType(place, 'a number', value);
  return value;
};

/** Our config of an activation of Keras. @throws TypeError or RangeError for one that there is not here */
export function ourActivation(place: string, given: unknown): Activation['config'] {
  const { name, config } = readObject(place, given);
  switch (plain(name)) {
    case 'leakyrelu': {
      // the layer has a default of its own
      const slope = config.negative_slope ?? config.alpha ?? (name === 'LeakyReLU' ? 0.3 : LEAKY);
      return { name: 'leakyRelu', alpha: number(`${place}.negative_slope`, slope) };
    }
    case 'elu':
      return { name: 'elu', alpha: number(`${place}.alpha`, config.alpha ?? 1) };
    case 'gelu':
      // the function's default is another than the operation's
      return { name: 'gelu', approximate: config.approximate === undefined ? name === 'Gelu' : config.approximate };
    case 'swish':
      return { name: 'silu' };
    case 'hardswish':
      return { name: 'hardSilu' };
    case 'relu':
      return relu(place, config);
    case 'activation':
      return ourActivation(place, config.activation);
  }
  const one = Object.keys(WITH_OPTION).find((known) => plain(known) === plain(name));
  if (one) {
    const { option, byDefault } = WITH_OPTION[one];
    return { name: one, [option]: number(`${place}.${option}`, config[option] ?? byDefault) };
  }
  if (ALONG.includes(plain(name)) && (config.axis ?? -1) !== -1) throw wrongValue(`${place}.axis`, '-1', config.axis);
  const own = ACTIVATIONS.find((known) => plain(known) === plain(name));
  if (!own) throw wrongValue(place, 'an activation that there is here', name);
  return { name: own };
}

/** relu(x, negative_slope, max_value, threshold), of which we have three cases. */
function relu(place: string, config: JsonObject): Activation['config'] {
  const { max_value: most = null, negative_slope: slope = 0, threshold = 0 } = config;
  if (threshold !== 0) throw wrongValue(`${place}.threshold`, '0', threshold);
  if (most === null)
    return slope === 0 ? { name: 'relu' } : { name: 'leakyRelu', alpha: number(`${place}.negative_slope`, slope) };
  if (most === 6 && slope === 0) return { name: 'relu6' };
  throw wrongValue(`${place}.max_value`, 'none, or 6 without a negative_slope', most);
}

/** Our initializers and Keras' classes of them. */
const INITIALIZERS: Readonly<Record<string, string>> = {
  zeros: 'Zeros',
  ones: 'Ones',
  constant: 'Constant',
  randomNormal: 'RandomNormal',
  randomUniform: 'RandomUniform',
  truncatedNormal: 'TruncatedNormal',
  glorotUniform: 'GlorotUniform',
  glorotNormal: 'GlorotNormal',
  heUniform: 'HeUniform',
  heNormal: 'HeNormal',
  leCunUniform: 'LecunUniform',
  leCunNormal: 'LecunNormal',
  varianceScaling: 'VarianceScaling',
  // also called without Initializer, but not in the first versions of Keras 3
  orthogonal: 'OrthogonalInitializer',
  identity: 'IdentityInitializer',
};

/** @throws TypeError for one of one's own */
export function kerasInitializer(place: string, { name, ...options }: JsonObject): KerasObject {
  const className = Object.hasOwn(INITIALIZERS, name as string) ? INITIALIZERS[name as string] : undefined;
  if (!className) throw new TypeError(`Expected ${place} to be one of initializers.*, got '${name}'`);
  const words = ['mode', 'distribution'];
  const config = Object.entries(options).map(([key, value]) => [key, words.includes(key) ? snake(`${value}`) : value]);
  return object('keras.initializers', className, Object.fromEntries(config));
}

const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  constant: ['value'],
  randomNormal: ['mean', 'stddev'],
  randomUniform: ['minval', 'maxval'],
  truncatedNormal: ['mean', 'stddev'],
  varianceScaling: ['scale', 'mode', 'distribution'],
  orthogonal: ['gain'],
  identity: ['gain'],
};

/** Our config; undefined for one that there is not here, as the weights that it would have made come from the file. */
export function ourInitializer(place: string, given: unknown): JsonObject | undefined {
  const { name, config } = readObject(place, given);
  const own = Object.keys(INITIALIZERS).find((known) => plain(known) === plain(name).replace(/initializer$/, ''));
  if (!own) return undefined;
  const { seed } = config;
  const words = ['mode', 'distribution'];
  const options = (Object.hasOwn(OPTIONS, own) ? OPTIONS[own] : [])
    .filter((key) => config[key] !== undefined && config[key] !== null)
    .map((key) => [key, words.includes(key) ? camel(`${config[key]}`) : config[key]]);
  const isSeed = Number.isInteger(seed) && (seed as number) >= 0 && (seed as number) < 2 ** 32;
  const takesSeed = !['zeros', 'ones', 'constant', 'identity'].includes(own);
  return { name: own, ...Object.fromEntries(options), ...(isSeed && takesSeed && { seed }) };
}

/** @throws TypeError for a function of one's own */
export function kerasRegularizer(place: string, { l1, l2, graph }: Regularizer): KerasObject {
  if (graph) throw new TypeError(`Expected ${place} to be one of regularizers.*, got a function`);
  if (l1 === 0) return object('keras.regularizers', 'L2', { l2 });
  return l2 === 0 ? object('keras.regularizers', 'L1', { l1 }) : object('keras.regularizers', 'L1L2', { l1, l2 });
}

export function ourRegularizer(place: string, given: unknown): JsonObject {
  const { name, config } = readObject(place, given);
  const kind = plain(name);
  if (!['l1', 'l2', 'l1l2'].includes(kind)) throw wrongValue(place, 'one of L1, L2, L1L2', name);
  const part = (key: 'l1' | 'l2', byDefault: number) => number(`${place}.${key}`, config[key] ?? byDefault);
  if (kind === 'l1') return { l1: part('l1', 0.01), l2: 0 };
  if (kind === 'l2') return { l1: 0, l2: part('l2', 0.01) };
  return { l1: part('l1', 0), l2: part('l2', 0) };
}

const CONSTRAINTS = { maxNorm: 'MaxNorm', nonNeg: 'NonNeg', unitNorm: 'UnitNorm', minMaxNorm: 'MinMaxNorm' } as const;

/** @throws TypeError for a function of one's own */
export function kerasConstraint(place: string, constraint: Constraint): KerasObject {
  if ('graph' in constraint) throw new TypeError(`Expected ${place} to be one of constraints.*, got a function`);
  const { name, ...options } = constraint;
  const config = Object.entries(options).map(([key, value]) => [snake(key), value]);
  return object('keras.constraints', CONSTRAINTS[name], Object.fromEntries(config));
}

export function ourConstraint(place: string, given: unknown): JsonObject {
  const { name, config } = readObject(place, given);
  const own = (Object.keys(CONSTRAINTS) as (keyof typeof CONSTRAINTS)[]).find((known) => plain(known) === plain(name));
  if (!own) throw wrongValue(place, `one of ${Object.values(CONSTRAINTS).join(', ')}`, name);
  const known = Object.entries(config).filter(([key, value]) => key !== 'name' && value !== null);
  return { name: own, ...Object.fromEntries(known.map(([key, value]) => [camel(key), value])) };
}
