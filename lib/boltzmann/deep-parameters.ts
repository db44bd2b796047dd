import type { ArrayInput } from '../array.js';
import { checkBoolean, checkInteger, checkInterval, checkVerbose, optionsOver, wrongValue } from '../check.js';
import { layerSizes } from '../estimators/mlp-parameters.js';
import { checkRandomState, type RandomState } from '../random.js';
import { checkLearningRate, type Schedule, schedules } from '../schedules.js';

export interface DeepBoltzmannMachineOptions {
  /** Units of each hidden layer, from the lowest on, or of the only one. Default [256, 256] */
  nComponents?: number | ArrayInput;
  /**
   * > 0: a number, or a schedule of the steps done, which begins anew for each layer that is pretrained and for the whole. Gradients are
   * means over the batch and over the chains. The chains follow weights only while these change slowly: with a rate that stays, of
   * 0.05, digits came out less likely than pixels drawn alone. Default 0.1 / (1 + step / 500), by inverseTimeDecay
   */
  learningRate?: number | Schedule;
  /** Samples of a batch, drawn anew for each pass; the last one may be shorter. Default 20 */
  batchSize?: number;
  /** Passes over the data of the whole machine. Default 50 */
  nIter?: number;
  /** Passes over the data of each layer before that, on its own; 0: none. Default 30 */
  pretrainIter?: number;
  /** Gibbs steps of the persistent chains for each batch. Default 5 */
  k?: number;
  /** Persistent chains. Default 50 */
  nChains?: number;
  /** Mean field goes through the layers so many times: always, with no tolerance. Default 10 */
  meanFieldIter?: number;
  /** >= 0: the components lose this share of themselves, times the learning rate, in each step. Default 2e-4 */
  weightDecay?: number;
  /** In [0, 1): the share of the last step that the next one repeats. Default 0.5 */
  momentum?: number;
  /** Whether fit goes on from where the last one ended, or from weights that were set, without pretraining. Default false */
  warmStart?: boolean;
  /** Whether the error of reconstruction is printed after each pass. Default false */
  verbose?: boolean | number;
  /**
   * A seed, the same draws in every call of fit; or a RandomState to go on drawing from. Fits that share a RandomState take turns in
   * the order of their calls; what else draws from it during a pass gets numbers that the pass draws, too. Warm starts go on drawing
   * where the last fit ended. Default: an unpredictable seed
   */
  randomState?: number | RandomState;
}

export type DeepParameters = Required<Omit<DeepBoltzmannMachineOptions, 'randomState' | 'nComponents'>> &
  Pick<DeepBoltzmannMachineOptions, 'randomState'> & { nComponents: readonly number[] };

const DEFAULTS: DeepParameters = {
  nComponents: [256, 256],
  learningRate: schedules.inverseTimeDecay({ initialLearningRate: 0.1, decaySteps: 500, decayRate: 1 }),
  batchSize: 20,
  nIter: 50,
  pretrainIter: 30,
  k: 5,
  nChains: 50,
  meanFieldIter: 10,
  weightDecay: 2e-4,
  momentum: 0.5,
  warmStart: false,
  verbose: false,
  randomState: undefined,
};

/** `options` over `base`, each of them checked. An option that is undefined has its default. */
export function checkDeep(options: DeepBoltzmannMachineOptions, base: object = {}): DeepParameters {
  const p = optionsOver(options, DEFAULTS, base);
  if (typeof p.learningRate === 'number') checkInterval('learningRate', p.learningRate, 0, Infinity, 'low');
  checkInteger('batchSize', p.batchSize, 1);
  checkInteger('nIter', p.nIter, 0);
  checkInteger('pretrainIter', p.pretrainIter, 0);
  checkInteger('k', p.k, 1);
  checkInteger('nChains', p.nChains, 1);
  checkInteger('meanFieldIter', p.meanFieldIter, 1);
  checkInterval('weightDecay', p.weightDecay, 0, Number.POSITIVE_INFINITY);
  checkInterval('momentum', p.momentum, 0, 1, 'high');
  checkBoolean('warmStart', p.warmStart);
  checkVerbose(p.verbose);
  if (p.randomState !== undefined) checkRandomState(p.randomState);
  const nComponents = layerSizes(p.nComponents, 'nComponents');
  if (nComponents.length === 0) throw wrongValue('nComponents', 'one layer or more', p.nComponents);
  return { ...p, nComponents, learningRate: checkLearningRate('learningRate', p.learningRate) };
}
