import { checkBoolean, checkInterval, wrongType } from '../check.js';
import { type Constraint, type ConstraintInput, checkConstraint } from '../constraints.js';
import { constant } from '../graph/broadcast.js';
import { layerNormalization } from '../graph/ops/normalization.js';
import { applyOp, type Value } from '../graph/value.js';
import { getInitializer, type Initializer, type InitializerInput } from '../initializers.js';
import { ops } from '../ops.js';
import { checkRegularizer, type Regularizer, type RegularizerInput } from '../regularizers.js';
import { checkAxis, sampleAxis } from './axis.js';
import { Layer, type LayerOptions, type Shape, type Weights, wrongInput } from './layer.js';
import type { SameRank } from './ranks.js';

export interface LayerNormalizationOptions extends LayerOptions {
  /**
   * The axis, or the axes, along which there is one mean and one variance, counted with the batch, as Keras: 1 is the first
   * axis of a sample, -1 (the default) the last.
   */
  axis?: number | readonly number[];
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
  'axis',
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

/**
 * gamma * (x - mean) / sqrt(variance + epsilon) + beta, with mean and variance (divided by n) of each sample along its last
 * axis, or along those of `axis` together; gamma and beta have their lengths (Ba, Kiros and Hinton, 2016). As Keras'
 * LayerNormalization.
 */
export class LayerNormalization extends Layer<SameRank> {
  override readonly className = 'LayerNormalization';
  override readonly supportsMasking = true;
  readonly axis: number | readonly number[];
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
  readonly betaInitializer: Initializer;
  readonly gammaInitializer: Initializer;
  readonly betaRegularizer?: Regularizer;
  readonly gammaRegularizer?: Regularizer;
  readonly betaConstraint?: Constraint;
  readonly gammaConstraint?: Constraint;

  constructor(options: LayerNormalizationOptions = {}) {
    super(options, OPTIONS);
    this.axis = checkAxes(options.axis ?? -1);
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

  override build(inputShape: Shape): void {
    const shape = this.#axes(inputShape).map((axis) => inputShape[axis]);
    const ofGamma = { regularizer: this.gammaRegularizer, constraint: this.gammaConstraint };
    if (this.scale) this.addWeight('gamma', shape, this.gammaInitializer, ofGamma);
    const ofBeta = { regularizer: this.betaRegularizer, constraint: this.betaConstraint };
    if (this.center) this.addWeight('beta', shape, this.betaInitializer, ofBeta);
  }

  call(x: Value, weights: Weights): Value {
    const axes = this.#axes(x.shape);
    const shape = axes.map((axis) => x.shape[axis]);
    const { gamma = constant(shape, 1), beta = constant(shape, 0) } = weights;
    // rows lie together where the axes are the last ones
    const order = [...x.shape.keys()].filter((axis) => !axes.includes(axis)).concat(axes);
    const rows = applyOp(layerNormalization, [ops.transpose(x, order), gamma, beta], { epsilon: this.epsilon });
    return ops.transpose(
      rows,
      order.map((_, axis) => order.indexOf(axis)),
    );
  }

  override getConfig(): Record<string, unknown> {
    const { axis, epsilon, center, scale, betaRegularizer, gammaRegularizer, betaConstraint, gammaConstraint } = this;
    const betaInitializer = this.betaInitializer.config;
    const gammaInitializer = this.gammaInitializer.config;
    const rules = { betaRegularizer, gammaRegularizer, betaConstraint, gammaConstraint };
    return { axis, epsilon, center, scale, betaInitializer, gammaInitializer, ...rules };
  }

  /** Those of a sample, in their order. */
  #axes(inputShape: Shape): number[] {
    const given = [this.axis].flat();
    const axes = given.map((axis) => {
      const own = sampleAxis(axis, inputShape.length);
      if (own === undefined) throw wrongInput(this, `of an axis ${axis} (0 is that of the batch)`, inputShape);
      return own;
    });
    if (new Set(axes).size < axes.length)
      throw wrongInput(this, `of axes [${given.join(', ')}] that all differ`, inputShape);
    return axes.sort((a, b) => a - b);
  }
}

/** One axis, or some. */
function checkAxes(value: unknown): number | readonly number[] {
  if (!Array.isArray(value)) return checkAxis('axis', value);
  if (value.length === 0) throw wrongType('axis', 'an axis or an array of some', value);
  return Array.from(value, (axis, i) => checkAxis(`axis[${i}]`, axis));
}
