import { checkBoolean, checkInterval } from '../check.js';
import { type Constraint, type ConstraintInput, checkConstraint } from '../constraints.js';
import { constant } from '../graph/broadcast.js';
import { batchNormalization, batchNormalizationInference } from '../graph/ops/normalization.js';
import { applyOp, type Value } from '../graph/value.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import { Layer, type LayerOptions, type Mode, nameOf, type Shape, type Weights, wrongInput } from './layer.js';
import type { SameRank } from './ranks.js';

export interface BatchNormalizationOptions extends LayerOptions {
  /** What the moving averages keep of themselves at each step, in [0, 1]. Default 0.99 */
  momentum?: number;
  /** Added to the variance, positive. Default 1e-3 */
  epsilon?: number;
  /** Whether beta is added. Default true */
  center?: boolean;
  /** Whether gamma multiplies. Default true */
  scale?: boolean;
  /** Default 'zeros' */
  betaInitializer?: InitializerInput;
  /** Default 'ones' */
  gammaInitializer?: InitializerInput;
  /** Default 'zeros' */
  movingMeanInitializer?: InitializerInput;
  /** Default 'ones' */
  movingVarianceInitializer?: InitializerInput;
  betaRegularizer?: RegularizerInput;
  gammaRegularizer?: RegularizerInput;
  /** What beta is brought back to after each update. Default: nothing */
  betaConstraint?: ConstraintInput;
  gammaConstraint?: ConstraintInput;
}

const RULES = ['betaRegularizer', 'gammaRegularizer', 'betaConstraint', 'gammaConstraint'];
const INITIALIZERS = {
  gammaInitializer: 'ones',
  betaInitializer: 'zeros',
  movingMeanInitializer: 'zeros',
  movingVarianceInitializer: 'ones',
} as const;

/**
 * gamma * (x - mean) / sqrt(variance + epsilon) + beta for each channel, the last axis (Ioffe and Szegedy, 2015). In training
 * mean and variance are those of the batch (the variance divided by n, as Keras), otherwise their moving averages.
 */
export class BatchNormalization extends Layer<SameRank> {
  override readonly className = 'BatchNormalization';
  override readonly supportsMasking = true;
  readonly momentum: number;
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
  readonly initializers: Readonly<Record<keyof typeof INITIALIZERS, Initializer>>;
  readonly betaRegularizer?: Regularizer;
  readonly gammaRegularizer?: Regularizer;
  readonly betaConstraint?: Constraint;
  readonly gammaConstraint?: Constraint;

  constructor(options: BatchNormalizationOptions = {}) {
    super(options, ['momentum', 'epsilon', 'center', 'scale', ...Object.keys(INITIALIZERS), ...RULES]);
    this.momentum = checkInterval('momentum', options.momentum ?? 0.99, 0, 1);
    this.epsilon = checkInterval('epsilon', options.epsilon ?? 1e-3, 0, Number.POSITIVE_INFINITY, 'low');
    this.center = checkBoolean('center', options.center ?? true);
    this.scale = checkBoolean('scale', options.scale ?? true);
    const initializer = (option: keyof typeof INITIALIZERS) =>
      getInitializer(option, options[option] ?? INITIALIZERS[option]);
    this.initializers = {
      gammaInitializer: initializer('gammaInitializer'),
      betaInitializer: initializer('betaInitializer'),
      movingMeanInitializer: initializer('movingMeanInitializer'),
      movingVarianceInitializer: initializer('movingVarianceInitializer'),
    };
    this.betaRegularizer = checkRegularizer('betaRegularizer', options.betaRegularizer);
    this.gammaRegularizer = checkRegularizer('gammaRegularizer', options.gammaRegularizer);
    this.betaConstraint = checkConstraint('betaConstraint', options.betaConstraint);
    this.gammaConstraint = checkConstraint('gammaConstraint', options.gammaConstraint);
  }

  override build(inputShape: Shape): void {
    if (inputShape.length === 0)
      throw wrongInput(this, 'of at least one dimension, the last of them channels', inputShape);
    const shape = inputShape.slice(-1);
    const { gammaInitializer, betaInitializer, movingMeanInitializer, movingVarianceInitializer } = this.initializers;
    const gammaRules = { regularizer: this.gammaRegularizer, constraint: this.gammaConstraint };
    if (this.scale) this.addWeight('gamma', shape, gammaInitializer, gammaRules);
    const betaRules = { regularizer: this.betaRegularizer, constraint: this.betaConstraint };
    if (this.center) this.addWeight('beta', shape, betaInitializer, betaRules);
    this.addWeight('movingMean', shape, movingMeanInitializer, { trained: false });
    this.addWeight('movingVariance', shape, movingVarianceInitializer, { trained: false });
  }

  call(x: Value, weights: Weights, { training, trainable = true }: Mode): Value {
    const { momentum, epsilon } = this;
    const { movingMean, movingVariance } = weights;
    const { gamma = constant(movingMean.shape, 1), beta = constant(movingMean.shape, 0) } = weights;
    if (x.mask && training && trainable)
      throw new TypeError(
        `Expected ${nameOf(this)} to be given no masked steps, whose numbers it would count: take layerNormalization for sequences of different lengths`,
      );
    const inputs = [x, gamma, beta, movingMean, movingVariance];
    return training && trainable
      ? applyOp(batchNormalization, inputs, { momentum, epsilon })
      : applyOp(batchNormalizationInference, inputs, { epsilon });
  }

  override getConfig(): Record<string, unknown> {
    return {
      momentum: this.momentum,
      epsilon: this.epsilon,
      center: this.center,
      scale: this.scale,
      ...Object.fromEntries(Object.entries(this.initializers).map(([option, { config }]) => [option, config])),
      betaRegularizer: this.betaRegularizer,
      gammaRegularizer: this.gammaRegularizer,
      betaConstraint: this.betaConstraint,
      gammaConstraint: this.gammaConstraint,
    };
  }
}
