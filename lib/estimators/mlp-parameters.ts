import { type ArrayInput, asArray } from '../array.js';
import {
  checkBoolean,
  checkInteger,
  checkInterval,
  checkOneOf,
  checkVerbose,
  optionsOver,
  wrongType,
  wrongValue,
} from '../check.js';
import { isForeignArray } from '../foreign-arrays.js';
import { isNDArray, isTypedArray } from '../kind.js';
import { checkRandomState, type RandomState } from '../random.js';

/** What scikit-learn's multi-layer perceptrons take: its parameters and defaults, in camelCase. */
export interface MLPOptions {
  /** Neurons of each hidden layer, or of the only one. Default [100] */
  hiddenLayerSizes?: number | ArrayInput;
  /** Of the hidden layers. Default 'relu' */
  activation?: 'identity' | 'logistic' | 'tanh' | 'relu';
  /** 'sgd' and 'adam' go through batches, 'lbfgs' takes all samples at once. Default 'adam' */
  solver?: 'lbfgs' | 'sgd' | 'adam';
  /** L2 regularization, >= 0: alpha / 2 * ||W||^2 / samples of the batch is added to the loss. Default 1e-4 */
  alpha?: number;
  /** Samples of a batch; the last one of an epoch may be smaller. Default 'auto': min(200, samples) */
  batchSize?: number | 'auto';
  /**
   * How the learning rate of 'sgd' changes: not at all; 'invscaling' by learningRateInit / (t + 1)^powerT after each
   * epoch, t counting samples; 'adaptive' divided by 5 whenever training would stop, down to 1e-6. Default 'constant'
   */
  learningRate?: 'constant' | 'invscaling' | 'adaptive';
  /** > 0, of 'sgd' and 'adam'. Default 0.001 */
  learningRateInit?: number;
  /** Exponent >= 0 of 'invscaling'. Default 0.5 */
  powerT?: number;
  /** Epochs at most; with 'lbfgs' iterations. Default 200 */
  maxIter?: number;
  /** Whether samples are drawn anew for each epoch. Default true */
  shuffle?: boolean;
  /**
   * A seed, the same draws in every call of fit; or a RandomState to go on drawing from. Fits that share a RandomState
   * take turns in the order of their calls, so that the draws are those of a plain loop. Default: an unpredictable seed
   */
  randomState?: number | RandomState;
  /** >= 0: an epoch counts as an improvement if loss or score is better by this much; for 'lbfgs' the largest component of the gradient that is left. Default 1e-4 */
  tol?: number;
  /** Whether progress is printed. Default false */
  verbose?: boolean | number;
  /**
   * Whether fit goes on from the weights of the last fit, or from coefs and intercepts that were set. With earlyStopping
   * too, the best validation score of all fits is kept, and its weights: scikit-learn trains the weights it kept further,
   * in place, and so ends with the last ones where no score was better than the last fit's. Default false
   */
  warmStart?: boolean;
  /** In [0, 1], of 'sgd'. Default 0.9 */
  momentum?: number;
  /** Nesterov's momentum, of 'sgd'. Default true */
  nesterovsMomentum?: boolean;
  /** Whether a share of the samples is set aside, whose score then decides when to stop; the best weights are kept. Default false */
  earlyStopping?: boolean;
  /** The share in [0, 1) set aside for earlyStopping. Default 0.1 */
  validationFraction?: number;
  /** In [0, 1), decay of Adam's mean of gradients. Default 0.9 */
  beta1?: number;
  /** In [0, 1), decay of Adam's mean of squared gradients. Default 0.999 */
  beta2?: number;
  /** > 0, of 'adam'. Default 1e-8 */
  epsilon?: number;
  /** Training stops after more epochs than this without improvement; Infinity: never. Default 10 */
  nIterNoChange?: number;
  /** Evaluations of the loss at most, of 'lbfgs'. Default 15000 */
  maxFun?: number;
}

export interface MLPRegressorOptions extends MLPOptions {
  /** 'poisson' for counts y >= 0: half the Poisson deviance, with exp as output activation. Default 'squaredError' */
  loss?: 'squaredError' | 'poisson';
}

/** All parameters, with values. */
export type Parameters<O extends MLPOptions = MLPRegressorOptions> = Required<Omit<O, 'randomState'>> &
  Pick<O, 'randomState'>;

const DEFAULTS: Parameters<MLPOptions> = {
  hiddenLayerSizes: [100],
  activation: 'relu',
  solver: 'adam',
  alpha: 1e-4,
  batchSize: 'auto',
  learningRate: 'constant',
  learningRateInit: 1e-3,
  powerT: 0.5,
  maxIter: 200,
  shuffle: true,
  randomState: undefined,
  tol: 1e-4,
  verbose: false,
  warmStart: false,
  momentum: 0.9,
  nesterovsMomentum: true,
  earlyStopping: false,
  validationFraction: 0.1,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  nIterNoChange: 10,
  maxFun: 15000,
};

/** `options` over `base`, each of them checked. An option that is undefined has its default. */
export function checkParameters<O extends MLPOptions>(
  options: O,
  extra: Partial<MLPRegressorOptions>,
  base: object = {},
): Parameters<O> {
  const p = optionsOver(options, { ...extra, ...DEFAULTS }, base) as unknown as Parameters;

  const infinity = Number.POSITIVE_INFINITY;
  layerSizes(p.hiddenLayerSizes);
  checkOneOf('activation', p.activation, ['identity', 'logistic', 'tanh', 'relu']);
  checkOneOf('solver', p.solver, ['lbfgs', 'sgd', 'adam']);
  checkInterval('alpha', p.alpha, 0, infinity);
  if (p.batchSize !== 'auto') {
    const expected = "a positive integer or 'auto'";
    if (typeof p.batchSize !== 'number') throw wrongType('batchSize', expected, p.batchSize);
    if (!Number.isSafeInteger(p.batchSize) || p.batchSize < 1) throw wrongValue('batchSize', expected, p.batchSize);
  }
  checkOneOf('learningRate', p.learningRate, ['constant', 'invscaling', 'adaptive']);
  checkInterval('learningRateInit', p.learningRateInit, 0, infinity, 'low');
  checkInterval('powerT', p.powerT, 0, infinity);
  checkInteger('maxIter', p.maxIter, 1);
  checkBoolean('shuffle', p.shuffle);
  if (p.randomState !== undefined) checkRandomState(p.randomState);
  checkInterval('tol', p.tol, 0, infinity);
  checkVerbose(p.verbose);
  checkBoolean('warmStart', p.warmStart);
  checkInterval('momentum', p.momentum, 0, 1);
  checkBoolean('nesterovsMomentum', p.nesterovsMomentum);
  checkBoolean('earlyStopping', p.earlyStopping);
  checkInterval('validationFraction', p.validationFraction, 0, 1, p.earlyStopping ? 'both' : 'high');
  checkInterval('beta1', p.beta1, 0, 1, 'high');
  checkInterval('beta2', p.beta2, 0, 1, 'high');
  checkInterval('epsilon', p.epsilon, 0, infinity, 'low');
  if (p.nIterNoChange !== infinity) checkInteger('nIterNoChange', p.nIterNoChange, 1);
  checkInteger('maxFun', p.maxFun, 1);
  if ('loss' in extra) checkOneOf('loss', p.loss, ['squaredError', 'poisson']);
  return p as unknown as Parameters<O>;
}

/** Layers of units as a list. */
export function layerSizes(sizes: number | ArrayInput, name = 'hiddenLayerSizes'): number[] {
  if (typeof sizes === 'number') return [checkInteger(name, sizes, 1)];
  const expected = 'a positive integer or an array of them';
  const list = isNDArray(sizes) || isTypedArray(sizes) || isForeignArray(sizes) ? asArray(name, sizes).data : sizes;
  if (!Array.isArray(list) && !isTypedArray(list)) throw wrongType(name, expected, sizes);
  return Array.from(list as ArrayLike<unknown>, (n, i) => checkInteger(`${name}[${i}]`, n, 1));
}
