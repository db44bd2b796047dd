import {
  called,
  checkBoolean,
  checkInterval,
  checkObject,
  checkOneOf,
  checkOptions,
  wrongType,
  wrongValue,
} from './check.js';
import type { Parameter, Recorder } from './graph/recorder.js';
import { markMakers } from './made.js';
import { checkLearningRate, learningRateAt, learningRateConfig, type Schedule } from './schedules.js';
import type { Buffer, Scalar } from './tape.js';

/** A rule that moves the weights against their gradients. One optimizer may serve several networks. */
export interface Optimizer {
  /** Serializable; makes the same optimizer again (see `optimizerFrom`). */
  readonly config: { readonly name: OptimizerName; readonly [option: string]: unknown };
  /** May be set between epochs. */
  learningRate: number | Schedule;
  /** Declares the optimizer's memory, and emits the update of every parameter that has a gradient. */
  record(t: Recorder, parameters: readonly Parameter[]): void;
}

export type OptimizerName = keyof typeof optimizers;
export type OptimizerInput = OptimizerName | Optimizer | (() => Optimizer);

export interface OptimizerOptions {
  /** A number >= 0, or one of schedules.*, which is given the number of steps done. */
  learningRate?: number | Schedule;
  /** Decoupled weight decay, as Keras: every weight loses learningRate * weightDecay of itself before the update. */
  weightDecay?: number;
  /** The gradient of each weight array is scaled down to this L2 norm where it is larger. */
  clipNorm?: number;
  /** All gradients together are scaled down to this L2 norm where it is larger. */
  globalClipNorm?: number;
  /** Every element of a gradient is clipped to [-clipValue, clipValue]. At most one of the three may be given. */
  clipValue?: number;
}

const COMMON = ['learningRate', 'weightDecay', 'clipNorm', 'globalClipNorm', 'clipValue'];
const CLIPS = ['clipNorm', 'globalClipNorm', 'clipValue'] as const;

/** What the update of one parameter is written with. */
interface Trained {
  w: Buffer;
  dw: Buffer;
  N: number;
  /** A buffer of the optimizer, of the parameter's shape. */
  state(name: string): Buffer;
}

/** The scalars that updates share. */
interface Rates {
  /** learningRate * factor(t) in the steps t = 1, 2, … */
  rate(factor?: (t: number) => number): Scalar;
  /** value(t) in the steps t = 1, 2, … */
  step(value: (t: number) => number): Scalar;
  /** learningRate * weightDecay */
  readonly decay: Scalar | number;
  readonly weightDecay: number;
}

/** Declares the scalars of all updates, and returns what emits one. */
type Rule = (rates: Rates) => (t: Recorder, parameter: Trained) => void;

function make(name: OptimizerName, options: OptimizerOptions, own: Record<string, unknown>, rule: Rule): Optimizer {
  checkOptions('options', options, [...COMMON, ...Object.keys(own)]);
  let learningRate = checkLearningRate('learningRate', options.learningRate);
  const weightDecay = checkInterval('weightDecay', options.weightDecay ?? 0, 0, Number.POSITIVE_INFINITY);
  const clips = CLIPS.filter((clip) => options[clip] !== undefined);
  if (clips.length > 1) throw new RangeError(`Expected at most one of ${CLIPS.join(', ')}, got ${clips.join(' and ')}`);
  const clip = clips[0];
  const limit = clip && checkInterval(clip, options[clip], 0, Number.POSITIVE_INFINITY, 'low');
  return {
    get config() {
      const config = { name, learningRate: learningRateConfig(learningRate), ...own };
      return { ...config, ...(weightDecay && { weightDecay }), ...(clip && { [clip]: limit }) };
    },
    get learningRate() {
      return learningRate;
    },
    set learningRate(value) {
      learningRate = checkLearningRate('learningRate', value);
    },
    record(t, parameters) {
      const trained = parameters.flatMap((p) =>
        p.gradient
          ? {
              w: p.value,
              dw: p.gradient,
              N: p.value.size,
              state: (s: string) => t.state(`${p.layer}/${p.name}/${s}`, p.value.shape),
            }
          : [],
      );
      if (clip && limit) emitClip(t, clip, limit, trained);
      const rate: Rates['rate'] = (factor = () => 1) =>
        t.perStep((iteration) => checkedRate(learningRate, iteration) * factor(iteration + 1));
      const step: Rates['step'] = (value) => t.perStep((iteration) => value(iteration + 1));
      const emit = rule({ rate, step, weightDecay, decay: weightDecay && rate(() => weightDecay) });
      for (const parameter of trained) emit(t, parameter);
    },
  };
}

/** The rate of a step. A schedule of one's own may come to anything. */
function checkedRate(learningRate: number | Schedule, iteration: number): number {
  const rate = learningRateAt(learningRate, iteration);
  if (typeof rate !== 'number' || !(rate >= 0 && rate < Number.POSITIVE_INFINITY))
    throw wrongValue(`the learning rate of step ${iteration}`, 'a non-negative number', rate);
  return rate;
}

function emitClip(t: Recorder, clip: (typeof CLIPS)[number], limit: number, trained: readonly Trained[]): void {
  if (clip === 'clipValue') {
    for (const { dw, N } of trained) t.emit('clipValue', [dw, dw], { N }, { limit });
    return;
  }
  const zero = t.fixed('gradient', 'zero', [1]);
  let before = zero;
  const norms = trained.map(({ dw, N }, i) => {
    const squares = t.fixed('gradient', `squares${i}`, [1]);
    t.emit('sumSquares', [before, dw, squares], { N }); // squares = before + sum(dw^2)
    if (clip === 'globalClipNorm') before = squares;
    return squares;
  });
  trained.forEach(({ dw, N }, i) => {
    t.emit('clipNorm', [clip === 'globalClipNorm' ? before : norms[i], dw, dw], { N }, { limit });
  });
}

const fraction = (name: string, value: number) => checkInterval(name, value, 0, 1, 'high');
const positive = (name: string, value: number) => checkInterval(name, value, 0, Number.POSITIVE_INFINITY, 'low');

export interface SgdOptions extends OptimizerOptions {
  /** In [0, 1). Default 0 */
  momentum?: number;
  /** Nesterov's momentum. Default false */
  nesterov?: boolean;
}

export interface AdamOptions extends OptimizerOptions {
  /** Decay of the mean of gradients, in [0, 1). Default 0.9 */
  beta1?: number;
  /** Decay of the mean of squared gradients, in [0, 1). Default 0.999 */
  beta2?: number;
  /** Default 1e-7 */
  epsilon?: number;
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

const checkAdam = ({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 }: AdamOptions) => ({
  beta1: fraction('beta1', beta1),
  beta2: fraction('beta2', beta2),
  epsilon: positive('epsilon', epsilon),
});

function adam(name: 'adam' | 'adamW', given: AdamOptions, defaults: OptimizerOptions): Optimizer {
  checkObject('options', given);
  const options = { ...defaults, ...given };
  const own = checkAdam(options);
  const { beta1, beta2 } = own;
  return make(name, options, own, ({ rate, decay }) => {
    const alpha = rate((t) => Math.sqrt(1 - beta2 ** t) / (1 - beta1 ** t));
    return (t, { w, dw, N, state }) =>
      t.emit('adam', [dw, state('m'), state('v'), w], { N }, { rate: alpha, ...own, lmbd: 0, decay });
  });
}

/** Keras' optimizers, with Keras' defaults and formulas. */
export const optimizers = {
  /** w -= learningRate * dw, or with momentum (Polyak 1964; Nesterov 1983). Default learningRate 0.01 */
  sgd: (options: SgdOptions = {}): Optimizer => {
    checkObject('options', options);
    const momentum = fraction('momentum', options.momentum ?? 0);
    const nesterov = checkBoolean('nesterov', options.nesterov ?? false);
    return make('sgd', { learningRate: 0.01, ...options }, { momentum, nesterov }, ({ rate, decay, weightDecay }) => {
      const eta = rate();
      if (momentum === 0) return (t, { w, dw, N }) => t.emit('sgd', [dw, w], { N }, { eta, lmbd: weightDecay });
      const scalars = { rate: eta, momentum, nesterov: Number(nesterov), lmbd: 0, decay };
      return (t, { w, dw, N, state }) => t.emit('momentum', [dw, state('v'), w], { N }, scalars);
    });
  },
  /** Adam (Kingma and Ba 2015, with the "epsilon hat" of its section 2). Default learningRate 0.001 */
  adam: (options: AdamOptions = {}): Optimizer => adam('adam', options, { learningRate: 0.001 }),
  /** Adam with decoupled weight decay (Loshchilov and Hutter 2019). Defaults: learningRate 0.001, weightDecay 0.004 */
  adamW: (options: AdamOptions = {}): Optimizer => adam('adamW', options, { learningRate: 0.001, weightDecay: 0.004 }),
  /** Adam with Nesterov's momentum (Dozat 2016). Default learningRate 0.001 */
  nadam: (options: AdamOptions = {}): Optimizer => {
    checkObject('options', options);
    const own = checkAdam(options);
    const { beta1, beta2, epsilon } = own;
    const mu = (t: number) => beta1 * (1 - 0.5 * 0.96 ** t);
    const product = runningProduct(mu);
    return make('nadam', { learningRate: 0.001, ...options }, own, ({ rate, step, decay }) => {
      // m_hat = mu_{t+1} m / (1 - prod_{t+1}) + (1 - mu_t) dw / (1 - prod_t), v_hat = v / (1 - beta2^t)
      const rateM = rate((t) => mu(t + 1) / (1 - product(t + 1)));
      const rateG = rate((t) => (1 - mu(t)) / (1 - product(t)));
      const correction = step((t) => 1 / (1 - beta2 ** t));
      return (t, { w, dw, N, state }) =>
        t.emit(
          'nadam',
          [dw, state('m'), state('v'), w],
          { N },
          { rateM, rateG, correction, beta1, beta2, epsilon, decay },
        );
    });
  },
  /** RMSprop (Hinton 2012); epsilon is added under the root. Default learningRate 0.001 */
  rmsprop: (options: RmspropOptions = {}): Optimizer => {
    checkObject('options', options);
    const rho = fraction('rho', options.rho ?? 0.9);
    const momentum = fraction('momentum', options.momentum ?? 0);
    const epsilon = positive('epsilon', options.epsilon ?? 1e-7);
    const centered = checkBoolean('centered', options.centered ?? false);
    const own = { rho, momentum, epsilon, centered };
    return make('rmsprop', { learningRate: 0.001, ...options }, own, ({ rate, decay }) => {
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
    return make(
      'adagrad',
      { learningRate: 0.001, ...options },
      { initialAccumulatorValue, epsilon },
      ({ rate, decay }) => {
        // memory starts at zero, so that the initial value joins epsilon under the root
        const scalars = { rate: rate(), epsilon: initialAccumulatorValue + epsilon, decay };
        return (t, { w, dw, N, state }) => t.emit('adagrad', [dw, state('v'), w], { N }, scalars);
      },
    );
  },
  /** Adadelta (Zeiler 2012). Default learningRate 0.001; the paper's is 1 */
  adadelta: (options: AdadeltaOptions = {}): Optimizer => {
    checkObject('options', options);
    const rho = fraction('rho', options.rho ?? 0.95);
    const epsilon = positive('epsilon', options.epsilon ?? 1e-7);
    return make('adadelta', { learningRate: 0.001, ...options }, { rho, epsilon }, ({ rate, decay }) => {
      const scalars = { rate: rate(), rho, epsilon, decay };
      return (t, { w, dw, N, state }) => t.emit('adadelta', [dw, state('v'), state('u'), w], { N }, scalars);
    });
  },
};
markMakers('optimizers', optimizers);

/**
 * f(1) * f(2) * … * f(t), remembered for the next t. f grows towards a limit below 1: a product that rounds to itself, at
 * the smallest number there is, is the last one, however many steps a file says were done.
 */
function runningProduct(f: (t: number) => number): (t: number) => number {
  let known = 0;
  let product = 1;
  return (t) => {
    if (t < known) [known, product] = [0, 1];
    while (known < t) {
      const next = product * f(known + 1);
      if (next === product) break;
      product = next;
      known++;
    }
    return product;
  };
}

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
