// Optimizers of TensorFlow.js 4.22 (tfjs-core/src/optimizers) and ours: their options, and what they remember of each weight.
import { wrongType, wrongValue } from '../../check.js';
import type { JsonObject } from '../../io/model-file.js';
import { isPlain } from '../../kind.js';
import type { KerasObject } from '../keras/config-parts.js';

/** A number for each of a weight: theirs is ours times `scale`, plus `plus`. */
interface Memory {
  /** Absent: of what there is not here, and counts for nothing. */
  readonly own?: string;
  /** Behind the weight's name. */
  readonly theirs: string;
  readonly scale: number;
  readonly plus: number;
}

export interface TfjsOptimizer {
  readonly className: string;
  readonly config: JsonObject;
  /** One of all trained weights behind the other. */
  readonly memory: readonly Memory[];
  /** TensorFlow.js throws where it is to save or load it. */
  readonly isNotSaved?: true;
  /** The steps are another's in their last digits, for this reason. */
  readonly isClose?: string;
}

const memory = (own: string | undefined, theirs: string, scale = 1, plus = 0): Memory => ({
  ...(own && { own }),
  theirs,
  scale,
  plus,
});

/** What all optimizers have here, and none there, and what is another rule there where it is set. */
const LACKING = [
  ...['weightDecay', 'clipNorm', 'globalClipNorm', 'clipValue', 'useEma', 'gradientAccumulationSteps'],
  ...['amsgrad', 'centered'],
];
/** That of its backend, which its Adagrad takes in any case. */
const EPSILON = 1e-7;

/** Training that TensorFlow.js has not. */
export class Lacking extends Error {}
export const lacks = (what: string): Lacking => new Lacking(`TensorFlow.js has no ${what}`);

/** What an optimizer of ours, by its config, is there. @throws Lacking */
export function tfjsOptimizer({ name, learningRate, ...config }: JsonObject): TfjsOptimizer {
  if (typeof learningRate !== 'number') throw lacks('learning rates that change');
  const lacking = LACKING.find((option) => config[option]);
  // its centered RMSprop takes epsilon away where ours adds it
  if (lacking) throw lacks(`${lacking} as of this ${name}`);
  const { momentum, epsilon, rho, beta1, beta2, initialAccumulatorValue } = config as Record<string, number>;
  switch (name) {
    case 'sgd':
      if (momentum === 0) return { className: 'SGD', config: { learningRate }, memory: [] };
      // ours has the learning rate in its velocity
      if (learningRate === 0) throw lacks('momentum of a learning rate of 0');
      return {
        className: 'Momentum',
        config: { learningRate, momentum, useNesterov: config.nesterov },
        memory: [memory('v', 'momentum', -1 / learningRate)],
      };
    case 'adam':
      return {
        className: 'Adam',
        config: { learningRate, beta1, beta2, epsilon },
        memory: [memory('m', 'm'), memory('v', 'v')],
        ...(config.epsilonHat !== false && {
          isClose: 'adds it to a mean whose bias is corrected (epsilonHat: false)',
        }),
      };
    case 'adamax':
      return {
        className: 'Adamax',
        config: { learningRate, beta1, beta2, epsilon, decay: 0 },
        memory: [memory('m', 'm'), memory('u', 'v')],
        isNotSaved: true,
      };
    case 'rmsprop':
      return {
        className: 'RMSProp',
        config: { learningRate, decay: rho, momentum, epsilon, centered: false },
        memory: [memory('v', 'rms'), memory(momentum ? 'm' : undefined, 'momentum')],
      };
    case 'adagrad':
      if (epsilon !== EPSILON) throw lacks(`adagrad of another epsilon than ${EPSILON}`);
      return {
        className: 'Adagrad',
        config: { learningRate, initialAccumulatorValue },
        memory: [memory('v', 'accumulator', 1, initialAccumulatorValue)],
      };
    case 'adadelta':
      // it divides by the mean of squares before this gradient
      throw lacks('adadelta that computes what ours does');
    default:
      throw lacks(`${name}`);
  }
}

/** An optimizer there as Keras' config of ours. @throws TypeError or RangeError for what there is not here */
export function kerasOptimizerOf(given: unknown): KerasObject {
  if (!isPlain(given) || typeof given.class_name !== 'string' || !isPlain(given.config))
    throw wrongType('the optimizer', 'an object with class_name and config', given);
  const { class_name: name, config } = given;
  const { learningRate: learning_rate, decay } = config;
  if (typeof learning_rate !== 'number')
    throw wrongType('the learningRate of the optimizer', 'a number', learning_rate);
  const { beta1: beta_1, beta2: beta_2, momentum, useNesterov, epsilon, centered } = config;
  switch (name) {
    case 'SGD':
      return { class_name: 'SGD', config: { learning_rate } };
    case 'Momentum':
      return { class_name: 'SGD', config: { learning_rate, momentum, nesterov: useNesterov ?? false } };
    case 'Adam':
      return { class_name: 'Adam', config: { learning_rate, beta_1, beta_2, epsilon, epsilon_hat: false } };
    case 'Adamax':
      if (decay) throw wrongValue('the decay of the optimizer', '0', decay);
      return { class_name: 'Adamax', config: { learning_rate, beta_1, beta_2, epsilon } };
    case 'RMSProp':
      return { class_name: 'RMSprop', config: { learning_rate, rho: decay, momentum, epsilon, centered } };
    case 'Adagrad':
      return {
        class_name: 'Adagrad',
        config: { learning_rate, initial_accumulator_value: config.initialAccumulatorValue },
      };
    default:
      throw wrongValue('the optimizer', 'one that computes here what it does there', name);
  }
}
