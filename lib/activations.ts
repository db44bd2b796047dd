import { checkOneOf, checkOptions, wrongType } from './check.js';
import type { Buffer, Tape } from './tape.js';

/**
 * An activation: its kernel, and the kernel `dz = dy * f'(z)` of its derivative, which is written from the value y = f(z)
 * or, where that does not determine it, from z.
 */
export interface Activation {
  readonly config: { readonly name: ActivationName; readonly [option: string]: unknown };
  readonly kernel?: string;
  readonly gradient?: string;
  readonly derivativeFrom: 'y' | 'z';
  readonly scalars: Readonly<Record<string, number>>;
}

export type ActivationName = keyof typeof activations;
/** A name, one of `activations.*`, or an activation's `config`. */
export type ActivationInput = ActivationName | Activation | Activation['config'];

const make = (
  name: ActivationName,
  derivativeFrom: 'y' | 'z' = 'y',
  scalars: Record<string, number> = {},
): Activation => ({
  config: { name, ...scalars },
  kernel: name,
  gradient: `${name}Gradient`,
  derivativeFrom,
  scalars,
});

/** Keras' activations. Each has the kernels `name` and `nameGradient`. */
export const activations = {
  linear: (): Activation => ({ config: { name: 'linear' }, derivativeFrom: 'y', scalars: {} }),
  /** 1 / (1 + exp(-z)) */
  sigmoid: () => make('sigmoid'),
  tanh: () => make('tanh'),
  /** max(z, 0) */
  relu: () => make('relu'),
  /** exp(z) / sum(exp(z)) over the last axis */
  softmax: () => make('softmax'),
};

/** An activation by name, or the one given. */
export function getActivation(option: string, input: unknown): Activation {
  if (typeof input === 'object' && input !== null && 'config' in input) return input as Activation;
  if (typeof input === 'object' && input !== null && 'name' in input)
    return activationFrom(input as Activation['config']);
  if (typeof input !== 'string') throw wrongType(option, 'the name of an activation or one of activations.*', input);
  return activations[checkOneOf(option, input, Object.keys(activations) as ActivationName[])]();
}

/** The activation that `config` describes. */
function activationFrom({ name, ...options }: Activation['config']): Activation {
  const factory = activations[checkOneOf('activation', name, Object.keys(activations) as ActivationName[])];
  checkOptions('activation', options, ['alpha']);
  return (factory as (options: object) => Activation)(options);
}

/** Where y = f(z) goes: in place of z if the derivative can be written from y. */
export function activationOutput(t: Tape, activation: Activation, z: Buffer): Buffer {
  if (activation.derivativeFrom === 'y') return z;
  return t.batched(`${z.name}/${activation.config.name}`, z.shape);
}

/** Emits y = f(z). */
export function emitActivation(t: Tape, activation: Activation, z: Buffer, y: Buffer): void {
  if (activation.kernel) t.emit(activation.kernel, [z, y], rowsOf(activation, z), activation.scalars);
}

/** Emits dz = dy * f'(z), in place. */
export function emitActivationGradient(t: Tape, activation: Activation, z: Buffer, y: Buffer, dy: Buffer): void {
  if (!activation.gradient) return;
  const from = activation.derivativeFrom === 'y' ? y : z;
  t.emit(activation.gradient, [from, dy, dy], rowsOf(activation, z), activation.scalars);
}

/** Softmax works along the last axis: a sample of shape [..., n] is size / n rows. */
function rowsOf(_activation: Activation, z: Buffer): Record<string, number> {
  return { N: z.size };
}
