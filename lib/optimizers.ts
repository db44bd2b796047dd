import { called, checkBoolean, checkInterval, checkObject, checkOneOf, wrongType } from './check.js';
import { markMakers } from './made.js';
import {
  type AdamaxOptions,
  type AdamOptions,
  adam,
  adamax,
  type LionOptions,
  lion,
  type NadamOptions,
  nadam,
} from './optimizers/adam.js';
import { fraction, make, type Optimizer, type OptimizerOptions, positive } from './optimizers/optimizer.js';

export type { Optimizer, OptimizerOptions };
export type OptimizerName = keyof typeof optimizers;
export type OptimizerInput = OptimizerName | Optimizer | (() => Optimizer);

export interface SgdOptions extends OptimizerOptions {
  /** In [0, 1). Default 0 */
  momentum?: number;
  /** Nesterov's momentum. Default false */
  nesterov?: boolean;
}

export interface RmspropOptions extends OptimizerOptions {
  /** Decay of the mean of squared gradients, in [0, 1). Default 0.9 */
  rho?: number;
  /** In [0, 1). Default 0 */
  momentum?: number;
  /** Default 1e-7 */
  epsilon?: number;
  /** Divide by the standard deviation of the gradients, not by their root mean square. Default false */
  centered?: boolean;
}

export interface AdagradOptions extends OptimizerOptions {
  /** What the sum of squares starts at, >= 0. Default 0.1 */
  initialAccumulatorValue?: number;
  /** Default 1e-7 */
  epsilon?: number;
}

export interface AdadeltaOptions extends OptimizerOptions {
  /** Decay of both means, in [0, 1). Default 0.95 */
  rho?: number;
  /** Default 1e-7 */
  epsilon?: number;
}

/** Keras' optimizers, with Keras' defaults and formulas. */
export const optimizers = {
  /** w -= learningRate * dw, or with momentum (Polyak 1964; Nesterov 1983). Default learningRate 0.01 */
  sgd: (options: SgdOptions = {}): Optimizer => {
    checkObject('options', options);
    const momentum = fraction('momentum', options.momentum ?? 0);
    const nesterov = checkBoolean('nesterov', options.nesterov ?? false);
    return make('sgd', options, { momentum, nesterov }, ({ rate, decay, weightDecay }) => {
      const eta = rate();
      if (momentum === 0) return (t, { w, dw, N }) => t.emit('sgd', [dw, w], { N }, { eta, lmbd: weightDecay });
      const scalars = { rate: eta, momentum, nesterov: Number(nesterov), lmbd: 0, decay };
      return (t, { w, dw, N, state }) => t.emit('momentum', [dw, state('v'), w], { N }, scalars);
    });
  },
  /** Adam (Kingma and Ba 2015, with the "epsilon hat" of its section 2). Default learningRate 0.001 */
  adam: (options: AdamOptions = {}): Optimizer => adam('adam', options),
  /** Adam with decoupled weight decay (Loshchilov and Hutter 2019). Defaults: learningRate 0.001, weightDecay 0.004 */
  adamW: (options: AdamOptions = {}): Optimizer => adam('adamW', options, 0.004),
  /** Adam with Nesterov's momentum (Dozat 2016). Default learningRate 0.001 */
  nadam: (options: NadamOptions = {}): Optimizer => nadam(options),
  /**
   * Adam in the infinity norm (Kingma and Ba 2015, section 7): m as Adam's, u = max(beta2 * u, |dw|), w -= learningRate /
   * (1 - beta1^t) * m / (u + epsilon). Default learningRate 0.001
   */
  adamax: (options: AdamaxOptions = {}): Optimizer => adamax(options),
  /**
   * Steps of one size, against the sign of a momentum (Chen et al. 2023): w -= learningRate * sign(beta1 * m + (1 - beta1) *
   * dw), then m = beta2 * m + (1 - beta2) * dw. Default learningRate 0.001; the paper's are a tenth of Adam's
   */
  lion: (options: LionOptions = {}): Optimizer => lion(options),
  /** RMSprop (Hinton 2012); epsilon is added under the root. Default learningRate 0.001 */
  rmsprop: (options: RmspropOptions = {}): Optimizer => {
    checkObject('options', options);
    const rho = fraction('rho', options.rho ?? 0.9);
    const momentum = fraction('momentum', options.momentum ?? 0);
    const epsilon = positive('epsilon', options.epsilon ?? 1e-7);
    const centered = checkBoolean('centered', options.centered ?? false);
    const own = { rho, momentum, epsilon, centered };
    return make('rmsprop', options, own, ({ rate, decay }) => {
      const scalars = { ...own, rate: rate(), centered: Number(centered), decay };
      return (t, { w, dw, N, state }) => {
        const [v, mean, velocity] = [state('v'), centered ? state('g') : undefined, momentum ? state('m') : undefined];
        t.emit('rmsprop', [dw, v, mean, velocity, w], { N }, scalars);
      };
    });
  },
  /** Adagrad (Duchi, Hazan and Singer 2011); epsilon is added under the root. Default learningRate 0.001 */
  adagrad: (options: AdagradOptions = {}): Optimizer => {
    checkObject('options', options);
    const start = options.initialAccumulatorValue ?? 0.1;
    const initialAccumulatorValue = checkInterval('initialAccumulatorValue', start, 0, Number.POSITIVE_INFINITY);
    const epsilon = positive('epsilon', options.epsilon ?? 1e-7);
    return make('adagrad', options, { initialAccumulatorValue, epsilon }, ({ rate, decay }) => {
      // memory starts at zero, so that the initial value joins epsilon under the root
      const scalars = { rate: rate(), epsilon: initialAccumulatorValue + epsilon, decay };
      return (t, { w, dw, N, state }) => t.emit('adagrad', [dw, state('v'), w], { N }, scalars);
    });
  },
  /** Adadelta (Zeiler 2012). Default learningRate 0.001; the paper's is 1 */
  adadelta: (options: AdadeltaOptions = {}): Optimizer => {
    checkObject('options', options);
    const rho = fraction('rho', options.rho ?? 0.95);
    const epsilon = positive('epsilon', options.epsilon ?? 1e-7);
    return make('adadelta', options, { rho, epsilon }, ({ rate, decay }) => {
      const scalars = { rate: rate(), rho, epsilon, decay };
      return (t, { w, dw, N, state }) => t.emit('adadelta', [dw, state('v'), state('u'), w], { N }, scalars);
    });
  },
};
markMakers('optimizers', optimizers);

/** An optimizer by name, or the one given. */
export function getOptimizer(option: string, given: unknown): Optimizer {
  const input = called(given, optimizers);
  if (typeof (input as Optimizer | null)?.record === 'function') return input as Optimizer;
  if (typeof input !== 'string') throw wrongType(option, 'the name of an optimizer or one of optimizers.*', input);
  return optimizers[checkOneOf(option, input, Object.keys(optimizers) as OptimizerName[])]();
}

/** The optimizer that `config` describes. */
export function optimizerFrom({ name, ...options }: Optimizer['config']): Optimizer {
  const factory = optimizers[checkOneOf('optimizer', name, Object.keys(optimizers) as OptimizerName[])];
  return (factory as (options: object) => Optimizer)(options);
}
