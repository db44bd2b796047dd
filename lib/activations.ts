import { called, checkBoolean, checkInterval, checkOneOf, checkOptions, wrongType } from './check.js';
import type { Value } from './graph/value.js';
import { isConfig, property } from './kind.js';
import { made, markMakers } from './made.js';

/**
 * An activation: its kernel, and the kernel `dz = dy * f'(z)` of its derivative, which is written from the value y = f(z)
 * or, where that does not determine it, from z.
 */
export interface Activation {
  /** `name` is one of `activations`, or what `custom.activation` was given. */
  readonly config: { readonly name: string; readonly [option: string]: unknown };
  /** Of one's own: f(z) as a graph, in place of a kernel. */
  readonly graph?: (z: Value) => Value;
  /** Absent: f(z) = z */
  readonly kernel?: string;
  /** Absent with a kernel: the activation has no derivative to train by. */
  readonly gradient?: string;
  readonly derivativeFrom: 'y' | 'z';
  readonly scalars: Readonly<Record<string, number>>;
}

export type ActivationName = keyof typeof activations;
/** A name, one of `activations.*` (called or not), or an activation's `config`. */
export type ActivationInput =
  | ActivationName
  | keyof typeof ALIASES
  | Activation
  | (() => Activation)
  | Activation['config']
  | (string & {});

export const ALIASES = { swish: 'silu', hardSwish: 'hardSilu' } as const;

const make = (
  name: ActivationName,
  derivativeFrom: 'y' | 'z' = 'y',
  options: Record<string, number | boolean> = {},
): Activation => ({
  config: { name, ...options },
  kernel: name,
  gradient: `${name}Gradient`,
  derivativeFrom,
  scalars: Object.fromEntries(Object.entries(options).map(([option, value]) => [option, Number(value)])),
});

function checkAlpha(options: { alpha?: number }, byDefault: number, open: '' | 'low' = ''): { alpha: number } {
  checkOptions('options', options, ['alpha']);
  return { alpha: checkInterval('alpha', options.alpha ?? byDefault, 0, Number.POSITIVE_INFINITY, open) };
}

function checkThreshold(options: { threshold?: number }): { threshold: number } {
  checkOptions('options', options, ['threshold']);
  return { threshold: checkInterval('threshold', options.threshold ?? 0.5, 0, Number.POSITIVE_INFINITY) };
}

/** Keras' activations. Each has the kernels `name` and `nameGradient`, unless it says others. */
export const activations = {
  linear: (): Activation => ({ config: { name: 'linear' }, derivativeFrom: 'y', scalars: {} }),
  /** 1 / (1 + exp(-z)) */
  sigmoid: () => make('sigmoid'),
  tanh: () => make('tanh'),
  /** max(z, 0) */
  relu: () => make('relu'),
  /** min(max(z, 0), 6) */
  relu6: () => make('relu6'),
  /** z where z > 0, else alpha * z. Default alpha = 0.01, as the lecture and PyTorch (Keras' function: 0.2, its layer: 0.3) */
  leakyRelu: (options: { alpha?: number } = {}) => make('leakyRelu', 'y', checkAlpha(options, 0.01)),
  /** z where z > 0, else alpha * (exp(z) - 1) (Clevert, Unterthiner and Hochreiter 2016). Default alpha = 1 */
  elu: (options: { alpha?: number } = {}) => make('elu', 'z', checkAlpha(options, 1)),
  /** z where z > 0, else alpha * (exp(z / alpha) - 1), with a derivative without a step (Barron 2017). Default alpha = 1 */
  celu: (options: { alpha?: number } = {}) => make('celu', 'z', checkAlpha(options, 1, 'low')),
  /** elu scaled so that activations keep mean 0 and variance 1 (Klambauer et al. 2017); wants leCunNormal kernels. */
  selu: () => make('selu', 'z'),
  /** log(1 + exp(z)) */
  softplus: () => make('softplus'),
  /** z / (1 + |z|) */
  softsign: () => make('softsign', 'z'),
  /** exp(z) */
  exponential: (): Activation => ({ ...make('exponential'), kernel: 'exp', gradient: 'multiply' }),
  /** log(1 / (1 + exp(-z))) */
  logSigmoid: () => make('logSigmoid'),
  /** relu6(z + 3) / 6, the sigmoid by three straight lines (in TensorFlow.js and Keras 2 that of slope 0.2) */
  hardSigmoid: () => make('hardSigmoid'),
  /**
   * z * Phi(z), Phi the normal distribution's cumulative function (Hendrycks and Gimpel 2016); `approximate` (default
   * false): by their formula with tanh.
   */
  gelu: (options: { approximate?: boolean } = {}): Activation => {
    checkOptions('options', options, ['approximate']);
    return make('gelu', 'z', { approximate: checkBoolean('approximate', options.approximate ?? false) });
  },
  /** z * sigmoid(z), also called swish */
  silu: () => make('silu', 'z'),
  /** z * hardSigmoid(z), also called hardSwish (Howard et al. 2019) */
  hardSilu: () => make('hardSilu', 'z'),
  /** z * tanh(softplus(z)) (Misra 2019) */
  mish: () => make('mish', 'z'),
  /** z - tanh(z) */
  tanhShrink: () => make('tanhShrink', 'z'),
  /** z where |z| > threshold, else 0. Default threshold = 0.5 */
  hardShrink: (options: { threshold?: number } = {}) => make('hardShrink', 'z', checkThreshold(options)),
  /** z moved towards 0 by the threshold, 0 where |z| <= threshold. Default threshold = 0.5 */
  softShrink: (options: { threshold?: number } = {}) => make('softShrink', 'z', checkThreshold(options)),
  /** min(max(z, -1), 1) */
  hardTanh: () => make('hardTanh'),
  /** (z + sqrt(z^2 + b)) / 2, softplus without exp (Barron 2021). Default b = 4 */
  squareplus: (options: { b?: number } = {}) => {
    checkOptions('options', options, ['b']);
    return make('squareplus', 'z', { b: checkInterval('b', options.b ?? 4, 0, Number.POSITIVE_INFINITY, 'low') });
  },
  /** (z + 1)^2 / 4 where -1 < z < 1, 0 below, z above */
  sparsePlus: () => make('sparsePlus', 'z'),
  /** (z + 1) / 2 where -1 < z < 1, 0 below, 1 above: the derivative of sparsePlus */
  sparseSigmoid: () => make('sparseSigmoid'),
  /** exp(z) / sum(exp(z)) over the last axis */
  softmax: () => make('softmax'),
  /** z - log(sum(exp(z))) over the last axis */
  logSoftmax: () => make('logSoftmax'),
  /** 1 where z >= 0, else 0. For prediction only: its derivative is 0 wherever there is one. */
  heaviside: (): Activation => ({ ...make('heaviside', 'z'), gradient: undefined }),
};
const WITH_OPTIONS = ['leakyRelu', 'elu', 'celu', 'gelu', 'hardShrink', 'softShrink', 'squareplus'];
markMakers(
  'activations',
  activations,
  (Object.keys(activations) as ActivationName[]).filter((name) => !WITH_OPTIONS.includes(name)),
);

/** Those of `custom.activation`, by name. */
const registered = new Map<string, Activation>();

export function register(name: string, graph: (z: Value) => Value): Activation {
  const own = made({ config: { name }, derivativeFrom: 'y' as const, scalars: {}, graph });
  registered.set(name, own);
  return own;
}

/** An activation by name, or the one given. */
export function getActivation(option: string, given: unknown): Activation {
  const input = called(given, activations);
  if (typeof input === 'object' && input !== null && 'derivativeFrom' in input && isConfig(property(input, 'config')))
    return input as Activation;
  if (typeof input === 'object' && input !== null && 'name' in input)
    return activationFrom(input as Activation['config']);
  if (typeof input !== 'string')
    throw wrongType(option, 'the name of an activation, one of activations.* or what custom.activation makes', input);
  const own = registered.get(input);
  if (own) return own;
  const name = ALIASES[input as keyof typeof ALIASES] ?? input;
  return activations[checkOneOf(option, name, Object.keys(activations) as ActivationName[])]();
}

/** The activation that `config` describes. */
function activationFrom({ name, ...options }: Activation['config']): Activation {
  const own = registered.get(name);
  if (own) return own;
  const factory = activations[checkOneOf('activation', name, Object.keys(activations) as ActivationName[])];
  return (factory as (options: object) => Activation)(options);
}
