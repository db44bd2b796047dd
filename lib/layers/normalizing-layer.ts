import { checkBoolean, checkInterval } from '../check.js';
import { type Constraint, type ConstraintInput, checkConstraint } from '../constraints.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import { Layer, type LayerOptions, type Shape } from './layer.js';
import type { SameRank } from './ranks.js';

export interface NormalizingLayerOptions extends LayerOptions {
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
  /** A penalty on beta. Default: none */
  betaRegularizer?: RegularizerInput;
  gammaRegularizer?: RegularizerInput;
  /** What beta is brought back to after each update. Default: nothing */
  betaConstraint?: ConstraintInput;
  gammaConstraint?: ConstraintInput;
}

const OPTIONS = [
  'epsilon',
  'center',
  'scale',
  'betaInitializer',
  'gammaInitializer',
  'betaRegularizer',
  'gammaRegularizer',
  'betaConstraint',
  'gammaConstraint',
];

/** What normalizations have in common: gamma and beta, by which (x - mean) / sqrt(variance + epsilon) is scaled and moved. */
export abstract class NormalizingLayer extends Layer<SameRank> {
  override readonly supportsMasking = true;
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
  readonly betaInitializer: Initializer;
  readonly gammaInitializer: Initializer;
  readonly betaRegularizer?: Regularizer;
  readonly gammaRegularizer?: Regularizer;
  readonly betaConstraint?: Constraint;
  readonly gammaConstraint?: Constraint;

  constructor(options: NormalizingLayerOptions, own: readonly string[]) {
    super(options, [...own, ...OPTIONS]);
    this.epsilon = checkInterval('epsilon', options.epsilon ?? 1e-3, 0, Number.POSITIVE_INFINITY, 'low');
    this.center = checkBoolean('center', options.center ?? true);
    this.scale = checkBoolean('scale', options.scale ?? true);
    this.betaInitializer = getInitializer('betaInitializer', options.betaInitializer ?? 'zeros');
    this.gammaInitializer = getInitializer('gammaInitializer', options.gammaInitializer ?? 'ones');
    this.betaRegularizer = checkRegularizer('betaRegularizer', options.betaRegularizer);
    this.gammaRegularizer = checkRegularizer('gammaRegularizer', options.gammaRegularizer);
    this.betaConstraint = checkConstraint('betaConstraint', options.betaConstraint);
    this.gammaConstraint = checkConstraint('gammaConstraint', options.gammaConstraint);
  }

  /** Declares gamma and beta of this shape, those that there are. */
  protected addGammaAndBeta(shape: Shape): void {
    const ofGamma = { regularizer: this.gammaRegularizer, constraint: this.gammaConstraint };
    if (this.scale) this.addWeight('gamma', shape, this.gammaInitializer, ofGamma);
    const ofBeta = { regularizer: this.betaRegularizer, constraint: this.betaConstraint };
    if (this.center) this.addWeight('beta', shape, this.betaInitializer, ofBeta);
  }

  override getConfig(): Record<string, unknown> {
    return {
      epsilon: this.epsilon,
      center: this.center,
      scale: this.scale,
      betaInitializer: this.betaInitializer.config,
      gammaInitializer: this.gammaInitializer.config,
      betaRegularizer: this.betaRegularizer,
      gammaRegularizer: this.gammaRegularizer,
      betaConstraint: this.betaConstraint,
      gammaConstraint: this.gammaConstraint,
    };
  }
}
