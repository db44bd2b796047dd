import { checkBoolean, checkInteger, checkInterval, checkOneOf, checkVerbose, optionsOver } from '../check.js';
import { checkRandomState, type RandomState } from '../random.js';

/** scikit-learn's parameters and defaults, in camelCase; below them ours, whose defaults change nothing. */
export interface BernoulliRBMOptions {
  /** Hidden units. Default 256 */
  nComponents?: number;
  /** > 0. Default 0.1 */
  learningRate?: number;
  /** Samples of a batch, and rows of the chain; the last batch of an epoch may be shorter. Default 10 */
  batchSize?: number;
  /** Passes over the data. Default 10 */
  nIter?: number;
  /** Whether the mean pseudo-likelihood is printed after each pass. Default false */
  verbose?: boolean | number;
  /**
   * A seed, the same draws in every call of fit; or a RandomState to go on drawing from. Fits that share a RandomState take turns in
   * the order of their calls; what else draws from it during a pass gets numbers that the pass draws, too. Default: an unpredictable
   * seed
   */
  randomState?: number | RandomState;
  /** Steps of Gibbs of the negative phase (CD-k, PCD-k). Default 1 */
  k?: number;
  /** Whether the chain goes on from batch to batch (Tieleman 2008) or begins at each batch's data (Hinton 2002). Default true */
  persistent?: boolean;
  /** Visible units: 0 or 1, or real numbers of variance 1, for data that are standardized. Default 'bernoulli' */
  visible?: 'bernoulli' | 'gaussian';
  /** >= 0: the components lose this share of themselves, times the learning rate, in each step. Default 0 */
  weightDecay?: number;
  /** In [0, 1): the share of the last step that the next one repeats. Default 0 */
  momentum?: number;
  /** Whether the mean pseudo-likelihood after each pass is kept, in `pseudoLikelihoodCurve`. Default false */
  trackPseudoLikelihood?: boolean;
}

export type RBMParameters = Required<Omit<BernoulliRBMOptions, 'randomState'>> &
  Pick<BernoulliRBMOptions, 'randomState'>;

const DEFAULTS: RBMParameters = {
  nComponents: 256,
  learningRate: 0.1,
  batchSize: 10,
  nIter: 10,
  verbose: false,
  randomState: undefined,
  k: 1,
  persistent: true,
  visible: 'bernoulli',
  weightDecay: 0,
  momentum: 0,
  trackPseudoLikelihood: false,
};

/** `options` over `base`, each of them checked. An option that is undefined has its default. */
export function checkRBM(options: BernoulliRBMOptions, base: object = {}): RBMParameters {
  const p = optionsOver(options, DEFAULTS, base);
  checkInteger('nComponents', p.nComponents, 1);
  checkInterval('learningRate', p.learningRate, 0, Number.POSITIVE_INFINITY, 'low');
  checkInteger('batchSize', p.batchSize, 1);
  checkInteger('nIter', p.nIter, 0);
  checkVerbose(p.verbose);
  if (p.randomState !== undefined) checkRandomState(p.randomState);
  checkInteger('k', p.k, 1);
  checkBoolean('persistent', p.persistent);
  checkOneOf('visible', p.visible, ['bernoulli', 'gaussian']);
  checkInterval('weightDecay', p.weightDecay, 0, Number.POSITIVE_INFINITY);
  checkInterval('momentum', p.momentum, 0, 1, 'high');
  checkBoolean('trackPseudoLikelihood', p.trackPseudoLikelihood);
  return p;
}
